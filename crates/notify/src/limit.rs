//! Cutting texts to what a service takes, in the unit in which the service counts.

/// Length as Discord counts it.
pub(crate) fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// At most `max` UTF-16 units; what was cut shows as `…`. Never inside of a character.
pub(crate) fn cut_utf16(text: &str, max: usize) -> String {
    cut(text, max, char::len_utf16)
}

/// The same, in bytes of UTF-8.
pub(crate) fn cut_utf8(text: &str, max: usize) -> String {
    // The ellipsis takes three of them where `cut` counts one.
    if text.len() <= max { text.to_string() } else { cut(text, max.saturating_sub(2), char::len_utf8) }
}

/// The same, in characters.
pub(crate) fn cut_chars(text: &str, max: usize) -> String {
    cut(text, max, |_| 1)
}

pub(crate) fn chars(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, max: usize, units: fn(char) -> usize) -> String {
    if text.len() <= max || text.chars().map(units).sum::<usize>() <= max {
        return text.to_string();
    }
    let mut out = String::new();
    let mut room = max.saturating_sub(1);
    for c in text.chars() {
        if units(c) > room {
            break;
        }
        room -= units(c);
        out.push(c);
    }
    // A lone backslash at the end would escape the ellipsis.
    while out.ends_with('\\') {
        out.pop();
    }
    if max > 0 {
        out.push('…');
    }
    out
}

/// `... and 3 more alerts`, the last line of a message that could not show all of them.
pub(crate) fn more_alerts(more: usize) -> String {
    format!("\n... and {more} more {}", if more == 1 { "alert" } else { "alerts" })
}

/// One line of at most `max` characters without control characters, for errors and headers.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > max * 4 {
            break;
        }
    }
    if out.chars().count() > max { out.chars().take(max.saturating_sub(1)).chain(['…']).collect() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut_utf16("abc", 3), "abc");
        assert_eq!(cut_utf16("abcd", 3), "ab…");
        assert_eq!(cut_utf16("🚨🚨", 4), "🚨🚨");
        assert_eq!(cut_utf16("🚨🚨", 3), "🚨…");
        assert_eq!(cut_utf16("🚨🚨", 2), "…");
        assert_eq!(cut_utf16("ab\\*cd", 4), "ab…");
        assert_eq!(cut_utf16("abc", 0), "");
        assert_eq!(cut_utf8("éé", 4), "éé");
        assert_eq!(cut_utf8("ééé", 5), "é…");
        assert_eq!(cut_chars("🚨🚨", 2), "🚨🚨");
        assert_eq!(cut_chars("🚨éa", 2), "🚨…");
        assert_eq!(one_line(" a\r\n\u{7}b  c ", 10), "a b c");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}
