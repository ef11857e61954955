//! `contactPoints`: who is told, and how. In: the files' trees. Out: receivers, one for each name; several entries of a name add up.

use std::collections::{BTreeMap, HashMap};

use bellbuoy_notify::{Integration, Receiver};
use bellbuoy_vocabulary::Span;

use super::super::Opened;
use super::super::read::{Fields, Report};
use super::contact_kinds::{self, Around};
use super::notify::entries;

/// Grafana's bound.
const UID_CHARS_MAX: usize = 40;

/// A contact point under the name that policies call it by.
pub struct ContactPoint<'a> {
    pub name: String,
    pub receiver: Receiver,
    /// Where its first entry stands.
    pub report: &'a Report,
    pub span: Span,
}

/// An integration with its place, to say later that its templates fail.
struct Uid {
    place: String,
}

pub fn read<'a>(files: &'a [Opened], around: &Around) -> Vec<ContactPoint<'a>> {
    let mut points: Vec<ContactPoint> = Vec::new();
    let mut uids: HashMap<String, Uid> = HashMap::new();
    let deleted = deleted(files);
    for file in files {
        for entry in entries(file, "contactPoints", "contact point") {
            let name = entry.required("name").map(|name| (name.as_str().to_string(), name.span()));
            let _ = entry.node("orgId");
            let mut integrations = Vec::new();
            for receiver in entry.maps("receivers", "receiver of a contact point") {
                let report = receiver.report;
                let span = receiver.span;
                let uid = uid(&receiver, &mut uids);
                let read = integration(receiver, around);
                match uid {
                    Some(uid) if deleted.contains_key(&uid) => {
                        let message = format!("receiver {uid:?} is deleted at once by deleteContactPoints at {}", deleted[&uid]);
                        report.warning(span, message, "remove one of the two");
                    }
                    _ => integrations.extend(read),
                }
            }
            entry.finish();
            let Some((name, span)) = name else { continue };
            let at = match points.iter().position(|point| point.name == name) {
                Some(at) => at,
                None => {
                    let receiver = Receiver { name: name.clone(), labels: BTreeMap::new(), integrations: Vec::new() };
                    points.push(ContactPoint { name, receiver, report: &file.report, span });
                    points.len() - 1
                }
            };
            for integration in integrations {
                push(&mut points[at].receiver, integration);
            }
        }
    }
    points
}

/// The integrations of a receiver are numbered by kind.
fn push(receiver: &mut Receiver, mut integration: Integration) {
    let word = integration.kind.word();
    integration.index = receiver.integrations.iter().filter(|known| known.kind.word() == word).count();
    receiver.integrations.push(integration);
}

fn uid(receiver: &Fields, uids: &mut HashMap<String, Uid>) -> Option<String> {
    let text = receiver.required("uid")?;
    let uid = text.as_str();
    if uid.chars().count() > UID_CHARS_MAX {
        receiver.error(text.span(), format!("uid is longer than {UID_CHARS_MAX} characters"), "");
    }
    let place = format!("{}:{}", receiver.report.file, text.span().line);
    if let Some(earlier) = uids.insert(uid.to_string(), Uid { place }) {
        let message = format!("uid {:?} is given twice: also at {}", text.shown(), earlier.place);
        receiver.error(text.span(), message, "the uid of each receiver is its own");
    }
    Some(uid.to_string())
}

/// A receiver may stand for several integrations: without `singleEmail` each address gets a mail of its own.
fn integration(fields: Fields, around: &Around) -> Vec<Integration> {
    let send_resolved = !fields.boolean("disableResolveMessage").unwrap_or(false);
    let kind = fields.required("type");
    let settings = fields.node("settings");
    let mut found = Vec::new();
    if let Some(kind) = kind {
        match settings {
            Some(settings) => found = contact_kinds::read(kind, settings, &fields, around),
            None if fields.unset("settings") => {}
            None => fields.error(fields.span, "settings are missing in this receiver of a contact point", "add `settings:`"),
        }
    }
    fields.finish();
    found.into_iter().map(|made| Integration { index: 0, send_resolved: send_resolved && made.resolves, kind: made.kind }).collect()
}

/// Uids of `deleteContactPoints`, with their place.
fn deleted(files: &[Opened]) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for file in files {
        for entry in entries(file, "deleteContactPoints", "deleted contact point") {
            let _ = entry.node("orgId");
            if let Some(uid) = entry.required("uid") {
                found.insert(uid.as_str().to_string(), format!("{}:{}", file.report.file, uid.span().line));
            }
            entry.finish();
        }
    }
    found
}
