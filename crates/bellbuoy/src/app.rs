//! The running program: makes the parts, starts their tasks, reloads, stops.
//!
//! In:    options from the command line, settings from the configuration. Out: an `App` that serves until `stop`.
//! Order of start: state, store, path (restored), sender, router, rules, targets, then the port says ready. Stop is the reverse.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use bellbuoy_promql::Engine;
use bellbuoy_rules::Group;
use bellbuoy_store::{EXEMPLARS_MAX_DEFAULT, OsDisk, Store};
use bellbuoy_template::TemplateSet;
use bellbuoy_vocabulary::{Millis, Problem, Severity, Span, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::checker::Checker;
use crate::client::Clients;
use crate::clock;
use crate::config::{self, Loaded, ReadFile, Settings};
use crate::dashboards::Dashboards;
use crate::forwarder::Forwarder;
use crate::models::{Models, References, Sources};
use crate::path::{Parts, Path};
use crate::pollers::{self, Watcher};
use crate::pulse::{Pulse, Reading};
use crate::pushed::Pushed;
use crate::scraper::{Scraper, discovery_files};
use crate::sender::Sender;
use crate::silences::SilenceLimits;
use crate::state::{HistoryLimits, State};
use crate::telemetry::Telemetry;

/// How often changed files are looked for.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);
/// How often what was logged is forced to disk: at most this much is lost when the power fails.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60);

/// What the command line says. Changing it needs a restart; what the files say can be reloaded.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A folder, or one configuration file.
    pub config: PathBuf,
    pub data: PathBuf,
    /// `host:port`; port 0 picks one.
    pub listen: String,
    /// A second port for clients that expect Alertmanager on its own.
    pub alertmanager_listen: Option<String>,
    pub external_url: Option<String>,
    /// `None`: as `storage.retention` of bellbuoy.yml says, which is 15 days without such a file.
    pub retention: Option<Millis>,
    /// The pages from a folder instead of those in the program.
    pub pages_dir: Option<PathBuf>,
    /// Reload when a configuration file changes.
    pub watch: bool,
    pub alertmanager: AlertmanagerOptions,
    /// Whether pages may write dashboards back to their files.
    pub dashboard_edit: DashboardEdit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DashboardEdit {
    /// When nobody but this machine reaches the port.
    #[default]
    Loopback,
    On,
    Off,
}

/// What Alertmanager takes on its command line.
#[derive(Clone, Debug, Default)]
pub struct AlertmanagerOptions {
    pub silences: SilenceLimits,
    /// Alerts of one name; 0 is no limit.
    pub alerts_per_name_max: usize,
    /// Requests of API v2 that are read at a time; `None` is one per core, at least 8.
    pub get_concurrency: Option<usize>,
    /// Of a request of API v2.
    pub http_timeout: Option<Millis>,
    /// Nobody is told anything before this has passed since the start.
    pub start_delay: Millis,
    /// How long the history of notifications is kept; `None`: as bellbuoy.yml says.
    pub retention: Option<Millis>,
    /// Everything is served below this path too: `/alerts`.
    pub route_prefix: Option<String>,
}

/// What became of the last reload.
#[derive(Clone, Debug)]
pub struct ReloadStatus {
    pub good: bool,
    pub last_good: Timestamp,
    /// Why the last one was rejected; the settings before it are in force.
    pub problems: Vec<String>,
}

/// The files as they were read last.
#[derive(Debug, Default)]
pub struct Configuration {
    /// Those in force.
    pub files: Vec<ReadFile>,
    /// Of the last reading, which may have been rejected.
    pub problems: Vec<Problem>,
}

pub struct App {
    pub options: Options,
    pub path: Arc<Path>,
    pub scraper: Arc<Scraper>,
    pub models: Arc<Models>,
    pub dashboards: Dashboards,
    pub pulse: Pulse,
    /// Where rows of models are fetched.
    pub sources: Arc<Sources>,
    pub pushed: Arc<Pushed>,
    /// Airflow and MLflow as they were seen last.
    pub servers: pollers::Watched,
    references: References,
    pub clients: Arc<Clients>,
    pub started_at: Timestamp,
    pub sender: Arc<Sender>,
    /// What the checks say of the settings in force.
    pub checker: Arc<Checker>,
    /// One reload at a time; readers of its status never wait for one.
    reloading: Mutex<()>,
    reload_status: Mutex<ReloadStatus>,
    configuration: Mutex<Arc<Configuration>>,
    ready: AtomicBool,
    address: OnceLock<SocketAddr>,
    external_url: String,
    watched: Mutex<Vec<(PathBuf, Option<SystemTime>)>>,
    /// Replaced at each reload: the old tasks of rules, of the host and of pushed groups end.
    rules_stop: Mutex<watch::Sender<bool>>,
    stop: watch::Sender<bool>,
}

/// Reads the configuration; the rendered problems when it can not be used.
pub fn load(options: &Options, references: &References) -> (Loaded, Vec<String>) {
    let mut loaded = read(&options.config, false);
    if let Some(settings) = &mut loaded.settings {
        let mut problems = templates(settings).err().unwrap_or_default();
        problems.extend(references.settle(&mut settings.models));
        reject_if_failed(&mut loaded, problems);
    }
    let rendered = errors_rendered(&loaded);
    (loaded, rendered)
}

/// Reads the configuration without anything that only sending or judging needs: for commands that look.
pub fn look(config: &std::path::Path) -> (Loaded, Vec<String>) {
    let mut loaded = read(config, true);
    if let Some(problems) = loaded.settings.as_ref().and_then(|settings| templates(settings).err()) {
        reject_if_failed(&mut loaded, problems);
    }
    let rendered = errors_rendered(&loaded);
    (loaded, rendered)
}

fn read(dir_or_file: &std::path::Path, look_only: bool) -> Loaded {
    let env = |name: &str| std::env::var(name).ok();
    let check_template = |text: &str| bellbuoy_template::rule::check(text).map_err(|error| error.to_string());
    config::load(&config::Sources { dir_or_file, env: &env, check_template: &check_template, look_only })
}

fn reject_if_failed(loaded: &mut Loaded, problems: Vec<Problem>) {
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        loaded.settings = None;
    }
    loaded.problems.extend(problems);
}

fn errors_rendered(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().filter(|problem| problem.severity == Severity::Error).map(|problem| rendered(problem, loaded)).collect()
}

/// The templates of messages: the built-in ones and those of the settings' files.
pub fn templates(settings: &Settings) -> Result<TemplateSet, Vec<Problem>> {
    let mut set = bellbuoy_template::notify::default_templates();
    let mut problems = Vec::new();
    for (file, text) in &settings.template_files {
        let name = file.display().to_string();
        if let Err(error) = set.add(&name, text) {
            problems.push(Problem::error(name, Span { line: error.line, column: 0, length: 0 }, error.message));
        }
    }
    if problems.is_empty() { Ok(set) } else { Err(problems) }
}

/// The store with what was in it; what could not be read back is logged, and counted by the store.
fn open_store(options: &Options, settings: &Settings, now: Timestamp) -> anyhow::Result<Store> {
    let store_options = bellbuoy_store::Options {
        retention: options.retention.unwrap_or(settings.storage.retention),
        retention_bytes: Some(settings.storage.retention_size_bytes).filter(|bytes| *bytes > 0),
        exemplars_max: settings.exemplars_max.unwrap_or(EXEMPLARS_MAX_DEFAULT),
        ..bellbuoy_store::Options::default()
    };
    let disk = Arc::new(OsDisk::new(&options.data));
    let (store, recovery) = tokio::task::block_in_place(|| Store::open(disk, store_options, now))?;
    info!("store: {} series, {} samples read back", recovery.series, recovery.samples);
    recovery.problems.iter().for_each(|problem| warn!("store: {problem}"));
    for damage in &recovery.damaged {
        error!("store: {} at byte {}: {}", damage.segment, damage.offset, damage.what);
    }
    Ok(store)
}

fn rendered(problem: &Problem, loaded: &Loaded) -> String {
    loaded.texts.get(std::path::Path::new(&problem.file)).map_or_else(|| problem.to_string(), |text| problem.with_source(text))
}

/// Each thread has a heap of its own, which the next new thread takes over. Read on the runtime's threads, which change, each reload of
/// 10,000 rules left 160 MiB of free memory behind in another one.
fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let ended = std::thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl App {
    /// Starts everything on a bound listener. The settings come from `load`, which has filled `references`.
    pub async fn start(options: Options, loaded: Loaded, settings: Settings, references: References) -> anyhow::Result<Arc<App>> {
        let now = clock::now();
        std::fs::create_dir_all(&options.data).map_err(|error| anyhow::anyhow!("data folder {}: {error}", options.data.display()))?;
        let listener = TcpListener::bind(&options.listen)
            .await
            .map_err(|error| anyhow::anyhow!("listen on {}: {error}; choose another address with --listen", options.listen))?;
        let address = listener.local_addr()?;
        let external_url = options.external_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let state = Arc::new(State::open(&options.data.join("state.db"))?);
        let store = Arc::new(open_store(&options, &settings, now)?);
        let pushed = Arc::new(Pushed::restore(&state)?);
        let settings = Arc::new(settings);
        let engine = Engine::new(bellbuoy_promql::Options::default());
        let clients = Arc::new(Clients::new());
        let telemetry = Arc::new(Telemetry::default());
        let forwarder = Forwarder::new(clients.clone(), telemetry.clone());
        let parts = Parts { store, state, telemetry, forwarder };
        let path = Arc::new(Path::new(parts, engine, settings.clone(), external_url.clone()));
        path.set_limits(&options.alertmanager);
        // `--dispatch.start-delay`: Prometheus may need a while to send what still fires.
        path.stay_quiet_until(now + options.alertmanager.start_delay);
        path.restore(now)?;
        let models = Models::new(path.clone(), options.data.join("models"));
        let app = Arc::new(App {
            scraper: Scraper::new(path.clone(), clients.clone()),
            sources: Sources::new(path.clone(), models.clone()),
            models,
            dashboards: Dashboards::new(&options.config, &options.data),
            pulse: Pulse::default(),
            references,
            pushed,
            sender: Sender::new(path.clone(), clients.clone()),
            started_at: now,
            checker: Checker::new(),
            reloading: Mutex::default(),
            reload_status: Mutex::new(ReloadStatus { good: true, last_good: now, problems: Vec::new() }),
            configuration: Mutex::new(Arc::new(Configuration { files: loaded.shown.clone(), problems: loaded.problems.clone() })),
            ready: AtomicBool::new(false),
            address: OnceLock::from(address),
            external_url,
            watched: Mutex::default(),
            rules_stop: Mutex::new(watch::channel(false).0),
            stop: watch::channel(false).0,
            options,
            path,
            clients,
            servers: pollers::Watched::default(),
        });
        app.watch_files(&loaded, Some(&app.path.settings()));
        app.checker.check(loaded, (*settings).clone());
        app.run(settings, listener, now).await?;
        // Scripts wait for this line.
        info!("listening on http://{address}");
        Ok(app)
    }

    /// Sends, judges and answers from here on.
    async fn run(self: &Arc<App>, settings: Arc<Settings>, listener: TcpListener, now: Timestamp) -> anyhow::Result<()> {
        let backlog = self.path.backlog.clone();
        std::thread::Builder::new().name("backlog".into()).spawn(move || backlog.run())?;
        tokio::spawn(self.sender.clone().run());
        tokio::spawn(self.clone().run_router());
        tokio::spawn(self.clone().run_upkeep());
        self.adopt(settings, now);
        self.serve(listener);
        if let Some(listen) = &self.options.alertmanager_listen {
            let listener = TcpListener::bind(listen).await.map_err(|error| anyhow::anyhow!("listen on {listen}: {error}"))?;
            info!("Alertmanager's API also on http://{}", listener.local_addr()?);
            self.serve(listener);
        }
        self.ready.store(true, Ordering::Release);
        Ok(())
    }

    pub fn external_url(&self) -> &str {
        &self.external_url
    }

    /// `/path` below which everything is served too, or nothing: `--web.route-prefix`, else the path of the external URL.
    pub fn route_prefix(&self) -> String {
        let path = match &self.options.alertmanager.route_prefix {
            Some(prefix) => prefix.as_str(),
            None => self.external_url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path),
        };
        let path = path.trim_matches('/');
        // Braces mean something to the router of requests; no address has them.
        if path.is_empty() || path.contains(['{', '}', '*', '?', '#']) { String::new() } else { format!("/{path}") }
    }

    /// How long the history of notifications is kept: the flag wins over bellbuoy.yml.
    fn history_limits(&self) -> HistoryLimits {
        let limits = self.path.settings().storage.notifications;
        HistoryLimits { retention: self.options.alertmanager.retention.unwrap_or(limits.retention), ..limits }
    }

    /// How long samples are kept; decided at the start.
    pub fn retention(&self) -> Millis {
        self.options.retention.unwrap_or(self.path.settings().storage.retention)
    }

    pub fn address(&self) -> SocketAddr {
        *self.address.get().expect("set when the app is made")
    }

    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub fn reload_status(&self) -> ReloadStatus {
        self.reload_status.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    pub fn configuration(&self) -> Arc<Configuration> {
        self.configuration.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The texts of rejected files are not shown: what is wrong with them may be a secret in the wrong place.
    fn note_configuration(&self, loaded: &Loaded) {
        let mut configuration = self.configuration.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let files = if loaded.settings.is_some() { loaded.shown.clone() } else { configuration.files.clone() };
        *configuration = Arc::new(Configuration { files, problems: loaded.problems.clone() });
    }

    /// Reads the files again. All good: they are in force at once. Any problem: nothing changes, and all problems are told.
    pub fn reload(self: &Arc<Self>) -> Result<(), String> {
        let _one = self.reloading.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.dashboards.read_again();
        let (mut loaded, problems) = on_a_thread(|| load(&self.options, &self.references));
        self.note_configuration(&loaded);
        self.watch_files(&loaded, loaded.settings.as_ref());
        for problem in loaded.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
            warn!("{problem}");
        }
        let now = clock::now();
        let status = || self.reload_status.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match loaded.settings.take() {
            Some(settings) => {
                self.adopt(Arc::new(settings.clone()), now);
                self.checker.check(loaded, settings);
                *status() = ReloadStatus { good: true, last_good: now, problems: Vec::new() };
                info!("configuration reloaded");
                Ok(())
            }
            None => {
                self.path.telemetry.reloads_failed.add(1);
                let text = problems.join("\n");
                let mut status = status();
                status.good = false;
                status.problems = problems;
                error!("configuration rejected, the old one stays in force:\n{text}");
                Err(text)
            }
        }
    }

    /// Ends all tasks and closes the store.
    pub async fn stop(&self) {
        self.ready.store(false, Ordering::Release);
        let _ = self.stop.send(true);
        let _ = self.rules_stop.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).send(true);
        self.scraper.stop();
        self.sources.stop();
        self.sender.stop();
        let closed = tokio::task::block_in_place(|| {
            self.path.backlog.close();
            self.path.store.close()
        });
        if let Err(error) = closed {
            error!("the store could not be closed: {error}");
        }
    }

    fn adopt(self: &Arc<Self>, settings: Arc<Settings>, now: Timestamp) {
        let mut rules_stop = self.rules_stop.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // The old rule tasks first: a group must not be evaluated after its successor took over its alerts.
        let _ = rules_stop.send(true);
        *rules_stop = watch::channel(false).0;
        self.path.store.set_exemplars_max(settings.exemplars_max.unwrap_or(EXEMPLARS_MAX_DEFAULT));
        self.models.adopt(&settings.models, &self.references);
        self.sources.adopt(&settings.models);
        // `load` has refused settings whose templates can not be read.
        let templates = templates(&settings).unwrap_or_else(|_| bellbuoy_template::notify::default_templates());
        for group in self.path.adopt(settings.clone(), templates, now) {
            tokio::spawn(run_group(self.path.clone(), group, rules_stop.subscribe()));
        }
        tokio::spawn(crate::pushed::run(self.path.clone(), self.pushed.clone(), settings.pushed.clone(), rules_stop.subscribe()));
        if let Some(address) = settings.pushed.listen.clone() {
            let (routes, stop) = (crate::api::pushgateway(self.clone()), rules_stop.subscribe());
            tokio::spawn(async move { crate::port::serve("the Pushgateway's protocol", &address, routes, stop).await });
        }
        if let Some(host) = &settings.host {
            tokio::spawn(crate::host::run(self.path.clone(), host.clone(), rules_stop.subscribe()));
        }
        self.watch_servers(&settings, &rules_stop);
        self.scraper.adopt(&settings.scrape);
    }

    /// Airflow and MLflow: each goes on from what it has kept.
    fn watch_servers(&self, settings: &Settings, stop: &watch::Sender<bool>) {
        let kept = |kind: &str, server| {
            self.path.state.kept(&pollers::kept_name(kind, server)).unwrap_or_else(|error| {
                warn!("{error}");
                None
            })
        };
        self.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
        let start = |server: &config::WatchedServer, watcher, events| {
            let (path, clients, watched) = (self.path.clone(), self.clients.clone(), self.servers.clone());
            tokio::spawn(pollers::run(path, clients, server.clone(), watcher, events, watched, stop.subscribe()));
        };
        for config in &settings.airflow {
            start(&config.server, Watcher::airflow(config, kept("airflow", &config.server)), false);
        }
        for config in &settings.mlflow {
            start(&config.server, Watcher::mlflow(config, kept("mlflow", &config.server)), config.events);
        }
    }

    fn serve(self: &Arc<Self>, listener: TcpListener) {
        let service = crate::api::router(self.clone());
        let mut stopped = self.stop.subscribe();
        tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.changed().await;
            };
            if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(shutdown).await {
                error!("the HTTP server ended: {error}");
            }
        });
    }

    async fn run_router(self: Arc<Self>) {
        let mut stopped = self.stop.subscribe();
        loop {
            let woken = self.path.wake_router.notified();
            let due = || self.path.router_next_due();
            let wait = due().map_or(Duration::from_secs(3600), clock::until);
            tokio::select! {
                _ = tokio::time::sleep(wait) => {}
                _ = woken => {}
                _ = stopped.changed() => return,
            }
            if due().is_some_and(|due| due <= clock::now()) {
                tokio::task::block_in_place(|| self.path.router_due(clock::now()));
            }
        }
    }

    /// Everything that has to be done now and then.
    async fn run_upkeep(self: Arc<Self>) {
        let mut stopped = self.stop.subscribe();
        let mut sync = tokio::time::interval(SYNC_INTERVAL);
        let mut watch = tokio::time::interval(WATCH_INTERVAL);
        let mut maintenance = tokio::time::interval(MAINTENANCE_INTERVAL);
        let mut discovery = tokio::time::interval(Scraper::discovery_interval().to_std());
        loop {
            tokio::select! {
                _ = sync.tick() => {
                    if let Err(error) = tokio::task::block_in_place(|| self.path.store.sync()) {
                        error!("samples could not be forced to disk: {error}");
                    }
                    self.models.run_due(clock::now());
                    self.take_pulse();
                }
                _ = watch.tick(), if self.options.watch => {
                    tokio::task::block_in_place(|| self.dashboards.refresh());
                    if self.files_changed() {
                        info!("a configuration file has changed");
                        let _ = tokio::task::block_in_place(|| self.reload());
                    }
                }
                _ = discovery.tick() => self.scraper.rediscover(&self.path.settings().scrape),
                _ = maintenance.tick() => tokio::task::block_in_place(|| {
                    self.path.store.maintain(clock::now());
                    self.models.maintain(clock::now());
                    self.path.sweep_silences(clock::now());
                    if let Err(error) = self.path.state.forget_notifications(&self.history_limits(), clock::now()) {
                        warn!("{error}");
                    }
                    if let Err(error) = self.path.state.trim() {
                        warn!("{error}");
                    }
                }),
                _ = stopped.changed() => return,
            }
        }
    }

    fn take_pulse(&self) {
        let rows = self.path.telemetry.model_rows.all();
        let predictions = rows.into_iter().filter_map(|(labels, count)| match labels.as_slice() {
            [model, kind] if kind == "predictions" => Some((model.clone(), count)),
            _ => None,
        });
        let reading = Reading { samples: self.path.store.stats().samples_appended, predictions: predictions.collect() };
        self.pulse.note(reading, clock::now());
    }

    /// Discovery files are left out: the scraper follows them without a reload.
    fn watch_files(&self, loaded: &Loaded, settings: Option<&Settings>) {
        let mut files = loaded.files.clone();
        if let Some(settings) = settings {
            let discovered = discovery_files(&settings.scrape);
            files.retain(|file| !discovered.contains(file));
        }
        // A new rule file in a watched folder changes the folder's own time.
        let folders: Vec<PathBuf> = files.iter().filter_map(|file| file.parent().map(PathBuf::from)).collect();
        files.extend(folders);
        files.sort();
        files.dedup();
        let data = self.options.data.canonicalize().ok();
        files.retain(|file| data.is_none() || file.canonicalize().ok() != data);
        *self.watched.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) =
            files.into_iter().map(|file| (file.clone(), modified(&file))).collect();
    }

    fn files_changed(&self) -> bool {
        let watched = self.watched.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        watched.iter().any(|(file, before)| modified(file) != *before)
    }
}

fn modified(file: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

async fn run_group(path: Arc<Path>, group: Arc<Mutex<Group>>, mut stopped: watch::Receiver<bool>) {
    let (label, interval, mut due) = {
        let group = group.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        (format!("{};{}", group.file(), group.name()), group.interval(), group.next_due(clock::now()))
    };
    loop {
        tokio::select! {
            _ = tokio::time::sleep(clock::until(due)) => {}
            _ = stopped.changed() => return,
        }
        if *stopped.borrow() {
            return;
        }
        tokio::task::block_in_place(|| path.group_due(&group, due));
        let now = clock::now();
        due += interval;
        if due <= now {
            // The evaluation took longer than the interval: the points in between are gone, and counted.
            let missed = (now - due).0 / interval.0.max(1) + 1;
            path.telemetry.rule_iterations_missed.add(&[&label], missed as u64);
            due += interval * missed;
        }
    }
}
