//! What can go wrong: the text, or the evaluation.

use std::fmt;
use std::ops::Range;

use bellbuoy_vocabulary::SourceError;

use crate::ast::Place;

/// The text is not PromQL. Prints as Prometheus does: `1:5: parse error: unexpected end of input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub message: String,
    /// Bytes of the text.
    pub span: Range<usize>,
    line: usize,
    column: usize,
}

impl ParseError {
    pub(crate) fn new(message: impl Into<String>, place: Place) -> ParseError {
        ParseError { message: message.into(), span: place.start..place.end, line: place.line, column: place.column }
    }

    /// From 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// From 1, in bytes.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: parse error: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// The evaluation gave up. The words are Prometheus' own where it has them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("query timed out in expression evaluation")]
    Timeout,
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    #[error("{0}")]
    Source(#[from] SourceError),
    #[error("{0}")]
    Execution(String),
}
