//! Jira and WeChat, which take several requests per message, with their part of `global`. Keys, defaults and what must be there are
//! Alertmanager's, and so are the words for what is missing.

use std::path::Path;

use bellbuoy_notify::{Detail, Integration, IntegrationKind, JiraApi, JiraSettings, JiraText, WechatSettings};
use bellbuoy_vocabulary::Millis;

use super::super::Files;
use super::super::read::Fields;
use super::services::{Given, address, detail, text};
use super::{ReceiverDefaults, http_options};

/// Addresses and secrets of `global` for these receivers.
#[derive(Clone, Debug, Default)]
pub struct Conversations {
    jira_url: Address,
    wechat_url: Address,
    wechat_secret: Given,
    wechat_corp_id: Option<String>,
}

/// A web address.
#[derive(Clone, Debug, Default)]
struct Address {
    value: Option<String>,
    /// It is written; when there is no value, why is reported already.
    said: bool,
}

impl Address {
    fn read(fields: &Fields, key: &'static str) -> Address {
        Address { value: address(fields, key), said: fields.has(key) && (fields.node(key).is_some() || fields.unset(key)) }
    }

    fn or(self, other: &Address) -> Address {
        if self.said { self } else { other.clone() }
    }
}

/// The fields of `global`.
pub fn read_global(fields: &Fields, folder: &Path, files: &Files) -> Conversations {
    Conversations {
        jira_url: Address::read(fields, "jira_api_url"),
        wechat_url: Address::read(fields, "wechat_api_url"),
        wechat_secret: Given::read(fields, "wechat_api_secret", "wechat_api_secret_file", folder, files),
        wechat_corp_id: fields.string("wechat_api_corp_id"),
    }
}

/// All integrations of these kinds in a receiver.
pub fn read(fields: &Fields, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Vec<Integration> {
    let mut found = Vec::new();
    for (index, one) in fields.maps("jira_configs", "jira config").into_iter().enumerate() {
        let send_resolved = one.boolean("send_resolved").unwrap_or(true);
        let kind = jira(&one, defaults, folder, files);
        one.finish();
        found.extend(kind.map(|kind| Integration { index, send_resolved, kind }));
    }
    for (index, one) in fields.maps("wechat_configs", "wechat config").into_iter().enumerate() {
        let send_resolved = one.boolean("send_resolved").unwrap_or(false);
        let kind = wechat(&one, defaults, folder, files);
        one.finish();
        found.extend(kind.map(|kind| Integration { index, send_resolved, kind }));
    }
    found
}

fn jira(fields: &Fields, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Option<IntegrationKind> {
    let url = Address::read(fields, "api_url").or(&defaults.conversations.jira_url);
    if !url.said {
        let help = "add `api_url: https://NAME.atlassian.net/rest/api/2` here or `jira_api_url: ...` in global";
        fields.error(fields.span, "no global Jira Cloud URL set", help);
    }
    let project = needed(fields, "project", "missing project in jira_config");
    let issue_type = needed(fields, "issue_type", "missing issue_type in jira_config");
    let settings = JiraSettings {
        api_url: url.value.clone().unwrap_or_default().trim_end_matches('/').to_string(),
        api_type: api_type(fields),
        project: project.clone().unwrap_or_default(),
        issue_type: issue_type.clone().unwrap_or_default(),
        summary: jira_text(fields, "summary", r#"{{ template "jira.default.summary" . }}"#),
        description: jira_text(fields, "description", r#"{{ template "jira.default.description" . }}"#),
        labels: fields.texts("labels").iter().map(|text| text.as_str().to_string()).collect(),
        priority: text(fields, "priority", r#"{{ template "jira.default.priority" . }}"#),
        reopen_transition: text(fields, "reopen_transition", ""),
        resolve_transition: text(fields, "resolve_transition", ""),
        wont_fix_resolution: text(fields, "wont_fix_resolution", ""),
        reopen_duration: fields.duration("reopen_duration").unwrap_or(Millis::ZERO),
        fields: issue_fields(fields),
        http: http_options(fields, "http_config", folder, files).unwrap_or_else(|| defaults.http.clone()),
    };
    let whole = url.value.is_some() && project.is_some() && issue_type.is_some();
    whole.then(|| IntegrationKind::Jira(Box::new(settings)))
}

fn needed(fields: &Fields, key: &'static str, missing: &str) -> Option<String> {
    let found = fields.string(key).filter(|text| !text.is_empty());
    let other_trouble = fields.unset(key) || fields.node(key).is_some_and(|node| node.scalar().is_none());
    if found.is_none() && !other_trouble {
        fields.error(fields.span, missing, format!("add `{key}: ...`"));
    }
    found
}

fn api_type(fields: &Fields) -> JiraApi {
    let Some(text) = fields.text("api_type") else { return JiraApi::Auto };
    match text.as_str() {
        "auto" => JiraApi::Auto,
        "cloud" => JiraApi::Cloud,
        "datacenter" => JiraApi::Datacenter,
        _ => {
            fields.error(text.span(), "unknown api_type on jira_config, must be auto, cloud or datacenter", "");
            JiraApi::Auto
        }
    }
}

/// A template, or a map with one and whether later messages write the field anew.
fn jira_text(fields: &Fields, key: &'static str, default: &str) -> JiraText {
    let default = JiraText { template: default.to_string(), update: true };
    match fields.node(key) {
        None => default,
        Some(node) if node.scalar().is_some() => JiraText { template: text(fields, key, ""), update: true },
        Some(_) => {
            let Some(inner) = fields.map(key, "jira field") else { return default };
            let template = text(&inner, "template", &default.template);
            let update = inner.boolean("enable_update").unwrap_or(true);
            inner.finish();
            JiraText { template, update }
        }
    }
}

fn issue_fields(fields: &Fields) -> Vec<(String, Detail)> {
    let Some(node) = fields.node("fields") else { return Vec::new() };
    let Detail::Map(pairs) = detail(node) else {
        let message = format!("\"fields\" must be a map, not {}", node.kind());
        fields.error(node.span, message, "write it as `name: value` lines");
        return Vec::new();
    };
    pairs
}

fn wechat(fields: &Fields, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Option<IntegrationKind> {
    let global = &defaults.conversations;
    let secret = Given::read(fields, "api_secret", "api_secret_file", folder, files).or(&global.wechat_secret);
    if !secret.said {
        let help = "add `api_secret: ...` here or `wechat_api_secret: ...` in global";
        fields.error(fields.span, "no global Wechat Api Secret set either inline or in a file", help);
    }
    let corp_id = fields.string("corp_id").or(global.wechat_corp_id.clone()).filter(|id| !id.is_empty());
    if corp_id.is_none() && !fields.unset("corp_id") {
        fields.error(fields.span, "no global Wechat CorpID set", "add `corp_id: ...` here or `wechat_api_corp_id: ...` in global");
    }
    let url = Address::read(fields, "api_url").or(&global.wechat_url);
    let mut api_url = url.value.unwrap_or_else(|| "https://qyapi.weixin.qq.com/cgi-bin/".into());
    if !api_url.ends_with('/') {
        api_url.push('/');
    }
    let markdown = match fields.text("message_type") {
        None => false,
        Some(kind) => {
            if !["", "text", "markdown"].contains(&kind.as_str()) {
                let message = format!("weChat message type {:?} does not match valid options ^(text|markdown)$", kind.shown());
                fields.error(kind.span(), message, "");
            }
            kind.as_str() == "markdown"
        }
    };
    let settings = WechatSettings {
        api_url,
        robot_url: None,
        corp_id: corp_id.clone().unwrap_or_default(),
        api_secret: secret.value.clone().unwrap_or_default(),
        message: text(fields, "message", r#"{{ template "wechat.default.message" . }}"#),
        to_user: text(fields, "to_user", r#"{{ template "wechat.default.to_user" . }}"#),
        to_party: text(fields, "to_party", r#"{{ template "wechat.default.to_party" . }}"#),
        to_tag: text(fields, "to_tag", r#"{{ template "wechat.default.to_tag" . }}"#),
        agent_id: text(fields, "agent_id", r#"{{ template "wechat.default.agent_id" . }}"#),
        markdown,
        http: http_options(fields, "http_config", folder, files).unwrap_or_else(|| defaults.http.clone()),
    };
    (secret.value.is_some() && corp_id.is_some()).then_some(IntegrationKind::Wechat(settings))
}
