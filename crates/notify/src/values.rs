//! Bodies that the settings write: texts are templates at any depth, and a text that comes out as JSON becomes what it says.
//!
//! Alertmanager reads such a text as YAML, which is the same for numbers, true, false, lists and maps in JSON's notation. A text like
//! `disk: full`, which YAML takes for a map, stays a text here.

use serde_json::Value;

use crate::compose::Renderer;
use crate::settings::Detail;

/// `None` when a template fails; why is in the renderer's problems.
pub(crate) fn value(name: &str, detail: &Detail, renderer: &mut Renderer) -> Option<Value> {
    match detail {
        Detail::Template(template) => renderer.text(name, template).map(parsed),
        Detail::Plain(value) => Some(value.clone()),
        Detail::List(items) => items.iter().map(|item| value(name, item, renderer)).collect(),
        Detail::Map(pairs) => {
            let mut out = serde_json::Map::new();
            for (key, detail) in pairs {
                let key = renderer.text(name, key)?;
                out.insert(key, value(name, detail, renderer)?);
            }
            Some(Value::Object(out))
        }
    }
}

/// A number is one only when it would be written the same: `1.10` and `007` stay texts.
fn parsed(text: String) -> Value {
    let trimmed = text.trim();
    match serde_json::from_str::<Value>(trimmed) {
        _ if trimmed.is_empty() => Value::Null,
        Ok(value) if value.is_object() || value.is_array() || value.is_string() => value,
        Ok(value) if serde_json::to_string(&value).is_ok_and(|written| written == trimmed) => value,
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_that_are_values() {
        for (text, expected) in [
            ("2", json!(2)),
            (" true\n", json!(true)),
            ("1.10", json!("1.10")),
            ("007", json!("007")),
            ("", json!(null)),
            ("null", json!(null)),
            ("disk: full", json!("disk: full")),
            ("\"2\"", json!("2")),
            ("[{\"a\":\"b: c\"}]", json!([{ "a": "b: c" }])),
            ("{{ not json", json!("{{ not json")),
        ] {
            assert_eq!(parsed(text.into()), expected, "{text}");
        }
    }
}
