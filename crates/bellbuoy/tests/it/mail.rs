//! E-mail to a server that speaks SMTP: refused for now, taken later, in text and HTML.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::harness::{Folder, PATIENCE, Program, wait_for};

/// Speaks as much SMTP as a client needs. The first mail is put off with 451, the others are taken.
fn server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("address").to_string();
    let (send, mails) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let mut reader = BufReader::new(stream.try_clone().expect("clone"));
            let mut out = stream;
            let mut say = |text: &str| out.write_all(format!("{text}\r\n").as_bytes()).is_ok();
            say("220 test ESMTP");
            let mut envelope = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                let word = line.trim_end().to_uppercase();
                let alive = match word.split([' ', ':']).next().unwrap_or("") {
                    "EHLO" | "HELO" => say("250-test\r\n250 8BITMIME"),
                    "MAIL" | "RCPT" => {
                        envelope.push_str(&line);
                        say("250 ok")
                    }
                    "DATA" if number == 0 => say("451 try again later"),
                    "DATA" => {
                        say("354 go on");
                        let mut mail = envelope.clone();
                        loop {
                            let mut line = String::new();
                            if reader.read_line(&mut line).unwrap_or(0) == 0 || line == ".\r\n" {
                                break;
                            }
                            mail.push_str(&line);
                        }
                        let _ = send.send(mail);
                        say("250 queued")
                    }
                    "QUIT" => {
                        say("221 bye");
                        false
                    }
                    _ => say("250 ok"),
                };
                if !alive {
                    break;
                }
            }
        }
    });
    (address, mails)
}

#[test]
fn a_mail_that_was_put_off_arrives_with_text_html_and_a_stable_identity() {
    let (address, mails) = server();
    let folder = Folder::new(&[
        ("prometheus.yml", "scrape_configs: []\n"),
        (
            "alertmanager.yml",
            &format!(
                "global: {{smtp_smarthost: '{address}', smtp_from: 'bellbuoy@example.org', smtp_require_tls: false}}\n\
                 route: {{receiver: team, group_wait: 100ms}}\nreceivers:\n- name: team\n  email_configs:\n  - to: 'a@example.org, b@example.org'\n"
            ),
        ),
    ]);
    let program = Program::up(&folder);
    let alerts = r#"[{"labels": {"alertname": "Drift<b>", "severity": "critical"}, "annotations": {"summary": "it drifts"}}]"#;
    assert_eq!(program.post("/api/v2/alerts", alerts).0, 200);
    let mail = mails.recv_timeout(PATIENCE).expect("the mail");
    for part in [
        "MAIL FROM:<bellbuoy@example.org>",
        "RCPT TO:<a@example.org>",
        "RCPT TO:<b@example.org>",
        "Subject: ",
        "Message-ID: <",
        "text/plain",
        "text/html",
        "Drift",
    ] {
        assert!(mail.contains(part), "{part} in {mail}");
    }
    assert!(!mail.contains("Drift<b></"), "labels are text in HTML: {mail}");
    wait_for("the record of two attempts", || program.get("/api/bellbuoy/notifications").1.contains("\"attempts\":2").then_some(()));
}
