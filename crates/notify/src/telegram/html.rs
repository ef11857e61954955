//! Telegram's small HTML: made readable, measured, cut between characters with all elements closed, and turned into plain text.

/// Elements that Telegram knows. For all others it refuses the message.
const KNOWN: [&str; 15] =
    ["b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "span", "tg-spoiler", "blockquote"];
const SPOILER: &str = "<span class=\"tg-spoiler\">";
/// Telegram looks at the text with its markup too, and takes 32 KiB of it.
const RAW_BYTES_MAX: usize = 30_000;

/// A part of a text, as written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece<'a> {
    Open(&'a str, &'a str),
    Close(&'a str),
    Break,
    /// `&lt;`, `&#39;`: one character to see.
    Entity(&'a str),
    Char(char),
}

/// Units of what is seen.
pub(crate) fn length(text: &str) -> usize {
    pieces(text).map(|piece| seen(piece)).sum()
}

/// At most so many units to see; `…` shows a cut.
pub(crate) fn cut(text: &str, max: usize) -> String {
    tidy(text, max)
}

/// The same text so that Telegram can read it: unknown elements are shown as text, all elements are closed in order, and at most `max` units are seen.
pub(crate) fn tidy(text: &str, max: usize) -> String {
    let fits = length(text) <= max && text.len() <= RAW_BYTES_MAX / 2;
    let room = if fits { usize::MAX } else { max.saturating_sub(1) };
    let (mut out, mut open, mut used) = (String::with_capacity(text.len()), Vec::new(), 0);
    for piece in pieces(text) {
        let closing: usize = open.iter().map(|name: &&str| name.len() + 3).sum();
        if used + seen(piece) > room || out.len() + closing + 64 > RAW_BYTES_MAX {
            out.push('…');
            break;
        }
        used += seen(piece);
        match piece {
            Piece::Open(name, whole) => {
                out.push_str(whole);
                open.push(name);
            }
            Piece::Close(name) => close(&mut out, &mut open, name),
            Piece::Break => out.push('\n'),
            Piece::Entity(entity) => out.push_str(entity),
            Piece::Char('<') => out.push_str("&lt;"),
            Piece::Char('>') => out.push_str("&gt;"),
            Piece::Char('&') => out.push_str("&amp;"),
            Piece::Char(c) => out.push(c),
        }
    }
    while let Some(name) = open.pop() {
        out.push_str(&format!("</{name}>"));
    }
    out
}

/// Without elements and entities.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Open(..) | Piece::Close(_) => {}
            Piece::Break => out.push('\n'),
            Piece::Entity(entity) => out.push(character(entity).unwrap_or('�')),
            Piece::Char(c) => out.push(c),
        }
    }
    out
}

/// Closes what is open inside first. An end without a beginning is left out.
fn close(out: &mut String, open: &mut Vec<&str>, name: &str) {
    if open.contains(&name) {
        while let Some(inner) = open.pop() {
            out.push_str(&format!("</{inner}>"));
            if inner == name {
                break;
            }
        }
    }
}

fn seen(piece: Piece) -> usize {
    match piece {
        Piece::Open(..) | Piece::Close(_) => 0,
        Piece::Break => 1,
        Piece::Entity(entity) => character(entity).map_or(1, char::len_utf16),
        Piece::Char(c) => c.len_utf16(),
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let found = match first {
            '<' => element(rest),
            '&' => entity(rest),
            _ => None,
        };
        let (piece, length) = found.unwrap_or((Piece::Char(first), first.len_utf8()));
        rest = &rest[length..];
        Some(piece)
    })
}

fn element(rest: &str) -> Option<(Piece<'_>, usize)> {
    let end = rest.bytes().take(2000).position(|b| b == b'>')?;
    let (inner, length) = (&rest[1..end], end + 1);
    if let Some(name) = inner.strip_prefix('/') {
        return KNOWN.iter().find(|known| **known == name.trim()).map(|known| (Piece::Close(known), length));
    }
    let name = inner.split([' ', '/', '\n']).next().unwrap_or("");
    if name == "br" {
        return Some((Piece::Break, length));
    }
    let known = KNOWN.iter().find(|known| **known == name)?;
    let attributes = inner[name.len()..].trim();
    let readable = match *known {
        "a" => attribute(attributes, "href"),
        "code" => attributes.is_empty() || attribute(attributes, "class"),
        "blockquote" => attributes.is_empty() || attributes == "expandable",
        "span" => &rest[..length] == SPOILER,
        _ => attributes.is_empty(),
    };
    readable.then_some((Piece::Open(known, &rest[..length]), length))
}

/// `name="value"` alone.
fn attribute(text: &str, name: &str) -> bool {
    let value = text.strip_prefix(name).and_then(|rest| rest.strip_prefix("=\"")).and_then(|rest| rest.strip_suffix('"'));
    value.is_some_and(|value| !value.contains(['"', '<']))
}

fn entity(rest: &str) -> Option<(Piece<'_>, usize)> {
    let end = rest.bytes().take(10).position(|b| b == b';')?;
    let entity = &rest[..=end];
    character(entity).map(|_| (Piece::Entity(entity), end + 1))
}

/// Telegram knows four names, and numbers.
fn character(entity: &str) -> Option<char> {
    match entity {
        "&lt;" => Some('<'),
        "&gt;" => Some('>'),
        "&amp;" => Some('&'),
        "&quot;" => Some('"'),
        _ => {
            let number = entity.strip_prefix("&#")?.strip_suffix(';')?;
            let number = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number).filter(|c| *c != '\0')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_telegram_can_read() {
        for (text, expected) in [
            ("<b>a</b> &lt; &#39; &nbsp; &", "<b>a</b> &lt; &#39; &amp;nbsp; &amp;"),
            ("a<br/>b<br>c", "a\nb\nc"),
            ("<p>x</p>", "&lt;p&gt;x&lt;/p&gt;"),
            ("<b><i>x</b></i> y", "<b><i>x</i></b> y"),
            ("<b>open", "<b>open</b>"),
            ("a < b > c", "a &lt; b &gt; c"),
            ("<a href=\"http://x/?a=1&amp;b=2\">x</a>", "<a href=\"http://x/?a=1&amp;b=2\">x</a>"),
            ("<a name=x>x</a>", "&lt;a name=x&gt;x"),
            ("<code class=\"language-go\">x</code><b class=\"y\">z</b>", "<code class=\"language-go\">x</code>&lt;b class=\"y\"&gt;z"),
            ("<é>", "&lt;é&gt;"),
        ] {
            assert_eq!(tidy(text, 1000), expected);
        }
    }

    #[test]
    fn cuts_outside_of_elements() {
        assert_eq!(tidy("<b>abc</b>d", 4), "<b>abc</b>d");
        assert_eq!(tidy("<b>abcd</b>e", 4), "<b>abc…</b>");
        assert_eq!(tidy("&lt;&lt;&lt;", 2), "&lt;…");
        assert_eq!(tidy("🚨🚨", 3), "🚨…");
        assert_eq!(plain("<b>a &lt; b</b><br>c"), "a < b\nc");
        let deep = "<b>".repeat(20_000) + "x";
        assert!(tidy(&deep, 4096).len() <= RAW_BYTES_MAX);
    }
}
