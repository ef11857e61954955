//! What the store tells of itself, for `/metrics` and the status page.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bellbuoy_vocabulary::Timestamp;

/// A snapshot; counters count since the store was opened. Behind each field the name under which it is exported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// `prometheus_tsdb_head_series`
    pub series: u64,
    /// `prometheus_tsdb_head_series_created_total`
    pub series_created: u64,
    /// `prometheus_tsdb_head_series_removed_total`
    pub series_removed: u64,
    /// `prometheus_tsdb_head_chunks`; without the open ones
    pub chunks: u64,
    /// `prometheus_tsdb_head_chunks_storage_size_bytes`: bytes of full chunks, in memory and on disk
    pub chunk_bytes: u64,
    /// `prometheus_tsdb_head_samples_appended_total`
    pub samples_appended: u64,
    /// Same time and same value as the last one: accepted, not stored again.
    pub samples_ignored: u64,
    /// `prometheus_tsdb_out_of_order_samples_total`
    pub refused_out_of_order: u64,
    /// `prometheus_target_scrapes_sample_duplicate_timestamp_total` counts the same on the side of scraping
    pub refused_duplicate: u64,
    /// `prometheus_tsdb_too_old_samples_total`
    pub refused_too_old: u64,
    pub refused_unknown_ref: u64,
    pub refused_series_limit: u64,
    /// Families of metadata above the bound.
    pub metadata_dropped: u64,
    /// `prometheus_tsdb_exemplar_max_exemplars`
    pub exemplars_max: u64,
    /// `prometheus_tsdb_exemplar_exemplars_in_storage`
    pub exemplars: u64,
    /// `prometheus_tsdb_exemplar_series_with_exemplars_in_storage`
    pub exemplar_series: u64,
    /// `prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds`: of the one that goes next
    pub exemplar_oldest: Option<Timestamp>,
    /// `prometheus_tsdb_exemplar_exemplars_appended_total`
    pub exemplars_appended: u64,
    /// `prometheus_tsdb_exemplar_out_of_order_exemplars_total`
    pub exemplars_out_of_order: u64,
    /// With more characters of labels than OpenMetrics allows.
    pub exemplars_too_long: u64,
    /// `prometheus_tsdb_wal_storage_size_bytes`
    pub wal_bytes: u64,
    /// `prometheus_tsdb_wal_segment_current`
    pub wal_segment: u64,
    /// `prometheus_tsdb_wal_fsync_duration_seconds_count`
    pub wal_fsyncs: u64,
    /// `prometheus_tsdb_wal_writes_failed_total`
    pub wal_writes_failed: u64,
    pub wal_fsyncs_failed: u64,
    /// `prometheus_tsdb_wal_corruptions_total`
    pub wal_corruptions: u64,
    /// `prometheus_tsdb_checkpoint_creations_total`
    pub checkpoints: u64,
    /// `prometheus_tsdb_checkpoint_creations_failed_total`
    pub checkpoints_failed: u64,
    /// `prometheus_tsdb_mmap_chunk_corruptions_total`
    pub chunk_corruptions: u64,
    /// `prometheus_tsdb_head_min_time_seconds`: nothing before it is kept
    pub min_time: Option<Timestamp>,
    /// `prometheus_tsdb_head_max_time_seconds`
    pub max_time: Option<Timestamp>,
    /// The first sample, or `min_time` once that is later.
    pub oldest: Option<Timestamp>,
}

#[derive(Default)]
pub struct Counters {
    pub series_created: AtomicU64,
    pub series_removed: AtomicU64,
    pub chunks: AtomicU64,
    pub chunk_bytes: AtomicU64,
    pub samples_appended: AtomicU64,
    pub samples_ignored: AtomicU64,
    pub out_of_order: AtomicU64,
    pub duplicate: AtomicU64,
    pub too_old: AtomicU64,
    pub unknown_ref: AtomicU64,
    pub series_limit: AtomicU64,
    pub metadata_dropped: AtomicU64,
    pub exemplars_appended: AtomicU64,
    pub exemplars_out_of_order: AtomicU64,
    pub exemplars_too_long: AtomicU64,
    pub checkpoints: AtomicU64,
    pub checkpoints_failed: AtomicU64,
    pub wal_corruptions: AtomicU64,
    pub chunk_corruptions: AtomicU64,
    /// `i64::MIN` before the first sample.
    pub max_time: MaxTime,
    pub first_time: FirstTime,
}

pub struct MaxTime(AtomicI64);

impl Default for MaxTime {
    fn default() -> MaxTime {
        MaxTime(AtomicI64::new(i64::MIN))
    }
}

impl MaxTime {
    pub fn raise(&self, at: i64) {
        self.0.fetch_max(at, Ordering::Relaxed);
    }

    pub fn get(&self) -> Option<Timestamp> {
        Some(self.0.load(Ordering::Relaxed)).filter(|at| *at != i64::MIN).map(Timestamp)
    }
}

pub struct FirstTime(AtomicI64);

impl Default for FirstTime {
    fn default() -> FirstTime {
        FirstTime(AtomicI64::new(i64::MAX))
    }
}

impl FirstTime {
    pub fn lower(&self, at: i64) {
        self.0.fetch_min(at, Ordering::Relaxed);
    }

    pub fn get(&self) -> Option<Timestamp> {
        Some(self.0.load(Ordering::Relaxed)).filter(|at| *at != i64::MAX).map(Timestamp)
    }
}

pub fn add(counter: &AtomicU64, count: u64) {
    if count > 0 {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

pub fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
