//! `/api/v1/parse_query` and `format_query`: a query as a tree in Prometheus' words, each node with its place in the text.

use bellbuoy_promql::{At, Binary, BinaryOp, Expr, ExprKind, Function, Matching, Side, ValueType, VectorSelector, parse};
use bellbuoy_vocabulary::{Matcher, Millis, format_float};
use serde_json::{Value, json};

use super::answer::{Answer, success};
use super::params::{Params, invalid};

pub async fn parse_query(params: Params) -> Answer {
    let text = params.get("query").unwrap_or("");
    let expr = parse(text).map_err(|error| invalid("query", &error.to_string()))?;
    success(Tree { units: Utf16::of(text) }.node(&expr))
}

pub async fn format_query(params: Params) -> Answer {
    let expr = parse(params.get("query").unwrap_or("")).map_err(|error| invalid("query", &error.to_string()))?;
    success(json!(expr.pretty()))
}

/// From bytes of UTF-8 to the units that JavaScript counts texts in.
pub struct Utf16 {
    /// `None`: the text is ASCII and both are the same.
    ends: Option<Vec<u32>>,
}

impl Utf16 {
    pub fn of(text: &str) -> Utf16 {
        let ends = (!text.is_ascii()).then(|| {
            let mut ends = vec![0; text.len() + 1];
            let mut units = 0;
            for (at, c) in text.char_indices() {
                ends[at..at + c.len_utf8()].fill(units);
                units += c.len_utf16() as u32;
            }
            ends[text.len()] = units;
            ends
        });
        Utf16 { ends }
    }

    pub fn at(&self, byte: usize) -> usize {
        self.ends.as_ref().map_or(byte, |ends| ends.get(byte).copied().unwrap_or(0) as usize)
    }
}

struct Tree {
    units: Utf16,
}

impl Tree {
    fn node(&self, expr: &Expr) -> Value {
        let mut out = match &expr.kind {
            ExprKind::Number(value) | ExprKind::Duration(value) => json!({"type": "numberLiteral", "val": format_float(*value)}),
            ExprKind::Text(text) => json!({"type": "stringLiteral", "val": text}),
            ExprKind::Vector(selector) => selector_json("vectorSelector", selector),
            ExprKind::Range(range) => {
                let mut out = selector_json("matrixSelector", &range.selector);
                out["range"] = json!(range.range.0);
                out
            }
            ExprKind::Subquery(subquery) => {
                let mut out = json!({
                    "type": "subquery", "expr": self.node(&subquery.expr), "range": subquery.range.0, "step": subquery.step.map_or(0, |step| step.0),
                });
                put_time(&mut out, subquery.offset, subquery.at);
                out
            }
            ExprKind::Paren(inner) => json!({"type": "parenExpr", "expr": self.node(inner)}),
            ExprKind::Unary { negate, expr } => {
                json!({"type": "unaryExpr", "op": if *negate { "-" } else { "+" }, "expr": self.node(expr)})
            }
            ExprKind::Binary(binary) => return self.chain(binary, expr.place.start),
            ExprKind::Aggregate(aggregate) => json!({
                "type": "aggregation", "op": aggregate.op.name(), "expr": self.node(&aggregate.expr),
                "param": aggregate.param.as_ref().map(|param| self.node(param)), "grouping": aggregate.grouping, "without": aggregate.without,
            }),
            ExprKind::Call(call) => json!({
                "type": "call", "func": function_json(call.function), "args": call.args.iter().map(|arg| self.node(arg)).collect::<Vec<_>>(),
            }),
        };
        out["position"] = self.position(expr.place.start, expr.place.end);
        out
    }

    /// `a + b - c` is `(a + b) - c`.
    fn chain(&self, binary: &Binary, start: usize) -> Value {
        let mut left = self.node(&binary.first);
        let mut left_type = binary.first.value_type();
        for term in &binary.rest {
            let both_vectors = left_type == ValueType::Vector && term.expr.value_type() == ValueType::Vector;
            let matching = both_vectors.then(|| matching_json(&term.matching, term.op));
            left = json!({
                "type": "binaryExpr", "op": term.op.symbol(), "lhs": left, "rhs": self.node(&term.expr), "matching": matching,
                "bool": term.bool_result, "position": self.position(start, term.expr.place.end),
            });
            if term.expr.value_type() == ValueType::Vector {
                left_type = ValueType::Vector;
            }
        }
        left
    }

    fn position(&self, start: usize, end: usize) -> Value {
        json!({"start": self.units.at(start), "end": self.units.at(end)})
    }
}

fn selector_json(kind: &str, selector: &VectorSelector) -> Value {
    let mut out = json!({"type": kind, "name": selector.name.as_deref().unwrap_or(""), "matchers": selector.matchers.iter().map(matcher_json).collect::<Vec<_>>()});
    put_time(&mut out, selector.offset, selector.at);
    out
}

fn matcher_json(matcher: &Matcher) -> Value {
    json!({"name": matcher.name, "value": matcher.value, "type": matcher.op.symbol()})
}

fn put_time(out: &mut Value, offset: Millis, at: Option<At>) {
    out["offset"] = json!(offset.0);
    (out["timestamp"], out["startOrEnd"]) = match at {
        None => (Value::Null, Value::Null),
        Some(At::Time(time)) => (json!(time.0), Value::Null),
        Some(At::Start) => (Value::Null, json!("start")),
        Some(At::End) => (Value::Null, json!("end")),
    };
}

fn matching_json(matching: &Matching, op: BinaryOp) -> Value {
    let card = match &matching.group {
        _ if op.is_set() => "many-to-many",
        None => "one-to-one",
        Some(group) if group.side == Side::Left => "many-to-one",
        Some(_) => "one-to-many",
    };
    let include = matching.group.as_ref().map(|group| group.include.clone()).unwrap_or_default();
    json!({"card": card, "labels": matching.labels, "on": matching.on, "include": include})
}

fn function_json(function: &Function) -> Value {
    let word = |kind: &ValueType| kind_word(*kind);
    // Prometheus' own count: how many of the last argument may be left out, or -1 when there may be any number of them.
    let variadic = match (function.args_max, function.args.len()) {
        (max, _) if max == usize::MAX => -1,
        (max, _) => max as i64 - function.args_min as i64,
    };
    json!({
        "name": function.name, "argTypes": function.args.iter().map(word).collect::<Vec<_>>(), "variadic": variadic, "returnType": kind_word(function.returns),
    })
}

pub fn kind_word(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Scalar => "scalar",
        ValueType::Text => "string",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree without places, or the text of each place.
    fn check(query: &str, expected: &str) {
        let mut tree = Tree { units: Utf16::of(query) }.node(&parse(query).expect("a query"));
        assert_eq!(tree["position"]["end"].as_u64(), Some(query.encode_utf16().count() as u64));
        strip(&mut tree);
        assert_eq!(tree, serde_json::from_str::<Value>(expected).expect("JSON"), "{query}");
    }

    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.remove("position");
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }

    /// As Prometheus 3.5 answers; `peers_contract` of the black box tests compares many more.
    #[test]
    fn trees_are_those_of_prometheus() {
        let foo = r#"{"matchers":[{"name":"__name__","type":"=","value":"foo"}],"name":"foo","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"}"#;
        let number = |value: &str| format!(r#"{{"type":"numberLiteral","val":"{value}"}}"#);
        let minus = |left: &str, right: &str| {
            format!(r#"{{"bool":false,"lhs":{left},"matching":null,"op":"-","rhs":{right},"type":"binaryExpr"}}"#)
        };
        check("1 - 2 - 3", &minus(&minus(&number("1"), &number("2")), &number("3")));
        check("-foo", &format!(r#"{{"expr":{foo},"op":"-","type":"unaryExpr"}}"#));
        check(
            "avg without () (foo)",
            &format!(r#"{{"expr":{foo},"grouping":[],"op":"avg","param":null,"type":"aggregation","without":true}}"#),
        );
    }

    #[test]
    fn places_are_those_of_javascript() {
        let query = r#"{a="é😀"} + foo"#;
        let tree = Tree { units: Utf16::of(query) }.node(&parse(query).expect("a query"));
        assert_eq!(
            (&tree["lhs"]["position"], &tree["rhs"]["position"]),
            (&json!({"start": 0, "end": 9}), &json!({"start": 12, "end": 15}))
        );
    }
}
