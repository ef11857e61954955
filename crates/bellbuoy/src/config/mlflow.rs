//! An entry of `mlflow:` in bellbuoy.yml. docs/guides/mlflow.md explains the keys.
//!
//! In:    the map of one server. Out: an `MlflowConfig`, or `None` without an address.

use std::path::Path;

use bellbuoy_sources::mlflow::MlflowSettings;

use super::Files;
use super::read::Fields;
use super::watched::{self, WatchedServer};

#[derive(Clone, Debug)]
pub struct MlflowConfig {
    pub server: WatchedServer,
    pub settings: MlflowSettings,
    /// People are told when an alias points to another version.
    pub events: bool,
}

pub fn read(fields: Fields, folder: &Path, files: &Files, earlier: &[MlflowConfig]) -> Option<MlflowConfig> {
    let server = watched::server(&fields, "mlflow", folder, files);
    let default = MlflowSettings::default();
    let settings = MlflowSettings {
        models: watched::patterns(&fields, "models"),
        history: watched::patterns(&fields, "history"),
        calls_max: watched::calls(&fields, default.calls_max),
        time_max: watched::positive(&fields, "time_per_poll").unwrap_or(default.time_max),
    };
    let events = fields.boolean("events").unwrap_or(true);
    if let Some(server) = &server {
        watched::unique(&fields, server, earlier.iter().map(|one| &one.server));
    }
    fields.finish();
    server.map(|server| MlflowConfig { server, settings, events })
}
