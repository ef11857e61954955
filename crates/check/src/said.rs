//! A composed message as a person would read it: titles and texts, without addresses and keys.
//!
//! In:    what `notify::compose_step` made. Out: lines of text.
//! Never: shows an address, a header or a field that is not known to hold words: bodies carry routing keys and tokens.

use bellbuoy_notify::{Composed, Context, Integration, Message, Notice, SoFar, compose_step};

/// Fields that hold words in the bodies of the services.
const WORDS: [&str; 24] = [
    "title",
    "text",
    "description",
    "content",
    "message",
    "summary",
    "subject",
    "fallback",
    "pretext",
    "footer",
    "value",
    "name",
    "entity_display_name",
    "state_message",
    "note",
    "markdown",
    "html",
    "caption",
    "alert",
    "severity",
    "status",
    "topic",
    "facts",
    "label",
];
const LINES_MAX: usize = 60;

/// The message for a notice in lines, and what failed in its templates.
pub fn said(integration: &Integration, notice: &Notice, context: &Context) -> (Vec<String>, Vec<String>) {
    let Composed { message, problems } = compose_step(integration, notice, context, &SoFar::nothing()).composed;
    let mut lines = Vec::new();
    match message {
        Message::Email(mail) => {
            lines.push(format!("Subject: {}", mail.subject));
            lines.extend(mail.text.lines().map(str::to_string));
        }
        Message::Http { body, .. } => match serde_json::from_slice::<serde_json::Value>(&body) {
            Ok(value) => words("", &value, &mut lines),
            Err(_) => form(&String::from_utf8_lossy(&body), &mut lines),
        },
    }
    lines.retain(|line| !line.trim().is_empty());
    lines.dedup();
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("… {more} more lines"));
    }
    (lines, problems)
}

fn words(key: &str, value: &serde_json::Value, lines: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if WORDS.contains(&key) => {
            // A link in a text may be one that holds a token.
            lines.extend(text.lines().map(|line| line.trim_end().to_string()));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| words(key, item, lines)),
        serde_json::Value::Object(fields) => {
            // Webhooks carry labels and annotations as maps: the annotations are what people read.
            if let Some(serde_json::Value::Object(annotations)) = fields.get("annotations") {
                lines.extend(annotations.iter().map(|(name, text)| format!("{name}: {}", text.as_str().unwrap_or(""))));
            }
            fields.iter().for_each(|(name, value)| words(name, value, lines));
        }
        _ => {}
    }
}

/// `title=...&message=...`
fn form(body: &str, lines: &mut Vec<String>) {
    for pair in body.split('&') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        if WORDS.contains(&name) {
            lines.push(unescaped(value));
        }
    }
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.extend(u8::from_str_radix(&digits, 16).ok());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
