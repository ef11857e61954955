//! Whatever is called impossible never happens: random expressions over random series, evaluated by the real engine.

use bellbuoy_promql::{BinaryOp, Engine, Expr, ExprKind, MemorySource, Options, Value, parse};
use bellbuoy_vocabulary::{Labels, Timestamp};
use proptest::prelude::*;

use crate::bounds::bounds_of;
use crate::graph::RuleGraph;
use crate::infer::infer;
use crate::shape::Presence;

const NAMES: [&str; 4] = ["a", "b_total", "c_count", "up"];
const LABELS: [&str; 4] = ["x", "y", "le", "job"];
const NOW: Timestamp = Timestamp(600_000);

fn series() -> impl Strategy<Value = Vec<(Labels, [f64; 3])>> {
    let value = prop::sample::select(vec![-2.0, 0.0, 0.25, 1.0, 3.0, f64::NAN, f64::INFINITY]);
    let labels = (prop::sample::select(NAMES.to_vec()), prop::array::uniform4(prop::sample::select(vec!["", "1", "2"])));
    let one = (labels, prop::array::uniform3(value)).prop_map(|((name, values), points)| {
        let pairs = LABELS.iter().copied().zip(values).chain([("__name__", name)]);
        (Labels::from_pairs(pairs), points)
    });
    prop::collection::vec(one, 0..10)
}

fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(LABELS.to_vec())
}

fn selector() -> impl Strategy<Value = String> {
    let matcher = (label(), prop::sample::select(vec!["=\"1\"", "=\"\"", "!=\"\"", "=~\"1|2\"", "=~\"2|3\"", "!=\"2\"", "!~\"1.*\""]));
    (prop::sample::select(NAMES.to_vec()), prop::collection::vec(matcher, 0..3)).prop_map(|(name, matchers)| {
        let words: Vec<String> = matchers.iter().map(|(label, ask)| format!("{label}{ask}")).collect();
        format!("{name}{{{}}}", words.join(","))
    })
}

fn list() -> impl Strategy<Value = String> {
    prop::collection::vec(label(), 0..3).prop_map(|labels| labels.join(","))
}

fn operator() -> impl Strategy<Value = String> {
    let op = prop::sample::select(vec!["+", "-", "*", "/", ">", "<=", "==", "!=", "> bool", "and", "or", "unless"]);
    let matching = prop::sample::select(vec!["", "", "on", "ignoring"]);
    let group = prop::sample::select(vec!["", "group_left", "group_right"]);
    (op, matching, list(), group, prop::sample::select(vec!["", "x", "job"])).prop_map(|(op, matching, labels, group, include)| {
        match matching {
            "" => op.to_string(),
            _ if group.is_empty() || matches!(op, "and" | "or" | "unless") => format!("{op} {matching}({labels})"),
            // What is matched on can not be included.
            _ if matching == "on" && labels.split(',').any(|label| label == include) => format!("{op} {matching}({labels}) {group}()"),
            _ => format!("{op} {matching}({labels}) {group}({include})"),
        }
    })
}

fn expression() -> impl Strategy<Value = String> {
    let over_time = prop::sample::select(vec![
        "rate",
        "increase",
        "delta",
        "changes",
        "count_over_time",
        "avg_over_time",
        "last_over_time",
        "absent_over_time",
    ]);
    let leaf = prop_oneof![
        4 => selector(),
        2 => (over_time, selector()).prop_map(|(function, selector)| format!("{function}({selector}[10m])")),
        1 => Just("vector(1)".to_string()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let number = || prop::sample::select(vec!["-1", "0", "0.5", "1", "2"]);
        let by = prop::sample::select(vec!["by", "without"]);
        let aggregation = prop::sample::select(vec!["sum", "avg", "max", "count", "group", "stddev", "topk", "quantile", "count_values"]);
        let function = prop::sample::select(vec!["abs(@)", "-(@)", "+(@)", "sort(@)", "absent(@)", "sgn(@)", "hour(@)", "clamp(@, 0, 1)", "clamp_max(@, 1)", "sqrt(@)"]);
        let compared = prop::sample::select(vec!["@ > ", "@ <= ", "@ == ", "@ > bool ", "@ * ", "@ - "]);
        let replacement = (label(), label(), prop::sample::select(vec!["\"k\"", "\"\"", "\"$1\""]), prop::sample::select(vec!["\"(.*)\"", "\"1\"", "\"\""]));
        prop_oneof![
            3 => (inner.clone(), operator(), inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            2 => (aggregation, by, list(), number(), inner.clone()).prop_map(|(op, by, labels, number, inner)| match op {
                "topk" | "quantile" => format!("{op} {by} ({labels}) ({number}, {inner})"),
                "count_values" => format!("{op} {by} ({labels}) (\"x\", {inner})"),
                _ => format!("{op} {by} ({labels}) ({inner})"),
            }),
            1 => (function, inner.clone()).prop_map(|(function, inner)| function.replace('@', &inner)),
            1 => (compared, number(), inner.clone()).prop_map(|(op, number, inner)| format!("{}{number}", op.replace('@', &format!("({inner})")))),
            1 => (replacement, inner.clone()).prop_map(|((to, from, text, regex), inner)| format!("label_replace({inner}, \"{to}\", {text}, \"{from}\", {regex})")),
            1 => (label(), label(), label(), inner).prop_map(|(to, a, b, inner)| format!("label_join({inner}, \"{to}\", \"\", \"{a}\", \"{b}\")")),
        ]
    })
}

/// Whether the operator at the top has sides that surely can not meet.
fn impossible(expr: &Expr) -> bool {
    let ExprKind::Binary(binary) = &expr.kind else { return false };
    let [term] = binary.rest.as_slice() else { return false };
    let mut conflicts = Vec::new();
    infer(expr, &RuleGraph::default(), &mut conflicts);
    term.op != BinaryOp::Unless && conflicts.iter().any(|conflict| conflict.sure && conflict.op_place == term.op_place)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_impossible_never_happens(text in expression(), series in series()) {
        let expr = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut source = MemorySource::new();
        for (labels, points) in &series {
            for (at, value) in points.iter().enumerate() {
                source.add(labels, Timestamp(NOW.0 - 240_000 + 120_000 * at as i64), *value);
            }
        }
        // Errors of matching (many to many) are no result.
        let Ok(answer) = Engine::new(Options::default()).instant(&expr, &source, NOW) else { return Ok(()) };
        let Value::Vector(elements) = answer.value else { return Ok(()) };
        let shape = infer(&expr, &RuleGraph::default(), &mut Vec::new());
        let bounds = bounds_of(&expr);
        prop_assert!(!impossible(&expr) || elements.is_empty(), "{text}: {elements:?}");
        for element in &elements {
            for (name, value) in &element.labels {
                prop_assert!(shape.presence(name) != Presence::Never, "{text}: has {name}: {shape:?}");
                prop_assert!(shape.values(name).is_none_or(|values| values.contains(value)), "{text}: {name}={value}: {shape:?}");
            }
            for name in shape.named().filter(|name| shape.presence(name) == Presence::Always) {
                prop_assert!(element.labels.has(name), "{text}: lacks {name}: {}", element.labels);
            }
            let Some(value) = element.value.float().filter(|value| !value.is_nan() && !bounds.by_name) else { continue };
            prop_assert!(!bounds.whole || value.is_infinite() || value.fract() == 0.0, "{text}: {value} is not whole");
            prop_assert!(!bounds.is_empty(), "{text}: {value} although nothing can pass");
            prop_assert!(bounds.lo - 1e-9 <= value && value <= bounds.hi + 1e-9, "{text}: {value} out of {bounds:?}");
        }
    }
}
