//! Bodies of remote write 1.0 and 2.0 to series with their samples, one series at a time.
//!
//! In:    the body as it came (snappy), a bound of bytes. Out: `Sent` after `Sent`.
//! Never: holds more than one series; takes a series without a name, with a label twice or a text that is not UTF-8 (those are `Sent::Bad`).

use bellbuoy_vocabulary::{Exemplar, Histogram, HistogramSpan, Labels, METRIC_NAME, Metadata, MetricType, Sample, Timestamp};
use prost::Message;

use crate::wire::{BodyError, Field, fields, text};

/// Labels of one series.
const LABELS_MAX: usize = 1024;
/// Bytes of one series: a batch of samples of one series is far below.
const SERIES_BYTES_MAX: usize = 4 << 20;
/// Texts of a 2.0 body.
const SYMBOLS_MAX: usize = 1_000_000;
/// Help texts are cut here.
const HELP_BYTES_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteVersion {
    /// `prometheus.WriteRequest`
    V1,
    /// `io.prometheus.write.v2.Request`
    V2,
}

impl WriteVersion {
    /// From a request's `Content-Type`. As Prometheus reads it: no type and no `proto` mean 1.0.
    pub fn of(content_type: &str) -> Result<WriteVersion, String> {
        let mut parts = content_type.split(';').map(str::trim);
        match parts.next() {
            Some("") | None => return Ok(WriteVersion::V1),
            Some(media) if media.eq_ignore_ascii_case("application/x-protobuf") => {}
            Some(_) => return Err(format!("expected application/x-protobuf as the first (media) part, got {content_type:?} content-type")),
        }
        for part in parts {
            match part.split_once('=') {
                Some(("proto", "prometheus.WriteRequest")) => return Ok(WriteVersion::V1),
                Some(("proto", "io.prometheus.write.v2.Request")) => return Ok(WriteVersion::V2),
                Some(("proto", other)) => return Err(format!("unknown remote write protobuf message {other}")),
                Some(_) => {}
                None => {
                    return Err(format!(
                        "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got {part:?}"
                    ));
                }
            }
        }
        Ok(WriteVersion::V1)
    }
}

/// A piece of a body.
#[derive(Debug, PartialEq)]
pub enum Sent<'a> {
    Series(SentSeries<'a>),
    /// A series that can not be stored: how many samples and histograms it had, and what is wrong.
    Bad {
        samples: u64,
        histograms: u64,
        reason: String,
    },
    /// Of a family of metrics.
    Metadata {
        metric: &'a str,
        metadata: Metadata,
    },
}

#[derive(Debug, PartialEq)]
pub struct SentSeries<'a> {
    pub labels: Labels,
    pub samples: &'a [Sample],
    pub histograms: &'a [(Timestamp, Histogram)],
    pub exemplars: &'a [Exemplar],
    /// With references to no symbol: they are left out.
    pub exemplars_bad: u64,
}

/// What snappy packed; the packed body says how large it will be, and more than `bytes_max` is never unpacked.
pub fn unsnappy(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let bad = |error: snap::Error| BodyError::new(format!("snappy: {error}"));
    let length = snap::raw::decompress_len(body).map_err(bad)?;
    if length > bytes_max {
        return Err(BodyError::new(format!("a body of {length} bytes; more than {bytes_max} are never taken, send smaller batches")));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(bad)
}

/// Calls `on` for each series and each family's metadata. On an error `on` has seen what stood before it: apply afterwards or not at all.
pub fn read_write(version: WriteVersion, body: &[u8], on: &mut dyn FnMut(Sent<'_>)) -> Result<(), BodyError> {
    match version {
        WriteVersion::V1 => read_v1(body, on),
        WriteVersion::V2 => read_v2(body, on),
    }
}

/// What is reused from series to series.
#[derive(Default)]
struct Scratch<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    samples: Vec<Sample>,
    histograms: Vec<(Timestamp, Histogram)>,
    exemplars: Vec<Exemplar>,
    exemplars_bad: u64,
    /// Why the series is bad.
    broken: Option<String>,
}

impl<'a> Scratch<'a> {
    fn clear(&mut self) {
        self.pairs.clear();
        self.samples.clear();
        self.histograms.clear();
        self.exemplars.clear();
        self.exemplars_bad = 0;
        self.broken = None;
    }

    fn give(&mut self, on: &mut dyn FnMut(Sent<'_>)) {
        match self.broken.take().map_or_else(|| self.labels(), Err) {
            Ok(labels) => {
                let Scratch { samples, histograms, exemplars, exemplars_bad, .. } = self;
                on(Sent::Series(SentSeries { labels, samples, histograms, exemplars, exemplars_bad: *exemplars_bad }));
            }
            Err(reason) => on(Sent::Bad { samples: self.samples.len() as u64, histograms: self.histograms.len() as u64, reason }),
        }
    }

    fn labels(&mut self) -> Result<Labels, String> {
        let pairs = &mut self.pairs;
        pairs.retain(|(_, value)| !value.is_empty());
        if pairs.len() > LABELS_MAX {
            return Err(format!("a series with {} labels; more than {LABELS_MAX} are never taken", pairs.len()));
        }
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
            pairs.sort_unstable();
            if let Some(two) = pairs.windows(2).find(|two| two[0].0 == two[1].0) {
                return Err(format!("invalid labels for series: the label {:?} stands twice", two[0].0));
            }
        }
        if pairs.first().is_some_and(|(name, _)| name.is_empty()) {
            return Err("invalid labels for series: a label has an empty name".into());
        }
        let labels = Labels::from_sorted(pairs.iter().copied());
        if labels.has(METRIC_NAME) { Ok(labels) } else { Err(format!("invalid labels for series, labels {labels}: no metric name")) }
    }

    fn sample(&mut self, body: &[u8]) -> Result<(), BodyError> {
        let (mut value, mut at) = (0.0, 0);
        for field in fields(body) {
            match field? {
                (1, Field::Fixed64(bits)) => value = f64::from_bits(bits),
                (2, Field::Varint(ms)) => at = ms as i64,
                _ => {}
            }
        }
        self.samples.push(Sample::new(Timestamp(at), value));
        Ok(())
    }

    fn histogram(&mut self, body: &[u8]) -> Result<(), BodyError> {
        let sent = SentHistogram::decode(body)?;
        let at = Timestamp(sent.timestamp);
        match sent.histogram() {
            Ok(histogram) => self.histograms.push((at, histogram)),
            Err(reason) => {
                self.histograms.push((at, Histogram::default()));
                self.broken.get_or_insert(reason);
            }
        }
        Ok(())
    }
}

fn check_size(body: &[u8]) -> Result<(), BodyError> {
    if body.len() <= SERIES_BYTES_MAX {
        return Ok(());
    }
    Err(BodyError::new(format!("one series with {} bytes; more than {SERIES_BYTES_MAX} are never taken", body.len())))
}

fn read_v1(body: &[u8], on: &mut dyn FnMut(Sent<'_>)) -> Result<(), BodyError> {
    let mut scratch = Scratch::default();
    for field in fields(body) {
        match field? {
            (1, Field::Bytes(series)) => {
                check_size(series)?;
                scratch.clear();
                for field in fields(series) {
                    match field? {
                        (1, Field::Bytes(label)) => scratch.pairs.push(pair(label)?),
                        (2, Field::Bytes(sample)) => scratch.sample(sample)?,
                        (3, Field::Bytes(exemplar)) => scratch.exemplars.push(exemplar_v1(exemplar)?),
                        (4, Field::Bytes(histogram)) => scratch.histogram(histogram)?,
                        _ => {}
                    }
                }
                scratch.give(on);
            }
            (3, Field::Bytes(family)) => {
                let (metric, metadata) = metadata_v1(family)?;
                if !metric.is_empty() {
                    on(Sent::Metadata { metric, metadata });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn pair(body: &[u8]) -> Result<(&str, &str), BodyError> {
    let (mut name, mut value): (&[u8], &[u8]) = (&[], &[]);
    for field in fields(body) {
        match field? {
            (1, Field::Bytes(text)) => name = text,
            (2, Field::Bytes(text)) => value = text,
            _ => {}
        }
    }
    Ok((text(name)?, text(value)?))
}

fn exemplar_v1(body: &[u8]) -> Result<Exemplar, BodyError> {
    let (mut pairs, mut value, mut at) = (Vec::new(), 0.0, 0);
    for field in fields(body) {
        match field? {
            (1, Field::Bytes(label)) => pairs.push(pair(label)?),
            (2, Field::Fixed64(bits)) => value = f64::from_bits(bits),
            (3, Field::Varint(ms)) => at = ms as i64,
            _ => {}
        }
    }
    Ok(exemplar(pairs, value, at))
}

/// As Prometheus reads it: 0 is no time.
fn exemplar(pairs: Vec<(&str, &str)>, value: f64, at: i64) -> Exemplar {
    Exemplar { labels: Labels::from_pairs(pairs), value, at: Timestamp(at), has_own_time: at != 0 }
}

fn metadata_v1(body: &[u8]) -> Result<(&str, Metadata), BodyError> {
    let mut metric = "";
    let mut metadata = Metadata::default();
    for field in fields(body) {
        match field? {
            (1, Field::Varint(kind)) => metadata.kind = kind_of(kind),
            (2, Field::Bytes(name)) => metric = text(name)?,
            (4, Field::Bytes(help)) => metadata.help = short(text(help)?),
            (5, Field::Bytes(unit)) => metadata.unit = short(text(unit)?),
            _ => {}
        }
    }
    Ok((metric, metadata))
}

fn short(help: &str) -> String {
    help[..help.floor_char_boundary(HELP_BYTES_MAX)].to_string()
}

/// The numbers are the same in both versions.
fn kind_of(number: u64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}

fn read_v2(body: &[u8], on: &mut dyn FnMut(Sent<'_>)) -> Result<(), BodyError> {
    // All texts first: fields may come in any order.
    let mut symbols: Vec<&str> = Vec::new();
    for field in fields(body) {
        if let (4, Field::Bytes(symbol)) = field? {
            if symbols.len() == SYMBOLS_MAX {
                return Err(BodyError::new(format!("more than {SYMBOLS_MAX} symbols; send smaller batches")));
            }
            symbols.push(text(symbol)?);
        }
    }
    if symbols.first().is_some_and(|first| !first.is_empty()) {
        return Err(BodyError::new("the first symbol must be the empty text"));
    }
    let mut scratch = Scratch::default();
    for field in fields(body) {
        if let (5, Field::Bytes(series)) = field? {
            check_size(series)?;
            scratch.clear();
            let metadata = series_v2(series, &symbols, &mut scratch)?;
            let name = scratch.pairs.iter().find(|(name, _)| *name == METRIC_NAME).map_or("", |(_, value)| *value);
            scratch.give(on);
            if let Some(metadata) = metadata.filter(|metadata| *metadata != Metadata::default() && !name.is_empty()) {
                on(Sent::Metadata { metric: family_of(name, metadata.kind), metadata });
            }
        }
    }
    Ok(())
}

/// Metadata comes with each series; the store keeps it by family.
fn family_of(name: &str, kind: MetricType) -> &str {
    let suffixes: &[&str] = match kind {
        MetricType::Histogram | MetricType::GaugeHistogram => &["_bucket", "_sum", "_count"],
        MetricType::Summary => &["_sum", "_count"],
        _ => &[],
    };
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

fn series_v2<'a>(body: &'a [u8], symbols: &[&'a str], scratch: &mut Scratch<'a>) -> Result<Option<Metadata>, BodyError> {
    let mut refs: Vec<u64> = Vec::with_capacity(32);
    let mut metadata = None;
    for field in fields(body) {
        match field? {
            (1, Field::Bytes(packed)) => push_refs(&mut refs, packed)?,
            (1, Field::Varint(one)) => refs.push(one),
            (2, Field::Bytes(sample)) => scratch.sample(sample)?,
            (3, Field::Bytes(histogram)) => scratch.histogram(histogram)?,
            (4, Field::Bytes(exemplar)) => match exemplar_v2(exemplar, symbols)? {
                Some(exemplar) => scratch.exemplars.push(exemplar),
                None => scratch.exemplars_bad += 1,
            },
            (5, Field::Bytes(found)) => metadata = Some(metadata_v2(found, symbols)?),
            _ => {}
        }
    }
    if let Err(two) = push_pairs(&mut scratch.pairs, &refs, symbols) {
        let reason = format!("parsing labels for series: labels_refs {two:?} with {} symbols", symbols.len());
        scratch.broken.get_or_insert(reason);
    }
    Ok(metadata)
}

fn push_refs(refs: &mut Vec<u64>, mut packed: &[u8]) -> Result<(), BodyError> {
    while !packed.is_empty() {
        refs.push(prost::encoding::decode_varint(&mut packed)?);
    }
    Ok(())
}

/// Names and values by their numbers; the first two that are none.
fn push_pairs<'a, 'b>(pairs: &mut Vec<(&'a str, &'a str)>, refs: &'b [u64], symbols: &[&'a str]) -> Result<(), &'b [u64]> {
    let symbol = |number: &u64| symbols.get(usize::try_from(*number).unwrap_or(usize::MAX)).copied();
    for two in refs.chunks(2) {
        match (symbol(&two[0]), two.get(1).and_then(symbol)) {
            (Some(name), Some(value)) => pairs.push((name, value)),
            _ => return Err(two),
        }
    }
    Ok(())
}

/// `None`: its labels are references to nothing.
fn exemplar_v2(body: &[u8], symbols: &[&str]) -> Result<Option<Exemplar>, BodyError> {
    let (mut refs, mut value, mut at) = (Vec::new(), 0.0, 0);
    for field in fields(body) {
        match field? {
            (1, Field::Bytes(packed)) => push_refs(&mut refs, packed)?,
            (1, Field::Varint(one)) => refs.push(one),
            (2, Field::Fixed64(bits)) => value = f64::from_bits(bits),
            (3, Field::Varint(ms)) => at = ms as i64,
            _ => {}
        }
    }
    let mut pairs = Vec::new();
    Ok(push_pairs(&mut pairs, &refs, symbols).is_ok().then(|| exemplar(pairs, value, at)))
}

fn metadata_v2(body: &[u8], symbols: &[&str]) -> Result<Metadata, BodyError> {
    let symbol = |number: u64| usize::try_from(number).ok().and_then(|at| symbols.get(at)).map_or(String::new(), |text| short(text));
    let mut metadata = Metadata::default();
    for field in fields(body) {
        match field? {
            (1, Field::Varint(kind)) => metadata.kind = kind_of(kind),
            (3, Field::Varint(help)) => metadata.help = symbol(help),
            (4, Field::Varint(unit)) => metadata.unit = symbol(unit),
            _ => {}
        }
    }
    Ok(metadata)
}

/// `Histogram` of both versions: whole counts as deltas, or float counts.
#[derive(Clone, PartialEq, prost::Message)]
struct SentHistogram {
    #[prost(uint64, optional, tag = "1")]
    count_int: Option<u64>,
    #[prost(double, optional, tag = "2")]
    count_float: Option<f64>,
    #[prost(double, tag = "3")]
    sum: f64,
    #[prost(sint32, tag = "4")]
    schema: i32,
    #[prost(double, tag = "5")]
    zero_threshold: f64,
    #[prost(uint64, optional, tag = "6")]
    zero_count_int: Option<u64>,
    #[prost(double, optional, tag = "7")]
    zero_count_float: Option<f64>,
    #[prost(message, repeated, tag = "8")]
    negative_spans: Vec<SentSpan>,
    #[prost(sint64, repeated, tag = "9")]
    negative_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "10")]
    negative_counts: Vec<f64>,
    #[prost(message, repeated, tag = "11")]
    positive_spans: Vec<SentSpan>,
    #[prost(sint64, repeated, tag = "12")]
    positive_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "13")]
    positive_counts: Vec<f64>,
    #[prost(int64, tag = "15")]
    timestamp: i64,
    #[prost(double, repeated, tag = "16")]
    custom_values: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct SentSpan {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

impl SentHistogram {
    fn histogram(self) -> Result<Histogram, String> {
        let is_float = self.count_float.is_some();
        let buckets = |deltas: Vec<i64>, counts: Vec<f64>| if is_float { counts } else { summed(deltas) };
        let spans = |sent: Vec<SentSpan>| sent.iter().map(|span| HistogramSpan { offset: span.offset, length: span.length }).collect();
        let histogram = Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count_float.unwrap_or(self.zero_count_int.unwrap_or(0) as f64),
            count: self.count_float.unwrap_or(self.count_int.unwrap_or(0) as f64),
            sum: self.sum,
            positive_spans: spans(self.positive_spans),
            negative_spans: spans(self.negative_spans),
            positive_buckets: buckets(self.positive_deltas, self.positive_counts),
            negative_buckets: buckets(self.negative_deltas, self.negative_counts),
            custom_values: self.custom_values,
        };
        for (side, spans, buckets) in [
            ("positive", &histogram.positive_spans, &histogram.positive_buckets),
            ("negative", &histogram.negative_spans, &histogram.negative_buckets),
        ] {
            let wanted: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
            if wanted != buckets.len() as u64 {
                return Err(format!("histogram: {side} side: spans need {wanted} buckets, have {} buckets", buckets.len()));
            }
        }
        if histogram.schema != -53 && !(-4..=8).contains(&histogram.schema) {
            return Err(format!("histogram: unknown schema {}", histogram.schema));
        }
        Ok(histogram)
    }
}

/// Each bucket is sent as the difference to the one before it.
fn summed(deltas: Vec<i64>) -> Vec<f64> {
    let mut count = 0_i64;
    deltas
        .into_iter()
        .map(|delta| {
            count = count.saturating_add(delta);
            count as f64
        })
        .collect()
}

#[cfg(test)]
mod tests;
