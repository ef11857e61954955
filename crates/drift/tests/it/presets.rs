//! The promises of the `default` preset, with fewer rounds than the tables in decision 0012.

use bellbuoy_drift::{Column, Kind, Options, Preset, drift_report};

use crate::golden::{bikeshare, columns, read_csv};
use crate::trial::{Shift, false_alarms, found};

fn bikes() -> Vec<Column> {
    let rows = read_csv(bikeshare());
    columns(&rows, &(0..rows.len() - 1).collect::<Vec<usize>>())
}

#[test]
fn few_reports_alarm_without_a_change() {
    let [evidently, default] = false_alarms(&bikes(), 100, 1000, 3);
    println!("evidently {evidently:?}, default {default:?}");
    assert!(default.share() <= 0.05, "{default:?}");
    assert!(evidently.share() > default.share(), "{evidently:?} {default:?}");
}

#[test]
fn injected_changes_are_found() {
    let table = bikes();
    for shift in [Shift::Warmer(0.5), Shift::Warmer(-0.5), Shift::Wider(1.5), Shift::Cloudier(0.25), Shift::NewValue(60)] {
        let [_, default] = found(&table, shift, 500, 4, 4);
        assert!(default >= 0.9, "{}: {default}", shift.text());
    }
    let [evidently, default] = found(&table, Shift::NewValue(1), 500, 3, 5);
    assert_eq!((evidently, default), (1.0, 0.0), "one row of a new category");
}

/// Evidently's verdict on unchanged data hangs on one row more in the reference: p-values up to 1,000 rows, distances above.
#[test]
fn no_jump_at_a_thousand_rows() {
    let table = read_csv(bikeshare());
    let tests = |rows: usize| {
        let current: Vec<usize> = (2000..3000).collect();
        let options = Options { preset: Preset::Default, ..Options::default() };
        let report = drift_report(&columns(&table, &(0..rows).collect::<Vec<usize>>()), &columns(&table, &current), &options);
        report.columns.into_iter().map(|row| (row.name, row.kind, row.test, row.drifted)).collect::<Vec<_>>()
    };
    assert_eq!(tests(1000), tests(1001));
}

/// The kind of a column comes from the reference, whatever the current data holds today.
#[test]
fn kinds_stay() {
    let table = read_csv(bikeshare());
    let (whole, half): (Vec<usize>, Vec<usize>) = ((0..2000).collect(), (0..12).collect());
    for preset in [Preset::Evidently, Preset::Default] {
        let report = drift_report(&columns(&table, &whole), &columns(&table, &half), &Options { preset, ..Options::default() });
        let hour = report.columns.iter().find(|row| row.name == "hr").expect("the hour");
        assert_eq!(hour.kind, Kind::Numeric);
    }
}
