//! Scrapes on a virtual clock against a store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellbuoy_vocabulary::{
    AnchoredRegex, Append, AppendError, Exemplar, ExemplarError, HttpOptions, Labels, METRIC_NAME, Metadata, Millis, SeriesRef, Timestamp,
    is_stale,
};

use crate::*;

/// Keeps everything in order, with the append rules of the store.
struct Memory {
    series_max: usize,
    series: Vec<Labels>,
    points: BTreeMap<u64, Vec<(i64, f64)>>,
    metadata: Vec<(String, Metadata)>,
    exemplars: Vec<(Labels, Exemplar)>,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory { series_max: usize::MAX, series: Vec::new(), points: BTreeMap::new(), metadata: Vec::new(), exemplars: Vec::new() }
    }
}

impl Append for Memory {
    fn series(&mut self, labels: &Labels) -> Result<(SeriesRef, bool), AppendError> {
        if let Some(at) = self.series.iter().position(|known| known == labels) {
            return Ok((SeriesRef(at as u64), false));
        }
        if self.series.len() >= self.series_max {
            return Err(AppendError::SeriesLimit(self.series_max as u64));
        }
        self.series.push(labels.clone());
        Ok((SeriesRef(self.series.len() as u64 - 1), true))
    }

    fn append(&mut self, series: SeriesRef, at: Timestamp, value: f64) -> Result<(), AppendError> {
        let points = self.points.entry(series.0).or_default();
        match points.last() {
            Some((last, _)) if *last > at.0 => Err(AppendError::OutOfOrder),
            Some((last, old)) if *last == at.0 && old.to_bits() != value.to_bits() => Err(AppendError::DuplicateTimestamp),
            Some((last, _)) if *last == at.0 => Ok(()),
            _ => {
                points.push((at.0, value));
                Ok(())
            }
        }
    }

    fn metadata(&mut self, metric: &str, metadata: &Metadata) {
        self.metadata.push((metric.to_string(), metadata.clone()));
    }

    fn exemplar(&mut self, series: SeriesRef, exemplar: &Exemplar) -> Result<(), ExemplarError> {
        if !exemplar.fits() {
            return Err(ExemplarError::TooLong);
        }
        self.exemplars.push((self.series[series.0 as usize].clone(), exemplar.clone()));
        Ok(())
    }

    fn wants_exemplars(&self) -> bool {
        true
    }
}

impl Memory {
    /// `name{labels} time=value ...` for each series, without those about the scrape.
    fn shown(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .series
            .iter()
            .enumerate()
            .filter(|(_, labels)| !labels.name().starts_with("scrape_") && labels.name() != "up")
            .map(|(index, labels)| {
                let points = self.points.get(&(index as u64)).cloned().unwrap_or_default();
                let points: Vec<String> = points
                    .iter()
                    .map(|(at, value)| if is_stale(*value) { format!("{at}=stale") } else { format!("{at}={value}") })
                    .collect();
                format!("{labels} {}", points.join(" "))
            })
            .collect();
        lines.sort();
        lines
    }

    fn last(&self, name: &str) -> f64 {
        let index = self.series.iter().position(|labels| labels.get(METRIC_NAME) == name).expect("the series is there") as u64;
        self.points[&index].last().expect("a value").1
    }
}

fn settings() -> ScrapeSettings {
    ScrapeSettings {
        job_name: "app".into(),
        scrape_interval: Millis::from_seconds(15),
        scrape_timeout: Millis::from_seconds(10),
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

fn group(targets: &[&str], labels: &[(&str, &str)]) -> TargetGroup {
    TargetGroup {
        source: "prometheus.yml".into(),
        targets: targets.iter().map(|target| target.to_string()).collect(),
        labels: Labels::from_pairs(labels.iter().copied()),
    }
}

fn target(settings: ScrapeSettings) -> TargetState {
    let (mut targets, _) = targets_of(&Arc::new(settings), &[group(&["host:80"], &[])]);
    TargetState::new(Arc::new(targets.remove(0)))
}

fn body(text: &str) -> Response<'_> {
    Response::Body { content_type: Some("text/plain; version=0.0.4"), body: text.as_bytes() }
}

fn step(action: RelabelAction, source: &str, regex: &str, target: &str, replacement: &str) -> Relabel {
    Relabel {
        source_labels: vec![source.into()],
        separator: ";".into(),
        regex: AnchoredRegex::new(regex).expect("a valid pattern"),
        modulus: 0,
        target_label: target.into(),
        replacement: replacement.into(),
        action,
    }
}

#[test]
fn series_live_vanish_and_come_back() {
    let mut state = target(settings());
    let mut out = Memory::default();
    let mut scrape = |at, response: Response<'_>| state.absorb(response, Timestamp(at), 0.25, &mut out);
    let first = scrape(0, body("a 1\nb{x=\"1\"} 2\n"));
    assert_eq!((first.samples_scraped, first.series_added, first.error), (2, 2, None));
    let second = scrape(15, body("a 2\n"));
    assert_eq!((second.samples_scraped, second.series_added), (1, 0));
    let broken = scrape(30, Response::Failed { reason: "connection refused".into() });
    assert_eq!(broken.error.as_deref(), Some("connection refused"));
    let back = scrape(45, body("a 3\nb{x=\"1\"} 4\n"));
    // `a` was only marked; `b` was forgotten by the good scrape without it.
    assert_eq!(back.series_added, 1);
    assert_eq!(
        out.shown(),
        [r#"a{instance="host:80", job="app"} 0=1 15=2 30=stale 45=3"#, r#"b{instance="host:80", job="app", x="1"} 0=2 15=stale 45=4"#]
    );
    assert_eq!((out.last("up"), out.last("scrape_duration_seconds"), out.last("scrape_samples_scraped")), (1.0, 0.25, 2.0));
    state.end(Timestamp(60), &mut out);
    assert!(out.shown().iter().all(|line| line.ends_with("60=stale")), "{:?}", out.shown());
    assert!(is_stale(out.last("up")));
}

#[test]
fn nothing_of_a_broken_body_is_kept() {
    for (text, words) in
        [("a 1\nb{ 2\n", "line 2, column 4"), ("a 1\nb nonsense\n", "line 2"), ("a 1\n\u{0}\n", "line 2"), ("a 1 12x\n", "line 1")]
    {
        let mut state = target(settings());
        let mut out = Memory::default();
        let report = state.absorb(body(text), Timestamp(0), 0.1, &mut out);
        let error = report.error.expect("an error");
        assert!(error.contains(words), "{text:?}: {error}");
        assert_eq!(out.shown(), Vec::<String>::new(), "{text:?}");
        assert_eq!(out.last("up"), 0.0);
        assert_eq!(state.health().health, Health::Down);
    }
    let mut out = Memory::default();
    let html = Response::Body { content_type: Some("text/html"), body: b"<html>" };
    assert!(target(settings()).absorb(html, Timestamp(0), 0.1, &mut out).error.is_some_and(|error| error.contains("text/html")));
}

#[test]
fn labels_of_target_and_sample_meet() {
    let text = "a{job=\"mine\",instance=\"\",exported_job=\"x\"} 1\n";
    let mut out = Memory::default();
    target(settings()).absorb(body(text), Timestamp(0), 0.1, &mut out);
    assert_eq!(out.shown(), [r#"a{exported_exported_job="mine", exported_job="x", instance="host:80", job="app"} 0=1"#]);
    let mut out = Memory::default();
    target(ScrapeSettings { honor_labels: true, ..settings() }).absorb(body(text), Timestamp(0), 0.1, &mut out);
    assert_eq!(out.shown(), [r#"a{exported_job="x", job="mine"} 0=1"#]);
}

#[test]
fn times_of_the_target_are_honoured_or_not() {
    let mut out = Memory::default();
    let mut state = target(settings());
    state.absorb(body("a 1 1000\nb 1\n"), Timestamp(5000), 0.1, &mut out);
    state.absorb(body("b 1\n"), Timestamp(6000), 0.1, &mut out);
    assert_eq!(out.shown()[0], r#"a{instance="host:80", job="app"} 1000=1"#, "no staleness marker after explicit times");
    let mut out = Memory::default();
    target(ScrapeSettings { honor_timestamps: false, ..settings() }).absorb(body("a 1 1000\n"), Timestamp(5000), 0.1, &mut out);
    assert_eq!(out.shown(), [r#"a{instance="host:80", job="app"} 5000=1"#]);
}

#[test]
fn relabelling_drops_and_renames_samples() {
    let metric_relabel_configs = vec![
        step(RelabelAction::Drop, "__name__", "go_.*", "", ""),
        step(RelabelAction::Replace, "x", "(.+)", "y", "$1!"),
        step(RelabelAction::LabelDrop, "", "x", "", ""),
    ];
    let mut state = target(ScrapeSettings { metric_relabel_configs, ..settings() });
    let mut out = Memory::default();
    for at in [0, 15] {
        let report = state.absorb(body("go_a 1\nb{x=\"1\"} 2\n"), Timestamp(at), 0.1, &mut out);
        assert_eq!((report.samples_scraped, report.samples_after_relabel), (2, 1), "at {at}");
    }
    assert_eq!(out.shown(), [r#"b{instance="host:80", job="app", y="1!"} 0=2 15=2"#]);
}

#[test]
fn limits_fail_the_whole_scrape() {
    let with = |limits: Limits, text: &str| {
        let mut out = Memory::default();
        let report = target(ScrapeSettings { limits, ..settings() }).absorb(body(text), Timestamp(0), 0.1, &mut out);
        assert!(report.error.is_none() || out.shown().is_empty());
        report.error.unwrap_or_default()
    };
    let limits = Limits::default();
    assert!(with(Limits { samples_max: 2, ..limits }, "a 1\nb 1\nc 1\n").contains("sample limit exceeded: more than 2"));
    assert_eq!(with(Limits { samples_max: 0, ..limits }, "a 1\nb 1\nc 1\n"), "");
    assert!(with(Limits { labels_max: 3, ..limits }, "a{x=\"1\"} 1\n").contains("label_limit"));
    assert!(with(Limits { label_name_bytes_max: 8, ..limits }, "a{long_name=\"1\"} 1\n").contains("label_name_length_limit"));
    assert!(with(Limits { label_value_bytes_max: 8, ..limits }, "a{x=\"123456789\"} 1\n").contains("label_value_length_limit"));
}

#[test]
fn duplicates_keep_the_first_and_are_counted() {
    let mut out = Memory::default();
    let report = target(settings()).absorb(body("a 1\na 1\na 2\n"), Timestamp(0), 0.1, &mut out);
    assert_eq!((report.error, report.samples_after_relabel, report.duplicate, report.series_added), (None, 3, 2, 1));
    assert_eq!(out.shown(), [r#"a{instance="host:80", job="app"} 0=1"#]);
}

#[test]
fn what_was_not_stored_is_said_on_the_target() {
    let mut state = target(settings());
    let mut out = Memory::default();
    // 1,000 s is more than ten minutes ahead; the last line is older than the one before it.
    let report = state.absorb(body("a 1\na 1\nb 1 1000000\nc 1 2000\nc 2 1000\n"), Timestamp(0), 0.1, &mut out);
    assert_eq!((report.error, report.duplicate, report.too_old, report.out_of_order), (None, 1, 1, 1));
    assert_eq!(state.health().health, Health::Up);
    assert_eq!(state.health().warning, "samples not stored: 1 duplicate, 1 out of order, 1 too old or too far ahead");
    state.absorb(body("a 1\n"), Timestamp(15), 0.1, &mut out);
    assert_eq!(state.health().warning, "");
}

#[test]
fn bounds_and_quantiles_have_one_spelling() {
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"0.10\"} 2\nh_bucket{le=\"+Inf\"} 3\n\
                # TYPE s summary\ns{quantile=\"1\"} 4\n# TYPE g gauge\ng{le=\"1\"} 5\n";
    let mut out = Memory::default();
    target(settings()).absorb(body(text), Timestamp(0), 0.1, &mut out);
    let spellings: Vec<String> = out.series[..5].iter().map(|labels| format!("{}{}", labels.get("le"), labels.get("quantile"))).collect();
    assert_eq!(spellings, ["1.0", "0.1", "+Inf", "1.0", "1"]);
}

#[test]
fn an_empty_answer_is_good_and_ends_all_series() {
    let mut state = target(settings());
    let mut out = Memory::default();
    state.absorb(body("a 1\n"), Timestamp(0), 0.1, &mut out);
    let report = state.absorb(Response::Body { content_type: None, body: b"" }, Timestamp(15), 0.1, &mut out);
    assert_eq!((report.error, report.samples_scraped), (None, 0));
    assert_eq!(out.shown(), [r#"a{instance="host:80", job="app"} 0=1 15=stale"#]);
}

#[test]
fn refused_series_are_counted_and_asked_for_again() {
    let mut out = Memory { series_max: 2, ..Memory::default() };
    let mut state = target(settings());
    let report = state.absorb(body("a 1\nb 1\nc 1\n"), Timestamp(0), 0.1, &mut out);
    assert_eq!((report.error, report.series_added, report.over_limit), (None, 2, 6), "`c` and the five about the scrape");
    out.series_max = 8;
    let report = state.absorb(body("a 1\nb 1\nc 1\n"), Timestamp(15), 0.1, &mut out);
    assert_eq!((report.series_added, report.over_limit, state.health().warning.as_str()), (1, 0, ""));
}

/// A target may send one series with a million labels, or names without end: it is refused, soon, with a short message.
#[test]
fn hostile_series_are_refused_by_name_and_place() {
    let many: String = (0..200_000).map(|n| format!("l{n}=\"x\",")).collect();
    let long = "n".repeat(100_000);
    for text in [format!("ok 1\na{{{many}}} 1\n"), format!("ok 1\n{long}{{x=\"1\"}} 1\n"), format!("ok 1\na{{{long}=\"1\"}} 1\n")] {
        for limits in [Limits::default(), Limits { labels_max: 0, ..Limits::default() }] {
            let mut out = Memory::default();
            let error = target(ScrapeSettings { limits, ..settings() }).absorb(body(&text), Timestamp(0), 0.1, &mut out).error;
            let error = error.expect("it is refused");
            assert!(error.starts_with("line 2, column 1: ") && error.len() < 300, "{error}");
            assert_eq!(out.shown(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_flood_of_new_series_is_refused_and_leaves_nothing() {
    let mut state = target(ScrapeSettings { limits: Limits { samples_max: 1000, ..Limits::default() }, ..settings() });
    let mut out = Memory::default();
    for at in 0..3 {
        let flood: String = (0..5000).map(|n| format!("a{{n=\"{at}-{n}\"}} 1\n")).collect();
        let report = state.absorb(body(&flood), Timestamp(at), 0.1, &mut out);
        assert_eq!((report.samples_scraped, report.samples_after_relabel, report.series_added), (5000, 5000, 0));
        assert!(report.error.is_some_and(|error| error.contains("more than 1000 samples, about 5000")));
    }
    assert_eq!(out.shown(), Vec::<String>::new());
    let report = state.absorb(body("a 1\n"), Timestamp(15), 0.1, &mut out);
    assert_eq!((report.error, report.series_added), (None, 1));
}

#[test]
fn metadata_is_passed_on_when_it_changes() {
    let mut state = target(settings());
    let mut out = Memory::default();
    let text = "# HELP a Help.\n# TYPE a counter\na 1\n";
    state.absorb(body(text), Timestamp(0), 0.1, &mut out);
    state.absorb(body(text), Timestamp(15), 0.1, &mut out);
    assert_eq!(out.metadata.len(), 1);
    state.absorb(body("# HELP a Better.\n# TYPE a counter\na 1\n"), Timestamp(30), 0.1, &mut out);
    assert_eq!(out.metadata.last().map(|(metric, metadata)| (metric.as_str(), metadata.help.as_str())), Some(("a", "Better.")));
}

#[test]
fn targets_get_labels_addresses_and_a_place_on_the_grid() {
    let configured = Arc::new(ScrapeSettings {
        params: vec![("module".into(), vec!["a b".into(), "c".into()])],
        relabel_configs: vec![
            step(RelabelAction::Drop, "__address__", "drop:.*", "", ""),
            step(RelabelAction::Replace, "__meta_zone", "(.+)", "zone", "$1"),
            step(RelabelAction::Replace, "__address__", "slow:.*", "__scrape_timeout__", "1m"),
        ],
        ..settings()
    });
    let groups = [group(&["one:80", "drop:80", "slow:80", "one:80", "bad/path", ""], &[("__meta_zone", "eu"), ("env", "prod")])];
    let (targets, dropped) = targets_of(&configured, &groups);
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].labels.to_string(), r#"{env="prod", instance="one:80", job="app", zone="eu"}"#);
    assert_eq!(targets[0].url, "http://one:80/metrics?module=a%20b&module=c");
    let reasons: Vec<&str> = dropped.iter().map(|target| target.reason.as_str()).collect();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert!(
        reasons[0].contains("relabel") && reasons[1].contains("timeout") && reasons[2].contains("hostname") && reasons[3] == "no address"
    );

    let due = targets[0].next_due(Timestamp(1_000_000));
    assert!(due.0 > 1_000_000 && due.0 <= 1_015_000);
    assert_eq!(targets[0].next_due(due), due + Millis(15_000), "always the same grid");
    let many: Vec<String> = (0..200).map(|n| format!("h{n}:1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (targets, _) = targets_of(&Arc::new(settings()), &[group(&many, &[])]);
    let early = targets.iter().filter(|target| target.next_due(Timestamp(0)).0 <= 7_500).count();
    assert!((60..140).contains(&early), "spread over the interval: {early} of 200 in its first half");
}

#[test]
fn the_limit_of_targets_drops_the_rest_and_zero_is_none() {
    let names = ["a:1", "b:1", "b:1", "c:1"];
    for (targets_max, kept, gone) in [(0, 3, 0), (1, 1, 3), (2, 2, 1), (3, 3, 0)] {
        let limits = Limits { targets_max, ..Limits::default() };
        let (targets, dropped) = targets_of(&Arc::new(ScrapeSettings { limits, ..settings() }), &[group(&names, &[])]);
        assert_eq!((targets.len(), dropped.len()), (kept, gone), "limit {targets_max}");
        assert!(dropped.iter().all(|target| target.reason.contains("target_limit")));
    }
}

#[test]
fn urls_are_those_of_prometheus() {
    let url = |labels: &[(&str, &str)]| {
        let configured = ScrapeSettings { params: vec![("x".into(), vec!["1".into(), "2".into()])], ..settings() };
        let (targets, dropped) = targets_of(&Arc::new(configured), &[group(&["h:1"], labels)]);
        targets.first().map_or_else(|| dropped[0].reason.clone(), |target| target.url.clone())
    };
    assert_eq!(url(&[]), "http://h:1/metrics?x=1&x=2");
    assert_eq!(url(&[("__param_x", "ü&"), ("__param_a", "b")]), "http://h:1/metrics?a=b&x=%C3%BC%26&x=2");
    assert_eq!(url(&[("__metrics_path__", "my path?q=1"), ("__scheme__", "https")]), "https://h:1/my%20path%3Fq=1?x=1&x=2");
    assert_eq!(url(&[("__scheme__", "ftp")]), "scheme \"ftp\" is neither http nor https");
    assert_eq!(url(&[("__scrape_interval__", "0s")]), "scrape interval can not be 0");
}

proptest::proptest! {
    /// Whatever a target sends, the state machine goes on and `up` says how it was.
    #[test]
    fn no_body_stops_it(bodies in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), 1..5)) {
        let mut state = target(settings());
        let mut out = Memory::default();
        for (index, bytes) in bodies.iter().enumerate() {
            let response = Response::Body { content_type: Some("text/plain"), body: bytes };
            let report = state.absorb(response, Timestamp(index as i64 * 15), 0.1, &mut out);
            proptest::prop_assert_eq!(out.last("up") == 1.0, report.error.is_none());
        }
    }
}

#[test]
fn protobuf_is_read_as_its_text() {
    // One family `m` of type gauge with one metric of value 2.5, with its length before it.
    let family: &[u8] = &[18, 0x0a, 1, b'm', 0x18, 1, 0x22, 11, 0x12, 9, 0x09, 0, 0, 0, 0, 0, 0, 0x04, 0x40];
    let content_type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    for (content_type, fallback, good) in [
        (Some(content_type), None, true),
        (None, Some(bellbuoy_exposition::Protocol::Protobuf), true),
        (None, Some(bellbuoy_exposition::Protocol::Text0), false),
        (None, None, false),
    ] {
        let mut settings = settings();
        settings.fallback_protocol = fallback;
        let (mut state, mut store) = (target(settings), Memory::default());
        let report = state.absorb(Response::Body { content_type, body: family }, Timestamp(1000), 0.1, &mut store);
        assert_eq!((report.error.is_none(), report.samples_scraped), (good, usize::from(good)), "{content_type:?} {fallback:?} {report:?}");
    }
}

#[test]
fn exemplars_belong_to_the_relabelled_series_and_keep_their_own_labels() {
    let mut settings = settings();
    settings.metric_relabel_configs = vec![
        step(RelabelAction::Drop, "__name__", "gone.*", "", ""),
        step(RelabelAction::Replace, "trace_id", "(.*)", "trace_id", "never"),
    ];
    let mut state = target(settings);
    let mut out = Memory::default();
    let long = "x".repeat(129);
    let text = format!(
        "# TYPE a counter\na_total 1 # {{trace_id=\"t\\\"1\"}} 0.5\ngone_total 1 # {{x=\"1\"}} 1\na_total{{b=\"2\"}} 1 7 # {{}} 2 1.5\n\
         a_total{{b=\"2\"}} 1 8 # {{}} 3\nc 1\nd 1 # {{x=\"{long}\"}} 1\n# EOF\n"
    );
    let openmetrics = Response::Body { content_type: Some("application/openmetrics-text; version=1.0.0"), body: text.as_bytes() };
    let report = state.absorb(openmetrics, Timestamp(9000), 0.25, &mut out);
    assert_eq!((report.error, report.exemplars_refused), (None, 1));
    let shown: Vec<String> =
        out.exemplars.iter().map(|(of, one)| format!("{of} # {} {} @{} {}", one.labels, one.value, one.at.0, one.has_own_time)).collect();
    assert_eq!(
        shown,
        [
            "a_total{instance=\"host:80\", job=\"app\", trace_id=\"never\"} # {trace_id=\"t\\\"1\"} 0.5 @9000 false",
            "a_total{b=\"2\", instance=\"host:80\", job=\"app\", trace_id=\"never\"} # {} 2 @1500 true",
            "a_total{b=\"2\", instance=\"host:80\", job=\"app\", trace_id=\"never\"} # {} 3 @8000 false",
        ]
    );
}
