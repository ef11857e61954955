//! The ready-made stacks run as they are: `init`, the secrets' files, `up`. Only ports and intervals are changed, so that tests can run beside each other.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::dashboards::{expect_data, panels};
use super::harness::{Folder, Program, Server, bellbuoy, free_port, http, peer, peers, text, wait_explained, wait_for};

/// A stack that runs, with its folder.
struct Ready {
    program: Program,
    folder: Folder,
}

/// Its files from the program; each `localhost:PORT` that is named becomes another address, the rest is left to be down.
fn start(stack: &str, ports: &[(u16, String)]) -> Ready {
    let folder = Folder::new(&[]);
    let output = bellbuoy().args(["init", stack]).arg(folder.config()).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let own = format!("127.0.0.1:{}", free_port());
    for name in ["prometheus.yml", "bellbuoy.yml"] {
        let mut config = read(&folder.config().join(name)).replace("localhost:9090", &own).replace("15s", "1s");
        for (port, address) in ports {
            config = config.replace(&format!("localhost:{port}"), address).replace(&format!("127.0.0.1:{port}"), address);
        }
        folder.write(name, &config);
    }
    for secret in ["discord_webhook_url", "slack_url"] {
        folder.write(secret, &format!("http://{own}/inbox"));
    }
    for secret in ["smtp_password", "pagerduty_key", "opsgenie_key"] {
        folder.write(secret, "secret");
    }
    let program = Program::up_with(&folder, &["--listen", &own]);
    Ready { program, folder }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn saved(stack: &str, job: &str) -> String {
    read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../stacks").join(stack).join("metrics").join(format!("{job}.prom")))
}

/// A saved page whose counters grow with each scrape.
fn living(page: String) -> Server {
    let scrapes = AtomicU64::new(0);
    Server::page(move || {
        let factor = scrapes.fetch_add(1, Ordering::Relaxed) + 1;
        let mut counts = false;
        let mut out = String::new();
        for line in page.lines() {
            if line.starts_with("# TYPE") {
                counts = line.ends_with(" counter") || line.ends_with(" histogram");
            }
            match line.rsplit_once(' ') {
                Some((series, value)) if counts && !line.starts_with('#') => {
                    let value: f64 = value.parse().expect("a number");
                    out.push_str(&format!("{series} {}\n", value * factor as f64));
                }
                _ => out.push_str(&format!("{line}\n")),
            }
        }
        out
    })
}

/// Every rule was evaluated, and none of them failed.
fn expect_good_rules(program: &Program, groups: usize) {
    let rules = || program.data("/api/v1/rules")["groups"].as_array().expect("groups").clone();
    assert_eq!(rules().len(), groups);
    let all = || rules().iter().flat_map(|group| group["rules"].as_array().expect("rules").clone()).collect::<Vec<_>>();
    wait_explained("every rule is well", &|| format!("{:#?}", all()), || all().iter().all(|rule| rule["health"] == "ok").then_some(()));
    for rule in all() {
        for what in ["summary", "description", "runbook"] {
            assert!(!text(&rule["annotations"][what]).is_empty(), "{} has no {what}", rule["name"]);
        }
        // The component's own severity: only HighComponentErrorRate takes `component` from its series.
        assert!(!text(&rule["labels"]["severity"]).is_empty(), "{} has no severity", rule["name"]);
    }
    wait_for("the watchdog fires", || {
        program.alert_states().iter().any(|(name, state)| name == "Watchdog" && state == "firing").then_some(())
    });
}

/// The rules about the monitoring ask for nothing that it does not tell.
fn expect_told(program: &Program, rules: &str) {
    let (_, page) = program.get("/metrics");
    for name in rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let of_models = name.starts_with("bellbuoy_model_") && name.ends_with("_unknown");
        let own = ["bellbuoy_", "alertmanager_", "prometheus_"].iter().any(|prefix| name.starts_with(prefix));
        assert!(!own || of_models || page.contains(&format!("# TYPE {name} ")), "/metrics has no {name}");
    }
}

#[test]
fn bike_traffic_starts() {
    let ready = start("bike-traffic", &[(9101, format!("127.0.0.1:{}", free_port()))]);
    expect_good_rules(&ready.program, 4);
    expect_told(&ready.program, &read(&ready.folder.config().join("self_rules.yml")));
}

#[test]
fn accident_severity_has_data_in_every_panel_when_its_services_expose_what_its_readme_says() {
    let (service, mlflow) = (living(saved("accident-severity", "fastapi")), living(saved("accident-severity", "mlflow")));
    let host = format!("127.0.0.1:{}", free_port());
    let ready =
        start("accident-severity", &[(8000, service.address.to_string()), (5000, mlflow.address.to_string()), (9100, host.clone())]);
    let program = &ready.program;
    expect_good_rules(program, 4);
    // The machine comes by the port on which `up` itself tells of it.
    wait_for("the machine", || (!program.query("node_uname_info").is_empty()).then_some(()));
    let panels = panels(&ready.folder.config().join("dashboards"), &[("instance", &host), ("job", "fastapi"), ("endpoint", ".*")]);
    assert_eq!(panels.len(), 25, "panels that ask something");
    expect_data(program, &panels);
    let up = program.query("up == 1").len();
    assert_eq!(up, 4, "{:?}", program.query("up"));
}

#[test]
fn trading_pipelines_takes_what_jobs_push_on_the_pushgateways_port() {
    let bot = living(saved("trading-pipelines", "paper-trading-bot"));
    let port = format!("127.0.0.1:{}", free_port());
    let ready = start("trading-pipelines", &[(8001, bot.address.to_string()), (9091, port.clone())]);
    let program = &ready.program;
    expect_good_rules(program, 4);
    let push = |value: &str| {
        let body = format!("pipeline_job_success_status {value}\n");
        let (status, answer) = http(&port, "PUT", "/metrics/job/data-ingestion", &[], body.as_bytes());
        assert_eq!(status, 200, "{answer}");
    };
    push("0");
    wait_for("a failed job is told", || {
        program.alert_states().iter().any(|(name, state)| name == "DataIngestionFailed" && state == "firing").then_some(())
    });
    // Once, by the scrape: with the labels of the job, and none of the target.
    let series: Vec<Value> =
        program.query("pipeline_job_success_status").iter().map(|(labels, _)| serde_json::from_str(labels).expect("labels")).collect();
    assert_eq!(series, [serde_json::json!({"__name__": "pipeline_job_success_status", "job": "data-ingestion"})]);
    push("1");
    wait_for("a job that is well again", || (!program.alert_states().iter().any(|(name, _)| name == "DataIngestionFailed")).then_some(()));
}

/// The files are Prometheus' and Alertmanager's as they are, and their own tools say so.
#[test]
fn promtool_and_amtool_accept_every_stack_and_its_tests() {
    let Some(dir) = peers() else { return };
    for stack in ["bike-traffic", "accident-severity", "trading-pipelines"] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../stacks").join(stack);
        for (tool, arguments) in [
            ("promtool", vec!["check", "config", "prometheus.yml"]),
            ("promtool", vec!["test", "rules", "tests/alerts.test.yml", "tests/self.test.yml"]),
            ("amtool", vec!["check-config", "alertmanager.yml"]),
        ] {
            let output = std::process::Command::new(peer(&dir, &[tool])).args(&arguments).current_dir(&folder).output().expect(tool);
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{stack}: {tool} {arguments:?}\n{said}");
        }
    }
}
