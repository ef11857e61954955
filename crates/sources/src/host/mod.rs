//! This host under node_exporter's names, and its containers under cAdvisor's: the texts of `/proc` and `/sys` to families.
//!
//! Names, labels, types, HELP texts and values are those of node_exporter 1.11 (`Collector` lists which collectors) and of cAdvisor;
//! docs.kernel.org/filesystems/proc.html and docs.kernel.org/admin-guide/cgroup-v2.html describe the texts.
//!
//! In:    `Files`, by which the boat reads; `Facts` of the moment. Out: families, and in words what could not be read.
//! Holds: a collector that can not be read costs its own samples only, and says so in `node_scrape_collector_success`.

mod containers;
mod cpu;
mod disk;
mod files;
mod filesystem;
mod filter;
mod memory;
mod netstat;
mod network;
mod os;
mod out;
mod pressure;
mod stat;
mod system;
#[cfg(test)]
mod tests;
mod time;

use std::collections::BTreeMap;

use bellbuoy_vocabulary::Timestamp;

use self::out::Out;
use crate::family::Family;

pub use self::files::{Files, TEXT_BYTES_MAX, Unread, Usage};
pub use self::filter::Filter;
pub use self::out::SAMPLES_MAX;

/// Which part of the host. Names are node_exporter's, `containers` beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collector {
    Containers,
    Cpu,
    Diskstats,
    Filesystem,
    Loadavg,
    Meminfo,
    Netdev,
    Netstat,
    Os,
    Pressure,
    Stat,
    Time,
    Uname,
    Vmstat,
}

impl Collector {
    pub const ALL: [Collector; 14] = [
        Collector::Containers,
        Collector::Cpu,
        Collector::Diskstats,
        Collector::Filesystem,
        Collector::Loadavg,
        Collector::Meminfo,
        Collector::Netdev,
        Collector::Netstat,
        Collector::Os,
        Collector::Pressure,
        Collector::Stat,
        Collector::Time,
        Collector::Uname,
        Collector::Vmstat,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Collector::Containers => "containers",
            Collector::Cpu => "cpu",
            Collector::Diskstats => "diskstats",
            Collector::Filesystem => "filesystem",
            Collector::Loadavg => "loadavg",
            Collector::Meminfo => "meminfo",
            Collector::Netdev => "netdev",
            Collector::Netstat => "netstat",
            Collector::Os => "os",
            Collector::Pressure => "pressure",
            Collector::Stat => "stat",
            Collector::Time => "time",
            Collector::Uname => "uname",
            Collector::Vmstat => "vmstat",
        }
    }

    pub fn of(name: &str) -> Option<Collector> {
        Collector::ALL.into_iter().find(|collector| collector.name() == name)
    }
}

/// Which collectors, and what of the host they look at.
#[derive(Clone, Debug, PartialEq)]
pub struct HostOptions {
    pub collectors: Vec<Collector>,
    pub disks: Filter,
    pub network_devices: Filter,
    pub mount_points: Filter,
    pub filesystem_types: Filter,
}

impl Default for HostOptions {
    fn default() -> HostOptions {
        HostOptions {
            collectors: Collector::ALL.to_vec(),
            disks: Filter::excluding(disk::EXCLUDED),
            network_devices: Filter::default(),
            mount_points: Filter::excluding(filesystem::MOUNT_POINTS_EXCLUDED),
            filesystem_types: Filter::excluding(filesystem::TYPES_EXCLUDED),
        }
    }
}

/// What only the boat knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub now: Timestamp,
    /// The name of the time zone, `UTC`, and its distance from UTC in seconds.
    pub zone: (String, i32),
    /// uname's `machine` where the kernel has no `/proc/sys/kernel/arch` (before Linux 6.1).
    pub machine: String,
}

/// The host over time: counters of CPUs that step back a little are held, as node_exporter does.
#[derive(Debug, Default)]
pub struct Host {
    options: HostOptions,
    cpus: cpu::Cpus,
}

impl Host {
    pub fn new(options: HostOptions) -> Host {
        Host { options, cpus: cpu::Cpus::default() }
    }

    pub fn collectors(&self) -> &[Collector] {
        &self.options.collectors
    }

    pub fn look(&mut self, facts: Facts) -> Look<'_> {
        Look { host: self, facts, out: Out::default(), stat: None, results: BTreeMap::new() }
    }
}

/// One look at the host: `collect` each collector, say how long it `took`, `finish`.
pub struct Look<'h> {
    host: &'h mut Host,
    facts: Facts,
    out: Out,
    /// `/proc/stat` is of two collectors, and long on large machines.
    stat: Option<Result<String, Unread>>,
    /// By collector: whether all of it was read, and seconds.
    results: BTreeMap<Collector, (bool, f64)>,
}

impl Look<'_> {
    pub fn collect(&mut self, collector: Collector, files: &dyn Files) {
        self.out.begin(collector.name());
        let (options, out) = (&self.host.options, &mut self.out);
        let done = match collector {
            Collector::Containers => containers::read(files, &self.facts, out),
            Collector::Cpu => {
                let stat = self.stat.get_or_insert_with(|| files.read(stat::PATH)).clone();
                cpu::read(stat, files, &mut self.host.cpus, out)
            }
            Collector::Diskstats => disk::read(files, &options.disks, out),
            Collector::Filesystem => filesystem::read(files, options, out),
            Collector::Loadavg => system::loadavg(files, out),
            Collector::Meminfo => memory::read(files, out),
            Collector::Netdev => network::read(files, &options.network_devices, out),
            Collector::Netstat => netstat::read(files, out),
            Collector::Os => os::read(files, out),
            Collector::Pressure => pressure::read(files, out),
            Collector::Stat => stat::read(self.stat.get_or_insert_with(|| files.read(stat::PATH)).clone(), out),
            Collector::Time => time::read(files, &self.facts, out),
            Collector::Uname => system::uname(files, &self.facts, out),
            Collector::Vmstat => system::vmstat(files, out),
        };
        if let Err(problem) = done {
            self.out.problem(problem);
        }
        // A host without cgroup v2 has nothing that failed: rules that watch node_exporter's collectors must not fire because of it.
        if collector == Collector::Containers && !containers::are_seen(files) {
            return;
        }
        self.results.insert(collector, (self.out.is_whole(), 0.0));
    }

    pub fn took(&mut self, collector: Collector, seconds: f64) {
        if let Some(result) = self.results.get_mut(&collector) {
            result.1 = seconds;
        }
    }

    /// Families by name, and the problems.
    pub fn finish(mut self) -> (Vec<Family>, Vec<String>) {
        for (collector, (success, seconds)) in self.results {
            let labels = [("collector", collector.name())];
            let (duration, whole) = ("node_scrape_collector_duration_seconds", "node_scrape_collector_success");
            self.out.gauge(duration, "node_exporter: Duration of a collector scrape.", &labels, seconds);
            self.out.gauge(whole, "node_exporter: Whether a collector succeeded.", &labels, f64::from(u8::from(success)));
        }
        self.out.finish()
    }
}

/// A number of `/proc`: not negative and finite.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}
