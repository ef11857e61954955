//! `/api/bellbuoy/alerts/NAME`: the rules of a name, when their alerts were pending and fired, and who was told with which answer.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path as UrlPath, State};
use bellbuoy_rules::{GroupView, RuleKind, RuleView};
use bellbuoy_vocabulary::{ALERT_NAME, Millis, Timestamp};
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, success};
use super::super::notifications;
use super::super::params::{Params, invalid};
use super::super::prometheus::alert_json;
use super::episodes::{Episode, episodes};
use super::{evaluations, named, time};
use crate::app::App;
use crate::clock;
use crate::state::HistoryQuery;
use crate::wire::labels_json;

const EPISODES_DEFAULT: usize = 100;
const EPISODES_MAX: usize = 1_000;
const NOTIFICATIONS_MAX: usize = 200;
const SPAN_DEFAULT: Millis = Millis::from_minutes(7 * 24 * 60);

pub async fn show(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, params: Params) -> Answer {
    let to = params.time("end")?.unwrap_or_else(clock::now);
    let from = params.time("start")?.unwrap_or(to - SPAN_DEFAULT);
    if to < from {
        return Err(invalid("end", "end timestamp must not be before start time"));
    }
    let limit = match params.count("limit")? {
        0 => EPISODES_DEFAULT,
        limit => limit.min(EPISODES_MAX),
    };
    success(tokio::task::block_in_place(|| build(&app, named(&name), &params, (from, to), limit))?)
}

fn build(
    app: &App,
    name: &str,
    params: &Params,
    (from, to): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Value, super::super::answer::ApiError> {
    let wanted = |key: &str, value: &str| params.get(key).is_none_or(|asked| asked == value);
    let groups = app.path.rules_view();
    let mut rules = Vec::new();
    for group in groups.iter().filter(|group| wanted("group", &group.name) && wanted("file", &group.file)) {
        let of_name = group.rules.iter().enumerate().filter(|(_, rule)| rule.kind == RuleKind::Alerting && rule.name == name);
        rules.extend(of_name.map(|(index, rule)| rule_json(app, group, index, rule)));
    }
    let interval = intervals(&groups);
    let (mut found, mut truncated) = episodes(&*app.path.store, Some(name), from, to, &interval)?;
    truncated |= found.len() > limit;
    found.truncate(limit);
    let query = HistoryQuery { alertname: Some(name.to_string()), since: Some(from), limit: NOTIFICATIONS_MAX, ..HistoryQuery::default() };
    let (rows, _) = app.path.state.history(&query)?;
    let told: Vec<Value> = rows.iter().map(|row| notifications::shown(app, row)).collect();
    let episodes: Vec<Value> = found.iter().map(|one| episode_json(one, &told, interval(name), to)).collect();
    let because = match (rules.is_empty(), episodes.is_empty(), told.is_empty()) {
        (true, _, true) => Some(format!("no rule here has the name {name:?}, and nobody was told of such an alert")),
        (true, _, false) => {
            Some("it is no rule of this server: somebody posted it, or told it as an event; only its notifications are known".to_string())
        }
        (false, true, _) => Some("it was neither pending nor firing in this time".to_string()),
        _ => None,
    };
    Ok(json!({
        "name": name, "from": from.rfc3339(), "to": to.rfc3339(), "rules": rules, "episodes": episodes, "episodesTruncated": truncated,
        "notifications": told, "because": because,
    }))
}

/// How often the rules of a name are evaluated; of several the longest.
pub fn intervals(groups: &[GroupView]) -> impl Fn(&str) -> Millis + use<> {
    let mut known: HashMap<String, Millis> = HashMap::new();
    for (group, rule) in groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule))) {
        let interval = known.entry(rule.name.clone()).or_insert(group.interval);
        *interval = (*interval).max(group.interval);
    }
    move |name| known.get(name).copied().unwrap_or(Millis::from_minutes(1))
}

fn rule_json(app: &App, group: &GroupView, index: usize, rule: &RuleView) -> Value {
    let strips = app.path.evaluations.strips(|strip| strip.index == index && strip.file == group.file && strip.group == group.name);
    let texts =
        |pairs: &[(String, String)]| pairs.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect::<Map<_, _>>();
    let runbook = rule.annotations.iter().find(|(name, _)| name == "runbook_url" || name == "runbook").map(|(_, url)| url);
    let groups = app.path.settings();
    let grafana = groups.groups.iter().any(|one| {
        one.file == group.file && one.name == group.name && matches!(one.rules.get(index), Some(bellbuoy_rules::RuleSettings::Grafana(_)))
    });
    json!({
        "group": group.name, "file": group.file, "line": rule.span.line, "source": if grafana { "grafana" } else { "prometheus" },
        "query": rule.query, "forSeconds": rule.hold.seconds(), "keepFiringForSeconds": rule.keep_firing_for.seconds(),
        "intervalSeconds": group.interval.seconds(), "labels": texts(&rule.labels), "annotations": texts(&rule.annotations), "runbookUrl": runbook,
        "state": rule.state.word(), "health": rule.health.word(), "lastError": rule.last_error, "lastEvaluation": time(rule.last_evaluation),
        "evaluationSeconds": rule.evaluation_seconds, "alerts": rule.alerts.iter().map(alert_json).collect::<Vec<_>>(),
        "evaluations": strips.first().map(evaluations::evaluations_json).unwrap_or_default(),
    })
}

fn episode_json(one: &Episode, told: &[Value], interval: Millis, to: Timestamp) -> Value {
    let end = one.ended_at.unwrap_or(to);
    let pending = one.pending_at.map_or(0.0, |at| (one.fired_at.unwrap_or(end) - at).seconds());
    let about: Vec<&Value> =
        told.iter().filter(|message| one.fired_at.is_some_and(|fired| is_about(message, one, fired, interval))).collect();
    let mut receivers: Vec<&str> = about.iter().filter_map(|message| message["receiver"].as_str()).collect();
    receivers.sort_unstable();
    receivers.dedup();
    json!({
        "labels": labels_json(&one.labels), "fingerprint": format!("{:016x}", one.labels.fingerprint()), "state": one.state(),
        "pendingAt": time(one.pending_at), "firedAt": time(one.fired_at), "endedAt": time(one.ended_at), "pendingSeconds": pending,
        "firingSeconds": one.fired_at.map(|at| (end - at).seconds()),
        "receivers": receivers, "notifications": about.iter().map(|message| message["id"].clone()).collect::<Vec<_>>(),
    })
}

/// Whether one of the message's alerts is this one: it has all of its labels (external ones were added) and began to fire then.
fn is_about(message: &Value, one: &Episode, fired: Timestamp, interval: Millis) -> bool {
    let alerts = message["alerts"].as_array().into_iter().flatten();
    alerts.into_iter().any(|alert| {
        let began = alert["startsAt"].as_str().and_then(Timestamp::parse_rfc3339);
        // Before `from` its beginning is not seen; a restart may move it by an evaluation.
        let same_time = began.is_some_and(|began| began - fired <= interval * 2 && fired - began <= interval * 2)
            || (one.pending_at.is_none() && began.is_some_and(|began| began <= fired));
        same_time && one.labels.iter().all(|(name, value)| name == ALERT_NAME || alert["labels"][name] == value)
    })
}
