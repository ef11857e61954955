//! YAML text -> a tree in which each node knows its place in the file.
//!
//! Why not serde: its errors stop at the first problem, and its positions end where the value begins. A tree lets the readers
//! report everything at once and point into the middle of a block scalar. The parser is `granit-parser` (YAML 1.2 events).

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use bellbuoy_vocabulary::Span;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Tag, options};

use super::read::Report;

/// A configuration file larger than this is refused. Prometheus' largest known rule files are around 2 MiB.
pub const FILE_BYTES_MAX: usize = 16 << 20;
/// Nested lists and maps. Route trees of real installations are below 10 deep, each level takes two.
const DEPTH_MAX: usize = 100;
/// Nodes that aliases (`*name`) and merge keys may add: bounds the "billion laughs".
const ALIASED_NODES_MAX: usize = 100_000;

/// A value and where it stands in its file.
#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    /// Bytes of the file: of a scalar its whole token with quotes, of a block scalar its content.
    pub bytes: Range<usize>,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A value whose variable is not set. That is reported; readers take it as absent and stay silent about it.
    Unset,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

#[derive(Clone, Debug)]
pub struct Scalar {
    /// After escapes, folding and the expansion of variables.
    pub text: String,
    pub style: ScalarStyle,
    /// The text before its variables were filled in, and their names. `None` when it had none.
    pub written: Option<(String, Vec<String>)>,
}

impl Scalar {
    /// What messages may show: never the value of a variable.
    pub fn shown(&self) -> &str {
        self.written.as_ref().map_or(&self.text, |(written, _)| written)
    }

    pub fn expanded(&self) -> bool {
        self.written.is_some()
    }
}

impl Node {
    pub fn null() -> Node {
        Node { span: Span::default(), bytes: 0..0, value: Value::Null }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null | Value::Unset)
    }

    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value of a map's key; `None` for anything else.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// What the node is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null | Value::Unset => "nothing",
            Value::Scalar(_) => "a value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    fn size(&self) -> usize {
        match &self.value {
            Value::Null | Value::Unset | Value::Scalar(_) => 1,
            Value::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|entry| 1 + entry.value.size()).sum::<usize>(),
        }
    }
}

/// A file's first document.
#[derive(Debug)]
pub struct Tree {
    pub root: Node,
    /// Where the comments are: the text that is shown back leaves them out, they may hold an old password.
    pub comments: Vec<Range<usize>>,
}

/// Reads one document. Problems of form go to the report and give `None`.
pub fn parse(text: &str, report: &Report) -> Option<Tree> {
    if text.len() > FILE_BYTES_MAX {
        report.error(
            Span::default(),
            format!("file of {} bytes is too large", text.len()),
            format!("at most {FILE_BYTES_MAX} bytes are read"),
        );
        return None;
    }
    let limits = options! { flow_nesting_limit: DEPTH_MAX, block_nesting_limit: DEPTH_MAX, max_buffered_comment_events: 100_000 };
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(text, limits),
        report,
        anchors: HashMap::new(),
        aliased_nodes: 0,
        comments: Vec::new(),
        broken: false,
    };
    let root = match builder.document() {
        Ok(root) => root,
        Err(Stop::Scan(error)) => {
            let at = error.marker();
            let span = Span { line: at.line(), column: at.col() + 1, length: 1 };
            report.error(span, format!("not valid YAML: {}", error.info().lines().next().unwrap_or("broken")), "");
            return None;
        }
        Err(Stop::Reported) => return None,
    };
    (!builder.broken).then_some(Tree { root, comments: builder.comments })
}

enum Stop {
    Scan(ScanError),
    Reported,
}

struct Builder<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    report: &'a Report,
    anchors: HashMap<usize, Node>,
    aliased_nodes: usize,
    comments: Vec<Range<usize>>,
    /// A problem was found that lets the reading go on but spoils the tree.
    broken: bool,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, granit_parser::Span), Stop> {
        loop {
            match self.events.next_event() {
                None => return Ok((Event::StreamEnd, granit_parser::Span::default())),
                Some(Err(error)) => return Err(Stop::Scan(error)),
                Some(Ok((Event::Comment(..), span))) => self.comments.extend(span.byte_range()),
                Some(Ok(event)) => return Ok(event),
            }
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root.unwrap_or_else(Node::null)),
                Event::DocumentStart(..) if root.is_some() => {
                    self.report.error(
                        place(&span),
                        "a second YAML document begins here",
                        "only one document per file is read; make it a file of its own",
                    );
                    return Err(Stop::Reported);
                }
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span)?),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: granit_parser::Span) -> Result<Node, Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let null = style == ScalarStyle::Plain && tag.is_none() && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                self.check_tag(tag.as_deref(), &span);
                let value = if null { Value::Null } else { Value::Scalar(Scalar { text: text.into_owned(), style, written: None }) };
                Ok(self.keep(anchor, Node { span: place(&span), bytes: span.byte_range().unwrap_or(0..0), value }))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span);
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span)?),
                    }
                }
                Ok(self.keep(anchor, Node { span: place(&span), bytes: span.byte_range().unwrap_or(0..0), value: Value::List(items) }))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span);
                let entries = self.entries()?;
                Ok(self.keep(anchor, Node { span: place(&span), bytes: span.byte_range().unwrap_or(0..0), value: Value::Map(entries) }))
            }
            Event::Alias(id) => {
                // An alias inside of the node that it names: the node is not complete, so it is not known yet.
                let Some(node) = self.anchors.get(&id) else {
                    self.report.error(place(&span), "this alias refers to the node that contains it", "");
                    return Err(Stop::Reported);
                };
                self.aliased_nodes += node.size();
                if self.aliased_nodes > ALIASED_NODES_MAX {
                    let message = format!("aliases blow this file up to more than {ALIASED_NODES_MAX} nodes");
                    self.report.error(place(&span), message, "write the values out, or use fewer aliases inside of aliases");
                    return Err(Stop::Reported);
                }
                Ok(node.clone())
            }
            _ => {
                self.report.error(place(&span), "this YAML construct is not supported", "");
                Err(Stop::Reported)
            }
        }
    }

    /// `!!str` and its like mean nothing new here; other tags ask for something that nobody does.
    fn check_tag(&mut self, tag: Option<&Tag>, span: &granit_parser::Span) {
        if tag.is_some_and(|tag| !tag.is_yaml_core_schema() && !matches!(tag.suffix(), "" | "!")) {
            self.report.error(place(span), "custom YAML tags are not supported", "remove the `!` tag");
            self.broken = true;
        }
    }

    fn keep(&mut self, anchor: usize, node: Node) -> Node {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn entries(&mut self) -> Result<Vec<Entry>, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            let name = match &key.value {
                Value::Scalar(scalar) if scalar.style == ScalarStyle::Plain && scalar.text == "<<" => {
                    self.merge(&key, value, &mut merged);
                    continue;
                }
                Value::Scalar(scalar) => scalar.text.clone(),
                Value::Null | Value::Unset => "null".to_string(),
                Value::List(_) | Value::Map(_) => {
                    self.report.error(key.span, "a key must be a plain text", "");
                    self.broken = true;
                    continue;
                }
            };
            if let Some(line) = seen.insert(name.clone(), key.span.line) {
                self.report.error(key.span, format!("{name:?} is given twice; the first is in line {line}"), "remove one of the two");
                self.broken = true;
                continue;
            }
            entries.push(Entry { key: name, key_span: key.span, value });
        }
        // What the map says itself wins over what it merges; of several merged maps the first wins.
        let mut known: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        entries.extend(merged.into_iter().filter(|entry| known.insert(entry.key.clone())));
        Ok(entries)
    }

    fn merge(&mut self, key: &Node, value: Node, merged: &mut Vec<Entry>) {
        match value.value {
            Value::Map(entries) => merged.extend(entries),
            Value::List(items) => items.into_iter().for_each(|item| self.merge(key, item, merged)),
            Value::Null | Value::Unset | Value::Scalar(_) => {
                self.report.error(key.span, "`<<` merges a map, and this is none", "write `<<: *name` with the anchor of a map");
                self.broken = true;
            }
        }
    }
}

fn place(span: &granit_parser::Span) -> Span {
    let length = span.end.index().saturating_sub(span.start.index());
    Span { line: span.start.line(), column: span.start.col() + 1, length }
}

/// Where the character at `offset` (bytes of the scalar's value) stands in the file.
///
/// Quotes, escapes, indentation and folding change only spaces, line ends and backslashes, so the n-th visible character of the
/// value is the n-th visible one of the source. A scalar whose variables were filled in is no longer comparable: its beginning it is.
pub fn place_within(file_text: &str, node: &Node, offset: usize) -> Span {
    let (Some(scalar), Some(source)) = (node.scalar(), file_text.get(node.bytes.clone())) else { return node.span };
    if scalar.expanded() {
        return node.span;
    }
    let before = scalar.text.get(..offset.min(scalar.text.len())).unwrap_or("");
    let at_visible = scalar.text[before.len()..].chars().next().is_some_and(|c| !c.is_whitespace());
    let wanted = before.chars().filter(|c| !c.is_whitespace()).count();
    let mut walk = SourceWalk { rest: source, line: node.span.line, column: node.span.column, style: scalar.style };
    walk.enter();
    for _ in 0..wanted {
        walk.visible();
    }
    if at_visible {
        walk.spaces();
    }
    Span { line: walk.line, column: walk.column, length: 1 }
}

/// Where a part (bytes of the scalar's value) stands in the file: its bytes, and its place up to the end of the first line.
/// `None` when the value was filled in from a variable.
pub fn range_within(file_text: &str, node: &Node, part: Range<usize>) -> Option<(Range<usize>, Span)> {
    let (scalar, source) = (node.scalar()?, file_text.get(node.bytes.clone())?);
    if scalar.expanded() {
        return None;
    }
    let visible = |range: Range<usize>| scalar.text.get(range).map(|text| text.chars().filter(|c| !c.is_whitespace()).count());
    let (before, within) = (visible(0..part.start)?, visible(part)?);
    let mut walk = SourceWalk { rest: source, line: node.span.line, column: node.span.column, style: scalar.style };
    walk.enter();
    (0..before).for_each(|_| walk.visible());
    if within > 0 {
        walk.spaces();
    }
    let byte = |walk: &SourceWalk| node.bytes.start + source.len() - walk.rest.len();
    let (start, line, column) = (byte(&walk), walk.line, walk.column);
    (0..within).for_each(|_| walk.visible());
    let end = byte(&walk);
    let shown = file_text.get(start..end)?.lines().next().unwrap_or("");
    Some((start..end, Span { line, column, length: shown.trim_end().chars().count().max(1) }))
}

/// Steps through the source of a scalar, one visible character of its value at a time.
struct SourceWalk<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
    style: ScalarStyle,
}

impl SourceWalk<'_> {
    /// Past the opening quote.
    fn enter(&mut self) {
        if matches!(self.style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) {
            self.step();
        }
    }

    fn step(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// Skips everything that is no visible character of the value.
    fn spaces(&mut self) {
        loop {
            let mut ahead = self.rest.chars();
            match (ahead.next(), ahead.next()) {
                (Some(c), _) if c.is_whitespace() => {
                    self.step();
                }
                // `\n`, `\t`, `\ ` and a line end after a backslash stand for spaces.
                (Some('\\'), Some(second))
                    if self.style == ScalarStyle::DoubleQuoted && (second.is_whitespace() || "ntrvfLNP_".contains(second)) =>
                {
                    self.step();
                    self.step();
                }
                _ => return,
            }
        }
    }

    fn visible(&mut self) {
        self.spaces();
        let digits = match (self.style, self.step()) {
            (ScalarStyle::SingleQuoted, Some('\'')) => {
                self.step();
                return;
            }
            (ScalarStyle::DoubleQuoted, Some('\\')) => match self.step() {
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                _ => 0,
            },
            _ => 0,
        };
        for _ in 0..digits {
            self.step();
        }
    }
}
