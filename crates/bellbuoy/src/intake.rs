//! collect: series that others send finished: remote write and OTLP. A body to samples in the store, and what became of them.
//!
//! In:    unpacked bodies, `now`. Out: samples and metadata in the store; `Taken`, from which the API makes its answers.
//! Never: takes half of a body that is broken: then nothing of it is kept. One bad sample does not cost the others.

use bellbuoy_exposition::otlp::{Otlp, Outcome, read_otlp_json, read_otlp_protobuf};
use bellbuoy_exposition::{BodyError, Sent, WriteVersion, read_write};
use bellbuoy_store::{Appender, Durability};
use bellbuoy_vocabulary::{Append, Exemplar, ExemplarError, Labels, Millis, Timestamp};
use tracing::error;

use crate::path::Path;

/// Samples may lie so far ahead of our clock, as in Prometheus; later ones would block their series until then.
const AHEAD_MAX: Millis = Millis::from_minutes(10);
/// Reasons that an answer names; further ones are counted.
const REASONS_MAX: usize = 10;

/// What became of a body.
#[derive(Debug, Default, PartialEq)]
pub struct Taken {
    /// In the store, or there already with this value.
    pub samples: u64,
    pub samples_refused: u64,
    /// The store has no native histograms yet.
    pub histograms_refused: u64,
    /// In the store, or there already.
    pub exemplars: u64,
    /// Too old, too long, or of a series without samples.
    pub exemplars_refused: u64,
    /// Of these, those that a sender of 2.0 is told of, as Prometheus tells it.
    pub exemplars_told: u64,
    pub reasons: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("{0}")]
    Body(#[from] BodyError),
    /// The sender should try again.
    #[error("{0}")]
    Disk(String),
}

struct Intake<'a> {
    appender: Appender<'a>,
    latest: Timestamp,
    taken: Taken,
}

impl Intake<'_> {
    fn new(path: &Path, now: Timestamp) -> Intake<'_> {
        Intake { appender: path.store.appender(), latest: now.saturating_add(AHEAD_MAX), taken: Taken::default() }
    }

    fn reason(&mut self, reason: impl FnOnce() -> String) {
        if self.taken.reasons.len() < REASONS_MAX {
            let reason = reason();
            if !self.taken.reasons.contains(&reason) {
                self.taken.reasons.push(reason);
            }
        }
    }

    /// Whether all of them were taken.
    fn samples(&mut self, labels: &Labels, samples: impl ExactSizeIterator<Item = (Timestamp, f64)>) -> bool {
        let count = samples.len() as u64;
        let series = match self.appender.series(labels) {
            Ok((series, _)) => series,
            Err(error) => {
                self.taken.samples_refused += count;
                self.reason(|| error.to_string());
                return false;
            }
        };
        let before = self.taken.samples_refused;
        for (at, value) in samples {
            let appended =
                if at > self.latest { Err("out of bounds: more than 10m ahead of this server's clock".to_string()) } else { Ok(()) };
            match appended.and_then(|()| self.appender.append(series, at, value).map_err(|error| error.to_string())) {
                Ok(()) => self.taken.samples += 1,
                Err(error) => {
                    self.taken.samples_refused += 1;
                    self.reason(|| format!("{error}: series={labels} timestamp={}", at.0));
                }
            }
        }
        self.taken.samples_refused == before
    }

    /// After the samples: what has exemplars only does not make a series.
    fn exemplars(&mut self, labels: &Labels, exemplars: &[Exemplar]) {
        if exemplars.is_empty() {
            return;
        }
        let series = self.appender.find(labels);
        for exemplar in exemplars {
            match series.map_or(Err(ExemplarError::UnknownRef), |series| self.appender.exemplar(series, exemplar)) {
                Ok(()) => self.taken.exemplars += 1,
                Err(error) => {
                    self.taken.exemplars_refused += 1;
                    if error == ExemplarError::OutOfOrder {
                        self.taken.exemplars_told += 1;
                        self.reason(|| format!("{error}: series={labels} timestamp={}", exemplar.at.0));
                    }
                }
            }
        }
    }

    fn commit(mut self, path: &Path, protocol: &str) -> Result<Taken, IntakeError> {
        match self.appender.commit(Durability::Logged) {
            Ok(committed) => {
                // Another request wrote the same series meanwhile.
                self.taken.samples = self.taken.samples.saturating_sub(committed.refused);
                self.taken.samples_refused += committed.refused;
                if committed.refused > 0 && self.taken.reasons.is_empty() {
                    self.taken.reasons.push("out of order sample".into());
                }
            }
            Err(problem) => {
                path.telemetry.commit_failures.add(1);
                error!("samples of {protocol} could not be stored: {problem}");
                return Err(IntakeError::Disk(problem.to_string()));
            }
        }
        let telemetry = &path.telemetry;
        telemetry.pushed_samples.add(&[protocol], self.taken.samples);
        telemetry.pushed_samples_refused.add(&[protocol], self.taken.samples_refused);
        telemetry.pushed_histograms_refused.add(&[protocol], self.taken.histograms_refused);
        telemetry.pushed_exemplars.add(&[protocol], self.taken.exemplars);
        telemetry.pushed_exemplars_refused.add(&[protocol], self.taken.exemplars_refused);
        Ok(self.taken)
    }
}

/// A remote-write body.
pub fn write(path: &Path, version: WriteVersion, body: &[u8], now: Timestamp) -> Result<Taken, IntakeError> {
    let mut intake = Intake::new(path, now);
    read_write(version, body, &mut |sent| match sent {
        Sent::Series(series) => {
            // Prometheus sends exemplars as series without samples, after those with.
            if !series.samples.is_empty() || (series.exemplars.is_empty() && series.histograms.is_empty()) {
                intake.samples(&series.labels, series.samples.iter().map(|sample| (sample.at, sample.value)));
            }
            intake.exemplars(&series.labels, series.exemplars);
            if series.exemplars_bad > 0 {
                intake.taken.exemplars_refused += series.exemplars_bad;
                intake.taken.exemplars_told += series.exemplars_bad;
                intake.reason(|| format!("exemplars with references to no symbol: series={}", series.labels));
            }
            if !series.histograms.is_empty() {
                intake.taken.histograms_refused += series.histograms.len() as u64;
                intake.reason(|| format!("native histograms can not be stored yet: series={}; send classic histograms", series.labels));
            }
        }
        Sent::Bad { samples, histograms, reason } => {
            intake.taken.samples_refused += samples;
            intake.taken.histograms_refused += histograms;
            intake.reason(|| reason);
        }
        Sent::Metadata { metric, metadata } => intake.appender.metadata(metric, &metadata),
    })?;
    intake.commit(path, if version == WriteVersion::V1 { "remote-write-1" } else { "remote-write-2" })
}

/// An OTLP body. The outcome counts points: a histogram of 12 buckets is one.
pub fn otlp(path: &Path, is_json: bool, body: &[u8], now: Timestamp) -> Result<Outcome, IntakeError> {
    let mut intake = Intake::new(path, now);
    let mut points_lost = 0;
    let mut on = |piece: Otlp<'_>| match piece {
        Otlp::Sample(sample) => {
            let taken = intake.samples(&sample.labels, [(sample.at, sample.value)].into_iter());
            intake.exemplars(&sample.labels, &sample.exemplars);
            points_lost += u64::from(!taken && sample.is_point);
        }
        Otlp::Metadata { metric, metadata } => intake.appender.metadata(metric, &metadata),
    };
    let mut outcome = if is_json { read_otlp_json(body, &mut on) } else { read_otlp_protobuf(body, &mut on) }?;
    let taken = intake.commit(path, "otlp")?;
    path.telemetry.pushed_points_refused.add(&["otlp"], outcome.refused);
    outcome.refused += points_lost;
    outcome.reasons.extend(taken.reasons);
    Ok(outcome)
}
