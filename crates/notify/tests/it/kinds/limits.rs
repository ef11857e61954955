//! No message is longer than its service takes, and what is left out is counted.

use super::*;

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
    let field = |name: &'static str| {
        move |composed: &Composed| {
            let body = text(composed);
            let form = || percent_decoded(body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap_or_default());
            let json = serde_json::from_str::<serde_json::Value>(&body).ok();
            json.map_or_else(form, |json| json.pointer(name).and_then(|value| value.as_str()).unwrap_or_default().to_string())
        }
    };
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
