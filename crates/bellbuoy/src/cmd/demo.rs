//! `bellbuoy demo`: the main job on real data. The service, the replay of the year, and what a pipeline would do: train when told to,
//! ask for the deployment decision, promote. Nothing is scripted but the speed.
//!
//! What it keeps in the data folder lets it go on after a kill -9 at the hour where it was.

mod pipeline;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use bellbuoy_demo::api::{PredictRequest, PredictResponse, PredictRow, PromoteRequest, TrainRequest, TrainResponse, path};
use bellbuoy_demo::{Dataset, DemoSettings, Hour, Replay};
use bellbuoy_models::RetrainingOutcome;
use bellbuoy_vocabulary::{HttpOptions, Millis, Timestamp};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use self::pipeline::{Job, Pipeline};
use super::up;
use crate::api::{LabelRow, PredictionRow};
use crate::app::{App, DashboardEdit};
use crate::client::{Clients, Request};
use crate::clock;
use crate::demo_stack;
use crate::event::{Event, short};

const MODEL: &str = "bike-traffic";
/// May to December, 5,859 hours, in two minutes at speed 1.
const STORY: Duration = Duration::from_secs(115);
/// The replay moves in steps of this length.
const TICK: Duration = Duration::from_millis(250);
/// The challenger learns from everything up to the day of the decision.
const TRAIN_FROM_DAY: u32 = 1;
/// After a training the judgement looks at a window that is half old: the next training waits for a whole new window.
const COOL_DOWN_HOURS: usize = 336;
/// After the last hour the last alerts and messages get this long.
const EPILOGUE: Duration = Duration::from_secs(8);
/// The pipeline asks the service how its inputs drift once per replayed week, when there are enough rows to say something.
const DRIFT_EVERY_HOURS: usize = 168;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const STATE: &str = "demo";

#[derive(Debug, Args)]
pub struct Demo {
    /// Where the pages and APIs are served.
    #[arg(long, visible_alias = "web.listen-address", default_value = "127.0.0.1:9090", value_name = "ADDR")]
    pub listen: String,
    /// Where the model service is served; another free port when this one is taken.
    #[arg(long, default_value = "127.0.0.1:8000", value_name = "ADDR")]
    pub service_listen: String,
    /// Keep the state here and go on from it at the next start; a temporary folder when absent.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// End after this time, for example 150s; otherwise a terminal stays until Ctrl-C, a script ends with the story.
    #[arg(long = "for", value_parser = up::duration, value_name = "DURATION")]
    pub lasts: Option<Millis>,
    /// Send the messages to this Discord webhook too.
    #[arg(long = "discord-webhook", visible_alias = "webhook", env = "DISCORD_WEBHOOK_URL", hide_env_values = true, value_name = "URL")]
    pub webhook: Option<String>,
    /// One JSON object a line for scripts.
    #[arg(long)]
    pub json: bool,
    /// Serve the pages from this folder instead of those built in.
    #[arg(long = "web.pages-dir", hide = true, value_name = "DIR")]
    pub pages_dir: Option<PathBuf>,
    /// How much faster than the two-minute story.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub speed: f64,
}

/// What survives a restart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// The next hour to replay.
    next_hour: usize,
    /// Days that the champion was trained on, when it is not the first one.
    champion: Option<(u32, u32)>,
    /// The hour of the last training.
    trained_at: Option<usize>,
}

pub async fn run(command: Demo) -> anyhow::Result<ExitCode> {
    if !(command.speed > 0.0 && command.speed <= 1000.0) {
        bail!("--speed {}: write a factor between 0 and 1000", command.speed);
    }
    let (data, temporary) = match &command.data {
        Some(dir) => (dir.clone(), false),
        None => (std::env::temp_dir().join(format!("bellbuoy-demo-{}", std::process::id())), true),
    };
    std::fs::create_dir_all(&data).with_context(|| format!("data folder {}", data.display()))?;
    let outcome = tell_story(&command, &data).await;
    if temporary {
        let _ = std::fs::remove_dir_all(&data);
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn tell_story(command: &Demo, data: &Path) -> anyhow::Result<()> {
    let service_address = start_service(&command.service_listen).await?;
    let listen = chosen_port(&command.listen)?;
    wait_for_service(service_address).await?;
    let (pipeline, pipeline_address) = Pipeline::start().await?;
    let stack = data.join("stack");
    let targets = demo_stack::Targets { service: service_address, pipeline: pipeline_address };
    demo_stack::write(&stack, &listen, &targets, command.webhook.as_deref())
        .with_context(|| format!("the demo's copy of the stack in {}", stack.display()))?;
    let server = up::Server {
        listen,
        data: data.to_path_buf(),
        retention: None,
        alertmanager_listen: None,
        external_url: None,
        pages_dir: command.pages_dir.clone(),
        no_watch: false,
        dashboard_edit: DashboardEdit::Loopback,
        alertmanager: Default::default(),
    };
    let signals = up::Signals::new()?;
    let app = up::start(server.options(stack)).await?;
    let screen = Screen::new(command, Replay::may_to_december(Dataset::bikeshare()).len());
    screen.introduce(&app, service_address);
    let telling = tokio::spawn(screen.clone().tell(app.path.events.subscribe()));
    let mut player = Player::new(app.clone(), service_address, pipeline, screen.clone()).await?;
    let stay = command.lasts.is_none() && std::io::stdout().is_terminal() && !command.json;
    let story = async {
        player.play(command.speed).await?;
        tokio::time::sleep(EPILOGUE).await;
        screen.epilogue(&app, stay, command.lasts.is_some());
        if stay || command.lasts.is_some() {
            std::future::pending::<()>().await;
        }
        Ok::<(), anyhow::Error>(())
    };
    let ended = tokio::select! {
        ended = story => ended,
        () = up::wait_for_end(&app, signals) => Ok(()),
        _ = time_is_up(command.lasts) => Ok(()),
    };
    app.stop().await;
    telling.abort();
    screen.close();
    ended
}

async fn time_is_up(lasts: Option<Millis>) {
    match lasts {
        Some(length) => tokio::time::sleep(length.to_std()).await,
        None => std::future::pending().await,
    }
}

/// The model service on its own port, in this process: it ends with it, however it ends.
async fn start_service(listen: &str) -> anyhow::Result<SocketAddr> {
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await?,
    };
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        if let Err(error) = bellbuoy_demo::serve(listener, DemoSettings::default(), std::future::pending::<()>()).await {
            tracing::error!("the model service ended: {error:#}");
        }
    });
    Ok(address)
}

/// The first champion is trained when the service starts: nobody should hear that it is down before it was ever up.
async fn wait_for_service(service: SocketAddr) -> anyhow::Result<()> {
    let (clients, url) = (Clients::new(), format!("http://{service}{}", path::HEALTH));
    for _ in 0..600 {
        if request(&clients, "GET", &url, Vec::new()).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the model service does not answer")
}

/// With port 0 a free port is chosen here: the stack's files name it.
fn chosen_port(listen: &str) -> anyhow::Result<String> {
    if !listen.ends_with(":0") {
        return Ok(listen.to_string());
    }
    let listener = std::net::TcpListener::bind(listen).with_context(|| format!("listen on {listen}"))?;
    Ok(listener.local_addr()?.to_string())
}

/// Replays the year and does what the pipeline of such a service does.
struct Player {
    app: Arc<App>,
    service: String,
    clients: Clients,
    hours: Vec<Hour>,
    progress: Progress,
    screen: Screen,
    pipeline: Pipeline,
    /// What was predicted for the last hour, whose true value is not known yet.
    open: Option<f64>,
    /// The hour at which the service was asked for its drift.
    drift_asked_at: usize,
    training: Option<tokio::task::JoinHandle<anyhow::Result<Trained>>>,
}

struct Trained {
    days: (u32, u32),
    deployed: bool,
    line: String,
}

impl Player {
    async fn new(app: Arc<App>, service: SocketAddr, pipeline: Pipeline, screen: Screen) -> anyhow::Result<Player> {
        let kept = app.path.state.kept(STATE)?;
        let progress: Progress = kept.map(serde_json::from_value).transpose().context("the demo's state")?.unwrap_or_default();
        let player = Player {
            app,
            service: format!("http://{service}"),
            clients: Clients::new(),
            hours: Replay::may_to_december(Dataset::bikeshare()).collect(),
            drift_asked_at: progress.next_hour,
            progress,
            screen,
            pipeline,
            open: None,
            training: None,
        };
        if let Some((from_day, up_to)) = player.progress.champion {
            // The service begins with its first model: train the deployed one again, from the same days.
            let _: TrainResponse = player.post(path::TRAIN, &TrainRequest { from_day, up_to }).await?;
            let _: Value = player.post(path::PROMOTE, &PromoteRequest::default()).await?;
        }
        Ok(player)
    }

    async fn play(&mut self, speed: f64) -> anyhow::Result<()> {
        let total = self.hours.len();
        let per_tick = total as f64 / (STORY.as_secs_f64() / TICK.as_secs_f64()) * speed;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut owed = 0.0;
        while self.progress.next_hour < total {
            ticks.tick().await;
            owed += per_tick;
            let count = (owed as usize).min(total - self.progress.next_hour);
            owed -= count as f64;
            if count > 0 {
                self.replay(count).await?;
            }
            self.pipeline().await?;
        }
        Ok(())
    }

    /// The next hours: the service predicts, bellbuoy learns of the predictions, and of the true values of the hours before.
    async fn replay(&mut self, count: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        let from = self.progress.next_hour;
        let hours = &self.hours[from..from + count];
        let rows = hours.iter().map(|hour| PredictRow { id: Some(hour.id()), features: hour.features }).collect();
        self.pipeline.fetched(count);
        self.pipeline.ran(Job::Fetch, began.elapsed(), true);
        let began = Instant::now();
        let answer: PredictResponse = self.post(path::PREDICT, &PredictRequest { rows, ..PredictRequest::default() }).await?;
        self.pipeline.predicted(answer.predictions.len(), began.elapsed());
        self.pipeline.ran(Job::Predict, began.elapsed(), true);
        let mut predictions = Vec::with_capacity(count);
        for (hour, prediction) in hours.iter().zip(&answer.predictions) {
            let features = serde_json::to_value(hour.features)?;
            predictions.push(PredictionRow {
                id: hour.id(),
                prediction: prediction.prediction,
                features: features.as_object().cloned().unwrap_or_default(),
                timestamp: Some(hour.at.rfc3339()),
                role: None,
            });
        }
        self.tell("predictions", &predictions).await?;
        // An hour's true value is known when it is over: those of this step but the last, and the last of the step before.
        let known = &self.hours[from.saturating_sub(1)..from + count - 1];
        let labels: Vec<LabelRow> = known.iter().map(|hour| LabelRow { id: hour.id(), value: hour.target }).collect();
        if !labels.is_empty() {
            self.tell("labels", &labels).await?;
        }
        let before = self.open.iter().map(|prediction| (&self.hours[from - 1], *prediction));
        let now = hours.iter().zip(answer.predictions.iter().map(|one| one.prediction)).take(count - 1);
        before.chain(now).for_each(|(hour, prediction)| self.pipeline.known(hour.target, prediction));
        self.open = answer.predictions.last().map(|one| one.prediction);
        self.progress.next_hour = from + count;
        self.keep();
        self.screen.hour(self.progress.next_hour, self.hours[from + count - 1].at);
        Ok(())
    }

    /// What an Airflow DAG would do: when the decision is "retrain", train; tell how it went; deploy when told to.
    async fn pipeline(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        if self.progress.next_hour >= self.drift_asked_at + DRIFT_EVERY_HOURS {
            self.drift_asked_at = self.progress.next_hour;
            let _: Value = self.post(path::DRIFT, &json!({})).await?;
        }
        if self.training.as_ref().is_some_and(tokio::task::JoinHandle::is_finished)
            && let Some(training) = self.training.take()
        {
            let trained = training.await??;
            if trained.deployed {
                self.progress.champion = Some(trained.days);
                self.keep();
            }
            self.screen.line(clock::now(), "training", json!({"deployed": trained.deployed}), &trained.line);
        }
        let cooled = self.progress.trained_at.is_none_or(|at| self.progress.next_hour >= at + COOL_DOWN_HOURS);
        if self.training.is_some() {
            return Ok(());
        }
        self.pipeline.ran(Job::Monitor, began.elapsed(), true);
        if !cooled || self.progress.next_hour == 0 {
            return Ok(());
        }
        let last = self.app.models.last(MODEL)?;
        if last.is_some_and(|judgement| judgement.decision.outcome == RetrainingOutcome::RetrainNow) {
            let day = self.hours[self.progress.next_hour - 1].day;
            self.progress.trained_at = Some(self.progress.next_hour);
            self.keep();
            let line = format!("training a challenger on day {TRAIN_FROM_DAY} to {day}");
            self.screen.line(clock::now(), "training", json!({"from_day": TRAIN_FROM_DAY, "to_day": day}), &line);
            let (service, bellbuoy) = (self.service.clone(), self.bellbuoy());
            self.training = Some(tokio::spawn(train(service, bellbuoy, (TRAIN_FROM_DAY, day), self.pipeline.clone())));
        }
        Ok(())
    }

    fn keep(&self) {
        self.app.path.keep(STATE, json!(self.progress));
    }

    fn bellbuoy(&self) -> String {
        format!("http://{}/api/v1/models/{MODEL}", self.app.address())
    }

    async fn tell<T: Serialize>(&self, what: &str, rows: &T) -> anyhow::Result<()> {
        let url = format!("{}/{what}", self.bellbuoy());
        self.request("POST", &url, serde_json::to_vec(rows)?).await.map(|_| ())
    }

    async fn post<T: Serialize, R: DeserializeOwned>(&self, endpoint: &str, body: &T) -> anyhow::Result<R> {
        let answer = self.request("POST", &format!("{}{endpoint}", self.service), serde_json::to_vec(body)?).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn request(&self, method: &str, url: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        request(&self.clients, method, url, body).await
    }
}

async fn request(clients: &Clients, method: &str, url: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let headers = [("content-type".to_string(), "application/json".to_string())];
    let request = Request { method, url, headers: &headers, body, timeout: REQUEST_TIMEOUT, body_bytes_max: 64 << 20 };
    let response = clients.send(&HttpOptions::default(), request).await.map_err(|failure| anyhow!("{method} {url}: {}", failure.reason))?;
    if response.status >= 300 {
        bail!("{method} {url}: {}: {}", response.status, String::from_utf8_lossy(&response.body));
    }
    Ok(response.body)
}

/// Trains a challenger, asks bellbuoy whether to deploy it, and does so.
async fn train(service: String, bellbuoy: String, days: (u32, u32), pipeline: Pipeline) -> anyhow::Result<Trained> {
    let clients = Clients::new();
    let training_url = format!("{bellbuoy}/training");
    let body = serde_json::to_vec(&TrainRequest { from_day: days.0, up_to: days.1 })?;
    let began = Instant::now();
    let answer = match request(&clients, "POST", &format!("{service}{}", path::TRAIN), body).await {
        Ok(answer) => answer,
        Err(error) => {
            pipeline.trained(began.elapsed(), None);
            pipeline.ran(Job::Monitor, began.elapsed(), false);
            let report = json!({"status": "failure", "error": error.to_string()});
            request(&clients, "POST", &training_url, report.to_string().into_bytes()).await?;
            return Ok(Trained { days, deployed: false, line: format!("the training failed: {error}") });
        }
    };
    let trained: TrainResponse = serde_json::from_slice(&answer)?;
    pipeline.trained(began.elapsed(), Some(&trained));
    let score = |score: &bellbuoy_demo::Score| json!({"r2": score.r2, "rmse": score.rmse, "mae": score.mae, "rows": score.rows});
    let report = json!({
        "status": "success",
        "champion": {"baseline": score(&trained.baseline.champion), "current": score(&trained.current.champion)},
        "challenger": {"baseline": score(&trained.baseline.challenger), "current": score(&trained.current.challenger)},
    });
    let answer = request(&clients, "POST", &training_url, report.to_string().into_bytes()).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let deployed = answer["data"]["decision"] == "deploy";
    if deployed {
        request(&clients, "POST", &format!("{service}{}", path::PROMOTE), b"{}".to_vec()).await?;
    }
    pipeline.ran(Job::Monitor, began.elapsed(), true);
    let line = format!(
        "champion R2 {} (baseline {}), challenger R2 {} (baseline {}) on hold-out days{}",
        r2(&trained.current.champion),
        r2(&trained.baseline.champion),
        r2(&trained.current.challenger),
        r2(&trained.baseline.challenger),
        if deployed { "; the challenger serves now" } else { "" }
    );
    Ok(Trained { days, deployed, line })
}

fn r2(score: &bellbuoy_demo::Score) -> String {
    score.r2.map_or_else(|| "unknown".to_string(), short)
}

/// The terminal: lines and a progress bar, or JSON lines.
#[derive(Clone)]
struct Screen {
    json: bool,
    bar: Option<ProgressBar>,
}

impl Screen {
    fn new(command: &Demo, hours: usize) -> Screen {
        let bar = (!command.json && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(hours as u64);
            if let Ok(style) = ProgressStyle::with_template("{msg:>12} [{bar:40}] {percent} % of the year") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Screen { json: command.json, bar }
    }

    fn introduce(&self, app: &App, service: SocketAddr) {
        if self.json {
            let fields =
                json!({"url": app.external_url(), "service": format!("http://{service}"), "durations_divided_by": demo_stack::FACTOR});
            return self.line(clock::now(), "start", fields, "");
        }
        let url = app.external_url();
        self.print(&format!(
            "bellbuoy demo: a real model serves hourly bike rentals; it was trained on January to April, and the year goes on.\n\
             \n  status   {url}/\n  inbox    {url}/inbox   (each message as Discord would draw it)\n  service  http://{service}/metrics\n\
             \nThe rules and routes are those of stacks/bike-traffic, their durations divided by {} (5m is 1s) so that the year fits into two minutes.\n\
             The story comes from the data: only the speed is chosen.\n",
            demo_stack::FACTOR
        ));
    }

    async fn tell(self, mut events: broadcast::Receiver<Event>) {
        let mut last = String::new();
        loop {
            match events.recv().await {
                Ok(event) => {
                    // Every judgement is a JSON line; people see those that differ from the one before.
                    let repeated = matches!(event.kind, "drift" | "performance") && !self.json && !moved(&mut last, &event);
                    if !repeated {
                        self.event(&event);
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn event(&self, event: &Event) {
        if self.json {
            self.print(&event.to_json().to_string());
        } else {
            let time = event.at.rfc3339();
            let time = time.get(11..19).unwrap_or("").to_string();
            self.print(&format!("{time} {:<13}{}", event.kind, event.line));
        }
    }

    fn line(&self, at: Timestamp, kind: &'static str, fields: Value, line: &str) {
        self.event(&Event::new(at, kind, fields, line));
    }

    fn hour(&self, done: usize, at: Timestamp) {
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.set_message(at.rfc3339().get(..10).unwrap_or("").to_string());
        }
    }

    fn epilogue(&self, app: &App, stay: bool, lasts: bool) {
        if self.json {
            return;
        }
        let messages = app.path.state.message_counts();
        let count: u64 = messages.iter().map(|(_, count)| count).sum();
        let messages = if count == 1 { "message" } else { "messages" };
        self.print(&format!("\nThe year is over: {count} {messages}."));
        if stay || lasts {
            self.print(&format!("They are at {}/inbox", app.external_url()));
        } else {
            self.print("The demo ends here, as nobody sits at a terminal; --for 10m keeps its pages up.");
        }
        if stay {
            self.print("The pages stay up; end with Ctrl-C.");
        }
    }

    fn print(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => say!("{text}"),
        }
    }

    fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Whether a drift or performance line says something new: the share of drifted features, or R2 by two hundredths.
fn moved(last: &mut String, event: &Event) -> bool {
    let number = |name: &str| event.fields[name].as_f64().map(|value| (value * 25.0).round());
    let key = format!("{:?} {:?}", event.fields["drifted_features"], number("r2"));
    let part = format!("{}:{key}", event.kind);
    let seen: Vec<&str> = last.split('|').collect();
    if seen.contains(&part.as_str()) {
        return false;
    }
    let mut kept: Vec<String> =
        seen.iter().filter(|one| !one.is_empty() && !one.starts_with(&format!("{}:", event.kind))).map(|one| one.to_string()).collect();
    kept.push(part);
    *last = kept.join("|");
    true
}
