//! judge, remembered: the last evaluations of each rule, for the strips of the pages.
//!
//! In:    what each evaluation gave. Out: a bounded number of them per rule, oldest first.
//! Never: is on disk: after a start the strips begin anew, while alerts and their history go on.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use bellbuoy_rules::{Group, RuleReport, State};
use bellbuoy_vocabulary::Timestamp;

/// Of one rule.
const PER_RULE_MAX: usize = 60;
const PER_RULE_MIN: usize = 5;
/// Of all rules together, about 100 bytes each.
const TOTAL_MAX: usize = 60_000;
/// Of an error, which may quote a query.
const ERROR_BYTES_MAX: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub struct RuleEvaluation {
    pub at: Timestamp,
    pub seconds: f64,
    /// Series that the expression gave; `None`: unknown.
    pub series: Option<usize>,
    /// The largest finite value of them.
    pub value: Option<f64>,
    /// `None` of recording rules; with it how many alerts were pending and firing.
    pub state: Option<(State, usize, usize)>,
    pub error: Option<String>,
}

/// The last evaluations of one rule.
#[derive(Clone, Debug)]
pub struct Strip {
    pub file: String,
    pub group: String,
    pub index: usize,
    pub name: String,
    pub evaluations: VecDeque<RuleEvaluation>,
}

#[derive(Default)]
pub struct Evaluations {
    strips: Mutex<HashMap<(String, usize), Strip>>,
}

impl Evaluations {
    /// Called under the group's lock, after the rule `index` was evaluated at `at`.
    pub fn note(&self, group: &Group, index: usize, at: Timestamp, seconds: f64, report: &RuleReport) {
        let evaluation = RuleEvaluation {
            at,
            seconds,
            series: report.series,
            value: report.largest,
            state: group.rule_state(index),
            error: report.error.as_ref().map(|error| shortened(&error.to_string())),
        };
        let mut strips = self.lock();
        let room = (TOTAL_MAX / (strips.len() + 1)).clamp(PER_RULE_MIN, PER_RULE_MAX);
        let name = group.rule_name(index);
        let strip = strips.entry((group.key(), index)).or_insert_with(|| Strip {
            file: group.file().to_string(),
            group: group.name().to_string(),
            index,
            name: String::new(),
            evaluations: VecDeque::new(),
        });
        // A reload may have put another rule into this place.
        if strip.name != name {
            strip.name = name.to_string();
            strip.evaluations.clear();
        }
        strip.evaluations.push_back(evaluation);
        let beyond = strip.evaluations.len().saturating_sub(room);
        strip.evaluations.drain(..beyond);
    }

    /// Rules that a reload took away.
    pub fn keep_only(&self, groups: &HashMap<String, usize>) {
        self.lock().retain(|(group, index), _| groups.get(group).is_some_and(|rules| index < rules));
    }

    /// Those of the rules that are wanted, by file, group and place.
    pub fn strips(&self, wanted: impl Fn(&Strip) -> bool) -> Vec<Strip> {
        let mut found: Vec<Strip> = self.lock().values().filter(|strip| wanted(strip)).cloned().collect();
        found.sort_by(|a, b| (&a.file, &a.group, a.index).cmp(&(&b.file, &b.group, b.index)));
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, usize), Strip>> {
        self.strips.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(ERROR_BYTES_MAX)].to_string()
}

#[cfg(test)]
mod tests {
    use bellbuoy_rules::GroupSettings;
    use bellbuoy_vocabulary::Millis;

    use super::*;

    fn group(name: &str, rules: &[&str]) -> Group {
        let rule = |record: &&str| {
            bellbuoy_rules::RuleSettings::Recording(bellbuoy_rules::RecordingSettings {
                record: record.to_string(),
                expr: bellbuoy_promql::parse("1").expect("a query").into(),
                labels: bellbuoy_vocabulary::Labels::empty(),
                span: Default::default(),
            })
        };
        Group::new(GroupSettings {
            name: name.into(),
            file: "f".into(),
            interval: Millis(1000),
            query_offset: Millis::ZERO,
            limit: 0,
            rules: rules.iter().map(rule).collect(),
        })
    }

    #[test]
    fn the_newest_are_kept_and_another_rule_begins_anew() {
        let kept = Evaluations::default();
        let report = RuleReport { series: Some(2), largest: Some(1.5), ..RuleReport::default() };
        let first = group("g", &["a", "b"]);
        for at in 0..100 {
            kept.note(&first, 0, Timestamp(at), 0.1, &report);
        }
        kept.note(&first, 1, Timestamp(0), 0.1, &report);
        let strips = kept.strips(|_| true);
        assert_eq!(strips.iter().map(|strip| (strip.name.as_str(), strip.evaluations.len())).collect::<Vec<_>>(), [("a", 60), ("b", 1)]);
        assert_eq!(strips[0].evaluations.iter().map(|one| one.at.0).collect::<Vec<_>>(), (40..100).collect::<Vec<_>>());
        kept.note(&group("g", &["c", "b"]), 0, Timestamp(100), 0.1, &report);
        assert_eq!(kept.strips(|strip| strip.index == 0)[0].evaluations.len(), 1);
        kept.keep_only(&HashMap::from([("f;g".to_string(), 1)]));
        assert_eq!(kept.strips(|_| true).len(), 1);
        kept.keep_only(&HashMap::new());
        assert_eq!(kept.strips(|_| true).len(), 0);
    }

    #[test]
    fn many_rules_share_the_room() {
        let kept = Evaluations::default();
        let names: Vec<String> = (0..6000).map(|number| format!("r{number}")).collect();
        let all = group("g", &names.iter().map(String::as_str).collect::<Vec<_>>());
        for at in 0..20 {
            for index in 0..6000 {
                kept.note(&all, index, Timestamp(at), 0.0, &RuleReport::default());
            }
        }
        let total: usize = kept.strips(|_| true).iter().map(|strip| strip.evaluations.len()).sum();
        assert!((30_000..=TOTAL_MAX).contains(&total), "{total}");
    }

    #[test]
    fn errors_are_cut_between_letters() {
        assert_eq!(shortened(&"é".repeat(400)).len(), 500);
        assert_eq!(shortened(&format!("x{}", "é".repeat(400))).len(), 499);
    }
}
