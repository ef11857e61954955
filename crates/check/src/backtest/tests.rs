//! A day of a figure that is noisy and has three real incidents, and what sweeps say of it.

use bellbuoy_promql::{Engine, parse};
use bellbuoy_router::{IntegrationOutline, ReceiverOutline, Route};
use bellbuoy_rules::{MemoryStore, RESEND_DELAY};
use bellbuoy_vocabulary::{Append, Span as FileSpan};
use expect_test::expect;

use crate::tests::grafana_rule;

use super::text::{suggestion_text, sweep_table, table};
use super::*;

const DAY: i64 = 24 * 60;

/// 0.1 with a short peak of 0.3 each half an hour, and three hours-long incidents of 0.6.
fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let labels = Labels::from_pairs([("__name__", "drift_share"), ("model", "bikes")]);
    let (series, _) = (&store).series(&labels).expect("new");
    for minute in 0..=DAY {
        let incident = [(120, 200), (600, 640), (1200, 1300)].iter().any(|(from, to)| (*from..*to).contains(&minute));
        let value = if incident {
            0.6
        } else if minute % 30 < 2 {
            0.3
        } else {
            0.1
        };
        (&store).append(series, Timestamp(minute * 60_000), value).expect("in order");
    }
    store
}

fn rule(expr: &str, hold_minutes: i64) -> AlertingSettings {
    AlertingSettings {
        alert: "Drift".into(),
        expr: parse(expr).expect("PromQL").into(),
        hold: Millis::from_minutes(hold_minutes),
        keep_firing_for: Millis::ZERO,
        labels: Vec::new(),
        annotations: Vec::new(),
        span: FileSpan::default(),
    }
}

fn router() -> RouterSettings {
    RouterSettings {
        route: Route { receiver: "team".into(), ..Route::default() },
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: Millis::from_minutes(5),
        receivers: vec![ReceiverOutline {
            name: "team".into(),
            integrations: vec![IntegrationOutline { kind: "discord".into(), index: 0, send_resolved: true }],
        }],
    }
}

fn with<T>(ask: impl FnOnce(&Past, Span) -> T) -> T {
    let (store, engine, external, router) = (store(), Engine::default(), Labels::empty(), router());
    let with = Evaluation { engine: &engine, source: &store, external_labels: &external, external_url: "", resend_delay: RESEND_DELAY };
    ask(
        &Past { with: &with, ask: None, router: Some(&router), stop: &|| false },
        Span { from: Timestamp(0), to: Timestamp(DAY * 60_000), step: Millis::from_minutes(1) },
    )
}

#[test]
fn how_often_and_how_noisy() {
    let tested = with(|past, span| {
        ["drift_share > 0.2", "drift_share > 0.5", "drift_share > 0.9"]
            .map(|expr| backtest(&rule(expr, 0), span, past).expect("it can be evaluated"))
    });
    expect![[r#"
        alert   fired incidents  messages  flaps too short   firing  longest
        Drift      43        42        85     39         0    21.4%    1h40m
        Drift       3         3         6      0         0    15.3%    1h40m
        Drift       0         0         0      0         0     0.0%        -"#]]
    .assert_eq(&table(&tested).join("\n"));
    assert_eq!(tested[1].overlap(&tested[0]), 1.0);
    assert_eq!(tested[2].overlap(&tested[0]), 0.0);
}

#[test]
fn a_higher_threshold_is_suggested() {
    let (variants, suggestion) = with(|past, span| {
        let values = Sweep::parse("threshold=0.2..0.7/0.1").expect("a sweep");
        sweep(&rule("drift_share > 0.2", 0), &values, span, past).expect("it can be evaluated")
    });
    expect![[r#"
               threshold   fired incidents caught    flaps   firing  messages
        *            0.2      43        42      3       39    21.4%  ████████████████████████ 85
                     0.3       3         3      3        0    15.3%  ██ 6
                     0.4       3         3      3        0    15.3%  ██ 6
                     0.5       3         3      3        0    15.3%  ██ 6
                     0.6       0         0      0        0     0.0%   0
                     0.7       0         0      0        0     0.0%   0

                     0.2  ▌▌▌▌·████·▌▌▌▌·▌▌▌▌·▌▌▌▌·██▌▌·▌▌▌▌·▌▌▌▌·▌▌▌▌·▌▌▌▌·████▌▌▌▌▌·  1970-01-01 00:00 UTC … 00:00 UTC
                     0.3  ·····███▌················██·······················████▌·····  1970-01-01 00:00 UTC … 00:00 UTC
                     0.4  ·····███▌················██·······················████▌·····  1970-01-01 00:00 UTC … 00:00 UTC
                     0.5  ·····███▌················██·······················████▌·····  1970-01-01 00:00 UTC … 00:00 UTC
                     0.6  ····························································  1970-01-01 00:00 UTC … 00:00 UTC
                     0.7  ····························································  1970-01-01 00:00 UTC … 00:00 UTC"#]]
    .assert_eq(&sweep_table("threshold", &variants, Cost::Messages, Timestamp(0), Timestamp(DAY * 60_000)).join("\n"));
    expect!["suggestion: 0.3; at 0.3 it would have caught the same 3 incidents with 6 instead of 85 messages"]
        .assert_eq(&suggestion_text(&suggestion));
}

#[test]
fn a_longer_for_is_suggested() {
    let (_, suggestion) = with(|past, span| {
        let values = Sweep::parse("for=0s..20m/5m").expect("a sweep");
        sweep(&rule("drift_share > 0.2", 0), &values, span, past).expect("it can be evaluated")
    });
    expect!["suggestion: 5m; at 5m it would have caught the same 3 incidents with 6 instead of 85 messages, 5m later on average"]
        .assert_eq(&suggestion_text(&suggestion));
    let (_, nothing) = with(|past, span| {
        let values = Sweep::parse("for=0s..20m/5m").expect("a sweep");
        sweep(&rule("drift_share > 5", 0), &values, span, past).expect("it can be evaluated")
    });
    expect!["no suggestion: with no value of the sweep it would have fired in this time: there is nothing to compare"]
        .assert_eq(&suggestion_text(&nothing));
}

#[test]
fn sweeps_are_read() {
    assert_eq!(Sweep::parse("threshold=0.1..0.3/0.1").expect("fine").values, [0.1, 0.2, 0.3]);
    assert_eq!(Sweep::parse("for=0s..10m/5m").expect("fine").values, [0.0, 300.0, 600.0]);
    for text in ["threshold", "x=1..2/1", "threshold=2..1/1", "threshold=0..1/0", "threshold=0..1/0.001", "for=1..2/1x"] {
        assert!(Sweep::parse(text).is_err(), "{text}");
    }
    assert_eq!(sweep::current(&rule("a > 0.25 and b < 3", 5), Parameter::Threshold), Some(0.25));
    assert_eq!(sweep::changed(&rule("a > -1", 5), Parameter::Threshold, 2.0).expect("fine").expr.to_string(), "a > 2");
    assert!(sweep::changed(&rule("a > b", 5), Parameter::Threshold, 2.0).is_err());
}

/// The same figure asked by a rule of Grafana's: the three incidents, and missing data under its own name.
#[test]
fn a_rule_of_grafana() {
    use bellbuoy_rules::grafana::{Evaluator, Expression, Node, NodeKind, Query, QueryKind, Reduce, ReduceMode, Reducer, Threshold};
    let query = |text: &str, kind: QueryKind| {
        let (expr, datasource_uid) = (parse(text).expect("PromQL"), "prom".into());
        let query = Query { text: text.into(), expr, kind, from: Millis::from_minutes(10), to: Millis::ZERO, datasource_uid };
        Node { ref_id: "A".into(), kind: NodeKind::Query(query) }
    };
    let node = |ref_id: &str, expression| Node { ref_id: ref_id.into(), kind: NodeKind::Expression(expression) };
    let above = |input: &str| Expression::Threshold(Threshold { input: input.into(), evaluator: Evaluator::Above(0.5), unload: None });
    let rule = grafana_rule("Drift", vec![query("drift_share", QueryKind::Instant), node("B", above("A"))]);
    let (tested, late) = with(|past, span| {
        let late = Span { from: span.to, to: span.to + Millis::from_minutes(60), ..span };
        (backtest_grafana(&rule, span, past).expect("it can be evaluated"), backtest_grafana(&rule, late, past).expect("as well"))
    });
    let times = |one: &Backtest| -> Vec<(String, i64, Option<i64>)> {
        let minute = |at: Timestamp| at.0 / 60_000;
        let of = |episode: &Episode| (episode.labels.get(ALERT_NAME).to_string(), minute(episode.fired_at), episode.until.map(minute));
        one.episodes.iter().map(of).collect()
    };
    assert_eq!(times(&tested), [("Drift".into(), 125, Some(200)), ("Drift".into(), 605, Some(640)), ("Drift".into(), 1205, Some(1300))]);
    assert_eq!((tested.figures().incidents, tested.evaluations), (3, 1441));
    // Five minutes after the last sample it is gone, and five later somebody is told of that.
    assert_eq!(times(&late), [("DatasourceNoData".into(), 1450, None)]);

    // A server that evaluates the queries makes no difference, with a range of steps, or the ends of one, in the rule as well.
    let mean = || Expression::Reduce(Reduce { input: "A".into(), reducer: Reducer::Mean, mode: ReduceMode::Strict });
    let steps = QueryKind::Range { step: Millis::from_minutes(2) };
    let last_ten = query("drift_share", steps);
    let to_its_end = query("max_over_time(drift_share[3m] @ end())", steps);
    let others = [last_ten, to_its_end].map(|query| grafana_rule("Drift", vec![query, node("B", mean()), node("C", above("B"))]));
    for rule in [rule].iter().chain(&others) {
        with(|past, span| {
            let ask = |expr: &Expr, from, to, step| {
                let answer = past.with.engine.range(expr, past.with.source, from, to, step).map_err(|error| error.to_string())?;
                if let bellbuoy_promql::Value::Matrix(series) = answer.value { Ok(series) } else { Err("no matrix".to_string()) }
            };
            let nothing = MemoryStore::new();
            let elsewhere = Evaluation { source: &nothing, ..*past.with };
            let asking = Past { with: &elsewhere, ask: Some(&ask), ..*past };
            let here = backtest_grafana(rule, span, past).expect("it can be evaluated");
            let there = backtest_grafana(rule, span, &asking).expect("it can be asked");
            assert!(here.figures().fired >= 3, "{:?}", here.figures());
            assert_eq!((times(&there), there.figures()), (times(&here), here.figures()));
            let refused = |_: &Expr, _, _, _| Err("422".to_string());
            let failed = backtest_grafana(rule, span, &Past { ask: Some(&refused), ..asking });
            assert!(failed.is_err_and(|why| why.contains("422")), "a refusal is no alert on an error");
        });
    }
}

/// That an alert did not fire says nothing when nobody told of what it asks for.
#[test]
fn no_data_is_no_verdict() {
    let [all, some, none] = with(|past, span| {
        ["drift > 0.2 or away > 1 or drift > 0.4", "drift / drift_share > 0.5 or drift > 9", "drift_share > 0.9"]
            .map(|expr| backtest(&rule(expr, 0), span, past).map(|tested| tested.silent))
    });
    assert_eq!(all, Err("no data: nothing of drift, away was told between 1970-01-01T00:00:00Z and 1970-01-02T00:00:00Z".to_string()));
    assert_eq!(some, Ok(vec!["drift".to_string()]));
    assert_eq!(none, Ok(Vec::new()));
}
