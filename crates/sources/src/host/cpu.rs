//! `/proc/stat`: time by CPU and mode. `/sys/devices/system/cpu`: which are online, isolated, throttled.

use std::collections::BTreeMap;

use super::files::{Files, Unread, number_of, word};
use super::{Out, number, stat};

/// Ticks a second in `/proc/stat` (USER_HZ): 100 on every architecture that Linux still has.
const TICKS: f64 = 100.0;
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
const GUEST_MODES: [&str; 2] = ["user", "nice"];
const COLUMNS: usize = MODES.len() + GUEST_MODES.len();
const IDLE: usize = 3;
/// Idle time that steps back further than this is a CPU that was taken away and came back: its counters begin anew.
const JUMP_BACK_SECONDS: f64 = 3.0;

const SYS: &str = "/sys/devices/system/cpu";

/// The last times of each CPU by its number.
pub(super) type Cpus = BTreeMap<u32, [f64; COLUMNS]>;

pub(super) fn read(text: Result<String, Unread>, files: &dyn Files, cpus: &mut Cpus, out: &mut Out) -> Result<(), String> {
    let text = text.map_err(|why| format!("{}: {why}", stat::PATH))?;
    let mut seen = Cpus::new();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let Some(cpu) = fields.next().and_then(|key| key.strip_prefix("cpu")).filter(|cpu| !cpu.is_empty()) else { continue };
        match (cpu.parse().ok(), times(fields)) {
            (Some(cpu), Some(times)) => drop(seen.insert(cpu, times)),
            _ => out.bad_line(stat::PATH, line),
        }
    }
    // A CPU that is offline has no line; the others keep their numbers.
    cpus.retain(|cpu, _| seen.contains_key(cpu));
    for (cpu, times) in &seen {
        hold(cpus.entry(*cpu).or_default(), times);
    }
    for (cpu, times) in cpus.iter() {
        tell(&cpu.to_string(), times, out);
    }
    sys(files, out);
    if seen.is_empty() { Err(format!("{}: no CPU in it", stat::PATH)) } else { Ok(()) }
}

fn times<'a>(fields: impl Iterator<Item = &'a str>) -> Option<[f64; COLUMNS]> {
    let values: Option<Vec<f64>> = fields.take(COLUMNS).map(number).collect();
    // Older kernels have fewer columns; user to idle are always there.
    let values = values.filter(|values| values.len() > IDLE)?;
    let mut times = [0.0; COLUMNS];
    times.iter_mut().zip(values).for_each(|(time, ticks)| *time = ticks / TICKS);
    Some(times)
}

/// Counters do not step back: the kernel corrects idle and iowait now and then, which `rate()` would take for a restart.
fn hold(held: &mut [f64; COLUMNS], now: &[f64; COLUMNS]) {
    if held[IDLE] - now[IDLE] >= JUMP_BACK_SECONDS {
        *held = [0.0; COLUMNS];
    }
    for (held, now) in held.iter_mut().zip(now) {
        *held = held.max(*now);
    }
}

fn tell(cpu: &str, times: &[f64; COLUMNS], out: &mut Out) {
    for (mode, seconds) in MODES.iter().zip(times) {
        out.counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", &[("cpu", cpu), ("mode", mode)], *seconds);
    }
    for (mode, seconds) in GUEST_MODES.iter().zip(&times[MODES.len()..]) {
        let help = "Seconds the CPUs spent in guests (VMs) for each mode.";
        out.counter("node_cpu_guest_seconds_total", help, &[("cpu", cpu), ("mode", mode)], *seconds);
    }
}

/// What is only there on some machines; nothing of it is missed.
fn sys(files: &dyn Files, out: &mut Out) {
    for cpu in ranges(&word(files, &format!("{SYS}/isolated")).unwrap_or_default()) {
        let help = "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.";
        out.gauge("node_cpu_isolated", help, &[("cpu", &cpu.to_string())], 1.0);
    }
    let mut cpus: Vec<u32> =
        files.list(SYS).iter().filter_map(|name| name.strip_prefix("cpu")).filter_map(|number| number.parse().ok()).collect();
    cpus.sort_unstable();
    let online = |cpu: u32| number_of(files, &format!("{SYS}/cpu{cpu}/online"));
    // As node_exporter: where the first CPU can not be taken away, nothing is said of any.
    if cpus.first().is_some_and(|first| online(*first).is_some()) {
        for cpu in &cpus {
            let help = "CPUs that are online and being scheduled.";
            out.gauge("node_cpu_online", help, &[("cpu", &cpu.to_string())], online(*cpu).unwrap_or(0.0));
        }
    }
    throttles(&cpus, files, out);
}

/// Each core and each package once, although each of its threads has the file.
fn throttles(cpus: &[u32], files: &dyn Files, out: &mut Out) {
    let (mut cores, mut packages): (BTreeMap<(u64, u64), f64>, BTreeMap<u64, f64>) = Default::default();
    for cpu in cpus {
        let at = |file: &str| number_of(files, &format!("{SYS}/cpu{cpu}/{file}"));
        let (Some(package), Some(core)) = (at("topology/physical_package_id"), at("topology/core_id")) else { continue };
        let (package, core) = (package as u64, core as u64);
        if !cores.contains_key(&(package, core)) {
            cores.extend(at("thermal_throttle/core_throttle_count").map(|count| ((package, core), count)));
        }
        if !packages.contains_key(&package) {
            packages.extend(at("thermal_throttle/package_throttle_count").map(|count| (package, count)));
        }
    }
    for ((package, core), count) in cores {
        let labels = [("package", &*package.to_string()), ("core", &*core.to_string())];
        out.counter("node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.", &labels, count);
    }
    for (package, count) in packages {
        let help = "Number of times this CPU package has been throttled.";
        out.counter("node_cpu_package_throttles_total", help, &[("package", &package.to_string())], count);
    }
}

/// `0-3,8` as the kernel lists CPUs.
fn ranges(text: &str) -> Vec<u32> {
    /// The kernel's own limit is 8192.
    const CPUS_MAX: u32 = 65_536;
    let mut out = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.parse(), to.parse::<u32>()) {
            out.extend(from..=to.min(CPUS_MAX));
        }
    }
    out
}
