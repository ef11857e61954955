//! New settings while groups wait: timers of what stays are kept, what is renamed is a new group.

use bellbuoy_router::{Decision, Router, RouterSettings, scenario};
use bellbuoy_vocabulary::{Alert, Labels, Millis, Timestamp};

pub(crate) fn settings(text: &str) -> RouterSettings {
    scenario::settings(text).expect("the settings of this test")
}

pub(crate) fn alert(pairs: &[(&str, &str)], at: Timestamp) -> Alert {
    Alert {
        labels: Labels::from_pairs(pairs.iter().copied()),
        annotations: Labels::empty(),
        starts_at: at,
        ends_at: at + Millis::from_minutes(600),
        updated_at: at,
        generator_url: String::new(),
        timeout: false,
    }
}

pub(crate) fn told(decisions: Vec<Decision>) -> Vec<String> {
    let mut told = Vec::new();
    for decision in decisions {
        if let Decision::Notify(one) = decision {
            let names: Vec<&str> = one.alerts.iter().map(Alert::name).collect();
            told.push(format!("{} {} {}", one.receiver, names.join(","), one.reason));
        }
    }
    told
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_768_298_400_000) + Millis::from_seconds(seconds)
}

const BEFORE: &str = "route discord by=[alertname] wait=30s interval=5m repeat=1h\n  route pager severity=\"critical\"";
const SHORTER: &str = "route discord by=[alertname] wait=30s interval=1m repeat=1h\n  route pager severity=\"critical\"";
const RENAMED: &str = "route discord by=[alertname] wait=30s interval=5m repeat=1h\n  route phone severity=\"critical\"";

#[test]
fn timers_of_unchanged_groups_are_kept() {
    let mut router = Router::new(settings(BEFORE));
    router.receive(vec![alert(&[("alertname", "A")], at(0))], at(0));
    router.reload(settings(BEFORE), at(20));
    assert_eq!(router.next_due(), Some(at(30)));
    assert_eq!(told(router.tick(at(30))), ["discord A first notification"]);
    router.reload(settings(BEFORE), at(200));
    assert_eq!(router.next_due(), Some(at(330)));
    assert_eq!(told(router.tick(at(330))), Vec::<String>::new());
}

#[test]
fn a_shorter_interval_takes_effect() {
    let mut router = Router::new(settings(BEFORE));
    router.receive(vec![alert(&[("alertname", "A")], at(0))], at(0));
    router.tick(at(30));
    router.reload(settings(SHORTER), at(40));
    assert_eq!(router.next_due(), Some(at(100)));
}

#[test]
fn a_renamed_receiver_is_told_anew() {
    let mut router = Router::new(settings(BEFORE));
    router.receive(vec![alert(&[("alertname", "A"), ("severity", "critical")], at(0))], at(0));
    assert_eq!(told(router.tick(at(30))), ["pager A first notification"]);
    router.reload(settings(RENAMED), at(40));
    // It has waited longer than group_wait already.
    assert_eq!(router.next_due(), Some(at(40)));
    assert_eq!(told(router.tick(at(40))), ["phone A first notification"]);
    assert_eq!(router.routes_of(&Labels::from_pairs([("severity", "critical")])), ["phone"]);
}

#[test]
fn a_resolve_that_waits_survives_a_reload() {
    let mut router = Router::new(settings(BEFORE));
    let firing = alert(&[("alertname", "A")], at(0));
    router.receive(vec![firing.clone()], at(0));
    router.tick(at(30));
    router.receive(vec![Alert { ends_at: at(60), updated_at: at(60), ..firing }], at(60));
    router.reload(settings(BEFORE), at(70));
    assert_eq!(told(router.tick(at(330))), ["discord A all alerts resolved"]);
}
