//! The names of the figures, and which way is better.

use std::fmt;

use bellbuoy_vocabulary::Unit;

macro_rules! metrics {
    ($($name:ident $word:literal $better:ident $kind:ident),* $(,)?) => {
        /// A figure over predictions and true values. Definitions are scikit-learn's; where those would be misleading, `Unknown`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $($name),* }

        impl Metric {
            pub const ALL: &'static [Metric] = &[$(Metric::$name),*];

            /// The name in series, settings and JSON.
            pub fn word(self) -> &'static str {
                match self { $(Metric::$name => $word),* }
            }

            pub fn better(self) -> Better {
                match self { $(Metric::$name => Better::$better),* }
            }

            pub fn kind(self) -> MetricKind {
                match self { $(Metric::$name => MetricKind::$kind),* }
            }
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
    /// Best at 0, bad on both sides.
    Zero,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    Regression,
    Classification,
}

metrics! {
    R2 "r2" Higher Regression,
    Rmse "rmse" Lower Regression,
    Mae "mae" Lower Regression,
    Mape "mape" Lower Regression,
    MeanError "mean_error" Zero Regression,
    MedianAbsoluteError "median_absolute_error" Lower Regression,
    AbsoluteErrorP90 "absolute_error_p90" Lower Regression,
    AbsoluteErrorP95 "absolute_error_p95" Lower Regression,
    AbsoluteErrorP99 "absolute_error_p99" Lower Regression,
    MaxError "max_error" Lower Regression,
    ErrorP05 "error_p05" Zero Regression,
    ErrorP50 "error_p50" Zero Regression,
    ErrorP95 "error_p95" Zero Regression,
    Accuracy "accuracy" Higher Classification,
    BalancedAccuracy "balanced_accuracy" Higher Classification,
    Precision "precision" Higher Classification,
    Recall "recall" Higher Classification,
    Specificity "specificity" Higher Classification,
    F1 "f1" Higher Classification,
    PrecisionMacro "precision_macro" Higher Classification,
    RecallMacro "recall_macro" Higher Classification,
    F1Macro "f1_macro" Higher Classification,
    PrecisionWeighted "precision_weighted" Higher Classification,
    RecallWeighted "recall_weighted" Higher Classification,
    F1Weighted "f1_weighted" Higher Classification,
    RocAuc "roc_auc" Higher Classification,
    RocAucWeighted "roc_auc_weighted" Higher Classification,
    PrAuc "pr_auc" Higher Classification,
    LogLoss "log_loss" Lower Classification,
    Brier "brier" Lower Classification,
    Ece "ece" Lower Classification,
}

impl Metric {
    pub fn parse(word: &str) -> Option<Metric> {
        Metric::ALL.iter().copied().find(|metric| metric.word() == word)
    }

    pub fn of_kind(kind: MetricKind) -> impl Iterator<Item = Metric> {
        Metric::ALL.iter().copied().filter(move |metric| metric.kind() == kind)
    }

    /// As people write it.
    pub fn spoken(self) -> &'static str {
        match self {
            Metric::R2 => "R2",
            Metric::Rmse => "RMSE",
            Metric::Mae => "MAE",
            Metric::Mape => "MAPE",
            Metric::MeanError => "mean error",
            Metric::MedianAbsoluteError => "median absolute error",
            Metric::AbsoluteErrorP90 => "90th percentile of the absolute error",
            Metric::AbsoluteErrorP95 => "95th percentile of the absolute error",
            Metric::AbsoluteErrorP99 => "99th percentile of the absolute error",
            Metric::MaxError => "largest error",
            Metric::ErrorP05 => "5th percentile of the error",
            Metric::ErrorP50 => "median error",
            Metric::ErrorP95 => "95th percentile of the error",
            Metric::Accuracy => "accuracy",
            Metric::BalancedAccuracy => "balanced accuracy",
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::Specificity => "specificity",
            Metric::F1 => "F1",
            Metric::PrecisionMacro => "macro precision",
            Metric::RecallMacro => "macro recall",
            Metric::F1Macro => "macro F1",
            Metric::PrecisionWeighted => "weighted precision",
            Metric::RecallWeighted => "weighted recall",
            Metric::F1Weighted => "weighted F1",
            Metric::RocAuc => "ROC AUC",
            Metric::RocAucWeighted => "weighted ROC AUC",
            Metric::PrAuc => "PR AUC",
            Metric::LogLoss => "log loss",
            Metric::Brier => "Brier score",
            Metric::Ece => "calibration error",
        }
    }

    /// How its numbers print.
    pub fn unit(self) -> Unit {
        match self {
            Metric::R2 => Unit::Score,
            Metric::Mape | Metric::Accuracy | Metric::BalancedAccuracy => Unit::Share,
            metric if metric.kind() == MetricKind::Regression => Unit::Amount,
            _ => Unit::Score,
        }
    }

    /// How much better `challenger` is than `champion`: above 0 is better, whichever way the metric goes.
    pub fn gain(self, champion: f64, challenger: f64) -> f64 {
        match self.better() {
            Better::Higher => challenger - champion,
            Better::Lower => champion - challenger,
            Better::Zero => champion.abs() - challenger.abs(),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_gains_point_up() {
        for metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.word()), Some(*metric));
        }
        assert_eq!(Metric::parse("r3"), None);
        assert_eq!(Metric::R2.gain(0.5, 0.75), 0.25);
        assert_eq!(Metric::Rmse.gain(10.0, 8.0), 2.0);
        assert_eq!(Metric::MeanError.gain(-3.0, 1.0), 2.0);
    }
}
