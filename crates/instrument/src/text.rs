//! Prometheus' text format 0.0.4.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use crate::metric::{Counter, Gauge, Histogram};
use crate::registry::Kind;

/// The Content-Type of what `render` writes.
pub const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The HELP and TYPE lines.
pub(crate) fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    if !help.is_empty() {
        out.push_str(&format!("# HELP {name} {}\n", help.replace('\\', "\\\\").replace('\n', "\\n")));
    }
    out.push_str(&format!("# TYPE {name} {kind}\n"));
}

/// One line: `name{label="value"} 1.5`.
pub(crate) fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    out.push_str(name);
    for (index, (label, text)) in labels.iter().enumerate() {
        out.push_str(if index == 0 { "{" } else { "," });
        out.push_str(label);
        out.push_str("=\"");
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
    out.push(' ');
    out.push_str(&number(value));
    out.push('\n');
}

/// Go's strconv reads what Rust prints, but for the infinities' names.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    value.to_string()
}

impl Kind for Counter {
    const TYPE: &'static str = "counter";
    fn write(&self, out: &mut String, name: &str, labels: &[(&str, &str)]) {
        sample(out, name, labels, self.value());
    }
}

impl Kind for Gauge {
    const TYPE: &'static str = "gauge";
    fn write(&self, out: &mut String, name: &str, labels: &[(&str, &str)]) {
        sample(out, name, labels, self.value());
    }
}

impl Kind for Histogram {
    const TYPE: &'static str = "histogram";
    fn write(&self, out: &mut String, name: &str, labels: &[(&str, &str)]) {
        let buckets = self.buckets();
        for (bound, count) in &buckets {
            let bound = number(*bound);
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            sample(out, &format!("{name}_bucket"), &labels, *count as f64);
        }
        sample(out, &format!("{name}_sum"), labels, self.sum());
        // The count is that of the last bucket, so that both agree although other threads observe meanwhile.
        sample(out, &format!("{name}_count"), labels, buckets.last().map_or(0, |(_, count)| *count) as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use expect_test::expect;

    #[test]
    fn the_three_kinds() {
        let registry = Registry::new();
        registry.counter("rows_total", "Rows\nread \\o/.", ["path"]).unwrap().with(["C:\\a \"b\"\nc"]).add(2.0);
        registry.gauge("level", "", []).unwrap().with([]).set(f64::NEG_INFINITY);
        registry.gauge("unset", "Nobody has set it.", []).unwrap();
        let wait = registry.histogram("wait_seconds", "Wait.", ["queue"], &[0.5, 1.0]).unwrap();
        wait.with(["a"]).observe(0.25);
        wait.with(["a"]).observe(3.0);
        expect![[r#"
            # HELP rows_total Rows\nread \\o/.
            # TYPE rows_total counter
            rows_total{path="C:\\a \"b\"\nc"} 2
            # TYPE level gauge
            level -Inf
            # HELP unset Nobody has set it.
            # TYPE unset gauge
            # HELP wait_seconds Wait.
            # TYPE wait_seconds histogram
            wait_seconds_bucket{queue="a",le="0.5"} 1
            wait_seconds_bucket{queue="a",le="1"} 1
            wait_seconds_bucket{queue="a",le="+Inf"} 2
            wait_seconds_sum{queue="a"} 3.25
            wait_seconds_count{queue="a"} 2
            # HELP instrument_label_sets_dropped_total Label sets that did not fit into their family.
            # TYPE instrument_label_sets_dropped_total counter
        "#]]
        .assert_eq(&registry.render());
    }

    #[test]
    fn numbers_that_go_reads_back() {
        for (value, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "+Inf"), (-0.5, "-0.5"), (1e21, "1000000000000000000000"), (5.0, "5")] {
            assert_eq!(number(value), text);
        }
    }
}
