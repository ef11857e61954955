//! Decisions that somebody asks for: retrain or not, deploy or not; and what a trainer tells.
//!
//! In:    questions and reports of pipelines, `now`. Out: decisions; each counted, in the audit record, and told where people should hear of it.
//! Never: decides; the models crate does. Holds: what is answered is on disk, counters with it.

use std::collections::{HashMap, VecDeque};

use bellbuoy_models::{
    Answer, DeploymentDecision, Evaluation, Event as ModelEvent, Judgement, ModelSettings, RulingReason, TestRow, TestSet, TwoSets, Unknown,
};
use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::{Value, json};

use super::service::{Cell, ModelError, Models, lock};
use super::tell::kept;
use crate::event::Event;

/// Answers that are given again to the same key; a task is tried again within hours, not after dozens of others.
const KEYS_MAX: usize = 50;

/// How a training run ended, as the trainer tells it.
pub struct Training {
    /// The same key is the same run, however often it is told.
    pub key: Option<String>,
    pub status: TrainingStatus,
    pub error: String,
    /// Champion and challenger, when there is something to compare.
    pub compared: Option<(TwoSets, TwoSets)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingStatus {
    Success,
    Failure,
}

/// A question for the decision about retraining.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question {
    /// Judge anew, whatever the schedule says.
    pub judge: bool,
    /// A person asks for a retraining, whatever the figures say.
    pub forced: bool,
    /// Judge anew when the last judgement is older.
    pub age_max: Option<Millis>,
}

/// A challenger to be compared with the champion.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    /// The same key is the same question: its answer is given again, and nothing is counted or told twice.
    pub key: Option<String>,
    /// Which challenger it is, for the record: a version, a run.
    pub version: Option<String>,
    /// The role whose kept predictions are compared, where a set asks for kept rows.
    pub role: Option<String>,
    /// A person wants it deployed, whatever the figures say.
    pub forced: bool,
    pub current: SetOf,
    pub baseline: SetOf,
}

/// Where the rows of a test set are.
#[derive(Clone, Debug, PartialEq)]
pub enum SetOf {
    /// All of a row was given.
    Rows(Vec<TestRow>),
    /// The challenger's answers by id; the champion's and the true values are kept here.
    Answers(HashMap<String, Answer>),
    /// What is kept of both: of this time before `now`, or between two times.
    Kept { from: Timestamp, to: Timestamp },
    /// Somebody computed the figures of champion and challenger.
    Figures(Evaluation, Evaluation),
    /// There is no such set.
    None,
}

impl SetOf {
    fn is_figures(&self) -> bool {
        matches!(self, SetOf::Figures(..))
    }
}

impl Models {
    /// The decision as an Airflow branch task asks for it.
    pub fn decision(&self, name: &str, question: Question, now: Timestamp) -> Result<Value, ModelError> {
        let last = self.last(name)?;
        let out_of_date = |judgement: &Judgement| question.age_max.is_some_and(|age_max| judgement.at.saturating_add(age_max) < now);
        // What a person asked for was for that run: the next one that asks must not train again.
        let forced = |judgement: &Judgement| judgement.decision.reason == RulingReason::Forced;
        let old = |judgement: &Judgement| out_of_date(judgement) || forced(judgement);
        let judgement = match last {
            Some(judgement) if !question.judge && !question.forced && !old(&judgement) => Some(judgement),
            None if !question.judge && !question.forced && question.age_max.is_none() => None,
            _ => Some(self.judge(name, question.forced, now)?),
        };
        Ok(decision_json(name, judgement.as_ref(), now))
    }

    /// A training run ended: counted, told and recorded; with figures of both models, the deployment decision too. A success begins the
    /// cool-down of the retraining rules.
    pub fn training(&self, name: &str, training: Training, now: Timestamp) -> Result<Value, ModelError> {
        let cell = self.get(name)?;
        self.once(&cell, "training", training.key.clone(), || Ok(self.trained(&cell, training, now)))
    }

    fn trained(&self, cell: &Cell, training: Training, now: Timestamp) -> Value {
        let settings = &cell.config.settings;
        let name = &settings.name;
        let success = training.status == TrainingStatus::Success;
        let decision = training
            .compared
            .filter(|_| success)
            .map(|(champion, challenger)| DeploymentDecision::of_figures(&settings.deployment, champion, challenger, false, now));
        let event = match &decision {
            Some(decision) => Some(ModelEvent::training_success(settings, decision)),
            None if success => None,
            None => Some(ModelEvent::training_failure(settings, &training.error)),
        };
        let mut model = lock(&cell.engine);
        model.record_training(if success { "success" } else { "failure" });
        if success {
            model.retrained(now);
        }
        if let Some(decision) = &decision {
            model.record_deployment(decision, None);
        }
        drop(model);
        let silent = json!({"at": now.rfc3339(), "event": "training", "model": name, "outcome": "success", "severity": "info"});
        let answer = decision.as_ref().map_or(Value::Null, DeploymentDecision::json);
        self.record(cell, event, silent, now);
        match &decision {
            Some(decision) => self.announce_deployment(name, decision, now),
            None if success => {}
            None => self.announce(name, ["failed", "failure", &training.error], now),
        }
        answer
    }

    /// A retraining was done elsewhere: the cool-down counts from here.
    pub fn retrained(&self, name: &str, now: Timestamp) -> Result<(), ModelError> {
        let cell = self.get(name)?;
        lock(&cell.engine).retrained(now);
        let entry = json!({"at": now.rfc3339(), "event": "retrained", "model": name, "outcome": "success", "severity": "info"});
        self.record(&cell, None, entry, now);
        Ok(())
    }

    /// Champion against challenger on both sets.
    pub fn evaluate(&self, name: &str, challenge: Challenge, now: Timestamp) -> Result<Value, ModelError> {
        let cell = self.get(name)?;
        self.once(&cell, "evaluations", challenge.key.clone(), || self.evaluated(&cell, challenge, now))
    }

    fn evaluated(&self, cell: &Cell, challenge: Challenge, now: Timestamp) -> Result<Value, ModelError> {
        let settings = &cell.config.settings;
        let decision = decide(cell, settings, &challenge, now).map_err(ModelError::Refused)?;
        lock(&cell.engine).record_deployment(&decision, challenge.version.as_deref());
        let mut answer = decision.json();
        answer["model"] = json!(settings.name);
        answer["version"] = json!(challenge.version);
        self.record(cell, Some(ModelEvent::deployment(settings, &decision, challenge.version)), Value::Null, now);
        self.announce_deployment(&settings.name, &decision, now);
        Ok(answer)
    }

    /// A task that is tried again gets the answer that it would have had. Kept before the answer is given; one question at a time.
    fn once(
        &self,
        cell: &Cell,
        kind: &str,
        key: Option<String>,
        answer: impl FnOnce() -> Result<Value, ModelError>,
    ) -> Result<Value, ModelError> {
        let Some(key) = key else { return answer() };
        let mut answered = lock(&cell.answered);
        let name = format!("{kind}/{key}");
        if let Some((_, known)) = answered.iter().find(|(known, _)| *known == name) {
            return Ok(known.clone());
        }
        let fresh = answer()?;
        answered.push_back((name, fresh.clone()));
        while answered.len() > KEYS_MAX {
            answered.pop_front();
        }
        self.path.keep(&answers_name(&cell.config.settings.name), json!(*answered));
        Ok(fresh)
    }

    /// Counters as series; the event told and recorded, or `silent` recorded alone. On disk when this returns.
    fn record(&self, cell: &Cell, event: Option<ModelEvent>, silent: Value, now: Timestamp) {
        let model = lock(&cell.engine);
        self.path.append(&model.counter_samples(), now);
        let state = model.state();
        drop(model);
        let mut writes = vec![kept(cell, state)];
        let mut alerts = Vec::new();
        match event {
            Some(event) => alerts.push((event.alert(now), event.audit(now))),
            None => writes.push(crate::state::Write::Audit { at: now, body: silent }),
        }
        self.path.happened(alerts, writes, now);
    }

    fn announce_deployment(&self, name: &str, decision: &DeploymentDecision, now: Timestamp) {
        self.announce(name, [decision.outcome().word(), decision.ruling.reason.word(), &decision.because()], now);
    }

    /// For the terminal.
    fn announce(&self, name: &str, [word, reason, because]: [&str; 3], now: Timestamp) {
        let fields = json!({"model": name, "decision": word, "reason": reason, "because": because});
        let _ = self.path.events.send(Event::new(now, "deployment", fields, format!("{name}: {word}: {because}")));
    }
}

/// The answers of before a restart.
pub(super) fn answers(kept: Option<Value>) -> VecDeque<(String, Value)> {
    kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
}

pub(super) fn answers_name(model: &str) -> String {
    format!("model-answers/{model}")
}

fn decide(cell: &Cell, settings: &ModelSettings, challenge: &Challenge, now: Timestamp) -> Result<DeploymentDecision, String> {
    let Challenge { current, baseline, forced, role, .. } = challenge;
    if current.is_figures() || baseline.is_figures() {
        let side = |set: &SetOf| match set {
            SetOf::Figures(champion, challenger) => Ok((champion.clone(), challenger.clone())),
            SetOf::None => Ok((Evaluation::told(&[], 0), Evaluation::told(&[], 0))),
            _ => Err("one set is figures and the other one rows: give both as figures or both as rows".to_owned()),
        };
        let ((champion_current, challenger_current), (champion_baseline, challenger_baseline)) = (side(current)?, side(baseline)?);
        let champion = TwoSets { baseline: champion_baseline, current: champion_current };
        let challenger = TwoSets { baseline: challenger_baseline, current: challenger_current };
        return Ok(DeploymentDecision::of_figures(&settings.deployment, champion, challenger, *forced, now));
    }
    let role = role.clone().or_else(|| settings.roles.challengers.first().cloned()).unwrap_or_else(|| "challenger".to_owned());
    let set = |set: &SetOf, name: &str| -> TestSet {
        match set {
            SetOf::Rows(rows) => Ok(rows.clone()),
            SetOf::None | SetOf::Figures(..) => Err(Unknown::Told(format!("no {name} set was given"))),
            SetOf::Answers(answers) => Ok(lock(&cell.engine).test_rows(Timestamp::MIN, Timestamp::MAX, |id| answers.get(id).cloned())),
            SetOf::Kept { from, to } => {
                let model = lock(&cell.engine);
                Ok(model.test_rows(*from, *to, |id| model.answer(&role, id)))
            }
        }
    };
    let (current, baseline) = (set(current, "current"), set(baseline, "baseline"));
    DeploymentDecision::of_answers(settings, current, baseline, *forced, now)
}

/// The same whether it was judged or not: outcome, reason, inputs, age.
fn decision_json(name: &str, judgement: Option<&Judgement>, now: Timestamp) -> Value {
    let Some(judgement) = judgement else {
        return json!({
            "model": name, "at": null, "age_seconds": null, "outcome": "unknown", "severity": "warning", "rule": null, "reason": "not_judged",
            "because": "the model was not judged since the start", "inputs": {},
        });
    };
    let mut out = judgement.decision.json(judgement.decision.outcome.word());
    out["model"] = json!(name);
    out["age_seconds"] = json!((now.0 - judgement.at.0) as f64 / 1000.0);
    out
}
