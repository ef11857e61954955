//! Whole rules on a virtual clock: series as text, and a log of conditions and alerts.

use std::fmt::Write as _;

use bellbuoy_promql::{Engine, Options};
use bellbuoy_vocabulary::{Append, SeriesSource, Span};

use super::*;
use crate::series_text::{parse_metric, parse_values};
use crate::{Evaluation, Group, GroupSettings, MemoryStore, RuleSettings};

/// Evaluations and points are this far apart; a point is visible for as long, so that an end shows at once.
const STEP: Millis = Millis::from_seconds(60);

fn query(text: &str) -> Node {
    let expr = bellbuoy_promql::parse(text).expect("PromQL");
    let kind = QueryKind::Instant;
    let query = Query { text: text.into(), expr, kind, from: Millis::from_minutes(10), to: Millis::ZERO, datasource_uid: "prom".into() };
    Node { ref_id: "A".into(), kind: NodeKind::Query(query) }
}

/// `last(A) > limit`.
fn rule(text: &str, limit: f64) -> GrafanaSettings {
    let threshold = Threshold { input: "A".into(), evaluator: Evaluator::Above(limit), unload: None };
    let condition = Node { ref_id: "C".into(), kind: NodeKind::Expression(Expression::Threshold(threshold)) };
    GrafanaSettings {
        uid: "u1".into(),
        title: "High".into(),
        folder: "ML".into(),
        condition: "C".into(),
        nodes: vec![query(text), condition],
        no_data: NoDataPolicy::NoData,
        on_error: ErrorPolicy::Alerting,
        hold: Millis::ZERO,
        keep_firing_for: Millis::ZERO,
        missing_series_evals_to_resolve: 2,
        labels: vec![("severity".into(), "page".into())],
        annotations: vec![("summary".into(), "{{ $labels.host }} at {{ $values.A.Value }}".into())],
        is_paused: false,
        record: None,
        notification: None,
        file: "rules.yml".into(),
        span: Span::default(),
    }
}

struct Scene {
    engine: Engine,
    store: MemoryStore,
    group: Group,
    now: Timestamp,
    log: String,
}

/// Only what was written until now can be read.
struct Until<'a>(&'a MemoryStore, Timestamp);

impl SeriesSource for Until<'_> {
    fn select(
        &self,
        from: Timestamp,
        to: Timestamp,
        matchers: &[bellbuoy_vocabulary::Matcher],
    ) -> Result<Vec<Box<dyn bellbuoy_vocabulary::Series + '_>>, bellbuoy_vocabulary::SourceError> {
        self.0.select(from, to.min(self.1), matchers)
    }
}

fn group_of(rule: GrafanaSettings) -> Group {
    Group::new(GroupSettings {
        name: "g".into(),
        file: "ML".into(),
        interval: STEP,
        limit: 0,
        query_offset: Millis::ZERO,
        rules: vec![RuleSettings::Grafana(Box::new(rule))],
    })
}

impl Scene {
    /// Values as in rule tests: `1 2 _ stale`.
    fn new(rule: GrafanaSettings, input: &[(&str, &str)]) -> Scene {
        let store = MemoryStore::new();
        for (series, values) in input {
            let labels = parse_metric(series).expect("a metric");
            for (turn, value) in parse_values(values).expect("values").into_iter().enumerate() {
                let Some(value) = value else { continue };
                let (series, _) = (&store).series(&labels).expect("no limit");
                (&store).append(series, Timestamp(turn as i64 * STEP.0), value).expect("in order");
            }
        }
        let options = Options { lookback: Millis(STEP.0), ..Options::default() };
        Scene { engine: Engine::new(options), store, group: group_of(rule), now: Timestamp(0), log: String::new() }
    }

    fn run(&mut self, turns: i64) -> &mut Scene {
        for _ in 0..turns {
            let (source, external) = (Until(&self.store, self.now), Labels::empty());
            let with = Evaluation {
                engine: &self.engine,
                source: &source,
                external_labels: &external,
                external_url: "http://b",
                resend_delay: crate::RESEND_DELAY,
            };
            let report = self.group.evaluate_rule(0, self.now, &with, &mut &self.store);
            let minute = self.now.0 / 60_000;
            for warning in &report.warnings {
                let _ = writeln!(self.log, "{minute}m warning: {warning}");
            }
            for change in &report.transitions {
                let _ = writeln!(self.log, "{minute}m {} {} -> {}", change.labels.get("alertname"), change.from.word(), change.to.word());
            }
            for alert in &report.alerts {
                let what = if alert.ends_at <= self.now { "resolved" } else { "firing" };
                let since = (alert.starts_at.0) / 60_000;
                let mut labels = alert.labels.builder();
                labels.keep(|name| !matches!(name, "grafana_folder" | "severity" | "__alert_rule_uid__" | "__name__"));
                let reason = alert.annotations.get("grafana_state_reason");
                let _ = writeln!(self.log, "{minute}m tell {what} {} since {since}m {reason}", labels.labels());
            }
            self.now += STEP;
        }
        self
    }

    /// Stop and start, `minutes` without anybody.
    fn restart(&mut self, minutes: i64) -> &mut Scene {
        let saved: Vec<crate::AlertState> =
            serde_json::from_value(serde_json::to_value(self.group.state()).expect("as JSON")).expect("from JSON");
        let settings = self.group.settings().clone();
        self.now += Millis::from_minutes(minutes);
        self.group = Group::new(settings);
        self.group.restore(saved, self.now);
        let _ = writeln!(self.log, "-- restart");
        self
    }

    fn check(&self, expected: Expect) {
        expected.assert_eq(&self.log);
    }
}

/// A rule, its series, its turns, and the log.
fn check(rule: GrafanaSettings, input: &[(&str, &str)], turns: i64, expected: Expect) {
    Scene::new(rule, input).run(turns).check(expected);
}

const MINUTE: Millis = Millis::from_minutes(1);

#[test]
fn one_instance_per_series() {
    check(
        rule("load", 5.0),
        &[("load{host=\"a\"}", "9 9 1 1"), ("load{host=\"b\"}", "1 9 9 9")],
        4,
        expect![[r#"
        0m High inactive -> firing
        0m tell firing {alertname="High", host="a"} since 0m 
        1m High inactive -> firing
        1m tell firing {alertname="High", host="a"} since 0m 
        1m tell firing {alertname="High", host="b"} since 1m 
        2m High firing -> resolved
        2m tell resolved {alertname="High", host="a"} since 0m 
        2m tell firing {alertname="High", host="b"} since 1m 
        3m tell resolved {alertname="High", host="a"} since 0m 
        3m tell firing {alertname="High", host="b"} since 1m 
    "#]],
    );
}

#[test]
fn pending_for_its_time() {
    let held = GrafanaSettings { hold: MINUTE * 2, ..rule("load", 5.0) };
    check(
        held,
        &[("load{host=\"a\"}", "9 9 1 9 9 9 1")],
        7,
        expect![[r#"
        0m High inactive -> pending
        2m High pending -> inactive
        3m High inactive -> pending
        5m High pending -> firing
        5m tell firing {alertname="High", host="a"} since 5m 
        6m High firing -> resolved
        6m tell resolved {alertname="High", host="a"} since 5m 
    "#]],
    );
}

#[test]
fn recovering_while_keep_firing_for_runs() {
    let kept = GrafanaSettings { keep_firing_for: MINUTE * 2, ..rule("load", 5.0) };
    check(
        kept,
        &[("load{host=\"a\"}", "9 1 9 1 1 1 1")],
        7,
        expect![[r#"
        0m High inactive -> firing
        0m tell firing {alertname="High", host="a"} since 0m 
        1m tell firing {alertname="High", host="a"} since 0m 
        2m tell firing {alertname="High", host="a"} since 0m 
        3m tell firing {alertname="High", host="a"} since 0m 
        4m tell firing {alertname="High", host="a"} since 0m 
        5m High firing -> resolved
        5m tell resolved {alertname="High", host="a"} since 0m 
        6m tell resolved {alertname="High", host="a"} since 0m 
    "#]],
    );
}

#[test]
fn a_recovery_threshold_keeps_the_alert() {
    let mut both = rule("load", 100.0);
    let threshold = Threshold { input: "A".into(), evaluator: Evaluator::Above(100.0), unload: Some(Evaluator::Below(50.0)) };
    both.nodes[1].kind = NodeKind::Expression(Expression::Threshold(threshold));
    // 70 is too little to begin and enough to stay; another series at 70 does not begin.
    let input = [("load{host=\"a\"}", "70 101 70 51 49 70"), ("load{host=\"b\"}", "70 70 70 70 70 70")];
    check(
        both,
        &input,
        6,
        expect![[r#"
        1m High inactive -> firing
        1m tell firing {alertname="High", host="a"} since 1m 
        2m tell firing {alertname="High", host="a"} since 1m 
        3m tell firing {alertname="High", host="a"} since 1m 
        4m High firing -> resolved
        4m tell resolved {alertname="High", host="a"} since 1m 
        5m tell resolved {alertname="High", host="a"} since 1m 
    "#]],
    );
}

/// Whoever reads silence as "all is well" learns too late: a query without data is an alert of its own.
#[test]
fn no_data_is_an_alert_of_its_own() {
    check(
        rule("load", 5.0),
        &[("load{host=\"a\"}", "9 9 stale _ _ 9")],
        6,
        expect![[r#"
            0m High inactive -> firing
            0m tell firing {alertname="High", host="a"} since 0m 
            1m tell firing {alertname="High", host="a"} since 0m 
            2m DatasourceNoData inactive -> firing
            2m tell firing {alertname="High", host="a"} since 0m 
            2m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 2m 
            3m High firing -> resolved
            3m tell resolved {alertname="High", host="a"} since 0m MissingSeries
            3m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 2m 
            4m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 2m 
            5m High inactive -> firing
            5m DatasourceNoData firing -> resolved
            5m tell firing {alertname="High", host="a"} since 5m 
            5m tell resolved {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 2m MissingSeries
        "#]],
    );
}

/// In Grafana the firing alert would be resolved as MissingSeries before anybody hears of the missing data.
#[test]
fn a_firing_alert_waits_until_no_data_is_told() {
    let held = GrafanaSettings { hold: MINUTE * 3, ..rule("load", 5.0) };
    check(
        held,
        &[("load{host=\"a\"}", "9 9 9 9 stale _ _ _ _")],
        10,
        expect![[r#"
            0m High inactive -> pending
            3m High pending -> firing
            3m tell firing {alertname="High", host="a"} since 3m 
            4m High inactive -> pending
            4m tell firing {alertname="High", host="a"} since 3m 
            5m tell firing {alertname="High", host="a"} since 3m 
            6m tell firing {alertname="High", host="a"} since 3m 
            7m DatasourceNoData pending -> firing
            7m High firing -> resolved
            7m tell resolved {alertname="High", host="a"} since 3m MissingSeries
            7m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 7m 
            8m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 7m 
            9m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 7m 
        "#]],
    );
}

#[test]
fn no_data_as_the_rule_says() {
    let input = [("load{host=\"a\"}", "9 stale _ 1")];
    let with = |no_data: NoDataPolicy| GrafanaSettings { no_data, ..rule("load", 5.0) };
    check(
        with(NoDataPolicy::Ok),
        &input,
        4,
        expect![[r#"
            0m High inactive -> firing
            0m tell firing {alertname="High", host="a"} since 0m 
            1m High firing -> resolved
            1m tell resolved {alertname="High", host="a"} since 0m NoData
            2m tell resolved {alertname="High", host="a"} since 0m NoData
            3m tell resolved {alertname="High", host="a"} since 0m 
        "#]],
    );
    check(
        with(NoDataPolicy::KeepLast),
        &input,
        4,
        expect![[r#"
            0m High inactive -> firing
            0m tell firing {alertname="High", host="a"} since 0m 
            1m tell firing {alertname="High", host="a"} since 0m NoData, KeepLast
            2m tell firing {alertname="High", host="a"} since 0m NoData, KeepLast
            3m High firing -> resolved
            3m tell resolved {alertname="High", host="a"} since 0m 
        "#]],
    );
    let quiet = [("load{host=\"a\"}", "1 stale _ 1")];
    check(
        with(NoDataPolicy::Alerting),
        &quiet,
        4,
        expect![[r#"
            1m High inactive -> firing
            1m tell firing {alertname="High", host="a"} since 1m NoData
            2m tell firing {alertname="High", host="a"} since 1m NoData
            3m High firing -> resolved
            3m tell resolved {alertname="High", host="a"} since 1m 
        "#]],
    );
    check(with(NoDataPolicy::KeepLast), &quiet, 4, expect![""]);
}

#[test]
fn a_series_that_vanishes_beside_others_ends_after_two_evaluations() {
    let input = [("load{host=\"a\"}", "9 stale _ _ _"), ("load{host=\"b\"}", "1 1 1 1 1")];
    check(
        rule("load", 5.0),
        &input,
        5,
        expect![[r#"
        0m High inactive -> firing
        0m tell firing {alertname="High", host="a"} since 0m 
        1m tell firing {alertname="High", host="a"} since 0m 
        2m High firing -> resolved
        2m tell resolved {alertname="High", host="a"} since 0m MissingSeries
    "#]],
    );
    let patient = GrafanaSettings { missing_series_evals_to_resolve: 3, ..rule("load", 5.0) };
    check(
        patient,
        &input,
        5,
        expect![[r#"
        0m High inactive -> firing
        0m tell firing {alertname="High", host="a"} since 0m 
        1m tell firing {alertname="High", host="a"} since 0m 
        2m tell firing {alertname="High", host="a"} since 0m 
        3m High firing -> resolved
        3m tell resolved {alertname="High", host="a"} since 0m MissingSeries
    "#]],
    );
}

/// Two series on the right side of a division fail the query.
fn failing() -> Node {
    query("load / on() other")
}

#[test]
fn errors_as_the_rule_says() {
    let input = [("load", "9 9 9 9"), ("other{x=\"1\"}", "1 1 1 1"), ("other{x=\"2\"}", "_ 1 stale _")];
    let with = |on_error: ErrorPolicy| {
        let mut rule = GrafanaSettings { on_error, ..rule("load", 100.0) };
        rule.nodes[0] = failing();
        rule
    };
    check(
        with(ErrorPolicy::Alerting),
        &input,
        4,
        expect![[r#"
            1m High inactive -> firing
            1m tell firing {alertname="High"} since 1m Error
            2m High firing -> resolved
            2m tell resolved {alertname="High"} since 1m 
            3m tell resolved {alertname="High"} since 1m 
        "#]],
    );
    check(
        with(ErrorPolicy::Error),
        &input,
        4,
        expect![[r#"
            1m DatasourceError inactive -> firing
            1m tell firing {alertname="DatasourceError", datasource_uid="prom", ref_id="A", rulename="High"} since 1m 
            2m DatasourceError firing -> resolved
            2m tell resolved {alertname="DatasourceError", datasource_uid="prom", ref_id="A", rulename="High"} since 1m 
            3m tell resolved {alertname="DatasourceError", datasource_uid="prom", ref_id="A", rulename="High"} since 1m 
        "#]],
    );
    check(with(ErrorPolicy::Ok), &input, 4, expect![""]);
    check(with(ErrorPolicy::KeepLast), &input, 4, expect![""]);
}

#[test]
fn a_paused_rule_ends_its_alerts() {
    let mut scene = Scene::new(rule("load", 5.0), &[("load{host=\"a\"}", "9 9 9")]);
    scene.run(1);
    let mut paused = group_of(GrafanaSettings { is_paused: true, ..rule("load", 5.0) });
    paused.take_over(&scene.group);
    scene.group = paused;
    scene.run(2).check(expect![[r#"
        0m High inactive -> firing
        0m tell firing {alertname="High", host="a"} since 0m 
        1m High firing -> resolved
        1m tell resolved {alertname="High", host="a"} since 0m Paused
    "#]]);
}

#[test]
fn a_restart_changes_nothing() {
    let held = GrafanaSettings { hold: MINUTE * 2, ..rule("load", 5.0) };
    let mut scene = Scene::new(held, &[("load{host=\"a\"}", "9 9 9 9 9 1")]);
    scene.run(2).restart(0).run(2).restart(0).run(2).check(expect![[r#"
        0m High inactive -> pending
        -- restart
        2m High pending -> firing
        2m tell firing {alertname="High", host="a"} since 2m 
        3m tell firing {alertname="High", host="a"} since 2m 
        -- restart
        4m tell firing {alertname="High", host="a"} since 2m 
        5m High firing -> resolved
        5m tell resolved {alertname="High", host="a"} since 2m 
    "#]]);
}

/// After an outage the queries look back into a gap: what they do not find says nothing for a while.
#[test]
fn an_outage_is_not_taken_for_no_data() {
    let mut scene = Scene::new(rule("load", 5.0), &[("load{host=\"a\"}", "9 9 _ _ _ _ _ _ _ 9 1")]);
    scene.run(2).restart(5).run(4).check(expect![[r#"
        0m High inactive -> firing
        0m tell firing {alertname="High", host="a"} since 0m 
        1m tell firing {alertname="High", host="a"} since 0m 
        -- restart
        7m tell firing {alertname="High", host="a"} since 0m 
        8m tell firing {alertname="High", host="a"} since 0m 
        9m tell firing {alertname="High", host="a"} since 0m 
        10m High firing -> resolved
        10m tell resolved {alertname="High", host="a"} since 0m 
    "#]]);
}

/// A program that has just started has no data yet: every rule would cry.
#[test]
fn a_start_is_not_taken_for_no_data() {
    let mut scene = Scene::new(rule("load", 5.0), &[("load{host=\"a\"}", "_ 1 stale _")]);
    scene.group.settle(Timestamp(60_000));
    scene.run(4).check(expect![[r#"
        2m DatasourceNoData inactive -> firing
        2m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 2m 
        3m tell firing {alertname="DatasourceNoData", datasource_uid="prom", ref_id="A", rulename="High"} since 2m 
    "#]]);
}

#[test]
fn an_outage_does_not_count_towards_for() {
    let held = GrafanaSettings { hold: MINUTE * 3, ..rule("load", 5.0) };
    let mut scene = Scene::new(held, &[("load{host=\"a\"}", "9 9 _ _ _ _ 9 9 9 9")]);
    scene.run(2).restart(4).run(4).check(expect![[r#"
        0m High inactive -> pending
        -- restart
        8m High pending -> firing
        8m tell firing {alertname="High", host="a"} since 8m 
        9m tell firing {alertname="High", host="a"} since 8m 
    "#]]);
}

#[test]
fn recording_rules_write_series() {
    let mut record = rule("load", 5.0);
    record.record = Some(RecordSettings { metric: "load:high".into() });
    record.labels = vec![("team".into(), "ml".into())];
    let mut scene = Scene::new(record, &[("load{host=\"a\"}", "9 1"), ("load{host=\"b\"}", "1 1")]);
    scene.run(2);
    let expr = bellbuoy_promql::parse("load:high").expect("PromQL");
    let answer = scene.engine.instant(&expr, &scene.store, Timestamp(0)).expect("an answer");
    expect![[r#"

        Vector(
        [
        Element {
        labels: load:high{host="a", team="ml"},
        at: @0,
        value: Float(
        1.0,
        ),
        },
        Element {
        labels: load:high{host="b", team="ml"},
        at: @0,
        value: Float(
        0.0,
        ),
        },
        ],
        )"#]]
    .assert_eq(&format!("{}\n{:#?}", scene.log, answer.value).replace("  ", ""));
}

#[test]
fn words_and_series_of_an_alert() {
    let mut scene = Scene::new(rule("load", 5.0), &[("load{host=\"a\",severity=\"low\"}", "9.5")]);
    let source = Until(&scene.store, Timestamp(0));
    let external = Labels::from_pairs([("site", "berlin")]);
    let with = Evaluation {
        engine: &scene.engine,
        source: &source,
        external_labels: &external,
        external_url: "http://b",
        resend_delay: crate::RESEND_DELAY,
    };
    let report = scene.group.evaluate_rule(0, Timestamp(0), &with, &mut &scene.store);
    let alert = &report.alerts[0];
    let text = format!("{}\n{}\n{} {}\n", alert.labels, alert.annotations, alert.ends_at, alert.generator_url);
    let expr = bellbuoy_promql::parse("GRAFANA_ALERTS").expect("PromQL");
    let answer = scene.engine.instant(&expr, &scene.store, Timestamp(0)).expect("an answer");
    let bellbuoy_promql::Value::Vector(elements) = answer.value else { panic!("a vector") };
    expect![[r#"
        load{__alert_rule_uid__="u1", alertname="High", grafana_folder="ML", host="a", severity="page", site="berlin"}
        {__orgId__="1", __value_string__="[ var='A' labels={__name__=load, host=a, severity=low} value=9.5 ], [ var='C' labels={__name__=load, host=a, severity=low} value=1 ]", __values__="{\"A\":9.5,\"C\":1}", summary="a at 9.5"}
        1970-01-01T00:04:00Z http://b/graph?g0.expr=load&g0.tab=1
        GRAFANA_ALERTS{alertname="High", alertstate="firing", grafana_alertstate="Alerting", grafana_folder="ML", grafana_rule_uid="u1", host="a", severity="page"}"#]].assert_eq(&(text + &elements[0].labels.to_string()));
}

/// The error of a rule whose nodes are these, with two series of `load`.
fn error_of(nodes: Vec<Node>, condition: &str) -> String {
    let rule = GrafanaSettings { nodes, condition: condition.into(), on_error: ErrorPolicy::Error, ..rule("load", 5.0) };
    let mut scene = Scene::new(rule, &[("load{host=\"a\",zone=\"z\"}", "9"), ("load{host=\"b\",zone=\"z\"}", "9")]);
    let external = Labels::empty();
    let source = Until(&scene.store, Timestamp(0));
    let with = Evaluation {
        engine: &scene.engine,
        source: &source,
        external_labels: &external,
        external_url: "http://b",
        resend_delay: crate::RESEND_DELAY,
    };
    let report = scene.group.evaluate_rule(0, Timestamp(0), &with, &mut &scene.store);
    report.error.map_or_else(String::new, |error| error.to_string())
}

#[test]
fn results_that_can_not_be_alerted_on() {
    let mut series = query("load");
    let NodeKind::Query(ranged) = &mut series.kind else { panic!("a query") };
    ranged.kind = QueryKind::Range { step: Millis::from_seconds(60) };
    let invalid = "invalid format of evaluation results for the alert definition";
    let reduced = "looks like time series data, only reduced data can be alerted on.";
    assert_eq!(error_of(vec![series], "A"), format!("{invalid} A: {reduced}"));
    let node = |ref_id: &str, formula: &str| Node {
        ref_id: ref_id.into(),
        kind: NodeKind::Expression(Expression::Math(Math::parse(formula).expect("a formula"))),
    };
    // Each of the two elements of A fits the one of B, whose labels are the larger set: both outcomes would be one instance.
    let mut other = query("load{host=\"a\"}");
    other.ref_id = "B".into();
    let twice = vec![query("sum by (host) (load{host=\"a\"}) or sum by (zone) (load)"), other, node("M", "$A + $B")];
    let duplicate = "frame cannot uniquely be identified by its labels: has duplicate results with labels";
    assert_eq!(error_of(twice, "M"), format!("{invalid} M: {duplicate} {{__name__=load, host=a, zone=z}}"));
    let sum = vec![query("load"), node("M", "$A - $A + abs($A) * 0")];
    assert_eq!(error_of(sum, "M"), "", "equal labels stay apart");
}
