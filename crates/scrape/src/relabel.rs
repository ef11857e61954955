//! Relabelling: every action of Prometheus 3.5, with its exact meaning (`model/relabel/relabel.go`).

use bellbuoy_vocabulary::{Labels, LabelsBuilder};

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
            labels.set(&step.target_label, &value.to_lowercase());
        }
        RelabelAction::Uppercase => {
            labels.set(&step.target_label, &value.to_uppercase());
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
                .filter(|(name, _)| step.regex.is_match(name))
                .map(|(name, value)| (step.regex.regex().replace(name, step.replacement.as_str()).into_owned(), value.to_string()))
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
    let expand = |template: &str| {
        let mut out = String::new();
        captures.expand(template, &mut out);
        out
    };
    let target = expand(&step.target_label);
    if target.is_empty() {
        return;
    }
    labels.set(&target, &expand(&step.replacement));
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
}
