//! Recording rules written into the expression that reads them, so that only series of targets are left.
//!
//! In:    an expression and all groups. Out: an expression of the same value, as far as labels of recording rules do not matter; what was
//!        found is proved with the real rules afterwards.

use bellbuoy_promql::{Expr, ExprKind, VectorSelector, parse};
use bellbuoy_rules::{GroupSettings, RecordingSettings, RuleSettings};
use bellbuoy_vocabulary::{METRIC_NAME, MatchOp, Matcher, format_duration};

const ROUNDS_MAX: usize = 12;
const BYTES_MAX: usize = 32 << 10;

/// The expression without recorded names, and the names that were written out.
pub fn inlined(expr: &Expr, groups: &[GroupSettings]) -> (Expr, Vec<String>) {
    let mut text = expr.to_string();
    let mut current = expr.clone();
    let mut names = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let Some(next) = once(&current, &text, groups, &mut names) else { break };
        let Ok(parsed) = parse(&next) else { break };
        if next.len() > BYTES_MAX {
            break;
        }
        text = parsed.to_string();
        let Ok(again) = parse(&text) else { break };
        current = again;
    }
    // Places must count in the printed text.
    let current = parse(&current.to_string()).unwrap_or(current);
    (current, names)
}

/// One level of recording rules; `None` when there is none.
fn once(expr: &Expr, text: &str, groups: &[GroupSettings], names: &mut Vec<String>) -> Option<String> {
    let expr = parse(text).ok().unwrap_or_else(|| expr.clone());
    let mut changes: Vec<(usize, usize, String)> = Vec::new();
    expr.walk(&mut |node| {
        let (selector, range) = match &node.kind {
            ExprKind::Vector(selector) => (selector, None),
            ExprKind::Range(range) => (&range.selector, Some(range.range)),
            _ => return,
        };
        let Some(rule) = recorded(selector, groups) else { return };
        let inner = format!("({})", with_matchers(rule, selector));
        let mut new = match range {
            None => inner,
            Some(range) => format!("{inner}[{}:1m]", format_duration(range)),
        };
        if range.is_some() && selector.offset.0 != 0 {
            new.push_str(&format!(" offset {}", format_duration(selector.offset)));
        } else if selector.offset.0 != 0 {
            // Only ranges and selectors take an offset.
            new = format!("last_over_time({new}[1m:1m] offset {})", format_duration(selector.offset));
        }
        if !names.contains(&rule.record) {
            names.push(rule.record.clone());
        }
        changes.push((node.place.start, node.place.end, new));
    });
    if changes.is_empty() {
        return None;
    }
    let mut out = text.to_string();
    changes.sort_by_key(|change| std::cmp::Reverse(change.0));
    for (start, end, new) in changes {
        out.replace_range(start..end, &new);
    }
    Some(out)
}

fn recorded<'a>(selector: &VectorSelector, groups: &'a [GroupSettings]) -> Option<&'a RecordingSettings> {
    let by_matcher = || selector.matchers.iter().find(|m| m.name == METRIC_NAME && m.op == MatchOp::Equal).map(|m| m.value.as_str());
    let name = selector.name.as_deref().or_else(by_matcher)?;
    let rules = groups.iter().flat_map(|group| &group.rules).filter_map(|rule| match rule {
        RuleSettings::Recording(rule) if rule.record == name => Some(rule),
        _ => None,
    });
    // Of several rules that record the name the one whose own labels fit.
    let fits = |rule: &&RecordingSettings| {
        rule.labels.iter().all(|(label, value)| selector.matchers.iter().all(|m| m.name != label || m.matches(value)))
    };
    // A rule that reads the name it records has no end.
    let reads_itself = |rule: &&RecordingSettings| rule.expr.selectors().iter().any(|inner| inner.name.as_deref() == Some(name));
    rules.filter(|rule| !reads_itself(rule)).find(fits)
}

/// What the reader asks of labels is asked of the series behind the rule, where these labels survive.
fn with_matchers(rule: &RecordingSettings, selector: &VectorSelector) -> String {
    let wanted: Vec<&Matcher> = selector.matchers.iter().filter(|m| m.name != METRIC_NAME && !rule.labels.has(&m.name)).collect();
    if wanted.is_empty() {
        return rule.expr.to_string();
    }
    let mut expr = (*rule.expr).clone();
    expr.walk_mut(&mut |node| {
        let inner = match &mut node.kind {
            ExprKind::Vector(selector) => selector,
            ExprKind::Range(range) => &mut range.selector,
            _ => return,
        };
        for matcher in &wanted {
            if !inner.matchers.iter().any(|known| known.name == matcher.name) {
                inner.matchers.push((*matcher).clone());
            }
        }
    });
    expr.to_string()
}
