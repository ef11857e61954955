//! WeChat Work: a message of an application, with a token that is fetched for the company's id and secret and kept until it expires; or
//! one of a group's robot, which needs no token.

use bellbuoy_vocabulary::{Millis, Secret, Timestamp};
use serde_json::{Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer};
use crate::exchange::{Outcome, SEND, Session, SoFar, Step, Token, settle};
use crate::judge::Verdict;
use crate::limit::cut_utf8;
use crate::notice::Notice;
use crate::parts::{changed, no_angle_call, percent, post_json, small};
use crate::plain::plain_within;
use crate::settings::WechatSettings;

/// Bytes of UTF-8, of texts and of Markdown.
const CONTENT_MAX: usize = 2048;
const NAMES_MAX: usize = 4096;
/// A token is given up a little before it expires, and never asked for again at once.
const TOKEN_MARGIN: Millis = Millis::from_minutes(1);
const TOKEN_LIFE: Millis = Millis::from_minutes(120);

const TOKEN: &str = "gettoken";

pub(crate) fn step(settings: &WechatSettings, notice: &Notice, context: &Context, so_far: &SoFar) -> Step {
    let data = notice.template_data(context.external_url, usize::MAX);
    match settings.robot_url.clone().or_else(|| send_url(settings, notice, context, so_far)) {
        Some(url) => {
            let mut renderer = Renderer::over(changed(data, no_angle_call), context);
            let body = body(settings, notice, &mut renderer);
            let message = post_json(url, notice, &body, settings.http.clone());
            Step { name: SEND, composed: Composed { message, problems: renderer.problems } }
        }
        None => {
            let mut renderer = Renderer::over(data, context);
            let corp_id = renderer.text("corp_id", &settings.corp_id).unwrap_or_default();
            let secret = renderer.text("api_secret", settings.api_secret.expose()).unwrap_or_default();
            let url = format!("{}gettoken?corpid={}&corpsecret={}", settings.api_url, percent(&corp_id, ""), percent(&secret, ""));
            let message = Message::Http {
                method: "GET",
                url: Secret::new(url),
                headers: Vec::new(),
                body: Vec::new(),
                options: settings.http.clone(),
            };
            Step { name: TOKEN, composed: Composed { message, problems: renderer.problems } }
        }
    }
}

/// With the token that is there; `None` without one.
fn send_url(settings: &WechatSettings, notice: &Notice, context: &Context, so_far: &SoFar) -> Option<Secret> {
    let token = so_far.session.token.as_ref();
    let token = token.filter(|token| token.good_until > context.now && token.given_for == credentials(settings, notice))?;
    Some(Secret::new(format!("{}message/send?access_token={}", settings.api_url, percent(token.value.expose(), ""))))
}

pub(crate) fn after(
    settings: &WechatSettings,
    notice: &Notice,
    so_far: &SoFar,
    session: &mut Session,
    verdict: Verdict,
    now: Timestamp,
) -> Outcome {
    let Some((step, answer)) = so_far.last() else { return Outcome::Next };
    let body = answer.json();
    let code = body.get("errcode").and_then(Value::as_i64).unwrap_or(0);
    match verdict {
        Verdict::Delivered { .. } if step == TOKEN => {
            let Some(value) = body.get("access_token").and_then(Value::as_str).filter(|value| !value.is_empty()) else {
                return settle(Verdict::GaveUp { reason: format!("{TOKEN}: the answer holds no token") });
            };
            let life = body.get("expires_in").and_then(Value::as_i64).map_or(TOKEN_LIFE, |seconds| Millis(seconds.clamp(0, 86_400) * 1000));
            session.token = Some(Token {
                value: Secret::new(value),
                given_for: credentials(settings, notice),
                good_until: now + Millis((life.0 - TOKEN_MARGIN.0).max(TOKEN_MARGIN.0)),
            });
            Outcome::Next
        }
        Verdict::RetryAt { reason, .. } if step == TOKEN && is_token_refused(code) => {
            // Of gettoken these codes mean the secret.
            settle(Verdict::GaveUp { reason: format!("{TOKEN}: {reason}") })
        }
        Verdict::GaveUp { reason } if step == TOKEN => settle(Verdict::GaveUp { reason: format!("{TOKEN}: {reason}") }),
        verdict if is_token_refused(code) && settings.robot_url.is_none() => {
            session.token = None;
            // Once in an attempt: a token that is new and refused too needs patience.
            let sent = so_far.done.iter().filter(|done| done.step == SEND).count();
            if sent < 2 { Outcome::Next } else { settle(verdict) }
        }
        verdict => settle(verdict),
    }
}

/// invalid credential, invalid token, token missing, token expired
pub(crate) fn is_token_refused(code: i64) -> bool {
    matches!(code, 40001 | 40014 | 41001 | 42001)
}

/// The HTTP status that an answer's `errcode` means.
pub(crate) fn status(status: u16, body: Option<&Value>) -> u16 {
    let Some(body) = body else { return 502 };
    match body.get("errcode").and_then(Value::as_i64) {
        None | Some(0) => status,
        // Too often: per API, per minute, concurrently, per member.
        Some(45009 | 45011 | 45033 | 45047) => 429,
        Some(-1) => 503,
        Some(code) if is_token_refused(code) => 503,
        Some(_) => 400,
    }
}

/// Where they are templates, a token is good for one message only.
fn credentials(settings: &WechatSettings, notice: &Notice) -> Secret {
    let (corp_id, secret) = (&settings.corp_id, settings.api_secret.expose());
    let once = if corp_id.contains("{{") || secret.contains("{{") { notice.idempotency_key() } else { String::new() };
    Secret::new(format!("{} {corp_id} {secret} {once}", settings.api_url))
}

fn body(settings: &WechatSettings, notice: &Notice, renderer: &mut Renderer) -> Value {
    let content = renderer.fitted("message", &settings.message, &Limit::of(CONTENT_MAX, &str::len, &cut_utf8));
    let content = content.filter(|text| !text.trim().is_empty());
    let content =
        content.unwrap_or_else(|| plain_within(notice, &renderer.problems, &Limit::of(CONTENT_MAX, &str::len, &cut_utf8), no_angle_call));
    if settings.robot_url.is_some() {
        let kind = if settings.markdown { "markdown" } else { "text" };
        return json!({ "msgtype": kind, kind: { "content": content } });
    }
    let (kind, text, markdown) = if settings.markdown { ("markdown", String::new(), content) } else { ("text", content, String::new()) };
    let mut body = json!({ "text": { "content": text }, "markdown": { "content": markdown }, "msgtype": kind, "safe": "0" });
    for (name, field, template) in [
        ("touser", "to_user", &settings.to_user),
        ("toparty", "to_party", &settings.to_party),
        ("totag", "to_tag", &settings.to_tag),
        ("agentid", "agent_id", &settings.agent_id),
    ] {
        let text = small(renderer, field, template, NAMES_MAX);
        if !text.is_empty() {
            body[name] = text.into();
        }
    }
    body
}
