//! One line about a model: how fast it predicts, whether its data drift, how it does against its challengers, what was decided.

use bellbuoy_models::{Judgement, WindowJudgement};
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use super::overview::RATE_EARLY;
use super::{figure, quoted, time};
use crate::app::App;

/// Histograms of latency that services write, the best known first. `{}`: matchers.
const LATENCIES: [&str; 3] = ["prediction_latency_seconds", "bike_prediction_latency_seconds", "model_prediction_latency_seconds"];
const LATENCY_RANGE: &str = "5m";

pub fn row(app: &App, name: &str, now: Timestamp) -> Value {
    let outline = app.models.outline(name).unwrap_or_default();
    let last = app.models.last(name).ok().flatten();
    let first = last.as_ref().and_then(Judgement::first);
    let registry = super::registry::registry(app, name);
    let version = |alias: &str| registry[alias]["version"].as_u64().map(|version| version.to_string());
    let newest = first.and_then(|first| first.to);
    let mut out = json!({
        "name": name, "kind": outline["kind"], "judgedAt": outline["judgedAt"], "window": first.map(|first| &first.window),
        "rate": rate(app, name), "latencyP95": latency(app, name, now),
        "drift": drift(first, app.models.drift_share(name)),
        "performance": first.map_or_else(not_judged, performance),
        "newestRowAt": time(newest), "dataAge": age(app, name, newest, now),
        "decision": last.as_ref().map_or_else(not_judged, |last| last.decision.json(last.decision.outcome.word())),
    });
    let figure_of = |judged: &WindowJudgement| performance(judged);
    let champion = first.map(|first| json!({"role": first.role, "version": version("champion"), "figure": figure_of(first)}));
    out["champion"] = champion.unwrap_or_else(|| json!({"role": "champion", "version": version("champion"), "figure": not_judged()}));
    let others = last
        .iter()
        .flat_map(|last| &last.windows)
        .filter(|judged| first.is_some_and(|first| judged.window == first.window && judged.role != first.role));
    let challengers: Vec<Value> =
        others.map(|judged| json!({"role": judged.role, "version": version(&judged.role), "figure": figure_of(judged)})).collect();
    out["challengers"] = json!(challengers);
    out["lastChallenger"] = outline["lastChallenger"].clone();
    out
}

/// Predictions a second that were logged here.
pub fn rate(app: &App, name: &str) -> Value {
    figure::or_unknown(app.pulse.predictions(name), "just_started", RATE_EARLY)
}

/// The 95th percentile of a histogram of the service: one with the model's name as label, or the only one when there is but one model.
pub fn latency(app: &App, name: &str, now: Timestamp) -> Value {
    let alone = app.models.names().len() == 1;
    let named = format!("{{model={}}}", quoted(name));
    for metric in LATENCIES {
        for matchers in [named.as_str(), ""].into_iter().filter(|matchers| alone || !matchers.is_empty()) {
            let query = format!("histogram_quantile(0.95, sum by (le) (rate({metric}_bucket{matchers}[{LATENCY_RANGE}])))");
            let found = super::instant(app, &query, now).unwrap_or_default();
            if let Some((_, value)) = found.first().filter(|(_, value)| value.is_finite()) {
                return json!({"value": value, "metric": metric});
            }
        }
    }
    let because = format!("no histogram {} with observations in the last {LATENCY_RANGE}", LATENCIES[0]);
    figure::unknown("no_histogram", because)
}

fn age(app: &App, name: &str, newest: Option<Timestamp>, now: Timestamp) -> Value {
    match app.pulse.received(name).or(newest) {
        Some(at) => figure::known((now - at).seconds().max(0.0)),
        None => figure::unknown("no_rows", "no prediction has come yet"),
    }
}

fn not_judged() -> Value {
    figure::unknown("not_judged", "it was not judged yet")
}

fn drift(first: Option<&WindowJudgement>, threshold: Option<f64>) -> Value {
    match first.map(|first| &first.drift) {
        None => not_judged(),
        Some(Err(reason)) => figure::unknown(reason.word(), reason.to_string()),
        Some(Ok(drift)) => json!({
            "detected": drift.detected, "share": drift.share, "driftedFeatures": drift.drifted_features, "judgedFeatures": drift.judged_features,
            "threshold": threshold,
        }),
    }
}

/// The first figure that is known, in the order of the model's kind; else why the first is not.
pub fn performance(judged: &WindowJudgement) -> Value {
    let figures = &judged.evaluation.figures;
    let usual = super::HEADLINE.iter().filter_map(|metric| judged.evaluation.figure(*metric)).find(|figure| figure.value.is_ok());
    match usual.or(figures.first()) {
        Some(figure) => {
            let mut out = figure.json();
            for bound in ["low", "high"] {
                if out.get(bound).is_none() {
                    out[bound] = Value::Null;
                }
            }
            out
        }
        None => figure::unknown("no_figures", "no figure is computed for this model"),
    }
}
