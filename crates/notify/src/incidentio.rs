//! incident.io: Alertmanager's JSON, version 1. incident.io knows the alert by its group key and the alerts' fingerprints.

use bellbuoy_vocabulary::{Alert, Labels};

use crate::compose::{Composed, Context};
use crate::limit::cut_chars;
use crate::notice::Notice;
use crate::parts::{bearer, post_json};
use crate::settings::IncidentioSettings;
use crate::webhook;

const BYTES_MAX: usize = 512 * 1024;
/// Characters of a label or annotation of an alert that is too large by itself.
const VALUE_MAX: usize = 300;

pub(crate) fn compose(settings: &IncidentioSettings, notice: &Notice, context: &Context) -> Composed {
    let mut body = webhook::body(notice, context, settings.max_alerts, "1");
    if body.to_string().len() > BYTES_MAX {
        // As many alerts as there is room for; the others are counted in the message.
        let (mut low, mut high) = (1, notice.alerts.len() as u64);
        body = webhook::body(notice, context, low, "1");
        while low < high {
            let shown = low + (high - low).div_ceil(2);
            let fewer = webhook::body(notice, context, shown, "1");
            if fewer.to_string().len() <= BYTES_MAX {
                (low, body) = (shown, fewer);
            } else {
                high = shown - 1;
            }
        }
    }
    // One alert that is too large by itself: its annotations are cut, and should that not do, its labels.
    for labels_too in [false, true] {
        if body.to_string().len() > BYTES_MAX {
            body = webhook::body(&first_shortened(notice, labels_too), context, 1, "1");
            body["truncatedAlerts"] = notice.alerts.len().saturating_sub(1).into();
        }
    }
    let options = bearer(&settings.http, settings.alert_source_token.as_ref());
    Composed { message: post_json(settings.url.clone(), notice, &body, options), problems: Vec::new() }
}

fn first_shortened(notice: &Notice, labels_too: bool) -> Notice {
    let short = |labels: &Labels| {
        let pairs: Vec<(String, String)> =
            labels.iter().map(|(name, value)| (cut_chars(name, VALUE_MAX), cut_chars(value, VALUE_MAX))).collect();
        Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    };
    let alert = |alert: &Alert| Alert {
        annotations: short(&alert.annotations),
        labels: if labels_too { short(&alert.labels) } else { alert.labels.clone() },
        generator_url: cut_chars(&alert.generator_url, 2000),
        ..alert.clone()
    };
    let group_labels = if labels_too { short(&notice.group_labels) } else { notice.group_labels.clone() };
    Notice { alerts: notice.alerts.iter().take(1).map(alert).collect(), group_labels, ..notice.clone() }
}
