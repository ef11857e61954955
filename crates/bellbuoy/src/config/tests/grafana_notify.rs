//! Contact points, policies, mute timings and templates of Grafana: whole folders, and one case per mistake.

use bellbuoy_notify::IntegrationKind;
use bellbuoy_router::Route;
use expect_test::{Expect, expect};

use super::{Folder, check_files, good, load_with};

const FILE: &str = "provisioning/alerting/notify.yml";

/// A whole provisioning folder as Grafana's documentation shows it, with the kinds of today.
const CONTACT_POINTS: &str = r#"
apiVersion: 1
contactPoints:
- orgId: 1
  name: cp_1
  receivers:
  - uid: first_uid
    type: pagerduty
    settings:
      integrationKey: XXX
      severity: critical
      class: ping failure
      component: Grafana
      group: app-stack
      summary: |
        {{ template "default.message" . }}
  - uid: second_uid
    type: discord
    disableResolveMessage: true
    settings: {url: 'https://discord.com/api/webhooks/1/x', title: '{{ template "mine.title" . }}'}
  - uid: third
    type: telegram
    settings: {bottoken: xxx, chatid: '-100200', message_thread_id: "7", parse_mode: None}
- name: cp_1
  receivers:
  - uid: fourth
    type: Discord
    settings: {url: 'https://discord.com/api/webhooks/2/x', use_embed_description: true, use_discord_username: true}
- name: cp_2
  receivers:
  - uid: f5
    type: slack
    settings: {recipient: '#alerts', token: xoxb-xxx, mentionChannel: here, mentionUsers: 'U1, U2', mentionGroups: G1}
  - uid: f6
    type: webhook
    settings:
      url: https://example.org/hook
      httpMethod: PUT
      maxAlerts: '10'
      authorization_scheme: Bearer
      authorization_credentials: abc
      headers: {X-Team: ml}
      hmacConfig: {secret: s, timestampHeader: X-Time}
      payload: {template: '{{ coll.Dict "team" .Vars.team "n" (len .Alerts) | data.ToJSON }}', vars: {team: ml}}
  - uid: f7
    type: opsgenie
    settings: {apiKey: xxx, apiUrl: 'https://api.eu.opsgenie.com/v2/alerts', autoClose: false, sendTagsAs: both, responders: [{type: team, name: ops}]}
  - uid: f8
    type: teams
    settings: {url: 'https://ms.example/hook', sectiontitle: ''}
  - uid: f9
    type: victorops
    settings: {url: 'https://alert.victorops.com/integrations/generic/20131114/alert/KEY/route'}
  - uid: f10
    type: webex
    settings: {bot_token: t, room_id: r}
  - uid: f11
    type: pushover
    settings: {userKey: u, apiToken: t, priority: '2', okPriority: 0, sound: siren, retry: '30', expire: 3600}
  - uid: f12
    type: sns
    settings: {topic_arn: 'arn:aws:sns:eu-west-1:1:t', sigv4: {region: eu-west-1, access_key: a, secret_key: s}}
  - uid: f13
    type: googlechat
    settings: {url: 'https://chat.googleapis.com/v1/spaces/x'}
templates:
- orgId: 1
  name: mine
  template: |
    {{ define "mine.title" }}{{ .Status | toUpper }} {{ range .Alerts }}{{ .Values.B }}{{ end }}{{ end }}
- name: plain_body
  template: Alerts for {{ .Receiver }}
muteTimes:
- orgId: 1
  name: mti_1
  time_intervals:
  - times: [{start_time: '06:00', end_time: '23:59'}]
    location: UTC
    weekdays: ['monday:wednesday', saturday]
    months: ['1:3', 'may:august', december]
    years: ['2020:2022', '2030']
    days_of_month: ['1:5', '-3:-1']
deleteContactPoints: [{orgId: 1, uid: gone}]
deleteTemplates: [{orgId: 1, name: gone}]
deleteMuteTimes: [{orgId: 1, name: gone}]
"#;

const POLICIES: &str = r#"
apiVersion: 1
policies:
- orgId: 1
  receiver: cp_1
  group_by: [alertname]
  group_wait: 10s
  routes:
  - receiver: cp_2
    matchers: [alertname = Watchdog, 'severity =~ "critical|warning"']
    object_matchers: [[team, '!=', '"ml"']]
    mute_time_intervals: [mti_1]
    continue: true
    routes:
    - group_by: ['...']
      match: {a: b}
      repeat_interval: 1h
"#;

/// A route and those below it, one a line.
fn drawn(route: &Route, depth: usize, out: &mut String) {
    let matchers: Vec<String> = route.matchers.iter().map(ToString::to_string).collect();
    let by = if route.group_by_all { "all".to_string() } else { route.group_by.join(",") };
    out.push_str(&format!(
        "{}{} [{}] by {by} {}s/{}s/{}s{}{}\n",
        "  ".repeat(depth),
        route.receiver,
        matchers.join(","),
        route.group_wait.0 / 1000,
        route.group_interval.0 / 1000,
        route.repeat_interval.0 / 1000,
        if route.go_on { " continue" } else { "" },
        if route.mute_time_intervals.is_empty() { String::new() } else { format!(" mute {}", route.mute_time_intervals.join(",")) },
    ));
    for child in &route.routes {
        drawn(child, depth + 1, out);
    }
}

fn tree(files: &[(&str, &str)]) -> String {
    let settings = good(files);
    let mut out = String::new();
    if let Some(router) = &settings.router {
        drawn(&router.route, 0, &mut out);
    }
    out
}

#[test]
fn a_folder_of_grafanas_documentation() {
    let files = [(FILE, CONTACT_POINTS), ("provisioning/alerting/policies.json", POLICIES)];
    check_files(&files, expect![[""]]);
    let settings = good(&files);
    let mut out = String::new();
    for receiver in &settings.receivers {
        for integration in &receiver.integrations {
            let resolves = if integration.send_resolved { "" } else { " (firing only)" };
            out.push_str(&format!("{} {}/{}{resolves}\n", receiver.name, integration.kind.word(), integration.index));
        }
    }
    expect![[""]].assert_eq(&out);
    expect![[""]].assert_eq(&tree(&files));
    assert_eq!(settings.grafana.receivers, ["cp_1", "cp_2"]);
}

#[test]
fn settings_in_grafanas_words() {
    let settings = good(&[(FILE, CONTACT_POINTS), ("p.yml", POLICIES)]);
    let mut out = String::new();
    for integration in settings.receivers.iter().flat_map(|receiver| &receiver.integrations) {
        out.push_str(&match &integration.kind {
            IntegrationKind::Discord(it) => format!("discord {:?} {:?} {:?} {:?}\n", it.title, it.content, it.message, it.username),
            IntegrationKind::Telegram(it) => format!("telegram {} {} {:?}\n", it.chat_id, it.message_thread_id, it.parse_mode),
            IntegrationKind::Slack(it) => format!("slack {} {} {}\n", it.channel, it.pretext, it.api_url.expose()),
            IntegrationKind::GrafanaWebhook(it) => {
                format!("webhook put {} max {} vars {:?} {:?}\n", it.put, it.max_alerts, it.vars, it.hmac)
            }
            IntegrationKind::Opsgenie(it) => format!("opsgenie {} {:?} {:?}\n", it.api_url, it.tags, it.priority),
            IntegrationKind::VictorOps(it) => format!("victorops {} {} {}\n", it.api_url, it.api_key.expose(), it.routing_key),
            IntegrationKind::Pushover(it) => format!("pushover {} {} {} {}\n", it.priority, it.sound, it.retry.0, it.expire.0),
            IntegrationKind::Pagerduty(it) => format!("pagerduty {} {} {}\n", it.severity, it.class, it.details.len()),
            _ => String::new(),
        });
    }
    expect![[""]].assert_eq(&out);
}

/// One receiver's settings.
fn check_settings(kind: &str, settings: &str, expected: Expect) {
    let text = format!(
        "apiVersion: 1\ncontactPoints:\n- name: team\n  receivers:\n  - uid: u\n    type: {kind}\n    settings: {settings}\npolicies: [{{receiver: team}}]\n"
    );
    check_files(&[(FILE, &text)], expected);
}

#[test]
fn mistakes_in_settings() {
    check_settings("discord", "{}", expect![[""]]);
    check_settings("discord", "{url: hook, titel: x}", expect![[""]]);
    check_settings("discord", "{url: '$UNSET_HOOK'}", expect![[""]]);
    check_settings("discord", "{url: 'https://d/x', message: '{{ .Nobody }}'}", expect![[""]]);
    check_settings("discord", "{url: 'https://d/x', title: '{{ template \"nobody\" . }}'}", expect![[""]]);
    check_settings("slack", "{recipient: '#a'}", expect![[""]]);
    check_settings("slack", "{url: 'https://hooks.slack.com/x', mentionChannel: all}", expect![[""]]);
    check_settings("telegram", "{bottoken: x, chatid: me, parse_mode: BBCode}", expect![[""]]);
    check_settings("opsgenie", "{apiKey: x, apiUrl: 'https://o/v3', responders: [{type: crew}]}", expect![[""]]);
    check_settings("email", "{addresses: a@b.c}", expect![[""]]);
    check_settings("webhook", "{url: 'https://w', httpMethod: GET, maxAlerts: many, headers: {Cookie: x}}", expect![[""]]);
    check_settings("webhook", "{url: 'https://w', username: u, password: p, authorization_credentials: c, hmacConfig: {}}", expect![[""]]);
    check_settings("webhook", "{url: 'https://w', payload: {template: '{{ .Vars.x | data.ToJSN }}'}}", expect![[""]]);
    check_settings("victorops", "{url: 'https://v'}", expect![[""]]);
    check_settings("sns", "{}", expect![[""]]);
    check_settings("kafka", "{}", expect![[""]]);
    check_settings("prometheus-alertmanager", "{url: 'http://am:9093'}", expect![[""]]);
    check_settings("discrod", "{}", expect![[""]]);
}

fn check(text: &str, expected: Expect) {
    check_files(&[(FILE, &format!("apiVersion: 1\n{text}"))], expected);
}

const TEAM: &str = "contactPoints: [{name: team, receivers: [{uid: u, type: discord, settings: {url: 'https://d/x'}}]}]\n";

#[test]
fn mistakes_around_contact_points() {
    let receiver = |uid: &str| format!("{{uid: {uid}, type: discord, settings: {{url: 'https://d/x'}}}}");
    check(
        &format!("contactPoints: [{{name: a, receivers: [{}, {}]}}]\npolicies: [{{receiver: a}}]\n", receiver("u"), receiver("u")),
        expect![[""]],
    );
    check(
        &format!("contactPoints: [{{name: a, receivers: [{}]}}]\npolicies: [{{receiver: a}}]\n", receiver(&"u".repeat(41))),
        expect![[""]],
    );
    check("contactPoints: [{receivers: [{type: discord}]}]\n", expect![[""]]);
    check(&format!("{TEAM}deleteContactPoints: [{{uid: u}}]\npolicies: [{{receiver: team}}]\n"), expect![[""]]);
    check(TEAM, expect![[""]]);
}

#[test]
fn mistakes_in_policies() {
    check(&format!("{TEAM}policies: [{{receiver: taem, mute_time_intervals: [x]}}]\n"), expect![[""]]);
    check(
        &format!(
            "{TEAM}policies: [{{receiver: team, routes: [{{object_matchers: [[a, '=='], [a, '==', b], [a, '=~', '(']], mute_time_intervals: [nigth]}}]}}]\nmuteTimes: [{{name: night}}]\n"
        ),
        expect![[""]],
    );
    check(&format!("{TEAM}policies: [{{receiver: team}}, {{receiver: team, group_wait: 1x}}]\nresetPolicies: [1]\n"), expect![[""]]);
    check(&format!("{TEAM}policies: [{{receiver: team, group_intervall: 1m, group_by: [a, a, '...']}}]\n"), expect![[""]]);
}

#[test]
fn mistakes_in_templates_and_timings() {
    check("templates: [{name: a}]\nmuteTimes: [{time_intervals: []}]\n", expect![[""]]);
    check("templates:\n- name: a\n  template: |\n    {{ define \"a\" }}\n    {{ .Status | toUper }}\n    {{ end }}\n", expect![[""]]);
    check("templates:\n- name: a\n  template: |\n    {{ define \"a\" }}\n    {{ template \"b\" . }}\n    {{ end }}\n", expect![[""]]);
    check("muteTimes: [{name: a, time_intervals: [{weekdays: [mo]}]}, {name: a}]\n", expect![[""]]);
}

const ALERTMANAGER: &str = "route: {receiver: team, routes: [{receiver: pager, matchers: [severity=page]}]}\nreceivers:\n- name: team\n- name: pager\n\
                            time_intervals: [{name: night}]\n";

/// Grafana's root becomes the first child of alertmanager.yml's: the groups of alertmanager.yml keep their keys.
#[test]
fn two_trees() {
    let grafana = format!(
        "apiVersion: 1\n{TEAM}policies: [{{receiver: team, routes: [{{mute_time_intervals: [night], match: {{a: b}}}}]}}]\nmuteTimes: [{{name: night}}]\n"
    );
    expect![[""]].assert_eq(&tree(&[("alertmanager.yml", ALERTMANAGER), (FILE, &grafana)]));
    check_files(&[("alertmanager.yml", ALERTMANAGER), (FILE, &grafana)], expect![[""]]);
    let no_policies = format!("apiVersion: 1\n{TEAM}");
    check_files(&[("alertmanager.yml", ALERTMANAGER), (FILE, &no_policies)], expect![[""]]);
}

const MAIL: &str = "apiVersion: 1\ncontactPoints: [{name: m, receivers: [{uid: u, type: email, settings: {addresses: 'a@b.c; d@e.f', message: 'Hi {{ .Status }}'}}]}]\npolicies: [{receiver: m}]\n";

#[test]
fn mail_goes_by_grafanas_smtp() {
    let folder = Folder::with(&[
        (FILE, MAIL),
        ("grafana.ini", "[smtp]\nenabled = true\nhost = mail:587\npassword = $__env{MAIL_PASSWORD}\nuser = u\n"),
    ]);
    let loaded = load_with(&folder.0, &[("MAIL_PASSWORD", "pw"), ("GF_SMTP_FROM_ADDRESS", "grafana@b.c")]);
    let settings = loaded.settings.as_ref().unwrap_or_else(|| panic!("{}", folder.problems(&loaded)));
    let mut out = String::new();
    for integration in &settings.receivers[0].integrations {
        if let IntegrationKind::Email(mail) = &integration.kind {
            let password = mail.auth_password.expose();
            out.push_str(&format!(
                "{} to {} from {} by {} as {}:{password}\n",
                integration.index, mail.to, mail.from, mail.smarthost, mail.auth_username
            ));
        }
    }
    expect![[""]].assert_eq(&out);
}
