//! bellbuoy.yml: what the files of Prometheus and Alertmanager can not say.

use bellbuoy_vocabulary::Millis;

use super::read::{Fields, Report};
use super::settings::StorageSettings;
use super::yaml::Node;

/// The top-level keys.
pub const KEYS: [&str; 2] = ["models", "storage"];

#[derive(Debug, Default)]
pub struct Bellbuoy {
    pub storage: StorageSettings,
}

pub fn read(root: &Node, report: &Report) -> Bellbuoy {
    let mut out = Bellbuoy::default();
    let Some(fields) = Fields::of(root, "bellbuoy.yml", report) else { return out };
    if let Some(storage) = fields.map("storage", "storage") {
        out.storage = read_storage(storage);
    }
    fields.finish();
    out
}

fn read_storage(fields: Fields) -> StorageSettings {
    let default = StorageSettings::default();
    let retention = fields.duration("retention");
    if retention.is_some_and(|length| length < Millis::from_minutes(1)) {
        fields.error(fields.key_span("retention"), "\"retention\" must be at least 1m", "the usual is 15d");
    }
    let settings = StorageSettings {
        retention: retention.unwrap_or(default.retention),
        retention_size_bytes: fields.size("retention_size").unwrap_or(default.retention_size_bytes),
    };
    fields.finish();
    settings
}
