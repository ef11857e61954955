//! What each node of a rule gives at a time, and what the rule makes of it: for who explains a rule, or looks for series that make it fire.
//!
//! In:    a rule, series, a time, whose alerts are active. Out: the results by node and an outcome a label set.
//! Never: changes the state of an instance.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Labels, Timestamp};

use super::data::{Failure, Item};
use super::outcome::{Verdict, outcomes};
use super::plan;
use super::settings::GrafanaSettings;
use crate::Evaluation;

/// One evaluation without its consequences.
#[derive(Clone, Debug)]
pub struct Look {
    /// In the order of `GrafanaSettings::nodes`.
    pub nodes: Vec<Result<Vec<Item>, Failure>>,
    /// By the labels of the condition's elements.
    pub outcomes: Vec<(Labels, Verdict)>,
}

impl Look {
    pub fn alerting(&self) -> usize {
        self.outcomes.iter().filter(|(_, verdict)| *verdict == Verdict::Alerting).count()
    }
}

/// `loaded`: the labels of the condition's elements whose alerts are active, for hysteresis.
pub fn look(rule: &GrafanaSettings, with: &Evaluation, at: Timestamp, loaded: &BTreeSet<Labels>) -> Look {
    let run = plan::run(rule, with, at, loaded, None);
    let outcomes = outcomes(rule, &run).into_iter().map(|outcome| (outcome.labels, outcome.verdict)).collect();
    let mut results = run.results;
    let nodes = rule.nodes.iter().map(|node| results.remove(&node.ref_id).unwrap_or_else(|| Ok(Vec::new()))).collect();
    Look { nodes, outcomes }
}
