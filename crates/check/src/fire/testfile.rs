//! A proof as a file of promtool's rule tests: the same series, and the alert that is expected of them.
//!
//! In:    proofs. Out: YAML that `promtool test rules` and `bellbuoy test` run.

use std::fmt::Write as _;

use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis, Sample, format_duration, format_float};

use super::Proof;

/// One test a proof. `rule_files` as they shall be written; `external_labels` and the URL are known to templates.
pub fn test_file(proofs: &[&Proof], rule_files: &[String], external_labels: &Labels, external_url: &str) -> String {
    let mut out = String::from("# Written by `bellbuoy fire --write-test`: series that make each alert fire.\nrule_files:\n");
    rule_files.iter().for_each(|file| line(&mut out, &format!("  - {}", quoted(file))));
    let interval = proofs.iter().map(|proof| proof.interval).min().unwrap_or(Millis::from_minutes(1));
    let _ = write!(out, "evaluation_interval: {}\ntests:\n", format_duration(interval));
    for proof in proofs {
        test(&mut out, proof, external_labels, external_url);
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn test(out: &mut String, proof: &Proof, external_labels: &Labels, external_url: &str) {
    line(out, &format!("  - name: {}", quoted(&format!("{} fires", proof.alert))));
    line(out, &format!("    interval: {}", format_duration(proof.sample_step)));
    if !external_url.is_empty() {
        line(out, &format!("    external_url: {}", quoted(external_url)));
    }
    map(out, "    external_labels", "      ", external_labels.iter());
    if proof.series.is_empty() {
        line(out, "    input_series: []");
    } else {
        line(out, "    input_series:");
    }
    for (labels, samples) in &proof.series {
        line(out, &format!("      - series: {}", quoted(&metric(labels))));
        line(out, &format!("        values: {}", quoted(&values(samples, proof.sample_step))));
    }
    line(out, "    alert_rule_test:");
    line(out, &format!("      - eval_time: {}", format_duration(Millis(proof.fired_at.0))));
    line(out, &format!("        alertname: {}", quoted(&proof.alert)));
    line(out, "        exp_alerts:");
    for alert in &proof.alerts {
        line(out, "          - exp_labels:");
        let labels: Vec<(&str, &str)> = alert.labels.iter().filter(|(name, _)| *name != "alertname").collect();
        if labels.is_empty() {
            out.truncate(out.len() - 1);
            line(out, " {}");
        }
        labels.into_iter().for_each(|(name, value)| line(out, &format!("              {}: {}", quoted(name), quoted(value))));
        map(out, "            exp_annotations", "              ", alert.annotations.iter());
    }
}

fn map<'a>(out: &mut String, head: &str, indent: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    for (index, (name, value)) in pairs.enumerate() {
        if index == 0 {
            line(out, &format!("{head}:"));
        }
        line(out, &format!("{indent}{}: {}", quoted(name), quoted(value)));
    }
}

/// `name{a="b"}`, or `{__name__="...", ...}` where the name needs it.
fn metric(labels: &Labels) -> String {
    let name = labels.get(METRIC_NAME);
    let rest: Vec<String> =
        labels.iter().filter(|(label, _)| *label != METRIC_NAME).map(|(label, value)| format!("{label}={value:?}")).collect();
    format!("{name}{{{}}}", rest.join(", "))
}

/// A YAML text in double quotes: JSON's escapes are among YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `_x9 0+10x20`: values that are an equal step apart are one word.
pub fn values(samples: &[Sample], step: Millis) -> String {
    let mut words: Vec<String> = Vec::new();
    let Some(first) = samples.first() else { return String::new() };
    let slots = first.at.0 / step.0;
    if slots > 0 {
        words.push(format!("_x{slots}"));
    }
    let mut index = 0;
    let mut last_at: Option<bellbuoy_vocabulary::Timestamp> = None;
    while index < samples.len() {
        if let Some(last) = last_at {
            let gap = (samples[index].at - last).0 / step.0 - 1;
            if gap > 0 {
                words.push(format!("_x{gap}"));
            }
        }
        let (length, delta) = run_of(&samples[index..], step);
        let value = format_float(samples[index].value);
        words.push(match (length, delta) {
            (1, _) => value,
            (length, 0.0) => format!("{value}x{}", length - 1),
            (length, delta) if delta < 0.0 => format!("{value}{}x{}", format_float(delta), length - 1),
            (length, delta) => format!("{value}+{}x{}", format_float(delta), length - 1),
        });
        last_at = Some(samples[index + length - 1].at);
        index += length;
    }
    words.join(" ")
}

/// How many samples one word says, and their step. The steps are added up as the reader of the notation does.
fn run_of(samples: &[Sample], step: Millis) -> (usize, f64) {
    let [first, second, ..] = samples else { return (1, 0.0) };
    if second.at - first.at != step || !first.value.is_finite() || !second.value.is_finite() {
        return (1, 0.0);
    }
    let delta = second.value - first.value;
    let mut value = first.value;
    let mut length = 1;
    for pair in samples.windows(2) {
        value += delta;
        if pair[1].at - pair[0].at != step || pair[1].value != value {
            break;
        }
        length += 1;
    }
    (length, delta)
}
