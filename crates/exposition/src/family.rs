//! A body as families of metrics, for those who keep or change bodies: pushed groups. Scrapes read entries instead.
//!
//! In:    the bytes of a body in any format. Out: families in the body's order; and their text.

use std::collections::HashMap;

use bellbuoy_vocabulary::{Exemplar, METRIC_NAME, MetricType, Timestamp};

use crate::{Entries, Entry, Format, TextWriter, exemplar_labels, normal_label_value, series_labels};

/// A metric with its type and all its series.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Family {
    pub name: String,
    pub kind: MetricType,
    pub help: String,
    pub samples: Vec<FamilySample>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FamilySample {
    /// The whole name: `latency_bucket`.
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
    pub at: Option<Timestamp>,
    /// The oldest first; one without a time of its own is the last.
    pub exemplars: Vec<Exemplar>,
}

impl Family {
    pub fn write(&self, to: &mut TextWriter) {
        to.family(&self.name, self.kind, &self.help);
        self.write_samples(to);
    }

    /// Without the lines about the family, which stand before the samples of another part of it.
    pub fn write_samples(&self, to: &mut TextWriter) {
        for sample in &self.samples {
            self.write_sample(sample, to);
        }
    }

    fn write_sample(&self, sample: &FamilySample, to: &mut TextWriter) {
        let labels: Vec<(&str, &str)> = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let suffix = sample.name.strip_prefix(&self.name).filter(|rest| rest.is_empty() || rest.starts_with('_'));
        let name = suffix.unwrap_or(&sample.name);
        match sample.at {
            Some(at) => to.sample_at(name, &labels, sample.value, at),
            None => to.sample(name, &labels, sample.value),
        };
        sample.exemplars.iter().for_each(|exemplar| to.exemplar(exemplar));
    }
}

/// The families of a text. A series without a `# TYPE` is a family of its own.
pub fn families_of_text(format: Format, body: &[u8]) -> Result<Vec<Family>, String> {
    families_of(Entries::new(format, body), format)
}

/// Of a text that `TextWriter::unpacked` wrote.
pub fn families_of_unpacked(body: &[u8]) -> Result<Vec<Family>, String> {
    families_of(Entries::unpacked(body), Format::PrometheusText)
}

fn families_of(entries: Entries<'_>, format: Format) -> Result<Vec<Family>, String> {
    let mut families: Vec<Family> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    // The family of the last sample.
    let mut last = 0;
    for entry in entries {
        match entry.map_err(|error| error.to_string())? {
            Entry::Type { metric, kind } => family(&mut families, &mut places, metric).kind = kind,
            Entry::Help { metric, text } => family(&mut families, &mut places, metric).help = text.into_owned(),
            Entry::Unit { .. } => {}
            Entry::Exemplar(raw) => {
                let labels = exemplar_labels(raw.labels).map_err(|error| error.message)?;
                let exemplar = Exemplar { labels, value: raw.value, at: raw.at.unwrap_or_default(), has_own_time: raw.at.is_some() };
                let sample = families.get_mut(last).and_then(|family| family.samples.last_mut());
                sample.into_iter().for_each(|sample| sample.exemplars.push(exemplar.clone()));
            }
            Entry::Sample { series, value, at } => {
                let pairs = series_labels(series).map_err(|error| error.message)?;
                let mut labels: Vec<(String, String)> = Vec::with_capacity(pairs.len());
                let mut name = String::new();
                for (label, value) in pairs {
                    if label == METRIC_NAME {
                        name = value.into_owned();
                    } else {
                        labels.push((label.into_owned(), value.into_owned()));
                    }
                }
                let of = places.get(&name).copied().or_else(|| part_of(&name, &families, &places));
                last = of.unwrap_or_else(|| place_of(&mut families, &mut places, &name));
                let family = &mut families[last];
                for (label, value) in &mut labels {
                    if let Some(normal) = normal_label_value(family.kind, label, value) {
                        *value = normal;
                    }
                }
                family.samples.push(FamilySample { name, labels, value, at, exemplars: Vec::new() });
            }
        }
    }
    if format == Format::OpenMetrics {
        families.iter_mut().for_each(plain_names);
    }
    families.retain(|family| !family.samples.is_empty());
    Ok(families)
}

fn family<'a>(families: &'a mut Vec<Family>, places: &mut HashMap<String, usize>, name: &str) -> &'a mut Family {
    let place = place_of(families, places, name);
    &mut families[place]
}

fn place_of(families: &mut Vec<Family>, places: &mut HashMap<String, usize>, name: &str) -> usize {
    let place = *places.entry(name.to_string()).or_insert(families.len());
    if place == families.len() {
        families.push(Family { name: name.to_string(), ..Family::default() });
    }
    place
}

/// The family that a name with one of its type's suffixes belongs to.
fn part_of(name: &str, families: &[Family], places: &HashMap<String, usize>) -> Option<usize> {
    ["_bucket", "_sum", "_count", "_gsum", "_gcount", "_total", "_created", "_info"].into_iter().find_map(|suffix| {
        let place = *places.get(name.strip_suffix(suffix)?)?;
        let fits = match families[place].kind {
            MetricType::Histogram => matches!(suffix, "_bucket" | "_sum" | "_count" | "_created"),
            MetricType::GaugeHistogram => matches!(suffix, "_bucket" | "_gsum" | "_gcount" | "_sum" | "_count"),
            MetricType::Summary => matches!(suffix, "_sum" | "_count" | "_created"),
            MetricType::Counter => matches!(suffix, "_total" | "_created"),
            MetricType::Info => suffix == "_info",
            _ => false,
        };
        fits.then_some(place)
    })
}

/// OpenMetrics names a counter's family without `_total` and an info's without `_info`; a text that is written later has them.
fn plain_names(family: &mut Family) {
    let suffix = match family.kind {
        MetricType::Counter => "_total",
        MetricType::Info => "_info",
        _ => return,
    };
    // When the series began is not a counter's value.
    family.samples.retain(|sample| !sample.name.ends_with("_created"));
    family.name.push_str(suffix);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(format: Format, body: &str) -> String {
        match families_of_text(format, body.as_bytes()) {
            Err(error) => error,
            Ok(families) => {
                let mut out = TextWriter::new(Format::PrometheusText);
                families.iter().for_each(|family| family.write(&mut out));
                out.finish()
            }
        }
    }

    #[test]
    fn a_text_stays_what_it_was() {
        let body = "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n\
                    # TYPE c counter\nc{a=\"x\\\"y\"} 1 5000\n# TYPE alone untyped\nalone 7\n";
        assert_eq!(again(Format::PrometheusText, body), body);
        let body = "# TYPE _a gauge\n_a 1\n# TYPE _b untyped\n_b{x=\"1\"} 2\n";
        assert_eq!(again(Format::PrometheusText, body), body, "a name may begin as a suffix does");
    }

    #[test]
    fn bounds_get_one_spelling_and_broken_bodies_have_a_place() {
        assert_eq!(
            again(Format::PrometheusText, "# TYPE h histogram\nh_bucket{le=\"1\"} 2\n"),
            "# TYPE h histogram\nh_bucket{le=\"1.0\"} 2\n"
        );
        assert!(again(Format::PrometheusText, "a 1\nb x\n").starts_with("line 2, column 3"));
    }

    #[test]
    fn counters_of_openmetrics_keep_their_total() {
        let body = "# TYPE c counter\nc_total 1\nc_created 5\n# TYPE b info\nb_info{v=\"1\"} 1\n# EOF\n";
        assert_eq!(again(Format::OpenMetrics, body), "# TYPE c_total counter\nc_total 1\n# TYPE b_info gauge\nb_info{v=\"1\"} 1\n");
    }
}
