//! What a sample costs: 200 targets with 500 series each, scraped again and again, without network and store.
//!
//! `cargo run --release -p bellbuoy-scrape --example absorb` prints nanoseconds a sample and the resident bytes a series of the caches.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use bellbuoy_exposition::{Entries, Format};
use bellbuoy_scrape::{Limits, Response, Scheme, ScrapeSettings, TargetGroup, TargetState, targets_of};
use bellbuoy_vocabulary::{Append, AppendError, HttpOptions, Labels, Metadata, Millis, SeriesRef, Timestamp};

const TARGETS: usize = 200;
const SERIES: usize = 500;
const SCRAPES: usize = 20;

/// Gives numbers and forgets the values: what is measured is the scrape stage alone.
#[derive(Default)]
struct Nowhere {
    series: u64,
    sum: f64,
}

impl Append for Nowhere {
    fn series(&mut self, _: &Labels) -> Result<(SeriesRef, bool), AppendError> {
        self.series += 1;
        Ok((SeriesRef(self.series), true))
    }

    fn append(&mut self, _: SeriesRef, _: Timestamp, value: f64) -> Result<(), AppendError> {
        self.sum += value;
        Ok(())
    }

    fn metadata(&mut self, _: &str, _: &Metadata) {}
}

fn settings() -> ScrapeSettings {
    ScrapeSettings {
        job_name: "app".into(),
        scrape_interval: Millis::from_seconds(5),
        scrape_timeout: Millis::from_seconds(5),
        metrics_path: "/metrics".into(),
        scheme: Scheme::Http,
        params: Vec::new(),
        honor_labels: false,
        honor_timestamps: true,
        protocols: Vec::new(),
        fallback_protocol: None,
        http: HttpOptions::default(),
        limits: Limits::default(),
        static_configs: Vec::new(),
        file_sd_configs: Vec::new(),
        relabel_configs: Vec::new(),
        metric_relabel_configs: Vec::new(),
    }
}

/// A body like that of a web service: families of ten series, two or three labels, values of several lengths.
fn body(scrape: usize) -> String {
    let mut out = String::new();
    for family in 0..SERIES / 10 {
        let _ = writeln!(out, "# HELP http_server_requests_{family}_total Requests by method, path and status.");
        let _ = writeln!(out, "# TYPE http_server_requests_{family}_total counter");
        for status in 0..10 {
            let value = (family * 1000 + status * 37 + scrape * 11) as f64 * if status % 3 == 0 { 0.125 } else { 1.0 };
            let _ = writeln!(
                out,
                "http_server_requests_{family}_total{{method=\"GET\",path=\"/api/v1/items/{family}\",status=\"2{status:02}\"}} {value}"
            );
        }
    }
    out
}

/// Resident bytes of this process; 0 where there is no /proc.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) * 1024
}

fn main() {
    let bodies: Vec<String> = (0..SCRAPES).map(body).collect();
    let addresses = (0..TARGETS).map(|n| format!("host-{n}:8080")).collect();
    let group = TargetGroup { source: "example".into(), targets: addresses, labels: Labels::empty() };
    let (targets, _) = targets_of(&Arc::new(settings()), &[group]);
    let mut states: Vec<TargetState> = targets.into_iter().map(|target| TargetState::new(Arc::new(target))).collect();
    let mut out = Nowhere::default();
    let samples = TARGETS * SERIES;

    // Twice, so that the bytes before include what a scrape needs only while it runs.
    let mut warm = TargetState::new(states[0].target().clone());
    for at in [0, 1] {
        warm.absorb(response(&bodies[0]), Timestamp(at), 0.1, &mut out);
    }
    let before = resident_bytes();
    let start = Instant::now();
    scrape(&mut states, &bodies[0], 0, &mut out);
    let first = start.elapsed().as_nanos() as f64 / samples as f64;
    scrape(&mut states, &bodies[0], 1, &mut out);
    let bytes = resident_bytes().saturating_sub(before);

    let start = Instant::now();
    for (index, body) in bodies.iter().enumerate() {
        scrape(&mut states, body, index as i64 + 2, &mut out);
    }
    let later = start.elapsed().as_nanos() as f64 / (samples * SCRAPES) as f64;

    let start = Instant::now();
    let mut entries = 0;
    for body in &bodies {
        for _ in 0..100 {
            entries += Entries::new(Format::PrometheusText, body.as_bytes()).filter(Result::is_ok).count();
        }
    }
    let length: usize = bodies.iter().map(|body| body.len() * 100).sum();
    let speed = length as f64 / 1e6 / start.elapsed().as_secs_f64();
    println!("first scrape   {first:.0} ns/sample");
    println!("later scrapes  {later:.0} ns/sample ({:.0} bytes a line)", bodies[0].len() as f64 / SERIES as f64);
    println!("caches         {:.0} bytes/series", bytes as f64 / samples as f64);
    println!("parser alone   {speed:.0} MB/s ({entries} entries)");
    println!("(sum {:.0})", out.sum);
}

fn scrape(states: &mut [TargetState], body: &str, at: i64, out: &mut Nowhere) {
    for state in states {
        let report = state.absorb(response(body), Timestamp(at * 5000), 0.1, out);
        assert_eq!(report.samples_scraped, SERIES, "{:?}", report.error);
    }
}

fn response(body: &str) -> Response<'_> {
    Response::Body { content_type: Some("text/plain; version=0.0.4"), body: body.as_bytes() }
}
