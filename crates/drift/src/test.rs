//! The tests by name: what they are called, what counts as drift.

/// What a test says about two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// The figure that the score comes from (D of Kolmogorov-Smirnov, chi-squared, z); for a distance the score itself.
    pub statistic: f64,
    /// A p-value (small means drift) or a distance (large means drift), see `Test::is_distance`.
    /// NaN when the test has no answer, for example chi-squared over a single value.
    pub score: f64,
}

impl TestResult {
    pub(crate) fn distance(score: f64) -> TestResult {
        TestResult { statistic: score, score }
    }
}

/// A drift test. The names are Evidently's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// Two-sided two-sample Kolmogorov-Smirnov, p-value.
    Ks,
    /// Pearson's chi-squared of the current counts against the reference's shares, p-value.
    ChiSquared,
    /// Two proportions, pooled, two-sided, p-value.
    Z,
    /// Wasserstein distance in standard deviations of the reference.
    Wasserstein,
    /// Jensen-Shannon distance, natural logarithm, between 0 and 0.8326.
    JensenShannon,
    /// Population stability index.
    Psi,
    /// Kullback-Leibler divergence of the current from the reference.
    KullbackLeibler,
    /// Hellinger distance, between 0 and 1.
    Hellinger,
}

impl Test {
    pub const ALL: [Test; 8] =
        [Test::Ks, Test::ChiSquared, Test::Z, Test::Wasserstein, Test::JensenShannon, Test::Psi, Test::KullbackLeibler, Test::Hellinger];

    pub fn name(self) -> &'static str {
        match self {
            Test::Ks => "ks",
            Test::ChiSquared => "chisquare",
            Test::Z => "z",
            Test::Wasserstein => "wasserstein",
            Test::JensenShannon => "jensenshannon",
            Test::Psi => "psi",
            Test::KullbackLeibler => "kl_div",
            Test::Hellinger => "hellinger",
        }
    }

    /// The test of that name, `None` when there is none.
    pub fn parse(name: &str) -> Option<Test> {
        Test::ALL.into_iter().find(|test| test.name() == name)
    }

    /// True: a distance, drift is a large score. False: a p-value, drift is a small score.
    pub fn is_distance(self) -> bool {
        !matches!(self, Test::Ks | Test::ChiSquared | Test::Z)
    }

    /// The verdict. A score on the threshold counts as drift for Kolmogorov-Smirnov and the distances and does not for
    /// the other p-values: so does Evidently. NaN is never drift.
    pub fn drifted(self, score: f64, threshold: f64) -> bool {
        match self {
            Test::Ks => score <= threshold,
            Test::ChiSquared | Test::Z => score < threshold,
            _ => score >= threshold,
        }
    }

    /// Needs an order and differences between values, so texts cannot take it.
    pub fn needs_numbers(self) -> bool {
        matches!(self, Test::Ks | Test::Wasserstein)
    }

    /// Compares counts of values; senseless on a quantity of which hardly a value repeats.
    pub fn needs_categories(self) -> bool {
        matches!(self, Test::ChiSquared | Test::Z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for test in Test::ALL {
            assert_eq!(Test::parse(test.name()), Some(test));
        }
        assert_eq!(Test::parse("kolmogorov"), None);
    }

    #[test]
    fn a_score_on_the_threshold() {
        assert!(Test::Ks.drifted(0.05, 0.05));
        assert!(!Test::ChiSquared.drifted(0.05, 0.05));
        assert!(Test::JensenShannon.drifted(0.1, 0.1));
        for test in Test::ALL {
            assert!(!test.drifted(f64::NAN, 0.05), "{}", test.name());
        }
    }
}
