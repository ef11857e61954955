//! `provisioning/datasources/*.yml`: which uids mean a Prometheus, and where the traces of their exemplars are. All of them are answered from our own store.

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
    pub exemplar_links: Vec<ExemplarLink>,
}

/// `exemplarTraceIdDestinations` of a data source: where the trace of a label's value is.
#[derive(Clone, Debug, PartialEq)]
pub struct ExemplarLink {
    pub label: String,
    /// With `${__value.raw}` where the value goes. http or https, without a password; empty: another place.
    pub url: String,
    pub title: String,
    /// It leads to a query of a data source in Grafana's Explore.
    pub explore: Option<Explore>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Explore {
    /// Of a Prometheus, which is answered here: the value is the expression.
    Ours,
    /// The reason why it is not followed.
    Elsewhere(String),
}

/// Each exemplar is compared with all of them.
const EXEMPLAR_LINKS_MAX: usize = 20;

/// One with a `datasourceUid` is judged when all data sources are known. What can not be followed is warned of.
/// Variables of the environment are not filled in: pages show the address, and a variable may be a secret. `$$`, which protects
/// `${__value.raw}` from Grafana, is `$`.
fn exemplar_link(fields: &Fields) -> Option<ExemplarLink> {
    let label = fields.string("name").filter(|label| !label.is_empty())?;
    let title = fields.string("urlDisplayName").filter(|title| !title.is_empty());
    if let Some(uid) = fields.string("datasourceUid").filter(|uid| !uid.is_empty()) {
        let title = title.unwrap_or_else(|| uid.clone());
        return Some(ExemplarLink { label, url: String::new(), title, explore: Some(Explore::Elsewhere(uid)) });
    }
    let text = fields.text("url").filter(|text| !text.as_str().is_empty())?;
    let url = text.as_str().replace("$$", "$");
    let rest = ["https://", "http://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if !host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '$', '\\'])) {
        let message = "\"url\" of an exemplar destination is not followed: it must begin with http:// or https:// and a host, without a password or a variable";
        fields.report.warning(text.span(), message, "write for example https://traces.example/trace/$${__value.raw}");
        return None;
    }
    Some(ExemplarLink { title: title.unwrap_or_else(|| host.unwrap_or_default().to_string()), url, label, explore: None })
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
            if let Some(json) = json.as_ref().filter(|_| kind.as_str() == "prometheus") {
                for destination in json.maps("exemplarTraceIdDestinations", "exemplar destination") {
                    self.exemplar_links.extend(exemplar_link(&destination));
                }
                self.exemplar_links.truncate(EXEMPLAR_LINKS_MAX);
            }
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

    /// The links of exemplars, with the data sources of all files known.
    pub fn take_exemplar_links(&mut self) -> Vec<ExemplarLink> {
        let mut links = std::mem::take(&mut self.exemplar_links);
        for link in &mut links {
            let Some(Explore::Elsewhere(uid)) = &link.explore else { continue };
            link.explore = Some(match self.find(uid) {
                Some(known) if known.kind == "prometheus" => Explore::Ours,
                Some(known) => Explore::Elsewhere(format!(
                    "its traces are in the data source {:?} ({}), which is not asked from here",
                    known.name, known.kind
                )),
                None => Explore::Elsewhere(format!("no data source file has the uid {uid:?}")),
            });
        }
        links
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
