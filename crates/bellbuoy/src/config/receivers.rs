//! `receivers` of alertmanager.yml: Discord, webhook and e-mail here, the other chats and pagers in services.rs, more.rs and
//! conversations.rs.
//!
//! In:    the fields of a receiver, the defaults of `global`. Out: a `notify::Receiver` with its integrations in the file's order.
//! Never: puts a secret into a problem's text.

pub mod conversations;
pub mod more;
pub mod services;

use std::collections::BTreeMap;
use std::path::Path;

use bellbuoy_notify::{
    DiscordSettings, EmailSettings, EmailThreading, HttpOptions, Integration, IntegrationKind, Receiver, WebhookSettings,
};
use bellbuoy_vocabulary::{Millis, Secret, TlsOptions, TlsVersions};

use super::Files;
use super::http;
use super::read::{Fields, Text};

/// What receivers take from `global`.
#[derive(Clone, Debug, Default)]
pub struct ReceiverDefaults {
    pub http: HttpOptions,
    pub smtp: Smtp,
    pub services: services::Services,
    pub more: more::More,
    pub conversations: conversations::Conversations,
}

/// `smtp_*` of `global`.
#[derive(Clone, Debug, Default)]
pub struct Smtp {
    pub from: Option<String>,
    /// It is said, and what is wrong with it is reported: receivers shall not miss it too.
    pub from_broken: bool,
    pub smarthost_broken: bool,
    pub hello: Option<String>,
    pub smarthost: Option<String>,
    pub auth_username: Option<String>,
    pub auth_password: Option<Secret>,
    pub auth_secret: Option<Secret>,
    pub auth_identity: Option<String>,
    pub require_tls: Option<bool>,
    pub implicit_tls: Option<bool>,
    pub tls: TlsOptions,
}

pub fn read(fields: Fields, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Option<Receiver> {
    let name = fields.required("name");
    let labels = labels(&fields, name);
    let mut integrations = Vec::new();
    for (index, discord) in fields.maps("discord_configs", "discord config").into_iter().enumerate() {
        integrations.extend(read_discord(discord, index, defaults, folder, files));
    }
    for (index, webhook) in fields.maps("webhook_configs", "webhook config").into_iter().enumerate() {
        integrations.extend(read_webhook(webhook, index, defaults, folder, files));
    }
    for (index, email) in fields.maps("email_configs", "email config").into_iter().enumerate() {
        integrations.extend(read_email(email, index, defaults, folder, files));
    }
    let (http, global) = (&defaults.http, &defaults.services);
    for (index, slack) in fields.maps("slack_configs", "slack config").into_iter().enumerate() {
        integrations.extend(services::slack(slack, index, http, global, folder, files));
    }
    for (index, pagerduty) in fields.maps("pagerduty_configs", "pagerduty config").into_iter().enumerate() {
        integrations.extend(services::pagerduty(pagerduty, index, http, global, folder, files));
    }
    for (index, opsgenie) in fields.maps("opsgenie_configs", "opsgenie config").into_iter().enumerate() {
        integrations.extend(services::opsgenie(opsgenie, index, http, global, folder, files));
    }
    for (index, telegram) in fields.maps("telegram_configs", "telegram config").into_iter().enumerate() {
        integrations.extend(services::telegram(telegram, index, http, global, folder, files));
    }
    for (index, teams) in fields.maps("msteamsv2_configs", "msteamsv2 config").into_iter().enumerate() {
        integrations.extend(services::msteamsv2(teams, index, http, folder, files));
    }
    integrations.extend(more::read(&fields, defaults, folder, files));
    integrations.extend(conversations::read(&fields, defaults, folder, files));
    fields.finish();
    Some(Receiver { name: name?.as_str().to_string(), labels, integrations })
}

/// What the API can filter receivers by. `name` is the receiver's name, said or not.
fn labels(fields: &Fields, name: Option<Text>) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = name.map(|name| ("name".to_string(), name.as_str().to_string())).into_iter().collect();
    for pair in fields.pairs("labels") {
        if pair.name == "name" && labels.get("name").is_some_and(|name| name != pair.value()) {
            fields.error(pair.name_span, "the label \"name\" of a receiver must be its name", "leave it out, it is there by itself");
        }
        labels.insert(pair.name.to_string(), pair.value().to_string());
    }
    labels
}

/// `http_config` of a receiver or of `global`.
pub fn http_options(fields: &Fields, key: &'static str, folder: &Path, files: &Files) -> Option<HttpOptions> {
    let inner = fields.map(key, "http_config")?;
    let options = http::read(&inner, folder, files);
    inner.finish();
    Some(options)
}

/// A secret address, in place or in a file. `templated`: the address may be a Go template and is checked only when it is none.
fn address(fields: &Fields, key: &'static str, file_key: &'static str, templated: bool, folder: &Path, files: &Files) -> Option<Secret> {
    let said = [key, file_key].into_iter().any(|key| fields.node(key).is_some() || fields.unset(key));
    let found = http::one_of(fields, key, file_key, folder, files);
    if !said {
        fields.error(
            fields.span,
            format!("{key:?} is missing in this {}", fields.what),
            format!("add `{key}: https://...` or `{file_key}: path`"),
        );
    }
    let found = found?;
    if !(templated && found.expose().contains("{{")) {
        let span = fields.node(key).or(fields.node(file_key)).map_or(fields.span, |node| node.span);
        http::check_url(fields, key, found.expose(), span);
    }
    Some(found)
}

fn read_discord(fields: Fields, index: usize, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(true);
    let webhook_url = address(&fields, "webhook_url", "webhook_url_file", false, folder, files);
    let text = |key, default: &str| fields.string(key).unwrap_or_else(|| default.to_string());
    let settings = DiscordSettings {
        webhook_url: webhook_url.clone().unwrap_or_default(),
        title: text("title", r#"{{ template "discord.default.title" . }}"#),
        message: text("message", r#"{{ template "discord.default.message" . }}"#),
        content: text("content", ""),
        username: text("username", ""),
        avatar_url: text("avatar_url", ""),
        // Beyond Alertmanager, named as in slack_configs.
        update_message: fields.boolean("update_message").unwrap_or(false),
        http: http_options(&fields, "http_config", folder, files).unwrap_or_else(|| defaults.http.clone()),
    };
    fields.finish();
    webhook_url.map(|_| Integration { index, send_resolved, kind: IntegrationKind::Discord(settings) })
}

fn read_webhook(fields: Fields, index: usize, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(true);
    let url = address(&fields, "url", "url_file", true, folder, files);
    let settings = WebhookSettings {
        url: url.clone().unwrap_or_default(),
        max_alerts: fields.integer("max_alerts").unwrap_or(0),
        payload: fields.node("payload").map(services::detail),
        timeout: fields.duration("timeout").filter(|timeout| *timeout != Millis::ZERO),
        http: http_options(&fields, "http_config", folder, files).unwrap_or_else(|| defaults.http.clone()),
    };
    fields.finish();
    url.map(|_| Integration { index, send_resolved, kind: IntegrationKind::Webhook(settings) })
}

/// The `smtp_*` fields of `global`.
pub fn read_smtp(fields: &Fields, folder: &Path, files: &Files) -> Smtp {
    let host = smarthost(fields, "smtp_smarthost");
    Smtp {
        from: fields.string("smtp_from"),
        from_broken: fields.unset("smtp_from"),
        smarthost_broken: host.is_none() && fields.has("smtp_smarthost"),
        hello: fields.string("smtp_hello"),
        smarthost: host,
        auth_username: fields.string("smtp_auth_username"),
        auth_password: http::one_of(fields, "smtp_auth_password", "smtp_auth_password_file", folder, files),
        auth_secret: http::one_of(fields, "smtp_auth_secret", "smtp_auth_secret_file", folder, files),
        auth_identity: fields.string("smtp_auth_identity"),
        require_tls: fields.boolean("smtp_require_tls"),
        implicit_tls: fields.boolean("smtp_force_implicit_tls"),
        tls: mail_tls(fields, "smtp_tls_config", folder, files).unwrap_or_default(),
    }
}

fn mail_tls(fields: &Fields, key: &'static str, folder: &Path, files: &Files) -> Option<TlsOptions> {
    let inner = fields.map(key, "tls_config")?;
    let span = inner.span;
    let tls = http::tls_config(inner, folder, files);
    if tls.versions == TlsVersions::Only12 {
        fields.error(span, "max_version is not supported yet for e-mail", "leave it out");
    }
    if tls.cert.as_ref().is_some_and(|pem| pem.matches("BEGIN CERTIFICATE").count() > 1) {
        fields.error(span, "a client certificate with its chain is not supported yet for e-mail", "keep the first certificate of the file");
    }
    Some(tls)
}

/// `host:port`; the port is needed.
fn smarthost(fields: &Fields, key: &'static str) -> Option<String> {
    let text = fields.text(key).filter(|text| !text.as_str().is_empty())?;
    let ok = text.as_str().rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        port.parse::<u16>().is_ok_and(|port| port > 0) && (bracketed || !host.contains(':'))
    });
    if !ok {
        fields.error(
            text.span(),
            format!("{key:?} must be host:port, not {:?}", text.shown()),
            "the usual ports are 587 (STARTTLS) and 465 (TLS)",
        );
    }
    ok.then(|| text.as_str().to_string())
}

fn read_email(fields: Fields, index: usize, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(false);
    let global = &defaults.smtp;
    let to = fields.required("to");
    let from = fields.string("from").or(global.from.clone());
    let from = if fields.unset("from") || global.from_broken { from } else { needed(&fields, "from", "smtp_from", from) };
    let said = fields.node("smarthost").is_some() || fields.unset("smarthost") || global.smarthost_broken;
    let smarthost = smarthost(&fields, "smarthost").or(global.smarthost.clone());
    // A broken one is a problem of its own already.
    let smarthost = if said { smarthost } else { needed(&fields, "smarthost", "smtp_smarthost", smarthost) };
    let port_465 = smarthost.as_deref().is_some_and(|host| host.ends_with(":465"));
    let tls = mail_tls(&fields, "tls_config", folder, files).unwrap_or_else(|| global.tls.clone());
    let headers = headers(&fields);
    let settings = EmailSettings {
        to: to.map_or(String::new(), |text| text.as_str().into()),
        from: from.clone().unwrap_or_default(),
        smarthost: smarthost.clone().unwrap_or_default(),
        hello: fields.string("hello").or(global.hello.clone()).unwrap_or_else(|| "localhost".into()),
        auth_username: fields.string("auth_username").or(global.auth_username.clone()).unwrap_or_default(),
        auth_password: http::one_of(&fields, "auth_password", "auth_password_file", folder, files)
            .or(global.auth_password.clone())
            .unwrap_or_default(),
        auth_secret: http::one_of(&fields, "auth_secret", "auth_secret_file", folder, files)
            .or(global.auth_secret.clone())
            .unwrap_or_default(),
        auth_identity: fields.string("auth_identity").or(global.auth_identity.clone()).unwrap_or_default(),
        require_tls: fields.boolean("require_tls").or(global.require_tls).unwrap_or(true),
        implicit_tls: fields.boolean("force_implicit_tls").or(global.implicit_tls).unwrap_or(port_465),
        tls,
        threading: threading(&fields, &headers),
        headers,
        html: fields.string("html").unwrap_or_else(|| r#"{{ template "email.default.html" . }}"#.into()),
        text: fields.string("text").unwrap_or_default(),
    };
    fields.finish();
    (to.is_some() && from.is_some() && smarthost.is_some()).then_some(Integration {
        index,
        send_resolved,
        kind: IntegrationKind::Email(settings),
    })
}

fn needed(fields: &Fields, key: &str, global: &str, value: Option<String>) -> Option<String> {
    let value = value.filter(|value| !value.is_empty());
    if value.is_none() {
        fields.error(
            fields.span,
            format!("{key:?} is missing in this email config"),
            format!("add `{key}: ...` here or `{global}: ...` in global"),
        );
    }
    value
}

/// Header names are written `Like-This` in messages, and compared without regard to case.
fn headers(fields: &Fields) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in fields.pairs("headers") {
        let name = canonical(pair.name);
        if found.iter().any(|(earlier, _)| *earlier == name) {
            fields.error(pair.name_span, format!("header {name:?} is given twice"), "header names do not depend on case");
        }
        found.push((name, pair.value().to_string()));
    }
    if !found.iter().any(|(name, _)| name == "Subject") {
        found.push(("Subject".into(), r#"{{ template "email.default.subject" . }}"#.into()));
    }
    found
}

fn canonical(name: &str) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + &chars.as_str().to_ascii_lowercase())
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

/// Ours by group is better than Alertmanager's default of none; who says `enabled` gets what it means there.
fn threading(fields: &Fields, headers: &[(String, String)]) -> EmailThreading {
    let Some(inner) = fields.map("threading", "threading") else { return EmailThreading::Group };
    let enabled = inner.boolean("enabled").unwrap_or(false);
    let by_date = inner.text("thread_by_date");
    let threading = match by_date.map(|text| text.as_str()) {
        _ if !enabled => EmailThreading::Off,
        Some("daily") => EmailThreading::Daily,
        Some("none") => EmailThreading::Group,
        _ => {
            let span = by_date.map_or(inner.span, |text| text.span());
            inner.error(span, "thread_by_date must be none or daily", "daily begins a new conversation each day");
            EmailThreading::Off
        }
    };
    inner.finish();
    for name in ["References", "In-Reply-To"] {
        if enabled && headers.iter().any(|(header, _)| header == name) {
            let message = format!("threading makes the header {name:?} itself");
            fields.error(fields.key_span("threading"), message, "remove one of them");
        }
    }
    threading
}
