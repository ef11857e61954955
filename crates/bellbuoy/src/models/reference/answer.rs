//! The answer of a query that is a reference, kept on disk: a start must not need the database of the training data.
//!
//! In:    a model, and the answer when there was one. Out: `DATA/models/NAME/reference/sql-CRC.parquet`, and the answer of another day.
//! Never: stands in for another query, or for the same one at another database.

use std::path::{Path, PathBuf};

use bellbuoy_drift::Column;
use bellbuoy_store::OsDisk;
use bellbuoy_tables::{Field, ReadOptions, silent};
use tracing::warn;

use super::super::first;
use crate::config::{ModelConfig, PostgresAddress, ReferenceFrom};
use crate::{clock, table};

/// Where answers are kept: the data folder.
pub(super) struct Answers<'a>(pub &'a Path);

impl Answers<'_> {
    /// An answer that can not be kept is only told: the model has it.
    pub fn keep(&self, model: &ModelConfig, columns: &[Column]) {
        let Some(name) = name(&model.reference.from) else { return };
        let fields: Vec<Field> = columns.iter().map(|column| Field::new(&column.name, first::cells(&column.values))).collect();
        if let Err(error) = first::save_fields(&OsDisk::new(self.folder(model)), &name, &fields) {
            warn!("model {}: the answer of the database could not be kept: {error}", model.settings.name);
        }
    }

    /// With the time of the answer, as a note.
    pub fn kept(&self, model: &ModelConfig) -> Option<(Vec<Column>, String)> {
        let path = self.folder(model).join(name(&model.reference.from)?);
        let at = std::fs::metadata(&path).ok()?.modified().ok()?;
        let columns = table::read_table(&path, &ReadOptions::default(), &silent).ok()?.columns;
        Some((columns, format!("its answer of {} is taken", clock::of(at).rfc3339())))
    }

    fn folder(&self, model: &ModelConfig) -> PathBuf {
        self.0.join("models").join(&model.settings.name)
    }
}

/// By what is asked and where, without the password.
fn name(from: &ReferenceFrom) -> Option<String> {
    let ReferenceFrom::Sql { connection, select, .. } = from else { return None };
    let place = match &connection.address {
        PostgresAddress::Url(_) => String::new(),
        PostgresAddress::Parts { host, port, database, .. } => format!("{host}:{port}/{database}"),
    };
    Some(format!("{}/sql-{:08x}.parquet", first::DIR, crc32fast::hash(format!("{select:?} {place}").as_bytes())))
}
