//! A second port that a configuration asks for (`listen:` of `host:`, `pushgateway:`), for files that look for an exporter there.
//!
//! In:    an address and routes. Out: a server until `stopped`.
//! Never: keeps the program from starting because the port is taken: it says so and tries again.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{info, warn};

/// After a reload the one before may not have left yet, and somebody else's exporter may stand there.
const RETRY: Duration = Duration::from_secs(5);

/// `what` is for the log: what is told there.
pub async fn serve(what: &str, address: &str, routes: Router, mut stopped: watch::Receiver<bool>) {
    let address = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_string() };
    let mut complained = false;
    let listener = loop {
        match TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            Err(error) if !complained => warn!("{what}: can not listen on {address}: {error}; it is tried again"),
            Err(_) => {}
        }
        complained = true;
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            _ = stopped.changed() => return,
        }
    };
    info!("{what} on http://{}", listener.local_addr().map_or(address.clone(), |known| known.to_string()));
    let end = async move {
        let _ = stopped.changed().await;
    };
    if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(end).await {
        warn!("{what}: the server on {address} ended: {error}");
    }
}
