//! What a selector, a route or a silence asks of one label.
//!
//! In:    a label's name, an operator, a value. Out: whether a value of that label is matched. Regexes are anchored and bounded.
//! Never: matches an absent label differently from an empty one.

use std::fmt;

use crate::{AnchoredRegex, Labels, RegexError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

impl MatchOp {
    pub fn symbol(self) -> &'static str {
        match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        }
    }
}

/// `name op "value"`. Regexes match the whole value.
#[derive(Clone)]
pub struct Matcher {
    pub name: String,
    pub op: MatchOp,
    pub value: String,
    regex: Option<AnchoredRegex>,
}

impl Matcher {
    pub fn new(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Matcher, RegexError> {
        let (name, value) = (name.into(), value.into());
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(AnchoredRegex::new(&value)?),
        };
        Ok(Matcher { name, op, value, regex })
    }

    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Matcher {
        Matcher { name: name.into(), op: MatchOp::Equal, value: value.into(), regex: None }
    }

    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (MatchOp::Equal, _) => value == self.value,
            (MatchOp::NotEqual, _) => value != self.value,
            (MatchOp::Regex, Some(regex)) => regex.is_match(value),
            (MatchOp::NotRegex, Some(regex)) => !regex.is_match(value),
            (MatchOp::Regex | MatchOp::NotRegex, None) => unreachable!("built only by new()"),
        }
    }

    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get(&self.name))
    }

    /// Whether a series without this label matches: then the label's index can not answer alone.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }

    /// The words of a regex that is a plain alternation (`a|b|c`, or one word): the index can look each of them up.
    pub fn alternatives(&self) -> Option<&[String]> {
        self.regex.as_ref().and_then(AnchoredRegex::alternatives)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl std::hash::Hash for Matcher {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.name, self.op, &self.value).hash(state);
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if crate::is_classic_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            write!(f, "{:?}", self.name)?;
        }
        write!(f, "{}\"{}\"", self.op.symbol(), self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(op: MatchOp, value: &str) -> Matcher {
        Matcher::new("a", op, value).expect("valid")
    }

    #[test]
    fn regexes_match_the_whole_value() {
        assert!(matcher(MatchOp::Regex, "b.*").matches("bcd"));
        assert!(!matcher(MatchOp::Regex, "b").matches("bcd"));
        assert!(matcher(MatchOp::Regex, "a.b").matches("a\nb"));
        assert!(matcher(MatchOp::NotRegex, "b|c").matches("d"));
        assert!(!matcher(MatchOp::NotRegex, "b|c").matches("c"));
        assert!(matcher(MatchOp::Regex, "").matches_empty());
        assert!(matcher(MatchOp::Regex, "x|").matches_empty());
    }

    #[test]
    fn plain_alternations_are_known() {
        assert_eq!(matcher(MatchOp::Regex, "x|y").alternatives(), Some(&["x".to_string(), "y".to_string()][..]));
        assert_eq!(matcher(MatchOp::Regex, "x.*").alternatives(), None);
        assert_eq!(matcher(MatchOp::Equal, "x").alternatives(), None);
    }

    #[test]
    fn bad_and_huge_patterns_are_errors() {
        assert!(Matcher::new("a", MatchOp::Regex, "a(").is_err());
        assert!(Matcher::new("a", MatchOp::Regex, r"(\w{1000}){1000}").is_err());
    }

    #[test]
    fn printed_as_promql() {
        assert_eq!(matcher(MatchOp::NotRegex, "a\"b").to_string(), r#"a!~"a\"b""#);
    }
}
