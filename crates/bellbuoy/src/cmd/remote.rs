//! `bellbuoy alerts`, and how every command asks a running bellbuoy.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bellbuoy_vocabulary::HttpOptions;
use clap::Args;
use serde_json::Value;

use crate::client::{Clients, Request};

const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Which server to ask, and how to print.
#[derive(Debug, Args)]
pub struct Remote {
    /// Where to ask.
    #[arg(long, visible_alias = "alertmanager.url", default_value = "http://127.0.0.1:9090", value_name = "URL")]
    pub url: String,
    /// `text` or the answer as it came.
    #[arg(long, short = 'o', visible_alias = "output", default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

#[derive(Debug, Args)]
pub struct Alerts {
    #[command(flatten)]
    pub remote: Remote,
}

/// Exit status 1 when something fires.
pub async fn alerts(command: Alerts) -> anyhow::Result<ExitCode> {
    let answer = ask(&command.remote.url, "/api/v1/alerts", None).await?;
    let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
    let firing = alerts.iter().filter(|alert| alert["state"] == "firing").count();
    if command.remote.format == "json" {
        say!("{answer}");
    } else if alerts.is_empty() {
        say!("nothing is pending or firing");
    } else {
        say!("{:<9}{:<34}{:<26}{:<12}labels", "state", "alert", "since", "value");
        for alert in &alerts {
            let labels: Vec<String> = alert["labels"]
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, _)| *name != "alertname")
                .map(|(name, value)| format!("{name}={}", text(value)))
                .collect();
            let name = text(&alert["labels"]["alertname"]);
            say!("{:<9}{name:<34}{:<26}{:<12}{}", text(&alert["state"]), text(&alert["activeAt"]), text(&alert["value"]), labels.join(" "));
        }
    }
    Ok(ExitCode::from(u8::from(firing > 0)))
}

/// The JSON that a server answers; with a form, as a POST of it. An error of Prometheus' API becomes ours.
pub async fn ask(server: &str, path: &str, form: Option<String>) -> anyhow::Result<Value> {
    let url = format!("{}{path}", server.trim_end_matches('/'));
    let headers = [("content-type".to_string(), "application/x-www-form-urlencoded".to_string())];
    let request = Request {
        method: if form.is_some() { "POST" } else { "GET" },
        url: &url,
        headers: &headers,
        body: form.unwrap_or_default().into_bytes(),
        timeout: Duration::from_secs(120),
        body_bytes_max: ANSWER_BYTES_MAX,
    };
    let response = Clients::new().send(&HttpOptions::default(), request).await;
    let response = response.map_err(|failure| anyhow::anyhow!("{server}: {}", failure.reason))?;
    let answer: Value = serde_json::from_slice(&response.body).with_context(|| format!("{server}: the answer is not JSON"))?;
    if answer["status"] == "error" {
        bail!("{}", answer["error"].as_str().unwrap_or("the request failed"));
    }
    if response.status >= 300 {
        bail!("{server}: HTTP status {}", response.status);
    }
    Ok(answer)
}

/// Whether a server is one of ours, by a path that no other has.
pub async fn is_bellbuoy(server: &str) -> anyhow::Result<bool> {
    let url = format!("{}/api/bellbuoy/sources", server.trim_end_matches('/'));
    let (timeout, body_bytes_max) = (Duration::from_secs(30), ANSWER_BYTES_MAX);
    let request = Request { method: "GET", url: &url, headers: &[], body: Vec::new(), timeout, body_bytes_max };
    let response = Clients::new().send(&HttpOptions::default(), request).await;
    let response = response.map_err(|failure| anyhow::anyhow!("{server}: {}", failure.reason))?;
    Ok(response.status == 200)
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
