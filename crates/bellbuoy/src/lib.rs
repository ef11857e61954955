//! `scrape > store > promql > rules > router > notify`: the boat that carries them all.
//!
//! In:    the command line, configuration files, HTTP requests, answers of targets and receivers, the clock.
//! Out:   HTTP answers, requests to targets and receivers, files in the data folder, lines on the terminal.
//! Never: decides what a stage decides. Here are only the clock, the sockets, the files and the wiring.
//! Pub:   what the program and its end-to-end tests use; the rest is private, so that the compiler names what nobody uses.
//! Read:  path.rs (the whole path in one file), app.rs (start, reload, stop), then scraper.rs, sender.rs, models/, api/, config/, cmd/.

mod api;
mod app;
mod backlog;
mod checker;
mod client;
pub mod clock;
pub mod cmd;
mod compare;
pub mod config;
mod dashboards;
pub mod demo_stack;
mod email;
mod evaluations;
mod event;
mod events;
mod explain;
mod export;
mod exporter;
mod findings;
#[cfg(test)]
mod fixtures;
mod forwarder;
mod host;
mod host_page;
mod intake;
mod machine;
mod models;
mod outbox;
mod path;
mod picture;
mod pollers;
mod port;
mod postgres;
mod process;
mod pulse;
mod pushed;
mod scraper;
mod sender;
mod silences;
mod stacks;
mod state;
mod table;
mod telemetry;
mod test_message;
mod wire;
