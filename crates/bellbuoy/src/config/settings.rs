//! What the configuration files of a folder say, checked and with defaults filled in: the input of every stage.

use std::path::PathBuf;
use std::sync::Arc;

use bellbuoy_check::Policy;
use bellbuoy_notify::Receiver;
use bellbuoy_router::{ReceiverOutline, Route, RouterSettings};
use bellbuoy_rules::GroupSettings;
use bellbuoy_scrape::{FileDiscovery, Relabel, Scheme, ScrapeSettings, TargetGroup};
use bellbuoy_sources::host::HostOptions;
use bellbuoy_template::TemplateSet;
use bellbuoy_vocabulary::{HttpOptions, Labels, Millis};

use super::airflow::AirflowConfig;
use super::grafana::datasources::ExemplarLink;
use super::mlflow::MlflowConfig;
use super::model_config::ModelConfig;
use crate::machine::Places;
use crate::state::HistoryLimits;

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub global: Global,
    pub scrape: Vec<Arc<ScrapeSettings>>,
    pub groups: Vec<GroupSettings>,
    pub alerting: Alerting,
    /// `None` without an alertmanager.yml: alerts go to `alerting.alertmanagers`, or nowhere.
    pub router: Option<RouterSettings>,
    pub receivers: Vec<Receiver>,
    pub grafana: GrafanaNotify,
    /// `templates:` of alertmanager.yml, in the order of the file names, variables filled in.
    pub template_files: Vec<(PathBuf, String)>,
    pub models: Vec<ModelConfig>,
    pub storage: StorageSettings,
    /// `storage.exemplars.max_exemplars` of prometheus.yml; `None`: the store's own bound.
    pub exemplars_max: Option<usize>,
    /// Where traces of exemplars are, from Grafana's data sources.
    pub exemplar_links: Vec<ExemplarLink>,
    /// A receiver that is told what another one refused for good.
    pub fallback_receiver: Option<String>,
    /// Messages bring pictures of what their alerts looked at.
    pub pictures: bool,
    /// `None`: this host is not watched.
    pub host: Option<HostSettings>,
    pub airflow: Vec<AirflowConfig>,
    pub mlflow: Vec<MlflowConfig>,
    pub pushed: PushedSettings,
    /// What `check` asks of every alert.
    pub check: Policy,
    /// prometheus.yml as written, its secrets as `<secret>`, without comments; empty without such a file.
    pub prometheus_text: String,
    /// The same of alertmanager.yml.
    pub alertmanager_text: String,
    /// Differs when any file or variable differs.
    pub hash: u64,
}

/// What Grafana's provisioning files say of notifications. Their receivers and routes are among the others.
#[derive(Clone, Debug, Default)]
pub struct GrafanaNotify {
    /// The names of those receivers that are contact points.
    pub receivers: Vec<String>,
    /// Their templates: other functions and data than Alertmanager's. `None` without a contact point.
    pub templates: Option<Arc<TemplateSet>>,
}

/// Alertmanager's default of `global.resolve_timeout`.
const RESOLVE_TIMEOUT: Millis = Millis::from_minutes(5);

impl Settings {
    /// When an alert that nobody repeats counts as resolved.
    pub fn resolve_timeout(&self) -> Millis {
        self.router.as_ref().map_or(RESOLVE_TIMEOUT, |router| router.resolve_timeout)
    }

    /// Without an alertmanager.yml every alert goes to a receiver that tells nobody, so that pages and API still group them.
    pub fn router_or_default(&self) -> RouterSettings {
        self.router.clone().unwrap_or_else(|| RouterSettings {
            route: Route { receiver: "none".into(), ..Route::default() },
            inhibit_rules: Vec::new(),
            time_intervals: Vec::new(),
            resolve_timeout: RESOLVE_TIMEOUT,
            receivers: vec![ReceiverOutline { name: "none".into(), integrations: Vec::new() }],
        })
    }
}

/// `global:` of prometheus.yml.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    pub scrape_interval: Millis,
    pub scrape_timeout: Millis,
    pub evaluation_interval: Millis,
    pub rule_query_offset: Millis,
    /// On everything that leaves this program: alerts, remote write, federation.
    pub external_labels: Labels,
    /// How many dropped targets per job are remembered for the pages; 0 is all.
    pub keep_dropped_targets: u64,
}

impl Default for Global {
    fn default() -> Global {
        Global {
            scrape_interval: Millis::from_minutes(1),
            scrape_timeout: Millis::from_seconds(10),
            evaluation_interval: Millis::from_minutes(1),
            rule_query_offset: Millis::ZERO,
            external_labels: Labels::empty(),
            keep_dropped_targets: 0,
        }
    }
}

/// `alerting:` of prometheus.yml.
#[derive(Clone, Debug, Default)]
pub struct Alerting {
    pub alertmanagers: Vec<AlertmanagerPeer>,
    pub alert_relabel: Vec<Relabel>,
    /// `forward_alerts` of bellbuoy.yml: also when there are routes here.
    pub beside_routes: bool,
}

/// One entry of `alerting.alertmanagers`: where alerts are posted to, at `{path_prefix}/api/v2/alerts`.
#[derive(Clone, Debug)]
pub struct AlertmanagerPeer {
    pub scheme: Scheme,
    pub path_prefix: String,
    pub timeout: Millis,
    pub static_configs: Vec<TargetGroup>,
    pub file_sd_configs: Vec<FileDiscovery>,
    pub relabel: Vec<Relabel>,
    pub alert_relabel: Vec<Relabel>,
    pub http: HttpOptions,
}

/// `host:` of bellbuoy.yml: this machine under node_exporter's names, without a second process.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSettings {
    pub interval: Millis,
    /// The labels `job` and `instance` of its series; the host's name when there is no instance.
    pub job: String,
    pub instance: Option<String>,
    /// The machine is told on this address for whoever scrapes it there, and nothing goes into the store from here.
    pub listen: Option<String>,
    pub options: HostOptions,
    pub places: Places,
}

/// `pushgateway:` of bellbuoy.yml: how pushed groups become samples.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedSettings {
    pub interval: Millis,
    /// The label `job` of the series about the collecting itself; groups bring their own.
    pub job: String,
    /// A Pushgateway's port: groups are pushed and scraped there, and nothing goes into the store from here.
    pub listen: Option<String>,
}

impl Default for PushedSettings {
    fn default() -> PushedSettings {
        PushedSettings { interval: Millis::from_seconds(15), job: "pushgateway".into(), listen: None }
    }
}

/// `storage:` of bellbuoy.yml; flags win over it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StorageSettings {
    /// Samples older than this are dropped.
    pub retention: Millis,
    /// The oldest blocks are dropped above this; 0 is no limit.
    pub retention_size_bytes: u64,
    /// How long and how many notifications are remembered.
    pub notifications: HistoryLimits,
}

impl Default for StorageSettings {
    fn default() -> StorageSettings {
        StorageSettings { retention: Millis(15 * 86_400_000), retention_size_bytes: 0, notifications: HistoryLimits::default() }
    }
}
