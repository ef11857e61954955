//! Mistakes in alertmanager.yml.

use expect_test::{Expect, expect};

use super::check_files;

fn check(text: &str, expected: Expect) {
    check_files(&[("alertmanager.yml", text)], expected);
}

/// One child route as its lines; receivers `team` and `pager`, time interval `night`.
fn check_route(lines: &str, expected: Expect) {
    let lines = lines.replace('\n', "\n    ");
    check(
        &format!(
            "route:\n  receiver: team\n  routes:\n  - {lines}\nreceivers:\n- name: team\n- name: pager\ntime_intervals:\n- name: night\n"
        ),
        expected,
    );
}

/// Lines of the one receiver.
fn check_receiver(lines: &str, expected: Expect) {
    let lines = lines.replace('\n', "\n  ");
    check(&format!("route: {{receiver: team}}\nreceivers:\n- name: team\n  {lines}\n"), expected);
}

fn check_interval(span: &str, expected: Expect) {
    check(
        &format!("route: {{receiver: team}}\nreceivers:\n- name: team\ntime_intervals:\n- name: t\n  time_intervals:\n  - {span}\n"),
        expected,
    );
}

#[test]
fn root() {
    check("receivers:\n- name: team\n", expect!["alertmanager.yml:1:1: no route is given; add route: with a receiver"]);
    check(
        "route: {}\nreceivers:\n- name: team\n",
        expect!["alertmanager.yml:1:8: the root route needs a receiver; add `receiver: NAME`; it takes what no other route takes"],
    );
    check(
        "route: {group_by: [a]}\nreceivers:\n- name: team\n",
        expect!["alertmanager.yml:1:8: the root route needs a receiver; add `receiver: NAME`; it takes what no other route takes"],
    );
    check(
        "route: {receiver: team, matchers: [a=b]}\nreceivers:\n- name: team\n",
        expect!["alertmanager.yml:1:25: the root route can not have matchers: it takes all alerts; move them to a route below routes:"],
    );
    check(
        "route: {receiver: team, match: {a: b}, continue: true}\nreceivers:\n- name: team\n",
        expect![[r#"
        alertmanager.yml:1:25: the root route can not have matchers: it takes all alerts; move them to a route below routes:
        alertmanager.yml:1:40: the root route can not have continue; remove it"#]],
    );
    check(
        "route: {receiver: team, mute_time_intervals: [n]}\nreceivers:\n- name: team\ntime_intervals:\n- name: n\n",
        expect!["alertmanager.yml:1:25: the root route can not have mute_time_intervals; move them to a route below routes:"],
    );
    check(
        "route: {receiver: team}\nreceivers:\n- name: team\n- name: team\n",
        expect![[r#"alertmanager.yml:4:9: receiver "team" is given twice; receiver names are unique"#]],
    );
    check(
        "route: {receiver: team}\nreceivers:\n- {}\n- name: team\n",
        expect![[r#"alertmanager.yml:3:3: "name" is missing in this receiver; add `name: ...`"#]],
    );
    check(
        "route: {receiver: team}\nreceivers:\n- name: team\ninhibit_rule: []\n",
        expect![[r#"alertmanager.yml:4:1: unknown field "inhibit_rule" in alertmanager.yml; did you mean "inhibit_rules"?"#]],
    );
    check(
        "route: {receiver: team}\nreceivers:\n- name: team\ntracing: {}\n",
        expect![[r#"alertmanager.yml:4:1: "tracing" is not supported yet; remove it"#]],
    );
}

#[test]
fn routes() {
    check_route("receiver: paper", expect![[r#"alertmanager.yml:4:15: unknown receiver "paper"; did you mean "pager"?"#]]);
    check_route("receiver: somebody", expect![[r#"alertmanager.yml:4:15: unknown receiver "somebody""#]]);
    check_route(
        "matchers: [severity]",
        expect![[r#"alertmanager.yml:4:16: bad matcher format: severity; write for example severity="critical""#]],
    );
    check_route("matchers: ['a=~\"b(\"']", expect![[r#"alertmanager.yml:4:16: bad regular expression "b(": unclosed group"#]]);
    // As Alertmanager does: the brace is gone, and what is left has one that repeats nothing.
    check_route(
        "matchers: ['code=~[0-9]{3}']",
        expect![[
            r#"alertmanager.yml:4:16: warning: the last brace is taken for the end of a list of matchers: the value is [0-9]{3; write code=~"[0-9]{3}""#
        ]],
    );
    check_route("matchers: ['code=~\"[0-9]{3}\"', '{code=~[0-9]{3}}']", expect![[r#""#]]);
    check_route(
        "matchers: severity=critical",
        expect![[r#"alertmanager.yml:4:15: "matchers" must be a list, not a value; begin each item with `- `"#]],
    );
    check_route(
        "match: {a-b: c}",
        expect![[r#"alertmanager.yml:4:13: invalid label name "a-b"; use letters, digits and `_`, or write it with matchers:"#]],
    );
    check_route("match_re: {a: 'b('}", expect![[r#"alertmanager.yml:4:19: bad regular expression "b(": unclosed group"#]]);
    check_route("match_re: {a: }", expect![[r#"alertmanager.yml:4:16: "a" in match_re has no regular expression"#]]);
    check_route("group_by: [a, a]", expect![[r#"alertmanager.yml:4:19: label "a" is given twice in group_by; remove one of the two"#]]);
    check_route(
        "group_by: [a, '...']",
        expect!["alertmanager.yml:4:5: group_by can not have `...` and other labels at the same time; `...` alone groups by all labels"],
    );
    check_route("group_by: ['']", expect!["alertmanager.yml:4:16: empty label name in group_by"]);
    check_route(
        "group_by: alertname",
        expect![[r#"alertmanager.yml:4:15: "group_by" must be a list, not a value; begin each item with `- `"#]],
    );
    check_route("group_interval: 0s", expect!["alertmanager.yml:4:21: group_interval can not be zero"]);
    check_route("repeat_interval: 0s", expect!["alertmanager.yml:4:22: repeat_interval can not be zero"]);
    check_route("group_wait: 0s", expect![""]);
    check_route(
        "group_wait: ten",
        expect![[r#"alertmanager.yml:4:17: "group_wait" is not a valid duration: "ten"; write for example 15s, 5m or 1h30m"#]],
    );
    check_route(
        "mute_time_intervals: [nigth]",
        expect![[r#"alertmanager.yml:4:27: unknown time interval "nigth"; did you mean "night"?"#]],
    );
    check_route("active_time_intervals: [weekend]", expect![[r#"alertmanager.yml:4:29: unknown time interval "weekend""#]]);
    check_route("reciever: pager", expect![[r#"alertmanager.yml:4:5: unknown field "reciever" in route; did you mean "receiver"?"#]]);
    check_route(
        "receiver: pager\ncontinue: perhaps",
        expect![[r#"alertmanager.yml:5:15: "continue" must be true or false, not "perhaps""#]],
    );
    check_route("routes:\n- routes:\n  - receiver: nobody", expect![[r#"alertmanager.yml:6:19: unknown receiver "nobody""#]]);
}

#[test]
fn receivers() {
    check_receiver(
        "discord_config: []",
        expect![[r#"alertmanager.yml:4:3: unknown field "discord_config" in receiver; did you mean "discord_configs"?"#]],
    );
    check_receiver(
        "discord_configs:\n- title: a",
        expect![[
            r#"alertmanager.yml:5:5: "webhook_url" is missing in this discord config; add `webhook_url: https://...` or `webhook_url_file: path`"#
        ]],
    );
    check_receiver(
        "discord_configs:\n- webhook_url: discord.com/api",
        expect![[r#"alertmanager.yml:5:18: "webhook_url" is not a web address: it must begin with http:// or https://"#]],
    );
    check_receiver(
        "discord_configs:\n- webhook_url: https://d/a\n  webhook_url_file: u",
        expect![[r#"
            alertmanager.yml:6:5: at most one of webhook_url and webhook_url_file can be used
            alertmanager.yml:6:23: can not read webhook_url_file "u": no such file"#]],
    );
    check_receiver(
        "discord_configs:\n-",
        expect![[r#"alertmanager.yml:5:4: empty discord config in "discord_configs"; remove the lone `-`"#]],
    );
    check_receiver(
        "webhook_configs:\n- max_alerts: 1",
        expect![[r#"alertmanager.yml:5:5: "url" is missing in this webhook config; add `url: https://...` or `url_file: path`"#]],
    );
    check_receiver("webhook_configs:\n- url: 'http://'", expect![[r#"alertmanager.yml:5:10: "url" is not a web address: it has no host"#]]);
    check_receiver("webhook_configs:\n- url: 'http://a/{{ .GroupLabels.team }}'", expect![""]);
    check_receiver(
        "webhook_configs:\n- url: http://a/b\n  max_alerts: all\n  send_resolved: 1",
        expect![[r#"
        alertmanager.yml:6:17: "max_alerts" must be a whole number, not "all"
        alertmanager.yml:7:20: "send_resolved" must be true or false, not "1""#]],
    );
    check_receiver(
        "webhook_configs:\n- url: http://a/b\n  http_config: {proxy_url: http://p, tls_config: {server_name: x}}",
        expect!["alertmanager.yml:6:40: server_name together with a proxy is not supported yet; remove one of them"],
    );
    check_receiver(
        "email_configs:\n- to: a@b.c",
        expect![[r#"
        alertmanager.yml:5:5: "from" is missing in this email config; add `from: ...` here or `smtp_from: ...` in global
        alertmanager.yml:5:5: "smarthost" is missing in this email config; add `smarthost: ...` here or `smtp_smarthost: ...` in global"#]],
    );
    check_receiver(
        "email_configs:\n- from: a@b.c\n  smarthost: h:25",
        expect![[r#"alertmanager.yml:5:5: "to" is missing in this email config; add `to: ...`"#]],
    );
    check_receiver(
        "email_configs:\n- to: a@b.c\n  from: a@b.c\n  smarthost: mail.example.org",
        expect![[
            r#"alertmanager.yml:7:16: "smarthost" must be host:port, not "mail.example.org"; the usual ports are 587 (STARTTLS) and 465 (TLS)"#
        ]],
    );
    check_receiver(
        "email_configs:\n- to: a@b.c\n  from: a@b.c\n  smarthost: h:25\n  headers: {subject: a, Subject: b}",
        expect![[r#"alertmanager.yml:8:27: header "Subject" is given twice; header names do not depend on case"#]],
    );
    check_receiver(
        "email_configs:\n- to: a@b.c\n  from: a@b.c\n  smarthost: h:25\n  auth_secret: s\n  threading: {enabled: true, thread_by_date: none}",
        expect![""],
    );
    check_receiver(
        "email_configs:\n- to: a@b.c\n  from: a@b.c\n  smarthost: h:25\n  threading: {enabled: true, thread_by_date: daily}\n  headers: {references: a}",
        expect![[r#"alertmanager.yml:8:5: threading makes the header "References" itself; remove one of them"#]],
    );
    check_receiver(
        "email_configs:\n- to: a@b.c\n  from: a@b.c\n  smarthost: h:25\n  threading: {enabled: true}\n  tls_config: {max_version: TLS12}",
        expect![[r#"
            alertmanager.yml:8:16: thread_by_date must be none or daily; daily begins a new conversation each day
            alertmanager.yml:9:17: max_version is not supported yet for e-mail; leave it out"#]],
    );
}

#[test]
fn chats() {
    let lines = |kind: &str, lines: &str| format!("{kind}_configs:\n- {}", lines.replace('\n', "\n  "));
    let check = |kind: &str, text: &str, expected: Expect| check_receiver(&lines(kind, text), expected);
    check(
        "slack",
        "channel: '#a'",
        expect![
            "alertmanager.yml:5:5: no Slack API URL nor App token set either inline or in a file; add `api_url: https://hooks.slack.com/...` here or `slack_api_url: ...` in global"
        ],
    );
    check(
        "slack",
        "api_url: https://hooks.slack.com/a\napp_token: xoxb-1",
        expect![[r#"
        alertmanager.yml:5:5: warning: no channel for the Slack App: Slack refuses such messages; add `channel: '#name'`
        alertmanager.yml:6:5: at most one of api_url/api_url_file & app_token/app_token_file must be configured; a webhook needs no token"#]],
    );
    check(
        "slack",
        "api_url: hooks.slack.com/a",
        expect![[r#"alertmanager.yml:5:14: "api_url" is not a web address: it must begin with http:// or https://"#]],
    );
    check(
        "slack",
        "app_token: xoxb-1",
        expect!["alertmanager.yml:5:5: warning: no channel for the Slack App: Slack refuses such messages; add `channel: '#name'`"],
    );
    check(
        "slack",
        "app_token: xoxb-1\nchannel: a\nhttp_config: {authorization: {credentials: x}}",
        expect!["alertmanager.yml:5:5: http authorization can't be set when using Slack App tokens; remove authorization from http_config"],
    );
    check(
        "slack",
        "api_url: https://a/b\nfields: [{title: a}]\nactions: [{type: button}]",
        expect![[r#"
        alertmanager.yml:6:14: missing value in Slack field configuration; add `value: ...`
        alertmanager.yml:7:15: missing text in Slack action configuration; add `text: ...`
        alertmanager.yml:7:15: missing name or url in Slack action configuration; a button is a link (url) or has a name"#]],
    );
    check(
        "slack",
        "api_url: https://a/b\nactions: [{type: button, text: x, name: y, confirm: {title: z}}]",
        expect!["alertmanager.yml:6:57: missing text in Slack confirmation configuration; add `text: ...`"],
    );
    check(
        "slack",
        "api_url: https://a/b\nupdate_message: true\nchanel: a",
        expect![[r#"
        alertmanager.yml:6:5: update_message can only be used with bot tokens: webhooks can not edit messages; add `app_token: ...`, or `api_url: https://slack.com/api/chat.postMessage`
        alertmanager.yml:7:5: unknown field "chanel" in slack config; did you mean "channel"?"#]],
    );
    check(
        "telegram",
        "chat_id: 5",
        expect![
            "alertmanager.yml:5:5: missing bot_token or bot_token_file on telegram_config; add `bot_token: ...` here or `telegram_bot_token: ...` in global"
        ],
    );
    check(
        "telegram",
        "bot_token: a",
        expect!["alertmanager.yml:5:5: missing chat_id or chat_id_file on telegram_config; add `chat_id: -100...`"],
    );
    check(
        "telegram",
        "bot_token: a\nchat_id: '5'",
        expect![[r#"alertmanager.yml:6:14: "chat_id" must be a whole number, not "5"; write it without quotes"#]],
    );
    check(
        "telegram",
        "bot_token: a\nchat_id: -5\nparse_mode: html",
        expect!["alertmanager.yml:7:17: unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string"],
    );
    check(
        "telegram",
        "bot_token: a\nchat_id: 5\nchat_id_file: b",
        expect![[r#"
        alertmanager.yml:7:5: at most one of chat_id & chat_id_file must be configured
        alertmanager.yml:7:19: can not read chat_id_file "b": no such file"#]],
    );
    check(
        "telegram",
        "bot_token: a\nchat_id: 0",
        expect!["alertmanager.yml:6:14: missing chat_id or chat_id_file on telegram_config; 0 is no chat"],
    );
    check(
        "msteamsv2",
        "title: a",
        expect!["alertmanager.yml:5:5: one of webhook_url or webhook_url_file must be configured; add `webhook_url: https://...`"],
    );
    check(
        "msteamsv2",
        "webhook_url: https://a/b\nwebhook_url_file: c",
        expect![[r#"
        alertmanager.yml:6:5: at most one of webhook_url and webhook_url_file can be used
        alertmanager.yml:6:23: can not read webhook_url_file "c": no such file"#]],
    );
}

#[test]
fn pagers() {
    let lines = |kind: &str, lines: &str| format!("{kind}_configs:\n- {}", lines.replace('\n', "\n  "));
    let check = |kind: &str, text: &str, expected: Expect| check_receiver(&lines(kind, text), expected);
    check(
        "pagerduty",
        "severity: error",
        expect![
            "alertmanager.yml:5:5: missing service or routing key in PagerDuty config; add `routing_key: ...` or `routing_key_file: path`"
        ],
    );
    check(
        "pagerduty",
        "routing_key: ''",
        expect![
            "alertmanager.yml:5:5: missing service or routing key in PagerDuty config; add `routing_key: ...` or `routing_key_file: path`"
        ],
    );
    check(
        "pagerduty",
        "routing_key: a\nrouting_key_file: b",
        expect![[r#"
        alertmanager.yml:6:5: at most one of routing_key and routing_key_file can be used
        alertmanager.yml:6:23: can not read routing_key_file "b": no such file"#]],
    );
    check(
        "pagerduty",
        "routing_key: a\ndetails: [a]\nlinks: [{hrev: b}]",
        expect![[r#"
        alertmanager.yml:6:14: "details" must be a map, not a list; write it as `name: value` lines
        alertmanager.yml:7:14: unknown field "hrev" in PagerDuty link; did you mean "href"?"#]],
    );
    check("pagerduty", "service_key: a\ndetails: {a: {b: [1, '{{ .Status }}']}}\ntimeout: 10s", expect![[r#""#]]);
    check(
        "opsgenie",
        "message: a",
        expect![
            "alertmanager.yml:5:5: no global OpsGenie API Key set either inline or in a file; add `api_key: ...` here or `opsgenie_api_key: ...` in global"
        ],
    );
    check(
        "opsgenie",
        "api_key: a\nresponders: [{type: team}, {name: a, type: group}, {name: b, type: Team}]",
        expect![[r#"
        alertmanager.yml:6:18: opsGenieConfig responder has to have at least one of id, username or name specified; add `name: ...`
        alertmanager.yml:6:48: opsGenieConfig responder type does not match valid options ^(team|teams|user|escalation|schedule)$; write for example `type: team`"#]],
    );
    check(
        "opsgenie",
        "api_key: a\nupdate_alerts: twice\nteams: a",
        expect![[r#"
        alertmanager.yml:6:20: "update_alerts" must be true or false, not "twice"
        alertmanager.yml:7:5: unknown field "teams" in opsgenie config"#]],
    );
}

/// What receivers take from global, and which two contradict each other.
#[test]
fn global_of_services() {
    let with = |global: &str, receiver: &str| format!("global: {global}\nroute: {{receiver: t}}\nreceivers:\n- name: t\n  {receiver}\n");
    check(&with("{slack_api_url: 'https://h/x'}", "slack_configs: [{channel: a}]"), expect![[""]]);
    check(&with("{slack_app_token: x}", "slack_configs: [{channel: a}]"), expect![[""]]);
    check(&with("{slack_app_token: x}", "slack_configs: [{api_url: 'https://h/x'}]"), expect![[""]]);
    check(
        &with("{slack_app_token: x, slack_api_url: 'https://h/x'}", "slack_configs: []"),
        expect![
            "alertmanager.yml:1:10: at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured; a webhook needs no token"
        ],
    );
    check(&with("{slack_app_token: x, slack_api_url: 'https://slack.com/api/chat.postMessage'}", ""), expect![[r#""#]]);
    check(
        &with("{slack_api_url: '${SLACK}'}", "slack_configs: [{channel: a}]"),
        expect!["alertmanager.yml:1:26: variable SLACK is not set; set SLACK in the environment or in .env, or write ${SLACK:-default}"],
    );
    check(&with("{telegram_bot_token: x, telegram_api_url: 'https://t'}", "telegram_configs: [{chat_id: 5}]"), expect![[""]]);
    check(
        &with("{telegram_bot_token: x, telegram_bot_token_file: y}", ""),
        expect![[r#"
        alertmanager.yml:1:33: at most one of telegram_bot_token and telegram_bot_token_file can be used
        alertmanager.yml:1:58: can not read telegram_bot_token_file "y": no such file"#]],
    );
    check(
        &with("{opsgenie_api_key: x, opsgenie_api_url: api.eu}", "opsgenie_configs: [{}]"),
        expect![[r#"alertmanager.yml:1:49: "opsgenie_api_url" is not a web address: it must begin with http:// or https://"#]],
    );
    check(
        &with("{opsgenie_api_key_file: x}", "opsgenie_configs: [{priority: P1}]"),
        expect![[r#"alertmanager.yml:1:33: can not read opsgenie_api_key_file "x": no such file"#]],
    );
    check(&with("{pagerduty_url: 'https://p'}", "pagerduty_configs: [{routing_key: x}]"), expect![[""]]);
}

#[test]
fn global() {
    let with = |global: &str| format!("global: {global}\nroute: {{receiver: team}}\nreceivers:\n- name: team\n");
    check(
        &with("{resolve_timeout: 5}"),
        expect![[r#"alertmanager.yml:1:27: "resolve_timeout" is not a valid duration: "5"; write for example 15s, 5m or 1h30m"#]],
    );
    check(
        &with("{smtp_smarthost: 'host'}"),
        expect![[
            r#"alertmanager.yml:1:26: "smtp_smarthost" must be host:port, not "host"; the usual ports are 587 (STARTTLS) and 465 (TLS)"#
        ]],
    );
    check(
        &with("{smtp_auth_password: a, smtp_auth_password_file: b}"),
        expect![[r#"
            alertmanager.yml:1:33: at most one of smtp_auth_password and smtp_auth_password_file can be used
            alertmanager.yml:1:58: can not read smtp_auth_password_file "b": no such file"#]],
    );
    check(&with("{slack_api_url: 'https://hooks.slack.com/x'}"), expect![""]);
    // What is broken in global is not reported again at each receiver.
    check(
        "global: {smtp_from: '${FROM}', smtp_smarthost: host}\nroute: {receiver: t}\nreceivers:\n- name: t\n  email_configs:\n  - to: a@b.c\n",
        expect![[r#"
            alertmanager.yml:1:22: variable FROM is not set; set FROM in the environment or in .env, or write ${FROM:-default}
            alertmanager.yml:1:48: "smtp_smarthost" must be host:port, not "host"; the usual ports are 587 (STARTTLS) and 465 (TLS)"#]],
    );
    check(
        &with("{smtp_require_tsl: false}"),
        expect![[r#"alertmanager.yml:1:10: unknown field "smtp_require_tsl" in global; did you mean "smtp_require_tls"?"#]],
    );
}

#[test]
fn inhibition() {
    let with = |rule: &str| format!("route: {{receiver: team}}\nreceivers:\n- name: team\ninhibit_rules:\n- {rule}\n");
    check(&with(""), expect![""]);
    check(
        &with("{source_matchers: [a=b], target_matchers: [c], equal: [d]}"),
        expect![[r#"alertmanager.yml:5:46: bad matcher format: c; write for example severity="critical""#]],
    );
    check(
        &with("{source_match: {a-b: c}, target_match_re: {a: '('}}"),
        expect![[r#"
        alertmanager.yml:5:19: invalid label name "a-b"; use letters, digits and `_`, or write it with matchers:
        alertmanager.yml:5:49: bad regular expression "(": unclosed group"#]],
    );
    check(
        &with("{source_matchers: [a=b], target_matchers: [c=d], equals: [d]}"),
        expect![[r#"alertmanager.yml:5:52: unknown field "equals" in inhibit rule; did you mean "equal"?"#]],
    );
    check(
        &with("{source_matchers: [a=b], target_matchers: [c=d], equal: ['']}"),
        expect!["alertmanager.yml:5:60: empty label name in equal"],
    );
}

#[test]
fn time_intervals() {
    check_interval(
        "{weekdays: ['monday:friday', saturday], months: ['january:march', '12'], days_of_month: ['-1', '1:5', '-5:-1'], years: ['2026:2030']}",
        expect![""],
    );
    check_interval("{times: [{start_time: '09:00', end_time: '24:00'}], location: UTC}", expect![""]);
    check_interval(
        "{weekdays: ['mondai']}",
        expect![[r#"alertmanager.yml:7:17: "mondai" in "weekdays": "mondai" is no weekday; did you mean "monday"?"#]],
    );
    check_interval(
        "{weekdays: ['friday:monday']}",
        expect![[r#"alertmanager.yml:7:17: "friday:monday" in "weekdays": the end is before the start"#]],
    );
    check_interval("{months: ['13']}", expect![[r#"alertmanager.yml:7:15: "13" in "months": 13 is no month"#]]);
    check_interval(
        "{months: ['march:january']}",
        expect![[r#"alertmanager.yml:7:15: "march:january" in "months": the end is before the start"#]],
    );
    check_interval("{days_of_month: ['0']}", expect![[r#"alertmanager.yml:7:22: "0" in "days_of_month": 0 is no day of the month"#]]);
    check_interval(
        "{days_of_month: ['-1:5']}",
        expect![[r#"alertmanager.yml:7:22: "-1:5" in "days_of_month": the last day must be negative as well when the first is"#]],
    );
    check_interval(
        "{days_of_month: ['20:-20']}",
        expect![[r#"alertmanager.yml:7:22: "20:-20" in "days_of_month": the last day is always before the first"#]],
    );
    check_interval("{years: ['2030:2026']}", expect![[r#"alertmanager.yml:7:14: "2030:2026" in "years": the end is before the start"#]]);
    check_interval(
        "{times: [{start_time: '9:00', end_time: '17:00'}]}",
        expect![[r#"alertmanager.yml:7:27: not a time of day: "9:00"; write HH:MM, 00:00 to 24:00"#]],
    );
    check_interval(
        "{times: [{start_time: '17:00', end_time: '09:00'}]}",
        expect![
            "alertmanager.yml:7:46: end_time 09:00 is not after start_time 17:00; a range over midnight is two: one until 24:00, one from 00:00"
        ],
    );
    check_interval(
        "{times: [{start_time: '17:00'}]}",
        expect!["alertmanager.yml:7:14: a time range needs start_time and end_time; write for example start_time: 09:00"],
    );
    check_interval(
        "{location: Mars/Olympus}",
        expect![[r#"alertmanager.yml:7:16: unknown time zone "Mars/Olympus"; write an IANA name such as Europe/Paris"#]],
    );
    check_interval(
        "{day_of_month: ['1']}",
        expect![[r#"alertmanager.yml:7:6: unknown field "day_of_month" in time span; did you mean "days_of_month"?"#]],
    );
    check(
        "route: {receiver: t}\nreceivers:\n- name: t\nmute_time_intervals:\n- name: a\ntime_intervals:\n- name: a\n- time_intervals: []\n",
        expect![[r#"
        alertmanager.yml:7:9: time interval "a" is given twice
        alertmanager.yml:8:3: "name" is missing in this time interval; add `name: ...`"#]],
    );
}
