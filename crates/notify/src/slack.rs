//! Slack: one attachment, as Alertmanager sends it, through an incoming webhook or chat.postMessage.
//!
//! Slack's three characters of markup are escaped in labels and annotations before the templates see them, so that what a template says
//! (`<!channel>`, `<https://...|graph>`) works and what a label says does not. Links in annotations stay links.

use bellbuoy_template::notify::{Alert, Notification};
use bellbuoy_vocabulary::{Labels, Secret};
use serde_json::{Map, Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer, json_headers};
use crate::exchange::{Outcome, SEND, SoFar, Step, edits, remember, settle};
use crate::judge::{Answer, Verdict};
use crate::limit::{chars, cut_chars, one_line};
use crate::notice::Notice;
use crate::plain::{plain_subject, plain_within};
use crate::settings::{HttpOptions, SlackAction, SlackSettings};

const TITLE_MAX: usize = 1024;
/// A message has 40,000 characters; the attachment's text is the only part of it that grows with the alerts.
const TEXT_MAX: usize = 24_000;
const SMALL_MAX: usize = 3000;
const FOOTER_MAX: usize = 300;
const FIELDS_MAX: usize = 50;
const FIELD_MAX: usize = 2000;
const ACTIONS_MAX: usize = 5;
const URL_MAX: usize = 3000;
const NAME_MAX: usize = 80;

/// Parts without which a message does not say what it should: when one fails, the plain form takes the text's place.
const ESSENTIAL: [&str; 6] = ["title", "text", "pretext", "message_text", "field.title", "field.value"];

/// The step that writes the group's message anew.
const EDIT: &str = "edit";

/// With `update_message`: the message of the group that is there already is written anew; where that can not be, a new one is sent.
pub(crate) fn step(settings: &SlackSettings, notice: &Notice, context: &Context, so_far: &SoFar) -> Step {
    let id = |name: &str| so_far.memory.get(name).and_then(Value::as_str);
    match (id("channel"), id("ts"), update_url(settings)) {
        (Some(channel), Some(ts), Some(url)) if settings.update_message && so_far.done.is_empty() && edits(notice, so_far.memory) => {
            Step { name: EDIT, composed: compose_at(settings, notice, context, Some((url, channel, ts))) }
        }
        _ => Step { name: SEND, composed: compose(settings, notice, context) },
    }
}

pub(crate) fn after(settings: &SlackSettings, notice: &Notice, step: &str, answer: &Answer, verdict: Verdict) -> Outcome {
    let body = answer.json();
    let word = |name: &str| body.get(name).and_then(Value::as_str);
    let gone = matches!(word("error"), Some("message_not_found" | "cant_update_message" | "edit_window_closed" | "channel_not_found"));
    match (&verdict, word("channel"), word("ts")) {
        (Verdict::GaveUp { .. }, ..) if step == EDIT && gone => Outcome::Next,
        (Verdict::Delivered { .. }, Some(channel), Some(ts)) if settings.update_message => {
            Outcome::Settle { verdict, memory: Some(remember(notice, json!({ "channel": channel, "ts": ts }))) }
        }
        _ => settle(verdict),
    }
}

/// Beside the method that sends; only bots may edit, and only what they sent.
fn update_url(settings: &SlackSettings) -> Option<Secret> {
    settings.api_url.expose().strip_suffix("/chat.postMessage").map(|api| Secret::new(format!("{api}/chat.update")))
}

pub(crate) fn compose(settings: &SlackSettings, notice: &Notice, context: &Context) -> Composed {
    compose_at(settings, notice, context, None)
}

/// A new message, or at an address the one of a channel and time.
fn compose_at(settings: &SlackSettings, notice: &Notice, context: &Context, at: Option<(Secret, &str, &str)>) -> Composed {
    let raw = notice.template_data(context.external_url, usize::MAX);
    let mut parts =
        Parts { marked: Renderer::over(escaped(&raw, settings.link_names), context), plain: Renderer::over(raw, context), failed: false };
    let attachment = attachment(settings, notice, &mut parts);
    let mut body = Map::new();
    parts.put_plain(&mut body, "channel", &settings.channel, 200);
    parts.put_plain(&mut body, "username", &settings.username, NAME_MAX);
    parts.put_plain(&mut body, "icon_emoji", &settings.icon_emoji, NAME_MAX);
    parts.put_plain(&mut body, "icon_url", &settings.icon_url, URL_MAX);
    if settings.link_names {
        body.insert("link_names".into(), true.into());
    }
    if !settings.message_text.is_empty() {
        let text = parts.marked("message_text", &settings.message_text, SMALL_MAX);
        put(&mut body, "text", text);
    }
    let mut problems = parts.marked.problems;
    problems.extend(parts.plain.problems);
    let mut attachment = attachment;
    if parts.failed {
        let limit = Limit::of(TEXT_MAX, &chars, &cut_chars);
        let text = plain_within(notice, &problems, &limit, |text| escape(text, settings.link_names));
        attachment.insert("text".into(), text.into());
    }
    body.insert("attachments".into(), json!([attachment]));
    let mut options = settings.http.clone();
    if let Some(token) = &settings.app_token {
        options = HttpOptions { authorization: Some(Secret::new(format!("Bearer {}", token.expose()))), ..options };
    }
    let url = match at {
        Some((url, channel, ts)) => {
            body.insert("channel".into(), channel.into());
            body.insert("ts".into(), ts.into());
            url
        }
        None => settings.api_url.clone(),
    };
    let body = Value::Object(body).to_string().into_bytes();
    Composed { message: Message::Http { method: "POST", url, headers: json_headers(notice), body, options }, problems }
}

fn attachment(settings: &SlackSettings, notice: &Notice, parts: &mut Parts) -> Map<String, Value> {
    let mut attachment = Map::new();
    let title = parts.marked("title", &settings.title, TITLE_MAX);
    let title = if parts.failed { escape(&plain_subject(notice), settings.link_names) } else { title };
    put(&mut attachment, "title", cut_chars(&title, TITLE_MAX));
    parts.put_plain(&mut attachment, "title_link", &settings.title_link, URL_MAX);
    let pretext = parts.marked("pretext", &settings.pretext, SMALL_MAX);
    put(&mut attachment, "pretext", pretext);
    // Alertmanager sends these two, `callback_id` and `footer` also when they are empty.
    let text = parts.marked("text", &settings.text, TEXT_MAX);
    attachment.insert("text".into(), text.into());
    let fallback = parts.marked("fallback", &settings.fallback, SMALL_MAX);
    attachment.insert("fallback".into(), fallback.into());
    attachment.insert("callback_id".into(), "".into());
    parts.put_plain(&mut attachment, "callback_id", &settings.callback_id, 200);
    let mut fields = Vec::new();
    for field in settings.fields.iter().take(FIELDS_MAX) {
        let title = parts.marked("field.title", &field.title, FIELD_MAX);
        let value = parts.marked("field.value", &field.value, FIELD_MAX);
        fields.push(json!({ "title": title, "value": value, "short": field.short.unwrap_or(settings.short_fields) }));
    }
    if fields.is_empty() {
        fields.extend(parts.event_fields(&settings.text, settings.short_fields));
    }
    if !fields.is_empty() {
        attachment.insert("fields".into(), fields.into());
    }
    let actions: Vec<Value> = settings.actions.iter().take(ACTIONS_MAX).map(|action| self::action(action, parts)).collect();
    if !actions.is_empty() {
        attachment.insert("actions".into(), actions.into());
    }
    parts.put_plain(&mut attachment, "image_url", &settings.image_url, URL_MAX);
    parts.put_plain(&mut attachment, "thumb_url", &settings.thumb_url, URL_MAX);
    let footer = parts.marked("footer", &settings.footer, FOOTER_MAX);
    attachment.insert("footer".into(), footer.into());
    parts.put_plain(&mut attachment, "color", &settings.color, 20);
    let marked: Vec<&str> = settings.mrkdwn_in.iter().map(String::as_str).collect();
    attachment.insert("mrkdwn_in".into(), if marked.is_empty() { json!(["fallback", "pretext", "text"]) } else { json!(marked) });
    attachment
}

fn action(action: &SlackAction, parts: &mut Parts) -> Value {
    let mut body = Map::new();
    for (name, template) in [
        ("type", &action.kind),
        ("text", &action.text),
        ("url", &action.url),
        ("style", &action.style),
        ("name", &action.name),
        ("value", &action.value),
    ] {
        parts.put_plain(&mut body, name, template, URL_MAX);
    }
    if let Some(confirm) = &action.confirm {
        let mut inner = Map::new();
        for (name, template) in
            [("title", &confirm.title), ("text", &confirm.text), ("ok_text", &confirm.ok_text), ("dismiss_text", &confirm.dismiss_text)]
        {
            parts.put_plain(&mut inner, name, template, 300);
        }
        body.insert("confirm".into(), inner.into());
    }
    Value::Object(body)
}

/// The templates over escaped data for texts, and over the data as it is for addresses and names.
struct Parts<'a> {
    marked: Renderer<'a>,
    plain: Renderer<'a>,
    /// One of the essential parts.
    failed: bool,
}

impl Parts<'_> {
    fn marked(&mut self, field: &str, template: &str, max: usize) -> String {
        let rendered = self.marked.fitted(field, template, &Limit::of(max, &chars, &cut_chars));
        self.failed |= rendered.is_none() && ESSENTIAL.contains(&field);
        rendered.unwrap_or_default()
    }

    /// The fields of a lone event, unless the settings have a text of their own.
    fn event_fields(&self, text: &str, short: bool) -> Vec<Value> {
        self.marked
            .event_fields(text)
            .into_iter()
            .take(FIELDS_MAX)
            .map(|(name, value)| {
                let short = short || chars(&value) <= 40;
                json!({ "title": cut_chars(&name, FIELD_MAX), "value": cut_chars(&value, FIELD_MAX), "short": short })
            })
            .collect()
    }

    fn put_plain(&mut self, into: &mut Map<String, Value>, name: &str, template: &str, max: usize) {
        if !template.is_empty() {
            put(into, name, one_line(&self.plain.text(name, template).unwrap_or_default(), max));
        }
    }
}

fn put(into: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        into.insert(name.into(), text.into());
    }
}

fn escaped(raw: &Notification, link_names: bool) -> Notification {
    let labels = |labels: &Labels| {
        let pairs: Vec<(String, String)> =
            labels.iter().map(|(name, value)| (escape(name, link_names), escape(value, link_names))).collect();
        Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    let annotations = |labels: &Labels| {
        let pairs: Vec<(String, String)> =
            labels.iter().map(|(name, value)| (escape(name, link_names), escape_but_links(value, link_names))).collect();
        Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    let alert = |alert: &Alert| Alert {
        labels: labels(&alert.labels),
        annotations: annotations(&alert.annotations),
        generator_url: escape(&alert.generator_url, false),
        ..alert.clone()
    };
    Notification {
        alerts: raw.alerts.iter().map(alert).collect(),
        group_labels: labels(&raw.group_labels),
        common_labels: labels(&raw.common_labels),
        common_annotations: annotations(&raw.common_annotations),
        ..raw.clone()
    }
}

/// With `link_names` Slack makes `@channel` a mention, so an `@` gets a companion without width.
fn escape(text: &str, link_names: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' if link_names => out.push_str("@\u{200b}"),
            c => out.push(c),
        }
    }
    out
}

/// `<https://...>`, `<https://...|text>` and what is escaped already stay; mentions and channels do not.
fn escape_but_links(text: &str, link_names: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&escape(&rest[..at], link_names));
        rest = &rest[at..];
        let known = ["&amp;", "&lt;", "&gt;"].into_iter().find(|known| rest.starts_with(known)).map(str::len);
        let link = ["<https://", "<http://", "<mailto:"].iter().any(|start| rest.starts_with(start));
        let end = if link { rest.find('>').filter(|end| !rest[1..*end].contains(['<', '\n'])).map(|end| end + 1) } else { known };
        match end {
            Some(end) => {
                out.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            None => {
                out.push_str(&escape(&rest[..1], link_names));
                rest = &rest[1..];
            }
        }
    }
    out + &escape(rest, link_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_no_markup() {
        for (text, label, annotation) in [
            ("a & b", "a &amp; b", "a &amp; b"),
            ("a &lt; b", "a &amp;lt; b", "a &lt; b"),
            ("<!channel> x", "&lt;!channel&gt; x", "&lt;!channel&gt; x"),
            ("see <https://a/b|c>!", "see &lt;https://a/b|c&gt;!", "see <https://a/b|c>!"),
            ("<https://a <@U1>", "&lt;https://a &lt;@U1&gt;", "&lt;https://a &lt;@U1&gt;"),
            ("a < b > é", "a &lt; b &gt; é", "a &lt; b &gt; é"),
        ] {
            assert_eq!((escape(text, false).as_str(), escape_but_links(text, false).as_str()), (label, annotation));
        }
        assert_eq!(escape("@here", true), "@\u{200b}here");
    }
}
