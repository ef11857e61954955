//! The report of a model: what the reports crate draws, taken out of the model under its lock.
//!
//! In:    the last judgement, the rows of its window, the past, the audit record. Out: a `ModelReport`.
//! Never: judges; a report shows what was judged.

use bellbuoy_models::{ClassDetails, Labelled, ReferenceRows, WindowJudgement};
use bellbuoy_reports::{Known, Mark, ModelReport};
use bellbuoy_vocabulary::Timestamp;
use serde_json::Value;

use super::service::{ModelError, Models, lock};
use crate::state::AuditQuery;

/// Marks in the pictures; of more the newest.
const MARKS_MAX: usize = 100;
/// What happened, as the audit record calls it.
const EVENTS: [&str; 5] = ["decision", "deployment", "retrained", "training_success", "training_failure"];

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("the model was not judged yet")]
    NotJudged,
    #[error("there is no window {wanted:?}; the model has {known}")]
    Window { wanted: String, known: String },
}

impl Models {
    /// `window`: the first one when not said.
    pub fn report(&self, name: &str, window: Option<&str>) -> Result<ModelReport, ReportError> {
        let cell = self.get(name)?;
        let settings = &cell.config.settings;
        let judgement = lock(&cell.last).clone().ok_or(ReportError::NotJudged)?;
        let names = || settings.windows.iter().map(|window| window.name.as_str());
        let window = match window {
            None => names().next().unwrap_or_default(),
            Some(wanted) => names().find(|name| *name == wanted).ok_or_else(|| ReportError::Window {
                wanted: wanted.to_owned(),
                known: names().map(|name| format!("{name:?}")).collect::<Vec<String>>().join(", "),
            })?,
        };
        let model = lock(&cell.engine);
        let rows: Option<ReferenceRows> = model.window_rows(window, &settings.roles.champion, judgement.at);
        let reference = model.reference_profile().ok().cloned();
        let of_window = judgement.windows.iter().filter(|judged| judged.window == window);
        let history = of_window.clone().map(|judged| (judged.role.clone(), model.history_of(window, &judged.role))).collect();
        let labelled = |judged: &WindowJudgement| Some((judged.role.clone(), model.labelled_rows(window, &judged.role, judgement.at)?));
        let labelled: Vec<(String, Labelled)> = of_window.filter_map(labelled).collect();
        drop(model);
        let classes = labelled.into_iter().map(|(role, rows)| (role, ClassDetails::of(&rows))).collect();
        let current = rows.map(|rows| rows.columns).unwrap_or_default();
        let known = Known {
            settings,
            judgement: &judgement,
            window,
            reference: reference.as_ref(),
            current: &current,
            history,
            classes,
            marks: self.marks(name),
        };
        ModelReport::of_model(known).ok_or(ReportError::NotJudged)
    }

    /// What was decided and done, oldest first. A report without them is better than none.
    fn marks(&self, model: &str) -> Vec<Mark> {
        let mut marks = Vec::new();
        for event in EVENTS {
            let query = AuditQuery { model: Some(model.to_owned()), event: Some(event.to_owned()), rows_max: MARKS_MAX };
            match self.path.state.audit(&query) {
                Ok(rows) => marks.extend(rows.iter().filter_map(mark)),
                Err(error) => tracing::warn!("model {model}: the audit record cannot be read for the report: {error}"),
            }
        }
        marks.sort_by_key(|mark| mark.at);
        marks.split_off(marks.len().saturating_sub(MARKS_MAX))
    }
}

fn mark(entry: &Value) -> Option<Mark> {
    let text = |key: &str| entry[key].as_str().filter(|text| !text.is_empty());
    let at = Timestamp::parse_rfc3339(text("at")?)?;
    let event = text("event")?.replace('_', " ");
    let what = text("outcome").map_or_else(|| event.clone(), |outcome| format!("{event}: {outcome}"));
    Some(Mark { at, what, text: ["because", "reason", "error"].into_iter().find_map(text).unwrap_or_default().to_owned() })
}
