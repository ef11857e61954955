//! What is said of an expression for sure, in a form that a result can break.
//!
//! In:    an expression with its text, the rule graph, the findings about it. Out: `Claims` on every series of the result, `Promise`s on
//!        parts of the text.
//! Never: evaluates anything: who has results asks `broken_by`, and evaluates the texts of the promises.
//! Holds: nothing that needs a convention is among them, but what the names of metrics say of values (a `_total` is not below 0).

use bellbuoy_promql::{Binary, BinaryOp, Expr, ExprKind, Term};
use bellbuoy_vocabulary::{Labels, Severity};

use crate::bounds::{Bounds, bounds_of};
use crate::checks::{comparison_constant, histogram_name, label_unknown, matcher_never, matching_never, metric_unknown};
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::labels_of;
use crate::shape::{Presence, Shape};

/// Labels and value of each element of an answer.
pub type Elements = Vec<(Labels, f64)>;

/// What every series of a result has, never has, and which values are possible.
#[derive(Clone, Debug)]
pub struct Claims {
    labels: Shape,
    values: Bounds,
}

/// Of a part of an expression, as a query of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Promise {
    /// It never gives anything.
    Nothing(String),
    /// The first one gives exactly what the second one gives: nothing is taken away, but for values that are no number.
    Same(String, String),
}

impl Claims {
    pub fn of(expr: &Expr, graph: &RuleGraph) -> Claims {
        Claims { labels: labels_of(expr, graph), values: bounds_of(expr) }
    }

    /// Whether there is anything to break.
    pub fn says_something(&self) -> bool {
        self.labels != Shape::open() || self.values != Bounds::ANY
    }

    /// What an element of the result contradicts.
    pub fn broken_by(&self, labels: &Labels, value: f64) -> Option<String> {
        for (name, value) in labels {
            if self.labels.presence(name) == Presence::Never {
                return Some(format!("has {name:?}, which it never has"));
            }
            if self.labels.values(name).is_some_and(|values| !values.contains(value)) {
                return Some(format!("has {name}={value:?}, which is none of {:?}", self.labels.values(name)));
            }
        }
        let always = |name: &&str| self.labels.presence(name) == Presence::Always;
        if let Some(name) = self.labels.named().filter(always).find(|name| !labels.has(name)) {
            return Some(format!("lacks {name:?}, which it always has"));
        }
        if value.is_nan() {
            return None;
        }
        let rounding = 1e-9 * value.abs().clamp(1.0, 1e300);
        let out = self.values.is_empty() || value < self.values.lo - rounding || value > self.values.hi + rounding;
        if out || (self.values.whole && value.is_finite() && value.fract() != 0.0) {
            return Some(format!("is {value}, which is not in {:?}", self.values));
        }
        None
    }
}

/// What the findings on the expression that `text` was read to promise of its parts.
pub fn promises(text: &str, expr: &Expr, findings: &[&Finding]) -> Vec<Promise> {
    findings.iter().filter_map(|finding| promise(text, expr, finding)).collect()
}

fn promise(text: &str, expr: &Expr, finding: &Finding) -> Option<Promise> {
    let part = finding.at.part.clone()?;
    let slice = || text.get(part.clone()).map(str::to_string);
    let sure = finding.severity == Severity::Error;
    match finding.code {
        matching_never::CODE if sure => {
            let (binary, term) = term_at(expr, |_, term| term.op_place.start == part.start)?;
            let all = text.get(binary.first.place.start..term.expr.place.end)?.to_string();
            let left = text.get(binary.first.place.start..term.op_place.start)?.to_string();
            Some(if term.op == BinaryOp::Unless { Promise::Same(all, left) } else { Promise::Nothing(all) })
        }
        comparison_constant::CODE if comparison_constant::says_always(finding) => {
            let at = |binary: &Binary, term: &Term| binary.first.place.start == part.start && term.expr.place.end == part.end;
            let (binary, _) = term_at(expr, at)?;
            Some(Promise::Same(slice()?, text.get(binary.first.place.start..binary.first.place.end)?.to_string()))
        }
        comparison_constant::CODE if comparison_constant::says_never(finding) => slice().map(Promise::Nothing),
        label_unknown::CODE if label_unknown::says_nothing(finding) => slice().map(Promise::Nothing),
        matcher_never::CODE | metric_unknown::CODE => slice().map(Promise::Nothing),
        histogram_name::CODE if sure => slice().map(|buckets| Promise::Nothing(format!("histogram_quantile(0.5, {buckets})"))),
        _ => None,
    }
}

impl Promise {
    /// What is wrong, as far as the answers to its queries tell. `ask` gives a query's elements, or `None` when it fails.
    pub fn broken_by(&self, ask: &mut dyn FnMut(&str) -> Option<Elements>) -> Option<String> {
        match self {
            Promise::Nothing(text) => {
                let (labels, value) = ask(text)?.into_iter().next()?;
                Some(format!("`{text}` never gives anything, and gives {labels} {value}"))
            }
            Promise::Same(all, subject) => {
                let mut numbers = |text: &str| -> Option<Vec<Labels>> {
                    let mut found: Vec<Labels> =
                        ask(text)?.into_iter().filter(|(_, value)| !value.is_nan()).map(|(labels, _)| labels).collect();
                    found.sort();
                    Some(found)
                };
                let (left, right) = (numbers(all)?, numbers(subject)?);
                (left != right).then(|| format!("`{all}` lets through all of `{subject}`, and gives {left:?} of {right:?}"))
            }
        }
    }
}

/// The operator of which this is true, with the chain that it is in.
fn term_at(expr: &Expr, is_it: impl Fn(&Binary, &Term) -> bool) -> Option<(&Binary, &Term)> {
    let mut found = None;
    expr.walk(&mut |node| {
        if let ExprKind::Binary(binary) = &node.kind
            && let Some(term) = binary.rest.iter().find(|term| is_it(binary, term))
        {
            found.get_or_insert((binary, term));
        }
    });
    found
}
