//! MLflow's answers. Empty fields are left out of them, versions are texts, NaN is a text and infinity the largest number.

use serde::Deserialize;
use serde_json::Value;

use crate::call::json;

/// A run with more metrics than these is cut.
const METRICS_MAX: usize = 200;

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
pub(super) fn metrics(body: &[u8]) -> Result<(Vec<(String, f64)>, u64), String> {
    let value = json(body)?;
    let run = value.get("run").ok_or("\"run\" is missing")?;
    let mut found = Vec::new();
    let mut unusable = 0;
    for metric in run["data"]["metrics"].as_array().into_iter().flatten().take(METRICS_MAX) {
        let Some(name) = metric["key"].as_str() else { continue };
        match metric["value"].as_f64().filter(|value| value.is_finite() && value.abs() < f64::MAX) {
            Some(value) => found.push((name.to_string(), value)),
            None => unusable += 1,
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((found, unusable))
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
