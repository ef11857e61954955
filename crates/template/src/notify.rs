//! What notifier templates speak of: Alertmanager's `template.Data`.

mod json;

use std::sync::LazyLock;

use bellbuoy_vocabulary::{Labels, Timestamp};

use crate::methods::ZERO_TIME_MS;
use crate::{Data, TemplateSet};

pub use self::json::data_from_json;

/// Alertmanager's data for one notification.
#[derive(Clone, Debug, Default)]
pub struct Notification {
    pub receiver: String,
    /// `firing` or `resolved`
    pub status: String,
    pub alerts: Vec<Alert>,
    /// Why it is sent, in words (`notification_reason`).
    pub reason: String,
    pub group_labels: Labels,
    pub common_labels: Labels,
    pub common_annotations: Labels,
    pub external_url: String,
    /// The group's key; only Grafana's templates see it.
    pub group_key: String,
}

#[derive(Clone, Debug, Default)]
pub struct Alert {
    /// `firing` or `resolved`
    pub status: String,
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: Timestamp,
    /// `None` while it fires: Go's zero time.
    pub ends_at: Option<Timestamp>,
    pub generator_url: String,
    pub fingerprint: u64,
}

impl Notification {
    pub fn data(&self) -> Data {
        let text = |text: &str| Data::text(text);
        Data::Struct(vec![
            ("Receiver".into(), text(&self.receiver)),
            ("Status".into(), text(&self.status)),
            ("Alerts".into(), Data::List(self.alerts.iter().map(Alert::data).collect())),
            ("NotificationReason".into(), text(&self.reason)),
            ("GroupLabels".into(), Data::labels(&self.group_labels)),
            ("CommonLabels".into(), Data::labels(&self.common_labels)),
            ("CommonAnnotations".into(), Data::labels(&self.common_annotations)),
            ("RouteLabels".into(), Data::Map(Vec::new())),
            ("ExternalURL".into(), text(&self.external_url)),
        ])
    }
}

impl Alert {
    pub(crate) fn data(&self) -> Data {
        Data::Struct(vec![
            ("Status".into(), Data::text(&self.status)),
            ("Labels".into(), Data::labels(&self.labels)),
            ("Annotations".into(), Data::labels(&self.annotations)),
            ("StartsAt".into(), Data::Time(self.starts_at)),
            ("EndsAt".into(), Data::Time(self.ends_at.unwrap_or(Timestamp(ZERO_TIME_MS)))),
            ("GeneratorURL".into(), Data::text(&self.generator_url)),
            ("Fingerprint".into(), Data::Text(format!("{:016x}", self.fingerprint))),
        ])
    }
}

/// Alertmanager's default templates that the receivers of today use, so that files which name or override them work.
/// Cheap: they are read once, and shared.
pub fn default_templates() -> TemplateSet {
    static SET: LazyLock<TemplateSet> = LazyLock::new(|| {
        let mut set = TemplateSet::notify();
        set.add("default.tmpl", DEFAULT).expect("our own default templates are read in a test");
        set
    });
    SET.clone()
}

pub(crate) const DEFAULT: &str = include_str!("default.tmpl");

#[cfg(test)]
mod tests;
