//! Estimates without true values against NannyML's numbers, and against what then came true.

use bellbuoy_models::{Cbpe, Dle, FeatureValue, Figure, LossRow, Metric};

use crate::golden::{Table, golden, three_classes};

/// NannyML's name and ours.
const BINARY: [(&str, Metric); 7] = [
    ("roc_auc", Metric::RocAuc),
    ("f1", Metric::F1),
    ("precision", Metric::Precision),
    ("recall", Metric::Recall),
    ("specificity", Metric::Specificity),
    ("accuracy", Metric::Accuracy),
    ("average_precision", Metric::PrAuc),
];
const MULTICLASS: [(&str, Metric); 5] = [
    ("roc_auc", Metric::RocAuc),
    ("f1", Metric::F1Macro),
    ("precision", Metric::PrecisionMacro),
    ("recall", Metric::RecallMacro),
    ("accuracy", Metric::Accuracy),
];

fn value(figures: &[Figure], metric: Metric) -> f64 {
    let figure = figures.iter().find(|figure| figure.metric == metric).expect("an estimate");
    assert!(figure.source.is_estimate());
    figure.value.clone().expect("known")
}

#[test]
fn binary_confidence_estimates_are_nannymls() {
    let (windows, golden) = (golden("scikit_learn.json"), &golden("nannyml.json")["cbpe_binary"]);
    let table = Table::read("predictions.csv");
    let cbpe = Cbpe::fit(&table.days(&windows["windows"]["train_jan_apr"]).busy(), 50).expect("a reference");
    assert_eq!(golden["needs_calibration"].as_bool(), Some(cbpe.calibrates(1)));
    for window in ["may_jun", "jul_aug", "nov_dec", "one_day"] {
        let probabilities = table.days(&windows["windows"][window]).numbers("busy_proba");
        let rows: Vec<(Option<&str>, &[f64])> = probabilities.iter().map(|p| (None, std::slice::from_ref(p))).collect();
        let figures = cbpe.estimate(&rows, 20, 1);
        for (name, metric) in BINARY {
            let (ours, golden) = (value(&figures, metric), golden[window][name].as_f64().expect("a figure"));
            // NannyML rounds the running sums of both areas to five places, and in the first counts rows of equal probability one by one.
            let tolerance = match metric {
                Metric::PrAuc => 1e-3,
                Metric::RocAuc => 1e-6,
                _ => 1e-12,
            };
            assert!((ours - golden).abs() < tolerance, "{window} {metric}: {ours} {golden}");
        }
    }
}

#[test]
fn multiclass_confidence_estimates_are_nannymls() {
    let golden = &golden("nannyml.json")["cbpe_multiclass"]["rest"];
    let table = Table::read("probabilities.csv");
    let cbpe = Cbpe::fit(&three_classes(&table, 0..300), 50).expect("a reference");
    assert_eq!([0, 1, 2].map(|class| cbpe.calibrates(class)), [true; 3]);
    let columns = ["p_a", "p_b", "p_c"].map(|name| table.numbers(name));
    let probabilities: Vec<[f64; 3]> = (300..500).map(|row| [columns[0][row], columns[1][row], columns[2][row]]).collect();
    let rows: Vec<(Option<&str>, &[f64])> = probabilities.iter().map(|row| (None, row.as_slice())).collect();
    let figures = cbpe.estimate(&rows, 50, 1);
    for (name, metric) in MULTICLASS {
        let (ours, golden) = (value(&figures, metric), golden[name].as_f64().expect("a figure"));
        // Rows of equal probability: NannyML takes them in an order of chance, here they count half.
        let tolerance = if metric == Metric::RocAuc { 1e-3 } else { 1e-12 };
        assert!((ours - golden).abs() < tolerance, "{metric}: {ours} {golden}");
    }
}

/// The trees are ours and not LightGBM's, so the estimates are near, not equal.
#[test]
fn loss_estimates_are_near_nannymls() {
    let (windows, golden) = (golden("scikit_learn.json"), &golden("nannyml.json")["dle"]);
    let table = Table::read("predictions.csv");
    let names = ["hr", "temp", "hum", "windspeed", "workingday"];
    let columns = names.map(|name| table.numbers(name));
    let (days, predicted, actual) = (table.numbers("day"), table.numbers("pred_champion"), table.numbers("bikers"));
    let features: Vec<Vec<FeatureValue>> =
        (0..days.len()).map(|row| columns.iter().map(|column| FeatureValue::Number(column[row])).collect()).collect();
    let row = |at: usize, actual| LossRow { features: &features[at], predicted: predicted[at], actual };
    let reference: Vec<LossRow> = (0..days.len()).filter(|at| days[*at] % 2.0 == 0.0).map(|at| row(at, Some(actual[at]))).collect();
    let dle = Dle::fit(&reference, names.len(), 50).expect("a reference");
    for window in ["train_jan_apr", "may_jun", "jul_aug", "nov_dec"] {
        let span = &windows["windows"][window];
        let (from, to) = (span["day_from"].as_f64().expect("a day"), span["day_to"].as_f64().expect("a day"));
        let odd = |at: &usize| days[*at] % 2.0 == 1.0 && (from..=to).contains(&days[*at]);
        let rows: Vec<LossRow> = (0..days.len()).filter(odd).map(|at| row(at, None)).collect();
        let figures = dle.estimate(&rows, 50);
        for (name, metric) in [("mae", Metric::Mae), ("rmse", Metric::Rmse)] {
            let (ours, golden) = (value(&figures, metric), golden[window][name].as_f64().expect("a figure"));
            assert!((ours / golden - 1.0).abs() < 0.03, "{window} {metric}: {ours} {golden}");
        }
    }
}
