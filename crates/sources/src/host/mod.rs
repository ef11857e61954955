//! This host under node_exporter's names: the texts of `/proc` to samples.
//!
//! Names, labels and units are those of node_exporter 1.11 (collectors cpu, stat, meminfo, loadavg, diskstats, netdev, vmstat,
//! filesystem, uname, pressure, time); docs.kernel.org/filesystems/proc.html describes the texts.

mod cpu;
mod disk;
mod filesystem;
mod memory;
mod network;
mod pressure;
mod small;
#[cfg(test)]
mod tests;

use bellbuoy_vocabulary::{Labels, LabelsBuilder, METRIC_NAME, MetricType, Timestamp};

pub use filesystem::{FilesystemTexts, Mount, is_watched, mounts};

/// Longer texts are refused. `/proc/stat` of a thousand CPUs has some 100 KiB without its line of interrupts, 1 MiB with it.
pub const TEXT_BYTES_MAX: usize = 4 << 20;

/// Most samples of one look at the host. What is over it is dropped and said.
pub const SAMPLES_MAX: usize = 20_000;

/// What the boat read. `None`: not there or not wanted; nothing is said of it.
#[derive(Clone, Debug, Default)]
pub struct ProcTexts {
    /// `/proc/stat`
    pub stat: Option<String>,
    /// `/proc/meminfo`
    pub meminfo: Option<String>,
    /// `/proc/loadavg`
    pub loadavg: Option<String>,
    /// `/proc/diskstats`
    pub diskstats: Option<String>,
    /// `/proc/net/dev`
    pub net_dev: Option<String>,
    /// `/proc/vmstat`
    pub vmstat: Option<String>,
    /// `/proc/pressure/cpu`, `.../memory`, `.../io`
    pub pressure_cpu: Option<String>,
    pub pressure_memory: Option<String>,
    pub pressure_io: Option<String>,
    /// One for each mount of `/proc/self/mounts` that `is_watched`, with what statvfs(3) says of it.
    pub filesystems: Vec<Filesystem>,
    pub uname: Option<Uname>,
}

/// A mounted file system and what statvfs(3) said.
#[derive(Clone, Debug, PartialEq)]
pub struct Filesystem {
    pub mount: Mount,
    /// `Err` with the reason when statvfs failed or hung.
    pub usage: Result<Usage, String>,
}

/// statvfs(3): sizes in bytes (blocks times `f_frsize`), files by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub size: u64,
    pub free: u64,
    /// Free for users that are not root.
    pub avail: u64,
    pub files: u64,
    pub files_free: u64,
}

/// uname(2); also in `/proc/sys/kernel/{ostype,hostname,osrelease,version,domainname}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uname {
    pub sysname: String,
    pub nodename: String,
    pub release: String,
    pub version: String,
    pub machine: String,
    pub domainname: String,
}

/// One value of the host. All are of the time at which the texts were read.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSample {
    /// With the metric's name.
    pub labels: Labels,
    pub value: f64,
    pub kind: MetricType,
}

/// All samples of the texts, labels with the metric's name, and in words what could not be read. `now` is when they were read.
pub fn samples(texts: &ProcTexts, now: Timestamp) -> (Vec<(Labels, f64)>, Vec<String>) {
    let (samples, problems) = typed_samples(texts, now);
    (samples.into_iter().map(|sample| (sample.labels, sample.value)).collect(), problems)
}

/// The same with each metric's type, for metadata and for writing the text format.
pub fn typed_samples(texts: &ProcTexts, now: Timestamp) -> (Vec<HostSample>, Vec<String>) {
    let mut out = Out::default();
    out.gauge("node_time_seconds", &[], now.seconds());
    let readers: [(&'static str, &Option<String>, Reader); 9] = [
        ("/proc/stat", &texts.stat, cpu::read),
        ("/proc/meminfo", &texts.meminfo, memory::read),
        ("/proc/loadavg", &texts.loadavg, small::loadavg),
        ("/proc/diskstats", &texts.diskstats, disk::read),
        ("/proc/net/dev", &texts.net_dev, network::read),
        ("/proc/vmstat", &texts.vmstat, small::vmstat),
        ("/proc/pressure/cpu", &texts.pressure_cpu, pressure::cpu),
        ("/proc/pressure/memory", &texts.pressure_memory, pressure::memory),
        ("/proc/pressure/io", &texts.pressure_io, pressure::io),
    ];
    for (path, text, read) in readers {
        let Some(text) = text else { continue };
        if text.len() > TEXT_BYTES_MAX {
            out.problems.push(format!("{path}: {} bytes, more than the {TEXT_BYTES_MAX} that are read", text.len()));
            continue;
        }
        out.path = path;
        read(text, &mut out);
    }
    filesystem::read(&texts.filesystems, &mut out);
    texts.uname.iter().for_each(|uname| small::uname(uname, &mut out));
    if out.dropped > 0 {
        out.problems.push(format!("{} samples of the host dropped, more than {SAMPLES_MAX}", out.dropped));
    }
    (out.samples, out.problems)
}

type Reader = fn(&str, &mut Out);

/// Where the readers write.
#[derive(Default)]
struct Out {
    samples: Vec<HostSample>,
    problems: Vec<String>,
    dropped: u64,
    path: &'static str,
}

impl Out {
    fn counter(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.add(MetricType::Counter, name, labels, value);
    }

    fn gauge(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.add(MetricType::Gauge, name, labels, value);
    }

    fn untyped(&mut self, name: &str, value: f64) {
        self.add(MetricType::Unknown, name, &[], value);
    }

    fn add(&mut self, kind: MetricType, name: &str, labels: &[(&str, &str)], value: f64) {
        if self.samples.len() >= SAMPLES_MAX {
            self.dropped += 1;
            return;
        }
        let mut builder = LabelsBuilder::new();
        builder.set(METRIC_NAME, name);
        for (label, value) in labels {
            builder.set(label, value);
        }
        self.samples.push(HostSample { labels: builder.labels(), value, kind });
    }

    /// A line that is not as the kernel writes it.
    fn bad_line(&mut self, line: &str) {
        let shown: String = line.chars().take(60).collect();
        let more = if shown.len() < line.len() { "..." } else { "" };
        // One broken text says it a few times, not once a line.
        if self.problems.iter().filter(|problem| problem.starts_with(self.path)).count() < 3 {
            self.problems.push(format!("{}: unexpected line {shown:?}{more}", self.path));
        }
    }

    fn nothing(&mut self, what: &str) {
        self.problems.push(format!("{}: no {what} in it", self.path));
    }
}

/// A number of `/proc`: not negative and finite.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}
