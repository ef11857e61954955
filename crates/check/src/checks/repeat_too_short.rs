//! `repeat-too-short`: a route wants to repeat its messages more often than it looks.

use bellbuoy_vocabulary::{Millis, Severity, format_duration};

use super::routes::{finding, visit};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "repeat-too-short";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let look = |repeat: Millis, group: Millis| {
        let (repeat_text, group_text) = (format_duration(repeat), format_duration(group));
        let message = format!("repeat_interval {repeat_text} is shorter than group_interval {group_text}");
        let why = format!("A group is looked at every {group_text} only: messages are repeated that often, and no oftener.");
        (repeat < group).then(|| (message, why, Some(format!("repeat_interval: {group_text}"))))
    };
    let root = &router.route;
    if let Some((message, why, fix)) = look(root.repeat_interval, root.group_interval) {
        let place = ["route".into(), "repeat_interval".into()];
        findings.push(finding(input, CODE, Severity::Warning, format!("the root route: {message}"), why, fix).under(place));
    }
    visit(router, &mut |view| {
        let above = (view.parent.repeat_interval, view.parent.group_interval);
        if (view.route.repeat_interval, view.route.group_interval) == above {
            return;
        }
        if let Some((message, why, fix)) = look(view.route.repeat_interval, view.route.group_interval) {
            let finding = view.finding(input, CODE, Severity::Warning, format!("{}: {message}", view.name()), why);
            findings.push(finding.fix(fix).under(["repeat_interval".into()]));
        }
    });
}

#[cfg(test)]
mod tests {
    use bellbuoy_router::Route;
    use bellbuoy_vocabulary::Millis;

    use crate::tests::{findings_of_routes, route};

    #[test]
    fn more_often_than_it_looks() {
        let found = |repeat: i64| {
            let fast = Route { repeat_interval: Millis::from_minutes(repeat), ..route(&["a=\"1\""]) };
            findings_of_routes(vec![fast], &[], &[]).iter().filter(|finding| finding.code == super::CODE).count()
        };
        assert_eq!((found(1), found(5), found(60)), (1, 0, 0));
    }
}
