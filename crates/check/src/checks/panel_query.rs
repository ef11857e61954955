//! `panel-query`: a panel's query is not valid PromQL.

use bellbuoy_vocabulary::Severity;

use super::panels::finding;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "panel-query";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for dashboard in input.dashboards {
        for panel in &dashboard.panels {
            for query in &panel.queries {
                let Some(error) = &query.error else { continue };
                let message = format!("panel {}: not valid PromQL: {error}", panel.title);
                findings.push(finding(CODE, Severity::Error, dashboard, &query.path, message, "The panel shows an error.".to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::codes_of;
    use serde_json::json;

    #[test]
    fn what_can_not_be_read() {
        assert_eq!(codes_of(json!({"type": "stat", "targets": [{"expr": "sum(x"}]}), json!([])), [super::CODE]);
        assert_eq!(
            codes_of(json!({"type": "stat", "targets": [{"expr": "sum(x) by ($l)"}]}), json!([{"name": "l", "type": "custom"}])),
            [""; 0]
        );
    }
}
