//! Microsoft Teams through a Workflow: an adaptive card with a heading and a text.

use serde_json::{Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer, json_headers};
use crate::limit::cut_chars;
use crate::notice::Notice;
use crate::plain::{plain_subject, plain_within};
use crate::settings::MsTeamsV2Settings;

/// Teams takes 28 KB with everything; the card around the texts has about 400 bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 25_000;
const TITLE_MAX: usize = 500;

pub(crate) fn compose(settings: &MsTeamsV2Settings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let title = renderer.text("title", &settings.title).unwrap_or_else(|| plain_subject(notice));
    let text = renderer.fitted("text", &settings.text, &Limit::of(TEXT_BYTES_MAX, &json_bytes, &cut_json));
    let text = text
        .unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(TEXT_BYTES_MAX, &json_bytes, &cut_json), str::to_string));
    let color = if notice.is_firing() { "Attention" } else { "Good" };
    let body = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.2",
                "body": [
                    {
                        "type": "TextBlock", "text": cut_chars(title.trim(), TITLE_MAX), "weight": "Bolder", "size": "Medium",
                        "wrap": true, "style": "heading", "color": color,
                    },
                    { "type": "TextBlock", "text": text, "wrap": true },
                ],
                "msteams": { "width": "full" },
            },
        }],
    });
    let message = Message::Http {
        method: "POST",
        url: settings.webhook_url.clone(),
        headers: json_headers(notice),
        body: body.to_string().into_bytes(),
        options: settings.http.clone(),
    };
    Composed { message, problems: renderer.problems }
}

/// How long a text is inside of a JSON document.
pub(crate) fn json_bytes(text: &str) -> usize {
    Value::from(text).to_string().len().saturating_sub(2)
}

/// The longest beginning that takes at most so many bytes of JSON.
pub(crate) fn cut_json(text: &str, max: usize) -> String {
    if json_bytes(text) <= max {
        return text.to_string();
    }
    let (mut low, mut high) = (0, text.chars().count());
    while low < high {
        let length = low + (high - low).div_ceil(2);
        if json_bytes(&cut_chars(text, length)) <= max { low = length } else { high = length - 1 }
    }
    cut_chars(text, low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_by_bytes_of_json() {
        for (text, max, expected) in
            [("abc", 3, "abc"), ("abcdef", 5, "ab…"), ("\u{7}\u{7}\u{7}", 9, "\u{7}…"), ("ééé", 6, "ééé"), ("éééé", 6, "é…")]
        {
            assert_eq!(cut_json(text, max), expected);
        }
    }
}
