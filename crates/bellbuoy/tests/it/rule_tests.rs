//! `bellbuoy test` on promtool's rule tests: the verdicts of files that pass, that fail, that can not be read; the same as promtool's, where it is at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::harness::{Folder, bellbuoy, peer, peers};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rule_tests");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| !name(file).starts_with("doc_"));
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_name().expect("a name").to_string_lossy().into_owned()
}

fn run(arguments: &[&str]) -> Output {
    bellbuoy().args(arguments).output().expect("the program starts")
}

/// The name of each file says what it is.
#[test]
fn files_that_pass_fail_and_can_not_be_read() {
    let files = files();
    assert!(files.len() > 30, "{}", files.len());
    for file in files {
        let expected = match name(&file).split('_').next() {
            Some("pass") => 0,
            Some("fail") => 1,
            _ => 2,
        };
        let output = run(&["test", &file.display().to_string()]);
        assert_eq!(output.status.code(), Some(expected), "{}: {}", file.display(), String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn the_verdicts_are_promtools() {
    let Some(peers) = peers() else { return };
    let promtool = peer(&peers, &["promtool"]);
    for file in files() {
        let theirs = Command::new(&promtool).args(["test", "rules"]).arg(&file).output().expect("promtool starts");
        let ours = run(&["test", &file.display().to_string()]);
        let same = theirs.status.success() == ours.status.success();
        assert!(
            same,
            "{}: promtool says\n{}{}",
            file.display(),
            String::from_utf8_lossy(&theirs.stdout),
            String::from_utf8_lossy(&theirs.stderr)
        );
    }
}

#[test]
fn junit_and_json_name_each_test() {
    let folder = Folder::new(&[]);
    let file = files().into_iter().find(|file| name(file) == "fail_only_the_second.yml").expect("a fixture").display().to_string();
    let report = folder.root().join("report.xml").display().to_string();
    assert_eq!(run(&["test", &file, "--junit", &report]).status.code(), Some(1));
    let xml = std::fs::read_to_string(&report).expect("written");
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
    assert!(xml.contains("<testcase name=\"first\"></testcase><testcase name=\"second\"><failure>"), "{xml}");
    let output = run(&["test", &file, "--format", "json", "--run", "^second$"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["files"][0]["tests"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["files"][0]["tests"][0]["passed"], false);
}

const RULES: &str = "groups:\n- name: g\n  interval: 30s\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    labels: {severity: page}\n    annotations: {summary: '{{ $labels.job }} is down'}\n";
const ROUTES: &str =
    "route:\n  receiver: team\n  group_wait: 10s\nreceivers:\n- name: team\n  discord_configs:\n  - webhook_url_file: not-here\n";
const SCENARIO: &str = r#"interval 30s
series up{job="api"} 1x3 0x20
at 2m30s expect alert Down pending
at 3m expect alert Down firing job=api severity=page
at 3m10s expect message team/discord [Down] because first-notification containing "api is down"
at 4m silence job="api" for 1h
at 8m10s expect hold team because silenced
"#;

/// Series in; states, messages with their words, and silences at exact times; through the folder's own files.
#[test]
fn scenarios_go_the_whole_path() {
    let folder = Folder::new(&[
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
        ("rules.yml", RULES),
        ("alertmanager.yml", ROUTES),
        ("good.scenario", SCENARIO),
        ("bad.scenario", &SCENARIO.replace("3m10s", "3m20s")),
    ]);
    let output = run(&["test", &folder.config().join("good.scenario").display().to_string()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let output = run(&["test", &folder.config().join("bad.scenario").display().to_string()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("bad.scenario:5: expected a message to team/discord [Down], but there was"), "{text}");
}

const MODEL: &str =
    "models:\n- name: bikes\n  target: y\n  reference: reference.csv\n  features: [x]\n  schedule: 1m\n  retraining: {cool_down: 10m}\n";
const DECISIONS: &str = r#"interval 1m
series up{job="api"} 1x40
figure bikes r2 0.9x5 0.6x30
figure bikes drift_share 0.1x35
at 5m expect decision bikes nothing because no_rule
at 5m expect nothing
at 6m expect decision bikes retrain because r2_critical
at 6m10s expect message team/discord [ModelPerformanceLow, ModelRetrainingDecision] because first-notification containing "R2 0.6000 is below 0.65"
at 8m run bikes
at 8m expect decision bikes watch because cooling_down
at 17m expect decision bikes watch
at 18m expect decision bikes retrain
quiet
"#;

/// Figures in; decisions and their messages at exact times, with the cool-down of a run that was done.
#[test]
fn scenarios_expect_decisions() {
    let files = [
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
        ("rules.yml", RULES),
        ("alertmanager.yml", ROUTES),
        ("bellbuoy.yml", MODEL),
        ("reference.csv", "x,y\n1,1\n2,2\n"),
        ("good.scenario", DECISIONS),
        ("early.scenario", &DECISIONS.replace("18m expect decision bikes retrain", "17m30s expect decision bikes retrain")),
        ("reason.scenario", &DECISIONS.replace("because r2_critical", "because drift_alone")),
        ("typo.scenario", &DECISIONS.replace("figure bikes r2 ", "figure bikes r3 ")),
        ("nobody.scenario", &DECISIONS.replace("figure bikes", "figure bike")),
    ];
    let folder = Folder::new(&files);
    let report = folder.root().join("report.xml").display().to_string();
    let output = run(&["test", &folder.config().display().to_string(), "--junit", &report]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("good.scenario\n  SUCCESS: 1 passed\n"), "{text}");
    for words in [
        "early.scenario:12: expected bikes to be decided retrain, but it is watch: R2 0.6000 is below 0.65, but the last run was done so lately",
        "reason.scenario:7: expected because drift_alone, but it was rule r2_critical: R2 0.6000 is below 0.65",
        "typo.scenario:3: no rule of bikes looks at the figure \"r3\"; did you mean \"r2\"?",
        "nobody.scenario:3: there is no model \"bike\" in bellbuoy.yml",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let xml = std::fs::read_to_string(&report).expect("written");
    assert_eq!(xml.matches("<testsuite ").count(), 5, "{xml}");
    assert!(xml.contains("<testcase name=\"good\"></testcase>"), "{xml}");
    assert!(xml.contains("<testcase name=\"early\"><failure>") && xml.contains("expected bikes to be decided retrain"), "{xml}");
}

/// promtool's flags of the same names: what differs as one text, all series on standard error, and those promtool shows are shown here.
#[test]
fn diff_and_debug_are_promtools() {
    let of = |wanted: &str| files().into_iter().find(|file| name(file) == wanted).expect("a fixture").display().to_string();
    let output = run(&["test", "--diff", &of("fail_label.yml")]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("\n          ~         severity: \"warning\" => \"page\"\n"), "{text}");
    let series = |stderr: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(stderr).into_owned();
        // promtool leaves the samples of its first moment out.
        let wanted = |line: &&str| line.ends_with(" =>") || line.contains(" @[") && !line.ends_with(" @[0]");
        text.lines().filter(wanted).map(str::to_string).collect()
    };
    // Where a template of a label gives nothing, Prometheus' ALERTS has the template's text; here the label is not there. These have none.
    for file in [&of("pass_external.yml"), &of("pass_recorded.yml")] {
        let ours = run(&["test", "--debug", file]);
        assert_eq!(ours.status.code(), Some(0));
        let ours = series(&ours.stderr);
        assert!(ours.len() > 15, "{ours:?}");
        let Some(peers) = peers() else { continue };
        let theirs = Command::new(peer(&peers, &["promtool"])).args(["test", "rules", "--debug", file]).output().expect("promtool starts");
        let theirs = series(&[theirs.stdout, theirs.stderr].concat());
        assert_eq!(ours, theirs);
    }
}

/// What a team writes beside its rules is refused, and passed over when it is told to. promtool passes it over in rule files only; here also in the
/// test file, as its help says.
#[test]
fn unknown_fields_are_ignored_on_demand() {
    let tests = "rule_files: [rules.yml]\ntests:\n- interval: 1m\n  input_series: [{series: up, values: '1'}]\n  promql_expr_test: [{expr: up, eval_time: 0, exp_samples: [{labels: up, value: 1}]}]\n";
    let folder = Folder::new(&[
        ("rules.yml", "groups:\n- name: g\n  owner: ada\n  rules:\n  - {alert: A, expr: up, team: ml}\n"),
        ("rules.test.yml", tests),
        ("tests.test.yml", &tests.replace("[rules.yml]", "[]\nteam: ml")),
    ]);
    let promtool = peers().map(|dir| peer(&dir, &["promtool"]));
    for (name, flags, status) in [
        ("rules.test.yml", &[][..], 2),
        ("rules.test.yml", &["--ignore-unknown-fields"][..], 0),
        ("tests.test.yml", &[][..], 2),
        ("tests.test.yml", &["--ignore-unknown-fields"][..], 0),
    ] {
        let file = folder.config().join(name).display().to_string();
        let output = run(&[&["test"], flags, &[file.as_str()]].concat());
        assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stdout));
        if let Some(promtool) = promtool.as_ref().filter(|_| name == "rules.test.yml") {
            let theirs = Command::new(promtool).args(["test", "rules"]).args(flags).arg(&file).output().expect("promtool starts");
            assert_eq!(theirs.status.success(), status == 0, "{}", String::from_utf8_lossy(&theirs.stderr));
        }
    }
}
