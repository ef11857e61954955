//! Slack, PagerDuty, Opsgenie, Telegram and Teams, with their part of `global`. What is missing is said in Alertmanager's words.
//!
//! In:    the fields of one `..._configs` entry, the defaults of `global`. Out: an `Integration`, or `None` after a problem with its place.
//! Never: puts a secret into a problem's text.

use std::path::Path;

use bellbuoy_notify::{
    Detail, HttpOptions, Integration, IntegrationKind, MsTeamsV2Settings, OpsgenieResponder, OpsgenieSettings, PagerdutyImage,
    PagerdutyKey, PagerdutyLink, PagerdutySettings, SlackAction, SlackConfirmation, SlackField, SlackSettings, TelegramMode,
    TelegramSettings,
};
use bellbuoy_vocabulary::{Millis, Secret};
use granit_parser::ScalarStyle;

use super::super::Files;
use super::super::http;
use super::super::read::{Fields, Text};
use super::super::yaml::{Node, Scalar, Value};
use super::http_options;

const SLACK_API: &str = "https://slack.com/api/chat.postMessage";

/// Addresses and keys of `global` for these services.
#[derive(Clone, Debug)]
pub struct Services {
    slack_url: Given,
    slack_token: Given,
    slack_app_url: String,
    pagerduty_url: String,
    opsgenie_url: String,
    opsgenie_key: Given,
    telegram_url: String,
    telegram_token: Given,
}

impl Default for Services {
    fn default() -> Services {
        Services {
            slack_url: Given::default(),
            slack_token: Given::default(),
            slack_app_url: SLACK_API.into(),
            pagerduty_url: "https://events.pagerduty.com/v2/enqueue".into(),
            opsgenie_url: "https://api.opsgenie.com/".into(),
            opsgenie_key: Given::default(),
            telegram_url: "https://api.telegram.org".into(),
            telegram_token: Given::default(),
        }
    }
}

/// A secret in place or in a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub value: Option<Secret>,
    /// It is written; when there is no value, why is reported already.
    pub said: bool,
}

impl Given {
    pub fn read(fields: &Fields, key: &'static str, file_key: &'static str, folder: &Path, files: &Files) -> Given {
        let filled = |key| fields.unset(key) || fields.node(key).is_some_and(|node| node.scalar().is_none_or(|text| !text.text.is_empty()));
        let said = [key, file_key].into_iter().any(filled);
        let value = http::one_of(fields, key, file_key, folder, files).filter(|secret| said && !secret.is_empty());
        Given { value, said }
    }

    /// A web address.
    pub fn url(fields: &Fields, key: &'static str, file_key: &'static str, folder: &Path, files: &Files) -> Given {
        let given = Given::read(fields, key, file_key, folder, files);
        if let Some(url) = &given.value {
            let span = fields.node(key).or(fields.node(file_key)).map_or(fields.span, |node| node.span);
            http::check_url(fields, key, url.expose(), span);
        }
        given
    }

    pub fn or(self, other: &Given) -> Given {
        if self.said { self } else { other.clone() }
    }
}

/// The fields of `global`.
pub fn read_global(fields: &Fields, folder: &Path, files: &Files) -> Services {
    let defaults = Services::default();
    let services = Services {
        slack_url: Given::url(fields, "slack_api_url", "slack_api_url_file", folder, files),
        slack_token: Given::read(fields, "slack_app_token", "slack_app_token_file", folder, files),
        slack_app_url: address(fields, "slack_app_url").unwrap_or(defaults.slack_app_url),
        pagerduty_url: address(fields, "pagerduty_url").unwrap_or(defaults.pagerduty_url),
        opsgenie_url: address(fields, "opsgenie_api_url").unwrap_or(defaults.opsgenie_url),
        opsgenie_key: Given::read(fields, "opsgenie_api_key", "opsgenie_api_key_file", folder, files),
        telegram_url: address(fields, "telegram_api_url").unwrap_or(defaults.telegram_url),
        telegram_token: Given::read(fields, "telegram_bot_token", "telegram_bot_token_file", folder, files),
    };
    let same = services.slack_url.value.as_ref().is_some_and(|url| url.expose() == services.slack_app_url);
    if services.slack_token.said && services.slack_url.said && !same {
        let message = "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured";
        fields.error(fields.key_span("slack_app_token"), message, "a webhook needs no token");
    }
    services
}

pub(super) fn address(fields: &Fields, key: &'static str) -> Option<String> {
    let text = fields.text(key)?;
    http::check_url(fields, key, text.as_str(), text.span());
    Some(text.as_str().to_string())
}

pub(super) fn text(fields: &Fields, key: &'static str, default: &str) -> String {
    fields.string(key).unwrap_or_else(|| default.to_string())
}

pub(super) fn timeout(fields: &Fields) -> Option<Millis> {
    fields.duration("timeout").filter(|timeout| *timeout != Millis::ZERO)
}

pub fn slack(fields: Fields, index: usize, http: &HttpOptions, global: &Services, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(false);
    let own_http = http_options(&fields, "http_config", folder, files);
    let url = Given::url(&fields, "api_url", "api_url_file", folder, files);
    let token = Given::read(&fields, "app_token", "app_token_file", folder, files);
    if url.said && token.said {
        let message = "at most one of api_url/api_url_file & app_token/app_token_file must be configured";
        fields.error(fields.key_span("app_token"), message, "a webhook needs no token");
    }
    let authorized = own_http.as_ref().is_some_and(|http| http.authorization.is_some());
    let token = if url.said || authorized { token } else { token.or(&global.slack_token) };
    let url = url.or(&global.slack_url);
    let http = own_http.unwrap_or_else(|| http.clone());
    if !url.said && !token.said {
        let help = "add `api_url: https://hooks.slack.com/...` here or `slack_api_url: ...` in global";
        fields.error(fields.span, "no Slack API URL nor App token set either inline or in a file", help);
    }
    if token.said && http.authorization.is_some() {
        fields.error(fields.span, "http authorization can't be set when using Slack App tokens", "remove authorization from http_config");
    }
    let app_url = address(&fields, "app_url").unwrap_or_else(|| global.slack_app_url.clone());
    let settings = SlackSettings {
        api_url: if token.said { Secret::new(app_url) } else { url.value.clone().unwrap_or_default() },
        app_token: token.value.clone(),
        channel: text(&fields, "channel", ""),
        username: text(&fields, "username", r#"{{ template "slack.default.username" . }}"#),
        color: text(&fields, "color", r#"{{ template "slack.default.color" . }}"#),
        title: text(&fields, "title", r#"{{ template "slack.default.title" . }}"#),
        title_link: text(&fields, "title_link", r#"{{ template "slack.default.titlelink" . }}"#),
        pretext: text(&fields, "pretext", r#"{{ template "slack.default.pretext" . }}"#),
        text: text(&fields, "text", r#"{{ template "slack.default.text" . }}"#),
        message_text: text(&fields, "message_text", ""),
        fields: fields.maps("fields", "Slack field").into_iter().map(slack_field).collect(),
        short_fields: fields.boolean("short_fields").unwrap_or(false),
        footer: text(&fields, "footer", r#"{{ template "slack.default.footer" . }}"#),
        fallback: text(&fields, "fallback", r#"{{ template "slack.default.fallback" . }}"#),
        callback_id: text(&fields, "callback_id", r#"{{ template "slack.default.callbackid" . }}"#),
        icon_emoji: text(&fields, "icon_emoji", r#"{{ template "slack.default.iconemoji" . }}"#),
        icon_url: text(&fields, "icon_url", r#"{{ template "slack.default.iconurl" . }}"#),
        image_url: text(&fields, "image_url", ""),
        thumb_url: text(&fields, "thumb_url", ""),
        link_names: fields.boolean("link_names").unwrap_or(false),
        mrkdwn_in: fields.texts("mrkdwn_in").iter().map(|text| text.as_str().to_string()).collect(),
        actions: fields.maps("actions", "Slack action").into_iter().map(slack_action).collect(),
        update_message: fields.boolean("update_message").unwrap_or(false),
        timeout: timeout(&fields),
        http,
    };
    if settings.update_message
        && (token.value.is_some() || url.value.is_some())
        && !settings.api_url.expose().ends_with("/chat.postMessage")
    {
        let message = "update_message can only be used with bot tokens: webhooks can not edit messages";
        fields.error(fields.key_span("update_message"), message, format!("add `app_token: ...`, or `api_url: {SLACK_API}`"));
    }
    if token.said && settings.channel.is_empty() && !fields.unset("channel") {
        fields.report.warning(fields.span, "no channel for the Slack App: Slack refuses such messages", "add `channel: '#name'`");
    }
    fields.finish();
    let given = if token.said { token.value.is_some() } else { url.value.is_some() };
    given.then_some(Integration { index, send_resolved, kind: IntegrationKind::Slack(settings) })
}

fn slack_field(fields: Fields) -> SlackField {
    let field = SlackField {
        title: filled(&fields, "title", "missing title in Slack field configuration"),
        value: filled(&fields, "value", "missing value in Slack field configuration"),
        short: fields.boolean("short"),
    };
    fields.finish();
    field
}

fn slack_action(fields: Fields) -> SlackAction {
    let confirm = fields.map("confirm", "Slack confirmation").map(|inner| {
        let confirm = SlackConfirmation {
            title: text(&inner, "title", ""),
            text: filled(&inner, "text", "missing text in Slack confirmation configuration"),
            ok_text: text(&inner, "ok_text", ""),
            dismiss_text: text(&inner, "dismiss_text", ""),
        };
        inner.finish();
        confirm
    });
    let action = SlackAction {
        kind: filled(&fields, "type", "missing type in Slack action configuration"),
        text: filled(&fields, "text", "missing text in Slack action configuration"),
        url: text(&fields, "url", ""),
        style: text(&fields, "style", ""),
        name: text(&fields, "name", ""),
        value: text(&fields, "value", ""),
        confirm,
    };
    if action.url.is_empty() && action.name.is_empty() && !fields.unset("url") && !fields.unset("name") {
        fields.error(fields.span, "missing name or url in Slack action configuration", "a button is a link (url) or has a name");
    }
    fields.finish();
    // A button that is a link has nothing else.
    if action.url.is_empty() { action } else { SlackAction { name: String::new(), value: String::new(), confirm: None, ..action } }
}

/// A text that may not be empty.
pub(super) fn filled(fields: &Fields, key: &'static str, missing: &str) -> String {
    let found = text(fields, key, "");
    if found.is_empty() && !fields.unset(key) && fields.node(key).is_none_or(|node| node.scalar().is_some()) {
        fields.error(fields.span, missing, format!("add `{key}: ...`"));
    }
    found
}

pub fn pagerduty(fields: Fields, index: usize, http: &HttpOptions, global: &Services, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(true);
    let routing = Given::read(&fields, "routing_key", "routing_key_file", folder, files);
    let service = Given::read(&fields, "service_key", "service_key_file", folder, files);
    if !routing.said && !service.said {
        fields.error(
            fields.span,
            "missing service or routing key in PagerDuty config",
            "add `routing_key: ...` or `routing_key_file: path`",
        );
    }
    // As in Alertmanager the old interface is taken when both keys are given.
    let key = service.value.map(PagerdutyKey::Service).or(routing.value.map(PagerdutyKey::Routing));
    let mut details = details(&fields);
    for (name, detail) in PagerdutySettings::default_details() {
        if !details.iter().any(|(known, _)| *known == name) {
            details.push((name, detail));
        }
    }
    let image = |image: Fields| {
        let found = PagerdutyImage { src: text(&image, "src", ""), alt: text(&image, "alt", ""), href: text(&image, "href", "") };
        image.finish();
        found
    };
    let link = |link: Fields| {
        let found = PagerdutyLink { href: text(&link, "href", ""), text: text(&link, "text", "") };
        link.finish();
        found
    };
    let settings = PagerdutySettings {
        key: key.clone().unwrap_or(PagerdutyKey::Routing(Secret::default())),
        url: address(&fields, "url").unwrap_or_else(|| global.pagerduty_url.clone()),
        client: text(&fields, "client", r#"{{ template "pagerduty.default.client" . }}"#),
        client_url: text(&fields, "client_url", r#"{{ template "pagerduty.default.clientURL" . }}"#),
        description: text(&fields, "description", r#"{{ template "pagerduty.default.description" .}}"#),
        details,
        images: fields.maps("images", "PagerDuty image").into_iter().map(image).collect(),
        links: fields.maps("links", "PagerDuty link").into_iter().map(link).collect(),
        source: text(&fields, "source", ""),
        severity: text(&fields, "severity", ""),
        class: text(&fields, "class", ""),
        component: text(&fields, "component", ""),
        group: text(&fields, "group", ""),
        timeout: timeout(&fields),
        http: http_options(&fields, "http_config", folder, files).unwrap_or_else(|| http.clone()),
    };
    fields.finish();
    key.map(|_| Integration { index, send_resolved, kind: IntegrationKind::Pagerduty(settings) })
}

fn details(fields: &Fields) -> Vec<(String, Detail)> {
    let Some(node) = fields.node("details") else { return Vec::new() };
    match detail(node) {
        Detail::Map(pairs) => pairs,
        _ => {
            let message = format!("\"details\" must be a map, not {}", node.kind());
            fields.error(node.span, message, "write it as `name: value` lines");
            Vec::new()
        }
    }
}

pub(in crate::config) fn detail(node: &Node) -> Detail {
    match &node.value {
        Value::Null | Value::Unset => Detail::Plain(serde_json::Value::Null),
        Value::Scalar(scalar) => detail_text(scalar),
        Value::List(items) => Detail::List(items.iter().map(detail).collect()),
        Value::Map(entries) => Detail::Map(entries.iter().map(|entry| (entry.key.clone(), detail(&entry.value))).collect()),
    }
}

/// Numbers, true and false without quotes are what they are.
fn detail_text(scalar: &Scalar) -> Detail {
    match serde_json::from_str::<serde_json::Value>(&scalar.text) {
        Ok(value) if scalar.style == ScalarStyle::Plain && (value.is_number() || value.is_boolean()) => Detail::Plain(value),
        _ => Detail::Template(scalar.text.clone()),
    }
}

pub fn opsgenie(fields: Fields, index: usize, http: &HttpOptions, global: &Services, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(true);
    let key = Given::read(&fields, "api_key", "api_key_file", folder, files).or(&global.opsgenie_key);
    if !key.said {
        let help = "add `api_key: ...` here or `opsgenie_api_key: ...` in global";
        fields.error(fields.span, "no global OpsGenie API Key set either inline or in a file", help);
    }
    let mut api_url = address(&fields, "api_url").unwrap_or_else(|| global.opsgenie_url.clone());
    if !api_url.ends_with('/') {
        api_url.push('/');
    }
    let settings = OpsgenieSettings {
        api_key: key.value.clone().unwrap_or_default(),
        api_url,
        message: text(&fields, "message", r#"{{ template "opsgenie.default.message" . }}"#),
        description: text(&fields, "description", r#"{{ template "opsgenie.default.description" . }}"#),
        source: text(&fields, "source", r#"{{ template "opsgenie.default.source" . }}"#),
        details: fields.pairs("details").iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect(),
        entity: text(&fields, "entity", ""),
        responders: fields.maps("responders", "Opsgenie responder").into_iter().map(responder).collect(),
        actions: text(&fields, "actions", ""),
        tags: text(&fields, "tags", ""),
        note: text(&fields, "note", ""),
        priority: text(&fields, "priority", ""),
        update_alerts: fields.boolean("update_alerts").unwrap_or(false),
        http: http_options(&fields, "http_config", folder, files).unwrap_or_else(|| http.clone()),
    };
    fields.finish();
    key.value.map(|_| Integration { index, send_resolved, kind: IntegrationKind::Opsgenie(settings) })
}

fn responder(fields: Fields) -> OpsgenieResponder {
    let found = OpsgenieResponder {
        id: text(&fields, "id", ""),
        name: text(&fields, "name", ""),
        username: text(&fields, "username", ""),
        kind: text(&fields, "type", ""),
    };
    let unset = ["id", "name", "username"].into_iter().any(|key| fields.unset(key));
    if found.id.is_empty() && found.name.is_empty() && found.username.is_empty() && !unset {
        let message = "opsGenieConfig responder has to have at least one of id, username or name specified";
        fields.error(fields.span, message, "add `name: ...`");
    }
    let known = ["team", "teams", "user", "escalation", "schedule"];
    if !found.kind.contains("{{") && !fields.unset("type") && !known.contains(&found.kind.to_lowercase().as_str()) {
        let span = fields.node("type").map_or(fields.span, |node| node.span);
        let message = "opsGenieConfig responder type does not match valid options ^(team|teams|user|escalation|schedule)$";
        fields.error(span, message, "write for example `type: team`");
    }
    fields.finish();
    found
}

pub fn telegram(fields: Fields, index: usize, http: &HttpOptions, global: &Services, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(true);
    let token = Given::read(&fields, "bot_token", "bot_token_file", folder, files).or(&global.telegram_token);
    if !token.said {
        let help = "add `bot_token: ...` here or `telegram_bot_token: ...` in global";
        fields.error(fields.span, "missing bot_token or bot_token_file on telegram_config", help);
    }
    let chat_id = chat_id(&fields, folder, files);
    let settings = TelegramSettings {
        api_url: address(&fields, "api_url").unwrap_or_else(|| global.telegram_url.clone()),
        bot_token: token.value.clone().unwrap_or_default(),
        chat_id: chat_id.unwrap_or_default(),
        message_thread_id: fields.text("message_thread_id").and_then(|text| whole(&fields, "message_thread_id", text)).unwrap_or(0),
        message: text(&fields, "message", r#"{{ template "telegram.default.message" . }}"#),
        disable_notifications: fields.boolean("disable_notifications").unwrap_or(false),
        protect_content: false,
        parse_mode: parse_mode(&fields),
        http: http_options(&fields, "http_config", folder, files).unwrap_or_else(|| http.clone()),
    };
    fields.finish();
    (token.value.is_some() && chat_id.is_some()).then_some(Integration { index, send_resolved, kind: IntegrationKind::Telegram(settings) })
}

fn chat_id(fields: &Fields, folder: &Path, files: &Files) -> Option<i64> {
    let said = |key| fields.node(key).is_some() || fields.unset(key);
    if said("chat_id") && said("chat_id_file") {
        fields.error(fields.key_span("chat_id_file"), "at most one of chat_id & chat_id_file must be configured", "");
    }
    if !said("chat_id") && !said("chat_id_file") {
        fields.error(fields.span, "missing chat_id or chat_id_file on telegram_config", "add `chat_id: -100...`");
    }
    if let Some(content) = http::file(fields, "chat_id_file", folder, files) {
        let span = fields.node("chat_id_file").map_or(fields.span, |node| node.span);
        let id = content.trim().parse().ok().filter(|id| *id != 0);
        if id.is_none() {
            fields.error(span, "chat_id_file holds no chat_id", "it is a whole number other than 0");
        }
        return id;
    }
    let text = fields.text("chat_id")?;
    let id = whole(fields, "chat_id", text)?;
    if id == 0 {
        fields.error(text.span(), "missing chat_id or chat_id_file on telegram_config", "0 is no chat");
    }
    (id != 0).then_some(id)
}

/// A whole number with a sign.
fn whole(fields: &Fields, key: &str, text: Text) -> Option<i64> {
    let free = text.scalar.style == ScalarStyle::Plain || text.scalar.expanded();
    let number = text.as_str().parse().ok().filter(|_| free);
    if number.is_none() {
        fields.error(text.span(), format!("{key:?} must be a whole number, not {:?}", text.shown()), "write it without quotes");
    }
    number
}

fn parse_mode(fields: &Fields) -> TelegramMode {
    let Some(text) = fields.text("parse_mode") else { return TelegramMode::Html };
    match text.as_str() {
        "HTML" => TelegramMode::Html,
        "Markdown" => TelegramMode::Markdown,
        "MarkdownV2" => TelegramMode::MarkdownV2,
        "" => TelegramMode::Plain,
        _ => {
            let message = "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string";
            fields.error(text.span(), message, "");
            TelegramMode::Plain
        }
    }
}

pub fn msteamsv2(fields: Fields, index: usize, http: &HttpOptions, folder: &Path, files: &Files) -> Option<Integration> {
    let send_resolved = fields.boolean("send_resolved").unwrap_or(true);
    let url = Given::url(&fields, "webhook_url", "webhook_url_file", folder, files);
    if !url.said {
        fields.error(fields.span, "one of webhook_url or webhook_url_file must be configured", "add `webhook_url: https://...`");
    }
    let settings = MsTeamsV2Settings {
        webhook_url: url.value.clone().unwrap_or_default(),
        title: text(&fields, "title", r#"{{ template "msteamsv2.default.title" . }}"#),
        text: text(&fields, "text", r#"{{ template "msteamsv2.default.text" . }}"#),
        http: http_options(&fields, "http_config", folder, files).unwrap_or_else(|| http.clone()),
    };
    fields.finish();
    url.value.map(|_| Integration { index, send_resolved, kind: IntegrationKind::MsTeamsV2(settings) })
}
