//! What Grafana adds to Alertmanager's template functions: `coll.*`, `data.*`, `tmpl.*`, `time.*`, and numbers in `.Values`.

use bellbuoy_vocabulary::Timestamp;
use gotmpl::{FuncMap, Value};
use serde_json::Value as Json;

use super::{Answer, add, arguments, notify, now_value, text};
use crate::Template;
use crate::data::{map, string};
use crate::format;
use crate::methods::{self, fail};

/// Templates that call each other through `tmpl.Exec` and `tmpl.Inline`.
const TMPL_DEPTH_MAX: usize = 4;
/// JSON that a template reads may nest so deep.
const JSON_DEPTH_MAX: usize = 30;

pub(super) fn functions() -> FuncMap {
    let mut all = FuncMap::new();
    collections(&mut all);
    add(&mut all, "data.JSON", |args| {
        let [value] = arguments("data.JSON", args)?;
        match serde_json::from_str::<Json>(text("data.JSON", value)?) {
            Ok(json) => value_of(&json, 0),
            Err(error) => fail(format!("data.JSON: {error}")),
        }
    });
    add(&mut all, "data.ToJSON", |args| {
        let [value] = arguments("data.ToJSON", args)?;
        Ok(string(&escaped(&notify::json(value, 0)?.to_string())))
    });
    add(&mut all, "data.ToJSONPretty", |args| {
        let [indent, value] = arguments("data.ToJSONPretty", args)?;
        let indent = text("data.ToJSONPretty", indent)?;
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
        if serde::Serialize::serialize(&notify::json(value, 0)?, &mut serializer).is_err() {
            return fail("data.ToJSONPretty: no JSON form");
        }
        Ok(string(&escaped(&String::from_utf8_lossy(&out))))
    });
    // `.Values` is a map of numbers: what is missing in it is zero, and can be compared.
    add(&mut all, "__get", |args| {
        let Some((base, names)) = args.split_first() else { return Ok(Value::Nil) };
        let (mut value, mut of_values) = (base.clone(), false);
        for name in names {
            let name = text("field", name)?;
            let missing = matches!(&value, Value::Map(entries) if of_values && !entries.contains_key(name));
            value = if missing { Value::Float(0.0) } else { methods::get(&value, name, true)? };
            of_values = name == "Values";
        }
        Ok(value)
    });
    all
}

/// Go's `encoding/json` escapes what HTML would read as markup.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn collections(all: &mut FuncMap) {
    add(all, "coll.Dict", |args| {
        let mut entries: Vec<(String, Value)> = Vec::new();
        for pair in args.chunks(2) {
            let key = match &pair[0] {
                Value::String(key) => key.to_string(),
                other => format::print_kv(other),
            };
            entries.push((key, pair.get(1).cloned().unwrap_or_else(|| string(""))));
        }
        Ok(map(entries.iter().map(|(key, value)| (key.as_str(), value.clone()))))
    });
    add(all, "coll.Slice", |args| Ok(Value::List(args.into())));
    add(all, "coll.Append", |args| {
        let [value, list] = arguments("coll.Append", args)?;
        let Value::List(items) = list else { return fail(format!("coll.Append: expected a list, got {}", list.type_name())) };
        Ok(Value::List(items.iter().chain([value]).cloned().collect()))
    });
}

fn value_of(json: &Json, depth: usize) -> Answer {
    if depth > JSON_DEPTH_MAX {
        return fail("data.JSON: nested too deeply");
    }
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => string(text),
        Json::Array(items) => {
            let mut out = Vec::new();
            for item in items {
                out.push(value_of(item, depth + 1)?);
            }
            Value::List(out.into())
        }
        Json::Object(entries) => {
            let mut out = Vec::new();
            for (name, item) in entries {
                // The mark of our structs is no name of JSON's.
                if !name.starts_with('\0') {
                    out.push((name.as_str(), value_of(item, depth + 1)?));
                }
            }
            map(out)
        }
    })
}

/// The functions of one render: what runs other templates of the same set, and the clock that was passed in.
pub(crate) fn running(template: &Template, now: Timestamp, depth: usize) -> FuncMap {
    let mut all = notify::running(now);
    add(&mut all, "time.Now", move |_| Ok(now_value(now)));
    let set = template.clone();
    add(&mut all, "tmpl.Exec", move |args| {
        let (name, data) = match args {
            [name] => (name, Value::Nil),
            [name, data] => (name, data.clone()),
            _ => return fail("tmpl.Exec: wants the name of a template and its data"),
        };
        let name = text("tmpl.Exec", name)?;
        if !set.has(name) {
            return fail(format!("template {name:?} not defined"));
        }
        run(&set, &data, now, name, depth)
    });
    let set = template.clone();
    add(&mut all, "tmpl.Inline", move |args| {
        let [inline, data] = arguments("tmpl.Inline", args)?;
        let inline = text("tmpl.Inline", inline)?;
        match set.inline(inline) {
            Ok(template) if template.plain().is_some() => Ok(string(inline)),
            Ok(template) => run(&template, data, now, Template::ROOT, depth),
            Err(error) => fail(format!("tmpl.Inline: {}", error.message)),
        }
    });
    all
}

fn run(template: &Template, data: &Value, now: Timestamp, name: &str, depth: usize) -> Answer {
    if depth >= TMPL_DEPTH_MAX {
        return fail("tmpl: templates call each other too deeply");
    }
    match template.run(data, running(template, now, depth + 1), name) {
        Ok(text) => Ok(string(&text)),
        Err(error) => fail(error.message),
    }
}
