//! Containers under cAdvisor's names: the groups of cgroup v2 that Docker, Podman, containerd, CRI-O and LXC make, found by their paths.
//!
//! `id` is the group's path and `name` the container's name where Docker's own file may be read, else the first digits of its
//! identifier; a pod's containers have `pod_uid`. What lies below a container is in the container's own numbers.

use bellbuoy_vocabulary::Timestamp;

use super::files::{Files, needed, number_of, word};
use super::{Facts, Out, network, number, pressure};

const ROOT: &str = "/sys/fs/cgroup";
/// Folders that are looked into for containers, and how deep.
const FOLDERS_MAX: usize = 5_000;
const DEPTH_MAX: usize = 12;
/// As Docker prints identifiers.
const SHORT_ID: usize = 12;

/// A container's group.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Container {
    /// Below `ROOT`: `/system.slice/docker-0123....scope`
    path: String,
    identifier: String,
    pod: Option<String>,
}

/// Whether the host has cgroup v2 alone.
pub(super) fn are_seen(files: &dyn Files) -> bool {
    word(files, &format!("{ROOT}/cgroup.controllers")).is_some()
}

pub(super) fn read(files: &dyn Files, facts: &Facts, out: &mut Out) -> Result<(), String> {
    if !are_seen(files) {
        return Err(format!("{ROOT}/cgroup.controllers: not there; containers are seen where the host has cgroup v2 alone"));
    }
    let mut found = Found::default();
    found.look_below(files, "", 0);
    if found.left_out > 0 {
        out.problem(format!("{ROOT}: {FOLDERS_MAX} groups are looked at, more are left out"));
    }
    let ours = files.link("/proc/self/ns/net");
    // Containers of a pod share one network: it is said once, for the one whose process is the oldest.
    let mut networks: Vec<(u32, String, &Container)> = Vec::new();
    for container in &found.containers {
        let Some(pid) = first_process(files, &container.path, 0) else { continue };
        let space = files.link(&format!("/proc/{pid}/ns/net"));
        if let Some(space) = space.filter(|space| ours.as_ref() != Some(space)) {
            networks.push((pid, space, container));
        }
    }
    networks.sort();
    for container in &found.containers {
        let (name, image) = docker(files, &container.identifier);
        let name = name.unwrap_or_else(|| container.identifier.chars().take(SHORT_ID).collect());
        let mut labels = vec![("id", container.path.as_str()), ("name", name.as_str())];
        labels.extend(image.as_deref().map(|image| ("image", image)));
        labels.extend(container.pod.as_deref().map(|pod| ("pod_uid", pod)));
        tell(files, container, &labels, facts.now, out);
        let own = networks.iter().position(|(_, _, of)| of.path == container.path);
        if let Some(at) = own.filter(|at| !networks[..*at].iter().any(|(_, space, _)| *space == networks[*at].1)) {
            traffic(files, networks[at].0, &labels, out);
        }
    }
    Ok(())
}

impl PartialOrd for Container {
    fn partial_cmp(&self, other: &Container) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Container {
    fn cmp(&self, other: &Container) -> std::cmp::Ordering {
        self.path.cmp(&other.path)
    }
}

#[derive(Default)]
struct Found {
    containers: Vec<Container>,
    folders: usize,
    left_out: usize,
}

impl Found {
    fn look_below(&mut self, files: &dyn Files, path: &str, depth: usize) {
        for name in files.list(&format!("{ROOT}{path}")) {
            // Settings of a group have a dot and folders may: only a group has `cgroup.procs`, asking is left to the next level.
            if is_setting(&name) {
                continue;
            }
            self.folders += 1;
            if self.folders > FOLDERS_MAX || depth > DEPTH_MAX {
                self.left_out += 1;
                return;
            }
            let path = format!("{path}/{name}");
            match container(&path) {
                Some(container) => self.containers.push(container),
                None => self.look_below(files, &path, depth + 1),
            }
        }
    }
}

/// `memory.max`, `cgroup.procs`: a controller, a dot, more.
fn is_setting(name: &str) -> bool {
    const CONTROLLERS: [&str; 10] = ["cgroup", "cpu", "cpuset", "memory", "io", "pids", "hugetlb", "rdma", "misc", "irq"];
    name.split_once('.').is_some_and(|(controller, rest)| {
        CONTROLLERS.contains(&controller) && !["slice", "scope", "service", "mount", "socket"].iter().any(|unit| rest.ends_with(unit))
    })
}

/// `/docker/ID`, `/system.slice/docker-ID.scope`, `/machine.slice/libpod-ID.scope`, `/kubepods.slice/.../cri-containerd-ID.scope`,
/// `/kubepods/burstable/podUID/ID`, `/lxc.payload.NAME`.
fn container(path: &str) -> Option<Container> {
    let last = path.rsplit('/').next()?;
    if let Some(name) = last.strip_prefix("lxc.payload.").or_else(|| path.strip_prefix("/lxc/")).filter(|name| !name.contains('/')) {
        return Some(Container { path: path.to_string(), identifier: name.to_string(), pod: None });
    }
    let unit = last.strip_suffix(".scope").unwrap_or(last);
    let (runtime, identifier) = unit.rsplit_once('-').unwrap_or(("", unit));
    let is_identifier = identifier.len() == 64 && identifier.bytes().all(|byte| byte.is_ascii_hexdigit());
    // `libpod-conmon-ID` is who watches the container.
    if !is_identifier || runtime.ends_with("conmon") {
        return None;
    }
    Some(Container { path: path.to_string(), identifier: identifier.to_string(), pod: path.split('/').find_map(pod) })
}

/// `pod1234-...` or `kubepods-burstable-pod1234_....slice`.
fn pod(part: &str) -> Option<String> {
    let part = part.strip_suffix(".slice").unwrap_or(part);
    let (before, uid) = part.split_once("pod").map(|_| part.rsplit_once("pod").unwrap_or_default())?;
    let digits = |c: char| c.is_ascii_hexdigit() || c == '-' || c == '_';
    let fits = (before.is_empty() || before.ends_with('-')) && uid.len() >= 32 && uid.chars().all(digits);
    fits.then(|| uid.replace('_', "-"))
}

/// The name and image that people know, from Docker's own file; root may read it.
fn docker(files: &dyn Files, identifier: &str) -> (Option<String>, Option<String>) {
    let Ok(text) = files.read(&format!("/var/lib/docker/containers/{identifier}/config.v2.json")) else { return (None, None) };
    let Ok(config) = serde_json::from_str::<serde_json::Value>(&text) else { return (None, None) };
    let of =
        |value: &serde_json::Value| value.as_str().map(|text| text.trim_start_matches('/').to_string()).filter(|text| !text.is_empty());
    (of(&config["Name"]), of(&config["Config"]["Image"]))
}

/// In the group or, where a container has groups of its own, below it.
fn first_process(files: &dyn Files, path: &str, depth: usize) -> Option<u32> {
    let own = files.read(&format!("{ROOT}{path}/cgroup.procs")).ok();
    // A process of another namespace is 0 here.
    let first = own.and_then(|text| text.lines().filter_map(|line| line.trim().parse().ok()).filter(|pid| *pid > 0).min());
    if first.is_some() || depth >= 3 {
        return first;
    }
    let below = files.list(&format!("{ROOT}{path}")).into_iter().filter(|name| !is_setting(name)).take(20);
    below.filter_map(|name| first_process(files, &format!("{path}/{name}"), depth + 1)).min()
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn tell(files: &dyn Files, container: &Container, labels: Pairs, now: Timestamp, out: &mut Out) {
    let at = |file: &str| format!("{ROOT}{}/{file}", container.path);
    let gauge = |out: &mut Out, name: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            out.gauge(name, help, labels, value);
        }
    };
    // A container that ends between the listing and here is no problem.
    let Ok(stat) = files.read(&at("cpu.stat")) else { return };
    out.gauge("container_last_seen", "Last time a container was seen by the exporter", labels, now.seconds().trunc());
    cpu(files, &stat, &at("cpu.max"), labels, out);
    if let Some(weight) = number_of(files, &at("cpu.weight")) {
        // How runtimes turn shares of cgroup v1 into weights, backwards.
        let shares = 2.0 + ((weight - 1.0) * 262_142.0 / 9_999.0).trunc();
        out.gauge("container_spec_cpu_shares", "CPU share of the container.", labels, shares);
    }
    memory(files, &at, labels, out);
    let processes = files.read(&at("cgroup.procs")).ok().map(|text| text.lines().count() as f64);
    gauge(out, "container_processes", "Number of processes running inside the container.", processes);
    let threads = number_of(files, &at("pids.current"));
    gauge(out, "container_threads", "Number of threads running inside the container", threads);
    let help = "Maximum number of threads allowed inside the container, infinity if value is zero";
    gauge(out, "container_threads_max", help, limit(files, &at("pids.max")));
    for resource in ["cpu", "memory", "io"] {
        waits(files, &at(&format!("{resource}.pressure")), resource, labels, out);
    }
}

/// `max` is no limit, which cAdvisor writes as 0.
fn limit(files: &dyn Files, path: &str) -> Option<f64> {
    word(files, path).and_then(|text| if text == "max" { Some(0.0) } else { number(&text) })
}

/// `usage_usec 123` by name.
fn flat(text: &str, key: &str) -> Option<f64> {
    text.lines().filter_map(|line| line.split_once(' ')).find(|(name, _)| *name == key).and_then(|(_, value)| number(value.trim()))
}

fn cpu(files: &dyn Files, stat: &str, max: &str, labels: Pairs, out: &mut Out) {
    let counter = |out: &mut Out, name: &str, help: &str, labels: Pairs, value: Option<f64>| {
        if let Some(value) = value {
            out.counter(name, help, labels, value);
        }
    };
    let seconds = |key: &str| flat(stat, key).map(|micros| micros / 1e6);
    let total: Vec<(&str, &str)> = labels.iter().copied().chain([("cpu", "total")]).collect();
    counter(out, "container_cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds.", &total, seconds("usage_usec"));
    counter(out, "container_cpu_user_seconds_total", "Cumulative user cpu time consumed in seconds.", labels, seconds("user_usec"));
    counter(out, "container_cpu_system_seconds_total", "Cumulative system cpu time consumed in seconds.", labels, seconds("system_usec"));
    let Some(max) = word(files, max) else { return };
    let Some((quota, period)) = max.split_once(' ') else { return };
    if let Some(period) = number(period) {
        out.gauge("container_spec_cpu_period", "CPU period of the container.", labels, period);
    }
    // Without a limit nothing is throttled, and cAdvisor says nothing of it.
    let Some(quota) = number(quota) else { return };
    out.gauge("container_spec_cpu_quota", "CPU quota of the container.", labels, quota);
    let help = "Number of elapsed enforcement period intervals.";
    counter(out, "container_cpu_cfs_periods_total", help, labels, flat(stat, "nr_periods"));
    counter(out, "container_cpu_cfs_throttled_periods_total", "Number of throttled period intervals.", labels, flat(stat, "nr_throttled"));
    let help = "Total time duration the container has been throttled.";
    counter(out, "container_cpu_cfs_throttled_seconds_total", help, labels, seconds("throttled_usec"));
}

fn memory(files: &dyn Files, at: &dyn Fn(&str) -> String, labels: Pairs, out: &mut Out) {
    let stat = files.read(&at("memory.stat")).unwrap_or_default();
    let usage = number_of(files, &at("memory.current"));
    let inactive = flat(&stat, "inactive_file");
    let working_set = usage.zip(inactive).map(|(usage, inactive)| (usage - inactive).max(0.0));
    let help = "Current memory usage in bytes, including all memory regardless of when it was accessed";
    #[rustfmt::skip]
    let gauges = [
        ("container_memory_usage_bytes", help, usage),
        ("container_memory_working_set_bytes", "Current working set in bytes.", working_set),
        ("container_memory_max_usage_bytes", "Maximum memory usage recorded in bytes", number_of(files, &at("memory.peak"))),
        ("container_memory_rss", "Size of RSS in bytes.", flat(&stat, "anon")),
        ("container_memory_cache", "Number of bytes of page cache memory.", flat(&stat, "file")),
        ("container_memory_mapped_file", "Size of memory mapped files in bytes.", flat(&stat, "file_mapped")),
        ("container_memory_swap", "Container swap usage in bytes.", number_of(files, &at("memory.swap.current"))),
        ("container_memory_total_active_file_bytes", "Current total active file in bytes.", flat(&stat, "active_file")),
        ("container_memory_total_inactive_file_bytes", "Current total inactive file in bytes.", inactive),
        ("container_spec_memory_limit_bytes", "Memory limit for the container.", limit(files, &at("memory.max"))),
        ("container_spec_memory_swap_limit_bytes", "Memory swap limit for the container.", limit(files, &at("memory.swap.max"))),
        ("container_spec_memory_reservation_limit_bytes", "Memory reservation limit for the container.", limit(files, &at("memory.low"))),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            out.gauge(name, help, labels, value);
        }
    }
    for (key, kind) in [("pgfault", "pgfault"), ("pgmajfault", "pgmajfault")] {
        let Some(count) = flat(&stat, key) else { continue };
        // cgroup v2 counts a group with all below it; cAdvisor writes both scopes then, the same.
        for scope in ["container", "hierarchy"] {
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("failure_type", kind), ("scope", scope)]).collect();
            out.counter("container_memory_failures_total", "Cumulative count of memory allocation failures.", &labels, count);
        }
    }
    let events = files.read(&at("memory.events")).unwrap_or_default();
    #[rustfmt::skip]
    let counters = [
        ("container_oom_events_total", "Count of out of memory events observed for the container", "oom_kill"),
        ("container_memory_events_high_total", "Cumulative count of memory.high throttle events for the container", "high"),
        ("container_memory_events_max_total", "Cumulative count of memory.max limit hit events for the container", "max"),
    ];
    for (name, help, key) in counters {
        if let Some(count) = flat(&events, key) {
            out.counter(name, help, labels, count);
        }
    }
}

fn waits(files: &dyn Files, path: &str, resource: &str, labels: Pairs, out: &mut Out) {
    let shown = if resource == "memory" { "memory" } else { &resource.to_uppercase() };
    for (kind, seconds) in files.read(path).unwrap_or_default().lines().filter_map(pressure::seconds) {
        let (word, help) = match kind {
            "some" => ("waiting", format!("Total time duration tasks in the container have waited due to {shown} congestion.")),
            _ => ("stalled", format!("Total time duration no tasks in the container could make progress due to {shown} congestion.")),
        };
        out.counter(&format!("container_pressure_{resource}_{word}_seconds_total"), &help, labels, seconds);
    }
}

/// The devices of the container's own network, as one of its processes sees them.
fn traffic(files: &dyn Files, pid: u32, labels: Pairs, out: &mut Out) {
    #[rustfmt::skip]
    const NAMES: [(&str, &str, &str); 8] = [
        ("receive", "bytes", "Cumulative count of bytes received"),
        ("receive", "packets", "Cumulative count of packets received"),
        ("receive", "errs", "Cumulative count of errors encountered while receiving"),
        ("receive", "drop", "Cumulative count of packets dropped while receiving"),
        ("transmit", "bytes", "Cumulative count of bytes transmitted"),
        ("transmit", "packets", "Cumulative count of packets transmitted"),
        ("transmit", "errs", "Cumulative count of errors encountered while transmitting"),
        ("transmit", "drop", "Cumulative count of packets dropped while transmitting"),
    ];
    let Ok(text) = needed(files, &format!("/proc/{pid}/net/dev")) else { return };
    for (device, values) in network::lines(&text).filter_map(network::device).filter(|(device, _)| *device != "lo") {
        let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("interface", device)]).collect();
        for (way, column, help) in NAMES {
            let columns = if way == "receive" { (0, network::RECEIVE) } else { (network::RECEIVE.len(), network::TRANSMIT) };
            let Some(at) = columns.1.iter().position(|known| *known == column) else { continue };
            let word = match column {
                "errs" => "errors",
                "drop" => "packets_dropped",
                other => other,
            };
            out.counter(&format!("container_network_{way}_{word}_total"), help, &labels, values[columns.0 + at]);
        }
    }
}
