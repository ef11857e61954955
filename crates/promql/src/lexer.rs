//! Text -> words. Knows strings, numbers and durations; does not know the grammar.
//!
//! In:    a query's text. Out: words with their places, a text of the query each.
//! Never: looks at a word's meaning; allocates for a comment.

use crate::ast::{BinaryOp, Place};
use crate::error::ParseError;
use crate::token::{Token, TokenKind, keyword};

/// All words of a text, the last one is `End`.
pub(crate) fn lex(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut lexer = Lexer { text, at: 0, line: 1, line_start: 0, tokens: Vec::new(), in_braces: false, in_brackets: false };
    while lexer.next_token()? {}
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    tokens: Vec<Token>,
    /// Between braces words are label names and `=` stands alone.
    in_braces: bool,
    /// Between brackets a colon stands alone.
    in_brackets: bool,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_second(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at + 1).copied()
    }

    fn place_from(&self, start: usize) -> Place {
        Place { start, end: self.at, line: self.line, column: start - self.line_start + 1 }
    }

    fn error<T>(&self, start: usize, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError::new(message, self.place_from(start)))
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let place = self.place_from(start);
        self.tokens.push(Token { kind, place, text: self.text[start..self.at].to_string() });
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    self.line_start = self.at;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'#' => {
                    let rest = &self.text.as_bytes()[self.at..];
                    self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                }
                _ => break,
            }
        }
    }

    /// False after the end was pushed.
    fn next_token(&mut self) -> Result<bool, ParseError> {
        self.skip_space();
        let start = self.at;
        let Some(byte) = self.peek() else {
            self.push(TokenKind::End, start);
            return Ok(false);
        };
        match byte {
            b'"' | b'\'' => self.quoted(byte)?,
            b'`' => self.raw()?,
            b'0'..=b'9' => self.number()?,
            b'.' if self.peek_second().is_some_and(|b| b.is_ascii_digit()) => self.number()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b':' if !self.in_braces && self.starts_metric_name() => self.word(),
            _ => self.sign(byte)?,
        }
        Ok(true)
    }

    /// A colon opens a name (`:a`) unless it stands in a subquery's brackets (`[5m:1m]`, `[5m:]`).
    fn starts_metric_name(&self) -> bool {
        !self.in_brackets && self.peek_second().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
    }

    fn word(&mut self) {
        let start = self.at;
        let colons = !self.in_braces;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || (colons && b == b':')) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        let kind = if self.in_braces {
            TokenKind::Name
        } else if word.contains(':') {
            TokenKind::MetricName
        } else {
            keyword(word).unwrap_or(TokenKind::Name)
        };
        self.push(kind, start);
    }

    fn sign(&mut self, byte: u8) -> Result<(), ParseError> {
        use TokenKind::*;
        let start = self.at;
        let (kind, length) = match (byte, self.peek_second()) {
            (b'=', Some(b'=')) if !self.in_braces => (Op(BinaryOp::Equal), 2),
            (b'=', Some(b'~')) => (RegexMatch, 2),
            (b'=', _) => (Assign, 1),
            (b'!', Some(b'=')) => (Op(BinaryOp::NotEqual), 2),
            (b'!', Some(b'~')) => (RegexNotMatch, 2),
            (b'<', Some(b'=')) => (Op(BinaryOp::LessOrEqual), 2),
            (b'<', _) => (Op(BinaryOp::Less), 1),
            (b'>', Some(b'=')) => (Op(BinaryOp::GreaterOrEqual), 2),
            (b'>', _) => (Op(BinaryOp::Greater), 1),
            (b'+', _) => (Op(BinaryOp::Add), 1),
            (b'-', _) => (Op(BinaryOp::Sub), 1),
            (b'*', _) => (Op(BinaryOp::Mul), 1),
            (b'/', _) => (Op(BinaryOp::Div), 1),
            (b'%', _) => (Op(BinaryOp::Mod), 1),
            (b'^', _) => (Op(BinaryOp::Pow), 1),
            (b'(', _) => (LeftParen, 1),
            (b')', _) => (RightParen, 1),
            (b'{', _) => (LeftBrace, 1),
            (b'}', _) => (RightBrace, 1),
            (b'[', _) => (LeftBracket, 1),
            (b']', _) => (RightBracket, 1),
            (b',', _) => (Comma, 1),
            (b':', _) => (Colon, 1),
            (b'@', _) => (At, 1),
            _ => {
                let found = self.text[start..].chars().next().unwrap_or_default();
                self.at += found.len_utf8();
                let context = if self.in_braces { " inside braces" } else { "" };
                return self.error(start, format!("unexpected character{context}: {found:?}"));
            }
        };
        match kind {
            LeftBrace => self.in_braces = true,
            RightBrace => self.in_braces = false,
            LeftBracket => self.in_brackets = true,
            RightBracket => self.in_brackets = false,
            _ => {}
        }
        self.at += length;
        self.push(kind, start);
        Ok(())
    }

    fn raw(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let body = &self.text[start + 1..];
        let Some(length) = body.find('`') else {
            self.at = self.text.len();
            return self.error(start, "unterminated raw string");
        };
        let value = body[..length].to_string();
        self.at = start + length + 2;
        let (line, line_start) = (self.line, self.line_start);
        self.push(TokenKind::Text(value), start);
        // A raw string may hold line breaks.
        let breaks = body[..length].matches('\n').count();
        self.line = line + breaks;
        self.line_start = body[..length].rfind('\n').map_or(line_start, |at| start + 1 + at + 1);
        Ok(())
    }

    /// A string with Go's escapes.
    fn quoted(&mut self, quote: u8) -> Result<(), ParseError> {
        let start = self.at;
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.peek() {
                None | Some(b'\n') => return self.error(start, "unterminated quoted string"),
                Some(b) if b == quote => break,
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(quote, start, &mut value)?;
                }
                Some(b) => {
                    value.push(b);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        match String::from_utf8(value) {
            Ok(value) => self.push(TokenKind::Text(value), start),
            Err(_) => return self.error(start, "string is not valid UTF-8"),
        }
        Ok(())
    }

    /// What follows a backslash.
    fn escape(&mut self, quote: u8, start: usize, value: &mut Vec<u8>) -> Result<(), ParseError> {
        let Some(byte) = self.peek() else {
            return self.error(start, "escape sequence not terminated");
        };
        self.at += 1;
        let (digits, radix, is_bytes) = match byte {
            b'a' => return push_byte(value, 7),
            b'b' => return push_byte(value, 8),
            b'f' => return push_byte(value, 12),
            b'n' => return push_byte(value, b'\n'),
            b'r' => return push_byte(value, b'\r'),
            b't' => return push_byte(value, b'\t'),
            b'v' => return push_byte(value, 11),
            b'\\' => return push_byte(value, b'\\'),
            b if b == quote => return push_byte(value, quote),
            b'0'..=b'7' => {
                self.at -= 1;
                (3, 8, true)
            }
            b'x' => (2, 16, true),
            b'u' => (4, 16, false),
            b'U' => (8, 16, false),
            _ => {
                let shown = self.text[self.at - 1..].chars().next().unwrap_or_default();
                self.at += shown.len_utf8() - 1;
                return self.error(start, format!("unknown escape sequence {:?}", format!("\\{shown}")));
            }
        };
        let text = self.text.get(self.at..self.at + digits);
        // `from_str_radix` would also take a sign.
        let number = text.filter(|text| !text.starts_with('+')).and_then(|text| u32::from_str_radix(text, radix).ok());
        let Some(number) = number else {
            return self.error(start, "illegal character in escape sequence");
        };
        self.at += digits;
        if is_bytes {
            match u8::try_from(number) {
                Ok(byte) => value.push(byte),
                Err(_) => return self.error(start, "escape sequence is an invalid octal byte"),
            }
        } else {
            match char::from_u32(number) {
                Some(found) => value.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes()),
                None => return self.error(start, "escape sequence is an invalid Unicode code point"),
            }
        }
        Ok(())
    }

    /// `12`, `0x1F`, `1_000`, `1.5e-3`, `5m`, `1h30m`.
    fn number(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while let Some(byte) = self.peek() {
            let after_exponent = matches!(bytes[self.at.saturating_sub(1)], b'e' | b'E') && !self.text[start..].starts_with("0x");
            let signed =
                matches!(byte, b'+' | b'-') && after_exponent && bytes[start..self.at - 1].iter().all(|b| !b.is_ascii_alphabetic());
            if !(byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' || signed) {
                break;
            }
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if let Some(value) = parse_number(text) {
            if !value.is_finite() {
                return self.error(start, format!("error parsing number: {text:?} is out of range"));
            }
            self.push(TokenKind::Number(value), start);
        } else {
            match bellbuoy_vocabulary::parse_duration(text) {
                // More than that does not fit a Go time.Duration, which holds nanoseconds.
                Ok(length) if length.0 <= i64::MAX / 1_000_000 => self.push(TokenKind::Duration(length.seconds()), start),
                Ok(_) => return self.error(start, "duration out of range"),
                Err(error) if error.starts_with("duration out of range") => return self.error(start, "duration out of range"),
                Err(_) => return self.error(start, format!("bad number or duration syntax: {text:?}")),
            }
        }
        Ok(())
    }
}

fn push_byte(value: &mut Vec<u8>, byte: u8) -> Result<(), ParseError> {
    value.push(byte);
    Ok(())
}

/// A number as Go reads it: first an integer of any base with its prefix (`0x1F`, `0b1`, `017`), else a decimal fraction.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let integer = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(|number| number as f64);
    if let Some(digits) = plain.strip_prefix("0x") {
        return integer(digits, 16);
    }
    if let Some(digits) = plain.strip_prefix("0b") {
        return integer(digits, 2);
    }
    if let Some(digits) = plain.strip_prefix("0o") {
        return integer(digits, 8);
    }
    if plain.len() > 1
        && plain.starts_with('0')
        && let Some(number) = integer(&plain[1..], 8)
    {
        return Some(number);
    }
    let digits_only = plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
    if digits_only { plain.parse().ok() } else { None }
}
