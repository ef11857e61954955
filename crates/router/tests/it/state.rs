//! What is written, what is refused, what the views show; and random lives against the rules that always hold.

use std::collections::{BTreeMap, HashMap};

use bellbuoy_router::{AlertState, Change, Decision, Limits, Notification, Router, Status};
use bellbuoy_vocabulary::{Alert, Labels, Millis, Timestamp};
use proptest::prelude::*;

use crate::reload::{alert, settings, told};

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_768_298_400_000) + Millis::from_seconds(seconds)
}

#[test]
fn a_repeat_is_not_written() {
    let mut router = Router::new(settings("route discord wait=10s"));
    let first = alert(&[("alertname", "A")], at(0));
    router.receive(vec![first.clone()], at(0));
    assert_eq!(router.changes(), [Change::Alert(first.clone())]);
    let again = Alert { ends_at: first.ends_at + Millis(15_000), updated_at: at(15), ..first.clone() };
    assert_eq!(router.receive(vec![again], at(15)).repeated, 1);
    assert_eq!(router.changes(), []);
    let told_more = Alert { annotations: Labels::from_pairs([("summary", "s")]), updated_at: at(16), ..first };
    router.receive(vec![told_more], at(16));
    assert_eq!(router.changes().len(), 1);
}

#[test]
fn the_log_is_written_and_the_alert_forgotten() {
    let mut router = Router::new(settings("route discord wait=10s interval=1m"));
    let first = alert(&[("alertname", "A")], at(0));
    router.receive(vec![first.clone()], at(0));
    router.tick(at(10));
    router.changes();
    router.receive(vec![Alert { ends_at: at(20), updated_at: at(20), ..first.clone() }], at(20));
    router.tick(at(70));
    let changes = router.changes();
    assert!(
        matches!(&changes[..], [Change::AlertGone(gone), Change::Log(entry)]
        if *gone == first.fingerprint() && entry.sequence == 2 && entry.firing.is_empty()),
        "{changes:?}"
    );
    // Five days later nobody needs the entry any more.
    router.tick(at(6 * 86_400));
    assert!(matches!(&router.changes()[..], [Change::LogGone(_)]));
}

#[test]
fn limits_refuse_and_count() {
    let mut router = Router::with_limits(settings("route discord by=[...]"), Limits { alerts_max: 2, groups_max: 1, ..Limits::default() });
    let alerts = ["A", "B", "C"].map(|name| alert(&[("alertname", name)], at(0))).to_vec();
    let received = router.receive(alerts, at(0));
    assert_eq!((received.new, received.refused), (1, 2));
    assert_eq!(received.problems, ["limit of 1 groups reached", "limit of 1 groups reached"]);
    assert_eq!(router.counters().refused, 2);
    let mut router = Router::with_limits(settings("route discord"), Limits { alerts_max: 2, groups_max: 10, ..Limits::default() });
    let alerts = ["A", "B", "C"].map(|name| alert(&[("alertname", name)], at(0))).to_vec();
    assert_eq!(router.receive(alerts, at(0)).problems, ["limit of 2 alerts reached"]);
    let empty = Alert { labels: Labels::empty(), ..alert(&[], at(0)) };
    assert_eq!(router.receive(vec![empty], at(0)).problems, ["alert without labels; it needs at least one"]);
}

#[test]
fn a_late_tick_does_not_shift_repeats() {
    let mut router = Router::new(settings("route discord wait=10s interval=1m repeat=2m"));
    router.receive(vec![alert(&[("alertname", "A")], at(0))], at(0));
    let late = Millis(7);
    assert_eq!(told(router.tick(at(10) + late)), ["discord A first notification"]);
    assert_eq!(told(router.tick(at(70) + late)), Vec::<String>::new());
    assert_eq!(told(router.tick(at(130))), ["discord A repeat interval elapsed"]);
}

#[test]
fn views() {
    let mut router = Router::new(settings(
        "route discord by=[job]\n  route pager severity=\"critical\"\ninhibit severity=\"critical\" over severity=\"info\"",
    ));
    let alerts = [("A", "critical"), ("B", "info")]
        .map(|(name, severity)| alert(&[("alertname", name), ("severity", severity), ("job", "x")], at(0)));
    router.receive(alerts.to_vec(), at(0));
    let views = router.alerts(at(1));
    assert_eq!(views.iter().map(|view| view.state).collect::<Vec<_>>(), [AlertState::Active, AlertState::Suppressed]);
    assert_eq!(views[1].inhibited_by, [format!("{:016x}", alerts[0].fingerprint())]);
    assert_eq!(views[0].receivers, ["pager"]);
    let groups = router.groups(at(1));
    assert_eq!(
        groups.iter().map(|group| (group.receiver.as_str(), group.alerts.len())).collect::<Vec<_>>(),
        [("discord", 1), ("pager", 1)]
    );
    assert_eq!(groups[0].labels, Labels::from_pairs([("job", "x")]));
}

/// What an observer of one receiver believes, told only by notifications.
#[derive(Default)]
struct Belief {
    firing: HashMap<String, Vec<u64>>,
    sequences: HashMap<String, u64>,
}

impl Belief {
    fn hear(&mut self, told: &Notification, now: Timestamp) {
        let firing: Vec<u64> = told.alerts.iter().filter(|alert| !alert.resolved_at(now)).map(Alert::fingerprint).collect();
        assert_eq!(told.status == Status::Resolved, firing.is_empty());
        assert!(!told.alerts.is_empty(), "an empty message");
        let last = self.sequences.insert(told.group_key.clone(), told.sequence);
        assert!(last.unwrap_or(0) < told.sequence, "the sequence goes up");
        self.firing.insert(told.group_key.clone(), firing);
    }
}

#[derive(Clone, Debug)]
enum Event {
    Push { name: u8, firing: bool },
    Wait(i64),
    Crash,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0u8..6, any::<bool>()).prop_map(|(name, firing)| Event::Push { name, firing }),
        4 => (1i64..400).prop_map(Event::Wait),
        1 => Just(Event::Crash),
    ];
    proptest::collection::vec(event, 1..60)
}

proptest! {
    /// Whatever happens, in the end the receiver believes what is true: each firing alert and no other.
    #[test]
    fn in_the_end_the_receiver_knows_the_truth(events in events()) {
        let text = "route discord by=[job] wait=30s interval=1m repeat=1h";
        let mut router = Router::new(settings(text));
        let (mut alerts, mut log) = (BTreeMap::new(), BTreeMap::new());
        let (mut belief, mut truth) = (Belief::default(), BTreeMap::new());
        let mut now = 0;
        for event in events.into_iter().chain([Event::Wait(300)]) {
            match event {
                Event::Push { name, firing } => {
                    let name_text = format!("A{name}");
                    let labels = [("alertname", name_text.as_str()), ("job", if name % 2 == 0 { "x" } else { "y" })];
                    let mut one = alert(&labels, at(now));
                    if !firing {
                        one.ends_at = at(now);
                    }
                    truth.insert(one.fingerprint(), firing);
                    router.receive(vec![one], at(now));
                }
                Event::Wait(seconds) => {
                    for _ in 0..seconds {
                        now += 1;
                        for decision in router.tick(at(now)) {
                            if let Decision::Notify(told) = decision {
                                belief.hear(&told, at(now));
                            }
                        }
                    }
                }
                Event::Crash => {
                    router = Router::new(settings(text));
                    router.restore(alerts.values().cloned().collect(), log.values().cloned().collect(), at(now));
                }
            }
            for change in router.changes() {
                match change {
                    Change::Alert(alert) => drop(alerts.insert(alert.fingerprint(), alert)),
                    Change::AlertGone(fingerprint) => drop(alerts.remove(&fingerprint)),
                    Change::Log(entry) => drop(log.insert(entry.key.clone(), entry)),
                    Change::LogGone(key) => drop(log.remove(&key)),
                }
            }
        }
        let mut believed: Vec<u64> = belief.firing.into_values().flatten().collect();
        believed.sort_unstable();
        let expected: Vec<u64> = truth.into_iter().filter(|(_, firing)| *firing).map(|(fingerprint, _)| fingerprint).collect();
        prop_assert_eq!(believed, expected);
    }
}
