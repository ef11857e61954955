//! The demo's own copy of `stacks/bike-traffic`: the same rules, routes and model, with all durations divided by `FACTOR`, and the dashboards
//! of `stacks/accident-severity` beside its own.
//!
//! In:    the files of the stacks, in the program. Out: a folder that `up` runs; people can look at it.
//! The targets differ: the demo has the model service, its own pipeline in the place of Airflow, this machine, and bellbuoy itself.

use std::net::SocketAddr;
use std::path::Path;

use bellbuoy_vocabulary::{Millis, format_duration, parse_duration};
use regex::{Captures, Regex};

use crate::stacks::{ACCIDENT_SEVERITY, BIKE_TRAFFIC, Stack};

/// Five minutes become one second, which is two days of the replayed year.
pub const FACTOR: i64 = 300;
/// `rate` needs two samples in its range, and the demo scrapes each second.
const RANGE_MIN: Millis = Millis(5_000);
/// They watch that new data keep coming; the replay ends with its year.
const LEFT_OUT: [&str; 2] = ["NoDataIngested", "LowDataIngestion"];

/// Of alertmanager.yml: the demo has neither the rules about the monitoring itself nor any of severity `info`, so these would get nothing.
const ROUTES_LEFT_OUT: [&str; 3] = [
    "    - matchers: [severity=\"info\"]\n      group_wait: 5m\n      repeat_interval: 12h\n",
    "    # Says that the monitoring works; to nobody here.\n    - matchers: [alertname=\"Watchdog\"]\n      receiver: watchdog\n",
    "\n  # A dead man's switch goes here: webhook_configs with the address that it gives you.\n  - name: watchdog\n",
];

/// What the demo scrapes beside itself.
pub struct Targets {
    pub service: SocketAddr,
    pub pipeline: SocketAddr,
}

/// Writes the folder. `listen` is bellbuoy's own address, where the inbox is.
pub fn write(dir: &Path, listen: &str, targets: &Targets, webhook: Option<&str>) -> std::io::Result<()> {
    let file = |path: &str| BIKE_TRAFFIC.file(path).unwrap_or_default();
    let note = format!("# The demo's copy of stacks/bike-traffic: durations divided by {FACTOR}.\n");
    put(dir, "alerts.yml", &format!("{note}{}", scaled(&without(file("alerts.yml"), &LEFT_OUT))))?;
    let routes = ROUTES_LEFT_OUT.iter().fold(file("alertmanager.yml").to_string(), |text, part| text.replace(part, ""));
    put(dir, "alertmanager.yml", &format!("{note}{}", scaled(&with_webhook(&routes, webhook.is_some()))))?;
    // A model is judged at most each second. Whose Airflow it is that the environment names, the demo does not know.
    let models = file("bellbuoy.yml")
        .replace("schedule: 1m", "schedule: 1s")
        .replace("${AIRFLOW_BASE_URL:-}", "${NO_AIRFLOW:-}")
        .replace("${MLFLOW_URL:-}", "${NO_MLFLOW:-}");
    put(
        dir,
        "bellbuoy.yml",
        &format!("{note}{models}\n# This machine, for the dashboard System Monitoring.\nhost:\n  interval: 1s\n  job: node-exporter\n"),
    )?;
    put(dir, "reference.csv", file("reference.csv"))?;
    put(dir, "prometheus.yml", &prometheus(&note, listen, targets))?;
    dashboards(dir, &BIKE_TRAFFIC)?;
    dashboards(dir, &ACCIDENT_SEVERITY)?;
    put(dir, "discord_webhook_url", &format!("http://{}/inbox", reachable(listen)))?;
    if let Some(webhook) = webhook {
        put(dir, "discord_webhook_url_2", webhook)?;
    }
    Ok(())
}

fn dashboards(dir: &Path, stack: &Stack) -> std::io::Result<()> {
    for (path, text) in stack.under("dashboards/") {
        put(dir, path, &lively(text))?;
    }
    Ok(())
}

/// A dashboard of two minutes instead of days: the time range, how often it is drawn anew, ranges in queries.
fn lively(text: &str) -> String {
    let ranges = [("\"from\": \"", "now-5m"), ("\"refresh\": \"", "5s"), ("\"timeFrom\": \"", "5m"), ("\"step\": \"", "1s")];
    let line = |line: &str| {
        let mut line = if line.contains("\"expr\":") { scaled(line) } else { line.to_string() };
        for (mark, value) in ranges {
            if let Some(start) = line.find(mark).map(|at| at + mark.len())
                && let Some(length) = line[start..].find('"')
            {
                line.replace_range(start..start + length, value);
            }
        }
        line + "\n"
    };
    text.lines().map(line).collect()
}

/// A rule file without some of its rules.
fn without(text: &str, alerts: &[&str]) -> String {
    let name = |line: &str| line.trim_start().strip_prefix("- alert:").map(|name| name.trim().to_string());
    let ends = |line: &str| line.trim_start().starts_with("- ") && line.len() - line.trim_start().len() <= 6;
    let mut out = String::new();
    let mut skipping = false;
    for line in text.lines() {
        skipping = match name(line) {
            Some(name) => alerts.contains(&name.as_str()),
            None => skipping && !ends(line),
        };
        if !skipping {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Only when the text differs: a restart must not look like a change of the configuration.
fn put(dir: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let path = dir.join(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(path, text)
}

fn prometheus(note: &str, listen: &str, targets: &Targets) -> String {
    let mut text = format!(
        "{note}global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\nrule_files:\n  - alerts.yml\nscrape_configs:\n"
    );
    let jobs =
        [("regmodel-api", targets.service.to_string()), ("airflow-metrics", targets.pipeline.to_string()), ("bellbuoy", reachable(listen))];
    for (job, target) in jobs {
        text.push_str(&format!("  - job_name: {job}\n    static_configs:\n      - targets: ['{target}']\n"));
    }
    text
}

/// An address to connect to, for one that listens everywhere.
fn reachable(listen: &str) -> String {
    listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
}

/// A second Discord address beside the inbox, in each receiver that has one.
fn with_webhook(text: &str, second: bool) -> String {
    if !second {
        return text.to_string();
    }
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut out = String::new();
    let mut index = 0;
    while index < lines.len() {
        let mut end = index + 1;
        let is_item = lines[index].trim_start().starts_with("- webhook_url_file: discord_webhook_url");
        while is_item && end < lines.len() && (lines[end].trim().is_empty() || indent(lines[end]) > indent(lines[index])) {
            end += 1;
        }
        let item = lines[index..end].join("\n") + "\n";
        out.push_str(&item);
        if is_item {
            out.push_str(&item.replace("discord_webhook_url", "discord_webhook_url_2"));
        }
        index = end;
    }
    out
}

/// Divides each duration of a YAML text; those in `[...]` are ranges of PromQL and keep a least length.
pub fn scaled(text: &str) -> String {
    let duration = Regex::new(r"(\[)?\b((?:\d+(?:ms|s|m|h|d|w))+)\b").expect("a fixed pattern");
    duration
        .replace_all(text, |captures: &Captures| {
            let length = parse_duration(&captures[2]).map(|length| Millis((length.0 / FACTOR).max(1)));
            match (length, captures.get(1)) {
                (Ok(length), Some(_)) => format!("[{}", format_duration(length.max(RANGE_MIN))),
                (Ok(length), None) => format_duration(length),
                (Err(_), _) => captures[0].to_string(),
            }
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_divided_and_nothing_else_is_touched() {
        let text = "for: 25m\nexpr: rate(x_5m[2h]) > 0.05 and increase(y[1m]) offset 1h\ngroup_wait: 30s # p95, 5xx, 127.0.0.1:8000";
        assert_eq!(
            scaled(text),
            "for: 5s\nexpr: rate(x_5m[24s]) > 0.05 and increase(y[5s]) offset 12s\ngroup_wait: 100ms # p95, 5xx, 127.0.0.1:8000"
        );
    }

    #[test]
    fn a_second_webhook_stands_beside_each_first_one() {
        let text =
            "receivers:\n  - name: a\n    discord_configs:\n      - webhook_url_file: discord_webhook_url\n        title: x\n  - name: b\n";
        assert_eq!(with_webhook(text, false), text);
        let second = "      - webhook_url_file: discord_webhook_url_2\n        title: x\n  - name: b\n";
        assert!(with_webhook(text, true).ends_with(&format!("title: x\n{second}")), "{}", with_webhook(text, true));
    }

    #[test]
    fn rules_are_left_out_whole() {
        let text = "groups:\n  - name: a\n    rules:\n      - alert: One\n        # why\n        expr: up\n      - alert: Two\n        expr: x\n  - name: b\n    rules: []\n";
        assert_eq!(
            without(text, &["Two"]),
            "groups:\n  - name: a\n    rules:\n      - alert: One\n        # why\n        expr: up\n  - name: b\n    rules: []\n"
        );
        for part in ROUTES_LEFT_OUT {
            assert!(BIKE_TRAFFIC.file("alertmanager.yml").unwrap_or_default().contains(part), "{part}");
        }
        for name in LEFT_OUT {
            assert!(BIKE_TRAFFIC.file("alerts.yml").unwrap_or_default().contains(&format!("- alert: {name}\n")), "{name}");
        }
    }

    #[test]
    fn dashboards_look_at_minutes() {
        let text = "\"time\": {\"from\": \"now-7d\", \"to\": \"now\"},\n\"title\": \"R2 (7d)\",\n\"expr\": \"increase(x[1d]) / rate(y[$__rate_interval])\",";
        let want = "\"time\": {\"from\": \"now-5m\", \"to\": \"now\"},\n\"title\": \"R2 (7d)\",\n\"expr\": \"increase(x[4m48s]) / rate(y[$__rate_interval])\",\n";
        assert_eq!(lively(text), want);
    }
}
