//! Selectors: series of the source -> values at the steps of a query, or windows of values for range functions.
//!
//! Each series is read once for all steps; the steps then slide over the decoded values.

use std::sync::Arc;

use bellbuoy_vocabulary::{Histogram, Labels, Points, Sample, Series, Timestamp, is_stale};

use crate::ast::*;
use crate::engine::{Evaluation, Result, empty_row, row_points};
use crate::error::EvalError;
use crate::table::{Grid, Row, Table};
use crate::value::{SeriesPoints, Value};

/// The values of one series that a range function sees at one step: `from < time <= to`.
pub(crate) struct Window<'a> {
    pub floats: &'a [Sample],
    pub histograms: &'a [(Timestamp, Histogram)],
    /// Bounds of the window, milliseconds.
    pub from: i64,
    pub to: i64,
    /// The time of the evaluation, without offset and `@`.
    pub at: i64,
    pub index: usize,
}

/// A range vector's series, from the source or from a subquery.
enum RangeSeries<'a> {
    Source(Box<dyn Series + 'a>),
    Computed(Labels, bool, Points),
}

/// A range vector: where its windows are and what is in them.
struct RangeData<'a> {
    series: Vec<RangeSeries<'a>>,
    /// Ends of the windows.
    ends: Grid,
    range: i64,
}

impl<'a> Evaluation<'a> {
    /// The times a selector looks at: all of the grid, or one when it has an `@`; then earlier by its offset.
    fn selected_times(&self, at: Option<At>, offset: i64, grid: Grid) -> Grid {
        let times = match at {
            None => grid,
            Some(At::Time(time)) => Grid::one(time.0),
            Some(At::Start) => Grid::one(self.query.from),
            Some(At::End) => Grid::one(self.query.last()),
        };
        times.earlier_by(offset)
    }

    /// An instant vector: for each step the last value that is younger than the lookback, or the time of it in seconds.
    pub fn select(&mut self, selector: &VectorSelector, grid: Grid, as_times: bool) -> Result<Table> {
        let times = self.selected_times(selector.at, selector.offset.0, grid);
        let lookback = self.options.lookback.0;
        let from = times.from.saturating_sub(lookback).saturating_add(1);
        let to = times.last();
        let mut rows = Vec::new();
        let mut points = Points::default();
        for series in self.source.select(Timestamp(from), Timestamp(to), &selector.matchers)? {
            self.check_stop()?;
            points.clear();
            series.read(Timestamp(from), Timestamp(to), &mut points)?;
            self.samples_read += (points.floats.len() + points.histograms.len()) as u64;
            if points.is_empty() {
                continue;
            }
            let row = last_values(series.labels().clone(), &points, times, lookback, as_times);
            if !row.is_empty() {
                self.charge(times.count)?;
                rows.push(row);
            }
        }
        Ok(Table { width: times.count, rows })
    }

    fn range_data(&mut self, expr: &Expr, grid: Grid) -> Result<RangeData<'a>> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.range_data(inner, grid),
            ExprKind::Range(RangeSelector { selector, range }) => {
                let ends = self.selected_times(selector.at, selector.offset.0, grid);
                let from = ends.from.saturating_sub(range.0).saturating_add(1);
                let source = self.source;
                let found = source.select(Timestamp(from), Timestamp(ends.last()), &selector.matchers)?;
                let series = found.into_iter().map(RangeSeries::Source).collect();
                Ok(RangeData { series, ends, range: range.0 })
            }
            ExprKind::Subquery(subquery) => {
                let ends = self.selected_times(subquery.at, subquery.offset.0, grid);
                let series = self.subquery(subquery, ends)?;
                Ok(RangeData { series, ends, range: subquery.range.0 })
            }
            _ => Err(EvalError::Execution("a range vector was expected".into())),
        }
    }

    /// Evaluates the inner expression at the multiples of its step that any of the windows holds.
    fn subquery(&mut self, subquery: &Subquery, ends: Grid) -> Result<Vec<RangeSeries<'a>>> {
        let step = subquery.step.unwrap_or(self.options.subquery_step).0.max(1);
        let start = ends.from.saturating_sub(subquery.range.0);
        let mut from = step * (start / step);
        if from <= start {
            from += step;
        }
        let Some(grid) = Grid::new(from, ends.last(), step) else {
            return Ok(Vec::new());
        };
        self.check_steps(grid)?;
        let mut table = self.table(&subquery.expr, grid)?;
        self.charge(table.rows.len().saturating_mul(grid.count))?;
        table.widen(grid.count);
        let series = |row: Row| {
            let points = row_points(&row, grid);
            RangeSeries::Computed(row.labels, row.drop_name, points)
        };
        Ok(table.rows.into_iter().map(series).collect())
    }

    /// Calls `apply` for each series of a range vector with its labels and its windows. The width of the result comes back.
    /// A series without values in any window is left out, and so is a window without values.
    pub fn for_each_series(
        &mut self,
        expr: &Expr,
        grid: Grid,
        mut apply: impl FnMut(&mut Self, RangeRow<'_>) -> Result<()>,
    ) -> Result<usize> {
        let data = self.range_data(expr, grid)?;
        let ends = data.ends;
        let from = Timestamp(ends.from.saturating_sub(data.range).saturating_add(1));
        let mut buffer = Points::default();
        for series in data.series {
            self.check_stop()?;
            let (labels, drop_name, points) = match series {
                RangeSeries::Source(series) => {
                    buffer.clear();
                    series.read(from, Timestamp(ends.last()), &mut buffer)?;
                    self.samples_read += (buffer.floats.len() + buffer.histograms.len()) as u64;
                    buffer.floats.retain(|sample| !is_stale(sample.value));
                    buffer.histograms.retain(|(_, histogram)| !is_stale(histogram.sum));
                    (series.labels().clone(), false, &buffer)
                }
                RangeSeries::Computed(labels, drop_name, points) => {
                    buffer = points;
                    (labels, drop_name, &buffer)
                }
            };
            if !points.is_empty() {
                apply(self, RangeRow { labels, drop_name, points, ends, range: data.range, grid })?;
            }
        }
        Ok(ends.count)
    }

    /// A range vector as the answer of an instant query.
    pub fn matrix(&mut self, expr: &Expr) -> Result<Value> {
        let mut series = Vec::new();
        self.for_each_series(expr, self.query, |evaluation, row| {
            let labels = if row.drop_name { evaluation.without_name(&row.labels) } else { row.labels.clone() };
            let count = row.points.floats.len() + row.points.histograms.len();
            evaluation.charge(count)?;
            series.push(SeriesPoints { labels, points: row.points.clone() });
            Ok(())
        })?;
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Value::Matrix(series))
    }
}

/// One series of a range vector.
pub(crate) struct RangeRow<'a> {
    pub labels: Labels,
    pub drop_name: bool,
    points: &'a Points,
    ends: Grid,
    pub range: i64,
    grid: Grid,
}

impl RangeRow<'_> {
    /// Calls `apply` for each window that holds a value.
    pub fn for_each_window(&self, mut apply: impl FnMut(Window<'_>)) {
        let (floats, histograms) = (&self.points.floats, &self.points.histograms);
        let (mut start, mut end, mut h_start, mut h_end) = (0, 0, 0, 0);
        for index in 0..self.ends.count {
            let to = self.ends.at(index);
            let from = to.saturating_sub(self.range);
            while end < floats.len() && floats[end].at.0 <= to {
                end += 1;
            }
            while start < end && floats[start].at.0 <= from {
                start += 1;
            }
            while h_end < histograms.len() && histograms[h_end].0.0 <= to {
                h_end += 1;
            }
            while h_start < h_end && histograms[h_start].0.0 <= from {
                h_start += 1;
            }
            if start < end || h_start < h_end {
                let at = self.grid.at(index);
                apply(Window { floats: &floats[start..end], histograms: &histograms[h_start..h_end], from, to, at, index });
            }
        }
    }
}

/// The newest value at or before each time; none when it is a staleness marker or older than the lookback.
fn last_values(labels: Labels, points: &Points, times: Grid, lookback: i64, as_times: bool) -> Row {
    let mut row = empty_row(labels, times.count);
    let (floats, histograms) = (&points.floats, &points.histograms);
    let (mut next, mut h_next) = (0, 0);
    for (index, at) in times.times().enumerate() {
        while next < floats.len() && floats[next].at.0 <= at {
            next += 1;
        }
        while h_next < histograms.len() && histograms[h_next].0.0 <= at {
            h_next += 1;
        }
        let float = next.checked_sub(1).map(|last| floats[last]).filter(|sample| sample.at.0 > at.saturating_sub(lookback));
        let histogram = h_next.checked_sub(1).map(|last| &histograms[last]).filter(|(time, _)| time.0 > at.saturating_sub(lookback));
        match (float, histogram) {
            (Some(sample), histogram) if histogram.is_none_or(|(time, _)| *time < sample.at) => {
                // A marker is what `ABSENT` is, so it is stored as it is; not so the time of one.
                row.floats[index] = if as_times && !is_stale(sample.value) { sample.at.seconds() } else { sample.value };
            }
            (_, Some((time, histogram))) if !is_stale(histogram.sum) => {
                if as_times {
                    row.floats[index] = time.seconds();
                } else {
                    row.histograms.push((index, Arc::new(histogram.clone())));
                }
            }
            _ => {}
        }
    }
    row
}
