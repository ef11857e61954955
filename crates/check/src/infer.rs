//! Label inference: an expression to the shape of its result, and the matchings on the way that can not work.
//!
//! The rules are those of Prometheus' evaluation (promql/engine.go): which labels an aggregation keeps, what a matching makes
//! equal, what `group_left` brings over, and where the metric's name goes.

use std::collections::BTreeSet;

use bellbuoy_promql::{
    Aggregate, AggregateOp, Binary, BinaryOp, Call, Expr, ExprKind, Matching, Place, Side, Term, ValueType, VectorSelector, absent_labels,
};
use bellbuoy_vocabulary::{ALERT_NAME, AnchoredRegex, BUCKET_LABEL, METRIC_NAME, MatchOp, Matcher};

use crate::graph::RuleGraph;
use crate::shape::{Presence, Shape};

pub(crate) const NAME: &str = METRIC_NAME;

/// Regexes of more words than this are not looked into.
const WORDS_MAX: usize = 32;

/// Two sides that can not meet.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    pub op: BinaryOp,
    pub op_place: Place,
    pub label: String,
    /// Follows from the semantics alone.
    pub sure: bool,
    /// `None`: both sides always have the label, with different values.
    pub holder: Option<Side>,
    pub left: Shape,
    pub right: Shape,
    pub matching: Matching,
}

/// The labels that the series of `expr` have. A scalar has none.
pub fn labels_of(expr: &Expr, graph: &RuleGraph) -> Shape {
    infer(expr, graph, &mut Vec::new())
}

pub(crate) fn infer(expr: &Expr, graph: &RuleGraph, conflicts: &mut Vec<Conflict>) -> Shape {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Duration(_) | ExprKind::Text(_) => Shape::empty(),
        ExprKind::Vector(selector) => selected(selector, graph),
        ExprKind::Range(range) => selected(&range.selector, graph),
        ExprKind::Subquery(subquery) => infer(&subquery.expr, graph, conflicts),
        ExprKind::Paren(inner) => infer(inner, graph, conflicts),
        ExprKind::Unary { negate, expr } => {
            let mut shape = infer(expr, graph, conflicts);
            if *negate {
                shape.set(NAME, Presence::Never);
            }
            shape
        }
        ExprKind::Binary(inner) => binary(inner, graph, conflicts),
        ExprKind::Aggregate(inner) => aggregated(inner, graph, conflicts),
        ExprKind::Call(inner) => called(inner, graph, conflicts),
    }
}

fn selected(selector: &VectorSelector, graph: &RuleGraph) -> Shape {
    let name = exact_name(selector);
    let recorded = name.and_then(|name| graph.recorded(name)).cloned();
    let mut shape = recorded.or_else(|| graph.seen(name?, selector)).unwrap_or_else(|| exposed(name));
    for matcher in &selector.matchers {
        apply_matcher(&mut shape, matcher);
    }
    shape
}

/// The metric's name when the selector asks for exactly one.
pub(crate) fn exact_name(selector: &VectorSelector) -> Option<&str> {
    let by_matcher = || selector.matchers.iter().find(|m| m.name == NAME && m.op == MatchOp::Equal).map(|m| m.value.as_str());
    selector.name.as_deref().or_else(by_matcher).filter(|name| !name.is_empty())
}

/// What is known by convention of a series that no rule records.
fn exposed(name: Option<&str>) -> Shape {
    let mut shape = Shape::open();
    match name {
        None => {}
        // The name of a recording rule, by convention; it may be federated.
        Some(name) if name.contains(':') => {}
        Some("ALERTS" | "ALERTS_FOR_STATE") => {
            shape.set(ALERT_NAME, Presence::Always);
            if name == Some("ALERTS") {
                shape.set("alertstate", Presence::Always);
            }
        }
        Some(name) => {
            // Every target has both; only relabelling on purpose or a push takes them away.
            shape.set("job", Presence::Expected);
            shape.set("instance", Presence::Expected);
            if name.ends_with("_count") || name.ends_with("_sum") {
                shape.set(BUCKET_LABEL, Presence::Unlikely);
            }
        }
    }
    shape
}

fn apply_matcher(shape: &mut Shape, matcher: &Matcher) {
    if !matcher.matches_empty() {
        let words: Option<BTreeSet<String>> = match matcher.op {
            MatchOp::Equal => Some([matcher.value.clone()].into()),
            MatchOp::Regex => matcher.alternatives().filter(|words| words.len() <= WORDS_MAX).map(|words| words.iter().cloned().collect()),
            MatchOp::NotEqual | MatchOp::NotRegex => None,
        };
        match (words, shape.values(&matcher.name)) {
            (Some(words), known) => {
                let words = known.map_or(words.clone(), |known| known & &words);
                shape.set_values(&matcher.name, words);
            }
            (None, Some(_)) => {}
            (None, None) => shape.set(&matcher.name, Presence::Always),
        }
    } else if matcher.op == MatchOp::Equal {
        shape.set(&matcher.name, Presence::Never);
    }
}

fn aggregated(aggregate: &Aggregate, graph: &RuleGraph, conflicts: &mut Vec<Conflict>) -> Shape {
    if let Some(param) = &aggregate.param {
        infer(param, graph, conflicts);
    }
    let inner = infer(&aggregate.expr, graph, conflicts);
    use AggregateOp::*;
    if matches!(aggregate.op, Topk | Bottomk | Limitk | LimitRatio) {
        return inner;
    }
    let mut shape = if aggregate.without {
        let mut shape = inner;
        shape.set(NAME, Presence::Never);
        aggregate.grouping.iter().for_each(|label| shape.set(label, Presence::Never));
        shape
    } else {
        let mut shape = inner.keep(&aggregate.grouping);
        for label in &aggregate.grouping {
            // The author counts on it.
            if matches!(shape.presence(label), Presence::Maybe | Presence::Unlikely) {
                shape.set(label, Presence::Expected);
            }
        }
        shape
    };
    if let (CountValues, Some(ExprKind::Text(label))) = (aggregate.op, aggregate.param.as_ref().map(|param| &param.unparenthesized().kind))
    {
        // What `without` lists goes, the label of the value too.
        let listed = aggregate.without && aggregate.grouping.contains(label);
        shape.set(label, if listed { Presence::Never } else { Presence::Always });
    }
    shape
}

fn called(call: &Call, graph: &RuleGraph, conflicts: &mut Vec<Conflict>) -> Shape {
    // Each argument is gone through for its conflicts; the first vector's shape is the result's.
    let mut input = None;
    for arg in &call.args {
        let shape = infer(arg, graph, conflicts);
        if matches!(arg.value_type(), ValueType::Vector | ValueType::Matrix) && input.is_none() {
            input = Some(shape);
        }
    }
    let Some(mut shape) = input else { return Shape::empty() };
    match call.function.name {
        "absent" | "absent_over_time" => return asked(&call.args[0]),
        "scalar" => return Shape::empty(),
        "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {}
        "last_over_time" => {}
        "label_replace" => replace(&mut shape, &call.args),
        "label_join" => join(&mut shape, &call.args),
        name => {
            shape.set(NAME, Presence::Never);
            if matches!(name, "histogram_quantile" | "histogram_fraction") {
                shape.set(BUCKET_LABEL, Presence::Unlikely);
            }
        }
    }
    shape
}

/// `absent` gives the labels that its matchers ask for.
fn asked(arg: &Expr) -> Shape {
    let mut shape = Shape::empty();
    for (name, value) in &absent_labels(arg) {
        shape.set_values(name, [value.to_string()].into());
    }
    shape
}

fn text(expr: &Expr) -> Option<&str> {
    match &expr.unparenthesized().kind {
        ExprKind::Text(text) => Some(text),
        _ => None,
    }
}

/// label_replace(v, target, replacement, source, regex)
fn replace(shape: &mut Shape, args: &[Expr]) {
    let (Some(target), Some(replacement), Some(source), Some(pattern)) = (text(&args[1]), text(&args[2]), text(&args[3]), text(&args[4]))
    else {
        *shape = Shape::open();
        return;
    };
    let constant = !replacement.contains('$');
    let everywhere = matches!(pattern, ".*" | "(.*)")
        || (shape.presence(source) == Presence::Never && AnchoredRegex::new(pattern).is_ok_and(|regex| regex.is_match("")));
    match (everywhere, constant, replacement.is_empty()) {
        (true, true, false) => shape.set_values(target, [replacement.to_string()].into()),
        (true, true, true) => shape.set(target, Presence::Never),
        _ => shape.set(target, Presence::Maybe),
    }
}

/// label_join(v, target, separator, sources...)
fn join(shape: &mut Shape, args: &[Expr]) {
    let (Some(target), Some(separator)) = (text(&args[1]), text(&args[2])) else {
        *shape = Shape::open();
        return;
    };
    let presences: Vec<Presence> = args[3..].iter().map(|arg| text(arg).map_or(Presence::Maybe, |source| shape.presence(source))).collect();
    let separated = !separator.is_empty() && presences.len() > 1;
    let presence = if separated || presences.contains(&Presence::Always) {
        Presence::Always
    } else if presences.iter().all(|presence| *presence == Presence::Never) {
        Presence::Never
    } else {
        Presence::Maybe
    };
    shape.set(target, presence);
}

fn binary(binary: &Binary, graph: &RuleGraph, conflicts: &mut Vec<Conflict>) -> Shape {
    let mut left = infer(&binary.first, graph, conflicts);
    let mut left_is_vector = binary.first.value_type() == ValueType::Vector;
    for term in &binary.rest {
        let right = infer(&term.expr, graph, conflicts);
        let right_is_vector = term.expr.value_type() == ValueType::Vector;
        left = match (left_is_vector, right_is_vector) {
            (true, true) => {
                conflicts.extend(conflict(term, &left, &right));
                matched(term, left, &right)
            }
            (true, false) => with_scalar(term, left),
            (false, true) => with_scalar(term, right),
            (false, false) => Shape::empty(),
        };
        left_is_vector |= right_is_vector;
    }
    left
}

fn drops_name(term: &Term) -> bool {
    !term.op.is_set() && (!term.op.is_comparison() || term.bool_result)
}

fn with_scalar(term: &Term, mut shape: Shape) -> Shape {
    if drops_name(term) {
        shape.set(NAME, Presence::Never);
    }
    shape
}

/// Whether a label takes part in the matching.
pub(crate) fn is_matched(matching: &Matching, label: &str) -> bool {
    let listed = matching.labels.iter().any(|listed| listed == label);
    if matching.on { listed } else { !listed && label != NAME }
}

fn conflict(term: &Term, left: &Shape, right: &Shape) -> Option<Conflict> {
    if term.op == BinaryOp::Or {
        return None;
    }
    let names: BTreeSet<&str> = left.named().chain(right.named()).filter(|label| is_matched(&term.matching, label)).collect();
    let mut found: Option<Conflict> = None;
    for label in names {
        let (a, b) = (left.presence(label), right.presence(label));
        let disjoint = match (left.values(label), right.values(label)) {
            // A side without any value has nothing at all, and was told of where that begins.
            (Some(a), Some(b)) => !a.is_empty() && !b.is_empty() && a.is_disjoint(b),
            _ => false,
        };
        let (sure, holder) = if disjoint {
            (true, None)
        } else if a >= Presence::Expected && b <= Presence::Unlikely {
            (a == Presence::Always && b == Presence::Never, Some(Side::Left))
        } else if b >= Presence::Expected && a <= Presence::Unlikely {
            (b == Presence::Always && a == Presence::Never, Some(Side::Right))
        } else {
            continue;
        };
        // The surest one is told; among equals one that the author names rather than `instance`.
        let usual = |label: &str| label == "instance" || label == "job";
        let better = found.as_ref().is_none_or(|old| (sure, !usual(label)) > (old.sure, !usual(&old.label)));
        if better {
            let (left, right, matching) = (left.clone(), right.clone(), term.matching.clone());
            found = Some(Conflict { op: term.op, op_place: term.op_place, label: label.to_string(), sure, holder, left, right, matching });
        }
    }
    found
}

/// The result of two vectors (Prometheus, `VectorBinop`, `resultMetric`).
fn matched(term: &Term, left: Shape, right: &Shape) -> Shape {
    let matching = &term.matching;
    match term.op {
        BinaryOp::Or => return left.join(right),
        BinaryOp::Unless => return left,
        _ => {}
    }
    let many_is_right = matching.group.as_ref().is_some_and(|group| group.side == Side::Right);
    let (mut many, one) = if many_is_right { (right.clone(), &left) } else { (left.clone(), right) };
    many.refine(one, &|label| is_matched(matching, label));
    if !matching.on && !one.is_open() && many.is_open() {
        // Every label but the listed ones is compared: what the other side never has, no matched series has.
        let mut except: BTreeSet<&str> = matching.labels.iter().map(String::as_str).collect();
        except.insert(NAME);
        many.close(&except);
    }
    if term.op == BinaryOp::And {
        return many;
    }
    if drops_name(term) {
        many.set(NAME, Presence::Never);
    }
    match &matching.group {
        None if matching.on => many.keep(&matching.labels),
        None => {
            matching.labels.iter().for_each(|label| many.set(label, Presence::Never));
            many
        }
        Some(group) => {
            group.include.iter().for_each(|label| many.copy(label, one));
            many
        }
    }
}
