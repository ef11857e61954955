//! `/api/v1/status/...`: what runs, since when, with which files and flags, and what the series are made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, success};
use super::params::{Params, invalid};
use super::prometheus::{PROMETHEUS_VERSION, time_json};
use crate::app::App;
use crate::clock;

const LIST_DEFAULT: usize = 10;
/// Prometheus refuses more too.
const LIST_MAX: usize = 10_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/status/buildinfo", get(buildinfo))
        .route("/status/runtimeinfo", get(runtimeinfo))
        .route("/status/config", get(config))
        .route("/status/flags", get(flags))
        .route("/status/tsdb", get(tsdb))
        .route("/status/walreplay", get(walreplay))
}

/// Without `features`: Grafana takes a server that has some for Mimir.
async fn buildinfo() -> Answer {
    success(json!({
        "version": PROMETHEUS_VERSION, "revision": concat!("bellbuoy ", env!("CARGO_PKG_VERSION")), "branch": "HEAD", "buildUser": "", "buildDate": "", "goVersion": "",
    }))
}

async fn runtimeinfo(State(app): State<Arc<App>>) -> Answer {
    let stats = app.path.store.stats();
    let reload = app.reload_status();
    success(json!({
        "startTime": time_json(app.started_at), "CWD": std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default(),
        "hostname": "", "serverTime": time_json(clock::now()),
        "reloadConfigSuccess": reload.good, "lastConfigTime": time_json(reload.last_good),
        "corruptionCount": stats.wal_corruptions, "goroutineCount": 0, "GOMAXPROCS": std::thread::available_parallelism().map_or(1, |n| n.get()),
        "GOMEMLIMIT": 0, "GOGC": "", "GODEBUG": "", "storageRetention": app.retention().to_string(),
    }))
}

async fn config(State(app): State<Arc<App>>) -> Answer {
    success(json!({"yaml": app.path.settings().prometheus_text}))
}

/// Prometheus' names where there is one; all values are texts.
async fn flags(State(app): State<Arc<App>>) -> Answer {
    let (options, engine) = (&app.options, &app.path.engine.options);
    let settings = app.path.settings();
    let text = |value: &dyn ToString| value.to_string();
    let flags: BTreeMap<&str, String> = BTreeMap::from([
        ("config.file", options.config.display().to_string()),
        ("web.listen-address", options.listen.clone()),
        ("web.external-url", app.external_url().to_string()),
        ("web.route-prefix", format!("{}/", app.route_prefix())),
        ("web.enable-lifecycle", text(&true)),
        ("web.enable-admin-api", text(&false)),
        ("web.enable-remote-write-receiver", text(&true)),
        ("web.dashboard-edit", format!("{:?}", options.dashboard_edit).to_lowercase()),
        ("web.alertmanager-listen", options.alertmanager_listen.clone().unwrap_or_default()),
        ("config.watch", text(&options.watch)),
        ("storage.tsdb.path", options.data.display().to_string()),
        ("storage.tsdb.retention.time", app.retention().to_string()),
        ("storage.tsdb.retention.size", format!("{}B", settings.storage.retention_size_bytes)),
        ("query.lookback-delta", engine.lookback.to_string()),
        ("query.max-samples", text(&engine.samples_max)),
        ("query.timeout", super::prometheus::QUERY_TIMEOUT.to_string()),
        ("enable-feature", String::new()),
    ]);
    success(json!(flags))
}

async fn tsdb(State(app): State<Arc<App>>, params: Params) -> Answer {
    let limit = match params.get("limit") {
        None => LIST_DEFAULT,
        Some(text) => match text.parse() {
            Ok(limit) if (1..=LIST_MAX).contains(&limit) => limit,
            Ok(0) => return Err(invalid("limit", "limit must be a positive number")),
            Ok(_) => return Err(invalid("limit", "limit must not exceed 10000")),
            Err(_) => return Err(invalid("limit", "limit must be a positive number")),
        },
    };
    let stats = app.path.store.stats();
    let found = tokio::task::block_in_place(|| app.path.store.cardinality(limit));
    let list = |list: &[(String, u64)]| list.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<Value>>();
    success(json!({
        "headStats": {
            "numSeries": stats.series, "numLabelPairs": found.label_pairs, "chunkCount": stats.chunks,
            // Those of an empty store, as Prometheus has them.
            "minTime": stats.min_time.filter(|_| stats.series > 0).map_or(i64::MAX, |t| t.0), "maxTime": stats.max_time.map_or(i64::MIN, |t| t.0),
        },
        "seriesCountByMetricName": list(&found.series_by_metric), "labelValueCountByLabelName": list(&found.values_by_label),
        "memoryInBytesByLabelName": list(&found.bytes_by_label), "seriesCountByLabelValuePair": list(&found.series_by_pair),
    }))
}

/// The log is replayed before the port answers, so it is always done.
async fn walreplay(State(app): State<Arc<App>>) -> Answer {
    let segment = app.path.store.stats().wal_segment;
    success(json!({"min": segment, "max": segment, "current": segment}))
}
