//! What the tests of all checks share, and the rules of the mission's documents and of the ready stack.

use bellbuoy_promql::parse;
use bellbuoy_router::{Route, RouterSettings};
use bellbuoy_rules::grafana::{ErrorPolicy, GrafanaSettings, NoDataPolicy, Node};
use bellbuoy_rules::{AlertingSettings, GroupSettings, RecordingSettings, RuleSettings};
use bellbuoy_vocabulary::{Labels, MatchOp, Matcher, Millis, Severity, Span};

use crate::{CHECKS, Finding, Input, check};

mod soundness;

pub fn alert(expr: &str) -> AlertingSettings {
    let expr = parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}"));
    AlertingSettings {
        alert: "Test".into(),
        expr: expr.into(),
        hold: Millis::ZERO,
        keep_firing_for: Millis::ZERO,
        labels: Vec::new(),
        annotations: Vec::new(),
        span: Span { line: 3, column: 9, length: 1 },
    }
}

/// The last node is the condition.
pub fn grafana_rule(title: &str, nodes: Vec<Node>) -> GrafanaSettings {
    GrafanaSettings {
        uid: "u".into(),
        title: title.into(),
        folder: "Bike".into(),
        condition: nodes.last().expect("a node").ref_id.clone(),
        nodes,
        no_data: NoDataPolicy::NoData,
        on_error: ErrorPolicy::Error,
        hold: Millis::from_minutes(5),
        keep_firing_for: Millis::ZERO,
        missing_series_evals_to_resolve: 2,
        labels: vec![("severity".into(), "page".into())],
        annotations: Vec::new(),
        is_paused: false,
        record: None,
        notification: None,
        file: "grafana.yml".into(),
        span: Span { line: 9, column: 5, length: 1 },
    }
}

pub fn group(rules: Vec<RuleSettings>) -> GroupSettings {
    let (name, file) = ("g".to_string(), "rules.yml".to_string());
    GroupSettings { name, file, interval: Millis::from_seconds(15), limit: 0, query_offset: Millis::ZERO, rules }
}

pub fn findings_of_groups(groups: &[GroupSettings]) -> Vec<Finding> {
    let scrapes = [("slow".to_string(), Millis::from_minutes(1)), ("api".to_string(), Millis::from_seconds(15))];
    // Whether a test's alert compares anything, and how long it waits, is not what it is about.
    let mut found = check(&Input { groups, scrapes: &scrapes, ..Input::default() });
    found.retain(|finding| finding.code != "alert-always" && finding.code != "alert-at-start");
    found
}

/// All findings, `alert-always` among them.
pub fn all_findings_of(expr: &str) -> Vec<Finding> {
    check(&Input { groups: &[group(vec![RuleSettings::Alerting(alert(expr))])], ..Input::default() })
}

pub fn findings_of(rules: Vec<AlertingSettings>) -> Vec<Finding> {
    findings_of_groups(&[group(rules.into_iter().map(RuleSettings::Alerting).collect())])
}

/// With types of metrics that were seen, none of which is whole.
pub fn findings_with(rules: Vec<RuleSettings>, metrics: &crate::Metrics) -> Vec<Finding> {
    check(&Input { groups: &[group(rules)], metrics: Some(metrics), ..Input::default() })
}

/// The expression has exactly one finding, of this check, with this fix ("" is none). The fix of a matching has no finding.
pub fn bad(code: &str, expr: &str, fix: &str) {
    let found = findings_of(vec![alert(expr)]);
    let got: Vec<(&str, &str)> = found.iter().map(|f| (f.code, f.fix.as_deref().unwrap_or(""))).collect();
    assert!(got == [(code, fix)], "{expr}: {found:#?}");
    if code == "matching-never" && !fix.is_empty() {
        assert_eq!(findings_of(vec![alert(fix)]), [], "the fix of {expr}");
    }
}

pub fn bad_why(expr: &str, why: &str) {
    assert_eq!(findings_of(vec![alert(expr)]).iter().map(|f| f.why.as_str()).collect::<Vec<_>>(), [why]);
}

/// No check has anything to say.
pub fn good(_: &str, expr: &str) {
    assert_eq!(findings_of(vec![alert(expr)]), [], "{expr}");
}

pub fn route(matchers: &[&str]) -> Route {
    let matcher = |text: &&str| {
        let at = text.find(['=', '!']).expect("an operator");
        let (op, length) = match &text[at..at + 2] {
            "=~" => (MatchOp::Regex, 2),
            "!~" => (MatchOp::NotRegex, 2),
            "!=" => (MatchOp::NotEqual, 2),
            _ => (MatchOp::Equal, 1),
        };
        Matcher::new(&text[..at], op, text[at + length..].trim_matches('"')).expect("a valid matcher")
    };
    Route { receiver: "r".into(), matchers: matchers.iter().map(matcher).collect(), ..Route::default() }
}

pub fn findings_of_inhibition(rules: &[AlertingSettings], source: &[&str], target: &[&str], equal: &[&str]) -> Vec<Finding> {
    let matchers = |words: &[&str]| route(words).matchers;
    let inhibit = bellbuoy_router::InhibitRule {
        source_matchers: matchers(source),
        target_matchers: matchers(target),
        equal: equal.iter().map(|label| label.to_string()).collect(),
    };
    let router = RouterSettings {
        route: route(&[]),
        inhibit_rules: vec![inhibit],
        time_intervals: Vec::new(),
        resolve_timeout: Millis::from_minutes(5),
        receivers: Vec::new(),
    };
    let groups = [group(rules.iter().cloned().map(RuleSettings::Alerting).collect())];
    check(&Input { groups: &groups, router: Some(&router), ..Input::default() })
}

pub fn findings_of_routes(routes: Vec<Route>, receivers: &[&str], rules: &[AlertingSettings]) -> Vec<Finding> {
    let root = Route { routes, receiver: "default".into(), ..route(&[]) };
    let router = RouterSettings {
        route: root,
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: Millis::from_minutes(5),
        receivers: Vec::new(),
    };
    let receivers: Vec<bellbuoy_notify::Receiver> = receivers
        .iter()
        .map(|name| bellbuoy_notify::Receiver { name: name.to_string(), labels: Default::default(), integrations: Vec::new() })
        .collect();
    let groups = [group(rules.iter().cloned().map(RuleSettings::Alerting).collect())];
    check(&Input { groups: &groups, router: Some(&router), router_file: "alertmanager.yml", receivers: &receivers, ..Input::default() })
}

pub fn record(name: &str, expr: &str, labels: &[(&str, &str)]) -> RuleSettings {
    let labels = Labels::from_pairs(labels.iter().copied());
    RuleSettings::Recording(RecordingSettings { record: name.into(), expr: alert(expr).expr, labels, span: Span::default() })
}

#[test]
fn recording_rules_are_looked_through() {
    let rules = |expr: &str| {
        let records = vec![
            record("top:errors:rate", "sum by (kind) (job:errors:rate)", &[("team", "ml")]),
            record("job:errors:rate", "sum by (job, kind) (rate(errors_total[5m]))", &[]),
            record("a:loop", "a:loop + 1", &[]),
        ];
        findings_of_groups(&[group(records.into_iter().chain([RuleSettings::Alerting(alert(expr))]).collect())])
    };
    let codes = |expr: &str| rules(expr).iter().map(|f| (f.code, f.severity)).collect::<Vec<_>>();
    assert_eq!(codes("top:errors:rate / sum(rate(requests_total[5m]))"), [("matching-never", Severity::Error)]);
    let gone = [("matching-never", Severity::Error), ("label-unknown", Severity::Error)];
    assert_eq!(codes("top:errors:rate{job=\"a\"} / top:errors:rate"), gone);
    assert_eq!(codes("top:errors:rate / on() group_left() sum(rate(requests_total[5m]))"), []);
    assert_eq!(codes("top:errors:rate / ignoring(team) sum by (kind) (y)"), []);
    assert_eq!(codes("rate(job:errors:rate[20s])"), [("rate-of-gauge", Severity::Warning), ("range-too-short", Severity::Warning)]);
    assert_eq!(codes("a:loop / sum(x)"), []);
}

/// Repaired rules of the documents: the one that is broken is found, the others are left alone.
#[test]
fn rules_of_the_documents() {
    for expr in [
        "histogram_quantile(0.95, rate(prediction_latency_seconds_bucket[5m])) > 1.0",
        "rate(prediction_errors_total[5m]) / (rate(predictions_total[5m]) + 0.001) > 0.05",
        "up{job=\"api\"} == 0",
        "data_drift_score > 0.3",
        "feature_drift > 0.4",
        "increase(predictions_total[30m]) == 0",
        "data_drift_score > 0.2 and increase(predictions_total[24h]) > 100",
        "sum(rate(predictions_by_severity_total{severity=\"4\"}[1h])) / sum(rate(predictions_by_severity_total[1h])) > 0.5",
        "bike_model_r2 < 0.65",
        "drift_share > 0.5",
        "increase(training_runs_total{status=\"failure\"}[1h]) > 0",
        "sum(rate(fastapi_errors_total[5m])) / sum(rate(fastapi_requests_total[5m])) > 0.05",
        "pipeline_job_success_status{job=\"ingest\"} == 0",
        "time() - pipeline_last_successful_ingestion_timestamp_seconds > 86400",
        "sum by (component) (increase(pipeline_component_errors_total[15m])) > 5",
        "sentiment_model_validation_accuracy < 0.7",
        "rl_agent_backtest_sharpe_ratio < 0.5",
    ] {
        good("", expr);
    }
    let broken = "sum(rate(prediction_errors_total[5m])) by (error_type) / (sum(rate(predictions_total[5m])) + 0.001) > 0.05";
    let found = findings_of(vec![alert(broken)]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].problem().to_string(),
        "rules.yml:3:9: warning: alert Test: the left side of `/` has the label \"error_type\", the right side never has it; \
         sum by (error_type) (rate(prediction_errors_total[5m])) / on () group_left () (sum(rate(predictions_total[5m])) + 0.001) > 0.05"
    );
    // What that document replaced, and why it never fired: `le` is on one side only.
    let found = findings_of(vec![alert("prediction_latency_seconds_bucket{le=\"1.0\"} < 0.5 * prediction_latency_seconds_count")]);
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["bucket-with-count"]);
}

/// The rules of the ready stack, read as far as expressions go: `expr: text` or `expr: |` with lines below it.
fn expressions(text: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line.trim_start().strip_prefix("expr:") else { continue };
        if rest.trim() != "|" {
            found.push(rest.trim().to_string());
            continue;
        }
        let mut block = String::new();
        while let Some(next) = lines.next_if(|next| next.trim().is_empty() || indent(next) > indent(line)) {
            block += next;
            block += "\n";
        }
        found.push(block);
    }
    found
}

#[test]
fn the_ready_stack_has_no_finding() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../stacks/bike-traffic/alerts.yml");
    let text = std::fs::read_to_string(path).expect("the stack is part of the repository");
    let expressions = expressions(&text);
    assert!(expressions.len() >= 10, "{}", expressions.len());
    for expr in expressions {
        good("", &expr);
    }
}

#[test]
fn every_check_has_its_page() {
    for check in CHECKS {
        let path = format!("{}/../../docs/checks/{}.md", env!("CARGO_MANIFEST_DIR"), check.code);
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page.starts_with(&format!("# {}", check.code)), "{path} is missing or has another title");
    }
}
