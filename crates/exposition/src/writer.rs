//! Samples to metric text: bellbuoy's own `/metrics`, and what the instrumentation library answers.

use std::fmt::Write as _;

use bellbuoy_vocabulary::{Exemplar, MetricType, Timestamp, is_classic_label_name, is_classic_metric_name};

use crate::{Format, format_openmetrics_value, format_value};

/// Writes family after family. The caller gives each family once, and a family's samples directly after it.
///
/// ```
/// use bellbuoy_exposition::{Format, TextWriter};
/// use bellbuoy_vocabulary::MetricType;
/// let mut w = TextWriter::new(Format::PrometheusText);
/// w.family("http_requests_total", MetricType::Counter, "Requests by code.");
/// w.sample("", &[("code", "200")], 3.0);
/// assert_eq!(w.finish(), "# HELP http_requests_total Requests by code.\n# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 3\n");
/// ```
pub struct TextWriter {
    format: Format,
    out: String,
    family: String,
    kind: MetricType,
    exemplars: bool,
}

impl TextWriter {
    pub fn new(format: Format) -> TextWriter {
        TextWriter { format, out: String::new(), family: String::new(), kind: MetricType::Unknown, exemplars: false }
    }

    /// Our own text, as it is kept and handed on inside of the program: the text format with exemplars. `Entries::unpacked` reads it.
    pub fn unpacked() -> TextWriter {
        TextWriter { exemplars: true, ..TextWriter::new(Format::PrometheusText) }
    }

    /// Begins a family. A counter is named with its `_total` in both formats; OpenMetrics' rule that the family's own name
    /// lacks it is kept here.
    pub fn family(&mut self, name: &str, kind: MetricType, help: &str) -> &mut TextWriter {
        self.family = name.to_string();
        self.kind = kind;
        let name = quoted_unless_classic(family_name(self.format, name, kind));
        if !help.is_empty() {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            let help = if self.format == Format::OpenMetrics { help.replace('"', "\\\"") } else { help };
            let _ = writeln!(self.out, "# HELP {name} {help}");
        }
        let _ = writeln!(self.out, "# TYPE {name} {}", type_word(self.format, kind));
        self
    }

    /// A sample of the current family: `""` is the family's own name, `_bucket` a suffix of it, anything else a whole name.
    pub fn sample(&mut self, suffix_or_name: &str, labels: &[(&str, &str)], value: f64) -> &mut TextWriter {
        self.line(suffix_or_name, labels, value, None)
    }

    /// The same with an explicit time.
    pub fn sample_at(&mut self, suffix_or_name: &str, labels: &[(&str, &str)], value: f64, at: Timestamp) -> &mut TextWriter {
        self.line(suffix_or_name, labels, value, Some(at))
    }

    /// Of the sample written last, where exemplars are written.
    pub(crate) fn exemplar(&mut self, exemplar: &Exemplar) {
        if !self.exemplars {
            return;
        }
        if self.out.ends_with('\n') {
            self.out.pop();
        }
        self.out.push_str(" # {");
        for (index, (label, value)) in exemplar.labels.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(self.out, "{comma}\"{}\"=\"{}\"", escape(label), escape(value));
        }
        let _ = write!(self.out, "}} {}", format_openmetrics_value(exemplar.value));
        if exemplar.has_own_time {
            let _ = write!(self.out, " {}", exemplar.at.seconds());
        }
        self.out.push('\n');
    }

    /// The whole text; OpenMetrics gets its `# EOF`.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn line(&mut self, suffix_or_name: &str, labels: &[(&str, &str)], value: f64, at: Option<Timestamp>) -> &mut TextWriter {
        let name = self.sample_name(suffix_or_name);
        if is_classic_metric_name(&name) {
            self.out.push_str(&name);
            if !labels.is_empty() {
                self.out.push('{');
            }
        } else {
            let _ = write!(self.out, "{{\"{}\"", escape(&name));
            if !labels.is_empty() {
                self.out.push(',');
            }
        }
        for (index, (label, value)) in labels.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if is_classic_label_name(label) {
                let _ = write!(self.out, "{comma}{label}=\"{}\"", escape(value));
            } else {
                let _ = write!(self.out, "{comma}\"{}\"=\"{}\"", escape(label), escape(value));
            }
        }
        if !labels.is_empty() || !is_classic_metric_name(&name) {
            self.out.push('}');
        }
        self.out.push(' ');
        match self.format {
            Format::PrometheusText => self.out.push_str(&format_value(value)),
            Format::OpenMetrics => self.out.push_str(&format_openmetrics_value(value)),
        }
        if let Some(at) = at {
            let _ = match self.format {
                Format::PrometheusText => write!(self.out, " {}", at.0),
                Format::OpenMetrics => write!(self.out, " {}", at.seconds()),
            };
        }
        self.out.push('\n');
        self
    }

    fn sample_name(&self, suffix_or_name: &str) -> String {
        let mut name = match suffix_or_name {
            "" => self.family.clone(),
            suffix if suffix.starts_with('_') => format!("{}{suffix}", self.family),
            whole => whole.to_string(),
        };
        let wants_total = self.format == Format::OpenMetrics && self.kind == MetricType::Counter && suffix_or_name.is_empty();
        if wants_total && !name.ends_with("_total") {
            name.push_str("_total");
        }
        name
    }
}

fn family_name(format: Format, name: &str, kind: MetricType) -> &str {
    match (format, kind) {
        (Format::OpenMetrics, MetricType::Counter) => name.strip_suffix("_total").unwrap_or(name),
        (Format::OpenMetrics, MetricType::Info) => name.strip_suffix("_info").unwrap_or(name),
        _ => name,
    }
}

/// The text format knows five types; the others are written as what their samples behave like.
fn type_word(format: Format, kind: MetricType) -> &'static str {
    match (format, kind) {
        (Format::PrometheusText, MetricType::Info | MetricType::StateSet) => "gauge",
        (Format::PrometheusText, MetricType::GaugeHistogram | MetricType::Unknown) => "untyped",
        (_, kind) => kind.word(),
    }
}

fn quoted_unless_classic(name: &str) -> String {
    if is_classic_metric_name(name) { name.to_string() } else { format!("\"{}\"", escape(name)) }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}
