//! Parquet, column by column: of a file only the column that is asked for is in memory.
//!
//! In:    a source that can be read and sought. Out: columns as `drift::Column`, whole or a row group at a time.
//! Never: reads a page that is larger than the limits say; trusts a length in the file before it is compared with them.

mod part;

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bellbuoy_drift::{Column, MISSING, TextsBuilder};
use parquet::basic::Compression;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArrayType, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::cells::{Growing, Taken, big_endian, half, taken};
use crate::quiet::caught;
use crate::{Limits, Progress, ReadOptions, Table, TableError};
use part::Part;

/// An open Parquet file. Columns can be read from several threads; the file itself is read by one at a time.
pub struct ParquetTable<R> {
    name: String,
    source: Mutex<R>,
    meta: ParquetMetaData,
    columns: Vec<Wanted>,
    notes: Vec<String>,
    rows: usize,
}

struct Wanted {
    name: String,
    /// Among the leaves of the schema.
    leaf: usize,
    taken: Taken,
}

/// Cells decoded at once.
const BATCH_ROWS: usize = 16 << 10;
/// The largest part of a file that is read at once: one column of one row group, or the footer.
const PART_BYTES_MAX: u64 = 2 << 30;
/// Cells for which memory is taken before they are seen: a damaged file may say that it has any number.
const RESERVED_ROWS_MAX: usize = 1 << 24;

impl<R: Read + Seek + Send> ParquetTable<R> {
    pub fn open(name: &str, mut source: R, options: &ReadOptions) -> Result<ParquetTable<R>, TableError> {
        let meta = footer(&mut source, &options.limits).map_err(|error| TableError::new(name, error))?;
        let rows = u64::try_from(meta.file_metadata().num_rows()).unwrap_or(0);
        if rows > options.limits.rows_max {
            return Err(TableError::new(name, format!("{rows} rows are more than the limit of {}", options.limits.rows_max)));
        }
        let schema = meta.file_metadata().schema_descr();
        if schema.num_columns() > options.limits.columns_max {
            let (columns, limit) = (schema.num_columns(), options.limits.columns_max);
            return Err(TableError::new(name, format!("{columns} columns are more than the limit of {limit}")));
        }
        let (mut columns, mut notes) = (Vec::<Wanted>::new(), Vec::new());
        for (leaf, column) in schema.columns().iter().enumerate() {
            let column_name = column.path().parts().join(".");
            if !options.wants(&column_name) {
                continue;
            }
            // The row names of a pandas frame: no column of the table.
            if column_name.starts_with("__index_level_") {
                continue;
            }
            match taken(column).and_then(|taken| readable(&meta, leaf, &options.limits).map(|()| taken)) {
                _ if columns.iter().any(|other| other.name == column_name) => {
                    notes.push(format!("the second column {column_name:?} is left out"));
                }
                Ok(taken) => columns.push(Wanted { name: column_name, leaf, taken }),
                Err(reason) => notes.push(format!("column {column_name:?} is left out: {reason}")),
            }
        }
        if let Some(note) = notes.first().filter(|_| columns.is_empty() && options.columns.is_none()) {
            return Err(TableError::new(name, format!("none of its columns can be read; {note}")));
        }
        let bytes = columns.iter().fold(0, |sum: u64, column| sum.saturating_add(memory_bytes(&meta, column.leaf, rows)));
        if bytes > options.limits.bytes_max {
            let limit = options.limits.bytes_max;
            return Err(TableError::new(name, format!("its columns take {bytes} bytes when they are unpacked; the limit is {limit}")));
        }
        Ok(ParquetTable { name: name.to_owned(), source: Mutex::new(source), columns, notes, rows: rows as usize, meta })
    }

    /// In the file's order, columns that are left out not among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns that are left out, and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Reads one column. `None`: there is none of that name, or it is left out.
    pub fn column(&self, name: &str) -> Result<Option<Column>, TableError> {
        let Some(wanted) = self.columns.iter().find(|column| column.name == name) else { return Ok(None) };
        self.cells(wanted, 0..self.meta.num_row_groups(), self.rows).map(Some)
    }

    /// Every column.
    pub fn read(&self, progress: Progress) -> Result<Table, TableError> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for (done, wanted) in self.columns.iter().enumerate() {
            progress(done as u64, self.columns.len() as u64);
            columns.push(self.cells(wanted, 0..self.meta.num_row_groups(), self.rows)?);
        }
        Ok(Table { columns, rows: self.rows, notes: self.notes.clone() })
    }

    /// Row groups follow each other: what a writer held in memory before it wrote.
    pub fn groups(&self) -> usize {
        self.meta.num_row_groups()
    }

    pub fn group_rows(&self, group: usize) -> usize {
        self.meta.row_groups().get(group).map_or(0, |group| usize::try_from(group.num_rows()).unwrap_or(0))
    }

    /// The wanted columns of one row group, without notes. Whole numbers of which another group lacks some are whole numbers here.
    pub fn read_group(&self, group: usize, wanted: impl Fn(&str) -> bool) -> Result<Table, TableError> {
        let rows = usize::try_from(self.meta.row_group(group).num_rows()).unwrap_or(0);
        let wanted = self.columns.iter().filter(|column| wanted(&column.name));
        let columns = wanted.map(|column| self.cells(column, group..group + 1, rows)).collect::<Result<Vec<_>, _>>()?;
        Ok(Table { columns, rows, notes: Vec::new() })
    }

    fn cells(&self, wanted: &Wanted, groups: Range<usize>, rows: usize) -> Result<Column, TableError> {
        let mut cells = Growing::new(wanted.taken, rows.min(RESERVED_ROWS_MAX));
        for group in groups {
            let before = cells.len();
            self.group(group, wanted, &mut cells).map_err(|error| {
                let place = format!("rows from {} on cannot be read: {error}", before + 1);
                TableError::new(&self.name, place).column(&wanted.name)
            })?;
        }
        if cells.len() != rows {
            let message = format!("{} cells where the file has {rows} rows", cells.len());
            return Err(TableError::new(&self.name, message).column(&wanted.name));
        }
        Ok(Column::new(&wanted.name, cells.finish()))
    }

    fn group(&self, group: usize, wanted: &Wanted, cells: &mut Growing) -> Result<(), String> {
        let meta = self.meta.row_group(group);
        let chunk = meta.columns().get(wanted.leaf).ok_or("the row group lacks the column")?;
        let rows = usize::try_from(meta.num_rows()).map_err(|_| "a negative number of rows")?;
        if rows == 0 {
            // Some writers leave a group without pages.
            return Ok(());
        }
        let part = self.part(chunk, rows)?;
        // The parquet crate asserts in its decoders what a damaged page does not keep.
        let decoded = caught(|| {
            let pages = SerializedPageReader::new(Arc::new(part), chunk, rows, None).map_err(text)?;
            decode(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)), wanted.taken, chunk, rows, cells)
        });
        decoded.unwrap_or_else(|| Err("the page is damaged".into()))
    }

    fn part(&self, chunk: &ColumnChunkMetaData, rows: usize) -> Result<Part, String> {
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset()).min(chunk.data_page_offset());
        let start = u64::try_from(start).map_err(|_| "a negative place in the file")?;
        let length = u64::try_from(chunk.compressed_size()).map_err(|_| "a negative size")?;
        if length > PART_BYTES_MAX {
            return Err(format!("a part of {length} bytes is more than the limit of {PART_BYTES_MAX}; write smaller row groups"));
        }
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = exactly(&mut *source, start, length)?;
        Ok(Part::new(start, bytes.into(), rows, chunk.uncompressed_size()))
    }
}

/// Whether the compression of a column is understood.
fn readable(meta: &ParquetMetaData, leaf: usize, limits: &Limits) -> Result<(), String> {
    for chunk in meta.row_groups().iter().filter_map(|group| group.columns().get(leaf)) {
        let name = match chunk.compression() {
            Compression::LZO => "LZO",
            Compression::BROTLI(_) => "Brotli",
            Compression::GZIP(_) if limits.sized_pages_only => "gzip",
            Compression::LZ4 if limits.sized_pages_only => "the old LZ4",
            _ => continue,
        };
        let others = if limits.sized_pages_only { "zstd or snappy" } else { "zstd, snappy, gzip or lz4" };
        return Err(format!("it is compressed with {name}, which is not read here; write it with {others}"));
    }
    Ok(())
}

/// What a column takes at most: its texts, and a number or code for each row.
fn memory_bytes(meta: &ParquetMetaData, leaf: usize, rows: u64) -> u64 {
    let chunks = meta.row_groups().iter().filter_map(|group| group.columns().get(leaf));
    let unpacked = chunks.fold(0u64, |sum, chunk| sum.saturating_add(u64::try_from(chunk.uncompressed_size()).unwrap_or(u64::MAX)));
    unpacked.saturating_add(rows.saturating_mul(size_of::<f64>() as u64))
}

fn text(error: ParquetError) -> String {
    match error {
        ParquetError::General(text) | ParquetError::NYI(text) | ParquetError::EOF(text) => text,
        other => other.to_string(),
    }
}

/// The bytes of a part, when the source has them.
fn exactly(source: &mut (impl Read + Seek), start: u64, length: u64) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| error.to_string();
    let end = source.seek(SeekFrom::End(0)).map_err(failed)?;
    if start.checked_add(length).is_none_or(|last| last > end) {
        return Err("the file is truncated: it says that it has more bytes than it has".into());
    }
    source.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut bytes = vec![0; length as usize];
    source.read_exact(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The last eight bytes say how long the description of the file is, which is before them.
fn footer(source: &mut (impl Read + Seek), limits: &Limits) -> Result<ParquetMetaData, String> {
    let bytes = source.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
    if bytes > limits.bytes_max {
        return Err(format!("{bytes} bytes are more than the limit of {}", limits.bytes_max));
    }
    let truncated = "the Parquet file is truncated: its last bytes are not PAR1; it was not written to its end, or not copied whole";
    if bytes < 12 {
        return Err(truncated.into());
    }
    let tail = exactly(source, bytes - 8, 8)?;
    match &tail[4..] {
        b"PAR1" => {}
        b"PARE" => return Err("the Parquet file is encrypted; save it without encryption".into()),
        _ => return Err(truncated.into()),
    }
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if length + 8 > bytes {
        return Err("the Parquet file is damaged: its footer is said to be longer than the file".into());
    }
    let footer = exactly(source, bytes - 8 - length, length)?;
    let damaged = |error: ParquetError| format!("the Parquet file is damaged: {}", text(error));
    let decoded = caught(|| ParquetMetaDataReader::decode_metadata(&footer).map_err(damaged));
    let meta = decoded.unwrap_or_else(|| Err("the Parquet file is damaged: its footer makes no sense".into()))?;
    let rows = meta.file_metadata().num_rows();
    let in_groups =
        meta.row_groups().iter().try_fold(0i64, |sum, group| sum.checked_add(group.num_rows()).filter(|_| group.num_rows() >= 0));
    if rows < 0 || in_groups != Some(rows) {
        return Err(format!("the Parquet file is damaged: its footer says {rows} rows, and something else of its row groups"));
    }
    Ok(meta)
}

fn decode(reader: ColumnReader, taken: Taken, chunk: &ColumnChunkMetaData, rows: usize, cells: &mut Growing) -> Result<(), String> {
    let full = Extent { level: chunk.column_descr().max_def_level(), rows };
    let integer = |cells: &mut Growing, cell: Option<i64>| match taken {
        Taken::Unsigned => cells.push_unsigned(cell.map(|cell| cell as u64)),
        Taken::Decimal(scale) => cells.numbers().push(cell.map_or(f64::NAN, |cell| scaled(cell as f64, scale))),
        Taken::Days => cells.push_integer(cell.map(|days| days.saturating_mul(86_400_000))),
        Taken::Moments(per_ms) => cells.push_integer(cell.map(|at| at.div_euclid(per_ms))),
        _ => cells.push_integer(cell),
    };
    match (reader, &mut *cells) {
        (ColumnReader::DoubleColumnReader(reader), Growing::Numbers(cells)) => {
            each(reader, full, |cell| cells.push(cell.copied().unwrap_or(f64::NAN)))
        }
        (ColumnReader::FloatColumnReader(reader), Growing::Numbers(cells)) => {
            each(reader, full, |cell| cells.push(cell.map_or(f64::NAN, |cell| f64::from(*cell))))
        }
        (ColumnReader::Int64ColumnReader(reader), _) => each(reader, full, |cell| integer(cells, cell.copied())),
        (ColumnReader::Int32ColumnReader(reader), _) if taken == Taken::Unsigned => {
            each(reader, full, |cell| cells.push_integer(cell.map(|cell| i64::from(*cell as u32))))
        }
        (ColumnReader::Int32ColumnReader(reader), _) => each(reader, full, |cell| integer(cells, cell.map(|cell| i64::from(*cell)))),
        (ColumnReader::Int96ColumnReader(reader), _) => each(reader, full, |cell| cells.push_integer(cell.map(|cell| cell.to_millis()))),
        (ColumnReader::BoolColumnReader(reader), Growing::Texts(cells)) => each(reader, full, |cell| match cell {
            Some(cell) => cells.push(if *cell { "true" } else { "false" }),
            None => cells.push_missing(),
        }),
        (ColumnReader::ByteArrayColumnReader(reader), Growing::Texts(cells)) => texts(reader, full, taken, cells),
        (ColumnReader::ByteArrayColumnReader(reader), Growing::Numbers(cells)) => {
            each(reader, full, |cell| cells.push(cell.map_or(f64::NAN, |cell| bytes_as_number(cell.data(), taken))))
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Growing::Numbers(cells)) => {
            each(reader, full, |cell| cells.push(cell.map_or(f64::NAN, |cell| bytes_as_number(cell.data(), taken))))
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Growing::Texts(cells)) => each(reader, full, |cell| match cell {
            Some(cell) => cells.push(&uuid(cell.data())),
            None => cells.push_missing(),
        }),
        _ => Err("its type does not fit what the schema says".into()),
    }
}

/// What the cells of a column of a row group are held against.
#[derive(Clone, Copy)]
struct Extent {
    /// The definition level of a cell that is there.
    level: i16,
    rows: usize,
}

/// Calls `take` for each row of a column of a row group, `None` for a missing cell.
fn each<T: DataType>(mut reader: ColumnReaderImpl<T>, full: Extent, mut take: impl FnMut(Option<&T::T>)) -> Result<(), String> {
    let (mut values, mut levels) = (Vec::with_capacity(BATCH_ROWS), Vec::with_capacity(BATCH_ROWS));
    let mut left = full.rows;
    loop {
        values.clear();
        levels.clear();
        let (rows, present, _) = reader.read_records(BATCH_ROWS, Some(&mut levels), None, &mut values).map_err(text)?;
        if rows == 0 {
            return Ok(());
        }
        left = left.checked_sub(rows).ok_or("it has more cells than its row group has rows")?;
        if present == rows {
            values.iter().for_each(|value| take(Some(value)));
            continue;
        }
        let mut present = values.iter();
        for level in &levels {
            take(if *level == full.level { present.next() } else { None });
        }
    }
}

/// Texts of a dictionary come as references to the same bytes: where they lie tells their code most of the time, and comparing them
/// is cheaper than a hash.
fn texts(reader: ColumnReaderImpl<ByteArrayType>, full: Extent, taken: Taken, cells: &mut TextsBuilder) -> Result<(), String> {
    const PLACES: usize = 1 << 12;
    let mut codes = vec![MISSING; PLACES];
    let mut bad = None;
    each(reader, full, |cell| {
        let Some(bytes) = cell.map(|cell| cell.data()) else { return cells.push_missing() };
        let place = &mut codes[(bytes.as_ptr() as usize >> 2) % PLACES];
        if cells.dictionary().get(*place).is_none_or(|known| known.as_bytes() != bytes) {
            match std::str::from_utf8(bytes) {
                Ok(text) => *place = cells.code(text),
                Err(_) if taken == Taken::Bytes => {
                    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    *place = cells.code(&format!("0x{digits}"));
                }
                Err(_) => {
                    bad.get_or_insert(cells.len());
                    *place = MISSING;
                }
            }
        }
        cells.push_code(*place);
    })?;
    match bad {
        Some(row) => Err(format!("row {} is not UTF-8", row + 1)),
        None => Ok(()),
    }
}

fn scaled(value: f64, scale: i32) -> f64 {
    // Divided, not multiplied: 1234 over 10^2 is 12.34 exactly as one would write it.
    if (0..=22).contains(&scale) { value / 10f64.powi(scale) } else { value * 10f64.powi(-scale) }
}

fn bytes_as_number(bytes: &[u8], taken: Taken) -> f64 {
    match (taken, bytes) {
        (Taken::Decimal(scale), _) => scaled(big_endian(bytes), scale),
        (_, [low, high]) => half([*low, *high]),
        _ => f64::NAN,
    }
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests;
