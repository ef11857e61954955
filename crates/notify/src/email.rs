//! E-mail: a subject, a text and an HTML part, threaded by group.

use crate::compose::{Composed, Context, EmailMessage, Message, Renderer};
use crate::limit::one_line;
use crate::notice::{Notice, hash};
use crate::plain::{plain_reason, plain_subject, plain_text};
use crate::settings::{EmailSettings, EmailThreading};

const SUBJECT: &str = r#"{{ template "email.default.subject" . }}"#;
const TEXT: &str = r#"{{ template "email.default.text" . }}"#;

/// Longer subjects are cut by mail programs anyway.
const SUBJECT_CHARS_MAX: usize = 200;
/// A header line may have 998 bytes (RFC 5322, 2.1.1).
const HEADER_CHARS_MAX: usize = 900;
const ADDRESS_CHARS_MAX: usize = 4000;

/// Headers that we write ourselves.
const OWN_HEADERS: [&str; 4] = ["subject", "content-type", "mime-version", "content-transfer-encoding"];

pub(crate) fn compose(settings: &EmailSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let named = |name: &str| settings.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    let subject = renderer.text("Subject", named("Subject").unwrap_or(SUBJECT)).unwrap_or_else(|| plain_subject(notice));
    let to = renderer.text("to", &settings.to).unwrap_or_else(|| settings.to.clone());
    let from = renderer.text("from", &settings.from).unwrap_or_else(|| settings.from.clone());
    let text_template = if settings.text.is_empty() { TEXT } else { &settings.text };
    let text = renderer.text("text", text_template);
    let html = if settings.html.is_empty() { Some(String::new()) } else { renderer.html("html", &settings.html) };
    // Of what people read; a header that fails is only left out.
    let told = renderer.problems.clone();
    let mut headers = Vec::new();
    for (name, template) in settings.headers.iter().filter(|(name, _)| !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str())) {
        if let Some(value) = renderer.text(name, template) {
            headers.push((name.clone(), one_line(&value, HEADER_CHARS_MAX)));
        }
    }
    headers.push(("X-Bellbuoy-Key".into(), notice.idempotency_key()));
    let own_thread = ["References", "In-Reply-To"].into_iter().any(|name| named(name).is_some());
    let problems = renderer.problems;
    let (text, html) = match (text, html) {
        (Some(text), Some(html)) if told.is_empty() => (text, html),
        // Mail programs show the HTML part, which does not say that something failed.
        (Some(text), _) => (text + &plain_reason(&told), String::new()),
        (None, _) => (plain_text(notice, &told), String::new()),
    };
    let message = EmailMessage {
        settings: settings.clone(),
        subject: one_line(&subject, SUBJECT_CHARS_MAX),
        text: text.trim_start().to_string(),
        html,
        to: one_line(&to, ADDRESS_CHARS_MAX),
        from: one_line(&from, ADDRESS_CHARS_MAX),
        message_id: format!("<{}@bellbuoy>", notice.idempotency_key()),
        references: if own_thread { String::new() } else { thread(settings, notice) },
        picture: Vec::new(),
        headers,
    };
    Composed { message: Message::Email(Box::new(message)), problems }
}

/// The id of a mail that does not exist: mail programs gather those that refer to it.
fn thread(settings: &EmailSettings, notice: &Notice) -> String {
    let group = hash(0xcbf2_9ce4_8422_2325, &[&notice.destination(), &notice.group_key]);
    match settings.threading {
        EmailThreading::Off => String::new(),
        EmailThreading::Group => format!("<group-{group:016x}@bellbuoy>"),
        // The day of the decision, so that a late attempt stays in its conversation.
        EmailThreading::Daily => format!("<group-{group:016x}-{}@bellbuoy>", notice.at.rfc3339().get(..10).unwrap_or_default()),
    }
}
