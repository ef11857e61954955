//! rules > router > notify, backwards: what `check::explain` needs to know, from the running path, from a data folder, or from a Prometheus.
//!
//! In:    `Ask`: an alert or an expression, a time, labels. Out: an `Explanation`.
//! Never: changes anything; an answer that takes longer than its deadline says what was known by then.

use std::cell::OnceCell;
use std::path::Path as FilePath;
use std::sync::Arc;

use bellbuoy_check::explain::{Delivery, Explanation, KnownSilence, Question, World, explain_alert, explain_expr};
use bellbuoy_promql::{Engine, Options, parse};
use bellbuoy_store::Store;
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, METRIC_NAME, Matcher, Millis, SeriesSource, Timestamp};
use serde_json::Value;

use crate::clock::Stopwatch;
use crate::config::Settings;
use crate::path::Path;
use crate::silences::Silence;
use crate::state::{HistoryQuery, OutboxRow, State};

const TIMEOUT: Millis = Millis::from_seconds(30);
/// A question about a time not longer ago than this is about now: the router's own alerts are looked at.
const NOW: Millis = Millis::from_seconds(5);
/// Messages of one alert name that are looked through.
const HISTORY_MAX: usize = 2000;

#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub alert: Option<String>,
    pub expr: Option<String>,
    /// `None` is now.
    pub at: Option<Timestamp>,
    pub labels: Vec<Matcher>,
    pub group: Option<String>,
    pub file: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error("{0}")]
    Bad(String),
    #[error("{0}")]
    NotFound(String),
}

/// Of the running program.
pub fn live(path: &Path, ask: &Ask, now: Timestamp) -> Result<Explanation, ExplainError> {
    let settings = path.settings();
    let at = ask.at.unwrap_or(now);
    let alerts: Vec<Alert> = path.alerts_view(now).into_iter().map(|view| view.alert).collect();
    let silences = path.silences();
    let known = Known {
        settings: &settings,
        source: &*path.store,
        names: &|from, to| path.store.label_values(METRIC_NAME, from, to, &[]),
        messages: Messages::Of(&path.state),
        engine: &path.engine,
        external_url: &path.external_url,
        silences: &silences,
        alerts: (now - at <= NOW).then_some(alerts.as_slice()),
    };
    known.explain(ask, at)
}

/// Of a data folder that no running program has to have open: its files are copied first, so nothing of it changes.
pub fn offline(settings: &Settings, data: &FilePath, ask: &Ask, now: Timestamp) -> anyhow::Result<Result<Explanation, ExplainError>> {
    let copy = DataCopy::of(data, now)?;
    let silences: Vec<Silence> =
        copy.state.as_ref().and_then(|state| state.silences().ok()).unwrap_or_default().iter().filter_map(Silence::from_json).collect();
    // The newest sample is "now" for who asks about a folder.
    let at = ask.at.or(copy.store.stats().max_time).unwrap_or(now);
    let known = Known {
        settings,
        source: &*copy.store,
        names: &|from, to| copy.store.label_values(METRIC_NAME, from, to, &[]),
        messages: copy.state.as_ref().map_or(Messages::Unknown("there is no state.db: what was sent is not known"), Messages::Of),
        engine: &Engine::new(Options::default()),
        external_url: "http://localhost:9090",
        silences: &silences,
        alerts: None,
    };
    Ok(known.explain(ask, at))
}

/// What a server is asked for that is no bellbuoy.
pub struct Server<'a> {
    pub source: &'a dyn SeriesSource,
    pub names: &'a dyn Fn(Timestamp, Timestamp) -> Vec<String>,
    pub silences: &'a [Silence],
    pub url: &'a str,
}

/// Of a Prometheus: by its rules and series. `settings` has the rules that it runs, and the routes where they are known.
pub fn elsewhere(settings: &Settings, server: &Server, ask: &Ask, now: Timestamp) -> Result<Explanation, ExplainError> {
    let known = Known {
        settings,
        source: server.source,
        names: server.names,
        messages: Messages::Unknown("Prometheus and its Alertmanagers do not keep what became of a message"),
        engine: &Engine::new(Options::default()),
        external_url: server.url,
        silences: server.silences,
        alerts: None,
    };
    known.explain(ask, ask.at.unwrap_or(now))
}

/// The samples and the state of a folder, in a folder of our own that goes away with this.
pub struct DataCopy {
    pub store: Arc<Store>,
    pub state: Option<State>,
    folder: std::path::PathBuf,
}

impl DataCopy {
    pub fn of(data: &FilePath, now: Timestamp) -> anyhow::Result<DataCopy> {
        use anyhow::{Context, bail};
        if !data.join("wal").is_dir() {
            bail!("{}: no samples here: the folder wal is missing; --data names what `up --data` was given", data.display());
        }
        let folder = std::env::temp_dir().join(format!("bellbuoy-read-{}", crate::clock::uuid()));
        for part in ["wal", "chunks_head"] {
            copy_folder(&data.join(part), &folder.join(part)).with_context(|| data.display().to_string())?;
        }
        let mut has_state = false;
        for part in ["state.db", "state.db-wal"] {
            if data.join(part).is_file() {
                std::fs::copy(data.join(part), folder.join(part)).with_context(|| data.display().to_string())?;
                has_state = true;
            }
        }
        // Nothing is too old to be looked at.
        let options = bellbuoy_store::Options { retention: Millis(now.0), ..bellbuoy_store::Options::default() };
        let (store, _) = Store::open(Arc::new(bellbuoy_store::OsDisk::new(&folder)), options, now)?;
        let state = if has_state { Some(State::open(&folder.join("state.db"))?) } else { None };
        Ok(DataCopy { store: Arc::new(store), state, folder })
    }
}

impl Drop for DataCopy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn copy_folder(from: &FilePath, to: &FilePath) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    let entries = match std::fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            match std::fs::copy(entry.path(), target) {
                // Retention took it away between the listing and the copy.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => drop(other?),
            }
        }
    }
    Ok(())
}

/// Who knows what was sent.
#[derive(Clone, Copy)]
enum Messages<'a> {
    Of(&'a State),
    /// And why nobody does.
    Unknown(&'static str),
}

struct Known<'a> {
    settings: &'a Settings,
    source: &'a dyn SeriesSource,
    names: &'a dyn Fn(Timestamp, Timestamp) -> Vec<String>,
    messages: Messages<'a>,
    engine: &'a Engine,
    external_url: &'a str,
    silences: &'a [Silence],
    alerts: Option<&'a [Alert]>,
}

impl Known<'_> {
    fn explain(&self, ask: &Ask, at: Timestamp) -> Result<Explanation, ExplainError> {
        let watch = Stopwatch::start();
        let stop = || watch.elapsed() > TIMEOUT;
        let silences: Vec<KnownSilence> = self.silences.iter().map(known_silence).collect();
        let router = self.settings.router.clone();
        let rows = OnceCell::new();
        let deliveries = |labels: &Labels, until: Timestamp| -> Result<Vec<Delivery>, String> {
            let rows: &Result<Vec<OutboxRow>, String> = rows.get_or_init(|| self.messages(labels.get(ALERT_NAME)));
            rows.as_ref()
                .map(|rows| rows.iter().filter(|row| row.created_at <= until && tells_of(row, labels)).map(delivery).collect())
                .map_err(String::clone)
        };
        let week = Millis::from_minutes(7 * 24 * 60);
        let names = || (self.names)(at - week, at);
        let world = World {
            engine: self.engine,
            source: self.source,
            groups: &self.settings.groups,
            router: router.as_ref(),
            external_labels: &self.settings.global.external_labels,
            external_url: self.external_url,
            silences: &silences,
            alerts: self.alerts,
            deliveries: &deliveries,
            names: &names,
            stop: &stop,
        };
        let question = Question { at, labels: ask.labels.clone(), group: ask.group.clone(), file: ask.file.clone() };
        match (&ask.alert, &ask.expr) {
            (Some(alert), None) => explain_alert(alert, &question, &world).map_err(ExplainError::NotFound),
            (None, Some(expr)) => {
                let expr = parse(expr).map_err(|error| ExplainError::Bad(error.to_string()))?;
                Ok(explain_expr(&expr, &question, &world))
            }
            _ => Err(ExplainError::Bad("give either alert or expr".into())),
        }
    }

    /// The newest messages that tell of an alert of this name.
    fn messages(&self, alertname: &str) -> Result<Vec<OutboxRow>, String> {
        let state = match self.messages {
            Messages::Of(state) => state,
            Messages::Unknown(why) => return Err(why.into()),
        };
        let query = HistoryQuery { alertname: Some(alertname.into()), limit: HISTORY_MAX, ..HistoryQuery::default() };
        state.history(&query).map(|(rows, _)| rows).map_err(|error| error.to_string())
    }
}

fn known_silence(silence: &Silence) -> KnownSilence {
    KnownSilence { silence: silence.mute(), created_by: silence.created_by.clone(), comment: silence.comment.clone() }
}

/// Alerts of Grafana's rules have labels that only they and their routes look at: `__name__` of the series among them.
fn tells_of(row: &OutboxRow, labels: &Labels) -> bool {
    let private = |name: &str| name.starts_with("__") && name.ends_with("__");
    let same = |told: Labels| {
        labels.iter().all(|(name, value)| told.get(name) == value) && told.iter().all(|(name, _)| labels.has(name) || private(name))
    };
    let alerts = row.notice.get("alerts").and_then(Value::as_array);
    alerts.into_iter().flatten().filter_map(|alert| crate::wire::labels_of(&alert["labels"])).any(same)
}

fn delivery(row: &OutboxRow) -> Delivery {
    let text = |name: &str| row.notice[name].as_str().unwrap_or("").to_string();
    Delivery {
        at: row.settled_at.unwrap_or(row.created_at).rfc3339(),
        receiver: text("receiver"),
        integration: format!("{}/{}", text("integration"), row.notice["index"]),
        status: row.status.word().into(),
        reason: row.reason.clone(),
        answer: row.last_answer.clone(),
        attempts: row.attempts,
    }
}
