//! The command-line tests of Alertmanager's own suite: amtool as the client of Alertmanager, and of bellbuoy.

use std::path::PathBuf;
use std::process::Command;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::stage::{Kind, start};
use crate::harness::{Folder, Program, Server, answer, peer, peers, text, wait_for};

struct Amtool {
    kind: Kind,
    binary: PathBuf,
    program: Program,
    folder: Folder,
    hook: Server,
}

impl Amtool {
    /// Whether it ended well, and all that it said.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let url = format!("--alertmanager.url=http://{}", self.program.address);
        let output = Command::new(&self.binary).arg(url).args(arguments).output().expect("it starts");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.success(), said)
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (good, said) = self.run(arguments);
        assert!(good, "{:?}: amtool {arguments:?}: {said}", self.kind);
        said
    }

    /// The JSON that a query prints.
    fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let said = self.good(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{:?}: amtool {arguments:?}: {error}: {said}", self.kind))
    }

    fn file(&self, name: &str, content: &str) -> String {
        self.folder.write(name, content);
        self.folder.config().join(name).display().to_string()
    }
}

/// Runs a test with amtool on each kind.
fn with_both(test: impl Fn(&Amtool)) {
    let Some(dir) = peers() else { return };
    for kind in [Kind::Alertmanager, Kind::Bellbuoy] {
        let hook = Server::start(|_| answer(200, &[], b""));
        let folder = Folder::new(&[(
            "alertmanager.yml",
            &format!(
                "route: {{receiver: default, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}\n\
                receivers: [{{name: default, webhook_configs: [{{url: 'http://{}', send_resolved: true}}]}}]\n",
                hook.address
            ),
        )]);
        let program = start(kind, &dir, &folder, &[]);
        test(&Amtool { kind, binary: peer(&dir, &["amtool"]), program, folder, hook });
    }
}

#[test]
fn an_alert_that_it_adds_is_told() {
    with_both(|amtool| {
        let start = format!("--start={}", Timestamp::now());
        amtool.good(&["alert", "add", "alertname=test1", &start]);
        let told = wait_for("the message", || amtool.hook.received().first().cloned()).json();
        assert_eq!((text(&told["status"]), text(&told["alerts"][0]["labels"]["alertname"])), ("firing".into(), "test1".into()));
    });
}

#[test]
fn it_finds_alerts() {
    with_both(|amtool| {
        amtool.good(&["alert", "add", "test1", "severity=warning"]);
        amtool.good(&["alert", "add", "alertname=test2", "severity=info"]);
        amtool.good(&["alert", "add", "{alertname=test3}", "severity=info"]);
        assert_eq!(amtool.list(&["alert", "query"]).len(), 3, "{:?}", amtool.kind);
        for (query, expected) in [("test1", "test1"), ("alertname=test2", "test2"), ("{alertname=test3}", "{alertname=test3}")] {
            let found = amtool.list(&["alert", "query", query]);
            let names: Vec<String> = found.iter().map(|alert| text(&alert["labels"]["alertname"])).collect();
            assert_eq!(names, [expected], "{:?}: {query}", amtool.kind);
        }
    });
}

#[test]
fn it_finds_silences() {
    with_both(|amtool| {
        for (first, comment) in [("test1", "1"), ("alertname=test2", "2"), ("{alertname=test3}", "3")] {
            amtool.good(&["silence", "add", first, "severity=warn", &format!("--comment={comment}"), &format!("--duration={comment}h")]);
        }
        let matchers = |found: &[Value]| -> Vec<String> {
            let one = |matcher: &Value| format!("{}={}", text(&matcher["name"]), text(&matcher["value"]));
            found
                .iter()
                .map(|silence| {
                    silence["matchers"].as_array().map_or(String::new(), |list| list.iter().map(one).collect::<Vec<_>>().join(","))
                })
                .collect()
        };
        let all = amtool.list(&["silence", "query"]);
        let expected = ["alertname=test1,severity=warn", "alertname=test2,severity=warn", "alertname={alertname=test3},severity=warn"];
        assert_eq!(matchers(&all), expected, "{:?}", amtool.kind);
        assert_eq!(matchers(&amtool.list(&["silence", "query", "test1"])), expected[..1], "{:?}", amtool.kind);
    });
}

#[test]
fn it_shows_and_tests_routes() {
    with_both(|amtool| {
        assert!(amtool.good(&["config", "routes", "show"]).contains("receiver: default"), "{:?}", amtool.kind);
        assert_eq!(amtool.good(&["config", "routes", "test", "a=b"]).trim(), "default", "{:?}", amtool.kind);
        let (good, said) = amtool.run(&["config", "routes", "test", "{foo=bar}"]);
        assert!(!good && said.contains("unexpected open or close brace"), "{:?}: {said}", amtool.kind);
    });
}

#[test]
fn silences_go_out_and_in_again() {
    with_both(|amtool| {
        for name in ["test1", "test2"] {
            amtool.good(&["silence", "add", &format!("alertname={name}"), "severity=warning", "--comment=c", "--duration=1h"]);
        }
        let exported = amtool.good(&["silence", "query", "-o", "json"]);
        let ids: Vec<String> = amtool.list(&["silence", "query"]).iter().map(|silence| text(&silence["id"])).collect();
        assert_eq!(ids.len(), 2);
        for id in &ids {
            amtool.good(&["silence", "expire", id]);
        }
        let expired = amtool.list(&["silence", "query", "--expired", "--within=1h"]);
        assert_eq!(expired.len(), 2, "{:?}", amtool.kind);
        assert!(expired.iter().all(|silence| ids.contains(&text(&silence["id"])) && silence["status"]["state"] == "expired"));
        let file = amtool.file("silences.export", &exported);
        amtool.good(&["silence", "import", &file]);
        assert_eq!(amtool.list(&["silence", "query"]).len(), 2, "{:?}", amtool.kind);
    });
}

#[test]
fn what_can_not_be_imported_is_counted() {
    with_both(|amtool| {
        let (good, said) = amtool.run(&["silence", "import", &amtool.file("broken.export", "[{\"broken\": \"json\"")]);
        assert!(!good && said.contains("couldn't unmarshal"), "{:?}: {said}", amtool.kind);

        let silence = |name: &str, from: &str, to: &str| {
            let matchers = json!([{"name": "alertname", "value": name, "isRegex": false}]);
            json!({"matchers": matchers, "startsAt": from, "endsAt": to, "createdBy": "test", "comment": "c"})
        };
        let zero = "0001-01-01T00:00:00.000Z";
        let file = amtool.file("zero.export", &json!([silence("a", zero, zero)]).to_string());
        let (good, said) = amtool.run(&["silence", "import", &file]);
        assert!(!good && said.contains("couldn't import 1 out of 1 silences"), "{:?}: {said}", amtool.kind);

        let (now, later) = (Timestamp::now().to_string(), (Timestamp::now() + 4.hours()).to_string());
        let mixed: Vec<Value> =
            (0..5).map(|index| if index % 2 == 0 { silence("a", &now, &later) } else { silence("b", &later, &now) }).collect();
        let file = amtool.file("mixed.export", &Value::from(mixed).to_string());
        let (good, said) = amtool.run(&["silence", "import", &file]);
        assert!(!good && said.contains("couldn't import 2 out of 5 silences"), "{:?}: {said}", amtool.kind);
        assert_eq!(amtool.list(&["silence", "query"]).len(), 3, "{:?}", amtool.kind);
    });
}
