//! One target over time: an answer becomes samples, staleness markers and the series about the scrape itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bellbuoy_exposition::{Entries, Entry as Line, format_of, series_labels};
use bellbuoy_vocabulary::{Append, AppendError, Labels, METRIC_NAME, Metadata, MetricType, STALE_NAN, SeriesRef, Timestamp};

use crate::cache::{Cache, Entry, key};
use crate::merge::{merged, over};
use crate::{Health, ScrapeReport, Target, TargetHealth};

/// Series that were not seen for as many scrapes leave the cache.
const FORGET_AFTER_SCRAPES: u32 = 10;
/// Metadata of more families of one target than this is not passed on.
const FAMILIES_MAX: usize = 10_000;
/// The series about a scrape, in the order of `TargetState::reports`.
const REPORTS: [&str; 5] =
    ["up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"];

/// What came back from a target.
pub enum Response<'a> {
    Body { content_type: Option<&'a str>, body: &'a [u8] },
    Failed { reason: String },
}

/// What is known of a target between two scrapes.
pub struct TargetState {
    target: Arc<Target>,
    cache: Cache,
    scrape: u32,
    reports: [Option<SeriesRef>; REPORTS.len()],
    /// Hash of the metadata that was passed on last.
    metadata: u128,
    health: TargetHealth,
}

/// A sample of a body, parsed and looked up, before anything is stored.
struct Found<'a> {
    key: u128,
    text: &'a [u8],
    at: Option<Timestamp>,
    value: f64,
    /// Labels of a series that the cache does not know.
    fresh: Option<Labels>,
}

#[derive(Default)]
struct Parsed<'a> {
    samples: Vec<Found<'a>>,
    /// New series that relabelling dropped.
    dropped: Vec<u128>,
    families: Vec<Line<'a>>,
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
        self.scrape = self.scrape.wrapping_add(1);
        let mut report = ScrapeReport::default();
        let mut parsed = Parsed::default();
        let outcome = match response {
            Response::Failed { reason } => Err(reason),
            Response::Body { content_type, body } => self.parse(content_type, body, &mut parsed, &mut report),
        };
        match outcome {
            Ok(()) => {
                self.store(parsed, at, out, &mut report);
                self.end_vanished(at, out, &mut report);
            }
            Err(reason) => {
                self.end_all(at, out, &mut report);
                report.error = Some(reason);
            }
        }
        self.report(at, took_seconds, out, &mut report);
        self.health = TargetHealth {
            health: if report.error.is_none() { Health::Up } else { Health::Down },
            last_error: report.error.clone().unwrap_or_default(),
            last_scrape: Some(at),
            last_scrape_seconds: took_seconds,
            samples: report.samples_scraped,
        };
        report
    }

    /// The target is gone: all its series end, those about its scrapes too.
    pub fn end(&mut self, at: Timestamp, out: &mut dyn Append) {
        let mut report = ScrapeReport::default();
        self.end_all(at, out, &mut report);
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

    /// The whole body, or the reason why nothing of it is kept.
    fn parse<'a>(
        &mut self,
        content_type: Option<&str>,
        body: &'a [u8],
        parsed: &mut Parsed<'a>,
        report: &mut ScrapeReport,
    ) -> Result<(), String> {
        let settings = self.target.settings.clone();
        let format = format_of(content_type, None)?;
        for line in Entries::new(format, body) {
            let (text, value, at) = match line.map_err(|error| error.to_string())? {
                Line::Sample { series, value, at } => (series, value, at),
                family => {
                    if parsed.families.len() < FAMILIES_MAX * 3 {
                        parsed.families.push(family);
                    }
                    continue;
                }
            };
            report.samples_scraped += 1;
            let at = at.filter(|_| settings.honor_timestamps);
            let key = key(text);
            let fresh = match self.cache.get_mut(&key) {
                Some(entry) if entry.series.is_none() => {
                    entry.seen = self.scrape;
                    continue;
                }
                Some(_) => None,
                None => {
                    let pairs = series_labels(text).map_err(|error| error.to_string())?;
                    match merged(&pairs, &self.target.labels, &settings)? {
                        Some(labels) => Some(labels),
                        None => {
                            parsed.dropped.push(key);
                            continue;
                        }
                    }
                }
            };
            parsed.samples.push(Found { key, text, at, value, fresh });
            report.samples_after_relabel = parsed.samples.len();
            if over(parsed.samples.len() as u64, settings.limits.samples_max) {
                return Err(format!("sample limit exceeded: more than {} samples", settings.limits.samples_max));
            }
        }
        Ok(())
    }

    fn store(&mut self, parsed: Parsed<'_>, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) {
        for key in parsed.dropped {
            self.cache.insert(key, Entry { series: None, seen: self.scrape, live: false });
        }
        for found in parsed.samples {
            self.store_one(found, at, out, report);
        }
        self.pass_metadata(parsed.families, out);
    }

    fn store_one(&mut self, found: Found<'_>, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) {
        let known = self.cache.get(&found.key).and_then(|entry| entry.series);
        let series = match (known, &found.fresh) {
            (Some(series), _) => series,
            (None, Some(labels)) => match out.series(labels) {
                Ok((series, _)) => series,
                Err(error) => return report.count(error),
            },
            // Looked up in `parse` and not removed since.
            (None, None) => return,
        };
        let time = found.at.unwrap_or(at);
        let mut series = series;
        let mut appended = out.append(series, time, found.value);
        if appended == Err(AppendError::UnknownRef) {
            // The store forgot the series (it had no samples any more): make it again from its text.
            let again = self.labels_of(found.text).and_then(|labels| out.series(&labels).ok());
            if let Some((made, _)) = again {
                series = made;
                appended = out.append(series, time, found.value);
            }
        }
        let before = self.cache.get(&found.key).copied();
        let first_now = before.is_none_or(|entry| entry.seen != self.scrape);
        if first_now && !before.is_some_and(|entry| entry.live) {
            report.series_added += 1;
        }
        // A target that gives its own times decides itself when a series ends.
        let live = found.at.is_none() && (appended.is_ok() || before.is_some_and(|entry| entry.live));
        self.cache.insert(found.key, Entry { series: Some(series), seen: self.scrape, live });
        if let Err(error) = appended {
            report.count(error);
        }
    }

    fn labels_of(&self, text: &[u8]) -> Option<Labels> {
        merged(&series_labels(text).ok()?, &self.target.labels, &self.target.settings).ok().flatten()
    }

    /// Staleness markers for what was there before and is not now.
    fn end_vanished(&mut self, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) {
        let scrape = self.scrape;
        for entry in self.cache.values_mut().filter(|entry| entry.live && entry.seen != scrape) {
            entry.live = false;
            if let Some(series) = entry.series {
                end_series(series, at, out, report);
            }
        }
        self.cache.retain(|_, entry| entry.live || scrape.wrapping_sub(entry.seen) < FORGET_AFTER_SCRAPES);
    }

    fn end_all(&mut self, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) {
        for entry in self.cache.values_mut().filter(|entry| entry.live) {
            entry.live = false;
            if let Some(series) = entry.series {
                end_series(series, at, out, report);
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

    /// Type, help and unit, when they differ from what was passed on before.
    fn pass_metadata(&mut self, families: Vec<Line<'_>>, out: &mut dyn Append) {
        let mut text = Vec::new();
        for family in &families {
            let (kind, metric, words) = words_of(family);
            for part in [kind, metric, words] {
                text.extend_from_slice(part.as_bytes());
                text.push(0xff);
            }
        }
        let hash = key(&text);
        if families.is_empty() || hash == self.metadata {
            return;
        }
        self.metadata = hash;
        let mut by_metric: HashMap<&str, Metadata> = HashMap::new();
        for family in &families {
            match family {
                Line::Type { metric, kind } => by_metric.entry(metric).or_default().kind = *kind,
                Line::Help { metric, text } => by_metric.entry(metric).or_default().help = text.to_string(),
                Line::Unit { metric, unit } => by_metric.entry(metric).or_default().unit = unit.to_string(),
                Line::Sample { .. } => {}
            }
        }
        for (metric, metadata) in by_metric {
            out.metadata(metric, &metadata);
        }
    }
}

fn words_of<'a>(family: &'a Line<'_>) -> (&'static str, &'a str, &'a str) {
    match family {
        Line::Type { metric, kind } => (kind_mark(*kind), metric, ""),
        Line::Help { metric, text } => (
            "help",
            metric,
            match text {
                Cow::Borrowed(text) => text,
                Cow::Owned(text) => text,
            },
        ),
        Line::Unit { metric, unit } => ("unit", metric, unit),
        Line::Sample { .. } => ("", "", ""),
    }
}

fn kind_mark(kind: MetricType) -> &'static str {
    kind.word()
}

fn end_series(series: SeriesRef, at: Timestamp, out: &mut dyn Append, report: &mut ScrapeReport) {
    // Refused when the series has a value of this very time or later; it will end by itself.
    match out.append(series, at, STALE_NAN) {
        Ok(()) | Err(AppendError::UnknownRef | AppendError::DuplicateTimestamp) => {}
        Err(error) => report.count(error),
    }
}
