//! prometheus.yml, as of Prometheus 3.5.
//!
//! In:    the tree of the file, its folder. Out: global settings, jobs with their targets, remote and alerting settings, patterns of rule files.
//! Never: passes over a key that it does not support: that is a problem with its place.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellbuoy_exposition::Protocol;
use bellbuoy_scrape::{FileDiscovery, Limits, ScrapeSettings, TargetGroup};
use bellbuoy_vocabulary::{Labels, LabelsBuilder, METRIC_NAME, Millis, Span};

use super::Files;
use super::read::{Fields, Pair, Report, Text, label_name_ok};
use super::settings::{Alerting, AlertmanagerPeer, Global};
use super::yaml::{Node, Value};
use super::{http, relabel};

/// Service discoveries of Prometheus that we do not have.
const DISCOVERIES: [&str; 30] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "dns_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "http_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

const PROTOCOLS: [&str; 5] =
    ["OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4", "PrometheusProto"];

/// What prometheus.yml says itself; the files it names are read by the caller.
#[derive(Debug, Default)]
pub struct Prometheus {
    pub global: Global,
    pub scrape: Vec<Arc<ScrapeSettings>>,
    pub alerting: Alerting,
    /// `rule_files`
    pub rule_globs: Vec<Glob>,
    /// `scrape_config_files`
    pub scrape_globs: Vec<Glob>,
    /// Limits of `global`, for the files of `scrape_config_files`.
    pub scrape_defaults: ScrapeDefaults,
    /// Job names and where they were first seen.
    pub jobs: HashMap<String, String>,
    /// `storage.exemplars.max_exemplars`, if it is given.
    pub exemplars_max: Option<usize>,
}

/// A path pattern of a configuration file.
#[derive(Clone, Debug)]
pub struct Glob {
    pub pattern: String,
    /// As written, without the values of variables.
    pub shown: String,
    pub span: Span,
}

impl Glob {
    pub fn of(text: &Text) -> Glob {
        Glob { pattern: text.as_str().to_string(), shown: text.shown().to_string(), span: text.span() }
    }
}

/// What a scrape config takes from `global`.
#[derive(Clone, Debug, Default)]
pub struct ScrapeDefaults {
    interval: Millis,
    timeout: Millis,
    limits: WrittenLimits,
    protocols: Vec<Protocol>,
}

/// Limits as written; 0 and absent mean the same there and the next outer value counts.
#[derive(Clone, Copy, Debug, Default)]
struct WrittenLimits {
    body: Option<u64>,
    samples: Option<u64>,
    targets: Option<u64>,
    labels: Option<u64>,
    label_name: Option<u64>,
    label_value: Option<u64>,
}

pub fn read(root: &Node, folder: &Path, files: &Files, report: &Report) -> Prometheus {
    let mut out = Prometheus::default();
    out.scrape_defaults = ScrapeDefaults { interval: out.global.scrape_interval, timeout: out.global.scrape_timeout, ..Default::default() };
    let Some(fields) = Fields::of(root, "prometheus.yml", report) else { return out };
    if let Some(global) = fields.map("global", "global") {
        (out.global, out.scrape_defaults) = read_global(global);
    }
    if let Some(runtime) = fields.map("runtime", "runtime") {
        // The garbage collector of Go: nothing here has one.
        let _ = runtime.integer("gogc");
        runtime.finish();
    }
    if let Some(alerting) = fields.map("alerting", "alerting") {
        out.alerting = read_alerting(alerting, folder, files);
    }
    out.rule_globs = globs(&fields, "rule_files");
    out.scrape_globs = globs(&fields, "scrape_config_files");
    let jobs = fields.maps("scrape_configs", "scrape config");
    out.add_jobs(jobs, folder, files);
    if let Some(storage) = fields.map("storage", "storage") {
        out.exemplars_max = read_storage(storage);
    }
    fields.not_yet(&["tracing", "remote_write", "remote_read", "otlp", "scrape_classes"]);
    fields.finish();
    out
}

/// How many exemplars are kept. As in Prometheus, 0 and less are none.
fn read_storage(storage: Fields) -> Option<usize> {
    storage.not_yet_but(&["tsdb"], "remove it; how long samples are kept is said in bellbuoy.yml: storage: {retention: 15d}");
    let exemplars = storage.map("exemplars", "exemplars");
    storage.finish();
    let exemplars = exemplars?;
    let text = exemplars.text("max_exemplars");
    let max = text.as_ref().and_then(|text| text.as_str().parse::<i64>().ok());
    if let (Some(text), None) = (&text, max) {
        exemplars.error(text.span(), format!("\"max_exemplars\" must be a whole number, not {:?}", text.shown()), "the usual is 100000");
    }
    exemplars.finish();
    max.map(|max| usize::try_from(max).unwrap_or(0))
}

impl Prometheus {
    /// A file named by `scrape_config_files`.
    pub fn add_scrape_file(&mut self, root: &Node, folder: &Path, files: &Files, report: &Report) {
        let Some(fields) = Fields::of(root, "scrape config file", report) else { return };
        let jobs = fields.maps("scrape_configs", "scrape config");
        self.add_jobs(jobs, folder, files);
        fields.finish();
    }

    fn add_jobs(&mut self, jobs: Vec<Fields>, folder: &Path, files: &Files) {
        for fields in jobs {
            let Some(name) = fields.required("job_name") else {
                // Its other problems are reported all the same.
                read_job(fields, String::new(), &self.scrape_defaults, folder, files);
                continue;
            };
            let place = format!("{}:{}", fields.report.file, name.span().line);
            if let Some(first) = self.jobs.get(name.as_str()) {
                fields.error(
                    name.span(),
                    format!("job_name {:?} is already used in {first}", name.shown()),
                    "give each scrape config its own name",
                );
            } else {
                self.jobs.insert(name.as_str().to_string(), place);
            }
            self.scrape.extend(read_job(fields, name.as_str().to_string(), &self.scrape_defaults, folder, files).map(Arc::new));
        }
    }
}

/// Paths with `*` only in their last part, as Prometheus asks (`^[^*]*(\*[^/]*)?$`).
fn globs(fields: &Fields, key: &'static str) -> Vec<Glob> {
    let mut found = Vec::new();
    for text in fields.texts(key) {
        let path = text.as_str();
        if path.find('*').is_some_and(|star| path[star..].contains('/')) {
            fields.error(
                text.span(),
                format!("{:?}: `*` can only stand in the last part of a path", text.shown()),
                "name the folders one by one",
            );
        } else if path.is_empty() {
            fields.error(text.span(), format!("empty path in {key:?}"), "");
        } else {
            found.push(Glob::of(&text));
        }
    }
    found
}

fn read_global(fields: Fields) -> (Global, ScrapeDefaults) {
    let mut global = Global::default();
    let said = |length: Option<Millis>, default: Millis| length.filter(|length| *length != Millis::ZERO).unwrap_or(default);
    global.scrape_interval = said(fields.duration("scrape_interval"), global.scrape_interval);
    global.scrape_timeout = timeout(&fields, global.scrape_interval, global.scrape_timeout);
    global.evaluation_interval = said(fields.duration("evaluation_interval"), global.evaluation_interval);
    global.rule_query_offset = fields.duration("rule_query_offset").unwrap_or(Millis::ZERO);
    global.external_labels = labels(&fields, "external_labels");
    global.keep_dropped_targets = fields.integer("keep_dropped_targets").unwrap_or(0);
    let limits = WrittenLimits::read(&fields);
    let protocols = protocols(&fields);
    name_schemes(&fields);
    fields.not_yet(&["query_log_file", "scrape_failure_log_file", "scrape_native_histograms", "extra_scrape_metrics"]);
    // Classic histograms are always scraped.
    let _ = fields.boolean("always_scrape_classic_histograms");
    fields.only("convert_classic_histograms_to_nhcb", false);
    fields.finish();
    let defaults = ScrapeDefaults { interval: global.scrape_interval, timeout: global.scrape_timeout, limits, protocols };
    (global, defaults)
}

/// The timeout must not exceed the interval; the default gives way to a short interval.
fn timeout(fields: &Fields, interval: Millis, default: Millis) -> Millis {
    match fields.duration("scrape_timeout").filter(|timeout| *timeout != Millis::ZERO) {
        Some(timeout) if timeout > interval => {
            let span = fields.node("scrape_timeout").map_or(fields.span, |node| node.span);
            let message = format!("scrape_timeout {timeout} is greater than scrape_interval {interval}");
            fields.error(span, message, "make it at most as long");
            timeout
        }
        Some(timeout) => timeout,
        None => default.min(interval),
    }
}

impl WrittenLimits {
    fn read(fields: &Fields) -> WrittenLimits {
        WrittenLimits {
            body: fields.size("body_size_limit"),
            samples: fields.integer("sample_limit"),
            targets: fields.integer("target_limit"),
            labels: fields.integer("label_limit"),
            label_name: fields.integer("label_name_length_limit"),
            label_value: fields.integer("label_value_length_limit"),
        }
    }

    /// A job's limit, else the global one. A written 0 is "no limit"; only where nobody wrote anything our own bound holds.
    fn over(self, outer: WrittenLimits) -> Limits {
        let pick = |own: Option<u64>, outer: Option<u64>, default: u64| match own.filter(|n| *n > 0).or(outer.filter(|n| *n > 0)) {
            Some(limit) => limit,
            None if own.or(outer).is_some() => u64::MAX,
            None => default,
        };
        let default = Limits::default();
        Limits {
            body_bytes_max: pick(self.body, outer.body, default.body_bytes_max),
            samples_max: pick(self.samples, outer.samples, default.samples_max),
            targets_max: pick(self.targets, outer.targets, default.targets_max),
            labels_max: pick(self.labels, outer.labels, default.labels_max),
            label_name_bytes_max: pick(self.label_name, outer.label_name, default.label_name_bytes_max),
            label_value_bytes_max: pick(self.label_value, outer.label_value, default.label_value_bytes_max),
        }
    }
}

/// `scrape_protocols`: in the order of preference; none when it is absent.
fn protocols(fields: &Fields) -> Vec<Protocol> {
    if fields.node("scrape_protocols").is_none() {
        return Vec::new();
    }
    let texts = fields.texts("scrape_protocols");
    if texts.is_empty() {
        fields.error(fields.key_span("scrape_protocols"), "\"scrape_protocols\" is empty", "leave it out for the default");
    }
    for (index, text) in texts.iter().enumerate() {
        if !protocol_ok(fields, text) {
            continue;
        }
        if texts[..index].iter().any(|earlier| earlier.as_str().eq_ignore_ascii_case(text.as_str())) {
            fields.error(text.span(), format!("{:?} is given twice in \"scrape_protocols\"", text.shown()), "remove one of the two");
        }
    }
    texts.iter().filter_map(|text| Protocol::of(text.as_str())).collect()
}

fn protocol_ok(fields: &Fields, text: &Text) -> bool {
    let known = PROTOCOLS.contains(&text.as_str());
    if !known {
        let message = format!("unknown scrape protocol {:?}", text.shown());
        fields.error(text.span(), message, format!("known are {}", PROTOCOLS.join(", ")));
    }
    known
}

/// Names are UTF-8 and travel as they are; anything else is not there yet.
fn name_schemes(fields: &Fields) {
    for (key, ours, others) in [
        ("metric_name_validation_scheme", "utf8", ["legacy"].as_slice()),
        ("metric_name_escaping_scheme", "allow-utf-8", ["underscores", "dots", "values"].as_slice()),
    ] {
        let Some(text) = fields.text(key) else { continue };
        let word = text.as_str();
        if others.contains(&word) {
            fields.error(text.span(), format!("{key:?} {} is not supported yet", text.shown()), format!("leave it out or write {ours}"));
        } else if word != ours && !word.is_empty() {
            fields.error(text.span(), format!("unknown {key:?} {:?}", text.shown()), format!("write {ours}"));
        }
    }
}

/// How old a series' last sample may be, unless a flag says otherwise.
const LOOKBACK: Millis = Millis::from_minutes(5);

fn read_job(fields: Fields, job_name: String, defaults: &ScrapeDefaults, folder: &Path, files: &Files) -> Option<ScrapeSettings> {
    let _ = fields.node("job_name");
    let interval = fields.duration("scrape_interval").filter(|length| *length != Millis::ZERO).unwrap_or(defaults.interval);
    if interval > LOOKBACK {
        let span = fields.node("scrape_interval").map_or(fields.span, |node| node.span);
        let message = format!("scrape_interval {interval} is longer than the 5m for which a sample is found");
        fields.report.warning(span, message, "between two scrapes the series are not there: scrape at least every 5m, better every 2m");
    }
    let scrape_timeout = timeout(&fields, interval, defaults.timeout);
    let metrics_path = fields.string("metrics_path").unwrap_or_else(|| "/metrics".into());
    let scheme = http::scheme(&fields);
    let params = params(&fields);
    let honor_labels = fields.boolean("honor_labels").unwrap_or(false);
    let honor_timestamps = fields.boolean("honor_timestamps").unwrap_or(true);
    let http = http::read(&fields, folder, files);
    let limits = WrittenLimits::read(&fields).over(defaults.limits);
    let relabel_configs = relabel::read_list(&fields, "relabel_configs");
    let metric_relabel_configs = relabel::read_list(&fields, "metric_relabel_configs");
    let static_configs = static_configs(&fields, relabel_configs.is_empty());
    let file_sd_configs = file_discoveries(&fields, folder);
    let own_protocols = protocols(&fields);
    let fallback_protocol =
        fields.text("fallback_scrape_protocol").filter(|text| protocol_ok(&fields, text)).and_then(|text| Protocol::of(text.as_str()));
    job_details(&fields);
    fields.not_yet_but(&DISCOVERIES, "use static_configs or file_sd_configs");
    fields.finish();
    (!job_name.is_empty()).then_some(ScrapeSettings {
        job_name,
        scrape_interval: interval,
        scrape_timeout,
        metrics_path: if metrics_path.is_empty() { "/metrics".into() } else { metrics_path },
        scheme,
        params,
        honor_labels,
        honor_timestamps,
        protocols: if own_protocols.is_empty() { defaults.protocols.clone() } else { own_protocols },
        fallback_protocol,
        http,
        limits,
        static_configs,
        file_sd_configs,
        relabel_configs,
        metric_relabel_configs,
    })
}

/// Fields that are fine as long as they say what we do anyway.
fn job_details(fields: &Fields) {
    name_schemes(fields);
    // What a target answers is accepted with and without gzip.
    let _ = fields.boolean("enable_compression");
    let _ = fields.boolean("always_scrape_classic_histograms");
    let _ = fields.integer("keep_dropped_targets");
    fields.only("track_timestamps_staleness", false);
    fields.only("convert_classic_histograms_to_nhcb", false);
    for key in ["native_histogram_bucket_limit", "native_histogram_min_bucket_factor"] {
        let span = fields.key_span(key);
        if fields.float(key).is_some_and(|value| value != 0.0) {
            fields.error(span, format!("{key:?} is not supported yet"), "remove it");
        }
    }
    fields.not_yet(&["scrape_failure_log_file", "scrape_native_histograms", "scrape_class", "extra_scrape_metrics"]);
}

fn params(fields: &Fields) -> Vec<(String, Vec<String>)> {
    let Some(node) = fields.node("params") else { return Vec::new() };
    let Value::Map(entries) = &node.value else {
        fields.error(node.span, format!("\"params\" must be a map, not {}", node.kind()), "write it as `name: [value]` lines");
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let Value::List(items) = &entry.value.value else {
            let message = format!("parameter {:?} must be a list, not {}", entry.key, entry.value.kind());
            fields.error(entry.value.span, message, format!("write {}: [...]", entry.key));
            continue;
        };
        let texts: Vec<Option<Text>> = items.iter().map(Text::of).collect();
        if texts.iter().any(Option::is_none) {
            fields.error(entry.value.span, format!("the values of parameter {:?} must be texts", entry.key), "");
        }
        found.push((entry.key.clone(), texts.into_iter().flatten().map(|text| text.as_str().to_string()).collect()));
    }
    found
}

/// A map of labels; Prometheus takes any name that is not empty.
pub fn labels(fields: &Fields, key: &'static str) -> Labels {
    let mut builder = LabelsBuilder::new();
    for Pair { name, name_span, text } in fields.pairs(key) {
        if !label_name_ok(name) {
            fields.error(name_span, format!("empty label name in {key:?}"), "");
        } else if name == METRIC_NAME && key == "external_labels" {
            fields.error(name_span, "`__name__` can not be an external label", "");
        } else {
            builder.set(name, text.map_or("", |text| text.as_str()));
        }
    }
    builder.labels()
}

fn static_configs(fields: &Fields, check_addresses: bool) -> Vec<TargetGroup> {
    let groups = fields.maps("static_configs", "static config");
    groups.into_iter().map(|group| target_group(group, check_addresses)).collect()
}

/// One `targets` and `labels` pair, of `static_configs` or a discovery file.
pub fn target_group(fields: Fields, check_addresses: bool) -> TargetGroup {
    let mut targets = Vec::new();
    for text in fields.texts("targets") {
        if check_addresses && text.as_str().contains('/') {
            let bare = text.shown().split("://").last().and_then(|rest| rest.split('/').next()).unwrap_or_default();
            let message = format!("{:?} is not a valid host and port", text.shown());
            fields.error(text.span(), message, format!("write {bare:?}; the rest belongs to scheme and metrics_path"));
        }
        targets.push(text.as_str().to_string());
    }
    let labels = labels(&fields, "labels");
    let source = fields.report.file.clone();
    fields.finish();
    TargetGroup { source, targets, labels }
}

fn file_discoveries(fields: &Fields, folder: &Path) -> Vec<FileDiscovery> {
    fields.maps("file_sd_configs", "file discovery").into_iter().map(|discovery| file_discovery(discovery, folder)).collect()
}

fn file_discovery(fields: Fields, folder: &Path) -> FileDiscovery {
    let mut files = Vec::new();
    for text in fields.texts("files") {
        let path = text.as_str();
        let kind_ok = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"].iter().any(|end| path.ends_with(end));
        if !kind_ok || path.find('*').is_some_and(|star| path[star..].contains('/')) {
            let help = "it must end with .json, .yml or .yaml, with `*` only in the last part";
            fields.error(text.span(), format!("{:?} can not name discovery files", text.shown()), help);
        }
        files.push(http::join(folder, path).to_string_lossy().into_owned());
    }
    if files.is_empty() {
        fields.error(fields.span, "file discovery without \"files\"", "name at least one path");
    }
    let refresh_interval = fields.duration("refresh_interval").unwrap_or(Millis::from_minutes(5));
    fields.finish();
    FileDiscovery { files, refresh_interval }
}

fn read_alerting(fields: Fields, folder: &Path, files: &Files) -> Alerting {
    let alert_relabel = relabel::read_list(&fields, "alert_relabel_configs");
    let peers = fields.maps("alertmanagers", "alertmanager");
    let alertmanagers = peers.into_iter().map(|peer| alertmanager(peer, folder, files)).collect();
    fields.finish();
    Alerting { alertmanagers, alert_relabel, beside_routes: false }
}

fn alertmanager(fields: Fields, folder: &Path, files: &Files) -> AlertmanagerPeer {
    let relabel = relabel::read_list(&fields, "relabel_configs");
    let peer = AlertmanagerPeer {
        scheme: http::scheme(&fields),
        path_prefix: fields.string("path_prefix").unwrap_or_default(),
        timeout: fields.duration("timeout").unwrap_or(Millis::from_seconds(10)),
        static_configs: static_configs(&fields, relabel.is_empty()),
        file_sd_configs: file_discoveries(&fields, folder),
        relabel,
        alert_relabel: relabel::read_list(&fields, "alert_relabel_configs"),
        http: http::read(&fields, folder, files),
    };
    if let Some(version) = fields.text("api_version")
        && version.as_str() != "v2"
    {
        fields.error(version.span(), format!("unsupported Alertmanager api_version {:?}", version.shown()), "write v2");
    }
    fields.not_yet_but(&DISCOVERIES, "use static_configs or file_sd_configs");
    fields.not_yet(&["sigv4"]);
    fields.finish();
    peer
}

/// The globs resolved against the folder of the file that names them.
pub fn resolve(folder: &Path, glob: &str) -> PathBuf {
    http::join(folder, glob)
}
