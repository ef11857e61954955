//! The model service alone, for a Prometheus or a bellbuoy elsewhere: `cargo run -p bellbuoy-demo --release --example serve [ADDR]`.

use bellbuoy_demo::{DemoSettings, serve};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("serving on http://{}", listener.local_addr()?);
    serve(listener, DemoSettings::default(), async {
        // Without a signal handler there is no signal to wait for: serve until the process ends.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
    .await
}
