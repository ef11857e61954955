//! collect: groups of metrics that jobs push, as the Pushgateway keeps them: until they are replaced or deleted.
//!
//! In:    a grouping key and families. Out: rows of state.db, written before a push is answered; a page that the path scrapes like a target's.
//! Never: forgets a group by itself; takes a group that contradicts another one (its failure is a series then).
//! Read:  `Pushed::push`, then `run`, which hands the page to the path and ends the leases of jobs that died.

mod grouping;
mod groups;
mod journal;
mod lease;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bellbuoy_exposition::{Family, FamilySample, Format, TextWriter, families_of_unpacked};
use bellbuoy_scrape::{Limits, Response, Scheme, ScrapeSettings, TargetGroup, TargetState, targets_of};
use bellbuoy_vocabulary::{Exemplar, HttpOptions, Labels, MetricType, Timestamp};
use tokio::sync::{Notify, watch};
use tracing::{error, warn};

pub use self::grouping::grouping;
use self::groups::Groups;
use self::journal::{Change, Journal};
use crate::clock::{self, Stopwatch};
use crate::config::PushedSettings;
use crate::path::Path;
use crate::state::{State, StateError};

const GROUPS_MAX: usize = 20_000;
const SAMPLES_MAX: usize = 1_000_000;
const GROUP_SAMPLES_MAX: usize = 100_000;
/// A push is visible at once, but a storm of pushes is read only so often.
const PAUSE: Duration = Duration::from_secs(1);
const PUSH_TIME: &str = "push_time_seconds";
const FAILURE_TIME: &str = "push_failure_time_seconds";

/// The grouping key: `job` and what the path named.
pub type Key = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub families: BTreeMap<String, Family>,
    pub pushed_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
}

impl Group {
    fn samples(&self) -> usize {
        self.families.values().map(|family| family.samples.len()).sum()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The metrics contradict themselves or others.
    #[error("pushed metrics are invalid or inconsistent with existing metrics: {0}")]
    Inconsistent(String),
    #[error("{0}")]
    Full(String),
    #[error("{0}")]
    Disk(#[from] StateError),
}

/// All pushed groups.
#[derive(Default)]
pub struct Pushed {
    groups: Mutex<Groups>,
    /// What the path knows of the page; kept over reloads, so that vanished series end.
    target: Mutex<Option<TargetState>>,
    changed: Notify,
    /// Pushes that wait for the disk.
    journal: Journal,
}

impl Pushed {
    pub fn restore(state: &State) -> Result<Pushed, StateError> {
        let mut groups = Groups::default();
        for row in state.pushed_groups()? {
            let key: Key = match serde_json::from_str(&row.key) {
                Ok(key) => key,
                Err(problem) => {
                    error!("a pushed group in state.db has a key that is not JSON and is left out: {problem}");
                    continue;
                }
            };
            let families = families_of_unpacked(row.body.unwrap_or_default().as_bytes()).unwrap_or_else(|problem| {
                error!("the pushed group {key:?} in state.db can not be read and is empty until the next push: {problem}");
                Vec::new()
            });
            let families = families.into_iter().map(|family| (family.name.clone(), family)).collect();
            groups.put(key, Some(Group { families, pushed_at: row.pushed_at, failed_at: row.failed_at }));
        }
        Ok(Pushed { groups: Mutex::new(groups), ..Pushed::default() })
    }

    /// `replace`: PUT, the whole group; else POST, only the families that are given. Ok means that it is on disk.
    pub fn push(&self, state: &State, key: Key, mut families: Vec<Family>, replace: bool, now: Timestamp) -> Result<(), PushError> {
        // What a group says about its pushes is ours to say: a job that copies a page back would have it twice.
        families.retain(|family| family.name != PUSH_TIME && family.name != FAILURE_TIME);
        // What only the push itself says is looked at before anybody has to wait for it.
        let alone = consistent(&key, &families);
        let groups = lock(&self.groups);
        let old = groups.get(&key);
        if old.is_none() && groups.len() >= GROUPS_MAX {
            return Err(PushError::Full(format!("there are {GROUPS_MAX} pushed groups; delete those of jobs that are gone")));
        }
        let old_samples = old.map_or(0, Group::samples);
        let mut group = match old {
            // A push that fails keeps what is there.
            Some(old) if replace && alone.is_ok() => Group { families: BTreeMap::new(), ..*old },
            Some(old) => old.clone(),
            None => Group::default(),
        };
        if let Err(why) = alone.and_then(|()| groups.agree(&key, &families)) {
            let mut group = groups.get(&key).cloned().unwrap_or_default();
            group.failed_at = Some(now);
            self.store(state, groups, vec![(key, Some(group))])?;
            return Err(PushError::Inconsistent(why));
        }
        for mut family in families {
            for sample in &mut family.samples {
                mark(sample, &key);
                // The store would refuse them with each reading of the page.
                sample.exemplars.retain(Exemplar::fits);
            }
            group.families.insert(family.name.clone(), family);
        }
        let samples = group.samples();
        if samples > GROUP_SAMPLES_MAX || groups.samples() - old_samples + samples > SAMPLES_MAX {
            let why = format!("too many pushed samples: at most {GROUP_SAMPLES_MAX} a group and {SAMPLES_MAX} in all");
            return Err(PushError::Full(why));
        }
        group.pushed_at = Some(now);
        self.store(state, groups, vec![(key, Some(group))])?;
        Ok(())
    }

    pub fn delete(&self, state: &State, key: &Key) -> Result<(), StateError> {
        let groups = lock(&self.groups);
        if groups.get(key).is_none() {
            return Ok(());
        }
        self.store(state, groups, vec![(key.clone(), None)])
    }

    /// A copy, for the API.
    pub fn groups(&self) -> Vec<(Key, Group)> {
        lock(&self.groups).iter().map(|(key, group)| (key.clone(), group.clone())).collect()
    }

    pub fn len(&self) -> usize {
        lock(&self.groups).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All groups as one page, family by family, with the two series that each group has about its pushes.
    pub fn page(&self) -> String {
        self.write_page(TextWriter::new(Format::PrometheusText))
    }

    fn write_page(&self, mut out: TextWriter) -> String {
        let groups = lock(&self.groups);
        let mut families: BTreeMap<&str, Vec<&Family>> = BTreeMap::new();
        for family in groups.iter().map(|(_, group)| group).flat_map(|group| group.families.values()) {
            families.entry(&family.name).or_default().push(family);
        }
        for parts in families.values() {
            out.family(&parts[0].name, parts[0].kind, &parts[0].help);
            parts.iter().for_each(|part| part.write_samples(&mut out));
        }
        for family in [times(&groups, PUSH_TIME), times(&groups, FAILURE_TIME)] {
            if !family.samples.is_empty() {
                family.write(&mut out);
            }
        }
        out.finish()
    }

    /// New states of groups, `None` for gone: in memory now, in the order of the lock; on disk when it returns, with whatever else waits.
    fn store(&self, state: &State, mut groups: MutexGuard<'_, Groups>, changes: Vec<(Key, Option<Group>)>) -> Result<(), StateError> {
        let mut put = |(key, group): (Key, Option<Group>)| {
            let before = groups.put(key.clone(), group.clone());
            Change { key, group, before }
        };
        let ticket = self.journal.add(changes.into_iter().map(&mut put).collect());
        drop(groups);
        self.journal.settle(state, ticket, &self.groups)?;
        self.changed.notify_one();
        Ok(())
    }
}

/// The group's labels win over those of the metric; `instance` is there and empty unless somebody gave it, so that a scrape adds none.
fn mark(sample: &mut FamilySample, key: &Key) {
    sample.labels.retain(|(name, _)| !key.contains_key(name));
    sample.labels.extend(key.iter().map(|(name, value)| (name.clone(), value.clone())));
    if !sample.labels.iter().any(|(name, _)| name == "instance") {
        sample.labels.push(("instance".into(), String::new()));
    }
}

fn times(groups: &Groups, name: &str) -> Family {
    let help = match name {
        PUSH_TIME => "Last Unix time when changing this group in the Pushgateway succeeded.",
        _ => "Last Unix time when changing this group in the Pushgateway failed.",
    };
    let samples = groups.iter().map(|(key, group)| {
        let at = if name == PUSH_TIME { group.pushed_at } else { group.failed_at };
        let value = at.map_or(0.0, Timestamp::seconds);
        let mut sample = FamilySample { name: name.to_string(), labels: Vec::new(), value, at: None, exemplars: Vec::new() };
        mark(&mut sample, key);
        sample
    });
    Family { name: name.to_string(), kind: MetricType::Gauge, help: help.to_string(), samples: samples.collect() }
}

/// No times, no series twice.
fn consistent(key: &Key, families: &[Family]) -> Result<(), String> {
    let mut seen: HashSet<Labels> = HashSet::new();
    let mut names: HashSet<&str> = HashSet::new();
    for family in families {
        if !names.insert(&family.name) {
            return Err(format!("the metric family {} stands twice", family.name));
        }
        for sample in &family.samples {
            if sample.at.is_some() {
                return Err(format!("pushed metrics must not have timestamps: {}", sample.name));
            }
            let mut marked = sample.clone();
            mark(&mut marked, key);
            let pairs = marked.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let labels = Labels::from_pairs(pairs.chain([("__name__", sample.name.as_str())]));
            if !seen.insert(labels.clone()) {
                return Err(format!("collected metric {labels} was collected before with the same name and label values"));
            }
        }
    }
    Ok(())
}

/// Hands the page to the path, each interval and soon after a push. Nothing happens as long as nobody ever pushed.
pub async fn run(path: Arc<Path>, pushed: Arc<Pushed>, settings: PushedSettings, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(settings.interval.to_std());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = pushed.changed.notified() => {}
            _ = stopped.changed() => return,
        }
        tokio::task::block_in_place(|| {
            lease::end_overdue(&pushed, &path.state, clock::now());
            pushed.collect(&path, &settings, clock::now());
        });
        tokio::select! {
            _ = tokio::time::sleep(PAUSE) => {}
            _ = stopped.changed() => return,
        }
    }
}

impl Pushed {
    fn collect(&self, path: &Path, settings: &PushedSettings, now: Timestamp) {
        let mut target = lock(&self.target);
        if target.is_none() && self.is_empty() {
            return;
        }
        if settings.listen.is_some() {
            // Whoever scrapes the port has them.
            if let Some(mut old) = target.take() {
                path.target_gone(&mut old, now);
            }
            return;
        }
        let wanted = target_state(settings, &path.external_url);
        if target.as_ref().is_none_or(|known| known.target().labels != wanted.target().labels) {
            if let Some(mut old) = target.take() {
                path.target_gone(&mut old, now);
            }
            *target = Some(wanted);
        }
        let Some(state) = target.as_mut() else { return };
        let watch = Stopwatch::start();
        let page = self.write_page(TextWriter::unpacked());
        let response = Response::Unpacked { text: &page };
        let report = path.scraped(state, response, now, watch.seconds());
        if let Some(reason) = report.error {
            warn!("pushed groups: {reason}");
        }
    }
}

/// The page as a target with `honor_labels`, as a Pushgateway is scraped.
fn target_state(settings: &PushedSettings, external_url: &str) -> TargetState {
    let address = external_url.split("://").last().and_then(|rest| rest.split('/').next()).unwrap_or("localhost").to_string();
    let scrape = Arc::new(ScrapeSettings {
        job_name: settings.job.clone(),
        scrape_interval: settings.interval,
        scrape_timeout: settings.interval,
        metrics_path: "/pushgateway/metrics".into(),
        scheme: Scheme::Http,
        params: Vec::new(),
        honor_labels: true,
        honor_timestamps: true,
        protocols: Vec::new(),
        fallback_protocol: None,
        http: HttpOptions::default(),
        limits: Limits { body_bytes_max: u64::MAX, samples_max: u64::MAX, ..Limits::default() },
        static_configs: Vec::new(),
        file_sd_configs: Vec::new(),
        relabel_configs: Vec::new(),
        metric_relabel_configs: Vec::new(),
    });
    let group = TargetGroup { source: "pushgateway".into(), targets: vec![address], labels: Labels::empty() };
    let (mut targets, _) = targets_of(&scrape, &[group]);
    let target = targets.pop().unwrap_or_else(|| bellbuoy_scrape::Target {
        job: settings.job.clone(),
        labels: Labels::from_pairs([("job", settings.job.as_str())]),
        discovered: Labels::empty(),
        url: String::new(),
        interval: settings.interval,
        timeout: settings.interval,
        settings: scrape.clone(),
    });
    TargetState::new(Arc::new(target))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests;
