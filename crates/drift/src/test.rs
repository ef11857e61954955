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
    /// Likelihood-ratio G of the current counts against the reference's shares, p-value.
    GTest,
    /// Fisher's exact test of two values, p-value.
    Fisher,
    /// Total variation, judged by permutation, p-value.
    TotalVariation,
    /// Two-sample Anderson-Darling, p-value between 0.001 and 0.25.
    AndersonDarling,
    /// Two-sample Cramer-von Mises, p-value.
    CramerVonMises,
    /// Mann-Whitney U against a rise only, as in Evidently; p-value. `mann_whitney` has the two-sided one.
    MannWhitney,
    /// Student's t, two-sided p-value.
    TTest,
    /// Epps-Singleton, p-value.
    EppsSingleton,
    /// Energy distance in the root of the column's unit.
    Energy,
    /// Maximum mean discrepancy, judged by permutation, p-value.
    Mmd,
    /// Ours: chi-squared of both sides' counts, rare values together, exact when few; p-value. See contingency.rs.
    Contingency,
}

impl Test {
    pub const ALL: [Test; 19] = [
        Test::Ks,
        Test::ChiSquared,
        Test::Z,
        Test::Wasserstein,
        Test::JensenShannon,
        Test::Psi,
        Test::KullbackLeibler,
        Test::Hellinger,
        Test::GTest,
        Test::Fisher,
        Test::TotalVariation,
        Test::AndersonDarling,
        Test::CramerVonMises,
        Test::MannWhitney,
        Test::TTest,
        Test::EppsSingleton,
        Test::Energy,
        Test::Mmd,
        Test::Contingency,
    ];

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
            Test::GTest => "g_test",
            Test::Fisher => "fisher_exact",
            Test::TotalVariation => "TVD",
            Test::AndersonDarling => "anderson",
            Test::CramerVonMises => "cramer_von_mises",
            Test::MannWhitney => "mannw",
            Test::TTest => "t_test",
            Test::EppsSingleton => "es",
            Test::Energy => "ed",
            Test::Mmd => "empirical_mmd",
            Test::Contingency => "chi2_contingency",
        }
    }

    /// The test of that name, `None` when there is none.
    pub fn parse(name: &str) -> Option<Test> {
        Test::ALL.into_iter().find(|test| test.name() == name)
    }

    /// True: a distance, drift is a large score. False: a p-value, drift is a small score.
    pub fn is_distance(self) -> bool {
        matches!(self, Test::Wasserstein | Test::JensenShannon | Test::Psi | Test::KullbackLeibler | Test::Hellinger | Test::Energy)
    }

    /// The threshold when nobody says another: 0.05 or 0.1, as Evidently has it for each test.
    pub fn default_threshold(self) -> f64 {
        match self {
            Test::Ks | Test::ChiSquared | Test::Z | Test::MannWhitney | Test::TTest | Test::EppsSingleton | Test::Contingency => 0.05,
            _ => 0.1,
        }
    }

    /// The verdict. A score on the threshold counts as drift for Kolmogorov-Smirnov, Cramer-von Mises and the distances but
    /// the energy distance, and does not for the others: so does Evidently. NaN is never drift.
    pub fn drifted(self, score: f64, threshold: f64) -> bool {
        match self {
            Test::Ks | Test::CramerVonMises => score <= threshold,
            Test::Energy => score > threshold,
            _ if self.is_distance() => score >= threshold,
            _ => score < threshold,
        }
    }

    /// Needs an order and differences between values, so texts cannot take it.
    pub fn needs_numbers(self) -> bool {
        matches!(
            self,
            Test::Ks
                | Test::Wasserstein
                | Test::AndersonDarling
                | Test::CramerVonMises
                | Test::MannWhitney
                | Test::TTest
                | Test::EppsSingleton
                | Test::Energy
                | Test::Mmd
        )
    }

    /// Compares counts of values; senseless on a quantity of which hardly a value repeats.
    pub fn needs_categories(self) -> bool {
        matches!(self, Test::ChiSquared | Test::Z | Test::GTest | Test::Fisher | Test::TotalVariation | Test::Contingency)
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
        assert!(!Test::Energy.drifted(0.1, 0.1));
        assert!(Test::CramerVonMises.drifted(0.1, 0.1));
        for test in Test::ALL {
            assert!(!test.drifted(f64::NAN, 0.05), "{}", test.name());
        }
    }
}
