//! Replays are compared with evaluations one by one.

use bellbuoy_vocabulary::Append;

use super::*;
use crate::replay::{Span, replay};

fn source() -> MemoryStore {
    let store = MemoryStore::new();
    for (instance, values) in [("a", "1110111110"), ("b", "1111111111")] {
        let labels = Labels::from_pairs([("__name__", "x"), ("instance", instance)]);
        let (series, _) = (&store).series(&labels).expect("a new series");
        for (index, letter) in values.bytes().enumerate() {
            (&store).append(series, Timestamp(index as i64 * 60_000), f64::from(letter - b'0')).expect("in order");
        }
    }
    store
}

/// Evaluated one by one through a group, and replayed: the same changes, whatever `for` and `keep_firing_for` are.
#[test]
fn a_replay_is_what_evaluations_give() {
    let store = source();
    let (engine, external) = (Engine::default(), Labels::empty());
    let with = Evaluation { engine: &engine, source: &store, external_labels: &external, external_url: "", resend_delay: RESEND_DELAY };
    let labelled = with_texts("C", "x > 0", 60, 0, &[("level", "{{ $value }}")], &[("summary", "{{ $labels.instance }}")]);
    for rule in [alerting("A", "x > 0", 0, 0), alerting("A", "x > 0", 120, 0), alerting("B", "x > 0", 60, 120), labelled] {
        let RuleSettings::Alerting(settings) = rule.clone() else { panic!("an alerting rule") };
        let span = Span { from: Timestamp(0), to: Timestamp(15 * 60_000), step: Millis::from_minutes(1) };
        let replayed = replay(&settings, span, &with, &|| false).expect("it can be evaluated");
        let mut one_by_one = Vec::new();
        let mut group = Group::new(group(vec![rule]));
        let out = MemoryStore::new();
        for minute in 0..=15 {
            let report = group.evaluate(Timestamp(minute * 60_000), &with, &mut &out);
            one_by_one.extend(report.transitions().map(|t| (t.labels.clone(), t.from, t.to, t.at, t.after)).collect::<Vec<_>>());
        }
        let got: Vec<_> = replayed.transitions.iter().map(|t| (t.labels.clone(), t.from, t.to, t.at, t.after)).collect();
        assert_eq!(got, one_by_one);
        assert!(!got.is_empty());
    }
}
