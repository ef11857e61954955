//! Scenarios on a real stage: the same text that the virtual clock runs, played in real time to a program (Alertmanager or
//! bellbuoy), with webhooks that write down what they are told.
//!
//! Many scenarios share one program: each is a subtree of one route tree, and the label `story` keeps them apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bellbuoy_router::scenario::{Act, Push, Script, Told};
use bellbuoy_router::{Route, RouterSettings, TimeSpan};
use bellbuoy_vocabulary::{Matcher, Millis};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Folder, Program, Server, answer, escape, free_port, http, peer, text};

/// Lets real time pass: nobody sends on this channel.
pub fn pause(length: Duration) {
    let (_keep, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(length);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Alertmanager,
    Bellbuoy,
}

/// Starts the program with this alertmanager.yml. `dir` is where the peers are.
pub fn start(kind: Kind, dir: &Path, folder: &Folder, more: &[&str]) -> Program {
    match kind {
        Kind::Bellbuoy => {
            let mut arguments = vec!["--listen", "127.0.0.1:0", "--no-watch"];
            arguments.extend(more);
            Program::up_with(folder, &arguments)
        }
        Kind::Alertmanager => {
            let mut command = Command::new(peer(dir, &["alertmanager", "prometheus-alertmanager"]));
            let port = free_port();
            command.arg(format!("--config.file={}", folder.config().join("alertmanager.yml").display()));
            command.arg(format!("--storage.path={}", folder.root().join("am").display()));
            command.args([&format!("--web.listen-address=127.0.0.1:{port}"), "--cluster.listen-address="]).args(more);
            let mut program = Program::start(command, "msg=\"Listening on\" address=");
            program.address = format!("127.0.0.1:{port}");
            program
        }
    }
}

#[derive(Clone, Debug)]
pub struct Story {
    pub name: String,
    pub script: Script,
}

/// A message as a webhook received it.
#[derive(Clone, Debug)]
pub struct Message {
    /// Since the stage's start.
    pub at: Duration,
    /// `story/receiver/kind/index`
    pub path: String,
    pub json: Value,
}

/// What came of it.
pub struct Played {
    pub zero: Timestamp,
    pub messages: Vec<Message>,
    pub failures: Vec<String>,
}

/// A stage that runs: a program, its webhooks, and the clock's zero.
pub struct Stage {
    pub program: Program,
    folder: Folder,
    _hook: Server,
    messages: Arc<Mutex<Vec<(Instant, String, Value)>>>,
    zero: Instant,
    zero_wall: Timestamp,
    /// All times of the stories are multiplied by it, for machines that are busy.
    stretch: i64,
    failures: Vec<String>,
}

impl Stage {
    pub fn new(kind: Kind, dir: &Path, stories: &[Story], stretch: i64) -> Stage {
        let messages: Arc<Mutex<Vec<(Instant, String, Value)>>> = Arc::default();
        let kept = messages.clone();
        let hook = Server::start(move |request| {
            let json = serde_json::from_str(&request.body).unwrap_or(Value::Null);
            kept.lock().expect("messages").push((Instant::now(), request.path.clone(), json));
            answer(200, &[], b"")
        });
        let yaml = alertmanager_yml(stories, &format!("http://{}", hook.address), stretch);
        let folder = Folder::new(&[("alertmanager.yml", &yaml)]);
        let program = start(kind, dir, &folder, &[]);
        let (zero, zero_wall) = (Instant::now(), Timestamp::now());
        Stage { program, folder, _hook: hook, messages, zero, zero_wall, stretch, failures: Vec::new() }
    }

    /// Plays all stories at once, and waits until `after` their last step. What it returns are the messages, in order of arrival.
    pub fn play(mut self, stories: &[Story], after: Millis) -> Played {
        let mut steps: Vec<(Millis, &Story, usize)> = Vec::new();
        for story in stories {
            steps.extend(story.script.steps.iter().enumerate().map(|(index, step)| (step.at, story, index)));
        }
        // Steps of one time stay in the order of their scenario.
        steps.sort_by_key(|(at, _, _)| *at);
        let mut silences: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for now in steps.chunk_by(|one, next| one.0 == next.0) {
            self.sleep_until(now[0].0);
            let acts: Vec<(&Story, &Act)> = now.iter().map(|(_, story, index)| (*story, &story.script.steps[*index].act)).collect();
            let states = |act: &Act| matches!(act, Act::State { .. });
            for (story, act) in acts.iter().filter(|(_, act)| !states(act)) {
                self.act(story, act, &mut silences);
            }
            // All alerts of a time in one request, so that many stories take no longer than one.
            let alerts: Vec<Value> = acts
                .iter()
                .filter_map(|(story, act)| if let Act::Push(push) = act { Some(self.alert(story, push)) } else { None })
                .collect();
            if !alerts.is_empty() {
                self.post("/api/v2/alerts", &Value::from(alerts).to_string());
            }
            for (story, act) in acts.iter().filter(|(_, act)| states(act)) {
                self.act(story, act, &mut silences);
            }
        }
        let last = steps.last().map_or(Millis::ZERO, |(at, _, _)| *at);
        self.sleep_until(last + after);
        let messages = self.messages.lock().expect("messages").clone();
        let message = |(at, path, json): (Instant, String, Value)| Message { at: at - self.zero, path, json };
        drop(self.folder);
        Played { zero: self.zero_wall, messages: messages.into_iter().map(message).collect(), failures: self.failures }
    }

    /// Real time is what this is about: nothing else says when the next step is.
    fn sleep_until(&self, at: Millis) {
        let due = self.zero + Duration::from_millis((at.0 * self.stretch) as u64);
        pause(due.saturating_duration_since(Instant::now()));
    }

    fn time(&self, at: Millis) -> String {
        let nanos = i128::from(at.0 * self.stretch) * 1_000_000 + self.zero_wall.as_nanosecond();
        Timestamp::from_nanosecond(nanos).expect("a time of this century").to_string()
    }

    fn act(&mut self, story: &Story, act: &Act, silences: &mut BTreeMap<String, Vec<String>>) {
        match act {
            Act::Silence { matchers, since, until } => {
                let mut sent = vec![json!({"name": "story", "value": story.name, "isRegex": false, "isEqual": true})];
                sent.extend(matchers.iter().map(silence_matcher));
                let body =
                    json!({"matchers": sent, "startsAt": self.time(*since), "endsAt": self.time(*until), "createdBy": "a", "comment": "c"});
                let answer = self.post("/api/v2/silences", &body.to_string());
                let id = serde_json::from_str::<Value>(&answer).map(|answer| text(&answer["silenceID"])).unwrap_or_default();
                silences.entry(story.name.clone()).or_default().push(id);
            }
            Act::Expire => {
                for id in silences.remove(&story.name).unwrap_or_default() {
                    let (status, body) = http(&self.program.address, "DELETE", &format!("/api/v2/silence/{id}"), &[], b"");
                    if status != 200 {
                        self.failures.push(format!("{}: DELETE silence: {status} {body}", story.name));
                    }
                }
            }
            Act::Reload => {
                self.post("/-/reload", "");
            }
            Act::State { name, word } => {
                let (name, instance) = name.split_once('@').map_or((name.as_str(), ""), |(name, instance)| (name, instance));
                let mut path = format!("/api/v2/alerts?filter={}", escape(&format!("story=\"{}\"", story.name)));
                path += &format!("&filter={}", escape(&format!("alertname=\"{name}\"")));
                if !instance.is_empty() {
                    path += &format!("&filter={}", escape(&format!("instance=\"{instance}\"")));
                }
                let (_, body) = self.program.get(&path);
                let alerts: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
                let state = alerts[0]["status"]["state"].as_str().unwrap_or("gone");
                if state != word {
                    self.failures.push(format!("{}: expected {name} to be {word}, but it is {state}", story.name));
                }
            }
            Act::Crash { .. } => self.failures.push(format!("{}: crash is not for the stage", story.name)),
            // What is posted with others, what only bellbuoy knows, and what is looked at later.
            Act::Push(_) | Act::Hold { .. } | Act::Expect { .. } | Act::ExpectNothing => {}
        }
    }

    fn post(&mut self, path: &str, body: &str) -> String {
        let (status, answer) = self.program.post(path, body);
        if status != 200 {
            self.failures.push(format!("POST {path} {body}: {status} {answer}"));
        }
        answer
    }

    fn alert(&self, story: &Story, push: &Push) -> Value {
        let object = |labels: &bellbuoy_vocabulary::Labels| -> BTreeMap<String, String> {
            labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let mut labels = object(&push.labels);
        labels.insert("story".into(), story.name.clone());
        let mut alert = json!({"labels": labels, "annotations": object(&push.annotations)});
        let now = Millis((self.zero.elapsed().as_millis() as i64) / self.stretch);
        // Alertmanager takes the end for the start when there is an end and no start.
        if let Some(since) = push.since.or(Some(now).filter(|_| !push.resolved)) {
            alert["startsAt"] = self.time(since).into();
        }
        let until = match (push.until, push.lasts) {
            (Some(until), _) => Some(until),
            (None, Some(lasts)) => Some(now + lasts),
            // Now, as this machine's clock has it: without the alert's start the whole second would not do.
            (None, None) if push.resolved => Some(now),
            (None, None) if story.script.times_out => None,
            (None, None) => Some(now + Millis::from_minutes(60)),
        };
        if let Some(until) = until {
            alert["endsAt"] = self.time(until).into();
        }
        alert
    }
}

pub fn silence_matcher(matcher: &Matcher) -> Value {
    let (regex, equal) = (matcher.op.symbol().ends_with('~'), matcher.op.symbol().starts_with('='));
    json!({"name": matcher.name, "value": matcher.value, "isRegex": regex, "isEqual": equal})
}

/// Looks for every expected message of a story among those that came, and for those that nobody expected.
pub fn check(story: &Story, played: &Played, stretch: i64) -> Vec<String> {
    let mut failures = Vec::new();
    let messages = &played.messages;
    // A start that the program set itself is as late as the post.
    let times = |sent: &Value, expected: Millis| {
        let Ok(sent) = text(sent).parse::<Timestamp>() else { return false };
        let late = sent.as_millisecond() - played.zero.as_millisecond() - expected.0 * stretch;
        (-20..300 * stretch).contains(&late)
    };
    let prefix = format!("/{}/", story.name);
    let mut open: Vec<&Message> = messages.iter().filter(|message| message.path.starts_with(&prefix)).collect();
    for step in &story.script.steps {
        let Act::Expect { who, alerts, because } = &step.act else { continue };
        let (receiver, kind) = who.split_once('/').unwrap_or((who, first_kind(story, who)));
        let found = open.iter().position(|message| {
            let mut parts = message.path[prefix.len()..].split('/');
            parts.next() == Some(receiver)
                && parts.next() == Some(kind)
                && close(message.at.as_millis() as i64, step.at.0 * stretch, stretch)
                && same_alerts(alerts, &message.json["alerts"], &times)
                && because.as_ref().is_none_or(|because| text(&message.json["notification_reason"]).starts_with(because))
        });
        match found {
            Some(index) => {
                open.remove(index);
            }
            None => failures.push(format!("{}:{}: expected at {}: {who} {alerts:?} because {because:?}", story.name, step.line, step.at)),
        }
    }
    failures.extend(open.iter().map(|message| format!("{}: not expected: {}", story.name, shown(message))));
    if !failures.is_empty() {
        failures.extend(
            messages.iter().filter(|message| message.path.starts_with(&prefix)).map(|message| format!("  came: {}", shown(message))),
        );
    }
    failures
}

fn first_kind<'a>(story: &'a Story, receiver: &str) -> &'a str {
    let outline = story.script.settings.receivers.iter().find(|outline| outline.name == receiver);
    outline.and_then(|outline| outline.integrations.first()).map_or("", |integration| integration.kind.as_str())
}

/// A little early (its clock began before ours), or late by less than the next look of a group.
fn close(at_ms: i64, expected_ms: i64, stretch: i64) -> bool {
    at_ms >= expected_ms - 100 && at_ms < expected_ms + 900 * stretch
}

fn same_alerts(expected: &[Told], sent: &Value, times: &dyn Fn(&Value, Millis) -> bool) -> bool {
    let Some(sent) = sent.as_array() else { return false };
    sent.len() == expected.len() && expected.iter().all(|told| sent.iter().any(|alert| same_alert(told, alert, times)))
}

fn same_alert(told: &Told, alert: &Value, times: &dyn Fn(&Value, Millis) -> bool) -> bool {
    let (name, instance) = told.name.split_once('@').map_or((told.name.as_str(), None), |(name, instance)| (name, Some(instance)));
    let firing = text(&alert["status"]) == "firing";
    text(&alert["labels"]["alertname"]) == name
        && instance.is_none_or(|instance| text(&alert["labels"]["instance"]) == instance)
        && firing != told.resolved
        // A firing alert has no end, whatever its sender promised.
        && (!firing || text(&alert["endsAt"]) == "0001-01-01T00:00:00Z")
        && told.since.is_none_or(|since| times(&alert["startsAt"], since))
        && told.until.is_none_or(|until| !told.resolved || times(&alert["endsAt"], until))
        && told.annotations.iter().all(|(name, value)| text(&alert["annotations"][name]) == *value)
}

pub fn shown(message: &Message) -> String {
    let alerts: Vec<String> = message.json["alerts"].as_array().map_or(Vec::new(), |alerts| {
        let one = |alert: &Value| {
            format!(
                "{} {} since {} until {} {}",
                alert["labels"],
                text(&alert["status"]),
                text(&alert["startsAt"]),
                text(&alert["endsAt"]),
                alert["annotations"]
            )
        };
        alerts.iter().map(one).collect()
    });
    format!("{:.3} s {} because {}: {}", message.at.as_secs_f64(), message.path, message.json["notification_reason"], alerts.join("; "))
}

/// One alertmanager.yml for all stories. Written as JSON, which is YAML.
pub fn alertmanager_yml(stories: &[Story], url: &str, stretch: i64) -> String {
    let mut receivers = vec![json!({"name": "nobody"})];
    let (mut routes, mut rules, mut intervals, mut resolve_timeout) = (Vec::new(), Vec::new(), Vec::new(), Millis::from_minutes(5));
    for story in stories {
        let RouterSettings { route, inhibit_rules, time_intervals, receivers: outlines, .. } = &story.script.settings;
        if story.script.times_out {
            resolve_timeout = story.script.settings.resolve_timeout;
        }
        let mine = Matcher::equal("story", &story.name);
        let mut root = route.clone();
        root.matchers.push(mine.clone());
        routes.push(route_json(&story.name, &root, stretch));
        for outline in outlines {
            let hooks: Vec<Value> = outline
                .integrations
                .iter()
                .map(|integration| {
                    let url = format!("{url}/{}/{}/{}/{}", story.name, outline.name, integration.kind, integration.index);
                    json!({"url": url, "send_resolved": integration.send_resolved})
                })
                .collect();
            receivers.push(json!({"name": format!("{}-{}", story.name, outline.name), "webhook_configs": hooks}));
        }
        for rule in inhibit_rules {
            let with_story = |matchers: &[Matcher]| -> Vec<String> { matchers.iter().chain([&mine]).map(quoted).collect() };
            rules.push(json!({"source_matchers": with_story(&rule.source_matchers), "target_matchers": with_story(&rule.target_matchers), "equal": rule.equal}));
        }
        for interval in time_intervals {
            let spans: Vec<Value> = interval.spans.iter().map(span_json).collect();
            intervals.push(json!({"name": format!("{}-{}", story.name, interval.name), "time_intervals": spans}));
        }
    }
    let root = json!({"receiver": "nobody", "routes": routes});
    let global = json!({"resolve_timeout": length(resolve_timeout, stretch)});
    json!({"global": global, "route": root, "receivers": receivers, "inhibit_rules": rules, "time_intervals": intervals}).to_string()
}

fn length(millis: Millis, stretch: i64) -> String {
    format!("{}ms", millis.0 * stretch)
}

/// `"name"op"value"`: the form that the UTF-8 parser of matchers takes for every name.
pub fn quoted(matcher: &Matcher) -> String {
    format!("{}{}{}", json!(matcher.name), matcher.op.symbol(), json!(matcher.value))
}

pub fn route_json(story: &str, route: &Route, stretch: i64) -> Value {
    let named = |names: &[String]| -> Vec<String> { names.iter().map(|name| format!("{story}-{name}")).collect() };
    json!({
        "receiver": format!("{story}-{}", route.receiver),
        "group_by": if route.group_by_all { vec!["...".to_string()] } else { route.group_by.clone() },
        "group_wait": length(route.group_wait, stretch),
        "group_interval": length(route.group_interval, stretch),
        "repeat_interval": length(route.repeat_interval, stretch),
        "matchers": route.matchers.iter().map(quoted).collect::<Vec<_>>(),
        "continue": route.go_on,
        "mute_time_intervals": named(&route.mute_time_intervals),
        "active_time_intervals": named(&route.active_time_intervals),
        "routes": route.routes.iter().map(|child| route_json(story, child, stretch)).collect::<Vec<_>>(),
    })
}

fn span_json(span: &TimeSpan) -> Value {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let times: Vec<Value> = span.times.iter().map(|(from, to)| json!({"start_time": clock(*from), "end_time": clock(*to)})).collect();
    let list = |ranges: &[(i16, i16)]| -> Vec<String> { ranges.iter().map(|(from, to)| format!("{from}:{to}")).collect() };
    const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let weekdays: Vec<String> = span.weekdays.iter().map(|(from, to)| format!("{}:{}", DAYS[*from as usize], DAYS[*to as usize])).collect();
    let fields = [
        ("times", Value::from(times)),
        ("weekdays", weekdays.into()),
        ("days_of_month", list(&span.days_of_month).into()),
        ("months", list(&span.months).into()),
        ("years", list(&span.years).into()),
    ];
    let mut out = json!({});
    // An empty list is not the same as none.
    for (key, value) in fields.into_iter().filter(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty())) {
        out[key] = value;
    }
    if !span.location.is_empty() {
        out["location"] = span.location.clone().into();
    }
    out
}
