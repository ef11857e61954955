//! The labels of a sample and those of its target become one set; and the bounds of a label set.

use std::mem;

use bellbuoy_exposition::{Pair, normal_label_value};
use bellbuoy_vocabulary::{Labels, METRIC_NAME, MetricType};

use crate::relabel::relabel;
use crate::{Limits, ScrapeSettings};

/// No series has more labels than this, whatever `label_limit` says: merging and relabelling look each of them up.
const LABELS_HARD_MAX: usize = 1024;

/// The labels of a series as the store gets them. `kind` is that of the last `# TYPE` line. `Ok(None)`: dropped by `metric_relabel_configs`.
pub(crate) fn merged<'a>(
    mut pairs: Vec<Pair<'a>>,
    kind: MetricType,
    target: &'a Labels,
    settings: &ScrapeSettings,
) -> Result<Option<Labels>, String> {
    if pairs.len() > LABELS_HARD_MAX {
        return Err(format!("a series with {} labels; more than {LABELS_HARD_MAX} are never taken", pairs.len()));
    }
    for (name, value) in &mut pairs {
        if let Some(normal) = normal_label_value(kind, name, value) {
            *value = normal.into();
        }
    }
    join(&mut pairs, target, settings.honor_labels);
    pairs.retain(|(_, value)| !value.is_empty());
    pairs.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let labels = Labels::from_sorted(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
    let Some(labels) = relabel(&labels, &settings.metric_relabel_configs).filter(|labels| !labels.is_empty()) else {
        return Ok(None);
    };
    if !labels.has(METRIC_NAME) {
        return Err("metric_relabel_configs left a sample without a name (__name__)".into());
    }
    check(&labels, &settings.limits)?;
    Ok(Some(labels))
}

/// Where both have a label, the target's wins and the sample's is kept as `exported_...`; with `honor_labels` the sample's wins.
fn join<'a>(pairs: &mut Vec<Pair<'a>>, target: &'a Labels, honor_labels: bool) {
    let mut moved: Vec<Pair> = Vec::new();
    for (name, value) in target {
        match pairs.iter_mut().find(|(given, _)| given == name) {
            None => pairs.push((name.into(), value.into())),
            // A label that the sample has, even an empty one, stays as the target wrote it.
            Some(_) if honor_labels => {}
            Some((_, own)) => {
                let own = mem::replace(own, value.into());
                if !own.is_empty() {
                    moved.push((name.into(), own));
                }
            }
        }
    }
    // Prometheus' order, which decides who gets the shorter name when `exported_` meets `exported_exported_`.
    moved.sort_by_key(|(name, _)| name.len());
    for (name, value) in moved {
        let mut exported = format!("exported_{name}");
        while pairs.iter().any(|(given, value)| *given == exported && !value.is_empty()) {
            exported.insert_str(0, "exported_");
        }
        match pairs.iter_mut().find(|(given, _)| *given == exported) {
            Some((_, empty)) => *empty = value,
            None => pairs.push((exported.into(), value)),
        }
    }
}

fn check(labels: &Labels, limits: &Limits) -> Result<(), String> {
    let count = labels.len() as u64;
    if over(count, limits.labels_max) {
        let name = short(labels.name());
        return Err(format!("label_limit exceeded: metric {name} has {count} labels, the limit is {}", limits.labels_max));
    }
    for (label, value) in labels {
        if over(label.len() as u64, limits.label_name_bytes_max) {
            let (name, label, bytes) = (short(labels.name()), short(label), label.len());
            let limit = limits.label_name_bytes_max;
            return Err(format!(
                "label_name_length_limit exceeded: label {label} of metric {name} has {bytes} bytes, the limit is {limit}"
            ));
        }
        if over(value.len() as u64, limits.label_value_bytes_max) {
            let (name, label, bytes) = (short(labels.name()), short(label), value.len());
            let limit = limits.label_value_bytes_max;
            return Err(format!(
                "label_value_length_limit exceeded: the value of label {label} of metric {name} has {bytes} bytes, the limit is {limit}"
            ));
        }
    }
    Ok(())
}

/// The beginning of a name, quoted, for messages: a target can send names of any length.
fn short(name: &str) -> String {
    let short: String = name.chars().take(50).collect();
    format!("{short:?}")
}

/// A limit of 0 is none, as a person wrote it.
pub(crate) fn over(count: u64, limit: u64) -> bool {
    limit > 0 && count > limit
}
