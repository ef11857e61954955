//! `scrape > store > promql > [rules] > router > [notify]`: the texts that people read, written as Go templates.
//!
//! In:    a template's text and the data it speaks of (`Data`, a rule's `RuleContext`, a notification's `notify::Data`).
//! Out:   the text as Prometheus and Alertmanager print it, or an error with its line.
//! Never: reads a clock (`now` is passed in), a file or the net; prints more than 1 MiB; recurses without end.
//! Holds: what Go refuses when it reads a template is refused when it is read here, and more: unknown functions and templates.
//! Read:  data.rs, template.rs, then rule.rs and notify.rs. `gotmpl` reads and runs the language; rewrite.rs puts our value layer under it.

mod data;
mod escape;
mod format;
mod functions;
pub mod grafana;
pub mod grafana_notify;
mod layout;
mod methods;
pub mod notify;
mod rewrite;
pub mod rule;
mod template;

pub use data::Data;
pub use format::{format_float_go, humanize_duration};
pub use template::{Environment, OUTPUT_BYTES_MAX, Template, TemplateError, TemplateSet};
