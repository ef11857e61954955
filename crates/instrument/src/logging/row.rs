//! A row as it goes over the wire: one JSON object, written where it is offered, so that the sender only joins bytes.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::DropReason;
use super::counts::RowKind;

/// A row is never larger; bellbuoy takes 32 MiB a request.
const ROW_BYTES_MAX: usize = 1 << 20;

/// One prediction.
///
/// ```
/// # use bellbuoy_instrument::logging::Prediction;
/// #[derive(serde::Serialize)]
/// struct Features { temp: f64, weather: &'static str }
///
/// Prediction::new("2026-11-21T10", 212.5).features(&Features { temp: 0.24, weather: "clear" });
/// Prediction::of_class("a-17", "yes").probability("yes", 0.75).probability("no", 0.25).feature("age", 41);
/// ```
#[derive(Debug, Clone)]
#[must_use = "give it to a `PredictionLogger`"]
pub struct Prediction {
    /// Of the row, without its closing brace.
    json: Vec<u8>,
    /// Of the object's inside.
    features: Vec<u8>,
    probabilities: Vec<u8>,
    at: SystemTime,
    good: bool,
}

/// A true value.
#[derive(Debug, Clone)]
#[must_use = "give it to a `PredictionLogger`"]
pub struct Label {
    json: Vec<u8>,
    good: bool,
}

/// What waits in the queue.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kind: RowKind,
    pub(super) json: Vec<u8>,
}

impl Prediction {
    /// A regression's. The id joins it with its true value; it counts once.
    pub fn new(id: &str, prediction: f64) -> Prediction {
        Prediction::begin(id, "prediction", &prediction, prediction.is_finite())
    }

    /// A classification's.
    pub fn of_class(id: &str, class: &str) -> Prediction {
        Prediction::begin(id, "class", class, true)
    }

    pub fn probability(mut self, class: &str, probability: f64) -> Prediction {
        self.good &= probability.is_finite();
        self.good &= field(&mut self.probabilities, class, &probability);
        self
    }

    /// A number, a text, true, false or nothing. A number that is not finite is nothing.
    pub fn feature(mut self, name: &str, value: impl Serialize) -> Prediction {
        self.good &= field(&mut self.features, name, &value);
        self
    }

    /// All fields of a struct or map.
    pub fn features(mut self, features: &impl Serialize) -> Prediction {
        let json = serde_json::to_vec(features).unwrap_or_default();
        match json.strip_prefix(b"{").and_then(|json| json.strip_suffix(b"}")) {
            Some(inside) => {
                if !self.features.is_empty() && !inside.is_empty() {
                    self.features.push(b',');
                }
                self.features.extend_from_slice(inside);
            }
            None => self.good = false,
        }
        self
    }

    /// When it was made, if not now.
    pub fn at(mut self, at: SystemTime) -> Prediction {
        self.at = at;
        self
    }

    /// `champion` if nothing is said; `challenger` for one that answers in its shadow.
    pub fn role(mut self, role: &str) -> Prediction {
        self.good &= field(&mut self.json, "role", role);
        self
    }

    fn begin<T: Serialize + ?Sized>(id: &str, name: &str, value: &T, finite: bool) -> Prediction {
        let mut json = Vec::with_capacity(256);
        let good = finite && !id.is_empty() && begin(&mut json, id) && field(&mut json, name, value);
        Prediction { json, features: Vec::with_capacity(128), probabilities: Vec::new(), at: SystemTime::now(), good }
    }
}

impl Label {
    pub fn new(id: &str, value: f64) -> Label {
        let mut json = Vec::with_capacity(64);
        let good = value.is_finite() && !id.is_empty() && begin(&mut json, id) && field(&mut json, "value", &value);
        Label { json, good }
    }

    pub fn of_class(id: &str, class: &str) -> Label {
        let mut json = Vec::with_capacity(64);
        let good = !id.is_empty() && begin(&mut json, id) && field(&mut json, "class", class);
        Label { json, good }
    }
}

/// An id for a prediction that has none: 128 bits, unlike those of other processes and hosts.
/// Give it back to whoever learns the true value.
pub fn fresh_id() -> String {
    // Both are keyed by the system's randomness, once per process.
    static KEYS: OnceLock<(RandomState, RandomState)> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (high, low) = KEYS.get_or_init(|| (RandomState::new(), RandomState::new()));
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let number = (NEXT.fetch_add(1, Ordering::Relaxed), nanos, std::process::id());
    format!("{:016x}{:016x}", high.hash_one(number), low.hash_one(number))
}

pub(super) fn prediction(row: Prediction) -> Result<Row, (RowKind, DropReason)> {
    let Prediction { mut json, features, probabilities, at, good } = row;
    let millis = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let good = good && u64::try_from(millis).is_ok_and(|millis| field(&mut json, "timestamp", &millis));
    for (name, inside) in [(&b",\"features\":{"[..], features), (b",\"probabilities\":{", probabilities)] {
        if !inside.is_empty() {
            json.extend_from_slice(name);
            json.extend_from_slice(&inside);
            json.push(b'}');
        }
    }
    end(RowKind::Prediction, json, good)
}

pub(super) fn label(label: Label) -> Result<Row, (RowKind, DropReason)> {
    end(RowKind::Label, label.json, label.good)
}

fn begin(json: &mut Vec<u8>, id: &str) -> bool {
    json.push(b'{');
    field(json, "id", id)
}

/// `"name":value`, after a comma where one is needed. Whether it is JSON now.
fn field<T: Serialize + ?Sized>(json: &mut Vec<u8>, name: &str, value: &T) -> bool {
    if json.last().is_some_and(|last| *last != b'{') {
        json.push(b',');
    }
    let named = serde_json::to_writer(&mut *json, name).is_ok();
    json.push(b':');
    named && serde_json::to_writer(json, value).is_ok()
}

fn end(kind: RowKind, mut json: Vec<u8>, good: bool) -> Result<Row, (RowKind, DropReason)> {
    json.push(b'}');
    match (good, json.len() <= ROW_BYTES_MAX) {
        (false, _) => Err((kind, DropReason::Invalid)),
        (_, false) => Err((kind, DropReason::TooLarge)),
        (true, true) => Ok(Row { kind, json }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn json(row: Result<Row, (RowKind, DropReason)>) -> String {
        row.map_or_else(|(_, reason)| reason.label().to_owned(), |row| String::from_utf8(row.json).expect("UTF-8"))
    }

    #[test]
    fn rows_as_bellbuoy_reads_them() {
        let at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let map = std::collections::BTreeMap::from([("b", 1.5)]);
        let regression =
            Prediction::new("a \"1\"", 212.5).role("challenger").feature("temp", 0.24).features(&map).feature("w", "é\n").at(at);
        let expected = r#"{"id":"a \"1\"","prediction":212.5,"role":"challenger","timestamp":1700000000123,"features":{"temp":0.24,"b":1.5,"w":"é\n"}}"#;
        assert_eq!(json(prediction(regression)), expected);
        let class = Prediction::of_class("2", "yes").probability("yes", 0.75).probability("no", 0.25).feature("x", f64::NAN).at(at);
        let expected = r#"{"id":"2","class":"yes","timestamp":1700000000123,"features":{"x":null},"probabilities":{"yes":0.75,"no":0.25}}"#;
        assert_eq!(json(prediction(class)), expected);
        assert_eq!(json(label(Label::new("2", 198.0))), r#"{"id":"2","value":198.0}"#);
        assert_eq!(json(label(Label::of_class("2", "no"))), r#"{"id":"2","class":"no"}"#);
    }

    #[test]
    fn what_is_no_row_is_said_at_once() {
        for bad in [
            Prediction::new("a", f64::NAN),
            Prediction::new("", 1.0),
            Prediction::of_class("a", "b").probability("b", f64::INFINITY),
            Prediction::new("a", 1.0).features(&[1, 2]),
            Prediction::new("a", 1.0).feature("map", std::collections::BTreeMap::from([([1], 2)])),
        ] {
            assert_eq!(json(prediction(bad)), "invalid");
        }
        assert_eq!(json(label(Label::new("a", f64::NEG_INFINITY))), "invalid");
        assert_eq!(json(prediction(Prediction::new("a", 1.0).feature("text", "x".repeat(ROW_BYTES_MAX)))), "too_large");
    }

    #[test]
    fn fresh_ids_differ() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| fresh_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
