//! `/proc/stat`: time by CPU and mode, boot time, interrupts, context switches, forks, processes.

use super::{Out, number};

/// Ticks a second in `/proc/stat` (USER_HZ): 100 on every architecture that Linux still has.
const TICKS: f64 = 100.0;
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

pub(super) fn read(text: &str, out: &mut Out) {
    let before = out.samples.len();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let Some(key) = fields.next() else { continue };
        let single: Option<(&str, bool)> = match key {
            "btime" => Some(("node_boot_time_seconds", false)),
            "intr" => Some(("node_intr_total", true)),
            "ctxt" => Some(("node_context_switches_total", true)),
            "processes" => Some(("node_forks_total", true)),
            "procs_running" => Some(("node_procs_running", false)),
            "procs_blocked" => Some(("node_procs_blocked", false)),
            _ => None,
        };
        if let Some((name, counter)) = single {
            match (fields.next().and_then(number), counter) {
                (Some(value), true) => out.counter(name, &[], value),
                (Some(value), false) => out.gauge(name, &[], value),
                (None, _) => out.bad_line(line),
            }
        } else if let Some(cpu) = key.strip_prefix("cpu").filter(|cpu| !cpu.is_empty()) {
            times(cpu, fields, line, out);
        }
    }
    if out.samples.len() == before {
        out.nothing("CPU");
    }
}

fn times<'a>(cpu: &str, fields: impl Iterator<Item = &'a str>, line: &str, out: &mut Out) {
    let values: Option<Vec<f64>> = fields.map(number).collect();
    // Older kernels have fewer columns; user to idle are always there.
    let Some(values) = values.filter(|values| values.len() >= 4 && number(cpu).is_some()) else {
        out.bad_line(line);
        return;
    };
    for (mode, ticks) in MODES.iter().zip(&values) {
        out.counter("node_cpu_seconds_total", &[("cpu", cpu), ("mode", mode)], ticks / TICKS);
    }
    for (mode, ticks) in ["user", "nice"].iter().zip(values.iter().skip(MODES.len())) {
        out.counter("node_cpu_guest_seconds_total", &[("cpu", cpu), ("mode", mode)], ticks / TICKS);
    }
}
