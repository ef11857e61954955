//! The expression: what the parser makes, the printer prints and the engine evaluates.
//!
//! A chain of left-associative operators of one precedence (`a + b - c`) is one node with many terms, so a query of ten thousand
//! terms is a flat list and neither evaluating nor dropping it can overflow the stack. What nests is bounded by `DEPTH_MAX`.

use std::ops::Range;

use bellbuoy_vocabulary::{Matcher, Millis, Timestamp};

use crate::signature::Function;

/// Nodes on the longest way from the root to a leaf.
pub const DEPTH_MAX: usize = 256;

/// Longer texts are refused before anything else is done.
pub const QUERY_BYTES_MAX: usize = 64 << 10;

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    Scalar,
    Text,
    /// One value a series: an instant vector.
    Vector,
    /// Many values a series: a range vector.
    Matrix,
}

impl ValueType {
    /// The name in error messages.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::Text => "string",
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
        }
    }
}

/// Where a node stands in its text: bytes, and line and column of the start, both from 1, the column in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Place {
    pub start: usize,
    pub end: usize,
    pub line: usize,
    pub column: usize,
}

/// A part of a query with its place. Two expressions are equal when they are in the same text at the same place, too.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub place: Place,
    pub(crate) value_type: ValueType,
    pub(crate) depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(f64),
    /// A number that was written as a duration; in seconds.
    Duration(f64),
    Text(String),
    Vector(VectorSelector),
    Range(RangeSelector),
    Subquery(Box<Subquery>),
    Paren(Box<Expr>),
    /// `-x`; `+x` is kept as well because it prints.
    Unary {
        negate: bool,
        expr: Box<Expr>,
    },
    Binary(Binary),
    Aggregate(Box<Aggregate>),
    Call(Call),
}

/// `name{matchers} offset 5m @ 10`
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// As written before or inside of the braces; `None` when the name is asked for by a matcher or not at all.
    pub name: Option<String>,
    /// All matchers, the one of the name included.
    pub matchers: Vec<Matcher>,
    pub offset: Millis,
    pub at: Option<At>,
}

/// `selector[range]`; offset and `@` are in the selector.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSelector {
    pub selector: VectorSelector,
    pub range: Millis,
}

/// `expr[range:step]`
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    pub expr: Expr,
    pub range: Millis,
    pub step: Option<Millis>,
    pub offset: Millis,
    pub at: Option<At>,
}

/// The time an `@` asks for. Start and end are those of the whole query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Time(Timestamp),
    Start,
    End,
}

/// `first op expr op expr ...`, evaluated from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub first: Box<Expr>,
    /// Never empty.
    pub rest: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub op: BinaryOp,
    pub op_place: Place,
    pub bool_result: bool,
    pub matching: Matching,
    pub expr: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "^",
            BinaryOp::Atan2 => "atan2",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessOrEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterOrEqual => ">=",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
            BinaryOp::Unless => "unless",
        }
    }

    pub fn is_comparison(self) -> bool {
        use BinaryOp::*;
        matches!(self, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual)
    }

    pub fn is_set(self) -> bool {
        matches!(self, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless)
    }

    /// Higher binds tighter.
    pub(crate) fn precedence(self) -> u8 {
        use BinaryOp::*;
        match self {
            Or => 1,
            And | Unless => 2,
            Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual => 3,
            Add | Sub => 4,
            Mul | Div | Mod | Atan2 => 5,
            Pow => 6,
        }
    }
}

/// How the series of two sides find each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// `on` instead of `ignoring`.
    pub on: bool,
    pub labels: Vec<String>,
    pub group: Option<Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which side is the many side.
    pub side: Side,
    /// Labels to take over from the one side.
    pub include: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// `op by (labels) (param, expr)`
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub op: AggregateOp,
    pub expr: Expr,
    pub param: Option<Expr>,
    pub grouping: Vec<String>,
    pub without: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Quantile,
    CountValues,
    Limitk,
    LimitRatio,
}

impl AggregateOp {
    pub fn name(self) -> &'static str {
        match self {
            AggregateOp::Sum => "sum",
            AggregateOp::Avg => "avg",
            AggregateOp::Count => "count",
            AggregateOp::Min => "min",
            AggregateOp::Max => "max",
            AggregateOp::Group => "group",
            AggregateOp::Stddev => "stddev",
            AggregateOp::Stdvar => "stdvar",
            AggregateOp::Topk => "topk",
            AggregateOp::Bottomk => "bottomk",
            AggregateOp::Quantile => "quantile",
            AggregateOp::CountValues => "count_values",
            AggregateOp::Limitk => "limitk",
            AggregateOp::LimitRatio => "limit_ratio",
        }
    }

    /// The type of the parameter before the vector, when there is one.
    pub fn param_type(self) -> Option<ValueType> {
        use AggregateOp::*;
        match self {
            Topk | Bottomk | Quantile | Limitk | LimitRatio => Some(ValueType::Scalar),
            CountValues => Some(ValueType::Text),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: &'static Function,
    pub args: Vec<Expr>,
}

impl Expr {
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// Bytes of the text that this node was parsed from.
    pub fn span(&self) -> Range<usize> {
        self.place.start..self.place.end
    }

    /// All selectors, from left to right, those inside of subqueries and ranges included.
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        let mut found = Vec::new();
        self.walk(&mut |node| match &node.kind {
            ExprKind::Vector(selector) => found.push(selector),
            ExprKind::Range(range) => found.push(&range.selector),
            _ => {}
        });
        found
    }

    /// Visits this node, then its parts from left to right.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Duration(_) | ExprKind::Text(_) | ExprKind::Vector(_) | ExprKind::Range(_) => {}
            ExprKind::Subquery(subquery) => subquery.expr.walk(visit),
            ExprKind::Paren(expr) | ExprKind::Unary { expr, .. } => expr.walk(visit),
            ExprKind::Binary(binary) => {
                binary.first.walk(visit);
                binary.rest.iter().for_each(|term| term.expr.walk(visit));
            }
            ExprKind::Aggregate(aggregate) => {
                aggregate.param.iter().for_each(|param| param.walk(visit));
                aggregate.expr.walk(visit);
            }
            ExprKind::Call(call) => call.args.iter().for_each(|arg| arg.walk(visit)),
        }
    }

    /// The same as `walk`, for changes. A change must keep the value types.
    pub fn walk_mut(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        visit(self);
        match &mut self.kind {
            ExprKind::Number(_) | ExprKind::Duration(_) | ExprKind::Text(_) | ExprKind::Vector(_) | ExprKind::Range(_) => {}
            ExprKind::Subquery(subquery) => subquery.expr.walk_mut(visit),
            ExprKind::Paren(expr) | ExprKind::Unary { expr, .. } => expr.walk_mut(visit),
            ExprKind::Binary(binary) => {
                binary.first.walk_mut(visit);
                binary.rest.iter_mut().for_each(|term| term.expr.walk_mut(visit));
            }
            ExprKind::Aggregate(aggregate) => {
                aggregate.param.iter_mut().for_each(|param| param.walk_mut(visit));
                aggregate.expr.walk_mut(visit);
            }
            ExprKind::Call(call) => call.args.iter_mut().for_each(|arg| arg.walk_mut(visit)),
        }
    }

    /// The expression inside of any parentheses.
    pub fn unparenthesized(&self) -> &Expr {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }
}
