//! Tokens by client credentials (RFC 6749, 4.4): asked for when one is needed, kept in memory until shortly before they end.
//!
//! In:    `OAuth2Options`. Out: the value of an `Authorization` header, or a reason without secrets.
//! Never: writes a token anywhere; asks twice at the same time for the same options.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellbuoy_vocabulary::{HttpOptions, Millis, OAuth2Options, Secret, Timestamp};
use serde_json::Value;

use super::{Clients, Failure, FailureKind, Request, Response};
use crate::clock;

/// Options whose tokens are kept.
const TOKENS_MAX: usize = 256;
/// A token is not used in its last seconds (Go's `oauth2` has the same).
const EARLY: Millis = Millis::from_seconds(10);
const ANSWER_BYTES_MAX: u64 = 1 << 20;
const REASON_CHARS_MAX: usize = 200;

#[derive(Default)]
pub struct Tokens {
    kept: Mutex<HashMap<OAuth2Options, Arc<tokio::sync::Mutex<Slot>>>>,
}

#[derive(Default)]
struct Slot {
    token: Option<Token>,
    /// The server did not take the client's id and secret in the header, but in the form.
    secret_in_form: bool,
}

struct Token {
    header: Secret,
    /// `None`: until it is refused.
    ends: Option<Timestamp>,
}

impl Tokens {
    /// The header's value. `refused` is one that did not work: it is not given again.
    pub async fn header(
        &self,
        clients: &Clients,
        options: &OAuth2Options,
        refused: Option<&Secret>,
        timeout: Duration,
    ) -> Result<Secret, Failure> {
        let slot = self.slot(options);
        let mut slot = slot.lock().await;
        let now = clock::now();
        if let Some(token) = &slot.token
            && Some(&token.header) != refused
            && token.ends.is_none_or(|ends| now + EARLY < ends)
        {
            return Ok(token.header.clone());
        }
        slot.token = None;
        let mut answer = ask(clients, options, slot.secret_in_form, timeout).await?;
        if answer.status / 100 == 4 && answer.status != 429 {
            // Servers differ in where they look for the client, and few say so: the other place may be the right one.
            let other = ask(clients, options, !slot.secret_in_form, timeout).await?;
            if other.status / 100 == 2 {
                slot.secret_in_form = !slot.secret_in_form;
                answer = other;
            }
        }
        let token = token_of(&answer, now).map_err(|reason| failure(options, reason))?;
        let header = token.header.clone();
        slot.token = Some(token);
        Ok(header)
    }

    fn slot(&self, options: &OAuth2Options) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if kept.len() >= TOKENS_MAX && !kept.contains_key(options) {
            kept.clear();
        }
        kept.entry(options.clone()).or_default().clone()
    }
}

async fn ask(clients: &Clients, options: &OAuth2Options, secret_in_form: bool, timeout: Duration) -> Result<Response, Failure> {
    // Both parts are form-encoded before they become a header (RFC 6749, 2.3.1).
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let client = || (encoded(&options.client_id), Secret::new(encoded(options.client_secret.expose())));
    let http = HttpOptions {
        basic_auth: (!secret_in_form).then(client),
        tls: options.tls.clone(),
        proxy: options.proxy.clone(),
        follow_redirects: true,
        ..HttpOptions::default()
    };
    let headers = [
        ("content-type".to_string(), "application/x-www-form-urlencoded".to_string()),
        ("accept".to_string(), "application/json".to_string()),
    ];
    let request = Request {
        method: "POST",
        url: &options.token_url,
        headers: &headers,
        body: form(options, secret_in_form).into_bytes(),
        timeout,
        body_bytes_max: ANSWER_BYTES_MAX,
    };
    clients.send_plain(&http, request, None).await.map_err(|inner| Failure { reason: format!("oauth2: {}", inner.reason), ..inner })
}

fn form(options: &OAuth2Options, secret_in_form: bool) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !options.scopes.is_empty() {
        form.append_pair("scope", &options.scopes.join(" "));
    }
    if secret_in_form {
        form.append_pair("client_id", &options.client_id).append_pair("client_secret", options.client_secret.expose());
    }
    for (name, value) in &options.endpoint_params {
        form.append_pair(name, value);
    }
    form.finish()
}

/// JSON, or a form as some servers answer.
fn token_of(answer: &Response, now: Timestamp) -> Result<Token, String> {
    let text = String::from_utf8_lossy(&answer.body);
    let fields: Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), Value::from(value))).collect());
    let word = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if answer.status / 100 != 2 {
        let words: Vec<&str> = ["error", "error_description"].into_iter().filter_map(word).collect();
        return Err(format!("the token endpoint answered HTTP {} {}", answer.status, words.join(": ")).trim_end().to_string());
    }
    let token = word("access_token").ok_or("the token endpoint's answer has no access_token")?;
    let kind = word("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")).unwrap_or("Bearer");
    let seconds = fields.get("expires_in").and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
    let ends = seconds.filter(|seconds| *seconds > 0.0).map(|seconds| now + Millis((seconds.min(1e9) * 1000.0) as i64));
    Ok(Token { header: Secret::new(format!("{kind} {token}")), ends })
}

fn failure(options: &OAuth2Options, reason: String) -> Failure {
    let mut reason: String = reason.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    if !options.client_secret.is_empty() {
        reason = reason.replace(options.client_secret.expose(), "<secret>");
    }
    Failure { kind: FailureKind::Broken, reason: format!("oauth2: {reason}") }
}
