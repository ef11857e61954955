//! What users of the crate rely on: rows are acknowledged or counted as dropped, and the page is one that promtool accepts.

mod logger;
mod page;
mod server;
