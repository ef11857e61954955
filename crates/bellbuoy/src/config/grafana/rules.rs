//! The sections `groups` and `deleteRules` of an alerting file.
//!
//! In:    the fields of one file, what was seen in others. Out: rule groups with `GrafanaSettings`, the uids to delete.
//! Never: passes over what alerting needs: an expression that is not supported is a problem with its place.

use std::collections::{BTreeMap, HashMap};

use bellbuoy_rules::grafana::{
    ErrorPolicy, GrafanaSettings, NoDataPolicy, Node, NodeKind, NotificationSettings, PlanError, Planned, RecordSettings, check_template,
};
use bellbuoy_rules::{GroupSettings, RuleSettings};
use bellbuoy_vocabulary::{Millis, Span, is_classic_metric_name};

use super::super::read::{Fields, Pair, Report, Text};
use super::super::yaml::{self, place_within};
use super::datasources::Datasources;
use super::model;

/// Grafana's bound for uids.
const UID_CHARS_MAX: usize = 40;

/// What the files read so far have named: names are unique over all files.
#[derive(Default)]
pub struct Seen {
    /// Where each uid and each group stands.
    uids: HashMap<String, String>,
    groups: HashMap<(String, String), String>,
    /// Titles of a folder.
    titles: HashMap<(String, String), String>,
    deleted: BTreeMap<String, String>,
}

/// What the reading of rules needs to know of the rest.
pub struct Context<'a> {
    pub datasources: &'a Datasources,
    /// The file's text, to find the place of an error inside of an expression.
    pub text: &'a str,
}

/// Both sections of one file.
pub fn read(file: &Fields, context: &Context, seen: &mut Seen) -> Vec<GroupSettings> {
    for entry in file.maps("deleteRules", "entry of deleteRules") {
        entry.integer("orgId");
        if let Some(uid) = entry.required("uid") {
            seen.deleted.insert(uid.as_str().to_string(), place(file.report, uid.span()));
        }
        entry.finish();
    }
    file.maps("groups", "rule group").into_iter().filter_map(|group| read_group(group, context, seen)).collect()
}

/// Rules that `deleteRules` of any file names go, as in Grafana.
pub fn delete(groups: &mut Vec<GroupSettings>, seen: &Seen, report: impl Fn(&GrafanaSettings, String)) {
    for group in groups.iter_mut() {
        group.rules.retain(|rule| {
            let RuleSettings::Grafana(rule) = rule else { return true };
            let Some(place) = seen.deleted.get(&rule.uid) else { return true };
            report(rule, format!("this rule is not used: deleteRules in {place} names it"));
            false
        });
    }
    groups.retain(|group| !group.rules.is_empty());
}

fn place(report: &Report, span: Span) -> String {
    format!("{}:{}", report.file, span.line)
}

/// Says where something stands already; the first of its kind.
fn repeated(fields: &Fields, before: Option<String>, text: Text, what: &str, help: &str) -> bool {
    let Some(before) = before else { return false };
    fields.error(text.span(), format!("{what} {:?} is already in {before}", text.shown()), help);
    true
}

fn read_group(fields: Fields, context: &Context, seen: &mut Seen) -> Option<GroupSettings> {
    fields.integer("orgId");
    let name = fields.required("name");
    let folder = fields.required("folder");
    let interval = fields.required("interval").and_then(|_| fields.duration("interval"));
    if let (Some(name), Some(folder)) = (name, folder) {
        let key = (folder.as_str().to_string(), name.as_str().to_string());
        let before = seen.groups.insert(key, place(fields.report, name.span()));
        let what = format!("a group of folder {:?} with the name", folder.shown());
        repeated(&fields, before, name, &what, "Grafana would use only the last of them; give one another name");
    }
    if interval == Some(Millis::ZERO) {
        fields.error(fields.key_span("interval"), "\"interval\" must be longer than 0", "");
    }
    let folder_name = folder.map_or("", |folder| folder.as_str());
    let mut rules = Vec::new();
    for rule in fields.maps("rules", "rule") {
        rules.extend(read_rule(rule, folder_name, context, seen).map(|rule| RuleSettings::Grafana(Box::new(rule))));
    }
    fields.finish();
    let (name, file, interval) = (name?.as_str().to_string(), folder?.as_str().to_string(), interval?);
    Some(GroupSettings { name, file, interval, limit: 0, query_offset: Millis::ZERO, rules })
}

fn read_rule(fields: Fields, folder: &str, context: &Context, seen: &mut Seen) -> Option<GrafanaSettings> {
    let uid = read_uid(&fields, seen);
    let title = fields.required("title");
    if let Some(title) = title {
        let key = (folder.to_string(), title.as_str().to_string());
        if let Some(before) = seen.titles.insert(key, place(fields.report, title.span())) {
            let message = format!("another rule of this folder has the title {:?}: {before}", title.shown());
            fields.report.warning(title.span(), message, "Grafana refuses this; their alerts have one name");
        }
    }
    let (nodes, spans) = read_data(&fields, context);
    let record = fields.map("record", "record");
    let recorded = record.as_ref().and_then(read_record);
    if let Some(record) = record {
        record.finish();
    }
    let condition = match &recorded {
        Some((_, from)) => {
            fields.text("condition");
            Some(*from)
        }
        None if fields.has("record") => None,
        None => fields.required("condition"),
    };
    let labels = read_texts(&fields, "labels", "label");
    let mut annotations = read_texts(&fields, "annotations", "annotation");
    annotations.extend(read_panel(&fields));
    let no_data = policy(&fields, "noDataState", NoDataPolicy::default(), &NO_DATA);
    let on_error = policy(&fields, "execErrState", ErrorPolicy::default(), &ON_ERROR);
    let hold = optional_duration(&fields, "for");
    let keep_firing_for = optional_duration(&fields, "keepFiringFor");
    let missing = fields.integer("missing_series_evals_to_resolve").unwrap_or(2);
    let is_paused = fields.boolean("isPaused").unwrap_or(false);
    let notification = fields.map("notification_settings", "notification_settings").and_then(read_notification);
    let nodes = nodes.and_then(|nodes| planned(&fields, nodes, &spans));
    if let (Some(nodes), Some(condition)) = (&nodes, condition) {
        check_condition(&fields, nodes, condition, recorded.is_some());
    }
    let (file, span) = (fields.report.file.clone(), fields.span);
    fields.finish();
    Some(GrafanaSettings {
        uid: uid?.as_str().to_string(),
        title: title?.as_str().to_string(),
        folder: folder.to_string(),
        condition: condition?.as_str().to_string(),
        nodes: nodes?,
        no_data,
        on_error,
        hold,
        keep_firing_for,
        missing_series_evals_to_resolve: missing,
        labels,
        annotations,
        is_paused,
        record: recorded.map(|(record, _)| record),
        notification,
        file,
        span,
    })
}

fn read_uid<'a>(fields: &Fields<'a>, seen: &mut Seen) -> Option<Text<'a>> {
    let uid = fields.required("uid")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !uid.as_str().chars().all(plain) || uid.as_str().len() > UID_CHARS_MAX {
        let help = format!("use at most {UID_CHARS_MAX} letters, digits, `-` and `_`");
        fields.error(uid.span(), format!("not a valid uid: {:?}", uid.shown()), help);
        return None;
    }
    let before = seen.uids.insert(uid.as_str().to_string(), place(fields.report, uid.span()));
    (!repeated(fields, before, uid, "the uid", "uids are unique over all files")).then_some(uid)
}

/// The entries of `data` with their places; `None` when any can not be used.
fn read_data(fields: &Fields, context: &Context) -> (Option<Vec<Node>>, Vec<Span>) {
    let entries = fields.maps("data", "query");
    if entries.is_empty() {
        fields.error(fields.key_span("data"), "a rule needs at least one query in \"data\"", "");
        return (None, Vec::new());
    }
    let (mut nodes, mut spans) = (Vec::new(), Vec::new());
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut ranges = HashMap::new();
    let count = entries.len();
    for entry in entries {
        let Some(node) = model::read(entry, context, &ranges) else { continue };
        if let Some(line) = names.insert(node.node.ref_id.clone(), node.span.line) {
            let message = format!("refId {:?} is repeated; the first is in line {line}", node.node.ref_id);
            fields.error(node.span, message, "refIds are unique within a rule");
            continue;
        }
        ranges.insert(node.node.ref_id.clone(), node.range);
        spans.push(node.span);
        nodes.push(node.node);
    }
    ((nodes.len() == count).then_some(nodes), spans)
}

fn planned(fields: &Fields, nodes: Vec<Node>, spans: &[Span]) -> Option<Vec<Node>> {
    let names: Vec<String> = nodes.iter().map(|node| node.ref_id.clone()).collect();
    match Planned::of(nodes) {
        Ok(planned) => Some(planned.0),
        Err(errors) => {
            for error in errors {
                let (node, help) = match &error {
                    PlanError::UnknownRef { node, .. } => (*node, format!("refIds of this rule: {}", names.join(", "))),
                    PlanError::Circle { node, .. } => (*node, "one of them must begin with a query".to_string()),
                };
                fields.error(spans.get(node).copied().unwrap_or(fields.span), error.to_string(), help);
            }
            None
        }
    }
}

fn check_condition(fields: &Fields, nodes: &[Node], condition: Text, is_record: bool) {
    let name = condition.as_str();
    if !nodes.iter().any(|node| node.ref_id == name) {
        let names: Vec<&str> = nodes.iter().map(|node| node.ref_id.as_str()).collect();
        let message = format!("{:?} is not a refId of this rule", condition.shown());
        fields.error(condition.span(), message, format!("refIds of this rule: {}", names.join(", ")));
        return;
    }
    for node in nodes.iter().filter(|node| node.ref_id != name || is_record) {
        if let NodeKind::Expression(bellbuoy_rules::grafana::Expression::Threshold(threshold)) = &node.kind
            && threshold.unload.is_some()
        {
            let message = format!("a recovery threshold (unloadEvaluator) is only allowed in the condition, not in {}", node.ref_id);
            fields.error(fields.span, message, "");
        }
    }
    if model::gives_series(nodes, name) {
        let message = format!(
            "{name} gives time series, only reduced data can be {}: every evaluation will fail",
            if is_record { "recorded" } else { "alerted on" }
        );
        fields.report.warning(condition.span(), message, "add an expression of type reduce, or make the query an instant one");
    }
}

fn read_record<'a>(fields: &Fields<'a>) -> Option<(RecordSettings, Text<'a>)> {
    fields.text("targetDatasourceUid");
    let metric = fields.required("metric");
    let from = fields.required("from");
    if let Some(metric) = metric.filter(|metric| !is_classic_metric_name(metric.as_str())) {
        fields.error(metric.span(), format!("not a valid metric name: {:?}", metric.shown()), "use letters, digits, `_` and `:`");
    }
    Some((RecordSettings { metric: metric?.as_str().to_string() }, from?))
}

/// Labels and annotations: Go templates with Grafana's variables.
fn read_texts(fields: &Fields, key: &'static str, what: &str) -> Vec<(String, String)> {
    let pairs = fields.pairs(key);
    for pair in &pairs {
        if let Some(text) = pair.text
            && let Err(error) = check_template(text.as_str())
        {
            fields.error(text.span(), format!("{what} {:?}: {}", pair.name, text.details(&error.to_string())), "");
        }
        if what == "label" {
            check_label_name(fields, pair);
        }
    }
    pairs.iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect()
}

fn check_label_name(fields: &Fields, pair: &Pair) {
    match pair.name {
        "" => fields.error(pair.name_span, "empty label name", ""),
        "alertname" | "grafana_folder" => {
            let message = format!("the label {:?} is set by Grafana itself; this value is not used", pair.name);
            fields.report.warning(pair.name_span, message, "remove it, or give it another name");
        }
        name if name.starts_with("__") && name.ends_with("__") => {
            fields.error(pair.name_span, format!("the label {name:?} is reserved for Grafana itself"), "give it another name");
        }
        _ => {}
    }
}

/// The panel that a rule belongs to, as Grafana's annotations of it. `dasboardUid` is a slip of Grafana that files may hold.
fn read_panel(fields: &Fields) -> Vec<(String, String)> {
    let slip = fields.string("dasboardUid");
    let dashboard = fields.string("dashboardUid").or(slip).filter(|uid| !uid.is_empty());
    let panel = fields.integer("panelId").filter(|id| *id > 0);
    let dashboard = dashboard.map(|uid| ("__dashboardUid__".to_string(), uid));
    let panel = panel.map(|id| ("__panelId__".to_string(), id.to_string()));
    dashboard.into_iter().chain(panel).collect()
}

const NO_DATA: [(&str, NoDataPolicy); 4] = [
    ("NoData", NoDataPolicy::NoData),
    ("Alerting", NoDataPolicy::Alerting),
    ("OK", NoDataPolicy::Ok),
    ("KeepLast", NoDataPolicy::KeepLast),
];
const ON_ERROR: [(&str, ErrorPolicy); 4] =
    [("Alerting", ErrorPolicy::Alerting), ("Error", ErrorPolicy::Error), ("OK", ErrorPolicy::Ok), ("KeepLast", ErrorPolicy::KeepLast)];

fn policy<P: Copy>(fields: &Fields, key: &'static str, default: P, words: &[(&'static str, P)]) -> P {
    let Some(text) = fields.text(key).filter(|text| !text.as_str().trim().is_empty()) else { return default };
    match words.iter().find(|(word, _)| *word == text.as_str().trim()) {
        Some((_, policy)) => *policy,
        None => {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            fields.error(text.span(), format!("{key:?} has no value {:?}", text.shown()), format!("known ones: {}", known.join(", ")));
            default
        }
    }
}

/// Nothing and an empty text are 0.
fn optional_duration(fields: &Fields, key: &'static str) -> Millis {
    match fields.text(key) {
        Some(text) if !text.as_str().is_empty() => fields.duration(key).unwrap_or(Millis::ZERO),
        _ => Millis::ZERO,
    }
}

fn read_notification(fields: Fields) -> Option<NotificationSettings> {
    let receiver = fields.required("receiver");
    let names = |key: &'static str| -> Vec<String> {
        fields.texts(key).iter().map(|text| text.as_str().to_string()).filter(|name| !name.is_empty()).collect()
    };
    let duration = |key: &'static str| fields.text(key).filter(|text| !text.as_str().is_empty()).and_then(|_| fields.duration(key));
    let settings = NotificationSettings {
        receiver: receiver.map_or(String::new(), |receiver| receiver.as_str().to_string()),
        group_by: Some(names("group_by")).filter(|names| !names.is_empty()),
        group_wait: duration("group_wait"),
        group_interval: duration("group_interval"),
        repeat_interval: duration("repeat_interval"),
        mute_time_intervals: names("mute_time_intervals"),
        active_time_intervals: names("active_time_intervals"),
        span: receiver.map_or(fields.span, |receiver| receiver.span()),
    };
    fields.finish();
    receiver.map(|_| settings)
}

/// Where the text of an error inside of a value stands.
pub fn place_in(context: &Context, node: &yaml::Node, offset: usize) -> Span {
    place_within(context.text, node, offset)
}
