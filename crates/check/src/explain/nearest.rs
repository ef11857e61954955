//! A selector that finds nothing: since when, because of which matcher, and what exists that is close.
//!
//! In:    the matchers and the span of time that the selector looks at. Out: a reason in words and `Near`s.
//! Never: reads more than a few series; a metric with a hundred thousand of them is told by examples.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Labels, METRIC_NAME, MatchOp, Matcher, Points, SeriesSource, Timestamp, is_stale, nearest};

use super::words::{clock, length};
use super::{Near, PAST, World, label_map};

/// Series whose values are read to find the last one.
const READ_MAX: usize = 200;
const VALUES_SHOWN: usize = 6;

/// Words that say nothing of what a metric is about.
const OF_ANY: [&str; 7] = ["total", "seconds", "bytes", "count", "sum", "bucket", "info"];

pub struct Absence {
    /// `no series has model="v7" since 10:02 UTC (6m)`
    pub why: String,
    pub near: Vec<Near>,
}

/// The span that a selector looks at: behind `from`, up to `to`.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    pub from: Timestamp,
    pub to: Timestamp,
    /// The time of the question, for the words.
    pub now: Timestamp,
}

pub fn absence(matchers: &[Matcher], looked: Looked, world: &World) -> Absence {
    let name = matchers.iter().find(|m| m.name == METRIC_NAME && m.op == MatchOp::Equal).map(|m| m.value.as_str());
    let others: Vec<&Matcher> = matchers.iter().filter(|m| !(m.name == METRIC_NAME && m.op == MatchOp::Equal)).collect();
    let by_name: Vec<Matcher> = name.map(|name| Matcher::equal(METRIC_NAME, name)).into_iter().collect();
    let there = match name {
        Some(_) => labels_of(world.source, &by_name, looked.from, looked.to),
        None => Vec::new(),
    };
    let gone = last_seen(matchers, looked, world);
    if let (Some(name), true) = (name, there.is_empty()) {
        return no_metric(name, gone, looked, world);
    }
    let mut near = Vec::new();
    let mut why = String::new();
    for (index, matcher) in others.iter().enumerate() {
        let rest = others.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, matcher)| matcher);
        let rest: Vec<&&Matcher> = rest.collect();
        let left: Vec<&Labels> = there.iter().filter(|labels| rest.iter().all(|matcher| matcher.matches_labels(labels))).collect();
        if left.is_empty() {
            continue;
        }
        near.push(values_of(matcher, &left));
        if why.is_empty() {
            why = format!("no series of {} has {matcher}{}", name.unwrap_or("those"), since(&gone, looked.now));
        }
    }
    if why.is_empty() {
        let shown: Vec<String> = others.iter().map(|matcher| matcher.to_string()).collect();
        why = format!("no series of {} has {} together{}", name.unwrap_or("any metric"), shown.join(", "), since(&gone, looked.now));
        near.extend(there.iter().take(3).map(|labels| Near {
            text: format!("{labels} exists"),
            suggestion: None,
            labels: Some(label_map(labels)),
        }));
    }
    if let Some((labels, at)) = &gone {
        near.insert(
            0,
            Near {
                text: format!("{labels} was there until {}", clock(*at, looked.now)),
                suggestion: None,
                labels: Some(label_map(labels)),
            },
        );
    }
    Absence { why, near }
}

fn since(gone: &Option<(Labels, Timestamp)>, now: Timestamp) -> String {
    match gone {
        Some((_, at)) => format!(" since {} ({})", clock(*at, now), length(now - *at)),
        None => String::new(),
    }
}

fn no_metric(name: &str, gone: Option<(Labels, Timestamp)>, looked: Looked, world: &World) -> Absence {
    if let Some((labels, at)) = &gone {
        let text = format!("{labels} was there until {}", clock(*at, looked.now));
        let near = Near { text, suggestion: None, labels: Some(label_map(labels)) };
        return Absence { why: format!("there is no series {name}{}", since(&gone, looked.now)), near: vec![near] };
    }
    let names = (world.names)();
    let mut candidates: Vec<&str> = Vec::new();
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    const ENDS: [&str; 6] = ["_total", "_bucket", "_count", "_sum", "_seconds", "_info"];
    for end in ENDS {
        candidates.extend(known.get(format!("{name}{end}").as_str()).copied());
        candidates.extend(name.strip_suffix(end).and_then(|stem| known.get(stem).copied()));
    }
    candidates.extend(nearest(name, known.iter().copied()));
    if candidates.is_empty() {
        // Other words in another order: those with most words in common.
        let words: BTreeSet<&str> = name.split('_').filter(|word| word.len() > 2 && !OF_ANY.contains(word)).collect();
        let shared = |other: &&&str| words.iter().filter(|word| other.split('_').any(|own| own == **word)).count();
        candidates.extend(known.iter().filter(|other| shared(other) >= 2).max_by_key(|other| shared(other)).copied());
    }
    let mut near: Vec<Near> = Vec::new();
    for candidate in candidates {
        if !near.iter().any(|known| known.suggestion.as_deref() == Some(candidate)) && near.len() < 4 {
            near.push(Near { text: format!("{candidate} exists"), suggestion: Some(candidate.to_string()), labels: None });
        }
    }
    let mean = near.first().and_then(|near| near.suggestion.as_ref()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    let nothing = if names.is_empty() { ", nor of any other name" } else { "" };
    Absence { why: format!("nobody has told of a metric {name} in the last 7d{nothing}{mean}"), near }
}

/// The values that a label has where a matcher would have one.
fn values_of(matcher: &Matcher, series: &[&Labels]) -> Near {
    let values: BTreeSet<&str> = series.iter().map(|labels| labels.get(&matcher.name)).collect();
    let near = match matcher.op {
        MatchOp::Equal => nearest(&matcher.value, values.iter().copied().filter(|value| !value.is_empty())),
        _ => None,
    };
    let labels = near.and_then(|near| series.iter().find(|labels| labels.get(&matcher.name) == near)).or(series.first());
    if values.len() == 1 && values.contains("") {
        let have: BTreeSet<&str> =
            series.iter().flat_map(|labels| labels.iter()).map(|(name, _)| name).filter(|name| *name != METRIC_NAME).collect();
        let near = nearest(&matcher.name, have.iter().copied());
        let list: Vec<&str> = have.iter().copied().take(12).collect();
        return Near {
            text: format!("the series that exist do not have the label {}; theirs are {}", matcher.name, list.join(", ")),
            suggestion: near.and_then(|near| Matcher::new(near, matcher.op, &matcher.value).ok()).map(|matcher| matcher.to_string()),
            labels: labels.map(|labels| label_map(labels)),
        };
    }
    let shown: Vec<String> = values.iter().filter(|value| !value.is_empty()).take(VALUES_SHOWN).map(|value| format!("{value:?}")).collect();
    let more = if values.len() > VALUES_SHOWN { format!(" and {} more", values.len() - VALUES_SHOWN) } else { String::new() };
    Near {
        text: format!("without {matcher} there {}: {} is {}{more}", super::words::are_series(series.len()), matcher.name, shown.join(", ")),
        suggestion: near.map(|near| Matcher::equal(&matcher.name, near).to_string()),
        labels: labels.map(|labels| label_map(labels)),
    }
}

fn labels_of(source: &dyn SeriesSource, matchers: &[Matcher], from: Timestamp, to: Timestamp) -> Vec<Labels> {
    let Ok(found) = source.select(from, to, matchers) else { return Vec::new() };
    let mut points = Points::default();
    let mut out = Vec::new();
    for series in found {
        points.clear();
        // Past the bound it is taken on trust that a series that matched has values.
        if out.len() >= READ_MAX || series.read(from, to, &mut points).is_ok() && points_live(&points) {
            out.push(series.labels().clone());
        }
    }
    out
}

fn points_live(points: &Points) -> bool {
    !points.histograms.is_empty() || points.floats.iter().any(|sample| !is_stale(sample.value))
}

/// The series that was there last, and its last sample's time.
fn last_seen(matchers: &[Matcher], looked: Looked, world: &World) -> Option<(Labels, Timestamp)> {
    let mut points = Points::default();
    for past in PAST {
        let from = looked.to.saturating_sub(past);
        let mut last: Option<(Labels, Timestamp)> = None;
        for series in world.source.select(from, looked.to, matchers).ok()?.into_iter().take(READ_MAX) {
            points.clear();
            if (world.stop)() || series.read(from, looked.to, &mut points).is_err() {
                return last;
            }
            let at = points.floats.iter().rev().find(|sample| !is_stale(sample.value)).map(|sample| sample.at);
            let at = at.max(points.histograms.last().map(|(at, _)| *at));
            if let Some(at) = at.filter(|at| last.as_ref().is_none_or(|(_, known)| known < at)) {
                last = Some((series.labels().clone(), at));
            }
        }
        if last.is_some() {
            return last;
        }
    }
    None
}
