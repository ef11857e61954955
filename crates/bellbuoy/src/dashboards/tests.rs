//! Which files are dashboards, what is said of bad ones, and what a new text replaces.

use std::path::PathBuf;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(std::env::temp_dir().join(format!("bellbuoy-dashboards-{}", clock::uuid())));
        for (name, text) in files {
            let path = folder.0.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("temporary folder");
            std::fs::write(path, text).expect("temporary file");
        }
        folder
    }

    fn dashboards(&self) -> Dashboards {
        Dashboards::new(&self.0, &self.0.join("data"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `folder|uid|form title panels|problem|warnings` of each.
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = Folder::new(files).dashboards().found().dashboards.iter().map(shown).collect();
    assert_eq!(found, expected);
}

fn shown(one: &Dashboard) -> String {
    let head = one.head.as_ref().map(|head| format!("{} {} {}", head.form.word(), head.title, head.panels)).unwrap_or_default();
    format!("{}|{}|{head}|{}|{}", one.folder, one.uid, one.problem.clone().unwrap_or_default(), one.warnings.len())
}

#[test]
fn forms() {
    check(
        &[("a.json", r#"{"uid": "u", "title": "T", "panels": [{"type": "row", "panels": [{}, {}]}, {"type": "stat"}]}"#)],
        &["|u|classic T 3||0"],
    );
    check(&[("a.json", r#"{"dashboard": {"uid": "u", "title": "T", "rows": [{"panels": [{}]}]}, "meta": {}}"#)], &["|u|wrapped T 1||0"]);
    let v1 = r#"{"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": {"name": "n"}, "spec": {"title": "T", "panels": [{}]}}"#;
    check(&[("a.json", v1)], &["|n|v1 T 1||0"]);
    let v2 = r#"{"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "metadata": {"name": "n"}, "spec": {"title": "T", "elements": {"p": {}}, "layout": {}}}"#;
    check(&[("a.json", v2)], &["|n|v2 T 1||0"]);
    check(&[("a.json", "\u{feff}{\"uid\": \"u\", \"title\": \"T\", \"panels\": []}")], &["|u|classic T 0||0"]);
}

#[test]
fn other_json_is_left_alone() {
    check(
        &[
            ("targets.json", r#"[{"targets": ["a:1"]}]"#),
            ("package.json", r#"{"name": "x", "dependencies": {}}"#),
            ("rules.json", r#"{"groups": []}"#),
            ("panel.json", r#"{"kind": "Folder", "spec": {"title": "x", "panels": []}}"#),
            ("broken.json", "{"),
            (".hidden/a.json", r#"{"title": "T", "panels": []}"#),
            ("data/a.json", r#"{"title": "T", "panels": []}"#),
        ],
        &[],
    );
}

#[test]
fn a_bad_file_is_an_entry_and_hides_no_other() {
    check(
        &[
            ("dashboards/a.json", "{\"title\": \"A\",\n \"panels\": [}"),
            ("b.json", "{\"schemaVersion\": 39, \"panels\": ["),
            ("c.json", r#"{"uid": "c", "panels": [], "schemaVersion": 39}"#),
            ("d.json", r#"{"uid": "d", "title": "D", "panels": []}"#),
        ],
        &[
            "|c|classic  0|it has no title|0",
            "|d|classic D 0||0",
            "|b||not JSON: EOF while parsing a list at line 1 column 33|0",
            "|dashboards-a||not JSON: expected value at line 2 column 13|0",
        ],
    );
}

#[test]
fn each_has_a_uid_of_its_own() {
    let one = r#"{"uid": "u", "title": "T", "panels": []}"#;
    check(&[("a.json", one), ("b.json", one)], &["|u|classic T 0||0", "|u~2|classic T 0||1"]);
    let none = r#"{"title": "T", "panels": []}"#;
    check(&[("x/a b.json", none), ("x/a_b.json", none)], &["|x-a-b|classic T 0||1", "|x-a-b~2|classic T 0||1"]);
}

#[test]
fn folders_come_from_providers() {
    let one = r#"{"uid": "u", "title": "T", "panels": []}"#;
    let provider = |path: &str, more: &str| {
        format!("apiVersion: 1\nproviders:\n  - name: p\n    folder: Models\n    options:\n      path: {path}\n{more}")
    };
    let below = provider("/var/lib/grafana/dashboards", "");
    check(&[("provisioning/dashboards/p.yml", &below), ("grafana/dashboards/a.json", one)], &["Models|u|classic T 0||0"]);
    check(
        &[("provisioning/dashboards/p.yml", &below), ("dashboards/a.json", one), ("b.json", r#"{"uid": "v", "title": "V", "rows": []}"#)],
        &["|v|classic V 0||0", "Models|u|classic T 0||0"],
    );
    let structure = provider("/x/dashboards", "      foldersFromFilesStructure: true\n");
    check(&[("p.yml", &structure), ("dashboards/Team A/a.json", one)], &["Team A|u|classic T 0||0"]);
}

#[test]
fn a_file_is_written_only_over_what_was_read() {
    let old = "{\"uid\": \"u\",  \"title\": \"T\", \"panels\": []}\n";
    let new = "{\n\t\"uid\": \"u\",\n\t\"title\": \"New\", \"panels\": [ ]}";
    let folder = Folder::new(&[("d/a.json", old), ("n.json", r#"{"title": "N", "panels": []}"#)]);
    let dashboards = folder.dashboards();
    let tag = etag(old.as_bytes());
    let on_disk = || std::fs::read_to_string(folder.0.join("d/a.json")).expect("a file");
    for (body, expected, error) in [
        ("{", tag.as_str(), "not JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", &tag, "no dashboard: neither panels nor a resource of the kind Dashboard"),
        (r#"{"uid": "v", "title": "T", "panels": []}"#, &tag, "the new text has the uid \"v\" and not \"u\""),
        (new, "\"0000\"", "the file d/a.json has changed since it was read; read it again and make the change anew"),
    ] {
        assert_eq!(dashboards.write("u", body.as_bytes(), expected).map_err(|error| error.to_string()), Err(error.to_string()));
        assert_eq!(on_disk(), old);
    }
    assert_eq!(dashboards.write("u", new.as_bytes(), &tag), Ok(etag(new.as_bytes())));
    assert_eq!(on_disk(), new);
    assert_eq!(dashboards.get("u").and_then(|one| one.head).map(|head| head.title), Some("New".to_string()), "it is read again at once");
    assert!(matches!(dashboards.write("u", new.as_bytes(), &tag), Err(WriteError::Changed(_))));
    assert!(matches!(dashboards.write("../a", new.as_bytes(), &tag), Err(WriteError::Unknown(_))));
    let left: Vec<_> = std::fs::read_dir(folder.0.join("d")).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["a.json"], "no draft is left");
}

#[test]
fn a_link_out_of_the_folder_is_shown_and_not_written() {
    let text = r#"{"uid": "u", "title": "T", "panels": []}"#;
    let (folder, outside) = (Folder::new(&[("x.txt", "")]), Folder::new(&[("a.json", text)]));
    std::os::unix::fs::symlink(outside.0.join("a.json"), folder.0.join("a.json")).expect("a link");
    let dashboards = folder.dashboards();
    assert_eq!(dashboards.found().dashboards.len(), 1);
    assert!(matches!(dashboards.write("u", text.as_bytes(), &etag(text.as_bytes())), Err(WriteError::Refused(_))));
}

#[test]
fn changes_are_seen() {
    let folder = Folder::new(&[("a.json", r#"{"uid": "u", "title": "T", "panels": []}"#)]);
    let dashboards = folder.dashboards();
    assert!(!dashboards.refresh());
    std::fs::write(folder.0.join("a.json"), r#"{"uid": "u", "title": "Another", "panels": []}"#).expect("a file");
    assert!(dashboards.refresh());
    assert_eq!(dashboards.get("u").and_then(|one| one.head).map(|head| head.title), Some("Another".to_string()));
    std::fs::write(folder.0.join("b.json"), r#"{"uid": "v", "title": "T", "panels": []}"#).expect("a file");
    assert!(dashboards.refresh() && dashboards.get("v").is_some());
    std::fs::remove_file(folder.0.join("a.json")).expect("a file");
    assert!(dashboards.refresh() && dashboards.get("u").is_none());
}
