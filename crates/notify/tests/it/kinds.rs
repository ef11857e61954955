//! Receivers of one request: what they are sent, that it fits and calls nobody, and what their answers mean.

mod answers;
pub(crate) mod limits;

use bellbuoy_notify::{
    Composed, GoogleChatSettings, HttpOptions, IncidentioSettings, IntegrationKind, MattermostAttachment, MattermostPriority,
    MattermostSettings, Message, MsTeamsSettings, NtfySettings, PushoverSettings, RocketchatAction, RocketchatField, RocketchatSettings,
    SnsRole, SnsSettings, SnsTarget, VictorOpsSettings, WebexSettings,
};
use bellbuoy_vocabulary::{Alert, Millis, Secret};
use expect_test::{Expect, expect};

use crate::conversations::Talk;
use crate::{composed, firing, notice, resolved};

fn named(name: &str) -> String {
    format!("{{{{ template \"{name}\" . }}}}")
}

pub fn pushover(message: &str, html: bool) -> IntegrationKind {
    IntegrationKind::Pushover(PushoverSettings {
        user_key: Secret::new("useruser"),
        token: Secret::new("tokentoken"),
        title: named("pushover.default.title"),
        message: message.into(),
        url: named("pushover.default.url"),
        url_title: String::new(),
        device: String::new(),
        sound: String::new(),
        priority: r#"{{ if eq .Status "firing" }}2{{ else }}0{{ end }}"#.into(),
        retry: Millis::from_seconds(5),
        expire: Millis::from_minutes(600),
        ttl: Millis::ZERO,
        html,
        monospace: false,
        http: HttpOptions::default(),
    })
}

pub fn victorops(message_type: &str) -> IntegrationKind {
    IntegrationKind::VictorOps(VictorOpsSettings {
        api_key: Secret::new("vokey/vokey"),
        api_url: "https://alert.victorops.example/alert/".into(),
        routing_key: "team {{ .CommonLabels.severity }}?".into(),
        message_type: message_type.into(),
        state_message: named("victorops.default.state_message"),
        entity_display_name: named("victorops.default.entity_display_name"),
        monitoring_tool: named("victorops.default.monitoring_tool"),
        custom_fields: vec![("where".into(), "{{ .CommonLabels.instance }}".into())],
        http: HttpOptions::default(),
    })
}

pub fn webex(message: &str) -> IntegrationKind {
    IntegrationKind::Webex(WebexSettings {
        api_url: "https://webexapis.example/v1/messages".into(),
        room_id: "room".into(),
        message: message.into(),
        http: HttpOptions { authorization: Some(Secret::new("Bearer webextoken")), ..Default::default() },
    })
}

pub fn sns(to: SnsTarget, message: &str) -> IntegrationKind {
    IntegrationKind::Sns(SnsSettings {
        api_url: String::new(),
        region: "eu-west-1".into(),
        access_key: "AKID".into(),
        secret_key: Secret::new("secretsecret"),
        role: None,
        to,
        subject: named("sns.default.subject"),
        message: message.into(),
        attributes: vec![("severity".into(), "{{ .CommonLabels.severity }}".into()), ("none".into(), "{{ .CommonLabels.none }}".into())],
        http: HttpOptions::default(),
    })
}

pub fn rocketchat(text: &str) -> IntegrationKind {
    IntegrationKind::Rocketchat(RocketchatSettings {
        api_url: "https://chat.example/".into(),
        token: Secret::new("rctoken"),
        token_id: Secret::new("rcid"),
        channel: "#ml".into(),
        color: r#"{{ if eq .Status "firing" }}red{{ else }}green{{ end }}"#.into(),
        title: named("rocketchat.default.title"),
        title_link: named("rocketchat.default.titlelink"),
        text: text.into(),
        fields: vec![RocketchatField { title: "Severity".into(), value: "{{ .CommonLabels.severity }}".into(), short: None }],
        short_fields: true,
        emoji: String::new(),
        icon_url: String::new(),
        image_url: String::new(),
        thumb_url: String::new(),
        actions: vec![RocketchatAction { text: "Look".into(), url: "https://x".into(), msg: String::new() }],
        http: HttpOptions::default(),
    })
}

pub fn mattermost(text: &str, attachments: Vec<MattermostAttachment>, priority: &str) -> IntegrationKind {
    IntegrationKind::Mattermost(Box::new(MattermostSettings {
        webhook_url: Secret::new("https://mm.example/hooks/secretsecret"),
        channel: String::new(),
        username: named("mattermost.default.username"),
        icon_url: String::new(),
        icon_emoji: String::new(),
        post_type: String::new(),
        attachment: MattermostAttachment {
            title: named("mattermost.default.title"),
            color: named("mattermost.default.color"),
            text: text.into(),
            ..Default::default()
        },
        attachments,
        card: String::new(),
        priority: Some(MattermostPriority { priority: priority.into(), requested_ack: true, persistent_notifications: true }),
        http: HttpOptions::default(),
    }))
}

pub fn incidentio(max_alerts: u64) -> IntegrationKind {
    IntegrationKind::Incidentio(IncidentioSettings {
        url: Secret::new("https://api.incident.example/v2/alert_events/alertmanager/x"),
        alert_source_token: Some(Secret::new("iitoken")),
        max_alerts,
        timeout: None,
        http: HttpOptions::default(),
    })
}

pub fn msteams() -> IntegrationKind {
    IntegrationKind::MsTeams(MsTeamsSettings {
        webhook_url: Secret::new("https://office.example/secretsecret"),
        title: named("msteams.default.title"),
        summary: named("msteams.default.summary"),
        text: named("msteams.default.text"),
        http: HttpOptions::default(),
    })
}

pub fn googlechat(text: &str, title: &str) -> IntegrationKind {
    IntegrationKind::GoogleChat(GoogleChatSettings {
        url: Secret::new("https://chat.googleapis.example/v1/spaces/S/messages?key=k&token=tokentokentoken"),
        text: text.into(),
        title: title.into(),
        subtitle: named("googlechat.default.subtitle"),
        http: HttpOptions::default(),
    })
}

pub fn ntfy(message: &str, priority: &str) -> IntegrationKind {
    IntegrationKind::Ntfy(NtfySettings {
        url: "https://ntfy.example".into(),
        topic: "ml-{{ .CommonLabels.severity }}".into(),
        token: Some(Secret::new("tk_token")),
        title: named("ntfy.default.title"),
        message: message.into(),
        priority: priority.into(),
        tags: named("ntfy.default.tags") + ", {{ .CommonLabels.severity }}",
        click: named("ntfy.default.click"),
        icon: String::new(),
        markdown: true,
        http: HttpOptions::default(),
    })
}

fn drift(instance: &str) -> Alert {
    let labels = [("alertname", "Drift"), ("severity", "critical"), ("instance", instance), ("owner", "@all")];
    firing(&labels, &[("summary", "a < b & <@all> <users/all>"), ("description", "mail ops@example.org")])
}

/// Address, the headers that matter, and the body: JSON as it is, forms a line per field.
fn shown(composed: &Composed) -> String {
    let Message::Http { url, headers, body, options, .. } = &composed.message else { panic!("not a mail") };
    let mut out = format!("{}\n", url.expose());
    for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("X-") || name == "Authorization") {
        out.push_str(&format!("{name}: {value}\n"));
    }
    if let Some(value) = &options.authorization {
        out.push_str(&format!("authorization {}\n", value.expose()));
    }
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(body) => out.push_str(&serde_json::to_string_pretty(&body).expect("JSON")),
        Err(_) => out.push_str(&text(composed).replace('&', "\n")),
    }
    // A space that nobody sees, neither here.
    out = out.replace('\u{200b}', "{nothing}");
    for problem in &composed.problems {
        out.push_str(&format!("\n! {problem}"));
    }
    out
}

fn text(composed: &Composed) -> String {
    let Message::Http { body, .. } = &composed.message else { panic!("not a mail") };
    String::from_utf8(body.clone()).expect("text")
}

fn check(kind: IntegrationKind, alerts: Vec<Alert>, expected: Expect) {
    let word = kind.word();
    expected.assert_eq(&shown(&composed(kind, &notice(word, alerts))));
}

#[test]
fn pushover_form() {
    check(
        pushover("{{ .CommonAnnotations.summary }}", false),
        vec![drift("a")],
        expect![[r#"
        https://api.pushover.net/1/messages.json
        token=tokentoken
        user=useruser
        title=%5BFIRING%3A1%5D%20Drift%20%28a%20%40all%20critical%29
        message=a%20%3C%20b%20%26%20%3C%40all%3E%20%3Cusers%2Fall%3E
        url=http%3A%2F%2Fbellbuoy.example%2F%23%2Falerts%3Freceiver%3Dteam%255C.x
        retry=30
        expire=10800
        priority=2"#]],
    );
    check(
        pushover("{{ .Nothing }}", false),
        vec![resolved(drift("a"))],
        expect![[r#"
        https://api.pushover.net/1/messages.json
        token=tokentoken
        user=useruser
        title=%5BRESOLVED%5D%20Drift%20%28a%20%40all%20critical%29
        message=%5BRESOLVED%5D%20Drift%0A%0Aresolved%20%7Balertname%3D%22Drift%22%2C%20instance%3D%22a%22%2C%20owner%3D%22%40all%22%2C%20severity%3D%22critical%22%7D%0A%20%20description%3A%20mail%20ops%40example.org%0A%20%20summary%3A%20a%20%3C%20b%20%26%20%3C%40all%3E%20%3Cusers%2Fall%3E%0A%0AThis%20plain%20form%20was%20sent%20because%20a%20template%20failed%3A%20template%20of%20message%20failed%3A%20line%201%3A%20can%27t%20evaluate%20field%20Nothing%3A%20there%20is%20no%20such%20field
        url=http%3A%2F%2Fbellbuoy.example%2F%23%2Falerts%3Freceiver%3Dteam%255C.x
        priority=0
        ! template of message failed: line 1: can't evaluate field Nothing: there is no such field"#]],
    );
    check(
        pushover("<b>{{ .CommonAnnotations.summary }}</b>", true),
        vec![drift("a")],
        expect![[r#"
        https://api.pushover.net/1/messages.json
        token=tokentoken
        user=useruser
        title=%5BFIRING%3A1%5D%20Drift%20%28a%20%40all%20critical%29
        html=1
        message=%3Cb%3Ea%20%26lt%3B%20b%20%26amp%3B%20%26lt%3B%40all%26gt%3B%20%26lt%3Busers%2Fall%26gt%3B%3C%2Fb%3E
        url=http%3A%2F%2Fbellbuoy.example%2F%23%2Falerts%3Freceiver%3Dteam%255C.x
        retry=30
        expire=10800
        priority=2"#]],
    );
}

#[test]
fn victorops_incident() {
    check(
        victorops("WARNING"),
        vec![drift("a")],
        expect![[r#"
        https://alert.victorops.example/alert/vokey%2Fvokey/team%20critical%3F
        {
          "message_type": "WARNING",
          "entity_id": "ad4b39d3af6c5f089ddb8504a474cd124febe3ef322f263d58074fb0c51dc572",
          "entity_display_name": "[FIRING:1] Drift (a @all critical)",
          "state_message": "mail ops@example.org a < b & <@all> <users/all>\nAlerts Firing:\nLabels:\n - alertname = Drift\n - instance = a\n - owner = @all\n - severity = critical\nAnnotations:\n - description = mail ops@example.org\n - summary = a < b & <@all> <users/all>\nSource: http://bellbuoy.example/graph?g0.expr=up\n\n",
          "monitoring_tool": "bellbuoy",
          "where": "a"
        }"#]],
    );
    for (said, alerts, expected) in [
        ("INFO", vec![drift("a")], "\"message_type\":\"INFO\""),
        ("page", vec![drift("a")], "\"message_type\":\"CRITICAL\""),
        ("WARNING", vec![resolved(drift("a"))], "\"message_type\":\"RECOVERY\""),
    ] {
        let body = text(&composed(victorops(said), &notice("victorops", alerts)));
        assert!(body.contains(expected), "{body}");
    }
}

#[test]
fn webex_message() {
    check(
        webex("{{ .CommonAnnotations.summary }} {{ .CommonLabels.owner }} <@personEmail:me@x>"),
        vec![drift("a")],
        expect![[r#"
        https://webexapis.example/v1/messages
        authorization Bearer webextoken
        {
          "markdown": "a < b & <{nothing}@all> <{nothing}users/all> @all <@personEmail:me@x>",
          "roomId": "room"
        }"#]],
    );
    check(
        webex("{{ .Nothing }}"),
        vec![drift("a")],
        expect![[r#"
        https://webexapis.example/v1/messages
        authorization Bearer webextoken
        {
          "markdown": "[FIRING] Drift\n\nfiring {alertname=\"Drift\", instance=\"a\", owner=\"@all\", severity=\"critical\"}\n  description: mail ops@example.org\n  summary: a < b & <{nothing}@all> <{nothing}users/all>\n\nThis plain form was sent because a template failed: template of message failed: line 1: can't evaluate field Nothing: there is no such field\n",
          "roomId": "room"
        }
        ! template of message failed: line 1: can't evaluate field Nothing: there is no such field"#]],
    );
}

#[test]
fn sns_publish() {
    check(
        sns(SnsTarget::Topic("arn:aws:sns:eu-west-1:1:t".into()), "{{ .Status }}"),
        vec![drift("a")],
        expect![[r#"
        https://sns.eu-west-1.amazonaws.com/
        X-Amz-Date: 20260113T100000Z
        Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260113/eu-west-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=742e215ba0e825492a527df2143d4f69a836b28f2e1f96faa13eee722a5d2496
        Action=Publish
        Version=2010-03-31
        TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3At
        Message=firing
        Subject=%5BFIRING%3A1%5D%20Drift%20%28a%20%40all%20critical%29
        MessageAttributes.entry.1.Name=severity
        MessageAttributes.entry.1.Value.DataType=String
        MessageAttributes.entry.1.Value.StringValue=critical"#]],
    );
    check(
        sns(SnsTarget::Phone("+49".into()), "{{ .Nothing }}"),
        vec![drift("a")],
        expect![[r#"
        https://sns.eu-west-1.amazonaws.com/
        X-Amz-Date: 20260113T100000Z
        Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260113/eu-west-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=a986e7b3c0984d77dceb0da81cdeb16d8a09725ce60ef7bd8e08c11f088ba2cb
        Action=Publish
        Version=2010-03-31
        PhoneNumber=%2B49
        Message=%5BFIRING%5D%20Drift%0A%0Afiring%20%7Balertname%3D%22Drift%22%2C%20instance%3D%22a%22%2C%20owner%3D%22%40all%22%2C%20severity%3D%22critical%22%7D%0A%20%20description%3A%20mail%20ops%40example.org%0A%20%20summary%3A%20a%20%3C%20b%20%26%20%3C%40all%3E%20%3Cusers%2Fall%3E%0A%0AThis%20plain%20form%20was%20sent%20because%20a%20template%20failed%3A%20template%20of%20message%20failed%3A%20line%201%3A%20can%27t%20evaluate%20field%20Nothing%3A%20there%20is%20no%20such%20field%0A
        Subject=%5BFIRING%3A1%5D%20Drift%20%28a%20%40all%20critical%29
        MessageAttributes.entry.1.Name=severity
        MessageAttributes.entry.1.Value.DataType=String
        MessageAttributes.entry.1.Value.StringValue=critical
        ! template of message failed: line 1: can't evaluate field Nothing: there is no such field"#]],
    );
    // A resolve soon after its alert is not the same message; a repeat of the alert is.
    let fifo = |sequence: u64| {
        let mut told = notice("sns", vec![drift("a")]);
        told.sequence = sequence;
        let body = text(&composed(sns(SnsTarget::Topic("arn:t.fifo".into()), "x"), &told));
        let field = |name: &str| body.split('&').find_map(|pair| pair.strip_prefix(name)).map(str::to_string).expect("a FIFO field");
        (field("MessageGroupId="), field("MessageDeduplicationId="))
    };
    assert_eq!(fifo(1), fifo(1));
    assert_eq!(fifo(1).0, fifo(2).0);
    assert_ne!(fifo(1).1, fifo(2).1);
}

/// The role's keys are asked for once, and again when they have ended.
#[test]
fn sns_takes_a_role() {
    let IntegrationKind::Sns(settings) = sns(SnsTarget::Target("t".into()), "x") else { panic!("SNS") };
    let role = Some(SnsRole { arn: "arn:role".into(), external_id: "e".into() });
    let mut talk = Talk::new(IntegrationKind::Sns(SnsSettings { role, subject: String::new(), attributes: Vec::new(), ..settings }));
    let keys = |end: &str| {
        format!(
            "<AssumeRoleResponse><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{end}</Expiration></Credentials></AssumeRoleResponse>"
        )
    };
    let published = (200, "<PublishResult><MessageId>m</MessageId></PublishResult>");
    let mut told = |answers: &[(u16, &str)]| talk.attempt(&notice("sns", vec![drift("a")]), answers);
    let asked = told(&[(200, &keys("2026-01-13T10:15:00Z")), published]);
    expect![[r#"
        POST https://sts.eu-west-1.amazonaws.com/ Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Arole&RoleSessionName=bellbuoy&DurationSeconds=900&ExternalId=e
        POST https://sns.eu-west-1.amazonaws.com/ Action=Publish&Version=2010-03-31&TargetArn=t&Message=x
        delivered m"#]].assert_eq(&asked);
    let publish = asked.lines().nth(1).expect("the second request").to_string();
    assert_eq!(told(&[published]), format!("{publish}\ndelivered m"), "the keys are kept");
    let ended = "<Error><Code>ExpiredToken</Code><Message>ended</Message></Error>";
    assert_eq!(told(&[(403, ended)]), format!("{publish}\nretry +10000 ms: HTTP 403: ExpiredToken: ended"));
    assert_eq!(told(&[(200, &keys("2026-01-13T10:15:00Z")), published]), asked, "and asked for again");
    assert_eq!(told(&[(403, ended)]).lines().count(), 2);
    for (status, body, expected) in [
        (200, "nothing", "retry +10000 ms: AWS gave no keys for the role"),
        (200, &keys("2026-01-13T10:00:01Z"), "retry +10000 ms: the role's keys have ended already; is this machine's clock right?"),
        (403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", "gave up: HTTP 403: AccessDenied: no"),
    ] {
        assert_eq!(told(&[(status, body)]).lines().last(), Some(expected));
    }
}

/// What Alertmanager 0.33.1 sent through a proxy with a certificate of our own. It also sends empty fields, and `retry` and `expire`
/// with every message, which Pushover reads for emergencies only.
#[test]
fn pushover_is_sent_what_alertmanager_sends() {
    let alert = Alert {
        generator_url: "http://p/g?a=1&b=2".into(),
        ..firing(&[("alertname", "HighDrift"), ("instance", "b_<1>"), ("severity", "critical")], &[("summary", "drift & more")])
    };
    let told = |kind: IntegrationKind| {
        let body = text(&composed(kind, &notice("pushover", vec![alert.clone()])));
        let mut pairs: Vec<String> = body.split('&').map(limits::percent_decoded).collect();
        pairs.retain(|pair| !pair.starts_with("url="));
        pairs.sort();
        pairs
    };
    let IntegrationKind::Pushover(settings) = pushover(&named("pushover.default.message"), false) else { panic!("Pushover") };
    let first = PushoverSettings {
        retry: Millis::from_minutes(1),
        expire: Millis::from_minutes(60),
        url_title: "more".into(),
        sound: "siren".into(),
        device: "a,b".into(),
        ..settings.clone()
    };
    let message = "message=drift & more\n\nAlerts Firing:\nLabels:\n - alertname = HighDrift\n - instance = b_<1>\n - severity = critical\nAnnotations:\n - summary = drift & more\nSource: http://p/g?a=1&b=2";
    assert_eq!(
        told(IntegrationKind::Pushover(first)),
        [
            "device=a,b",
            "expire=3600",
            message,
            "priority=2",
            "retry=60",
            "sound=siren",
            "title=[FIRING:1] HighDrift (b_<1> critical)",
            "token=tokentoken",
            "url_title=more",
            "user=useruser",
        ]
    );
    let second = PushoverSettings {
        html: true,
        title: "<i>{{ .Status }}</i>".into(),
        message: "<b>{{ .CommonAnnotations.summary }}</b> & {{ .CommonLabels.instance }}".into(),
        ttl: Millis::from_seconds(90),
        priority: "1".into(),
        ..settings
    };
    assert_eq!(
        told(IntegrationKind::Pushover(second)),
        [
            "html=1",
            "message=<b>drift &amp; more</b> & b_&lt;1&gt;",
            "priority=1",
            "title=<i>firing</i>",
            "token=tokentoken",
            "ttl=90",
            "user=useruser",
        ]
    );
}

#[test]
fn rocketchat_attachment() {
    check(
        rocketchat("{{ .CommonLabels.owner }} {{ .CommonAnnotations.description }}"),
        vec![drift("a")],
        expect![[r##"
        https://chat.example/api/v1/chat.postMessage
        X-Auth-Token: rctoken
        X-User-Id: rcid
        {
          "channel": "#ml",
          "attachments": [
            {
              "title": "[FIRING:1] Drift (a @{nothing}all critical)",
              "title_link": "http://bellbuoy.example/#/alerts?receiver=team%5C.x",
              "text": "@{nothing}all mail ops@example.org",
              "color": "red",
              "fields": [
                {
                  "short": true,
                  "title": "Severity",
                  "value": "critical"
                }
              ],
              "actions": [
                {
                  "type": "button",
                  "text": "Look",
                  "url": "https://x",
                  "is_webview": false,
                  "msg_in_chat_window": false
                }
              ]
            }
          ]
        }"##]],
    );
}

#[test]
fn mattermost_attachments() {
    check(
        mattermost("{{ .CommonLabels.owner }}", Vec::new(), "Urgent"),
        vec![drift("a")],
        expect![[r#"
        https://mm.example/hooks/secretsecret
        {
          "username": "bellbuoy",
          "attachments": [
            {
              "color": "danger",
              "text": "@{nothing}all",
              "title": "[FIRING:1] Drift (a @{nothing}all critical)"
            }
          ],
          "priority": {
            "priority": "urgent",
            "requested_ack": true,
            "persistent_notifications": true
          }
        }"#]],
    );
    let two = vec![MattermostAttachment { text: "{{ .Status }}".into(), ..Default::default() }, MattermostAttachment::default()];
    check(
        mattermost("above", two, "high"),
        vec![resolved(drift("a"))],
        expect![[r#"
        https://mm.example/hooks/secretsecret
        {
          "text": "above",
          "username": "bellbuoy",
          "attachments": [
            {
              "text": "resolved"
            },
            {}
          ],
          "priority": {
            "priority": "standard"
          }
        }
        ! priority "high" is none of urgent, important and standard: standard was sent"#]],
    );
}

#[test]
fn incidentio_json() {
    check(
        incidentio(1),
        vec![drift("a"), drift("b")],
        expect![[r#"
        https://api.incident.example/v2/alert_events/alertmanager/x
        authorization Bearer iitoken
        {
          "receiver": "team\\.x",
          "status": "firing",
          "alerts": [
            {
              "status": "firing",
              "labels": {
                "alertname": "Drift",
                "instance": "a",
                "owner": "@all",
                "severity": "critical"
              },
              "annotations": {
                "description": "mail ops@example.org",
                "summary": "a < b & <@all> <users/all>"
              },
              "startsAt": "2026-01-13T09:55:00Z",
              "endsAt": "0001-01-01T00:00:00Z",
              "generatorURL": "http://bellbuoy.example/graph?g0.expr=up",
              "fingerprint": "e042e8d9e892e159"
            }
          ],
          "notification_reason": "first notification",
          "groupLabels": {
            "alertname": "Drift"
          },
          "commonLabels": {
            "alertname": "Drift",
            "instance": "a",
            "owner": "@all",
            "severity": "critical"
          },
          "commonAnnotations": {
            "description": "mail ops@example.org",
            "summary": "a < b & <@all> <users/all>"
          },
          "externalURL": "http://bellbuoy.example",
          "version": "1",
          "groupKey": "{}:{alertname=\"A\"}",
          "truncatedAlerts": 1
        }"#]],
    );
}

#[test]
fn msteams_card() {
    check(
        msteams(),
        vec![resolved(drift("a"))],
        expect![[r#"
        https://office.example/secretsecret
        {
          "@context": "http://schema.org/extensions",
          "type": "MessageCard",
          "title": "[RESOLVED] Drift (a @all critical)",
          "summary": "[RESOLVED] Drift (a @all critical)",
          "text": "\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = Drift\n  - instance = a\n  - owner = @all\n  - severity = critical\n\nAnnotations:\n  - description = mail ops@example.org\n  - summary = a < b & <@all> <users/all>\n\nSource: http://bellbuoy.example/graph?g0.expr=up\n\n\n\n",
          "themeColor": "2DC72D"
        }"#]],
    );
}

#[test]
fn googlechat_text_and_card() {
    check(
        googlechat(&named("googlechat.default.text"), ""),
        vec![drift("a"), resolved(drift("b"))],
        expect![[r#"
        https://chat.googleapis.example/v1/spaces/S/messages?key=k&token=tokentokentoken&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD&requestId=4466d4299c64c3124e52db1d22d455bb
        {
          "text": "*1 firing: Drift*\n🔥 a < b & <{nothing}@all> <{nothing}users/all>\nmail ops@example.org\ninstance a, owner @all, severity critical\n\n✅ a < b & <{nothing}@all> <{nothing}users/all>\nmail ops@example.org\ninstance b, owner @all, severity critical\n\n<http://bellbuoy.example/#/alerts?receiver=team%5C.x|Open bellbuoy>",
          "thread": {
            "threadKey": "77ee9e16cd2a99db862e97c641db0555424baf36f57d962552d25a234be84ad9"
          }
        }"#]],
    );
    check(
        googlechat("{{ .CommonAnnotations.summary }}", "{{ .CommonLabels.alertname }}"),
        vec![resolved(drift("a"))],
        expect![[r#"
        https://chat.googleapis.example/v1/spaces/S/messages?key=k&token=tokentokentoken&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD&requestId=4466d4299c64c3124e52db1d22d455bb
        {
          "cardsV2": [
            {
              "cardId": "77ee9e16cd2a99db862e97c641db0555424baf36f57d962552d25a234be84ad9",
              "card": {
                "header": {
                  "title": "Drift",
                  "subtitle": "critical"
                },
                "sections": [
                  {
                    "widgets": [
                      {
                        "textParagraph": {
                          "text": "a &lt; b &amp; &lt;@all&gt; &lt;users/all&gt;"
                        }
                      }
                    ]
                  }
                ]
              }
            }
          ],
          "fallbackText": "Drift",
          "thread": {
            "threadKey": "77ee9e16cd2a99db862e97c641db0555424baf36f57d962552d25a234be84ad9"
          }
        }"#]],
    );
}

#[test]
fn ntfy_message() {
    check(
        ntfy(&named("ntfy.default.message"), &named("ntfy.default.priority")),
        vec![drift("a"), resolved(drift("b"))],
        expect![[r#"
        https://ntfy.example
        authorization Bearer tk_token
        {
          "topic": "ml-critical",
          "title": "1 firing: Drift",
          "message": "a < b & <@all> <users/all>\nmail ops@example.org\ninstance a, owner @all, severity critical\n\n✓ a < b & <@all> <users/all>\nmail ops@example.org\ninstance b, owner @all, severity critical",
          "priority": 5,
          "tags": [
            "rotating_light",
            "critical"
          ],
          "click": "http://bellbuoy.example/#/alerts?receiver=team%5C.x",
          "markdown": true,
          "sequence_id": "07208f99126b51c0017ff438618cbc51"
        }"#]],
    );
    check(
        ntfy("{{ .Nothing }}", "loud"),
        vec![resolved(drift("a"))],
        expect![[r#"
        https://ntfy.example
        authorization Bearer tk_token
        {
          "topic": "ml-critical",
          "title": "Resolved: Drift",
          "message": "[RESOLVED] Drift\n\nresolved {alertname=\"Drift\", instance=\"a\", owner=\"@all\", severity=\"critical\"}\n  description: mail ops@example.org\n  summary: a < b & <@all> <users/all>\n\nThis plain form was sent because a template failed: template of message failed: line 1: can't evaluate field Nothing: there is no such field",
          "tags": [
            "white_check_mark",
            "critical"
          ],
          "click": "http://bellbuoy.example/#/alerts?receiver=team%5C.x",
          "sequence_id": "07208f99126b51c0017ff438618cbc51"
        }
        ! template of message failed: line 1: can't evaluate field Nothing: there is no such field
        ! priority "loud" is none of 1 to 5 and was left out"#]],
    );
}
