//! Alerts over a restart.

use super::*;

impl Scene {
    /// Ends the program and starts it again after `outage_s`: only saved states (as JSON) and the series are left.
    fn restart(&mut self, outage_s: i64) -> &mut Scene {
        let saved = serde_json::to_string(&self.group.state()).expect("plain data");
        self.group = Group::new(self.group.settings().clone());
        self.now += Millis::from_seconds(outage_s);
        let saved = serde_json::from_str(&saved).expect("what was written reads back");
        self.group.restore(saved, self.now);
        let _ = writeln!(self.log, "{}s restart", self.now.0 / 1000);
        self
    }
}

#[test]
fn pending_and_firing_go_on_after_a_short_restart() {
    let rules = vec![alerting("Slow", "up == 0", 30, 0), alerting("Kept", "up == 0", 0, 60)];
    let mut scene = Scene::new(group(rules), &[("up", "0x2 1x20")]);
    scene.run(10).restart(0).run(30).restart(0).run(100);
    scene.check(expect![[r#"
        0s {alertname="Slow"} inactive -> pending after 0s value 0
        0s {alertname="Kept"} inactive -> pending after 0s value 0
        0s {alertname="Kept"} pending -> firing after 0s value 0
        0s sent {alertname="Kept", instance="never used", site="berlin"} {} from 0s to 240s
        20s restart
        30s {alertname="Slow"} pending -> inactive after 30s value 0
        40s restart
        70s sent {alertname="Kept", instance="never used", site="berlin"} {} from 0s to 310s
        90s {alertname="Kept"} firing -> resolved after 1m30s value 0
        90s sent {alertname="Kept", instance="never used", site="berlin"} {} from 0s to 90s
    "#]]);
    expect!["0:0 10:0 20:0 30:stale"].assert_eq(&scene.series("ALERTS_FOR_STATE{alertname=\"Slow\"}"));
}

/// A resolved alert is repeated for 15 minutes; the restart does not make it new.
#[test]
fn a_resolved_alert_is_not_told_twice() {
    let mut scene = Scene::new(group(vec![alerting("Down", "up == 0", 0, 0)]), &[("up", "0 1x20")]);
    scene.run(10).restart(0).run(60);
    scene.check(expect![[r#"
        0s {alertname="Down"} inactive -> pending after 0s value 0
        0s {alertname="Down"} pending -> firing after 0s value 0
        0s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 240s
        10s {alertname="Down"} firing -> resolved after 10s value 0
        10s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 10s
        20s restart
    "#]]);
}

/// Ten minutes without values: the first evaluations find nothing, which does not mean that all is well.
#[test]
fn a_gap_in_the_series_does_not_resolve_an_alert() {
    let mut scene = Scene::new(group(vec![alerting("Down", "up == 0", 0, 0)]), &[("up", "0x5 _x65 0x20 1x20")]);
    scene.run(50).restart(600).run(660);
    assert_eq!(scene.view(0).alerts[0].state, State::Firing);
    scene.run(930);
    scene.check(expect![[r#"
        0s {alertname="Down"} inactive -> pending after 0s value 0
        0s {alertname="Down"} pending -> firing after 0s value 0
        0s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 240s
        660s restart
        660s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 900s
        730s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 970s
        800s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 1040s
        870s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 1110s
        920s {alertname="Down"} firing -> resolved after 15m20s value 0
        920s sent {alertname="Down", instance="never used", site="berlin"} {} from 0s to 920s
    "#]]);
}

#[test]
fn a_gap_that_never_ends_resolves_the_alert_in_the_end() {
    let mut scene = Scene::new(group(vec![alerting("Down", "up == 0", 0, 0)]), &[("up", "0x5")]);
    scene.run(50).restart(600).run(1000);
    let end: Vec<&str> = scene.log.lines().filter(|line| line.contains("resolved")).collect();
    // 660 s and five minutes.
    assert_eq!(end, ["960s {alertname=\"Down\"} firing -> resolved after 16m value 0"]);
}

#[test]
fn an_outage_does_not_count_towards_a_pending_alerts_for() {
    let mut scene = Scene::new(group(vec![alerting("Slow", "up == 0", 60, 0)]), &[("up", "0x100")]);
    scene.run(30).restart(300).run(400);
    let fired: Vec<&str> = scene.log.lines().filter(|line| line.contains("-> firing")).collect();
    // 30 s before the outage, 30 s after it: 340 s is the first evaluation.
    assert_eq!(fired, ["370s {alertname=\"Slow\"} pending -> firing after 1m value 0"]);
}

/// The boat saves when something changes. An alert that has been pending for 200 s without any change was not away for 200 s.
#[test]
fn a_state_that_was_saved_long_ago_is_no_outage() {
    let mut scene = Scene::new(group(vec![alerting("Slow", "up == 0", 300, 0)]), &[("up", "0x100")]);
    scene.run(0);
    let saved = scene.group.state();
    scene.run(200);
    scene.group = Group::new(scene.group.settings().clone());
    scene.group.restore_alive_until(saved, Timestamp(200_000), scene.now);
    scene.run(400);
    let fired: Vec<&str> = scene.log.lines().filter(|line| line.contains("-> firing")).collect();
    assert_eq!(fired, ["300s {alertname=\"Slow\"} pending -> firing after 5m value 0"]);
}

#[test]
fn saved_alerts_of_others_are_left_out() {
    let mut scene = Scene::new(group(vec![alerting("Down", "up == 0", 0, 0)]), &[("up", "0x9")]);
    scene.run(0);
    let mut saved = scene.group.state();
    saved[0].group = "another".into();
    let mut other = saved[0].clone();
    other.group = "g".into();
    other.rule = "Gone".into();
    saved.push(other);
    let mut fresh = Group::new(scene.group.settings().clone());
    fresh.restore(saved, Timestamp(0));
    assert!(fresh.state().is_empty());
}

#[test]
fn states_are_json_with_every_number() {
    let mut scene = Scene::new(group(vec![with_texts("Odd", "up", 0, 0, &[], &[("a", "b")])]), &[("up{x=\"y\"}", "NaN")]);
    scene.run(0);
    let json = serde_json::to_string(&scene.group.state()).expect("plain data");
    expect![[r#"[{"file":"rules.yml","group":"g","rule":"Odd","rule_labels":"{}","rule_query":"up","labels":{"alertname":"Odd","x":"y"},"annotations":{"a":"b"},"value":"NaN","state":"firing","active_at":0,"fired_at":0,"resolved_at":null,"last_sent_at":0,"keep_firing_since":null,"seen_at":0}]"#]].assert_eq(&json);
    let back: Vec<AlertState> = serde_json::from_str(&json).expect("reads back");
    assert!(back[0].value.is_nan());
    assert!(serde_json::from_str::<Vec<AlertState>>(&json.replace("firing", "fired")).is_err());
}

/// A data directory of Prometheus: no saved state, only `ALERTS_FOR_STATE`.
#[test]
fn for_state_series_restore_active_at() {
    let rules = || group(vec![alerting("Long", "up == 0", 1200, 0), alerting("Short", "up == 0", 60, 0)]);
    let mut scene = Scene::new(rules(), &[("up", "0x400")]);
    scene.run(1000);
    scene.group = Group::new(rules());
    scene.now += Millis::from_seconds(100);
    let (hour, grace) = (OUTAGE_TOLERANCE, FOR_GRACE_PERIOD);
    scene.group.restore_from_series(&Until(&scene.store, scene.now), scene.now, hour, grace).expect("readable");
    scene.run(1110);
    // 200 s were left: less than the grace of 600 s, so it fires 600 s from the first evaluation: active since 1110 + 600 - 1200.
    assert_eq!(scene.view(0).alerts[0].active_at, Timestamp(510_000));
    assert_eq!(scene.view(1).alerts[0].active_at, Timestamp(1_110_000), "below the grace period: waits anew");
    // Two hours later nobody knows any more.
    scene.group = Group::new(rules());
    scene.now += Millis::from_seconds(7200);
    scene.group.restore_from_series(&scene.store, scene.now, hour, grace).expect("readable");
    (&scene.store)
        .series(&parse_metric("up").expect("a metric"))
        .and_then(|(series, _)| (&scene.store).append(series, scene.now, 0.0))
        .expect("in order");
    let end = scene.now.0 / 1000;
    scene.run(end);
    assert_eq!(scene.view(0).alerts[0].active_at, Timestamp(end * 1000));
}

proptest! {
    /// Whatever the series do and whenever the program restarts: same transitions, same messages, same series.
    #[test]
    fn a_restart_between_two_evaluations_changes_nothing(
        values in proptest::collection::vec(0..3u8, 1..40),
        restarts in proptest::collection::vec(0..40i64, 0..4),
        hold in 0..5i64,
        keep in 0..4i64,
    ) {
        let text: Vec<&str> = values.iter().map(|value| ["0", "1", "stale"][usize::from(*value)]).collect();
        let scene = || Scene::new(group(vec![alerting("A", "up == 0", hold * 10, keep * 10)]), &[("up{i=\"a\"}", &text.join(" "))]);
        let mut whole = scene();
        whole.run(400);
        let mut broken = scene();
        let mut stops = restarts;
        stops.sort();
        for stop in stops {
            broken.run(stop * 10).restart(0);
        }
        broken.run(400);
        let without_restarts: Vec<&str> = broken.log.lines().filter(|line| !line.ends_with("restart")).collect();
        prop_assert_eq!(without_restarts, whole.log.lines().collect::<Vec<_>>());
        for metric in ["ALERTS{alertname=\"A\",i=\"a\",alertstate=\"pending\"}", "ALERTS{alertname=\"A\",i=\"a\",alertstate=\"firing\"}", "ALERTS_FOR_STATE{alertname=\"A\",i=\"a\"}"] {
            prop_assert_eq!(broken.series(metric), whole.series(metric));
        }
    }
}

/// The memory store behaves like a store: sorted, within the times, by matchers.
#[test]
fn the_memory_store_selects() {
    let scene = Scene::new(group(vec![]), &[("b", "1 2 3"), ("a{x=\"y\"}", "4 5 6")]);
    let all = scene.store.select(Timestamp(10_000), Timestamp(20_000), &[]).expect("readable");
    let names: Vec<String> = all.iter().map(|series| series.labels().to_string()).collect();
    assert_eq!(names, ["a{x=\"y\"}", "b"]);
    let mut points = Points::default();
    all[1].read(Timestamp(10_000), Timestamp(15_000), &mut points).expect("readable");
    assert_eq!(print_samples(&points.floats), "10:2");
    assert!(scene.store.select(Timestamp(30_000), Timestamp(40_000), &[]).expect("readable").is_empty());
}
