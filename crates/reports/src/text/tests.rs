//! Screens: one screen, no escape sequences that nobody asked for.

use bellbuoy_drift::{Column, Expectations, Facts, Options, Preset, TableProfile, Values, drift_report, quality_report};

use super::*;
use crate::Side;

fn table(shift: f64, columns: usize) -> Vec<Column> {
    let unit = |at: i64| (at * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
    let numbers = |at: usize| Values::Numbers((0..600).map(|row| unit(row * 7) + if at.is_multiple_of(2) { shift } else { 0.0 }).collect());
    let mut table: Vec<Column> = (0..columns).map(|at| Column::new(format!("feature {at}"), numbers(at))).collect();
    table.push(Column::new("weather", Values::texts((0..600).map(|row| if unit(row) < 0.3 + shift { "rain" } else { "sun" }))));
    table.push(Column::new("evil\u{1b}[2J\u{202e}", Values::Integers(vec![7; 600])));
    table.push(Column::new("id", Values::Integers((0..600).collect())));
    table
}

fn report(columns: usize, shift: f64) -> ModelReport {
    let options = Options { preset: Preset::Default, ..Options::default() };
    let (reference, current) = (table(0.0, columns), table(shift, columns));
    let (r, report) = (TableProfile::new(&reference, &options), drift_report(&reference, &current, &options));
    let c = r.alike(&current);
    let side = |name: &str, rows| Side { name: name.into(), rows };
    ModelReport {
        title: "current.csv against reference.csv".into(),
        at: Some(bellbuoy_vocabulary::Timestamp(1_700_000_000_000)),
        drift: Some(DriftPart::new(&report, &options, (side("reference.csv", r.rows), &r), (side("current.csv", c.rows), &c))),
        quality: Some(quality_report(&r, &c, Facts::default(), &Expectations::default())),
        ..ModelReport::default()
    }
}

#[test]
fn one_screen() {
    let screen = Screen { width: 80, features_max: Some(4), ..Screen::default() };
    let text = report(6, 0.25).text(&screen);
    expect_test::expect![[r#"
        current.csv against reference.csv                           2023-11-14 22:13 UTC
        DRIFT  4 of 7 columns drifted (57 %); the data set counts as drifted from 50 %
        reference reference.csv (600 rows), current current.csv (600 rows); preset defa…

          column    type test                 score drift if  moved  reference  current
        ▲ feature 0 num  ks                 <0.0001   ≤ 0.05   31 %  ▇▆▆▇▇█▄     ▃▆▆▇▆██
        ▲ feature 2 num  ks                 <0.0001   ≤ 0.05   31 %  ▇▆▆▇▇█▄     ▃▆▆▇▆██
        ▲ feature 4 num  ks                 <0.0001   ≤ 0.05   31 %  ▇▆▆▇▇█▄     ▃▆▆▇▆██
        ▲ weather   cat  chi2_contingency   <0.0001   ≤ 0.05   24 %  █▄         ▆▇
          5 more, none of them drifted (--all, or --format json or html)

        3 findings about the data
          feature 0: 111 of 600 numbers are out of range: 0.25 to 1.24955, in the refer…
          feature 2: 111 of 600 numbers are out of range: 0.25 to 1.24955, in the refer…
          feature 4: 111 of 600 numbers are out of range: 0.25 to 1.24955, in the refer…
    "#]]
    .assert_eq(&text);
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
}

#[test]
fn a_screen_stays_a_screen() {
    let text = report(200, 0.25).text(&Screen { width: 80, features_max: Some(12), ..Screen::default() });
    assert!(text.lines().count() <= 24, "{text}");
    assert!(text.contains("191 more, 89 of them drifted"), "{text}");
    let piped = report(200, 0.25).text(&Screen::default());
    assert_eq!(piped.lines().filter(|line| line.contains(" feature ") && line.contains(" ks ")).count(), 200, "a pipe gets all");
}

#[test]
fn colours_and_letters_are_asked_for() {
    let plain = report(2, 0.3).text(&Screen::default());
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{202e}'), "names bring no escape sequences: {plain:?}");
    let coloured = report(2, 0.3).text(&Screen { colours: true, ..Screen::default() });
    assert!(coloured.contains("\u{1b}[31mDRIFT\u{1b}[0m"), "{coloured:?}");
    let ascii = report(2, 0.3).text(&Screen { unicode: false, ..Screen::default() });
    assert!(ascii.is_ascii(), "{ascii}");
    assert!(ascii.contains("<= 0.05") && ascii.contains("* feature 0"), "{ascii}");
}
