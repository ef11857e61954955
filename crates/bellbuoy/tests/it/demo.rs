//! `bellbuoy demo`: the story comes from the data, and goes on after a kill -9 without losing or repeating a message.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::harness::{Folder, bellbuoy, http};

pub struct Story {
    child: Child,
    events: Receiver<Value>,
    pub address: String,
}

pub fn tell(folder: &Folder, speed: &str) -> Story {
    let mut child = bellbuoy()
        .args(["demo", "--json", "--listen", "127.0.0.1:0", "--service-listen", "127.0.0.1:0", "--speed", speed, "--data"])
        .arg(folder.data())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the program starts");
    let stdout = child.stdout.take().expect("piped");
    let (send, events) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a JSON line: {line}"));
            if send.send(event).is_err() {
                return;
            }
        }
    });
    let first = events.recv_timeout(Duration::from_secs(120)).expect("the first event");
    assert_eq!(first["event"], "start");
    let address = first["url"].as_str().expect("a URL").trim_start_matches("http://").to_string();
    Story { child, events, address }
}

impl Story {
    /// Reads events until one satisfies the question; gives all that were read.
    pub fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let started = Instant::now();
        let mut seen = Vec::new();
        while started.elapsed() < Duration::from_secs(240) {
            match self.events.recv_timeout(Duration::from_secs(120)) {
                Ok(event) => {
                    let found = wanted(&event);
                    seen.push(event);
                    if found {
                        return seen;
                    }
                }
                Err(_) => break,
            }
        }
        let kinds: Vec<String> =
            seen.iter().filter(|e| e["event"] != "drift" && e["event"] != "performance").map(Value::to_string).collect();
        panic!("the story lacks: {what}\n{}", kinds.join("\n"));
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn is(event: &Value, kind: &str, field: &str, value: &str) -> bool {
    event["event"] == kind && event[field] == value
}

#[test]
fn a_model_drifts_alerts_fire_a_challenger_is_deployed_and_alerts_resolve_over_a_kill_9() {
    let folder = Folder::new(&[]);
    let mut story = tell(&folder, "1.5");
    story.until("a firing alert", |event| is(event, "alert", "state", "firing"));
    story.until("a message", |event| is(event, "notification", "status", "delivered"));
    story.child.kill().expect("kill");
    story.child.wait().expect("wait");
    drop(story);

    let story = tell(&folder, "1.5");
    let mut seen = story.until("a deployment", |event| is(event, "deployment", "decision", "deploy"));
    seen.extend(story.until("a resolved alert", |event| is(event, "alert", "state", "resolved")));
    seen.extend(story.until("a resolved message", |event| is(event, "notification", "state", "resolved")));
    assert!(seen.iter().any(|event| event["event"] == "drift" && event["drift_share"].as_f64().is_some_and(|share| share >= 0.5)));
    assert!(seen.iter().any(|event| event["event"] == "performance" && event["rmse"].as_f64().is_some_and(|rmse| rmse > 60.0)));

    // Everything that was sent arrived once, and nothing else did.
    let get = |path: &str| serde_json::from_str::<Value>(&http(&story.address, "GET", path, &[], b"").1).expect("JSON");
    let notifications = get("/api/bellbuoy/notifications");
    let inbox = get("/api/bellbuoy/inbox").as_array().expect("a list").len();
    let made = get("/api/bellbuoy/notifications").as_array().expect("a list").len();
    let delivered = notifications.as_array().expect("a list").iter().filter(|one| one["status"] == "delivered").count();
    assert!(delivered > 0 && (delivered..=made).contains(&inbox), "{delivered} delivered, {inbox} in the inbox, {made} made");
    // A restart in the middle of the failure must not tell the same news again: between two first notifications of an alert's group there is its end.
    let mut firing: HashMap<String, bool> = HashMap::new();
    for one in notifications.as_array().expect("a list").iter().rev() {
        let group = format!("{}{}", one["destination"], one["groupKey"]);
        if one["reason"].as_str().is_some_and(|reason| reason.contains("first")) {
            assert!(!firing.get(&group).copied().unwrap_or(false), "told twice as new: {one}");
            firing.insert(group, true);
        } else if one["reason"] == "all alerts resolved" {
            firing.insert(group, false);
        }
    }
}
