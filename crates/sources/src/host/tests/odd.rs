//! Many CPUs, one of them offline; counters that step back; old kernels; names with blanks; what may not be read; what is broken.

use proptest::prelude::*;

use super::*;

#[test]
fn a_cpu_that_is_offline_leaves_its_number() {
    let stat: String = (0..256).filter(|cpu| *cpu != 3).map(|cpu| format!("cpu{cpu} {cpu}00 2 3 4 5 6 7 8 9 10\n")).collect();
    let mut tree = Tree::new("").with("/proc/stat", &stat).with("/sys/devices/system/cpu/isolated", "2-3,200\n");
    for cpu in 0..256 {
        let at = |file: &str| format!("/sys/devices/system/cpu/cpu{cpu}/{file}");
        // Two packages (NUMA) with two threads a core.
        let (package, core) = (cpu / 128, cpu % 64);
        tree = tree
            .with(&at("online"), if cpu == 3 { "0\n" } else { "1\n" })
            .with(&at("topology/physical_package_id"), &format!("{package}\n"))
            .with(&at("topology/core_id"), &format!("{core}\n"))
            .with(&at("thermal_throttle/core_throttle_count"), "5\n")
            .with(&at("thermal_throttle/package_throttle_count"), &format!("{}\n", 10 + package));
    }
    let (values, problems) = look_once(&[Collector::Cpu], &tree);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(values["node_cpu_seconds_total{cpu=\"255\", mode=\"user\"}"], 255.0);
    assert!(!values.contains_key("node_cpu_seconds_total{cpu=\"3\", mode=\"user\"}"));
    assert_eq!(values["node_cpu_online{cpu=\"3\"}"], 0.0);
    assert_eq!(values["node_cpu_online{cpu=\"4\"}"], 1.0);
    assert_eq!(values.keys().filter(|series| series.starts_with("node_cpu_isolated")).count(), 3);
    assert_eq!(values.keys().filter(|series| series.starts_with("node_cpu_core_throttles_total")).count(), 128);
    assert_eq!(values["node_cpu_package_throttles_total{package=\"1\"}"], 11.0);
}

/// The kernel corrects idle and iowait downwards; `rate()` would take that for a restart and see thousands of seconds at once.
#[test]
fn counters_of_cpus_do_not_step_back() {
    let mut host = Host::default();
    let mut at = |idle: u64, iowait: u64| {
        let tree = Tree::new("").with("/proc/stat", &format!("cpu0 100 0 0 {idle} {iowait} 0 0 0 0 0\n"));
        let values = look(&mut host, &[Collector::Cpu], &tree).0;
        let of = |mode: &str| values[&format!("node_cpu_seconds_total{{cpu=\"0\", mode=\"{mode}\"}}")];
        (of("idle"), of("iowait"))
    };
    assert_eq!(at(100_000, 500), (1000.0, 5.0));
    assert_eq!(at(99_900, 400), (1000.0, 5.0), "a second back is held");
    assert_eq!(at(100_100, 600), (1001.0, 6.0));
    assert_eq!(at(200, 10), (2.0, 0.1), "a CPU that was taken away begins anew");
}

#[test]
fn counters_are_as_large_as_the_kernel_has_them() {
    let max = u64::MAX;
    let dev = format!("a\nb\n  eth0:1: {max} 2 3 4 5 6 7 8 {max} 10 11 12 13 14 15 16\n");
    let (values, problems) = look_once(&[Collector::Netdev], &Tree::new("").with("/proc/net/dev", &dev));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(values["node_network_transmit_bytes_total{device=\"eth0:1\"}"], max as f64);
    assert_eq!(values["node_network_transmit_carrier_total{device=\"eth0:1\"}"], 15.0);
    assert!(!values.contains_key("node_network_receive_nohandler_total{device=\"eth0:1\"}"));
}

#[test]
fn mounts_with_blanks_and_mounts_over_mounts() {
    let text = concat!(
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n",
        "25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n",
        "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n",
        "28 27 8:1 / /mnt/a\\040disk\\134 rw - ext4 /dev/old rw\n",
        "29 27 8:17 / /mnt/a\\040disk\\134 rw - xfs /dev/v\\040db ro,noatime\n",
        "30 27 0:40 / /var/lib/docker/overlay2/x rw - overlay overlay rw\n",
        "31 27 8:33 / /devices ro - ext4 /dev/vdc rw\n",
        "32 27 8:34 / /error rw - ext4 /dev/vdd rw,emergency_ro\n",
        "broken\n",
    );
    let usage = Usage { size: 1000, free: 500, avail: 400, files: 10, files_free: 5 };
    let tree = Tree::new("").with("/proc/self/mountinfo", text).mounted("/", usage).mounted("/mnt/a disk\\", usage);
    let (values, problems) = look_once(&[Collector::Filesystem], &tree);
    assert_eq!(problems, ["filesystem: /proc/self/mountinfo: unexpected line \"broken\""]);
    let disk = "device=\"/dev/v\\\\040db\", fstype=\"xfs\", mountpoint=\"/mnt/a disk\\\\\"";
    assert_eq!(values[&format!("node_filesystem_avail_bytes{{{disk}}}")], 400.0);
    assert_eq!(values[&format!("node_filesystem_readonly{{{disk}}}")], 1.0);
    assert_eq!(values["node_filesystem_mount_info{device=\"/dev/vda\", major=\"254\", minor=\"0\", mountpoint=\"/\"}"], 1.0);
    let failed = "{device=\"/dev/vdc\", device_error=\"input/output error\", fstype=\"ext4\", mountpoint=\"/devices\"}";
    assert_eq!(values[&format!("node_filesystem_device_error{failed}")], 1.0);
    assert_eq!(values[&format!("node_filesystem_readonly{failed}")], 1.0);
    assert!(!values.contains_key(&format!("node_filesystem_size_bytes{failed}")));
    let mounts = values.keys().filter(|series| series.starts_with("node_filesystem_readonly")).count();
    assert_eq!(mounts, 4, "{values:?}");
}

#[test]
fn disks_as_udev_knows_them() {
    let tree = Tree::new(
        "== /proc/diskstats\n   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n   8       1 sda1 1 2 3 4 5 6 7 8 9 10 11\n 104       0 cciss/c0d0 1 2 3 4 5 6 7 8 9 10 11\n\
         == /sys/block/sda/queue/rotational\n1\n== /sys/block/cciss!c0d0/queue/rotational\n1\n\
         == /run/udev/data/b8:0\nS:disk/x\nE:ID_MODEL=ST4000\nE:ID_SERIAL=long\nE:ID_SERIAL_SHORT=W1\nE:ID_FS_TYPE=ext4\nE:ID_ATA=1\nE:ID_ATA_ROTATION_RATE_RPM=7200\n",
    );
    let (values, problems) = look_once(&[Collector::Diskstats], &tree);
    assert_eq!(problems, Vec::<String>::new());
    let info = "node_disk_info{device=\"sda\", major=\"8\", minor=\"0\", model=\"ST4000\", rotational=\"1\", serial=\"W1\"}";
    assert_eq!(values[info], 1.0);
    assert_eq!(values["node_disk_ata_rotation_rate_rpm{device=\"sda\"}"], 7200.0);
    assert_eq!(values["node_disk_filesystem_info{device=\"sda\", type=\"ext4\"}"], 1.0);
    assert_eq!(values["node_disk_info{device=\"cciss/c0d0\", major=\"104\", minor=\"0\", rotational=\"1\"}"], 1.0);
    // Before Linux 4.18 there were 11 columns, and partitions are left out.
    assert_eq!(values.len(), 2 * 12 + 2);
}

#[test]
fn os_release_is_shell() {
    let check = |text: &str, expected: &[&str], problem: Option<&str>| {
        let (values, problems) = look_once(&[Collector::Os], &Tree::new("").with("/usr/lib/os-release", text));
        let found: Vec<String> = values.iter().map(|(series, value)| format!("{series} {value}")).collect();
        assert_eq!(found, expected);
        assert_eq!(problems.first().map(String::as_str), problem);
    };
    check(
        "# a comment\nNAME='Fedora Linux'\nID=fedora\nVERSION_ID=\"24.04.1\"\nPRETTY_NAME=\"A \\\"quoted\\\" name\"\nSUPPORT_END=2026-12-02\n",
        &[
            "node_os_info{id=\"fedora\", name=\"Fedora Linux\", pretty_name=\"A \\\"quoted\\\" name\", version_id=\"24.04.1\"} 1",
            "node_os_support_end_timestamp_seconds 1796169600",
            "node_os_version{id=\"fedora\", name=\"Fedora Linux\"} 24.04",
        ],
        None,
    );
    check("ID=arch\nVERSION_ID=rolling\n", &["node_os_info{id=\"arch\", version_id=\"rolling\"} 1"], None);
    let problem = "os: os-release: SUPPORT_END=\"soon\" is not a day";
    check("ID=x\nSUPPORT_END=soon\n", &["node_os_info{id=\"x\"} 1"], Some(problem));
}

/// A container without `/proc/pressure`, a hardened host, a text cut short: that collector says so, the others are whole.
#[test]
fn a_collector_fails_alone() {
    let fine = || Tree::new("").with("/proc/loadavg", "0.1 0.2 0.3 1/2 3\n");
    let check = |collector: Collector, tree: Tree, expected: &[&str]| {
        let (values, problems) = look_once(&[collector, Collector::Loadavg], &tree);
        assert_eq!(problems, expected);
        assert_eq!(values["node_load15"], 0.3);
    };
    for (collector, problem) in [
        (Collector::Cpu, "cpu: /proc/stat: not there"),
        (Collector::Stat, "stat: /proc/stat: not there"),
        (Collector::Diskstats, "diskstats: /proc/diskstats: not there"),
        (Collector::Filesystem, "filesystem: /proc/self/mountinfo: not there"),
        (Collector::Meminfo, "meminfo: /proc/meminfo: not there"),
        (Collector::Netdev, "netdev: /proc/net/dev: not there"),
        (Collector::Netstat, "netstat: /proc/net/netstat: not there"),
        (Collector::Os, "os: /etc/os-release: not there"),
        (Collector::Pressure, "pressure: /proc/pressure: not there; Linux 4.20 has it, with CONFIG_PSI"),
        (Collector::Uname, "uname: /proc/sys/kernel/ostype: not there"),
        (Collector::Vmstat, "vmstat: /proc/vmstat: not there"),
    ] {
        check(collector, fine(), &[problem]);
    }
    let denied = fine().with("/proc/pressure/cpu", "").refusing("/proc/pressure/cpu");
    check(Collector::Pressure, denied, &["pressure: /proc/pressure/cpu: Permission denied (os error 13)"]);
    let broken: [(Collector, &str, &str, &[&str]); 10] = [
        (Collector::Stat, "/proc/stat", "", &["stat: /proc/stat: no line of it is known"]),
        (Collector::Stat, "/proc/stat", "btime -5\nctxt 1\n", &["stat: /proc/stat: unexpected line \"btime -5\""]),
        (Collector::Cpu, "/proc/stat", "cpu0 1 2 x 4\ncpu1 1 2 3 4\n", &["cpu: /proc/stat: unexpected line \"cpu0 1 2 x 4\""]),
        (
            Collector::Cpu,
            "/proc/stat",
            "cpu0 1 2\ncpux 1 2 3 4\ncpu1 1 2 3 4\n",
            &["cpu: /proc/stat: unexpected line \"cpu0 1 2\"", "cpu: /proc/stat: unexpected line \"cpux 1 2 3 4\""],
        ),
        (
            Collector::Meminfo,
            "/proc/meminfo",
            "MemFree 5 kB\nMemTotal: 6 MB\n",
            &[
                "meminfo: /proc/meminfo: unexpected line \"MemFree 5 kB\"",
                "meminfo: /proc/meminfo: unexpected line \"MemTotal: 6 MB\"",
                "meminfo: /proc/meminfo: no memory in it",
            ],
        ),
        (Collector::Diskstats, "/proc/diskstats", "8 0 sda 1 2\n", &["diskstats: /proc/diskstats: unexpected line \"8 0 sda 1 2\""]),
        (Collector::Netdev, "/proc/net/dev", "a\nb\n eth0: 1 2\n", &["netdev: /proc/net/dev: unexpected line \" eth0: 1 2\""]),
        (Collector::Vmstat, "/proc/vmstat", "pgfault many\n", &["vmstat: /proc/vmstat: unexpected line \"pgfault many\""]),
        (Collector::Pressure, "/proc/pressure/io", "some\n", &["pressure: /proc/pressure/io: unexpected line \"some\""]),
        (Collector::Vmstat, "/proc/vmstat", "x\nx\nx\nx\nx\n", &["vmstat: /proc/vmstat: unexpected line \"x\""; 3]),
    ];
    for (collector, path, text, problems) in broken {
        check(collector, fine().with(path, text), problems);
    }
}

#[test]
fn counters_of_protocols_may_be_negative_and_pairs_may_not_fit() {
    let netstat = "TcpExt: SyncookiesSent ListenDrops Other\nTcpExt: 1 2 3\nIpExt: InOctets\nIpExt: 7 8\n";
    let snmp = "Tcp: MaxConn CurrEstab\nTcp: -1 -2\nIp: Forwarding\nUdp: 1\n";
    let tree = Tree::new("").with("/proc/net/netstat", netstat).with("/proc/net/snmp", snmp);
    let (values, problems) = look_once(&[Collector::Netstat], &tree);
    let found: Vec<(&str, f64)> = values.iter().map(|(series, value)| (series.as_str(), *value)).collect();
    assert_eq!(
        found,
        [("node_netstat_TcpExt_ListenDrops", 2.0), ("node_netstat_TcpExt_SyncookiesSent", 1.0), ("node_netstat_Tcp_CurrEstab", -2.0)]
    );
    assert_eq!(
        problems,
        ["netstat: /proc/net/netstat: unexpected line \"IpExt: 7 8\"", "netstat: /proc/net/snmp: unexpected line \"Ip: Forwarding\""]
    );
}

#[test]
fn samples_are_bounded() {
    let many: String = (0..SAMPLES_MAX / 9).map(|cpu| format!("cpu{cpu} 1 2 3 4\n")).collect();
    let (families, problems) = {
        let mut host = Host::default();
        let mut look = host.look(facts());
        look.collect(Collector::Cpu, &Tree::new("").with("/proc/stat", &many));
        look.finish()
    };
    assert_eq!(families.iter().map(Family::len).sum::<usize>(), SAMPLES_MAX);
    // Two of them are of the collector itself, which are said last.
    let expected = SAMPLES_MAX / 9 * 10 + 2 - SAMPLES_MAX;
    assert_eq!(problems, [format!("{expected} samples of the host dropped, more than {SAMPLES_MAX}")]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines of one text, damaged and given to every reader: numbers or problems, never a panic.
    #[test]
    fn any_text_is_read(lines in prop::collection::vec("(cpu[0-9]?|MemFree:|eth0:|some|8 0 sda|pg|btime|Tcp:|1 2 3:4|max|usage_usec|\\PC)( (total=)?(- )?[0-9]{0,5}[.x:é\\\\/]?){0,20}", 0..8)) {
        let text = lines.join("\n");
        let id = "0123456789abcdef".repeat(4);
        let group = format!("/sys/fs/cgroup/docker/{id}");
        let mut tree = Tree::new("");
        for path in ["stat", "meminfo", "loadavg", "diskstats", "net/dev", "net/netstat", "net/snmp", "net/snmp6", "vmstat", "pressure/cpu", "pressure/io", "1/mountinfo", "sys/kernel/ostype"] {
            tree = tree.with(&format!("/proc/{path}"), &text);
        }
        for path in ["cpu.stat", "cpu.max", "memory.max", "memory.stat", "cgroup.procs", "cpu.weight", "memory.events", "io.pressure"] {
            tree = tree.with(&format!("{group}/{path}"), &text);
        }
        tree = tree.with("/sys/fs/cgroup/cgroup.controllers", "cpu").with("/etc/os-release", &text).with("/sys/devices/system/cpu/isolated", &text);
        let mut host = Host::default();
        let mut look = host.look(facts());
        Collector::ALL.into_iter().for_each(|collector| look.collect(collector, &tree));
        let (families, _) = look.finish();
        prop_assert!(series(&families, &[]).iter().all(|(_, value)| value.is_finite()));
    }
}
