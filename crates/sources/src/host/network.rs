//! `/proc/net/dev`: bytes, packets, errors by network device.

use super::files::{Files, needed, number_of};
use super::filter::Filter;
use super::{Out, number};

const PATH: &str = "/proc/net/dev";

pub(super) const RECEIVE: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"];
pub(super) const TRANSMIT: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"];

pub(super) fn read(files: &dyn Files, filter: &Filter, out: &mut Out) -> Result<(), String> {
    for line in lines(&needed(files, PATH)?) {
        let Some((device, values)) = device(line) else {
            out.bad_line(PATH, line);
            continue;
        };
        if !filter.takes(device) {
            continue;
        }
        let names = RECEIVE.iter().map(|column| ("receive", *column)).chain(TRANSMIT.iter().map(|column| ("transmit", *column)));
        for ((way, column), value) in names.zip(values) {
            tell(device, way, column, value, out);
        }
        // Not in the text; the kernel has it since 4.6.
        if let Some(value) = number_of(files, &format!("/sys/class/net/{device}/statistics/rx_nohandler")) {
            tell(device, "receive", "nohandler", value, out);
        }
    }
    Ok(())
}

fn tell(device: &str, way: &str, column: &str, value: f64, out: &mut Out) {
    let (name, help) = (format!("node_network_{way}_{column}_total"), format!("Network device statistic {way}_{column}."));
    out.counter(&name, &help, &[("device", device)], value);
}

/// Without the two lines of headings.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().skip(2).filter(|line| !line.trim().is_empty())
}

/// A device's values, those of `RECEIVE` and then of `TRANSMIT`.
pub(super) fn device(line: &str) -> Option<(&str, Vec<f64>)> {
    // A device's name may hold a colon (`eth0:1`), the numbers do not.
    let (device, rest) = line.rsplit_once(':')?;
    let values: Option<Vec<f64>> = rest.split_ascii_whitespace().map(number).collect();
    Some((device.trim(), values.filter(|values| values.len() == RECEIVE.len() + TRANSMIT.len())?))
}
