//! Files as real projects have them, and what becomes of them.

use bellbuoy_notify::IntegrationKind;
use bellbuoy_rules::RuleSettings;
use bellbuoy_scrape::{RelabelAction, Scheme};
use bellbuoy_vocabulary::Millis;
use expect_test::expect;
use proptest::prelude::*;

use super::super::{parse_discovery, read_discovery};
use super::{Folder, check_files, good};

const PROMETHEUS: &str = include_str!("../../../tests/it/config/prometheus.yml");
const RULES: &str = include_str!("../../../tests/it/config/alerts.yml");
const ALERTMANAGER: &str = include_str!("../../../tests/it/config/alertmanager.yml");
const ENV: &str = "DISCORD_WEBHOOK_URL=https://discord.com/api/webhooks/1/secret\nSMTP_PASSWORD='it''s'\nSMTP_HOST=smtp.example.org\n";

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("prometheus.yml", PROMETHEUS),
        ("alerts.yml", RULES),
        ("alertmanager.yml", ALERTMANAGER),
        ("templates/email.tmpl", "{{ define \"email.critical.html\" }}<b>${SMTP_HOST}</b> {{ .Status }}{{ end }}"),
        ("targets/workers.json", "[{\"targets\": [\"w1:9100\", \"w2:9100\"], \"labels\": {\"zone\": \"eu\"}}]"),
        (".env", ENV),
    ]
}

#[test]
fn a_whole_folder_is_fine() {
    check_files(&files(), expect![""]);
    let settings = good(&files());
    assert_eq!(settings.global.scrape_interval, Millis::from_seconds(15));
    assert_eq!(settings.global.external_labels.get("monitor"), "mlops");
    assert_eq!(settings.alerting.alertmanagers.len(), 1);
    let jobs: Vec<String> =
        settings.scrape.iter().map(|job| format!("{} {} {}", job.job_name, job.scrape_interval, job.scrape_timeout)).collect();
    expect![[r#"
        prometheus 15s 10s
        regmodel-api 10s 8s
        airflow-metrics 30s 10s
        workers 5s 5s"#]]
    .assert_eq(&jobs.join("\n"));
}

#[test]
fn scrape_configs_in_detail() {
    let settings = good(&files());
    let api = settings.scrape.iter().find(|job| job.job_name == "regmodel-api").expect("in the file");
    assert_eq!((api.scheme, api.metrics_path.as_str(), api.honor_labels), (Scheme::Https, "/internal/metrics", true));
    assert_eq!(api.params, [("module".to_string(), vec!["a".to_string(), "b".to_string()])]);
    assert_eq!(api.http.authorization.as_ref().map(|secret| secret.expose()), Some("Bearer token"));
    assert_eq!((api.limits.samples_max, api.limits.body_bytes_max), (1000, 10 << 20));
    assert_eq!(api.relabel_configs[0].action, RelabelAction::Replace);
    assert_eq!(api.relabel_configs[0].separator, ";");
    assert_eq!(api.metric_relabel_configs[0].action, RelabelAction::Drop);
    let workers = settings.scrape.iter().find(|job| job.job_name == "workers").expect("in the file");
    // A written 0 is "no limit", nothing written is our own bound.
    assert_eq!((workers.limits.samples_max, workers.limits.labels_max), (u64::MAX, 128));
    assert_eq!(workers.file_sd_configs[0].refresh_interval, Millis::from_seconds(30));
}

#[test]
fn rules_in_detail() {
    let settings = good(&files());
    let group = &settings.groups[0];
    assert_eq!((group.name.as_str(), group.interval, group.limit), ("mlops", Millis::from_seconds(30), 10));
    let RuleSettings::Alerting(down) = &group.rules[0] else { panic!("an alert") };
    assert_eq!((down.alert.as_str(), down.hold, down.span.line), ("ServiceDown", Millis::from_minutes(1), 11));
    assert_eq!(down.labels, [("stack".to_string(), "bike".to_string()), ("severity".into(), "critical".into())]);
    // Without an interval of its own the group takes the global one.
    assert_eq!(settings.groups[1].interval, Millis::from_seconds(15));
    let RuleSettings::Recording(errors) = &settings.groups[1].rules[0] else { panic!("a recording rule") };
    assert_eq!(errors.record, "api:errors:rate5m");
}

#[test]
fn routes_inherit() {
    let settings = good(&files());
    let router = settings.router.expect("there is one");
    let route = &router.route.routes[0];
    assert_eq!((route.receiver.as_str(), route.group_wait), ("discord", Millis::from_seconds(10)));
    assert_eq!(route.repeat_interval, Millis::from_minutes(60));
    assert_eq!(route.group_by, ["alertname", "component"]);
    assert_eq!(format!("{:?}", route.matchers), r#"[component="infrastructure", severity="critical"]"#);
    let mail = &route.routes[0];
    assert_eq!((mail.receiver.as_str(), mail.group_by_all, mail.group_wait), ("mail", true, Millis::from_seconds(10)));
    assert_eq!(mail.mute_time_intervals, ["offhours"]);
    assert_eq!(router.resolve_timeout, Millis::from_minutes(10));
    assert_eq!(router.inhibit_rules[0].equal, ["instance"]);
    assert_eq!(router.time_intervals[0].spans[0].weekdays, [(1, 5)]);
    assert_eq!(router.time_intervals[0].spans[0].times, [(0, 540), (1080, 1440)]);
    assert_eq!(router.receivers[1].integrations[0].kind, "email");
}

#[test]
fn receivers_in_detail() {
    let settings = good(&files());
    let IntegrationKind::Discord(discord) = &settings.receivers[0].integrations[0].kind else { panic!("Discord") };
    assert_eq!(discord.webhook_url.expose(), "https://discord.com/api/webhooks/1/secret");
    assert_eq!(discord.message, r#"{{ template "discord.default.message" . }}"#);
    let mail = &settings.receivers[1].integrations[0];
    assert!(mail.send_resolved);
    let IntegrationKind::Email(email) = &mail.kind else { panic!("e-mail") };
    assert_eq!((email.smarthost.as_str(), email.auth_password.expose(), email.implicit_tls), ("smtp.example.org:465", "it", true));
    assert_eq!(email.headers, [("Subject".to_string(), "[{{ .Status }}] {{ .CommonLabels.alertname }}".to_string())]);
    assert_eq!(settings.template_files[0].1, "{{ define \"email.critical.html\" }}<b>smtp.example.org</b> {{ .Status }}{{ end }}");
}

#[test]
fn discovery_files() {
    let folder = Folder::with(&files());
    let settings = folder.load().settings.expect("no errors");
    let workers = settings.scrape.iter().find(|job| job.job_name == "workers").expect("in the file");
    let (groups, problems) = read_discovery(&workers.file_sd_configs[0]);
    assert_eq!(
        (groups.expect("readable")[0].targets.as_slice(), problems.len()),
        (["w1:9100".to_string(), "w2:9100".into()].as_slice(), 0)
    );
    let check = |text: &str, expected: expect_test::Expect| {
        let problems: Vec<String> = parse_discovery("t.yml", text.as_bytes()).1.iter().map(|problem| problem.to_string()).collect();
        expected.assert_eq(&problems.join("\n"));
    };
    check(
        "- targets: [a:1]\n  label: {a: b}\n- targets: a\n",
        expect![[r#"
        t.yml:2:3: unknown field "label" in target group; did you mean "labels"?
        t.yml:3:12: "targets" must be a list, not a value; begin each item with `- `"#]],
    );
    check("targets: [a:1]\n", expect!["t.yml:1:1: a discovery file is a list, not a map; begin each group with `- targets:`"]);
    check("[{\"targets\": [\"a:1\"],}", expect!["t.yml:1:1: not valid YAML: unclosed bracket '['"]);
}

/// Half-written files, as an editor or a copy leaves them, are problems and never a panic.
#[test]
fn truncation_at_every_byte() {
    for (name, text) in [("prometheus.yml", PROMETHEUS), ("alerts.yml", RULES), ("alertmanager.yml", ALERTMANAGER)] {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            super::super::tests::read_text(name, &text[..end]);
        }
    }
}

proptest! {
    #[test]
    fn nonsense_never_panics(name in prop::sample::select(vec!["prometheus.yml", "alerts.yml", "alertmanager.yml"]), at in 0.0..1.0f64, noise in "[\\[\\]{}:&*!|>'\"%@`,?#\\-\\\\ \n\ta0$~]{1,6}") {
        let text = match name { "prometheus.yml" => PROMETHEUS, "alerts.yml" => RULES, _ => ALERTMANAGER };
        let mut at = (at * text.len() as f64) as usize;
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        super::super::tests::read_text(name, &format!("{}{noise}{}", &text[..at], &text[at..]));
    }
}
