//! What an evaluation did: for the boat to act on, log and count.

use bellbuoy_vocabulary::{Alert, Labels, Millis, Timestamp};

use crate::{RuleError, State};

/// What one evaluation of one rule did.
#[derive(Clone, Debug, Default)]
pub struct RuleReport {
    pub health: Health,
    /// Why the rule failed. Its alerts are then as they were before and none is sent; those of a Grafana rule follow its `execErrState`.
    pub error: Option<RuleError>,
    /// What did not stop the rule but a person should know: failed templates, skipped native histograms, PromQL's warnings.
    pub warnings: Vec<String>,
    /// Series that the expression gave; `None` when it failed or the rule is Grafana's.
    pub series: Option<usize>,
    /// The largest of their values; `None` without a finite one.
    pub largest: Option<f64>,
    /// Values taken by the store, staleness markers not counted.
    pub samples: usize,
    /// Values that the store refused.
    pub dropped: Dropped,
    /// For the router: firing alerts that are new or due to be repeated, and resolved ones.
    pub alerts: Vec<Alert>,
    pub transitions: Vec<Transition>,
}

impl RuleReport {
    /// What the expression gave; histograms have no value.
    pub(crate) fn saw(&mut self, values: impl ExactSizeIterator<Item = Option<f64>>) {
        self.series = Some(values.len());
        self.largest = values.flatten().filter(|value| value.is_finite()).reduce(f64::max);
    }
}

/// What one evaluation of a whole group did.
#[derive(Clone, Debug, Default)]
pub struct GroupReport {
    /// In the order of the file.
    pub rules: Vec<RuleReport>,
}

impl GroupReport {
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.rules.iter().flat_map(|rule| &rule.alerts)
    }

    pub fn transitions(&self) -> impl Iterator<Item = &Transition> {
        self.rules.iter().flat_map(|rule| &rule.transitions)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Health {
    /// Not evaluated yet.
    #[default]
    Unknown,
    Ok,
    Err,
    /// Of Grafana's rules: a query gave no series.
    NoData,
}

impl Health {
    /// The words of Prometheus' `/api/v1/rules`.
    pub fn word(self) -> &'static str {
        match self {
            Health::Unknown => "unknown",
            Health::Ok => "ok",
            Health::Err => "err",
            Health::NoData => "nodata",
        }
    }
}

/// Results that the store did not take, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dropped {
    pub out_of_order: usize,
    pub too_old: usize,
    pub duplicate: usize,
    /// The series limit, or a reference that the store does not know.
    pub other: usize,
}

/// An alert changed its state.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The alert's labels, `alertname` among them.
    pub labels: Labels,
    pub annotations: Labels,
    pub from: State,
    pub to: State,
    /// The expression's value; the last one that was seen when the alert ends.
    pub value: f64,
    pub at: Timestamp,
    /// How long the alert was in `from`; zero when it is new.
    pub after: Millis,
}
