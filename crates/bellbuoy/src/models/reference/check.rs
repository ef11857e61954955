//! What bellbuoy.yml says of a model against the columns that its reference has: each problem at its place in the file.

use bellbuoy_drift::{Kind, Preset};
use bellbuoy_models::{DetectorSettings, Feature, FeatureKind, ModelKind, Stream};
use bellbuoy_vocabulary::{Problem, nearest};

use super::columns::{self, Roles};
use super::outline::{Holds, Known, Outline};
use crate::config::{ModelConfig, Place};

/// Columns that a message lists.
const NAMES_MAX: usize = 20;

/// Checks, and fills in the features and classes that the settings leave to the reference.
pub fn against(model: &mut ModelConfig, outline: &Outline) -> Vec<Problem> {
    let mut problems = Vec::new();
    if outline.rows == 0 {
        problems.push(
            model.places.error(Place::Reference, "", "the reference has no rows").help("give it the rows that the model was trained on"),
        );
        return problems;
    }
    problems.extend(classes(model, outline));
    let roles = columns::find(model, outline);
    problems.extend(role_columns(model, &roles, outline));
    problems.extend(features(model, &roles, outline));
    problems.extend(names_of_features(model, outline));
    let (rows, rows_min) = (outline.rows, model.settings.rows_min);
    if rows < rows_min as u64 {
        let message = format!("the reference has {rows} rows, rows_min is {rows_min}: drift would always be unknown");
        problems.push(model.places.warning(Place::Reference, "", message).help("lower rows_min, or give it more rows"));
    }
    problems
}

/// The first predictions are still to come, so only what can never be right is said.
pub fn without_reference(model: &ModelConfig) -> Vec<Problem> {
    let mut problems = Vec::new();
    if matches!(&model.settings.kind, ModelKind::Classification { classes, .. } if classes.is_empty()) {
        let message = "the classes are not known before the reference is there";
        problems.push(model.places.error(Place::Reference, "", message).help("add `classes: [...]`"));
    }
    if !model.settings.features.is_empty() {
        problems.extend(names_of_features(model, &Outline::default()));
    }
    problems
}

/// Columns that were said to have a role must be there and fit it.
fn role_columns(model: &ModelConfig, roles: &Roles, outline: &Outline) -> Vec<Problem> {
    let mut problems = Vec::new();
    if outline.profile {
        if model.settings.drift.season.is_some() {
            let message = "a profile has no times, which the season needs";
            problems.push(model.places.error(Place::Reference, "", message).help("give the rows themselves, or remove `season`"));
        }
        return problems;
    }
    for name in roles.all().filter(|name| !outline.has(name)) {
        let message = format!("the reference has no column {name:?}");
        problems.push(model.places.error(Place::Column, name, message).help(help(name, outline.names())));
    }
    for (_, name) in model.reference.columns.features.iter().filter(|(_, name)| outline.column(name).is_none()) {
        let message = format!("the reference has no column {name:?}");
        problems.push(model.places.error(Place::Column, name, message).help(help(name, outline.names())));
    }
    let regression = model.settings.kind == ModelKind::Regression;
    let mut numbers: Vec<(&str, &str)> = Vec::new();
    numbers.extend(roles.prediction.iter().filter(|_| regression).map(|name| ("prediction", name.as_str())));
    numbers.extend(roles.value.iter().filter(|_| regression).map(|name| ("true value", name.as_str())));
    numbers.extend(
        roles.probability.iter().chain(roles.probabilities.iter().map(|(_, name)| name)).map(|name| ("probability", name.as_str())),
    );
    for (what, name) in numbers {
        let Some(column) = outline.column(name) else { continue };
        if !matches!(column.holds, Holds::Numbers | Holds::Nothing) {
            let message = format!("the {what} must be a number, but column {name:?} of the reference holds {}", holds(column));
            problems.push(model.places.error(place_of(model, name), name, message));
        } else if what == "probability"
            && let Some((low, high)) = column.range.filter(|(low, high)| *low < 0.0 || *high > 1.0)
        {
            let message = format!("column {name:?} of the reference goes from {low} to {high}, a probability from 0 to 1");
            problems.push(model.places.error(place_of(model, name), name, message));
        }
    }
    if model.settings.drift.season.is_some() && roles.time.is_none() {
        let message = "the season needs the times of the reference, and no column of it is called like one";
        problems.push(model.places.error(Place::Reference, "", message).help("write `reference: {file: ..., columns: {time: COLUMN}}`"));
    }
    if model.places.says(Place::Target, &model.settings.target) && roles.value.is_none() {
        let message = format!("the reference has no column {:?}: nothing can be estimated before true values come", model.settings.target);
        let near = nearest(&model.settings.target, outline.names());
        let help = near.map(|near| format!("did you mean {near:?}?")).unwrap_or_default();
        // Something much like it is a mistake, nothing like it a reference without true values.
        let target = &model.settings.target;
        problems.push(if near.is_some() {
            model.places.error(Place::Target, target, message).help(help)
        } else {
            model.places.warning(Place::Target, target, message)
        });
    }
    problems
}

fn place_of(model: &ModelConfig, name: &str) -> Place {
    if model.places.says(Place::Column, name) {
        Place::Column
    } else if model.places.says(Place::Target, name) {
        Place::Target
    } else {
        Place::Reference
    }
}

fn features(model: &mut ModelConfig, roles: &Roles, outline: &Outline) -> Vec<Problem> {
    let mut problems = Vec::new();
    let renamed =
        |name: &str| model.reference.columns.features.iter().find(|(feature, _)| feature == name).map(|(_, column)| column.as_str());
    if model.settings.features.is_empty() {
        let feature = |name: &str| {
            let known = model.reference.columns.features.iter().find(|(_, column)| column == name);
            Feature::new(known.map_or(name, |(feature, _)| feature.as_str()))
        };
        let taken = |name: &&str| *name != model.settings.target && !roles.all().any(|role| role == *name);
        model.settings.features = outline.names().filter(taken).map(feature).collect();
        // Whoever names such a column wants it judged; of those that nobody named none is.
        let drift = &model.settings.drift;
        let looks_like_time = |name: &String| {
            let column = outline.column(renamed(name).unwrap_or(name));
            drift.preset == Preset::Default
                && !drift.tests.contains_key(name)
                && !drift.time_columns.contains(name)
                && column.is_some_and(|column| column.time.is_some())
        };
        let time: Vec<String> = model.settings.features.iter().map(|feature| feature.name.clone()).filter(looks_like_time).collect();
        model.settings.drift.time_columns.extend(time);
        if model.settings.features.is_empty() {
            let message = "the reference has no column that could be a feature: drift is not judged";
            problems.push(model.places.warning(Place::Reference, "", message));
        }
        return problems;
    }
    let places = &model.places;
    for feature in &model.settings.features {
        let name = &feature.name;
        let Some(column) = outline.column(renamed(name).unwrap_or(name)) else {
            // A column that was said is reported already.
            if renamed(name).is_none() {
                let message = format!("the reference has no column {name:?}");
                problems.push(places.error(Place::Feature, name, message).help(help(name, outline.names())));
            }
            continue;
        };
        if feature.kind == Some(FeatureKind::Numeric) && matches!(column.holds, Holds::Texts) {
            let message = format!("feature {name:?} is said to be numeric, but its column in the reference holds {}", holds(column));
            problems.push(places.error(Place::Feature, name, message).help("write `kind: categorical`, or mend the column"));
        }
        if roles.prediction.as_ref() == Some(name) && places.says(Place::Column, name) {
            problems.push(places.warning(Place::Feature, name, format!("{name:?} is a feature and the prediction")));
        }
    }
    problems
}

/// What names features: segments, tests, time columns, detectors.
fn names_of_features(model: &ModelConfig, outline: &Outline) -> Vec<Problem> {
    let (settings, places) = (&model.settings, &model.places);
    let mut problems = Vec::new();
    let features = || settings.features.iter().map(|feature| feature.name.as_str());
    let is_feature = |name: &str| features().any(|feature| feature == name);
    let renamed = &model.reference.columns.features;
    let column = |name: &str| outline.column(renamed.iter().find(|(feature, _)| feature == name).map_or(name, |(_, column)| column));
    for name in settings.segments.iter().filter(|name| !is_feature(name) && column(name).is_none()) {
        let message = format!("segment {name:?} is neither a feature nor a column of the reference");
        let known: Vec<&str> = features().chain(outline.names()).collect();
        match nearest(name, known.iter().copied()) {
            Some(near) => problems.push(places.error(Place::Segment, name, message).help(format!("did you mean {near:?}?"))),
            None => problems.push(places.warning(Place::Segment, name, message).help("predictions must bring it among their features")),
        }
    }
    for (name, (test, _)) in &settings.drift.tests {
        if !is_feature(name) {
            problems.push(places.error(Place::Test, name, format!("a test of {name:?}, which is no feature")).help(help(name, features())));
            continue;
        }
        if let (Some(test), Some(found)) = (test, column(name))
            && test.needs_numbers()
            && found.holds == Holds::Texts
        {
            let message =
                format!("the test {} needs numbers, but the column {name:?} of the reference holds {}", test.name(), holds(found));
            problems.push(places.error(Place::Test, name, message).help("chi2_contingency, psi and jensenshannon take texts"));
        }
    }
    for name in settings.drift.time_columns.iter().filter(|name| !is_feature(name) && column(name).is_none()) {
        let known: Vec<&str> = features().chain(outline.names()).collect();
        let message = format!("time column {name:?} is neither a feature nor a column of the reference");
        problems.push(places.warning(Place::TimeColumn, name, message).help(help(name, known.into_iter())));
    }
    for DetectorSettings { stream, .. } in &settings.detectors {
        let Stream::Feature(name) = stream else { continue };
        if !is_feature(name) {
            let message = format!("a detector on {name:?}, which is no feature");
            problems.push(places.error(Place::Detector, name, message).help(help(name, features())));
        } else if let Some(found) = column(name).filter(|found| found.holds == Holds::Texts || found.kind == Kind::Text) {
            let message = format!("a detector takes numbers, but the column {name:?} of the reference holds {}", holds(found));
            problems.push(places.error(Place::Detector, name, message));
        }
    }
    problems
}

/// Those of the true values, when the file lists none; else the two must fit.
fn classes(model: &mut ModelConfig, outline: &Outline) -> Vec<Problem> {
    let ModelKind::Classification { classes, positive } = &mut model.settings.kind else { return Vec::new() };
    let target = model.reference.columns.value.as_ref().unwrap_or(&model.settings.target);
    let found = outline.column(target).map(|column| column.words.as_deref());
    let mut problems = Vec::new();
    match (classes.is_empty(), found) {
        (true, Some(Some(words))) if words.len() >= 2 => {
            *classes = words.to_vec();
            if let Some(positive) = positive.as_ref().filter(|positive| !words.contains(positive)) {
                let message = format!("positive {positive:?} is not among the classes of the reference");
                problems.push(model.places.error(Place::Class, positive, message).help(help(positive, words.iter().map(String::as_str))));
            }
        }
        (true, _) => {
            let message = format!("the classes are not known: the reference has no column {target:?} with a few different values");
            problems.push(model.places.error(Place::Target, target, message).help("add `classes: [...]`"));
        }
        (false, Some(Some(words))) => {
            for word in words.iter().filter(|word| !classes.contains(word)).take(NAMES_MAX) {
                let message = format!("the reference has the class {word:?}, which is not among the classes");
                let place = classes.first().map_or("", String::as_str);
                problems.push(model.places.error(Place::Class, place, message).help(help(word, classes.iter().map(String::as_str))));
            }
            for class in classes.iter().filter(|class| !words.contains(class)) {
                let message = format!("class {class:?} does not occur in the reference");
                problems.push(model.places.warning(Place::Class, class, message).help(help(class, words.iter().map(String::as_str))));
            }
        }
        (false, Some(None)) => {
            let message = format!("column {target:?} of the reference holds no classes but many different values");
            problems.push(model.places.error(Place::Target, target, message).help("is `target` right?"));
        }
        (false, None) => {}
    }
    problems
}

fn holds(column: &Known) -> String {
    match (column.holds, &column.example) {
        (Holds::Texts, Some(example)) => format!("texts ({:?})", example.chars().take(40).collect::<String>()),
        (Holds::Texts, None) => "texts".into(),
        (Holds::Times, _) => "times".into(),
        (Holds::Numbers, _) => "numbers".into(),
        (Holds::Nothing, _) => "nothing".into(),
    }
}

fn help<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    let mut seen = std::collections::HashSet::new();
    known.retain(|name| seen.insert(*name));
    if let Some(near) = nearest(name, known.iter().copied()) {
        return format!("did you mean {near:?}?");
    }
    let more = if known.len() > NAMES_MAX { ", ..." } else { "" };
    let some: Vec<&str> = known.into_iter().take(NAMES_MAX).collect();
    if some.is_empty() { String::new() } else { format!("there is {}{more}", some.join(", ")) }
}
