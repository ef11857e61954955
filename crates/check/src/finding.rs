//! What a check says.

use bellbuoy_vocabulary::{Problem, Severity, Span};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable; the name of its page in docs/checks.
    pub code: &'static str,
    /// `Error`: can not work as written. `Warning`: almost surely not what was meant. `Info`: good to know.
    pub severity: Severity,
    /// As the person named it.
    pub file: String,
    /// The rule's place. All zero for routes and receivers, whose settings carry no place: the message names them.
    pub span: Span,
    /// A lowercase fragment that names the thing and what is wrong with it.
    pub message: String,
    /// What follows from it, in words; a sentence.
    pub why: String,
    /// The corrected text where it can be derived.
    pub fix: Option<String>,
}

impl Finding {
    /// For everything that prints problems of files. The fix, or else the reason, is the help.
    pub fn problem(&self) -> Problem {
        Problem {
            severity: self.severity,
            file: self.file.clone(),
            span: self.span,
            message: self.message.clone(),
            help: self.fix.clone().unwrap_or_else(|| self.why.clone()),
        }
    }
}
