//! The receivers that take one request per message, with their part of `global`. Keys, defaults and what must be there are
//! Alertmanager's, and so are the words for what is missing; Google Chat and ntfy are ours.
//!
//! In:    the fields of one `..._configs` entry, the defaults of `global`. Out: integrations, or a problem with its place.

use std::path::Path;

use bellbuoy_notify::{
    GoogleChatSettings, HttpOptions, IncidentioSettings, Integration, IntegrationKind, MattermostAttachment, MattermostField,
    MattermostPriority, MattermostSettings, MsTeamsSettings, NtfySettings, PushoverSettings, RocketchatAction, RocketchatField,
    RocketchatSettings, SnsRole, SnsSettings, SnsTarget, VictorOpsSettings, WebexSettings,
};
use bellbuoy_vocabulary::Millis;

use super::super::Files;
use super::super::read::Fields;
use super::services::{Given, address, filled, text, timeout};
use super::{ReceiverDefaults, http_options};

/// Fields of a VictorOps message that are ours to fill.
const VICTOROPS_RESERVED: [&str; 7] =
    ["routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool", "entity_id", "entity_state"];

/// Addresses and keys of `global` for these receivers.
#[derive(Clone, Debug)]
pub struct More {
    victorops_url: String,
    victorops_key: Given,
    webex_url: String,
    rocketchat_url: String,
    rocketchat_token: Given,
    rocketchat_token_id: Given,
    mattermost_url: Given,
}

impl Default for More {
    fn default() -> More {
        More {
            victorops_url: "https://alert.victorops.com/integrations/generic/20131114/alert/".into(),
            victorops_key: Given::default(),
            webex_url: "https://webexapis.com/v1/messages".into(),
            rocketchat_url: "https://open.rocket.chat/".into(),
            rocketchat_token: Given::default(),
            rocketchat_token_id: Given::default(),
            mattermost_url: Given::default(),
        }
    }
}

/// The fields of `global`.
pub fn read_global(fields: &Fields, folder: &Path, files: &Files) -> More {
    let defaults = More::default();
    More {
        victorops_url: address(fields, "victorops_api_url").unwrap_or(defaults.victorops_url),
        victorops_key: Given::read(fields, "victorops_api_key", "victorops_api_key_file", folder, files),
        webex_url: address(fields, "webex_api_url").unwrap_or(defaults.webex_url),
        rocketchat_url: address(fields, "rocketchat_api_url").unwrap_or(defaults.rocketchat_url),
        rocketchat_token: Given::read(fields, "rocketchat_token", "rocketchat_token_file", folder, files),
        rocketchat_token_id: Given::read(fields, "rocketchat_token_id", "rocketchat_token_id_file", folder, files),
        mattermost_url: Given::url(fields, "mattermost_webhook_url", "mattermost_webhook_url_file", folder, files),
    }
}

/// What a reader of one kind needs beside its fields.
struct Around<'a> {
    http: &'a HttpOptions,
    global: &'a More,
    folder: &'a Path,
    files: &'a Files,
}

impl Around<'_> {
    fn given(&self, fields: &Fields, key: &'static str, file_key: &'static str) -> Given {
        Given::read(fields, key, file_key, self.folder, self.files)
    }

    fn url(&self, fields: &Fields, key: &'static str, file_key: &'static str) -> Given {
        Given::url(fields, key, file_key, self.folder, self.files)
    }

    /// `http_config`, when the receiver has one of its own.
    fn own_http(&self, fields: &Fields) -> Option<HttpOptions> {
        http_options(fields, "http_config", self.folder, self.files)
    }

    fn http(&self, fields: &Fields) -> HttpOptions {
        self.own_http(fields).unwrap_or_else(|| self.http.clone())
    }
}

type Reader = fn(&Fields, &Around) -> Option<IntegrationKind>;

/// Key of the list, what one of it is, whether it tells resolves by itself, and its reader.
const KINDS: [(&str, &str, bool, Reader); 10] = [
    ("pushover_configs", "pushover config", true, pushover),
    ("victorops_configs", "VictorOps config", true, victorops),
    ("webex_configs", "webex config", true, webex),
    ("sns_configs", "SNS config", true, sns),
    ("rocketchat_configs", "rocketchat config", false, rocketchat),
    ("mattermost_configs", "mattermost config", true, mattermost),
    ("incidentio_configs", "incidentio config", true, incidentio),
    ("msteams_configs", "msteams config", true, msteams),
    ("googlechat_configs", "googlechat config", true, googlechat),
    ("ntfy_configs", "ntfy config", true, ntfy),
];

/// All integrations of these kinds in a receiver.
pub fn read(fields: &Fields, defaults: &ReceiverDefaults, folder: &Path, files: &Files) -> Vec<Integration> {
    let around = Around { http: &defaults.http, global: &defaults.more, folder, files };
    let mut found = Vec::new();
    for (key, what, resolves, reader) in KINDS {
        for (index, one) in fields.maps(key, what).into_iter().enumerate() {
            let send_resolved = one.boolean("send_resolved").unwrap_or(resolves);
            let kind = reader(&one, &around);
            one.finish();
            found.extend(kind.map(|kind| Integration { index, send_resolved, kind }));
        }
    }
    found
}

/// Reports a value that is neither in place nor in a file.
fn needed(fields: &Fields, given: &Given, message: &str, help: &str) {
    if !given.said {
        fields.error(fields.span, message, help);
    }
}

fn pushover(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let user_key = around.given(fields, "user_key", "user_key_file");
    let token = around.given(fields, "token", "token_file");
    needed(fields, &user_key, "one of user_key or user_key_file must be configured", "add `user_key: ...`");
    needed(fields, &token, "one of token or token_file must be configured", "add `token: ...`");
    let (html, monospace) = (fields.boolean("html").unwrap_or(false), fields.boolean("monospace").unwrap_or(false));
    if html && monospace {
        fields.error(fields.key_span("monospace"), "at most one of monospace & html must be configured", "remove one of the two");
    }
    let settings = PushoverSettings {
        user_key: user_key.value.clone().unwrap_or_default(),
        token: token.value.clone().unwrap_or_default(),
        title: text(fields, "title", r#"{{ template "pushover.default.title" . }}"#),
        message: text(fields, "message", r#"{{ template "pushover.default.message" . }}"#),
        url: text(fields, "url", r#"{{ template "pushover.default.url" . }}"#),
        url_title: text(fields, "url_title", ""),
        device: text(fields, "device", ""),
        sound: text(fields, "sound", ""),
        priority: text(fields, "priority", r#"{{ if eq .Status "firing" }}2{{ else }}0{{ end }}"#),
        retry: fields.duration("retry").unwrap_or(Millis::from_minutes(1)),
        expire: fields.duration("expire").unwrap_or(Millis::from_minutes(60)),
        ttl: fields.duration("ttl").unwrap_or(Millis::ZERO),
        html,
        monospace,
        http: around.http(fields),
    };
    (user_key.value.is_some() && token.value.is_some()).then_some(IntegrationKind::Pushover(settings))
}

fn victorops(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let key = around.given(fields, "api_key", "api_key_file").or(&around.global.victorops_key);
    needed(fields, &key, "no global VictorOps API Key set", "add `api_key: ...` here or `victorops_api_key: ...` in global");
    let mut api_url = address(fields, "api_url").unwrap_or_else(|| around.global.victorops_url.clone());
    if !api_url.ends_with('/') {
        api_url.push('/');
    }
    let mut custom_fields = Vec::new();
    for pair in fields.pairs("custom_fields") {
        if VICTOROPS_RESERVED.contains(&pair.name) {
            let name = pair.name;
            let message =
                format!("victorOps config contains custom field {name} which cannot be used as it conflicts with the fixed/static fields");
            fields.error(pair.name_span, message, "choose another name");
        }
        custom_fields.push((pair.name.to_string(), pair.value().to_string()));
    }
    let settings = VictorOpsSettings {
        api_key: key.value.clone().unwrap_or_default(),
        api_url,
        routing_key: filled(fields, "routing_key", "missing Routing key in VictorOps config"),
        message_type: text(fields, "message_type", "CRITICAL"),
        state_message: text(fields, "state_message", r#"{{ template "victorops.default.state_message" . }}"#),
        entity_display_name: text(fields, "entity_display_name", r#"{{ template "victorops.default.entity_display_name" . }}"#),
        monitoring_tool: text(fields, "monitoring_tool", r#"{{ template "victorops.default.monitoring_tool" . }}"#),
        custom_fields,
        http: around.http(fields),
    };
    key.value.is_some().then_some(IntegrationKind::VictorOps(settings))
}

fn webex(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let own_http = around.own_http(fields);
    let room_id = filled(fields, "room_id", "missing room_id on webex_config");
    // The receiver's own: Alertmanager does not take the one of `global` here either.
    if own_http.as_ref().is_none_or(|http| http.authorization.is_none()) && !fields.unset("http_config") {
        let help = "add `http_config: {authorization: {credentials: TOKEN}}` with the bot's token";
        fields.error(fields.span, "missing webex_configs.http_config.authorization", help);
    }
    let settings = WebexSettings {
        api_url: address(fields, "api_url").unwrap_or_else(|| around.global.webex_url.clone()),
        room_id,
        message: text(fields, "message", r#"{{ template "webex.default.message" . }}"#),
        http: own_http?,
    };
    Some(IntegrationKind::Webex(settings))
}

fn sns(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let mut targets = Vec::new();
    for (key, target) in [
        ("topic_arn", SnsTarget::Topic as fn(String) -> SnsTarget),
        ("target_arn", SnsTarget::Target as fn(String) -> SnsTarget),
        ("phone_number", SnsTarget::Phone as fn(String) -> SnsTarget),
    ] {
        let unset = fields.unset(key);
        let value = fields.string(key).filter(|value| !value.is_empty());
        if value.is_some() || unset {
            targets.push(target(value.unwrap_or_default()));
        }
    }
    if targets.len() != 1 {
        let help = "give exactly one of target_arn, topic_arn and phone_number";
        fields.error(fields.span, "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config", help);
    }
    let (region, access_key, secret_key, role) = sigv4(fields, around);
    // A wish for AWS' own client in Alertmanager; ours reads `tls_config` in any case.
    let _ = fields.boolean("use_aws_http_client");
    let attributes = fields.pairs("attributes").iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect();
    let target = targets.pop();
    let settings = SnsSettings {
        api_url: text(fields, "api_url", ""),
        region,
        access_key,
        secret_key: secret_key.value.unwrap_or_default(),
        role,
        to: target.clone().unwrap_or(SnsTarget::Topic(String::new())),
        subject: text(fields, "subject", r#"{{ template "sns.default.subject" . }}"#),
        message: text(fields, "message", r#"{{ template "sns.default.message" . }}"#),
        attributes,
        http: around.http(fields),
    };
    target.map(|_| IntegrationKind::Sns(settings))
}

/// Region, access key, secret key and role of `sigv4`.
fn sigv4(fields: &Fields, around: &Around) -> (String, String, Given, Option<SnsRole>) {
    let Some(inner) = fields.map("sigv4", "sigv4") else {
        if !fields.unset("sigv4") {
            fields.error(
                fields.span,
                "sigv4 is missing in this SNS config",
                "add `sigv4: {region: ..., access_key: ..., secret_key: ...}`",
            );
        }
        return Default::default();
    };
    let region = text(&inner, "region", "");
    if region.is_empty() && !inner.unset("region") {
        inner.error(inner.span, "region not configured in sns.sigv4.region", "add `region: eu-west-1` or the like");
    }
    let access_key = text(&inner, "access_key", "");
    let secret_key = around.given(&inner, "secret_key", "secret_key_file");
    let access = !access_key.is_empty() || inner.unset("access_key");
    if access != secret_key.said {
        let message = "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config";
        inner.error(inner.span, message, "add the other one");
    } else if !access {
        let message = "sigv4 needs access_key and secret_key: AWS' chain of credentials is not followed";
        inner.error(inner.span, message, "write `access_key: ${AWS_ACCESS_KEY_ID}` and `secret_key: ${AWS_SECRET_ACCESS_KEY}`");
    }
    inner.not_yet_but(&["profile"], "give the keys of a user that may publish or take the role");
    inner.only("use_fips_sts_endpoint", false);
    let (arn, external_id) = (text(&inner, "role_arn", ""), text(&inner, "external_id", ""));
    if arn.is_empty() && !external_id.is_empty() && !inner.unset("role_arn") {
        inner.error(inner.key_span("external_id"), "external_id is for a role, and there is no role_arn", "add `role_arn: ...`");
    }
    inner.finish();
    (region, access_key, secret_key, (!arn.is_empty()).then_some(SnsRole { arn, external_id }))
}

fn rocketchat(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let token_id = around.given(fields, "token_id", "token_id_file").or(&around.global.rocketchat_token_id);
    let token = around.given(fields, "token", "token_file").or(&around.global.rocketchat_token);
    let help = "add `token_id: ...` here or `rocketchat_token_id: ...` in global";
    needed(fields, &token_id, "no global Rocketchat TokenID set either inline or in a file", help);
    let help = "add `token: ...` here or `rocketchat_token: ...` in global";
    needed(fields, &token, "no global Rocketchat Token set either inline or in a file", help);
    // Known to Alertmanager, and without any effect there too.
    let _ = fields.boolean("link_names");
    let settings = RocketchatSettings {
        api_url: address(fields, "api_url").unwrap_or_else(|| around.global.rocketchat_url.clone()),
        token: token.value.clone().unwrap_or_default(),
        token_id: token_id.value.clone().unwrap_or_default(),
        channel: text(fields, "channel", ""),
        color: text(fields, "color", r#"{{ if eq .Status "firing" }}red{{ else }}green{{ end }}"#),
        title: text(fields, "title", r#"{{ template "rocketchat.default.title" . }}"#),
        title_link: text(fields, "title_link", r#"{{ template "rocketchat.default.titlelink" . }}"#),
        text: text(fields, "text", r#"{{ template "rocketchat.default.text" . }}"#),
        fields: fields.maps("fields", "Rocketchat field").into_iter().map(rocketchat_field).collect(),
        short_fields: fields.boolean("short_fields").unwrap_or(false),
        emoji: text(fields, "emoji", r#"{{ template "rocketchat.default.emoji" . }}"#),
        icon_url: text(fields, "icon_url", r#"{{ template "rocketchat.default.iconurl" . }}"#),
        image_url: text(fields, "image_url", ""),
        thumb_url: text(fields, "thumb_url", ""),
        actions: fields.maps("actions", "Rocketchat action").into_iter().map(rocketchat_action).collect(),
        http: around.http(fields),
    };
    (token.value.is_some() && token_id.value.is_some()).then_some(IntegrationKind::Rocketchat(settings))
}

fn rocketchat_field(fields: Fields) -> RocketchatField {
    let field = RocketchatField { title: text(&fields, "title", ""), value: text(&fields, "value", ""), short: fields.boolean("short") };
    fields.finish();
    field
}

fn rocketchat_action(fields: Fields) -> RocketchatAction {
    // Every action is a button, whatever is written; the other keys are read and dropped by Alertmanager.
    let _ = fields.text("type");
    let action = RocketchatAction { text: text(&fields, "text", ""), url: text(&fields, "url", ""), msg: text(&fields, "msg", "") };
    let dropped = ["imageurl", "iswebview", "webviewheightratio", "msginchatwindow", "msgprocessingtype"];
    fields.not_yet_but(&dropped, "remove it: Alertmanager does not send it either");
    fields.finish();
    action
}

fn mattermost(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let url = around.url(fields, "webhook_url", "webhook_url_file").or(&around.global.mattermost_url);
    let help = "add `webhook_url: https://...` here or `mattermost_webhook_url: ...` in global";
    needed(fields, &url, "missing webhook_url or webhook_url_file on mattermost_config", help);
    let defaults = MattermostAttachment {
        fallback: r#"{{ template "mattermost.default.fallback" . }}"#.into(),
        color: r#"{{ template "mattermost.default.color" . }}"#.into(),
        text: r#"{{ template "mattermost.default.text" . }}"#.into(),
        title: r#"{{ template "mattermost.default.title" . }}"#.into(),
        title_link: r#"{{ template "mattermost.default.titlelink" . }}"#.into(),
        ..Default::default()
    };
    let priority = fields.map("priority", "Mattermost priority").and_then(|inner| {
        let priority = MattermostPriority {
            priority: text(&inner, "priority", ""),
            requested_ack: inner.boolean("requested_ack").unwrap_or(false),
            persistent_notifications: inner.boolean("persistent_notifications").unwrap_or(false),
        };
        inner.finish();
        Some(priority).filter(|priority| !priority.priority.is_empty())
    });
    let card = fields.map("props", "Mattermost props").map(|inner| {
        let card = text(&inner, "card", "");
        inner.finish();
        card
    });
    let settings = MattermostSettings {
        webhook_url: url.value.clone().unwrap_or_default(),
        channel: text(fields, "channel", ""),
        username: text(fields, "username", r#"{{ template "mattermost.default.username" . }}"#),
        icon_url: text(fields, "icon_url", ""),
        icon_emoji: text(fields, "icon_emoji", ""),
        post_type: text(fields, "type", ""),
        attachment: attachment(fields, defaults),
        attachments: fields.maps("attachments", "Mattermost attachment").into_iter().map(own_attachment).collect(),
        card: card.unwrap_or_default(),
        priority,
        http: around.http(fields),
    };
    url.value.is_some().then(|| IntegrationKind::Mattermost(Box::new(settings)))
}

fn own_attachment(fields: Fields) -> MattermostAttachment {
    let found = attachment(&fields, MattermostAttachment::default());
    fields.finish();
    found
}

/// The fields of an attachment, which may stand in the receiver itself.
fn attachment(fields: &Fields, defaults: MattermostAttachment) -> MattermostAttachment {
    MattermostAttachment {
        fallback: text(fields, "fallback", &defaults.fallback),
        color: text(fields, "color", &defaults.color),
        pretext: text(fields, "pretext", ""),
        text: text(fields, "text", &defaults.text),
        author_name: text(fields, "author_name", ""),
        author_link: text(fields, "author_link", ""),
        author_icon: text(fields, "author_icon", ""),
        title: text(fields, "title", &defaults.title),
        title_link: text(fields, "title_link", &defaults.title_link),
        fields: fields.maps("fields", "Mattermost field").into_iter().map(mattermost_field).collect(),
        thumb_url: text(fields, "thumb_url", ""),
        footer: text(fields, "footer", ""),
        footer_icon: text(fields, "footer_icon", ""),
        image_url: text(fields, "image_url", ""),
    }
}

fn mattermost_field(fields: Fields) -> MattermostField {
    let field = MattermostField {
        title: filled(&fields, "title", "missing title in Mattermost field configuration"),
        value: filled(&fields, "value", "missing value in Mattermost field configuration"),
        short: fields.boolean("short"),
    };
    fields.finish();
    field
}

fn incidentio(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let url = around.url(fields, "url", "url_file");
    needed(
        fields,
        &url,
        "one of url or url_file must be configured",
        "add `url: https://api.incident.io/v2/alert_events/alertmanager/...`",
    );
    let token = around.given(fields, "alert_source_token", "alert_source_token_file");
    let own_http = around.own_http(fields);
    let authorized = own_http.as_ref().map(|http| http.authorization.is_some());
    if authorized == Some(true) && token.said {
        let message = "cannot specify alert_source_token or alert_source_token_file when using http_config.authorization";
        fields.error(fields.key_span("http_config"), message, "remove one of the two");
    }
    // Without an http_config Alertmanager asks for no token: the address may hold one.
    if authorized == Some(false) && !token.said {
        let message = "at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured";
        fields.error(fields.span, message, "add `alert_source_token: ...`");
    }
    let settings = IncidentioSettings {
        url: url.value.clone().unwrap_or_default(),
        alert_source_token: token.value,
        max_alerts: fields.integer("max_alerts").unwrap_or(0),
        timeout: timeout(fields),
        http: own_http.unwrap_or_else(|| around.http.clone()),
    };
    url.value.is_some().then_some(IntegrationKind::Incidentio(settings))
}

fn msteams(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let url = around.url(fields, "webhook_url", "webhook_url_file");
    needed(fields, &url, "one of webhook_url or webhook_url_file must be configured", "add `webhook_url: https://...`");
    let help = "make a Workflow in Teams and write its address below msteamsv2_configs";
    fields.report.warning(fields.span, "Microsoft has retired the connectors that msteams_configs is for", help);
    let settings = MsTeamsSettings {
        webhook_url: url.value.clone().unwrap_or_default(),
        title: text(fields, "title", r#"{{ template "msteams.default.title" . }}"#),
        summary: text(fields, "summary", r#"{{ template "msteams.default.summary" . }}"#),
        text: text(fields, "text", r#"{{ template "msteams.default.text" . }}"#),
        http: around.http(fields),
    };
    url.value.is_some().then_some(IntegrationKind::MsTeams(settings))
}

fn googlechat(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let url = around.url(fields, "url", "url_file");
    needed(fields, &url, "one of url or url_file must be configured", "add `url: https://chat.googleapis.com/v1/spaces/...`");
    let settings = GoogleChatSettings {
        url: url.value.clone().unwrap_or_default(),
        text: text(fields, "text", r#"{{ template "googlechat.default.text" . }}"#),
        title: text(fields, "title", ""),
        subtitle: text(fields, "subtitle", r#"{{ template "googlechat.default.subtitle" . }}"#),
        http: around.http(fields),
    };
    url.value.is_some().then_some(IntegrationKind::GoogleChat(settings))
}

fn ntfy(fields: &Fields, around: &Around) -> Option<IntegrationKind> {
    let own_http = around.own_http(fields);
    let token = around.given(fields, "token", "token_file");
    if token.said && own_http.as_ref().is_some_and(|http| http.authorization.is_some() || http.basic_auth.is_some()) {
        let message = "at most one of token, http_config.authorization and http_config.basic_auth can be used";
        fields.error(fields.key_span("http_config"), message, "remove one of the two");
    }
    let topic = fields.required("topic").map(|topic| topic.as_str().to_string());
    let settings = NtfySettings {
        url: address(fields, "url").unwrap_or_else(|| "https://ntfy.sh".into()),
        topic: topic.clone().unwrap_or_default(),
        token: token.value,
        title: text(fields, "title", r#"{{ template "ntfy.default.title" . }}"#),
        message: text(fields, "message", r#"{{ template "ntfy.default.message" . }}"#),
        priority: text(fields, "priority", r#"{{ template "ntfy.default.priority" . }}"#),
        tags: text(fields, "tags", r#"{{ template "ntfy.default.tags" . }}"#),
        click: text(fields, "click", r#"{{ template "ntfy.default.click" . }}"#),
        icon: text(fields, "icon", ""),
        markdown: fields.boolean("markdown").unwrap_or(false),
        http: own_http.unwrap_or_else(|| around.http.clone()),
    };
    topic.map(|_| IntegrationKind::Ntfy(settings))
}
