//! The index of silences: what it finds, and how little it compares.

use proptest::prelude::*;

use super::*;

fn matcher(text: &str) -> Matcher {
    let op = [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal].into_iter().find(|op| text.contains(op.symbol()));
    let op = op.expect("an operator");
    let (name, value) = text.split_once(op.symbol()).expect("an operator");
    Matcher::new(name, op, value).expect("valid")
}

/// Sets are separated by `;`, matchers by blanks.
fn silence(id: &str, sets: &str, from: i64, to: i64) -> Silence {
    let set = |text: &str| text.split_whitespace().map(matcher).collect();
    Silence { id: id.into(), matchers: sets.split(';').map(set).collect(), starts_at: Timestamp(from), ends_at: Timestamp(to) }
}

fn labels(text: &str) -> Labels {
    Labels::from_pairs(text.split_whitespace().map(|pair| pair.split_once('=').expect("a pair")))
}

fn check(silences: &[Silence], alert: &str, now: i64, expected: &str) {
    let mut index = Silences::default();
    index.replace(silences.to_vec());
    assert_eq!(index.ids(&labels(alert), Timestamp(now)).join(" "), expected, "{alert} at {now}");
    assert_eq!(index.mute(&labels(alert), Timestamp(now)), !expected.is_empty(), "{alert} at {now}");
}

#[test]
fn an_alert_finds_its_silences() {
    let silences = [
        silence("a", "alertname=A", 0, 100),
        silence("b", "alertname=~A|B severity!=page", 0, 100),
        silence("c", "team=~m.*", 50, 100),
        silence("d", "alertname=B;team=web", 0, 100),
        silence("e", "severity!=page team!~web", 0, 100),
        silence("f", "alertname=A alertname=B", 0, 100),
        silence("g", "alertname=~A| team=", 0, 100),
    ];
    check(&silences, "alertname=A", 10, "a b e g");
    check(&silences, "alertname=A severity=page", 10, "a g");
    check(&silences, "alertname=B team=ml", 10, "b d e");
    check(&silences, "alertname=B team=ml", 60, "b c d e");
    check(&silences, "alertname=C team=web severity=page", 60, "d");
    check(&silences, "alertname=B team=ml", 100, "");
}

#[test]
fn a_changed_silence_is_looked_up_again() {
    let mut index = Silences::default();
    let alert = labels("alertname=A");
    index.put(silence("a", "alertname=B", 0, 100));
    assert!(!index.mute(&alert, Timestamp(1)));
    index.put(silence("a", "alertname=A", 0, 100));
    assert!(index.mute(&alert, Timestamp(1)));
    index.put(silence("b", "alertname=~.+", 0, 10));
    assert_eq!(index.ids(&alert, Timestamp(1)), ["a", "b"]);
    index.sweep(Timestamp(10));
    assert_eq!(index.ids(&alert, Timestamp(1)), ["a"]);
    index.remove("a");
    assert!(!index.mute(&alert, Timestamp(1)));
    assert!(index.by_value.is_empty() && index.by_name.is_empty() && index.any.is_empty(), "nothing is left behind");
}

/// The point of the index: ten thousand silences, each for one alert, and alerts of which every one is compared with its own only.
#[test]
fn ten_thousand_silences_are_not_scanned() {
    let mut index = Silences::default();
    for number in 0..10_000 {
        let sets = if number % 10 == 0 { format!("instance=~i{number}|j{number}") } else { format!("severity!=page instance=i{number}") };
        index.put(silence(&number.to_string(), &sets, 0, 100));
    }
    for round in 0..2 {
        let muted = (0..10_000).filter(|number| index.mute(&labels(&format!("alertname=A instance=i{number}")), Timestamp(round)));
        assert_eq!(muted.count(), 10_000);
    }
    assert_eq!(index.compared(), 10_000, "once each; the second round is remembered");
}

proptest! {
    /// The index gives what comparing with every silence gives.
    #[test]
    fn the_index_loses_nothing(
        silences in prop::collection::vec(prop::collection::vec(prop::collection::vec((0..3usize, 0..4usize, 0..6usize), 1..4), 1..3), 0..12),
        alerts in prop::collection::vec(prop::collection::vec(0..3usize, 3), 1..12),
        gone in prop::collection::vec(any::<bool>(), 12),
    ) {
        let value = ["", "x", "y", "x|y", "x|", "y.*"];
        let one = |&(name, op, at): &(usize, usize, usize)| {
            let op = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex][op];
            Matcher::new(["a", "b", "c"][name], op, value[at]).expect("valid")
        };
        let mut index = Silences::default();
        let mut all = Vec::new();
        for (number, sets) in silences.iter().enumerate() {
            let matchers = sets.iter().map(|set| set.iter().map(one).collect()).collect();
            let silence = Silence { id: format!("{number:02}"), matchers, starts_at: Timestamp(0), ends_at: Timestamp(9) };
            index.put(silence.clone());
            all.push(silence);
        }
        for (number, gone) in gone.iter().enumerate().take(all.len()) {
            if *gone {
                index.remove(&format!("{number:02}"));
            }
        }
        for values in &alerts {
            let pairs = ["a", "b", "c"].into_iter().zip(values.iter().map(|at| value[*at]));
            let labels = Labels::from_pairs(pairs.filter(|(_, value)| !value.is_empty()));
            let mut expected = Vec::new();
            for (number, silence) in all.iter().enumerate() {
                if !gone[number] && silence.mutes(&labels, Timestamp(1)) {
                    expected.push(silence.id.clone());
                }
            }
            prop_assert_eq!(index.ids(&labels, Timestamp(1)), expected);
        }
    }
}
