//! Receivers of one request: what must be there, what Alertmanager takes by default, and what stays secret.

use bellbuoy_notify::{IntegrationKind, SnsTarget};
use bellbuoy_vocabulary::Millis;
use expect_test::{Expect, expect};

use super::{check_files, good};

/// Lines of the one receiver, below the lines of `global`.
fn config(global: &str, lines: &str) -> String {
    let global = if global.is_empty() { String::new() } else { format!("global: {{{global}}}\n") };
    format!("{global}route: {{receiver: team}}\nreceivers:\n- name: team\n  {}\n", lines.replace('\n', "\n  "))
}

fn check(lines: &str, expected: Expect) {
    check_files(&[("alertmanager.yml", &config("", lines)), ("secret", "from-file\n")], expected);
}

/// The kinds of the receiver's integrations.
fn kinds(global: &str, lines: &str) -> Vec<IntegrationKind> {
    let settings = good(&[("alertmanager.yml", &config(global, lines)), ("secret", "from-file\n"), ("url", "https://x.example/hook\n")]);
    settings.receivers[0].integrations.iter().map(|integration| integration.kind.clone()).collect()
}

#[test]
fn what_is_missing() {
    check(
        "pushover_configs: [{user_key: u}]",
        expect!["alertmanager.yml:4:22: one of token or token_file must be configured; add `token: ...`"],
    );
    check(
        "pushover_configs: [{token: t}, {token: t, user_key: u, html: true, monospace: true}]",
        expect![[r#"
        alertmanager.yml:4:22: one of user_key or user_key_file must be configured; add `user_key: ...`
        alertmanager.yml:4:70: at most one of monospace & html must be configured; remove one of the two"#]],
    );
    check(
        "pushover_configs: [{token: t, token_file: secret, user_key: u}]",
        expect!["alertmanager.yml:4:33: at most one of token and token_file can be used"],
    );
    check(
        "victorops_configs: [{routing_key: r}]",
        expect!["alertmanager.yml:4:23: no global VictorOps API Key set; add `api_key: ...` here or `victorops_api_key: ...` in global"],
    );
    check(
        "victorops_configs: [{api_key: k, custom_fields: {entity_id: x}}]",
        expect![[r#"
        alertmanager.yml:4:23: missing Routing key in VictorOps config; add `routing_key: ...`
        alertmanager.yml:4:52: victorOps config contains custom field entity_id which cannot be used as it conflicts with the fixed/static fields; choose another name"#]],
    );
    check(
        "webex_configs: [{http_config: {authorization: {credentials: c}}}, {room_id: r}]",
        expect![[r#"
        alertmanager.yml:4:19: missing room_id on webex_config; add `room_id: ...`
        alertmanager.yml:4:69: missing webex_configs.http_config.authorization; add `http_config: {authorization: {credentials: TOKEN}}` with the bot's token"#]],
    );
    check(
        "sns_configs: [{topic_arn: a, phone_number: b, sigv4: {region: r, access_key: a, secret_key: s}}]",
        expect![
            "alertmanager.yml:4:17: must provide either a Target ARN, Topic ARN, or Phone Number for SNS config; give exactly one of target_arn, topic_arn and phone_number"
        ],
    );
    check(
        "sns_configs: [{sigv4: {region: r, access_key: a}}]",
        expect![[r#"
        alertmanager.yml:4:17: must provide either a Target ARN, Topic ARN, or Phone Number for SNS config; give exactly one of target_arn, topic_arn and phone_number
        alertmanager.yml:4:25: must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config; add the other one"#]],
    );
    check(
        "sns_configs: [{topic_arn: a, sigv4: {profile: p}}, {topic_arn: a}]",
        expect![[r#"
            alertmanager.yml:4:39: region not configured in sns.sigv4.region; add `region: eu-west-1` or the like
            alertmanager.yml:4:39: sigv4 needs access_key and secret_key: AWS' chain of credentials is not followed; write `access_key: ${AWS_ACCESS_KEY_ID}` and `secret_key: ${AWS_SECRET_ACCESS_KEY}`
            alertmanager.yml:4:40: "profile" is not supported yet; give the keys of a user that may publish or take the role
            alertmanager.yml:4:54: sigv4 is missing in this SNS config; add `sigv4: {region: ..., access_key: ..., secret_key: ...}`"#]],
    );
    check(
        "sns_configs: [{topic_arn: a, sigv4: {region: r, access_key: a, secret_key: s, external_id: e, use_fips_sts_endpoint: true}}]",
        expect![[r#"
            alertmanager.yml:4:81: external_id is for a role, and there is no role_arn; add `role_arn: ...`
            alertmanager.yml:4:97: "use_fips_sts_endpoint: true" is not supported yet; leave it out or write false"#]],
    );
    check(
        "rocketchat_configs: [{channel: c}]",
        expect![[r#"
        alertmanager.yml:4:24: no global Rocketchat TokenID set either inline or in a file; add `token_id: ...` here or `rocketchat_token_id: ...` in global
        alertmanager.yml:4:24: no global Rocketchat Token set either inline or in a file; add `token: ...` here or `rocketchat_token: ...` in global"#]],
    );
    check(
        "rocketchat_configs: [{token: t, token_id: i, actions: [{text: a, msginchatwindow: true}]}]",
        expect![[r#"alertmanager.yml:4:68: "msginchatwindow" is not supported yet; remove it: Alertmanager does not send it either"#]],
    );
    check(
        "mattermost_configs: [{channel: c, fields: [{title: t}, {value: v}]}]",
        expect![[r#"
        alertmanager.yml:4:24: missing webhook_url or webhook_url_file on mattermost_config; add `webhook_url: https://...` here or `mattermost_webhook_url: ...` in global
        alertmanager.yml:4:46: missing value in Mattermost field configuration; add `value: ...`
        alertmanager.yml:4:58: missing title in Mattermost field configuration; add `title: ...`"#]],
    );
    check(
        "mattermost_configs: [{webhook_url: 'ftp://secretsecret'}]",
        expect![[r#"alertmanager.yml:4:38: "webhook_url" is not a web address: it must begin with http:// or https://"#]],
    );
    check(
        "incidentio_configs: [{alert_source_token: t}, {url: 'https://i', url_file: secret}]",
        expect![[r#"
        alertmanager.yml:4:24: one of url or url_file must be configured; add `url: https://api.incident.io/v2/alert_events/alertmanager/...`
        alertmanager.yml:4:68: at most one of url and url_file can be used"#]],
    );
    check(
        "incidentio_configs: [{url: 'https://i', http_config: {}}, {url: 'https://i', alert_source_token: t, http_config: {authorization: {credentials: c}}}]",
        expect![[r#"
            alertmanager.yml:4:24: at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured; add `alert_source_token: ...`
            alertmanager.yml:4:103: cannot specify alert_source_token or alert_source_token_file when using http_config.authorization; remove one of the two"#]],
    );
    check(
        "msteams_configs: [{webhook_url: 'https://t'}, {}]",
        expect![[r#"
        alertmanager.yml:4:21: warning: Microsoft has retired the connectors that msteams_configs is for; make a Workflow in Teams and write its address below msteamsv2_configs
        alertmanager.yml:4:49: one of webhook_url or webhook_url_file must be configured; add `webhook_url: https://...`
        alertmanager.yml:4:49: warning: Microsoft has retired the connectors that msteams_configs is for; make a Workflow in Teams and write its address below msteamsv2_configs"#]],
    );
    check(
        "googlechat_configs: [{text: t}, {url: 'https://c', thread: x}]",
        expect![[r#"
        alertmanager.yml:4:24: one of url or url_file must be configured; add `url: https://chat.googleapis.com/v1/spaces/...`
        alertmanager.yml:4:54: unknown field "thread" in googlechat config"#]],
    );
    check(
        "ntfy_configs: [{title: t}, {topic: t, token: t, http_config: {basic_auth: {username: u, password: p}}}]",
        expect![[r#"
        alertmanager.yml:4:18: "topic" is missing in this ntfy config; add `topic: ...`
        alertmanager.yml:4:51: at most one of token, http_config.authorization and http_config.basic_auth can be used; remove one of the two"#]],
    );
    check(
        "webex_config: []",
        expect![[r#"alertmanager.yml:4:3: unknown field "webex_config" in receiver; did you mean "webex_configs"?"#]],
    );
}

#[test]
fn defaults_are_alertmanagers() {
    let settings = good(&[(
        "alertmanager.yml",
        &config(
            "victorops_api_key: vk, victorops_api_url: 'https://v/a', rocketchat_token: rt, rocketchat_token_id: ri, mattermost_webhook_url: 'https://m'",
            "pushover_configs: [{user_key: u, token: t}]\nvictorops_configs: [{routing_key: r}]\nwebex_configs: [{room_id: r, http_config: {authorization: {credentials: c}}}]\nsns_configs: [{target_arn: a, sigv4: {region: r, access_key: a, secret_key: s}}]\nrocketchat_configs: [{}]\nmattermost_configs: [{}]\nincidentio_configs: [{url: 'https://i', alert_source_token: t}]\ngooglechat_configs: [{url: 'https://g'}]\nntfy_configs: [{topic: t}]",
        ),
    )]);
    let told: Vec<String> =
        settings.receivers[0].integrations.iter().map(|one| format!("{} {} {}", one.kind.word(), one.index, one.send_resolved)).collect();
    expect![[r#"
        pushover 0 true
        victorops 0 true
        webex 0 true
        sns 0 true
        rocketchat 0 false
        mattermost 0 true
        incidentio 0 true
        googlechat 0 true
        ntfy 0 true"#]]
    .assert_eq(&told.join("\n"));
    for one in &settings.receivers[0].integrations {
        match &one.kind {
            IntegrationKind::Pushover(kind) => {
                let numbers = (kind.retry, kind.expire, kind.ttl, kind.html, kind.monospace);
                assert_eq!(numbers, (Millis::from_minutes(1), Millis::from_minutes(60), Millis::ZERO, false, false));
                assert_eq!(kind.priority, r#"{{ if eq .Status "firing" }}2{{ else }}0{{ end }}"#);
            }
            IntegrationKind::VictorOps(kind) => {
                assert_eq!((kind.api_url.as_str(), kind.api_key.expose(), kind.message_type.as_str()), ("https://v/a/", "vk", "CRITICAL"));
            }
            IntegrationKind::Webex(kind) => assert_eq!(kind.api_url, "https://webexapis.com/v1/messages"),
            IntegrationKind::Sns(kind) => {
                assert!(matches!(&kind.to, SnsTarget::Target(arn) if arn == "a"));
                assert_eq!(kind.subject, r#"{{ template "sns.default.subject" . }}"#);
            }
            IntegrationKind::Rocketchat(kind) => {
                assert_eq!((kind.token.expose(), kind.token_id.expose(), kind.api_url.as_str()), ("rt", "ri", "https://open.rocket.chat/"));
            }
            IntegrationKind::Mattermost(kind) => assert_eq!(kind.webhook_url.expose(), "https://m"),
            IntegrationKind::Ntfy(kind) => assert_eq!(kind.url, "https://ntfy.sh"),
            _ => {}
        }
    }
}

#[test]
fn secrets_come_from_files() {
    let lines = "pushover_configs: [{user_key_file: secret, token_file: secret}]\nvictorops_configs: [{routing_key: r, api_key_file: secret}]\nrocketchat_configs: [{token_file: secret, token_id_file: secret}]\nmattermost_configs: [{webhook_url_file: url}]\nincidentio_configs: [{url_file: url, alert_source_token_file: secret}]\ngooglechat_configs: [{url_file: url}]\nntfy_configs: [{topic: t, token_file: secret}]\nsns_configs: [{topic_arn: a, sigv4: {region: r, access_key: a, secret_key_file: secret}}]";
    let (mut secrets, mut urls) = (Vec::new(), Vec::new());
    for kind in kinds("", lines) {
        match kind {
            IntegrationKind::Pushover(kind) => secrets.extend([kind.user_key, kind.token]),
            IntegrationKind::VictorOps(kind) => secrets.push(kind.api_key),
            IntegrationKind::Rocketchat(kind) => secrets.extend([kind.token, kind.token_id]),
            IntegrationKind::Mattermost(kind) => urls.push(kind.webhook_url),
            IntegrationKind::Incidentio(kind) => {
                urls.push(kind.url);
                secrets.extend(kind.alert_source_token);
            }
            IntegrationKind::GoogleChat(kind) => urls.push(kind.url),
            IntegrationKind::Ntfy(kind) => secrets.extend(kind.token),
            IntegrationKind::Sns(kind) => secrets.push(kind.secret_key),
            other => panic!("{}", other.word()),
        }
    }
    assert_eq!((secrets.len(), urls.len()), (8, 3));
    assert!(secrets.iter().all(|secret| secret.expose() == "from-file") && urls.iter().all(|url| url.expose() == "https://x.example/hook"));
}

#[test]
fn a_file_of_global_is_used_where_the_receiver_says_nothing() {
    let global = "victorops_api_key_file: secret, rocketchat_token_file: secret, rocketchat_token_id_file: secret, mattermost_webhook_url_file: url, webex_api_url: 'https://w'";
    let lines = "victorops_configs: [{routing_key: r}, {routing_key: r, api_key: own}]\nrocketchat_configs: [{token: own}]\nmattermost_configs: [{}]";
    let told: Vec<String> = kinds(global, lines)
        .iter()
        .map(|kind| match kind {
            IntegrationKind::VictorOps(kind) => kind.api_key.expose().to_string(),
            IntegrationKind::Rocketchat(kind) => format!("{} {}", kind.token.expose(), kind.token_id.expose()),
            IntegrationKind::Mattermost(kind) => kind.webhook_url.expose().to_string(),
            other => panic!("{}", other.word()),
        })
        .collect();
    assert_eq!(told, ["from-file", "own", "own from-file", "https://x.example/hook"]);
}
