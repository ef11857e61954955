//! All columns of a table: score and verdict each, and the share that drifted.

use std::collections::BTreeMap;

use crate::clean::{distinct, numbers, texts};
use crate::{
    Column, Counts, Kind, Preset, Test, TestResult, Values, binned, chi_squared, evidently_test, hellinger, infer_kind, jensen_shannon, ks,
    kullback_leibler, population_stability, two_proportions, wasserstein_normed,
};

/// How to judge a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Chooses the test of each column.
    pub preset: Preset,
    /// Threshold of the tests whose score is a p-value.
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

/// The verdict on a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnReport {
    pub name: String,
    pub kind: Kind,
    /// `None` when no test could be chosen; then `error` says why.
    pub test: Option<Test>,
    /// `None` when the column could not be judged; then `error` says why.
    pub score: Option<f64>,
    pub threshold: f64,
    pub drifted: bool,
    /// Why there is no score: a lowercase fragment about this column.
    pub error: Option<String>,
    /// Cells that are neither missing nor infinite.
    pub reference_rows: usize,
    pub current_rows: usize,
}

/// Tests that compare counts take a column of numbers only up to this many different values a side.
const CATEGORIES_OF_NUMBERS_MAX: usize = 40;

/// Judges every column. A column that is empty, gone or of another type is a row with an error, never the end of the report.
pub fn drift_report(reference: &[Column], current: &[Column], options: &Options) -> Report {
    let all: Vec<String> = match &options.columns {
        Some(names) => names.clone(),
        None => reference.iter().map(|column| column.name.clone()).collect(),
    };
    let find = |table: &[Column], name: &str| table.iter().position(|column| column.name == name);
    let mut columns = Vec::with_capacity(all.len());
    for name in &all {
        let row = match (find(reference, name), find(current, name)) {
            (Some(r), Some(c)) => judge_column(name, &reference[r].values, &current[c].values, options),
            (None, _) => Some(failed(name, Kind::Numeric, "no such column in the reference")),
            (Some(r), None) => Some(failed(name, infer_kind(&reference[r].values), "the column is gone from the current data")),
        };
        columns.extend(row);
    }
    let judged_columns = columns.iter().filter(|column| column.score.is_some()).count();
    let drifted_columns = columns.iter().filter(|column| column.drifted).count();
    let drift_share = if judged_columns == 0 { 0.0 } else { drifted_columns as f64 / judged_columns as f64 };
    let dataset_drift = judged_columns > 0 && drift_share >= options.drift_share_threshold;
    Report { columns, drifted_columns, drift_share, dataset_drift, judged_columns }
}

fn failed(name: &str, kind: Kind, error: impl Into<String>) -> ColumnReport {
    ColumnReport {
        name: name.to_owned(),
        kind,
        test: None,
        score: None,
        threshold: 0.0,
        drifted: false,
        error: Some(error.into()),
        reference_rows: 0,
        current_rows: 0,
    }
}

/// `None`: the forced test does not apply to this column.
fn judge_column(name: &str, reference: &Values, current: &Values, options: &Options) -> Option<ColumnReport> {
    let inferred_from = if options.types_from == TypesFrom::Current { current } else { reference };
    let kind = options.kinds.get(name).copied().unwrap_or_else(|| infer_kind(inferred_from));
    let sides = match Sides::new(kind, reference, current) {
        Ok(sides) => sides,
        Err(error) => return Some(failed(name, kind, error)),
    };
    let (reference_rows, current_rows) = sides.rows();
    let row = ColumnReport { reference_rows, current_rows, ..failed(name, kind, "") };
    let fail = |error: String| Some(ColumnReport { error: Some(error), ..row.clone() });
    if reference_rows == 0 || current_rows == 0 {
        let side = if reference_rows == 0 { "reference" } else { "current" };
        return fail(format!("the {side} column is empty: every cell is missing or infinite"));
    }
    let test = match options.test {
        Some(test) if !sides.takes(test) => return None,
        Some(test) => test,
        None => match evidently_test(kind, reference_rows, sides.counts().len()) {
            Some(test) => test,
            None => return fail("free text: more than half of the cells differ; declare it categorical to judge it".into()),
        },
    };
    let threshold = if test.is_distance() { options.distance_threshold } else { options.p_threshold };
    let score = sides.run(test).score;
    if score.is_nan() {
        return Some(ColumnReport { test: Some(test), threshold, ..fail(format!("{} has no answer for this column", test.name()))? });
    }
    Some(ColumnReport { test: Some(test), score: Some(score), threshold, drifted: test.drifted(score, threshold), error: None, ..row })
}

/// The clean, sorted cells of a column on both sides.
enum Sides {
    Numbers { reference: Vec<f64>, current: Vec<f64>, integers: bool, numeric: bool },
    Texts { reference: Vec<String>, current: Vec<String>, free: bool },
}

impl Sides {
    fn new(kind: Kind, reference: &Values, current: &Values) -> Result<Sides, String> {
        if reference.are_numbers() && current.are_numbers() {
            let integers = matches!((reference, current), (Values::Integers(_), Values::Integers(_)));
            let numeric = kind == Kind::Numeric;
            return Ok(Sides::Numbers { reference: numbers(reference), current: numbers(current), integers, numeric });
        }
        if kind == Kind::Numeric {
            let side = if reference.are_numbers() { "current" } else { "reference" };
            return Err(format!("the column is numeric but the {side} data has texts in it"));
        }
        Ok(Sides::Texts { reference: texts(reference), current: texts(current), free: kind == Kind::Text })
    }

    fn rows(&self) -> (usize, usize) {
        match self {
            Sides::Numbers { reference, current, .. } => (reference.len(), current.len()),
            Sides::Texts { reference, current, .. } => (reference.len(), current.len()),
        }
    }

    fn counts(&self) -> Counts {
        match self {
            Sides::Numbers { reference, current, .. } => Counts::of_sorted(reference, current, f64::total_cmp),
            Sides::Texts { reference, current, .. } => Counts::of_sorted(reference, current, Ord::cmp),
        }
    }

    fn takes(&self, test: Test) -> bool {
        match self {
            Sides::Numbers { reference, current, .. } => {
                !test.needs_categories() || distinct(reference).max(distinct(current)) <= CATEGORIES_OF_NUMBERS_MAX
            }
            Sides::Texts { free, .. } => !test.needs_numbers() && !free,
        }
    }

    fn run(&self, test: Test) -> TestResult {
        let counts = |test: fn(&Counts) -> TestResult| test(&self.counts());
        // Distances take a numeric column in bins, a category value by value.
        let bins = |test: fn(&Counts) -> TestResult| match self {
            Sides::Numbers { reference, current, integers, numeric: true } => test(&binned(reference, current, *integers)),
            _ => test(&self.counts()),
        };
        match (test, self) {
            (Test::Ks, Sides::Numbers { reference, current, .. }) => ks(reference, current),
            (Test::Wasserstein, Sides::Numbers { reference, current, .. }) => wasserstein_normed(reference, current),
            (Test::Ks | Test::Wasserstein, Sides::Texts { .. }) => TestResult { statistic: f64::NAN, score: f64::NAN },
            (Test::ChiSquared, _) => counts(chi_squared),
            (Test::Z, _) => counts(two_proportions),
            (Test::JensenShannon, _) => bins(jensen_shannon),
            (Test::Psi, _) => bins(population_stability),
            (Test::KullbackLeibler, _) => bins(kullback_leibler),
            (Test::Hellinger, Sides::Numbers { reference, current, integers, numeric: true }) => {
                hellinger(&Counts::default(), Some((reference, current, *integers)))
            }
            (Test::Hellinger, _) => hellinger(&self.counts(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers_of(name: &str, values: impl IntoIterator<Item = f64>) -> Column {
        Column::new(name, Values::Numbers(values.into_iter().collect()))
    }

    fn texts_of(name: &str, values: &[&str], times: usize) -> Column {
        Column::new(name, Values::Categories(values.repeat(times).iter().map(|v| (*v).to_owned()).collect()))
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

    proptest::proptest! {
        /// A sample has not drifted from itself, whatever is in it.
        #[test]
        fn no_drift_from_itself(values in proptest::collection::vec(proptest::num::f64::ANY, 0..300)) {
            let table = [numbers_of("x", values)];
            for test in Test::ALL {
                let report = drift_report(&table, &table, &Options { test: Some(test), ..Options::default() });
                proptest::prop_assert_eq!(report.drifted_columns, 0);
            }
        }
    }
}
