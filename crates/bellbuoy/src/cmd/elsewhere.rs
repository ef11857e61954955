//! Another server's series for commands that look at the past: a bellbuoy or anything else with Prometheus' query API.
//!
//! In:    its URL; selectors, expressions, spans of time. Out: series, values, rules, silences.
//! Never: changes anything there. Holds: the API does not tell where a series ended; one that an instant query at the end of the span no
//!        longer finds gets a staleness marker behind its last sample.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bellbuoy_promql::{Expr, SeriesPoints, parse};
use bellbuoy_rules::{AlertingSettings, GroupSettings, MemoryStore, RecordingSettings, RuleSettings};
use bellbuoy_vocabulary::{
    Append, Labels, METRIC_NAME, Matcher, Millis, Points, STALE_NAN, Sample, Series, SeriesSource, SourceError, Span, Timestamp,
    format_float, parse_float,
};
use serde_json::Value;
use tokio::runtime::Handle;

use super::remote::ask;
use crate::silences::Silence;
use crate::wire::labels_of;

type Found = Arc<Vec<(Labels, Vec<Sample>)>>;

pub struct Elsewhere {
    url: String,
    handle: Handle,
    /// By selector and span: an explanation asks for the same series again and again.
    known: Mutex<HashMap<(String, i64, i64), Found>>,
}

impl Elsewhere {
    /// Called where tokio runs.
    pub fn of(url: &str) -> Elsewhere {
        Elsewhere { url: url.to_string(), handle: Handle::current(), known: Mutex::default() }
    }

    fn ask(&self, path: &str, pairs: &[(&str, &str)]) -> Result<Value, String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        let form = form.finish();
        let answer = tokio::task::block_in_place(|| self.handle.block_on(ask(&self.url, path, Some(form))));
        answer.map_err(|error| format!("{}: {error:#}", self.url))
    }

    /// An expression at `from`, `from + step`, ... up to `to`, as the server evaluates it.
    pub fn range(&self, expr: &Expr, from: Timestamp, to: Timestamp, step: Millis) -> Result<Vec<SeriesPoints>, String> {
        let [start, end, step] = [from.seconds(), to.seconds(), step.seconds()].map(format_float);
        let query = expr.to_string();
        let answer = self.ask("/api/v1/query_range", &[("query", &query), ("start", &start), ("end", &end), ("step", &step)])?;
        let series = series_of(&answer);
        Ok(series.into_iter().map(|(labels, floats)| SeriesPoints { labels, points: Points { floats, ..Points::default() } }).collect())
    }

    /// The samples of all series that match, the first time as well as the last.
    fn samples(&self, matchers: &[Matcher], from: Timestamp, to: Timestamp) -> Result<Found, String> {
        let matchers: Vec<String> = matchers.iter().map(|matcher| matcher.to_string()).collect();
        let selector = format!("{{{}}}", matchers.join(","));
        let key = (selector.clone(), from.0, to.0);
        if let Some(found) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(found.clone());
        }
        let at = format_float(to.seconds());
        let range = format!("{selector}[{}ms]", (to - from).0 + 1);
        let mut found = series_of(&self.ask("/api/v1/query", &[("query", &range), ("time", &at)])?);
        let now = self.ask("/api/v1/query", &[("query", &selector), ("time", &at)])?;
        let there: Vec<Labels> = results(&now).filter_map(|result| labels_of(&result["metric"])).collect();
        for (labels, samples) in &mut found {
            if let Some(last) = samples.last().filter(|last| last.at < to && !there.contains(labels)) {
                samples.push(Sample::new(last.at + Millis(1), STALE_NAN));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let found: Found = Arc::new(found);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        Ok(found)
    }

    /// The samples of a span as a store in memory.
    pub fn store(&self, matchers: &[Matcher], from: Timestamp, to: Timestamp) -> Result<MemoryStore, String> {
        let store = MemoryStore::new();
        for (labels, samples) in self.samples(matchers, from, to)?.iter() {
            let Ok((number, _)) = (&store).series(labels) else { continue };
            for sample in samples {
                // In order, and each time once: nothing is refused.
                let _ = (&store).append(number, sample.at, sample.value);
            }
        }
        Ok(store)
    }

    /// The audit record of a model, where the server is a bellbuoy.
    pub fn record(&self, model: &str, rows_max: usize) -> Vec<Value> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("model", model).append_pair("limit", &rows_max.to_string());
        let path = format!("/api/bellbuoy/audit?{}", form.finish());
        let answer = tokio::task::block_in_place(|| self.handle.block_on(ask(&self.url, &path, None))).unwrap_or_default();
        answer.as_array().cloned().unwrap_or_default()
    }

    /// All metric names of a span.
    pub fn names(&self, from: Timestamp, to: Timestamp) -> Vec<String> {
        let path = format!("/api/v1/label/{METRIC_NAME}/values?start={}&end={}", from.0 / 1000, to.0 / 1000 + 1);
        let answer = tokio::task::block_in_place(|| self.handle.block_on(ask(&self.url, &path, None))).unwrap_or_default();
        answer["data"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
    }
}

/// The rules that a server runs. One whose expression can not be read here is left out, with a word in the log.
pub async fn rules(url: &str) -> anyhow::Result<Vec<GroupSettings>> {
    let answer = ask(url, "/api/v1/rules", None).await.context("its rules")?;
    let groups = answer["data"]["groups"].as_array().into_iter().flatten();
    Ok(groups.map(group).collect())
}

/// Those of the Alertmanagers that the server sends to, as far as they answer.
pub async fn silences(url: &str) -> Vec<Silence> {
    silences_json(url).await.iter().filter_map(Silence::from_json).collect()
}

/// The same as they came, each once.
pub async fn silences_json(url: &str) -> Vec<Value> {
    let answer = ask(url, "/api/v1/alertmanagers", None).await.unwrap_or_default();
    let mut found: Vec<Value> = Vec::new();
    for manager in answer["data"]["activeAlertmanagers"].as_array().into_iter().flatten() {
        let Some(base) = manager["url"].as_str().and_then(|url| url.strip_suffix("/api/v2/alerts")) else { continue };
        match ask(base, "/api/v2/silences", None).await {
            Ok(all) => {
                for one in all.as_array().into_iter().flatten() {
                    if !found.iter().any(|known| known["id"] == one["id"]) {
                        found.push(one.clone());
                    }
                }
            }
            Err(error) => tracing::warn!("{base}: its silences are not known: {error:#}"),
        }
    }
    found
}

fn group(group: &Value) -> GroupSettings {
    let text = |key: &str| group[key].as_str().unwrap_or("").to_string();
    let rules = group["rules"].as_array().into_iter().flatten().filter_map(|rule| {
        let read = rule_of(rule);
        if let Err(why) = &read {
            tracing::warn!("rule {} can not be read: {why}", rule["name"]);
        }
        read.ok()
    });
    GroupSettings {
        name: text("name"),
        file: text("file"),
        interval: seconds(&group["interval"]),
        limit: group["limit"].as_u64().unwrap_or(0),
        query_offset: Millis::ZERO,
        rules: rules.collect(),
    }
}

fn rule_of(rule: &Value) -> Result<RuleSettings, String> {
    let name = rule["name"].as_str().unwrap_or("").to_string();
    let expr = parse(rule["query"].as_str().unwrap_or("")).map_err(|error| error.to_string())?;
    let texts = |key: &str| -> Vec<(String, String)> {
        let pairs = rule[key].as_object().into_iter().flatten();
        pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_string()))).collect()
    };
    Ok(match rule["type"].as_str() {
        Some("recording") => RuleSettings::Recording(RecordingSettings {
            record: name,
            expr: expr.into(),
            labels: Labels::from_pairs(texts("labels")),
            span: Span::default(),
        }),
        _ => RuleSettings::Alerting(AlertingSettings {
            alert: name,
            expr: expr.into(),
            hold: seconds(&rule["duration"]),
            keep_firing_for: seconds(&rule["keepFiringFor"]),
            labels: texts("labels"),
            annotations: texts("annotations"),
            span: Span::default(),
        }),
    })
}

fn seconds(value: &Value) -> Millis {
    Millis((value.as_f64().unwrap_or(0.0) * 1000.0) as i64)
}

fn results(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["data"]["result"].as_array().into_iter().flatten()
}

fn series_of(answer: &Value) -> Vec<(Labels, Vec<Sample>)> {
    let sample = |pair: &Value| Some(Sample::new(Timestamp::from_seconds(pair[0].as_f64()?), parse_float(pair[1].as_str()?)?));
    results(answer)
        .filter_map(|result| {
            let samples = result["values"].as_array().into_iter().flatten().filter_map(sample);
            Some((labels_of(&result["metric"])?, samples.collect()))
        })
        .collect()
}

struct One {
    found: Found,
    index: usize,
}

impl Series for One {
    fn labels(&self) -> &Labels {
        &self.found[self.index].0
    }

    fn read(&self, from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
        out.floats.extend(self.found[self.index].1.iter().filter(|sample| from <= sample.at && sample.at <= to));
        Ok(())
    }
}

impl SeriesSource for Elsewhere {
    fn select(&self, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Result<Vec<Box<dyn Series + '_>>, SourceError> {
        let found = self.samples(matchers, from, to).map_err(SourceError)?;
        Ok((0..found.len()).map(|index| Box::new(One { found: found.clone(), index }) as Box<dyn Series>).collect())
    }
}
