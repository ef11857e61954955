//! Aggregations: many series -> one a group, or some of each group.
//!
//! In:    the operand's series over the grid of steps. Out: series by the labels of `by` or without those of `without`.
//! Never: depends on the order of the series where Prometheus does not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bellbuoy_vocabulary::{Labels, format_float};

use crate::ast::*;
use crate::engine::{Evaluation, Result, empty_row};
use crate::error::EvalError;
use crate::sums::{Mean, Sum, Variance, quantile};
use crate::table::{ABSENT, Grid, Operand, Row, Table, cell, is_absent, unify};

impl Evaluation<'_> {
    pub fn aggregate(&mut self, aggregate: &Aggregate, grid: Grid) -> Result<Operand> {
        if aggregate.op == AggregateOp::CountValues {
            return self.count_values(aggregate, grid).map(Operand::Vector);
        }
        let params = match &aggregate.param {
            Some(param) => self.scalar(param, grid)?,
            None => vec![0.0],
        };
        let mut table = self.table(&aggregate.expr, grid)?;
        table.widen(table.width.max(params.len()));
        let groups = self.groups(aggregate, &table);
        use AggregateOp::*;
        Ok(Operand::Vector(match aggregate.op {
            Topk | Bottomk | Limitk | LimitRatio => self.choose(aggregate, table, &groups, &params)?,
            Quantile => self.quantiles(aggregate, &table, &groups, &params),
            _ => self.fold(aggregate, &table, &groups),
        }))
    }

    /// The labels of a series' group.
    fn group_labels(&self, aggregate: &Aggregate, labels: &Labels) -> Labels {
        let listed = |name: &str| aggregate.grouping.iter().any(|label| label == name);
        if aggregate.without {
            Labels::from_sorted(labels.iter().filter(|(name, _)| !listed(name) && !self.is_metadata_label(name)))
        } else if aggregate.grouping.is_empty() {
            Labels::empty()
        } else {
            Labels::from_sorted(labels.iter().filter(|(name, _)| listed(name)))
        }
    }

    /// The groups in the order of their first series, with the indices of their rows.
    fn groups(&self, aggregate: &Aggregate, table: &Table) -> Vec<(Labels, Vec<usize>)> {
        let mut index: HashMap<Labels, usize> = HashMap::new();
        let mut groups: Vec<(Labels, Vec<usize>)> = Vec::new();
        for (at, row) in table.rows.iter().enumerate() {
            let labels = self.group_labels(aggregate, &row.labels);
            let group = *index.entry(labels.clone()).or_insert(groups.len());
            if group == groups.len() {
                groups.push((labels, Vec::new()));
            }
            groups[group].1.push(at);
        }
        groups
    }

    /// Aggregations that take one value after the other.
    fn fold(&mut self, aggregate: &Aggregate, table: &Table, groups: &[(Labels, Vec<usize>)]) -> Table {
        let mut rows = Vec::with_capacity(groups.len());
        for (labels, members) in groups {
            let mut cells = vec![Cell::default(); table.width];
            for at in members {
                let row = &table.rows[*at];
                for (cell, value) in cells.iter_mut().zip(&row.floats) {
                    if !is_absent(*value) {
                        cell.add(aggregate.op, *value);
                    }
                }
                for (step, _) in &row.histograms {
                    cells[*step].histograms += 1;
                }
            }
            let mut out = empty_row(labels.clone(), table.width);
            out.drop_name = table.rows[members[0]].drop_name;
            for (value, cell) in out.floats.iter_mut().zip(&cells) {
                *value = self.fold_result(aggregate, cell);
            }
            if matches!(aggregate.op, AggregateOp::Sum | AggregateOp::Avg) {
                single_histograms(table, members, &cells, &mut out);
            }
            if !out.is_empty() {
                rows.push(out);
            }
        }
        Table { width: table.width, rows }
    }

    fn fold_result(&mut self, aggregate: &Aggregate, cell: &Cell) -> f64 {
        use AggregateOp::*;
        let place = aggregate.expr.place;
        match aggregate.op {
            Count => return if cell.count + cell.histograms > 0 { (cell.count + cell.histograms) as f64 } else { ABSENT },
            Group => return if cell.count + cell.histograms > 0 { 1.0 } else { ABSENT },
            Sum | Avg if cell.count > 0 && cell.histograms > 0 => {
                self.notes.warn(place, "encountered a mix of histograms and floats for aggregation");
                return ABSENT;
            }
            Sum | Avg => {}
            op if cell.histograms > 0 => self.notes.info(place, &format!("ignored histogram in {} aggregation", op.name())),
            _ => {}
        }
        if cell.count == 0 { ABSENT } else { cell.value(aggregate.op) }
    }

    fn quantiles(&mut self, aggregate: &Aggregate, table: &Table, groups: &[(Labels, Vec<usize>)], params: &[f64]) -> Table {
        let place = aggregate.param.as_ref().map_or(aggregate.expr.place, |param| param.place);
        for q in params.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            self.notes.warn(place, &format!("quantile value should be between 0 and 1, got {}", format_float(*q)));
        }
        let mut rows = Vec::with_capacity(groups.len());
        let mut values = Vec::new();
        for (labels, members) in groups {
            let mut out = empty_row(labels.clone(), table.width);
            out.drop_name = table.rows[members[0]].drop_name;
            for (step, result) in out.floats.iter_mut().enumerate() {
                values.clear();
                values.extend(members.iter().map(|at| table.rows[*at].floats[step]).filter(|value| !is_absent(*value)));
                if !values.is_empty() {
                    *result = quantile(params[cell(params.len(), step)], &mut values);
                }
            }
            self.note_histograms(aggregate, table, members);
            if !out.is_empty() {
                rows.push(out);
            }
        }
        Table { width: table.width, rows }
    }

    fn note_histograms(&mut self, aggregate: &Aggregate, table: &Table, members: &[usize]) {
        if members.iter().any(|at| !table.rows[*at].histograms.is_empty()) {
            self.notes.info(aggregate.expr.place, &format!("ignored histogram in {} aggregation", aggregate.op.name()));
        }
    }

    /// topk, bottomk, limitk, limit_ratio: keep some values of each group as they are.
    fn choose(&mut self, aggregate: &Aggregate, mut table: Table, groups: &[(Labels, Vec<usize>)], params: &[f64]) -> Result<Table> {
        let limits: Vec<f64> = params.iter().map(|param| self.limit(aggregate, *param)).collect::<Result<_>>()?;
        let mut order = Vec::with_capacity(table.rows.len());
        for (_, members) in groups {
            if matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk) {
                self.note_histograms(aggregate, &table, members);
            }
            for step in 0..table.width {
                let limit = limits[cell(limits.len(), step)];
                let kept = chosen(aggregate.op, &table, members, step, limit);
                let mut is_kept = vec![false; members.len()];
                kept.iter().for_each(|at| is_kept[*at] = true);
                for (position, at) in members.iter().enumerate().filter(|(position, _)| !is_kept[*position]) {
                    debug_assert!(position < members.len());
                    table.rows[*at].clear(step);
                }
                if table.width == 1 {
                    order.extend(kept.iter().map(|position| members[*position]));
                }
            }
        }
        if table.width == 1 {
            // An instant query shows the best first.
            let mut rows: Vec<Option<Row>> = table.rows.into_iter().map(Some).collect();
            let rows = order.into_iter().filter_map(|at| rows[at].take()).collect();
            return Ok(Table { width: 1, rows });
        }
        table.rows.retain(|row| !row.is_empty());
        Ok(table)
    }

    /// How many, or for limit_ratio which share.
    fn limit(&mut self, aggregate: &Aggregate, param: f64) -> Result<f64> {
        if param.is_nan() {
            return Err(EvalError::Execution("Parameter value is NaN".into()));
        }
        if aggregate.op == AggregateOp::LimitRatio {
            let capped = param.clamp(-1.0, 1.0);
            if capped != param {
                let place = aggregate.param.as_ref().map_or(aggregate.expr.place, |param| param.place);
                let message =
                    format!("ratio value should be between -1 and 1, got {}, capping to {}", format_float(param), format_float(capped));
                self.notes.warn(place, &message);
            }
            return Ok(capped);
        }
        if param >= i64::MAX as f64 || param <= i64::MIN as f64 {
            return Err(EvalError::Execution(format!("Scalar parameter value {} overflows int64", format_float(param))));
        }
        Ok(param.trunc())
    }

    /// A series for each value, with how often it occurs.
    fn count_values(&mut self, aggregate: &Aggregate, grid: Grid) -> Result<Table> {
        let label = match &aggregate.param {
            Some(param) => self.text(param, grid)?,
            None => String::new(),
        };
        if label.is_empty() {
            return Err(EvalError::Execution(format!("invalid label name {label:?}")));
        }
        let table = self.table(&aggregate.expr, grid)?;
        let mut rows = Vec::new();
        for (labels, members) in self.groups(aggregate, &table) {
            let mut counts: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for at in members {
                for step in 0..table.width {
                    let row = &table.rows[at];
                    let text = match row.histogram(step) {
                        Some(histogram) => format!("{{count:{}, sum:{}}}", format_float(histogram.count), format_float(histogram.sum)),
                        None if is_absent(row.floats[step]) => continue,
                        None => format_float(row.floats[step]),
                    };
                    let cells = counts.entry(text).or_insert_with(|| vec![ABSENT; table.width]);
                    cells[step] = if is_absent(cells[step]) { 1.0 } else { cells[step] + 1.0 };
                }
            }
            for (text, floats) in counts {
                self.charge(floats.len())?;
                // What `without` lists goes, the label of the value too.
                let listed = aggregate.without && aggregate.grouping.contains(&label);
                let labels = if listed { labels.clone() } else { labels.builder().set(&label, &text).labels() };
                rows.push(Row::new(labels, floats));
            }
        }
        // A label of the grouping may be the one that is set: then groups fall together.
        Ok(Table { width: table.width, rows: join_counts(rows)? })
    }
}

fn join_counts(rows: Vec<Row>) -> Result<Vec<Row>> {
    let mut index: HashMap<Labels, usize> = HashMap::new();
    let mut out: Vec<Row> = Vec::new();
    for row in rows {
        let at = *index.entry(row.labels.clone()).or_insert(out.len());
        if at == out.len() {
            out.push(row);
            continue;
        }
        for (sum, count) in out[at].floats.iter_mut().zip(row.floats) {
            match (is_absent(*sum), is_absent(count)) {
                (_, true) => {}
                (true, false) => *sum = count,
                (false, false) => *sum += count,
            }
        }
    }
    unify(out)
}

/// Where a group has a single histogram and no float its sum and mean are known without arithmetic on histograms.
fn single_histograms(table: &Table, members: &[usize], cells: &[Cell], out: &mut Row) {
    for at in members {
        for (step, histogram) in &table.rows[*at].histograms {
            if cells[*step].histograms == 1 && cells[*step].count == 0 {
                out.histograms.push((*step, Arc::clone(histogram)));
            }
        }
    }
    out.histograms.sort_by_key(|(step, _)| *step);
}

/// Positions among the members, best first.
fn chosen(op: AggregateOp, table: &Table, members: &[usize], step: usize, limit: f64) -> Vec<usize> {
    let row = |position: &usize| &table.rows[members[*position]];
    let mut found: Vec<usize> = (0..members.len()).filter(|position| row(position).present(step)).collect();
    let count = limit.max(0.0) as usize;
    match op {
        AggregateOp::LimitRatio => found.retain(|position| in_ratio(&row(position).labels, limit)),
        AggregateOp::Limitk => found.truncate(count),
        _ => {
            found.retain(|position| !is_absent(row(position).floats[step]));
            let value = |position: &usize| row(position).floats[step];
            // NaN is last either way; of equal values the earlier series comes first.
            found.sort_by(|a, b| {
                let (a, b) = (value(a), value(b));
                let order = if op == AggregateOp::Topk { b.partial_cmp(&a) } else { a.partial_cmp(&b) };
                order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            });
            found.truncate(count);
        }
    }
    found
}

/// Whether a series is in the share; a negative share is the complement of the positive one.
fn in_ratio(labels: &Labels, ratio: f64) -> bool {
    // FNV's upper bits are weak, so they are mixed once more (the finalizer of MurmurHash3).
    let mut hash = labels.fingerprint();
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    let place = hash as f64 / u64::MAX as f64;
    (ratio >= 0.0 && place < ratio) || (ratio < 0.0 && place >= 1.0 + ratio)
}

/// One group at one step.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    count: u64,
    histograms: u64,
    sum: Sum,
    mean: Mean,
    variance: Variance,
}

impl Cell {
    fn add(&mut self, op: AggregateOp, value: f64) {
        self.count += 1;
        match op {
            AggregateOp::Sum => self.sum.add(value),
            AggregateOp::Avg => self.mean.add(value),
            AggregateOp::Stddev | AggregateOp::Stdvar => self.variance.add(value),
            AggregateOp::Min if self.count == 1 || value < self.sum.value || self.sum.value.is_nan() => self.sum.value = value,
            AggregateOp::Max if self.count == 1 || value > self.sum.value || self.sum.value.is_nan() => self.sum.value = value,
            _ => {}
        }
    }

    fn value(&self, op: AggregateOp) -> f64 {
        match op {
            AggregateOp::Avg => self.mean.value(),
            AggregateOp::Stdvar => self.variance.value(),
            AggregateOp::Stddev => self.variance.value().sqrt(),
            AggregateOp::Min | AggregateOp::Max => self.sum.value,
            _ => self.sum.total(),
        }
    }
}
