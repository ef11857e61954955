//! No secret leaves: planted words in every place that holds one must not be in the log, in an answer, or in a file of ours.

use std::path::Path;
use std::process::Stdio;

use super::harness::{Folder, Program, Server, answer, bellbuoy, wait_for};

const CANARIES: [&str; 8] =
    ["canary-basic", "canary-token", "canary-hook", "canary-discord", "canary-smtp", "canary-variable", "canary-am", "canary-file"];

fn files_below(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn planted_secrets_are_nowhere_to_be_seen() {
    // Both receivers refuse, so that errors are told as well.
    let broken = Server::start(|_| answer(500, &[], b"no"));
    let hook = Server::start(|_| answer(503, &[], b"no"));
    let folder = Folder::new(&[
        (
            "prometheus.yml",
            &format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\nscrape_configs:\n\
                 - job_name: a\n  basic_auth: {{username: u, password: canary-basic}}\n  static_configs: [{{targets: ['{0}']}}]\n\
                 - job_name: b\n  authorization: {{credentials: canary-token}}\n  static_configs: [{{targets: ['{0}']}}]\n\
                 - job_name: c\n  basic_auth: {{username: u, password: '${{SECRET_VARIABLE}}'}}\n  static_configs: [{{targets: ['{0}']}}]\n\
                 alerting:\n  alertmanagers:\n  - basic_auth: {{username: u, password: canary-am}}\n    static_configs: [{{targets: ['{0}']}}]\n",
                broken.address
            ),
        ),
        ("rules.yml", "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n"),
        ("secret.txt", "canary-file"),
        (".env", "SECRET_VARIABLE=canary-variable\n"),
        (
            "alertmanager.yml",
            &format!(
                "global: {{smtp_smarthost: '127.0.0.1:1', smtp_from: a@b.c, smtp_auth_username: u, smtp_auth_password: canary-smtp, smtp_require_tls: false}}\n\
                 route: {{receiver: r, group_wait: 100ms, group_interval: 1s}}\nreceivers:\n- name: r\n  webhook_configs:\n  - url: http://{0}/canary-hook\n\
                 \x20   http_config: {{basic_auth: {{username: u, password_file: secret.txt}}}}\n  discord_configs:\n  - webhook_url: http://{0}/canary-discord\n\
                 \x20 email_configs:\n  - to: x@y.z\n",
                hook.address
            ),
        ),
    ]);
    let log = folder.root().join("log");
    let mut command = bellbuoy();
    command.args(["--log.level", "trace", "up"]).arg(folder.config()).arg("--data").arg(folder.data());
    let port = super::harness::free_port();
    let address = format!("127.0.0.1:{port}");
    command.args(["--listen", &address]).stderr(std::fs::File::create(&log).expect("log file")).stdout(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    wait_for("the port", || std::net::TcpStream::connect(&address).ok());
    let program = Program::watched(address);
    wait_for("failed attempts of all three", || {
        let metrics = program.get("/metrics").1;
        ["webhook", "discord", "email"]
            .iter()
            .all(|kind| metrics.contains(&format!("bellbuoy_notification_attempts_failed_total{{integration=\"{kind}\",reason=\"")))
            .then_some(())
    });
    let mut seen = Vec::new();
    for path in [
        "/status",
        "/metrics",
        "/api/v1/status/config",
        "/api/v1/targets",
        "/api/v1/alertmanagers",
        "/api/v2/status",
        "/api/v2/receivers",
        "/api/v2/alerts",
        "/api/bellbuoy/notifications",
        "/api/v1/notifications",
        "/api/v1/status/flags",
        "/api/bellbuoy/overview",
        "/api/bellbuoy/receivers",
        "/api/bellbuoy/configuration",
        "/api/bellbuoy/alerts/Down",
        "/api/bellbuoy/annotations",
        "/api/bellbuoy/evaluations",
        "/api/bellbuoy/dashboards",
    ] {
        seen.push((path.to_string(), program.get(path).1));
    }
    // A broken reload tells its problems; those must not quote a value either.
    folder.write(
        "rules.yml",
        "groups:\n- name: ${SECRET_VARIABLE}\n  rules:\n  - alert: '${SECRET_VARIABLE} x'\n    expr: '${SECRET_VARIABLE}('\n",
    );
    seen.push(("/-/reload".to_string(), program.post("/-/reload", "").1));
    seen.push(("/status".to_string(), program.get("/status").1));
    seen.push(("/api/bellbuoy/configuration again".to_string(), program.get("/api/bellbuoy/configuration").1));
    child.kill().expect("kill");
    child.wait().expect("wait");
    let mut files = Vec::new();
    files_below(&folder.data(), &mut files);
    files.push(log);
    for file in files {
        let bytes = std::fs::read(&file).expect("readable");
        seen.push((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    for (place, text) in &seen {
        for canary in CANARIES {
            // What the receivers were sent carries the secrets; what bellbuoy shows must not.
            assert!(!text.contains(canary), "{canary} in {place}: {}", around(text, canary));
        }
    }
    assert!(seen.iter().any(|(place, text)| place.ends_with("config") && text.contains("<secret>")), "the configuration is shown masked");
}

fn around<'a>(text: &'a str, word: &str) -> &'a str {
    let at = text.find(word).unwrap_or(0);
    let from = text.floor_char_boundary(at.saturating_sub(200));
    &text[from..text.floor_char_boundary((at + 100).min(text.len()))]
}
