//! What an answer means: delivered, later, or refused.

use bellbuoy_notify::{Answer, Verdict, judge};

use super::*;
use crate::NOW;

/// Who is asked, status, headers and body of the answer, and the verdict.
type Case<'a> = (&'a IntegrationKind, u16, &'a [(&'a str, &'a str)], &'a str, &'a str);

/// Verdicts as `delivered id`, `limited +ms`, `retry` or `gave up`, of random 0.
#[test]
fn answers() {
    let sns = sns(SnsTarget::Target("a".into()), "x");
    let error = |code: &str| {
        format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m secretsecret</Message></Error></ErrorResponse>")
    };
    let (often, late, wrong) = (error("Throttling"), error("RequestExpired"), error("SignatureDoesNotMatch"));
    let month = ((NOW.0 / 1000) + 3600).to_string();
    let quota = [("x-limit-app-remaining", "0"), ("x-limit-app-reset", month.as_str())];
    let after = [("retry-after", "7")];
    let (pushover, victorops, webex) = (pushover("x", false), victorops("INFO"), webex("x"));
    let (rocketchat, mattermost, ntfy) = (rocketchat("x"), mattermost("x", Vec::new(), "urgent"), ntfy("x", "3"));
    let (incidentio, msteams, googlechat) = (incidentio(0), msteams(), googlechat("x", ""));
    let cases: Vec<Case> = vec![
        (&pushover, 200, &[], r#"{"status":1,"request":"r"}"#, "delivered r"),
        (&pushover, 200, &[], r#"{"status":1,"request":"r","receipt":"e"}"#, "delivered e"),
        (
            &pushover,
            400,
            &[],
            r#"{"status":0,"errors":["application token is invalid"]}"#,
            "gave up: HTTP 400: application token is invalid",
        ),
        (&pushover, 200, &[], r#"{"status":0,"errors":["no"]}"#, "gave up: HTTP 400: no"),
        (&pushover, 429, &quota, "", "limited +3600000"),
        (&pushover, 500, &[], "", "retry"),
        (&victorops, 200, &[], r#"{"result":"success","entity_id":"e"}"#, "delivered e"),
        (&victorops, 200, &[], r#"{"result":"failure","message":"bad vokey/vokey"}"#, "gave up: HTTP 400: bad <secret>"),
        (&victorops, 404, &[], "", "gave up: HTTP 404"),
        (&webex, 200, &[], r#"{"id":"Y2lz"}"#, "delivered Y2lz"),
        (&webex, 429, &after, r#"{"message":"slow"}"#, "limited +7000"),
        (&webex, 423, &after, "", "limited +7000"),
        (&webex, 401, &[], r#"{"message":"webextoken is no token"}"#, "gave up: HTTP 401: <secret> is no token"),
        (&sns, 200, &[], "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>", "delivered m-1"),
        (&sns, 400, &[], &often, "limited +1000"),
        (&sns, 403, &[], &late, "retry"),
        (&sns, 403, &[], &wrong, "gave up: HTTP 403: SignatureDoesNotMatch: m <secret>"),
        (&sns, 404, &[], "<html>", "gave up: HTTP 404: <html>"),
        (&rocketchat, 200, &[], r#"{"success":true,"message":{"_id":"x1"}}"#, "delivered x1"),
        (&rocketchat, 200, &[], r#"{"success":false,"error":"[error-not-allowed]"}"#, "gave up: HTTP 400: [error-not-allowed]"),
        (&rocketchat, 400, &[], r#"{"success":false,"error":"x","errorType":"error-too-many-requests"}"#, "limited +1000"),
        (&rocketchat, 401, &[], r#"{"status":"error","message":"You must be logged in"}"#, "gave up: HTTP 401: You must be logged in"),
        (&mattermost, 200, &[], "ok", "delivered "),
        (&mattermost, 429, &[], "limit", "limited +1000"),
        (&mattermost, 404, &[], r#"{"message":"no such hook secretsecret"}"#, "gave up: HTTP 404: no such hook <secret>"),
        (&incidentio, 202, &[], r#"{"deduplication_key":"d","status":"success"}"#, "delivered d"),
        (&incidentio, 429, &after, "", "limited +7000"),
        (&incidentio, 401, &[], r#"{"message":"iitoken"}"#, "gave up: HTTP 401: <secret>"),
        (
            &msteams,
            200,
            &[],
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
            "limited +1000",
        ),
        (&googlechat, 200, &[], r#"{"name":"spaces/S/messages/M"}"#, "delivered spaces/S/messages/M"),
        (
            &googlechat,
            400,
            &[],
            r#"{"error":{"code":400,"message":"bad tokentokentoken","status":"INVALID_ARGUMENT"}}"#,
            "gave up: HTTP 400: bad <secret>",
        ),
        (&ntfy, 200, &[], r#"{"id":"n1","event":"message"}"#, "delivered n1"),
        (&ntfy, 429, &[], r#"{"code":42901,"http":429,"error":"limit reached"}"#, "limited +1000"),
    ];
    for (kind, status, headers, body, expected) in cases {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let answer = Answer::Http { status, headers, body: body.as_bytes().to_vec() };
        let told = match judge(kind, &answer, 0, NOW, 0.0) {
            Verdict::Delivered { remote_id } => format!("delivered {}", remote_id.unwrap_or_default()),
            Verdict::RetryAt { at, rate_limited: true, .. } => format!("limited +{}", (at - NOW).0),
            Verdict::RetryAt { .. } => "retry".into(),
            Verdict::GaveUp { reason } => format!("gave up: {reason}"),
        };
        assert_eq!(told, expected, "{} {status} {body}", kind.word());
    }
}
