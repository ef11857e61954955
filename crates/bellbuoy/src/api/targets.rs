//! `/api/v1/targets`, `targets/relabel_steps`, `scrape_pools`: who is asked for metrics, what became of it, and why somebody is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use bellbuoy_scrape::{Health, Relabel, RelabelAction, ScrapeReport, relabel};
use bellbuoy_vocabulary::Labels;
use serde_json::{Map, Value, json};

use super::answer::{Answer, ApiError, ErrorType, success};
use super::params::{Params, invalid};
use super::prometheus::time_json;
use crate::app::App;
use crate::scraper::TargetView;
use crate::wire::{labels_json, labels_of};

const LABELS_BYTES_MAX: usize = 64 << 10;

pub async fn targets(State(app): State<Arc<App>>, params: Params) -> Answer {
    let state = params.get("state").unwrap_or("any").to_lowercase();
    let pool = params.get("scrapePool");
    let in_pool = |job: &str| pool.is_none_or(|pool| pool == job);
    let mut active = Vec::new();
    if matches!(state.as_str(), "any" | "active") {
        active.extend(app.scraper.views().iter().filter(|view| in_pool(&view.target.job)).map(active_json));
    }
    // As in Prometheus: every pool has its number, and nobody who asks for active targets wants them.
    let mut counts: BTreeMap<String, usize> = app.path.settings().scrape.iter().map(|job| (job.job_name.clone(), 0)).collect();
    let mut dropped = Vec::new();
    for (job, target) in app.scraper.dropped() {
        *counts.entry(job.clone()).or_default() += 1;
        if matches!(state.as_str(), "any" | "dropped") && in_pool(&job) {
            dropped.push(json!({"discoveredLabels": labels_json(&target.discovered), "scrapePool": job, "reason": target.reason}));
        }
    }
    success(json!({"activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": (state != "active").then_some(counts)}))
}

fn active_json(view: &TargetView) -> Value {
    let (target, health) = (&view.target, &view.health);
    let (report, limits) = (&health.report, &target.settings.limits);
    json!({
        "discoveredLabels": labels_json(&target.discovered),
        "labels": labels_json(&target.labels),
        "scrapePool": target.job,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": health.last_error,
        "lastScrape": time_json(health.last_scrape),
        "lastScrapeDuration": health.last_scrape_seconds,
        "health": match health.health { Health::Up => "up", Health::Down => "down", Health::Unknown => "unknown" },
        "scrapeInterval": target.interval.to_string(),
        "scrapeTimeout": target.timeout.to_string(),
        "samples": report.samples_scraped,
        "samplesAfterRelabelling": report.samples_after_relabel,
        "samplesDropped": dropped_by_relabelling(report),
        "seriesAdded": report.series_added,
        "samplesRefused": {
            "duplicate": report.duplicate, "outOfOrder": report.out_of_order, "badTime": report.too_old, "storeLimit": report.over_limit,
        },
        "warning": health.warning,
        "limits": {
            "samples": limits.samples_max, "labels": limits.labels_max, "labelNameBytes": limits.label_name_bytes_max,
            "labelValueBytes": limits.label_value_bytes_max, "bodyBytes": limits.body_bytes_max,
        },
    })
}

/// Samples of a good scrape that `metric_relabel_configs` took out.
pub fn dropped_by_relabelling(report: &ScrapeReport) -> usize {
    if report.error.is_some() { 0 } else { report.samples_scraped.saturating_sub(report.samples_after_relabel) }
}

pub async fn scrape_pools(State(app): State<Arc<App>>) -> Answer {
    let mut names: Vec<String> = app.path.settings().scrape.iter().map(|job| job.job_name.clone()).collect();
    names.sort();
    success(json!({"scrapePools": names}))
}

/// What each step makes of a label set. `metricSteps=true`: those of `metric_relabel_configs`.
pub async fn relabel_steps(State(app): State<Arc<App>>, params: Params) -> Answer {
    let bad = |message: &str| ApiError::new(ErrorType::BadData, message);
    let pool = params.get("scrapePool").ok_or_else(|| bad("no scrapePool parameter provided"))?;
    let text = params.get("labels").ok_or_else(|| bad("no labels parameter provided"))?;
    if text.len() > LABELS_BYTES_MAX {
        return Err(invalid("labels", "it is too long"));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| bad(&format!("error unmarshalling labels: {error}")))?;
    let labels = labels_of(&value).ok_or_else(|| invalid("labels", "it is no JSON object of texts"))?;
    let settings = app.path.settings();
    let job = settings.scrape.iter().find(|job| job.job_name == pool);
    let job = job.ok_or_else(|| bad(&format!("unable to find scrape config: scrape pool {pool} not found")))?;
    let rules = if params.get("metricSteps") == Some("true") { &job.metric_relabel_configs } else { &job.relabel_configs };
    success(json!({"steps": steps(&labels, rules)}))
}

fn steps(labels: &Labels, rules: &[Relabel]) -> Vec<Value> {
    let mut out = Vec::with_capacity(rules.len());
    let mut now = Some(labels.clone());
    for rule in rules {
        // What was dropped stays so, as in Prometheus, which runs all steps up to this one.
        now = now.and_then(|labels| relabel(&labels, std::slice::from_ref(rule)));
        out.push(json!({
            "rule": rule_json(rule), "output": now.as_ref().map_or_else(|| json!({}), labels_json), "keep": now.is_some(),
        }));
    }
    out
}

fn rule_json(rule: &Relabel) -> Value {
    let mut out = Map::new();
    if !rule.source_labels.is_empty() {
        out.insert("source_labels".into(), json!(rule.source_labels));
    }
    let pattern = rule.regex.regex().as_str();
    let pattern = pattern.strip_prefix("^(?s:").and_then(|pattern| pattern.strip_suffix(")$")).unwrap_or(pattern);
    for (name, text) in [
        ("separator", rule.separator.as_str()),
        ("regex", pattern),
        ("target_label", &rule.target_label),
        ("replacement", &rule.replacement),
    ] {
        if !text.is_empty() {
            out.insert(name.into(), json!(text));
        }
    }
    if rule.action == RelabelAction::HashMod {
        out.insert("modulus".into(), json!(rule.modulus));
    }
    out.insert("action".into(), json!(action_word(rule.action)));
    Value::Object(out)
}

fn action_word(action: RelabelAction) -> &'static str {
    match action {
        RelabelAction::Replace => "replace",
        RelabelAction::Keep => "keep",
        RelabelAction::Drop => "drop",
        RelabelAction::KeepEqual => "keepequal",
        RelabelAction::DropEqual => "dropequal",
        RelabelAction::HashMod => "hashmod",
        RelabelAction::LabelMap => "labelmap",
        RelabelAction::LabelDrop => "labeldrop",
        RelabelAction::LabelKeep => "labelkeep",
        RelabelAction::Lowercase => "lowercase",
        RelabelAction::Uppercase => "uppercase",
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::AnchoredRegex;

    use super::*;

    fn rule(action: RelabelAction, source: &[&str], regex: &str, target: &str, replacement: &str) -> Relabel {
        Relabel {
            source_labels: source.iter().map(|name| name.to_string()).collect(),
            separator: ";".into(),
            regex: AnchoredRegex::new(regex).expect("a pattern"),
            modulus: 0,
            target_label: target.into(),
            replacement: replacement.into(),
            action,
        }
    }

    #[test]
    fn each_step_goes_on_from_the_one_before() {
        use RelabelAction::*;
        let rules = [
            rule(Replace, &["__address__"], "(.*):.*", "host", "$1"),
            rule(Drop, &["host"], "x|y", "", ""),
            rule(LabelDrop, &[], "host", "", ""),
        ];
        let shown = |address: &str| {
            let steps = steps(&Labels::from_pairs([("__address__", address)]), &rules);
            steps.iter().map(|step| format!("{} {}", step["keep"], step["output"])).collect::<Vec<_>>()
        };
        let first = r#"true {"__address__":"a:1","host":"a"}"#;
        assert_eq!(shown("a:1"), [first, first, r#"true {"__address__":"a:1"}"#]);
        assert_eq!(shown("x:1"), [r#"true {"__address__":"x:1","host":"x"}"#, "false {}", "false {}"]);
        assert_eq!(rule_json(&rules[1]).to_string(), r#"{"source_labels":["host"],"separator":";","regex":"x|y","action":"drop"}"#);
    }
}
