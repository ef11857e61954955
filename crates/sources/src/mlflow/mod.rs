//! MLflow 2 and 3: whether the server and its API answer, registered models, aliases (champion, challenger), the metrics of the runs behind them.
//!
//! In:    settings, what was kept of the last start, `now`, and what each call was answered with.
//! Out:   the next call, families of samples, aliases that point to another version, what a restart must know, problems in words.
//! Never: takes a part of the list for the whole: an alias is gone only when all pages were read without it.
//! Read:  watcher.rs, then wire.rs.

mod show;
mod watcher;
mod wire;

#[cfg(test)]
mod tests;

pub use watcher::{AliasChange, Mlflow, MlflowSettings};
