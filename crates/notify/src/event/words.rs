//! How receivers other than Discord say an event: Alertmanager's default texts are made for alerts that fire and resolve, so that
//! events have texts of their own (`event.*` in the default templates). A text that somebody wrote, or a default that somebody
//! redefined, stays as it is.

use bellbuoy_template::TemplateSet;
use bellbuoy_template::notify::{Alert, default_templates};

/// The template to take instead, when `text` is nothing but a default of Alertmanager's that nobody redefined.
pub(crate) fn told_as_event(text: &str, templates: &TemplateSet) -> Option<&'static str> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let name = plain.strip_prefix("{{template\"")?.strip_suffix("\".}}")?;
    let instead = instead_of(name)?;
    templates.same(&default_templates(), name).then_some(instead)
}

fn instead_of(name: &str) -> Option<&'static str> {
    let (receiver, part) = name.split_once(".default.")?;
    Some(match (receiver, part) {
        ("pagerduty", "description") | ("opsgenie", "message") => r#"{{ template "event.title" . }}"#,
        ("slack", "text") => r#"{{ template "event.slack" . }}"#,
        ("slack", "titlelink") => r#"{{ template "event.link" . }}"#,
        ("slack", "footer") => r#"{{ template "event.footer" . }}"#,
        ("email", "html") => r#"{{ template "event.html" . }}"#,
        (_, "color") => r#"{{ template "event.color" . }}"#,
        (_, "title" | "subject" | "summary" | "fallback" | "entity_display_name") => r#"{{ template "event.title" . }}"#,
        ("pushover" | "ntfy" | "discord", "message") | (_, "description") => r#"{{ template "event.text" . }}"#,
        ("msteams" | "msteamsv2" | "rocketchat" | "mattermost", "text") => r#"{{ template "event.text" . }}"#,
        (_, "message" | "text" | "state_message") => r#"{{ template "event.message" . }}"#,
        _ => return None,
    })
}

/// `Alert::is_event`, of an alert as templates see it.
pub(crate) fn template_alert_is_event(alert: &Alert) -> bool {
    alert.labels.get("kind") == "event" && !alert.labels.get("event").is_empty()
}

/// `Drift Share` of the annotation `field:01:Drift Share`.
pub(crate) fn field_name(annotation: &str) -> Option<&str> {
    let name = annotation.strip_prefix("field:")?;
    Some(match name.split_once(':') {
        Some((number, rest)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => name,
    })
}
