//! A receiver that misbehaves, and what must hold all the same: everything arrives, in order, nothing twice, nobody is asked too early.
//!
//! Times are the receiver's own: when it promised to take requests again, and when the next one came. That is an order, no stopwatch.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::harness::{Folder, PATIENCE, Program, Server, answer, free_port, ok, wait_explained, wait_for};
use super::tls;

/// What a receiver does instead of taking a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trick {
    /// 429 and nothing else.
    TooMany,
    /// 429 with `Retry-After` in whole seconds, with a point, as a date; and in the body, as Discord does.
    TooManySeconds,
    TooManyFraction,
    TooManyDate,
    TooManyBody,
    Error,
    /// 503 with `Retry-After`.
    Busy,
    /// Reads the request and hangs up.
    HangUp,
    /// Says 200 and then its body a byte at a time, without an end.
    Drip,
}

const TRICKS: [Trick; 9] = [
    Trick::TooMany,
    Trick::TooManySeconds,
    Trick::TooManyFraction,
    Trick::TooManyDate,
    Trick::TooManyBody,
    Trick::Error,
    Trick::Busy,
    Trick::HangUp,
    Trick::Drip,
];

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: SystemTime,
    pub key: String,
    pub body: Value,
    pub trick: Option<Trick>,
    /// No request may come before.
    pub closed_until: Option<SystemTime>,
}

/// Plays a trick on a share of its calls, at random by a seed; and on the first of all, each once.
pub struct Misbehaving {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

struct Plan {
    left: Vec<Trick>,
    percent: u64,
    random: u64,
}

impl Plan {
    fn next(&mut self) -> Option<Trick> {
        if let Some(trick) = self.left.pop() {
            return Some(trick);
        }
        (self.roll() % 100 < self.percent).then(|| TRICKS[(self.roll() % TRICKS.len() as u64) as usize])
    }

    /// splitmix64
    fn roll(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Misbehaving {
    pub fn start(seed: u64, percent: u64) -> Misbehaving {
        println!("seed {seed}");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("address"));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let plan = Arc::new(Mutex::new(Plan { left: TRICKS.to_vec(), percent, random: seed }));
        let kept = calls.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, plan) = (kept.clone(), plan.clone());
                std::thread::spawn(move || serve(stream, &plan, &kept));
            }
        });
        Misbehaving { url, calls }
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("calls").clone()
    }

    /// The calls that were answered with 200, whole.
    pub fn taken(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.trick.is_none()).collect()
    }

    /// What was done wrong to this receiver.
    pub fn complaints(&self) -> Vec<String> {
        let calls = self.calls();
        let mut complaints = Vec::new();
        let mut closed_until: Option<SystemTime> = None;
        let mut taken: HashMap<&str, usize> = HashMap::new();
        for (number, call) in calls.iter().enumerate() {
            if closed_until.is_some_and(|until| call.at < until) {
                complaints.push(format!("call {number} came before the time that was promised: {call:?}"));
            }
            closed_until = closed_until.max(call.closed_until);
            if let Some(before) = taken.get(call.key.as_str()) {
                complaints.push(format!("call {number} repeats call {before}, which was taken"));
            }
            if call.trick.is_none() {
                taken.insert(&call.key, number);
            }
        }
        complaints
    }
}

fn serve(mut stream: TcpStream, plan: &Mutex<Plan>, calls: &Mutex<Vec<Call>>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some((name, value)) if name.eq_ignore_ascii_case("idempotency-key") => key = value.to_string(),
            _ if line == "\r\n" => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).ok()?;
    let at = SystemTime::now();
    let trick = plan.lock().expect("plan").next();
    let (bytes, closed_until) = play(trick, at);
    calls.lock().expect("calls").push(Call { at, key, body, trick, closed_until });
    stream.write_all(&bytes).ok()?;
    if trick == Some(Trick::Drip) {
        // Until the other side has enough of it.
        stream.set_read_timeout(Some(Duration::from_millis(20))).ok()?;
        while stream.write_all(b"x").is_ok() && !matches!(stream.read(&mut [0]), Ok(0)) {}
    }
    Some(())
}

/// The answer, and until when nobody may come again.
fn play(trick: Option<Trick>, now: SystemTime) -> (Vec<u8>, Option<SystemTime>) {
    let after = |header: &str, wait: u64| (answer(429, &[("retry-after", header)], b""), Some(now + Duration::from_millis(wait)));
    match trick {
        None => (ok("text/plain", "ok"), None),
        Some(Trick::TooMany) => (answer(429, &[], b""), None),
        Some(Trick::TooManySeconds) => after("1", 1000),
        Some(Trick::TooManyFraction) => after("0.7", 700),
        Some(Trick::TooManyDate) => {
            let second = now.duration_since(UNIX_EPOCH).expect("after 1970").as_secs() + 2;
            (answer(429, &[("retry-after", &http_date(second))], b""), Some(UNIX_EPOCH + Duration::from_secs(second)))
        }
        Some(Trick::TooManyBody) => {
            let body = json!({"message": "You are being rate limited.", "retry_after": 0.6, "global": false}).to_string();
            (answer(429, &[("content-type", "application/json")], body.as_bytes()), Some(now + Duration::from_millis(600)))
        }
        Some(Trick::Error) => (answer(500, &[], b"oh"), None),
        Some(Trick::Busy) => (answer(503, &[("retry-after", "1")], b""), None),
        Some(Trick::HangUp) => (Vec::new(), None),
        Some(Trick::Drip) => (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec(), None),
    }
}

/// RFC 9110, 5.6.7.
fn http_date(second: u64) -> String {
    let time = jiff::Timestamp::from_second(second as i64).expect("a time");
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn settings(url: &str, lines: &str) -> String {
    format!(
        "route: {{receiver: hook, group_by: [n], group_wait: 0s, group_interval: 100ms, repeat_interval: 24h}}\nreceivers:\n- name: hook\n  \
         webhook_configs:\n  - url: '{url}'\n    timeout: 1s\n{lines}"
    )
}

fn folder(url: &str, lines: &str) -> Folder {
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("alertmanager.yml", &settings(url, lines))]);
    folder.write("ca.pem", tls::CA);
    folder
}

fn post(program: &Program, group: usize, resolved: bool) {
    let mut alert = json!({"labels": {"alertname": "A", "n": group.to_string()}, "startsAt": "2026-01-01T00:00:00Z"});
    alert["endsAt"] = json!(if resolved { "2026-01-02T00:00:00Z" } else { "2126-01-01T00:00:00Z" });
    assert_eq!(program.post("/api/v2/alerts", &json!([alert]).to_string()).0, 200);
}

/// The states that a group was told, in the order in which they were taken.
fn told(receiver: &Misbehaving, group: usize) -> Vec<String> {
    let group = group.to_string();
    let of_group = |call: &Call| call.body["groupLabels"]["n"] == group;
    receiver.taken().iter().filter(|call| of_group(call)).map(|call| call.body["status"].as_str().unwrap_or("").to_string()).collect()
}

#[test]
fn everything_arrives_in_order_and_once_at_a_receiver_that_misbehaves() {
    const GROUPS: usize = 12;
    let receiver = Misbehaving::start(std::process::id().into(), 30);
    let program = Program::up(&folder(&receiver.url, ""));
    let seen = || format!("{:#?}", receiver.calls());
    (0..GROUPS).for_each(|group| post(&program, group, false));
    wait_explained("all fire", &seen, || (0..GROUPS).all(|group| told(&receiver, group) == ["firing"]).then_some(()));
    (0..GROUPS).for_each(|group| post(&program, group, true));
    let done = ["firing", "resolved"];
    wait_explained("all are resolved", &seen, || (0..GROUPS).all(|group| told(&receiver, group) == done).then_some(()));
    assert_eq!(receiver.complaints(), [""; 0]);
    let tricks: Vec<Trick> = receiver.calls().iter().filter_map(|call| call.trick).collect();
    assert!(TRICKS.iter().all(|trick| tricks.contains(trick)), "{tricks:?}");
    let metrics = program.get("/metrics").1;
    assert!(metrics.contains("bellbuoy_notification_attempts_failed_total{integration=\"webhook\",reason=\"rateLimited\"}"), "{metrics}");
    assert!(metrics.contains("bellbuoy_notification_attempts_failed_total{integration=\"webhook\",reason=\"serverError\"}"), "{metrics}");
}

#[test]
fn a_promise_outlives_kill_9() {
    // The receiver said when to come again; a program that died in between must not have forgotten that.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("address"));
    let times = Arc::new(Mutex::new(Vec::new()));
    let kept = times.clone();
    let _server = Server::on(listener, move |_| {
        let mut times = kept.lock().expect("times");
        times.push(SystemTime::now());
        if times.len() == 1 { answer(429, &[("retry-after", "4")], b"") } else { ok("text/plain", "") }
    });
    let folder = folder(&url, "");
    let program = Program::up(&folder);
    post(&program, 1, false);
    let noted = || program.get("/api/bellbuoy/notifications").1.contains("\"attempts\":1").then_some(());
    wait_for("the refusal is on record", noted);
    program.kill();
    let program = Program::up(&folder);
    // Another group, with the same address.
    post(&program, 2, false);
    let times = wait_for("both messages", || Some(times.lock().expect("times").clone()).filter(|times| times.len() == 3));
    assert!(times[1] >= times[0] + Duration::from_secs(4), "{times:?}");
}

#[test]
fn a_receiver_that_comes_up_late_gets_what_waited() {
    let port = free_port();
    let program = Program::up(&folder(&format!("http://127.0.0.1:{port}/"), ""));
    post(&program, 1, false);
    let refused = || program.get("/api/bellbuoy/notifications").1.contains("connect: ").then_some(());
    wait_for("a refused connection", refused);
    let server = Server::on(TcpListener::bind(("127.0.0.1", port)).expect("the port is still free"), |_| ok("text/plain", ""));
    wait_for("the message", || (server.received().len() == 1).then_some(()));
}

#[test]
fn a_host_that_nobody_knows_is_asked_for_again() {
    let program = Program::up(&folder("http://nobody.invalid/", ""));
    post(&program, 1, false);
    let row = wait_for("two attempts", || {
        let rows: Value = serde_json::from_str(&program.get("/api/bellbuoy/notifications").1).ok()?;
        Some(rows[0].clone()).filter(|row| row["attempts"].as_u64() >= Some(2))
    });
    assert_eq!(row["status"], "pending");
    assert!(row["answer"].as_str().is_some_and(|answer| answer.starts_with("dns: ")), "{row}");
}

#[test]
fn broken_tls_is_tried_again_until_it_is_whole() {
    let config = tls::server(false, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("address").port();
    let broken = Arc::new(Mutex::new(2));
    let left = broken.clone();
    let wrap = move |mut stream: TcpStream| {
        let mut left = left.lock().expect("left");
        if *left == 0 {
            return tls::accept(&config, stream);
        }
        *left -= 1;
        let _ = stream.write_all(b"HTTP/1.1 400 this is no TLS\r\n\r\n");
        None
    };
    let server = Server::wrapped(listener, wrap, |_| ok("text/plain", ""));
    let program = Program::up(&folder(&format!("https://localhost:{port}/"), "    http_config: {tls_config: {ca_file: ca.pem}}\n"));
    post(&program, 1, false);
    wait_for("the message", || (server.received().len() == 1).then_some(()));
    assert_eq!(*broken.lock().expect("left"), 0);
}

#[test]
fn what_is_refused_for_good_goes_to_the_fallback_and_is_counted() {
    let refusing = Server::start(|_| answer(403, &[], b"no"));
    let fallback = Server::start(|_| ok("text/plain", ""));
    let text = format!(
        "{}- name: other\n  webhook_configs: [{{url: 'http://{}/'}}]\n",
        settings(&format!("http://{}/", refusing.address), ""),
        fallback.address
    );
    let folder = Folder::new(&[
        ("prometheus.yml", "scrape_configs: []\n"),
        ("alertmanager.yml", &text),
        ("bellbuoy.yml", "fallback_receiver: other\n"),
    ]);
    let program = Program::up(&folder);
    post(&program, 1, false);
    wait_for("the other receiver is told", || (fallback.received().len() == 1).then_some(()));
    let counted = "alertmanager_notifications_failed_total{integration=\"webhook\",reason=\"authError\"} 1";
    wait_for("the count", || program.get("/metrics").1.contains(counted).then_some(()));
    assert_eq!(refusing.received().len(), 1, "403 is asked once");
    assert!(program.get("/status").1.contains("HTTP 403"), "the status page names it");
}
