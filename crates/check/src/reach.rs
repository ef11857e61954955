//! For every alerting rule: which receivers hear of it, how soon and how often, as far as its labels are known.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_router::Route;
use bellbuoy_vocabulary::{Millis, Span};

use crate::Input;
use crate::checks::alerts::{alerts_of, passes_all};
use crate::checks::routes::labels_asked;
use crate::graph::RuleGraph;
use crate::shape::{Presence, Shape};

/// Deeper trees are cut, as the router cuts them.
const DEPTH_MAX: usize = 100;

/// One rule and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub alert: String,
    pub file: String,
    pub span: Span,
    pub told: Vec<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub receiver: String,
    /// Whether every alert of the rule takes this route; else it depends on labels of its series.
    pub sure: bool,
    pub group_wait: Millis,
    pub repeat_interval: Millis,
    pub muted: Vec<String>,
    pub active: Vec<String>,
}

/// What is known of one label of an alert.
type Known<'a> = (Presence, Option<&'a BTreeSet<String>>);

/// Empty without a route tree.
pub fn deliveries(input: &Input) -> Vec<Delivery> {
    let Some(router) = input.router else { return Vec::new() };
    let graph = RuleGraph::with_metrics(input.groups, input.metrics);
    let asked = labels_asked(router);
    // Alerts that are alike in all labels that routes ask for take the same way.
    let mut known: BTreeMap<Vec<Known>, Vec<Told>> = BTreeMap::new();
    let mut out = Vec::new();
    for alert in alerts_of(input, &graph) {
        let key = asked.iter().map(|label| (alert.shape.presence(label), alert.shape.values(label))).collect();
        let told = known.entry(key).or_insert_with(|| {
            let mut told = Vec::new();
            walk(&router.route, alert.shape, true, DEPTH_MAX, &mut told);
            told.dedup();
            told
        });
        out.push(Delivery { alert: alert.name.to_string(), file: alert.file.to_string(), span: alert.span, told: told.clone() });
    }
    out
}

/// The routes below `route` that may take the alert; the route itself when none surely does.
fn walk(route: &Route, shape: &Shape, sure: bool, depth: usize, told: &mut Vec<Told>) {
    let mut taken = false;
    if depth > 0 {
        for child in &route.routes {
            let Some(certain) = (match passes_all(shape, &child.matchers) {
                Some(false) => None,
                Some(true) => Some(true),
                None => Some(false),
            }) else {
                continue;
            };
            walk(child, shape, sure && certain && !taken, depth - 1, told);
            if certain {
                taken = true;
                if !child.go_on {
                    return;
                }
            }
        }
    }
    if !taken {
        told.push(Told {
            receiver: route.receiver.clone(),
            sure: sure && told.is_empty(),
            group_wait: route.group_wait,
            repeat_interval: route.repeat_interval,
            muted: route.mute_time_intervals.clone(),
            active: route.active_time_intervals.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_router::{Route, RouterSettings};

    use super::*;
    use crate::tests::{alert, group, route};

    #[test]
    fn surely_and_perhaps() {
        let to = |name: &str, matchers: &[&str], go_on: bool| Route { receiver: name.into(), go_on, ..route(matchers) };
        let root = Route {
            receiver: "default".into(),
            routes: vec![
                to("copy", &["severity=\"critical\""], true),
                to("pager", &["severity=\"critical\""], false),
                to("api", &["job=\"api\""], false),
            ],
            ..route(&[])
        };
        let router = RouterSettings {
            route: root,
            inhibit_rules: Vec::new(),
            time_intervals: Vec::new(),
            resolve_timeout: Millis::from_minutes(5),
            receivers: Vec::new(),
        };
        let shown = |severity: &str, expr: &str| {
            let mut rule = alert(expr);
            rule.labels = vec![("severity".into(), severity.into())];
            let groups = [group(vec![bellbuoy_rules::RuleSettings::Alerting(rule)])];
            let found = deliveries(&Input { groups: &groups, router: Some(&router), ..Input::default() });
            found[0].told.iter().map(|told| format!("{} {}", told.receiver, told.sure)).collect::<Vec<_>>()
        };
        assert_eq!(shown("critical", "up == 0"), ["copy true", "pager false"]);
        assert_eq!(shown("warning", "up == 0"), ["api false", "default false"]);
        assert_eq!(shown("warning", "up{job=\"api\"} == 0"), ["api true"]);
        assert_eq!(shown("warning", "sum(x) > 1"), ["default true"]);
    }
}
