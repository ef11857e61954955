//! The graph of rules: what recording rules make, with which labels and how often.

use std::collections::HashMap;
use std::sync::OnceLock;

use bellbuoy_promql::VectorSelector;
use bellbuoy_rules::{GroupSettings, RecordingSettings, RuleSettings};
use bellbuoy_vocabulary::Millis;

use crate::checks::kinds::is_gauge;
use crate::infer::{NAME, labels_of};
use crate::metrics::Metrics;
use crate::shape::Shape;

/// Rules that read rules that read rules: deeper knowledge is not carried further. It is cut to "nothing is known", never to something wrong.
const ROUNDS_MAX: usize = 16;

/// What the rules of all groups record. Names that no rule records are not in it.
#[derive(Debug, Default)]
pub struct RuleGraph {
    recorded: HashMap<String, Recorded>,
    /// Of metrics that were seen.
    metrics: Option<Metrics>,
    /// What alerts of each rule look like: several checks ask, and each answer walks through an expression.
    alerts: OnceLock<Vec<Shape>>,
}

#[derive(Debug)]
struct Recorded {
    shape: Shape,
    /// The longest interval of the groups that record it.
    interval: Millis,
    /// Whether the first of its rules makes something that goes up and down.
    gauge: bool,
}

impl RuleGraph {
    pub fn new(groups: &[GroupSettings]) -> RuleGraph {
        RuleGraph::with_metrics(groups, None)
    }

    /// The same with what is known of the series that exist.
    pub fn with_metrics(groups: &[GroupSettings], metrics: Option<&Metrics>) -> RuleGraph {
        let mut rules: HashMap<&str, Vec<(&RecordingSettings, Millis)>> = HashMap::new();
        for group in groups {
            for rule in &group.rules {
                if let RuleSettings::Recording(rule) = rule {
                    rules.entry(&rule.record).or_default().push((rule, group.interval));
                }
            }
        }
        let recorded = rules.iter().map(|(name, rules)| {
            let interval = rules.iter().map(|(_, interval)| *interval).max().unwrap_or(Millis::ZERO);
            let gauge = rules.first().is_some_and(|(rule, _)| is_gauge(&rule.expr, metrics));
            (name.to_string(), Recorded { shape: Shape::open(), interval, gauge })
        });
        let mut graph = RuleGraph { recorded: recorded.collect(), metrics: metrics.cloned(), alerts: OnceLock::new() };
        // From "nothing is known" down: each round is true if the one before is, with cycles as well.
        for _ in 0..ROUNDS_MAX {
            let shapes: Vec<(&str, Shape)> = rules.iter().map(|(name, rules)| (*name, graph.shape_of(name, rules))).collect();
            let mut changed = false;
            for (name, shape) in shapes {
                if let Some(recorded) = graph.recorded.get_mut(name) {
                    changed |= recorded.shape != shape;
                    recorded.shape = shape;
                }
            }
            if !changed {
                break;
            }
        }
        graph
    }

    fn shape_of(&self, name: &str, rules: &[(&RecordingSettings, Millis)]) -> Shape {
        // A name without a colon may be scraped as well.
        let mut shape = if name.contains(':') { None } else { Some(Shape::open()) };
        for (rule, _) in rules {
            let mut own = labels_of(&rule.expr, self);
            own.set_values(NAME, [name.to_string()].into());
            for (label, value) in &rule.labels {
                own.set_values(label, [value.to_string()].into());
            }
            shape = Some(shape.map_or(own.clone(), |shape| shape.join(&own)));
        }
        let mut shape = shape.unwrap_or_else(Shape::open);
        shape.set_values(NAME, [name.to_string()].into());
        shape
    }

    /// The labels of a recorded series.
    pub fn recorded(&self, name: &str) -> Option<&Shape> {
        self.recorded.get(name).map(|recorded| &recorded.shape)
    }

    /// The labels of a metric that was seen, when nothing else can have its name.
    pub fn seen(&self, name: &str, selector: &VectorSelector) -> Option<Shape> {
        self.metrics.as_ref().filter(|metrics| metrics.knows_all_of(selector))?.shape(name)
    }

    /// Whether a recorded series goes up and down. `None`: no rule records it.
    pub(crate) fn records_gauge(&self, name: &str) -> Option<bool> {
        self.recorded.get(name).map(|recorded| recorded.gauge)
    }

    /// Made when the first one asks; the rules are those of the graph.
    pub(crate) fn alert_shapes(&self, make: impl FnOnce() -> Vec<Shape>) -> &[Shape] {
        self.alerts.get_or_init(make)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.recorded.keys().map(String::as_str)
    }

    /// How often a recorded series gets a sample.
    pub fn interval(&self, name: &str) -> Option<Millis> {
        self.recorded.get(name).map(|recorded| recorded.interval)
    }
}
