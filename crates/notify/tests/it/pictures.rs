//! Which requests add a picture to a message that was delivered.

use bellbuoy_notify::{Answer, DiscordSettings, IntegrationKind, Message, Notice, SlackSettings, picture_step};
use bellbuoy_vocabulary::Secret;
use serde_json::{Value, json};

use crate::services::slack;
use crate::{discord_settings, firing, notice};

const PNG: &[u8] = b"\x89PNG...";

fn drift() -> Notice {
    notice("discord", vec![firing(&[("alertname", "Drift")], &[])])
}

fn answer(status: u16, body: Value) -> Answer {
    Answer::Http { status, headers: vec![], body: body.to_string().into_bytes() }
}

fn shown(message: Option<Message>) -> String {
    let Some(Message::Http { method, url, headers, body, options }) = message else { return "nothing".into() };
    let bot = if options.authorization.is_some() { " as bot" } else { "" };
    let kind = headers.first().map_or("", |(_, value)| value.split(';').next().unwrap_or(""));
    format!("{method} {}{bot} [{kind}] {}", url.expose(), String::from_utf8_lossy(&body).replace("\r\n", "|"))
}

#[test]
fn discord_gets_it_into_the_message_that_it_took() {
    let kind = IntegrationKind::Discord(DiscordSettings { webhook_url: Secret::new("https://d/api/webhooks/1/t"), ..discord_settings() });
    let step = |delivered: Answer, done: &[Answer]| shown(picture_step(&kind, &drift(), &delivered, PNG, done));
    let first = step(answer(200, json!({"id": "77"})), &[]);
    assert!(first.starts_with("PATCH https://d/api/webhooks/1/t/messages/77 [multipart/form-data] --bellbuoy-"), "{first}");
    assert!(first.contains("name=\"files[0]\"; filename=\"alert.png\"|Content-Type: image/png||"), "{first}");
    assert!(first.contains("The last values of Drift, firing"), "{first}");
    assert_eq!(step(answer(200, json!({"id": "77"})), &[answer(200, json!({}))]), "nothing");
    // A proxy that answers something else, or an id that would lead elsewhere.
    for body in [json!(""), json!({}), json!({"id": 5}), json!({"id": "../x"})] {
        assert_eq!(step(answer(200, body), &[]), "nothing");
    }
}

#[test]
fn slack_bots_upload_into_the_thread() {
    let settings =
        SlackSettings { api_url: Secret::new("https://slack.com/api/chat.postMessage"), app_token: Some(Secret::new("xoxb")), ..slack() };
    let kind = IntegrationKind::Slack(settings);
    let delivered = answer(200, json!({"ok": true, "channel": "C1", "ts": "12.5"}));
    let place = answer(200, json!({"ok": true, "upload_url": "https://files.slack.com/up/1", "file_id": "F1"}));
    let ok = answer(200, json!({"ok": true}));
    let step = |done: &[Answer]| shown(picture_step(&kind, &drift(), &delivered, PNG, done));
    assert_eq!(step(&[]), "GET https://slack.com/api/files.getUploadURLExternal?filename=alert.png&length=7 as bot [] ");
    assert!(step(std::slice::from_ref(&place)).starts_with("POST https://files.slack.com/up/1 [application/octet-stream]"));
    let last = step(&[place.clone(), ok.clone()]);
    assert!(last.contains("files.completeUploadExternal as bot") && last.contains("\"thread_ts\":\"12.5\""), "{last}");
    assert_eq!(step(&[place, ok.clone(), ok]), "nothing");
    assert_eq!(step(&[answer(200, json!({"ok": false, "error": "missing_scope"}))]), "nothing");
}
