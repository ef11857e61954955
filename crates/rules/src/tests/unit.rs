//! promtool's rule tests: what passes, what fails, and how the failure reads. promtool 3.5.3 gives the same verdicts on the same files.

use super::*;
use crate::unittest::{AlertTest, ExpectedAlert, InputSeries, PromqlTest, RuleTest, run};

fn base() -> RuleTest {
    RuleTest {
        name: "down".into(),
        interval: Millis::from_minutes(1),
        evaluation_interval: Millis::from_minutes(1),
        input_series: vec![
            InputSeries { series: "up{job=\"api\",instance=\"a\"}".into(), values: "1 1 0x10".into() },
            InputSeries { series: "requests_total{job=\"api\"}".into(), values: "0+60x12".into() },
        ],
        ..RuleTest::default()
    }
}

fn rules() -> Vec<GroupSettings> {
    vec![group(vec![
        recording("job:requests:rate5m", "rate(requests_total[5m])", &[]),
        with_texts("Down", "up == 0", 120, 0, &[("severity", "page")], &[("summary", "{{ $labels.instance }} down")]),
    ])]
}

fn alert_test(minute: i64, expected: &[(&str, &str)]) -> AlertTest {
    let one = |(labels, summary): &(&str, &str)| ExpectedAlert {
        labels: parse_metric(labels).expect("labels"),
        annotations: Labels::from_pairs([("summary", summary)]),
    };
    AlertTest { eval_time: Millis::from_minutes(minute), alertname: "Down".into(), expected: expected.iter().map(one).collect() }
}

fn promql_test(text: &str, minute: i64, expected: &[(&str, f64)]) -> PromqlTest {
    let expected = expected.iter().map(|(labels, value)| (labels.to_string(), *value)).collect();
    PromqlTest { expr: text.into(), eval_time: Millis::from_minutes(minute), expected }
}

fn failures(test: &RuleTest) -> Vec<String> {
    run(test, &rules(), &Engine::new(Options::default())).iter().map(|failure| failure.to_string()).collect()
}

#[test]
fn what_is_true_passes() {
    let firing = ("{job=\"api\",instance=\"a\",severity=\"page\"}", "a down");
    let mut test = base();
    test.alert_tests = vec![alert_test(3, &[]), alert_test(4, &[firing]), alert_test(5, &[firing])];
    test.promql_tests = vec![
        promql_test("job:requests:rate5m", 10, &[("job:requests:rate5m{job=\"api\"}", 1.0)]),
        promql_test(
            "ALERTS{alertstate=\"pending\"}",
            2,
            &[("ALERTS{alertname=\"Down\",alertstate=\"pending\",instance=\"a\",job=\"api\",severity=\"page\"}", 1.0)],
        ),
        promql_test("count(up)", 4, &[("{}", 1.0)]),
        promql_test("1 + 1", 4, &[("{}", 2.0)]),
        promql_test("nothing", 4, &[]),
    ];
    assert_eq!(failures(&test), Vec::<String>::new());
}

#[test]
fn what_is_false_fails_with_both_sides() {
    let mut test = base();
    test.alert_tests = vec![alert_test(4, &[])];
    test.promql_tests = vec![promql_test("up", 1, &[("up{job=\"api\",instance=\"a\"}", 0.0)]), promql_test("up +", 1, &[])];
    let got = failures(&test);
    assert_eq!(
        got[..2],
        [
            "name: down,\nalertname: Down, time: 4m,\n    exp:[],\n    got:[\n        0:\n          Labels:{alertname=\"Down\", instance=\"a\", job=\"api\", severity=\"page\"}\n          Annotations:{summary=\"a down\"}\n        ]",
            "name: down,\nexpr: \"up\", time: 1m,\n    exp: up{instance=\"a\", job=\"api\"} 0\n    got: up{instance=\"a\", job=\"api\"} 1",
        ]
    );
    assert!(got[2].starts_with("name: down,\nexpr: \"up +\", time: 1m, err: "), "{}", got[2]);
}

#[test]
fn what_differs_is_marked() {
    let mut test = base();
    test.alert_tests = vec![alert_test(4, &[("{job=\"api\",instance=\"b\",zone=\"eu\"}", "a down")]), alert_test(5, &[])];
    let got = run(&test, &rules(), &Engine::new(Options::default()));
    expect_test::expect![[r#"
        name: down,
        alertname: Down, time: 4m,
            diff: [
                {
                    Annotations: {
                        summary: "a down"
                    }
                    Labels: {
                        alertname: "Down"
              ~         instance: "b" => "a"
                        job: "api"
              +         severity: "page"
              -         zone: "eu"
                    }
                }
            ]"#]]
    .assert_eq(&got[0].diff(false));
    assert!(got[1].diff(true).contains("\x1b[32m+ {\x1b[0m"), "{}", got[1].diff(true));
}

#[test]
fn a_test_that_can_not_run_says_why() {
    let mut test = base();
    test.input_series[0].values = "1 a".into();
    assert_eq!(
        failures(&test),
        [
            "name: down,\ninput_series: up{job=\"api\",instance=\"a\"}, time: 0s, err: bad series value \"a\"; write for example 1, 0+10x5, 3x4, _ or stale"
        ]
    );
    let mut test = base();
    test.evaluation_interval = Millis(1);
    test.promql_tests = vec![promql_test("up", 60 * 24 * 365, &[])];
    assert_eq!(failures(&test).len(), 1);
}

#[test]
fn a_failing_rule_ends_the_test() {
    let broken = vec![group(vec![recording("r", "up == on (x) up", &[])])];
    let mut test = base();
    test.input_series.push(InputSeries { series: "up{job=\"b\"}".into(), values: "1x20".into() });
    test.promql_tests = vec![promql_test("up", 3, &[])];
    let got = run(&test, &broken, &Engine::new(Options::default()));
    assert_eq!((got.len(), got[0].subject.as_str(), got[0].time), (1, "rule: r", Millis::ZERO));
}

/// What promtool 3.5.3 printed for this file (`exp_samples: []` everywhere makes it print what it got).
#[test]
fn the_answers_are_promtools() {
    let labels = [("severity", "page"), ("team", "{{ $labels.job }}-team")];
    let summary = "{{ $labels.instance }} down {{ $value | humanize }}";
    let sum = "{{ with query \"sum(up)\" }}{{ . | first | value }}{{ end }}";
    let groups = [group(vec![
        recording("job:requests:rate5m", "rate(requests_total[5m])", &[]),
        with_texts("Down", "up == 0", 120, 0, &labels, &[("summary", summary), ("q", sum)]),
        alerting("Kept", "up == 0", 0, 180),
    ])];
    let mut test = base();
    test.input_series[0].values = "1 1 0x6 1x10".into();
    let alerts = |minute: i64, name: &str, expected: &[(&str, &[(&str, &str)])]| AlertTest {
        eval_time: Millis::from_minutes(minute),
        alertname: name.into(),
        expected: expected
            .iter()
            .map(|(labels, annotations)| ExpectedAlert {
                labels: parse_metric(labels).expect("labels"),
                annotations: Labels::from_pairs(annotations.iter().copied()),
            })
            .collect(),
    };
    let down = "instance=\"a\", job=\"api\", severity=\"page\", team=\"api-team\"";
    let full = format!("{{{down}}}");
    let kept: &[(&str, &[(&str, &str)])] = &[("{instance=\"a\", job=\"api\"}", &[])];
    test.alert_tests = vec![
        alerts(3, "Down", &[]),
        alerts(4, "Down", &[(&full, &[("q", "0"), ("summary", "a down 0")])]),
        alerts(10, "Kept", kept),
        alerts(11, "Kept", kept),
        alerts(12, "Kept", &[]),
    ];
    let pending = format!("{{__name__=\"ALERTS\", alertname=\"Down\", alertstate=\"pending\", {down}}}");
    let kept_firing = "{__name__=\"ALERTS\", alertname=\"Kept\", alertstate=\"firing\", instance=\"a\", job=\"api\"}";
    let counted = [
        (format!("{{alertname=\"Down\", alertstate=\"firing\", {down}}}"), 5.0),
        (format!("{{alertname=\"Down\", alertstate=\"pending\", {down}}}"), 2.0),
        ("{alertname=\"Kept\", alertstate=\"firing\", instance=\"a\", job=\"api\"}".to_string(), 10.0),
    ];
    let counted: Vec<(&str, f64)> = counted.iter().map(|(labels, value)| (labels.as_str(), *value)).collect();
    test.promql_tests = vec![
        promql_test("job:requests:rate5m", 10, &[("{__name__=\"job:requests:rate5m\", job=\"api\"}", 1.0)]),
        promql_test("ALERTS", 3, &[(&pending, 1.0), (kept_firing, 1.0)]),
        promql_test(
            "ALERTS_FOR_STATE{alertname=\"Kept\"}",
            4,
            &[("ALERTS_FOR_STATE{alertname=\"Kept\", instance=\"a\", job=\"api\"}", 120.0)],
        ),
        promql_test("ALERTS", 12, &[]),
        promql_test("count_over_time(ALERTS[20m])", 12, &counted),
    ];
    let got: Vec<String> = run(&test, &groups, &Engine::new(Options::default())).iter().map(|failure| failure.to_string()).collect();
    assert_eq!(got, Vec::<String>::new());
}
