//! tell: a picture of what an alert looked at, for receivers that show pictures.
//!
//! In:    a notice. Out: a PNG, or nothing: no rule of ours, no values, no time.
//! Never: lets a text wait longer than `BUDGET`, draws more than one picture at a time.
//! Read:  subject.rs (what is drawn), `reports::alert_picture` (how), paint.rs (SVG to PNG).

mod paint;
mod subject;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellbuoy_notify::Notice;
use tokio::sync::Semaphore;

use crate::clock;
use crate::path::Path;

/// From the wish to the picture, waiting for others included.
const BUDGET: Duration = Duration::from_secs(1);
/// Receivers of the same notice share its picture.
const KEPT_MAX: usize = 16;

type Png = Arc<Vec<u8>>;

/// What makes two pictures the same: the alert, and the decision's time.
type Key = (u64, i64);

pub struct Pictures {
    path: Arc<Path>,
    brush: Arc<Semaphore>,
    kept: Arc<Mutex<HashMap<Key, Png>>>,
}

impl Pictures {
    pub fn new(path: Arc<Path>) -> Pictures {
        Pictures { path, brush: Arc::new(Semaphore::new(1)), kept: Arc::default() }
    }

    /// Within `BUDGET`. Why there is none is counted.
    pub async fn of(&self, notice: &Notice) -> Option<Png> {
        if !self.path.settings().pictures {
            return None;
        }
        let alert = notice.alerts.first()?;
        let key = (alert.fingerprint(), notice.at.0);
        if let Some(png) = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&key) {
            return Some(png.clone());
        }
        let outcome = tokio::time::timeout(BUDGET, self.paint(key, notice.clone())).await;
        let (word, png) = match outcome {
            Ok(Some(png)) => ("drawn", Some(png)),
            Ok(None) => ("nothing to draw", None),
            Err(_) => ("too late", None),
        };
        self.path.telemetry.pictures.add(&[word], 1);
        png
    }

    /// Goes on after its time is over, so that the next receiver of the same notice finds it; then only the next begins.
    async fn paint(&self, key: Key, notice: Notice) -> Option<Png> {
        let permit = self.brush.clone().acquire_owned().await.ok()?;
        let (path, kept) = (self.path.clone(), self.kept.clone());
        let painting = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let started = clock::Stopwatch::start();
            let late = || started.seconds() > BUDGET.as_secs_f64();
            let svg = subject::picture(&path, &notice, clock::now(), &late)?.svg()?;
            let png = Arc::new(paint::png(&svg)?);
            let mut kept = kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(key, png.clone());
            Some(png)
        });
        painting.await.ok().flatten()
    }
}
