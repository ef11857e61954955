//! What the chats and pagers are sent, and that it fits.

use bellbuoy_notify::{
    Answer, Context, Detail, HttpOptions, Integration, IntegrationKind, Message, MsTeamsV2Settings, OpsgenieResponder, OpsgenieSettings,
    PagerdutyKey, PagerdutySettings, SlackField, SlackSettings, TelegramMode, TelegramSettings, Verdict, compose_again, judge,
};
use bellbuoy_template::notify::default_templates;
use bellbuoy_vocabulary::{Alert, Secret};
use expect_test::expect;

use crate::{NOW, body, composed, firing, notice, resolved};

pub(crate) fn named(name: &str) -> String {
    format!("{{{{ template \"{name}\" . }}}}")
}

pub(crate) fn slack() -> SlackSettings {
    SlackSettings {
        api_url: Secret::new("https://hooks.slack.example/services/secretsecret"),
        app_token: None,
        channel: "#ml".into(),
        username: named("slack.default.username"),
        color: named("slack.default.color"),
        title: named("slack.default.title"),
        title_link: named("slack.default.titlelink"),
        pretext: String::new(),
        text: "{{ range .Alerts }}{{ .Labels.instance }} {{ .Annotations.summary }}\n{{ end }}".into(),
        message_text: String::new(),
        fields: vec![SlackField { title: "Severity".into(), value: "{{ .CommonLabels.severity }}".into(), short: Some(true) }],
        short_fields: false,
        footer: String::new(),
        fallback: named("slack.default.fallback"),
        callback_id: String::new(),
        icon_emoji: String::new(),
        icon_url: String::new(),
        image_url: String::new(),
        thumb_url: String::new(),
        link_names: false,
        mrkdwn_in: Vec::new(),
        actions: Vec::new(),
        update_message: false,
        timeout: None,
        http: HttpOptions::default(),
    }
}

pub(crate) fn pagerduty(key: PagerdutyKey) -> IntegrationKind {
    let mut details = PagerdutySettings::default_details();
    details.push(("stack".into(), Detail::Map(vec![("name".into(), Detail::Template("{{ .CommonLabels.severity }}".into()))])));
    IntegrationKind::Pagerduty(PagerdutySettings {
        key,
        url: "https://events.pagerduty.example/v2/enqueue".into(),
        client: named("pagerduty.default.client"),
        client_url: String::new(),
        description: named("pagerduty.default.description"),
        details,
        images: Vec::new(),
        links: Vec::new(),
        source: String::new(),
        severity: "{{ .CommonLabels.severity }}".into(),
        class: String::new(),
        component: String::new(),
        group: String::new(),
        timeout: None,
        http: HttpOptions::default(),
    })
}

pub fn opsgenie() -> IntegrationKind {
    IntegrationKind::Opsgenie(OpsgenieSettings {
        update_alerts: false,
        api_key: Secret::new("geniegenie"),
        api_url: "https://api.opsgenie.example/".into(),
        message: named("opsgenie.default.message"),
        description: named("opsgenie.default.description"),
        source: named("opsgenie.default.source"),
        details: Vec::new(),
        entity: String::new(),
        responders: vec![OpsgenieResponder { name: "ml, ops".into(), kind: "teams".into(), ..Default::default() }],
        actions: String::new(),
        tags: "ml,,{{ .CommonLabels.severity }}".into(),
        note: String::new(),
        priority: "p1".into(),
        http: HttpOptions::default(),
    })
}

pub(crate) fn telegram(parse_mode: TelegramMode, message: &str) -> IntegrationKind {
    IntegrationKind::Telegram(TelegramSettings {
        api_url: "https://api.telegram.example".into(),
        bot_token: Secret::new("123:tokentoken"),
        chat_id: -5,
        message_thread_id: 0,
        message: message.into(),
        disable_notifications: false,
        protect_content: false,
        parse_mode,
        http: HttpOptions::default(),
    })
}

pub(crate) fn teams() -> IntegrationKind {
    IntegrationKind::MsTeamsV2(MsTeamsV2Settings {
        webhook_url: Secret::new("https://teams.example/secretsecret"),
        title: named("msteamsv2.default.title"),
        text: named("msteamsv2.default.text"),
        http: HttpOptions::default(),
    })
}

fn drift(instance: &str) -> Alert {
    firing(&[("alertname", "Drift"), ("severity", "critical"), ("instance", instance)], &[("summary", "a < b & <https://x/|more>")])
}

fn url_of(message: &Message) -> String {
    match message {
        Message::Http { url, .. } => url.expose().to_string(),
        Message::Email(_) => panic!("a mail has no address of this kind"),
    }
}

#[test]
fn slack_attachment() {
    let message = composed(IntegrationKind::Slack(slack()), &notice("slack", vec![drift("<!channel>")]));
    expect![[r##"
        {
          "channel": "#ml",
          "username": "bellbuoy",
          "attachments": [
            {
              "title": "[FIRING:1] Drift (&lt;!channel&gt; critical)",
              "title_link": "http://bellbuoy.example/#/alerts?receiver=team%5C.x",
              "text": "&lt;!channel&gt; a &lt; b &amp; <https://x/|more>\n",
              "fallback": "[FIRING:1] Drift (&lt;!channel&gt; critical) | http://bellbuoy.example/#/alerts?receiver=team%5C.x",
              "callback_id": "",
              "fields": [
                {
                  "title": "Severity",
                  "value": "critical",
                  "short": true
                }
              ],
              "footer": "",
              "color": "danger",
              "mrkdwn_in": [
                "fallback",
                "pretext",
                "text"
              ]
            }
          ]
        }"##]]
    .assert_eq(&crate::pretty(&message));
    let many = (0..2000).map(|n| drift(&format!("host-{n}"))).collect();
    let text = body(&composed(IntegrationKind::Slack(slack()), &notice("slack", many)))["attachments"][0]["text"].to_string();
    assert!(text.contains("more alerts\"") && text.chars().count() < 26_000, "{}", text.len());
    let broken = SlackSettings { text: "{{ .Nope }}".into(), app_token: Some(Secret::new("xoxb")), ..slack() };
    let message = composed(IntegrationKind::Slack(broken), &notice("slack", vec![drift("a")]));
    assert_eq!(message.problems.len(), 1);
    assert!(body(&message)["attachments"][0]["text"].to_string().contains("because a template failed"));
    let Message::Http { options, .. } = message.message else { panic!("HTTP") };
    assert_eq!(options.authorization.map(|value| value.expose().to_string()), Some("Bearer xoxb".into()));
}

#[test]
fn pagerduty_events() {
    let v2 = || pagerduty(PagerdutyKey::Routing(Secret::new("keykey")));
    let opened = composed(v2(), &notice("pagerduty", vec![drift("a")]));
    expect![[r#"
        {
          "routing_key": "keykey",
          "dedup_key": "ad4b39d3af6c5f089ddb8504a474cd124febe3ef322f263d58074fb0c51dc572",
          "event_action": "trigger",
          "payload": {
            "summary": "[FIRING:1] Drift (a critical)",
            "source": "bellbuoy",
            "severity": "critical",
            "custom_details": {
              "firing": [
                {
                  "status": "firing",
                  "labels": {
                    "alertname": "Drift",
                    "instance": "a",
                    "severity": "critical"
                  },
                  "annotations": {
                    "summary": "a < b & <https://x/|more>"
                  },
                  "startsAt": "2026-01-13T09:55:00Z",
                  "endsAt": "0001-01-01T00:00:00Z",
                  "generatorURL": "http://bellbuoy.example/graph?g0.expr=up",
                  "fingerprint": "7db52365307b813b"
                }
              ],
              "resolved": [],
              "num_firing": 1,
              "num_resolved": 0,
              "stack": {
                "name": "critical"
              }
            }
          },
          "client": "bellbuoy"
        }"#]]
    .assert_eq(&crate::pretty(&opened));
    let closed = body(&composed(v2(), &notice("pagerduty", vec![resolved(drift("a"))])));
    assert_eq!((&closed["event_action"], &closed["dedup_key"]), (&"resolve".into(), &body(&opened)["dedup_key"]));
    let old = composed(pagerduty(PagerdutyKey::Service(Secret::new("keykey"))), &notice("pagerduty", vec![drift("a")]));
    assert_eq!((&body(&old)["event_type"], &body(&old)["incident_key"]), (&"trigger".into(), &closed["dedup_key"]));
    let many = (0..4000).map(|n| drift(&format!("host-{n}"))).collect();
    let body = body(&composed(v2(), &notice("pagerduty", many)));
    assert!(body.to_string().len() <= 512_000 && body["payload"]["custom_details"]["more"].to_string().contains("more alerts"));
}

#[test]
fn opsgenie_alerts() {
    let opened = composed(opsgenie(), &notice("opsgenie", vec![drift("a")]));
    expect![[r#"
        {
          "alias": "ad4b39d3af6c5f089ddb8504a474cd124febe3ef322f263d58074fb0c51dc572",
          "message": "[FIRING:1] Drift (a critical)",
          "description": "a < b & <https://x/|more>\nAlerts Firing:\nLabels:\n - alertname = Drift\n - instance = a\n - severity = critical\nAnnotations:\n - summary = a < b & <https://x/|more>\nSource: http://bellbuoy.example/graph?g0.expr=up\n\n",
          "details": {
            "alertname": "Drift",
            "instance": "a",
            "severity": "critical"
          },
          "source": "http://bellbuoy.example/#/alerts?receiver=team%5C.x",
          "responders": [
            {
              "name": "ml",
              "type": "team"
            },
            {
              "name": "ops",
              "type": "team"
            }
          ],
          "tags": [
            "ml",
            "critical"
          ],
          "priority": "P1"
        }"#]].assert_eq(&crate::pretty(&opened));
    let closed = composed(opsgenie(), &notice("opsgenie", vec![resolved(drift("a"))]));
    let alias = body(&opened)["alias"].as_str().unwrap_or_default().to_string();
    assert_eq!(url_of(&closed.message), format!("https://api.opsgenie.example/v2/alerts/{alias}/close?identifierType=alias"));
}

#[test]
fn telegram_texts() {
    let told = notice("telegram", vec![drift("a_b")]);
    let sent = |mode, message: &str| {
        let body = body(&composed(telegram(mode, message), &told));
        format!("{} {}", body["parse_mode"].as_str().unwrap_or("-"), body["text"].as_str().unwrap_or_default())
    };
    let label = "*x* {{ (index .Alerts 0).Labels.instance }}";
    assert_eq!(
        sent(TelegramMode::Html, "<b>x</b><p> {{ .CommonAnnotations.summary }}"),
        "HTML <b>x</b>&lt;p&gt; a &lt; b &amp; &lt;https://x/|more&gt;"
    );
    assert_eq!(sent(TelegramMode::Markdown, "*x* y"), "Markdown *x* y");
    assert_eq!(sent(TelegramMode::Markdown, label), "- *x* a_b");
    assert_eq!(sent(TelegramMode::MarkdownV2, label), "- *x* a_b");
    assert!(sent(TelegramMode::Html, " ").starts_with("- [FIRING] Drift"));
    let many = (0..500).map(|n| drift(&format!("host-{n}"))).collect();
    let text =
        body(&composed(telegram(TelegramMode::Html, &named("telegram.default.message")), &notice("telegram", many)))["text"].to_string();
    assert!(text.contains("... and 4") && text.contains("more alerts"), "{text}");
}

/// What Telegram can not read, or another address, is minded by the next attempt.
#[test]
fn telegram_tries_otherwise() {
    let kind = telegram(TelegramMode::Html, "<b>x &lt; y</b>");
    let again = |answer: &str| {
        let answer = Answer::Http { status: 400, headers: Vec::new(), body: answer.as_bytes().to_vec() };
        let Verdict::RetryAt { reason, .. } = judge(&kind, &answer, 0, NOW, 0.5) else { panic!("not given up") };
        let integration = Integration { index: 0, send_resolved: true, kind: kind.clone() };
        let templates = default_templates();
        let context = Context { external_url: "", templates: &templates, now: NOW };
        let body = body(&compose_again(&integration, &notice("telegram", vec![drift("a")]), &context, &reason));
        format!("{} {} {}", body["chat_id"], body["parse_mode"], body["text"])
    };
    assert_eq!(again(r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: x"}"#), "-5 null \"x < y\"");
    assert_eq!(
        again(r#"{"ok":false,"error_code":400,"description":"upgraded","parameters":{"migrate_to_chat_id":-1007}}"#),
        "-1007 \"HTML\" \"<b>x &lt; y</b>\""
    );
}

#[test]
fn teams_card() {
    let message = composed(teams(), &notice("msteamsv2", vec![resolved(drift("a"))]));
    let card = &body(&message)["attachments"][0]["content"]["body"];
    assert_eq!((&card[0]["text"], &card[0]["color"]), (&"[RESOLVED] Drift (a critical)".into(), &"Good".into()));
    let many = (0..500).map(|n| drift(&format!("host-{n}"))).collect();
    let body = body(&composed(teams(), &notice("msteamsv2", many))).to_string();
    assert!(body.len() < 28_000 && body.contains("more alerts"), "{}", body.len());
}

/// Verdicts as `delivered id`, `limited +ms`, `retry` or `gave up`, of random 0.
#[test]
fn answers() {
    let told = |kind: &IntegrationKind, status: u16, body: &str| {
        let answer = Answer::Http { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        match judge(kind, &answer, 0, NOW, 0.0) {
            Verdict::Delivered { remote_id } => format!("delivered {}", remote_id.unwrap_or_default()),
            Verdict::RetryAt { at, rate_limited: true, .. } => format!("limited +{}", (at - NOW).0),
            Verdict::RetryAt { .. } => "retry".into(),
            Verdict::GaveUp { reason } => format!("gave up: {reason}"),
        }
    };
    let (slack, telegram) = (IntegrationKind::Slack(slack()), telegram(TelegramMode::Html, "x"));
    let (v1, v2) = (pagerduty(PagerdutyKey::Service(Secret::new("keykey"))), pagerduty(PagerdutyKey::Routing(Secret::new("keykey"))));
    for (kind, status, body, expected) in [
        (&slack, 200, "ok", "delivered "),
        (&slack, 200, r#"{"ok":true,"channel":"C1","ts":"1.2"}"#, "delivered C1:1.2"),
        (&slack, 200, r#"{"ok":false,"error":"ratelimited"}"#, "limited +1000"),
        (&slack, 200, r#"{"ok":false,"error":"internal_error"}"#, "retry"),
        (&slack, 200, r#"{"ok":false,"error":"channel_not_found"}"#, "gave up: HTTP 400: channel_not_found"),
        (&slack, 200, "invalid_token", "gave up: HTTP 400: invalid_token"),
        (&slack, 200, "<html>log in", "retry"),
        (&slack, 404, "no_service secretsecret", "gave up: HTTP 404: no_service <secret>"),
        (&v2, 202, r#"{"status":"success","dedup_key":"abc"}"#, "delivered abc"),
        (&v2, 429, "", "limited +1000"),
        (&v2, 403, "", "gave up: HTTP 403"),
        (
            &v2,
            400,
            r#"{"message":"Event object is invalid","errors":["'keykey' is bad"]}"#,
            "gave up: HTTP 400: Event object is invalid; '<secret>' is bad",
        ),
        (&v1, 403, "", "limited +1000"),
        (&opsgenie(), 202, r#"{"result":"Request will be processed","requestId":"r"}"#, "delivered r"),
        (&opsgenie(), 422, r#"{"message":"bad"}"#, "gave up: HTTP 422: bad"),
        (&telegram, 200, r#"{"ok":true,"result":{"message_id":7}}"#, "delivered 7"),
        (&telegram, 429, r#"{"ok":false,"error_code":429,"parameters":{"retry_after":5}}"#, "limited +5000"),
        (&telegram, 403, r#"{"ok":false,"description":"bot was blocked 123:tokentoken"}"#, "gave up: HTTP 403: bot was blocked <secret>"),
        (&teams(), 202, "", "delivered "),
        (&teams(), 200, "Microsoft Teams endpoint returned HTTP error 429 with ContextId", "limited +1000"),
        (&teams(), 413, "", "gave up: HTTP 413"),
    ] {
        assert_eq!(told(kind, status, body), expected, "{status} {body}");
    }
}
