//! What a reader may be told. What it is not told it finds out.

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Parquet,
    Csv,
    /// One object a line.
    JsonLines,
    /// One array of objects.
    Json,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// `None`: found out from the first bytes.
    pub format: Option<Format>,
    /// Only these columns, in the file's order; names that it does not have are passed over. `None`: all.
    pub columns: Option<Vec<String>>,
    /// Between the cells of a CSV. `None`: the one of `,` `;` tab `|` that gives every line the same number of cells.
    pub separator: Option<u8>,
    /// A name of the WHATWG list (`windows-1252`, `utf-16le`, `shift_jis`). `None`: UTF-8, or what the bytes look like.
    pub encoding: Option<String>,
    pub limits: Limits,
}

/// Bounds; beyond each the reader stops with an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of text after decompression; of Parquet what the wanted columns take in memory, and the file as it is.
    pub bytes_max: u64,
    pub rows_max: u64,
    pub columns_max: usize,
    /// Of one cell, and of one line of JSON.
    pub cell_bytes_max: usize,
    /// For bytes from others: Parquet's columns in gzip and old LZ4 are refused, as these unpack to whatever size they like.
    pub sized_pages_only: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes_max: 256 << 30, rows_max: 1 << 31, columns_max: 20_000, cell_bytes_max: 1 << 20, sized_pages_only: false }
    }
}

/// Told now and then: bytes done, bytes in all. It may be called from more than one thread.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// Tells nobody.
pub fn silent(_done: u64, _all: u64) {}

impl ReadOptions {
    /// Whether a column is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.columns.as_ref().is_none_or(|columns| columns.iter().any(|column| column == name))
    }
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Parquet => "Parquet",
            Format::Csv => "CSV",
            Format::JsonLines => "JSON lines",
            Format::Json => "JSON",
        }
    }
}
