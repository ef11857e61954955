//! How a request travels: TLS with client certificates, names and versions, proxies, OAuth 2.0 tokens, headers, timeouts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::harness::{Folder, Program, Received, Server, answer, ok, wait_for};
use super::tls;

const ALERT: &str = r#"[{"labels": {"alertname": "A"}}]"#;

/// One webhook with these lines of settings; the alert is posted.
fn program(url: &str, lines: &str) -> (Folder, Program) {
    let text = format!(
        "route: {{receiver: hook, group_by: ['...'], group_wait: 0s}}\nreceivers:\n- name: hook\n  webhook_configs:\n  - url: '{url}'\n{}",
        lines.lines().map(|line| format!("    {line}\n")).collect::<String>()
    );
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("alertmanager.yml", &text)]);
    for (name, text) in [("ca.pem", tls::CA), ("client.pem", tls::CLIENT), ("client.key", tls::CLIENT_KEY)] {
        folder.write(name, text);
    }
    let program = Program::up(&folder);
    assert_eq!(program.post("/api/v2/alerts", ALERT).0, 200);
    (folder, program)
}

fn taken() -> Vec<u8> {
    ok("text/plain", "")
}

fn tls_server(config: Arc<rustls::ServerConfig>, answer: impl FnMut(&Received) -> Vec<u8> + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    Server::wrapped(listener, move |stream| tls::accept(&config, stream), answer)
}

fn first(server: &Server) -> Received {
    wait_for("the message", || server.received().into_iter().next())
}

/// What the last attempt brought, for messages that can not be delivered.
fn last_answer(program: &Program) -> String {
    wait_for("a failed attempt", || {
        let rows: Value = serde_json::from_str(&program.get("/api/bellbuoy/notifications").1).ok()?;
        let row = rows.as_array()?.iter().find(|row| row["attempts"].as_u64() > Some(0))?.clone();
        Some(row["answer"].as_str()?.to_string())
    })
}

#[test]
fn a_client_certificate_headers_and_any_authorization_are_sent() {
    let server = tls_server(tls::server(true, &[]), |_| taken());
    let (_folder, _program) = program(
        &format!("https://localhost:{}/hook", server.address.port()),
        "http_config:\n  tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key, min_version: TLS13}\n  \
         authorization: {type: Token, credentials: abc}\n  http_headers:\n    X-Team: {values: [ml, ops], secrets: [s3cret]}",
    );
    let message = first(&server);
    assert_eq!(message.headers["authorization"], "Token abc");
    assert_eq!(message.headers["x-team"], "ml, ops, s3cret");
}

#[test]
fn without_its_client_certificate_a_message_waits() {
    let server = tls_server(tls::server(true, &[]), |_| taken());
    let (_folder, program) =
        program(&format!("https://localhost:{}/", server.address.port()), "http_config: {tls_config: {ca_file: ca.pem}}");
    let answer = last_answer(&program);
    assert!(answer.starts_with("tls: ") && answer.to_lowercase().contains("certificate"), "{answer}");
    assert!(server.received().is_empty());
}

#[test]
fn the_certificate_may_have_another_name_than_the_address() {
    let server = tls_server(tls::server(false, &[]), |_| taken());
    let url = format!("https://127.0.0.1:{}/", server.address.port());
    let (_folder, refused) = program(&url, "http_config: {tls_config: {ca_file: ca.pem, server_name: other.test}}");
    assert!(last_answer(&refused).starts_with("tls: "), "{}", last_answer(&refused));
    let (_other_folder, _program) = program(&url, "http_config: {tls_config: {ca_file: ca.pem, server_name: mail.test}}");
    assert_eq!(first(&server).headers["host"], server.address.to_string());
}

#[test]
fn a_bound_of_the_tls_version_is_kept() {
    let server = tls_server(tls::server(false, &[&rustls::version::TLS12]), |_| taken());
    let url = format!("https://localhost:{}/", server.address.port());
    let (_folder, refused) = program(&url, "http_config: {tls_config: {ca_file: ca.pem, min_version: TLS13}}");
    assert!(last_answer(&refused).starts_with("tls: "), "{}", last_answer(&refused));
    let (_other_folder, _program) = program(&url, "http_config: {tls_config: {ca_file: ca.pem, max_version: TLS12}}");
    first(&server);
}

/// A proxy: CONNECT and plain requests. Keeps the heads of requests.
fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("address").port();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let kept = kept.clone();
            std::thread::spawn(move || pass_on(stream, &kept));
        }
    });
    (port, heads)
}

fn pass_on(mut near: TcpStream, heads: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(near.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    heads.lock().expect("heads").push(head.to_lowercase());
    let target = head.split(' ').nth(1)?.trim_start_matches("http://");
    let mut far = TcpStream::connect(target.split('/').next()?).ok()?;
    if head.starts_with("CONNECT") {
        near.write_all(b"HTTP/1.1 200 go on\r\n\r\n").ok()?;
    } else {
        far.write_all(head.as_bytes()).ok()?;
    }
    let (mut near_again, mut far_again) = (near.try_clone().ok()?, far.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut far_again, &mut near_again));
    std::io::copy(&mut reader, &mut far).ok()?;
    Some(())
}

#[test]
fn a_proxy_is_asked_to_connect_with_its_password_and_its_headers() {
    let server = tls_server(tls::server(false, &[]), |_| taken());
    let (port, heads) = proxy();
    let (_folder, _program) = program(
        &format!("https://localhost:{}/hook", server.address.port()),
        &format!(
            "http_config:\n  proxy_url: 'http://user:pass@127.0.0.1:{port}'\n  proxy_connect_header: {{X-Site: [lab]}}\n  \
             tls_config: {{ca_file: ca.pem}}"
        ),
    );
    let message = first(&server);
    assert!(!message.headers.contains_key("x-site") && !message.headers.contains_key("proxy-authorization"));
    let head = heads.lock().expect("heads")[0].clone();
    assert!(head.starts_with(&format!("connect localhost:{} http/1.1\r\n", server.address.port())), "{head}");
    assert!(head.contains("\r\nproxy-authorization: basic dxnlcjpwyxnz\r\n") && head.contains("\r\nx-site: lab\r\n"), "{head}");
}

#[test]
fn plain_http_goes_through_the_proxy_too_and_its_headers_stay_away() {
    let server = Server::start(|_| taken());
    let (port, heads) = proxy();
    let (_folder, _program) = program(
        &format!("http://{}/hook", server.address),
        &format!("http_config: {{proxy_url: 'http://127.0.0.1:{port}', proxy_connect_header: {{X-Site: [lab]}}}}"),
    );
    assert_eq!(first(&server).path, format!("http://{}/hook", server.address));
    assert!(!heads.lock().expect("heads")[0].contains("x-site"));
}

#[test]
fn no_proxy_leaves_this_machine_out() {
    let server = Server::start(|_| taken());
    let (port, heads) = proxy();
    let (_folder, _program) = program(
        &format!("http://{}/hook", server.address),
        &format!("http_config: {{proxy_url: 'http://127.0.0.1:{port}', no_proxy: example.org}}"),
    );
    assert_eq!(first(&server).path, "/hook");
    assert!(heads.lock().expect("heads").is_empty());
}

#[test]
fn a_token_is_fetched_once_and_again_when_it_was_refused() {
    let mut count = 0;
    let tokens = tls_server(tls::server(true, &[]), move |request| {
        if !request.headers.contains_key("authorization") {
            return answer(400, &[], br#"{"error": "invalid_client"}"#);
        }
        count += 1;
        ok("application/json", &format!(r#"{{"access_token": "t{count}", "token_type": "bearer", "expires_in": 3600}}"#))
    });
    let hook = Server::start(|request| if request.headers["authorization"] == "Bearer t1" { answer(401, &[], b"") } else { taken() });
    let (_folder, program) = program(
        &format!("http://{}/hook", hook.address),
        &format!(
            "http_config:\n  oauth2:\n    client_id: 'bell buoy'\n    client_secret: 'a b'\n    token_url: 'https://localhost:{}/token'\n    \
             scopes: [alerts, more]\n    endpoint_params: {{audience: hooks}}\n    \
             tls_config: {{ca_file: ca.pem, cert_file: client.pem, key_file: client.key}}",
            tokens.address.port()
        ),
    );
    wait_for("both attempts", || (hook.received().len() == 2).then_some(()));
    let other = ALERT.replace("\"A\"", "\"B\"");
    assert_eq!(program.post("/api/v2/alerts", &other).0, 200);
    wait_for("the next message", || (hook.received().len() == 3).then_some(()));
    let sent: Vec<String> = hook.received().iter().map(|request| request.headers["authorization"].clone()).collect();
    assert_eq!(sent, ["Bearer t1", "Bearer t2", "Bearer t2"]);
    let asked = tokens.received();
    assert_eq!(asked.len(), 2, "a token is kept");
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/token"));
    assert_eq!(asked[0].body, "grant_type=client_credentials&scope=alerts+more&audience=hooks");
    // bell+buoy:a+b
    assert_eq!(asked[0].headers["authorization"], "Basic YmVsbCtidW95OmErYg==");
    let rows = wait_for("both records", || {
        let rows: Value = serde_json::from_str(&program.get("/api/bellbuoy/notifications").1).expect("JSON");
        let settled = rows.as_array().expect("a list").iter().all(|row| row["status"] == "delivered");
        settled.then_some(rows)
    });
    assert!(rows.as_array().expect("a list").iter().all(|row| row["attempts"].as_u64() == Some(1)), "{rows}");
}

#[test]
fn a_token_server_that_wants_the_secret_in_the_form_is_understood() {
    let tokens = Server::start(|request| match request.body.contains("client_secret=geheim") {
        true => ok("application/x-www-form-urlencoded", "access_token=t&token_type=MAC"),
        false => answer(401, &[], br#"{"error": "invalid_client", "error_description": "no geheim here"}"#),
    });
    let hook = Server::start(|_| taken());
    let lines = |secret| {
        let url = format!("http://{}/", tokens.address);
        format!("http_config: {{oauth2: {{client_id: me, client_secret: {secret}, token_url: '{url}'}}}}")
    };
    let (_folder, _program) = program(&format!("http://{}/hook", hook.address), &lines("geheim"));
    assert_eq!(first(&hook).headers["authorization"], "MAC t");
    let (_other_folder, refused) = program(&format!("http://{}/hook", hook.address), &lines("wrong"));
    let words = last_answer(&refused);
    assert!(words.contains("oauth2: the token endpoint answered HTTP 401 invalid_client"), "{words}");
}

#[test]
fn a_receiver_has_as_much_time_as_its_settings_give() {
    // Takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", silent.local_addr().expect("address"));
    let (_folder, program) = program(&url, "timeout: 100ms");
    assert_eq!(last_answer(&program), "timeout: context deadline exceeded: no answer within the timeout");
    // An attempt of a busy machine may have run out of time before its first byte; a later one has not.
    let mut text = [0; 4];
    silent.incoming().flatten().find(|attempt| (&*attempt).read_exact(&mut text).is_ok());
    assert_eq!(&text, b"POST");
}

#[test]
fn moved_for_good_is_no_delivery() {
    // Any client makes a GET without a body out of a POST after 301: the new place would say "fine" to nothing.
    let new_place = Server::start(|_| taken());
    let to = format!("http://{}/new", new_place.address);
    let old_place = Server::start(move |_| answer(301, &[("location", &to)], b""));
    let (_folder, program) = program(&format!("http://{}/old", old_place.address), "");
    assert_eq!(last_answer(&program), "HTTP 301");
    assert!(new_place.received().is_empty());
}
