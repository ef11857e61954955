//! An event from JSON, strictly: all that is wrong with it at once, each with its place and the way out.
//!
//! In:    the JSON of `POST /api/v1/events` or of `bellbuoy event`, `now`. Out: an `Event`, or every problem of it in words.
//! Never: takes a key that it does not know, a text above its bound, or a time that is weeks away: such an event is refused whole.

use bellbuoy_vocabulary::{ALERT_NAME, Millis, Timestamp, nearest, parse_duration};
use serde_json::{Map, Value};

use super::figure::{own, sort};
use super::kind::{KINDS, Kind, words};
use super::{Event, Figure, WINDOW};

const KEYS: [&str; 13] =
    ["kind", "labels", "fields", "title", "summary", "description", "footer", "severity", "key", "window", "link", "at", "model"];
const KIND_CHARS_MAX: usize = 64;
const LABELS_MAX: usize = 30;
const FIELDS_MAX: usize = 20;
const NAME_CHARS_MAX: usize = 64;
const LABEL_CHARS_MAX: usize = 256;
const VALUE_CHARS_MAX: usize = 1024;
const TITLE_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 3000;
const KEY_CHARS_MAX: usize = 256;
const LINK_CHARS_MAX: usize = 2000;
const WINDOW_MAX: Millis = Millis::from_minutes(31 * 24 * 60);
/// Clocks of other machines differ a little.
const AHEAD_MAX: Millis = Millis::from_minutes(5);
const BEHIND_MAX: Millis = Millis::from_minutes(31 * 24 * 60);
/// Labels that we set.
const OUR_LABELS: [&str; 4] = ["kind", "event", "event_id", "outcome"];
/// Annotations that we set, and so no names of fields.
const OUR_ANNOTATIONS: [&str; 5] = ["title", "summary", "description", "footer", "message"];
const SEVERITIES: [&str; 5] = ["critical", "error", "warning", "info", "none"];

impl Event {
    /// All problems at once; each begins with the place in the event, `fields.drift_share: ...`.
    pub fn read(value: &Value, now: Timestamp) -> Result<Event, Vec<String>> {
        let Some(object) = value.as_object() else { return Err(vec![format!("an event is an object, not {}", sort(value))]) };
        let mut reader = Reader { object, problems: Vec::new() };
        let event = reader.event(now);
        if reader.problems.is_empty() { Ok(event) } else { Err(reader.problems) }
    }
}

struct Reader<'a> {
    object: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn event(&mut self, now: Timestamp) -> Event {
        for name in self.object.keys().filter(|name| !KEYS.contains(&name.as_str())) {
            let meant = nearest(name, KEYS);
            let help = meant.map_or_else(|| "figures belong into \"fields\"".to_string(), |near| format!("did you mean {near:?}?"));
            self.problems.push(format!("{}: unknown; {help}", shown(name)));
        }
        let kind = self.kind();
        let table = KINDS.iter().find(|known| known.word == kind);
        let mut event = Event {
            key: self.text("key", KEY_CHARS_MAX),
            window: self.window(),
            at: self.at(now),
            severity: self.text("severity", NAME_CHARS_MAX).map(|word| word.to_lowercase()),
            labels: Vec::new(),
            figures: self.figures(table),
            title: self.text("title", TITLE_CHARS_MAX),
            summary: self.text("summary", TEXT_CHARS_MAX),
            description: self.text("description", TEXT_CHARS_MAX),
            footer: self.text("footer", TITLE_CHARS_MAX),
            link: self.link(),
            kind,
        };
        self.labels(&mut event);
        let severity = event.severity.as_deref();
        if let Some(word) = severity.filter(|word| !SEVERITIES.contains(word)) {
            self.problems.push(format!("severity: {word:?} is not known; write critical, error, warning, info or none"));
        }
        event
    }

    fn kind(&mut self) -> String {
        let known = || KINDS.iter().map(|kind| kind.word);
        let Some(word) = self.text("kind", KIND_CHARS_MAX) else {
            if !self.object.contains_key("kind") {
                let all: Vec<&str> = known().collect();
                self.problems.push(format!("kind: missing; write one of {} or a word of your own", all.join(", ")));
            }
            return String::new();
        };
        let word = word.replace('_', "-");
        let plain = word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !plain {
            self.problems.push(format!("kind: {word:?} is not a word of a-z, 0-9 and -, such as model-retired"));
        } else if !known().any(|kind| kind == word)
            && let Some(near) = nearest(&word, known()).or_else(|| known().find(|kind| letters(kind) == letters(&word)))
        {
            // A word of one's own may be anything but a slip of the pen.
            self.problems.push(format!("kind: {word:?} is not known; did you mean {near:?}?"));
        }
        word
    }

    /// A text that may be absent; an empty one counts as absent.
    fn text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let text = match self.object.get(name)? {
            Value::String(text) => text.trim().to_string(),
            // A run number makes a good key.
            Value::Number(number) if name == "key" => number.to_string(),
            Value::Null => return None,
            other => {
                self.problems.push(format!("{name}: must be a text, not {}", sort(other)));
                return None;
            }
        };
        let count = text.chars().count();
        if count > chars_max {
            self.problems.push(format!("{name}: has {count} characters; at most {chars_max} are taken"));
        }
        Some(text).filter(|text| !text.is_empty())
    }

    fn window(&mut self) -> Millis {
        let Some(text) = self.text("window", NAME_CHARS_MAX) else { return WINDOW };
        if !self.object.contains_key("key") {
            self.problems.push("window: says how long a key is remembered, and there is no key; add `key`".into());
        }
        match parse_duration(&text) {
            Ok(window) if window > Millis::ZERO && window <= WINDOW_MAX => window,
            Ok(_) => {
                self.problems.push(format!("window: {text} is not between 1ms and 31d"));
                WINDOW
            }
            Err(error) => {
                self.problems.push(format!("window: {error}"));
                WINDOW
            }
        }
    }

    fn at(&mut self, now: Timestamp) -> Option<Timestamp> {
        let text = self.text("at", NAME_CHARS_MAX)?;
        let Some(at) = Timestamp::parse_rfc3339(&text) else {
            self.problems.push(format!("at: {text:?} is not a time; write RFC 3339, such as 2026-01-13T10:00:00Z"));
            return None;
        };
        if at > now.saturating_add(AHEAD_MAX) || at < now.saturating_sub(BEHIND_MAX) {
            self.problems.push(format!("at: {text} is not within the last 31 days"));
        }
        Some(at.min(now))
    }

    fn link(&mut self) -> Option<String> {
        let link = self.text("link", LINK_CHARS_MAX)?;
        let address = link.starts_with("https://") || link.starts_with("http://");
        if !address || !link.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.problems.push("link: is not an address; it begins with http:// or https:// and has no spaces".into());
        }
        Some(link)
    }

    fn map(&mut self, name: &str, max: usize) -> Option<&Map<String, Value>> {
        let object = self.object;
        match object.get(name)? {
            Value::Object(map) => {
                if map.len() > max {
                    self.problems.push(format!("{name}: has {} entries; at most {max} are taken", map.len()));
                    return None;
                }
                object.get(name).and_then(Value::as_object).or(Some(map))
            }
            Value::Null => None,
            other => {
                self.problems.push(format!("{name}: must be an object of names and values, not {}", sort(other)));
                None
            }
        }
    }

    fn labels(&mut self, event: &mut Event) {
        let mut labels: Vec<(String, Value)> =
            self.map("labels", LABELS_MAX).into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        // The label that most events have may stand for itself.
        if let Some(model) = self.text("model", LABEL_CHARS_MAX) {
            if labels.iter().any(|(name, _)| name == "model") {
                self.problems.push("model: is said twice, here and in labels".into());
            }
            labels.insert(0, ("model".into(), Value::String(model)));
        }
        for (name, value) in labels {
            let place = format!("labels.{}", shown(&name));
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                other => {
                    self.problems.push(format!("{place}: must be a text, not {}", sort(&other)));
                    continue;
                }
            };
            if OUR_LABELS.contains(&name.as_str()) {
                self.problems.push(format!("{place}: is set by bellbuoy; take another name"));
            } else if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(char::is_control) || name.starts_with("__")
            {
                self.problems
                    .push(format!("{place}: is not a label's name; it has 1 to {NAME_CHARS_MAX} characters and does not begin with __"));
            } else if text.chars().count() > LABEL_CHARS_MAX {
                self.problems.push(format!("{place}: is longer than {LABEL_CHARS_MAX} characters"));
            } else if name == "severity" {
                let word = text.to_lowercase();
                if event.severity.get_or_insert(word.clone()) != &word {
                    self.problems.push(format!("{place}: is {word:?}, but severity says otherwise"));
                }
            } else if name == ALERT_NAME && text.is_empty() {
                self.problems.push(format!("{place}: is empty"));
            } else if !text.is_empty() {
                event.labels.push((name, text));
            }
        }
    }

    /// The fields that the kind knows, in its order, and then the others.
    fn figures(&mut self, kind: Option<&'static Kind>) -> Vec<Figure> {
        let given: Vec<(String, Value)> =
            self.map("fields", FIELDS_MAX).into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        let (mut ours, mut others): (Vec<(usize, Figure)>, Vec<Figure>) = (Vec::new(), Vec::new());
        for (key, value) in &given {
            let place = format!("fields.{}", shown(key));
            let field = kind.and_then(|kind| kind.field(key));
            match field.map_or_else(|| own(value), |field| field.unit.show(value)) {
                Err(problem) => self.problems.push(format!("{place}: {problem}")),
                Ok((text, _)) if text.chars().count() > VALUE_CHARS_MAX => {
                    self.problems.push(format!("{place}: is longer than {VALUE_CHARS_MAX} characters"));
                }
                Ok((text, _)) if text.is_empty() => {
                    if field.is_some_and(|field| field.required) {
                        self.problems.push(format!("{place}: is empty"));
                    }
                }
                Ok((text, number)) => match (field, kind) {
                    (Some(field), Some(kind)) => {
                        let order = kind.fields.iter().position(|known| known.key == field.key).unwrap_or(0);
                        if ours.iter().any(|(known, _)| *known == order) {
                            self.problems.push(format!("{place}: is said twice, as {:?} and as {:?}", field.key, field.alias));
                        }
                        ours.push((order, Figure { key: field.key.into(), name: field.name.into(), text, number }));
                    }
                    _ => {
                        self.check_own(key, &place, kind, &given);
                        others.push(Figure { key: key.clone(), name: words(key), text, number });
                    }
                },
            }
        }
        for field in kind.into_iter().flat_map(|kind| kind.fields).filter(|field| field.required) {
            if !given.iter().any(|(key, _)| key == field.key || (!field.alias.is_empty() && key == field.alias)) {
                self.problems.push(format!("fields.{}: missing", field.key));
            }
        }
        ours.sort_by_key(|(order, _)| *order);
        let mut figures: Vec<Figure> = ours.into_iter().map(|(_, figure)| figure).collect();
        add_improvement(kind, &mut figures);
        figures.extend(others);
        figures
    }

    /// A field that the kind does not know is shown too, unless it looks like a slip of the pen.
    fn check_own(&mut self, key: &str, place: &str, kind: Option<&'static Kind>, given: &[(String, Value)]) {
        let absent = |name: &&str| !given.iter().any(|(key, _)| key == name);
        let known = kind.into_iter().flat_map(|kind| kind.fields.iter().map(|field| field.key)).filter(absent);
        if key.is_empty() || key.chars().count() > NAME_CHARS_MAX || key.contains(|c: char| c.is_control() || c == ':') {
            self.problems.push(format!("{place}: is not a field's name; it has 1 to {NAME_CHARS_MAX} characters and no colon"));
        } else if OUR_ANNOTATIONS.contains(&key) {
            self.problems.push(format!("{place}: belongs beside \"fields\", not into it"));
        } else if let Some(near) = nearest(key, known) {
            self.problems.push(format!("{place}: not known; did you mean {near:?}?"));
        }
    }
}

/// Sorted: two swapped letters make another word of the same ones.
fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// New minus old, when nobody said it.
fn add_improvement(kind: Option<&'static Kind>, figures: &mut Vec<Figure>) {
    let number = |key: &str| figures.iter().find(|figure| figure.key == key).and_then(|figure| figure.number);
    let Some(field) = kind.and_then(|kind| kind.field("improvement")) else { return };
    let (Some(new), Some(old)) = (number("new_r2"), number("old_r2")) else { return };
    if figures.iter().any(|figure| figure.key == field.key) {
        return;
    }
    let change = new - old;
    let at = figures.iter().position(|figure| figure.key == "old_r2").map_or(figures.len(), |at| at + 1);
    if let Ok((text, number)) = field.unit.show(&change.into()) {
        figures.insert(at, Figure { key: field.key.into(), name: field.name.into(), text, number });
    }
}

/// A name that somebody sent, in a message: bounded, on one line.
fn shown(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.contains(char::is_control);
    if plain { name.to_string() } else { format!("{:?}", name.chars().take(NAME_CHARS_MAX).collect::<String>()) }
}
