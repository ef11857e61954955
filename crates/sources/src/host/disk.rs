//! `/proc/diskstats`: reads, writes, discards and flushes by block device (docs.kernel.org/admin-guide/iostats.html).

use super::{Out, number};

/// A sector of these counters, whatever the device has.
const SECTOR_BYTES: f64 = 512.0;
const MILLIS: f64 = 0.001;

/// Name, factor and whether it is a counter, in the order of the columns after the device's name.
const COLUMNS: [(&str, f64, bool); 17] = [
    ("node_disk_reads_completed_total", 1.0, true),
    ("node_disk_reads_merged_total", 1.0, true),
    ("node_disk_read_bytes_total", SECTOR_BYTES, true),
    ("node_disk_read_time_seconds_total", MILLIS, true),
    ("node_disk_writes_completed_total", 1.0, true),
    ("node_disk_writes_merged_total", 1.0, true),
    ("node_disk_written_bytes_total", SECTOR_BYTES, true),
    ("node_disk_write_time_seconds_total", MILLIS, true),
    ("node_disk_io_now", 1.0, false),
    ("node_disk_io_time_seconds_total", MILLIS, true),
    ("node_disk_io_time_weighted_seconds_total", MILLIS, true),
    // Linux 4.18
    ("node_disk_discards_completed_total", 1.0, true),
    ("node_disk_discards_merged_total", 1.0, true),
    ("node_disk_discarded_sectors_total", 1.0, true),
    ("node_disk_discard_time_seconds_total", MILLIS, true),
    // Linux 5.5
    ("node_disk_flush_requests_total", 1.0, true),
    ("node_disk_flush_requests_time_seconds_total", MILLIS, true),
];

pub(super) fn read(text: &str, out: &mut Out) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let values: Option<Vec<f64>> = fields.iter().skip(3).map(|field| number(field)).collect();
        // The oldest form has four columns, of partitions only.
        let Some(values) = values.filter(|values| values.len() >= 11) else {
            out.bad_line(line);
            continue;
        };
        let device = fields[2];
        if is_left_out(device) {
            continue;
        }
        for ((name, factor, counter), value) in COLUMNS.iter().zip(values) {
            if *counter {
                out.counter(name, &[("device", device)], value * factor);
            } else {
                out.gauge(name, &[("device", device)], value * factor);
            }
        }
    }
}

/// node_exporter's `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`: memory, loops, floppies and partitions.
fn is_left_out(device: &str) -> bool {
    let base = device.trim_end_matches(|c: char| c.is_ascii_digit());
    if base.len() == device.len() {
        return false;
    }
    let disk =
        |prefix: &str| base.strip_prefix(prefix).is_some_and(|letter| letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_lowercase()));
    matches!(base, "ram" | "zram" | "loop" | "fd") || ["hd", "sd", "vd", "xvd"].iter().any(|prefix| disk(prefix)) || is_nvme_partition(base)
}

/// `nvme0n1p`
fn is_nvme_partition(base: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = base.strip_prefix("nvme").and_then(|rest| rest.strip_suffix('p')).and_then(|rest| rest.split_once('n'));
    numbers.is_some_and(|(controller, namespace)| digits(controller) && digits(namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_memory_are_left_out() {
        for device in ["sda1", "vda15", "xvda1", "nvme0n1p2", "loop7", "zram0", "ram1", "fd0"] {
            assert!(is_left_out(device), "{device}");
        }
        for device in ["sda", "sdaa1", "vda", "nvme0n1", "dm-0", "md127", "mmcblk0", "sr0", "nvmep1"] {
            assert!(!is_left_out(device), "{device}");
        }
    }
}
