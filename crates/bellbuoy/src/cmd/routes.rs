//! What `bellbuoy check` says of alertmanager.yml: the lines of `amtool check-config`, and the tree of `amtool config routes show`.

use bellbuoy_router::Route;
use bellbuoy_vocabulary::{Matcher, is_classic_label_name};

use crate::config::Settings;

/// Nothing without an alertmanager.yml.
pub fn say_found(settings: &Settings) {
    let Some(router) = &settings.router else { return };
    say!("Found:");
    say!(" - global config");
    say!(" - route");
    say!(" - {} inhibit rules", router.inhibit_rules.len());
    say!(" - {} receivers", settings.receivers.len());
    say!(" - {} templates", settings.template_files.len());
}

pub fn say_tree(settings: &Settings) {
    let Some(router) = &settings.router else { return };
    say!("Routing tree:\n.");
    let mut lines = Vec::new();
    branch(&router.route, "", true, &mut lines);
    lines.iter().for_each(|line| say!("{line}"));
}

fn branch(route: &Route, indent: &str, last: bool, lines: &mut Vec<String>) {
    let words: Vec<String> = route.matchers.iter().map(word).collect();
    let name = if words.is_empty() { "default-route".to_string() } else { format!("{{{}}}", words.join(",")) };
    let goes_on = if route.go_on { "  continue: true" } else { "" };
    lines.push(format!("{indent}{} {name}{goes_on}  receiver: {}", if last { "└──" } else { "├──" }, route.receiver));
    let inner = format!("{indent}{}", if last { "    " } else { "│   " });
    for (at, child) in route.routes.iter().enumerate() {
        branch(child, &inner, at + 1 == route.routes.len(), lines);
    }
}

/// As Alertmanager prints a matcher: only a name that would not be read back is in quotes.
pub fn word(matcher: &Matcher) -> String {
    let reserved = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
    if is_classic_label_name(&matcher.name) || matcher.name.contains(reserved) {
        return matcher.to_string();
    }
    let text = matcher.to_string();
    let quoted = format!("{:?}", matcher.name);
    text.strip_prefix(&quoted).map_or(text.clone(), |rest| format!("{}{rest}", matcher.name))
}
