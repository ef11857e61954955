//! sources: this machine as a page that others scrape: `bellbuoy node-exporter`, and `up` where `host:` says `listen`.
//!
//! In:    what `machine` reads at each scrape. Out: `/metrics` under node_exporter's names, `/health`.

use std::sync::{Arc, Mutex};

use anyhow::Context;
use axum::Router;
use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bellbuoy_sources::host::{Collector, Host, HostOptions};
use bellbuoy_sources::{Family, text};
use bellbuoy_vocabulary::MetricType;

use crate::machine::{Machine, Places};

struct Exporter {
    machine: Machine,
    /// One scrape after the other: the counters of CPUs are held between them.
    host: Mutex<Host>,
}

pub fn routes(options: HostOptions, places: Places) -> Router {
    let exporter = Arc::new(Exporter { machine: Machine::new(places), host: Mutex::new(Host::new(options)) });
    Router::new().route("/metrics", get(metrics)).route("/health", get(health)).with_state(exporter)
}

pub fn collector(name: &str) -> anyhow::Result<Collector> {
    Collector::of(name).with_context(|| format!("unknown collector {name:?}; one of {}", Collector::ALL.map(Collector::name).join(", ")))
}

/// `?collect[]=cpu&collect[]=meminfo`, or `?exclude[]=netstat`, as node_exporter knows them.
async fn metrics(Shared(exporter): Shared<Arc<Exporter>>, RawQuery(query): RawQuery) -> Response {
    let (mut only, mut without) = (Vec::new(), Vec::new());
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let list = match &*key {
            "collect[]" => &mut only,
            "exclude[]" => &mut without,
            _ => continue,
        };
        match collector(&value) {
            Ok(collector) => list.push(collector),
            Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        }
    }
    if !only.is_empty() && !without.is_empty() {
        return (StatusCode::BAD_REQUEST, "collect[] and exclude[] can not be used together\n").into_response();
    }
    let page = tokio::task::spawn_blocking(move || {
        let mut host = exporter.host.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut wanted = host.collectors().to_vec();
        wanted.retain(|collector| !without.contains(collector) && (only.is_empty() || only.contains(collector)));
        let (mut families, problems) = exporter.machine.look(&mut host, &wanted);
        problems.iter().for_each(|problem| tracing::debug!("{problem}"));
        families.push(timeouts(exporter.machine.timeouts()));
        text(&families)
    });
    match page.await {
        Ok(page) => ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn timeouts(count: u64) -> Family {
    let mut family = Family::new("bellbuoy_host_mount_timeouts_total", MetricType::Counter, "Mounts that did not answer statvfs in time.");
    family.add(&[], count as f64);
    family
}

async fn health() -> &'static str {
    "ok\n"
}
