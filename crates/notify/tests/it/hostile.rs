//! Labels and annotations come from programs that we do not know.

use bellbuoy_notify::{DiscordSettings, IntegrationKind};
use bellbuoy_vocabulary::Alert;
use proptest::prelude::*;
use serde_json::Value;

use crate::{body, composed, discord_settings, firing, notice, resolved};

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
