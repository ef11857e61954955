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
    expect![[r#"
        cp_1 pagerduty/0
        cp_1 discord/0 (firing only)
        cp_1 telegram/0
        cp_1 discord/1
        cp_2 slack/0
        cp_2 webhook/0
        cp_2 opsgenie/0 (firing only)
        cp_2 msteamsv2/0
        cp_2 victorops/0
        cp_2 webex/0
        cp_2 pushover/0
        cp_2 sns/0
        cp_2 googlechat/0
    "#]]
    .assert_eq(&out);
    expect![[r#"
        cp_1 [] by alertname 10s/300s/14400s
          cp_2 [alertname="Watchdog",severity=~"critical|warning",team!="ml"] by alertname 10s/300s/14400s continue mute mti_1
            cp_2 [a="b"] by all 10s/300s/3600s
    "#]]
    .assert_eq(&tree(&files));
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
    expect![[r#"
        pagerduty critical ping failure 4
        discord "{{ template \"mine.title\" . }}" "{{ template \"default.message\" . }}" "" "bellbuoy"
        telegram -100200 7 Plain
        discord "{{ template \"default.title\" . }}" "" "{{ template \"default.message\" . }}" ""
        slack #alerts <!here|here> <!subteam^G1> <@U1> <@U2> https://slack.com/api/chat.postMessage
        webhook put true max 10 vars [("team", "ml")] Some(HmacSettings { secret: <secret>, header: "X-Grafana-Alerting-Signature", timestamp_header: "X-Time" })
        opsgenie https://api.eu.opsgenie.com/ "{{ range .CommonLabels.SortedPairs }}{{ .Name }}:{{ .Value }},{{ end }}" "{{ .CommonLabels.og_priority }}"
        victorops https://alert.victorops.com/integrations/generic/20131114/alert/ KEY route
        pushover {{ if eq .Status "firing" }}2{{ else }}0{{ end }} {{ if eq .Status "firing" }}siren{{ else }}{{ end }} 30000 3600000
    "#]].assert_eq(&out);
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
    check_settings(
        "discord",
        "{}",
        expect![[r#"provisioning/alerting/notify.yml:7:15: "url" is missing in this receiver's settings; add `url: ...`"#]],
    );
    check_settings(
        "discord",
        "{url: hook, titel: x}",
        expect![[r#"
            provisioning/alerting/notify.yml:7:21: "url" is not a web address: it must begin with http:// or https://
            provisioning/alerting/notify.yml:7:27: warning: unknown field "titel" in receiver's settings; did you mean "title"?"#]],
    );
    check_settings(
        "discord",
        "{url: '$UNSET_HOOK'}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:21: "url" is empty
        provisioning/alerting/notify.yml:7:22: warning: variable UNSET_HOOK is not set: as in Grafana an empty text takes its place; set UNSET_HOOK in the environment or in .env, or write $$ for a dollar sign"#]],
    );
    check_settings(
        "discord",
        "{url: 'https://d/x', message: '{{ .Nobody }}'}",
        expect![[
            r#"provisioning/alerting/notify.yml:3:9: contact point "team", discord: template of content failed: line 1: can't evaluate field Nobody: there is no such field"#
        ]],
    );
    check_settings(
        "discord",
        "{url: 'https://d/x', title: '{{ template \"nobody\" . }}'}",
        expect![[
            r#"provisioning/alerting/notify.yml:3:9: contact point "team", discord: template of title failed: line 1: template "nobody" not defined"#
        ]],
    );
    check_settings(
        "slack",
        "{recipient: '#a'}",
        expect![
            "provisioning/alerting/notify.yml:7:15: token must be specified when using the Slack chat API; add it, or `url: https://hooks.slack.com/...` of an incoming webhook"
        ],
    );
    check_settings(
        "slack",
        "{url: 'https://hooks.slack.com/x', mentionChannel: all}",
        expect![[r#"provisioning/alerting/notify.yml:7:66: unknown mentionChannel "all"; known are here, channel"#]],
    );
    check_settings(
        "telegram",
        "{bottoken: x, chatid: me, parse_mode: BBCode}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:37: "chatid" must be a whole number, not "me"
        provisioning/alerting/notify.yml:7:53: unknown parse_mode "BBCode"; known are HTML, Markdown, MarkdownV2, None"#]],
    );
    check_settings(
        "opsgenie",
        "{apiKey: x, apiUrl: 'https://o/v3', responders: [{type: crew}]}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:27: "apiUrl" must end with /v2/alerts
        provisioning/alerting/notify.yml:7:64: a responder needs at least one of id, username and name
        provisioning/alerting/notify.yml:7:65: unknown type "crew" of a responder; known are team, teams, user, escalation, schedule"#]],
    );
    check_settings(
        "email",
        "{addresses: a@b.c}",
        expect![
            "provisioning/alerting/notify.yml:7:15: no SMTP server for this contact point; set GF_SMTP_ENABLED=true, GF_SMTP_HOST and GF_SMTP_FROM_ADDRESS, or put grafana.ini with [smtp] into the folder"
        ],
    );
    check_settings(
        "webhook",
        "{url: 'https://w', httpMethod: GET, maxAlerts: many, headers: {Cookie: x}}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:46: unknown httpMethod "GET"; known are POST, PUT
        provisioning/alerting/notify.yml:7:62: "maxAlerts" must be a whole number, not "many"
        provisioning/alerting/notify.yml:7:78: custom header "Cookie" is not allowed"#]],
    );
    check_settings(
        "webhook",
        "{url: 'https://w', username: u, password: p, authorization_credentials: c, hmacConfig: {}}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:60: both HTTP Basic Authentication and Authorization Header are set, only 1 is permitted; remove one of the two
        provisioning/alerting/notify.yml:7:102: "secret" is missing in this hmacConfig; add `secret: ...`"#]],
    );
    check_settings(
        "webhook",
        "{url: 'https://w', payload: {template: '{{ .Vars.x | data.ToJSN }}'}}",
        expect![[
            r#"provisioning/alerting/notify.yml:3:9: contact point "team", webhook: template of payload failed: line 1: function "data" not defined"#
        ]],
    );
    check_settings(
        "victorops",
        "{url: 'https://v'}",
        expect![[
            r#"provisioning/alerting/notify.yml:7:16: "url" must end with the key and the routing key; write .../alert/KEY/ROUTING_KEY"#
        ]],
    );
    check_settings(
        "sns",
        "{}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:15: must specify topic_arn, target_arn, or phone_number
        provisioning/alerting/notify.yml:7:15: sigv4 needs region, access_key and secret_key; keys of the machine's own role are not read"#]],
    );
    check_settings(
        "kafka",
        "{}",
        expect![[
            r#"provisioning/alerting/notify.yml:6:11: contact points of type "kafka" are not supported; use a webhook to Kafka's REST proxy"#
        ]],
    );
    check_settings(
        "prometheus-alertmanager",
        "{url: 'http://am:9093'}",
        expect![[
            r#"provisioning/alerting/notify.yml:6:11: contact points of type "prometheus-alertmanager" are not supported; name the Alertmanager in prometheus.yml under alerting.alertmanagers"#
        ]],
    );
    check_settings(
        "discrod",
        "{}",
        expect![[r#"provisioning/alerting/notify.yml:6:11: unknown type "discrod" of a contact point; did you mean "discord"?"#]],
    );
}

/// The one integration of a contact point.
fn made(kind: &str, settings: &str) -> IntegrationKind {
    let text = format!(
        "apiVersion: 1\ncontactPoints: [{{name: team, receivers: [{{uid: u, type: {kind}, settings: {settings}}}]}}]\npolicies: [{{receiver: team}}]\n"
    );
    let mut settings = good(&[(FILE, &text)]);
    settings.receivers.remove(0).integrations.remove(0).kind
}

#[test]
fn jira_in_grafanas_words() {
    let settings = "{api_url: 'https://x.atlassian.net/rest/api/3/', user: me, password: p, project: ML, issue_type: Bug, labels: [a, '{{ .Status }}'], \
                    resolve_transition: Done, reopen_duration: 10m, fields: {customfield_1: '{\"id\": 7}', customfield_2: {name: x}}}";
    let IntegrationKind::Jira(jira) = made("jira", settings) else { panic!("Jira") };
    assert_eq!(
        (jira.api_url.as_str(), jira.project.as_str(), jira.issue_type.as_str()),
        ("https://x.atlassian.net/rest/api/3", "ML", "Bug")
    );
    assert_eq!((jira.summary.template.as_str(), jira.summary.update), (r#"{{ template "jira.default.summary" . }}"#, true));
    assert_eq!(jira.description.template, r#"{{ template "jira.default.description" . }}"#);
    assert_eq!(jira.priority, r#"{{ template "jira.default.priority" . }}"#);
    assert_eq!((jira.labels.len(), jira.resolve_transition.as_str(), jira.reopen_duration.0), (2, "Done", 600_000));
    assert_eq!(jira.http.basic_auth.as_ref().map(|(user, _)| user.as_str()), Some("me"));
    let names: Vec<&str> = jira.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["customfield_1", "customfield_2"]);
    let IntegrationKind::Jira(jira) = made("jira", "{api_url: 'https://j/rest/api/2', api_token: t, project: ML, issue_type: Bug}") else {
        panic!("Jira")
    };
    assert_eq!(jira.http.authorization.as_ref().map(|secret| secret.expose()), Some("Bearer t"));
    check_settings(
        "jira",
        "{api_url: 'https://j/rest/api/2', user: me, dedup_key_field: '10'}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:15: "project" is missing in this receiver's settings; add `project: ...`
        provisioning/alerting/notify.yml:7:15: "issue_type" is missing in this receiver's settings; add `issue_type: ...`
        provisioning/alerting/notify.yml:7:15: either token or both user and password must be set; add `api_token`, or `user` and `password`
        provisioning/alerting/notify.yml:7:76: warning: "dedup_key_field" has no effect: the group's key is a label of the issue, `ALERT{...}`"#]],
    );
    check_settings(
        "jira",
        "{api_url: j, user: me, password: p, api_token: t, project: A, issue_type: B, reopen_duration: 1x, fields: [a]}",
        expect![[r#"
            provisioning/alerting/notify.yml:7:25: "api_url" is not a web address: it must begin with http:// or https://
            provisioning/alerting/notify.yml:7:51: provided both token and user/password, only one is allowed at a time; remove one of the two
            provisioning/alerting/notify.yml:7:109: "reopen_duration" is not a valid duration: "1x"; write for example 15s, 5m or 1h30m
            provisioning/alerting/notify.yml:7:121: "fields" must be a map, not a list; write it as `name: value` lines"#]],
    );
}

#[test]
fn wecom_in_grafanas_words() {
    for (settings, expected) in [
        (
            "{url: 'https://w/cgi-bin/webhook/send?key=k'}",
            r##"robot https://w/cgi-bin/webhook/send?key=k markdown=true "# {{ template \"default.title\" . }}\n{{ template \"default.message\" . }}\n""##,
        ),
        ("{url: 'https://w/x', msgtype: text, title: T, message: M, secret: ignored}", r#"robot https://w/x markdown=false "T\nM""#),
        (
            "{secret: s, corp_id: c, agent_id: 1000002, touser: 'a|b', title: T, message: M, endpointUrl: 'https://proxy/'}",
            r##"app https://proxy/cgi-bin/ c 1000002 a|b markdown=true "# T\nM\n""##,
        ),
        (
            "{secret: s, corp_id: c, agent_id: '1', title: T, message: M}",
            r##"app https://qyapi.weixin.qq.com/cgi-bin/ c 1 @all markdown=true "# T\nM\n""##,
        ),
    ] {
        let IntegrationKind::Wechat(it) = made("wecom", settings) else { panic!("WeCom") };
        let way = match &it.robot_url {
            Some(url) => format!("robot {}", url.expose()),
            None => format!("app {} {} {} {}", it.api_url, it.corp_id, it.agent_id, it.to_user),
        };
        assert_eq!(format!("{way} markdown={} {:?}", it.markdown, it.message), expected, "{settings}");
    }
    check_settings(
        "wecom",
        "{msgtype: html}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:15: either url or secret is required; add the `url` of a group's robot, or `secret`, `corp_id` and `agent_id` of an application
        provisioning/alerting/notify.yml:7:25: warning: unknown msgtype "html": as in Grafana the message is Markdown; known are markdown, text"#]],
    );
    check_settings(
        "wecom",
        "{secret: s, url: ''}",
        expect![[r#"
        provisioning/alerting/notify.yml:7:15: "corp_id" is missing in this receiver's settings; add `corp_id: ...`
        provisioning/alerting/notify.yml:7:15: "agent_id" is missing in this receiver's settings; add `agent_id: ...`"#]],
    );
    check_settings(
        "wecom",
        "{url: robot}",
        expect![[r#"provisioning/alerting/notify.yml:7:21: "url" is not a web address: it must begin with http:// or https://"#]],
    );
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
        expect![[
            r#"provisioning/alerting/notify.yml:2:102: uid "u" is given twice: also at provisioning/alerting/notify.yml:2; the uid of each receiver is its own"#
        ]],
    );
    check(
        &format!("contactPoints: [{{name: a, receivers: [{}]}}]\npolicies: [{{receiver: a}}]\n", receiver(&"u".repeat(41))),
        expect!["provisioning/alerting/notify.yml:2:45: uid is longer than 40 characters"],
    );
    check(
        "contactPoints: [{receivers: [{type: discord}]}]\n",
        expect![[r#"
        provisioning/alerting/notify.yml:2:17: "name" is missing in this contact point; add `name: ...`
        provisioning/alerting/notify.yml:2:30: "uid" is missing in this receiver of a contact point; add `uid: ...`
        provisioning/alerting/notify.yml:2:30: settings are missing in this receiver of a contact point; add `settings:`"#]],
    );
    check(
        &format!("{TEAM}deleteContactPoints: [{{uid: u}}]\npolicies: [{{receiver: team}}]\n"),
        expect![[
            r#"provisioning/alerting/notify.yml:2:42: warning: receiver "u" is deleted at once by deleteContactPoints at provisioning/alerting/notify.yml:3; remove one of the two"#
        ]],
    );
    check(
        TEAM,
        expect![[
            r#"provisioning/alerting/notify.yml:2:24: warning: contact points without policies: everything goes to the first one, "team"; add `policies:`"#
        ]],
    );
}

#[test]
fn mistakes_in_policies() {
    check(
        &format!("{TEAM}policies: [{{receiver: taem, mute_time_intervals: [x]}}]\n"),
        expect![[r#"
            provisioning/alerting/notify.yml:3:23: unknown contact point "taem"; did you mean "team"?
            provisioning/alerting/notify.yml:3:29: the root policy can not have mute_time_intervals: it takes all alerts; move it to a policy below routes:
            provisioning/alerting/notify.yml:3:51: unknown mute timing "x""#]],
    );
    check(
        &format!(
            "{TEAM}policies: [{{receiver: team, routes: [{{object_matchers: [[a, '=='], [a, '==', b], [a, '=~', '(']], mute_time_intervals: [nigth]}}]}}]\nmuteTimes: [{{name: night}}]\n"
        ),
        expect![[r#"
            provisioning/alerting/notify.yml:3:57: an object matcher is a list of label, operator and value; write for example [severity, '=', critical]
            provisioning/alerting/notify.yml:3:72: unknown operator "==" of a matcher; known are =, !=, =~ and !~
            provisioning/alerting/notify.yml:3:92: bad regular expression "(": unclosed group
            provisioning/alerting/notify.yml:3:121: unknown mute timing "nigth"; did you mean "night"?"#]],
    );
    check(
        &format!("{TEAM}policies: [{{receiver: team}}, {{receiver: team, group_wait: 1x}}]\nresetPolicies: [1]\n"),
        expect![[r#"
        provisioning/alerting/notify.yml:3:12: warning: these policies have no effect: the ones at provisioning/alerting/notify.yml:3 are read later, and the last tree wins; keep one tree and make the others its routes
        provisioning/alerting/notify.yml:3:59: "group_wait" is not a valid duration: "1x"; write for example 15s, 5m or 1h30m
        provisioning/alerting/notify.yml:4:1: warning: resetPolicies beside policies: Grafana drops the tree again after reading it; here the tree stays; remove one of the two"#]],
    );
    check(
        &format!("{TEAM}policies: [{{receiver: team, group_intervall: 1m, group_by: [a, a, '...']}}]\n"),
        expect![[r#"
        provisioning/alerting/notify.yml:3:29: unknown field "group_intervall" in notification policy; did you mean "group_interval"?
        provisioning/alerting/notify.yml:3:50: group_by can not have `...` and other labels at the same time; `...` alone groups by all labels
        provisioning/alerting/notify.yml:3:64: label "a" is given twice in group_by; remove one of the two"#]],
    );
}

#[test]
fn mistakes_in_templates_and_timings() {
    check(
        "templates: [{name: a}]\nmuteTimes: [{time_intervals: []}]\n",
        expect![[r#"
        provisioning/alerting/notify.yml:2:13: "template" is missing in this template; add `template: ...`
        provisioning/alerting/notify.yml:3:13: "name" is missing in this mute timing; add `name: ...`"#]],
    );
    check(
        "templates:\n- name: a\n  template: |\n    {{ define \"a\" }}\n    {{ .Status | toUper }}\n    {{ end }}\n",
        expect![[r#"provisioning/alerting/notify.yml:6:1: template "a": function "toUper" not defined"#]],
    );
    check(
        "templates:\n- name: a\n  template: |\n    {{ define \"a\" }}\n    {{ template \"b\" . }}\n    {{ end }}\n",
        expect![[r#"provisioning/alerting/notify.yml:6:1: in "a": template "b" not defined"#]],
    );
    check(
        "muteTimes: [{name: a, time_intervals: [{weekdays: [mo]}]}, {name: a}]\n",
        expect![[r#"
        provisioning/alerting/notify.yml:2:52: "mo" in "weekdays": "mo" is no weekday
        provisioning/alerting/notify.yml:2:67: mute timing "a" is given twice"#]],
    );
}

const ALERTMANAGER: &str = "route: {receiver: team, routes: [{receiver: pager, matchers: [severity=page]}]}\nreceivers:\n- name: team\n- name: pager\n\
                            time_intervals: [{name: night}]\n";

/// Grafana's root becomes the first child of alertmanager.yml's: the groups of alertmanager.yml keep their keys.
#[test]
fn two_trees() {
    let grafana = format!(
        "apiVersion: 1\n{TEAM}policies: [{{receiver: team, routes: [{{mute_time_intervals: [night], match: {{a: b}}}}]}}]\nmuteTimes: [{{name: night}}]\n"
    );
    expect![[r#"
        team [] by  30s/300s/14400s
          team (Grafana) [__alert_rule_uid__!=""] by grafana_folder,alertname 30s/300s/14400s
            team (Grafana) [a="b"] by grafana_folder,alertname 30s/300s/14400s mute night (Grafana)
          pager [severity="page"] by  30s/300s/14400s
    "#]]
    .assert_eq(&tree(&[("alertmanager.yml", ALERTMANAGER), (FILE, &grafana)]));
    check_files(
        &[("alertmanager.yml", ALERTMANAGER), (FILE, &grafana)],
        expect![[
            r#"provisioning/alerting/notify.yml:2:24: warning: receiver "team" is in alertmanager.yml too: this one goes on as "team (Grafana)"; give one of the two another name"#
        ]],
    );
    let no_policies = format!("apiVersion: 1\n{TEAM}");
    check_files(
        &[("alertmanager.yml", ALERTMANAGER), (FILE, &no_policies)],
        expect![[r#"
        provisioning/alerting/notify.yml:2:24: warning: receiver "team" is in alertmanager.yml too: this one goes on as "team (Grafana)"; give one of the two another name
        provisioning/alerting/notify.yml:2:24: warning: contact points without policies: alerts of Grafana's rules take the routes of alertmanager.yml; add `policies:`"#]],
    );
}

/// A rule names its receiver in Grafana's words: the contact point, not the receiver of the same name in alertmanager.yml, which has other
/// templates and perhaps tells other people.
#[test]
fn rules_name_contact_points() {
    let rules = |receiver: &str| {
        format!(
            "apiVersion: 1\ngroups:\n- name: g\n  folder: ML\n  interval: 1m\n  rules:\n  - uid: u1\n    title: High\n    condition: A\n    \
             data: [{{refId: A, datasourceUid: __expr__, model: {{type: math, expression: '1 > 0'}}}}]\n    \
             notification_settings: {{receiver: {receiver}, mute_time_intervals: [night], active_time_intervals: [day]}}\n"
        )
    };
    let notify = format!("apiVersion: 1\n{TEAM}policies: [{{receiver: team}}]\nmuteTimes: [{{name: night}}, {{name: day}}]\n");
    let named = |receiver: &str| {
        let files =
            [("alertmanager.yml", ALERTMANAGER.to_string()), (FILE, notify.clone()), ("provisioning/alerting/rules.yml", rules(receiver))];
        let settings = good(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
        let root = settings.router.expect("a router").route;
        let route = &root.routes[0].routes[0];
        (route.receiver.clone(), route.mute_time_intervals.join(","), route.active_time_intervals.join(","))
    };
    let intervals = || ("night (Grafana)".to_string(), "day".to_string());
    assert_eq!(named("team"), ("team (Grafana)".into(), intervals().0, intervals().1));
    // Only alertmanager.yml has this one.
    assert_eq!(named("pager"), ("pager".into(), intervals().0, intervals().1));
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
    expect![[r#"
        0 to a@b.c from grafana@b.c by mail:587 as u:pw
        1 to d@e.f from grafana@b.c by mail:587 as u:pw
    "#]]
    .assert_eq(&out);
}
