//! Which reader a file gets: by its first bytes, before its name.

use std::io::{Cursor, Read, Seek};

use bellbuoy_drift::Column;

use crate::input::{Input, reason};
use crate::{Format, ParquetTable, Progress, ReadOptions, Table, TableError, csv, json};

/// A table that is open. Parquet is read column by column when a column is asked for, the others are in memory.
pub enum Opened<R> {
    Whole(Table),
    ByColumn(ParquetTable<R>),
    /// A compressed Parquet file, decompressed in memory.
    Unpacked(ParquetTable<Cursor<Vec<u8>>>),
}

/// The whole table. `name` is for errors and, where the bytes do not tell, its ending for the format.
pub fn read<R: Read + Seek + Send>(name: &str, source: R, options: &ReadOptions, progress: Progress) -> Result<Table, TableError> {
    match open(name, source, options, progress)? {
        Opened::Whole(table) => Ok(table),
        Opened::ByColumn(parquet) => parquet.read(progress),
        Opened::Unpacked(parquet) => parquet.read(progress),
    }
}

/// Reads a text file whole, of a Parquet file only what it has.
pub fn open<R: Read + Seek + Send>(name: &str, source: R, options: &ReadOptions, progress: Progress) -> Result<Opened<R>, TableError> {
    let mut input = Input::new(name, source, options.limits, progress)?;
    let head = input.head()?;
    if head.is_empty() {
        return Err(TableError::new(name, "the file is empty"));
    }
    match options.format.map_or_else(|| format_of(name, &head), Ok)? {
        Format::Parquet if input.is_compressed() => {
            let mut bytes = Vec::new();
            input.raw()?.read_to_end(&mut bytes).map_err(|error| TableError::new(name, reason(&error)))?;
            Ok(Opened::Unpacked(ParquetTable::open(name, Cursor::new(bytes), options)?))
        }
        Format::Parquet => Ok(Opened::ByColumn(ParquetTable::open(name, input.into_source(), options)?)),
        Format::Csv => csv::read(&mut input, &head, options).map(Opened::Whole),
        Format::JsonLines => json::read_lines(&mut input, &head, options).map(Opened::Whole),
        Format::Json => json::read_array(&mut input, &head, options).map(Opened::Whole),
    }
}

impl<R: Read + Seek + Send> Opened<R> {
    /// In the file's order.
    pub fn names(&self) -> Vec<String> {
        match self {
            Opened::Whole(table) => table.columns.iter().map(|column| column.name.clone()).collect(),
            Opened::ByColumn(parquet) => parquet.names().map(str::to_owned).collect(),
            Opened::Unpacked(parquet) => parquet.names().map(str::to_owned).collect(),
        }
    }

    pub fn rows(&self) -> usize {
        match self {
            Opened::Whole(table) => table.rows,
            Opened::ByColumn(parquet) => parquet.rows(),
            Opened::Unpacked(parquet) => parquet.rows(),
        }
    }

    pub fn notes(&self) -> &[String] {
        match self {
            Opened::Whole(table) => &table.notes,
            Opened::ByColumn(parquet) => parquet.notes(),
            Opened::Unpacked(parquet) => parquet.notes(),
        }
    }

    /// A copy of the column, or read from the file now. `None`: there is no such column.
    pub fn column(&self, name: &str) -> Result<Option<Column>, TableError> {
        match self {
            Opened::Whole(table) => Ok(table.column(name).cloned()),
            Opened::ByColumn(parquet) => parquet.column(name),
            Opened::Unpacked(parquet) => parquet.column(name),
        }
    }
}

fn format_of(name: &str, head: &[u8]) -> Result<Format, TableError> {
    let ends = |endings: &[&str]| {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        endings.iter().any(|ending| name.ends_with(ending))
    };
    let known = [
        (&b"PK\x03\x04"[..], "a zip archive or an Excel workbook; unpack it, or save it as CSV or Parquet"),
        (b"ARROW1", "an Arrow or Feather file; save it as Parquet"),
        (b"ORC", "an ORC file; save it as Parquet"),
        (b"Obj\x01", "an Avro file; save it as Parquet"),
        (b"\x89HDF", "an HDF file; save it as Parquet"),
        (b"\x80\x04\x95", "a Python pickle, which is never read; save it as Parquet"),
        (b"BZh", "compressed with bzip2; unpack it, or use gzip or zstd"),
        (b"\xfd7zXZ", "compressed with xz; unpack it, or use gzip or zstd"),
        (b"SQLite format 3", "a SQLite database; save the table as CSV or Parquet"),
    ];
    if let Some((_, what)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(TableError::new(name, format!("this is {what}")));
    }
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if head.starts_with(b"PARE") {
        return Err(TableError::new(name, "the Parquet file is encrypted; save it without encryption"));
    }
    if ends(&[".parquet", ".pq"]) {
        return Err(TableError::new(name, "this is not a Parquet file: it does not begin with PAR1"));
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace() && **byte != 0);
    Ok(match first {
        _ if ends(&[".csv", ".tsv"]) => Format::Csv,
        Some(b'[') => Format::Json,
        Some(b'{') => Format::JsonLines,
        _ => Format::Csv,
    })
}
