//! From a notice to the message of its receiver.
//!
//! In:    a notice, the integration's settings, templates, `now`. Out: one HTTP request or mail, and the problems of its templates.
//! Never: fails: what a template can not say is said in a plain form.

use bellbuoy_template::notify::Notification;
use bellbuoy_template::{Data, Environment, Template, TemplateSet, grafana_notify};
use bellbuoy_vocabulary::{Secret, Timestamp};

use crate::event::{field_name, template_alert_is_event, told_as_event};
use crate::exchange::{SEND, SoFar};
use crate::limit::more_alerts;
use crate::notice::Notice;
use crate::settings::{EmailSettings, HttpOptions, Integration, IntegrationKind};
use crate::{discord, email, grafana_webhook, jira, msteamsv2, opsgenie, pagerduty, slack, telegram, webhook, wechat};
use crate::{googlechat, incidentio, mattermost, msteams, ntfy, pushover, rocketchat, sns, victorops, webex};

/// What composing knows beside the notice and the receiver.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where our pages are, for links.
    pub external_url: &'a str,
    /// Named templates; begin with `bellbuoy_template::notify::default_templates()` and add the user's files.
    pub templates: &'a TemplateSet,
    pub now: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Composed {
    pub message: Message,
    /// Templates that failed, with their error; the message was composed without them.
    pub problems: Vec<String>,
}

/// One lives per attempt, so the size of its options costs nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Message {
    Http { method: &'static str, url: Secret, headers: Vec<(String, String)>, body: Vec<u8>, options: HttpOptions },
    Email(Box<EmailMessage>),
}

/// One mail. `to` may hold several addresses with commas between them: those that the server is told. Where `headers` has a `To` or a
/// `From`, people read that instead.
#[derive(Clone, Debug)]
pub struct EmailMessage {
    pub settings: EmailSettings,
    pub subject: String,
    pub text: String,
    /// Empty: the mail has only a text.
    pub html: String,
    pub to: String,
    pub from: String,
    /// With its angle brackets; the same in each attempt.
    pub message_id: String,
    /// The same for all mails of a group, so that mail programs show them together. Empty: none.
    pub references: String,
    /// A picture of the alert, as PNG; empty: none.
    pub picture: Vec<u8>,
    /// Further headers, each on one line.
    pub headers: Vec<(String, String)>,
}

/// The message for a notice. Never fails: what can not be composed as the settings say is composed plainly.
pub fn compose(integration: &Integration, notice: &Notice, context: &Context) -> Composed {
    compose_again(integration, notice, context, "")
}

/// The message for a further attempt. `last_answer` is the reason that `judge` gave for the last `RetryAt`: where a receiver could
/// not read a message's markup, or told a new address, the next attempt minds it. Empty for a first attempt.
pub fn compose_again(integration: &Integration, notice: &Notice, context: &Context, last_answer: &str) -> Composed {
    let public = notice.public(&integration.kind, context.templates);
    let notice = public.as_ref().unwrap_or(notice);
    match &integration.kind {
        IntegrationKind::Discord(settings) => discord::compose(settings, notice, context),
        IntegrationKind::Webhook(settings) => webhook::compose(settings, notice, context),
        IntegrationKind::GrafanaWebhook(settings) => grafana_webhook::compose(settings, notice, context),
        IntegrationKind::Email(settings) => email::compose(settings, notice, context),
        IntegrationKind::Slack(settings) => slack::compose(settings, notice, context),
        IntegrationKind::Pagerduty(settings) => pagerduty::compose(settings, notice, context),
        IntegrationKind::Opsgenie(settings) => opsgenie::compose(settings, notice, context, SEND),
        IntegrationKind::Telegram(settings) => telegram::compose(settings, notice, context, last_answer),
        IntegrationKind::MsTeamsV2(settings) => msteamsv2::compose(settings, notice, context),
        IntegrationKind::Pushover(settings) => pushover::compose(settings, notice, context),
        IntegrationKind::VictorOps(settings) => victorops::compose(settings, notice, context),
        IntegrationKind::Webex(settings) => webex::compose(settings, notice, context),
        IntegrationKind::Sns(settings) => sns::compose(settings, notice, context),
        IntegrationKind::Rocketchat(settings) => rocketchat::compose(settings, notice, context),
        IntegrationKind::Mattermost(settings) => mattermost::compose(settings, notice, context),
        IntegrationKind::Incidentio(settings) => incidentio::compose(settings, notice, context),
        IntegrationKind::MsTeams(settings) => msteams::compose(settings, notice, context),
        IntegrationKind::GoogleChat(settings) => googlechat::compose(settings, notice, context),
        IntegrationKind::Ntfy(settings) => ntfy::compose(settings, notice, context),
        // The first of several requests.
        IntegrationKind::Jira(settings) => jira::step(settings, notice, context, &SoFar::nothing()).composed,
        IntegrationKind::Wechat(settings) => wechat::step(settings, notice, context, &SoFar::nothing()).composed,
    }
}

/// Renders the templates of one message and collects what fails.
pub(crate) struct Renderer<'a> {
    notification: Notification,
    data: Data,
    context: &'a Context<'a>,
    pub problems: Vec<String>,
}

/// How long a text may be, in the service's own unit.
pub(crate) struct Limit<'a> {
    pub max: usize,
    pub length: &'a dyn Fn(&str) -> usize,
    /// The text in at most so many units.
    pub cut: &'a dyn Fn(&str, usize) -> String,
    /// The line that counts the alerts which are not shown.
    pub more: &'a dyn Fn(usize) -> String,
    pub html: bool,
}

impl<'a> Limit<'a> {
    pub fn of(max: usize, length: &'a dyn Fn(&str) -> usize, cut: &'a dyn Fn(&str, usize) -> String) -> Limit<'a> {
        Limit { max, length, cut, more: &more_alerts, html: false }
    }
}

impl<'a> Renderer<'a> {
    pub fn new(notice: &Notice, context: &'a Context<'a>) -> Renderer<'a> {
        Renderer::over(notice.template_data(context.external_url, usize::MAX), context)
    }

    pub fn over(notification: Notification, context: &'a Context<'a>) -> Renderer<'a> {
        let data = context.templates.data_of(&notification, &Environment { now: context.now });
        Renderer { notification, data, context, problems: Vec::new() }
    }

    /// With what only a webhook's payload knows.
    pub fn over_payload(notification: Notification, extra: &grafana_notify::Extra, context: &'a Context<'a>) -> Renderer<'a> {
        let data = grafana_notify::data(&notification, context.now, extra);
        Renderer { notification, data, context, problems: Vec::new() }
    }

    /// The same over the first `alerts_max` alerts; status and common labels stay those of all.
    pub fn first(&self, alerts_max: usize) -> Renderer<'a> {
        let mut notification = self.notification.clone();
        notification.alerts.truncate(alerts_max);
        Renderer::over(notification, self.context)
    }

    /// Nothing but events: then Alertmanager's default texts, which are made for alerts that last, give way to ours.
    pub fn tells_events(&self) -> bool {
        !self.notification.alerts.is_empty() && self.notification.alerts.iter().all(template_alert_is_event)
    }

    /// Name and value of the fields of a lone event, when `text` is a default text and leaves them to the receiver's own form.
    pub fn event_fields(&self, text: &str) -> Vec<(String, String)> {
        match self.notification.alerts.as_slice() {
            [alert] if self.tells_events() && told_as_event(text, self.context.templates).is_some() => {
                alert.annotations.iter().filter_map(|(name, value)| Some((field_name(name)?.to_string(), value.to_string()))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// `None` when the template fails; why is in `problems`.
    pub fn text(&mut self, field: &str, template: &str) -> Option<String> {
        self.render(field, template, false)
    }

    pub fn html(&mut self, field: &str, template: &str) -> Option<String> {
        self.render(field, template, true)
    }

    /// The text within a limit: when it is too long, over as many of the first alerts as fit, and how many there are more. What is
    /// too long with one alert too, or does not depend on the alerts, is cut.
    pub fn fitted(&mut self, field: &str, template: &str, limit: &Limit) -> Option<String> {
        let whole = match self.render(field, template, limit.html) {
            Some(whole) if (limit.length)(&whole) <= limit.max => return Some(whole),
            Some(whole) => whole,
            // The engine bounds its output: with fewer alerts the template may work.
            None => self.first(1).render(field, template, limit.html).map(|_| String::new())?,
        };
        let count = self.notification.alerts.len();
        let (mut low, mut high, mut best) = (1, count, None);
        while low < high {
            let shown = low + (high - low) / 2;
            let text = self.first(shown).render(field, template, limit.html);
            let text = text.map(|text| format!("{}{}", text.trim_end(), (limit.more)(count - shown)));
            match text {
                Some(text) if (limit.length)(&text) <= limit.max => {
                    best = Some(text);
                    low = shown + 1;
                }
                _ => high = shown,
            }
        }
        if best.is_some() {
            return best;
        }
        let one = self.first(1).render(field, template, limit.html).unwrap_or_else(|| whole.clone());
        if one == whole {
            return Some((limit.cut)(&whole, limit.max));
        }
        let more = (limit.more)(count - 1);
        let room = limit.max.saturating_sub((limit.length)(&more));
        Some((limit.cut)(one.trim_end(), room) + &more)
    }

    fn render(&mut self, field: &str, template: &str, html: bool) -> Option<String> {
        let template = if self.tells_events() { told_as_event(template, self.context.templates).unwrap_or(template) } else { template };
        let environment = Environment { now: self.context.now };
        let rendered = Template::parse(field, template, self.context.templates).and_then(|template| {
            if html { template.render_html(&self.data, &environment) } else { template.render(&self.data, &environment) }
        });
        rendered.map_err(|error| self.problems.push(format!("template of {field} failed: {error}"))).ok()
    }
}

/// Headers of every HTTP message. The key lets a receiver recognise a message that it has already taken.
pub(crate) fn json_headers(notice: &Notice) -> Vec<(String, String)> {
    vec![("Content-Type".into(), "application/json".into()), ("Idempotency-Key".into(), notice.idempotency_key())]
}
