//! Pictures of columns: what is drawn, what is told instead, what is said.

use bellbuoy_drift::{Column, Options, Preset, TableProfile, Values};

use super::*;

fn profile(values: Values) -> ColumnProfile {
    let options = Options { preset: Preset::Default, ..Options::default() };
    TableProfile::new(&[Column::new("x", values)], &options).columns.remove(0)
}

fn numbers(values: impl IntoIterator<Item = f64>) -> ColumnProfile {
    profile(Values::Numbers(values.into_iter().collect()))
}

fn bins(reference: &ColumnProfile, current: &ColumnProfile) -> Bins {
    match Distribution::of(Some(reference), Some(current)) {
        Some(Distribution::Numbers(bins)) => bins,
        other => panic!("bins expected: {other:?}"),
    }
}

fn bars(reference: Option<&ColumnProfile>, current: Option<&ColumnProfile>) -> Bars {
    match Distribution::of(reference, current) {
        Some(Distribution::Categories(bars)) => bars,
        other => panic!("bars expected: {other:?}"),
    }
}

#[test]
fn all_rows_are_in_the_picture_or_told() {
    let reference = numbers((0..5000).map(|i| f64::from(i * 7919 % 5003) / 10.0));
    let mut far: Vec<f64> = (0..5000).map(|i| f64::from(i * 104_729 % 5003) / 10.0).collect();
    far[..20].fill(1e6);
    let bins = bins(&reference, &numbers(far));
    assert!(bins.edges.last().is_some_and(|edge| *edge < 1000.0), "a few rows far off do not squeeze all others: {:?}", bins.edges);
    for (shares, beyond) in [(&bins.reference, bins.reference_beyond), (&bins.current, bins.current_beyond)] {
        let inside: f64 = shares.as_ref().expect("a side").iter().sum();
        assert!((inside + beyond - 1.0).abs() < 1e-9 && inside > 0.98, "{inside} {beyond}");
    }
    assert!(bins.current_beyond > 0.0);
}

/// Temperatures in steps of 0.02 drawn in 28 equal bins look like a comb: some bins hold two steps, some one.
#[test]
fn steps_are_not_cut() {
    for step in [1.0, 0.5, 0.02, 0.0149] {
        let side = numbers((0..9000).map(|i| f64::from(i % 50) * step));
        let bins = bins(&side, &side);
        let shares = bins.reference.expect("a side");
        // All bins hold the same, but for the last one, which may end early; a sketch of 9,000 rows knows shares to 0.2 %.
        let whole = &shares[..shares.len() - 1];
        assert!(whole.iter().all(|share| (share - whole[0]).abs() < 0.004), "{step}: {shares:?}");
    }
    let few = profile(Values::Integers((0..700).map(|i| i % 7).collect()));
    assert_eq!(bins(&few, &few).edges, [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
}

#[test]
fn odd_numbers_make_no_odd_pictures() {
    let check = |reference: &[f64], current: &[f64]| {
        let found = Distribution::of(Some(&numbers(reference.iter().copied())), Some(&numbers(current.iter().copied())));
        if let Some(Distribution::Numbers(bins)) = &found {
            assert!(bins.edges.windows(2).all(|pair| pair[0] < pair[1]), "{bins:?}");
            let all = [&bins.reference, &bins.current].into_iter().flatten().flatten();
            assert!(all.clone().all(|share| (0.0..=1.0 + 1e-9).contains(share)), "{bins:?}");
        }
        found
    };
    let many = |value: f64| vec![value; 50];
    assert!(check(&many(0.25), &many(0.25)).is_some());
    assert!(check(&[f64::NAN; 30], &[f64::INFINITY; 30]).is_none());
    assert!(check(&[f64::NAN; 30], &many(0.5)).is_some());
    let wide: Vec<f64> = (0..99).map(|i| if i % 2 == 0 { -1.7e308 } else { 1.7e308 - f64::from(i) * 1e300 }).collect();
    assert!(check(&wide, &wide).is_none(), "a range that no number holds");
    check(&[1e300, 2e300, 3.5e300].repeat(20), &[1e-300, 2e-300].repeat(20));
    check(&(0..60).map(|i| 1e16 + f64::from(i)).collect::<Vec<f64>>(), &many(1e16));
}

#[test]
fn the_largest_categories_have_a_bar() {
    let texts = |from: u32, to: u32| {
        let names: Vec<String> = (0..2000).map(|i| format!("c{}", from + (i * i) % (to - from))).collect();
        profile(Values::texts(names.iter().map(String::as_str)))
    };
    let (reference, current) = (texts(0, 40), texts(10, 50));
    let found = bars(Some(&reference), Some(&current));
    assert_eq!(found.bars.len(), BARS_MAX);
    let sum = |of: fn(&Bar) -> f64, others: f64| found.bars.iter().map(of).sum::<f64>() + others;
    assert!((sum(|bar| bar.reference, found.others_reference) - 1.0).abs() < 1e-9);
    assert!((sum(|bar| bar.current, found.others_current) - 1.0).abs() < 1e-9);
    let gone = bars(Some(&reference), None);
    assert!(gone.reference && !gone.current && gone.others_current == 0.0);
    assert_eq!(Distribution::of(Some(&reference), Some(&numbers((0..50).map(f64::from)))), None, "texts beside numbers");
}

#[test]
fn what_moved() {
    let ramp = |from: i32| numbers((from..from + 1000).map(f64::from));
    assert!((moved(&ramp(0), &ramp(250)).expect("comparable") - 0.25).abs() < 0.01);
    assert_eq!(moved(&ramp(0), &ramp(0)), Some(0.0));
    let texts = |cells: &[&str]| profile(Values::texts(cells.iter().copied()));
    assert_eq!(moved(&texts(&["a", "a", "b", "b"]), &texts(&["a", "c", "c", "c"])), Some(0.75));
    assert_eq!(moved(&texts(&["a", "a", "b", "b"]), &ramp(0)), None);
}

#[test]
fn differences_in_words() {
    let say = |reference: &ColumnProfile, current: &ColumnProfile| {
        in_words(Distribution::of(Some(reference), Some(current)).as_ref(), Some(&Facts::of(reference)), Some(&Facts::of(current)))
    };
    let ramp = |from: i32, missing: usize| numbers((from..from + 100).map(f64::from).chain(std::iter::repeat_n(f64::NAN, missing)));
    assert_eq!(say(&ramp(0, 0), &ramp(50, 25)), "median 50 → 100, middle 90 %: 5 to 95 → 55 to 145, missing 0 % → 20 %");
    let texts = |cells: &[&str]| profile(Values::texts(cells.repeat(25).iter().copied()));
    assert_eq!(say(&texts(&["a", "a", "a", "b"]), &texts(&["a", "b", "b", "<i>"])), "“a” 75 % → 25 %, “b” 25 % → 50 %");
}
