//! What operators hand to each other: for each series its values at all steps of a query.
//!
//! Series-major: an operator works through one series' values in a row. A table that is the same at every step (`x @ 10`, `1`) is
//! one step wide, whatever the number of steps asked for; whoever reads it repeats the value.

use std::collections::HashMap;
use std::sync::Arc;

use bellbuoy_vocabulary::{Histogram, Labels, STALE_NAN, is_stale};

use crate::error::EvalError;

/// The times of evaluation: `from`, `from + step`, ...; milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub from: i64,
    pub step: i64,
    /// At least 1.
    pub count: usize,
}

impl Grid {
    pub fn one(at: i64) -> Grid {
        Grid { from: at, step: 1, count: 1 }
    }

    /// `None` when `to` is before `from`.
    pub fn new(from: i64, to: i64, step: i64) -> Option<Grid> {
        let length = to.checked_sub(from).filter(|length| *length >= 0)?;
        Some(Grid { from, step, count: usize::try_from(length / step).ok()?.saturating_add(1) })
    }

    pub fn at(&self, index: usize) -> i64 {
        self.from.saturating_add(self.step.saturating_mul(index as i64))
    }

    pub fn last(&self) -> i64 {
        self.at(self.count - 1)
    }

    pub fn times(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |index| self.at(index))
    }

    pub fn earlier_by(self, length: i64) -> Grid {
        Grid { from: self.from.saturating_sub(length), ..self }
    }
}

/// A step without a value. The staleness marker never is a value here, so it serves.
pub(crate) const ABSENT: f64 = STALE_NAN;

pub(crate) fn is_absent(value: f64) -> bool {
    is_stale(value)
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub labels: Labels,
    /// The metric's name is still there but will be dropped at the end (`Options::delayed_name_removal`).
    pub drop_name: bool,
    /// `ABSENT` where there is none or a histogram.
    pub floats: Vec<f64>,
    /// Steps with a histogram, in order.
    pub histograms: Vec<(usize, Arc<Histogram>)>,
}

impl Row {
    pub fn new(labels: Labels, floats: Vec<f64>) -> Row {
        Row { labels, drop_name: false, floats, histograms: Vec::new() }
    }

    pub fn histogram(&self, index: usize) -> Option<&Arc<Histogram>> {
        if self.histograms.is_empty() {
            return None;
        }
        self.histograms.binary_search_by_key(&index, |(step, _)| *step).ok().map(|at| &self.histograms[at].1)
    }

    pub fn present(&self, index: usize) -> bool {
        !is_absent(self.floats[index]) || self.histogram(index).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.histograms.is_empty() && self.floats.iter().all(|value| is_absent(*value))
    }

    /// Clears a step.
    pub fn clear(&mut self, index: usize) {
        self.floats[index] = ABSENT;
        if !self.histograms.is_empty() {
            self.histograms.retain(|(step, _)| *step != index);
        }
    }

    /// The same values at each of `width` steps.
    pub fn widen(&mut self, width: usize) {
        if self.floats.len() == 1 && width > 1 {
            self.floats = vec![self.floats[0]; width];
            if let Some((_, histogram)) = self.histograms.pop() {
                self.histograms = (0..width).map(|index| (index, histogram.clone())).collect();
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Steps of each row: the grid's count, or 1 when all steps are the same.
    pub width: usize,
    pub rows: Vec<Row>,
}

impl Table {
    pub fn widen(&mut self, width: usize) {
        if self.width == 1 && width > 1 {
            self.rows.iter_mut().for_each(|row| row.widen(width));
            self.width = width;
        }
    }

    pub fn cells(&self) -> usize {
        self.rows.len().saturating_mul(self.width)
    }
}

/// The index of a step in something that may be one step wide.
pub(crate) fn cell(width: usize, index: usize) -> usize {
    if width == 1 { 0 } else { index }
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// One step wide or as wide as the grid.
    Scalar(Vec<f64>),
    Text(String),
    Vector(Table),
}

impl Operand {
    pub fn cells(&self) -> usize {
        match self {
            Operand::Scalar(values) => values.len(),
            Operand::Text(_) => 1,
            Operand::Vector(table) => table.cells(),
        }
    }
}

/// Joins rows that have the same labels now, as after dropping names. An error when two have a value at the same step.
pub(crate) fn unify(rows: Vec<Row>) -> Result<Vec<Row>, EvalError> {
    let mut index: HashMap<Labels, usize> = HashMap::with_capacity(rows.len());
    let mut out: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        let at = *index.entry(row.labels.clone()).or_insert(out.len());
        if at == out.len() {
            out.push(row);
            continue;
        }
        let target = &mut out[at];
        for step in 0..row.floats.len() {
            if !row.present(step) {
                continue;
            }
            if target.present(step) {
                return Err(EvalError::Execution("vector cannot contain metrics with the same labelset".into()));
            }
            target.floats[step] = row.floats[step];
        }
        target.histograms.extend(row.histograms);
        target.histograms.sort_by_key(|(step, _)| *step);
    }
    Ok(out)
}
