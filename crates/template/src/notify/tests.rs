//! Texts that amtool 0.33.1 rendered (`template render`) of the same data with Alertmanager's default.tmpl.

use super::*;
use crate::{Environment, Template};

fn notification() -> Notification {
    let at = |text: &str| Timestamp::parse_rfc3339(text).expect("a time of this test");
    let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
    Notification {
        receiver: r"team\.x".into(),
        status: "firing".into(),
        alerts: vec![
            Alert {
                status: "firing".into(),
                labels: labels(&[("alertname", "HighDrift"), ("severity", "warning"), ("instance", "a<1>")]),
                annotations: labels(&[("summary", "drift & more"), ("description", "line one\nline \"two\"")]),
                starts_at: at("2026-01-13T10:00:00.5Z"),
                ends_at: None,
                generator_url: "http://p/graph?g0.expr=a%3E1&g0.tab=1".into(),
                fingerprint: 0xaa,
            },
            Alert {
                status: "resolved".into(),
                labels: labels(&[("alertname", "HighDrift"), ("severity", "warning"), ("instance", "b")]),
                annotations: labels(&[("summary", "x")]),
                starts_at: at("2026-01-13T09:00:00Z"),
                ends_at: Some(at("2026-01-13T09:30:00Z")),
                generator_url: String::new(),
                fingerprint: 0xbb,
            },
        ],
        reason: String::new(),
        group_labels: labels(&[("alertname", "HighDrift")]),
        common_labels: labels(&[("alertname", "HighDrift"), ("severity", "warning")]),
        common_annotations: Labels::empty(),
        external_url: "http://am.example".into(),
        group_key: String::new(),
    }
}

fn rendered(text: &str) -> String {
    let environment = Environment { now: Timestamp(1_768_302_000_000) };
    let template = match Template::parse("t", text, &default_templates()) {
        Ok(template) => template,
        Err(error) => return format!("ERROR {error}"),
    };
    template.render(&notification().data(), &environment).unwrap_or_else(|error| format!("ERROR {error}"))
}

#[test]
fn defaults_can_be_read() {
    assert_eq!(default_templates().problems(), []);
}

const AMTOOL: &[(&str, &str)] = &[
    ("{{ template \"__subject\" . }}", "[FIRING:1] HighDrift (warning)"),
    ("{{ template \"discord.default.title\" . }}", "[FIRING:1] HighDrift (warning)"),
    (
        "{{ template \"discord.default.message\" . }}",
        "\n\nAlerts Firing:\nLabels:\n - alertname = HighDrift\n - instance = a<1>\n - severity = warning\nAnnotations:\n - description = line one\nline \"two\"\n - summary = drift & more\nSource: http://p/graph?g0.expr=a%3E1&g0.tab=1\n\n\n\nAlerts Resolved:\nLabels:\n - alertname = HighDrift\n - instance = b\n - severity = warning\nAnnotations:\n - summary = x\nSource: \n\n\n",
    ),
    (
        "{{ template \"__text_alert_list_markdown\" .Alerts }}",
        "\nLabels:\n  - alertname = HighDrift\n  - instance = a<1>\n  - severity = warning\n\nAnnotations:\n  - description = line one\nline \"two\"\n  - summary = drift & more\n\nSource: http://p/graph?g0.expr=a%3E1&g0.tab=1\n\nLabels:\n  - alertname = HighDrift\n  - instance = b\n  - severity = warning\n\nAnnotations:\n  - summary = x\n\nSource: \n\n",
    ),
    // `bellbuoy` where amtool says Alertmanager.
    ("{{ template \"slack.default.title\" . }}", "[FIRING:1] HighDrift (warning)"),
    ("{{ template \"slack.default.username\" . }}", "bellbuoy"),
    ("{{ template \"slack.default.titlelink\" . }}", "http://am.example/#/alerts?receiver=team%5C.x"),
    ("{{ template \"slack.default.fallback\" . }}", "[FIRING:1] HighDrift (warning) | http://am.example/#/alerts?receiver=team%5C.x"),
    ("{{ template \"slack.default.color\" . }}", "danger"),
    ("{{ template \"slack.default.callbackid\" . }}", ""),
    ("{{ template \"slack.default.pretext\" . }}", ""),
    ("{{ template \"slack.default.iconemoji\" . }}", ""),
    ("{{ template \"slack.default.iconurl\" . }}", ""),
    ("{{ template \"slack.default.text\" . }}", ""),
    ("{{ template \"slack.default.footer\" . }}", ""),
    ("{{ template \"pagerduty.default.description\" . }}", "[FIRING:1] HighDrift (warning)"),
    ("{{ template \"pagerduty.default.client\" . }}", "bellbuoy"),
    ("{{ template \"pagerduty.default.clientURL\" . }}", "http://am.example/#/alerts?receiver=team%5C.x"),
    ("{{ template \"opsgenie.default.message\" . }}", "[FIRING:1] HighDrift (warning)"),
    ("{{ template \"opsgenie.default.source\" . }}", "http://am.example/#/alerts?receiver=team%5C.x"),
    (
        "{{ template \"opsgenie.default.description\" . }}",
        "\nAlerts Firing:\nLabels:\n - alertname = HighDrift\n - instance = a<1>\n - severity = warning\nAnnotations:\n - description = line one\nline \"two\"\n - summary = drift & more\nSource: http://p/graph?g0.expr=a%3E1&g0.tab=1\n\nAlerts Resolved:\nLabels:\n - alertname = HighDrift\n - instance = b\n - severity = warning\nAnnotations:\n - summary = x\nSource: \n",
    ),
    (
        "{{ template \"telegram.default.message\" . }}",
        "\n\nAlerts Firing:\nLabels:\n - alertname = HighDrift\n - instance = a<1>\n - severity = warning\nAnnotations:\n - description = line one\nline \"two\"\n - summary = drift & more\nSource: http://p/graph?g0.expr=a%3E1&g0.tab=1\n\n\n\nAlerts Resolved:\nLabels:\n - alertname = HighDrift\n - instance = b\n - severity = warning\nAnnotations:\n - summary = x\nSource: \n\n\n",
    ),
    ("{{ template \"msteamsv2.default.title\" . }}", "[FIRING:1] HighDrift (warning)"),
    (
        "{{ template \"msteamsv2.default.text\" . }}",
        "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = HighDrift\n  - instance = a<1>\n  - severity = warning\n\nAnnotations:\n  - description = line one\nline \"two\"\n  - summary = drift & more\n\nSource: http://p/graph?g0.expr=a%3E1&g0.tab=1\n\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = HighDrift\n  - instance = b\n  - severity = warning\n\nAnnotations:\n  - summary = x\n\nSource: \n\n\n\n",
    ),
    ("{{ template \"pushover.default.title\" . }}", "[FIRING:1] HighDrift (warning)"),
    ("{{ template \"pushover.default.url\" . }}", "http://am.example/#/alerts?receiver=team%5C.x"),
    (
        "{{ template \"pushover.default.message\" . }}",
        "\n\nAlerts Firing:\nLabels:\n - alertname = HighDrift\n - instance = a<1>\n - severity = warning\nAnnotations:\n - description = line one\nline \"two\"\n - summary = drift & more\nSource: http://p/graph?g0.expr=a%3E1&g0.tab=1\n\n\n\nAlerts Resolved:\nLabels:\n - alertname = HighDrift\n - instance = b\n - severity = warning\nAnnotations:\n - summary = x\nSource: \n\n\n",
    ),
    (
        "{{ template \"pagerduty.default.instances\" .Alerts }}",
        "Labels:\n - alertname = HighDrift\n - instance = a<1>\n - severity = warning\nAnnotations:\n - description = line one\nline \"two\"\n - summary = drift & more\nSource: http://p/graph?g0.expr=a%3E1&g0.tab=1\nLabels:\n - alertname = HighDrift\n - instance = b\n - severity = warning\nAnnotations:\n - summary = x\nSource: \n",
    ),
    (
        "{{ .Alerts.Firing | toJson }}",
        "[{\"status\":\"firing\",\"labels\":{\"alertname\":\"HighDrift\",\"instance\":\"a\\u003c1\\u003e\",\"severity\":\"warning\"},\"annotations\":{\"description\":\"line one\\nline \\\"two\\\"\",\"summary\":\"drift \\u0026 more\"},\"startsAt\":\"2026-01-13T10:00:00.5Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://p/graph?g0.expr=a%3E1\\u0026g0.tab=1\",\"fingerprint\":\"00000000000000aa\"}]",
    ),
    ("{{ .Alerts.Resolved | len }}", "1"),
    ("{{ template \"__alertmanagerURL\" . }}", "http://am.example/#/alerts?receiver=team%5C.x"),
    (
        "{{ .Receiver }} {{ .Status | toUpper }} {{ len .Alerts }} {{ len .Alerts.Firing }} {{ .Alerts.Resolved | len }}",
        "team\\.x FIRING 2 1 1",
    ),
    ("{{ range .Alerts }}{{ .Labels.instance }}:{{ .Labels.nope }}:{{ .Annotations.summary }};{{ end }}", "a<1>::drift & more;b::x;"),
    ("{{ .CommonLabels.SortedPairs }}", "alertname=HighDrift, severity=warning"),
    (
        "{{ .CommonLabels.SortedPairs.Names | join \",\" }} {{ .CommonLabels.SortedPairs.Values | join \",\" }}",
        "alertname,severity HighDrift,warning",
    ),
    ("{{ (.CommonLabels.Remove .GroupLabels.Names).Values | join \" \" }}", "warning"),
    ("{{ .CommonLabels.Names | join \",\" }} {{ .CommonLabels.Values | join \",\" }}", "alertname,severity HighDrift,warning"),
    ("{{ (index .Alerts 0).StartsAt }} {{ (index .Alerts 0).EndsAt }}", "2026-01-13 10:00:00.5 +0000 UTC 0001-01-01 00:00:00 +0000 UTC"),
    (
        "{{ (index .Alerts 0).StartsAt.Format \"2006-01-02 15:04:05 MST\" }} {{ (index .Alerts 0).StartsAt.Unix }} {{ (index .Alerts 0).EndsAt.IsZero }}",
        "2026-01-13 10:00:00 UTC 1768298400 true",
    ),
    (
        "{{ date \"Mon, 02 Jan 2006\" (index .Alerts 0).StartsAt }} {{ (index .Alerts 0).StartsAt | tz \"Europe/Paris\" | date \"15:04 MST -07:00\" }}",
        "Tue, 13 Jan 2026 11:00 CET +01:00",
    ),
    (
        "{{ ((index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt) }} {{ humanizeDuration ((index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt).Seconds }}",
        "30m0s 30m 0s",
    ),
    ("{{ title \"hELLO world\" }}|{{ trimSpace \"  x \" }}|{{ toLower \"ABC\" }}", "Hello World|x|abc"),
    ("{{ reReplaceAll \"a(.)\" \"$1-${1}x\" \"ab ac\" }}", "b-bx c-cx"),
    ("{{ match \"^H\" .GroupLabels.alertname }}", "true"),
    ("{{ stringSlice \"a\" \"b\" | join \"+\" }}", "a+b"),
    ("{{ urlUnescape \"a%20b+c\" }}", "a b c"),
    ("{{ safeHtml \"<b>\" }} {{ safeUrl \"http://x\" }}", "<b> http://x"),
    ("{{ toJson .CommonLabels }}", "{\"alertname\":\"HighDrift\",\"severity\":\"warning\"}"),
    (
        "{{ toJson .Alerts }}",
        "[{\"status\":\"firing\",\"labels\":{\"alertname\":\"HighDrift\",\"instance\":\"a\\u003c1\\u003e\",\"severity\":\"warning\"},\"annotations\":{\"description\":\"line one\\nline \\\"two\\\"\",\"summary\":\"drift \\u0026 more\"},\"startsAt\":\"2026-01-13T10:00:00.5Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://p/graph?g0.expr=a%3E1\\u0026g0.tab=1\",\"fingerprint\":\"00000000000000aa\"},{\"status\":\"resolved\",\"labels\":{\"alertname\":\"HighDrift\",\"instance\":\"b\",\"severity\":\"warning\"},\"annotations\":{\"summary\":\"x\"},\"startsAt\":\"2026-01-13T09:00:00Z\",\"endsAt\":\"2026-01-13T09:30:00Z\",\"generatorURL\":\"\",\"fingerprint\":\"00000000000000bb\"}]",
    ),
    (
        "{{ toJson . }}",
        "{\"receiver\":\"team\\\\.x\",\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"HighDrift\",\"instance\":\"a\\u003c1\\u003e\",\"severity\":\"warning\"},\"annotations\":{\"description\":\"line one\\nline \\\"two\\\"\",\"summary\":\"drift \\u0026 more\"},\"startsAt\":\"2026-01-13T10:00:00.5Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://p/graph?g0.expr=a%3E1\\u0026g0.tab=1\",\"fingerprint\":\"00000000000000aa\"},{\"status\":\"resolved\",\"labels\":{\"alertname\":\"HighDrift\",\"instance\":\"b\",\"severity\":\"warning\"},\"annotations\":{\"summary\":\"x\"},\"startsAt\":\"2026-01-13T09:00:00Z\",\"endsAt\":\"2026-01-13T09:30:00Z\",\"generatorURL\":\"\",\"fingerprint\":\"00000000000000bb\"}],\"notification_reason\":\"\",\"groupLabels\":{\"alertname\":\"HighDrift\"},\"commonLabels\":{\"alertname\":\"HighDrift\",\"severity\":\"warning\"},\"commonAnnotations\":{},\"externalURL\":\"http://am.example\"}",
    ),
    ("{{ with .CommonAnnotations }}x{{ else }}none{{ end }}", "none"),
    ("{{ if eq .Status \"firing\" }}F{{ else if eq .Status \"resolved\" }}R{{ end }}", "F"),
    (
        "{{ $a := index .Alerts 0 }}{{ $a.Labels.severity }} {{ $a.Fingerprint }} {{ $a.GeneratorURL }}",
        "warning 00000000000000aa http://p/graph?g0.expr=a%3E1&g0.tab=1",
    ),
    ("{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ $i }}={{ $a.Status }}{{ end }}", "0=firing, 1=resolved"),
    ("{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }} {{ end }}", "alertname=HighDrift severity=warning "),
    (
        "{{ .CommonLabels }} {{ .GroupLabels.alertname }} {{ .ExternalURL | urlquery }}",
        "alertname=HighDrift, severity=warning HighDrift http%3A%2F%2Fam.example",
    ),
    ("{{ range .CommonLabels.SortedPairs }}{{ .Name }}:{{ .Value }} {{ end }}", "alertname:HighDrift severity:warning "),
    ("{{ printf \"%s %q %v %d\" .Status .Receiver (len .Alerts) (len .Alerts) }}", "firing \"team\\\\.x\" 2 2"),
    (
        "{{ define \"mine\" }}[{{ .Status }}]{{ end }}{{ template \"mine\" . }}{{ range .Alerts }}{{ template \"mine\" . }}{{ end }}",
        "[firing][firing][resolved]",
    ),
    ("{{ index .CommonLabels \"severity\" }} [{{ index .CommonLabels \"x\" }}]", "warning []"),
    (
        "{{ (index .Alerts 0).StartsAt.Year }} {{ (index .Alerts 0).StartsAt.Month }} {{ (index .Alerts 0).StartsAt.Weekday }}",
        "2026 January Tuesday",
    ),
    ("{{ humanizeDuration 3661.5 }} {{ humanizeDuration \"61\" }}", "1h 1m 1s 1m 1s"),
    ("{{- range .Alerts -}}  {{ .Labels.instance }}  {{- end -}}", "a<1>b"),
    ("{{ html .CommonLabels.severity \"<x>\" }} {{ js \"a'b\" }}", "warning&lt;x&gt; a\\'b"),
    ("{{ len .CommonLabels }} {{ gt (len .CommonLabels) (len .GroupLabels) }}", "2 true"),
    ("{{ slice .Status 0 2 }} {{ not true }} {{ and .Status \"y\" }} {{ or \"\" .Status }}", "fi false y firing"),
];

/// Templates that Alertmanager refuses when they run.
const ERRORS: &[&str] = &[
    "{{ .Nope }}",
    "{{ .Alerts.Nope }}",
    "{{ (index .Alerts 5).Status }}",
    "{{ join \",\" \"x\" }}",
    "{{ tz \"No/Where\" (index .Alerts 0).StartsAt }}",
    "{{ .Status.x }}",
];

#[test]
fn as_amtool() {
    for (template, text) in AMTOOL {
        assert_eq!(rendered(template), *text, "{template}");
    }
    for template in ERRORS {
        assert!(rendered(template).starts_with("ERROR"), "{template}: {}", rendered(template));
    }
}

#[test]
fn beyond_amtool() {
    for (template, text) in [
        (r#"{{ join "," (list "a" "b") }} {{ (dict "k" "v").k }} {{ append (list "a") "b" | join "," }}"#, "a,b v a,b"),
        (r#"{{ base64encode "héllo" }} {{ base64decode "aGk=" }}"#, "aMOpbGxv hi"),
        ("{{ since (index .Alerts 0).StartsAt }} {{ now.Unix }}", "59m59.5s 1768302000"),
    ] {
        assert_eq!(rendered(template), text, "{template}");
    }
}

#[test]
fn html_is_escaped_where_it_lands() {
    let environment = Environment { now: Timestamp(0) };
    let text = r#"<a href="{{ (index .Alerts 0).GeneratorURL }}" title="{{ (index .Alerts 0).Labels.instance }}">{{ (index .Alerts 0).Labels.instance }}</a>{{ "<b>" | safeHtml }}"#;
    let template = Template::parse("t", text, &default_templates()).expect("it can be read");
    let html = template.render_html(&notification().data(), &environment).expect("it renders");
    assert_eq!(html, r#"<a href="http://p/graph?g0.expr=a%3E1&amp;g0.tab=1" title="a&lt;1&gt;">a&lt;1&gt;</a><b>"#);
    let template = Template::parse("t", r#"{{ template "email.default.html" . }}"#, &default_templates()).expect("it can be read");
    let html = template.render_html(&notification().data(), &environment).expect("it renders");
    assert!(html.contains("a&lt;1&gt;") && !html.contains("a<1>"), "{html}");
}
