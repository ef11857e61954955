//! Which side of a comparison people look at, and with what it is compared: the series, beside the number.
//!
//! In:    an expression. Out: the side and the operator as it reads from there. Used by explanations, and by the pictures in messages.

use bellbuoy_promql::{BinaryOp, Expr, ExprKind, ValueType};

/// A side that is compared, and with what.
pub struct Compared<'a> {
    pub side: &'a Expr,
    /// `None`: with other series, or with nothing at all.
    pub with: Option<(BinaryOp, &'a Expr)>,
}

/// The first comparison with something constant decides; without one it is the expression itself.
pub fn compared(expr: &Expr) -> Compared<'_> {
    comparison(expr).unwrap_or(Compared { side: expr, with: None })
}

fn comparison(expr: &Expr) -> Option<Compared<'_>> {
    let ExprKind::Binary(binary) = &expr.unparenthesized().kind else { return None };
    let term = binary.rest.first()?;
    if term.op.is_set() {
        return comparison(&binary.first).or_else(|| binary.rest.iter().find_map(|term| comparison(&term.expr)));
    }
    if !term.op.is_comparison() || term.bool_result || binary.rest.len() > 1 {
        return None;
    }
    let (first, second) = (binary.first.as_ref(), &term.expr);
    let (side, op, with) = if is_turned(first, second) { (second, turned(term.op), first) } else { (first, term.op, second) };
    Some(Compared { side, with: (!is_constant(side) && is_constant(with)).then_some((op, with)) })
}

/// Whether the series stand on the right: `0.5 < drift_share`.
pub fn is_turned(left: &Expr, right: &Expr) -> bool {
    left.value_type() == ValueType::Scalar && right.value_type() != ValueType::Scalar
}

fn is_constant(expr: &Expr) -> bool {
    expr.value_type() == ValueType::Scalar && expr.selectors().is_empty()
}

fn turned(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_that_is_compared() {
        for (query, side, with) in [
            ("drift_share > 0.5", "drift_share", "> 0.5"),
            ("0.5 < drift_share", "drift_share", "> 0.5"),
            ("(rate(a[5m]) / rate(b[5m])) >= 5 / 100", "(rate(a[5m]) / rate(b[5m]))", ">= 5 / 100"),
            ("r2 < 0.65 and on () rows > 100", "r2", "< 0.65"),
            ("a > b", "a", ""),
            ("a > scalar(b)", "a", ""),
            ("scalar(b) < a", "a", ""),
            ("absent(up)", "absent(up)", ""),
            ("sum by (job) (up) == bool 0", "sum by (job) (up) == bool 0", ""),
        ] {
            let expr = bellbuoy_promql::parse(query).expect(query);
            let found = compared(&expr);
            let said = found.with.map_or(String::new(), |(op, side)| format!("{} {side}", op.symbol()));
            assert_eq!((found.side.to_string().as_str(), said.as_str()), (side, with), "{query}");
        }
    }
}
