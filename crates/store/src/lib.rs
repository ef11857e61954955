//! `scrape > [store] > promql > rules > router > notify`: samples to write-ahead log, head and chunks, and back to series.
//!
//! In:    `Append` calls: labels, timestamps, values, metadata; matchers and ranges of time.
//! Out:   `SeriesSource`: series sorted by labels, their values decoded on demand; label names and values; metadata; `Stats`.
//! Never: reads a clock (`now` is passed in), opens a file but through `Disk`, refuses to open because of a damaged record,
//!        deletes what it could not read.
//! Holds: a sample is in the log before a reader can see it; the order in the log is the order in memory, so that replay gives
//!        the same head; `Logged` survives the death of the process, `Synced` the loss of power. Locks: log, then index, then shard.
//! Read:  store.rs, appender.rs, wal.rs, series.rs, chunk.rs, exemplars.rs, then replay.rs and retention.rs. Bytes: docs/formats/wal.md, xor-chunk.md.

mod appender;
mod bits;
mod cardinality;
mod chunk;
mod chunk_files;
pub mod crash;
mod crc;
mod disk;
mod exemplars;
mod index;
mod replay;
mod retention;
mod select;
mod series;
mod stats;
mod store;
mod table;
mod wal;

pub use appender::{Appender, Committed, Durability};
pub use cardinality::Cardinality;
pub use chunk::{Chunk, DecodeError, Decoder};
pub use disk::{Disk, LogFile, OsDisk, ReadFile};
pub use exemplars::EXEMPLARS_MAX_DEFAULT;
pub use replay::{Damage, Recovery};
pub use retention::Maintenance;
pub use stats::Stats;
pub use store::{CommitError, OpenError, Options, Store};
