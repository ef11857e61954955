//! The built-in inbox: a webhook receiver that keeps each message as it came and draws it as Discord would.
//!
//! In:    any JSON by POST, a picture for one of them by PATCH, as Discord takes both. Out: `/inbox` (drawn), `/api/bellbuoy/inbox` (as received),
//!        `/api/bellbuoy/notifications` (as sent).
//! Never: keeps the same message twice: a repeat has the same `Idempotency-Key`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bellbuoy_reports::markup;
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use super::page::{Html, layout};
use super::params::Params;
use crate::app::App;
use crate::clock;
use crate::state::InboxRow;

const ROWS_MAX: usize = 1000;
const DRAWN_MAX: usize = 100;
const PICTURE_BYTES_MAX: usize = 1 << 20;

pub async fn receive(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let value: Value = match serde_json::from_slice(&body) {
        Ok(value) => value,
        Err(error) => return (StatusCode::BAD_REQUEST, Json(json!({"message": format!("the body is not JSON: {error}")}))).into_response(),
    };
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    match tokio::task::block_in_place(|| app.path.state.inbox_receive(clock::now(), key, uri.path(), &value)) {
        // As Discord: the message comes back only to those who ask for it.
        Ok(id) if uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "wait=true")) => {
            Json(json!({"id": id.to_string()})).into_response()
        }
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failed(&error),
    }
}

/// `PATCH .../messages/ID`: the picture of a message that was received.
pub async fn add_picture(State(app): State<Arc<App>>, Path(path): Path<String>, mut form: Multipart) -> Response {
    let refused = |status: StatusCode, text: &str| (status, Json(json!({"message": text}))).into_response();
    let id = path.split_once("messages/").and_then(|(before, id)| (before.is_empty() || before.ends_with('/')).then_some(id));
    let Some(id) = id.and_then(|id| id.parse::<i64>().ok()) else { return refused(StatusCode::NOT_FOUND, "no such message") };
    let mut png = None;
    loop {
        match form.next_field().await {
            Ok(Some(field)) if field.content_type() == Some("image/png") => match field.bytes().await {
                Ok(bytes) if bytes.starts_with(b"\x89PNG") && bytes.len() <= PICTURE_BYTES_MAX => png = Some(bytes),
                Ok(_) => return refused(StatusCode::BAD_REQUEST, "the picture is no PNG, or larger than 1 MiB"),
                Err(error) => return refused(StatusCode::BAD_REQUEST, &error.body_text()),
            },
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => return refused(StatusCode::BAD_REQUEST, &error.body_text()),
        }
    }
    let Some(png) = png else { return refused(StatusCode::BAD_REQUEST, "no part of the form is a picture (image/png)") };
    match tokio::task::block_in_place(|| app.path.state.inbox_add_picture(id, &png)) {
        Ok(true) => Json(json!({"id": id.to_string()})).into_response(),
        Ok(false) => refused(StatusCode::NOT_FOUND, "no such message"),
        Err(error) => failed(&error),
    }
}

pub async fn picture(State(app): State<Arc<App>>, Path(id): Path<i64>) -> Response {
    match tokio::task::block_in_place(|| app.path.state.inbox_picture(id)) {
        Ok(Some(png)) => ([(header::CONTENT_TYPE, "image/png"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], png).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &crate::state::StateError) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": error.to_string()}))).into_response()
}

/// The messages as received, newest first.
pub async fn list(State(app): State<Arc<App>>) -> Response {
    match app.path.state.inbox(ROWS_MAX) {
        Ok(rows) => Json(
            rows.iter()
                .map(|row| json!({"id": row.id, "at": row.at.rfc3339(), "path": row.path, "message": row.body, "picture": row.has_picture}))
                .collect::<Vec<_>>(),
        )
        .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// What was sent to whom, why, and what became of it; newest first.
pub async fn notifications(State(app): State<Arc<App>>, params: Params) -> Response {
    let limit = params.count("limit").ok().filter(|limit| *limit > 0).unwrap_or(ROWS_MAX).min(ROWS_MAX);
    match app.path.state.messages(limit) {
        Ok(rows) => Json(
            rows.iter()
                .map(|row| {
                    json!({
                        "id": row.id, "key": row.key, "destination": row.destination, "groupKey": row.group_key, "reason": row.reason,
                        "status": row.status.word(), "attempts": row.attempts, "createdAt": row.created_at.rfc3339(),
                        "settledAt": row.settled_at.map(Timestamp::rfc3339), "answer": row.last_answer, "notification": row.notice,
                    })
                })
                .collect::<Vec<_>>(),
        )
        .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

pub async fn page(State(app): State<Arc<App>>) -> Response {
    let rows = match app.path.state.inbox(DRAWN_MAX) {
        Ok(rows) => rows,
        Err(error) => return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    };
    let mut out = String::from("<h1>Inbox</h1>");
    if rows.is_empty() {
        out.push_str("<p>No message has arrived yet. A receiver with the address of this page delivers here.</p>");
    }
    for row in &rows {
        draw(&mut out, row, &app.route_prefix());
    }
    Html(layout("Inbox", &out)).into_response()
}

fn draw(out: &mut String, row: &InboxRow, root: &str) {
    let name = row.body.get("username").and_then(Value::as_str).unwrap_or("bellbuoy");
    let _ = write!(out, r#"<article><header><b>{}</b> <time>{}</time></header>"#, markup(name), row.at.rfc3339());
    if let Some(content) = row.body.get("content").and_then(Value::as_str).filter(|content| !content.is_empty()) {
        let _ = write!(out, "<p>{}</p>", marked(content));
    }
    match row.body.get("embeds").and_then(Value::as_array) {
        Some(embeds) => embeds.iter().for_each(|embed| draw_embed(out, embed)),
        None => {
            let _ = write!(out, "<pre>{}</pre>", markup(&pretty(&row.body)));
        }
    }
    if row.has_picture {
        let _ = write!(
            out,
            "<img src=\"{root}/api/bellbuoy/inbox/{}/picture\" width=\"400\" height=\"150\" alt=\"The last values of the alert\">",
            row.id
        );
    }
    let _ = write!(out, "<details><summary>as received</summary><pre>{}</pre></details></article>", markup(&pretty(&row.body)));
}

fn draw_embed(out: &mut String, embed: &Value) {
    let text = |name: &str| embed.get(name).and_then(Value::as_str).unwrap_or("");
    let colour = embed.get("color").and_then(Value::as_u64).unwrap_or(0x80_8080) & 0xff_ffff;
    // The bar is a drawing, not a style: the page's policy allows no styles in the text.
    let _ = write!(
        out,
        r##"<div class="embed"><svg width="4" aria-hidden="true"><rect width="4" height="100%" fill="#{colour:06x}"/></svg><div>"##
    );
    let _ = write!(out, "<h3>{}</h3><p>{}</p>", marked(text("title")), marked(text("description")));
    if let Some(fields) = embed.get("fields").and_then(Value::as_array) {
        out.push_str("<dl>");
        for field in fields {
            let part = |name: &str| field.get(name).and_then(Value::as_str).unwrap_or("");
            let _ = write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", marked(part("name")), marked(part("value")));
        }
        out.push_str("</dl>");
    }
    if let Some(footer) = embed.get("footer").and_then(|footer| footer.get("text")).and_then(Value::as_str) {
        let _ = write!(out, "<footer>{}</footer>", marked(footer));
    }
    out.push_str("</div></div>");
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Discord's bold and line breaks; everything else is shown as text. Backslashes that only escape are taken away.
fn marked(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    let mut bold = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|next| next.is_ascii_punctuation()) => {
                if let Some(next) = chars.next() {
                    plain.push_str(&markup(&next.to_string()));
                }
            }
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                plain.push_str(if bold { "</b>" } else { "<b>" });
                bold = !bold;
            }
            '\n' => plain.push_str("<br>"),
            other => plain.push_str(&markup(&other.to_string())),
        }
    }
    if bold {
        plain.push_str("</b>");
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_drawn_without_running_anything() {
        assert_eq!(marked("**R2** <script>\n\\*x\\*"), "<b>R2</b> &lt;script&gt;<br>*x*");
        assert_eq!(marked("**open"), "<b>open</b>");
    }
}
