//! `route-shadowed`: a route whose alerts an earlier sibling takes, all of them.

use bellbuoy_router::Route;
use bellbuoy_vocabulary::Severity;

use super::routes::{RouteView, implied, matchers_text, visit};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "route-shadowed";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    visit(router, &mut |view| {
        let Some(earlier) = taker(view) else { return };
        let message = format!(
            "{} gets no alert: route {} to receiver {:?} before it takes them all",
            view.name(),
            matchers_text(earlier),
            earlier.receiver
        );
        let why = "The first route that matches ends the search among its siblings, unless it says `continue: true`.".to_string();
        let fix = "move the route before the other, or set `continue: true` there".to_string();
        findings.push(view.finding(input, CODE, Severity::Error, message, why).fix(Some(fix)));
    });
}

/// The sibling before it that takes all of its alerts.
pub(super) fn taker<'a>(view: &RouteView<'a>) -> Option<&'a Route> {
    let takes_all = |other: &&Route| !other.go_on && other.matchers.iter().all(|matcher| implied(&view.matchers, matcher));
    view.before.iter().find(takes_all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{findings_of_routes, route};

    fn check(routes: Vec<bellbuoy_router::Route>, expected: &[&str]) {
        let found = findings_of_routes(routes, &[], &[]);
        let shadowed: Vec<&str> =
            found.iter().filter(|f| f.code == CODE).map(|f| f.message.split(" gets").next().expect("splits into at least one")).collect();
        assert_eq!(shadowed, expected);
    }

    #[test]
    fn an_earlier_sibling_takes_all() {
        let critical = r#"severity="critical""#;
        check(
            vec![route(&[critical]), route(&[critical, r#"team="ml""#])],
            &[r#"route 2 {severity="critical", team="ml"} to receiver "r""#],
        );
        check(vec![route(&[]), route(&[critical])], &[r#"route 2 {severity="critical"} to receiver "r""#]);
        check(vec![route(&[r#"severity=~"critical|warning""#]), route(&[critical])], &[r#"route 2 {severity="critical"} to receiver "r""#]);
        check(
            vec![route(&[r#"severity!="info""#]), route(&[r#"severity=~"critical|warning""#])],
            &[r#"route 2 {severity=~"critical|warning"} to receiver "r""#],
        );
        let mut parent = route(&[critical]);
        parent.routes = vec![route(&[r#"severity!="info""#]), route(&[r#"team="ml""#])];
        check(vec![parent], &[r#"route 1.2 {team="ml"} to receiver "r""#]);
    }

    #[test]
    fn something_is_left() {
        let critical = r#"severity="critical""#;
        check(vec![route(&[critical, r#"team="ml""#]), route(&[critical])], &[]);
        check(vec![bellbuoy_router::Route { go_on: true, ..route(&[]) }, route(&[critical])], &[]);
        check(vec![route(&[critical]), route(&[r#"severity=~"critical|warning""#])], &[]);
        check(vec![route(&[r#"severity="warning""#]), route(&[critical])], &[]);
        check(vec![route(&[r#"team="ml""#]), route(&[critical])], &[]);
    }
}
