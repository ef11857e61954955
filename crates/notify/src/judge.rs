//! What an answer means: delivered, try again at a time, or given up.

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::Value;

use crate::limit::one_line;
use crate::settings::IntegrationKind;

/// What came back of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Header names are lowercase. The body is bounded by whoever read it.
    Http { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// The SMTP server's last code and its text.
    Email { code: u16, text: String },
    /// No answer. The reason holds no secrets.
    Failed { kind: FailKind, reason: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailKind {
    Dns,
    Connect,
    Tls,
    Timeout,
    Other,
}

impl FailKind {
    pub fn word(self) -> &'static str {
        match self {
            FailKind::Dns => "dns",
            FailKind::Connect => "connect",
            FailKind::Tls => "tls",
            FailKind::Timeout => "timeout",
            FailKind::Other => "other",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// With the receiver's id of the message, when it told one.
    Delivered {
        remote_id: Option<String>,
    },
    /// `rate_limited`: nothing else may go to this destination before `at` either.
    RetryAt {
        at: Timestamp,
        reason: String,
        rate_limited: bool,
    },
    GaveUp {
        reason: String,
    },
}

const BACKOFF_MIN: Millis = Millis::from_seconds(1);
const BACKOFF_MAX: Millis = Millis::from_minutes(5);
/// Even a receiver that shows no mercy is asked again after this long.
const RETRY_AFTER_MAX: Millis = Millis::from_minutes(24 * 60);
/// Waits that a receiver named end a little later, so that not all who wait come at the same moment.
const SPREAD: Millis = Millis(250);
const REASON_CHARS_MAX: usize = 200;

/// `attempt` counts from 0; `random` is 0 to 1.
pub fn judge(kind: &IntegrationKind, answer: &Answer, attempt: u32, now: Timestamp, random: f64) -> Verdict {
    let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.5 };
    match answer {
        Answer::Http { status, headers, body } => judge_http(kind, *status, headers, body, attempt, now, random),
        Answer::Email { code, text } => judge_email(*code, &shown(kind, text), attempt, now, random),
        Answer::Failed { kind: fail, reason } => {
            retry(now + backoff(attempt, random), format!("{}: {}", fail.word(), shown(kind, reason)), false)
        }
    }
}

fn judge_http(
    kind: &IntegrationKind,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    attempt: u32,
    now: Timestamp,
    random: f64,
) -> Verdict {
    if (200..300).contains(&status) {
        return Verdict::Delivered { remote_id: remote_id(kind, body) };
    }
    let reason = format!("HTTP {status}{}", words_of(kind, body));
    let waits = retry_after(headers, body, now);
    match status {
        429 => {
            let wait = waits.unwrap_or_else(|| backoff(attempt, random).max(BACKOFF_MIN));
            let global = json(body).is_some_and(|body| body.get("global") == Some(&Value::Bool(true)));
            let reason = if global { format!("{reason} (global rate limit)") } else { reason };
            retry(now + wait + spread(random), reason, true)
        }
        // 3xx: a redirect that was not followed. A proxy's doing more often than the receiver's last word.
        100..=399 | 408 | 425 | 500.. => {
            let wait = backoff(attempt, random);
            retry(now + waits.map_or(wait, |least| wait.max(least + spread(random))), reason, false)
        }
        _ => Verdict::GaveUp { reason },
    }
}

fn judge_email(code: u16, text: &str, attempt: u32, now: Timestamp, random: f64) -> Verdict {
    let reason = format!("SMTP {code} {text}").trim_end().to_string();
    match code {
        200..=299 => Verdict::Delivered { remote_id: None },
        // A password that is wrong today can be put right; the mail itself was not refused.
        530 | 534 | 535 | 538 => retry(now + backoff(attempt, random), reason, false),
        500..=599 => Verdict::GaveUp { reason },
        _ => retry(now + backoff(attempt, random), reason, false),
    }
}

fn retry(at: Timestamp, reason: String, rate_limited: bool) -> Verdict {
    Verdict::RetryAt { at, reason, rate_limited }
}

/// Full jitter: anything up to a window that doubles from 1 s to 5 min, but never less than a fifth of a second.
fn backoff(attempt: u32, random: f64) -> Millis {
    let window = BACKOFF_MIN.0.saturating_mul(1 << attempt.min(20)).min(BACKOFF_MAX.0);
    Millis(((window as f64 * random) as i64).max(200))
}

fn spread(random: f64) -> Millis {
    Millis((SPREAD.0 as f64 * random) as i64)
}

/// The longest of what header and body ask for. Rounded up: never early.
fn retry_after(headers: &[(String, String)], body: &[u8], now: Timestamp) -> Option<Millis> {
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
    let seconds = |text: &str| text.parse::<f64>().ok().and_then(ceil_millis);
    let from_header = header("retry-after").and_then(|text| seconds(text).or_else(|| http_date(text).map(|at| at - now)));
    let from_limit = header("x-ratelimit-reset-after").and_then(seconds);
    let from_body = json(body).and_then(|body| body.get("retry_after")?.as_f64()).and_then(ceil_millis);
    let longest = from_header.into_iter().chain(from_limit).chain(from_body).max()?;
    Some(longest.clamp(Millis::ZERO, RETRY_AFTER_MAX))
}

fn ceil_millis(seconds: f64) -> Option<Millis> {
    (seconds.is_finite() && seconds >= 0.0).then(|| Millis((seconds * 1000.0).ceil().min(RETRY_AFTER_MAX.0 as f64) as i64))
}

/// `Wed, 21 Oct 2015 07:28:00 GMT` (RFC 9110, 5.6.7), the only form that is still sent.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = parts[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = day.parse().ok()?;
    let year: u16 = year.parse().ok()?;
    Timestamp::parse_rfc3339(&format!("{year:04}-{month:02}-{day:02}T{time}Z"))
}

fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

fn remote_id(kind: &IntegrationKind, body: &[u8]) -> Option<String> {
    match kind {
        IntegrationKind::Discord(_) => Some(one_line(json(body)?.get("id")?.as_str()?, 40)),
        IntegrationKind::Webhook(_) | IntegrationKind::Email(_) => None,
    }
}

/// `: Unknown Webhook (code 10015)`, the receiver's own words.
fn words_of(kind: &IntegrationKind, body: &[u8]) -> String {
    let text = match json(body) {
        Some(Value::Object(object)) => {
            let word = |name: &str| object.get(name).and_then(Value::as_str);
            let message = word("message").or(word("error")).or(word("error_description")).or(word("detail"));
            let code = object.get("code").and_then(Value::as_i64).map(|code| format!(" (code {code})")).unwrap_or_default();
            message.map(|message| format!("{message}{code}")).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())
        }
        _ => String::from_utf8_lossy(&body[..body.len().min(4096)]).into_owned(),
    };
    let text = shown(kind, &text);
    if text.is_empty() { text } else { format!(": {text}") }
}

/// One short line without anything that is secret in the receiver's settings.
fn shown(kind: &IntegrationKind, text: &str) -> String {
    let mut text = text.to_string();
    let mut hide = |secret: &str, least: usize| {
        if secret.len() >= least {
            text = text.replace(secret, "<secret>");
        }
    };
    let mut hide_url = |url: &str| {
        hide(url, 8);
        // The secret of such an address is a long part of its path or query.
        url.split(['/', '?', '&', '=']).skip(3).for_each(|part| hide(part, 12));
    };
    match kind {
        IntegrationKind::Discord(settings) => hide_url(settings.webhook_url.expose()),
        IntegrationKind::Webhook(settings) => hide_url(settings.url.expose()),
        IntegrationKind::Email(settings) => hide(settings.auth_password.expose(), 4),
    }
    one_line(&text, REASON_CHARS_MAX)
}

#[cfg(test)]
mod tests;
