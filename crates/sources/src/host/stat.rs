//! `/proc/stat` without the CPUs: boot time, interrupts, context switches, forks, processes.

use super::files::Unread;
use super::{Out, number};

pub(super) const PATH: &str = "/proc/stat";

/// Key of the line, name, help, whether it is a counter.
const LINES: [(&str, &str, &str, bool); 6] = [
    ("btime", "node_boot_time_seconds", "Node boot time, in unixtime.", false),
    ("intr", "node_intr_total", "Total number of interrupts serviced.", true),
    ("ctxt", "node_context_switches_total", "Total number of context switches.", true),
    ("processes", "node_forks_total", "Total number of forks.", true),
    ("procs_running", "node_procs_running", "Number of processes in runnable state.", false),
    ("procs_blocked", "node_procs_blocked", "Number of processes blocked waiting for I/O to complete.", false),
];

pub(super) fn read(text: Result<String, Unread>, out: &mut Out) -> Result<(), String> {
    let text = text.map_err(|why| format!("{PATH}: {why}"))?;
    let mut found = 0;
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let known = fields.next().and_then(|key| LINES.iter().find(|(known, ..)| *known == key));
        let Some((_, name, help, counter)) = known else { continue };
        found += 1;
        match (fields.next().and_then(number), counter) {
            (Some(value), true) => out.counter(name, help, &[], value),
            (Some(value), false) => out.gauge(name, help, &[], value),
            (None, _) => out.bad_line(PATH, line),
        }
    }
    if found == 0 { Err(format!("{PATH}: no line of it is known")) } else { Ok(()) }
}
