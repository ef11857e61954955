//! tell, but not now: the silences that people made, as Alertmanager keeps them.
//!
//! In:    silences from the API, `now`. Out: the same with their state; changes for the state database; what the router mutes by.
//! Never: forgets an active silence; an ended one is kept for `RETENTION` so that people can see it.

use std::collections::BTreeMap;

use bellbuoy_router::Silence as Mute;
use bellbuoy_vocabulary::{MatchOp, Matcher, Millis, Timestamp};
use serde_json::{Value, json};

/// How long an ended silence is shown (Alertmanager's `--data.retention`).
const RETENTION: Millis = Millis::from_minutes(120 * 60);
/// Silences above this number are refused.
const SILENCES_MAX: usize = 10_000;
const MATCHERS_MAX: usize = 100;
const TEXT_BYTES_MAX: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: String,
    pub comment: String,
}

/// A silence as the API receives it; with an id it replaces that one.
pub struct PostedSilence {
    pub id: Option<String>,
    pub matchers: Vec<Matcher>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub created_by: String,
    pub comment: String,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SilenceError {
    #[error("silence {0} not found")]
    NotFound(String),
    #[error("{0}")]
    Invalid(String),
    #[error("the limit of {SILENCES_MAX} silences is reached")]
    TooMany,
}

/// What has to be written so that a restart knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Put(Silence),
    Gone(String),
}

#[derive(Default)]
pub struct Silences {
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

    pub fn to_json(&self) -> Value {
        let matcher = |matcher: &Matcher| {
            json!({
                "name": matcher.name, "value": matcher.value,
                "isRegex": matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex),
                "isEqual": matches!(matcher.op, MatchOp::Equal | MatchOp::Regex),
            })
        };
        json!({
            "id": self.id, "matchers": self.matchers.iter().map(matcher).collect::<Vec<_>>(), "startsAt": self.starts_at.rfc3339(),
            "endsAt": self.ends_at.rfc3339(), "updatedAt": self.updated_at.rfc3339(), "createdBy": self.created_by, "comment": self.comment,
        })
    }

    /// From what `to_json` wrote; `None` when it is something else.
    pub fn from_json(value: &Value) -> Option<Silence> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_string);
        let time = |name: &str| Timestamp::parse_rfc3339(value.get(name)?.as_str()?);
        Some(Silence {
            id: text("id")?,
            matchers: value.get("matchers")?.as_array()?.iter().map(|one| matcher_of(one).ok()).collect::<Option<_>>()?,
            starts_at: time("startsAt")?,
            ends_at: time("endsAt")?,
            updated_at: time("updatedAt")?,
            created_by: text("createdBy")?,
            comment: text("comment")?,
        })
    }
}

/// `{"name", "value", "isRegex", "isEqual" (true when absent)}`
pub fn matcher_of(value: &Value) -> Result<Matcher, String> {
    let text = |field: &str| value.get(field).and_then(Value::as_str).ok_or_else(|| format!("matcher: {field} is not a text"));
    let flag = |field: &str, absent: bool| value.get(field).and_then(Value::as_bool).unwrap_or(absent);
    let op = match (flag("isRegex", false), flag("isEqual", true)) {
        (false, true) => MatchOp::Equal,
        (false, false) => MatchOp::NotEqual,
        (true, true) => MatchOp::Regex,
        (true, false) => MatchOp::NotRegex,
    };
    Matcher::new(text("name")?, op, text("value")?).map_err(|error| error.to_string())
}

impl Silences {
    pub fn restore(silences: impl IntoIterator<Item = Silence>) -> Silences {
        Silences { by_id: silences.into_iter().map(|silence| (silence.id.clone(), silence)).collect() }
    }

    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.by_id.get(id)
    }

    pub fn all(&self) -> impl Iterator<Item = &Silence> {
        self.by_id.values()
    }

    /// What the router mutes by.
    pub fn mutes(&self, now: Timestamp) -> Vec<Mute> {
        let alive = self.by_id.values().filter(|silence| silence.ends_at > now);
        alive
            .map(|silence| Mute {
                id: silence.id.clone(),
                matchers: vec![silence.matchers.clone()],
                starts_at: silence.starts_at,
                ends_at: silence.ends_at,
            })
            .collect()
    }

    /// Makes or edits a silence. As in Alertmanager, an edit that changes what is silenced ends the old one and makes a new one;
    /// `new_id` names it. Gives the id that holds now, and what to write.
    pub fn post(&mut self, posted: PostedSilence, new_id: String, now: Timestamp) -> Result<(String, Vec<Change>), SilenceError> {
        check(&posted, now)?;
        let old = match &posted.id {
            None => None,
            Some(id) => Some(self.by_id.get(id).cloned().ok_or_else(|| SilenceError::NotFound(id.clone()))?),
        };
        let mut changes = Vec::new();
        if let Some(old) = &old {
            let same_start = old.starts_at == posted.starts_at || (old.starts_at <= now && posted.starts_at <= now);
            if old.matchers == posted.matchers && same_start && old.ends_at > now {
                let edited = Silence {
                    ends_at: posted.ends_at,
                    updated_at: now,
                    created_by: posted.created_by,
                    comment: posted.comment,
                    ..old.clone()
                };
                self.by_id.insert(edited.id.clone(), edited.clone());
                return Ok((edited.id.clone(), vec![Change::Put(edited)]));
            }
            if old.ends_at > now {
                changes.extend(self.expire(&old.id, now)?);
            }
        }
        if self.by_id.len() >= SILENCES_MAX {
            return Err(SilenceError::TooMany);
        }
        let silence = Silence {
            id: new_id,
            matchers: posted.matchers,
            starts_at: posted.starts_at.max(now),
            ends_at: posted.ends_at,
            updated_at: now,
            created_by: posted.created_by,
            comment: posted.comment,
        };
        self.by_id.insert(silence.id.clone(), silence.clone());
        changes.push(Change::Put(silence.clone()));
        Ok((silence.id, changes))
    }

    /// Ends a silence now; one that has not begun never begins.
    pub fn expire(&mut self, id: &str, now: Timestamp) -> Result<Vec<Change>, SilenceError> {
        let silence = self.by_id.get_mut(id).ok_or_else(|| SilenceError::NotFound(id.to_string()))?;
        if silence.ends_at <= now {
            return Err(SilenceError::Invalid(format!("silence {id} already expired")));
        }
        silence.starts_at = silence.starts_at.min(now);
        silence.ends_at = now;
        silence.updated_at = now;
        Ok(vec![Change::Put(silence.clone())])
    }

    /// Forgets those that ended long ago.
    pub fn sweep(&mut self, now: Timestamp) -> Vec<Change> {
        let old: Vec<String> = self
            .by_id
            .values()
            .filter(|silence| silence.ends_at.saturating_add(RETENTION) <= now)
            .map(|silence| silence.id.clone())
            .collect();
        old.into_iter()
            .map(|id| {
                self.by_id.remove(&id);
                Change::Gone(id)
            })
            .collect()
    }
}

fn check(posted: &PostedSilence, now: Timestamp) -> Result<(), SilenceError> {
    let invalid = |text: &str| Err(SilenceError::Invalid(format!("invalid silence: {text}")));
    if posted.matchers.is_empty() {
        return invalid("at least one matcher required");
    }
    if posted.matchers.len() > MATCHERS_MAX {
        return invalid("too many matchers");
    }
    if posted.matchers.iter().all(Matcher::matches_empty) {
        return invalid("at least one matcher must not match the empty string");
    }
    if posted.comment.len() > TEXT_BYTES_MAX || posted.created_by.len() > TEXT_BYTES_MAX {
        return invalid("the comment is too long");
    }
    if posted.ends_at < posted.starts_at {
        return invalid("end time must not be before start time");
    }
    if posted.ends_at <= now {
        return invalid("end time can't be in the past");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(id: Option<&str>, value: &str, from: i64, to: i64) -> PostedSilence {
        PostedSilence {
            id: id.map(str::to_string),
            matchers: vec![Matcher::equal("alertname", value)],
            starts_at: Timestamp(from),
            ends_at: Timestamp(to),
            created_by: "me".into(),
            comment: "why".into(),
        }
    }

    #[test]
    fn a_silence_begins_is_edited_and_ends() {
        let mut silences = Silences::default();
        let (id, changes) = silences.post(posted(None, "A", 0, 100), "one".into(), Timestamp(10)).expect("good");
        assert_eq!((id.as_str(), changes.len()), ("one", 1));
        let state = |silences: &Silences, id: &str, at: i64| silences.get(id).map_or("none", |silence| silence.state(Timestamp(at)));
        assert_eq!(silences.get("one").map(|silence| silence.starts_at), Some(Timestamp(10)), "not in the past");
        // The same matchers: the same silence, longer.
        let (id, _) = silences.post(posted(Some("one"), "A", 10, 200), "two".into(), Timestamp(20)).expect("good");
        assert_eq!((id.as_str(), state(&silences, "one", 150)), ("one", "active"));
        // Other matchers: the old one ends.
        let (id, changes) = silences.post(posted(Some("one"), "B", 10, 200), "three".into(), Timestamp(30)).expect("good");
        assert_eq!((id.as_str(), changes.len()), ("three", 2));
        assert_eq!((state(&silences, "one", 30), state(&silences, "three", 30)), ("expired", "active"));
        assert_eq!(silences.mutes(Timestamp(31)).len(), 1);
        assert!(silences.expire("three", Timestamp(40)).is_ok());
        assert_eq!(silences.expire("three", Timestamp(41)), Err(SilenceError::Invalid("silence three already expired".into())));
        assert_eq!(silences.expire("four", Timestamp(41)), Err(SilenceError::NotFound("four".into())));
        assert_eq!(silences.sweep(Timestamp(41)).len(), 0);
        assert_eq!(silences.sweep(Timestamp(41) + RETENTION).len(), 2);
    }

    #[test]
    fn what_can_not_be_a_silence_is_refused() {
        let mut silences = Silences::default();
        let mut refuse = |posted: PostedSilence| silences.post(posted, "x".into(), Timestamp(50)).expect_err("refused").to_string();
        assert!(refuse(posted(None, "A", 0, 50)).contains("past"));
        assert!(refuse(posted(None, "A", 80, 60)).contains("before start"));
        assert!(refuse(posted(Some("gone"), "A", 0, 60)).contains("not found"));
        assert!(refuse(PostedSilence { matchers: Vec::new(), ..posted(None, "A", 0, 60) }).contains("at least one matcher"));
        assert!(refuse(posted(None, "", 0, 60)).contains("empty string"));
    }

    #[test]
    fn silences_come_back_as_they_were() {
        let silence = Silence {
            id: "one".into(),
            matchers: vec![
                Matcher::equal("a", "b"),
                Matcher::new("c", MatchOp::NotRegex, "d.*").expect("a valid pattern"),
                Matcher::new("e", MatchOp::NotEqual, "f").expect("valid"),
            ],
            starts_at: Timestamp(1_000),
            ends_at: Timestamp(2_001),
            updated_at: Timestamp(1_500),
            created_by: "me".into(),
            comment: "\"why\"".into(),
        };
        assert_eq!(Silence::from_json(&silence.to_json()), Some(silence));
    }
}
