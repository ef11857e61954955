//! `scrape > store > promql > rules > router > notify`; beside it: `files > [tables] > models > drift`
//!
//! In:    Parquet, CSV, JSON lines or JSON arrays, compressed or not, as something that can be read and sought (a file, bytes in memory).
//! Out:   typed columns (`drift::Column`), or an error that names file, line and column; and the other way, columns to Parquet.
//! Never: opens a file or a socket by itself, knows a model; keeps rows that nobody asked for.
//! Holds: what a file is is found out from its bytes; every size has a bound (`Limits`), and an error says which one it was.
//! Read:  read.rs (which reader), table.rs, then csv.rs with csv/, json.rs, parquet.rs with parquet/, cells.rs and quiet.rs; input.rs undoes compression and
//!        encodings; write.rs is the way back.

mod cells;
mod csv;
mod error;
mod input;
mod json;
mod options;
mod parquet;
mod quiet;
mod read;
mod table;
mod write;

pub use error::TableError;
pub use options::{Format, Limits, Progress, ReadOptions, silent};
pub use parquet::ParquetTable;
pub use read::{Opened, open, read};
pub use table::Table;
pub use write::{Cells, Field, write_parquet};
