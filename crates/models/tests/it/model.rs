//! A model over its life: whatever the order in which rows and true values come, and over a restart, it says what the same rows say at once.

use bellbuoy_drift::{Column, Values};
use bellbuoy_models::{
    Answer, Evaluation, EvaluationOptions, Feature, FeatureValue, Judgement, Label, Metric, Model, ModelKind, ModelSettings, Pairs,
    Prediction, Reference, ReferenceRows, Span, Truth, WindowSettings, Windows,
};
use bellbuoy_vocabulary::{Millis, Timestamp};
use proptest::prelude::*;

const ROWS: usize = 120;
const NOW: Timestamp = Timestamp(1_000_000);

fn settings(retention_rows: usize) -> ModelSettings {
    let window = |name: &str, span| WindowSettings { name: name.into(), span };
    ModelSettings {
        features: vec![Feature::new("temp"), Feature::new("city")],
        segments: vec!["city".into()],
        windows: vec![
            WindowSettings::newest_rows(50),
            window("hour", Span::Newest(Millis(400))),
            window("tumbling", Span::Cut(Windows::tumbling(Millis(300)))),
            window("sliding", Span::Cut(Windows::Rows { size: 40, step: 10 })),
        ],
        rows_min: 20,
        retention_rows,
        ..ModelSettings::new("bikes")
    }
}

fn reference() -> Reference {
    let columns = vec![
        Column::new("temp", Values::Numbers((0..200).map(|i| f64::from(i % 37) / 37.0).collect())),
        Column::new("city", Values::texts((0..200).map(|i| ["Bonn", "Berlin", "Bern"][i % 3]))),
    ];
    let answers = (0..200).map(|i| Answer::Number(f64::from(i % 50))).collect();
    let truths = (0..200).map(|i| Truth::Number(f64::from(i % 50) + f64::from(i % 7))).collect();
    Reference::Rows(ReferenceRows { columns, at: None, answers: Some(answers), truths: Some(truths) })
}

/// Three rows have the same time.
fn prediction(row: usize, role: &str) -> Prediction {
    let features = vec![FeatureValue::Number((row % 41) as f64 / 37.0), FeatureValue::Text(["Bonn", "Berlin"][row % 2].into())];
    let answer = Answer::Number((row * 7919 % 100) as f64 + if role == "champion" { 0.5 } else { 0.0 });
    Prediction { id: format!("row-{row}"), at: Timestamp((row / 3 * 30) as i64), role: role.into(), answer, features }
}

fn label(row: usize) -> Label {
    Label { id: format!("row-{row}"), truth: Truth::Number((row * 104_729 % 100) as f64) }
}

/// Step by step: predictions of two roles and true values.
fn act(model: &mut Model, step: usize) {
    match (step % 3, step / 3) {
        (0, row) => model.predictions(vec![prediction(row, "champion")]),
        (1, row) => model.predictions(vec![prediction(row, "challenger")]),
        (_, row) => model.labels(vec![label(row)]),
    };
}

/// What was amended depends on what was told before; all else on the rows alone.
fn said(judgement: Judgement) -> Judgement {
    Judgement { amended: Vec::new(), ..judgement }
}

fn evaluation(rows: impl Iterator<Item = usize>, settings: &ModelSettings) -> Evaluation {
    let number = |answer: Answer| if let Answer::Number(number) = answer { number } else { f64::NAN };
    let truth = |truth: Truth| if let Truth::Number(number) = truth { number } else { f64::NAN };
    let pairs = rows.map(|row| (number(prediction(row, "champion").answer), truth(label(row).truth)));
    let options = EvaluationOptions { rows_min: settings.rows_min, resampling: None, ..EvaluationOptions::default() };
    Evaluation::of(&Pairs::new(pairs), &options)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_and_the_times_of_judging_change_nothing(
        order in Just((0..3 * ROWS).collect::<Vec<_>>()).prop_shuffle(), ask_after in 20..200usize, retention_rows in prop_oneof![Just(1000usize), Just(70)],
    ) {
        let (mut sorted, mut shuffled) = (Model::new(settings(retention_rows), reference()), Model::new(settings(retention_rows), reference()));
        // Where rows are forgotten, true values must not come before their predictions are: they would wait, or be dropped.
        let mut order = order;
        if retention_rows < ROWS {
            order.sort_by_key(|step| step % 3 == 2);
        }
        for step in 0..3 * ROWS {
            act(&mut sorted, step);
        }
        for (done, step) in order.iter().enumerate() {
            act(&mut shuffled, *step);
            if done % ask_after == 0 {
                shuffled.judge(NOW, false);
            }
        }
        if retention_rows > ROWS {
            let (one, other) = (said(sorted.judge(NOW, false)), said(shuffled.judge(NOW, false)));
            prop_assert_eq!(one, other);
            for role in ["champion", "challenger"] {
                for window in ["50 rows", "hour", "tumbling", "sliding"] {
                    let figures = |model: &Model| model.history_of(window, role).into_iter().map(|w| (w.cut, w.with_truth, w.evaluation)).collect::<Vec<_>>();
                    prop_assert_eq!(figures(&sorted), figures(&shuffled), "{} {}", window, role);
                }
            }
        } else {
            // The same rows are kept, whichever came first.
            let rows = |model: &Model| model.window_rows("hour", "champion", NOW);
            prop_assert_eq!(rows(&sorted), rows(&shuffled));
        }
    }

    #[test]
    fn a_restart_changes_nothing(stop in 1..3 * ROWS, replayed_before in 0..200usize) {
        let mut through = Model::new(settings(60), reference());
        let mut before = Model::new(settings(60), reference());
        for step in 0..stop {
            act(&mut through, step);
            act(&mut before, step);
        }
        through.judge(NOW, false);
        before.judge(NOW, false);
        let state = before.state();
        let mut after = Model::new(settings(60), reference());
        after.restore(&state);
        // The log has the newest rows, and more of the old ones than are kept: rows of one time may have come in any order.
        for step in stop.saturating_sub(3 * 60 + 9 + replayed_before)..3 * ROWS {
            act(&mut after, step);
        }
        for step in stop..3 * ROWS {
            act(&mut through, step);
        }
        prop_assert_eq!(said(through.judge(NOW, false)), said(after.judge(NOW, false)));
        // True values of rows that are forgotten wait in vain after a restart; all else is counted on.
        let counted = |model: &Model| model.counter_samples().into_iter().filter(|(labels, _)| !labels.name().contains("true_values")).collect::<Vec<_>>();
        prop_assert_eq!(counted(&through), counted(&after));
    }

    #[test]
    fn figures_are_those_of_the_rows(labelled in prop::collection::vec(any::<bool>(), ROWS)) {
        let settings = ModelSettings { windows: vec![WindowSettings { name: "hours".into(), span: Span::Cut(Windows::tumbling(Millis(300))) }], ..settings(1000) };
        let mut model = Model::new(settings.clone(), reference());
        model.predictions((0..ROWS).map(|row| prediction(row, "champion")).collect());
        let known: Vec<usize> = (0..ROWS).filter(|row| labelled[*row]).collect();
        model.labels(known.iter().map(|row| label(*row)).collect());
        let judgement = model.judge(NOW, false);
        for window in model.history("champion") {
            let inside = |row: &usize| (window.cut.from..window.cut.to).contains(&prediction(*row, "champion").at);
            prop_assert_eq!(window.predictions, (0..ROWS).filter(inside).count());
            let expected = evaluation(known.iter().copied().filter(inside), &settings);
            for (ours, plain) in window.evaluation.figures.iter().zip(&expected.figures) {
                match (&ours.value, &plain.value) {
                    // Rows of one time may be added up in another order.
                    (Ok(ours), Ok(plain)) => prop_assert!((ours - plain).abs() <= 1e-9 * plain.abs().max(1.0), "{} {}", ours, plain),
                    (ours, plain) => prop_assert_eq!(ours, plain),
                }
            }
        }
        // The newest complete window is the one that is judged.
        let newest = model.history("champion").pop().expect("a window");
        prop_assert_eq!(&judgement.windows[0].evaluation, &newest.evaluation);
        prop_assert_eq!(judgement.windows[0].rows, newest.predictions);
    }
}

#[test]
fn late_true_values_amend_the_windows_they_belong_to_and_no_others() {
    let settings = ModelSettings { windows: settings(1).windows[2..3].to_vec(), ..settings(1000) };
    let mut model = Model::new(settings, reference());
    model.predictions((0..ROWS).map(|row| prediction(row, "champion")).collect());
    model.labels((0..ROWS).filter(|row| *row != 40).map(label).collect());
    assert_eq!(model.judge(NOW, false).amended, [], "nothing was told before");
    let before = model.history("champion");
    model.labels(vec![label(40)]);
    let amended = model.judge(NOW, false).amended;
    // Row 40 is of the time 390, in the window from 300 to 600.
    assert_eq!(
        amended.iter().map(|of| (of.number, of.window.as_str(), of.role.as_str())).collect::<Vec<_>>(),
        [(1, "tumbling", "champion")]
    );
    let changed: Vec<i64> =
        before.iter().zip(model.history("champion")).filter(|(old, new)| *old != new).map(|(old, _)| old.cut.number).collect();
    assert_eq!(changed, [1]);
    assert_eq!(model.history("champion")[1].amended, 1);
    assert_eq!(model.judge(NOW, false).amended, []);
}

#[test]
fn what_is_unknown_says_why() {
    let word = |reason: &bellbuoy_models::Unknown| reason.word();
    let drift = |model: &mut Model| model.judge(NOW, false).windows[0].drift.as_ref().err().map(word);
    let full = |reference: Reference| {
        let mut model = Model::new(settings(1000), reference);
        model.predictions((0..ROWS).map(|row| prediction(row, "champion")).collect());
        model
    };
    assert_eq!(drift(&mut full(Reference::Rows(ReferenceRows::default()))), Some("no_reference"));
    let few = ReferenceRows { columns: vec![Column::new("temp", Values::Numbers(vec![1.0, 2.0]))], ..ReferenceRows::default() };
    assert_eq!(drift(&mut full(Reference::Rows(few))), Some("few_reference_rows"));
    let constant = |name: &str| Column::new(name, Values::Numbers(vec![1.0; 100]));
    let other = ReferenceRows { columns: vec![constant("other")], ..ReferenceRows::default() };
    assert_eq!(drift(&mut full(Reference::Rows(other))), Some("no_reference"));
    assert_eq!(drift(&mut full(Reference::First { span: None, rows: Some(500) })), Some("reference_to_come"));
    assert_eq!(drift(&mut full(reference())), None);

    // A constant target, and a class that never comes.
    let mut model = full(reference());
    model.labels((0..ROWS).map(|row| Label { truth: Truth::Number(5.0), ..label(row) }).collect());
    let judgement = model.judge(NOW, false);
    assert_eq!(judgement.windows[0].evaluation.value(Metric::R2).as_ref().err().map(word), Some("constant_target"));
    assert!(judgement.windows[0].evaluation.value(Metric::Mae).is_ok());
    let kind = ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None };
    let mut model = Model::new(ModelSettings { kind, ..settings(1000) }, Reference::Rows(ReferenceRows::default()));
    let row = |row: usize| Prediction { answer: Answer::Class { class: None, probabilities: vec![0.3] }, ..prediction(row, "champion") };
    model.predictions((0..ROWS).map(row).collect());
    model.labels((0..ROWS).map(|row| Label { truth: Truth::Class("no".into()), ..label(row) }).collect());
    let judgement = model.judge(NOW, false);
    let figure = |metric| judgement.windows[0].evaluation.value(metric).as_ref().err().map(word);
    assert_eq!((figure(Metric::RocAuc), figure(Metric::Accuracy)), (Some("class_absent"), None));
    let names: Vec<String> = judgement.samples(model.settings()).iter().map(|(labels, _)| labels.to_string()).collect();
    let told = |name: &str| names.iter().filter(|series| series.starts_with(name)).count();
    assert!(told("bellbuoy_model_figure_unknown{metric=\"roc_auc\", model=\"bikes\", reason=\"class_absent\"") > 0, "{names:#?}");
    assert_eq!(told("bellbuoy_model_figure{metric=\"roc_auc\""), 0);
}

#[test]
fn the_first_rows_become_the_reference() {
    let open = ModelSettings { features: Vec::new(), segments: Vec::new(), ..settings(50) };
    let mut model = Model::new(open.clone(), Reference::First { span: None, rows: Some(60) });
    assert!(model.is_open());
    for name in ["temp", "city"] {
        model.schema_mut().add(name);
    }
    model.predictions((0..59).map(|row| prediction(row, "champion")).collect());
    assert!(model.reference_rows().is_none() && model.is_open());
    model.predictions((59..ROWS).map(|row| prediction(row, "champion")).collect());
    let made = model.reference_rows().cloned().expect("60 rows are there");
    assert_eq!((made.columns.len(), made.columns[0].values.len(), model.is_open()), (2, 60, false));
    let drift = model.judge(NOW, false).windows[0].drift.clone().expect("known");
    assert_eq!((drift.reference_rows, drift.features.len(), model.rows("champion")), (60, 2, 50));
    // The next start is given what was made.
    let mut again = Model::new(open, Reference::Rows((*made).clone()));
    again.restore(&model.state());
    again.predictions((0..ROWS).map(|row| prediction(row, "champion")).collect());
    assert_eq!(said(again.judge(NOW, false)).windows, said(model.judge(NOW, false)).windows);
}

/// One batch with more rows than are kept: the reference was made of its last rows, after a restart even where it had been made of the
/// first ones before, because the log is read in large batches.
#[test]
fn the_first_rows_are_the_first_of_a_large_batch() {
    let reference = |batch: usize| {
        let mut model = Model::new(settings(50), Reference::First { span: None, rows: Some(60) });
        let rows: Vec<Prediction> = (0..ROWS).map(|row| prediction(row, "champion")).collect();
        for rows in rows.chunks(batch) {
            model.predictions(rows.to_vec());
        }
        let made = model.reference_rows().cloned().expect("60 rows are there");
        (made.at.clone(), format!("{:?}", made.columns))
    };
    let one_by_one = reference(1);
    assert_eq!(one_by_one.0.as_ref().map(Vec::len), Some(60));
    assert_eq!(reference(ROWS), one_by_one);
    assert_eq!(reference(7), one_by_one);
}
