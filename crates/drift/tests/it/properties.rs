//! What holds for all samples: symmetry, invariance, and an explicit reason where there is no answer.

use bellbuoy_drift::{
    Alternative, Column, Counts, Kind, Options, Preset, TableProfile, Test, TestResult, Values, anderson_darling, contingency,
    cramer_von_mises, drift_report, energy_distance, epps_singleton, fisher_exact, jensen_shannon, ks, mann_whitney, population_stability,
    profile_report, t_test, total_variation, two_proportions, wasserstein_normed,
};
use proptest::collection::vec;
use proptest::prelude::*;

type Numeric = fn(&[f64], &[f64]) -> TestResult;

fn both_sided(reference: &[f64], current: &[f64]) -> TestResult {
    mann_whitney(reference, current, Alternative::TwoSided)
}

/// Tests on numbers that do not care which side is which.
const SYMMETRIC: [(&str, Numeric); 7] = [
    ("ks", ks),
    ("anderson", anderson_darling),
    ("cramer_von_mises", cramer_von_mises),
    ("mann_whitney", both_sided),
    ("t_test", t_test),
    ("es", epps_singleton),
    ("ed", energy_distance),
];

/// Tests that only see the order: any shift, and any scale above 0, leaves them as they are.
const OF_ORDER: [(&str, Numeric); 4] =
    [("ks", ks), ("anderson", anderson_darling), ("cramer_von_mises", cramer_von_mises), ("mann_whitney", both_sided)];

fn sorted(values: &[i32], map: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().map(|v| map(f64::from(*v))).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) + 1e-12
}

fn sample() -> impl Strategy<Value = Vec<i32>> {
    vec(-40i32..40, 0..70)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn symmetric_tests_are_symmetric(a in sample(), b in sample()) {
        let (a, b) = (sorted(&a, |v| v), sorted(&b, |v| v));
        for (name, test) in SYMMETRIC {
            let (forth, back) = (test(&a, &b).score, test(&b, &a).score);
            // A covariance that is singular but for rounding can be so on one side only.
            prop_assert!(close(forth, back) || name == "es" && (forth - back).abs() < 1e-6, "{} {} {}", name, forth, back);
        }
    }

    #[test]
    fn tests_of_order_do_not_see_units(a in sample(), b in sample(), shift in -1000i32..1000, power in -3i32..8) {
        let unit = |v: f64| v * 2f64.powi(power) + f64::from(shift);
        let (plain_a, plain_b) = (sorted(&a, |v| v), sorted(&b, |v| v));
        let (a, b) = (sorted(&a, unit), sorted(&b, unit));
        for (name, test) in OF_ORDER {
            let (plain, moved) = (test(&plain_a, &plain_b).score, test(&a, &b).score);
            prop_assert!(close(plain, moved), "{} {} {}", name, plain, moved);
        }
        prop_assert!(close(t_test(&plain_a, &plain_b).score, t_test(&a, &b).score) || plain_a.len() + plain_b.len() < 3);
        // The normed distance has no unit as long as the floor of the deviation does not bite.
        let spread = plain_a.first() != plain_a.last();
        prop_assert!(!spread || close(wasserstein_normed(&plain_a, &plain_b).score, wasserstein_normed(&a, &b).score));
        // The energy distance has the root of the unit.
        prop_assert!(close(energy_distance(&plain_a, &plain_b).score * 2f64.powi(power).sqrt(), energy_distance(&a, &b).score));
    }

    #[test]
    fn counts_are_symmetric_and_scores_are_in_range(rows in vec((0u64..60, 0u64..60), 1..9)) {
        let counts = Counts { reference: rows.iter().map(|r| r.0).collect(), current: rows.iter().map(|r| r.1).collect() };
        let mirrored = Counts { reference: counts.current.clone(), current: counts.reference.clone() };
        for test in [contingency, two_proportions, fisher_exact, jensen_shannon, population_stability] {
            let (forth, back) = (test(&counts).score, test(&mirrored).score);
            prop_assert!(close(forth, back), "{:?} {} {}", counts, forth, back);
        }
        for p in [contingency(&counts).score, two_proportions(&counts).score, total_variation(&counts)] {
            prop_assert!(p.is_nan() || (0.0..=1.0).contains(&p), "{:?} {}", counts, p);
        }
    }

    /// Whatever is in the cells, every row of a report has a score or a reason, rows and profiles alike.
    #[test]
    fn a_score_or_a_reason(a in vec(any::<f64>(), 0..40), b in vec(any::<f64>(), 0..40), test in proptest::option::of(0usize..Test::ALL.len())) {
        let (reference, current) = ([Column::new("x", Values::Numbers(a))], [Column::new("x", Values::Numbers(b))]);
        for preset in [Preset::Evidently, Preset::Default] {
            let options = Options { preset, test: test.map(|i| Test::ALL[i]), ..Options::default() };
            let kinds = [("x".to_owned(), Kind::Numeric)].into();
            let profile = |table: &[Column]| TableProfile::new(table, &Options { kinds, ..options.clone() });
            let from_profiles = profile_report(&profile(&reference), &TableProfile::new(&current, &options), &options);
            for report in [drift_report(&reference, &current, &options), from_profiles] {
                for row in &report.columns {
                    prop_assert!(row.score.is_some_and(|score| !score.is_nan()) != row.error.is_some(), "{:?}", row);
                    prop_assert!(row.score.is_some() || !row.drifted, "{:?}", row);
                }
            }
        }
    }
}

#[test]
fn nothing_to_judge_is_unknown_with_its_reason() {
    let numbers = |cells: &[f64]| Values::Numbers(cells.to_vec());
    let many: Vec<f64> = (0..50).map(f64::from).collect();
    let cases = [
        (numbers(&many), numbers(&[f64::NAN; 30]), "the current column is empty"),
        (numbers(&[f64::INFINITY; 30]), numbers(&many), "the reference column is empty"),
        (numbers(&[]), numbers(&many), "the reference column is empty"),
        (numbers(&[2.0; 30]), numbers(&[2.0; 30]), "constant: one value on both sides"),
        (numbers(&many), numbers(&[1.0]), "1 current rows are too few"),
        (numbers(&many), Values::texts(["a"; 30]), "the current data has texts in it"),
    ];
    for (reference, current, reason) in cases {
        let options = Options { preset: Preset::Default, ..Options::default() };
        let report = drift_report(&[Column::new("x", reference)], &[Column::new("x", current)], &options);
        let row = &report.columns[0];
        assert!(row.error.as_ref().is_some_and(|error| error.contains(reason)), "{reason}: {row:?}");
        assert_eq!((row.score, row.drifted, report.judged_columns, report.dataset_drift), (None, false, 0, false));
    }
}
