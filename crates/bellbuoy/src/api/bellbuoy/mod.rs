//! `/api/bellbuoy`: what the pages of `ui/` ask beside Prometheus' and Alertmanager's APIs. docs/formats/pages-api.md is the contract.
//!
//! In:    requests. Out: JSON in Prometheus' envelope, times as RFC 3339, what is unknown with its reason.
//! Never: decides, waits for the disk under a lock of a stage, or shows a secret.

mod alert;
mod annotations;
mod checklist;
mod configuration;
mod dashboards;
mod episodes;
mod evaluations;
mod explain_query;
mod figure;
mod model_row;
mod overview;
pub mod registry;
mod tell;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use bellbuoy_models::Metric;
use bellbuoy_promql as promql;
use bellbuoy_vocabulary::{Labels, Millis, Timestamp};
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::{self, Stopwatch};

pub use self::dashboards::is_loopback;

/// Figures that one line has room for, the usual ones first.
const HEADLINE: [Metric; 6] = [Metric::R2, Metric::Rmse, Metric::Mae, Metric::BalancedAccuracy, Metric::RocAuc, Metric::F1];
/// A page asks several of these.
const OWN_QUERY_MAX: Millis = Millis::from_seconds(2);

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/overview", get(overview::overview))
        .route("/query_explain", get(explain_query::explain).post(explain_query::explain))
        .route("/configuration", get(configuration::show))
        .route("/exemplar_links", get(super::exemplars::links))
        .route("/evaluations", get(evaluations::list))
        .route("/alerts/{name}", get(alert::show))
        .route("/annotations", get(annotations::list))
        .route("/receivers", get(tell::receivers))
        .route("/notifications/{id}/retry", post(tell::retry))
        .route("/dashboards", get(dashboards::list))
        .route("/dashboards/{uid}", get(dashboards::show).put(dashboards::write))
}

/// A name of the address. Browsers take `..` for the folder above, so such a name comes with a `~` before it, and one that begins with a `~` with another.
fn named(part: &str) -> &str {
    match part.strip_prefix('~') {
        Some(rest) if rest.starts_with('~') || rest == "." || rest == ".." => rest,
        _ => part,
    }
}

/// `null` when there is none.
fn time(at: impl Into<Option<Timestamp>>) -> Value {
    json!(at.into().map(Timestamp::rfc3339))
}

/// How many predictions of a model come in, and how long its service takes.
pub fn traffic(app: &App, name: &str) -> Value {
    let latency = tokio::task::block_in_place(|| model_row::latency(app, name, clock::now()));
    json!({"rate": model_row::rate(app, name), "lastReceivedAt": time(app.pulse.received(name)), "latencyP95": latency})
}

/// A text as PromQL quotes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A query of our own at one time: labels and values.
fn instant(app: &App, query: &str, at: Timestamp) -> Result<Vec<(Labels, f64)>, String> {
    let expr = promql::parse(query).map_err(|error| error.to_string())?;
    let watch = Stopwatch::start();
    let answer = app
        .path
        .engine
        .instant_until(&expr, &*app.path.store, at, &|| watch.elapsed() > OWN_QUERY_MAX)
        .map_err(|error| error.to_string())?;
    Ok(match answer.value {
        promql::Value::Vector(elements) => elements
            .into_iter()
            .filter_map(|element| match element.value {
                promql::Number::Float(value) => Some((element.labels, value)),
                promql::Number::Histogram(_) => None,
            })
            .collect(),
        promql::Value::Scalar(sample) => vec![(Labels::empty(), sample.value)],
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fetches of `alerts/..` went to `/api/bellbuoy/`.
    #[test]
    fn a_name_that_no_address_can_have_comes_with_a_tilde() {
        for (part, name) in [
            ("up", "up"),
            ("~..", ".."),
            ("~.", "."),
            ("~~", "~"),
            ("~~..", "~.."),
            ("~home", "~home"),
            ("...", "..."),
            ("~", "~"),
            ("~~home", "~home"),
        ] {
            assert_eq!(named(part), name, "{part}");
        }
    }

    #[test]
    fn names_are_quoted_so_that_they_stay_names() {
        for name in ["plain", "a\"} or x{\"", "back\\slash", "two\nlines", "é"] {
            let expr = promql::parse(&format!("m{{model={}}}", quoted(name))).expect("a query");
            let selectors = expr.selectors();
            assert!(
                selectors.len() == 1 && selectors[0].matchers.iter().any(|matcher| matcher.name == "model" && matcher.matches(name)),
                "{name}"
            );
        }
    }
}
