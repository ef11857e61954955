//! The ready-made stacks of `stacks/`, in the program.
//!
//! In:    the folders as they are at build time. Out: their files by path, for `bellbuoy init` and the demo.
//! A test compares the lists with the folders: a file that is missing here fails it.

#[derive(Clone, Copy, Debug)]
pub struct Stack {
    pub name: &'static str,
    /// In one line, for people who choose.
    pub about: &'static str,
    /// Path in the folder, with `/`, and text.
    pub files: &'static [(&'static str, &'static str)],
    /// What to do after the files are there.
    pub next: &'static [&'static str],
}

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../stacks/", $folder, "/", $path)))),+]
    };
}

pub const BIKE_TRAFFIC: Stack = Stack {
    name: "bike-traffic",
    about: "a regression model behind an API, its Airflow pipeline, drift and performance, Discord",
    files: files!("bike-traffic":
        ".gitignore",
        "README.md",
        "alertmanager.yml",
        "alerts.yml",
        "bellbuoy.yml",
        "dags/bike_dags.py",
        "dashboards/api.json",
        "dashboards/overview.json",
        "dashboards/predictions.json",
        "dashboards/training.json",
        "metrics/airflow-metrics.prom",
        "metrics/regmodel-api.prom",
        "prometheus.yml",
        "provisioning/dashboards/dashboards.yml",
        "provisioning/datasources/prometheus.yml",
        "reference.csv",
        "self_rules.yml",
        "tests/alerts.test.yml",
        "tests/self.test.yml",
    ),
    next: &["printf '%s' 'https://discord.com/api/webhooks/ID/TOKEN' > discord_webhook_url    # where messages go"],
};

pub const ACCIDENT_SEVERITY: Stack = Stack {
    name: "accident-severity",
    about: "a classification model behind an API, MLflow, the machine, e-mail by severity and team",
    files: files!("accident-severity":
        ".gitignore",
        "README.md",
        "alert_rules.yml",
        "alertmanager.yml",
        "bellbuoy.yml",
        "dashboards/ml-model-monitoring.json",
        "dashboards/mlops-alerts.json",
        "dashboards/system-monitoring.json",
        "metrics/fastapi.prom",
        "metrics/mlflow.prom",
        "metrics/node-exporter.prom",
        "prometheus.yml",
        "provisioning/dashboards/dashboards.yml",
        "provisioning/datasources/prometheus.yml",
        "self_rules.yml",
        "templates/email.critical.tmpl",
        "templates/email.default.tmpl",
        "templates/email.warning.tmpl",
        "tests/alerts.test.yml",
        "tests/self.test.yml",
    ),
    next: &["printf '%s' 'PASSWORD' > smtp_password    # and write your mail server and addresses into alertmanager.yml"],
};

pub const TRADING_PIPELINES: Stack = Stack {
    name: "trading-pipelines",
    about: "jobs that push, two models, a paper-trading bot; Slack, PagerDuty, Opsgenie, e-mail",
    files: files!("trading-pipelines":
        ".gitignore",
        "README.md",
        "alertmanager.yml",
        "alertmanager_rules.yaml",
        "bellbuoy.yml",
        "metrics/paper-trading-bot.prom",
        "metrics/pushgateway.prom",
        "prometheus.yml",
        "self_rules.yml",
        "tests/alerts.test.yml",
        "tests/self.test.yml",
    ),
    next: &[
        "printf '%s' 'https://hooks.slack.com/services/...' > slack_url",
        "printf '%s' KEY > pagerduty_key; printf '%s' KEY > opsgenie_key; printf '%s' PASSWORD > smtp_password",
    ],
};

pub const STACKS: [Stack; 3] = [BIKE_TRAFFIC, ACCIDENT_SEVERITY, TRADING_PIPELINES];

impl Stack {
    pub fn file(&self, path: &str) -> Option<&'static str> {
        self.files.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
    }

    /// Files whose path begins so.
    pub fn under<'a>(&self, prefix: &'a str) -> impl Iterator<Item = (&'static str, &'static str)> + use<'a> {
        self.files.iter().copied().filter(move |(path, _)| path.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn paths(folder: &Path, prefix: &str, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder of the repository").map(|entry| entry.expect("an entry")) {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                paths(&entry.path(), &format!("{name}/"), out);
            } else {
                out.push(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_stacks_is_in_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks");
        for stack in STACKS {
            let mut there = Vec::new();
            paths(&root.join(stack.name), "", &mut there);
            // What people put beside them: addresses and passwords that git ignores, data.
            let ignored = stack.file(".gitignore").unwrap_or_default();
            there.retain(|path| {
                !ignored.lines().any(|line| line.trim_matches('/') == path.split('/').next().unwrap_or(path))
                    && !path.contains("__pycache__")
            });
            there.sort();
            let listed: Vec<&str> = stack.files.iter().map(|(path, _)| *path).collect();
            assert_eq!(listed, there, "{}", stack.name);
        }
    }

    /// Alerts of a stack's rule files, and of those about the monitoring itself.
    fn alerts(stack: &Stack) -> Vec<(&'static str, &'static str)> {
        let of = |(path, text): &(&'static str, &'static str)| {
            let rules = text.contains("\ngroups:") && !path.starts_with("tests/");
            let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: "));
            let path = *path;
            names.filter(|_| rules).map(|name| (path, name.trim())).collect::<Vec<_>>()
        };
        stack.files.iter().flat_map(of).collect()
    }

    #[test]
    fn every_alert_is_shown_to_fire_and_to_be_silent_and_stands_in_the_readme() {
        for stack in STACKS {
            let alerts = alerts(&stack);
            assert!(alerts.len() >= 20, "{}: {alerts:?}", stack.name);
            let tests: String = stack.under("tests/").map(|(_, text)| text).collect();
            let readme = stack.file("README.md").unwrap_or_default();
            for (path, name) in alerts {
                let mark = format!("- alertname: {name}\n");
                let shown: Vec<&str> = tests.split(&mark).skip(1).map(|rest| rest.split("- alertname:").next().unwrap_or(rest)).collect();
                assert!(shown.iter().any(|one| one.contains("exp_labels")), "{}: no test lets {name} fire", stack.name);
                // That it is never silent is what the watchdog is for.
                let silent = name == "Watchdog" || shown.iter().any(|one| one.contains("exp_alerts: []"));
                assert!(silent, "{}: no test lets {name} be silent", stack.name);
                assert!(path == "self_rules.yml" || readme.contains(&format!("| {name} |")), "{}: the README lacks {name}", stack.name);
            }
        }
    }

    #[test]
    fn every_alert_of_the_documents_is_in_a_stack() {
        let wanted: [(&Stack, &[&str]); 3] = [
            (
                &BIKE_TRAFFIC,
                &[
                    "ServiceDown",
                    "APIErrorRateHigh",
                    "ModelPerformanceCritical",
                    "ModelRMSEHigh",
                    "CriticalDriftWithDecliningPerformance",
                    "ModelPerformanceWarning",
                    "HighDriftDetected",
                    "PredictionLatencyHigh",
                    "AirflowDAGFailed",
                    "AirflowDAGTooSlow",
                    "NoDataIngested",
                    "LowDataIngestion",
                    "TrainingFailure",
                ],
            ),
            (
                &ACCIDENT_SEVERITY,
                &[
                    "APIServiceDown",
                    "MLflowServerDown",
                    "CriticalDataDrift",
                    "HighPredictionLatency",
                    "HighPredictionErrorRate",
                    "NoPredictionsServed",
                    "HighDataDrift",
                    "HighFeatureDrift",
                    "ModelPerformanceDegraded",
                    "ModelRetrainingNeeded",
                ],
            ),
            // This document names kinds of failures, no alerts.
            (
                &TRADING_PIPELINES,
                &["DataIngestionFailed", "StaleData", "FeatureEngineeringFailed", "ModelTrainingFailed", "PaperTradingBotDown"],
            ),
        ];
        for (stack, names) in wanted {
            for name in names {
                assert!(alerts(stack).iter().any(|(_, alert)| alert == name), "{} lacks {name}", stack.name);
            }
        }
    }
}
