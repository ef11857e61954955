//! Embeds as people see them, after the examples of the pipeline that this was made for.

use bellbuoy_notify::{Context, DiscordSettings, Integration, IntegrationKind, compose};
use bellbuoy_template::notify::default_templates;
use bellbuoy_vocabulary::Alert;
use expect_test::{Expect, expect};

use crate::{NOW, body, composed, discord_settings, firing, notice, pretty, resolved};

fn check(alerts: Vec<Alert>, expected: Expect) {
    let message = composed(IntegrationKind::Discord(discord_settings()), &notice("discord", alerts));
    assert_eq!(message.problems, Vec::<String>::new());
    expected.assert_eq(&pretty(&message));
}

fn service_down() -> Alert {
    firing(
        &[("alertname", "ServiceDown"), ("severity", "critical"), ("component", "infrastructure"), ("instance", "regmodel-backend:8000")],
        &[
            ("summary", "Service regmodel-backend is DOWN"),
            ("description", "regmodel-backend:8000 has been unreachable for more than 1 minute."),
        ],
    )
}

#[test]
fn a_critical_alert() {
    check(
        vec![service_down()],
        expect![[r#"
        {
          "embeds": [
            {
              "title": "🚨 CRITICAL · ServiceDown",
              "color": 14687774,
              "description": "Service regmodel-backend is DOWN\nregmodel-backend:8000 has been unreachable for more than 1 minute.",
              "fields": [
                {
                  "name": "component",
                  "value": "infrastructure",
                  "inline": true
                },
                {
                  "name": "instance",
                  "value": "regmodel-backend:8000",
                  "inline": true
                }
              ],
              "footer": {
                "text": "bellbuoy · first notification"
              },
              "timestamp": "2026-01-13T09:55:00Z",
              "url": "http://bellbuoy.example/graph?g0.expr=up"
            }
          ],
          "allowed_mentions": {
            "parse": []
          }
        }"#]],
    );
}

#[test]
fn its_end() {
    check(
        vec![resolved(service_down())],
        expect![[r#"
        {
          "embeds": [
            {
              "title": "✅ RESOLVED · ServiceDown",
              "color": 3066993,
              "description": "Service regmodel-backend is DOWN\nregmodel-backend:8000 has been unreachable for more than 1 minute.",
              "fields": [
                {
                  "name": "component",
                  "value": "infrastructure",
                  "inline": true
                },
                {
                  "name": "instance",
                  "value": "regmodel-backend:8000",
                  "inline": true
                }
              ],
              "footer": {
                "text": "bellbuoy · first notification"
              },
              "timestamp": "2026-01-13T09:59:00Z",
              "url": "http://bellbuoy.example/graph?g0.expr=up"
            }
          ],
          "allowed_mentions": {
            "parse": []
          }
        }"#]],
    );
}

#[test]
fn a_drift_event_with_fields() {
    let alert = firing(
        &[("alertname", "drift"), ("severity", "warning"), ("model", "bike")],
        &[
            ("title", "⚠️ Data Drift Detected"),
            ("summary", "WARNING: High data drift detected in production model."),
            ("field:1:Drift Share", "54.2%"),
            ("field:2:Production R²", "0.7234"),
            ("field:3:Drifted Features", "8"),
        ],
    );
    check(
        vec![alert],
        expect![[r#"
            {
              "embeds": [
                {
                  "title": "⚠️ Data Drift Detected",
                  "color": 16747520,
                  "description": "WARNING: High data drift detected in production model.",
                  "fields": [
                    {
                      "name": "Drift Share",
                      "value": "54.2%",
                      "inline": true
                    },
                    {
                      "name": "Production R²",
                      "value": "0.7234",
                      "inline": true
                    },
                    {
                      "name": "Drifted Features",
                      "value": "8",
                      "inline": true
                    }
                  ],
                  "footer": {
                    "text": "bellbuoy · first notification"
                  },
                  "timestamp": "2026-01-13T09:55:00Z",
                  "url": "http://bellbuoy.example/graph?g0.expr=up"
                }
              ],
              "allowed_mentions": {
                "parse": []
              }
            }"#]],
    );
}

#[test]
fn several_alerts() {
    let slow = |instance: &str| {
        firing(&[("alertname", "Slow"), ("severity", "warning"), ("job", "api"), ("instance", instance)], &[("summary", "slow")])
    };
    check(
        vec![slow("a"), slow("b"), resolved(slow("c"))],
        expect![[r#"
            {
              "embeds": [
                {
                  "title": "⚠️ WARNING · Slow",
                  "color": 16747520,
                  "description": "slow",
                  "fields": [
                    {
                      "name": "instance",
                      "value": "a",
                      "inline": true
                    },
                    {
                      "name": "job",
                      "value": "api",
                      "inline": true
                    }
                  ],
                  "footer": {
                    "text": "bellbuoy · first notification"
                  },
                  "timestamp": "2026-01-13T09:55:00Z",
                  "url": "http://bellbuoy.example/graph?g0.expr=up"
                },
                {
                  "title": "⚠️ WARNING · Slow",
                  "color": 16747520,
                  "description": "slow",
                  "fields": [
                    {
                      "name": "instance",
                      "value": "b",
                      "inline": true
                    }
                  ],
                  "footer": {
                    "text": "bellbuoy · first notification"
                  },
                  "timestamp": "2026-01-13T09:55:00Z",
                  "url": "http://bellbuoy.example/graph?g0.expr=up"
                },
                {
                  "title": "✅ RESOLVED · Slow",
                  "color": 3066993,
                  "description": "slow",
                  "fields": [
                    {
                      "name": "instance",
                      "value": "c",
                      "inline": true
                    }
                  ],
                  "footer": {
                    "text": "bellbuoy · first notification"
                  },
                  "timestamp": "2026-01-13T09:59:00Z",
                  "url": "http://bellbuoy.example/graph?g0.expr=up"
                }
              ],
              "allowed_mentions": {
                "parse": []
              }
            }"#]],
    );
}

#[test]
fn outcomes_have_their_colours() {
    for (outcome, color) in [("deploy", 0x2ecc71), ("skip", 0x95a5a6), ("reject", 0xff8c00)] {
        let alert = firing(&[("alertname", "training"), ("severity", "info"), ("outcome", outcome)], &[]);
        let message = composed(IntegrationKind::Discord(discord_settings()), &notice("discord", vec![alert]));
        assert_eq!(body(&message)["embeds"][0]["color"], color, "{outcome}");
    }
}

#[test]
fn what_finds_no_room_is_counted() {
    let alerts: Vec<Alert> =
        (0..21).map(|n| firing(&[("alertname", "A"), ("n", &n.to_string())], &[("description", &"long ".repeat(500))])).collect();
    let message = composed(IntegrationKind::Discord(discord_settings()), &notice("discord", alerts));
    let embeds = body(&message)["embeds"].as_array().expect("embeds").clone();
    assert_eq!(embeds.len(), 10);
    assert_eq!(embeds[9]["description"], "... and 12 more alerts");
    let ten: Vec<Alert> = (0..10).map(|n| firing(&[("alertname", "A"), ("n", &n.to_string())], &[])).collect();
    let message = composed(IntegrationKind::Discord(discord_settings()), &notice("discord", ten));
    assert_eq!(body(&message)["embeds"].as_array().map(Vec::len), Some(10));
}

#[test]
fn a_users_templates_fill_one_embed() {
    let settings =
        DiscordSettings { title: "T {{ .Status }}".into(), content: "<@&1> look".into(), username: "buoy".into(), ..discord_settings() };
    let message = composed(IntegrationKind::Discord(settings), &notice("discord", vec![service_down()]));
    expect![[r#"
        {
          "embeds": [
            {
              "title": "T firing",
              "color": 14687774,
              "description": "Alerts Firing:\nLabels:\n - alertname = ServiceDown\n - component = infrastructure\n - instance = regmodel-backend:8000\n - severity = critical\nAnnotations:\n - description = regmodel-backend:8000 has been unreachable for more than 1 minute.\n - summary = Service regmodel-backend is DOWN\nSource: http://bellbuoy.example/graph?g0.expr=up"
            }
          ],
          "allowed_mentions": {
            "parse": [],
            "roles": [
              "1"
            ]
          },
          "content": "<@&1> look",
          "username": "buoy"
        }"#]].assert_eq(&pretty(&message));
}

#[test]
fn a_redefined_default_is_used() {
    let mut templates = default_templates();
    templates.add("mine.tmpl", r#"{{ define "discord.default.title" }}mine {{ .Alerts.Firing | len }}{{ end }}"#).expect("it can be read");
    let context = Context { external_url: "", templates: &templates, now: NOW };
    let integration = Integration { index: 0, send_resolved: true, kind: IntegrationKind::Discord(discord_settings()) };
    let message = compose(&integration, &notice("discord", vec![service_down()]), &context);
    assert_eq!(body(&message)["embeds"][0]["title"], "mine 1");
}

#[test]
fn a_broken_template_does_not_lose_the_message() {
    let settings = DiscordSettings { message: "{{ .Nope }}".into(), ..discord_settings() };
    let message = composed(IntegrationKind::Discord(settings), &notice("discord", vec![service_down()]));
    assert_eq!(message.problems, ["template of message failed: line 1: can't evaluate field Nope: there is no such field"]);
    let embeds = &body(&message)["embeds"];
    assert!(embeds[0]["description"].as_str().is_some_and(|text| text.starts_with("This plain form was sent because a template failed")));
    assert_eq!(embeds[1]["title"], "🚨 CRITICAL · ServiceDown");
}
