//! `scrape > store > promql > rules > [router] > notify`: which alerts are told to whom, when, and why.
//!
//! In:    alerts (from rules, the API and events), silences, `RouterSettings`, `now`.
//! Out:   `Decision`s: a `Notification` for one integration of one receiver with its `Reason`, or a `Hold` with its own;
//!        `Change`s of the state that must outlive a crash.
//! Never: reads a clock or a file, composes or sends a message, retries (that is the outbox's work).
//! Holds: a decision counts as told the moment it is made, for the outbox behind it delivers for certain; decisions are the
//!        same as Alertmanager's, except that a resolve which somebody waits for is kept while its group is muted.
//! Read:  router.rs, then log.rs (the table of when to notify), route.rs, inhibit.rs, times.rs; scenario.rs for its tests.

mod decision;
mod group;
mod inhibit;
mod key;
mod log;
mod merge;
mod route;
mod router;
pub mod scenario;
mod settings;
mod silence;
mod times;
mod views;

pub use decision::{Decision, Notification, Reason, Status};
pub use log::{LogEntry, LogKey};
pub use router::{Change, Counters, Limits, Received, Router};
pub use settings::{InhibitRule, IntegrationOutline, ReceiverOutline, Route, RouterSettings, TimeInterval, TimeSpan};
pub use silence::Silence;
pub use views::{AlertState, AlertView, GroupView, RouteView, alert_order, labels_order};
