//! What an evaluation needs beside the group: the engine, the series, and the words for templates and links.

use bellbuoy_promql::{Engine, Expr, Value};
use bellbuoy_vocabulary::{Labels, Millis, SeriesSource, Timestamp};

/// A firing alert is sent again when this has passed (Prometheus' `--rules.alert.resend-delay`).
pub const RESEND_DELAY: Millis = Millis::from_minutes(1);

/// The surroundings of an evaluation; the same for all groups.
pub struct Evaluation<'a> {
    pub engine: &'a Engine,
    pub source: &'a dyn SeriesSource,
    /// Prometheus' `global.external_labels`: known to templates and added to alerts that do not have a label of that name.
    pub external_labels: &'a Labels,
    /// Where people reach us, without a slash at the end: the beginning of `generator_url`.
    pub external_url: &'a str,
    pub resend_delay: Millis,
}

/// Why a rule gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("{0}")]
    Query(String),
    #[error("rule result is not a vector or scalar")]
    NotVector,
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    SameAlertLabels,
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    SameRecordedLabels,
    #[error("exceeded limit of {limit} with {count} alerts")]
    AlertLimit { limit: u64, count: u64 },
    #[error("exceeded limit of {limit} with {count} series")]
    SeriesLimit { limit: u64, count: u64 },
    /// The store refused a value; the others were offered to it all the same.
    #[error("storing {series}: {reason}")]
    Append { series: String, reason: bellbuoy_vocabulary::AppendError },
    /// The boat could not commit what the rule gave.
    #[error("storing the results: {0}")]
    Commit(String),
}

/// One series of a result. `None`: a native histogram.
pub(crate) struct Element {
    pub labels: Labels,
    pub value: Option<f64>,
}

impl Evaluation<'_> {
    /// The expression's value at a time as a vector; a scalar becomes one element without labels. With PromQL's warnings.
    pub(crate) fn vector(&self, expr: &Expr, at: Timestamp) -> Result<(Vec<Element>, Vec<String>), RuleError> {
        let answer = self.engine.instant(expr, self.source, at).map_err(|error| RuleError::Query(error.to_string()))?;
        let warnings = answer.warnings.iter().map(|warning| warning.to_string()).collect();
        let elements = match answer.value {
            Value::Vector(elements) => {
                elements.into_iter().map(|element| Element { value: element.value.float(), labels: element.labels }).collect()
            }
            Value::Scalar(sample) => vec![Element { labels: Labels::empty(), value: Some(sample.value) }],
            _ => return Err(RuleError::NotVector),
        };
        Ok((elements, warnings))
    }

    /// For `query` in templates: PromQL text to labels and values.
    pub(crate) fn query(&self, text: &str, at: Timestamp) -> Result<Vec<(Labels, f64)>, String> {
        let expr = bellbuoy_promql::parse(text).map_err(|error| error.to_string())?;
        let (elements, _) = self.vector(&expr, at).map_err(|error| error.to_string())?;
        Ok(elements.into_iter().filter_map(|element| Some((element.labels, element.value?))).collect())
    }

    /// The page that shows an expression, as Prometheus links to it.
    pub(crate) fn generator_url(&self, expr: &str) -> String {
        format!("{}/graph?g0.expr={}&g0.tab=1", self.external_url.trim_end_matches('/'), query_escape(expr))
    }
}

/// The form of a value in a URL's query: Go's `url.QueryEscape`.
fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::query_escape;

    #[test]
    fn escapes_as_go_does() {
        assert_eq!(query_escape("up{job=\"a b\"} == 0"), "up%7Bjob%3D%22a+b%22%7D+%3D%3D+0");
        assert_eq!(query_escape("é"), "%C3%A9");
    }
}
