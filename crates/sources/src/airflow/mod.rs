//! Airflow 2 (REST v1) and 3 (REST v2): runs, task attempts, XComs and health as samples.
//!
//! In:    settings, what was kept of the last start, `now`, and what each call was answered with.
//! Out:   the next call, families of samples, what a restart must know, problems in words.
//! Holds: each end of a run and each attempt of a task that ends after the first contact is counted once, over polls, restarts, retries and cleared
//!        runs. What ended before is history: it sets gauges and is in no counter. Late rows are found within `overlap`.
//!        A poll costs a bounded number of calls, however many DAGs there are; what does not fit goes on with the next poll.
//! Read:  watcher.rs (the order of calls), listing.rs and memory.rs (why nothing is counted twice or forgotten), ledger.rs, xcom.rs, show.rs.
//!
//! What the API can not tell: a run that ends, is cleared, and ends again between two polls is seen once. Its tasks' attempts are all seen.

mod ledger;
mod listing;
mod memory;
mod old;
mod settings;
mod show;
mod value;
mod watcher;
mod wire;
mod xcom;

#[cfg(test)]
mod tests;

pub use settings::{AirflowSettings, AttemptMapping, Latest, RunsWanted, XcomMapping, XcomType};
pub use watcher::Airflow;
