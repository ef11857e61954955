//! What each receiver is sent, and that nothing can make it longer than the receiver takes.

mod conversations;
mod discord;
mod email;
mod events;
mod hostile;
mod kinds;
mod pictures;
mod plain;
mod services;
mod webhook;

use bellbuoy_notify::{Composed, Context, DiscordSettings, HttpOptions, Integration, IntegrationKind, Message, Notice, compose};
use bellbuoy_template::notify::default_templates;
use bellbuoy_vocabulary::{Alert, Labels, Millis, Secret, Timestamp};

/// 2026-01-13T10:00:00Z
pub const NOW: Timestamp = Timestamp(1_768_298_400_000);

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

pub fn firing(pairs: &[(&str, &str)], annotations: &[(&str, &str)]) -> Alert {
    Alert {
        labels: labels(pairs),
        annotations: labels(annotations),
        starts_at: NOW - Millis::from_minutes(5),
        ends_at: NOW + Millis::from_minutes(5),
        updated_at: NOW,
        generator_url: "http://bellbuoy.example/graph?g0.expr=up".into(),
        timeout: false,
    }
}

pub fn resolved(alert: Alert) -> Alert {
    Alert { ends_at: NOW - Millis::from_minutes(1), ..alert }
}

pub fn notice(kind: &str, alerts: Vec<Alert>) -> Notice {
    Notice {
        receiver: "team.x".into(),
        integration_kind: kind.into(),
        integration_index: 0,
        group_key: "{}:{alertname=\"A\"}".into(),
        group_labels: labels(&[("alertname", alerts.first().map_or("A", Alert::name))]),
        alerts,
        reason: "first notification".into(),
        sequence: 1,
        at: NOW,
    }
}

pub fn discord_settings() -> DiscordSettings {
    DiscordSettings {
        webhook_url: Secret::new("https://discord.example/api/webhooks/1/secret"),
        title: r#"{{ template "discord.default.title" . }}"#.into(),
        message: r#"{{ template "discord.default.message" . }}"#.into(),
        content: String::new(),
        username: String::new(),
        avatar_url: String::new(),
        update_message: false,
        http: HttpOptions::default(),
    }
}

pub fn composed(kind: IntegrationKind, notice: &Notice) -> Composed {
    let templates = default_templates();
    let context = Context { external_url: "http://bellbuoy.example", templates: &templates, now: NOW };
    compose(&Integration { index: 0, send_resolved: true, kind }, notice, &context)
}

/// The JSON body of an HTTP message.
pub fn body(composed: &Composed) -> serde_json::Value {
    match &composed.message {
        Message::Http { body, .. } => serde_json::from_slice(body).expect("our own JSON"),
        Message::Email(_) => panic!("a mail has no JSON body"),
    }
}

pub fn pretty(composed: &Composed) -> String {
    serde_json::to_string_pretty(&body(composed)).expect("JSON can be printed")
}
