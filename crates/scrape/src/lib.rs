//! `[scrape] > store > promql > rules > router > notify`: who is to be asked when, and what the answer means.
//!
//! In:    `ScrapeSettings` and discovered `TargetGroup`s; the bytes that a target answered; `now`.
//! Out:   `Target`s with their next time; samples, staleness markers and `up` into an `Append`; the health of each target.
//! Never: opens a socket, reads a clock or a file, keeps anything of a body that it refused.
//! Holds: a series that a target no longer gives ends with a staleness marker; a broken body changes nothing but `up` and health.
//! Read:  settings.rs, target.rs (settings to targets), relabel.rs, state.rs (an answer to samples), body.rs, cache.rs.

mod body;
mod cache;
mod health;
mod merge;
mod relabel;
mod settings;
mod state;
mod target;

pub use health::{Health, ScrapeReport, TargetHealth};
pub use relabel::relabel;
pub use settings::{FileDiscovery, Limits, Relabel, RelabelAction, Scheme, ScrapeSettings, TargetGroup};
pub use state::{Response, TargetState};
pub use target::{DroppedTarget, Target, targets_of};

#[cfg(test)]
mod tests;
