//! Each kind of expression as a table.

use super::*;
use crate::grafana::math_parser;

/// A formula over A and B.
fn math(formula: &str, a: &str, b: &str, expected: &str) {
    let (a, b) = (items(a), items(b));
    let math = Math::parse(formula).unwrap_or_else(|error| panic!("{formula}: {error}"));
    let result = math.run(|name| match name {
        "A" => a.as_slice(),
        "B" => b.as_slice(),
        other => panic!("{other} is not given"),
    });
    let shown = result.map_or_else(|error| error, |items| show(&items));
    assert_eq!(shown, expected, "{formula} of {a:?} and {b:?}");
}

#[test]
fn operators_and_their_order() {
    for (formula, expected) in [
        ("1 + 2 * 3", "=7"),
        ("(1 + 2) * 3", "=9"),
        ("2 ** 3 ** 2", "=64"),
        ("-2 ** 2", "=4"),
        ("7 % 4 + -7 % 4", "=0"),
        ("1 / 0", "=+Inf"),
        ("0 / 0", "=NaN"),
        ("1 < 2 && 2 <= 2", "=1"),
        ("3 > 4 || 4 >= 5 || 1 == 2", "=0"),
        ("1 != 2 == 1", "=1"),
        ("!0 + !3 + !!5", "=2"),
        ("0x10 + 1e2 + .5", "=116.5"),
        ("10 - 2 - 3", "=5"),
        ("nan() > 1", "=NaN"),
        // The left side decides before NaN is looked at; the right side does not.
        ("1 || nan()", "=1"),
        ("0 && nan()", "=0"),
        ("0 || nan()", "=NaN"),
        ("-nan()", "=NaN"),
        ("null() + 1", "=_"),
        ("-inf() == infn()", "=1"),
    ] {
        math(formula, "", "", expected);
    }
}

#[test]
fn functions() {
    let series = "x=1 [-1.5 2.5 NaN _ Inf]";
    for (formula, expected) in [
        ("abs($A)", "x=1 [1.5 2.5 NaN NaN +Inf]"),
        ("round($A)", "x=1 [-2 3 NaN NaN +Inf]"),
        ("ceil($A)", "x=1 [-1 3 NaN NaN +Inf]"),
        ("floor($A)", "x=1 [-2 2 NaN NaN +Inf]"),
        ("is_nan($A)", "x=1 [0 0 1 0 0]"),
        ("is_inf($A)", "x=1 [0 0 0 0 1]"),
        ("is_null($A)", "x=1 [0 0 0 1 0]"),
        ("is_number($A)", "x=1 [1 1 0 0 0]"),
        ("log($A) > 0", "x=1 [NaN 1 NaN NaN 1]"),
    ] {
        math(formula, series, "", expected);
    }
    math("is_null($A)", "nodata", "", "nodata");
    math("is_nan(nan())", "", "", "=1");
}

#[test]
fn elements_are_joined_by_their_labels() {
    for (a, b, expected) in [
        // Equal labels; what fits nothing is left out.
        ("x=1 2; x=2 3", "x=1 10; x=3 5", "x=1 12"),
        // A subset: the larger set is the outcome's, from either side.
        ("x=1,y=2 2; x=1,y=3 3", "x=1 10", "x=1,y=2 12; x=1,y=3 13"),
        ("x=1 10", "x=1,y=2 2", "x=1,y=2 12"),
        // As many labels with other values, or other names, fit nothing.
        ("x=1 2; x=2 3", "y=1 10; y=2 10", ""),
        // No labels fit everything.
        ("x=1 2; x=2 3", "10", "x=1 12; x=2 13"),
        ("=1", "x=1 2; x=2 3", "x=1 3; x=2 4"),
        // One of each that do not fit are joined all the same, without labels.
        ("x=1 2", "y=1 10", "12"),
        ("x=1 2", "x=2 10", "12"),
        // Nothing and no data.
        ("x=1 2", "", ""),
        ("nodata", "x=1 2; x=2 3", "nodata"),
        ("x=1 2", "nodata", "nodata"),
        ("x=1 _", "x=1 2", "x=1 _"),
        // Series with numbers, and with series at the same times.
        ("x=1 [1 2 _]", "x=1 10", "x=1 [11 12 _]"),
        ("10", "x=1 [1 2]", "x=1 [11 12]"),
        ("x=1 [1 2 3]", "x=1 [10 20]", "x=1 [11 22]"),
    ] {
        math("$A + $B", a, b, expected);
    }
    math("$A - $B", "1", "x=1 5", "x=1 -4");
    math("${A} > 1 && $B < 3", "x=1 2; x=2 1", "x=1 2; x=2 2", "x=1 1; x=2 0");
}

#[test]
fn bad_formulas_say_what_and_where() {
    let check = |formula: &str, expected: &str| {
        let error = math_parser::parse(formula).expect_err("a bad formula");
        assert_eq!(format!("{}: {}", error.at, error.message), expected, "{formula}");
    };
    check("", "0: the formula ends where a value is expected");
    check("1 +", "3: the formula ends where a value is expected");
    check("(1 + 2", "6: a closing parenthesis is missing");
    check("1 2", "2: unexpected '2'");
    check("$ + 1", "0: incomplete variable");
    check("${A + 1", "0: incomplete variable");
    check("abs()", "0: abs() needs one argument");
    check("abs(1, 2)", "5: abs() takes one argument and a closing parenthesis");
    check("nan(1)", "4: nan() takes no arguments");
    check("A > 1", "0: there is no function \"A\"; a refId is written with $");
    check("is_nul($A)", "0: there is no function \"is_nul\"; did you mean is_null()?");
    check("1.2.3", "0: bad number \"1.2.3\"");
    assert!(math_parser::parse(&"(".repeat(5000)).is_err(), "depth is bounded");
    assert!(math_parser::parse(&"-".repeat(5000)).is_err(), "depth is bounded");
}

#[test]
fn reducers_and_their_modes() {
    // Reducer, input, strict, dropNN, replaceNN with 2.
    for (reducer, input, strict, drop, replace) in [
        ("sum", "[1 2 3.5]", "6.5", "6.5", "6.5"),
        ("sum", "[]", "0", "0", "0"),
        ("sum", "[1 _ 3]", "NaN", "4", "6"),
        ("sum", "[1 NaN 3]", "NaN", "4", "6"),
        ("sum", "[1 Inf 3]", "+Inf", "4", "6"),
        ("sum", "[_ NaN]", "NaN", "0", "4"),
        ("mean", "[1 2 6]", "3", "3", "3"),
        ("mean", "[]", "NaN", "_", "2"),
        ("mean", "[_ 4]", "NaN", "4", "3"),
        ("min", "[3 1 2]", "1", "1", "1"),
        ("min", "[]", "NaN", "_", "2"),
        ("min", "[NaN 3]", "NaN", "3", "2"),
        ("max", "[3 1 2]", "3", "3", "3"),
        ("max", "[_ 1]", "NaN", "1", "2"),
        ("count", "[1 _ NaN]", "3", "1", "3"),
        ("count", "[]", "0", "0", "0"),
        ("last", "[1 2 3]", "3", "3", "3"),
        ("last", "[1 _]", "_", "1", "2"),
        ("last", "[]", "NaN", "_", "2"),
        ("median", "[5 1 3]", "3", "3", "3"),
        ("median", "[4 1 3 2]", "2.5", "2.5", "2.5"),
        ("median", "[1 NaN]", "NaN", "1", "1.5"),
        // A number is reduced already.
        ("sum", "7", "7", "7", "7"),
        ("sum", "NaN", "NaN", "", "2"),
        ("sum", "nodata", "nodata", "nodata", "nodata"),
    ] {
        for (mode, expected) in [(ReduceMode::Strict, strict), (ReduceMode::Drop, drop), (ReduceMode::Replace(2.0), replace)] {
            let reduce = Reduce { input: "A".into(), reducer: Reducer::parse(reducer).expect("known"), mode };
            let result = reduce.run("B", &items(input)).expect("a result");
            assert_eq!(show(&result), expected, "{reducer} of {input}, {mode:?}");
        }
    }
    let reduce = Reduce { input: "A".into(), reducer: Reducer::Sum, mode: ReduceMode::Strict };
    assert_eq!(reduce.run("B", &items("=1")).expect_err("a scalar").message, "can only reduce type series, got type scalar");
    assert_eq!(show(&reduce.run("B", &items("x=1 [1 2]; x=2 [3]")).expect("two")), "x=1 3; x=2 3");
}

#[test]
fn resampling_down_and_up() {
    // The points are at 0, 10, 20, ... s; the range is 0 s to 60 s.
    for (window, down, up, input, expected) in [
        (30, "mean", "fillna", "[1 2 3 4 5 6 7]", "[1 3 6]"),
        (30, "sum", "fillna", "[1 2 3 4 5 6 7]", "[1 9 18]"),
        (30, "min", "fillna", "[1 2 3 4 5 6 7]", "[1 2 5]"),
        (30, "max", "fillna", "[1 2 3 4 5 6 7]", "[1 4 7]"),
        (30, "last", "fillna", "[1 2 3 4 5 6 7]", "[1 4 7]"),
        (5, "mean", "pad", "[1 2 3]", "[1 1 2 2 3 3 3 3 3 3 3 3 3]"),
        (5, "mean", "backfilling", "[1 2 3]", "[1 2 2 3 3 _ _ _ _ _ _ _ _]"),
        (5, "mean", "fillna", "[1 2 3]", "[1 _ 2 _ 3 _ _ _ _ _ _ _ _]"),
        // One point of a window is taken as it is, several with a null among them give NaN.
        (20, "mean", "pad", "[_ 1 _ 3 4]", "[_ NaN 3.5 4]"),
        (60, "mean", "pad", "[]", "[_ _]"),
    ] {
        let resample = Resample {
            input: "A".into(),
            window: Millis::from_seconds(window),
            downsampler: Reducer::parse(down).expect("known"),
            upsampler: Upsampler::parse(up).expect("known"),
            from: Millis::from_seconds(60),
            to: Millis::ZERO,
        };
        let result = resample.run("B", &items(input), Timestamp(60_000)).expect("a result");
        assert_eq!(show(&result), expected, "{window}s {down} {up} of {input}");
    }
    let narrow = Resample {
        input: "A".into(),
        window: Millis::from_minutes(2),
        downsampler: Reducer::Sum,
        upsampler: Upsampler::Pad,
        from: Millis::from_seconds(60),
        to: Millis::ZERO,
    };
    let message = |input: &str, resample: &Resample| resample.run("B", &items(input), Timestamp(0)).expect_err("refused").message;
    assert_eq!(message("[1]", &narrow), "the series cannot be sampled further; the time range is shorter than the interval");
    let wide = Resample { window: Millis::from_seconds(1), ..narrow };
    assert_eq!(message("x=1 3", &wide), "can only resample type series, got type numberSet");
    assert_eq!(show(&wide.run("B", &items("nodata"), Timestamp(0)).expect("no data")), "nodata");
}

#[test]
fn thresholds() {
    for (word, params, holds_for) in [
        ("gt", &[5.0][..], "6 +Inf"),
        ("lt", &[5.0], "4 -1"),
        ("eq", &[5.0], "5"),
        ("ne", &[5.0], "4 6 -1 +Inf NaN"),
        ("gte", &[5.0], "5 6 +Inf"),
        ("lte", &[5.0], "4 5 -1"),
        ("within_range", &[4.0, 6.0], "5"),
        ("outside_range", &[4.0, 5.0], "6 -1 +Inf"),
        ("within_range_included", &[4.0, 6.0], "4 5 6"),
        ("outside_range_included", &[4.0, 6.0], "4 6 -1 +Inf"),
    ] {
        let evaluator = Evaluator::new(word, params).expect("known");
        let numbers = [4.0, 5.0, 6.0, -1.0, f64::INFINITY, f64::NAN];
        let holds: Vec<String> = numbers.into_iter().filter(|number| evaluator.holds(*number)).map(format_float).collect();
        assert_eq!(holds.join(" "), holds_for, "{word} {params:?}");
    }
    assert_eq!(Evaluator::new("gt", &[]), None);
    assert_eq!(Evaluator::new("within_range", &[1.0]), None);
    let threshold = Threshold { input: "A".into(), evaluator: Evaluator::Above(5.0), unload: None };
    let result = threshold.run(&items("x=1 6; x=2 5; x=3 _; x=4 NaN; x=5 [1 9]; nodata; =7"), &BTreeSet::new());
    assert_eq!(show(&result), "x=1 1; x=2 0; x=3 _; x=4 0; x=5 [0 1]; nodata; =1");
}

#[test]
fn hysteresis_has_another_limit_for_active_series() {
    let threshold = Threshold { input: "A".into(), evaluator: Evaluator::Above(100.0), unload: Some(Evaluator::Below(50.0)) };
    let loaded = BTreeSet::from([labels("x=2"), labels("x=3")]);
    // Between the limits only what was active stays so. Active series come last, as in Grafana.
    let result = threshold.run(&items("x=1 70; x=2 70; x=3 40; x=4 101"), &loaded);
    assert_eq!(show(&result), "x=1 0; x=4 1; x=2 1; x=3 0");
}

/// Conditions as `reducer evaluator params of input`, joined by `and` and `or`.
fn classic(text: &str, a: &str, b: &str) -> String {
    let (a, b) = (items(a), items(b));
    let mut conditions = Vec::new();
    let mut or = false;
    for word in text.replace(" and ", "|and|").replace(" or ", "|or|").split('|') {
        if matches!(word, "and" | "or") {
            or = word == "or";
            continue;
        }
        let words: Vec<&str> = word.split_whitespace().collect();
        let params: Vec<f64> = words[2..words.len() - 1].iter().map(|param| param.parse().expect("a number")).collect();
        conditions.push(ClassicCondition {
            input: words[words.len() - 1].to_string(),
            reducer: ClassicReducer::parse(words[0]).expect("a reducer"),
            evaluator: Evaluator::new(words[1], &params).expect("an evaluator"),
            or,
        });
    }
    let (result, captures) = Classic { conditions }.run("C", |name| if name == "A" { &a } else { &b });
    let names: Vec<String> = captures.iter().map(|capture| format!("{}:{}", capture.name, show_float(capture.value))).collect();
    format!("{} {}", show(&result), names.join(" ")).trim_end().to_string()
}

#[test]
fn classic_reducers() {
    for (reducer, input, expected) in [
        ("avg", "1 2 _ NaN 6", "3"),
        ("min", "3 -1 NaN", "-1"),
        ("max", "_ 3 4", "4"),
        ("sum", "1 2 _", "3"),
        ("count", "1 _ NaN", "3"),
        ("count_non_null", "1 _ NaN", "1"),
        ("last", "1 2 _ NaN", "2"),
        ("median", "5 _ 1 3", "3"),
        ("diff", "30 40 _ 50", "20"),
        ("diff_abs", "50 30", "20"),
        ("percent_diff", "-20 -10", "50"),
        ("percent_diff_abs", "40 30", "25"),
        ("diff", "30", "0"),
        ("avg", "_ NaN", "_"),
        ("sum", "_", "_"),
        ("count_non_null", "_", "_"),
        ("count", "_", "1"),
        ("last", "", "_"),
        ("count", "", "_"),
    ] {
        let values: Vec<Float> = input.split_whitespace().map(float).collect();
        assert_eq!(show_float(ClassicReducer::parse(reducer).expect("known").apply(&values)), expected, "{reducer} of {input}");
    }
}

#[test]
fn classic_conditions_join_from_left_to_right() {
    let (a, b) = ("x=1 [30 50]; x=2 [1 3]", "x=3 [8 12]");
    for (conditions, expected) in [
        ("avg gt 30 A", "1 C0:40"),
        ("avg lt 3 A", "1 C0:2"),
        ("avg gt 100 A", "0"),
        ("avg gt 30 A and avg gt 100 B", "0 C0:40"),
        ("avg gt 30 A or avg gt 100 B", "1 C0:40"),
        // No precedence: (true or true) and false.
        ("avg gt 30 A or avg gt 5 B and avg gt 100 B", "0 C0:40 C1:10"),
        ("avg gt 100 A and avg gt 5 B or avg gt 5 B", "1 C0:10 C1:10"),
        ("max within_range 60 40 A", "1 C0:50"),
        ("max outside_range 4 2 A", "1 C0:50"),
        ("last no_value A", "0"),
    ] {
        assert_eq!(classic(conditions, a, b), expected, "{conditions}");
    }
}

#[test]
fn classic_conditions_without_data() {
    for (conditions, a, b, expected) in [
        ("avg gt 1 A", "nodata", "", "_ C0:_"),
        ("avg gt 1 A", "", "", "_ C0:_"),
        ("avg no_value A", "nodata", "", "1 C0:_"),
        ("avg no_value A", "", "", "1 C0:_"),
        // Of several values one with data is enough.
        ("avg gt 1 A", "x=1 _; x=2 0", "", "0"),
        // No data is joined like the rest.
        ("avg gt 1 A or avg gt 1 B", "nodata", "5", "_ C0:_ C1:5"),
        ("avg gt 1 A and avg gt 1 B", "nodata", "5", "0 C0:_ C1:5"),
    ] {
        assert_eq!(classic(conditions, a, b), expected, "{conditions} of {a:?} and {b:?}");
    }
}

#[test]
fn macros_of_intervals() {
    let check = |intervals: Intervals, expected: &str| {
        assert_eq!(
            intervals.fill("$__interval $__interval_ms $__rate_interval ${__rate_interval_ms} $__range ${__range_s} $__range_ms"),
            expected
        );
    };
    let base = Intervals::default();
    // Ten minutes over 43200 points are far below the second that alerting asks for.
    check(base, "1s 1000 1m 60000 600s 600 600000");
    check(Intervals { interval: Millis(60_000), ..base }, "1m 60000 1m15s 75000 600s 600 600000");
    check(Intervals { interval: Millis(15_000), scrape_interval: Some(Millis(30_000)), ..base }, "15s 15000 2m 120000 600s 600 600000");
    check(Intervals { min_step: MinStep::Length(Millis(20_000)), ..base }, "20s 20000 1m20s 80000 600s 600 600000");
    check(Intervals { min_step: MinStep::RateInterval, ..base }, "1m 60000 1m 60000 600s 600 600000");
    check(Intervals { min_step: MinStep::Interval, interval: Millis(30_000), ..base }, "30s 30000 2m 120000 600s 600 600000");
    check(Intervals { factor: 2, interval: Millis(30_000), ..base }, "1m 60000 1m 60000 600s 600 600000");
    // 100 points in a day: 864 s, rounded to 15 minutes.
    check(Intervals { range: Millis(86_400_000), points_max: 100, ..base }, "15m 900000 1m 60000 86400s 86400 86400000");
    // A month at one second would be 2.6 million steps: at most 11000, so 235 s, rounded to 5 minutes.
    check(Intervals { range: Millis(30 * 86_400_000), points_max: 1_000_000, ..base }, "5m 300000 1m 60000 2592000s 2592000 2592000000");
}

#[test]
fn nodes_run_after_those_they_need() {
    let node = |ref_id: &str, formula: &str| Node {
        ref_id: ref_id.into(),
        kind: NodeKind::Expression(Expression::Math(Math::parse(formula).expect("a formula"))),
    };
    let order = |nodes: Vec<Node>| match Planned::of(nodes) {
        Ok(planned) => planned.0.iter().map(|node| node.ref_id.as_str()).collect::<Vec<_>>().join(" "),
        Err(errors) => errors.iter().map(|error| error.to_string()).collect::<Vec<_>>().join("; "),
    };
    assert_eq!(order(vec![node("C", "$B + $A"), node("B", "$A"), node("A", "1")]), "A B C");
    assert_eq!(order(vec![node("A", "1"), node("B", "$X")]), "\"X\" is not a refId of this rule");
    assert_eq!(order(vec![node("A", "$A")]), "the refIds need each other in a circle: A -> A");
    let circle = vec![node("Z", "$A"), node("A", "$B"), node("B", "$C + $D"), node("C", "$A"), node("D", "1")];
    assert_eq!(order(circle), "the refIds need each other in a circle: A -> B -> C -> A");
}
