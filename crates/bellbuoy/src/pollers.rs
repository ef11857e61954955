//! sources: asks Airflow and MLflow servers in intervals, and gives what `bellbuoy_sources` makes of their answers to the store.
//!
//! In:    `airflow:` and `mlflow:` of bellbuoy.yml, answers. Out: calls, series with `job` and `instance`, `up`, events of aliases; with `listen` a page that
//!        is scraped instead of the series.
//! Never: asks during a scrape, follows a redirect with credentials, shows a password.
//! Holds: marks and counters are on disk before a sample that counts them is in the store, so a crash repeats and loses nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bellbuoy_notify::event::Event as PipelineEvent;
use bellbuoy_sources::airflow::Airflow;
use bellbuoy_sources::mlflow::{AliasChange, Mlflow};
use bellbuoy_sources::{Answer, Call, Credentials, Family, series};
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Secret, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

use crate::client::{Clients, Request};
use crate::clock;
use crate::config::{AirflowConfig, MlflowConfig, WatchedServer};
use crate::exporter::{self, Page};
use crate::path::Path;

/// A page of 100 task instances with large templates is some MiB.
const BODY_BYTES_MAX: u64 = 32 << 20;
const KEY_CHARS_MAX: usize = 256;

/// What watches a server.
pub enum Watcher {
    Airflow(Box<Airflow>),
    Mlflow(Box<Mlflow>),
}

impl Watcher {
    pub fn airflow(config: &AirflowConfig, kept: Option<Value>) -> Watcher {
        let (watcher, problem) = Airflow::new(config.settings.clone(), kept);
        warn_of("airflow", &config.server, problem);
        Watcher::Airflow(Box::new(watcher))
    }

    pub fn mlflow(config: &MlflowConfig, kept: Option<Value>) -> Watcher {
        let (watcher, problem) = Mlflow::new(config.settings.clone(), kept);
        warn_of("mlflow", &config.server, problem);
        Watcher::Mlflow(Box::new(watcher))
    }

    fn word(&self) -> &'static str {
        match self {
            Watcher::Airflow(_) => "airflow",
            Watcher::Mlflow(_) => "mlflow",
        }
    }

    fn begin(&mut self, now: Timestamp) {
        match self {
            Watcher::Airflow(one) => one.begin(now),
            Watcher::Mlflow(one) => one.begin(now),
        }
    }

    fn next(&mut self, now: Timestamp) -> Option<Call> {
        match self {
            Watcher::Airflow(one) => one.next(now),
            Watcher::Mlflow(one) => one.next(now),
        }
    }

    fn answer(&mut self, answer: Result<Answer, String>, now: Timestamp) {
        match self {
            Watcher::Airflow(one) => one.answer(answer, now),
            Watcher::Mlflow(one) => one.answer(answer, now),
        }
    }

    pub fn families(&self, now: Timestamp) -> Vec<Family> {
        match self {
            Watcher::Airflow(one) => one.families(now),
            Watcher::Mlflow(one) => one.families(),
        }
    }

    pub fn kept(&self) -> Option<Value> {
        match self {
            Watcher::Airflow(one) => one.kept(),
            Watcher::Mlflow(one) => one.kept(),
        }
    }

    pub fn problems(&self) -> &[String] {
        match self {
            Watcher::Airflow(one) => one.problems(),
            Watcher::Mlflow(one) => one.problems(),
        }
    }

    pub fn is_up(&self) -> bool {
        match self {
            Watcher::Airflow(one) => one.is_up(),
            Watcher::Mlflow(one) => one.is_up(),
        }
    }
}

/// What is known of each server that is watched, for `/api/bellbuoy/sources`: by its kind, job and instance.
pub type Watched = Arc<Mutex<BTreeMap<String, Value>>>;

fn note(watched: &Watched, server: &WatchedServer, watcher: &Watcher, now: Timestamp) {
    let mut said = json!({
        "kind": watcher.word(), "job": server.job, "instance": server.instance, "url": server.url, "up": watcher.is_up(),
        "problems": watcher.problems(), "at": now.rfc3339(),
    });
    if let Watcher::Mlflow(mlflow) = watcher {
        said["models"] = mlflow.registry();
    }
    watched.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(kept_name(watcher.word(), server), said);
}

/// The name under which the database keeps what a restart must know.
pub fn kept_name(kind: &str, server: &WatchedServer) -> String {
    format!("{kind}/{}/{}", server.job, server.instance)
}

/// Until `stopped`. `events`: people are told of aliases.
pub async fn run(
    path: Arc<Path>,
    clients: Arc<Clients>,
    server: WatchedServer,
    mut watcher: Watcher,
    events: bool,
    watched: Watched,
    mut stopped: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(server.interval.to_std());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut problems = Problems::default();
    let mut backoff = Backoff::default();
    let mut port = server.listen.as_ref().map(|address| Port::new(address, &server.instance));
    let mut last_series: Vec<Labels> = Vec::new();
    let mut last_kept = watcher.kept();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        if let Some(port) = &mut port {
            port.open().await;
        }
        if backoff.is_due() {
            tokio::select! {
                // A server that is down costs one call: a poll ends with the first that gets no answer.
                () = poll(&clients, &server, &mut watcher) => {}
                // What this poll has learned is not kept, so the next one learns it again.
                _ = stopped.changed() => return,
            }
            backoff.polled(watcher.is_up());
            problems.tell(&watcher, &server);
            note(&watched, &server, &watcher, clock::now());
        }
        let now = clock::now();
        tokio::task::block_in_place(|| {
            let told = tell(&path, &server, &mut watcher, events, now);
            let kept = watcher.kept();
            if told && kept != last_kept {
                path.keep(&kept_name(watcher.word(), &server), kept.clone().unwrap_or_default());
                last_kept = kept;
            }
            if let Some(port) = &port {
                return exporter::set(&port.pages, 0, Page::of(&watcher, now));
            }
            let found = labelled(&watcher, &server, now);
            let there: Vec<Labels> = found.iter().map(|(labels, _)| labels.clone()).collect();
            let known: std::collections::HashSet<&Labels> = there.iter().collect();
            let ended: Vec<Labels> = last_series.drain(..).filter(|labels| !known.contains(labels)).collect();
            path.append_and_end(&found, &ended, now);
            last_series = there;
        });
    }
}

/// A server that fails is left alone for a while: the next poll, then every second, fourth and fifth one. What is known of it is told on.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
    skip: u32,
}

impl Backoff {
    const SKIP_MAX: u32 = 4;

    /// Whether this tick is one for a poll.
    pub fn is_due(&mut self) -> bool {
        let due = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        due
    }

    pub fn polled(&mut self, up: bool) {
        self.failures = if up { 0 } else { (self.failures + 1).min(8) };
        self.skip = if up { 0 } else { ((1 << (self.failures - 1)) - 1).min(Self::SKIP_MAX) };
    }
}

/// Where others scrape what a poller knows.
struct Port {
    address: String,
    instance: String,
    pages: exporter::Pages,
    /// While it listens; dropped, it ends and closes its connections.
    open: Option<oneshot::Sender<()>>,
    complained: bool,
}

impl Port {
    fn new(address: &str, instance: &str) -> Port {
        let address = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_string() };
        let pages = exporter::pages([instance].into_iter());
        Port { address, instance: instance.to_string(), pages, open: None, complained: false }
    }

    /// Tried again at each poll: after a reload the one before may not have left yet, and another exporter may stand there.
    async fn open(&mut self) {
        if self.open.is_some() {
            return;
        }
        let listener = match TcpListener::bind(&self.address).await {
            Ok(listener) => listener,
            Err(error) => {
                if !self.complained {
                    warn!("{}: can not listen on {}: {error}; it is tried again at each poll", self.instance, self.address);
                }
                self.complained = true;
                return;
            }
        };
        info!("{} is told on http://{}/metrics", self.instance, self.address);
        let (open, closed) = oneshot::channel::<()>();
        let routes = exporter::routes(self.pages.clone());
        tokio::spawn(async move {
            let end = async move {
                let _ = closed.await;
            };
            let _ = axum::serve(listener, routes).with_graceful_shutdown(end).await;
        });
        (self.open, self.complained) = (Some(open), false);
    }
}

/// One whole poll.
pub async fn poll(clients: &Clients, server: &WatchedServer, watcher: &mut Watcher) {
    watcher.begin(clock::now());
    while let Some(call) = watcher.next(clock::now()) {
        let answer = send(clients, server, &call).await;
        watcher.answer(answer, clock::now());
    }
}

/// Says what is new: a server that is down for a day is one line of the log.
#[derive(Default)]
pub struct Problems(Vec<String>);

impl Problems {
    pub fn tell(&mut self, watcher: &Watcher, server: &WatchedServer) {
        let (word, instance) = (watcher.word(), &server.instance);
        let now = watcher.problems();
        now.iter().filter(|problem| !self.0.contains(problem)).for_each(|problem| warn!("{word} {instance}: {problem}"));
        if now.is_empty() && !self.0.is_empty() {
            info!("{word} {instance}: all is well again");
        }
        self.0 = now.to_vec();
    }
}

async fn send(clients: &Clients, server: &WatchedServer, call: &Call) -> Result<Answer, String> {
    let mut http = server.http.clone();
    match &call.credentials {
        Credentials::Configured => {}
        other => {
            (http.basic_auth, http.authorization, http.oauth2) = (None, None, None);
            if let Credentials::Bearer(token) = other {
                http.authorization = Some(Secret::new(format!("Bearer {}", token.expose())));
            }
        }
    }
    let mut headers = vec![("accept".to_string(), "application/json".to_string())];
    headers.extend(call.body.iter().map(|_| ("content-type".to_string(), "application/json".to_string())));
    let url = format!("{}{}", server.url, call.path);
    let body = call.body.as_ref().map_or_else(Vec::new, |body| body.expose().as_bytes().to_vec());
    let timeout = server.timeout.to_std();
    let request = Request { method: call.method, url: &url, headers: &headers, body, timeout, body_bytes_max: BODY_BYTES_MAX };
    let response = clients.send(&http, request).await.map_err(|failure| failure.reason)?;
    let server_time = response.header("date").and_then(date);
    Ok(Answer { status: response.status, cut: response.cut, server_time, body: response.body })
}

/// `Sat, 21 Nov 2026 10:51:26 GMT`
fn date(text: &str) -> Option<Timestamp> {
    let stamp = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp(stamp.as_millisecond()))
}

fn labelled(watcher: &Watcher, server: &WatchedServer, now: Timestamp) -> Vec<(Labels, f64)> {
    let more = [("job", server.job.as_str()), ("instance", server.instance.as_str())];
    let mut found = series(&watcher.families(now), &more);
    let up = Labels::from_pairs([(METRIC_NAME, "up"), more[0], more[1]]);
    found.push((up, f64::from(u8::from(watcher.is_up()))));
    found
}

/// Aliases that changed, through the router. False when they could not be written: they are told with the next poll.
fn tell(path: &Path, server: &WatchedServer, watcher: &mut Watcher, events: bool, now: Timestamp) -> bool {
    let Watcher::Mlflow(mlflow) = watcher else { return true };
    if events && !mlflow.changes().is_empty() {
        let read = mlflow.changes().iter().map(|change| PipelineEvent::read(&event(change, server), now));
        let (good, bad): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
        bad.into_iter().filter_map(Result::err).for_each(|problems| warn!("mlflow {}: {}", server.instance, problems.join("; ")));
        if let Err(error) = path.post_events(good.into_iter().filter_map(Result::ok).collect(), now) {
            warn!("mlflow {}: changes of aliases can not be told now: {error}", server.instance);
            return false;
        }
    }
    mlflow.told();
    true
}

fn event(change: &AliasChange, server: &WatchedServer) -> Value {
    let key = format!("{}/{}", server.instance, change.key);
    // The end tells changes apart.
    let key: String = key.chars().skip(key.chars().count().saturating_sub(KEY_CHARS_MAX)).collect();
    let version = |version: Option<u64>| version.map(|number| number.to_string());
    let (model, alias) = (&change.model, &change.alias);
    let mut fields = serde_json::Map::new();
    fields.extend(version(change.to).map(|number| ("model_version".to_string(), json!(number))));
    fields.extend(version(change.from).map(|number| ("old_version".to_string(), json!(number))));
    let promoted = alias == "champion" && change.to.is_some();
    let kind = if promoted { "champion-promotion" } else { "model-alias" };
    let what = match (change.from, change.to) {
        (Some(from), Some(to)) => format!("{alias} of {model} is version {to}, was {from}"),
        (None, Some(to)) => format!("{alias} of {model} is version {to}"),
        (_, None) => format!("{model} has no {alias} any more"),
    };
    let cut = |text: &str, max: usize| text.chars().take(max).collect::<String>();
    let labels = json!({"model": cut(model, 200), "alias": cut(alias, 200), "instance": cut(&server.instance, 200)});
    let mut event = json!({"kind": kind, "key": key, "window": "31d", "labels": labels, "fields": fields, "summary": cut(&what, 1000)});
    if !promoted {
        event["title"] = json!(cut(&format!("MLflow alias {alias}"), 150));
        event["severity"] = json!("info");
    }
    event
}

fn warn_of(kind: &str, server: &WatchedServer, problem: Option<String>) {
    problem.iter().for_each(|problem| warn!("{kind} {}: {problem}; history begins anew", server.instance));
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::Millis;

    use super::*;

    #[test]
    fn dates_of_headers() {
        assert_eq!(date("Sat, 21 Nov 2026 10:51:26 GMT"), Timestamp::parse_rfc3339("2026-11-21T10:51:26Z"));
        assert_eq!(date("yesterday"), None);
    }

    #[test]
    fn a_server_that_fails_is_asked_less() {
        let mut backoff = Backoff::default();
        let mut ticks = |up: bool, count: usize| -> String {
            (0..count)
                .map(|_| {
                    let due = backoff.is_due();
                    if due {
                        backoff.polled(up);
                    }
                    if due { '|' } else { '.' }
                })
                .collect()
        };
        assert_eq!(ticks(true, 3), "|||");
        assert_eq!(ticks(false, 22), "||.|...|....|....|....");
        assert_eq!(ticks(true, 3), "|||");
        assert_eq!(ticks(false, 3), "||.");
    }

    /// Each change is an event that the reader takes, with a key of its own.
    #[test]
    fn aliases_are_events() {
        let http = bellbuoy_vocabulary::HttpOptions::default();
        let (interval, timeout) = (Millis::from_minutes(1), Millis::from_seconds(1));
        let (url, job, instance) = ("http://m".into(), "mlflow".into(), "m".into());
        let server = WatchedServer { url, job, instance, interval, timeout, http, listen: None };
        let check = |alias: &str, from, to, kind: &str| {
            let key = format!("mlflow/{}/{alias}/1", "m".repeat(300));
            let change = AliasChange { model: "bike".into(), alias: alias.into(), from, to, key };
            let event = PipelineEvent::read(&event(&change, &server), Timestamp(0)).expect("an event");
            assert_eq!(event.kind, kind);
            assert!(event.key.is_some_and(|key| key.ends_with(&format!("/{alias}/1"))));
        };
        check("champion", Some(2), Some(3), "champion-promotion");
        check("champion", None, Some(3), "champion-promotion");
        check("champion", Some(3), None, "model-alias");
        check("challenger", Some(2), Some(3), "model-alias");
    }
}
