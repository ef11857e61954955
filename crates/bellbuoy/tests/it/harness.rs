//! Starts the program, targets and receivers on free ports, and asks them over HTTP. Everything waits for conditions, never for time.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing here takes this long; a condition that is not met by then never will be.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of a test, deleted at its end.
pub struct Folder(PathBuf);

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Folder {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("bellbuoy-it-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("config")).expect("temporary folder");
        let folder = Folder(dir);
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn config(&self) -> PathBuf {
        self.0.join("config")
    }

    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Makes the folders on the way too.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.config().join(name);
        std::fs::create_dir_all(path.parent().expect("a file of the folder")).expect("temporary folder");
        std::fs::write(path, text).expect("temporary file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running program with its log.
pub struct Program {
    child: Option<Child>,
    pub address: String,
    log: Arc<Mutex<String>>,
}

pub fn bellbuoy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellbuoy"));
    command.env_remove("DISCORD_WEBHOOK_URL").env("NO_COLOR", "1");
    command
}

impl Program {
    /// `bellbuoy up` on the folder's files; returns when it is ready.
    pub fn up(folder: &Folder) -> Program {
        Program::up_with(folder, &["--listen", "127.0.0.1:0"])
    }

    pub fn up_with(folder: &Folder, more: &[&str]) -> Program {
        let mut command = bellbuoy();
        command.arg("up").arg(folder.config()).arg("--data").arg(folder.data()).args(more);
        Program::start(command, "listening on http://")
    }

    /// Starts a command and waits for the line of its log that names its address.
    pub fn start(mut command: Command, mark: &str) -> Program {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the program starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (found, wait) = channel();
        let stderr = child.stderr.take().expect("piped");
        let (kept, mark) = (log.clone(), mark.to_string());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once(&mark) {
                    let _ = found.send(rest.split_whitespace().next().unwrap_or("").to_string());
                }
                let mut log = kept.lock().expect("log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let Ok(address) = wait.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("did not start:\n{}", log.lock().expect("log"));
        };
        Program { child: Some(child), address, log }
    }

    /// A program that somebody else started and ends.
    pub fn watched(address: String) -> Program {
        Program { child: None, address, log: Arc::default() }
    }

    /// What it has said on standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("log").clone()
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("started here")
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        http(&self.address, "GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &str) -> (u16, String) {
        http(&self.address, "POST", path, &[("content-type", "application/json")], body.as_bytes())
    }

    /// The `data` of an answer of Prometheus' API.
    pub fn data(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        let value: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {status} {body}"));
        assert_eq!(value["status"], "success", "{path}: {body}");
        value["data"].clone()
    }

    /// Values of an instant query by the series' labels as text.
    pub fn query(&self, expr: &str) -> Vec<(String, String)> {
        let data = self.data(&format!("/api/v1/query?query={}", escape(expr)));
        let read = |element: &Value| (element["metric"].to_string(), element["value"][1].as_str().unwrap_or("").to_string());
        data["result"].as_array().map(|list| list.iter().map(read).collect()).unwrap_or_default()
    }

    /// States of the alerts of the rules by name.
    pub fn alert_states(&self) -> Vec<(String, String)> {
        let data = self.data("/api/v1/alerts");
        let mut states: Vec<(String, String)> = data["alerts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|alert| (text(&alert["labels"]["alertname"]), text(&alert["state"])))
            .collect();
        states.sort();
        states
    }

    /// Waits until so many messages are on record as delivered. A receiver has a message before its answer is read and
    /// written down; who is killed in between rightly sends it once more.
    pub fn wait_delivered(&self, messages: usize) {
        let delivered = || self.data("/api/v1/notifications?status=delivered").as_array().map_or(0, Vec::len);
        wait_explained("the record of what was delivered", &|| delivered().to_string(), || (delivered() == messages).then_some(()));
    }

    pub fn signal(&mut self, name: &str) {
        let id = self.child().id();
        // The shell's own `kill`: a small Debian has no program of that name.
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().expect("kill");
        assert!(status.success());
    }

    /// SIGKILL, as the kernel does it.
    pub fn kill(mut self) {
        self.child().kill().expect("kill");
        self.child().wait().expect("wait");
    }

    /// SIGTERM; the exit status.
    pub fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child().wait().expect("wait").code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_string()
}

/// Asks until the answer is there.
pub fn wait_for<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_explained(what, &String::new, ask)
}

/// The same, with what was seen instead.
pub fn wait_explained<T>(what: &str, seen: &dyn Fn() -> String, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    // Nobody sends: receiving with a limit is a wait that the next question ends.
    let (_keep, pause): (_, Receiver<()>) = channel();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "not seen: {what}\n{}", seen());
        let _ = pause.recv_timeout(Duration::from_millis(40));
    }
}

pub fn escape(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

/// One request on a connection of its own.
pub fn http(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("connect {address}: {error}"));
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(&[request.as_bytes(), body].concat()).expect("request");
    let mut answer = Vec::new();
    // A server that answers before it has read all, and closes, resets the connection: behind its answer.
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert!(!answer.is_empty(), "answer of {method} {path}: {error}");
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    (status, if chunked { unchunked(body) } else { body.to_string() })
}

fn unchunked(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || after.len() < size {
            break;
        }
        out.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    out
}

/// A request as a test server received it.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    /// With the query, `/hook?a=b`.
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

type Answering = Box<dyn FnMut(&Received) -> Vec<u8> + Send>;

/// An HTTP server of a test: the closure makes the whole answer, bytes as they go out.
pub struct Server {
    pub address: SocketAddr,
    pub received: Arc<Mutex<Vec<Received>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub fn start(answer: impl FnMut(&Received) -> Vec<u8> + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Server::on(listener, answer)
    }

    pub fn on(listener: TcpListener, answer: impl FnMut(&Received) -> Vec<u8> + Send + 'static) -> Server {
        Server::wrapped(listener, |stream| Some(Box::new(stream)), answer)
    }

    /// With something around each connection, such as TLS.
    pub fn wrapped(
        listener: TcpListener,
        wrap: impl Fn(TcpStream) -> Option<Box<dyn ReadWrite>> + Send + Sync + 'static,
        answer: impl FnMut(&Received) -> Vec<u8> + Send + 'static,
    ) -> Server {
        let wrap = Arc::new(wrap);
        let address = listener.local_addr().expect("address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let answer: Arc<Mutex<Answering>> = Arc::new(Mutex::new(Box::new(answer)));
        let (kept, ended) = (received.clone(), stop.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, kept, wrap) = (answer.clone(), kept.clone(), wrap.clone());
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    if let Some(stream) = wrap(stream) {
                        serve(stream, &answer, &kept);
                    }
                });
            }
        });
        Server { address, received, stop }
    }

    /// A page that a closure writes anew for each scrape.
    pub fn page(mut text: impl FnMut() -> String + Send + 'static) -> Server {
        Server::start(move |_| ok("text/plain; version=0.0.4", &text()))
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("received").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener so that its port is free at once.
        let _ = TcpStream::connect(self.address);
    }
}

/// A connection of any kind.
pub trait ReadWrite: Read + Write + Send {}

impl<T: Read + Write + Send> ReadWrite for T {}

fn serve(stream: Box<dyn ReadWrite>, answer: &Mutex<Answering>, kept: &Mutex<Vec<Received>>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let mut words = line.split(' ').map(str::to_string);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            // Several lines of one name are one list (RFC 9110, 5.2).
            let value = value.trim().to_string();
            headers.entry(name.to_lowercase()).and_modify(|list: &mut String| *list = format!("{list}, {value}")).or_insert(value);
        }
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let received = Received { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let bytes = {
        let mut answer = answer.lock().expect("answer");
        let bytes = answer(&received);
        kept.lock().expect("received").push(received);
        bytes
    };
    let _ = reader.get_mut().write_all(&bytes).and_then(|()| reader.get_mut().flush());
}

pub fn ok(content_type: &str, body: &str) -> Vec<u8> {
    answer(200, &[("content-type", content_type)], body.as_bytes())
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    out
}

/// prometheus.yml with one job that scrapes each second.
pub fn prometheus(targets: &[SocketAddr], rule_files: &[&str]) -> String {
    let targets: Vec<String> = targets.iter().map(|target| format!("'{target}'")).collect();
    format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\nrule_files: [{}]\nscrape_configs:\n- job_name: app\n  static_configs:\n  - targets: [{}]\n",
        rule_files.join(", "),
        targets.join(", ")
    )
}

/// alertmanager.yml that sends everything to one webhook.
pub fn alertmanager(url: &str) -> String {
    format!(
        "route:\n  receiver: hook\n  group_by: [alertname]\n  group_wait: 200ms\n  group_interval: 1s\n  repeat_interval: 1h\nreceivers:\n- name: hook\n  webhook_configs:\n  - url: {url}\n"
    )
}

/// The folder of the peers' programs, when there is one.
pub fn peers() -> Option<PathBuf> {
    match std::env::var_os("BELLBUOY_PEERS") {
        Some(dir) => Some(PathBuf::from(dir)),
        None => {
            println!("skipped: set BELLBUOY_PEERS to a folder with prometheus, promtool, alertmanager and amtool");
            None
        }
    }
}

pub fn peer(dir: &Path, names: &[&str]) -> PathBuf {
    names.iter().map(|name| dir.join(name)).find(|path| path.exists()).unwrap_or_else(|| panic!("none of {names:?} in {}", dir.display()))
}

/// A port for a program that must be told one. It is below the range from which the kernel gives ports to clients and to
/// port 0: one of that range is now and then taken by another test's connection before the program has started.
pub fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(101);
    let next = || 20_000 + (first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % 12_000) as u16;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(next).take(12_000).find(free).expect("a free port")
}
