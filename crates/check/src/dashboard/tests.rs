//! Each of the four forms, and what stands for variables.

use serde_json::json;

use super::fill::{filled, read_query, variables_in};
use super::read;

#[test]
fn variables_are_filled_in() {
    for (text, expected) in [
        ("rate(x{job=\"$job\"}[$__rate_interval])", "rate(x{job=\"bellbuoy_any_job\"}[5m])"),
        ("x{a=~\"${a:regex}\"} > $limit", "x{a=~\"bellbuoy_any_a\"} > bellbuoy_any_limit"),
        ("sum by ([[label]]) (x)", "sum by (bellbuoy_any_label) (x)"),
        ("label_replace(x, \"a\", \"$1\", \"b\", \"(.*)$\")", "label_replace(x, \"a\", \"$1\", \"b\", \"(.*)$\")"),
        ("x[5m]", "x[5m]"),
    ] {
        assert_eq!(filled(text).0, expected);
    }
    assert_eq!(read_query("topk($n, x{a=\"$a\"})").0.expect("readable").to_string(), "topk(1, x)");
    assert_eq!(variables_in("a $b ${c:csv} [[d]] $1").into_iter().collect::<Vec<_>>(), ["b", "c", "d"]);
}

#[test]
fn all_forms() {
    let classic = json!({"title": "T", "panels": [
        {"type": "row", "panels": [{"type": "stat", "title": "in a row", "targets": [{"expr": "up"}]}]},
        {"type": "timeseries", "title": "A", "fieldConfig": {"defaults": {"unit": "s"}}, "targets": [{"expr": "rate(x[5m])"}, {"expr": ""}]},
        {"type": "text", "title": "words"},
        {"type": "stat", "title": "empty"},
    ], "templating": {"list": [{"name": "job", "type": "query", "query": {"query": "label_values(up, job)"}}]}});
    let v2 = json!({"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "spec": {
        "title": "T", "layout": {}, "elements": {"panel-1": {"kind": "Panel", "spec": {
            "title": "A", "data": {"spec": {"queries": [{"spec": {"query": {"kind": "DataQuery", "group": "prometheus", "spec": {"expr": "up"}}}}]}},
            "vizConfig": {"kind": "VizConfig", "group": "stat", "spec": {"fieldConfig": {"defaults": {"unit": "s"}}}}}}},
        "variables": [{"kind": "QueryVariable", "spec": {"name": "job", "query": {"spec": {"query": "label_values(job)"}}}}]}});
    let shown = |value: &serde_json::Value| {
        let dashboard = read("d.json", value).expect("a dashboard");
        let panels: Vec<String> =
            dashboard.panels.iter().map(|p| format!("{} {} {} {}", p.title, p.kind, p.queries.len(), p.needs_query)).collect();
        (panels, dashboard.variables.iter().map(|v| format!("{} {} {}", v.name, v.kind, v.query)).collect::<Vec<_>>())
    };
    let (panels, variables) = shown(&classic);
    assert_eq!(panels, ["in a row stat 1 false", "A timeseries 1 false", "words text 0 false", "empty stat 0 true"]);
    assert_eq!(variables, ["job query label_values(up, job)"]);
    assert_eq!(shown(&json!({"dashboard": classic, "meta": {}})).0.len(), 4);
    assert_eq!(shown(&json!({"kind": "Dashboard", "spec": classic})).0.len(), 4);
    assert_eq!(shown(&v2), (vec!["A stat 1 false".to_string()], vec!["job query label_values(job)".to_string()]));
    assert!(read("d.json", &json!({"panels": 5})).is_none());
}
