//! Where the collectors write: families by name, with a bound, and what went wrong in words.

use std::collections::HashMap;

use bellbuoy_vocabulary::MetricType;

use crate::family::Family;

/// Most samples of one look at the host. What is over it is dropped and said.
pub const SAMPLES_MAX: usize = 50_000;
/// One broken text says it a few times, not once a line.
const PROBLEMS_MAX: usize = 3;

#[derive(Default)]
pub(super) struct Out {
    families: Vec<Family>,
    by_name: HashMap<String, usize>,
    samples: usize,
    dropped: usize,
    problems: Vec<String>,
    /// Of this collector.
    collector: &'static str,
    collector_problems: usize,
}

impl Out {
    pub fn begin(&mut self, collector: &'static str) {
        (self.collector, self.collector_problems) = (collector, 0);
    }

    /// Nothing was wrong since `begin`.
    pub fn is_whole(&self) -> bool {
        self.collector_problems == 0
    }

    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add(MetricType::Counter, name, help, labels, value);
    }

    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add(MetricType::Gauge, name, help, labels, value);
    }

    pub fn untyped(&mut self, name: &str, help: &str, value: f64) {
        self.add(MetricType::Unknown, name, help, &[], value);
    }

    fn add(&mut self, kind: MetricType, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        if self.samples >= SAMPLES_MAX {
            self.dropped += 1;
            return;
        }
        self.samples += 1;
        let at = match self.by_name.get(name) {
            Some(at) => *at,
            None => {
                self.families.push(Family::new(name, kind, help));
                self.by_name.insert(name.to_string(), self.families.len() - 1);
                self.families.len() - 1
            }
        };
        self.families[at].add(labels, value);
    }

    pub fn problem(&mut self, text: String) {
        self.collector_problems += 1;
        if self.collector_problems <= PROBLEMS_MAX {
            self.problems.push(format!("{}: {text}", self.collector));
        }
    }

    /// A line that is not as the kernel writes it.
    pub fn bad_line(&mut self, path: &str, line: &str) {
        let shown: String = line.chars().take(60).collect();
        let more = if shown.len() < line.len() { "..." } else { "" };
        self.problem(format!("{path}: unexpected line {shown:?}{more}"));
    }

    /// Families by name.
    pub fn finish(mut self) -> (Vec<Family>, Vec<String>) {
        if self.dropped > 0 {
            self.problems.push(format!("{} samples of the host dropped, more than {SAMPLES_MAX}", self.dropped));
        }
        self.families.sort_by(|one, other| one.name.cmp(&other.name));
        (self.families, self.problems)
    }
}
