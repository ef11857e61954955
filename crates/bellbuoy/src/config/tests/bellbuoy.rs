//! Mistakes in bellbuoy.yml beside its models.

use bellbuoy_sources::host::{Collector, HostOptions};
use expect_test::{Expect, expect};

use super::{check_files, good};

fn check(text: &str, expected: Expect) {
    check_files(&[("bellbuoy.yml", text)], expected);
}

#[test]
fn storage() {
    check("storage: {retention: 1s}\n", expect![[r#"bellbuoy.yml:1:11: "retention" must be at least 1m; the usual is 15d"#]]);
    check(
        "storage: {retention: 30d, notifications_retention: 7d, notifications_max: 500, retention_size: 10}\n",
        expect![[r#"bellbuoy.yml:1:96: "retention_size" is not a valid size: "10"; write for example 512KB, 10MB or 1GB"#]],
    );
    check("storage: {retention: 30d, retention_size: 10GB}\n", expect![""]);
    check("model: []\n", expect![[r#"bellbuoy.yml:1:1: unknown field "model" in bellbuoy.yml; did you mean "models"?"#]]);
}

#[test]
fn host() {
    check("host: {}\n", expect![""]);
    check(
        "host:\n  collectors: [cpu, containers]\n  mount_points_exclude: ^/(dev|proc)\n  disks_include: ^nvme\n  procfs: /host/proc\n",
        expect![""],
    );
    check(
        "host:\n  interval: 10ms\n  collectors: [cpu, memory]\n  disks_exclude: '('\n  mount_point_exclude: x\n",
        expect![[r#"
        bellbuoy.yml:2:3: "interval" must be at least 1s; the usual is 15s
        bellbuoy.yml:3:21: unknown collector "memory"; one of containers, cpu, diskstats, filesystem, loadavg, meminfo, netdev, netstat, os, pressure, stat, time, uname, vmstat
        bellbuoy.yml:4:18: bad regular expression "(": unclosed group
        bellbuoy.yml:5:3: unknown field "mount_point_exclude" in host; did you mean "mount_points_exclude"?"#]],
    );
}

#[test]
fn what_lets_in_replaces_the_usual_exclusion() {
    let options = |text: &str| good(&[("bellbuoy.yml", text)]).host.map(|host| host.options).unwrap_or_default();
    let usual = options("host: {interval: 15s}\n");
    assert_eq!(usual, HostOptions::default());
    assert!(!usual.disks.takes("sda1"));
    assert!(options("host: {disks_include: ^sda}\n").disks.takes("sda1"));
    let none = options("host: {disks_exclude: ''}\n");
    assert!(none.disks.takes("sda1") && none.mount_points == usual.mount_points);
    assert_eq!(options("host: {collectors: [stat, cpu, stat]}\n").collectors, [Collector::Stat, Collector::Cpu]);
}
