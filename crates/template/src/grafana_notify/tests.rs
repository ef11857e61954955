//! Grafana's templates over an alert of Grafana's and one of Prometheus'.

use expect_test::{Expect, expect};

use super::*;
use crate::{Environment, Template};

fn notification() -> Notification {
    let at = |text: &str| Timestamp::parse_rfc3339(text).expect("a time of this test");
    let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
    Notification {
        receiver: "team".into(),
        status: "firing".into(),
        alerts: vec![
            Alert {
                status: "firing".into(),
                labels: labels(&[
                    ("alertname", "High CPU"),
                    ("grafana_folder", "ML"),
                    ("instance", "a<1>"),
                    (RULE_UID_LABEL, "u1"),
                    ("__alert_rule_namespace_uid__", "n1"),
                ]),
                annotations: labels(&[
                    ("summary", "drift & more"),
                    (VALUES_ANNOTATION, r#"{"B":22,"A":1e21,"C":0.5}"#),
                    (VALUE_STRING_ANNOTATION, "[ var='B' labels={} value=22 ]"),
                    (DASHBOARD_UID_ANNOTATION, "dash"),
                    (PANEL_ID_ANNOTATION, "7"),
                    (ORG_ID_ANNOTATION, "1"),
                ]),
                starts_at: at("2026-01-13T10:00:00Z"),
                ends_at: None,
                generator_url: "http://g/alerting/grafana/u1/view".into(),
                fingerprint: 0xaa,
            },
            Alert {
                status: "resolved".into(),
                labels: labels(&[("alertname", "Plain"), ("instance", "b")]),
                annotations: Labels::empty(),
                starts_at: at("2026-01-13T09:00:00Z"),
                ends_at: Some(at("2026-01-13T09:30:00Z")),
                generator_url: String::new(),
                fingerprint: 0xbb,
            },
        ],
        reason: String::new(),
        group_labels: labels(&[("grafana_folder", "ML")]),
        common_labels: labels(&[("grafana_folder", "ML"), ("team", "x"), (RULE_UID_LABEL, "u1")]),
        common_annotations: labels(&[(ORG_ID_ANNOTATION, "1")]),
        external_url: "http://bell/".into(),
        group_key: "{}:{}".into(),
    }
}

const NOW: Timestamp = Timestamp(1_768_302_000_000);

fn rendered(text: &str) -> String {
    let set = default_templates();
    let template = match Template::parse("t", text, &set) {
        Ok(template) => template,
        Err(error) => return format!("ERROR {error}"),
    };
    let environment = Environment { now: NOW };
    template.render(&set.data_of(&notification(), &environment), &environment).unwrap_or_else(|error| format!("ERROR {error}"))
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&rendered(text));
}

#[test]
fn defaults_can_be_read() {
    assert_eq!(default_templates().problems(), []);
}

#[test]
fn default_title_and_message() {
    check("{{ template \"default.title\" . }}", expect!["[FIRING:1, RESOLVED:1] ML (x)"]);
    check(
        "{{ template \"default.message\" . }}",
        expect![[r#"
        **Firing**

        Value: A=1e+21, B=22, C=0.5
        Labels:
         - alertname = High CPU
         - grafana_folder = ML
         - instance = a<1>
        Annotations:
         - summary = drift & more
        Source: http://g/alerting/grafana/u1/view?orgId=1
        Silence: http://bell/alerting/silence/new?alertmanager=grafana&matcher=__alert_rule_uid__%3Du1&matcher=instance%3Da%3C1%3E&orgId=1
        Dashboard: http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000
        Panel: http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000&viewPanel=7


        **Resolved**

        Value: [no value]
        Labels:
         - alertname = Plain
         - instance = b
        Annotations:
        Silence: http://bell/alerting/silence/new?alertmanager=grafana&matcher=alertname%3DPlain&matcher=instance%3Db
    "#]],
    );
    check(
        "{{ template \"teams.default.message\" . }}",
        expect![[r#"
        **Firing**

        Value: A=1e+21, B=22, C=0.5
        Labels:
         - alertname = High CPU
         - grafana_folder = ML
         - instance = a<1>

        Annotations:
         - summary = drift & more

        Source: [http://g/alerting/grafana/u1/view?orgId=1](http://g/alerting/grafana/u1/view?orgId=1)

        Silence: [http://bell/alerting/silence/new?alertmanager=grafana&matcher=__alert_rule_uid__%3Du1&matcher=instance%3Da%3C1%3E&orgId=1](http://bell/alerting/silence/new?alertmanager=grafana&matcher=__alert_rule_uid__%3Du1&matcher=instance%3Da%3C1%3E&orgId=1)

        Dashboard: [http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000](http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000)

        Panel: [http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000&viewPanel=7](http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000&viewPanel=7)




        **Resolved**

        Value: [no value]
        Labels:
         - alertname = Plain
         - instance = b

        Annotations:

        Silence: [http://bell/alerting/silence/new?alertmanager=grafana&matcher=alertname%3DPlain&matcher=instance%3Db](http://bell/alerting/silence/new?alertmanager=grafana&matcher=alertname%3DPlain&matcher=instance%3Db)


    "#]],
    );
}

#[test]
fn an_alert_has_more_than_alertmanagers() {
    for (text, expected) in [
        ("{{ range .Alerts }}{{ .Values.B }} {{ .Values.X }} {{ gt .Values.B 5.0 }}|{{ end }}", "22 0 true|0 0 false|"),
        ("{{ range $k, $v := (index .Alerts 0).Values }}{{ $k }}={{ $v }} {{ end }}", "A=1e+21 B=22 C=0.5 "),
        ("{{ (index .Alerts 0).ValueString }}", "[ var='B' labels={} value=22 ]"),
        ("{{ (index .Alerts 0).OrgID }} {{ (index .Alerts 0).RuleUID }}", "1 u1"),
        ("{{ (index .Alerts 0).GeneratorURL }}", "http://g/alerting/grafana/u1/view?orgId=1"),
        ("{{ (index .Alerts 0).DashboardURL }}", "http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000"),
        ("{{ (index .Alerts 0).PanelURL }}", "http://bell/d/dash?from=1768294800000&orgId=1&to=1768302000000&viewPanel=7"),
        (
            "{{ (index .Alerts 0).SilenceURL }}",
            "http://bell/alerting/silence/new?alertmanager=grafana&matcher=__alert_rule_uid__%3Du1&matcher=instance%3Da%3C1%3E&orgId=1",
        ),
        (
            "{{ (index .Alerts 1).SilenceURL }}",
            "http://bell/alerting/silence/new?alertmanager=grafana&matcher=alertname%3DPlain&matcher=instance%3Db",
        ),
        ("{{ (index .Alerts 1).DashboardURL }}{{ (index .Alerts 1).PanelURL }}{{ (index .Alerts 1).ImageURL }}", ""),
        // What is for machines is not shown.
        ("{{ (index .Alerts 0).Labels.Names | join \",\" }}", "alertname,grafana_folder,instance"),
        ("{{ (index .Alerts 0).Annotations.Names | join \",\" }}{{ len .CommonAnnotations }}", "summary0"),
        ("{{ .GroupKey }} {{ .CommonLabels.team }}", "{}:{} x"),
    ] {
        assert_eq!(rendered(text), expected, "{text}");
    }
}

#[test]
fn functions_of_namespaces() {
    for (text, expected) in [
        ("{{ $d := coll.Dict \"a\" 1 \"b\" }}{{ $d.a }}{{ $d.b }}", "1"),
        ("{{ range coll.Append \"c\" (coll.Slice \"a\" \"b\") }}{{ . }}{{ end }}", "abc"),
        ("{{ coll.Dict \"n\" 1.5 \"t\" \"<x>\" | data.ToJSON }}", r#"{"n":1.5,"t":"\u003cx\u003e"}"#),
        ("{{ coll.Dict \"n\" (coll.Slice 1 2.0) | data.ToJSONPretty \"  \" }}", "{\n  \"n\": [\n    1,\n    2\n  ]\n}"),
        ("{{ (data.JSON \"{\\\"a\\\": {\\\"b\\\": [1, true, null]}}\").a.b }}", "[1 true <nil>]"),
        ("{{ define \"x\" }}<{{ . }}>{{ end }}{{ tmpl.Exec \"x\" \"y\" | toUpper }}", "<Y>"),
        ("{{ tmpl.Inline \"{{ .Status }}!\" . }}{{ tmpl.Inline \"plain\" . }}", "firing!plain"),
        ("{{ time.Now.Unix }} {{ time.Now.Format \"15:04\" }}", "1768302000 11:00"),
        ("{{ tmpl.Exec \"nobody\" . }}", "ERROR line 1: template \"nobody\" not defined"),
        ("{{ coll.Dcit \"a\" 1 }}", "ERROR line 1: function \"coll\" not defined"),
        (
            "{{ define \"r\" }}{{ tmpl.Exec \"r\" . }}{{ end }}{{ tmpl.Exec \"r\" . }}",
            "ERROR line 1: in \"r\": in \"r\": in \"r\": in \"r\": tmpl: templates call each other too deeply",
        ),
    ] {
        assert_eq!(rendered(text), expected, "{text}");
    }
    check(
        "{{ template \"webhook.default.payload\" . }}",
        expect![[r#"
        {
         "alerts": [
          {
           "status": "firing",
           "labels": {
            "alertname": "High CPU",
            "grafana_folder": "ML",
            "instance": "a\u003c1\u003e"
           },
           "annotations": {
            "summary": "drift \u0026 more"
           },
           "startsAt": "2026-01-13T10:00:00Z",
           "endsAt": "0001-01-01T00:00:00Z",
           "generatorURL": "http://g/alerting/grafana/u1/view?orgId=1",
           "fingerprint": "00000000000000aa",
           "silenceURL": "http://bell/alerting/silence/new?alertmanager=grafana\u0026matcher=__alert_rule_uid__%3Du1\u0026matcher=instance%3Da%3C1%3E\u0026orgId=1",
           "dashboardURL": "http://bell/d/dash?from=1768294800000\u0026orgId=1\u0026to=1768302000000",
           "panelURL": "http://bell/d/dash?from=1768294800000\u0026orgId=1\u0026to=1768302000000\u0026viewPanel=7",
           "ruleUID": "u1",
           "values": {
            "A": 1e+21,
            "B": 22,
            "C": 0.5
           },
           "valueString": "[ var='B' labels={} value=22 ]",
           "orgId": 1
          },
          {
           "status": "resolved",
           "labels": {
            "alertname": "Plain",
            "instance": "b"
           },
           "annotations": {},
           "startsAt": "2026-01-13T09:00:00Z",
           "endsAt": "2026-01-13T09:30:00Z",
           "generatorURL": "",
           "fingerprint": "00000000000000bb",
           "silenceURL": "http://bell/alerting/silence/new?alertmanager=grafana\u0026matcher=alertname%3DPlain\u0026matcher=instance%3Db",
           "dashboardURL": "",
           "panelURL": "",
           "values": {},
           "valueString": ""
          }
         ],
         "commonAnnotations": {},
         "commonLabels": {
          "grafana_folder": "ML",
          "team": "x"
         },
         "externalURL": "http://bell/",
         "groupKey": "{}:{}",
         "groupLabels": {
          "grafana_folder": "ML"
         },
         "message": "**Firing**\n\nValue: A=1e+21, B=22, C=0.5\nLabels:\n - alertname = High CPU\n - grafana_folder = ML\n - instance = a\u003c1\u003e\nAnnotations:\n - summary = drift \u0026 more\nSource: http://g/alerting/grafana/u1/view?orgId=1\nSilence: http://bell/alerting/silence/new?alertmanager=grafana\u0026matcher=__alert_rule_uid__%3Du1\u0026matcher=instance%3Da%3C1%3E\u0026orgId=1\nDashboard: http://bell/d/dash?from=1768294800000\u0026orgId=1\u0026to=1768302000000\nPanel: http://bell/d/dash?from=1768294800000\u0026orgId=1\u0026to=1768302000000\u0026viewPanel=7\n\n\n**Resolved**\n\nValue: [no value]\nLabels:\n - alertname = Plain\n - instance = b\nAnnotations:\nSilence: http://bell/alerting/silence/new?alertmanager=grafana\u0026matcher=alertname%3DPlain\u0026matcher=instance%3Db\n",
         "orgId": 1,
         "receiver": "team",
         "state": "alerting",
         "status": "firing",
         "title": "[FIRING:1, RESOLVED:1] ML (x)",
         "truncatedAlerts": null,
         "version": "1"
        }"#]],
    );
}

#[test]
fn mail_is_escaped() {
    let set = default_templates();
    let environment = Environment { now: NOW };
    let template = Template::parse("t", "{{ template \"ng_alert_notification\" . }}", &set).expect("it can be read");
    let html = template.render_html(&set.data_of(&notification(), &environment), &environment).expect("it renders");
    assert!(html.contains("a&lt;1&gt;") && !html.contains("a<1>") && html.contains("B=22"), "{html}");
}
