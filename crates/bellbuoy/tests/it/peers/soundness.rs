//! What check says of an expression is so in the real Prometheus and in our engine: random expressions over random series, with
//! recording rules between them. Both engines have to agree on each answer, too.
//!
//! `BELLBUOY_SOUNDNESS=20000` says how many expressions (3,000); `BELLBUOY_SEED` plays a run again.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use bellbuoy_check::claims::{Claims, Promise, promises};
use bellbuoy_check::{Finding, Input, Metrics, RuleGraph, check};
use bellbuoy_promql::{Engine, Expr, MemorySource, Options, Value, parse};
use bellbuoy_rules::{AlertingSettings, GroupSettings, RecordingSettings, RuleSettings};
use bellbuoy_simtest::Chance;
use bellbuoy_simtest::queries::{PAST, REACH, Record, STEP, World, Writer, records};
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis, Span, Timestamp};

use crate::harness::{Folder, Program, escape, free_port, http, peer, peers};
use crate::push::{V1, series_v1, write};

/// Expressions over one world.
const EACH: usize = 100;
/// In how many more worlds an expression is tried that gave nothing.
const MORE_WORLDS: usize = 30;
const RECORDS: usize = 24;
/// The first world's time, 1 January 2024: a seed gives the same days and hours again.
const FIRST: Timestamp = Timestamp(1_704_067_200_000);

/// Labels and value of each element; the text of an error.
type Given = Result<Vec<(Labels, f64)>, String>;

fn prometheus(dir: &Path, folder: &Folder) -> Program {
    let port = free_port();
    let mut command = Command::new(peer(dir, &["prometheus"]));
    command.arg(format!("--config.file={}", folder.config().join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", folder.data().display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.args(["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"]);
    command.arg("--enable-feature=promql-experimental-functions");
    let mut program = Program::start(command, "Server is ready to receive web requests");
    program.address = format!("127.0.0.1:{port}");
    program
}

fn theirs(prometheus: &Program, text: &str, at: Timestamp) -> Given {
    let path = format!("/api/v1/query?query={}&time={}", escape(text), at.0 / 1000);
    let (_, body) = http(&prometheus.address, "GET", &path, &[], b"");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{text}: {error}: {body}"));
    if answer["status"] != "success" {
        return Err(answer["error"].as_str().unwrap_or_default().to_string());
    }
    let number = |value: &serde_json::Value| value[1].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
    let one = |element: &serde_json::Value| {
        let pairs =
            element["metric"].as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
        (Labels::from_pairs(pairs), number(&element["value"]))
    };
    Ok(answer["data"]["result"].as_array().into_iter().flatten().map(one).collect())
}

fn ours(expr: &Expr, source: &MemorySource, at: Timestamp) -> Given {
    let answer = Engine::new(Options::default()).instant(expr, source, at).map_err(|error| error.to_string())?;
    Ok(match answer.value {
        Value::Vector(elements) => elements.into_iter().map(|one| (one.labels, one.value.float().unwrap_or(f64::NAN))).collect(),
        Value::Matrix(series) => series.into_iter().map(|one| (one.labels, f64::NAN)).collect(),
        _ => Vec::new(),
    })
}

/// A series and its points, as value and time in milliseconds.
type Written = (Labels, Vec<(f64, i64)>);

/// A world in memory, with what the recording rules make of it.
fn evaluated(world: &World, records: &[(Record, Expr)], at: Timestamp) -> (MemorySource, Vec<Written>) {
    let mut source = MemorySource::new();
    let mut written: BTreeMap<Labels, Vec<(f64, i64)>> = BTreeMap::new();
    for track in &world.tracks {
        let points: Vec<(f64, i64)> = track.values.iter().map(|(before, value)| (*value, at.0 - before.0)).collect();
        points.iter().for_each(|(value, time)| source.add(&track.labels, Timestamp(*time), *value));
        written.insert(track.labels.clone(), points);
    }
    for (record, expr) in records {
        // A rule that fails at some time (many to many) records nothing then; a range fails as a whole.
        let mut made: BTreeMap<Labels, Vec<(f64, i64)>> = BTreeMap::new();
        for step in 0..=PAST.0 / STEP.0 {
            let time = Timestamp(at.0 - PAST.0 + step * STEP.0);
            let Ok(elements) = ours(expr, &source, time) else { continue };
            let named: BTreeMap<Labels, f64> = elements.iter().map(|(labels, value)| (recorded(record, labels), *value)).collect();
            if named.len() == elements.len() {
                named.into_iter().for_each(|(labels, value)| made.entry(labels).or_default().push((value, time.0)));
            }
        }
        for (labels, points) in made {
            points.iter().for_each(|(value, time)| source.add(&labels, Timestamp(*time), *value));
            written.insert(labels, points);
        }
    }
    (source, written.into_iter().collect())
}

fn recorded(record: &Record, labels: &Labels) -> Labels {
    let mut builder = labels.builder();
    builder.set(METRIC_NAME, &record.name);
    record.labels.iter().for_each(|(name, value)| {
        builder.set(name, value);
    });
    builder.labels()
}

fn send(prometheus: &Program, series: &[(Labels, Vec<(f64, i64)>)]) {
    let body: Vec<Vec<u8>> = series.iter().map(|(labels, points)| series_v1(&labels.iter().collect::<Vec<_>>(), points)).collect();
    let (status, text) = write(prometheus, V1, &body.concat());
    assert!((200..300).contains(&status), "{status} {text}");
}

/// The rules as check reads them: the recording rules, then an alert per expression, told apart by its line.
fn group(records: &[(Record, Expr)], expressions: &[(String, Expr)]) -> GroupSettings {
    let record = |(record, expr): &(Record, Expr)| {
        let labels = Labels::from_pairs(record.labels.iter().map(|(name, value)| (name, value)));
        RuleSettings::Recording(RecordingSettings { record: record.name.clone(), expr: expr.clone().into(), labels, span: Span::default() })
    };
    let alert = |(number, (_, expr)): (usize, &(String, Expr))| {
        RuleSettings::Alerting(AlertingSettings {
            alert: format!("Test{number}"),
            expr: expr.clone().into(),
            hold: Millis::ZERO,
            keep_firing_for: Millis::ZERO,
            labels: Vec::new(),
            annotations: Vec::new(),
            span: Span { line: number + 1, column: 1, length: 1 },
        })
    };
    GroupSettings {
        name: "g".into(),
        file: "rules.yml".into(),
        interval: Millis::from_minutes(1),
        limit: 0,
        query_offset: Millis::ZERO,
        rules: records.iter().map(record).chain(expressions.iter().enumerate().map(alert)).collect(),
    }
}

/// What was looked at, to be printed.
#[derive(Debug, Default)]
struct Sum {
    expressions: usize,
    with_result: usize,
    failed_in_both: usize,
    claims_on_labels_and_values: usize,
    promised_nothing: usize,
    promised_no_loss: usize,
    of_what_was_seen: usize,
    /// Gave nothing in this world and in `MORE_WORLDS` others.
    silent: usize,
    silent_and_found: usize,
}

/// One world in both engines.
struct Place<'a> {
    prometheus: &'a Program,
    source: MemorySource,
    at: Timestamp,
}

impl Place<'_> {
    /// The answers of both, which have to be the same.
    fn ask(&self, text: &str, expr: &Expr) -> Result<Given, String> {
        let (our, their) = (ours(expr, &self.source, self.at), theirs(self.prometheus, text, self.at));
        match (&our, &their) {
            (Ok(a), Ok(b)) if !same(text, a, b) => Err(format!("the engines differ at {}: ours {our:?}, Prometheus {their:?}", self.at.0)),
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
                Err(format!("one of the engines fails: {error}: ours {our:?}, Prometheus {their:?}"))
            }
            _ => Ok(their),
        }
    }

    /// The first thing that was said and is not so.
    fn broken(&self, text: &str, expr: &Expr, claims: &[Claims], promises: &[Promise]) -> Result<Given, String> {
        let given = self.ask(text, expr)?;
        for (labels, value) in given.iter().flatten() {
            if let Some(wrong) = claims.iter().find_map(|claims| claims.broken_by(labels, *value)) {
                return Err(format!("{labels} {wrong}: {claims:?}"));
            }
        }
        let mut differ = None;
        for promise in promises {
            let mut ask = |part: &str| match self.ask(part, &parse(part).ok()?) {
                Ok(given) => given.ok(),
                Err(wrong) => {
                    differ = Some(format!("{part}: {wrong}"));
                    None
                }
            };
            if let Some(wrong) = promise.broken_by(&mut ask) {
                return Err(wrong);
            }
        }
        differ.map_or(Ok(given), Err)
    }
}

/// Which of several equal ones `topk` and `limitk` take is left to the engine.
fn same(text: &str, ours: &[(Labels, f64)], theirs: &[(Labels, f64)]) -> bool {
    if ["topk", "bottomk", "limitk"].iter().any(|word| text.contains(word)) {
        return true;
    }
    let sorted = |list: &[(Labels, f64)]| {
        let mut list = list.to_vec();
        list.sort_by(|a, b| a.0.cmp(&b.0));
        list
    };
    let near = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-9);
    let (ours, theirs) = (sorted(ours), sorted(theirs));
    ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(a, b)| a.0 == b.0 && (near(a.1, b.1) || text.contains('[') && a.1.is_nan()))
}

fn metrics(series: &[(Labels, Vec<(f64, i64)>)]) -> Metrics {
    let mut metrics = Metrics::of("the world");
    series.iter().for_each(|(labels, _)| metrics.add(labels));
    metrics.whole = true;
    metrics
}

/// The expressions of one world: each is asked for, with what is said of it.
fn look(place: &Place, rules: &GroupSettings, expressions: &[(String, Expr)], seen: &Metrics, sum: &mut Sum) -> Vec<(usize, bool)> {
    let groups = std::slice::from_ref(rules);
    let by_line = |findings: &[Finding], line: usize| -> Vec<Finding> {
        findings.iter().filter(|finding| finding.span.line == line).cloned().collect()
    };
    let plain = check(&Input { groups, ..Input::default() });
    let with_series = check(&Input { groups, metrics: Some(seen), ..Input::default() });
    let graphs = [RuleGraph::new(groups), RuleGraph::with_metrics(groups, Some(seen))];
    let mut silent = Vec::new();
    for (number, (text, expr)) in expressions.iter().enumerate() {
        let claims: Vec<Claims> = graphs.iter().map(|graph| Claims::of(expr, graph)).collect();
        let [promised, by_seen] = [&plain, &with_series].map(|findings| {
            let found = by_line(findings, number + 1);
            promises(text, expr, &found.iter().collect::<Vec<_>>())
        });
        let all: Vec<Promise> = promised.iter().chain(by_seen.iter().filter(|one| !promised.contains(one))).cloned().collect();
        let given = place.broken(text, expr, &claims, &all).unwrap_or_else(|wrong| panic!("{text}\n{wrong}\n{sum:#?}"));
        let nothing = promised.iter().any(|promise| matches!(promise, Promise::Nothing(_)));
        sum.expressions += 1;
        sum.claims_on_labels_and_values += usize::from(claims[0].says_something());
        sum.promised_nothing += usize::from(nothing);
        sum.promised_no_loss += promised.iter().filter(|promise| matches!(promise, Promise::Same(..))).count();
        sum.of_what_was_seen += all.len() - promised.len();
        match given {
            Ok(elements) if elements.is_empty() => silent.push((number, nothing)),
            Ok(_) => sum.with_result += 1,
            Err(_) => sum.failed_in_both += 1,
        }
    }
    silent
}

#[test]
fn what_check_says_is_so_in_prometheus() {
    let Some(dir) = peers() else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (seed, wanted) = (number("BELLBUOY_SEED").unwrap_or(20_261_121), number("BELLBUOY_SOUNDNESS").unwrap_or(3000) as usize);
    println!("soundness: BELLBUOY_SEED={seed} BELLBUOY_SOUNDNESS={wanted}");
    let mut chance = Chance::new(seed);
    let read = |record: Record| {
        let expr = parse(&record.expr).unwrap_or_else(|error| panic!("{}: {error}", record.expr));
        (record, expr)
    };
    let records: Vec<(Record, Expr)> = records(&mut chance, RECORDS).into_iter().map(read).collect();
    let names: Vec<String> = records.iter().map(|(record, _)| record.name.clone()).collect();
    let others: Vec<MemorySource> = (0..MORE_WORLDS).map(|_| evaluated(&World::random(&mut chance), &records, FIRST).0).collect();

    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n")]);
    let prometheus = prometheus(&dir, &folder);
    let mut sum = Sum::default();
    let mut turn = 0;
    while sum.expressions < wanted {
        let at = Timestamp(FIRST.0 + turn * (REACH + PAST).0);
        turn += 1;
        let (source, series) = evaluated(&World::random(&mut chance), &records, at);
        send(&prometheus, &series);
        let expressions: Vec<(String, Expr)> = (0..EACH.min(wanted - sum.expressions))
            .map(|_| {
                let depth = 1 + chance.number(4) as u32;
                let text = Writer::new(&mut chance, &names).expression(depth);
                let expr = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                (text, expr)
            })
            .collect();
        let rules = group(&records, &expressions);
        let place = Place { prometheus: &prometheus, source, at };
        for (number, found) in look(&place, &rules, &expressions, &metrics(&series), &mut sum) {
            let (text, expr) = &expressions[number];
            let gives = |source: &MemorySource| ours(expr, source, FIRST).is_ok_and(|elements| !elements.is_empty());
            if !others.iter().any(gives) {
                sum.silent += 1;
                sum.silent_and_found += usize::from(found);
                if !found && std::env::var_os("BELLBUOY_SOUNDNESS_SHOW").is_some() {
                    println!("nothing is said of {text}");
                }
            } else if found && std::env::var_os("BELLBUOY_SOUNDNESS_SHOW").is_some() {
                println!("only a part never gives anything: {text}");
            }
        }
    }
    println!("{sum:#?}");
    // A run in which little is claimed, or little happens, would prove little.
    assert!(sum.promised_nothing * 20 > wanted && sum.with_result * 5 > wanted && sum.promised_no_loss > 0, "the expressions are too tame");
}
