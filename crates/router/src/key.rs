//! The keys of routes and groups, letter by letter as Alertmanager writes them: receivers make their idempotency keys of them
//! (PagerDuty's `dedup_key`, Opsgenie's alias), and an incident that one of the two opened must be closed by the other.

use bellbuoy_vocabulary::{Labels, Matcher};

/// `{severity="critical",team=~"a|b"}`
pub(crate) fn matchers_text(matchers: &[Matcher]) -> String {
    let words: Vec<String> = matchers.iter().map(matcher_text).collect();
    format!("{{{}}}", words.join(","))
}

/// Names stand without quotes unless they contain what a matcher's grammar needs; then all is quoted as Go does it.
fn matcher_text(matcher: &Matcher) -> String {
    let reserved = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
    if matcher.name.contains(reserved) {
        return format!("{}{}{}", go_quoted(&matcher.name), matcher.op.symbol(), go_quoted(&matcher.value));
    }
    let value = matcher.value.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
    format!("{}{}\"{value}\"", matcher.name, matcher.op.symbol())
}

/// `{alertname="A", job="b"}`, names always without quotes.
pub(crate) fn labels_text(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", go_quoted(value))).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// Go's `strconv.Quote`.
fn go_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if printable(c) => out.push(c),
            c if u32::from(c) < 0x10000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Both languages ask Unicode for letters, marks, numbers, punctuation and symbols; Rust escapes a mark only where it stands
/// at the beginning.
fn printable(c: char) -> bool {
    format!("a{c}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_vocabulary::MatchOp;

    /// What Go 1.25 prints with `%q`.
    #[test]
    fn quoted_as_go_does() {
        for (text, expected) in [
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("tab\tnew\nbell\u{7}\u{1}\u{7f}", r#""tab\tnew\nbell\a\x01\x7f""#),
            ("größe🙂", r#""größe🙂""#),
            ("e\u{301}\u{a0}\u{200b}\u{feff}", "\"e\u{301}\\u00a0\\u200b\\ufeff\""),
            ("\u{e0001}", r#""\U000e0001""#),
            ("'", r#""'""#),
        ] {
            assert_eq!(go_quoted(text), expected, "{text:?}");
        }
    }

    #[test]
    fn names_in_any_script() {
        let matcher = |name: &str, value: &str| Matcher::new(name, MatchOp::Equal, value).expect("valid");
        let matchers = [matcher("foo🙂", "a\"b"), matcher("a b", "ß"), matcher("job", "x\ny")];
        assert_eq!(matchers_text(&matchers), r#"{foo🙂="a\"b","a b"="ß",job="x\ny"}"#);
        assert_eq!(labels_text(&Labels::from_pairs([("a b", "1\"2"), ("größe", "ß")])), r#"{a b="1\"2", größe="ß"}"#);
    }
}
