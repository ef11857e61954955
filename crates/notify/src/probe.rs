//! Whether a receiver's templates work, before the first alert: they are run over sample notifications of many shapes.
//!
//! In:    an integration, the named templates, the texts of all templates (for the names that they ask for).
//! Out:   per field what failed or came out empty. What fails on every sample would fail when it matters; what fails on some may be
//!        right for the alerts that really come.
//! Never: sends, reads a clock.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_template::{Environment, Template, TemplateSet};
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Millis, Timestamp};

use crate::compose::{Context, Renderer};
use crate::exchange::{SoFar, compose_step};
use crate::notice::Notice;
use crate::settings::{Integration, IntegrationKind};

/// 2026-01-13T10:00:00Z
const NOW: Timestamp = Timestamp(1_768_298_400_000);
/// Names that templates ask for; more are left out of the samples.
const NAMES_MAX: usize = 200;
/// What a label or annotation may hold: a template may need a number, a time, a zone or an address of it.
const VALUES: [&str; 4] = ["1.5", "2026-01-13T09:30:00Z", "UTC", "https://runbooks.example/a?b=c"];

/// A template that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// As the settings call it: `title`, `Subject`.
    pub field: String,
    /// The named template in which it fails, when it is not the field's own text.
    pub template: Option<String>,
    /// From 1; 0 when it is not known.
    pub line: usize,
    pub message: String,
    /// On every sample.
    pub always: bool,
}

/// Notifications of many shapes; the first `NATURAL` are such as really come, the others hold in turn what a template may need.
pub struct Samples(Vec<Notice>);

const NATURAL: usize = 5;

impl Samples {
    /// `texts` are all templates that there are.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Samples {
        let full = [("alertname", "HighDrift"), ("severity", "warning"), ("job", "app"), ("instance", "host:8000"), ("team", "ml")];
        let said = [("summary", "Drift is high"), ("description", "54.2% of the features"), ("runbook_url", "https://runbooks.example/x")];
        let other = [("alertname", "ServiceDown"), ("severity", "critical"), ("instance", "host:9000")];
        let one = alert(&full, &said, false);
        let mut samples = vec![
            notice(vec![one.clone()], &["alertname", "severity"]),
            notice(vec![one.clone(), alert(&other, &said[..1], false), alert(&full[..2], &[], true), alert(&other[..1], &said, true)], &[]),
            notice(vec![alert(&full, &said, true), alert(&full[..4], &said, true)], &["alertname"]),
            notice(vec![alert(&full[..1], &[], false)], &["alertname"]),
            notice(vec![alert(&[("a", "1")], &[], false), alert(&[("b", "2")], &[], false)], &[]),
        ];
        let names = names(texts);
        for value in VALUES {
            let pairs: Vec<(&str, &str)> =
                names.iter().filter(|name| **name != ALERT_NAME).map(|name| (*name, value)).chain([(ALERT_NAME, "HighDrift")]).collect();
            samples
                .push(notice(vec![alert(&pairs, &pairs, false), alert(&pairs, &pairs, true)], &names.iter().copied().collect::<Vec<_>>()));
        }
        Samples(samples)
    }

    /// Whether this text fails on a natural sample.
    pub fn fails(&self, text: &str, templates: &TemplateSet) -> bool {
        let environment = Environment { now: NOW };
        Template::parse("", text, templates)
            .is_ok_and(|template| {
                self.0
                    .iter()
                    .take(NATURAL)
                    .all(|notice| template.render(&notice.template_data("http://bellbuoy", usize::MAX).data(), &environment).is_ok())
            })
            .eq(&false)
    }

    /// What fails of an integration's templates, by field.
    pub fn failures(&self, integration: &Integration, templates: &TemplateSet) -> Vec<Failure> {
        let context = Context { external_url: "http://bellbuoy.example", templates, now: NOW };
        let mut failed: BTreeMap<String, (Failure, usize)> = BTreeMap::new();
        for (at, sample) in self.0.iter().enumerate() {
            let notice =
                Notice { integration_kind: integration.kind.word().into(), integration_index: integration.index, ..sample.clone() };
            let composed = compose_step(integration, &notice, &context, &SoFar::nothing()).composed;
            let mut fields = BTreeSet::new();
            for failure in composed.problems.iter().filter_map(|problem| Failure::read(problem)) {
                if !fields.insert(failure.field.clone()) {
                    continue;
                }
                match failed.get_mut(&failure.field) {
                    Some((_, count)) => *count += 1,
                    None if at < NATURAL => drop(failed.insert(failure.field.clone(), (failure, 1))),
                    None => {}
                }
            }
        }
        failed.into_values().map(|(failure, count)| Failure { always: count == self.0.len(), ..failure }).collect()
    }

    /// The fields that must say something and come out empty for every sample.
    pub fn empty(&self, integration: &Integration, templates: &TemplateSet) -> Vec<&'static str> {
        let context = Context { external_url: "http://bellbuoy.example", templates, now: NOW };
        let says = |text: &str| {
            self.0.iter().any(|notice| {
                let mut renderer = Renderer::new(notice, &context);
                // What fails is told as a failure.
                renderer.text("", text).is_none_or(|text| !text.trim().is_empty())
            })
        };
        let needed = needed(&integration.kind);
        needed.into_iter().filter(|(_, texts)| !texts.iter().any(|text| says(text))).map(|(field, _)| field).collect()
    }
}

impl Failure {
    /// From the line that a renderer writes: `template of title failed: line 2: in "name": message`.
    fn read(problem: &str) -> Option<Failure> {
        let (field, rest) = problem.strip_prefix("template of ")?.split_once(" failed: ")?;
        let (line, rest) = match rest.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
            Some((line, rest)) => (line.parse().unwrap_or(0), rest),
            None => (0, rest),
        };
        let (template, message) = match rest.strip_prefix("in \"").and_then(|rest| rest.split_once("\": ")) {
            Some((name, message)) => (Some(name.to_string()), message),
            None => (None, rest),
        };
        Some(Failure { field: field.into(), template, line, message: message.into(), always: false })
    }
}

/// Of each of these one text must say something.
fn needed(kind: &IntegrationKind) -> Vec<(&'static str, Vec<&str>)> {
    match kind {
        IntegrationKind::Discord(settings) => vec![("title", vec![&settings.title, &settings.message, &settings.content])],
        IntegrationKind::Email(settings) => {
            let header =
                |name: &str| settings.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text.as_str());
            vec![("to", vec![header("To").unwrap_or(&settings.to)]), ("Subject", vec![header("Subject").unwrap_or("-")])]
        }
        IntegrationKind::Slack(settings) => {
            vec![("title", vec![&settings.title, &settings.text, &settings.pretext, &settings.message_text, &settings.fallback])]
        }
        IntegrationKind::Pagerduty(settings) => vec![("description", vec![&settings.description])],
        IntegrationKind::Opsgenie(settings) => vec![("message", vec![&settings.message])],
        IntegrationKind::Telegram(settings) => vec![("message", vec![&settings.message])],
        IntegrationKind::MsTeamsV2(settings) => vec![("text", vec![&settings.title, &settings.text])],
        _ => Vec::new(),
    }
}

/// The names that templates ask for: `.CommonLabels.zone`, `index .Labels "zone"`.
fn names<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for text in texts {
        for action in text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            for (at, mark) in action.match_indices(['.', '"']) {
                let rest = &action[at + 1..];
                let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                let (name, after) = rest.split_at(length);
                let quoted = mark != "\"" || after.starts_with('"');
                if quoted && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && names.len() < NAMES_MAX {
                    names.insert(name);
                }
            }
        }
    }
    names
}

fn alert(labels: &[(&str, &str)], annotations: &[(&str, &str)], resolved: bool) -> Alert {
    Alert {
        labels: Labels::from_pairs(labels.iter().copied()),
        annotations: Labels::from_pairs(annotations.iter().copied()),
        starts_at: NOW - Millis::from_minutes(5),
        ends_at: if resolved { NOW - Millis::from_minutes(1) } else { NOW + Millis::from_minutes(5) },
        updated_at: NOW,
        generator_url: "http://bellbuoy.example/graph?g0.expr=up".into(),
        timeout: false,
    }
}

fn notice(alerts: Vec<Alert>, group_by: &[&str]) -> Notice {
    let first = alerts.first().map_or(Labels::empty(), |alert| alert.labels.clone());
    Notice {
        receiver: "team".into(),
        integration_kind: String::new(),
        integration_index: 0,
        group_key: "{}:{alertname=\"HighDrift\"}".into(),
        group_labels: Labels::from_pairs(group_by.iter().filter(|name| first.has(name)).map(|name| (*name, first.get(name)))),
        alerts,
        reason: "first notification".into(),
        sequence: 1,
        at: NOW,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{HttpOptions, TelegramMode, TelegramSettings};
    use bellbuoy_template::notify::default_templates;
    use bellbuoy_vocabulary::Secret;

    fn telegram(message: &str) -> Integration {
        let settings = TelegramSettings {
            api_url: "https://api.telegram.example".into(),
            bot_token: Secret::new("1:t"),
            chat_id: 1,
            message_thread_id: 0,
            protect_content: false,
            message: message.into(),
            disable_notifications: false,
            parse_mode: TelegramMode::Plain,
            http: HttpOptions::default(),
        };
        Integration { index: 0, send_resolved: true, kind: IntegrationKind::Telegram(settings) }
    }

    /// `fine`, `sometimes: ...`, `always: ...` or `empty`.
    fn check(message: &str, expected: &str) {
        let mut set = default_templates();
        set.add("x.tmpl", "{{ define \"good\" }}good{{ end }}\n{{ define \"bad\" }}\n{{ .Nope }}{{ end }}").expect("it can be read");
        let samples = Samples::new([message]);
        let integration = telegram(message);
        let found = match samples.failures(&integration, &set).first() {
            Some(failure) => {
                let word = if failure.always { "always" } else { "sometimes" };
                format!("{word}: {}:{}: {}", failure.template.as_deref().unwrap_or("-"), failure.line, failure.message)
            }
            None if !samples.empty(&integration, &set).is_empty() => "empty".into(),
            None => "fine".into(),
        };
        assert!(found.starts_with(expected), "{message}: {found}");
        assert_eq!(found.contains(": "), samples.fails(message, &set), "{message}");
    }

    #[test]
    fn what_would_fail_is_found_and_what_may_be_right_is_not_refused() {
        for (message, expected) in [
            ("plain", "fine"),
            ("{{ template \"telegram.default.message\" . }}", "fine"),
            ("{{ .CommonLabels.nowhere | toUpper }}x", "fine"),
            ("{{ index .CommonLabels \"nowhere\" | toUpper }}x", "fine"),
            // These need a number, a time zone, a second alert.
            ("{{ .CommonLabels.age | humanizeDuration }}", "sometimes: -:"),
            ("{{ range .Alerts }}{{ .StartsAt | tz .Labels.zone }}{{ end }}", "fine"),
            ("{{ (index .Alerts 1).Labels.instance }}", "sometimes: -:"),
            ("{{ (index .Alerts.Firing 0).Labels.instance }}", "sometimes: -:"),
            ("a\n{{ .Nope }}", "always: -:2: "),
            ("{{ .Alerts.Nope }}", "always: -:1: "),
            ("{{ template \"bad\" . }}", "always: bad:3: "),
            ("{{ template \"god\" . }}", "always: -:1: template \"god\" not defined"),
            ("{{ nofunc . }}", "always: -:1: "),
            ("{{ if }}", "always: -:1: "),
            ("{{ if eq .Status \"never\" }}x{{ end }}", "empty"),
            (" {{ .CommonLabels.zone }} ", "fine"),
        ] {
            check(message, expected);
        }
    }
}
