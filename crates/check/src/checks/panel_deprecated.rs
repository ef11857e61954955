//! `panel-deprecated`: a kind of panel that Grafana has given up.

use bellbuoy_vocabulary::Severity;

use super::panels::of_panel;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "panel-deprecated";

/// Old kind, its successor, whether Grafana changes it by itself.
const OLD: &[(&str, &str, bool)] = &[
    ("graph", "timeseries", true),
    ("singlestat", "stat", true),
    ("table-old", "table", true),
    ("grafana-singlestat-panel", "stat", true),
    ("grafana-piechart-panel", "piechart", true),
    ("grafana-worldmap-panel", "geomap", true),
    ("heatmap-new", "heatmap", true),
    ("natel-discrete-panel", "state-timeline", false),
    ("flant-statusmap-panel", "status-history", false),
    ("jdbranham-diagram-panel", "canvas", false),
    ("vonage-status-panel", "stat", false),
    ("michaeldmoore-multistat-panel", "bargauge", false),
    ("grafana-polystat-panel", "stat", false),
];

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for dashboard in input.dashboards {
        for panel in &dashboard.panels {
            let Some((kind, new, by_itself)) = OLD.iter().find(|(kind, ..)| *kind == panel.kind) else { continue };
            let message = format!("the kind {kind:?} is given up");
            let (severity, why) = match by_itself {
                true => (
                    Severity::Info,
                    "Grafana 11 and later turn it into its successor when they load it; what they can not carry over is lost.",
                ),
                false => (Severity::Warning, "Grafana 12 has no Angular panels any more: it shows an error."),
            };
            findings.push(of_panel(CODE, severity, dashboard, panel, "type", message, why.to_string()).fix(Some(format!("type: {new}"))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::codes_of;
    use serde_json::json;

    #[test]
    fn old_kinds() {
        let panel = |kind: &str| json!({"type": kind, "targets": [{"expr": "up"}]});
        assert_eq!(codes_of(panel("graph"), json!([])), [super::CODE]);
        assert_eq!(codes_of(panel("timeseries"), json!([])), [""; 0]);
    }
}
