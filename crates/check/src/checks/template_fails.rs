//! `template-fails`: a label or annotation that can be read, and stops with an error when it is filled in.

use bellbuoy_rules::{AlertingSettings, RuleSettings};
use bellbuoy_template::rule::{RuleContext, expand};
use bellbuoy_vocabulary::{Labels, Severity, Timestamp};

use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::labels_of;
use crate::shape::{Presence, Shape};

pub const CODE: &str = "template-fails";

/// 2026-01-01, for templates that print the time.
const SOME_DAY: Timestamp = Timestamp(1_767_225_600_000);

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for group in input.groups {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            let texts = rule.labels.iter().map(|pair| ("label", pair)).chain(rule.annotations.iter().map(|pair| ("annotation", pair)));
            for (kind, (name, text)) in texts.clone() {
                if let Some(word) = outside(text) {
                    let message = format!("alert {}: {kind} {name:?} prints {word} as it is written", rule.alert);
                    let why = "Only what stands in {{ }} is filled in.".to_string();
                    let path = [format!("{kind}s").as_str().into(), name.as_str().into()];
                    let fix = Some(format!("{{{{ {word} }}}}"));
                    findings.push(of_rule(CODE, Severity::Warning, &group.file, rule.span, path, message, why).fix(fix));
                }
            }
            for (kind, (name, text)) in texts.filter(|(_, (_, text))| text.contains("{{")) {
                // A query's answer is not known here; with none of them many a template fails that is fine.
                if text.contains("query") || text.contains("first") {
                    continue;
                }
                let labels = sample(rule, &labels_of(&rule.expr, graph));
                let empty = Labels::empty();
                let context = RuleContext {
                    labels: &labels,
                    value: 0.25,
                    external_labels: &empty,
                    external_url: "http://localhost:9090",
                    now: SOME_DAY,
                };
                let no_answer = |_: &str| Ok(Vec::new());
                let (message, why) = match expand(text, &context, &no_answer) {
                    Err(error) => (
                        format!("alert {}: {kind} {name:?} fails: {}", rule.alert, error.message),
                        "In the place of the text the error is printed, and nobody learns what happened.",
                    ),
                    Ok(out) if out.trim().is_empty() && kind == "annotation" && !text.contains("if") => {
                        (format!("alert {}: annotation {name:?} prints nothing", rule.alert), "The message has an empty place there.")
                    }
                    Ok(out) => match unprinted(&out, text) {
                        Some(part) => (
                            format!("alert {}: {kind} {name:?} prints {part}", rule.alert),
                            "The verb of printf does not fit: values are floats (%f, %g, %.2f), labels are texts (%s).",
                        ),
                        None => continue,
                    },
                };
                let path = [format!("{kind}s").as_str().into(), name.as_str().into()];
                findings.push(of_rule(CODE, Severity::Warning, &group.file, rule.span, path, message, why.to_string()));
            }
        }
    }
}

/// What Go prints in the place of a value that its verb can not print, `%!d(float64=0.25)`, or of a format that does not fit its
/// values, `%!(NOVERB)`.
fn unprinted(out: &str, text: &str) -> Option<String> {
    if text.contains("%!") {
        return None;
    }
    let at = out.find("%!")?;
    let end = out[at..].find(')')?;
    out[at + 2..].starts_with(|c: char| c == '(' || c.is_ascii_alphabetic()).then(|| out[at..=at + end].to_string())
}

/// `$labels.job` or `$value` that stands outside of all braces.
fn outside(text: &str) -> Option<&str> {
    let parts = text.split("}}").map(|part| part.split("{{").next().unwrap_or(part));
    parts.into_iter().find_map(|part| {
        let at = part.find("$labels.").or_else(|| part.find("$value"))?;
        let rest = &part[at..];
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
            .map_or(rest.len(), |(at, _)| at);
        let word = rest[..end].trim_end_matches('.');
        // `$values` is Grafana's, `$value_of` somebody's own.
        (word.starts_with("$labels.") || word == "$value").then_some(word)
    })
}

/// A series as it may come: labels that the templates ask for and that are not impossible.
fn sample(rule: &AlertingSettings, shape: &Shape) -> Labels {
    let texts = rule.labels.iter().chain(&rule.annotations).map(|(_, text)| text.as_str());
    let mut pairs: Vec<(String, String)> = Vec::new();
    for text in texts {
        for (at, _) in text.match_indices("abels.") {
            let rest = &text[at + "abels.".len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            if end > 0 && shape.presence(&rest[..end]) != Presence::Never {
                pairs.push((rest[..end].to_string(), "1".to_string()));
            }
        }
    }
    pairs.sort();
    pairs.dedup();
    Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of};

    fn found(text: &str) -> Vec<String> {
        let mut rule = alert("x > 1");
        rule.annotations = vec![("summary".into(), text.into())];
        findings_of(vec![rule]).into_iter().filter(|finding| finding.code == super::CODE).map(|finding| finding.message).collect()
    }

    #[test]
    fn what_fails_and_what_does_not() {
        assert_eq!(found("{{ $labels.job | nofunc }}").len(), 1);
        assert_eq!(found("{{ $value.x }}").len(), 1);
        assert_eq!(found("{{ $labels.job }} at {{ $value | humanizePercentage }}, {{ printf \"%.2f\" $value }}"), [""; 0]);
        assert_eq!(found("{{ with query \"up\" }}{{ . | first | value }}{{ end }}"), [""; 0]);
        assert_eq!(found("plain"), [""; 0]);
        assert_eq!(found("{{ $value | printf \"%d\" }} jobs"), ["alert Test: annotation \"summary\" prints %!d(float64=0.25)"]);
        assert_eq!(found("{{ printf \"%s\" $value }}"), ["alert Test: annotation \"summary\" prints %!s(float64=0.25)"]);
        assert_eq!(found("{{ printf \"%.1f%\" $value }}"), ["alert Test: annotation \"summary\" prints %!(NOVERB)"]);
        assert_eq!(found("{{ printf \"%d of %s\" (len $labels.job) $labels.job }}"), [""; 0]);
        assert_eq!(found("{{ printf \"%.0f%%, %d, %s\" $value 5 $labels.job }}!"), [""; 0]);
        assert_eq!(found("$labels.job is down"), ["alert Test: annotation \"summary\" prints $labels.job as it is written"]);
        assert_eq!(found("{{ $labels.job }}: it is $value."), ["alert Test: annotation \"summary\" prints $value as it is written"]);
        assert_eq!(found("it costs $values or $5, {{ $value }}"), [""; 0]);
    }
}
