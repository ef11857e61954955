//! The labels of made-up series: every series gets every label that the rule speaks of, with values that its matchers accept and that
//! are the same on all sides, so that they find each other.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{AnchoredRegex, BUCKET_LABEL, Labels, METRIC_NAME, MatchOp, Matcher};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::leaves::{Leaf, Leaves};

/// Letters of a sampled text: a pattern that asks for more is not served.
const TEXT_MAX: usize = 200;

/// Which label values were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The values that most selectors accept.
    Shared,
    /// For labels that another selector of the same metric asks for: a value that it does not accept.
    Apart,
}

pub struct LabelMaker<'a> {
    leaves: &'a Leaves,
    /// For each label the values that some matcher speaks of, the usual one first.
    values: BTreeMap<String, Vec<String>>,
}

impl<'a> LabelMaker<'a> {
    pub fn new(leaves: &'a Leaves) -> LabelMaker<'a> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let fixed = [("job", "app"), ("instance", "host-1:9100"), ("namespace", "default")];
        let names = leaves.labels.iter().map(String::as_str).chain(["job", "instance"]);
        for name in names.filter(|name| ![BUCKET_LABEL, "quantile", METRIC_NAME, "alertname"].contains(name)) {
            let usual = fixed.iter().find(|(known, _)| *known == name).map_or_else(|| format!("{name}-1"), |(_, value)| value.to_string());
            values.insert(name.to_string(), vec![usual]);
        }
        for (source, regex, replacement, target) in &leaves.replaces {
            replaced(source, regex, replacement, target, &mut values);
        }
        for matcher in leaves.leaves.iter().flat_map(|leaf| &leaf.matchers) {
            let found = values.entry(matcher.name.clone()).or_default();
            for text in texts_of(matcher) {
                if !found.contains(&text) {
                    found.push(text);
                }
            }
        }
        LabelMaker { leaves, values }
    }

    /// The labels of a leaf's series; `None` when no value satisfies its matchers.
    pub fn labels(&self, leaf: &Leaf, variant: Variant) -> Option<Labels> {
        let mut labels = Labels::empty().builder();
        labels.set(METRIC_NAME, &leaf.metric);
        for (name, values) in &self.values {
            let own: Vec<&Matcher> = leaf.matchers.iter().filter(|m| m.name == *name).collect();
            if [BUCKET_LABEL, "quantile", "alertname", "alertstate"].contains(&name.as_str()) && own.is_empty() {
                continue;
            }
            let accepted: Vec<&String> = values.iter().filter(|value| own.iter().all(|m| m.matches(value))).collect();
            let absent_ok = own.iter().all(|m| m.matches_empty());
            match self.chosen(name, &accepted, leaf, variant) {
                // What `without` takes away on one side is not there on the other.
                Some(_) if own.is_empty() && self.leaves.taken_away.contains(name) => {}
                Some(value) => drop(labels.set(name, value)),
                None if absent_ok => {}
                None => return None,
            }
        }
        Some(labels.labels())
    }

    fn chosen<'v>(&self, name: &str, accepted: &[&'v String], leaf: &Leaf, variant: Variant) -> Option<&'v String> {
        let accepts = |other: &Leaf, value: &str| other.matchers.iter().all(|m| m.name != name || m.matches(value));
        let others = |value: &str| self.leaves.leaves.iter().filter(|other| accepts(other, value)).count();
        let siblings = |value: &str| {
            self.leaves
                .leaves
                .iter()
                .filter(|other| other.metric == leaf.metric && !std::ptr::eq(*other, leaf) && accepts(other, value))
                .count()
        };
        match variant {
            // The first of the best: the usual value before one that a matcher names.
            Variant::Shared => accepted.iter().rev().max_by_key(|value| others(value)).copied(),
            Variant::Apart => accepted.iter().rev().min_by_key(|value| siblings(value)).copied(),
        }
    }

    /// Whether choosing apart makes a difference for a leaf.
    pub fn has_variant(&self, leaf: &Leaf) -> bool {
        self.labels(leaf, Variant::Shared) != self.labels(leaf, Variant::Apart)
    }

    /// The labels that can tell copies of a series apart.
    pub fn free(&self, leaf: &Leaf) -> Vec<String> {
        let fixed = |name: &str| leaf.matchers.iter().any(|m| m.name == name && m.op == MatchOp::Equal);
        let mut names: Vec<String> = ["instance"].into_iter().filter(|name| !fixed(name)).map(str::to_string).collect();
        names.extend(self.values.keys().filter(|name| !fixed(name) && *name != "instance" && *name != BUCKET_LABEL).cloned());
        names
    }
}

/// The value number `copy` of a label; `None` when the matchers do not accept it.
pub fn copy_value(leaf: &Leaf, name: &str, base: &str, copy: usize) -> Option<String> {
    let own: Vec<&Matcher> = leaf.matchers.iter().filter(|m| m.name == name).collect();
    let accepted = |value: &String| own.iter().all(|m| m.matches(value));
    let numbered = match base.rsplit_once("-1") {
        Some((stem, end)) => format!("{stem}-{}{end}", copy + 1),
        None => format!("{base}-{}", copy + 1),
    };
    let words = own.iter().filter_map(|m| m.alternatives()).flatten().nth(copy).cloned();
    Some(numbered).filter(accepted).or(words.filter(accepted))
}

/// What the source of a label_replace has to be, and what the target becomes.
fn replaced(source: &str, regex: &str, replacement: &str, target: &str, values: &mut BTreeMap<String, Vec<String>>) {
    let Ok(compiled) = AnchoredRegex::new(regex) else { return };
    let usual = values.get(source).and_then(|known| known.first()).cloned().filter(|value| compiled.is_match(value));
    let Some(value) = usual.or_else(|| sample(regex)) else { return };
    let mut text = String::new();
    if let Some(captures) = compiled.regex().captures(&value) {
        captures.expand(replacement, &mut text);
    }
    for (name, value) in [(source, value), (target, text)] {
        if !value.is_empty() {
            let known = values.entry(name.to_string()).or_default();
            known.retain(|known| *known != value);
            known.insert(0, value);
        }
    }
}

/// Values that a matcher speaks of, whichever way.
fn texts_of(matcher: &Matcher) -> Vec<String> {
    match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.clone()].into_iter().filter(|value| !value.is_empty()).collect(),
        MatchOp::Regex | MatchOp::NotRegex => match matcher.alternatives() {
            Some(words) => words.iter().filter(|word| !word.is_empty()).cloned().collect(),
            None => sample(&matcher.value).into_iter().filter(|text| !text.is_empty()).collect(),
        },
    }
}

/// A text that a regular expression accepts.
pub fn sample(pattern: &str) -> Option<String> {
    let hir = regex_syntax::ParserBuilder::new().dot_matches_new_line(true).build().parse(pattern).ok()?;
    let mut out = String::new();
    write(&hir, &mut out)?;
    AnchoredRegex::new(pattern).ok().filter(|regex| regex.is_match(&out)).map(|_| out)
}

fn write(hir: &Hir, out: &mut String) -> Option<()> {
    if out.len() > TEXT_MAX {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            // A plain letter or digit where it may be one.
            // Behind a digit a digit: `5..` is a status.
            let digits = out.ends_with(|c: char| c.is_ascii_digit());
            let wanted = if digits {
                ['0', '1', '5', 'a', 'A', '-', '_', '.', '/', 'x']
            } else {
                ['a', '1', '5', '0', 'A', '-', '_', '.', '/', 'x']
            };
            let has = |c: char| class.iter().any(|range| range.start() <= c && c <= range.end());
            let first = class.iter().next().map(|range| range.start());
            out.push(wanted.into_iter().find(|c| has(*c)).or(first)?);
        }
        HirKind::Class(Class::Bytes(class)) => out.push(char::from(class.iter().next()?.start())),
        HirKind::Repetition(repetition) => {
            // One where one is enough: `.*` as a name should be there.
            let times = repetition.min.max(u32::from(repetition.max.is_none_or(|max| max > 0))).min(TEXT_MAX as u32);
            for _ in 0..times {
                write(&repetition.sub, out)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, out)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, out))?,
        HirKind::Alternation(parts) => write(parts.first()?, out)?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::sample;

    #[test]
    fn texts_that_patterns_accept() {
        for (pattern, text) in [
            ("5..", "500"),
            ("api-.+|web", "api-a"),
            ("[0-9]+", "1"),
            ("(prod|dev)-[a-c]{2}", "prod-aa"),
            (".*", "a"),
            ("^eth\\d$", "eth1"),
        ] {
            assert_eq!(sample(pattern).as_deref(), Some(text), "{pattern}");
        }
        assert_eq!(sample("("), None);
    }
}
