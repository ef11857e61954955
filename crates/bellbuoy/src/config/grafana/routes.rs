//! `notification_settings` of rules: routes of their own before all others, as Grafana makes them.

use std::collections::BTreeMap;

use bellbuoy_router::Route;
use bellbuoy_rules::RuleSettings;
use bellbuoy_rules::grafana::{GrafanaSettings, NotificationSettings, ROUTE_LABEL};
use bellbuoy_vocabulary::{Matcher, Problem, nearest};

use super::super::settings::Settings;
use super::policies::{Names, grafana_root};

/// Adds a child of the root for each different `notification_settings`. Alerts of their rules carry a label that it matches.
/// A name that alertmanager.yml has too means the one of Grafana's files.
pub fn add(settings: &mut Settings, names: &Names, problems: &mut Vec<Problem>) {
    let mut wanted: BTreeMap<String, (NotificationSettings, GrafanaSettings)> = BTreeMap::new();
    for rule in settings.groups.iter().flat_map(|group| &group.rules) {
        if let RuleSettings::Grafana(rule) = rule
            && let Some(notification) = &rule.notification
        {
            wanted.entry(notification.key()).or_insert_with(|| (notification.clone(), (**rule).clone()));
        }
    }
    if wanted.is_empty() {
        return;
    }
    let mut router = settings.router.take();
    let known: Vec<String> = settings.receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let times: Vec<String> = router.iter().flat_map(|router| &router.time_intervals).map(|interval| interval.name.clone()).collect();
    let mut routes = Vec::new();
    for (key, (mut notification, rule)) in wanted {
        rename(&mut notification, names);
        let named = [(&notification.receiver, "receiver", &known)].into_iter();
        let intervals = notification.mute_time_intervals.iter().chain(&notification.active_time_intervals);
        for (name, what, all) in named.chain(intervals.map(|name| (name, "time interval", &times))) {
            if !all.contains(name) {
                problems.push(unknown(&rule, &notification, name, what, all));
            }
        }
        if let Some(router) = &mut router {
            routes.push(route(grafana_root(&mut router.route), &key, notification));
        }
    }
    if let Some(router) = &mut router {
        grafana_root(&mut router.route).routes.splice(0..0, routes);
    }
    settings.router = router;
}

fn rename(notification: &mut NotificationSettings, names: &Names) {
    let rename = |name: &mut String, known: &[(String, String)]| {
        if let Some((_, now)) = known.iter().find(|(before, _)| before == name) {
            name.clone_from(now);
        }
    };
    rename(&mut notification.receiver, &names.receivers);
    for interval in notification.mute_time_intervals.iter_mut().chain(&mut notification.active_time_intervals) {
        rename(interval, &names.intervals);
    }
}

fn unknown(rule: &GrafanaSettings, notification: &NotificationSettings, name: &str, what: &str, all: &[String]) -> Problem {
    let help = match nearest(name, all.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None if all.is_empty() => format!("no {what} is configured"),
        None => format!("known ones: {}", all.join(", ")),
    };
    let message = format!("notification_settings of {:?}: unknown {what} {name:?}", rule.title);
    Problem::error(rule.file.clone(), notification.span, message).help(help)
}

/// What the settings do not say is as in the root. Without `group_by` Grafana groups by folder and name.
fn route(root: &Route, key: &str, notification: NotificationSettings) -> Route {
    let group_by = notification.group_by.unwrap_or_else(|| match root.group_by_all || !root.group_by.is_empty() {
        true => root.group_by.clone(),
        false => vec!["grafana_folder".into(), "alertname".into()],
    });
    let all = group_by.iter().any(|name| name == "...") || (root.group_by_all && group_by.is_empty());
    Route {
        receiver: notification.receiver,
        group_by: group_by.into_iter().filter(|name| name != "...").collect(),
        group_by_all: all,
        group_wait: notification.group_wait.unwrap_or(root.group_wait),
        group_interval: notification.group_interval.unwrap_or(root.group_interval),
        repeat_interval: notification.repeat_interval.unwrap_or(root.repeat_interval),
        matchers: vec![Matcher::equal(ROUTE_LABEL, key)],
        go_on: false,
        mute_time_intervals: notification.mute_time_intervals,
        active_time_intervals: notification.active_time_intervals,
        routes: Vec::new(),
        span: notification.span,
    }
}
