//! Series of all kinds, and the rules that record from them.

use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis};

use super::{NAMES, PAST, STEP, Writer};
use crate::Chance;

/// A series: its labels, and its values by the time before the question.
#[derive(Clone, Debug)]
pub struct Track {
    pub labels: Labels,
    /// From old to new: how long before, and the value.
    pub values: Vec<(Millis, f64)>,
}

/// The series that exist at one time.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub tracks: Vec<Track>,
}

/// A recording rule.
#[derive(Clone, Debug)]
pub struct Record {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub expr: String,
}

impl World {
    /// Up to 18 series. Some end early, some have holes.
    pub fn random(chance: &mut Chance) -> World {
        let mut tracks: Vec<Track> = Vec::new();
        for _ in 0..chance.number(18) {
            let name = chance.of(&NAMES);
            let labels = labels(chance, name);
            if tracks.iter().all(|track| track.labels != labels) {
                tracks.push(Track { labels, values: values(chance, name) });
            }
        }
        World { tracks }
    }
}

fn labels(chance: &mut Chance, name: &str) -> Labels {
    let mut pairs = vec![(METRIC_NAME, name)];
    let values = ["", "", "1", "2"];
    for label in ["x", "y"] {
        pairs.push((label, chance.of(&values)));
    }
    // Nearly always as scraped; `le` mostly where it belongs.
    let target = if chance.one_in(12) { ["", ""] } else { [chance.of(&["1", "2"]), chance.of(&["1", "2"])] };
    pairs.extend([("job", target[0]), ("instance", target[1])]);
    let buckets = name.ends_with("_bucket") != chance.one_in(15);
    pairs.push(("le", if buckets { chance.of(&["0.1", "1", "2", "+Inf"]) } else { "" }));
    Labels::from_pairs(pairs)
}

fn values(chance: &mut Chance, name: &str) -> Vec<(Millis, f64)> {
    let counter = ["_total", "_count", "_bucket"].iter().any(|end| name.ends_with(end));
    let (stays, ends, holes) = (chance.one_in(3), chance.one_in(6), chance.one_in(5));
    let last = if ends { 6 + chance.number(12) as i64 } else { 0 };
    let (mut out, mut now) = (Vec::new(), first(chance, name, counter));
    for step in (last..=PAST.0 / STEP.0).rev() {
        if !stays {
            now = match counter {
                true if chance.one_in(12) => 0.0,
                true => now + chance.of(&["0", "1", "2.5", "60"]).parse::<f64>().unwrap_or(0.0),
                false => first(chance, name, false),
            };
        }
        if !(holes && chance.one_in(3)) {
            out.push((Millis(step * STEP.0), now));
        }
    }
    out
}

fn first(chance: &mut Chance, name: &str, counter: bool) -> f64 {
    let any = ["-2", "0", "0.25", "1", "3", "NaN", "+Inf"];
    let choice = match name {
        "up" => chance.of(&["0", "1"]),
        _ if counter => chance.of(&["0", "1", "17"]),
        _ => chance.of(&any),
    };
    choice.parse().unwrap_or(0.0)
}

/// `count` recording rules; a later one may read an earlier one.
pub fn records(chance: &mut Chance, count: usize) -> Vec<Record> {
    let mut made: Vec<Record> = Vec::new();
    for number in 0..count {
        let names: Vec<String> = made.iter().map(|record| record.name.clone()).collect();
        // A name without a colon could be scraped as well.
        let name = if chance.one_in(4) { format!("rec_{number}") } else { format!("level:rec_{number}") };
        let labels = match chance.number(4) {
            0 => vec![("x".to_string(), chance.of(&["1", "3"]).to_string())],
            1 => vec![("team".to_string(), "ml".to_string())],
            _ => Vec::new(),
        };
        let depth = 1 + chance.number(3) as u32;
        let expr = Writer::new(chance, &names).expression(depth);
        made.push(Record { name, labels, expr });
    }
    made
}
