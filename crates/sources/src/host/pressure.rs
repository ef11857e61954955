//! `/proc/pressure/*`: how long something (`some`) or everything (`full`) waited (docs.kernel.org/accounting/psi.html).

use super::files::{Files, Unread};
use super::{Out, number};

/// Resource, kind of line, what comes into the name, help. `full` of the CPU says nothing for a whole host.
#[rustfmt::skip]
const SERIES: [(&str, &str, &str, &str); 6] = [
    ("cpu", "some", "cpu_waiting", "Total time in seconds that processes have waited for CPU time"),
    ("io", "some", "io_waiting", "Total time in seconds that processes have waited due to IO congestion"),
    ("io", "full", "io_stalled", "Total time in seconds no process could make progress due to IO congestion"),
    ("memory", "some", "memory_waiting", "Total time in seconds that processes have waited for memory"),
    ("memory", "full", "memory_stalled", "Total time in seconds no process could make progress due to memory congestion"),
    // Linux 6.1
    ("irq", "full", "irq_stalled", "Total time in seconds no process could make progress due to IRQ congestion"),
];

pub(super) fn read(files: &dyn Files, out: &mut Out) -> Result<(), String> {
    let mut found = 0;
    for resource in ["cpu", "io", "memory", "irq"] {
        let path = format!("/proc/pressure/{resource}");
        let text = match files.read(&path) {
            Ok(text) => text,
            Err(Unread::Absent) => continue,
            Err(why) => return Err(format!("{path}: {why}")),
        };
        found += 1;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Some((kind, seconds)) = seconds(line) else {
                out.bad_line(&path, line);
                continue;
            };
            let known = SERIES.iter().find(|(of, line, ..)| *of == resource && *line == kind);
            known.iter().for_each(|(_, _, name, help)| out.counter(&format!("node_pressure_{name}_seconds_total"), help, &[], seconds));
        }
    }
    if found == 0 { Err("/proc/pressure: not there; Linux 4.20 has it, with CONFIG_PSI".into()) } else { Ok(()) }
}

/// `some avg10=84.39 avg60=70.43 avg300=45.15 total=618659065`, the total in microseconds.
pub(super) fn seconds(line: &str) -> Option<(&str, f64)> {
    let mut fields = line.split_ascii_whitespace();
    let kind = fields.next().filter(|kind| matches!(*kind, "some" | "full"))?;
    let total = fields.find_map(|field| field.strip_prefix("total=")).and_then(number)?;
    Some((kind, total / 1e6))
}
