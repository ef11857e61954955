//! Names that others chose: made harmless for a page and for a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Longer names are cut on a page; the JSON has them whole.
pub const NAME_CHARS_MAX: usize = 120;

/// No control characters and nothing that turns the direction of the text around it (a name must not look like another one);
/// at most `chars_max` characters.
pub fn shown(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max * 4));
    for (at, character) in text.chars().enumerate() {
        if at == chars_max {
            out.push('…');
            break;
        }
        out.push(if hidden(character) { '\u{fffd}' } else { character });
    }
    out
}

/// What is not to be seen but does something: controls, marks of direction, characters that are no characters.
fn hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || (character as u32) & 0xfffe == 0xfffe
        || ('\u{fdd0}'..='\u{fdef}').contains(&character)
}

/// For the text of an element or an attribute of HTML or XML, on one line.
pub fn html(text: &str) -> String {
    markup(text).replace(['\n', '\t'], " ")
}

/// The same with its lines as they are: for `<pre>`, and for a failure in a JUnit report.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            character if hidden(character) => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

/// A name on a page, cut when it is very long.
pub fn name(text: &str) -> String {
    html(&shown(text, NAME_CHARS_MAX))
}

/// In exactly so many cells of a terminal, cut with an ellipsis or filled with spaces.
pub fn padded(text: &str, cells: usize) -> String {
    let mut out = cut(text, cells);
    out.extend(std::iter::repeat_n(' ', cells.saturating_sub(out.width())));
    out
}

/// In at most so many cells of a terminal.
pub fn cut(text: &str, cells: usize) -> String {
    let text = shown(text, cells + 1);
    if text.width() <= cells {
        return text;
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used + 1 > cells {
            break;
        }
        out.push(character);
    }
    out.push('…');
    out
}

/// Cells of a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_is_markup() {
        assert_eq!(
            html("<script>alert(\"x\" & 'y')</script>\0"),
            "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;\u{fffd}"
        );
        assert_eq!((html("a\nb").as_str(), markup("a\nb").as_str()), ("a b", "a\nb"));
        assert_eq!(shown("a\u{202e}txt\u{1b}[31m", 99), "a\u{fffd}txt\u{fffd}[31m");
        assert_eq!(shown(&"x".repeat(10_000), 5), "xxxxx…");
    }

    #[test]
    fn cells_are_counted_not_characters() {
        assert_eq!(padded("日本語", 8), "日本語  ");
        assert_eq!(padded("日本語", 5), "日本…");
        assert_eq!(cut("temperature", 6), "tempe…");
        assert_eq!(padded("été", 4), "été ");
    }
}
