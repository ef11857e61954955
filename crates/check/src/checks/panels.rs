//! What the checks of dashboards share.

use bellbuoy_vocabulary::Severity;

use crate::dashboard::{Dashboard, Panel};
use crate::finding::{Anchor, Finding, Step};

pub fn finding(code: &'static str, severity: Severity, dashboard: &Dashboard, path: &[Step], message: String, why: String) -> Finding {
    let at = Anchor::of(Default::default(), path.iter().cloned());
    Finding { at, ..Finding::of_file(code, severity, &dashboard.file, message, why) }
}

pub fn of_panel(
    code: &'static str,
    severity: Severity,
    dashboard: &Dashboard,
    panel: &Panel,
    key: &str,
    message: String,
    why: String,
) -> Finding {
    let path: Vec<Step> = panel.path.iter().cloned().chain([key.into()]).collect();
    finding(code, severity, dashboard, &path, format!("panel {}: {message}", panel.title), why)
}

#[cfg(test)]
pub mod tests {
    use crate::dashboard::read;
    use crate::{Input, check};

    /// A label that a variable names is any of its values: it was told that no series has `bellbuoy_any_by`.
    #[test]
    fn a_label_that_a_variable_names() {
        let found = |by: &str| {
            let expr = format!("sum by ({by}) (rate(x_total[5m]))");
            let root = serde_json::json!({"title": "T", "panels": [{"type": "timeseries", "title": "P", "targets": [{"expr": expr}]}],
                "templating": {"list": [{"name": "by", "type": "custom", "query": "code,method"}]}});
            let dashboards = [read("d.json", &root).expect("a dashboard")];
            let mut metrics = crate::Metrics::of("a page");
            metrics.whole = true;
            metrics.add(&bellbuoy_vocabulary::Labels::from_pairs([("__name__", "x_total"), ("job", "api"), ("code", "200")]));
            let found = check(&Input { dashboards: &dashboards, metrics: Some(&metrics), ..Input::default() });
            found.iter().filter(|finding| finding.code == "label-unknown").count()
        };
        assert_eq!((found("$by"), found("[[by]], code"), found("handler")), (0, 0, 1));
    }

    /// The codes of all findings of a dashboard with one panel.
    pub fn codes_of(panel: serde_json::Value, variables: serde_json::Value) -> Vec<&'static str> {
        let root = serde_json::json!({"title": "T", "panels": [panel], "templating": {"list": variables}});
        let dashboards = [read("d.json", &root).expect("a dashboard")];
        check(&Input { dashboards: &dashboards, ..Input::default() }).iter().map(|finding| finding.code).collect()
    }
}
