//! `scrape > store > promql > [rules] > router > notify`: what is recorded, and which alerts exist.
//!
//! In:    rule groups (`GroupSettings`), series (`SeriesSource`), `now`.
//! Out:   samples of recording rules, `ALERTS` and `ALERTS_FOR_STATE` into an `Append`; alerts for the router; `Transition`s.
//! Never: reads a clock or a file, sends anything, decides who hears of an alert.
//! Holds: an alert fires only after its expression held at every evaluation of its `for`; a series that a rule no longer gives
//!        ends with a staleness marker; a rule that fails leaves its alerts as they were.
//! Read:  settings.rs, group.rs, then alerting.rs (the life of an alert); saved.rs for restarts, unittest.rs for `bellbuoy test`;
//!        grafana/mod.rs for Grafana's rules.

mod alerting;
mod evaluation;
pub mod grafana;
mod group;
mod memory;
pub mod replay;
mod report;
mod saved;
pub mod series_text;
mod settings;
pub mod unittest;
mod view;

pub use alerting::{ALERTS_FOR_STATE_METRIC, ALERTS_METRIC, RESOLVED_RETENTION, State};
pub use evaluation::{Evaluation, RESEND_DELAY, RuleError};
pub use group::Group;
pub use memory::MemoryStore;
pub use report::{Dropped, GroupReport, Health, RuleReport, Transition};
pub use saved::{AlertState, FOR_GRACE_PERIOD, OUTAGE_TOLERANCE, SETTLE_MAX};
pub use settings::{AlertingSettings, GroupSettings, RecordingSettings, RuleSettings};
pub use view::{AlertView, GroupView, RuleKind, RuleView};

#[cfg(test)]
mod tests;
