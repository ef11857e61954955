//! Answers of receivers and what they mean.

use bellbuoy_vocabulary::Secret;

use super::*;
use crate::settings::{DiscordSettings, EmailSettings, HttpOptions};

fn discord() -> IntegrationKind {
    IntegrationKind::Discord(DiscordSettings {
        webhook_url: Secret::new("https://discord.com/api/webhooks/123456789012345678/tokentokentoken"),
        title: String::new(),
        message: String::new(),
        content: String::new(),
        username: String::new(),
        avatar_url: String::new(),
        update_message: false,
        http: HttpOptions::default(),
    })
}

fn email() -> IntegrationKind {
    IntegrationKind::Email(EmailSettings {
        to: String::new(),
        from: String::new(),
        smarthost: String::new(),
        hello: String::new(),
        auth_username: String::new(),
        auth_password: Secret::new("hunter2"),
        auth_secret: Secret::default(),
        auth_identity: String::new(),
        require_tls: true,
        implicit_tls: false,
        tls: Default::default(),
        threading: Default::default(),
        headers: Vec::new(),
        html: String::new(),
        text: String::new(),
    })
}

/// 2026-01-13T10:00:00Z
const NOW: Timestamp = Timestamp(1_768_298_400_000);

fn http(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Answer::Http { status, headers, body: body.as_bytes().to_vec() }
}

/// `+1500 limited: reason`, `delivered id`, `gave up: reason`; random is 0.5.
fn told(kind: &IntegrationKind, answer: &Answer, attempt: u32) -> String {
    match judge(kind, answer, attempt, NOW, 0.5) {
        Verdict::Delivered { remote_id } => format!("delivered {}", remote_id.unwrap_or_default()),
        Verdict::RetryAt { at, reason, rate_limited } => {
            format!("+{}{}: {reason}", (at - NOW).0, if rate_limited { " limited" } else { "" })
        }
        Verdict::GaveUp { reason } => format!("gave up: {reason}"),
    }
}

#[test]
fn http_answers() {
    let secret = "no webhook tokentokentoken here\n\u{7}at https://discord.com/api/webhooks/123456789012345678/tokentokentoken";
    for (answer, attempt, expected) in [
        (http(204, &[], ""), 0, "delivered "),
        (http(200, &[], r#"{"id":"42"}"#), 0, "delivered 42"),
        (
            http(429, &[], r#"{"message":"You are being rate limited.","retry_after":1.2345,"global":false}"#),
            0,
            "+1360 limited: HTTP 429: You are being rate limited.",
        ),
        (
            http(429, &[("retry-after", "3")], r#"{"retry_after":2.5,"global":true,"message":"slow"}"#),
            9,
            "+3125 limited: HTTP 429: slow (global rate limit)",
        ),
        (http(429, &[("retry-after", "Tue, 13 Jan 2026 10:01:00 GMT")], ""), 0, "+60125 limited: HTTP 429"),
        (http(429, &[("retry-after", "-5")], ""), 0, "+1125 limited: HTTP 429"),
        (http(429, &[("retry-after", "1e30")], ""), 0, "+86400125 limited: HTTP 429"),
        (http(429, &[("retry-after", "soon")], "<html>"), 3, "+4125 limited: HTTP 429: <html>"),
        (http(500, &[], "oops"), 0, "+500: HTTP 500: oops"),
        (http(500, &[], ""), 4, "+8000: HTTP 500"),
        (http(503, &[], ""), 4_000_000_000, "+150000: HTTP 503"),
        (http(503, &[("retry-after", "30")], ""), 0, "+30125: HTTP 503"),
        (http(408, &[], ""), 0, "+500: HTTP 408"),
        (http(425, &[], ""), 0, "+500: HTTP 425"),
        (http(302, &[], ""), 0, "+500: HTTP 302"),
        (http(404, &[], r#"{"message":"Unknown Webhook","code":10015}"#), 0, "gave up: HTTP 404: Unknown Webhook (code 10015)"),
        (http(401, &[], ""), 0, "gave up: HTTP 401"),
        (http(400, &[], r#"{"embeds":["0"]}"#), 0, r#"gave up: HTTP 400: {"embeds":["0"]}"#),
        (http(403, &[], secret), 0, "gave up: HTTP 403: no webhook <secret> here at <secret>"),
    ] {
        assert_eq!(told(&discord(), &answer, attempt), expected, "{answer:?}");
    }
}

#[test]
fn long_words_are_cut() {
    let Verdict::GaveUp { reason } = judge(&discord(), &http(400, &[], &"x".repeat(100_000)), 0, NOW, 0.5) else { panic!("400 is final") };
    assert_eq!(reason.chars().count(), "HTTP 400: ".len() + 200);
}

#[test]
fn mail_answers() {
    let answer = |code, text: &str| Answer::Email { code, text: text.into() };
    for (answer, expected) in [
        (answer(250, "ok"), "delivered "),
        (answer(451, "greylisted"), "+500: SMTP 451 greylisted"),
        (answer(550, "no such user"), "gave up: SMTP 550 no such user"),
        (answer(535, "bad password hunter2"), "+500: SMTP 535 bad password <secret>"),
        (Answer::Failed { kind: FailKind::Timeout, reason: "after 30 s".into() }, "+500: timeout: after 30 s"),
    ] {
        assert_eq!(told(&email(), &answer, 0), expected);
    }
}

#[test]
fn waits_stay_in_their_window() {
    for attempt in 0..40 {
        for step in 0..=20 {
            let Verdict::RetryAt { at, .. } = judge(&discord(), &http(502, &[], ""), attempt, NOW, f64::from(step) / 20.0) else {
                panic!("502 is tried again")
            };
            assert!((200..=300_000).contains(&(at - NOW).0));
        }
    }
    assert!(matches!(judge(&discord(), &http(502, &[], ""), 0, NOW, f64::NAN), Verdict::RetryAt { .. }));
}

/// A webhook that answers with the request that it got brought its password into the history; only tokens of Webex and Jira were hidden.
#[test]
fn secrets_of_the_request_are_not_in_the_reason() {
    let IntegrationKind::Discord(settings) = discord() else { unreachable!() };
    let http_options = HttpOptions {
        authorization: Some(Secret::new("Bearer tok3ntok3n")),
        basic_auth: Some(("me".into(), Secret::new("hunter2"))),
        headers: vec![("x-key".into(), Secret::new("0123456789abcdef")), ("x-team".into(), Secret::new("bikes"))],
        ..HttpOptions::default()
    };
    let kind = IntegrationKind::Discord(DiscordSettings { http: http_options, ..settings });
    let echo = "authorization: Bearer tok3ntok3n, me:hunter2, x-key: 0123456789abcdef, x-team: bikes";
    let expected = "gave up: HTTP 403: authorization: Bearer <secret>, me:<secret>, x-key: <secret>, x-team: bikes";
    assert_eq!(told(&kind, &http(403, &[], echo), 0), expected);
}
