//! What the pages ask: dashboards as files, who may change something. The shapes are those of docs/formats/pages-api.md.

use serde_json::Value;

use crate::harness::{Folder, Program, escape, http, wait_for};

/// Formatting that no program would write: it must come back as it is.
const BOARD: &str = "{\"title\" : \"API <b>\",\n   \"uid\":\"api\", \"tags\":[\"a\"],\n \"panels\":[ {\"type\":\"stat\"} ], \"x\": 1.50}\n";
const MINIMAL: &str = "scrape_configs: []\n";

fn folder(more: &[(&str, &str)]) -> Folder {
    let mut files = vec![("prometheus.yml", MINIMAL)];
    files.extend(more);
    Folder::new(&files)
}

fn board(program: &Program, uid: &str) -> Value {
    let list = program.data("/api/bellbuoy/dashboards");
    let found = list["dashboards"].as_array().and_then(|list| list.iter().find(|one| one["uid"] == uid)).cloned();
    found.unwrap_or_else(|| panic!("no {uid} in {list}"))
}

fn put(program: &Program, uid: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let (status, answer) = http(&program.address, "PUT", &format!("/api/bellbuoy/dashboards/{uid}"), headers, body.as_bytes());
    (status, serde_json::from_str(&answer).unwrap_or_default())
}

#[test]
fn dashboards_are_files_untouched() {
    let broken = "{\"panels\": [";
    let folder = folder(&[("grafana/dashboards/api.json", BOARD), ("grafana/dashboards/broken.json", broken), ("list.json", "[1, 2]")]);
    let program = Program::up(&folder);
    let list = program.data("/api/bellbuoy/dashboards");
    assert_eq!(list["edit"]["allowed"], true, "on loopback: {list}");
    assert_eq!(list["dashboards"].as_array().map(Vec::len), Some(2), "{list}");
    let one = board(&program, "api");
    assert_eq!(
        (&one["title"], &one["file"], &one["form"], &one["panels"], &one["problem"]),
        (&"API <b>".into(), &"grafana/dashboards/api.json".into(), &"classic".into(), &1.into(), &Value::Null)
    );
    assert!(board(&program, "grafana-dashboards-broken")["problem"].as_str().is_some_and(|text| text.starts_with("not JSON: EOF")));
    assert_eq!(program.get("/api/bellbuoy/dashboards/api"), (200, BOARD.to_string()));
    let tag = one["etag"].as_str().expect("a tag").to_string();
    let unchanged = http(&program.address, "GET", "/api/bellbuoy/dashboards/api", &[("if-none-match", &tag)], b"");
    assert_eq!(unchanged, (304, String::new()));
    for uid in ["none", "..%2f..%2fprometheus", "%00", &escape("a b\"'<>")] {
        assert_eq!(program.get(&format!("/api/bellbuoy/dashboards/{uid}")).0, 404, "{uid}");
    }
    // A new file and a mended one are seen without a reload.
    folder.write("grafana/dashboards/broken.json", r#"{"uid": "mended", "title": "M", "panels": []}"#);
    wait_for("the mended file", || {
        let list = program.data("/api/bellbuoy/dashboards");
        let mended = list["dashboards"].as_array()?.iter().any(|one| one["uid"] == "mended" && one["problem"].is_null());
        mended.then_some(())
    });
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn a_dashboard_is_saved_back_only_over_what_was_read() {
    let folder = folder(&[("dashboards/api.json", BOARD)]);
    let program = Program::up(&folder);
    let on_disk = || std::fs::read_to_string(folder.config().join("dashboards/api.json")).expect("the file");
    let tag = board(&program, "api")["etag"].as_str().expect("a tag").to_string();
    let changed = BOARD.replace("stat", "gauge");
    for (uid, headers, body, status, error) in [
        ("api", vec![], changed.as_str(), 428, "precondition_required"),
        ("api", vec![("if-match", "\"0\"")], &changed, 412, "precondition_failed"),
        ("api", vec![("if-match", tag.as_str())], "{\"panels\"", 400, "bad_data"),
        ("api", vec![("if-match", &tag)], "{\"title\": \"x\", \"uid\": \"other\", \"panels\": []}", 400, "bad_data"),
        ("none", vec![("if-match", &tag)], &changed, 404, "not_found"),
        ("api", vec![("if-match", &tag), ("origin", "http://evil.example")], &changed, 403, "forbidden"),
        ("api", vec![("if-match", &tag), ("sec-fetch-site", "cross-site")], &changed, 403, "forbidden"),
    ] {
        let (got, answer) = put(&program, uid, &headers, body);
        assert_eq!((got, answer["errorType"].as_str()), (status, Some(error)), "{uid} {headers:?}: {answer}");
        assert_eq!(on_disk(), BOARD);
    }
    let origin = format!("http://{}", program.address);
    let (status, answer) = put(&program, "api", &[("if-match", &tag), ("origin", &origin), ("sec-fetch-site", "same-origin")], &changed);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(on_disk(), changed);
    assert_eq!(board(&program, "api")["etag"], answer["data"]["etag"]);
    assert_eq!(put(&program, "api", &[("if-match", &tag)], BOARD).0, 412, "the old tag is over");
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn nobody_edits_where_it_is_not_allowed() {
    let folder = folder(&[("dashboards/api.json", BOARD)]);
    for more in [&["--listen", "127.0.0.1:0", "--web.dashboard-edit=off"][..], &["--listen", "0.0.0.0:0"]] {
        let mut program = Program::up_with(&folder, more);
        program.address = program.address.replace("0.0.0.0", "127.0.0.1");
        assert_eq!(program.data("/api/bellbuoy/dashboards")["edit"]["allowed"], false);
        let tag = board(&program, "api")["etag"].as_str().expect("a tag").to_string();
        let (status, answer) = put(&program, "api", &[("if-match", &tag)], BOARD);
        assert!(status == 403 && answer["error"].as_str().is_some_and(|text| text.contains("--web.dashboard-edit")), "{status} {answer}");
        assert_eq!(program.stop(), Some(0));
    }
}

#[test]
fn another_site_changes_nothing_and_programs_do() {
    let program = Program::up(&folder(&[]));
    let alerts = br#"[{"labels": {"alertname": "A"}}]"#;
    let json = ("content-type", "application/json");
    let evil = ("origin", "http://evil.example");
    for (method, path) in [
        ("POST", "/api/v2/alerts"),
        ("POST", "/api/v1/events"),
        ("POST", "/-/reload"),
        ("POST", "/api/v1/receivers/x/test"),
        ("DELETE", "/api/v2/silence/x"),
        ("POST", "/metrics/job/x"),
        ("POST", "/inbox"),
        ("POST", "/api/v1/models/m/predictions"),
    ] {
        let (status, answer) = http(&program.address, method, path, &[json, evil], alerts);
        assert!(status == 403 && answer.contains("another site"), "{method} {path}: {status} {answer}");
    }
    assert_eq!(http(&program.address, "POST", "/api/v2/alerts", &[json], alerts).0, 200, "curl, amtool, Prometheus");
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(http(&program.address, "POST", "/api/v1/query", &[form, evil], b"query=1").0, 200, "a question is no change");
    assert_eq!(http(&program.address, "GET", "/api/v2/alerts", &[evil], b"").0, 200);
    let refused = program.get("/metrics").1;
    assert!(refused.contains("bellbuoy_cross_site_requests_refused_total 8"), "counted");
    assert_eq!(program.stop(), Some(0));
}
