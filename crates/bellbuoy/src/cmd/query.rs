//! `bellbuoy query EXPR` asks a running bellbuoy or Prometheus.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use crate::client::{Clients, Request, Trust};

const ANSWER_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug, Args)]
pub struct Query {
    /// The PromQL expression.
    pub expr: String,
    /// Where to ask.
    #[arg(long, default_value = "http://127.0.0.1:9090", value_name = "URL")]
    pub url: String,
    /// At which time: RFC 3339 or seconds since 1970; now when absent.
    #[arg(long)]
    pub time: Option<String>,
    /// `text` or the answer as it came.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

pub async fn run(command: Query) -> anyhow::Result<ExitCode> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("query", &command.expr);
    if let Some(time) = &command.time {
        form.append_pair("time", time);
    }
    let url = format!("{}/api/v1/query", command.url.trim_end_matches('/'));
    let headers = [("content-type".to_string(), "application/x-www-form-urlencoded".to_string())];
    let request = Request {
        method: "POST",
        url: &url,
        headers: &headers,
        basic_auth: None,
        authorization: None,
        body: form.finish().into_bytes(),
        timeout: Duration::from_secs(120),
        body_bytes_max: ANSWER_BYTES_MAX,
    };
    let response = Clients::new().send(&Trust::default(), request).await;
    let response = response.map_err(|failure| anyhow::anyhow!("{}: {}", command.url, failure.reason))?;
    let answer: Value = serde_json::from_slice(&response.body).with_context(|| format!("{}: the answer is not JSON", command.url))?;
    if answer["status"] != "success" {
        bail!("{}", answer["error"].as_str().unwrap_or("the query failed"));
    }
    if command.format == "json" {
        say!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    let result = &answer["data"]["result"];
    match answer["data"]["resultType"].as_str() {
        Some("vector") => {
            for element in result.as_array().into_iter().flatten() {
                say!("{} => {} @[{}]", metric(&element["metric"]), text(&element["value"][1]), element["value"][0]);
            }
        }
        Some("matrix") => {
            for series in result.as_array().into_iter().flatten() {
                say!("{} =>", metric(&series["metric"]));
                for pair in series["values"].as_array().into_iter().flatten() {
                    say!("{} @[{}]", text(&pair[1]), pair[0]);
                }
            }
        }
        _ => say!("{} @[{}]", text(&result[1]), result[0]),
    }
    Ok(ExitCode::SUCCESS)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn metric(value: &Value) -> String {
    crate::wire::labels_of(value).map_or_else(|| value.to_string(), |labels| labels.to_string())
}
