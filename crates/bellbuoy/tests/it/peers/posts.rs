//! The same alert posted several times, with random times and annotations: what Alertmanager and bellbuoy make one alert of.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::random::Dice;
use super::stage::{Kind, start};
use crate::harness::{Folder, Program, peers, text};

const ALERTS: usize = 400;
const ROUNDS: usize = 4;

/// A start and an end around now, none of them so close that a second more or less would matter.
fn posted(dice: &mut Dice, now: Timestamp, alert: usize, round: usize) -> Value {
    let mut at = |choices: &[i64]| (now + SignedDuration::from_secs(choices[dice.below(choices.len())])).to_string();
    let mut out = json!({"labels": {"alertname": "A", "number": alert.to_string()}, "annotations": {"round": round.to_string()}});
    out["startsAt"] = at(&[-3600, -1800, -900, -600, -300]).into();
    let end = at(&[-240, -120, 120, 600, 1200, 2400]);
    // Not said: it is assumed. In the last round it fires, so that it is shown; in the first one too, for bellbuoy does not
    // keep an alert that had ended before anybody heard of it.
    if round == 0 || round + 1 == ROUNDS {
        out["endsAt"] = at(&[600, 1800]).into();
    } else if !dice.one_in(3) {
        out["endsAt"] = end.into();
    }
    out
}

fn shown(program: &Program) -> BTreeMap<String, Value> {
    let (_, body) = program.get("/api/v2/alerts");
    let list: Vec<Value> = serde_json::from_str(&body).expect("a list");
    let second = |value: &Value| text(value).parse::<Timestamp>().map_or(0, |at| (at.as_millisecond() + 500) / 1000);
    // An assumed end counts from the moment of the post, which is not the same for both.
    let rough = |value: &Value| (second(value) + 30) / 60;
    let one = |alert: &Value| {
        (text(&alert["labels"]["number"]), json!([second(&alert["startsAt"]), rough(&alert["endsAt"]), alert["annotations"]]))
    };
    list.iter().map(one).collect()
}

#[test]
fn posts_of_one_alert_become_the_same() {
    let Some(dir) = peers() else { return };
    let mut dice = Dice::thrown("posts");
    // On a full minute, so that rounding an end to minutes does not meet a border.
    let now = Timestamp::from_second(Timestamp::now().as_second() / 60 * 60).expect("a time of this century");
    let rounds: Vec<String> = (0..ROUNDS)
        .map(|round| Value::from((0..ALERTS).map(|alert| posted(&mut dice, now, alert, round)).collect::<Vec<_>>()).to_string())
        .collect();
    let folder = Folder::new(&[("alertmanager.yml", "route: {receiver: none, group_wait: 1h}\nreceivers: [{name: none}]\n")]);
    let [ours, theirs] = [Kind::Bellbuoy, Kind::Alertmanager].map(|kind| {
        let program = start(kind, &dir, &folder, &[]);
        for round in &rounds {
            let (status, answer) = program.post("/api/v2/alerts", round);
            assert_eq!(status, 200, "{kind:?}: {answer}");
        }
        shown(&program)
    });
    assert_eq!(theirs.len(), ALERTS);
    let differences: Vec<String> = theirs
        .iter()
        .filter(|(number, their)| ours.get(*number) != Some(their))
        .map(|(number, their)| {
            let posts = rounds.iter().map(|round| {
                let posts: Value = serde_json::from_str(round).expect("JSON");
                posts[number.parse::<usize>().expect("a number")].to_string()
            });
            format!("{number}: ours {:?} theirs {their}\n  {}", ours.get(number), posts.collect::<Vec<_>>().join("\n  "))
        })
        .collect();
    println!("{} alerts posted {ROUNDS} times: {} differences", theirs.len(), differences.len());
    assert!(differences.is_empty(), "now {now}\n{}", differences.join("\n"));
}
