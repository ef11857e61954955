//! An entry of `models:` in bellbuoy.yml: every key of a model, with all problems at once. docs/guides/models.md explains the keys.
//!
//! In:    the map of one model. Out: a `ModelConfig`, or `None` when it has no name or no reference.
//! Never: opens the reference. What needs its columns is checked where it is read, with the places that are noted here.

mod judged;
mod origin;
mod policies;
mod postgres;
mod shown;

use std::path::Path;

use bellbuoy_models::{Feature, FeatureKind, ModelKind, ModelSettings, Roles};
use bellbuoy_vocabulary::Millis;

use super::Files;
use super::model_config::{ModelConfig, Place, Places, RetentionSettings};
use super::read::{Fields, Text, did_you_mean};

/// Rows of one window: a judgement sorts them, and must stay below a second.
const WINDOW_ROWS_MAX: u64 = 1_000_000;
const RETENTION_ROWS_MAX: u64 = 10_000_000;
const FEATURES_MAX: usize = bellbuoy_models::FEATURES_MAX;
const CLASSES_MAX: usize = 1000;
const SEGMENTS_MAX: usize = 20;
const ROLES_MAX: usize = 16;

/// What the readers of parts need beside the fields.
struct Context<'a> {
    folder: &'a Path,
    files: &'a Files,
}

pub fn read(fields: Fields, folder: &Path, files: &Files) -> Option<ModelConfig> {
    let context = Context { folder, files };
    let mut places = Places::new(&fields.report.file, fields.span);
    let name = fields.required("name");
    if let Some(name) = name
        && !file_name_ok(name.as_str())
    {
        fields.error(name.span(), format!("model name {:?} can not name a folder", name.shown()), "use letters, digits, `-`, `_` and `.`");
    }
    let mut settings = ModelSettings::new(name.map_or("", |name| name.as_str()));
    settings.kind = kind(&fields, &mut places);
    let reference = origin::reference(&fields, &context, &settings.kind, &mut places);
    settings.features = features(&fields, &mut places);
    target(&fields, &mut settings, &mut places);
    judged::windows(&fields, &mut settings);
    settings.retention_rows = retention_rows(&fields, &settings);
    settings.schedule = at_least_a_second(&fields, "schedule").unwrap_or(settings.schedule);
    settings.roles = roles(&fields);
    settings.segments = segments(&fields, &mut places);
    if let Some(drift) = fields.map("drift", "drift") {
        settings.drift = judged::drift(drift, settings.drift, &mut places);
    }
    if let Some(quality) = fields.map("quality", "quality") {
        settings.quality = judged::quality(quality);
    }
    settings.intervals = judged::intervals(&fields);
    settings.estimates = fields.boolean("estimates").unwrap_or(true);
    settings.detectors = judged::detectors(&fields, &settings.kind, &mut places);
    settings.retraining = policies::retraining(fields.map("retraining", "retraining"), &settings, &mut places);
    settings.deployment = policies::deployment(fields.map("deployment", "deployment"), &settings, &mut places);
    let sources = origin::sources(&fields, &context, &settings);
    shown::read(&fields, &mut settings, &mut places);
    let retention = retention(&fields);
    fields.finish();
    name?;
    Some(ModelConfig { settings, reference: reference?, sources, retention, places })
}

/// The name becomes a folder and a part of an address.
fn file_name_ok(name: &str) -> bool {
    !name.starts_with('.') && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn kind(fields: &Fields, places: &mut Places) -> ModelKind {
    let text = fields.text("kind");
    let classes = classes(fields, places);
    let positive = fields.text("positive");
    let help = "write regression or classification";
    match text.map_or("regression", |text| text.as_str()) {
        "classification" => {
            if let Some(positive) = positive
                && !classes.is_empty()
                && !classes.iter().any(|class| class == positive.as_str())
            {
                let help = did_you_mean(positive.as_str(), classes.iter().map(String::as_str));
                fields.error(positive.span(), format!("positive {:?} is not among the classes", positive.shown()), help);
            }
            if let Some(positive) = positive {
                places.add(Place::Class, positive.as_str(), positive.span());
            }
            return ModelKind::Classification { classes, positive: positive.map(|text| text.as_str().to_owned()) };
        }
        "regression" => {}
        word => {
            let help = format!("{help}{}", hint(word, &["regression", "classification"]));
            fields.error(text.map_or(fields.span, |text| text.span()), format!("unknown kind of model {word:?}"), help);
            return ModelKind::Regression;
        }
    }
    for key in ["classes", "positive"] {
        if fields.node(key).is_some() {
            fields.error(fields.key_span(key), format!("{key:?} is of models of kind classification"), "add `kind: classification`");
        }
    }
    ModelKind::Regression
}

/// `; did you mean "x"?` behind another help text.
fn hint(word: &str, known: &[&str]) -> String {
    match did_you_mean(word, known.iter().copied()) {
        near if near.is_empty() => near,
        near => format!("; {near}"),
    }
}

/// In the order of the probabilities. Empty: those of the reference, sorted.
fn classes(fields: &Fields, places: &mut Places) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in fields.texts("classes") {
        if found.iter().any(|earlier| earlier == text.as_str()) {
            fields.error(text.span(), format!("class {:?} is given twice", text.shown()), "");
        } else if text.as_str().is_empty() {
            fields.error(text.span(), "a class without a name", "");
        }
        places.add(Place::Class, text.as_str(), text.span());
        found.push(text.as_str().to_owned());
    }
    if found.len() == 1 {
        fields.error(fields.key_span("classes"), "one class alone needs no model", "list all of them");
    }
    bounded(fields, "classes", found.len(), CLASSES_MAX);
    found
}

fn bounded(fields: &Fields, key: &'static str, count: usize, max: usize) {
    if count > max {
        fields.error(fields.key_span(key), format!("{count} entries in {key:?}, at most {max} are taken"), "");
    }
}

/// Names, or maps with a name and a kind.
fn features(fields: &Fields, places: &mut Places) -> Vec<Feature> {
    let mut found: Vec<Feature> = Vec::new();
    for node in fields.list("features") {
        let feature = match Text::of(node) {
            Some(text) => Some((text, None)),
            None => Fields::of(node, "feature", fields.report).and_then(|map| {
                let (name, kind) = (map.required("name"), feature_kind(&map));
                map.finish();
                name.map(|name| (name, kind))
            }),
        };
        let Some((name, kind)) = feature else { continue };
        if found.iter().any(|earlier| earlier.name == name.as_str()) {
            fields.error(name.span(), format!("feature {:?} is given twice", name.shown()), "");
            continue;
        }
        places.add(Place::Feature, name.as_str(), name.span());
        found.push(Feature { name: name.as_str().to_owned(), kind });
    }
    bounded(fields, "features", found.len(), FEATURES_MAX);
    found
}

fn feature_kind(fields: &Fields) -> Option<FeatureKind> {
    let text = fields.text("kind")?;
    match text.as_str() {
        "numeric" => Some(FeatureKind::Numeric),
        "categorical" => Some(FeatureKind::Categorical),
        word => {
            let help = format!("write numeric or categorical{}", hint(word, &["numeric", "categorical"]));
            fields.error(text.span(), format!("unknown kind of feature {:?}", text.shown()), help);
            None
        }
    }
}

fn target(fields: &Fields, settings: &mut ModelSettings, places: &mut Places) {
    let Some(text) = fields.text("target") else { return };
    if text.as_str().is_empty() {
        fields.error(text.span(), "\"target\" is empty", "");
    }
    places.add(Place::Target, text.as_str(), text.span());
    settings.target = text.as_str().to_owned();
    if settings.features.iter().any(|feature| feature.name == settings.target) {
        let message = format!("the target {:?} is a feature too: the model would be told the answer", text.shown());
        fields.report.warning(places.span(Place::Feature, text.as_str()), message, "take it out of the features");
    }
}

fn segments(fields: &Fields, places: &mut Places) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in fields.texts("segments") {
        if found.iter().any(|earlier| earlier == text.as_str()) {
            fields.error(text.span(), format!("segment {:?} is given twice", text.shown()), "");
            continue;
        }
        places.add(Place::Segment, text.as_str(), text.span());
        found.push(text.as_str().to_owned());
    }
    bounded(fields, "segments", found.len(), SEGMENTS_MAX);
    found
}

fn roles(fields: &Fields) -> Roles {
    let Some(map) = fields.map("roles", "roles") else { return Roles::default() };
    let champion = map.text("champion").map(|text| text.as_str().to_owned()).unwrap_or_else(|| Roles::default().champion);
    let mut challengers: Vec<String> = Vec::new();
    for text in map.texts("challengers") {
        if text.as_str() == champion || challengers.iter().any(|earlier| earlier == text.as_str()) {
            map.error(text.span(), format!("role {:?} is given twice", text.shown()), "");
        }
        challengers.push(text.as_str().to_owned());
    }
    if champion.is_empty() || challengers.iter().any(String::is_empty) {
        map.error(map.span, "a role without a name", "");
    }
    bounded(&map, "challengers", challengers.len() + 1, ROLES_MAX);
    map.finish();
    Roles { champion, challengers }
}

fn retention_rows(fields: &Fields, settings: &ModelSettings) -> usize {
    let window_rows = judged::rows_of_windows(settings);
    let default = settings.retention_rows.max(window_rows);
    let Some(rows) = rows(fields, "retention_rows", RETENTION_ROWS_MAX) else { return default };
    if rows < window_rows {
        let message = format!("retention_rows {rows} is less than the {window_rows} rows of a window: it would never be full");
        fields.error(fields.key_span("retention_rows"), message, "keep at least the rows of the largest window");
    }
    rows
}

fn retention(fields: &Fields) -> RetentionSettings {
    let default = RetentionSettings::default();
    let age = fields.duration("retention");
    if age.is_some_and(|age| age < Millis::from_minutes(60)) {
        fields.error(fields.key_span("retention"), "\"retention\" must be at least 1h", "the usual is 90d");
    }
    RetentionSettings { age: age.unwrap_or(default.age), size_bytes: fields.size("retention_size").unwrap_or(default.size_bytes) }
}

fn rows(fields: &Fields, key: &'static str, max: u64) -> Option<usize> {
    let count = fields.integer(key)?;
    if count == 0 || count > max {
        fields.error(fields.key_span(key), format!("{key:?} must be from 1 to {max}"), "");
        return None;
    }
    usize::try_from(count).ok()
}

fn at_least_a_second(fields: &Fields, key: &'static str) -> Option<Millis> {
    let length = fields.duration(key)?;
    if length < Millis::from_seconds(1) {
        fields.error(fields.key_span(key), format!("{key:?} must be at least 1s"), "");
    }
    Some(length)
}

/// A number from 0 to 1.
fn share(fields: &Fields, key: &'static str) -> Option<f64> {
    let share = fields.float(key)?;
    if !(0.0..=1.0).contains(&share) {
        fields.error(fields.key_span(key), format!("{key:?} must be from 0 to 1"), "");
    }
    Some(share)
}

/// A number from 0 on.
fn not_negative(fields: &Fields, key: &'static str) -> Option<f64> {
    let number = fields.float(key)?;
    if number < 0.0 {
        fields.error(fields.key_span(key), format!("{key:?} must not be negative"), "");
    }
    Some(number)
}

/// One of some words.
fn word<T: Copy>(fields: &Fields, key: &'static str, known: &[(&'static str, T)]) -> Option<T> {
    let text = fields.text(key)?;
    let found = known.iter().find(|(word, _)| *word == text.as_str()).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let help = format!("write {}{}", words.join(", "), hint(text.as_str(), &words));
        fields.error(text.span(), format!("unknown {key} {:?}", text.shown()), help);
    }
    found
}
