//! E-mail to servers that speak SMTP: refused for now, taken later, encrypted, with each way to log in; and what arrives, read as a
//! mail program does.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use mail_parser::{Message, MessageParser, MimeHeaders};
use serde_json::Value;

use super::harness::{Folder, PATIENCE, Program, ReadWrite, Server, prometheus, wait_for};
use super::tls;

/// How a server of a test behaves.
#[derive(Clone, Default)]
struct Manner {
    tls: Option<Arc<rustls::ServerConfig>>,
    /// From the first byte.
    implicit: bool,
    /// What `AUTH` offers; nothing else is taken before a log-in then.
    auth: &'static str,
    /// Part of an address, and the answers to its turns; the last one stays.
    refused: Vec<(&'static str, Vec<&'static str>)>,
    /// The first mails are put off at DATA.
    put_off: usize,
}

/// A mail as it came: the lines before DATA, and the text.
struct Arrived {
    commands: Vec<String>,
    text: String,
}

impl Arrived {
    fn recipients(&self) -> Vec<&str> {
        self.commands.iter().filter_map(|line| line.strip_prefix("RCPT TO:<")?.split('>').next()).collect()
    }

    fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(self.text.as_bytes()).expect("a mail")
    }
}

fn server(mut manner: Manner) -> (String, Receiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("address").port();
    let (send, mails) = channel();
    std::thread::spawn(move || {
        // One connection after the other, so that answers have an order.
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            talk(stream, &mut manner, &send);
        }
    });
    (format!("localhost:{port}"), mails)
}

fn line(stream: &mut dyn ReadWrite) -> Option<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        line.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&line[..line.len() - 2]).into_owned())
}

fn talk(raw: TcpStream, manner: &mut Manner, mails: &Sender<Arrived>) -> Option<()> {
    let mut stream: Box<dyn ReadWrite> = Box::new(raw.try_clone().ok()?);
    let mut encrypted = manner.implicit;
    if let Some(config) = manner.tls.as_ref().filter(|_| manner.implicit) {
        stream = tls::accept(config, raw.try_clone().ok()?)?;
    }
    let mut commands = Vec::new();
    let mut welcome = manner.auth.is_empty();
    say(&mut *stream, "220 test ESMTP")?;
    loop {
        let said = line(&mut *stream)?;
        commands.push(said.clone());
        let word = said.split([' ', ':']).next().unwrap_or("").to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => {
                let starttls = if manner.tls.is_some() && !encrypted { "250-STARTTLS\r\n" } else { "" };
                let auth = if manner.auth.is_empty() { String::new() } else { format!("250-AUTH {}\r\n", manner.auth) };
                format!("250-test\r\n{starttls}{auth}250 8BITMIME")
            }
            "STARTTLS" => {
                say(&mut *stream, "220 go on")?;
                stream = tls::accept(manner.tls.as_ref()?, raw.try_clone().ok()?)?;
                encrypted = true;
                continue;
            }
            "AUTH" => {
                welcome = log_in(&mut *stream, &said, &mut commands)?;
                if welcome { "235 welcome".into() } else { "535 who are you".into() }
            }
            "MAIL" if !welcome => "530 log in first".into(),
            "RCPT" => {
                let turn = manner.refused.iter_mut().find(|(address, _)| said.contains(*address));
                turn.map_or("250 ok", |(_, turns)| if turns.len() > 1 { turns.remove(0) } else { turns[0] }).into()
            }
            "DATA" if manner.put_off > 0 => {
                manner.put_off -= 1;
                "451 try again later".into()
            }
            "DATA" => {
                say(&mut *stream, "354 go on")?;
                let mut text = String::new();
                loop {
                    match line(&mut *stream)?.as_str() {
                        "." => break,
                        line => text.push_str(&format!("{}\r\n", line.strip_prefix('.').unwrap_or(line))),
                    }
                }
                let _ = mails.send(Arrived { commands: std::mem::take(&mut commands), text });
                "250 queued".into()
            }
            "QUIT" => return say(&mut *stream, "221 bye"),
            _ => "250 ok".into(),
        };
        say(&mut *stream, &answer)?;
    }
}

fn say(stream: &mut dyn ReadWrite, text: &str) -> Option<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).and_then(|()| stream.flush()).ok()
}

/// PLAIN for boss as ann, LOGIN for ann, both with the password `pass`; CRAM-MD5 of RFC 2195's own example.
fn log_in(stream: &mut dyn ReadWrite, said: &str, commands: &mut Vec<String>) -> Option<bool> {
    if said.starts_with("AUTH PLAIN") {
        return Some(said == "AUTH PLAIN Ym9zcwBhbm4AcGFzcw==");
    }
    let challenges: &[&str] = match said {
        "AUTH LOGIN" => &["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
        _ => &["PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"],
    };
    let mut answers = Vec::new();
    for challenge in challenges {
        say(stream, &format!("334 {challenge}"))?;
        answers.push(line(stream)?);
    }
    commands.extend(answers.clone());
    Some(answers == ["YW5u", "cGFzcw=="] || answers == ["dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"])
}

const ALERTS: &str = r#"[{"labels": {"alertname": "Drift<b>", "severity": "critical"}, "annotations": {"summary": "it drifts"}}]"#;

/// Mails go to `to` by the lines of `global` and of the mail's settings; the alert is posted.
fn program(address: &str, to: &str, global: &str, email: &str) -> (Folder, Program) {
    let indented = |lines: &str, by: &str| lines.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    let text = format!(
        "global:\n  smtp_smarthost: '{address}'\n  smtp_from: 'bellbuoy@example.org'\n{}route: {{receiver: team, group_wait: 0s}}\n\
         receivers:\n- name: team\n  email_configs:\n  - to: '{to}'\n{}",
        indented(global, "  "),
        indented(email, "    ")
    );
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("alertmanager.yml", &text)]);
    for (name, text) in [("ca.pem", tls::CA), ("client.pem", tls::CLIENT), ("client.key", tls::CLIENT_KEY)] {
        folder.write(name, text);
    }
    let program = Program::up(&folder);
    assert_eq!(program.post("/api/v2/alerts", ALERTS).0, 200);
    (folder, program)
}

fn arrived(mails: &Receiver<Arrived>) -> Arrived {
    mails.recv_timeout(PATIENCE).expect("the mail")
}

/// The newest message once the condition holds.
fn record(program: &Program, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, || {
        let rows: Value = serde_json::from_str(&program.get("/api/bellbuoy/notifications").1).ok()?;
        rows.as_array()?.first().filter(|row| holds(row)).cloned()
    })
}

const PLAIN: &str = "smtp_require_tls: false";
const TLS: &str = "smtp_tls_config: {ca_file: ca.pem}";

#[test]
fn a_mail_that_was_put_off_arrives_with_text_html_and_a_stable_identity() {
    let (address, mails) = server(Manner { put_off: 1, ..Manner::default() });
    let (_folder, program) = program(&address, "Ann <a@example.org>, \"Doe, Ben\" <b@example.org>", PLAIN, "headers: {X-Team: Größe}");
    let mail = arrived(&mails);
    assert_eq!(mail.recipients(), ["a@example.org", "b@example.org"]);
    let parsed = mail.parsed();
    let to = parsed.to().expect("to").as_list().expect("a list").iter();
    assert_eq!(to.map(|address| address.name().unwrap_or("")).collect::<Vec<_>>(), ["Ann", "Doe, Ben"]);
    assert_eq!(parsed.subject(), Some("[FIRING:1] (Drift<b> critical)"));
    // Größe as RFC 2047 has it; the parser leaves headers as they are that it does not know.
    assert_eq!(parsed.header("X-Team").and_then(|value| value.as_text()), Some("=?utf-8?b?R3LDtsOfZQ==?="));
    assert!(parsed.date().is_some());
    let id = parsed.message_id().expect("an id").to_string();
    assert!(id.ends_with("@bellbuoy"), "{id}");
    let thread = parsed.references().as_text().expect("a reference").to_string();
    assert!(thread.starts_with("group-") && parsed.in_reply_to().as_text() == Some(&thread), "{thread}");
    let html = parsed.body_html(0).expect("an HTML part");
    assert!(html.contains("it drifts") && html.contains("Drift&lt;b&gt;") && !html.contains("Drift<b>"), "labels are text in HTML: {html}");
    assert!(parsed.body_text(0).expect("a text part").contains("it drifts"));
    record(&program, "the record of two attempts", |row| row["attempts"] == 2 && row["answer"] == "delivered");
}

#[test]
fn the_mail_of_a_rule_brings_a_picture_after_its_text() {
    let (address, mails) = server(Manner::default());
    let target = Server::page(|| "load 7\n".to_string());
    let receivers = format!(
        "global: {{smtp_smarthost: '{address}', smtp_from: 'bellbuoy@example.org', {PLAIN}}}\nroute: {{receiver: team, group_wait: 0s}}\n\
         receivers:\n- name: team\n  email_configs: [{{to: a@example.org}}]\n"
    );
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: LoadHigh, expr: load > 5}\n";
    let main = prometheus(&[target.address], &["rules.yml"]);
    let folder = Folder::new(&[("prometheus.yml", &main), ("rules.yml", rules), ("alertmanager.yml", &receivers)]);
    let _program = Program::up(&folder);
    let mail = arrived(&mails);
    let parsed = mail.parsed();
    assert!(parsed.body_html(0).is_some_and(|html| html.contains("LoadHigh")), "{}", mail.text);
    let picture = parsed.attachment(0).expect("a picture");
    assert_eq!((picture.attachment_name(), picture.contents().get(1..4)), (Some("alert.png"), Some(&b"PNG"[..])));
}

#[test]
fn long_lines_and_all_scripts_travel_in_short_ascii_lines() {
    let (address, mails) = server(Manner::default());
    let long = format!("{} ü 漢 🦀 .", "x".repeat(3000));
    let text = format!("text: \"{long}\\n.\\n..two\\nend\"\nhtml: \"<p>{long}</p>\"\nheaders: {{Subject: '{long}'}}");
    let (_folder, _program) = program(&address, "a@example.org", PLAIN, &text);
    let mail = arrived(&mails);
    assert!(mail.text.is_ascii());
    let longest = mail.text.lines().map(str::len).max();
    assert!(longest <= Some(998), "RFC 5322, 2.1.1: {longest:?}");
    let parsed = mail.parsed();
    let body = parsed.body_text(0).expect("a text part").replace("\r\n", "\n");
    assert!(body.contains(&format!("{long}\n.\n..two\nend")), "{body}");
    assert!(parsed.body_html(0).expect("an HTML part").contains(&long));
    assert!(parsed.subject().is_some_and(|subject| subject.starts_with("xxx") && subject.chars().count() <= 200));
    assert_eq!(parsed.text_part(0).expect("a part").content_type().expect("its type").attribute("charset"), Some("utf-8"));
}

#[test]
fn starttls_comes_before_the_log_in() {
    let manner = Manner { tls: Some(tls::server(false, &[])), auth: "LOGIN PLAIN", ..Manner::default() };
    let (address, mails) = server(manner);
    let global = format!("{TLS}\nsmtp_auth_username: ann\nsmtp_auth_password: pass\nsmtp_auth_identity: boss");
    let (_folder, _program) = program(&address, "a@example.org", &global, "");
    let mail = arrived(&mails);
    let place = |start: &str| mail.commands.iter().position(|line| line.starts_with(start)).expect("said");
    assert!(place("STARTTLS") < place("AUTH LOGIN") && place("AUTH LOGIN") < place("MAIL"), "{:?}", mail.commands);
}

#[test]
fn plain_says_for_whom_and_cram_md5_takes_the_secret() {
    let with = |auth| Manner { tls: Some(tls::server(true, &[])), implicit: true, auth, ..Manner::default() };
    let certificate = "smtp_tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key, min_version: TLS13}\n\
                       smtp_force_implicit_tls: true";
    let (address, mails) = server(with("PLAIN LOGIN"));
    let global = format!("{certificate}\nsmtp_auth_username: ann\nsmtp_auth_password: pass\nsmtp_auth_identity: boss");
    let (_folder, _program) = program(&address, "a@example.org", &global, "");
    arrived(&mails);
    let (address, mails) = server(with("PLAIN CRAM-MD5"));
    let email = "auth_username: tim\nauth_secret: tanstaaftanstaaf";
    let (_other_folder, _other) = program(&address, "a@example.org", certificate, email);
    assert!(arrived(&mails).commands.contains(&"AUTH CRAM-MD5".to_string()));
}

#[test]
fn a_server_that_can_not_encrypt_or_has_another_name_gets_nothing() {
    let (address, mails) = server(Manner::default());
    let (_folder, refused) = program(&address, "a@example.org", "", "");
    let row = record(&refused, "a failed attempt", |row| row["attempts"].as_u64() > Some(0));
    assert_eq!(row["answer"], "tls: require_tls is true, and the server does not offer STARTTLS");
    let (address, encrypted) = server(Manner { tls: Some(tls::server(false, &[])), ..Manner::default() });
    let (_other_folder, other) = program(&address, "a@example.org", "smtp_tls_config: {ca_file: ca.pem, server_name: other.test}", "");
    let row = record(&other, "a failed attempt", |row| row["attempts"].as_u64() > Some(0));
    assert!(row["answer"].as_str().is_some_and(|answer| answer.starts_with("tls: ") && answer.contains("name")), "{row}");
    assert!(mails.try_recv().is_err() && encrypted.try_recv().is_err());
    let named = "smtp_tls_config: {ca_file: ca.pem, server_name: mail.test}";
    let (_third_folder, _third) = program(&address, "a@example.org", named, "");
    arrived(&encrypted);
}

#[test]
fn a_wrong_password_waits_for_the_right_one() {
    let (address, mails) = server(Manner { auth: "PLAIN", ..Manner::default() });
    let global = format!("{PLAIN}\nsmtp_auth_username: ann\nsmtp_auth_password: wrong-one");
    let (_folder, program) = program(&address, "a@example.org", &global, "");
    let row = record(&program, "a failed attempt", |row| row["attempts"].as_u64() > Some(0));
    assert_eq!((&row["status"], &row["answer"]), (&"pending".into(), &"SMTP 535 who are you".into()));
    assert!(mails.try_recv().is_err());
}

#[test]
fn one_refused_recipient_does_not_stop_the_others() {
    let (address, mails) = server(Manner { refused: vec![("gone@", vec!["550 no such user"])], ..Manner::default() });
    let (_folder, program) = program(&address, "gone@example.org, a@example.org", PLAIN, "");
    assert_eq!(arrived(&mails).recipients(), ["gone@example.org", "a@example.org"]);
    let row = record(&program, "a delivered mail", |row| row["status"] == "delivered");
    assert_eq!(row["answer"], "delivered; refused for gone@example.org: 550 no such user");
}

#[test]
fn who_was_put_off_gets_the_mail_later_and_the_others_no_second_one() {
    let full = vec!["452 mailbox full", "452 mailbox full", "250 ok"];
    let (address, mails) = server(Manner { refused: vec![("full@", full), ("gone@", vec!["550 no"])], ..Manner::default() });
    let (_folder, program) = program(&address, "full@example.org, a@example.org, gone@example.org", PLAIN, "");
    let first = arrived(&mails);
    let second = arrived(&mails);
    assert_eq!(second.recipients().last(), Some(&"full@example.org"), "{:?}", second.commands);
    assert!(!second.recipients().contains(&"a@example.org"));
    assert_eq!(first.parsed().message_id(), second.parsed().message_id());
    record(&program, "a delivered mail", |row| row["status"] == "delivered" && row["attempts"] == 3);
    assert!(mails.try_recv().is_err());
}

#[test]
fn refused_by_all_is_given_up() {
    let (address, _mails) = server(Manner { refused: vec![("@", vec!["550 no such user"])], ..Manner::default() });
    let (_folder, program) = program(&address, "a@example.org", PLAIN, "");
    let row = record(&program, "the end", |row| row["status"] == "failed");
    assert_eq!(row["answer"], "SMTP 550 a@example.org: no such user");
}

#[test]
fn a_server_that_others_wrote_takes_the_mail() {
    if !Command::new("python3").args(["-c", "import aiosmtpd"]).output().is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 with aiosmtpd (pip install aiosmtpd) is the other side of this test");
        return;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut peer = Command::new("python3")
        .arg(here.join("smtp_peer.py"))
        .args([here.join("certs/server.pem"), here.join("certs/server.key")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut lines = BufReader::new(peer.stdout.take().expect("piped")).lines();
    let port = lines.next().expect("a line").expect("its port");
    let global = format!("{TLS}\nsmtp_auth_username: ann\nsmtp_auth_password: pass");
    let long = format!("{} ü 漢 🦀", "x".repeat(3000));
    let (_folder, program) = program(&format!("localhost:{port}"), "a@example.org, b@example.org", &global, &format!("text: '{long}'"));
    let mail: Value = serde_json::from_str(&lines.next().expect("a line").expect("a mail")).expect("JSON");
    // The server tells of the mail before it acknowledges it: only then may it end.
    record(&program, "the record of two attempts", |row| row["attempts"] == 2 && row["status"] == "delivered");
    let _ = peer.kill();
    let _ = peer.wait();
    assert_eq!(mail["to"], serde_json::json!(["a@example.org", "b@example.org"]));
    assert_eq!((&mail["encrypted"], &mail["defects"]), (&true.into(), &serde_json::json!([])), "{mail}");
    assert_eq!(mail["subject"], "[FIRING:1] (Drift<b> critical)");
    assert_eq!(mail["plain"].as_str().map(str::trim_end), Some(long.as_str()));
    assert!(mail["html"].as_str().is_some_and(|html| html.contains("it drifts")));
}
