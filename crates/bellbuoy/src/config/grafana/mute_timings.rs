//! `muteTimes`: named times in which nobody is told, as `time_intervals` of alertmanager.yml.

use bellbuoy_router::TimeInterval;

use super::super::Opened;
use super::super::time_intervals::spans;
use super::notify::entries;

pub fn read(files: &[Opened]) -> Vec<TimeInterval> {
    let mut found: Vec<TimeInterval> = Vec::new();
    for file in files {
        for entry in entries(file, "muteTimes", "mute timing") {
            let _ = entry.node("orgId");
            let name = entry.required("name");
            let spans = spans(&entry);
            if let Some(name) = name {
                if found.iter().any(|earlier| earlier.name == name.as_str()) {
                    entry.error(name.span(), format!("mute timing {:?} is given twice", name.shown()), "");
                }
                found.push(TimeInterval { name: name.as_str().to_string(), spans });
            }
            entry.finish();
        }
    }
    for (file, deleted) in deleted(files, "deleteMuteTimes") {
        if found.iter().any(|interval| interval.name == deleted.0) {
            let message = format!("mute timing {:?} is also defined: Grafana deletes it again; here it stays", deleted.0);
            file.report.warning(deleted.1, message, "remove one of the two");
        }
    }
    found
}

/// The names of a `delete...` section: there is nothing here that could be deleted.
pub fn deleted<'a>(files: &'a [Opened], section: &'static str) -> Vec<(&'a Opened, (String, bellbuoy_vocabulary::Span))> {
    let mut found = Vec::new();
    for file in files {
        for entry in entries(file, section, "deleted entry") {
            let _ = entry.node("orgId");
            if let Some(name) = entry.required("name") {
                found.push((file, (name.as_str().to_string(), name.span())));
            }
            entry.finish();
        }
    }
    found
}
