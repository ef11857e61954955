//! Regular expressions as Prometheus and Alertmanager read them: Go's syntax, in linear time, of bounded size.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use crate::go_syntax::translated;

/// Compiled regexes above this size are refused. 1 MiB holds alternations of some ten thousand words.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Alternations of up to so many words are compared word by word.
const WORDS_MAX: usize = 16;

/// Longer patterns are compiled at once, so that one that is too large is refused at once.
const SIMPLE_BYTES_MAX: usize = 1024;

/// A regular expression that must match a whole value.
#[derive(Clone, Debug)]
pub struct AnchoredRegex {
    pattern: String,
    form: Form,
    /// Most regexes of rules are few words or a line with a gap, and are compared without it: it is made when somebody asks for captures.
    compiled: OnceLock<Regex>,
}

#[derive(Clone, Debug)]
enum Form {
    /// A plain alternation: `a|b|c`, or one word.
    Words(Vec<String>),
    Line(Line),
    Other,
}

/// `5..`, `api-.*`, `.+`: characters, dots, and at most one gap.
#[derive(Clone, Debug)]
struct Line {
    /// `None` is any character.
    before: Vec<Option<char>>,
    /// The fewest characters in the gap.
    gap: Option<usize>,
    after: Vec<Option<char>>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad regular expression {pattern:?}: {reason}")]
pub struct RegexError {
    pub pattern: String,
    pub reason: String,
}

/// One that is found anywhere in a text, as Go's `regexp.MatchString` does.
pub fn find_regex(pattern: &str) -> Result<Regex, RegexError> {
    translated(pattern).and_then(|text| build(&text)).map_err(|reason| RegexError { pattern: pattern.to_string(), reason })
}

impl AnchoredRegex {
    pub fn new(pattern: &str) -> Result<AnchoredRegex, RegexError> {
        let (form, compiled) = (Form::of(pattern), OnceLock::new());
        if !form.is_simple() || pattern.len() > SIMPLE_BYTES_MAX {
            let regex = anchored(pattern).map_err(|reason| RegexError { pattern: pattern.to_string(), reason })?;
            compiled.get_or_init(|| regex);
        }
        Ok(AnchoredRegex { pattern: pattern.to_string(), form, compiled })
    }

    pub fn is_match(&self, value: &str) -> bool {
        match &self.form {
            Form::Words(words) if words.len() <= WORDS_MAX => words.iter().any(|word| word == value),
            Form::Line(line) => line.is_match(value),
            _ => self.regex().is_match(value),
        }
    }

    /// The words of a regex that is a plain alternation: an index can look each of them up.
    pub fn alternatives(&self) -> Option<&[String]> {
        if let Form::Words(words) = &self.form { Some(words) } else { None }
    }

    /// The compiled expression, for captures (relabelling's `replace`, `label_replace`).
    pub fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| anchored(&self.pattern).expect("short words and lines with a gap are regular expressions"))
    }
}

impl Form {
    fn of(pattern: &str) -> Form {
        if !pattern.contains(|c: char| "\\.+*?()[]{}^$".contains(c)) {
            return Form::Words(pattern.split('|').map(str::to_string).collect());
        }
        Line::of(pattern).map_or(Form::Other, Form::Line)
    }

    fn is_simple(&self) -> bool {
        match self {
            Form::Words(words) => words.len() <= WORDS_MAX,
            Form::Line(_) => true,
            Form::Other => false,
        }
    }
}

impl Line {
    fn of(pattern: &str) -> Option<Line> {
        let mut line = Line { before: Vec::new(), gap: None, after: Vec::new() };
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let gap = match (c, chars.peek()) {
                ('.', Some('*')) => Some(0),
                ('.', Some('+')) => Some(1),
                _ => None,
            };
            if gap.is_some() {
                chars.next();
                // A second one, or one that takes as little as it can.
                if line.gap.is_some() || chars.peek() == Some(&'?') {
                    return None;
                }
                line.gap = gap;
                continue;
            }
            if "\\+*?()[]{}^$|".contains(c) {
                return None;
            }
            let place = (c != '.').then_some(c);
            if line.gap.is_none() { line.before.push(place) } else { line.after.push(place) }
        }
        Some(line)
    }

    fn is_match(&self, value: &str) -> bool {
        let fits = |place: &Option<char>, c: Option<char>| c.is_some_and(|c| place.is_none_or(|wanted| wanted == c));
        let mut chars = value.chars();
        if !self.before.iter().all(|place| fits(place, chars.next()))
            || !self.after.iter().rev().all(|place| fits(place, chars.next_back()))
        {
            return false;
        }
        match self.gap {
            Some(fewest) => chars.count() >= fewest,
            None => chars.next().is_none(),
        }
    }
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    build(&format!("^(?s:{})$", translated(pattern)?))
}

fn build(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).build().map_err(|error| one_line(&error))
}

fn one_line(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("larger than {limit} bytes when compiled"),
        // The library's message draws the pattern over several lines; its last line is the reason.
        other => other.to_string().lines().last().unwrap_or("invalid").trim().trim_start_matches("error: ").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_captures_too() {
        let regex = AnchoredRegex::new("web|db").expect("valid");
        assert!(regex.is_match("db") && !regex.is_match("d"));
        assert_eq!(regex.regex().captures("web").map(|found| found[0].to_string()), Some("web".to_string()));
        assert!(!regex.regex().is_match("webs"));
    }

    /// Lines with a gap are compared without a regex: as the regex does it.
    #[test]
    fn lines_with_a_gap() {
        let patterns = ["5..", ".*", ".+", "a.*", "a.+b", ".b", "a.*a", "\u{e9}.", ".+\u{e9}", "a.*b.*", "a.*?b", "a.b|c", "a+", "."];
        let values = ["", "a", "b", "ab", "aab", "axb", "aa", "aba", "500", "5000", "50", "\u{e9}\u{e9}", "\u{e9}", "a\nb", "a.b", "c"];
        for pattern in patterns {
            let regex = AnchoredRegex::new(pattern).expect("valid");
            for value in values {
                assert_eq!(regex.is_match(value), regex.regex().is_match(value), "{pattern} and {value:?}");
            }
        }
    }

    #[test]
    fn many_words_are_compiled_once_and_bounded() {
        let words: Vec<String> = (0..40).map(|at| format!("w{at}")).collect();
        let regex = AnchoredRegex::new(&words.join("|")).expect("valid");
        assert!(regex.is_match("w39") && !regex.is_match("w40"));
        let huge: Vec<String> = (0..100_000).map(|at| format!("a-rather-long-word-{at}")).collect();
        assert!(AnchoredRegex::new(&huge.join("|")).is_err());
    }
}
