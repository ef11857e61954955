//! Transcripts of Grafana's rules: what each query and expression gave, and where it ended.

use bellbuoy_promql::parse;
use bellbuoy_rules::RuleSettings;
use bellbuoy_rules::grafana::{Math, Reduce, Reducer};
use expect_test::expect;

use super::super::tests::{Scene, scene};
use super::*;
use crate::tests::grafana_rule;

fn query(ref_id: &str, expr: &str, kind: QueryKind) -> Node {
    let (from, to) = (Millis::from_minutes(10), Millis::ZERO);
    let expr_read = parse(expr).expect("PromQL");
    let query = Query { text: expr.into(), expr: expr_read, kind, from, to, datasource_uid: "prom".into() };
    Node { ref_id: ref_id.into(), kind: NodeKind::Query(query) }
}

fn node(ref_id: &str, expression: Expression) -> Node {
    Node { ref_id: ref_id.into(), kind: NodeKind::Expression(expression) }
}

/// The last element is the condition.
fn with_rule(nodes: Vec<Node>, no_data: NoDataPolicy, series: &[(&str, &str)]) -> Scene {
    let settings = GrafanaSettings { no_data, on_error: ErrorPolicy::Alerting, ..grafana_rule("HighErrors", nodes) };
    Scene { rule: RuleSettings::Grafana(Box::new(settings)), ..scene("up == 0", 0, series) }
}

fn r2(no_data: NoDataPolicy, series: &[(&str, &str)]) -> Scene {
    let reduce = Reduce { input: "A".into(), reducer: Reducer::Mean, mode: ReduceMode::Strict };
    let threshold = Threshold { input: "B".into(), evaluator: Evaluator::Below(0.6), unload: None };
    let nodes = vec![
        query("A", "r2{model=\"bike\"}", QueryKind::Range { step: Millis::from_minutes(1) }),
        node("B", Expression::Reduce(reduce)),
        node("C", Expression::Threshold(threshold)),
    ];
    with_rule(nodes, no_data, series)
}

#[test]
fn a_threshold_that_is_not_met() {
    let scene = r2(NoDataPolicy::NoData, &[("r2{model=\"bike\",version=\"1\"}", "0.9x20"), ("r2{model=\"bike\",version=\"2\"}", "0.7x20")]);
    scene.check(
        20,
        expect![[r#"
        HighErrors did not fire at 10:20 UTC: none of 2 values is < 0.6, the closest is 0.7 of {model="bike", version="2"}
        grafana.yml:9 group g  2026-11-21T10:20:00Z

        ✓ samples     A: r2{model="bike"}                           2 series, 22 values, every 1m of the last 10m
        ✓ operator    B: mean of A                                  2 → 2
        ✗ comparison  C: B < 0.6                                    0 of 2 values are < 0.6
                        0.9 needs < 0.6  r2{model="bike", version="1"}
                        0.7 needs < 0.6  r2{model="bike", version="2"}
        · for         for 5m                                        not reached; it fired until 10:00:24 UTC
        · route       {}                                            would go to pager after 30s by the rule's own labels
    "#]],
    );
}

#[test]
fn one_that_fires() {
    let scene = r2(NoDataPolicy::NoData, &[("r2{model=\"bike\"}", "0.5x20")]);
    scene.check(20, expect![[r#"
        HighErrors fires since 10:05:24 UTC, but no message of it is in the history
        grafana.yml:9 group g  2026-11-21T10:20:00Z

        ✓ samples     A: r2{model="bike"}                           1 series, 11 values, every 1m of the last 10m
        ✓ operator    B: mean of A                                  1 → 1
        ✓ comparison  C: B < 0.6                                    1 of 1 value is < 0.6
                        0.5 < 0.6  r2{model="bike"}
        ✓ for         for 5m                                        1 held long enough
                        19m >= 5m  {alertname="HighErrors", grafana_folder="Bike", model="bike", severity="page"}
        ✓ inhibition  inhibition                                    none is inhibited
        ✓ silence     silences                                      none is silenced
        ✓ mute        mute times                                    none is muted
        ✓ route       {}                                            grouped as {alertname="HighErrors"}, waits 30s for others, told again every 4h
        ✓ receiver    pager                                         discord/0
        ✗ delivery    delivery                                      no message of it is in the history
    "#]]);
}

#[test]
fn no_data_is_told_as_what_the_rule_makes_of_it() {
    r2(NoDataPolicy::Ok, &[("r2{model=\"taxi\"}", "0.5x20")]).check(
        20,
        expect![[r#"
            HighErrors did not fire at 10:20 UTC: A has no data: no series of r2 has model="bike"; noDataState is OK: no data keeps it normal
            grafana.yml:9 group g  2026-11-21T10:20:00Z

            ✗ selector    r2{model="bike"}                              no series of r2 has model="bike"
                          → without model="bike" there is 1 series: model is "taxi"
            · operator    A: r2{model="bike"}                           no data, every 1m of the last 10m
            · operator    B: mean of A                                  no data to work on
            · operator    C: B < 0.6                                    no data to work on
            · operator    noDataState                                   OK: no data keeps it normal
            · for         for 5m                                        not reached, nor since 09:19:24 UTC
            · route       {}                                            would go to pager after 30s by the rule's own labels
        "#]],
    );
    r2(NoDataPolicy::NoData, &[("r2{model=\"taxi\"}", "0.5x20")]).check(20, expect![[r#"
        HighErrors fires as DatasourceNoData since 09:24:24 UTC, but no message of it is in the history
        grafana.yml:9 group g  2026-11-21T10:20:00Z

        · selector    r2{model="bike"}                              no series of r2 has model="bike"
        · operator    A: r2{model="bike"}                           no data, every 1m of the last 10m
        · operator    B: mean of A                                  no data to work on
        · operator    C: B < 0.6                                    no data to work on
        ✓ operator    noDataState                                   NoData: the alert DatasourceNoData
        ✓ for         for 5m                                        1 held long enough
                        1h >= 5m  {alertname="DatasourceNoData", datasource_uid="prom", grafana_folder="Bike", ref_id="A", rulename="HighErrors", severity="page"}  at least since then
        ✓ inhibition  inhibition                                    none is inhibited
        ✓ silence     silences                                      none is silenced
        ✓ mute        mute times                                    none is muted
        ✓ route       {}                                            grouped as {alertname="DatasourceNoData"}, waits 30s for others, told again every 4h
        ✓ receiver    pager                                         discord/0
        ✗ delivery    delivery                                      no message of it is in the history
    "#]]);
}

#[test]
fn formulas_and_failures() {
    let math = Math::parse("$A / $B > 0.05").expect("a formula");
    let nodes = |expr: &str| {
        vec![
            query("A", expr, QueryKind::Instant),
            query("B", "sum by (job) (requests)", QueryKind::Instant),
            node("C", Expression::Math(math.clone())),
        ]
    };
    let series = &[("errors{job=\"api\"}", "1x20"), ("errors{job=\"web\"}", "2x20"), ("requests{job=\"api\"}", "100x20")];
    with_rule(nodes("sum by (job) (errors)"), NoDataPolicy::NoData, series).check(
        20,
        expect![[r#"
        HighErrors did not fire at 10:20 UTC: C: $A / $B > 0.05 is 0 for all it was asked for
        grafana.yml:9 group g  2026-11-21T10:20:00Z

        ✓ samples     A: sum by (job) (errors)                      2 series
        ✓ samples     B: sum by (job) (requests)                    1 series
        ✗ comparison  C: $A / $B > 0.05                             0 of 1 value is not 0
                        0  {job="api"}
        · for         for 5m                                        not reached; it fired until 10:00:24 UTC
        · route       {}                                            would go to pager after 30s by the rule's own labels
    "#]],
    );
    with_rule(nodes("errors / on () errors"), NoDataPolicy::NoData, series).check(20, expect![[r#"
        HighErrors fires since 10:05:24 UTC, but no message of it is in the history
        grafana.yml:9 group g  2026-11-21T10:20:00Z

        ? operator    A: errors / on () errors                      failed to execute query A: found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="errors", job="web"}, {__name__="errors", job="api"}];many-to-many matching not allowed: matching labels must be unique on one side
        ✓ samples     B: sum by (job) (requests)                    1 series
        · operator    C: $A / $B > 0.05                             A failed
        ✓ operator    execErrState                                  Alerting: a failure is taken for the condition
        ✓ for         for 5m                                        1 held long enough
                        19m >= 5m  {alertname="HighErrors", datasource_uid="prom", grafana_folder="Bike", ref_id="A,B", severity="page"}
        ✓ inhibition  inhibition                                    none is inhibited
        ✓ silence     silences                                      none is silenced
        ✓ mute        mute times                                    none is muted
        ✓ route       {}                                            grouped as {alertname="HighErrors"}, waits 30s for others, told again every 4h
        ✓ receiver    pager                                         discord/0
        ✗ delivery    delivery                                      no message of it is in the history
    "#]]);
}
