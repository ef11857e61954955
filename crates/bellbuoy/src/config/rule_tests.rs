//! promtool's rule test files: YAML to typed tests, with the groups of the rule files that they name.
//!
//! In:    the path of a test file. Out: tests with the file's defaults filled in, and groups in `group_eval_order`.
//! Never: expands variables in the test file: what a test expects is meant as written.

use std::path::{Path, PathBuf};

use bellbuoy_rules::GroupSettings;
use bellbuoy_rules::unittest::{AlertTest, ExpectedAlert, InputSeries, PromqlTest, RuleTest};
use bellbuoy_vocabulary::{Labels, Millis, Problem, Span, Timestamp, parse_float};

use super::read::{Fields, Pair, Report};
use super::rules::{self, RuleContext};
use super::settings::Global;
use super::{Hash, Loader, Smtp, Variables, file_sd, yaml};

/// A test file that could be read.
#[derive(Debug, Default)]
pub struct TestFile {
    pub tests: Vec<RuleTest>,
    pub groups: Vec<GroupSettings>,
    /// The rule files, as they were found.
    pub rule_files: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

/// How a test file is read.
pub struct TestReading<'a> {
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub check_template: &'a dyn Fn(&str) -> Result<(), String>,
    pub ignore_unknown_fields: bool,
}

/// The file and its rules, or its problems with carets.
pub fn read_tests(path: &Path, reading: &TestReading) -> Result<TestFile, Vec<String>> {
    let mut loader = Loader {
        variables: Variables { env: reading.env, file: Default::default(), file_name: String::new() },
        files: Default::default(),
        problems: Vec::new(),
        texts: Default::default(),
        hash: Hash::default(),
        smtp: Smtp::default(),
        masked: Default::default(),
        sources: Default::default(),
        variable_use: Default::default(),
    };
    let found = read_with(path, reading, &mut loader);
    let failed: Vec<String> = loader
        .problems
        .iter()
        .filter(|problem| problem.severity == bellbuoy_vocabulary::Severity::Error)
        .map(|problem| drawn(problem, &loader))
        .collect();
    match found {
        Some(mut found) if failed.is_empty() => {
            found.warnings = loader.problems.iter().map(|problem| problem.to_string()).collect();
            Ok(found)
        }
        _ => Err(failed),
    }
}

fn drawn(problem: &Problem, loader: &Loader) -> String {
    loader.texts.get(Path::new(&problem.file)).map_or_else(|| problem.to_string(), |text| problem.with_source(text))
}

fn read_with(path: &Path, reading: &TestReading, loader: &mut Loader) -> Option<TestFile> {
    let text = loader.text(path)?;
    let report = Report::new(path.display().to_string());
    let tree = yaml::parse(&text, &report);
    let file =
        tree.as_ref().and_then(|tree| TestsReader { report: &report, ignore_unknown: reading.ignore_unknown_fields }.file(&tree.root));
    let mut out = TestFile::default();
    if let Some(file) = file {
        let folder = path.parent().unwrap_or(Path::new(""));
        for (pattern, span) in &file.rule_files {
            let (found, problem) = file_sd::expand_glob(&folder.join(pattern).to_string_lossy());
            match problem {
                Some(problem) => report.error(*span, problem.message, ""),
                None if found.is_empty() => {
                    report.warning(*span, format!("{pattern:?} matches no rule file"), "paths count from the test file's folder")
                }
                None => out.rule_files.extend(found),
            }
        }
        out.tests = file.tests;
        for path in out.rule_files.clone() {
            let Some(file) = loader.open(&path) else { continue };
            let context = RuleContext {
                global: &Global::default(),
                text: &file.text,
                check_template: reading.check_template,
                ignore_unknown: reading.ignore_unknown_fields,
            };
            out.groups.extend(rules::read(&file.tree.root, &context, &file.report));
            loader.close(file);
        }
        // Groups that are not listed come with the first, as in promtool.
        let order = |group: &GroupSettings| file.order.iter().position(|name| *name == group.name).unwrap_or(0);
        out.groups.sort_by_key(order);
    }
    loader.problems.extend(report.into_problems());
    Some(out)
}

struct Read {
    rule_files: Vec<(String, Span)>,
    order: Vec<String>,
    tests: Vec<RuleTest>,
}

struct TestsReader<'a> {
    report: &'a Report,
    ignore_unknown: bool,
}

impl TestsReader<'_> {
    fn finish(&self, fields: Fields) {
        if !self.ignore_unknown {
            fields.finish();
        }
    }

    fn file(&self, root: &yaml::Node) -> Option<Read> {
        let fields = Fields::of(root, "rule test file", self.report)?;
        let rule_files = fields.texts("rule_files").iter().map(|text| (text.as_str().to_string(), text.span())).collect();
        let mut order: Vec<String> = Vec::new();
        for name in fields.texts("group_eval_order") {
            if order.iter().any(|known| known == name.as_str()) {
                fields.error(name.span(), format!("group name repeated in evaluation order: {}", name.as_str()), "");
            }
            order.push(name.as_str().to_string());
        }
        let evaluation_interval =
            fields.duration("evaluation_interval").filter(|length| *length > Millis::ZERO).unwrap_or(Millis::from_minutes(1));
        let fuzzy_compare = fields.boolean("fuzzy_compare").unwrap_or(false);
        let mut tests = Vec::new();
        for test in fields.maps("tests", "test") {
            tests.push(RuleTest { evaluation_interval, fuzzy_compare, ..self.test(test, evaluation_interval) });
        }
        self.finish(fields);
        Some(Read { rule_files, order, tests })
    }

    fn test(&self, fields: Fields, evaluation_interval: Millis) -> RuleTest {
        let mut test = RuleTest {
            name: fields.string("name").unwrap_or_default(),
            interval: fields.duration("interval").filter(|length| *length > Millis::ZERO).unwrap_or(evaluation_interval),
            external_labels: labels_of(&fields.pairs("external_labels")),
            external_url: fields.string("external_url").unwrap_or_default(),
            ..RuleTest::default()
        };
        if let Some(text) = fields.text("start_timestamp") {
            let seconds = parse_float(text.as_str()).filter(|seconds| seconds.is_finite()).map(Timestamp::from_seconds);
            match seconds.or_else(|| Timestamp::parse_rfc3339(text.as_str())) {
                Some(start) => test.start = start,
                None => fields.error(text.span(), "start_timestamp is no time", "write 2026-01-13T10:00:00Z or seconds since 1970"),
            }
        }
        for input in fields.maps("input_series", "input series") {
            let series = input.required("series").map(|text| text.as_str().to_string());
            let values = input.string("values").unwrap_or_default();
            self.finish(input);
            test.input_series.extend(series.map(|series| InputSeries { series, values }));
        }
        for alert in fields.maps("alert_rule_test", "alert rule test") {
            let name = alert.required("alertname").map(|text| text.as_str().to_string());
            let eval_time = alert.duration("eval_time").unwrap_or(Millis::ZERO);
            let mut expected = Vec::new();
            for one in alert.maps("exp_alerts", "expected alert") {
                for pair in one.pairs("exp_labels").iter().filter(|pair| pair.value().is_empty()) {
                    one.error(pair.name_span, format!("label {:?} is empty, and no alert has an empty label", pair.name), "leave it out");
                }
                expected.push(ExpectedAlert {
                    labels: labels_of(&one.pairs("exp_labels")),
                    annotations: labels_of(&one.pairs("exp_annotations")),
                });
                self.finish(one);
            }
            self.finish(alert);
            test.alert_tests.extend(name.map(|alertname| AlertTest { eval_time, alertname, expected }));
        }
        for query in fields.maps("promql_expr_test", "expression test") {
            let expr = query.required("expr").map(|text| text.as_str().to_string());
            let eval_time = query.duration("eval_time").unwrap_or(Millis::ZERO);
            let mut expected = Vec::new();
            for sample in query.maps("exp_samples", "expected sample") {
                sample.not_yet_but(&["histogram"], "expect the result of histogram_quantile or histogram_count");
                let labels = sample.string("labels").unwrap_or_default();
                let value = sample.text("value").map_or(Some(0.0), |text| number(text.as_str()));
                if value.is_none() {
                    sample.error(sample.key_span("value"), "the value is no number", "");
                }
                self.finish(sample);
                expected.push((labels, value.unwrap_or(0.0)));
            }
            self.finish(query);
            test.promql_tests.extend(expr.map(|expr| PromqlTest { expr, eval_time, expected }));
        }
        self.finish(fields);
        test
    }
}

/// YAML's own words for what is no number, and Prometheus'.
fn number(text: &str) -> Option<f64> {
    match text.to_lowercase().as_str() {
        ".inf" | "+.inf" => Some(f64::INFINITY),
        "-.inf" => Some(f64::NEG_INFINITY),
        ".nan" => Some(f64::NAN),
        _ => parse_float(text),
    }
}

fn labels_of(pairs: &[Pair]) -> Labels {
    Labels::from_pairs(pairs.iter().map(|pair| (pair.name, pair.value())))
}
