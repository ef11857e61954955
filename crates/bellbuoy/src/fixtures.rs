//! For unit tests only: alerts and notices in which nothing stands out but what the test says.

use std::sync::Arc;

use bellbuoy_notify::Notice;
use bellbuoy_vocabulary::{Alert, Labels, Timestamp};

use crate::state::{NewMessage, Write};

/// It fires from the first moment on and never ends.
pub fn alert(name: &str) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name)]),
        annotations: Labels::empty(),
        starts_at: Timestamp(0),
        ends_at: Timestamp(i64::MAX),
        updated_at: Timestamp(0),
        generator_url: String::new(),
        timeout: false,
    }
}

/// To the receiver's first webhook.
pub fn notice(receiver: &str, group_key: &str, alerts: Vec<Alert>, at_ms: i64) -> Notice {
    Notice {
        receiver: receiver.into(),
        integration_kind: "webhook".into(),
        integration_index: 0,
        group_key: group_key.into(),
        group_labels: Labels::empty(),
        alerts,
        reason: "first notification".into(),
        sequence: 1,
        at: Timestamp(at_ms),
    }
}

/// Into the outbox.
pub fn message(key: &str, notice: Notice) -> Write {
    Write::Message(NewMessage { key: key.into(), at: notice.at, notice: Arc::new(notice) })
}
