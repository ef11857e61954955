//! `/api/bellbuoy/annotations`: what happened in a range of time, for the lines and bands of charts.

use std::sync::Arc;

use axum::extract::State;
use bellbuoy_vocabulary::{ALERT_NAME, Labels, Matcher, Millis, Timestamp};
use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError, success};
use super::super::params::{Params, invalid};
use super::alert::intervals;
use super::episodes::episodes;
use super::time;
use crate::app::App;
use crate::clock;
use crate::wire::{labels_json, labels_of};

const LIMIT_MAX: usize = 1_000;
const SPAN_DEFAULT: Millis = Millis::from_minutes(6 * 60);
const KINDS: [&str; 3] = ["alerts", "deployments", "events"];

pub async fn list(State(app): State<Arc<App>>, params: Params) -> Answer {
    let to = params.time("end")?.unwrap_or_else(clock::now);
    let from = params.time("start")?.unwrap_or(to - SPAN_DEFAULT);
    if to < from {
        return Err(invalid("end", "end timestamp must not be before start time"));
    }
    if let Some(kind) = params.all("kind").find(|kind| !KINDS.contains(kind)) {
        return Err(invalid("kind", &format!("{kind:?} is none of alerts, deployments, events")));
    }
    let asked = |kind: &str| params.get("kind").is_none() || params.all("kind").any(|one| one == kind);
    let selectors = params.selectors()?;
    let limit = match params.count("limit")? {
        0 => LIMIT_MAX,
        limit => limit.min(LIMIT_MAX),
    };
    let found = tokio::task::block_in_place(|| -> Result<_, ApiError> {
        let mut found = Vec::new();
        if asked("alerts") {
            found.extend(alerts(&app, from, to, &selectors)?);
        }
        if asked("deployments") || asked("events") {
            found.extend(told(&app, from, to, &selectors, &asked)?);
        }
        Ok(found)
    })?;
    let mut found: Vec<(Timestamp, Value)> = found;
    found.sort_by_key(|(at, _)| *at);
    let truncated = found.len() > limit;
    let newest = found.split_off(found.len().saturating_sub(limit));
    success(json!({"annotations": newest.into_iter().map(|(_, one)| one).collect::<Vec<_>>(), "truncated": truncated}))
}

fn takes(selectors: &[Vec<Matcher>], labels: &Labels) -> bool {
    selectors.is_empty() || selectors.iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name))))
}

fn alerts(app: &App, from: Timestamp, to: Timestamp, selectors: &[Vec<Matcher>]) -> Result<Vec<(Timestamp, Value)>, ApiError> {
    let (episodes, _) = episodes(&*app.path.store, None, from, to, &intervals(&app.path.rules_view()))?;
    let fired = episodes.iter().filter(|one| takes(selectors, &one.labels)).filter_map(|one| Some((one.fired_at?, one)));
    let shown = fired.map(|(at, one)| {
        let name = one.labels.get(ALERT_NAME);
        let others: Vec<String> =
            one.labels.iter().filter(|(label, _)| *label != ALERT_NAME).map(|(label, value)| format!("{label}={value}")).collect();
        let severity = Some(one.labels.get("severity")).filter(|text| !text.is_empty());
        let tags: Vec<&str> = ["alert"].into_iter().chain(severity).collect();
        let shown = json!({
            "kind": "alert", "start": at.rfc3339(), "end": time(one.ended_at), "title": name, "text": others.join(", "),
            "tags": tags, "labels": labels_json(&one.labels), "state": "firing", "link": null,
        });
        (at, shown)
    });
    Ok(shown.collect())
}

fn told(
    app: &App,
    from: Timestamp,
    to: Timestamp,
    selectors: &[Vec<Matcher>],
    asked: &dyn Fn(&str) -> bool,
) -> Result<Vec<(Timestamp, Value)>, ApiError> {
    let at = |body: &Value| body["at"].as_str().and_then(Timestamp::parse_rfc3339).unwrap_or(Timestamp(0));
    let wanted = |body: &Value| {
        let kind = if is_deployment(body) { "deployments" } else { "events" };
        let labels = || labels_of(&body["labels"]).unwrap_or_else(Labels::empty);
        asked(kind) && (from..=to).contains(&at(body)) && (selectors.is_empty() || takes(selectors, &labels()))
    };
    let found = app.path.state.events(LIMIT_MAX + 1, None, wanted)?;
    Ok(found.iter().map(|body| (at(body), event_json(body))).collect())
}

/// What put another model in place.
fn is_deployment(body: &Value) -> bool {
    let kind = body["kind"].as_str().unwrap_or("");
    kind.contains("deploy") || body["outcome"] == "deploy"
}

fn event_json(body: &Value) -> Value {
    let text = |name: &str| body[name].as_str().unwrap_or("");
    let kind = if is_deployment(body) { "deployment" } else { "event" };
    let tags: Vec<&str> = [kind, text("kind"), text("severity")].into_iter().filter(|tag| !tag.is_empty()).collect();
    let words: Vec<&str> = [text("summary"), text("description")].into_iter().filter(|words| !words.is_empty()).collect();
    json!({
        "kind": kind, "start": body["at"], "end": null, "title": text("title"), "text": words.join(" "),
        "tags": tags,
        "labels": body["labels"], "state": null, "link": Some(text("link")).filter(|link| !link.is_empty()),
    })
}
