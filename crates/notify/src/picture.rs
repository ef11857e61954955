//! Pictures in messages. The text never waits for one: it is delivered first, then the picture is added to it by requests of its own.
//! Only a mail has to have it inside.
//!
//! What goes wrong with a picture is nobody's loss: there is no second attempt.

use bellbuoy_vocabulary::Secret;
use serde_json::{Value, json};

use crate::compose::Message;
use crate::judge::Answer;
use crate::notice::Notice;
use crate::settings::{HttpOptions, IntegrationKind, SlackSettings, TelegramSettings};

const FILE_NAME: &str = "alert.png";

/// When a picture of an alert is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureTime {
    /// The kind has no place for one.
    Never,
    /// In the message itself.
    Inside,
    /// Once the message was delivered.
    After,
}

pub fn picture_time(kind: &IntegrationKind) -> PictureTime {
    match kind {
        IntegrationKind::Email(_) => PictureTime::Inside,
        IntegrationKind::Discord(_) | IntegrationKind::Telegram(_) => PictureTime::After,
        // Only bots may upload; a webhook has no way to.
        IntegrationKind::Slack(settings) if slack_api(settings).is_some() => PictureTime::After,
        _ => PictureTime::Never,
    }
}

/// The next request that adds a picture to a delivered message; `None`: it is there, or can not be.
/// `delivered` is the answer to the message, `done` the answers to the requests of the picture so far.
pub fn picture_step(kind: &IntegrationKind, notice: &Notice, delivered: &Answer, png: &[u8], done: &[Answer]) -> Option<Message> {
    if done.iter().any(|answer| !(200..300).contains(&answer.status())) {
        return None;
    }
    match kind {
        IntegrationKind::Discord(settings) if done.is_empty() => {
            let id = delivered.json().get("id")?.as_str()?.to_string();
            let url = crate::discord::with_message(&settings.webhook_url, &id).filter(|_| id.bytes().all(|b| b.is_ascii_digit()))?;
            let said = json!({ "attachments": [{ "id": 0, "filename": FILE_NAME, "description": alt(notice) }] });
            let form = Form::new(notice).json("payload_json", &said).file("files[0]", png);
            Some(form.message("PATCH", url, &settings.http))
        }
        IntegrationKind::Telegram(settings) if done.is_empty() => telegram(settings, notice, delivered, png),
        IntegrationKind::Slack(settings) => slack(settings, notice, delivered, png, done),
        _ => None,
    }
}

/// For those who do not see it.
fn alt(notice: &Notice) -> String {
    format!("The last values of {}, {}", notice.alert_names().join(", "), notice.status_word()).chars().take(500).collect()
}

fn telegram(settings: &TelegramSettings, notice: &Notice, delivered: &Answer, png: &[u8]) -> Option<Message> {
    let answer = delivered.json();
    let message = answer.get("result")?;
    // The group may have moved: the answer knows its chat.
    let chat = message.get("chat").and_then(|chat| chat.get("id")).and_then(Value::as_i64).unwrap_or(settings.chat_id);
    let reply = json!({ "message_id": message.get("message_id")?.as_i64()?, "allow_sending_without_reply": true });
    let mut form = Form::new(notice).text("chat_id", &chat.to_string()).json("reply_parameters", &reply);
    if settings.message_thread_id != 0 {
        form = form.text("message_thread_id", &settings.message_thread_id.to_string());
    }
    if settings.protect_content {
        form = form.text("protect_content", "true");
    }
    // The message itself made the sound.
    let form = form.text("disable_notification", "true").file("photo", png);
    let url = format!("{}/bot{}/sendPhoto", settings.api_url.trim_end_matches('/'), settings.bot_token.expose());
    Some(form.message("POST", Secret::new(url), &settings.http))
}

/// `https://slack.com/api` of a bot that posts by chat.postMessage.
fn slack_api(settings: &SlackSettings) -> Option<&str> {
    settings.app_token.as_ref()?;
    settings.api_url.expose().strip_suffix("/chat.postMessage")
}

/// Slack takes files in three requests: where to, the bytes, and which conversation they belong to.
fn slack(settings: &SlackSettings, notice: &Notice, delivered: &Answer, png: &[u8], done: &[Answer]) -> Option<Message> {
    let api = slack_api(settings)?;
    let token = settings.app_token.as_ref()?.expose();
    let bot = HttpOptions { authorization: Some(Secret::new(format!("Bearer {token}"))), ..settings.http.clone() };
    let place = done.first().map(Answer::json);
    let text = |name: &str| place.as_ref().and_then(|place| place.get(name)).and_then(Value::as_str);
    match done.len() {
        0 => {
            let url = format!("{api}/files.getUploadURLExternal?filename={FILE_NAME}&length={}", png.len());
            Some(http("GET", Secret::new(url), Vec::new(), Vec::new(), &bot))
        }
        1 => {
            // The address is a secret of its own; the token has no business there.
            let url = text("upload_url").filter(|url| url.starts_with("https://") || settings.api_url.expose().starts_with("http://"))?;
            let headers = vec![("Content-Type".into(), "application/octet-stream".into())];
            let options = HttpOptions { authorization: None, ..settings.http.clone() };
            Some(http("POST", Secret::new(url), headers, png.to_vec(), &options))
        }
        2 => {
            let answer = delivered.json();
            let said = |name: &str| answer.get(name).and_then(Value::as_str);
            let file = json!([{ "id": text("file_id")?, "title": alt(notice) }]);
            let body = json!({ "files": file, "channel_id": said("channel")?, "thread_ts": said("ts")? });
            let headers = vec![("Content-Type".into(), "application/json; charset=utf-8".into())];
            Some(http("POST", Secret::new(format!("{api}/files.completeUploadExternal")), headers, body.to_string().into_bytes(), &bot))
        }
        _ => None,
    }
}

fn http(method: &'static str, url: Secret, headers: Vec<(String, String)>, body: Vec<u8>, options: &HttpOptions) -> Message {
    Message::Http { method, url, headers, body, options: options.clone() }
}

/// A body of `multipart/form-data` (RFC 7578).
struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    fn new(notice: &Notice) -> Form {
        // Longer than chance could find in a picture.
        Form {
            boundary: format!("bellbuoy-{}", notice.idempotency_key().replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
            body: Vec::new(),
        }
    }

    fn part(mut self, head: &str, bytes: &[u8]) -> Form {
        self.body.extend(format!("--{}\r\nContent-Disposition: form-data; {head}\r\n\r\n", self.boundary).into_bytes());
        self.body.extend_from_slice(bytes);
        self.body.extend_from_slice(b"\r\n");
        self
    }

    fn text(self, name: &str, value: &str) -> Form {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    fn json(self, name: &str, value: &Value) -> Form {
        self.part(&format!("name=\"{name}\"\r\nContent-Type: application/json"), value.to_string().as_bytes())
    }

    fn file(self, name: &str, png: &[u8]) -> Form {
        self.part(&format!("name=\"{name}\"; filename=\"{FILE_NAME}\"\r\nContent-Type: image/png"), png)
    }

    fn message(mut self, method: &'static str, url: Secret, options: &HttpOptions) -> Message {
        self.body.extend(format!("--{}--\r\n", self.boundary).into_bytes());
        let headers = vec![("Content-Type".into(), format!("multipart/form-data; boundary={}", self.boundary))];
        http(method, url, headers, self.body, options)
    }
}
