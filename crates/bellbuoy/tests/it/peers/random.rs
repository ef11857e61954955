//! Random label sets, matchers and route trees. A seed gives the same ones again.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Labels, MatchOp, Matcher};
use serde_json::{Value, json};

/// SplitMix64: a few lines, and the same numbers on every machine.
pub struct Dice(pub u64);

impl Dice {
    /// Of `BELLBUOY_SEED`, else of the clock. It is printed, so that a failure can be played again.
    pub fn thrown(what: &str) -> Dice {
        let given = std::env::var("BELLBUOY_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| jiff::Timestamp::now().as_microsecond() as u64);
        println!("{what}: BELLBUOY_SEED={seed}");
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// Some that every parser reads, some that only the one for UTF-8 reads, and then only in quotes.
const NAMES: [&str; 8] = ["alertname", "severity", "team", "instance", "job", "größe", "a b", "🙂"];
const VALUES: [&str; 9] = ["a", "b", "ab", "c", "A", "x y", "ß\"q\"", "1\\2", "{,}=~"];
const REGEXES: [&str; 16] =
    ["a|b", "a.*", ".+", ".*", "", "[ab]+", "^a", "b$", "(a|b)c?", "x y", "a|", "(?i)A", "\\w+", "ß.*", "1\\\\2", "[^a]"];

pub fn labels(dice: &mut Dice) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for name in NAMES {
        if dice.one_in(2) {
            labels.insert(name.to_string(), dice.of(&VALUES).to_string());
        }
    }
    labels
}

pub fn matcher(dice: &mut Dice) -> Matcher {
    // Mostly the same few names, so that something matches.
    let name = if dice.one_in(2) { dice.of(&NAMES[..3]) } else { dice.of(&NAMES) };
    let op = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex][dice.below(4)];
    let value = match op {
        MatchOp::Equal | MatchOp::NotEqual if dice.one_in(6) => "",
        MatchOp::Equal | MatchOp::NotEqual => dice.of(&VALUES),
        MatchOp::Regex | MatchOp::NotRegex => dice.of(&REGEXES),
    };
    Matcher::new(name, op, value).expect("the regexes are good ones")
}

pub fn matchers(dice: &mut Dice, most: usize) -> Vec<Matcher> {
    (0..dice.below(most + 1)).map(|_| matcher(dice)).collect()
}

pub fn names(dice: &mut Dice) -> Vec<String> {
    NAMES.iter().filter(|_| dice.one_in(4)).map(|name| name.to_string()).collect()
}

/// One of the ways to write a matcher: `name="value"`, and in quotes where it needs them.
pub fn written(dice: &mut Dice, matcher: &Matcher) -> String {
    let value = matcher.value.replace('\\', "\\\\").replace('"', "\\\"");
    if bellbuoy_vocabulary::is_classic_label_name(&matcher.name) && dice.one_in(2) {
        return format!("{}{}\"{value}\"", matcher.name, matcher.op.symbol());
    }
    format!("\"{}\"{}\"{value}\"", matcher.name, matcher.op.symbol())
}

/// A route with its children. `mine` are matchers that it has in any case.
pub fn route(dice: &mut Dice, depth: usize, mine: &[Matcher]) -> Value {
    let mut route = json!({});
    let mut matchers = mine.to_vec();
    if mine.is_empty() {
        matchers.extend(self::matchers(dice, 2));
    }
    let (mut modern, mut equal, mut regex) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for matcher in &matchers {
        let classic = bellbuoy_vocabulary::is_classic_label_name(&matcher.name);
        match matcher.op {
            MatchOp::Equal if classic && dice.one_in(5) && !equal.contains_key(&matcher.name) => {
                equal.insert(matcher.name.clone(), matcher.value.clone());
            }
            MatchOp::Regex if classic && dice.one_in(5) && !regex.contains_key(&matcher.name) => {
                regex.insert(matcher.name.clone(), matcher.value.clone());
            }
            _ => modern.push(written(dice, matcher)),
        }
    }
    for (key, value, used) in [
        ("matchers", json!(modern), !modern.is_empty()),
        ("match", json!(equal), !equal.is_empty()),
        ("match_re", json!(regex), !regex.is_empty()),
    ] {
        if used {
            route[key] = value;
        }
    }
    if dice.one_in(2) {
        route["receiver"] = format!("r{}", dice.below(6)).into();
    }
    match dice.below(5) {
        0 => route["group_by"] = json!([]),
        1 => route["group_by"] = json!(["..."]),
        2 => route["group_by"] = json!(names(dice)),
        _ => {}
    }
    if dice.one_in(2) {
        route["continue"] = true.into();
    }
    if depth > 0 {
        let children: Vec<Value> = (0..dice.below(4)).map(|_| self::route(dice, depth - 1, &[])).collect();
        if !children.is_empty() {
            route["routes"] = children.into();
        }
    }
    route
}

/// An inhibition rule, with its written form.
pub struct Rule {
    pub source: Vec<Matcher>,
    pub target: Vec<Matcher>,
    pub equal: Vec<String>,
}

impl Rule {
    pub fn random(dice: &mut Dice, mine: &Matcher) -> Rule {
        let mut side = || [vec![mine.clone()], matchers(dice, 2)].concat();
        let (source, target) = (side(), side());
        // Many equal labels would let hardly a pair through.
        let equal =
            if dice.one_in(4) { names(dice) } else { NAMES.iter().filter(|_| dice.one_in(12)).map(|name| name.to_string()).collect() };
        Rule { source, target, equal }
    }

    pub fn written(&self, dice: &mut Dice) -> Value {
        let mut side = |matchers: &[Matcher]| -> Vec<String> { matchers.iter().map(|matcher| written(dice, matcher)).collect() };
        json!({"source_matchers": side(&self.source), "target_matchers": side(&self.target), "equal": self.equal})
    }

    /// Alertmanager since 0.30 keeps one source per set of equal labels. An alert that matches both sides is a source for
    /// itself there, and can hide another source that would have inhibited it.
    pub fn may_hide(&self, target: &Labels, alerts: &[Labels]) -> bool {
        let all = |matchers: &[Matcher], labels: &Labels| matchers.iter().all(|matcher| matcher.matches_labels(labels));
        let equal = |labels: &Labels| self.equal.iter().all(|name| labels.get(name) == target.get(name));
        all(&self.target, target)
            && all(&self.source, target)
            && alerts.iter().any(|alert| equal(alert) && all(&self.source, alert) && !all(&self.target, alert))
    }
}
