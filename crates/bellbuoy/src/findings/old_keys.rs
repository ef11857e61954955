//! Keys of alertmanager.yml that have a successor.
//!
//! These look at files as they are written: the settings know no difference.

use bellbuoy_check::{Anchor, Finding, Step};
use bellbuoy_vocabulary::{Severity, Span};

use crate::config::{Loaded, Node, Value};

pub const CODE: &str = "old-key";

const OF_ROUTES: [(&str, &str); 2] = [("match", "matchers"), ("match_re", "matchers")];
const OF_INHIBITIONS: [(&str, &str); 4] = [
    ("source_match", "source_matchers"),
    ("source_match_re", "source_matchers"),
    ("target_match", "target_matchers"),
    ("target_match_re", "target_matchers"),
];

pub fn look(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let Some(path) = &loaded.found.alertmanager else { return };
    let Some(source) = loaded.sources.get(path) else { return };
    let file = path.display().to_string();
    let mut tell = |node: &Node, at: &[Step], keys: &[(&str, &str)]| {
        for (old, new) in keys.iter().filter(|(old, _)| node.get(old).is_some()) {
            let message = format!("{old} is the old form of {new}");
            let why = format!("It is read all the same; {new} can say more, and is what the documentation tells of.");
            let mut place = at.to_vec();
            place.push(Step::Key(old.to_string()));
            let finding = Finding::of_file(CODE, Severity::Info, &file, message, why);
            findings.push(Finding { at: Anchor::of(Span::default(), place), ..finding });
        }
    };
    tell(&source.tree.root, &[], &[("mute_time_intervals", "time_intervals")]);
    if let Some(route) = source.tree.root.get("route") {
        routes(route, &mut vec![Step::from("route")], &mut tell);
    }
    for (at, rule) in items(source.tree.root.get("inhibit_rules")).iter().enumerate() {
        tell(rule, &["inhibit_rules".into(), at.into()], &OF_INHIBITIONS);
    }
}

/// Called with a node, the way to it, and the old keys that it may have.
type Tell<'a> = dyn FnMut(&Node, &[Step], &[(&str, &str)]) + 'a;

fn routes(route: &Node, at: &mut Vec<Step>, tell: &mut Tell<'_>) {
    tell(route, at, &OF_ROUTES);
    for (index, child) in items(route.get("routes")).iter().enumerate() {
        at.extend([Step::from("routes"), Step::from(index)]);
        routes(child, at, tell);
        at.truncate(at.len() - 2);
    }
}

fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}
