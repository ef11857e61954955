//! `provisioning/datasources/*.yml`: which uids mean a Prometheus. All of them are answered from our own store.

use bellbuoy_vocabulary::{Millis, parse_duration};

use super::super::read::{Fields, Report, did_you_mean};
use super::super::yaml::Node;

/// One entry of `datasources:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Datasource {
    pub name: String,
    /// Grafana derives one from the name when the file does not say it; rules can not rely on that.
    pub uid: Option<String>,
    pub kind: String,
    /// The interval between scrapes, for `$__rate_interval`.
    pub time_interval: Option<Millis>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Datasources {
    pub all: Vec<Datasource>,
}

impl Datasources {
    /// Adds those of one file.
    pub fn read(&mut self, root: &Node, report: &Report) {
        let Some(fields) = Fields::of(root, "Grafana data source file", report) else { return };
        for entry in fields.maps("datasources", "data source") {
            let Some(name) = entry.required("name") else { continue };
            let Some(kind) = entry.required("type") else { continue };
            let uid = entry.string("uid").filter(|uid| !uid.is_empty());
            let json = entry.map("jsonData", "jsonData");
            let time_interval = json.and_then(|json| json.text("timeInterval")).filter(|text| !text.as_str().is_empty()).and_then(|text| {
                let length = parse_duration(text.as_str()).ok().filter(|length| *length > Millis::ZERO);
                if length.is_none() {
                    entry.error(
                        text.span(),
                        format!("\"timeInterval\" is not a valid duration: {:?}", text.shown()),
                        "write for example 15s",
                    );
                }
                length
            });
            // The other fields say how Grafana reaches it.
            self.all.push(Datasource { name: name.as_str().to_string(), uid, kind: kind.as_str().to_string(), time_interval });
        }
    }

    /// What a rule's `datasourceUid` names.
    pub fn find(&self, uid: &str) -> Option<&Datasource> {
        self.all.iter().find(|one| one.uid.as_deref() == Some(uid))
    }

    /// For the message about an unknown uid.
    pub fn help(&self, uid: &str) -> String {
        let known: Vec<&str> = self.all.iter().filter(|one| one.kind == "prometheus").filter_map(|one| one.uid.as_deref()).collect();
        match (did_you_mean(uid, known.iter().copied()), known.as_slice()) {
            (_, []) => "no data source file gives a uid to a data source of type prometheus; add `uid: ...` there".to_string(),
            (near, known) if near.is_empty() => format!("known ones: {}", known.join(", ")),
            (near, known) => format!("{near} known ones: {}", known.join(", ")),
        }
    }
}
