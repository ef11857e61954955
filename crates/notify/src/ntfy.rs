//! ntfy: a push message to a topic, published as JSON.
//!
//! `sequence_id` (ntfy 2.16 and newer; older ones do not mind it) is the message's own key: a repeat after a crash replaces the message
//! that is there, and news are always a message of their own, so that each of them rings.

use bellbuoy_vocabulary::Secret;
use serde_json::{Map, Value};

use crate::compose::{Composed, Context, Limit, Renderer};
use crate::limit::one_line;
use crate::notice::Notice;
use crate::parts::{bearer, post_json, put, small};
use crate::plain::{plain_subject, plain_within};
use crate::settings::NtfySettings;
use crate::webex::cut_bytes;

/// Bytes; what is longer becomes an attached file.
const MESSAGE_MAX: usize = 4096;
const TITLE_MAX: usize = 250;
const TAGS_MAX: usize = 10;
const TAG_MAX: usize = 50;
const URL_MAX: usize = 2000;
const PRIORITIES: [(&str, u64); 11] =
    [("1", 1), ("2", 2), ("3", 3), ("4", 4), ("5", 5), ("min", 1), ("low", 2), ("default", 3), ("high", 4), ("max", 5), ("urgent", 5)];

pub(crate) fn compose(settings: &NtfySettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let mut body: Map<String, Value> = Map::new();
    put(&mut body, "topic", small(&mut renderer, "topic", &settings.topic, 64));
    let title = renderer.text("title", &settings.title).unwrap_or_else(|| plain_subject(notice));
    put(&mut body, "title", one_line(&title, TITLE_MAX));
    let message = renderer.fitted("message", &settings.message, &Limit::of(MESSAGE_MAX, &str::len, &cut_bytes));
    let markdown = settings.markdown && message.is_some();
    let message =
        message.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(MESSAGE_MAX, &str::len, &cut_bytes), str::to_string));
    // ntfy writes "triggered" for nothing; what is known is better.
    let message = if message.trim().is_empty() { cut_bytes(&plain_subject(notice), MESSAGE_MAX) } else { message.trim().to_string() };
    put(&mut body, "message", message);
    let said = small(&mut renderer, "priority", &settings.priority, 100).to_lowercase();
    match PRIORITIES.iter().find(|(word, _)| *word == said) {
        Some((_, number)) => drop(body.insert("priority".into(), (*number).into())),
        None if said.is_empty() => {}
        None => renderer.problems.push(format!("priority {said:?} is none of 1 to 5 and was left out")),
    }
    let tags = small(&mut renderer, "tags", &settings.tags, 1000);
    let tags: Vec<Value> =
        tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).take(TAGS_MAX).map(|tag| one_line(tag, TAG_MAX).into()).collect();
    if !tags.is_empty() {
        body.insert("tags".into(), tags.into());
    }
    put(&mut body, "click", small(&mut renderer, "click", &settings.click, URL_MAX));
    put(&mut body, "icon", small(&mut renderer, "icon", &settings.icon, URL_MAX));
    if markdown {
        body.insert("markdown".into(), true.into());
    }
    body.insert("sequence_id".into(), notice.idempotency_key().into());
    let options = bearer(&settings.http, settings.token.as_ref());
    let message = post_json(Secret::new(settings.url.clone()), notice, &Value::Object(body), options);
    Composed { message, problems: renderer.problems }
}
