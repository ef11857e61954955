//! Which alerts, groups and receivers a request asks for.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use bellbuoy_router::{AlertState, AlertView};
use bellbuoy_vocabulary::{AnchoredRegex, Labels, Matcher};

use super::super::params::Params;
use super::{Refusal, bad};
use crate::app::App;
use crate::config;

/// Matchers and the like in one request; a request has one or two.
const FILTERS_MAX: usize = 100;

pub struct Wanted {
    matchers: Vec<Matcher>,
    active: bool,
    silenced: bool,
    inhibited: bool,
    unprocessed: bool,
    pub muted: bool,
    receiver: Option<AnchoredRegex>,
    labelled: Labelled,
}

/// Which receivers are asked for by their labels.
pub struct Labelled {
    matchers: Vec<Matcher>,
    labels: BTreeMap<String, BTreeMap<String, String>>,
}

impl Labelled {
    pub fn read(params: &Params, app: &App) -> Result<Labelled, Refusal> {
        let matchers = matchers(params, "receiver_matchers");
        let receivers = &app.path.settings().receivers;
        Ok(Labelled {
            matchers: matchers.map_err(|error| bad(format!("failed to parse receiver_matchers param: {error}")))?,
            labels: receivers.iter().map(|receiver| (receiver.name.clone(), receiver.labels.clone())).collect(),
        })
    }

    pub fn takes(&self, name: &str) -> bool {
        if self.matchers.is_empty() {
            return true;
        }
        let labels = self.labels.get(name).into_iter().flatten();
        let labels = Labels::from_pairs(labels.map(|(name, value)| (name.as_str(), value.as_str())));
        self.matchers.iter().all(|matcher| matcher.matches_labels(&labels))
    }
}

impl Wanted {
    pub fn read(params: &Params, app: &App) -> Result<Wanted, Refusal> {
        let receiver = params.get("receiver").map(AnchoredRegex::new).transpose();
        Ok(Wanted {
            matchers: matchers(params, "filter").map_err(bad)?,
            active: flag(params, "active"),
            silenced: flag(params, "silenced"),
            inhibited: flag(params, "inhibited"),
            unprocessed: flag(params, "unprocessed"),
            muted: flag(params, "muted"),
            receiver: receiver.map_err(|error| bad(format!("failed to parse receiver param: {error}")))?,
            labelled: Labelled::read(params, app)?,
        })
    }

    pub fn takes(&self, view: &AlertView) -> bool {
        (self.active || view.state != AlertState::Active)
            && (self.unprocessed || view.state != AlertState::Unprocessed)
            && (self.silenced || view.silenced_by.is_empty())
            && (self.inhibited || view.inhibited_by.is_empty())
            && self.matchers.iter().all(|matcher| matcher.matches_labels(&view.alert.labels))
    }

    /// For alerts, one receiver may fit the name and another one the labels, as in Alertmanager.
    pub fn takes_any_receiver(&self, names: &[String]) -> bool {
        self.receiver.as_ref().is_none_or(|regex| names.iter().any(|name| regex.is_match(name)))
            && (self.labelled.matchers.is_empty() || names.iter().any(|name| self.labelled.takes(name)))
    }

    pub fn takes_receiver(&self, name: &str) -> bool {
        self.receiver.as_ref().is_none_or(|regex| regex.is_match(name)) && self.labelled.takes(name)
    }
}

/// The matchers of a parameter that may be repeated; each holds one matcher.
pub fn matchers(params: &Params, name: &str) -> Result<Vec<Matcher>, String> {
    let mut found = Vec::new();
    for text in params.all(name) {
        if found.len() >= FILTERS_MAX {
            return Err(format!("more than {FILTERS_MAX} {name} parameters"));
        }
        found.push(config::parse_matcher(text)?);
    }
    Ok(found)
}

/// The words that Alertmanager takes for yes; everything else is no, and nothing is yes.
pub fn flag(params: &Params, name: &str) -> bool {
    let words = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"];
    params.get(name).is_none_or(|text| words.contains(&text.to_lowercase().as_str()))
}

/// An id in the path must look like one.
pub fn uuid(id: &str) -> Result<(), Refusal> {
    let shape = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = id.split('-').collect();
    let good = parts.len() == shape.len()
        && parts.iter().zip(shape).all(|(part, length)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()));
    if good {
        return Ok(());
    }
    Err(Refusal::Coded(StatusCode::UNPROCESSABLE_ENTITY, 601, format!("silenceID in path must be of type uuid: {id:?}")))
}
