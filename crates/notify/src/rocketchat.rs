//! Rocket.Chat: one attachment, as Alertmanager sends it, through `chat.postMessage`.

use bellbuoy_vocabulary::Secret;
use serde_json::{Map, Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer};
use crate::limit::{chars, cut_chars, one_line};
use crate::notice::Notice;
use crate::parts::{changed, no_at, post_json, put, small};
use crate::plain::{plain_subject, plain_within};
use crate::settings::{RocketchatAction, RocketchatSettings};

const TITLE_MAX: usize = 1024;
/// `Message_MaxAllowedSize` of a server that nobody has changed.
const TEXT_MAX: usize = 5000;
const FIELDS_MAX: usize = 50;
const FIELD_MAX: usize = 2000;
const ACTIONS_MAX: usize = 10;
const URL_MAX: usize = 2000;

pub(crate) fn compose(settings: &RocketchatSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::over(changed(notice.template_data(context.external_url, usize::MAX), no_at), context);
    let attachment = attachment(settings, notice, &mut renderer);
    let mut body: Map<String, Value> = Map::new();
    put(&mut body, "channel", small(&mut renderer, "channel", &settings.channel, 200));
    put(&mut body, "emoji", small(&mut renderer, "emoji", &settings.emoji, 100));
    put(&mut body, "avatar", small(&mut renderer, "icon_url", &settings.icon_url, URL_MAX));
    body.insert("attachments".into(), json!([attachment]));
    let url = Secret::new(format!("{}/api/v1/chat.postMessage", settings.api_url.trim_end_matches('/')));
    let mut message = post_json(url, notice, &Value::Object(body), settings.http.clone());
    if let Message::Http { headers, .. } = &mut message {
        headers.push(("X-Auth-Token".into(), settings.token.expose().into()));
        headers.push(("X-User-Id".into(), settings.token_id.expose().into()));
    }
    Composed { message, problems: renderer.problems }
}

fn attachment(settings: &RocketchatSettings, notice: &Notice, renderer: &mut Renderer) -> Map<String, Value> {
    let title = renderer.text("title", &settings.title);
    let text = renderer.fitted("text", &settings.text, &Limit::of(TEXT_MAX, &chars, &cut_chars));
    let mut fields = Vec::new();
    for field in settings.fields.iter().take(FIELDS_MAX) {
        let title = small(renderer, "fields.title", &field.title, FIELD_MAX);
        let value = cut_chars(&renderer.text("fields.value", &field.value).unwrap_or_default(), FIELD_MAX);
        let mut body = Map::new();
        body.insert("short".into(), field.short.unwrap_or(settings.short_fields).into());
        put(&mut body, "title", title);
        put(&mut body, "value", value);
        fields.push(Value::Object(body));
    }
    let plain =
        (!renderer.problems.is_empty()).then(|| plain_within(notice, &renderer.problems, &Limit::of(TEXT_MAX, &chars, &cut_chars), no_at));
    let mut body = Map::new();
    put(&mut body, "title", one_line(&title.unwrap_or_else(|| no_at(&plain_subject(notice))), TITLE_MAX));
    put(&mut body, "title_link", small(renderer, "title_link", &settings.title_link, URL_MAX));
    put(&mut body, "text", plain.or(text).unwrap_or_default());
    put(&mut body, "image_url", small(renderer, "image_url", &settings.image_url, URL_MAX));
    put(&mut body, "thumb_url", small(renderer, "thumb_url", &settings.thumb_url, URL_MAX));
    put(&mut body, "color", small(renderer, "color", &settings.color, 50));
    if !fields.is_empty() {
        body.insert("fields".into(), fields.into());
    }
    let actions: Vec<Value> = settings.actions.iter().take(ACTIONS_MAX).map(|action| self::action(action, renderer)).collect();
    if !actions.is_empty() {
        body.insert("actions".into(), actions.into());
    }
    body
}

fn action(action: &RocketchatAction, renderer: &mut Renderer) -> Value {
    let mut body = Map::new();
    body.insert("type".into(), "button".into());
    put(&mut body, "text", small(renderer, "actions.text", &action.text, 200));
    put(&mut body, "url", small(renderer, "actions.url", &action.url, URL_MAX));
    put(&mut body, "msg", small(renderer, "actions.msg", &action.msg, FIELD_MAX));
    body.insert("is_webview".into(), false.into());
    body.insert("msg_in_chat_window".into(), false.into());
    Value::Object(body)
}

/// Rocket.Chat says 200 and `success: false` for some refusals.
pub(crate) fn status(status: u16, body: Option<&Value>) -> u16 {
    let Some(body) = body.filter(|body| body.get("success") == Some(&Value::Bool(false))) else { return status };
    let kind = body.get("errorType").and_then(Value::as_str).unwrap_or_default();
    if kind == "error-too-many-requests" {
        429
    } else if (200..300).contains(&status) {
        400
    } else {
        status
    }
}
