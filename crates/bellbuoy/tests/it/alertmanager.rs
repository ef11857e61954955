//! What clients of Alertmanager and people at a terminal do with silences, limits, the second port and the history.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::harness::{Folder, Program, Server, answer, bellbuoy, free_port, http, peer, peers, text, wait_for};

const QUIET: &str = "route: {receiver: default, group_wait: 1s}\nreceivers: [{name: default}]\n";

fn started(more: &[&str]) -> (Folder, Program) {
    let folder = Folder::new(&[("alertmanager.yml", QUIET)]);
    let program = Program::up_with(&folder, &[&["--listen", "127.0.0.1:0"], more].concat());
    (folder, program)
}

fn silence_at(address: &str, arguments: &[&str]) -> Output {
    let url = format!("--url=http://{address}");
    bellbuoy().args(["silence", &url]).args(arguments).env("USER", "ann").output().expect("the program starts")
}

fn good(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

/// Exit status 2; what it said.
fn bad(output: Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn list(output: Output) -> Vec<Value> {
    serde_json::from_str(&good(output)).expect("a JSON list")
}

#[test]
fn silences_from_the_command_line() {
    let (folder, program) = started(&[]);
    let silence = |arguments: &[&str]| silence_at(&program.address, arguments);
    let add = ["add", "Drift", "team=~ml|web", "--or", "severity=info,größe=1", "-c", "retraining", "--annotation", "ticket=OPS-7"];
    let one = good(silence(&add));
    let two = good(silence(&["add", "alertname=B", "-d", "3h", "-a", "bob", "-c", "deploy"]));
    let seen = list(silence(&["list", "-o", "json"]));
    assert_eq!(seen.iter().map(|one| text(&one["id"])).collect::<Vec<_>>(), [one.as_str(), &two], "what ends first comes first");
    assert_eq!((text(&seen[0]["createdBy"]), &seen[0]["annotations"]), ("ann".into(), &json!({"ticket": "OPS-7"})));
    let table = good(silence(&["list"]));
    assert!(table.contains(r#"alertname="Drift" team=~"ml|web" or severity="info" größe="1""#), "{table}");
    assert_eq!(good(silence(&["list", "-q", "--within", "2h"])), one);
    assert_eq!(good(silence(&["list", "-q", "--created-by", "bob"])), two);
    assert_eq!(good(silence(&["list", "-q", "alertname=B"])), two);
    assert_eq!(good(silence(&["list", "-q", "B", "x=y"])), "");
    // Either set silences; nothing else does.
    let alerts =
        r#"[{"labels":{"alertname":"Drift","team":"ml"}},{"labels":{"alertname":"Drift"}},{"labels":{"severity":"info","größe":"1"}}]"#;
    assert_eq!(program.post("/api/v2/alerts", alerts).0, 200);
    let heard: Value = serde_json::from_str(&program.get("/api/v2/alerts?silenced=false").1).expect("JSON");
    assert_eq!(heard.as_array().map(Vec::len), Some(1), "{heard}");
    // A longer end keeps the id and both sets, even from a client that knows one set only.
    assert_eq!(good(silence(&["update", &one, "-d", "5h", "-q"])), one);
    let mut shown: Value = serde_json::from_str(&program.get(&format!("/api/v2/silence/{one}")).1).expect("JSON");
    shown.as_object_mut().expect("an object").remove("matcherSets");
    assert_eq!(program.post("/api/v2/silences", &shown.to_string()).0, 200);
    drop(program);
    let program = Program::up(&folder);
    let silence = |arguments: &[&str]| silence_at(&program.address, arguments);
    let seen = list(silence(&["list", "--id", &one, "-o", "json"]));
    assert_eq!(seen[0]["matcherSets"].as_array().map(Vec::len), Some(2), "after a restart: {seen:?}");
    good(silence(&["expire", &one, &two]));
    assert_eq!(good(silence(&["list", "-q"])), "");
    assert_eq!(list(silence(&["list", "--expired", "--within", "1h", "-o", "json"])).len(), 2);
    // What can not be is refused in words.
    assert!(
        bad(silence(&["add", "a=b", "-c", "x", "--start", "2099-01-01T00:00:00Z", "--end", "2098-01-01T00:00:00Z"]))
            .contains("before it starts")
    );
    assert!(bad(silence(&["add", "a=", "-c", "x"])).contains("must not match the empty string"));
    assert!(bad(silence(&["add", "a=b"])).contains("--comment"));
    assert!(bad(silence(&["add", "a=b", "-c", "x", "-d", "soon"])).contains("--duration"));
    assert!(bad(silence(&["expire", "00000000-0000-4000-8000-000000000000"])).contains("not found"));
}

#[test]
fn an_import_makes_what_can_be_made_and_tells_of_the_rest() {
    let (folder, program) = started(&["--silences.max-silences", "3"]);
    let matchers = json!([{"name": "a", "value": "b", "isRegex": false, "isEqual": true}]);
    let one = |id: &str, end: &str| {
        json!({"id": id, "matchers": matchers, "startsAt": "2026-01-01T00:00:00Z", "endsAt": end, "createdBy": "x", "comment": "y",
               "status": {"state": "active"}, "updatedAt": "2026-01-01T00:00:00Z"})
    };
    let all =
        json!([one("gone", "2099-01-01T00:00:00Z"), one("old", "2026-01-02T00:00:00Z"), one("", "2099-01-01T00:00:00Z"), {"id": "bad"}]);
    folder.write("silences.txt", &all.to_string());
    let file = folder.config().join("silences.txt").display().to_string();
    let output = silence_at(&program.address, &["import", &file]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2, "{output:?}");
    let said = bad(output);
    assert!(said.contains("couldn't import 2 out of 4 silences") && said.contains("\"old\"") && said.contains("in the past"), "{said}");
    // Again: now two more would be four.
    let said = bad(silence_at(&program.address, &["import", "--force", &file]));
    assert!(said.contains("exceeded maximum number of silences: 3 (limit: 3)"), "{said}");
}

#[test]
fn the_second_port_serves_old_clients_below_a_prefix() {
    let port = free_port();
    let second = format!("127.0.0.1:{port}");
    let (_folder, program) = started(&["--alertmanager-listen", &second, "--web.external-url", "http://alerts.example/am/"]);
    for address in [&second, &program.address] {
        for path in ["/am/api/v2/status", "/api/v2/status", "/am/-/healthy", "/am/-/ready", "/-/ready"] {
            assert_eq!(http(address, "GET", path, &[], b"").0, 200, "{address}{path}");
        }
    }
    assert_eq!(http(&second, "POST", "/am/-/reload", &[], b"").0, 200);
    // A page in a browser may post a form to another origin without asking; that makes no silence.
    let (status, body) = http(&second, "POST", "/api/v2/silences", &[("content-type", "text/plain")], b"{}");
    assert_eq!((status, body.contains("unsupported media type")), (415, true), "{body}");
}

#[test]
fn limits_of_alertmanager_hold_and_its_cluster_is_refused() {
    let (_folder, program) =
        started(&["--alerts.per-alertname-limit=2", "--silences.max-silence-size-bytes=300", "--cluster.listen-address="]);
    let alerts: Vec<Value> = (0..5).map(|n| json!({"labels": {"alertname": if n < 4 { "A" } else { "B" }, "n": n.to_string()}})).collect();
    assert_eq!(program.post("/api/v2/alerts", &Value::from(alerts).to_string()).0, 200);
    let shown: Value = serde_json::from_str(&program.get("/api/v2/alerts").1).expect("JSON");
    assert_eq!(shown.as_array().map(Vec::len), Some(3), "two of A, one of B: {shown}");
    let said = bad(silence_at(&program.address, &["add", "a=b", "-c", &"x".repeat(300)]));
    assert!(said.contains("silence exceeded maximum size"), "{said}");
    for (argument, expected) in [("--cluster.listen-address=:9094", "joins no cluster"), ("--cluster.peer=x", "--cluster.peer")] {
        let output = bellbuoy().args(["up", argument]).output().expect("the program starts");
        assert!(bad(output).contains(expected), "{argument}");
    }
}

#[test]
fn the_history_is_asked_for_by_receiver_status_alert_and_time() {
    let hook = Server::start(|_| answer(200, &[], b"ok"));
    let config = format!(
        "route: {{receiver: good, group_wait: 1ms, group_by: [alertname], routes: [{{matchers: [team=ml], receiver: ml}}]}}\n\
         receivers: [{{name: good, webhook_configs: [{{url: 'http://{0}/'}}]}}, {{name: ml, webhook_configs: [{{url: 'http://{0}/'}}]}}]\n",
        hook.address
    );
    let folder = Folder::new(&[("alertmanager.yml", &config)]);
    let program = Program::up(&folder);
    let alerts = r#"[{"labels":{"alertname":"A"}},{"labels":{"alertname":"B"}},{"labels":{"alertname":"B","team":"ml"}}]"#;
    assert_eq!(program.post("/api/v2/alerts", alerts).0, 200);
    let rows = |query: &str| program.data(&format!("/api/v1/notifications?{query}")).as_array().cloned().expect("a list");
    wait_for("three deliveries", || (rows("status=delivered").len() == 3).then_some(()));
    let one = &rows("receiver=ml")[0];
    assert_eq!((text(&one["alerts"][0]["labels"]["alertname"]), text(&one["reason"])), ("B".into(), "first notification".into()));
    assert_eq!((&one["attempts"], text(&one["state"]), text(&one["integration"])), (&json!(1), "firing".into(), "webhook".into()));
    assert_eq!((rows("alertname=B").len(), rows("alertname=B&receiver=good").len(), rows("receiver=good/webhook/0").len()), (2, 1, 2));
    assert_eq!((rows("since=1h").len(), rows("since=2099-01-01T00:00:00Z").len(), rows("status=failed").len()), (3, 0, 0));
    assert_eq!(program.get("/api/v1/notifications?status=lost").0, 400);
    // Page by page it is the same.
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Value = serde_json::from_str(&program.get(&format!("/api/v1/notifications?limit=1{cursor}")).1).expect("JSON");
        ids.extend(page["data"].as_array().expect("a list").iter().map(|row| row["id"].clone()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids, rows("").iter().map(|row| row["id"].clone()).collect::<Vec<_>>());
    let url = format!("http://{}", program.address);
    let output = bellbuoy().args(["notifications", "--url", &url, "--alertname", "A", "-o", "json"]).output().expect("it starts");
    assert_eq!(list(output).len(), 1);
}

/// amtool and bellbuoy's own command are clients of both servers, and print the same of each.
#[test]
fn silences_are_exchanged_with_amtool_and_alertmanager() {
    let Some(dir) = peers() else { return };
    let amtool = peer(&dir, &["amtool"]);
    let run_amtool = |address: &str, arguments: &[&str]| {
        let output = Command::new(&amtool).arg(format!("--alertmanager.url=http://{address}")).args(arguments).output();
        good(output.expect("amtool starts"))
    };
    let (folder, ours) = started(&[]);
    let mut command = Command::new(peer(&dir, &["alertmanager", "prometheus-alertmanager"]));
    let theirs = format!("127.0.0.1:{}", free_port());
    command.arg(format!("--config.file={}", folder.config().join("alertmanager.yml").display()));
    command.arg(format!("--storage.path={}", folder.root().join("am").display()));
    command.args([&format!("--web.listen-address={theirs}"), "--cluster.listen-address="]);
    let _alertmanager = Program::start(command, "msg=\"Listening on\" address=");
    good(silence_at(&theirs, &["add", "Drift", "team!~ml|x y", "-c", "by bellbuoy", "-d", "2h"]));
    run_amtool(&theirs, &["silence", "add", "größe=\"1\"", "b!=c", "-c", "by amtool", "-d", "1h", "--annotation", "a=b"]);
    let exported = run_amtool(&theirs, &["silence", "query", "-o", "json"]);
    folder.write("exported.txt", &exported);
    good(silence_at(&ours.address, &["import", &folder.config().join("exported.txt").display().to_string()]));
    for address in [&ours.address, &theirs] {
        for format in ["simple", "extended"] {
            let lines = |text: String| text.lines().map(|line| line.trim_end().to_string()).collect::<Vec<_>>();
            let mine = lines(good(silence_at(address, &["list", "-o", format])));
            assert_eq!(mine, lines(run_amtool(address, &["silence", "query", "-o", format])), "{format}");
            assert_eq!(mine.len(), 3, "{mine:?}");
        }
    }
    // And back, over our own export.
    let exported = good(silence_at(&ours.address, &["list", "-o", "json"]));
    folder.write("exported.txt", &exported);
    let made = run_amtool(&theirs, &["silence", "import", "--force", &folder.config().join("exported.txt").display().to_string()]);
    assert_eq!(made.lines().count(), 2);
    // But a silence of two sets is not halved on the way.
    let said = bad(silence_at(&theirs, &["add", "a=b", "--or", "c=d", "-c", "x"]));
    assert!(said.contains("matchers in body is required"), "{said}");
}
