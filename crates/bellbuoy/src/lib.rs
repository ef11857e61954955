//! `scrape > store > promql > rules > router > notify`: the boat that carries them all.
//!
//! In:    the command line, configuration files, HTTP requests, answers of targets and receivers, the clock.
//! Out:   HTTP answers, requests to targets and receivers, files in the data folder, lines on the terminal.
//! Never: decides what a stage decides. Here are only the clock, the sockets, the files and the wiring.
//! Read:  path.rs (the whole path in one file), app.rs (start, reload, stop), then scraper.rs, sender.rs, models/, api/, config/, cmd/.

pub mod api;
pub mod app;
pub mod backlog;
pub mod client;
pub mod clock;
pub mod cmd;
mod compare;
pub mod config;
pub mod dashboards;
pub mod demo_stack;
pub mod email;
pub mod evaluations;
pub mod event;
pub mod events;
pub mod explain;
pub mod export;
pub mod exporter;
pub mod findings;
#[cfg(test)]
mod fixtures;
pub mod forwarder;
pub mod host;
pub mod host_page;
pub mod intake;
pub mod machine;
pub mod models;
pub mod outbox;
pub mod path;
pub mod picture;
pub mod pollers;
pub mod port;
pub mod postgres;
pub mod process;
pub mod pulse;
pub mod pushed;
pub mod scraper;
pub mod sender;
pub mod silences;
pub mod stacks;
pub mod state;
pub mod table;
pub mod telemetry;
pub mod test_message;
pub mod wire;
