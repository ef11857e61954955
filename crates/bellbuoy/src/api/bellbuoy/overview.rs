//! `/api/bellbuoy/overview`: how everything is, on one page. What is not there yet is in its checklist, with the reason and what to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use bellbuoy_router::AlertState as RouterState;
use bellbuoy_rules::{GroupView, Health as RuleHealth, RuleKind, State as RuleState};
use bellbuoy_scrape::Health;
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use super::super::answer::{Answer, success};
use super::super::prometheus::PROMETHEUS_VERSION;
use super::{checklist, figure, model_row, time};
use crate::app::App;
use crate::clock;
use crate::state::OutboxStatus;

const FAILURES_MAX: usize = 10;
pub const RATE_EARLY: &str = "it is too early to say; rates need some seconds after the start";

pub async fn overview(State(app): State<Arc<App>>) -> Answer {
    success(tokio::task::block_in_place(|| build(&app, clock::now())))
}

fn build(app: &App, now: Timestamp) -> Value {
    let groups = app.path.rules_view();
    let reload = app.reload_status();
    let servers = servers(app, now);
    json!({
        "at": now.rfc3339(), "startedAt": app.started_at.rfc3339(), "version": env!("CARGO_PKG_VERSION"), "prometheusVersion": PROMETHEUS_VERSION,
        "externalUrl": app.external_url(), "folder": app.options.config.display().to_string(),
        "configuration": {"ok": reload.good, "loadedAt": reload.last_good.rfc3339(), "problems": reload.problems},
        "targets": targets(app),
        "rules": rules(&groups),
        "alerts": alerts(app, &groups, now),
        "ingestion": ingestion(app),
        "notifications": notifications(app),
        "models": app.models.names().iter().map(|name| model_row::row(app, name, now)).collect::<Vec<_>>(),
        "checklist": checklist::build(app, &groups, &servers),
        "servers": servers,
    })
}

fn targets(app: &App) -> Value {
    let views = app.scraper.views();
    let count = |health: Health| views.iter().filter(|view| view.health.health == health).count();
    json!({
        "up": count(Health::Up), "down": count(Health::Down), "unknown": count(Health::Unknown),
        "dropped": app.scraper.dropped().len(), "jobs": app.path.settings().scrape.len(),
    })
}

fn rules(groups: &[GroupView]) -> Value {
    let (mut alerting, mut recording, mut ok, mut failing, mut not_yet) = (0, 0, 0, 0, 0);
    let mut failures = Vec::new();
    for (group, rule) in groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule))) {
        match rule.kind {
            RuleKind::Alerting => alerting += 1,
            RuleKind::Recording => recording += 1,
        }
        match rule.health {
            RuleHealth::Ok | RuleHealth::NoData => ok += 1,
            RuleHealth::Unknown => not_yet += 1,
            RuleHealth::Err => {
                failing += 1;
                if failures.len() < FAILURES_MAX {
                    failures.push(json!({"name": rule.name, "group": group.name, "file": group.file, "error": rule.last_error}));
                }
            }
        }
    }
    let last = groups.iter().filter_map(|group| group.last_evaluation).max();
    json!({
        "alerting": alerting, "recording": recording, "ok": ok, "failing": failing, "unknown": not_yet,
        "lastEvaluation": time(last), "failures": failures,
    })
}

fn alerts(app: &App, groups: &[GroupView], now: Timestamp) -> Value {
    let (mut firing, mut pending) = (0, 0);
    let mut by_severity: BTreeMap<&str, usize> = BTreeMap::new();
    for alert in groups.iter().flat_map(|group| &group.rules).flat_map(|rule| &rule.alerts) {
        match alert.state {
            RuleState::Firing => {
                firing += 1;
                *by_severity.entry(alert.labels.get("severity")).or_default() += 1;
            }
            RuleState::Pending => pending += 1,
            _ => {}
        }
    }
    let (mut silenced, mut inhibited) = (0, 0);
    for view in app.path.alerts_view(now).iter().filter(|view| view.state == RouterState::Suppressed) {
        silenced += usize::from(!view.silenced_by.is_empty());
        inhibited += usize::from(!view.inhibited_by.is_empty());
    }
    json!({"firing": firing, "pending": pending, "silenced": silenced, "inhibited": inhibited, "bySeverity": by_severity})
}

fn ingestion(app: &App) -> Value {
    let stats = app.path.store.stats();
    let refused = stats.refused_out_of_order + stats.refused_duplicate + stats.refused_too_old + stats.refused_unknown_ref;
    json!({
        "samplesPerSecond": figure::or_unknown(app.pulse.samples(), "just_started", RATE_EARLY),
        "series": stats.series, "samples": stats.samples_appended, "refused": refused + stats.refused_series_limit,
        "bytes": {"wal": stats.wal_bytes, "chunks": stats.chunk_bytes},
        "oldest": time(stats.oldest), "newest": time(stats.max_time),
        "retentionSeconds": app.retention().seconds(),
    })
}

fn notifications(app: &App) -> Value {
    let counts = app.path.state.message_counts();
    let of = |status: OutboxStatus| counts.iter().find(|(known, _)| *known == status).map_or(0, |(_, count)| *count);
    json!({
        "pending": of(OutboxStatus::Pending), "delivered": of(OutboxStatus::Delivered), "failed": of(OutboxStatus::Failed),
        "replaced": of(OutboxStatus::Replaced),
    })
}

/// Airflow, MLflow and this host, as far as they are watched.
fn servers(app: &App, now: Timestamp) -> Vec<Value> {
    let settings = app.path.settings();
    let known = app.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    let asked = |kind: &str, server: &crate::config::WatchedServer| {
        let found = known
            .values()
            .find(|one| one["kind"] == kind && one["job"] == server.job.as_str() && one["instance"] == server.instance.as_str());
        match found {
            Some(found) => json!({
                "kind": kind, "job": server.job, "instance": server.instance, "url": server.url, "up": found["up"],
                "problems": found["problems"], "at": found["at"],
            }),
            None => {
                json!({"kind": kind, "job": server.job, "instance": server.instance, "url": server.url, "up": null, "problems": [], "at": null})
            }
        }
    };
    let mut out: Vec<Value> = settings.mlflow.iter().map(|config| asked("mlflow", &config.server)).collect();
    out.extend(settings.airflow.iter().map(|config| asked("airflow", &config.server)));
    if let Some(host) = &settings.host {
        // What is told at an address comes back under the name of whatever job scrapes it there.
        let selector = match host.listen {
            Some(_) => "up * on (job, instance) group_left () group by (job, instance) (node_boot_time_seconds)".to_string(),
            None => format!("up{{job={}}}", super::quoted(&host.job)),
        };
        let found = super::instant(app, &selector, now).ok().and_then(|found| found.into_iter().next());
        let instance = host.instance.clone().or_else(|| found.as_ref().map(|(labels, _)| labels.get("instance").to_string()));
        out.push(json!({
            "kind": "host", "job": host.job, "instance": instance.unwrap_or_default(), "url": null,
            "up": found.map(|(_, value)| value == 1.0), "problems": [], "at": null,
        }));
    }
    out
}
