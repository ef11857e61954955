//! A role's keys: asked for at AWS' STS before the message, and kept in memory for as long as they are good.

use bellbuoy_vocabulary::{Millis, Secret, Timestamp};

use super::{CONTENT_TYPE, aws, compose, element, signed};
use crate::compose::{Composed, Context, Message};
use crate::exchange::{Outcome, SEND, Session, SoFar, Step, Token, settle};
use crate::judge::{Answer, Verdict};
use crate::notice::Notice;
use crate::parts::{authorized, form};
use crate::settings::{SnsRole, SnsSettings};
use crate::sigv4::Signer;

/// The step before the message.
const ASSUME: &str = "assume role";
/// Keys that end within this time are asked for anew.
const KEYS_LEFT_MIN: Millis = Millis::from_minutes(1);
const STS_VERSION: &str = "2011-06-15";
const KEYS_SECONDS: &str = "900";
const ASK_AGAIN: Millis = Millis::from_seconds(10);

/// What requests are signed with.
pub(super) struct Keys {
    access_key: String,
    secret_key: Secret,
    session_token: Option<Secret>,
}

pub(super) fn own_keys(settings: &SnsSettings) -> Keys {
    Keys { access_key: settings.access_key.clone(), secret_key: settings.secret_key.clone(), session_token: None }
}

pub(super) fn signer<'a>(settings: &'a SnsSettings, keys: &'a Keys, service: &'a str) -> Signer<'a> {
    let (access_key, secret_key) = (keys.access_key.as_str(), &keys.secret_key);
    Signer { access_key, secret_key, session_token: keys.session_token.as_ref(), region: &settings.region, service }
}

pub(crate) fn step(settings: &SnsSettings, notice: &Notice, context: &Context, so_far: &SoFar) -> Step {
    let Some(role) = &settings.role else { return Step { name: SEND, composed: compose(settings, notice, context) } };
    let token = so_far.session.token.as_ref();
    let good = token.filter(|token| token.given_for == given_for(settings) && token.good_until - context.now > KEYS_LEFT_MIN);
    match good.and_then(|token| keys_of(token.value.expose())) {
        Some(keys) => Step { name: SEND, composed: signed(settings, notice, context, keys) },
        None => Step { name: ASSUME, composed: assume(settings, role, context) },
    }
}

/// What the answer to a step means; the role's keys are put into the session.
pub(crate) fn after(
    settings: &SnsSettings,
    step: &str,
    answer: &Answer,
    verdict: Verdict,
    session: &mut Session,
    now: Timestamp,
) -> Outcome {
    let body = if let Answer::Http { body, .. } = answer { String::from_utf8_lossy(body) } else { "".into() };
    match verdict {
        Verdict::Delivered { .. } if step == ASSUME => {
            let good_until = element(&body, "Expiration").and_then(Timestamp::parse_rfc3339);
            let keys = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|name| element(&body, name));
            let ([Some(access), Some(secret), Some(token)], Some(good_until)) = (keys, good_until) else {
                let reason = "AWS gave no keys for the role".to_string();
                return settle(Verdict::RetryAt { at: now + ASK_AGAIN, reason, rate_limited: false });
            };
            let value = Secret::new([access, secret, token].join("\n"));
            session.token = Some(Token { value, given_for: given_for(settings), good_until });
            // Keys that end at once, of a clock that is wrong, would be asked for without an end.
            if good_until - now > KEYS_LEFT_MIN {
                return Outcome::Next;
            }
            let reason = "the role's keys have ended already; is this machine's clock right?".to_string();
            settle(Verdict::RetryAt { at: now + ASK_AGAIN, reason, rate_limited: false })
        }
        Verdict::GaveUp { reason } if settings.role.is_some() && step == SEND && keys_refused(&body) => {
            session.token = None;
            settle(Verdict::RetryAt { at: now + ASK_AGAIN, reason, rate_limited: false })
        }
        verdict => settle(verdict),
    }
}

fn keys_refused(body: &str) -> bool {
    element(body, "Code").is_some_and(|code| ["ExpiredToken", "ExpiredTokenException"].contains(&code))
}

/// Other keys or another role need keys of their own.
fn given_for(settings: &SnsSettings) -> Secret {
    let role = settings.role.as_ref().map_or("", |role| role.arn.as_str());
    Secret::new([&settings.access_key, settings.secret_key.expose(), role, &settings.region].join("\n"))
}

fn keys_of(text: &str) -> Option<Keys> {
    let mut lines = text.split('\n');
    let (access_key, secret_key) = (lines.next()?.to_string(), Secret::new(lines.next()?));
    Some(Keys { access_key, secret_key, session_token: Some(Secret::new(lines.next()?)) })
}

fn assume(settings: &SnsSettings, role: &SnsRole, context: &Context) -> Composed {
    let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
    let mut pairs = vec![
        pair("Action", "AssumeRole"),
        pair("Version", STS_VERSION),
        pair("RoleArn", &role.arn),
        pair("RoleSessionName", "bellbuoy"),
        pair("DurationSeconds", KEYS_SECONDS),
    ];
    if !role.external_id.is_empty() {
        pairs.push(pair("ExternalId", &role.external_id));
    }
    let (url, body) = (aws(settings, "sts"), form(&pairs));
    let mut headers = vec![("Content-Type".into(), CONTENT_TYPE.into())];
    headers.extend(signer(settings, &own_keys(settings), "sts").headers(&url, CONTENT_TYPE, &body, context.now));
    let message = Message::Http {
        method: "POST",
        url: Secret::new(url),
        headers,
        body: body.into_bytes(),
        options: authorized(&settings.http, None),
    };
    Composed { message, problems: Vec::new() }
}
