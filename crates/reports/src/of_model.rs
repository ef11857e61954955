//! A report of a model that runs: its last judgement, the rows it was about, and its past.

use bellbuoy_drift::{Column, Options, Report, TableProfile};
use bellbuoy_models::{ClassDetails, DriftSummary, Judgement, Metric, ModelSettings, Source, WindowFigures, WindowJudgement};

use crate::number::plural;
use crate::{Division, DriftPart, Line, Mark, ModelReport, PerformancePart, Point, Side};

/// What is known of a model. Everything is of one moment; the caller took it out of the model under its lock.
pub struct Known<'a> {
    pub settings: &'a ModelSettings,
    pub judgement: &'a Judgement,
    /// The window that the report is about: a name of the settings.
    pub window: &'a str,
    /// `None`: there is no reference yet.
    pub reference: Option<&'a TableProfile>,
    /// The features of the champion's rows in the window.
    pub current: &'a [Column],
    /// The past of that window by role, oldest first.
    pub history: Vec<(String, Vec<WindowFigures>)>,
    /// The classes of the window by role, where the model says classes and true ones are there.
    pub classes: Vec<(String, ClassDetails)>,
    pub marks: Vec<Mark>,
}

/// Metrics that get a picture, where the model has them; of those of one row the first that is known.
const DRAWN: [&[Metric]; 6] =
    [&[Metric::R2], &[Metric::Rmse], &[Metric::F1, Metric::F1Macro], &[Metric::Accuracy], &[Metric::RocAuc], &[Metric::LogLoss]];

impl ModelReport {
    /// `None`: the window was not judged.
    pub fn of_model(known: Known) -> Option<ModelReport> {
        let of_window = |judged: &&WindowJudgement| judged.window == known.window;
        let champion = known.judgement.windows.iter().find(of_window)?;
        let mut notes = Vec::new();
        let drift = match &champion.drift {
            Ok(summary) => Some(drift_part(&known, champion, summary, &mut notes)),
            Err(reason) => {
                notes.push(format!("Drift is unknown: {reason}."));
                None
            }
        };
        if let Err(reason) = &champion.quality {
            notes.push(format!("Data quality is unknown: {reason}."));
        }
        let decision = &known.judgement.decision;
        notes.push(format!("Decision: {}, {}.", decision.outcome.word(), decision.reason));
        let of_role = |judged: &WindowJudgement| {
            let history = known.history.iter().find(|(role, _)| *role == judged.role).map_or(&[][..], |(_, history)| history);
            let mut part = performance_part(judged, history);
            part.classes = known.classes.iter().find(|(role, _)| *role == judged.role).map(|(_, classes)| classes.clone());
            part
        };
        Some(ModelReport {
            title: format!("Model {}", known.settings.name),
            at: Some(known.judgement.at),
            drift,
            quality: champion.quality.clone().ok(),
            performance: known.judgement.windows.iter().filter(of_window).map(of_role).collect(),
            marks: known.marks,
            notes,
        })
    }
}

fn drift_part(known: &Known, judged: &WindowJudgement, summary: &DriftSummary, notes: &mut Vec<String>) -> DriftPart {
    let settings = &known.settings.drift;
    let options = Options { preset: settings.preset, drift_share_threshold: settings.share, ..Options::default() };
    let report = Report {
        columns: summary.features.iter().chain(&summary.prediction).cloned().collect(),
        drifted_columns: summary.drifted_features,
        drift_share: summary.share,
        dataset_drift: summary.detected,
        judged_columns: summary.judged_features,
    };
    if summary.uncovered > 0 {
        let rows = plural(summary.uncovered, "row is", "rows are");
        notes.push(format!("{rows} of a season that the reference does not have and were not compared."));
    }
    let nothing = TableProfile::default();
    let reference = known.reference.unwrap_or(&nothing);
    let current = reference.alike(known.current);
    let span = match (judged.from, judged.to) {
        (Some(from), Some(to)) => format!("{}: {} to {}", judged.window, minute(from), minute(to)),
        _ => judged.window.clone(),
    };
    let side = |name: String, rows: usize| Side { name, rows: rows as u64 };
    DriftPart::new(&report, &options, (side("reference".into(), summary.reference_rows), reference), (side(span, summary.rows), &current))
}

fn minute(at: bellbuoy_vocabulary::Timestamp) -> String {
    let text = at.rfc3339();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

fn performance_part(judged: &WindowJudgement, history: &[WindowFigures]) -> PerformancePart {
    let mut part = PerformancePart::of(judged.role.clone(), &judged.evaluation);
    // Where true values are missing, what was foretold stands beside what was seen.
    let estimates = judged.estimates.as_ref().ok().filter(|_| judged.with_truth < judged.rows);
    part.figures.extend(estimates.iter().flat_map(|estimates| estimates.figures.iter()).filter(|figure| figure.value.is_ok()).cloned());
    for metrics in DRAWN {
        let known = |metric: &&Metric| history.iter().any(|window| window.evaluation.value(**metric).is_ok());
        let Some(metric) = metrics.iter().find(known) else { continue };
        let mut points = Vec::with_capacity(history.len() + 1);
        for window in history {
            let Some(figure) = window.evaluation.figure(*metric) else { continue };
            points.push(Point { from: window.cut.from, to: window.cut.to, figure: figure.clone(), amended: window.amended > 0 });
        }
        let estimate = estimates.and_then(|estimates| estimates.figure(*metric)).filter(|figure| figure.source != Source::Realised);
        if let (Some(figure), Some(from), Some(to)) = (estimate, judged.from, judged.to) {
            points.push(Point { from, to, figure: figure.clone(), amended: false });
        }
        part.lines.push(Line { metric: *metric, points });
    }
    for (by, segments) in &judged.segments {
        part.divisions.push(Division { by: by.clone(), segments: segments.segments.clone(), rows_beyond: segments.rows_beyond });
    }
    part
}
