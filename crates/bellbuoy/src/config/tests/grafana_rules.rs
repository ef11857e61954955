//! Grafana's rule files: what is read, and each mistake with its place.

use bellbuoy_rules::RuleSettings;
use bellbuoy_rules::grafana::{ErrorPolicy, Expression, NoDataPolicy, NodeKind, QueryKind};
use bellbuoy_vocabulary::Millis;
use expect_test::{Expect, expect};

use super::{check_files, good};

const DATASOURCES: &str = "apiVersion: 1\ndatasources:\n- {name: Prometheus, type: prometheus, uid: prom, jsonData: {timeInterval: 30s}}\n- {name: Logs, type: loki, uid: logs}\n";

/// A rule with everything it needs; `lines` come before its data, `more` after.
fn file(lines: &str, data: &str) -> String {
    let indent = |text: &str, by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    format!(
        "apiVersion: 1\ngroups:\n- name: g\n  folder: ML\n  interval: 1m\n  rules:\n  - uid: u1\n    title: High\n{}    data:\n{}",
        indent(lines, "    "),
        indent(data, "    ")
    )
}

const QUERY: &str = "- refId: A\n  datasourceUid: prom\n  relativeTimeRange: {from: 600, to: 0}\n  model: {expr: up, instant: true}\n";

fn check(lines: &str, data: &str, expected: Expect) {
    check_files(&[("datasources/ds.yml", DATASOURCES), ("alerting/rules.yml", &file(lines, data))], expected);
}

/// An expression B over the query A.
fn check_expression(model: &str, expected: Expect) {
    check("condition: B", &format!("{QUERY}- refId: B\n  datasourceUid: __expr__\n  model: {model}\n"), expected);
}

#[test]
fn a_whole_rule_is_read() {
    let text = r#"
apiVersion: 1
groups:
- orgId: 1
  name: model
  folder: ML
  interval: 1m
  rules:
  - uid: drift-high
    title: High drift
    condition: C
    for: 5m
    keepFiringFor: 2m
    noDataState: KeepLast
    execErrState: Error
    missing_series_evals_to_resolve: 4
    dashboardUid: dash
    panelId: 3
    annotations:
      summary: '{{ $labels.feature }} drifts: {{ $values.B.Value }} on ${HOST_NAME}'
    labels: {severity: warning, team: '{{ $$labels.team }}'}
    data:
    - refId: C
      datasourceUid: __expr__
      model:
        type: threshold
        expression: B
        conditions:
        - evaluator: {type: gt, params: [0.5]}
          unloadEvaluator: {type: lt, params: [0.3]}
    - refId: B
      datasourceUid: '-100'
      model: {type: reduce, expression: A, reducer: last, settings: {mode: dropNN}}
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 900, to: 300}
      model: {expr: 'rate(feature_drift[$__rate_interval])', range: true, intervalMs: 15000, maxDataPoints: 43200, editorMode: code}
"#;
    let settings =
        good(&[("provisioning/datasources/ds.yml", DATASOURCES), ("provisioning/alerting/rules.yml", text), (".env", "HOST_NAME=box\n")]);
    let [group] = settings.groups.as_slice() else { panic!("one group") };
    assert_eq!((group.file.as_str(), group.name.as_str(), group.interval), ("ML", "model", Millis::from_minutes(1)));
    let [RuleSettings::Grafana(rule)] = group.rules.as_slice() else { panic!("one rule") };
    assert_eq!((rule.hold, rule.keep_firing_for), (Millis::from_minutes(5), Millis::from_minutes(2)));
    assert_eq!((rule.no_data, rule.on_error, rule.missing_series_evals_to_resolve), (NoDataPolicy::KeepLast, ErrorPolicy::Error, 4));
    assert_eq!(rule.labels, [("severity".to_string(), "warning".to_string()), ("team".into(), "{{ $labels.team }}".into())]);
    let annotations: Vec<&str> = rule.annotations.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(annotations, ["{{ $labels.feature }} drifts: {{ $values.B.Value }} on box", "dash", "3"]);
    let order: Vec<&str> = rule.nodes.iter().map(|node| node.ref_id.as_str()).collect();
    assert_eq!(order, ["A", "B", "C"], "each node after those it needs");
    let NodeKind::Query(query) = &rule.nodes[0].kind else { panic!("a query") };
    assert_eq!((query.kind, query.from, query.to), (QueryKind::Range { step: Millis(15_000) }, Millis(900_000), Millis(300_000)));
    // The data source scrapes each 30 s: four of them.
    assert_eq!(query.expr.to_string(), "rate(feature_drift[2m])");
    assert!(matches!(&rule.nodes[2].kind, NodeKind::Expression(Expression::Threshold(threshold)) if threshold.unload.is_some()));
}

#[test]
fn a_folder_without_data_sources_is_answered_from_our_own_store() {
    let text = file("condition: A", QUERY);
    check_files(
        &[("alerting/rules.yml", &text)],
        expect![[
            r#"alerting/rules.yml:12:22: warning: no data source file says what "prom" is; it is answered from our own store; put Grafana's provisioning/datasources beside the rules"#
        ]],
    );
}

#[test]
fn json_is_read_as_well() {
    let text = r#"{"apiVersion": 1, "groups": [{"name": "g", "folder": "F", "interval": "10s", "rules": [{"uid": "u", "title": "T", "condition": "A",
        "data": [{"refId": "A", "datasourceUid": "prom", "relativeTimeRange": {"from": 60, "to": 0}, "model": {"expr": "up", "instant": true}}]}]}]}"#;
    let settings = good(&[("ds.yml", DATASOURCES), ("rules.json", text)]);
    assert_eq!(settings.groups[0].name, "g");
}

#[test]
fn groups_and_rules() {
    check_files(
        &[("r.yml", "apiVersion: 1\ngroups:\n- rules: []\n- name: a\n  folder: F\n  interval: soon\n  rules: []\n")],
        expect![[r#"
            r.yml:3:3: "name" is missing in this rule group; add `name: ...`
            r.yml:3:3: "folder" is missing in this rule group; add `folder: ...`
            r.yml:3:3: "interval" is missing in this rule group; add `interval: ...`
            r.yml:6:13: "interval" is not a valid duration: "soon"; write for example 15s, 5m or 1h30m"#]],
    );
    check("", QUERY, expect![[r#"alerting/rules.yml:7:5: "condition" is missing in this rule; add `condition: ...`"#]]);
    check("condition: X", QUERY, expect![[r#"alerting/rules.yml:9:16: "X" is not a refId of this rule; refIds of this rule: A"#]]);
    check(
        "condition: A\nnoDataState: Nodata\nexecErrState: ok\nfor: long\nisPaused: maybe",
        QUERY,
        expect![[r#"
        alerting/rules.yml:10:18: "noDataState" has no value "Nodata"; known ones: NoData, Alerting, OK, KeepLast
        alerting/rules.yml:11:19: "execErrState" has no value "ok"; known ones: Alerting, Error, OK, KeepLast
        alerting/rules.yml:12:10: "for" is not a valid duration: "long"; write for example 15s, 5m or 1h30m
        alerting/rules.yml:13:15: "isPaused" must be true or false, not "maybe""#]],
    );
    check(
        "condition: A\nlabels: {alertname: x, __name__: y}\nannotations: {a: '{{ $x }}', b: '{{ end }}'}",
        QUERY,
        expect![[r#"
        alerting/rules.yml:10:14: warning: the label "alertname" is set by Grafana itself; this value is not used; remove it, or give it another name
        alerting/rules.yml:10:28: the label "__name__" is reserved for Grafana itself; give it another name
        alerting/rules.yml:11:22: annotation "a": line 1: undefined variable "$x"
        alerting/rules.yml:11:37: annotation "b": line 1: unexpected {{ end }}"#]],
    );
    check(
        "condition: A\nlabels: {x: '{{ $labels.y }}', z: $UNSET_Z}",
        QUERY,
        expect![[r#"
        alerting/rules.yml:10:21: warning: Grafana reads $labels as an environment variable here and puts an empty text in its place; write $$labels
        alerting/rules.yml:10:39: warning: variable UNSET_Z is not set: as in Grafana an empty text takes its place; set UNSET_Z in the environment or in .env, or write $$ for a dollar sign"#]],
    );
    check(
        "condition: A\nconditon: B",
        QUERY,
        expect![[r#"alerting/rules.yml:10:5: unknown field "conditon" in rule; did you mean "condition"?"#]],
    );
    check(
        "condition: A\nrecord: {metric: 'a b', from: Q}",
        QUERY,
        expect![[r#"
        alerting/rules.yml:10:22: not a valid metric name: "a b"; use letters, digits, `_` and `:`
        alerting/rules.yml:10:35: "Q" is not a refId of this rule; refIds of this rule: A"#]],
    );
    check(
        "condition: A\nnotification_settings: {receiver: nobody, mute_time_intervals: [nights]}",
        QUERY,
        expect![[r#"
        alerting/rules.yml:10:39: notification_settings of "High": unknown receiver "nobody"; no receiver is configured
        alerting/rules.yml:10:39: notification_settings of "High": unknown time interval "nights"; no time interval is configured"#]],
    );
}

#[test]
fn names_are_unique_over_all_files() {
    let (first, text) = (file("condition: A", QUERY), file("condition: A", QUERY));
    check_files(
        &[("ds.yml", DATASOURCES), ("a.yml", &first), ("b.yml", &text)],
        expect![[r#"
        b.yml:3:9: a group of folder "ML" with the name "g" is already in a.yml:3; Grafana would use only the last of them; give one another name
        b.yml:7:10: the uid "u1" is already in a.yml:7; uids are unique over all files
        b.yml:8:12: warning: another rule of this folder has the title "High": a.yml:8; Grafana refuses this; their alerts have one name"#]],
    );
    let deleting = "apiVersion: 1\ndeleteRules:\n- {orgId: 1, uid: u1}\n- {orgId: 1}\n";
    check_files(
        &[("ds.yml", DATASOURCES), ("a.yml", &first), ("b.yml", deleting)],
        expect![[r#"
        b.yml:4:3: "uid" is missing in this entry of deleteRules; add `uid: ...`
        a.yml:7:5: warning: this rule is not used: deleteRules in b.yml:3 names it"#]],
    );
    check(
        "condition: A",
        &format!("{QUERY}{QUERY}"),
        expect![[r#"alerting/rules.yml:15:14: refId "A" is repeated; the first is in line 11; refIds are unique within a rule"#]],
    );
}

#[test]
fn queries() {
    let query = |fields: &str, model: &str| format!("- refId: A\n  datasourceUid: prom\n  {fields}\n  model: {model}\n");
    let ranged = "relativeTimeRange: {from: 600, to: 0}";
    check(
        "condition: A",
        &query(ranged, "{expr: 'sum(up', instant: true}"),
        expect!["alerting/rules.yml:14:28: not valid PromQL: unclosed left parenthesis"],
    );
    check(
        "condition: A",
        &query(ranged, "{expr: 'rate(up[$__rate_intervall])', instant: true}"),
        expect![[r#"alerting/rules.yml:14:21: not valid PromQL: bad number or duration syntax: "2ml""#]],
    );
    check(
        "condition: A",
        &query(ranged, "{expr: 'up{job=\"$job\"} > $limit', instant: true}"),
        expect![
            "alerting/rules.yml:14:39: not valid PromQL: unexpected character: '$'; of Grafana's variables rules know $__interval, $__rate_interval, $__range and their _ms and _s"
        ],
    );
    check(
        "condition: A",
        &query(ranged, "{instant: true}"),
        expect![[r#"alerting/rules.yml:14:14: "expr" is missing in this model; add `expr: ...`"#]],
    );
    check(
        "condition: A",
        &query("relativeTimeRange: {from: 0, to: 600}", "{expr: up, instant: true}"),
        expect![[
            r#"alerting/rules.yml:13:7: relativeTimeRange: "from" must be more seconds ago than "to"; write for example `from: 600` and `to: 0`"#
        ]],
    );
    check(
        "condition: A",
        &query(ranged, "{expr: up}"),
        expect![
            "alerting/rules.yml:9:16: warning: A gives time series, only reduced data can be alerted on: every evaluation will fail; add an expression of type reduce, or make the query an instant one"
        ],
    );
    check(
        "condition: A",
        &query(ranged, "{expr: up, instant: true, range: true, interval: often}"),
        expect![[r#"
        alerting/rules.yml:14:40: warning: the query is both instant and range; it is asked as an instant one; set one of them
        alerting/rules.yml:14:63: "interval" is not a valid duration: "often"; write for example 15s"#]],
    );
    check(
        "condition: A",
        &query(ranged, "{expr: up, instant: true}").replace("prom", "prmo"),
        expect![[r#"alerting/rules.yml:12:22: unknown data source "prmo"; did you mean "prom"? known ones: prom"#]],
    );
    check(
        "condition: A",
        &query(ranged, "{expr: up, instant: true}").replace("prom", "logs"),
        expect![[
            r#"alerting/rules.yml:12:22: data source "Logs" is of type "loki"; only prometheus can be asked; all Prometheus data sources are answered from our own store"#
        ]],
    );
}

#[test]
fn expressions() {
    check_expression(
        "{type: reduce, expression: A, reducer: avg}",
        expect![[r#"alerting/rules.yml:17:53: unknown reducer "avg"; known ones: sum, mean, min, max, count, last, median"#]],
    );
    check_expression(
        "{type: reduce, expression: $A, reducer: last, settings: {mode: replaceNN}}",
        expect![[r#"alerting/rules.yml:17:77: mode replaceNN needs a number in "replaceWithValue"; add `replaceWithValue: 0`"#]],
    );
    check_expression(
        "{type: reduce, expression: X, reducer: last}",
        expect![[r#"alerting/rules.yml:15:14: "X" is not a refId of this rule; refIds of this rule: A, B"#]],
    );
    check_expression(
        "{type: reduce, expression: B, reducer: last}",
        expect!["alerting/rules.yml:15:14: the refIds need each other in a circle: B -> B; one of them must begin with a query"],
    );
    check_expression(
        "{type: math, expression: '$A + * 2'}",
        expect!["alerting/rules.yml:17:45: not a valid formula: unexpected '*' where a value is expected"],
    );
    check_expression(
        "{type: math, expression: 'is_nil($A)'}",
        expect![[r#"alerting/rules.yml:17:40: not a valid formula: there is no function "is_nil"; did you mean is_nan()?"#]],
    );
    check_expression(
        "{type: resample, expression: A, window: 0s, downsampler: median, upsampler: fill}",
        expect![[r#"
        alerting/rules.yml:17:46: "window" must be longer than 0
        alerting/rules.yml:17:71: unknown downsampler "median"; did you mean "mean"?
        alerting/rules.yml:17:90: unknown upsampler "fill"; did you mean "fillna"?"#]],
    );
    check_expression(
        "{type: threshold, expression: A, conditions: []}",
        expect!["alerting/rules.yml:17:47: a threshold has exactly one condition, not 0"],
    );
    check_expression(
        "{type: threshold, expression: A, conditions: [{evaluator: {type: above, params: [1]}}]}",
        expect![[
            r#"alerting/rules.yml:17:79: unknown type "above"; known ones: gt, lt, eq, ne, gte, lte, within_range, outside_range, within_range_included, outside_range_included"#
        ]],
    );
    check_expression(
        "{type: threshold, expression: A, conditions: [{evaluator: {type: within_range, params: [1]}}]}",
        expect![[r#"alerting/rules.yml:17:93: within_range needs 2 numbers in "params", not 1"#]],
    );
    check_expression(
        "{type: threshold, expression: A, conditions: [{evaluator: {type: gt, params: [x]}}]}",
        expect![[r#"alerting/rules.yml:17:92: a parameter must be a number, not "x""#]],
    );
    check_expression(
        "{type: classic_conditions, conditions: [{evaluator: {type: gt, params: [1]}, reducer: {type: mean}, query: {params: []}}]}",
        expect![[r#"
            alerting/rules.yml:17:107: unknown type "mean"; known ones: avg, min, max, sum, count, last, median, diff, diff_abs, percent_diff, percent_diff_abs, count_non_null
            alerting/rules.yml:17:122: "params" must name the refId that is looked at; write `params: [A]`"#]],
    );
    check_expression(
        "{type: sql, expression: 'SELECT 1'}",
        expect!["alerting/rules.yml:17:21: expressions of type sql are not supported yet; use reduce, math and threshold"],
    );
    check_expression("{type: maths}", expect![[r#"alerting/rules.yml:17:21: unknown type of expression "maths"; did you mean "math"?"#]]);
    let threshold = "- refId: B\n  datasourceUid: __expr__\n  model: {type: threshold, expression: A, conditions: [{evaluator: {type: gt, params: [1]}, unloadEvaluator: {type: lt, params: [0]}}]}\n";
    let after = "- refId: C\n  datasourceUid: __expr__\n  model: {type: math, expression: $B}\n";
    check(
        "condition: C",
        &format!("{QUERY}{threshold}{after}"),
        expect!["alerting/rules.yml:7:5: a recovery threshold (unloadEvaluator) is only allowed in the condition, not in B"],
    );
}

#[test]
fn notification_settings_become_routes() {
    let rules = file("condition: A\nnotification_settings: {receiver: team, group_wait: 5s, group_by: ['...']}", QUERY);
    let alertmanager = "route: {receiver: all, group_by: [x]}\nreceivers: [{name: all}, {name: team}]\n";
    let settings = good(&[("ds.yml", DATASOURCES), ("r.yml", &rules), ("alertmanager.yml", alertmanager)]);
    let root = settings.router.expect("a router").route;
    let [route] = root.routes.as_slice() else { panic!("one route") };
    assert_eq!((route.receiver.as_str(), route.group_wait, route.group_by_all), ("team", Millis::from_seconds(5), true));
    assert_eq!(route.group_interval, root.group_interval, "what is not said is as in the root");
    assert_eq!(route.matchers.len(), 1);
}
