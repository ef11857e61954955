//! rules > router > notify, forwards and on purpose: series that make an alert fire, run through the whole path on a virtual clock.
//!
//! In:    an alerting rule, all groups, the routes. Out: a `Proof` (series, times, the alert, messages), or why there is none.
//! Never: says that an alert can fire without having seen it fire with the real rules; reads a clock, sends anything.
//! Read:  leaves.rs (which series, which way), labels.rs, values.rs, search.rs, then testfile.rs (the proof as a rule test).

mod inline;
mod labels;
mod leaves;
mod search;
mod testfile;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use bellbuoy_router::{Notification, Route, RouteView, Router};
use bellbuoy_rules::{AlertView, AlertingSettings, GroupSettings, MemoryStore, RuleSettings, State};
use bellbuoy_vocabulary::{Append, Labels, Millis, Sample, Severity, Timestamp};

use crate::explain::{Question, World, explain_expr};
use crate::stage::{Event, Setting, Stage};
use crate::{Finding, Input, check};
use search::{Search, Searched, Series};
use values::Times;

pub use testfile::test_file;

/// Proofs that are tried with the real rules before the search gives up.
const STAGES_MAX: usize = 40;
/// Tries before `check` is asked, and in all.
const TRIES_FIRST: usize = 400;
const TRIES_MAX: usize = 4_000;
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
pub fn fire(rule: &AlertingSettings, group: &GroupSettings, groups: &[GroupSettings], setting: &Setting) -> Result<Proof, Never> {
    let (expr, through) = inline::inlined(&rule.expr, groups);
    let leaves = leaves::leaves(&expr);
    let needed = needed(rule, group, groups, &through);
    let wait = longest_wait(&setting.router.route).min(GROUP_WAIT_MAX);
    let search = Search { expr: &expr, leaves: &leaves, engine: &setting.engine, hold: rule.hold, interval: group.interval, more: wait };
    let mut proof = None;
    let mut finding = None;
    let mut searched = Searched::default();
    // Most are found at once. Before the long search it is asked whether there is anything to be found.
    for tries_max in [TRIES_FIRST, TRIES_MAX] {
        let mut stages = 0;
        searched = search.run(tries_max, &mut |series, times| {
            stages += 1;
            proof = prove(rule, group, &needed, setting, series, times, wait).filter(|proof| !proof.alerts.is_empty());
            proof.is_some() || stages >= STAGES_MAX
        });
        if let Some(proof) = proof {
            return Ok(Proof { through, tries: searched.tries, ..proof });
        }
        finding = silent(rule, group, groups);
        if finding.as_ref().is_some_and(|finding| finding.severity == Severity::Error) {
            break;
        }
    }
    let maker = labels::LabelMaker::new(&leaves);
    let impossible = leaves.leaves.iter().find(|leaf| maker.labels(leaf, labels::Variant::Shared).is_none());
    if let (Some(leaf), None) = (impossible, &finding) {
        let matchers: Vec<String> = leaf.matchers.iter().map(|matcher| matcher.to_string()).collect();
        let why = format!("no label values were found that satisfy {} together, in {}", matchers.join(" and "), leaf.metric);
        return Err(Never { why, sure: false, fix: None, tries: searched.tries });
    }
    Err(never(finding, setting, &expr, searched))
}

/// What `check` says of the rule, if that means that it never fires.
fn silent(rule: &AlertingSettings, group: &GroupSettings, groups: &[GroupSettings]) -> Option<Finding> {
    let findings = check(&Input { groups, ..Input::default() });
    let own = |finding: &Finding| finding.file == group.file && finding.span.line == rule.span.line && SILENT.contains(&finding.code);
    findings.into_iter().filter(own).max_by_key(|finding| finding.severity == Severity::Error)
}

/// The alert alone in its group, and the groups with the recording rules that it reads; all in the rhythm of the alert's group.
fn needed(rule: &AlertingSettings, group: &GroupSettings, groups: &[GroupSettings], through: &[String]) -> Vec<GroupSettings> {
    let mut out = Vec::new();
    for other in groups {
        let own = other.name == group.name && other.file == group.file;
        let keeps = |one: &&RuleSettings| match one {
            RuleSettings::Recording(one) => through.contains(&one.record),
            RuleSettings::Alerting(one) => own && one.alert == rule.alert && one.span == rule.span,
            RuleSettings::Grafana(_) => false,
        };
        let rules: Vec<RuleSettings> = other.rules.iter().filter(keeps).cloned().collect();
        if !rules.is_empty() {
            out.push(GroupSettings { rules, interval: group.interval, ..other.clone() });
        }
    }
    out
}

fn longest_wait(route: &Route) -> Millis {
    route.routes.iter().map(longest_wait).fold(route.group_wait, Millis::max)
}

/// Runs the path with the real rules. `None`: the alert did not fire.
fn prove(
    rule: &AlertingSettings,
    group: &GroupSettings,
    groups: &[GroupSettings],
    setting: &Setting,
    series: &Series,
    times: Times,
    wait: Millis,
) -> Option<Proof> {
    // Only recording rules need evaluations before the condition holds.
    let recorded = groups.iter().flat_map(|group| &group.rules).any(|rule| matches!(rule, RuleSettings::Recording(_)));
    let before = if recorded { Millis::from_minutes(120) } else { group.interval * 2 };
    let start = times.from.max(Timestamp((times.at - before).0.div_euclid(group.interval.0) * group.interval.0));
    let mut stage = Stage::new(setting.clone(), groups, start);
    for (labels, samples) in series {
        stage.input(labels.clone(), samples.clone());
    }
    let (mut pending_at, mut fired_at, mut failed) = (None, None, false);
    let (mut told, mut held): (Vec<Notification>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    let mut watch = |at: Timestamp, event: Event| match event {
        Event::Alert(t) if t.labels.get("alertname") == rule.alert => match t.to {
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
    let mut at = start;
    let end = times.at + rule.hold + group.interval * 4;
    while at <= end && fired_at_is_none(&stage, &rule.alert) {
        stage.run_until(at, &mut watch).ok()?;
        at += group.interval;
    }
    let alerts: Vec<AlertView> = stage.alerts_of(&rule.alert).into_iter().filter(|alert| alert.state == State::Firing).collect();
    stage.run_until(stage.now() + wait + Millis::from_seconds(1), &mut watch).ok()?;
    if failed {
        return None;
    }
    let fired_at = fired_at?;
    let first = alerts.first()?;
    let routes = Router::new(setting.router.clone()).routing(&sent(&first.labels, &setting.external_labels), fired_at);
    Some(Proof {
        alert: rule.alert.clone(),
        group: group.name.clone(),
        file: group.file.clone(),
        interval: group.interval,
        hold: rule.hold,
        series: series.clone(),
        sample_step: times.step,
        pending_at: pending_at.unwrap_or(fired_at),
        fired_at,
        alerts,
        told,
        held,
        routes,
        through: Vec::new(),
        tries: 0,
    })
}

fn fired_at_is_none(stage: &Stage, alert: &str) -> bool {
    stage.state_of(alert, &Labels::empty()) != State::Firing
}

fn sent(labels: &Labels, external: &Labels) -> Labels {
    let mut all = labels.builder();
    for (name, value) in external.iter().filter(|(name, _)| !labels.has(name)) {
        all.set(name, value);
    }
    all.labels()
}

/// Why: what check says of the rule, else which part stayed empty with the first series that were tried.
fn never(finding: Option<Finding>, setting: &Setting, expr: &bellbuoy_promql::Expr, searched: Searched) -> Never {
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
    let explanation = explain_expr(expr, &question, &world);
    let part = explanation.stopped_at.and_then(|index| explanation.steps.get(index)).map(|step| format!("{}: {}", step.title, step.text));
    let why = match part {
        Some(part) => format!("in {tries} tries no input made the condition hold; with the first one it ended at {part}"),
        None => format!("in {tries} tries no input made the alert fire with the real rules"),
    };
    Never { why, sure: false, fix: None, tries }
}
