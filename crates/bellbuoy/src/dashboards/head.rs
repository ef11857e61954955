//! What a JSON text says of itself: whether it is a dashboard, in which of Grafana's forms, its uid and title.

use serde_json::Value;

/// How Grafana writes a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The plain object that the page exports.
    Classic,
    /// The answer of Grafana's API: `{"dashboard": ..., "meta": ...}`.
    Wrapped,
    /// A resource whose `spec` is the plain object.
    V1,
    /// A resource whose `spec` has `elements` and a `layout`.
    V2,
}

impl Form {
    pub fn word(self) -> &'static str {
        match self {
            Form::Classic => "classic",
            Form::Wrapped => "wrapped",
            Form::V1 => "v1",
            Form::V2 => "v2",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub form: Form,
    /// Its own; Grafana makes one when there is none.
    pub uid: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub tags: Vec<String>,
    /// Rows are none, what is in them is.
    pub panels: usize,
    /// `editable`; an absent one is yes.
    pub editable: bool,
}

const TAGS_MAX: usize = 100;

/// The head, or why this is no dashboard.
pub fn read(bytes: &[u8]) -> Result<Head, String> {
    // Windows' editors begin a file so.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let root: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    of(&root).ok_or_else(|| "no dashboard: neither panels nor a resource of the kind Dashboard".to_string())
}

/// `None`: it is something else.
pub fn of(root: &Value) -> Option<Head> {
    if let Some(spec) = root.get("spec").filter(|spec| spec.is_object()) {
        let kind = root.get("kind").and_then(Value::as_str).unwrap_or("");
        if !kind.starts_with("Dashboard") {
            return None;
        }
        let form = if is_v2(spec) { Form::V2 } else { Form::V1 };
        return Some(head(form, spec, text(&root["metadata"], "name").or_else(|| text(spec, "uid"))));
    }
    if let Some(inner) = root.get("dashboard").filter(|inner| is_classic(inner)) {
        return Some(head(Form::Wrapped, inner, text(inner, "uid")));
    }
    if is_classic(root) {
        return Some(head(Form::Classic, root, text(root, "uid")));
    }
    // A bare spec, as some tools write it.
    is_v2(root).then(|| head(Form::V2, root, text(root, "uid")))
}

fn is_v2(spec: &Value) -> bool {
    spec.get("elements").is_some_and(Value::is_object) && spec.get("layout").is_some_and(Value::is_object)
}

fn is_classic(root: &Value) -> bool {
    let list = |name: &str| root.get(name).is_some_and(Value::is_array);
    let known = ["title", "schemaVersion", "templating", "uid"].iter().any(|name| root.get(*name).is_some());
    (list("panels") || list("rows")) && known
}

fn head(form: Form, body: &Value, uid: Option<String>) -> Head {
    let tags = body["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Head {
        form,
        uid,
        title: text(body, "title").unwrap_or_default(),
        description: text(body, "description"),
        tags: tags.take(TAGS_MAX).map(str::to_string).collect(),
        panels: match form {
            Form::V2 => body["elements"].as_object().map_or(0, serde_json::Map::len),
            _ => panels(body),
        },
        editable: body["editable"].as_bool().unwrap_or(true),
    }
}

fn panels(body: &Value) -> usize {
    let list = |of: &Value, name: &str| of[name].as_array().map_or(0, Vec::len);
    let in_rows: usize = body["rows"].as_array().into_iter().flatten().map(|row| list(row, "panels")).sum();
    let own = body["panels"].as_array().into_iter().flatten();
    own.map(|panel| if panel["type"] == "row" { list(panel, "panels") } else { 1 }).sum::<usize>() + in_rows
}

fn text(of: &Value, name: &str) -> Option<String> {
    of.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_string)
}

/// Whether a text that is no JSON was meant to be a dashboard.
pub fn looks_like(text: &str) -> bool {
    text.contains("\"schemaVersion\"")
        || (text.contains("\"panels\"") && text.contains("\"title\""))
        || text.contains("\"kind\": \"Dashboard\"")
}
