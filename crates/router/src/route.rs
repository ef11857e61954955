//! The route tree, flat: which routes take an alert, and which group of theirs.
//!
//! In:    the labels of an alert. Out: the routes that take it, its group's labels, and Alertmanager's key of that group.
//! Never: knows time or who is told.

use bellbuoy_vocabulary::Labels;

use crate::key;
use crate::settings::Route;

/// Deeper trees are cut; nobody reads a tree of a hundred levels.
const DEPTH_MAX: usize = 100;

pub(crate) struct RouteTree {
    pub nodes: Vec<Node>,
}

pub(crate) struct Node {
    /// `{}/{severity="critical"}`: the matchers on the way from the root.
    pub key: String,
    /// The route's own values; its children are in `children`.
    pub route: Route,
    children: Vec<usize>,
}

impl RouteTree {
    pub fn new(root: &Route) -> RouteTree {
        let mut tree = RouteTree { nodes: Vec::new() };
        // The root takes every alert, whatever its matchers say.
        tree.add(&Route { matchers: Vec::new(), ..root.clone() }, "", 0);
        tree
    }

    fn add(&mut self, route: &Route, parent: &str, depth: usize) -> usize {
        let own = key::matchers_text(&route.matchers);
        let key = if parent.is_empty() { own } else { format!("{parent}/{own}") };
        let at = self.nodes.len();
        let bare = Route { routes: Vec::new(), ..route.clone() };
        self.nodes.push(Node { key: key.clone(), route: bare, children: Vec::new() });
        if depth < DEPTH_MAX {
            for child in &route.routes {
                let child = self.add(child, &key, depth + 1);
                self.nodes[at].children.push(child);
            }
        }
        at
    }

    /// The routes that take an alert: depth first, the first sibling that matches, and on from it while it says `continue`.
    pub fn matching(&self, labels: &Labels) -> Vec<usize> {
        let mut found = Vec::new();
        self.visit(0, labels, &mut found);
        found
    }

    fn visit(&self, at: usize, labels: &Labels, found: &mut Vec<usize>) -> bool {
        let node = &self.nodes[at];
        if !node.route.matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
            return false;
        }
        let before = found.len();
        for child in &node.children {
            if self.visit(*child, labels, found) && !self.nodes[*child].route.go_on {
                break;
            }
        }
        if found.len() == before {
            found.push(at);
        }
        true
    }
}

impl Node {
    /// The labels that the route groups by; those that the alert does not have are left out.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        if self.route.group_by_all {
            return labels.clone();
        }
        Labels::from_sorted(labels.iter().filter(|(name, _)| self.route.group_by.iter().any(|by| by == name)))
    }

    pub fn group_key(&self, group_labels: &Labels) -> String {
        format!("{}:{}", self.key, key::labels_text(group_labels))
    }
}
