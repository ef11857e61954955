//! What an answer to a batch means.

use std::time::Duration;

use serde_json::Value;

/// A `Retry-After` beyond this is taken as this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// Of an answer's text in a problem.
const PROBLEM_BYTES_MAX: usize = 300;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// On bellbuoy's disk, but for so many rows, which it does not want, and why not.
    Taken { refused: usize, problem: Option<String> },
    /// Come again; when, if it said so.
    Later { after: Option<Duration>, problem: String },
    /// Send it in parts.
    TooLarge { problem: String },
    /// It will never take any of it.
    Refused { problem: String },
}

/// What bellbuoy says of each row; of several fields only those that matter to a sender.
struct Receipt {
    success: bool,
    refused_rows: usize,
    /// The first refusal, in words.
    problem: Option<String>,
}

/// `rows` is how many were sent.
pub(super) fn judge(status: u16, retry_after: Option<&str>, body: &[u8], rows: usize) -> Verdict {
    let receipt = receipt(body);
    let problem = || {
        let text = String::from_utf8_lossy(body);
        let end = text.floor_char_boundary(PROBLEM_BYTES_MAX.min(text.len()));
        format!("{status}: {}", &text[..end]).trim_end_matches([':', ' ', '\n']).to_owned()
    };
    match (status, receipt) {
        (200, Some(receipt)) if receipt.success => Verdict::Taken { refused: receipt.refused_rows.min(rows), problem: receipt.problem },
        (400, Some(receipt)) => Verdict::Refused { problem: receipt.problem.unwrap_or_else(problem) },
        (413, _) => Verdict::TooLarge { problem: problem() },
        // The request itself is at fault, whoever sends it again.
        (400 | 405 | 406 | 411 | 414 | 415 | 422 | 431, None) => Verdict::Refused { problem: problem() },
        // Wrong tokens, missing models and strange proxies (also a 200 that is not bellbuoy's) are mended while rows wait.
        _ => Verdict::Later { after: retry_after.and_then(seconds), problem: problem() },
    }
}

/// `None`: this is not bellbuoy's answer.
fn receipt(body: &[u8]) -> Option<Receipt> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let refused_rows = answer["data"]["refusedRows"].as_u64()?;
    let first = &answer["data"]["refused"][0];
    let problem = first["reason"].as_str().map(|reason| format!("{}: {reason}", first["id"].as_str().unwrap_or("a row")));
    Some(Receipt { success: answer["status"] == "success", refused_rows: usize::try_from(refused_rows).ok()?, problem })
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: u64 = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let later =
            |seconds: Option<u64>, problem: &str| Verdict::Later { after: seconds.map(Duration::from_secs), problem: problem.into() };
        let check = |status: u16, after: Option<&str>, body: &str, expected: Verdict| {
            assert_eq!(judge(status, after, body.as_bytes(), 3), expected, "{status} {body}");
        };
        let taken = r#"{"status":"success","data":{"new":3,"repeated":0,"corrected":0,"waiting":0,"refusedRows":0,"refused":[]}}"#;
        check(200, None, taken, Verdict::Taken { refused: 0, problem: None });
        let some = r#"{"status":"success","data":{"refusedRows":2,"refused":[{"row":1,"id":"a-1","field":"value","reason":"no number"}]}}"#;
        check(200, None, some, Verdict::Taken { refused: 2, problem: Some("a-1: no number".into()) });
        let all = some.replace("success", "error").replace(":2", ":3");
        check(400, None, &all, Verdict::Refused { problem: "a-1: no number".into() });
        check(400, None, "what?", Verdict::Refused { problem: "400: what?".into() });
        check(413, None, "", Verdict::TooLarge { problem: "413".into() });
        check(429, Some("7"), "wait", later(Some(7), "429: wait"));
        check(429, Some("100000"), "", later(Some(300), "429"));
        check(503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), "", later(None, "503"));
        // A login page of a proxy is no acknowledgement.
        check(200, None, "<html>", later(None, "200: <html>"));
        check(200, None, r#"{"status":"success"}"#, later(None, r#"200: {"status":"success"}"#));
        for status in [302, 401, 403, 404, 408, 500, 502] {
            check(status, None, "", later(None, &status.to_string()));
        }
    }
}
