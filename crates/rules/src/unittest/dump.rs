//! All series of a rule test with their samples, as `promtool test rules --debug` writes them: what went in and what the rules made of it.

use bellbuoy_vocabulary::{Labels, METRIC_NAME, SeriesSource, Timestamp, format_float, is_stale};

use crate::MemoryStore;

/// A line a series, a line a sample: `0.5 @[60000]`.
pub fn dump(store: &MemoryStore) -> Vec<String> {
    let mut out = Vec::new();
    let all = store.select(Timestamp::MIN, Timestamp::MAX, &[]).unwrap_or_default();
    for series in all {
        let samples = store.samples(series.labels());
        let live: Vec<_> = samples.iter().filter(|sample| !is_stale(sample.value)).collect();
        if live.is_empty() {
            continue;
        }
        out.push(format!("{} =>", with_name(series.labels())));
        out.extend(live.iter().map(|sample| format!("{} @[{}]", format_float(sample.value), sample.at.0)));
    }
    out
}

/// `{__name__="up", job="api"}`
fn with_name(labels: &Labels) -> String {
    let name = labels.get(METRIC_NAME);
    let first = (!name.is_empty()).then(|| format!("{METRIC_NAME}={name:?}"));
    let rest = labels.iter().filter(|(name, _)| *name != METRIC_NAME).map(|(name, value)| format!("{name}={value:?}"));
    format!("{{{}}}", first.into_iter().chain(rest).collect::<Vec<_>>().join(", "))
}
