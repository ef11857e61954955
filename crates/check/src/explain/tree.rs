//! An expression as a tree of parts that can be evaluated one by one, each with its text and place.
//!
//! A chain of operators (`a + b - c`) is one node of PromQL's tree; here each operator is a part of its own, for each can be where
//! a result became empty.

use bellbuoy_promql::{Aggregate, Binary, BinaryOp, Call, Expr, ExprKind, Matching, ValueType, parse};

/// Parts of one expression; the rest is not looked into.
pub const PARTS_MAX: usize = 80;

pub struct Part {
    pub expr: Expr,
    pub text: String,
    pub place: (usize, usize),
    pub kind: PartKind,
    pub parts: Vec<Part>,
}

pub enum PartKind {
    Selector,
    /// A number, a text, `time()`: no series in it.
    Constant,
    Operator(BinaryOp, Matching, bool),
    Aggregate,
    Call(&'static str),
    /// `-x`
    Sign,
    Subquery,
}

impl Part {
    pub fn is_vector(&self) -> bool {
        matches!(self.expr.value_type(), ValueType::Vector | ValueType::Matrix)
    }

    pub fn count(&self) -> usize {
        1 + self.parts.iter().map(Part::count).sum::<usize>()
    }
}

/// The tree of an expression, and the text that its places count in. `None` when the printed expression can not be read back.
pub fn tree(expr: &Expr) -> Option<(Part, String)> {
    let text = expr.to_string();
    let expr = parse(&text).ok()?;
    let part = part(&expr, &text)?;
    Some((part, text))
}

fn part(expr: &Expr, text: &str) -> Option<Part> {
    let expr = expr.unparenthesized();
    let many = |list: &[Expr]| list.iter().map(|arg| part(arg, text)).collect::<Option<Vec<Part>>>();
    let (kind, parts) = match &expr.kind {
        ExprKind::Number(_) | ExprKind::Duration(_) | ExprKind::Text(_) => (PartKind::Constant, Vec::new()),
        ExprKind::Vector(_) | ExprKind::Range(_) => (PartKind::Selector, Vec::new()),
        ExprKind::Subquery(inner) => (PartKind::Subquery, vec![part(&inner.expr, text)?]),
        ExprKind::Paren(inner) => return part(inner, text),
        ExprKind::Unary { expr: inner, .. } => (PartKind::Sign, vec![part(inner, text)?]),
        ExprKind::Binary(binary) => return chain(binary, text),
        ExprKind::Aggregate(inner) => {
            let Aggregate { expr, param, .. } = inner.as_ref();
            let mut parts = vec![part(expr, text)?];
            if let Some(param) = param.as_ref().filter(|param| param.value_type() == ValueType::Scalar) {
                parts.push(part(param, text)?);
            }
            (PartKind::Aggregate, parts)
        }
        ExprKind::Call(Call { function, args }) => {
            let parts = many(args)?;
            let constant = parts.iter().all(|part| matches!(part.kind, PartKind::Constant));
            (if constant && expr.value_type() == ValueType::Scalar { PartKind::Constant } else { PartKind::Call(function.name) }, parts)
        }
    };
    let (start, end) = (expr.place.start, expr.place.end);
    Some(Part { text: text.get(start..end)?.to_string(), place: (start, end), expr: expr.clone(), kind, parts })
}

/// Each prefix of the chain is read anew: it has no node in PromQL's tree.
fn chain(binary: &Binary, text: &str) -> Option<Part> {
    let start = binary.first.place.start;
    let mut left = part(&binary.first, text)?;
    for term in &binary.rest {
        let right = part(&term.expr, text)?;
        let end = term.expr.place.end;
        let own = text.get(start..end)?.to_string();
        let kind = PartKind::Operator(term.op, term.matching.clone(), term.bool_result);
        left = Part { expr: parse(&own).ok()?, text: own, place: (start, end), kind, parts: vec![left, right] };
    }
    Some(left)
}
