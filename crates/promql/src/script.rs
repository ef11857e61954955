//! Runs Prometheus' test scripts (promqltest): `load` series, `eval` queries, compare.
//!
//! An instant eval is run as written (base), then with all selectors pinned by `@` at other times, then each of these as the middle of
//! a range query of three steps, as Prometheus' own runner does. The pinned query is the printed expression, so the printer is tested, too.

mod compare;
mod read;
mod series;

use bellbuoy_vocabulary::{Millis, STALE_NAN, Timestamp, is_stale};

use compare::{check_notes, check_value, text_matches};
use read::{Command, Eval, Times};
pub use series::{SeriesValues, parse_series};

use crate::ast::{At, Expr, ExprKind};
use crate::engine::{Engine, Options};
use crate::memory::MemorySource;
use crate::parser::parse;
use crate::value::{Answer, Element, Number, Value};

/// How a script went. An eval that uses what is not supported has failed; none is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptReport {
    /// Evals of which the base query and all derived ones gave what was asked for.
    pub passed: usize,
    /// Evals in the script.
    pub total: usize,
    /// Evals of which the base query did.
    pub base_passed: usize,
    /// `name:line: expression: reason`
    pub failures: Vec<String>,
}

/// Functions whose value depends on the time of the evaluation even when their arguments are pinned.
const TIME_FUNCTIONS: [&str; 11] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "time",
    "timestamp",
];

/// Runs a script with the options of Prometheus' own runner.
pub fn run_script(name: &str, text: &str) -> ScriptReport {
    let engine = Engine::new(Options { delayed_name_removal: true, type_and_unit_labels: true, ..Options::default() });
    let mut source = MemorySource::new();
    let mut load_error: Option<String> = None;
    let mut report = ScriptReport::default();
    for command in read::read(text) {
        match command {
            Command::Clear => {
                source.clear();
                load_error = None;
            }
            Command::Load { step, series } => {
                for line in series {
                    match line {
                        Ok((labels, values)) => {
                            for (index, value) in values.into_iter().enumerate().filter_map(|(index, value)| Some((index, value?))) {
                                source.add_number(&labels, Timestamp(step.0.saturating_mul(index as i64)), stored(value));
                            }
                        }
                        Err(error) => load_error = Some(error),
                    }
                }
            }
            Command::Eval(eval) => {
                report.total += 1;
                let base = match (&eval.unreadable, &load_error) {
                    (Some(error), _) => Err(error.clone()),
                    // Without all of its series an eval that expects nothing would pass for nothing.
                    (None, Some(error)) => Err(format!("a series before it was not loaded: {error}")),
                    (None, None) => run_base(&engine, &source, &eval),
                };
                let all = base.clone().and_then(|()| run_derived(&engine, &source, &eval));
                report.base_passed += usize::from(base.is_ok());
                report.passed += usize::from(all.is_ok());
                if let Err(reason) = all {
                    report.failures.push(format!("{name}:{}: {}: {reason}", eval.line, eval.expr));
                }
            }
        }
    }
    report
}

/// A float with the marker's bits is stored as the marker; any other NaN is a value.
fn stored(value: Number) -> Number {
    match value {
        Number::Float(value) if is_stale(value) => Number::Float(STALE_NAN),
        value => value,
    }
}

fn run(engine: &Engine, source: &MemorySource, expr: &Expr, times: Times) -> Result<Answer, String> {
    let answer = match times {
        Times::Instant(at) => engine.instant(expr, source, at),
        Times::Range(from, to, step) => engine.range(expr, source, from, to, step),
    };
    answer.map_err(|error| error.to_string())
}

fn run_base(engine: &Engine, source: &MemorySource, eval: &Eval) -> Result<(), String> {
    let expr = match parse(&eval.expr) {
        Ok(expr) => expr,
        Err(error) => return judge(eval, eval.times, Err(error.to_string())).map(|_| ()),
    };
    judge(eval, eval.times, run(engine, source, &expr, eval.times)).map(|_| ())
}

/// Compares an answer, or an error, with what was asked for.
fn judge(eval: &Eval, times: Times, answer: Result<Answer, String>) -> Result<Option<Answer>, String> {
    match answer {
        Err(error) if eval.wanted.fail => {
            if eval.wanted.fail_texts.iter().all(|text| text_matches(text, &error)) {
                return Ok(None);
            }
            Err(format!("failed with another error: {error}"))
        }
        Err(error) => Err(error),
        Ok(_) if eval.wanted.fail => Err("did not fail".into()),
        Ok(answer) => {
            check_notes(&eval.wanted, &answer.warnings, &answer.infos)?;
            check_value(&eval.wanted, times, &answer.value)?;
            Ok(Some(answer))
        }
    }
}

fn run_derived(engine: &Engine, source: &MemorySource, eval: &Eval) -> Result<(), String> {
    let Times::Instant(at) = eval.times else { return Ok(()) };
    let Ok(mut expr) = parse(&eval.expr) else { return Ok(()) };
    run_as_range(engine, source, eval, &expr, at)?;
    let mut depends_on_time = false;
    expr.walk(&mut |node| depends_on_time |= matches!(&node.kind, ExprKind::Call(call) if TIME_FUNCTIONS.contains(&call.function.name)));
    if depends_on_time {
        return Ok(());
    }
    pin(&mut expr, at);
    let printed = expr.to_string();
    let pinned = parse(&printed).map_err(|error| format!("the print {printed} is refused: {error}"))?;
    let other_times: &[i64] = if at.0 == 0 { &[-1000, 0, 1000] } else { &[-10 * at.0, 0, at.0 / 5, at.0, 10 * at.0] };
    for other in other_times {
        let other = Timestamp(*other);
        judge(eval, Times::Instant(other), run(engine, source, &pinned, Times::Instant(other)))
            .map_err(|error| format!("{printed} at {}: {error}", Millis(other.0)))?;
        run_as_range(engine, source, eval, &pinned, other)?;
    }
    Ok(())
}

/// Gives every selector an `@`, outermost first: what is in a pinned subquery stays as it is.
fn pin(expr: &mut Expr, at: Timestamp) {
    match &mut expr.kind {
        ExprKind::Vector(selector) => selector.at = selector.at.or(Some(At::Time(at))),
        ExprKind::Range(range) => range.selector.at = range.selector.at.or(Some(At::Time(at))),
        ExprKind::Subquery(subquery) => subquery.at = subquery.at.or(Some(At::Time(at))),
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => pin(inner, at),
        ExprKind::Binary(binary) => {
            pin(&mut binary.first, at);
            binary.rest.iter_mut().for_each(|term| pin(&mut term.expr, at));
        }
        ExprKind::Aggregate(aggregate) => {
            aggregate.param.iter_mut().for_each(|param| pin(param, at));
            pin(&mut aggregate.expr, at);
        }
        ExprKind::Call(call) => call.args.iter_mut().for_each(|arg| pin(arg, at)),
        ExprKind::Number(_) | ExprKind::Duration(_) | ExprKind::Text(_) => {}
    }
}

/// The same query from a minute before to a minute after; the middle must be the answer.
fn run_as_range(engine: &Engine, source: &MemorySource, eval: &Eval, expr: &Expr, at: Timestamp) -> Result<(), String> {
    use crate::ast::ValueType::{Scalar, Vector};
    if eval.wanted.fail || eval.wanted.ordered || !matches!(expr.value_type(), Scalar | Vector) {
        return Ok(());
    }
    let minute = Millis::from_minutes(1);
    let answer =
        run(engine, source, expr, Times::Range(at - minute, at + minute, minute)).map_err(|error| format!("as a range query: {error}"))?;
    let Value::Matrix(series) = answer.value else { return Err("a range query gave no matrix".into()) };
    if !series.is_sorted_by(|a, b| a.labels < b.labels) {
        return Err("a range query gave unsorted series".into());
    }
    let mut elements = Vec::new();
    for series in series {
        let float = series.points.floats.iter().find(|sample| sample.at == at).map(|sample| Number::Float(sample.value));
        let histogram = series.points.histograms.into_iter().find(|(time, _)| *time == at).map(|(_, h)| Number::Histogram(Box::new(h)));
        if let Some(value) = float.or(histogram) {
            elements.push(Element { labels: series.labels, at, value });
        }
    }
    let value = match (expr.value_type(), elements.first()) {
        (Scalar, Some(Element { value: Number::Float(value), .. })) => Value::Scalar(bellbuoy_vocabulary::Sample::new(at, *value)),
        _ => Value::Vector(elements),
    };
    check_value(&eval.wanted, Times::Instant(at), &value)
        .map_err(|error| format!("{expr} as a range query around {}: {error}", Millis(at.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The evals of a script, each with whether it passed.
    fn check(script: &str, passed: usize, total: usize) {
        let report = run_script("test", &format!("load 1m\n  a{{x=\"1\"}} 1 2 3 stale\n  a{{x=\"2\"}} 5+5x3\n\n{script}"));
        assert_eq!((report.passed, report.total), (passed, total), "{script}: {:?}", report.failures);
    }

    #[test]
    fn a_right_answer_passes() {
        check("eval instant at 1m a{x=\"1\"}\n  a{x=\"1\"} 2", 1, 1);
        check("eval range from 0 to 3m step 1m a\n  a{x=\"1\"} 1 2 3\n  a{x=\"2\"} 5 10 15 20", 1, 1);
        check("eval_ordered instant at 1m sort_desc(a)\n  a{x=\"2\"} 10\n  a{x=\"1\"} 2", 1, 1);
        check("eval_fail instant at 0 a + on() a\n  expected_fail_regexp duplicate series", 1, 1);
        check("eval_info instant at 3m rate(a[5m])\n  {x=\"1\"} 0.01\n  {x=\"2\"} 0.08", 0, 1);
        check("eval instant at 0 1 + 1\n  2", 1, 1);
        check("eval instant at 0 \"x\"\n  expect string \"x\"", 1, 1);
    }

    #[test]
    fn a_wrong_answer_fails() {
        for script in [
            "eval instant at 1m a{x=\"1\"}\n  a{x=\"1\"} 2.1",
            "eval instant at 1m a\n  a{x=\"1\"} 2",
            "eval instant at 1m a{x=\"1\"}\n  b{x=\"1\"} 2",
            "eval instant at 1m a{x=\"1\"}",
            "eval range from 0 to 3m step 1m a{x=\"1\"}\n  a{x=\"1\"} 1 2 3 3",
            "eval range from 0 to 3m step 1m a{x=\"1\"}\n  a{x=\"1\"} 1 _ 3",
            "eval_ordered instant at 1m sort(a)\n  a{x=\"2\"} 10\n  a{x=\"1\"} 2",
            "eval_fail instant at 0 a",
            "eval_fail instant at 0 a + on() a\n  expected_fail_message something else",
            "eval_warn instant at 0 sum(a)\n  {} 6",
            "eval instant at 0 1\n  2",
            "eval instant at 0 a +",
            "eval never a",
            "nonsense",
            "load 1m\n  b 1y\n\neval instant at 0 c",
        ] {
            check(script, 0, 1);
        }
    }

    #[test]
    fn derived_queries_count_separately() {
        // The value depends on the time through a subquery of the function's result, which the pinned run must see as well.
        let report = run_script("test", "load 1m\n  a 0+1x10\n\neval instant at 5m sum_over_time(a[3m:1m])\n  {} 12\n");
        assert_eq!((report.passed, report.base_passed, report.total), (1, 1, 1), "{:?}", report.failures);
    }
}
