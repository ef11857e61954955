//! `panel-datasource`: a panel names a data source that is not made here, by a uid of another installation.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::Severity;

use super::panels::finding;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "panel-datasource";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for dashboard in input.dashboards {
        let mut told = BTreeSet::new();
        for panel in &dashboard.panels {
            for source in panel.datasource.iter().chain(panel.queries.iter().filter_map(|query| query.datasource.as_ref())) {
                let uid = source.uid.as_str();
                let grafanas = uid.is_empty() || uid.starts_with('-') || uid == "grafana" || uid.contains('$') || uid.contains("[[");
                let known = dashboard.datasources.as_ref();
                if grafanas || known.is_some_and(|known| known.iter().any(|known| known == uid)) || !told.insert(uid) {
                    continue;
                }
                let (severity, what) = match known {
                    Some(_) => (Severity::Warning, "which no provisioning file makes"),
                    None => (Severity::Info, "which may be another one elsewhere"),
                };
                let message = format!("panel {}: names the data source {uid:?}, {what}", panel.title);
                let why = "On another Grafana the panel says that the data source was not found.".to_string();
                let fix = "uid: ${datasource}, with a variable of the type data source; or give the provisioned one this uid".to_string();
                findings.push(finding(CODE, severity, dashboard, &source.path, message, why).fix(Some(fix)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::codes_of;
    use serde_json::json;

    #[test]
    fn by_a_uid() {
        let panel = |uid: &str| json!({"type": "stat", "datasource": {"type": "prometheus", "uid": uid}, "targets": [{"expr": "up"}]});
        assert_eq!(codes_of(panel("P1809F7CD0C75ACF3"), json!([])), [super::CODE]);
        assert_eq!(codes_of(panel("${ds}"), json!([{"name": "ds", "type": "datasource", "query": "prometheus"}])), [""; 0]);
        assert_eq!(codes_of(panel("-- Mixed --"), json!([])), [""; 0]);
    }
}
