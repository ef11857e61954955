//! What both grammars are made of: names, quoted texts, label blocks, words. A cursor walks over the bytes once.

use crate::error::{Broken, snippet};

const NAME_START: u8 = 1;
const NAME: u8 = 2;
const LABEL_START: u8 = 4;
const LABEL: u8 = 8;

/// What each byte may be part of.
const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() || b == b'_' {
            table[byte] = NAME_START | NAME | LABEL_START | LABEL;
        } else if b == b':' {
            table[byte] = NAME_START | NAME;
        } else if b.is_ascii_digit() {
            table[byte] = NAME | LABEL;
        }
        byte += 1;
    }
    table
};

/// A piece of a label block, as written: without its quotes, with its escapes.
pub(crate) enum Part<'a> {
    /// `{"my.metric"}`: the metric's name, quoted inside of the braces.
    Name(&'a [u8]),
    Label(&'a [u8], &'a [u8]),
}

/// Where a block of labels may come from and what it may hold.
#[derive(Clone, Copy)]
pub(crate) struct BlockRules {
    /// OpenMetrics: no blanks, commas between labels, no line breaks in quotes.
    pub strict: bool,
    /// A quoted metric name may stand in the block.
    pub name_allowed: bool,
}

pub(crate) struct Cursor<'a> {
    pub body: &'a [u8],
    pub at: usize,
    /// The whole body is valid UTF-8 (checked once, fast), so pieces of it need no check.
    valid: bool,
}

impl<'a> Cursor<'a> {
    pub fn new(body: &'a [u8]) -> Cursor<'a> {
        Cursor { body, at: 0, valid: std::str::from_utf8(body).is_ok() }
    }

    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.body[self.at..]
    }

    /// Steps over `text` if it comes next.
    pub fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text.as_bytes());
        if found {
            self.at += text.len();
        }
        found
    }

    #[inline]
    pub fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    pub fn broken<T>(&self, message: impl Into<String>) -> Result<T, Broken> {
        Err(Broken::new(self.at, message))
    }

    /// "expected X, got Y" with what stands at the cursor, up to the end of the line.
    pub fn expected<T>(&self, what: &str) -> Result<T, Broken> {
        match self.peek() {
            None => self.broken(format!("expected {what}, got the end of the body")),
            Some(b'\n') => self.broken(format!("expected {what}, got the end of the line")),
            Some(_) => self.broken(format!("expected {what}, got {}", snippet(self.line_rest()))),
        }
    }

    /// From the cursor to the end of the line.
    pub fn line_rest(&self) -> &'a [u8] {
        let rest = self.rest();
        &rest[..rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())]
    }

    #[inline]
    fn take_class(&mut self, start: u8, more: u8) -> Option<&'a [u8]> {
        let rest = self.rest();
        if CLASS[usize::from(*rest.first()?)] & start == 0 {
            return None;
        }
        let length = rest.iter().position(|b| CLASS[usize::from(*b)] & more == 0).unwrap_or(rest.len());
        self.at += length;
        Some(&rest[..length])
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    #[inline]
    pub fn metric_name(&mut self) -> Option<&'a [u8]> {
        self.take_class(NAME_START, NAME)
    }

    /// The family's name of a `# HELP`, `# TYPE` or `# UNIT` line, quoted or plain.
    pub fn family_name(&mut self, after: &str) -> Result<&'a str, Broken> {
        let start = self.at;
        let name = match self.peek() {
            Some(b'"') => self.quoted(true)?,
            _ => match self.metric_name() {
                Some(name) => name,
                None => return self.expected(&format!("a metric name after {after}")),
            },
        };
        self.text(name, start)
    }

    /// From the opening quote to after the closing one; gives what is between them, escapes untouched.
    #[inline]
    fn quoted(&mut self, one_line: bool) -> Result<&'a [u8], Broken> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            let rest = self.body.get(end..).unwrap_or_default();
            match rest.iter().position(|b| matches!(b, b'"' | b'\\' | b'\n')) {
                None => return self.broken("this quote is never closed"),
                Some(length) => end += length,
            }
            match self.body[end] {
                b'"' => break,
                b'\n' if one_line => return self.broken("this quote is not closed before the end of the line"),
                b'\n' => end += 1,
                // A backslash protects whatever follows.
                _ => end += 2,
            }
        }
        self.at = end + 1;
        Ok(&self.body[start..end])
    }

    /// From after the `{` to after the `}`. `named`: the metric's name stood before the block. Says whether there is a name now.
    #[inline]
    pub fn label_block(&mut self, rules: BlockRules, mut named: bool, on: &mut impl FnMut(Part<'a>)) -> Result<bool, Broken> {
        loop {
            self.blanks_unless(rules.strict);
            let start = self.at;
            let name = match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(named);
                }
                Some(b'"') => self.quoted(rules.strict)?,
                _ => match self.take_class(LABEL_START, LABEL) {
                    Some(name) => name,
                    None => return self.expected("a label name or }"),
                },
            };
            let is_quoted = self.body[start] == b'"';
            self.blanks_unless(rules.strict);
            match self.peek() {
                Some(b'=') => self.at += 1,
                Some(b',' | b'}') if is_quoted && rules.name_allowed => {
                    if named {
                        return Err(Broken::new(start, "the metric has a second name here"));
                    }
                    named = true;
                    on(Part::Name(name));
                    if self.peek() == Some(b',') {
                        self.at += 1;
                    }
                    continue;
                }
                _ => return self.expected("= after the label name"),
            }
            self.blanks_unless(rules.strict);
            if self.peek() != Some(b'"') {
                return self.expected("a quoted label value");
            }
            on(Part::Label(name, self.quoted(rules.strict)?));
            self.blanks_unless(rules.strict);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {}
                // Prometheus' text parser does not ask for the comma.
                _ if !rules.strict => {}
                _ => return self.expected("a comma or }"),
            }
        }
    }

    #[inline]
    fn blanks_unless(&mut self, strict: bool) {
        if !strict {
            self.skip_blanks();
        }
    }

    /// Bytes up to the next one that `stops`; may be empty.
    #[inline]
    pub fn word(&mut self, stops: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|b| stops(*b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// `bytes`, which begin at `start`, as text.
    pub fn text(&self, bytes: &'a [u8], start: usize) -> Result<&'a str, Broken> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => Err(Broken::new(start + error.valid_up_to(), "this is not valid UTF-8")),
        }
    }

    /// An error when the bytes from `start` to the cursor are not UTF-8; free when the whole body is.
    #[inline]
    pub fn check_utf8(&self, start: usize) -> Result<(), Broken> {
        if self.valid { Ok(()) } else { self.text(&self.body[start..self.at], start).map(drop) }
    }
}
