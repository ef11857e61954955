//! The default rules decide as the trees do; hysteresis, evidence, cool-down, force; the paired test tells noise from improvement.

use proptest::prelude::*;

use super::*;
use crate::{
    Comparison, DeploymentOutcome, DeploymentThresholds, DriftSummary, Metric, Outcome, Pairs, Performance, Resampling, RetrainingOutcome,
    RetrainingThresholds, TwoSets, decide_deployment, decide_retraining,
};

fn policy(rules: Vec<Rule<RetrainingOutcome>>) -> Policy<RetrainingOutcome> {
    Policy {
        rules,
        ..Policy::retraining(&RetrainingThresholds { r2_critical: None, r2_warning: None, rmse_critical: None, drift_share: None })
    }
}

fn critical(condition: Condition) -> Rule<RetrainingOutcome> {
    Rule::new("low", RetrainingOutcome::RetrainNow, DecisionSeverity::Critical, vec![condition])
}

fn r2(value: f64) -> Readings {
    Readings::from([("r2".to_owned(), Reading::of(value, Some(500)))])
}

/// Judges once a minute; what was decided, one word each.
fn words(policy: &Policy<RetrainingOutcome>, readings: &[Readings]) -> Vec<&'static str> {
    let mut state = PolicyState::default();
    let minute = |at: usize| Timestamp(at as i64 * 60_000);
    readings.iter().enumerate().map(|(at, readings)| policy.judge(readings, &mut state, false, minute(at)).outcome.word()).collect()
}

fn known_or_not<T>(known: impl Strategy<Value = T>) -> impl Strategy<Value = Outcome<T>>
where
    T: Clone + std::fmt::Debug,
{
    prop_oneof![4 => known.prop_map(Outcome::Known), 1 => Just(Outcome::Unknown("there are no current rows".to_owned()))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn default_rules_decide_as_the_retraining_tree(
        drift in known_or_not((0..=10u8, any::<bool>()).prop_map(|(tenths, detected)| {
            DriftSummary { share: f64::from(tenths) / 10.0, drifted_features: 1, features: Vec::new(), detected, rows: 100 }
        })),
        performance in known_or_not((0..=20u8, 0..=4u8).prop_map(|(r2, rmse)| Performance::of_scores(f64::from(r2) / 20.0, f64::from(rmse) * 20.0, 9.0, 99))),
        r2_critical in prop::option::of(Just(0.65)), r2_warning in prop::option::of(Just(0.7)),
        rmse_critical in prop::option::of(Just(60.0)), drift_share in prop::option::of(Just(0.5)), forced in prop::bool::weighted(0.1),
    ) {
        let lines = RetrainingThresholds { r2_critical, r2_warning, rmse_critical, drift_share };
        let tree = decide_retraining(&drift, &performance, &lines, forced);
        let readings = Policy::<RetrainingOutcome>::readings(&drift, &performance);
        let ruling = Policy::retraining(&lines).judge(&readings, &mut PolicyState::default(), forced, Timestamp(0));
        prop_assert_eq!((ruling.outcome, ruling.severity), (tree.outcome, tree.severity), "{} | {}", ruling.reason, tree.reason);
        if let Some(rule) = ruling.reason.rule().filter(|_| ruling.outcome != RetrainingOutcome::Unknown && lines.drift_share.is_some()) {
            prop_assert_eq!(rule, tree.reason.word());
        }
    }

    #[test]
    fn default_rules_decide_as_the_deployment_tree(
        r2 in prop::array::uniform4(prop_oneof![8 => (0..=40u8).prop_map(|r2| f64::from(r2) / 40.0), 1 => Just(f64::NAN)]),
        improvement_min in prop_oneof![Just(0.0), Just(0.05)],
    ) {
        let sets = |baseline, current| {
            let figures = |r2| Performance::of_scores(r2, 9.0, 9.0, 99);
            TwoSets { baseline: figures(baseline), current: figures(current) }
        };
        let (champion, challenger) = (sets(r2[0], r2[1]), sets(r2[2], r2[3]));
        let lines = DeploymentThresholds { improvement_min, baseline_regression_max: 0.05 };
        let tree = decide_deployment(&champion, &challenger, &lines);
        let readings = Policy::<DeploymentOutcome>::readings(&champion, &challenger);
        let ruling = Policy::deployment(&lines).judge(&readings, &mut PolicyState::default(), false, Timestamp(0));
        // Where one of the two changes is unknown and the other one decides, both reject; the reason is the more telling one here.
        prop_assert_eq!(ruling.outcome, tree.decision, "{} | {}", ruling.reason, tree.reason);
    }
}

#[test]
fn a_line_with_hysteresis_does_not_flap() {
    let below = Condition { clear: Some(0.7), ..Condition::new("r2", Test::Below, 0.65) };
    let values = [0.68, 0.64, 0.66, 0.69, 0.64, 0.7, 0.68, 0.66].map(r2);
    assert_eq!(
        words(&policy(vec![critical(below)]), &values),
        ["nothing", "retrain", "retrain", "retrain", "retrain", "nothing", "nothing", "nothing"]
    );
    let plain = policy(vec![critical(Condition::new("r2", Test::Below, 0.65))]);
    assert_eq!(words(&plain, &values)[1..5], ["retrain", "nothing", "nothing", "retrain"]);
}

#[test]
fn missing_figures_keep_what_was_held_and_decide_nothing() {
    let below = Condition { clear: Some(0.7), ..Condition::new("r2", Test::Below, 0.65) };
    let gone = Readings::from([("r2".to_owned(), Reading::unknown("no rows"))]);
    let values = [r2(0.6), gone.clone(), r2(0.68), r2(0.75), gone, Readings::new(), r2(f64::NAN)];
    let said = words(&policy(vec![critical(below)]), &values);
    assert_eq!(said, ["retrain", "unknown", "retrain", "nothing", "unknown", "unknown", "unknown"]);
}

#[test]
fn evidence_is_rows_and_times() {
    let rows = Condition { rows_min: 200, ..Condition::new("r2", Test::Below, 0.65) };
    let few = Readings::from([("r2".to_owned(), Reading::of(0.5, Some(199)))]);
    let policy_of_rows = policy(vec![critical(rows)]);
    let ruling = policy_of_rows.judge(&few, &mut PolicyState::default(), false, Timestamp(0));
    assert_eq!(ruling.outcome, RetrainingOutcome::Unknown);
    assert_eq!(ruling.reason.to_string(), "r2 is unknown (199 rows, 200 are needed), so rule low cannot be judged");

    let thrice = policy(vec![Rule { times_min: 3, ..critical(Condition::new("r2", Test::Below, 0.65)) }]);
    let values = [0.6, 0.6, 0.9, 0.6, 0.6, 0.6, 0.6].map(r2);
    assert_eq!(words(&thrice, &values), ["watch", "watch", "nothing", "watch", "watch", "retrain", "retrain"]);
    // Asking more often than the interval does not make evidence.
    let hourly = Policy { interval: Millis::from_minutes(60), ..thrice };
    assert_eq!(words(&hourly, &[0.6; 60].map(r2))[59], "watch");
    assert_eq!(words(&hourly, &[0.6; 125].map(r2))[119..122], ["watch", "retrain", "retrain"]);
}

#[test]
fn a_rule_that_waits_does_not_hide_a_later_one_that_acts() {
    let rules = |times_min| {
        let slow = Rule { times_min, ..critical(Condition::new("r2", Test::Below, 0.7)) };
        let sharp = Rule { name: "sharp".into(), ..critical(Condition::new("r2", Test::Below, 0.3)) };
        policy(vec![slow, sharp])
    };
    assert_eq!(words(&rules(9), &[r2(0.2), r2(0.6)]), ["retrain", "watch"]);
}

#[test]
fn after_a_run_there_is_quiet_unless_a_person_asks() {
    let cool_down =
        CoolDown { keeps_off: RetrainingOutcome::RetrainNow, instead: RetrainingOutcome::Watch, length: Millis::from_minutes(60) };
    let policy = Policy { cool_down: Some(cool_down), ..policy(vec![critical(Condition::new("r2", Test::Below, 0.65))]) };
    let mut state = PolicyState::default();
    let judge = |minute: i64, forced: bool, state: &mut PolicyState| policy.judge(&r2(0.5), state, forced, Timestamp(minute * 60_000));
    assert_eq!(judge(0, false, &mut state).outcome, RetrainingOutcome::RetrainNow);
    // It stays until somebody has done it: whoever asks an hour later still hears it.
    assert_eq!(judge(59, false, &mut state).outcome, RetrainingOutcome::RetrainNow);
    state.acted(Timestamp(60 * 60_000));
    let kept: PolicyState = serde_json::from_value(serde_json::to_value(&state).expect("JSON")).expect("reads back");
    assert_eq!(kept, state);
    let cooling = judge(61, false, &mut state);
    assert_eq!(cooling.outcome, RetrainingOutcome::Watch);
    assert_eq!(
        cooling.reason.to_string(),
        "r2 0.5000 is below 0.65 (rule low), but the last run was done so lately that none begins before 1970-01-01T02:00:00Z"
    );
    assert_eq!(judge(62, true, &mut state).outcome, RetrainingOutcome::Forced);
    assert_eq!(judge(120, false, &mut state).outcome, RetrainingOutcome::RetrainNow);
}

#[test]
fn a_ruling_is_an_audit_record() {
    let ruling = Policy::retraining(&RetrainingThresholds::default()).judge(
        &Policy::<RetrainingOutcome>::readings(
            &Outcome::Unknown("there are no current rows".into()),
            &Outcome::Known(Performance::of_scores(0.5, 70.0, 9.0, 99)),
        ),
        &mut PolicyState::default(),
        false,
        Timestamp(0),
    );
    assert_eq!(
        ruling.json(ruling.outcome.word()).to_string(),
        r#"{"at":"1970-01-01T00:00:00Z","outcome":"retrain","severity":"critical","rule":"r2_critical","reason":"rule","because":"r2 0.5000 is below 0.65 (rule r2_critical)","inputs":{"r2":{"value":0.5,"rows":99}}}"#
    );
}

#[test]
fn bad_rules_are_told_all_at_once() {
    let clear = Condition { clear: Some(0.6), ..Condition::new("r2", Test::Below, 0.65) };
    let rules = vec![
        critical(clear),
        critical(Condition::new("r3", Test::Above, f64::NAN)),
        Rule { when: Vec::new(), name: String::new(), ..critical(Condition::new("r2", Test::Below, 0.0)) },
    ];
    let said = policy(rules).problems(&["r2", "rmse"]).join("\n");
    expect_test::expect![[r#"
        rule "low": r2 would clear at 0.6 before it reaches its line 0.65
        rule "low": an earlier rule has the same name
        rule "low": the model has no figure "r3"; it has r2, rmse
        rule 3: has no name
        rule "": has no condition, so it would always hold and hide those after it"#]]
    .assert_eq(&said);
    assert_eq!(Policy::retraining(&RetrainingThresholds::default()).problems(&["r2", "rmse", "drift_share", "drift_detected"]), [""; 0]);
}

/// `gain` taken from each error of a champion whose errors go up to 20; `shuffled`: the challenger's errors are its own.
fn compared(rows: usize, factor: f64, shuffled: bool) -> Comparison {
    let error = |i: usize| ((i * 7919) % 1009) as f64 / 25.0 - 20.0;
    let champion = Pairs::new((0..rows).map(|i| ((i % 100) as f64 + error(i), (i % 100) as f64)));
    let own = |i: usize| if shuffled { error(i * 31 + 17) } else { error(i) };
    let challenger = Pairs::new((0..rows).map(|i| ((i % 100) as f64 + factor * own(i), (i % 100) as f64)));
    Comparison::of(&champion, &challenger, Metric::R2, 50, &Resampling::default())
}

#[test]
fn an_improvement_within_noise_is_skipped() {
    let lines = DeploymentThresholds::default();
    let check = |current: Comparison, baseline: Comparison, expected: &str| {
        let mut state = PolicyState::default();
        let decided = PairedDeployment::decide(&Policy::deployment_paired(&lines), &mut state, [current, baseline], false, Timestamp(0));
        let rule = decided.ruling.reason.rule().unwrap_or("");
        assert_eq!(format!("{} {rule}", decided.ruling.outcome.word()), expected, "{}", decided.json());
        assert_eq!(decided.json()["current"]["metric"], "r2");
    };
    let same = || compared(500, 1.0, false);
    check(compared(500, 0.8, false), same(), "deploy ");
    // A little better on each row is seen through the pairing; a little better with errors of its own is noise.
    check(compared(500, 0.98, false), same(), "deploy ");
    check(compared(500, 0.98, true), same(), "skip within_noise");
    check(same(), same(), "skip within_noise");
    check(compared(500, 1.2, false), same(), "reject worse_on_current");
    check(compared(500, 0.8, false), compared(500, 1.5, false), "reject worse_on_baseline");
    check(compared(500, 0.8, false), compared(60, 1.0, true), "skip baseline_in_doubt");
    check(compared(20, 0.8, false), same(), "skip worse_on_current");
    check(compared(0, 0.8, false), same(), "skip worse_on_current");
}

/// Challengers that are as good as the champion, but with errors of their own: how many of them are deployed. Half of them are better by
/// chance, and the tree of figures alone deploys them. The paired test at 95 % is meant to let 2.5 % through; measured over 1,500 runs it is
/// 3.0 %, 3.5 % with as few resamples as here. The bound is three standard deviations above: 0.035 * 600 + 3 * sqrt(600 * 0.035 * 0.965).
#[test]
fn pure_noise_is_hardly_ever_deployed() {
    let mut random = crate::bootstrap::SplitMix64(7);
    let mut pairs = |rows: usize| {
        let mut noise = || (0..4).map(|_| random.unit() - 0.5).sum::<f64>() * 20.0;
        Pairs::new((0..rows).map(|i| ((i % 100) as f64 + noise(), (i % 100) as f64)))
    };
    let lines = DeploymentThresholds::default();
    let resampling = Resampling { resamples: 200, ..Resampling::default() };
    let (mut by_test, mut by_figures) = (0, 0);
    for _ in 0..600 {
        let (champion, challenger) = (pairs(100), pairs(100));
        let current = Comparison::of(&champion, &challenger, Metric::R2, 50, &resampling);
        let baseline = Comparison::of(&champion, &champion, Metric::R2, 50, &resampling);
        let readings = Policy::<DeploymentOutcome>::readings_paired(&current, &baseline);
        let decide = |policy: Policy<DeploymentOutcome>| policy.judge(&readings, &mut PolicyState::default(), false, Timestamp(0)).outcome;
        by_test += usize::from(decide(Policy::deployment_paired(&lines)) == DeploymentOutcome::Deploy);
        by_figures += usize::from(decide(Policy::deployment(&lines)) == DeploymentOutcome::Deploy);
    }
    println!("of 600: {by_test} by the paired test, {by_figures} by figures alone");
    assert!(by_test <= 34 && by_figures >= 250, "{by_test} {by_figures}");
}
