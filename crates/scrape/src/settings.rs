//! What a `scrape_configs` entry asks for, checked and with its defaults filled in. The boat's configuration reader makes these.

use bellbuoy_exposition::Protocol;
use bellbuoy_vocabulary::{AnchoredRegex, HttpOptions, Labels, Millis};

/// One `scrape_configs` entry. Field names and defaults are Prometheus'.
#[derive(Clone, Debug)]
pub struct ScrapeSettings {
    pub job_name: String,
    pub scrape_interval: Millis,
    pub scrape_timeout: Millis,
    pub metrics_path: String,
    pub scheme: Scheme,
    /// Query parameters in the file's order.
    pub params: Vec<(String, Vec<String>)>,
    pub honor_labels: bool,
    pub honor_timestamps: bool,
    /// What is asked for, the best liked first; none is Prometheus' default.
    pub protocols: Vec<Protocol>,
    /// What a body without a usable `Content-Type` is read as.
    pub fallback_protocol: Option<Protocol>,
    pub http: HttpOptions,
    pub limits: Limits,
    pub static_configs: Vec<TargetGroup>,
    pub file_sd_configs: Vec<FileDiscovery>,
    pub relabel_configs: Vec<Relabel>,
    pub metric_relabel_configs: Vec<Relabel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// Bounds of one scrape. Prometheus has none by default; a target that forgets its manners must not take the rest down, so
/// we have generous ones. 0 in the file means "Prometheus' default: no limit" only where the person wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after decompression.
    pub body_bytes_max: u64,
    pub samples_max: u64,
    pub labels_max: u64,
    pub label_name_bytes_max: u64,
    pub label_value_bytes_max: u64,
    /// Targets of a job after relabelling.
    pub targets_max: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: 64 << 20,
            samples_max: 500_000,
            labels_max: 128,
            label_name_bytes_max: 1024,
            label_value_bytes_max: 16 << 10,
            targets_max: 100_000,
        }
    }
}

/// Addresses that share labels, from `static_configs` or a discovery file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Where it comes from, for messages: `prometheus.yml` or the discovery file.
    pub source: String,
    pub targets: Vec<String>,
    pub labels: Labels,
}

/// `file_sd_configs`: the boat reads the files (again after `refresh_interval` or when they change) and gives `TargetGroup`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiscovery {
    /// Globs, relative ones already resolved against the folder of the configuration.
    pub files: Vec<String>,
    pub refresh_interval: Millis,
}

/// One step of `relabel_configs`.
#[derive(Clone, Debug)]
pub struct Relabel {
    pub source_labels: Vec<String>,
    pub separator: String,
    pub regex: AnchoredRegex,
    pub modulus: u64,
    pub target_label: String,
    pub replacement: String,
    pub action: RelabelAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelabelAction {
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}
