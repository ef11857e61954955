//! How each receiver says what a pipeline told.

use bellbuoy_notify::event::Event;
use bellbuoy_notify::{Composed, IntegrationKind, Message, Notice, PagerdutyKey, SlackSettings, TelegramMode};
use bellbuoy_vocabulary::{Alert, Millis, Secret};
use expect_test::expect;
use serde_json::{Value, json};

use crate::services::{named, opsgenie, pagerduty, slack, teams, telegram};
use crate::{NOW, body, composed, discord_settings, email, firing, notice};

fn event(value: Value) -> Alert {
    Event::read(&value, NOW).unwrap_or_else(|problems| panic!("{value}: {problems:?}")).alert("e1", Millis::from_minutes(5), NOW)
}

fn drift() -> Alert {
    event(json!({"kind": "drift", "model": "bikes_<1>", "fields": {"drift_share": 0.542, "r2": 0.7234, "drifted_features": 8},
        "footer": "MLOps Bike Traffic Monitoring", "link": "https://airflow.example/run"}))
}

fn trained(decision: &str) -> Alert {
    event(json!({"kind": "training-success", "fields": {"decision": decision, "old_r2": 0.7234, "new_r2": 0.7856}}))
}

fn default_slack() -> IntegrationKind {
    IntegrationKind::Slack(SlackSettings {
        text: named("slack.default.text"),
        footer: named("slack.default.footer"),
        fields: Vec::new(),
        ..slack()
    })
}

fn told(kind: IntegrationKind, alerts: Vec<Alert>) -> Composed {
    let notice: Notice = notice(kind.word(), alerts);
    let composed = composed(kind, &notice);
    assert_eq!(composed.problems, Vec::<String>::new());
    composed
}

#[test]
fn discord_colours_and_fields() {
    let body = body(&told(IntegrationKind::Discord(discord_settings()), vec![drift()]));
    expect![[r#"
        [
          {
            "title": "⚠️ Data Drift Detected",
            "color": 16747520,
            "description": "WARNING: High data drift detected in production model.\nImpact: Model predictions may degrade over time. Monitor closely and plan retraining.",
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
              },
              {
                "name": "model",
                "value": "bikes\\_\\<1>",
                "inline": true
              }
            ],
            "footer": {
              "text": "MLOps Bike Traffic Monitoring"
            },
            "timestamp": "2026-01-13T10:00:00Z",
            "url": "https://airflow.example/run"
          }
        ]"#]].assert_eq(&serde_json::to_string_pretty(&body["embeds"]).expect("JSON"));
    let promoted = event(json!({"kind": "champion-promotion", "fields": {"model_version": "12"}}));
    let failed = event(json!({"kind": "dag-completion", "fields": {"dag_id": "d", "state": "failed"}}));
    for (alert, title, colour) in [
        (trained("deploy"), "🚀 Training Completed", 0x2ECC71),
        (trained("skip"), "⏭️ Training Completed", 0x95A5A6),
        (trained("reject"), "❌ Training Completed", 0xFF8C00),
        (event(json!({"kind": "training-failure", "fields": {"error": "x"}})), "🚨 Training Pipeline Failed", 0xE01E1E),
        (event(json!({"kind": "performance", "fields": {"r2": 0.6}})), "⚠️ Model Performance Declining", 0xFF8C00),
        (promoted, "🏆 Champion Promoted", 0x2ECC71),
        (failed, "🚨 DAG Failed", 0xE01E1E),
        (event(json!({"kind": "model-retired"})), "ℹ️ Model Retired", 0x3498DB),
    ] {
        let body = crate::body(&told(IntegrationKind::Discord(discord_settings()), vec![alert]));
        assert_eq!((body["embeds"][0]["title"].as_str(), body["embeds"][0]["color"].as_u64()), (Some(title), Some(colour)));
    }
}

#[test]
fn slack_fields_and_colours() {
    let body = body(&told(default_slack(), vec![drift()]));
    expect![[r#"
        [
          {
            "title": "⚠️ Data Drift Detected",
            "title_link": "https://airflow.example/run",
            "text": "WARNING: High data drift detected in production model.\nImpact: Model predictions may degrade over time. Monitor closely and plan retraining.\n",
            "fallback": "⚠️ Data Drift Detected",
            "callback_id": "",
            "fields": [
              {
                "title": "Drift Share",
                "value": "54.2%",
                "short": true
              },
              {
                "title": "Production R²",
                "value": "0.7234",
                "short": true
              },
              {
                "title": "Drifted Features",
                "value": "8",
                "short": true
              },
              {
                "title": "model",
                "value": "bikes_&lt;1&gt;",
                "short": true
              }
            ],
            "footer": "MLOps Bike Traffic Monitoring",
            "color": "warning",
            "mrkdwn_in": [
              "fallback",
              "pretext",
              "text"
            ]
          }
        ]"#]].assert_eq(&serde_json::to_string_pretty(&body["attachments"]).expect("JSON"));
    for (decision, colour) in [("deploy", "good"), ("skip", "#95A5A6"), ("reject", "warning")] {
        assert_eq!(crate::body(&told(default_slack(), vec![trained(decision)]))["attachments"][0]["color"], colour);
    }
    // Several events are one text.
    let body = crate::body(&told(default_slack(), vec![drift(), trained("deploy")]));
    expect![[r#"
        ⚠️ Data Drift Detected
        WARNING: High data drift detected in production model.
        Impact: Model predictions may degrade over time. Monitor closely and plan retraining.
        Drift Share: 54.2%
        Production R²: 0.7234
        Drifted Features: 8
        model: bikes_&lt;1&gt;
        https://airflow.example/run
        MLOps Bike Traffic Monitoring

        🚀 Training Completed
        Model training completed.
        Decision: New model DEPLOYED to production
        New R²: 0.7856
        Old R²: 0.7234
        Improvement: +0.0622
    "#]]
    .assert_eq(body["attachments"][0]["text"].as_str().expect("a text"));
    assert_eq!(body["attachments"][0]["title"], "2 events: ⚠️ Data Drift Detected, 🚀 Training Completed");
}

#[test]
fn chats_and_pagers() {
    let text = |composed: &Composed, pointer: &str| body(composed).pointer(pointer).and_then(Value::as_str).unwrap_or("").to_string();
    let message = told(telegram(TelegramMode::Html, &named("telegram.default.message")), vec![drift()]);
    expect![[r#"
        ⚠️ Data Drift Detected
        WARNING: High data drift detected in production model.
        Impact: Model predictions may degrade over time. Monitor closely and plan retraining.
        Drift Share: 54.2%
        Production R²: 0.7234
        Drifted Features: 8
        model: bikes_&lt;1&gt;
        https://airflow.example/run
        MLOps Bike Traffic Monitoring"#]]
    .assert_eq(&text(&message, "/text"));
    let message = told(teams(), vec![drift()]);
    expect![[r#"
        [
          {
            "type": "TextBlock",
            "text": "⚠️ Data Drift Detected",
            "weight": "Bolder",
            "size": "Medium",
            "wrap": true,
            "style": "heading",
            "color": "Attention"
          },
          {
            "type": "TextBlock",
            "text": "WARNING: High data drift detected in production model.\nImpact: Model predictions may degrade over time. Monitor closely and plan retraining.\nDrift Share: 54.2%\nProduction R²: 0.7234\nDrifted Features: 8\nmodel: bikes_<1>\nhttps://airflow.example/run\nMLOps Bike Traffic Monitoring\n",
            "wrap": true
          }
        ]"#]].assert_eq(&serde_json::to_string_pretty(&body(&message)["attachments"][0]["content"]["body"]).expect("JSON"));
    let message = told(pagerduty(PagerdutyKey::Routing(Secret::new("k"))), vec![drift()]);
    assert_eq!(text(&message, "/payload/summary"), "⚠️ Data Drift Detected");
    let message = told(opsgenie(), vec![drift()]);
    assert_eq!(text(&message, "/message"), "⚠️ Data Drift Detected");
    expect![[r#"
        WARNING: High data drift detected in production model.
        Impact: Model predictions may degrade over time. Monitor closely and plan retraining.
        Drift Share: 54.2%
        Production R²: 0.7234
        Drifted Features: 8
        model: bikes_<1>
        https://airflow.example/run
        MLOps Bike Traffic Monitoring
    "#]]
    .assert_eq(&text(&message, "/description"));
}

#[test]
fn mails() {
    let message = told(IntegrationKind::Email(email::settings()), vec![drift()]);
    let Message::Email(mail) = message.message else { panic!("a mail") };
    assert_eq!(mail.subject, "⚠️ Data Drift Detected");
    expect![[r#"
        ⚠️ Data Drift Detected
        WARNING: High data drift detected in production model.
        Impact: Model predictions may degrade over time. Monitor closely and plan retraining.
        Drift Share: 54.2%
        Production R²: 0.7234
        Drifted Features: 8
        model: bikes_<1>
        https://airflow.example/run
        MLOps Bike Traffic Monitoring
    "#]]
    .assert_eq(&mail.text);
    for part in ["Drift Share</td>", "<b>54.2%</b>", "bikes_&lt;1&gt;", r#"href="https://airflow.example/run""#, "#b45309"] {
        assert!(mail.html.contains(part), "{part}: {}", mail.html);
    }
}

#[test]
fn texts_of_ones_own_and_alerts_that_last_stay() {
    let own = IntegrationKind::Slack(SlackSettings { title: "mine {{ .CommonLabels.event }}".into(), ..slack() });
    assert_eq!(body(&told(own, vec![drift()]))["attachments"][0]["title"], "mine drift");
    let mixed = body(&told(default_slack(), vec![drift(), firing(&[("alertname", "A")], &[])]));
    assert!(mixed["attachments"][0]["title"].as_str().is_some_and(|title| title.starts_with("[FIRING:2]")), "{mixed}");
}
