//! `route-continue`: `continue: true` on a route after which there is none.

use bellbuoy_vocabulary::Severity;

use super::routes::visit;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "route-continue";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    visit(router, &mut |view| {
        if view.route.go_on && view.before.len() + 1 == view.parent.routes.len() {
            let message = format!("{} says `continue`, and no sibling comes after it", view.name());
            let why = "It has no effect: the search ends here. A route that was to hear of the same alerts may be missing.".to_string();
            let finding = view.finding(input, CODE, Severity::Info, message, why);
            findings.push(finding.under(["continue".into()]).fix(Some("leave `continue` out, or move the route up".to_string())));
        }
    });
}

#[cfg(test)]
mod tests {
    use bellbuoy_router::Route;

    use crate::tests::{findings_of_routes, route};

    #[test]
    fn nothing_to_go_on_to() {
        let found = |routes: Vec<Route>| findings_of_routes(routes, &[], &[]).iter().filter(|finding| finding.code == super::CODE).count();
        let on = || Route { go_on: true, ..route(&["a=\"1\""]) };
        assert_eq!(found(vec![on()]), 1);
        assert_eq!(found(vec![on(), route(&["b=\"1\""])]), 0);
        assert_eq!(found(vec![Route { routes: vec![on()], ..route(&["b=\"1\""]) }]), 1);
    }
}
