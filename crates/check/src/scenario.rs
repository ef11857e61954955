//! Scenarios over the whole path, as plain text: series go in; alerts, messages and holds are expected at exact times.
//!
//! ```text
//! # What `bellbuoy test` reads in a file that is not YAML. The folder's real rules, routes and templates are used.
//! config ..                                       (the folder, from this file's; this file's own folder when absent)
//! start 2026-01-13T10:00:00Z                      (the virtual clock's zero)
//! interval 15s                                    (between two values of a series; 1m when absent)
//! series up{job="api"} 1x7 0x20
//! at 3m expect alert ServiceDown firing job=api   (or: pending, inactive)
//! at 3m30s expect message discord [ServiceDown] because first-notification containing "is DOWN"
//! at 4m silence alertname="ServiceDown" for 1h
//! at 5m expect hold discord because silenced
//! at 6m expire                                    (all silences end)
//! at 7m expect nothing                            (nobody is told anything at this time)
//! figure bikes r2 0.9x10 0.5x20                   (what the rules of a model see; asked at each `schedule` of the model)
//! at 12m expect decision bikes retrain because r2_critical
//! at 15m run bikes                                (a training run is done: the cool-down begins)
//! quiet                                           (messages that no line expects are no failure)
//! ```
//!
//! In:    the text and a `Stage`. Out: failures with their lines. Every message must be expected, at its exact time, unless `quiet` is said.

use bellbuoy_models::{ModelSettings, RetrainingOutcome, Ruling};
use bellbuoy_notify::{Context, Receiver};
use bellbuoy_router::{Notification, Silence};
use bellbuoy_rules::series_text::{parse_metric, parse_values};
use bellbuoy_template::TemplateSet;
use bellbuoy_vocabulary::{Labels, MatchOp, Matcher, Millis, Sample, Timestamp, parse_duration};

mod decisions;

use self::decisions::{FigureLine, Judges};
use crate::said::said;
use crate::stage::{Event, Stage, notice_of};

/// A line that is not true, or can not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub line: usize,
    pub message: String,
}

/// A scenario as it was read.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// As written behind `config`; empty when absent.
    pub config: String,
    pub start: Timestamp,
    quiet: bool,
    series: Vec<(Labels, Vec<Sample>)>,
    figures: Vec<FigureLine>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    line: usize,
    at: Millis,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    Silence(Vec<Matcher>, Millis),
    Expire,
    Run { model: String },
    Decision { model: String, outcome: RetrainingOutcome, because: Option<String> },
    Alert { name: String, word: String, labels: Labels },
    Message { receiver: String, alerts: Vec<String>, because: Option<String>, containing: Option<String> },
    Hold { receiver: String, because: String },
    Nothing,
}

/// What messages are made of.
pub struct Words<'a> {
    pub receivers: &'a [Receiver],
    pub templates: &'a dyn Fn(&str) -> std::sync::Arc<TemplateSet>,
    pub external_url: &'a str,
    /// Whose decisions can be expected.
    pub models: &'a [&'a ModelSettings],
}

/// Whether a text is one of these, and not a router's scenario that brings its own settings.
pub fn is_scenario(text: &str) -> bool {
    text.lines().any(|line| ["series ", "config ", "figure "].iter().any(|word| line.starts_with(word)))
}

pub fn read(text: &str) -> Result<Scenario, Failure> {
    let start = Timestamp::parse_rfc3339("2026-01-13T10:00:00Z").unwrap_or_default();
    let mut scenario = Scenario { config: String::new(), start, quiet: false, series: Vec::new(), figures: Vec::new(), steps: Vec::new() };
    let mut interval = Millis::from_minutes(1);
    for (number, line) in text.lines().enumerate() {
        let fail = |message: String| Failure { line: number + 1, message };
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "" => {}
            word if word.starts_with('#') => {}
            "config" => scenario.config = rest.to_string(),
            "start" => {
                scenario.start =
                    Timestamp::parse_rfc3339(rest).ok_or_else(|| fail(format!("{rest:?} is not a time as 2026-01-13T10:00:00Z")))?
            }
            "interval" => interval = parse_duration(rest).map_err(fail)?,
            "quiet" => scenario.quiet = true,
            "series" => {
                let (metric, values) =
                    split_series(rest).ok_or_else(|| fail("a series needs a name and values: up{job=\"api\"} 1x7 0x20".into()))?;
                let labels = parse_metric(metric).map_err(fail)?;
                let values = parse_values(values).map_err(fail)?;
                let start = scenario.start;
                let sample = |(index, value): (usize, Option<f64>)| Some(Sample::new(start + Millis(interval.0 * index as i64), value?));
                scenario.series.push((labels, values.into_iter().enumerate().filter_map(sample).collect()));
            }
            "figure" => {
                let words: Vec<&str> = rest.splitn(3, char::is_whitespace).collect();
                let [model, figure, values] = words[..] else { return Err(fail("write `figure MODEL NAME VALUES`".into())) };
                let values = parse_values(values).map_err(fail)?;
                scenario.figures.push(FigureLine { line: number + 1, model: model.into(), figure: figure.into(), interval, values });
            }
            "at" => {
                let (time, act) = rest.split_once(char::is_whitespace).ok_or_else(|| fail("write `at 3m expect ...`".into()))?;
                let at = parse_duration(time).map_err(fail)?;
                if scenario.steps.last().is_some_and(|last| last.at > at) {
                    return Err(fail("steps stand in the order of their times".into()));
                }
                scenario.steps.push(Step { line: number + 1, at, act: read_act(act.trim()).map_err(fail)? });
            }
            other => {
                return Err(fail(format!(
                    "unknown word {other:?}; a line begins with config, start, interval, series, figure, quiet or at"
                )));
            }
        }
    }
    Ok(scenario)
}

/// The name with its labels, and the values behind it.
fn split_series(text: &str) -> Option<(&str, &str)> {
    let end = match text.find('{') {
        Some(open) if !text[..open].contains(char::is_whitespace) => {
            let mut quoted = false;
            let mut escaped = false;
            let close = text.char_indices().skip_while(|(at, _)| *at < open).find(|(_, c)| {
                let was = escaped;
                escaped = *c == '\\' && !was;
                if *c == '"' && !was {
                    quoted = !quoted;
                }
                *c == '}' && !quoted
            });
            close?.0 + 1
        }
        _ => text.find(char::is_whitespace)?,
    };
    Some((&text[..end], text[end..].trim()))
}

fn read_act(text: &str) -> Result<Act, String> {
    if let Some(rest) = text.strip_prefix("silence ") {
        let (matchers, length) = rest.rsplit_once(" for ").ok_or("a silence needs `for 1h` at its end")?;
        return Ok(Act::Silence(matchers.split_whitespace().map(matcher).collect::<Result<_, _>>()?, parse_duration(length.trim())?));
    }
    if text == "expire" {
        return Ok(Act::Expire);
    }
    if let Some(model) = text.strip_prefix("run ") {
        return Ok(Act::Run { model: model.trim().into() });
    }
    let expected = text.strip_prefix("expect ").ok_or_else(|| format!("{text:?}: write expect, silence, expire or run"))?.trim();
    if expected == "nothing" {
        return Ok(Act::Nothing);
    }
    let (what, rest) =
        expected.split_once(char::is_whitespace).ok_or_else(|| format!("{expected:?}: write alert, message, hold, decision or nothing"))?;
    match what {
        "alert" => {
            let mut words = rest.split_whitespace();
            let (Some(name), Some(word)) = (words.next(), words.next()) else { return Err("write `expect alert NAME firing`".into()) };
            if !["firing", "pending", "inactive"].contains(&word) {
                return Err(format!("{word:?} is none of firing, pending, inactive"));
            }
            let pair = |text: &str| {
                text.split_once('=')
                    .map(|(name, value)| (name.to_string(), value.trim_matches('"').to_string()))
                    .ok_or_else(|| format!("{text:?}: write label=value"))
            };
            let labels: Vec<(String, String)> = words.map(pair).collect::<Result<_, _>>()?;
            Ok(Act::Alert { name: name.into(), word: word.into(), labels: Labels::from_pairs(labels) })
        }
        "message" => read_message(rest),
        "decision" => {
            let (head, because) =
                rest.split_once(" because ").map_or((rest, None), |(head, because)| (head, Some(because.trim().to_string())));
            let (model, word) = head.trim().split_once(char::is_whitespace).ok_or("write `expect decision MODEL retrain`")?;
            let outcome =
                RetrainingOutcome::parse(word.trim()).ok_or_else(|| format!("{word:?} is none of retrain, watch, nothing, unknown"))?;
            Ok(Act::Decision { model: model.into(), outcome, because })
        }
        "hold" => {
            let (receiver, because) = rest.split_once(" because ").ok_or("write `expect hold RECEIVER because silenced`")?;
            Ok(Act::Hold { receiver: receiver.trim().into(), because: because.trim().replace('-', " ") })
        }
        other => Err(format!("{other:?} is none of alert, message, hold, decision, nothing")),
    }
}

fn read_message(text: &str) -> Result<Act, String> {
    let (head, containing) = match text.split_once(" containing ") {
        Some((head, quoted)) => (head, Some(quoted.trim().trim_matches('"').to_string())),
        None => (text, None),
    };
    let (head, because) = match head.split_once(" because ") {
        Some((head, because)) => (head, Some(because.trim().replace('-', " "))),
        None => (head, None),
    };
    let (receiver, list) = head.split_once('[').ok_or("write `expect message RECEIVER [Alert, Other resolved]`")?;
    let list = list.trim().strip_suffix(']').ok_or("the list of alerts has no closing bracket")?;
    let alerts = list.split(',').map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect();
    Ok(Act::Message { receiver: receiver.trim().into(), alerts, because, containing })
}

fn matcher(text: &str) -> Result<Matcher, String> {
    let at = text.find(['=', '!']).ok_or_else(|| format!("{text:?}: write label=\"value\""))?;
    let (name, rest) = text.split_at(at);
    let ops = [("=~", MatchOp::Regex), ("!~", MatchOp::NotRegex), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)];
    let (sign, op) = ops.into_iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(|| format!("{text:?}: no operator"))?;
    Matcher::new(name, op, rest[sign.len()..].trim_matches('"')).map_err(|error| error.to_string())
}

struct Told {
    at: Timestamp,
    notification: Notification,
}

/// Runs a scenario on a stage that was made with its start. Empty when all came true.
pub fn run(scenario: &Scenario, mut stage: Stage, words: &Words) -> Vec<Failure> {
    let last = scenario.start + scenario.steps.last().map_or(Millis::ZERO, |step| step.at);
    let (mut judges, mut failures) = Judges::new(&scenario.figures, words.models, scenario.start, last);
    for (labels, samples) in &scenario.series {
        stage.input(labels.clone(), samples.clone());
    }
    let mut next = 0;
    while next < scenario.steps.len() {
        let at = scenario.steps[next].at;
        let end = next + scenario.steps[next..].iter().take_while(|step| step.at == at).count();
        let (steps, now) = (&scenario.steps[next..end], scenario.start + at);
        next = end;
        let mut told = Vec::new();
        let mut holds: Vec<(String, String)> = Vec::new();
        // What is done at a time is done before what is due then.
        let mut tell = |at, event| collect(at, event, &mut told, &mut holds, &mut failures, steps[0].line);
        let before = advance(&mut stage, &mut judges, now - Millis(1), &mut tell);
        for step in steps {
            match &step.act {
                Act::Silence(matchers, length) => {
                    let id = format!("line-{}", step.line);
                    stage.silence(Silence { id, matchers: vec![matchers.clone()], starts_at: now, ends_at: now + *length });
                }
                Act::Expire => stage.end_silences(),
                Act::Run { model } => {
                    if let Err(message) = judges.run_done(model, now) {
                        failures.push(Failure { line: step.line, message });
                    }
                }
                _ => {}
            }
        }
        holds.clear();
        let mut tell = |at, event| collect(at, event, &mut told, &mut holds, &mut failures, steps[0].line);
        let after = advance(&mut stage, &mut judges, now, &mut tell);
        if let Err(message) = before.and(after) {
            failures.push(Failure { line: steps[0].line, message });
            return failures;
        }
        for step in steps {
            let message = match &step.act {
                Act::Decision { model, outcome, because } => decided(judges.ruling(model), model, *outcome, because.as_deref()),
                act => check(act, &stage, &mut told, &holds, (scenario.start, now), words),
            };
            if let Some(message) = message {
                failures.push(Failure { line: step.line, message });
            }
        }
        if !scenario.quiet {
            let last = steps.last().map_or(0, |step| step.line);
            let unexpected =
                told.iter().map(|told| Failure { line: last, message: format!("not expected: {}", describe(told, scenario.start)) });
            failures.extend(unexpected);
        }
    }
    failures.sort_by_key(|failure| failure.line);
    failures
}

/// The stage up to a time, with the judgements that fall into it.
fn advance(stage: &mut Stage, judges: &mut Judges, until: Timestamp, tell: &mut dyn FnMut(Timestamp, Event)) -> Result<(), String> {
    while let Some(due) = judges.next_due().filter(|due| *due <= until) {
        stage.run_until(due - Millis(1), tell)?;
        stage.receive(judges.judge(due), due);
        stage.run_until(due, tell)?;
    }
    stage.run_until(until, tell)
}

fn decided(
    ruling: Result<&Ruling<RetrainingOutcome>, String>,
    model: &str,
    outcome: RetrainingOutcome,
    because: Option<&str>,
) -> Option<String> {
    let ruling = match ruling {
        Ok(ruling) => ruling,
        Err(why) => return Some(why),
    };
    let (rule, word, said) = (ruling.reason.rule().unwrap_or_default(), ruling.reason.word(), ruling.reason.to_string());
    if ruling.outcome != outcome {
        return Some(format!("expected {model} to be decided {}, but it is {}: {said}", outcome.word(), ruling.outcome.word()));
    }
    let because = because.filter(|because| *because != rule && *because != word && !said.contains(because))?;
    Some(format!("expected because {because}, but it was {word} {rule}: {said}"))
}

fn collect(at: Timestamp, event: Event, told: &mut Vec<Told>, holds: &mut Vec<(String, String)>, failures: &mut Vec<Failure>, line: usize) {
    match event {
        Event::Told(notification) => told.push(Told { at, notification }),
        Event::Held { receiver, reason, .. } => holds.push((receiver, reason)),
        Event::RuleFailed { rule, error } => {
            let message = format!("rule {rule}: {error}");
            if !failures.iter().any(|failure| failure.message == message) {
                failures.push(Failure { line, message });
            }
        }
        Event::Alert(_) => {}
    }
}

fn check(
    act: &Act,
    stage: &Stage,
    told: &mut Vec<Told>,
    holds: &[(String, String)],
    (start, now): (Timestamp, Timestamp),
    words: &Words,
) -> Option<String> {
    match act {
        Act::Silence(..) | Act::Expire | Act::Run { .. } | Act::Decision { .. } => None,
        Act::Alert { name, word, labels } => {
            let state = stage.state_of(name, labels).word();
            (state != word).then(|| format!("expected alert {name} to be {word}, but it is {state}"))
        }
        Act::Nothing => told.iter().any(|told| told.at == now).then(|| "somebody was told at this time".to_string()),
        Act::Hold { receiver, because } => {
            let is = |(who, reason): &(String, String)| who == receiver && reason.starts_with(because.as_str());
            (!holds.iter().any(is)).then(|| format!("expected a hold of {receiver} because {because}; there was {holds:?}"))
        }
        Act::Message { receiver, alerts, because, containing } => {
            let found = told.iter().position(|told| told.at == now && is_for(receiver, &told.notification) && names(told) == *alerts);
            let Some(found) = found else {
                let list: Vec<String> = told.iter().map(|told| describe(told, start)).collect();
                let list = if list.is_empty() { "nothing".to_string() } else { list.join("; ") };
                return Some(format!("expected a message to {receiver} [{}], but there was {list}", alerts.join(", ")));
            };
            let told = told.remove(found);
            let reason = told.notification.reason.to_string();
            if let Some(because) = because.as_ref().filter(|because| !reason.starts_with(because.as_str())) {
                return Some(format!("expected because {because}, but it was {reason}"));
            }
            let containing = containing.as_ref()?;
            let text = text_of(told.notification, words);
            (!text.contains(containing.as_str())).then(|| format!("the message does not contain {containing:?}; it is:\n{text}"))
        }
    }
}

fn is_for(receiver: &str, told: &Notification) -> bool {
    let (name, kind) = receiver.split_once('/').map_or((receiver, None), |(name, kind)| (name, Some(kind)));
    told.receiver == name && kind.is_none_or(|kind| told.integration_kind == kind)
}

fn names(told: &Told) -> Vec<String> {
    let name = |alert: &bellbuoy_vocabulary::Alert| {
        if alert.resolved_at(told.at) { format!("{} resolved", alert.name()) } else { alert.name().to_string() }
    };
    told.notification.alerts.iter().map(name).collect()
}

fn describe(told: &Told, start: Timestamp) -> String {
    let n = &told.notification;
    format!("{}/{} [{}] because {} at {}", n.receiver, n.integration_kind, names(told).join(", "), n.reason, told.at - start)
}

/// The message as people read it.
pub fn text_of(told: Notification, words: &Words) -> String {
    let now = told.at;
    let notice = notice_of(told);
    let receiver = words.receivers.iter().find(|receiver| receiver.name == notice.receiver);
    let is = |one: &&bellbuoy_notify::Integration| one.kind.word() == notice.integration_kind && one.index == notice.integration_index;
    let Some(integration) = receiver.and_then(|receiver| receiver.integrations.iter().find(is)) else { return String::new() };
    let templates = (words.templates)(&notice.receiver);
    let (lines, problems) = said(integration, &notice, &Context { external_url: words.external_url, templates: &templates, now });
    lines.into_iter().chain(problems.into_iter().map(|problem| format!("template failed: {problem}"))).collect::<Vec<_>>().join("\n")
}
