//! Inhibition: while a source alert fires, targets with the same values of the `equal` labels are not told.
//!
//! In:    alerts as they begin and end firing. Out: the alert that inhibits another one, if any does.
//! Holds: as in Alertmanager an alert that is source and target of a rule is not inhibited by its like.

use std::collections::{BTreeSet, HashMap};

use bellbuoy_vocabulary::{Labels, Matcher};

use crate::settings::InhibitRule;

/// The rules, each with its sources by their values of the `equal` labels, so that a target is one look-up per rule.
pub(crate) struct Inhibitor {
    rules: Vec<(InhibitRule, HashMap<Labels, BTreeSet<u64>>)>,
}

impl Inhibitor {
    pub fn new(rules: &[InhibitRule]) -> Inhibitor {
        Inhibitor { rules: rules.iter().map(|rule| (rule.clone(), HashMap::new())).collect() }
    }

    pub fn add(&mut self, fingerprint: u64, labels: &Labels) {
        for (rule, sources) in &mut self.rules {
            if all_match(&rule.source_matchers, labels) {
                sources.entry(equal_values(rule, labels)).or_default().insert(fingerprint);
            }
        }
    }

    pub fn remove(&mut self, fingerprint: u64, labels: &Labels) {
        for (rule, sources) in &mut self.rules {
            let values = equal_values(rule, labels);
            if let Some(found) = sources.get_mut(&values) {
                found.remove(&fingerprint);
                if found.is_empty() {
                    sources.remove(&values);
                }
            }
        }
    }

    /// The first firing source that inhibits the alert. `firing` gives the labels of an alert that fires now.
    /// A label that is missing on both sides counts as equal. An alert that is a source and a target of a rule
    /// is not inhibited through that rule by another such alert, nor by itself.
    pub fn inhibited_by<'a>(&self, labels: &Labels, firing: impl Fn(u64) -> Option<&'a Labels>) -> Option<u64> {
        for (rule, sources) in &self.rules {
            if !all_match(&rule.target_matchers, labels) {
                continue;
            }
            let Some(candidates) = sources.get(&equal_values(rule, labels)) else { continue };
            let both_sides = all_match(&rule.source_matchers, labels);
            for candidate in candidates {
                if let Some(source) = firing(*candidate)
                    && !(both_sides && all_match(&rule.target_matchers, source))
                {
                    return Some(*candidate);
                }
            }
        }
        None
    }
}

fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches_labels(labels))
}

fn equal_values(rule: &InhibitRule, labels: &Labels) -> Labels {
    Labels::from_sorted(labels.iter().filter(|(name, _)| rule.equal.iter().any(|equal| equal == name)))
}
