//! The reference made ready: what the rows of a window are compared with, feature by feature.
//!
//! In:    rows or a profile, settings. Out: per feature what a comparison needs, sorted and binned once.
//! Never: changes while the model lives; a new reference is a new baseline.

use std::collections::BTreeMap;

use bellbuoy_drift::{
    Column, ColumnReport, Facts, Finding, Kind, Options, Preset, Report, TableProfile, Values, duplicate_rows, judge_column,
    profile_report, quality_report, time_column,
};
use bellbuoy_vocabulary::Timestamp;

use crate::{Answer, DriftSettings, DriftSummary, FeatureKind, ModelSettings, ReferenceRows, Truth, Unknown};

/// The name under which drift of the answers is reported, beside the features.
const PREDICTION: &str = "prediction";

/// One side of a comparison, as the rows of a window are seen.
#[derive(Debug)]
pub(crate) struct Current {
    /// Of the features, in the baseline's order.
    pub(crate) columns: Vec<Column>,
    pub(crate) times: Vec<Timestamp>,
    pub(crate) answers: Option<Values>,
}

#[derive(Debug)]
pub(crate) struct Baseline {
    options: Options,
    /// Tests and thresholds of single features.
    own: BTreeMap<String, Options>,
    body: Body,
    profile: TableProfile,
    duplicates: Option<u64>,
    rows: usize,
}

#[derive(Debug)]
enum Body {
    Rows {
        /// The features. Without a season they are sorted, each by itself: then they are quick to sort again.
        columns: Vec<Column>,
        times: Option<Vec<Timestamp>>,
        answers: Option<Values>,
    },
    Profile,
}

impl Baseline {
    /// `features`: those to judge, in this order; one that the reference lacks is its own error later.
    pub(crate) fn of_rows(settings: &ModelSettings, features: &[&str], reference: &ReferenceRows) -> Baseline {
        let found = |name: &&str| reference.columns.iter().find(|column| column.name == **name).cloned();
        let mut columns: Vec<Column> = features.iter().filter_map(found).collect();
        let rows = columns.first().map_or(0, |column| column.values.len());
        let mut options = options(settings);
        for column in &columns {
            options.kinds.entry(column.name.clone()).or_insert_with(|| options.preset.kind(&column.values));
        }
        let profile = TableProfile::new(&columns, &options);
        let duplicates = (!columns.is_empty()).then(|| duplicate_rows(&columns));
        let seasonal = settings.drift.season.is_some() && reference.at.is_some();
        if !seasonal {
            columns.iter_mut().for_each(sort);
        }
        let answers = reference.answers.as_deref().filter(|_| settings.drift.predictions).and_then(answer_column);
        let times = reference.at.clone().filter(|_| seasonal);
        Baseline { own: own_options(settings, &options), options, body: Body::Rows { columns, times, answers }, profile, duplicates, rows }
    }

    pub(crate) fn of_profile(settings: &ModelSettings, features: &[&str], profile: &TableProfile) -> Baseline {
        let mut options = options(settings);
        let columns = features.iter().filter_map(|name| profile.column(name).cloned());
        let profile = TableProfile { columns: columns.collect(), ..profile.clone() };
        for column in &profile.columns {
            options.kinds.entry(column.name.clone()).or_insert(column.kind);
        }
        let rows = profile.rows as usize;
        Baseline { own: own_options(settings, &options), options, body: Body::Profile, profile, duplicates: None, rows }
    }

    pub(crate) fn profile(&self) -> &TableProfile {
        &self.profile
    }

    /// The type that a feature has here.
    pub(crate) fn like(&self, name: &str) -> Option<Values> {
        match &self.body {
            Body::Rows { columns, .. } => columns.iter().find(|column| column.name == name).map(|column| column.values.select(&[])),
            Body::Profile => self.profile.column(name).map(|column| match &column.shape {
                bellbuoy_drift::Shape::Numbers { integers: true, .. } => Values::Integers(Vec::new()),
                bellbuoy_drift::Shape::Numbers { .. } | bellbuoy_drift::Shape::Categories { numbers: true, .. } => {
                    Values::Numbers(Vec::new())
                }
                _ => Values::texts([]),
            }),
        }
    }

    pub(crate) fn drift(&self, settings: &ModelSettings, features: &[&str], current: &Current) -> Result<DriftSummary, Unknown> {
        let (rows, rows_min) = (current.times.len(), settings.rows_min);
        match (self.rows, rows) {
            (0, _) => return Err(Unknown::NoReference),
            (_, 0) => return Err(Unknown::NoRows),
            (few, _) if few < rows_min => return Err(Unknown::FewReferenceRows { rows: few, rows_min }),
            (_, rows) if rows < rows_min => return Err(Unknown::TooFewRows { rows, rows_min }),
            _ => {}
        }
        let (mut reports, prediction, uncovered) = match &self.body {
            Body::Rows { columns, times, answers } => match (&settings.drift.season, times) {
                (Some(season), Some(times)) => {
                    let matched = season.matched(times, &current.times);
                    if matched.current.len() < rows_min {
                        return Err(Unknown::OtherSeason { rows: matched.uncovered });
                    }
                    let some = |columns: &[Column], rows: &[usize]| -> Vec<Column> {
                        columns.iter().map(|column| Column::new(&column.name, column.values.select(rows))).collect()
                    };
                    let (old, new) = (some(columns, &matched.reference), some(&current.columns, &matched.current));
                    let select = |answers: &Option<Values>, rows: &[usize]| answers.as_ref().map(|answers| answers.select(rows));
                    let answers = select(answers, &matched.reference).zip(select(&current.answers, &matched.current));
                    (self.of_columns(features, &old, &new), self.of_answers(answers.as_ref().map(|(a, b)| (a, b))), matched.uncovered)
                }
                _ => {
                    let answers = answers.as_ref().zip(current.answers.as_ref());
                    (self.of_columns(features, columns, &current.columns), self.of_answers(answers), 0)
                }
            },
            Body::Profile => (self.of_profiles(features, &self.profile.alike(&current.columns)), None, 0),
        };
        reports.iter_mut().for_each(clean_error);
        let report = Report::new(reports, &self.options);
        if report.judged_columns == 0 {
            let first = report.columns.first().and_then(|column| Some((&column.name, column.error.as_ref()?)));
            return Err(Unknown::NoFeature(first.map_or("it has none".to_owned(), |(name, error)| format!("{name}: {error}"))));
        }
        Ok(DriftSummary {
            share: report.drift_share,
            drifted_features: report.drifted_columns,
            judged_features: report.judged_columns,
            features: report.columns,
            prediction,
            detected: report.dataset_drift,
            rows,
            reference_rows: self.rows,
            uncovered,
            approximate: matches!(self.body, Body::Profile),
        })
    }

    fn of_columns(&self, features: &[&str], reference: &[Column], current: &[Column]) -> Vec<ColumnReport> {
        let find = |table: &'_ [Column], name: &str| table.iter().position(|column| column.name == name);
        let judge = |name: &&str| {
            let options = self.own.get(*name).unwrap_or(&self.options);
            match (find(reference, name), find(current, name)) {
                (None, _) => unknown(name, "no such column in the reference"),
                (_, None) => unknown(name, "the column is gone from the current data"),
                (Some(old), Some(new)) => judge_column(name, &reference[old].values, &current[new].values, options)
                    .unwrap_or_else(|| unknown(name, "the chosen test does not apply to this kind of column")),
            }
        };
        features.iter().map(judge).collect()
    }

    fn of_profiles(&self, features: &[&str], current: &TableProfile) -> Vec<ColumnReport> {
        let judge = |name: &&str| {
            let options = self.own.get(*name).unwrap_or(&self.options);
            let options = Options { columns: Some(vec![(*name).to_owned()]), ..options.clone() };
            let report = profile_report(&self.profile, current, &options).columns.pop();
            report.unwrap_or_else(|| unknown(name, "the chosen test does not apply to this kind of column"))
        };
        features.iter().map(judge).collect()
    }

    /// Not one of the features: it is not in their share, and its p-value not in their correction.
    fn of_answers(&self, answers: Option<(&Values, &Values)>) -> Option<ColumnReport> {
        let (old, new) = answers?;
        let kind = if old.are_numbers() { Kind::Numeric } else { Kind::Categorical };
        let options = Options { kinds: BTreeMap::from([(PREDICTION.to_owned(), kind)]), ..self.options.clone() };
        let report = judge_column(PREDICTION, old, new, &options)?;
        Report::new(vec![report], &options).columns.pop()
    }

    /// The current rows as a profile: for `quality`, and to be shown.
    pub(crate) fn profile_of(&self, current: &Current) -> TableProfile {
        self.profile.alike(&current.columns)
    }

    pub(crate) fn duplicates_of(&self, current: &Current) -> Option<u64> {
        self.duplicates.map(|_| duplicate_rows(&current.columns))
    }

    /// What is wrong with the rows. `age`: of the newest one.
    pub(crate) fn quality(
        &self,
        settings: &ModelSettings,
        current: &TableProfile,
        duplicates: Option<u64>,
        age: Option<std::time::Duration>,
    ) -> Vec<Finding> {
        let facts = Facts { reference_duplicates: self.duplicates, duplicates, age };
        quality_report(&self.profile, current, facts, &settings.quality)
    }
}

fn options(settings: &ModelSettings) -> Options {
    let drift = &settings.drift;
    let kind = |kind| if kind == FeatureKind::Numeric { Kind::Numeric } else { Kind::Categorical };
    let known = settings.features.iter().filter_map(|feature| Some((feature.name.clone(), kind(feature.kind?))));
    Options {
        preset: drift.preset,
        p_threshold: drift.p_value,
        distance_threshold: drift.distance,
        effect_threshold: drift.effect,
        drift_share_threshold: drift.share,
        kinds: known.collect(),
        time_columns: drift.time_columns.clone(),
        // A feature that is named is judged, whatever it is called; those that nobody named are among the time columns.
        columns: Some(settings.features.iter().map(|feature| feature.name.clone()).collect()),
        ..Options::default()
    }
}

fn own_options(settings: &ModelSettings, options: &Options) -> BTreeMap<String, Options> {
    let own = |(name, (test, threshold)): (&String, &(Option<bellbuoy_drift::Test>, Option<f64>))| {
        let mut options = Options { test: *test, ..options.clone() };
        match (test, threshold) {
            (Some(test), Some(threshold)) => {
                options.thresholds.insert(*test, *threshold);
            }
            (None, Some(threshold)) => {
                options.p_threshold = *threshold;
                options.distance_threshold = *threshold;
            }
            _ => {}
        }
        (name.clone(), options)
    };
    settings.drift.tests.iter().map(own).collect()
}

fn unknown(name: &str, error: &str) -> ColumnReport {
    ColumnReport::unknown(name, Kind::Numeric, error)
}

/// A way out that only a command line has is left away.
fn clean_error(report: &mut ColumnReport) {
    if let Some(short) = report.error.as_ref().and_then(|error| error.strip_suffix("; name the column to judge it")) {
        report.error = Some(short.to_owned());
    }
}

/// A column in the order of its values, unless that would make it look like a time.
fn sort(column: &mut Column) {
    let mut values = column.values.clone();
    match &mut values {
        Values::Numbers(numbers) => numbers.sort_by(f64::total_cmp),
        Values::Integers(numbers) => numbers.sort_unstable(),
        Values::Categories(_) | Values::Times(_) => return,
    }
    if time_column(&column.name, &values) == time_column(&column.name, &column.values) {
        column.values = values;
    }
}

/// Answers of the reference as `Ledger::answers` gives those of today. A class that is only in the probabilities is not made out here.
fn answer_column(answers: &[Answer]) -> Option<Values> {
    if answers.is_empty() {
        return None;
    }
    let numbers: Vec<f64> = answers.iter().map(|answer| if let Answer::Number(number) = answer { *number } else { f64::NAN }).collect();
    if answers.iter().all(|answer| matches!(answer, Answer::Number(_))) {
        return Some(Values::Numbers(numbers));
    }
    let class = |answer: &'_ Answer| match answer {
        Answer::Class { class: Some(class), .. } => class.clone(),
        _ => String::new(),
    };
    let classes: Vec<String> = answers.iter().map(class).collect();
    classes.iter().all(|class| !class.is_empty()).then(|| Values::texts(classes.iter().map(String::as_str)))
}

/// Columns that nobody named and that look like times: as features they are left out. Those with a test of their own were named.
pub(crate) fn time_columns(drift: &DriftSettings, columns: &[Column]) -> Vec<String> {
    let time = |column: &&Column| time_column(&column.name, &column.values).is_some();
    unnamed(drift, columns.iter().filter(time).map(|column| &column.name))
}

pub(crate) fn time_columns_of_profile(drift: &DriftSettings, profile: &TableProfile) -> Vec<String> {
    unnamed(drift, profile.columns.iter().filter(|column| column.time.is_some()).map(|column| &column.name))
}

fn unnamed<'a>(drift: &DriftSettings, names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let known = |name: &&String| drift.preset != Preset::Default || drift.tests.contains_key(*name) || drift.time_columns.contains(name);
    names.filter(|name| !known(name)).cloned().collect()
}

/// The reference's answers with their true values, where it has both.
pub(crate) fn labelled_rows(reference: &ReferenceRows) -> Option<(&[Answer], &[Truth])> {
    reference.answers.as_deref().zip(reference.truths.as_deref())
}
