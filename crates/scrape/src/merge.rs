//! The labels of a sample and those of its target become one set; and the bounds of a label set.

use bellbuoy_exposition::Pair;
use bellbuoy_vocabulary::{Labels, LabelsBuilder, METRIC_NAME};

use crate::relabel::relabel_builder;
use crate::{Limits, ScrapeSettings};

/// `Ok(None)`: dropped by `metric_relabel_configs`.
pub(crate) fn merged(pairs: &[Pair<'_>], target: &Labels, settings: &ScrapeSettings) -> Result<Option<Labels>, String> {
    let mut labels = LabelsBuilder::new();
    for (name, value) in pairs {
        labels.set(name, value);
    }
    if settings.honor_labels {
        for (name, value) in target {
            // A label that the sample has, even an empty one, stays as the target wrote it.
            if !pairs.iter().any(|(given, _)| given == name) {
                labels.set(name, value);
            }
        }
    } else {
        let mut moved: Vec<(String, String)> = Vec::new();
        for (name, value) in target {
            let own = labels.get(name).to_string();
            if !own.is_empty() {
                moved.push((name.to_string(), own));
            }
            labels.set(name, value);
        }
        for (name, value) in moved {
            let mut exported = format!("exported_{name}");
            while !labels.get(&exported).is_empty() {
                exported.insert_str(0, "exported_");
            }
            labels.set(&exported, &value);
        }
    }
    if !relabel_builder(&mut labels, &settings.metric_relabel_configs) {
        return Ok(None);
    }
    if labels.get(METRIC_NAME).is_empty() {
        return Err("metric_relabel_configs left a sample without a name".into());
    }
    let labels = labels.labels();
    check(&labels, &settings.limits)?;
    Ok(Some(labels))
}

fn check(labels: &Labels, limits: &Limits) -> Result<(), String> {
    let name = labels.name();
    let count = labels.len() as u64;
    if over(count, limits.labels_max) {
        return Err(format!("label_limit exceeded: metric {name:?} has {count} labels, the limit is {}", limits.labels_max));
    }
    for (label, value) in labels {
        if over(label.len() as u64, limits.label_name_bytes_max) {
            let limit = limits.label_name_bytes_max;
            return Err(format!(
                "label_name_length_limit exceeded: a label of metric {name:?} has {} bytes, the limit is {limit}",
                label.len()
            ));
        }
        if over(value.len() as u64, limits.label_value_bytes_max) {
            let limit = limits.label_value_bytes_max;
            return Err(format!(
                "label_value_length_limit exceeded: label {label:?} of metric {name:?} has {} bytes, the limit is {limit}",
                value.len()
            ));
        }
    }
    Ok(())
}

/// A limit of 0 is none, as a person wrote it.
pub(crate) fn over(count: u64, limit: u64) -> bool {
    limit > 0 && count > limit
}
