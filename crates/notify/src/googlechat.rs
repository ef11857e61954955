//! Google Chat: a text, or a card with a heading, in a space; one thread per group.
//!
//! `requestId` in the address lets Google tell a repeat after a crash from news.

use bellbuoy_vocabulary::Secret;
use serde_json::{Value, json};

use crate::compose::{Composed, Context, Limit, Renderer};
use crate::limit::{chars, cut_chars};
use crate::msteamsv2::{cut_json, json_bytes};
use crate::notice::Notice;
use crate::parts::{changed, no_angle_call, post_json, small};
use crate::plain::plain_within;
use crate::settings::GoogleChatSettings;
use crate::sha256;

/// Characters of a text.
const TEXT_MAX: usize = 4096;
/// A message has 32,000 bytes with everything; the card around its text has about 1.5 kB.
const CARD_BYTES_MAX: usize = 29_000;
const TITLE_MAX: usize = 200;

pub(crate) fn compose(settings: &GoogleChatSettings, notice: &Notice, context: &Context) -> Composed {
    let data = notice.template_data(context.external_url, usize::MAX);
    let mut renderer = Renderer::over(changed(data.clone(), no_angle_call), context);
    let group = sha256::hex(&format!("{}\n{}", notice.destination(), notice.group_key));
    let title = small(&mut renderer, "title", &settings.title, TITLE_MAX);
    let mut body = if title.is_empty() {
        let text = renderer.fitted("text", &settings.text, &Limit::of(TEXT_MAX, &chars, &cut_chars));
        let text = text.filter(|text| !text.trim().is_empty());
        let text =
            text.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(TEXT_MAX, &chars, &cut_chars), no_angle_call));
        json!({ "text": text.trim() })
    } else {
        let subtitle = small(&mut renderer, "subtitle", &settings.subtitle, TITLE_MAX);
        // A card reads a little HTML.
        let mut html = Renderer::over(changed(data, escape), context);
        let text = html.fitted("text", &settings.text, &Limit::of(CARD_BYTES_MAX, &json_bytes, &cut_json));
        renderer.problems.append(&mut html.problems);
        let text =
            text.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(CARD_BYTES_MAX, &json_bytes, &cut_json), escape));
        card(&title, &subtitle, text.trim(), &group)
    };
    body["thread"] = json!({ "threadKey": group });
    let message = post_json(address(settings, notice), notice, &body, settings.http.clone());
    Composed { message, problems: renderer.problems }
}

fn card(title: &str, subtitle: &str, text: &str, group: &str) -> Value {
    let mut header = json!({ "title": title });
    if !subtitle.is_empty() {
        header["subtitle"] = subtitle.into();
    }
    json!({
        "cardsV2": [{
            "cardId": group,
            "card": { "header": header, "sections": [{ "widgets": [{ "textParagraph": { "text": text } }] }] },
        }],
        // What the telephone shows of a card.
        "fallbackText": title,
    })
}

fn address(settings: &GoogleChatSettings, notice: &Notice) -> Secret {
    let mut url = settings.url.expose().to_string();
    let more = [("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"), ("requestId", &notice.idempotency_key())];
    for (name, value) in more {
        // What the address says itself counts.
        if !url.contains(&format!("{name}=")) {
            let sign = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{sign}{name}={value}"));
        }
    }
    Secret::new(url)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
