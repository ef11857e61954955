//! Why a table could not be read: the file, and where in it.

use std::fmt;

/// Reads as `data/today.csv:17: column "temp": ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// The file, as the caller named it.
    pub name: String,
    /// From 1; of a text file.
    pub line: Option<u64>,
    pub column: Option<String>,
    /// A lowercase fragment with the way out.
    pub message: String,
}

impl TableError {
    pub fn new(name: &str, message: impl Into<String>) -> TableError {
        TableError { name: name.to_owned(), line: None, column: None, message: message.into() }
    }

    pub(crate) fn at(self, line: u64) -> TableError {
        TableError { line: Some(line), ..self }
    }

    pub(crate) fn column(self, column: &str) -> TableError {
        TableError { column: Some(column.to_owned()), ..self }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(column) = &self.column {
            write!(f, " column {column:?}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for TableError {}
