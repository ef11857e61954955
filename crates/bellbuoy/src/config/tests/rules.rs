//! Mistakes in rule files.

use expect_test::{Expect, expect};

use super::check_files;

fn check(text: &str, expected: Expect) {
    check_files(&[("rules.yml", text)], expected);
}

/// One rule of one group, as its lines.
fn check_rule(lines: &str, expected: Expect) {
    let lines = lines.replace('\n', "\n    ");
    check(&format!("groups:\n- name: g\n  rules:\n  - {lines}\n"), expected);
}

#[test]
fn groups() {
    check(
        "groups:\n- name: a\n  rules: []\n- name: a\n  rules: []\n",
        expect![[r#"rules.yml:4:9: group "a" is repeated; the first is in line 2; group names are unique within a file"#]],
    );
    check("groups:\n- rules: []\n", expect![[r#"rules.yml:2:3: "name" is missing in this rule group; add `name: ...`"#]]);
    check("groups:\n- name: ''\n  rules: []\n", expect![[r#"rules.yml:2:9: "name" is empty"#]]);
    check(
        "groups:\n- name: a\n  intervall: 1m\n  rules: []\n",
        expect![[r#"rules.yml:3:3: unknown field "intervall" in rule group; did you mean "interval"?"#]],
    );
    check(
        "groups:\n- name: a\n  interval: fast\n  limit: few\n  rules: []\n",
        expect![[r#"
        rules.yml:3:13: "interval" is not a valid duration: "fast"; write for example 15s, 5m or 1h30m
        rules.yml:4:10: "limit" must be a whole number, not "few""#]],
    );
    check(
        "groups:\n- name: a\n  labels: {__name__: x}\n  rules: []\n",
        expect!["rules.yml:3:12: `__name__` can not be set by a rule's labels; name the series with record:"],
    );
    check("groups:\n- name: a\n  rules:\n  -\n", expect![[r#"rules.yml:4:4: empty rule in "rules"; remove the lone `-`"#]]);
}

#[test]
fn rules() {
    check_rule(
        "expr: up",
        expect![[r#"rules.yml:4:5: a rule needs "record" or "alert"; add `alert: NameOfTheAlert` or `record: name:of:series`"#]],
    );
    check_rule(
        "alert: A\nrecord: a\nexpr: up",
        expect![[r#"rules.yml:4:12: a rule has either "record" or "alert", not both; make two rules of it"#]],
    );
    check_rule("alert: A", expect![[r#"rules.yml:4:5: "expr" is missing in this rule; add `expr: ...`"#]]);
    check_rule("alert: A\nexpr: ''", expect![[r#"rules.yml:5:11: "expr" is empty"#]]);
    check_rule(
        "record: a\nexpr: up\nfor: 5m\nannotations: {a: b}",
        expect![[r#"
        rules.yml:6:5: "for" has no meaning in a recording rule; remove it, or write alert instead of record
        rules.yml:7:5: "annotations" has no meaning in a recording rule; remove it, or write alert instead of record"#]],
    );
    check_rule(
        "record: a{b=\"c\"}\nexpr: up",
        expect![[
            r#"rules.yml:4:13: braces in the name of a recording rule: "a{b=\"c\"}"; labels belong under labels:, selectors into expr"#
        ]],
    );
    check_rule(
        "alert: A\nexpr: up\nfor: soon",
        expect![[r#"rules.yml:6:10: "for" is not a valid duration: "soon"; write for example 15s, 5m or 1h30m"#]],
    );
    check_rule(
        "alert: A\nexpr: up\nlables: {severity: critical}",
        expect![[r#"rules.yml:6:5: unknown field "lables" in rule; did you mean "labels"?"#]],
    );
    check_rule(
        "alert: A\nexpr: up\nlabels: {__name__: b}",
        expect!["rules.yml:6:14: `__name__` can not be set by a rule's labels; name the series with record:"],
    );
    check_rule(
        "alert: A\nexpr: up\nlabels: {'': b}\nannotations: {'': b}",
        expect![[r#"
        rules.yml:6:14: empty label name
        rules.yml:7:19: empty annotation name"#]],
    );
    check_rule(
        "alert: A\nexpr: up\nannotations: {summary: 'is {{ $value'}",
        expect![[r#"rules.yml:6:28: annotation "summary": unclosed action"#]],
    );
    check_rule(
        "alert: A\nexpr: up\nlabels:\n  severity: [critical]",
        expect![[r#"rules.yml:7:17: the value of "severity" must be a text, not a list"#]],
    );
    check_rule(
        "alert: A\nexpr: up\n- alert: A\n",
        expect!["rules.yml:6:7: not valid YAML: while parsing a block mapping, did not find expected key"],
    );
    check(
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up}\n  - {alert: A, expr: down}\n",
        expect![[
            r#"rules.yml:5:13: note: "A" with the same labels is already a rule of this group, in line 4; give one of the two another name or label, unless their queries never overlap"#
        ]],
    );
}

/// The column inside of each kind of scalar. `)` is what is wrong.
#[test]
fn places_inside_of_expressions() {
    check_rule("alert: A\nexpr: sum(up)) > 1", expect!["rules.yml:5:18: not valid PromQL: unexpected right parenthesis ')'"]);
    check_rule("alert: A\nexpr: 'up{a=''b''})'", expect!["rules.yml:5:23: not valid PromQL: unexpected right parenthesis ')'"]);
    check_rule("alert: A\nexpr: \"up{a=\\\"b\\\"} )\"", expect!["rules.yml:5:24: not valid PromQL: unexpected right parenthesis ')'"]);
    check_rule(
        "alert: A\nexpr: |\n  sum(\n    up\n  ))\n    > 1",
        expect!["rules.yml:8:8: not valid PromQL: unexpected right parenthesis ')'"],
    );
    check_rule(
        "alert: A\nexpr: >-\n  sum(up)\n\n  / sum(up))",
        expect!["rules.yml:8:16: not valid PromQL: unexpected right parenthesis ')'"],
    );
    check_rule("alert: A\nexpr: sum(up)\n  + sum(up))", expect!["rules.yml:6:16: not valid PromQL: unexpected right parenthesis ')'"]);
    check_rule("alert: A\nexpr: sum(", expect!["rules.yml:5:15: not valid PromQL: unclosed left parenthesis"]);
}
