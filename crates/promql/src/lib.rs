//! `scrape > store > [promql] > rules > router > notify`: text -> expression -> value.
//!
//! In:    a query's text; a `SeriesSource` (the store, a test's table); the time or times to evaluate at.
//! Out:   `Expr` with a place for every node, `Answer` with a value, warnings and infos; `ParseError`, `EvalError`.
//! Never: reads a clock, knows a store, keeps anything between two queries.
//! Holds: an `Expr` that exists is well-typed and nested at most `DEPTH_MAX` deep. The semantics are Prometheus 3.5's.
//! Read:  ast.rs, parser.rs, engine.rs, select.rs, then functions/.

mod aggregate;
mod ast;
mod binary;
mod check;
mod engine;
mod error;
mod functions;
mod lexer;
mod memory;
mod notes;
mod parser;
mod pretty;
mod print;
pub mod script;
mod select;
mod signature;
mod sums;
mod table;
mod token;
mod value;

pub use ast::*;
pub use engine::{Engine, Options};
pub use error::{EvalError, ParseError};
pub use functions::vectors::absent_labels;
pub use memory::MemorySource;
pub use parser::parse;
pub use signature::{FUNCTIONS, Function, function};
pub use value::{Answer, Element, Number, SeriesPoints, Value};
