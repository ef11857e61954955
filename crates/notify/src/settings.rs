//! How to speak to each receiver, as alertmanager.yml says it, with the defaults filled in. The boat's configuration reader makes these.
//!
//! Texts are Go templates over the notification's data. Addresses and tokens are `Secret`.

use bellbuoy_vocabulary::{Millis, Secret};

#[derive(Clone, Debug)]
pub struct Receiver {
    pub name: String,
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
    Email(EmailSettings),
}

impl IntegrationKind {
    /// The word of alertmanager.yml without `_configs`, of Alertmanager's metrics and API.
    pub fn word(&self) -> &'static str {
        match self {
            IntegrationKind::Discord(_) => "discord",
            IntegrationKind::Webhook(_) => "webhook",
            IntegrationKind::Email(_) => "email",
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
    pub http: HttpOptions,
}

#[derive(Clone, Debug)]
pub struct WebhookSettings {
    pub url: Secret,
    /// Most alerts in one message; 0 is all. The rest is counted in `truncatedAlerts`.
    pub max_alerts: u64,
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
    pub auth_identity: String,
    pub require_tls: bool,
    /// TLS from the first byte (port 465) instead of STARTTLS.
    pub implicit_tls: bool,
    pub insecure_skip_verify: bool,
    pub ca: Option<String>,
    /// Name to template; `Subject` among them.
    pub headers: Vec<(String, String)>,
    pub html: String,
    pub text: String,
}

/// `http_config` of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HttpOptions {
    pub basic_auth: Option<(String, Secret)>,
    /// The whole value of the `Authorization` header.
    pub authorization: Option<Secret>,
    pub ca: Option<String>,
    pub insecure_skip_verify: bool,
    pub follow_redirects: bool,
}
