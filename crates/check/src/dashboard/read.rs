//! A dashboard's JSON to `Dashboard`: where the panels are in each of Grafana's four forms.

use serde_json::Value;

use super::fill::read_query;
use super::{Dashboard, DatasourceRef, Panel, PanelQuery, Variable};
use crate::finding::Step;

/// Nested rows are cut.
const DEPTH_MAX: usize = 8;

/// Panels that show no data of their own.
const WITHOUT_QUERY: &[&str] = &[
    "row",
    "text",
    "news",
    "dashlist",
    "alertlist",
    "annolist",
    "welcome",
    "gettingstarted",
    "pluginlist",
    "dashlist2",
    "canvas",
    "debug",
];

/// `None`: this is no dashboard.
pub fn read(file: &str, root: &Value) -> Option<Dashboard> {
    let (spec, path) = spec_of(root)?;
    let mut dashboard = Dashboard { file: file.to_string(), title: text(spec, "title"), texts: spec.to_string(), ..Dashboard::default() };
    if let Some(elements) = spec.get("elements").and_then(Value::as_object) {
        for (name, element) in elements {
            let path = joined(&path, ["elements".into(), name.as_str().into(), "spec".into()]);
            dashboard.panels.extend(panel_v2(&element["spec"], path, element["kind"].as_str().unwrap_or("Panel")));
        }
        for (index, variable) in list(spec, "variables").iter().enumerate() {
            let path = joined(&path, ["variables".into(), index.into(), "spec".into()]);
            let kind = variable["kind"].as_str().unwrap_or("").trim_end_matches("Variable").to_ascii_lowercase();
            dashboard.variables.push(variable_of(&variable["spec"], kind, path));
        }
        return Some(dashboard);
    }
    panels(spec, &path, DEPTH_MAX, &mut dashboard.panels);
    for (index, variable) in list(&spec["templating"], "list").iter().enumerate() {
        let path = joined(&path, ["templating".into(), "list".into(), index.into()]);
        dashboard.variables.push(variable_of(variable, text(variable, "type"), path));
    }
    Some(dashboard)
}

/// The object with panels or elements, and the way to it.
fn spec_of(root: &Value) -> Option<(&Value, Vec<Step>)> {
    let is_one = |value: &Value| value["panels"].is_array() || value["rows"].is_array() || value["elements"].is_object();
    if is_one(&root["spec"]) {
        return Some((&root["spec"], vec!["spec".into()]));
    }
    if is_one(&root["dashboard"]) {
        return Some((&root["dashboard"], vec!["dashboard".into()]));
    }
    is_one(root).then(|| (root, Vec::new()))
}

fn panels(parent: &Value, path: &[Step], depth: usize, found: &mut Vec<Panel>) {
    if depth == 0 {
        return;
    }
    for key in ["panels", "rows"] {
        for (index, panel) in list(parent, key).iter().enumerate() {
            let path = joined(path, [key.into(), index.into()]);
            if key == "panels" && panel["type"] != "row" {
                found.push(classic(panel, path.clone()));
            }
            panels(panel, &path, depth - 1, found);
        }
    }
}

fn classic(panel: &Value, path: Vec<Step>) -> Panel {
    let kind = text(panel, "type");
    let targets = list(panel, "targets");
    let datasource = datasource_of(panel, &path);
    let mut queries = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let path = joined(&path, ["targets".into(), index.into()]);
        let own = datasource_of(target, &path);
        let source = own.clone().or_else(|| datasource.clone());
        let Some(expr) = target["expr"].as_str().filter(|expr| !expr.trim().is_empty() && is_prometheus(&source)) else { continue };
        let legend = text(target, "legendFormat");
        queries.push(query_of(expr, legend, joined(&path, ["expr".into()]), own));
    }
    let from_other = datasource.as_ref().is_some_and(|source| source.uid == "-- Dashboard --") || panel["libraryPanel"].is_object();
    let old_unit = panel["yaxes"][0]["format"].as_str().or_else(|| panel["format"].as_str()).unwrap_or("");
    let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or(old_unit).to_string();
    let needs_query = targets.is_empty() && !from_other && !WITHOUT_QUERY.contains(&kind.as_str());
    Panel { title: text(panel, "title"), kind, unit, path, queries, datasource, needs_query }
}

fn panel_v2(spec: &Value, path: Vec<Step>, element: &str) -> Option<Panel> {
    if element != "Panel" {
        return None;
    }
    let viz = &spec["vizConfig"];
    let kind = viz["group"].as_str().or_else(|| viz["kind"].as_str()).unwrap_or("").to_string();
    let unit = viz["spec"]["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or("").to_string();
    let data = &spec["data"]["spec"];
    let mut queries = Vec::new();
    let all = list(data, "queries");
    for (index, query) in all.iter().enumerate() {
        let path = joined(&path, ["data".into(), "spec".into(), "queries".into(), index.into(), "spec".into(), "query".into()]);
        let inner = &query["spec"]["query"];
        let group = inner["group"].as_str().or_else(|| inner["kind"].as_str()).unwrap_or("prometheus");
        let Some(expr) = inner["spec"]["expr"].as_str().filter(|_| matches!(group, "prometheus" | "DataQuery")) else { continue };
        let uid = inner["datasource"]["name"].as_str().or_else(|| query["spec"]["datasource"]["uid"].as_str());
        let own =
            uid.map(|uid| DatasourceRef { uid: uid.to_string(), kind: "prometheus".into(), path: joined(&path, ["datasource".into()]) });
        queries.push(query_of(expr, text(&inner["spec"], "legendFormat"), joined(&path, ["spec".into(), "expr".into()]), own));
    }
    let needs_query = all.is_empty() && !WITHOUT_QUERY.contains(&kind.as_str());
    Some(Panel { title: text(spec, "title"), kind, unit, path, queries, datasource: None, needs_query })
}

fn query_of(text: &str, legend: String, path: Vec<Step>, datasource: Option<DatasourceRef>) -> PanelQuery {
    let (read, filled_in) = read_query(text);
    let (expr, error) = match read {
        Ok(expr) => (Some(expr), None),
        Err(error) => (None, Some(error).filter(|_| !filled_in)),
    };
    PanelQuery { text: text.to_string(), expr, error, filled_in, legend, path, datasource }
}

fn variable_of(variable: &Value, kind: String, path: Vec<Step>) -> Variable {
    let inner = ["query", "definition"].into_iter().find_map(|key| {
        let query = &variable[key];
        let way: &[&str] = match query {
            Value::String(_) => &[],
            _ if query["query"].is_string() => &["query"],
            _ if query["spec"]["query"].is_string() => &["spec", "query"],
            _ if query["spec"]["expr"].is_string() => &["spec", "expr"],
            _ => return None,
        };
        let value = way.iter().fold(query, |value, key| &value[*key]).as_str()?;
        (!value.is_empty())
            .then(|| (value.to_string(), std::iter::once(key).chain(way.iter().copied()).map(Step::from).collect::<Vec<_>>()))
    });
    let (query, way) = inner.unwrap_or_default();
    Variable { name: text(variable, "name"), kind, query, query_path: joined(&path, way), path }
}

fn datasource_of(value: &Value, path: &[Step]) -> Option<DatasourceRef> {
    let source = &value["datasource"];
    let path = joined(path, ["datasource".into()]);
    match source {
        Value::String(name) => Some(DatasourceRef { uid: name.clone(), kind: String::new(), path }),
        Value::Object(_) => Some(DatasourceRef {
            uid: source["uid"].as_str().unwrap_or("").to_string(),
            kind: source["type"].as_str().unwrap_or("").to_string(),
            path: joined(&path, ["uid".into()]),
        }),
        _ => None,
    }
}

/// What has no type counts: its `expr` is PromQL as a rule.
fn is_prometheus(source: &Option<DatasourceRef>) -> bool {
    source.as_ref().is_none_or(|source| source.kind.is_empty() || source.kind == "prometheus")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("").to_string()
}

fn joined(path: &[Step], more: impl IntoIterator<Item = Step>) -> Vec<Step> {
    path.iter().cloned().chain(more).collect()
}
