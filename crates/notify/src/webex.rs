//! Webex: one Markdown message in a room.

use bellbuoy_vocabulary::Secret;
use serde_json::{Map, Value};

use crate::compose::{Composed, Context, Limit, Renderer};
use crate::limit::cut_chars;
use crate::notice::Notice;
use crate::parts::{changed, no_angle_call, post_json, put, small};
use crate::plain::plain_within;
use crate::settings::WebexSettings;

/// Bytes.
const MARKDOWN_MAX: usize = 7439;

pub(crate) fn compose(settings: &WebexSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::over(changed(notice.template_data(context.external_url, usize::MAX), no_angle_call), context);
    let message = renderer.fitted("message", &settings.message, &Limit::of(MARKDOWN_MAX, &str::len, &cut_bytes));
    let message = message.filter(|message| !message.trim().is_empty());
    let message =
        message.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(MARKDOWN_MAX, &str::len, &cut_bytes), no_angle_call));
    let mut body: Map<String, Value> = Map::new();
    body.insert("markdown".into(), message.into());
    put(&mut body, "roomId", small(&mut renderer, "room_id", &settings.room_id, 500));
    let message = post_json(Secret::new(settings.api_url.clone()), notice, &Value::Object(body), settings.http.clone());
    Composed { message, problems: renderer.problems }
}

/// At most so many bytes of UTF-8, never inside of a character.
pub(crate) fn cut_bytes(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_string();
    }
    let mut kept = 0;
    let mut bytes = '…'.len_utf8();
    for c in text.chars() {
        bytes += c.len_utf8();
        if bytes > max {
            break;
        }
        kept += 1;
    }
    cut_chars(text, kept + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_by_bytes() {
        for (text, max, expected) in [("abcd", 4, "abcd"), ("abcde", 4, "a…"), ("ééé", 6, "ééé"), ("éééé", 7, "éé…"), ("éééé", 6, "é…")]
        {
            assert_eq!(cut_bytes(text, max), expected);
        }
    }
}
