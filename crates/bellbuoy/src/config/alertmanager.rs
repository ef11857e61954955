//! alertmanager.yml, as of Alertmanager 0.33: the route tree with its inheritance, inhibition, receivers, mute times.
//!
//! In:    the tree of the file. Out: `RouterSettings`, receivers, template patterns.
//! Never: takes what Alertmanager refuses; the words of its errors are Alertmanager's where it has them.

use std::collections::HashSet;
use std::path::Path;

use bellbuoy_notify::{HttpOptions, Receiver};
use bellbuoy_router::{InhibitRule, IntegrationOutline, ReceiverOutline, Route, RouterSettings};
use bellbuoy_vocabulary::{MatchOp, Matcher, Millis, Span, is_classic_label_name};

use super::Files;
use super::matchers::parse_matchers;
use super::prometheus::Glob;
use super::read::{Fields, Report, Text, did_you_mean, label_name_ok, regex_of};
use super::receivers::{self, ReceiverDefaults, Smtp};
use super::time_intervals;
use super::yaml::Node;

#[derive(Debug, Default)]
pub struct Alertmanager {
    pub router: Option<RouterSettings>,
    pub receivers: Vec<Receiver>,
    /// `templates`
    pub template_globs: Vec<Glob>,
    /// `smtp_*` of `global`: contact points of Grafana may mail by it too.
    pub smtp: Smtp,
}

pub fn read(root: &Node, folder: &Path, files: &Files, report: &Report) -> Alertmanager {
    let mut out = Alertmanager::default();
    let Some(fields) = Fields::of(root, "alertmanager.yml", report) else {
        report.error(root.span, "no route is given", "add route: with a receiver");
        return out;
    };
    let mut defaults = ReceiverDefaults { http: HttpOptions { follow_redirects: true, ..Default::default() }, ..Default::default() };
    let mut resolve_timeout = Millis::from_minutes(5);
    if let Some(global) = fields.map("global", "global") {
        resolve_timeout = read_global(global, &mut defaults, folder, files).unwrap_or(resolve_timeout);
    }
    out.smtp = defaults.smtp.clone();
    out.template_globs = fields.texts("templates").iter().map(Glob::of).collect();
    let receiver_names = read_receivers(&fields, &defaults, folder, files, &mut out.receivers);
    let mut time_intervals = Vec::new();
    time_intervals::read_list(&fields, "mute_time_intervals", &mut time_intervals);
    time_intervals::read_list(&fields, "time_intervals", &mut time_intervals);
    let names = Names { receivers: receiver_names, intervals: time_intervals.iter().map(|interval| interval.name.clone()).collect() };
    let route = read_root(&fields, &names);
    let inhibit_rules = read_inhibit_rules(&fields);
    fields.not_yet(&["tracing", "event_recorder"]);
    fields.finish();
    let receivers = out.receivers.iter().map(outline).collect();
    out.router = route.map(|route| RouterSettings { route, inhibit_rules, time_intervals, resolve_timeout, receivers });
    out
}

/// What routes may refer to.
struct Names {
    receivers: Vec<String>,
    intervals: Vec<String>,
}

fn read_global(fields: Fields, defaults: &mut ReceiverDefaults, folder: &Path, files: &Files) -> Option<Millis> {
    let resolve_timeout = fields.duration("resolve_timeout");
    defaults.smtp = receivers::read_smtp(&fields, folder, files);
    defaults.services = receivers::services::read_global(&fields, folder, files);
    defaults.more = receivers::more::read_global(&fields, folder, files);
    defaults.conversations = receivers::conversations::read_global(&fields, folder, files);
    if let Some(http) = receivers::http_options(&fields, "http_config", folder, files) {
        defaults.http = http;
    }
    fields.finish();
    resolve_timeout
}

fn read_receivers(fields: &Fields, defaults: &ReceiverDefaults, folder: &Path, files: &Files, out: &mut Vec<Receiver>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for receiver in fields.maps("receivers", "receiver") {
        // The name is known even when the rest is broken, so that routes to it are not reported too.
        if let Some(name) = receiver.node("name").and_then(Node::scalar) {
            if names.contains(&name.text) {
                let span = receiver.node("name").map_or(receiver.span, |node| node.span);
                receiver.error(span, format!("receiver {:?} is given twice", name.shown()), "receiver names are unique");
            }
            names.push(name.text.clone());
        }
        out.extend(receivers::read(receiver, defaults, folder, files));
    }
    names
}

pub(super) fn outline(receiver: &Receiver) -> ReceiverOutline {
    let integrations = receiver.integrations.iter().map(|integration| IntegrationOutline {
        kind: integration.kind.word().to_string(),
        index: integration.index,
        send_resolved: integration.send_resolved,
    });
    ReceiverOutline { name: receiver.name.clone(), integrations: integrations.collect() }
}

/// What a child takes from its parent.
struct Inherited<'a> {
    receiver: &'a str,
    group_by: &'a [String],
    group_by_all: bool,
    group_wait: Millis,
    group_interval: Millis,
    repeat_interval: Millis,
}

fn read_root(fields: &Fields, names: &Names) -> Option<Route> {
    let Some(root) = fields.map("route", "route") else {
        if fields.node("route").is_none() {
            fields.error(fields.key_span("route"), "no route is given", "add route: with a receiver");
        }
        return None;
    };
    if !root.unset("receiver") && root.node("receiver").and_then(Node::scalar).is_none_or(|text| text.text.is_empty()) {
        root.error(root.span, "the root route needs a receiver", "add `receiver: NAME`; it takes what no other route takes");
    }
    for key in ["match", "match_re", "matchers"] {
        if root.node(key).is_some() {
            root.error(
                root.key_span(key),
                "the root route can not have matchers: it takes all alerts",
                "move them to a route below routes:",
            );
        }
    }
    for key in ["mute_time_intervals", "active_time_intervals"] {
        if !root.list(key).is_empty() {
            root.error(root.key_span(key), format!("the root route can not have {key}"), "move them to a route below routes:");
        }
    }
    if root.boolean("continue") == Some(true) {
        root.error(root.key_span("continue"), "the root route can not have continue", "remove it");
    }
    let defaults = Inherited {
        receiver: "",
        group_by: &[],
        group_by_all: false,
        group_wait: Millis::from_seconds(30),
        group_interval: Millis::from_minutes(5),
        repeat_interval: Millis::from_minutes(240),
    };
    Some(read_route(root, &defaults, names))
}

fn read_route(fields: Fields, above: &Inherited, names: &Names) -> Route {
    let receiver = fields.text("receiver").filter(|text| !text.as_str().is_empty());
    if let Some(text) = receiver
        && !names.receivers.iter().any(|name| name == text.as_str())
    {
        let help = did_you_mean(text.as_str(), names.receivers.iter().map(String::as_str));
        let help = if text.scalar.expanded() { String::new() } else { help };
        fields.error(text.span(), format!("unknown receiver {:?}", text.shown()), help);
    }
    let (group_by, group_by_all) = group_by(&fields).unwrap_or_else(|| (above.group_by.to_vec(), above.group_by_all));
    let route = Route {
        receiver: receiver.map_or(above.receiver, |text| text.as_str()).to_string(),
        group_by,
        group_by_all,
        group_wait: fields.duration("group_wait").unwrap_or(above.group_wait),
        group_interval: above_zero(&fields, "group_interval").unwrap_or(above.group_interval),
        repeat_interval: above_zero(&fields, "repeat_interval").unwrap_or(above.repeat_interval),
        matchers: matchers(&fields, "match", "match_re", "matchers"),
        go_on: fields.boolean("continue").unwrap_or(false),
        mute_time_intervals: intervals(&fields, "mute_time_intervals", names),
        active_time_intervals: intervals(&fields, "active_time_intervals", names),
        routes: Vec::new(),
        span: fields.span,
    };
    let inherited = Inherited {
        receiver: &route.receiver,
        group_by: &route.group_by,
        group_by_all: route.group_by_all,
        group_wait: route.group_wait,
        group_interval: route.group_interval,
        repeat_interval: route.repeat_interval,
    };
    let routes = fields.maps("routes", "route").into_iter().map(|child| read_route(child, &inherited, names)).collect();
    // Labels of a route came with 0.34; the messages do not carry them yet.
    fields.not_yet(&["labels"]);
    fields.finish();
    Route { routes, ..route }
}

pub(super) fn group_by(fields: &Fields) -> Option<(Vec<String>, bool)> {
    fields.node("group_by")?;
    let (mut labels, mut all): (Vec<String>, bool) = (Vec::new(), false);
    for text in fields.texts("group_by") {
        match text.as_str() {
            "..." => all = true,
            name if !label_name_ok(name) => fields.error(text.span(), "empty label name in group_by", ""),
            name if labels.iter().any(|earlier| earlier == name) => {
                fields.error(text.span(), format!("label {:?} is given twice in group_by", text.shown()), "remove one of the two");
            }
            name => labels.push(name.to_string()),
        }
    }
    if all && !labels.is_empty() {
        fields.error(
            fields.key_span("group_by"),
            "group_by can not have `...` and other labels at the same time",
            "`...` alone groups by all labels",
        );
    }
    Some((labels, all))
}

pub(super) fn above_zero(fields: &Fields, key: &'static str) -> Option<Millis> {
    let length = fields.duration(key)?;
    if length == Millis::ZERO {
        let span = fields.node(key).map_or(fields.span, |node| node.span);
        fields.error(span, format!("{key} can not be zero"), "");
    }
    Some(length)
}

fn intervals(fields: &Fields, key: &'static str, names: &Names) -> Vec<String> {
    let mut found = Vec::new();
    for text in fields.texts(key) {
        if !names.intervals.iter().any(|name| name == text.as_str()) {
            let help = did_you_mean(text.as_str(), names.intervals.iter().map(String::as_str));
            fields.error(text.span(), format!("unknown time interval {:?}", text.shown()), help);
        }
        found.push(text.as_str().to_string());
    }
    found
}

/// The three ways to write matchers, sorted as Alertmanager sorts them: the group's key depends on the order.
pub(super) fn matchers(fields: &Fields, equal: &'static str, regex: &'static str, modern: &'static str) -> Vec<Matcher> {
    let mut found = Vec::new();
    for pair in fields.pairs(equal) {
        classic_name(fields, pair.name, pair.name_span);
        found.push(Matcher::equal(pair.name, pair.value()));
    }
    for pair in fields.pairs(regex) {
        classic_name(fields, pair.name, pair.name_span);
        let Some(text) = pair.text else {
            fields.error(pair.name_span, format!("{:?} in {regex} has no regular expression", pair.name), "");
            continue;
        };
        if regex_of(text, fields.report).is_some() {
            found.extend(Matcher::new(pair.name, MatchOp::Regex, text.as_str()));
        }
    }
    for text in fields.texts(modern) {
        match parse_matchers(text.as_str()) {
            Ok(matchers) => {
                warn_of_taken_brace(fields, text, &matchers);
                found.extend(matchers);
            }
            Err(reason) => {
                let help = if reason.starts_with("bad matcher format") { "write for example severity=\"critical\"" } else { "" };
                fields.error(text.span(), text.details(&reason), help);
            }
        }
    }
    found.sort_by(|a, b| (&a.name, &a.value, a.op as u8).cmp(&(&b.name, &b.value, b.op as u8)));
    found
}

/// `code=~[0-9]{3}`: the classic grammar takes the last brace off as if it closed a list, and the rest is read without an error.
fn warn_of_taken_brace(fields: &Fields, text: Text, matchers: &[Matcher]) {
    let whole = text.as_str().trim();
    let [matcher] = matchers else { return };
    let taken = !whole.starts_with('{') && whole.ends_with('}') && matcher.value.contains('{');
    if !taken || text.scalar.expanded() {
        return;
    }
    let (name, op, value) = (&matcher.name, matcher.op.symbol(), &matcher.value);
    let message = format!("the last brace is taken for the end of a list of matchers: the value is {value}");
    fields.report.warning(text.span(), message, format!("write {name}{op}\"{value}}}\""));
}

fn classic_name(fields: &Fields, name: &str, span: Span) {
    if !is_classic_label_name(name) {
        fields.error(span, format!("invalid label name {name:?}"), "use letters, digits and `_`, or write it with matchers:");
    }
}

fn read_inhibit_rules(fields: &Fields) -> Vec<InhibitRule> {
    let mut rules = Vec::new();
    for node in fields.list("inhibit_rules") {
        // Alertmanager takes an empty rule and it does nothing.
        let Some(rule) = Fields::of(node, "inhibit rule", fields.report) else { continue };
        let _ = rule.text("name");
        let source_matchers = matchers(&rule, "source_match", "source_match_re", "source_matchers");
        let target_matchers = matchers(&rule, "target_match", "target_match_re", "target_matchers");
        let mut equal = Vec::new();
        let mut seen = HashSet::new();
        for text in rule.texts("equal") {
            if !label_name_ok(text.as_str()) {
                rule.error(text.span(), "empty label name in equal", "");
            } else if seen.insert(text.as_str()) {
                equal.push(text.as_str().to_string());
            }
        }
        rule.finish();
        rules.push(InhibitRule { source_matchers, target_matchers, equal });
    }
    rules
}
