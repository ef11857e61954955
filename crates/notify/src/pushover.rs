//! Pushover: one push message, as a form. The keys are in the body, never in the address.

use bellbuoy_vocabulary::Secret;

use crate::compose::{Composed, Context, Limit, Message, Renderer};
use crate::limit::{chars, cut_chars, one_line};
use crate::notice::Notice;
use crate::parts::{form, small};
use crate::plain::{plain_subject, plain_within};
use crate::settings::PushoverSettings;

const API: &str = "https://api.pushover.net/1/messages.json";
const TITLE_MAX: usize = 250;
const MESSAGE_MAX: usize = 1024;
const URL_MAX: usize = 512;
const URL_TITLE_MAX: usize = 100;
/// Pushover refuses an emergency that is repeated more often, or for longer (seconds).
const RETRY_MIN: i64 = 30;
const EXPIRE_MAX: i64 = 10_800;

pub(crate) fn compose(settings: &PushoverSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut put = |name: &str, text: String| {
        if !text.is_empty() {
            pairs.push((name.into(), text));
        }
    };
    put("token", small(&mut renderer, "token", settings.token.expose(), 200));
    put("user", small(&mut renderer, "user_key", settings.user_key.expose(), 200));
    let title = renderer.text("title", &settings.title).unwrap_or_else(|| plain_subject(notice));
    put("title", one_line(&title, TITLE_MAX));
    let limit = Limit { html: settings.html, ..Limit::of(MESSAGE_MAX, &chars, if settings.html { &cut_html } else { &cut_chars }) };
    let message = renderer.fitted("message", &settings.message, &limit);
    if settings.html && message.is_some() {
        put("html", "1".into());
    }
    if settings.monospace {
        put("monospace", "1".into());
    }
    let message =
        message.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(MESSAGE_MAX, &chars, &cut_chars), str::to_string));
    // Pushover refuses an empty message.
    put("message", if message.trim().is_empty() { "(no details)".into() } else { message.trim().into() });
    put("url", small(&mut renderer, "url", &settings.url, URL_MAX));
    put("url_title", small(&mut renderer, "url_title", &settings.url_title, URL_TITLE_MAX));
    let priority = priority(settings, notice, &mut renderer);
    if priority == "2" {
        put("retry", (settings.retry.0 / 1000).max(RETRY_MIN).to_string());
        put("expire", (settings.expire.0 / 1000).clamp(1, EXPIRE_MAX).to_string());
    }
    put("priority", priority);
    put("device", small(&mut renderer, "device", &settings.device, 500));
    put("sound", small(&mut renderer, "sound", &settings.sound, 100));
    if settings.ttl.0 >= 1000 {
        put("ttl", (settings.ttl.0 / 1000).to_string());
    }
    let headers =
        vec![("Content-Type".into(), "application/x-www-form-urlencoded".into()), ("Idempotency-Key".into(), notice.idempotency_key())];
    let message =
        Message::Http { method: "POST", url: Secret::new(API), headers, body: form(&pairs).into_bytes(), options: settings.http.clone() };
    Composed { message, problems: renderer.problems }
}

/// -2 to 2. Pushover refuses the message for anything else, so what is none of them becomes a high priority or a normal one.
fn priority(settings: &PushoverSettings, notice: &Notice, renderer: &mut Renderer) -> String {
    let said = small(renderer, "priority", &settings.priority, 100);
    if said.is_empty() || said.parse::<i8>().is_ok_and(|number| (-2..=2).contains(&number)) {
        return said;
    }
    let instead = if notice.is_firing() { "1" } else { "0" };
    renderer.problems.push(format!("priority {said:?} is none of -2 to 2: {instead} was sent"));
    instead.into()
}

/// Never inside of an element or entity.
fn cut_html(text: &str, max: usize) -> String {
    let cut = cut_chars(text, max);
    if cut == text {
        return cut;
    }
    let kept = cut.trim_end_matches('…');
    let open = kept.rfind('<').filter(|at| !kept[*at..].contains('>'));
    let name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#');
    let entity = kept.rfind('&').filter(|at| kept.len() - at < 12 && name(&kept[at + 1..]));
    let end = open.into_iter().chain(entity).min().unwrap_or(kept.len());
    format!("{}…", &kept[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_beside_markup() {
        for (text, max, expected) in [
            ("<b>abc</b>", 10, "<b>abc</b>"),
            ("<b>abc</b>", 9, "<b>abc…"),
            ("a &amp; b", 5, "a …"),
            ("abcdef", 4, "abc…"),
            ("a & b, c > d", 10, "a & b, c …"),
        ] {
            assert_eq!(cut_html(text, max), expected, "{text}");
        }
    }
}
