//! What MLflow's registry knows of a model: the versions behind its aliases. Joined by the model's name.

use serde_json::{Map, Value, json};

use super::figure;
use crate::app::App;

/// Models of the registry that are named when ours is not among them.
const OTHERS_MAX: usize = 5;

/// `{server, url, up, at, model, latestVersion, champion, challenger, aliases}`, or why it is unknown.
pub fn registry(app: &App, name: &str) -> Value {
    if app.path.settings().mlflow.is_empty() {
        return figure::unknown("no_registry", "no mlflow: in bellbuoy.yml");
    }
    let servers = app.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    let servers: Vec<&Value> = servers.values().filter(|server| server["kind"] == "mlflow").collect();
    if servers.is_empty() {
        return figure::unknown("not_asked", "MLflow was not asked yet");
    }
    joined(&servers, name)
}

fn joined(servers: &[&Value], name: &str) -> Value {
    let of = |server: &Value| {
        server["models"].as_array().into_iter().flatten().find(|model| same_name(model["name"].as_str().unwrap_or_default(), name)).cloned()
    };
    if let Some((server, model)) = servers.iter().find_map(|server| Some((*server, of(server)?))) {
        let aliases: Map<String, Value> =
            model["aliases"].as_object().into_iter().flatten().map(|(alias, pointer)| (alias.clone(), version(pointer))).collect();
        let alias = |word: &str| aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word)).map(|(_, version)| version.clone());
        return json!({
            "server": server["instance"], "url": server["url"], "up": server["up"], "at": server["at"], "model": model["name"],
            "latestVersion": model["latest_version"], "champion": alias("champion"), "challenger": alias("challenger"), "aliases": aliases,
        });
    }
    match servers.iter().find(|server| server["models"].is_null()) {
        Some(down) => {
            let problem = down["problems"].as_array().and_then(|problems| problems.first()).and_then(Value::as_str);
            figure::unknown("down", problem.map_or("MLflow has not answered yet".to_string(), |problem| format!("MLflow: {problem}")))
        }
        None => figure::unknown("no_such_model", format!("the registry has no model {name:?}{}", others(servers))),
    }
}

/// What it has instead: names differ by more than their spelling.
fn others(servers: &[&Value]) -> String {
    let all =
        servers.iter().flat_map(|server| server["models"].as_array().into_iter().flatten()).filter_map(|model| model["name"].as_str());
    let names: Vec<String> = all.take(OTHERS_MAX).map(|name| format!("{name:?}")).collect();
    if names.is_empty() { String::new() } else { format!("; it has {}: the model here and there must have one name", names.join(", ")) }
}

/// `bike_traffic`, `bike-traffic` and `Bike Traffic` are one model.
pub(crate) fn same_name(registered: &str, name: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    registered == name || (!plain(name).is_empty() && plain(registered) == plain(name))
}

fn version(pointer: &Value) -> Value {
    json!({"version": pointer["version"], "runId": pointer["run_id"], "changedAt": pointer["changed"], "metrics": pointer["metrics"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_joined_by_name() {
        let one = json!({"kind": "mlflow", "instance": "mlflow:5000", "up": true, "at": "T", "problems": [], "models": [
            {"name": "Bike_Traffic", "latest_version": 8, "aliases": {"champion": {"version": 7, "run_id": "r", "metrics": {"r2": 0.5}, "changed": null}}},
        ]});
        let down =
            json!({"kind": "mlflow", "instance": "other", "up": false, "at": "T", "problems": ["connection refused"], "models": null});
        let found = joined(&[&down, &one], "bike-traffic");
        assert_eq!(
            (&found["server"], &found["champion"]["version"], &found["challenger"]),
            (&json!("mlflow:5000"), &json!(7), &Value::Null)
        );
        for (servers, name, reason) in
            [(vec![&one], "none", "no_such_model"), (vec![&one, &down], "none", "down"), (vec![&one], "", "no_such_model")]
        {
            assert_eq!(joined(&servers, name)["unknown"]["reason"], reason);
        }
        let because = &joined(&[&one], "none")["unknown"]["because"];
        assert_eq!(because, "the registry has no model \"none\"; it has \"Bike_Traffic\": the model here and there must have one name");
    }
}
