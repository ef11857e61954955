//! Where a body is broken.

/// The first broken place of a body; nothing after it was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters; a broken UTF-8 sequence counts as one.
    pub column: usize,
    /// A lowercase fragment.
    pub message: String,
}

/// What the grammars report: an offset, turned into line and column only when there is something to report.
#[derive(Debug)]
pub(crate) struct Broken {
    pub at: usize,
    pub message: String,
}

impl Broken {
    pub fn new(at: usize, message: impl Into<String>) -> Broken {
        Broken { at, message: message.into() }
    }

    pub fn locate(self, body: &[u8]) -> ParseError {
        ParseError::locate(body, self.at, self.message)
    }
}

impl ParseError {
    /// An error at the byte `offset` of `body`.
    pub fn locate(body: &[u8], offset: usize, message: impl Into<String>) -> ParseError {
        let before = &body[..offset.min(body.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
        ParseError {
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            column: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1,
            message: message.into(),
        }
    }
}

/// At most 40 characters of what was found, quoted and escaped, for messages: a target can send anything.
pub(crate) fn snippet(bytes: &[u8]) -> String {
    const CHARS_MAX: usize = 40;
    // Four bytes are the longest character; more than that of the input is never looked at.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * CHARS_MAX)]);
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < bytes.len() {
        short.push('…');
    }
    format!("{short:?}")
}
