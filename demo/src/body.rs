//! The bodies of the endpoints: JSON to requests, with all problems of a body at once.

use std::collections::BTreeMap;

use serde_json::Value;

use bellbuoy_vocabulary::Timestamp;

use crate::api::{self, DriftRequest, DriftScores, EvaluateRequest, PredictRow, PromoteRequest, TrainRequest};
use crate::data::{Features, LAST_DAY};
use crate::error::ServiceError;
use crate::fields::{Fields, Problems, parse, problem};

const MONTHS: [&str; 12] = ["Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec"];
const WEATHER: [&str; 4] = ["clear", "cloudy/misty", "light rain/snow", "heavy rain/snow"];
/// A value in degrees or percent instead of the scaled one is refused; wide enough for any weather.
const SCALED: &str = "; it is scaled to about 0 to 1";
/// Features in one `POST /metrics/drift`, at most.
const DRIFT_FEATURES_MAX: usize = 200;
/// Bytes of an id, at most.
const ID_BYTES_MAX: usize = 256;
const PATH_BYTES_MAX: usize = 1024;

/// `POST /monitor`.
#[derive(Debug)]
pub(crate) struct MonitorRequest {
    pub(crate) reference_path: String,
    /// A list of rows, as JSON.
    pub(crate) current_data: Value,
}

/// One row in `features`, many in `rows`, or a row's fields in the body itself.
pub(crate) fn predict(body: &[u8]) -> Result<Vec<PredictRow>, ServiceError> {
    let body = parse(body)?;
    let mut problems = Problems::new();
    let rows = Fields::of_body(&body, &mut problems).and_then(|fields| predict_rows(fields, &mut problems));
    let rows = problems.or(rows)?;
    if rows.len() > api::PREDICT_ROWS_MAX {
        return Err(ServiceError::TooLarge(format!("{} rows; at most {} at once", rows.len(), api::PREDICT_ROWS_MAX)));
    }
    Ok(rows)
}

fn predict_rows(mut fields: Fields, problems: &mut Problems) -> Option<Vec<PredictRow>> {
    if fields.has("rows") {
        let rows = fields.list("rows", problems)?;
        let loc = fields.loc("rows");
        // With `features` or `id` beside it nobody knows which is meant.
        fields.no_more(problems);
        if rows.is_empty() {
            problems.add(&loc, None, "too_short", "List should have at least 1 item");
        }
        let mut read = Vec::with_capacity(rows.len().min(api::PREDICT_ROWS_MAX));
        for (index, value) in rows.iter().enumerate() {
            let loc = loc.iter().cloned().chain([index.into()]).collect();
            let fields = Fields::of(value, loc, problems);
            read.extend(fields.and_then(|fields| row(fields, problems)));
        }
        return Some(read);
    }
    row(fields, problems).map(|row| vec![row])
}

fn row(mut fields: Fields, problems: &mut Problems) -> Option<PredictRow> {
    let id = fields.text_if_any("id", ID_BYTES_MAX, problems);
    let features = if fields.has("features") {
        let loc = fields.loc("features");
        let value = fields.required("features", problems);
        fields.no_more(problems);
        features(Fields::of(value?, loc, problems)?, problems)
    } else {
        features(fields, problems)
    };
    Some(PredictRow { id, features: features? })
}

fn features(mut fields: Fields, problems: &mut Problems) -> Option<Features> {
    let p = problems;
    let mut small = |name, low, high| fields.int(name, low, high, p).and_then(|number| u8::try_from(number).ok());
    let (season, hr) = (small("season", 1, 4), small("hr", 0, 23));
    let (holiday, weekday, workingday) = (small("holiday", 0, 1), small("weekday", 0, 6), small("workingday", 0, 1));
    let (mnth, weathersit) = (fields.word("mnth", &MONTHS, p), fields.word("weathersit", &WEATHER, p));
    let mut scaled = |name| fields.float(name, -1.0, 2.0, SCALED, p);
    let (temp, atemp, hum, windspeed) = (scaled("temp"), scaled("atemp"), scaled("hum"), scaled("windspeed"));
    fields.no_more(p);
    Some(Features {
        season: season?,
        mnth: mnth?,
        hr: hr?,
        holiday: holiday?,
        weekday: weekday?,
        workingday: workingday?,
        weathersit: weathersit?,
        temp: temp?,
        atemp: atemp?,
        hum: hum?,
        windspeed: windspeed?,
    })
}

pub(crate) fn train(body: &[u8]) -> Result<TrainRequest, ServiceError> {
    read(body, |fields, problems| {
        let from_day = fields.int_if_any("from_day", 1, LAST_DAY, problems).unwrap_or(1);
        // The other endpoints call it `to_day`.
        let up_to = fields.int(if fields.has("to_day") { "to_day" } else { "up_to" }, 1, LAST_DAY, problems)?;
        in_order(fields, "from_day", from_day, up_to, problems);
        Some(TrainRequest { from_day, up_to })
    })
}

pub(crate) fn evaluate(body: &[u8]) -> Result<EvaluateRequest, ServiceError> {
    read_or_default(body, |fields, problems| {
        let up_to = fields.int_if_any("up_to", 1, LAST_DAY, problems);
        if !fields.has("from_day") && !fields.has("to_day") {
            return Some(EvaluateRequest { up_to, ..EvaluateRequest::default() });
        }
        let (from_day, to_day) = (fields.int("from_day", 1, LAST_DAY, problems), fields.int("to_day", 1, LAST_DAY, problems));
        let hold_out = fields.flag_if_any("hold_out", problems);
        in_order(fields, "from_day", from_day?, to_day?, problems);
        Some(EvaluateRequest { from_day, to_day, hold_out, up_to })
    })
}

pub(crate) fn promote(body: &[u8]) -> Result<PromoteRequest, ServiceError> {
    read_or_default(body, |fields, problems| Some(PromoteRequest { version: fields.int_if_any("version", 1, u32::MAX, problems) }))
}

pub(crate) fn drift(body: &[u8]) -> Result<DriftRequest, ServiceError> {
    read_or_default(body, |fields, problems| {
        let from_day = fields.int_if_any("from_day", 1, LAST_DAY, problems);
        let to_day = fields.int_if_any("to_day", 1, LAST_DAY, problems);
        in_order(fields, "from_day", from_day.unwrap_or(1), to_day.unwrap_or(LAST_DAY), problems);
        Some(DriftRequest { from_day, to_day })
    })
}

pub(crate) fn monitor(body: &[u8]) -> Result<MonitorRequest, ServiceError> {
    read(body, |fields, problems| {
        // Pipelines name the page that they want; there is none here, and `report_url` of the answer says so.
        fields.get("output_html");
        let reference_path = fields.text("reference_path", PATH_BYTES_MAX, problems);
        let rows = fields.list("current_data", problems)?;
        let loc = fields.loc("current_data");
        if rows.is_empty() {
            problems.add(&loc, None, "too_short", "List should have at least 1 item");
        }
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| !row.is_object()) {
            problems.add(&loc, Some(index.into()), "dict_type", format!("Input should be a valid dictionary, not {row:.20}"));
        }
        Some(MonitorRequest { reference_path: reference_path?, current_data: Value::Array(rows.clone()) })
    })
}

pub(crate) fn drift_scores(body: &[u8]) -> Result<DriftScores, ServiceError> {
    read(body, |fields, problems| {
        let overall_drift_score = fields.float("overall_drift_score", 0.0, 1.0, "", problems);
        let timestamp = fields.text_if_any("timestamp", 64, problems);
        if timestamp.as_ref().is_some_and(|text| Timestamp::parse_rfc3339(text).is_none()) {
            problems.add(
                &fields.loc("timestamp"),
                None,
                "datetime_parsing",
                "Input should be a valid datetime, such as 2026-01-13T10:00:00Z",
            );
        }
        let loc = fields.loc("feature_drift_scores");
        let scores = fields.get("feature_drift_scores").map(|value| scores(value, &loc, problems)).unwrap_or_default();
        Some(DriftScores { overall_drift_score: overall_drift_score?, feature_drift_scores: scores, timestamp })
    })
}

fn scores(value: &Value, loc: &[Value], problems: &mut Problems) -> BTreeMap<String, f64> {
    let Some(map) = value.as_object().filter(|map| map.len() <= DRIFT_FEATURES_MAX) else {
        let msg = format!("Input should be a valid dictionary of at most {DRIFT_FEATURES_MAX} features");
        problems.add(loc, None, "dict_type", msg);
        return BTreeMap::new();
    };
    let mut scores = BTreeMap::new();
    for (feature, value) in map {
        match value.as_f64() {
            Some(score) if (0.0..=1.0).contains(&score) => drop(scores.insert(feature.clone(), score)),
            Some(_) => problems.add(loc, Some(feature.as_str().into()), "less_than_equal", "Input should be a drift score, 0 to 1"),
            None => problems.add(loc, Some(feature.as_str().into()), "float_type", "Input should be a valid number"),
        }
    }
    scores
}

fn in_order(fields: &Fields, name: &str, from_day: u32, to_day: u32, problems: &mut Problems) {
    if from_day > to_day && problems.is_empty() {
        let msg = format!("Input should be less than or equal to the last day, {to_day}");
        problems.add(&fields.loc(name), None, "less_than_equal", msg);
    }
}

fn read<T>(body: &[u8], make: impl FnOnce(&mut Fields, &mut Problems) -> Option<T>) -> Result<T, ServiceError> {
    let body = parse(body)?;
    let mut problems = Problems::new();
    let value = Fields::of_body(&body, &mut problems).and_then(|mut fields| {
        let value = make(&mut fields, &mut problems);
        fields.no_more(&mut problems);
        value
    });
    Ok(problems.or(value)?)
}

/// As `read`, but no body at all is an empty one.
fn read_or_default<T>(body: &[u8], make: impl FnOnce(&mut Fields, &mut Problems) -> Option<T>) -> Result<T, ServiceError> {
    read(if body.is_empty() { b"{}" } else { body }, make)
}

/// The form of the OAuth2 password flow: `username`, `password`; `grant_type`, if it is there, is `password`.
pub(crate) fn token(body: &[u8]) -> Result<api::TokenRequest, ServiceError> {
    let fields: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let mut problems = Problems::new();
    for name in ["username", "password"].into_iter().filter(|name| !fields.contains_key(*name)) {
        problems.add(&["body".into()], Some(name.into()), "missing", "Field required");
    }
    if fields.get("grant_type").is_some_and(|grant| !grant.is_empty() && grant != "password") {
        problems.add(&["body".into()], Some("grant_type".into()), "string_pattern_mismatch", "String should be 'password'");
    }
    let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
    Ok(problems.or(Some(api::TokenRequest { username: text("username"), password: text("password") }))?)
}

/// A body that did not arrive whole.
pub(crate) fn broken() -> ServiceError {
    ServiceError::Invalid(problem(None, "json_invalid", "the body broke off"))
}
