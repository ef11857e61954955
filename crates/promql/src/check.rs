//! The types: what may stand where. Each node is checked when it is built, so an `Expr` that exists is well-typed.

use crate::ast::*;
use crate::error::ParseError;

type Result<T> = std::result::Result<T, ParseError>;

pub(crate) const TOO_DEEP: &str = "expression is nested more than 256 deep; split it into recording rules";

/// Makes a node of checked parts.
pub(crate) fn node(kind: ExprKind, place: Place) -> Result<Expr> {
    let value_type = value_type(&kind, place)?;
    let depth = 1 + parts_depth(&kind);
    if depth > DEPTH_MAX {
        return Err(ParseError::new(TOO_DEEP, place));
    }
    Ok(Expr { kind, place, value_type, depth })
}

fn parts_depth(kind: &ExprKind) -> usize {
    match kind {
        ExprKind::Number(_) | ExprKind::Duration(_) | ExprKind::Text(_) | ExprKind::Vector(_) | ExprKind::Range(_) => 0,
        ExprKind::Subquery(subquery) => subquery.expr.depth,
        ExprKind::Paren(expr) | ExprKind::Unary { expr, .. } => expr.depth,
        ExprKind::Binary(binary) => binary.rest.iter().map(|term| term.expr.depth).max().unwrap_or(0).max(binary.first.depth),
        ExprKind::Aggregate(aggregate) => aggregate.param.as_ref().map_or(0, |param| param.depth).max(aggregate.expr.depth),
        ExprKind::Call(call) => call.args.iter().map(|arg| arg.depth).max().unwrap_or(0),
    }
}

fn value_type(kind: &ExprKind, place: Place) -> Result<ValueType> {
    let fail = |message: String| Err(ParseError::new(message, place));
    Ok(match kind {
        ExprKind::Number(_) | ExprKind::Duration(_) => ValueType::Scalar,
        ExprKind::Text(_) => ValueType::Text,
        ExprKind::Vector(_) => ValueType::Vector,
        ExprKind::Range(_) => ValueType::Matrix,
        ExprKind::Subquery(subquery) => {
            if subquery.expr.value_type != ValueType::Vector {
                return fail(format!("subquery is only allowed on instant vector, got {} instead", subquery.expr.value_type.name()));
            }
            ValueType::Matrix
        }
        ExprKind::Paren(expr) => expr.value_type,
        ExprKind::Unary { expr, .. } => match expr.value_type {
            found @ (ValueType::Scalar | ValueType::Vector) => found,
            found => {
                return fail(format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                    found.name()
                ));
            }
        },
        ExprKind::Binary(binary) => {
            let mut left = binary.first.value_type;
            for term in &binary.rest {
                left = term_type(left, term)?;
            }
            left
        }
        ExprKind::Aggregate(aggregate) => {
            expect_type(&aggregate.expr, ValueType::Vector, "aggregation expression")?;
            if let (Some(param), Some(wanted)) = (&aggregate.param, aggregate.op.param_type()) {
                expect_type(param, wanted, "aggregation parameter")?;
            }
            ValueType::Vector
        }
        ExprKind::Call(call) => call_type(call, place)?,
    })
}

fn expect_type(expr: &Expr, wanted: ValueType, context: &str) -> Result<()> {
    if expr.value_type == wanted {
        return Ok(());
    }
    Err(ParseError::new(format!("expected type {} in {context}, got {}", wanted.name(), expr.value_type.name()), expr.place))
}

fn call_type(call: &Call, place: Place) -> Result<ValueType> {
    let (function, got) = (call.function, call.args.len());
    let name = function.name;
    let refused = if function.args_min == function.args_max && got != function.args_min {
        Some(format!("expected {} argument(s) in call to {name:?}, got {got}", function.args_min))
    } else if got < function.args_min {
        Some(format!("expected at least {} argument(s) in call to {name:?}, got {got}", function.args_min))
    } else if got > function.args_max {
        Some(format!("expected at most {} argument(s) in call to {name:?}, got {got}", function.args_max))
    } else {
        None
    };
    if let Some(message) = refused {
        return Err(ParseError::new(message, place));
    }
    for (index, arg) in call.args.iter().enumerate() {
        let wanted = function.args[index.min(function.args.len() - 1)];
        expect_type(arg, wanted, &format!("call to function {name:?}"))?;
    }
    Ok(function.returns)
}

fn term_type(left: ValueType, term: &Term) -> Result<ValueType> {
    use ValueType::{Scalar, Vector};
    let (op, right) = (term.op, term.expr.value_type);
    let fail = |message: String, place: Place| Err(ParseError::new(message, place));
    let both_scalars = (left, right) == (Scalar, Scalar);
    if term.bool_result && !op.is_comparison() {
        return fail("bool modifier can only be used on comparison operators".into(), term.op_place);
    }
    if op.is_comparison() && both_scalars && !term.bool_result {
        return fail("comparisons between scalars must use BOOL modifier".into(), term.op_place);
    }
    if !matches!(left, Scalar | Vector) || !matches!(right, Scalar | Vector) {
        return fail("binary expression must contain only scalar and instant vector types".into(), term.op_place);
    }
    let matching = &term.matching;
    if (left, right) != (Vector, Vector) {
        // As Prometheus does: matching without labels passes, though it says nothing here.
        if !matching.labels.is_empty() {
            return fail("vector matching only allowed between instant vectors".into(), term.op_place);
        }
        if op.is_set() {
            return fail(format!("set operator {:?} not allowed in binary scalar expression", op.symbol()), term.op_place);
        }
    }
    if let (Some(group), Vector, Vector) = (&matching.group, left, right) {
        if op.is_set() {
            return fail(format!("no grouping allowed for {:?} operation", op.symbol()), term.op_place);
        }
        if let Some(label) = matching.labels.iter().find(|label| matching.on && group.include.contains(label)) {
            return fail(format!("label {label:?} must not occur in ON and GROUP clause at once"), term.op_place);
        }
    }
    Ok(if both_scalars { Scalar } else { Vector })
}
