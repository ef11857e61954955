//! `/api/bellbuoy/query_explain`: what each part of a query gives at one time, so that a person sees where the data end.
//!
//! In:    a query and a time. Out: its nodes, depth first, each evaluated by itself.
//! Never: runs longer than `TIME_MAX` or over more than `NODES_MAX` nodes; what was left out says so.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::extract::State;
use bellbuoy_promql::{Answer as Evaluated, Expr, ExprKind, Value as QueryValue, parse};
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis, Timestamp, format_float};
use serde_json::{Value, json};

use super::super::answer::{Answer, success};
use super::super::params::{Params, invalid};
use super::super::parse::{Utf16, kind_word};
use crate::app::App;
use crate::clock::{self, Stopwatch};
use crate::wire::labels_json;

const NODES_MAX: usize = 200;
const TIME_MAX: Millis = Millis::from_seconds(10);
const EXAMPLES: usize = 5;
/// Labels of more series than this are not counted.
const COUNTED_MAX: usize = 20_000;
const LABELS_MAX: usize = 50;

pub async fn explain(State(app): State<Arc<App>>, params: Params) -> Answer {
    let at = params.time("time")?.unwrap_or_else(clock::now);
    let text = params.get("query").unwrap_or("").to_string();
    let expr = parse(&text).map_err(|error| invalid("query", &error.to_string()))?;
    success(tokio::task::block_in_place(|| build(&app, &text, &expr, at)))
}

/// A part of the query: the bytes of it, what it is called, and below which one it stands.
struct Node {
    parent: Option<usize>,
    depth: usize,
    bytes: std::ops::Range<usize>,
    kind: &'static str,
    label: String,
}

fn build(app: &App, text: &str, expr: &Expr, at: Timestamp) -> Value {
    let watch = Stopwatch::start();
    let (mut nodes, mut left_out) = (Vec::new(), false);
    collect(expr, None, 0, &mut nodes, &mut left_out);
    let units = Utf16::of(text);
    let shown: Vec<Value> = nodes
        .iter()
        .enumerate()
        .map(|(id, node)| {
            let part = text.get(node.bytes.clone()).unwrap_or("");
            let mut out = json!({
                "id": id, "parent": node.parent, "depth": node.depth, "start": units.at(node.bytes.start), "end": units.at(node.bytes.end),
                "text": part, "type": node.kind, "label": node.label,
            });
            if watch.elapsed() > TIME_MAX {
                left_out = true;
                put_error(&mut out, "not evaluated: the other parts took too long");
            } else {
                evaluate(app, part, at, watch, &mut out);
            }
            out
        })
        .collect();
    json!({"at": at.rfc3339(), "query": text, "tookSeconds": watch.seconds(), "truncated": left_out, "nodes": shown})
}

fn collect(expr: &Expr, parent: Option<usize>, depth: usize, out: &mut Vec<Node>, left_out: &mut bool) {
    if out.len() >= NODES_MAX {
        *left_out = true;
        return;
    }
    if let ExprKind::Binary(binary) = &expr.kind {
        return chain(binary, binary.rest.len(), expr.place.start, parent, depth, out, left_out);
    }
    let id = out.len();
    let (kind, label) = named(expr);
    out.push(Node { parent, depth, bytes: expr.span(), kind, label });
    match &expr.kind {
        ExprKind::Subquery(subquery) => collect(&subquery.expr, Some(id), depth + 1, out, left_out),
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => collect(inner, Some(id), depth + 1, out, left_out),
        ExprKind::Aggregate(aggregate) => {
            aggregate.param.iter().for_each(|param| collect(param, Some(id), depth + 1, out, left_out));
            collect(&aggregate.expr, Some(id), depth + 1, out, left_out);
        }
        ExprKind::Call(call) => call.args.iter().for_each(|arg| collect(arg, Some(id), depth + 1, out, left_out)),
        _ => {}
    }
}

/// The first `count` terms: the operator above, its left side with the terms before it below.
fn chain(
    binary: &bellbuoy_promql::Binary,
    count: usize,
    start: usize,
    parent: Option<usize>,
    depth: usize,
    out: &mut Vec<Node>,
    left_out: &mut bool,
) {
    let Some(term) = count.checked_sub(1).and_then(|last| binary.rest.get(last)) else {
        return collect(&binary.first, parent, depth, out, left_out);
    };
    if out.len() >= NODES_MAX {
        *left_out = true;
        return;
    }
    let id = out.len();
    let bool_word = if term.bool_result { " bool" } else { "" };
    let label = format!("{}{bool_word}", term.op.symbol());
    out.push(Node { parent, depth, bytes: start..term.expr.place.end, kind: "binaryExpr", label });
    chain(binary, count - 1, start, Some(id), depth + 1, out, left_out);
    collect(&term.expr, Some(id), depth + 1, out, left_out);
}

fn named(expr: &Expr) -> (&'static str, String) {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Duration(_) => ("numberLiteral", expr.to_string()),
        ExprKind::Text(_) => ("stringLiteral", expr.to_string()),
        ExprKind::Vector(_) => ("vectorSelector", expr.to_string()),
        ExprKind::Range(_) => ("matrixSelector", expr.to_string()),
        ExprKind::Subquery(subquery) => {
            ("subquery", format!("[{}:{}]", subquery.range, subquery.step.map(|step| step.to_string()).unwrap_or_default()))
        }
        ExprKind::Paren(_) => ("parenExpr", "( )".to_string()),
        ExprKind::Unary { negate, .. } => ("unaryExpr", if *negate { "-" } else { "+" }.to_string()),
        ExprKind::Binary(_) => ("binaryExpr", String::new()),
        ExprKind::Aggregate(aggregate) => {
            let word = if aggregate.without { " without" } else { " by" };
            let by = if aggregate.grouping.is_empty() && !aggregate.without {
                String::new()
            } else {
                format!("{word} ({})", aggregate.grouping.join(", "))
            };
            ("aggregation", format!("{}{by}", aggregate.op.name()))
        }
        ExprKind::Call(call) => ("call", call.function.name.to_string()),
    }
}

fn put_error(out: &mut Value, error: &str) {
    out["error"] = json!(error);
    for name in ["valueType", "series", "samples", "value", "seconds"] {
        out[name] = Value::Null;
    }
    (out["labels"], out["examples"], out["warnings"]) = (json!({}), json!([]), json!([]));
}

fn evaluate(app: &App, part: &str, at: Timestamp, whole: Stopwatch, out: &mut Value) {
    let expr = match parse(part) {
        Ok(expr) => expr,
        Err(error) => return put_error(out, &format!("not evaluated: {error}")),
    };
    let watch = Stopwatch::start();
    let evaluated = app.path.engine.instant_until(&expr, &*app.path.store, at, &|| whole.elapsed() > TIME_MAX);
    match evaluated {
        Err(error) => {
            put_error(out, &format!("not evaluated: {error}"));
            out["valueType"] = json!(kind_word(expr.value_type()));
        }
        Ok(answer) => put_answer(out, &answer, watch.seconds()),
    }
}

fn put_answer(out: &mut Value, answer: &Evaluated, seconds: f64) {
    out["error"] = Value::Null;
    out["seconds"] = json!(seconds);
    out["valueType"] = json!(kind_word(answer.value.value_type()));
    out["warnings"] = json!(answer.warnings.iter().chain(&answer.infos).collect::<Vec<_>>());
    let (mut series, mut samples, mut value) = (Value::Null, json!(answer.samples_read), Value::Null);
    let (mut labels, mut examples) = (json!({}), Vec::new());
    match &answer.value {
        QueryValue::Scalar(sample) => value = json!(format_float(sample.value)),
        QueryValue::Text(_, text) => value = json!(text),
        QueryValue::Vector(elements) => {
            let number = |number: &bellbuoy_promql::Number| number.float().map_or("histogram".to_string(), format_float);
            series = json!(elements.len());
            if let [only] = elements.as_slice() {
                value = json!(number(&only.value));
            }
            labels = counted(elements.iter().map(|element| &element.labels));
            examples
                .extend(elements.iter().take(EXAMPLES).map(|one| json!({"metric": labels_json(&one.labels), "value": number(&one.value)})));
        }
        QueryValue::Matrix(all) => {
            series = json!(all.len());
            samples = json!(all.iter().map(|one| one.points.floats.len() + one.points.histograms.len()).sum::<usize>());
            labels = counted(all.iter().map(|one| &one.labels));
            let last = |one: &bellbuoy_promql::SeriesPoints| {
                one.points.floats.last().map_or("histogram".to_string(), |sample| format_float(sample.value))
            };
            examples.extend(all.iter().take(EXAMPLES).map(|one| json!({"metric": labels_json(&one.labels), "value": last(one)})));
        }
    }
    (out["series"], out["samples"], out["value"], out["labels"], out["examples"]) = (series, samples, value, labels, json!(examples));
}

/// How many values each label has.
fn counted<'a>(all: impl Iterator<Item = &'a Labels>) -> Value {
    let mut found: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for labels in all.take(COUNTED_MAX) {
        for (name, value) in labels {
            if name != METRIC_NAME && (found.len() < LABELS_MAX || found.contains_key(name)) {
                found.entry(name).or_default().insert(value);
            }
        }
    }
    json!(found.into_iter().map(|(name, values)| (name, values.len())).collect::<BTreeMap<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `depth label` of each node, and that each is a query by itself.
    fn check(query: &str, expected: &[&str]) {
        let (mut nodes, mut left_out) = (Vec::new(), false);
        collect(&parse(query).expect("a query"), None, 0, &mut nodes, &mut left_out);
        let shown: Vec<String> =
            nodes.iter().map(|node| format!("{} {} | {}", node.depth, node.label, &query[node.bytes.clone()])).collect();
        assert_eq!(shown, expected);
        assert!(!left_out && nodes.iter().all(|node| parse(&query[node.bytes.clone()]).is_ok()));
        assert!(
            nodes
                .iter()
                .enumerate()
                .all(|(id, node)| node.parent.is_none_or(|parent| parent < id && nodes[parent].depth + 1 == node.depth))
        );
    }

    #[test]
    fn parts() {
        check("a - b > bool 2", &["0 > bool | a - b > bool 2", "1 - | a - b", "2 a | a", "2 b | b", "1 2 | 2"]);
        check("a + b - c", &["0 - | a + b - c", "1 + | a + b", "2 a | a", "2 b | b", "1 c | c"]);
        check(
            "sum by (x) (rate(m{a=\"b\"}[5m] offset 1m))",
            &[
                "0 sum by (x) | sum by (x) (rate(m{a=\"b\"}[5m] offset 1m))",
                "1 rate | rate(m{a=\"b\"}[5m] offset 1m)",
                "2 m{a=\"b\"}[5m] offset 1m | m{a=\"b\"}[5m] offset 1m",
            ],
        );
        check(
            "max_over_time((-a)[5m:1m])",
            &["0 max_over_time | max_over_time((-a)[5m:1m])", "1 [5m:1m] | (-a)[5m:1m]", "2 ( ) | (-a)", "3 - | -a", "4 a | a"],
        );
    }

    #[test]
    fn nodes_are_bounded() {
        let query = vec!["a"; 500].join(" + ");
        let (mut nodes, mut left_out) = (Vec::new(), false);
        collect(&parse(&query).expect("a query"), None, 0, &mut nodes, &mut left_out);
        assert_eq!((nodes.len(), left_out), (NODES_MAX, true));
    }
}
