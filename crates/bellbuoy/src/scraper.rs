//! scrape: carries out what the `scrape` stage asks for. One task per target: wait until due, fetch, hand the answer to the path.
//!
//! In:    the targets of the settings, and of discovery files. Out: `Path::scraped`, `Path::target_gone`, the view of `/api/v1/targets`.
//! Never: lets one target delay another: each has its own task, timeout and bound of bytes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bellbuoy_scrape::{DroppedTarget, Response, ScrapeSettings, Target, TargetHealth, TargetState, targets_of};
use bellbuoy_vocabulary::{Labels, Millis, Timestamp};
use tokio::sync::watch;
use tracing::{debug, warn};

use crate::client::{Clients, Request};
use crate::clock::{self, Stopwatch};
use crate::config;
use crate::path::Path;

/// A body above this many bytes is parsed off the event loop's usual threads.
const INLINE_BYTES_MAX: usize = 1 << 20;
/// Discovery files are read again this often, so that a change is seen soon; `refresh_interval` is the upper bound.
const DISCOVERY_INTERVAL: Millis = Millis(5_000);

/// One running target.
struct Running {
    target: Arc<Target>,
    state: Arc<Mutex<TargetState>>,
    stop: watch::Sender<bool>,
}

/// A target as `/api/v1/targets` shows it.
pub struct TargetView {
    pub target: Arc<Target>,
    pub health: TargetHealth,
}

#[derive(Default)]
struct Pool {
    running: HashMap<(Labels, String), Running>,
    dropped: Vec<DroppedTarget>,
    settings: Option<Arc<ScrapeSettings>>,
}

/// All running targets, by job.
pub struct Scraper {
    path: Arc<Path>,
    clients: Arc<Clients>,
    pools: Mutex<HashMap<String, Pool>>,
}

impl Scraper {
    pub fn new(path: Arc<Path>, clients: Arc<Clients>) -> Arc<Scraper> {
        Arc::new(Scraper { path, clients, pools: Mutex::default() })
    }

    /// Takes over the jobs of new settings: unchanged targets go on undisturbed, vanished ones end with staleness markers.
    pub fn adopt(self: &Arc<Self>, jobs: &[Arc<ScrapeSettings>]) {
        let gone: Vec<String> = {
            let pools = self.lock();
            pools.keys().filter(|name| !jobs.iter().any(|job| &job.job_name == *name)).cloned().collect()
        };
        for name in gone {
            if let Some(pool) = self.lock().remove(&name) {
                pool.running.into_values().for_each(|running| self.end(running));
            }
        }
        for job in jobs {
            self.sync(job);
        }
    }

    /// Reads the discovery files again; called by the app every few seconds.
    pub fn rediscover(self: &Arc<Self>, jobs: &[Arc<ScrapeSettings>]) {
        for job in jobs.iter().filter(|job| !job.file_sd_configs.is_empty()) {
            self.sync(job);
        }
    }

    pub fn discovery_interval() -> Millis {
        DISCOVERY_INTERVAL
    }

    pub fn views(&self) -> Vec<TargetView> {
        let mut views: Vec<TargetView> = {
            let pools = self.lock();
            pools
                .values()
                .flat_map(|pool| pool.running.values())
                .map(|running| TargetView {
                    target: running.target.clone(),
                    health: running.state.lock().unwrap_or_else(|p| p.into_inner()).health(),
                })
                .collect()
        };
        views.sort_by(|a, b| (&a.target.job, &a.target.url, &a.target.labels).cmp(&(&b.target.job, &b.target.url, &b.target.labels)));
        views
    }

    pub fn dropped(&self) -> Vec<(String, DroppedTarget)> {
        let pools = self.lock();
        pools.iter().flat_map(|(job, pool)| pool.dropped.iter().map(|target| (job.clone(), target.clone()))).collect()
    }

    /// Ends all targets without staleness markers: the program stops, the targets live on.
    pub fn stop(&self) {
        for (_, pool) in self.lock().drain() {
            for running in pool.running.into_values() {
                let _ = running.stop.send(true);
            }
        }
    }

    fn sync(self: &Arc<Self>, job: &Arc<ScrapeSettings>) {
        let mut groups = job.static_configs.clone();
        for discovery in &job.file_sd_configs {
            let (found, problems) = config::read_discovery(discovery);
            for problem in problems {
                warn!("{problem}");
            }
            match found {
                Some(found) => groups.extend(found),
                // A discovery file that can not be read must not end its targets: keep what runs.
                None => return,
            }
        }
        let (targets, dropped) = targets_of(job, &groups);
        let mut pools = self.lock();
        let pool = pools.entry(job.job_name.clone()).or_default();
        // Changed settings (timeouts, relabelling, limits) restart the job's targets; their series go on, since the store knows them by labels.
        let same_job = pool.settings.as_ref().is_some_and(|old| Arc::ptr_eq(old, job) || format!("{old:?}") == format!("{job:?}"));
        pool.settings = Some(job.clone());
        pool.dropped = dropped;
        let mut old = std::mem::take(&mut pool.running);
        for target in targets {
            let key = (target.labels.clone(), target.url.clone());
            let running = match old.remove(&key) {
                Some(running) if same_job => running,
                Some(running) => {
                    let _ = running.stop.send(true);
                    self.start(target)
                }
                None => self.start(target),
            };
            pool.running.insert(key, running);
        }
        drop(pools);
        old.into_values().for_each(|running| self.end(running));
    }

    fn start(self: &Arc<Self>, target: Target) -> Running {
        let target = Arc::new(target);
        let state = Arc::new(Mutex::new(TargetState::new(target.clone())));
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(run(self.path.clone(), self.clients.clone(), target.clone(), state.clone(), stopped));
        Running { target, state, stop }
    }

    fn end(&self, running: Running) {
        let _ = running.stop.send(true);
        let mut state = running.state.lock().unwrap_or_else(|p| p.into_inner());
        self.path.target_gone(&mut state, clock::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Pool>> {
        self.pools.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

async fn run(
    path: Arc<Path>,
    clients: Arc<Clients>,
    target: Arc<Target>,
    state: Arc<Mutex<TargetState>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut due = target.next_due(clock::now());
    loop {
        tokio::select! {
            _ = tokio::time::sleep(clock::until(due)) => {}
            _ = stopped.changed() => return,
        }
        let watch = Stopwatch::start();
        let fetched = tokio::select! {
            fetched = fetch(&clients, &target) => fetched,
            _ = stopped.changed() => return,
        };
        let took = watch.seconds();
        if *stopped.borrow() {
            return;
        }
        let absorb = || {
            let response = match &fetched {
                Ok((content_type, body)) => Response::Body { content_type: content_type.as_deref(), body },
                Err(reason) => Response::Failed { reason: reason.clone() },
            };
            let mut state = state.lock().unwrap_or_else(|p| p.into_inner());
            path.scraped(&mut state, response, due, took);
        };
        if fetched.as_ref().is_ok_and(|(_, body)| body.len() > INLINE_BYTES_MAX) {
            tokio::task::block_in_place(absorb);
        } else {
            absorb();
        }
        due = next(&target, due, clock::now());
    }
}

/// The next point of the target's own grid; points that passed while a slow target answered are skipped.
fn next(target: &Target, due: Timestamp, now: Timestamp) -> Timestamp {
    let next = due + target.interval;
    if next > now { next } else { target.next_due(now) }
}

async fn fetch(clients: &Clients, target: &Target) -> Result<(Option<String>, Vec<u8>), String> {
    let settings = &target.settings;
    let headers = [
        ("accept".to_string(), bellbuoy_exposition::accept_header(&settings.protocols)),
        ("x-prometheus-scrape-timeout-seconds".to_string(), target.timeout.seconds().to_string()),
    ];
    let body_bytes_max = settings.limits.body_bytes_max;
    let request =
        Request { method: "GET", url: &target.url, headers: &headers, body: Vec::new(), timeout: target.timeout.to_std(), body_bytes_max };
    let response = clients.send(&settings.http, request).await.map_err(|failure| failure.reason)?;
    debug!(url = target.url, status = response.status, bytes = response.body.len(), "scraped");
    if response.status != 200 {
        return Err(format!("server returned HTTP status {}", response.status));
    }
    if response.cut {
        return Err(format!("body size limit exceeded: more than {body_bytes_max} bytes"));
    }
    Ok((response.header("content-type").map(str::to_string), response.body))
}

/// Files that discovery reads, to be watched for changes.
pub fn discovery_files(jobs: &[Arc<ScrapeSettings>]) -> Vec<PathBuf> {
    jobs.iter().flat_map(|job| &job.file_sd_configs).flat_map(|discovery| &discovery.files).map(PathBuf::from).collect()
}
