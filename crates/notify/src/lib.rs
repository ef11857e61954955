//! `scrape > store > promql > rules > router > [notify]`: a decision becomes a message, an answer becomes a verdict.
//!
//! In:    a `Notice` (who is told what, and why) and the receiver's settings; later the receiver's answer.
//! Out:   `compose`: the whole HTTP request or mail; `judge`: delivered, retry at, or given up, with the reason in words.
//!        `picture_step`: the picture that follows a delivered message.
//!        `compose_step`, `judge_step`: the same where a delivery needs several requests or remembers the last one.
//! Never: sends anything, reads a clock, fails to give a message: a broken template ends in a plain form that says so.
//! Holds: no message is longer than its service takes; what was cut is said in the message; no secret in any error;
//!        text from labels can not ping anybody.
//! Read:  notice.rs, compose.rs, then a receiver (discord.rs, slack.rs, webhook.rs and their like) judge.rs and exchange.rs.

mod compose;
mod discord;
mod email;
pub mod event;
mod exchange;
mod grafana_webhook;
mod jira;
mod judge;
mod limit;
mod msteamsv2;
mod notice;
mod opsgenie;
mod pagerduty;
mod picture;
pub mod probe;
mod settings;
mod sha256;
mod slack;
mod telegram;
mod values;
mod webhook;
mod wechat;

// One request per message.
mod googlechat;
mod incidentio;
mod mattermost;
mod msteams;
mod ntfy;
mod parts;
mod plain;
mod private;
mod pushover;
mod rocketchat;
mod sigv4;
mod sns;
mod victorops;
mod webex;

pub use compose::{Composed, Context, EmailMessage, Message, compose, compose_again};
pub use exchange::{Done, Outcome, SEND, Session, SoFar, Step, address, compose_step, judge_step, remembers};
pub use judge::{Answer, FailKind, Verdict, failure_reason, judge};
pub use notice::{AlertJson, LabelsJson, Notice, alert_of, idempotency_key, labels_of};
pub use picture::{PictureTime, picture_step, picture_time};
pub use private::public_of;
pub use settings::{
    Detail, DiscordSettings, EmailSettings, EmailThreading, GrafanaWebhookSettings, HmacSettings, HttpOptions, Integration,
    IntegrationKind, MsTeamsV2Settings, OpsgenieResponder, OpsgenieSettings, PagerdutyImage, PagerdutyKey, PagerdutyLink,
    PagerdutySettings, Receiver, SlackAction, SlackConfirmation, SlackField, SlackSettings, TelegramMode, TelegramSettings,
    WebhookSettings,
};
pub use settings::{
    GoogleChatSettings, IncidentioSettings, MattermostAttachment, MattermostField, MattermostPriority, MattermostSettings, MsTeamsSettings,
    NtfySettings, PushoverSettings, RocketchatAction, RocketchatField, RocketchatSettings, SnsRole, SnsSettings, SnsTarget,
    VictorOpsSettings, WebexSettings,
};
pub use settings::{JiraApi, JiraSettings, JiraText, WechatSettings};
