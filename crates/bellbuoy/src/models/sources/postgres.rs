//! A PostgreSQL table or query: rows in the order of the column that rises with new and changed ones, a page at a time.
//!
//! In:    a database. Out: rows as JSON lines; how far it was read.
//! Holds: the newest time that was read, less an overlap, is where the next look begins: transactions end in another order than they begin.
//! Never: writes to the database; holds more than a page.

use serde_json::{Value, json};

use super::mapping::{Mapping, missing};
use super::{Keep, Part, Take};
use crate::config::{Gives, PostgresConnection, Select, SourceConfig, SourceFrom};
use crate::postgres::{self, Session, from_clause, quoted};
use bellbuoy_vocabulary::Millis;

pub struct Table {
    connection: PostgresConnection,
    select: Select,
    updated: String,
    overlap: Millis,
    batch_rows: usize,
    timeout: Millis,
    mapping: Mapping,
    of: String,
    /// Of the newest row that was handed over, as the database writes it.
    watermark: Option<String>,
    session: Option<Session>,
}

/// The statements of one look.
struct Plan {
    /// From the beginning, or from the watermark less the overlap ($1).
    first: String,
    /// After a row: $1 its `updated`, $2 its id.
    next: String,
    predictions: bool,
    labels: bool,
}

struct Named {
    name: String,
    kind: String,
}

impl Table {
    pub fn new(config: &SourceConfig, mapping: Mapping, kept: Option<Value>) -> Table {
        let SourceFrom::Postgres { connection, select, updated, overlap, batch_rows, timeout } = config.from.clone() else {
            unreachable!("a table is made of a table's settings")
        };
        // Neither address nor password: a database that moved is still the same one.
        let of = format!("{:?} {select:?} {updated} {:?}", config.gives, mapping.roles);
        let watermark = kept.filter(|kept| kept["of"] == json!(of)).and_then(|kept| kept["watermark"].as_str().map(str::to_owned));
        Table { connection, select, updated, overlap, batch_rows, timeout, mapping, of, watermark, session: None }
    }

    pub fn watermark(&self) -> Option<String> {
        self.watermark.clone()
    }

    pub async fn look(&mut self, take: &mut Take<'_>, keep: &mut Keep<'_>) -> Result<(), String> {
        let looked = self.pages(take, keep).await;
        if looked.is_err() {
            // Whatever it was, a new connection has the best chance.
            self.session = None;
        }
        looked
    }

    async fn pages(&mut self, take: &mut Take<'_>, keep: &mut Keep<'_>) -> Result<(), String> {
        let session = match self.session.take() {
            Some(session) => session,
            None => postgres::connect(&self.connection, self.timeout).await.map_err(|error| error.to_string())?,
        };
        let plan = self.plan(&session).await?;
        let say = |error: postgres::PostgresError| error.to_string();
        let mut rows = match &self.watermark {
            None => session.query(&plan.first, &[]).await,
            Some(watermark) => session.query(&plan.first, &[watermark]).await,
        }
        .map_err(say)?;
        while let Some(last) = rows.last() {
            let text = |column: usize| last.try_get::<_, Option<String>>(column).ok().flatten();
            let (updated, id) = (text(0), text(1).unwrap_or_default());
            let full = rows.len() >= self.batch_rows;
            let mut column = 2;
            for (gives, there) in [(Gives::Predictions, plan.predictions), (Gives::Labels, plan.labels)] {
                if !there {
                    continue;
                }
                let mut lines = Vec::new();
                for row in &rows {
                    let json: Option<String> = row.try_get(column).map_err(|error| error.to_string())?;
                    if let Some(json) = json {
                        lines.extend_from_slice(json.as_bytes());
                        lines.push(b'\n');
                    }
                }
                column += 1;
                if !lines.is_empty() {
                    tokio::task::block_in_place(|| take(gives, Part::JsonLines(lines))).map_err(|stop| stop.to_string())?;
                }
            }
            let Some(updated) = updated else { break };
            if self.watermark.as_ref() != Some(&updated) {
                self.watermark = Some(updated.clone());
                keep(&json!({"of": self.of, "watermark": self.watermark}))?;
            }
            if !full {
                break;
            }
            rows = session.query(&plan.next, &[&updated, &id]).await.map_err(say)?;
        }
        self.session = Some(session);
        Ok(())
    }

    /// Looks at the columns each time: a table changes while the program runs.
    async fn plan(&self, session: &Session) -> Result<Plan, String> {
        let from = from_clause(&self.select);
        let statement = session.prepare(&format!("SELECT * FROM ({from}) AS x LIMIT 0")).await.map_err(|error| error.to_string())?;
        let columns: Vec<Named> = statement
            .columns()
            .iter()
            .map(|column| Named { name: column.name().to_owned(), kind: column.type_().name().to_owned() })
            .collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let updated = columns.iter().find(|column| column.name == self.updated);
        let updated = updated.ok_or_else(|| format!("{} (said under updated)", missing(&self.updated, &names)))?;
        let mapped = self.mapping.names(&names)?;
        let predictions = mapped.predictions.as_ref().map(|names| prediction_json(&columns, names, self.mapping.classification));
        let labels = mapped.labels.as_ref().map(|names| label_json(&columns, names, &self.mapping));
        let id_of = mapped.predictions.as_ref().or(mapped.labels.as_ref());
        let id = id_of.and_then(|names| names.iter().position(|name| name.as_deref() == Some("id"))).ok_or("there is no column of ids")?;
        let (updated_column, kind) = (format!("x.{}", quoted(&updated.name)), &updated.kind);
        let id = format!("coalesce(x.{}::text, '') COLLATE \"C\"", quoted(&columns[id].name));
        let mut wanted = vec![format!("{updated_column}::text"), id.clone()];
        wanted.extend(predictions.clone());
        wanted.extend(labels.clone());
        let select = |condition: &str| {
            format!(
                "SELECT {} FROM ({from}) AS x WHERE {updated_column} IS NOT NULL{condition} ORDER BY {updated_column}, {id} LIMIT {}",
                wanted.join(", "),
                self.batch_rows
            )
        };
        let overlap =
            if is_time(kind) && self.overlap.0 > 0 { format!(" - interval '{} milliseconds'", self.overlap.0) } else { String::new() };
        let from_mark = format!(" AND {updated_column} >= $1::text::{kind}{overlap}");
        Ok(Plan {
            first: select(if self.watermark.is_some() { &from_mark } else { "" }),
            next: select(&format!(" AND ({updated_column}, {id}) > ($1::text::{kind}, $2::text)")),
            predictions: predictions.is_some(),
            labels: labels.is_some(),
        })
    }
}

fn is_time(kind: &str) -> bool {
    matches!(kind, "timestamptz" | "timestamp" | "date")
}

/// A value as JSON takes it. Times in UTC, whatever the database says of them.
fn value(column: &Named) -> String {
    let name = format!("x.{}", quoted(&column.name));
    if is_time(&column.kind) {
        format!("to_char({name}::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    } else {
        name
    }
}

/// An expression: the row as a prediction's JSON. What is null is left out.
fn prediction_json(columns: &[Named], names: &[Option<String>], classification: bool) -> String {
    let mut fields = Vec::new();
    let mut probabilities = Vec::new();
    let mut features = Vec::new();
    for (column, name) in columns.iter().zip(names) {
        let Some(name) = name else { continue };
        let text = || format!("x.{}::text", quoted(&column.name));
        match name.as_str() {
            "id" | "role" | "class" => fields.push(format!("'{name}', {}", text())),
            "timestamp" | "prediction" | "probability" => fields.push(format!("'{name}', {}", value(column))),
            _ => match name.strip_prefix("probability_").filter(|_| classification) {
                Some(class) => probabilities.push((class.to_owned(), value(column))),
                None => features.push((name.strip_prefix("feature_").unwrap_or(name).to_owned(), value(column))),
            },
        }
    }
    if !probabilities.is_empty() {
        fields.push(format!("'probabilities', {}", object(&probabilities)));
    }
    fields.push(format!("'features', {}", object(&features)));
    format!("jsonb_strip_nulls(jsonb_build_object({}))::text", fields.join(", "))
}

fn label_json(columns: &[Named], names: &[Option<String>], mapping: &Mapping) -> String {
    let mut fields = Vec::new();
    let mut value_column = String::from("true");
    for (column, name) in columns.iter().zip(names) {
        let plain = format!("x.{}", quoted(&column.name));
        match name.as_deref() {
            Some("id") => fields.push(format!("'id', {plain}::text")),
            Some("value") => {
                let text = if mapping.classification { "::text" } else { "" };
                fields.push(format!("'value', {plain}{text}"));
                value_column = format!("{plain} IS NOT NULL");
            }
            _ => {}
        }
    }
    // A row without its true value is one that waits for it.
    format!("CASE WHEN {value_column} THEN jsonb_build_object({})::text END", fields.join(", "))
}

/// A function takes a hundred arguments at most, so it is made of parts.
fn object(fields: &[(String, String)]) -> String {
    let part = |fields: &[(String, String)]| {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}, {value}", literal(name))).collect();
        format!("jsonb_build_object({})", pairs.join(", "))
    };
    match fields {
        [] => "'{}'::jsonb".into(),
        _ => fields.chunks(40).map(part).collect::<Vec<_>>().join(" || "),
    }
}

fn literal(text: &str) -> String {
    // Without backslashes the plain form means the same with every setting of the server.
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
