//! Decisions under `/api/v1/models/NAME`: `decision`, `evaluations`, `training`, `retrained`; and the audit record.
//!
//! What a body can say is in docs/guides/decisions.md. A wrong body is refused with the place of what is wrong in it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bellbuoy_models::{Answer, Evaluation, Metric, ModelKind, TestRow, Truth, TwoSets};
use bellbuoy_vocabulary::{Timestamp, nearest, parse_duration};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{ApiError, ErrorType};
use super::params::Params;
use crate::app::App;
use crate::clock;
use crate::models::decide::{Challenge, Question, SetOf, Training, TrainingStatus};
use crate::state::AuditQuery;

/// Rows of one set in a body.
const ROWS_MAX: usize = 1_000_000;
const AUDIT_ROWS_MAX: usize = 10_000;
const VERSION_CHARS_MAX: usize = 200;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/{name}/decision", get(decision).post(decision))
        .route("/{name}/evaluations", post(evaluations))
        .route("/{name}/training", post(training))
        .route("/{name}/retrained", post(retrained))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainingBody {
    key: Option<String>,
    status: String,
    #[serde(default)]
    error: String,
    champion: Option<SetsBody>,
    challenger: Option<SetsBody>,
}

/// Figures by name, and `rows`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetsBody {
    baseline: Value,
    current: Value,
}

type Answered = Result<Response, ApiError>;

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorType::BadData, message)
}

fn success(data: Value) -> Answered {
    Ok(Json(json!({"status": "success", "data": data})).into_response())
}

fn flag(params: &Params, name: &str) -> Result<bool, ApiError> {
    match params.get(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(bad(format!("{name}={other:?}: write true or false"))),
    }
}

async fn decision(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, params: Params) -> Answered {
    let question = Question { judge: flag(&params, "judge")?, forced: flag(&params, "force")?, age_max: params.length("age_max")? };
    success(tokio::task::block_in_place(|| app.models.decision(&name, question, clock::now()))?)
}

async fn evaluations(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, body: Bytes) -> Answered {
    let kind = app.models.kind(&name)?;
    let now = clock::now();
    tokio::task::block_in_place(|| {
        let challenge = challenge(&body, &kind, now).map_err(bad)?;
        success(app.models.evaluate(&name, challenge, now)?)
    })
}

async fn training(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, body: Bytes) -> Answered {
    let body: TrainingBody = serde_json::from_slice(&body).map_err(|error| bad(format!("the body: {error}")))?;
    let status = match body.status.as_str() {
        "success" => TrainingStatus::Success,
        "failure" => TrainingStatus::Failure,
        other => return Err(bad(format!("status {other:?}: write \"success\" or \"failure\""))),
    };
    let kind = app.models.kind(&name)?;
    let sets = |sets: SetsBody, whose: &str| -> Result<TwoSets, ApiError> {
        let read = |value: &Value, name: &str| figures(value, &kind, &format!("{whose}.{name}")).map_err(bad);
        Ok(TwoSets { baseline: read(&sets.baseline, "baseline")?, current: read(&sets.current, "current")? })
    };
    let compared = match (body.champion, body.challenger) {
        (Some(champion), Some(challenger)) => Some((sets(champion, "champion")?, sets(challenger, "challenger")?)),
        (None, None) => None,
        (Some(_), None) => return Err(bad("champion: there is no challenger to compare it with")),
        (None, Some(_)) => return Err(bad("challenger: there is no champion to compare it with")),
    };
    let key = body.key.map(key_ok).transpose().map_err(bad)?;
    let training = Training { key, status, error: body.error, compared };
    success(tokio::task::block_in_place(|| app.models.training(&name, training, clock::now()))?)
}

async fn retrained(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>) -> Answered {
    tokio::task::block_in_place(|| app.models.retrained(&name, clock::now()))?;
    success(Value::Null)
}

/// `?model=`, `?event=`, `?limit=`; `?verify=true` computes the record's hashes again, `?contains=HASH` asks for one of them too.
pub async fn audit(State(app): State<Arc<App>>, params: Params) -> Answered {
    let failed = |error: crate::state::StateError| ApiError::new(ErrorType::Internal, error.to_string());
    if flag(&params, "verify")? || params.get("contains").is_some() {
        let verified = tokio::task::block_in_place(|| app.path.state.audit_verify(params.get("contains"))).map_err(failed)?;
        return success(verified.json());
    }
    let rows_max = match params.count("limit")? {
        0 => AUDIT_ROWS_MAX,
        limit => limit.min(AUDIT_ROWS_MAX),
    };
    let query = AuditQuery { model: params.get("model").map(str::to_owned), event: params.get("event").map(str::to_owned), rows_max };
    let rows = tokio::task::block_in_place(|| app.path.state.audit(&query)).map_err(failed)?;
    Ok(Json(rows).into_response())
}

/// The body of `evaluations`.
fn challenge(body: &[u8], kind: &ModelKind, now: Timestamp) -> Result<Challenge, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let map = object(&body, "the body")?;
    known(map, &["key", "version", "role", "force", "current", "baseline"], "")?;
    let text = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= VERSION_CHARS_MAX => Ok(Some(text.clone())),
        Some(Value::String(_)) => Err(format!("{name}: more than {VERSION_CHARS_MAX} characters")),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("{name}: must be a text")),
    };
    let forced = match map.get("force") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return Err("force: must be true or false".to_owned()),
    };
    if !map.contains_key("current") {
        return Err("current: missing; give rows, figures, or {\"last\": \"7d\"} for what is kept".to_owned());
    }
    let key = text("key")?.map(key_ok).transpose()?;
    let set = |name: &str| set(map.get(name).unwrap_or(&Value::Null), kind, name, now);
    Ok(Challenge { key, version: text("version")?, role: text("role")?, forced, current: set("current")?, baseline: set("baseline")? })
}

fn key_ok(key: String) -> Result<String, String> {
    let count = key.chars().count();
    if count == 0 || count > VERSION_CHARS_MAX {
        Err(format!("key: has {count} characters; 1 to {VERSION_CHARS_MAX} are taken"))
    } else {
        Ok(key)
    }
}

/// A list of rows; `{"champion": FIGURES, "challenger": FIGURES}`; `{"last": "7d"}`; `{"from": TIME, "to": TIME}`; nothing.
fn set(value: &Value, kind: &ModelKind, name: &str, now: Timestamp) -> Result<SetOf, String> {
    if value.is_null() {
        return Ok(SetOf::None);
    }
    if let Value::Array(rows) = value {
        return rows_of(rows, kind, name);
    }
    let map = object(value, name)?;
    if map.contains_key("champion") || map.contains_key("challenger") {
        known(map, &["champion", "challenger"], name)?;
        let side = |side: &str| figures(map.get(side).unwrap_or(&Value::Null), kind, &format!("{name}.{side}"));
        return Ok(SetOf::Figures(side("champion")?, side("challenger")?));
    }
    known(map, &["last", "from", "to"], name)?;
    if let Some(last) = map.get("last") {
        if map.len() > 1 {
            return Err(format!("{name}: \"last\" stands alone"));
        }
        let length = last.as_str().and_then(|text| parse_duration(text).ok());
        let length = length.ok_or_else(|| format!("{name}.last: {last} is not a length of time such as \"7d\""))?;
        return Ok(SetOf::Kept { from: now.saturating_sub(length), to: now });
    }
    let time = |key: &str, default: Timestamp| match map.get(key) {
        None => Ok(default),
        Some(value) => {
            let at = value.as_str().and_then(Timestamp::parse_rfc3339);
            at.ok_or_else(|| format!("{name}.{key}: {value} is not a time such as \"2026-01-13T10:00:00Z\""))
        }
    };
    if map.is_empty() {
        return Err(format!("{name}: is empty; give rows, figures, or {{\"last\": \"7d\"}}"));
    }
    Ok(SetOf::Kept { from: time("from", Timestamp::MIN)?, to: time("to", now)? })
}

fn rows_of(rows: &[Value], kind: &ModelKind, name: &str) -> Result<SetOf, String> {
    if rows.len() > ROWS_MAX {
        return Err(format!("{name}: {} rows, at most {ROWS_MAX} are taken", rows.len()));
    }
    let whole = rows.first().and_then(Value::as_object).is_some_and(|row| row.contains_key("champion"));
    let (mut full, mut answers) = (Vec::new(), HashMap::new());
    for (at, row) in rows.iter().enumerate() {
        let place = format!("{name}[{at}]");
        let map = object(row, &place)?;
        if whole {
            known(map, &["id", "value", "champion", "challenger"], &place)?;
            let part = |key: &str| map.get(key).ok_or_else(|| format!("{place}.{key}: missing"));
            full.push(TestRow {
                truth: truth(part("value")?, kind, &format!("{place}.value"))?,
                champion: answer(part("champion")?, kind, &format!("{place}.champion"))?,
                challenger: answer(part("challenger")?, kind, &format!("{place}.challenger"))?,
            });
            continue;
        }
        known(map, &["id", "prediction", "class", "probabilities"], &place)?;
        let id = match map.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(format!("{place}.id: missing; or give \"value\", \"champion\" and \"challenger\" of each row")),
        };
        let said = match map.get("prediction") {
            Some(prediction) => answer(prediction, kind, &format!("{place}.prediction"))?,
            None => answer(row, kind, &place)?,
        };
        if answers.insert(id, said).is_some() {
            return Err(format!("{place}.id: is given twice"));
        }
    }
    Ok(if whole { SetOf::Rows(full) } else { SetOf::Answers(answers) })
}

/// Regression: a number. Classification: a class, probabilities in the order of the classes, the probability of the positive class, or
/// `{"class": ..., "probabilities": ...}`.
fn answer(value: &Value, kind: &ModelKind, place: &str) -> Result<Answer, String> {
    if *kind == ModelKind::Regression {
        let number = value.as_f64().filter(|number| number.is_finite());
        return number.map(Answer::Number).ok_or_else(|| format!("{place}: must be a number, not {value}"));
    }
    match value {
        Value::String(class) => Ok(Answer::Class { class: Some(class.clone()), probabilities: Vec::new() }),
        Value::Bool(class) => Ok(Answer::Class { class: Some(class.to_string()), probabilities: Vec::new() }),
        Value::Number(_) | Value::Array(_) => Ok(Answer::Class { class: None, probabilities: probabilities(value, place)? }),
        Value::Object(map) => {
            let class = match map.get("class") {
                None | Some(Value::Null) => None,
                Some(class) => Some(class_of(class, &format!("{place}.class"))?),
            };
            let probabilities = match map.get("probabilities") {
                None | Some(Value::Null) => Vec::new(),
                Some(value) => probabilities(value, &format!("{place}.probabilities"))?,
            };
            if class.is_none() && probabilities.is_empty() {
                return Err(format!("{place}: neither a class nor probabilities"));
            }
            Ok(Answer::Class { class, probabilities })
        }
        Value::Null => Err(format!("{place}: must be a class or probabilities, not null")),
    }
}

fn truth(value: &Value, kind: &ModelKind, place: &str) -> Result<Truth, String> {
    if *kind == ModelKind::Regression {
        let number = value.as_f64().filter(|number| number.is_finite());
        return number.map(Truth::Number).ok_or_else(|| format!("{place}: must be a number, not {value}"));
    }
    class_of(value, place).map(Truth::Class)
}

fn class_of(value: &Value, place: &str) -> Result<String, String> {
    match value {
        Value::String(class) if !class.is_empty() => Ok(class.clone()),
        Value::Bool(class) => Ok(class.to_string()),
        Value::Number(class) => Ok(class.to_string()),
        _ => Err(format!("{place}: must be a class, not {value}")),
    }
}

fn probabilities(value: &Value, place: &str) -> Result<Vec<f64>, String> {
    let wrong = || format!("{place}: must be a probability or a list of them, not {value}");
    let all = match value {
        Value::Array(items) => items.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>().ok_or_else(wrong)?,
        value => vec![value.as_f64().ok_or_else(wrong)?],
    };
    if all.is_empty() { Err(wrong()) } else { Ok(all) }
}

/// `{"r2": 0.78, "rmse": 50, "rows": 500}`. A figure that is null is unknown.
fn figures(value: &Value, kind: &ModelKind, place: &str) -> Result<Evaluation, String> {
    let map = object(value, place)?;
    let of_kind = |metric: &Metric| (*kind == ModelKind::Regression) == (metric.kind() == bellbuoy_models::MetricKind::Regression);
    let mut names: Vec<&str> = Metric::ALL.iter().filter(|metric| of_kind(metric)).map(|metric| metric.word()).collect();
    names.push("rows");
    known(map, &names, place)?;
    let rows = match map.get("rows") {
        None => return Err(format!("{place}.rows: missing; from how many rows are the figures?")),
        Some(rows) => rows.as_u64().ok_or_else(|| format!("{place}.rows: must be a whole number, not {rows}"))?,
    };
    let mut told = Vec::new();
    for (name, value) in map {
        let Some(metric) = Metric::parse(name) else { continue };
        match value {
            // NaN of Python's json is no JSON; null stands for it.
            Value::Null => told.push((metric, f64::NAN)),
            Value::Number(number) => told.push((metric, number.as_f64().unwrap_or(f64::NAN))),
            _ => return Err(format!("{place}.{name}: must be a number, not {value}")),
        }
    }
    Ok(Evaluation::told(&told, usize::try_from(rows).unwrap_or(usize::MAX)))
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{place}: must be an object"))
}

fn known(map: &Map<String, Value>, names: &[&str], place: &str) -> Result<(), String> {
    let Some(name) = map.keys().find(|name| !names.contains(&name.as_str())) else { return Ok(()) };
    let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
    let help = nearest(name, names.iter().copied())
        .map_or_else(|| format!("write {}", names.join(", ")), |near| format!("did you mean {near:?}?"));
    Err(format!("{place}: unknown; {help}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_768_298_400_000);

    fn classes() -> ModelKind {
        ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: Some("yes".into()) }
    }

    /// The current set, in words.
    fn check(kind: &ModelKind, body: Value, expected: &str) {
        let said = match challenge(body.to_string().as_bytes(), kind, NOW) {
            Err(problem) => problem,
            Ok(challenge) => match challenge.current {
                SetOf::Rows(rows) => format!("{} rows, the first {:?}", rows.len(), rows[0]),
                SetOf::Answers(answers) => {
                    let mut answers: Vec<_> = answers.into_iter().map(|(id, answer)| format!("{id} {answer:?}")).collect();
                    answers.sort();
                    answers.join(", ")
                }
                SetOf::Kept { from, to } => format!("{from} to {to}"),
                SetOf::Figures(champion, challenger) => {
                    let r2 = |side: &Evaluation| format!("{:?} of {}", side.value(Metric::R2), side.rows);
                    format!("{} {}", r2(&champion), r2(&challenger))
                }
                SetOf::None => "none".to_owned(),
            },
        };
        assert_eq!(said, expected, "{body}");
    }

    #[test]
    fn sets_of_a_regression() {
        let check = |current: Value, expected: &str| check(&ModelKind::Regression, json!({"current": current}), expected);
        check(json!([{"id": "a", "prediction": 1.5}, {"id": 7, "prediction": 2}]), "7 Number(2.0), a Number(1.5)");
        check(
            json!([{"value": 1, "champion": 2, "challenger": 3.5}]),
            "1 rows, the first TestRow { truth: Number(1.0), champion: Number(2.0), challenger: Number(3.5) }",
        );
        check(json!({"last": "7d"}), "2026-01-06T10:00:00Z to 2026-01-13T10:00:00Z");
        check(json!({"from": "2026-01-01T00:00:00Z"}), "2026-01-01T00:00:00Z to 2026-01-13T10:00:00Z");
        check(
            json!({"champion": {"r2": 0.7, "rows": 5}, "challenger": {"r2": null, "rows": 6}}),
            "Ok(0.7) of 5 Err(Told(\"it is NaN, not a finite number\")) of 6",
        );
        check(json!(null), "none");
        check(json!([{"id": "a", "prediction": "high"}]), "current[0].prediction: must be a number, not \"high\"");
        check(json!([{"id": "a", "prediction": 1}, {"id": "a", "prediction": 2}]), "current[1].id: is given twice");
        check(json!([{"prediction": 1}]), "current[0].id: missing; or give \"value\", \"champion\" and \"challenger\" of each row");
        check(json!([{"value": 1, "champion": 2}]), "current[0].challenger: missing");
        check(json!([{"id": "a", "predicton": 1}]), "current[0].predicton: unknown; did you mean \"prediction\"?");
        check(json!({"champion": {"r2": 0.7}}), "current.champion.rows: missing; from how many rows are the figures?");
        check(
            json!({"champion": {"accuracy": 0.7, "rows": 1}}),
            "current.champion.accuracy: unknown; write r2, rmse, mae, mape, mean_error, median_absolute_error, absolute_error_p90, absolute_error_p95, absolute_error_p99, max_error, error_p05, error_p50, error_p95, rows",
        );
        check(json!({"last": "soon"}), "current.last: \"soon\" is not a length of time such as \"7d\"");
        check(json!({"from": "yesterday"}), "current.from: \"yesterday\" is not a time such as \"2026-01-13T10:00:00Z\"");
        check(json!({}), "current: is empty; give rows, figures, or {\"last\": \"7d\"}");
        check(json!("all"), "current: must be an object");
    }

    #[test]
    fn sets_of_a_classification() {
        let check = |current: Value, expected: &str| check(&classes(), json!({"current": current}), expected);
        check(
            json!([{"id": "a", "class": "yes"}, {"id": "b", "probabilities": [0.25, 0.75]}, {"id": "c", "prediction": 0.5}, {"id": "d", "prediction": "no"}]),
            "a Class { class: Some(\"yes\"), probabilities: [] }, b Class { class: None, probabilities: [0.25, 0.75] }, c Class { class: None, probabilities: [0.5] }, d Class { class: Some(\"no\"), probabilities: [] }",
        );
        check(
            json!([{"value": "no", "champion": 0.5, "challenger": {"class": "no", "probabilities": [0.9, 0.1]}}]),
            "1 rows, the first TestRow { truth: Class(\"no\"), champion: Class { class: None, probabilities: [0.5] }, challenger: Class { class: Some(\"no\"), probabilities: [0.9, 0.1] } }",
        );
        check(json!([{"id": "a"}]), "current[0]: neither a class nor probabilities");
        check(
            json!([{"id": "a", "probabilities": [0.5, "x"]}]),
            "current[0].probabilities: must be a probability or a list of them, not [0.5,\"x\"]",
        );
    }

    #[test]
    fn bodies() {
        let check = |body: Value, expected: &str| check(&ModelKind::Regression, body, expected);
        check(json!([]), "the body: must be an object");
        check(json!({}), "current: missing; give rows, figures, or {\"last\": \"7d\"} for what is kept");
        check(json!({"current": null, "baselines": null}), "baselines: unknown; did you mean \"baseline\"?");
        check(json!({"current": null, "force": "yes"}), "force: must be true or false");
        check(json!({"current": null, "version": "x".repeat(201)}), "version: more than 200 characters");
        assert!(challenge(b"{", &ModelKind::Regression, NOW).is_err_and(|problem| problem.starts_with("the body is not JSON: ")));
        let read = challenge(br#"{"version": 7, "role": "shadow", "force": true, "current": {"last": "1h"}}"#, &ModelKind::Regression, NOW)
            .expect("good");
        assert_eq!(
            (read.version.as_deref(), read.role.as_deref(), read.forced, read.baseline),
            (Some("7"), Some("shadow"), true, SetOf::None)
        );
    }
}
