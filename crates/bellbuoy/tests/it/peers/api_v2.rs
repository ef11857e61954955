//! The same requests to Alertmanager and to bellbuoy: the same status codes and the same JSON, apart from times and ids.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::stage::{Kind, start};
use crate::harness::{Folder, Program, http, peers, wait_explained};

const CONFIG: &str = r#"
global: {resolve_timeout: 5m}
route:
  receiver: default
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  routes:
    - {matchers: [team="ml"], receiver: ml, continue: true}
    - {matchers: ['severity=~"page|crit"'], receiver: pager, mute_time_intervals: [always], group_by: ['...']}
    - {matchers: [team="ml"], receiver: ml, group_by: [cluster]}
    - {matchers: ['odd="yes"'], receiver: default, active_time_intervals: [never]}
inhibit_rules:
  - {source_matchers: [severity="crit"], target_matchers: [severity="warn"], equal: [cluster]}
time_intervals:
  - {name: always, time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}]}]}
  - {name: never, time_intervals: [{years: ["1999"]}]}
receivers:
  - {name: default, labels: {owner: web}}
  - {name: ml, labels: {owner: ml, tier: "1"}}
  - {name: pager}
"#;

struct Pair {
    programs: [Program; 2],
    /// Ids of silences as each gave them, by our own name.
    ids: [HashMap<String, String>; 2],
    _folders: [Folder; 2],
}

impl Pair {
    fn start() -> Option<Pair> {
        let dir = peers()?;
        let folders = [Folder::new(&[("alertmanager.yml", CONFIG)]), Folder::new(&[("alertmanager.yml", CONFIG)])];
        let programs = [start(Kind::Alertmanager, &dir, &folders[0], &[]), start(Kind::Bellbuoy, &dir, &folders[1], &[])];
        Some(Pair { programs, ids: Default::default(), _folders: folders })
    }

    /// What one of them answers, times and ids replaced. `$NAME` in path and body is the id of that silence.
    fn ask(&self, at: usize, method: &str, path: &str, body: &str) -> (u16, Value) {
        let with_ids = |text: &str| {
            let text = text.replace("$NONE", "00000000-0000-4000-8000-000000000000");
            self.ids[at].iter().fold(text, |text, (name, id)| text.replace(&format!("${name}"), id))
        };
        let headers = [("content-type", "application/json")];
        let (status, answer) = http(&self.programs[at].address, method, &with_ids(path), &headers, with_ids(body).as_bytes());
        let value = serde_json::from_str(&answer).unwrap_or(Value::String(answer));
        (status, self.plain(at, value))
    }

    fn plain(&self, at: usize, value: Value) -> Value {
        match value {
            Value::String(text) => {
                let name = self.ids[at].iter().find(|(_, id)| **id == text).map(|(name, _)| format!("${name}"));
                // How the other reader of JSON and of regular expressions says what it did not like is its own affair.
                let marks = [
                    ", because ",
                    ": error parsing regexp",
                    ": bad regular expression",
                    "error parsing regexp",
                    "bad regular expression",
                    ": unclosed group",
                ];
                let text = marks.iter().find_map(|mark| text.split_once(mark)).map_or(text.clone(), |(beginning, _)| beginning.to_string());
                Value::String(name.unwrap_or(if text.parse::<Timestamp>().is_ok() { "TIME".into() } else { text }))
            }
            Value::Array(list) => Value::Array(list.into_iter().map(|one| self.plain(at, one)).collect()),
            Value::Object(map) => {
                let mut out: Map<String, Value> = map.into_iter().map(|(name, value)| (name, self.plain(at, value))).collect();
                // Alertmanager lists silences in the order in which they were made.
                if let Some(Value::Array(ids)) = out.get_mut("silencedBy") {
                    ids.sort_by_key(Value::to_string);
                }
                Value::Object(out)
            }
            other => other,
        }
    }

    /// Both answer the same.
    fn same(&self, method: &str, path: &str, body: &str) {
        let [alertmanager, bellbuoy] = [0, 1].map(|at| self.ask(at, method, path, body));
        assert_eq!(bellbuoy, alertmanager, "{method} {path} {body}: bellbuoy, then Alertmanager");
    }

    /// The same once both have come to rest.
    fn soon_same(&self, path: &str) {
        let seen = || format!("{path}\nAlertmanager {}\nbellbuoy     {}", self.ask(0, "GET", path, "").1, self.ask(1, "GET", path, "").1);
        wait_explained("the same answer", &seen, || (self.ask(0, "GET", path, "") == self.ask(1, "GET", path, "")).then_some(()));
    }

    /// Makes a silence that is called `name` here.
    fn silence(&mut self, name: &str, body: &str) {
        for at in [0, 1] {
            let (status, answer) = http(
                &self.programs[at].address,
                "POST",
                "/api/v2/silences",
                &[("content-type", "application/json")],
                self.ids[at].iter().fold(body.to_string(), |body, (name, id)| body.replace(&format!("${name}"), id)).as_bytes(),
            );
            assert_eq!(status, 200, "{body}: {answer}");
            let id = serde_json::from_str::<Value>(&answer).expect("JSON")["silenceID"].as_str().expect("an id").to_string();
            self.ids[at].insert(name.to_string(), id);
        }
    }
}

fn silence(id: &str, matchers: &str, starts: &str, ends: &str, more: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(r#"{{{id}"matchers":[{matchers}],"startsAt":"{starts}","endsAt":"{ends}","createdBy":"me","comment":"why"{more}}}"#)
}

fn matcher(name: &str, value: &str, regex: bool, equal: bool) -> String {
    format!(r#"{{"name":"{name}","value":"{value}","isRegex":{regex},"isEqual":{equal}}}"#)
}

const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2098-01-01T00:00:00Z";
const LATER: &str = "2099-01-01T00:00:00Z";

#[test]
fn bodies_are_refused_alike() {
    let Some(pair) = Pair::start() else { return };
    for body in [
        "",
        "x",
        "{}",
        "[]",
        "null",
        "[{}]",
        "3",
        r#"["x"]"#,
        r#"[{"labels":{}}]"#,
        r#"[{"labels":{"a":1}}]"#,
        r#"[{"labels":{"a":""}}]"#,
        r#"[{"labels":{"":"x"}}]"#,
        r#"[{"labels":[]}]"#,
        r#"[{"labels":{"a":"b"},"startsAt":"zz"}]"#,
        r#"[{"labels":{"a":"b"},"startsAt":7}]"#,
        r#"[{"labels":{"a":"b"},"generatorURL":"::bad"}]"#,
        r#"[{"labels":{"a":"b"},"generatorURL":"bad"}]"#,
        r#"[{"labels":{"a":"b"},"annotations":{"x":3}}]"#,
        r#"[{"labels":{"a":"b"},"annotations":{"":"x"}}]"#,
        r#"[{"labels":{"a":"b"},"startsAt":"2030-01-01T00:00:00Z","endsAt":"2029-01-01T00:00:00Z"},{"labels":{"":"x"}}]"#,
    ] {
        pair.same("POST", "/api/v2/alerts", body);
    }
    let (a, b) = (matcher("a", "b", false, true), matcher("a", "", false, true));
    let whole = |matchers: &str| silence("", matchers, PAST, FUTURE, "");
    for body in [
        String::new(),
        "{}".into(),
        "[]".into(),
        "x".into(),
        whole(""),
        whole(&b),
        whole(&matcher("", "b", false, true)),
        whole(&matcher("a", "(", true, true)),
        whole(&matcher("a", "x|", true, true)),
        whole(r#"{"name":"a","value":"b"}"#),
        whole(r#"{"name":"a","isRegex":false}"#),
        whole(r#"{"value":"b","isRegex":false}"#),
        whole(r#"{"name":7,"value":"b","isRegex":false}"#),
        silence("nope", &a, PAST, FUTURE, ""),
        silence("$NONE", &a, PAST, FUTURE, ""),
        silence("", &a, FUTURE, PAST, ""),
        silence("", &a, PAST, PAST, ""),
        silence("", &a, PAST, "2021-01-01T00:00:00Z", ""),
        silence("", &a, "xx", FUTURE, ""),
        silence("", &a, PAST, FUTURE, r#","annotations":{"q":1}"#),
        format!(r#"{{"matchers":[{a}]}}"#),
        format!(r#"{{"matchers":[{a}],"comment":"c"}}"#),
        format!(r#"{{"matchers":[{a}],"comment":"c","createdBy":"me"}}"#),
        format!(r#"{{"matchers":[{a}],"comment":"c","createdBy":"me","endsAt":"{FUTURE}"}}"#),
    ] {
        pair.same("POST", "/api/v2/silences", &body);
    }
    for path in ["/api/v2/silence/x", "/api/v2/silence/$NONE"] {
        pair.same("GET", path, "");
        pair.same("DELETE", path, "");
    }
    pair.same("GET", "/api/v2/nothing", "");
    for list in ["alerts", "alerts/groups", "silences", "receivers"] {
        for query in ["filter=foo", "filter=%7Bfoo%3D1%7D", "filter=", "receiver=(", "receiver_matchers=x", "active=maybe", "filter=a%3D~("]
        {
            pair.same("GET", &format!("/api/v2/{list}?{query}"), "");
        }
    }
}

#[test]
fn alerts_groups_and_receivers_are_shown_alike() {
    let Some(mut pair) = Pair::start() else { return };
    pair.silence("S1", &silence("", &matcher("alertname", "A|B", true, true), PAST, FUTURE, ""));
    pair.silence("S2", &silence("", &matcher("team", "", false, false), PAST, FUTURE, ""));
    pair.silence("S3", &silence("", &matcher("alertname", "A", false, true), FUTURE, LATER, ""));
    let alerts = r#"[
        {"labels":{"alertname":"A","team":"ml","severity":"warn","cluster":"x"},"annotations":{"s":"t"},"generatorURL":"http://g/x?y=z"},
        {"labels":{"alertname":"A","severity":"crit","cluster":"x","empty":""}},
        {"labels":{"alertname":"C","severity":"crit","cluster":"z","job":"j","instance":"2"}},
        {"labels":{"alertname":"C","severity":"warn","cluster":"z","job":"j","instance":"1"}},
        {"labels":{"alertname":"C","severity":"none","cluster":"y"}},
        {"labels":{"alertname":"D","größe m":"x\"\\ü"}},
        {"labels":{"alertname":"E","odd":"yes"},"startsAt":"2026-01-01T00:00:00.123456Z"},
        {"labels":{"alertname":"F"},"startsAt":"2026-01-01T00:00:00Z","endsAt":"2026-01-02T00:00:00Z"},
        {"labels":{"alertname":"G","team":"ml"},"endsAt":"2097-01-02T00:00:00Z"}]"#;
    pair.same("POST", "/api/v2/alerts", alerts);
    for list in ["alerts", "alerts/groups"] {
        for query in [
            "",
            "active=false",
            "silenced=false",
            "inhibited=false",
            "unprocessed=false",
            "muted=false",
            "receiver=ml|pager",
            "receiver=p.%2B",
            "filter=alertname%3D%22A%22",
            "filter=alertname%3D~%22A%7CC%22&filter=severity!%3Dwarn",
            "filter=job%3D",
            "filter=job!%3D%22%22",
            "filter=%22gr%C3%B6%C3%9Fe%20m%22%3D~.%2B",
            "receiver_matchers=owner%3Dml",
            "receiver_matchers=owner%3Dml&receiver=pager",
            "receiver_matchers=owner%3D",
            "receiver_matchers=name%3Dpager",
            "active=0&silenced=yes",
            "silenced=false&inhibited=false&active=true",
        ] {
            pair.soon_same(&format!("/api/v2/{list}?{query}"));
        }
    }
    for query in ["", "receiver_matchers=owner%3Dml", "receiver_matchers=tier!%3D1", "receiver_matchers=name%3D~%22p.*%22"] {
        pair.same("GET", &format!("/api/v2/receivers?{query}"), "");
    }
    let [theirs, ours] = [0, 1].map(|at| pair.ask(at, "GET", "/api/v2/status", "").1);
    let names = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<BTreeSet<_>>());
    for part in ["cluster", "versionInfo", "config"] {
        assert_eq!(names(&ours[part]), names(&theirs[part]), "{part}");
    }
    assert_eq!((names(&ours), &ours["cluster"]), (names(&theirs), &theirs["cluster"]));
}

#[test]
fn silences_live_alike() {
    let Some(mut pair) = Pair::start() else { return };
    let (a, b, c) = (matcher("a", "b", false, true), matcher("ü b", ".+", true, false), matcher("c", "d|e", true, true));
    pair.silence("S1", &silence("", &a, PAST, FUTURE, r#","annotations":{"ticket":"7"}"#));
    pair.silence("S2", &silence("", &format!("{a},{b}"), FUTURE, LATER, ""));
    pair.silence("S3", &silence("", &c, PAST, LATER, ""));
    let lists = [
        // Alertmanager filters by state since 0.34 only; bellbuoy's own tests ask for that.
        "",
        "filter=a%3Db",
        "filter=a%3D~b",
        "filter=a%3D~%22b%22&filter=a%3Db",
        "filter=%22%C3%BC%20b%22!~.%2B",
        "filter=c%3Dd",
        "filter=c%3D~%22d%7Ce%22",
    ];
    let look = |pair: &Pair| {
        for query in lists {
            pair.same("GET", &format!("/api/v2/silences?{query}"), "");
        }
        for name in pair.ids[0].keys() {
            pair.same("GET", &format!("/api/v2/silence/${name}"), "");
        }
    };
    look(&pair);
    // A pending one may move; a longer end keeps the id.
    pair.silence("S4", &silence("$S2", &format!("{a},{b}"), "2098-06-01T00:00:00Z", LATER, ""));
    for at in [0, 1] {
        assert_eq!(pair.ids[at]["S4"], pair.ids[at]["S2"]);
        pair.ids[at].remove("S4");
    }
    look(&pair);
    // Other matchers, or another beginning: the old one ends, a new one begins.
    pair.silence("S5", &silence("$S1", &c, PAST, FUTURE, ""));
    pair.silence("S6", &silence("$S3", &c, "2021-01-01T00:00:00Z", LATER, ""));
    for at in [0, 1] {
        assert!(pair.ids[at]["S5"] != pair.ids[at]["S1"] && pair.ids[at]["S6"] != pair.ids[at]["S3"]);
    }
    look(&pair);
    for name in ["$S5", "$S2", "$S5"] {
        pair.same("DELETE", &format!("/api/v2/silence/{name}"), "");
    }
    look(&pair);
    pair.silence("S7", &silence("$S5", &c, PAST, FUTURE, ""));
    look(&pair);
}
