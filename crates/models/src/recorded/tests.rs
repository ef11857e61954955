//! A model's life is told as series; what is read back from them decides as it was decided then.

use bellbuoy_vocabulary::{Millis, Series};

use super::*;
use crate::{
    Answer, Condition, CoolDown, DecisionSeverity, Feature, FeatureValue, Label, Model, Policy, Prediction, Reference, ReferenceRows,
    RetrainingOutcome, RetrainingThresholds, Rule, Ruling, Runs, Side, Test, Truth,
};

#[derive(Default)]
struct Store(Vec<(Labels, Vec<Sample>)>);

struct One<'a>(&'a Labels, &'a [Sample]);

impl Series for One<'_> {
    fn labels(&self) -> &Labels {
        self.0
    }

    fn read(&self, from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
        out.floats.extend(self.1.iter().filter(|sample| from <= sample.at && sample.at <= to));
        Ok(())
    }
}

impl SeriesSource for Store {
    fn select(&self, _: Timestamp, _: Timestamp, matchers: &[Matcher]) -> Result<Vec<Box<dyn Series + '_>>, SourceError> {
        let is = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches_labels(labels));
        Ok(self.0.iter().filter(|(labels, _)| is(labels)).map(|(labels, samples)| Box::new(One(labels, samples)) as _).collect())
    }
}

impl Store {
    fn add(&mut self, samples: Vec<(Labels, f64)>, at: Timestamp) {
        for (labels, value) in samples {
            match self.0.iter_mut().find(|(known, _)| *known == labels) {
                Some((_, samples)) => samples.push(Sample::new(at, value)),
                None => self.0.push((labels, vec![Sample::new(at, value)])),
            }
        }
    }
}

const MINUTE: i64 = 60_000;

fn at(minute: i64) -> Timestamp {
    Timestamp(minute * MINUTE)
}

/// An hour of a model that is judged each minute, by 50 rows a minute that get worse from minute 20 on; a run is done at minute 40, after which it is well.
fn life(policy: Policy<RetrainingOutcome>) -> (ModelSettings, Store, Vec<Ruling<RetrainingOutcome>>) {
    let mut settings = ModelSettings::new("bikes");
    settings.features = vec![Feature::new("temp")];
    settings.windows = vec![crate::WindowSettings::newest_rows(200)];
    settings.retraining = policy;
    let reference: Vec<f64> = (0..400).map(|row| f64::from(row % 40)).collect();
    let columns = vec![bellbuoy_drift::Column::new("temp", bellbuoy_drift::Values::Numbers(reference))];
    let mut model = Model::new(settings.clone(), Reference::Rows(ReferenceRows { columns, ..ReferenceRows::default() }));
    let (mut store, mut rulings) = (Store::default(), Vec::new());
    for minute in 0..60 {
        let bad = if (20..40).contains(&minute) { (minute - 19) as f64 } else { 0.0 };
        let rows = (0..50).map(|row| (format!("{minute}-{row}"), f64::from(row % 40)));
        let predictions = rows.clone().enumerate().map(|(n, (id, value))| Prediction {
            id,
            at: at(minute),
            role: "champion".into(),
            answer: Answer::Number(value + bad * ((n * 7919 % 101) as f64 / 50.0 - 1.0)),
            features: vec![FeatureValue::Number(value + bad * 4.0)],
        });
        model.predictions(predictions.collect());
        model.labels(rows.map(|(id, value)| Label { id, truth: Truth::Number(value) }).collect());
        let now = at(minute + 1);
        if minute == 40 {
            model.record_training("success");
            model.retrained(now);
            store.add(model.counter_samples(), now - Millis(1));
        }
        let judgement = model.judge(now, false);
        store.add(judgement.samples(&settings), now);
        store.add(model.counter_samples(), now);
        rulings.push(judgement.decision);
    }
    (settings, store, rulings)
}

fn cool_down(minutes: i64) -> Option<CoolDown<RetrainingOutcome>> {
    let length = Millis::from_minutes(minutes);
    Some(CoolDown { keeps_off: RetrainingOutcome::RetrainNow, instead: RetrainingOutcome::Watch, length })
}

/// With intervals, hysteresis, rows, counts in a row and a cool-down, each ruling is the one that was told then.
#[test]
fn what_was_told_decides_as_it_was_decided() {
    use DecisionSeverity::{Critical, Warning};
    use RetrainingOutcome::{RetrainNow, Watch};
    let low = Condition { clear: Some(0.9), rows_min: 100, ..Condition::new("r2", Test::Below, 0.8).on(Side::High) };
    let drifted = [Condition::new("drift_share", Test::AtLeast, 0.5), Condition::new("drift_detected", Test::AtLeast, 1.0)];
    let rules = vec![
        Rule { times_min: 3, ..Rule::new("surely_low", RetrainNow, Critical, vec![low]) },
        Rule::new("moved", Watch, Warning, vec![Condition::new("feature_drift_score:temp", Test::Above, 0.3)]),
        Rule::new("drifted", Watch, Warning, drifted.to_vec()),
        Rule::new("foretold", Watch, Warning, vec![Condition::new("mae_estimated", Test::Above, 9.0)]),
    ];
    let own = Policy { cool_down: cool_down(10), interval: Millis::from_minutes(1), ..Policy::retraining_of(rules) };
    let default = Policy { cool_down: cool_down(10), ..Policy::retraining(&RetrainingThresholds::default()) };
    for policy in [own, default] {
        let (settings, store, rulings) = life(policy);
        let recorded = recorded(&settings, &store, at(0), at(100)).expect("in memory");
        assert_eq!(recorded.judgements.len(), rulings.len());
        assert_eq!(recorded.runs, [at(41) - Millis(1)]);
        let replayed = settings.retraining.replay(&recorded.judgements, Runs::Done(&recorded.runs), at(0), Millis::from_minutes(5));
        let mut expected: Vec<(RetrainingOutcome, usize)> = Vec::new();
        for ruling in &rulings {
            match expected.last_mut() {
                Some((outcome, count)) if *outcome == ruling.outcome => *count += 1,
                _ => expected.push((ruling.outcome, 1)),
            }
        }
        let got: Vec<(RetrainingOutcome, usize)> = replayed.stretches.iter().map(|stretch| (stretch.outcome, stretch.judgements)).collect();
        assert_eq!(got, expected);
        assert!(expected.iter().any(|(outcome, _)| *outcome == RetrainNow) && expected.len() > 2, "{expected:?}");
        // The reasons too, but for unknown ones, of which series say a word and not a sentence.
        for stretch in replayed.stretches.iter().filter(|stretch| stretch.outcome == RetrainNow) {
            let then = rulings.iter().find(|ruling| ruling.at == stretch.from).expect("a ruling");
            assert_eq!(stretch.because, then.reason.to_string());
        }
    }
}

#[test]
fn what_was_not_told_is_unknown() {
    let (mut settings, store, _) = life(Policy::retraining(&RetrainingThresholds::default()));
    let rule = |figure: &str| {
        Rule::new(figure, RetrainingOutcome::Watch, DecisionSeverity::Warning, vec![Condition::new(figure, Test::Above, 1.0)])
    };
    settings.retraining =
        Policy::retraining_of(vec![rule("r2"), rule("mae_estimated"), rule("r2@week"), rule("detector_drifts:error:adwin")]);
    let recorded = recorded(&settings, &store, at(0), at(3)).expect("in memory");
    let said: Vec<String> = recorded.judgements[2].readings.iter().map(|(name, reading)| format!("{name}: {:?}", reading.value)).collect();
    expect_test::expect![[r#"
        detector_drifts:error:adwin: Err("what a detector saw within a window is not told as a series")
        mae_estimated: Err("no reference truth")
        r2: Ok(1.0)
        r2@week: Err("it was not told then")"#]]
    .assert_eq(&said.join("\n"));
}

#[test]
fn other_lines_and_cool_downs_are_tried() {
    let (settings, store, _) = life(Policy::retraining(&RetrainingThresholds::default()));
    let recorded = recorded(&settings, &store, at(0), at(100)).expect("in memory");
    let policy = &settings.retraining;
    let runs = |name: &str, value: f64| {
        let knob = policy.knob(name).expect("there is one");
        let runs = Runs::Follow(Millis::from_minutes(2));
        policy.changed(&knob, value).replay(&recorded.judgements, runs, at(0), Millis::from_minutes(5)).runs.len()
    };
    assert!(runs("r2_critical", 0.65) > 3, "a run after the other");
    assert_eq!(runs("cool_down", 3600.0), 1, "once an hour");
    assert!(runs("cool_down", 300.0) < runs("cool_down", 0.0));
    assert_eq!(policy.value(&policy.knob("r2_warning").expect("two rules of one line")), 0.7);
    assert_eq!(policy.value(&policy.knob("drift_and_r2_warning/drift_share").expect("a figure of a rule")), 0.5);
    assert_eq!(
        policy.knob("r2").expect_err("two lines"),
        "r2 has several lines; name the rule: r2_critical, drift_and_r2_warning, r2_warning_without_drift"
    );
    assert_eq!(policy.knob("r2_critcal").expect_err("no such"), "the rules have no \"r2_critcal\"; did you mean \"r2_critical\"?");
    let detected = |line: f64| recorded.judgements[30].with_drift_line(line).readings["drift_detected"].value.clone();
    assert_eq!((detected(0.5), detected(1.5)), (Ok(1.0), Ok(0.0)));
}

/// A night without judgements is no long decision.
#[test]
fn a_time_without_judgements_ends_a_stretch() {
    let seen = |minute: i64| Seen { at: at(minute), readings: Readings::from([("r2".to_owned(), Reading::of(0.5, Some(99)))]) };
    let policy = Policy::retraining(&RetrainingThresholds { drift_share: None, ..RetrainingThresholds::default() });
    let replayed = policy.replay(&[seen(0), seen(1), seen(500), seen(501)], Runs::Done(&[]), at(0), Millis::from_minutes(5));
    let told: Vec<_> = replayed.stretches.iter().map(|stretch| (stretch.from, stretch.until, stretch.judgements)).collect();
    assert_eq!(told, [(at(0), Some(at(1)), 2), (at(500), None, 2)]);
    assert_eq!(replayed.changes, 0);
}
