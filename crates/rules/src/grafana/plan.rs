//! The order in which the nodes of a rule run, and the run.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_vocabulary::{Labels, Timestamp};

use super::answered::Answers;
use super::data::{Capture, Failure, Item, Results};
use super::settings::{Expression, GrafanaSettings, Node, NodeKind};
use crate::Evaluation;

/// Why nodes can not be put in order. `node`: its index in the file's order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{name:?} is not a refId of this rule")]
    UnknownRef { node: usize, name: String },
    #[error("the refIds need each other in a circle: {}", circle.join(" -> "))]
    Circle { node: usize, circle: Vec<String> },
}

/// The nodes in an order in which each comes after those that it needs; else in the file's order.
pub struct Planned(pub Vec<Node>);

impl Planned {
    pub fn of(nodes: Vec<Node>) -> Result<Planned, Vec<PlanError>> {
        let mut errors = Vec::new();
        let at: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(index, node)| (node.ref_id.as_str(), index)).collect();
        let mut needs: Vec<Vec<usize>> = Vec::new();
        for (node, one) in nodes.iter().enumerate() {
            let names = match &one.kind {
                NodeKind::Query(_) => Vec::new(),
                NodeKind::Expression(expression) => expression.needs(),
            };
            let mut found = Vec::new();
            for name in names {
                match at.get(name) {
                    Some(index) => found.push(*index),
                    None => errors.push(PlanError::UnknownRef { node, name: name.to_string() }),
                }
            }
            needs.push(found);
        }
        let mut order = Vec::new();
        let mut left: BTreeSet<usize> = (0..nodes.len()).collect();
        while let Some(next) = left.iter().copied().find(|node| needs[*node].iter().all(|needed| !left.contains(needed))) {
            left.remove(&next);
            order.push(next);
        }
        if let Some(first) = left.first() {
            errors.push(PlanError::Circle { node: *first, circle: circle(*first, &needs, &left, &nodes) });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        Ok(Planned(order.into_iter().filter_map(|index| nodes[index].take()).collect()))
    }
}

/// From a node that is never ready along those that it waits for, until one comes again.
fn circle(first: usize, needs: &[Vec<usize>], left: &BTreeSet<usize>, nodes: &[Node]) -> Vec<String> {
    let mut path = vec![first];
    while let Some(next) = path.last().and_then(|last| needs[*last].iter().copied().find(|needed| left.contains(needed))) {
        let before = path.iter().position(|known| *known == next);
        path.push(next);
        if let Some(before) = before {
            path.drain(..before);
            break;
        }
    }
    path.into_iter().map(|index| nodes[index].ref_id.clone()).collect()
}

/// Everything that one run of a rule's nodes gave.
pub(crate) struct Run {
    pub results: Results,
    /// What matched in the classic condition that is the rule's condition.
    pub matches: Option<Vec<Capture>>,
    pub warnings: Vec<String>,
}

/// Runs all nodes. `loaded`: the labels of the series whose alerts are active, for hysteresis. `answers`: of the queries, when somebody else evaluates
/// them.
pub(crate) fn run(rule: &GrafanaSettings, with: &Evaluation, now: Timestamp, loaded: &BTreeSet<Labels>, answers: Option<&Answers>) -> Run {
    let mut run = Run { results: Results::new(), matches: None, warnings: Vec::new() };
    for node in &rule.nodes {
        let result = match &node.kind {
            NodeKind::Query(query) => match answers {
                Some(answers) => Ok(answers.items(&node.ref_id, query, now)),
                None => query.run(&node.ref_id, with, now, &mut run.warnings),
            },
            NodeKind::Expression(expression) => run.expression(node, expression, now, loaded, node.ref_id == rule.condition),
        };
        run.results.insert(node.ref_id.clone(), result);
    }
    run
}

impl Run {
    /// An expression whose input failed fails for the same reason.
    fn expression(
        &mut self,
        node: &Node,
        expression: &Expression,
        now: Timestamp,
        loaded: &BTreeSet<Labels>,
        is_condition: bool,
    ) -> Result<Vec<Item>, Failure> {
        let mut inputs: BTreeMap<&str, &[Item]> = BTreeMap::new();
        for name in expression.needs() {
            match self.results.get(name) {
                Some(Ok(items)) => inputs.insert(name, items),
                Some(Err(failure)) => return Err(failure.clone()),
                None => inputs.insert(name, &[]),
            };
        }
        let input = |name: &str| inputs.get(name).copied().unwrap_or(&[]);
        match expression {
            Expression::Math(math) => {
                math.run(input).map_err(|message| Failure { ref_id: node.ref_id.clone(), datasource_uid: None, message })
            }
            Expression::Reduce(reduce) => reduce.run(&node.ref_id, input(&reduce.input)),
            Expression::Resample(resample) => resample.run(&node.ref_id, input(&resample.input), now),
            Expression::Threshold(threshold) => Ok(threshold.run(input(&threshold.input), loaded)),
            Expression::Classic(classic) => {
                let (items, captures) = classic.run(&node.ref_id, input);
                if is_condition {
                    self.matches = Some(captures);
                }
                Ok(items)
            }
        }
    }
}
