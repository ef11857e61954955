//! Functions: this file sends each to its family.

mod dates;
mod histograms;
mod labels;
mod math;
mod over_time;
mod rates;
pub(crate) mod vectors;

use crate::ast::{Call, Place};
use crate::engine::{Evaluation, Result};
use crate::signature::FunctionId as F;
use crate::table::{Grid, Operand};

impl Evaluation<'_> {
    pub(crate) fn call(&mut self, call: &Call, place: Place, grid: Grid) -> Result<Operand> {
        let args = &call.args;
        let table = match call.function.id {
            F::Time => return Ok(Operand::Scalar(grid.times().map(|at| at as f64 / 1000.0).collect())),
            F::Pi => return Ok(Operand::Scalar(vec![std::f64::consts::PI])),
            F::ScalarOf => return self.scalar_of(&args[0], grid).map(Operand::Scalar),
            F::VectorOf => self.vector_of(&args[0], grid)?,
            F::TimestampOf => self.timestamp_of(&args[0], grid)?,
            F::Absent => self.absent(&args[0], grid)?,
            F::AbsentOverTime => self.absent_over_time(&args[0], grid)?,
            F::Sort => self.sort(&args[0], grid, false)?,
            F::SortDesc => self.sort(&args[0], grid, true)?,
            F::SortByLabel => self.sort_by_label(args, grid, false)?,
            F::SortByLabelDesc => self.sort_by_label(args, grid, true)?,
            F::LabelReplace => self.label_replace(args, grid)?,
            F::LabelJoin => self.label_join(args, grid)?,
            F::Clamp | F::ClampMin | F::ClampMax => self.clamp(call.function.id, args, grid)?,
            F::Round => self.round(args, grid)?,
            F::HistogramQuantile => self.histogram_quantile(args, grid)?,
            F::HistogramFraction => self.histogram_fraction(args, grid)?,
            F::HistogramAvg | F::HistogramCount | F::HistogramSum | F::HistogramStddev | F::HistogramStdvar => {
                self.histogram_part(call.function.id, &args[0], grid)?
            }
            id => {
                if let Some(part) = dates::part(id) {
                    self.date_part(part, args, grid)?
                } else if let Some(apply) = math::function(id) {
                    let table = self.table(&args[0], grid)?;
                    self.map_floats(table, |_, value| apply(value))?
                } else {
                    self.over_time(call, place, grid)?
                }
            }
        };
        Ok(Operand::Vector(table))
    }
}
