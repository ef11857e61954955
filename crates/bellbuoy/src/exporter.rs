//! What pollers know as a page that others scrape: `bellbuoy airflow-exporter`, and `up` where an entry says `listen`.
//!
//! In:    what the last poll of each server said. Out: `/metrics`, `/health`.
//! Never: asks anything during a scrape.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bellbuoy_sources::{Family, text};
use bellbuoy_vocabulary::Timestamp;
use serde_json::json;

use crate::pollers::Watcher;

/// What the last poll of one server said.
#[derive(Default)]
pub struct Page {
    families: Vec<Family>,
    up: Option<bool>,
    problems: Vec<String>,
    at: Option<Timestamp>,
}

impl Page {
    pub fn of(watcher: &Watcher, now: Timestamp) -> Page {
        Page { families: watcher.families(now), up: Some(watcher.is_up()), problems: watcher.problems().to_vec(), at: Some(now) }
    }
}

/// By server, in the order of the configuration.
pub type Pages = Arc<Vec<(String, Mutex<Page>)>>;

pub fn pages<'a>(instances: impl Iterator<Item = &'a str>) -> Pages {
    Arc::new(instances.map(|instance| (instance.to_string(), Mutex::default())).collect())
}

pub fn set(pages: &Pages, index: usize, page: Page) {
    *pages[index].1.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = page;
}

pub fn routes(pages: Pages) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/health", get(health)).with_state(pages)
}

async fn metrics(Shared(pages): Shared<Pages>) -> Response {
    let mut all: Vec<Family> = Vec::new();
    for (instance, page) in pages.iter() {
        let page = page.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for family in &page.families {
            // Prometheus names the exporter itself `instance`.
            let family = if pages.len() > 1 { family.with_label("airflow", instance) } else { family.clone() };
            match all.iter_mut().find(|known| known.name == family.name) {
                Some(known) => known.append(family),
                None => all.push(family),
            }
        }
    }
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text(&all)).into_response()
}

async fn health(Shared(pages): Shared<Pages>) -> Response {
    let servers: Vec<serde_json::Value> = pages
        .iter()
        .map(|(instance, page)| {
            let page = page.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let word = match page.up {
                Some(true) => "up",
                Some(false) => "down",
                None => "not asked yet",
            };
            json!({"instance": instance, "airflow": word, "problems": page.problems, "at": page.at.map(Timestamp::rfc3339)})
        })
        .collect();
    let down = servers.iter().any(|server| server["airflow"] == "down");
    // The exporter itself is well in any case: a restart would not help Airflow.
    let body = json!({"status": if down { "degraded" } else { "ok" }, "servers": servers});
    (StatusCode::OK, axum::Json(body)).into_response()
}
