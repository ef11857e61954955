//! Composed mails.

use bellbuoy_notify::{EmailMessage, EmailSettings, EmailThreading, IntegrationKind, Message, Notice};
use bellbuoy_vocabulary::{Secret, Timestamp};
use expect_test::expect;

use crate::{composed, firing, notice, resolved};

pub(crate) fn settings() -> EmailSettings {
    EmailSettings {
        to: "ops@example.org, ml@example.org".into(),
        from: "bellbuoy@example.org".into(),
        smarthost: "mail.example.org:587".into(),
        hello: "localhost".into(),
        auth_username: String::new(),
        auth_password: Secret::default(),
        auth_secret: Secret::default(),
        auth_identity: String::new(),
        require_tls: true,
        implicit_tls: false,
        tls: Default::default(),
        threading: Default::default(),
        headers: vec![
            ("Subject".into(), r#"{{ template "email.default.subject" . }}"#.into()),
            ("X-Team".into(), "{{ .Receiver }}\r\nBcc: all".into()),
        ],
        html: r#"{{ template "email.default.html" . }}"#.into(),
        text: String::new(),
    }
}

fn mail(settings: EmailSettings, notice: &Notice) -> (EmailMessage, Vec<String>) {
    let composed = composed(IntegrationKind::Email(settings), notice);
    match composed.message {
        Message::Email(mail) => (*mail, composed.problems),
        Message::Http { .. } => panic!("an e-mail is no HTTP"),
    }
}

fn drift() -> Notice {
    let alert = |column: &str| firing(&[("alertname", "Drift"), ("severity", "warning"), ("column", column)], &[("summary", "p < 0.05")]);
    notice("email", vec![alert("temp"), resolved(alert("hum"))])
}

#[test]
fn a_mail() {
    let (mail, problems) = mail(settings(), &drift());
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(mail.subject, "[FIRING:1] Drift (warning)");
    assert_eq!((mail.to.as_str(), mail.from.as_str()), ("ops@example.org, ml@example.org", "bellbuoy@example.org"));
    assert_eq!(mail.message_id, format!("<{}@bellbuoy>", drift().idempotency_key()));
    // A header cannot be smuggled in.
    assert_eq!(mail.headers[0], ("X-Team".to_string(), "team\\.x Bcc: all".to_string()));
    expect![[r#"
        [FIRING:1] Drift (warning)

        FIRING Drift
        p < 0.05
         - alertname = Drift
         - column = temp
         - severity = warning
        Since: 2026-01-13 09:55:00 UTC
        Source: http://bellbuoy.example/graph?g0.expr=up

        RESOLVED Drift
        p < 0.05
         - alertname = Drift
         - column = hum
         - severity = warning
        Since: 2026-01-13 09:55:00 UTC
        Source: http://bellbuoy.example/graph?g0.expr=up

        http://bellbuoy.example
    "#]]
    .assert_eq(&mail.text);
    assert!(mail.html.contains("p &lt; 0.05") && mail.html.contains("#c62828"), "{}", mail.html);
}

#[test]
fn mails_of_a_group_belong_together() {
    let (first, _) = mail(settings(), &drift());
    let (second, _) = mail(settings(), &Notice { sequence: 2, ..drift() });
    let (other, _) = mail(settings(), &Notice { group_key: "{}:{alertname=\"B\"}".into(), ..drift() });
    assert_eq!(first.references, second.references);
    assert_ne!(first.message_id, second.message_id);
    assert_ne!(first.references, other.references);
    let by_day = |at: &str| {
        let at = Timestamp::parse_rfc3339(at).expect("a time");
        mail(EmailSettings { threading: EmailThreading::Daily, ..settings() }, &Notice { at, ..drift() }).0.references
    };
    assert_eq!(by_day("2026-01-13T00:00:00Z"), by_day("2026-01-13T23:59:59Z"));
    assert!(by_day("2026-01-14T00:00:00Z").ends_with("-2026-01-14@bellbuoy>"));
    assert_eq!(mail(EmailSettings { threading: EmailThreading::Off, ..settings() }, &drift()).0.references, "");
}

#[test]
fn broken_templates_leave_a_plain_mail() {
    let broken = EmailSettings {
        html: "{{ .Nope }}".into(),
        text: "{{ nope }}".into(),
        headers: vec![("Subject".into(), "{{ if }}".into())],
        ..settings()
    };
    let (mail, problems) = mail(broken, &drift());
    assert_eq!(problems.len(), 3);
    assert_eq!((mail.subject.as_str(), mail.html.as_str()), ("[FIRING] Drift", ""));
    assert!(mail.text.contains("column=\"temp\"") && mail.text.contains("a template failed"), "{}", mail.text);
}
