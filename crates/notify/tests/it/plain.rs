//! Templates that fail: for each kind of receiver the message still goes out, and says what it can.

use bellbuoy_notify::{
    Composed, Detail, DiscordSettings, EmailSettings, GoogleChatSettings, GrafanaWebhookSettings, HmacSettings, HttpOptions,
    IntegrationKind, JiraSettings, JiraText, MattermostAttachment, MattermostField, MattermostSettings, Message, MsTeamsSettings,
    MsTeamsV2Settings, Notice, NtfySettings, OpsgenieResponder, OpsgenieSettings, PagerdutyImage, PagerdutyKey, PagerdutyLink,
    PagerdutySettings, PushoverSettings, RocketchatAction, RocketchatField, RocketchatSettings, SlackAction, SlackConfirmation, SlackField,
    SlackSettings, SnsSettings, SnsTarget, TelegramMode, VictorOpsSettings, WebhookSettings, WechatSettings,
};
use bellbuoy_vocabulary::{Alert, Secret};
use serde_json::Value;

use crate::conversations::{Talk, jira, wechat};
use crate::{composed, discord_settings, email, firing, kinds, notice, resolved, services};

/// Parses, and fails when it is executed.
const BROKEN: &str = "{{ index .Alerts 99999 }}";
const REASON: &str = "a template failed";

fn broken() -> String {
    BROKEN.into()
}

fn pair(name: &str) -> (String, String) {
    (name.into(), broken())
}

/// How many of its own units a service takes.
type Measure = fn(&str) -> usize;

fn chars(text: &str) -> usize {
    text.chars().count()
}

fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Kinds with every text broken, and where the body's longest text stands with its limit.
fn cases() -> Vec<(IntegrationKind, &'static str, Measure, usize)> {
    let mut cases: Vec<(IntegrationKind, &'static str, Measure, usize)> = Vec::new();
    cases.extend(discord().map(|kind| (kind, "/embeds/0/description", utf16 as Measure, 4096)));
    cases.extend(webhooks().map(|kind| (kind, "", str::len as Measure, usize::MAX)));
    cases.push((slack(), "/attachments/0/text", chars, 24_000));
    cases.extend(pagerduty().map(|(kind, place)| (kind, place, str::len as Measure, 512_000)));
    cases.push((opsgenie(), "/description", chars, 15_000));
    for mode in [TelegramMode::Plain, TelegramMode::Html, TelegramMode::Markdown, TelegramMode::MarkdownV2] {
        cases.push((services::telegram(mode, BROKEN), "/text", utf16, 4096));
    }
    cases.push((teams(), "/attachments/0/content/body/1/text", str::len, 28_000));
    cases.push((old_teams(), "/text", str::len, 28_000));
    cases.push((kinds::webex(BROKEN), "/markdown", str::len, 7439));
    cases.extend([false, true].map(|html| (pushover(html), "message", chars as Measure, 1024)));
    cases.push((victorops(), "/state_message", chars, 20_480));
    cases.extend(sns());
    cases.push((rocketchat(), "/attachments/0/text", chars, 5000));
    cases.push((mattermost(Vec::new()), "/attachments/0/text", chars, 16_383));
    cases.push((mattermost(vec![attachment()]), "/text", chars, 16_383));
    cases.push((googlechat(BROKEN), "/text", chars, 4096));
    cases.push((googlechat("a title"), "/cardsV2/0/card/sections/0/widgets/0/textParagraph/text", str::len, 29_000));
    cases.push((ntfy(), "/message", str::len, 4096));
    cases.push((jira_with("https://jira.example/rest/api/2"), "/fields/description", chars, 32_767));
    cases.push((jira_with("https://jira.example/rest/api/3"), "/fields/description/content/0/content/0/text", chars, 32_767));
    cases.push((wechat_with(true), "/markdown/content", str::len, 2048));
    cases.push((wechat_with(false), "/text/content", str::len, 2048));
    let robot_url = Some(Secret::new("https://wechat.example/robot"));
    let robot = WechatSettings { message: broken(), robot_url, ..wechat() };
    cases.push((IntegrationKind::Wechat(robot), "/markdown/content", str::len, 2048));
    cases
}

fn few(over: bool) -> Notice {
    let alert = firing(&[("alertname", "HighDrift"), ("instance", "a")], &[("summary", "share is 0.6")]);
    notice("x", vec![if over { resolved(alert) } else { alert }])
}

/// More than any service takes.
fn many(over: bool) -> Notice {
    let alert = |at: usize| {
        let alert = firing(&[("alertname", "HighDrift"), ("instance", &at.to_string())], &[("summary", &"share é is 0.6 ".repeat(60))]);
        if over { resolved(alert) } else { alert }
    };
    notice("x", (0..300).map(alert).collect::<Vec<Alert>>())
}

/// The body of the request that tells, all of it as text, and its problems.
fn told(kind: &IntegrationKind, notice: &Notice) -> (String, Vec<String>) {
    let found = r#"{"issues":[{"key":"ML-1","fields":{"status":{"statusCategory":{"key":"done"}}}}]}"#;
    let answers: &[(u16, &str)] = match kind {
        IntegrationKind::Jira(_) if notice.is_firing() => &[(200, "{\"issues\":[]}"), (201, "{\"key\":\"ML-1\"}")],
        IntegrationKind::Jira(_) => &[(200, found), (204, "")],
        IntegrationKind::Wechat(settings) if settings.robot_url.is_some() => &[(200, "{\"errcode\":0}")],
        IntegrationKind::Wechat(_) => &[(200, "{\"access_token\":\"t\"}"), (200, "{\"errcode\":0}")],
        _ => {
            let Composed { message, problems } = composed(kind.clone(), notice);
            let body = match message {
                Message::Http { body, .. } => String::from_utf8(body).expect("UTF-8"),
                Message::Email(mail) => format!("{}\n{}{}", mail.subject, mail.text, mail.html),
            };
            return (body, problems);
        }
    };
    let mut talk = Talk::new(kind.clone());
    let lines = talk.attempt(notice, answers);
    assert!(lines.contains("delivered"), "{lines}");
    // The last line is the verdict.
    let line = lines.lines().rev().nth(1).unwrap_or_default();
    (line.splitn(3, ' ').nth(2).unwrap_or_default().to_string(), talk.problems)
}

/// Forms and JSON alike, as people read them.
fn readable(body: &str) -> (String, Option<Value>) {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => (body.to_string(), Some(value)),
        Err(_) => (kinds::limits::percent_decoded(body), None),
    }
}

#[test]
fn every_kind_says_that_a_template_failed() {
    for (kind, place, length, max) in cases() {
        for over in [false, true] {
            for notice in [few(over), many(over)] {
                let word = kind.word();
                let (body, problems) = told(&kind, &notice);
                let (text, json) = readable(&body);
                let state = if over { "resolved" } else { "firing" };
                assert!(!problems.is_empty(), "{word}: no problems");
                for part in ["HighDrift", REASON] {
                    assert!(text.contains(part), "{word}: no {part:?} in {}", &text[..text.len().min(3000)]);
                }
                assert!(text.to_lowercase().contains(state), "{word}: no {state:?} in {}", &text[..text.len().min(3000)]);
                let (longest, max) = match &json {
                    Some(json) => match json.pointer(place) {
                        Some(Value::String(text)) => (length(text), max),
                        Some(value) => (length(&value.to_string()), max),
                        // Opsgenie is told the end in another form.
                        None => (chars(json["note"].as_str().expect(place)), 25_000),
                    },
                    None => {
                        let values = body.split('&').filter_map(|pair| pair.strip_prefix(&format!("{place}=")));
                        let lengths: Vec<usize> = values.map(|value| length(&kinds::limits::percent_decoded(value))).collect();
                        assert_eq!(lengths.len(), 1, "{word}: {place}");
                        (lengths[0], max)
                    }
                };
                assert!(longest <= max, "{word}: {longest} of {max}");
            }
        }
    }
}

/// incident.io's receiver has no texts, so the table above leaves it out; any other kind that it leaves out fails to compile here.
#[test]
fn no_kind_is_left_out() {
    let mail = || IntegrationKind::Email(EmailSettings { text: broken(), ..email::settings() });
    let mut all: Vec<IntegrationKind> = cases().into_iter().map(|(kind, ..)| kind).collect();
    all.extend([mail(), kinds::incidentio(0)]);
    let mut seen = [false; 21];
    for kind in &all {
        seen[match kind {
            IntegrationKind::Discord(_) => 0,
            IntegrationKind::Webhook(_) => 1,
            IntegrationKind::GrafanaWebhook(_) => 2,
            IntegrationKind::Email(_) => 3,
            IntegrationKind::Slack(_) => 4,
            IntegrationKind::Pagerduty(_) => 5,
            IntegrationKind::Opsgenie(_) => 6,
            IntegrationKind::Telegram(_) => 7,
            IntegrationKind::MsTeamsV2(_) => 8,
            IntegrationKind::Pushover(_) => 9,
            IntegrationKind::VictorOps(_) => 10,
            IntegrationKind::Webex(_) => 11,
            IntegrationKind::Sns(_) => 12,
            IntegrationKind::Rocketchat(_) => 13,
            IntegrationKind::Mattermost(_) => 14,
            IntegrationKind::Incidentio(_) => 15,
            IntegrationKind::MsTeams(_) => 16,
            IntegrationKind::GoogleChat(_) => 17,
            IntegrationKind::Ntfy(_) => 18,
            IntegrationKind::Jira(_) => 19,
            IntegrationKind::Wechat(_) => 20,
        }] = true;
    }
    assert_eq!(seen, [true; 21]);
}

/// Also when only one of the parts fails: mail programs show the HTML part where there is one.
#[test]
fn a_mail_says_which_part_failed() {
    let whole = email::settings();
    let subject = |template: &str| vec![("Subject".to_string(), template.to_string())];
    for (field, settings) in [
        ("Subject", EmailSettings { headers: subject(BROKEN), ..whole.clone() }),
        ("text", EmailSettings { text: broken(), ..whole.clone() }),
        ("html", EmailSettings { html: broken(), ..whole.clone() }),
        ("text", EmailSettings { headers: subject(BROKEN), text: broken(), html: broken(), ..whole.clone() }),
    ] {
        for over in [false, true] {
            let Composed { message: Message::Email(mail), problems } = composed(IntegrationKind::Email(settings.clone()), &few(over))
            else {
                panic!("a mail")
            };
            assert!(!problems.is_empty() && mail.html.is_empty(), "{field}");
            assert!(mail.text.contains(REASON) && mail.text.contains(&format!("template of {field} failed")), "{}", mail.text);
            let state = if over { "RESOLVED" } else { "FIRING" };
            assert!(mail.subject.contains(state) && mail.subject.contains("HighDrift"), "{}", mail.subject);
            assert!(mail.text.contains("HighDrift"), "{}", mail.text);
        }
    }
    // What nobody reads is only left out.
    let header = EmailSettings { headers: vec![pair("X-Team")], ..whole };
    let Composed { message: Message::Email(mail), problems } = composed(IntegrationKind::Email(header), &few(false)) else {
        panic!("a mail")
    };
    assert_eq!((problems.len(), mail.html.is_empty(), mail.text.contains(REASON)), (1, false, false));
}

/// Alertmanager's form; Grafana's with the message in the content; and our own embeds under a content that fails.
fn discord() -> [IntegrationKind; 3] {
    let all = DiscordSettings { title: broken(), message: broken(), content: broken(), username: broken(), ..discord_settings() };
    let grafana = DiscordSettings { message: String::new(), ..all.clone() };
    let own = DiscordSettings { content: broken(), ..discord_settings() };
    [all, grafana, own].map(IntegrationKind::Discord)
}

fn webhooks() -> [IntegrationKind; 3] {
    let alertmanager = WebhookSettings {
        url: Secret::new("https://hook.example/"),
        max_alerts: 0,
        payload: Some(Detail::Map(vec![("text".into(), Detail::Template(broken()))])),
        timeout: None,
        http: HttpOptions::default(),
    };
    let grafana = |payload: Option<String>| GrafanaWebhookSettings {
        url: Secret::new("https://hook.example/"),
        put: false,
        max_alerts: 0,
        title: broken(),
        message: broken(),
        headers: Vec::new(),
        hmac: Some(HmacSettings { secret: Secret::new("s"), header: "X-Sum".into(), timestamp_header: String::new() }),
        payload,
        vars: Vec::new(),
        http: HttpOptions::default(),
    };
    [
        IntegrationKind::Webhook(alertmanager),
        IntegrationKind::GrafanaWebhook(Box::new(grafana(None))),
        IntegrationKind::GrafanaWebhook(Box::new(grafana(Some(broken())))),
    ]
}

fn slack() -> IntegrationKind {
    let confirm = SlackConfirmation { title: broken(), text: broken(), ok_text: broken(), dismiss_text: broken() };
    let (kind, text, url) = (broken(), broken(), broken());
    let action = SlackAction { kind, text, url, style: broken(), name: broken(), value: broken(), confirm: Some(confirm) };
    IntegrationKind::Slack(SlackSettings {
        channel: broken(),
        username: broken(),
        color: broken(),
        title: broken(),
        title_link: broken(),
        pretext: broken(),
        text: broken(),
        message_text: broken(),
        fields: vec![SlackField { title: broken(), value: broken(), short: None }],
        footer: broken(),
        fallback: broken(),
        callback_id: broken(),
        icon_emoji: broken(),
        icon_url: broken(),
        image_url: broken(),
        thumb_url: broken(),
        actions: vec![action],
        ..services::slack()
    })
}

fn pagerduty() -> [(IntegrationKind, &'static str); 2] {
    let key = || Secret::new("key");
    [(PagerdutyKey::Routing(key()), "/payload/custom_details"), (PagerdutyKey::Service(key()), "/details")].map(|(key, place)| {
        let IntegrationKind::Pagerduty(settings) = services::pagerduty(key) else { panic!("PagerDuty") };
        let settings = PagerdutySettings {
            client: broken(),
            client_url: broken(),
            description: broken(),
            details: vec![("a".into(), Detail::Template(broken())), ("b".into(), Detail::List(vec![Detail::Template(broken())]))],
            images: vec![PagerdutyImage { src: broken(), alt: broken(), href: broken() }],
            links: vec![PagerdutyLink { href: broken(), text: broken() }],
            source: broken(),
            severity: broken(),
            class: broken(),
            component: broken(),
            group: broken(),
            ..settings
        };
        (IntegrationKind::Pagerduty(settings), place)
    })
}

fn opsgenie() -> IntegrationKind {
    let IntegrationKind::Opsgenie(settings) = services::opsgenie() else { panic!("Opsgenie") };
    IntegrationKind::Opsgenie(OpsgenieSettings {
        message: broken(),
        description: broken(),
        source: broken(),
        details: vec![pair("a")],
        entity: broken(),
        responders: vec![OpsgenieResponder { id: broken(), name: broken(), username: broken(), kind: broken() }],
        actions: broken(),
        tags: broken(),
        note: broken(),
        priority: broken(),
        ..settings
    })
}

fn teams() -> IntegrationKind {
    let IntegrationKind::MsTeamsV2(settings) = services::teams() else { panic!("Teams") };
    IntegrationKind::MsTeamsV2(MsTeamsV2Settings { title: broken(), text: broken(), ..settings })
}

fn old_teams() -> IntegrationKind {
    let IntegrationKind::MsTeams(settings) = kinds::msteams() else { panic!("Teams") };
    IntegrationKind::MsTeams(MsTeamsSettings { title: broken(), summary: broken(), text: broken(), ..settings })
}

fn pushover(html: bool) -> IntegrationKind {
    let IntegrationKind::Pushover(settings) = kinds::pushover(BROKEN, html) else { panic!("Pushover") };
    IntegrationKind::Pushover(PushoverSettings {
        title: broken(),
        url: broken(),
        url_title: broken(),
        device: broken(),
        sound: broken(),
        priority: broken(),
        ..settings
    })
}

fn victorops() -> IntegrationKind {
    let IntegrationKind::VictorOps(settings) = kinds::victorops(BROKEN) else { panic!("VictorOps") };
    IntegrationKind::VictorOps(VictorOpsSettings {
        routing_key: broken(),
        state_message: broken(),
        entity_display_name: broken(),
        monitoring_tool: broken(),
        custom_fields: vec![pair("a")],
        ..settings
    })
}

fn sns() -> Vec<(IntegrationKind, &'static str, Measure, usize)> {
    let made = |to: SnsTarget| {
        let IntegrationKind::Sns(settings) = kinds::sns(to, BROKEN) else { panic!("SNS") };
        IntegrationKind::Sns(SnsSettings {
            api_url: broken(),
            subject: broken(),
            attributes: vec![(broken(), broken()), pair("a")],
            ..settings
        })
    };
    let topic = |arn: &str| SnsTarget::Topic(arn.into());
    vec![
        (made(topic("arn:aws:sns:eu-west-1:1:t")), "Message", str::len, 256 * 1024),
        (made(topic("arn:aws:sns:eu-west-1:1:t.fifo")), "Message", str::len, 256 * 1024),
        (made(SnsTarget::Target("arn:aws:sns:eu-west-1:1:e".into())), "Message", str::len, 256 * 1024),
        (made(SnsTarget::Phone("+49".into())), "Message", chars, 1600),
    ]
}

fn rocketchat() -> IntegrationKind {
    let IntegrationKind::Rocketchat(settings) = kinds::rocketchat(BROKEN) else { panic!("Rocket.Chat") };
    IntegrationKind::Rocketchat(RocketchatSettings {
        channel: broken(),
        color: broken(),
        title: broken(),
        title_link: broken(),
        fields: vec![RocketchatField { title: broken(), value: broken(), short: None }],
        emoji: broken(),
        icon_url: broken(),
        image_url: broken(),
        thumb_url: broken(),
        actions: vec![RocketchatAction { text: broken(), url: broken(), msg: broken() }],
        ..settings
    })
}

fn attachment() -> MattermostAttachment {
    MattermostAttachment {
        fallback: broken(),
        color: broken(),
        pretext: broken(),
        text: broken(),
        author_name: broken(),
        author_link: broken(),
        author_icon: broken(),
        title: broken(),
        title_link: broken(),
        fields: vec![MattermostField { title: broken(), value: broken(), short: None }],
        thumb_url: broken(),
        footer: broken(),
        footer_icon: broken(),
        image_url: broken(),
    }
}

fn mattermost(attachments: Vec<MattermostAttachment>) -> IntegrationKind {
    let IntegrationKind::Mattermost(settings) = kinds::mattermost(BROKEN, attachments, BROKEN) else { panic!("Mattermost") };
    IntegrationKind::Mattermost(Box::new(MattermostSettings {
        channel: broken(),
        username: broken(),
        icon_url: broken(),
        icon_emoji: broken(),
        post_type: broken(),
        attachment: attachment(),
        card: broken(),
        ..*settings
    }))
}

fn googlechat(title: &str) -> IntegrationKind {
    let IntegrationKind::GoogleChat(settings) = kinds::googlechat(BROKEN, title) else { panic!("Google Chat") };
    IntegrationKind::GoogleChat(GoogleChatSettings { subtitle: broken(), ..settings })
}

fn ntfy() -> IntegrationKind {
    let IntegrationKind::Ntfy(settings) = kinds::ntfy(BROKEN, BROKEN) else { panic!("ntfy") };
    let (tags, click, icon) = (broken(), broken(), broken());
    IntegrationKind::Ntfy(NtfySettings { topic: broken(), title: broken(), tags, click, icon, ..settings })
}

fn jira_with(api_url: &str) -> IntegrationKind {
    let text = || JiraText { template: broken(), update: true };
    IntegrationKind::Jira(Box::new(JiraSettings {
        api_url: api_url.into(),
        project: broken(),
        issue_type: broken(),
        summary: text(),
        description: text(),
        labels: vec![broken()],
        priority: broken(),
        fields: vec![("customfield_1".into(), Detail::Template(broken()))],
        ..jira()
    }))
}

fn wechat_with(markdown: bool) -> IntegrationKind {
    let (to_user, to_party, to_tag) = (broken(), broken(), broken());
    IntegrationKind::Wechat(WechatSettings { message: broken(), to_user, to_party, to_tag, agent_id: broken(), markdown, ..wechat() })
}
