//! Judgements of the past, read back from the series in which they were told: what the rules of today would have seen then.
//!
//! In:    a model's settings, the series, a span of time. Out: the figures that the rules look at, for each judgement; when runs were done.
//! Never: judges rows anew. Holds: a figure that was not told then is unknown, with the reason that was told; whether drift is detected
//!        follows from the share that was told and the line of the settings.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Labels, METRIC_NAME, MatchOp, Matcher, Points, Sample, SeriesSource, SourceError, Timestamp, is_stale};

use crate::naming::{DETECTOR_DRIFTS, DRIFT_SCORE, ESTIMATED, OF_WINDOW};
use crate::{Interval, ModelSettings, Reading, Readings, Source};

/// One judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub at: Timestamp,
    pub readings: Readings,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// Oldest first.
    pub judgements: Vec<Seen>,
    /// When training runs were done, as far as they were counted.
    pub runs: Vec<Timestamp>,
}

impl Seen {
    /// What it would have been with another line for the detection of drift.
    pub fn with_drift_line(&self, line: f64) -> Seen {
        let mut seen = self.clone();
        for (name, share) in &self.readings {
            let detected = name.strip_prefix(DRIFT_SHARE).and_then(|window| seen.readings.get_mut(&format!("{DRIFT_DETECTED}{window}")));
            if let (Some(detected), Ok(share)) = (detected, &share.value) {
                detected.value = Ok(f64::from(u8::from(*share >= line)));
            }
        }
        seen
    }
}

/// Figures as rules name them.
pub const DRIFT_SHARE: &str = "drift_share";
pub const DRIFT_DETECTED: &str = "drift_detected";
const JUDGED: &str = "model_judgement_timestamp_seconds";
const RUNS: &str = "model_training_runs_total";
const NAMES: [&str; 20] = [
    JUDGED,
    RUNS,
    "model_figure",
    "model_figure_low",
    "model_figure_high",
    "model_figure_unknown",
    "model_figure_rows",
    "model_drift_share",
    "model_drifted_features",
    "model_drift_unknown",
    "model_window_rows",
    "model_window_true_values",
    "model_quality_findings",
    "model_quality_unknown",
    "model_feature_drift_score",
    "model_feature_drift_unknown",
    "model_prediction_drift",
    "model_prediction_drift_score",
    "model_prediction_drift_unknown",
    "model_estimates_unknown",
];

/// What finds the series that `recorded` reads.
pub fn recorded_selector(settings: &ModelSettings) -> Vec<Matcher> {
    let names = format!("{}({})", settings.metric_prefix, NAMES.join("|"));
    let names = Matcher::new(METRIC_NAME, MatchOp::Regex, &names);
    names.into_iter().chain([Matcher::equal("model", &settings.name)]).collect()
}

/// Everything that was told between two times.
pub fn recorded(settings: &ModelSettings, source: &dyn SeriesSource, from: Timestamp, to: Timestamp) -> Result<Recorded, SourceError> {
    let told = Told::read(settings, source, from, to)?;
    let conditions = settings.retraining.rules.iter().flat_map(|rule| &rule.when);
    let mut figures: BTreeSet<String> = conditions.map(|condition| condition.figure.clone()).collect();
    // The share behind each flag, so that another line can be tried.
    let shares: Vec<String> =
        figures.iter().filter_map(|figure| Some(format!("{DRIFT_SHARE}{}", figure.strip_prefix(DRIFT_DETECTED)?))).collect();
    figures.extend(shares);
    let figures: Vec<(String, Places)> = figures.into_iter().map(|figure| (figure.clone(), told.places(&figure))).collect();
    let judgements = told.judged().into_iter().map(|at| {
        let reading = |(figure, places): &(String, Places)| (figure.clone(), told.reading(figure, places, at));
        Seen { at, readings: figures.iter().map(reading).collect() }
    });
    Ok(Recorded { judgements: judgements.collect(), runs: told.runs() })
}

/// The series of a model, without the stale markers.
struct Told<'a> {
    settings: &'a ModelSettings,
    series: Vec<(Labels, Vec<Sample>)>,
}

/// Where a figure's parts stand among the series. Several: the first one that has a sample at the time.
#[derive(Default)]
struct Places {
    value: Vec<usize>,
    low: Vec<usize>,
    high: Vec<usize>,
    rows: Vec<usize>,
    unknown: Vec<usize>,
    /// Why there is none, when nothing was told.
    because: &'static str,
}

impl<'a> Told<'a> {
    fn read(settings: &'a ModelSettings, source: &dyn SeriesSource, from: Timestamp, to: Timestamp) -> Result<Told<'a>, SourceError> {
        let mut series = Vec::new();
        let mut points = Points::default();
        for one in source.select(from, to, &recorded_selector(settings))? {
            points.clear();
            one.read(from, to, &mut points)?;
            points.floats.retain(|sample| !is_stale(sample.value));
            series.push((one.labels().clone(), points.floats.clone()));
        }
        Ok(Told { settings, series })
    }

    fn judged(&self) -> Vec<Timestamp> {
        let samples = self.find(JUDGED, &[]).into_iter().flat_map(|index| &self.series[index].1);
        // Whoever copies the series elsewhere may tell of one judgement many times.
        let mut seen: Vec<(f64, Timestamp)> = Vec::new();
        for sample in samples {
            if seen.last().is_none_or(|(judged, _)| *judged != sample.value) {
                seen.push((sample.value, sample.at));
            }
        }
        let times: BTreeSet<Timestamp> = seen.into_iter().map(|(_, at)| at).collect();
        times.into_iter().collect()
    }

    /// Each rise of the counter is a run, whose time is that of the sample. A counter that begins again has lost nothing of before.
    fn runs(&self) -> Vec<Timestamp> {
        let mut runs = Vec::new();
        for index in self.find(RUNS, &[("status", "success")]) {
            for pair in self.series[index].1.windows(2) {
                if pair[1].value > pair[0].value {
                    runs.push(pair[1].at);
                }
            }
        }
        runs.sort_unstable();
        runs
    }

    fn find(&self, name: &str, labels: &[(&str, &str)]) -> Vec<usize> {
        let is = |series: &Labels| {
            series.name().strip_prefix(self.settings.metric_prefix.as_str()) == Some(name)
                && labels.iter().all(|(label, value)| series.get(label) == *value)
        };
        self.series.iter().enumerate().filter(|(_, (series, _))| is(series)).map(|(index, _)| index).collect()
    }

    fn at(&self, places: &[usize], at: Timestamp) -> Option<(usize, f64)> {
        places.iter().find_map(|index| {
            let samples = &self.series[*index].1;
            let found = samples.binary_search_by_key(&at, |sample| sample.at).ok()?;
            Some((*index, samples[found].value))
        })
    }

    /// A figure and the window that it is of.
    fn split<'b>(&self, figure: &'b str) -> (&'b str, &'a str) {
        for window in self.settings.windows.iter().skip(1) {
            if let Some(figure) = figure.strip_suffix(window.name.as_str()).and_then(|figure| figure.strip_suffix(OF_WINDOW)) {
                return (figure, &window.name);
            }
        }
        (figure, self.settings.windows.first().map_or("", |window| window.name.as_str()))
    }

    fn places(&self, figure: &str) -> Places {
        let (figure, window) = self.split(figure);
        let of = [("role", self.settings.roles.champion.as_str()), ("window", window)];
        let find = |name: &str, more: &[(&str, &str)]| self.find(name, &of.iter().chain(more).copied().collect::<Vec<_>>());
        let because = "it was not told then";
        let of_window = |value: Vec<usize>, unknown: Vec<usize>| Places {
            value,
            unknown,
            rows: find("model_window_rows", &[]),
            because,
            ..Places::default()
        };
        if let Some(feature) = figure.strip_prefix(DRIFT_SCORE) {
            let feature = [("feature", feature)];
            let mut unknown = find("model_feature_drift_unknown", &feature);
            unknown.extend(find("model_drift_unknown", &[]));
            return of_window(find("model_feature_drift_score", &feature), unknown);
        }
        if figure.starts_with(DETECTOR_DRIFTS) {
            return Places { because: "what a detector saw within a window is not told as a series", ..Places::default() };
        }
        let drift = || find("model_drift_unknown", &[]);
        let prediction = || [find("model_prediction_drift_unknown", &[]), drift()].concat();
        match figure {
            DRIFT_SHARE | DRIFT_DETECTED => of_window(find("model_drift_share", &[]), drift()),
            "drifted_features" => of_window(find("model_drifted_features", &[]), drift()),
            "prediction_drift_score" => of_window(find("model_prediction_drift_score", &[]), prediction()),
            "prediction_drift_detected" => of_window(find("model_prediction_drift", &[]), prediction()),
            "quality_findings" => of_window(find("model_quality_findings", &[]), find("model_quality_unknown", &[])),
            "rows" => of_window(find("model_window_rows", &[]), Vec::new()),
            "true_values" => {
                let places = of_window(find("model_window_true_values", &[]), Vec::new());
                Places { rows: places.value.clone(), ..places }
            }
            _ => {
                let (metric, sources): (&str, &[Source]) = match figure.strip_suffix(ESTIMATED) {
                    Some(metric) => (metric, &[Source::EstimatedByConfidence, Source::EstimatedByLoss]),
                    None => (figure, &[Source::Realised, Source::Told]),
                };
                let each = |name: &str, labels: &[(&str, &str)]| -> Vec<usize> {
                    let with = |source: &Source| [labels, &[("source", source.word())]].concat();
                    sources.iter().flat_map(|source| find(name, &with(source))).collect()
                };
                let metric = [("metric", metric)];
                let mut unknown = each("model_figure_unknown", &metric);
                if figure.ends_with(ESTIMATED) {
                    unknown.extend(find("model_estimates_unknown", &[]));
                }
                Places {
                    value: each("model_figure", &metric),
                    low: each("model_figure_low", &metric),
                    high: each("model_figure_high", &metric),
                    rows: each("model_figure_rows", &[]),
                    unknown,
                    because,
                }
            }
        }
    }

    fn reading(&self, figure: &str, places: &Places, at: Timestamp) -> Reading {
        let Some((_, value)) = self.at(&places.value, at) else {
            let reason = self.at(&places.unknown, at).map(|(index, _)| self.series[index].0.get("reason").replace('_', " "));
            return Reading::unknown(reason.filter(|reason| !reason.is_empty()).unwrap_or_else(|| places.because.to_owned()));
        };
        let value = match self.split(figure).0 {
            DRIFT_DETECTED => f64::from(u8::from(value >= self.settings.drift.share)),
            _ => value,
        };
        let interval = self.at(&places.low, at).zip(self.at(&places.high, at)).map(|((index, low), (_, high))| {
            let level = self.series[index].0.get("level").parse().unwrap_or(f64::NAN);
            Interval { low, high, level }
        });
        let rows = self.at(&places.rows, at).map(|(_, rows)| rows as usize);
        Reading { value: Ok(value), interval, rows }
    }
}

#[cfg(test)]
mod tests;
