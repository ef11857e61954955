//! Predictions and true values to bellbuoy, without a request ever waiting for it.
//!
//! A row is written into a bounded queue in memory; a thread of its own sends what is there in batches. A row counts as
//! acknowledged when bellbuoy's answer says so, which is after it is on bellbuoy's disk. Until then it is sent again, which does
//! no harm: an id counts once. What the bounds drop is counted by reason; each row that is offered is in the end either
//! acknowledged or dropped.

mod answer;
mod counts;
mod queue;
mod row;
mod sender;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use counts::LogFamilies;
pub use counts::Totals;
pub use row::{Label, Prediction, fresh_id};

use crate::Instrument;
use counts::Counts;
use queue::{Limits, Queue};
use row::Row;
use sender::Sender;

/// After the last handle is gone, what still waits is sent for this long.
const DROPPED_LINGER: Duration = Duration::from_secs(5);

/// Takes rows. Cheap to clone; clones share the queue.
#[derive(Clone)]
pub struct PredictionLogger(Arc<Handle>);

struct Handle {
    queue: Arc<Queue>,
    counts: Arc<Counts>,
}

/// What became of a row that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a row that was dropped is gone"]
pub enum Offered {
    Queued,
    Dropped(DropReason),
}

/// Why a row was dropped: the label `reason` of `prediction_log_rows_dropped_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// bellbuoy is slower than the service, or away, for longer than the queue lasts.
    QueueFull,
    /// A number that is not finite, features that are not an object.
    Invalid,
    /// The row alone is larger than bellbuoy or the logger takes.
    TooLarge,
    /// bellbuoy read it and did not want it: `PredictionLogger::last_problem` has its words.
    Refused,
    /// bellbuoy could not be reached, or told to come again, for longer than `retry_for`.
    GaveUp,
    /// The logger was closed.
    Closed,
}

/// How rows are logged: `PredictionLogger::builder`.
#[derive(Clone)]
pub struct LoggerBuilder {
    base_url: String,
    model: String,
    headers: Vec<(String, String)>,
    limits: Limits,
    request_timeout: Duration,
    backoff: (Duration, Duration),
    retry_for: Duration,
}

/// Why a logger cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoggerError {
    #[error("bellbuoy's address {0:?} must begin with http:// or, with the feature `tls`, https://")]
    Address(String),
    #[error("model name {0:?} is not allowed; use letters, digits, `_`, `-` and `.`")]
    Model(String),
    #[error("header {0:?} is not allowed, or its value is not")]
    Header(String),
    #[error("{0} must be more than 0")]
    Zero(&'static str),
    #[error("no thread for the logger: {0}")]
    Thread(#[from] std::io::Error),
}

impl PredictionLogger {
    /// `base_url` is where bellbuoy is, such as `http://bellbuoy:9090`; `model` is its name there.
    pub fn builder(base_url: &str, model: &str) -> LoggerBuilder {
        LoggerBuilder {
            base_url: base_url.trim_end_matches('/').to_owned(),
            model: model.to_owned(),
            headers: Vec::new(),
            limits: Limits::default(),
            request_timeout: Duration::from_secs(10),
            backoff: (Duration::from_millis(250), Duration::from_secs(30)),
            retry_for: Duration::from_secs(3600),
        }
    }

    /// Queues a prediction. Never waits for the network or the disk.
    pub fn prediction(&self, prediction: Prediction) -> Offered {
        self.offer(row::prediction(prediction))
    }

    /// Queues a true value for the prediction with the same id; it may come long after it, or before.
    pub fn label(&self, label: Label) -> Offered {
        self.offer(row::label(label))
    }

    /// Sends what waits now and returns when nothing waits any more, or after `timeout`. `true`: nothing waits.
    /// Blocks the thread: from async code call it with `spawn_blocking`.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.0.queue.flush(Instant::now() + timeout)
    }

    /// The last act of a service: takes no more rows, sends what waits, for at most `timeout`, and drops what is left.
    /// Returns when that is done. Blocks the thread: call it when the server has ended, or with `spawn_blocking`.
    pub fn close(&self, timeout: Duration) -> Totals {
        let deadline = Instant::now() + timeout;
        self.0.queue.close(deadline);
        // A request that is under way at the deadline has its own time-out, which ends then too.
        self.0.queue.wait_for_end(deadline + Duration::from_secs(1));
        self.totals()
    }

    pub fn totals(&self) -> Totals {
        self.0.counts.totals()
    }

    /// What went wrong last, in words: `503 Service Unavailable: no space left on device`. `None` since the last success.
    pub fn last_problem(&self) -> Option<String> {
        self.0.counts.last_problem()
    }

    fn offer(&self, row: Result<Row, (counts::RowKind, DropReason)>) -> Offered {
        let kind = match &row {
            Ok(row) => row.kind,
            Err((kind, _)) => *kind,
        };
        self.0.counts.offered(kind);
        match row.map_err(|(_, reason)| reason).and_then(|row| self.0.queue.push(row)) {
            Ok(()) => Offered::Queued,
            Err(reason) => {
                self.0.counts.dropped(kind, reason, 1);
                Offered::Dropped(reason)
            }
        }
    }
}

impl LoggerBuilder {
    /// Sent as `Authorization: Bearer TOKEN`.
    pub fn bearer_token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Rows that may wait, and their bytes; beyond either, new rows are dropped. Default: 100,000 and 64 MiB.
    pub fn queue_max(mut self, rows: usize, bytes: usize) -> Self {
        (self.limits.rows_max, self.limits.bytes_max) = (rows, bytes);
        self
    }

    /// Rows in one request. Default: 1,000.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.limits.batch_rows = rows;
        self
    }

    /// How long a row waits for others before it is sent. Default: 500 ms.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.limits.linger = linger;
        self
    }

    /// How long one request may take. Default: 10 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The first and the longest wait between two tries; each is about twice the one before. Default: 250 ms and 30 s.
    /// A `Retry-After` of bellbuoy's comes before this.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = (first, longest);
        self
    }

    /// How long a batch is tried before it is dropped. Default: an hour.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry_for = time;
        self
    }

    /// Starts the thread that sends. Its counts are among the instrument's metrics (`prediction_log_*`).
    pub fn start(self, instrument: &Instrument) -> Result<PredictionLogger, LoggerError> {
        self.check()?;
        let counts = Arc::new(instrument.log_families().of_model(&self.model));
        let queue = Arc::new(Queue::new(self.limits, counts.clone()));
        let sender = Sender::new(&self, queue.clone(), counts.clone());
        std::thread::Builder::new().name("prediction-log".to_owned()).spawn(move || sender.run())?;
        Ok(PredictionLogger(Arc::new(Handle { queue, counts })))
    }

    fn check(&self) -> Result<(), LoggerError> {
        let schemes: &[&str] = if cfg!(feature = "tls") { &["http://", "https://"] } else { &["http://"] };
        let host = schemes.iter().find_map(|scheme| self.base_url.strip_prefix(scheme)).unwrap_or("");
        if host.is_empty() || self.base_url.parse::<http::Uri>().is_err() {
            return Err(LoggerError::Address(self.base_url.clone()));
        }
        let word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if self.model.is_empty() || self.model.starts_with('.') || !self.model.chars().all(word) {
            return Err(LoggerError::Model(self.model.clone()));
        }
        for (name, value) in &self.headers {
            if http::HeaderName::try_from(name).is_err() || http::HeaderValue::try_from(value).is_err() {
                return Err(LoggerError::Header(name.clone()));
            }
        }
        for (what, value) in [("the queue's rows", self.limits.rows_max), ("a batch's rows", self.limits.batch_rows)] {
            if value == 0 {
                return Err(LoggerError::Zero(what));
            }
        }
        Ok(())
    }
}

impl DropReason {
    pub(crate) const ALL: [DropReason; 6] =
        [DropReason::QueueFull, DropReason::Invalid, DropReason::TooLarge, DropReason::Refused, DropReason::GaveUp, DropReason::Closed];

    pub fn label(self) -> &'static str {
        match self {
            DropReason::QueueFull => "queue_full",
            DropReason::Invalid => "invalid",
            DropReason::TooLarge => "too_large",
            DropReason::Refused => "refused",
            DropReason::GaveUp => "gave_up",
            DropReason::Closed => "closed",
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close(Instant::now() + DROPPED_LINGER);
    }
}

impl fmt::Debug for PredictionLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PredictionLogger({:?})", self.totals())
    }
}

/// Without the headers: they may have a password.
impl fmt::Debug for LoggerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoggerBuilder({:?})", self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_does_not_start() {
        let check = |url: &str, model: &str, problem: &str| {
            let started = PredictionLogger::builder(url, model).start(&Instrument::new());
            assert_eq!(started.err().map(|error| error.to_string()).unwrap_or_default(), problem);
        };
        let address = |url: &str| format!("bellbuoy's address {url:?} must begin with http:// or, with the feature `tls`, https://");
        check("localhost:9090", "m", &address("localhost:9090"));
        check("ftp://a", "m", &address("ftp://a"));
        check("http://", "m", &address("http:"));
        check("http://a b", "m", &address("http://a b"));
        check("http://a", "m/../n", "model name \"m/../n\" is not allowed; use letters, digits, `_`, `-` and `.`");
        check("http://a", "", "model name \"\" is not allowed; use letters, digits, `_`, `-` and `.`");
        let builder = PredictionLogger::builder("http://a", "m");
        assert!(builder.clone().bearer_token("a\nb").start(&Instrument::new()).is_err());
        assert!(builder.clone().batch_rows(0).start(&Instrument::new()).is_err());
        assert_eq!(format!("{:?}", builder.bearer_token("secret")), "LoggerBuilder(\"m\")");
    }
}
