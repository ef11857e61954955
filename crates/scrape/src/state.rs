//! One target over time: an answer becomes samples, staleness markers and the series about the scrape itself.
//!
//! In:    the answer of one scrape, or why there is none, with its time in seconds. Out: samples into an `Append`, and a `ScrapeReport`.
//! Holds: a broken body leaves nothing but `up` 0 and the other series about the scrape; what it had before ends as stale.

use std::collections::HashMap;
use std::sync::Arc;

use bellbuoy_exposition::{Entries, Entry as Line, RawExemplar, exemplar_labels};
use bellbuoy_vocabulary::{Append, AppendError, Exemplar, ExemplarError, METRIC_NAME, Metadata, Millis, STALE_NAN, SeriesRef, Timestamp};

use crate::body::{self, Body, Found, labels_of};
use crate::cache::{Cache, State};
use crate::{Health, ScrapeReport, Target, TargetHealth};

/// A target's own times may lie so far ahead of the scrape (Prometheus' `maxAheadTime`); later ones would block the series until then.
const AHEAD_MAX: Millis = Millis::from_minutes(10);
/// Metadata of more families of one target than this is not passed on.
const FAMILIES_MAX: usize = 10_000;
/// Longer help texts are cut.
const HELP_BYTES_MAX: usize = 4096;
/// The series about a scrape, in the order of `TargetState::reports`.
const REPORTS: [&str; 5] =
    ["up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"];

/// What came back from a target.
pub enum Response<'a> {
    Body {
        content_type: Option<&'a str>,
        body: &'a [u8],
    },
    /// Text with exemplars, as `TextWriter::unpacked` writes it: pages of our own.
    Unpacked {
        text: &'a str,
    },
    Failed {
        reason: String,
    },
}

/// What is known of a target between two scrapes.
pub struct TargetState {
    target: Arc<Target>,
    cache: Cache,
    /// The number of the scrape at hand.
    scrape: u32,
    reports: [Option<SeriesRef>; REPORTS.len()],
    /// Hash of the metadata that was passed on last.
    metadata: u64,
    health: TargetHealth,
}

impl TargetState {
    pub fn new(target: Arc<Target>) -> TargetState {
        TargetState {
            target,
            cache: Cache::default(),
            scrape: 0,
            reports: [None; REPORTS.len()],
            metadata: 0,
            health: TargetHealth::default(),
        }
    }

    /// Takes a scrape that began at `at`. Samples, staleness markers and the series about the scrape go to `out`; the caller commits.
    pub fn absorb(&mut self, response: Response<'_>, at: Timestamp, took_seconds: f64, out: &mut dyn Append) -> ScrapeReport {
        // 0 means "never seen", so the number after the last one is 1.
        self.scrape = self.scrape.checked_add(1).unwrap_or(1);
        let mut report = ScrapeReport::default();
        let outcome = match response {
            Response::Failed { reason } => Err(reason),
            Response::Unpacked { text } => self.take(Some("text/plain"), text.as_bytes(), true, at, out, &mut report),
            Response::Body { content_type, body } => match body::unpacked(content_type, body, &self.target, &mut report) {
                Ok(Some(text)) => self.take(Some("text/plain"), text.as_bytes(), true, at, out, &mut report),
                Ok(None) => self.take(content_type, body, false, at, out, &mut report),
                Err(reason) => Err(reason),
            },
        };
        if let Err(reason) = outcome {
            self.end_series(|_| true, at, out, &mut report);
            report.error = Some(reason);
        }
        self.report(at, took_seconds, out, &mut report);
        self.health = TargetHealth {
            health: if report.error.is_none() { Health::Up } else { Health::Down },
            last_error: report.error.clone().unwrap_or_default(),
            warning: report.warning(),
            last_scrape: Some(at),
            last_scrape_seconds: took_seconds,
            samples: report.samples_scraped,
            report: report.clone(),
        };
        report
    }

    /// The target is gone: all its series end, those about its scrapes too.
    pub fn end(&mut self, at: Timestamp, out: &mut dyn Append) {
        self.end_series(|_| true, at, out, &mut ScrapeReport::default());
        for series in self.reports.iter().flatten() {
            // The last scrape may have had this very time; then its value stays, and the look-back ends the series.
            let _ = out.append(*series, at, STALE_NAN);
        }
    }

    pub fn health(&self) -> TargetHealth {
        self.health.clone()
    }

    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Reads the whole body, then stores it; or gives the reason why nothing of it is kept.
    fn take(
        &mut self,
        content_type: Option<&str>,
        bytes: &[u8],
        unpacked: bool,
        at: Timestamp,
        out: &mut dyn Append,
        report: &mut ScrapeReport,
    ) -> Result<(), String> {
        self.cache.begin();
        let body = match body::read(content_type, bytes, unpacked, self.scrape, &self.target, &mut self.cache, report) {
            Ok(body) => body,
            Err(reason) => {
                self.cache.undo();
                // Of a refused body nothing was stored, so there are no refused samples either.
                report.duplicate = 0;
                return Err(reason);
            }
        };
        let (format, metadata) = (body.format, body.metadata);
        self.store(body, at, out, report);
        let scrape = self.scrape;
        self.end_series(|seen| seen != scrape, at, out, report);
        self.cache.settle(scrape);
        if metadata != self.metadata {
            self.metadata = metadata;
            pass_metadata(body::entries(format, unpacked, bytes), out, report);
        }
        Ok(())
    }

    fn store(&mut self, body: Body<'_>, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) {
        let mut fresh_labels = body.fresh_labels.into_iter();
        let exemplars = if out.wants_exemplars() { body.exemplars } else { Vec::new() };
        let mut exemplars = exemplars.iter().peekable();
        for (number, found) in body.samples.iter().enumerate() {
            let entry = *self.cache.at(found.slot);
            let mut series = entry.series;
            if entry.state == State::New {
                // A second sample of a series that the store refused asks again.
                let labels = if found.fresh { fresh_labels.next() } else { None };
                let labels = labels.or_else(|| labels_of(found.text, found.kind, &self.target).ok().flatten());
                match labels.map(|labels| out.series(&labels)) {
                    Some(Ok((made, _))) => series = made,
                    Some(Err(error)) => {
                        report.count(error);
                        continue;
                    }
                    // `body::read` had labels for it.
                    None => continue,
                }
            }
            let appended = self.append(found, &mut series, at, out);
            if entry.state == State::New && appended.is_ok() {
                report.series_added += 1;
            }
            // A target that gives its own times decides itself when a series ends.
            let live = found.at.is_none() && (appended.is_ok() || entry.state == State::Live);
            let entry = self.cache.at(found.slot);
            entry.series = series;
            entry.state = if live { State::Live } else { State::Idle };
            if let Err(error) = appended {
                report.count(error);
            }
            // A sample that was refused does not cost its exemplar.
            let (mut told, mut late) = (0, 0);
            while let Some((_, exemplar)) = exemplars.next_if(|(of, _)| *of as usize == number) {
                told += 1;
                late += u64::from(append_exemplar(exemplar, series, found.at.unwrap_or(at), out, report));
            }
            // Of several that are told again with one new, the others are no fault.
            if late == told {
                report.exemplars_out_of_order += late;
            }
        }
    }

    fn append(&self, found: &Found<'_>, series: &mut SeriesRef, at: Timestamp, out: &mut dyn Append) -> Result<(), AppendError> {
        let time = found.at.unwrap_or(at);
        if time > at.saturating_add(AHEAD_MAX) {
            return Err(AppendError::TooOld);
        }
        let appended = out.append(*series, time, found.value);
        if appended != Err(AppendError::UnknownRef) {
            return appended;
        }
        // The store forgot the series (it had no samples any more): make it again from its text.
        let Ok(Some(labels)) = labels_of(found.text, found.kind, &self.target) else { return appended };
        *series = out.series(&labels)?.0;
        out.append(*series, time, found.value)
    }

    /// Staleness markers for live series whose last scrape `is_over`.
    fn end_series(&mut self, is_over: impl Fn(u32) -> bool, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) {
        for entry in self.cache.iter_mut().filter(|entry| entry.state == State::Live && is_over(entry.seen)) {
            entry.state = State::Idle;
            match out.append(entry.series, at, STALE_NAN) {
                // Expected when a target comes back with another scrape loop: the series has a value of this time and goes on.
                Ok(()) | Err(AppendError::UnknownRef | AppendError::DuplicateTimestamp | AppendError::OutOfOrder) => {}
                Err(error) => report.count(error),
            }
        }
    }

    fn report(&mut self, at: Timestamp, took_seconds: f64, out: &mut dyn Append, report: &mut ScrapeReport) {
        let up = if report.error.is_none() { 1.0 } else { 0.0 };
        let values = [up, took_seconds, report.samples_scraped as f64, report.samples_after_relabel as f64, report.series_added as f64];
        for (index, value) in values.into_iter().enumerate() {
            let known = self.reports[index];
            let appended = known.map_or(Err(AppendError::UnknownRef), |series| out.append(series, at, value));
            let appended = match appended {
                Err(AppendError::UnknownRef) => {
                    let mut labels = self.target.labels.builder();
                    labels.set(METRIC_NAME, REPORTS[index]);
                    out.series(&labels.labels()).and_then(|(series, _)| {
                        self.reports[index] = Some(series);
                        out.append(series, at, value)
                    })
                }
                other => other,
            };
            if let Err(error) = appended {
                report.count(error);
            }
        }
    }
}

/// Whether it is too late. One without a time of its own has that of its sample.
fn append_exemplar(raw: &RawExemplar<'_>, series: SeriesRef, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) -> bool {
    let Ok(labels) = exemplar_labels(raw.labels) else { return false };
    let exemplar = Exemplar { labels, value: raw.value, at: raw.at.unwrap_or(at), has_own_time: raw.at.is_some() };
    let taken = out.exemplar(series, &exemplar);
    // Of a series that is not there, which was counted as refused itself, nothing is said.
    report.exemplars_refused += u64::from(taken == Err(ExemplarError::TooLong));
    taken == Err(ExemplarError::OutOfOrder)
}

/// Type, help and unit of each family, in the body's order. Done when something of them changed: the body is read once more.
fn pass_metadata(lines: Entries<'_>, out: &mut dyn Append, report: &mut ScrapeReport) {
    let mut families: Vec<(&str, Metadata)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for line in lines.map_while(Result::ok) {
        let metric = match &line {
            Line::Sample { .. } | Line::Exemplar(_) => continue,
            Line::Type { metric, .. } | Line::Help { metric, .. } | Line::Unit { metric, .. } => *metric,
        };
        if families.len() == FAMILIES_MAX && !places.contains_key(metric) {
            report.families_dropped += 1;
            continue;
        }
        let place = *places.entry(metric).or_insert(families.len());
        if place == families.len() {
            families.push((metric, Metadata::default()));
        }
        let metadata = &mut families[place].1;
        match line {
            Line::Type { kind, .. } => metadata.kind = kind,
            Line::Help { text, .. } => metadata.help = text[..text.floor_char_boundary(HELP_BYTES_MAX)].to_string(),
            Line::Unit { unit, .. } => metadata.unit = unit.to_string(),
            Line::Sample { .. } | Line::Exemplar(_) => {}
        }
    }
    for (metric, metadata) in &families {
        out.metadata(metric, metadata);
    }
}
