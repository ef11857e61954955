//! Random series and random expressions about them, for tests that compare: what is said of an expression against what it gives.
//!
//! In:    a seed. Out: `World` (series whose values are what their names promise: counters do not fall but at a restart, `up` is 0 or 1),
//!        recording rules that read each other, expressions of every shape as text.
//! Never: makes text that is no PromQL, or that looks back further than `REACH`.
//! Read:  world.rs for the series, expression.rs for the text.

mod expression;
mod world;

pub use expression::Writer;
pub use world::{Record, Track, World, records};

use bellbuoy_vocabulary::Millis;

/// A sample each.
pub const STEP: Millis = Millis(60_000);
/// Series begin this long before the time of the question.
pub const PAST: Millis = Millis(30 * 60_000);
/// No expression looks back further; worlds in one store lie further apart.
pub const REACH: Millis = Millis(90 * 60_000);

/// Names with their kind: any number, a counter, 0 or 1, a histogram's parts.
const NAMES: [&str; 7] = ["a", "b_total", "c_count", "up", "lat_seconds_bucket", "lat_seconds_count", "temp"];
const LABELS: [&str; 6] = ["x", "y", "le", "job", "instance", "__name__"];
