//! What the guides show is what the program does. Each `$ bellbuoy ...` in a block of text of the guides below is run, and what it prints stands behind
//! it; `BELLBUOY_UPDATE=1` writes it anew. The table of rules that can never fire is run: under promtool, where it is at hand, and here.
//!
//! The folder of a transcript has the ready stacks (`stacks`), the files that the guide shows below a line with their names in backticks, the rule
//! tests of `tests/rule_tests`, and `data`: the figures of the demo's year (guides/year.csv, as `bellbuoy demo` judged it), each told for half an hour.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bellbuoy_promql::parse;
use bellbuoy_store::{Durability, OsDisk, Store};
use bellbuoy_vocabulary::{Append, Labels, Millis, Timestamp};

use super::harness::{Folder, bellbuoy, peer, peers};

const GUIDES: [&str; 5] = ["backtest", "check", "explain", "fire", "test"];
const START: &str = "2026-11-21T00:00:00Z";
const MINUTES_OF_A_JUDGEMENT: i64 = 30;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn guide(name: &str) -> (PathBuf, String) {
    let path = root().join("docs/guides").join(format!("{name}.md"));
    let text = std::fs::read_to_string(&path).expect("the guide");
    (path, text)
}

/// A block of a guide: the line above it, and what is between its marks.
struct Block {
    above: String,
    kind: String,
    lines: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let (mut found, mut above, mut open): (Vec<Block>, String, Option<Block>) = (Vec::new(), String::new(), None);
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { above: above.clone(), kind: kind.into(), lines: Vec::new() }),
            (Some(_), Some(_)) => {
                found.extend(open.take());
                above.clear();
            }
            (Some(block), None) => block.lines.push(line.into()),
            (None, None) if !line.is_empty() => above = line.into(),
            (None, None) => {}
        }
    }
    found
}

/// The folder in which the commands of a guide run.
fn prepared(text: &str) -> Folder {
    let folder = Folder::new(&[]);
    std::os::unix::fs::symlink(root().join("stacks").canonicalize().expect("stacks"), folder.config().join("stacks")).expect("a link");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rule_tests");
    for name in ["doc_rules.yml", "fail_label.yml"] {
        folder.write(name, &std::fs::read_to_string(tests.join(name)).expect("a fixture"));
    }
    for block in blocks(text) {
        let name = block.above.trim_end_matches(':');
        if let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
            folder.write(name, &(block.lines.join("\n") + "\n"));
        }
    }
    write_data(&folder.config().join("data"));
    folder
}

/// The figures of the demo's year as the model's series and under the stack's names, each minute, and what scrapes tell.
fn write_data(data: &Path) {
    let start = Timestamp::parse_rfc3339(START).expect("a time");
    std::fs::create_dir_all(data).expect("a folder");
    let (store, _) = Store::open(Arc::new(OsDisk::new(data)), bellbuoy_store::Options::default(), start).expect("an empty store");
    let model = |name: &str, more: &[(&str, &str)]| {
        let of = [("__name__", name), ("model", "bike-traffic")];
        Labels::from_pairs(of.iter().chain(more).copied())
    };
    let champion = [("role", "champion"), ("window", "336 rows")];
    let of_window = |name: &str, more: &[(&str, &str)]| model(name, &champion.iter().chain(more).copied().collect::<Vec<_>>());
    let realised = ("source", "realised");
    for (index, line) in include_str!("guides/year.csv").lines().skip(1).enumerate() {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
        let [r2, rmse, drift, runs] = cells[..] else { panic!("{line}") };
        for minute in 0..MINUTES_OF_A_JUDGEMENT {
            let at = start + Millis::from_minutes(index as i64 * MINUTES_OF_A_JUDGEMENT + minute);
            let samples = [
                (of_window("bellbuoy_model_figure", &[("metric", "r2"), realised]), r2),
                (of_window("bellbuoy_model_figure", &[("metric", "rmse"), realised]), rmse),
                (of_window("bellbuoy_model_figure_rows", &[realised]), 336.0),
                (of_window("bellbuoy_model_drift_share", &[]), drift),
                (of_window("bellbuoy_model_window_rows", &[]), 336.0),
                (model("bellbuoy_model_training_runs_total", &[("status", "success")]), runs),
                (model("bellbuoy_model_judgement_timestamp_seconds", &[]), at.seconds()),
                (model("bike_model_r2_production", &[]), r2),
                (model("bike_model_rmse_production", &[]), rmse),
                (model("bike_drift_share", &[]), drift),
                (Labels::from_pairs([("__name__", "up"), ("instance", "localhost:8000"), ("job", "regmodel-api")]), 1.0),
                (Labels::from_pairs([("__name__", "up"), ("instance", "localhost:9090"), ("job", "prometheus")]), 1.0),
            ];
            let mut appender = store.appender();
            for (labels, value) in samples {
                let (series, _) = appender.series(&labels).expect("a series");
                appender.append(series, at, value).expect("in order");
            }
            appender.commit(Durability::Logged).expect("a disk");
        }
    }
}

/// What a command prints on standard output.
fn said(command: &str, folder: &Folder) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words.first(), Some(&"bellbuoy"), "{command}");
    let output = bellbuoy().args(&words[1..]).current_dir(folder.config()).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).trim_end().to_string();
    assert!(!text.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    // Lines of a page have no blanks at their ends.
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn transcripts_are_what_the_program_prints() {
    let mut wrong = Vec::new();
    for name in GUIDES {
        let (path, mut text) = guide(name);
        let transcripts: Vec<Block> = blocks(&text)
            .into_iter()
            .filter(|block| block.kind == "text" && block.lines.first().is_some_and(|line| line.starts_with("$ ")))
            .collect();
        assert!(!transcripts.is_empty(), "{name} shows nothing");
        let folder = prepared(&text);
        for block in transcripts {
            let commands = block.lines.iter().filter_map(|line| line.strip_prefix("$ "));
            let now: Vec<String> = commands.map(|command| format!("$ {command}\n{}", said(command, &folder))).collect();
            let (old, new) = (block.lines.join("\n"), now.join("\n\n"));
            if old == new {
                continue;
            }
            if std::env::var("BELLBUOY_UPDATE").is_ok() {
                text = text.replace(&format!("```text\n{old}\n```"), &format!("```text\n{new}\n```"));
                std::fs::write(&path, &text).expect("writable");
            } else {
                wrong.push(format!("docs/guides/{name}.md says\n{old}\n\nbut it is\n{new}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n\nBELLBUOY_UPDATE=1 writes them anew", wrong.join("\n\n"));
}

/// A rule of the table that can never fire, the alert of a ready stack that is the mended one, and series on which something is really wrong.
struct Row {
    bad: &'static str,
    /// The check that finds it.
    code: &'static str,
    stack: &'static str,
    alert: &'static str,
    series: &'static [(&'static str, &'static str)],
    /// What the service exposes, when the check needs to know.
    page: &'static str,
}

const SLOW: &[(&str, &str)] = &[
    ("prediction_latency_seconds_bucket{job=\"api\",le=\"1.0\"}", "0x90"),
    ("prediction_latency_seconds_bucket{job=\"api\",le=\"10.0\"}", "0+60x90"),
    ("prediction_latency_seconds_bucket{job=\"api\",le=\"+Inf\"}", "0+60x90"),
    ("prediction_latency_seconds_sum{job=\"api\"}", "0+300x90"),
    ("prediction_latency_seconds_count{job=\"api\"}", "0+60x90"),
];
const SEVERE: &[(&str, &str)] =
    &[("predictions_by_severity_total{job=\"api\",severity=\"4\"}", "0+60x90"), ("predictions_total{job=\"api\"}", "0+60x90")];
const SEVERITIES: &str = "# TYPE predictions_total counter\npredictions_total 1\n# TYPE predictions_by_severity_total counter\npredictions_by_severity_total{severity=\"4\"} 1\n";

const ROWS: [Row; 7] = [
    Row {
        bad: "prediction_latency_seconds_bucket{le=\"1.0\"} < 0.5 * prediction_latency_seconds_count",
        code: "bucket-with-count",
        stack: "accident-severity/alert_rules.yml",
        alert: "HighPredictionLatency",
        series: SLOW,
        page: "",
    },
    Row {
        bad: "sum(rate(prediction_errors_total[5m])) by (error_type) / (sum(rate(predictions_total[5m])) + 0.001) > 0.05",
        code: "matching-never",
        stack: "accident-severity/alert_rules.yml",
        alert: "HighPredictionErrorRate",
        series: &[("prediction_errors_total{job=\"api\",error_type=\"model\"}", "0+60x90"), ("predictions_total{job=\"api\"}", "0x90")],
        page: "",
    },
    Row {
        bad: "rate(predictions_by_severity_total{severity=\"4\"}[1h]) / rate(predictions_total[1h]) > 0.3",
        code: "matching-never",
        stack: "accident-severity/alert_rules.yml",
        alert: "ModelPerformanceDegraded",
        series: SEVERE,
        page: SEVERITIES,
    },
    Row {
        bad: "sum(rate(predictions_by_severity{severity=\"4\"}[1h])) / sum(rate(predictions_total[1h])) > 0.3",
        code: "metric-unknown",
        stack: "accident-severity/alert_rules.yml",
        alert: "ModelPerformanceDegraded",
        series: SEVERE,
        page: SEVERITIES,
    },
    Row {
        bad: "rate(fastapi_errors_total[5m]) / rate(fastapi_requests_total[5m]) > 0.05",
        code: "matching-never",
        stack: "bike-traffic/alerts.yml",
        alert: "APIErrorRateHigh",
        series: &[
            ("fastapi_errors_total{job=\"api\",endpoint=\"/predict\"}", "0+60x90"),
            ("fastapi_requests_total{job=\"api\",endpoint=\"/predict\",status=\"500\"}", "0+60x90"),
        ],
        page: "# TYPE fastapi_errors_total counter\nfastapi_errors_total{endpoint=\"/predict\"} 1\n# TYPE fastapi_requests_total counter\nfastapi_requests_total{endpoint=\"/predict\",status=\"500\"} 1\n",
    },
    Row {
        bad: "avg(prediction_latency_seconds) > 1",
        code: "histogram-base",
        stack: "accident-severity/alert_rules.yml",
        alert: "HighPredictionLatency",
        series: SLOW,
        page: "# TYPE prediction_latency_seconds histogram\nprediction_latency_seconds_bucket{le=\"1.0\"} 0\nprediction_latency_seconds_bucket{le=\"+Inf\"} 1\nprediction_latency_seconds_sum 5\nprediction_latency_seconds_count 1\n",
    },
    Row {
        bad: "bike_model_r2_production < 0.65 and bike_model_r2_production > 0.7",
        code: "comparison-constant",
        stack: "bike-traffic/alerts.yml",
        alert: "ModelPerformanceCritical",
        series: &[("bike_model_r2_production{model=\"bike-traffic\"}", "0.5x90")],
        page: "",
    },
];

/// The expression of an alert in a stack's file: on the line of `expr:`, or the deeper ones below it.
fn mended(row: &Row) -> String {
    let text = std::fs::read_to_string(root().join("stacks").join(row.stack)).expect("part of the repository");
    let (_, rest) = text.split_once(&format!("- alert: {}\n", row.alert)).expect("the alert");
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = rest.lines().skip_while(|line| !line.trim_start().starts_with("expr:"));
    let first = lines.next().expect("an expression");
    let inline = first.trim_start().trim_start_matches("expr:").trim().trim_matches('|');
    let below: Vec<&str> = lines.take_while(|line| depth(line) > depth(first)).map(str::trim).collect();
    let expr = format!("{inline} {}", below.join(" "));
    parse(&expr).unwrap_or_else(|error| panic!("{expr}: {error}")).to_string()
}

/// The bad rule of each row stays silent for an hour and a half of trouble, under promtool as here; the mended one fires. And `check` says of the bad one
/// what the table says.
#[test]
fn rules_that_can_never_fire_do_not_and_the_mended_ones_do() {
    let (_, text) = guide("check");
    let promtool = peers().map(|dir| peer(&dir, &["promtool"]));
    for row in &ROWS {
        let line = text.lines().find(|line| line.contains(&format!("`{}`", row.bad)));
        let line = line.unwrap_or_else(|| panic!("the table of check.md has no row of {}", row.bad));
        for words in
            [format!("../checks/{}.md", row.code), format!("`{}`", row.alert), row.stack.split('/').next().unwrap_or_default().to_string()]
        {
            assert!(line.contains(&words), "{words} is not in the row: {line}");
        }
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let rules = format!(
            "groups:\n- name: g\n  rules:\n  - {{alert: Bad, expr: {}}}\n  - {{alert: Good, expr: {}}}\n",
            quoted(row.bad),
            quoted(&mended(row))
        );
        let series: String =
            row.series.iter().map(|(name, values)| format!("  - {{series: {}, values: {values}}}\n", quoted(name))).collect();
        let tests = format!(
            "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n{series}  promql_expr_test:\n  - {{expr: 'count(count_over_time(ALERTS{{alertname=\"Bad\"}}[90m])) or vector(0)', eval_time: 90m, exp_samples: [{{labels: '{{}}', value: 0}}]}}\n  - {{expr: 'count(ALERTS{{alertname=\"Good\",alertstate=\"firing\"}}) > bool 0', eval_time: 80m, exp_samples: [{{labels: '{{}}', value: 1}}]}}\n"
        );
        let folder = Folder::new(&[("rules.yml", &rules), ("table.test.yml", &tests), ("page.prom", row.page)]);
        let file = folder.config().join("table.test.yml");
        let ours = bellbuoy().arg("test").arg(&file).output().expect("the program starts");
        assert!(ours.status.success(), "{}: {}", row.bad, String::from_utf8_lossy(&ours.stdout));
        if let Some(promtool) = &promtool {
            let theirs = Command::new(promtool).args(["test", "rules"]).arg(&file).output().expect("promtool starts");
            assert!(theirs.status.success(), "{}: {}", row.bad, String::from_utf8_lossy(&theirs.stderr));
            let syntax = Command::new(promtool)
                .args(["check", "rules", "rules.yml"])
                .current_dir(folder.config())
                .output()
                .expect("promtool starts");
            assert!(syntax.status.success(), "promtool check rules says SUCCESS to {}", row.bad);
        }
        folder.write(
            "prometheus.yml",
            "rule_files: [rules.yml]\nscrape_configs:\n- job_name: api\n  static_configs:\n  - targets: ['localhost:8000']\n",
        );
        let mut check = bellbuoy();
        check.arg("check").arg(folder.config()).args(["--format", "json"]);
        if !row.page.is_empty() {
            check.arg("--metrics").arg(format!("api={}", folder.config().join("page.prom").display()));
        }
        let found = String::from_utf8_lossy(&check.output().expect("the program starts").stdout).into_owned();
        let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
        let of = |line: u64| -> Vec<&str> {
            let all = found["findings"].as_array().expect("a list").iter().filter(|one| one["line"] == line);
            all.filter_map(|one| one["code"].as_str()).collect()
        };
        assert!(of(4).contains(&row.code), "{}: {found}", row.bad);
        assert!(!of(5).contains(&row.code), "the mended rule: {found}");
    }
}

/// The stack of pushed jobs as it is, and with the one line that keeps each of its job rules from firing.
#[test]
fn pushed_jobs_without_honor_labels_are_found() {
    let stack = root().join("stacks/trading-pipelines");
    let read = |name: &str| std::fs::read_to_string(stack.join(name)).expect("part of the repository");
    let prometheus = read("prometheus.yml");
    assert!(prometheus.contains("honor_labels: true"), "{prometheus}");
    let rules: Vec<String> = std::fs::read_dir(&stack)
        .expect("the stack")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("rules") || name.contains("alerts"))
        .collect();
    let found = |prometheus: &str| -> Vec<String> {
        let folder = Folder::new(&[("prometheus.yml", prometheus)]);
        rules.iter().for_each(|name| folder.write(name, &read(name)));
        let page = stack.join("metrics/pushgateway.prom");
        let mut check = bellbuoy();
        check.arg("check").arg(folder.config()).args(["--format", "json", "--metrics"]).arg(format!("pushgateway={}", page.display()));
        let output = check.output().expect("the program starts");
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let all = found["findings"].as_array().expect("a list").iter().filter(|one| one["code"] == "label-unknown");
        all.filter_map(|one| one["message"].as_str()).map(str::to_string).collect()
    };
    assert_eq!(found(&prometheus), Vec::<String>::new());
    let without = found(&prometheus.replace("honor_labels: true", "honor_labels: false"));
    assert!(
        !without.is_empty() && without.iter().all(|message| message.contains("those that are meant have exported_job=")),
        "{without:?}"
    );
}
