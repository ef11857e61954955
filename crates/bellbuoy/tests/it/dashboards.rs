//! Every panel of the dashboards that ship has data: in the demo, and with the pages that the services of a stack expose.

use std::path::Path;

use serde_json::Value;

use super::demo::{is, tell};
use super::harness::{Folder, Program, wait_explained};

/// A panel's name and its queries, as the browser would ask them.
pub type Panel = (String, Vec<String>);

/// All panels of a folder of dashboards that ask something. `variables` stand for what the page's variables bar would choose.
pub fn panels(folder: &Path, variables: &[(&str, &str)]) -> Vec<Panel> {
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut out = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a dashboard");
        let board: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        for panel in board["panels"].as_array().expect("panels") {
            let title = panel["title"].as_str().expect("a title").to_string();
            let Some(targets) = panel["targets"].as_array() else { continue };
            let ask = |target: &Value| substituted(target["expr"].as_str().expect("an expression"), variables);
            out.push((format!("{name}: {title}"), targets.iter().map(ask).collect()));
        }
    }
    out
}

fn substituted(expr: &str, variables: &[(&str, &str)]) -> String {
    let usual = [("$__rate_interval", "10s"), ("$__interval", "5s"), ("$__range", "5m")];
    let mut expr = expr.to_string();
    for (name, value) in usual.iter().chain(variables) {
        let name = if name.starts_with('$') { name.to_string() } else { format!("${name}") };
        expr = expr.replace(&name, value);
    }
    assert!(!expr.contains('$'), "a variable that nobody knows: {expr}");
    expr
}

/// Panels none of whose queries has a value. A query that the engine refuses fails the test.
fn without_data(program: &Program, panels: &[Panel]) -> Vec<String> {
    let has_value = |expr: &String| program.query(expr).iter().any(|(_, value)| value != "NaN");
    let empty = panels.iter().filter(|(_, queries)| !queries.iter().any(has_value));
    empty.map(|(name, queries)| format!("{name}: {}", queries.join("   "))).collect()
}

pub fn expect_data(program: &Program, panels: &[Panel]) {
    wait_explained("data in every panel", &|| without_data(program, panels).join("\n"), || {
        without_data(program, panels).is_empty().then_some(())
    });
}

#[test]
fn every_panel_of_the_seven_dashboards_has_data_in_the_demo() {
    let folder = Folder::new(&[]);
    let story = tell(&folder, "2");
    story.until("a deployment", |event| is(event, "deployment", "decision", "deploy"));
    let program = Program::watched(story.address.clone());
    let machine = program.query("node_uname_info");
    let machine: Value = serde_json::from_str(&machine.first().expect("the host is watched").0).expect("labels");
    let instance = machine["instance"].as_str().expect("an instance");
    let variables = [("instance", instance), ("job", "regmodel-api"), ("endpoint", ".*")];
    let panels = panels(&folder.data().join("stack/dashboards"), &variables);
    assert!(panels.len() > 50, "{} panels", panels.len());
    expect_data(&program, &panels);
}
