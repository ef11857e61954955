//! Prometheus' protobuf exposition format (`io.prometheus.client.MetricFamily`, each with its length before it) to families and to text.
//!
//! In:    the bytes of a body. Out: families, or the same as metric text, which the scrape's cache reads as any other.
//! Never: holds more than one metric of its own; native buckets are left out and counted, since the store holds floats only; their exemplars stay.

use bellbuoy_vocabulary::{Exemplar, Labels, MetricType, Timestamp};
use prost::Message;

use crate::family::{Family, FamilySample};
use crate::wire::{BodyError, Field, delimited, fields, text};
use crate::{TextWriter, format_openmetrics_value};

/// Bytes of one metric with its labels and buckets.
const METRIC_BYTES_MAX: usize = 1 << 20;
/// Of one native histogram; services keep ten.
const EXEMPLARS_MAX: usize = 1000;

/// What was left out of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Histograms whose native buckets are not in the text; their classic buckets, sum and count are.
    pub native_histograms: u64,
}

/// The families of a body in its order.
pub fn families_of_protobuf(body: &[u8]) -> Result<(Vec<Family>, LeftOut), BodyError> {
    let mut families = Vec::new();
    let mut left_out = LeftOut::default();
    read(body, &mut left_out, &mut |family| {
        families.push(family);
        true
    })?;
    Ok((families, left_out))
}

/// The body as Prometheus' text format with exemplars, which `Entries::unpacked` reads; at most `bytes_max` long.
pub fn text_of_protobuf(body: &[u8], bytes_max: u64) -> Result<(String, LeftOut), BodyError> {
    let mut out = String::new();
    let mut left_out = LeftOut::default();
    read(body, &mut left_out, &mut |family| {
        let mut writer = TextWriter::unpacked();
        family.write(&mut writer);
        out.push_str(&writer.finish());
        out.len() as u64 <= bytes_max
    })?;
    if out.len() as u64 > bytes_max {
        return Err(BodyError::new(format!("body size limit exceeded: more than {bytes_max} bytes as text")));
    }
    Ok((out, left_out))
}

/// Ends early when `on` says no.
fn read(mut body: &[u8], left_out: &mut LeftOut, on: &mut dyn FnMut(Family) -> bool) -> Result<(), BodyError> {
    while !body.is_empty() {
        if !on(read_family(delimited(&mut body)?, left_out)?) {
            break;
        }
    }
    Ok(())
}

fn read_family(body: &[u8], left_out: &mut LeftOut) -> Result<Family, BodyError> {
    let mut family = Family { kind: MetricType::Counter, ..Family::default() };
    for field in fields(body) {
        match field? {
            (1, Field::Bytes(name)) => family.name = text(name)?.to_string(),
            (2, Field::Bytes(help)) => family.help = text(help)?.to_string(),
            (3, Field::Varint(kind)) => family.kind = kind_of(kind)?,
            _ => {}
        }
    }
    if family.name.is_empty() {
        return Err(BodyError::new("a metric family has no name"));
    }
    for field in fields(body) {
        if let (4, Field::Bytes(metric)) = field? {
            if metric.len() > METRIC_BYTES_MAX {
                return Err(BodyError::new(format!("a metric of {} with more than {METRIC_BYTES_MAX} bytes", family.name)));
            }
            let metric = Metric::decode(metric)?;
            push_metric(&mut family, metric, left_out)?;
        }
    }
    Ok(family)
}

fn kind_of(number: u64) -> Result<MetricType, BodyError> {
    Ok(match number {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        3 => MetricType::Unknown,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        _ => return Err(BodyError::new(format!("unknown metric type {number}"))),
    })
}

fn push_metric(family: &mut Family, metric: Metric, left_out: &mut LeftOut) -> Result<(), BodyError> {
    let wrong = |family: &Family| BodyError::new(format!("expected {} in metric {}", family.kind, family.name));
    let at = metric.timestamp_ms.map(Timestamp);
    let labels: Vec<(String, String)> = metric.label.into_iter().map(|pair| (pair.name, pair.value)).collect();
    let mut samples = Vec::new();
    let mut push = |suffix: &str, extra: Option<(&str, f64)>, value: f64, exemplars: Vec<Exemplar>| {
        let mut labels = labels.clone();
        labels.extend(extra.map(|(label, bound)| (label.to_string(), format_openmetrics_value(bound))));
        samples.push(FamilySample { name: format!("{}{suffix}", family.name), labels, value, at, exemplars });
    };
    match family.kind {
        MetricType::Counter => {
            let counter = metric.counter.ok_or_else(|| wrong(family))?;
            push("", None, counter.value, counter.exemplar.into_iter().map(ClientExemplar::read).collect());
        }
        MetricType::Gauge => push("", None, metric.gauge.ok_or_else(|| wrong(family))?.value, Vec::new()),
        MetricType::Summary => {
            let summary = metric.summary.ok_or_else(|| wrong(family))?;
            for quantile in &summary.quantile {
                push("", Some(("quantile", quantile.quantile)), quantile.value, Vec::new());
            }
            push("_sum", None, summary.sample_sum, Vec::new());
            push("_count", None, summary.sample_count as f64, Vec::new());
        }
        MetricType::Histogram | MetricType::GaugeHistogram => {
            let mut histogram = metric.histogram.ok_or_else(|| wrong(family))?;
            let either = |whole: u64, float: f64| if float > 0.0 { float } else { whole as f64 };
            let count = either(histogram.sample_count, histogram.sample_count_float);
            left_out.native_histograms += u64::from(histogram.is_native());
            // The store has no series for the native histogram: its exemplars go to the first bucket that holds their value.
            let timed = histogram.exemplars.into_iter().filter(|exemplar| exemplar.timestamp.is_some());
            let mut native: Vec<Exemplar> = timed.take(EXEMPLARS_MAX).map(ClientExemplar::read).collect();
            native.retain(|exemplar| !exemplar.value.is_nan());
            for bucket in &mut histogram.bucket {
                let (mut inside, above) = native.into_iter().partition(|exemplar: &Exemplar| exemplar.value <= bucket.upper_bound);
                native = above;
                inside.extend(bucket.exemplar.take().map(ClientExemplar::read));
                let count = either(bucket.cumulative_count, bucket.cumulative_count_float);
                push("_bucket", Some(("le", bucket.upper_bound)), count, in_order(inside));
            }
            if histogram.bucket.last().is_none_or(|last| last.upper_bound != f64::INFINITY) {
                push("_bucket", Some(("le", f64::INFINITY)), count, in_order(native));
            }
            push("_sum", None, histogram.sample_sum, Vec::new());
            push("_count", None, count, Vec::new());
        }
        _ => push("", None, metric.untyped.ok_or_else(|| wrong(family))?.value, Vec::new()),
    }
    family.samples.extend(samples);
    Ok(())
}

/// As a series takes them: by time, each once. A service may tell one event with its native histogram and with the classic bucket.
fn in_order(mut exemplars: Vec<Exemplar>) -> Vec<Exemplar> {
    exemplars.sort_by(|a, b| b.has_own_time.cmp(&a.has_own_time).then_with(|| a.order(b)));
    exemplars.dedup();
    exemplars
}

#[derive(Clone, PartialEq, prost::Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ClientExemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Time>,
}

impl ClientExemplar {
    fn read(self) -> Exemplar {
        let ms = |time: Time| time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos / 1_000_000));
        let pairs = self.label.into_iter().map(|pair| (pair.name, pair.value));
        let at = Timestamp(self.timestamp.map_or(0, ms));
        Exemplar { labels: Labels::from_pairs(pairs), value: self.value, at, has_own_time: self.timestamp.is_some() }
    }
}

/// Counter, gauge and untyped: the value is field 1 of each. Times of creation are skipped.
#[derive(Clone, PartialEq, prost::Message)]
struct Plain {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(message, optional, tag = "2")]
    exemplar: Option<ClientExemplar>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Quantile {
    #[prost(double, tag = "1")]
    quantile: f64,
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Summary {
    #[prost(uint64, tag = "1")]
    sample_count: u64,
    #[prost(double, tag = "2")]
    sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    quantile: Vec<Quantile>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Bucket {
    #[prost(uint64, tag = "1")]
    cumulative_count: u64,
    #[prost(double, tag = "2")]
    upper_bound: f64,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<ClientExemplar>,
    #[prost(double, tag = "4")]
    cumulative_count_float: f64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct BucketSpan {
    #[prost(uint32, tag = "2")]
    length: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ClientHistogram {
    #[prost(uint64, tag = "1")]
    sample_count: u64,
    #[prost(double, tag = "2")]
    sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(double, tag = "4")]
    sample_count_float: f64,
    #[prost(double, tag = "6")]
    zero_threshold: f64,
    #[prost(message, repeated, tag = "9")]
    negative_span: Vec<BucketSpan>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    /// Of the native buckets.
    #[prost(message, repeated, tag = "16")]
    exemplars: Vec<ClientExemplar>,
}

impl ClientHistogram {
    fn is_native(&self) -> bool {
        self.zero_threshold > 0.0 || !self.negative_span.is_empty() || !self.positive_span.is_empty()
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Plain>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Plain>,
    #[prost(message, optional, tag = "4")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "5")]
    untyped: Option<Plain>,
    #[prost(int64, optional, tag = "6")]
    timestamp_ms: Option<i64>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<ClientHistogram>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    struct MetricFamily {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        help: String,
        #[prost(int32, tag = "3")]
        kind: i32,
        #[prost(message, repeated, tag = "4")]
        metric: Vec<Metric>,
    }

    fn shown(family: MetricFamily) -> String {
        match text_of_protobuf(&family.encode_length_delimited_to_vec(), 10_000) {
            Ok((text, left_out)) => format!("{text}native {}", left_out.native_histograms),
            Err(error) => error.to_string(),
        }
    }

    fn family(kind: i32, metric: Metric) -> MetricFamily {
        MetricFamily { name: "m".into(), help: "Help.".into(), kind, metric: vec![metric] }
    }

    #[test]
    fn each_type_becomes_its_text() {
        let label = vec![LabelPair { name: "a".into(), value: "x\"y".into() }];
        let counter = Metric { label, counter: Some(Plain { value: 3.0, exemplar: None }), timestamp_ms: Some(5), ..Metric::default() };
        assert_eq!(shown(family(0, counter)), "# HELP m Help.\n# TYPE m counter\nm{a=\"x\\\"y\"} 3 5\nnative 0");
        let summary = Summary { sample_count: 2, sample_sum: 1.5, quantile: vec![Quantile { quantile: 1.0, value: 0.7 }] };
        assert_eq!(
            shown(family(2, Metric { summary: Some(summary), ..Metric::default() })),
            "# HELP m Help.\n# TYPE m summary\nm{quantile=\"1.0\"} 0.7\nm_sum 1.5\nm_count 2\nnative 0"
        );
        let buckets = vec![Bucket { cumulative_count: 1, upper_bound: 2.0, cumulative_count_float: 0.0, exemplar: None }];
        let histogram = ClientHistogram { sample_count: 4, sample_sum: 9.0, bucket: buckets, ..ClientHistogram::default() };
        assert_eq!(
            shown(family(4, Metric { histogram: Some(histogram), ..Metric::default() })),
            "# HELP m Help.\n# TYPE m histogram\nm_bucket{le=\"2.0\"} 1\nm_bucket{le=\"+Inf\"} 4\nm_sum 9\nm_count 4\nnative 0"
        );
        let native = ClientHistogram { sample_count: 4, positive_span: vec![BucketSpan { length: 1 }], ..ClientHistogram::default() };
        assert_eq!(
            shown(family(4, Metric { histogram: Some(native), ..Metric::default() })),
            "# HELP m Help.\n# TYPE m histogram\nm_bucket{le=\"+Inf\"} 4\nm_sum 0\nm_count 4\nnative 1"
        );
    }

    #[test]
    fn exemplars_are_read_back() {
        let exemplar = |value: f64, timestamp: Option<Time>| {
            let label = vec![LabelPair { name: "trace.id".into(), value: "a\"b\\".into() }];
            Some(ClientExemplar { label, value, timestamp })
        };
        let plain = Plain { value: 3.0, exemplar: exemplar(0.5, None) };
        let counter = family(0, Metric { counter: Some(plain), timestamp_ms: Some(5), ..Metric::default() });
        let time = Time { seconds: 1_520_879_607, nanos: 789_999_999 };
        let bucket = Bucket { cumulative_count: 1, upper_bound: 2.0, exemplar: exemplar(1.0, Some(time)), ..Bucket::default() };
        let histogram = ClientHistogram { sample_count: 4, bucket: vec![bucket], ..ClientHistogram::default() };
        let histogram = family(4, Metric { histogram: Some(histogram), ..Metric::default() });
        let mut found = Vec::new();
        for family in [counter, histogram] {
            let (text, _) = text_of_protobuf(&family.encode_length_delimited_to_vec(), 10_000).expect("read");
            let mut of = String::new();
            for entry in crate::Entries::unpacked(text.as_bytes()) {
                match entry.expect("our own text") {
                    crate::Entry::Sample { series, .. } => of = String::from_utf8_lossy(series).into(),
                    crate::Entry::Exemplar(raw) => {
                        let labels = crate::exemplar_labels(raw.labels).expect("our own labels");
                        found.push((of.clone(), labels.to_string(), raw.value, raw.at));
                    }
                    _ => {}
                }
            }
            assert!(crate::families_of_text(crate::Format::PrometheusText, text.as_bytes()).is_err(), "the text format itself has none");
        }
        let labels = "{\"trace.id\"=\"a\\\"b\\\\\"}".to_string();
        let at = Some(Timestamp(1_520_879_607_789));
        assert_eq!(found, [("m".to_string(), labels.clone(), 0.5, None), ("m_bucket{le=\"2.0\"}".to_string(), labels, 1.0, at)]);
    }

    /// A native histogram's exemplars were left out with its buckets.
    #[test]
    fn those_of_native_histograms_go_to_the_bucket_that_holds_their_value() {
        let exemplar = |id: &str, value: f64, seconds: Option<i64>| {
            let label = vec![LabelPair { name: "id".into(), value: id.into() }];
            ClientExemplar { label, value, timestamp: seconds.map(|seconds| Time { seconds, nanos: 0 }) }
        };
        let buckets = [1.0, 2.0].map(|upper_bound| Bucket {
            upper_bound,
            exemplar: Some(exemplar("classic", upper_bound, Some(5))),
            ..Bucket::default()
        });
        let native = ClientHistogram {
            bucket: buckets.to_vec(),
            positive_span: vec![BucketSpan { length: 1 }],
            exemplars: vec![
                exemplar("late", 2.0, Some(7)),
                exemplar("early", 1.5, Some(3)),
                exemplar("classic", 1.0, Some(5)),
                exemplar("above", 9.0, Some(6)),
                exemplar("no time", 1.5, None),
                exemplar("no number", f64::NAN, Some(6)),
            ],
            ..ClientHistogram::default()
        };
        let alone = ClientHistogram { bucket: Vec::new(), ..native.clone() };
        let found = |histogram: ClientHistogram| -> Vec<String> {
            let body = family(4, Metric { histogram: Some(histogram), ..Metric::default() }).encode_length_delimited_to_vec();
            let (families, _) = families_of_protobuf(&body).expect("read");
            // Kept as text, and read again.
            let (text, _) = text_of_protobuf(&body, 10_000).expect("read");
            assert_eq!(crate::families_of_unpacked(text.as_bytes()).expect("our own text"), families);
            let samples = families.iter().flat_map(|family| &family.samples).filter(|sample| !sample.exemplars.is_empty());
            let shown = |exemplar: &Exemplar| format!("{}@{}", exemplar.labels.get("id"), exemplar.at.0 / 1000);
            samples
                .map(|sample| format!("{}: {}", sample.labels[0].1, sample.exemplars.iter().map(shown).collect::<Vec<_>>().join(" ")))
                .collect()
        };
        assert_eq!(found(native), ["1.0: classic@5", "2.0: early@3 classic@5 late@7", "+Inf: above@6"]);
        assert_eq!(found(alone), ["+Inf: early@3 classic@5 above@6 late@7"]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let gauge = Metric { gauge: Some(Plain { value: 1.0, exemplar: None }), ..Metric::default() };
        assert_eq!(shown(family(0, gauge.clone())), "expected counter in metric m");
        assert_eq!(shown(family(9, gauge.clone())), "unknown metric type 9");
        assert_eq!(shown(MetricFamily { name: String::new(), ..family(1, gauge.clone()) }), "a metric family has no name");
        let many = MetricFamily { metric: vec![gauge; 5000], ..family(1, Metric::default()) };
        assert!(shown(MetricFamily { metric: many.metric, ..family(1, Metric::default()) }).contains("more than 10000 bytes"));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = families_of_protobuf(&bytes);
        }
    }
}
