//! One column: which test, what it says, or why it says nothing.

use std::borrow::Borrow;

use crate::{ColumnProfile, Kind, Options, Pair, Preset, Test, TypesFrom, Values, evidently_test, time_column, total_variation};

/// The verdict on a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnReport {
    pub name: String,
    pub kind: Kind,
    /// `None` when no test could be chosen; then `error` says why.
    pub test: Option<Test>,
    /// `None` when the column could not be judged; then `error` says why. With the `default` preset the p-value, corrected for
    /// the number of columns.
    pub score: Option<f64>,
    pub threshold: f64,
    pub drifted: bool,
    /// Why there is no score: a lowercase fragment about this column.
    pub error: Option<String>,
    /// Cells that are neither missing nor infinite.
    pub reference_rows: usize,
    pub current_rows: usize,
    /// The `default` preset: the p-value of this column alone.
    pub p_value: Option<f64>,
    /// The `default` preset: the share of rows that lie elsewhere, 0 to 1 (D of Kolmogorov-Smirnov, total variation of categories).
    pub effect: Option<f64>,
    /// Drift needs at least this effect, or `Options::distance_threshold` of `distance`.
    pub effect_threshold: Option<f64>,
    /// The `default` preset, numeric columns: the normed Wasserstein distance. It sees few rows that went far.
    pub distance: Option<f64>,
    /// From profiles: ranks, and so shares of rows, may be off by this. `None`: exact.
    pub rank_error: Option<f64>,
}

impl ColumnReport {
    /// Nobody asked for it: a time, an identifier.
    pub fn is_left_out(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.starts_with(LEFT_OUT))
    }

    /// A column that cannot be judged, and why: a lowercase fragment.
    pub fn unknown(name: &str, kind: Kind, error: impl Into<String>) -> ColumnReport {
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
            p_value: None,
            effect: None,
            effect_threshold: None,
            distance: None,
            rank_error: None,
        }
    }
}

/// The beginning of the reason.
const LEFT_OUT: &str = "left out";

/// Judges one column; columns can be judged on as many threads as there are, `Report::new` puts them together. The verdict
/// of the `default` preset is only known then. `None`: the forced test does not apply to this column.
pub fn judge_column(name: &str, reference: &Values, current: &Values, options: &Options) -> Option<ColumnReport> {
    let kind = kind_of(name, reference, current, options);
    judge(name, kind, time_of(name, reference, options), || Pair::new(kind, reference, current), options)
}

/// A column's verdict and its profiles.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedColumn {
    /// `None`: the forced test does not apply to this column.
    pub report: Option<ColumnReport>,
    pub reference: ColumnProfile,
    pub current: ColumnProfile,
}

/// Judges a column and makes its profiles, for pictures and findings, from cells that are sorted once. Both profiles have the kind
/// that was judged.
pub fn compare_column(name: &str, reference: &Values, current: &Values, options: &Options) -> ComparedColumn {
    let judged_as = kind_of(name, reference, current, options);
    let pair = Pair::new(judged_as, reference, current);
    let report = judge(name, judged_as, time_of(name, reference, options), || pair.as_ref().map_err(String::clone), options);
    let judged = report.as_ref().is_some_and(|report| report.reference_rows > 0);
    let kind = if judged { judged_as } else { options.kinds.get(name).copied().unwrap_or_else(|| options.preset.kind(reference)) };
    let (r, c) = pair.as_ref().ok().and_then(Pair::sorted).unzip();
    let time = time_column(name, reference).filter(|_| options.preset == Preset::Default).map(str::to_owned);
    ComparedColumn {
        report,
        reference: ColumnProfile { time, ..ColumnProfile::of_cells(name, kind, reference, r) },
        current: ColumnProfile::of_cells(name, kind, current, c),
    }
}

fn kind_of(name: &str, reference: &Values, current: &Values, options: &Options) -> Kind {
    let inferred_from = if options.types_from == TypesFrom::Current { current } else { reference };
    options.kinds.get(name).copied().unwrap_or_else(|| options.preset.kind(inferred_from))
}

/// Evidently judges no column of times, whatever its name.
fn time_of(name: &str, reference: &Values, options: &Options) -> Option<&'static str> {
    if options.preset == Preset::Default || matches!(reference, Values::Times(_)) { time_column(name, reference) } else { None }
}

/// The same for cells from anywhere. `time`: why the column is left out when nobody asks for it.
pub(crate) fn judge<P: Borrow<Pair>>(
    name: &str,
    kind: Kind,
    time: Option<&str>,
    pair: impl FnOnce() -> Result<P, String>,
    options: &Options,
) -> Option<ColumnReport> {
    let asked_for = options.test.is_some() || options.columns.is_some();
    let declared = options.time_columns.iter().any(|column| column == name).then_some("it is declared a time column");
    if let Some(reason) = declared.or(time.filter(|_| !asked_for)) {
        return Some(ColumnReport::unknown(name, kind, format!("{LEFT_OUT}: {reason}; name the column to judge it")));
    }
    let pair = match pair() {
        Ok(pair) => pair,
        Err(error) => return Some(ColumnReport::unknown(name, kind, error)),
    };
    let pair = pair.borrow();
    let (reference_rows, current_rows) = pair.rows();
    let row = ColumnReport { reference_rows, current_rows, ..ColumnReport::unknown(name, kind, "") };
    let fail = |error: String| Some(ColumnReport { error: Some(error), ..row.clone() });
    if reference_rows == 0 || current_rows == 0 {
        return fail(pair.why_no_answer(Test::Ks));
    }
    let test = match (options.test, options.preset) {
        (Some(test), _) if !pair.takes(test) => return None,
        (Some(test), _) => test,
        (None, _) if kind == Kind::Text => {
            return fail("free text: more than half of the cells differ; declare it categorical to judge it".into());
        }
        (None, Preset::Default) => return Some(judge_default(row, pair, options)),
        (None, Preset::Evidently) => match evidently_test(kind, reference_rows, pair.values_up_to(5)) {
            Some(test) => test,
            None => return fail("there is no test for this column".into()),
        },
    };
    let threshold = options.threshold(test);
    let score = pair.run(test, options.seed).score;
    if score.is_nan() {
        return Some(ColumnReport { test: Some(test), threshold, ..fail(pair.why_no_answer(test))? });
    }
    Some(ColumnReport { test: Some(test), score: Some(score), threshold, drifted: test.drifted(score, threshold), error: None, ..row })
}

/// Significance and effect, at every size the same two. The correction for many columns comes with the report.
fn judge_default(row: ColumnReport, pair: &Pair, options: &Options) -> ColumnReport {
    let fewer = row.reference_rows.min(row.current_rows);
    if fewer < options.rows_min {
        let side = if row.reference_rows < options.rows_min { "reference" } else { "current" };
        let error = format!("{fewer} {side} rows are too few to judge: at least {} are needed", options.rows_min);
        return ColumnReport { error: Some(error), ..row };
    }
    if pair.values_up_to(1) == 1 {
        return ColumnReport { error: Some("constant: one value on both sides, nothing to compare".into()), ..row };
    }
    let numeric = row.kind == Kind::Numeric;
    let test = if numeric { Test::Ks } else { Test::Contingency };
    let threshold = options.p_threshold;
    let result = pair.run(test, options.seed);
    if result.score.is_nan() {
        return ColumnReport { test: Some(test), threshold, error: Some(pair.why_no_answer(test)), ..row };
    }
    let effect = if numeric { result.statistic } else { total_variation(pair.counts()) };
    ColumnReport {
        test: Some(test),
        score: Some(result.score),
        threshold,
        error: None,
        p_value: Some(result.score),
        effect: Some(effect),
        effect_threshold: Some(options.effect_threshold),
        distance: numeric.then(|| pair.run(Test::Wasserstein, options.seed).score),
        ..row
    }
}
