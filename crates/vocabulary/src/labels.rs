//! A label set: the identity of a series, an alert, a group.
//!
//! One allocation holds the whole set: for each label, sorted by name, `varint length, name, varint length, value`.
//! Cloning is a reference count; equality and hashing are those of the bytes. A set with 8 labels takes about 200 bytes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

pub const METRIC_NAME: &str = "__name__";
pub const ALERT_NAME: &str = "alertname";
pub const BUCKET_LABEL: &str = "le";

/// A sorted set of label names and non-empty values. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Labels(Arc<[u8]>);

static EMPTY: LazyLock<Labels> = LazyLock::new(|| Labels(Arc::from([])));

impl Labels {
    pub fn empty() -> Labels {
        EMPTY.clone()
    }

    /// From pairs in any order. An empty value means that the label is absent; of equal names the last wins.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Labels {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.labels()
    }

    /// From pairs that are sorted by name, without repeats and without empty values; the hot path of ingestion.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
        let mut bytes = Vec::with_capacity(128);
        let mut previous: Option<&str> = None;
        for (name, value) in pairs {
            debug_assert!(previous.is_none_or(|p| p < name) && !value.is_empty());
            previous = Some(name);
            push_text(&mut bytes, name);
            push_text(&mut bytes, value);
        }
        if bytes.is_empty() { Labels::empty() } else { Labels(Arc::from(bytes)) }
    }

    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.0 }
    }

    /// The value of a label, `""` when it is absent: the two mean the same everywhere in Prometheus.
    pub fn get(&self, name: &str) -> &str {
        for (n, v) in self.iter_bytes() {
            match n.cmp(name.as_bytes()) {
                Ordering::Less => {}
                Ordering::Equal => return text(v),
                Ordering::Greater => break,
            }
        }
        ""
    }

    /// The same as `iter` without the check that the texts are UTF-8, which is most of its cost: to compare and to hash.
    pub fn iter_bytes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || (!rest.is_empty()).then(|| (take_bytes(&mut rest), take_bytes(&mut rest))))
    }

    pub fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    pub fn name(&self) -> &str {
        self.get(METRIC_NAME)
    }

    pub fn len(&self) -> usize {
        self.iter_bytes().count()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The canonical bytes; equal sets have equal bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A stable 64-bit hash (FNV-1a over `name 0xff value 0xff`, Prometheus' and Alertmanager's fingerprint), the same in every run and version.
    pub fn fingerprint(&self) -> u64 {
        let mut hash: u64 = 0xcbf29ce484222325;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes.iter().chain(&[0xff]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100000001b3);
            }
        };
        for (name, value) in self.iter_bytes() {
            eat(name);
            eat(value);
        }
        hash
    }

    /// Without the metric's name, as most PromQL operations leave a series.
    pub fn without_name(&self) -> Labels {
        if !self.has(METRIC_NAME) {
            return self.clone();
        }
        Labels::from_sorted(self.iter().filter(|(name, _)| *name != METRIC_NAME))
    }

    pub fn builder(&self) -> LabelsBuilder {
        LabelsBuilder { pairs: self.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect() }
    }
}

impl Default for Labels {
    fn default() -> Labels {
        Labels::empty()
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Labels) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Prometheus' order: name, then value, label by label; a prefix comes first.
impl Ord for Labels {
    fn cmp(&self, other: &Labels) -> Ordering {
        self.iter_bytes().cmp(other.iter_bytes())
    }
}

/// `name{label="value"}`, the form of PromQL, readable back by it.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        let bare_name = is_classic_metric_name(name);
        if bare_name {
            f.write_str(name)?;
            if self.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let mut first = true;
        for (n, v) in self.iter() {
            if n == METRIC_NAME && bare_name {
                continue;
            }
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            let quoted: Cow<str> = if is_classic_label_name(n) { n.into() } else { format!("{n:?}").into() };
            write!(f, "{quoted}=\"{}\"", escape(v))?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn escape(value: &str) -> Cow<'_, str> {
    if value.contains(['"', '\\', '\n']) {
        value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").into()
    } else {
        value.into()
    }
}

pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);
    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        if self.rest.is_empty() {
            return None;
        }
        Some((take_text(&mut self.rest), take_text(&mut self.rest)))
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(rest: &mut &'a [u8]) -> &'a str {
    text(take_bytes(rest))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a Labels value is built from str only")
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (mut length, mut shift) = (0usize, 0);
    loop {
        let byte = rest[0];
        *rest = &rest[1..];
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    let (text, after) = rest.split_at(length);
    *rest = after;
    text
}

/// Collects changes to a label set; `labels()` gives the result.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    pub fn new() -> LabelsBuilder {
        LabelsBuilder::default()
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut LabelsBuilder {
        match (self.pairs.iter().position(|(n, _)| n == name), value.is_empty()) {
            (Some(at), true) => {
                self.pairs.swap_remove(at);
            }
            (Some(at), false) => self.pairs[at].1 = value.to_string(),
            (None, true) => {}
            (None, false) => self.pairs.push((name.to_string(), value.to_string())),
        }
        self
    }

    pub fn remove(&mut self, name: &str) -> &mut LabelsBuilder {
        self.set(name, "")
    }

    pub fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    pub fn keep(&mut self, mut wanted: impl FnMut(&str) -> bool) -> &mut LabelsBuilder {
        self.pairs.retain(|(n, _)| wanted(n));
        self
    }

    /// Name and value pairs in no particular order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    pub fn labels(&mut self) -> Labels {
        self.pairs.sort_unstable();
        Labels::from_sorted(self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`: a metric name that needs no quotes.
pub fn is_classic_metric_name(name: &str) -> bool {
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`: a label name that needs no quotes.
pub fn is_classic_label_name(name: &str) -> bool {
    !name.contains(':') && is_classic_metric_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn one_spelling_per_set() {
        let a = set(&[("b", "2"), ("a", "1"), ("gone", "")]);
        assert_eq!(a, set(&[("a", "1"), ("b", "2")]));
        assert_eq!(a.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!((a.get("a"), a.get("gone"), a.get("zzz")), ("1", "", ""));
        assert_eq!(a.fingerprint(), set(&[("a", "1"), ("b", "2")]).fingerprint());
    }

    #[test]
    fn long_values_survive() {
        let long = "ü".repeat(10_000);
        assert_eq!(set(&[("a", &long)]).get("a"), long);
    }

    #[test]
    fn order_is_by_label_not_by_bytes() {
        // "aa" is longer than "b", so an order of the raw bytes would put {b} first.
        assert!(set(&[("aa", "1")]) < set(&[("b", "1")]));
        assert!(set(&[("a", "1")]) < set(&[("a", "1"), ("b", "1")]));
    }

    #[test]
    fn printed_as_promql() {
        assert_eq!(set(&[("__name__", "up"), ("job", "a\"b")]).to_string(), r#"up{job="a\"b"}"#);
        assert_eq!(set(&[("__name__", "up")]).to_string(), "up");
        assert_eq!(set(&[("__name__", "my.metric")]).to_string(), r#"{__name__="my.metric"}"#);
        assert_eq!(Labels::empty().to_string(), "{}");
    }

    #[test]
    fn builder_changes() {
        let mut b = set(&[("a", "1"), ("b", "2")]).builder();
        b.remove("a").set("c", "3").set("b", "");
        assert_eq!(b.labels(), set(&[("c", "3")]));
        assert_eq!(set(&[("__name__", "up"), ("x", "1")]).without_name(), set(&[("x", "1")]));
    }
}
