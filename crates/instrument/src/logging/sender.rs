//! The thread that sends: one batch at a time, again until it is taken, refused or given up.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::{Verdict, judge};
use super::counts::{Counts, Outcome, RowKind};
use super::queue::{Batch, Queue};
use super::{DropReason, LoggerBuilder};

/// An answer lists at most 100 refusals.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// However little time is left, a request gets this much.
const REQUEST_TIMEOUT_MIN: Duration = Duration::from_millis(50);

pub(super) struct Sender {
    queue: Arc<Queue>,
    counts: Arc<Counts>,
    agent: ureq::Agent,
    /// By kind.
    urls: [String; 2],
    headers: Vec<(String, String)>,
    request_timeout: Duration,
    backoff: (Duration, Duration),
    retry_for: Duration,
}

/// However the thread ends, nobody waits for it any longer.
struct Ending(Arc<Queue>);

impl Sender {
    pub(super) fn new(builder: &LoggerBuilder, queue: Arc<Queue>, counts: Arc<Counts>) -> Sender {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // bellbuoy is on the inside; a proxy of the environment is for the outside.
            .proxy(None)
            .user_agent(concat!("bellbuoy-instrument/", env!("CARGO_PKG_VERSION")))
            .build();
        let model = format!("{}/api/v1/models/{}", builder.base_url, builder.model);
        Sender {
            queue,
            counts,
            agent: config.new_agent(),
            urls: [format!("{model}/predictions"), format!("{model}/labels")],
            headers: builder.headers.clone(),
            request_timeout: builder.request_timeout,
            backoff: builder.backoff,
            retry_for: builder.retry_for,
        }
    }

    pub(super) fn run(self) {
        let _ending = Ending(self.queue.clone());
        while let Some(batch) = self.queue.next() {
            self.deliver(batch);
        }
    }

    fn deliver(&self, batch: Batch) {
        let start = Instant::now();
        let mut parts = vec![batch.rows];
        while let Some(rows) = parts.pop() {
            let half = rows.len() / 2;
            match self.deliver_part(batch.kind, &rows, start) {
                Ok(refused) => {
                    self.counts.acknowledged(batch.kind, rows.len() - refused);
                    self.counts.dropped(batch.kind, DropReason::Refused, refused);
                    self.queue.finished(rows.len());
                }
                Err(DropReason::TooLarge) if half > 0 => {
                    let mut rows = rows;
                    parts.push(rows.split_off(half));
                    parts.push(rows);
                }
                Err(reason) => {
                    self.counts.dropped(batch.kind, reason, rows.len());
                    self.queue.finished(rows.len());
                }
            }
        }
    }

    /// How many rows of it were refused, or why none of them was taken.
    fn deliver_part(&self, kind: RowKind, rows: &[Vec<u8>], start: Instant) -> Result<usize, DropReason> {
        let mut body = b"[".to_vec();
        body.extend_from_slice(&rows.join(&b','));
        body.push(b']');
        let mut wait = self.backoff.0;
        loop {
            let left = self.queue.time_left();
            if left == Some(Duration::ZERO) {
                return Err(DropReason::Closed);
            }
            match self.post(kind, &body, rows.len(), left) {
                Verdict::Taken { refused, problem } => {
                    self.counts.request(Outcome::Taken, problem);
                    return Ok(refused);
                }
                Verdict::TooLarge { problem } => {
                    self.counts.request(Outcome::Refused, Some(problem));
                    return Err(DropReason::TooLarge);
                }
                Verdict::Refused { problem } => {
                    self.counts.request(Outcome::Refused, Some(problem));
                    return Err(DropReason::Refused);
                }
                Verdict::Later { after, problem } => {
                    self.counts.request(Outcome::Later, Some(problem));
                    if start.elapsed() >= self.retry_for {
                        return Err(DropReason::GaveUp);
                    }
                    self.queue.pause(after.unwrap_or_else(|| jittered(wait)));
                    wait = (wait * 2).min(self.backoff.1);
                }
            }
        }
    }

    fn post(&self, kind: RowKind, body: &[u8], rows: usize, left: Option<Duration>) -> Verdict {
        let timeout =
            left.map_or(self.request_timeout, |left| left.clamp(REQUEST_TIMEOUT_MIN, self.request_timeout.max(REQUEST_TIMEOUT_MIN)));
        let mut request = self.agent.post(&self.urls[kind as usize]).config().timeout_global(Some(timeout)).build();
        request = request.header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let later = |error: ureq::Error| Verdict::Later { after: None, problem: error.to_string() };
        match request.send(body) {
            Ok(mut response) => {
                let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
                let status = response.status().as_u16();
                match response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec() {
                    Ok(answer) => judge(status, after.as_deref(), &answer, rows),
                    // Without the answer nobody knows whether the rows are there; sent again they count once.
                    Err(error) => later(error),
                }
            }
            Err(error) => later(error),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Between half and all of it, so that many services do not come back in step.
fn jittered(wait: Duration) -> Duration {
    let part = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
    wait.mul_f64(0.5 + part / 2.0)
}
