//! Drift from two profiles: the same tests on rows that stand for all rows, and how far they may be off.

use std::collections::BTreeMap;

use crate::column_report::judge;
use crate::profile::{ColumnProfile, Shape, TableProfile};
use crate::{ColumnReport, Counts, Kind, Options, Pair, Report};

/// So many rows at most stand for a side. The p-value of Kolmogorov-Smirnov is that of all its rows, p-values of other tests on
/// numbers are those of the rows that stand for them.
const ROWS_MAX: usize = 1 << 18;

/// Judges every column of the reference as `drift_report` does. Categories and up to 1,024 numbers are exact; a column with more
/// says by `rank_error` how far D of Kolmogorov-Smirnov, and every share of rows, may be off.
pub fn profile_report(reference: &TableProfile, current: &TableProfile, options: &Options) -> Report {
    let all: Vec<&str> = match &options.columns {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => reference.columns.iter().map(|column| column.name.as_str()).collect(),
    };
    let mut columns = Vec::with_capacity(all.len());
    for name in all {
        let row = match (reference.column(name), current.column(name)) {
            (Some(r), Some(c)) => judge_profiles(r, c, options),
            (None, _) => Some(ColumnReport::unknown(name, Kind::Numeric, "no such column in the reference")),
            (Some(r), None) => Some(ColumnReport::unknown(name, r.kind, "the column is gone from the current data")),
        };
        columns.extend(row);
    }
    Report::new(columns, options)
}

fn judge_profiles(reference: &ColumnProfile, current: &ColumnProfile, options: &Options) -> Option<ColumnReport> {
    let mut row = judge(&reference.name, reference.kind, reference.time.as_deref(), || pair(reference, current), options)?;
    let rank_error = reference.rank_error() + current.rank_error();
    if rank_error > 0.0 {
        row.rank_error = Some(rank_error);
    }
    Some(row)
}

fn pair(reference: &ColumnProfile, current: &ColumnProfile) -> Result<Pair, String> {
    match (&reference.shape, &current.shape) {
        (Shape::Numbers { sketch: r, integers: a }, Shape::Numbers { sketch: c, integers: b }) => {
            Ok(Pair::of_numbers(Kind::Numeric, r.expanded(ROWS_MAX), c.expanded(ROWS_MAX), *a && *b, (r.rows(), c.rows())))
        }
        (Shape::Categories { counts: r, other_rows: a, numbers: true }, Shape::Categories { counts: c, other_rows: b, numbers: true })
            if a + b == 0 && reference.clean_rows().max(current.clean_rows()) <= ROWS_MAX as u64 =>
        {
            let rows = (reference.clean_rows(), current.clean_rows());
            Ok(Pair::of_numbers(reference.kind, written_out(r), written_out(c), false, rows))
        }
        (Shape::Categories { counts: r, other_rows: a, numbers }, Shape::Categories { counts: c, other_rows: b, numbers: also }) => {
            let mut names: Vec<&String> = r.keys().chain(c.keys().filter(|name| !r.contains_key(*name))).collect();
            names.sort_unstable();
            if *numbers && *also {
                names.sort_by(|a, b| number(a).total_cmp(&number(b)));
            }
            let of = |side: &BTreeMap<String, u64>, other: u64| -> Vec<u64> {
                let known = names.iter().map(|name| side.get(*name).copied().unwrap_or(0));
                known.chain((a + b > 0).then_some(other)).collect()
            };
            Ok(Pair::of_counts(Counts { reference: of(r, *a), current: of(c, *b) }))
        }
        (Shape::Text { .. }, Shape::Text { .. }) => {
            Ok(Pair::of_counts(Counts { reference: vec![reference.clean_rows()], current: vec![current.clean_rows()] }))
        }
        (mine, theirs) => Err(format!("the column is {} in the reference's profile and {} in the current one", mine.word(), theirs.word())),
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn written_out(counts: &BTreeMap<String, u64>) -> Vec<f64> {
    let mut cells: Vec<f64> = counts.iter().flat_map(|(value, rows)| std::iter::repeat_n(number(value), *rows as usize)).collect();
    crate::clean::sort(&mut cells);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Preset, Test, Values, drift_report};

    fn table(rows: u64, shift: f64) -> Vec<Column> {
        let unit = |i: u64| (i * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
        vec![
            Column::new("moved", Values::Numbers((0..rows).map(|i| unit(i) * unit(i * 31 + 7) + shift).collect())),
            Column::new("same", Values::Numbers((0..rows).map(|i| unit(i + 11)).collect())),
            Column::new("count", Values::Integers((0..rows).map(|i| (unit(i) * 60.0 + shift * 50.0) as i64).collect())),
            Column::new("flag", Values::Integers((0..rows).map(|i| i64::from(unit(i) < 0.3 + shift)).collect())),
            Column::new("day", Values::Integers((0..rows).map(|i| i as i64).collect())),
        ]
    }

    #[test]
    fn small_profiles_are_exact() {
        let options = Options::default();
        let (reference, current) = (table(900, 0.0), table(800, 0.1));
        let profile = |table: &[Column]| TableProfile::new(table, &options);
        for test in [None, Some(Test::Ks), Some(Test::AndersonDarling), Some(Test::JensenShannon), Some(Test::TTest)] {
            let options = Options { test, ..Options::default() };
            assert_eq!(profile_report(&profile(&reference), &profile(&current), &options), drift_report(&reference, &current, &options));
        }
    }

    #[test]
    fn large_profiles_are_within_their_bound() {
        for preset in [Preset::Evidently, Preset::Default] {
            let options = Options { preset, ..Options::default() };
            let (reference, current) = (table(30_000, 0.0), table(20_000, 0.05));
            let rows = drift_report(&reference, &current, &options);
            let profiles = profile_report(&TableProfile::new(&reference, &options), &TableProfile::new(&current, &options), &options);
            for (exact, found) in rows.columns.iter().zip(&profiles.columns) {
                assert_eq!(
                    (exact.drifted, exact.test, exact.reference_rows),
                    (found.drifted, found.test, found.reference_rows),
                    "{exact:?} {found:?}"
                );
                if let (Some(a), Some(b)) = (exact.effect, found.effect) {
                    assert!((a - b).abs() <= found.rank_error.unwrap_or(0.0) + 1e-12, "{exact:?} {found:?}");
                }
            }
            assert!(profiles.columns[0].rank_error.is_some_and(|error| error < 0.003));
            assert_eq!(profiles.columns[3].rank_error, None, "categories are exact");
        }
    }
}
