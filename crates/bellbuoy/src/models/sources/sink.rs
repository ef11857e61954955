//! Parts of rows into the models' service, as a body of a request would go.

use std::sync::Arc;

use bellbuoy_models::Schema;

use super::super::body::{self, Batch, BodyError, ColumnNames, Headers, Intake, Refusals};
use super::super::service::{ModelError, Models};
use super::super::writer::{Pending, Receipt};
use super::{Part, Sink, Stop, TakenRows};
use crate::clock;
use crate::config::Gives;

/// Roughly, of a cell of a table.
const CELL_BYTES: usize = 16;

impl Sink for Models {
    fn take(&self, model: &str, gives: Gives, part: Part, role: Option<&str>) -> Result<TakenRows, Stop> {
        let mut intake = self.intake(model, clock::now()).map_err(later)?;
        if let Some(role) = role {
            intake.role = role.to_owned();
        }
        let bytes = part.bytes();
        let (pending, numbers, refused) = match gives {
            Gives::Predictions => {
                let Batch { rows, numbers, refused, schema, .. } = predictions(part, &intake).map_err(bad)?;
                (self.submit_predictions(model, rows, Arc::<Schema>::clone(&schema), bytes), numbers, refused)
            }
            Gives::Labels => {
                let Batch { rows, numbers, refused, .. } = labels(part, &intake).map_err(bad)?;
                (self.submit_labels(model, rows, bytes), numbers, refused)
            }
        };
        let receipt = wait(pending)?;
        let kind = if gives == Gives::Predictions { "predictions" } else { "labels" };
        self.count(model, kind, &receipt, refused.count);
        Ok(taken(&receipt, &numbers, &refused))
    }
}

fn predictions(part: Part, intake: &Intake) -> Result<Batch<bellbuoy_models::Prediction>, BodyError> {
    match part {
        Part::Csv(bytes) => body::predictions(&bytes, &said("text/csv"), intake),
        Part::JsonLines(bytes) => body::predictions(&bytes, &said("application/jsonl"), intake),
        Part::Table { columns, rows } => body::predictions_of_table(&columns, 0..rows, &ColumnNames::of_bodies(intake), intake),
    }
}

fn labels(part: Part, intake: &Intake) -> Result<Batch<bellbuoy_models::Label>, BodyError> {
    match part {
        Part::Csv(bytes) => body::labels(&bytes, &said("text/csv"), intake),
        Part::JsonLines(bytes) => body::labels(&bytes, &said("application/jsonl"), intake),
        Part::Table { columns, rows } => body::labels_of_table(&columns, 0..rows, &ColumnNames::of_bodies(intake), intake),
    }
}

fn said(content_type: &str) -> Headers<'_> {
    Headers { content_type: Some(content_type), content_encoding: None }
}

/// The writer answers when the rows are on disk. Called where waiting is allowed.
fn wait(pending: Result<Pending, ModelError>) -> Result<Receipt, Stop> {
    let answer = pending.map_err(later)?.blocking_recv();
    answer.map_err(|_| Stop::NotTaken("the model is being closed".into()))?.map_err(later)
}

fn later(error: impl std::fmt::Display) -> Stop {
    Stop::NotTaken(error.to_string())
}

fn bad(error: BodyError) -> Stop {
    Stop::Bad(error.to_string())
}

fn taken(receipt: &Receipt, numbers: &[u32], refused: &Refusals) -> TakenRows {
    let field = |name: &str| if name.is_empty() { String::new() } else { format!("{name}: ") };
    let early = refused.listed.iter().map(|row| format!("row {} (id {:?}): {}{}", row.row, row.id, field(&row.field), row.reason));
    let number = |index: usize| numbers.get(index).copied().unwrap_or(0);
    let late = receipt.reasons.iter().map(|(index, id, reason)| format!("row {} (id {id:?}): {reason}", number(*index)));
    TakenRows {
        new: receipt.new + receipt.corrected + receipt.waiting,
        repeated: receipt.repeated,
        refused: receipt.refused + refused.count,
        reasons: early.chain(late).take(super::REASONS_MAX).collect(),
    }
}

impl Part {
    fn bytes(&self) -> usize {
        match self {
            Part::Csv(bytes) | Part::JsonLines(bytes) => bytes.len(),
            Part::Table { columns, rows } => columns.len() * rows * CELL_BYTES,
        }
    }
}
