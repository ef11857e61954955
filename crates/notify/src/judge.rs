//! What an answer means: delivered, try again at a time, or given up.
//!
//! In:    a receiver's settings, the answer, which attempt it was, `now`, a random number from 0 to 1. Out: a `Verdict` with its reason.
//! Never: gives up on what may pass (time-outs, 5xx, 429); puts a secret of the settings into a reason.

use bellbuoy_vocabulary::{HttpOptions, Millis, Secret, Timestamp};
use serde_json::Value;

use crate::limit::one_line;
use crate::settings::{IntegrationKind, PagerdutyKey};
use crate::telegram::{MOVED_TO, PLAIN_NEXT};
use crate::{rocketchat, sns, wechat};

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

impl Answer {
    /// The body, when it is JSON.
    pub(crate) fn json(&self) -> Value {
        match self {
            Answer::Http { body, .. } => json(body).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Answer::Http { status, .. } => *status,
            _ => 0,
        }
    }
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
const EMAIL_REASON_CHARS_MAX: usize = 5000;
/// Shorter texts are words that an answer may well hold: hiding them would hide the reason.
const SECRET_BYTES_MIN: usize = 4;
const URL_BYTES_MIN: usize = 8;
const URL_PART_BYTES_MIN: usize = 12;
/// Attempts after which a message is given up although another form of it might be taken.
const CHANGES_MAX: u32 = 20;

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

/// Alertmanager's word for why an attempt failed, a label of its metrics.
pub fn failure_reason(answer: &Answer) -> &'static str {
    match answer {
        Answer::Http { status: 401 | 403, .. } | Answer::Email { code: 530 | 534 | 535 | 538, .. } => "authError",
        Answer::Http { status: 429, .. } => "rateLimited",
        Answer::Http { status: 400..=499, .. } | Answer::Email { code: 500..=599, .. } => "clientError",
        Answer::Http { status: 500..=599, .. } | Answer::Email { code: 400..=499, .. } => "serverError",
        Answer::Failed { kind: FailKind::Timeout, .. } => "contextDeadlineExceeded",
        _ => "other",
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
    let status = meant(kind, status, body);
    let mut reason = format!("HTTP {status}{}", words_of(kind, body));
    let waits = retry_after(headers, body, now);
    match status {
        200..=299 => Verdict::Delivered { remote_id: remote_id(kind, body) },
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
        _ => match otherwise(kind, body) {
            Some(change) if attempt < CHANGES_MAX => {
                reason.push_str(&format!(" ({change})"));
                retry(now + backoff(0, random), reason, false)
            }
            _ => Verdict::GaveUp { reason },
        },
    }
}

/// The status that an answer means. Some services say 200 and their refusal in the body, or one status for another.
fn meant(kind: &IntegrationKind, status: u16, body: &[u8]) -> u16 {
    match kind {
        IntegrationKind::Slack(_) if (200..300).contains(&status) => slack_status(status, body),
        IntegrationKind::Telegram(_) => {
            let told = json(body).filter(|body| body.get("ok") == Some(&Value::Bool(false)));
            let code = told.and_then(|body| body.get("error_code")?.as_u64()).and_then(|code| u16::try_from(code).ok());
            if (200..300).contains(&status) { code.unwrap_or(status) } else { status }
        }
        // Events API v1 says 403 for "too many".
        IntegrationKind::Pagerduty(settings) if status == 403 && matches!(settings.key, PagerdutyKey::Service(_)) => 429,
        // What stood behind Teams' connectors, in a text after 200.
        IntegrationKind::MsTeamsV2(_) | IntegrationKind::MsTeams(_) if status == 200 => {
            let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
            let code = text.split_once("endpoint returned HTTP error ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
            code.unwrap_or(status)
        }
        IntegrationKind::Rocketchat(_) => rocketchat::status(status, json(body).as_ref()),
        IntegrationKind::Sns(_) => sns::status(status, &String::from_utf8_lossy(body)),
        IntegrationKind::Pushover(_) if (200..300).contains(&status) && said(body, "status") == Some(Value::from(0)) => 400,
        IntegrationKind::VictorOps(_) if (200..300).contains(&status) && said(body, "result") == Some("failure".into()) => 400,
        // "Temporarily unavailable", with a Retry-After.
        IntegrationKind::Webex(_) if status == 423 => 429,
        // A page of whoever stands between us and Jira.
        IntegrationKind::Jira(_) if (200..300).contains(&status) && !body.is_empty() && json(body).is_none() => 502,
        IntegrationKind::Wechat(_) if (200..300).contains(&status) => wechat::status(status, json(body).as_ref()),
        _ => status,
    }
}

fn said(body: &[u8], name: &str) -> Option<Value> {
    json(body)?.get(name).cloned()
}

/// Webhooks answer `ok`; the API answers JSON with `ok` and perhaps an error's name.
fn slack_status(status: u16, body: &[u8]) -> u16 {
    let Some(Value::Object(answer)) = json(body) else {
        return match String::from_utf8_lossy(&body[..body.len().min(200)]).trim() {
            "ok" | "" => status,
            // A word of Slack's, such as invalid_token.
            word if word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => 400,
            // Somebody else's page, between us and Slack.
            _ => 502,
        };
    };
    if answer.get("ok") != Some(&Value::Bool(false)) {
        return status;
    }
    match answer.get("error").and_then(Value::as_str).unwrap_or_default() {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => 429,
        "fatal_error" | "internal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org" | "" => 503,
        _ => 400,
    }
}

/// What the next attempt does otherwise where this one was refused for good; `compose_again` reads it.
fn otherwise(kind: &IntegrationKind, body: &[u8]) -> Option<String> {
    let IntegrationKind::Telegram(_) = kind else { return None };
    let body = json(body)?;
    if let Some(chat) = body.pointer("/parameters/migrate_to_chat_id").and_then(Value::as_i64) {
        return Some(format!("{MOVED_TO}{chat}: write it in the settings"));
    }
    let description = body.get("description")?.as_str()?.to_lowercase();
    description.contains("can't parse entities").then(|| PLAIN_NEXT.to_string())
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
pub(crate) fn backoff(attempt: u32, random: f64) -> Millis {
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
    // Opsgenie: the length of the period for which a limit counts.
    let from_period = header("x-ratelimit-period-in-sec").and_then(seconds);
    // Pushover: when the month's messages are counted anew.
    let from_quota =
        header("x-limit-app-reset").and_then(|text| text.parse::<i64>().ok()).map(|at| Timestamp(at.saturating_mul(1000)) - now);
    let from_quota = from_quota.filter(|_| header("x-limit-app-remaining") == Some("0"));
    // Discord, and Telegram's place for it.
    let body = json(body).unwrap_or_default();
    let from_body = body.get("retry_after").or(body.pointer("/parameters/retry_after")).and_then(Value::as_f64).and_then(ceil_millis);
    let longest = from_header.into_iter().chain(from_limit).chain(from_period).chain(from_quota).chain(from_body).max()?;
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

/// The receiver's name of the message: of Slack's API `channel:ts`, of PagerDuty the incident's key, of Opsgenie the request's id.
fn remote_id(kind: &IntegrationKind, body: &[u8]) -> Option<String> {
    if let IntegrationKind::Sns(_) = kind {
        return sns::message_id(&String::from_utf8_lossy(body)).map(|id| one_line(&id, 80));
    }
    let body = json(body)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let id = match kind {
        IntegrationKind::Discord(_) => text("id")?.to_string(),
        IntegrationKind::Slack(_) => format!("{}:{}", text("channel")?, text("ts")?),
        IntegrationKind::Pagerduty(_) => text("dedup_key").or(text("incident_key"))?.to_string(),
        IntegrationKind::Opsgenie(_) => text("requestId")?.to_string(),
        IntegrationKind::Telegram(_) => body.pointer("/result/message_id")?.as_i64()?.to_string(),
        IntegrationKind::Pushover(_) => text("receipt").or(text("request"))?.to_string(),
        IntegrationKind::VictorOps(_) => text("entity_id")?.to_string(),
        IntegrationKind::Webex(_) | IntegrationKind::Ntfy(_) => text("id")?.to_string(),
        IntegrationKind::Rocketchat(_) => body.pointer("/message/_id")?.as_str()?.to_string(),
        IntegrationKind::Incidentio(_) => text("deduplication_key")?.to_string(),
        IntegrationKind::GoogleChat(_) => text("name")?.to_string(),
        IntegrationKind::Webhook(_)
        | IntegrationKind::GrafanaWebhook(_)
        | IntegrationKind::Email(_)
        | IntegrationKind::MsTeamsV2(_)
        | IntegrationKind::Sns(_)
        | IntegrationKind::Mattermost(_)
        | IntegrationKind::MsTeams(_) => return None,
        IntegrationKind::Wechat(_) => text("msgid")?.to_string(),
        // Its steps know the issue.
        IntegrationKind::Jira(_) => return None,
    };
    Some(one_line(&id, 80))
}

/// `: Unknown Webhook (code 10015)`, the receiver's own words.
fn words_of(kind: &IntegrationKind, body: &[u8]) -> String {
    let text = match json(body) {
        Some(Value::Object(object)) => {
            let word = |name: &str| object.get(name).and_then(Value::as_str);
            let inner = object.get("error").and_then(|error| error.get("message")?.as_str());
            let message =
                word("message").or(word("error")).or(inner).or(word("error_description")).or(word("description")).or(word("detail"));
            let code = object.get("code").and_then(Value::as_i64).map(|code| format!(" (code {code})")).unwrap_or_default();
            // PagerDuty and Pushover say what is wrong in a list.
            let list = object.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let list: String = list.map(|error| format!("; {error}")).collect();
            match message {
                Some(message) => format!("{message}{code}{list}"),
                None if !list.is_empty() => list.trim_start_matches("; ").to_string(),
                None => String::from_utf8_lossy(body).into_owned(),
            }
        }
        _ => {
            let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
            let told = if let IntegrationKind::Sns(_) = kind { sns::words(&text) } else { None };
            told.unwrap_or_else(|| text.into_owned())
        }
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
    if let Some(address) = secret_address(kind) {
        hide(address, URL_BYTES_MIN);
        // The secret of such an address is a long part of its path or query.
        address.split(['/', '?', '&', '=']).skip(3).for_each(|part| hide(part, URL_PART_BYTES_MIN));
    }
    for secret in own_secrets(kind).into_iter().flatten().chain(kind.http().into_iter().flat_map(http_secrets)) {
        hide(secret, SECRET_BYTES_MIN);
    }
    // A mail's answer names the recipients that have it already: they must not get it again because a line was cut.
    let email = matches!(kind, IntegrationKind::Email(_));
    one_line(&text, if email { EMAIL_REASON_CHARS_MAX } else { REASON_CHARS_MAX })
}

/// An address that whoever knows it may post to.
fn secret_address(kind: &IntegrationKind) -> Option<&str> {
    let address = match kind {
        IntegrationKind::Discord(settings) => &settings.webhook_url,
        IntegrationKind::Webhook(settings) => &settings.url,
        IntegrationKind::GrafanaWebhook(settings) => &settings.url,
        IntegrationKind::Slack(settings) => &settings.api_url,
        IntegrationKind::MsTeamsV2(settings) => &settings.webhook_url,
        IntegrationKind::Mattermost(settings) => &settings.webhook_url,
        IntegrationKind::Incidentio(settings) => &settings.url,
        IntegrationKind::MsTeams(settings) => &settings.webhook_url,
        IntegrationKind::GoogleChat(settings) => &settings.url,
        _ => return None,
    };
    Some(address.expose())
}

/// Tokens, keys and passwords that are not among the HTTP options.
fn own_secrets(kind: &IntegrationKind) -> [Option<&str>; 2] {
    let secrets = match kind {
        IntegrationKind::Email(settings) => [Some(&settings.auth_password), Some(&settings.auth_secret)],
        IntegrationKind::Slack(settings) => [settings.app_token.as_ref(), None],
        IntegrationKind::Pagerduty(settings) => match &settings.key {
            PagerdutyKey::Routing(key) | PagerdutyKey::Service(key) => [Some(key), None],
        },
        IntegrationKind::Opsgenie(settings) => [Some(&settings.api_key), None],
        IntegrationKind::Telegram(settings) => [Some(&settings.bot_token), None],
        IntegrationKind::Pushover(settings) => [Some(&settings.token), Some(&settings.user_key)],
        IntegrationKind::VictorOps(settings) => [Some(&settings.api_key), None],
        IntegrationKind::Sns(settings) => [Some(&settings.secret_key), None],
        IntegrationKind::Rocketchat(settings) => [Some(&settings.token), Some(&settings.token_id)],
        IntegrationKind::Incidentio(settings) => [settings.alert_source_token.as_ref(), None],
        IntegrationKind::Ntfy(settings) => [settings.token.as_ref(), None],
        IntegrationKind::Wechat(settings) => [Some(&settings.api_secret), None],
        _ => [None, None],
    };
    secrets.map(|secret| secret.map(Secret::expose))
}

/// Of the headers that go with each request. A service that answers with what it was sent must not bring them into the history.
fn http_secrets(options: &HttpOptions) -> impl Iterator<Item = &str> {
    // `Bearer TOKEN`: a service that names the token leaves the word before it out.
    let authorization = options.authorization.iter().map(|value| value.expose().rsplit(' ').next().unwrap_or_default());
    let password = options.basic_auth.iter().map(|(_, password)| password.expose());
    // Few headers are secret, and short ones are words: a tenant, a team.
    let headers = options.headers.iter().map(|(_, value)| value.expose()).filter(|value| value.len() >= URL_PART_BYTES_MIN);
    authorization.chain(password).chain(headers)
}

#[cfg(test)]
mod tests;
