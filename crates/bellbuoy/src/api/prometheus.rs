//! Prometheus' HTTP API under `/api/v1`, for promtool, Grafana and everything else that speaks it.
//!
//! In:    queries. Out: what store, promql, rules and scrape know, in Prometheus' JSON and status codes.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::routing::get;
use bellbuoy_promql as promql;
use bellbuoy_rules::{AlertView, RuleKind, RuleView};
use bellbuoy_vocabulary::{Labels, Matcher, Millis, Timestamp, format_float};
use serde_json::{Map, Value, json};

use super::answer::{Answer, ApiError, ErrorType, raw, success, success_list};
use super::exemplars::query_exemplars;
use super::params::{Params, invalid};
use super::{parse, status, targets, values};
use crate::app::App;
use crate::clock::{self, Stopwatch};
use crate::forwarder::Forwarder;
use crate::wire::labels_json;

/// Prometheus' bound on the points of one series in a range query.
const POINTS_MAX: i64 = 11_000;
pub const QUERY_TIMEOUT: Millis = Millis::from_minutes(2);
/// The version of Prometheus whose API this is; Grafana decides by it which endpoints to use.
pub const PROMETHEUS_VERSION: &str = "3.5.0";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/query", get(query).post(query))
        .route("/query_range", get(query_range).post(query_range))
        .route("/query_exemplars", get(query_exemplars).post(query_exemplars))
        .route("/format_query", get(parse::format_query).post(parse::format_query))
        .route("/parse_query", get(parse::parse_query).post(parse::parse_query))
        .route("/series", get(series).post(series))
        .route("/labels", get(labels).post(labels))
        .route("/label/{name}/values", get(label_values))
        .route("/targets", get(targets::targets))
        .route("/targets/relabel_steps", get(targets::relabel_steps))
        .route("/scrape_pools", get(targets::scrape_pools))
        .route("/rules", get(rules))
        .route("/alerts", get(alerts))
        .route("/metadata", get(metadata))
        .route("/alertmanagers", get(alertmanagers))
        .merge(status::routes())
        .fallback(not_found)
}

/// Plain, as Prometheus says it: Grafana tells by it that rules can not be edited here.
async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}

async fn query(State(app): State<Arc<App>>, params: Params) -> Answer {
    let at = params.time("time")?.unwrap_or_else(clock::now);
    let limit = params.count("limit")?;
    let (expr, engine, timeout) = prepared(&app, &params)?;
    let answer = timed(&app, timeout, |stop| engine.instant_until(&expr, &*app.path.store, at, stop))?;
    Ok(raw(values::query_answer(&answer, limit)))
}

async fn query_range(State(app): State<Arc<App>>, params: Params) -> Answer {
    let from = params.time("start")?.ok_or_else(|| invalid("start", "cannot parse \"\" to a valid timestamp"))?;
    let to = params.time("end")?.ok_or_else(|| invalid("end", "cannot parse \"\" to a valid timestamp"))?;
    if to < from {
        return Err(invalid("end", "end timestamp must not be before start time"));
    }
    let step = params.length("step")?.ok_or_else(|| invalid("step", "cannot parse \"\" to a valid duration"))?;
    if step <= Millis::ZERO {
        return Err(invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer"));
    }
    if (to - from).0 / step.0 > POINTS_MAX {
        return Err(ApiError::new(
            ErrorType::BadData,
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let limit = params.count("limit")?;
    let (expr, engine, timeout) = prepared(&app, &params)?;
    let answer = timed(&app, timeout, |stop| engine.range_until(&expr, &*app.path.store, from, to, step, stop))?;
    Ok(raw(values::query_answer(&answer, limit)))
}

fn prepared(app: &App, params: &Params) -> Result<(promql::Expr, promql::Engine, Millis), ApiError> {
    let text = params.get("query").unwrap_or("");
    let expr = promql::parse(text).map_err(|error| invalid("query", &error.to_string()))?;
    let mut options = app.path.engine.options.clone();
    if let Some(lookback) = params.length("lookback_delta")? {
        options.lookback = lookback;
    }
    let timeout = params.length("timeout")?.map_or(QUERY_TIMEOUT, |wish| wish.min(QUERY_TIMEOUT));
    Ok((expr, promql::Engine::new(options), timeout))
}

/// Runs an evaluation away from the event loop, bounded in time.
fn timed(
    app: &App,
    timeout: Millis,
    evaluate: impl FnOnce(&dyn Fn() -> bool) -> Result<promql::Answer, promql::EvalError>,
) -> Result<promql::Answer, ApiError> {
    let watch = Stopwatch::start();
    let stop = || watch.elapsed() > timeout;
    let answer = tokio::task::block_in_place(|| evaluate(&stop));
    app.path.telemetry.query_seconds.add(watch.seconds());
    Ok(answer?)
}

async fn series(State(app): State<Arc<App>>, params: Params) -> Answer {
    let selectors = params.selectors()?;
    if selectors.is_empty() {
        return Err(ApiError::new(ErrorType::BadData, "no match[] parameter provided"));
    }
    let (from, to) = params.range()?;
    let mut found: BTreeSet<Labels> = BTreeSet::new();
    for selector in &selectors {
        found.extend(app.path.store.series(from, to, selector));
    }
    success_list(found.iter().map(labels_json).collect(), params.count("limit")?)
}

async fn labels(State(app): State<Arc<App>>, params: Params) -> Answer {
    let (from, to) = params.range()?;
    let names = union(&params.selectors()?, |selector| app.path.store.label_names(from, to, selector));
    success_list(names.into_iter().map(Value::from).collect(), params.count("limit")?)
}

async fn label_values(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, params: Params) -> Answer {
    let name = unescaped(&name);
    if name.is_empty() {
        return Err(ApiError::new(ErrorType::BadData, format!("invalid label name: {name:?}")));
    }
    let (from, to) = params.range()?;
    let values = union(&params.selectors()?, |selector| app.path.store.label_values(&name, from, to, selector));
    success_list(values.into_iter().map(Value::from).collect(), params.count("limit")?)
}

/// Grafana and promtool write names that are no classic label names as `U__`, with `_xx_` for a character's code.
fn unescaped(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else { return name.to_string() };
    let mut out = String::new();
    let mut parts = escaped.split('_');
    out.push_str(parts.next().unwrap_or(""));
    while let Some(code) = parts.next() {
        match (code, u32::from_str_radix(code, 16).ok().and_then(char::from_u32)) {
            ("", _) => out.push('_'),
            (_, Some(c)) => out.push(c),
            (_, None) => return name.to_string(),
        }
        out.push_str(parts.next().unwrap_or(""));
    }
    out
}

fn union(selectors: &[Vec<Matcher>], list: impl Fn(&[Matcher]) -> Vec<String>) -> Vec<String> {
    match selectors {
        [] => list(&[]),
        [one] => list(one),
        many => many.iter().flat_map(|selector| list(selector)).collect::<BTreeSet<_>>().into_iter().collect(),
    }
}

async fn rules(State(app): State<Arc<App>>, params: Params) -> Answer {
    let kind = params.get("type").unwrap_or("");
    if !matches!(kind, "" | "alert" | "record") {
        return Err(invalid("type", &format!("not supported value {kind:?}")));
    }
    let wanted = |name: &str, value: &str| {
        let mut asked = params.all(name).peekable();
        asked.peek().is_none() || asked.any(|one| one == value)
    };
    let with_alerts = params.get("exclude_alerts") != Some("true");
    let mut groups = Vec::new();
    for group in app.path.rules_view() {
        if !wanted("rule_group[]", &group.name) || !wanted("file[]", &group.file) {
            continue;
        }
        let rules: Vec<Value> = group
            .rules
            .iter()
            .filter(|rule| wanted("rule_name[]", &rule.name))
            .filter(|rule| match rule.kind {
                RuleKind::Alerting => kind != "record",
                RuleKind::Recording => kind != "alert",
            })
            .map(|rule| rule_json(rule, with_alerts))
            .collect();
        if rules.is_empty() {
            continue;
        }
        groups.push(json!({
            "name": group.name, "file": group.file, "rules": rules,
            "interval": group.interval.seconds(), "limit": group.limit,
            "evaluationTime": group.evaluation_seconds, "lastEvaluation": time_json(group.last_evaluation),
        }));
    }
    success(json!({"groups": groups}))
}

fn rule_json(rule: &RuleView, with_alerts: bool) -> Value {
    let mut out = json!({
        "name": rule.name, "query": rule.query,
        "health": rule.health.word(), "evaluationTime": rule.evaluation_seconds, "lastEvaluation": time_json(rule.last_evaluation),
        "labels": rule.labels.iter().map(|(n, v)| (n.clone(), Value::from(v.as_str()))).collect::<Map<_, _>>(),
    });
    if let Some(error) = &rule.last_error {
        out["lastError"] = json!(error);
    }
    match rule.kind {
        RuleKind::Recording => out["type"] = json!("recording"),
        RuleKind::Alerting => {
            out["type"] = json!("alerting");
            out["state"] = json!(rule.state.word());
            out["duration"] = json!(rule.hold.seconds());
            out["keepFiringFor"] = json!(rule.keep_firing_for.seconds());
            out["annotations"] = rule.annotations.iter().map(|(n, v)| (n.clone(), Value::from(v.as_str()))).collect::<Map<_, _>>().into();
            out["alerts"] = if with_alerts { rule.alerts.iter().map(alert_json).collect() } else { json!([]) };
        }
    }
    out
}

pub fn alert_json(alert: &AlertView) -> Value {
    let mut out = json!({
        "labels": labels_json(&alert.labels), "annotations": labels_json(&alert.annotations),
        "state": alert.state.word(), "activeAt": time_json(alert.active_at),
        "value": scientific(alert.value),
    });
    if let Some(since) = alert.keep_firing_since {
        out["keepFiringSince"] = time_json(since);
    }
    out
}

/// Go's `strconv.FormatFloat(v, 'e', -1, 64)`: `1e+00`, `2.5e-01`.
fn scientific(value: f64) -> String {
    if !value.is_finite() {
        return format_float(value);
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(digits) => format!("{mantissa}e-{digits:0>2}"),
            None => format!("{mantissa}e+{exponent:0>2}"),
        },
        None => text,
    }
}

async fn alerts(State(app): State<Arc<App>>) -> Answer {
    let alerts: Vec<Value> =
        app.path.rules_view().iter().flat_map(|group| &group.rules).flat_map(|rule| &rule.alerts).map(alert_json).collect();
    success(json!({"alerts": alerts}))
}

async fn metadata(State(app): State<Arc<App>>, params: Params) -> Answer {
    let limit = params.get("limit").map(|_| params.count("limit")).transpose()?.unwrap_or(usize::MAX);
    let only = params.get("metric");
    let mut out = Map::new();
    for (name, metadata) in app.path.store.metadata() {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        if out.len() >= limit {
            break;
        }
        out.insert(name, json!([{"type": metadata.kind.word(), "help": metadata.help, "unit": metadata.unit}]));
    }
    success(Value::Object(out))
}

async fn alertmanagers(State(app): State<Arc<App>>) -> Answer {
    let settings = app.path.settings();
    let urls = match settings.router {
        Some(_) => vec![format!("{}/api/v2/alerts", app.external_url())],
        None => Forwarder::urls(&settings.alerting),
    };
    let active: Vec<Value> = urls.into_iter().map(|url| json!({"url": url})).collect();
    success(json!({"activeAlertmanagers": active, "droppedAlertmanagers": []}))
}

/// Go's zero time stands for "never".
pub fn time_json(at: impl Into<Option<Timestamp>>) -> Value {
    at.into().map_or_else(|| json!("0001-01-01T00:00:00Z"), |at| json!(at.rfc3339()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alert_values_are_printed_as_go_does() {
        for (value, text) in [(1.0, "1e+00"), (0.25, "2.5e-01"), (12345.0, "1.2345e+04"), (f64::INFINITY, "+Inf"), (0.0, "0e+00")] {
            assert_eq!(scientific(value), text);
        }
    }

    #[test]
    fn escaped_label_names_are_read() {
        assert_eq!(unescaped("job"), "job");
        assert_eq!(unescaped("U__my_2e_label"), "my.label");
        assert_eq!(unescaped("U__a__b"), "a_b");
    }
}
