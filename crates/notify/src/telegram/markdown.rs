//! Whether Telegram could read a text as Markdown or MarkdownV2. In doubt it could not: plain text arrives always.

/// The old mode: each `*`, `_`, backtick and `[` has its end.
pub(crate) fn is_readable(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['*', '_', '`', '[', '\\']) {
        rest = &rest[at..];
        let mark = rest.as_bytes()[0];
        if mark == b'\\' {
            rest = rest[1..].strip_prefix(['*', '_', '`', '[']).unwrap_or(&rest[1..]);
            continue;
        }
        let (start, end) = match mark {
            b'[' => (1, "]"),
            b'`' if rest.starts_with("```") => (3, "```"),
            b'`' => (1, "`"),
            b'*' => (1, "*"),
            _ => (1, "_"),
        };
        let Some(length) = rest[start..].find(end) else { return false };
        rest = &rest[start + length + end.len()..];
        if mark == b'[' && rest.starts_with('(') {
            let Some(end) = rest.find(')') else { return false };
            rest = &rest[end..];
        }
    }
    true
}

/// The new mode: what is not markup has a backslash before each reserved character, and markup is nested.
pub(crate) fn is_readable_v2(text: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let (mut rest, mut line_start) = (text, true);
    while let Some(first) = rest.chars().next() {
        let mut length = first.len_utf8();
        match first {
            '\\' => length += rest[1..].chars().next().filter(char::is_ascii).map_or(0, char::len_utf8),
            '`' => match code(rest) {
                Some(end) => length = end,
                None => return false,
            },
            '_' | '*' | '~' | '|' => {
                let mark = ["__", "||", "_", "*", "~"].into_iter().find(|mark| rest.starts_with(mark));
                let Some(mark) = mark else { return false };
                if open.last() == Some(&mark) {
                    open.pop();
                } else if open.contains(&mark) {
                    return false;
                } else {
                    open.push(mark);
                }
                length = mark.len();
            }
            '[' => open.push("["),
            ']' => match (open.pop(), target(&rest[1..])) {
                (Some("["), Some(end)) => length = 1 + end,
                _ => return false,
            },
            '>' if line_start => {}
            '(' | ')' | '>' | '#' | '+' | '-' | '=' | '{' | '}' | '.' | '!' => return false,
            _ => {}
        }
        line_start = first == '\n';
        rest = &rest[length..];
    }
    open.is_empty()
}

/// The length of a piece of code with its marks.
fn code(rest: &str) -> Option<usize> {
    let mark = if rest.starts_with("```") { "```" } else { "`" };
    let mut at = mark.len();
    loop {
        let found = at + rest[at..].find(['`', '\\'])?;
        if rest[found..].starts_with(mark) {
            return Some(found + mark.len());
        }
        at = found + 1 + if rest.as_bytes()[found] == b'\\' { rest[found + 1..].chars().next()?.len_utf8() } else { 0 };
    }
}

/// The length of `(address)` after a link's text.
fn target(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('(')?;
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ')' => return Some(at + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_telegram_can_read() {
        for (text, old, new) in [
            ("plain", true, true),
            ("*bold* _it_ `code`", true, true),
            ("a_b", false, false),
            ("a\\_b", true, true),
            ("[x](http://a/b_c)", true, true),
            ("[x", false, false),
            ("```\na_b.c\n``` x", true, true),
            ("a - b", true, false),
            ("a \\- b\\.", true, true),
            ("*a _b* c_", false, false),
            ("__u__ ||s||", true, true),
            (">quote\n>more", true, true),
            ("1 > 2", true, false),
            ("é `", false, false),
        ] {
            assert_eq!((is_readable(text), is_readable_v2(text)), (old, new), "{text}");
        }
    }
}
