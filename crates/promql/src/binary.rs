//! Operators between two sides: scalars, vectors and both; matching of series by labels.
//!
//! Which series can meet is worked out once a pair of sides by hashing their match labels; the steps then only look at values.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bellbuoy_vocabulary::{Histogram, Labels, METRIC_NAME};

use crate::ast::*;
use crate::engine::{Evaluation, Result, empty_row};
use crate::error::EvalError;
use crate::table::{ABSENT, Grid, Operand, Row, Table, cell, is_absent, unify};

impl Evaluation<'_> {
    pub fn binary(&mut self, binary: &Binary, grid: Grid) -> Result<Operand> {
        let mut left = self.eval(&binary.first, grid)?;
        for term in &binary.rest {
            let right = self.eval(&term.expr, grid)?;
            left = self.apply(left, term, right)?;
        }
        Ok(left)
    }

    fn apply(&mut self, left: Operand, term: &Term, right: Operand) -> Result<Operand> {
        self.check_stop()?;
        Ok(match (left, right) {
            (Operand::Scalar(left), Operand::Scalar(right)) => Operand::Scalar(scalars(term, &left, &right)),
            (Operand::Vector(table), Operand::Scalar(values)) => Operand::Vector(self.with_scalar(term, table, &values, false)?),
            (Operand::Scalar(values), Operand::Vector(table)) => Operand::Vector(self.with_scalar(term, table, &values, true)?),
            (Operand::Vector(mut left), Operand::Vector(mut right)) => {
                let width = left.width.max(right.width);
                left.widen(width);
                right.widen(width);
                Operand::Vector(match term.op {
                    BinaryOp::And => filter_by(left, &right, &term.matching, true),
                    BinaryOp::Unless => filter_by(left, &right, &term.matching, false),
                    BinaryOp::Or => union(left, right, &term.matching)?,
                    _ => self.vectors(term, left, right)?,
                })
            }
            _ => return Err(EvalError::Execution("binary expression must contain only scalar and instant vector types".into())),
        })
    }

    fn with_scalar(&mut self, term: &Term, mut table: Table, values: &[f64], scalar_is_left: bool) -> Result<Table> {
        let width = table.width.max(values.len());
        table.widen(width);
        let comparison = term.op.is_comparison();
        let mut histogram_ignored = false;
        for row in &mut table.rows {
            for index in 0..width {
                let value = row.floats[index];
                if is_absent(value) {
                    continue;
                }
                let scalar = values[cell(values.len(), index)];
                let (left, right) = if scalar_is_left { (scalar, value) } else { (value, scalar) };
                let (result, keep) = floats(term.op, left, right);
                row.floats[index] = match (term.bool_result, keep) {
                    (true, keep) => f64::from(u8::from(keep)),
                    (false, false) => ABSENT,
                    // A comparison keeps the vector's value on whichever side it stands.
                    (false, true) => {
                        if comparison {
                            value
                        } else {
                            result
                        }
                    }
                };
            }
            histogram_ignored |= scale_histograms(row, term.op, values, scalar_is_left);
            if !comparison || term.bool_result {
                self.drop_name(row);
            }
        }
        if histogram_ignored {
            let (left, right) = if scalar_is_left { ("float", "histogram") } else { ("histogram", "float") };
            self.note_incompatible(term, left, right);
        }
        if !comparison || term.bool_result {
            table.rows = unify(table.rows)?;
        }
        Ok(table)
    }

    fn note_incompatible(&mut self, term: &Term, left: &str, right: &str) {
        let op = term.op.symbol();
        let place = Place { ..term.op_place };
        self.notes.info(place, &format!("incompatible sample types encountered for binary operator {op:?}: {left} {op} {right}"));
    }

    /// Arithmetic and comparison between two vectors. The one side is unique by its match labels at each step; each series of the
    /// other side meets at most one of it.
    fn vectors(&mut self, term: &Term, left: Table, right: Table) -> Result<Table> {
        let width = left.width;
        let matching = &term.matching;
        let many_is_right = matching.group.as_ref().is_some_and(|group| group.side == Side::Right);
        let (many, one) = if many_is_right { (right, left) } else { (left, right) };
        let mut groups: HashMap<Labels, (Vec<usize>, Vec<usize>)> = HashMap::with_capacity(one.rows.len());
        for (at, row) in one.rows.iter().enumerate() {
            groups.entry(match_labels(&row.labels, matching)).or_default().1.push(at);
        }
        let mut order = Vec::new();
        for (at, row) in many.rows.iter().enumerate() {
            let labels = match_labels(&row.labels, matching);
            if let Some(group) = groups.get_mut(&labels) {
                if group.0.is_empty() {
                    order.push(labels);
                }
                group.0.push(at);
            }
        }
        self.check_one_side(&many, &one, &groups, many_is_right)?;
        let mut joined: Vec<(usize, Row)> = Vec::with_capacity(many.rows.len());
        for labels in &order {
            let (many_rows, one_rows) = &groups[labels];
            self.join_group(term, &many, many_rows, &one, one_rows, many_is_right, &mut joined)?;
        }
        // In the order of the many side.
        joined.sort_by_key(|(at, _)| *at);
        let mut rows: Vec<Row> = joined.into_iter().map(|(_, row)| row).collect();
        rows.retain(|row| !row.is_empty());
        Ok(Table { width, rows: unify(rows)? })
    }

    /// Two series of the one side with the same match labels at the same step are an error, if the other side has anything then.
    fn check_one_side(
        &self,
        many: &Table,
        one: &Table,
        groups: &HashMap<Labels, (Vec<usize>, Vec<usize>)>,
        one_is_left: bool,
    ) -> Result<()> {
        for (labels, (_, rows)) in groups {
            if rows.len() < 2 {
                continue;
            }
            for step in 0..one.width {
                let mut present = rows.iter().filter(|at| one.rows[**at].present(step));
                if let (Some(first), Some(second)) = (present.next(), present.next())
                    && many.rows.iter().any(|row| row.present(step))
                {
                    let side = if one_is_left { "left" } else { "right" };
                    return Err(EvalError::Execution(format!(
                        "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                        braces(labels),
                        braces(&one.rows[*second].labels),
                        braces(&one.rows[*first].labels)
                    )));
                }
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the two sides with their rows, and where the result goes")]
    fn join_group(
        &mut self,
        term: &Term,
        many: &Table,
        many_rows: &[usize],
        one: &Table,
        one_rows: &[usize],
        many_is_right: bool,
        out: &mut Vec<(usize, Row)>,
    ) -> Result<()> {
        let width = many.width;
        let explicit = term.matching.group.is_some();
        let first_out = out.len();
        for (many_at, one_at) in many_rows.iter().flat_map(|m| one_rows.iter().map(move |o| (*m, *o))) {
            let (many_row, one_row) = (&many.rows[many_at], &one.rows[one_at]);
            let (left, right) = if many_is_right { (one_row, many_row) } else { (many_row, one_row) };
            let mut row = empty_row(self.result_labels(many_row, one_row, term), width);
            row.drop_name = many_row.drop_name;
            if self.drops_name(term) {
                self.drop_name(&mut row);
            }
            self.join_rows(term, left, right, &mut row)?;
            out.push((many_at, row));
        }
        let results = &out[first_out..];
        if results.len() < 2 {
            return Ok(());
        }
        for step in 0..width {
            let mut seen: HashSet<&Labels> = HashSet::new();
            for (_, row) in results.iter().filter(|(_, row)| row.present(step)) {
                if !explicit && !seen.is_empty() {
                    let message = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                    return Err(EvalError::Execution(message.into()));
                }
                if !seen.insert(&row.labels) {
                    return Err(EvalError::Execution("multiple matches for labels: grouping labels must ensure unique matches".into()));
                }
            }
        }
        Ok(())
    }

    fn join_rows(&mut self, term: &Term, left: &Row, right: &Row, row: &mut Row) -> Result<()> {
        for step in 0..row.floats.len() {
            let (a, b) = (left.floats[step], right.floats[step]);
            if !is_absent(a) && !is_absent(b) {
                let (value, keep) = floats(term.op, a, b);
                row.floats[step] = match (term.bool_result, keep) {
                    (true, keep) => f64::from(u8::from(keep)),
                    (false, true) => value,
                    (false, false) => ABSENT,
                };
            } else if left.present(step) && right.present(step) {
                self.join_histograms(term, left, right, step, row);
            }
        }
        Ok(())
    }

    /// At least one side has a histogram. Equality and scaling work; more comes with native histograms.
    fn join_histograms(&mut self, term: &Term, left: &Row, right: &Row, step: usize, row: &mut Row) {
        match (left.histogram(step), right.histogram(step)) {
            (Some(a), Some(b)) => {
                let equal = a == b;
                match term.op {
                    BinaryOp::Equal | BinaryOp::NotEqual => {
                        let keep = equal == (term.op == BinaryOp::Equal);
                        if term.bool_result {
                            row.floats[step] = f64::from(u8::from(keep));
                        } else if keep {
                            row.histograms.push((step, a.clone()));
                        }
                    }
                    _ => self.note_incompatible(term, "histogram", "histogram"),
                }
            }
            (Some(histogram), None) => match term.op {
                BinaryOp::Mul => row.histograms.push((step, Arc::new(scaled(histogram, right.floats[step])))),
                BinaryOp::Div => row.histograms.push((step, Arc::new(scaled(histogram, 1.0 / right.floats[step])))),
                _ => self.note_incompatible(term, "histogram", "float"),
            },
            (None, Some(histogram)) => match term.op {
                BinaryOp::Mul => row.histograms.push((step, Arc::new(scaled(histogram, left.floats[step])))),
                _ => self.note_incompatible(term, "float", "histogram"),
            },
            (None, None) => {}
        }
    }

    fn drops_name(&self, term: &Term) -> bool {
        !term.op.is_comparison() || term.bool_result
    }

    /// Labels of the many side, changed by the matching; the name is dropped separately.
    fn result_labels(&self, many: &Row, one: &Row, term: &Term) -> Labels {
        let matching = &term.matching;
        let Some(group) = &matching.group else {
            let listed = |name: &str| matching.labels.iter().any(|label| label == name);
            return Labels::from_sorted(many.labels.iter().filter(|(name, _)| listed(name) == matching.on));
        };
        if group.include.is_empty() {
            return many.labels.clone();
        }
        let mut builder = many.labels.builder();
        for name in &group.include {
            builder.set(name, one.labels.get(name));
        }
        builder.labels()
    }
}

/// The labels that must be equal on both sides.
fn match_labels(labels: &Labels, matching: &Matching) -> Labels {
    let listed = |name: &str| matching.labels.iter().any(|label| label == name);
    if matching.on {
        Labels::from_sorted(labels.iter().filter(|(name, _)| listed(name)))
    } else if matching.labels.is_empty() {
        labels.without_name()
    } else {
        Labels::from_sorted(labels.iter().filter(|(name, _)| *name != METRIC_NAME && !listed(name)))
    }
}

/// `{name="value", ...}` with the metric's name among the labels, as in Prometheus' messages.
fn braces(labels: &Labels) -> String {
    let parts: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", parts.join(", "))
}

fn scalars(term: &Term, left: &[f64], right: &[f64]) -> Vec<f64> {
    let width = left.len().max(right.len());
    let value = |index| {
        let (value, keep) = floats(term.op, left[cell(left.len(), index)], right[cell(right.len(), index)]);
        if term.op.is_comparison() { f64::from(u8::from(keep)) } else { value }
    };
    (0..width).map(value).collect()
}

/// The value, and for comparisons whether it is kept.
fn floats(op: BinaryOp, left: f64, right: f64) -> (f64, bool) {
    match op {
        BinaryOp::Add => (left + right, true),
        BinaryOp::Sub => (left - right, true),
        BinaryOp::Mul => (left * right, true),
        BinaryOp::Div => (left / right, true),
        BinaryOp::Mod => (left % right, true),
        BinaryOp::Pow => (left.powf(right), true),
        BinaryOp::Atan2 => (left.atan2(right), true),
        BinaryOp::Equal => (left, left == right),
        BinaryOp::NotEqual => (left, left != right),
        BinaryOp::Less => (left, left < right),
        BinaryOp::LessOrEqual => (left, left <= right),
        BinaryOp::Greater => (left, left > right),
        BinaryOp::GreaterOrEqual => (left, left >= right),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => (left, true),
    }
}

/// `histogram * 2` and `histogram / 2`; all else clears the histograms, which is reported by `true`.
fn scale_histograms(row: &mut Row, op: BinaryOp, values: &[f64], scalar_is_left: bool) -> bool {
    let had = !row.histograms.is_empty();
    for (index, histogram) in &mut row.histograms {
        let scalar = values[cell(values.len(), *index)];
        match (op, scalar_is_left) {
            (BinaryOp::Mul, _) => *histogram = Arc::new(scaled(histogram, scalar)),
            (BinaryOp::Div, false) => *histogram = Arc::new(scaled(histogram, 1.0 / scalar)),
            _ => {
                row.histograms.clear();
                return had;
            }
        }
    }
    false
}

fn scaled(histogram: &Histogram, factor: f64) -> Histogram {
    let mut out = histogram.clone();
    for value in [&mut out.zero_count, &mut out.count, &mut out.sum] {
        *value *= factor;
    }
    out.positive_buckets.iter_mut().chain(&mut out.negative_buckets).for_each(|count| *count *= factor);
    out
}

/// For each set of match labels the steps at which a series with them has a value.
fn presence<'t>(rows: impl Iterator<Item = &'t Row>, width: usize, matching: &Matching) -> HashMap<Labels, Vec<bool>> {
    let mut groups: HashMap<Labels, Vec<bool>> = HashMap::new();
    for row in rows {
        let steps = groups.entry(match_labels(&row.labels, matching)).or_insert_with(|| vec![false; width]);
        for (index, step) in steps.iter_mut().enumerate() {
            *step |= row.present(index);
        }
    }
    groups
}

/// `and` keeps the values that have a match on the other side, `unless` those that have none.
fn filter_by(mut left: Table, right: &Table, matching: &Matching, wanted: bool) -> Table {
    let groups = presence(right.rows.iter(), right.width, matching);
    for row in &mut left.rows {
        let steps = groups.get(&match_labels(&row.labels, matching));
        for index in 0..left.width {
            if steps.is_some_and(|steps| steps[index]) != wanted {
                row.clear(index);
            }
        }
    }
    left.rows.retain(|row| !row.is_empty());
    left
}

fn union(mut left: Table, mut right: Table, matching: &Matching) -> Result<Table> {
    let groups = presence(left.rows.iter(), left.width, matching);
    for row in &mut right.rows {
        if let Some(steps) = groups.get(&match_labels(&row.labels, matching)) {
            (0..right.width).filter(|index| steps[*index]).for_each(|index| row.clear(index));
        }
    }
    right.rows.retain(|row| !row.is_empty());
    left.rows.append(&mut right.rows);
    Ok(Table { width: left.width, rows: unify(left.rows)? })
}
