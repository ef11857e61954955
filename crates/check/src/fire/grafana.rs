//! A Grafana rule as the search sees it: from its condition back to its queries, which of them have to go up and which down.
//!
//! In:    a rule of Grafana without recorded names. Out: the leaves of all its queries.

use std::collections::BTreeMap;

use super::leaves::{Leaves, Role, Want};
use bellbuoy_rules::grafana::{
    BinaryOp, Classic, ClassicReducer, Evaluator, Expression, GrafanaSettings, NodeKind, QueryKind, Reducer, Tree, UnaryOp,
};

/// What is asked of a node, and how its values are read.
type Asked = (Want, Role);

pub fn leaves(rule: &GrafanaSettings) -> Leaves {
    let mut out = Leaves::default();
    let mut asked: BTreeMap<&str, Asked> = BTreeMap::from([(rule.condition.as_str(), (Want::Up, Role::Gauge))]);
    // Who reads comes behind what is read.
    for node in rule.nodes.iter().rev() {
        let (want, role) = asked.get(node.ref_id.as_str()).copied().unwrap_or((Want::Any, Role::Gauge));
        match &node.kind {
            NodeKind::Query(query) => {
                out.add(&query.expr, want, role);
                if let QueryKind::Range { step } = query.kind {
                    out.range_max = out.range_max.max(query.from);
                    out.range_min = Some(out.range_min.unwrap_or(query.from).min(query.from).max(step));
                }
                out.range_max = out.range_max.max(query.to);
            }
            NodeKind::Expression(expression) => {
                let mut ask = |name: &str, wanted: Asked| {
                    let known = rule.nodes.iter().find(|node| node.ref_id == name).map(|node| node.ref_id.as_str());
                    let Some(known) = known else { return };
                    let entry = asked.entry(known).or_insert(wanted);
                    entry.0 = if entry.0 == wanted.0 { wanted.0 } else { Want::Any };
                    entry.1 = entry.1.max(wanted.1);
                };
                backwards(expression, (want, role), &mut out, &mut ask);
            }
        }
    }
    out.finish();
    out
}

fn backwards(expression: &Expression, (want, role): Asked, out: &mut Leaves, ask: &mut dyn FnMut(&str, Asked)) {
    match expression {
        Expression::Reduce(reduce) => {
            let want = if reduce.reducer == Reducer::Count { Want::Any } else { want };
            out.remembers |= reduce.reducer == Reducer::Count;
            ask(&reduce.input, (want, role));
        }
        Expression::Resample(resample) => {
            out.range_max = out.range_max.max(resample.from);
            ask(&resample.input, (want, role));
        }
        Expression::Threshold(threshold) => {
            let limit = limit(threshold.evaluator, out);
            ask(&threshold.input, (if want == Want::Down { limit.flipped() } else { limit }, role));
        }
        Expression::Math(math) => formula(math.tree(), (want, role), out, ask),
        Expression::Classic(classic) => conditions(classic, out, ask),
    }
}

fn conditions(classic: &Classic, out: &mut Leaves, ask: &mut dyn FnMut(&str, Asked)) {
    for condition in &classic.conditions {
        use ClassicReducer::*;
        let want = limit(condition.evaluator, out);
        let role = match condition.reducer {
            Diff | DiffAbs | PercentDiff | PercentDiffAbs => Role::Ramp,
            _ => Role::Gauge,
        };
        let counts = matches!(condition.reducer, Count | CountNonNull);
        out.remembers |= counts || role == Role::Ramp;
        ask(&condition.input, (if counts { Want::Any } else { want }, role));
    }
}

/// Where a value has to go for an evaluator to hold; its numbers are worth trying.
fn limit(evaluator: Evaluator, out: &mut Leaves) -> Want {
    use Evaluator::*;
    match evaluator {
        Above(limit) | AtLeast(limit) | NotEqual(limit) => {
            out.constants.push(limit);
            Want::Up
        }
        Below(limit) | AtMost(limit) => {
            out.constants.push(limit);
            Want::Down
        }
        Equal(limit) => {
            out.constants.push(limit);
            Want::Any
        }
        Within(a, b) | WithinIncluded(a, b) => {
            out.constants.extend([a, b, (a + b) / 2.0]);
            Want::Any
        }
        Outside(a, b) | OutsideIncluded(a, b) => {
            out.constants.extend([a, b]);
            Want::Up
        }
        NoValue => Want::Gone,
    }
}

fn formula(tree: &Tree, (want, role): Asked, out: &mut Leaves, ask: &mut dyn FnMut(&str, Asked)) {
    match tree {
        Tree::Number(number) => out.constants.push(*number),
        Tree::Constant(_) => {}
        Tree::Variable(name) => ask(name, (want, role)),
        Tree::Call(_, inner) => formula(inner, (want, role), out, ask),
        Tree::Unary(UnaryOp::Minus | UnaryOp::Not, inner) => formula(inner, (want.flipped(), role), out, ask),
        Tree::Binary(op, left, right) => {
            let (first, second) = sides(*op, want);
            formula(left, (first, role), out, ask);
            formula(right, (second, role), out, ask);
        }
    }
}

/// What the two sides of an operator of a formula have to do.
fn sides(op: BinaryOp, want: Want) -> (Want, Want) {
    use BinaryOp::*;
    match op {
        Greater | GreaterEqual if want == Want::Down => (Want::Down, Want::Up),
        Less | LessEqual if want == Want::Down => (Want::Up, Want::Down),
        Greater | GreaterEqual | NotEqual => (Want::Up, Want::Down),
        Less | LessEqual => (Want::Down, Want::Up),
        Equal | Modulo => (Want::Any, Want::Any),
        And | Or | Add | Multiply | Power => (want, want),
        Subtract | Divide => (want, want.flipped()),
    }
}
