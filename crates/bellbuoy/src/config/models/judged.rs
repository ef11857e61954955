//! How a model is judged: `windows`, `drift`, `quality`, `intervals`, `detectors`.
//!
//! In:    the fields of these sections. Out: the parts of `ModelSettings`, each within its bound; problems with their places.

use std::time::Duration;

use bellbuoy_drift::stream::{AdwinOptions, DdmOptions, Kswin, KswinOptions, PageHinkleyMode, PageHinkleyOptions};
use bellbuoy_drift::{Expectations, Preset, Test};
use bellbuoy_models::{
    DetectorKind, DetectorSettings, DriftSettings, IntervalMethod, ModelKind, ModelSettings, Resampling, Season, Span, Stream,
    WindowSettings, Windows,
};
use bellbuoy_vocabulary::{Millis, format_duration};
use jiff::tz::TimeZone;

use super::super::model_config::{Place, Places};
use super::super::read::{Fields, Text};
use super::super::yaml::Value;
use super::{WINDOW_ROWS_MAX, at_least_a_second, bounded, hint, not_negative, rows, share, word};

const WINDOWS_MAX: usize = 16;
const DETECTORS_MAX: usize = 1000;
const RESAMPLES_MAX: u64 = 10_000;

/// `windows`, `window_rows` and `rows_min`.
pub fn windows(fields: &Fields, settings: &mut ModelSettings) {
    let short = rows(fields, "window_rows", WINDOW_ROWS_MAX).map(WindowSettings::newest_rows);
    let mut found: Vec<WindowSettings> = short.into_iter().collect();
    for map in fields.maps("windows", "window") {
        let span = map.span;
        let Some(window) = window(map) else { continue };
        if found.iter().any(|earlier| earlier.name == window.name) {
            let help = "give one of them a `name` of its own";
            fields.error(span, format!("two windows are called {:?}", window.name), help);
        }
        found.push(window);
    }
    bounded(fields, "windows", found.len(), WINDOWS_MAX);
    if !found.is_empty() {
        settings.windows = found;
    }
    let smallest = settings.windows.iter().filter_map(|window| window_rows(window.span)).min();
    let default = smallest.map_or(settings.rows_min, |rows| settings.rows_min.min(rows));
    settings.rows_min = rows(fields, "rows_min", WINDOW_ROWS_MAX).unwrap_or(default);
    if let Some(rows) = smallest.filter(|rows| settings.rows_min > *rows) {
        let message =
            format!("rows_min {} is more than the {rows} rows of a window: its outcome would always be unknown", settings.rows_min);
        fields.error(fields.key_span("rows_min"), message, "");
    }
}

fn window_rows(span: Span) -> Option<usize> {
    match span {
        Span::NewestRows(rows) | Span::Cut(Windows::Rows { size: rows, .. }) => Some(rows),
        Span::Newest(_) | Span::Cut(Windows::Time { .. }) => None,
    }
}

/// Rows that the largest window of rows needs.
pub fn rows_of_windows(settings: &ModelSettings) -> usize {
    settings.windows.iter().filter_map(|window| window_rows(window.span)).max().unwrap_or(0)
}

fn window(map: Fields) -> Option<WindowSettings> {
    let span = match (map.node("rows").is_some(), map.node("time").is_some()) {
        (true, false) => of_rows(&map),
        (false, true) => of_time(&map),
        (false, false) => {
            map.error(map.span, "a window of nothing", "write `rows: 1000` or `time: 7d`");
            None
        }
        (true, true) => {
            map.error(map.key_span("time"), "a window is of rows or of time, not both", "remove one of them, or make two windows");
            None
        }
    };
    for key in ["rows", "time", "step", "offset"] {
        map.has(key);
    }
    let name = map.text("name");
    if let Some(name) = name.filter(|name| name.as_str().is_empty()) {
        map.error(name.span(), "\"name\" is empty", "");
    }
    let name = name.map(|name| name.as_str().to_owned());
    map.finish();
    span.map(|span| WindowSettings { name: name.unwrap_or_else(|| window_name(span)), span })
}

fn window_name(span: Span) -> String {
    match span {
        Span::NewestRows(rows) => format!("{rows} rows"),
        Span::Newest(length) => format_duration(length),
        Span::Cut(Windows::Rows { size, step }) => format!("{size} rows by {step}"),
        Span::Cut(Windows::Time { size, step, .. }) => format!("{} by {}", format_duration(size), format_duration(step)),
    }
}

fn of_rows(map: &Fields) -> Option<Span> {
    let size = rows(map, "rows", WINDOW_ROWS_MAX)?;
    if map.node("offset").is_some() {
        map.error(map.key_span("offset"), "\"offset\" is of windows of time", "remove it");
    }
    if map.node("step").is_none() {
        return Some(Span::NewestRows(size));
    }
    cut(map, Windows::Rows { size, step: rows(map, "step", WINDOW_ROWS_MAX)? })
}

fn of_time(map: &Fields) -> Option<Span> {
    let size = at_least_a_second(map, "time")?;
    if map.node("step").is_none() {
        if map.node("offset").is_some() {
            map.error(map.key_span("offset"), "a window that slides with the newest row has no \"offset\"", "add a `step`");
        }
        return Some(Span::Newest(size));
    }
    let offset = map.text("offset").and_then(|text| signed(map, text)).unwrap_or(Millis::ZERO);
    cut(map, Windows::Time { size, step: at_least_a_second(map, "step")?, offset })
}

fn signed(map: &Fields, text: Text) -> Option<Millis> {
    let (sign, length) = text.as_str().strip_prefix('-').map_or((1, text.as_str()), |length| (-1, length));
    match bellbuoy_vocabulary::parse_duration(length) {
        Ok(length) => Some(Millis(sign * length.0)),
        Err(_) => {
            map.error(text.span(), format!("\"offset\" is not a valid duration: {:?}", text.shown()), "write for example 2h or -2h");
            None
        }
    }
}

fn cut(map: &Fields, windows: Windows) -> Option<Span> {
    if let Some(problem) = windows.problem() {
        map.error(map.key_span("step"), problem, "a step equal to the size gives one window after the other");
        return None;
    }
    Some(Span::Cut(windows))
}

pub fn drift(fields: Fields, default: DriftSettings, places: &mut Places) -> DriftSettings {
    let preset = word(&fields, "preset", &[("default", Preset::Default), ("evidently", Preset::Evidently)]).unwrap_or(default.preset);
    let mut time_columns = Vec::new();
    for text in fields.texts("time_columns") {
        places.add(Place::TimeColumn, text.as_str(), text.span());
        time_columns.push(text.as_str().to_owned());
    }
    let drift = DriftSettings {
        preset,
        p_value: share(&fields, "p_value").unwrap_or(default.p_value),
        distance: not_negative(&fields, "distance").unwrap_or(default.distance),
        effect: share(&fields, "effect").unwrap_or(default.effect),
        share: share(&fields, "share").unwrap_or(default.share),
        tests: tests(&fields, places),
        time_columns,
        season: fields.map("season", "season").and_then(season),
        predictions: fields.boolean("predictions").unwrap_or(default.predictions),
    };
    fields.finish();
    drift
}

/// `FEATURE: TEST`, or `FEATURE: {test, threshold}`.
fn tests(fields: &Fields, places: &mut Places) -> std::collections::BTreeMap<String, (Option<Test>, Option<f64>)> {
    let mut found = std::collections::BTreeMap::new();
    let Some(node) = fields.node("tests") else { return found };
    let Value::Map(entries) = &node.value else {
        fields.error(node.span, format!("\"tests\" must be a map, not {}", node.kind()), "write it as `feature: test` lines");
        return found;
    };
    for entry in entries {
        places.add(Place::Test, &entry.key, entry.key_span);
        let chosen = match Text::of(&entry.value) {
            Some(text) => (test_of(fields, text), None),
            None => {
                let Some(map) = Fields::of(&entry.value, "test", fields.report) else { continue };
                let chosen = (map.text("test").and_then(|text| test_of(&map, text)), not_negative(&map, "threshold"));
                map.finish();
                chosen
            }
        };
        found.insert(entry.key.clone(), chosen);
    }
    found
}

fn test_of(fields: &Fields, text: Text) -> Option<Test> {
    let found = Test::parse(text.as_str());
    if found.is_none() {
        let names: Vec<&str> = Test::ALL.iter().map(|test| test.name()).collect();
        let help = match hint(text.as_str(), &names) {
            near if near.is_empty() => format!("the tests are {}", names.join(", ")),
            near => near.trim_start_matches("; ").to_owned(),
        };
        fields.error(text.span(), format!("unknown test {:?}", text.shown()), help);
    }
    found
}

fn season(fields: Fields) -> Option<Season> {
    let part = |key| fields.boolean(key).unwrap_or(false);
    let (hour, weekday, month) = (part("hour"), part("weekday"), part("month"));
    if !hour && !weekday && !month {
        fields.error(fields.span, "a season of nothing", "write `hour: true`, `weekday: true` or `month: true`");
    }
    let zone = fields.text("timezone").map(|text| (text, TimeZone::get(text.as_str())));
    if let Some((text, Err(_))) = &zone {
        fields.error(text.span(), format!("unknown timezone {:?}", text.shown()), "write for example UTC or Europe/Berlin");
    }
    let zone = zone.and_then(|(_, zone)| zone.ok()).unwrap_or(TimeZone::UTC);
    fields.finish();
    (hour || weekday || month).then_some(Season { hour, weekday, month, zone })
}

pub fn quality(fields: Fields) -> Expectations {
    let default = Expectations::default();
    let expected = Expectations {
        rows_min: fields.integer("rows_min"),
        rows_max: fields.integer("rows_max"),
        age_max: fields.duration("age_max").map(Millis::to_std),
        share_rise_max: share(&fields, "share_rise_max").unwrap_or(default.share_rise_max),
        range_margin: not_negative(&fields, "range_margin").unwrap_or(default.range_margin),
        lost_rows_min: not_negative(&fields, "lost_rows_min").unwrap_or(default.lost_rows_min),
        constant_rows_min: fields.integer("constant_rows_min").unwrap_or(default.constant_rows_min),
    };
    if let (Some(least), Some(most)) = (expected.rows_min, expected.rows_max)
        && least > most
    {
        fields.error(fields.key_span("rows_min"), format!("rows_min {least} is more than rows_max {most}"), "");
    }
    if expected.age_max == Some(Duration::ZERO) {
        fields.error(fields.key_span("age_max"), "\"age_max\" of 0 is exceeded by every row", "");
    }
    fields.finish();
    expected
}

/// `intervals: true`, or a map.
pub fn intervals(fields: &Fields) -> Option<Resampling> {
    let node = fields.node("intervals")?;
    if Text::of(node).is_some() {
        return fields.boolean("intervals")?.then(Resampling::default);
    }
    let (map, default) = (fields.map("intervals", "intervals")?, Resampling::default());
    let level = map.float("level").unwrap_or(default.level);
    if !(0.5..1.0).contains(&level) {
        map.error(map.key_span("level"), "\"level\" must be from 0.5 to below 1", "the usual is 0.95");
    }
    let methods = [("percentile", IntervalMethod::Percentile), ("bca", IntervalMethod::Bca)];
    let resampling = Resampling {
        resamples: rows(&map, "resamples", RESAMPLES_MAX).unwrap_or(default.resamples),
        level,
        seed: map.integer("seed").unwrap_or(default.seed),
        method: word(&map, "method", &methods).unwrap_or(default.method),
        block_rows: rows(&map, "block_rows", WINDOW_ROWS_MAX).unwrap_or(default.block_rows),
    };
    map.finish();
    Some(resampling)
}

pub fn detectors(fields: &Fields, kind: &ModelKind, places: &mut Places) -> Vec<DetectorSettings> {
    let mut found = Vec::new();
    for map in fields.maps("detectors", "detector") {
        let stream = stream(&map, places);
        let kinds = [("adwin", 0), ("page_hinkley", 1), ("kswin", 2), ("ddm", 3)];
        if map.required("kind").is_none() {
            map.finish();
            continue;
        }
        let detector = match word(&map, "kind", &kinds) {
            Some(0) => Some(adwin(&map)),
            Some(1) => Some(page_hinkley(&map)),
            Some(2) => kswin(&map),
            Some(_) => Some(ddm(&map, kind, stream.as_ref())),
            None => None,
        };
        match detector {
            Some(_) => map.finish(),
            // Of an unknown kind no options are known: naming each of them would be noise.
            None => drop(map),
        }
        found.extend(stream.zip(detector).map(|(stream, detector)| DetectorSettings { stream, detector }));
    }
    bounded(fields, "detectors", found.len(), DETECTORS_MAX);
    found
}

fn stream(map: &Fields, places: &mut Places) -> Option<Stream> {
    match (map.text("on"), map.text("feature")) {
        (None, Some(feature)) => {
            places.add(Place::Detector, feature.as_str(), feature.span());
            Some(Stream::Feature(feature.as_str().to_owned()))
        }
        (Some(_), None) => {
            let on = map.text("on")?;
            match on.as_str() {
                "prediction" => Some(Stream::Prediction),
                "error" => Some(Stream::Error),
                other => {
                    let help = format!("write error or prediction, or `feature: {other}`");
                    map.error(on.span(), format!("a detector on {:?}", on.shown()), help);
                    None
                }
            }
        }
        (Some(_), Some(_)) => {
            map.error(map.key_span("feature"), "a detector watches one stream", "remove `on` or `feature`");
            None
        }
        (None, None) => {
            map.error(map.span, "a detector on nothing", "add `on: error`, `on: prediction` or `feature: NAME`");
            None
        }
    }
}

fn adwin(map: &Fields) -> DetectorKind {
    let default = AdwinOptions::default();
    let options = AdwinOptions {
        delta: share(map, "delta").unwrap_or(default.delta),
        clock: rows(map, "clock", WINDOW_ROWS_MAX).map_or(default.clock, |rows| rows as u64),
        buckets_max: rows(map, "buckets_max", 1000).unwrap_or(default.buckets_max),
        part_rows_min: not_negative(map, "part_rows_min").unwrap_or(default.part_rows_min),
        grace_period: not_negative(map, "grace_period").unwrap_or(default.grace_period),
    };
    if options.delta == 0.0 {
        map.error(map.key_span("delta"), "with a \"delta\" of 0 nothing is found", "the usual is 0.002");
    }
    DetectorKind::Adwin(options)
}

fn page_hinkley(map: &Fields) -> DetectorKind {
    let default = PageHinkleyOptions::default();
    let modes = [("up", PageHinkleyMode::Up), ("down", PageHinkleyMode::Down), ("both", PageHinkleyMode::Both)];
    DetectorKind::PageHinkley(PageHinkleyOptions {
        rows_min: map.integer("rows_min").unwrap_or(default.rows_min),
        delta: not_negative(map, "delta").unwrap_or(default.delta),
        threshold: not_negative(map, "threshold").unwrap_or(default.threshold),
        alpha: share(map, "alpha").unwrap_or(default.alpha),
        mode: word(map, "mode", &modes).unwrap_or(default.mode),
    })
}

fn kswin(map: &Fields) -> Option<DetectorKind> {
    let default = KswinOptions::default();
    let options = KswinOptions {
        alpha: map.float("alpha").unwrap_or(default.alpha),
        window_size: rows(map, "window_size", WINDOW_ROWS_MAX).unwrap_or(default.window_size),
        stat_size: rows(map, "stat_size", WINDOW_ROWS_MAX).unwrap_or(default.stat_size),
        seed: map.integer("seed").unwrap_or(default.seed),
    };
    match Kswin::new(options.clone()) {
        Ok(_) => Some(DetectorKind::Kswin(options)),
        Err(problem) => {
            map.error(map.span, format!("the detector kswin: {problem}"), "");
            None
        }
    }
}

fn ddm(map: &Fields, kind: &ModelKind, stream: Option<&Stream>) -> DetectorKind {
    let default = DdmOptions::default();
    if !matches!(stream, None | Some(Stream::Error)) {
        map.error(map.key_span("kind"), "the detector ddm takes errors of classes, 0 and 1", "use it with `on: error`, or another kind");
    } else if *kind == ModelKind::Regression {
        let message = "the detector ddm takes errors of classes, 0 and 1; this model predicts numbers";
        map.error(map.key_span("kind"), message, "write `kind: page_hinkley`, adwin or kswin");
    }
    let options = DdmOptions {
        warm_start: map.integer("warm_start").unwrap_or(default.warm_start),
        warning_threshold: not_negative(map, "warning_threshold").unwrap_or(default.warning_threshold),
        drift_threshold: not_negative(map, "drift_threshold").unwrap_or(default.drift_threshold),
    };
    if options.warning_threshold > options.drift_threshold {
        let key = map.key_span(if map.has("warning_threshold") { "warning_threshold" } else { "drift_threshold" });
        map.error(key, "the warning line lies above the drift line", "");
    }
    DetectorKind::Ddm(options)
}
