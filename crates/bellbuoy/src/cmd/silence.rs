//! `bellbuoy silence add|list|expire|update|import`: as amtool's, of a running bellbuoy or Alertmanager.
//!
//! In:    matchers, times and ids from the command line, silences in amtool's JSON. Out: requests of API v2, tables or JSON.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bellbuoy_vocabulary::{HttpOptions, MatchOp, Matcher, Millis, Timestamp};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::alertmanager_flags::GrammarFlag;
use super::remote::text;
use super::routes::word;
use super::up::duration;
use crate::client::{Clients, Request};
use crate::clock;
use crate::config::parse_matcher;
use crate::silences::{matcher_of, matchers_json};

const ANSWER_BYTES_MAX: u64 = 256 << 20;
const FILE_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug, Args)]
pub struct SilenceCommand {
    #[command(subcommand)]
    action: Action,
    /// Which server.
    #[arg(long, global = true, visible_alias = "alertmanager.url", default_value = "http://127.0.0.1:9090", value_name = "URL")]
    url: String,
    #[arg(long, short, global = true, default_value = "simple", value_parser = ["simple", "extended", "json"])]
    output: String,
    #[command(flatten)]
    grammar: GrammarFlag,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a silence; prints its id.
    Add(Add),
    /// Show silences that are not over.
    #[command(alias = "query")]
    List(List),
    /// End silences now.
    Expire {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Change silences. Another beginning makes a new one, with a new id.
    Update(Update),
    /// Make the silences that `list -o json` printed; exit status 2 when one could not be made.
    Import(Import),
}

#[derive(Debug, Args)]
struct Add {
    /// All of them must match: `alertname=Drift`, `severity=~"warn|crit"`. A word alone is an alertname.
    #[arg(required = true, value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Another set: `--or 'team="ml",severity="info"'`. An alert is silenced when all matchers of one set match.
    #[arg(long, value_name = "MATCHERS")]
    or: Vec<String>,
    #[arg(long, short, value_name = "NAME")]
    author: Option<String>,
    /// Why.
    #[arg(long, short)]
    comment: String,
    #[arg(long, short, default_value = "1h", value_parser = duration, value_name = "TIME")]
    duration: Millis,
    /// RFC 3339; now unless given.
    #[arg(long, value_parser = time, value_name = "TIME")]
    start: Option<Timestamp>,
    /// RFC 3339; wins over the duration.
    #[arg(long, value_parser = time, value_name = "TIME")]
    end: Option<Timestamp>,
    /// `ticket=OPS-7`; more than one with the flag repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    annotation: Vec<String>,
}

#[derive(Debug, Args)]
struct List {
    /// Only silences with these very matchers.
    #[arg(value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Those that are over instead.
    #[arg(long)]
    expired: bool,
    /// Only ids.
    #[arg(long, short)]
    quiet: bool,
    #[arg(long, value_name = "NAME")]
    created_by: Option<String>,
    #[arg(long)]
    id: Option<String>,
    /// That end, or ended, within so long.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    within: Option<Millis>,
}

#[derive(Debug, Args)]
struct Update {
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Counted from its beginning.
    #[arg(long, short, value_parser = duration, value_name = "TIME")]
    duration: Option<Millis>,
    #[arg(long, value_parser = time, value_name = "TIME")]
    start: Option<Timestamp>,
    #[arg(long, value_parser = time, value_name = "TIME")]
    end: Option<Timestamp>,
    #[arg(long, short)]
    comment: Option<String>,
    /// Only ids.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct Import {
    /// Standard input unless given.
    file: Option<PathBuf>,
    /// Make new ones even where they are already.
    #[arg(long, short)]
    force: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "write it as 2026-11-21T08:00:00Z or 2026-11-21T09:00:00+01:00".into())
}

pub async fn run(command: SilenceCommand) -> anyhow::Result<ExitCode> {
    command.grammar.choose();
    let server = Server { url: command.url.trim_end_matches('/').to_string(), clients: Clients::new() };
    match command.action {
        Action::Add(add) => say!("{}", server.post(&add.silence(clock::now())?).await?),
        Action::List(list) => {
            let found = list.ask(&server).await?;
            show(found, &command.output, list.quiet);
        }
        Action::Expire { ids } => {
            for id in ids {
                server.call("DELETE", &format!("/api/v2/silence/{id}"), None).await.with_context(|| format!("silence {id}"))?;
            }
        }
        Action::Update(update) => {
            let mut changed = Vec::new();
            for id in &update.ids {
                let mut silence =
                    server.call("GET", &format!("/api/v2/silence/{id}"), None).await.with_context(|| format!("silence {id}"))?;
                update.change(&mut silence)?;
                silence["id"] = server.post(&silence).await?.into();
                changed.push(silence);
            }
            show(changed, &command.output, update.quiet);
        }
        Action::Import(import) => import.run(&server).await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Add {
    fn silence(&self, now: Timestamp) -> anyhow::Result<Value> {
        let start = self.start.unwrap_or(now);
        let end = self.end.unwrap_or(start + self.duration);
        if end <= start {
            bail!("the silence would end before it starts; give --duration or --end");
        }
        let mut annotations = serde_json::Map::new();
        for text in &self.annotation {
            let matcher = parse_matcher(text).map_err(anyhow::Error::msg)?;
            if matcher.op != MatchOp::Equal {
                bail!("annotation {text:?}: write it as name=value");
            }
            annotations.insert(matcher.name, matcher.value.into());
        }
        let mut sets = vec![matchers(&self.matchers)?];
        for set in &self.or {
            sets.push(crate::config::parse_matchers(set).map_err(anyhow::Error::msg)?);
        }
        let author = self.author.clone().or_else(|| std::env::var("USER").ok()).or_else(|| std::env::var("LOGNAME").ok());
        let mut out = json!({
            "startsAt": start.rfc3339(), "endsAt": end.rfc3339(), "createdBy": author.unwrap_or_default(), "comment": self.comment,
            "matchers": matchers_json(&sets[0]), "annotations": annotations,
        });
        // Alertmanager itself knows one set only, and would ignore the others without a word: it must not see any.
        if sets.len() > 1 {
            out["matcherSets"] = sets.iter().map(|set| matchers_json(set)).collect();
            out["matchers"].take();
        }
        Ok(out)
    }
}

/// The matchers of the command line; a first word without an operator is an alertname.
fn matchers(texts: &[String]) -> anyhow::Result<Vec<Matcher>> {
    let mut found = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match parse_matcher(text) {
            Ok(matcher) => found.push(matcher),
            Err(_) if index == 0 => found.push(Matcher::equal("alertname", text.as_str())),
            Err(reason) => bail!("{reason}"),
        }
    }
    Ok(found)
}

impl List {
    async fn ask(&self, server: &Server) -> anyhow::Result<Vec<Value>> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for matcher in matchers(&self.matchers)? {
            query.append_pair("filter", &matcher.to_string());
        }
        let mut answer = server.call("GET", &format!("/api/v2/silences?{}", query.finish()), None).await?;
        let now = clock::now();
        let Value::Array(mut found) = answer.take() else { bail!("the answer is not a list of silences") };
        found.retain(|silence| {
            let ends = Timestamp::parse_rfc3339(text(&silence["endsAt"])).unwrap_or(now);
            let near = self.within.is_none_or(|within| if self.expired { ends >= now - within } else { ends <= now + within });
            (ends <= now) == self.expired
                && near
                && self.created_by.as_ref().is_none_or(|name| text(&silence["createdBy"]) == name)
                && self.id.as_ref().is_none_or(|id| text(&silence["id"]) == id)
        });
        found.sort_by_key(|silence| Timestamp::parse_rfc3339(text(&silence["endsAt"])));
        Ok(found)
    }
}

impl Update {
    fn change(&self, silence: &mut Value) -> anyhow::Result<()> {
        if let Some(start) = self.start {
            silence["startsAt"] = start.rfc3339().into();
        }
        let start = Timestamp::parse_rfc3339(text(&silence["startsAt"])).context("the silence has no beginning")?;
        if let Some(end) = self.end.or(self.duration.map(|length| start + length)) {
            silence["endsAt"] = end.rfc3339().into();
        }
        if Timestamp::parse_rfc3339(text(&silence["endsAt"])).is_some_and(|end| end <= start) {
            bail!("silence {}: it would end before it starts", text(&silence["id"]));
        }
        if let Some(comment) = &self.comment {
            silence["comment"] = comment.as_str().into();
        }
        Ok(())
    }
}

impl Import {
    /// Each on its own: one that is refused does not keep the others.
    async fn run(&self, server: &Server) -> anyhow::Result<()> {
        let mut content = Vec::new();
        match &self.file {
            Some(file) => std::fs::File::open(file)
                .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut content))
                .with_context(|| file.display().to_string())?,
            None => std::io::stdin().take(FILE_BYTES_MAX).read_to_end(&mut content)?,
        };
        let silences: Vec<Value> = serde_json::from_slice(&content).context("the input is not a JSON list of silences")?;
        let mut failed = 0;
        for mut silence in silences.iter().cloned() {
            let id = text(&silence["id"]).to_string();
            if self.force {
                silence["id"] = "".into();
            }
            let mut made = server.post(&silence).await;
            // It is not there yet: then it is a new one.
            if made.as_ref().is_err_and(|error| error.downcast_ref::<NotFound>().is_some()) {
                silence["id"] = "".into();
                made = server.post(&silence).await;
            }
            match made {
                Ok(id) => say!("{id}"),
                Err(error) => {
                    failed += 1;
                    eprintln!("silence {id:?} could not be made: {error:#}");
                }
            }
        }
        if failed > 0 {
            bail!("couldn't import {failed} out of {} silences", silences.len());
        }
        Ok(())
    }
}

/// HTTP status 404.
#[derive(Debug, thiserror::Error)]
#[error("not found")]
struct NotFound;

struct Server {
    url: String,
    clients: Clients,
}

impl Server {
    /// Makes or changes a silence; the id that it has now.
    async fn post(&self, silence: &Value) -> anyhow::Result<String> {
        let answer = self.call("POST", "/api/v2/silences", Some(silence)).await?;
        Ok(text(&answer["silenceID"]).to_string())
    }

    async fn call(&self, method: &'static str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.url);
        let headers = [("content-type".to_string(), "application/json".to_string())];
        let request = Request {
            method,
            url: &url,
            headers: &headers,
            body: body.map(Value::to_string).unwrap_or_default().into_bytes(),
            timeout: Duration::from_secs(60),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let response = self.clients.send(&HttpOptions::default(), request).await;
        let response = response.map_err(|failure| anyhow::anyhow!("{}: {}", self.url, failure.reason))?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let said = answer.as_str().or_else(|| answer["message"].as_str());
        match (response.status, said) {
            (200..300, _) => Ok(answer),
            (404, _) => Err(NotFound.into()),
            (_, Some(reason)) => bail!("{reason}"),
            (status, None) => bail!("{}: HTTP status {status}", self.url),
        }
    }
}

fn show(silences: Vec<Value>, output: &str, quiet: bool) {
    if quiet {
        silences.iter().for_each(|silence| say!("{}", text(&silence["id"])));
        return;
    }
    let extended = output == "extended";
    if output == "json" {
        say!("{}", Value::Array(silences));
        return;
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let names = if extended {
        ["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment"].as_slice()
    } else {
        ["ID", "Matchers", "Ends At", "Created By", "Comment"].as_slice()
    };
    rows.push(names.iter().map(|name| name.to_string()).collect());
    for silence in &silences {
        let time =
            |name: &str| text(&silence[name]).replace('T', " ").split('.').next().unwrap_or("").trim_end_matches('Z').to_string() + " UTC";
        let plain = |name: &str| text(&silence[name]).to_string();
        let mut row = vec![plain("id"), matchers_of(silence, extended)];
        if extended {
            row.extend([time("startsAt"), time("endsAt"), time("updatedAt")]);
        } else {
            row.push(time("endsAt"));
        }
        row.extend([plain("createdBy"), plain("comment")]);
        rows.push(row);
    }
    let widths: Vec<usize> = (0..names.len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        say!("{}", cells.join("  ").trim_end());
    }
}

fn matchers_of(silence: &Value, braces: bool) -> String {
    let set = |set: &Value| {
        let words: Vec<String> =
            set.as_array().into_iter().flatten().filter_map(|one| matcher_of(one).ok()).map(|one| word(&one)).collect();
        if braces { format!("{{{}}}", words.join(",")) } else { words.join(" ") }
    };
    match silence["matcherSets"].as_array() {
        Some(sets) => sets.iter().map(set).collect::<Vec<_>>().join(" or "),
        None => set(&silence["matchers"]),
    }
}
