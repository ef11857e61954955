//! Whatever is called impossible never happens: random expressions over random series, evaluated by the real engine. The end-to-end test
//! `peers::soundness` asks the real Prometheus as well.
//!
//! `BELLBUOY_SOUNDNESS=20000` says how many expressions (3,000); `BELLBUOY_SEED` plays a run again.

use bellbuoy_promql::{Engine, Expr, MemorySource, Options, Value, parse};
use bellbuoy_rules::RuleSettings;
use bellbuoy_simtest::Chance;
use bellbuoy_simtest::queries::{World, Writer};
use bellbuoy_vocabulary::{Labels, Span, Timestamp};

use super::{alert, group};
use crate::claims::{Claims, promises};
use crate::graph::RuleGraph;
use crate::{Input, check};

const NOW: Timestamp = Timestamp(36_000_000);

fn source_of(world: &World) -> MemorySource {
    let mut source = MemorySource::new();
    for track in &world.tracks {
        track.values.iter().for_each(|(before, value)| source.add(&track.labels, Timestamp(NOW.0 - before.0), *value));
    }
    source
}

fn elements(value: Value) -> Vec<(Labels, f64)> {
    match value {
        Value::Vector(elements) => elements.into_iter().filter_map(|one| Some((one.labels, one.value.float()?))).collect(),
        Value::Matrix(series) => series.into_iter().map(|one| (one.labels, 0.0)).collect(),
        _ => Vec::new(),
    }
}

/// The first thing that was said of the expression and is not so.
fn broken(text: &str, expr: &Expr, source: &MemorySource) -> Option<String> {
    // Errors of matching (many to many) are no result.
    let ask = |expr: &Expr| Engine::new(Options::default()).instant(expr, source, NOW).ok().map(|answer| elements(answer.value));
    let claims = Claims::of(expr, &RuleGraph::default());
    if let Some(wrong) = ask(expr)?.iter().find_map(|(labels, value)| claims.broken_by(labels, *value)) {
        return Some(wrong);
    }
    let mut rule = alert(text);
    rule.span = Span::default();
    let found = check(&Input { groups: &[group(vec![RuleSettings::Alerting(rule)])], ..Input::default() });
    let found: Vec<_> = found.iter().collect();
    promises(text, expr, &found).iter().find_map(|promise| promise.broken_by(&mut |part| ask(&parse(part).ok()?)))
}

#[test]
fn what_is_impossible_never_happens() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (seed, count) = (number("BELLBUOY_SEED").unwrap_or(7), number("BELLBUOY_SOUNDNESS").unwrap_or(3000));
    let mut chance = Chance::new(seed);
    let (mut source, mut wrongs) = (MemorySource::new(), Vec::new());
    for turn in 0..count {
        if turn % 20 == 0 {
            source = source_of(&World::random(&mut chance));
        }
        let text = Writer::new(&mut chance, &[]).expression(4);
        let expr = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        wrongs.extend(broken(&text, &expr, &source).map(|wrong| format!("expression {turn}: {text}\n  {wrong}")));
    }
    let few: Vec<&str> = wrongs.iter().take(20).map(String::as_str).collect();
    assert!(wrongs.is_empty(), "BELLBUOY_SEED={seed}: {} are not so\n{}", wrongs.len(), few.join("\n"));
}
