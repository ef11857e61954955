//! The value of a feature as it comes in, a row as the first version wrote it to disk, and what became of a batch of rows.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Taken;

/// One prediction. As JSON: `{"id", "at": RFC 3339, "role", "features": {NAME: number, text or null}, "prediction"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The true value comes with the same id.
    pub id: String,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub at: Timestamp,
    /// Which model said it: `champion`, or a challenger's name.
    #[serde(default = "Row::champion")]
    pub role: String,
    #[serde(default)]
    pub features: BTreeMap<String, FeatureValue>,
    pub prediction: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FeatureValue {
    /// NaN counts as missing, infinities as well but they are found by `quality`.
    Number(f64),
    /// An empty text counts as missing.
    Text(String),
    Missing,
}

impl Row {
    fn champion() -> String {
        "champion".to_owned()
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Rows that changed something.
    pub new: usize,
    /// Known already, nothing changed: sending a batch twice does no harm.
    pub repeated: usize,
    /// Of `new`: true values that replaced another one.
    pub corrected: usize,
    /// Of `new`: true values whose prediction is not there (yet).
    pub waiting: usize,
    /// Ids and why.
    pub refused: Vec<(String, String)>,
}

impl Accepted {
    pub(crate) fn count(&mut self, taken: Taken) {
        match taken {
            Taken::Repeated => self.repeated += 1,
            Taken::New | Taken::Corrected | Taken::Waiting => self.new += 1,
        }
        self.corrected += usize::from(taken == Taken::Corrected);
        self.waiting += usize::from(taken == Taken::Waiting);
    }

    pub(crate) fn refuse(&mut self, id: &str, reason: String) {
        // An id as it can be shown back.
        self.refused.push((id.chars().take(64).collect(), reason));
    }
}

fn write_time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back() {
        let features = [
            ("temp".to_owned(), FeatureValue::Number(0.5)),
            ("weather".to_owned(), FeatureValue::Text("clear".into())),
            ("wind".to_owned(), FeatureValue::Missing),
        ];
        let row = Row { id: "1".into(), at: Timestamp(1500), role: "champion".into(), features: features.into(), prediction: 12.5 };
        let text = serde_json::to_string(&row).expect("rows have a JSON form");
        assert_eq!(
            text,
            r#"{"id":"1","at":"1970-01-01T00:00:01.5Z","role":"champion","features":{"temp":0.5,"weather":"clear","wind":null},"prediction":12.5}"#
        );
        assert_eq!(serde_json::from_str::<Row>(&text).expect("reads back"), row);
        let least: Row = serde_json::from_str(r#"{"id":"1","at":"1970-01-01T00:00:01.5Z","prediction":1}"#).expect("defaults");
        assert_eq!((least.role.as_str(), least.features.len()), ("champion", 0));
        assert!(serde_json::from_str::<Row>(r#"{"id":"1","at":"today","prediction":1}"#).is_err());
    }
}
