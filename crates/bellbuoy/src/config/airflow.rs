//! An entry of `airflow:` in bellbuoy.yml. docs/guides/airflow.md explains the keys.
//!
//! In:    the map of one server. Out: an `AirflowConfig`, or `None` without an address.

use std::path::Path;

use bellbuoy_sources::airflow::{AirflowSettings, AttemptMapping, Latest, RunsWanted, XcomMapping, XcomType};
use bellbuoy_vocabulary::{Millis, is_classic_label_name, is_classic_metric_name};

use super::Files;
use super::read::{Fields, Text, did_you_mean};
use super::watched::{self, WatchedServer};

const XCOMS_MAX: usize = 500;
const ATTEMPTS_MAX: usize = 500;
const PATH_STEPS_MAX: usize = 16;

#[derive(Clone, Debug)]
pub struct AirflowConfig {
    pub server: WatchedServer,
    pub settings: AirflowSettings,
}

pub fn read(fields: Fields, folder: &Path, files: &Files, earlier: &[AirflowConfig]) -> Option<AirflowConfig> {
    let server = watched::server(&fields, "airflow", folder, files);
    let default = AirflowSettings::default();
    let dags = watched::patterns(&fields, "dags");
    let settings = AirflowSettings {
        login: server.as_ref().and_then(|server| server.http.basic_auth.clone()),
        // Of named DAGs somebody wants to know all; tasks of a whole installation are many series.
        tasks: fields.boolean("tasks").unwrap_or(!dags.is_empty()),
        dags,
        look_back: watched::positive(&fields, "look_back").unwrap_or(default.look_back),
        overlap: watched::positive(&fields, "overlap").unwrap_or(default.overlap),
        calls_max: watched::calls(&fields, default.calls_max),
        time_max: watched::positive(&fields, "time_per_poll").unwrap_or(default.time_max),
        xcoms: xcoms(&fields),
        attempts: attempts(&fields),
        old_names: fields.boolean("old_names").unwrap_or(false),
    };
    if settings.overlap > settings.look_back {
        fields.error(fields.key_span("overlap"), "\"overlap\" is longer than \"look_back\"", "the usual is 5m of 7d");
    }
    for mapping in settings.xcoms.iter().filter(|mapping| !settings.counts(&mapping.dag)) {
        let message = format!("XCom metric {:?} is of DAG {:?}, which \"dags\" leaves out", mapping.metric, mapping.dag);
        fields.error(fields.key_span("xcoms"), message, "add the DAG to `dags`");
    }
    for mapping in settings.attempts.iter().filter(|mapping| !settings.counts(&mapping.dag)) {
        let message = format!("tries of DAG {:?} are named, which \"dags\" leaves out", mapping.dag);
        fields.error(fields.key_span("attempts"), message, "add the DAG to `dags`");
    }
    if !settings.attempts.is_empty() && !settings.tasks {
        fields.error(
            fields.key_span("attempts"),
            "\"attempts\" needs the tries of tasks",
            "write `tasks: true`, or name the DAGs in `dags`",
        );
    }
    other_kinds(&fields, &settings);
    if let Some(server) = &server {
        watched::unique(&fields, server, earlier.iter().map(|one| &one.server));
    }
    fields.finish();
    server.map(|server| AirflowConfig { server, settings })
}

fn xcoms(fields: &Fields) -> Vec<XcomMapping> {
    let mut found: Vec<XcomMapping> = Vec::new();
    for map in fields.maps("xcoms", "XCom mapping") {
        let span = map.key_span("metric");
        let Some(mapping) = xcom(map) else { continue };
        let same = found.iter().find(|earlier| earlier.metric == mapping.metric);
        if same.is_some_and(|earlier| earlier.labels == mapping.labels) {
            let message = format!("metric {:?} is given twice with the same labels", mapping.metric);
            fields.error(span, message, "give each a label of its own: `labels: {dag: ...}`");
        } else if same.is_some_and(|earlier| (earlier.kind == XcomType::Gauge) != (mapping.kind == XcomType::Gauge)) {
            fields.error(span, format!("metric {:?} is a gauge here and a counter there", mapping.metric), "one name has one type");
        }
        found.push(mapping);
    }
    if found.len() > XCOMS_MAX {
        fields.error(fields.key_span("xcoms"), format!("{} XCom mappings, at most {XCOMS_MAX} are taken", found.len()), "");
    }
    found
}

fn xcom(fields: Fields) -> Option<XcomMapping> {
    let dag = fields.required("dag").map(|text| text.as_str().to_string());
    let task = fields.required("task").map(|text| text.as_str().to_string());
    let key = fields.string("key").unwrap_or_else(|| "return_value".into());
    let metric = fields.required("metric").filter(|text| name_ok(&fields, *text));
    let path: Vec<String> = fields.string("path").map_or(Vec::new(), |path| path.split('.').map(str::to_string).collect());
    if path.len() > PATH_STEPS_MAX || path.iter().any(String::is_empty) {
        let help = "write the names of fields and positions in lists with dots between: `summary.drift_share`";
        fields.error(fields.key_span("path"), "\"path\" has an empty step or too many", help);
    }
    let kind = kind(&fields);
    let own = match &kind {
        XcomType::Count { label } => label.as_deref(),
        _ => None,
    };
    let labels = labels(&fields, own);
    let runs = choice(&fields, "runs", &[("success", RunsWanted::Success), ("any", RunsWanted::Any)]);
    let latest = choice(&fields, "latest", &[("end", Latest::End), ("logical_date", Latest::LogicalDate)]);
    let map_index = fields.integer("map_index").map(|index| u32::try_from(index).unwrap_or(u32::MAX));
    // A daily run may be a little late, and a day has 25 hours once a year.
    let max_age = watched::positive(&fields, "max_age").unwrap_or(Millis(26 * 3_600_000));
    fields.finish();
    let metric = metric?.as_str().to_string();
    Some(XcomMapping { dag: dag?, task: task?, key, map_index, path, metric, kind, labels, runs, latest, max_age })
}

fn attempts(fields: &Fields) -> Vec<AttemptMapping> {
    let mut found: Vec<AttemptMapping> = Vec::new();
    for map in fields.maps("attempts", "attempt mapping") {
        let span = map.key_span("metric");
        let Some(mapping) = attempt(map) else { continue };
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        if found.iter().any(|other| {
            (same(&other.metric, &mapping.metric) || same(&other.duration, &mapping.duration)) && other.labels == mapping.labels
        }) {
            fields.error(span, "the same name is given twice with the same labels", "give each a label of its own: `labels: {dag: ...}`");
        }
        found.push(mapping);
    }
    if found.len() > ATTEMPTS_MAX {
        fields.error(fields.key_span("attempts"), format!("{} attempt mappings, at most {ATTEMPTS_MAX} are taken", found.len()), "");
    }
    found
}

fn attempt(fields: Fields) -> Option<AttemptMapping> {
    let dag = fields.required("dag").map(|text| text.as_str().to_string());
    let task = fields.required("task").map(|text| text.as_str().to_string());
    let name = |key| fields.text(key).filter(|text| name_ok(&fields, *text)).map(|text| text.as_str().to_string());
    let (metric, duration) = (name("metric"), name("duration"));
    if !fields.has("metric") && !fields.has("duration") {
        fields.error(
            fields.span,
            "neither \"metric\" nor \"duration\" is given",
            "`metric` counts tries, `duration` is a histogram of how long they took",
        );
    }
    let state_label = fields.text("state_label");
    if let Some(label) = state_label.filter(|label| !is_classic_label_name(label.as_str())) {
        fields.error(label.span(), format!("{:?} is no label name", label.shown()), "");
    }
    let state_label = state_label.map_or("status", |label| label.as_str()).to_string();
    let labels = labels(&fields, Some(&state_label));
    fields.finish();
    Some(AttemptMapping { dag: dag?, task: task?, metric, duration, state_label, labels })
}

/// One name has one type, wherever it comes from.
fn other_kinds(fields: &Fields, settings: &AirflowSettings) {
    for attempt in &settings.attempts {
        let names = [(&attempt.metric, false), (&attempt.duration, true)];
        for (name, is_duration) in names.iter().filter_map(|(name, is_duration)| Some((name.as_ref()?, *is_duration))) {
            let of_xcom = settings.xcoms.iter().any(|xcom| xcom.metric == *name && (is_duration || xcom.kind == XcomType::Gauge));
            let of_other =
                settings.attempts.iter().any(|other| (if is_duration { &other.metric } else { &other.duration }).as_ref() == Some(name));
            if of_xcom || of_other {
                fields.error(fields.key_span("attempts"), format!("metric {name:?} has another type elsewhere"), "one name has one type");
            }
        }
    }
}

fn kind(fields: &Fields) -> XcomType {
    let kinds = [("gauge", XcomType::Gauge), ("sum", XcomType::Sum), ("count", XcomType::Count { label: None })];
    let kind = choice(fields, "type", &kinds);
    let Some(label) = fields.text("value_label") else { return kind };
    if !matches!(kind, XcomType::Count { .. }) {
        fields.error(fields.key_span("value_label"), "\"value_label\" is of `type: count`", "it counts runs by the value they have");
    }
    if !is_classic_label_name(label.as_str()) {
        fields.error(label.span(), format!("{:?} is no label name", label.shown()), "");
    }
    XcomType::Count { label: Some(label.as_str().to_string()) }
}

/// `own`: a label that is filled in otherwise.
fn labels(fields: &Fields, own: Option<&str>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for pair in fields.pairs("labels") {
        if !is_classic_label_name(pair.name) || matches!(pair.name, "job" | "instance") {
            fields.error(pair.name_span, format!("{:?} can not be a label here", pair.name), "");
        } else if own == Some(pair.name) {
            fields.error(pair.name_span, format!("label {:?} is filled in already", pair.name), "");
        }
        found.push((pair.name.to_string(), pair.value().to_string()));
    }
    found.sort();
    found
}

fn name_ok(fields: &Fields, text: Text) -> bool {
    let good = is_classic_metric_name(text.as_str());
    if !good {
        fields.error(text.span(), format!("{:?} is no metric name", text.shown()), "use letters, digits and _");
    } else if ["airflow_", "up"].iter().any(|own| text.as_str() == *own || (own.ends_with('_') && text.as_str().starts_with(own))) {
        fields.error(text.span(), format!("metric {:?} is one of our own", text.shown()), "names that begin with airflow_ are taken");
        return false;
    }
    good
}

/// The first one is the default.
fn choice<T: Clone>(fields: &Fields, key: &'static str, known: &[(&'static str, T)]) -> T {
    let Some(text) = fields.text(key) else { return known[0].1.clone() };
    let found = known.iter().find(|(word, _)| *word == text.as_str());
    if found.is_none() {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let near = did_you_mean(text.as_str(), words.iter().copied());
        let help = if near.is_empty() { format!("write {}", words.join(" or ")) } else { near };
        fields.error(text.span(), format!("unknown {key} {:?}", text.shown()), help);
    }
    found.map_or_else(|| known[0].1.clone(), |(_, value)| value.clone())
}
