//! Against scikit-learn's numbers on real predictions (bike rentals by hour, and made probabilities of three classes with many ties).

use bellbuoy_models::{ClassDetails, Evaluation, EvaluationOptions, IntervalMethod, Labelled, Metric, Pairs, Resampling, Sample};
use serde_json::Value;

pub fn golden(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a file of this crate");
    serde_json::from_str(&text).expect("golden numbers are JSON")
}

/// A table of `tests/data`.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn read(name: &str) -> Table {
        let text = std::fs::read_to_string(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a file of this crate");
        let mut rows: Vec<Vec<String>> = text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
        Table { head: rows.remove(0), rows }
    }

    /// Rows whose `day` lies in the window, both ends inclusive.
    pub fn days(&self, window: &Value) -> Table {
        let (from, to) = (window["day_from"].as_f64().expect("a day"), window["day_to"].as_f64().expect("a day"));
        let day = self.at("day");
        let rows = self.rows.iter().filter(|row| (from..=to).contains(&row[day].parse::<f64>().expect("a day")));
        Table { head: self.head.clone(), rows: rows.cloned().collect() }
    }

    fn at(&self, name: &str) -> usize {
        self.head.iter().position(|head| head == name).expect("a known column")
    }

    pub fn texts(&self, name: &str) -> Vec<&str> {
        let at = self.at(name);
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.texts(name).into_iter().map(|text| text.parse().expect("a number")).collect()
    }

    pub fn pairs(&self, prediction: &str, target: &str) -> Pairs {
        Pairs::new(self.numbers(prediction).into_iter().zip(self.numbers(target)))
    }

    /// The classifier that says which hours are busy.
    pub fn busy(&self) -> Labelled {
        let mut labelled = Labelled::new(&["0", "1"], Some("1"));
        for (actual, probability) in self.texts("busy").into_iter().zip(self.numbers("busy_proba")) {
            labelled.push(actual, None, &[probability]).expect("a row");
        }
        labelled
    }
}

/// Every metric of the sample that the golden numbers have, and the confusion matrix.
fn compare(case: &str, sample: &impl Sample, golden: &Value) -> usize {
    let ones = vec![1.0; sample.rows()];
    assert_eq!(golden["rows"].as_u64(), Some(sample.rows() as u64), "{case}");
    let mut compared = 0;
    for metric in sample.metrics() {
        let Some(golden) = golden[metric.word()].as_f64() else { continue };
        let ours = sample.score(metric, &ones).unwrap_or_else(|reason| panic!("{case} {metric}: {reason}"));
        assert!((ours - golden).abs() <= 1e-9 * golden.abs().max(1e-3), "{case} {metric}: {ours} {golden}");
        compared += 1;
    }
    compared
}

fn compare_confusion(case: &str, labelled: &Labelled, order: &[&str], golden: &Value) {
    let ours = labelled.confusion(&vec![1.0; labelled.rows()]);
    let at = |name: &str| labelled.classes().iter().position(|class| class == name);
    for (row, actual) in order.iter().enumerate() {
        for (column, predicted) in order.iter().enumerate() {
            let cell = at(actual).zip(at(predicted)).map_or(0.0, |(actual, predicted)| ours[actual][predicted]);
            assert_eq!(Some(cell), golden["confusion"][row][column].as_f64(), "{case} {actual} {predicted}");
        }
    }
}

#[test]
fn regression_is_scikit_learns() {
    let (golden, table) = (golden("scikit_learn.json"), Table::read("predictions.csv"));
    let mut compared = 0;
    for (key, figures) in golden["regression"].as_object().expect("cases") {
        let parts: Vec<&str> = key.split(':').collect();
        let window = table.days(&golden["windows"][parts[2]]);
        let pairs = window.pairs(parts[1], parts[0]);
        compared += compare(key, &pairs, figures);
    }
    assert!(compared >= 8 * 13, "only {compared} figures compared");
}

#[test]
fn binary_classification_is_scikit_learns() {
    let (golden, table) = (golden("scikit_learn.json"), Table::read("predictions.csv"));
    let mut compared = 0;
    for (key, figures) in golden["binary"].as_object().expect("cases") {
        let labelled = table.days(&golden["windows"][key]).busy();
        compared += compare(key, &labelled, figures);
        compare_confusion(key, &labelled, &["0", "1"], figures);
        let bins = labelled.reliability(10, &vec![1.0; labelled.rows()]).expect("bins");
        for (at, bin) in bins.iter().enumerate() {
            let [came, mean] = [0, 1].map(|side| figures["reliability"][side][at].as_f64().expect("a bin"));
            assert!((bin.frequency - came).abs() < 1e-12 && (bin.mean_probability - mean).abs() < 1e-12, "{key} {bin:?}");
        }
        assert_eq!(figures["reliability"][0].as_array().map(Vec::len), Some(bins.len()), "{key}");
    }
    assert!(compared >= 8 * 17, "only {compared} figures compared");
}

#[test]
fn multiclass_classification_is_scikit_learns() {
    let (golden, table) = (golden("scikit_learn.json"), Table::read("predictions.csv"));
    let mut compared = 0;
    for (key, figures) in golden["multiclass"].as_object().expect("cases") {
        let window = table.days(figures);
        let mut labelled = Labelled::new(&[], None);
        for (actual, predicted) in window.texts("season_true").into_iter().zip(window.texts("season_pred")) {
            labelled.push(actual, Some(predicted), &[]).expect("a row");
        }
        compared += compare(key, &labelled, figures);
        compare_confusion(key, &labelled, &["fall", "spring", "summer", "winter"], figures);
    }
    let figures = &golden["probabilities"]["all"];
    let labelled = three_classes(&Table::read("probabilities.csv"), 0..500);
    compared += compare("probabilities", &labelled, figures);
    compare_confusion("probabilities", &labelled, &["a", "b", "c"], figures);
    assert!(compared >= 8 + 8 + 14, "only {compared} figures compared");
    assert!(labelled.metrics().contains(&Metric::RocAucWeighted));
}

pub fn three_classes(table: &Table, rows: std::ops::Range<usize>) -> Labelled {
    let mut labelled = Labelled::new(&["a", "b", "c"], None);
    let columns = ["p_a", "p_b", "p_c"].map(|name| table.numbers(name));
    for row in rows {
        labelled.push(table.texts("actual")[row], None, &[columns[0][row], columns[1][row], columns[2][row]]).expect("a row");
    }
    labelled
}

#[test]
fn single_classes_are_scikit_learns() {
    let golden = golden("scikit_learn_classes.json");
    let table = Table::read("predictions.csv");
    let days = |from: u32, to: u32| table.days(&serde_json::json!({"day_from": from, "day_to": to}));
    let season = |window: Table| {
        let mut labelled = Labelled::new(&["fall", "spring", "summer", "winter"], None);
        for (actual, predicted) in window.texts("season_true").into_iter().zip(window.texts("season_pred")) {
            labelled.push(actual, Some(predicted), &[]).expect("a row");
        }
        labelled
    };
    let check = |case: &str, labelled: Labelled| {
        let details = ClassDetails::of(&labelled);
        assert_eq!(golden[case].as_object().map(|classes| classes.len()), Some(details.classes.len()), "{case}");
        for class in details.classes {
            let golden = &golden[case][&class.class];
            assert_eq!(golden["rows"].as_u64(), Some(class.rows as u64), "{case} {}", class.class);
            for (word, ours) in [
                ("precision", class.precision),
                ("recall", class.recall),
                ("f1", class.f1),
                ("roc_auc", class.roc_auc),
                ("pr_auc", class.pr_auc),
            ] {
                match golden.get(word) {
                    Some(Value::Null) => assert!(ours.is_err(), "{case} {} {word}: {ours:?}", class.class),
                    Some(number) => {
                        let (ours, number) = (ours.expect("known"), number.as_f64().expect("a number"));
                        assert!((ours - number).abs() < 1e-9, "{case} {} {word}: {ours} {number}", class.class);
                    }
                    None => {}
                }
            }
        }
    };
    check("busy_may_jun", days(121, 181).busy());
    check("season_whole_year", season(days(1, 365)));
    check("season_feb_apr", season(days(32, 120)));
    check("probabilities", three_classes(&Table::read("probabilities.csv"), 0..500));
}

/// SciPy draws other resamples, so the ends agree within what 4,000 draws leave open: a twentieth of the width.
#[test]
fn intervals_are_scipys() {
    let golden = golden("scipy_bootstrap.json");
    let week = Table::read("predictions.csv").days(&serde_json::json!({"day_from": 200, "day_to": 206}));
    let (pairs, busy) = (week.pairs("pred_champion", "bikers"), week.busy());
    for (word, method) in [("percentile", IntervalMethod::Percentile), ("bca", IntervalMethod::Bca)] {
        let options = EvaluationOptions {
            resampling: Some(Resampling { resamples: 4000, method, ..Resampling::default() }),
            ..EvaluationOptions::default()
        };
        let numbers = Evaluation::of_metrics(&pairs, &[Metric::R2, Metric::Rmse], &options);
        let classes = Evaluation::of_metrics(&busy, &[Metric::RocAuc], &options);
        for figure in numbers.figures.iter().chain(&classes.figures) {
            let [low, high] = [0, 1].map(|end| golden[figure.metric.word()][word][end].as_f64().expect("an end"));
            let ours = figure.interval.clone().expect("known");
            let off = (ours.low - low).abs().max((ours.high - high).abs()) / (high - low);
            assert!(off < 0.05, "{} {word}: {ours:?} {low} {high}", figure.metric);
        }
    }
}
