//! Performance before true values are there: CBPE for classification, DLE for regression, as NannyML defines them. Always marked as estimates.
//!
//! Both learn on a reference with true values and hold while the link between features and target stays: they see that the model now gets
//! harder rows, not that the world changed its rules. Realised figures overrule them when they come.

mod cbpe;
mod dle;
mod isotonic;
mod trees;

pub use cbpe::Cbpe;
pub use dle::{Dle, LossRow};
