//! Alertmanager's own acceptance tests, as the scenarios of `crates/router/tests/it/scenarios/acceptance`: played in real time
//! to Alertmanager itself, which proves the scenarios, and to bellbuoy.
//!
//! A line `#alertmanager: at ...` of a scenario holds for Alertmanager only, one that ends in `#bellbuoy` for bellbuoy only:
//! these are the differences that are meant. docs/decisions/0009-alertmanager-differences.md has the reasons.

use std::path::{Path, PathBuf};

use bellbuoy_router::scenario::{self, Act};
use bellbuoy_vocabulary::Millis;

use super::stage::{Kind, Stage, Story, check};
use crate::harness::peers;

fn stories(kind: Kind) -> Vec<Story> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../router/tests/it/scenarios/acceptance");
    let entries = std::fs::read_dir(folder).expect("the folder is part of the repository");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("listed").path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a scenario is text");
        let lines = text.lines().map(|line| match kind {
            Kind::Alertmanager if line.ends_with("#bellbuoy") => "",
            Kind::Alertmanager => line.strip_prefix("#alertmanager: ").unwrap_or(line),
            Kind::Bellbuoy => line,
        });
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let script = scenario::read(&lines.collect::<Vec<_>>().join("\n"), None).unwrap_or_else(|failure| panic!("{name}:{failure}"));
        Story { name, script }
    };
    paths.iter().map(read).collect()
}

/// All stories at once; those that reload the program have one of their own.
fn failures(kind: Kind, dir: &Path, stretch: i64) -> Vec<String> {
    let reloads = |story: &Story| story.script.steps.iter().any(|step| matches!(step.act, Act::Reload));
    let (alone, together): (Vec<Story>, Vec<Story>) = stories(kind).into_iter().partition(reloads);
    let mut casts: Vec<Vec<Story>> = alone.into_iter().map(|story| vec![story]).collect();
    casts.push(together);
    let play = |cast: &Vec<Story>| {
        let played = Stage::new(kind, dir, cast, stretch).play(cast, Millis::from_seconds(1));
        let mut failures = played.failures.clone();
        failures.extend(cast.iter().flat_map(|story| check(story, &played, stretch)));
        failures
    };
    std::thread::scope(|scope| {
        let plays: Vec<_> = casts.iter().map(|cast| scope.spawn(move || play(cast))).collect();
        plays.into_iter().flat_map(|play| play.join().expect("a play")).collect()
    })
}

/// A machine that is busy may be late by more than the stories allow: then they are played once more at a third of the pace.
fn prove(kind: Kind) {
    let Some(dir) = peers() else { return };
    let first = failures(kind, &dir, 1);
    if !first.is_empty() {
        println!("{kind:?}, again with more time:\n{}", first.join("\n"));
        let second = failures(kind, &dir, 3);
        assert!(second.is_empty(), "{kind:?}:\n{}", second.join("\n"));
    }
}

#[test]
fn alertmanager_plays_its_stories() {
    prove(Kind::Alertmanager);
}

#[test]
fn bellbuoy_plays_them_too() {
    prove(Kind::Bellbuoy);
}
