//! What `bellbuoy check` and the running program say of a configuration: problems of its reading and findings of the checks, in one list.
//!
//! In:    what `config::load` read; what else is known (metric pages, a running server). Out: `Finding`s with their places.
//! Never: changes a file (fix.rs does, on demand), opens a socket (known.rs is given the texts).
//! Read:  `look`, then places.rs, ignore.rs, show.rs, fix.rs.

mod boards;
mod fix;
mod ignore;
mod known;
mod messages;
mod old_keys;
mod places;
mod show;
#[cfg(test)]
mod transcripts;
mod variables;

use std::path::Path;

use bellbuoy_check::{Anchor, Delivery, Finding, Input, Metrics};
use bellbuoy_vocabulary::{Millis, Problem, Severity};

use crate::config::{Loaded, Settings};

pub use self::fix::apply_fixes;
pub use self::known::{Known, Live};
pub use self::show::{Format, json, severity_word, show};

/// What was found, and for every alert who hears of it.
#[derive(Debug, Default)]
pub struct Findings {
    pub findings: Vec<Finding>,
    pub deliveries: Vec<Delivery>,
}

/// Everything that can be said, in the order of files and lines.
pub fn look(loaded: &mut Loaded, known: &Known) -> Result<Findings, String> {
    let mut findings: Vec<Finding> = loaded.problems.iter().map(of_problem).collect();
    let mut deliveries = Vec::new();
    // Taken out, so that dashboards can be put beside the other files meanwhile.
    let (settings, broken) = (loaded.settings.take(), loaded.broken.take());
    let checked = match settings.as_ref().or(broken.as_ref()) {
        Some(settings) => checked(loaded, settings, known),
        None => Ok(Findings::default()),
    };
    (loaded.settings, loaded.broken) = (settings, broken);
    let checked = checked?;
    findings.extend(checked.findings);
    deliveries.extend(checked.deliveries);
    variables::look(loaded, &mut findings);
    old_keys::look(loaded, &mut findings);
    places::fill_in(&mut findings, loaded);
    let mut findings = ignore::without_ignored(findings, loaded);
    let order = |finding: &Finding| loaded.files.iter().position(|file| file == Path::new(&finding.file)).unwrap_or(usize::MAX);
    findings.sort_by_cached_key(|finding| (order(finding), finding.file.clone(), finding.span.line, finding.span.column));
    Ok(Findings { findings, deliveries })
}

fn checked(loaded: &mut Loaded, settings: &Settings, known: &Known) -> Result<Findings, String> {
    let dashboards = boards::dashboards_of(loaded);
    let scrapes: Vec<(String, Millis)> = settings.scrape.iter().map(|job| (job.job_name.clone(), job.scrape_interval)).collect();
    let router_file = loaded.found.alertmanager.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    let policies = |file: &&std::path::PathBuf| loaded.sources.get(*file).is_some_and(|source| source.tree.root.get("policies").is_some());
    let policies_file = loaded.found.grafana.iter().find(policies).map(|file| file.display().to_string()).unwrap_or_default();
    let broken = |file: &str| loaded.problems.iter().any(|problem| problem.severity == Severity::Error && problem.file == file);
    // Of a file with errors parts are missing: what would be said of the rest could be wrong.
    let routes_whole = !broken(&router_file) && !broken(&policies_file);
    let metrics: Option<Metrics> = known.metrics(settings)?;
    let (targets, silences, evaluations) = (known::targets(settings), known.silences(), known.evaluations());
    let messages = messages::templates_of(loaded, settings);
    let input = Input {
        groups: &settings.groups,
        // Rules alone may be those of any program.
        external_labels: loaded.found.prometheus.as_ref().map(|_| &settings.global.external_labels),
        router: settings.router.as_ref().filter(|_| routes_whole),
        router_file: if router_file.is_empty() { &policies_file } else { &router_file },
        policies_file: &policies_file,
        receivers: if routes_whole { &settings.receivers } else { &[] },
        scrapes: &scrapes,
        targets: &targets,
        metrics: metrics.as_ref(),
        dashboards: &dashboards,
        policy: Some(&settings.check),
        messages: &messages,
        silences: &silences,
        evaluations: &evaluations,
        retention: loaded.found.bellbuoy.as_ref().map(|_| settings.storage.retention),
        now: known.now,
        stop: Some(&known.stop),
    };
    let deliveries = if known.routes { bellbuoy_check::deliveries(&input) } else { Vec::new() };
    Ok(Findings { findings: bellbuoy_check::check(&input), deliveries })
}

/// The metric names that rules and dashboards ask for.
pub fn names_used(loaded: &Loaded) -> std::collections::BTreeSet<String> {
    let mut texts: Vec<String> = Vec::new();
    for path in &loaded.found.dashboards {
        texts.extend(std::fs::read_to_string(path));
    }
    texts.extend(loaded.sources.values().map(|source| source.text.clone()));
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
    texts.iter().flat_map(|text| text.split(word)).filter(|word| word.len() > 1).map(String::from).collect()
}

/// A problem of the reading as a finding. Its place is known already.
fn of_problem(problem: &Problem) -> Finding {
    let fix = Some(problem.help.clone()).filter(|help| !help.is_empty());
    let code = code_of(&problem.message);
    let why = match problem.severity {
        Severity::Error => "The configuration can not be used as it stands.",
        _ => "It is read all the same.",
    };
    let at = Anchor::default();
    Finding {
        span: problem.span,
        at,
        fix,
        ..Finding::of_file(code, problem.severity, &problem.file, problem.message.clone(), why.to_string())
    }
}

fn code_of(message: &str) -> &'static str {
    match message {
        _ if message.starts_with("variable ") && message.ends_with(" is not set") => "variable-unset",
        _ if message.starts_with("not valid YAML") => "yaml-syntax",
        _ if message.starts_with("not valid PromQL") => "promql-syntax",
        _ => "config",
    }
}

#[cfg(test)]
mod tests;
