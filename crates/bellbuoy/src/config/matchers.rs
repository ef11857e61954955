//! Alertmanager's matchers: `severity="critical"`, `{team=~"a|b", "größe"!="1"}`.
//!
//! Two grammars are in use: the classic one (tolerant: values without quotes may hold nearly anything) and the UTF-8 one of
//! Alertmanager 0.27 (names may be quoted). As Alertmanager does by default, both are tried; when both read the text but
//! differ, the classic reading counts.

use bellbuoy_vocabulary::{MatchOp, Matcher, is_classic_metric_name};

/// Matchers of one line. Of a file, of `filter=` in the API, of amtool.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, String> {
    match (parse_utf8(text), parse_classic(text)) {
        (_, Ok(classic)) => Ok(classic),
        (Ok(modern), Err(_)) => Ok(modern),
        (Err(_), Err(reason)) => Err(reason),
    }
}

fn build(name: &str, op: MatchOp, value: String) -> Result<Matcher, String> {
    Matcher::new(name, op, value).map_err(|error| error.to_string())
}

/// The operator at the beginning of the text, the longest first.
fn operator(text: &str) -> Option<MatchOp> {
    [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal].into_iter().find(|op| text.starts_with(op.symbol()))
}

/// Alertmanager's `pkg/labels` parser.
fn parse_classic(text: &str) -> Result<Vec<Matcher>, String> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let (mut tokens, mut token, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => {
                tokens.push(std::mem::take(&mut token));
                escaped = false;
                continue;
            }
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
        token.push(c);
    }
    if !token.trim().is_empty() {
        tokens.push(token);
    }
    tokens.iter().map(|token| classic_matcher(token.trim())).collect()
}

fn classic_matcher(token: &str) -> Result<Matcher, String> {
    let bad = || format!("bad matcher {token:?}; write for example severity=\"critical\"");
    let name_end = token.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').ok_or_else(bad)?;
    let name = &token[..name_end];
    if !is_classic_metric_name(name) {
        return Err(bad());
    }
    let rest = token[name_end..].trim_start();
    let op = operator(rest).ok_or_else(bad)?;
    let raw = rest[op.symbol().len()..].trim();
    build(name, op, classic_value(raw)?)
}

fn classic_value(raw: &str) -> Result<String, String> {
    let unescaped = || format!("matcher value contains an unescaped double quote: {raw}");
    let (mut rest, mut closing) = (raw, false);
    if let Some(inner) = raw.strip_prefix('"') {
        (rest, closing) = (inner, true);
    }
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

/// Alertmanager's `matcher/parse` parser.
fn parse_utf8(text: &str) -> Result<Vec<Matcher>, String> {
    let mut rest = text.trim();
    let braced = rest.starts_with('{');
    if braced {
        rest = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or("missing closing brace")?.trim();
    }
    let mut matchers = Vec::new();
    while !rest.is_empty() {
        let (name, after) = utf8_word(rest).ok_or_else(|| format!("expected a label name at {rest:?}"))?;
        let after = after.trim_start();
        let op = operator(after).ok_or_else(|| format!("expected =, !=, =~ or !~ at {after:?}"))?;
        let after = after[op.symbol().len()..].trim_start();
        let (value, after) = utf8_word(after).ok_or_else(|| format!("expected a value at {after:?}"))?;
        matchers.push(build(&name, op, value)?);
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.is_empty() => after,
            None => return Err(format!("expected a comma at {after:?}")),
        };
    }
    Ok(matchers)
}

/// A word without reserved characters, or a text in double quotes with Go's escapes; and what follows.
fn utf8_word(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let reserved = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
        let end = text.find(reserved).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_string(), &text[end..]));
    };
    let (mut out, mut chars) = (String::new(), inner.chars());
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\n' => return None,
            '\\' => out.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'v' => '\u{b}',
                c @ ('"' | '\\') => c,
                'x' => hex(&mut chars, 2).filter(char::is_ascii)?,
                'u' => hex(&mut chars, 4)?,
                'U' => hex(&mut chars, 8)?,
                _ => return None,
            }),
            c => out.push(c),
        }
    }
}

fn hex(chars: &mut std::str::Chars, digits: usize) -> Option<char> {
    let mut code = 0u32;
    for _ in 0..digits {
        code = code.checked_mul(16)? + chars.next()?.to_digit(16)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = match parse_matchers(text) {
            Ok(matchers) => matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(" "),
            Err(reason) => format!("error: {reason}"),
        };
        assert_eq!(got, expected, "{text}");
    }

    /// Cases of Alertmanager's own tests of both parsers.
    #[test]
    fn reads_both_grammars() {
        check("foo=bar", r#"foo="bar""#);
        check(r#"{foo = "bar", dings != "bums", }"#, r#"foo="bar" dings!="bums""#);
        check(r#"statuscode=~"5..""#, r#"statuscode=~"5..""#);
        check(r#"{quote="She said: \"Hi, ladies!\""}"#, r#"quote="She said: \"Hi, ladies!\"""#);
        check("foo=~bar.*,baz!~qux", r#"foo=~"bar.*" baz!~"qux""#);
        check("foo=", r#"foo="""#);
        check("", "");
        check("{}", "");
        check(r#""größe"="x y""#, r#""größe"="x y""#);
        check("größe=klein", r#""größe"="klein""#);
        check("foo=a b c", r#"foo="a b c""#);
        check(r"foo=a\d", r#"foo="a\\d""#);
    }

    #[test]
    fn refuses_what_neither_reads() {
        check("foo", "error: bad matcher \"foo\"; write for example severity=\"critical\"");
        check("=bar", "error: bad matcher \"=bar\"; write for example severity=\"critical\"");
        check("foo=\"bar", "error: matcher value contains an unescaped double quote: \"bar");
        check("foo=~\"a(\"", "error: bad regular expression \"a(\": unclosed group");
        check("foo=bar,,baz=1", "error: bad matcher \"\"; write for example severity=\"critical\"");
    }
}
