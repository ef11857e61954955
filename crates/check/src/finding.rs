//! What a check says, and where.

use std::ops::Range;

use bellbuoy_promql::Place;
use bellbuoy_vocabulary::{Problem, Severity, Span};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable; the name of its page in docs/checks.
    pub code: &'static str,
    /// `Error`: can not work as written. `Warning`: almost surely not what was meant. `Info`: good to know.
    pub severity: Severity,
    /// As the person named it.
    pub file: String,
    /// The rule's place until whoever has the file's text puts the place of `at` here. All zero: the whole file.
    pub span: Span,
    /// Which value of the file is meant.
    pub at: Anchor,
    /// A lowercase fragment that names the thing and what is wrong with it.
    pub message: String,
    /// What follows from it, in words; a sentence.
    pub why: String,
    /// The corrected text where it can be derived.
    pub fix: Option<String>,
    /// The change that makes it so; only where the meaning is beyond doubt.
    pub edit: Option<Edit>,
}

/// A value of a file, and a part of its text. Settings carry no places of their fields, so it is said by the way to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchor {
    /// Where the map stands from which `path` goes; all zero is the top of the file.
    pub base: Span,
    pub path: Vec<Step>,
    /// Bytes of the value's text. `None`: all of it.
    pub part: Option<Range<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
    /// The item of a list of maps whose key has this value: `refId` `A`.
    Item(&'static str, String),
}

/// `text` in the place of the bytes `range` of the anchor's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub range: Range<usize>,
    pub text: String,
}

impl Anchor {
    pub fn of(base: Span, path: impl IntoIterator<Item = Step>) -> Anchor {
        Anchor { base, path: path.into_iter().collect(), part: None }
    }
}

impl From<&str> for Step {
    fn from(key: &str) -> Step {
        Step::Key(key.to_string())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Step {
        Step::Index(index)
    }
}

impl Finding {
    /// Of the top of a file, or of what `under` names.
    pub fn of_file(code: &'static str, severity: Severity, file: &str, message: String, why: String) -> Finding {
        let (file, at, span) = (file.to_string(), Anchor::default(), Span::default());
        Finding { code, severity, file, span, at, message, why, fix: None, edit: None }
    }

    pub fn under(mut self, path: impl IntoIterator<Item = Step>) -> Finding {
        self.at.path.extend(path);
        self
    }

    /// Only this part of the expression.
    pub fn part(mut self, place: Place) -> Finding {
        self.at.part = Some(place.start..place.end);
        self
    }

    pub fn fix(mut self, fix: Option<String>) -> Finding {
        self.fix = fix;
        self
    }

    pub fn edit(mut self, range: Range<usize>, text: impl Into<String>) -> Finding {
        self.edit = Some(Edit { range, text: text.into() });
        self
    }

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
