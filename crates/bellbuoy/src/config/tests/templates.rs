//! Templates are tried when they are read: what would fail when it matters is an error that names file and line.

use expect_test::{Expect, expect};

use super::Folder;

/// The receiver `team` with these integrations, and `x.tmpl`.
fn check(integrations: &str, file: &str, expected: Expect) {
    let config = format!("route: {{receiver: team}}\ntemplates: ['*.tmpl']\nreceivers:\n- name: team\n{integrations}");
    let folder = Folder::with(&[("alertmanager.yml", &config), ("x.tmpl", file)]);
    let loaded = folder.load();
    expected.assert_eq(&folder.problems(&loaded));
}

const SLACK: &str = "  slack_configs:\n  - api_url: https://hooks.slack.example/x\n    channel: '#x'\n";

#[test]
fn all_that_would_fail_at_once() {
    check(
        &format!(
            "{SLACK}    title: '{{{{ template \"slack.titel\" . }}}}'\n    text: |-\n      line\n      {{{{ .Nope }}}}\n    fields:\n    - title: fine\n      value: '{{{{ .Status }}}}'\n    - title: not\n      value: '{{{{ .CommonLabels.a | nofunc }}}}'\n  webhook_configs:\n  - url: 'https://x/{{{{ .Alerts.Nope }}}}'\n"
        ),
        "{{ define \"slack.title\" }}x{{ end }}",
        expect![[r#"
            alertmanager.yml:8:12: template of title of receiver "team" fails: template "slack.titel" not defined; did you mean "slack.title"?
            alertmanager.yml:11: template of text of receiver "team" fails: can't evaluate field Nope: there is no such field
            alertmanager.yml:16:14: template of field.value of receiver "team" fails: function "nofunc" not defined
            alertmanager.yml:18:10: template of url of receiver "team" fails: can't evaluate field Nope of a list"#]],
    );
}

#[test]
fn in_a_file() {
    check(
        &format!("{SLACK}    title: '{{{{ template \"mine\" . }}}}'\n    text: '{{{{ template \"mine\" . }}}}'\n"),
        "{{ define \"mine\" }}\n{{ range .Alerts }}\n{{ .Nope }}{{ end }}{{ end }}",
        expect![[r#"x.tmpl:3: template "mine" for text of receiver "team" fails: can't evaluate field Nope: there is no such field"#]],
    );
    check(
        SLACK,
        "{{ define \"mine\" }}\n{{ template \"slack.default.titel\" . }}{{ end }}",
        expect![[r#"x.tmpl:2: template "slack.default.titel" not defined; did you mean "slack.default.title"?"#]],
    );
    check(SLACK, "{{ define \"mine\" }}\n{{ if }}{{ end }}", expect!["x.tmpl:1: the {{ define }} has no {{ end }}"]);
    // A default template that is redefined wrongly is told where it stands.
    check(
        SLACK,
        "{{ define \"slack.default.title\" }}{{ .Nope }}{{ end }}",
        expect![[
            r#"x.tmpl:1: template "slack.default.title" for fallback of receiver "team" fails: can't evaluate field Nope: there is no such field"#
        ]],
    );
}

#[test]
fn what_may_be_right_is_a_warning_and_missing_keys_are_none() {
    check(
        &format!(
            "{SLACK}    title: '{{{{ .CommonLabels.nowhere | toUpper }}}}!'\n    text: '{{{{ (index .Alerts 1).Labels.x }}}} {{{{ .CommonLabels.age | humanizeDuration }}}}'\n"
        ),
        "",
        expect![[
            r#"alertmanager.yml:9:11: warning: template of text of receiver "team" fails for some notifications: index out of range: 1; such messages go out in a plain form that says so"#
        ]],
    );
    check(
        "  telegram_configs:\n  - bot_token: 1:t\n    chat_id: 1\n    message: '{{ if eq .Status \"no\" }}x{{ end }}'\n",
        "",
        expect![[
            r#"alertmanager.yml:8:14: warning: message of receiver "team" is empty for every sample notification; the service refuses such messages, or shows nothing"#
        ]],
    );
}
