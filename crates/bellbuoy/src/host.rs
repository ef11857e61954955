//! sources: reads this machine's `/proc` when `host:` of bellbuoy.yml asks for it, and hands the texts to `bellbuoy_sources`.
//!
//! In:    files of `/proc`, statvfs of each mount. Out: series under node_exporter's names, with `job` and `instance`, and `up`.
//! Never: waits for a mount that hangs: its sizes are missing until it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellbuoy_sources::host::{Filesystem, Mount, ProcTexts, Uname, Usage, mounts, samples};
use bellbuoy_vocabulary::{Labels, METRIC_NAME};
use tokio::sync::watch;
use tracing::warn;

use crate::clock;
use crate::config::HostSettings;
use crate::path::Path;

/// A mount that does not answer within this time (a network file system without its server) is left out.
const STATVFS_TIMEOUT: Duration = Duration::from_secs(3);

/// Until `stopped`.
pub async fn run(path: Arc<Path>, settings: HostSettings, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(settings.interval.to_std());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let asking = Arc::new(AtomicBool::new(false));
    let mut last_problems = Vec::new();
    let mut last_series: Vec<Labels> = Vec::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        let now = clock::now();
        let (mount_list, mut problems) = mounts(&read("self/mounts").unwrap_or_default());
        let texts = texts(ask(mount_list, &asking).await);
        let instance =
            settings.instance.clone().unwrap_or_else(|| texts.uname.as_ref().map_or(String::new(), |uname| uname.nodename.clone()));
        let (found, more) = samples(&texts, now);
        problems.extend(more);
        if problems != last_problems {
            problems.iter().for_each(|problem| warn!("host: {problem}"));
            last_problems = problems;
        }
        let series = labelled(found, &settings.job, &instance);
        let there: Vec<Labels> = series.iter().map(|(labels, _)| labels.clone()).collect();
        let ended: Vec<Labels> = last_series.into_iter().filter(|labels| !there.contains(labels)).collect();
        last_series = there;
        tokio::task::block_in_place(|| path.append_and_end(&series, &ended, now));
    }
}

fn labelled(found: Vec<(Labels, f64)>, job: &str, instance: &str) -> Vec<(Labels, f64)> {
    let up = (Labels::from_pairs([(METRIC_NAME, "up")]), 1.0);
    let all = found.into_iter().chain([up]);
    all.map(|(labels, value)| {
        let mut builder = labels.builder();
        builder.set("job", job).set("instance", instance);
        (builder.labels(), value)
    })
    .collect()
}

fn read(name: &str) -> Option<String> {
    std::fs::read_to_string(std::path::Path::new("/proc").join(name)).ok()
}

fn texts(filesystems: Vec<Filesystem>) -> ProcTexts {
    let kernel = |name: &str| read(&format!("sys/kernel/{name}")).map(|text| text.trim_end().to_string()).unwrap_or_default();
    ProcTexts {
        stat: read("stat"),
        meminfo: read("meminfo"),
        loadavg: read("loadavg"),
        diskstats: read("diskstats"),
        net_dev: read("net/dev"),
        vmstat: read("vmstat"),
        pressure_cpu: read("pressure/cpu"),
        pressure_memory: read("pressure/memory"),
        pressure_io: read("pressure/io"),
        filesystems,
        uname: Some(Uname {
            sysname: kernel("ostype"),
            nodename: kernel("hostname"),
            release: kernel("osrelease"),
            version: kernel("version"),
            machine: std::env::consts::ARCH.to_string(),
            domainname: kernel("domainname"),
        }),
    }
}

/// Sizes of the mounts, asked on a thread of its own. While an earlier question hangs, no new one is put.
async fn ask(mounts: Vec<Mount>, asking: &Arc<AtomicBool>) -> Vec<Filesystem> {
    let unknown = |mounts: Vec<Mount>| -> Vec<Filesystem> {
        mounts.into_iter().map(|mount| Filesystem { mount, usage: Err("statvfs does not answer".into()) }).collect()
    };
    if asking.swap(true, Ordering::AcqRel) {
        return unknown(mounts);
    }
    let (list, done) = (mounts.clone(), asking.clone());
    let answers = tokio::task::spawn_blocking(move || {
        let answers: Vec<Filesystem> = list.into_iter().map(|mount| Filesystem { usage: usage(&mount), mount }).collect();
        done.store(false, Ordering::Release);
        answers
    });
    match tokio::time::timeout(STATVFS_TIMEOUT, answers).await {
        Ok(Ok(answers)) => answers,
        Ok(Err(_)) | Err(_) => unknown(mounts),
    }
}

fn usage(mount: &Mount) -> Result<Usage, String> {
    let stat = rustix::fs::statvfs(mount.mountpoint.as_str()).map_err(|error| error.to_string())?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Usage {
        size: bytes(stat.f_blocks),
        free: bytes(stat.f_bfree),
        avail: bytes(stat.f_bavail),
        files: stat.f_files,
        files_free: stat.f_ffree,
    })
}
