//! Evaluation of groups: recording, alerting, order, staleness, errors, schedule, reload.

use super::*;

#[test]
fn an_alert_is_pending_then_firing_then_resolved() {
    let rule = with_texts(
        "Down",
        "up == 0",
        20,
        0,
        &[("severity", "page"), ("team", "{{ $labels.job }}-team")],
        &[("summary", "{{ $labels.instance }} of {{ $externalLabels.site }} is {{ $value }}")],
    );
    let mut scene = Scene::new(group(vec![rule]), &[("up{job=\"api\",instance=\"a\"}", "1 0x4 1x20")]);
    scene.run(120);
    scene.check(expect![[r#"
        10s {alertname="Down", instance="a", job="api", severity="page", team="api-team"} inactive -> pending after 0s value 0
        30s {alertname="Down", instance="a", job="api", severity="page", team="api-team"} pending -> firing after 20s value 0
        30s sent {alertname="Down", instance="a", job="api", severity="page", site="berlin", team="api-team"} {summary="a of berlin is 0"} from 30s to 270s
        60s {alertname="Down", instance="a", job="api", severity="page", team="api-team"} firing -> resolved after 30s value 0
        60s sent {alertname="Down", instance="a", job="api", severity="page", site="berlin", team="api-team"} {summary="a of berlin is 0"} from 30s to 60s
    "#]]);
    let labels = "alertname=\"Down\",instance=\"a\",job=\"api\",severity=\"page\",team=\"api-team\"";
    expect!["10:1 20:1 30:stale"].assert_eq(&scene.series(&format!("ALERTS{{alertstate=\"pending\",{labels}}}")));
    expect!["30:1 40:1 50:1 60:stale"].assert_eq(&scene.series(&format!("ALERTS{{alertstate=\"firing\",{labels}}}")));
    expect!["10:10 20:10 30:10 40:10 50:10 60:stale"].assert_eq(&scene.series(&format!("ALERTS_FOR_STATE{{{labels}}}")));
}

#[test]
fn a_firing_alert_is_sent_again_and_links_to_its_expression() {
    let mut scene = Scene::new(group(vec![alerting("Down", "up == 0", 0, 0)]), &[("up", "0x30")]);
    scene.run(150);
    // Again when more than a minute has passed: at 70 s, not at 60.
    scene.check(expect![[r#"
        0s {alertname="Down"} inactive -> pending after 0s value 0
        0s {alertname="Down"} pending -> firing after 0s value 0
        0s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 240s
        70s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 310s
        140s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 380s
    "#]]);
    let with = Evaluation {
        engine: &scene.engine,
        source: &scene.store,
        external_labels: &Labels::empty(),
        external_url: "http://bellbuoy:9090/",
        resend_delay: Millis::ZERO,
    };
    let report = scene.group.evaluate(Timestamp(160_000), &with, &mut &scene.store);
    let alert = report.alerts().next().expect("resent at once");
    assert_eq!(alert.generator_url, "http://bellbuoy:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1");
    assert_eq!(alert.ends_at, Timestamp(160_000) + STEP * 4);
}

#[test]
fn later_rules_read_what_earlier_ones_recorded() {
    let rules = vec![
        recording("job:up:sum", "sum by (job) (up)", &[("source", "rule"), ("job", "overridden")]),
        alerting("Few", "job:up:sum < 2", 0, 0),
    ];
    let mut scene = Scene::new(group(rules), &[("up{job=\"api\",instance=\"a\"}", "1x2 0x2"), ("up{job=\"api\",instance=\"b\"}", "1x5")]);
    scene.run(30);
    scene.check(expect![[r#"
        30s {alertname="Few", job="overridden", source="rule"} inactive -> pending after 0s value 1
        30s {alertname="Few", job="overridden", source="rule"} pending -> firing after 0s value 1
        30s sent {alertname="Few", instance="never used", job="overridden", site="berlin", source="rule"} {} from 30s to 270s
    "#]]);
    expect!["0:2 10:2 20:2 30:1"].assert_eq(&scene.series("job:up:sum{source=\"rule\",job=\"overridden\"}"));
}

#[test]
fn a_recorded_series_that_vanishes_ends() {
    let mut scene = Scene::new(group(vec![recording("r", "up", &[])]), &[("up{a=\"1\"}", "1 1 stale"), ("up{a=\"2\"}", "1x5")]);
    scene.run(40);
    expect!["0:1 10:1 20:stale"].assert_eq(&scene.series("r{a=\"1\"}"));
    expect!["0:1 10:1 20:1 30:1 40:1"].assert_eq(&scene.series("r{a=\"2\"}"));
}

#[test]
fn a_scalar_is_recorded_and_can_fire() {
    let rules = vec![recording("r", "scalar(up) + 1", &[]), alerting("Always", "vector(1)", 0, 0), recording("t", "\"text\"", &[])];
    let mut scene = Scene::new(group(rules), &[("up", "1")]);
    scene.run(0);
    scene.check(expect![[r#"
        0s {alertname="Always"} inactive -> pending after 0s value 1
        0s {alertname="Always"} pending -> firing after 0s value 1
        0s sent {alertname="Always", instance="never used", site="berlin"} {} from 0s to 240s
        0s error: rule result is not a vector or scalar
    "#]]);
    expect!["0:2"].assert_eq(&scene.series("r"));
}

#[test]
fn a_rule_that_fails_leaves_its_alerts_as_they_were() {
    // The second series gets the same labels as the first when the rule says `a`.
    let rules = vec![
        with_texts("Same", "up == 0", 0, 0, &[("a", "one")], &[]),
        recording("same", "up", &[("a", "one")]),
        alerting("Broken", "up == on (b) up", 0, 0),
    ];
    let mut scene = Scene::new(group(rules), &[("up{a=\"1\"}", "0x5"), ("up{a=\"2\"}", "_ _ 0x5")]);
    scene.run(20);
    let log: Vec<&str> = scene.log.lines().filter(|line| line.contains("error")).collect();
    assert_eq!(log.len(), 3, "{log:?}");
    assert_eq!(log[0], "20s error: vector contains metrics with the same labelset after applying alert labels");
    assert_eq!(log[1], "20s error: vector contains metrics with the same labelset after applying rule labels");
    assert!(log[2].contains("many-to-many"), "{}", log[2]);
    let view = scene.view(0);
    assert_eq!((view.health, view.state, view.alerts.len()), (Health::Err, State::Firing, 1));
    assert!(view.last_error.is_some_and(|error| error.contains("alert labels")));
    // What it recorded before goes on to exist until the rule works again.
    expect!["0:1 10:1"].assert_eq(&scene.series("ALERTS{alertname=\"Same\",a=\"one\",alertstate=\"firing\"}"));
}

#[test]
fn limits_are_errors() {
    let mut settings = group(vec![recording("r", "up", &[]), alerting("Down", "up", 0, 0)]);
    settings.limit = 1;
    let mut scene = Scene::new(settings, &[("up{a=\"1\"}", "1x5"), ("up{a=\"2\"}", "_ 1x5")]);
    scene.run(10);
    let errors: Vec<&str> = scene.log.lines().filter(|line| line.contains("error")).collect();
    assert_eq!(errors, ["10s error: exceeded limit of 1 with 2 series", "10s error: exceeded limit of 1 with 2 alerts"]);
    assert!(scene.view(1).alerts.is_empty());
}

#[test]
fn a_template_that_fails_says_so_in_the_alert() {
    let rule = with_texts("Bad", "up", 0, 0, &[], &[("good", "{{ $value | humanizePercentage }}"), ("bad", "{{ $value | nosuch }}")]);
    let mut scene = Scene::new(group(vec![rule]), &[("up", "0.25")]);
    scene.run(0);
    let alert = scene.view(0).alerts.swap_remove(0);
    assert_eq!(alert.annotations.get("good"), "25%");
    assert!(alert.annotations.get("bad").starts_with("<error expanding template: "), "{}", alert.annotations);
    assert!(scene.log.contains("0s warning: expanding a template of Bad: "), "{}", scene.log);
}

#[test]
fn templates_can_query() {
    let text = "{{ with query \"sum(up)\" }}{{ . | first | value }}{{ end }} of {{ query \"up\" | len }}";
    let mut scene =
        Scene::new(group(vec![with_texts("Q", "up == 0", 0, 0, &[], &[("up", text)])]), &[("up{a=\"1\"}", "1"), ("up{a=\"2\"}", "0")]);
    scene.run(0);
    assert_eq!(scene.view(0).alerts[0].annotations.get("up"), "1 of 2");
}

#[test]
fn keep_firing_for_is_shown() {
    let mut scene = Scene::new(group(vec![alerting("Down", "up == 0", 0, 30)]), &[("up", "0 0 1x10")]);
    scene.run(30);
    let alert = scene.view(0).alerts.swap_remove(0);
    assert_eq!((alert.state, alert.keep_firing_since), (State::Firing, Some(Timestamp(20_000))));
    scene.run(60);
    scene.check(expect![[r#"
        0s {alertname="Down"} inactive -> pending after 0s value 0
        0s {alertname="Down"} pending -> firing after 0s value 0
        0s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 240s
        50s {alertname="Down"} firing -> resolved after 50s value 0
        50s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 50s
    "#]]);
}

#[test]
fn query_offset_asks_and_writes_in_the_past() {
    let mut settings = group(vec![recording("r", "up", &[])]);
    settings.query_offset = Millis::from_seconds(10);
    let mut scene = Scene::new(settings, &[("up", "1+1x10")]);
    scene.run(30);
    expect!["0:1 10:2 20:3"].assert_eq(&scene.series("r"));
}

#[test]
fn slots_are_an_interval_apart_and_stay_where_they_are() {
    let mut settings = group(vec![]);
    settings.interval = Millis::from_seconds(60);
    let one = Group::new(settings.clone());
    settings.name = "another".into();
    let other = Group::new(settings);
    let now = Timestamp(1_768_298_400_123);
    let first = one.first_due(now);
    assert!(first > now && first <= now + one.interval());
    assert_eq!(one.next_due(first), first + one.interval());
    assert_eq!(one.next_due(first + Millis(59_999)), first + one.interval());
    assert_eq!(one.next_due(Timestamp(first.0 - 1)), first);
    assert_ne!(other.first_due(now), first, "two names that hash alike would be bad luck");
}

#[test]
fn after_a_reload_unchanged_rules_go_on_and_removed_ones_end() {
    let rules = |threshold: &str, with_record: bool| {
        let mut rules = vec![alerting("Down", &format!("up < {threshold}"), 20, 0)];
        if with_record {
            rules.insert(0, recording("r", "up", &[]));
        }
        group(rules)
    };
    let mut scene = Scene::new(rules("1", true), &[("up", "0x20")]);
    scene.run(10);
    let old = std::mem::replace(&mut scene.group, Group::new(rules("2", false)));
    scene.group.take_over(&old);
    scene.run(30);
    // `for` went on although place and threshold of the rule changed.
    scene.check(expect![[r#"
        0s {alertname="Down"} inactive -> pending after 0s value 0
        20s {alertname="Down"} pending -> firing after 20s value 0
        20s sent {alertname="Down", instance="never used", site="berlin"} {} from 20s to 260s
    "#]]);
    expect!["0:0 10:0 20:stale"].assert_eq(&scene.series("r"));
    // The whole group goes.
    scene.group.end(Timestamp(40_000), &mut &scene.store);
    expect!["20:1 30:1 40:stale"].assert_eq(&scene.series("ALERTS{alertname=\"Down\",alertstate=\"firing\"}"));
}

#[test]
fn of_two_rules_with_one_name_each_finds_its_own_after_a_reload() {
    let two = |first: &str, second: &str| group(vec![alerting("Down", first, 0, 0), alerting("Down", second, 0, 0)]);
    let mut scene = Scene::new(two("a == 0", "b == 0"), &[("a{n=\"a\"}", "0x9"), ("b{n=\"b\"}", "0x9")]);
    scene.run(0);
    let old = std::mem::replace(&mut scene.group, Group::new(two("b == 0", "a == 0")));
    scene.group.take_over(&old);
    assert_eq!(scene.view(0).alerts[0].labels.get("n"), "b");
    assert_eq!(scene.view(1).alerts[0].labels.get("n"), "a");
}

#[test]
fn refused_values_are_counted_and_shown() {
    let mut scene = Scene::new(group(vec![recording("r", "up", &[])]), &[("up", "1x5"), ("r", "_ _ _ 7")]);
    let with = Evaluation {
        engine: &scene.engine,
        source: &scene.store,
        external_labels: &Labels::empty(),
        external_url: "",
        resend_delay: RESEND_DELAY,
    };
    let report = scene.group.evaluate_rule(0, Timestamp(10_000), &with, &mut &scene.store);
    assert_eq!((report.samples, report.dropped.out_of_order, report.health), (0, 1, Health::Err));
    assert_eq!(scene.view(0).last_error.as_deref(), Some("storing r: out of order sample"));
    scene.group.commit_failed(0, "disk full");
    assert_eq!(scene.view(0).last_error.as_deref(), Some("storing the results: disk full"));
}

#[test]
fn views_have_what_the_api_shows() {
    let rules =
        vec![recording("r", "sum(up)", &[("a", "b")]), with_texts("Down", "up==0", 60, 30, &[("x", "{{ $value }}")], &[("s", "t")])];
    let mut scene = Scene::new(group(rules), &[("up", "0x5")]);
    let before = scene.view(1);
    assert_eq!((before.health, before.state, before.last_evaluation), (Health::Unknown, State::Inactive, None));
    scene.run(0);
    let group = scene.group.view();
    assert_eq!((group.name.as_str(), group.file.as_str(), group.evaluation_seconds), ("g", "rules.yml", 0.5));
    assert_eq!(group.last_evaluation, Some(Timestamp(0)));
    let (record, alert) = (&group.rules[0], &group.rules[1]);
    assert_eq!((record.kind.word(), record.query.as_str(), record.labels.len()), ("recording", "sum(up)", 1));
    assert_eq!((alert.kind.word(), alert.query.as_str(), alert.state), ("alerting", "up == 0", State::Pending));
    assert_eq!((alert.hold, alert.keep_firing_for), (Millis::from_seconds(60), Millis::from_seconds(30)));
    assert_eq!(alert.labels, [("x".to_string(), "{{ $value }}".to_string())]);
    assert_eq!(alert.alerts[0].labels.get("x"), "0");
    assert_eq!(alert.alerts[0].active_at, Timestamp(0));
}
