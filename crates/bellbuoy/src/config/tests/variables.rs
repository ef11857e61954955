//! `${VAR}` and `.env`.

use expect_test::{Expect, expect};

use super::super::vars::{Variables, expand, parse_env_file};
use super::{Folder, check_files, good, load_with};

fn check(text: &str, expected: Expect) {
    let env = |name: &str| match name {
        "HOST" => Some("example.org".to_string()),
        "EMPTY" => Some(String::new()),
        "QUOTED" => Some("a\"b'c\nd: e".to_string()),
        _ => None,
    };
    let variables = Variables { env: &env, file: Default::default(), file_name: ".env".into() };
    let shown = match expand(text, &variables, &["name".to_string()]) {
        Ok(None) => "untouched".to_string(),
        Ok(Some((text, names))) => format!("{text:?} {names:?}"),
        Err(faults) => format!("{faults:?}"),
    };
    expected.assert_eq(&shown);
}

#[test]
fn expansion() {
    check("plain", expect!["untouched"]);
    check("http://${HOST}:80/${HOST}", expect![[r#""http://example.org:80/example.org" ["HOST", "HOST"]"#]]);
    check("${NONE:-a:b}", expect![[r#""a:b" ["NONE"]"#]]);
    check("${EMPTY}|${EMPTY:-default}", expect![[r#""|default" ["EMPTY", "EMPTY"]"#]]);
    check("$HOST $1 ${1} ${} ${{ $x }} a{2} $", expect!["untouched"]);
    check("{{ $labels.x }} {{ \"${HOST}\" }} ${HOST}", expect![[r#""{{ $labels.x }} {{ \"${HOST}\" }} example.org" ["HOST"]"#]]);
    check("${name} stays, ${HOST} goes", expect![[r#""${name} stays, example.org goes" ["HOST"]"#]]);
    check(
        "${NONE} ${OTHER}",
        expect![[
            r#"[(0, "variable NONE is not set", "set NONE in the environment or in .env, or write ${NONE:-default}"), (8, "variable OTHER is not set", "set OTHER in the environment or in .env, or write ${OTHER:-default}")]"#
        ]],
    );
    check("${HOST", expect![[r#"[(0, "`${HOST` has no closing brace", "")]"#]]);
    check("${HOST:?must}", expect![[r#"[(0, "`${HOST:?must}` is not understood", "only ${VAR} and ${VAR:-default} are known")]"#]]);
    check("${DOLLAR:-$}{X}", expect![[r#""${X}" ["DOLLAR"]"#]]);
    check("{{ unclosed ${HOST}", expect!["untouched"]);
}

const ROUTE: &str = "route: {receiver: t}\nreceivers:\n- name: t\n";

#[test]
fn an_unset_variable_names_its_place() {
    check_files(
        &[(
            "alertmanager.yml",
            "route: {receiver: t}\nreceivers:\n- name: t\n  discord_configs:\n  - webhook_url: ${HOOK_A}\n  webhook_configs:\n  - url: \"https://${HOOK_B}/x\"\n",
        )],
        expect![[r#"
            alertmanager.yml:5:18: variable HOOK_A is not set; set HOOK_A in the environment or in .env, or write ${HOOK_A:-default}
            alertmanager.yml:7:19: variable HOOK_B is not set; set HOOK_B in the environment or in .env, or write ${HOOK_B:-default}"#]],
    );
    // In a block scalar, the place inside of it; a comment is no place at all.
    check_files(
        &[("rules.yml", "groups:\n- name: g\n  rules:\n  # ${NOBODY}\n  - alert: A\n    expr: |\n      up\n        > ${LIMIT}\n")],
        expect!["rules.yml:8:11: variable LIMIT is not set; set LIMIT in the environment or in .env, or write ${LIMIT:-default}"],
    );
    check_files(
        &[("alertmanager.yml", &format!("{ROUTE}templates: ['*.tmpl']\n")), ("a.tmpl", "{{ define \"a\" }}\n  ${SITE}{{ end }}")],
        expect!["a.tmpl:2:3: variable SITE is not set; set SITE in the environment or in .env, or write ${SITE:-default}"],
    );
}

#[test]
fn a_value_never_appears_in_a_message() {
    let folder = Folder::with(&[(
        "prometheus.yml",
        "global:\n  scrape_interval: ${PASSWORD}\nscrape_configs:\n- job_name: a\n  scheme: ${PASSWORD}\n  sample_limit: ${PASSWORD}\n  honor_labels: ${PASSWORD}\n  body_size_limit: ${PASSWORD}\n  relabel_configs:\n  - regex: '${PASSWORD}('\n    target_label: a\n  - action: ${PASSWORD}\n  static_configs:\n  - targets: ['a/${PASSWORD}']\n  file_sd_configs:\n  - files: ['${PASSWORD}']\nrule_files: ['${PASSWORD}']\n",
    )]);
    let loaded = load_with(&folder.0, &[("PASSWORD", "hunter2")]);
    let shown = folder.problems(&loaded);
    assert!(!shown.contains("hunter2") && !format!("{:?}", loaded.texts).contains("hunter2"), "{shown}");
    expect![[r#"
        prometheus.yml:2:20: "scrape_interval" is not a valid duration: "${PASSWORD}"; write for example 15s, 5m or 1h30m
        prometheus.yml:5:11: unknown scheme "${PASSWORD}"; write http or https
        prometheus.yml:6:17: "sample_limit" must be a whole number, not "${PASSWORD}"
        prometheus.yml:7:17: "honor_labels" must be true or false, not "${PASSWORD}"
        prometheus.yml:8:20: "body_size_limit" is not a valid size: "${PASSWORD}"; write for example 512KB, 10MB or 1GB
        prometheus.yml:10:12: bad regular expression "${PASSWORD}(": not valid after the value of PASSWORD was filled in
        prometheus.yml:12:13: unknown relabel action "${PASSWORD}"
        prometheus.yml:14:15: "a/${PASSWORD}" is not a valid host and port; write "a"; the rest belongs to scheme and metrics_path
        prometheus.yml:16:13: "${PASSWORD}" can not name discovery files; it must end with .json, .yml or .yaml, with `*` only in the last part
        prometheus.yml:17:14: warning: "${PASSWORD}" in rule_files matches no file"#]].assert_eq(&shown);
}

#[test]
fn the_environment_wins_over_the_env_file() {
    let folder = Folder::with(&[
        (
            "prometheus.yml",
            "global:\n  external_labels: {a: '${A}', b: '${B}', c: '${C:-3}'}\n  scrape_interval: ${EVERY}\nscrape_configs: []\n",
        ),
        (".env", "A=file\nexport B=\"two words\"\nEVERY=20s # seconds\n"),
    ]);
    let loaded = load_with(&folder.0, &[("A", "environment")]);
    let settings = loaded.settings.expect("no errors");
    expect![[r#"{a="environment", b="two words", c="3"} 20s"#]]
        .assert_eq(&format!("{} {}", settings.global.external_labels, settings.global.scrape_interval));
}

#[test]
fn values_can_not_break_the_yaml() {
    let folder = Folder::with(&[("prometheus.yml", "global:\n  external_labels: {a: \"${QUOTED}\"}\nscrape_configs: []\n")]);
    let loaded = load_with(&folder.0, &[("QUOTED", "a\"b'c\nd: e")]);
    assert_eq!(loaded.settings.expect("no errors").global.external_labels.get("a"), "a\"b'c\nd: e");
}

/// `${name}` of a named group belongs to the regular expression beside it.
#[test]
fn references_to_groups_stay() {
    let settings = good(&[(
        "prometheus.yml",
        "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {source_labels: [a], regex: '(?P<name>.*):(.*)', target_label: b, replacement: '${name}-${2}-$1'}\n",
    )]);
    assert_eq!(settings.scrape[0].relabel_configs[0].replacement, "${name}-${2}-$1");
}

#[test]
fn env_files() {
    let check = |text: &str, expected: Expect| {
        let (found, problems) = parse_env_file(".env", text);
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort();
        let problems: Vec<String> = problems.iter().map(|problem| problem.to_string()).collect();
        expected.assert_eq(&format!("{found:?} {}", problems.join("\n")));
    };
    check(
        "# comment\n\nA=1\n export B = two # rest\nC='a # b'\nD=\"a\\n\\\"b\\\"\"\nE=\nF=a#b\n",
        expect![[r#"[("A", "1"), ("B", "two"), ("C", "a # b"), ("D", "a\n\"b\""), ("E", ""), ("F", "a#b")] "#]],
    );
    check(
        "hunter2\n1A=x\nB=\"open\nC='open\n",
        expect![[r#"
        [] .env:1:1: this line is no NAME=value; comments begin with `#`
        .env:2:1: not a valid variable name before `=`; use letters, digits and `_`
        .env:3:1: the value of B has no closing quote
        .env:4:1: the value of C has no closing quote"#]],
    );
}

/// Secrets are stars in what comes back; comments, which may hold an old password, are left out.
#[test]
fn secrets_are_never_shown_back() {
    let settings = good(&[
        (
            "prometheus.yml",
            "# old password: hunter1\nscrape_configs:\n- job_name: a\n  basic_auth:\n    username: me # hunter1\n    password: hunter2\n- job_name: b\n  authorization:\n    credentials: |\n      hunter3\n  params: {a: ['x']}\n",
        ),
        (
            "alertmanager.yml",
            "global: {smtp_auth_password: 'hunter4', slack_api_url: https://hunter5}\nroute: {receiver: t}\nreceivers:\n- name: t\n  discord_configs: [{webhook_url: \"https://d/hunter6\"}]\n  webhook_configs:\n  - url: https://w/hunter7\n    http_config: {authorization: {credentials: hunter8}}\n",
        ),
    ]);
    let shown = format!("{}---\n{}", settings.prometheus_text, settings.alertmanager_text);
    assert!(!shown.contains("hunter") && !format!("{settings:?}").contains("hunter"), "{settings:?}");
    expect![[r#"
        scrape_configs:
        - job_name: a
          basic_auth:
            username: me
            password: <secret>
        - job_name: b
          authorization:
            credentials: |
              <secret>
          params: {a: ['x']}
        ---
        global: {smtp_auth_password: <secret>, slack_api_url: <secret>}
        route: {receiver: t}
        receivers:
        - name: t
          discord_configs: [{webhook_url: <secret>}]
          webhook_configs:
          - url: <secret>
            http_config: {authorization: {credentials: <secret>}}
    "#]]
    .assert_eq(&shown);
}

#[test]
fn the_hash_follows_files_and_variables() {
    let text = "global:\n  external_labels: {a: '${A}'}\nscrape_configs: []\n";
    let folder = Folder::with(&[("prometheus.yml", text)]);
    let hash = |value: &str| load_with(&folder.0, &[("A", value)]).settings.expect("no errors").hash;
    assert_eq!(hash("1"), hash("1"));
    assert_ne!(hash("1"), hash("2"));
}
