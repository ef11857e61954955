//! A poll of an MLflow server, call by call.
//!
//! In:    `begin`, then for each `next` call its `answer`. Out: calls, changes of aliases, what a restart must know.
//! Never: knows addresses, waits, or sends anything.

use std::collections::{BTreeMap, VecDeque};

use bellbuoy_vocabulary::{AnchoredRegex, Millis, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::{self, Metric, Model};
use crate::call::{Answer, Call, Credentials, encoded};

const PAGE_ROWS: usize = 100;
/// 2,000 models; the ones behind them are not looked at, and it is said.
const PAGES_MAX: usize = 20;
pub(super) const ALIASES_MAX: usize = 1_000;
const PROBLEMS_MAX: usize = 20;
/// Metrics of runs whose history is kept.
const HISTORIES_MAX: usize = 500;
/// So much of a history is asked for; it is given from its beginning.
const HISTORY_ROWS: usize = 5_000;

#[derive(Clone, Debug)]
pub struct MlflowSettings {
    /// Which models are watched; empty is all.
    pub models: Vec<AnchoredRegex>,
    /// Of which metrics of runs the history is told, step by step; empty is none.
    pub history: Vec<AnchoredRegex>,
    pub calls_max: u64,
    pub time_max: Millis,
}

/// A metric's history as it was when its last value had this mark.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    mark: (i64, i64),
    pub points: Vec<(i64, f64)>,
}

impl Default for MlflowSettings {
    fn default() -> MlflowSettings {
        MlflowSettings { models: Vec::new(), history: Vec::new(), calls_max: 40, time_max: Millis::from_seconds(30) }
    }
}

/// An alias points to another version than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasChange {
    pub model: String,
    pub alias: String,
    /// `None`: there was no such alias.
    pub from: Option<u64>,
    /// `None`: it was taken away.
    pub to: Option<u64>,
    /// Differs from that of each other change of the server, also after a restart.
    pub key: String,
}

pub struct Mlflow {
    pub(super) settings: MlflowSettings,
    pub(super) known: Option<Known>,
    pub(super) facts: Facts,
    poll: Option<Poll>,
    changes: Vec<AliasChange>,
    problems: Vec<String>,
    pub(super) requests: BTreeMap<(&'static str, String), u64>,
}

/// What a restart must know: where each alias pointed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Known {
    /// By model and alias.
    pub aliases: BTreeMap<String, BTreeMap<String, Pointer>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pointer {
    /// `None`: it was taken away.
    pub version: Option<u64>,
    /// When the change was seen: the API has no time of it. `None`: it was so at the first contact.
    pub changed_ms: Option<i64>,
    changes: u64,
}

#[derive(Default)]
pub(super) struct Facts {
    pub server_up: Option<bool>,
    pub api_up: Option<bool>,
    pub version: Option<String>,
    /// Name and latest version.
    pub models: Option<BTreeMap<String, Option<u64>>>,
    /// By model and version: the run. They never change.
    pub runs: BTreeMap<(String, u64), Option<String>>,
    /// By run.
    pub metrics: BTreeMap<String, Vec<Metric>>,
    /// By run and metric.
    pub histories: BTreeMap<(String, String), History>,
    pub unusable: u64,
    pub last_good: Option<Timestamp>,
    pub last_seconds: f64,
    /// Which alias' run is read first by the next poll.
    turn: usize,
}

struct Poll {
    began: Timestamp,
    calls: u64,
    steps: VecDeque<Step>,
    current: Option<Step>,
    models: Vec<Model>,
    pages: usize,
    failed: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Health,
    Version,
    /// With the token of a page.
    Models(Option<String>),
    RunOf(String, u64),
    Metrics(String),
    /// Run, metric, and the mark of its last value.
    History(String, String, (i64, i64)),
}

impl Mlflow {
    /// `kept`: what `kept` gave before the restart. What can not be read of it is said.
    pub fn new(settings: MlflowSettings, kept: Option<Value>) -> (Mlflow, Option<String>) {
        let (known, problem) = match kept.map(serde_json::from_value::<Known>) {
            Some(Ok(known)) => (Some(known), None),
            Some(Err(error)) => (None, Some(format!("what was kept of it can not be read: {error}"))),
            None => (None, None),
        };
        let facts = Facts::default();
        (Mlflow { settings, known, facts, poll: None, changes: Vec::new(), problems: Vec::new(), requests: BTreeMap::new() }, problem)
    }

    pub fn begin(&mut self, now: Timestamp) {
        self.problems.clear();
        let steps = [Step::Health, Step::Version, Step::Models(None)].into();
        self.poll = Some(Poll { began: now, calls: 0, steps, current: None, models: Vec::new(), pages: 0, failed: false });
    }

    pub fn next(&mut self, now: Timestamp) -> Option<Call> {
        let poll = self.poll.as_mut()?;
        let over = poll.calls >= self.settings.calls_max || now - poll.began >= self.settings.time_max;
        let Some(step) = poll.steps.pop_front().filter(|_| !over) else {
            if over && self.facts.api_up.is_none() {
                self.problem("the time or number of calls of a poll is too small".into());
            }
            self.end(now);
            return None;
        };
        poll.calls += 1;
        poll.current = Some(step.clone());
        let path = match &step {
            Step::Health => "/health".to_string(),
            Step::Version => "/version".into(),
            Step::Models(token) => {
                let page = token.as_ref().map(|token| format!("&page_token={}", encoded(token))).unwrap_or_default();
                format!("/api/2.0/mlflow/registered-models/search?max_results={PAGE_ROWS}{page}")
            }
            Step::RunOf(model, version) => format!("/api/2.0/mlflow/model-versions/get?name={}&version={version}", encoded(model)),
            Step::Metrics(run) => format!("/api/2.0/mlflow/runs/get?run_id={}", encoded(run)),
            Step::History(run, metric, _) => {
                let (run, metric) = (encoded(run), encoded(metric));
                format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key={metric}&max_results={HISTORY_ROWS}")
            }
        };
        Some(Call { endpoint: endpoint_of(&step), method: "GET", path, body: None, credentials: Credentials::Configured })
    }

    /// What the last call of `next` was answered with, or why there is no answer.
    pub fn answer(&mut self, answer: Result<Answer, String>, now: Timestamp) {
        let Some(step) = self.poll.as_mut().and_then(|poll| poll.current.take()) else { return };
        let endpoint = endpoint_of(&step);
        let code = answer.as_ref().map_or_else(|_| "none".to_string(), |answer| answer.status.to_string());
        *self.requests.entry((endpoint, code)).or_default() += 1;
        let taken = match answer {
            Err(reason) => Err(reason),
            Ok(answer) if answer.cut => Err("the answer is too long".into()),
            Ok(answer) if answer.status != 200 => {
                let said = wire::message(&answer.body);
                Err(if said.is_empty() {
                    format!("HTTP status {}", answer.status)
                } else {
                    format!("HTTP status {}: {said}", answer.status)
                })
            }
            Ok(answer) => self.take(&step, &answer.body, now),
        };
        let Err(reason) = taken else { return };
        self.problem(format!("{endpoint}: {reason}"));
        match step {
            Step::Health => {
                self.facts.server_up = Some(false);
                self.facts.version = None;
                self.fail();
            }
            // Versions before 1.30 have no such page; nothing else needs it.
            Step::Version => self.facts.version = None,
            // The server is there and its API refuses: credentials, or a Host header that it does not know.
            Step::Models(_) => self.fail(),
            // A run or version that was deleted.
            Step::RunOf(model, version) => drop(self.facts.runs.insert((model, version), None)),
            Step::Metrics(run) => drop(self.facts.metrics.remove(&run)),
            Step::History(run, metric, _) => drop(self.facts.histories.remove(&(run, metric))),
        }
    }

    /// What changed and is not told yet. They are to be told before `kept` is stored; told again after a crash they have the same keys.
    pub fn changes(&self) -> &[AliasChange] {
        &self.changes
    }

    /// All changes were told.
    pub fn told(&mut self) {
        self.changes.clear();
    }

    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    pub fn is_up(&self) -> bool {
        self.facts.api_up == Some(true)
    }

    pub fn kept(&self) -> Option<Value> {
        self.known.as_ref().map(|known| json!(known))
    }

    fn take(&mut self, step: &Step, body: &[u8], now: Timestamp) -> Result<(), String> {
        match step {
            Step::Health => self.facts.server_up = Some(true),
            Step::Version => {
                let text = String::from_utf8_lossy(body).trim().to_string();
                let good = text.len() < 50 && text.starts_with(|c: char| c.is_ascii_digit());
                self.facts.version = good.then_some(text);
            }
            Step::Models(_) => self.models(body, now)?,
            Step::RunOf(model, version) => {
                let run = wire::run_of_version(body)?;
                if let (Some(poll), Some(run)) = (&mut self.poll, &run) {
                    poll.steps.push_front(Step::Metrics(run.clone()));
                }
                self.facts.runs.insert((model.clone(), *version), run);
            }
            Step::Metrics(run) => {
                let (metrics, unusable) = wire::metrics(body)?;
                self.plan_histories(run, &metrics);
                // The same ones are met at each poll: counted when they are new.
                if self.facts.metrics.insert(run.clone(), metrics).is_none() {
                    self.facts.unusable += unusable;
                }
            }
            Step::History(run, metric, mark) => {
                let points = wire::history(body)?;
                self.facts.histories.insert((run.clone(), metric.clone()), History { mark: *mark, points });
            }
        }
        Ok(())
    }

    /// Histories that are wanted and not known as they are now.
    fn plan_histories(&mut self, run: &str, metrics: &[Metric]) {
        let Some(poll) = &mut self.poll else { return };
        for metric in metrics.iter().filter(|metric| self.settings.history.iter().any(|pattern| pattern.is_match(&metric.name))) {
            let known = self.facts.histories.get(&(run.to_string(), metric.name.clone()));
            let room = known.is_some() || self.facts.histories.len() < HISTORIES_MAX;
            if room && known.is_none_or(|known| known.mark != metric.mark) {
                poll.steps.push_back(Step::History(run.to_string(), metric.name.clone(), metric.mark));
            }
        }
    }

    fn models(&mut self, body: &[u8], now: Timestamp) -> Result<(), String> {
        let page = wire::models(body)?;
        let Some(poll) = &mut self.poll else { return Ok(()) };
        let settings = &self.settings;
        let wanted = |model: &Model| settings.models.is_empty() || settings.models.iter().any(|pattern| pattern.is_match(&model.name));
        poll.models.extend(page.registered_models.into_iter().filter(wanted));
        poll.pages += 1;
        match page.next_page_token.filter(|token| !token.is_empty()) {
            Some(token) if poll.pages < PAGES_MAX => poll.steps.push_back(Step::Models(Some(token))),
            Some(_) => {
                self.problem(format!("more than {} models: those behind are not looked at", PAGE_ROWS * PAGES_MAX));
                self.listed(now, false);
            }
            None => self.listed(now, true),
        }
        Ok(())
    }

    /// The list was read: `whole`, or up to its bound.
    fn listed(&mut self, now: Timestamp, whole: bool) {
        let Some(poll) = &mut self.poll else { return };
        let found = std::mem::take(&mut poll.models);
        let latest = |model: &Model| model.latest_versions.iter().filter_map(|one| wire::version(&one.version)).max();
        self.facts.models = Some(found.iter().map(|model| (model.name.clone(), latest(model))).collect());
        for model in &found {
            for one in &model.latest_versions {
                if let Some(version) = wire::version(&one.version) {
                    let run = one.run_id.clone().filter(|run| !run.is_empty());
                    self.facts.runs.insert((model.name.clone(), version), run);
                }
            }
        }
        self.point(&found, whole, now);
        self.plan();
    }

    /// Compares where the aliases point with where they pointed.
    fn point(&mut self, found: &[Model], whole: bool, now: Timestamp) {
        let first = self.known.is_none();
        let known = self.known.get_or_insert_default();
        let mut changes = Vec::new();
        let mut change = |model: &str, alias: &str, pointer: &mut Pointer, to: Option<u64>| {
            let from = std::mem::replace(&mut pointer.version, to);
            if first {
                return;
            }
            pointer.changes += 1;
            pointer.changed_ms = Some(now.0);
            let key = format!("mlflow/{model}/{alias}/{}", pointer.changes);
            changes.push(AliasChange { model: model.into(), alias: alias.into(), from, to, key });
        };
        let mut count: usize = known.aliases.values().map(BTreeMap::len).sum();
        for model in found {
            for one in &model.aliases {
                let Some(version) = wire::version(&one.version) else { continue };
                let known_one = known.aliases.get(&model.name).is_some_and(|aliases| aliases.contains_key(&one.alias));
                count += usize::from(!known_one);
                if count > ALIASES_MAX {
                    continue;
                }
                let pointer = known.aliases.entry(model.name.clone()).or_default().entry(one.alias.clone()).or_default();
                if pointer.version != Some(version) {
                    change(&model.name, &one.alias, pointer, Some(version));
                }
            }
        }
        for (name, aliases) in known.aliases.iter_mut().filter(|_| whole) {
            let model = found.iter().find(|model| model.name == *name);
            for (alias, pointer) in aliases.iter_mut() {
                let there = model.is_some_and(|model| model.aliases.iter().any(|one| one.alias == *alias));
                if !there && pointer.version.is_some() {
                    change(name, alias, pointer, None);
                }
            }
        }
        self.changes.extend(changes);
    }

    /// The runs behind the aliases: those that nothing is known of first, the others by turns, as many as there are calls left.
    fn plan(&mut self) {
        let (Some(known), Some(poll)) = (&self.known, &mut self.poll) else { return };
        let mut wanted: Vec<(String, u64)> = Vec::new();
        for (model, aliases) in &known.aliases {
            wanted.extend(aliases.values().filter_map(|pointer| Some((model.clone(), pointer.version?))));
        }
        wanted.sort();
        wanted.dedup();
        self.facts.runs.retain(|version, _| wanted.contains(version));
        let runs: Vec<&String> = wanted.iter().filter_map(|version| self.facts.runs.get(version)?.as_ref()).collect();
        self.facts.metrics.retain(|run, _| runs.contains(&run));
        self.facts.histories.retain(|(run, _), _| runs.contains(&run));
        let count = wanted.len().max(1);
        wanted.rotate_left(self.facts.turn % count);
        self.facts.turn = (self.facts.turn + poll.steps.len().max(1)) % count;
        let mut later = Vec::new();
        for version in wanted {
            match self.facts.runs.get(&version) {
                None => poll.steps.push_back(Step::RunOf(version.0, version.1)),
                Some(Some(run)) if !self.facts.metrics.contains_key(run) => poll.steps.push_back(Step::Metrics(run.clone())),
                Some(Some(run)) => later.push(Step::Metrics(run.clone())),
                Some(None) => {}
            }
        }
        poll.steps.extend(later);
    }

    fn problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Nothing more is asked in this poll.
    fn fail(&mut self) {
        if let Some(poll) = &mut self.poll {
            poll.failed = true;
            poll.steps.clear();
        }
    }

    fn end(&mut self, now: Timestamp) {
        let Some(poll) = self.poll.take() else { return };
        self.facts.api_up = Some(!poll.failed);
        self.facts.last_seconds = (now - poll.began).seconds().max(0.0);
        if poll.failed {
            // Nobody knows how it is now.
            self.facts.models = None;
        } else {
            self.facts.last_good = Some(now);
        }
    }
}

fn endpoint_of(step: &Step) -> &'static str {
    match step {
        Step::Health => "health",
        Step::Version => "version",
        Step::Models(_) => "registered-models/search",
        Step::RunOf(..) => "model-versions/get",
        Step::Metrics(_) => "runs/get",
        Step::History(..) => "metrics/get-history",
    }
}
