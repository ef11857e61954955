//! The configuration of a folder: text -> spanned tree -> checked settings for every stage, with all problems at once.
//!
//! Read: `load` below, then yaml.rs (the tree), read.rs (how fields are read), and one file per configuration file.

mod airflow;
mod alertmanager;
mod bellbuoy;
mod discover;
mod file_sd;
mod grafana;
mod host;
mod http;
mod matchers;
mod mlflow;
mod model_config;
mod models;
mod oauth2;
mod prometheus;
mod proxy;
mod read;
mod receivers;
mod relabel;
mod relocated;
mod rule_tests;
mod rules;
mod settings;
mod shown;
mod templates;
mod time_intervals;
mod vars;
mod watched;
mod yaml;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bellbuoy_vocabulary::{Problem, Severity, Span, nearest};

pub use self::airflow::AirflowConfig;
pub use self::discover::{Found, Role, discover};
pub use self::file_sd::{parse as parse_discovery, read_discovery};
pub use self::grafana::datasources::Explore;
pub use self::grafana::providers::{DashboardProvider, dashboard_providers};
pub use self::matchers::{Grammar, alert_label_name_ok, parse_matcher, parse_matchers, set_grammar};
pub use self::mlflow::MlflowConfig;
pub use self::model_config::{
    ColumnRoles, FileFormat, Gives, ModelConfig, Place, Places, PostgresAddress, PostgresConnection, PostgresTls, ReferenceConfig,
    ReferenceFrom, RetentionSettings, Select, SourceConfig, SourceFrom, TlsMode,
};
pub use self::read::Report;
pub use self::relocated::{Surroundings, relocated};
pub use self::rule_tests::{TestFile, TestReading, read_tests};
pub use self::settings::{Alerting, AlertmanagerPeer, Global, GrafanaNotify, HostSettings, PushedSettings, Settings, StorageSettings};
pub use self::vars::place;
pub use self::watched::WatchedServer;
pub use self::yaml::{Node, Tree, Value, parse as parse_yaml, range_within};

use self::prometheus::{Glob, Prometheus};
use self::receivers::Smtp;
use self::rules::RuleContext;
use self::vars::Variables;

/// What to read, and what the reading needs from outside.
pub struct Sources<'a> {
    /// A folder, or one file of it.
    pub dir_or_file: &'a Path,
    /// The process' environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a label or annotation of an alerting rule is a valid Go template; the error is a lowercase fragment.
    pub check_template: &'a dyn Fn(&str) -> Result<(), String>,
    /// Nothing will be sent: secrets in files that are not here are a warning, and something stands in for them.
    pub look_only: bool,
}

/// The outcome of a reading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// `None` when there is any error.
    pub settings: Option<Settings>,
    /// Errors and warnings of all files.
    pub problems: Vec<Problem>,
    /// Every file that was read or asked for: to watch for changes.
    pub files: Vec<PathBuf>,
    /// The texts of the files by path, to draw the carets. A problem's `file` is its path's display form.
    pub texts: HashMap<PathBuf, String>,
    /// What could be read all the same when there are errors: enough to look further, never to run.
    pub broken: Option<Settings>,
    /// The trees of the files by path, to find the place of a value.
    pub sources: HashMap<PathBuf, Source>,
    /// What was found in the folder.
    pub found: Found,
    /// `.env`: its names, and those that some file asked for.
    pub variables: VariableUse,
    /// For the pages, sorted by path.
    pub shown: Vec<ReadFile>,
}

/// A file that was read or asked for, as a page may show it.
#[derive(Clone, Debug)]
pub struct ReadFile {
    pub path: PathBuf,
    /// `prometheus`, `rules`, ...
    pub role: &'static str,
    pub bytes: u64,
    /// Without secrets and comments; or why it is not shown.
    pub text: Result<String, String>,
}

/// A file as it was read. Its text and values may hold secrets, so it does not print.
pub struct Source {
    pub text: String,
    pub tree: Tree,
    /// Bytes of the values that are secrets.
    pub secrets: Vec<std::ops::Range<usize>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source of {} bytes", self.text.len())
    }
}

/// Names only, never values.
#[derive(Debug, Default)]
pub struct VariableUse {
    /// Of the `.env` file, with their lines.
    pub set: Vec<(String, usize)>,
    pub env_file: String,
}

/// Files that the readers opened beside the one they read: secrets, certificates.
#[derive(Debug, Default)]
pub struct Files {
    seen: RefCell<Vec<PathBuf>>,
    pub proxies: proxy::ProxyEnvironment,
    /// See `Sources::look_only`.
    pub look_only: bool,
}

impl Files {
    pub fn watch(&self, path: &Path) {
        let mut seen = self.seen.borrow_mut();
        if !seen.iter().any(|known| known == path) {
            seen.push(path.to_path_buf());
        }
    }
}

/// Reads everything below a folder, or what one file names.
pub fn load(sources: &Sources) -> Loaded {
    let (found, problems) = discover(sources.dir_or_file);
    let mut loader = Loader {
        variables: Variables { env: sources.env, file: HashMap::new(), file_name: String::new() },
        files: Files { proxies: proxy::ProxyEnvironment::read(sources.env), look_only: sources.look_only, ..Files::default() },
        problems,
        texts: HashMap::new(),
        hash: Hash::default(),
        smtp: Smtp::default(),
        masked: HashMap::new(),
        sources: HashMap::new(),
        variable_use: VariableUse::default(),
    };
    loader.read_env_file(sources.dir_or_file, &found);
    let mut settings = Settings { pictures: true, ..Settings::default() };
    let prometheus = loader.read_prometheus(&found, &mut settings);
    loader.read_rules(sources, &found, &prometheus, &mut settings);
    loader.read_alertmanager(&found, &mut settings);
    loader.read_grafana(&found, &mut settings);
    loader.read_bellbuoy(&found, &mut settings);
    loader.warn_of_nothing(sources.dir_or_file, &found);
    settings.exemplars_max = prometheus.exemplars_max;
    settings.global = prometheus.global;
    settings.scrape = prometheus.scrape;
    settings.alerting = Alerting { beside_routes: settings.alerting.beside_routes, ..prometheus.alerting };
    settings.hash = loader.hash.0;
    let shown = shown::files(&loader, &found);
    let failed = loader.problems.iter().any(|problem| problem.severity == Severity::Error);
    Loaded {
        broken: failed.then(|| settings.clone()),
        settings: (!failed).then_some(settings),
        sources: loader.sources,
        found,
        variables: loader.variable_use,
        problems: loader.problems,
        files: loader.files.seen.into_inner(),
        texts: loader.texts,
        shown,
    }
}

/// How a problem begins that says that there is nothing to look at.
pub const NOTHING_FOUND: &str = "no configuration found";

/// FNV-1a over all that was read: the same on every run.
#[derive(Debug)]
struct Hash(u64);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0xcbf29ce484222325)
    }
}

impl Hash {
    fn eat(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100000001b3);
        }
    }
}

struct Loader<'a> {
    variables: Variables<'a>,
    files: Files,
    problems: Vec<Problem>,
    texts: HashMap<PathBuf, String>,
    hash: Hash,
    /// Of alertmanager.yml, for Grafana's contact points.
    smtp: Smtp,
    /// What may be shown of the files that were read to the end.
    masked: HashMap<PathBuf, String>,
    sources: HashMap<PathBuf, Source>,
    variable_use: VariableUse,
}

/// A YAML file that could be read: its tree with the variables filled in.
struct Opened {
    path: PathBuf,
    text: String,
    tree: Tree,
    report: Report,
}

impl Opened {
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn masked(&self) -> String {
        self.report.masked(&self.text, &self.tree.comments)
    }
}

impl Loader<'_> {
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The text of a file, bounded and in UTF-8.
    fn text(&mut self, path: &Path) -> Option<String> {
        let name = path.display().to_string();
        self.files.watch(path);
        let size = std::fs::metadata(path).map(|found| found.len());
        if size.is_ok_and(|size| size > yaml::FILE_BYTES_MAX as u64) {
            let message = format!("file is too large: at most {} bytes are read", yaml::FILE_BYTES_MAX);
            self.problem(Problem::error(name, Span::default(), message));
            return None;
        }
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problem(Problem::error(name, Span::default(), format!("can not read: {}", read::why(&error))));
                return None;
            }
        };
        self.hash.eat(&bytes);
        match String::from_utf8(bytes) {
            Ok(text) => {
                self.texts.insert(path.to_path_buf(), text.clone());
                Some(text)
            }
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
                let span = vars::place(&text, good);
                self.problem(Problem::error(name, span, "not valid UTF-8").help("save the file as UTF-8"));
                None
            }
        }
    }

    fn open(&mut self, path: &Path) -> Option<Opened> {
        let text = self.text(path)?;
        let report = Report::new(path.display().to_string());
        match yaml::parse(&text, &report) {
            Some(mut tree) => {
                vars::expand_tree(&mut tree.root, &text, &self.variables, &report);
                self.hash_values(&tree.root);
                Some(Opened { path: path.to_path_buf(), text, tree, report })
            }
            None => {
                self.problems.extend(report.into_problems());
                None
            }
        }
    }

    /// Takes over what was found wrong. From here on the text has no secrets.
    fn close(&mut self, file: Opened) {
        self.masked.insert(file.path.clone(), file.masked());
        self.texts.insert(file.path.clone(), file.report.starred(&file.text));
        let secrets = file.report.secrets();
        self.problems.extend(file.report.into_problems());
        self.sources.insert(file.path, Source { text: file.text, tree: file.tree, secrets });
    }

    /// A changed variable changes the settings as much as a changed file.
    fn hash_values(&mut self, node: &yaml::Node) {
        match &node.value {
            yaml::Value::Null | yaml::Value::Unset => {}
            yaml::Value::Scalar(scalar) if scalar.expanded() => self.hash.eat(scalar.text.as_bytes()),
            yaml::Value::Scalar(_) => {}
            yaml::Value::List(items) => items.iter().for_each(|item| self.hash_values(item)),
            yaml::Value::Map(entries) => entries.iter().for_each(|entry| self.hash_values(&entry.value)),
        }
    }

    fn read_env_file(&mut self, dir_or_file: &Path, found: &Found) {
        let folder = if dir_or_file.is_dir() { dir_or_file } else { dir_or_file.parent().unwrap_or(Path::new("")) };
        let path = found.env_file.clone().unwrap_or_else(|| folder.join(".env"));
        self.variables.file_name = path.display().to_string();
        self.files.watch(&path);
        if found.env_file.is_none() {
            return;
        }
        let Some(text) = self.text(&path) else { return };
        let (variables, problems) = vars::parse_env_file(&path.display().to_string(), &text);
        self.variable_use = VariableUse { set: vars::lines_of(&text), env_file: path.display().to_string() };
        self.variables.file = variables;
        self.problems.extend(problems);
        // A caret would draw the line, and the line may hold a password.
        self.texts.remove(&path);
    }

    fn read_prometheus(&mut self, found: &Found, settings: &mut Settings) -> Prometheus {
        let Some(file) = found.prometheus.as_ref().and_then(|path| self.open(path)) else { return Prometheus::default() };
        let mut prometheus = prometheus::read(&file.tree.root, file.folder(), &self.files, &file.report);
        for glob in prometheus.scrape_globs.clone() {
            for path in self.named_files(&file, &glob, &[], "scrape_config_files") {
                let Some(more) = self.open(&path) else { continue };
                prometheus.add_scrape_file(&more.tree.root, more.folder(), &self.files, &more.report);
                self.close(more);
            }
        }
        settings.prometheus_text = file.masked();
        self.close(file);
        prometheus
    }

    /// The files that a glob of a configuration file names. An absolute path of a container (`/etc/prometheus/rules.yml`) that
    /// does not exist here stands for the file of the same name that was found beside the configuration.
    fn named_files(&mut self, file: &Opened, glob: &Glob, found: &[PathBuf], key: &str) -> Vec<PathBuf> {
        let pattern = prometheus::resolve(file.folder(), &glob.pattern);
        let (paths, problem) = file_sd::expand_glob(&pattern.to_string_lossy());
        if let Some(problem) = problem {
            self.problem(Problem::error(&file.report.file, glob.span, problem.message));
            return Vec::new();
        }
        if !paths.is_empty() {
            return paths;
        }
        let last = glob.pattern.rsplit('/').next().and_then(|name| ::glob::Pattern::new(name).ok());
        let same_name = |path: &&PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| last.as_ref().is_some_and(|last| last.matches(name)))
        };
        let stand_ins: Vec<PathBuf> =
            if glob.pattern.starts_with('/') { found.iter().filter(same_name).cloned().collect() } else { Vec::new() };
        let shown = &glob.shown;
        let problem = match stand_ins.as_slice() {
            [] => Problem::warning(&file.report.file, glob.span, format!("{shown:?} in {key} matches no file")),
            _ => {
                let names: Vec<String> = stand_ins.iter().map(|path| path.display().to_string()).collect();
                let message = format!("{shown:?} in {key} does not exist here; using {}", names.join(", "));
                Problem::warning(&file.report.file, glob.span, message).help("a relative path works in a container and here")
            }
        };
        self.problem(problem);
        stand_ins
    }

    fn read_rules(&mut self, sources: &Sources, found: &Found, prometheus: &Prometheus, settings: &mut Settings) {
        for path in self.rule_files(found, prometheus) {
            let Some(file) = self.open(&path) else { continue };
            let context =
                RuleContext { global: &prometheus.global, text: &file.text, check_template: sources.check_template, ignore_unknown: false };
            settings.groups.extend(rules::read(&file.tree.root, &context, &file.report));
            self.close(file);
        }
    }

    /// Those that prometheus.yml names; without a prometheus.yml all that were found.
    fn rule_files(&mut self, found: &Found, prometheus: &Prometheus) -> Vec<PathBuf> {
        let Some(prometheus_path) = &found.prometheus else { return found.rules.clone() };
        let report = Report::new(prometheus_path.display().to_string());
        let tree = Tree { root: yaml::Node::null(), comments: Vec::new() };
        let file = Opened { path: prometheus_path.clone(), text: String::new(), tree, report };
        let mut paths: Vec<PathBuf> = Vec::new();
        for glob in &prometheus.rule_globs {
            for path in self.named_files(&file, glob, &found.rules, "rule_files") {
                if !paths.iter().any(|known| same_file(known, &path)) {
                    paths.push(path);
                }
            }
        }
        for unnamed in found.rules.iter().filter(|rules| !paths.iter().any(|path| same_file(path, rules))) {
            let message = format!("this rule file is not used: rule_files of {} does not name it", prometheus_path.display());
            self.problem(Problem::warning(unnamed.display().to_string(), Span::default(), message).help("add it to rule_files"));
        }
        paths
    }

    fn read_alertmanager(&mut self, found: &Found, settings: &mut Settings) {
        let Some(file) = found.alertmanager.as_ref().and_then(|path| self.open(path)) else { return };
        let alertmanager = alertmanager::read(&file.tree.root, file.folder(), &self.files, &file.report);
        for glob in &alertmanager.template_globs {
            for path in self.named_files(&file, glob, &found.templates, "templates") {
                let Some(text) = self.text(&path) else { continue };
                match vars::expand_text(&path.display().to_string(), &text, &self.variables) {
                    Ok(text) => {
                        self.hash.eat(text.as_bytes());
                        settings.template_files.push((path, text));
                    }
                    Err(problems) => self.problems.extend(problems),
                }
            }
        }
        let receivers = &alertmanager.receivers;
        self.problems.extend(templates::check(&file.tree.root, receivers, &settings.template_files, &file.report));
        self.smtp = alertmanager.smtp;
        settings.router = alertmanager.router;
        settings.receivers = alertmanager.receivers;
        settings.alertmanager_text = file.masked();
        self.close(file);
    }

    fn read_bellbuoy(&mut self, found: &Found, settings: &mut Settings) {
        let Some(file) = found.bellbuoy.as_ref().and_then(|path| self.open(path)) else { return };
        let bellbuoy = bellbuoy::read(&file.tree.root, file.folder(), &self.files, &file.report);
        settings.storage = bellbuoy.storage;
        settings.models = bellbuoy.models;
        settings.host = bellbuoy.host;
        settings.airflow = bellbuoy.airflow;
        settings.mlflow = bellbuoy.mlflow;
        settings.pushed = bellbuoy.pushed;
        settings.pictures = bellbuoy.pictures.unwrap_or(settings.pictures);
        settings.alerting.beside_routes = bellbuoy.forward_alerts;
        settings.check = bellbuoy.check;
        if let Some((name, span)) = bellbuoy.fallback_receiver {
            let known = || settings.receivers.iter().map(|receiver| receiver.name.as_str());
            if !known().any(|known| known == name) {
                let help = nearest(&name, known())
                    .map_or_else(|| "it must be a receiver of alertmanager.yml".to_string(), |near| format!("did you mean {near:?}?"));
                let message = format!("fallback_receiver: unknown receiver {name:?}");
                self.problems.push(Problem::error(file.path.display().to_string(), span, message).help(help));
            }
            settings.fallback_receiver = Some(name);
        }
        self.close(file);
    }

    fn warn_of_nothing(&mut self, dir_or_file: &Path, found: &Found) {
        let anything = found.prometheus.is_some() || found.alertmanager.is_some() || found.bellbuoy.is_some() || !found.rules.is_empty();
        let anything = anything || !found.grafana.is_empty() || !found.dashboards.is_empty();
        if !anything && self.problems.is_empty() {
            // A file that was named and can not be read at all says why itself.
            if dir_or_file.is_file() && self.open(dir_or_file).is_none() {
                return;
            }
            let message = format!("{NOTHING_FOUND}: no prometheus.yml, rule file, alertmanager.yml or bellbuoy.yml by content");
            self.problem(Problem::error(dir_or_file.display().to_string(), Span::default(), message).help("`bellbuoy init` writes one"));
        }
    }
}

/// Whether two paths are one file: `rules/../rules/a.yml` and `rules/a.yml`.
fn same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
