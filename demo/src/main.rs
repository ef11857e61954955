//! The model service alone, for a Prometheus or a bellbuoy elsewhere: `cargo run -p bellbuoy-demo --release -- --help`.

use std::path::PathBuf;

use bellbuoy_demo::{DemoSettings, PredictionLog, serve};
use bellbuoy_vocabulary::Secret;
use clap::Parser;

/// A bike-traffic model as a service: /predict, /train, /evaluate, /monitor, /drift, /token, /metrics, ...
#[derive(Parser)]
#[command(name = "bellbuoy-demo")]
struct Flags {
    #[arg(long, default_value = "127.0.0.1:8000", env = "DEMO_LISTEN", value_name = "ADDR")]
    listen: String,
    /// Models are kept here, and reference files for POST /monitor are read from here.
    #[arg(long, env = "DEMO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    #[arg(long, env = "DEMO_USERNAME", default_value = "admin")]
    username: String,
    #[arg(long, env = "DEMO_PASSWORD", default_value = "admin", hide_env_values = true)]
    password: String,
    /// Signs the tokens; without one each start makes its own.
    #[arg(long, env = "DEMO_SECRET_KEY", hide_env_values = true)]
    secret_key: Option<String>,
    #[arg(long, env = "DEMO_TOKEN_MINUTES", default_value_t = 60)]
    token_minutes: u64,
    /// Log each prediction to this bellbuoy, such as http://localhost:9090.
    #[arg(long, env = "BELLBUOY_URL", hide_env_values = true, value_name = "URL")]
    bellbuoy_url: Option<String>,
    #[arg(long, env = "BELLBUOY_MODEL", default_value = "bike-traffic")]
    model: String,
    #[arg(long, env = "BELLBUOY_TOKEN", hide_env_values = true)]
    bellbuoy_token: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let token = flags.bellbuoy_token.map(Secret::new);
    let settings = DemoSettings {
        username: flags.username,
        password: Secret::new(flags.password),
        token_secret: flags.secret_key.map(Secret::new),
        token_lifetime_s: flags.token_minutes.saturating_mul(60),
        data: flags.data,
        log: flags.bellbuoy_url.map(|url| PredictionLog { url: Secret::new(url), model: flags.model, token }),
        ..DemoSettings::default()
    };
    let listener = tokio::net::TcpListener::bind(&flags.listen).await?;
    println!("serving on http://{}", listener.local_addr()?);
    serve(listener, settings, end()).await
}

/// Ctrl-C or SIGTERM. Without a signal handler there is no signal to wait for: then it serves until the process ends.
async fn end() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await.is_some(),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate => {}
        pressed = tokio::signal::ctrl_c() => if pressed.is_err() { std::future::pending::<()>().await },
    }
}
