//! What is known of the series beside the files: metric pages that were saved or asked for, and what a running server says.
//!
//! In:    pages and JSON answers as texts. Out: `Metrics` for the checks. Never: asks anybody.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bellbuoy_check::{GroupTime, Kind, Metrics, SilenceOutline};
use bellbuoy_exposition::{Format, families_of_text};
use bellbuoy_scrape::{TargetGroup, relabel, targets_of};
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Matcher, Millis};
use serde_json::Value;

use crate::config::{Settings, parse_matcher, read_discovery};

/// Everything that is known beside the files; `Default` is nothing.
#[derive(Debug, Default)]
pub struct Known {
    /// By job; an empty name is the only job there is.
    pub pages: Vec<(String, String)>,
    pub live: Option<Live>,
    pub now: Option<bellbuoy_vocabulary::Timestamp>,
    /// Who hears of each alert is asked for.
    pub routes: bool,
    /// Once set, nobody wants the answer any more.
    pub stop: Arc<AtomicBool>,
}

/// The answers of a running bellbuoy or Prometheus.
#[derive(Debug, Default)]
pub struct Live {
    pub url: String,
    pub names: Value,
    pub metadata: Value,
    pub series: Vec<Value>,
    pub rules: Value,
    pub silences: Value,
}

impl Known {
    /// `None`: nothing is known. An error names the page that can not be read.
    pub fn metrics(&self, settings: &Settings) -> Result<Option<Metrics>, String> {
        if let Some(live) = &self.live {
            return Ok(Some(live.metrics()));
        }
        if self.pages.is_empty() {
            return Ok(None);
        }
        let mut metrics = Metrics::of("the metric pages given");
        for (job, text) in &self.pages {
            let job = match settings.scrape.as_slice() {
                [only] if job.is_empty() => only.job_name.clone(),
                _ => job.clone(),
            };
            add_page(&mut metrics, &job, text, settings).map_err(|error| format!("metric page of job {job:?}: {error}"))?;
            metrics.jobs.insert(job);
        }
        metrics.whole = settings.scrape.iter().all(|job| metrics.jobs.contains(&job.job_name));
        metrics.elsewhere = made_here(settings);
        Ok(Some(metrics))
    }

    pub fn silences(&self) -> Vec<SilenceOutline> {
        let all = self.live.iter().filter_map(|live| live.silences.as_array()).flatten();
        all.filter(|silence| silence["status"]["state"] != "expired").filter_map(silence_of).collect()
    }

    pub fn evaluations(&self) -> Vec<GroupTime> {
        let groups = self.live.iter().filter_map(|live| live.rules["data"]["groups"].as_array()).flatten();
        let time = |group: &Value| {
            let millis = |key: &str| Some(Millis((group[key].as_f64()? * 1000.0) as i64));
            Some(GroupTime {
                name: group["name"].as_str()?.to_string(),
                file: group["file"].as_str().unwrap_or("").to_string(),
                interval: millis("interval")?,
                took: millis("evaluationTime")?,
            })
        };
        groups.filter_map(time).collect()
    }
}

impl Live {
    fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::of(&format!("the series of {}", self.url));
        metrics.whole = true;
        for name in self.names["data"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            metrics.add_name(name);
        }
        for series in self.series.iter().filter_map(|answer| answer["data"].as_array()).flatten() {
            if let Some(labels) = crate::wire::labels_of(series) {
                metrics.add(&labels);
            }
        }
        for (family, entries) in self.metadata["data"].as_object().into_iter().flatten() {
            if let Some(kind) = entries[0]["type"].as_str() {
                metrics.set_kind(family, Kind::of(kind));
            }
        }
        metrics
    }
}

fn silence_of(silence: &Value) -> Option<SilenceOutline> {
    let matcher = |matcher: &Value| -> Option<Matcher> {
        let op = match (matcher["isRegex"].as_bool()?, matcher["isEqual"].as_bool().unwrap_or(true)) {
            (false, true) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (true, false) => "!~",
        };
        let value = matcher["value"].as_str()?.replace('\\', "\\\\").replace('"', "\\\"");
        parse_matcher(&format!("{}{op}\"{value}\"", matcher["name"].as_str()?)).ok()
    };
    let matchers: Option<Vec<Matcher>> = silence["matchers"].as_array()?.iter().map(matcher).collect();
    let text = |key: &str| silence[key].as_str().unwrap_or("").to_string();
    Some(SilenceOutline { id: text("id"), matchers: matchers?, comment: text("comment") })
}

/// Beginnings of names that this program makes by itself from what bellbuoy.yml says.
fn made_here(settings: &Settings) -> Vec<String> {
    let mut names: Vec<String> = vec!["bellbuoy_".into()];
    names.extend(settings.models.iter().flat_map(|model| model.settings.metrics.iter().map(|alias| alias.name.clone())));
    if !settings.airflow.is_empty() {
        names.push("airflow_".into());
    }
    for airflow in &settings.airflow {
        names.extend(airflow.settings.xcoms.iter().map(|mapping| mapping.metric.clone()));
        names.extend(airflow.settings.attempts.iter().flat_map(|mapping| mapping.metric.iter().chain(&mapping.duration).cloned()));
    }
    if !settings.mlflow.is_empty() {
        names.push("mlflow_".into());
    }
    if settings.host.is_some() {
        names.extend(["node_".to_string(), "container_".to_string()]);
    }
    names
}

/// The labels of every target that the files name.
pub fn targets(settings: &Settings) -> Vec<Labels> {
    let mut found = Vec::new();
    for job in &settings.scrape {
        let mut groups: Vec<TargetGroup> = job.static_configs.clone();
        for discovery in &job.file_sd_configs {
            groups.extend(read_discovery(discovery).0.into_iter().flatten());
        }
        found.extend(targets_of(job, &groups).0.into_iter().map(|target| target.labels.clone()));
    }
    found
}

fn add_page(metrics: &mut Metrics, job: &str, text: &str, settings: &Settings) -> Result<(), String> {
    let format = if text.trim_end().ends_with("# EOF") { Format::OpenMetrics } else { Format::PrometheusText };
    let config = settings.scrape.iter().find(|config| config.job_name == job);
    let target = targets(settings).into_iter().find(|target| target.get("job") == job);
    let target = target.unwrap_or_else(|| Labels::from_pairs([("instance", "localhost:80"), ("job", job)]));
    let mut seen = BTreeSet::new();
    for family in families_of_text(format, text.as_bytes())? {
        metrics.set_kind(&family.name, Kind::of(family.kind.word()));
        for sample in &family.samples {
            let honor = config.is_some_and(|config| config.honor_labels);
            let mut pairs: Vec<(String, String)> = vec![(METRIC_NAME.to_string(), sample.name.clone())];
            for (label, value) in &sample.labels {
                let clash = !honor && !target.get(label).is_empty();
                pairs.push((if clash { format!("exported_{label}") } else { label.clone() }, value.clone()));
            }
            for (label, value) in target.iter() {
                if !pairs.iter().any(|(name, _)| name == label) {
                    pairs.push((label.to_string(), value.to_string()));
                }
            }
            let labels = Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let steps = config.map_or(&[][..], |config| config.metric_relabel_configs.as_slice());
            if let Some(labels) = relabel(&labels, steps)
                && seen.insert(labels.clone())
            {
                metrics.add(&labels);
            }
        }
    }
    Ok(())
}
