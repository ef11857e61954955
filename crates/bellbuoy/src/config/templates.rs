//! The templates of messages, read and tried when the configuration is read: what would fail when it matters is an error here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bellbuoy_notify::probe::{Failure, Samples};
use bellbuoy_notify::{Integration, Receiver};
use bellbuoy_template::notify::default_templates;
use bellbuoy_template::{TemplateError, TemplateSet};
use bellbuoy_vocabulary::{Problem, Span, nearest};

use super::read::Report;
use super::yaml::{Node, Value};

/// Settings of a receiver that are no templates, whatever they hold.
const NO_TEMPLATES: [&str; 4] = ["http_config", "tls_config", "auth_password", "api_secret"];

/// Problems of template files are returned; those of the receivers' fields go to the report.
pub fn check(root: &Node, receivers: &[Receiver], files: &[(PathBuf, String)], report: &Report) -> Vec<Problem> {
    let (set, origins, mut problems) = read(files);
    if !problems.is_empty() {
        return problems;
    }
    let texts = files.iter().map(|(_, text)| text.as_str());
    let samples = Samples::new(texts.chain(fields(root).into_iter().map(|(_, _, text)| text)));
    for receiver in receivers {
        for integration in &receiver.integrations {
            let place = node_of(root, receiver, integration);
            for failure in samples.failures(integration, &set) {
                let what = format!("{} of receiver {:?}", failure.field, receiver.name);
                let origin = failure.template.as_ref().and_then(|name| origins.get(name));
                let problem = match (origin, place) {
                    (Some(file), _) => {
                        let span = Span { line: failure.line, column: 0, length: 0 };
                        told(
                            Problem::error(file, span, ""),
                            &failure,
                            &set,
                            &format!("template {:?} for {what}", failure.template.as_deref().unwrap_or("")),
                        )
                    }
                    (None, place) => {
                        let span = place.and_then(|node| span_of(node, &failure, &samples, &set)).unwrap_or_default();
                        told(Problem::error(&report.file, span, ""), &failure, &set, &format!("template of {what}"))
                    }
                };
                // A named template that many receivers use is told once.
                if !problems.iter().any(|known: &Problem| known.file == problem.file && known.span == problem.span && problem.span.line > 0)
                {
                    problems.push(problem);
                }
            }
            for field in samples.empty(integration, &set) {
                let span = place.map_or(Span::default(), |node| node.get(field).map_or(node.span, |found| found.span));
                let message = format!("{field} of receiver {:?} is empty for every sample notification", receiver.name);
                report.warning(span, message, "the service refuses such messages, or shows nothing");
            }
        }
    }
    problems.sort_by(|a, b| (&a.file, a.span.line).cmp(&(&b.file, b.span.line)));
    problems
}

/// The set of all files, which file has which name, and what can not be read. Of a name that is defined twice the last one counts.
fn read(files: &[(PathBuf, String)]) -> (TemplateSet, BTreeMap<String, String>, Vec<Problem>) {
    let (mut set, mut origins, mut problems) = (default_templates(), BTreeMap::new(), Vec::new());
    for (path, text) in files {
        let file = path.display().to_string();
        let at = |error: TemplateError| Problem::error(&file, Span { line: error.line, column: 0, length: 0 }, error.message);
        let mut alone = TemplateSet::notify();
        match alone.add(&file, text).and_then(|()| set.add(&file, text)) {
            Ok(()) => origins.extend(alone.names().map(|name| (name.to_string(), file.clone()))),
            Err(error) => problems.push(at(error)),
        }
    }
    for error in set.problems() {
        let caller = error.message.strip_prefix("in \"").and_then(|rest| rest.split_once("\": "));
        let (file, message) = caller.map_or((None, error.message.as_str()), |(name, message)| (origins.get(name), message));
        let span = Span { line: error.line, column: 0, length: 0 };
        problems.push(Problem::error(file.cloned().unwrap_or_default(), span, message).help(meant(message, &set)));
    }
    (set, origins, problems)
}

fn told(problem: Problem, failure: &Failure, set: &TemplateSet, what: &str) -> Problem {
    if failure.always {
        let help = meant(&failure.message, set);
        return Problem { message: format!("{what} fails: {}", failure.message), help, ..problem };
    }
    let message = format!("{what} fails for some notifications: {}", failure.message);
    Problem::warning(problem.file, problem.span, message).help("such messages go out in a plain form that says so")
}

/// `did you mean "slack.title"?` for a template that is not there.
fn meant(message: &str, set: &TemplateSet) -> String {
    let missing = message.strip_prefix("template \"").and_then(|rest| rest.strip_suffix("\" not defined"));
    let near = missing.and_then(|name| nearest(name, set.names().filter(|name| !name.starts_with("__") && !name.contains('/'))));
    near.map(|near| format!("did you mean {near:?}?")).unwrap_or_default()
}

fn node_of<'a>(root: &'a Node, receiver: &Receiver, integration: &Integration) -> Option<&'a Node> {
    let Value::List(receivers) = &root.get("receivers")?.value else { return None };
    let named = |node: &&Node| node.get("name").and_then(Node::scalar).is_some_and(|name| name.text == receiver.name);
    let key = format!("{}_configs", integration.kind.word());
    match &receivers.iter().find(named)?.get(&key)?.value {
        Value::List(items) => items.get(integration.index),
        _ => None,
    }
}

/// Where the failing text stands: the key that the failure names, and among several (Slack's fields) the one that fails.
fn span_of(node: &Node, failure: &Failure, samples: &Samples, set: &TemplateSet) -> Option<Span> {
    let all = fields(node);
    let last = failure.field.rsplit('.').next().unwrap_or_default();
    let named = |key: &str| key.eq_ignore_ascii_case(last);
    let failing: BTreeSet<usize> = (0..all.len()).filter(|at| samples.fails(all[*at].2, set)).collect();
    let best = (0..all.len()).max_by_key(|at| (failing.contains(at), named(all[*at].0), std::cmp::Reverse(*at)));
    let (_, span, text) = best.filter(|at| failing.contains(at) || named(all[*at].0)).map(|at| &all[at])?;
    // A block scalar begins on the line after its key; a text in the line of its key has only that one.
    let offset = if failure.template.is_none() && text.contains('\n') { failure.line.saturating_sub(1) } else { 0 };
    Some(Span {
        line: span.line + offset,
        column: if offset > 0 { 0 } else { span.column },
        length: if offset > 0 { 0 } else { span.length },
    })
}

/// Key, place and text of every value that is a template.
fn fields(node: &Node) -> Vec<(&str, Span, &str)> {
    let mut found = Vec::new();
    collect("", node, &mut found);
    found
}

fn collect<'a>(key: &'a str, node: &'a Node, found: &mut Vec<(&'a str, Span, &'a str)>) {
    match &node.value {
        Value::Scalar(scalar) if scalar.text.contains("{{") => found.push((key, node.span, &scalar.text)),
        Value::List(items) => items.iter().for_each(|item| collect(key, item, found)),
        Value::Map(entries) => {
            entries
                .iter()
                .filter(|entry| !NO_TEMPLATES.contains(&entry.key.as_str()))
                .for_each(|entry| collect(&entry.key, &entry.value, found));
        }
        _ => {}
    }
}
