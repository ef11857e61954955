//! Random stories of alerts that fire, end, are silenced, inhibited and muted by time, in many groups at once: Alertmanager and
//! bellbuoy have to send the same messages, group by group, in the same order, with the same reasons.
//!
//! Left out of the stories is what is different on purpose: an alert that ends while it is muted (Alertmanager forgets it,
//! bellbuoy tells it afterwards), a repeat_interval that is a multiple of group_interval, and several sources of one inhibition.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bellbuoy_router::scenario;
use bellbuoy_router::{TimeInterval, TimeSpan};
use bellbuoy_vocabulary::Millis;
use jiff::Zoned;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::random::Dice;
use super::stage::{Kind, Played, Stage, Story};
use crate::harness::{peers, text};

/// Seconds in which things happen.
const SECONDS: usize = 7;

/// Groups look at their alerts 400 ms after a full second, and things happen at full seconds: a program that is not much slower
/// than that sees the same as the other.
fn story(dice: &mut Dice, name: &str) -> Story {
    let mut out = String::from("receiver hook = webhook, slack send_resolved=false\nreceiver other = webhook\n");
    let by = dice.of(&["by=[alertname]", "", "by=[...]", "by=[team, größe]"]);
    let repeat = dice.of(&["1h", "1h", "2500ms"]);
    let _ = writeln!(out, "route hook {by} wait=400ms interval=1s repeat={repeat}");
    if dice.one_in(2) {
        let _ = writeln!(out, "  route other alertname=~\"B|C\"{}", if dice.one_in(2) { " continue" } else { "" });
    }
    if dice.one_in(3) {
        out.push_str("  route hook größe=~\".+\" by=[größe]\n");
    }
    let inhibits = dice.one_in(2);
    if inhibits {
        out.push_str("inhibit alertname=A over alertname=C equal=[instance]\n");
    }
    let mut firing: BTreeSet<(&str, usize)> = BTreeSet::new();
    let mut silenced_until: BTreeMap<&str, usize> = BTreeMap::new();
    for second in 1..=SECONDS {
        for alert in ["A", "B", "C"].into_iter().flat_map(|name| [(name, 1), (name, 2)]) {
            let (name, number) = alert;
            let labels = format!("instance={number} team=t{} größe=ß@{number}", number % 2).replace('@', "");
            let inhibited = inhibits && name == "C" && firing.contains(&("A", number));
            let muted = inhibited || silenced_until.get(name).is_some_and(|until| *until >= second);
            if firing.contains(&alert) {
                if !muted && dice.one_in(3) {
                    firing.remove(&alert);
                    let _ = writeln!(out, "at {second}s push {name} resolved {labels}");
                } else if dice.one_in(4) {
                    let _ = writeln!(out, "at {second}s push {name} firing @summary=again{second} {labels}");
                }
            } else if dice.one_in(4) {
                firing.insert(alert);
                let _ = writeln!(out, "at {second}s push {name} firing {labels}");
            }
        }
        if dice.one_in(5) {
            // Begins and ends between two looks; what ended in this second is told at once, so it must not be muted now.
            let name = dice.of(&["B", "C"]);
            let ends_now = out.lines().any(|line| line.starts_with(&format!("at {second}s push {name} resolved")));
            if !ends_now && !silenced_until.contains_key(name) {
                let length = 1 + dice.below(3);
                silenced_until.insert(name, second + length);
                let _ = writeln!(out, "at {second}s silence alertname={name} until {}s", second + length);
            }
        }
    }
    let mut script = scenario::read(&out, None).unwrap_or_else(|failure| panic!("{failure}\n{out}"));
    if dice.one_in(3) {
        let (interval, name) = (time_interval(dice), "times".to_string());
        script.settings.time_intervals.push(interval);
        let route = &mut script.settings.route;
        if dice.one_in(2) { route.mute_time_intervals.push(name) } else { route.active_time_intervals.push(name) }
    }
    Story { name: name.into(), script }
}

/// Around now, or not; each with all the ways to say so. No bound of it is close.
fn time_interval(dice: &mut Dice) -> TimeInterval {
    let zone = dice.of(&["", "UTC", "Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]);
    let now = Zoned::now().with_time_zone(TimeZone::get(if zone.is_empty() { "UTC" } else { zone }).expect("a zone"));
    let holds = dice.one_in(2);
    let minute = i64::from(now.hour()) * 60 + i64::from(now.minute());
    let around = |value: i64, first: i64, count: i64, away: i64| -> Vec<(i16, i16)> {
        let shift = if holds { -1 } else { away };
        (0..3).map(|step| (value - first + shift + step).rem_euclid(count) + first).map(|one| (one as i16, one as i16)).collect()
    };
    let mut span = TimeSpan { location: zone.into(), ..TimeSpan::default() };
    match dice.below(5) {
        0 => span.weekdays = around(i64::from(now.weekday().to_sunday_zero_offset()), 0, 7, 2),
        1 => span.months = around(i64::from(now.month()), 1, 12, 3),
        2 => span.years = vec![if holds { (now.year() - 1, now.year() + 1) } else { (now.year() + 2, now.year() + 4) }],
        3 => {
            let day = i16::from(now.day());
            let days = i16::from(now.days_in_month());
            // From the month's end, -1 is its last day.
            span.days_of_month = if holds {
                vec![(day - days - 1, day - days - 1), (1, -1)]
            } else {
                vec![if day < 15 { (day + 3, -1) } else { (1, day - 3) }]
            };
        }
        _ => {
            let (from, to) = if holds {
                (minute - 60, minute + 60)
            } else if minute < 720 {
                (minute + 60, 1440)
            } else {
                (0, minute - 60)
            };
            span.times = vec![(from.max(0) as u16, to.min(1440) as u16)];
        }
    }
    TimeInterval { name: "times".into(), spans: vec![span] }
}

/// The messages of each webhook of each group, without what differs by nature: times, and the order of alerts in a message.
fn told(played: &Played) -> BTreeMap<String, Vec<Value>> {
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for message in &played.messages {
        let mut json = message.json.clone();
        if let Some(object) = json.as_object_mut() {
            object.remove("externalURL");
            object.remove("routeLabels");
        }
        let mut alerts: Vec<Value> = json["alerts"].as_array().cloned().unwrap_or_default();
        alerts.sort_by_key(|alert| text(&alert["fingerprint"]));
        for alert in &mut alerts {
            let ended = alert["endsAt"] != "0001-01-01T00:00:00Z";
            let object = alert.as_object_mut().expect("an object");
            object.remove("startsAt");
            object.insert("endsAt".into(), json!(ended));
        }
        json["alerts"] = alerts.into();
        told.entry(format!("{} {}", message.path, text(&json["groupKey"]))).or_default().push(json);
    }
    told
}

fn short(messages: Option<&Vec<Value>>) -> String {
    let one = |json: &Value| {
        let alert = |alert: &Value| {
            format!(
                "{}{}{}",
                text(&alert["labels"]["alertname"]),
                text(&alert["labels"]["instance"]),
                if alert["status"] == "firing" { "" } else { " resolved" }
            )
        };
        let alerts: Vec<String> = json["alerts"].as_array().into_iter().flatten().map(alert).collect();
        format!("[{}] {} {}", alerts.join(", "), text(&json["notification_reason"]), json["commonAnnotations"])
    };
    messages.map_or("none".into(), |messages| messages.iter().map(one).collect::<Vec<_>>().join("; "))
}

#[test]
fn random_stories_have_the_same_messages() {
    let Some(dir) = peers() else { return };
    let count = std::env::var("BELLBUOY_STORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(60);
    let mut dice = Dice::thrown("random stories");
    let stories: Vec<Story> = (0..count).map(|index| story(&mut dice, &format!("s{index}"))).collect();
    // A busy machine can be too late for the stories' second; then they are told once more at a third of the pace.
    let mut found = Vec::new();
    for stretch in [1, 3] {
        let played = std::thread::scope(|scope| {
            [Kind::Bellbuoy, Kind::Alertmanager]
                .map(|kind| {
                    scope.spawn({
                        let (dir, stories) = (&dir, &stories);
                        move || Stage::new(kind, dir, stories, stretch).play(stories, Millis::from_seconds(3))
                    })
                })
                .map(|play| play.join().expect("a play"))
        });
        let [ours, theirs] = [told(&played[0]), told(&played[1])];
        found = played.iter().flat_map(|played| played.failures.clone()).collect();
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let (our, their) = (ours.get(key), theirs.get(key));
            if our != their {
                found.push(format!("{key}\n  ours   {}\n  theirs {}", short(our), short(their)));
            }
        }
        let messages: usize = theirs.values().map(Vec::len).sum();
        println!("{count} stories at pace 1/{stretch}: {messages} messages of {} groups, {} differences", theirs.len(), found.len());
        assert!(messages > count, "the stories are too tame");
        if found.is_empty() {
            return;
        }
    }
    panic!("{} differences\n{}", found.len(), found.join("\n"));
}
