//! The route tree as the checks of routes see it.

use std::collections::BTreeSet;

use bellbuoy_router::{Route, RouterSettings};
use bellbuoy_vocabulary::{MatchOp, Matcher, Severity};

use crate::Input;
use crate::finding::{Anchor, Finding};

/// Deeper trees are cut, as the router cuts them.
const DEPTH_MAX: usize = 100;

/// On every alert of Grafana's rules.
const GRAFANA_UID_LABEL: &str = "__alert_rule_uid__";

/// A route below the root, with all that its alerts have matched.
pub struct RouteView<'a> {
    pub route: &'a Route,
    pub parent: &'a Route,
    /// Its own matchers and those of its parents.
    pub matchers: Vec<&'a Matcher>,
    /// Siblings before it, the nearest last.
    pub before: &'a [Route],
    /// The position on the way from the root: `2.1` is the first child of the root's second child.
    pub path: String,
}

pub fn visit<'a>(settings: &'a RouterSettings, on: &mut dyn FnMut(&RouteView<'a>)) {
    // The root takes every alert, whatever its matchers say.
    children(&settings.route, &[], "", DEPTH_MAX, on);
}

fn children<'a>(parent: &'a Route, matched: &[&'a Matcher], path: &str, depth: usize, on: &mut dyn FnMut(&RouteView<'a>)) {
    if depth == 0 {
        return;
    }
    for (at, route) in parent.routes.iter().enumerate() {
        let path = if path.is_empty() { format!("{}", at + 1) } else { format!("{path}.{}", at + 1) };
        let matchers: Vec<&Matcher> = matched.iter().copied().chain(&route.matchers).collect();
        let view = RouteView { route, parent, matchers, before: &parent.routes[..at], path };
        on(&view);
        children(route, &view.matchers, &view.path, depth - 1, on);
    }
}

/// Every label that any route asks for.
pub fn labels_asked(settings: &RouterSettings) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    visit(settings, &mut |view| names.extend(view.route.matchers.iter().map(|matcher| matcher.name.as_str())));
    names
}

/// `{severity="critical"}`
pub fn matchers_text(route: &Route) -> String {
    let words: Vec<String> = route.matchers.iter().map(Matcher::to_string).collect();
    format!("{{{}}}", words.join(", "))
}

impl RouteView<'_> {
    pub fn finding(&self, input: &Input, code: &'static str, severity: Severity, message: String, why: String) -> Finding {
        let file = if self.is_grafanas() && !input.policies_file.is_empty() { input.policies_file } else { input.router_file };
        let at = Anchor::of(self.route.span, []);
        Finding { at, span: self.route.span, ..Finding::of_file(code, severity, file, message, why) }
    }

    /// With an alertmanager.yml beside them, Grafana's policies are the branch of its own alerts.
    fn is_grafanas(&self) -> bool {
        self.matchers.iter().any(|matcher| matcher.name == GRAFANA_UID_LABEL)
    }

    /// The settings hold what is inherited as if it were written: only what differs is surely its own.
    pub fn inherits_group_by(&self) -> bool {
        self.route.group_by == self.parent.group_by
    }

    pub fn name(&self) -> String {
        format!("route {} {} to receiver {:?}", self.path, matchers_text(self.route), self.route.receiver)
    }
}

pub fn finding(input: &Input, code: &'static str, severity: Severity, message: String, why: String, fix: Option<String>) -> Finding {
    Finding::of_file(code, severity, input.router_file, message, why).fix(fix)
}

/// Whether every label set that passes all `facts` passes `matcher`.
pub fn implied(facts: &[&Matcher], matcher: &Matcher) -> bool {
    facts.iter().filter(|fact| fact.name == matcher.name).any(|fact| match fact.op {
        _ if *fact == matcher => true,
        MatchOp::Equal => matcher.matches(&fact.value),
        MatchOp::Regex => fact.alternatives().is_some_and(|words| words.iter().all(|word| matcher.matches(word))),
        // Not empty: a value is there.
        MatchOp::NotEqual => fact.value.is_empty() && any_value(matcher),
        MatchOp::NotRegex => false,
    }) || any_text(matcher)
}

fn any_text(matcher: &Matcher) -> bool {
    matcher.op == MatchOp::Regex && matcher.value == ".*"
}

fn any_value(matcher: &Matcher) -> bool {
    matcher.op == MatchOp::Regex && matches!(matcher.value.as_str(), ".+" | ".*")
}

/// Two of the matchers that no value of their label passes both.
pub fn contradiction<'a>(matchers: &[&'a Matcher]) -> Option<(&'a Matcher, &'a Matcher)> {
    for (at, first) in matchers.iter().enumerate() {
        let words: &[String] = match first.op {
            MatchOp::Equal => std::slice::from_ref(&first.value),
            MatchOp::Regex => match first.alternatives() {
                Some(words) => words,
                None => continue,
            },
            _ => continue,
        };
        for (other_at, second) in matchers.iter().enumerate() {
            if at != other_at && first.name == second.name && !words.iter().any(|word| second.matches(word)) {
                return Some((first, second));
            }
        }
    }
    None
}
