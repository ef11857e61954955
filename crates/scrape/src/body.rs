//! A body read to the end, each series looked up, before anything of it is stored: a body is taken whole or not at all.

use bellbuoy_exposition::{
    Entries, Entry as Line, Format, ParseError, Protocol, RawExemplar, format_of, is_protobuf, series_labels, text_of_protobuf,
};
use bellbuoy_vocabulary::{Labels, MetricType, Timestamp};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::cache::{Cache, State};
use crate::merge::{merged, over};
use crate::{ScrapeReport, Target};

/// The labels of so many new series are kept from reading to storing; those of further ones are decoded twice. A target
/// that invents half a million series a scrape then costs time, not memory.
const FRESH_LABELS_MAX: usize = 10_000;

/// A sample to be stored.
pub(crate) struct Found<'a> {
    /// The raw text: the labels, should the store ask for them again.
    pub text: &'a [u8],
    /// Of the last `# TYPE` line before it.
    pub kind: MetricType,
    pub slot: u32,
    /// The first sample of a series that the cache did not know.
    pub fresh: bool,
    /// The target's own time.
    pub at: Option<Timestamp>,
    pub value: f64,
}

pub(crate) struct Body<'a> {
    pub format: Format,
    pub samples: Vec<Found<'a>>,
    /// Each with the number of its sample in `samples`, in their order: most samples have none.
    pub exemplars: Vec<(u32, RawExemplar<'a>)>,
    /// Labels of the first `fresh` samples, in their order.
    pub fresh_labels: Vec<Labels>,
    /// Hash of all types, helps and units.
    pub metadata: u64,
}

/// A protobuf body as text, for it is read as any other then; `None`: it is none.
pub(crate) fn unpacked(
    content_type: Option<&str>,
    body: &[u8],
    target: &Target,
    report: &mut ScrapeReport,
) -> Result<Option<String>, String> {
    let settings = &target.settings;
    let given = content_type.unwrap_or("");
    let unknown = settings.fallback_protocol == Some(Protocol::Protobuf) && format_of(content_type, None).is_err();
    if body.is_empty() || !(is_protobuf(given) || unknown) {
        return Ok(None);
    }
    let (text, left_out) = text_of_protobuf(body, settings.limits.body_bytes_max).map_err(|error| error.to_string())?;
    report.native_histograms = left_out.native_histograms;
    Ok(Some(text))
}

fn fallback(protocol: Option<Protocol>) -> Option<Format> {
    match protocol? {
        Protocol::OpenMetrics1 | Protocol::OpenMetrics0 => Some(Format::OpenMetrics),
        Protocol::Text1 | Protocol::Text0 => Some(Format::PrometheusText),
        Protocol::Protobuf => None,
    }
}

/// The lines of a body. `unpacked`: it was protobuf.
pub(crate) fn entries(format: Format, unpacked: bool, body: &[u8]) -> Entries<'_> {
    if unpacked { Entries::unpacked(body) } else { Entries::new(format, body) }
}

/// Reads a body. New series are in the cache afterwards, as `New`; on an error the caller undoes that.
pub(crate) fn read<'a>(
    content_type: Option<&str>,
    body: &'a [u8],
    unpacked: bool,
    scrape: u32,
    target: &Target,
    cache: &mut Cache,
    report: &mut ScrapeReport,
) -> Result<Body<'a>, String> {
    let settings = &target.settings;
    let limits = &settings.limits;
    if over(body.len() as u64, limits.body_bytes_max) {
        return Err(format!("body size limit exceeded: more than {} bytes", limits.body_bytes_max));
    }
    // As in Prometheus, an empty answer is a good one without samples, whatever its type.
    let format = if body.is_empty() { Format::PrometheusText } else { format_of(content_type, fallback(settings.fallback_protocol))? };
    let mut out = Body { format, samples: Vec::with_capacity(cache.len()), exemplars: Vec::new(), fresh_labels: Vec::new(), metadata: 0 };
    // The last sample is in `out.samples`, so an exemplar that comes next is of it.
    let mut kept = false;
    let mut kind = MetricType::Unknown;
    let mut too_many = false;
    for line in entries(format, unpacked, body) {
        let line = line.map_err(|error| error.to_string())?;
        let Line::Sample { series: text, value, at } = line else {
            match line {
                Line::Exemplar(exemplar) if kept => out.exemplars.push((out.samples.len() as u32 - 1, exemplar)),
                Line::Type { kind: now, .. } => kind = now,
                _ => {}
            }
            out.metadata = hash_metadata(&line, out.metadata);
            continue;
        };
        kept = false;
        report.samples_scraped += 1;
        if too_many {
            // The rest is counted, so that a person sees by how much.
            report.samples_after_relabel += 1;
            continue;
        }
        let at = at.filter(|_| settings.honor_timestamps);
        let slot = cache.slot(text);
        let entry = cache.at(slot);
        let seen_before = std::mem::replace(&mut entry.seen, scrape) == scrape;
        let fresh = entry.state == State::New && !seen_before;
        if fresh {
            let Some(labels) = labels_of(text, kind, target).map_err(|reason| placed(body, text, reason))? else {
                entry.state = State::Dropped;
                continue;
            };
            if out.fresh_labels.len() < FRESH_LABELS_MAX {
                out.fresh_labels.push(labels);
            }
        } else if entry.state == State::Dropped {
            continue;
        }
        report.samples_after_relabel += 1;
        if seen_before && at.is_none() {
            report.duplicate += 1;
            continue;
        }
        out.samples.push(Found { text, kind, slot, fresh, at, value });
        kept = true;
        if over(out.samples.len() as u64, limits.samples_max) {
            (too_many, kept) = (true, false);
            (out.samples, out.exemplars, out.fresh_labels) = (Vec::new(), Vec::new(), Vec::new());
        }
    }
    if too_many {
        let (count, limit) = (report.samples_after_relabel, limits.samples_max);
        return Err(format!("sample limit exceeded: more than {limit} samples, about {count}"));
    }
    Ok(out)
}

/// The labels that the store gets for a raw text; `None`: dropped by relabelling.
pub(crate) fn labels_of(text: &[u8], kind: MetricType, target: &Target) -> Result<Option<Labels>, String> {
    let pairs = series_labels(text).map_err(|error| error.message)?;
    merged(pairs, kind, &target.labels, &target.settings)
}

/// With the line and column of `text`, which is a piece of `body`.
fn placed(body: &[u8], text: &[u8], reason: String) -> String {
    let offset = (text.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    ParseError::locate(body, offset, reason).to_string()
}

/// Adds a line to the hash of all metadata: bodies repeat it, and repetitions are not passed on.
fn hash_metadata(line: &Line<'_>, hash: u64) -> u64 {
    let (mark, metric, words) = match line {
        Line::Type { metric, kind } => (1, metric, kind.word()),
        Line::Help { metric, text } => (2, metric, text.as_ref()),
        Line::Unit { metric, unit } => (3, metric, *unit),
        Line::Sample { .. } | Line::Exemplar(_) => return hash,
    };
    xxh3_64_with_seed(words.as_bytes(), xxh3_64_with_seed(metric.as_bytes(), hash ^ mark))
}
