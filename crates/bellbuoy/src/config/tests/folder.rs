//! What is found in a folder, and what a single file brings along.

use expect_test::{Expect, expect};

use super::super::discover;
use super::{Folder, check_files, load_with};

const PROMETHEUS: &str = "scrape_configs: []\n";
const ALERTMANAGER: &str = "route: {receiver: t}\nreceivers:\n- name: t\n";
const RULES: &str = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up}\n";

fn check(files: &[(&str, &str)], expected: Expect) {
    let folder = Folder::with(files);
    let (found, problems) = discover(&folder.0);
    let mut shown = format!("{found:#?}");
    for problem in problems {
        shown.push_str(&format!("\n{problem}"));
    }
    expected.assert_eq(&shown.replace(&format!("{}/", folder.0.display()), ""));
}

/// Only `panels` was known: dashboards of Grafana 12 and later were shown on the pages, but neither checked nor listed among the files.
#[test]
fn a_dashboard_is_known_in_each_of_its_shapes() {
    let classic = r#"{"title": "a", "panels": [], "schemaVersion": 39}"#;
    let resource = |spec: &str| {
        format!(r#"{{"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "metadata": {{"name": "x"}}, "spec": {spec}}}"#)
    };
    let second = r#"{"title": "b", "elements": {}, "layout": {"kind": "GridLayout"}}"#;
    let (first_as_resource, second_as_resource, wrapped) =
        (resource(classic), resource(second), format!(r#"{{"dashboard": {classic}, "meta": {{}}}}"#));
    let folder = Folder::with(&[
        ("classic.json", classic),
        ("old.json", r#"{"title": "a", "rows": []}"#),
        ("v1.json", &first_as_resource),
        ("v2.json", &second_as_resource),
        ("v2-bare.json", second),
        ("wrapped.json", &wrapped),
        ("package.json", r#"{"name": "x", "dashboard": true, "rows": 3}"#),
        ("rule.yml", "kind: PrometheusRule\nspec: {groups: []}\n"),
        ("prometheus.yml", PROMETHEUS),
    ]);
    let (found, problems) = discover(&folder.0);
    let names: Vec<_> = found.dashboards.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["classic.json", "old.json", "v1.json", "v2-bare.json", "v2.json", "wrapped.json"]);
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn files_are_known_by_content() {
    check(
        &[
            ("monitoring/metrics.yaml", PROMETHEUS),
            ("monitoring/tell.yml", ALERTMANAGER),
            ("monitoring/rules/a.yml", RULES),
            ("monitoring/rules/b.yaml", RULES),
            ("monitoring/templates/mail.tmpl", ""),
            ("monitoring/targets.json", "[{\"targets\": [\"a:1\"]}]"),
            ("grafana/provisioning/datasources/d.yml", "apiVersion: 1\ndatasources: []\n"),
            ("grafana/provisioning/alerting/rules.yml", "apiVersion: 1\ngroups: []\n"),
            ("grafana/dashboards/d.json", "{\"title\": \"a\", \"panels\": [], \"schemaVersion\": 39}"),
            ("docker-compose.yml", "services:\n  a: {}\n"),
            ("monitoring/alerts.test.yml", "rule_files: [rules/a.yml]\ntests: []\n"),
            ("package.json", "{\"name\": \"x\"}"),
            ("node_modules/x/prometheus.yml", PROMETHEUS),
            (".hidden/prometheus.yml", PROMETHEUS),
            ("1/2/3/4/5/prometheus.yml", PROMETHEUS),
            (".env", "A=1\n"),
        ],
        expect![[r#"
            Found {
                prometheus: Some(
                    "monitoring/metrics.yaml",
                ),
                alertmanager: Some(
                    "monitoring/tell.yml",
                ),
                rules: [
                    "monitoring/rules/a.yml",
                    "monitoring/rules/b.yaml",
                ],
                bellbuoy: None,
                templates: [
                    "monitoring/templates/mail.tmpl",
                ],
                file_sd: [
                    "monitoring/targets.json",
                ],
                grafana: [
                    "grafana/provisioning/alerting/rules.yml",
                    "grafana/provisioning/datasources/d.yml",
                ],
                dashboards: [
                    "grafana/dashboards/d.json",
                ],
                grafana_ini: None,
                env_file: Some(
                    ".env",
                ),
            }"#]],
    );
}

#[test]
fn two_candidates_are_an_error() {
    check_files(
        &[("a/prometheus.yml", PROMETHEUS), ("b/prometheus.yml", PROMETHEUS)],
        expect![
            "b/prometheus.yml: there are two candidates for the Prometheus configuration: a/prometheus.yml and b/prometheus.yml; name the folder or the file that you mean"
        ],
    );
    check_files(
        &[("alertmanager.yml", ALERTMANAGER), ("alertmanager-old.yml", ALERTMANAGER)],
        expect![
            "alertmanager.yml: there are two candidates for the Alertmanager configuration: alertmanager-old.yml and alertmanager.yml; name the folder or the file that you mean"
        ],
    );
}

#[test]
fn nothing_to_do_is_an_error() {
    check_files(
        &[("readme.txt", "")],
        expect![
            "FOLDER: no configuration found: no prometheus.yml, rule file, alertmanager.yml or bellbuoy.yml by content; `bellbuoy init` writes one"
        ],
    );
    let loaded = load_with(std::path::Path::new("/nowhere/at/all"), &[]);
    assert_eq!(loaded.problems[0].to_string(), "/nowhere/at/all: no such file or folder");
}

/// A broken file must not be overlooked because its content can not be read.
#[test]
fn broken_files_are_known_too() {
    check_files(
        &[("prometheus.yml", "scrape_configs:\n- job_name: 'a\n")],
        expect!["prometheus.yml:3:1: not valid YAML: invalid indentation in multiline quoted scalar"],
    );
    check_files(&[("prometheus.yml", PROMETHEUS), ("notes.yml", "a: [\n")], expect![""]);
}

#[test]
fn rule_files_that_nobody_names() {
    check_files(
        &[("prometheus.yml", "rule_files: ['rules/*.yml']\n"), ("rules/a.yml", RULES), ("more.yml", RULES)],
        expect!["more.yml: warning: this rule file is not used: rule_files of prometheus.yml does not name it; add it to rule_files"],
    );
    // Paths of a container stand for the files beside the configuration.
    check_files(
        &[("prometheus.yml", "rule_files: [/etc/nowhere/alert_rules.yml]\n"), ("alert_rules.yml", RULES)],
        expect![[
            r#"prometheus.yml:1:14: warning: "/etc/nowhere/alert_rules.yml" in rule_files does not exist here; using alert_rules.yml; a relative path works in a container and here"#
        ]],
    );
}

#[test]
fn a_single_file() {
    let folder = Folder::with(&[
        ("prometheus.yml", "rule_files: [a.yml]\nglobal: {external_labels: {a: '${A}'}}\n"),
        ("a.yml", RULES),
        ("alertmanager.yml", ALERTMANAGER),
        (".env", "A=1\n"),
    ]);
    let loaded = load_with(&folder.0.join("prometheus.yml"), &[]);
    let settings = loaded.settings.expect("no errors");
    assert_eq!((settings.groups.len(), settings.router.is_none()), (1, true));
    let mut files: Vec<String> =
        loaded.files.iter().map(|path| path.strip_prefix(&folder.0).expect("inside").display().to_string()).collect();
    files.sort();
    assert_eq!(files, [".env", "a.yml", "prometheus.yml"]);
}

#[test]
fn other_forms_of_damage() {
    let folder = Folder::with(&[("prometheus.yml", "")]);
    std::fs::write(folder.0.join("prometheus.yml"), b"scrape_configs: []\n# \xff\n").expect("temporary file");
    let loaded = folder.load();
    expect!["prometheus.yml:2:3: not valid UTF-8; save the file as UTF-8"].assert_eq(&folder.problems(&loaded));
    // Aliases inside of aliases: nine levels of nine would be 387 million nodes.
    let mut laughs = String::from("scrape_configs: []\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", ")));
    }
    check_files(
        &[("prometheus.yml", &laughs)],
        expect![
            "prometheus.yml:7:10: aliases blow this file up to more than 100000 nodes; write the values out, or use fewer aliases inside of aliases"
        ],
    );
    check_files(
        &[("prometheus.yml", &format!("scrape_configs: {}\n", "[".repeat(5000)))],
        expect!["prometheus.yml:1:117: not valid YAML: recursion limit exceeded"],
    );
}

#[test]
fn anchors_and_merge_keys() {
    check_files(
        &[(
            "prometheus.yml",
            "scrape_configs:\n- &base\n  job_name: a\n  scrape_interval: 5s\n  static_configs: &targets\n  - targets: [a:1]\n- <<: *base\n  job_name: b\n- {job_name: c, static_configs: *targets}\n- <<: 5\n  job_name: d\n",
        )],
        expect!["prometheus.yml:10:3: `<<` merges a map, and this is none; write `<<: *name` with the anchor of a map"],
    );
}
