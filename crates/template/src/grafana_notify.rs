//! What the templates of Grafana's contact points speak of: Alertmanager's data, and what Grafana knows of an alert besides.
//!
//! In:  a `Notification`; values, dashboard and panel of an alert come in annotations of reserved names (`__values__`), which
//!      templates do not see. Out: `data`, with `.Values`, `.ValueString`, `.SilenceURL`, `.DashboardURL`, `.PanelURL` and the rest.

use std::sync::LazyLock;

use bellbuoy_vocabulary::{Labels, Millis, Timestamp};

use crate::escape::query_escape;
use crate::notify::{self, Alert, Notification};
use crate::{Data, TemplateSet};

/// The uid of the rule that an alert comes from. Grafana's own alerts have it, others do not.
pub const RULE_UID_LABEL: &str = "__alert_rule_uid__";
/// The refIds of a rule and their last numbers, as a JSON object.
pub const VALUES_ANNOTATION: &str = "__values__";
/// The same in words: `[ var='B' labels={...} value=22 ]`.
pub const VALUE_STRING_ANNOTATION: &str = "__value_string__";
pub const DASHBOARD_UID_ANNOTATION: &str = "__dashboardUid__";
pub const PANEL_ID_ANNOTATION: &str = "__panelId__";
pub const ORG_ID_ANNOTATION: &str = "__orgId__";

/// A panel is shown from this long before the alert began.
const PANEL_BEFORE: Millis = Millis(3_600_000);

/// What only some messages know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra<'a> {
    /// `.Vars` of a webhook's payload.
    pub vars: &'a [(String, String)],
    /// Alerts that are not in the message.
    pub truncated: Option<usize>,
}

/// What an alert's reserved annotations say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// `None` without a `__values__` that can be read.
    pub values: Option<Vec<(String, f64)>>,
    pub value_string: String,
    pub rule_uid: String,
    pub org_id: Option<i64>,
    pub generator_url: String,
    pub silence_url: String,
    pub dashboard_url: String,
    pub panel_url: String,
}

impl Details {
    pub fn of(alert: &Alert, external_url: &str, now: Timestamp) -> Details {
        let said = |name: &str| alert.annotations.get(name);
        let org = said(ORG_ID_ANNOTATION);
        let base = external_url.trim_end_matches('/');
        let mut details = Details {
            values: values(said(VALUES_ANNOTATION)),
            value_string: said(VALUE_STRING_ANNOTATION).to_string(),
            rule_uid: alert.labels.get(RULE_UID_LABEL).to_string(),
            org_id: org.parse().ok(),
            generator_url: with_org(&alert.generator_url, org),
            ..Details::default()
        };
        if base.is_empty() {
            return details;
        }
        details.silence_url = silence_url(&alert.labels, base, org);
        let dashboard = said(DASHBOARD_UID_ANNOTATION);
        if !dashboard.is_empty() {
            let from = alert.starts_at.0.saturating_sub(PANEL_BEFORE.0);
            let to = alert.ends_at.unwrap_or(now).0;
            let org = if org.is_empty() { String::new() } else { format!("&orgId={}", query_escape(org)) };
            details.dashboard_url = format!("{base}/d/{dashboard}?from={from}{org}&to={to}");
            let panel = said(PANEL_ID_ANNOTATION);
            if !panel.is_empty() {
                details.panel_url = format!("{}&viewPanel={}", details.dashboard_url, query_escape(panel));
            }
        }
        details
    }
}

/// Labels and annotations without those between double underscores, which are for machines.
pub fn public(labels: &Labels) -> Labels {
    Labels::from_sorted(labels.iter().filter(|(name, _)| !(name.starts_with("__") && name.ends_with("__"))))
}

pub fn data(notification: &Notification, now: Timestamp, extra: &Extra) -> Data {
    let text = |text: &str| Data::text(text);
    let alerts = notification.alerts.iter().map(|alert| alert_data(alert, &notification.external_url, now));
    let vars = extra.vars.iter().map(|(name, value)| (name.clone(), Data::text(value))).collect();
    let truncated = extra.truncated.map_or(Data::Null, |count| Data::Int(i64::try_from(count).unwrap_or(i64::MAX)));
    Data::Struct(vec![
        ("Receiver".into(), text(&notification.receiver)),
        ("Status".into(), text(&notification.status)),
        ("Alerts".into(), Data::List(alerts.collect())),
        ("GroupLabels".into(), Data::labels(&notification.group_labels)),
        ("CommonLabels".into(), Data::labels(&public(&notification.common_labels))),
        ("CommonAnnotations".into(), Data::labels(&public(&notification.common_annotations))),
        ("ExternalURL".into(), text(&notification.external_url)),
        ("AppVersion".into(), text("")),
        ("GroupKey".into(), text(&notification.group_key)),
        ("TruncatedAlerts".into(), truncated),
        ("Vars".into(), Data::Map(vars)),
    ])
}

/// The same as JSON, as Grafana's webhooks send it.
pub fn json(notification: &Notification, now: Timestamp) -> serde_json::Value {
    let data = data(notification, now, &Extra::default()).to_value();
    crate::functions::notify::json(&data, 0).unwrap_or_default()
}

fn alert_data(alert: &Alert, external_url: &str, now: Timestamp) -> Data {
    let details = Details::of(alert, external_url, now);
    let Data::Struct(mut fields) = alert.data() else { return Data::Null };
    for (name, value) in &mut fields {
        match name.as_str() {
            "Labels" => *value = Data::labels(&public(&alert.labels)),
            "Annotations" => *value = Data::labels(&public(&alert.annotations)),
            "GeneratorURL" => *value = Data::text(&details.generator_url),
            _ => {}
        }
    }
    let values = details.values.unwrap_or_default();
    let mut add = |name: &str, value: Data| fields.push((name.to_string(), value));
    add("SilenceURL", Data::Text(details.silence_url));
    add("DashboardURL", Data::Text(details.dashboard_url));
    add("PanelURL", Data::Text(details.panel_url));
    add("RuleUID", Data::Text(details.rule_uid));
    add("Values", Data::Map(values.into_iter().map(|(name, value)| (name, Data::Float(value))).collect()));
    add("ValueString", Data::Text(details.value_string));
    // Pictures of panels are not drawn.
    add("ImageURL", Data::text(""));
    add("EmbeddedImage", Data::text(""));
    add("OrgID", details.org_id.map_or(Data::Null, Data::Int));
    Data::Struct(fields)
}

/// The refIds in the order of their names.
fn values(json: &str) -> Option<Vec<(String, f64)>> {
    let values: std::collections::BTreeMap<String, Option<f64>> = serde_json::from_str(json).ok()?;
    // JSON has no NaN; Grafana's rules write null for it.
    Some(values.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
}

fn with_org(url: &str, org: &str) -> String {
    if org.is_empty() || url.contains("orgId=") {
        return url.to_string();
    }
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}orgId={}", query_escape(org))
}

fn silence_url(labels: &Labels, base: &str, org: &str) -> String {
    let mut url = format!("{base}/alerting/silence/new?alertmanager=grafana");
    let rule_uid = labels.get(RULE_UID_LABEL);
    let mut matcher = |name: &str, value: &str| url.push_str(&format!("&matcher={}", query_escape(&format!("{name}={value}"))));
    if !rule_uid.is_empty() {
        matcher(RULE_UID_LABEL, rule_uid);
    }
    let public = public(labels);
    let (first, rest): (Vec<_>, Vec<_>) = public.iter().partition(|(name, _)| *name == "alertname");
    for (name, value) in first.into_iter().chain(rest) {
        // The uid says which rule it is, whatever the rule is called tomorrow.
        if rule_uid.is_empty() || !matches!(name, "alertname" | "grafana_folder") {
            matcher(name, value);
        }
    }
    if !org.is_empty() {
        url.push_str(&format!("&orgId={}", query_escape(org)));
    }
    url
}

/// Alertmanager's default templates and Grafana's, under the names that contact points and templates of users call.
pub fn default_templates() -> TemplateSet {
    static SET: LazyLock<TemplateSet> = LazyLock::new(|| {
        let mut set = TemplateSet::grafana();
        set.add("default.tmpl", notify::DEFAULT).expect("our own default templates are read in a test");
        set.add("grafana_notify.tmpl", DEFAULT).expect("our own default templates are read in a test");
        set
    });
    SET.clone()
}

const DEFAULT: &str = include_str!("grafana_notify.tmpl");

#[cfg(test)]
mod tests;
