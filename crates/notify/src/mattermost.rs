//! Mattermost: an incoming webhook with attachments, and the priority of a post.

use serde_json::{Map, Value};

use crate::compose::{Composed, Context, Limit, Renderer};
use crate::limit::{chars, cut_chars};
use crate::notice::Notice;
use crate::parts::{changed, no_at, post_json, put, small};
use crate::plain::{plain_subject, plain_within};
use crate::settings::{MattermostAttachment, MattermostPriority, MattermostSettings};

const TEXT_MAX: usize = 16_383;
const CARD_MAX: usize = 16_383;
const TITLE_MAX: usize = 1024;
const FIELD_MAX: usize = 2000;
const FIELDS_MAX: usize = 50;
const ATTACHMENTS_MAX: usize = 20;
const URL_MAX: usize = 2000;

pub(crate) fn compose(settings: &MattermostSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::over(changed(notice.template_data(context.external_url, usize::MAX), no_at), context);
    let mut body: Map<String, Value> = Map::new();
    let attachments: Vec<Value> = if settings.attachments.is_empty() {
        vec![attachment(&settings.attachment, notice, &mut renderer)]
    } else {
        let text = long(&mut renderer, "text", &settings.attachment.text);
        put(&mut body, "text", text.unwrap_or_else(|| plain(notice, &renderer)));
        settings.attachments.iter().take(ATTACHMENTS_MAX).map(|one| attachment(one, notice, &mut renderer)).collect()
    };
    put(&mut body, "channel", small(&mut renderer, "channel", &settings.channel, 200));
    put(&mut body, "username", small(&mut renderer, "username", &settings.username, 200));
    put(&mut body, "icon_url", small(&mut renderer, "icon_url", &settings.icon_url, URL_MAX));
    put(&mut body, "icon_emoji", small(&mut renderer, "icon_emoji", &settings.icon_emoji, 100));
    put(&mut body, "type", small(&mut renderer, "type", &settings.post_type, 100));
    body.insert("attachments".into(), attachments.into());
    if !settings.card.is_empty() {
        let card = renderer.fitted("props.card", &settings.card, &Limit::of(CARD_MAX, &chars, &cut_chars));
        let mut props = Map::new();
        put(&mut props, "card", card.unwrap_or_default());
        body.insert("props".into(), props.into());
    }
    if let Some(priority) = &settings.priority {
        body.insert("priority".into(), self::priority(priority, &mut renderer).into());
    }
    let message = post_json(settings.webhook_url.clone(), notice, &Value::Object(body), settings.http.clone());
    Composed { message, problems: renderer.problems }
}

fn long(renderer: &mut Renderer, name: &str, template: &str) -> Option<String> {
    renderer.fitted(name, template, &Limit::of(TEXT_MAX, &chars, &cut_chars))
}

fn plain(notice: &Notice, renderer: &Renderer) -> String {
    plain_within(notice, &renderer.problems, &Limit::of(TEXT_MAX, &chars, &cut_chars), no_at)
}

fn attachment(settings: &MattermostAttachment, notice: &Notice, renderer: &mut Renderer) -> Value {
    let mut body = Map::new();
    put(&mut body, "fallback", small(renderer, "fallback", &settings.fallback, TITLE_MAX));
    put(&mut body, "color", small(renderer, "color", &settings.color, 50));
    put(&mut body, "pretext", long(renderer, "pretext", &settings.pretext).unwrap_or_default());
    let text = long(renderer, "text", &settings.text).unwrap_or_else(|| plain(notice, renderer));
    put(&mut body, "text", text);
    put(&mut body, "author_name", small(renderer, "author_name", &settings.author_name, TITLE_MAX));
    put(&mut body, "author_link", small(renderer, "author_link", &settings.author_link, URL_MAX));
    put(&mut body, "author_icon", small(renderer, "author_icon", &settings.author_icon, URL_MAX));
    let title = renderer.text("title", &settings.title).unwrap_or_else(|| no_at(&plain_subject(notice)));
    put(&mut body, "title", cut_chars(title.trim(), TITLE_MAX));
    put(&mut body, "title_link", small(renderer, "title_link", &settings.title_link, URL_MAX));
    let mut fields = Vec::new();
    for field in settings.fields.iter().take(FIELDS_MAX) {
        let mut one = Map::new();
        put(&mut one, "title", small(renderer, "fields.title", &field.title, FIELD_MAX));
        put(&mut one, "value", cut_chars(&renderer.text("fields.value", &field.value).unwrap_or_default(), FIELD_MAX));
        if let Some(short) = field.short {
            one.insert("short".into(), short.into());
        }
        fields.push(Value::Object(one));
    }
    if !fields.is_empty() {
        body.insert("fields".into(), fields.into());
    }
    put(&mut body, "thumb_url", small(renderer, "thumb_url", &settings.thumb_url, URL_MAX));
    put(&mut body, "footer", small(renderer, "footer", &settings.footer, 300));
    put(&mut body, "footer_icon", small(renderer, "footer_icon", &settings.footer_icon, URL_MAX));
    put(&mut body, "image_url", small(renderer, "image_url", &settings.image_url, URL_MAX));
    Value::Object(body)
}

/// An acknowledgement can be asked for from `important` on, repeats only for `urgent`: Mattermost refuses the post otherwise.
fn priority(settings: &MattermostPriority, renderer: &mut Renderer) -> Map<String, Value> {
    let said = small(renderer, "priority", &settings.priority, 100).to_lowercase();
    let known = ["urgent", "important", "standard"].into_iter().find(|known| *known == said);
    if known.is_none() {
        renderer.problems.push(format!("priority {said:?} is none of urgent, important and standard: standard was sent"));
    }
    let word = known.unwrap_or("standard");
    let mut body = Map::new();
    body.insert("priority".into(), word.into());
    if settings.requested_ack && word != "standard" {
        body.insert("requested_ack".into(), true.into());
    }
    if settings.persistent_notifications && word == "urgent" {
        body.insert("persistent_notifications".into(), true.into());
    }
    body
}
