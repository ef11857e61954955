//! How to speak to each receiver, as alertmanager.yml says it, with the defaults filled in. The boat's configuration reader makes these.
//!
//! Texts are Go templates over the notification's data. Addresses and tokens are `Secret`.

mod conversations;
mod grafana;
mod kinds;

use std::collections::BTreeMap;

pub use bellbuoy_vocabulary::HttpOptions;
use bellbuoy_vocabulary::{Millis, Secret, TlsOptions};

pub use conversations::*;
pub use grafana::*;
pub use kinds::*;

#[derive(Clone, Debug)]
pub struct Receiver {
    pub name: String,
    /// Only the API shows them and filters by them; `name` is always there.
    pub labels: BTreeMap<String, String>,
    pub integrations: Vec<Integration>,
}

#[derive(Clone, Debug)]
pub struct Integration {
    /// The same triple names it in the router, the outbox and the metrics: kind, position among its kind in the receiver.
    pub index: usize,
    pub send_resolved: bool,
    pub kind: IntegrationKind,
}

#[derive(Clone, Debug)]
pub enum IntegrationKind {
    Discord(DiscordSettings),
    Webhook(WebhookSettings),
    /// The webhook of a Grafana contact point: another body than Alertmanager's.
    GrafanaWebhook(Box<GrafanaWebhookSettings>),
    Email(EmailSettings),
    Slack(SlackSettings),
    Pagerduty(PagerdutySettings),
    Opsgenie(OpsgenieSettings),
    Telegram(TelegramSettings),
    MsTeamsV2(MsTeamsV2Settings),
    Pushover(PushoverSettings),
    VictorOps(VictorOpsSettings),
    Webex(WebexSettings),
    Sns(SnsSettings),
    Rocketchat(RocketchatSettings),
    Mattermost(Box<MattermostSettings>),
    Incidentio(IncidentioSettings),
    MsTeams(MsTeamsSettings),
    GoogleChat(GoogleChatSettings),
    Ntfy(NtfySettings),
    Jira(Box<JiraSettings>),
    Wechat(WechatSettings),
}

impl IntegrationKind {
    /// The word of alertmanager.yml without `_configs`, of Alertmanager's metrics and API.
    pub fn word(&self) -> &'static str {
        match self {
            IntegrationKind::Discord(_) => "discord",
            IntegrationKind::Webhook(_) | IntegrationKind::GrafanaWebhook(_) => "webhook",
            IntegrationKind::Email(_) => "email",
            IntegrationKind::Slack(_) => "slack",
            IntegrationKind::Pagerduty(_) => "pagerduty",
            IntegrationKind::Opsgenie(_) => "opsgenie",
            IntegrationKind::Telegram(_) => "telegram",
            IntegrationKind::MsTeamsV2(_) => "msteamsv2",
            IntegrationKind::Pushover(_) => "pushover",
            IntegrationKind::VictorOps(_) => "victorops",
            IntegrationKind::Webex(_) => "webex",
            IntegrationKind::Sns(_) => "sns",
            IntegrationKind::Rocketchat(_) => "rocketchat",
            IntegrationKind::Mattermost(_) => "mattermost",
            IntegrationKind::Incidentio(_) => "incidentio",
            IntegrationKind::MsTeams(_) => "msteams",
            IntegrationKind::GoogleChat(_) => "googlechat",
            IntegrationKind::Ntfy(_) => "ntfy",
            IntegrationKind::Jira(_) => "jira",
            IntegrationKind::Wechat(_) => "wechat",
        }
    }

    /// How its service is spoken to; `None` for mail.
    pub fn http(&self) -> Option<&HttpOptions> {
        match self {
            IntegrationKind::Email(_) => None,
            IntegrationKind::Discord(settings) => Some(&settings.http),
            IntegrationKind::Webhook(settings) => Some(&settings.http),
            IntegrationKind::GrafanaWebhook(settings) => Some(&settings.http),
            IntegrationKind::Slack(settings) => Some(&settings.http),
            IntegrationKind::Pagerduty(settings) => Some(&settings.http),
            IntegrationKind::Opsgenie(settings) => Some(&settings.http),
            IntegrationKind::Telegram(settings) => Some(&settings.http),
            IntegrationKind::MsTeamsV2(settings) => Some(&settings.http),
            IntegrationKind::Pushover(settings) => Some(&settings.http),
            IntegrationKind::VictorOps(settings) => Some(&settings.http),
            IntegrationKind::Webex(settings) => Some(&settings.http),
            IntegrationKind::Sns(settings) => Some(&settings.http),
            IntegrationKind::Rocketchat(settings) => Some(&settings.http),
            IntegrationKind::Mattermost(settings) => Some(&settings.http),
            IntegrationKind::Incidentio(settings) => Some(&settings.http),
            IntegrationKind::MsTeams(settings) => Some(&settings.http),
            IntegrationKind::GoogleChat(settings) => Some(&settings.http),
            IntegrationKind::Ntfy(settings) => Some(&settings.http),
            IntegrationKind::Jira(settings) => Some(&settings.http),
            IntegrationKind::Wechat(settings) => Some(&settings.http),
        }
    }

    /// How long one attempt may take, where the settings say so.
    pub fn timeout(&self) -> Option<Millis> {
        match self {
            IntegrationKind::Webhook(settings) => settings.timeout,
            IntegrationKind::Slack(settings) => settings.timeout,
            IntegrationKind::Pagerduty(settings) => settings.timeout,
            IntegrationKind::Incidentio(settings) => settings.timeout,
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct DiscordSettings {
    pub webhook_url: Secret,
    /// Alertmanager's default: `{{ template "discord.default.title" . }}`.
    pub title: String,
    /// Alertmanager's default: `{{ template "discord.default.message" . }}`.
    pub message: String,
    pub content: String,
    pub username: String,
    pub avatar_url: String,
    /// Later messages of a group write the first one anew.
    pub update_message: bool,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct WebhookSettings {
    pub url: Secret,
    /// Most alerts in one message; 0 is all. The rest is counted in `truncatedAlerts`.
    pub max_alerts: u64,
    /// The body, instead of Alertmanager's.
    pub payload: Option<Detail>,
    pub timeout: Option<Millis>,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct EmailSettings {
    pub to: String,
    pub from: String,
    /// `host:port`
    pub smarthost: String,
    pub hello: String,
    pub auth_username: String,
    pub auth_password: Secret,
    /// For CRAM-MD5; PLAIN and LOGIN take the password.
    pub auth_secret: Secret,
    pub auth_identity: String,
    pub require_tls: bool,
    /// TLS from the first byte (port 465) instead of STARTTLS.
    pub implicit_tls: bool,
    pub tls: TlsOptions,
    pub threading: EmailThreading,
    /// Name to template; `Subject` among them.
    pub headers: Vec<(String, String)>,
    pub html: String,
    pub text: String,
}

/// What mail programs show as one conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmailThreading {
    /// All mails of a group.
    #[default]
    Group,
    /// Those of a group and a day (UTC).
    Daily,
    Off,
}

#[derive(Clone, Debug)]
pub struct SlackSettings {
    /// An incoming webhook, or the method of Slack's API that `app_token` is for.
    pub api_url: Secret,
    /// A bot's token for chat.postMessage; the webhook's address says it all without one.
    pub app_token: Option<Secret>,
    pub channel: String,
    pub username: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    pub pretext: String,
    pub text: String,
    /// Above the attachment.
    pub message_text: String,
    pub fields: Vec<SlackField>,
    /// For fields that do not say themselves whether they are short.
    pub short_fields: bool,
    pub footer: String,
    pub fallback: String,
    pub callback_id: String,
    pub icon_emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub link_names: bool,
    /// Empty: fallback, pretext and text.
    pub mrkdwn_in: Vec<String>,
    pub actions: Vec<SlackAction>,
    /// Later messages of a group write the first one anew; only with `chat.postMessage`.
    pub update_message: bool,
    pub timeout: Option<Millis>,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct SlackField {
    pub title: String,
    pub value: String,
    pub short: Option<bool>,
}

/// A button. With a `url` it is a link, else it has a name and a value.
#[derive(Clone, Debug, Default)]
pub struct SlackAction {
    pub kind: String,
    pub text: String,
    pub url: String,
    pub style: String,
    pub name: String,
    pub value: String,
    pub confirm: Option<SlackConfirmation>,
}

#[derive(Clone, Debug, Default)]
pub struct SlackConfirmation {
    pub title: String,
    pub text: String,
    pub ok_text: String,
    pub dismiss_text: String,
}

#[derive(Clone, Debug)]
pub struct PagerdutySettings {
    pub key: PagerdutyKey,
    /// Of the Events API v2; v1 has one address for all.
    pub url: String,
    pub client: String,
    pub client_url: String,
    pub description: String,
    pub details: Vec<(String, Detail)>,
    pub images: Vec<PagerdutyImage>,
    pub links: Vec<PagerdutyLink>,
    /// Empty: the client.
    pub source: String,
    /// Empty: `error`.
    pub severity: String,
    pub class: String,
    pub component: String,
    pub group: String,
    pub timeout: Option<Millis>,
    pub http: HttpOptions,
}

/// Which of PagerDuty's two interfaces, and its key. Both are templates.
#[derive(Clone, Debug)]
pub enum PagerdutyKey {
    /// Events API v2
    Routing(Secret),
    /// Events API v1
    Service(Secret),
}

#[derive(Clone, Debug)]
pub struct PagerdutyImage {
    pub src: String,
    pub alt: String,
    pub href: String,
}

#[derive(Clone, Debug)]
pub struct PagerdutyLink {
    pub href: String,
    pub text: String,
}

/// A value of `details`: texts are templates at any depth; the rest is sent as it stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    Template(String),
    /// A number, true, false or nothing.
    Plain(serde_json::Value),
    List(Vec<Detail>),
    Map(Vec<(String, Detail)>),
}

impl PagerdutySettings {
    /// The details that every message has unless the settings say otherwise.
    pub fn default_details() -> Vec<(String, Detail)> {
        [
            ("firing", "{{ .Alerts.Firing | toJson }}"),
            ("resolved", "{{ .Alerts.Resolved | toJson }}"),
            ("num_firing", "{{ .Alerts.Firing | len }}"),
            ("num_resolved", "{{ .Alerts.Resolved | len }}"),
        ]
        .map(|(name, template)| (name.to_string(), Detail::Template(template.to_string())))
        .to_vec()
    }
}

#[derive(Clone, Debug)]
pub struct OpsgenieSettings {
    /// A template.
    pub api_key: Secret,
    /// Ends with `/`.
    pub api_url: String,
    pub message: String,
    pub description: String,
    pub source: String,
    /// Beside the common labels.
    pub details: Vec<(String, String)>,
    pub entity: String,
    pub responders: Vec<OpsgenieResponder>,
    /// With commas between them, as `tags`.
    pub actions: String,
    pub tags: String,
    pub note: String,
    pub priority: String,
    /// Later messages of a group write the alert's message and description anew.
    pub update_alerts: bool,
    pub http: HttpOptions,
}

#[derive(Clone, Debug, Default)]
pub struct OpsgenieResponder {
    pub id: String,
    pub name: String,
    pub username: String,
    /// `team`, `user`, `escalation`, `schedule`, or `teams` with commas in the name.
    pub kind: String,
}

#[derive(Clone, Debug)]
pub struct TelegramSettings {
    /// `https://api.telegram.org` or a server of one's own.
    pub api_url: String,
    pub bot_token: Secret,
    pub chat_id: i64,
    /// 0: no thread.
    pub message_thread_id: i64,
    pub message: String,
    pub disable_notifications: bool,
    /// Others can neither forward nor save the message.
    pub protect_content: bool,
    pub parse_mode: TelegramMode,
    pub http: HttpOptions,
}

/// How Telegram reads a message's markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TelegramMode {
    Plain,
    Html,
    Markdown,
    MarkdownV2,
}

#[derive(Clone, Debug)]
pub struct MsTeamsV2Settings {
    /// Of a Workflow ("when a Teams webhook request is received").
    pub webhook_url: Secret,
    pub title: String,
    pub text: String,
    pub http: HttpOptions,
}
