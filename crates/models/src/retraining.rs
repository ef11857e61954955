//! Retrain or not: what can be decided. The rules are in policy/retraining.rs.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetrainingOutcome {
    RetrainNow,
    Watch,
    Nothing,
    /// There is not enough data to say. Neither good nor bad.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecisionSeverity {
    Info,
    Warning,
    Critical,
}

impl RetrainingOutcome {
    pub const ALL: [RetrainingOutcome; 4] =
        [RetrainingOutcome::RetrainNow, RetrainingOutcome::Watch, RetrainingOutcome::Nothing, RetrainingOutcome::Unknown];

    /// The value of the label `outcome`.
    pub fn word(self) -> &'static str {
        match self {
            RetrainingOutcome::RetrainNow => "retrain",
            RetrainingOutcome::Watch => "watch",
            RetrainingOutcome::Nothing => "nothing",
            RetrainingOutcome::Unknown => "unknown",
        }
    }

    pub fn parse(word: &str) -> Option<RetrainingOutcome> {
        RetrainingOutcome::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

impl DecisionSeverity {
    pub const ALL: [DecisionSeverity; 3] = [DecisionSeverity::Info, DecisionSeverity::Warning, DecisionSeverity::Critical];

    /// The value of the label `severity`.
    pub fn word(self) -> &'static str {
        match self {
            DecisionSeverity::Info => "info",
            DecisionSeverity::Warning => "warning",
            DecisionSeverity::Critical => "critical",
        }
    }

    pub fn parse(word: &str) -> Option<DecisionSeverity> {
        DecisionSeverity::ALL.into_iter().find(|severity| severity.word() == word)
    }
}
