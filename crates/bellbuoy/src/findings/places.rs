//! From the way to a value (`groups[0].rules[2].expr`, bytes 4 to 9) to line and column.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use bellbuoy_check::{Anchor, Finding, Step};
use bellbuoy_vocabulary::Span;

use crate::config::{Loaded, Node, Source, Value, place, range_within};

/// Maps by the place where they begin: anchors of rules and routes start there.
pub struct Places<'a> {
    source: &'a Source,
    maps: HashMap<(usize, usize), &'a Node>,
}

/// Gives each finding whose value is found its place; the others keep the one they have.
pub fn fill_in(findings: &mut [Finding], loaded: &Loaded) {
    let mut known: HashMap<String, Option<Places>> = HashMap::new();
    for finding in findings.iter_mut().filter(|finding| finding.at != Anchor::default()) {
        // A file of templates is no tree: its text is the value.
        if finding.at.base == Span::default()
            && finding.at.path.is_empty()
            && let (Some(part), Some(text)) = (&finding.at.part, loaded.texts.get(Path::new(&finding.file)))
        {
            let length = part.len().max(1);
            finding.span = Span { length, ..place(text, part.start) };
            continue;
        }
        let places = known.entry(finding.file.clone()).or_insert_with(|| loaded.sources.get(Path::new(&finding.file)).map(Places::of));
        if let Some(span) = places.as_ref().and_then(|places| places.span(&finding.at)) {
            finding.span = span;
        }
    }
}

impl<'a> Places<'a> {
    pub fn of(source: &'a Source) -> Places<'a> {
        let mut maps = HashMap::new();
        collect(&source.tree.root, &mut maps);
        Places { source, maps }
    }

    /// The value that an anchor means; of a way that ends early the last value that is there.
    pub fn node(&self, at: &Anchor) -> Option<&'a Node> {
        let mut node = match at.base {
            Span { line: 0, .. } => &self.source.tree.root,
            base => self.maps.get(&(base.line, base.column)).copied()?,
        };
        for step in &at.path {
            let Some(next) = stepped(node, step) else { return Some(node) };
            node = next;
        }
        Some(node)
    }

    /// The lines on which the value begins, and the maps and keys on the way to it: a comment above any of them speaks of it.
    pub fn lines(&self, at: &Anchor) -> Vec<usize> {
        let mut lines = vec![at.base.line];
        for end in 0..at.path.len() {
            let parent = Anchor { path: at.path[..end].to_vec(), ..at.clone() };
            let Some(node) = self.node(&parent) else { break };
            if let (Step::Key(key), Value::Map(entries)) = (&at.path[end], &node.value) {
                lines.extend(entries.iter().find(|entry| entry.key == *key).map(|entry| entry.key_span.line));
            }
            lines.extend(stepped(node, &at.path[end]).map(|node| node.span.line));
        }
        lines
    }

    fn span(&self, at: &Anchor) -> Option<Span> {
        let node = self.node(at)?;
        if let Some((_, span)) = at.part.clone().and_then(|part| self.bytes(node, part)) {
            return Some(span);
        }
        let whole = node.scalar().and_then(|scalar| self.bytes(node, 0..scalar.text.len()));
        Some(whole.map_or(Span { length: node.span.length.min(1), ..node.span }, |(_, span)| span))
    }

    pub fn bytes(&self, node: &Node, part: Range<usize>) -> Option<(Range<usize>, Span)> {
        range_within(&self.source.text, node, part)
    }
}

pub fn stepped<'a>(node: &'a Node, step: &Step) -> Option<&'a Node> {
    match (step, &node.value) {
        (Step::Key(key), _) => node.get(key),
        (Step::Index(index), Value::List(items)) => items.get(*index),
        (Step::Item(key, wanted), Value::List(items)) => {
            items.iter().find(|item| item.get(key).and_then(Node::scalar).is_some_and(|scalar| scalar.text == *wanted))
        }
        _ => None,
    }
}

fn collect<'a>(node: &'a Node, maps: &mut HashMap<(usize, usize), &'a Node>) {
    match &node.value {
        Value::Map(entries) => {
            maps.entry((node.span.line, node.span.column)).or_insert(node);
            entries.iter().for_each(|entry| collect(&entry.value, maps));
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, maps)),
        _ => {}
    }
}
