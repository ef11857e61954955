//! `scrape > store > promql > rules > router > notify`: beside the path, all of it on a simulated clock, disk and network.
//!
//! In:    a seed.
//! Out:   a log that is the same for the same seed, and what was broken of the promises that the program makes.
//! Never: runs in the program, reads a clock, sleeps.
//! Holds: what is checked (ledger.rs): samples that were acknowledged survive a killed process and, once synced, a loss of power; every
//!        alert that fires long enough is told, once, whatever dies on the way; nothing is told as resolved that still fires.
//! Read:  world.rs, then ledger.rs. queries.rs beside them: random series and expressions for tests of other crates.

mod chance;
mod ledger;
pub mod queries;
mod settings;
mod world;

pub use chance::Chance;
pub use world::Sabotage;

/// What one simulated run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub seed: u64,
    /// What happened, a line each.
    pub log: String,
    /// Promises that were broken; empty is good.
    pub broken: Vec<String>,
    pub crashes: usize,
    /// Messages that the receiver took.
    pub delivered: usize,
    /// Alerts that fired long enough to have to be told.
    pub told: usize,
}

/// Runs the simulation: `turns` seconds with failures of every kind, then a quiet quarter of an hour in which everything has to come right.
pub fn run(seed: u64, turns: u32) -> Report {
    run_broken(seed, turns, Sabotage::Nothing)
}

/// The same with a program that forgets: shows that the ledger notices.
pub fn run_broken(seed: u64, turns: u32, sabotage: Sabotage) -> Report {
    world::World::new(seed, sabotage).run(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One seed: `BELLBUOY_SEED=7 cargo test -p bellbuoy-simtest -- --nocapture`; more of them: `BELLBUOY_SEEDS=1000`.
    fn seeds() -> std::ops::RangeInclusive<u64> {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        match number("BELLBUOY_SEED") {
            Some(seed) => seed..=seed,
            None => 1..=number("BELLBUOY_SEEDS").unwrap_or(20),
        }
    }

    #[test]
    fn promises_hold_whatever_dies() {
        let (mut crashes, mut told) = (0, 0);
        for seed in seeds() {
            let report = run(seed, 900);
            println!("seed {seed}: {} crashes, {} delivered, {} told", report.crashes, report.delivered, report.told);
            assert!(report.broken.is_empty(), "seed {seed}:\n{}\nthe log:\n{}", report.broken.join("\n"), report.log);
            crashes += report.crashes;
            told += report.told;
        }
        // A world without failures would prove nothing.
        assert!(crashes > 0 && told > 0, "{crashes} crashes, {told} alerts told");
    }

    #[test]
    fn the_seed_decides_everything() {
        assert_eq!(run(42, 300), run(42, 300));
        assert_ne!(run(42, 300).log, run(43, 300).log);
    }

    /// Whatever is lost with a crash, some run notices: the promises are not kept by luck.
    #[test]
    fn a_program_that_forgets_is_found_out() {
        for (sabotage, complaint) in [
            (Sabotage::Samples, "acknowledged sample lost"),
            (Sabotage::AlertStates, "although all is well"),
            (Sabotage::NotificationLog, "two messages with the identity"),
            (Sabotage::Outbox, "is that it fires"),
        ] {
            let found = (1..=40).any(|seed| run_broken(seed, 300, sabotage).broken.iter().any(|line| line.contains(complaint)));
            assert!(found, "{sabotage:?} was not noticed in 40 runs");
        }
    }
}
