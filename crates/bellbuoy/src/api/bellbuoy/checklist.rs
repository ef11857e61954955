//! What stands between this folder and data on every page: each thing with its reason, what to do, and something to copy.
//!
//! In:    the settings, targets, rules, models, receivers as they are. Out: items, the bad ones first; none when all is well.
//! Never: guesses: an item is there only when the server has seen its reason.

use std::collections::{BTreeMap, HashMap, HashSet};

use bellbuoy_router::Route;
use bellbuoy_rules::GroupView;
use bellbuoy_scrape::Health;
use serde_json::{Value, json};

use super::super::targets::dropped_by_relabelling;
use crate::app::App;
use crate::config::Settings;
use crate::scraper::TargetView;
use crate::state::OutboxStatus;

/// Receivers that fail alike and are named in one line.
const NAMES_MAX: usize = 4;
const ITEMS_MAX: usize = 100;
const TEXT_CHARS_MAX: usize = 400;

#[derive(Clone, Debug, Default)]
struct Item {
    kind: &'static str,
    state: &'static str,
    reason: &'static str,
    job: Option<String>,
    name: Option<String>,
    url: Option<String>,
    targets: usize,
    text: String,
    todo: String,
    snippet: Option<(&'static str, String)>,
}

impl Item {
    fn json(&self) -> Value {
        let text: String = self.text.chars().take(TEXT_CHARS_MAX).collect();
        json!({
            "kind": self.kind, "state": self.state, "reason": self.reason, "job": self.job, "name": self.name, "url": self.url,
            "targets": self.targets, "text": text, "todo": self.todo,
            "snippet": self.snippet.as_ref().map(|(language, text)| json!({"language": language, "text": text})),
        })
    }
}

pub fn build(app: &App, groups: &[GroupView], servers: &[Value]) -> Vec<Value> {
    let settings = app.path.settings();
    let mut items = Vec::new();
    configuration(app, &mut items);
    jobs(app, &settings, &mut items);
    rules(groups, &mut items);
    models(app, &mut items);
    receivers(app, &settings, groups, &mut items);
    for server in servers.iter().filter(|server| server["up"] == false) {
        let problem =
            server["problems"].as_array().and_then(|problems| problems.first()).and_then(Value::as_str).unwrap_or("it does not answer");
        items.push(Item {
            kind: "server",
            state: "bad",
            reason: "server_down",
            name: server["kind"].as_str().map(str::to_string),
            url: server["url"].as_str().map(str::to_string),
            text: format!("{} {}: {problem}", server["kind"].as_str().unwrap_or(""), server["instance"].as_str().unwrap_or("")),
            todo: "start it, or mend its url and credentials in bellbuoy.yml".into(),
            ..Item::default()
        });
    }
    let rank = |state: &str| ["bad", "waiting", "note"].iter().position(|known| *known == state);
    items.sort_by_key(|item| rank(item.state));
    items.truncate(ITEMS_MAX);
    items.iter().map(Item::json).collect()
}

fn configuration(app: &App, items: &mut Vec<Item>) {
    let reload = app.reload_status();
    if !reload.good {
        items.push(Item {
            kind: "config",
            state: "bad",
            reason: "rejected",
            text: format!(
                "the changed configuration was rejected; the one of {} stays in force: {}",
                reload.last_good.rfc3339(),
                first_line(&reload.problems)
            ),
            todo: "mend the files; they are read again as soon as they change".into(),
            ..Item::default()
        });
    }
}

fn first_line(problems: &[String]) -> &str {
    problems.first().and_then(|problem| problem.lines().next()).unwrap_or("")
}

fn jobs(app: &App, settings: &Settings, items: &mut Vec<Item>) {
    if settings.scrape.is_empty() {
        items.push(Item {
            kind: "job",
            state: "note",
            reason: "no_jobs",
            text: "nothing is scraped: prometheus.yml has no scrape_configs".into(),
            todo: "add a job; the file is read again when it changes".into(),
            snippet: Some((
                "yaml",
                "scrape_configs:\n  - job_name: model-api\n    static_configs:\n      - targets: ['127.0.0.1:8000']\n".into(),
            )),
            ..Item::default()
        });
    }
    let views = app.scraper.views();
    let mut dropped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (job, target) in app.scraper.dropped() {
        dropped.entry(job).or_default().push(target.reason);
    }
    for job in &settings.scrape {
        let of_job: Vec<&TargetView> = views.iter().filter(|view| view.target.job == job.job_name).collect();
        if of_job.is_empty() {
            items.push(no_targets(&job.job_name, !job.file_sd_configs.is_empty(), dropped.get(&job.job_name)));
        }
        items.extend(targets(&job.job_name, &of_job));
    }
}

fn no_targets(job: &str, by_files: bool, dropped: Option<&Vec<String>>) -> Item {
    let item = Item { kind: "job", state: "bad", job: Some(job.to_string()), ..Item::default() };
    match dropped {
        Some(reasons) => Item {
            reason: "all_targets_dropped",
            targets: reasons.len(),
            text: format!("every target of {job} was dropped: {}", reasons.first().map_or("", String::as_str)),
            todo: "see the relabelling steps of a dropped target on the targets page".into(),
            ..item
        },
        None => Item {
            reason: "no_targets",
            text: format!("{job} has no targets{}", if by_files { ": its discovery files name none" } else { "" }),
            todo: if by_files { "write the file that file_sd_configs names" } else { "add static_configs to the job" }.into(),
            snippet: Some(if by_files {
                ("yaml", "- targets: ['127.0.0.1:8000']\n  labels:\n    env: production\n".into())
            } else {
                ("yaml", format!("  - job_name: {job}\n    static_configs:\n      - targets: ['127.0.0.1:8000']\n"))
            }),
            ..item
        },
    }
}

/// One item per job and reason, with the first target as the example.
fn targets(job: &str, views: &[&TargetView]) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    let mut places: HashMap<(&'static str, String), usize> = HashMap::new();
    for view in views {
        let Some(item) = target(job, view) else { continue };
        // The same words of ten targets are one item; the address differs.
        let key = (item.reason, if item.reason == "failed" { item.text.clone() } else { String::new() });
        match places.get(&key) {
            Some(place) => found[*place].targets += 1,
            None => {
                places.insert(key, found.len());
                found.push(item);
            }
        }
    }
    found
}

fn target(job: &str, view: &TargetView) -> Option<Item> {
    let (health, url) = (&view.health, view.target.url.as_str());
    let item = Item { kind: "target", state: "bad", job: Some(job.to_string()), url: Some(url.to_string()), targets: 1, ..Item::default() };
    let curl = || Some(("shell", format!("curl -i '{url}'")));
    match health.health {
        Health::Unknown => Some(Item {
            state: "waiting",
            reason: "not_scraped_yet",
            text: format!("{url} was not asked yet; it is asked every {}", view.target.interval),
            todo: "wait for the first scrape".into(),
            ..item
        }),
        Health::Down => {
            let (reason, todo) = failure(&health.last_error);
            Some(Item { reason, text: format!("{url}: {}", health.last_error), todo: todo.into(), snippet: curl(), ..item })
        }
        Health::Up if health.report.samples_scraped == 0 => Some(Item {
            reason: "no_samples",
            text: format!("{url} answered without a single sample"),
            todo: "look at what it serves; is the path the one of its metrics?".into(),
            snippet: curl(),
            ..item
        }),
        Health::Up => {
            let (dropped, all) = (dropped_by_relabelling(&health.report), health.report.samples_scraped);
            if dropped == all {
                let text = format!("all {all} samples of {url} were dropped by metric_relabel_configs");
                let todo = "see the metric relabelling steps on the targets page".into();
                return Some(Item { reason: "samples_dropped", text, todo, ..item });
            }
            if health.report.refused() > 0 {
                let text = format!("{url}: {}", health.warning);
                let todo = "mend the service: one sample a series, without times of its own".into();
                return Some(Item { state: "note", reason: "samples_refused", text, todo, ..item });
            }
            (dropped > 0).then(|| Item {
                state: "note",
                reason: "samples_dropped",
                text: format!("{dropped} of {all} samples of {url} are dropped by metric_relabel_configs"),
                todo: "nothing, when that is meant".into(),
                ..item
            })
        }
    }
}

/// The word for an error of a scrape, and what to do about it.
fn failure(error: &str) -> (&'static str, &'static str) {
    let lower = error.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["connection refused"]) {
        ("connection_refused", "start the service, or mend host and port in prometheus.yml")
    } else if has(&["lookup", "name or service", "name resolution", "dns"]) {
        ("no_such_host", "mend the host's name, or make it known to DNS")
    } else if has(&["deadline", "timed out", "timeout"]) {
        ("timeout", "see why it answers late, or raise scrape_timeout")
    } else if has(&["certificate", "tls", "handshake"]) {
        ("tls", "see tls_config and scheme of the job")
    } else if has(&["http status 404"]) {
        ("http_status", "set metrics_path of the job to where the service serves its metrics")
    } else if has(&["http status 401", "http status 403"]) {
        ("http_status", "give the job credentials: basic_auth, authorization or a token file")
    } else if has(&["http status"]) {
        ("http_status", "see the log of the service")
    } else if has(&["body size limit"]) {
        ("too_large", "raise body_size_limit, or let the service serve less")
    } else if has(&["limit exceeded"]) {
        ("limit", "raise the limit of the job, or drop series with metric_relabel_configs")
    } else if lower.starts_with("line ") || has(&["content-type", "protobuf"]) {
        ("parse_error", "it must serve Prometheus' text format or OpenMetrics; look at the line that is named")
    } else {
        ("failed", "ask it by hand and look at the answer")
    }
}

fn rules(groups: &[GroupView], items: &mut Vec<Item>) {
    if groups.iter().all(|group| group.rules.is_empty()) {
        items.push(Item {
            kind: "rules",
            state: "note",
            reason: "no_rules",
            text: "there are no rules, so nothing can alert".into(),
            todo: "add a rule file and name it in rule_files of prometheus.yml".into(),
            snippet: Some((
                "yaml",
                "groups:\n  - name: service\n    rules:\n      - alert: TargetDown\n        expr: up == 0\n        for: 5m\n        labels:\n          severity: critical\n        annotations:\n          summary: '{{ $labels.instance }} of {{ $labels.job }} is down'\n"
                    .into(),
            )),
            ..Item::default()
        });
    }
}

fn models(app: &App, items: &mut Vec<Item>) {
    let names = app.models.names();
    if names.is_empty() {
        items.push(Item {
            kind: "model",
            state: "note",
            reason: "no_models",
            text: "no model is watched: bellbuoy.yml has no models".into(),
            todo: "add one with its reference data; docs/guides/models.md has all keys".into(),
            snippet: Some((
                "yaml",
                "models:\n  - name: my-model\n    kind: regression\n    target: y\n    reference: reference.csv\n".into(),
            )),
            ..Item::default()
        });
    }
    for name in names {
        let last = app.models.last(&name).ok().flatten();
        let unknown = match last.as_ref().and_then(|last| last.first()) {
            None => Some("it was not judged yet".to_string()),
            Some(first) => first.drift.as_ref().err().map(ToString::to_string),
        };
        let Some(because) = unknown else { continue };
        let received = app.pulse.received(&name).is_some();
        items.push(Item {
            kind: "model",
            state: "waiting",
            reason: "model_unknown",
            text: format!("{name}: drift is unknown: {because}"),
            todo: if received { "wait for more predictions" } else { "send its predictions here" }.into(),
            snippet: (!received).then(|| ("shell", send_rows(app.external_url(), &name))),
            name: Some(name),
            ..Item::default()
        });
    }
}

fn send_rows(url: &str, name: &str) -> String {
    format!(
        "curl -X POST '{url}/api/v1/models/{name}/predictions' -H 'content-type: application/json' \\\n  -d '[{{\"id\": \"1\", \"prediction\": 12.5, \"features\": {{\"temp\": 0.3}}}}]'"
    )
}

fn receivers(app: &App, settings: &Settings, groups: &[GroupView], items: &mut Vec<Item>) {
    let alerting = groups.iter().any(|group| !group.rules.is_empty());
    let Some(router) = &settings.router else {
        if alerting && settings.alerting.alertmanagers.is_empty() {
            items.push(Item {
                kind: "receiver",
                state: "bad",
                reason: "no_route",
                text: "alerts can fire, and nobody is told: there is no alertmanager.yml and no contact point".into(),
                todo: "add an alertmanager.yml to the folder".into(),
                snippet: Some((
                    "yaml",
                    "route:\n  receiver: team\nreceivers:\n  - name: team\n    discord_configs:\n      - webhook_url: ${DISCORD_WEBHOOK_URL}\n".into(),
                )),
                ..Item::default()
            });
        }
        return;
    };
    let used = used_receivers(&router.route);
    let silent = |name: &str| settings.receivers.iter().any(|receiver| receiver.name == name && receiver.integrations.is_empty());
    if alerting && used.iter().all(|name| silent(name)) {
        items.push(Item {
            kind: "receiver",
            state: "bad",
            reason: "no_receivers",
            text: "all routes lead to receivers that tell nobody".into(),
            todo: "give a receiver an address".into(),
            ..Item::default()
        });
    }
    // A receiver whose newest message waits for another attempt, or was given up.
    let newest = app.path.state.messages(200).unwrap_or_default();
    let mut seen = HashSet::new();
    let mut failing: Vec<(&str, Vec<&str>, Option<&str>)> = Vec::new();
    for row in newest.iter().filter(|row| seen.insert(row.destination.as_str())) {
        if row.status == OutboxStatus::Failed || (row.status == OutboxStatus::Pending && row.attempts > 0) {
            match failing.iter_mut().find(|(answer, ..)| *answer == row.last_answer) {
                Some((_, destinations, _)) => destinations.push(&row.destination),
                None => failing.push((&row.last_answer, vec![&row.destination], row.notice["receiver"].as_str())),
            }
        }
    }
    for (answer, destinations, receiver) in failing {
        items.push(Item {
            kind: "receiver",
            state: "bad",
            reason: "receiver_failing",
            name: receiver.map(str::to_string),
            text: format!("{}: {answer}", several(&destinations)),
            todo: "mend the receiver, then try again on the notifications page".into(),
            ..Item::default()
        });
    }
}

/// `a, b, c and 4 more`.
fn several(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_MAX { format!("{shown} and {} more", names.len() - NAMES_MAX) } else { shown }
}

/// Every receiver that a route names.
pub fn used_receivers(route: &Route) -> HashSet<&str> {
    let mut found = HashSet::from([route.receiver.as_str()]);
    for child in &route.routes {
        found.extend(used_receivers(child));
    }
    found.remove("");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_scrapes_have_words() {
        for (error, reason) in [
            ("Connection refused (os error 111)", "connection_refused"),
            ("failed to lookup address information: Name or service not known", "no_such_host"),
            ("context deadline exceeded", "timeout"),
            ("invalid peer certificate: UnknownIssuer", "tls"),
            ("server returned HTTP status 404", "http_status"),
            ("server returned HTTP status 500", "http_status"),
            ("body size limit exceeded: more than 10 bytes", "too_large"),
            ("sample limit exceeded: more than 5 samples, about 9", "limit"),
            ("line 12, column 3: expected a value", "parse_error"),
            ("the connection broke", "failed"),
        ] {
            assert_eq!(failure(error).0, reason, "{error}");
        }
    }
}
