//! An alert on its way from a rule (or the API) to people, as Alertmanager's API v2 speaks of it.

use crate::{ALERT_NAME, Labels, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Identity: two alerts with equal labels are the same alert.
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: Timestamp,
    /// When it ends or ended. In the future for a firing alert: that is when it counts as resolved if nobody repeats it.
    pub ends_at: Timestamp,
    pub updated_at: Timestamp,
    pub generator_url: String,
    /// `ends_at` was not said by the sender but filled in from `resolve_timeout`.
    pub timeout: bool,
}

impl Alert {
    pub fn name(&self) -> &str {
        self.labels.get(ALERT_NAME)
    }

    pub fn fingerprint(&self) -> u64 {
        self.labels.fingerprint()
    }

    /// Whether it happened once (a training run ended, drift was found) instead of lasting: people are told of it once, and that it ends is no news.
    pub fn is_event(&self) -> bool {
        self.labels.get("kind") == "event" && !self.labels.get("event").is_empty()
    }

    pub fn resolved_at(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }
}
