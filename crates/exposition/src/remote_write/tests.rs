//! Bodies made with derived messages, as the senders' libraries make them, and broken ones.

use proptest::prelude::*;

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct SentSample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ExemplarV1 {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ExemplarV2 {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SeriesV1 {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<SentSample>,
    #[prost(message, repeated, tag = "3")]
    exemplars: Vec<ExemplarV1>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<SentHistogram>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MetadataV1 {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RequestV1 {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<SeriesV1>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<MetadataV1>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MetadataV2 {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help_ref: u32,
    #[prost(uint32, tag = "4")]
    unit_ref: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SeriesV2 {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<SentSample>,
    #[prost(message, repeated, tag = "4")]
    exemplars: Vec<ExemplarV2>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<MetadataV2>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RequestV2 {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<SeriesV2>,
}

fn shown(version: WriteVersion, body: &[u8]) -> String {
    let mut lines = Vec::new();
    let read = read_write(version, body, &mut |sent| {
        lines.push(match sent {
            Sent::Series(series) => {
                let samples: Vec<String> = series.samples.iter().map(|sample| format!("{}@{}", sample.value, sample.at.0)).collect();
                let exemplars: String = series
                    .exemplars
                    .iter()
                    .map(|one| format!(" {}={}@{}{}", one.labels, one.value, one.at.0, if one.has_own_time { "" } else { "?" }))
                    .collect();
                let bad = if series.exemplars_bad > 0 { format!(" bad{}", series.exemplars_bad) } else { String::new() };
                format!("{} {} h{} e{exemplars}{bad}", series.labels, samples.join(" "), series.histograms.len())
            }
            Sent::Bad { samples, reason, .. } => format!("bad {samples}: {reason}"),
            Sent::Metadata { metric, metadata } => format!("{metric} is {} {:?} {:?}", metadata.kind, metadata.help, metadata.unit),
        });
    });
    if let Err(error) = read {
        lines.push(format!("error {error}"));
    }
    lines.join("\n")
}

fn series(labels: &[(&str, &str)], samples: &[(f64, i64)]) -> SeriesV1 {
    SeriesV1 {
        labels: labels.iter().map(|(name, value)| Label { name: name.to_string(), value: value.to_string() }).collect(),
        samples: samples.iter().map(|(value, timestamp)| SentSample { value: *value, timestamp: *timestamp }).collect(),
        ..SeriesV1::default()
    }
}

#[test]
fn version_1_is_read() {
    let mut first = series(&[("__name__", "up"), ("job", "a"), ("none", "")], &[(1.0, 1000), (0.0, 2000)]);
    let trace = vec![Label { name: "trace_id".into(), value: "x".into() }];
    first.exemplars = vec![ExemplarV1 { labels: trace, value: 0.5, timestamp: 1500 }, ExemplarV1::default()];
    let body = RequestV1 {
        timeseries: vec![
            first,
            series(&[("z", "1"), ("__name__", "x")], &[(f64::INFINITY, -5)]),
            series(&[("job", "a")], &[(1.0, 1)]),
            series(&[("__name__", "x"), ("a", "1"), ("a", "2")], &[(1.0, 1), (2.0, 2)]),
        ],
        metadata: vec![MetadataV1 { kind: 1, name: "up".into(), help: "Up.".into(), unit: "s".into() }],
    };
    assert_eq!(
        shown(WriteVersion::V1, &body.encode_to_vec()),
        "up{job=\"a\"} 1@1000 0@2000 h0 e {trace_id=\"x\"}=0.5@1500 {}=0@0?\nx{z=\"1\"} inf@-5 h0 e\n\
         bad 1: invalid labels for series, labels {job=\"a\"}: no metric name\n\
         bad 2: invalid labels for series: the label \"a\" stands twice\n\
         up is counter \"Up.\" \"s\""
    );
}

#[test]
fn version_2_is_read_and_its_references_are_checked() {
    let symbols = ["", "__name__", "up", "job", "a", "Up.", "d_bucket"].map(str::to_string).to_vec();
    let sample = vec![SentSample { value: 1.0, timestamp: 1 }];
    let with = |refs: &[u32], kind| SeriesV2 {
        labels_refs: refs.to_vec(),
        samples: sample.clone(),
        exemplars: vec![],
        metadata: Some(MetadataV2 { kind, help_ref: 5, unit_ref: 0 }),
    };
    let exemplars = [&[3, 4][..], &[3, 99], &[3]].map(|refs| ExemplarV2 { labels_refs: refs.to_vec(), value: 2.0, timestamp: 7 });
    let first = SeriesV2 { exemplars: exemplars.to_vec(), ..with(&[1, 2, 3, 4], 2) };
    let body = RequestV2 { symbols, timeseries: vec![first, with(&[1, 6], 3), with(&[1, 99], 0), with(&[1], 0)] };
    assert_eq!(
        shown(WriteVersion::V2, &body.encode_to_vec()),
        "up{job=\"a\"} 1@1 h0 e {job=\"a\"}=2@7 bad2\nup is gauge \"Up.\" \"\"\nd_bucket 1@1 h0 e\nd is histogram \"Up.\" \"\"\n\
         bad 1: parsing labels for series: labels_refs [1, 99] with 7 symbols\n\
         bad 1: parsing labels for series: labels_refs [1] with 7 symbols"
    );
    let body = RequestV2 { symbols: vec!["x".into()], timeseries: vec![] };
    assert_eq!(shown(WriteVersion::V2, &body.encode_to_vec()), "error the first symbol must be the empty text");
}

#[test]
fn native_histograms_become_absolute_counts() {
    let sent = SentHistogram {
        count_int: Some(7),
        sum: 3.5,
        schema: 1,
        zero_count_int: Some(1),
        positive_spans: vec![SentSpan { offset: 0, length: 2 }, SentSpan { offset: 3, length: 1 }],
        positive_deltas: vec![1, 2, -1],
        timestamp: 9,
        ..SentHistogram::default()
    };
    let histogram = sent.clone().histogram().unwrap();
    assert_eq!((histogram.count, histogram.zero_count, histogram.positive_buckets), (7.0, 1.0, vec![1.0, 3.0, 2.0]));
    let broken = SentHistogram { positive_deltas: vec![1], ..sent.clone() };
    assert_eq!(broken.histogram().unwrap_err(), "histogram: positive side: spans need 3 buckets, have 1 buckets");
    let body =
        RequestV1 { timeseries: vec![SeriesV1 { histograms: vec![sent], ..series(&[("__name__", "h")], &[]) }], ..RequestV1::default() };
    assert_eq!(shown(WriteVersion::V1, &body.encode_to_vec()), "h  h1 e");
}

#[test]
fn content_types_name_the_version() {
    for (given, want) in [
        ("", Some(WriteVersion::V1)),
        ("application/x-protobuf", Some(WriteVersion::V1)),
        ("application/x-protobuf;proto=prometheus.WriteRequest", Some(WriteVersion::V1)),
        ("application/x-protobuf; proto=io.prometheus.write.v2.Request", Some(WriteVersion::V2)),
        ("application/x-protobuf;proto=other", None),
        ("application/json", None),
        ("application/x-protobuf;proto", None),
    ] {
        assert_eq!(WriteVersion::of(given).ok(), want, "{given}");
    }
}

#[test]
fn a_body_that_would_unpack_too_large_is_refused_before_it_is_unpacked() {
    let packed = snap::raw::Encoder::new().compress_vec(&[0; 1000]).unwrap();
    assert_eq!(unsnappy(&packed, 1000).unwrap().len(), 1000);
    assert!(unsnappy(&packed, 999).unwrap_err().to_string().contains("1000 bytes"));
    assert!(unsnappy(b"nonsense", 1000).is_err());
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for version in [WriteVersion::V1, WriteVersion::V2] {
            let _ = read_write(version, &bytes, &mut |_| {});
        }
        let _ = unsnappy(&bytes, 1 << 16);
    }
}
