//! An event (a training run ended) is told once to everybody whom its labels reach, and its end is told to nobody.

use bellbuoy_router::{Router, RouterSettings};
use bellbuoy_vocabulary::{Alert, Millis, Timestamp};

use crate::reload::{alert, settings, told};

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_768_298_400_000) + Millis::from_seconds(seconds)
}

fn event(name: &str, seconds: i64, life_seconds: i64) -> Alert {
    let labels = [("alertname", "Trained"), ("kind", "event"), ("event", "training-success"), ("run", name)];
    Alert { ends_at: at(seconds + life_seconds), ..alert(&labels, at(seconds)) }
}

fn routes() -> RouterSettings {
    settings("route discord by=[team] wait=30s interval=1m repeat=3m")
}

/// All that is told until `end`, with its second.
fn run(router: &mut Router, end: i64) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(due) = router.next_due().filter(|due| *due <= at(end)) {
        all.extend(told(router.tick(due)).into_iter().map(|line| format!("{}s {line}", (due - at(0)).0 / 1000)));
    }
    all
}

#[test]
fn once_and_without_an_end() {
    let mut router = Router::new(routes());
    router.receive(vec![event("a", 0, 600)], at(0));
    assert_eq!(run(&mut router, 100), ["30s discord Trained first notification"]);
    // The first one is still there, but only the second is news; and repeat_interval repeats neither.
    router.receive(vec![event("b", 100, 600)], at(100));
    assert_eq!(run(&mut router, 3600), ["150s discord Trained new alerts added"]);
    assert!(router.alerts(at(3600)).is_empty() && router.next_due().is_none(), "nothing is kept of what is over");
}

#[test]
fn beside_an_alert_that_lasts() {
    let mut router = Router::new(routes());
    router.receive(vec![alert(&[("alertname", "Slow")], at(0)), event("a", 0, 100)], at(0));
    assert_eq!(run(&mut router, 200), ["30s discord Slow,Trained first notification"]);
    // The end of the event is no news of the group; the alert alone is repeated.
    assert_eq!(run(&mut router, 299), ["210s discord Slow repeat interval elapsed"]);
    // The same event again (a model drifts for the second time) is told again.
    router.receive(vec![event("a", 300, 100)], at(300));
    assert_eq!(run(&mut router, 330), ["330s discord Slow,Trained new alerts added"]);
}
