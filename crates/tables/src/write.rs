//! Columns to Parquet: zstd, dictionaries, nulls. What is written here is read by every tool, and by parquet.rs.

use std::io::Write;
use std::sync::Arc;

use bellbuoy_drift::Texts;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use crate::TableError;

/// A column to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub cells: Cells,
}

/// Cells of one type; `None` is written as null.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    Texts(Texts),
    Numbers(Vec<Option<f64>>),
    Integers(Vec<Option<i64>>),
    Bools(Vec<Option<bool>>),
    /// Milliseconds since 1970 UTC.
    Times(Vec<Option<i64>>),
}

/// Rows of a row group: a reader holds one column of one of them at a time.
const GROUP_ROWS: usize = 1 << 18;
/// A balance of size and time; the figures of zstd's authors.
const ZSTD_LEVEL: i32 = 3;

impl Field {
    pub fn new(name: impl Into<String>, cells: Cells) -> Field {
        Field { name: name.into(), cells }
    }
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Cells::Texts(cells) => cells.len(),
            Cells::Numbers(cells) => cells.len(),
            Cells::Integers(cells) | Cells::Times(cells) => cells.len(),
            Cells::Bools(cells) => cells.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes a whole file. `name` is for the error; `notes` are keys and texts kept in the file's footer.
pub fn write_parquet<W: Write + Send>(name: &str, out: W, fields: &[Field], notes: &[(&str, &str)]) -> Result<W, TableError> {
    let rows = fields.first().map_or(0, |field| field.cells.len());
    if let Some(field) = fields.iter().find(|field| field.cells.len() != rows) {
        let message = format!("{} cells where the first column has {rows}", field.cells.len());
        return Err(TableError::new(name, message).column(&field.name));
    }
    write(out, fields, rows, notes).map_err(|error| TableError::new(name, format!("cannot be written: {error}")))
}

fn write<W: Write + Send>(out: W, fields: &[Field], rows: usize, notes: &[(&str, &str)]) -> Result<W, ParquetError> {
    let columns = fields.iter().map(schema_of).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("schema").with_fields(columns).build()?;
    let notes = notes.iter().map(|(key, text)| KeyValue::new((*key).to_owned(), (*text).to_owned())).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_created_by(concat!("bellbuoy ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(notes))
        .build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for start in (0..rows).step_by(GROUP_ROWS) {
        let end = rows.min(start + GROUP_ROWS);
        let mut group = writer.next_row_group()?;
        for field in fields {
            write_column(&mut group, &field.cells, start..end)?;
        }
        group.close()?;
    }
    writer.into_inner()
}

fn schema_of(field: &Field) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match &field.cells {
        Cells::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Cells::Numbers(_) => (Physical::DOUBLE, None),
        Cells::Integers(_) => (Physical::INT64, None),
        Cells::Bools(_) => (Physical::BOOLEAN, None),
        Cells::Times(_) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
    };
    let column = Type::primitive_type_builder(&field.name, physical).with_repetition(Repetition::OPTIONAL).with_logical_type(logical);
    Ok(Arc::new(column.build()?))
}

fn write_column<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: &Cells,
    rows: std::ops::Range<usize>,
) -> Result<(), ParquetError> {
    match cells {
        Cells::Texts(cells) => {
            // One copy of each different text, shared by its rows.
            let texts: Vec<ByteArray> = cells.dictionary().iter().map(ByteArray::from).collect();
            put::<ByteArrayType, _>(group, cells.codes()[rows].iter().map(|code| texts.get(*code as usize).cloned()))
        }
        Cells::Numbers(cells) => put::<DoubleType, _>(group, cells[rows].iter().copied()),
        Cells::Integers(cells) | Cells::Times(cells) => put::<Int64Type, _>(group, cells[rows].iter().copied()),
        Cells::Bools(cells) => put::<BoolType, _>(group, cells[rows].iter().copied()),
    }
}

fn put<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let mut levels = Vec::new();
    let mut values = Vec::new();
    for cell in cells {
        levels.push(i16::from(cell.is_some()));
        values.extend(cell);
    }
    let missing = || ParquetError::General("a row group has fewer columns than its schema".into());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}
