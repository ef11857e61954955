//! `/proc/diskstats`: reads, writes, discards and flushes by block device (docs.kernel.org/admin-guide/iostats.html); what udev knows of it.

use std::collections::BTreeMap;

use super::files::{Files, needed, word};
use super::filter::Filter;
use super::{Out, number};

const PATH: &str = "/proc/diskstats";
/// Memory, loops, floppies and partitions.
pub(super) const EXCLUDED: &str = r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$";

/// A sector of these counters, whatever the device has.
const SECTOR_BYTES: f64 = 512.0;
const MILLIS: f64 = 0.001;

/// Name, factor, whether it is a counter, and help, in the order of the columns after the device's name.
#[rustfmt::skip]
const COLUMNS: [(&str, f64, bool, &str); 17] = [
    ("node_disk_reads_completed_total", 1.0, true, "The total number of reads completed successfully."),
    ("node_disk_reads_merged_total", 1.0, true, "The total number of reads merged."),
    ("node_disk_read_bytes_total", SECTOR_BYTES, true, "The total number of bytes read successfully."),
    ("node_disk_read_time_seconds_total", MILLIS, true, "The total number of seconds spent by all reads."),
    ("node_disk_writes_completed_total", 1.0, true, "The total number of writes completed successfully."),
    ("node_disk_writes_merged_total", 1.0, true, "The number of writes merged."),
    ("node_disk_written_bytes_total", SECTOR_BYTES, true, "The total number of bytes written successfully."),
    ("node_disk_write_time_seconds_total", MILLIS, true, "This is the total number of seconds spent by all writes."),
    ("node_disk_io_now", 1.0, false, "The number of I/Os currently in progress."),
    ("node_disk_io_time_seconds_total", MILLIS, true, "Total seconds spent doing I/Os."),
    ("node_disk_io_time_weighted_seconds_total", MILLIS, true, "The weighted # of seconds spent doing I/Os."),
    // Linux 4.18
    ("node_disk_discards_completed_total", 1.0, true, "The total number of discards completed successfully."),
    ("node_disk_discards_merged_total", 1.0, true, "The total number of discards merged."),
    ("node_disk_discarded_sectors_total", 1.0, true, "The total number of sectors discarded successfully."),
    ("node_disk_discard_time_seconds_total", MILLIS, true, "This is the total number of seconds spent by all discards."),
    // Linux 5.5
    ("node_disk_flush_requests_total", 1.0, true, "The total number of flush requests completed successfully"),
    ("node_disk_flush_requests_time_seconds_total", MILLIS, true, "This is the total number of seconds spent by all flush requests."),
];

pub(super) fn read(files: &dyn Files, filter: &Filter, out: &mut Out) -> Result<(), String> {
    for line in needed(files, PATH)?.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let values: Option<Vec<f64>> = fields.iter().skip(3).map(|field| number(field)).collect();
        // The oldest form has four columns, of partitions only.
        let Some(values) = values.filter(|values| values.len() >= 11) else {
            out.bad_line(PATH, line);
            continue;
        };
        let [major, minor, device] = [fields[0], fields[1], fields[2]];
        if !filter.takes(device) {
            continue;
        }
        for ((name, factor, counter, help), value) in COLUMNS.iter().zip(values) {
            if *counter {
                out.counter(name, help, &[("device", device)], value * factor);
            } else {
                out.gauge(name, help, &[("device", device)], value * factor);
            }
        }
        info(files, device, (major, minor), out);
    }
    Ok(())
}

fn info(files: &dyn Files, device: &str, (major, minor): (&str, &str), out: &mut Out) {
    let text = files.read(&format!("/run/udev/data/b{major}:{minor}")).unwrap_or_default();
    let known: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('=')).collect();
    let of = |key: &str| known.get(key).copied().unwrap_or("");
    // The serial on the disk's label first; virtio disks have the last one only.
    let serials = ["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"];
    let serial = serials.into_iter().map(of).find(|serial| !serial.is_empty()).unwrap_or("");
    // The kernel writes `!` for `/` in names of devices.
    let turns = word(files, &format!("/sys/block/{}/queue/rotational", device.replace('/', "!")));
    let labels = [
        ("device", device),
        ("major", major),
        ("minor", minor),
        ("path", of("ID_PATH")),
        ("wwn", of("ID_WWN")),
        ("model", of("ID_MODEL")),
        ("serial", serial),
        ("revision", of("ID_REVISION")),
        ("rotational", if turns.as_deref() == Some("1") { "1" } else { "0" }),
    ];
    out.gauge("node_disk_info", "Info of /sys/block/<block_device>.", &labels, 1.0);
    if !of("ID_FS_TYPE").is_empty() {
        let labels = [
            ("device", device),
            ("type", of("ID_FS_TYPE")),
            ("usage", of("ID_FS_USAGE")),
            ("uuid", of("ID_FS_UUID")),
            ("version", of("ID_FS_VERSION")),
        ];
        out.gauge("node_disk_filesystem_info", "Info about disk filesystem.", &labels, 1.0);
    }
    if !of("DM_NAME").is_empty() {
        let labels = [
            ("device", device),
            ("name", of("DM_NAME")),
            ("uuid", of("DM_UUID")),
            ("vg_name", of("DM_VG_NAME")),
            ("lv_name", of("DM_LV_NAME")),
            ("lv_layer", of("DM_LV_LAYER")),
        ];
        out.gauge("node_disk_device_mapper_info", "Info about disk device mapper.", &labels, 1.0);
    }
    let ata = [
        ("ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."),
        ("ID_ATA_WRITE_CACHE_ENABLED", "node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled."),
        ("ID_ATA_ROTATION_RATE_RPM", "node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."),
    ];
    for (key, name, help) in ata.into_iter().filter(|_| !of("ID_ATA").is_empty()) {
        if let Some(value) = Some(of(key)).filter(|value| !value.is_empty()).and_then(number) {
            out.gauge(name, help, &[("device", device)], value);
        }
    }
}
