//! Grafana's part of who is told: contact points, policies, mute timings and templates of all alerting files become receivers,
//! routes, time intervals and named templates.
//!
//! With an alertmanager.yml beside them there are two trees. Its root stays the root; Grafana's root becomes its first child and
//! takes the alerts of Grafana's rules, which carry `__alert_rule_uid__`. See docs/decisions/0010-two-route-trees.md.

use std::sync::Arc;

use bellbuoy_notify::{Context, Integration, Notice, Receiver, compose};
use bellbuoy_router::{Route, RouterSettings, TimeInterval};
use bellbuoy_template::{TemplateSet, grafana_notify};
use bellbuoy_vocabulary::{Alert, Labels, Millis, Timestamp};

use super::super::Opened;
use super::super::alertmanager::outline;
use super::super::read::Fields;
use super::super::settings::{GrafanaNotify, Settings};
use super::contact_kinds::Around;
use super::contact_points::{self, ContactPoint};
use super::policies::{self, Names};
use super::{mute_timings, templates};

/// The maps of a section's list. Its other problems are reported where the file is read as a whole.
pub fn entries<'a>(file: &'a Opened, section: &'static str, what: &'static str) -> Vec<Fields<'a>> {
    let Some(fields) = Fields::of(&file.tree.root, "Grafana alerting file", &file.report) else { return Vec::new() };
    fields.maps(section, what)
}

/// Gives the names by which rules may call receivers and time intervals.
pub fn read(files: &[Opened], around: &Around, settings: &mut Settings) -> Names {
    let set = templates::read(files);
    let mut points = contact_points::read(files, around);
    let mut intervals = mute_timings::read(files);
    for point in &points {
        try_templates(point, &set);
    }
    let names = rename(&mut points, &mut intervals, settings);
    let tree = policies::read(files, &names).or_else(|| without_policies(&points, settings));
    let receivers: Vec<Receiver> = points.into_iter().map(|point| point.receiver).collect();
    settings.grafana = GrafanaNotify {
        receivers: receivers.iter().map(|receiver| receiver.name.clone()).collect(),
        templates: (!receivers.is_empty()).then(|| Arc::new(set)),
    };
    router_of(settings, tree, intervals, &receivers);
    settings.receivers.extend(receivers);
    names
}

fn router_of(settings: &mut Settings, tree: Option<Route>, intervals: Vec<TimeInterval>, receivers: &[Receiver]) {
    let Some(tree) = tree else { return };
    let router = settings.router.get_or_insert_with(|| RouterSettings {
        route: tree.clone(),
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: Millis::from_minutes(5),
        receivers: Vec::new(),
    });
    if !settings.alertmanager_text.is_empty() {
        router.route.routes.insert(0, Route { matchers: vec![policies::own_alerts()], ..tree });
    }
    router.time_intervals.extend(intervals);
    router.receivers.extend(receivers.iter().map(outline));
}

/// Names of Grafana's that alertmanager.yml has too go on as `NAME (Grafana)`.
fn rename(points: &mut [ContactPoint], intervals: &mut [TimeInterval], settings: &Settings) -> Names {
    let mut names = Names::default();
    for point in points {
        let taken = settings.receivers.iter().any(|receiver| receiver.name == point.name);
        if taken {
            let message = format!("receiver {:?} is in alertmanager.yml too: this one goes on as \"{} (Grafana)\"", point.name, point.name);
            point.report.warning(point.span, message, "give one of the two another name");
            point.receiver.name = format!("{} (Grafana)", point.name);
        }
        names.receivers.push((point.name.clone(), point.receiver.name.clone()));
    }
    for interval in intervals {
        let known = settings.router.iter().flat_map(|router| &router.time_intervals);
        let before = interval.name.clone();
        if known.into_iter().any(|known| known.name == before) {
            interval.name = format!("{before} (Grafana)");
        }
        names.intervals.push((before, interval.name.clone()));
    }
    names
}

/// Grafana sends everything to its built-in contact point then, which mails to nobody.
fn without_policies(points: &[ContactPoint], settings: &Settings) -> Option<Route> {
    let first = points.first()?;
    if settings.router.is_some() {
        let message = "contact points without policies: alerts of Grafana's rules take the routes of alertmanager.yml";
        first.report.warning(first.span, message, "add `policies:`");
    } else {
        let message = format!("contact points without policies: everything goes to the first one, {:?}", first.name);
        first.report.warning(first.span, message, "add `policies:`");
    }
    Some(Route { receiver: first.receiver.name.clone(), ..policies::default_route() }).filter(|_| settings.router.is_none())
}

/// Every template of every receiver runs once over an alert that fires and one that is over: what fails now would fail then.
fn try_templates(point: &ContactPoint, set: &TemplateSet) {
    for integration in &point.receiver.integrations {
        let mut told = Vec::new();
        for resolved in [false, true] {
            for problem in failures(integration, set, resolved) {
                if !told.contains(&problem) {
                    let message = format!("contact point {:?}, {}: {problem}", point.name, integration.kind.word());
                    point.report.error(point.span, message, "");
                    told.push(problem);
                }
            }
        }
    }
}

fn failures(integration: &Integration, set: &TemplateSet, resolved: bool) -> Vec<String> {
    let at = Timestamp(1_768_302_000_000);
    let labels =
        [("alertname", "Example"), ("grafana_folder", "Folder"), ("severity", "critical"), (grafana_notify::RULE_UID_LABEL, "example")];
    let annotations = [
        ("summary", "An example"),
        ("description", "It is tried when the files are read."),
        (grafana_notify::VALUES_ANNOTATION, r#"{"A":1,"B":22,"C":1}"#),
        (grafana_notify::VALUE_STRING_ANNOTATION, "[ var='B' labels={} value=22 ]"),
        (grafana_notify::ORG_ID_ANNOTATION, "1"),
    ];
    let alert = Alert {
        labels: Labels::from_pairs(labels),
        annotations: Labels::from_pairs(annotations),
        starts_at: at.saturating_add(Millis(-60_000)),
        ends_at: at.saturating_add(Millis(if resolved { -1000 } else { 60_000 })),
        updated_at: at,
        generator_url: "http://localhost/alerting/grafana/example/view".into(),
        timeout: false,
    };
    let notice = Notice {
        receiver: "example".into(),
        integration_kind: integration.kind.word().into(),
        integration_index: integration.index,
        group_key: "{}:{}".into(),
        group_labels: Labels::from_pairs([("alertname", "Example")]),
        alerts: vec![alert],
        reason: "first notification".into(),
        sequence: 1,
        at,
    };
    compose(integration, &notice, &Context { external_url: "http://localhost", templates: set, now: at }).problems
}
