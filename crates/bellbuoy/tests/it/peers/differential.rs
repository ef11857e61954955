//! The same random route trees, inhibition rules, silences and alerts, given to Alertmanager and to bellbuoy: the receivers of
//! each alert, the groups, who is inhibited and who is silenced have to be the same, and amtool has to name the same receivers.
//!
//! `BELLBUOY_DIFFERENTIAL=10000` says how many trees (300); `BELLBUOY_SEED` plays a run again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use bellbuoy_vocabulary::{Labels, Matcher};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::random::{self, Dice, Rule};
use super::stage::{Kind, start};
use crate::harness::{Folder, Program, peer, peers, text, wait_explained};

/// Trees in one configuration.
const TREES: usize = 100;

struct Tree {
    route: Value,
    rules: Vec<Rule>,
    alerts: Vec<BTreeMap<String, String>>,
    silences: Vec<Value>,
}

impl Tree {
    fn random(dice: &mut Dice, name: &str) -> Tree {
        let mine = Matcher::equal("tree", name);
        let mut alerts: Vec<BTreeMap<String, String>> = (0..4 + dice.below(4)).map(|_| random::labels(dice)).collect();
        for alert in &mut alerts {
            alert.insert("tree".into(), name.into());
        }
        let silences = (0..dice.below(3))
            .map(|index| {
                let mut matchers = vec![mine.clone()];
                matchers.extend(random::matchers(dice, 2));
                let from = if dice.one_in(4) { Timestamp::now() + 1.hours() } else { Timestamp::now() };
                let matchers: Vec<Value> = matchers.iter().map(super::stage::silence_matcher).collect();
                let (from, until) = (from.to_string(), (Timestamp::now() + 2.hours()).to_string());
                json!({"matchers": matchers, "startsAt": from, "endsAt": until, "createdBy": "a", "comment": format!("{name}-{index}")})
            })
            .collect();
        let depth = 1 + dice.below(4);
        let rules = (0..dice.below(4)).map(|_| Rule::random(dice, &mine)).collect();
        Tree { route: random::route(dice, depth, &[mine]), rules, alerts, silences }
    }
}

/// What a program says of an alert.
#[derive(Clone, Debug, PartialEq)]
struct Verdict {
    receivers: BTreeSet<String>,
    fingerprint: String,
    inhibited: bool,
    silenced_by: BTreeSet<String>,
    state: String,
}

type Verdicts = BTreeMap<String, Verdict>;

fn get(program: &Program, path: &str) -> Vec<Value> {
    let (status, body) = program.get(path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).expect("a list")
}

fn verdicts(program: &Program) -> Verdicts {
    let silences: BTreeMap<String, String> =
        get(program, "/api/v2/silences").iter().map(|silence| (text(&silence["id"]), text(&silence["comment"]))).collect();
    let list = |value: &Value| -> BTreeSet<String> { value.as_array().into_iter().flatten().map(text).collect() };
    let one = |alert: &Value| {
        let status = &alert["status"];
        let verdict = Verdict {
            receivers: alert["receivers"].as_array().into_iter().flatten().map(|receiver| text(&receiver["name"])).collect(),
            fingerprint: text(&alert["fingerprint"]),
            inhibited: status["inhibitedBy"].as_array().is_some_and(|list| !list.is_empty()),
            silenced_by: list(&status["silencedBy"]).iter().map(|id| silences.get(id).cloned().unwrap_or_default()).collect(),
            state: text(&status["state"]),
        };
        (alert["labels"].to_string(), verdict)
    };
    get(program, "/api/v2/alerts").iter().map(one).collect()
}

/// Each group: its receiver, its labels, its alerts.
fn groups(program: &Program) -> Vec<String> {
    let one = |group: &Value| {
        let alerts: BTreeSet<String> = group["alerts"].as_array().into_iter().flatten().map(|alert| alert["labels"].to_string()).collect();
        format!("{} {} {alerts:?}", text(&group["receiver"]["name"]), group["labels"])
    };
    let mut groups: Vec<String> = get(program, "/api/v2/alerts/groups").iter().map(one).collect();
    groups.sort();
    groups
}

fn config(dice: &mut Dice, trees: &[Tree]) -> String {
    let routes: Vec<&Value> = trees.iter().map(|tree| &tree.route).collect();
    let rules: Vec<Value> = trees.iter().flat_map(|tree| &tree.rules).map(|rule| rule.written(dice)).collect();
    let receivers: Vec<Value> = (0..6).map(|number| json!({"name": format!("r{number}")})).chain([json!({"name": "root"})]).collect();
    let route = json!({"receiver": "root", "group_wait": "1h", "group_by": ["alertname"], "routes": routes});
    json!({"route": route, "inhibit_rules": rules, "receivers": receivers}).to_string()
}

fn post(program: &Program, trees: &[Tree]) {
    let (now, end) = (Timestamp::now().to_string(), (Timestamp::now() + 1.hours()).to_string());
    let one = |labels| json!({"labels": labels, "startsAt": now, "endsAt": end});
    let alerts: Vec<Value> = trees.iter().flat_map(|tree| &tree.alerts).map(one).collect();
    let (status, answer) = program.post("/api/v2/alerts", &Value::from(alerts).to_string());
    assert_eq!(status, 200, "{answer}");
    for silence in trees.iter().flat_map(|tree| &tree.silences) {
        let (status, answer) = program.post("/api/v2/silences", &silence.to_string());
        assert_eq!(status, 200, "{silence}: {answer}");
    }
}

/// What was looked at, to be printed.
#[derive(Default)]
struct Sum {
    trees: usize,
    alerts: usize,
    inhibited: usize,
    silenced: usize,
    groups: usize,
    amtool: usize,
    hidden_sources: usize,
}

/// The differences of one batch. Those that Alertmanager's index of sources explains are counted, and are none.
fn differences(trees: &[Tree], ours: &Verdicts, theirs: &Verdicts, sum: &mut Sum) -> Vec<String> {
    let mut differences = Vec::new();
    for tree in trees {
        let all: Vec<Labels> = tree.alerts.iter().map(|alert| Labels::from_pairs(alert.iter())).collect();
        for (alert, labels) in tree.alerts.iter().zip(&all) {
            let key = json!(alert).to_string();
            let (Some(our), Some(their)) = (ours.get(&key), theirs.get(&key)) else {
                differences.push(format!("{key}: shown by ours {} theirs {}", ours.contains_key(&key), theirs.contains_key(&key)));
                continue;
            };
            let mut their = their.clone();
            if our.inhibited && !their.inhibited && tree.rules.iter().any(|rule| rule.may_hide(labels, &all)) {
                sum.hidden_sources += 1;
                (their.inhibited, their.state) = (true, "suppressed".into());
            }
            if *our != their {
                differences.push(format!("{key}:\n  ours   {our:?}\n  theirs {their:?}\n  in {}", tree.route));
            }
            sum.inhibited += usize::from(our.inhibited);
            sum.silenced += usize::from(!our.silenced_by.is_empty());
        }
    }
    differences
}

fn batch(dice: &mut Dice, dir: &Path, number: usize, count: usize, sum: &mut Sum) {
    let trees: Vec<Tree> = (0..count).map(|index| Tree::random(dice, &format!("b{number}t{index}"))).collect();
    let folder = Folder::new(&[("alertmanager.yml", &config(dice, &trees))]);
    let (ours, theirs) = std::thread::scope(|scope| {
        let run = |kind| {
            let program = start(kind, dir, &folder, &[]);
            post(&program, &trees);
            program
        };
        let (ours, theirs) = (scope.spawn(move || run(Kind::Bellbuoy)), scope.spawn(move || run(Kind::Alertmanager)));
        (ours.join().expect("ours"), theirs.join().expect("theirs"))
    });

    // Alertmanager routes a posted alert a moment after it has answered.
    let groups_seen = std::cell::RefCell::new(String::new());
    wait_explained("the same groups", &|| groups_seen.borrow().clone(), || {
        let (our, their) = (groups(&ours), groups(&theirs));
        let only =
            |these: &[String], those: &[String]| these.iter().filter(|one| !those.contains(one)).cloned().collect::<Vec<_>>().join("\n  ");
        *groups_seen.borrow_mut() = format!("only ours\n  {}\nonly theirs\n  {}", only(&our, &their), only(&their, &our));
        (our == their).then(|| sum.groups += our.len())
    });
    let (our, their) = (verdicts(&ours), verdicts(&theirs));
    let found = differences(&trees, &our, &their, sum);
    assert!(found.is_empty(), "batch {number}: {} differences\n{}", found.len(), found.join("\n"));

    sum.trees += trees.len();
    sum.alerts += our.len();
    for tree in &trees {
        let Some(alert) = tree.alerts.first() else { continue };
        let names = amtool(dir, &folder, alert);
        assert_eq!(our[&json!(alert).to_string()].receivers, names, "amtool, {alert:?} in {}", tree.route);
        sum.amtool += 1;
    }
}

/// The receivers that `amtool config routes test` names.
fn amtool(dir: &Path, folder: &Folder, alert: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut command = Command::new(peer(dir, &["amtool"]));
    command.args(["config", "routes", "test"]);
    command.arg(format!("--config.file={}", folder.config().join("alertmanager.yml").display()));
    for (name, value) in alert {
        command.arg(format!("{}={}", json!(name), json!(value)));
    }
    let output = command.output().expect("amtool starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.trim().split(',').map(|name| name.to_string()).collect()
}

#[test]
fn random_trees_have_the_same_verdicts() {
    let Some(dir) = peers() else { return };
    let wanted = std::env::var("BELLBUOY_DIFFERENTIAL").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let mut dice = Dice::thrown("random trees");
    let mut sum = Sum::default();
    let mut number = 0;
    while sum.trees < wanted {
        batch(&mut dice, &dir, number, TREES.min(wanted - sum.trees), &mut sum);
        number += 1;
    }
    println!(
        "{} trees, {} alerts ({} inhibited, {} silenced), {} groups, {} answers of amtool: all the same, but for {} alerts whose source Alertmanager's index hid",
        sum.trees, sum.alerts, sum.inhibited, sum.silenced, sum.groups, sum.amtool, sum.hidden_sources
    );
    assert!(sum.inhibited > 0 && sum.silenced > 0, "the trees are too tame");
}
