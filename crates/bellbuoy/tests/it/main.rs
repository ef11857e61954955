//! Black box: the program as a user runs it, against targets, receivers and, where they are at hand, the real peers.

mod airflow;
mod alertmanager;
mod commands;
mod decisions;
mod demo;
mod events;
mod forward;
mod grafana;
mod grafana_notify;
mod harness;
mod hostile;
mod mail;
mod misbehave;
mod peers;
mod peers_kinds;
mod peers_receivers;
mod peers_templates;
mod predictions;
mod reports;
mod restart;
mod secrets;
mod sources;
mod test_receiver;
mod tls;
mod transport;
mod up;
