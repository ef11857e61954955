//! Groups of containers as Docker, Podman, Kubernetes and LXC name them, on cgroup v2; a host with cgroup v1.

use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

fn group(path: &str, pid: u32) -> String {
    let at = format!("/sys/fs/cgroup{path}");
    format!(
        "== {at}/cgroup.procs\n0\n{pid}\n99999\n\
         == {at}/cpu.stat\nusage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 7\nnr_throttled 3\nthrottled_usec 250000\n\
         == {at}/cpu.max\n50000 100000\n== {at}/cpu.weight\n100\n\
         == {at}/memory.current\n1000000\n== {at}/memory.max\nmax\n== {at}/memory.peak\n2000000\n== {at}/memory.swap.current\n0\n\
         == {at}/memory.stat\nanon 300000\nfile 600000\ninactive_file 400000\nactive_file 200000\npgfault 11\npgmajfault 2\n\
         == {at}/memory.events\nlow 0\nhigh 1\nmax 2\noom 1\noom_kill 1\n\
         == {at}/pids.current\n4\n== {at}/pids.max\n100\n\
         == {at}/memory.pressure\nsome avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n"
    )
}

fn host(groups: &str) -> Tree {
    Tree::new(&format!("== /sys/fs/cgroup/cgroup.controllers\ncpu memory\n== /sys/fs/cgroup/system.slice/cpu.stat\nusage_usec 5\n{groups}"))
        .with("/sys/fs/cgroup/memory.pressure/x", "")
}

fn names(values: &Values) -> Vec<String> {
    let last_seen = values.keys().filter_map(|series| series.strip_prefix("container_last_seen"));
    last_seen.map(|labels| labels.replace(ID, "ID").replace(OTHER, "OTHER")).collect()
}

#[test]
fn numbers_of_a_container() {
    let path = format!("/system.slice/docker-{ID}.scope");
    let mut tree = host(&group(&path, 42)).with(
        &format!("/var/lib/docker/containers/{ID}/config.v2.json"),
        "{\"Name\":\"/trainer\",\"Config\":{\"Image\":\"registry/train:1\"}}",
    );
    tree.links.insert("/proc/self/ns/net".into(), "net:[1]".into());
    tree.links.insert("/proc/42/ns/net".into(), "net:[2]".into());
    tree = tree.with("/proc/42/net/dev", "a\nb\n lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    let (values, problems) = look_once(&[Collector::Containers], &tree);
    assert_eq!(problems, Vec::<String>::new());
    let of = |name: &str, more: &str| {
        let mut labels = vec![format!("id=\"{path}\""), "image=\"registry/train:1\"".into(), "name=\"trainer\"".into()];
        labels.extend(more.split_terminator(' ').map(String::from));
        labels.sort();
        let series = format!("{name}{{{}}}", labels.join(", "));
        *values.get(&series).unwrap_or_else(|| panic!("{series} in {values:#?}"))
    };
    for (name, more, value) in [
        ("container_cpu_usage_seconds_total", "cpu=\"total\"", 1.5),
        ("container_cpu_user_seconds_total", "", 1.0),
        ("container_cpu_system_seconds_total", "", 0.5),
        ("container_cpu_cfs_periods_total", "", 7.0),
        ("container_cpu_cfs_throttled_periods_total", "", 3.0),
        ("container_cpu_cfs_throttled_seconds_total", "", 0.25),
        ("container_spec_cpu_quota", "", 50_000.0),
        ("container_spec_cpu_period", "", 100_000.0),
        ("container_spec_cpu_shares", "", 2597.0),
        ("container_memory_usage_bytes", "", 1e6),
        ("container_memory_working_set_bytes", "", 6e5),
        ("container_memory_rss", "", 3e5),
        ("container_memory_cache", "", 6e5),
        ("container_memory_max_usage_bytes", "", 2e6),
        ("container_memory_failures_total", "failure_type=\"pgmajfault\" scope=\"container\"", 2.0),
        ("container_spec_memory_limit_bytes", "", 0.0),
        ("container_oom_events_total", "", 1.0),
        ("container_processes", "", 3.0),
        ("container_threads", "", 4.0),
        ("container_threads_max", "", 100.0),
        ("container_pressure_memory_stalled_seconds_total", "", 1.0),
        ("container_last_seen", "", 1_795_240_000.0),
        ("container_network_receive_bytes_total", "interface=\"eth0\"", 1.0),
        ("container_network_receive_packets_dropped_total", "interface=\"eth0\"", 4.0),
        ("container_network_transmit_bytes_total", "interface=\"eth0\"", 9.0),
        ("container_network_transmit_errors_total", "interface=\"eth0\"", 11.0),
    ] {
        assert_eq!(of(name, more), value, "{name}");
    }
    assert!(!values.keys().any(|series| series.contains("\"lo\"")));
}

#[test]
fn containers_by_their_paths() {
    let check = |path: &str, expected: &[&str]| {
        let path = path.replace("ID", ID);
        let (values, problems) = look_once(&[Collector::Containers], &host(&group(&path, 42)));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(names(&values), expected, "{path}");
    };
    check("/docker/ID", &["{id=\"/docker/ID\", name=\"0123456789ab\"}"]);
    check("/machine.slice/libpod-ID.scope/container", &[]);
    check("/machine.slice/libpod-conmon-ID.scope", &[]);
    check("/lxc.payload.web", &["{id=\"/lxc.payload.web\", name=\"web\"}"]);
    check("/system.slice/ssh.service", &[]);
    check("/system.slice/docker-0123.scope", &[]);
    let pod = "12345678-1234-1234-1234-123456789abc";
    let slice =
        format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/cri-containerd-ID.scope", pod.replace('-', "_"));
    check(&slice, &[&format!("{{id=\"{slice}\", name=\"0123456789ab\", pod_uid=\"{pod}\"}}")]);
    let plain = format!("/kubepods/besteffort/pod{pod}/ID");
    check(&plain, &[&format!("{{id=\"{plain}\", name=\"0123456789ab\", pod_uid=\"{pod}\"}}")]);
}

/// Podman's processes are one level below; two containers of a pod share a network, which the older process speaks for.
#[test]
fn a_shared_network_is_counted_once() {
    let (one, other) = (format!("/machine.slice/libpod-{ID}.scope"), format!("/machine.slice/libpod-{OTHER}.scope"));
    let groups =
        format!("{}== /sys/fs/cgroup{other}/cpu.stat\nusage_usec 1\n== /sys/fs/cgroup{other}/container/cgroup.procs\n7\n", group(&one, 42));
    let mut tree = host(&groups);
    for pid in [7, 42] {
        tree.links.insert(format!("/proc/{pid}/ns/net"), "net:[2]".into());
        tree = tree.with(&format!("/proc/{pid}/net/dev"), "a\nb\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    }
    let (values, _) = look_once(&[Collector::Containers], &tree);
    let received: Vec<&String> = values.keys().filter(|series| series.starts_with("container_network_receive_bytes_total")).collect();
    assert_eq!(received, [&format!("container_network_receive_bytes_total{{id=\"{other}\", interface=\"eth0\", name=\"fedcba987654\"}}")]);
    assert_eq!(names(&values).len(), 2);
}

#[test]
fn without_cgroup_v2_the_collector_says_so() {
    let v1 = Tree::new(&format!(
        "== /sys/fs/cgroup/memory/docker/{ID}/memory.usage_in_bytes\n5\n== /sys/fs/cgroup/unified/cgroup.controllers\n\n"
    ));
    let (values, problems) = look_once(&[Collector::Containers], &v1);
    assert_eq!(
        problems,
        ["containers: /sys/fs/cgroup/cgroup.controllers: not there; containers are seen where the host has cgroup v2 alone"]
    );
    assert_eq!(values, Values::new());
}
