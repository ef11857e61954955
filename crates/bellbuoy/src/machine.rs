//! sources: the files of this machine, for `bellbuoy_sources::host`.
//!
//! In:    paths and mount points that a collector asks for. Out: texts, names, sizes.
//! Never: waits for a mount that hangs (a network file system without its server): it is asked on a thread of its own, and not
//!        asked again while that one hangs.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bellbuoy_sources::Family;
use bellbuoy_sources::host::{Collector, Facts, Files, Host, TEXT_BYTES_MAX, Unread, Usage};
use tracing::warn;

use crate::clock;

/// How long a mount may take to answer.
const MOUNT_TIMEOUT: Duration = Duration::from_secs(3);
/// Mounts that may hang in one look; those after them wait for the next.
const HANGS_MAX: usize = 2;
/// Threads that may hang altogether.
const STUCK_MAX: usize = 64;

/// Where the kernel's files are; other places where this program runs in a container and the host's are mounted.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    pub procfs: String,
    pub sysfs: String,
    pub rootfs: String,
}

impl Default for Places {
    fn default() -> Places {
        Places { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: String::new() }
    }
}

pub struct Machine {
    places: Places,
    /// Tests have one that hangs.
    usage: fn(&str) -> Result<Usage, String>,
    mount_timeout: Duration,
    stuck: Arc<Mutex<BTreeSet<String>>>,
    timeouts: AtomicU64,
}

impl Machine {
    pub fn new(places: Places) -> Machine {
        let places = Places { rootfs: places.rootfs.trim_end_matches('/').to_string(), ..places };
        Machine { places, usage, mount_timeout: MOUNT_TIMEOUT, stuck: Arc::default(), timeouts: AtomicU64::new(0) }
    }

    /// Mounts that did not answer in time, since the start.
    pub fn timeouts(&self) -> u64 {
        self.timeouts.load(Ordering::Relaxed)
    }

    /// One look at the host, each collector timed.
    pub fn look(&self, host: &mut Host, wanted: &[Collector]) -> (Vec<Family>, Vec<String>) {
        let zoned = jiff::Zoned::now();
        let zone = zoned.time_zone().to_offset_info(zoned.timestamp());
        let facts = Facts {
            now: clock::now(),
            zone: (zone.abbreviation().to_string(), zone.offset().seconds()),
            machine: std::env::consts::ARCH.to_string(),
        };
        let mut look = host.look(facts);
        for collector in wanted {
            let start = Instant::now();
            look.collect(*collector, self);
            look.took(*collector, start.elapsed().as_secs_f64());
        }
        look.finish()
    }

    fn at(&self, path: &str) -> String {
        let below = |root: &str| path.strip_prefix(root).filter(|rest| rest.starts_with('/'));
        match (below("/proc"), below("/sys")) {
            (Some(rest), _) => format!("{}{rest}", self.places.procfs),
            (_, Some(rest)) => format!("{}{rest}", self.places.sysfs),
            _ => format!("{}{path}", self.places.rootfs),
        }
    }

    fn stuck(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.stuck.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Answers to a beginning of the mount points; all of them unless one hangs.
    fn ask(&self, mount_points: &[String]) -> Vec<Result<Usage, String>> {
        let (send, answers) = channel();
        let (list, stuck) = (mount_points.to_vec(), self.stuck.clone());
        let (paths, usage): (Vec<String>, _) = (mount_points.iter().map(|point| self.at(point)).collect(), self.usage);
        let worker = std::thread::Builder::new().name("statvfs".into()).spawn(move || {
            for (point, path) in list.iter().zip(paths) {
                let answer = usage(&path);
                // Under the lock: who waits either finds the answer, or has marked the mount before this takes the mark away.
                let mut stuck = stuck.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                // Another thread took over the mounts after one that hung.
                if stuck.remove(point) || send.send(answer).is_err() {
                    return;
                }
            }
        });
        if let Err(error) = worker {
            return mount_points.iter().map(|_| Err(format!("no thread to ask on: {error}"))).collect();
        }
        let mut out = Vec::new();
        while out.len() < mount_points.len() {
            match answers.recv_timeout(self.mount_timeout) {
                Ok(answer) => out.push(answer),
                Err(RecvTimeoutError::Timeout) => {
                    let mut stuck = self.stuck();
                    // It may have answered meanwhile.
                    if let Ok(answer) = answers.try_recv() {
                        out.push(answer);
                        continue;
                    }
                    stuck.insert(mount_points[out.len()].clone());
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        out
    }
}

impl Files for Machine {
    fn read(&self, path: &str) -> Result<String, Unread> {
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Unread::Absent,
            _ => Unread::Failed(error.to_string()),
        };
        let file = std::fs::File::open(self.at(path)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > TEXT_BYTES_MAX {
            return Err(Unread::Failed(format!("more than the {TEXT_BYTES_MAX} bytes that are read")));
        }
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.at(path)) else { return Vec::new() };
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    fn link(&self, path: &str) -> Option<String> {
        std::fs::read_link(self.at(path)).ok()?.into_os_string().into_string().ok()
    }

    fn usages(&self, mount_points: &[String]) -> Vec<Result<Usage, String>> {
        let timeout = || Err("mountpoint timeout".to_string());
        let mut out: Vec<Option<Result<Usage, String>>> = {
            let stuck = self.stuck();
            mount_points.iter().map(|point| stuck.contains(point).then(timeout)).collect()
        };
        let mut hangs = 0;
        loop {
            let rest: Vec<usize> = (0..out.len()).filter(|at| out[*at].is_none()).collect();
            if rest.is_empty() {
                break;
            }
            if hangs >= HANGS_MAX || self.stuck().len() >= STUCK_MAX {
                rest.iter().for_each(|at| out[*at] = Some(Err("not asked: other mounts hang".into())));
                break;
            }
            let points: Vec<String> = rest.iter().map(|at| mount_points[*at].clone()).collect();
            let answers = self.ask(&points);
            if let Some(hung) = rest.get(answers.len()) {
                warn!("host: {} does not answer statvfs; it is asked again when it does", mount_points[*hung]);
                self.timeouts.fetch_add(1, Ordering::Relaxed);
                out[*hung] = Some(timeout());
                hangs += 1;
            }
            rest.iter().zip(answers).for_each(|(at, answer)| out[*at] = Some(answer));
        }
        out.into_iter().map(|answer| answer.unwrap_or_else(timeout)).collect()
    }
}

fn usage(path: &str) -> Result<Usage, String> {
    let path = if path.is_empty() { "/" } else { path };
    let stat = rustix::fs::statvfs(path).map_err(|error| std::io::Error::from(error).to_string())?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Usage {
        size: bytes(stat.f_blocks),
        free: bytes(stat.f_bfree),
        avail: bytes(stat.f_bavail),
        files: stat.f_files,
        files_free: stat.f_ffree,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Machine {
        Machine::new(Places::default())
    }

    #[test]
    fn places_of_a_container() {
        let machine = Machine::new(Places { procfs: "/host/proc".into(), sysfs: "/host/sys".into(), rootfs: "/host/".into() });
        for (path, expected) in
            [("/proc/stat", "/host/proc/stat"), ("/sys/block", "/host/sys/block"), ("/process", "/host/process"), ("/etc/x", "/host/etc/x")]
        {
            assert_eq!(machine.at(path), expected);
        }
        assert_eq!(here().at("/proc/1/x"), "/proc/1/x");
    }

    #[test]
    fn what_is_not_there_and_what_may_not_be_read() {
        let machine = here();
        assert_eq!(machine.read("/proc/none"), Err(Unread::Absent));
        assert!(matches!(machine.read("/proc"), Err(Unread::Failed(_))));
        assert!(machine.list("/proc/none").is_empty());
        let answers = machine.usages(&["/".into(), "/proc/none".into()]);
        assert!(answers[0].as_ref().is_ok_and(|usage| usage.size > 0 && usage.avail <= usage.size));
        assert!(answers[1].as_ref().is_err_and(|why| why.contains("No such file")));
    }

    static SERVER_IS_BACK: (Mutex<bool>, std::sync::Condvar) = (Mutex::new(false), std::sync::Condvar::new());

    fn hangs_at_nfs(path: &str) -> Result<Usage, String> {
        if path.starts_with("/nfs") {
            let back = SERVER_IS_BACK.0.lock().expect("a lock");
            drop(SERVER_IS_BACK.1.wait_while(back, |back| !*back).expect("a lock"));
        }
        Ok(Usage { size: path.len() as u64, ..Usage::default() })
    }

    /// A network file system without its server: its caller is not held up, the others are asked, and it is asked again when it answers.
    #[test]
    fn a_mount_that_hangs_is_left_alone() {
        let machine = Machine { usage: hangs_at_nfs, mount_timeout: Duration::from_secs(1), ..here() };
        let ask = |points: &[&str]| -> Vec<String> {
            let points: Vec<String> = points.iter().map(|point| point.to_string()).collect();
            machine.usages(&points).into_iter().map(|usage| usage.map_or_else(|why| why, |usage| usage.size.to_string())).collect()
        };
        assert_eq!(ask(&["/a", "/nfs", "/ab"]), ["2", "mountpoint timeout", "3"]);
        assert_eq!(machine.timeouts(), 1);
        assert_eq!(ask(&["/nfs", "/a"]), ["mountpoint timeout", "2"]);
        assert_eq!(machine.timeouts(), 1, "it was not asked again");
        // So many at once are asked over some looks.
        assert_eq!(
            ask(&["/nfs1", "/nfs2", "/nfs3", "/a"]),
            ["mountpoint timeout", "mountpoint timeout", "not asked: other mounts hang", "not asked: other mounts hang"]
        );
        assert_eq!((machine.timeouts(), machine.stuck().len()), (3, 3));
        *SERVER_IS_BACK.0.lock().expect("a lock") = true;
        SERVER_IS_BACK.1.notify_all();
        // The threads that hung take their marks away.
        while !machine.stuck().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(ask(&["/nfs", "/nfs1", "/a"]), ["4", "5", "2"]);
    }
}
