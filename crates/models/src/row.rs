//! A prediction as it comes in, and what became of a batch of them.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// NaN and infinities count as missing.
    Number(f64),
    /// An empty text counts as missing.
    Text(String),
    Missing,
}

impl Row {
    pub const CHAMPION: &'static str = "champion";

    pub(crate) fn champion() -> String {
        Row::CHAMPION.to_owned()
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    pub new: usize,
    /// Known already, nothing changed: sending a batch twice does no harm.
    pub repeated: usize,
    /// Ids and why.
    pub refused: Vec<(String, String)>,
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
