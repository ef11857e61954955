//! Expression -> text that parses back to the same expression, in Prometheus' style.

use std::fmt::{self, Display, Formatter, Write as _};

use bellbuoy_vocabulary::{METRIC_NAME, Millis, format_duration, format_float, is_classic_label_name, is_classic_metric_name};

use crate::ast::*;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(value) => f.write_str(&format_float(*value)),
            ExprKind::Duration(seconds) => f.write_str(&format_duration(Millis((seconds * 1000.0).round() as i64))),
            ExprKind::Text(text) => f.write_str(&quoted(text)),
            ExprKind::Vector(selector) => {
                write_matchers(f, selector)?;
                write_time(f, selector.offset, selector.at)
            }
            ExprKind::Range(RangeSelector { selector, range }) => {
                write_matchers(f, selector)?;
                write!(f, "[{}]", format_duration(*range))?;
                write_time(f, selector.offset, selector.at)
            }
            ExprKind::Subquery(subquery) => {
                let step = subquery.step.map(format_duration).unwrap_or_default();
                write!(f, "{}[{}:{step}]", subquery.expr, format_duration(subquery.range))?;
                write_time(f, subquery.offset, subquery.at)
            }
            ExprKind::Paren(expr) => write!(f, "({expr})"),
            ExprKind::Unary { negate, expr } => write!(f, "{}{expr}", if *negate { '-' } else { '+' }),
            ExprKind::Binary(binary) => {
                write!(f, "{}", binary.first)?;
                binary.rest.iter().try_for_each(|term| write_term(f, term))
            }
            ExprKind::Aggregate(aggregate) => write_aggregate(f, aggregate),
            ExprKind::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                for (index, arg) in call.args.iter().enumerate() {
                    write!(f, "{}{arg}", if index > 0 { ", " } else { "" })?;
                }
                f.write_char(')')
            }
        }
    }
}

/// `sum by (job) `, what stands before the parenthesis.
pub(crate) fn aggregate_head(aggregate: &Aggregate) -> String {
    let name = aggregate.op.name();
    match (aggregate.without, aggregate.grouping.is_empty()) {
        (true, _) => format!("{name} without ({}) ", label_list(&aggregate.grouping)),
        (false, false) => format!("{name} by ({}) ", label_list(&aggregate.grouping)),
        (false, true) => name.to_string(),
    }
}

/// `[5m:1m] offset 1m`
pub(crate) fn subquery_tail(subquery: &Subquery) -> String {
    let line =
        Expr { kind: ExprKind::Subquery(Box::new(subquery.clone())), place: Place::default(), value_type: ValueType::Matrix, depth: 0 }
            .to_string();
    line[subquery.expr.to_string().len()..].to_string()
}

/// `/ on (job) group_left (x)`, what stands between the two sides.
pub(crate) fn term_head(term: &Term) -> String {
    struct Head<'a>(&'a Term);
    impl Display for Head<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write_term_head(f, self.0)
        }
    }
    Head(term).to_string()
}

/// `name{label="value"}`; a name that needs quotes goes into the braces.
fn write_matchers(f: &mut Formatter<'_>, selector: &VectorSelector) -> fmt::Result {
    let bare = selector.name.as_deref().filter(|name| is_classic_metric_name(name) && !is_number_word(name));
    let mut parts = Vec::new();
    if let Some(name) = selector.name.as_deref() {
        match bare {
            Some(name) => f.write_str(name)?,
            None => parts.push(quoted(name)),
        }
    }
    for matcher in &selector.matchers {
        if selector.name.is_some() && matcher.name == METRIC_NAME {
            continue;
        }
        parts.push(format!("{}{}{}", label(&matcher.name), matcher.op.symbol(), quoted(&matcher.value)));
    }
    if parts.is_empty() && bare.is_some() { Ok(()) } else { write!(f, "{{{}}}", parts.join(",")) }
}

/// Words that would be read as something else at the start of an expression.
fn is_number_word(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(lower.as_str(), "inf" | "nan" | "bool" | "on" | "ignoring" | "group_left" | "group_right" | "atan2")
}

fn write_time(f: &mut Formatter<'_>, offset: Millis, at: Option<At>) -> fmt::Result {
    match at {
        Some(At::Time(time)) => write!(f, " @ {:.3}", time.seconds())?,
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        None => {}
    }
    if offset == Millis::ZERO { Ok(()) } else { write!(f, " offset {}", format_duration(offset)) }
}

fn write_term(f: &mut Formatter<'_>, term: &Term) -> fmt::Result {
    f.write_char(' ')?;
    write_term_head(f, term)?;
    write!(f, " {}", term.expr)
}

fn write_term_head(f: &mut Formatter<'_>, term: &Term) -> fmt::Result {
    f.write_str(term.op.symbol())?;
    if term.bool_result {
        f.write_str(" bool")?;
    }
    let Matching { on, labels, group } = &term.matching;
    if *on || !labels.is_empty() || group.is_some() {
        write!(f, " {} ({})", if *on { "on" } else { "ignoring" }, label_list(labels))?;
    }
    if let Some(group) = group {
        let side = if group.side == Side::Left { "group_left" } else { "group_right" };
        write!(f, " {side} ({})", label_list(&group.include))?;
    }
    Ok(())
}

fn write_aggregate(f: &mut Formatter<'_>, aggregate: &Aggregate) -> fmt::Result {
    f.write_str(&aggregate_head(aggregate))?;
    match &aggregate.param {
        Some(param) => write!(f, "({param}, {})", aggregate.expr),
        None => write!(f, "({})", aggregate.expr),
    }
}

fn label_list(labels: &[String]) -> String {
    labels.iter().map(|name| label(name)).collect::<Vec<_>>().join(", ")
}

fn label(name: &str) -> String {
    if is_classic_label_name(name) { name.to_string() } else { quoted(name) }
}

/// With Go's escapes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
