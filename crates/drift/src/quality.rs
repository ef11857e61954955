//! Data quality: what is wrong with the current data before anybody compares distributions. From profiles, so that no reference
//! rows are needed; each finding names the column and has the number.
//!
//! In:    profiles of both sides, facts that only rows tell (duplicates), what was expected. Out: `Finding`s: of the table first, then by column.
//! Never: judges a distribution: that is drift.

use std::time::Duration;

use crate::profile::{ColumnProfile, Shape, TableProfile};
use crate::{Column, Values};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    NoRows,
    RowCount,
    Stale,
    DuplicateRows,
    NewColumn,
    LostColumn,
    TypeChange,
    Missing,
    Infinite,
    Constant,
    OutOfRange,
    NewValues,
    LostValues,
}

impl Defect {
    pub fn name(self) -> &'static str {
        match self {
            Defect::NoRows => "no_rows",
            Defect::RowCount => "row_count",
            Defect::Stale => "stale",
            Defect::DuplicateRows => "duplicate_rows",
            Defect::NewColumn => "new_column",
            Defect::LostColumn => "lost_column",
            Defect::TypeChange => "type_change",
            Defect::Missing => "missing",
            Defect::Infinite => "infinite",
            Defect::Constant => "constant",
            Defect::OutOfRange => "out_of_range",
            Defect::NewValues => "new_values",
            Defect::LostValues => "lost_values",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub defect: Defect,
    /// `None`: the table.
    pub column: Option<String>,
    /// The figure: rows, or the age in seconds.
    pub value: f64,
    /// What was expected, where a number says it.
    pub expected: Option<f64>,
    /// A lowercase fragment with the names and numbers.
    pub text: String,
}

/// When a deviation is a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectations {
    pub rows_min: Option<u64>,
    pub rows_max: Option<u64>,
    pub age_max: Option<Duration>,
    /// The share of missing (infinite, duplicate) rows may exceed the reference's by this.
    pub share_rise_max: f64,
    /// Numbers may leave the reference's range by this share of its width: a new largest value is found in every sample.
    pub range_margin: f64,
    /// A value is lost, a column constant, only when so many rows of it, or of others, were to be expected.
    pub lost_rows_min: f64,
    /// A column is constant only from so many rows on.
    pub constant_rows_min: u64,
}

impl Default for Expectations {
    fn default() -> Expectations {
        Expectations {
            rows_min: None,
            rows_max: None,
            age_max: None,
            share_rise_max: 0.05,
            range_margin: 0.1,
            lost_rows_min: 10.0,
            constant_rows_min: 20,
        }
    }
}

/// What a profile does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// See `duplicate_rows`; of the reference and of the current data.
    pub reference_duplicates: Option<u64>,
    pub duplicates: Option<u64>,
    /// How old the newest row is.
    pub age: Option<Duration>,
}

/// Values named in a finding.
const NAMES_MAX: usize = 5;

/// All findings: of the table first, then by column in the reference's order.
pub fn quality_report(reference: &TableProfile, current: &TableProfile, facts: Facts, expected: &Expectations) -> Vec<Finding> {
    let mut findings = Vec::new();
    of_table(reference, current, facts, expected, &mut findings);
    for column in &reference.columns {
        match current.column(&column.name) {
            Some(_) if current.rows == 0 => {}
            Some(now) => of_column(column, now, expected, &mut findings),
            None => findings.push(finding(Defect::LostColumn, Some(column), 1.0, None, "the column is gone".into())),
        }
    }
    for column in current.columns.iter().filter(|column| reference.column(&column.name).is_none()) {
        findings.push(finding(Defect::NewColumn, Some(column), 1.0, None, "the reference has no such column".into()));
    }
    findings
}

fn finding(defect: Defect, column: Option<&ColumnProfile>, value: f64, expected: Option<f64>, text: String) -> Finding {
    Finding { defect, column: column.map(|column| column.name.clone()), value, expected, text }
}

fn of_table(reference: &TableProfile, current: &TableProfile, facts: Facts, expected: &Expectations, findings: &mut Vec<Finding>) {
    let rows = current.rows;
    let mut add = |defect, value: f64, limit: Option<f64>, text| findings.push(finding(defect, None, value, limit, text));
    if rows == 0 {
        add(Defect::NoRows, 0.0, None, "there are no rows".into());
    }
    if let Some(least) = expected.rows_min.filter(|least| rows < *least) {
        add(Defect::RowCount, rows as f64, Some(least as f64), format!("{rows} rows, at least {least} are expected"));
    }
    if let Some(most) = expected.rows_max.filter(|most| rows > *most) {
        add(Defect::RowCount, rows as f64, Some(most as f64), format!("{rows} rows, at most {most} are expected"));
    }
    if let (Some(age), Some(limit)) = (facts.age, expected.age_max)
        && age > limit
    {
        let text = format!("the newest row is {} s old, at most {} s are expected", age.as_secs(), limit.as_secs());
        add(Defect::Stale, age.as_secs_f64(), Some(limit.as_secs_f64()), text);
    }
    let before = facts.reference_duplicates.map_or(0.0, |count| share(count, reference.rows));
    if let Some(count) = facts.duplicates.filter(|count| share(*count, rows) > before + expected.share_rise_max) {
        let text =
            format!("{count} of {rows} rows repeat an earlier row ({}), in the reference {}", percent(share(count, rows)), percent(before));
        add(Defect::DuplicateRows, count as f64, Some(before * rows as f64), text);
    }
}

fn of_column(reference: &ColumnProfile, current: &ColumnProfile, expected: &Expectations, findings: &mut Vec<Finding>) {
    let word = |profile: &ColumnProfile| match &profile.shape {
        Shape::Categories { numbers: true, .. } => "whole numbers",
        Shape::Categories { .. } | Shape::Text { .. } => "text",
        Shape::Numbers { .. } => "numbers",
    };
    let (was, is) = (word(reference), word(current));
    if (was == "text") != (is == "text") && current.clean_rows() > 0 {
        findings.push(finding(
            Defect::TypeChange,
            Some(current),
            current.clean_rows() as f64,
            None,
            format!("{was} in the reference, {is} now"),
        ));
        return;
    }
    let counted = [
        (Defect::Missing, "missing", current.missing, reference.missing),
        (Defect::Infinite, "infinite", current.infinite, reference.infinite),
    ];
    for (defect, name, count, before) in counted {
        let (now, then) = (share(count, current.rows), share(before, reference.rows));
        if now > then + expected.share_rise_max || (defect == Defect::Infinite && count > 0 && before == 0) {
            let text = format!("{count} of {} cells are {name} ({}), in the reference {}", current.rows, percent(now), percent(then));
            findings.push(finding(defect, Some(current), count as f64, Some(then * current.rows as f64), text));
        }
    }
    let clean = current.clean_rows();
    let others = share_of_others(reference, current) * clean as f64;
    if let Some(value) = only_value(current).filter(|_| clean >= expected.constant_rows_min && others >= expected.lost_rows_min) {
        let text = format!("all {clean} cells are {value}, {others:.0} others were to be expected");
        findings.push(finding(Defect::Constant, Some(current), clean as f64, Some(others), text));
    }
    out_of_range(reference, current, expected, findings);
    values(reference, current, expected, findings);
}

fn out_of_range(reference: &ColumnProfile, current: &ColumnProfile, expected: &Expectations, findings: &mut Vec<Finding>) {
    let (Some((low, high)), Some((least, most)), Shape::Numbers { sketch, .. }) = (reference.range, current.range, &current.shape) else {
        return;
    };
    let margin = (high - low) * expected.range_margin;
    if least >= low - margin && most <= high + margin {
        return;
    }
    let rows = sketch.rows() as f64;
    let outside = (sketch.share_below(low - margin) + 1.0 - sketch.share_at_or_below(high + margin)) * rows;
    let about = if sketch.rank_error() > 0.0 { "about " } else { "" };
    // The one row at the end is seen by the exact range, not always by the sketch.
    let outside = outside.max(1.0).round();
    let text = format!(
        "{about}{outside} of {rows} numbers are out of range: {} to {}, in the reference {} to {}",
        plain(least),
        plain(most),
        plain(low),
        plain(high)
    );
    findings.push(finding(Defect::OutOfRange, Some(current), outside, Some(0.0), text));
}

/// Six digits that count: nobody reads more.
fn plain(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn values(reference: &ColumnProfile, current: &ColumnProfile, expected: &Expectations, findings: &mut Vec<Finding>) {
    let (Shape::Categories { counts: was, other_rows: rest, .. }, Shape::Categories { counts: is, other_rows, .. }) =
        (&reference.shape, &current.shape)
    else {
        return;
    };
    let named = |mut values: Vec<(&String, u64)>| {
        values.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let more = values.len().saturating_sub(NAMES_MAX);
        let names: Vec<String> = values.iter().take(NAMES_MAX).map(|(name, rows)| format!("{name:?} ({rows})")).collect();
        if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
    };
    // Where the reference told not all values apart, nobody knows what is new.
    let new: Vec<(&String, u64)> =
        is.iter().filter(|(name, _)| *rest == 0 && !was.contains_key(*name)).map(|(name, rows)| (name, *rows)).collect();
    let rows: u64 = new.iter().map(|(_, rows)| rows).sum();
    if rows > 0 {
        let text = format!("{} in {rows} of {} rows: {}", plural(new.len(), "new value", "new values"), current.clean_rows(), named(new));
        findings.push(finding(Defect::NewValues, Some(current), rows as f64, Some(0.0), text));
    }
    let scale = current.clean_rows() as f64 / reference.clean_rows().max(1) as f64;
    let gone =
        |(name, rows): &(&String, &u64)| *other_rows == 0 && !is.contains_key(*name) && **rows as f64 * scale >= expected.lost_rows_min;
    let lost: Vec<(&String, u64)> = was.iter().filter(gone).map(|(name, rows)| (name, (*rows as f64 * scale).round() as u64)).collect();
    if !lost.is_empty() {
        let rows: u64 = lost.iter().map(|(_, rows)| rows).sum();
        let text = format!("{} gone, {rows} rows were to be expected: {}", plural(lost.len(), "value is", "values are"), named(lost));
        findings.push(finding(Defect::LostValues, Some(current), 0.0, Some(rows as f64), text));
    }
}

fn only_value(column: &ColumnProfile) -> Option<String> {
    match &column.shape {
        Shape::Categories { counts, other_rows: 0, .. } if counts.len() == 1 => counts.keys().next().map(|name| format!("{name:?}")),
        Shape::Numbers { .. } => column.range.filter(|(low, high)| low == high).map(|(value, _)| value.to_string()),
        _ => None,
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The reference's share of rows that are not the current column's only value.
fn share_of_others(reference: &ColumnProfile, current: &ColumnProfile) -> f64 {
    match (&reference.shape, &current.shape, current.range) {
        (Shape::Categories { counts, .. }, Shape::Categories { counts: now, .. }, _) => {
            let same = now.keys().next().and_then(|value| counts.get(value)).copied().unwrap_or(0);
            share(reference.clean_rows() - same, reference.clean_rows())
        }
        (Shape::Numbers { sketch, .. }, _, Some((value, _))) if sketch.rows() > 0 => {
            1.0 - (sketch.share_at_or_below(value) - sketch.share_below(value))
        }
        _ => 0.0,
    }
}

fn share(count: u64, rows: u64) -> f64 {
    if rows == 0 { 0.0 } else { count as f64 / rows as f64 }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Rows that repeat an earlier row in every column. Rows are compared by 64-bit hashes: among a million rows, one in 30 million
/// tables has a row too many.
pub fn duplicate_rows(table: &[Column]) -> u64 {
    let mut hashes = vec![0u64; table.iter().map(|column| column.values.len()).max().unwrap_or(0)];
    for (index, column) in table.iter().enumerate() {
        add_to_hashes(index, &column.values, 0, &mut hashes);
    }
    repeated(hashes)
}

/// Adds the cells of a column to the hashes of rows, from `row` on. Columns may be added in any order.
pub fn add_to_hashes(column: usize, values: &Values, row: usize, hashes: &mut [u64]) {
    let seed = mixed(column as u64 + 1);
    let cells = row..values.len().min(row + hashes.len());
    let add = |hash: &mut u64, cell: u64| *hash = hash.wrapping_add(mixed(cell ^ seed));
    match values {
        Values::Numbers(values) => hashes.iter_mut().zip(&values[cells]).for_each(|(hash, cell)| add(hash, (cell + 0.0).to_bits())),
        Values::Integers(values) | Values::Times(values) => {
            hashes.iter_mut().zip(&values[cells]).for_each(|(hash, cell)| add(hash, *cell as u64));
        }
        // Within one table a text is its code; a missing cell has one, too.
        Values::Categories(values) => hashes.iter_mut().zip(&values.codes()[cells]).for_each(|(hash, code)| add(hash, u64::from(*code))),
    }
}

/// How many hashes are there more than different ones.
pub fn repeated(mut hashes: Vec<u64>) -> u64 {
    radsort::sort(&mut hashes);
    (hashes.len() - hashes.chunk_by(|a, b| a == b).count()) as u64
}

fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn numbers(name: &str, cells: impl IntoIterator<Item = f64>) -> Column {
        Column::new(name, Values::Numbers(cells.into_iter().collect()))
    }

    fn texts(name: &str, cells: &[&str], times: usize) -> Column {
        Column::new(name, Values::texts(cells.repeat(times)))
    }

    fn lines(reference: &[Column], current: &[Column], facts: Facts, expected: &Expectations) -> String {
        let reference = TableProfile::new(reference, &Options::default());
        let findings = quality_report(&reference, &reference.alike(current), facts, expected);
        let line = |f: &Finding| format!("{} {} {}: {}", f.defect.name(), f.column.as_deref().unwrap_or("-"), f.value, f.text);
        findings.iter().map(line).collect::<Vec<String>>().join("\n")
    }

    #[test]
    fn each_defect_by_name_and_number() {
        let range = |from: i32, to: i32| (from..to).map(f64::from);
        let reference = [
            numbers("gappy", range(0, 100)),
            numbers("endless", range(0, 100)),
            numbers("stuck", range(0, 100)),
            numbers("far", range(0, 100)),
            numbers("now_text", range(0, 100)),
            texts("weather", &["clear", "rain"], 50),
            numbers("gone", range(0, 100)),
            numbers("fine", range(0, 100)),
        ];
        let current = [
            numbers("gappy", range(0, 80).chain([f64::NAN; 20])),
            numbers("endless", range(0, 99).chain([f64::INFINITY])),
            numbers("stuck", [7.0; 100]),
            numbers("far", range(0, 90).chain(range(1000, 1010))),
            texts("now_text", &["x", "y"], 50),
            texts("weather", &["clear", "clear", "clear", "fog"], 25),
            numbers("fine", range(5, 105)),
            numbers("extra", range(0, 100)),
        ];
        let facts = Facts { duplicates: Some(30), reference_duplicates: Some(2), age: Some(Duration::from_secs(7200)) };
        let expected = Expectations { rows_min: Some(500), age_max: Some(Duration::from_secs(3600)), ..Expectations::default() };
        expect_test::expect![[r#"
            row_count - 100: 100 rows, at least 500 are expected
            stale - 7200: the newest row is 7200 s old, at most 3600 s are expected
            duplicate_rows - 30: 30 of 100 rows repeat an earlier row (30.0 %), in the reference 2.0 %
            missing gappy 20: 20 of 100 cells are missing (20.0 %), in the reference 0.0 %
            infinite endless 1: 1 of 100 cells are infinite (1.0 %), in the reference 0.0 %
            constant stuck 100: all 100 cells are 7, 99 others were to be expected
            out_of_range far 10: 10 of 100 numbers are out of range: 0 to 1009, in the reference 0 to 99
            type_change now_text 100: numbers in the reference, text now
            new_values weather 25: 1 new value in 25 of 100 rows: "fog" (25)
            lost_values weather 0: 1 value is gone, 50 rows were to be expected: "rain" (50)
            lost_column gone 1: the column is gone
            new_column extra 1: the reference has no such column"#]]
        .assert_eq(&lines(&reference, &current, facts, &expected));
    }

    #[test]
    fn nothing_to_say() {
        let table = [numbers("x", (0..100).map(f64::from)), texts("k", &["a", "b"], 50)];
        assert_eq!(lines(&table, &table, Facts::default(), &Expectations::default()), "");
        let empty = [numbers("x", []), texts("k", &[], 0)];
        assert_eq!(lines(&table, &empty, Facts::default(), &Expectations::default()), "no_rows - 0: there are no rows");
        // Nine rows of a rare value may be absent by chance.
        let rare = texts("k", &[["a"; 991].as_slice(), &["c"; 9]].concat(), 1);
        let stuck = lines(&[texts("k", &["a", "c"], 50)], &[texts("k", &["c"], 50)], Facts::default(), &Expectations::default());
        assert!(stuck.contains("constant k 50"), "{stuck}");
        assert_eq!(lines(&[rare], &[texts("k", &["a"], 1000)], Facts::default(), &Expectations::default()), "");
    }

    #[test]
    fn duplicates_are_rows_not_cells() {
        let table = [numbers("x", [1.0, 1.0, 2.0, 1.0, -0.0, 0.0]), texts("k", &["a", "b", "a", "a", "c", "c"], 1)];
        assert_eq!((duplicate_rows(&table), duplicate_rows(&table[..1]), duplicate_rows(&[])), (2, 3, 0));
    }
}
