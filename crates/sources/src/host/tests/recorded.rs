//! A machine and what node_exporter said of it a moment later: the same families with types and HELP texts, the same series.

use std::collections::BTreeSet;

use super::*;

const PAGE: &str = include_str!("fixtures/node_exporter.txt");

fn recorded() -> Tree {
    let usage = Usage { size: 1000, free: 500, avail: 400, files: 10, files_free: 5 };
    Tree::new(include_str!("fixtures/recorded.txt")).mounted("/", usage)
}

/// Without the containers: node_exporter does not look at them.
fn collectors() -> Vec<Collector> {
    Collector::ALL.into_iter().filter(|collector| *collector != Collector::Containers).collect()
}

#[test]
fn the_families_are_those_of_node_exporter() {
    let mut host = Host::default();
    let mut look = host.look(facts());
    collectors().into_iter().for_each(|collector| look.collect(collector, &recorded()));
    let (families, problems) = look.finish();
    assert_eq!(problems, Vec::<String>::new());
    let head = |page: &str| -> BTreeSet<String> {
        page.lines().filter(|line| line.starts_with('#') && !line.contains("node_scrape_collector")).map(String::from).collect()
    };
    let (ours, theirs) = (head(&crate::family::text(&families)), head(PAGE));
    assert!(theirs.len() > 300, "{}", theirs.len());
    assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_series_are_those_of_node_exporter() {
    // node_exporter 1.11 says that a disk does not turn when it misses any file of its queue, as on this kernel; later ones read one.
    let tree = recorded().with("/sys/block/vda/queue/rotational", "0\n");
    let (ours, problems) = look_once(&collectors(), &tree);
    assert_eq!(problems, Vec::<String>::new());
    let mut theirs = Values::new();
    for line in PAGE.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        // As the store writes them: sorted (they are), with blanks, without empty labels.
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let kept: Vec<String> = labels
            .trim_end_matches('}')
            .split("\",")
            .map(|pair| format!("{}\"", pair.trim_end_matches('"')))
            .filter(|pair| pair.len() > 1 && !pair.ends_with("=\""))
            .collect();
        let name = if kept.is_empty() { name.to_string() } else { format!("{name}{{{}}}", kept.join(", ")) };
        theirs.insert(name, value.parse().expect("a number"));
    }
    let (one, other): (BTreeSet<_>, BTreeSet<_>) = (ours.keys().collect(), theirs.keys().collect());
    assert_eq!(one.symmetric_difference(&other).collect::<Vec<_>>(), Vec::<&&String>::new());
    // What does not move in a moment is equal.
    let mut same = 0;
    for (series, value) in &theirs {
        let near = (ours[series] - value).abs() <= value.abs() * 1e-12;
        let still = [
            "node_memory_MemTotal_bytes",
            "node_boot_time_seconds",
            "node_os_",
            "node_uname_info",
            "node_disk_info",
            "node_memory_DirectMap",
        ];
        assert!(near || !still.iter().any(|name| series.starts_with(name)), "{series} {} {value}", ours[series]);
        same += usize::from(near);
    }
    assert!(same * 4 > theirs.len() * 3, "{same} of {} are equal", theirs.len());
}

#[test]
fn values_have_base_units() {
    let tree = Tree::new(
        "== /proc/stat\ncpu  1 2 3 4 5 6 7 8 9 10\ncpu0 159673 23861 21302 375056 658 0 121 99 4 5\nbtime 1795234343\n\
         == /proc/meminfo\nMemTotal:       24684084 kB\nActive(anon):       1652 kB\nHugePages_Total:       3\nKReclaimable: 5 kB\n\
         == /proc/diskstats\n 254       0 vda 469055 36377 26587242 545674 42530 105324 32377656 95244 7 34444 645077 26039 29 12211816 4060 2442 97\n\
         == /proc/pressure/io\nsome avg10=84.39 avg60=70.43 avg300=45.15 total=618659065\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
    );
    let wanted = [Collector::Cpu, Collector::Stat, Collector::Meminfo, Collector::Diskstats, Collector::Pressure, Collector::Time];
    let (values, problems) = look_once(&wanted, &tree);
    assert_eq!(problems, Vec::<String>::new());
    for (series, value) in [
        ("node_cpu_seconds_total{cpu=\"0\", mode=\"user\"}", 1596.73),
        ("node_cpu_seconds_total{cpu=\"0\", mode=\"steal\"}", 0.99),
        ("node_cpu_guest_seconds_total{cpu=\"0\", mode=\"nice\"}", 0.05),
        ("node_boot_time_seconds", 1_795_234_343.0),
        ("node_memory_MemTotal_bytes", 24_684_084.0 * 1024.0),
        ("node_memory_Active_anon_bytes", 1652.0 * 1024.0),
        ("node_memory_HugePages_Total", 3.0),
        ("node_disk_read_bytes_total{device=\"vda\"}", 26_587_242.0 * 512.0),
        ("node_disk_io_time_seconds_total{device=\"vda\"}", 34.444),
        ("node_disk_io_now{device=\"vda\"}", 7.0),
        ("node_disk_discarded_sectors_total{device=\"vda\"}", 12_211_816.0),
        ("node_pressure_io_waiting_seconds_total", 618.659065),
        ("node_pressure_io_stalled_seconds_total", 5e-6),
        ("node_time_seconds", 1_795_240_000.5),
    ] {
        assert!(values.get(series).is_some_and(|found| (found - value).abs() <= value * 1e-12), "{series} {:?}", values.get(series));
    }
    assert!(!values.contains_key("node_memory_KReclaimable_bytes"), "node_exporter does not say it");
}
