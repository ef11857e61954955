//! The sequences of tests/golden/river.json, made here as they were made for River 0.26.1, and where it saw drift in them.

use serde_json::Value;

use super::*;

struct Numbers(u64);

impl Numbers {
    /// The plain linear congruence that made the sequences.
    fn next(&mut self) -> f64 {
        self.0 = (self.0 * 1_103_515_245 + 12_345) % (1 << 31);
        self.0 as f64 / (1u64 << 31) as f64
    }
}

fn sequence(case: &Value) -> Vec<f64> {
    let mut chance = Numbers(case["seed"].as_u64().expect("a seed"));
    let mut out = Vec::new();
    for part in case["parts"].as_array().expect("parts") {
        let number = |i: usize| part[i].as_f64().expect("a number");
        for _ in 0..number(0) as usize {
            out.push(match case["kind"].as_str() {
                Some("bits") => f64::from(u8::from(chance.next() < number(1))),
                _ => {
                    let a = chance.next();
                    number(1) + number(2) * (a + chance.next() - 1.0)
                }
            });
        }
    }
    assert_eq!(Some(out[0]), case["first"].as_f64());
    out
}

fn detector(name: &str) -> Box<dyn Detector> {
    let hinkley = |threshold, delta, mode| PageHinkley::new(PageHinkleyOptions { threshold, delta, mode, ..PageHinkleyOptions::default() });
    match name {
        "ph" => Box::new(PageHinkley::new(PageHinkleyOptions::default())),
        "ph_up" => Box::new(hinkley(20.0, 0.005, PageHinkleyMode::Up)),
        "ph_down" => Box::new(hinkley(20.0, 0.01, PageHinkleyMode::Down)),
        // The window is twice the newest part: the random choice is all of the rest, whatever the chance.
        "kswin" => {
            let options = KswinOptions { alpha: 0.001, window_size: 60, stat_size: 30, seed: 9 };
            Box::new(Kswin::new(options).expect("sizes that fit"))
        }
        "ddm" => Box::new(Ddm::new(DdmOptions::default())),
        "ddm_tight" => Box::new(Ddm::new(DdmOptions { warm_start: 50, warning_threshold: 1.5, drift_threshold: 2.5 })),
        other => panic!("{other}"),
    }
}

fn run(detector: &mut dyn Detector, values: &[f64]) -> (Vec<u64>, u64) {
    let (mut drifts, mut warnings) = (Vec::new(), 0);
    for (i, value) in values.iter().enumerate() {
        match detector.update(*value) {
            Signal::Drift => drifts.push(i as u64),
            Signal::Warning => warnings += 1,
            _ => {}
        }
    }
    (drifts, warnings)
}

#[test]
fn drift_is_where_river_sees_it() {
    let cases: Value = serde_json::from_str(include_str!("../../tests/golden/river.json")).expect("JSON");
    let mut drifts = 0;
    for case in cases.as_array().expect("cases") {
        let values = sequence(case);
        for (name, expected) in case["river"].as_object().expect("detectors") {
            let context = format!("{} {name}", case["stream"]);
            let found = if name.starts_with("adwin") {
                let tight = AdwinOptions { delta: 0.05, clock: 1, buckets_max: 3, part_rows_min: 3.0, grace_period: 5.0 };
                let mut adwin = Adwin::new(if name == "adwin" { AdwinOptions::default() } else { tight });
                let found = run(&mut adwin, &values);
                assert_eq!(Some(adwin.width() as f64), expected["state"][0].as_f64(), "{context} {found:?} {expected}");
                let mean = expected["state"][1].as_f64().expect("a mean");
                assert!((adwin.mean().expect("values") - mean).abs() <= 1e-9, "{context}");
                found
            } else {
                run(detector(name).as_mut(), &values)
            };
            let expected_drifts: Vec<u64> = expected["drifts"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
            assert_eq!((&found.0, Some(found.1)), (&expected_drifts, expected["warnings"].as_u64()), "{context}");
            drifts += expected_drifts.len();
        }
    }
    assert!(drifts > 20, "the sequences have drift in them: {drifts}");
}

#[test]
fn what_is_no_number_changes_nothing() {
    for name in ["ph", "kswin", "ddm"] {
        let mut detector = detector(name);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(detector.update(value), Signal::Ignored, "{name}");
        }
        assert_eq!(detector.update(1.0), Signal::Stable, "{name}");
    }
    let mut adwin = Adwin::new(AdwinOptions::default());
    assert_eq!((adwin.update(f64::NAN), adwin.width(), adwin.mean()), (Signal::Ignored, 0, None));
    assert_eq!(Ddm::new(DdmOptions::default()).update(0.5), Signal::Ignored);
}

#[test]
fn a_constant_is_stable_and_sizes_must_fit() {
    for name in ["ph", "kswin", "ddm"] {
        assert_eq!(run(detector(name).as_mut(), &[1.0; 500]), (Vec::new(), 0), "{name}");
    }
    assert_eq!(run(&mut Adwin::new(AdwinOptions::default()), &[1.0; 500]), (Vec::new(), 0));
    let options = KswinOptions { window_size: 50, stat_size: 30, ..KswinOptions::default() };
    let error = Kswin::new(options).expect_err("too short");
    assert!(error.contains("stat_size is 30 and window_size 50"), "{error}");
}
