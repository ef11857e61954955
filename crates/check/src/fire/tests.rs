//! A corpus of alerts in the style of those that people publish: which of them are made to fire, and how the proofs read.

use bellbuoy_promql::{Engine, parse};
use bellbuoy_router::{IntegrationOutline, ReceiverOutline, RouterSettings};
use bellbuoy_rules::{AlertingSettings, RecordingSettings};
use bellbuoy_vocabulary::{Span, parse_duration};
use expect_test::expect;

use super::*;

fn setting() -> Setting {
    let integrations = vec![IntegrationOutline { kind: "discord".into(), index: 0, send_resolved: true }];
    let router = RouterSettings {
        route: Route { receiver: "pager".into(), ..Route::default() },
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: Millis::from_minutes(5),
        receivers: vec![ReceiverOutline { name: "pager".into(), integrations }],
    };
    Setting { engine: Engine::default(), router, external_labels: Labels::empty(), external_url: String::new() }
}

fn alert(name: &str, hold: &str, expr: &str, line: usize) -> RuleSettings {
    RuleSettings::Alerting(AlertingSettings {
        alert: name.into(),
        expr: parse(expr).unwrap_or_else(|error| panic!("{name}: {error}")).into(),
        hold: parse_duration(hold).expect("a duration"),
        keep_firing_for: Millis::ZERO,
        labels: Vec::new(),
        annotations: vec![("summary".into(), "{{ $labels.job }}: {{ $value }}".into())],
        span: Span { line, column: 5, length: 1 },
    })
}

/// `NAME FOR EXPR` and `record NAME = EXPR`, one a line.
fn groups(text: &str) -> Vec<GroupSettings> {
    let mut rules = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
        rules.push(match line.strip_prefix("record ") {
            Some(rest) => {
                let (name, expr) = rest.split_once(" = ").expect("a name and an expression");
                let expr = parse(expr).unwrap_or_else(|error| panic!("{name}: {error}")).into();
                RuleSettings::Recording(RecordingSettings { record: name.into(), expr, labels: Labels::empty(), span: Span::default() })
            }
            None => {
                let mut words = line.splitn(3, ' ');
                let (Some(name), Some(hold), Some(expr)) = (words.next(), words.next(), words.next()) else { panic!("{line}") };
                alert(name, hold, expr, number + 1)
            }
        });
    }
    // Recording rules first, as files have them.
    rules.sort_by_key(|rule| matches!(rule, RuleSettings::Alerting(_)));
    let (name, file) = ("g".to_string(), "rules.yml".to_string());
    vec![GroupSettings { name, file, interval: Millis::from_minutes(1), limit: 0, query_offset: Millis::ZERO, rules }]
}

fn fired(groups: &[GroupSettings], name: &str) -> Result<Proof, Never> {
    let rule = groups[0].rules.iter().find(|rule| matches!(rule, RuleSettings::Alerting(rule) if rule.alert == name));
    fire(rule.expect("an alert of this name"), &groups[0], groups, &setting())
}

fn names(groups: &[GroupSettings]) -> Vec<String> {
    let name = |rule: &RuleSettings| match rule {
        RuleSettings::Alerting(rule) => Some(rule.alert.clone()),
        _ => None,
    };
    groups[0].rules.iter().filter_map(name).collect()
}

/// Each sixteenth of them; the end-to-end test takes all of them, and has the real promtool run what was found.
#[test]
fn a_part_of_the_corpus_fires() {
    let groups = groups(include_str!("corpus.txt"));
    let names = names(&groups);
    assert!(names.len() >= 200, "{} alerts", names.len());
    let mut silent = Vec::new();
    for name in names.iter().step_by(16) {
        match fired(&groups, name) {
            Ok(proof) => assert!(!proof.told.is_empty(), "{name} fires and nobody is told: {:?}", proof.held),
            Err(_) => silent.push(name.as_str()),
        }
    }
    expect![""].assert_eq(&silent.join(" "));
}

/// Each of them fires in the real Prometheus too: whoever says that one never can is wrong.
#[test]
fn check_calls_nothing_impossible_that_fires() {
    let groups = groups(include_str!("corpus.txt"));
    let found = check(&Input { groups: &groups, ..Input::default() });
    let wrong = found.iter().filter(|finding| SILENT.contains(&finding.code) || finding.severity == Severity::Error);
    let wrong: Vec<String> = wrong.map(|finding| format!("{}: {} [{}]", finding.span.line, finding.message, finding.code)).collect();
    expect![""].assert_eq(&wrong.join("\n"));
}

fn proof(text: &str) -> Proof {
    let groups = groups(text);
    let name = names(&groups).remove(0);
    fired(&groups, &name).unwrap_or_else(|never| panic!("{}", never.why))
}

#[test]
fn proofs_are_rule_tests() {
    let proof = proof("Errors 5m sum by (job) (rate(requests_total{code=~\"5..\"}[5m])) / sum by (job) (rate(requests_total[5m])) > 0.05");
    expect![[r##"
        # Written by `bellbuoy fire --write-test`: series that make each alert fire.
        rule_files:
          - "rules.yml"
        evaluation_interval: 1m
        tests:
          - name: "Errors fires"
            interval: 1m
            input_series:
              - series: "requests_total{code=\"500\", instance=\"host-1:9100\", job=\"app\"}"
                values: "_x1 0+90x21"
            alert_rule_test:
              - eval_time: 14m
                alertname: "Errors"
                exp_alerts:
                  - exp_labels:
                      "job": "app"
                    exp_annotations:
                      "summary": "app: 1"
    "##]]
    .assert_eq(&test_file(&[&proof], &["rules.yml".to_string()], &Labels::empty(), ""));
}

#[test]
fn the_path_goes_through_recording_rules() {
    let proof = proof("record job:errors:rate5m = sum by (job) (rate(errors_total[5m]))\nErrors 2m job:errors:rate5m{job=\"api\"} > 3");
    assert_eq!(proof.through, ["job:errors:rate5m"]);
    assert_eq!(proof.series.keys().map(|labels| labels.get("job")).collect::<Vec<_>>(), ["api"]);
    assert_eq!(proof.fired_at - proof.pending_at, Millis::from_minutes(2));
    assert_eq!(proof.told.len(), 1);
}

fn never(text: &str) -> Never {
    let groups = groups(text);
    let name = names(&groups).remove(0);
    fired(&groups, &name).expect_err("it can not fire")
}

#[test]
fn what_can_not_fire_says_why() {
    let matching = never("Errors 5m sum by (error_type) (rate(errors_total[5m])) / (sum(rate(requests_total[5m])) + 0.001) > 0.05");
    assert!(matching.why.contains("[matching-never]"), "{}", matching.why);
    assert!(matching.fix.is_some());
    let bounds = never("Bounds 0s score < 0.65 and score > 0.7");
    assert!(bounds.why.contains("[comparison-constant]") && bounds.sure, "{}", bounds.why);
    let labels = never("Labels 0s up{job=\"a\", job=\"b\"} == 0");
    expect![[r#"no label values were found that satisfy job="a" and job="b" together, in up"#]].assert_eq(&labels.why);
}

/// The series of a proof are such as somebody could have: `up` is 0 or 1, a ratio between them, what failed is a part of all.
#[test]
fn series_are_natural() {
    let values = |expr: &str| -> Vec<(String, f64, f64)> {
        let found = proof(&format!("A 0s {expr}"));
        let bounds = |samples: &[Sample]| {
            let values = samples.iter().map(|sample| sample.value);
            (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
        };
        let one = |(labels, samples): (&Labels, &Vec<Sample>)| {
            let (least, most) = bounds(samples);
            (labels.get("__name__").to_string(), least, most)
        };
        found.series.iter().map(one).collect()
    };
    for expr in ["cpu_ratio > 0.9", "label_probability > 0.5", "up == 1 and changes(up[1h]) > 4", "avg_over_time(up[1h]) < 0.9 and up == 1"]
    {
        for (name, least, most) in values(expr) {
            assert!((0.0..=1.0).contains(&least) && most <= 1.0, "{expr}: {name} between {least} and {most}");
        }
    }
    let of_all = values("sum(rate(e_total[5m])) / sum(rate(r_total[5m])) > 0.05");
    assert!(of_all.iter().all(|(_, _, most)| *most > 0.0) && of_all[0].2 <= of_all[1].2, "{of_all:?}");
    // It only rises, and fires before it is too much, where a counter that starts anew again and again would do as well.
    let rising = proof("A 0s rate(queue_total[5m]) > 0.2 and queue_total < 100");
    let samples: Vec<f64> = rising.series.values().flatten().map(|sample| sample.value).collect();
    assert!(samples.windows(2).all(|pair| pair[0] <= pair[1]), "{samples:?}");
}
