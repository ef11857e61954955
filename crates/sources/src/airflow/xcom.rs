//! XComs that become metrics: which have to be read, and what was read.
//!
//! In:    runs that ended, values. Out: reads that are due, gauges and counters by mapping.
//! Never: reads of a run that still goes on; holds more than its bounds; takes a missing value for 0.

use std::collections::{BTreeMap, VecDeque};

use bellbuoy_vocabulary::{MetricType, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::{Latest, RunsWanted, XcomMapping, XcomType};
use super::value;
use super::wire::Run;
use crate::family::{Family, family};

/// Reads that wait for their turn; above it the oldest are dropped and counted.
pub(super) const READS_MAX: usize = 2_000;
/// Values that one counter has as its label.
const LABEL_VALUES_MAX: usize = 50;

/// One value of one run that has to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct XcomRead {
    pub dag: String,
    pub run: String,
    pub task: String,
    pub key: String,
    pub map_index: Option<u32>,
    success: bool,
    end_ms: i64,
    meant_for_ms: i64,
    /// The run is new; one of history sets gauges only.
    counts: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Xcoms {
    pub reads: VecDeque<XcomRead>,
    /// By the mapping's id.
    values: BTreeMap<String, Known>,
    pub dropped: u64,
    pub missing: u64,
    pub unusable: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Known {
    /// Value and the end of its run; for counters of the last run that counted.
    gauge: f64,
    end_ms: i64,
    /// By which the latest is found.
    rank_ms: i64,
    sums: BTreeMap<String, f64>,
}

impl Xcoms {
    /// A run has ended. `counts`: it is not of history.
    pub fn ended(&mut self, run: &Run, mappings: &[XcomMapping], counts: bool) {
        for mapping in mappings.iter().filter(|mapping| mapping.dag == run.dag) {
            let success = run.state == "success";
            if (mapping.runs == RunsWanted::Success && !success) || (!counts && mapping.kind != XcomType::Gauge) {
                continue;
            }
            let read = XcomRead {
                dag: run.dag.clone(),
                run: run.id.clone(),
                task: mapping.task.clone(),
                key: mapping.key.clone(),
                map_index: mapping.map_index,
                success,
                end_ms: run.end.0,
                meant_for_ms: run.meant_for.0,
                counts,
            };
            if self.reads.contains(&read) || !self.helps(&read, mapping, mappings) {
                continue;
            }
            self.reads.push_back(read);
            if self.reads.len() > READS_MAX {
                self.reads.pop_front();
                self.dropped += 1;
            }
        }
    }

    /// Whether a read changes anything: for a gauge only one that is later than what is known or waits.
    fn helps(&mut self, read: &XcomRead, mapping: &XcomMapping, mappings: &[XcomMapping]) -> bool {
        if mapping.kind != XcomType::Gauge {
            return true;
        }
        let rank = read.rank(mapping.latest);
        if self.values.get(&mapping.id()).is_some_and(|known| known.rank_ms > rank) {
            return false;
        }
        let counted = mappings.iter().any(|other| other.kind != XcomType::Gauge && read.is_of(other));
        let same =
            |other: &XcomRead| (&other.dag, &other.task, &other.key, other.map_index) == (&read.dag, &read.task, &read.key, read.map_index);
        if self.reads.iter().any(|other| same(other) && other.rank(mapping.latest) > rank && other.serves(mapping)) {
            return false;
        }
        if !counted {
            // Older ones that wait are no longer needed by this mapping, and by others of the same XCom neither if those want the same runs.
            let alike =
                mappings.iter().filter(|other| read.is_of(other)).all(|other| other.runs == mapping.runs && other.latest == mapping.latest);
            self.reads.retain(|other| !(alike && same(other)));
        }
        true
    }

    /// The value came. Problems name the mapping.
    pub fn value(&mut self, read: &XcomRead, found: &Value, mappings: &[XcomMapping]) -> Vec<String> {
        let mut problems = Vec::new();
        for mapping in mappings.iter().filter(|mapping| read.is_of(mapping) && read.serves(mapping)) {
            let known = self.values.get(&mapping.id());
            let rank = read.rank(mapping.latest);
            let late = known.is_some_and(|known| known.rank_ms > rank);
            if (mapping.kind == XcomType::Gauge && late) || (mapping.kind != XcomType::Gauge && !read.counts) {
                continue;
            }
            let taken = value::find(found, &mapping.path).and_then(|value| self.take(mapping, read, rank, &value));
            if let Err(reason) = taken {
                self.unusable += 1;
                problems.push(format!(
                    "XCom {}/{}/{} can not be {}: {reason}; run {:?}",
                    mapping.dag, mapping.task, mapping.key, mapping.metric, read.run
                ));
            }
        }
        problems
    }

    fn take(&mut self, mapping: &XcomMapping, read: &XcomRead, rank: i64, found: &Value) -> Result<(), String> {
        let known = self.values.entry(mapping.id()).or_default();
        let (label, step) = match &mapping.kind {
            XcomType::Gauge => {
                known.gauge = value::number(found)?;
                (known.end_ms, known.rank_ms) = (read.end_ms, rank);
                return Ok(());
            }
            XcomType::Sum => {
                let step = value::number(found)?;
                if step < 0.0 {
                    return Err("negative, and a counter only grows".into());
                }
                (String::new(), step)
            }
            XcomType::Count { label: None } => (value::word(found).map(|_| String::new())?, 1.0),
            XcomType::Count { label: Some(_) } => (value::word(found)?, 1.0),
        };
        if known.sums.len() >= LABEL_VALUES_MAX && !known.sums.contains_key(&label) {
            return Err(format!("more than {LABEL_VALUES_MAX} different values"));
        }
        *known.sums.entry(label).or_default() += step;
        known.end_ms = known.end_ms.max(read.end_ms);
        Ok(())
    }

    pub fn families(&self, mappings: &[XcomMapping], now: Timestamp) -> Vec<Family> {
        let mut out: Vec<Family> = Vec::new();
        for mapping in mappings {
            let Some(known) = self.values.get(&mapping.id()) else { continue };
            let labels: Vec<(&str, &str)> = mapping.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let from = format!("{}, {}, {}", mapping.dag, mapping.task, mapping.key);
            if mapping.kind == XcomType::Gauge {
                if known.end_ms == 0 || now.0.saturating_sub(known.end_ms) > mapping.max_age.0 {
                    continue;
                }
                family(&mut out, &mapping.metric, MetricType::Gauge, format!("XCom of the latest run: {from}.")).add(&labels, known.gauge);
            } else {
                let help = format!("XCom over all runs since the first contact: {from}.");
                for (value, sum) in &known.sums {
                    let own = match &mapping.kind {
                        XcomType::Count { label: Some(name) } => Some((name.as_str(), value.as_str())),
                        _ => None,
                    };
                    let labels: Vec<(&str, &str)> = labels.iter().copied().chain(own).collect();
                    family(&mut out, &mapping.metric, MetricType::Counter, help.clone()).add(&labels, *sum);
                }
                if known.end_ms == 0 {
                    continue;
                }
            }
            let stamp = format!("{}_timestamp_seconds", mapping.metric);
            family(&mut out, &stamp, MetricType::Gauge, format!("When the run ended that {} is of.", mapping.metric))
                .add(&labels, known.end_ms as f64 / 1000.0);
        }
        out
    }
}

impl XcomRead {
    fn is_of(&self, mapping: &XcomMapping) -> bool {
        (&self.dag, &self.task, &self.key, self.map_index) == (&mapping.dag, &mapping.task, &mapping.key, mapping.map_index)
    }

    fn serves(&self, mapping: &XcomMapping) -> bool {
        self.success || mapping.runs == RunsWanted::Any
    }

    fn rank(&self, latest: Latest) -> i64 {
        match latest {
            Latest::End => self.end_ms,
            Latest::LogicalDate => self.meant_for_ms,
        }
    }
}
