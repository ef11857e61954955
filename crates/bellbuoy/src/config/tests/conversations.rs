//! Jira, WeChat and a webhook's own body: what must be there, what Alertmanager takes by default, and what comes from `global`.

use bellbuoy_notify::{Detail, IntegrationKind, JiraApi};
use bellbuoy_vocabulary::Millis;
use expect_test::{Expect, expect};

use super::{check_files, good};

fn config(global: &str, lines: &str) -> String {
    format!("global: {{{global}}}\nroute: {{receiver: team}}\nreceivers:\n- name: team\n  {}\n", lines.replace('\n', "\n  "))
}

fn check(lines: &str, expected: Expect) {
    check_files(&[("alertmanager.yml", &config("", lines))], expected);
}

fn kinds(global: &str, lines: &str) -> Vec<(bool, IntegrationKind)> {
    let settings = good(&[("alertmanager.yml", &config(global, lines)), ("secret", "from-file\n")]);
    settings.receivers[0].integrations.iter().map(|integration| (integration.send_resolved, integration.kind.clone())).collect()
}

#[test]
fn what_is_missing() {
    check(
        "jira_configs: [{}]",
        expect![[r#"
        alertmanager.yml:5:18: no global Jira Cloud URL set; add `api_url: https://NAME.atlassian.net/rest/api/2` here or `jira_api_url: ...` in global
        alertmanager.yml:5:18: missing project in jira_config; add `project: ...`
        alertmanager.yml:5:18: missing issue_type in jira_config; add `issue_type: ...`"#]],
    );
    check(
        "jira_configs: [{api_url: ftp://a, project: p, issue_type: t, api_type: own, fields: [a], summary: [a]}]",
        expect![[r#"
        alertmanager.yml:5:28: "api_url" is not a web address: it must begin with http:// or https://
        alertmanager.yml:5:74: unknown api_type on jira_config, must be auto, cloud or datacenter
        alertmanager.yml:5:87: "fields" must be a map, not a list; write it as `name: value` lines
        alertmanager.yml:5:101: jira field must be a map, not a list; write it as `name: value` lines"#]],
    );
    check(
        "jira_configs: [{api_url: 'https://a', project: p, issue_type: t, description: {text: a, enable_update: maybe}}]",
        expect![[r#"
        alertmanager.yml:5:82: unknown field "text" in jira field
        alertmanager.yml:5:106: "enable_update" must be true or false, not "maybe""#]],
    );
    check(
        "wechat_configs: [{}]",
        expect![[r#"
        alertmanager.yml:5:20: no global Wechat Api Secret set either inline or in a file; add `api_secret: ...` here or `wechat_api_secret: ...` in global
        alertmanager.yml:5:20: no global Wechat CorpID set; add `corp_id: ...` here or `wechat_api_corp_id: ...` in global"#]],
    );
    check(
        "wechat_configs: [{api_secret: a, api_secret_file: b, corp_id: '', message_type: news}]",
        expect![[r#"
        alertmanager.yml:5:20: no global Wechat CorpID set; add `corp_id: ...` here or `wechat_api_corp_id: ...` in global
        alertmanager.yml:5:36: at most one of api_secret and api_secret_file can be used
        alertmanager.yml:5:53: can not read api_secret_file "b": no such file
        alertmanager.yml:5:83: weChat message type "news" does not match valid options ^(text|markdown)$"#]],
    );
}

#[test]
fn defaults() {
    let global = "jira_api_url: 'https://j/rest/api/2/', wechat_api_corp_id: corp, wechat_api_secret_file: secret";
    let lines = "jira_configs: [{project: p, issue_type: t}, {project: p, issue_type: t, api_url: 'https://own', api_type: cloud, reopen_duration: 2h, description: x, summary: {enable_update: false}, fields: {a: '1', b: 1}}]\nwechat_configs: [{}, {corp_id: own, api_secret: own, api_url: 'https://w/x', message_type: markdown}]";
    let mut told = Vec::new();
    for (send_resolved, kind) in kinds(global, lines) {
        told.push(match kind {
            IntegrationKind::Jira(jira) => format!(
                "{send_resolved} {} {:?} {} {} {} {} {} {:?}",
                jira.api_url,
                jira.api_type,
                jira.summary.template,
                jira.summary.update,
                jira.description.template,
                jira.description.update,
                jira.priority,
                (jira.reopen_duration, &jira.fields)
            ),
            IntegrationKind::Wechat(wechat) => {
                let secret = wechat.api_secret.expose();
                format!("{send_resolved} {} {} {secret} {} {}", wechat.api_url, wechat.corp_id, wechat.markdown, wechat.to_user)
            }
            other => panic!("{}", other.word()),
        });
    }
    expect![[r#"
        true https://j/rest/api/2 Auto {{ template "jira.default.summary" . }} true {{ template "jira.default.description" . }} true {{ template "jira.default.priority" . }} (0ms, [])
        true https://own Cloud {{ template "jira.default.summary" . }} false x true {{ template "jira.default.priority" . }} (7200000ms, [("a", Template("1")), ("b", Plain(Number(1)))])
        false https://qyapi.weixin.qq.com/cgi-bin/ corp from-file false {{ template "wechat.default.to_user" . }}
        false https://w/x/ own own true {{ template "wechat.default.to_user" . }}"#]].assert_eq(&told.join("\n"));
    let IntegrationKind::Jira(jira) = &kinds(global, lines)[1].1 else { panic!("jira") };
    assert_eq!((jira.api_type, jira.reopen_duration), (JiraApi::Cloud, Millis::from_minutes(120)));
    assert_eq!(jira.fields, [("a".to_string(), Detail::Template("1".into())), ("b".to_string(), Detail::Plain(1.into()))]);
}

#[test]
fn a_payload_is_any_shape() {
    for (payload, expected) in [
        ("'{{ .Status }}'", Detail::Template("{{ .Status }}".into())),
        ("[a, 2]", Detail::List(vec![Detail::Template("a".into()), Detail::Plain(2.into())])),
        ("{a: {b: true}}", Detail::Map(vec![("a".into(), Detail::Map(vec![("b".into(), Detail::Plain(true.into()))]))])),
    ] {
        let found = kinds("", &format!("webhook_configs: [{{url: 'http://a', payload: {payload}}}]"));
        let [(true, IntegrationKind::Webhook(webhook))] = &found[..] else { panic!("{payload}") };
        assert_eq!(webhook.payload.as_ref(), Some(&expected));
    }
}
