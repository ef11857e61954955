//! What a query gives.

use bellbuoy_vocabulary::{Histogram, Labels, Points, Sample, Timestamp};

use crate::ast::ValueType;

/// The value of a query with what is to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub value: Value,
    /// Something is probably wrong: `PromQL warning: ... (line:column)`.
    pub warnings: Vec<String>,
    /// Something may be wrong: `PromQL info: ... (line:column)`.
    pub infos: Vec<String>,
    /// Values that were read from the source.
    pub samples_read: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Scalar(Sample),
    Text(Timestamp, String),
    /// In the order of the query's outermost operation (`sort`, `topk`), else the source's.
    Vector(Vec<Element>),
    /// Sorted by labels.
    Matrix(Vec<SeriesPoints>),
}

impl Value {
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::Scalar(_) => ValueType::Scalar,
            Value::Text(..) => ValueType::Text,
            Value::Vector(_) => ValueType::Vector,
            Value::Matrix(_) => ValueType::Matrix,
        }
    }
}

/// One series of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    pub labels: Labels,
    pub at: Timestamp,
    pub value: Number,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    Float(f64),
    Histogram(Box<Histogram>),
}

impl Number {
    /// `None` for a histogram.
    pub fn float(&self) -> Option<f64> {
        match self {
            Number::Float(value) => Some(*value),
            Number::Histogram(_) => None,
        }
    }
}

/// One series of a range vector.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPoints {
    pub labels: Labels,
    pub points: Points,
}
