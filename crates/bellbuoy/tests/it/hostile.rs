//! Hostile and broken targets: the error is on the target, names what is wrong, and everybody else goes on.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::harness::{Folder, Program, Server, answer, ok, text, wait_for};

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let chunk = "# filler that inflates a thousandfold\n".repeat(10_000);
    for _ in 0..300 {
        encoder.write_all(chunk.as_bytes()).expect("in memory");
    }
    let body = encoder.finish().expect("in memory");
    answer(200, &[("content-type", "text/plain"), ("content-encoding", "gzip")], &body)
}

/// A target that sends its body without end, `pause` after each piece, on a port of its own.
fn endless(piece: Vec<u8>, pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let piece = piece.clone();
            std::thread::spawn(move || {
                // The request first, or the answer comes before its question.
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n");
                let (_keep, clock): (_, Receiver<()>) = channel();
                // Ends when the other side has had enough.
                while stream.write_all(&piece).is_ok() {
                    let _ = clock.recv_timeout(pause);
                }
            });
        }
    });
    address
}

#[test]
fn broken_targets_fail_alone() {
    let plain = |body: &'static str| Server::start(move |_| ok("text/plain; version=0.0.4", body));
    let many: String = (0..3000).map(|n| format!("m{{n=\"{n}\"}} 1\n")).collect();
    let long = format!("m{{a=\"{}\"}} 1\n", "x".repeat(100_000));
    let bomb = gzip_bomb();
    let cases: Vec<(&str, Server, &str)> = vec![
        ("bomb", Server::start(move |_| bomb.clone()), "body size limit"),
        ("rubbish", plain("load 7\nthis is <html>\n"), "line 2"),
        ("utf8", Server::start(|_| answer(200, &[("content-type", "text/plain")], b"m{a=\"\xff\xfe\"} 1\n")), "UTF-8"),
        ("timestamps", plain("load 7 NaN\n"), "line 1"),
        ("many", Server::start(move |_| ok("text/plain", &many)), "sample"),
        ("long", Server::start(move |_| ok("text/plain", &long)), "label"),
        ("status", Server::start(|_| answer(500, &[], b"")), "HTTP status 500"),
        ("type", Server::start(|_| ok("application/json", "{}")), "application/json"),
        ("silent", Server::start(|_| Vec::new()), ""),
    ];
    let good = plain("load 7\n");
    let twice = plain("load 7\nload 7\nload 8\n");
    let mut config = String::from("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n");
    for (name, server, _) in &cases {
        config.push_str(&format!("- job_name: {name}\n  static_configs: [{{targets: ['{}']}}]\n", server.address));
        match *name {
            "many" => config.push_str("  sample_limit: 1000\n"),
            // The limit is reached after 64 MB, which a busy machine does not inflate in a second.
            "bomb" => config.push_str("  scrape_interval: 15s\n  scrape_timeout: 15s\n"),
            _ => {}
        }
    }
    let drip = endless(b"#".to_vec(), Duration::from_millis(50));
    let flood = endless(vec![b'#'; 1 << 20], Duration::ZERO);
    for (name, address, more) in [("drip", drip, ""), ("flood", flood, "  body_size_limit: 8MB\n")] {
        config.push_str(&format!("- job_name: {name}\n  static_configs: [{{targets: ['{address}']}}]\n{more}"));
    }
    for (name, server) in [("good", &good), ("twice", &twice)] {
        config.push_str(&format!("- job_name: {name}\n  static_configs: [{{targets: ['{}']}}]\n", server.address));
    }
    let folder = Folder::new(&[("prometheus.yml", &config)]);
    let program = Program::up(&folder);

    let cases = cases.iter().map(|(name, _, words)| (*name, *words)).chain([("drip", "deadline exceeded"), ("flood", "body size limit")]);
    for (name, words) in cases {
        // On a busy machine a scrape may end at its timeout before its own reason shows; the next one tells it.
        wait_for(&format!("{name}: an error with {words:?}"), || {
            let data = program.data("/api/v1/targets");
            let target = data["activeTargets"].as_array()?.iter().find(|target| target["scrapePool"] == name)?.clone();
            let error = text(&target["lastError"]);
            (target["health"] == "down" && !error.is_empty() && error.contains(words)).then_some(())
        });
        wait_for("up of a broken target", || {
            program.query(&format!("up{{job=\"{name}\"}}")).first().map(|(_, up)| assert_eq!(up, "0", "{name}"))
        });
        assert!(
            program.query(&format!("{{__name__!=\"\",job=\"{name}\",__name__!~\"up|scrape_.*\"}}")).is_empty(),
            "{name}: nothing of a broken body is kept"
        );
    }
    for name in ["good", "twice"] {
        wait_for("a good target", || program.query(&format!("up{{job=\"{name}\"}}")).first().map(|(_, up)| assert_eq!(up, "1", "{name}")));
        assert_eq!(program.query(&format!("load{{job=\"{name}\"}}")).first().map(|(_, value)| value.as_str()), Some("7"));
    }
    assert_eq!(program.stop(), Some(0));
}
