//! Cost of a sample and of a series: `cargo run --release -p bellbuoy-store --example bench -- [DIR] [SERIES] [SAMPLES]`.
//!
//! Scrapes of 500 series with 9 labels each, every 5 s of made-up time; `maintain` each minute of it. Three quarters of the series are
//! counters, the rest gauges. Prints CPU per appended sample, memory per series (VmRSS), bytes of log and chunks, and how long
//! reopening takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bellbuoy_store::{Durability, Options, OsDisk, Store};
use bellbuoy_vocabulary::{Append, Labels, Matcher, Millis, Points, SeriesRef, SeriesSource, Timestamp};

const START: Timestamp = Timestamp(1_700_000_000_000);
const SCRAPE_SERIES: usize = 500;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().map_or_else(|| std::env::temp_dir().join(format!("store-bench-{}", std::process::id())), PathBuf::from);
    let series_count: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let samples: i64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(360);
    let idle = memory_kib();
    let (store, recovery) = Store::open(Arc::new(OsDisk::new(&dir)), Options::default(), START).expect("opens");
    println!("found {} series, {} samples, {} chunks", recovery.series, recovery.samples, recovery.chunks);
    let begin = Instant::now();
    let mut refs: Vec<SeriesRef> = Vec::with_capacity(series_count);
    let mut label_bytes = 0;
    let mut appender = store.appender();
    for number in 0..series_count {
        let labels = labels_of(number);
        label_bytes += labels.as_bytes().len();
        refs.push(appender.series(&labels).expect("below the limit").0);
    }
    drop(appender);
    println!("{series_count} series of {} bytes of labels made in {:?}", label_bytes / series_count, begin.elapsed());
    println!("memory {} MiB, {} bytes/series", (memory_kib() - idle) >> 10, (memory_kib() - idle) * 1024 / series_count);
    let (begin, cpu) = (Instant::now(), cpu_seconds());
    let mut housekeeping = 0.0;
    for step in 0..samples {
        let at = START + Millis::from_seconds(5 * step);
        for (part, refs) in refs.chunks(SCRAPE_SERIES).enumerate() {
            let mut appender = store.appender();
            for (n, series) in refs.iter().enumerate() {
                appender.append(*series, at, value(part * SCRAPE_SERIES + n, step)).expect("in order");
            }
            appender.commit(Durability::Logged).expect("disk works");
        }
        if step % 12 == 11 {
            let before = cpu_seconds();
            let done = store.maintain(at);
            assert!(done.problems.is_empty(), "{:?}", done.problems);
            housekeeping += cpu_seconds() - before;
        }
        if step == 119 || step == 239 {
            println!("after {} samples: memory {} MiB", step + 1, (memory_kib() - idle) >> 10);
        }
    }
    let total = series_count as f64 * samples as f64;
    let cpu = cpu_seconds() - cpu;
    println!(
        "{total} samples in {:?}; CPU {:.3} us/sample, of which housekeeping {:.3}",
        begin.elapsed(),
        cpu * 1e6 / total,
        housekeeping * 1e6 / total
    );
    println!("memory {} MiB, {} bytes/series", (memory_kib() - idle) >> 10, (memory_kib() - idle) * 1024 / series_count);
    let stats = store.stats();
    println!(
        "log {} MiB, chunks {}, {:.2} bytes/sample",
        stats.wal_bytes >> 20,
        stats.chunks,
        stats.chunk_bytes as f64 / stats.chunks.max(1) as f64 / 120.0
    );
    read(&store, START + Millis::from_seconds(5 * samples));
    store.close().expect("disk works");
    drop(store);
    let begin = Instant::now();
    let (_store, recovery) = Store::open(Arc::new(OsDisk::new(&dir)), Options::default(), START).expect("opens");
    println!("reopened in {:?}: {} samples, {} chunks, damaged {:?}", begin.elapsed(), recovery.samples, recovery.chunks, recovery.damaged);
}

fn read(store: &Store, end: Timestamp) {
    let begin = Instant::now();
    let all = store.select(Timestamp::MIN, Timestamp::MAX, &[Matcher::equal("job", "bench-of-the-store")]).expect("selects");
    println!("selected {} series in {:?}", all.len(), begin.elapsed());
    let (begin, mut count, mut points) = (Instant::now(), 0, Points::default());
    for series in &all {
        points.clear();
        series.read(end.saturating_sub(Millis::from_minutes(5)), end, &mut points).expect("reads");
        count += points.floats.len();
    }
    println!("read the last 5 minutes: {count} samples in {:?}", begin.elapsed());
}

fn labels_of(number: usize) -> Labels {
    let (target, metric) = (number / SCRAPE_SERIES, number % SCRAPE_SERIES);
    Labels::from_sorted([
        ("__name__", format!("bench_metric_{:03}_total", metric / 10).as_str()),
        ("cluster", "production-1"),
        ("code", format!("{}", 200 + metric % 10).as_str()),
        ("handler", format!("/api/v1/path/{}", metric % 10).as_str()),
        ("instance", format!("10.0.{}.{}:9100", target / 250, target % 250).as_str()),
        ("job", "bench-of-the-store"),
        ("method", if metric.is_multiple_of(2) { "GET" } else { "POST" }),
        ("namespace", "monitoring"),
        ("pod", format!("service-{target}-abcdef").as_str()),
    ])
}

fn value(number: usize, step: i64) -> f64 {
    let noise = (number as u64 ^ (step as u64).wrapping_mul(0x9e37_79b9)).wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
    match number % 4 {
        0 => noise as f64 / 1000.0,
        1 => 1.0,
        _ => (step as f64 * 17.0) + (noise % 5) as f64 + number as f64,
    }
}

fn memory_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// User and system time of the process, in ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
