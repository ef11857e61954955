//! One model: its rows, its reference, its windows, its counters. Rows in, judgements out.
//!
//! In:    settings, a reference, predictions and true values, `now`. Out: judgements, the rows of a test, what a restart must know.
//! Never: holds more rows than its bound: the oldest go and are counted. Judges without data: that is `Unknown`, with the reason.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bellbuoy_drift::{Column, TableProfile};
use bellbuoy_vocabulary::{Labels, Millis, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::baseline::{self, Baseline, Current};
use crate::detectors::Detectors;
use crate::estimator::Estimator;
use crate::history::History;
use crate::ledger::{Key, Ledger, Slot};
use crate::readings::{metrics_with_interval, readings};
use crate::series::{aliased, named};
use crate::{
    Accepted, Amended, Answer, Cut, DeploymentDecision, DeploymentOutcome, EvaluationOptions, Feature, Judgement, Label, Labelled, Mark,
    ModelKind, ModelSettings, PolicyState, Prediction, Reference, ReferenceRows, Resampling, RetrainingOutcome, Schema, Span, Taken,
    TestRow, Unknown, WindowFigures, WindowJudgement,
};

/// Training runs end in one of these; another status is counted as `other`.
const STATUSES: [&str; 3] = ["success", "failure", "other"];
/// A reference of the first rows is complete with so many, however short the time that they span.
const FIRST_ROWS_MAX: usize = 200_000;

#[derive(Debug)]
pub struct Model {
    settings: ModelSettings,
    schema: Schema,
    /// The first rows say what the features are.
    open: bool,
    to_come: Option<ToCome>,
    /// Rows of the reference; `None` for a profile and as long as they are to come.
    reference: Option<Arc<ReferenceRows>>,
    /// What windows are compared with, or why there is nothing.
    baseline: Result<Baseline, Unknown>,
    /// Learnt when it is first needed.
    estimator: Option<Result<Estimator, Unknown>>,
    ledger: Ledger,
    /// One per window of the settings.
    history: Vec<History>,
    /// What was said last, by window and role.
    said: HashMap<(usize, String), Said>,
    counters: Counters,
    detectors: Detectors,
    policy_state: PolicyState,
}

/// `Reference::First`
#[derive(Clone, Copy, Debug)]
struct ToCome {
    span: Option<Millis>,
    rows: usize,
}

/// When it is asked whether the first rows are all there. A batch may have more rows than are kept: their number is looked at row by
/// row, before the first ones are forgotten. Its rows may come in any order of time: their span is looked at when all are in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Row,
    Batch,
}

/// A judgement that holds as long as the rows are the same.
#[derive(Debug)]
struct Said {
    revision: u64,
    number: Option<i64>,
    judged: WindowJudgement,
    profile: Option<TableProfile>,
    duplicates: Option<u64>,
}

/// Counted since the model was first seen; kept over restarts by `state` and `restore`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counters {
    training_runs: BTreeMap<&'static str, u64>,
    deployments: BTreeMap<&'static str, u64>,
    decisions: BTreeMap<&'static str, u64>,
    improvement: Option<f64>,
    last_challenger: Option<LastChallenger>,
}

/// What became of the newest challenger that was compared with the champion.
#[derive(Clone, Debug, PartialEq)]
pub struct LastChallenger {
    pub at: Timestamp,
    pub outcome: DeploymentOutcome,
    /// As whoever trained it named it.
    pub version: Option<String>,
}

impl LastChallenger {
    fn state(&self) -> Value {
        json!({"at_ms": self.at.0, "outcome": self.outcome.word(), "version": self.version})
    }

    fn of_state(kept: &Value) -> Option<LastChallenger> {
        let outcome = DeploymentOutcome::parse(kept["outcome"].as_str()?)?;
        Some(LastChallenger { at: Timestamp(kept["at_ms"].as_i64()?), outcome, version: kept["version"].as_str().map(str::to_owned) })
    }
}

impl Model {
    /// Without features in the settings, those of the reference are judged; with a reference to come, those of its rows.
    pub fn new(mut settings: ModelSettings, reference: Reference) -> Model {
        if settings.windows.is_empty() {
            settings.windows = ModelSettings::new("").windows;
        }
        if let ModelKind::Classification { classes, positive: positive @ None } = &mut settings.kind
            && let [_, second] = &classes[..]
        {
            *positive = Some(second.clone());
        }
        let open = settings.features.is_empty() && matches!(reference, Reference::First { .. });
        if settings.features.is_empty() {
            take_columns(&mut settings, &reference);
        }
        let names = settings.features.iter().map(|feature| &feature.name).chain(&settings.segments);
        let schema = Schema::new(names.cloned());
        let mut rows_max = settings.retention_rows;
        let (mut to_come, mut rows) = (None, None);
        let features: Vec<&str> = settings.features.iter().map(|feature| feature.name.as_str()).collect();
        let baseline = match reference {
            Reference::Rows(reference) => {
                let baseline = Baseline::of_rows(&settings, &features, &reference);
                rows = Some(Arc::new(reference));
                Ok(baseline)
            }
            Reference::Profile(profile) => Ok(Baseline::of_profile(&settings, &features, &profile)),
            Reference::First { span, rows } => {
                let rows = rows.unwrap_or(FIRST_ROWS_MAX).clamp(1, FIRST_ROWS_MAX);
                rows_max = rows_max.max(rows);
                to_come = Some(ToCome { span, rows });
                Err(Unknown::ReferenceToCome { rows: 0 })
            }
        };
        let mut ledger = Ledger::new(settings.kind.clone(), rows_max);
        let detectors = Detectors::new(&settings.detectors);
        ledger.paired = detectors.watch_errors().then(Vec::new);
        Model {
            ledger,
            detectors,
            history: settings.windows.iter().map(|window| History::new(window.span)).collect(),
            said: HashMap::new(),
            counters: Counters::new(),
            policy_state: PolicyState::default(),
            estimator: None,
            reference: rows,
            baseline,
            to_come,
            schema,
            open,
            settings,
        }
    }

    pub fn settings(&self) -> &ModelSettings {
        &self.settings
    }

    /// What `Prediction::features` are, in order.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// To add features while `is_open`; of others nothing is made.
    pub fn schema_mut(&mut self) -> &mut Schema {
        &mut self.schema
    }

    /// Are features that nobody named still taken, because the first rows say what there is?
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// What `predictions` would say of it now.
    pub fn check_prediction(&self, prediction: &Prediction) -> Result<Taken, String> {
        self.check_features(prediction)?;
        self.ledger.check(prediction)
    }

    pub fn check_label(&self, label: &Label) -> Result<Taken, String> {
        self.ledger.check_truth(label)
    }

    fn check_features(&self, prediction: &Prediction) -> Result<(), String> {
        let (given, known) = (prediction.features.len(), self.schema.len());
        if given > known { Err(format!("{given} features, the model has {known}")) } else { Ok(()) }
    }

    /// Takes predictions, each id once per role; a repeated one changes nothing. Any order of time.
    pub fn predictions(&mut self, predictions: Vec<Prediction>) -> Accepted {
        let mut accepted = Accepted::default();
        for prediction in predictions {
            match self.check_features(&prediction) {
                Err(reason) => accepted.refuse(&prediction.id, reason),
                Ok(()) => {
                    if !self.detectors.is_empty() && self.ledger.check(&prediction) == Ok(Taken::New) {
                        self.detectors.row(&prediction, &self.schema, self.ledger.as_number(&prediction.answer));
                    }
                    self.ledger.predict(prediction, &mut accepted);
                    self.complete_reference(Moment::Row);
                }
            }
        }
        self.detectors.pairs(&mut self.ledger);
        self.complete_reference(Moment::Batch);
        accepted
    }

    /// Takes true values by id, before or after their predictions. Another value for the same id corrects the first.
    pub fn labels(&mut self, labels: Vec<Label>) -> Accepted {
        let mut accepted = Accepted::default();
        for label in labels {
            self.ledger.truth(label, &mut accepted);
        }
        self.detectors.pairs(&mut self.ledger);
        accepted
    }

    /// Where the rows that come next are in the host's log. After a restart the detectors take those only that come after what
    /// they had taken when `state` was asked for.
    pub fn arrive(&mut self, mark: Mark) {
        self.detectors.arrive(mark);
    }

    /// Makes the reference of the first rows as soon as they are all there.
    fn complete_reference(&mut self, moment: Moment) {
        let Some(ToCome { span, rows }) = self.to_come else { return };
        let role = &self.settings.roles.champion;
        // Asked with every row: the rows themselves are looked at only when they are all there.
        let kept = self.ledger.len(role);
        let over = |(oldest, newest): (Timestamp, Timestamp)| span.is_some_and(|span| newest >= oldest.saturating_add(span));
        let is_over = moment == Moment::Batch && self.ledger.ends(role).is_some_and(over);
        if kept < rows && !is_over {
            self.baseline = Err(Unknown::ReferenceToCome { rows: kept });
            return;
        }
        let mut slots = self.ledger.all(role);
        let begin = slots.first().map_or(Timestamp(0), |first| self.ledger.time(*first));
        let inside = span.map_or(slots.len(), |span| slots.partition_point(|slot| self.ledger.time(*slot) < begin.saturating_add(span)));
        slots.truncate(inside.min(rows));
        let reference = self.rows_of(&slots);
        if self.open {
            self.settings.features = self.schema.names().iter().map(Feature::new).collect();
            let time = baseline::time_columns(&self.settings.drift, &reference.columns);
            self.settings.drift.time_columns.extend(time);
        }
        self.baseline = Ok(Baseline::of_rows(&self.settings, &names(&self.settings), &reference));
        self.reference = Some(Arc::new(reference));
        (self.to_come, self.open, self.estimator) = (None, false, None);
        self.said.clear();
        self.ledger.set_rows_max(self.settings.retention_rows);
    }

    fn rows_of(&self, slots: &[Slot]) -> ReferenceRows {
        let column = |(position, name): (usize, &String)| Column::new(name, self.ledger.column(slots, position, None));
        let truths: Option<Vec<_>> = slots.iter().map(|slot| self.ledger.truth_of(*slot)).collect();
        ReferenceRows {
            columns: self.schema.names().iter().enumerate().map(column).collect(),
            at: Some(self.ledger.times(slots)),
            answers: Some(slots.iter().map(|slot| self.ledger.answer(*slot)).collect()),
            truths,
        }
    }

    /// The rows of the reference. With `Reference::First` there are some once it is complete: they are to be kept and given as
    /// `Reference::Rows` at the next start, as the rows that they were made of are forgotten one day.
    pub fn reference_rows(&self) -> Option<&Arc<ReferenceRows>> {
        self.reference.as_ref()
    }

    pub fn reference_profile(&self) -> Result<&TableProfile, Unknown> {
        self.baseline.as_ref().map(Baseline::profile).map_err(Unknown::clone)
    }

    /// Judges every role in every window, and decides. `forced`: a person asks for a retraining, whatever the numbers say.
    pub fn judge(&mut self, now: Timestamp, forced: bool) -> Judgement {
        let amended = self.amend(now);
        let mut windows = Vec::new();
        for at in 0..self.settings.windows.len() {
            for role in self.roles() {
                windows.push(self.judge_window(at, &role, now));
            }
        }
        let policy = &self.settings.retraining;
        let detectors = self.detectors.figures(&self.roles());
        let readings = readings(&self.settings, &windows, &detectors);
        let decision = policy.judge(&readings, &mut self.policy_state, forced, now);
        *self.counters.decisions.entry(decision.outcome.word()).or_default() += 1;
        Judgement { at: now, windows, amended, detectors, decision, readings }
    }

    /// The champion first. Challengers are those of the settings, or all that came.
    pub fn roles(&self) -> Vec<String> {
        let roles = &self.settings.roles;
        let mut out = vec![roles.champion.clone()];
        if roles.challengers.is_empty() {
            out.extend(self.ledger.role_names().into_iter().filter(|name| *name != roles.champion).map(str::to_owned));
        } else {
            out.extend(roles.challengers.iter().filter(|name| **name != roles.champion).cloned());
        }
        out
    }

    /// Windows of the past whose rows or true values changed since they were complete and told.
    fn amend(&mut self, now: Timestamp) -> Vec<Amended> {
        let options = self.evaluation_options(None);
        let mut out = Vec::new();
        for role in self.roles() {
            let changes = self.ledger.take_changes(&role);
            for (window, history) in self.settings.windows.iter().zip(&mut self.history) {
                let changed = |cut: &Cut, windows: &_| changes.touch_cut(cut, windows);
                let numbers = history.update(&self.ledger, &role, changed, &options, now);
                out.extend(numbers.into_iter().map(|number| Amended { window: window.name.clone(), role: role.clone(), number }));
            }
        }
        out
    }

    fn judge_window(&mut self, at: usize, role: &str, now: Timestamp) -> WindowJudgement {
        let (slots, cut) = self.pick(at, role, now);
        let (revision, number) = (self.ledger.revision(role), cut.as_ref().map(|cut| cut.number));
        let key = (at, role.to_owned());
        let known = self.said.get(&key).is_some_and(|said| said.revision == revision && said.number == number && self.to_come.is_none());
        if !known {
            let said = self.judge_rows(at, role, &slots, cut, revision);
            self.said.insert(key.clone(), said);
        }
        let Some(said) = self.said.get(&key) else { unreachable!("it was put there above") };
        let newest = self.ledger.newest(role, 1).first().map(|slot| self.ledger.time(*slot));
        let age = newest.map(|newest| Millis(now.0.saturating_sub(newest.0).max(0)).to_std());
        let quality = match (&self.baseline, &said.profile) {
            (Ok(baseline), Some(profile)) => Ok(baseline.quality(&self.settings, profile, said.duplicates, age)),
            (Err(reason), _) => Err(reason.clone()),
            (_, None) => Err(Unknown::NoWindow),
        };
        WindowJudgement { quality, ..said.judged.clone() }
    }

    /// The rows of a window; of one that is cut, the newest complete one.
    fn pick(&self, at: usize, role: &str, now: Timestamp) -> (Vec<Slot>, Option<Cut>) {
        match self.settings.windows[at].span {
            Span::NewestRows(rows) => (self.ledger.newest(role, rows), None),
            Span::Newest(time) => (self.ledger.newest_time(role, time), None),
            Span::Cut(windows) => {
                let cut = self.ledger.cuts(role, &windows, now).into_iter().rev().find(|cut| cut.complete);
                let slots = cut.as_ref().map_or_else(Vec::new, |cut| self.ledger.all(role)[cut.rows.clone()].to_vec());
                (slots, cut)
            }
        }
    }

    fn judge_rows(&mut self, at: usize, role: &str, slots: &[Slot], cut: Option<Cut>, revision: u64) -> Said {
        let number = cut.as_ref().map(|cut| cut.number);
        let no_window = cut.is_none() && matches!(self.settings.windows[at].span, Span::Cut(_));
        let decides = at == 0 && role == self.settings.roles.champion;
        let (mut profile, mut duplicates) = (None, None);
        let drift = match &self.baseline {
            _ if no_window => Err(Unknown::NoWindow),
            Err(reason) => Err(reason.clone()),
            Ok(baseline) => {
                let current = self.current(baseline, slots);
                profile = Some(baseline.profile_of(&current));
                duplicates = baseline.duplicates_of(&current);
                baseline.drift(&self.settings, &names(&self.settings), &current)
            }
        };
        let joined = self.ledger.with_truth(slots);
        let options = self.evaluation_options(self.settings.intervals.as_ref());
        let sample = self.ledger.joined(&joined);
        let mut evaluation = sample.evaluation(&options);
        if decides && options.resampling.is_none() {
            let asked = metrics_with_interval(&self.settings, &sample.metrics());
            let options = self.evaluation_options(Some(&Resampling::default()));
            for figure in sample.evaluation_of(&asked, &options).figures {
                if let Some(place) = evaluation.figures.iter_mut().find(|other| other.metric == figure.metric) {
                    *place = figure;
                }
            }
        }
        let by_segment = |division: &String| {
            let position = self.schema.position(division)?;
            Some((division.clone(), self.ledger.by_segment(&joined, position, &options)))
        };
        let span = slots.first().zip(slots.last()).map(|(first, last)| (self.ledger.time(*first), self.ledger.time(*last)));
        let judged = WindowJudgement {
            window: self.settings.windows[at].name.clone(),
            role: role.to_owned(),
            cut,
            from: span.map(|span| span.0),
            to: span.map(|span| span.1),
            rows: slots.len(),
            with_truth: joined.len(),
            drift,
            quality: Ok(Vec::new()),
            segments: self.settings.segments.iter().filter_map(by_segment).collect(),
            evaluation,
            estimates: if no_window { Err(Unknown::NoWindow) } else { self.estimates(slots) },
        };
        Said { revision, number, judged, profile, duplicates }
    }

    fn current(&self, baseline: &Baseline, slots: &[Slot]) -> Current {
        let column = |feature: &Feature| {
            let position = self.schema.position(&feature.name)?;
            let like = baseline.like(&feature.name);
            Some(Column::new(&feature.name, self.ledger.column(slots, position, like.as_ref())))
        };
        Current {
            columns: self.settings.features.iter().filter_map(column).collect(),
            times: self.ledger.times(slots),
            answers: self.settings.drift.predictions.then(|| self.ledger.answers(slots)),
        }
    }

    fn estimates(&mut self, slots: &[Slot]) -> Result<crate::Evaluation, Unknown> {
        if self.estimator.is_none() {
            self.estimator = Some(match (&self.reference, &self.baseline) {
                (Some(reference), _) => {
                    let place = |feature: &'_ Feature| self.schema.position(&feature.name);
                    let features: Vec<(&str, usize)> =
                        self.settings.features.iter().filter_map(|feature| Some((feature.name.as_str(), place(feature)?))).collect();
                    Estimator::fit(&self.settings, &features, reference)
                }
                (None, Ok(_)) => Err(Unknown::NoReferenceRows),
                (None, Err(reason)) => return Err(reason.clone()),
            });
        }
        match &self.estimator {
            Some(Ok(estimator)) => Ok(estimator.estimate(&self.ledger, slots, self.settings.rows_min)),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(Unknown::NotComputed),
        }
    }

    fn evaluation_options(&self, resampling: Option<&Resampling>) -> EvaluationOptions {
        EvaluationOptions { rows_min: self.settings.rows_min, resampling: resampling.cloned(), ..EvaluationOptions::default() }
    }

    /// The past of the first window, oldest first; see `history_of`.
    pub fn history(&self, role: &str) -> Vec<WindowFigures> {
        self.history.first().map_or_else(Vec::new, |history| history.of(role))
    }

    /// Windows of the past as of the last judgement, oldest first. Of a window that slides with every row, windows of its length one after
    /// the other.
    pub fn history_of(&self, window: &str, role: &str) -> Vec<WindowFigures> {
        let at = self.settings.windows.iter().position(|settings| settings.name == window);
        at.map_or_else(Vec::new, |at| self.history[at].of(role))
    }

    /// The features of the rows of a window, and what the model said of them, in their order of time.
    pub fn window_rows(&self, window: &str, role: &str, now: Timestamp) -> Option<ReferenceRows> {
        let at = self.settings.windows.iter().position(|settings| settings.name == window)?;
        Some(self.rows_of(&self.pick(at, role, now).0))
    }

    /// The rows of a window whose true class is there. `None`: there are none, the model says numbers, or there is no such window.
    pub fn labelled_rows(&self, window: &str, role: &str, now: Timestamp) -> Option<Labelled> {
        let at = self.settings.windows.iter().position(|settings| settings.name == window)?;
        let slots = self.ledger.with_truth(&self.pick(at, role, now).0);
        self.ledger.joined(&slots).into_classes().filter(|_| !slots.is_empty())
    }

    /// Rows of the champion between two times whose true value is there and which the challenger answered too, in their order.
    pub fn test_rows(&self, from: Timestamp, to: Timestamp, challenger: impl Fn(&str) -> Option<Answer>) -> Vec<TestRow> {
        self.ledger.test_rows(&self.settings.roles.champion, from, to, challenger)
    }

    /// What a role said of an id.
    pub fn answer(&self, role: &str, id: &str) -> Option<Answer> {
        self.ledger.answer_of(role, id)
    }

    /// Predictions that are kept of a role.
    pub fn rows(&self, role: &str) -> usize {
        self.ledger.len(role)
    }

    /// Is there a prediction of this id?
    pub fn knows(&self, id: &str) -> bool {
        self.ledger.knows(id)
    }

    /// Predictions of a role before this time are not taken any more, as they may have been taken and forgotten.
    pub fn forgotten_until(&self, role: &str) -> Option<Timestamp> {
        self.ledger.forgotten_until(role)
    }

    /// After `restore`, before any row: rows that are on disk and will not be given again, as so many are not kept. `rows` of them are
    /// newer than `forgotten_until`; the newest is of `newest`; from `from` on all are given.
    pub fn forgot(&mut self, role: &str, rows: usize, newest: Timestamp, from: Timestamp) {
        self.ledger.forgot(role, rows, newest, from);
    }

    /// A retraining was done: the cool-down of the rules counts from here.
    pub fn retrained(&mut self, now: Timestamp) {
        self.policy_state.acted(now);
    }

    /// A training run ended with `success` or `failure`.
    pub fn record_training(&mut self, status: &str) {
        let known = STATUSES.into_iter().find(|known| *known == status).unwrap_or("other");
        *self.counters.training_runs.entry(known).or_default() += 1;
    }

    pub fn record_deployment(&mut self, decision: &DeploymentDecision, version: Option<&str>) {
        *self.counters.deployments.entry(decision.outcome().word()).or_default() += 1;
        self.counters.improvement = decision.improvement().or(self.counters.improvement);
        let (at, outcome) = (decision.ruling.at, decision.outcome());
        self.counters.last_challenger = Some(LastChallenger { at, outcome, version: version.map(str::to_owned) });
    }

    pub fn last_challenger(&self) -> Option<&LastChallenger> {
        self.counters.last_challenger.as_ref()
    }

    /// The series that count, from 0 on, so that a rate over them sees the first event.
    pub fn counter_samples(&self) -> Vec<(Labels, f64)> {
        let mut out = Vec::new();
        let mut add = |name: &str, label: &[(&str, &str)], value: f64| out.push((named(&self.settings, name, label), value));
        let counters = &self.counters;
        for (name, label, counts) in [
            ("model_training_runs_total", "status", &counters.training_runs),
            ("model_deployments_total", "decision", &counters.deployments),
            ("model_retraining_decisions_total", "outcome", &counters.decisions),
        ] {
            for (value, count) in counts {
                add(name, &[(label, *value)], *count as f64);
            }
        }
        if let Some(improvement) = counters.improvement {
            add("model_improvement_delta", &[], improvement);
        }
        add("model_true_values_waiting", &[], self.ledger.truths_waiting() as f64);
        add("model_true_values_dropped_total", &[], self.ledger.truths_dropped as f64);
        for (role, forgotten, _) in self.ledger.forgotten() {
            add("model_rows_kept", &[("role", role)], self.ledger.len(role) as f64);
            add("model_rows_forgotten_total", &[("role", role)], forgotten as f64);
        }
        aliased(&self.settings, out)
    }

    /// What a restart has to know beside the rows, which are the boat's to keep.
    pub fn state(&self) -> Value {
        let counters = &self.counters;
        let forgotten: Map<String, Value> = self
            .ledger
            .forgotten()
            .filter_map(|(role, rows, until)| {
                Some((role.to_owned(), json!({"rows": rows, "until": until?.0.0, "tie": until?.1.to_string()})))
            })
            .collect();
        json!({
            "training_runs": counters.training_runs,
            "deployments": counters.deployments,
            "decisions": counters.decisions,
            "improvement": counters.improvement,
            "last_challenger": counters.last_challenger.as_ref().map(LastChallenger::state),
            "policy": self.policy_state,
            "forgotten": forgotten,
            "detectors": self.detectors.state(),
            "true_values_dropped": self.ledger.truths_dropped,
        })
    }

    /// Takes it back, before any row. What is missing or damaged there stays as it is.
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
        self.counters.last_challenger = LastChallenger::of_state(&state["last_challenger"]).or(self.counters.last_challenger.take());
        if let Ok(policy_state) = PolicyState::deserialize(&state["policy"]) {
            self.policy_state = policy_state;
        }
        self.ledger.truths_dropped = state["true_values_dropped"].as_u64().unwrap_or(self.ledger.truths_dropped);
        self.detectors.restore(&state["detectors"]);
        for (role, kept) in state["forgotten"].as_object().into_iter().flatten() {
            let until = || -> Option<Key> { Some((Timestamp(kept["until"].as_i64()?), kept["tie"].as_str()?.parse().ok()?)) };
            if let (Some(rows), Some(until)) = (kept["rows"].as_u64(), until()) {
                self.ledger.restore_forgotten(role, rows as usize, until);
            }
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
            last_challenger: None,
        }
    }
}

fn names(settings: &ModelSettings) -> Vec<&str> {
    settings.features.iter().map(|feature| feature.name.as_str()).collect()
}

/// The columns of the reference are the features; those that only tell the time are not judged.
fn take_columns(settings: &mut ModelSettings, reference: &Reference) {
    let (columns, time): (Vec<&String>, Vec<String>) = match reference {
        Reference::Rows(rows) => {
            (rows.columns.iter().map(|column| &column.name).collect(), baseline::time_columns(&settings.drift, &rows.columns))
        }
        Reference::Profile(profile) => {
            (profile.columns.iter().map(|column| &column.name).collect(), baseline::time_columns_of_profile(&settings.drift, profile))
        }
        Reference::First { .. } => Default::default(),
    };
    settings.features = columns.into_iter().filter(|name| **name != settings.target).map(Feature::new).collect();
    settings.drift.time_columns.extend(time);
}

#[cfg(test)]
mod tests;
