//! Exemplars of data points, under the names of labels that Prometheus' translator gives them.

use bellbuoy_vocabulary::{Exemplar, Labels, Timestamp};

use super::messages::SentExemplar;
use super::translate::words;

/// Of one point; further ones are left out.
const EXEMPLARS_MAX: usize = 1000;

/// In the order of time, for a series takes no older one after a newer.
pub fn exemplars_of(sent: &[SentExemplar]) -> Vec<Exemplar> {
    let mut out: Vec<Exemplar> = sent.iter().take(EXEMPLARS_MAX).filter_map(exemplar).collect();
    out.sort_by(Exemplar::order);
    out
}

/// `None`: it has no value. Attributes keep their own names, dots included; they go when there is no room for them beside the ids.
fn exemplar(sent: &SentExemplar) -> Option<Exemplar> {
    let value = sent.as_double.or(sent.as_int.map(|value| value as f64))?;
    let ids: Vec<(String, String)> = [("trace_id", &sent.trace_id), ("span_id", &sent.span_id)]
        .into_iter()
        .filter_map(|(name, id)| Some((name.to_string(), hex(id)?)))
        .collect();
    let attributes = sent.filtered_attributes.iter().map(|pair| {
        let value = pair.value.as_ref().map(words).unwrap_or_default();
        (pair.key.clone(), value.into_owned())
    });
    let at = Timestamp((sent.time_unix_nano / 1_000_000) as i64);
    // Ids last: of equal names the last one wins.
    let all = attributes.chain(ids.iter().cloned());
    let whole = Exemplar { labels: Labels::from_pairs(all), value, at, has_own_time: at.0 != 0 };
    Some(if whole.fits() { whole } else { Exemplar { labels: Labels::from_pairs(ids), ..whole } })
}

/// Zeros are no id.
fn hex(id: &[u8]) -> Option<String> {
    if id.iter().all(|byte| *byte == 0) {
        return None;
    }
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}
