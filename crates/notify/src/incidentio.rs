//! incident.io: Alertmanager's JSON, version 1. incident.io knows the alert by its group key and the alerts' fingerprints.

use bellbuoy_vocabulary::Secret;

use crate::compose::{Composed, Context};
use crate::notice::Notice;
use crate::parts::post_json;
use crate::settings::{HttpOptions, IncidentioSettings};
use crate::webhook;

const BYTES_MAX: usize = 512 * 1024;

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
    let options = match &settings.alert_source_token {
        Some(token) => HttpOptions { authorization: Some(Secret::new(format!("Bearer {}", token.expose()))), ..settings.http.clone() },
        None => settings.http.clone(),
    };
    Composed { message: post_json(settings.url.clone(), notice, &body, options), problems: Vec::new() }
}
