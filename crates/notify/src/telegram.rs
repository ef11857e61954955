//! Telegram: one message by `sendMessage`, with markup that Telegram can read.
//!
//! Telegram refuses a message whose markup it can not read. HTML is made readable before it is sent; Markdown that Telegram would refuse
//! goes out as plain text. Should Telegram refuse all the same, `judge` asks for another attempt, and that one is plain.

mod html;
mod markdown;

use bellbuoy_vocabulary::Secret;
use serde_json::json;

use crate::compose::{Composed, Context, Limit, Message, Renderer, json_headers};
use crate::limit::{cut_utf16, more_alerts, utf16_len};
use crate::notice::Notice;
use crate::plain::plain_within;
use crate::settings::{TelegramMode, TelegramSettings};

/// Characters that are seen; counted in UTF-16 units, which is never less than what Telegram counts.
const MESSAGE_MAX: usize = 4096;

/// The words of a `RetryAt` that `compose_again` reads.
pub(crate) const PLAIN_NEXT: &str = "the next attempt is plain text";
pub(crate) const MOVED_TO: &str = "the group moved to chat_id ";

pub(crate) fn compose(settings: &TelegramSettings, notice: &Notice, context: &Context, last_answer: &str) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let (text, mode) = text(settings, notice, &mut renderer, last_answer.contains(PLAIN_NEXT));
    let mut body = json!({ "chat_id": moved_to(last_answer).unwrap_or(settings.chat_id), "text": text });
    if let Some(mode) = mode {
        body["parse_mode"] = mode.into();
    }
    if settings.message_thread_id != 0 {
        body["message_thread_id"] = settings.message_thread_id.into();
    }
    body["disable_web_page_preview"] = true.into();
    if settings.disable_notifications {
        body["disable_notification"] = true.into();
    }
    if settings.protect_content {
        body["protect_content"] = true.into();
    }
    let message = Message::Http {
        method: "POST",
        url: Secret::new(format!("{}/bot{}/sendMessage", settings.api_url.trim_end_matches('/'), settings.bot_token.expose())),
        headers: json_headers(notice),
        body: body.to_string().into_bytes(),
        options: settings.http.clone(),
    };
    Composed { message, problems: renderer.problems }
}

/// The message and its `parse_mode`.
fn text(settings: &TelegramSettings, notice: &Notice, renderer: &mut Renderer, plain: bool) -> (String, Option<&'static str>) {
    let (limit, mode) = match settings.parse_mode {
        TelegramMode::Html => (Limit { html: true, ..Limit::of(MESSAGE_MAX, &html::length, &html::cut) }, Some("HTML")),
        TelegramMode::Markdown => (Limit::of(MESSAGE_MAX, &utf16_len, &cut_utf16), Some("Markdown")),
        TelegramMode::MarkdownV2 => (
            Limit { more: &|more| more_alerts(more).replace('.', "\\."), ..Limit::of(MESSAGE_MAX, &utf16_len, &cut_utf16) },
            Some("MarkdownV2"),
        ),
        TelegramMode::Plain => (Limit::of(MESSAGE_MAX, &utf16_len, &cut_utf16), None),
    };
    let rendered = renderer.fitted("message", &settings.message, &limit);
    let html = settings.parse_mode == TelegramMode::Html;
    let rendered = rendered.map(|text| if html { html::tidy(text.trim(), MESSAGE_MAX) } else { text.trim().to_string() });
    let Some(text) = rendered.filter(|text| !(if html { html::plain(text) } else { text.clone() }).trim().is_empty()) else {
        if renderer.problems.is_empty() {
            renderer.problems.push("the message is empty, which Telegram refuses".into());
        }
        return (plain_within(notice, &renderer.problems, &Limit::of(MESSAGE_MAX, &utf16_len, &cut_utf16), str::to_string), None);
    };
    let readable = match settings.parse_mode {
        TelegramMode::Markdown => markdown::is_readable(&text),
        TelegramMode::MarkdownV2 => markdown::is_readable_v2(&text),
        TelegramMode::Html | TelegramMode::Plain => true,
    };
    match mode {
        Some(_) if plain && html => (html::plain(&text), None),
        Some(mode) if readable && !plain => (text, Some(mode)),
        _ => (text, None),
    }
}

fn moved_to(last_answer: &str) -> Option<i64> {
    let (_, rest) = last_answer.split_once(MOVED_TO)?;
    rest.split(|c: char| c != '-' && !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_address_is_read_back() {
        assert_eq!(moved_to(&format!("HTTP 400: x ({MOVED_TO}-100123; write it)")), Some(-100_123));
        assert_eq!(moved_to("HTTP 400: x"), None);
    }
}
