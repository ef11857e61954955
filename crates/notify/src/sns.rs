//! Amazon SNS: a signed `Publish` to a topic, a target or a telephone; with a role, signed by keys that AWS gives for a while.
//!
//! A FIFO topic forgets a message whose id it saw within five minutes. Alertmanager takes the group's key as that id, so a resolve soon
//! after its alert is lost; ours is the message's own key, so only a repeat after a crash is forgotten.

mod role;

use bellbuoy_vocabulary::Secret;

use crate::compose::{Composed, Context, Limit, Message, Renderer};
use crate::limit::{chars, cut_chars};
use crate::notice::Notice;
use crate::parts::{authorized, form, small};
use crate::plain::{plain_text, plain_within};
use crate::settings::{SnsSettings, SnsTarget};
use crate::sha256;
use crate::webex::cut_bytes;

use role::{Keys, own_keys, signer};
pub(crate) use role::{after, step};

const VERSION: &str = "2010-03-31";
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// Bytes, together with the attributes.
const MESSAGE_MAX: usize = 256 * 1024;
/// Characters.
const SMS_MAX: usize = 1600;
/// Characters, "less than 100".
const SUBJECT_MAX: usize = 99;
const ATTRIBUTES_MAX: usize = 50;
const ATTRIBUTE_MAX: usize = 1000;

pub(crate) fn compose(settings: &SnsSettings, notice: &Notice, context: &Context) -> Composed {
    signed(settings, notice, context, own_keys(settings))
}

fn signed(settings: &SnsSettings, notice: &Notice, context: &Context, keys: Keys) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let mut pairs: Vec<(String, String)> = vec![("Action".into(), "Publish".into()), ("Version".into(), VERSION.into())];
    let mut attributes = attributes(settings, &mut renderer);
    let sms = match &settings.to {
        SnsTarget::Topic(arn) => {
            let arn = small(&mut renderer, "topic_arn", arn, 300);
            if arn.ends_with(".fifo") {
                pairs.push(("MessageGroupId".into(), sha256::hex(&notice.group_key)));
                pairs.push(("MessageDeduplicationId".into(), notice.idempotency_key()));
            }
            pairs.push(("TopicArn".into(), arn));
            false
        }
        SnsTarget::Target(arn) => {
            pairs.push(("TargetArn".into(), small(&mut renderer, "target_arn", arn, 300)));
            false
        }
        SnsTarget::Phone(number) => {
            pairs.push(("PhoneNumber".into(), small(&mut renderer, "phone_number", number, 50)));
            true
        }
    };
    let (message, cut) = message(settings, notice, &mut renderer, sms, &attributes);
    if cut {
        attributes.push(("truncated".into(), "true".into()));
    }
    pairs.push(("Message".into(), message));
    let subject = small(&mut renderer, "subject", &settings.subject, SUBJECT_MAX);
    if !subject.is_empty() {
        pairs.push(("Subject".into(), subject));
    }
    for (number, (name, value)) in attributes.into_iter().enumerate() {
        let entry = format!("MessageAttributes.entry.{}", number + 1);
        pairs.push((format!("{entry}.Name"), name));
        pairs.push((format!("{entry}.Value.DataType"), "String".into()));
        pairs.push((format!("{entry}.Value.StringValue"), value));
    }
    let url = address(settings, &mut renderer);
    let body = form(&pairs);
    let signer = signer(settings, &keys, "sns");
    let mut headers = vec![("Content-Type".into(), CONTENT_TYPE.into()), ("Idempotency-Key".into(), notice.idempotency_key())];
    headers.extend(signer.headers(&url, CONTENT_TYPE, &body, context.now));
    let message = Message::Http {
        method: "POST",
        url: Secret::new(url),
        headers,
        body: body.into_bytes(),
        options: authorized(&settings.http, None),
    };
    Composed { message, problems: renderer.problems }
}

fn address(settings: &SnsSettings, renderer: &mut Renderer) -> String {
    let said = small(renderer, "api_url", &settings.api_url, 500);
    if said.is_empty() { aws(settings, "sns") } else { said }
}

/// AWS' own address of a service in the region.
fn aws(settings: &SnsSettings, service: &str) -> String {
    let china = if settings.region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{service}.{}.amazonaws.com{china}/", settings.region)
}

/// SNS refuses a message for one empty attribute, so those are left out.
fn attributes(settings: &SnsSettings, renderer: &mut Renderer) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in settings.attributes.iter().take(ATTRIBUTES_MAX) {
        let pair = (small(renderer, "attributes", name, 256), small(renderer, name, value, ATTRIBUTE_MAX));
        if !pair.0.is_empty() && !pair.1.is_empty() {
            found.push(pair);
        }
    }
    found
}

/// The message, and whether something of it was cut.
fn message(settings: &SnsSettings, notice: &Notice, renderer: &mut Renderer, sms: bool, attributes: &[(String, String)]) -> (String, bool) {
    let around: usize = attributes.iter().map(|(name, value)| name.len() + value.len() + "String".len()).sum();
    let room = MESSAGE_MAX.saturating_sub(around + 100);
    let limit = if sms { Limit::of(SMS_MAX, &chars, &cut_chars) } else { Limit::of(room, &str::len, &cut_bytes) };
    let before = renderer.problems.len();
    match renderer.text("message", &settings.message) {
        Some(whole) if (limit.length)(&whole) <= limit.max && !whole.trim().is_empty() => (whole, false),
        Some(whole) if whole.trim().is_empty() => ("(no details)".into(), false),
        _ => {
            // The engine bounds what a template may write: fewer alerts may do.
            renderer.problems.truncate(before);
            match renderer.fitted("message", &settings.message, &limit) {
                Some(fitted) => (fitted, true),
                None => {
                    let cut = (limit.length)(&plain_text(notice, &renderer.problems)) > limit.max;
                    (plain_within(notice, &renderer.problems, &limit, str::to_string), cut)
                }
            }
        }
    }
}

/// What an error says: `Throttling: Rate exceeded`. SNS answers XML.
pub(crate) fn words(body: &str) -> Option<String> {
    let code = element(body, "Code")?;
    Some(format!("{code}: {}", element(body, "Message").unwrap_or_default()))
}

/// AWS says 400 for "too often" and 403 for a clock that is wrong, which the next attempt's signature may mend.
pub(crate) fn status(status: u16, body: &str) -> u16 {
    match element(body, "Code") {
        Some(code) if status == 400 && code.contains("Throttl") => 429,
        Some("RequestExpired") => 503,
        _ => status,
    }
}

pub(crate) fn message_id(body: &str) -> Option<String> {
    element(body, "MessageId").map(str::to_string)
}

/// The text of the first such element. SNS' answers are small and have no attributes where we look.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}
