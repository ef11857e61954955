//! Deliveries of several requests: which request follows which answer, and what is remembered.

use bellbuoy_notify::{
    Answer, Context, DiscordSettings, Done, Integration, IntegrationKind, Message, Notice, Outcome, Session, SlackSettings, SoFar, Verdict,
    compose_step, judge_step,
};
use bellbuoy_template::notify::default_templates;
use bellbuoy_vocabulary::{Millis, Secret};
use serde_json::Value;

use crate::{NOW, firing, notice, resolved};

/// What is kept between the deliveries of one destination.
pub struct Talk {
    pub kind: IntegrationKind,
    pub memory: Value,
    pub session: Session,
}

impl Talk {
    pub fn new(kind: IntegrationKind) -> Talk {
        Talk { kind, memory: Value::Null, session: Session::default() }
    }

    /// One attempt against a service that gives these answers: its requests, one a line, and the verdict.
    pub fn attempt(&mut self, notice: &Notice, answers: &[(u16, &str)]) -> String {
        let integration = Integration { index: 0, send_resolved: true, kind: self.kind.clone() };
        let templates = default_templates();
        let context = Context { external_url: "http://bellbuoy.example", templates: &templates, now: NOW };
        let (mut out, mut done) = (String::new(), Vec::new());
        for (status, body) in answers {
            let so_far = SoFar { memory: &self.memory, session: &self.session, done: &done, last_answer: "" };
            let step = compose_step(&integration, notice, &context, &so_far);
            assert_eq!(step.composed.problems, Vec::<String>::new());
            out.push_str(&shown(&step.composed.message));
            done.push(Done {
                step: step.name,
                answer: Answer::Http { status: *status, headers: Vec::new(), body: body.as_bytes().to_vec() },
            });
            let so_far = SoFar { memory: &self.memory, session: &Session::default(), done: &done, last_answer: "" };
            if let Outcome::Settle { verdict, memory } = judge_step(&self.kind, notice, &so_far, &mut self.session, 0, NOW, 0.0) {
                assert_eq!(done.len(), answers.len(), "answers are left over:\n{out}");
                self.memory = memory.unwrap_or(self.memory.take());
                return out + &told(&verdict);
            }
        }
        out + "one more request"
    }
}

pub fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Delivered { remote_id } => format!("delivered {}", remote_id.as_deref().unwrap_or_default()),
        Verdict::RetryAt { at, reason, rate_limited } => {
            format!("{} +{} ms: {reason}", if *rate_limited { "limited" } else { "retry" }, (*at - NOW).0)
        }
        Verdict::GaveUp { reason } => format!("gave up: {reason}"),
    }
}

/// `POST https://... {"a":1}` and a line end.
fn shown(message: &Message) -> String {
    let Message::Http { method, url, body, .. } = message else { panic!("a mail is one step") };
    format!("{method} {} {}\n", url.expose(), String::from_utf8_lossy(body))
}

/// A group's life: first notification, something new, the end.
pub fn life(kind: &str) -> [Notice; 3] {
    let alert = || firing(&[("alertname", "Drift"), ("severity", "critical")], &[("summary", "share is 0.6")]);
    let first = notice(kind, vec![alert()]);
    let more =
        Notice { reason: "new alerts added".into(), sequence: 2, ..notice(kind, vec![alert(), firing(&[("alertname", "Lag")], &[])]) };
    let end = Notice { reason: "all alerts resolved".into(), sequence: 3, ..notice(kind, vec![resolved(alert())]) };
    [first, more, end]
}

#[test]
fn opsgenie_writes_the_texts_anew() {
    let IntegrationKind::Opsgenie(settings) = crate::services::opsgenie() else { panic!("opsgenie") };
    let told = |update_alerts, notice: usize, answers: &[(u16, &str)]| {
        let settings = bellbuoy_notify::OpsgenieSettings { update_alerts, description: "all of it".into(), ..settings.clone() };
        let told = Talk::new(IntegrationKind::Opsgenie(settings)).attempt(&life("opsgenie")[notice], answers);
        let lines = told.lines().map(|line| line.replace("https://api.opsgenie.example/v2/alerts", "").replace(ALIAS, "ALIAS"));
        lines.map(|line| if line.starts_with("POST  ") { "create".into() } else { line }).collect::<Vec<_>>()
    };
    const ALIAS: &str = "ad4b39d3af6c5f089ddb8504a474cd124febe3ef322f263d58074fb0c51dc572";
    let message = r#"PUT /ALIAS/message?identifierType=alias {"message":"[FIRING:1] Drift (critical)"}"#;
    let description = r#"PUT /ALIAS/description?identifierType=alias {"description":"all of it"}"#;
    assert_eq!(told(false, 0, &[(202, r#"{"requestId":"7"}"#)]), ["create", "delivered 7"]);
    assert_eq!(told(true, 0, &[(202, ""), (202, ""), (202, r#"{"requestId":"9"}"#)]), ["create", message, description, "delivered 9"]);
    assert_eq!(told(true, 0, &[(202, ""), (500, "")]), ["create", message, "retry +200 ms: HTTP 500"]);
    assert_eq!(told(true, 0, &[(202, ""), (429, "")]), ["create", message, "limited +1000 ms: HTTP 429"]);
    assert_eq!(told(true, 0, &[(422, "")]), ["create", "gave up: HTTP 422"]);
    let close = r#"POST /ALIAS/close?identifierType=alias {"source":"http://bellbuoy.example/#/alerts?receiver=team%5C.x"}"#;
    assert_eq!(told(true, 2, &[(202, "")]), [close, "delivered "]);
}

#[test]
fn slack_edits_its_message() {
    let settings = |url: &str| SlackSettings { api_url: Secret::new(url), update_message: true, ..crate::services::slack() };
    let mut talk = Talk::new(IntegrationKind::Slack(settings("https://slack.example/api/chat.postMessage")));
    let [first, more, end] = life("slack");
    let mut told = |notice: &Notice, answers: &[(u16, &str)]| {
        let told = talk.attempt(notice, answers);
        let json = |line: &str| serde_json::from_str::<Value>(line.split_once('{').map_or("", |(head, _)| &line[head.len()..]));
        let short = told.lines().map(|line| match json(line) {
            Ok(body) => {
                let url = line.split(' ').nth(1).unwrap_or_default().rsplit('/').next().unwrap_or_default();
                format!("{url} {} {}", body["channel"].as_str().unwrap_or("-"), body["ts"].as_str().unwrap_or("-"))
            }
            Err(_) => line.to_string(),
        });
        (short.collect::<Vec<_>>().join(", "), talk.memory.to_string())
    };
    let remembered = |ts: &str| format!(r#"{{"channel":"C1","ts":"{ts}","at_ms":{}}}"#, NOW.0);
    let posted = (200, r#"{"ok":true,"channel":"C1","ts":"1.1"}"#);
    assert_eq!(
        told(&first, &[(200, r#"{"ok":false,"error":"ratelimited"}"#)]).0,
        "chat.postMessage #ml -, limited +1000 ms: HTTP 429: ratelimited"
    );
    assert_eq!(told(&first, &[posted]), ("chat.postMessage #ml -, delivered C1:1.1".into(), remembered("1.1")));
    assert_eq!(told(&more, &[posted]), ("chat.update C1 1.1, delivered C1:1.1".into(), remembered("1.1")));
    assert_eq!(
        told(&more, &[(200, r#"{"ok":false,"error":"ratelimited"}"#)]).0,
        "chat.update C1 1.1, limited +1000 ms: HTTP 429: ratelimited"
    );
    // Somebody has deleted it.
    let gone = (200, r#"{"ok":false,"error":"message_not_found"}"#);
    let again = (200, r#"{"ok":true,"channel":"C1","ts":"2.2"}"#);
    assert_eq!(told(&more, &[gone, again]), ("chat.update C1 1.1, chat.postMessage #ml -, delivered C1:2.2".into(), remembered("2.2")));
    assert_eq!(told(&end, &[again]), ("chat.update C1 2.2, delivered C1:2.2".into(), "null".into()));
    // The next trouble is a new message, also where its first notification was replaced or nobody heard of the last one's end.
    assert_eq!(told(&more, &[posted]).0, "chat.postMessage #ml -, delivered C1:1.1");
    assert_eq!(told(&first, &[again]).0, "chat.postMessage #ml -, delivered C1:2.2");
    let mut later = more.clone();
    later.alerts.iter_mut().for_each(|alert| alert.starts_at = NOW + Millis(1));
    assert_eq!(told(&later, &[posted]).0, "chat.postMessage #ml -, delivered C1:1.1");
}

#[test]
fn discord_edits_its_message() {
    let settings = DiscordSettings {
        webhook_url: Secret::new("https://discord.example/api/webhooks/1/t?thread_id=5"),
        update_message: true,
        ..crate::discord_settings()
    };
    let mut talk = Talk::new(IntegrationKind::Discord(settings));
    let [first, more, end] = life("discord");
    let mut told = |notice: &Notice, answers: &[(u16, &str)]| {
        let told = talk.attempt(notice, answers);
        let short =
            told.lines().map(|line| line.split(" {").next().unwrap_or_default().replace("https://discord.example/api/webhooks", ""));
        (short.collect::<Vec<_>>().join(", "), talk.memory["id"].as_str().unwrap_or("-").to_string())
    };
    assert_eq!(told(&first, &[(200, r#"{"id":"41"}"#)]), ("POST /1/t?thread_id=5&wait=true, delivered 41".into(), "41".into()));
    assert_eq!(told(&more, &[(200, r#"{"id":"41"}"#)]), ("PATCH /1/t/messages/41?thread_id=5, delivered 41".into(), "41".into()));
    let unknown = (404, r#"{"message":"Unknown Message","code":10008}"#);
    assert_eq!(
        told(&more, &[unknown, (200, r#"{"id":"42"}"#)]),
        ("PATCH /1/t/messages/41?thread_id=5, POST /1/t?thread_id=5&wait=true, delivered 42".into(), "42".into())
    );
    assert_eq!(told(&more, &[(500, "")]).1, "42");
    assert_eq!(told(&end, &[(200, r#"{"id":"42"}"#)]), ("PATCH /1/t/messages/42?thread_id=5, delivered 42".into(), "-".into()));
}
