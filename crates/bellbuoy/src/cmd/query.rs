//! `bellbuoy query EXPR` asks a running bellbuoy or Prometheus.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::remote::{Remote, ask, text};

#[derive(Debug, Args)]
pub struct Query {
    /// The PromQL expression.
    pub expr: String,
    /// At which time: RFC 3339 or seconds since 1970; now when absent.
    #[arg(long)]
    pub time: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

pub async fn run(command: Query) -> anyhow::Result<ExitCode> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("query", &command.expr);
    if let Some(time) = &command.time {
        form.append_pair("time", time);
    }
    let answer = ask(&command.remote.url, "/api/v1/query", Some(form.finish())).await?;
    if command.remote.format == "json" {
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

fn metric(value: &Value) -> String {
    crate::wire::labels_of(value).map_or_else(|| value.to_string(), |labels| labels.to_string())
}
