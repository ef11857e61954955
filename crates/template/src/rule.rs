//! The templates of rules: labels and annotations of alerts, as Prometheus expands them.
//!
//! `$labels`, `$externalLabels`, `$externalURL` and `$value` stand for `.Labels`, `.ExternalLabels`, `.ExternalURL` and `.Value`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bellbuoy_vocabulary::{Labels, Timestamp};
use gotmpl::{FuncMap, Value};

use crate::data::{map, string, structure};
use crate::functions::{add, arguments, now_value, text};
use crate::methods::fail;
use crate::{Data, Template, TemplateError, TemplateSet};

/// Prometheus puts this before every template of a rule; it has no line end, so lines count right.
const PRELUDE: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Different queries that one template may ask.
const QUERIES_MAX: usize = 64;

/// Templates that call each other through `tmpl`.
const TMPL_DEPTH_MAX: usize = 4;

static SET: LazyLock<TemplateSet> = LazyLock::new(TemplateSet::rule);

/// What a rule's template can speak of.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'a> {
    pub labels: &'a Labels,
    pub value: f64,
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    pub now: Timestamp,
}

/// Asks the store for `query "expression"`, at the time of the rule's evaluation.
pub type Query<'a> = dyn Fn(&str) -> Result<Vec<(Labels, f64)>, String> + 'a;

/// A rule's template that has been read once and is rendered for many alerts.
#[derive(Clone)]
pub struct RuleTemplate(Template);

impl RuleTemplate {
    pub fn parse(text: &str) -> Result<RuleTemplate, TemplateError> {
        if !text.contains("{{") {
            return Template::parse("", text, &SET).map(RuleTemplate);
        }
        Template::parse("", &format!("{PRELUDE}{text}"), &SET).map(RuleTemplate)
    }

    pub fn expand(&self, context: &RuleContext, query: &Query) -> Result<String, TemplateError> {
        if let Some(text) = self.0.plain() {
            return Ok(text.to_string());
        }
        let data = Data::Struct(vec![
            ("Labels".into(), Data::labels(context.labels)),
            ("ExternalLabels".into(), Data::labels(context.external_labels)),
            ("ExternalURL".into(), Data::text(context.external_url)),
            ("Value".into(), Data::Float(context.value)),
        ])
        .to_value();
        // The engine's functions must own what they use, a query borrows the store. So a query that has no answer yet
        // ends the run, is asked out here, and the template runs again: it is a pure function and ends the same way.
        let answers = Answers::default();
        loop {
            let result = self.0.run(&data, running(context, &answers, &self.0, 0), Template::ROOT);
            let Some(wanted) = answers.take_wanted() else { return result };
            if answers.len() >= QUERIES_MAX {
                return Err(TemplateError { line: 0, message: format!("asks more than {QUERIES_MAX} queries") });
            }
            answers.put(wanted.clone(), query(&wanted));
        }
    }
}

/// Expands a template once. A text without `{{` is returned as it is.
pub fn expand(text: &str, context: &RuleContext, query: &Query) -> Result<String, TemplateError> {
    RuleTemplate::parse(text)?.expand(context, query)
}

/// Whether the template can be read at all: for the time when rules are loaded.
pub fn check(text: &str) -> Result<(), TemplateError> {
    if !text.contains("{{") {
        return Ok(());
    }
    RuleTemplate::parse(text).map(|_| ())
}

type Answer = Result<Value, String>;

/// The queries that were answered, and the one that the template wants next.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    answers: BTreeMap<String, Answer>,
    wanted: Option<String>,
}

impl Answers {
    fn with<T>(&self, act: impl FnOnce(&mut Asked) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_wanted(&self) -> Option<String> {
        self.with(|inner| inner.wanted.take())
    }

    fn len(&self) -> usize {
        self.with(|inner| inner.answers.len())
    }

    fn put(&self, query: String, result: Result<Vec<(Labels, f64)>, String>) {
        let answer = result.map(|samples| Value::List(samples.iter().map(sample).collect()));
        self.with(|inner| inner.answers.insert(query, answer));
    }

    fn get(&self, query: &str) -> Option<Answer> {
        self.with(|inner| {
            let answer = inner.answers.get(query).cloned();
            if answer.is_none() {
                inner.wanted = Some(query.to_string());
            }
            answer
        })
    }
}

fn sample((labels, value): &(Labels, f64)) -> Value {
    structure([("Labels", map(labels.iter().map(|(name, value)| (name, string(value))))), ("Value", Value::Float(*value))])
}

fn running(context: &RuleContext, answers: &Answers, template: &Template, depth: usize) -> FuncMap {
    let mut all = FuncMap::new();
    let known = answers.clone();
    add(&mut all, "query", move |args| {
        let [expression] = arguments("query", args)?;
        match known.get(text("query", expression)?) {
            Some(Ok(samples)) => Ok(samples),
            Some(Err(reason)) => fail(format!("query: {reason}")),
            None => fail("query: not asked yet"),
        }
    });
    let url = context.external_url.to_string();
    let path = path_prefix(context.external_url).to_string();
    let now = context.now;
    add(&mut all, "externalURL", move |_| Ok(string(&url)));
    add(&mut all, "pathPrefix", move |_| Ok(string(&path)));
    add(&mut all, "now", move |_| Ok(now_value(now)));
    let (labels, external_labels) = (context.labels.clone(), context.external_labels.clone());
    let (external_url, value) = (context.external_url.to_string(), context.value);
    let (answers, template) = (answers.clone(), template.clone());
    add(&mut all, "tmpl", move |args| {
        let [name, data] = arguments("tmpl", args)?;
        let name = text("tmpl", name)?;
        if depth >= TMPL_DEPTH_MAX {
            return fail("tmpl: templates call each other too deeply");
        }
        if !template.has(name) {
            return fail(format!("template {name:?} not defined"));
        }
        let context = RuleContext { labels: &labels, value, external_labels: &external_labels, external_url: &external_url, now };
        match template.run(data, running(&context, &answers, &template, depth + 1), name) {
            Ok(text) => Ok(string(&text)),
            Err(error) => fail(error.message),
        }
    });
    all
}

/// The path of a URL, without its last slash.
pub(crate) fn path_prefix(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or("", |at| &after_scheme[at..])
}

#[cfg(test)]
mod tests;
