//! Functions of one number, and those that bound or round it.

use crate::ast::Expr;
use crate::engine::{Evaluation, Result};
use crate::signature::FunctionId as F;
use crate::table::{ABSENT, Grid, Table, cell, unify};

/// The plain functions number -> number.
pub(super) fn function(id: F) -> Option<fn(f64) -> f64> {
    Some(match id {
        F::Abs => f64::abs,
        F::Ceil => f64::ceil,
        F::Floor => f64::floor,
        F::Exp => f64::exp,
        F::Ln => f64::ln,
        F::Log2 => f64::log2,
        F::Log10 => f64::log10,
        F::Sqrt => f64::sqrt,
        F::Sgn => |value| {
            if value < 0.0 {
                -1.0
            } else if value > 0.0 {
                1.0
            } else {
                value
            }
        },
        F::Sin => f64::sin,
        F::Cos => f64::cos,
        F::Tan => f64::tan,
        F::Asin => f64::asin,
        F::Acos => f64::acos,
        F::Atan => f64::atan,
        F::Sinh => f64::sinh,
        F::Cosh => f64::cosh,
        F::Tanh => f64::tanh,
        F::Asinh => f64::asinh,
        F::Acosh => f64::acosh,
        F::Atanh => f64::atanh,
        F::Deg => f64::to_degrees,
        F::Rad => f64::to_radians,
        _ => return None,
    })
}

impl Evaluation<'_> {
    /// clamp(v, min, max), clamp_min(v, min), clamp_max(v, max). NaN bounds give NaN; min above max gives nothing.
    pub(super) fn clamp(&mut self, id: F, args: &[Expr], grid: Grid) -> Result<Table> {
        let mut table = self.table(&args[0], grid)?;
        let unbounded = |value| vec![value];
        let (low, high) = match id {
            F::ClampMin => (self.scalar(&args[1], grid)?, unbounded(f64::INFINITY)),
            F::ClampMax => (unbounded(f64::NEG_INFINITY), self.scalar(&args[1], grid)?),
            _ => (self.scalar(&args[1], grid)?, self.scalar(&args[2], grid)?),
        };
        table.widen(table.width.max(low.len()).max(high.len()));
        let bounds = |index| (low[cell(low.len(), index)], high[cell(high.len(), index)]);
        let mut table = self.map_floats(table, |index, value| {
            let (low, high) = bounds(index);
            if low > high {
                ABSENT
            } else if value.is_nan() || low.is_nan() || high.is_nan() {
                f64::NAN
            } else {
                value.min(high).max(low)
            }
        })?;
        table.rows.retain(|row| !row.is_empty());
        Ok(table)
    }

    /// round(v, to_nearest = 1); ties go up.
    pub(super) fn round(&mut self, args: &[Expr], grid: Grid) -> Result<Table> {
        let mut table = self.table(&args[0], grid)?;
        let nearest = match args.get(1) {
            Some(arg) => self.scalar(arg, grid)?,
            None => vec![1.0],
        };
        table.widen(table.width.max(nearest.len()));
        // Division by the inverse keeps 0.1 exact where multiplication would not.
        self.map_floats(table, |index, value| {
            let inverse = 1.0 / nearest[cell(nearest.len(), index)];
            (value * inverse + 0.5).floor() / inverse
        })
    }

    /// histogram_count, histogram_sum, histogram_avg of native histograms. Floats are left out.
    pub(super) fn histogram_part(&mut self, id: F, arg: &Expr, grid: Grid) -> Result<Table> {
        let mut table = self.table(arg, grid)?;
        for row in &mut table.rows {
            self.drop_name(row);
            row.floats.fill(ABSENT);
            for (index, histogram) in std::mem::take(&mut row.histograms) {
                row.floats[index] = match id {
                    F::HistogramCount => histogram.count,
                    F::HistogramSum => histogram.sum,
                    F::HistogramAvg => histogram.sum / histogram.count,
                    // The variance needs the buckets' bounds: it comes with native histograms.
                    _ => ABSENT,
                };
            }
        }
        table.rows.retain(|row| !row.is_empty());
        table.rows = unify(table.rows)?;
        Ok(table)
    }
}
