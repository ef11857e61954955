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
        let (layout, mut ready) = printf_ready(text("printf", layout)?, values, print_one);
        ready.insert(0, string(&layout));
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

/// The engine's `printf`, which is right but for what `printf_ready` sees to. The engine keeps its functions to itself; a
/// template of one action reaches this one.
fn engine_printf(args: Vec<Value>) -> Answer {
    let names: Vec<String> = (0..args.len()).map(|at| format!("a{at}")).collect();
    let action = names.iter().fold("{{ printf".to_string(), |action, name| action + " ." + name) + " }}";
    let data = crate::data::map(names.iter().map(String::as_str).zip(args));
    Ok(string(&gotmpl::Template::new("printf").parse(&action)?.execute_to_string(&data)?))
}

/// Format and values as the engine then prints what Go prints: numbers and our marked maps for `%v`, types for `%T`, and what Go says of
/// a number whose verb is of the other kind (`%!d(float64=35.5)`), which the engine would convert, and of a `%` at the end.
fn printf_ready(layout: &str, values: &[Value], print_one: fn(&Value) -> String) -> (String, Vec<Value>) {
    let mut rest = values.iter();
    // Directives like `%[1]d` choose their arguments by number. They are left alone, and read in their order, which is right for most.
    let numbered = layout.contains('[');
    let (mut out, mut ready) = (String::with_capacity(layout.len()), Vec::with_capacity(values.len()));
    let mut chars = layout.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c != '%' {
            continue;
        }
        let flags_from = out.len();
        loop {
            match chars.next() {
                None => {
                    out.insert(flags_from, '%');
                    out.truncate(flags_from + 1);
                    out.push_str("!(NOVERB)");
                    break;
                }
                Some('*') => {
                    out.push('*');
                    ready.extend(rest.next().map(|value| printable(value, 'd', print_one)));
                }
                Some('%') => {
                    out.push('%');
                    break;
                }
                Some(flag) if "+-# .[]".contains(flag) || flag.is_ascii_digit() => out.push(flag),
                Some(verb) => {
                    let value = rest.next();
                    match value.and_then(|value| Some((value, go_type(value)?))).filter(|_| !numbered) {
                        Some((value, kind)) if is_of_the_other_kind(value, verb) => {
                            out.insert_str(flags_from, &format!("%!{verb}({kind}=%"));
                            out.push_str("v)");
                            ready.push(printable(value, 'v', print_one));
                        }
                        Some((_, kind)) if verb == 'T' => {
                            out.push('s');
                            ready.push(string(kind));
                        }
                        _ => {
                            out.push(verb);
                            ready.extend(value.map(|value| printable(value, verb, print_one)));
                        }
                    }
                    break;
                }
            }
        }
    }
    ready.extend(rest.cloned());
    (out, ready)
}

fn go_type(value: &Value) -> Option<&'static str> {
    match value {
        Value::Int(_) => Some("int"),
        Value::Float(_) => Some("float64"),
        Value::Bool(_) => Some("bool"),
        Value::String(_) => Some("string"),
        _ => None,
    }
}

fn is_of_the_other_kind(value: &Value, verb: char) -> bool {
    match value {
        Value::Float(_) => matches!(verb, 'd' | 'c' | 'o' | 'O' | 'U'),
        Value::Int(_) => matches!(verb, 'e' | 'E' | 'f' | 'F' | 'g' | 'G'),
        _ => false,
    }
}

fn printable(value: &Value, verb: char, print_one: fn(&Value) -> String) -> Value {
    match (value, verb) {
        (Value::Float(_) | Value::List(_), 'v') | (Value::List(_), 's') => string(&print_one(value)),
        (Value::Safe { s, .. }, _) => Value::String(s.clone()),
        (Value::Map(entries), _) => match (kind(entries), verb) {
            (Kind::Duration(nanos), 'd') => Value::Int(nanos),
            _ => string(&print_one(value)),
        },
        _ => value.clone(),
    }
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
