//! A report as data. Names are whole here, numbers are not rounded, what is no number is null.

use bellbuoy_drift::{Finding, Report};
use serde_json::{Map, Value, json};

use crate::{Bars, Bins, Distribution, Division, DriftPart, Facts, Line, Mark, ModelReport, PerformancePart};

/// JSON has no NaN and no infinity: they become null.
fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

/// The verdict of `bellbuoy drift` as scripts know it: `{"columns": {NAME: {"type", "test", "score", "threshold", "drifted", ...}}, "drift_share",
/// "drifted_columns", "dataset_drift"}`. A column that could not be judged has a null score and says why in `error`.
pub fn drift_json(report: &Report) -> Value {
    let mut columns = Map::new();
    for column in &report.columns {
        let mut one = json!({
            "type": column.kind.name(), "test": column.test.map(|test| test.name()), "score": column.score.map(finite),
            "threshold": column.threshold, "drifted": column.drifted, "error": column.error,
            "p_value": column.p_value.map(finite), "effect": column.effect.map(finite), "effect_threshold": column.effect_threshold,
            "distance": column.distance.map(finite), "reference_rows": column.reference_rows, "current_rows": column.current_rows,
        });
        if let Some(error) = column.rank_error {
            one["rank_error"] = json!(error);
        }
        columns.insert(column.name.clone(), one);
    }
    json!({
        "columns": columns, "drift_share": report.drift_share, "drifted_columns": report.drifted_columns,
        "dataset_drift": report.dataset_drift, "judged_columns": report.judged_columns,
    })
}

pub(crate) fn of(report: &ModelReport) -> Value {
    json!({
        "title": report.title, "at": report.at.map(|at| at.rfc3339()), "drift": report.drift.as_ref().map(drift),
        "quality": report.quality.as_ref().map(|findings| findings_json(findings)),
        "performance": report.performance.iter().map(performance).collect::<Vec<_>>(),
        "marks": report.marks.iter().map(mark).collect::<Vec<_>>(), "notes": report.notes,
    })
}

pub(crate) fn findings_json(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        json!({
            "defect": finding.defect.name(), "column": finding.column, "value": finite(finding.value),
            "expected": finding.expected.map(finite), "text": finding.text,
        })
    };
    Value::Array(findings.iter().map(one).collect())
}

fn drift(part: &DriftPart) -> Value {
    let mut features = Vec::new();
    for feature in &part.features {
        let row = &feature.row;
        features.push(json!({
            "name": row.name, "verdict": feature.verdict().word(), "type": row.kind.name(), "test": row.test.map(|test| test.name()),
            "score": row.score.map(finite), "threshold": row.threshold, "moved": feature.moved.map(finite), "error": row.error,
            "reference": feature.reference.as_ref().map(facts), "current": feature.current.as_ref().map(facts),
            "distribution": feature.distribution.as_ref().map(distribution),
        }));
    }
    json!({
        "reference": {"name": part.reference.name, "rows": part.reference.rows},
        "current": {"name": part.current.name, "rows": part.current.rows},
        "judged_by": part.judged_by, "judged_columns": part.judged, "drifted_columns": part.drifted, "drift_share": part.share,
        "dataset_drift": part.dataset_drift, "features": features,
    })
}

/// What the page draws; shares of the rows of each side.
fn distribution(distribution: &Distribution) -> Value {
    match distribution {
        Distribution::Numbers(Bins { edges, reference, current, reference_beyond, current_beyond }) => json!({
            "kind": "numbers", "edges": edges, "reference": reference, "current": current, "reference_beyond": reference_beyond,
            "current_beyond": current_beyond,
        }),
        Distribution::Categories(Bars { bars, others, others_reference, others_current, reference, current }) => {
            let bars: Vec<Value> =
                bars.iter().map(|bar| json!({"name": bar.name, "reference": bar.reference, "current": bar.current})).collect();
            json!({
                "kind": "categories", "bars": bars, "others": others, "others_reference": others_reference, "others_current": others_current,
                "has_reference": reference, "has_current": current,
            })
        }
    }
}

fn facts(facts: &Facts) -> Value {
    let mut out = json!({"rows": facts.rows, "missing": facts.missing, "infinite": facts.infinite});
    if let Some([low, middle, high]) = facts.quantiles {
        out["p05"] = finite(low);
        out["median"] = finite(middle);
        out["p95"] = finite(high);
    }
    if let Some(values) = facts.values {
        out["values"] = json!(values);
    }
    out
}

fn performance(part: &PerformancePart) -> Value {
    let line = |line: &Line| {
        let points: Vec<Value> = line
            .points
            .iter()
            .map(|point| {
                let mut out = point.figure.json();
                out["from"] = json!(point.from.rfc3339());
                out["to"] = json!(point.to.rfc3339());
                out["amended"] = json!(point.amended);
                out
            })
            .collect();
        json!({"metric": line.metric.word(), "points": points})
    };
    let division = |division: &Division| {
        let one = |(name, evaluation): &(String, bellbuoy_models::Evaluation)| {
            let mut out = evaluation.json();
            out["segment"] = json!(name);
            out
        };
        json!({"by": division.by, "segments": division.segments.iter().map(one).collect::<Vec<_>>(), "rows_beyond": division.rows_beyond})
    };
    json!({
        "name": part.name, "rows": part.rows, "left_out": part.left_out,
        "figures": part.figures.iter().map(bellbuoy_models::Figure::json).collect::<Vec<_>>(),
        "lines": part.lines.iter().map(line).collect::<Vec<_>>(), "segments": part.divisions.iter().map(division).collect::<Vec<_>>(),
        "classes": part.classes.as_ref().map(bellbuoy_models::ClassDetails::json),
    })
}

fn mark(mark: &Mark) -> Value {
    json!({"at": mark.at.rfc3339(), "what": mark.what, "text": mark.text})
}
