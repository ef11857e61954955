//! The value layer's own functions, printing as Go does, and what both families have.

use bellbuoy_vocabulary::find_regex;
use gotmpl::{FuncMap, SafeKind, TemplateError, Value};
use regex::Regex;

use super::{Answer, add, arguments, number, text};
use crate::data::{Kind, kind, string};
use crate::format;
use crate::methods::{self, fail};

pub(super) fn functions(methods: bool) -> FuncMap {
    let mut all = FuncMap::new();
    value_layer(&mut all, methods);
    printing(&mut all, methods);
    texts(&mut all);
    add(&mut all, "humanizeDuration", |args| {
        let [value] = arguments("humanizeDuration", args)?;
        Ok(string(&format::humanize_duration(number("humanizeDuration", value)?)))
    });
    all
}

fn value_layer(all: &mut FuncMap, methods: bool) {
    add(all, "__get", move |args| {
        let Some((base, names)) = args.split_first() else { return Ok(Value::Nil) };
        let mut value = base.clone();
        for name in names {
            value = methods::get(&value, text("field", name)?, methods)?;
        }
        Ok(value)
    });
    add(all, "__call", move |args| match args {
        [base, name, args @ ..] => methods::call(base, text("method", name)?, args, methods),
        _ => Ok(Value::Nil),
    });
    let print_one = printer(methods);
    add(all, "__print", move |args| match args {
        [value @ (Value::Float(_) | Value::List(_) | Value::Map(_))] => Ok(string(&print_one(value))),
        [value] => Ok(value.clone()),
        _ => fail("nothing to print"),
    });
    // The engine sees our times and structs as maps.
    add(all, "len", |args| {
        let [value] = arguments("len", args)?;
        let counted = match value {
            Value::Map(entries) if !matches!(kind(entries), Kind::Map) => None,
            value => value.len(),
        };
        counted.map_or_else(|| fail(format!("len of type {}", value.type_name())), |count| Ok(Value::Int(count as i64)))
    });
    // In Go a missing key of a map of texts is an empty text; the engine's own gives nil.
    add(all, "index", |args| {
        let Some((base, keys)) = args.split_first() else { return fail("index: nothing to index") };
        let mut value = base.clone();
        for key in keys {
            let missing = matches!((&value, key), (Value::Map(entries), Value::String(name)) if !entries.contains_key(name));
            value = if missing { string("") } else { value.index(key)? };
        }
        Ok(value)
    });
}

/// How one value is printed: maps may be Alertmanager's KV.
fn printer(methods: bool) -> fn(&Value) -> String {
    if methods { format::print_kv } else { format::print_value }
}

fn printing(all: &mut FuncMap, methods: bool) {
    let print_one = printer(methods);
    add(all, "print", move |args| Ok(string(&print(args, print_one))));
    add(all, "println", move |args| {
        let words: Vec<String> = args.iter().map(print_one).collect();
        Ok(string(&(words.join(" ") + "\n")))
    });
    add(all, "printf", move |args| {
        let Some((layout, values)) = args.split_first() else { return fail("printf: no format") };
        let mut ready = vec![layout.clone()];
        ready.extend(printf_values(text("printf", layout)?, values, print_one));
        engine_printf(ready)
    });
    for name in ["html", "js", "urlquery"] {
        add(all, name, move |args| {
            let plain = print(args, print_one);
            Ok(string(&match name {
                "html" => gotmpl::html_escape(&plain),
                "js" => gotmpl::js_escape(&plain),
                _ => gotmpl::url_encode(&plain),
            }))
        });
    }
}

/// Go's `fmt.Sprint`: a space between two that are both no texts.
fn print(args: &[Value], print_one: fn(&Value) -> String) -> String {
    let is_text = |value: &Value| matches!(value, Value::String(_) | Value::Safe { .. });
    let mut out = String::new();
    for (at, arg) in args.iter().enumerate() {
        if at > 0 && !is_text(arg) && !is_text(&args[at - 1]) {
            out.push(' ');
        }
        out.push_str(&print_one(arg));
    }
    out
}

/// The engine's `printf`, which is right but for what its `%v` makes of numbers and of our marked maps. The engine keeps
/// its functions to itself; a template of one action reaches this one.
fn engine_printf(args: Vec<Value>) -> Answer {
    let names: Vec<String> = (0..args.len()).map(|at| format!("a{at}")).collect();
    let action = names.iter().fold("{{ printf".to_string(), |action, name| action + " ." + name) + " }}";
    let data = crate::data::map(names.iter().map(String::as_str).zip(args));
    Ok(string(&gotmpl::Template::new("printf").parse(&action)?.execute_to_string(&data)?))
}

/// Values made ready for the verbs that will print them.
fn printf_values(layout: &str, values: &[Value], print_one: fn(&Value) -> String) -> Vec<Value> {
    let verbs = verbs(layout);
    let ready = |(at, value): (usize, &Value)| {
        let verb = verbs.get(at).copied().unwrap_or('v');
        match (value, verb) {
            (Value::Float(_) | Value::List(_), 'v') | (Value::List(_), 's') => string(&print_one(value)),
            (Value::Safe { s, .. }, _) => Value::String(s.clone()),
            (Value::Map(entries), _) => match (kind(entries), verb) {
                (Kind::Duration(nanos), 'd') => Value::Int(nanos),
                _ => string(&print_one(value)),
            },
            _ => value.clone(),
        }
    };
    values.iter().enumerate().map(ready).collect()
}

/// The verb of each argument; a `*` takes one too. Layouts with `%[1]d` are read in their order, which is right for most.
fn verbs(layout: &str) -> Vec<char> {
    let mut verbs = Vec::new();
    let mut chars = layout.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        for c in chars.by_ref() {
            match c {
                '*' => verbs.push('d'),
                '%' => break,
                c if c.is_ascii_alphabetic() => {
                    verbs.push(c);
                    break;
                }
                _ => {}
            }
        }
    }
    verbs
}

fn texts(all: &mut FuncMap) {
    add(all, "toUpper", |args| {
        let [value] = arguments("toUpper", args)?;
        Ok(string(&text("toUpper", value)?.to_uppercase()))
    });
    add(all, "toLower", |args| {
        let [value] = arguments("toLower", args)?;
        Ok(string(&text("toLower", value)?.to_lowercase()))
    });
    add(all, "match", |args| {
        let [pattern, value] = arguments("match", args)?;
        Ok(Value::Bool(regex("match", pattern)?.is_match(text("match", value)?)))
    });
    add(all, "reReplaceAll", |args| {
        let [pattern, replacement, value] = arguments("reReplaceAll", args)?;
        let text_in = text("reReplaceAll", value)?;
        let pattern = regex("reReplaceAll", pattern)?;
        let replaced = pattern.replace_all(text_in, text("reReplaceAll", replacement)?);
        if replaced.len() > crate::OUTPUT_BYTES_MAX { fail("reReplaceAll: the result is too large") } else { Ok(string(&replaced)) }
    });
    add(all, "safeHtml", |args| {
        let [value] = arguments("safeHtml", args)?;
        Ok(Value::Safe { kind: SafeKind::Html, s: text("safeHtml", value)?.into() })
    });
}

pub(super) fn regex(function: &str, pattern: &Value) -> Result<Regex, TemplateError> {
    let pattern = text(function, pattern)?;
    match find_regex(pattern) {
        Ok(regex) => Ok(regex),
        Err(_) => fail(format!("{function}: bad regular expression {pattern:?}")),
    }
}

/// Go's `strings.Title`: the first letter of each word.
pub(super) fn title(text: &str, lower_rest: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        let letter = c.is_alphanumeric() || matches!(c, '_' | '\'');
        match (letter, in_word) {
            (true, false) => out.extend(c.to_uppercase()),
            (true, true) if lower_rest => out.extend(c.to_lowercase()),
            _ => out.push(c),
        }
        in_word = letter;
    }
    out
}
