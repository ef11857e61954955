//! A template that has been read, and the set of named templates that it can call.
//!
//! In:    texts of template files and of single fields, `Data`. Out: the printed text, or an error with its line.
//! Never: prints more than `OUTPUT_BYTES_MAX`; calls itself without end.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use bellbuoy_vocabulary::Timestamp;
use gotmpl::FuncMap;
use gotmpl::parse::{DefineNode, ListNode, Parser};

use crate::data::Data;
use crate::functions::{BUILT_IN, Family, Place, grafana, notify};
use crate::grafana_notify::Extra;
use crate::notify::Notification;
use crate::rewrite::Rewriter;

/// The longest text that a template may print.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// Turns of all loops of one render together.
const LOOP_TURNS_MAX: u64 = 100_000;

/// Longer templates are refused.
const TEMPLATE_BYTES_MAX: usize = 1 << 20;

/// Why a template could not be read or run. `line` counts from 1; 0 when it is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TemplateError {
    pub line: usize,
    pub message: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.message)
    }
}

/// What a render knows beside its data.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    pub now: Timestamp,
}

/// Named templates (`{{ define "name" }}`) of several files, of one family of functions. Cheap to clone.
#[derive(Clone)]
pub struct TemplateSet {
    family: Family,
    functions: Arc<FuncMap>,
    bodies: BTreeMap<String, Arc<ListNode>>,
    /// Who calls whom, with the line: to find names that nobody defines.
    calls: BTreeMap<String, Vec<(String, usize)>>,
}

impl fmt::Debug for TemplateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.bodies.keys()).finish()
    }
}

impl TemplateSet {
    /// With Prometheus' functions.
    pub fn rule() -> TemplateSet {
        TemplateSet::new(Family::Rule)
    }

    /// With Alertmanager's functions and without any named template.
    pub fn notify() -> TemplateSet {
        TemplateSet::new(Family::Notify)
    }

    /// With more functions, or others under the same names.
    pub(crate) fn with_functions(mut self, more: FuncMap) -> TemplateSet {
        let mut functions = (*self.functions).clone();
        functions.extend(more);
        self.functions = Arc::new(functions);
        self
    }

    /// With Grafana's functions, which are Alertmanager's and more, and without any named template.
    pub fn grafana() -> TemplateSet {
        TemplateSet::new(Family::Grafana)
    }

    /// Whether these are the templates of Grafana's contact points: their data has more fields.
    pub fn is_grafana(&self) -> bool {
        self.family == Family::Grafana
    }

    /// A notification's data as the templates of this set know it.
    pub fn data_of(&self, notification: &Notification, environment: &Environment) -> Data {
        if self.is_grafana() { crate::grafana_notify::data(notification, environment.now, &Extra::default()) } else { notification.data() }
    }

    fn new(family: Family) -> TemplateSet {
        TemplateSet { family, functions: Arc::new(family.functions()), bodies: BTreeMap::new(), calls: BTreeMap::new() }
    }

    /// Adds the named templates of a file. A name that was there before is replaced, unless the new body is empty.
    /// `problems` tells of calls to names that no file has defined; ask when all files are added.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), TemplateError> {
        let (body, defines) = parse(text)?;
        self.insert(file, body)?;
        for DefineNode { name, body, .. } in defines {
            self.insert(&name, body)?;
        }
        Ok(())
    }

    fn insert(&mut self, name: &str, body: ListNode) -> Result<(), TemplateError> {
        if body.is_empty_tree() && self.bodies.contains_key(name) {
            return Ok(());
        }
        let is_function = |function: &str| self.is_function(function);
        let mut rewriter = Rewriter::new(name, &is_function);
        let body = rewriter.list(body)?;
        let calls = rewriter.calls;
        self.bodies.insert(name.to_string(), Arc::new(body));
        self.calls.insert(name.to_string(), calls);
        Ok(())
    }

    fn is_function(&self, name: &str) -> bool {
        !name.starts_with("__") && (BUILT_IN.contains(&name) || self.functions.contains_key(name) || self.family.running().contains(&name))
    }

    pub fn has(&self, name: &str) -> bool {
        self.bodies.contains_key(name)
    }

    /// Whether a name has the very same body in both: then nobody has redefined it.
    pub fn same(&self, other: &TemplateSet, name: &str) -> bool {
        match (self.bodies.get(name), other.bodies.get(name)) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.bodies.keys().map(String::as_str)
    }

    /// Calls to templates that do not exist.
    pub fn problems(&self) -> Vec<TemplateError> {
        let mut problems = Vec::new();
        for (caller, calls) in &self.calls {
            for (name, line) in calls.iter().filter(|(name, _)| !self.bodies.contains_key(name)) {
                problems.push(TemplateError { line: *line, message: format!("in {caller:?}: template {name:?} not defined") });
            }
        }
        problems
    }
}

fn parse(text: &str) -> Result<(ListNode, Vec<DefineNode>), TemplateError> {
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(TemplateError { line: 0, message: format!("template is longer than {TEMPLATE_BYTES_MAX} bytes") });
    }
    check_ends(text)?;
    Parser::new(text, "{{", "}}").and_then(Parser::parse).map_err(|error| plain_error(error, &Place::default()))
}

/// The engine's parser forgives a missing `{{ end }}` and one too many, which Go does not.
fn check_ends(text: &str) -> Result<(), TemplateError> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|found| at + found + 2) {
        let action = text[start..].trim_start_matches('-').trim_start();
        let line = text[..start].matches('\n').count() + 1;
        let word = action.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
        match word {
            "if" | "range" | "with" | "define" | "block" => open.push((word, line)),
            "end" if open.pop().is_none() => return Err(TemplateError { line, message: "unexpected {{ end }}".into() }),
            _ => {}
        }
        at = start + action_length(&text[start..]);
    }
    match open.pop() {
        Some((word, line)) => Err(TemplateError { line, message: format!("the {{{{ {word} }}}} has no {{{{ end }}}}") }),
        None => Ok(()),
    }
}

/// The length of an action without its `{{` up to behind its `}}`; texts in it may hold braces.
fn action_length(action: &str) -> usize {
    let bytes = action.as_bytes();
    if let Some(comment) = action.trim_start_matches('-').trim_start().strip_prefix("/*") {
        let begins = action.len() - comment.len();
        return comment.find("*/").map_or(action.len(), |end| begins + end + 2);
    }
    let mut at = 0;
    let mut quote = None;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"' | b'\''), b'\\') => at += 1,
            (Some(open), byte) if open == byte => quote = None,
            (None, byte @ (b'"' | b'`' | b'\'')) => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return at + 2,
            _ => {}
        }
        at += 1;
    }
    action.len()
}

fn plain_error(error: gotmpl::TemplateError, place: &Place) -> TemplateError {
    use gotmpl::TemplateError as Engine;
    match error {
        Engine::Parse { line, message, .. } | Engine::Lex { line, message, .. } => TemplateError { line, message },
        error => {
            let (template, line) = place.get();
            let message = match error {
                Engine::Exec(message) => message,
                Engine::Write => format!("prints more than {OUTPUT_BYTES_MAX} bytes"),
                Engine::FuncPanic { name, .. } => format!("function {name} failed"),
                other => other.to_string(),
            };
            let message = if matches!(template.as_str(), "" | ROOT) { message } else { format!("in {template:?}: {message}") };
            TemplateError { line, message }
        }
    }
}

/// The name of a template's own body among the named ones.
const ROOT: &str = "\0root";

/// A template, read and checked, ready to render. Cheap to clone.
#[derive(Clone)]
pub struct Template {
    /// The text itself when it has no actions.
    plain: Option<String>,
    set: TemplateSet,
}

impl Template {
    /// Reads a template that can call those of `set`. Fails for what Go refuses, for unknown functions and unknown templates.
    /// `name` is only for error messages of templates that call each other.
    pub fn parse(_name: &str, text: &str, set: &TemplateSet) -> Result<Template, TemplateError> {
        if !text.contains("{{") {
            return Ok(Template { plain: Some(text.to_string()), set: set.clone() });
        }
        let mut set = set.clone();
        set.add(ROOT, text)?;
        match set.problems().into_iter().next() {
            Some(problem) => Err(TemplateError { message: problem.message.replace("in \"\\0root\": ", ""), ..problem }),
            None => Ok(Template { plain: None, set }),
        }
    }

    /// The text for `data`. At most `OUTPUT_BYTES_MAX` long.
    pub fn render(&self, data: &Data, environment: &Environment) -> Result<String, TemplateError> {
        match &self.plain {
            Some(text) => Ok(text.clone()),
            None => self.run(&data.to_value(), self.running(environment), ROOT),
        }
    }

    /// The same with Go's html/template: what the data says is escaped for the place in which it lands.
    pub fn render_html(&self, data: &Data, environment: &Environment) -> Result<String, TemplateError> {
        if let Some(text) = &self.plain {
            return Ok(text.clone());
        }
        let place = Place::default();
        let mut functions = self.running(environment);
        functions.insert("__line".into(), place.function());
        // The escaper begins at the template's own body, so that one is parsed here and not added.
        let mut engine =
            gotmpl::html::Template::new("html").max_range_iters(LOOP_TURNS_MAX).funcs((*self.set.functions).clone()).funcs(functions);
        let begin = |error| plain_error(error, &place);
        for (name, body) in &self.set.bodies {
            engine = engine.add_parse_tree(name, (**body).clone()).map_err(begin)?;
        }
        engine = engine.parse(&format!("{{{{ template {ROOT:?} . }}}}").replace("\\0", "\\x00")).map_err(begin)?;
        let mut out = Bounded(String::new());
        engine.execute_fmt(&mut out, &data.to_value()).map_err(begin)?;
        Ok(out.0)
    }

    fn running(&self, environment: &Environment) -> FuncMap {
        match self.set.family {
            Family::Notify => notify::running(environment.now),
            Family::Grafana => grafana::running(self, environment.now, 0),
            Family::Rule => FuncMap::new(),
        }
    }

    pub(crate) fn run(&self, data: &gotmpl::Value, mut functions: FuncMap, name: &str) -> Result<String, TemplateError> {
        let place = Place::default();
        functions.insert("__line".into(), place.function());
        let mut all = (*self.set.functions).clone();
        all.extend(functions);
        let mut engine = gotmpl::Template::new("text").max_range_iters(LOOP_TURNS_MAX).funcs(all);
        for name in self.needed(name) {
            if let Some(body) = self.set.bodies.get(name) {
                engine = engine.add_parse_tree(name, (**body).clone());
            }
        }
        let mut out = Bounded(String::new());
        engine.execute_template_fmt(&mut out, name, data).map_err(|error| plain_error(error, &place))?;
        Ok(out.0)
    }

    /// The bodies that `name` can reach; the engine wants its own copy of each.
    fn needed<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let mut needed = vec![name];
        let mut at = 0;
        while let Some(calls) = needed.get(at).map(|name| self.set.calls.get(*name)) {
            for (called, _) in calls.into_iter().flatten() {
                if !needed.contains(&called.as_str()) {
                    needed.push(called);
                }
            }
            at += 1;
        }
        needed
    }

    /// The same templates with `text` as the root.
    pub(crate) fn inline(&self, text: &str) -> Result<Template, TemplateError> {
        Template::parse("", text, &self.set)
    }

    pub(crate) fn plain(&self) -> Option<&str> {
        self.plain.as_deref()
    }

    pub(crate) const ROOT: &'static str = ROOT;

    pub(crate) fn has(&self, name: &str) -> bool {
        self.set.has(name)
    }
}

struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
