//! What entries of `airflow:` and `mlflow:` in bellbuoy.yml have in common: where the server is, how it is spoken to, how often it is asked.

use std::path::Path;

use bellbuoy_vocabulary::{AnchoredRegex, HttpOptions, Millis};

use super::Files;
use super::http;
use super::read::{Fields, Text, regex_of};

const INTERVAL_MIN: Millis = Millis::from_seconds(1);
/// A series goes stale five minutes after its last sample.
const INTERVAL_MAX: Millis = Millis::from_minutes(4);
const PATTERNS_MAX: usize = 1_000;

/// A server whose API is asked in intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedServer {
    /// With the base path, without a slash at its end.
    pub url: String,
    /// The labels `job` and `instance` of its series.
    pub job: String,
    pub instance: String,
    pub interval: Millis,
    /// Of one call.
    pub timeout: Millis,
    pub http: HttpOptions,
    /// `up` tells what it knows on a port of its own, for whoever scrapes it there, instead of putting it into the store itself.
    pub listen: Option<String>,
}

/// Reads the fields that stand beside others (they are not finished here). An address that is empty because its variable is not set switches the entry
/// off: `url: ${AIRFLOW_BASE_URL:-}`.
pub fn server(fields: &Fields, job: &str, folder: &Path, files: &Files) -> Option<WatchedServer> {
    let off = fields.node("url").and_then(Text::of).is_some_and(|text| text.as_str().is_empty() && text.scalar.written.is_some());
    let text = if off { None } else { fields.required("url") };
    let url = text.map(|text| text.as_str().trim_end_matches('/').to_string());
    if let (Some(text), Some(url)) = (text, &url) {
        http::check_url(fields, "url", url, text.span());
        if host(url).contains('@') {
            fields.report.hide(text.node.bytes.clone());
            fields.error(text.span(), "a password does not belong into \"url\"", "write `basic_auth: {username: ..., password_file: ...}`");
        } else if url.contains(['?', '#']) {
            fields.error(text.span(), "\"url\" has a query", "write the server's address with its base path only");
        }
    }
    // No credentials go to where a login page may send us.
    let http = HttpOptions { follow_redirects: false, ..http::read(fields, folder, files) };
    let interval = fields.duration("interval").unwrap_or(Millis::from_minutes(1));
    if interval < INTERVAL_MIN || interval > INTERVAL_MAX {
        fields.error(
            fields.key_span("interval"),
            "\"interval\" must be from 1s to 4m",
            "the usual is 1m; series go stale after five minutes",
        );
    }
    let timeout = positive(fields, "timeout").unwrap_or(Millis::from_seconds(30));
    let job = fields.string("job").unwrap_or_else(|| job.to_string());
    let instance = fields.string("instance");
    let listen = listen(fields);
    let url = url?;
    let instance = instance.unwrap_or_else(|| url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).to_string());
    Some(WatchedServer { job, instance, interval, timeout, http, url, listen })
}

fn listen(fields: &Fields) -> Option<String> {
    let text = fields.text("listen")?;
    let port = text.as_str().rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        fields.error(text.span(), format!("\"listen\" is no address: {:?}", text.shown()), "write host and port: `127.0.0.1:9101`");
    }
    port.map(|_| text.as_str().to_string())
}

/// A length of time that is not nothing.
pub fn positive(fields: &Fields, key: &'static str) -> Option<Millis> {
    let length = fields.duration(key)?;
    if length <= Millis::ZERO {
        fields.error(fields.key_span(key), format!("{key:?} must be more than 0s"), "");
    }
    Some(length)
}

pub fn calls(fields: &Fields, default: u64) -> u64 {
    let calls = fields.integer("calls_per_poll");
    if calls.is_some_and(|calls| !(10..=10_000).contains(&calls)) {
        fields.error(fields.key_span("calls_per_poll"), "\"calls_per_poll\" must be from 10 to 10000", format!("the usual is {default}"));
    }
    calls.unwrap_or(default)
}

/// Names or regular expressions that must match as a whole.
pub fn patterns(fields: &Fields, key: &'static str) -> Vec<AnchoredRegex> {
    let texts = fields.texts(key);
    if texts.len() > PATTERNS_MAX {
        fields.error(fields.key_span(key), format!("{} entries in {key:?}, at most {PATTERNS_MAX} are taken", texts.len()), "");
    }
    texts.into_iter().filter_map(|text| regex_of(text, fields.report)).collect()
}

/// Two entries of one instance would count into the same series.
pub fn unique<'a>(fields: &Fields, server: &WatchedServer, earlier: impl Iterator<Item = &'a WatchedServer>) {
    let earlier: Vec<&WatchedServer> = earlier.collect();
    if server.listen.is_some() && earlier.iter().any(|other| other.listen == server.listen) {
        fields.error(fields.key_span("listen"), "two servers have the same \"listen\"", "give each a port of its own");
    }
    if earlier.iter().any(|other| (&other.job, &other.instance) == (&server.job, &server.instance)) {
        let message = format!("job {:?} and instance {:?} are given twice", server.job, server.instance);
        fields.error(fields.key_span("url"), message, "give them an `instance: NAME` of their own");
    }
}

fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or("")
}
