//! Relabelling: every action of Prometheus 3.5, with its exact meaning (`model/relabel/relabel.go`).
//!
//! In:    labels, rules. Out: labels, or nothing: the target or the series is dropped.
//! Never: fails: rules were checked when they were read.

use bellbuoy_vocabulary::{Labels, LabelsBuilder};
use regex::Captures;

use crate::{Relabel, RelabelAction};

/// Applies the steps in order. `None`: the target or sample is dropped.
pub fn relabel(labels: &Labels, steps: &[Relabel]) -> Option<Labels> {
    if steps.is_empty() {
        return Some(labels.clone());
    }
    let mut builder = labels.builder();
    relabel_builder(&mut builder, steps).then(|| builder.labels())
}

/// The same on a builder; false means dropped.
pub(crate) fn relabel_builder(labels: &mut LabelsBuilder, steps: &[Relabel]) -> bool {
    steps.iter().all(|step| apply(labels, step))
}

fn apply(labels: &mut LabelsBuilder, step: &Relabel) -> bool {
    let value = step.source_labels.iter().map(|name| labels.get(name)).collect::<Vec<_>>().join(&step.separator);
    match step.action {
        RelabelAction::Drop => return !step.regex.is_match(&value),
        RelabelAction::Keep => return step.regex.is_match(&value),
        RelabelAction::DropEqual => return labels.get(&step.target_label) != value,
        RelabelAction::KeepEqual => return labels.get(&step.target_label) == value,
        RelabelAction::Replace => replace(labels, step, &value),
        RelabelAction::Lowercase => {
            labels.set(&step.target_label, &each_char(&value, lower));
        }
        RelabelAction::Uppercase => {
            labels.set(&step.target_label, &each_char(&value, |c| c.to_uppercase().collect()));
        }
        RelabelAction::HashMod => {
            // The low 64 bits of the MD5 sum, as Prometheus has it, so that shards agree.
            let sum = md5::compute(value.as_bytes()).0;
            let low = u64::from_be_bytes([sum[8], sum[9], sum[10], sum[11], sum[12], sum[13], sum[14], sum[15]]);
            labels.set(&step.target_label, &(low % step.modulus.max(1)).to_string());
        }
        RelabelAction::LabelMap => {
            let mapped: Vec<(String, String)> = labels
                .pairs()
                .filter_map(|(name, value)| Some((expand(&step.replacement, &step.regex.regex().captures(name)?), value.to_string())))
                .filter(|(name, _)| !name.is_empty())
                .collect();
            for (name, value) in mapped {
                labels.set(&name, &value);
            }
        }
        RelabelAction::LabelDrop => {
            labels.keep(|name| !step.regex.is_match(name));
        }
        RelabelAction::LabelKeep => {
            labels.keep(|name| step.regex.is_match(name));
        }
    }
    true
}

/// `replace`: target label and replacement may name groups of the regex. An empty result removes the label.
fn replace(labels: &mut LabelsBuilder, step: &Relabel, value: &str) {
    let Some(captures) = step.regex.regex().captures(value) else { return };
    let target = expand(&step.target_label, &captures);
    if !target.is_empty() {
        labels.set(&target, &expand(&step.replacement, &captures));
    }
}

/// Go's `Regexp.Expand`: `$1`, `$name` (the longest name possible, so `$1x` is the group `1x`), `${1}`, `$$`. A group that is not there is
/// empty; a dollar sign that begins nothing of this stays.
fn expand(template: &str, captures: &Captures<'_>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (braced, name_on) = match after.strip_prefix('{') {
            Some(inner) => (true, inner),
            None => (false, after),
        };
        let length = name_on.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name_on.len());
        let (name, after_name) = name_on.split_at(length);
        let end = if braced { after_name.strip_prefix('}') } else { Some(after_name) };
        match end.filter(|_| !name.is_empty()) {
            Some(end) => {
                out.push_str(group(name, captures));
                rest = end;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn group<'a>(name: &str, captures: &Captures<'a>) -> &'a str {
    // `01` is a name and not a number, as in Go.
    let is_number = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    let found = if is_number { name.parse().ok().and_then(|index: usize| captures.get(index)) } else { captures.name(name) };
    found.map_or("", |found| found.as_str())
}

/// The one letter that Rust makes two of and Go one.
fn lower(c: char) -> Vec<char> {
    if c == 'İ' { vec!['i'] } else { c.to_lowercase().collect() }
}

/// Go changes letter by letter: `ß` stays, where the full rules of Unicode would make it `SS`.
fn each_char(text: &str, change: impl Fn(char) -> Vec<char>) -> String {
    text.chars()
        .map(|c| match change(c).as_slice() {
            [changed] => *changed,
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_vocabulary::AnchoredRegex;

    fn step(action: RelabelAction, source: &[&str], regex: &str, target: &str, replacement: &str) -> Relabel {
        Relabel {
            source_labels: source.iter().map(|name| name.to_string()).collect(),
            separator: ";".into(),
            regex: AnchoredRegex::new(regex).expect("a valid pattern"),
            modulus: 1000,
            target_label: target.into(),
            replacement: replacement.into(),
            action,
        }
    }

    fn check(steps: &[Relabel], expected: &str) {
        let labels = Labels::from_pairs([("a", "foo"), ("b", "bar"), ("c", "Baz")]);
        let got = relabel(&labels, steps).map_or("dropped".to_string(), |labels| labels.to_string());
        assert_eq!(got, expected);
    }

    /// The cases are those of Prometheus' own test, in our words.
    #[test]
    fn every_action() {
        use RelabelAction::*;
        check(&[step(Replace, &["a"], "f(.*)", "d", "ch${1}-ch${1}")], r#"{a="foo", b="bar", c="Baz", d="choo-choo"}"#);
        check(&[step(Replace, &["a", "b"], "f(.*);(.*)r", "a", "b${1}${2}m")], r#"{a="boobam", b="bar", c="Baz"}"#);
        check(&[step(Replace, &["a"], "no", "d", "x")], r#"{a="foo", b="bar", c="Baz"}"#);
        check(&[step(Replace, &["a"], "(f).*", "$1_label", "v")], r#"{a="foo", b="bar", c="Baz"}"#);
        check(&[step(Replace, &["a"], "(f).*", "${1}_label", "v")], r#"{a="foo", b="bar", c="Baz", f_label="v"}"#);
        check(&[step(Replace, &["a"], ".*", "a", "")], r#"{b="bar", c="Baz"}"#);
        check(&[step(Drop, &["a"], ".*o.*", "", "")], "dropped");
        check(&[step(Drop, &["a"], "o", "", "")], r#"{a="foo", b="bar", c="Baz"}"#);
        check(&[step(Keep, &["a"], "foo", "", "")], r#"{a="foo", b="bar", c="Baz"}"#);
        check(&[step(Keep, &["a"], "bar", "", ""), step(Replace, &["a"], ".*", "z", "1")], "dropped");
        check(&[step(DropEqual, &["a"], "(.*)", "b", "")], r#"{a="foo", b="bar", c="Baz"}"#);
        check(&[step(KeepEqual, &["a"], "(.*)", "b", "")], "dropped");
        check(&[step(LabelMap, &[], "(b|c)", "", "my_$1")], r#"{a="foo", b="bar", c="Baz", my_b="bar", my_c="Baz"}"#);
        check(&[step(LabelDrop, &[], "b.*", "", "")], r#"{a="foo", c="Baz"}"#);
        check(&[step(LabelKeep, &[], "b", "", "")], r#"{b="bar"}"#);
        check(&[step(Lowercase, &["c"], "(.*)", "d", "")], r#"{a="foo", b="bar", c="Baz", d="baz"}"#);
        check(&[step(Uppercase, &["a"], "(.*)", "a", "")], r#"{a="FOO", b="bar", c="Baz"}"#);
        // Prometheus' own test has this number: hashmod of "bar" by 1000 is 976 for c="baz".
        let hash = step(HashMod, &["c"], "(.*)", "d", "");
        let labels = Labels::from_pairs([("c", "baz")]);
        assert_eq!(relabel(&labels, &[hash]).map(|labels| labels.get("d").to_string()), Some("976".into()));
    }

    #[test]
    fn templates_are_those_of_go() {
        let regex = AnchoredRegex::new("(?P<first>f)(o+)(x)?").expect("a valid pattern");
        let captures = regex.regex().captures("foo").expect("it matches");
        for (template, want) in [
            ("plain", "plain"),
            ("$1-$2", "f-oo"),
            ("${1}x$2", "fxoo"),
            ("$1x", ""),
            ("$0 ${first} $first.", "foo f f."),
            ("[$3][$9][$01][$none]", "[][][][]"),
            ("$$1 $", "$1 $"),
            ("${1", "${1"),
            ("${a-b} $- ${}", "${a-b} $- ${}"),
        ] {
            assert_eq!(expand(template, &captures), want, "{template}");
        }
    }

    #[test]
    fn edges_of_actions() {
        use RelabelAction::*;
        let labels = Labels::from_pairs([("a", "Straße İ"), ("b", "")]);
        let run = |step: Relabel| relabel(&labels, &[step]).map_or("dropped".to_string(), |labels| labels.to_string());
        assert_eq!(run(step(Uppercase, &["a"], "(.*)", "c", "$1")), r#"{a="Straße İ", c="STRAßE İ"}"#);
        assert_eq!(run(step(Lowercase, &["a"], "(.*)", "c", "$1")), r#"{a="Straße İ", c="straße i"}"#);
        // A missing label reads as empty, and an empty result is no label.
        assert_eq!(run(step(Replace, &["none"], "(.*)", "c", "x$1")), r#"{a="Straße İ", c="x"}"#);
        assert_eq!(run(step(Replace, &["none"], "(.*)", "c", "$1")), r#"{a="Straße İ"}"#);
        assert_eq!(run(step(KeepEqual, &["none"], "(.*)", "b", "$1")), r#"{a="Straße İ"}"#);
        assert_eq!(run(step(LabelMap, &[], "a", "", "$1")), r#"{a="Straße İ"}"#, "no label without a name");
        // The dot matches line breaks, and the separator stands between all values.
        assert_eq!(run(step(Keep, &["a", "b", "none"], "S.*;;", "", "")), r#"{a="Straße İ"}"#);
    }
}
