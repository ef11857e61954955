//! Label sets as JSON: in the API, in events, on the terminal. One spelling everywhere.

use bellbuoy_vocabulary::Labels;
use serde_json::{Map, Value};

pub use bellbuoy_notify::labels_of;

pub fn labels_json(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_string(), Value::from(value))).collect::<Map<_, _>>())
}
