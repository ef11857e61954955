//! The thread of a model that moves finished segments of its log into files of days, beside the writer.
//!
//! In:    a ring when a segment is finished or a minute has passed. Out: the work of days.rs, its counts; problems once, and in the log.
//! Never: holds anything that the writer waits for. Ends before the model is made anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use bellbuoy_store::Disk;
use tracing::{error, info};

use super::body::ColumnNames;
use super::days;
use crate::clock;
use crate::config::RetentionSettings;
use crate::telemetry::Telemetry;

/// Wakes the thread; one ring waits at most.
#[derive(Clone)]
pub struct Bell(SyncSender<()>);

pub struct Keeper {
    bell: Option<Bell>,
    thread: Option<JoinHandle<()>>,
}

pub struct Kept {
    pub name: String,
    pub disk: Arc<dyn Disk>,
    /// Segments below this number are finished.
    pub current: Arc<AtomicU32>,
    pub columns: ColumnNames,
    pub retention: RetentionSettings,
    pub telemetry: Arc<Telemetry>,
}

impl Bell {
    pub fn ring(&self) {
        // Full: it will look anyway. Disconnected: the model is being closed.
        let _ = self.0.try_send(());
    }
}

impl Keeper {
    pub fn start(kept: Kept) -> std::io::Result<Keeper> {
        let (ring, rings) = sync_channel(1);
        let thread = std::thread::Builder::new().name("model-days".into()).spawn(move || {
            let mut failing = false;
            while rings.recv().is_ok() {
                failing = kept.pass(failing);
            }
        })?;
        Ok(Keeper { bell: Some(Bell(ring)), thread: Some(thread) })
    }

    pub fn bell(&self) -> Option<Bell> {
        self.bell.clone()
    }

    /// Ends after the pass it is in. All other bells have to be gone.
    pub fn close(&mut self) {
        self.bell = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread that keeps the files of a model's days panicked");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.close();
    }
}

impl Kept {
    /// Whether it failed.
    fn pass(&self, failed_before: bool) -> bool {
        let finished = self.current.load(Ordering::Acquire);
        match days::work(&*self.disk, finished, &self.columns, &self.retention, clock::now()) {
            Ok(work) => {
                self.telemetry.model_segments_stored.add(&[&self.name], work.segments as u64);
                self.telemetry.model_days_dropped.add(&[&self.name], work.days_dropped as u64);
                if failed_before {
                    info!("model {}: the files of its days are written again", self.name);
                }
                false
            }
            Err(problem) => {
                self.telemetry.model_days_failures.add(&[&self.name], 1);
                if !failed_before {
                    error!("model {}: the files of its days can not be written, its log keeps the rows: {problem}", self.name);
                }
                true
            }
        }
    }
}
