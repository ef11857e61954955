//! store > promql > rules > router > notify, backwards: why an alert fired, or did not, or did not arrive.
//!
//! In:    a `Question` (a rule or an expression, a time) and the `World`: series, groups, routes, silences, the history of messages.
//! Out:   an `Explanation`: a verdict in a sentence and the steps of the path, each with what came through it.
//! Never: reads a clock, changes anything, takes what is not known for nothing: then the state is `unknown`, with the reason.
//! Read:  answer.rs (the shape), tree.rs, expression.rs (the condition), grafana.rs (that of Grafana's rules), nearest.rs (what exists instead),
//!        delivery.rs (the rest of the path).

mod answer;
mod delivery;
mod expression;
mod grafana;
mod nearest;
#[cfg(test)]
mod tests;
mod text;
mod tree;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_promql::{Engine, Expr, Value, parse};
use bellbuoy_router::{RouterSettings, Silence};
use bellbuoy_rules::grafana::GrafanaSettings;
use bellbuoy_rules::replay::{Replayed, Span, replay, replay_grafana};
use bellbuoy_rules::{ALERTS_FOR_STATE_METRIC, AlertView, Evaluation, GroupSettings, RESEND_DELAY, RuleSettings, State};
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Matcher, Millis, SeriesSource, Timestamp, format_duration, nearest as nearest_word};

pub use answer::*;
pub use text::Terminal;

use expression::Condition;
use words::clock;

/// Evaluations that are replayed to know since when an alert is pending; of Grafana's rules, which are evaluated one by one, fewer.
const REPLAY_STEPS_MAX: i64 = 2_000;
const GRAFANA_STEPS_MAX: i64 = 500;
const INSTANCES_MAX: usize = 50;
/// How far back is looked for what is gone or was true once: in steps, for most of it is so since a short while.
const PAST: [Millis; 4] =
    [Millis::from_minutes(60), Millis::from_minutes(6 * 60), Millis::from_minutes(24 * 60), Millis::from_minutes(7 * 24 * 60)];

/// A silence and what a person said of it.
#[derive(Clone, Debug)]
pub struct KnownSilence {
    pub silence: Silence,
    pub created_by: String,
    pub comment: String,
}

/// What the history says of messages with a certain alert.
pub type Deliveries<'a> = dyn Fn(&Labels, Timestamp) -> Result<Vec<Delivery>, String> + 'a;

/// Everything that an explanation looks at.
pub struct World<'a> {
    pub engine: &'a Engine,
    pub source: &'a dyn SeriesSource,
    pub groups: &'a [GroupSettings],
    /// `None`: alerts are told to nobody by us.
    pub router: Option<&'a RouterSettings>,
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    pub silences: &'a [KnownSilence],
    /// The alerts that the router knows, when the time asked for is now; `None`: those that `ALERTS` tells of.
    pub alerts: Option<&'a [Alert]>,
    /// Messages with an alert of these labels, made before a time, newest first. The error says why nobody knows.
    pub deliveries: &'a Deliveries<'a>,
    /// All metric names, for "did you mean".
    pub names: &'a dyn Fn() -> Vec<String>,
    /// Asked now and then; true ends the work with what is known by then.
    pub stop: &'a dyn Fn() -> bool,
}

/// Which rule, when, and which of its alerts.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub at: Timestamp,
    /// Labels that an alert must have to be meant.
    pub labels: Vec<Matcher>,
    pub group: Option<String>,
    pub file: Option<String>,
}

/// Why an expression gives what it gives.
pub fn explain_expr(expr: &Expr, question: &Question, world: &World) -> Explanation {
    of_condition(expression::look(expr, question, world, Millis::ZERO), question)
}

/// Why the condition of a Grafana rule holds or not, without the life of its alerts.
pub fn explain_grafana(rule: &GrafanaSettings, question: &Question, world: &World) -> Explanation {
    of_condition(grafana::look(rule, &BTreeSet::new(), question, world), question)
}

fn of_condition(condition: Condition, question: &Question) -> Explanation {
    let count = condition.count;
    let (state, verdict) = match (&condition.verdict, count) {
        (_, Some(count)) if count > 0 => ("holds", format!("gives {} at {}", words::series(count), clock(question.at, question.at))),
        (Some(why), Some(_)) => ("empty", format!("gives nothing at {}: {why}", clock(question.at, question.at))),
        (why, _) => ("unknown", why.clone().unwrap_or_else(|| "it could not be evaluated".into())),
    };
    Explanation {
        expr: condition.text,
        at: question.at.rfc3339(),
        state: state.into(),
        verdict,
        stopped_at: condition.steps.iter().position(|step| step.state == StepState::Stopped),
        steps: condition.steps,
        ..Explanation::default()
    }
}

/// Why an alert fired, or not, or did not arrive. The error names the rules that are close.
pub fn explain_alert(name: &str, question: &Question, world: &World) -> Result<Explanation, String> {
    let mut rules = rules_named(name, world.groups);
    if rules.is_empty() {
        return Err(unknown_alert(name, world.groups));
    }
    let chosen = |(group, _): &(&GroupSettings, &RuleSettings)| {
        question.group.as_ref().is_none_or(|wanted| *wanted == group.name)
            && question.file.as_ref().is_none_or(|wanted| *wanted == group.file)
    };
    if rules.iter().any(chosen) {
        rules.retain(|rule| chosen(rule));
    }
    let mut all = Vec::new();
    for (group, rule) in rules.into_iter().take(20) {
        if let Some(rule) = Rule::of(group, rule) {
            let lives = lives(&rule, question, world);
            all.push((rule, lives));
        }
    }
    if all.is_empty() {
        return Err(format!("{name} is a recording rule, which makes no alerts"));
    }
    let rank = |(rule, lives): &(Rule, Result<Lives, String>)| {
        let own: Vec<(String, String)> = rule.labels.iter().filter(|(_, text)| !text.contains("{{")).cloned().collect();
        let fits = question.labels.iter().all(|matcher| own.iter().all(|(name, value)| *name != matcher.name || matcher.matches(value)));
        (fits, lives.as_ref().map_or(State::Inactive, |lives| lives.state()))
    };
    let mut best = 0;
    for (index, one) in all.iter().enumerate() {
        if rank(one) > rank(&all[best]) {
            best = index;
        }
    }
    let alternatives = all.iter().enumerate().filter(|(index, _)| *index != best).map(|(_, (rule, lives))| Alternative {
        group: rule.group.name.clone(),
        file: rule.file.to_string(),
        line: rule.line,
        labels: rule.labels.iter().cloned().collect(),
        state: lives.as_ref().map_or("unknown", |lives| lives.state().word()).into(),
    });
    let alternatives = alternatives.collect();
    let (rule, lives) = &all[best];
    Ok(Explanation { alternatives, ..of_rule(rule, lives, question, world) })
}

/// An alerting rule of either kind, as the steps behind its condition see it.
struct Rule<'a> {
    settings: &'a RuleSettings,
    group: &'a GroupSettings,
    name: &'a str,
    file: &'a str,
    line: usize,
    hold: Millis,
    keep_firing_for: Millis,
    labels: &'a [(String, String)],
    /// What its alerts have that only routes look at.
    fixed: Labels,
}

impl<'a> Rule<'a> {
    fn of(group: &'a GroupSettings, settings: &'a RuleSettings) -> Option<Rule<'a>> {
        match settings {
            RuleSettings::Alerting(rule) => Some(Rule {
                settings,
                group,
                name: &rule.alert,
                file: &group.file,
                line: rule.span.line,
                hold: rule.hold,
                keep_firing_for: rule.keep_firing_for,
                labels: &rule.labels,
                fixed: Labels::empty(),
            }),
            RuleSettings::Grafana(rule) if rule.record.is_none() => Some(Rule {
                settings,
                group,
                name: &rule.title,
                file: &rule.file,
                line: rule.span.line,
                hold: rule.hold,
                keep_firing_for: rule.keep_firing_for,
                labels: &rule.labels,
                fixed: rule.fixed_labels(),
            }),
            RuleSettings::Grafana(_) | RuleSettings::Recording(_) => None,
        }
    }
}

fn rules_named<'a>(name: &str, groups: &'a [GroupSettings]) -> Vec<(&'a GroupSettings, &'a RuleSettings)> {
    let named = |rule: &&RuleSettings| match rule {
        RuleSettings::Alerting(rule) => rule.alert == name,
        RuleSettings::Grafana(rule) => rule.title == name,
        RuleSettings::Recording(_) => false,
    };
    groups.iter().flat_map(|group| group.rules.iter().filter(named).map(move |rule| (group, rule))).collect()
}

fn unknown_alert(name: &str, groups: &[GroupSettings]) -> String {
    let names = || {
        groups.iter().flat_map(|group| &group.rules).filter_map(|rule| match rule {
            RuleSettings::Alerting(rule) => Some(rule.alert.as_str()),
            RuleSettings::Grafana(rule) => Some(rule.title.as_str()),
            RuleSettings::Recording(_) => None,
        })
    };
    let near = nearest_word(name, names()).or_else(|| names().find(|known| known.to_lowercase().contains(&name.to_lowercase())));
    match near {
        Some(near) => format!("there is no alerting rule {name:?}; did you mean {near:?}?"),
        None if names().next().is_none() => format!("there is no alerting rule {name:?}: no rule file with alerts was read"),
        None => format!("there is no alerting rule {name:?}; the rules are {}", words::cut(&names().collect::<Vec<_>>().join(", "), 200)),
    }
}

/// The alerts of a rule at the time asked for.
struct Lives {
    replayed: Replayed,
    /// When the replay began; an alert that is active since then may be older.
    from: Timestamp,
    /// The last evaluation.
    last: Timestamp,
    /// Of a Grafana rule: the elements whose alerts were active before it.
    loaded: BTreeSet<Labels>,
}

impl Lives {
    fn state(&self) -> State {
        self.replayed.alerts.iter().map(|alert| alert.state).max().unwrap_or(State::Inactive)
    }
}

/// The evaluations up to the time asked for, far enough back for `for` and `keep_firing_for`.
fn lives(rule: &Rule, question: &Question, world: &World) -> Result<Lives, String> {
    let with = Evaluation {
        engine: world.engine,
        source: world.source,
        external_labels: world.external_labels,
        external_url: world.external_url,
        resend_delay: RESEND_DELAY,
    };
    let group = rule.group;
    let steps_max = if matches!(rule.settings, RuleSettings::Grafana(_)) { GRAFANA_STEPS_MAX } else { REPLAY_STEPS_MAX };
    let interval = group.interval.0.max(1);
    let needed = (rule.hold.0 + rule.keep_firing_for.0) * 2 + interval * 10;
    let window = needed.max(3_600_000).min(interval * steps_max).max(needed.min(interval * steps_max * 10));
    let step = interval.max(window / steps_max);
    // The group's own slots, so that states change when they did.
    let first = bellbuoy_rules::Group::new(GroupSettings { rules: Vec::new(), ..group.clone() }).next_due(question.at - Millis(interval));
    let last = if first > question.at { question.at } else { first };
    let last = last - group.query_offset;
    let span = Span { from: last - Millis(window / step * step), to: last, step: Millis(step) };
    let (replayed, loaded) = match rule.settings {
        RuleSettings::Alerting(rule) => replay(rule, span, &with, world.stop).map(|mut replayed| {
            remember(&mut replayed.alerts, span.from, last, world);
            (replayed, BTreeSet::new())
        }),
        RuleSettings::Grafana(rule) => replay_grafana(rule, span, &with, None, world.stop).map(|(mut replayed, loaded)| {
            // Grafana counts from when it fires, we from when it began to hold.
            let firing = replayed.alerts.iter_mut().filter(|alert| alert.state == State::Firing);
            firing.for_each(|alert| alert.active_at = alert.active_at - rule.hold);
            (replayed, loaded)
        }),
        RuleSettings::Recording(_) => return Err("a recording rule makes no alerts".into()),
    }
    .map_err(|error| error.to_string())?;
    Ok(Lives { replayed, from: span.from, last, loaded })
}

/// An alert that is active since the replay began is older: since when, `ALERTS_FOR_STATE` tells.
fn remember(alerts: &mut [AlertView], from: Timestamp, at: Timestamp, world: &World) {
    if alerts.iter().all(|alert| alert.active_at > from) {
        return;
    }
    let Ok(expr) = parse(ALERTS_FOR_STATE_METRIC) else { return };
    let Ok(answer) = world.engine.instant_until(&expr, world.source, at, world.stop) else { return };
    let Value::Vector(rows) = answer.value else { return };
    let known: BTreeMap<Labels, f64> = rows.iter().filter_map(|row| Some((row.labels.without_name(), row.value.float()?))).collect();
    for alert in alerts.iter_mut().filter(|alert| alert.active_at == from) {
        let since = known.get(&alert.labels).map(|seconds| Timestamp((seconds * 1000.0) as i64));
        // No time at all, or one that the replay knows better.
        alert.active_at = since.filter(|since| *since > Timestamp(0) && *since < from).unwrap_or(from);
    }
}

fn condition(rule: &Rule, lives: &Result<Lives, String>, question: &Question, world: &World) -> Condition {
    match rule.settings {
        RuleSettings::Alerting(rule) => expression::look(&rule.expr, question, world, rule.hold),
        RuleSettings::Grafana(settings) => {
            let loaded = lives.as_ref().map(|lives| lives.loaded.clone()).unwrap_or_default();
            grafana::look(settings, &loaded, question, world)
        }
        RuleSettings::Recording(rule) => expression::look(&rule.expr, question, world, Millis::ZERO),
    }
}

fn of_rule(rule: &Rule, lives: &Result<Lives, String>, question: &Question, world: &World) -> Explanation {
    let condition = condition(rule, lives, question, world);
    let meant = |alert: &&AlertView| question.labels.iter().all(|matcher| matcher.matches(alert.labels.get(&matcher.name)));
    let mut alerts: Vec<AlertView> =
        lives.as_ref().map(|lives| lives.replayed.alerts.iter().filter(meant).cloned().collect()).unwrap_or_default();
    alerts.sort_by(|a, b| b.state.cmp(&a.state).then(a.active_at.cmp(&b.active_at)).then_with(|| a.labels.cmp(&b.labels)));
    let (mut steps, mut why) = (condition.steps, condition.verdict);
    let mut state = alerts.first().map_or("inactive", |alert| alert.state.word());
    if alerts.is_empty() && (lives.is_err() || condition.count.is_none()) {
        state = "unknown";
        why = lives.as_ref().err().cloned().or(why);
    }
    if !alerts.is_empty() {
        // It fires although its condition no longer holds: `keep_firing_for`, or the next evaluation is still to come.
        for step in steps.iter_mut().filter(|step| step.state == StepState::Stopped) {
            step.state = StepState::Skipped;
        }
    } else if condition.count.is_some_and(|count| count > 0) {
        why = Some(unseen(rule.group, lives, question));
    }
    steps.extend(life_steps(rule, lives, &alerts, question));
    let mut told = delivery::Told::default();
    delivery::look(rule, &alerts, question, world, &mut steps, &mut told);
    let stopped = steps.iter().position(|step| step.state == StepState::Stopped);
    let instances: Vec<Instance> =
        alerts.iter().take(INSTANCES_MAX).zip(told.instances).map(|(alert, told)| instance(rule, alert, lives, told)).collect();
    let facts = RuleFacts {
        group: rule.group.name.clone(),
        file: rule.file.to_string(),
        line: rule.line,
        hold: format_duration(rule.hold),
        keep_firing_for: format_duration(rule.keep_firing_for),
        interval: format_duration(rule.group.interval),
        labels: rule.labels.iter().cloned().collect(),
    };
    Explanation {
        alert: Some(rule.name.to_string()),
        expr: condition.text,
        at: question.at.rfc3339(),
        rule: Some(facts),
        state: state.into(),
        delivered: told.delivered,
        verdict: verdict(rule, state, &alerts, why.as_deref(), &told.verdict, question),
        stopped_at: stopped,
        steps,
        instances_omitted: alerts.len().saturating_sub(INSTANCES_MAX),
        instances,
        alternatives: Vec::new(),
    }
}

/// The condition holds, and yet there is no alert.
fn unseen(group: &GroupSettings, lives: &Result<Lives, String>, question: &Question) -> String {
    match lives {
        Ok(lives) if !lives.replayed.alerts.is_empty() => {
            let wanted: Vec<String> = question.labels.iter().map(|matcher| matcher.to_string()).collect();
            format!("{} of its alerts are active, none with {}", lives.replayed.alerts.len(), wanted.join(", "))
        }
        Ok(lives) => {
            let last = clock(lives.last, question.at);
            format!("its condition holds now, but did not at the last evaluation at {last} (every {})", format_duration(group.interval))
        }
        Err(why) => why.clone(),
    }
}

fn verdict(rule: &Rule, state: &str, alerts: &[AlertView], why: Option<&str>, told: &str, question: &Question) -> String {
    let (name, at) = (rule.name, question.at);
    let more = if alerts.len() > 1 { format!(" ({} alerts)", alerts.len()) } else { String::new() };
    let oldest = |state: State| alerts.iter().filter(|alert| alert.state == state).map(|alert| alert.active_at).min().unwrap_or(at);
    match state {
        "firing" => {
            let since = oldest(State::Firing) + rule.hold;
            // What is told for want of data, or for an error, has a name of its own.
            let other = alerts.first().map(|alert| alert.labels.get(ALERT_NAME)).filter(|known| *known != name);
            let other = other.map(|other| format!(" as {other}")).unwrap_or_default();
            format!("{name} fires{other} since {}{more}{told}", clock(since.min(at), at))
        }
        "pending" => {
            let since = oldest(State::Pending);
            format!(
                "{name} is pending since {}{more}: it fires at {} if its condition goes on to hold",
                clock(since, at),
                clock(since + rule.hold, at)
            )
        }
        "inactive" => {
            format!("{name} did not fire at {}: {}", clock(at, at), why.unwrap_or("its condition holds for no alert that was asked for"))
        }
        _ => format!("whether {name} fired at {} is not known: {}", clock(at, at), why.unwrap_or("it could not be evaluated")),
    }
}

fn instance(rule: &Rule, alert: &AlertView, lives: &Result<Lives, String>, told: Instance) -> Instance {
    let fired = lives.as_ref().ok().and_then(|lives| {
        let is = |t: &&bellbuoy_rules::Transition| t.to == State::Firing && t.labels == alert.labels;
        lives.replayed.transitions.iter().rev().find(is).map(|transition| transition.at)
    });
    Instance {
        labels: label_map(&alert.labels),
        annotations: label_map(&alert.annotations),
        state: alert.state.word().into(),
        value: bellbuoy_vocabulary::format_float(alert.value),
        active_at: alert.active_at.rfc3339(),
        fires_at: (alert.state == State::Pending).then(|| (alert.active_at + rule.hold).rfc3339()),
        fired_at: fired.filter(|_| alert.state == State::Firing).map(Timestamp::rfc3339),
        ..told
    }
}

/// `for` and `keep_firing_for`.
fn life_steps(rule: &Rule, lives: &Result<Lives, String>, alerts: &[AlertView], question: &Question) -> Vec<Step> {
    let title = format!("for {}", format_duration(rule.hold));
    let at = question.at;
    let mut steps = Vec::new();
    let Ok(lives) = lives else {
        let why = lives.as_ref().err().cloned().unwrap_or_default();
        return vec![Step::new(StepKind::For, title, StepState::Unknown, why)];
    };
    let count = |state: State| alerts.iter().filter(|alert| alert.state == state).count();
    let (firing, pending) = (count(State::Firing), count(State::Pending));
    let mut step = if alerts.is_empty() {
        Step::new(StepKind::For, title, StepState::Skipped, last_life(lives, at))
    } else if firing > 0 {
        let text =
            if pending > 0 { format!("{firing} held long enough, {pending} still wait") } else { format!("{firing} held long enough") };
        Step::new(StepKind::For, title, StepState::Passed, text)
    } else {
        let since = alerts.iter().map(|alert| alert.active_at).min().unwrap_or(at);
        let text = format!("holds since {} ({}), fires at {}", clock(since, at), words::length(at - since), clock(since + rule.hold, at));
        Step::new(StepKind::For, title, StepState::Stopped, text)
    };
    step.count = Some(firing);
    for alert in alerts.iter().take(20) {
        let sure = if alert.active_at == lives.from { "at least since then" } else { "" };
        step.rows.push(Row {
            labels: label_map(&alert.labels),
            value: Some(words::length(lives.last - alert.active_at)),
            threshold: Some(format_duration(rule.hold)),
            op: ">=".into(),
            passes: Some(alert.state == State::Firing),
            note: sure.into(),
            at: Some(alert.active_at.rfc3339()),
        });
    }
    step.rows_omitted = alerts.len().saturating_sub(20);
    steps.push(step);
    if rule.keep_firing_for > Millis::ZERO {
        let kept = alerts.iter().filter(|alert| alert.keep_firing_since.is_some()).count();
        let title = format!("keep_firing_for {}", format_duration(rule.keep_firing_for));
        let text = match kept {
            0 => "keeps no alert at this time".to_string(),
            _ => format!("keeps {kept} whose condition no longer holds"),
        };
        let state = if alerts.is_empty() { StepState::Skipped } else { StepState::Passed };
        steps.push(Step::new(StepKind::KeepFiringFor, title, state, text).count(firing));
    }
    steps
}

/// When it was the last time that anything of the rule was pending or firing.
fn last_life(lives: &Lives, now: Timestamp) -> String {
    let ended = lives.replayed.transitions.iter().rev().find(|t| matches!(t.to, State::Resolved | State::Inactive));
    match ended {
        Some(t) if t.to == State::Resolved => format!("not reached; it fired until {}", clock(t.at, now)),
        Some(t) => format!("not reached; it was pending for {} until {}, too short", words::length(t.after), clock(t.at, now)),
        None => format!("not reached, nor since {}", clock(lives.from, now)),
    }
}
