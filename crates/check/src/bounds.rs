//! Which values an expression can have, from functions, constants and names.
//!
//! Bounds are of the numbers: NaN is outside of every interval, and every comparison with it but `!=` is false.

use bellbuoy_promql::{Aggregate, AggregateOp, Binary, BinaryOp, Call, Expr, ExprKind, Term, ValueType};

use crate::infer::exact_name;

/// `lo..hi`, each end included or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub lo: f64,
    pub hi: f64,
    pub lo_open: bool,
    pub hi_open: bool,
    /// Integers only.
    pub whole: bool,
    /// Depends on a metric's name meaning what it says.
    pub by_name: bool,
}

impl Bounds {
    pub const ANY: Bounds =
        Bounds { lo: f64::NEG_INFINITY, hi: f64::INFINITY, lo_open: false, hi_open: false, whole: false, by_name: false };

    pub const fn between(lo: f64, hi: f64) -> Bounds {
        Bounds { lo, hi, ..Bounds::ANY }
    }

    pub const fn at_least(lo: f64) -> Bounds {
        Bounds { lo, ..Bounds::ANY }
    }

    fn exactly(value: f64) -> Bounds {
        if value.is_nan() { Bounds::ANY } else { Bounds::between(value, value) }
    }

    fn whole(self) -> Bounds {
        Bounds { whole: true, ..self }
    }

    fn by_name(self) -> Bounds {
        Bounds { by_name: true, ..self }
    }

    pub fn is_any(&self) -> bool {
        self.lo == f64::NEG_INFINITY && self.hi == f64::INFINITY
    }

    pub fn is_empty(&self) -> bool {
        self.lo > self.hi || (self.lo == self.hi && (self.lo_open || self.hi_open)) || (self.whole && self.no_integer())
    }

    fn no_integer(&self) -> bool {
        let first = if self.lo_open && self.lo.fract() == 0.0 { self.lo + 1.0 } else { self.lo.ceil() };
        let last = if self.hi_open && self.hi.fract() == 0.0 { self.hi - 1.0 } else { self.hi.floor() };
        self.lo.is_finite() && self.hi.is_finite() && first > last
    }

    /// Whether every value of these is one of `other`.
    pub fn within(self, other: Bounds) -> bool {
        let both = self.intersect(other);
        (both.lo, both.hi, both.lo_open, both.hi_open) == (self.lo, self.hi, self.lo_open, self.hi_open) && (self.whole || !other.whole)
    }

    pub fn intersect(self, other: Bounds) -> Bounds {
        let (lo, lo_open) = match self.lo.total_cmp(&other.lo) {
            std::cmp::Ordering::Less => (other.lo, other.lo_open),
            std::cmp::Ordering::Greater => (self.lo, self.lo_open),
            std::cmp::Ordering::Equal => (self.lo, self.lo_open || other.lo_open),
        };
        let (hi, hi_open) = match self.hi.total_cmp(&other.hi) {
            std::cmp::Ordering::Less => (self.hi, self.hi_open),
            std::cmp::Ordering::Greater => (other.hi, other.hi_open),
            std::cmp::Ordering::Equal => (self.hi, self.hi_open || other.hi_open),
        };
        Bounds { lo, hi, lo_open, hi_open, whole: self.whole || other.whole, by_name: self.by_name || other.by_name }
    }

    fn join(self, other: Bounds) -> Bounds {
        let (lo, hi) = (self.lo.min(other.lo), self.hi.max(other.hi));
        // An end is open only if the side that brings it says so.
        let lo_open = (self.lo > lo || self.lo_open) && (other.lo > lo || other.lo_open);
        let hi_open = (self.hi < hi || self.hi_open) && (other.hi < hi || other.hi_open);
        Bounds { lo, hi, lo_open, hi_open, whole: self.whole && other.whole, by_name: self.by_name || other.by_name }
    }

    /// What of these values passes `value op limit`. `None` when that is not an interval.
    pub fn passing(self, op: BinaryOp, limit: Bounds) -> Option<Bounds> {
        let by_name = limit.by_name;
        let part = match op {
            BinaryOp::Greater => Bounds { lo: limit.lo, lo_open: true, by_name, ..Bounds::ANY },
            BinaryOp::GreaterOrEqual => Bounds { lo: limit.lo, lo_open: limit.lo_open, by_name, ..Bounds::ANY },
            BinaryOp::Less => Bounds { hi: limit.hi, hi_open: true, by_name, ..Bounds::ANY },
            BinaryOp::LessOrEqual => Bounds { hi: limit.hi, hi_open: limit.hi_open, by_name, ..Bounds::ANY },
            BinaryOp::Equal => limit,
            _ => return None,
        };
        Some(self.intersect(part))
    }
}

/// `a op b` is `b mirrored(op) a`.
pub(crate) fn mirrored(op: BinaryOp) -> BinaryOp {
    use BinaryOp::*;
    match op {
        Less => Greater,
        LessOrEqual => GreaterOrEqual,
        Greater => Less,
        GreaterOrEqual => LessOrEqual,
        other => other,
    }
}

/// The values that `expr` can have, be it a scalar, a vector or a range of values.
pub(crate) fn bounds_of(expr: &Expr) -> Bounds {
    match &expr.kind {
        ExprKind::Number(value) | ExprKind::Duration(value) => Bounds::exactly(*value),
        ExprKind::Text(_) => Bounds::ANY,
        ExprKind::Vector(selector) => exact_name(selector).map_or(Bounds::ANY, named),
        ExprKind::Range(range) => exact_name(&range.selector).map_or(Bounds::ANY, named),
        ExprKind::Subquery(subquery) => bounds_of(&subquery.expr),
        ExprKind::Paren(inner) => bounds_of(inner),
        ExprKind::Unary { negate: false, expr } => bounds_of(expr),
        ExprKind::Unary { negate: true, expr } => {
            let inner = bounds_of(expr);
            Bounds { lo: -inner.hi, hi: -inner.lo, lo_open: inner.hi_open, hi_open: inner.lo_open, ..inner }
        }
        ExprKind::Binary(inner) => binary(inner),
        ExprKind::Aggregate(inner) => aggregated(inner),
        ExprKind::Call(inner) => called(inner),
    }
}

/// Values by the convention of names: counters do not fall below 0, `up` is 0 or 1.
fn named(name: &str) -> Bounds {
    match name {
        "up" => Bounds::between(0.0, 1.0).whole().by_name(),
        "ALERTS" => Bounds::between(1.0, 1.0).by_name(),
        // A recorded name says what was done to the metric, not what it is.
        _ if name.contains(':') => Bounds::ANY,
        _ if ["_total", "_bucket", "_count"].iter().any(|end| name.ends_with(end)) => Bounds::at_least(0.0).by_name(),
        // Percentages and ratios are often the other of the two; nobody calls 95 a probability.
        _ if name.ends_with("_probability") => Bounds::between(0.0, 1.0).by_name(),
        _ => Bounds::ANY,
    }
}

fn binary(binary: &Binary) -> Bounds {
    let mut left = bounds_of(&binary.first);
    let mut left_is_vector = binary.first.value_type() == ValueType::Vector;
    for term in &binary.rest {
        left = applied(left, left_is_vector, term);
        left_is_vector |= term.expr.value_type() == ValueType::Vector;
    }
    left
}

/// The values of `left term`, for one step of a chain of operators.
pub(crate) fn applied(left: Bounds, left_is_vector: bool, term: &Term) -> Bounds {
    let right = bounds_of(&term.expr);
    let by_name = left.by_name || right.by_name;
    let finite = |value: f64| if value.is_nan() { None } else { Some(value) };
    let closed = |lo: f64, hi: f64| match (finite(lo), finite(hi)) {
        (Some(lo), Some(hi)) => Bounds { by_name, ..Bounds::between(lo, hi) },
        _ => Bounds::ANY,
    };
    use BinaryOp::*;
    match term.op {
        Add => closed(left.lo + right.lo, left.hi + right.hi),
        Sub => closed(left.lo - right.hi, left.hi - right.lo),
        Mul if left.lo >= 0.0 && right.lo >= 0.0 => {
            // 0 times infinity is NaN, which no bound speaks of.
            let hi = left.hi * right.hi;
            closed(left.lo * right.lo, if hi.is_nan() { f64::INFINITY } else { hi })
        }
        Div if left.lo >= 0.0 && right.lo >= 0.0 => Bounds { by_name, ..Bounds::at_least(0.0) },
        And | Unless => left,
        Or => left.join(right),
        op if op.is_comparison() && (term.bool_result || !(left_is_vector || term.expr.value_type() == ValueType::Vector)) => {
            Bounds::between(0.0, 1.0).whole()
        }
        // A comparison keeps the left value; of a scalar and a vector that of the vector.
        op if op.is_comparison() && left_is_vector => left.passing(op, right).unwrap_or(left),
        op if op.is_comparison() => right.passing(mirrored(op), left).unwrap_or(right),
        _ => Bounds::ANY,
    }
}

fn sum_of(inner: Bounds) -> Bounds {
    let lo = if inner.lo >= 0.0 { inner.lo } else { f64::NEG_INFINITY };
    let hi = if inner.hi <= 0.0 { inner.hi } else { f64::INFINITY };
    Bounds { lo, hi, lo_open: false, hi_open: false, ..inner }
}

/// A value between those that are there. Ends count as included: floating point rounds onto them.
fn mean_of(inner: Bounds) -> Bounds {
    Bounds { whole: false, lo_open: false, hi_open: false, ..inner }
}

fn quantile_of(param: Option<&Expr>, inner: Bounds) -> Bounds {
    match param.map(bounds_of) {
        Some(q) if q.lo >= 0.0 && q.hi <= 1.0 => mean_of(inner),
        _ => Bounds::ANY,
    }
}

fn aggregated(aggregate: &Aggregate) -> Bounds {
    let inner = bounds_of(&aggregate.expr);
    use AggregateOp::*;
    match aggregate.op {
        Sum => sum_of(inner),
        Avg => mean_of(inner),
        Min | Max | Topk | Bottomk | Limitk | LimitRatio => inner,
        Quantile => quantile_of(aggregate.param.as_ref(), inner),
        Count | CountValues => Bounds::at_least(1.0).whole(),
        Group => Bounds::between(1.0, 1.0),
        Stddev | Stdvar => Bounds::at_least(0.0),
    }
}

fn called(call: &Call) -> Bounds {
    let first = || call.args.first().map_or(Bounds::ANY, bounds_of);
    match call.function.name {
        // A counter's reset is made good, so these are below 0 only when the values are.
        "rate" | "irate" | "increase" if first().lo >= 0.0 => Bounds { by_name: true, ..Bounds::at_least(0.0) },
        "resets" | "changes" => Bounds::at_least(0.0).whole(),
        "count_over_time" => Bounds::at_least(1.0).whole(),
        "absent" | "absent_over_time" | "present_over_time" => Bounds::between(1.0, 1.0),
        "abs" | "sqrt" | "exp" | "acosh" | "stddev_over_time" | "stdvar_over_time" | "mad_over_time" => Bounds::at_least(0.0),
        "sgn" => Bounds::between(-1.0, 1.0).whole(),
        "sin" | "cos" | "tanh" => Bounds::between(-1.0, 1.0),
        "hour" => Bounds::between(0.0, 23.0).whole(),
        "minute" => Bounds::between(0.0, 59.0).whole(),
        "day_of_week" => Bounds::between(0.0, 6.0).whole(),
        "day_of_month" => Bounds::between(1.0, 31.0).whole(),
        "day_of_year" => Bounds::between(1.0, 366.0).whole(),
        "days_in_month" => Bounds::between(28.0, 31.0).whole(),
        "month" => Bounds::between(1.0, 12.0).whole(),
        "histogram_fraction" => Bounds::between(0.0, 1.0),
        "histogram_quantile" => histogram_quantile(&call.args),
        "avg_over_time" => mean_of(first()),
        "min_over_time" | "max_over_time" | "last_over_time" | "vector" | "scalar" => first(),
        "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" | "label_replace" | "label_join" => first(),
        "sum_over_time" => sum_of(first()),
        "quantile_over_time" => quantile_of(call.args.first(), call.args.get(1).map_or(Bounds::ANY, bounds_of)),
        "clamp_min" => constant(call.args.get(1)).map_or(Bounds::ANY, |min| raised(first(), min)),
        "clamp_max" => constant(call.args.get(1)).map_or(Bounds::ANY, |max| lowered(first(), max)),
        "clamp" => match (constant(call.args.get(1)), constant(call.args.get(2))) {
            (Some(min), Some(max)) if min <= max => lowered(raised(first(), min), max),
            _ => Bounds::ANY,
        },
        _ => Bounds::ANY,
    }
}

/// Between the bounds of the buckets, which are not below 0 for what can not be negative.
fn histogram_quantile(args: &[Expr]) -> Bounds {
    let within = args.first().map(bounds_of).is_some_and(|q| q.lo >= 0.0 && q.hi <= 1.0);
    let positive = |name: &str| ["_seconds_bucket", "_milliseconds_bucket", "_bytes_bucket"].iter().any(|end| name.ends_with(end));
    let selectors = args.get(1).map(Expr::selectors).unwrap_or_default();
    let known = !selectors.is_empty() && selectors.iter().all(|selector| exact_name(selector).is_some_and(positive));
    if within && known { Bounds::at_least(0.0).by_name() } else { Bounds::ANY }
}

fn constant(expr: Option<&Expr>) -> Option<f64> {
    let bounds = bounds_of(expr?);
    (bounds.lo == bounds.hi).then_some(bounds.lo)
}

fn raised(inner: Bounds, min: f64) -> Bounds {
    let part = Bounds { lo: inner.lo.max(min), hi: inner.hi.max(min), ..Bounds::ANY };
    Bounds { by_name: inner.by_name, ..part }
}

fn lowered(inner: Bounds, max: f64) -> Bounds {
    let part = Bounds { lo: inner.lo.min(max), hi: inner.hi.min(max), ..Bounds::ANY };
    Bounds { by_name: inner.by_name, ..part }
}
