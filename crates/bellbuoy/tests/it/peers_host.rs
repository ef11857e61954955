//! The real node_exporter beside `bellbuoy node-exporter`, on this machine at the same time; promtool reads our page.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::harness::{Program, free_port, http, peer, peers};

const COLLECTORS: [&str; 13] =
    ["cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "netstat", "os", "pressure", "stat", "time", "uname", "vmstat"];

struct Page {
    /// `# HELP` and `# TYPE`.
    heads: BTreeSet<String>,
    /// Labels in any order.
    values: BTreeMap<(String, BTreeSet<String>), f64>,
}

fn page(address: &str) -> Page {
    let (status, text) = http(address, "GET", "/metrics", &[], b"");
    assert_eq!(status, 200, "{text}");
    let mut page = Page { heads: BTreeSet::new(), values: BTreeMap::new() };
    for line in text.lines().filter(|line| !line.contains("node_exporter_build_info") && !line.contains("bellbuoy_host_mount_timeouts")) {
        if line.starts_with('#') {
            page.heads.insert(line.to_string());
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split("\",").map(|pair| pair.trim_end_matches('"').to_string());
        // Debian's node_exporter 1.11 says that no disk turns where it misses any file of the disk's queue.
        let labels = labels.filter(|pair| !pair.starts_with("rotational="));
        page.values.insert((name.to_string(), labels.collect()), value.parse().expect("a number"));
    }
    page
}

#[test]
fn this_host_is_as_node_exporter_sees_it() {
    let Some(dir) = peers() else { return };
    if !dir.join("prometheus-node-exporter").exists() && !dir.join("node_exporter").exists() {
        println!("skipped: no node_exporter in {}", dir.display());
        return;
    }
    let binary = peer(&dir, &["prometheus-node-exporter", "node_exporter"]);
    let version = version_of(&binary);
    if version < (1, 11) {
        println!("skipped: node_exporter {version:?} has other families than 1.11");
        return;
    }
    let port = free_port();
    let mut command = Command::new(binary);
    command
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(["--web.disable-exporter-metrics", "--collector.disable-defaults"])
        // Debian leaves out more than node_exporter does by itself.
        .arg("--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)")
        .args(COLLECTORS.map(|name| format!("--collector.{name}")));
    let mut theirs = Program::start(command, "TLS is disabled");
    theirs.address = format!("127.0.0.1:{port}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellbuoy"));
    command.args(["node-exporter", "--listen", "127.0.0.1:0", "--collectors", &COLLECTORS.join(",")]);
    let ours = Program::start(command, "listening on http://");

    // A mount or a device may come or go between two pages; not each time.
    for attempt in 0.. {
        let (before, middle, after) = (page(&theirs.address), page(&ours.address), page(&theirs.address));
        if before.heads == after.heads && before.values.keys().eq(after.values.keys()) {
            compare(&before, &middle, &after);
            break;
        }
        assert!(attempt < 10, "the machine is never the same twice");
    }
}

/// `node_exporter, version 1.11.1 (branch: ...`
fn version_of(binary: &Path) -> (u32, u32) {
    let output = Command::new(binary).arg("--version").output().expect("node_exporter says its version");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let mut numbers = said.split("version ").nth(1).unwrap_or("").split('.').map_while(|number| number.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn compare(before: &Page, middle: &Page, after: &Page) {
    assert_eq!(before.heads.difference(&middle.heads).collect::<Vec<_>>(), Vec::<&String>::new(), "families that are missing");
    assert_eq!(middle.heads.difference(&before.heads).collect::<Vec<_>>(), Vec::<&String>::new(), "families of our own");
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (middle.values.keys().collect(), before.values.keys().collect());
    assert_eq!(ours.symmetric_difference(&theirs).collect::<Vec<_>>(), Vec::<&&(String, BTreeSet<String>)>::new());
    let (mut equal, mut between) = (0, 0);
    for (series, value) in &middle.values {
        let (from, to) = (before.values[series], after.values[series]);
        let near = |other: f64| (value - other).abs() <= other.abs() * 1e-9;
        if from == to {
            // A gauge may have gone up and come back, a counter not.
            let moving = [
                "node_load",
                "node_memory_",
                "node_procs_",
                "node_disk_io_now",
                "node_filesystem_",
                "node_scrape_",
                "node_netstat_Tcp_CurrEstab",
            ];
            assert!(near(from) || moving.iter().any(|name| series.0.starts_with(name)), "{series:?}: {value}, node_exporter {from}");
            equal += usize::from(near(from));
        } else if series.0.ends_with("_total") || series.0 == "node_time_seconds" {
            assert!((from <= *value || near(from)) && (*value <= to || near(to)), "{series:?}: {value} is not in {from}..{to}");
            between += 1;
        }
    }
    println!("{} series, {equal} equal, {between} counters between two readings", middle.values.len());
    assert!(equal > 100 && between > 3, "{equal} {between}");
}

#[test]
fn promtool_finds_nothing_on_the_page_of_this_host() {
    let Some(dir) = peers() else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellbuoy"));
    command.args(["node-exporter", "--listen", "127.0.0.1:0"]);
    let ours = Program::start(command, "listening on http://");
    let text = http(&ours.address, "GET", "/metrics", &[], b"").1;
    let mut promtool = Command::new(peer(&dir, &["promtool"]))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Names that are node_exporter's own, and which promtool does not like of node_exporter either.
    let ours: Vec<&str> = said.lines().filter(|line| !line.ends_with("'snake_case' not 'camelCase'")).collect();
    assert_eq!(ours, Vec::<&str>::new(), "{said}");
}
