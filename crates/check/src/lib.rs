//! `scrape > store > promql > [rules > router] > notify`: what can be said of rules and routes before they run.
//!
//! In:    `Input`: rule groups, the route tree and the receivers as the boat's configuration reader makes them; how often is scraped.
//! Out:   `Finding`s: a stable code, a place, what is wrong, why it matters, and the corrected text where it can be derived.
//! Never: evaluates a rule on real series, opens a file or a socket, changes a setting. A finding never stops anything.
//! Holds: `Severity::Error` is said only of what follows from PromQL's semantics alone. What also needs a convention (scraped
//!        series have `instance`, `_total` is a counter, `_count` has no `le`) is a warning.
//! Read:  shape.rs and infer.rs (which labels a result can have), bounds.rs (which values), then any file of checks/.
//!
//! A new check is one file in checks/, one line in `CHECKS`, one page docs/checks/CODE.md.

pub mod backtest;
mod bounds;
mod checks;
pub mod claims;
pub mod compared;
pub mod dashboard;
pub mod explain;
mod finding;
pub mod fire;
mod graph;
mod infer;
mod metrics;
mod policy;
mod reach;
mod rewrite;
pub mod said;
pub mod scenario;
mod shape;
pub mod stage;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};

use bellbuoy_notify::Receiver;
use bellbuoy_router::RouterSettings;
use bellbuoy_rules::GroupSettings;
use bellbuoy_vocabulary::{Labels, Matcher, Millis, Timestamp};

pub use checks::{CHECKS, Check};
pub use dashboard::Dashboard;
pub use finding::{Anchor, Edit, Finding, Step};
pub use graph::RuleGraph;
pub use infer::labels_of;
pub use metrics::{Kind, Metrics};
pub use policy::Policy;
pub use reach::{Delivery, Told, deliveries};
pub use shape::{Presence, Shape};

/// What is looked at. `Default` is empty; what is not given is not checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    pub groups: &'a [GroupSettings],
    /// On everything that leaves for an Alertmanager.
    pub external_labels: Option<&'a Labels>,
    pub router: Option<&'a RouterSettings>,
    /// The file of the route tree as the person named it.
    pub router_file: &'a str,
    /// The file of Grafana's policies, when they stand beside the route tree.
    pub policies_file: &'a str,
    pub receivers: &'a [Receiver],
    /// How often each job is scraped, by job name. Empty: nothing is said of ranges and scrapes.
    pub scrapes: &'a [(String, Millis)],
    /// The labels of each target, `job` and `instance` among them. Empty: nothing is said of them.
    pub targets: &'a [Labels],
    /// The series that exist. `None`: nothing is known of them.
    pub metrics: Option<&'a Metrics>,
    pub dashboards: &'a [Dashboard],
    /// What every alert must say. `None`: nothing.
    pub policy: Option<&'a Policy>,
    /// The templates of messages.
    pub messages: &'a [MessageTemplate],
    pub silences: &'a [SilenceOutline],
    /// How long the groups' last evaluations took.
    pub evaluations: &'a [GroupTime],
    /// How long samples are kept. `None`: not known.
    pub retention: Option<Millis>,
    /// For time intervals: what lies before never comes again.
    pub now: Option<Timestamp>,
    /// Once set, nobody wants the findings any more: what was found so far is given back.
    pub stop: Option<&'a AtomicBool>,
}

/// A template of a receiver's message, or of a template file.
#[derive(Clone, Debug)]
pub struct MessageTemplate {
    pub file: String,
    pub text: String,
    /// What it is, for messages: `title of receiver "discord"`.
    pub what: String,
    pub at: Anchor,
}

/// A silence of a running server.
#[derive(Clone, Debug)]
pub struct SilenceOutline {
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub comment: String,
}

/// A group's last evaluation on a running server.
#[derive(Clone, Debug)]
pub struct GroupTime {
    pub name: String,
    pub file: String,
    pub interval: Millis,
    pub took: Millis,
}

/// All findings: those of rules in the order of files and rules, then those of routes and receivers.
pub fn check(input: &Input) -> Vec<Finding> {
    let graph = RuleGraph::with_metrics(input.groups, input.metrics);
    let mut findings = Vec::new();
    for check in CHECKS {
        if input.stop.is_some_and(|stop| stop.load(Ordering::Acquire)) {
            break;
        }
        (check.run)(input, &graph, &mut findings);
    }
    let file_order = |file: &str| input.groups.iter().position(|group| group.file == file).unwrap_or(usize::MAX);
    for finding in &mut findings {
        let query = input
            .dashboards
            .iter()
            .filter(|dashboard| dashboard.file == finding.file)
            .find_map(|dashboard| dashboard.query_at(&finding.at));
        // The text was changed before it was read: places in it are not those of the file.
        if query.is_some_and(|query| query.filled_in) {
            finding.at.part = None;
            finding.edit = None;
        }
    }
    findings.sort_by_cached_key(|finding: &Finding| (file_order(&finding.file), finding.span.line, finding.span.column));
    findings
}
