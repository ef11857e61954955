//! tell, elsewhere: alerts go to the Alertmanagers that `alerting:` of prometheus.yml names, when there is no alertmanager.yml here,
//! or when `forward_alerts: true` of bellbuoy.yml asks for both.
//!
//! In:    the alerts of our rules. Out: `POST /api/v2/alerts`, one request per Alertmanager at a time.
//! Never: lets one Alertmanager delay another: each has its own bounded queue, and what its bound drops is counted.
//! Holds: as with Prometheus, rules repeat firing alerts each minute, so an Alertmanager that was down learns of them when it is back.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use bellbuoy_notify::public_of;
use bellbuoy_scrape::{Scheme, relabel};
use bellbuoy_vocabulary::{Alert, Labels};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::warn;

use crate::client::{Clients, Request};
use crate::config::{Alerting, AlertmanagerPeer, read_discovery};
use crate::telemetry::Telemetry;
use crate::wire::labels_json;

/// Batches that wait for one Alertmanager; Prometheus' queue holds 10,000 alerts in all.
const QUEUE_BATCHES_MAX: usize = 200;
/// Alerts of one request, as with Prometheus.
const BATCH_MAX: usize = 256;
const ANSWER_BYTES_MAX: u64 = 64 << 10;

struct Post {
    body: Vec<u8>,
    count: u64,
    peer: AlertmanagerPeer,
}

/// Sends alerts to other Alertmanagers.
pub struct Forwarder {
    clients: Arc<Clients>,
    telemetry: Arc<Telemetry>,
    queues: Mutex<HashMap<String, mpsc::Sender<Post>>>,
}

impl Forwarder {
    pub fn new(clients: Arc<Clients>, telemetry: Arc<Telemetry>) -> Forwarder {
        Forwarder { clients, telemetry, queues: Mutex::default() }
    }

    /// Queues the alerts for each Alertmanager of the settings. Never waits.
    pub fn send(&self, alerts: &[Alert], alerting: &Alerting) {
        let mut named = HashSet::new();
        for peer in &alerting.alertmanagers {
            let bodies: Vec<Value> = alerts.iter().filter_map(|alert| body(alert, alerting, peer)).collect();
            for address in addresses(peer) {
                let url = url(peer, &address);
                for batch in bodies.chunks(BATCH_MAX) {
                    let count = batch.len() as u64;
                    let post = Post { body: Value::from(batch).to_string().into_bytes(), count, peer: peer.clone() };
                    if self.queue(&url).try_send(post).is_err() {
                        self.telemetry.forwards_dropped.add(count);
                        warn!("alertmanager {address}: its queue is full, {count} alerts were dropped");
                    }
                }
                named.insert(url);
            }
        }
        // Those that a reload or a discovery has taken away get what they still have in their queue, and no more.
        self.queues.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).retain(|url, _| named.contains(url));
    }

    /// The addresses that alerts go to now, for `/api/v1/alertmanagers`.
    pub fn urls(alerting: &Alerting) -> Vec<String> {
        alerting.alertmanagers.iter().flat_map(|peer| addresses(peer).into_iter().map(|address| url(peer, &address))).collect()
    }

    fn queue(&self, url: &str) -> mpsc::Sender<Post> {
        let mut queues = self.queues.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let queue = queues.entry(url.to_string()).or_insert_with(|| {
            let (queue, posts) = mpsc::channel(QUEUE_BATCHES_MAX);
            tokio::spawn(empty(url.to_string(), posts, self.clients.clone(), self.telemetry.clone()));
            queue
        });
        queue.clone()
    }
}

async fn empty(url: String, mut posts: mpsc::Receiver<Post>, clients: Arc<Clients>, telemetry: Arc<Telemetry>) {
    while let Some(post) = posts.recv().await {
        let request = Request {
            method: "POST",
            url: &url,
            headers: &[("content-type".to_string(), "application/json".to_string())],
            body: post.body,
            timeout: post.peer.timeout.to_std(),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let problem = match clients.send(&post.peer.http, request).await {
            Ok(response) if response.status < 300 => None,
            Ok(response) => Some(format!("HTTP status {}", response.status)),
            Err(failure) => Some(failure.reason),
        };
        telemetry.forwards_sent.add(post.count);
        if let Some(problem) = problem {
            telemetry.forwards_failed.add(post.count);
            warn!("alertmanager {url}: {problem}; its {} alerts are repeated within a minute", post.count);
        }
    }
}

/// `None`: dropped by `alert_relabel_configs`.
fn body(alert: &Alert, alerting: &Alerting, peer: &AlertmanagerPeer) -> Option<Value> {
    let labels: Labels = relabel(&alert.labels, &alerting.alert_relabel).and_then(|labels| relabel(&labels, &peer.alert_relabel))?;
    Some(as_sent(alert, &labels))
}

fn as_sent(alert: &Alert, labels: &Labels) -> Value {
    // After relabelling, which may ask for the rule's uid.
    let (labels, annotations) = (public_of(alert, labels), public_of(alert, &alert.annotations));
    let mut out = json!({
        "labels": labels_json(&labels), "annotations": labels_json(&annotations), "startsAt": alert.starts_at.rfc3339(),
        "generatorURL": alert.generator_url,
    });
    out["endsAt"] = json!(alert.ends_at.max(alert.starts_at).rfc3339());
    out
}

fn addresses(peer: &AlertmanagerPeer) -> Vec<String> {
    let mut groups = peer.static_configs.clone();
    for discovery in &peer.file_sd_configs {
        groups.extend(read_discovery(discovery).0.unwrap_or_default());
    }
    let mut addresses = Vec::new();
    for group in &groups {
        for target in &group.targets {
            let mut labels = group.labels.builder();
            labels.set("__address__", target);
            if let Some(labels) = relabel(&labels.labels(), &peer.relabel) {
                addresses.push(labels.get("__address__").to_string());
            }
        }
    }
    addresses.retain(|address| !address.is_empty());
    addresses
}

fn url(peer: &AlertmanagerPeer, address: &str) -> String {
    let scheme = if peer.scheme == Scheme::Https { "https" } else { "http" };
    let prefix = peer.path_prefix.trim_end_matches('/');
    let slash = if prefix.is_empty() || prefix.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{address}{slash}{prefix}/api/v2/alerts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn shown(labels: &[(&str, &str)]) -> String {
        let annotations = Labels::from_pairs([("summary", "s"), ("__values__", "{}")]);
        let alert = Alert { labels: Labels::from_pairs(labels.iter().copied()), annotations, ..fixtures::alert("") };
        let body = as_sent(&alert, &alert.labels);
        format!("{} {}", body["labels"], body["annotations"])
    }

    /// An Alertmanager showed people `__alert_rule_uid__` and, in the annotations, Grafana's values.
    #[test]
    fn what_grafana_keeps_for_itself_stays_here() {
        assert_eq!(
            shown(&[("alertname", "A"), ("__alert_rule_uid__", "u"), ("__rule_receiver__", "x")]),
            r#"{"alertname":"A"} {"summary":"s"}"#
        );
        // Of other alerts everything is somebody's own.
        assert_eq!(shown(&[("alertname", "A"), ("__x__", "y")]), r#"{"__x__":"y","alertname":"A"} {"__values__":"{}","summary":"s"}"#);
    }
}
