//! rules > router > notify, forwards and on purpose: series that make an alert fire, run through the whole path on a virtual clock.
//!
//! In:    an alerting rule of Prometheus or Grafana, all groups, the routes. Out: a `Proof` (series, times, the alert, messages), or why there is none.
//! Never: says that an alert can fire without having seen it fire with the real rules; reads a clock, sends anything.
//! Read:  subject.rs (the rule), leaves.rs and grafana.rs (which series, which way), labels.rs, values.rs, search.rs, then testfile.rs (the
//!        proof as a rule test).

mod grafana;
mod inline;
mod labels;
mod leaves;
mod search;
mod subject;
mod testfile;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use bellbuoy_router::{Notification, Route, RouteView, Router};
use bellbuoy_rules::{AlertView, GroupSettings, MemoryStore, RuleSettings, State};
use bellbuoy_vocabulary::{ALERT_NAME, Append, Labels, Millis, Sample, Severity, Timestamp};

use crate::explain::{Question, World, explain_expr, explain_grafana};
use crate::stage::{Event, Setting, Stage};
use crate::{Finding, Input, check};
use search::{Search, Searched, Series};
use subject::{Condition, Subject};
use values::Times;

pub use testfile::test_file;

/// Proofs that are tried with the real rules before the search gives up.
const STAGES_MAX: usize = 40;
/// Tries before `check` is asked, and in all.
const TRIES_FIRST: usize = 400;
const TRIES_MAX: usize = 5_000;
/// Findings of `check` that mean that the condition never holds.
const SILENT: [&str; 3] = ["matching-never", "comparison-constant", "histogram-name"];
/// A group that waits longer is not waited for.
const GROUP_WAIT_MAX: Millis = Millis::from_minutes(60);

/// An alert that fired, and what had to be true for it.
#[derive(Clone, Debug)]
pub struct Proof {
    pub alert: String,
    pub group: String,
    pub file: String,
    /// Rule tests of promtool do not know such rules.
    pub is_grafana: bool,
    pub interval: Millis,
    pub hold: Millis,
    /// The input: what targets would have to expose.
    pub series: BTreeMap<Labels, Vec<Sample>>,
    pub sample_step: Millis,
    pub pending_at: Timestamp,
    pub fired_at: Timestamp,
    /// The alerts of this name that fire at that time.
    pub alerts: Vec<AlertView>,
    pub told: Vec<Notification>,
    /// Why nobody, or one receiver not, was told.
    pub held: Vec<(String, String)>,
    pub routes: Vec<RouteView>,
    /// Recording rules that stand between the series and the alert.
    pub through: Vec<String>,
    pub tries: usize,
}

/// No input was found.
#[derive(Clone, Debug)]
pub struct Never {
    pub why: String,
    /// It follows from PromQL's semantics; otherwise only the search has failed.
    pub sure: bool,
    pub fix: Option<String>,
    pub tries: usize,
}

/// Finds series that make a rule fire.
pub fn fire(rule: &RuleSettings, group: &GroupSettings, groups: &[GroupSettings], setting: &Setting) -> Result<Proof, Never> {
    let Some(subject) = Subject::of(rule, group, groups) else {
        return Err(Never { why: "a recording rule makes no alerts".into(), sure: true, fix: None, tries: 0 });
    };
    if matches!(rule, RuleSettings::Grafana(rule) if rule.is_paused) {
        return Err(Never { why: "it is paused: `isPaused: true`".into(), sure: true, fix: None, tries: 0 });
    }
    let needed = subject.needed(group, groups);
    let wait = longest_wait(&setting.router.route).min(GROUP_WAIT_MAX);
    let search = Search { subject: &subject, engine: &setting.engine, interval: group.interval, more: wait };
    let run = Run { subject: &subject, group, groups: &needed, setting, wait };
    let (mut proof, mut finding, mut searched) = (None, None, Searched::default());
    // Most are found at once. Before the long search it is asked whether there is anything to be found.
    for tries_max in [TRIES_FIRST, TRIES_MAX] {
        let mut stages = 0;
        searched = search.run(tries_max, &mut |series, times| {
            stages += 1;
            proof = run.prove(series, times);
            proof.is_some() || stages >= STAGES_MAX
        });
        if let Some(proof) = proof {
            return Ok(Proof { tries: searched.tries, ..proof });
        }
        finding = silent(&subject, group, groups);
        if finding.as_ref().is_some_and(|finding| finding.severity == Severity::Error) {
            break;
        }
    }
    if subject.fires_without_data() {
        search.nothing(&mut |series, times| {
            proof = run.prove(series, times);
            true
        });
        if let Some(proof) = proof {
            return Ok(Proof { tries: searched.tries + 1, ..proof });
        }
    }
    if let (Some(why), None) = (impossible_labels(&subject), &finding) {
        return Err(Never { why, sure: false, fix: None, tries: searched.tries });
    }
    Err(never(finding, setting, &subject, searched))
}

/// The first selector whose matchers no label values satisfy.
fn impossible_labels(subject: &Subject) -> Option<String> {
    let maker = labels::LabelMaker::new(&subject.leaves);
    let impossible = subject.leaves.leaves.iter().find(|leaf| maker.labels(leaf, labels::Variant::Shared).is_none())?;
    let matchers: Vec<String> = impossible.matchers.iter().map(|matcher| matcher.to_string()).collect();
    Some(format!("no label values were found that satisfy {} together, in {}", matchers.join(" and "), impossible.metric))
}

/// What `check` says of the rule, if that means that it never fires.
fn silent(subject: &Subject, group: &GroupSettings, groups: &[GroupSettings]) -> Option<Finding> {
    let findings = check(&Input { groups, ..Input::default() });
    let own = |finding: &Finding| finding.file == group.file && finding.span.line == subject.span.line && SILENT.contains(&finding.code);
    findings.into_iter().filter(own).max_by_key(|finding| finding.severity == Severity::Error)
}

fn longest_wait(route: &Route) -> Millis {
    route.routes.iter().map(longest_wait).fold(route.group_wait, Millis::max)
}

/// The path with the real rules.
struct Run<'a> {
    subject: &'a Subject<'a>,
    group: &'a GroupSettings,
    /// With nothing but what is needed.
    groups: &'a [GroupSettings],
    setting: &'a Setting,
    /// How long after the alert fires the messages are waited for.
    wait: Millis,
}

impl Run<'_> {
    /// `None`: the alert did not fire.
    fn prove(&self, series: &Series, times: Times) -> Option<Proof> {
        let Run { subject, group, setting, wait, .. } = *self;
        // Only recording rules need evaluations before the condition holds.
        let recorded = self.groups.iter().flat_map(|group| &group.rules).any(|rule| matches!(rule, RuleSettings::Recording(_)));
        let before = if recorded { Millis::from_minutes(120) } else { group.interval * 2 };
        let start = times.from.max(Timestamp((times.at - before).0.div_euclid(group.interval.0) * group.interval.0));
        let mut stage = Stage::new(setting.clone(), self.groups, start);
        for (labels, samples) in series {
            stage.input(labels.clone(), samples.clone());
        }
        let (mut pending_at, mut fired_at, mut failed) = (None, None, false);
        let (mut told, mut held): (Vec<Notification>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        let mut watch = |at: Timestamp, event: Event| match event {
            Event::Alert(t) if t.labels.get(ALERT_NAME) == subject.name => match t.to {
                State::Pending => drop(pending_at.get_or_insert(at)),
                State::Firing => drop(fired_at.get_or_insert(at)),
                _ => {}
            },
            Event::Alert(_) => {}
            Event::Told(notification) => told.push(notification),
            Event::Held { receiver, reason, .. } => held.push((receiver, reason)),
            Event::RuleFailed { .. } => failed = true,
        };
        // Evaluation by evaluation until it fires, so that the alerts are those of that moment.
        let named = Labels::from_pairs([(ALERT_NAME, subject.name)]);
        let mut at = start;
        let end = times.at + subject.hold + group.interval * 4;
        while at <= end && stage.state_of(subject.name, &named) != State::Firing {
            stage.run_until(at, &mut watch).ok()?;
            at += group.interval;
        }
        let fires = |alert: &AlertView| alert.state == State::Firing && alert.labels.get(ALERT_NAME) == subject.name;
        let alerts: Vec<AlertView> = stage.alerts_of(subject.name).into_iter().filter(fires).collect();
        stage.run_until(stage.now() + wait + Millis::from_seconds(1), &mut watch).ok()?;
        if failed {
            return None;
        }
        let fired_at = fired_at?;
        let labels = sent(&alerts.first()?.labels, &[&subject.fixed, &setting.external_labels]);
        let routes = Router::new(setting.router.clone()).routing(&labels, fired_at);
        told.retain(|told| told.alerts.iter().any(|alert| alert.labels.get(ALERT_NAME) == subject.name));
        Some(Proof {
            alert: subject.name.to_string(),
            group: group.name.clone(),
            file: subject.file.to_string(),
            is_grafana: matches!(subject.condition, Condition::Grafana(_)),
            interval: group.interval,
            hold: subject.hold,
            series: series.clone(),
            sample_step: times.step,
            pending_at: pending_at.unwrap_or(fired_at),
            fired_at,
            alerts,
            told,
            held,
            routes,
            through: subject.through.clone(),
            tries: 0,
        })
    }
}

/// With the labels that are there too when it leaves.
fn sent(labels: &Labels, more: &[&Labels]) -> Labels {
    let mut all = labels.builder();
    for (name, value) in more.iter().flat_map(|more| more.iter()).filter(|(name, _)| !labels.has(name)) {
        all.set(name, value);
    }
    all.labels()
}

/// Why: what check says of the rule, else which part stayed empty with the first series that were tried.
fn never(finding: Option<Finding>, setting: &Setting, subject: &Subject, searched: Searched) -> Never {
    let tries = searched.tries;
    if let Some(finding) = finding {
        let why = format!("{} [{}]: {}", finding.message, finding.code, finding.why);
        return Never { why, sure: finding.severity == Severity::Error, fix: finding.fix, tries };
    }
    let Some((series, times)) = searched.first else {
        return Never { why: "no series can satisfy all matchers of a selector together".into(), sure: false, fix: None, tries };
    };
    let store = MemoryStore::new();
    for (labels, samples) in &series {
        let Ok((number, _)) = (&store).series(labels) else { continue };
        for sample in samples {
            let _ = (&store).append(number, sample.at, sample.value);
        }
    }
    let world = World {
        engine: &setting.engine,
        source: &store,
        groups: &[],
        router: None,
        external_labels: &setting.external_labels,
        external_url: "",
        silences: &[],
        alerts: None,
        deliveries: &|_, _| Ok(Vec::new()),
        names: &Vec::new,
        stop: &|| false,
    };
    let question = Question { at: times.at, ..Question::default() };
    let explanation = match &subject.condition {
        Condition::Expression(expr) => explain_expr(expr, &question, &world),
        Condition::Grafana(rule) => explain_grafana(rule, &question, &world),
    };
    let part = explanation.stopped_at.and_then(|index| explanation.steps.get(index)).map(|step| format!("{}: {}", step.title, step.text));
    let why = match part {
        Some(part) => format!("in {tries} tries no input made the condition hold; with the first one it ended at {part}"),
        None => format!("in {tries} tries no input made the alert fire with the real rules"),
    };
    Never { why, sure: false, fix: None, tries }
}
