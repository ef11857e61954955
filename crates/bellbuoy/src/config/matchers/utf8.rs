//! The UTF-8 grammar of Alertmanager's matchers: names and values are words without reserved characters, or Go strings in
//! double quotes. Errors carry Alertmanager's words with the columns of the text that they mean.

use bellbuoy_vocabulary::{MatchOp, Matcher};

use super::{build, operator};

/// Zero or more matchers, in braces or without.
pub fn parse(text: &str) -> Result<Vec<Matcher>, String> {
    let mut reader = Reader { text, at: 0 };
    let braced = reader.peek()?.kind == Kind::Open;
    if braced {
        reader.next()?;
    }
    let mut matchers = Vec::new();
    loop {
        let token = reader.peek()?;
        match token.kind {
            Kind::Close => break,
            Kind::End if matchers.is_empty() && !braced => return Ok(matchers),
            Kind::End => break,
            // After a comma only a matcher or the end may follow, and first of all a matcher.
            _ => matchers.push(matcher(&mut reader)?),
        }
        let token = reader.peek()?;
        match token.kind {
            Kind::Comma => {
                reader.next()?;
                let after = reader.peek()?;
                if !matches!(after.kind, Kind::Word | Kind::Quoted | Kind::Close | Kind::End) {
                    return Err(format!("{}: expected a matcher or close brace after comma", reader.unexpected(&after)));
                }
            }
            Kind::Close | Kind::End => break,
            _ => return Err(format!("{}: expected a comma or close brace", reader.unexpected(&token))),
        }
    }
    let end = reader.next()?;
    match (braced, end.kind) {
        (true, Kind::Close) | (false, Kind::End) => {}
        (false, _) => return Err(format!("0:{}: }}: expected opening brace", reader.columns(end.end))),
        (true, _) => return Err(format!("0:{}: end of input: expected close brace", reader.columns(text.len()))),
    }
    let rest = reader.next()?;
    match rest.kind {
        Kind::End => Ok(matchers),
        _ => Err(format!("{}: expected end of input", reader.place(&rest))),
    }
}

/// Exactly one matcher.
pub fn parse_one(text: &str) -> Result<Matcher, String> {
    let mut matchers = parse(text)?;
    match (matchers.pop(), matchers.len()) {
        (Some(matcher), 0) => Ok(matcher),
        (None, _) => Err("no matchers".into()),
        (Some(_), more) => Err(format!("expected 1 matcher, found {}", more + 1)),
    }
}

fn matcher(reader: &mut Reader) -> Result<Matcher, String> {
    let name = word(reader, "expected label name")?;
    let token = reader.peek()?;
    let Kind::Operator(op) = token.kind else {
        return Err(format!("{}: expected an operator such as '=', '!=', '=~' or '!~'", reader.unexpected(&token)));
    };
    reader.next()?;
    let value = word(reader, "expected label value")?;
    build(&name, op, value).map_err(|reason| format!("failed to create matcher: {reason}"))
}

fn word(reader: &mut Reader, wanted: &str) -> Result<String, String> {
    let token = reader.peek()?;
    let text = &reader.text[token.start..token.end];
    let word = match token.kind {
        Kind::Word => text.to_string(),
        Kind::Quoted => unquote(text).ok_or_else(|| format!("{}: invalid input", reader.place(&token)))?,
        _ => return Err(format!("{}: {wanted}", reader.unexpected(&token))),
    };
    reader.next()?;
    Ok(word)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    Comma,
    Operator(MatchOp),
    Word,
    Quoted,
    End,
}

struct Token {
    kind: Kind,
    /// Bytes of the text.
    start: usize,
    end: usize,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek()?;
        self.at = token.end;
        Ok(token)
    }

    fn peek(&self) -> Result<Token, String> {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        let token = |kind, length: usize| Ok(Token { kind, start, end: start + length });
        let Some(first) = rest.chars().next() else { return token(Kind::End, 0) };
        match first {
            '{' => token(Kind::Open, 1),
            '}' => token(Kind::Close, 1),
            ',' => token(Kind::Comma, 1),
            '=' | '!' => match operator(rest) {
                Some(op) => token(Kind::Operator(op), op.symbol().len()),
                None if rest.len() == 1 => {
                    let (from, to) = (self.columns(start), self.columns(start + 1));
                    Err(format!("{from}:{to}: unexpected end of input, expected one of '=~'"))
                }
                None => Err(format!("{}: expected one of '=~'", self.place(&Token { kind: Kind::End, start, end: start + 1 }))),
            },
            '"' => match closing_quote(rest) {
                Some(length) => token(Kind::Quoted, length),
                None => Err(format!("{}: missing end \"", self.place(&Token { kind: Kind::End, start, end: self.text.len() }))),
            },
            c if reserved(c) => Err(format!("{}: invalid input", self.place(&Token { kind: Kind::End, start, end: start + c.len_utf8() }))),
            _ => token(Kind::Word, rest.find(reserved).unwrap_or(rest.len())),
        }
    }

    /// Characters up to a byte.
    fn columns(&self, byte: usize) -> usize {
        self.text[..byte].chars().count()
    }

    fn place(&self, token: &Token) -> String {
        format!("{}:{}: {}", self.columns(token.start), self.columns(token.end), &self.text[token.start..token.end])
    }

    fn unexpected(&self, token: &Token) -> String {
        if token.kind == Kind::End {
            return "end of input".into();
        }
        let (from, to) = (self.columns(token.start), self.columns(token.end));
        format!("{from}:{to}: unexpected {}", &self.text[token.start..token.end])
    }
}

fn reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

/// The length of a text in double quotes.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Go's `strconv.Unquote` of a text in double quotes; what is not UTF-8 afterwards is none.
fn unquote(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut out: Vec<u8> = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    let push = |out: &mut Vec<u8>, c: char| out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    while let Some(c) = chars.next() {
        match c {
            '\n' => return None,
            '\\' => match chars.next()? {
                'n' => out.push(b'\n'),
                't' => out.push(b'\t'),
                'r' => out.push(b'\r'),
                'a' => out.push(7),
                'b' => out.push(8),
                'f' => out.push(12),
                'v' => out.push(11),
                c @ ('"' | '\\') => push(&mut out, c),
                // These two are bytes, the next two are characters.
                'x' => out.push(u8::try_from(number(&mut chars, 2, 16, 0)?).ok()?),
                c @ '0'..='7' => out.push(u8::try_from(number(&mut chars, 2, 8, c.to_digit(8)?)?).ok()?),
                'u' => push(&mut out, char::from_u32(number(&mut chars, 4, 16, 0)?)?),
                'U' => push(&mut out, char::from_u32(number(&mut chars, 8, 16, 0)?)?),
                _ => return None,
            },
            c => push(&mut out, c),
        }
    }
    String::from_utf8(out).ok()
}

fn number(chars: &mut std::str::Chars, digits: usize, radix: u32, begun: u32) -> Option<u32> {
    let mut value = begun;
    for _ in 0..digits {
        value = value.checked_mul(radix)? + chars.next()?.to_digit(radix)?;
    }
    Some(value)
}
