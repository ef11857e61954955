//! What happened to a model, as an alert for the router and as a line of the audit log.

use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Millis, Timestamp};
use serde_json::{Value, json};

use crate::{
    DecisionSeverity, DeploymentDecision, DeploymentOutcome, DriftSummary, Judgement, ModelSettings, Performance, RetrainingDecision,
};

/// An event ends by itself: nobody repeats it, and after this time it counts as over.
const EVENT_LIFE: Millis = Millis::from_minutes(5);

/// Names of drifted features in a message; more are counted.
const FEATURES_NAMED_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Drift { model: String, share: f64, drifted_features: usize, features: Vec<String>, r2: Option<f64> },
    Performance { model: String, severity: DecisionSeverity, figures: Performance, line: Option<f64> },
    TrainingSuccess { model: String, decision: DeploymentDecision },
    TrainingFailure { model: String, error: String, run: Option<String> },
    Decision { model: String, decision: RetrainingDecision, share: Option<f64>, figures: Option<Performance> },
    Deployment { model: String, decision: DeploymentDecision },
    ApiError { model: String, endpoint: String, error: String },
}

impl Event {
    pub fn drift(settings: &ModelSettings, drift: &DriftSummary, figures: Option<&Performance>) -> Event {
        let drifted = drift.features.iter().filter(|feature| feature.drifted).map(|feature| feature.name.clone());
        Event::Drift {
            model: settings.name.clone(),
            share: drift.share,
            drifted_features: drift.drifted_features,
            features: drifted.collect(),
            r2: figures.map(|figures| figures.r2),
        }
    }

    /// R2 below its warning line, or worse.
    pub fn performance(settings: &ModelSettings, figures: &Performance) -> Event {
        let lines = &settings.retraining_lines;
        let critical =
            lines.r2_critical.is_some_and(|line| figures.r2 < line) || lines.rmse_critical.is_some_and(|line| figures.rmse > line);
        let severity = if critical { DecisionSeverity::Critical } else { DecisionSeverity::Warning };
        Event::Performance { model: settings.name.clone(), severity, figures: *figures, line: lines.r2_warning.or(lines.r2_critical) }
    }

    pub fn decision(settings: &ModelSettings, judgement: &Judgement) -> Event {
        Event::Decision {
            model: settings.name.clone(),
            decision: judgement.decision.clone(),
            share: judgement.drift.known().map(|drift| drift.share),
            figures: judgement.performance.known().copied(),
        }
    }

    pub fn training_success(settings: &ModelSettings, decision: &DeploymentDecision) -> Event {
        Event::TrainingSuccess { model: settings.name.clone(), decision: decision.clone() }
    }

    pub fn training_failure(settings: &ModelSettings, error: &str) -> Event {
        Event::TrainingFailure { model: settings.name.clone(), error: error.to_owned(), run: None }
    }

    pub fn deployment(settings: &ModelSettings, decision: &DeploymentDecision) -> Event {
        Event::Deployment { model: settings.name.clone(), decision: decision.clone() }
    }

    pub fn api_error(settings: &ModelSettings, endpoint: &str, error: &str) -> Event {
        Event::ApiError { model: settings.name.clone(), endpoint: endpoint.to_owned(), error: error.to_owned() }
    }

    pub fn model(&self) -> &str {
        match self {
            Event::Drift { model, .. }
            | Event::Performance { model, .. }
            | Event::TrainingSuccess { model, .. }
            | Event::TrainingFailure { model, .. }
            | Event::Decision { model, .. }
            | Event::Deployment { model, .. }
            | Event::ApiError { model, .. } => model,
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
            Event::ApiError { .. } => "api_error",
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
            Event::ApiError { .. } => "ModelApiError",
        }
    }

    pub fn severity(&self) -> DecisionSeverity {
        match self {
            Event::Drift { .. } => DecisionSeverity::Warning,
            Event::Performance { severity, .. } => *severity,
            Event::TrainingSuccess { .. } | Event::Deployment { .. } => DecisionSeverity::Info,
            Event::TrainingFailure { .. } | Event::ApiError { .. } => DecisionSeverity::Critical,
            Event::Decision { decision, .. } => decision.severity,
        }
    }

    /// `drift`, `low`, `deploy`, `skip`, `reject`, `failure`, `retrain`, ...: what colours a message.
    pub fn outcome(&self) -> &'static str {
        match self {
            Event::Drift { .. } => "drift",
            Event::Performance { .. } => "low",
            Event::TrainingSuccess { decision, .. } | Event::Deployment { decision, .. } => decision.decision.word(),
            Event::TrainingFailure { .. } | Event::ApiError { .. } => "failure",
            Event::Decision { decision, .. } => decision.outcome.word(),
        }
    }

    /// The alert for the router. Labels: alertname, severity, model, kind="event", event, outcome; what happens once (a decision, a
    /// training run, a deployment) has `at` too, so that the next one is another alert. Annotations: title, summary, description, the figures by
    /// name (`drift_share`), and `field:1:Drift Share`, the same for people, in the order to show them.
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
            Event::ApiError { endpoint, .. } => labels.push(("endpoint", endpoint.clone())),
            Event::Drift { .. } | Event::Performance { .. } => {}
        }
        // `field:1:Drift Share`: the notifier shows them in this order.
        let fields: Vec<(String, String)> =
            message.fields.iter().enumerate().map(|(at, (_, name, value))| (format!("field:{}:{name}", at + 1), value.clone())).collect();
        let mut annotations = vec![("title", message.title), ("summary", message.summary), ("description", message.description)];
        annotations.extend(message.fields.into_iter().map(|(key, _, value)| (key, value)));
        Alert {
            labels: Labels::from_pairs(labels),
            annotations: Labels::from_pairs(
                annotations.iter().map(|(n, v)| (*n, v.as_str())).chain(fields.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            ),
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
            Event::Drift { share, drifted_features, features, r2, .. } => {
                json!({"drift_share": share, "drifted_features": drifted_features, "features": features, "r2": r2})
            }
            Event::Performance { figures, line, .. } => json!({"performance": figures_json(figures), "line": line}),
            Event::TrainingSuccess { decision, .. } | Event::Deployment { decision, .. } => deployment_json(decision),
            Event::TrainingFailure { error, run, .. } => json!({"error": error, "run": run}),
            Event::Decision { decision, share, figures, .. } => json!({
                "reason": decision.reason.word(), "because": decision.reason.to_string(),
                "drift_share": share, "performance": figures.as_ref().map(figures_json),
            }),
            Event::ApiError { endpoint, error, .. } => json!({"endpoint": endpoint, "error": error}),
        };
        if let (Some(line), Value::Object(details)) = (line.as_object_mut(), details) {
            line.extend(details);
        }
        line
    }

    fn message(&self) -> Message {
        match self {
            Event::Drift { model, share, drifted_features, features, r2 } => drift_message(model, *share, *drifted_features, features, *r2),
            Event::Performance { model, severity, figures, line } => performance_message(model, *severity, figures, *line),
            Event::TrainingSuccess { model, decision } => training_message(model, decision),
            Event::TrainingFailure { model, error, run } => {
                let mut fields = vec![("error", "Error", error.clone())];
                fields.extend(run.iter().map(|run| ("run", "Run ID", run.clone())));
                Message {
                    title: "🚨 Training Pipeline Failed".into(),
                    summary: format!("Training of model {model} failed"),
                    description: "CRITICAL: Model training pipeline failed.\nImpact: No new model available for deployment.".into(),
                    fields,
                }
            }
            Event::Decision { model, decision, share, figures } => decision_message(model, decision, *share, figures.as_ref()),
            Event::Deployment { model, decision } => {
                Message { title: "📦 Deployment Decision".into(), ..training_message(model, decision) }
            }
            Event::ApiError { model, endpoint, error } => Message {
                title: "🚨 API Error".into(),
                summary: format!("The API of model {model} failed at {endpoint}"),
                description: "CRITICAL: A call to the model's API failed.".into(),
                fields: vec![("api_endpoint", "Endpoint", endpoint.clone()), ("error", "Error", error.clone())],
            },
        }
    }
}

/// What people read.
struct Message {
    title: String,
    summary: String,
    description: String,
    /// Annotation name, name for people, value.
    fields: Vec<(&'static str, &'static str, String)>,
}

fn drift_message(model: &str, share: f64, count: usize, features: &[String], r2: Option<f64>) -> Message {
    let mut fields = vec![("drift_share", "Drift Share", percent(share))];
    fields.push(("production_r2", "Production R²", r2.map_or("unknown".into(), |r2| format!("{r2:.4}"))));
    fields.push(("drifted_features", "Drifted Features", count.to_string()));
    let mut named = features.iter().take(FEATURES_NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if features.len() > FEATURES_NAMED_MAX {
        named.push_str(&format!(" and {} more", features.len() - FEATURES_NAMED_MAX));
    }
    Message {
        title: "⚠️ Data Drift Detected".into(),
        summary: format!("{} of the features of model {model} have drifted", percent(share)),
        description: format!(
            "WARNING: High data drift detected in production model.\nImpact: Model predictions may degrade over time. Monitor closely and plan retraining.\nFeatures: {named}"
        ),
        fields,
    }
}

fn performance_message(model: &str, severity: DecisionSeverity, figures: &Performance, line: Option<f64>) -> Message {
    let critical = severity == DecisionSeverity::Critical;
    let mut fields = vec![
        ("production_r2", "Production R²", format!("{:.4}", figures.r2)),
        ("production_rmse", "RMSE", format!("{:.2}", figures.rmse)),
        ("production_mae", "MAE", format!("{:.2}", figures.mae)),
    ];
    fields.extend(line.map(|line| ("r2_line", "R² Line", line.to_string())));
    Message {
        title: if critical { "🚨 Model Performance Critical" } else { "⚠️ Model Performance Declining" }.into(),
        summary: format!("Model {model}: R² {:.4}, RMSE {:.2} over {} rows", figures.r2, figures.rmse, figures.rows),
        description: if critical {
            "CRITICAL: Model performance is below the critical line.\nAction: Retrain now."
        } else {
            "WARNING: Model performance is below the warning line.\nAction: Plan proactive retraining."
        }
        .into(),
        fields,
    }
}

fn training_message(model: &str, decision: &DeploymentDecision) -> Message {
    let (sign, sentence) = match decision.decision {
        DeploymentOutcome::Deploy => ("🚀", "New model DEPLOYED to production"),
        DeploymentOutcome::Skip => ("⏭️", "Deployment SKIPPED, no improvement"),
        DeploymentOutcome::Reject => ("❌", "New model REJECTED, worse than champion"),
    };
    Message {
        title: format!("{sign} Training Completed"),
        summary: format!("Model {model}: {}", decision.reason),
        description: format!("Model training completed.\nDecision: {sentence}\nReason: {}", decision.reason),
        fields: vec![
            ("new_r2", "New R²", format!("{:.4}", decision.challenger.current.r2)),
            ("old_r2", "Old R²", format!("{:.4}", decision.champion.current.r2)),
            ("improvement", "Improvement", format!("{:+.4}", decision.improvement)),
        ],
    }
}

fn decision_message(model: &str, decision: &RetrainingDecision, share: Option<f64>, figures: Option<&Performance>) -> Message {
    let sentence = match decision.outcome.word() {
        "retrain" => "🔁 Retrain Now",
        "forced" => "🔁 Retraining Forced",
        "watch" => "👀 Watch The Model",
        "unknown" => "❔ Not Enough Data To Judge",
        _ => "✅ No Retraining Needed",
    };
    let mut fields = Vec::new();
    fields.extend(share.map(|share| ("drift_share", "Drift Share", percent(share))));
    fields.extend(figures.map(|figures| ("production_r2", "Production R²", format!("{:.4}", figures.r2))));
    fields.extend(figures.map(|figures| ("production_rmse", "RMSE", format!("{:.2}", figures.rmse))));
    Message {
        title: sentence.into(),
        summary: format!("Model {model}: {}", decision.reason),
        description: format!("Decision: {}\nReason: {}", decision.outcome.word(), decision.reason),
        fields,
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn figures_json(figures: &Performance) -> Value {
    let mut out = json!({"r2": figures.r2, "rmse": figures.rmse, "mae": figures.mae, "rows": figures.rows});
    // Figures that somebody else computed come without their times.
    if figures.to > Timestamp(0) {
        out["from"] = json!(figures.from.rfc3339());
        out["to"] = json!(figures.to.rfc3339());
    }
    out
}

fn deployment_json(decision: &DeploymentDecision) -> Value {
    let sets = |sets: &crate::TwoSets| json!({"baseline": figures_json(&sets.baseline), "current": figures_json(&sets.current)});
    json!({
        "decision": decision.decision.word(), "reason": decision.reason.word(), "because": decision.reason.to_string(),
        "improvement": decision.improvement, "baseline_change": decision.baseline_change,
        "champion": sets(&decision.champion), "challenger": sets(&decision.challenger),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeploymentThresholds, Outcome, TwoSets, decide_deployment, decide_retraining};

    fn show(alert: &Alert) -> String {
        let line = |(name, value): (&str, &str)| format!("{name} = {}\n", value.replace('\n', " | "));
        let labels: String = alert.labels.iter().map(line).collect();
        let annotations: String = alert.annotations.iter().map(line).collect();
        format!("{labels}--\n{annotations}")
    }

    #[test]
    fn drift_reads_as_the_mission_shows_it() {
        let event = Event::Drift {
            model: "bikes".into(),
            share: 0.542,
            drifted_features: 2,
            features: vec!["temp".into(), "hum".into()],
            r2: Some(0.7234),
        };
        expect_test::expect![[r#"
            alertname = ModelDriftDetected
            event = drift
            kind = event
            model = bikes
            outcome = drift
            severity = warning
            --
            description = WARNING: High data drift detected in production model. | Impact: Model predictions may degrade over time. Monitor closely and plan retraining. | Features: temp, hum
            drift_share = 54.2%
            drifted_features = 2
            field:1:Drift Share = 54.2%
            field:2:Production R² = 0.7234
            field:3:Drifted Features = 2
            production_r2 = 0.7234
            summary = 54.2% of the features of model bikes have drifted
            title = ⚠️ Data Drift Detected
        "#]]
        .assert_eq(&show(&event.alert(Timestamp(0))));
    }

    #[test]
    fn training_reads_as_the_mission_shows_it() {
        let sets =
            |r2| TwoSets { baseline: Performance::of_scores(0.9, 20.0, 10.0, 9), current: Performance::of_scores(r2, 50.0, 30.0, 9) };
        let decision = decide_deployment(&sets(0.7234), &sets(0.7856), &DeploymentThresholds::default());
        let event = Event::training_success(&ModelSettings::new("bikes"), &decision);
        expect_test::expect![[r#"
            alertname = ModelTrainingCompleted
            at = 1970-01-01T00:00:00Z
            event = training-success
            kind = event
            model = bikes
            outcome = deploy
            severity = info
            --
            description = Model training completed. | Decision: New model DEPLOYED to production | Reason: the challenger's R2 0.7856 beats the champion's 0.7234 on the current set and holds on the baseline set
            field:1:New R² = 0.7856
            field:2:Old R² = 0.7234
            field:3:Improvement = +0.0622
            improvement = +0.0622
            new_r2 = 0.7856
            old_r2 = 0.7234
            summary = Model bikes: the challenger's R2 0.7856 beats the champion's 0.7234 on the current set and holds on the baseline set
            title = 🚀 Training Completed
        "#]]
        .assert_eq(&show(&event.alert(Timestamp(0))));
        assert_eq!(event.audit(Timestamp(0))["reason"], "better");
        assert_eq!(event.audit(Timestamp(0))["challenger"]["current"]["r2"], 0.7856);
    }

    #[test]
    fn unknown_is_told_as_unknown() {
        let settings = ModelSettings::new("bikes");
        let (drift, performance) =
            (Outcome::Unknown("there are no current rows".into()), Outcome::Unknown("no prediction has its true value yet".into()));
        let decision = decide_retraining(&drift, &performance, &settings.retraining_lines, false);
        let judgement = Judgement { at: Timestamp(0), drift, performance, decision };
        assert_eq!(judgement.events(&settings, true), []);
        let events = judgement.events(&settings, false);
        assert_eq!(events.len(), 1);
        assert_eq!(
            events[0].audit(Timestamp(0)).to_string(),
            r#"{"at":"1970-01-01T00:00:00Z","event":"decision","model":"bikes","outcome":"unknown","severity":"warning","reason":"performance_unknown","because":"performance is unknown: no prediction has its true value yet","drift_share":null,"performance":null}"#
        );
        let names: Vec<String> = judgement.samples(&settings).iter().map(|(labels, value)| format!("{labels} {value}")).collect();
        assert_eq!(
            names,
            [
                r#"bellbuoy_model_drift_unknown{model="bikes", reason="no_rows"} 1"#,
                r#"bellbuoy_model_performance_unknown{model="bikes", reason="no_rows"} 1"#,
                r#"bellbuoy_last_judgement_timestamp_seconds{model="bikes"} 0"#,
            ]
        );
    }
}
