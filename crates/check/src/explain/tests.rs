//! Transcripts: a few series, a rule, a question, and the answer as the terminal shows it.

use bellbuoy_promql::parse;
use bellbuoy_router::{InhibitRule, IntegrationOutline, ReceiverOutline, Route};
use bellbuoy_rules::series_text::{parse_metric, parse_values};
use bellbuoy_rules::{AlertingSettings, MemoryStore};
use bellbuoy_vocabulary::{Append, METRIC_NAME, Span as FileSpan};
use expect_test::{Expect, expect};

use super::*;

const START: &str = "2026-11-21T10:00:00Z";

/// The last value of each series is at minute 20; one a minute.
pub struct Scene {
    pub store: MemoryStore,
    pub rule: RuleSettings,
    pub router: RouterSettings,
    pub silences: Vec<KnownSilence>,
    pub deliveries: Vec<Delivery>,
}

fn start() -> Timestamp {
    Timestamp::parse_rfc3339(START).expect("a time")
}

pub fn scene(expr: &str, hold_minutes: i64, series: &[(&str, &str)]) -> Scene {
    let store = MemoryStore::new();
    for (labels, values) in series {
        let labels = parse_metric(labels).expect("a series");
        let (number, _) = (&store).series(&labels).expect("new");
        for (minute, value) in parse_values(values).expect("values").into_iter().enumerate() {
            if let Some(value) = value {
                (&store).append(number, start() + Millis::from_minutes(minute as i64), value).expect("in order");
            }
        }
    }
    let rule = RuleSettings::Alerting(AlertingSettings {
        alert: "HighErrors".into(),
        expr: parse(expr).expect("PromQL").into(),
        hold: Millis::from_minutes(hold_minutes),
        keep_firing_for: Millis::ZERO,
        labels: vec![("severity".into(), "page".into())],
        annotations: vec![("summary".into(), "{{ $labels.job }} at {{ $value }}".into())],
        span: FileSpan { line: 7, column: 5, length: 1 },
    });
    let receiver = ReceiverOutline {
        name: "pager".into(),
        integrations: vec![IntegrationOutline { kind: "discord".into(), index: 0, send_resolved: true }],
    };
    let router = RouterSettings {
        route: Route { receiver: "pager".into(), group_by: vec!["alertname".into()], ..Route::default() },
        inhibit_rules: vec![InhibitRule {
            source_matchers: vec![Matcher::equal("alertname", "Outage")],
            target_matchers: vec![Matcher::equal("severity", "page")],
            equal: vec!["job".into()],
        }],
        time_intervals: Vec::new(),
        resolve_timeout: Millis::from_minutes(5),
        receivers: vec![receiver],
    };
    Scene { store, rule, router, silences: Vec::new(), deliveries: Vec::new() }
}

impl Scene {
    fn world<T>(&self, ask: impl FnOnce(&World) -> T) -> T {
        let names = || {
            let all = self.store.select(Timestamp::MIN, Timestamp::MAX, &[]).expect("in memory");
            let mut names: Vec<String> = all.iter().map(|series| series.labels().get(METRIC_NAME).to_string()).collect();
            names.dedup();
            names
        };
        let group = GroupSettings {
            name: "g".into(),
            file: "rules.yml".into(),
            interval: Millis::from_minutes(1),
            limit: 0,
            query_offset: Millis::ZERO,
            rules: vec![self.rule.clone()],
        };
        let deliveries = |_: &Labels, _: Timestamp| Ok(self.deliveries.clone());
        ask(&World {
            engine: &Engine::default(),
            source: &self.store,
            groups: &[group],
            router: Some(&self.router),
            external_labels: &Labels::empty(),
            external_url: "",
            silences: &self.silences,
            alerts: None,
            deliveries: &deliveries,
            names: &names,
            stop: &|| false,
        })
    }

    fn why(&self, minute: i64) -> Explanation {
        let question = Question { at: start() + Millis::from_minutes(minute), ..Question::default() };
        self.world(|world| explain_alert("HighErrors", &question, world).expect("there is such a rule"))
    }

    pub fn check(&self, minute: i64, expected: Expect) {
        expected.assert_eq(&shown(&self.why(minute)));
    }

    /// The verdict, and the steps from the comparison on: those before it are as in `below_the_threshold`.
    fn check_from_comparison(&self, minute: i64, expected: Expect) {
        let text = shown(&self.why(minute));
        let verdict = text.lines().next().unwrap_or_default();
        let steps = text.lines().skip_while(|line| !line.contains(" comparison  "));
        expected.assert_eq(&[verdict].into_iter().chain(steps).map(|line| format!("{line}\n")).collect::<String>());
    }
}

fn shown(explanation: &Explanation) -> String {
    explanation.text(Terminal { width: 120, colours: false })
}

fn check_expr(expr: &str, series: &[(&str, &str)], expected: Expect) {
    let scene = scene("up == 0", 0, series);
    let question = Question { at: start() + Millis::from_minutes(20), ..Question::default() };
    let found = scene.world(|world| explain_expr(&parse(expr).expect("PromQL"), &question, world));
    expected.assert_eq(&shown(&found));
}

const ERRORS: &str = "sum by (job) (rate(errors_total{model=\"v7\"}[5m])) > 0.2";

/// The replay goes back an hour: an alert that fired for longer was said to fire since an hour ago, whenever one looked.
#[test]
fn an_alert_that_is_older_than_the_replay_says_since_when() {
    let errors = ("errors{job=\"api\"}", "9x150");
    let recorded = ("ALERTS_FOR_STATE{alertname=\"HighErrors\", job=\"api\", severity=\"page\"}", "1795255284x150");
    let without = scene("errors > 5", 2, &[errors]);
    expect!["HighErrors fires since 11:21:24 UTC, but no message of it is in the history"].assert_eq(&without.why(140).verdict);
    let with = scene("errors > 5", 2, &[errors, recorded]);
    expect!["HighErrors fires since 10:03:24 UTC, but no message of it is in the history"].assert_eq(&with.why(140).verdict);
    assert_eq!(with.why(140).instances[0].active_at, "2026-11-21T10:01:24Z");
}

#[test]
fn below_the_threshold() {
    let scene = scene(ERRORS, 5, &[("errors_total{model=\"v7\",job=\"api\"}", "0+30x10 300+6x10")]);
    scene.check(
        20,
        expect![[r#"
        HighErrors did not fire at 10:20 UTC: 0.1 is not > 0.2; last 0.275 > 0.2 at 10:12:45 UTC
        rules.yml:7 group g  2026-11-21T10:20:00Z

        ✓ selector    errors_total{model="v7"}[5m]                  1 series
        ✓ samples                                                   5 in 5m each, newest 0s old
        ✓ operator    rate(errors_total{model="v7"}[5m])            1 → 1
        ✓ operator    sum by (job) (rate(errors_total{model="v7"}[5m]))
                      1 → 1
        ✗ comparison  sum by (job) (rate(errors_total{model="v7"}[5m])) > 0.2
                      0 of 1 value is > 0.2
                        0.1 needs > 0.2  {job="api"}
                         ▃▄▄▅▆▆▇██████████████▆▆▅▅▃▃▂▂▂▂▂▂▂▂▂▂▂▂▂  0 to 0.5, threshold 0.2, last 19m30s
                      → last 0.275 > 0.2 at 10:12:45 UTC
        · for         for 5m                                        not reached; it fired until 10:13:24 UTC
        · route       {}                                            would go to pager after 30s by the rule's own labels
    "#]],
    );
}

#[test]
fn the_series_is_gone() {
    let scene = scene(
        ERRORS,
        5,
        &[("errors_total{model=\"v7\",job=\"api\"}", "0+30x12 stale"), ("errors_total{model=\"v8\",job=\"api\"}", "0+30x20")],
    );
    scene.check(
        20,
        expect![[r#"
            HighErrors did not fire at 10:20 UTC: no series of errors_total has model="v7" since 10:12 UTC (8m)
            rules.yml:7 group g  2026-11-21T10:20:00Z

            ✗ selector    errors_total{model="v7"}[5m]                  no series of errors_total has model="v7" since 10:12 UTC (8m)
                          → errors_total{job="api", model="v7"} was there until 10:12 UTC
                          → without model="v7" there is 1 series: model is "v8"; write model="v8"
            · operator    rate(errors_total{model="v7"}[5m])            0 → 0
            · operator    sum by (job) (rate(errors_total{model="v7"}[5m]))
                          0 → 0
            · comparison  sum by (job) (rate(errors_total{model="v7"}[5m])) > 0.2
                          0 passed
            · for         for 5m                                        not reached; it fired until 10:16:24 UTC
            · route       {}                                            would go to pager after 30s by the rule's own labels
        "#]],
    );
}

#[test]
fn pending_then_firing_then_told() {
    let mut scene = scene(ERRORS, 5, &[("errors_total{model=\"v7\",job=\"api\"}", "0x10 0+60x10")]);
    scene.check_from_comparison(
        14,
        expect![[r#"
        HighErrors is pending since 10:12:24 UTC: it fires at 10:17:24 UTC if its condition goes on to hold
        ✓ comparison  sum by (job) (rate(errors_total{model="v7"}[5m])) > 0.2
                      1 of 1 value is > 0.2
                        0.6 > 0.2  {job="api"}
                         ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▃▄▄▆▆▇█  0 to 0.6, threshold 0.2, last 13m30s
        ✗ for         for 5m                                        holds since 10:12:24 UTC (1m35s), fires at 10:17:24 UTC
                        1m needs >= 5m  {alertname="HighErrors", job="api", severity="page"}
        · route       {}                                            would go to pager after 30s
    "#]],
    );
    scene.deliveries = vec![Delivery {
        at: "2026-11-21T10:17:30Z".into(),
        receiver: "pager".into(),
        integration: "discord/0".into(),
        status: "delivered".into(),
        reason: "first notification".into(),
        answer: "HTTP 204".into(),
        attempts: 1,
    }];
    scene.check_from_comparison(20, expect![[r#"
        HighErrors fires since 10:17:24 UTC and was told to pager at 10:17:30 UTC (HTTP 204)
        ✓ comparison  sum by (job) (rate(errors_total{model="v7"}[5m])) > 0.2
                      1 of 1 value is > 0.2
                        1 > 0.2  {job="api"}
                         ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▃▄▄▄▆▆▇██████████  0 to 1, threshold 0.2, last 19m30s
        ✓ for         for 5m                                        1 held long enough
                        7m >= 5m  {alertname="HighErrors", job="api", severity="page"}
        ✓ inhibition  inhibition                                    none is inhibited
        ✓ silence     silences                                      none is silenced
        ✓ mute        mute times                                    none is muted
        ✓ route       {}                                            grouped as {alertname="HighErrors"}, waits 30s for others, told again every 4h
        ✓ receiver    pager                                         discord/0
        ✓ delivery    pager/discord/0                               delivered at 10:17:30 UTC: HTTP 204 (first notification)
    "#]]);
    scene.deliveries[0].status = "failed".into();
    scene.deliveries[0].answer = "HTTP 404: Unknown Webhook".into();
    expect!["HighErrors fires since 10:17:24 UTC, but pager/discord/0 did not take the message: HTTP 404: Unknown Webhook"]
        .assert_eq(&scene.why(20).verdict);
    scene.deliveries.clear();
    expect!["HighErrors fires since 10:17:24 UTC, but no message of it is in the history"].assert_eq(&scene.why(20).verdict);
}

#[test]
fn silenced_inhibited_muted() {
    let series: &[(&str, &str)] = &[
        ("errors_total{model=\"v7\",job=\"api\"}", "0+60x20"),
        ("ALERTS{alertname=\"Outage\",alertstate=\"firing\",job=\"api\"}", "_x10 1x10"),
    ];
    let mut scene = scene(ERRORS, 2, series);
    expect!["HighErrors fires since 10:03:24 UTC, but no message of it is in the history"].assert_eq(&scene.why(8).verdict);
    scene.check_from_comparison(20, expect![[r#"
        HighErrors fires since 10:03:24 UTC, but nobody is told: inhibited by Outage{job="api"}
        ✓ comparison  sum by (job) (rate(errors_total{model="v7"}[5m])) > 0.2
                      1 of 1 value is > 0.2
                        1 > 0.2  {job="api"}
                         ▃▄▄▅▆▆▇█████████████████████████████████  0 to 1, threshold 0.2, last 19m30s
        ✓ for         for 2m                                        1 held long enough
                        18m >= 2m  {alertname="HighErrors", job="api", severity="page"}
        ✗ inhibition  inhibition                                    inhibited by Outage{job="api"}
        · silence     silences                                      none is silenced
        · mute        mute times                                    none is muted
        · route       {}                                            grouped as {alertname="HighErrors"}, waits 30s for others, told again every 4h
        · receiver    pager                                         discord/0
    "#]]);
    scene.router.inhibit_rules.clear();
    let matchers = vec![vec![Matcher::equal("job", "api")]];
    let silence = Silence { id: "5a3e7c10-0000".into(), matchers, starts_at: start(), ends_at: start() + Millis::from_minutes(60) };
    scene.silences = vec![KnownSilence { silence, created_by: "ada".into(), comment: "deploy".into() }];
    expect!["HighErrors fires since 10:03:24 UTC, but nobody is told: silenced by 5a3e7c1… of ada until 11:00 UTC (deploy)"]
        .assert_eq(&scene.why(20).verdict);
    let found = scene.why(20);
    assert_eq!(found.instances[0].silenced_by[0].created_by, "ada");
}

#[test]
fn unknown_names_have_neighbours() {
    let scene = scene(ERRORS, 0, &[]);
    let question = Question { at: start(), ..Question::default() };
    let error = scene.world(|world| explain_alert("HihgErrors", &question, world).expect_err("no such rule"));
    assert_eq!(error, "there is no alerting rule \"HihgErrors\"; did you mean \"HighErrors\"?");
}

#[test]
fn expressions_that_give_nothing() {
    let series: &[(&str, &str)] = &[
        ("predictions_total{job=\"api\",severity=\"high\"}", "0+60x20"),
        ("predictions_total{job=\"api\",severity=\"low\"}", "0+60x20"),
        ("errors_total{job=\"api\",error_type=\"timeout\"}", "0+6x20"),
        ("slow_total{job=\"api\"}", "_x18 0 1 2"),
    ];
    check_expr(
        "predictions{job=\"api\"}",
        series,
        expect![[r#"
        gives nothing at 10:20 UTC: nobody has told of a metric predictions in the last 7d; did you mean predictions_total?
        2026-11-21T10:20:00Z

        ✗ selector    predictions{job="api"}                        nobody has told of a metric predictions in the last 7d; did you mean predictions_total?
                      → predictions_total exists; write predictions_total
    "#]],
    );
    check_expr(
        "rate(predictions_total{severity=\"hihg\"}[5m])",
        series,
        expect![[r#"
        gives nothing at 10:20 UTC: no series of predictions_total has severity="hihg"
        2026-11-21T10:20:00Z

        ✗ selector    predictions_total{severity="hihg"}[5m]        no series of predictions_total has severity="hihg"
                      → without severity="hihg" there are 2 series: severity is "high", "low"; write severity="high"
        · operator    rate(predictions_total{severity="hihg"}[5m])  0 → 0
    "#]],
    );
    check_expr(
        "rate(predictions_total{sverity=\"high\"}[5m])",
        series,
        expect![[r#"
        gives nothing at 10:20 UTC: no series of predictions_total has sverity="high"
        2026-11-21T10:20:00Z

        ✗ selector    predictions_total{sverity="high"}[5m]         no series of predictions_total has sverity="high"
                      → the series that exist do not have the label sverity; theirs are job, severity; write severity="high"
        · operator    rate(predictions_total{sverity="high"}[5m])   0 → 0
    "#]],
    );
    check_expr(
        "sum by (error_type) (rate(errors_total[5m])) / sum(rate(predictions_total[5m]))",
        series,
        expect![[r#"
        gives nothing at 10:20 UTC: no series of the left side of / has a partner on the right with the same labels; they differ in error_type
        2026-11-21T10:20:00Z

        ✓ selector    errors_total[5m]                              1 series
        ✓ samples                                                   5 in 5m each, newest 0s old
        ✓ operator    rate(errors_total[5m])                        1 → 1
        ✓ operator    sum by (error_type) (rate(errors_total[5m]))  1 → 1
        ✓ selector    predictions_total[5m]                         2 series
        ✓ samples                                                   5 in 5m each, newest 0s old
        ✓ operator    rate(predictions_total[5m])                   2 → 2
        ✓ operator    sum(rate(predictions_total[5m]))              2 → 1
        ✗ operator    sum by (error_type) (rate(errors_total[5m])) / sum(rate(predictions_total[5m]))
                      no series of the left side of / has a partner on the right with the same labels; they differ in error_type
                      → on the left: {error_type="timeout"}
                      → on the right: {}
    "#]],
    );
    check_expr(
        "rate(slow_total[30s]) > 0",
        series,
        expect![[r#"
        gives nothing at 10:20 UTC: rate needs two samples in its range, no series has more than 1; take a longer range than [30s]
        2026-11-21T10:20:00Z

        ✓ selector    slow_total[30s]                               1 series
        ✓ samples                                                   1 in 30s each, newest 0s old
        ✗ operator    rate(slow_total[30s])                         rate needs two samples in its range, no series has more than 1; take a longer range than [30s]
        · comparison  rate(slow_total[30s]) > 0                     0 passed
    "#]],
    );
    check_expr(
        "absent(predictions_total)",
        series,
        expect![[r#"
        gives nothing at 10:20 UTC: absent gives nothing as long as there is a series: there are 2
        2026-11-21T10:20:00Z

        ✓ selector    predictions_total                             2 series
        ✓ samples                                                   newest 0s old
        ✗ operator    absent(predictions_total)                     absent gives nothing as long as there is a series: there are 2
                      → predictions_total{job="api", severity="high"} exists
    "#]],
    );
    check_expr(
        "predictions_total unless on (job) errors_total",
        series,
        expect![[r#"
        gives nothing at 10:20 UTC: all 2 of the left side are excluded by the right side of unless
        2026-11-21T10:20:00Z

        ✓ selector    predictions_total                             2 series
        ✓ samples                                                   newest 0s old
        ✓ selector    errors_total                                  1 series
        ✓ samples                                                   newest 0s old
        ✗ operator    predictions_total unless on (job) errors_total
                      all 2 of the left side are excluded by the right side of unless
    "#]],
    );
    check_expr(
        "predictions_total or nothing_here",
        series,
        expect![[r#"
        gives 2 series at 10:20 UTC
        2026-11-21T10:20:00Z

        ✓ selector    predictions_total                             2 series
        ✓ samples                                                   newest 0s old
        · selector    nothing_here                                  nobody has told of a metric nothing_here in the last 7d
        ✓ operator    predictions_total or nothing_here             2 and 0 → 2
    "#]],
    );
}

/// The chart showed an hour when there were two minutes: a dot at its right end, and points half a minute apart.
#[test]
fn a_chart_begins_with_its_data() {
    let chart = |values: &str, minute: i64| {
        let found = scene("up == 0", 0, &[("up{job=\"api\"}", values)]).why(minute);
        let chart = found.steps.into_iter().find_map(|step| step.chart).expect("a chart");
        let value = chart.series.iter().find(|series| series.role == "value").expect("a line");
        let first = value.points.iter().find(|point| point.1.is_some()).expect("a sample").0;
        format!("{} with a point each {}, empty for {}", Millis(chart.to - chart.from), Millis(chart.step_ms), Millis(first - chart.from))
    };
    assert_eq!(chart("1 1 1", 2), "2m30s with a point each 1s250ms, empty for 30s");
    assert_eq!(chart("1", 0), "2m with a point each 1s, empty for 2m");
    assert_eq!(chart("1x20", 20), "20m30s with a point each 10s250ms, empty for 30s750ms");
    assert_eq!(chart("1x90", 90), "1h with a point each 30s, empty for 0s");
    // A hole is no beginning.
    assert_eq!(chart("1x30 _x30 1x30", 90), "1h with a point each 30s, empty for 0s");
}
