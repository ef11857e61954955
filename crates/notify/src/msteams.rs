//! Microsoft Teams' connectors (`webhook.office.com`), a message card. Microsoft has retired them; who still has something that
//! takes such cards can go on.

use serde_json::json;

use crate::compose::{Composed, Context, Limit, Renderer};
use crate::msteamsv2::{TEXT_BYTES_MAX, cut_json, json_bytes};
use crate::notice::Notice;
use crate::parts::post_json;
use crate::plain::{plain_subject, plain_within};
use crate::settings::MsTeamsSettings;

/// Of title and summary each, so that they have room beside the longest text.
const HEAD_BYTES_MAX: usize = 1000;

pub(crate) fn compose(settings: &MsTeamsSettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let title = renderer.text("title", &settings.title).unwrap_or_else(|| plain_subject(notice));
    let summary = renderer.text("summary", &settings.summary).unwrap_or_else(|| plain_subject(notice));
    let text = renderer.fitted("text", &settings.text, &Limit::of(TEXT_BYTES_MAX, &json_bytes, &cut_json));
    let text = text
        .unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(TEXT_BYTES_MAX, &json_bytes, &cut_json), str::to_string));
    let body = json!({
        "@context": "http://schema.org/extensions",
        "type": "MessageCard",
        "title": cut_json(title.trim(), HEAD_BYTES_MAX),
        "summary": cut_json(summary.trim(), HEAD_BYTES_MAX),
        "text": text,
        "themeColor": if notice.is_firing() { "8C1A1A" } else { "2DC72D" },
    });
    Composed { message: post_json(settings.webhook_url.clone(), notice, &body, settings.http.clone()), problems: renderer.problems }
}
