//! Points to series: labels from attributes, `job` and `instance` from the resource, `target_info` for the rest of it.
//!
//! In:    points with the attributes of their resource and scope. Out: samples under Prometheus' names; what was refused, with reasons.
//! Never: takes delta or exponential points: they are counted and named.

use std::borrow::Cow;

use bellbuoy_vocabulary::{Exemplar, Labels, METRIC_NAME, Metadata, MetricType, STALE_NAN, Timestamp};
use prost::Message;
use serde_json::json;

use super::exemplars::exemplars_of;
use super::messages::{AnyValue, CUMULATIVE, HistogramPoint, KeyValue, Metric, NumberPoint, Request, Resource, SummaryPoint};
use super::names::{Kind, label_name, metadata_unit, metric_name};
use crate::wire::{BodyError, Field, fields};

/// The unpacked size of a metric is a multiple of this.
const METRIC_BYTES_MAX: usize = 8 << 20;
/// JSON is unpacked whole.
const JSON_BYTES_MAX: usize = 8 << 20;
const RESOURCE_BYTES_MAX: usize = 1 << 20;
const ATTRIBUTES_MAX: usize = 512;
/// Reasons that are told; further ones are counted.
const REASONS_MAX: usize = 5;
/// `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`
const NO_VALUE: u32 = 1;

/// A piece of a body.
#[derive(Debug, PartialEq)]
pub enum Otlp<'a> {
    Sample(OtlpSample),
    Metadata { metric: &'a str, metadata: Metadata },
}

#[derive(Clone, Debug, PartialEq)]
pub struct OtlpSample {
    pub labels: Labels,
    pub at: Timestamp,
    pub value: f64,
    /// The first series of its point: a refused one is counted once.
    pub is_point: bool,
    pub exemplars: Vec<Exemplar>,
}

/// What became of the points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Points, not series: a histogram is one.
    pub points: u64,
    pub refused: u64,
    /// Each once, at most a few.
    pub reasons: Vec<String>,
}

impl Outcome {
    fn refuse(&mut self, points: usize, reason: String) {
        self.points += points as u64;
        self.refused += points as u64;
        if self.reasons.len() < REASONS_MAX && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }
}

/// On an error `on` has seen what stood before it.
pub fn read_otlp_protobuf(body: &[u8], on: &mut dyn FnMut(Otlp<'_>)) -> Result<Outcome, BodyError> {
    let mut outcome = Outcome::default();
    for field in fields(body) {
        if let (1, Field::Bytes(resource_metrics)) = field? {
            read_resource(resource_metrics, on, &mut outcome)?;
        }
    }
    Ok(outcome)
}

pub fn read_otlp_json(body: &[u8], on: &mut dyn FnMut(Otlp<'_>)) -> Result<Outcome, BodyError> {
    if body.len() > JSON_BYTES_MAX {
        return Err(BodyError::new(format!(
            "JSON of {} bytes; more than {JSON_BYTES_MAX} are never taken, send smaller batches",
            body.len()
        )));
    }
    let request: Request = serde_json::from_slice(body).map_err(|error| BodyError(format!("not the JSON that was expected: {error}")))?;
    let mut outcome = Outcome::default();
    for resource_metrics in &request.resource_metrics {
        let mut of = OfResource::new(resource_metrics.resource.as_ref());
        for metric in resource_metrics.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            of.metric(metric, on, &mut outcome);
        }
        of.finish(on);
    }
    Ok(outcome)
}

/// Metric by metric, so that only one is unpacked at a time.
fn read_resource(body: &[u8], on: &mut dyn FnMut(Otlp<'_>), outcome: &mut Outcome) -> Result<(), BodyError> {
    let mut resource = None;
    for field in fields(body) {
        if let (1, Field::Bytes(found)) = field? {
            check_size("resource", found, RESOURCE_BYTES_MAX)?;
            resource = Some(Resource::decode(found)?);
        }
    }
    let mut of = OfResource::new(resource.as_ref());
    for field in fields(body) {
        let (2, Field::Bytes(scope)) = field? else { continue };
        for field in fields(scope) {
            if let (2, Field::Bytes(metric)) = field? {
                check_size("metric", metric, METRIC_BYTES_MAX)?;
                of.metric(&Metric::decode(metric)?, on, outcome);
            }
        }
    }
    of.finish(on);
    Ok(())
}

fn check_size(what: &str, body: &[u8], bytes_max: usize) -> Result<(), BodyError> {
    if body.len() <= bytes_max {
        return Ok(());
    }
    Err(BodyError::new(format!("one {what} with {} bytes; more than {bytes_max} are never taken", body.len())))
}

/// The resource that points belong to.
struct OfResource {
    job: String,
    instance: String,
    /// The labels of `target_info`; `None`: there is nothing to tell, or nobody to tell it of.
    info: Option<Labels>,
    newest: Option<Timestamp>,
}

impl OfResource {
    fn new(resource: Option<&Resource>) -> OfResource {
        let attributes = resource.map_or(&[][..], |resource| &resource.attributes[..]);
        let get = |key: &str| attributes.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_ref()).map(words);
        let job = match (get("service.namespace"), get("service.name")) {
            (Some(namespace), Some(name)) if !namespace.is_empty() => format!("{namespace}/{name}"),
            (_, name) => name.unwrap_or_default().into_owned(),
        };
        let instance = get("service.instance.id").unwrap_or_default().into_owned();
        let is_identity = |key: &str| matches!(key, "service.namespace" | "service.name" | "service.instance.id");
        let others: Vec<&KeyValue> = attributes.iter().filter(|pair| !is_identity(&pair.key)).take(ATTRIBUTES_MAX).collect();
        let mut of = OfResource { job, instance, info: None, newest: None };
        let identified = !of.job.is_empty() || !of.instance.is_empty();
        if identified && !others.is_empty() {
            of.info = Some(of.labels(&labels_of(others.into_iter()), "target_info", None));
        }
        of
    }

    fn finish(&mut self, on: &mut dyn FnMut(Otlp<'_>)) {
        if let (Some(labels), Some(at)) = (self.info.take(), self.newest) {
            let metadata = Metadata { kind: MetricType::Gauge, help: "Target metadata".into(), unit: String::new() };
            on(Otlp::Metadata { metric: "target_info", metadata });
            on(Otlp::Sample(OtlpSample { labels, at, value: 1.0, is_point: false, exemplars: Vec::new() }));
        }
    }

    /// The resource's own words win, but one without a name leaves the point's labels alone.
    fn labels(&self, attributes: &Attributes, name: &str, extra: Option<(&str, &str)>) -> Labels {
        let identity = [("job", self.job.as_str()), ("instance", self.instance.as_str())].into_iter().filter(|(_, own)| !own.is_empty());
        let mut all: Vec<(&str, &str)> = Vec::with_capacity(attributes.len() + 4);
        all.push((METRIC_NAME, name));
        all.extend(extra);
        all.extend(identity);
        let ours = all.len();
        for (label, value) in attributes {
            if !label.is_empty() && !value.is_empty() && !all[..ours].iter().any(|(own, _)| own == label) {
                all.push((label, value));
            }
        }
        all.sort_unstable();
        Labels::from_sorted(all)
    }

    fn metric(&mut self, metric: &Metric, on: &mut dyn FnMut(Otlp<'_>), outcome: &mut Outcome) {
        let (kind, name_kind, points) = match metric {
            Metric { gauge: Some(gauge), .. } => (MetricType::Gauge, Kind::Gauge, gauge.data_points.len()),
            Metric { sum: Some(sum), .. } if sum.is_monotonic => (MetricType::Counter, Kind::MonotonicSum, sum.data_points.len()),
            Metric { sum: Some(sum), .. } => (MetricType::Gauge, Kind::Other, sum.data_points.len()),
            Metric { histogram: Some(histogram), .. } => (MetricType::Histogram, Kind::Other, histogram.data_points.len()),
            Metric { summary: Some(summary), .. } => (MetricType::Summary, Kind::Other, summary.data_points.len()),
            Metric { exponential_histogram: Some(histogram), .. } => {
                let reason = format!(
                    "metric {:?}: exponential histograms can not be stored yet; give the instrument explicit buckets \
                     (OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=explicit_bucket_histogram)",
                    metric.name
                );
                return outcome.refuse(histogram.data_points.len(), reason);
            }
            _ => return,
        };
        let name = metric_name(&metric.name, &metric.unit, name_kind);
        if name.is_empty() {
            return outcome.refuse(points, "a metric without a name".into());
        }
        let temporality = match metric {
            Metric { sum: Some(sum), .. } => sum.aggregation_temporality,
            Metric { histogram: Some(histogram), .. } => histogram.aggregation_temporality,
            _ => CUMULATIVE,
        };
        if temporality != CUMULATIVE {
            let reason = format!(
                "metric {:?} has delta (or no) temporality; only cumulative values can be stored: set \
                 OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative, or put the collector's deltatocumulative processor in front",
                metric.name
            );
            return outcome.refuse(points, reason);
        }
        on(Otlp::Metadata {
            metric: &name,
            metadata: Metadata { kind, help: metric.description.clone(), unit: metadata_unit(&metric.unit) },
        });
        outcome.points += points as u64;
        let numbers = metric.gauge.iter().flat_map(|gauge| &gauge.data_points).chain(metric.sum.iter().flat_map(|sum| &sum.data_points));
        for point in numbers {
            // As Prometheus' translator: of sums, not of gauges.
            self.number(&name, point, metric.sum.is_some(), on);
        }
        for point in metric.histogram.iter().flat_map(|histogram| &histogram.data_points) {
            self.histogram(&name, point, on);
        }
        for point in metric.summary.iter().flat_map(|summary| &summary.data_points) {
            self.summary(&name, point, on);
        }
    }

    fn at(&mut self, time_unix_nano: u64) -> Timestamp {
        let at = Timestamp((time_unix_nano / 1_000_000) as i64);
        self.newest = self.newest.max(Some(at));
        at
    }

    fn number(&mut self, name: &str, point: &NumberPoint, with_exemplars: bool, on: &mut dyn FnMut(Otlp<'_>)) {
        let at = self.at(point.time_unix_nano);
        let value = match point {
            _ if point.flags & NO_VALUE != 0 => STALE_NAN,
            NumberPoint { as_int: Some(value), .. } => *value as f64,
            point => point.as_double.unwrap_or(0.0),
        };
        let labels = self.labels(&labels_of(point.attributes.iter()), name, None);
        let exemplars = if with_exemplars { exemplars_of(&point.exemplars) } else { Vec::new() };
        on(Otlp::Sample(OtlpSample { labels, at, value, is_point: true, exemplars }));
    }

    fn histogram(&mut self, name: &str, point: &HistogramPoint, on: &mut dyn FnMut(Otlp<'_>)) {
        let at = self.at(point.time_unix_nano);
        let attributes = labels_of(point.attributes.iter());
        let stale = point.flags & NO_VALUE != 0;
        let mut give = |suffix: &str, le: Option<f64>, value: f64, is_point: bool, exemplars: Vec<Exemplar>| {
            let labels = {
                let le = le.map(bound_text);
                self.labels(&attributes, &format!("{name}{suffix}"), le.as_deref().map(|bound| ("le", bound)))
            };
            let value = if stale { STALE_NAN } else { value };
            on(Otlp::Sample(OtlpSample { labels, at, value, is_point, exemplars }));
        };
        give("_count", None, point.count as f64, true, Vec::new());
        if let Some(sum) = point.sum {
            give("_sum", None, sum, false, Vec::new());
        }
        // Each exemplar belongs to the first bucket that its value is in.
        let mut exemplars = exemplars_of(&point.exemplars);
        let mut cumulative = 0_u64;
        for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
            cumulative = cumulative.saturating_add(*count);
            let (inside, above) = exemplars.into_iter().partition(|exemplar: &Exemplar| exemplar.value <= *bound);
            exemplars = above;
            give("_bucket", Some(*bound), cumulative as f64, false, inside);
        }
        exemplars.retain(|exemplar| !exemplar.value.is_nan());
        give("_bucket", Some(f64::INFINITY), point.count as f64, false, exemplars);
    }

    fn summary(&mut self, name: &str, point: &SummaryPoint, on: &mut dyn FnMut(Otlp<'_>)) {
        let at = self.at(point.time_unix_nano);
        let attributes = labels_of(point.attributes.iter());
        let stale = point.flags & NO_VALUE != 0;
        let mut give = |suffix: &str, quantile: Option<f64>, value: f64, is_point: bool| {
            let quantile = quantile.map(bound_text);
            let labels = self.labels(&attributes, &format!("{name}{suffix}"), quantile.as_deref().map(|at| ("quantile", at)));
            let value = if stale { STALE_NAN } else { value };
            on(Otlp::Sample(OtlpSample { labels, at, value, is_point, exemplars: Vec::new() }));
        };
        give("_count", None, point.count as f64, true);
        give("_sum", None, point.sum, false);
        for quantile in &point.quantile_values {
            give("", Some(quantile.quantile), quantile.value, false);
        }
    }
}

/// As Go's `FormatFloat(x, 'f', -1, 64)`: never an exponent, and `1`, not `1.0` as in scrapes. Prometheus stores these bounds so.
fn bound_text(bound: f64) -> String {
    if bound.is_finite() { bound.to_string() } else { crate::format_value(bound) }
}

/// Label names and values, by name, each name once.
type Attributes<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Keys that come out equal are joined with `;` in the order of the keys, as Prometheus does.
fn labels_of<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Attributes<'a> {
    let mut sorted: Vec<&KeyValue> = attributes.take(ATTRIBUTES_MAX).collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let text = |pair: &'a KeyValue| pair.value.as_ref().map(words).unwrap_or_default();
    let mut out: Attributes = sorted.into_iter().map(|pair| (label_name(&pair.key), text(pair))).collect();
    // Stable: those of one name stay in the order of their keys.
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            let joined = kept.1.to_mut();
            joined.push(';');
            joined.push_str(&next.1);
        }
        same
    });
    out
}

/// An attribute's value as a label's text.
pub(super) fn words(value: &AnyValue) -> Cow<'_, str> {
    match value {
        AnyValue { string_value: Some(text), .. } => text.as_str().into(),
        AnyValue { bool_value: Some(value), .. } => value.to_string().into(),
        AnyValue { int_value: Some(value), .. } => value.to_string().into(),
        AnyValue { double_value: Some(value), .. } => value.to_string().into(),
        AnyValue { bytes_value: Some(bytes), .. } => String::from_utf8_lossy(bytes),
        AnyValue { array_value: None, kvlist_value: None, .. } => "".into(),
        value => tree(value).to_string().into(),
    }
}

fn tree(value: &AnyValue) -> serde_json::Value {
    match value {
        AnyValue { array_value: Some(array), .. } => array.values.iter().map(tree).collect(),
        AnyValue { kvlist_value: Some(map), .. } => {
            let pairs = map.values.iter().map(|pair| (pair.key.clone(), pair.value.as_ref().map_or(json!(null), tree)));
            serde_json::Value::Object(pairs.collect())
        }
        AnyValue { int_value: Some(value), .. } => json!(value),
        AnyValue { double_value: Some(value), .. } => json!(value),
        AnyValue { bool_value: Some(value), .. } => json!(value),
        value => json!(words(value)),
    }
}
