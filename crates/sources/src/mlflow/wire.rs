//! MLflow's answers. Empty fields are left out of them, versions are texts, NaN is a text and infinity the largest number.

use serde::Deserialize;
use serde_json::Value;

use crate::call::json;

/// A run with more metrics than these is cut.
const METRICS_MAX: usize = 200;
/// Points of a metric's history; of longer ones some are left out, evenly.
const POINTS_MAX: usize = 50;

/// The last value of a metric of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    pub name: String,
    pub value: f64,
    /// Time and step: another one when it was logged again.
    pub mark: (i64, i64),
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Models {
    pub registered_models: Vec<Model>,
    pub next_page_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Model {
    pub name: String,
    pub latest_versions: Vec<Version>,
    pub aliases: Vec<Alias>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Version {
    pub version: Value,
    pub run_id: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Alias {
    pub alias: String,
    pub version: Value,
}

pub(super) fn models(body: &[u8]) -> Result<Models, String> {
    serde_json::from_value(json(body)?).map_err(|error| error.to_string())
}

/// The run that a version was made by; it may be of none.
pub(super) fn run_of_version(body: &[u8]) -> Result<Option<String>, String> {
    let value = json(body)?;
    let version = value.get("model_version").ok_or("\"model_version\" is missing")?;
    Ok(version["run_id"].as_str().filter(|id| !id.is_empty()).map(str::to_string))
}

/// The last value of each metric of a run, sorted; and how many are no finite number.
pub(super) fn metrics(body: &[u8]) -> Result<(Vec<Metric>, u64), String> {
    let value = json(body)?;
    let run = value.get("run").ok_or("\"run\" is missing")?;
    let mut found = Vec::new();
    let mut unusable = 0;
    for metric in run["data"]["metrics"].as_array().into_iter().flatten().take(METRICS_MAX) {
        let Some(name) = metric["key"].as_str() else { continue };
        match metric["value"].as_f64().filter(|value| value.is_finite() && value.abs() < f64::MAX) {
            Some(value) => {
                let mark = (metric["timestamp"].as_i64().unwrap_or(0), metric["step"].as_i64().unwrap_or(0));
                found.push(Metric { name: name.to_string(), value, mark });
            }
            None => unusable += 1,
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((found, unusable))
}

/// Step and value of a metric's history, by step; of a step that was logged twice, the later one.
pub(super) fn history(body: &[u8]) -> Result<Vec<(i64, f64)>, String> {
    let value = json(body)?;
    let points = value["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut by_step: std::collections::BTreeMap<i64, (i64, f64)> = std::collections::BTreeMap::new();
    for point in points {
        let Some(number) = point["value"].as_f64().filter(|value| value.is_finite() && value.abs() < f64::MAX) else { continue };
        let (step, time) = (point["step"].as_i64().unwrap_or(0), point["timestamp"].as_i64().unwrap_or(0));
        let known = by_step.entry(step).or_insert((time, number));
        if time >= known.0 {
            *known = (time, number);
        }
    }
    let all: Vec<(i64, f64)> = by_step.into_iter().map(|(step, (_, number))| (step, number)).collect();
    if all.len() <= POINTS_MAX {
        return Ok(all);
    }
    // The first and the last are among them.
    Ok((0..POINTS_MAX).map(|index| all[index * (all.len() - 1) / (POINTS_MAX - 1)]).collect())
}

/// Versions are numbers in texts.
pub(super) fn version(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// What an error's body says, of at most 200 characters.
pub(super) fn message(body: &[u8]) -> String {
    let text = match json(body) {
        Ok(value) => value["message"].as_str().unwrap_or("").to_string(),
        Err(_) => {
            let text = String::from_utf8_lossy(body).trim().to_string();
            if text.starts_with('<') { String::new() } else { text }
        }
    };
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
