//! `bellbuoy export`: what Grafana and compose get, checked with promtool and amtool where they are at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::{Folder, bellbuoy, peer, peers};

fn stacks() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks");
    let mut found: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("stacks")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("prometheus.yml").exists())
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, root: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, out);
            } else {
                let name = path.strip_prefix(root).expect("below").display().to_string();
                out.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(dir, dir, &mut out);
    out
}

fn export(arguments: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = bellbuoy().arg("export").args(arguments).envs(env.iter().copied()).output().expect("it runs");
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn grafana_gets_the_dashboards_byte_for_byte() {
    let first = "{\"title\" : \"A\", \"uid\":\"a\",\n\"panels\":[ ], \"x\":1.0}\r\n";
    let second = "{\"uid\": \"b\", \"title\": \"B\", \"panels\": []}";
    let provider = "apiVersion: 1\nproviders:\n- name: p\n  folder: '../Team/A'\n  options: {path: /var/lib/grafana/dashboards}\n";
    let folder = Folder::new(&[
        (
            "prometheus.yml",
            "global: {scrape_interval: 30s}\nscrape_configs:\n- job_name: x\n  basic_auth: {username: u, password: '${SECRET}'}\n",
        ),
        ("dashboards/one.json", first),
        ("dashboards/sub/one.json", second),
        ("dashboards/broken.json", "{\"panels\": ["),
        ("provisioning/p.yml", provider),
    ]);
    let out = folder.root().join("out");
    let (from, to) = (folder.config().display().to_string(), out.display().to_string());
    let arguments = ["grafana", &to, "--from", &from, "--url", "http://buoy:9090/"];
    let (status, said) = export(&arguments, &[("SECRET", "canary")]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("broken.json: left out: not JSON"), "{said}");
    let written = files(&out);
    let names: Vec<&str> = written.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "dashboards/Team/A/one-2.json",
            "dashboards/Team/A/one.json",
            "provisioning/dashboards/bellbuoy.yml",
            "provisioning/datasources/bellbuoy.yml"
        ]
    );
    assert_eq!(
        (written["dashboards/Team/A/one.json"].as_slice(), written["dashboards/Team/A/one-2.json"].as_slice()),
        (first.as_bytes(), second.as_bytes())
    );
    let text = |name: &str| String::from_utf8_lossy(&written[name]).into_owned();
    let sources = text("provisioning/datasources/bellbuoy.yml");
    for part in [
        "uid: prometheus",
        "url: \"http://buoy:9090\"",
        "httpMethod: POST",
        "timeInterval: 30s",
        "implementation: prometheus",
        "manageAlerts: true",
    ] {
        assert!(sources.contains(part), "{part}: {sources}");
    }
    assert!(text("provisioning/dashboards/bellbuoy.yml").contains(&format!("path: \"{}\"", out.join("dashboards").display())));
    assert!(written.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("canary")));
    // Once more gives the same.
    assert_eq!(export(&arguments, &[("SECRET", "canary")]).0, Some(0));
    assert_eq!(files(&out), written);
    let inside = folder.config().join("out").display().to_string();
    for (arguments, word) in [
        (["grafana", &inside, "--from", &from], "inside of the stack's folder"),
        (["grafana", &to, "--from", "/no/such"], "/no/such"),
        (["grafana", &to, "--url", "evil url"], "is no address"),
    ] {
        let (status, said) = export(&arguments, &[("SECRET", "canary")]);
        assert!(status == Some(2) && said.contains(word) && !said.contains("canary"), "{status:?} {said}");
    }
}

#[test]
fn compose_runs_the_same_folder_on_the_separate_servers() {
    let folder = Folder::new(&[]);
    for stack in stacks() {
        let name = stack.file_name().expect("a name").to_string_lossy().into_owned();
        let out = folder.root().join(&name);
        // A copy with the secrets that a person writes: they stand alone in files, which git ignores.
        let real = folder.root().join(format!("{name}-stack"));
        for (file, bytes) in files(&stack) {
            let text = String::from_utf8_lossy(&bytes);
            for line in text.lines().filter(|_| file.ends_with(".yml") && !file.contains('/')) {
                let Some((_, secret)) = line.split_once("_file: ").filter(|(key, _)| !key.trim_start().starts_with('#')) else { continue };
                std::fs::create_dir_all(&real).expect("a folder");
                std::fs::write(real.join(secret.trim()), "http://127.0.0.1:1/canary").expect("a secret");
            }
            let to = real.join(file);
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            std::fs::write(to, bytes).expect("a file");
        }
        let real = real.display().to_string();
        // Here the tools see the stack where it is; containers see it at /stack.
        let (status, said) = export(&["compose", &out.display().to_string(), "--from", &real, "--stack-path", &real], &[]);
        assert_eq!(status, Some(0), "{name}: {said}");
        let written = files(&out);
        let text = |file: &str| String::from_utf8_lossy(&written[file]).into_owned();
        assert!(
            text("prometheus.yml").contains("alertmanager:9093") && !text("prometheus.yml").contains("localhost:8"),
            "{name}: {}",
            text("prometheus.yml")
        );
        let compose = text("compose.yml");
        assert_eq!(compose.matches("profiles: [monitoring]").count(), compose.matches("    image: ").count(), "{compose}");
        for part in ["prom/prometheus:", "prom/alertmanager:", "grafana/grafana:", "host.docker.internal:host-gateway"] {
            assert!(compose.contains(part), "{part}: {compose}");
        }
        for (path, bytes) in files(&stack.join("dashboards")) {
            let copies = written.iter().filter(|(name, copy)| name.starts_with("grafana/dashboards/") && **copy == bytes).count();
            assert_eq!(copies, 1, "{name}: {path}");
        }
        let Some(peers) = peers() else { continue };
        for (tool, arguments, file) in
            [("promtool", ["check", "config"].as_slice(), "prometheus.yml"), ("amtool", &["check-config"], "alertmanager.yml")]
        {
            let output = Command::new(peer(&peers, &[tool])).args(arguments).arg(out.join(file)).output().expect(tool);
            assert!(
                output.status.success(),
                "{name}: {tool}: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn what_containers_would_not_understand_is_said_and_no_secret_is_written() {
    let folder = Folder::new(&[
        (
            "prometheus.yml",
            "rule_files: [r/*.yml]\nscrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: '${SECRET}'}\n  static_configs: [{targets: ['localhost:8000', 'api:80']}]\n",
        ),
        ("r/a.yml", "groups: []\n"),
        ("alertmanager.yml", "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs: [{url: 'http://localhost:9999/x'}]\n"),
    ]);
    let out = folder.root().join("out");
    let arguments = ["compose", &out.display().to_string(), "--from", &folder.config().display().to_string()];
    let (status, said) = export(&arguments, &[("SECRET", "canary")]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("line 4: password: Prometheus and Alertmanager fill in no ${VAR}"), "{said}");
    let written = files(&out);
    let text = |file: &str| String::from_utf8_lossy(&written[file]).into_owned();
    assert!(
        text("prometheus.yml").contains("rule_files: [\"/stack/r/*.yml\"]")
            && text("prometheus.yml").contains("targets: [\"host.docker.internal:8000\", 'api:80']")
    );
    assert!(
        text("prometheus.yml").ends_with("alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: ['alertmanager:9093']\n")
    );
    assert!(text("alertmanager.yml").contains("http://host.docker.internal:9999/x"));
    assert!(!said.contains("canary") && written.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("canary")));
}
