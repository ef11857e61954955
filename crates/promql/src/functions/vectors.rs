//! Functions that look at a vector as a whole: scalar, vector, absent, sort, timestamp.

use std::cmp::Ordering;

use bellbuoy_vocabulary::{Labels, METRIC_NAME, MatchOp, Matcher};

use crate::ast::{Expr, ExprKind};
use crate::engine::{Evaluation, Result};
use crate::table::{ABSENT, Grid, Row, Table, is_absent, unify};

impl Evaluation<'_> {
    /// scalar(v): the value where there is exactly one float, else NaN.
    pub(super) fn scalar_of(&mut self, arg: &Expr, grid: Grid) -> Result<Vec<f64>> {
        let table = self.table(arg, grid)?;
        let value = |step| {
            let mut floats = table.rows.iter().map(|row| row.floats[step]).filter(|value| !is_absent(*value));
            match (floats.next(), floats.next()) {
                (Some(value), None) => value,
                _ => f64::NAN,
            }
        };
        Ok((0..table.width).map(value).collect())
    }

    pub(super) fn vector_of(&mut self, arg: &Expr, grid: Grid) -> Result<Table> {
        let values = self.scalar(arg, grid)?;
        Ok(Table { width: values.len(), rows: vec![Row::new(Labels::empty(), values)] })
    }

    /// timestamp(v): of a selector the times of its samples, of all else the time of the evaluation. Seconds.
    pub(super) fn timestamp_of(&mut self, arg: &Expr, grid: Grid) -> Result<Table> {
        if let ExprKind::Vector(selector) = &arg.unparenthesized().kind {
            let mut table = self.select(selector, grid, true)?;
            table.rows.iter_mut().for_each(|row| self.drop_name(row));
            table.rows = unify(table.rows)?;
            return Ok(table);
        }
        let mut table = self.table(arg, grid)?;
        table.widen(grid.count);
        for row in &mut table.rows {
            self.drop_name(row);
            for index in 0..grid.count {
                if row.present(index) {
                    row.floats[index] = grid.at(index) as f64 / 1000.0;
                }
            }
            row.histograms.clear();
        }
        table.rows = unify(table.rows)?;
        Ok(table)
    }

    /// absent(v): 1 at the steps where nothing is there, with the labels that the selector asks for.
    pub(super) fn absent(&mut self, arg: &Expr, grid: Grid) -> Result<Table> {
        let table = self.table(arg, grid)?;
        let found = |step: &usize| table.rows.iter().any(|row| row.present(*step));
        let floats = (0..table.width).map(|step| if found(&step) { ABSENT } else { 1.0 }).collect();
        Ok(absent_table(arg, floats))
    }

    pub(super) fn absent_over_time(&mut self, arg: &Expr, grid: Grid) -> Result<Table> {
        let mut floats = vec![1.0; grid.count];
        let width = self.for_each_series(arg, grid, |_, row| {
            row.for_each_window(|window| floats[window.index] = ABSENT);
            Ok(())
        })?;
        floats.truncate(width);
        Ok(absent_table(arg, floats))
    }

    /// By value; of instant queries only, the order of a range query's series is that of their labels. NaN comes last either way.
    pub(super) fn sort(&mut self, arg: &Expr, grid: Grid, descending: bool) -> Result<Table> {
        let mut table = self.table(arg, grid)?;
        if table.width > 1 {
            return Ok(table);
        }
        table.rows.retain(|row| !is_absent(row.floats[0]));
        table.rows.sort_by(|a, b| {
            let (a, b) = (a.floats[0], b.floats[0]);
            let order = if descending { b.partial_cmp(&a) } else { a.partial_cmp(&b) };
            order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
        Ok(table)
    }

    /// In natural order of the labels' values (`a2` before `a10`), then by all labels.
    pub(super) fn sort_by_label(&mut self, args: &[Expr], grid: Grid, descending: bool) -> Result<Table> {
        let mut table = self.table(&args[0], grid)?;
        let names = args[1..].iter().map(|arg| self.text(arg, grid)).collect::<Result<Vec<String>>>()?;
        table.rows.sort_by(|a, b| {
            let by_names = names.iter().map(|name| natural(a.labels.get(name), b.labels.get(name)));
            let order = by_names.fold(Ordering::Equal, Ordering::then).then_with(|| a.labels.cmp(&b.labels));
            if descending { order.reverse() } else { order }
        });
        Ok(table)
    }
}

fn absent_table(arg: &Expr, floats: Vec<f64>) -> Table {
    let row = Row::new(absent_labels(arg), floats);
    Table { width: row.floats.len(), rows: if row.is_empty() { Vec::new() } else { vec![row] } }
}

/// The labels of `absent(arg)`: those that an equality asks for, and no matcher after it.
///
/// Prometheus' store has put the matchers into another order by then: what only takes away (`!=` and `!~` on a label that has to be there,
/// anything on one that may be missing) comes last.
pub fn absent_labels(arg: &Expr) -> Labels {
    let matchers = match &arg.unparenthesized().kind {
        ExprKind::Vector(selector) => selector.matchers.as_slice(),
        ExprKind::Range(range) => range.selector.matchers.as_slice(),
        _ => &[],
    };
    let must_be_set = |name: &str| matchers.iter().any(|matcher| matcher.name == name && !matcher.matches_empty());
    let takes_away = |matcher: &&Matcher| {
        let negative = matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRegex);
        !must_be_set(&matcher.name) || (negative && matcher.matches_empty())
    };
    let (last, first): (Vec<&Matcher>, Vec<&Matcher>) = matchers.iter().filter(|matcher| matcher.name != METRIC_NAME).partition(takes_away);
    let mut builder = Labels::empty().builder();
    let mut equal: Vec<&str> = Vec::new();
    for matcher in first.into_iter().chain(last) {
        if matcher.op == MatchOp::Equal && !equal.contains(&matcher.name.as_str()) {
            builder.set(&matcher.name, &matcher.value);
            equal.push(&matcher.name);
        } else {
            builder.remove(&matcher.name);
        }
    }
    builder.labels()
}

/// Runs of digits compare as numbers, all else as text.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let (a_part, a_rest) = first_run(a);
        let (b_part, b_rest) = first_run(b);
        let digits = |part: &str| part.as_bytes()[0].is_ascii_digit();
        let order = if digits(a_part) && digits(b_part) {
            let (x, y) = (a_part.trim_start_matches('0'), b_part.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            a_part.cmp(b_part)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    a.len().cmp(&b.len())
}

/// The digits, or the text up to the first digit.
fn first_run(text: &str) -> (&str, &str) {
    let first_is_digit = text.as_bytes()[0].is_ascii_digit();
    let end = text.bytes().position(|byte| byte.is_ascii_digit() != first_is_digit).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_order_as_numbers() {
        for (a, b) in [("a2", "a10"), ("1.2.3", "1.11.3"), ("4m5", "4m600"), ("", "a"), ("a", "b"), ("9", "a")] {
            assert_eq!(natural(a, b), Ordering::Less, "{a} {b}");
            assert_eq!(natural(b, a), Ordering::Greater, "{b} {a}");
        }
        assert_eq!(natural("007", "7"), Ordering::Equal);
    }
}
