//! Where a model's rows come from: `reference`, and `predictions` and `labels` that are fetched.
//!
//! In:    the fields of these sections. Out: `ReferenceConfig` and `SourceConfig`s.
//! Never: opens a file or asks a database: `models/reference` and `models/sources` do, later.

use std::path::PathBuf;

use bellbuoy_models::{ModelKind, ModelSettings};
use bellbuoy_vocabulary::Millis;

use super::super::model_config::{
    ColumnRoles, FileFormat, Gives, Place, Places, ReferenceConfig, ReferenceFrom, Select, SourceConfig, SourceFrom,
};
use super::super::read::{Fields, Text};
use super::super::yaml::Value;
use super::{Context, RETENTION_ROWS_MAX, at_least_a_second, postgres, rows, shown, word};

const BATCH_ROWS_MAX: u64 = 50_000;
/// Of a query, unless it is said.
const TIMEOUT: Millis = Millis::from_seconds(60);

/// Which roles a place may name.
type Knows = &'static [&'static str];

const REFERENCE: Knows = &["id", "time", "prediction", "probabilities", "probability", "target", "features"];
const PREDICTIONS: Knows = &["id", "time", "prediction", "probabilities", "probability", "value", "role_column", "features"];
const LABELS: Knows = &["id", "value"];

/// A path, or a map that says what it is.
pub fn reference(fields: &Fields, context: &Context, kind: &ModelKind, places: &mut Places) -> Option<ReferenceConfig> {
    let Some(node) = fields.node("reference") else {
        if !fields.unset("reference") {
            let help = "add `reference: FILE`, or `reference: {first: 7d}` to take the first predictions";
            fields.error(fields.key_span("reference"), "\"reference\" is missing in this model", help);
        }
        return None;
    };
    places.add(Place::Reference, "", node.span);
    if let Some(text) = Text::of(node) {
        return existing(fields, "reference", text, context).map(ReferenceConfig::path);
    }
    let map = Fields::of(node, "reference", fields.report)?;
    let kinds = ["file", "folder", "profile", "sql", "first", "first_rows"];
    let said: Vec<&'static str> = kinds.into_iter().filter(|key| map.node(key).is_some()).collect();
    let path = |key| map.text(key).and_then(|text| existing(&map, key, text, context)).map(ReferenceFrom::Path);
    let from = match said.as_slice() {
        [] if kinds.iter().any(|key| map.unset(key)) => None,
        [] => {
            map.error(map.span, "a reference of nothing", format!("write one of {}", kinds.join(", ")));
            None
        }
        [key @ ("file" | "folder" | "profile")] => path(key),
        ["sql"] => map.map("sql", "sql").and_then(|sql| sql_reference(sql, context)),
        ["first"] | ["first_rows"] | ["first", "first_rows"] => first(&map),
        [.., second] => {
            map.error(map.key_span(second), "a reference is one thing", format!("keep one of {}", said.join(", ")));
            None
        }
    };
    let columns = map.map("columns", "columns").map(|inner| {
        let columns = roles(&inner, REFERENCE, kind, Some(places));
        inner.finish();
        columns
    });
    if columns.is_some() && matches!(from, Some(ReferenceFrom::First { .. })) {
        map.error(map.key_span("columns"), "the first predictions have no columns to name", "remove it");
    }
    map.finish();
    Some(ReferenceConfig { from: from?, columns: columns.unwrap_or_default(), stamp: 0 })
}

/// A file or folder that must be there.
fn existing(fields: &Fields, key: &str, text: Text, context: &Context) -> Option<PathBuf> {
    let path = context.folder.join(text.as_str());
    context.files.watch(&path);
    let help = "the path counts from the folder of bellbuoy.yml";
    let (is, wanted) = match key {
        "file" | "profile" => (path.is_file(), "file"),
        "folder" => (path.is_dir(), "folder"),
        _ => (path.exists(), "file or folder"),
    };
    if !is {
        fields.error(text.span(), format!("{key} {:?}: no such {wanted}", text.shown()), help);
        return None;
    }
    Some(path)
}

fn first(map: &Fields) -> Option<ReferenceFrom> {
    let span = at_least_a_second(map, "first");
    let rows = rows(map, "first_rows", RETENTION_ROWS_MAX);
    (span.is_some() || rows.is_some()).then_some(ReferenceFrom::First { span, rows })
}

fn sql_reference(sql: Fields, context: &Context) -> Option<ReferenceFrom> {
    let connection = postgres::connection(&sql, context);
    let select = select(&sql);
    let timeout = at_least_a_second(&sql, "timeout").unwrap_or(TIMEOUT);
    sql.finish();
    Some(ReferenceFrom::Sql { connection: connection?, select: select?, timeout })
}

fn select(fields: &Fields) -> Option<Select> {
    match (fields.text("table"), fields.text("query")) {
        (Some(table), None) if table_ok(table.as_str()) => Some(Select::Table(table.as_str().to_owned())),
        (Some(table), None) => {
            fields.error(
                table.span(),
                format!("{:?} can not be a table", table.shown()),
                "write `name` or `schema.name`; for more use `query`",
            );
            None
        }
        (None, Some(query)) => {
            let text = query.as_str().trim().trim_end_matches(';');
            if text.contains(';') {
                fields.error(query.span(), "a \"query\" is one statement", "remove the `;`");
            }
            Some(Select::Query(text.to_owned()))
        }
        (Some(_), Some(_)) => {
            fields.error(fields.key_span("query"), "at most one of table and query can be used", "remove one of them");
            None
        }
        (None, None) => {
            fields.error(fields.span, format!("{:?} without a table", fields.what), "add `table: NAME` or `query: SELECT ...`");
            None
        }
    }
}

fn table_ok(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.contains('\0') && part.len() <= 63;
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() <= 2 && parts.into_iter().all(part)
}

/// `predictions` and `labels`: `{folder: ...}`, `{postgres: ...}`, or both.
pub fn sources(fields: &Fields, context: &Context, settings: &ModelSettings) -> Vec<SourceConfig> {
    let mut found = Vec::new();
    for (key, gives) in [("predictions", Gives::Predictions), ("labels", Gives::Labels)] {
        if gives == Gives::Labels && shown::old_labels(fields) {
            continue;
        }
        let Some(map) = fields.map(key, if gives == Gives::Predictions { "predictions" } else { "labels" }) else { continue };
        if map.node("folder").is_none() && map.node("postgres").is_none() && !map.unset("folder") {
            map.error(map.span, format!("{key:?} from nowhere"), "add `folder:` or `postgres:`; rows that are posted need no entry");
        }
        found.extend(map.node("folder").and_then(|_| folder_source(&map, gives, context, settings)));
        found.extend(map.map("postgres", "postgres").and_then(|inner| postgres_source(inner, gives, context, settings)));
        map.finish();
    }
    found
}

fn folder_source(map: &Fields, gives: Gives, context: &Context, settings: &ModelSettings) -> Option<SourceConfig> {
    let node = map.node("folder")?;
    let (poll, quiet) = (Millis::from_seconds(15), Millis::from_seconds(5));
    if let Some(text) = Text::of(node) {
        let from = SourceFrom::Folder { path: source_path(map, text, context)?, format: None, quiet };
        return Some(SourceConfig { gives, from, columns: ColumnRoles::default(), role: None, poll });
    }
    let inner = Fields::of(node, "folder", map.report)?;
    let path = inner.required("path").and_then(|text| source_path(&inner, text, context));
    let formats = FileFormat::ALL.map(|format| (format.word(), format));
    let from = SourceFrom::Folder {
        path: path.clone().unwrap_or_default(),
        format: word(&inner, "format", &formats),
        quiet: inner.duration("quiet").unwrap_or(quiet),
    };
    let (columns, role) = source_columns(&inner, gives, settings);
    let poll = at_least_a_second(&inner, "poll").unwrap_or(poll);
    inner.finish();
    path.map(|_| SourceConfig { gives, from, columns, role, poll })
}

/// A folder of rows may come later; a file in its place may not.
fn source_path(fields: &Fields, text: Text, context: &Context) -> Option<PathBuf> {
    let path = context.folder.join(text.as_str());
    if path.exists() && !path.is_dir() {
        fields.error(text.span(), format!("{:?} is no folder", text.shown()), "name the folder that the files are in");
        return None;
    }
    if !path.exists() {
        let help = "it is looked for again and again; the path counts from the folder of bellbuoy.yml";
        fields.report.warning(text.span(), format!("folder {:?} is not there", text.shown()), help);
    }
    Some(path)
}

fn postgres_source(inner: Fields, gives: Gives, context: &Context, settings: &ModelSettings) -> Option<SourceConfig> {
    let connection = postgres::connection(&inner, context);
    let select = select(&inner);
    let (columns, role) = source_columns(&inner, gives, settings);
    let updated = match inner.text("updated") {
        Some(text) => Some(text.as_str().to_owned()),
        // Predictions do not change: their time rises with new ones.
        None if gives == Gives::Predictions => columns.time.clone(),
        None => None,
    };
    if updated.is_none() && !inner.unset("updated") {
        let help = "add `updated: COLUMN`: a time or number that is set whenever a row is written";
        inner.error(inner.span, "no column says which rows are new", help);
    }
    let from = updated.zip(connection).zip(select).map(|((updated, connection), select)| SourceFrom::Postgres {
        connection,
        select,
        updated,
        overlap: inner.duration("overlap").unwrap_or(Millis::from_minutes(5)),
        batch_rows: rows(&inner, "batch_rows", BATCH_ROWS_MAX).unwrap_or(5000),
        timeout: at_least_a_second(&inner, "timeout").unwrap_or(TIMEOUT),
    });
    let poll = at_least_a_second(&inner, "poll").unwrap_or(Millis::from_seconds(30));
    for key in ["overlap", "batch_rows", "timeout"] {
        inner.has(key);
    }
    inner.finish();
    from.map(|from| SourceConfig { gives, from, columns, role, poll })
}

fn source_columns(fields: &Fields, gives: Gives, settings: &ModelSettings) -> (ColumnRoles, Option<String>) {
    let knows = if gives == Gives::Predictions { PREDICTIONS } else { LABELS };
    let columns = roles(fields, knows, &settings.kind, None);
    let role = if gives == Gives::Predictions { fields.string("role") } else { None };
    (columns, role.filter(|role| !role.is_empty()))
}

fn roles(fields: &Fields, knows: Knows, kind: &ModelKind, mut places: Option<&mut Places>) -> ColumnRoles {
    let mut one = |key: &'static str| {
        let text = knows.contains(&key).then(|| fields.text(key)).flatten()?;
        if text.as_str().is_empty() {
            fields.error(text.span(), format!("{key:?} is empty"), "");
        }
        if let Some(places) = places.as_deref_mut() {
            places.add(Place::Column, text.as_str(), text.span());
        }
        Some(text.as_str().to_owned())
    };
    let mut out = ColumnRoles {
        id: one("id"),
        time: one("time"),
        prediction: one("prediction"),
        probability: one("probability"),
        value: one("value").or_else(|| one("target")),
        role: one("role_column"),
        ..ColumnRoles::default()
    };
    if knows.contains(&"probabilities") {
        out.probabilities = probabilities(fields, kind, &mut places);
        one_way(fields, kind, &out);
    }
    if knows.contains(&"features") {
        for pair in fields.pairs("features") {
            if let Some(places) = places.as_deref_mut() {
                places.add(Place::Column, pair.value(), pair.text.map_or(pair.name_span, |text| text.span()));
            }
            out.features.push((pair.name.to_owned(), pair.value().to_owned()));
        }
    }
    out
}

fn one_way(fields: &Fields, kind: &ModelKind, roles: &ColumnRoles) {
    let said = ["probability", "probabilities"].into_iter().find(|key| fields.node(key).is_some());
    let Some(key) = said else { return };
    match kind {
        ModelKind::Regression => {
            fields.error(fields.key_span(key), format!("{key:?} is of models of kind classification"), "add `kind: classification`");
        }
        ModelKind::Classification { classes, .. } => {
            if roles.probability.is_some() && !roles.probabilities.is_empty() {
                fields.error(fields.key_span("probability"), "at most one of probability and probabilities can be used", "");
            }
            if roles.probability.is_some() && classes.len() > 2 {
                let help = "write `probabilities: {CLASS: COLUMN, ...}`";
                fields.error(
                    fields.key_span("probability"),
                    format!("one probability does not say those of {} classes", classes.len()),
                    help,
                );
            }
        }
    }
}

/// A list of columns in the order of the classes, or a map of class and column.
fn probabilities(fields: &Fields, kind: &ModelKind, places: &mut Option<&mut Places>) -> Vec<(String, String)> {
    let classes: &[String] = match kind {
        ModelKind::Classification { classes, .. } => classes,
        ModelKind::Regression => &[],
    };
    let Some(node) = fields.node("probabilities") else { return Vec::new() };
    let mut found: Vec<(String, String)> = Vec::new();
    match &node.value {
        Value::List(_) => {
            let columns = fields.texts("probabilities");
            if !classes.is_empty() && columns.len() != classes.len() {
                let message = format!("{} columns of probabilities for {} classes", columns.len(), classes.len());
                fields.error(node.span, message, "one column for each class, in the order of `classes`");
            }
            if classes.is_empty() && matches!(kind, ModelKind::Classification { .. }) {
                fields.error(node.span, "which column is of which class?", "add `classes: [...]`, or write {CLASS: COLUMN, ...}");
            }
            for (text, class) in columns.into_iter().zip(classes) {
                if let Some(places) = places.as_deref_mut() {
                    places.add(Place::Column, text.as_str(), text.span());
                }
                found.push((class.clone(), text.as_str().to_owned()));
            }
        }
        Value::Map(_) => {
            for pair in fields.pairs("probabilities") {
                if !classes.is_empty() && !classes.iter().any(|class| class == pair.name) {
                    let help = super::did_you_mean(pair.name, classes.iter().map(String::as_str));
                    fields.error(pair.name_span, format!("{:?} is not among the classes", pair.name), help);
                }
                if let Some(places) = places.as_deref_mut() {
                    places.add(Place::Column, pair.value(), pair.text.map_or(pair.name_span, |text| text.span()));
                }
                found.push((pair.name.to_owned(), pair.value().to_owned()));
            }
            let help = if classes.len() == 2 {
                "name both, or write `probability: COLUMN` with that of the positive class"
            } else {
                "name all of them"
            };
            for class in classes.iter().filter(|class| !found.iter().any(|(known, _)| known == *class)) {
                fields.error(node.span, format!("class {class:?} has no column of probabilities"), help);
            }
        }
        _ => fields.error(node.span, "\"probabilities\" must be a list or a map", "write {CLASS: COLUMN, ...}; `probability` takes one"),
    }
    found
}
