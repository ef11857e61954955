//! One file to parts of rows: CSV and JSON lines as text, so that ids stay as they are written, Parquet as columns.
//!
//! In:    a file, packed with gzip or zstd or not. Out: parts of at most `PART_ROWS` rows, in the file's order.
//! Never: holds more of a text file than one part; goes on after a part that was not taken.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bellbuoy_drift::Column;
use bellbuoy_tables::{Opened, ParquetTable, ReadOptions, Table, silent};
use serde_json::Value;

use super::mapping::{Mapping, Names};
use super::{Part, Stop, Take};
use crate::config::{FileFormat, Gives};
use crate::table;

const PART_ROWS: usize = 20_000;
const PART_BYTES: usize = 16 << 20;
/// One line of JSON, or one record of CSV.
const LINE_BYTES_MAX: usize = 1 << 20;
const COLUMNS_MAX: usize = 10_000;

/// The rows that were handed over and taken.
pub fn read(path: &Path, format: FileFormat, mapping: &Mapping, take: &mut Take) -> Result<u64, Stop> {
    let mut reading = Reading { mapping, take, rows: 0 };
    match format {
        FileFormat::Parquet => reading.parquet(path)?,
        FileFormat::Csv => reading.csv(open(path)?)?,
        FileFormat::JsonLines => reading.json_lines(open(path)?)?,
    }
    Ok(reading.rows)
}

/// The format that a name says: `a.csv`, `b.jsonl.gz`.
pub fn format_of(name: &str) -> Option<FileFormat> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "parquet" | "pq" => Some(FileFormat::Parquet),
        "csv" | "tsv" => Some(FileFormat::Csv),
        "jsonl" | "ndjson" | "json" => Some(FileFormat::JsonLines),
        _ => None,
    }
}

fn bad(error: impl std::fmt::Display) -> Stop {
    Stop::Bad(error.to_string())
}

/// Unpacked by what its first bytes say; without the mark that Windows puts before UTF-8.
fn open(path: &Path) -> Result<Box<dyn BufRead>, Stop> {
    let mut file = File::open(path).map_err(bad)?;
    let mut head = [0; 4];
    let length = file.read(&mut head).map_err(bad)?;
    file.seek(SeekFrom::Start(0)).map_err(bad)?;
    let mut reader: Box<dyn BufRead> = match &head[..length] {
        [0x1f, 0x8b, ..] => Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(BufReader::new(zstd::stream::read::Decoder::new(file).map_err(bad)?)),
        _ => Box::new(BufReader::new(file)),
    };
    if reader.fill_buf().map_err(bad)?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    Ok(reader)
}

struct Reading<'a, 't> {
    mapping: &'a Mapping,
    take: &'a mut Take<'t>,
    rows: u64,
}

impl Reading<'_, '_> {
    fn hand(&mut self, gives: Gives, part: Part) -> Result<(), Stop> {
        let taken = (self.take)(gives, part)?;
        self.rows += (taken.new + taken.repeated) as u64;
        Ok(())
    }

    fn csv(&mut self, mut source: Box<dyn BufRead>) -> Result<(), Stop> {
        let head = source.fill_buf().map_err(bad)?;
        if head.is_empty() {
            return Err(Stop::Bad("the file is empty".into()));
        }
        let separator = separator(head.split(|byte| *byte == b'\n').next().unwrap_or_default());
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(source);
        let header = reader.headers().map_err(bad)?.clone();
        if header.is_empty() || header.len() > COLUMNS_MAX {
            return Err(Stop::Bad(format!("the header has {} columns, from 1 to {COLUMNS_MAX} are read", header.len())));
        }
        let columns: Vec<&str> = header.iter().map(str::trim).collect();
        let names = self.mapping.names(&columns).map_err(Stop::Bad)?;
        let mut parts: Vec<(Gives, CsvPart)> = Vec::new();
        parts.extend(names.predictions.map(|names| (Gives::Predictions, CsvPart::new(names))));
        parts.extend(names.labels.map(|names| (Gives::Labels, CsvPart::new(names))));
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(bad)? {
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != columns.len() {
                return Err(Stop::Bad(format!("line {line} has {} cells, the header has {}", record.len(), columns.len())));
            }
            if record.as_slice().len() > LINE_BYTES_MAX {
                return Err(Stop::Bad(format!("line {line} has more than {LINE_BYTES_MAX} bytes")));
            }
            for (gives, part) in &mut parts {
                part.push(&record)?;
                if part.rows >= PART_ROWS || part.bytes >= PART_BYTES {
                    let full = part.finish()?;
                    self.hand(*gives, Part::Csv(full))?;
                }
            }
        }
        for (gives, part) in &mut parts {
            if part.rows > 0 {
                let rest = part.finish()?;
                self.hand(*gives, Part::Csv(rest))?;
            }
        }
        Ok(())
    }

    /// Rows as a body has them go on as they are; flat ones as columns.
    fn json_lines(&mut self, mut source: Box<dyn BufRead>) -> Result<(), Stop> {
        let (mut part, mut rows, mut line, mut number) = (Vec::new(), 0, Vec::new(), 0u64);
        loop {
            line.clear();
            let length = (&mut source).take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line).map_err(bad)?;
            number += 1;
            if length > LINE_BYTES_MAX {
                return Err(Stop::Bad(format!("line {number} has more than {LINE_BYTES_MAX} bytes")));
            }
            let trimmed = line.trim_ascii();
            if !trimmed.is_empty() {
                let row: Value = serde_json::from_slice(trimmed).map_err(|error| Stop::Bad(json_problem(number, &error)))?;
                let Value::Object(row) = row else { return Err(Stop::Bad(format!("line {number} is no object"))) };
                self.json_row(row, &mut part).map_err(|reason| Stop::Bad(format!("line {number}: {reason}")))?;
                rows += 1;
            }
            if rows >= PART_ROWS || part.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() >= PART_BYTES || length == 0 {
                for (gives, bytes) in part.drain(..) {
                    self.hand(gives, Part::JsonLines(bytes))?;
                }
                rows = 0;
            }
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// One row under the names of bodies, appended to the part.
    fn json_row(&self, row: serde_json::Map<String, Value>, part: &mut Vec<(Gives, Vec<u8>)>) -> Result<(), String> {
        let nested = row.get("features").is_some_and(Value::is_object);
        let columns: Vec<&str> = row.keys().map(String::as_str).filter(|key| !(nested && *key == "features")).collect();
        let names = self.mapping.names_of_row(&columns)?;
        let get = |place: usize| row.get(columns[place]).cloned().unwrap_or(Value::Null);
        let mut add = |gives: Gives, row: Value| {
            let at = part.iter().position(|(known, _)| *known == gives).unwrap_or_else(|| {
                part.push((gives, Vec::new()));
                part.len() - 1
            });
            part[at].1.extend_from_slice(row.to_string().as_bytes());
            part[at].1.push(b'\n');
        };
        if let Some(names) = names.predictions {
            let mut out = serde_json::Map::new();
            let mut features =
                if nested { row.get("features").and_then(Value::as_object).cloned().unwrap_or_default() } else { Default::default() };
            let mut probabilities = serde_json::Map::new();
            for (place, name) in names.into_iter().enumerate() {
                match name {
                    None => {}
                    Some(name) if ["id", "prediction", "class", "timestamp", "role", "probability"].contains(&name.as_str()) => {
                        out.insert(name, get(place));
                    }
                    Some(name) => match name.strip_prefix("probability_") {
                        Some(class) => _ = probabilities.insert(class.to_owned(), get(place)),
                        // A body that names its features apart has nothing else beside them.
                        None if nested && name == "probabilities" => _ = out.insert(name, get(place)),
                        None => _ = features.insert(name.strip_prefix("feature_").unwrap_or(&name).to_owned(), get(place)),
                    },
                }
            }
            if !probabilities.is_empty() {
                out.insert("probabilities".into(), Value::Object(probabilities));
            } else if let Some(said) = row.get("probabilities").filter(|_| self.mapping.classification) {
                out.insert("probabilities".into(), said.clone());
            }
            features.remove("probabilities").filter(|_| self.mapping.classification);
            out.insert("features".into(), Value::Object(features));
            add(Gives::Predictions, Value::Object(out));
        }
        if let Some(names) = names.labels {
            let mut out = serde_json::Map::new();
            for (place, name) in names.into_iter().enumerate() {
                if let Some(name) = name {
                    out.insert(name, get(place));
                }
            }
            // A row without its true value is one that waits for it.
            if self.mapping.gives == Gives::Labels || !out.get("value").is_none_or(Value::is_null) {
                add(Gives::Labels, Value::Object(out));
            }
        }
        Ok(())
    }

    /// A row group at a time, and of it only the columns that go on.
    fn parquet(&mut self, path: &Path) -> Result<(), Stop> {
        let opened = table::open_table(path, &ReadOptions::default(), &silent).map_err(bad)?;
        let columns = opened.names();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let names = self.mapping.names(&columns).map_err(Stop::Bad)?;
        match opened {
            Opened::Whole(table) => self.table(&table, &columns, &names),
            Opened::ByColumn(parquet) => self.groups(&parquet, &columns, &names),
            Opened::Unpacked(parquet) => self.groups(&parquet, &columns, &names),
        }
    }

    fn groups<R: Read + Seek + Send>(&mut self, parquet: &ParquetTable<R>, columns: &[&str], names: &Names) -> Result<(), Stop> {
        let named = |place: usize| [&names.predictions, &names.labels].into_iter().flatten().any(|names| names[place].is_some());
        let wanted: BTreeSet<&str> = columns.iter().enumerate().filter(|(place, _)| named(*place)).map(|(_, name)| *name).collect();
        for group in 0..parquet.groups() {
            let table = parquet.read_group(group, |name| wanted.contains(name)).map_err(bad)?;
            self.table(&table, columns, names)?;
        }
        Ok(())
    }

    /// `names` are those of `columns`, of which the table has those that are wanted.
    fn table(&mut self, table: &Table, columns: &[&str], names: &Names) -> Result<(), Stop> {
        for from in (0..table.rows).step_by(PART_ROWS) {
            let some: Vec<usize> = (from..table.rows.min(from + PART_ROWS)).collect();
            for (gives, names) in [(Gives::Predictions, &names.predictions), (Gives::Labels, &names.labels)] {
                let Some(names) = names else { continue };
                let named = columns.iter().zip(names).filter_map(|(column, name)| Some((table.column(column)?, name.clone()?)));
                let columns: Vec<Column> = named.map(|(column, name)| Column::new(name, column.values.select(&some))).collect();
                self.hand(gives, Part::Table { columns, rows: some.len() })?;
            }
        }
        Ok(())
    }
}

/// The reader sees one line and would call it line 1.
fn json_problem(line: u64, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default();
    format!("line {line}, character {}: {reason}", error.column())
}

/// The one of `,` `;` tab `|` that the header has most of.
fn separator(header: &[u8]) -> u8 {
    let count = |separator: u8| header.iter().filter(|byte| **byte == separator).count();
    let mut best = b',';
    for candidate in [b';', b'\t', b'|'] {
        if count(candidate) > count(best) {
            best = candidate;
        }
    }
    best
}

/// Rows of a CSV under other names.
struct CsvPart {
    names: Vec<Option<String>>,
    writer: csv::Writer<Vec<u8>>,
    rows: usize,
    bytes: usize,
    /// The place of the true value: rows without one are left out.
    value: Option<usize>,
}

impl CsvPart {
    fn new(names: Vec<Option<String>>) -> CsvPart {
        let value = names.iter().position(|name| name.as_deref() == Some("value"));
        CsvPart { names, writer: csv::Writer::from_writer(Vec::new()), rows: 0, bytes: 0, value }
    }

    fn push(&mut self, record: &csv::ByteRecord) -> Result<(), Stop> {
        if self.value.is_some_and(|value| record.get(value).is_none_or(|cell| cell.trim_ascii().is_empty())) {
            return Ok(());
        }
        if self.rows == 0 {
            self.writer.write_record(self.names.iter().flatten()).map_err(bad)?;
        }
        let cells = record.iter().zip(&self.names).filter(|(_, name)| name.is_some());
        for (cell, _) in cells {
            self.writer.write_field(cell).map_err(bad)?;
            self.bytes += cell.len() + 1;
        }
        self.writer.write_record(None::<&[u8]>).map_err(bad)?;
        self.rows += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<u8>, Stop> {
        let writer = std::mem::replace(&mut self.writer, csv::Writer::from_writer(Vec::new()));
        (self.rows, self.bytes) = (0, 0);
        writer.into_inner().map_err(bad)
    }
}
