//! What happened to a model, as an alert for the router and as a line of the audit log.
//!
//! In:    judgements, decisions, the ends of training runs. Out: an `Alert` that is told once, and a line of JSON for the audit log.
//! Never: says in the summary what the description says: most receivers show both.

use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Millis, Timestamp, Unit};
use serde_json::{Value, json};

use crate::naming::spoken;
use crate::{
    DecisionSeverity, DeploymentDecision, DeploymentOutcome, Metric, ModelKind, ModelSettings, Readings, RetrainingOutcome, Ruling,
};

/// An event ends by itself: nobody repeats it, and after this time it counts as over.
const EVENT_LIFE: Millis = Millis::from_minutes(5);

/// Names of drifted features in a message; more are counted.
const FEATURES_NAMED_MAX: usize = 20;

/// A figure by its name in rules.
type Known = (String, f64);

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `figures`: performance, as far as it is known.
    Drift {
        model: String,
        share: f64,
        features: Vec<String>,
        figures: Vec<Known>,
    },
    /// `why`: the lines that are crossed.
    Performance {
        model: String,
        severity: DecisionSeverity,
        figures: Vec<Known>,
        rows: Option<usize>,
        why: Vec<String>,
    },
    TrainingSuccess {
        model: String,
        decision: DeploymentDecision,
    },
    TrainingFailure {
        model: String,
        error: String,
        run: Option<String>,
    },
    Decision {
        model: String,
        ruling: Ruling<RetrainingOutcome>,
        figures: Vec<Known>,
    },
    /// `version`: which challenger it is.
    Deployment {
        model: String,
        decision: DeploymentDecision,
        version: Option<String>,
    },
}

impl Event {
    /// What people should hear of a judgement, when its outcome differs from the one before. `drifted`: the features that have drifted,
    /// when that is enough of them. `first`: the first judgement after a start, of which only a call to act is told.
    pub fn of_judgement(
        settings: &ModelSettings,
        ruling: &Ruling<RetrainingOutcome>,
        readings: &Readings,
        drifted: Option<Vec<String>>,
        first: bool,
    ) -> Vec<Event> {
        let model = || settings.name.clone();
        let calls = matches!(ruling.outcome, RetrainingOutcome::RetrainNow | RetrainingOutcome::Watch);
        if first && !calls {
            return Vec::new();
        }
        let share = known(readings, "drift_share");
        let performance = headline(settings, readings);
        let mut events = Vec::new();
        if let (Some(features), Some(share)) = (drifted, share) {
            events.push(Event::Drift { model: model(), share, features, figures: performance.clone() });
        }
        let crossed: Vec<_> = ruling.crossed.iter().filter(|crossed| Metric::parse(&crossed.figure).is_some()).collect();
        if let Some(severity) = crossed.iter().map(|crossed| crossed.severity.max(DecisionSeverity::Warning)).max() {
            let rows = crossed.iter().find_map(|crossed| readings.get(&crossed.figure)?.rows);
            // A line and a sharper one of the same figure: the sharper one says both.
            let sharpest = crossed.iter().filter(|crossed| crossed.severity.max(DecisionSeverity::Warning) == severity);
            let why = sharpest.map(|crossed| crossed.why.clone()).collect();
            events.push(Event::Performance { model: model(), severity, figures: performance.clone(), rows, why });
        }
        let share = share.map(|share| ("drift_share".to_owned(), share));
        events.push(Event::Decision { model: model(), ruling: ruling.clone(), figures: share.into_iter().chain(performance).collect() });
        events
    }

    pub fn training_success(settings: &ModelSettings, decision: &DeploymentDecision) -> Event {
        Event::TrainingSuccess { model: settings.name.clone(), decision: decision.clone() }
    }

    pub fn training_failure(settings: &ModelSettings, error: &str) -> Event {
        Event::TrainingFailure { model: settings.name.clone(), error: error.to_owned(), run: None }
    }

    pub fn deployment(settings: &ModelSettings, decision: &DeploymentDecision, version: Option<String>) -> Event {
        Event::Deployment { model: settings.name.clone(), decision: decision.clone(), version }
    }

    pub fn model(&self) -> &str {
        match self {
            Event::Drift { model, .. }
            | Event::Performance { model, .. }
            | Event::TrainingSuccess { model, .. }
            | Event::TrainingFailure { model, .. }
            | Event::Decision { model, .. }
            | Event::Deployment { model, .. } => model,
        }
    }

    /// The name for scripts and the audit log.
    pub fn word(&self) -> &'static str {
        match self {
            Event::Drift { .. } => "drift",
            Event::Performance { .. } => "performance",
            Event::TrainingSuccess { .. } => "training_success",
            Event::TrainingFailure { .. } => "training_failure",
            Event::Decision { .. } => "decision",
            Event::Deployment { .. } => "deployment",
        }
    }

    fn alert_name(&self) -> &'static str {
        match self {
            Event::Drift { .. } => "ModelDriftDetected",
            Event::Performance { .. } => "ModelPerformanceLow",
            Event::TrainingSuccess { .. } => "ModelTrainingCompleted",
            Event::TrainingFailure { .. } => "ModelTrainingFailed",
            Event::Decision { .. } => "ModelRetrainingDecision",
            Event::Deployment { .. } => "ModelDeploymentDecision",
        }
    }

    pub fn severity(&self) -> DecisionSeverity {
        match self {
            Event::Drift { .. } => DecisionSeverity::Warning,
            Event::Performance { severity, .. } => *severity,
            Event::TrainingSuccess { .. } | Event::Deployment { .. } => DecisionSeverity::Info,
            Event::TrainingFailure { .. } => DecisionSeverity::Critical,
            Event::Decision { ruling, .. } => ruling.severity,
        }
    }

    /// `drift`, `low`, `deploy`, `skip`, `reject`, `failure`, `retrain`, ...: what colours a message.
    pub fn outcome(&self) -> &'static str {
        match self {
            Event::Drift { .. } => "drift",
            Event::Performance { .. } => "low",
            Event::TrainingSuccess { decision, .. } | Event::Deployment { decision, .. } => decision.outcome().word(),
            Event::TrainingFailure { .. } => "failure",
            Event::Decision { ruling, .. } => ruling.outcome.word(),
        }
    }

    /// The alert for the router. Labels: alertname, severity, model, kind="event", event, outcome; what happens once (a decision, a
    /// training run, a deployment) has `at` too, so that the next one is another alert. Annotations: title, summary, description, the figures by
    /// name (`drift_share`), and `field:01:Drift Share`, the same for people, in the order to show them.
    pub fn alert(&self, now: Timestamp) -> Alert {
        let message = self.message();
        let mut labels = vec![
            (ALERT_NAME, self.alert_name().to_owned()),
            ("severity", self.severity().word().to_owned()),
            ("model", self.model().to_owned()),
            ("kind", "event".to_owned()),
            ("event", self.word().replace('_', "-")),
            ("outcome", self.outcome().to_owned()),
        ];
        match self {
            Event::TrainingSuccess { .. } | Event::TrainingFailure { .. } | Event::Deployment { .. } | Event::Decision { .. } => {
                labels.push(("at", now.rfc3339()));
            }
            Event::Drift { .. } | Event::Performance { .. } => {}
        }
        // `field:01:Drift Share`: the notifier shows them in this order.
        let fields: Vec<(String, String)> = message
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| (format!("field:{:02}:{}", at + 1, field.name), field.value.clone()))
            .collect();
        let texts = [("title", message.title), ("summary", message.summary), ("description", message.description)];
        let mut annotations: Vec<(String, String)> = texts.map(|(name, text)| (name.to_owned(), text)).into();
        annotations.extend(message.fields.into_iter().map(|field| (field.key, field.value)));
        annotations.extend(fields);
        Alert {
            labels: Labels::from_pairs(labels),
            annotations: Labels::from_pairs(annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            starts_at: now,
            ends_at: now.saturating_add(EVENT_LIFE),
            updated_at: now,
            generator_url: String::new(),
            timeout: false,
        }
    }

    /// One line of the audit log: what was decided or seen, why, and from which figures.
    pub fn audit(&self, now: Timestamp) -> Value {
        let mut line = json!({"at": now.rfc3339(), "event": self.word(), "model": self.model(), "outcome": self.outcome(), "severity": self.severity().word()});
        let details = match self {
            Event::Drift { share, features, figures, .. } => {
                json!({"drift_share": share, "drifted_features": features.len(), "features": features, "figures": figures_json(figures)})
            }
            Event::Performance { figures, rows, why, .. } => {
                json!({"figures": figures_json(figures), "rows": rows, "because": why.join(" and ")})
            }
            Event::TrainingSuccess { decision, .. } => decision.json(),
            Event::Deployment { decision, version, .. } => {
                let mut out = decision.json();
                out["version"] = json!(version);
                out
            }
            Event::TrainingFailure { error, run, .. } => json!({"error": error, "run": run}),
            Event::Decision { ruling, .. } => ruling.json(ruling.outcome.word()),
        };
        if let (Some(line), Value::Object(details)) = (line.as_object_mut(), details) {
            for (name, value) in details {
                line.entry(name).or_insert(value);
            }
        }
        line
    }

    fn message(&self) -> Message {
        match self {
            Event::Drift { model, share, features, figures } => drift_message(model, *share, features, figures),
            Event::Performance { model, severity, figures, rows, why } => performance_message(model, *severity, figures, *rows, why),
            Event::TrainingSuccess { model, decision } => Message {
                summary: format!("Training of model {model} completed: {}", decision.outcome().word()),
                ..deployment_message(model, decision, "Training Completed", "Model training completed.\n")
            },
            Event::TrainingFailure { model, error, run } => {
                let mut fields = vec![Shown::new("error", "Error", error)];
                fields.extend(run.iter().map(|run| Shown::new("run", "Run ID", run)));
                Message {
                    title: "🚨 Training Pipeline Failed".into(),
                    summary: format!("Training of model {model} failed"),
                    description: "CRITICAL: Model training pipeline failed.\nImpact: No new model available for deployment.".into(),
                    fields,
                }
            }
            Event::Decision { model, ruling, figures } => decision_message(model, ruling, figures),
            Event::Deployment { model, decision, version } => {
                let mut message = deployment_message(model, decision, "Deployment Decision", "");
                message.fields.extend(version.iter().map(|version| Shown::new("model_version", "Model Version", version)));
                message
            }
        }
    }
}

/// What people read. No sentence of the description is in the summary: most receivers show both.
struct Message {
    title: String,
    summary: String,
    description: String,
    fields: Vec<Shown>,
}

struct Shown {
    /// The annotation's name.
    key: String,
    /// For people.
    name: String,
    value: String,
}

impl Shown {
    fn new(key: &str, name: &str, value: &str) -> Shown {
        Shown { key: key.to_owned(), name: name.to_owned(), value: value.to_owned() }
    }

    /// As the table of kinds in notify names and prints it.
    fn figure((figure, value): &Known) -> Shown {
        let (name, unit) = spoken(figure);
        let key = if Metric::parse(figure).is_some() { format!("production_{figure}") } else { figure.clone() };
        let name = match figure.as_str() {
            "drift_share" => "Drift Share".to_owned(),
            "r2" => "Production R²".to_owned(),
            _ => capital(&name),
        };
        Shown { key, name, value: unit.text(*value) }
    }
}

fn drift_message(model: &str, share: f64, features: &[String], figures: &[Known]) -> Message {
    let mut fields = vec![Shown::figure(&("drift_share".to_owned(), share))];
    fields.extend(figures.first().map(Shown::figure));
    if figures.is_empty() {
        fields.push(Shown::new("production_r2", "Production R²", "unknown"));
    }
    fields.push(Shown::new("drifted_features", "Drifted Features", &features.len().to_string()));
    let mut named = features.iter().take(FEATURES_NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if features.len() > FEATURES_NAMED_MAX {
        named.push_str(&format!(" and {} more", features.len() - FEATURES_NAMED_MAX));
    }
    Message {
        title: "⚠️ Data Drift Detected".into(),
        summary: format!("{} of the features of model {model} have drifted", Unit::Share.text(share)),
        description: format!(
            "WARNING: High data drift detected in production model.\nImpact: Model predictions may degrade over time. Monitor closely and plan retraining.\nFeatures: {named}"
        ),
        fields,
    }
}

fn performance_message(model: &str, severity: DecisionSeverity, figures: &[Known], rows: Option<usize>, why: &[String]) -> Message {
    let critical = severity == DecisionSeverity::Critical;
    let over = rows.map_or(String::new(), |rows| format!(" over {rows} rows"));
    let (sentence, advice) = if critical {
        ("CRITICAL: Model performance is below the critical line.", "Action: Retrain now.")
    } else {
        ("WARNING: Model performance is below the warning line.", "Action: Plan proactive retraining.")
    };
    Message {
        title: if critical { "🚨 Model Performance Critical" } else { "⚠️ Model Performance Declining" }.into(),
        summary: format!("Performance of model {model} is low{over}"),
        description: format!("{sentence}\nReason: {}\n{advice}", why.join(" and ")),
        fields: figures.iter().map(Shown::figure).collect(),
    }
}

fn deployment_message(model: &str, decision: &DeploymentDecision, title: &str, before: &str) -> Message {
    let (sign, sentence) = match decision.outcome() {
        DeploymentOutcome::Deploy => ("🚀", "New model DEPLOYED to production"),
        DeploymentOutcome::Skip => ("⏭️", "Deployment SKIPPED, no improvement"),
        DeploymentOutcome::Reject => ("❌", "New model REJECTED, worse than champion"),
    };
    let current = &decision.current;
    let (metric, unit) = (current.metric, current.metric.unit());
    let name = if metric == Metric::R2 { "R²" } else { metric.spoken() };
    let text = |value: &Result<f64, crate::Unknown>, unit: Unit| value.as_ref().map_or("unknown".to_owned(), |value| unit.text(*value));
    let mut fields = vec![
        Shown::new(&format!("new_{metric}"), &format!("New {name}"), &text(&current.challenger, unit)),
        Shown::new(&format!("old_{metric}"), &format!("Old {name}"), &text(&current.champion, unit)),
        Shown::new("improvement", "Improvement", &text(&current.gain, Unit::Change)),
    ];
    if let Ok(interval) = &current.interval {
        let between = format!("{} to {}", Unit::Change.text(interval.low), Unit::Change.text(interval.high));
        let name = format!("Improvement ({} interval)", Unit::Share.line_text(interval.level));
        fields.push(Shown::new("improvement_interval", &name, &between));
    }
    Message {
        title: format!("{sign} {title}"),
        summary: format!("Challenger of model {model}: {}", decision.outcome().word()),
        description: format!("{before}Decision: {sentence}\nReason: {}", decision.because()),
        fields,
    }
}

fn decision_message(model: &str, ruling: &Ruling<RetrainingOutcome>, figures: &[Known]) -> Message {
    let forced = ruling.reason == crate::RulingReason::Forced;
    let title = match ruling.outcome {
        RetrainingOutcome::RetrainNow if forced => "🔁 Retraining Forced",
        RetrainingOutcome::RetrainNow => "🔁 Retrain Now",
        RetrainingOutcome::Watch => "👀 Watch The Model",
        RetrainingOutcome::Unknown => "❔ Not Enough Data To Judge",
        RetrainingOutcome::Nothing => "✅ No Retraining Needed",
    };
    Message {
        title: title.into(),
        summary: format!("Decision about model {model}: {}", ruling.outcome.word()),
        description: format!("Reason: {}", ruling.reason),
        fields: figures.iter().map(Shown::figure).collect(),
    }
}

fn known(readings: &Readings, name: &str) -> Option<f64> {
    readings.get(name)?.value.as_ref().ok().copied().filter(|value| value.is_finite())
}

/// The figures of performance that people ask for first, and those that the rules look at, as far as they are known.
fn headline(settings: &ModelSettings, readings: &Readings) -> Vec<Known> {
    let mut names = match settings.kind {
        ModelKind::Regression => vec!["r2", "rmse", "mae"],
        ModelKind::Classification { .. } => vec!["balanced_accuracy", "roc_auc", "f1"],
    };
    let conditions = settings.retraining.rules.iter().flat_map(|rule| &rule.when);
    for condition in conditions.filter(|condition| Metric::parse(&condition.figure).is_some()) {
        if !names.contains(&condition.figure.as_str()) {
            names.push(&condition.figure);
        }
    }
    names.into_iter().filter_map(|name| Some((name.to_owned(), known(readings, name)?))).collect()
}

/// `roc auc` as a field's name.
fn capital(words: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
    };
    words.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn figures_json(figures: &[Known]) -> Value {
    figures.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<String, Value>>().into()
}

#[cfg(test)]
mod tests;
