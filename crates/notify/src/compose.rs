//! From a notice to the message of its receiver.

use bellbuoy_template::{Data, Environment, Template, TemplateSet};
use bellbuoy_vocabulary::{Secret, Timestamp};

use crate::notice::Notice;
use crate::settings::{EmailSettings, HttpOptions, Integration, IntegrationKind};
use crate::{discord, email, webhook};

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

#[derive(Clone, Debug)]
pub enum Message {
    Http { method: &'static str, url: Secret, headers: Vec<(String, String)>, body: Vec<u8>, options: HttpOptions },
    Email(Box<EmailMessage>),
}

/// One mail. `to` may hold several addresses with commas between them.
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
    /// The same for all mails of a group, so that mail programs show them together.
    pub references: String,
    /// Further headers, each on one line.
    pub headers: Vec<(String, String)>,
}

/// The message for a notice. Never fails: what can not be composed as the settings say is composed plainly.
pub fn compose(integration: &Integration, notice: &Notice, context: &Context) -> Composed {
    match &integration.kind {
        IntegrationKind::Discord(settings) => discord::compose(settings, notice, context),
        IntegrationKind::Webhook(settings) => webhook::compose(settings, notice, context),
        IntegrationKind::Email(settings) => email::compose(settings, notice, context),
    }
}

/// Renders the templates of one message and collects what fails.
pub(crate) struct Renderer<'a> {
    data: Data,
    context: &'a Context<'a>,
    pub problems: Vec<String>,
}

impl<'a> Renderer<'a> {
    pub fn new(notice: &Notice, context: &'a Context<'a>) -> Renderer<'a> {
        let data = notice.template_data(context.external_url, usize::MAX).data();
        Renderer { data, context, problems: Vec::new() }
    }

    /// `None` when the template fails; why is in `problems`.
    pub fn text(&mut self, field: &str, template: &str) -> Option<String> {
        self.render(field, template, false)
    }

    pub fn html(&mut self, field: &str, template: &str) -> Option<String> {
        self.render(field, template, true)
    }

    fn render(&mut self, field: &str, template: &str, html: bool) -> Option<String> {
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
