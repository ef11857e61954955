//! Flags that Alertmanager has and that mean something here too, under its names.

use bellbuoy_vocabulary::Millis;
use clap::{Args, ValueEnum};

use super::up::duration;
use crate::app::AlertmanagerOptions;
use crate::config::{Grammar, set_grammar};
use crate::silences::SilenceLimits;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Alertmanager")]
pub struct AlertmanagerFlags {
    /// How long ended silences and the history of notifications are kept; 120h unless bellbuoy.yml says otherwise.
    #[arg(long = "data.retention", value_parser = duration, value_name = "TIME")]
    data_retention: Option<Millis>,
    /// Most silences, with the ended ones that are still kept; 0 is 100,000.
    #[arg(long = "silences.max-silences", default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    silences_max: i64,
    /// Most bytes of one silence, written as JSON; 0 is 64 KiB.
    #[arg(long = "silences.max-silence-size-bytes", default_value_t = 0, allow_negative_numbers = true, value_name = "BYTES")]
    silence_bytes_max: i64,
    /// Most alerts of one alertname; 0 is no limit.
    #[arg(long = "alerts.per-alertname-limit", default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    alerts_per_name_max: i64,
    /// Tell nobody anything before this has passed since the start: Prometheus' `--rules.alert.resend-delay`.
    #[arg(long = "dispatch.start-delay", default_value = "0s", value_parser = duration, value_name = "TIME")]
    start_delay: Millis,
    /// Most GET requests of API v2 at a time; 0 is one per core, at least 8.
    #[arg(long = "web.get-concurrency", default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    get_concurrency: i64,
    /// Most time for a request of API v2; 0 is no limit.
    #[arg(long = "web.timeout", default_value = "0s", value_parser = duration, value_name = "TIME")]
    http_timeout: Millis,
    /// Serve everything below this path too; the path of --external-url unless given.
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    route_prefix: Option<String>,
    #[command(flatten)]
    pub grammar: GrammarFlag,
    /// Empty, as in `--cluster.listen-address=`: this is one process, there is no cluster to listen for.
    #[arg(long = "cluster.listen-address", hide = true, value_parser = no_cluster)]
    cluster_listen_address: Option<String>,
}

/// Of every command that reads matchers.
#[derive(Clone, Debug, Default, Args)]
pub struct GrammarFlag {
    /// How matchers are read: `classic-mode`, or `utf8-strict-mode`; both are tried unless given.
    #[arg(long = "enable-feature", value_delimiter = ',', value_enum, value_name = "NAME")]
    features: Vec<Feature>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Feature {
    ClassicMode,
    Utf8StrictMode,
}

fn no_cluster(text: &str) -> Result<String, String> {
    match text {
        "" => Ok(String::new()),
        _ => Err("bellbuoy is one process and joins no cluster; name the cluster under `alerting.alertmanagers` in prometheus.yml".into()),
    }
}

impl AlertmanagerFlags {
    pub fn options(&self) -> AlertmanagerOptions {
        let count = |value: i64| usize::try_from(value).ok().filter(|value| *value > 0);
        let default = SilenceLimits::default();
        AlertmanagerOptions {
            silences: SilenceLimits {
                count_max: count(self.silences_max).unwrap_or(default.count_max),
                bytes_max: count(self.silence_bytes_max).unwrap_or(default.bytes_max),
                retention: self.data_retention.unwrap_or(default.retention),
            },
            alerts_per_name_max: count(self.alerts_per_name_max).unwrap_or(0),
            get_concurrency: count(self.get_concurrency),
            http_timeout: Some(self.http_timeout).filter(|timeout| *timeout > Millis::ZERO),
            start_delay: self.start_delay,
            retention: self.data_retention,
            route_prefix: self.route_prefix.clone(),
        }
    }
}

impl GrammarFlag {
    /// Before any file is read.
    pub fn choose(&self) {
        match self.features.last() {
            Some(Feature::ClassicMode) => set_grammar(Grammar::Classic),
            Some(Feature::Utf8StrictMode) => set_grammar(Grammar::Utf8),
            None => {}
        }
    }
}
