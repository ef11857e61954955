//! `bellbuoy test-receiver NAME`: a test message through a running bellbuoy, or from the files of a folder.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use bellbuoy_promql::Engine;
use bellbuoy_store::{OsDisk, Store};
use bellbuoy_vocabulary::nearest;
use clap::Args;
use serde_json::{Value, json};

use super::remote::{ask, text};
use crate::app::{self, Options};
use crate::client::Clients;
use crate::clock;
use crate::forwarder::Forwarder;
use crate::path::{Parts, Path};
use crate::sender::Sender;
use crate::state::State;
use crate::telemetry::Telemetry;
use crate::test_message::try_receiver;

/// Exit status 0 when each integration took the message, 1 when one did not, 2 when nothing could be tried.
#[derive(Debug, Args)]
pub struct TestReceiver {
    /// The receiver's name in alertmanager.yml.
    pub name: String,
    /// Ask this running bellbuoy.
    #[arg(long, default_value = "http://127.0.0.1:9090", value_name = "URL")]
    pub url: String,
    /// Send from here with the files of this folder; no bellbuoy has to run.
    #[arg(long, conflicts_with = "url", value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// `text` or the answer as it came.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

pub async fn run(command: TestReceiver) -> anyhow::Result<ExitCode> {
    let data = match &command.config {
        Some(config) => from_files(config.clone(), &command.name).await?,
        None => {
            let name: String = form_urlencoded::byte_serialize(command.name.as_bytes()).collect::<String>().replace('+', "%20");
            let answer = ask(&command.url, &format!("/api/v1/receivers/{name}/test"), Some(String::new())).await?;
            answer["data"].clone()
        }
    };
    let results = data["results"].as_array().cloned().unwrap_or_default();
    if command.format == "json" {
        say!("{data}");
    } else if results.is_empty() {
        say!("receiver {:?} has no integrations: nobody is told", command.name);
    } else {
        for one in &results {
            let word = if one["delivered"] == true { "delivered" } else { "failed" };
            let took = one["tookSeconds"].as_f64().unwrap_or(0.0);
            say!("{:<16}{:<10}{word:<11}{took:>7.3} s  {}", text(&one["integration"]), text(&one["state"]), text(&one["answer"]));
        }
    }
    Ok(ExitCode::from(u8::from(data["delivered"] != true)))
}

async fn from_files(config: PathBuf, name: &str) -> anyhow::Result<Value> {
    let (sender, path, folder) = bare_sender(config)?;
    let settings = path.settings();
    if !settings.receivers.iter().any(|receiver| receiver.name == name) {
        let _ = std::fs::remove_dir_all(&folder);
        let near = nearest(name, settings.receivers.iter().map(|receiver| receiver.name.as_str()));
        bail!("there is no receiver {name:?}{}", near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default());
    }
    let tried = try_receiver(&sender, &path, name).await.unwrap_or_default();
    let _ = std::fs::remove_dir_all(&folder);
    let results: Vec<Value> = tried.iter().map(|one| one.to_json()).collect();
    Ok(json!({"receiver": name, "delivered": tried.iter().all(|one| one.delivered), "results": results}))
}

/// A path without any task around it: nothing but its settings and templates is used. With the folder of its empty store, to be removed.
pub fn bare_sender(config: PathBuf) -> anyhow::Result<(Arc<Sender>, Arc<Path>, PathBuf)> {
    let options = Options { config, ..Options::default() };
    let (mut loaded, problems) = app::load(&options, &crate::models::References::default());
    let Some(settings) = loaded.settings.take() else { bail!("the configuration can not be used\n{}", problems.join("\n")) };
    let now = clock::now();
    let folder = std::env::temp_dir().join(format!("bellbuoy-test-{}", clock::uuid()));
    std::fs::create_dir_all(&folder)?;
    let made = || {
        let (store, _) = Store::open(Arc::new(OsDisk::new(&folder)), bellbuoy_store::Options::default(), now)?;
        let state = Arc::new(State::open(std::path::Path::new(":memory:"))?);
        let (clients, telemetry) = (Arc::new(Clients::new()), Arc::new(Telemetry::default()));
        let forwarder = Forwarder::new(clients.clone(), telemetry.clone());
        let templates = app::templates(&settings).map_err(|_| anyhow!("the templates can not be read"))?;
        let parts = Parts { store: Arc::new(store), state, telemetry, forwarder };
        let settings = Arc::new(settings);
        let engine = Engine::new(bellbuoy_promql::Options::default());
        let path = Arc::new(Path::new(parts, engine, settings.clone(), "http://localhost:9090".into()));
        path.adopt(settings, templates, now);
        anyhow::Ok((Sender::new(path.clone(), clients), path))
    };
    match made() {
        Ok((sender, path)) => Ok((sender, path, folder)),
        Err(error) => {
            let _ = std::fs::remove_dir_all(&folder);
            Err(error)
        }
    }
}
