//! Alertmanager's matchers: `severity="critical"`, `{team=~"a|b", "größe"!="1"}`.
//!
//! Two grammars are in use: the classic one (tolerant: values without quotes may hold nearly anything) and the UTF-8 one of
//! Alertmanager 0.27 (names may be quoted, see utf8.rs). As Alertmanager does by default, both are tried; when both read the
//! text, the classic reading counts. `--enable-feature` chooses one of them.

mod utf8;

use std::sync::atomic::{AtomicU8, Ordering};

use bellbuoy_vocabulary::{MatchOp, Matcher, is_classic_label_name, is_classic_metric_name};

/// Which grammar is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// The classic one; the UTF-8 one for what only that can read.
    Fallback = 0,
    /// `classic-mode`
    Classic = 1,
    /// `utf8-strict-mode`
    Utf8 = 2,
}

/// The whole process reads one grammar, as Alertmanager does: files, API and command line must not differ.
static GRAMMAR: AtomicU8 = AtomicU8::new(Grammar::Fallback as u8);

/// Set once, by the command line, before anything is read.
pub fn set_grammar(grammar: Grammar) {
    GRAMMAR.store(grammar as u8, Ordering::Relaxed);
}

fn grammar() -> Grammar {
    match GRAMMAR.load(Ordering::Relaxed) {
        1 => Grammar::Classic,
        2 => Grammar::Utf8,
        _ => Grammar::Fallback,
    }
}

/// Matchers of one line of a file.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, String> {
    matchers_in(grammar(), text)
}

/// The one matcher of `filter=` in the API, of an argument of `bellbuoy silence`.
pub fn parse_matcher(text: &str) -> Result<Matcher, String> {
    matcher_in(grammar(), text)
}

/// Whether silences, alerts and `equal:` may use it.
pub fn alert_label_name_ok(name: &str) -> bool {
    match grammar() {
        Grammar::Classic => is_classic_label_name(name),
        _ => !name.is_empty(),
    }
}

fn matchers_in(grammar: Grammar, text: &str) -> Result<Vec<Matcher>, String> {
    match grammar {
        Grammar::Classic => parse_classic(text),
        Grammar::Utf8 => utf8::parse(text),
        Grammar::Fallback => parse_classic(text).or_else(|reason| utf8::parse(text).map_err(|_| reason)),
    }
}

fn matcher_in(grammar: Grammar, text: &str) -> Result<Matcher, String> {
    if grammar != Grammar::Classic && (text.starts_with('{') || text.ends_with('}')) {
        return Err(format!("unexpected open or close brace: {text}"));
    }
    match grammar {
        Grammar::Classic => classic_matcher(text),
        Grammar::Utf8 => utf8::parse_one(text),
        Grammar::Fallback => classic_matcher(text).or_else(|reason| utf8::parse_one(text).map_err(|_| reason)),
    }
}

fn build(name: &str, op: MatchOp, value: String) -> Result<Matcher, String> {
    Matcher::new(name, op, value).map_err(|error| error.to_string())
}

/// The operator at the beginning of the text, the longest first.
fn operator(text: &str) -> Option<MatchOp> {
    [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal].into_iter().find(|op| text.starts_with(op.symbol()))
}

/// Alertmanager's `pkg/labels` parser: braces are taken off whether or not both are there; commas outside of quotes separate.
fn parse_classic(text: &str) -> Result<Vec<Matcher>, String> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let (mut tokens, mut token, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => {
                tokens.push(std::mem::take(&mut token));
                continue;
            }
            // A comma leaves a backslash before it in force, as strange as that is.
            ',' => {}
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
        token.push(c);
    }
    if !token.trim().is_empty() {
        tokens.push(token.trim().to_string());
    }
    tokens.iter().map(|token| classic_matcher(token)).collect()
}

fn classic_matcher(token: &str) -> Result<Matcher, String> {
    let bad = || format!("bad matcher format: {token}");
    // Go's `\s`.
    let space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}');
    let text = token.trim_matches(space);
    let name_end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').ok_or_else(bad)?;
    let name = &text[..name_end];
    if !is_classic_metric_name(name) {
        return Err(bad());
    }
    let rest = text[name_end..].trim_start_matches(space);
    let op = operator(rest).ok_or_else(bad)?;
    let raw = rest[op.symbol().len()..].trim_start_matches(space);
    build(name, op, classic_value(raw)?)
}

/// A quote may stand at both ends or, with a backslash, inside; other backslashes mean themselves.
fn classic_value(raw: &str) -> Result<String, String> {
    let unescaped = || format!("matcher value contains unescaped double quote: {raw}");
    let (rest, mut closing) = raw.strip_prefix('"').map_or((raw, false), |inner| (inner, true));
    let (mut out, mut chars) = (String::new(), rest.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            '"' if closing && chars.as_str().is_empty() => closing = false,
            '"' => return Err(unescaped()),
            c => out.push(c),
        }
    }
    if closing { Err(unescaped()) } else { Ok(out) }
}

#[cfg(test)]
mod tests;
