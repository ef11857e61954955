//! Expression -> text over several lines, broken where Prometheus' `format_query` breaks it.

use crate::ast::*;
use crate::print::{aggregate_head, subquery_tail, term_head};

/// What fits is one line.
const LINE_MAX: usize = 100;
/// A longer chain of operators stays on one line: each term would be indented once more than the one after it.
const TERMS_MAX: usize = 200;

impl Expr {
    /// The same as `to_string` when it is short.
    pub fn pretty(&self) -> String {
        pretty(self, 0)
    }
}

fn pretty(expr: &Expr, level: usize) -> String {
    let (pad, line) = (indent(level), expr.to_string());
    if line.len() <= LINE_MAX {
        return format!("{pad}{line}");
    }
    match &expr.kind {
        ExprKind::Binary(binary) if binary.rest.len() <= TERMS_MAX => chain(binary, binary.rest.len(), level),
        ExprKind::Aggregate(aggregate) => {
            let param = aggregate.param.as_ref().map(|param| format!("{},\n", pretty(param, level + 1))).unwrap_or_default();
            format!("{pad}{}(\n{param}{}\n{pad})", aggregate_head(aggregate), pretty(&aggregate.expr, level + 1))
        }
        ExprKind::Call(call) if !call.args.is_empty() => {
            let args: Vec<String> = call.args.iter().map(|arg| pretty(arg, level + 1)).collect();
            format!("{pad}{}(\n{}\n{pad})", call.function.name, args.join(",\n"))
        }
        ExprKind::Paren(inner) => format!("{pad}(\n{}\n{pad})", pretty(inner, level + 1)),
        ExprKind::Subquery(subquery) => format!("{}{}", pretty(&subquery.expr, level), subquery_tail(subquery)),
        ExprKind::Unary { negate, expr } => format!("{pad}{}{}", if *negate { '-' } else { '+' }, pretty(expr, level).trim()),
        _ => format!("{pad}{line}"),
    }
}

/// The first `count` terms of a chain: each operator has the ones before it on its left.
fn chain(binary: &Binary, count: usize, level: usize) -> String {
    let Some(term) = count.checked_sub(1).and_then(|last| binary.rest.get(last)) else { return pretty(&binary.first, level) };
    let shown = |count: usize| Binary { first: binary.first.clone(), rest: binary.rest[..count].to_vec() };
    let line = one_line(&shown(count));
    if line.len() <= LINE_MAX {
        return format!("{}{line}", indent(level));
    }
    format!("{}\n{}{}\n{}", chain(binary, count - 1, level + 1), indent(level), term_head(term), pretty(&term.expr, level + 1))
}

fn one_line(binary: &Binary) -> String {
    let mut out = binary.first.to_string();
    for term in &binary.rest {
        out.push_str(&format!(" {} {}", term_head(term), term.expr));
    }
    out
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

#[cfg(test)]
mod tests {
    use crate::parse;

    /// The expected texts are those of Prometheus 3.5's `format_query`.
    #[test]
    fn long_queries_are_broken() {
        let long = "a".repeat(92);
        let check = |query: String, expected: String| assert_eq!(parse(&query).expect("a query").pretty(), expected);
        check("sum(a)by(b)/2".into(), "sum by (b) (a) / 2".into());
        check(
            format!("sum(a)by(b)/sum(rate({long}[5m]))"),
            format!("  sum by (b) (a)\n/\n  sum(\n    rate(\n      {long}[5m]\n    )\n  )"),
        );
        check(format!("-({long} + b)"), format!("-({long} + b)"));
        check(format!("topk(3, {long} + on(x) group_left(y) b)"), format!("topk(\n  3,\n    {long}\n  + on (x) group_left (y)\n    b\n)"));
    }

    #[test]
    fn a_long_chain_ends() {
        for terms in [50, 5000] {
            let query = vec!["metric"; terms].join(" + ");
            let shown = parse(&query).expect("a query").pretty();
            assert_eq!(parse(&shown).expect("a query").to_string(), query);
        }
    }
}
