//! The body of `/metrics` in the format that the scraper asks for.
//!
//! prometheus-client writes OpenMetrics 1.0. The older text format 0.0.4 is made from it line by line: a counter's family has its
//! `_total` in the comments too, `unknown` is `untyped`, and there are no units, exemplars or end mark.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};

/// A format of metric pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Prometheus' text format 0.0.4: what everything reads.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that a scraper likes best. Without a word about it: the text format.
    pub fn asked_for(headers: &HeaderMap) -> Format {
        let (mut open_metrics, mut text) = (0.0, 0.0);
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or("").split(',') {
                let (kind, quality, version) = media_range(range);
                let best = match (kind.as_str(), version) {
                    ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => &mut open_metrics,
                    ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => &mut text,
                    _ => continue,
                };
                *best = quality.max(*best);
            }
        }
        if open_metrics > 0.0 && open_metrics >= text { Format::OpenMetrics } else { Format::Text }
    }
}

/// An answer to a scrape: the body in the format that the headers ask for.
pub(crate) fn answer(headers: &HeaderMap, body: impl FnOnce(Format) -> String) -> http::Response<String> {
    let format = Format::asked_for(headers);
    let mut response = http::Response::new(body(format));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response
}

/// Makes the wanted format of what prometheus-client wrote.
pub(crate) fn finish(open_metrics: &str, format: Format) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        match line.strip_prefix("# ").map(|comment| comment.splitn(3, ' ').collect::<Vec<_>>()) {
            None => sample(&mut out, line, format),
            Some(_) if format == Format::OpenMetrics => push(&mut out, &[line]),
            // Comes before its TYPE, which says what the family is called here.
            Some(words) if words[0] == "HELP" => help = words.get(2).copied(),
            Some(words) if words[0] == "TYPE" && words.len() == 3 => {
                let (ending, kind) = match words[2] {
                    "counter" => ("_total", "counter"),
                    "unknown" => ("", "untyped"),
                    "info" => ("_info", "gauge"),
                    kind => ("", kind),
                };
                if let Some(help) = help.take() {
                    push(&mut out, &["# HELP ", words[1], ending, " ", &help.replace("\\\"", "\"")]);
                }
                push(&mut out, &["# TYPE ", words[1], ending, " ", kind]);
            }
            Some(_) => {}
        }
    }
    out
}

/// A line of a sample: without an empty label set, and in the text format without its exemplar.
fn sample(out: &mut String, line: &str, format: Format) {
    let name_end = line.find(['{', ' ']).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let labels_end = if rest.starts_with('{') { labels_end(rest) } else { 0 };
    let (labels, mut value) = rest.split_at(labels_end);
    if format == Format::Text
        && let Some(exemplar) = value.find(" # ")
    {
        value = &value[..exemplar];
    }
    push(out, &[name, if labels == "{}" { "" } else { labels }, value]);
}

/// After the closing brace; quoted values may have braces of their own.
fn labels_end(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn push(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
    out.push('\n');
}

/// Name in small letters, quality, version.
fn media_range(range: &str) -> (String, f64, Option<&str>) {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().unwrap_or("").to_ascii_lowercase();
    let (mut quality, mut version) = (1.0, None);
    for part in parts {
        match part.split_once('=') {
            Some(("q", value)) => quality = value.parse().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0),
            Some(("version", value)) => version = Some(value.trim_matches('"')),
            _ => {}
        }
    }
    (kind, quality, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use expect_test::{Expect, expect};
    use prometheus_client::metrics::exemplar::CounterWithExemplar;
    use prometheus_client::metrics::info::Info;

    fn render(format: Format, expected: Expect) {
        let registry = Registry::new();
        registry.counter("rows_total", "Rows\nread \\o/ \"now\".", ["path"]).unwrap().with(["C:\\a \"b\"} # \nc"]).inc_by(2);
        registry.gauge("level", "Level", []).unwrap().with([]).set(-0.5);
        registry.gauge("unset", "Nobody has set it.", ["a"]).unwrap();
        let wait = registry.histogram("wait_seconds", "Wait.", ["queue"], &[0.5, 1.0]).unwrap();
        wait.with(["a"]).observe(0.25);
        wait.with(["a"]).observe(3.0);
        registry.with_prometheus_client(|families| {
            let traced: CounterWithExemplar<[(&str, &str); 1]> = CounterWithExemplar::default();
            traced.inc_by(3, Some([("trace", "1")]), None);
            families.register("traced", "With an exemplar", traced);
            families.register("build", "What runs", Info::new([("version", "1")]));
        });
        expected.assert_eq(&registry.render(format));
    }

    #[test]
    fn the_text_format() {
        render(
            Format::Text,
            expect![[r##"
            # HELP rows_total Rows\nread \\o/ "now".
            # TYPE rows_total counter
            rows_total{path="C:\\a \"b\"} # \nc"} 2
            # HELP level Level.
            # TYPE level gauge
            level -0.5
            # HELP wait_seconds Wait.
            # TYPE wait_seconds histogram
            wait_seconds_sum{queue="a"} 3.25
            wait_seconds_count{queue="a"} 2
            wait_seconds_bucket{le="0.5",queue="a"} 1
            wait_seconds_bucket{le="1.0",queue="a"} 1
            wait_seconds_bucket{le="+Inf",queue="a"} 2
            # HELP traced_total With an exemplar.
            # TYPE traced_total counter
            traced_total 3
            # HELP build_info What runs.
            # TYPE build_info gauge
            build_info{version="1"} 1
        "##]],
        );
    }

    #[test]
    fn open_metrics() {
        render(
            Format::OpenMetrics,
            expect![[r##"
            # HELP rows Rows\nread \\o/ \"now\".
            # TYPE rows counter
            rows_total{path="C:\\a \"b\"} # \nc"} 2
            # HELP level Level.
            # TYPE level gauge
            level -0.5
            # HELP wait_seconds Wait.
            # TYPE wait_seconds histogram
            wait_seconds_sum{queue="a"} 3.25
            wait_seconds_count{queue="a"} 2
            wait_seconds_bucket{le="0.5",queue="a"} 1
            wait_seconds_bucket{le="1.0",queue="a"} 1
            wait_seconds_bucket{le="+Inf",queue="a"} 2
            # HELP traced With an exemplar.
            # TYPE traced counter
            traced_total 3 # {trace="1"} 3.0
            # HELP build What runs.
            # TYPE build info
            build_info{version="1"} 1
            # EOF
        "##]],
        );
    }

    #[test]
    fn the_format_that_is_asked_for() {
        let check = |accept: &'static str, wanted: Format| {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Format::asked_for(&headers), wanted, "{accept}");
        };
        assert_eq!(Format::asked_for(&HeaderMap::new()), Format::Text);
        check("*/*", Format::Text);
        check("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text);
        check("application/openmetrics-text", Format::OpenMetrics);
        check("Application/OpenMetrics-Text; version=\"1.0.0\"; q=0.5, text/plain;q=0.4", Format::OpenMetrics);
        check("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", Format::Text);
        check("application/openmetrics-text;q=0,*/*", Format::Text);
        check("application/openmetrics-text;q=0.3,text/plain;version=0.0.4;q=0.7", Format::Text);
        // What Prometheus 2 and 3 send.
        check(
            "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
            Format::OpenMetrics,
        );
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            Format::OpenMetrics,
        );
    }
}
