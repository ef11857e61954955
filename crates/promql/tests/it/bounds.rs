//! What hostile queries run into, and what an answer tells.

use std::cell::Cell;

use bellbuoy_promql::{Answer, Engine, EvalError, MemorySource, Options, Value, parse};
use bellbuoy_vocabulary::{Labels, Millis, Timestamp};

fn source(series: usize, values: i64) -> MemorySource {
    let mut source = MemorySource::new();
    for index in 0..series {
        let labels = Labels::from_pairs([("__name__", "a"), ("i", &index.to_string())]);
        for value in 0..values {
            source.add(&labels, Timestamp(value * 1000), value as f64);
        }
    }
    source
}

fn range(text: &str, source: &MemorySource, options: Options) -> Result<Answer, EvalError> {
    let expr = parse(text).expect(text);
    Engine::new(options).range(&expr, source, Timestamp(0), Timestamp(99_000), Millis(1000))
}

#[test]
fn values_in_memory_are_bounded() {
    let source = source(10, 100);
    let options = |samples_max| Options { samples_max, ..Options::default() };
    assert!(range("a", &source, options(1000)).is_ok());
    assert_eq!(range("a", &source, options(999)), Err(EvalError::TooManySamples));
    // The parts of a finished operation do not count any more.
    assert!(range("sum(a) + sum(a) + sum(a)", &source, options(1400)).is_ok());
    assert_eq!(range("rate(a[10s])", &source, options(999)), Err(EvalError::TooManySamples));
    assert_eq!(range("sum_over_time(a[1d:1s])", &source, options(10_000)), Err(EvalError::TooManySamples));
}

#[test]
fn a_query_stops_when_told() {
    let source = source(10, 10);
    let expr = parse("sum(rate(a[5s]))").expect("valid");
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 5
    };
    let answer = Engine::default().instant_until(&expr, &source, Timestamp(9000), &stop);
    assert_eq!(answer, Err(EvalError::Timeout));
    assert_eq!(asked.get(), 6);
}

#[test]
fn long_chains_and_deep_nests_fit_a_small_stack() {
    let work = || {
        let source = source(2, 10);
        let engine = Engine::default();
        for text in [
            vec!["a"; 10_000].join("+"),
            vec!["a"; 10_000].join(" or "),
            format!("{}a{}", "(".repeat(250), ")".repeat(250)),
            format!("{}a{}", "abs(".repeat(250), ")".repeat(250)),
            format!("{}a{}", "sum(".repeat(250), ")".repeat(250)),
            format!("a{}", " + (a".repeat(100)) + &")".repeat(100),
            format!("{}a", "-".repeat(250)),
            format!("1{}", "^1".repeat(120)),
        ] {
            let expr = parse(&text).unwrap_or_else(|error| panic!("{error}: {}", &text[..40]));
            let copy = expr.clone();
            assert_eq!(copy, expr);
            assert_eq!(parse(&copy.to_string()).expect("printed").to_string(), copy.to_string());
            assert!(engine.instant(&expr, &source, Timestamp(1000)).is_ok());
            let range = engine.range(&expr, &source, Timestamp(0), Timestamp(5000), Millis(1000));
            assert!(range.is_ok());
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread");
    assert!(thread.join().is_ok());
}

#[test]
fn errors_are_worded_as_prometheus_does() {
    let source = source(2, 10);
    for (text, error) in [
        ("label_replace(a, \"i\", \"\", \"\", \"\")", "vector cannot contain metrics with the same labelset"),
        ("topk(NaN, a)", "Parameter value is NaN"),
        (
            "a + on () group_left () a",
            "found duplicate series for the match group {} on the right hand-side of the operation: [{__name__=\"a\", i=\"1\"}, {__name__=\"a\", i=\"0\"}];many-to-many matching not allowed: matching labels must be unique on one side",
        ),
    ] {
        match range(text, &source, Options::default()) {
            Err(found) => assert_eq!(found.to_string(), error, "{text}"),
            Ok(answer) => panic!("{text} gave {answer:?}"),
        }
    }
    let text = parse("\"x\"").expect("valid");
    assert!(Engine::default().range(&text, &source, Timestamp(0), Timestamp(1), Millis(1)).is_err());
    let number = parse("1").expect("valid");
    assert!(Engine::default().range(&number, &source, Timestamp(0), Timestamp(1), Millis(0)).is_err());
}

#[test]
fn answers_tell_warnings_with_places_and_samples() {
    let source = source(2, 10);
    let expr = parse("quantile(2, a)\n + quantile(2, a)").expect("valid");
    let answer = Engine::default().instant(&expr, &source, Timestamp(9000)).expect("valid");
    let message = "PromQL warning: quantile value should be between 0 and 1, got 2";
    assert_eq!(answer.warnings, [format!("{message} (1:10)"), format!("{message} (2:13)")]);
    assert_eq!(answer.samples_read, 40);
    let expr = parse("rate(a[5s])").expect("valid");
    let answer = Engine::default().instant(&expr, &source, Timestamp(9000)).expect("valid");
    let message = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" (1:6)";
    assert_eq!(answer.infos, [message]);
}

#[test]
fn instant_queries_of_each_type() {
    let source = source(1, 10);
    let value = |text: &str| Engine::default().instant(&parse(text).expect(text), &source, Timestamp(9000)).expect(text).value;
    assert!(matches!(value("1 + time()"), Value::Scalar(sample) if sample.value == 10.0));
    assert!(matches!(value("\"x\""), Value::Text(_, text) if text == "x"));
    assert!(matches!(value("a"), Value::Vector(elements) if elements.len() == 1 && elements[0].value.float() == Some(9.0)));
    assert!(matches!(value("a[3s]"), Value::Matrix(series) if series[0].points.floats.len() == 3));
    assert!(matches!(value("(a[4s:2s])"), Value::Matrix(series) if series[0].points.floats.len() == 2));
}

#[test]
fn times_at_the_ends_of_the_scale() {
    let source = source(1, 10);
    let engine = Engine::default();
    for text in [
        "a",
        "a offset 290y",
        "a offset -290y",
        "rate(a[290y])",
        "a @ -9223372036854",
        "max_over_time(a[1y:10w])",
        "minute(vector(1e300))",
        "time()",
    ] {
        let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        for at in [Timestamp::MIN, Timestamp(0), Timestamp::MAX] {
            assert!(engine.instant(&expr, &source, at).is_ok(), "{text}");
        }
    }
    // More steps than values are allowed in memory, before any is made.
    let expr = parse("time()").expect("valid");
    let answer = engine.range(&expr, &source, Timestamp(0), Timestamp::MAX, Millis(1));
    assert_eq!(answer, Err(EvalError::TooManySamples));
    let expr = parse("max_over_time(a[290y:1ms])").expect("valid");
    assert_eq!(engine.instant(&expr, &source, Timestamp(0)), Err(EvalError::TooManySamples));
}
