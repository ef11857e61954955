//! A stand-in for bellbuoy that behaves as badly as it is told to. It keeps rows by id, as bellbuoy does.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Take,
    /// Takes the rows, then hangs up without an answer.
    TakeAndHangUp,
    /// Hangs up without reading.
    HangUp,
    /// Reads, and says nothing for as long as the client stays.
    Silent,
    /// Takes the rows and answers a byte at a time.
    Trickle,
    /// 429 with `Retry-After: 0`; none of the rows is taken.
    TooMany,
    /// 503.
    Unavailable,
    /// 200 of somebody else.
    Strange,
    /// Takes all but the first row.
    RefuseOne,
    /// 400, all rows refused.
    RefuseAll,
    /// 413 when there is more than one row.
    TooLarge,
}

#[derive(Clone)]
pub struct Server {
    pub url: String,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
pub struct Kept {
    /// What the next requests get; afterwards all are taken.
    pub manners: VecDeque<Manner>,
    /// By path and id.
    pub rows: BTreeMap<(String, String), Value>,
    /// The heads of all requests.
    pub heads: Vec<String>,
    /// Rows of each request that was read.
    pub batches: Vec<usize>,
}

impl Server {
    pub fn start(manners: impl IntoIterator<Item = Manner>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let kept = Kept { manners: manners.into_iter().collect(), ..Kept::default() };
        let server = Server { url, kept: Arc::new(Mutex::new(kept)) };
        let serving = server.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let server = serving.clone();
                std::thread::spawn(move || while server.answer(&connection).is_some() {});
            }
        });
        server
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no test panics while it looks")
    }

    /// `None` ends the connection.
    fn answer(&self, connection: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(connection);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let manner = self.kept().manners.pop_front().unwrap_or(Manner::Take);
        if manner == Manner::HangUp {
            return None;
        }
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let path = head.split(' ').nth(1)?.to_owned();
        let rows: Vec<Value> = serde_json::from_slice(&body).ok()?;
        let mut kept = self.kept();
        kept.heads.push(head);
        kept.batches.push(rows.len());
        let refused = match manner {
            Manner::RefuseOne => 1,
            Manner::RefuseAll => rows.len(),
            _ => 0,
        };
        let takes = match manner {
            Manner::Take | Manner::TakeAndHangUp | Manner::Trickle | Manner::RefuseOne => true,
            Manner::TooLarge => rows.len() == 1,
            _ => false,
        };
        let taken = rows.len() - refused;
        if takes {
            for row in rows.into_iter().skip(refused) {
                kept.rows.insert((path.clone(), row["id"].as_str().unwrap_or("").to_owned()), row);
            }
        }
        drop(kept);
        let receipt = |status: &str| {
            let refusals: Vec<Value> =
                (0..refused).map(|row| json!({"row": row, "id": "r", "field": "", "reason": "not wanted"})).collect();
            json!({"status": status, "data": {"new": taken, "refusedRows": refused, "refused": refusals}}).to_string()
        };
        let (status, more, body) = match manner {
            Manner::HangUp | Manner::TakeAndHangUp => return None,
            Manner::Silent => {
                // Ends when the client's patience does.
                let _ = reader.read(&mut [0]);
                return None;
            }
            Manner::TooMany => ("429 Too Many Requests", "retry-after: 0\r\n", "wait".to_owned()),
            Manner::Unavailable => ("503 Service Unavailable", "", "the disk is full".to_owned()),
            Manner::Strange => ("200 OK", "", "<html>please log in</html>".to_owned()),
            Manner::RefuseAll => ("400 Bad Request", "", receipt("error")),
            Manner::TooLarge if !takes => ("413 Payload Too Large", "", String::new()),
            _ => ("200 OK", "", receipt("success")),
        };
        let answer = format!("HTTP/1.1 {status}\r\n{more}content-length: {}\r\n\r\n{body}", body.len());
        let mut connection = connection;
        let step = if manner == Manner::Trickle { 1 } else { answer.len() };
        for part in answer.as_bytes().chunks(step) {
            connection.write_all(part).ok()?;
        }
        Some(())
    }
}
