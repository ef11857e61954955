//! `/proc/pressure/*`: how long something (`some`) or everything (`full`) waited (docs.kernel.org/accounting/psi.html).

use super::{Out, number};

pub(super) fn cpu(text: &str, out: &mut Out) {
    // `full` of the CPU says nothing for a whole host.
    read(text, &[("some", "node_pressure_cpu_waiting_seconds_total")], out);
}

pub(super) fn memory(text: &str, out: &mut Out) {
    read(text, &[("some", "node_pressure_memory_waiting_seconds_total"), ("full", "node_pressure_memory_stalled_seconds_total")], out);
}

pub(super) fn io(text: &str, out: &mut Out) {
    read(text, &[("some", "node_pressure_io_waiting_seconds_total"), ("full", "node_pressure_io_stalled_seconds_total")], out);
}

/// `some avg10=84.39 avg60=70.43 avg300=45.15 total=618659065`, the total in microseconds.
fn read(text: &str, names: &[(&str, &str)], out: &mut Out) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut fields = line.split_ascii_whitespace();
        let kind = fields.next();
        let total = fields.find_map(|field| field.strip_prefix("total=")).and_then(number);
        match (kind, total) {
            (Some(kind @ ("some" | "full")), Some(micros)) => {
                let name = names.iter().find(|(known, _)| *known == kind);
                name.iter().for_each(|(_, name)| out.counter(name, &[], micros / 1e6));
            }
            _ => out.bad_line(line),
        }
    }
}
