//! `bellbuoy notifications`: the history of what was told, on the terminal.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::remote::{Remote, ask, text};

#[derive(Debug, Args)]
pub struct Notifications {
    /// The newest so many; more than 1000 are asked for page by page.
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    /// Of this receiver, or of one integration of it: `team/slack/0`.
    #[arg(long, value_name = "NAME")]
    pub receiver: Option<String>,
    #[arg(long, value_parser = ["pending", "delivered", "failed", "replaced"])]
    pub status: Option<String>,
    /// With an alert of this name.
    #[arg(long, value_name = "NAME")]
    pub alertname: Option<String>,
    /// Made since a time (RFC 3339), or in the last so long (`2h`).
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Go on where an answer ended: its `next`.
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

/// Exit status 1 when a message was given up.
pub async fn run(command: Notifications) -> anyhow::Result<ExitCode> {
    let (rows, next) = all(&command).await?;
    let failed = rows.iter().filter(|row| row["status"] == "failed").count();
    if command.remote.format == "json" {
        say!("{}", Value::Array(rows));
    } else {
        say!("{:<26}{:<11}{:<28}{:<34}{:>8}  answer", "made", "status", "to", "why", "attempts");
        for row in &rows {
            let (made, status) = (text(&row["createdAt"]), text(&row["status"]));
            let to = format!("{}/{}/{}", text(&row["receiver"]), text(&row["integration"]), row["index"]);
            say!("{made:<26}{status:<11}{to:<28}{:<34}{:>8}  {}", text(&row["reason"]), row["attempts"], text(&row["answer"]));
        }
        if let Some(next) = next {
            say!("more: --cursor {next}");
        }
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

async fn all(command: &Notifications) -> anyhow::Result<(Vec<Value>, Option<String>)> {
    let mut rows: Vec<Value> = Vec::new();
    let mut cursor = command.cursor.clone();
    loop {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &(command.limit.max(1) - rows.len()).to_string());
        let filters =
            [("receiver", &command.receiver), ("status", &command.status), ("alertname", &command.alertname), ("since", &command.since)];
        for (name, value) in filters.into_iter().chain([("cursor", &cursor)]) {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let mut answer = ask(&command.remote.url, &format!("/api/v1/notifications?{}", query.finish()), None).await?;
        if let Value::Array(page) = answer["data"].take() {
            rows.extend(page);
        }
        cursor = answer["next"].as_str().map(str::to_string);
        if cursor.is_none() || rows.len() >= command.limit {
            return Ok((rows, cursor));
        }
    }
}
