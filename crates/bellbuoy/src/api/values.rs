//! Query results as JSON text, written directly: a large range query has a million numbers, each a string in JSON.
//!
//! In:    an answer of the engine, and how many series may be shown. Out: the body of Prometheus' `/api/v1/query` and `query_range`.
//! Never: builds a tree of JSON values; shows fewer series than there are without a warning.

use std::fmt::Write as _;

use bellbuoy_promql::{Answer, Element, Number, SeriesPoints, Value};
use bellbuoy_vocabulary::{Histogram, Labels, Timestamp, format_float};

/// `{"status":"success","data":{"resultType":...,"result":...}}` with warnings and infos.
pub fn query_answer(answer: &Answer, limit: usize) -> String {
    let mut out = String::with_capacity(1024);
    out.push_str(r#"{"status":"success","data":{"#);
    let truncated = write_value(&mut out, &answer.value, limit);
    out.push('}');
    let mut warnings = answer.warnings.clone();
    if truncated {
        warnings.push("results truncated due to limit".into());
    }
    for (name, texts) in [("warnings", &warnings), ("infos", &answer.infos)] {
        if !texts.is_empty() {
            let _ = write!(out, r#","{name}":{}"#, serde_json::Value::from(texts.clone()));
        }
    }
    out.push('}');
    out
}

/// Whether the limit left something out.
fn write_value(out: &mut String, value: &Value, limit: usize) -> bool {
    let shown = |count: usize| if limit > 0 { count.min(limit) } else { count };
    match value {
        Value::Scalar(sample) => {
            out.push_str(r#""resultType":"scalar","result":"#);
            write_plain_pair(out, sample.at, sample.value);
            false
        }
        Value::Text(at, text) => {
            let _ = write!(out, r#""resultType":"string","result":[{},{}]"#, Seconds(*at), serde_json::Value::from(text.as_str()));
            false
        }
        Value::Vector(elements) => {
            let shown = &elements[..shown(elements.len())];
            out.push_str(r#""resultType":"vector","result":"#);
            write_list(out, shown, write_element);
            shown.len() < elements.len()
        }
        Value::Matrix(series) => {
            let shown = &series[..shown(series.len())];
            out.push_str(r#""resultType":"matrix","result":"#);
            write_list(out, shown, write_series);
            shown.len() < series.len()
        }
    }
}

pub fn write_list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn write_element(out: &mut String, element: &Element) {
    out.push_str(r#"{"metric":"#);
    write_labels(out, &element.labels);
    match &element.value {
        Number::Float(value) => {
            out.push_str(r#","value":"#);
            write_pair(out, element.at, *value);
        }
        Number::Histogram(histogram) => {
            out.push_str(r#","histogram":"#);
            write_histogram_pair(out, element.at, histogram);
        }
    }
    out.push('}');
}

fn write_series(out: &mut String, series: &SeriesPoints) {
    out.push_str(r#"{"metric":"#);
    write_labels(out, &series.labels);
    if !series.points.floats.is_empty() {
        out.push_str(r#","values":"#);
        write_list(out, &series.points.floats, |out, sample| write_pair(out, sample.at, sample.value));
    }
    if !series.points.histograms.is_empty() {
        out.push_str(r#","histograms":"#);
        write_list(out, &series.points.histograms, |out, (at, histogram)| write_histogram_pair(out, *at, histogram));
    }
    out.push('}');
}

fn write_pair(out: &mut String, at: Timestamp, value: f64) {
    let _ = write!(out, r#"[{},""#, Seconds(at));
    write_number(out, value);
    out.push_str(r#""]"#);
}

/// Very small and very large values have an exponent of two digits, as Prometheus' encoder of vectors writes them: `1e-07`, `1e+21`.
pub fn write_number(out: &mut String, value: f64) {
    if !value.is_finite() {
        out.push_str(&format_float(value));
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        let _ = write!(out, "{mantissa}e{sign}{digits:0>2}");
    } else {
        let _ = write!(out, "{value}");
    }
}

fn write_plain_pair(out: &mut String, at: Timestamp, value: f64) {
    if value.is_finite() {
        let _ = write!(out, r#"[{},"{value}"]"#, Seconds(at));
    } else {
        let _ = write!(out, r#"[{},"{}"]"#, Seconds(at), format_float(value));
    }
}

pub fn write_labels(out: &mut String, labels: &Labels) {
    out.push('{');
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, name);
        out.push(':');
        write_text(out, value);
    }
    out.push('}');
}

fn write_text(out: &mut String, text: &str) {
    if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        let _ = write!(out, "{}", serde_json::Value::from(text));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// Count and sum; bucket bounds follow with native histograms.
fn write_histogram_pair(out: &mut String, at: Timestamp, histogram: &Histogram) {
    let (count, sum) = (format_float(histogram.count), format_float(histogram.sum));
    let _ = write!(out, r#"[{},{{"count":"{count}","sum":"{sum}"}}]"#, Seconds(at));
}

/// A time in seconds with at most three decimals, as Prometheus prints it: `1435781451.781`, `1435781430`.
pub struct Seconds(pub Timestamp);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, ms) = (self.0.0.unsigned_abs() / 1000, self.0.0.unsigned_abs() % 1000);
        if self.0.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{seconds}")?;
        if ms > 0 {
            write!(f, ".{ms:03}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_vocabulary::Sample;

    #[test]
    fn times_and_values_are_printed_as_prometheus_prints_them() {
        let answer = |at: i64, value: f64| {
            let value = Value::Scalar(Sample::new(Timestamp(at), value));
            query_answer(&Answer { value, warnings: Vec::new(), infos: Vec::new(), samples_read: 0 }, 0)
        };
        assert_eq!(
            answer(1_435_781_451_781, 0.5),
            r#"{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"0.5"]}}"#
        );
        assert!(answer(1000, f64::INFINITY).contains(r#"[1,"+Inf"]"#));
        assert!(answer(-1500, f64::NAN).contains(r#"[-1.500,"NaN"]"#));
        assert!(answer(1050, 1e21).contains(r#"[1.050,"1000000000000000000000"]"#));
        for (value, text) in [(1e21, "1e+21"), (-1.5e-7, "-1.5e-07"), (1e-6, "0.000001"), (0.0, "0"), (1e100, "1e+100")] {
            let mut out = String::new();
            write_pair(&mut out, Timestamp(0), value);
            assert_eq!(out, format!(r#"[0,"{text}"]"#));
        }
    }
}
