//! `panel-empty`: a panel without a query.

use bellbuoy_vocabulary::Severity;

use super::panels::of_panel;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "panel-empty";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for dashboard in input.dashboards {
        for panel in dashboard.panels.iter().filter(|panel| panel.needs_query) {
            let why = "It says \"No data\" for ever.".to_string();
            findings.push(of_panel(CODE, Severity::Warning, dashboard, panel, "title", "has no query".to_string(), why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::codes_of;
    use serde_json::json;

    #[test]
    fn without_a_query() {
        assert_eq!(codes_of(json!({"type": "stat", "title": "a"}), json!([])), [super::CODE]);
        assert_eq!(codes_of(json!({"type": "text", "title": "a"}), json!([])), [""; 0]);
    }
}
