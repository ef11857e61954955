//! Without an alertmanager.yml alerts go to the Alertmanagers that prometheus.yml names.

use super::harness::{Folder, Program, Server, answer, prometheus, text, wait_for};

#[test]
fn alerts_reach_another_alertmanager_relabelled_and_with_external_labels() {
    let target = Server::page(|| "load 7\n".to_string());
    let alertmanager = Server::start(|_| answer(200, &[], b""));
    let config = prometheus(&[target.address], &["rules.yml"])
        .replace("  evaluation_interval: 1s\n", "  evaluation_interval: 1s\n  external_labels: {region: eu}\n")
        + &format!(
            "alerting:\n  alert_relabel_configs:\n  - {{action: labeldrop, regex: instance}}\n  alertmanagers:\n  - path_prefix: /am\n    static_configs: [{{targets: ['{}']}}]\n",
            alertmanager.address
        );
    let rules = "groups:\n- name: g\n  rules:\n  - alert: LoadHigh\n    expr: load > 5\n    labels: {severity: critical}\n";
    let folder = Folder::new(&[("prometheus.yml", &config), ("rules.yml", rules)]);
    let program = Program::up(&folder);
    let posted = wait_for("the posted alert", || alertmanager.received().first().cloned()).json();
    let labels = &posted[0]["labels"];
    assert_eq!(
        (text(&labels["alertname"]), text(&labels["region"]), text(&labels["severity"])),
        ("LoadHigh".into(), "eu".into(), "critical".into())
    );
    assert!(labels.get("instance").is_none(), "{posted}");
    let urls = program.data("/api/v1/alertmanagers");
    assert_eq!(text(&urls["activeAlertmanagers"][0]["url"]), format!("http://{}/am/api/v2/alerts", alertmanager.address));
    assert!(program.get("/metrics").1.contains("prometheus_notifications_sent_total 1"));
}
