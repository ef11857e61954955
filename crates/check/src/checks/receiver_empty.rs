//! `receiver-empty`: a route leads to a receiver that tells nobody.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::Severity;

use super::routes::{finding, visit};
use crate::Input;
use crate::finding::{Finding, Step};
use crate::graph::RuleGraph;

pub const CODE: &str = "receiver-empty";

/// Who is called so is meant to be silent; a watchdog speaks when it is not heard any more.
const SILENT: [&str; 14] = [
    "null",
    "none",
    "nobody",
    "noop",
    "blackhole",
    "devnull",
    "dev-null",
    "discard",
    "drop",
    "silent",
    "ignore",
    "watchdog",
    "deadman",
    "heartbeat",
];

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    // A folder that tells nobody anything at all is a beginning, or another program's part.
    if input.receivers.iter().all(|receiver| receiver.integrations.is_empty()) {
        return;
    }
    let root = router.route.receiver.as_str();
    let mut used: BTreeSet<&str> = [root].into();
    visit(router, &mut |view| {
        used.insert(&view.route.receiver);
    });
    for receiver in input.receivers.iter().filter(|receiver| receiver.integrations.is_empty()) {
        let name = receiver.name.as_str();
        if !used.contains(name) || SILENT.iter().any(|word| name.to_ascii_lowercase().contains(word)) {
            continue;
        }
        let message = format!("receiver {name:?} has no way to tell anybody");
        let (severity, why) = if name == root {
            (Severity::Info, "What no other route takes is told to nobody.")
        } else {
            (Severity::Warning, "Alerts that are routed to it are told to nobody, and no other route hears of them.")
        };
        let path = ["receivers".into(), Step::Item("name", receiver.name.clone()), "name".into()];
        let fix = Some("give it an integration; when silence is meant, call it \"null\"".to_string());
        findings.push(finding(input, CODE, severity, message, why.to_string(), fix).under(path));
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_router::Route;

    use crate::tests::{findings_of_routes, route};

    #[test]
    fn nobody_at_all_is_no_finding() {
        let to = Route { receiver: "pager".to_string(), ..route(&["a=\"1\""]) };
        let found = findings_of_routes(vec![to], &["pager"], &[]);
        assert!(found.iter().all(|finding| finding.code != super::CODE), "{found:?}");
    }
}
