//! Labels and annotations come from programs that we do not know.

use bellbuoy_notify::{DiscordSettings, IntegrationKind, Message, Notice, PagerdutyKey, SlackSettings, TelegramMode, WechatSettings};
use bellbuoy_vocabulary::{Alert, Secret};
use proptest::prelude::*;
use serde_json::Value;

use crate::conversations::{Talk, jira, wechat};
use crate::{body, composed, discord_settings, firing, kinds, notice, resolved, services};

fn units(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

/// Everything that Discord would refuse.
fn assert_accepted(body: &Value) {
    let embeds = body["embeds"].as_array().expect("embeds");
    assert!((1..=10).contains(&embeds.len()), "{} embeds", embeds.len());
    assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
    assert!(units(&body["content"]) <= 2000 && units(&body["username"]) <= 80);
    let mut total = 0;
    for embed in embeds {
        assert!(units(&embed["title"]) <= 256 && units(&embed["description"]) <= 4096 && units(&embed["footer"]["text"]) <= 2048);
        let has_text = ["title", "description"].iter().any(|name| embed[*name].as_str().is_some_and(|text| !text.trim().is_empty()));
        assert!(has_text, "an empty embed: {embed}");
        total += units(&embed["title"]) + units(&embed["description"]) + units(&embed["footer"]["text"]);
        let fields = embed["fields"].as_array().cloned().unwrap_or_default();
        assert!(fields.len() <= 25);
        for field in &fields {
            for (part, max) in [("name", 256), ("value", 1024)] {
                let text = field[part].as_str().unwrap_or("");
                assert!(!text.trim().is_empty() && units(&field[part]) <= max, "{part} of {field}");
                total += units(&field[part]);
            }
        }
    }
    assert!(total <= 6000, "{total} units");
}

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,10}",
        "\\PC{0,50}",
        Just("🚨".repeat(5000)),
        Just("@everyone <@123> **x** [a](http://b) `".repeat(300)),
        Just("\\".repeat(3000)),
        Just("\u{200b}\u{200b}".into()),
        Just(" \n\t ".into()),
        Just("#".repeat(10_000)),
        Just("é\u{301}\u{0}\u{7}\u{202e}".into()),
    ]
}

pub fn alert() -> impl Strategy<Value = Alert> {
    let pairs = || proptest::collection::vec((prop_oneof![Just("severity".to_string()), "[a-z]{1,8}", text()], text()), 0..30);
    let named = proptest::collection::vec(
        (prop_oneof!["field:[a-z ]{0,300}", Just("summary".to_string()), Just("title".into()), Just("description".into())], text()),
        0..40,
    );
    (text(), pairs(), named, any::<bool>()).prop_map(|(name, pairs, annotations, over)| {
        let mut labels: Vec<(&str, &str)> = vec![("alertname", &name)];
        labels.extend(
            pairs.iter().filter(|(name, _)| !name.is_empty() && name != "alertname").map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let annotations: Vec<(&str, &str)> = annotations.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut alert = firing(&labels, &annotations);
        alert.generator_url = name.clone();
        if over { resolved(alert) } else { alert }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn discord_takes_whatever_we_make(alerts in proptest::collection::vec(alert(), 1..14), template in text(), broken in any::<bool>()) {
        let told = notice("discord", alerts);
        assert_accepted(&body(&composed(IntegrationKind::Discord(discord_settings()), &told)));
        let settings = DiscordSettings {
            title: format!("{{{{ .CommonLabels }}}}{}", template.replace('{', "")),
            message: if broken { "{{ .Nope }}".into() } else { "{{ range .Alerts }}{{ .Labels }}{{ end }}".into() },
            content: template.replace('{', ""),
            username: template.replace('{', ""),
            ..discord_settings()
        };
        assert_accepted(&body(&composed(IntegrationKind::Discord(settings), &told)));
    }
}

/// Every label and annotation of every alert.
const LIST: &str = "{{ range .Alerts }}{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }}\n{{ end }}{{ range .Annotations.SortedPairs }}{{ .Value }}\n{{ end }}{{ end }}";

/// What calls somebody at a service, in any text of a body.
fn assert_calls_nobody(word: &str, body: &Value, calls: &[&str]) {
    match body {
        Value::String(text) => {
            for call in calls {
                assert!(!text.contains(call), "{word}: {call} in {text}");
            }
        }
        Value::Array(items) => items.iter().for_each(|item| assert_calls_nobody(word, item, calls)),
        Value::Object(fields) => fields.values().for_each(|value| assert_calls_nobody(word, value, calls)),
        _ => {}
    }
}

/// The body of the request that tells; of kinds that ask first, the second one.
fn told(kind: IntegrationKind, told: &Notice) -> String {
    let answers: &[(u16, &str)] = match &kind {
        IntegrationKind::Jira(_) => &[(200, "{\"issues\":[]}"), (201, "{\"key\":\"ML-1\"}")],
        IntegrationKind::Wechat(_) => &[(200, "{\"access_token\":\"t\"}"), (200, "{\"errcode\":0}")],
        _ => {
            let Message::Http { body, .. } = composed(kind, told).message else { panic!("a mail") };
            return String::from_utf8(body).expect("UTF-8");
        }
    };
    let lines = Talk::new(kind).attempt(told, answers);
    let line = lines.lines().nth(1).unwrap_or_default();
    line.splitn(3, ' ').nth(2).unwrap_or_default().to_string()
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        text(),
        Just("<!channel> <@U123> <!here|x> <#C1> @everyone @here @all".into()),
        Just("<users/all> <@all> [~admin] <@personEmail:a@b.c>".into()),
        Just("</b><i>&amp;<a href=\"x\">".into()),
        Just("👩‍👩‍👧‍👦".repeat(900)),
        Just("\u{202e}\u{2066}abc\u{0}\u{1b}[31m\r\n.\r\n".into()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    /// A body that can be read, no longer than the service takes, in which nobody is called. It found that Rocket.Chat's plain form, which
    /// stands in for templates over too much text, had a title in which a label could call `@everyone`.
    #[test]
    fn every_service_takes_whatever_we_make(
        texts in proptest::collection::vec((hostile(), hostile(), any::<bool>()), 1..4), count in prop_oneof![1usize..5, Just(100)],
    ) {
        let alert = |at: usize| {
            let (label, annotation, over) = &texts[at % texts.len()];
            let alert = firing(&[("alertname", label), ("n", &at.to_string())], &[("summary", annotation)]);
            if *over { resolved(alert) } else { alert }
        };
        let alerts: Vec<Alert> = (0..count).map(alert).collect();
        let slack = SlackSettings { text: LIST.into(), ..services::slack() };
        let jira = bellbuoy_notify::JiraSettings { description: bellbuoy_notify::JiraText { template: LIST.into(), update: true }, ..jira() };
        let chars = |text: &str| text.chars().count();
        let utf16 = |text: &str| text.encode_utf16().count();
        type Measure<'a> = &'a dyn Fn(&str) -> usize;
        let cases: Vec<(IntegrationKind, &str, Measure, usize, &[&str])> = vec![
            (IntegrationKind::Slack(slack), "/attachments/0/text", &chars, 24_000, &["<!", "<@", "<#"]),
            (services::pagerduty(PagerdutyKey::Routing(Secret::new("k"))), "/payload/summary", &chars, 1024, &[]),
            (services::opsgenie(), "/description", &chars, 15_000, &[]),
            (services::telegram(TelegramMode::Plain, LIST), "/text", &utf16, 4096, &[]),
            (services::teams(), "/attachments/0/content/body/1/text", &str::len, 28_000, &[]),
            (kinds::webex(LIST), "/markdown", &str::len, 7439, &["<@"]),
            (kinds::rocketchat(LIST), "/attachments/0/text", &chars, 5000, &["@everyone", "@here", "@all"]),
            (kinds::mattermost(LIST, Vec::new(), "urgent"), "/attachments/0/text", &chars, 16_383, &["@everyone", "@here", "@all"]),
            (kinds::googlechat(LIST, ""), "/text", &chars, 4096, &["<users/"]),
            (kinds::ntfy(LIST, "3"), "/message", &str::len, 4096, &[]),
            (kinds::victorops("CRITICAL"), "/state_message", &chars, 20_480, &[]),
            (IntegrationKind::Jira(Box::new(jira)), "/fields/description", &chars, 32_767, &["[~"]),
            (IntegrationKind::Wechat(WechatSettings { message: LIST.into(), ..wechat() }), "/markdown/content", &str::len, 2048, &["<@"]),
        ];
        for (kind, pointer, length, max, calls) in cases {
            let word = kind.word();
            let firing = Notice { alerts: { let mut all = alerts.clone(); all[0] = crate::firing(&[("alertname", "A")], &[]); all }, ..notice(word, alerts.clone()) };
            let body: Value = serde_json::from_str(&told(kind, &firing)).unwrap_or_else(|error| panic!("{word}: {error}"));
            let text = body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            prop_assert!(length(text) <= max, "{word}: {}", length(text));
            assert_calls_nobody(word, &body, calls);
        }
    }
}
