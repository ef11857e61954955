//! Grafana's macros and a dashboard's variables are no PromQL: something readable stands in their place before a query is read.

use std::collections::BTreeSet;

use bellbuoy_promql::{Expr, ExprKind, parse};

/// Stands for a variable whose values nobody knows. No real name begins so.
const ANY: &str = "bellbuoy_any_";

/// Whether a name in a query stands for whatever a variable holds.
pub(crate) fn stands_for_any(name: &str) -> bool {
    name.contains(ANY)
}

/// The text with macros and variables filled in, and whether there were any.
pub fn filled(text: &str) -> (String, bool) {
    fill(text, false)
}

fn fill(text: &str, numbers: bool) -> (String, bool) {
    let (mut out, mut at, mut any) = (String::new(), 0, false);
    let (mut in_quotes, mut brackets) = (None, 0usize);
    while let Some(c) = text[at..].chars().next() {
        if let Some((name, length)) = variable_at(&text[at..]) {
            out += &match stand_in(name, in_quotes.is_some(), brackets > 0) {
                word if numbers && in_quotes.is_none() && word.starts_with(ANY) => "1".to_string(),
                word => word,
            };
            at += length;
            any = true;
            continue;
        }
        match c {
            '"' | '\'' | '`' if in_quotes.is_none() => in_quotes = Some(c),
            '\\' if in_quotes.is_some_and(|quote| quote != '`') => {
                out.push(c);
                at += 1;
                let Some(next) = text[at..].chars().next() else { break };
                out.push(next);
                at += next.len_utf8();
                continue;
            }
            _ if in_quotes == Some(c) => in_quotes = None,
            '[' if in_quotes.is_none() => brackets += 1,
            ']' if in_quotes.is_none() => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        out.push(c);
        at += c.len_utf8();
    }
    (out, any)
}

/// The names of all variables in a text.
pub fn variables_in(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(['$', '[']) {
        match variable_at(&text[at + start..]) {
            Some((name, length)) => {
                found.insert(name);
                at += start + length;
            }
            None => at += start + 1,
        }
    }
    found
}

/// `$name`, `${name}`, `${name:format}`, `[[name]]` at the beginning: the name and the length of all.
fn variable_at(text: &str) -> Option<(&str, usize)> {
    let word = |text: &str| text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if let Some(rest) = text.strip_prefix("${") {
        let length = word(rest);
        let end = rest.find('}')?;
        return (length > 0 && !rest.as_bytes()[0].is_ascii_digit()).then_some((&rest[..length], end + 3));
    }
    if let Some(rest) = text.strip_prefix("[[") {
        let length = word(rest);
        let end = rest.find("]]")?;
        return (length > 0 && rest[length..end.max(length)].starts_with([':']) | (end == length)).then_some((&rest[..length], end + 4));
    }
    let rest = text.strip_prefix('$')?;
    let length = word(rest);
    // `$1` is a group of label_replace, `$)` the end of a pattern.
    (length > 0 && !rest.as_bytes()[0].is_ascii_digit()).then_some((&rest[..length], length + 1))
}

fn stand_in(name: &str, in_quotes: bool, in_brackets: bool) -> String {
    match name {
        "__rate_interval" | "__interval" if !in_quotes => "5m".into(),
        "__range" if !in_quotes => "1h".into(),
        "__range_s" => "3600".into(),
        "__range_ms" => "3600000".into(),
        "__interval_ms" => "300000".into(),
        "__from" | "__to" => "1700000000000".into(),
        _ if in_brackets && !in_quotes => "5m".into(),
        _ => format!("{ANY}{name}"),
    }
}

/// Reads a query. Matchers and names whose value is a variable ask for anything.
pub fn read_query(text: &str) -> (Result<Expr, String>, bool) {
    let (readable, any) = filled(text);
    // A variable outside of quotes may be a name, or a number.
    let read = parse(&readable).or_else(|error| if any { parse(&fill(text, true).0).map_err(|_| error) } else { Err(error) });
    let read = read.map(|mut expr| {
        expr.walk_mut(&mut |node| {
            let selector = match &mut node.kind {
                ExprKind::Vector(selector) => selector,
                ExprKind::Range(range) => &mut range.selector,
                _ => return,
            };
            selector.matchers.retain(|matcher| !matcher.value.contains(ANY) && !matcher.name.contains(ANY));
            if selector.name.as_deref().is_some_and(|name| name.contains(ANY)) {
                selector.name = None;
            }
        });
        expr
    });
    (read.map_err(|error| error.message), any)
}
