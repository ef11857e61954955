//! The functions that templates call: Go's own, those that rules and notifications share, and each family's own.

mod common;
pub(crate) mod grafana;
pub(crate) mod notify;
pub(crate) mod rule;

use std::sync::{Arc, Mutex, PoisonError};

use bellbuoy_vocabulary::Timestamp;
use gotmpl::{FuncMap, TemplateError, Value};

use crate::OUTPUT_BYTES_MAX;
use crate::data::{Kind, kind};
use crate::methods::fail;

pub(crate) type Answer = Result<Value, TemplateError>;

/// Which functions there are, and whether maps have the methods of Alertmanager's KV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Rule,
    Notify,
    /// Alertmanager's, and `coll.Dict` and its like.
    Grafana,
}

impl Family {
    /// The functions that need nothing of the running render.
    pub fn functions(self) -> FuncMap {
        let mut functions = common::functions(self != Family::Rule);
        match self {
            Family::Rule => functions.extend(rule::functions()),
            Family::Notify => functions.extend(notify::functions()),
            Family::Grafana => {
                functions.extend(notify::functions());
                functions.extend(grafana::functions());
            }
        }
        functions
    }

    /// The functions that are added anew for each render.
    pub fn running(self) -> &'static [&'static str] {
        match self {
            Family::Rule => &["query", "externalURL", "pathPrefix", "now", "tmpl"],
            Family::Notify => &["now", "since", "routeLabels"],
            Family::Grafana => &["now", "since", "routeLabels", "time.Now", "tmpl.Exec", "tmpl.Inline"],
        }
    }
}

/// The functions of Go's text/template, which the engine brings.
pub(crate) const BUILT_IN: [&str; 19] = [
    "and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery", "call", "eq", "ne", "lt", "le",
    "gt", "ge",
];

/// Where the render is, for its errors.
#[derive(Clone, Default)]
pub(crate) struct Place(Arc<Mutex<(String, usize)>>);

impl Place {
    pub fn get(&self) -> (String, usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, template: &str, line: usize) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if place.0 != template {
            place.0 = template.to_string();
        }
        place.1 = line;
    }

    /// `__line "template" 12`
    pub fn function(&self) -> gotmpl::ValueFunc {
        let place = self.clone();
        Arc::new(move |args| {
            if let [Value::String(template), Value::Int(line)] = args {
                place.set(template, *line as usize);
            }
            Ok(Value::Nil)
        })
    }
}

pub(crate) fn add(functions: &mut FuncMap, name: &str, function: impl Fn(&[Value]) -> Answer + Send + Sync + 'static) {
    functions.insert(name.to_string(), Arc::new(bounded(function)));
}

/// Refuses arguments that are larger than a whole output may be, so that no loop of doubling texts or lists can grow.
fn bounded(function: impl Fn(&[Value]) -> Answer) -> impl Fn(&[Value]) -> Answer {
    move |args| {
        let mut budget = OUTPUT_BYTES_MAX;
        for arg in args {
            if !weigh(arg, &mut budget, 0) {
                return fail("a value is too large");
            }
        }
        function(args)
    }
}

/// Deeper values are refused: printing and dropping them recurses.
const DEPTH_MAX: usize = 32;

fn weigh(value: &Value, budget: &mut usize, depth: usize) -> bool {
    let own = match value {
        Value::String(text) => text.len(),
        Value::Safe { s, .. } => s.len(),
        _ => 1,
    };
    if own > *budget || depth > DEPTH_MAX {
        return false;
    }
    *budget -= own;
    match value {
        Value::List(items) => items.iter().all(|item| weigh(item, budget, depth + 1)),
        Value::Map(entries) => entries.iter().all(|(name, item)| {
            let fits = name.len() <= *budget;
            *budget = budget.saturating_sub(name.len());
            fits && weigh(item, budget, depth + 1)
        }),
        _ => true,
    }
}

/// The text of an argument that must be one.
pub(crate) fn text<'a>(function: &str, value: &'a Value) -> Result<&'a str, TemplateError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Safe { s, .. } => Ok(s),
        other => fail(format!("{function}: expected a string, got {}", other.type_name())),
    }
}

pub(crate) fn arguments<'a, const N: usize>(function: &str, args: &'a [Value]) -> Result<&'a [Value; N], TemplateError> {
    match args.try_into() {
        Ok(args) => Ok(args),
        Err(_) => fail(format!("wrong number of arguments for {function}: want {N} got {}", args.len())),
    }
}

/// A number of anything that can be one, as Prometheus' `convertToFloat`; a duration counts in seconds.
pub(crate) fn number(function: &str, value: &Value) -> Result<f64, TemplateError> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Uint(number) => Ok(*number as f64),
        Value::String(text) => match bellbuoy_vocabulary::parse_float(text) {
            Some(number) => Ok(number),
            None => fail(format!("{function}: {text:?} is not a number")),
        },
        Value::Map(entries) => match kind(entries) {
            Kind::Duration(nanos) => Ok(nanos as f64 / 1e9),
            _ => fail(format!("{function}: a map is not a number")),
        },
        other => fail(format!("{function}: a {} is not a number", other.type_name())),
    }
}

pub(crate) fn now_value(now: Timestamp) -> Value {
    crate::data::Time { at_ms: now.0, zone: String::new() }.to_value()
}
