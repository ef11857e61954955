//! Bodies as targets send them, good and bad, in both formats.

use bellbuoy_vocabulary::{MetricType, Timestamp};
use proptest::prelude::*;

use super::*;

mod verdicts;

/// Every entry on a line: `sample TEXT = VALUE [@MS]`, `type NAME KIND`, ..., or the error with its place.
fn shown(format: Format, body: &str) -> String {
    let mut lines = Vec::new();
    let outcome = parse(format, body.as_bytes(), &mut |entry| {
        lines.push(match entry {
            Entry::Sample { series, value, at } => {
                let at = at.map_or(String::new(), |Timestamp(ms)| format!(" @{ms}"));
                format!("sample {} = {value}{at}", String::from_utf8_lossy(series))
            }
            Entry::Exemplar(RawExemplar { labels, value, at }) => {
                let labels = exemplar_labels(labels).map_or_else(|error| error.to_string(), |labels| labels.to_string());
                let at = at.map_or(String::new(), |Timestamp(ms)| format!(" @{ms}"));
                format!("exemplar {labels} = {value}{at}")
            }
            Entry::Type { metric, kind } => format!("type {metric} {kind}"),
            Entry::Help { metric, text } => format!("help {metric} {text}"),
            Entry::Unit { metric, unit } => format!("unit {metric} {unit}"),
        });
    });
    if let Err(error) = outcome {
        lines.push(format!("error {error}"));
    }
    lines.join("\n")
}

#[test]
fn prometheus_text_is_read() {
    let body = "# HELP a What \\\\ it\\nis.\n# TYPE a counter\n# a comment\na{x=\"1\"} 2 1000\n\na{x=\"2\",} +Inf\n  b   3e2\nnan NaN\n{\"my.name\",\"l.x\"=\"v\"} 1\nc{esc=\"a\\\"b\\\\c\\nd\"} 1";
    assert_eq!(
        shown(Format::PrometheusText, body),
        "help a What \\ it\nis.\ntype a counter\nsample a{x=\"1\"} = 2 @1000\nsample a{x=\"2\",} = inf\nsample b = 300\nsample nan = NaN\n\
         sample {\"my.name\",\"l.x\"=\"v\"} = 1\nsample c{esc=\"a\\\"b\\\\c\\nd\"} = 1"
    );
}

#[test]
fn openmetrics_is_read() {
    let body = "# TYPE a counter\n# UNIT a_seconds seconds\n# HELP a Help.\na_total{x=\"1\"} 2.5 1.5 # {trace_id=\"abc\"} 0.5 1.0\n# EOF\n";
    assert_eq!(
        shown(Format::OpenMetrics, body),
        "type a counter\nunit a_seconds seconds\nhelp a Help.\nsample a_total{x=\"1\"} = 2.5 @1500\nexemplar {trace_id=\"abc\"} = 0.5 @1000"
    );
}

#[test]
fn bad_bodies_are_refused_with_their_place() {
    for (format, body, place) in [
        (Format::PrometheusText, "a 1\nb{x=1} 2\n", "line 2, column 5"),
        (Format::PrometheusText, "a{x=\"1} 2\n", "line 1"),
        (Format::PrometheusText, "a\n", "line 1"),
        (Format::PrometheusText, "a 1 2 3\n", "line 1"),
        (Format::PrometheusText, "a one\n", "line 1"),
        (Format::PrometheusText, "1a 1\n", "line 1"),
        (Format::PrometheusText, "a{x=\"\u{0}\"} 1 nonsense\n", "line 1"),
        (Format::PrometheusText, "# TYPE a nonsense\n", "line 1"),
        (Format::OpenMetrics, "a 1\n", "EOF"),
        (Format::OpenMetrics, "a 1\n# EOF\nb 1\n", "EOF"),
        (Format::OpenMetrics, "a  1\n# EOF\n", "line 1"),
        (Format::OpenMetrics, "a 1 # {x=\"1\"\n# EOF\n", "line 1"),
    ] {
        let shown = shown(format, body);
        let error = shown.lines().last().unwrap_or_default().to_string();
        assert!(error.starts_with("error ") && error.contains(place), "{body:?}: {shown}");
    }
}

#[test]
fn the_text_of_a_series_becomes_labels() {
    for (text, labels) in [
        ("up", "[(\"__name__\", \"up\")]"),
        ("a{b=\"c\\n\",d=\"\"}", "[(\"__name__\", \"a\"), (\"b\", \"c\\n\"), (\"d\", \"\")]"),
        ("{\"a.b\",\"c d\"=\"e\"}", "[(\"__name__\", \"a.b\"), (\"c d\", \"e\")]"),
    ] {
        let pairs = series_labels(text.as_bytes()).expect("good");
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
        assert_eq!(format!("{pairs:?}"), labels);
    }
    assert!(series_labels(b"a{b=\"c\",b=\"d\"}").is_err(), "a label twice is no label set");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in [Format::PrometheusText, Format::OpenMetrics] {
            let mut texts = Vec::new();
            let _ = parse(format, &bytes, &mut |entry| {
                if let Entry::Sample { series, .. } = entry {
                    texts.push(series);
                }
            });
            for text in texts {
                let _ = series_labels(text);
            }
        }
    }

    #[test]
    fn what_is_written_is_read(name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}|[a-z]\\.[a-z ]{1,5}", label in "[a-z]{1,4}", text in "\\PC{0,20}", value in any::<f64>(), open in any::<bool>()) {
        let format = if open { Format::OpenMetrics } else { Format::PrometheusText };
        let mut writer = TextWriter::new(format);
        writer.family(&name, MetricType::Gauge, "Help.").sample("", &[(&label, &text)], value);
        let body = writer.finish();
        let mut seen = Vec::new();
        parse(format, body.as_bytes(), &mut |entry| {
            if let Entry::Sample { series, value, .. } = entry {
                seen.push((series_labels(series).map(|pairs| pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect::<Vec<_>>()), value));
            }
        }).unwrap_or_else(|error| panic!("{error}: {body}"));
        prop_assert_eq!(seen.len(), 1);
        let (pairs, read) = &seen[0];
        let pairs = pairs.as_ref().expect("labels");
        prop_assert!(pairs.contains(&("__name__".into(), name.clone())), "{:?}", pairs);
        prop_assert!(pairs.contains(&(label.clone(), text.clone())), "{:?}", pairs);
        prop_assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan());
    }
}
