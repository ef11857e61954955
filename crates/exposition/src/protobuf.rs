//! Prometheus' protobuf exposition format (`io.prometheus.client.MetricFamily`, each with its length before it) to families and to text.
//!
//! In:    the bytes of a body. Out: families, or the same as metric text, which the scrape's cache reads as any other.
//! Never: holds more than one metric of its own; native buckets are left out and counted, since the store holds floats only.

use bellbuoy_vocabulary::{MetricType, Timestamp};
use prost::Message;

use crate::family::{Family, FamilySample};
use crate::wire::{BodyError, Field, delimited, fields, text};
use crate::{Format, TextWriter, format_openmetrics_value};

/// Bytes of one metric with its labels and buckets.
const METRIC_BYTES_MAX: usize = 1 << 20;

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
    read(body, &mut left_out, &mut |family, _| {
        families.push(family);
        true
    })?;
    Ok((families, left_out))
}

/// The body as Prometheus' text format with exemplars, which `Entries::unpacked` reads; at most `bytes_max` long.
pub fn text_of_protobuf(body: &[u8], bytes_max: u64) -> Result<(String, LeftOut), BodyError> {
    let mut out = String::new();
    let mut left_out = LeftOut::default();
    read(body, &mut left_out, &mut |mut family, exemplars| {
        let mut writer = TextWriter::new(Format::PrometheusText);
        let samples = std::mem::take(&mut family.samples);
        family.write(&mut writer);
        let mut exemplars = exemplars.into_iter().peekable();
        for (index, sample) in samples.iter().enumerate() {
            family.write_sample(sample, &mut writer);
            while let Some((_, exemplar)) = exemplars.next_if(|(of, _)| *of == index) {
                exemplar.write(&mut writer);
            }
        }
        out.push_str(&writer.finish());
        out.len() as u64 <= bytes_max
    })?;
    if out.len() as u64 > bytes_max {
        return Err(BodyError::new(format!("body size limit exceeded: more than {bytes_max} bytes as text")));
    }
    Ok((out, left_out))
}

/// Each with the number of its sample in the family.
type Exemplars = Vec<(usize, ClientExemplar)>;

/// Ends early when `on` says no.
fn read(mut body: &[u8], left_out: &mut LeftOut, on: &mut dyn FnMut(Family, Exemplars) -> bool) -> Result<(), BodyError> {
    while !body.is_empty() {
        let (family, exemplars) = read_family(delimited(&mut body)?, left_out)?;
        if !on(family, exemplars) {
            break;
        }
    }
    Ok(())
}

fn read_family(body: &[u8], left_out: &mut LeftOut) -> Result<(Family, Exemplars), BodyError> {
    let mut exemplars = Exemplars::new();
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
            push_metric(&mut family, &mut exemplars, metric, left_out)?;
        }
    }
    Ok((family, exemplars))
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

fn push_metric(family: &mut Family, exemplars: &mut Exemplars, metric: Metric, left_out: &mut LeftOut) -> Result<(), BodyError> {
    let wrong = |family: &Family| BodyError::new(format!("expected {} in metric {}", family.kind, family.name));
    let at = metric.timestamp_ms.map(Timestamp);
    let labels: Vec<(String, String)> = metric.label.into_iter().map(|pair| (pair.name, pair.value)).collect();
    let mut samples = Vec::new();
    let before = family.samples.len();
    let mut push = |suffix: &str, extra: Option<(&str, f64)>, value: f64, exemplar: Option<ClientExemplar>| {
        let mut labels = labels.clone();
        exemplars.extend(exemplar.map(|exemplar| (before + samples.len(), exemplar)));
        labels.extend(extra.map(|(label, bound)| (label.to_string(), format_openmetrics_value(bound))));
        samples.push(FamilySample { name: format!("{}{suffix}", family.name), labels, value, at });
    };
    match family.kind {
        MetricType::Counter => {
            let counter = metric.counter.ok_or_else(|| wrong(family))?;
            push("", None, counter.value, counter.exemplar);
        }
        MetricType::Gauge => push("", None, metric.gauge.ok_or_else(|| wrong(family))?.value, None),
        MetricType::Summary => {
            let summary = metric.summary.ok_or_else(|| wrong(family))?;
            for quantile in &summary.quantile {
                push("", Some(("quantile", quantile.quantile)), quantile.value, None);
            }
            push("_sum", None, summary.sample_sum, None);
            push("_count", None, summary.sample_count as f64, None);
        }
        MetricType::Histogram | MetricType::GaugeHistogram => {
            let mut histogram = metric.histogram.ok_or_else(|| wrong(family))?;
            let either = |whole: u64, float: f64| if float > 0.0 { float } else { whole as f64 };
            let count = either(histogram.sample_count, histogram.sample_count_float);
            left_out.native_histograms += u64::from(histogram.is_native());
            for bucket in &mut histogram.bucket {
                let count = either(bucket.cumulative_count, bucket.cumulative_count_float);
                push("_bucket", Some(("le", bucket.upper_bound)), count, bucket.exemplar.take());
            }
            if histogram.bucket.last().is_none_or(|last| last.upper_bound != f64::INFINITY) {
                push("_bucket", Some(("le", f64::INFINITY)), count, None);
            }
            push("_sum", None, histogram.sample_sum, None);
            push("_count", None, count, None);
        }
        _ => push("", None, metric.untyped.ok_or_else(|| wrong(family))?.value, None),
    }
    family.samples.extend(samples);
    Ok(())
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
    fn write(self, to: &mut TextWriter) {
        let labels: Vec<(String, String)> = self.label.into_iter().map(|pair| (pair.name, pair.value)).collect();
        let ms = |time: Time| Timestamp(time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos / 1_000_000)));
        to.exemplar(&labels, self.value, self.timestamp.map(ms));
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
            assert!(crate::families_of_text(Format::PrometheusText, text.as_bytes()).is_err(), "the text format itself has none");
        }
        let labels = "{\"trace.id\"=\"a\\\"b\\\\\"}".to_string();
        let at = Some(Timestamp(1_520_879_607_789));
        assert_eq!(found, [("m".to_string(), labels.clone(), 0.5, None), ("m_bucket{le=\"2.0\"}".to_string(), labels, 1.0, at)]);
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
