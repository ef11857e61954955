//! tell, but not now: the silences that people made, as Alertmanager keeps them.
//!
//! In:    silences from the API, `now`. Out: the same with their state; changes for the state database; what the router mutes by.
//! Never: forgets an active silence; an ended one is kept for `RETENTION` so that people can see it.

use std::collections::BTreeMap;

use bellbuoy_router::Silence as Mute;
use bellbuoy_vocabulary::{MatchOp, Matcher, Millis, Timestamp};
use serde_json::{Value, json};

const MATCHERS_MAX: usize = 100;

/// How much of the silences is kept (`--silences.max-silences`, `--silences.max-silence-size-bytes`, `--data.retention`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilenceLimits {
    /// Those that ended count too, as long as they are kept.
    pub count_max: usize,
    /// Of one silence, written as JSON.
    pub bytes_max: usize,
    /// How long an ended silence is shown.
    pub retention: Millis,
}

impl Default for SilenceLimits {
    fn default() -> SilenceLimits {
        SilenceLimits { count_max: 100_000, bytes_max: 64 << 10, retention: Millis::from_minutes(120 * 60) }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    pub id: String,
    /// An alert that satisfies all matchers of one of the sets is silenced. Alertmanager's JSON knows only one set.
    pub matcher_sets: Vec<Vec<Matcher>>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: BTreeMap<String, String>,
}

/// A silence as the API receives it; with an id it replaces that one.
pub struct PostedSilence {
    pub id: Option<String>,
    pub matcher_sets: Vec<Vec<Matcher>>,
    /// The sender knows of several sets. One who does not sees only the first; when that comes back unchanged, the others stay.
    pub knows_sets: bool,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: BTreeMap<String, String>,
}

/// In Alertmanager's words.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SilenceError {
    #[error("silence not found")]
    NotFound,
    #[error("{0}")]
    Invalid(String),
    #[error("exceeded maximum number of silences: {count} (limit: {limit})")]
    TooMany { count: usize, limit: usize },
    #[error("silence exceeded maximum size: {bytes} bytes (limit: {limit} bytes)")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the silence could not be written to disk")]
    NotWritten,
}

/// What has to be written so that a restart knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Put(Silence),
    Gone(String),
}

#[derive(Default)]
pub struct Silences {
    limits: SilenceLimits,
    by_id: BTreeMap<String, Silence>,
}

impl Silence {
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.ends_at <= now {
            "expired"
        } else if self.starts_at > now {
            "pending"
        } else {
            "active"
        }
    }

    /// As API v2 shows it and the database keeps it. `matcherSets` is ours, and there only when one set is not enough.
    pub fn to_json(&self) -> Value {
        let set = |set: &Vec<Matcher>| matchers_json(set);
        let mut out = json!({
            "id": self.id, "matchers": self.matcher_sets.first().map_or(json!([]), set), "startsAt": self.starts_at.rfc3339(),
            "endsAt": self.ends_at.rfc3339(), "updatedAt": self.updated_at.rfc3339(), "createdBy": self.created_by, "comment": self.comment,
        });
        if self.matcher_sets.len() > 1 {
            out["matcherSets"] = Value::Array(self.matcher_sets.iter().map(set).collect());
        }
        if !self.annotations.is_empty() {
            out["annotations"] = json!(self.annotations);
        }
        out
    }

    /// From what `to_json` wrote; `None` when it is something else.
    pub fn from_json(value: &Value) -> Option<Silence> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_string);
        let time = |name: &str| Timestamp::parse_rfc3339(value.get(name)?.as_str()?);
        Some(Silence {
            id: text("id")?,
            matcher_sets: matcher_sets_of(value).ok()?,
            starts_at: time("startsAt")?,
            ends_at: time("endsAt")?,
            updated_at: time("updatedAt")?,
            created_by: text("createdBy")?,
            comment: text("comment")?,
            annotations: value.get("annotations").map_or(Ok(BTreeMap::new()), |map| serde_json::from_value(map.clone())).ok()?,
        })
    }

    /// What the router mutes by.
    pub fn mute(&self) -> Mute {
        Mute { id: self.id.clone(), matchers: self.matcher_sets.clone(), starts_at: self.starts_at, ends_at: self.ends_at }
    }
}

pub fn matchers_json(set: &[Matcher]) -> Value {
    set.iter().map(matcher_json).collect()
}

fn matcher_json(matcher: &Matcher) -> Value {
    json!({
        "name": matcher.name, "value": matcher.value,
        "isRegex": matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex),
        "isEqual": matches!(matcher.op, MatchOp::Equal | MatchOp::Regex),
    })
}

/// The sets of a silence's JSON: `matcherSets`, or the one set `matchers`. The error names matcher and set, as Alertmanager's does.
pub fn matcher_sets_of(value: &Value) -> Result<Vec<Vec<Matcher>>, String> {
    let lists: Vec<&Value> = match value.get("matcherSets").and_then(Value::as_array) {
        Some(sets) => sets.iter().collect(),
        None => value.get("matchers").into_iter().collect(),
    };
    let mut sets = Vec::new();
    for (number, list) in lists.into_iter().enumerate() {
        let mut set = Vec::new();
        for (index, one) in list.as_array().map_or(&[][..], Vec::as_slice).iter().enumerate() {
            set.push(matcher_of(one).map_err(|reason| format!("invalid label matcher {index} in set {number}: {reason}"))?);
        }
        sets.push(set);
    }
    Ok(sets)
}

/// `{"name", "value", "isRegex", "isEqual" (true when absent)}`
pub fn matcher_of(value: &Value) -> Result<Matcher, String> {
    let text = |field: &str| value.get(field).and_then(Value::as_str).ok_or_else(|| format!("{field} is not a text"));
    let flag = |field: &str, absent: bool| value.get(field).and_then(Value::as_bool).unwrap_or(absent);
    let op = match (flag("isRegex", false), flag("isEqual", true)) {
        (false, true) => MatchOp::Equal,
        (false, false) => MatchOp::NotEqual,
        (true, true) => MatchOp::Regex,
        (true, false) => MatchOp::NotRegex,
    };
    let (name, value) = (text("name")?, text("value")?);
    if !crate::config::alert_label_name_ok(name) {
        return Err(format!("invalid label name {name:?}"));
    }
    Matcher::new(name, op, value).map_err(|error| format!("invalid regular expression {:?}: {}", error.pattern, error.reason))
}

impl Silences {
    pub fn restore(silences: impl IntoIterator<Item = Silence>, limits: SilenceLimits) -> Silences {
        Silences { by_id: silences.into_iter().map(|silence| (silence.id.clone(), silence)).collect(), limits }
    }

    #[cfg(test)]
    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.by_id.get(id)
    }

    pub fn all(&self) -> impl Iterator<Item = &Silence> {
        self.by_id.values()
    }

    pub fn limits(&self) -> SilenceLimits {
        self.limits
    }

    pub fn set_limits(&mut self, limits: SilenceLimits) {
        self.limits = limits;
    }

    /// What the router mutes by.
    pub fn mutes(&self, now: Timestamp) -> Vec<Mute> {
        self.by_id.values().filter(|silence| silence.ends_at > now).map(Silence::mute).collect()
    }

    /// Makes or edits a silence. As in Alertmanager, an edit that changes what was silenced ends the old one and makes a new one;
    /// `new_id` names it. Gives the id that holds now, and what to write.
    pub fn post(&mut self, mut posted: PostedSilence, new_id: String, now: Timestamp) -> Result<(String, Vec<Change>), SilenceError> {
        check(&posted)?;
        let old = match &posted.id {
            None => None,
            Some(id) => Some(self.by_id.get(id).cloned().ok_or(SilenceError::NotFound)?),
        };
        if let Some(old) = &old
            && !posted.knows_sets
            && posted.matcher_sets.first() == old.matcher_sets.first()
        {
            posted.matcher_sets.clone_from(&old.matcher_sets);
        }
        let edits = old.as_ref().is_some_and(|old| can_edit(old, &posted, now));
        let silence = Silence {
            id: old.as_ref().filter(|_| edits).map_or(new_id, |old| old.id.clone()),
            matcher_sets: posted.matcher_sets,
            starts_at: match &old {
                // An active silence began when it began; only full seconds are compared, so the posted time may differ a little.
                Some(old) if edits && old.starts_at <= now => old.starts_at,
                _ => posted.starts_at.max(now),
            },
            ends_at: posted.ends_at,
            updated_at: now,
            created_by: posted.created_by,
            comment: posted.comment,
            annotations: posted.annotations,
        };
        let bytes = silence.to_json().to_string().len();
        if bytes > self.limits.bytes_max {
            return Err(SilenceError::TooLarge { bytes, limit: self.limits.bytes_max });
        }
        if !edits && self.by_id.len() >= self.limits.count_max {
            return Err(SilenceError::TooMany { count: self.by_id.len(), limit: self.limits.count_max });
        }
        let mut changes = match &old {
            Some(old) if !edits => self.expire(&old.id, now)?,
            _ => Vec::new(),
        };
        self.by_id.insert(silence.id.clone(), silence.clone());
        changes.push(Change::Put(silence.clone()));
        Ok((silence.id, changes))
    }

    /// Ends a silence now; one that has not begun never begins, and one that is over stays as it is.
    pub fn expire(&mut self, id: &str, now: Timestamp) -> Result<Vec<Change>, SilenceError> {
        let silence = self.by_id.get_mut(id).ok_or(SilenceError::NotFound)?;
        if silence.ends_at <= now {
            return Ok(Vec::new());
        }
        silence.starts_at = silence.starts_at.min(now);
        silence.ends_at = now;
        silence.updated_at = now;
        Ok(vec![Change::Put(silence.clone())])
    }

    /// Forgets those that ended long ago.
    pub fn sweep(&mut self, now: Timestamp) -> Vec<Change> {
        let over = |silence: &&Silence| silence.ends_at.saturating_add(self.limits.retention) <= now;
        let old: Vec<String> = self.by_id.values().filter(over).map(|silence| silence.id.clone()).collect();
        old.into_iter()
            .map(|id| {
                self.by_id.remove(&id);
                Change::Gone(id)
            })
            .collect()
    }
}

/// Whether the change leaves history as it was: then the silence keeps its id.
fn can_edit(old: &Silence, posted: &PostedSilence, now: Timestamp) -> bool {
    let seconds = |at: Timestamp| at.0.div_euclid(1000);
    posted.matcher_sets == old.matcher_sets
        && match old.state(now) {
            "active" => seconds(old.starts_at) == seconds(posted.starts_at) && posted.ends_at >= now,
            "pending" => posted.starts_at >= now,
            _ => false,
        }
}

fn check(posted: &PostedSilence) -> Result<(), SilenceError> {
    let invalid = |text: &str| Err(SilenceError::Invalid(format!("invalid silence: {text}")));
    if posted.matcher_sets.is_empty() {
        return invalid("at least one matcher set required");
    }
    for (number, set) in posted.matcher_sets.iter().enumerate() {
        if set.is_empty() {
            return invalid(&format!("matcher set {number} is empty"));
        }
        // `a!="b"` alone is allowed: it silences what does not have that value.
        let matches_empty = |matcher: &Matcher| matches!(matcher.op, MatchOp::Equal | MatchOp::Regex) && matcher.matches_empty();
        if set.iter().all(matches_empty) {
            return invalid(&format!("matcher set {number}: at least one matcher must not match the empty string"));
        }
    }
    if posted.matcher_sets.iter().map(Vec::len).sum::<usize>() > MATCHERS_MAX {
        return invalid(&format!("more than {MATCHERS_MAX} matchers"));
    }
    if posted.ends_at < posted.starts_at {
        return invalid("end time must not be before start time");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
