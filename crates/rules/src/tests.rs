//! Groups on a virtual clock: series as text, and a log of everything that happened.

use std::fmt::Write as _;

use bellbuoy_promql::{Engine, Options};
use bellbuoy_vocabulary::{Append, Labels, Millis, Points, Sample, SeriesSource, Span, Timestamp, format_float, is_stale};
use expect_test::{Expect, expect};
use proptest::prelude::*;

use crate::series_text::{parse_metric, parse_values};
use crate::*;

mod group;
mod replay;
mod restart;
mod unit;

/// A group on its way: the store, the clock, the log.
struct Scene {
    engine: Engine,
    store: MemoryStore,
    external: Labels,
    group: Group,
    now: Timestamp,
    log: String,
}

/// Evaluations and input values are this far apart.
const STEP: Millis = Millis::from_seconds(10);

impl Scene {
    fn new(group: GroupSettings, input: &[(&str, &str)]) -> Scene {
        let store = MemoryStore::new();
        for (series, values) in input {
            let labels = parse_metric(series).expect("a metric");
            let mut at = Timestamp(0);
            for value in parse_values(values).expect("values") {
                if let Some(value) = value {
                    let (series, _) = (&store).series(&labels).expect("no limit");
                    (&store).append(series, at, value).expect("in order");
                }
                at += STEP;
            }
        }
        let external = Labels::from_pairs([("site", "berlin"), ("instance", "never used")]);
        Scene { engine: Engine::new(Options::default()), store, external, group: Group::new(group), now: Timestamp(0), log: String::new() }
    }

    /// Evaluates until `end` (inclusive), the first time at the current time of the clock.
    fn run(&mut self, end_s: i64) -> &mut Scene {
        while self.now <= Timestamp(end_s * 1000) {
            let with = Evaluation {
                engine: &self.engine,
                source: &Until(&self.store, self.now),
                external_labels: &self.external,
                external_url: "http://bellbuoy:9090",
                resend_delay: RESEND_DELAY,
            };
            let mut report = GroupReport::default();
            for index in 0..self.group.len() {
                report.rules.push(self.group.evaluate_rule(index, self.now, &with, &mut &self.store));
            }
            self.group.finish_evaluation(self.now, 0.5);
            self.note(&report);
            self.now += STEP;
        }
        self
    }

    fn note(&mut self, report: &GroupReport) {
        let seconds = self.now.0 / 1000;
        for rule in &report.rules {
            if let Some(error) = &rule.error {
                let _ = writeln!(self.log, "{seconds}s error: {error}");
            }
            for warning in &rule.warnings {
                let _ = writeln!(self.log, "{seconds}s warning: {warning}");
            }
            for change in &rule.transitions {
                let (from, to, value) = (change.from.word(), change.to.word(), format_float(change.value));
                let _ = writeln!(self.log, "{seconds}s {} {from} -> {to} after {} value {value}", change.labels, change.after);
            }
            for alert in &rule.alerts {
                let (starts, ends) = (alert.starts_at.0 / 1000, alert.ends_at.0 / 1000);
                let _ = writeln!(self.log, "{seconds}s sent {} {} from {starts}s to {ends}s", alert.labels, alert.annotations);
            }
        }
    }

    /// The samples of a series as `seconds:value`.
    fn series(&self, metric: &str) -> String {
        print_samples(&self.store.samples(&parse_metric(metric).expect("a metric")))
    }

    fn view(&self, index: usize) -> RuleView {
        self.group.rules_view().swap_remove(index)
    }

    fn check(&self, expected: Expect) {
        expected.assert_eq(&self.log);
    }
}

fn print_samples(samples: &[Sample]) -> String {
    let one = |sample: &Sample| {
        let value = if is_stale(sample.value) { "stale".to_string() } else { format_float(sample.value) };
        format!("{}:{value}", sample.at.0 / 1000)
    };
    samples.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// The store as it was at a time: input series reach beyond the clock.
struct Until<'a>(&'a MemoryStore, Timestamp);

impl SeriesSource for Until<'_> {
    fn select(
        &self,
        from: Timestamp,
        to: Timestamp,
        matchers: &[bellbuoy_vocabulary::Matcher],
    ) -> Result<Vec<Box<dyn bellbuoy_vocabulary::Series + '_>>, bellbuoy_vocabulary::SourceError> {
        self.0.select(from, to.min(self.1), matchers)
    }
}

fn group(rules: Vec<RuleSettings>) -> GroupSettings {
    GroupSettings { name: "g".into(), file: "rules.yml".into(), interval: STEP, limit: 0, query_offset: Millis::ZERO, rules }
}

fn expr(text: &str) -> bellbuoy_promql::Expr {
    bellbuoy_promql::parse(text).expect("PromQL")
}

fn recording(record: &str, query: &str, labels: &[(&str, &str)]) -> RuleSettings {
    let labels = Labels::from_pairs(labels.iter().copied());
    RuleSettings::Recording(RecordingSettings { record: record.into(), expr: expr(query).into(), labels, span: Span::default() })
}

/// `hold` and `keep` in seconds.
fn alerting(alert: &str, query: &str, hold: i64, keep: i64) -> RuleSettings {
    with_texts(alert, query, hold, keep, &[], &[])
}

fn with_texts(alert: &str, query: &str, hold: i64, keep: i64, labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> RuleSettings {
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    RuleSettings::Alerting(AlertingSettings {
        alert: alert.into(),
        expr: expr(query).into(),
        hold: Millis::from_seconds(hold),
        keep_firing_for: Millis::from_seconds(keep),
        labels: owned(labels),
        annotations: owned(annotations),
        span: Span::default(),
    })
}
