//! The world's rules and routes.

use bellbuoy_router::{IntegrationOutline, ReceiverOutline, Route, RouterSettings};
use bellbuoy_rules::{AlertingSettings, GroupSettings, RecordingSettings, RuleSettings};
use bellbuoy_scrape::{Limits, Scheme, ScrapeSettings, TargetGroup};
use bellbuoy_vocabulary::{HttpOptions, Labels, MatchOp, Matcher, Millis, Span};

const SCRAPE_INTERVAL: Millis = Millis::from_seconds(5);
pub const GROUP_WAIT: Millis = Millis::from_seconds(5);
pub const GROUP_INTERVAL: Millis = Millis::from_seconds(20);
/// Longer than a run: whatever is told twice is told twice by mistake.
const REPEAT_INTERVAL: Millis = Millis::from_minutes(24 * 60);

/// Four services in two jobs' worth of labels.
pub fn scrape() -> ScrapeSettings {
    let group = |job: &str, targets: [&str; 2]| TargetGroup {
        source: "sim".into(),
        targets: targets.iter().map(|target| target.to_string()).collect(),
        labels: Labels::from_pairs([("job", job)]),
    };
    ScrapeSettings {
        job_name: "sim".into(),
        scrape_interval: SCRAPE_INTERVAL,
        scrape_timeout: SCRAPE_INTERVAL,
        metrics_path: "/metrics".into(),
        scheme: Scheme::Http,
        params: vec![],
        honor_labels: false,
        honor_timestamps: true,
        protocols: Vec::new(),
        fallback_protocol: None,
        http: HttpOptions::default(),
        limits: Limits::default(),
        static_configs: vec![group("job0", ["host0:80", "host2:80"]), group("job1", ["host1:80", "host3:80"])],
        file_sd_configs: vec![],
        relabel_configs: vec![],
        metric_relabel_configs: vec![],
    }
}

pub fn groups() -> Vec<GroupSettings> {
    let group = |name: &str, interval: i64, rules: Vec<RuleSettings>| GroupSettings {
        name: name.into(),
        file: "sim.yml".into(),
        interval: Millis::from_seconds(interval),
        limit: 0,
        query_offset: Millis::ZERO,
        rules,
    };
    vec![
        group(
            "targets",
            5,
            vec![
                alerting("TargetDown", "up == 0", 15, 0, &[("severity", "page"), ("who", "{{ $labels.instance }}")]),
                recording("job:load:avg", "avg by (job) (load)"),
                alerting("JobLoaded", "job:load:avg > 0.6", 0, 20, &[("severity", "info")]),
            ],
        ),
        group("load", 10, vec![alerting("Loaded", "load > 0.7", 20, 0, &[("severity", "info")])]),
    ]
}

fn expr(text: &str) -> bellbuoy_promql::Expr {
    bellbuoy_promql::parse(text).expect("the world's own rules are PromQL")
}

fn recording(record: &str, query: &str) -> RuleSettings {
    RuleSettings::Recording(RecordingSettings {
        record: record.into(),
        expr: expr(query).into(),
        labels: Labels::empty(),
        span: Span::default(),
    })
}

fn alerting(alert: &str, query: &str, hold: i64, keep: i64, labels: &[(&str, &str)]) -> RuleSettings {
    RuleSettings::Alerting(AlertingSettings {
        alert: alert.into(),
        expr: expr(query).into(),
        hold: Millis::from_seconds(hold),
        keep_firing_for: Millis::from_seconds(keep),
        labels: labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        annotations: vec![("value".into(), "{{ $value }}".into())],
        span: Span::default(),
    })
}

/// Everything goes to `all`, pages to `pager` as well.
pub fn router() -> RouterSettings {
    let route = |receiver: &str, group_by: &str, matchers: Vec<Matcher>, go_on: bool, routes: Vec<Route>| Route {
        receiver: receiver.into(),
        group_by: vec![group_by.into()],
        group_by_all: false,
        group_wait: GROUP_WAIT,
        group_interval: GROUP_INTERVAL,
        repeat_interval: REPEAT_INTERVAL,
        matchers,
        go_on,
        mute_time_intervals: vec![],
        active_time_intervals: vec![],
        routes,
        ..Route::default()
    };
    let page = Matcher::new("severity", MatchOp::Equal, "page").expect("an equality is no regex");
    let receiver = |name: &str| ReceiverOutline {
        name: name.into(),
        integrations: vec![IntegrationOutline { kind: "webhook".into(), index: 0, send_resolved: true }],
    };
    let routes = vec![route("pager", "instance", vec![page], true, vec![]), route("all", "alertname", vec![], false, vec![])];
    RouterSettings {
        route: route("all", "alertname", vec![], false, routes),
        inhibit_rules: vec![],
        time_intervals: vec![],
        resolve_timeout: Millis::from_minutes(5),
        receivers: vec![receiver("all"), receiver("pager")],
    }
}
