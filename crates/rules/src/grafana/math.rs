//! `type: math`: a formula over the results of other refIds. Elements whose labels fit are calculated with each other.

use std::collections::HashMap;

use bellbuoy_vocabulary::{Labels, Timestamp};

use super::data::{Float, Item, contains};
use super::math_parser::{self, BinaryOp, Function, Tree, UnaryOp};

pub use super::math_parser::MathError;

/// Elements that one operator may give: two large results without common labels multiply.
const UNION_MAX: usize = 100_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Math {
    text: String,
    tree: Tree,
}

impl Math {
    pub fn parse(text: &str) -> Result<Math, MathError> {
        math_parser::parse(text).map(|tree| Math { text: text.to_string(), tree })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The refIds, each once.
    pub fn needs(&self) -> Vec<&str> {
        let mut found = Vec::new();
        collect(&self.tree, &mut found);
        found
    }

    pub fn run<'a>(&self, input: impl Fn(&str) -> &'a [Item]) -> Result<Vec<Item>, String> {
        run(&self.tree, &input)
    }
}

fn collect<'a>(tree: &'a Tree, found: &mut Vec<&'a str>) {
    match tree {
        Tree::Number(_) | Tree::Constant(_) => {}
        Tree::Variable(name) if found.contains(&name.as_str()) => {}
        Tree::Variable(name) => found.push(name),
        Tree::Unary(_, inner) | Tree::Call(_, inner) => collect(inner, found),
        Tree::Binary(_, left, right) => {
            collect(left, found);
            collect(right, found);
        }
    }
}

fn run<'a>(tree: &Tree, input: &dyn Fn(&str) -> &'a [Item]) -> Result<Vec<Item>, String> {
    Ok(match tree {
        Tree::Number(number) => vec![Item::Scalar(Some(*number))],
        Tree::Constant(value) => vec![Item::Scalar(*value)],
        Tree::Variable(name) => input(name).to_vec(),
        Tree::Unary(op, inner) => run(inner, input)?.iter().map(|item| item.map(|value| value.map(|value| unary(*op, value)))).collect(),
        Tree::Call(function, inner) => run(inner, input)?.iter().map(|item| item.map(|value| call(*function, value))).collect(),
        Tree::Binary(op, left, right) => {
            let (left, right) = (run(left, input)?, run(right, input)?);
            let pairs = union(&left, &right)?;
            pairs.into_iter().map(|pair| combine(*op, pair)).collect()
        }
    })
}

fn unary(op: UnaryOp, value: f64) -> f64 {
    match op {
        _ if value.is_nan() => f64::NAN,
        UnaryOp::Minus => -value,
        UnaryOp::Not => truth(value == 0.0),
    }
}

/// Null counts as NaN except for `is_null`; the other questions answer no.
fn call(function: Function, value: Float) -> Float {
    let number = value.unwrap_or(f64::NAN);
    Some(match function {
        Function::Abs => number.abs(),
        Function::Log => number.ln(),
        // Go rounds half away from zero, as Rust does.
        Function::Round => number.round(),
        Function::Ceil => number.ceil(),
        Function::Floor => number.floor(),
        Function::IsNull => truth(value.is_none()),
        Function::IsNan => truth(value.is_some_and(f64::is_nan)),
        Function::IsInf => truth(number.is_infinite()),
        Function::IsNumber => truth(value.is_some_and(f64::is_finite)),
    })
}

fn truth(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

/// Two elements that an operator joins, and the labels of the outcome.
struct Pair<'a> {
    labels: Labels,
    left: &'a Item,
    right: &'a Item,
}

/// Elements with equal labels are joined; so are those of which one has all labels of the other, and those without labels with
/// every other. When nothing fits, and there is one element on each side, the two are joined without labels.
fn union<'a>(left: &'a [Item], right: &'a [Item]) -> Result<Vec<Pair<'a>>, String> {
    let (Some(first_left), Some(first_right)) = (left.first(), right.first()) else { return Ok(Vec::new()) };
    let alone = Pair { labels: Labels::empty(), left: first_left, right: first_right };
    let single = left.len() == 1 || right.len() == 1;
    if single && (*first_left == Item::NoData || *first_right == Item::NoData) {
        return Ok(vec![alone]);
    }
    let mut pairs = Vec::new();
    for one in left {
        let left_labels = one.labels();
        for other in right {
            let right_labels = other.labels();
            let labels = if left_labels == right_labels || right_labels.is_empty() {
                left_labels.clone()
            } else if left_labels.is_empty() {
                right_labels
            } else if left_labels.len() == right_labels.len() {
                continue;
            } else if contains(&left_labels, &right_labels) {
                left_labels.clone()
            } else if contains(&right_labels, &left_labels) {
                right_labels
            } else {
                continue;
            };
            pairs.push(Pair { labels, left: one, right: other });
            if pairs.len() > UNION_MAX {
                return Err(format!("joining the two sides gives more than {UNION_MAX} elements"));
            }
        }
    }
    if pairs.is_empty() && left.len() == 1 && right.len() == 1 {
        pairs.push(alone);
    }
    Ok(pairs)
}

fn combine(op: BinaryOp, pair: Pair) -> Item {
    let apply = |a: Float, b: Float| Some(binary(op, a?, b?));
    let Pair { labels, left, right } = pair;
    match (left, right) {
        (Item::NoData, _) | (_, Item::NoData) => Item::NoData,
        (Item::Series { points: a, .. }, Item::Series { points: b, .. }) => Item::Series { labels, points: join(a, b, apply) },
        (Item::Series { points, .. }, Item::Scalar(value) | Item::Number { value, .. }) => {
            Item::Series { labels, points: points.iter().map(|(at, point)| (*at, apply(*point, *value))).collect() }
        }
        (Item::Scalar(value) | Item::Number { value, .. }, Item::Series { points, .. }) => {
            Item::Series { labels, points: points.iter().map(|(at, point)| (*at, apply(*value, *point))).collect() }
        }
        (Item::Scalar(a), Item::Scalar(b)) => Item::Scalar(apply(*a, *b)),
        (Item::Scalar(a) | Item::Number { value: a, .. }, Item::Scalar(b) | Item::Number { value: b, .. }) => {
            Item::Number { labels, value: apply(*a, *b) }
        }
    }
}

/// Points at equal times; the others are left out.
fn join(a: &[(Timestamp, Float)], b: &[(Timestamp, Float)], apply: impl Fn(Float, Float) -> Float) -> Vec<(Timestamp, Float)> {
    let right: HashMap<Timestamp, Float> = b.iter().copied().collect();
    a.iter().filter_map(|(at, value)| Some((*at, apply(*value, *right.get(at)?)))).collect()
}

/// Go's operators on floats; comparisons give 1 or 0. `||` and `&&` are decided by the left side before NaN is looked at.
fn binary(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Or if a != 0.0 => 1.0,
        BinaryOp::And if a == 0.0 => 0.0,
        _ if a.is_nan() || b.is_nan() => f64::NAN,
        BinaryOp::Or => truth(b != 0.0),
        BinaryOp::And => truth(b != 0.0),
        BinaryOp::Equal => truth(a == b),
        BinaryOp::NotEqual => truth(a != b),
        BinaryOp::Greater => truth(a > b),
        BinaryOp::GreaterEqual => truth(a >= b),
        BinaryOp::Less => truth(a < b),
        BinaryOp::LessEqual => truth(a <= b),
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide => a / b,
        BinaryOp::Modulo => a % b,
        BinaryOp::Power => a.powf(b),
    }
}
