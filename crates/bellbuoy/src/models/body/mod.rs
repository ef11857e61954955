//! Bodies of `POST /predictions` and `/labels`: bytes to rows of the model's types, whatever they were written in.
//!
//! In:    JSON (one row, a list), JSON lines, CSV, Parquet, packed with gzip or zstd or not; what the model takes. Out: typed rows,
//!        and for each refused row its number, the field and the reason.
//! Never: writes anything; takes more than its bounds; lets one bad row cost the others. Only text that has no rows at all is an error.
//! Read:  draft.rs (what a row may be), json.rs, csv.rs, table.rs.

mod csv;
mod draft;
mod json;
mod table;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::Arc;

use bellbuoy_models::{Label, ModelKind, Prediction, Schema};
use bellbuoy_vocabulary::Timestamp;

pub use draft::Refusal;
pub use table::{ColumnNames, TEXT_SUFFIX, labels_of_table, predictions_of_table};

/// Rows in one request above this number are refused.
pub const ROWS_MAX: usize = 100_000;
/// Of a packed body, unpacked.
pub const UNPACKED_BYTES_MAX: usize = 256 << 20;
/// Refused rows that are told one by one; the rest is counted.
pub const REFUSALS_LISTED_MAX: usize = 100;

/// What the rows of a model may be; taken when the request begins.
#[derive(Clone, Debug)]
pub struct Intake {
    pub schema: Arc<Schema>,
    /// Features that the schema does not have are added to it; else they are left out.
    pub open: bool,
    pub kind: ModelKind,
    pub target: String,
    /// Of rows that do not say it.
    pub role: String,
    /// The time of rows that do not say it.
    pub now: Timestamp,
}

/// The good rows of a body, and what is wrong with the others.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    pub rows: Vec<T>,
    /// For each of the rows its number in the body, from 1.
    pub numbers: Vec<u32>,
    pub refused: Refusals,
    /// What the features of the rows are positions of.
    pub schema: Arc<Schema>,
    /// The number of its first row.
    first: usize,
    rows_max: usize,
}

/// Bounded: the first ones in words, all of them counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    pub count: usize,
    pub listed: Vec<Refusal>,
}

#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the body: {0}")]
    Bad(String),
    #[error("the body unpacks to more than {UNPACKED_BYTES_MAX} bytes; send it in parts")]
    TooLarge,
    #[error("the body has more than {ROWS_MAX} rows; send it in parts")]
    TooManyRows,
    /// Says "the body" itself.
    #[error("{0}")]
    Table(String),
    #[error("{0}")]
    NotSupported(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A list of rows or one row.
    Json,
    JsonLines,
    Csv,
    Parquet,
}

/// What the headers of a request say of its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    pub content_type: Option<&'a str>,
    pub content_encoding: Option<&'a str>,
}

pub fn predictions(body: &[u8], headers: &Headers, intake: &Intake) -> Result<Batch<Prediction>, BodyError> {
    let unpacked = unpack(body, headers)?;
    let body = unpacked.as_deref().unwrap_or(body);
    match format(body, headers)? {
        Format::Json => json::predictions(body, intake),
        Format::JsonLines => json::prediction_lines(body, intake),
        Format::Csv => csv::predictions(body, intake),
        Format::Parquet => table::parquet_predictions(body, intake),
    }
}

pub fn labels(body: &[u8], headers: &Headers, intake: &Intake) -> Result<Batch<Label>, BodyError> {
    let unpacked = unpack(body, headers)?;
    let body = unpacked.as_deref().unwrap_or(body);
    match format(body, headers)? {
        Format::Json => json::labels(body, intake),
        Format::JsonLines => json::label_lines(body, intake),
        Format::Csv => csv::labels(body, intake),
        Format::Parquet => table::parquet_labels(body, intake),
    }
}

impl<T> Batch<T> {
    fn new(schema: &Arc<Schema>) -> Batch<T> {
        Batch { rows: Vec::new(), numbers: Vec::new(), refused: Refusals::default(), schema: schema.clone(), first: 1, rows_max: ROWS_MAX }
    }

    fn seen(&self) -> usize {
        self.rows.len() + self.refused.count
    }

    /// The next row of the body.
    fn push(&mut self, row: Result<T, Refusal>) -> Result<(), BodyError> {
        if self.seen() >= self.rows_max {
            return Err(BodyError::TooManyRows);
        }
        let number = self.first + self.seen();
        match row {
            Ok(row) => {
                self.rows.push(row);
                self.numbers.push(number as u32);
            }
            Err(refusal) => self.refused.push(Refusal { row: number, ..refusal }),
        }
        Ok(())
    }
}

impl Refusals {
    pub fn push(&mut self, refusal: Refusal) {
        self.count += 1;
        if self.listed.len() < REFUSALS_LISTED_MAX {
            self.listed.push(refusal);
        }
    }

    pub fn extend(&mut self, more: Refusals) {
        self.count += more.count;
        self.listed.extend(more.listed);
        self.listed.sort_by_key(|refusal| refusal.row);
        self.listed.truncate(REFUSALS_LISTED_MAX);
    }
}

/// `None`: it is not packed. What its first bytes say counts, as files of any name are sent.
fn unpack(body: &[u8], headers: &Headers) -> Result<Option<Vec<u8>>, BodyError> {
    let encoding = headers.content_encoding.unwrap_or("").trim().to_ascii_lowercase();
    let bad = |error: std::io::Error| BodyError::Bad(format!("it can not be unpacked: {error}"));
    let reader: Box<dyn Read> = match body {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(body)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::with_buffer(body).map_err(bad)?),
        _ => {
            return match encoding.as_str() {
                "" | "identity" => Ok(None),
                "gzip" | "x-gzip" | "zstd" => {
                    Err(BodyError::Bad(format!("Content-Encoding is {encoding}, but these bytes are not {encoding}")))
                }
                other => Err(BodyError::NotSupported(format!("Content-Encoding {other:?} is not known; gzip and zstd are"))),
            };
        }
    };
    let mut out = Vec::new();
    reader.take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut out).map_err(bad)?;
    if out.len() > UNPACKED_BYTES_MAX { Err(BodyError::TooLarge) } else { Ok(Some(out)) }
}

/// What the bytes show counts more than `Content-Type`, as curl sends everything as a form.
fn format(body: &[u8], headers: &Headers) -> Result<Format, BodyError> {
    if body.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    let said = headers.content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let text = trim(body);
    match said.as_str() {
        "text/csv" | "text/tab-separated-values" | "application/csv" => return Ok(Format::Csv),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => return Ok(Format::JsonLines),
        "application/vnd.apache.parquet" | "application/parquet" => {
            return Err(BodyError::Bad("Content-Type says Parquet, but it does not begin with PAR1".into()));
        }
        _ => {}
    }
    match text.first() {
        None => Err(BodyError::Bad("it is empty".into())),
        Some(b'[') => Ok(Format::Json),
        Some(b'{') => Ok(if json::is_lines(text) { Format::JsonLines } else { Format::Json }),
        Some(_) if said.ends_with("json") => {
            Err(BodyError::Bad("Content-Type says JSON, but it begins neither with `[` nor with `{`".into()))
        }
        Some(_) => Ok(Format::Csv),
    }
}

/// Without the mark that Windows puts before UTF-8, and without white space around.
fn trim(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii()
}
