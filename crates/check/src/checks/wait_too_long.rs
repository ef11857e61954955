//! `wait-too-long`: the first message of a group waits longer than its updates.

use bellbuoy_vocabulary::{Severity, format_duration};

use super::routes::{finding, visit};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "wait-too-long";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let look = |route: &bellbuoy_router::Route| {
        let (wait, interval) = (format_duration(route.group_wait), format_duration(route.group_interval));
        let message = format!("group_wait {wait} is longer than group_interval {interval}");
        let why = format!("What is new waits {wait} to be told, what is added to it {interval}: the first news is the slowest.");
        (route.group_wait > route.group_interval).then(|| (message, why, Some(format!("group_wait: {interval}"))))
    };
    if let Some((message, why, fix)) = look(&router.route) {
        let place = ["route".into(), "group_wait".into()];
        findings.push(finding(input, CODE, Severity::Warning, format!("the root route: {message}"), why, fix).under(place));
    }
    visit(router, &mut |view| {
        let (own, above) = (view.route, view.parent);
        if (own.group_wait, own.group_interval) == (above.group_wait, above.group_interval) {
            return;
        }
        if let Some((message, why, fix)) = look(own) {
            let key = if own.group_wait == above.group_wait { "group_interval" } else { "group_wait" };
            let finding = view.finding(input, CODE, Severity::Warning, format!("{}: {message}", view.name()), why);
            findings.push(finding.fix(fix).under([key.into()]));
        }
    });
}

#[cfg(test)]
mod tests {
    use bellbuoy_router::Route;
    use bellbuoy_vocabulary::Millis;

    use crate::tests::{findings_of_routes, route};

    #[test]
    fn the_first_is_the_slowest() {
        let found = |wait: i64| {
            let slow = Route { group_wait: Millis::from_minutes(wait), ..route(&["a=\"1\""]) };
            findings_of_routes(vec![slow], &[], &[]).iter().filter(|finding| finding.code == super::CODE).count()
        };
        assert_eq!((found(1), found(5), found(6)), (0, 0, 1));
    }
}
