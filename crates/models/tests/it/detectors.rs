//! Detectors on the streams of a model: a change is seen once, no change never, and a restart in the middle changes nothing.

use bellbuoy_drift::stream::{AdwinOptions, DdmOptions, KswinOptions, PageHinkleyOptions};
use bellbuoy_models::{
    Answer, DetectorFigures, DetectorKind, DetectorSettings, Feature, FeatureValue, Label, Mark, Model, ModelKind, ModelSettings,
    Prediction, Reference, ReferenceRows, Stream, Truth, figure_names,
};
use bellbuoy_vocabulary::Timestamp;

const ROWS: usize = 1200;
const NOW: Timestamp = Timestamp(10_000_000);

fn settings(classes: bool) -> ModelSettings {
    let feature = Stream::Feature("temp".into());
    let hinkley = |threshold| DetectorKind::PageHinkley(PageHinkleyOptions { threshold, ..PageHinkleyOptions::default() });
    let kswin = || DetectorKind::Kswin(KswinOptions { alpha: 1e-6, ..KswinOptions::default() });
    let mut detectors = Vec::new();
    for stream in [feature, Stream::Prediction, Stream::Error] {
        let kinds = [DetectorKind::Adwin(AdwinOptions::default()), hinkley(20.0), kswin()];
        detectors.extend(kinds.map(|detector| DetectorSettings { stream: stream.clone(), detector }));
    }
    let mut settings = ModelSettings { features: vec![Feature::new("temp")], retention_rows: 400, ..ModelSettings::new("bikes") };
    if classes {
        settings.kind = ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None };
        detectors = vec![DetectorSettings { stream: Stream::Error, detector: DetectorKind::Ddm(DdmOptions::default()) }];
    }
    ModelSettings { detectors, ..settings }
}

/// Even noise in [0, 1).
fn noise(row: usize, salt: u64) -> f64 {
    let mut z = (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// From `changes` on the feature, the prediction and the error are higher.
fn predict(row: usize, changes: usize, classes: bool) -> Prediction {
    let more = if row >= changes { 3.0 } else { 0.0 };
    let answer =
        if classes { Answer::Class { class: Some("yes".into()), probabilities: Vec::new() } } else { Answer::Number(noise(row, 1) + more) };
    let features = vec![FeatureValue::Number(noise(row, 2) + more)];
    Prediction { id: row.to_string(), at: Timestamp(row as i64 * 1000), role: "champion".into(), answer, features }
}

/// The truth stays where it was, so the error rises with the prediction.
fn label(row: usize, changes: usize, classes: bool) -> Label {
    let wrong = noise(row, 3) < if row >= changes { 0.8 } else { 0.1 };
    let truth = if classes { Truth::Class(if wrong { "no" } else { "yes" }.into()) } else { Truth::Number(noise(row, 3)) };
    Label { id: row.to_string(), truth }
}

/// Batches of 10 rows; true values come 5 batches late, and at first those of every 7th batch before its predictions. One batch is one mark.
fn steps() -> Vec<(bool, usize)> {
    let batches = ROWS / 10;
    let mut steps: Vec<(usize, bool, usize)> = (0..batches).map(|batch| (batch * 2, true, batch)).collect();
    steps.extend(
        (0..batches)
            .map(|batch| (if batch % 7 == 0 && batch < 50 { (batch * 2).saturating_sub(3) } else { (batch + 5) * 2 + 1 }, false, batch)),
    );
    steps.sort_by_key(|step| step.0);
    steps.into_iter().map(|(_, predictions, batch)| (predictions, batch)).collect()
}

fn act(model: &mut Model, at: usize, changes: usize, classes: bool) {
    let (predictions, batch) = steps()[at];
    model.arrive(Mark { segment: 1, byte: at as u64 + 1 });
    let rows = batch * 10..batch * 10 + 10;
    if predictions {
        model.predictions(rows.map(|row| predict(row, changes, classes)).collect());
    } else {
        model.labels(rows.map(|row| label(row, changes, classes)).collect());
    }
}

fn model(classes: bool) -> Model {
    Model::new(settings(classes), Reference::Rows(ReferenceRows::default()))
}

fn run(changes: usize, classes: bool) -> Vec<DetectorFigures> {
    let mut model = model(classes);
    (0..steps().len()).for_each(|at| act(&mut model, at, changes, classes));
    model.judge(NOW, false).detectors
}

#[test]
fn a_change_is_seen_once_by_each_detector_and_nothing_is_seen_without_one() {
    for classes in [false, true] {
        for of in run(usize::MAX, classes) {
            assert_eq!((of.values, of.drifts, of.recent.len()), (ROWS as u64, 0, 0), "{of:?}");
        }
        for of in run(600, classes) {
            assert_eq!((of.values, of.drifts), (ROWS as u64, 1), "{of:?}");
            // The time of the row at which it was seen, soon after the change; true values of rows before it come later than some after it.
            assert!((540_000..760_000).contains(&of.recent[0].0), "{of:?}");
        }
    }
    let warned = &run(600, true)[0];
    assert!(warned.warnings > Some(0), "{warned:?}");
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    for classes in [false, true] {
        let whole = run(600, classes);
        // The state is older than the last rows: those are replayed with others that were taken already, and taken once.
        for (saved, stopped) in [(3, 40), (125, 131), (140, 140), (200, 230)] {
            let mut before = model(classes);
            (0..saved).for_each(|at| act(&mut before, at, 600, classes));
            let state: serde_json::Value = serde_json::from_str(&before.state().to_string()).expect("JSON");
            let mut after = model(classes);
            after.restore(&state);
            // Asked again before all was replayed, the state says the same.
            assert_eq!(after.state()["detectors"]["mark"], state["detectors"]["mark"]);
            (saved.saturating_sub(100)..stopped).for_each(|at| act(&mut after, at, 600, classes));
            let again = after.state();
            let mut last = model(classes);
            last.restore(&again);
            (stopped.saturating_sub(100)..steps().len()).for_each(|at| act(&mut last, at, 600, classes));
            assert_eq!(last.judge(NOW, false).detectors, whole, "{saved} {stopped}");
        }
    }
}

#[test]
fn corrections_repeats_and_texts_are_not_taken() {
    let mut model = model(false);
    model.predictions(vec![predict(1, 600, false), predict(1, 600, false)]);
    model.labels(vec![label(1, 600, false), Label { truth: Truth::Number(7.0), ..label(1, 600, false) }]);
    model.predictions(vec![Prediction { features: vec![FeatureValue::Text("warm".into())], ..predict(2, 600, false) }]);
    let values: Vec<(String, u64)> = model.judge(NOW, false).detectors.into_iter().map(|of| (of.stream, of.values)).step_by(3).collect();
    assert_eq!(values, [("feature:temp".to_owned(), 1), ("prediction".to_owned(), 2), ("error".to_owned(), 1)]);
}

#[test]
fn changes_are_series_and_figures_of_rules() {
    let mut model = model(false);
    (0..steps().len()).for_each(|at| act(&mut model, at, 1000, false));
    let judgement = model.judge(NOW, false);
    let names = figure_names(model.settings());
    for name in ["detector_drifts:error:page_hinkley", "detector_drifts:feature:temp:adwin"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
        assert_eq!(judgement.readings[name].value, Ok(1.0), "{name}");
    }
    let series: Vec<String> = judgement.samples(model.settings()).into_iter().map(|(labels, value)| format!("{labels} {value}")).collect();
    let expected = "bellbuoy_model_detector_drifts_total{detector=\"kswin\", model=\"bikes\", role=\"champion\", stream=\"error\"} 1";
    assert!(series.iter().any(|line| line == expected), "{series:#?}");
    // Nothing came: the figure is unknown, not 0.
    let empty = Model::new(settings(false), Reference::Rows(ReferenceRows::default())).judge(NOW, false);
    assert!(empty.readings["detector_drifts:error:adwin"].value.is_err());
}
