//! The series that an expression asks for, how each is used, and in which direction it has to go for the condition to hold.
//!
//! In:    expressions without recorded names, and what each has to do. Out: `Leaf`s; a leaf is one selector at one offset.

use bellbuoy_promql::{Aggregate, AggregateOp, Binary, BinaryOp, Call, Expr, ExprKind, Term, VectorSelector};
use bellbuoy_vocabulary::{BUCKET_LABEL, METRIC_NAME, MatchOp, Matcher, Millis};

/// What a part has to do for the whole to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    Up,
    Down,
    /// Any value; which one is searched for.
    Any,
    /// No series at all.
    Gone,
}

impl Want {
    pub fn flipped(self) -> Want {
        match self {
            Want::Up => Want::Down,
            Want::Down => Want::Up,
            other => other,
        }
    }
}

/// How the values of a series are read, which decides how they run over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Gauge,
    /// Its values vary: `stddev_over_time`.
    Swing,
    /// It changes: `changes`.
    Toggle,
    /// It has a slope: `deriv`, `predict_linear`, `delta`.
    Ramp,
    Counter,
    /// A counter that starts anew: `resets`.
    Saw,
    /// Buckets of a histogram: the value is where the observations lie.
    Buckets,
}

#[derive(Clone, Debug)]
pub struct Leaf {
    pub matchers: Vec<Matcher>,
    /// Without it the leaf can not be made: `{job="a"}` alone.
    pub metric: String,
    pub offset: Millis,
    pub range: Option<Millis>,
    pub role: Role,
    pub want: Want,
    /// It stands below a division.
    pub divides: bool,
}

/// Which parts of the time are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    pub minute: bool,
    pub hour: bool,
    pub weekday: bool,
    /// The day of the month, the month, the year.
    pub day: bool,
}

impl Calendar {
    pub fn any(self) -> bool {
        self != Calendar::default()
    }
}

/// What is known of the whole condition.
#[derive(Debug, Default)]
pub struct Leaves {
    pub leaves: Vec<Leaf>,
    pub constants: Vec<f64>,
    /// Labels that are named anywhere: in matchers, groupings, matchings, templates.
    pub labels: Vec<String>,
    /// Labels of `without (...)`.
    pub taken_away: Vec<String>,
    /// `source, regex, replacement, target` of each label_replace.
    pub replaces: Vec<(String, String, String, String)>,
    /// Something counts series, or compares them with each other.
    pub counts: bool,
    /// Values are compared with those of another time: an average of a day, `changes`, how many samples there were.
    pub remembers: bool,
    /// `hour()`, `day_of_week()`: it depends on the time.
    pub calendar: Calendar,
    /// `time()` or `timestamp`: values are compared with the clock.
    pub clock: bool,
    pub range_max: Millis,
    pub range_min: Option<Millis>,
}

impl Leaves {
    /// Of one expression that shall give something.
    pub fn of(expr: &Expr) -> Leaves {
        let mut out = Leaves::default();
        out.add(expr, Want::Up, Role::Gauge);
        out.finish();
        out
    }

    pub fn add(&mut self, expr: &Expr, want: Want, role: Role) {
        let mut collector = Collector { out: self, divides: false };
        collector.aim(expr, want, role);
        expr.walk(&mut |node| facts(node, self));
    }

    /// After the last `add`.
    pub fn finish(&mut self) {
        self.constants.retain(|number| number.is_finite());
        self.constants.sort_by(f64::total_cmp);
        self.constants.dedup();
        self.labels.sort();
        self.labels.dedup();
        self.labels.retain(|label| label != METRIC_NAME);
        self.remembers |= self.range_min.unwrap_or_default() < self.range_max;
    }
}

fn facts(node: &Expr, out: &mut Leaves) {
    match &node.kind {
        ExprKind::Number(value) | ExprKind::Duration(value) if value.is_finite() => out.constants.push(*value),
        ExprKind::Vector(selector) => note_selector(selector, None, out),
        ExprKind::Range(range) => note_selector(&range.selector, Some(range.range), out),
        ExprKind::Subquery(subquery) => {
            out.range_max = out.range_max.max(subquery.range + subquery.offset);
            out.remembers = true;
        }
        ExprKind::Binary(binary) => {
            // `24 * 3600` as one number.
            out.constants.extend(number(node));
            for term in &binary.rest {
                out.labels.extend(term.matching.labels.iter().cloned());
                out.labels.extend(term.matching.group.iter().flat_map(|group| group.include.iter().cloned()));
            }
        }
        ExprKind::Aggregate(aggregate) => {
            // What `without` takes away is had by those series alone that a matcher gives it to.
            if aggregate.without { &mut out.taken_away } else { &mut out.labels }.extend(aggregate.grouping.iter().cloned());
            use AggregateOp::*;
            out.counts |= !matches!(aggregate.op, Group);
        }
        ExprKind::Call(call) => note_call(call, out),
        _ => {}
    }
}

/// What an expression of numbers alone comes to.
fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(value) | ExprKind::Duration(value) => Some(*value),
        ExprKind::Paren(inner) => number(inner),
        ExprKind::Unary { negate, expr } => number(expr).map(|value| if *negate { -value } else { value }),
        ExprKind::Binary(binary) => {
            let mut value = number(&binary.first)?;
            for term in &binary.rest {
                let other = number(&term.expr)?;
                value = match term.op {
                    BinaryOp::Add => value + other,
                    BinaryOp::Sub => value - other,
                    BinaryOp::Mul => value * other,
                    BinaryOp::Div => value / other,
                    _ => return None,
                };
            }
            Some(value)
        }
        _ => None,
    }
}

fn note_selector(selector: &VectorSelector, range: Option<Millis>, out: &mut Leaves) {
    out.labels.extend(selector.matchers.iter().map(|matcher| matcher.name.clone()));
    let range_or_zero = range.unwrap_or(Millis::ZERO);
    out.range_max = out.range_max.max(range_or_zero + Millis(selector.offset.0.max(0)));
    if let Some(range) = range {
        out.range_min = Some(out.range_min.map_or(range, |known| known.min(range)));
    }
}

fn note_call(call: &Call, out: &mut Leaves) {
    let text = |index: usize| match call.args.get(index).map(|arg| &arg.unparenthesized().kind) {
        Some(ExprKind::Text(text)) => Some(text.clone()),
        _ => None,
    };
    match call.function.name {
        "label_replace" => {
            if let (Some(target), Some(replacement), Some(source), Some(regex)) = (text(1), text(2), text(3), text(4)) {
                out.labels.extend([target.clone(), source.clone()]);
                out.replaces.push((source, regex, replacement, target));
            }
        }
        "label_join" => out.labels.extend((1..call.args.len()).filter(|index| *index != 2).filter_map(text)),
        "minute" => out.calendar.minute = true,
        "hour" => out.calendar.hour = true,
        "day_of_week" => out.calendar.weekday = true,
        "day_of_month" | "day_of_year" | "days_in_month" | "month" | "year" => out.calendar.day = true,
        "timestamp" => {
            // The age of a sample is less than the lookback: samples have to be close to each other.
            (out.clock, out.remembers) = (true, true);
            out.range_min = Some(out.range_min.unwrap_or(Millis::from_minutes(1)));
        }
        "time" => out.clock = true,
        "changes" | "resets" => out.remembers = true,
        name if name.ends_with("_over_time") => out.remembers = true,
        _ => {}
    }
}

struct Collector<'a> {
    out: &'a mut Leaves,
    /// Whether it is below a division.
    divides: bool,
}

impl Collector<'_> {
    fn aim(&mut self, expr: &Expr, want: Want, role: Role) {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::Duration(_) | ExprKind::Text(_) => {}
            ExprKind::Vector(selector) => self.leaf(selector, None, want, role),
            ExprKind::Range(range) => self.leaf(&range.selector, Some(range.range), want, role),
            ExprKind::Subquery(subquery) => self.aim(&subquery.expr, want, role),
            ExprKind::Paren(inner) => self.aim(inner, want, role),
            ExprKind::Unary { negate, expr } => self.aim(expr, if *negate { want.flipped() } else { want }, role),
            ExprKind::Binary(binary) => self.chain(binary, binary.rest.len(), want, role),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, want, role),
            ExprKind::Call(call) => self.call(call, want, role),
        }
    }

    /// The first `terms` operators of a chain.
    fn chain(&mut self, binary: &Binary, terms: usize, want: Want, role: Role) {
        let Some(term) = terms.checked_sub(1).and_then(|last| binary.rest.get(last)) else {
            return self.aim(&binary.first, want, role);
        };
        let (left, right) = wants(term, want);
        self.chain(binary, terms - 1, left, role);
        let outside = self.divides;
        self.divides |= term.op == BinaryOp::Div;
        self.aim(&term.expr, right, role);
        self.divides = outside;
    }

    fn aggregate(&mut self, aggregate: &Aggregate, want: Want, role: Role) {
        use AggregateOp::*;
        let inner = match (aggregate.op, want) {
            // That it counts is the matter of how many series there are; what is counted has to hold.
            (Count | Group | CountValues, Want::Up | Want::Any) => Want::Up,
            (Count, Want::Down) => Want::Up,
            (_, want) => want,
        };
        self.aim(&aggregate.expr, inner, role);
    }

    fn call(&mut self, call: &Call, want: Want, role: Role) {
        let inner_role = match call.function.name {
            "rate" | "irate" | "increase" if role == Role::Buckets => Role::Buckets,
            "rate" | "irate" | "increase" => Role::Counter,
            "histogram_quantile" | "histogram_fraction" => Role::Buckets,
            "deriv" | "predict_linear" | "delta" | "idelta" | "holt_winters" | "double_exponential_smoothing" => Role::Ramp,
            "changes" => Role::Toggle,
            "resets" => Role::Saw,
            "stddev_over_time" | "stdvar_over_time" | "mad_over_time" => Role::Swing,
            _ => role,
        };
        let want = match (call.function.name, want) {
            ("absent" | "absent_over_time", Want::Gone) => Want::Up,
            ("absent" | "absent_over_time", _) => Want::Gone,
            ("count_over_time" | "present_over_time", Want::Up) => Want::Up,
            (_, want) => want,
        };
        for arg in &call.args {
            self.aim(arg, want, inner_role);
        }
    }

    fn leaf(&mut self, selector: &VectorSelector, range: Option<Millis>, want: Want, role: Role) {
        let named = selector.name.clone();
        let matcher = || selector.matchers.iter().find(|m| m.name == METRIC_NAME && matches!(m.op, MatchOp::Equal | MatchOp::Regex));
        let metric = named.or_else(|| {
            matcher().and_then(|m| if m.op == MatchOp::Equal { Some(m.value.clone()) } else { super::labels::sample(&m.value) })
        });
        let matchers: Vec<Matcher> = selector.matchers.iter().filter(|m| m.name != METRIC_NAME).cloned().collect();
        // A bucket that is asked for by its bound is a counter of its own.
        let metric = metric.unwrap_or_else(|| "any_metric".into());
        let fixed = matchers.iter().any(|m| m.name == BUCKET_LABEL && m.op == MatchOp::Equal);
        let role = match role {
            Role::Buckets if fixed => Role::Counter,
            // What buckets are joined with: `* on (instance) group_left (node) kubelet_node_name`.
            Role::Buckets if !metric.ends_with("_bucket") => Role::Gauge,
            role => role,
        };
        let same = |leaf: &&mut Leaf| leaf.metric == metric && leaf.offset == selector.offset && same_matchers(&leaf.matchers, &matchers);
        match self.out.leaves.iter_mut().find(same) {
            Some(known) => {
                known.role = known.role.max(role);
                known.range = known.range.max(range);
                known.divides &= self.divides;
                if known.want != want {
                    known.want = Want::Any;
                }
            }
            None => self.out.leaves.push(Leaf { matchers, metric, offset: selector.offset, range, role, want, divides: self.divides }),
        }
    }
}

fn same_matchers(a: &[Matcher], b: &[Matcher]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_string() == b.to_string())
}

/// What the two sides of an operator have to do.
fn wants(term: &Term, want: Want) -> (Want, Want) {
    use BinaryOp::*;
    // A comparison that must not hold holds the other way round.
    let op = match (term.op, want) {
        (Greater, Want::Gone) => LessOrEqual,
        (GreaterOrEqual, Want::Gone) => Less,
        (Less, Want::Gone) => GreaterOrEqual,
        (LessOrEqual, Want::Gone) => Greater,
        (Equal, Want::Gone) => NotEqual,
        (NotEqual, Want::Gone) => Equal,
        (op, _) => op,
    };
    match op {
        Greater | GreaterOrEqual => (Want::Up, Want::Down),
        Less | LessOrEqual => (Want::Down, Want::Up),
        NotEqual => (Want::Up, Want::Down),
        Equal => (Want::Any, Want::Any),
        And | Or => (want, want),
        Unless => (want, if want == Want::Gone { Want::Up } else { Want::Gone }),
        Add | Mul | Pow => (want, want),
        Sub | Div => (want, want.flipped()),
        Mod | Atan2 => (Want::Any, Want::Any),
    }
}
