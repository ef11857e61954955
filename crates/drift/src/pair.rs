//! A column on both sides, cleaned, sorted and counted once; every test runs on that.

use std::sync::OnceLock;

use crate::clean::{distinct, numbers, texts};
use crate::ks::ks_of_rows;
use crate::ties::more_values_than;
use crate::{
    Alternative, Counts, Kind, MMD_ROWS_MAX, TVD_VALUES_MAX, Test, TestResult, Values, anderson_darling, binned, chi_squared, contingency,
    cramer_von_mises, empirical_mmd, energy_distance, epps_singleton, fisher_exact, g_test, hellinger, jensen_shannon, ks,
    kullback_leibler, mann_whitney, population_stability, t_test, total_variation_test, two_proportions, wasserstein_normed,
};

/// The clean cells of a column on both sides. It can be moved to another thread: columns do not know each other.
#[derive(Debug)]
pub struct Pair {
    kind: Kind,
    cells: Cells,
    counts: OnceLock<Counts>,
    /// When the cells stand for more rows than they are (profiles).
    all_rows: Option<(u64, u64)>,
}

#[derive(Debug)]
enum Cells {
    /// Sorted. `integers`: both sides hold whole numbers.
    Numbers { reference: Vec<f64>, current: Vec<f64>, integers: bool },
    /// Texts are only ever counted: `Pair::counts` holds all of them.
    Texts,
}

/// Tests that compare counts take a column of numbers only up to this many different values a side.
const CATEGORIES_OF_NUMBERS_MAX: usize = 40;

impl Pair {
    /// Fails with a lowercase fragment when a numeric column has texts in it.
    pub fn new(kind: Kind, reference: &Values, current: &Values) -> Result<Pair, String> {
        if reference.are_numbers() && current.are_numbers() {
            let integers = matches!((reference, current), (Values::Integers(_), Values::Integers(_)));
            let cells = Cells::Numbers { reference: numbers(reference), current: numbers(current), integers };
            return Ok(Pair { kind, cells, counts: OnceLock::new(), all_rows: None });
        }
        if kind == Kind::Numeric {
            let side = if reference.are_numbers() { "current" } else { "reference" };
            return Err(format!("the column is numeric but the {side} data has texts in it"));
        }
        let (reference, current) = (texts(reference), texts(current));
        let counts = Counts::of_counted(
            reference.iter().map(|(text, rows)| (text.as_ref(), *rows)),
            current.iter().map(|(text, rows)| (text.as_ref(), *rows)),
        );
        Ok(Pair { kind, cells: Cells::Texts, counts: OnceLock::from(counts), all_rows: None })
    }

    /// From sorted cells that stand for `all_rows`.
    pub(crate) fn of_numbers(kind: Kind, reference: Vec<f64>, current: Vec<f64>, integers: bool, all_rows: (u64, u64)) -> Pair {
        let all_rows = Some(all_rows).filter(|rows| *rows != (reference.len() as u64, current.len() as u64));
        Pair { kind, cells: Cells::Numbers { reference, current, integers }, counts: OnceLock::new(), all_rows }
    }

    pub(crate) fn of_counts(counts: Counts) -> Pair {
        Pair { kind: Kind::Categorical, cells: Cells::Texts, counts: OnceLock::from(counts), all_rows: None }
    }

    /// Cells that are neither missing nor infinite, reference and current.
    pub fn rows(&self) -> (usize, usize) {
        if let Some((reference, current)) = self.all_rows {
            return (reference as usize, current as usize);
        }
        match &self.cells {
            Cells::Numbers { reference, current, .. } => (reference.len(), current.len()),
            Cells::Texts => (self.counts().reference_rows() as usize, self.counts().current_rows() as usize),
        }
    }

    /// Both sides' numbers, sorted. `None` for texts, and where the cells stand for more rows.
    pub(crate) fn sorted(&self) -> Option<(&[f64], &[f64])> {
        match &self.cells {
            Cells::Numbers { reference, current, .. } if self.all_rows.is_none() => Some((reference, current)),
            _ => None,
        }
    }

    pub fn counts(&self) -> &Counts {
        self.counts.get_or_init(|| match &self.cells {
            Cells::Numbers { reference, current, .. } => Counts::of_sorted(reference, current, f64::total_cmp),
            Cells::Texts => Counts::default(),
        })
    }

    /// The number of different values on either side, at most `limit` + 1: nobody counts a million values to hear "many".
    pub fn values_up_to(&self, limit: usize) -> usize {
        match &self.cells {
            Cells::Numbers { reference, current, .. } if more_values_than(limit, reference, current) => limit + 1,
            _ => self.counts().len().min(limit + 1),
        }
    }

    /// Whether the test makes sense here.
    pub fn takes(&self, test: Test) -> bool {
        let kind_fits = match &self.cells {
            Cells::Numbers { reference, current, .. } => {
                !test.needs_categories() || distinct(reference).max(distinct(current)) <= CATEGORIES_OF_NUMBERS_MAX
            }
            Cells::Texts => !test.needs_numbers() && self.kind != Kind::Text,
        };
        kind_fits && (test != Test::Fisher || self.values_up_to(2) <= 2)
    }

    /// NaN where the test has no answer; `why_no_answer` says why. `seed` is for the tests by permutation.
    pub fn run(&self, test: Test, seed: u64) -> TestResult {
        if let (Cells::Numbers { reference, current, integers }, numeric) = (&self.cells, self.kind == Kind::Numeric) {
            match test {
                Test::Ks => {
                    let result = ks(reference, current);
                    return self.all_rows.map_or(result, |rows| ks_of_rows(result.statistic, rows));
                }
                Test::Wasserstein => return wasserstein_normed(reference, current),
                Test::AndersonDarling => return anderson_darling(reference, current),
                Test::CramerVonMises => return cramer_von_mises(reference, current),
                Test::MannWhitney => return mann_whitney(reference, current, Alternative::Less),
                Test::TTest => return t_test(reference, current),
                Test::EppsSingleton => return epps_singleton(reference, current),
                Test::Energy => return energy_distance(reference, current),
                Test::Mmd => return empirical_mmd(reference, current, seed),
                Test::Hellinger if numeric => return hellinger(&Counts::default(), Some((reference, current, *integers))),
                // Distances take a numeric column in bins, a category value by value.
                Test::JensenShannon if numeric => return jensen_shannon(&binned(reference, current, *integers)),
                Test::Psi if numeric => return population_stability(&binned(reference, current, *integers)),
                Test::KullbackLeibler if numeric => return kullback_leibler(&binned(reference, current, *integers)),
                _ => {}
            }
        }
        self.run_on_counts(test, seed)
    }

    fn run_on_counts(&self, test: Test, seed: u64) -> TestResult {
        let counts = self.counts();
        match test {
            Test::ChiSquared => chi_squared(counts),
            Test::Z => two_proportions(counts),
            Test::GTest => g_test(counts),
            Test::Fisher => fisher_exact(counts),
            Test::TotalVariation => total_variation_test(counts, seed),
            Test::Contingency => contingency(counts),
            Test::JensenShannon => jensen_shannon(counts),
            Test::Psi => population_stability(counts),
            Test::KullbackLeibler => kullback_leibler(counts),
            Test::Hellinger => hellinger(counts, None),
            _ => TestResult { statistic: f64::NAN, score: f64::NAN },
        }
    }

    /// Why a test's score is NaN: a lowercase fragment.
    pub fn why_no_answer(&self, test: Test) -> String {
        let (n, m) = self.rows();
        let name = test.name();
        if n == 0 || m == 0 {
            let side = if n == 0 { "reference" } else { "current" };
            return format!("the {side} column is empty: every cell is missing or infinite");
        }
        if self.values_up_to(1) == 1 {
            return format!("{name} has no answer for this column: it has one value on both sides");
        }
        if test == Test::Mmd && n.max(m) > MMD_ROWS_MAX {
            return format!("{name} compares every pair of rows and takes at most {MMD_ROWS_MAX} rows a side, here are {n} and {m}");
        }
        if test == Test::TotalVariation && self.counts().len() > TVD_VALUES_MAX {
            return format!("{name} takes at most {TVD_VALUES_MAX} different values, here are {}", self.counts().len());
        }
        if n.min(m) < 5 {
            return format!("{name} has no answer for this column: {n} reference and {m} current rows are too few");
        }
        match test {
            Test::EppsSingleton => format!("{name} has no answer for this column: half of its rows have the same value"),
            Test::Contingency => format!("{name} has no answer for this column: no value has 5 expected rows a side"),
            _ => format!("{name} has no answer for this column"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_go_to_another_thread() {
        fn movable<T: Send + Sync>() {}
        movable::<Pair>();
    }

    #[test]
    fn reasons() {
        let of = |reference: &[f64], current: &[f64]| {
            Pair::new(Kind::Numeric, &Values::Numbers(reference.to_vec()), &Values::Numbers(current.to_vec())).expect("numbers")
        };
        let check = |pair: Pair, test: Test, reason: &str| {
            assert!(pair.run(test, 0).score.is_nan(), "{test:?}");
            assert!(pair.why_no_answer(test).contains(reason), "{}", pair.why_no_answer(test));
        };
        check(of(&[f64::NAN], &[1.0]), Test::Ks, "the reference column is empty");
        check(of(&[1.0, 1.0], &[1.0]), Test::TTest, "one value on both sides");
        check(of(&[1.0, 2.0], &[3.0]), Test::EppsSingleton, "too few");
        check(of(&[1.0; 3000], &[2.0; 10]), Test::Mmd, "at most 2000 rows a side");
        check(of(&[1.0, 1.0, 1.0, 1.0, 1.0, 2.0], &[1.0; 9]), Test::EppsSingleton, "half of its rows");
    }
}
