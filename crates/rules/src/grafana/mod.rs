//! Alert rules as Grafana has them: queries and expressions that refer to each other by name, one of which is the condition.
//!
//! ```text
//! settings -> plan (order of refIds) -> query.rs, math, reduce, resample, threshold, classic -> outcome.rs -> state.rs -> alerts
//! ```
//!
//! In:    `RuleSettings::Grafana`, series, `now`. Out: alerts, transitions, samples of recording rules and `GRAFANA_ALERTS`.
//! Never: reads a file, knows a data source other than the own store.
//! Read:  settings.rs, data.rs, plan.rs, then state.rs (the life of an instance); look.rs for who asks what each node gave. The rules follow Grafana 12 and 13
//!        (`pkg/expr`, `pkg/services/ngalert`); where we differ the file says so.

mod answered;
mod classic;
mod data;
mod evaluate;
mod look;
mod math;
mod math_parser;
mod outcome;
mod plan;
mod query;
mod reduce;
mod resample;
mod saved;
mod settings;
mod state;
mod threshold;
mod words;

#[cfg(test)]
mod tests;

pub use classic::{Classic, ClassicCondition, ClassicReducer};
pub use data::{Failure, Float, Item};
pub use look::{Look, look};
pub use math::Math;
pub use math_parser::{BinaryOp, Function, Tree, UnaryOp};
pub use outcome::Verdict;
pub use plan::{PlanError, Planned};
pub use query::{Intervals, MinStep, Query, QueryKind};
pub use reduce::{Reduce, ReduceMode, Reducer};
pub use resample::{Resample, Upsampler};
pub use saved::InstanceState;
pub use settings::{ErrorPolicy, Expression, GrafanaSettings, NoDataPolicy, Node, NodeKind, NotificationSettings, RecordSettings};
pub use state::Condition;
pub use threshold::{Evaluator, Threshold};
pub use words::{ROUTE_LABEL, check_template};

pub(crate) use answered::Answers;
pub(crate) use evaluate::GrafanaRule;
