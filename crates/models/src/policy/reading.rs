//! What rules look at: figures by name, each with its value or why there is none.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Evaluation, Interval, Source};

/// A figure as rules see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Or why there is none.
    pub value: Result<f64, String>,
    pub interval: Option<Interval>,
    /// `None`: nobody said how many; then a condition that asks for rows is unknown.
    pub rows: Option<usize>,
}

/// All figures of a model by name.
pub type Readings = BTreeMap<String, Reading>;

impl Reading {
    pub fn of(value: f64, rows: Option<usize>) -> Reading {
        Reading { value: Ok(value), interval: None, rows }
    }

    pub fn unknown(because: impl Into<String>) -> Reading {
        Reading { value: Err(because.into()), interval: None, rows: None }
    }

    pub fn json(&self) -> Value {
        match &self.value {
            Err(because) => json!({"unknown": because}),
            // JSON has no NaN; a reading of one is told as text.
            Ok(value) if !value.is_finite() => json!({"unknown": format!("it is {value}, not a finite number")}),
            Ok(value) => {
                let mut out = json!({"value": value});
                if let Some(interval) = self.interval {
                    out["low"] = json!(interval.low);
                    out["high"] = json!(interval.high);
                    out["level"] = json!(interval.level);
                }
                if let Some(rows) = self.rows {
                    out["rows"] = json!(rows);
                }
                out
            }
        }
    }
}

/// The figures of an evaluation under their names: `r2`, or `r2_estimated` for estimates.
pub fn readings_of(evaluation: &Evaluation) -> Readings {
    let mut out = Readings::new();
    for figure in &evaluation.figures {
        let name = match figure.source {
            Source::EstimatedByConfidence | Source::EstimatedByLoss => format!("{}_estimated", figure.metric),
            Source::Realised | Source::Told => figure.metric.to_string(),
        };
        let value = figure.value.clone().map_err(|reason| reason.to_string());
        out.insert(name, Reading { value, interval: figure.interval.clone().ok(), rows: Some(figure.rows) });
    }
    out
}
