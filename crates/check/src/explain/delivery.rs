//! From the alert to people: inhibition, silences, mute times, routes, receivers, and what became of each message.
//!
//! In:    the alerts of a rule at a time, the routes, silences and the history. Out: steps, and per alert whom it reached.
//! Holds: a router with the same settings is asked, so the answer is the router's own; for another time than now it is given
//!        the alerts that `ALERTS` tells of.

use bellbuoy_promql::{Value, parse};
use bellbuoy_router::{RouteView, Router};
use bellbuoy_rules::{AlertView, State};
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Millis, Timestamp, format_duration};

use super::words::{clock, cut};
use super::{Delivery, Instance, Question, Row, Rule, SilencedBy, Step, StepKind, StepState, World, label_map};

/// Alerts of one explanation whose way is looked up.
const ALERTS_MAX: usize = 50;
const DELIVERIES_MAX: usize = 20;
/// Alerts that fired at another time, as possible sources of inhibition.
const OTHERS_MAX: usize = 10_000;

#[derive(Default)]
pub struct Told {
    /// In the order of the alerts.
    pub instances: Vec<Instance>,
    pub delivered: Option<bool>,
    /// The end of the verdict: `, but nobody is told: ...`
    pub verdict: String,
}

pub fn look(rule: &Rule, alerts: &[AlertView], question: &Question, world: &World, steps: &mut Vec<Step>, told: &mut Told) {
    let firing: Vec<Labels> =
        alerts.iter().filter(|alert| alert.state == State::Firing).map(|alert| sent(&alert.labels, rule, world)).collect();
    let Some(settings) = world.router else {
        let state = if firing.is_empty() { StepState::Skipped } else { StepState::Unknown };
        steps.push(Step::new(
            StepKind::Route,
            "route",
            state,
            "no alertmanager.yml is known: alerts go to the Alertmanagers of prometheus.yml, or nowhere",
        ));
        told.instances = alerts.iter().map(|_| Instance::default()).collect();
        return;
    };
    let router = router_at(settings, &firing, question.at, world);
    let views = router.alerts(question.at);
    for alert in alerts.iter().take(ALERTS_MAX) {
        let labels = sent(&alert.labels, rule, world);
        let routing = router.routing(&labels, question.at);
        let view = views.iter().find(|view| view.alert.labels == labels);
        let mut instance = Instance { receivers: receivers(&routing), muted_by: muted(&routing), ..Instance::default() };
        if let Some(view) = view {
            instance.silenced_by = view.silenced_by.iter().map(|id| silenced_by(id, world)).collect();
            let source = |id: &String| {
                views.iter().find(|other| format!("{:016x}", other.alert.fingerprint()) == *id).map(|other| label_map(&other.alert.labels))
            };
            instance.inhibited_by = view.inhibited_by.iter().filter_map(source).collect();
        }
        told.instances.push(instance);
    }
    if firing.is_empty() {
        preview(rule, alerts, &router, question, world, steps);
        return;
    }
    let deliveries = deliveries(&firing, question.at, world, told);
    let audible = mute_steps(told, firing.len(), question, steps);
    let routing: Vec<RouteView> = firing.iter().take(ALERTS_MAX).flat_map(|labels| router.routing(labels, question.at)).collect();
    route_steps(&routing, audible, steps);
    delivery_steps(&deliveries, audible, alerts, &routing, question, steps, told);
}

/// With the labels that only senders add, and those that only routes look at.
fn sent(labels: &Labels, rule: &Rule, world: &World) -> Labels {
    with_missing(&with_missing(labels, &rule.fixed), world.external_labels)
}

fn with_missing(labels: &Labels, more: &Labels) -> Labels {
    let mut all = labels.builder();
    for (name, value) in more.iter().filter(|(name, _)| !labels.has(name)) {
        all.set(name, value);
    }
    all.labels()
}

fn router_at(settings: &bellbuoy_router::RouterSettings, firing: &[Labels], at: Timestamp, world: &World) -> Router {
    let mut router = Router::new(settings.clone());
    router.set_silences(world.silences.iter().map(|known| known.silence.clone()).collect());
    let mut alerts: Vec<Alert> = match world.alerts {
        Some(alerts) => alerts.to_vec(),
        None => recorded(at, world).iter().map(|labels| alert(labels, at)).collect(),
    };
    alerts.retain(|known| !firing.contains(&known.labels));
    alerts.extend(firing.iter().map(|labels| alert(labels, at)));
    router.receive(alerts, at);
    router
}

fn alert(labels: &Labels, at: Timestamp) -> Alert {
    let (labels, annotations, generator_url) = (labels.clone(), Labels::empty(), String::new());
    let ends_at = at + Millis::from_minutes(5);
    Alert { labels, annotations, starts_at: at, ends_at, updated_at: at, generator_url, timeout: false }
}

/// The alerts that fired at a time, as the rules recorded it.
fn recorded(at: Timestamp, world: &World) -> Vec<Labels> {
    let Ok(expr) = parse("{__name__=~\"ALERTS|GRAFANA_ALERTS\", alertstate=\"firing\"}") else { return Vec::new() };
    let Ok(answer) = world.engine.instant_until(&expr, world.source, at, world.stop) else { return Vec::new() };
    let Value::Vector(rows) = answer.value else { return Vec::new() };
    let own = |labels: &Labels| {
        let mut own = labels.without_name().builder();
        own.remove("alertstate");
        if labels.has("grafana_rule_uid") {
            own.remove("grafana_alertstate").remove("grafana_rule_uid").set("__alert_rule_uid__", labels.get("grafana_rule_uid"));
        }
        with_missing(&own.labels(), world.external_labels)
    };
    rows.iter().take(OTHERS_MAX).map(|row| own(&row.labels)).collect()
}

fn receivers(routing: &[RouteView]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for route in routing {
        if !names.contains(&route.receiver) {
            names.push(route.receiver.clone());
        }
    }
    names
}

/// All routes have to be quiet for an alert to be muted.
fn muted(routing: &[RouteView]) -> Vec<String> {
    if routing.iter().any(|route| route.muted_by.is_empty()) {
        return Vec::new();
    }
    let mut names: Vec<String> = routing.iter().flat_map(|route| route.muted_by.iter().cloned()).collect();
    names.dedup();
    names
}

fn silenced_by(id: &str, world: &World) -> SilencedBy {
    match world.silences.iter().find(|known| known.silence.id == id) {
        Some(known) => SilencedBy {
            id: id.into(),
            comment: known.comment.clone(),
            created_by: known.created_by.clone(),
            ends_at: known.silence.ends_at.rfc3339(),
        },
        None => SilencedBy { id: id.into(), ..SilencedBy::default() },
    }
}

/// An alert that does not fire: where it would go.
fn preview(rule: &Rule, alerts: &[AlertView], router: &Router, question: &Question, world: &World, steps: &mut Vec<Step>) {
    let labels = match alerts.first() {
        Some(alert) => sent(&alert.labels, rule, world),
        None => {
            let own = rule.labels.iter().filter(|(_, text)| !text.contains("{{"));
            let own = own.map(|(name, value)| (name.as_str(), value.as_str())).chain([(ALERT_NAME, rule.name)]);
            sent(&Labels::from_pairs(own), rule, world)
        }
    };
    let by = if alerts.is_empty() { " by the rule's own labels" } else { "" };
    for route in router.routing(&labels, question.at) {
        let text = format!("would go to {} after {}{by}", route.receiver, format_duration(route.group_wait));
        steps.push(Step::new(StepKind::Route, route.route, StepState::Skipped, text));
    }
}

/// What keeps alerts quiet. Gives how many are heard.
fn mute_steps(told: &mut Told, firing: usize, question: &Question, steps: &mut Vec<Step>) -> usize {
    let looked = &told.instances[..firing.min(told.instances.len())];
    let inhibited = looked.iter().filter(|one| !one.inhibited_by.is_empty()).count();
    let silenced = looked.iter().filter(|one| one.inhibited_by.is_empty() && !one.silenced_by.is_empty()).count();
    let muted = looked.iter().filter(|one| one.inhibited_by.is_empty() && one.silenced_by.is_empty() && !one.muted_by.is_empty()).count();
    let mut left = firing;
    let mut reason = String::new();
    let details = [
        (StepKind::Inhibition, "inhibition", inhibited, "inhibited"),
        (StepKind::Silence, "silences", silenced, "silenced"),
        (StepKind::Mute, "mute times", muted, "muted"),
    ];
    for (kind, title, count, word) in details {
        let before = left;
        left = left.saturating_sub(count);
        let state = match (before, left) {
            (0, _) => StepState::Skipped,
            (_, 0) => StepState::Stopped,
            _ => StepState::Passed,
        };
        let by = looked.iter().find_map(|one| match kind {
            StepKind::Inhibition => one.inhibited_by.first().map(|source| format!("inhibited by {}", named(source))),
            StepKind::Silence => one.silenced_by.first().map(|by| silence_words(by, question.at)),
            _ => one.muted_by.first().map(|name| format!("muted by the time interval {name:?}")),
        });
        let text = match count {
            0 => format!("none is {word}"),
            count if count == before => by.clone().unwrap_or_else(|| format!("all are {word}")),
            count => format!("{count} of {before} {word}{}", by.as_ref().map(|by| format!(", the first {by}")).unwrap_or_default()),
        };
        if state == StepState::Stopped {
            reason = by.unwrap_or_else(|| word.to_string());
        }
        steps.push(Step::new(kind, title, state, text).count(left));
    }
    if left == 0 {
        told.verdict = format!(", but nobody is told: {reason}");
        told.delivered = Some(false);
    }
    left
}

fn named(labels: &super::LabelMap) -> String {
    let rest: Vec<String> =
        labels.iter().filter(|(name, _)| *name != ALERT_NAME).map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{}{{{}}}", labels.get(ALERT_NAME).map_or("an alert", String::as_str), cut(&rest.join(", "), 120))
}

fn silence_words(by: &SilencedBy, now: Timestamp) -> String {
    let until = Timestamp::parse_rfc3339(&by.ends_at).map(|at| format!(" until {}", clock(at, now))).unwrap_or_default();
    let who = if by.created_by.is_empty() { String::new() } else { format!(" of {}", by.created_by) };
    let why = if by.comment.is_empty() { String::new() } else { format!(" ({})", cut(&by.comment, 80)) };
    format!("silenced by {}{who}{until}{why}", cut(&by.id, 8))
}

fn route_steps(routing: &[RouteView], audible: usize, steps: &mut Vec<Step>) {
    let state = if audible == 0 { StepState::Skipped } else { StepState::Passed };
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for route in routing {
        if seen.contains(&(&route.route, &route.receiver)) {
            continue;
        }
        seen.push((&route.route, &route.receiver));
        let group = if route.group_labels.is_empty() { "one group of all".into() } else { format!("grouped as {}", route.group_labels) };
        let text = format!(
            "{group}, waits {} for others, told again every {}",
            format_duration(route.group_wait),
            format_duration(route.repeat_interval)
        );
        steps.push(Step::new(StepKind::Route, route.route.clone(), state, text));
        let (state, text) = match route.integrations.as_slice() {
            [] if audible > 0 => (StepState::Stopped, "has no integrations: nobody is told".to_string()),
            [] => (StepState::Skipped, "has no integrations: nobody is told".to_string()),
            all => (state, all.join(", ")),
        };
        steps.push(Step::new(StepKind::Receiver, route.receiver.clone(), state, text).count(route.integrations.len()));
    }
}

type Found = Result<Vec<Delivery>, String>;

fn deliveries(firing: &[Labels], at: Timestamp, world: &World, told: &mut Told) -> Found {
    let mut all: Vec<Delivery> = Vec::new();
    for (index, labels) in firing.iter().take(ALERTS_MAX).enumerate() {
        let mut found = (world.deliveries)(labels, at)?;
        found.truncate(DELIVERIES_MAX);
        for delivery in &found {
            if !all.contains(delivery) {
                all.push(delivery.clone());
            }
        }
        if let Some(instance) = told.instances.get_mut(index) {
            instance.deliveries = found;
        }
    }
    all.sort_by(|a, b| b.at.cmp(&a.at));
    all.truncate(DELIVERIES_MAX);
    Ok(all)
}

fn delivery_steps(
    found: &Found,
    audible: usize,
    alerts: &[AlertView],
    routing: &[RouteView],
    question: &Question,
    steps: &mut Vec<Step>,
    told: &mut Told,
) {
    let all = match found {
        Ok(all) => all,
        Err(why) => {
            let state = if audible == 0 { StepState::Skipped } else { StepState::Unknown };
            steps.push(Step::new(StepKind::Delivery, "delivery", state, why.clone()));
            return;
        }
    };
    let at = question.at;
    let time = |text: &str| Timestamp::parse_rfc3339(text).map_or_else(|| text.to_string(), |when| clock(when, at));
    // The last message to each integration says how it went.
    let mut last: Vec<&Delivery> = Vec::new();
    for delivery in all {
        if !last.iter().any(|known| (&known.receiver, &known.integration) == (&delivery.receiver, &delivery.integration)) {
            last.push(delivery);
        }
    }
    for delivery in &last {
        let state = match delivery.status.as_str() {
            "delivered" => StepState::Passed,
            "failed" => StepState::Stopped,
            _ => StepState::Unknown,
        };
        let answer = if delivery.answer.is_empty() { String::new() } else { format!(": {}", delivery.answer) };
        let text = format!("{} at {}{answer} ({})", delivery.status, time(&delivery.at), delivery.reason);
        let mut step = Step::new(StepKind::Delivery, format!("{}/{}", delivery.receiver, delivery.integration), state, text);
        let own = all.iter().filter(|other| (&other.receiver, &other.integration) == (&delivery.receiver, &delivery.integration));
        step.rows = own
            .map(|one| Row {
                value: Some(one.status.clone()),
                note: format!("{}: {}", one.reason, one.answer),
                at: Some(one.at.clone()),
                ..Row::default()
            })
            .collect();
        step.count = Some(step.rows.len());
        steps.push(step);
    }
    if audible == 0 {
        return;
    }
    let failed = last.iter().find(|one| one.status == "failed");
    let delivered = last.iter().find(|one| one.status == "delivered");
    let pending = last.iter().find(|one| one.status == "pending");
    let nobody = !routing.is_empty() && routing.iter().all(|route| route.integrations.is_empty());
    (told.delivered, told.verdict) = match (failed, delivered, pending) {
        (Some(one), ..) => (Some(false), format!(", but {}/{} did not take the message: {}", one.receiver, one.integration, one.answer)),
        (_, Some(one), _) => (Some(true), format!(" and was told to {} at {} ({})", one.receiver, time(&one.at), one.answer)),
        (_, _, Some(one)) => (
            None,
            format!(
                "; the message to {} is on its way ({} attempt{}{})",
                one.receiver,
                one.attempts,
                if one.attempts == 1 { "" } else { "s" },
                if one.answer.is_empty() { String::new() } else { format!(", last answer: {}", one.answer) }
            ),
        ),
        _ if nobody => (Some(false), format!(", but nobody is told: the receiver {} has no integrations", routing[0].receiver)),
        _ => {
            let wait = routing.iter().map(|route| route.group_wait).min().unwrap_or_default();
            let fired = alerts.iter().filter(|alert| alert.state == State::Firing).map(|alert| alert.active_at).max().unwrap_or(at);
            let text = format!("no message yet; its group waits {}", format_duration(wait));
            let state = if at - fired <= wait * 2 { StepState::Unknown } else { StepState::Stopped };
            let text = if state == StepState::Stopped { "no message of it is in the history".to_string() } else { text };
            steps.push(Step::new(StepKind::Delivery, "delivery", state, text.clone()));
            (None, format!(", but {text}"))
        }
    };
}
