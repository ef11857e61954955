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

    /// The codes of all findings of a dashboard with one panel.
    pub fn codes_of(panel: serde_json::Value, variables: serde_json::Value) -> Vec<&'static str> {
        let root = serde_json::json!({"title": "T", "panels": [panel], "templating": {"list": variables}});
        let dashboards = [read("d.json", &root).expect("a dashboard")];
        check(&Input { dashboards: &dashboards, ..Input::default() }).iter().map(|finding| finding.code).collect()
    }
}
