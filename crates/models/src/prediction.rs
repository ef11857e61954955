//! What comes in of a model: predictions with their features, and true values by id.

use std::collections::HashMap;

use bellbuoy_drift::{Column, TableProfile};
use bellbuoy_vocabulary::{Millis, Timestamp};

use crate::FeatureValue;

/// Features of one model; more are counted and left out.
pub const FEATURES_MAX: usize = 2_000;

/// The names of a model's features in the order of `Prediction::features`. Grows at its end only, so rows read with an older state of it
/// stay right: what they lack is missing.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    names: Vec<String>,
    positions: HashMap<String, usize>,
}

/// What a model said of one row, at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Counts once per role.
    pub id: String,
    pub at: Timestamp,
    pub role: String,
    pub answer: Answer,
    /// In the order of the model's `Schema`; what is beyond the end is missing.
    pub features: Vec<FeatureValue>,
}

/// What a model said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Number(f64),
    /// The class may be left to the probabilities; these may be missing.
    Class {
        class: Option<String>,
        probabilities: Vec<f64>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    Number(f64),
    Class(String),
}

/// What became of a prediction or a true value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// The same was there already.
    Repeated,
    /// A true value that differs from the one before: it counts from now on.
    Corrected,
    /// A true value whose prediction is not there (yet).
    Waiting,
}

/// What was true.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub id: String,
    pub truth: Truth,
}

/// What a model is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    Rows(ReferenceRows),
    /// No rows, but their numbers: drift is approximate, estimates and seasons are not possible.
    Profile(TableProfile),
    /// The first predictions of the champion, until one is younger than the first by `span`, or there are `rows` of them.
    First {
        span: Option<Millis>,
        rows: Option<usize>,
    },
}

/// Columns of the same length: `columns` are features (others are ignored), the rest is there when the table had it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceRows {
    pub columns: Vec<Column>,
    pub at: Option<Vec<Timestamp>>,
    pub answers: Option<Vec<Answer>>,
    pub truths: Option<Vec<Truth>>,
}

impl Schema {
    pub fn new(names: impl IntoIterator<Item = String>) -> Schema {
        let mut schema = Schema::default();
        for name in names {
            schema.add(&name);
        }
        schema
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// Its position, new or old; `None` when there are `FEATURES_MAX` already.
    pub fn add(&mut self, name: &str) -> Option<usize> {
        if let Some(position) = self.position(name) {
            return Some(position);
        }
        if self.names.len() >= FEATURES_MAX {
            return None;
        }
        self.names.push(name.to_owned());
        self.positions.insert(name.to_owned(), self.names.len() - 1);
        Some(self.names.len() - 1)
    }
}

impl Prediction {
    /// A feature by its place in the schema.
    pub fn feature(&self, position: usize) -> &FeatureValue {
        self.features.get(position).unwrap_or(&FeatureValue::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_grows_at_its_end_and_has_a_bound() {
        let mut schema = Schema::new(["a".to_owned(), "b".to_owned(), "a".to_owned()]);
        assert_eq!((schema.names(), schema.position("b"), schema.position("c")), (&["a".to_owned(), "b".to_owned()][..], Some(1), None));
        for number in 0..FEATURES_MAX {
            schema.add(&number.to_string());
        }
        assert_eq!((schema.len(), schema.add("one more"), schema.add("a")), (FEATURES_MAX, None, Some(0)));
    }
}
