//! Together with others: Prometheus, vmalert and Grafana send their alerts to bellbuoy, and bellbuoy sends its own to Alertmanagers.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::stage::{Kind, start};
use crate::harness::{Folder, Program, Server, alertmanager, answer, free_port, http, peer, peers, prometheus, text, wait_explained};

const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: LoadHigh\n    expr: load > 5\n    labels: {severity: critical, sender: SENDER}\n    annotations: {summary: 'load is {{ $value }}'}\n";

/// What a webhook was told: status and name of each alert, with its sender.
fn told(hook: &Server) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for message in hook.received() {
        for alert in message.json()["alerts"].as_array().into_iter().flatten() {
            let labels = &alert["labels"];
            told.insert(format!(
                "{} {} of {}: {}",
                text(&alert["status"]),
                text(&labels["alertname"]),
                text(&labels["sender"]),
                text(&alert["annotations"]["summary"])
            ));
        }
    }
    told
}

fn wait_told(hook: &Server, expected: &[&str]) {
    wait_explained("the messages", &|| format!("{:#?}", told(hook)), || {
        let told = told(hook);
        expected.iter().all(|one| told.contains(*one)).then_some(())
    });
}

/// A page with a load that is 7 while the flag is set.
fn load_page(high: &Arc<AtomicBool>) -> Server {
    let high = high.clone();
    Server::page(move || format!("load {}\n", if high.load(Ordering::Relaxed) { 7 } else { 1 }))
}

fn real_prometheus(dir: &Path, folder: &Folder) -> Program {
    let mut command = Command::new(peer(dir, &["prometheus"]));
    let port = free_port();
    command.arg(format!("--config.file={}", folder.config().join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", folder.data().display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let mut program = Program::start(command, "Server is ready to receive web requests");
    program.address = format!("127.0.0.1:{port}");
    program
}

#[test]
fn prometheus_vmalert_and_grafana_send_here() {
    let Some(dir) = peers() else { return };
    let hook = Server::start(|_| answer(200, &[], b""));
    let ours = Folder::new(&[("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address)))]);
    let program = start(Kind::Bellbuoy, &dir, &ours, &[]);

    let high = Arc::new(AtomicBool::new(true));
    let page = load_page(&high);
    let config = prometheus(&[page.address], &["rules.yml"])
        + &format!("alerting:\n  alertmanagers:\n  - static_configs: [{{targets: ['{}']}}]\n", program.address);
    let folder = Folder::new(&[
        ("prometheus.yml", &config),
        ("rules.yml", &RULES.replace("SENDER", "prometheus")),
        ("vmalert.yml", &RULES.replace("SENDER", "vmalert")),
    ]);
    let sender = real_prometheus(&dir, &folder);
    let vmalert = dir.join("vmalert");
    let _vmalert = vmalert.exists().then(|| {
        let mut command = Command::new(vmalert);
        command.arg(format!("-rule={}", folder.config().join("vmalert.yml").display()));
        command.args([format!("-datasource.url=http://{}", sender.address), format!("-notifier.url=http://{}", program.address)]);
        command.args([
            &format!("-httpListenAddr=127.0.0.1:{}", free_port()),
            "-evaluationInterval=1s",
            "-datasource.queryStep=1s",
            "-rule.evalDelay=0s",
        ]);
        Program::start(command, "started server at")
    });
    let with_vmalert = |status: &str, value: &str| -> Vec<String> {
        let senders = if _vmalert.is_some() { &["prometheus", "vmalert"][..] } else { &["prometheus"] };
        senders.iter().map(|sender| format!("{status} LoadHigh of {sender}: load is {value}")).collect()
    };
    let expected = with_vmalert("firing", "7");
    wait_told(&hook, &expected.iter().map(String::as_str).collect::<Vec<_>>());

    // As Grafana posts to an external Alertmanager.
    let grafana = |end: &str| {
        json!([{
            "labels": {"alertname": "LoadHigh", "sender": "grafana", "grafana_folder": "Team", "__alert_rule_uid__": "abc", "ref_id": "A"},
            "annotations": {"summary": "load", "__values__": "{\"A\":7}", "__orgId__": "1", "__value_string__": "[ var='A' labels={} value=7 ]"},
            "startsAt": "2026-01-01T00:00:00.000Z", "endsAt": end, "generatorURL": "http://grafana/alerting/grafana/abc/view?orgId=1"
        }])
    };
    let later = (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(4)).to_string();
    assert_eq!(program.post("/api/v2/alerts", &grafana(&later).to_string()).0, 200);
    wait_told(&hook, &["firing LoadHigh of grafana: load"]);

    high.store(false, Ordering::Relaxed);
    assert_eq!(program.post("/api/v2/alerts", &grafana(&jiff::Timestamp::now().to_string()).to_string()).0, 200);
    let mut expected = with_vmalert("resolved", "7");
    expected.push("resolved LoadHigh of grafana: load".into());
    wait_told(&hook, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

/// An Alertmanager below a path, that tells a webhook.
fn real_alertmanager(dir: &Path, hook: &Server, port: u16) -> (Folder, Program) {
    let folder = Folder::new(&[("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address)))]);
    let mut command = Command::new(peer(dir, &["alertmanager", "prometheus-alertmanager"]));
    command.arg(format!("--config.file={}", folder.config().join("alertmanager.yml").display()));
    command.arg(format!("--storage.path={}", folder.root().join("am").display()));
    command.args([&format!("--web.listen-address=127.0.0.1:{port}"), "--cluster.listen-address=", "--web.route-prefix=/am"]);
    let mut program = Program::start(command, "msg=\"Listening on\" address=");
    program.address = format!("127.0.0.1:{port}");
    (folder, program)
}

#[test]
fn alerts_go_to_alertmanagers_too() {
    let Some(dir) = peers() else { return };
    let hooks = [0, 1].map(|_| Server::start(|_| answer(200, &[], b"")));
    let ports = [free_port(), free_port()];
    let (_folder, first) = real_alertmanager(&dir, &hooks[0], ports[0]);
    let high = Arc::new(AtomicBool::new(true));
    let page = load_page(&high);
    // Nobody listens at the second one: the first one does not wait for it.
    let config = prometheus(&[page.address], &["rules.yml"])
        + &format!(
            "alerting:\n  alert_relabel_configs:\n  - {{action: labeldrop, regex: instance}}\n  alertmanagers:\n  - path_prefix: /am/\n    api_version: v2\n    timeout: 2s\n    static_configs: [{{targets: ['127.0.0.1:{}', '127.0.0.1:{}']}}]\n    alert_relabel_configs:\n    - {{target_label: cluster, replacement: one}}\n",
            ports[0], ports[1]
        );
    let folder = Folder::new(&[
        ("prometheus.yml", &config),
        ("rules.yml", &RULES.replace("SENDER", "bellbuoy")),
        ("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hooks[1].address))),
        ("bellbuoy.yml", "forward_alerts: true\n"),
    ]);
    let program = start(Kind::Bellbuoy, &dir, &folder, &[]);
    for hook in [&hooks[0], &hooks[1]] {
        wait_told(hook, &["firing LoadHigh of bellbuoy: load is 7"]);
    }
    let shown: Value = serde_json::from_str(&http(&first.address, "GET", "/am/api/v2/alerts", &[], b"").1).expect("JSON");
    assert_eq!(
        shown[0]["labels"],
        json!({"alertname": "LoadHigh", "severity": "critical", "sender": "bellbuoy", "job": "app", "cluster": "one"})
    );
    wait_explained("the failures are counted", &|| program.get("/metrics").1, || {
        let metrics = program.get("/metrics").1;
        let count = |name: &str| -> f64 {
            let line = metrics.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
            line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok()).unwrap_or(0.0)
        };
        (count("prometheus_notifications_errors_total") >= 1.0 && count("prometheus_notifications_sent_total") >= 2.0).then_some(())
    });

    high.store(false, Ordering::Relaxed);
    for hook in [&hooks[0], &hooks[1]] {
        wait_told(hook, &["resolved LoadHigh of bellbuoy: load is 7"]);
    }
}
