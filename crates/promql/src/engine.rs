//! Expression + source + times -> answer. `Evaluation` walks the expression; the operators are in their own files.
//!
//! In:    an expression that the parser checked, a source of series, times. Out: an `Answer`: value, warnings, infos.
//! Never: reads more samples or runs longer than `Options` allow: that is an `EvalError`.

use bellbuoy_vocabulary::{Histogram, Labels, Millis, Points, Sample, SeriesSource, Timestamp};

use crate::ast::*;
use crate::error::EvalError;
use crate::notes::Notes;
use crate::table::{ABSENT, Grid, Operand, Row, Table, is_absent, unify};
use crate::value::{Answer, Element, Number, SeriesPoints, Value};

pub(crate) type Result<T> = std::result::Result<T, EvalError>;

/// How queries are evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How old a series' last value may be to count as its current one.
    pub lookback: Millis,
    /// Values in memory at one time; more is `EvalError::TooManySamples`.
    pub samples_max: usize,
    /// Step of a subquery that says none, Prometheus' `evaluation_interval`.
    pub subquery_step: Millis,
    /// Keep metric names until the end, as Prometheus does with its feature flag `promql-delayed-name-removal`.
    pub delayed_name_removal: bool,
    /// Drop the labels `__type__` and `__unit__` with the name, as Prometheus does with `type-and-unit-labels`.
    pub type_and_unit_labels: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            lookback: Millis::from_minutes(5),
            samples_max: 50_000_000,
            subquery_step: Millis::from_minutes(1),
            delayed_name_removal: false,
            type_and_unit_labels: false,
        }
    }
}

/// Evaluates expressions. Holds nothing but its options.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    pub options: Options,
}

impl Engine {
    pub fn new(options: Options) -> Engine {
        Engine { options }
    }

    /// The value at one time.
    pub fn instant(&self, expr: &Expr, source: &dyn SeriesSource, at: Timestamp) -> Result<Answer> {
        self.instant_until(expr, source, at, &|| false)
    }

    /// The values at `from`, `from + step`, ... up to `to`, as a matrix; only for scalars and instant vectors.
    pub fn range(&self, expr: &Expr, source: &dyn SeriesSource, from: Timestamp, to: Timestamp, step: Millis) -> Result<Answer> {
        self.range_until(expr, source, from, to, step, &|| false)
    }

    /// Asks `stop` now and then, at least once a series; gives up with `EvalError::Timeout` when it says yes.
    pub fn instant_until(&self, expr: &Expr, source: &dyn SeriesSource, at: Timestamp, stop: &dyn Fn() -> bool) -> Result<Answer> {
        let mut evaluation = self.evaluation(source, Grid::one(at.0), stop);
        let value = if expr.value_type() == ValueType::Matrix { evaluation.matrix(expr)? } else { evaluation.instant(expr, at)? };
        Ok(evaluation.answer(value))
    }

    /// As `range`, with a deadline as in `instant_until`.
    pub fn range_until(
        &self,
        expr: &Expr,
        source: &dyn SeriesSource,
        from: Timestamp,
        to: Timestamp,
        step: Millis,
        stop: &dyn Fn() -> bool,
    ) -> Result<Answer> {
        if !matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) {
            let found = expr.value_type().name();
            return Err(EvalError::Execution(format!(
                "invalid expression type {found:?} for range query, must be Scalar or instant Vector"
            )));
        }
        if step.0 <= 0 {
            return Err(EvalError::Execution("zero or negative query resolution step widths are not accepted; try a positive one".into()));
        }
        let Some(grid) = Grid::new(from.0, to.0, step.0) else {
            return Ok(Answer { value: Value::Matrix(Vec::new()), warnings: Vec::new(), infos: Vec::new(), samples_read: 0 });
        };
        let mut evaluation = self.evaluation(source, grid, stop);
        evaluation.check_steps(grid)?;
        let value = evaluation.range(expr)?;
        Ok(evaluation.answer(value))
    }

    fn evaluation<'a>(&'a self, source: &'a dyn SeriesSource, query: Grid, stop: &'a dyn Fn() -> bool) -> Evaluation<'a> {
        Evaluation { source, options: &self.options, query, stop, live: 0, samples_read: 0, notes: Notes::default() }
    }
}

/// One query under way.
pub(crate) struct Evaluation<'a> {
    pub source: &'a dyn SeriesSource,
    pub options: &'a Options,
    /// The times of the whole query, for `start()` and `end()`.
    pub query: Grid,
    stop: &'a dyn Fn() -> bool,
    /// Values in memory now.
    live: usize,
    pub samples_read: u64,
    pub notes: Notes,
}

impl Evaluation<'_> {
    fn answer(self, value: Value) -> Answer {
        let (warnings, infos) = self.notes.texts();
        Answer { value, warnings, infos, samples_read: self.samples_read }
    }

    fn instant(&mut self, expr: &Expr, at: Timestamp) -> Result<Value> {
        Ok(match self.eval(expr, self.query)? {
            Operand::Scalar(values) => Value::Scalar(Sample::new(at, values[0])),
            Operand::Text(text) => Value::Text(at, text),
            Operand::Vector(table) => {
                let rows = self.finish(table.rows)?;
                let element = |row: Row| {
                    let value = match row.histogram(0) {
                        Some(histogram) => Number::Histogram(Box::new(Histogram::clone(histogram))),
                        None => Number::Float(row.floats[0]),
                    };
                    Element { labels: row.labels, at, value }
                };
                Value::Vector(rows.into_iter().filter(|row| row.present(0)).map(element).collect())
            }
        })
    }

    fn range(&mut self, expr: &Expr) -> Result<Value> {
        let grid = self.query;
        let mut table = match self.eval(expr, grid)? {
            Operand::Scalar(values) => Table { width: values.len(), rows: vec![Row::new(Labels::empty(), values)] },
            Operand::Text(_) => Table { width: 1, rows: Vec::new() },
            Operand::Vector(table) => table,
        };
        table.widen(grid.count);
        let mut series: Vec<SeriesPoints> = Vec::new();
        for row in self.finish(table.rows)? {
            let points = row_points(&row, grid);
            if !points.is_empty() {
                series.push(SeriesPoints { labels: row.labels, points });
            }
        }
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Value::Matrix(series))
    }

    /// Drops the names that were kept until now.
    fn finish(&self, mut rows: Vec<Row>) -> Result<Vec<Row>> {
        if !rows.iter().any(|row| row.drop_name) {
            return Ok(rows);
        }
        for row in rows.iter_mut().filter(|row| row.drop_name) {
            row.labels = self.without_name(&row.labels);
        }
        unify(rows)
    }

    /// Without the name and whatever goes with it.
    pub fn without_name(&self, labels: &Labels) -> Labels {
        if !self.options.type_and_unit_labels {
            return labels.without_name();
        }
        Labels::from_sorted(labels.iter().filter(|(name, _)| !self.is_metadata_label(name)))
    }

    /// The metric's name and, where these are in use, its type and unit.
    pub fn is_metadata_label(&self, name: &str) -> bool {
        name == "__name__" || (self.options.type_and_unit_labels && matches!(name, "__type__" | "__unit__"))
    }

    /// The name of a row's metric goes, now or at the end.
    pub fn drop_name(&self, row: &mut Row) {
        if self.options.delayed_name_removal {
            row.drop_name = true;
        } else {
            row.labels = self.without_name(&row.labels);
        }
    }

    pub fn check_stop(&self) -> Result<()> {
        if (self.stop)() { Err(EvalError::Timeout) } else { Ok(()) }
    }

    /// A row of this width may be made at all.
    pub fn check_steps(&self, grid: Grid) -> Result<()> {
        if grid.count > self.options.samples_max { Err(EvalError::TooManySamples) } else { Ok(()) }
    }

    /// Counts values that are in memory until the node that asked for them is done.
    pub fn charge(&mut self, values: usize) -> Result<()> {
        self.live = self.live.saturating_add(values);
        if self.live > self.options.samples_max { Err(EvalError::TooManySamples) } else { Ok(()) }
    }

    /// The value of a node at the times of a grid.
    pub fn eval(&mut self, expr: &Expr, grid: Grid) -> Result<Operand> {
        let before = self.live;
        let operand = self.eval_node(expr, grid)?;
        // What the parts took is free again; the result stays.
        self.live = before;
        self.charge(operand.cells())?;
        Ok(operand)
    }

    fn eval_node(&mut self, expr: &Expr, grid: Grid) -> Result<Operand> {
        match &expr.kind {
            ExprKind::Number(value) | ExprKind::Duration(value) => Ok(Operand::Scalar(vec![*value])),
            ExprKind::Text(text) => Ok(Operand::Text(text.clone())),
            ExprKind::Paren(inner) => self.eval_node(inner, grid),
            ExprKind::Vector(selector) => self.select(selector, grid, false).map(Operand::Vector),
            ExprKind::Unary { negate, expr } => self.unary(*negate, expr, grid),
            ExprKind::Binary(binary) => self.binary(binary, grid),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, grid),
            ExprKind::Call(call) => self.call(call, expr.place, grid),
            ExprKind::Range(_) | ExprKind::Subquery(_) => Err(EvalError::Execution("range vector outside of a function".into())),
        }
    }

    fn unary(&mut self, negate: bool, expr: &Expr, grid: Grid) -> Result<Operand> {
        let operand = self.eval(expr, grid)?;
        if !negate {
            return Ok(operand);
        }
        Ok(match operand {
            Operand::Scalar(values) => Operand::Scalar(values.into_iter().map(|value| -value).collect()),
            Operand::Vector(table) => Operand::Vector(self.map_floats(table, |_, value| -value)?),
            Operand::Text(text) => Operand::Text(text),
        })
    }

    /// A scalar part, as wide as it came.
    pub fn scalar(&mut self, expr: &Expr, grid: Grid) -> Result<Vec<f64>> {
        match self.eval(expr, grid)? {
            Operand::Scalar(values) => Ok(values),
            _ => Err(EvalError::Execution("a scalar was expected".into())),
        }
    }

    pub fn table(&mut self, expr: &Expr, grid: Grid) -> Result<Table> {
        match self.eval(expr, grid)? {
            Operand::Vector(table) => Ok(table),
            _ => Err(EvalError::Execution("an instant vector was expected".into())),
        }
    }

    pub fn text(&mut self, expr: &Expr, grid: Grid) -> Result<String> {
        match self.eval(expr, grid)? {
            Operand::Text(text) => Ok(text),
            _ => Err(EvalError::Execution("a string was expected".into())),
        }
    }

    /// Applies a function of step and value to each float; histograms are left out and names dropped.
    pub fn map_floats(&mut self, mut table: Table, apply: impl Fn(usize, f64) -> f64) -> Result<Table> {
        for row in &mut table.rows {
            self.drop_name(row);
            row.histograms.clear();
            for (index, value) in row.floats.iter_mut().enumerate() {
                if !is_absent(*value) {
                    *value = apply(index, *value);
                }
            }
        }
        table.rows = unify(table.rows)?;
        Ok(table)
    }
}

/// The present values of a row.
pub(crate) fn row_points(row: &Row, grid: Grid) -> Points {
    let mut points = Points::default();
    for (index, value) in row.floats.iter().enumerate() {
        if !is_absent(*value) {
            points.floats.push(Sample::new(Timestamp(grid.at(index)), *value));
        }
    }
    points.histograms = row.histograms.iter().map(|(index, h)| (Timestamp(grid.at(*index)), Histogram::clone(h))).collect();
    points
}

/// A row without values.
pub(crate) fn empty_row(labels: Labels, width: usize) -> Row {
    Row::new(labels, vec![ABSENT; width])
}
