//! Go's regular expressions (`regexp/syntax`, RE2) in the words of the regex crate.
//!
//! The two differ in little, and where they do a selector would match other series than Prometheus' does: `\d`, `\w`, `\s` are ASCII
//! there; braces that are no repetition, and `[`, `&&`, `--`, `~~` in a class, are plain characters; `x**`, `x{1001}` and flags
//! that are not Go's are refused.

/// What Go lets a repetition count to.
const REPEAT_MAX: u32 = 1000;

pub(crate) fn translated(pattern: &str) -> Result<String, String> {
    let mut reader = Reader { rest: pattern, out: String::with_capacity(pattern.len() + 8) };
    reader.read()?;
    Ok(reader.out)
}

struct Reader<'a> {
    rest: &'a str,
    out: String,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), String> {
        // Whether what was read last is a repetition: a second one of it is refused.
        let mut repeated = false;
        while let Some(c) = self.next() {
            let mut repeats = false;
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                '*' | '+' | '?' => {
                    self.out.push(c);
                    repeats = true;
                }
                '{' => match self.repetition()? {
                    Some(text) => {
                        self.out.push_str(&text);
                        repeats = true;
                    }
                    None => self.out.push_str("\\{"),
                },
                '}' => self.out.push_str("\\}"),
                other => self.out.push(other),
            }
            if repeats {
                if repeated {
                    return Err("a repetition of a repetition".to_string());
                }
                if self.rest.starts_with('?') {
                    self.next();
                    self.out.push('?');
                }
            }
            repeated = repeats;
        }
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// What follows a backslash, also inside of a class.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.next() else { return Err("a backslash at the end".to_string()) };
        let ascii = match c {
            'd' => Some("0-9"),
            'w' => Some("0-9A-Za-z_"),
            's' => Some("\\t\\n\\f\\r "),
            _ => None,
        };
        match (c, ascii) {
            (_, Some(set)) if in_class => self.out.push_str(set),
            (_, Some(set)) => self.out.push_str(&format!("[{set}]")),
            ('D', _) => self.out.push_str("[^0-9]"),
            ('W', _) => self.out.push_str("[^0-9A-Za-z_]"),
            ('S', _) => self.out.push_str("[^\\t\\n\\f\\r ]"),
            ('b', _) if !in_class => self.out.push_str("(?-u:\\b)"),
            ('Q', _) if !in_class => {
                let (quoted, after) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.out.push_str(&regex::escape(quoted));
                self.rest = after;
            }
            ('0'..='7', _) => self.octal(c)?,
            ('u' | 'U' | '8' | '9' | '<' | '>', _) => return Err(format!("`\\{c}` has no meaning here")),
            _ => {
                self.out.push('\\');
                self.out.push(c);
            }
        }
        Ok(())
    }

    /// `\101`, `\0`; `\1` alone would be a reference to a group, which Go does not have.
    fn octal(&mut self, first: char) -> Result<(), String> {
        let digits = self.rest.chars().take(2).take_while(|c| ('0'..='7').contains(c)).count();
        if first != '0' && digits == 0 {
            return Err(format!("`\\{first}` would be a reference to a group, which does not exist here"));
        }
        let text = format!("{first}{}", &self.rest[..digits]);
        self.rest = &self.rest[digits..];
        let code = u32::from_str_radix(&text, 8).map_err(|_| format!("`\\{text}` is no character"))?;
        self.out.push_str(&format!("\\x{{{code:x}}}"));
        Ok(())
    }

    /// A class after its `[`. Each end of a range is a character by itself, whatever it means elsewhere.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.next();
            self.out.push('^');
        }
        let mut first = true;
        loop {
            // `[:alpha:]`
            let named = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")).map(|(name, _)| name.len() + 4);
            if let Some(length) = named {
                self.out.push_str(&self.rest[..length]);
                self.rest = &self.rest[length..];
                first = false;
                continue;
            }
            let Some(c) = self.next() else { return Err("unclosed character class".to_string()) };
            if c == ']' && !first {
                self.out.push(']');
                return Ok(());
            }
            first = false;
            let is_set = c == '\\' && self.rest.starts_with(['d', 'D', 'w', 'W', 's', 'S', 'p', 'P']);
            self.member(c)?;
            let mut ahead = self.rest.chars();
            if !is_set && ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
                self.next();
                self.out.push('-');
                if let Some(end) = self.next() {
                    self.member(end)?;
                }
            }
        }
    }

    fn member(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape(true)?,
            '[' | ']' | '&' | '~' | '-' | '^' => self.out.extend(['\\', c]),
            other => self.out.push(other),
        }
        Ok(())
    }

    /// A group after its `(`: the flags of Go are `imsU`.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        let Some(after) = self.rest.strip_prefix('?') else { return Ok(()) };
        let named = ["P<", "<"].iter().any(|begin| after.starts_with(begin));
        let flags = after.split([':', ')']).next().unwrap_or("");
        if !named && let Some(odd) = flags.chars().find(|c| !"imsU-".contains(*c)) {
            return Err(format!("`(?{odd}` has no meaning here"));
        }
        self.next();
        self.out.push('?');
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}` after its `{`; anything else is a plain brace.
    fn repetition(&mut self) -> Result<Option<String>, String> {
        let Some((inner, after)) = self.rest.split_once('}') else { return Ok(None) };
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (min, max) = inner.split_once(',').unwrap_or((inner, inner));
        if !number(min) || !(max.is_empty() || number(max)) {
            return Ok(None);
        }
        let too_large = |text: &str| !text.is_empty() && text.parse::<u32>().map_or(true, |count| count > REPEAT_MAX);
        if too_large(min) || too_large(max) {
            return Err(format!("repeated more than {REPEAT_MAX} times"));
        }
        self.rest = after;
        Ok(Some(format!("{{{inner}}}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::AnchoredRegex;

    /// Whether each text is matched; what `promtool check rules` and queries of the real Prometheus say of the same patterns.
    fn check(pattern: &str, matched: &[&str], other: &[&str]) {
        let regex = AnchoredRegex::new(pattern).unwrap_or_else(|error| panic!("{error}"));
        matched.iter().for_each(|text| assert!(regex.is_match(text), "{pattern} and {text:?}"));
        other.iter().for_each(|text| assert!(!regex.is_match(text), "{pattern} and {text:?}"));
    }

    #[test]
    fn braces_that_repeat_nothing_are_braces() {
        check("x{", &["x{"], &["x"]);
        check("[0-9]{3", &["5{3"], &["503"]);
        check("[0-9]{3}", &["503"], &["5{3}"]);
        check("x{,5}", &["x{,5}"], &["xx"]);
        check("x{a}", &["x{a}"], &["xa"]);
        check("x{2,}", &["xxx"], &["x"]);
        check("{", &["{"], &[""]);
    }

    #[test]
    fn classes_hold_plain_characters() {
        check("[[]", &["["], &["]"]);
        check("[a&&b]", &["a", "&", "b"], &["c"]);
        check("[~~]", &["~"], &["a"]);
        check("[[a]]", &["[]", "a]"], &["a"]);
        check("[]a]", &["]", "a"], &["b"]);
        check("[^]a]", &["b"], &["]"]);
        check(r"[\w-a]", &["-", "x"], &["."]);
        check("[+--]", &["+", ",", "-"], &["."]);
        check(r"[\]\-]", &["]", "-"], &["\\"]);
        check("[[:alpha:]_]", &["a", "_"], &["1", ":"]);
        check(r"[^\d\s]", &["a"], &["1", " "]);
    }

    #[test]
    fn classes_are_ascii() {
        check(r"\d+", &["19"], &["\u{664}"]);
        check(r"\w+", &["a_1"], &["\u{e9}"]);
        check(r"\S\s", &["a "], &["a\u{a0}"]);
        check(r"\bab\b", &["ab"], &["b"]);
        check("(?i)\u{e9}", &["\u{c9}"], &["e"]);
        check(r"\pL", &["\u{e9}"], &["1"]);
    }

    #[test]
    fn escapes() {
        check(r"\Qa.b\E.", &["a.bx"], &["axbx"]);
        check(r"\Qa.b", &["a.b"], &["axb"]);
        check(r"\101", &["A"], &["101"]);
        check(r"\x{61}\x61", &["aa"], &["a"]);
    }

    #[test]
    fn what_go_refuses() {
        for pattern in [
            "x**", "x++", "x{2}{3}", "x{1001}", "(?x)a b", "(?u)a", "(?R)a", "(?=a)", r"\u0061", r"\1", r"\8", "[a--b]", "[a", "(a", r"a\",
            "*a",
        ] {
            assert!(AnchoredRegex::new(pattern).is_err(), "{pattern}");
        }
        for pattern in ["x+?", "(?i-s:a)", "(?P<n>a)", "(?<n>a)", "(?U)x+", "^*", "(?:)", "a|*b"] {
            let known = !matches!(pattern, "a|*b");
            assert_eq!(AnchoredRegex::new(pattern).is_ok(), known, "{pattern}");
        }
    }
}
