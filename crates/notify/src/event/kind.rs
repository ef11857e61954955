//! The kinds of events that pipelines of machine learning have, with the name, the unit and the order of their fields.

use super::figure::Unit;

/// What became of it; colours the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    None,
    Success,
    Failure,
    Drift,
    Low,
    Down,
    Deploy,
    Skip,
    Reject,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Outcome::None => "",
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Drift => "drift",
            Outcome::Low => "low",
            Outcome::Down => "down",
            Outcome::Deploy => "deploy",
            Outcome::Skip => "skip",
            Outcome::Reject => "reject",
        }
    }
}

#[derive(Debug)]
pub struct Kind {
    /// `training-success`
    pub word: &'static str,
    /// The label that routes of rules know, too.
    pub(super) alert_name: &'static str,
    pub(super) severity: &'static str,
    pub(super) outcome: Outcome,
    /// Stands before the title when neither warning nor critical is.
    pub(super) sign: &'static str,
    pub(super) title: &'static str,
    pub(super) sentence: &'static str,
    pub(super) advice: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field that the kind knows. Others are shown as they come, behind these.
#[derive(Debug)]
pub(super) struct Field {
    pub key: &'static str,
    pub name: &'static str,
    pub unit: Unit,
    pub required: bool,
    /// Another name that pipelines use for it.
    pub alias: &'static str,
}

const fn field(key: &'static str, name: &'static str, unit: Unit) -> Field {
    Field { key, name, unit, required: false, alias: "" }
}

const fn needed(key: &'static str, name: &'static str, unit: Unit) -> Field {
    Field { required: true, ..field(key, name, unit) }
}

const fn alias(field: Field, alias: &'static str) -> Field {
    Field { alias, ..field }
}

const ERROR: Field = needed("error", "Error", Unit::Text);
const RUN: Field = alias(field("dag_run_id", "DAG Run ID", Unit::Text), "run_id");
const DURATION: Field = field("duration", "Duration", Unit::Seconds);
const VERSION: Field = field("model_version", "Model Version", Unit::Text);

pub const KINDS: &[Kind] = &[
    Kind {
        word: "drift",
        alert_name: "ModelDriftDetected",
        severity: "warning",
        outcome: Outcome::Drift,
        sign: "⚠️",
        title: "Data Drift Detected",
        sentence: "High data drift detected in production model.",
        advice: "Impact: Model predictions may degrade over time. Monitor closely and plan retraining.",
        fields: &[
            needed("drift_share", "Drift Share", Unit::Share),
            alias(field("r2", "Production R²", Unit::Score), "production_r2"),
            field("drifted_features", "Drifted Features", Unit::Count),
            field("features", "Features", Unit::Text),
            VERSION,
            RUN,
        ],
    },
    Kind {
        word: "performance",
        alert_name: "ModelPerformanceLow",
        severity: "warning",
        outcome: Outcome::Low,
        sign: "⚠️",
        title: "Model Performance Declining",
        sentence: "Model performance is below the warning line.",
        advice: "Action: Plan proactive retraining.",
        fields: &[
            alias(field("r2", "Production R²", Unit::Score), "production_r2"),
            alias(field("rmse", "RMSE", Unit::Figure), "production_rmse"),
            alias(field("mae", "MAE", Unit::Figure), "production_mae"),
            field("accuracy", "Accuracy", Unit::Share),
            alias(field("threshold", "R² Threshold", Unit::Line), "r2_warning"),
            field("r2_critical", "R² Critical", Unit::Line),
            field("rmse_critical", "RMSE Critical", Unit::Line),
            field("rows", "Rows", Unit::Count),
            VERSION,
            RUN,
        ],
    },
    Kind {
        word: "training-success",
        alert_name: "ModelTrainingCompleted",
        severity: "info",
        outcome: Outcome::None,
        sign: "✅",
        title: "Training Completed",
        sentence: "Model training completed.",
        advice: "",
        fields: &[
            alias(needed("decision", "Decision", Unit::Word(&["deploy", "skip", "reject"])), "deployment_decision"),
            field("new_r2", "New R²", Unit::Score),
            field("old_r2", "Old R²", Unit::Score),
            alias(field("improvement", "Improvement", Unit::Change), "improvement_delta"),
            field("new_rmse", "New RMSE", Unit::Figure),
            field("old_rmse", "Old RMSE", Unit::Figure),
            VERSION,
            DURATION,
            RUN,
        ],
    },
    Kind {
        word: "training-failure",
        alert_name: "ModelTrainingFailed",
        severity: "critical",
        outcome: Outcome::Failure,
        sign: "🚨",
        title: "Training Pipeline Failed",
        sentence: "Model training pipeline failed.",
        advice: "Impact: No new model available for deployment.\nAction: Check Airflow logs for details",
        fields: &[ERROR, RUN, DURATION, VERSION],
    },
    Kind {
        word: "api-error",
        alert_name: "ModelApiError",
        severity: "critical",
        outcome: Outcome::Failure,
        sign: "🚨",
        title: "API Error",
        sentence: "A call to the model's API failed.",
        advice: "Action: Check the service and its logs.",
        fields: &[
            ERROR,
            alias(field("endpoint", "Endpoint", Unit::Text), "api_endpoint"),
            field("status_code", "Status Code", Unit::Count),
            DURATION,
            RUN,
        ],
    },
    Kind {
        word: "champion-promotion",
        alert_name: "ModelChampionPromoted",
        severity: "info",
        outcome: Outcome::Success,
        sign: "🏆",
        title: "Champion Promoted",
        sentence: "A new model version serves predictions.",
        advice: "",
        fields: &[
            Field { required: true, ..VERSION },
            field("old_version", "Old Version", Unit::Text),
            field("new_r2", "New R²", Unit::Score),
            field("old_r2", "Old R²", Unit::Score),
            alias(field("improvement", "Improvement", Unit::Change), "improvement_delta"),
            field("rmse", "RMSE", Unit::Figure),
            field("promoted_by", "Promoted By", Unit::Text),
            RUN,
        ],
    },
    Kind {
        word: "ingestion-failure",
        alert_name: "DataIngestionFailed",
        severity: "critical",
        outcome: Outcome::Failure,
        sign: "🚨",
        title: "Data Ingestion Failed",
        sentence: "Data ingestion failed.",
        advice: "Impact: Predictions and drift are judged on old data.\nAction: Check the data source.",
        fields: &[ERROR, field("source", "Source", Unit::Text), field("records", "Records", Unit::Count), DURATION, RUN],
    },
    Kind {
        word: "prediction-failure",
        alert_name: "ModelPredictionFailed",
        severity: "critical",
        outcome: Outcome::Failure,
        sign: "🚨",
        title: "Prediction Failed",
        sentence: "The model could not predict.",
        advice: "Impact: No predictions are made.\nAction: Check the input data and the model's version.",
        fields: &[
            ERROR,
            field("failed", "Failed", Unit::Count),
            field("total", "Total", Unit::Count),
            field("failure_share", "Failure Share", Unit::Share),
            VERSION,
            DURATION,
            RUN,
        ],
    },
    Kind {
        word: "service-down",
        alert_name: "ServiceDown",
        severity: "critical",
        outcome: Outcome::Down,
        sign: "🚨",
        title: "Service Down",
        sentence: "A service does not answer.",
        advice: "Impact: The pipeline may be broken.\nAction: Check the service and restart it.",
        fields: &[
            needed("service", "Service", Unit::Text),
            field("instance", "Instance", Unit::Text),
            alias(field("duration", "Down For", Unit::Seconds), "down_for"),
            field("error", "Error", Unit::Text),
        ],
    },
    Kind {
        word: "dag-completion",
        alert_name: "DagCompleted",
        severity: "info",
        outcome: Outcome::Success,
        sign: "✅",
        title: "DAG Completed",
        sentence: "A DAG run completed.",
        advice: "",
        fields: &[
            needed("dag_id", "DAG", Unit::Text),
            needed("state", "State", Unit::Word(&["success", "failed"])),
            RUN,
            DURATION,
            field("tasks_failed", "Failed Tasks", Unit::Count),
            field("error", "Error", Unit::Text),
        ],
    },
];

impl Kind {
    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key || (!field.alias.is_empty() && field.alias == key))
    }
}

/// `model-retired` as an alert's name: `ModelRetired`.
pub(super) fn camel(word: &str) -> String {
    word.split('-').map(capital).collect()
}

/// `model-retired` or `model_age` as a title: `Model Retired`. What people write in capitals stays so: `RMSE`.
pub(super) fn words(word: &str) -> String {
    let shown = |part: &str| match part {
        "r2" | "rmse" | "mae" | "mape" | "auc" | "f1" | "id" | "url" | "api" | "dag" => part.to_uppercase(),
        _ => capital(part),
    };
    word.split(['-', '_']).filter(|part| !part.is_empty()).map(shown).collect::<Vec<_>>().join(" ")
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
