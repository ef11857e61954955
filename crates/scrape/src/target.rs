//! Settings and discovered groups to targets: labels, address, interval, and when each is due.

use std::collections::HashSet;
use std::sync::Arc;

use bellbuoy_vocabulary::{Labels, LabelsBuilder, Millis, Timestamp, parse_duration};

use crate::merge::over;
use crate::relabel::relabel_builder;
use crate::{Scheme, ScrapeSettings, TargetGroup};

/// Somebody to ask for metrics.
#[derive(Clone, Debug)]
pub struct Target {
    pub job: String,
    /// On every sample: `job`, `instance` and what discovery and relabelling gave.
    pub labels: Labels,
    /// Before relabelling, for the pages.
    pub discovered: Labels,
    pub url: String,
    pub interval: Millis,
    pub timeout: Millis,
    pub settings: Arc<ScrapeSettings>,
}

/// A discovered target that is not scraped.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedTarget {
    pub discovered: Labels,
    pub reason: String,
}

/// The targets of a job. Two that come out equal are one. Those beyond `target_limit` are dropped with that reason; the others go on
/// (Prometheus fails all targets of such a job).
pub fn targets_of(settings: &Arc<ScrapeSettings>, groups: &[TargetGroup]) -> (Vec<Target>, Vec<DroppedTarget>) {
    let mut targets = Vec::new();
    let mut dropped = Vec::new();
    let mut seen = HashSet::new();
    for group in groups {
        for address in &group.targets {
            let discovered = discovered(settings, group, address);
            match target(settings, &discovered) {
                Ok(target) if over(targets.len() as u64 + 1, settings.limits.targets_max) && !seen.contains(&identity(&target)) => {
                    let reason = format!("target_limit: more than {} targets", settings.limits.targets_max);
                    dropped.push(DroppedTarget { discovered: target.discovered, reason });
                }
                Ok(target) => {
                    if seen.insert(identity(&target)) {
                        targets.push(target);
                    }
                }
                Err(reason) => dropped.push(DroppedTarget { discovered, reason }),
            }
        }
    }
    (targets, dropped)
}

fn identity(target: &Target) -> (Labels, String) {
    (target.labels.clone(), target.url.clone())
}

/// The labels that relabelling begins with (Prometheus, `scrape.PopulateDiscoveredLabels`).
fn discovered(settings: &ScrapeSettings, group: &TargetGroup, address: &str) -> Labels {
    let mut labels = group.labels.builder();
    labels.set("__address__", address);
    let scheme = if settings.scheme == Scheme::Https { "https" } else { "http" };
    let (interval, timeout) = (settings.scrape_interval.to_string(), settings.scrape_timeout.to_string());
    for (name, value) in [
        ("job", settings.job_name.as_str()),
        ("__scrape_interval__", &interval),
        ("__scrape_timeout__", &timeout),
        ("__metrics_path__", &settings.metrics_path),
        ("__scheme__", scheme),
    ] {
        if labels.get(name).is_empty() {
            labels.set(name, value);
        }
    }
    for (name, values) in &settings.params {
        let label = format!("__param_{name}");
        if let Some(first) = values.first().filter(|_| labels.get(&label).is_empty()) {
            labels.set(&label, first);
        }
    }
    labels.labels()
}

fn target(settings: &Arc<ScrapeSettings>, discovered: &Labels) -> Result<Target, String> {
    let mut labels = discovered.builder();
    if !relabel_builder(&mut labels, &settings.relabel_configs) {
        return Err("dropped by relabel_configs".into());
    }
    let address = labels.get("__address__").to_string();
    if address.is_empty() {
        return Err("no address".into());
    }
    if address.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
        return Err(format!("{address:?} is not a valid hostname: an address is host:port, without a path or blanks"));
    }
    let interval = length(&labels, "__scrape_interval__", "scrape interval")?;
    let timeout = length(&labels, "__scrape_timeout__", "scrape timeout")?;
    if timeout > interval {
        return Err(format!("scrape timeout ({timeout}) is greater than the scrape interval ({interval})"));
    }
    let url = url(settings, &labels, &address)?;
    if labels.get("instance").is_empty() {
        labels.set("instance", &address);
    }
    // What begins with two underscores was for relabelling only.
    labels.keep(|name| !name.starts_with("__"));
    Ok(Target {
        job: settings.job_name.clone(),
        labels: labels.labels(),
        discovered: discovered.clone(),
        url,
        interval,
        timeout,
        settings: settings.clone(),
    })
}

fn length(labels: &LabelsBuilder, name: &str, what: &str) -> Result<Millis, String> {
    let length = parse_duration(labels.get(name)).map_err(|error| format!("{what}: {error}"))?;
    if length == Millis::ZERO { Err(format!("{what} can not be 0")) } else { Ok(length) }
}

fn url(settings: &ScrapeSettings, labels: &LabelsBuilder, address: &str) -> Result<String, String> {
    let scheme = labels.get("__scheme__");
    if !matches!(scheme, "http" | "https") {
        return Err(format!("scheme {scheme:?} is neither http nor https"));
    }
    let path = labels.get("__metrics_path__");
    let slash = if path.starts_with('/') { "" } else { "/" };
    // A relabelled `__param_x` replaces the first value of x.
    let mut params: Vec<(String, String)> = Vec::new();
    for (name, values) in &settings.params {
        params.extend(values.iter().skip(1).map(|value| (name.clone(), value.clone())));
    }
    for (name, value) in labels.pairs() {
        if let Some(name) = name.strip_prefix("__param_") {
            params.insert(0, (name.to_string(), value.to_string()));
        }
    }
    params.sort_by(|a, b| a.0.cmp(&b.0));
    let query: Vec<String> = params.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let question = if query.is_empty() { "" } else { "?" };
    Ok(format!("{scheme}://{address}{slash}{}{question}{}", escaped_path(path), query.join("&")))
}

fn escaped(text: &str) -> String {
    percent_encoded(text, "-_.~")
}

/// As Go writes `URL.Path`: a question mark in `metrics_path` is part of the path, parameters belong into `params`.
fn escaped_path(text: &str) -> String {
    percent_encoded(text, "-_.~$&+,/:;=@")
}

fn percent_encoded(text: &str, plain: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            _ if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

impl Target {
    /// The next point of the target's own grid after `now`. Targets are spread over the interval by a hash of what they are, so
    /// that the grid stays the same over restarts.
    pub fn next_due(&self, now: Timestamp) -> Timestamp {
        let interval = self.interval.0.max(1);
        let identity =
            self.url.bytes().fold(self.labels.fingerprint(), |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        let offset = (identity % interval as u64) as i64;
        Timestamp(now.0 + interval - (now.0 - offset).rem_euclid(interval))
    }
}
