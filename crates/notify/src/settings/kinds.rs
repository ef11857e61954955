//! Settings of the receivers that take one request per message. Texts are Go templates; addresses, tokens and keys are `Secret`.

use bellbuoy_vocabulary::{Millis, Secret};

use super::HttpOptions;

#[derive(Clone, Debug)]
pub struct PushoverSettings {
    /// Both are templates.
    pub user_key: Secret,
    pub token: Secret,
    pub title: String,
    pub message: String,
    pub url: String,
    pub url_title: String,
    pub device: String,
    pub sound: String,
    /// -2 to 2; 2 is repeated every `retry` until somebody acknowledges it or `expire` is over.
    pub priority: String,
    pub retry: Millis,
    pub expire: Millis,
    /// After which a message goes away by itself; zero: never.
    pub ttl: Millis,
    pub html: bool,
    pub monospace: bool,
    pub http: HttpOptions,
}

/// VictorOps, today Splunk On-Call.
#[derive(Clone, Debug)]
pub struct VictorOpsSettings {
    pub api_key: Secret,
    /// Ends with `/`; key and routing key come behind it.
    pub api_url: String,
    pub routing_key: String,
    pub message_type: String,
    pub state_message: String,
    pub entity_display_name: String,
    pub monitoring_tool: String,
    pub custom_fields: Vec<(String, String)>,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct WebexSettings {
    pub api_url: String,
    pub room_id: String,
    pub message: String,
    /// Its `authorization` is the bot's token.
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct SnsSettings {
    /// A template; empty: AWS' own address of the region.
    pub api_url: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: Secret,
    /// Whose keys are asked for first, with these.
    pub role: Option<SnsRole>,
    pub to: SnsTarget,
    pub subject: String,
    pub message: String,
    pub attributes: Vec<(String, String)>,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct SnsRole {
    pub arn: String,
    /// A word that the role's owner asks for; empty: none.
    pub external_id: String,
}

/// Whom SNS tells; each is a template.
#[derive(Clone, Debug)]
pub enum SnsTarget {
    /// With `.fifo` at its end: in order and without repeats.
    Topic(String),
    Target(String),
    /// Gets an SMS.
    Phone(String),
}

#[derive(Clone, Debug)]
pub struct RocketchatSettings {
    /// Of the server; the method's path comes behind it.
    pub api_url: String,
    pub token: Secret,
    pub token_id: Secret,
    pub channel: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    pub text: String,
    pub fields: Vec<RocketchatField>,
    /// For fields that do not say themselves whether they are short.
    pub short_fields: bool,
    pub emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub actions: Vec<RocketchatAction>,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct RocketchatField {
    pub title: String,
    pub value: String,
    pub short: Option<bool>,
}

/// A button that opens an address or says something in the channel.
#[derive(Clone, Debug)]
pub struct RocketchatAction {
    pub text: String,
    pub url: String,
    pub msg: String,
}

#[derive(Clone, Debug)]
pub struct MattermostSettings {
    pub webhook_url: Secret,
    pub channel: String,
    pub username: String,
    pub icon_url: String,
    pub icon_emoji: String,
    /// `custom_...`; empty: an ordinary post.
    pub post_type: String,
    /// The one attachment of a message when `attachments` is empty. Otherwise only its text is used, above the attachments.
    pub attachment: MattermostAttachment,
    pub attachments: Vec<MattermostAttachment>,
    /// Markdown for the panel at the side.
    pub card: String,
    pub priority: Option<MattermostPriority>,
    pub http: HttpOptions,
}

#[derive(Clone, Debug, Default)]
pub struct MattermostAttachment {
    pub fallback: String,
    pub color: String,
    pub pretext: String,
    pub text: String,
    pub author_name: String,
    pub author_link: String,
    pub author_icon: String,
    pub title: String,
    pub title_link: String,
    pub fields: Vec<MattermostField>,
    pub thumb_url: String,
    pub footer: String,
    pub footer_icon: String,
    pub image_url: String,
}

#[derive(Clone, Debug)]
pub struct MattermostField {
    pub title: String,
    pub value: String,
    pub short: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct MattermostPriority {
    /// `urgent`, `important` or `standard`; a template.
    pub priority: String,
    pub requested_ack: bool,
    pub persistent_notifications: bool,
}

#[derive(Clone, Debug)]
pub struct IncidentioSettings {
    pub url: Secret,
    /// Instead of an `authorization` in `http`.
    pub alert_source_token: Option<Secret>,
    /// Most alerts in one message; 0 is all. The rest is counted in `truncatedAlerts`.
    pub max_alerts: u64,
    pub timeout: Option<Millis>,
    pub http: HttpOptions,
}

/// Teams' connectors, which Microsoft has retired.
#[derive(Clone, Debug)]
pub struct MsTeamsSettings {
    pub webhook_url: Secret,
    pub title: String,
    pub summary: String,
    pub text: String,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct GoogleChatSettings {
    /// Of a space's incoming webhook.
    pub url: Secret,
    pub text: String,
    /// A heading; with one the message is a card.
    pub title: String,
    /// Below the title of a card.
    pub subtitle: String,
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct NtfySettings {
    /// Of the server.
    pub url: String,
    pub topic: String,
    /// Instead of `basic_auth` or `authorization` in `http`.
    pub token: Option<Secret>,
    pub title: String,
    pub message: String,
    /// 1 to 5, or ntfy's word for it.
    pub priority: String,
    /// With commas between them; names of emoji become pictures.
    pub tags: String,
    pub click: String,
    pub icon: String,
    pub markdown: bool,
    pub http: HttpOptions,
}
