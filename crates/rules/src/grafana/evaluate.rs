//! One evaluation of a Grafana rule, from its queries to its alerts and samples.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis, Timestamp};

use super::answered::Answers;
use super::data::Item;
use super::outcome::{Verdict, outcomes};
use super::plan;
use super::settings::{GrafanaSettings, RecordSettings};
use super::state::{AlertKind, Condition, Instance, Instances, Terms, public};
use super::words::Words;
use crate::report::{Health, RuleReport};
use crate::view::AlertView;
use crate::{Evaluation, RuleError};

/// A Grafana rule with what lives from one evaluation to the next.
pub(crate) struct GrafanaRule {
    pub settings: GrafanaSettings,
    words: Words,
    pub instances: Instances,
    /// Of its queries, when a server evaluates them.
    pub answers: Option<Answers>,
}

impl GrafanaRule {
    pub fn new(settings: GrafanaSettings) -> GrafanaRule {
        GrafanaRule { words: Words::of(&settings), settings, instances: Instances::default(), answers: None }
    }

    /// The samples to write; alerts and transitions are in the report.
    pub fn evaluate(
        &mut self,
        at: Timestamp,
        interval: Millis,
        with: &Evaluation,
        report: &mut RuleReport,
    ) -> Result<Vec<(Labels, f64)>, RuleError> {
        let terms = terms(&self.settings, interval);
        if self.settings.is_paused {
            let step = self.instances.end_all(at, "Paused", &terms);
            report.transitions = step.transitions;
            report.alerts = self.finished(step.alerts, with);
            return Ok(Vec::new());
        }
        let run = plan::run(&self.settings, with, at, &self.instances.loaded(), self.answers.as_ref());
        report.warnings.extend(run.warnings.iter().cloned());
        if let Some(record) = &self.settings.record {
            return recorded(&self.settings, record, &run);
        }
        let found = outcomes(&self.settings, &run);
        let error = found.iter().find_map(|outcome| match &outcome.verdict {
            Verdict::Error(failure) => Some(failure.message.clone()),
            _ => None,
        });
        if found.iter().any(|outcome| outcome.verdict == Verdict::NoData) {
            report.health = Health::NoData;
        }
        let found = found.into_iter().map(|outcome| self.words.dress(outcome, with, at, &mut report.warnings)).collect();
        let step = self.instances.step(found, at, &terms)?;
        report.transitions = step.transitions;
        report.alerts = self.finished(step.alerts, with);
        report.error = error.map(RuleError::Query);
        Ok(self.instances.samples(&self.settings.uid))
    }

    /// What the API shows: everything that is not normal.
    pub fn views(&self) -> Vec<AlertView> {
        let active = self.instances.all.values().filter(|instance| instance.condition != Condition::Normal);
        let view = |instance: &Instance| AlertView {
            labels: public(&instance.condition.kind().unwrap_or(AlertKind::Rule).labels(&instance.labels)),
            annotations: instance.annotations.clone(),
            state: instance.condition.state(),
            active_at: instance.since,
            keep_firing_since: (instance.condition == Condition::Recovering).then_some(instance.since),
            value: instance.value(&self.settings.condition),
        };
        active.map(view).collect()
    }

    /// External labels and the link, as of all alerts that leave this program.
    fn finished(&self, mut alerts: Vec<bellbuoy_vocabulary::Alert>, with: &Evaluation) -> Vec<bellbuoy_vocabulary::Alert> {
        let link = with.generator_url(&self.settings.query_text());
        for alert in &mut alerts {
            let mut labels = alert.labels.builder();
            for (name, value) in with.external_labels {
                if !alert.labels.has(name) {
                    labels.set(name, value);
                }
            }
            alert.labels = labels.labels();
            alert.generator_url = link.clone();
        }
        alerts
    }
}

fn terms(rule: &GrafanaSettings, interval: Millis) -> Terms<'_> {
    Terms {
        condition: &rule.condition,
        hold: rule.hold,
        keep_firing_for: rule.keep_firing_for,
        no_data: rule.no_data,
        on_error: rule.on_error,
        missing_evals: rule.missing_series_evals_to_resolve,
        interval,
    }
}

/// A recording rule: the numbers of its `from` under the metric's name, with the rule's labels over their own.
fn recorded(rule: &GrafanaSettings, record: &RecordSettings, run: &plan::Run) -> Result<Vec<(Labels, f64)>, RuleError> {
    let items = match run.results.get(&rule.condition) {
        Some(Ok(items)) => items.as_slice(),
        Some(Err(failure)) => return Err(RuleError::Query(failure.message.clone())),
        None => &[],
    };
    let mut out = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for item in items {
        let value = match item {
            Item::Scalar(value) | Item::Number { value, .. } => *value,
            Item::NoData => continue,
            Item::Series { .. } => {
                let message = format!("{} gives time series, only reduced data can be recorded; add a reduce expression", rule.condition);
                return Err(RuleError::Query(message));
            }
        };
        let mut labels = item.labels().builder();
        labels.set(METRIC_NAME, &record.metric);
        rule.labels.iter().for_each(|(name, value)| {
            labels.set(name, value);
        });
        let labels = labels.labels();
        if !seen.insert(labels.clone()) {
            return Err(RuleError::SameRecordedLabels);
        }
        if let Some(value) = value {
            out.insert(labels, value);
        }
    }
    Ok(out.into_iter().collect())
}
