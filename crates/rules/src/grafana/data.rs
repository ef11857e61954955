//! What queries and expressions give: Grafana's data frames, as far as alerting knows them.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Labels, Timestamp};

/// `None` is Grafana's null: a value that is not there, other than NaN.
pub type Float = Option<f64>;

/// One element of a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A constant of a formula. Has no labels.
    Scalar(Float),
    Number {
        labels: Labels,
        value: Float,
    },
    Series {
        labels: Labels,
        points: Vec<(Timestamp, Float)>,
    },
    /// A query that gave no series.
    NoData,
}

impl Item {
    pub fn labels(&self) -> Labels {
        match self {
            Item::Number { labels, .. } | Item::Series { labels, .. } => labels.clone(),
            Item::Scalar(_) | Item::NoData => Labels::empty(),
        }
    }

    /// The word in Grafana's messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Item::Scalar(_) => "scalar",
            Item::Number { .. } => "numberSet",
            Item::Series { .. } => "seriesSet",
            Item::NoData => "noData",
        }
    }

    /// The same item with its values changed; no data stays.
    pub fn map(&self, change: impl Fn(Float) -> Float) -> Item {
        match self {
            Item::Scalar(value) => Item::Scalar(change(*value)),
            Item::Number { labels, value } => Item::Number { labels: labels.clone(), value: change(*value) },
            Item::Series { labels, points } => {
                Item::Series { labels: labels.clone(), points: points.iter().map(|(at, value)| (*at, change(*value))).collect() }
            }
            Item::NoData => Item::NoData,
        }
    }
}

/// Why a query or expression gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The refId where it began.
    pub ref_id: String,
    /// Of a query that failed.
    pub datasource_uid: Option<String>,
    pub message: String,
}

/// The results of the nodes that ran, by refId.
pub type Results = BTreeMap<String, Result<Vec<Item>, Failure>>;

/// A value that was compared, for `$value` and `$values` of templates.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// The refId; of a classic condition the refId and the number of the match.
    pub name: String,
    /// Only of classic conditions: the series' name.
    pub metric: Option<String>,
    pub labels: Labels,
    pub value: Float,
}

/// Whether all labels of `small` are in `large` with the same values.
pub fn contains(large: &Labels, small: &Labels) -> bool {
    small.iter().all(|(name, value)| large.get(name) == value)
}
