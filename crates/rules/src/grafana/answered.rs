//! The queries of a rule as somebody else answers them, for many evaluations at once: a server that has the series.
//!
//! In:    a rule, its evaluations, who answers. Out: per query and evaluation the items that the query would have given here.
//! Never: takes a server's refusal for an evaluation that failed: it ends the replay.
//! Holds: an instant query is asked at the times of the evaluations, one over a range at all its steps that any of them looks at; both are points of
//!        one range query.

use std::collections::BTreeMap;

use bellbuoy_promql::SeriesPoints;
use bellbuoy_vocabulary::{Labels, Millis, Sample, Timestamp};

use super::data::Item;
use super::query::{Query, QueryKind, RESOLUTION_MAX, aligned};
use super::settings::GrafanaSettings;
use crate::replay::Ask;

/// What was answered for the evaluations up to `until`.
pub(crate) struct Answers {
    pub until: Timestamp,
    by_query: BTreeMap<String, BTreeMap<Labels, Vec<Sample>>>,
}

impl Answers {
    /// For the evaluations at `from`, `from + step`, ... up to `until`.
    pub fn of(rule: &GrafanaSettings, from: Timestamp, until: Timestamp, step: Millis, ask: &Ask) -> Result<Answers, String> {
        let mut by_query = BTreeMap::new();
        for (ref_id, query) in rule.queries_named() {
            let (begin, end) = (from.saturating_sub(query.to), until.saturating_sub(query.to));
            let found = match query.kind {
                QueryKind::Instant => asked(query, begin, end, step, ask)?,
                QueryKind::Range { step } => asked(query, aligned(from.saturating_sub(query.from), step), aligned(end, step), step, ask)?,
            };
            by_query.insert(ref_id.to_string(), found);
        }
        Ok(Answers { until, by_query })
    }

    /// As `Query::run` would have it at the same time.
    pub fn items(&self, ref_id: &str, query: &Query, now: Timestamp) -> Vec<Item> {
        let end = now.saturating_sub(query.to);
        let series = self.by_query.get(ref_id).into_iter().flatten();
        let items: Vec<Item> = match query.kind {
            QueryKind::Instant => {
                let number = |(labels, samples): (&Labels, &Vec<Sample>)| {
                    let at = samples.binary_search_by_key(&end, |sample| sample.at).ok()?;
                    Some(Item::Number { labels: labels.clone(), value: Some(samples[at].value) })
                };
                series.filter_map(number).collect()
            }
            QueryKind::Range { step } => {
                let (begin, end) = (aligned(now.saturating_sub(query.from), step), aligned(end, step));
                let part = |(labels, samples): (&Labels, &Vec<Sample>)| {
                    let first = samples.partition_point(|sample| sample.at < begin);
                    let last = samples.partition_point(|sample| sample.at <= end);
                    let points: Vec<_> = samples[first..last.max(first)].iter().map(|sample| (sample.at, Some(sample.value))).collect();
                    (!points.is_empty()).then(|| Item::Series { labels: labels.clone(), points })
                };
                series.filter_map(part).collect()
            }
        };
        if items.is_empty() { vec![Item::NoData] } else { items }
    }
}

/// In pieces that a server takes.
fn asked(query: &Query, from: Timestamp, to: Timestamp, step: Millis, ask: &Ask) -> Result<BTreeMap<Labels, Vec<Sample>>, String> {
    let mut found: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    let mut at = from;
    while at <= to {
        let last = at + Millis(step.0 * RESOLUTION_MAX.min((to - at).0 / step.0));
        for SeriesPoints { labels, points } in ask(&query.expr, at, last, step)? {
            found.entry(labels).or_default().extend(points.floats);
        }
        at = last + step;
    }
    Ok(found)
}
