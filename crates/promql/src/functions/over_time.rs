//! Functions of range vectors: windows of values -> one value a step.
//!
//! In:    the samples of one series in a window. Out: one value, or none when the window has too few samples.
//! Never: mixes two series.

use std::sync::Arc;

use bellbuoy_vocabulary::{METRIC_NAME, Sample, format_float};

use super::rates::{Kind, double_exponential_smoothing, extrapolated, last_two, linear_regression};
use crate::ValueType;
use crate::ast::{Call, Expr, Place};
use crate::engine::{Evaluation, Result, empty_row};
use crate::error::EvalError;
use crate::select::Window;
use crate::signature::FunctionId as F;
use crate::sums::{Mean, Sum, Variance, quantile};
use crate::table::{Grid, Table, cell, is_absent, unify};

/// Scalar parameters, each one step wide or as wide as the grid.
struct Params(Vec<Vec<f64>>);

impl Params {
    fn at(&self, which: usize, step: usize) -> f64 {
        let values = &self.0[which];
        values[cell(values.len(), step)]
    }
}

impl Evaluation<'_> {
    pub(super) fn over_time(&mut self, call: &Call, place: Place, grid: Grid) -> Result<Table> {
        let id = call.function.id;
        let (range, params) = self.range_and_params(call, grid)?;
        let mut rows = Vec::new();
        let mut scratch = Vec::new();
        let mut width = self.for_each_series(range, grid, |evaluation, series| {
            // Even of an `@` range there is a value for each step when the function asks for the time or its parameters vary.
            evaluation.charge(grid.count)?;
            let mut row = empty_row(series.labels.clone(), grid.count);
            row.drop_name = series.drop_name;
            let name = row.labels.get(METRIC_NAME).to_string();
            let mut failure = None;
            let range_ms = series.range;
            series.for_each_window(|window| {
                evaluation.note_window(id, &window, &name, range.place);
                if let (F::LastOverTime, Some(histogram)) = (id, last_histogram(&window)) {
                    row.histograms.push((window.index, Arc::new(histogram)));
                    return;
                }
                match window_value(id, &window, range_ms, &params, &mut scratch) {
                    Ok(Some(value)) => row.floats[window.index] = value,
                    Ok(None) => {}
                    Err(error) => failure = Some(error),
                }
            });
            if let Some(error) = failure {
                return Err(error);
            }
            if row.is_empty() {
                return Ok(());
            }
            if matches!(id, F::Rate | F::Increase) && row.floats.iter().any(|value| !is_absent(*value)) {
                evaluation.note_counter_name(&row.labels, range.place);
            }
            if id != F::LastOverTime {
                evaluation.drop_name(&mut row);
            }
            rows.push(row);
            Ok(())
        })?;
        if id == F::QuantileOverTime {
            self.note_quantiles(&params.0[0], call.args[0].place);
        }
        let varies = params.0.iter().any(|values| values.len() > 1) || id == F::PredictLinear;
        if width == 1 && grid.count > 1 && varies {
            rows = self.repeat(call, place, grid)?;
            width = grid.count;
        }
        for row in &mut rows {
            row.floats.truncate(width);
        }
        Ok(Table { width, rows: unify(rows)? })
    }

    /// The same windows at every step (`x[5m] @ 10`) but another time or parameters at each: one evaluation a step.
    fn repeat(&mut self, call: &Call, place: Place, grid: Grid) -> Result<Vec<crate::table::Row>> {
        let mut rows = Vec::new();
        for (index, at) in grid.times().enumerate() {
            for one in self.over_time(call, place, Grid::one(at))?.rows {
                let mut row = empty_row(one.labels, grid.count);
                row.drop_name = one.drop_name;
                row.floats[index] = one.floats[0];
                row.histograms = one.histograms.into_iter().map(|(_, histogram)| (index, histogram)).collect();
                rows.push(row);
            }
        }
        unify(rows)
    }

    /// The range vector among the arguments, and the scalars.
    fn range_and_params<'e>(&mut self, call: &'e Call, grid: Grid) -> Result<(&'e Expr, Params)> {
        let mut range = None;
        let mut params = Vec::new();
        for arg in &call.args {
            match arg.value_type() {
                ValueType::Matrix => range = Some(arg),
                _ => params.push(self.scalar(arg, grid)?),
            }
        }
        let range = range.ok_or_else(|| EvalError::Execution(format!("function {} is not implemented", call.function.name)))?;
        Ok((range, Params(params)))
    }

    fn note_quantiles(&mut self, quantiles: &[f64], place: Place) {
        for q in quantiles.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            self.notes.warn(place, &format!("quantile value should be between 0 and 1, got {}", format_float(*q)));
        }
    }

    /// Prometheus' convention for the names of counters.
    fn note_counter_name(&mut self, labels: &bellbuoy_vocabulary::Labels, place: Place) {
        if self.options.type_and_unit_labels {
            let kind = labels.get("__type__");
            if kind != "counter" {
                let name = labels.name();
                self.notes.info(
                    place,
                    &format!(
                        "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {kind:?}: {name:?}"
                    ),
                );
            }
            return;
        }
        let name = labels.get(METRIC_NAME);
        let ends = ["_total", "_sum", "_count", "_bucket"];
        if !name.is_empty() && !ends.iter().any(|end| name.ends_with(end)) {
            let message = format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}");
            self.notes.info(place, &message);
        }
    }

    /// Floats and histograms in one window.
    fn note_window(&mut self, id: F, window: &Window<'_>, name: &str, place: Place) {
        if window.floats.is_empty() || window.histograms.is_empty() {
            return;
        }
        match id {
            F::Rate | F::Increase | F::Delta | F::SumOverTime | F::AvgOverTime => {
                self.notes.warn(place, &format!("encountered a mix of histograms and floats for metric name {name:?}"));
            }
            F::Irate
            | F::Idelta
            | F::CountOverTime
            | F::LastOverTime
            | F::PresentOverTime
            | F::Changes
            | F::Resets
            | F::TsOfLastOverTime => {}
            _ => self
                .notes
                .info(place, &format!("ignored histograms in a range containing both floats and histograms for metric name {name:?}")),
        }
    }
}

/// The last value of a window when it is a histogram.
fn last_histogram(window: &Window<'_>) -> Option<bellbuoy_vocabulary::Histogram> {
    let (at, histogram) = window.histograms.last()?;
    let newer = window.floats.last().is_none_or(|sample| sample.at < *at);
    newer.then(|| histogram.clone())
}

fn window_value(id: F, window: &Window<'_>, range_ms: i64, params: &Params, scratch: &mut Vec<f64>) -> Result<Option<f64>> {
    let floats = window.floats;
    match id {
        F::CountOverTime => return Ok(Some((floats.len() + window.histograms.len()) as f64)),
        F::PresentOverTime => return Ok(Some(1.0)),
        F::TsOfLastOverTime => {
            let last = floats.last().map(|sample| sample.at).max(window.histograms.last().map(|(at, _)| *at));
            return Ok(last.map(|at| at.seconds()));
        }
        _ => {}
    }
    let Some(last) = floats.last() else { return Ok(None) };
    let mixed = !window.histograms.is_empty();
    let rate = |counter, per_second| if mixed { None } else { extrapolated(window, range_ms, Kind { counter, per_second }) };
    Ok(match id {
        F::Rate => rate(true, true),
        F::Increase => rate(true, false),
        F::Delta => rate(false, false),
        F::Irate => last_two(floats, true),
        F::Idelta => last_two(floats, false),
        F::SumOverTime | F::AvgOverTime if mixed => None,
        F::SumOverTime => Some(
            values(floats)
                .fold(Sum::default(), |mut sum, value| {
                    sum.add(value);
                    sum
                })
                .total(),
        ),
        F::AvgOverTime => Some(
            values(floats)
                .fold(Mean::default(), |mut mean, value| {
                    mean.add(value);
                    mean
                })
                .value(),
        ),
        F::StdvarOverTime => Some(variance(floats)),
        F::StddevOverTime => Some(variance(floats).sqrt()),
        F::MinOverTime => Some(extreme(floats, |new, old| new < old).value),
        F::MaxOverTime => Some(extreme(floats, |new, old| new > old).value),
        F::TsOfMinOverTime => Some(extreme(floats, |new, old| new <= old).at.seconds()),
        F::TsOfMaxOverTime => Some(extreme(floats, |new, old| new >= old).at.seconds()),
        F::LastOverTime => Some(last.value),
        F::QuantileOverTime => Some(quantile(params.at(0, window.index), fill(scratch, floats))),
        F::MadOverTime => Some(median_deviation(fill(scratch, floats))),
        F::Changes => Some(count_pairs(floats, |a, b| a != b && !(a.is_nan() && b.is_nan()))),
        F::Resets => Some(count_pairs(floats, |a, b| b < a)),
        F::Deriv if floats.len() > 1 => Some(linear_regression(floats, floats[0].at.0).0),
        F::PredictLinear if floats.len() > 1 => {
            let (slope, intercept) = linear_regression(floats, window.at);
            Some(slope * params.at(0, window.index) + intercept)
        }
        F::DoubleExponentialSmoothing => return smooth(floats, params, window.index),
        _ => None,
    })
}

fn smooth(floats: &[Sample], params: &Params, step: usize) -> Result<Option<f64>> {
    let (smoothing, trend) = (params.at(0, step), params.at(1, step));
    for (name, value) in [("smoothing", smoothing), ("trend", trend)] {
        if !(value > 0.0 && value < 1.0) {
            let message = format!("invalid {name} factor. Expected: 0 < {name} factor < 1, got: {}", format_float(value));
            return Err(EvalError::Execution(message));
        }
    }
    Ok(double_exponential_smoothing(floats, smoothing, trend))
}

fn values(floats: &[Sample]) -> impl Iterator<Item = f64> + '_ {
    floats.iter().map(|sample| sample.value)
}

fn fill<'s>(scratch: &'s mut Vec<f64>, floats: &[Sample]) -> &'s mut [f64] {
    scratch.clear();
    scratch.extend(values(floats));
    scratch
}

fn variance(floats: &[Sample]) -> f64 {
    let mut variance = Variance::default();
    values(floats).for_each(|value| variance.add(value));
    variance.value()
}

/// The value that wins over all before it; NaN loses against everything.
fn extreme(floats: &[Sample], wins: impl Fn(f64, f64) -> bool) -> Sample {
    let mut best = floats[0];
    for sample in &floats[1..] {
        if wins(sample.value, best.value) || best.value.is_nan() {
            best = *sample;
        }
    }
    best
}

fn median_deviation(values: &mut [f64]) -> f64 {
    let median = quantile(0.5, values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile(0.5, values)
}

fn count_pairs(floats: &[Sample], wanted: impl Fn(f64, f64) -> bool) -> f64 {
    floats.windows(2).filter(|pair| wanted(pair[0].value, pair[1].value)).count() as f64
}
