//! Deliveries of several requests: which request follows which answer, and what is remembered.

use bellbuoy_notify::{
    Answer, Context, DiscordSettings, Done, HttpOptions, Integration, IntegrationKind, JiraApi, JiraSettings, JiraText, Message, Notice,
    Outcome, Session, SlackSettings, SoFar, Verdict, WechatSettings, compose_step, judge_step,
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
    /// Of all requests.
    pub problems: Vec<String>,
}

impl Talk {
    pub fn new(kind: IntegrationKind) -> Talk {
        Talk { kind, memory: Value::Null, session: Session::default(), problems: Vec::new() }
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
            out.push_str(&shown(&step.composed.message));
            self.problems.extend(step.composed.problems);
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

/// The lines of an attempt without the address's beginning; of a body only what `part` points at.
fn short(told: &str, base: &str, part: &str) -> String {
    let one = |line: &str| match line.split_once(" {") {
        Some((head, _)) if head.starts_with('P') => {
            let body: Value = serde_json::from_str(&line[head.len() + 1..]).expect("JSON");
            format!("{head} {}", body.pointer(part).map_or("-".into(), Value::to_string))
        }
        _ => line.trim_end().to_string(),
    };
    told.lines().map(|line| one(line).replace(base, "")).collect::<Vec<_>>().join("\n")
}

pub fn jira() -> JiraSettings {
    let text = |template: &str| JiraText { template: template.into(), update: true };
    JiraSettings {
        api_url: "https://jira.example/rest/api/2".into(),
        api_type: JiraApi::Auto,
        project: "ML".into(),
        issue_type: "Bug".into(),
        summary: text("{{ .CommonLabels.alertname }}\nis {{ .Status }}"),
        description: text(r#"{{ template "jira.default.description" . }}"#),
        labels: vec!["two words".into(), " ".into()],
        priority: r#"{{ template "jira.default.priority" . }}"#.into(),
        reopen_transition: "Again".into(),
        resolve_transition: "Done".into(),
        wont_fix_resolution: String::new(),
        reopen_duration: Millis::ZERO,
        fields: Vec::new(),
        http: HttpOptions::default(),
    }
}

const NOTHING_FOUND: (u16, &str) = (200, r#"{"issues":[]}"#);
const OPEN: (u16, &str) = (200, r#"{"issues":[{"key":"ML-1","fields":{"status":{"statusCategory":{"key":"new"}}}}]}"#);
const CLOSED: (u16, &str) = (200, r#"{"issues":[{"key":"ML-1","fields":{"status":{"statusCategory":{"key":"done"}}}}]}"#);
const MADE: (u16, &str) = (201, r#"{"id":"7","key":"ML-1"}"#);
const DONE: (u16, &str) = (204, "");

#[test]
fn jira_finds_its_issue_again() {
    let mut talk = Talk::new(IntegrationKind::Jira(Box::new(jira())));
    let [first, more, end] = life("jira");
    let base = "https://jira.example/rest/api/2/";
    let mut told = |notice: &Notice, answers: &[(u16, &str)]| short(&talk.attempt(notice, answers), base, "/fields/summary");
    assert_eq!(told(&first, &[NOTHING_FOUND, MADE]), "POST search -\nPOST issue \"Drift is firing\"\ndelivered ML-1");
    // The search does not know the new issue yet.
    assert_eq!(told(&more, &[NOTHING_FOUND, DONE]), "POST search -\nPUT issue/ML-1 \"is firing\"\ndelivered ML-1");
    assert_eq!(told(&more, &[OPEN, DONE]), "POST search -\nPUT issue/ML-1 \"is firing\"\ndelivered ML-1");
    // It was deleted.
    let gone = (404, r#"{"errorMessages":["Issue does not exist"]}"#);
    let again = (201, r#"{"key":"ML-2"}"#);
    assert_eq!(told(&more, &[OPEN, gone, again]), "POST search -\nPUT issue/ML-1 \"is firing\"\nPOST issue \"is firing\"\ndelivered ML-2");
    let transitions = (200, r#"{"transitions":[{"id":"3","name":"Again"},{"id":"4","name":"Done"}]}"#);
    assert_eq!(
        told(&more, &[CLOSED, DONE, transitions, DONE]),
        "POST search -\nPUT issue/ML-1 \"is firing\"\nGET issue/ML-1/transitions\nPOST issue/ML-1/transitions -\ndelivered ML-1"
    );
    assert_eq!(told(&end, &[OPEN, DONE, (503, "")]).lines().last(), Some("retry +200 ms: transitions: HTTP 503"));
    assert_eq!(
        told(&end, &[OPEN, DONE, (200, r#"{"transitions":[]}"#)]).lines().last(),
        Some("gave up: issue ML-1 has no transition \"Done\" now: its workflow or its status does not allow it")
    );
    assert_eq!(told(&end, &[OPEN, DONE, transitions, DONE]).lines().last(), Some("delivered ML-1"));
    // Its end is told; what is not there is not looked for any more.
    assert_eq!(told(&end, &[NOTHING_FOUND]), "POST search -\ndelivered");
    assert_eq!(
        told(&more, &[NOTHING_FOUND, (400, r#"{"errors":{"project":"is required"}}"#)]).lines().last(),
        Some("gave up: create: HTTP 400: {\"errors\":{\"project\":\"is required\"}}")
    );
    assert_eq!(told(&more, &[(200, "<html>log in")]), "POST search -\nretry +200 ms: search: HTTP 502: <html>log in");
    assert_eq!(told(&more, &[(429, "")]), "POST search -\nlimited +1000 ms: search: HTTP 429");
    assert_eq!(told(&more, &[(200, r#"{"issues":[{"key":"../x"}]}"#)]).lines().last(), Some("gave up: search: \"../x\" is no issue's key"));
}

#[test]
fn jira_searches_where_it_can() {
    let [first, _, end] = life("jira");
    let search = |settings: JiraSettings, notice: &Notice| {
        short(&Talk::new(IntegrationKind::Jira(Box::new(settings))).attempt(notice, &[(500, "")]), "https://", "/jql")
            .lines()
            .next()
            .map(str::to_string)
    };
    let alert = format!(
        r#"labels=\"ALERT{{{}}}\" order by status ASC,resolutiondate DESC""#,
        "ad4b39d3af6c5f089ddb8504a474cd124febe3ef322f263d58074fb0c51dc572"
    );
    let told = |settings: JiraSettings, notice: &Notice| search(settings, notice).unwrap_or_default().replace(&alert, "ALERT");
    for (url, api_type, at) in [
        ("https://x/rest/api/2", JiraApi::Auto, "x/rest/api/2/search"),
        ("https://x.atlassian.net/rest/api/2", JiraApi::Auto, "x.atlassian.net/rest/api/3/search/jql"),
        ("https://x.atlassian.net/rest/api/3", JiraApi::Auto, "x.atlassian.net/rest/api/3/search/jql"),
        ("https://x.atlassian.net/rest/api/2", JiraApi::Datacenter, "x.atlassian.net/rest/api/2/search"),
        ("https://x/jira/rest/api/2", JiraApi::Cloud, "x/jira/rest/api/3/search/jql"),
    ] {
        let told = told(JiraSettings { api_url: url.into(), api_type, ..jira() }, &first);
        assert_eq!(told, format!(r#"POST {at} "statusCategory != Done and project=\"ML\" and ALERT"#));
    }
    let long = JiraSettings { reopen_duration: Millis::from_minutes(90), wont_fix_resolution: "No \"no\"".into(), ..jira() };
    let place = "POST jira.example/rest/api/2/search";
    let wont = r#"(resolution is EMPTY or resolution != \"No \\\"no\\\"\") and "#;
    let recent = "(resolutiondate is EMPTY OR resolutiondate >= -90m) and ";
    assert_eq!(told(long.clone(), &first), format!(r#"{place} "{wont}{recent}project=\"ML\" and ALERT"#));
    assert_eq!(told(long, &end), format!(r#"{place} "{wont}statusCategory != Done and project=\"ML\" and ALERT"#));
}

#[test]
fn jira_issue() {
    let [first, ..] = life("jira");
    let made = |settings: JiraSettings| {
        let told = Talk::new(IntegrationKind::Jira(Box::new(settings))).attempt(&first, &[NOTHING_FOUND, MADE]);
        let line = told.lines().nth(1).unwrap_or_default().to_string();
        serde_json::from_str::<Value>(line.split_once(' ').and_then(|(_, rest)| rest.split_once(' ')).map_or("", |(_, body)| body))
            .expect("JSON")
    };
    let issue = made(jira());
    assert_eq!(issue["fields"]["labels"].as_array().map(|labels| (labels.len(), labels[1].clone())), Some((2, "two_words".into())));
    assert_eq!(issue["fields"]["priority"]["name"], "High");
    assert!(issue["fields"]["description"].as_str().is_some_and(|text| text.starts_with("# Alerts Firing:\n")));
    // Version 3: a document, made of the text unless the template gives one.
    let v3 = |template: &str| {
        let description = JiraText { template: template.into(), update: true };
        made(JiraSettings { api_url: "https://jira.example/rest/api/3".into(), description, ..jira() })["fields"]["description"].clone()
    };
    assert_eq!(v3("a\n\nb").pointer("/content/1/content/0/text"), Some(&Value::from("b")));
    assert_eq!(v3(r#"{"type":"doc","version":1,"content":[]}"#)["content"], Value::Array(Vec::new()));
    assert_eq!(v3(""), Value::Null);
}

pub fn wechat() -> WechatSettings {
    WechatSettings {
        api_url: "https://wechat.example/cgi-bin/".into(),
        robot_url: None,
        corp_id: "corp".into(),
        api_secret: Secret::new("s&cret"),
        message: "{{ .Status }} {{ .CommonLabels.note }}".into(),
        to_user: "@all".into(),
        to_party: String::new(),
        to_tag: String::new(),
        agent_id: "7".into(),
        markdown: true,
        http: HttpOptions::default(),
    }
}

#[test]
fn wechat_keeps_its_token() {
    let settings = wechat();
    let mut talk = Talk::new(IntegrationKind::Wechat(settings.clone()));
    let [first, more, _] = life("wechat");
    let mut told = |notice: &Notice, answers: &[(u16, &str)]| {
        short(&talk.attempt(notice, answers), "https://wechat.example/cgi-bin/", "/markdown/content")
    };
    let get = "GET gettoken?corpid=corp&corpsecret=s%26cret";
    let token = (200, r#"{"errcode":0,"errmsg":"ok","access_token":"t/1","expires_in":7200}"#);
    let sent = (200, r#"{"errcode":0,"errmsg":"ok","msgid":"m1"}"#);
    let expired = (200, r#"{"errcode":42001,"errmsg":"access_token expired"}"#);
    let post = "POST message/send?access_token=t%2F1 \"firing \"";
    assert_eq!(
        told(&first, &[(200, r#"{"errcode":40013,"errmsg":"invalid corpid"}"#)]),
        format!("{get}\ngave up: gettoken: HTTP 400: {{\"errcode\":40013,\"errmsg\":\"invalid corpid\"}}")
    );
    assert!(
        told(&first, &[(200, r#"{"errcode":40001,"errmsg":"invalid secret s&cret"}"#)])
            .ends_with("\"errmsg\":\"invalid secret <secret>\"}")
    );
    assert_eq!(told(&first, &[(200, r#"{"errcode":0}"#)]), format!("{get}\ngave up: gettoken: the answer holds no token"));
    assert_eq!(told(&first, &[token, sent]), format!("{get}\n{post}\ndelivered m1"));
    assert_eq!(told(&more, &[sent]), format!("{post}\ndelivered m1"));
    assert_eq!(told(&more, &[expired, token, sent]), format!("{post}\n{get}\n{post}\ndelivered m1"));
    // A new token that is refused too: patience, and another one then.
    assert!(told(&more, &[expired, token, expired]).contains("retry +200 ms"));
    assert_eq!(
        told(&more, &[token, (200, r#"{"errcode":45009,"errmsg":"often"}"#)]).lines().last(),
        Some("limited +1000 ms: HTTP 429: {\"errcode\":45009,\"errmsg\":\"often\"}")
    );
    assert_eq!(told(&more, &[(200, "<html>")]).lines().last(), Some("retry +200 ms: HTTP 502: <html>"));
    // Other credentials, another token.
    talk.kind = IntegrationKind::Wechat(WechatSettings { api_secret: Secret::new("new"), ..settings });
    assert!(talk.attempt(&more, &[(500, "")]).starts_with("GET "));
}

/// Of the answers that the application's are, only those about tokens mean something else.
#[test]
fn a_robot_of_wechat_needs_no_token() {
    let told = |markdown, answer: (u16, &str)| {
        let robot_url = Some(Secret::new("https://wechat.example/cgi-bin/webhook/send?key=k"));
        let settings = WechatSettings { robot_url, markdown, ..wechat() };
        Talk::new(IntegrationKind::Wechat(settings)).attempt(&life("wechat")[0], &[answer])
    };
    let ok = (200, r#"{"errcode":0,"errmsg":"ok"}"#);
    let post = "POST https://wechat.example/cgi-bin/webhook/send?key=k";
    for (markdown, answer, expected) in [
        (true, ok, format!("{post} {{\"msgtype\":\"markdown\",\"markdown\":{{\"content\":\"firing \"}}}}\ndelivered ")),
        (false, ok, format!("{post} {{\"msgtype\":\"text\",\"text\":{{\"content\":\"firing \"}}}}\ndelivered ")),
    ] {
        assert_eq!(told(markdown, answer), expected);
    }
    let limited = told(true, (200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#));
    assert!(limited.contains("limited +"), "{limited}");
    let wrong = told(true, (200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#));
    assert!(wrong.contains("gave up: ") && wrong.contains("invalid webhook url"), "{wrong}");
}
