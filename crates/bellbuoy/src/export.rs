//! The folder for others: provisioning that a Grafana loads, and a compose file with Prometheus, Alertmanager and Grafana over the same files.
//!
//! In:    what `config::load` read, the dashboards. Out: files, by their names below the output folder.
//! Never: writes a secret or a variable's value; changes a byte of a dashboard.
//! Read:  `grafana`, then `compose`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path};

use crate::config::{Loaded, Settings, Surroundings, relocated};
use crate::dashboards::{Dashboard, Dashboards};

/// Where the containers see the folder.
pub const STACK_PATH: &str = "/stack";
const GRAFANA_DASHBOARDS: &str = "/etc/grafana/dashboards";
const GATEWAY: &str = "host.docker.internal";

const PROMETHEUS_IMAGE: &str = "prom/prometheus:v3.5.0";
const ALERTMANAGER_IMAGE: &str = "prom/alertmanager:v0.28.1";
const GRAFANA_IMAGE: &str = "grafana/grafana:12.1.0";
/// There is none to download: whoever runs the file names their own.
const BELLBUOY_IMAGE: &str = "${BELLBUOY_IMAGE:?an image with the program bellbuoy as its entrypoint; docs/guides/grafana.md has one}";

/// Files to be written, and what a person should know.
#[derive(Debug, Default)]
pub struct Export {
    pub files: BTreeMap<String, Vec<u8>>,
    pub remarks: Vec<String>,
}

/// Where Grafana finds what it shows.
pub struct Addresses<'a> {
    pub prometheus: &'a str,
    pub alertmanager: &'a str,
    /// The folder of the dashboards as Grafana sees it.
    pub dashboards: &'a str,
}

/// `provisioning/` and `dashboards/`.
pub fn grafana(settings: &Settings, dashboards: &Dashboards, at: &Addresses) -> Export {
    let mut out = Export::default();
    let datasources = datasources(settings, at);
    out.files.insert("provisioning/datasources/bellbuoy.yml".into(), datasources.into_bytes());
    out.files.insert("provisioning/dashboards/bellbuoy.yml".into(), provider(at.dashboards).into_bytes());
    for one in &dashboards.found().dashboards {
        match dashboards.bytes(one) {
            _ if one.problem.is_some() => out.remarks.push(format!("{}: left out: {}", one.file, one.problem.clone().unwrap_or_default())),
            Err(error) => out.remarks.push(format!("left out: {error}")),
            Ok(bytes) => {
                let name = free_name(&out.files, one);
                out.files.insert(name, bytes);
                out.remarks.extend(one.warnings.iter().map(|warning| format!("{}: {warning}", one.file)));
            }
        }
    }
    out
}

/// The uids are those that the dashboards of the ready stacks name.
fn datasources(settings: &Settings, at: &Addresses) -> String {
    let interval = settings.global.scrape_interval;
    format!(
        "# Written by `bellbuoy export grafana`.\napiVersion: 1\ndatasources:\n  - name: Prometheus\n    uid: prometheus\n    type: prometheus\n    access: proxy\n    url: {}\n    isDefault: true\n    jsonData:\n      httpMethod: POST\n      prometheusType: Prometheus\n      prometheusVersion: {}\n      timeInterval: {interval}\n      manageAlerts: true\n  - name: Alertmanager\n    uid: alertmanager\n    type: alertmanager\n    access: proxy\n    url: {}\n    jsonData:\n      implementation: prometheus\n      handleGrafanaManagedAlerts: false\n",
        quoted(at.prometheus),
        crate::api::PROMETHEUS_VERSION,
        quoted(at.alertmanager),
    )
}

fn provider(path: &str) -> String {
    format!(
        "# Written by `bellbuoy export grafana`. The folders of Grafana are the folders below `path`.\napiVersion: 1\nproviders:\n  - name: bellbuoy\n    type: file\n    allowUiUpdates: false\n    updateIntervalSeconds: 10\n    options:\n      path: {}\n      foldersFromFilesStructure: true\n",
        quoted(path)
    )
}

/// `dashboards/FOLDER/NAME.json`; a second one of that name gets a number.
fn free_name(taken: &BTreeMap<String, Vec<u8>>, one: &Dashboard) -> String {
    let plain = |part: &str| part.chars().filter(|c| !c.is_control() && !matches!(c, '/' | '\\' | '\0')).collect::<String>();
    // A name from a file may be anything, `..` too.
    let parts = one.folder.split('/').map(plain).filter(|part| !part.trim_matches('.').is_empty());
    let folder: String = parts.map(|part| format!("{part}/")).collect();
    let stem = one.path.file_stem().map(|stem| plain(&stem.to_string_lossy())).unwrap_or_default();
    let name = |number: usize| {
        if number == 1 { format!("dashboards/{folder}{stem}.json") } else { format!("dashboards/{folder}{stem}-{number}.json") }
    };
    (1..).map(name).find(|name| !taken.contains_key(name)).unwrap_or_default()
}

/// `compose.yml`, the configurations of Prometheus and Alertmanager for it, and Grafana's provisioning. `folder` is the stack's, absolute.
pub fn compose(loaded: &Loaded, settings: &Settings, dashboards: &Dashboards, folder: &Path, stack_path: &str) -> Export {
    let mut out = Export::default();
    let with_alertmanager = loaded.found.alertmanager.is_some();
    let exporters = Exporters { airflow: !settings.airflow.is_empty(), host: settings.host.is_some() };
    let mut addresses = vec![("localhost:9090".to_string(), "localhost:9090".to_string())];
    if with_alertmanager {
        addresses.push(("localhost:9093".into(), "alertmanager:9093".into()));
    }
    if exporters.airflow {
        addresses.push(("localhost:9101".into(), "airflow-exporter:9101".into()));
    }
    if exporters.host {
        addresses.push(("localhost:9100".into(), "node-exporter:9100".into()));
    }
    let moved = |path: &Path| {
        let source = loaded.sources.get(path)?;
        let below = path.parent().and_then(|parent| parent.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
        let to = Surroundings { folder: joined(stack_path, below), addresses: addresses.clone(), gateway: GATEWAY.into() };
        Some(relocated(&source.text, &source.tree.root, &to))
    };
    let found = [(&loaded.found.prometheus, "prometheus.yml"), (&loaded.found.alertmanager, "alertmanager.yml")];
    for (path, name) in found {
        let Some((path, (text, remarks))) = path.as_ref().and_then(|path| Some((path, moved(path)?))) else { continue };
        let note = format!("# Written by `bellbuoy export compose` from {}; change that file and export again.\n", path.display());
        let mut text = note + &text;
        let told = settings.alerting.alertmanagers.is_empty() && with_alertmanager;
        if name == "prometheus.yml" && told {
            text.push_str("\nalerting:\n  alertmanagers:\n    - static_configs:\n        - targets: ['alertmanager:9093']\n");
        }
        out.remarks.extend(remarks.iter().map(|remark| format!("{}: {remark}", path.display())));
        out.files.insert(name.into(), text.into_bytes());
    }
    let at = Addresses { prometheus: "http://prometheus:9090", alertmanager: "http://alertmanager:9093", dashboards: GRAFANA_DASHBOARDS };
    let inner = grafana(settings, dashboards, &at);
    out.files.extend(inner.files.into_iter().map(|(name, bytes)| (format!("grafana/{name}"), bytes)));
    out.remarks.extend(inner.remarks);
    out.files.insert("compose.yml".into(), compose_file(folder, stack_path, with_alertmanager, &exporters).into_bytes());
    for (what, there) in [("models", !settings.models.is_empty()), ("mlflow", !settings.mlflow.is_empty())] {
        if there {
            out.remarks
                .push(format!("{what}: of bellbuoy.yml needs `bellbuoy up`: no server of this compose file judges models or asks MLflow"));
        }
    }
    out
}

fn joined(base: &str, below: &Path) -> String {
    let parts = below.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    std::iter::once(base.trim_end_matches('/').to_string()).chain(parts).collect::<Vec<_>>().join("/")
}

struct Exporters {
    airflow: bool,
    host: bool,
}

fn compose_file(folder: &Path, stack_path: &str, with_alertmanager: bool, exporters: &Exporters) -> String {
    let stack = volume(&folder.display().to_string(), stack_path);
    let mut services = vec![prometheus_service(&stack)];
    if with_alertmanager {
        services.push(alertmanager_service(&stack));
    }
    services.push(grafana_service());
    if exporters.airflow {
        services.push(airflow_service(&stack, stack_path));
    }
    if exporters.host {
        services.push(host_service(&stack, stack_path));
    }
    let mut volumes = vec!["prometheus-data", "grafana-data"];
    volumes.extend(with_alertmanager.then_some("alertmanager-data"));
    volumes.extend(exporters.airflow.then_some("exporter-data"));
    let volumes: String = volumes.iter().map(|name| format!("  {name}: {{}}\n")).collect();
    format!(
        "# Written by `bellbuoy export compose`: docker compose --profile monitoring up -d\n# The ports are open to this machine only; Grafana's first login is admin/admin.\nservices:\n{}volumes:\n{volumes}",
        services.concat()
    )
}

fn prometheus_service(stack: &str) -> String {
    let lines = [
        "command:".into(),
        "  - --config.file=/etc/prometheus/prometheus.yml".into(),
        "  - --storage.tsdb.path=/prometheus".into(),
        "  - --storage.tsdb.retention.time=15d".into(),
        "  - --web.enable-remote-write-receiver".into(),
        "extra_hosts:".into(),
        format!("  - \"{GATEWAY}:host-gateway\""),
        "volumes:".into(),
        volume("./prometheus.yml", "/etc/prometheus/prometheus.yml"),
        stack.into(),
        "  - prometheus-data:/prometheus".into(),
    ];
    service("prometheus", PROMETHEUS_IMAGE, "127.0.0.1:9090:9090", &lines)
}

fn alertmanager_service(stack: &str) -> String {
    let lines = [
        "command:".into(),
        "  - --config.file=/etc/alertmanager/alertmanager.yml".into(),
        "  - --storage.path=/alertmanager".into(),
        "extra_hosts:".into(),
        format!("  - \"{GATEWAY}:host-gateway\""),
        "volumes:".into(),
        volume("./alertmanager.yml", "/etc/alertmanager/alertmanager.yml"),
        stack.into(),
        "  - alertmanager-data:/alertmanager".into(),
    ];
    service("alertmanager", ALERTMANAGER_IMAGE, "127.0.0.1:9093:9093", &lines)
}

fn grafana_service() -> String {
    let lines = [
        "volumes:".into(),
        volume("./grafana/provisioning", "/etc/grafana/provisioning"),
        volume("./grafana/dashboards", GRAFANA_DASHBOARDS),
        "  - grafana-data:/var/lib/grafana".into(),
    ];
    service("grafana", GRAFANA_IMAGE, "127.0.0.1:3000:3000", &lines)
}

fn airflow_service(stack: &str, stack_path: &str) -> String {
    let lines = [
        format!("command: [airflow-exporter, {}, --listen, '0.0.0.0:9101', --data, /data]", quoted(stack_path)),
        "environment: [AIRFLOW_BASE_URL, AIRFLOW_USERNAME, AIRFLOW_PASSWORD]".into(),
        "extra_hosts:".into(),
        format!("  - \"{GATEWAY}:host-gateway\""),
        "volumes:".into(),
        stack.into(),
        "  - exporter-data:/data".into(),
    ];
    service("airflow-exporter", BELLBUOY_IMAGE, "127.0.0.1:9101:9101", &lines)
}

fn host_service(stack: &str, stack_path: &str) -> String {
    let lines = [
        format!("command: [node-exporter, {}, --listen, '0.0.0.0:9100']", quoted(stack_path)),
        "pid: host".into(),
        "volumes:".into(),
        stack.into(),
    ];
    service("node-exporter", BELLBUOY_IMAGE, "127.0.0.1:9100:9100", &lines)
}

fn service(name: &str, image: &str, port: &str, lines: &[String]) -> String {
    let mut out = format!(
        "  {name}:\n    image: {}\n    profiles: [monitoring]\n    restart: unless-stopped\n    ports: ['{port}']\n",
        quoted(image)
    );
    for line in lines {
        for part in line.lines() {
            out.push_str(&format!("    {part}\n"));
        }
    }
    out
}

/// Read-only; the long form, since a path may have a colon.
fn volume(source: &str, target: &str) -> String {
    format!("  - {{type: bind, source: {}, target: {}, read_only: true}}", quoted(source), quoted(target))
}

/// JSON's texts are YAML's; a dollar sign of a path is no variable of compose.
fn quoted(text: &str) -> String {
    let text = if text.starts_with("${BELLBUOY_IMAGE") { text.to_string() } else { text.replace('$', "$$") };
    serde_json::Value::from(text).to_string()
}

/// Names of which two would be one file somewhere.
pub fn clashes(files: &BTreeMap<String, Vec<u8>>) -> Vec<&str> {
    let mut seen = HashSet::new();
    files.keys().filter(|name| !seen.insert(name.to_lowercase())).map(String::as_str).collect()
}
