//! `receiver-unused`: a receiver that no route names.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Severity, nearest};

use super::routes::{finding, visit};
use crate::Input;
use crate::finding::{Finding, Step};
use crate::graph::RuleGraph;

pub const CODE: &str = "receiver-unused";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let mut used: BTreeSet<&str> = [router.route.receiver.as_str()].into();
    visit(router, &mut |view| {
        used.insert(&view.route.receiver);
    });
    for receiver in input.receivers.iter().filter(|receiver| !used.contains(receiver.name.as_str())) {
        let message = format!("receiver {:?} is named by no route", receiver.name);
        let why = "It is never told anything.".to_string();
        let similar = nearest(&receiver.name, used.iter().copied());
        let fix = similar.map(|name| format!("a route names {name:?}: was this one meant? Else remove the receiver or give it a route."));
        let path = ["receivers".into(), Step::Item("name", receiver.name.clone()), "name".into()];
        findings.push(finding(input, CODE, Severity::Warning, message, why, fix).under(path));
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_router::Route;

    use super::*;
    use crate::tests::{findings_of_routes, route};

    fn check(receivers: &[&str], expected: &[&str]) {
        let mut nested = route(&["a=\"1\""]);
        nested.routes = vec![Route { receiver: "deep".into(), ..route(&["b=\"1\""]) }];
        let found = findings_of_routes(vec![nested], receivers, &[]);
        let messages: Vec<&str> = found.iter().filter(|f| f.code == CODE).map(|f| f.message.as_str()).collect();
        assert_eq!(messages, expected);
    }

    #[test]
    fn no_route_names_it() {
        check(&["r", "deep", "pager"], &["receiver \"pager\" is named by no route"]);
        check(&["r", "deep", "default"], &[]);
    }
}
