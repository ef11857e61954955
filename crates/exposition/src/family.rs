//! A body as families of metrics, for those who keep or change bodies: pushed groups. Scrapes read entries instead.
//!
//! In:    the bytes of a body in any format. Out: families in the body's order; and their text.

use std::collections::HashMap;

use bellbuoy_vocabulary::{METRIC_NAME, MetricType, Timestamp};

use crate::{Entries, Entry, Format, TextWriter, normal_label_value, series_labels};

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

    pub(crate) fn write_sample(&self, sample: &FamilySample, to: &mut TextWriter) {
        let labels: Vec<(&str, &str)> = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let suffix = sample.name.strip_prefix(&self.name).filter(|rest| rest.is_empty() || rest.starts_with('_'));
        let name = suffix.unwrap_or(&sample.name);
        match sample.at {
            Some(at) => to.sample_at(name, &labels, sample.value, at),
            None => to.sample(name, &labels, sample.value),
        };
    }
}

/// The families of a text. A series without a `# TYPE` is a family of its own.
pub fn families_of_text(format: Format, body: &[u8]) -> Result<Vec<Family>, String> {
    let mut families: Vec<Family> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for entry in Entries::new(format, body) {
        match entry.map_err(|error| error.to_string())? {
            Entry::Type { metric, kind } => family(&mut families, &mut places, metric).kind = kind,
            Entry::Help { metric, text } => family(&mut families, &mut places, metric).help = text.into_owned(),
            // Kept bodies have no exemplars: they would be told again with each scrape of the kept.
            Entry::Unit { .. } | Entry::Exemplar(_) => {}
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
                let family = match of {
                    Some(place) => &mut families[place],
                    None => family(&mut families, &mut places, &name),
                };
                for (label, value) in &mut labels {
                    if let Some(normal) = normal_label_value(family.kind, label, value) {
                        *value = normal;
                    }
                }
                family.samples.push(FamilySample { name, labels, value, at });
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
    let place = *places.entry(name.to_string()).or_insert(families.len());
    if place == families.len() {
        families.push(Family { name: name.to_string(), ..Family::default() });
    }
    &mut families[place]
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
