//! All columns of a table: score and verdict each, and the share that drifted.
//!
//! In:    two tables, options. Out: a `Report`: p-values or distances by column (see each test), the share of drifted columns from 0 to 1.
//! Holds: a column that can not be judged has a reason and does not count.

use std::collections::{BTreeMap, HashMap};

use crate::{Column, ColumnReport, Kind, Preset, Test, judge_column};

/// How to judge a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Chooses the test of each column.
    pub preset: Preset,
    /// Threshold of the tests whose score is a p-value and whose own default is 0.05; the others keep theirs (0.1).
    pub p_threshold: f64,
    /// Threshold of the tests whose score is a distance.
    pub distance_threshold: f64,
    /// From this share of drifted columns on, the table has drifted.
    pub drift_share_threshold: f64,
    /// Only these columns; a name that the reference does not have becomes a row with an error. `None`: all of the reference.
    pub columns: Option<Vec<String>>,
    /// This test on every column that it applies to; the other columns are left out.
    pub test: Option<Test>,
    /// Kinds that are known and need no guess, by column name.
    pub kinds: BTreeMap<String, Kind>,
    pub types_from: TypesFrom,
    /// Thresholds of single tests, before all others.
    pub thresholds: BTreeMap<Test, f64>,
    /// The `default` preset: drift needs at least this share of rows elsewhere, or `distance_threshold` of Wasserstein distance.
    pub effect_threshold: f64,
    /// The `default` preset: fewer clean rows on a side say nothing.
    pub rows_min: usize,
    /// Never judged: they must move. The `default` preset knows many by itself (`time_column`).
    pub time_columns: Vec<String>,
    /// Of the tests by permutation.
    pub seed: u64,
}

/// Which table decides a column's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TypesFrom {
    /// The kind stays the same from day to day.
    #[default]
    Reference,
    /// As Evidently does: a whole number with ten different values today is a category today. For comparing with it.
    Current,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            preset: Preset::Evidently,
            p_threshold: 0.05,
            distance_threshold: 0.1,
            drift_share_threshold: 0.5,
            columns: None,
            test: None,
            kinds: BTreeMap::new(),
            types_from: TypesFrom::Reference,
            thresholds: BTreeMap::new(),
            effect_threshold: 0.05,
            rows_min: 20,
            time_columns: Vec::new(),
            seed: 0,
        }
    }
}

impl Options {
    pub fn threshold(&self, test: Test) -> f64 {
        match self.thresholds.get(&test) {
            Some(threshold) => *threshold,
            None if test.is_distance() => self.distance_threshold,
            None if test.default_threshold() == 0.05 => self.p_threshold,
            None => test.default_threshold(),
        }
    }
}

/// The verdict on a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// In the order of the reference, or of `Options::columns`.
    pub columns: Vec<ColumnReport>,
    pub drifted_columns: usize,
    /// Drifted columns among those with a score; 0 when no column has one (`judged_columns` tells the two apart).
    pub drift_share: f64,
    pub dataset_drift: bool,
    /// Columns with a score.
    pub judged_columns: usize,
}

/// Judges every column. A column that is empty, gone or of another type is a row with an error, never the end of the report.
pub fn drift_report(reference: &[Column], current: &[Column], options: &Options) -> Report {
    let all: Vec<String> = match &options.columns {
        Some(names) => names.clone(),
        None => reference.iter().map(|column| column.name.clone()).collect(),
    };
    let by_name = |table: &'_ [Column]| -> HashMap<String, usize> {
        table.iter().enumerate().rev().map(|(i, column)| (column.name.clone(), i)).collect()
    };
    let (in_reference, in_current) = (by_name(reference), by_name(current));
    let mut columns = Vec::with_capacity(all.len());
    for name in &all {
        let row = match (in_reference.get(name), in_current.get(name)) {
            (Some(r), Some(c)) => judge_column(name, &reference[*r].values, &current[*c].values, options),
            (None, _) => Some(ColumnReport::unknown(name, Kind::Numeric, "no such column in the reference")),
            (Some(r), None) => {
                let kind = options.preset.kind(&reference[*r].values);
                Some(ColumnReport::unknown(name, kind, "the column is gone from the current data"))
            }
        };
        columns.extend(row);
    }
    Report::new(columns, options)
}

impl Report {
    /// Puts judged columns together: the correction for many columns and the verdict on the table.
    pub fn new(mut columns: Vec<ColumnReport>, options: &Options) -> Report {
        let judged: Vec<usize> = (0..columns.len()).filter(|i| columns[*i].p_value.is_some()).collect();
        let p_values: Vec<f64> = judged.iter().filter_map(|i| columns[*i].p_value).collect();
        for (i, p) in judged.into_iter().zip(adjusted(&p_values)) {
            let column = &mut columns[i];
            let many = column.effect.zip(column.effect_threshold).is_some_and(|(effect, threshold)| effect >= threshold);
            let far = column.distance.is_some_and(|distance| distance >= options.distance_threshold);
            column.score = Some(p);
            column.drifted = p <= column.threshold && (many || far);
        }
        let judged_columns = columns.iter().filter(|column| column.score.is_some()).count();
        let drifted_columns = columns.iter().filter(|column| column.drifted).count();
        let drift_share = if judged_columns == 0 { 0.0 } else { drifted_columns as f64 / judged_columns as f64 };
        let dataset_drift = judged_columns > 0 && drift_share >= options.drift_share_threshold;
        Report { columns, drifted_columns, drift_share, dataset_drift, judged_columns }
    }
}

/// P-values corrected for their number (Benjamini and Hochberg 1995): calling those up to q drift, at most a share q of the
/// calls is expected to be false; when nothing has changed, the chance of a single call is at most q.
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut out = vec![1.0; count];
    let mut smallest = 1.0f64;
    for (rank, i) in order.into_iter().enumerate().rev() {
        smallest = smallest.min(p_values[i] * count as f64 / (rank + 1) as f64);
        out[i] = smallest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Values;

    fn numbers_of(name: &str, values: impl IntoIterator<Item = f64>) -> Column {
        Column::new(name, Values::Numbers(values.into_iter().collect()))
    }

    fn texts_of(name: &str, values: &[&str], times: usize) -> Column {
        Column::new(name, Values::texts(values.repeat(times)))
    }

    fn line(row: &ColumnReport) -> String {
        let test = row.test.map_or("-", Test::name);
        let said = row.error.clone().unwrap_or_else(|| if row.drifted { "drift".into() } else { "same".into() });
        format!("{} {} {test} {}/{}: {said}", row.name, row.kind.name(), row.reference_rows, row.current_rows)
    }

    #[test]
    fn a_bad_column_is_its_own_row() {
        let range = |from: usize, to: usize| (from..to).map(|v| v as f64);
        let reference = [
            numbers_of("moved", range(0, 100)),
            numbers_of("same", range(0, 100)),
            numbers_of("emptied", range(0, 100)),
            numbers_of("gone", range(0, 100)),
            numbers_of("now_text", range(0, 100)),
            texts_of("weather", &["clear", "rain", "snow"], 30),
            texts_of("note", &["a", "b", "c"], 1),
        ];
        let current = [
            numbers_of("moved", range(80, 180)),
            numbers_of("same", range(0, 100)),
            numbers_of("emptied", [f64::NAN, f64::INFINITY]),
            texts_of("now_text", &["x"], 100),
            texts_of("weather", &["clear", "rain", "fog"], 30),
            texts_of("note", &["d", "e", "f"], 1),
            numbers_of("extra", range(0, 5)),
        ];
        let report = drift_report(&reference, &current, &Options::default());
        let lines: Vec<String> = report.columns.iter().map(line).collect();
        expect_test::expect![[r#"
            moved num ks 100/100: drift
            same num ks 100/100: same
            emptied num - 100/0: the current column is empty: every cell is missing or infinite
            gone num - 0/0: the column is gone from the current data
            now_text num - 0/0: the column is numeric but the current data has texts in it
            weather cat chisquare 90/90: drift
            note text - 3/3: free text: more than half of the cells differ; declare it categorical to judge it"#]]
        .assert_eq(&lines.join("\n"));
        assert_eq!((report.drifted_columns, report.judged_columns, report.dataset_drift), (2, 3, true));
    }

    #[test]
    fn options_choose_columns_and_tests() {
        let table = [numbers_of("a", (0..60).map(f64::from)), texts_of("b", &["x", "y"], 30)];
        let names = |options: &Options| -> Vec<String> { drift_report(&table, &table, options).columns.iter().map(line).collect() };
        let forced = Options { test: Some(Test::Wasserstein), ..Options::default() };
        assert_eq!(names(&forced), ["a num wasserstein 60/60: same"]);
        let forced = Options { test: Some(Test::ChiSquared), ..Options::default() };
        assert_eq!(names(&forced), ["b cat chisquare 60/60: same"]);
        let chosen = Options { columns: Some(vec!["b".into(), "c".into()]), ..Options::default() };
        assert_eq!(names(&chosen), ["b cat z 60/60: same", "c num - 0/0: no such column in the reference"]);
        let nothing = drift_report(&[], &[], &Options::default());
        assert_eq!((nothing.judged_columns, nothing.dataset_drift), (0, false));
    }

    #[test]
    fn correction_of_known_values() {
        // statsmodels' multipletests(method="fdr_bh").
        let found = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        for (ours, expected) in found.iter().zip([0.02, 0.04, 0.04, 0.02]) {
            assert!((ours - expected).abs() < 1e-15, "{found:?}");
        }
        assert!(adjusted(&[]).is_empty());
    }

    #[test]
    fn the_default_preset_says_what_it_leaves_out() {
        let options = Options { preset: Preset::Default, ..Options::default() };
        let range = |from: i32, to: i32| (from..to).map(f64::from);
        let reference = [
            numbers_of("moved", range(0, 100)),
            numbers_of("same", range(0, 100)),
            numbers_of("fixed", [3.5; 100]),
            numbers_of("day", range(0, 100)),
            numbers_of("few", range(0, 9)),
            texts_of("weather", &["clear", "rain"], 50),
            texts_of("names", &["a", "b", "c"], 1),
        ];
        let new_value = texts_of("weather", &[["clear", "rain"].repeat(49), vec!["snow"]].concat(), 1);
        let current = [
            numbers_of("moved", range(40, 140)),
            numbers_of("same", range(1, 101)),
            numbers_of("fixed", [3.5; 90]),
            numbers_of("day", range(200, 300)),
            numbers_of("few", range(0, 9)),
            new_value,
            texts_of("names", &["d", "e", "f"], 1),
        ];
        let report = drift_report(&reference, &current, &options);
        let lines: Vec<String> = report.columns.iter().map(line).collect();
        expect_test::expect![[r#"
            moved num ks 100/100: drift
            same num ks 100/100: same
            fixed num - 100/90: constant: one value on both sides, nothing to compare
            day num - 0/0: left out: its name says that it is a time or an identifier; name the column to judge it
            few cat - 9/9: 9 reference rows are too few to judge: at least 20 are needed
            weather cat chi2_contingency 100/99: same
            names text - 3/3: free text: more than half of the cells differ; declare it categorical to judge it"#]]
        .assert_eq(&lines.join("\n"));
        let moved = &report.columns[0];
        assert_eq!((moved.effect, moved.effect_threshold), (Some(0.4), Some(0.05)));
        assert!(moved.score > moved.p_value, "the correction for three columns: {moved:?}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        /// A sample has not drifted from itself, whatever is in it.
        #[test]
        fn no_drift_from_itself(values in proptest::collection::vec(proptest::num::f64::ANY, 0..120)) {
            let table = [numbers_of("x", values)];
            let ours = Options { preset: Preset::Default, ..Options::default() };
            proptest::prop_assert_eq!(drift_report(&table, &table, &ours).drifted_columns, 0);
            for test in Test::ALL {
                let report = drift_report(&table, &table, &Options { test: Some(test), ..Options::default() });
                proptest::prop_assert_eq!(report.drifted_columns, 0);
            }
        }
    }
}
