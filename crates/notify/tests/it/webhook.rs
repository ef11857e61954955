//! The body is what Alertmanager 0.33.1 sent for the same alerts, recorded; only times and the external URL are ours.

use bellbuoy_notify::{HttpOptions, IntegrationKind, Message, Notice, WebhookSettings, idempotency_key};
use bellbuoy_vocabulary::Secret;

use crate::{composed, firing, notice};

fn settings(url: &str, max_alerts: u64) -> IntegrationKind {
    IntegrationKind::Webhook(WebhookSettings {
        url: Secret::new(url),
        max_alerts,
        payload: None,
        timeout: None,
        http: HttpOptions::default(),
    })
}

fn three() -> Notice {
    let alert = |i: &str| firing(&[("alertname", "A"), ("severity", "critical"), ("i", i)], &[]);
    let mut alerts = vec![alert("2"), alert("3"), alert("<1>")];
    alerts.iter_mut().for_each(|alert| alert.generator_url.clear());
    notice("webhook", alerts)
}

#[test]
fn version_4() {
    let message = composed(settings("http://127.0.0.1/h", 2), &three());
    let Message::Http { method, url, headers, body, .. } = &message.message else { panic!("a webhook is HTTP") };
    assert_eq!((*method, url.expose()), ("POST", "http://127.0.0.1/h"));
    assert_eq!(headers[1], ("Idempotency-Key".to_string(), three().idempotency_key()));
    let recorded = r#"{"receiver":"team\\.x","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","i":"2","severity":"critical"},"annotations":{},"startsAt":"2026-01-13T09:55:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"920f1bc6d812868a"},{"status":"firing","labels":{"alertname":"A","i":"3","severity":"critical"},"annotations":{},"startsAt":"2026-01-13T09:55:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"09c9de8af1c5b497"}],"notification_reason":"first notification","groupLabels":{"alertname":"A"},"commonLabels":{"alertname":"A","severity":"critical"},"commonAnnotations":{},"externalURL":"http://bellbuoy.example","version":"4","groupKey":"{}:{alertname=\"A\"}","truncatedAlerts":1}"#;
    assert_eq!(String::from_utf8_lossy(body), recorded);
}

#[test]
fn the_address_may_be_a_template() {
    let message = composed(settings("http://x/{{ .GroupLabels.alertname }}", 0), &three());
    assert!(matches!(&message.message, Message::Http { url, .. } if url.expose() == "http://x/A"));
    let broken = composed(settings("http://x/{{ .Nope }}", 0), &three());
    assert_eq!(broken.problems.len(), 1);
}

#[test]
fn keys_are_stable_and_different() {
    let key = idempotency_key("r", "discord", 0, "{}:{}", 1);
    assert_eq!(key, "ebd081001c160ad1217759c878ce502e");
    let others = [
        idempotency_key("r", "discord", 0, "{}:{}", 2),
        idempotency_key("r", "discord", 1, "{}:{}", 1),
        idempotency_key("r", "webhook", 0, "{}:{}", 1),
        idempotency_key("rd", "iscord", 0, "{}:{}", 1),
    ];
    assert!(others.iter().all(|other| *other != key));
}

#[test]
fn a_notice_comes_back_from_its_json() {
    let told = three();
    let text = serde_json::to_string(&told).expect("JSON");
    assert_eq!(Notice::from_json(&serde_json::from_str(&text).expect("JSON")), Some(told));
    assert_eq!(Notice::from_json(&serde_json::json!({"receiver": "x"})), None);
}
