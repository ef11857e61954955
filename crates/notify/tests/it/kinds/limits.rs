//! No message is longer than its service takes, and what is left out is counted.

use bellbuoy_notify::Notice;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::hostile;

const MANY: usize = 200;

fn many() -> Vec<Alert> {
    (0..MANY).map(|number| drift(&format!("host-{number}"))).collect()
}

/// A receiver, where its text stands in the body, how the service measures it, and how much it takes.
type Case<'a> = (IntegrationKind, Box<dyn Fn(&Composed) -> String>, &'a dyn Fn(&str) -> usize, usize);

/// Each service's own unit; and what is left out is counted in words, also where a template fails over all the alerts.
#[test]
fn too_many_alerts_fit_and_are_counted() {
    let list = "{{ range .Alerts }}{{ .Labels.instance }} {{ .Annotations.summary }} ✓\n{{ end }}";
    let all = "{{ range .Alerts }}{{ .Labels.instance }} {{ .Annotations.summary }} {{ .Annotations.description }} {{ .Labels.owner }} and something that makes it longer than it was before: 0123456789 0123456789\n{{ end }}";
    let field = |name: &'static str| move |composed: &Composed| part(composed, name);
    let chars = |text: &str| text.chars().count();
    let cases: Vec<Case> = vec![
        (pushover(list, false), Box::new(field("message")), &chars, 1024),
        (victorops("CRITICAL"), Box::new(field("/state_message")), &chars, 20_480),
        (webex(list), Box::new(field("/markdown")), &str::len, 7439),
        (sns(SnsTarget::Phone("+49".into()), list), Box::new(field("Message")), &chars, 1600),
        (rocketchat(list), Box::new(field("/attachments/0/text")), &chars, 5000),
        (mattermost(all, Vec::new(), "urgent"), Box::new(field("/attachments/0/text")), &chars, 16_383),
        (msteams(), Box::new(field("/text")), &str::len, 28_000),
        (googlechat(list, ""), Box::new(field("/text")), &chars, 4096),
        (googlechat(all, "x"), Box::new(field("/cardsV2/0/card/sections/0/widgets/0/textParagraph/text")), &str::len, 29_000),
        (ntfy(list, "3"), Box::new(field("/message")), &str::len, 4096),
    ];
    for (kind, read, length, max) in cases {
        let word = kind.word();
        let message = composed(kind, &notice(word, many()));
        let told = read(&message);
        let (_, more) = told.rsplit_once("... and ").unwrap_or_else(|| panic!("{word}: {told}"));
        let more: usize = more.split(' ').next().and_then(|count| count.parse().ok()).expect("a count");
        let shown = told.matches("host-").count();
        assert!(length(&told) <= max && length(&told) > max * 8 / 10, "{word}: {}", length(&told));
        assert!(more < MANY && shown >= MANY - more, "{word}: {more} more, {shown} shown");
        assert!(message.problems.is_empty(), "{word}: {:?}", message.problems);
    }
}

/// Alertmanager shows one alert of a message that is too large, and counts none of the others.
#[test]
fn incidentio_takes_as_many_alerts_as_fit() {
    let alerts: Vec<Alert> = (0..2000).map(|number| drift(&format!("host-{number}-{}", "x".repeat(200)))).collect();
    let body = text(&composed(incidentio(0), &notice("incidentio", alerts)));
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let shown = json["alerts"].as_array().expect("a list").len();
    assert!(body.len() <= 512 * 1024 && body.len() > 500 * 1024, "{}", body.len());
    assert_eq!(json["truncatedAlerts"], 2000 - shown);
}

pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex: String = [rest.next(), rest.next()].into_iter().flatten().map(char::from).collect();
            bytes.push(u8::from_str_radix(&hex, 16).expect("hexadecimal"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The field of a body, JSON or a form.
fn part(composed: &Composed, name: &str) -> String {
    let body = text(composed);
    match serde_json::from_str::<Value>(&body) {
        Ok(body) => body.pointer(name).and_then(Value::as_str).unwrap_or_default().to_string(),
        Err(_) => percent_decoded(body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap_or_default()),
    }
}

fn assert_fits(kind: IntegrationKind, told: &Notice, fields: &[(&str, usize)], bytes_max: usize) {
    let word = kind.word();
    let message = composed(kind, told);
    for (name, max) in fields {
        let field = part(&message, name);
        assert!(field.chars().count() <= *max, "{word} {name}: {}", field.chars().count());
    }
    assert!(text(&message).len() <= bytes_max, "{word}: {} bytes", text(&message).len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// No label, annotation or template makes a message that its service would refuse for its length, or none at all.
    #[test]
    fn whatever_is_in_it_fits(alerts in proptest::collection::vec(hostile::alert(), 1..6), template in hostile::text()) {
        let told = notice("any", alerts);
        let t = template.as_str();
        for html in [false, true] {
            assert_fits(pushover(t, html), &told, &[("title", 250), ("message", 1024), ("url", 512)], 20_000);
            assert!(!part(&composed(pushover(t, html), &told), "message").trim().is_empty());
        }
        assert_fits(victorops(t), &told, &[("/state_message", 20_480)], usize::MAX);
        let webex = composed(webex(t), &told);
        assert!((1..=7439).contains(&part(&webex, "/markdown").len()));
        assert_fits(sns(SnsTarget::Phone("+1".into()), t), &told, &[("Message", 1600), ("Subject", 99)], usize::MAX);
        assert_fits(sns(SnsTarget::Topic("a".into()), t), &told, &[("Subject", 99)], 3 * 256 * 1024);
        assert_fits(rocketchat(t), &told, &[("/attachments/0/title", 1024), ("/attachments/0/text", 5000)], usize::MAX);
        assert_fits(mattermost(t, Vec::new(), t), &told, &[("/attachments/0/text", 16_383)], usize::MAX);
        assert_fits(incidentio(0), &told, &[], 512 * 1024);
        assert_fits(msteams(), &told, &[], 28 * 1024);
        assert_fits(googlechat(t, ""), &told, &[("/text", 4096)], 32_000);
        assert_fits(googlechat(t, t), &told, &[], 32_000);
        let ntfy = composed(ntfy(t, t), &told);
        assert!((1..=4096).contains(&part(&ntfy, "/message").len()));
    }
}

#[test]
fn incidentio_takes_one_alert_that_is_too_large() {
    for name in ["summary", "x"] {
        let huge = "é".repeat(300_000);
        let (labels, annotations) = if name == "x" {
            (vec![("alertname", "A"), (name, &huge)], vec![])
        } else {
            (vec![("alertname", "A")], vec![(name, huge.as_str())])
        };
        let body = text(&composed(incidentio(0), &notice("incidentio", vec![firing(&labels, &annotations), drift("b")])));
        let json: Value = serde_json::from_str(&body).expect("JSON");
        assert!(body.len() < 512 * 1024, "{}", body.len());
        assert_eq!((json["alerts"][0]["labels"]["alertname"].as_str(), json["truncatedAlerts"].as_u64()), (Some("A"), Some(1)));
    }
}
