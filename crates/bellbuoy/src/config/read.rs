//! Reads the fields of a map one by one and collects every problem with its place, instead of stopping at the first.
//!
//! A reader asks for the keys it knows; `finish` then reports each key that nobody asked for, with the known key that was
//! probably meant. Values of variables never appear in a message.

use std::cell::RefCell;
use std::ops::Range;

use bellbuoy_vocabulary::{AnchoredRegex, Millis, Problem, Secret, Severity, Span, nearest, parse_duration};
use granit_parser::ScalarStyle;

use super::yaml::{Entry, Node, Scalar, Value};

/// The problems of one file, and where its secrets stand.
#[derive(Debug, Default)]
pub struct Report {
    /// As the person named it.
    pub file: String,
    problems: RefCell<Vec<Problem>>,
    secrets: RefCell<Vec<Range<usize>>>,
}

impl Report {
    pub fn new(file: impl Into<String>) -> Report {
        Report { file: file.into(), ..Report::default() }
    }

    pub fn error(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.borrow_mut().push(Problem::error(&self.file, span, message).help(help));
    }

    pub fn warning(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.borrow_mut().push(Problem::warning(&self.file, span, message).help(help));
    }

    pub fn note(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let note = Problem { severity: Severity::Info, ..Problem::warning(&self.file, span, message) };
        self.problems.borrow_mut().push(note.help(help));
    }

    /// Marks a value that must not be shown back.
    pub fn hide(&self, bytes: Range<usize>) {
        self.secrets.borrow_mut().push(bytes);
    }

    /// Where the values stand that are not shown back.
    pub fn secrets(&self) -> Vec<Range<usize>> {
        self.secrets.borrow().clone()
    }

    /// The text with its secrets overwritten by `*`, so that a caret drawing can not show them and columns stay.
    pub fn starred(&self, text: &str) -> String {
        let mut secrets = self.secrets.borrow().clone();
        secrets.sort_by_key(|bytes| bytes.start);
        let (mut out, mut next) = (String::with_capacity(text.len()), 0);
        for (at, c) in text.char_indices() {
            while secrets.get(next).is_some_and(|bytes| bytes.end <= at) {
                next += 1;
            }
            let secret = c != '\n' && secrets.get(next).is_some_and(|bytes| bytes.contains(&at));
            out.push(if secret { '*' } else { c });
        }
        out
    }

    /// All problems in the order of the file.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.span.line, problem.span.column));
        problems.dedup();
        problems
    }

    /// The file's text with its secrets replaced and its comments left out.
    pub fn masked(&self, text: &str, comments: &[Range<usize>]) -> String {
        let mut cuts: Vec<(Range<usize>, &str)> = self.secrets.borrow().iter().map(|bytes| (bytes.clone(), "<secret>")).collect();
        cuts.extend(comments.iter().map(|bytes| (bytes.clone(), "")));
        cuts.sort_by_key(|(bytes, _)| (bytes.start, std::cmp::Reverse(bytes.end)));
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for (bytes, instead) in cuts {
            if bytes.start < at {
                continue;
            }
            out.push_str(text.get(at..bytes.start).unwrap_or(""));
            out.push_str(instead);
            // A block scalar's token goes on to the next line, which needs its line end and indentation.
            let token = text.get(bytes.clone()).unwrap_or("");
            out.push_str(&token[token.trim_end().len()..]);
            at = bytes.end;
        }
        out.push_str(text.get(at..).unwrap_or(""));
        let mut lines: Vec<&str> = out.lines().map(str::trim_end).collect();
        lines.retain(|line| !line.is_empty());
        let mut out = lines.join("\n");
        out.push('\n');
        out
    }
}

/// A text value and its place.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    pub scalar: &'a Scalar,
    pub node: &'a Node,
}

impl<'a> Text<'a> {
    pub fn of(node: &'a Node) -> Option<Text<'a>> {
        node.scalar().map(|scalar| Text { scalar, node })
    }

    pub fn as_str(&self) -> &'a str {
        &self.scalar.text
    }

    /// What a message may quote.
    pub fn shown(&self) -> &'a str {
        self.scalar.shown()
    }

    pub fn span(&self) -> Span {
        self.node.span
    }

    /// The details of another library's error: they may quote the text, so they are left out when it holds a variable's value.
    pub fn details(&self, error: &str) -> String {
        match &self.scalar.written {
            None => error.to_string(),
            Some((_, names)) => format!("not valid after the value of {} was filled in", names.join(", ")),
        }
    }
}

/// The fields of one map.
pub struct Fields<'a> {
    pub report: &'a Report,
    /// What the map is, for messages: `scrape config`.
    pub what: &'static str,
    pub span: Span,
    entries: &'a [Entry],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// `None` when the node is nothing, or no map (which is reported).
    pub fn of(node: &'a Node, what: &'static str, report: &'a Report) -> Option<Fields<'a>> {
        match &node.value {
            Value::Map(entries) => Some(Fields { report, what, span: node.span, entries, known: RefCell::default() }),
            Value::Null | Value::Unset => None,
            _ => {
                report.error(node.span, format!("{what} must be a map, not {}", node.kind()), "write it as `name: value` lines");
                None
            }
        }
    }

    pub fn error(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.report.error(span, message, help);
    }

    fn entry(&self, key: &'static str) -> Option<&'a Entry> {
        self.known.borrow_mut().push(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key, `None` when it is absent or nothing.
    pub fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.value).filter(|node| !node.is_null())
    }

    /// Whether the key is written at all, even with nothing behind it.
    pub fn has(&self, key: &'static str) -> bool {
        self.entry(key).is_some()
    }

    /// Whether the key's value is missing only because its variable is not set, which is reported already.
    pub fn unset(&self, key: &'static str) -> bool {
        self.entry(key).is_some_and(|entry| matches!(entry.value.value, Value::Unset))
    }

    /// Where the key stands, else the map.
    pub fn key_span(&self, key: &'static str) -> Span {
        self.entry(key).map_or(self.span, |entry| entry.key_span)
    }

    pub fn map(&self, key: &'static str, what: &'static str) -> Option<Fields<'a>> {
        self.node(key).and_then(|node| Fields::of(node, what, self.report))
    }

    pub fn list(&self, key: &'static str) -> &'a [Node] {
        let Some(node) = self.node(key) else { return &[] };
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.error(node.span, format!("{key:?} must be a list, not {}", node.kind()), "begin each item with `- `");
                &[]
            }
        }
    }

    /// The maps of a list; anything else in it is reported.
    pub fn maps(&self, key: &'static str, what: &'static str) -> Vec<Fields<'a>> {
        let mut found = Vec::new();
        for node in self.list(key) {
            if matches!(node.value, Value::Unset) {
                continue;
            }
            if node.is_null() {
                self.error(node.span, format!("empty {what} in {key:?}"), "remove the lone `-`");
            } else {
                found.extend(Fields::of(node, what, self.report));
            }
        }
        found
    }

    pub fn text(&self, key: &'static str) -> Option<Text<'a>> {
        let node = self.node(key)?;
        let text = Text::of(node);
        if text.is_none() {
            self.error(node.span, format!("{key:?} must be a text, not {}", node.kind()), "");
        }
        text
    }

    pub fn string(&self, key: &'static str) -> Option<String> {
        self.text(key).map(|text| text.as_str().to_string())
    }

    /// A text that must be there and not be empty.
    pub fn required(&self, key: &'static str) -> Option<Text<'a>> {
        let span = self.key_span(key);
        match self.node(key) {
            None if self.unset(key) => None,
            None => {
                self.error(span, format!("{key:?} is missing in this {}", self.what), format!("add `{key}: ...`"));
                None
            }
            Some(_) => match self.text(key)? {
                text if text.as_str().is_empty() => {
                    self.error(text.span(), format!("{key:?} is empty"), "");
                    None
                }
                text => Some(text),
            },
        }
    }

    pub fn texts(&self, key: &'static str) -> Vec<Text<'a>> {
        let mut found = Vec::new();
        for node in self.list(key) {
            match Text::of(node) {
                Some(text) => found.push(text),
                None if matches!(node.value, Value::Unset) => {}
                None => self.error(node.span, format!("an item of {key:?} must be a text, not {}", node.kind()), ""),
            }
        }
        found
    }

    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        let text = self.text(key)?;
        // YAML 1.1, which Go's reader speaks, only without quotes; a variable's value may stand in quotes.
        let free = text.scalar.style == ScalarStyle::Plain || text.scalar.expanded();
        match text.as_str() {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if free => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if free => Some(false),
            _ => {
                self.error(text.span(), format!("{key:?} must be true or false, not {:?}", text.shown()), "");
                None
            }
        }
    }

    pub fn integer(&self, key: &'static str) -> Option<u64> {
        let text = self.text(key)?;
        let number = text.as_str().parse::<u64>().ok().filter(|_| text.as_str().bytes().all(|b| b.is_ascii_digit()));
        let free = text.scalar.style == ScalarStyle::Plain || text.scalar.expanded();
        if number.is_none() || !free {
            self.error(text.span(), format!("{key:?} must be a whole number, not {:?}", text.shown()), "");
            return None;
        }
        number
    }

    pub fn float(&self, key: &'static str) -> Option<f64> {
        let text = self.text(key)?;
        let number = text.as_str().parse::<f64>().ok().filter(|number| number.is_finite());
        if number.is_none() {
            self.error(text.span(), format!("{key:?} must be a number, not {:?}", text.shown()), "");
        }
        number
    }

    pub fn duration(&self, key: &'static str) -> Option<Millis> {
        let text = self.text(key)?;
        match parse_duration(text.as_str()) {
            Ok(length) => Some(length),
            Err(_) => {
                let message = format!("{key:?} is not a valid duration: {:?}", text.shown());
                self.error(text.span(), message, "write for example 15s, 5m or 1h30m");
                None
            }
        }
    }

    /// Bytes: `10MB`, `1GiB`, `0`. As in Prometheus all units count by 1024.
    pub fn size(&self, key: &'static str) -> Option<u64> {
        let text = self.text(key)?;
        let size = parse_size(text.as_str());
        if size.is_none() {
            let message = format!("{key:?} is not a valid size: {:?}", text.shown());
            self.error(text.span(), message, "write for example 512KB, 10MB or 1GB");
        }
        size
    }

    /// A value that is never shown back.
    pub fn secret(&self, key: &'static str) -> Option<Secret> {
        let text = self.text(key)?;
        self.report.hide(text.node.bytes.clone());
        Some(Secret::new(text.as_str()))
    }

    /// A map of texts, in the file's order.
    pub fn pairs(&self, key: &'static str) -> Vec<Pair<'a>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::Map(entries) = &node.value else {
            self.error(node.span, format!("{key:?} must be a map, not {}", node.kind()), "write it as `name: value` lines");
            return Vec::new();
        };
        let mut found = Vec::new();
        for entry in entries {
            match &entry.value.value {
                Value::Scalar(_) | Value::Null | Value::Unset => {
                    found.push(Pair { name: &entry.key, name_span: entry.key_span, text: Text::of(&entry.value) })
                }
                _ => self.error(entry.value.span, format!("the value of {:?} must be a text, not {}", entry.key, entry.value.kind()), ""),
            }
        }
        found
    }

    /// Keys that Prometheus or Alertmanager know and we do not support yet: an error, never ignored.
    pub fn not_yet(&self, keys: &[&'static str]) {
        self.not_yet_but(keys, "remove it");
    }

    /// The same with the way out.
    pub fn not_yet_but(&self, keys: &[&'static str], help: &str) {
        for key in keys {
            if let Some(entry) = self.entry(key) {
                self.error(entry.key_span, format!("{key:?} is not supported yet"), help);
            }
        }
    }

    /// A switch that we read only at the value that says what we do anyway.
    pub fn only(&self, key: &'static str, fixed: bool) {
        let span = self.key_span(key);
        if self.boolean(key).is_some_and(|value| value != fixed) {
            self.error(span, format!("\"{key}: {}\" is not supported yet", !fixed), format!("leave it out or write {fixed}"));
        }
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(self) {
        self.each_unknown(|span, message, help| self.report.error(span, message, help));
    }

    /// The same as warnings: where the owner of the format ignores such keys.
    pub fn finish_with_warnings(self) {
        self.each_unknown(|span, message, help| self.report.warning(span, message, help));
    }

    fn each_unknown(&self, tell: impl Fn(Span, String, String)) {
        let known = self.known.borrow();
        for entry in self.entries {
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            let help = nearest(&entry.key, known.iter().copied()).map(|word| format!("did you mean {word:?}?")).unwrap_or_default();
            tell(entry.key_span, format!("unknown field {:?} in {}", entry.key, self.what), help);
        }
    }
}

/// One line of a map of texts.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    pub name: &'a str,
    pub name_span: Span,
    /// `None` for nothing, which stands for the empty text.
    pub text: Option<Text<'a>>,
}

impl<'a> Pair<'a> {
    pub fn value(&self) -> &'a str {
        self.text.map_or("", |text| text.as_str())
    }
}

pub fn regex_of(text: Text<'_>, report: &Report) -> Option<AnchoredRegex> {
    match AnchoredRegex::new(text.as_str()) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let reason = text.details(&error.reason);
            report.error(text.span(), format!("bad regular expression {:?}: {reason}", text.shown()), "");
            None
        }
    }
}

/// `512`, `10KB`, `1.5MiB`: Go's `units.ParseBase2Bytes`, which needs a unit except for 0.
pub fn parse_size(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..digits].parse().ok()?;
    let power = match &text[digits..] {
        "B" => 0,
        "KB" | "KiB" | "kB" => 1,
        "MB" | "MiB" => 2,
        "GB" | "GiB" => 3,
        "TB" | "TiB" => 4,
        "PB" | "PiB" => 5,
        "EB" | "EiB" => 6,
        _ => return None,
    };
    let bytes = number * 1024f64.powi(power);
    (bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// A name that messages and look-ups share: any text that is not empty is a label name since Prometheus 3.
pub fn label_name_ok(name: &str) -> bool {
    !name.is_empty()
}

/// Why a file could not be read, in plain words.
pub fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "no permission".into(),
        kind => kind.to_string(),
    }
}

/// The word of the list that was probably meant, as a help text.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|word| format!("did you mean {word:?}?")).unwrap_or_default()
}
