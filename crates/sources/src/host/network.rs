//! `/proc/net/dev`: bytes, packets, errors by network device.

use super::{Out, number};

const RECEIVE: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"];
const TRANSMIT: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"];

pub(super) fn read(text: &str, out: &mut Out) {
    // Two lines of headings.
    for line in text.lines().skip(2).filter(|line| !line.trim().is_empty()) {
        // A device's name may hold a colon (`eth0:1`), the numbers do not.
        let Some((device, rest)) = line.rsplit_once(':') else {
            out.bad_line(line);
            continue;
        };
        let values: Option<Vec<f64>> = rest.split_ascii_whitespace().map(number).collect();
        let Some(values) = values.filter(|values| values.len() == RECEIVE.len() + TRANSMIT.len()) else {
            out.bad_line(line);
            continue;
        };
        let device = device.trim();
        let names = RECEIVE.iter().map(|column| ("receive", column)).chain(TRANSMIT.iter().map(|column| ("transmit", column)));
        for ((way, column), value) in names.zip(values) {
            out.counter(&format!("node_network_{way}_{column}_total"), &[("device", device)], value);
        }
    }
}
