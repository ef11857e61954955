//! What is wrong with a file that a person wrote, and where.
//!
//! Everything that reads text returns `(value, Vec<Problem>)` or `Err(Vec<Problem>)`: all problems at once, each with file,
//! line, column, and the way out.

use std::fmt;
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// A place in a text: line and column count from 1, in characters; 0 means unknown. `length` in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// As the person named it; empty when there is none.
    pub file: String,
    pub span: Span,
    /// A lowercase fragment that names the thing and what is wrong with it.
    pub message: String,
    /// The way out, when it is known.
    pub help: String,
}

impl Problem {
    pub fn error(file: impl Into<String>, span: Span, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Error, file: file.into(), span, message: message.into(), help: String::new() }
    }

    pub fn warning(file: impl Into<String>, span: Span, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(file, span, message) }
    }

    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = help.into();
        self
    }

    /// The message with the line of the source and a caret under the place.
    pub fn with_source(&self, source: &str) -> String {
        let mut out = self.to_string();
        if let Some(line) = self.span.line.checked_sub(1).and_then(|index| source.lines().nth(index)) {
            let number = self.span.line.to_string();
            let margin = " ".repeat(number.len());
            let before = self.span.column.saturating_sub(1);
            let indent: String = line.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let carets = "^".repeat(self.span.length.clamp(1, line.chars().count().saturating_sub(before).max(1)));
            let _ = write!(out, "\n {margin} |\n {number} | {line}\n {margin} | {indent}{carets}");
        }
        out
    }
}

/// `rules/api.yml:14:15: unknown receiver "pager"; did you mean "pagerduty"?`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        if self.span.line > 0 {
            write!(f, "{}:", self.span.line)?;
            if self.span.column > 0 {
                write!(f, "{}:", self.span.column)?;
            }
        }
        if !self.file.is_empty() || self.span.line > 0 {
            f.write_str(" ")?;
        }
        if self.severity != Severity::Error {
            f.write_str(if self.severity == Severity::Warning { "warning: " } else { "note: " })?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// The known word that the given one is probably meant to be: at most a third of its letters differ, or it is the beginning of it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let begins = |candidate: &str| word.len() >= BEGINNING_BYTES_MIN && candidate.starts_with(word);
    known
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate).min(if begins(candidate) { limit } else { usize::MAX }), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A shorter beginning fits too many words.
const BEGINNING_BYTES_MIN: usize = 4;

/// Letters to change, add, leave out, or swap with their neighbour.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (mut before, mut row): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let change = row[j] + usize::from(a[i] != b[j]);
            let mut least = change.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_place_and_the_way_out() {
        let source = "route:\n  receiver: pager\n";
        let span = Span { line: 2, column: 13, length: 5 };
        let problem = Problem::error("am.yml", span, "unknown receiver \"pager\"").help("did you mean \"pagerduty\"?");
        assert_eq!(problem.to_string(), "am.yml:2:13: unknown receiver \"pager\"; did you mean \"pagerduty\"?");
        assert_eq!(
            problem.with_source(source),
            "am.yml:2:13: unknown receiver \"pager\"; did you mean \"pagerduty\"?\n   |\n 2 |   receiver: pager\n   |             ^^^^^"
        );
    }

    #[test]
    fn finds_the_word_that_was_meant() {
        assert_eq!(nearest("scrape_intervall", ["scrape_interval", "scrape_timeout"]), Some("scrape_interval"));
        assert_eq!(nearest("pager", ["webhook", "pagerduty"]), Some("pagerduty"));
        assert_eq!(nearest("xyz", ["scrape_interval"]), None);
        // Two letters swapped are one slip of the fingers.
        assert_eq!(nearest("tmep", ["hum", "temp"]), Some("temp"));
        assert_eq!(nearest("abcd", ["badc"]), None);
    }
}
