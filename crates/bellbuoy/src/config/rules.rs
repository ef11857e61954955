//! Rule files: groups of recording and alerting rules, with Prometheus' checks.

use std::collections::HashMap;

use bellbuoy_promql::Expr;
use bellbuoy_rules::{AlertingSettings, GroupSettings, RecordingSettings, RuleSettings};
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis};

use super::read::{Fields, Pair, Report, Text, label_name_ok};
use super::settings::Global;
use super::yaml::{Node, place_within};

/// What the reading of a rule file needs to know of the rest.
pub struct RuleContext<'a> {
    pub global: &'a Global,
    /// The file's text, to find the place of an error inside of an expression.
    pub text: &'a str,
    pub check_template: &'a dyn Fn(&str) -> Result<(), String>,
    /// Fields that nobody knows are told as warnings: metadata of a team's own, when rules are tested.
    pub ignore_unknown: bool,
}

impl RuleContext<'_> {
    fn finish(&self, fields: Fields) {
        if self.ignore_unknown { fields.finish_with_warnings() } else { fields.finish() }
    }
}

pub fn read(root: &Node, context: &RuleContext, report: &Report) -> Vec<GroupSettings> {
    let Some(fields) = Fields::of(root, "rule file", report) else { return Vec::new() };
    let mut groups = Vec::new();
    let mut names: HashMap<String, usize> = HashMap::new();
    for group in fields.maps("groups", "rule group") {
        let Some(group) = read_group(group, context, &mut names) else { continue };
        groups.push(group);
    }
    context.finish(fields);
    groups
}

fn read_group(fields: Fields, context: &RuleContext, names: &mut HashMap<String, usize>) -> Option<GroupSettings> {
    let name = fields.required("name");
    if let Some(name) = name
        && let Some(line) = names.insert(name.as_str().to_string(), name.span().line)
    {
        let message = format!("group {:?} is repeated; the first is in line {line}", name.shown());
        fields.error(name.span(), message, "group names are unique within a file");
    }
    let labels = fields.pairs("labels");
    check_labels(&fields, &labels, "label");
    let interval = fields.duration("interval").filter(|length| *length != Millis::ZERO).unwrap_or(context.global.evaluation_interval);
    let query_offset = fields.duration("query_offset").unwrap_or(context.global.rule_query_offset);
    let limit = fields.integer("limit").unwrap_or(0);
    let mut rules = Vec::new();
    let mut seen = HashMap::new();
    for rule in fields.maps("rules", "rule") {
        rules.extend(read_rule(rule, &labels, context, &mut seen));
    }
    let file = fields.report.file.clone();
    context.finish(fields);
    Some(GroupSettings { name: name?.as_str().to_string(), file, interval, limit, query_offset, rules })
}

/// Name and labels of a rule, for finding duplicates.
type Identity = (String, Vec<(String, String)>);

fn read_rule(fields: Fields, group_labels: &[Pair], context: &RuleContext, seen: &mut HashMap<Identity, usize>) -> Option<RuleSettings> {
    let record = fields.text("record").filter(|text| !text.as_str().is_empty());
    let alert = fields.text("alert").filter(|text| !text.as_str().is_empty());
    let expr = expression(&fields, context.text);
    let hold = fields.duration("for");
    let keep_firing_for = fields.duration("keep_firing_for");
    let labels = fields.pairs("labels");
    check_labels(&fields, &labels, "label");
    let annotations = fields.pairs("annotations");
    check_labels(&fields, &annotations, "annotation");
    let name = match (record, alert) {
        (Some(record), None) => {
            check_recording(&fields, record);
            record
        }
        (None, Some(alert)) => {
            check_templates(&fields, "label", &labels, context);
            check_templates(&fields, "annotation", &annotations, context);
            alert
        }
        (Some(_), Some(alert)) => {
            fields.error(alert.span(), "a rule has either \"record\" or \"alert\", not both", "make two rules of it");
            return None;
        }
        (None, None) => {
            fields.error(fields.span, "a rule needs \"record\" or \"alert\"", "add `alert: NameOfTheAlert` or `record: name:of:series`");
            return None;
        }
    };
    tell_of_duplicate(&fields, name, &labels, seen);
    let merged = merge_labels(group_labels, &labels);
    let span = fields.span;
    context.finish(fields);
    let (name, expr) = (name.as_str().to_string(), expr?.into());
    Some(match record {
        Some(_) => RuleSettings::Recording(RecordingSettings { record: name, expr, labels: Labels::from_pairs(merged), span }),
        None => RuleSettings::Alerting(AlertingSettings {
            alert: name,
            expr,
            hold: hold.unwrap_or(Millis::ZERO),
            keep_firing_for: keep_firing_for.unwrap_or(Millis::ZERO),
            labels: merged,
            annotations: annotations.iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect(),
            span,
        }),
    })
}

fn expression(fields: &Fields, file_text: &str) -> Option<Expr> {
    let text = fields.required("expr")?;
    match bellbuoy_promql::parse(text.as_str()) {
        Ok(expr) => Some(expr),
        Err(error) => {
            let mut span = place_within(file_text, text.node, error.span.start);
            let one_line = text.as_str().get(error.span.clone()).is_some_and(|part| !part.contains('\n'));
            if one_line && !text.scalar.expanded() {
                span.length = text.as_str()[error.span.clone()].chars().count().max(1);
            }
            fields.error(span, format!("not valid PromQL: {}", text.details(&error.message)), "");
            None
        }
    }
}

fn check_recording(fields: &Fields, record: Text) {
    for key in ["annotations", "for", "keep_firing_for"] {
        let empty = fields.node(key).is_none_or(|node| node.scalar().is_some_and(|text| matches!(text.text.as_str(), "0" | "0s")));
        if !empty {
            fields.error(
                fields.key_span(key),
                format!("{key:?} has no meaning in a recording rule"),
                "remove it, or write alert instead of record",
            );
        }
    }
    if record.as_str().contains(['{', '}']) {
        fields.error(
            record.span(),
            format!("braces in the name of a recording rule: {:?}", record.shown()),
            "labels belong under labels:, selectors into expr",
        );
    }
}

fn check_labels(fields: &Fields, pairs: &[Pair], what: &str) {
    for pair in pairs {
        if !label_name_ok(pair.name) {
            fields.error(pair.name_span, format!("empty {what} name"), "");
        } else if what == "label" && pair.name == METRIC_NAME {
            fields.error(pair.name_span, "`__name__` can not be set by a rule's labels", "name the series with record:");
        }
    }
}

fn check_templates(fields: &Fields, what: &str, pairs: &[Pair], context: &RuleContext) {
    for pair in pairs {
        let Some(text) = pair.text else { continue };
        if let Err(error) = (context.check_template)(text.as_str()) {
            fields.error(text.span(), format!("{what} {:?}: {}", pair.name, text.details(&error)), "");
        }
    }
}

/// Two rules with one name and equal labels write the same series when their queries overlap, which promtool warns of. Most do not:
/// they are the parts of one alert or of one recorded name. What stands twice as it is, is a finding of the check `duplicate-rule`.
fn tell_of_duplicate(fields: &Fields, name: Text, labels: &[Pair], seen: &mut HashMap<Identity, usize>) {
    let mut identity: Vec<(String, String)> = labels.iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect();
    identity.sort();
    let line = fields.span.line;
    if let Some(first) = seen.insert((name.as_str().to_string(), identity), line) {
        let message = format!("{:?} with the same labels is already a rule of this group, in line {first}", name.shown());
        fields.report.note(name.span(), message, "give one of the two another name or label, unless their queries never overlap");
    }
}

/// The group's labels, over which the rule's own win.
fn merge_labels(group: &[Pair], rule: &[Pair]) -> Vec<(String, String)> {
    let from_group = group.iter().filter(|pair| !rule.iter().any(|own| own.name == pair.name));
    from_group.chain(rule).map(|pair| (pair.name.to_string(), pair.value().to_string())).collect()
}

/// Where a rule stands, for callers that only have the tree.
pub fn looks_like_rules(root: &Node) -> bool {
    let Some(Node { value: super::yaml::Value::List(groups), .. }) = root.get("groups") else { return false };
    let grafana = root.get("apiVersion").is_some();
    !grafana && groups.iter().all(|group| group.get("name").is_some() || group.get("rules").is_some())
}
