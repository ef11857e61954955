//! `policies`: Grafana's one tree of notification policies -> our route tree.

use bellbuoy_router::Route;
use bellbuoy_template::grafana_notify;
use bellbuoy_vocabulary::{MatchOp, Matcher, Span};

use super::super::Opened;
use super::super::alertmanager::{above_zero, group_by, matchers};
use super::super::read::{Fields, Text, did_you_mean};
use super::super::yaml::{Node, Value};
use super::notify::entries;

/// What policies may refer to: the name in Grafana's files, and the one that it has here.
#[derive(Default)]
pub struct Names {
    pub receivers: Vec<(String, String)>,
    pub intervals: Vec<(String, String)>,
}

/// The tree of the last entry. Grafana overwrites the whole tree with each one that it reads.
pub fn read(files: &[Opened], names: &Names) -> Option<Route> {
    let mut last: Option<(Route, Place)> = None;
    for file in files {
        for root in entries(file, "policies", "notification policy") {
            let place = Place { file, span: root.span };
            let tree = read_root(root, names);
            if let Some((_, earlier)) = last.replace((tree, place)) {
                let now = format!("{}:{}", file.report.file, last.as_ref().map_or(0, |(_, place)| place.span.line));
                let message = format!("these policies have no effect: the ones at {now} are read later, and the last tree wins");
                earlier.file.report.warning(earlier.span, message, "keep one tree and make the others its routes");
            }
        }
    }
    for file in files {
        let Some(fields) = Fields::of(&file.tree.root, "Grafana alerting file", &file.report) else { continue };
        let orgs = fields.texts("resetPolicies");
        if !orgs.is_empty() && last.is_some() {
            let message = "resetPolicies beside policies: Grafana drops the tree again after reading it; here the tree stays";
            fields.report.warning(fields.key_span("resetPolicies"), message, "remove one of the two");
        }
    }
    last.map(|(tree, _)| tree)
}

/// Grafana's root in a tree: beside an alertmanager.yml the first child, which takes the alerts of Grafana's rules.
pub fn grafana_root(root: &mut Route) -> &mut Route {
    let is_own = |matcher: &Matcher| matcher.name == grafana_notify::RULE_UID_LABEL && matcher.op == MatchOp::NotEqual;
    let is_child = root.routes.first().is_some_and(|child| child.matchers.len() == 1 && child.matchers.iter().all(is_own));
    if is_child { &mut root.routes[0] } else { root }
}

/// Every alert of a rule of Grafana's has its uid.
pub fn own_alerts() -> Matcher {
    let name = grafana_notify::RULE_UID_LABEL;
    // Only a regular expression can fail.
    Matcher::new(name, MatchOp::NotEqual, "").unwrap_or_else(|_| Matcher::equal(name, ""))
}

struct Place<'a> {
    file: &'a Opened,
    span: Span,
}

/// Grafana's defaults.
pub fn default_route() -> Route {
    Route { group_by: vec!["grafana_folder".into(), "alertname".into()], ..Route::default() }
}

fn read_root(fields: Fields, names: &Names) -> Route {
    let _ = fields.node("orgId");
    let _ = fields.required("receiver");
    for key in ["match", "match_re", "matchers", "object_matchers", "mute_time_intervals", "active_time_intervals"] {
        if fields.node(key).is_some_and(|node| !matches!(&node.value, Value::List(items) if items.is_empty())) {
            let message = format!("the root policy can not have {key}: it takes all alerts");
            fields.error(fields.key_span(key), message, "move it to a policy below routes:");
        }
    }
    read_route(fields, &default_route(), names)
}

fn read_route(fields: Fields, above: &Route, names: &Names) -> Route {
    let receiver = fields.text("receiver").filter(|text| !text.as_str().is_empty());
    let receiver = receiver.map(|text| resolve(&fields, text, "contact point", &names.receivers));
    let (group_by, group_by_all) = group_by(&fields).unwrap_or_else(|| (above.group_by.clone(), above.group_by_all));
    let mut matchers = matchers(&fields, "match", "match_re", "matchers");
    matchers.extend(object_matchers(&fields));
    matchers.sort_by(|a, b| (&a.name, &a.value, a.op as u8).cmp(&(&b.name, &b.value, b.op as u8)));
    let intervals = |key| fields.texts(key).into_iter().map(|text| resolve(&fields, text, "mute timing", &names.intervals)).collect();
    let route = Route {
        receiver: receiver.unwrap_or_else(|| above.receiver.clone()),
        group_by,
        group_by_all,
        group_wait: fields.duration("group_wait").unwrap_or(above.group_wait),
        group_interval: above_zero(&fields, "group_interval").unwrap_or(above.group_interval),
        repeat_interval: above_zero(&fields, "repeat_interval").unwrap_or(above.repeat_interval),
        matchers,
        go_on: fields.boolean("continue").unwrap_or(false),
        mute_time_intervals: intervals("mute_time_intervals"),
        active_time_intervals: intervals("active_time_intervals"),
        routes: Vec::new(),
        span: fields.span,
    };
    let routes = fields.maps("routes", "notification policy").into_iter().map(|child| read_route(child, &route, names)).collect();
    fields.finish();
    Route { routes, ..route }
}

/// The name that a contact point or mute timing has here.
fn resolve(fields: &Fields, text: Text, what: &str, known: &[(String, String)]) -> String {
    if let Some((_, name)) = known.iter().find(|(name, _)| name == text.as_str()) {
        return name.clone();
    }
    let help =
        if text.scalar.expanded() { String::new() } else { did_you_mean(text.as_str(), known.iter().map(|(name, _)| name.as_str())) };
    fields.error(text.span(), format!("unknown {what} {:?}", text.shown()), help);
    text.as_str().to_string()
}

/// `- [severity, '=', critical]`
fn object_matchers(fields: &Fields) -> Vec<Matcher> {
    let mut found = Vec::new();
    for node in fields.list("object_matchers") {
        match triple(node) {
            Some([name, op, value]) => found.extend(object_matcher(fields, name, op, value)),
            None => fields.error(
                node.span,
                "an object matcher is a list of label, operator and value",
                "write for example [severity, '=', critical]",
            ),
        }
    }
    found
}

fn triple(node: &Node) -> Option<[Text<'_>; 3]> {
    let Value::List(items) = &node.value else { return None };
    let [name, op, value] = items.as_slice() else { return None };
    Some([Text::of(name)?, Text::of(op)?, Text::of(value)?])
}

fn object_matcher(fields: &Fields, name: Text, op: Text, value: Text) -> Option<Matcher> {
    let ops = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
    let Some(op) = ops.into_iter().find(|known| known.symbol() == op.as_str()) else {
        fields.error(op.span(), format!("unknown operator {:?} of a matcher", op.shown()), "known are =, !=, =~ and !~");
        return None;
    };
    // Grafana takes quotes away that its own editor once put there.
    let plain = value.as_str();
    let plain = plain.strip_prefix('"').unwrap_or(plain);
    let plain = plain.strip_suffix('"').unwrap_or(plain);
    match Matcher::new(name.as_str(), op, plain) {
        Ok(matcher) => Some(matcher),
        Err(error) => {
            fields.error(value.span(), value.details(&error.to_string()), "");
            None
        }
    }
}
