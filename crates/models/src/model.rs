//! One model: its reference, the rows that are kept, its counters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bellbuoy_drift::{Column, Kind, Options, Values, drift_report};
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::judgement::series;
use crate::window::Window;
use crate::{
    Accepted, Answer, DeploymentDecision, DeploymentOutcome, DriftSummary, Evaluation, EvaluationOptions, FeatureKind, FeatureValue,
    Judgement, Metric, MetricKind, ModelSettings, Outcome, Pairs, Performance, Policy, PolicyState, Reading, Readings, RetrainingOutcome,
    Row, TestRow, drift_score_name, performance, readings_of,
};

/// Drift is judged on at most this many rows a side: the preset then takes tests with a p-value, whatever the reference's size.
const DRIFT_ROWS_MAX: usize = 1000;

/// Training runs end in one of these; another status is counted as `other`.
const STATUSES: [&str; 3] = ["success", "failure", "other"];

#[derive(Debug)]
pub struct Model {
    settings: ModelSettings,
    reference: Vec<Column>,
    reference_rows: usize,
    window: Window,
    counters: Counters,
    policy_state: PolicyState,
}

/// Counted since the model was first seen; kept over restarts by `state` and `restore`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counters {
    training_runs: BTreeMap<&'static str, u64>,
    deployments: BTreeMap<&'static str, u64>,
    decisions: BTreeMap<&'static str, u64>,
    improvement: Option<f64>,
}

impl Model {
    /// `reference`: rows that stand for the data that the model was trained on, in their order of time. Of more than 1,000 rows
    /// an even selection over the whole reference is used for drift.
    pub fn new(settings: ModelSettings, reference: Vec<Row>) -> Model {
        let rows = reference.len().min(DRIFT_ROWS_MAX);
        let chosen: Vec<&Row> = (0..rows).map(|i| &reference[i * reference.len() / rows]).collect();
        let columns = settings.features.iter().map(|feature| Column::new(&feature.name, reference_values(&feature.name, &chosen)));
        let reference = columns.collect();
        Model {
            reference,
            reference_rows: rows,
            window: Window::new(settings.retention_rows),
            counters: Counters::new(),
            policy_state: PolicyState::default(),
            settings,
        }
    }

    pub fn settings(&self) -> &ModelSettings {
        &self.settings
    }

    /// Takes predictions, each id once per role; a repeated one changes nothing. Any order of time.
    pub fn predictions(&mut self, rows: Vec<Row>) -> Accepted {
        let mut accepted = Accepted::default();
        let features = &self.settings.features;
        for row in rows {
            self.window.predict(row, |name| features.iter().any(|feature| feature.name == name), &mut accepted);
        }
        accepted
    }

    /// Takes true values by id, before or after their predictions. Another value for the same id corrects the first.
    pub fn labels(&mut self, labels: Vec<(String, f64)>) -> Accepted {
        let mut accepted = Accepted::default();
        for (id, value) in labels {
            self.window.label(id, value, &mut accepted);
        }
        accepted
    }

    /// Judges the champion. `forced`: a person asks for a retraining, whatever the numbers say.
    pub fn judge(&mut self, now: Timestamp, forced: bool) -> Judgement {
        let drift = self.drift(Row::CHAMPION);
        let performance = self.performance(Row::CHAMPION);
        let readings = self.readings(&drift, &performance);
        let decision = self.settings.retraining.judge(&readings, &mut self.policy_state, forced, now);
        *self.counters.decisions.entry(decision.outcome.word()).or_default() += 1;
        Judgement { at: now, drift, performance, decision, readings }
    }

    /// Drift of the newest predictions of a role against the reference.
    pub fn drift(&self, role: &str) -> Outcome<DriftSummary> {
        let settings = &self.settings;
        let rows = self.window.newest(role, settings.window_rows().min(DRIFT_ROWS_MAX));
        // The window is never larger than 1,000 rows, so it must not be asked for more.
        let rows_min = settings.rows_min.min(DRIFT_ROWS_MAX);
        for (side, count) in [("reference", self.reference_rows), ("current", rows.len())] {
            if count == 0 {
                return Outcome::Unknown(format!("there are no {side} rows"));
            }
            if count < rows_min {
                return Outcome::Unknown(format!("{count} {side} rows, {rows_min} are needed"));
            }
        }
        let current: Vec<Column> = self.reference.iter().map(|column| Column::new(&column.name, current_values(column, &rows))).collect();
        let report = drift_report(&self.reference, &current, &self.options());
        if report.judged_columns == 0 {
            let first = report.columns.first().and_then(|column| Some((&column.name, column.error.as_ref()?)));
            let example = first.map_or(String::new(), |(name, error)| format!(" ({name}: {error})"));
            return Outcome::Unknown(format!("no feature could be judged{example}"));
        }
        Outcome::Known(DriftSummary {
            share: report.drift_share,
            drifted_features: report.drifted_columns,
            features: report.columns,
            detected: report.dataset_drift,
            rows: rows.len(),
        })
    }

    /// Performance of a role over its newest predictions that have their true values.
    pub fn performance(&self, role: &str) -> Outcome<Performance> {
        performance(&self.window.newest_scored(role, self.settings.window_rows()), self.settings.rows_min)
    }

    /// Rows of the champion between two times whose true value is there and which the challenger answered too, in their order.
    pub fn test_rows(&self, from: Timestamp, to: Timestamp, challenger: impl Fn(&str) -> Option<Answer>) -> Vec<TestRow> {
        self.window.test_rows(&self.settings.roles.champion, from, to, challenger)
    }

    /// What a role said of an id.
    pub fn answer(&self, role: &str, id: &str) -> Option<Answer> {
        self.window.answer(role, id)
    }

    /// A retraining was done: the cool-down of the rules counts from here.
    pub fn retrained(&mut self, now: Timestamp) {
        self.policy_state.acted(now);
    }

    /// Over the same rows as `performance`. Intervals cost a thousand figures each, so only those that a rule asks for have one.
    fn readings(&self, drift: &Outcome<DriftSummary>, performance: &Outcome<Performance>) -> Readings {
        let policy = &self.settings.retraining;
        let rows = self.window.newest_scored(Row::CHAMPION, self.settings.window_rows());
        let pairs = Pairs::new(rows.iter().map(|row| (row.predicted, row.actual)));
        let of_side = |metric: &Metric| policy.asks_for_interval(metric.word());
        let (with, without): (Vec<Metric>, Vec<Metric>) = Metric::of_kind(MetricKind::Regression).partition(of_side);
        let options = EvaluationOptions { rows_min: self.settings.rows_min, ..EvaluationOptions::default() };
        let plain = EvaluationOptions { resampling: None, ..options.clone() };
        let mut out = Policy::<RetrainingOutcome>::readings(drift, performance);
        out.extend(readings_of(&Evaluation::of_metrics(&pairs, &without, &plain)));
        out.extend(readings_of(&Evaluation::of_metrics(&pairs, &with, &options)));
        if let Outcome::Known(drift) = drift {
            for feature in &drift.features {
                let unknown = || Reading::unknown(feature.error.clone().unwrap_or_else(|| "it could not be judged".to_owned()));
                let reading = feature.score.map_or_else(unknown, |score| Reading::of(score, Some(feature.current_rows)));
                out.insert(drift_score_name(&feature.name), reading);
            }
        }
        out
    }

    fn options(&self) -> Options {
        let settings = &self.settings;
        let kind = |kind| if kind == FeatureKind::Numeric { Kind::Numeric } else { Kind::Categorical };
        let known = settings.features.iter().filter_map(|feature| Some((feature.name.clone(), kind(feature.kind?))));
        Options {
            p_threshold: settings.drift.p_value,
            drift_share_threshold: settings.drift.share,
            kinds: known.collect(),
            ..Options::default()
        }
    }

    /// A training run ended with `success` or `failure`.
    pub fn record_training(&mut self, status: &str) {
        let known = STATUSES.into_iter().find(|known| *known == status).unwrap_or("other");
        *self.counters.training_runs.entry(known).or_default() += 1;
    }

    pub fn record_deployment(&mut self, decision: &DeploymentDecision) {
        *self.counters.deployments.entry(decision.outcome().word()).or_default() += 1;
        self.counters.improvement = decision.improvement().or(self.counters.improvement);
    }

    /// The series that count, from 0 on, so that a rate over them sees the first event.
    pub fn counter_samples(&self) -> Vec<(Labels, f64)> {
        let mut out = Vec::new();
        let mut add = |name: &str, label, value: f64| out.push((series(&self.settings, name, label), value));
        let counters = &self.counters;
        for (name, label, counts) in [
            ("training_runs_total", "status", &counters.training_runs),
            ("model_deployments_total", "decision", &counters.deployments),
            ("retraining_decisions_total", "outcome", &counters.decisions),
        ] {
            for (value, count) in counts {
                add(name, Some((label, *value)), *count as f64);
            }
        }
        if let Some(improvement) = counters.improvement {
            add("model_improvement_delta", None, improvement);
        }
        add("true_values_waiting", None, self.window.labels_waiting() as f64);
        add("true_values_dropped_total", None, self.window.labels_dropped as f64);
        out
    }

    /// The counters, to be kept over a restart. The rows are the boat's to keep.
    pub fn state(&self) -> Value {
        let counters = &self.counters;
        json!({
            "training_runs": counters.training_runs,
            "deployments": counters.deployments,
            "decisions": counters.decisions,
            "improvement": counters.improvement,
            "policy": self.policy_state,
        })
    }

    /// Takes the counters back from `state`. What is missing or damaged there stays as it is.
    pub fn restore(&mut self, state: &Value) {
        let take = |counts: &mut BTreeMap<&'static str, u64>, kept: Option<&Map<String, Value>>| {
            for (name, count) in counts {
                *count = kept.and_then(|kept| kept.get(*name)?.as_u64()).unwrap_or(*count);
            }
        };
        take(&mut self.counters.training_runs, state["training_runs"].as_object());
        take(&mut self.counters.deployments, state["deployments"].as_object());
        take(&mut self.counters.decisions, state["decisions"].as_object());
        self.counters.improvement = state["improvement"].as_f64().or(self.counters.improvement);
        if let Ok(policy_state) = PolicyState::deserialize(&state["policy"]) {
            self.policy_state = policy_state;
        }
    }
}

impl Counters {
    fn new() -> Counters {
        Counters {
            training_runs: STATUSES.into_iter().map(|status| (status, 0)).collect(),
            deployments: DeploymentOutcome::ALL.into_iter().map(|decision| (decision.word(), 0)).collect(),
            decisions: RetrainingOutcome::ALL.into_iter().map(|outcome| (outcome.word(), 0)).collect(),
            improvement: None,
        }
    }
}

/// A feature of the reference: numbers when every value is one, else texts. Whole numbers without a gap are `Integers`, of which
/// few different ones count as categories.
fn reference_values(name: &str, rows: &[&Row]) -> Values {
    if rows.iter().any(|row| matches!(row.features.get(name), Some(FeatureValue::Text(text)) if !text.is_empty())) {
        return Values::texts(rows.iter().map(|row| text_of(row.features.get(name))).collect::<Vec<_>>().iter().map(AsRef::as_ref));
    }
    let numbers: Vec<f64> = rows.iter().map(|row| number_of(row.features.get(name))).collect();
    // 2^53: above it an f64 is not the whole number that was written.
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    if !numbers.is_empty() && numbers.iter().all(whole) {
        return Values::Integers(numbers.iter().map(|number| *number as i64).collect());
    }
    Values::Numbers(numbers)
}

/// The same feature today, in the reference's type. A stray text among numbers is a missing cell; texts alone are a change of type,
/// which the drift report then names.
fn current_values(reference: &Column, rows: &[&Row]) -> Values {
    let cell = |row: &&Row| row.features.get(&reference.name).cloned();
    let cells: Vec<Option<FeatureValue>> = rows.iter().map(cell).collect();
    let has_number = cells.iter().flatten().any(|cell| matches!(cell, FeatureValue::Number(number) if number.is_finite()));
    let has_text = cells.iter().flatten().any(|cell| matches!(cell, FeatureValue::Text(text) if !text.is_empty()));
    if !reference.values.are_numbers() || has_text && !has_number {
        return Values::texts(cells.iter().map(|cell| text_of(cell.as_ref())).collect::<Vec<_>>().iter().map(AsRef::as_ref));
    }
    let numbers: Vec<f64> = cells.iter().map(|cell| number_of(cell.as_ref())).collect();
    let whole = matches!(reference.values, Values::Integers(_)) && numbers.iter().all(|number| number.fract() == 0.0);
    if whole { Values::Integers(numbers.iter().map(|number| *number as i64).collect()) } else { Values::Numbers(numbers) }
}

fn number_of(value: Option<&FeatureValue>) -> f64 {
    if let Some(FeatureValue::Number(number)) = value { *number } else { f64::NAN }
}

fn text_of(value: Option<&FeatureValue>) -> Cow<'_, str> {
    match value {
        Some(FeatureValue::Text(text)) => text.as_str().into(),
        Some(FeatureValue::Number(number)) if number.is_finite() => (number + 0.0).to_string().into(),
        _ => "".into(),
    }
}

#[cfg(test)]
mod tests;
