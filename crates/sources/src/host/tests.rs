//! Recorded texts of a host and the series that node_exporter 1.11 gave on it; broken texts; random texts.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_vocabulary::{MetricType, Timestamp};
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_795_240_000_500);

fn recorded() -> ProcTexts {
    let text = |text: &str| Some(text.to_string());
    ProcTexts {
        stat: text(include_str!("fixtures/recorded/stat")),
        meminfo: text(include_str!("fixtures/recorded/meminfo")),
        loadavg: text(include_str!("fixtures/recorded/loadavg")),
        diskstats: text(include_str!("fixtures/recorded/diskstats")),
        net_dev: text(include_str!("fixtures/recorded/net_dev")),
        vmstat: text(include_str!("fixtures/recorded/vmstat")),
        pressure_cpu: text(include_str!("fixtures/recorded/pressure_cpu")),
        pressure_memory: text(include_str!("fixtures/recorded/pressure_memory")),
        pressure_io: text(include_str!("fixtures/recorded/pressure_io")),
        ..ProcTexts::default()
    }
}

/// Samples by the text of their labels.
fn look(texts: &ProcTexts) -> BTreeMap<String, f64> {
    let (samples, problems) = samples(texts, NOW);
    assert_eq!(problems, Vec::<String>::new());
    let count = samples.len();
    let map: BTreeMap<String, f64> = samples.into_iter().map(|(labels, value)| (labels.to_string(), value)).collect();
    assert_eq!(map.len(), count, "a series comes twice");
    map
}

#[test]
fn the_series_are_those_of_node_exporter() {
    let ours: BTreeSet<String> = look(&recorded()).into_keys().collect();
    let theirs: BTreeSet<String> = include_str!("fixtures/node_exporter_series.txt").lines().map(String::from).collect();
    assert!(theirs.len() > 150, "{}", theirs.len());
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Newer node_exporters leave out some lines of meminfo.
    let more: Vec<_> = ours.difference(&theirs).filter(|series| !series.starts_with("node_memory_")).collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn values_have_base_units() {
    let samples = look(&recorded());
    for (series, value) in [
        // /proc/stat: `cpu0 159673 23861 21302 375056 658 0 121 99 0 0`, ticks of 1/100 s
        ("node_cpu_seconds_total{cpu=\"0\", mode=\"user\"}", 1596.73),
        ("node_cpu_seconds_total{cpu=\"0\", mode=\"idle\"}", 3750.56),
        ("node_cpu_seconds_total{cpu=\"1\", mode=\"steal\"}", 0.83),
        ("node_cpu_guest_seconds_total{cpu=\"0\", mode=\"nice\"}", 0.0),
        ("node_intr_total", 3_692_334.0),
        ("node_boot_time_seconds", 1_795_234_343.0),
        ("node_memory_MemTotal_bytes", 24_684_084.0 * 1024.0),
        ("node_memory_HugePages_Total", 0.0),
        ("node_memory_Hugepagesize_bytes", 2048.0 * 1024.0),
        ("node_time_seconds", 1_795_240_000.5),
        ("node_network_receive_packets_total{device=\"eth0\"}", 28_755.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
    assert!(samples.contains_key("node_memory_Active_anon_bytes"));
    assert!(!samples.keys().any(|series| series.contains("loop") || series.contains("zram")));
}

#[test]
fn disks_count_sectors_and_milliseconds() {
    let line = " 254       0 vda 469055 36377 26587242 545674 42530 105324 32377656 95244 7 34444 645077 26039 29 12211816 4060 2442 97\n";
    let samples = look(&ProcTexts { diskstats: Some(line.into()), ..ProcTexts::default() });
    let value = |name: &str| samples[&format!("{name}{{device=\"vda\"}}")];
    assert_eq!(value("node_disk_read_bytes_total"), 26_587_242.0 * 512.0);
    assert_eq!(value("node_disk_written_bytes_total"), 32_377_656.0 * 512.0);
    assert_eq!(value("node_disk_io_now"), 7.0);
    assert!((value("node_disk_io_time_seconds_total") - 34.444).abs() < 1e-9);
    assert_eq!(value("node_disk_discarded_sectors_total"), 12_211_816.0);
    // Before Linux 4.18 there were 11 columns.
    let old = "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n";
    assert_eq!(look(&ProcTexts { diskstats: Some(old.into()), ..ProcTexts::default() }).len(), 12);
}

#[test]
fn file_systems_and_their_mounts() {
    let (mounts, problems) = mounts(concat!(
        "proc /proc proc rw,relatime 0 0\n",
        "tmpfs /dev/shm tmpfs rw 0 0\n",
        "/dev/vda / ext4 rw,relatime 0 0\n",
        "/dev/old /mnt/a\\040disk ext4 rw 0 0\n",
        "/dev/vdb /mnt/a\\040disk xfs ro,noatime 0 0\n",
        "overlay /var/lib/docker/overlay2/x overlay rw 0 0\n",
        "/dev/vdc /devices ext4 rw 0 0\n",
        "broken\n",
    ));
    let points: Vec<&str> = mounts.iter().map(|mount| mount.mountpoint.as_str()).collect();
    assert_eq!(points, ["/", "/mnt/a disk", "/devices"]);
    assert_eq!(problems, ["/proc/self/mounts: unexpected line \"broken\""]);
    let usage = Usage { size: 1000, free: 500, avail: 400, files: 10, files_free: 5 };
    let filesystems = vec![
        Filesystem { mount: mounts[1].clone(), usage: Ok(usage) },
        Filesystem { mount: mounts[2].clone(), usage: Err("input/output error".into()) },
    ];
    let (samples, problems) = samples(&ProcTexts { filesystems, ..ProcTexts::default() }, NOW);
    let samples: BTreeMap<String, f64> = samples.into_iter().map(|(labels, value)| (labels.to_string(), value)).collect();
    let disk = "{device=\"/dev/vdb\", fstype=\"xfs\", mountpoint=\"/mnt/a disk\"}";
    assert_eq!(samples[&format!("node_filesystem_avail_bytes{disk}")], 400.0);
    assert_eq!(samples[&format!("node_filesystem_readonly{disk}")], 1.0);
    assert_eq!(samples[&format!("node_filesystem_device_error{disk}")], 0.0);
    let failed = "{device=\"/dev/vdc\", device_error=\"input/output error\", fstype=\"ext4\", mountpoint=\"/devices\"}";
    assert_eq!(samples[&format!("node_filesystem_device_error{failed}")], 1.0);
    assert!(!samples.contains_key(&format!("node_filesystem_size_bytes{failed}")));
    assert_eq!(problems, ["/devices: no sizes: input/output error"]);
}

#[test]
fn types_and_uname() {
    let uname = Uname { sysname: "Linux".into(), nodename: "buoy".into(), ..Uname::default() };
    let (samples, _) = typed_samples(&ProcTexts { uname: Some(uname), ..recorded() }, NOW);
    let kind = |name: &str| samples.iter().find(|sample| sample.labels.name() == name).map(|sample| sample.kind);
    assert_eq!(kind("node_cpu_seconds_total"), Some(MetricType::Counter));
    assert_eq!(kind("node_disk_io_now"), Some(MetricType::Gauge));
    assert_eq!(kind("node_memory_MemFree_bytes"), Some(MetricType::Gauge));
    assert_eq!(kind("node_vmstat_pgfault"), Some(MetricType::Unknown));
    assert_eq!(samples.last().map(|s| s.labels.to_string()).as_deref(), Some("node_uname_info{nodename=\"buoy\", sysname=\"Linux\"}"));
}

/// A broken text is a problem in words, and the other texts are read.
#[test]
fn broken_texts_are_named() {
    let check = |broken: ProcTexts, expected: &[&str]| {
        let (samples, problems) = samples(&broken, NOW);
        assert_eq!(problems, expected);
        assert!(samples.iter().any(|(labels, _)| labels.name() == "node_load15"));
    };
    let text = |text: &str| Some(text.to_string());
    let fine = || ProcTexts { loadavg: text("0.1 0.2 0.3 1/2 3\n"), ..ProcTexts::default() };
    check(ProcTexts { stat: text(""), ..fine() }, &["/proc/stat: no CPU in it"]);
    check(ProcTexts { stat: text("cpu0 1 2 x 4\nctxt 1\n"), ..fine() }, &["/proc/stat: unexpected line \"cpu0 1 2 x 4\""]);
    check(
        ProcTexts { stat: text("cpu0 1 2\nbtime -5\nctxt 1\n"), ..fine() },
        &["/proc/stat: unexpected line \"cpu0 1 2\"", "/proc/stat: unexpected line \"btime -5\""],
    );
    check(
        ProcTexts { meminfo: text("MemFree 5 kB\n"), ..fine() },
        &["/proc/meminfo: unexpected line \"MemFree 5 kB\"", "/proc/meminfo: no memory in it"],
    );
    check(ProcTexts { diskstats: text("8 0 sda 1 2\n"), ..fine() }, &["/proc/diskstats: unexpected line \"8 0 sda 1 2\""]);
    check(ProcTexts { net_dev: text("a\nb\n eth0: 1 2\n"), ..fine() }, &["/proc/net/dev: unexpected line \" eth0: 1 2\""]);
    check(ProcTexts { vmstat: text("pgfault many\n"), ..fine() }, &["/proc/vmstat: unexpected line \"pgfault many\""]);
    check(ProcTexts { pressure_io: text("some avg10=1\n"), ..fine() }, &["/proc/pressure/io: unexpected line \"some avg10=1\""]);
    check(ProcTexts { vmstat: text(&"x\n".repeat(100)), ..fine() }, &["/proc/vmstat: unexpected line \"x\""; 3]);
    let huge = "x".repeat(TEXT_BYTES_MAX + 1);
    check(ProcTexts { stat: Some(huge), ..fine() }, &["/proc/stat: 4194305 bytes, more than the 4194304 that are read"]);
    let (_, problems) = samples(&ProcTexts { loadavg: text("0.1 0.2\n"), ..ProcTexts::default() }, NOW);
    assert_eq!(problems, ["/proc/loadavg: unexpected line \"0.1 0.2\""]);
}

#[test]
fn samples_are_bounded() {
    let many: String = (0..SAMPLES_MAX).map(|n| format!("cpu{n} 1 2 3 4\n")).collect();
    let (samples, problems) = samples(&ProcTexts { stat: Some(many), ..ProcTexts::default() }, NOW);
    assert_eq!(samples.len(), SAMPLES_MAX);
    assert_eq!(problems, [format!("{} samples of the host dropped, more than {SAMPLES_MAX}", 4 * SAMPLES_MAX + 1 - SAMPLES_MAX)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines of one text, damaged and given to every reader: numbers or problems, never a panic.
    #[test]
    fn any_text_is_read(lines in prop::collection::vec("(cpu[0-9]?|MemFree:|eth0:|some|8 0 sda|pg|btime|\\PC)( (total=)?[0-9]{0,5}[.x:é]?){0,20}", 0..8)) {
        let lines = lines.join("\n");
        let text = Some(lines.clone());
        let texts = ProcTexts {
            stat: text.clone(), meminfo: text.clone(), loadavg: text.clone(), diskstats: text.clone(), net_dev: text.clone(),
            vmstat: text.clone(), pressure_cpu: text.clone(), pressure_memory: text.clone(), pressure_io: text.clone(),
            ..ProcTexts::default()
        };
        let (samples, _) = samples(&texts, NOW);
        prop_assert!(samples.iter().all(|(labels, value)| labels.name().starts_with("node_") && value.is_finite()));
        mounts(&lines);
    }
}
