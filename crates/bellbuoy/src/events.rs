//! tell, once: the events of pipelines by their keys, so that a task which is tried again tells nothing twice.
//!
//! In:    events that were read and checked, keys from the state database, `now`.
//! Out:   for each event its id and, when it is new, its alert; rows for the list of events.
//! Never: holds more than `KEYS_MAX` keys; forgets one before its window is over.

use std::collections::HashMap;

use bellbuoy_notify::event::Event as PipelineEvent;
use bellbuoy_router::{Route, RouterSettings};
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Millis, Timestamp};
use serde_json::{Map, Value, json};

use crate::event::Event;
use crate::state::{EventKey, NewEvent};
use crate::wire::labels_json;

const KEYS_MAX: usize = 100_000;
/// An event lives at least so long in the router; nobody is told of its end.
const LIFE: Millis = Millis::from_minutes(5);
/// Nobody means a longer wait.
const WAIT_MAX: Millis = Millis::from_minutes(31 * 24 * 60);

#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum EventError {
    #[error("too many alerts or keys are known already; try again later")]
    Full,
    #[error("the events could not be written to disk; try again with the same keys")]
    Disk,
}

/// What became of an event that was posted.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: String,
    pub kind: String,
    /// With the time until which it stands for the event.
    pub key: Option<(String, Timestamp)>,
    /// `None`: an event with this key is known already, and `id` is its.
    pub alert: Option<Alert>,
    /// Who hears of it by the routes of now.
    pub receivers: Vec<String>,
}

impl Told {
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id, "kind": self.kind, "key": self.key.as_ref().map(|(key, _)| key),
            "status": if self.alert.is_some() { "accepted" } else { "repeated" }, "receivers": self.receivers,
        })
    }

    /// The line for the terminal.
    pub fn announcement(&self, now: Timestamp) -> Event {
        let text = |name: &str| self.alert.as_ref().map_or("", |alert| alert.annotations.get(name)).to_string();
        let fields = json!({"kind": self.kind, "id": self.id, "title": text("title"), "summary": text("summary")});
        Event::new(now, "event", fields, format!("{}: {} {}", self.kind, text("title"), text("summary")).trim_end().to_string())
    }
}

/// The keys that were used, by kind and key.
#[derive(Default)]
pub struct Book {
    known: HashMap<(String, String), (String, Timestamp)>,
}

impl Book {
    pub fn restore(keys: Vec<EventKey>) -> Book {
        Book { known: keys.into_iter().map(|key| ((key.kind, key.key), (key.event_id, key.until))).collect() }
    }

    /// Sorts out what is new, and enters its keys. All or nothing.
    pub fn enter(
        &mut self,
        events: Vec<PipelineEvent>,
        life: Millis,
        now: Timestamp,
        new_id: impl Fn() -> String,
    ) -> Result<(Vec<Told>, Vec<Alert>), EventError> {
        if self.known.len() + events.len() > KEYS_MAX {
            self.known.retain(|_, (_, until)| *until > now);
            if self.known.len() + events.len() > KEYS_MAX {
                return Err(EventError::Full);
            }
        }
        let (mut told, mut alerts) = (Vec::new(), Vec::new());
        for event in events {
            let name = event.key.clone().map(|key| (event.kind.clone(), key));
            let known = name.as_ref().and_then(|name| self.known.get(name)).filter(|(_, until)| *until > now).cloned();
            if let (Some((id, until)), Some((kind, key))) = (known, &name) {
                told.push(Told { id, kind: kind.clone(), key: Some((key.clone(), until)), alert: None, receivers: Vec::new() });
                continue;
            }
            let (id, until) = (new_id(), now.saturating_add(event.window));
            let alert = event.alert(&id, life, now);
            alerts.push(alert.clone());
            let key = event.key.map(|key| (key, until));
            if let Some(name) = name {
                self.known.insert(name, (id.clone(), until));
            }
            told.push(Told { id, kind: event.kind, key, alert: Some(alert), receivers: Vec::new() });
        }
        Ok((told, alerts))
    }

    /// Takes back what `enter` entered.
    pub fn forget(&mut self, told: &[Told]) {
        for one in told.iter().filter(|one| one.alert.is_some()) {
            if let Some((key, _)) = &one.key {
                self.known.remove(&(one.kind.clone(), key.clone()));
            }
        }
    }
}

/// How long an event stays in the router: longer than any group waits, so that none is over before it was told.
pub fn life(settings: &RouterSettings) -> Millis {
    fn longest(route: &Route) -> Millis {
        let below = route.routes.iter().map(longest).max().unwrap_or(Millis::ZERO);
        route.group_wait.max(route.group_interval).max(below)
    }
    LIFE + longest(&settings.route).min(WAIT_MAX) * 2
}

/// The row for the list of events: from the alert, so that events of models and of pipelines read the same.
pub fn row(alert: &Alert, id: &str, key: Option<(String, Timestamp)>, receivers: Vec<String>, now: Timestamp) -> NewEvent {
    let (labels, annotations) = (&alert.labels, &alert.annotations);
    let ours = |name: &str| matches!(name, "title" | "summary" | "description" | "footer") || name.starts_with("field:");
    let fields: Map<String, Value> =
        annotations.iter().filter(|(name, _)| !ours(name)).map(|(name, value)| (name.to_string(), value.into())).collect();
    let body = json!({
        "id": id, "at": alert.starts_at.rfc3339(), "kind": labels.get("event"), "key": key.as_ref().map(|(key, _)| key),
        "alertname": labels.get(ALERT_NAME), "severity": labels.get("severity"), "outcome": labels.get("outcome"),
        "title": annotations.get("title"), "summary": annotations.get("summary"), "description": annotations.get("description"),
        "labels": labels_json(labels), "fields": fields, "link": alert.generator_url, "receivers": receivers,
    });
    NewEvent { event_id: id.to_string(), at: now, kind: labels.get("event").to_string(), key, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_768_298_400_000);

    fn event(kind: &str, key: Option<&str>) -> PipelineEvent {
        PipelineEvent::read(&json!({"kind": kind, "key": key}), NOW).expect("an event")
    }

    /// Kind, key and whether it is new, for each event; ids count.
    fn enter(book: &mut Book, events: &[(&str, Option<&str>)], now: Timestamp) -> Vec<bool> {
        let events = events.iter().map(|(kind, key)| event(kind, *key)).collect();
        let (told, alerts) = book.enter(events, LIFE, now, crate::clock::uuid).expect("there is room");
        assert_eq!(alerts.len(), told.iter().filter(|one| one.alert.is_some()).count());
        told.iter().map(|one| one.alert.is_some()).collect()
    }

    #[test]
    fn a_key_stands_for_its_event_within_its_window() {
        let mut book = Book::default();
        assert_eq!(
            enter(&mut book, &[("a", Some("1")), ("a", Some("1")), ("b", Some("1")), ("a", None), ("a", None)], NOW),
            [true, false, true, true, true]
        );
        let day = Millis::from_minutes(24 * 60);
        assert_eq!(enter(&mut book, &[("a", Some("1"))], NOW + day - Millis(1)), [false]);
        // The window begins with the first event, not with the last repeat.
        assert_eq!(enter(&mut book, &[("a", Some("1"))], NOW + day), [true]);
        let keys = vec![EventKey { kind: "a".into(), key: "2".into(), event_id: "old".into(), until: NOW + day }];
        let mut book = Book::restore(keys);
        let (told, _) = book.enter(vec![event("a", Some("2"))], LIFE, NOW, crate::clock::uuid).expect("there is room");
        assert_eq!((told[0].id.as_str(), told[0].alert.is_none()), ("old", true), "known after a restart");
    }

    #[test]
    fn what_could_not_be_told_is_not_known() {
        let mut book = Book::default();
        let (told, _) = book.enter(vec![event("a", Some("1"))], LIFE, NOW, crate::clock::uuid).expect("there is room");
        book.forget(&told);
        assert_eq!(enter(&mut book, &[("a", Some("1"))], NOW), [true]);
    }

    #[test]
    fn an_event_outlives_the_longest_wait() {
        let mut settings = crate::config::Settings::default().router_or_default();
        settings.route.group_wait = Millis::from_minutes(1);
        settings.route.group_interval = Millis::from_minutes(2);
        let mut child = settings.route.clone();
        child.group_interval = Millis::from_minutes(60);
        settings.route.routes.push(child);
        assert_eq!(life(&settings), Millis::from_minutes(125));
    }
}
