//! What a pipeline tells once: drift was found, a training run ended, an ingestion failed. As an alert for the router.
//!
//! In:    an event as its sender wrote it (`Event::read` of JSON), the id that the boat gives it, `now`.
//! Out:   an alert with an end, whose labels route it and whose annotations every receiver can show; or all that is wrong with the event.
//! Never: reads a clock, remembers keys (the boat does).
//! Read:  kind.rs (the table of kinds, their fields and units), figure.rs (how a value is printed), read.rs (what is refused), words.rs (how receivers say it).

mod figure;
mod kind;
mod read;
#[cfg(test)]
mod tests;
mod words;

use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Millis, Timestamp};

pub use self::kind::KINDS;
use self::kind::{Kind, Outcome};
pub(crate) use self::words::{field_name, template_alert_is_event, told_as_event};

/// How long a key is remembered when the event does not say.
pub const WINDOW: Millis = Millis::from_minutes(24 * 60);

/// An event that was read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// One of `KINDS`, or a word of one's own.
    pub kind: String,
    /// The same key of the same kind within `window` is the same event.
    pub key: Option<String>,
    pub window: Millis,
    /// When it happened, as the sender says.
    pub at: Option<Timestamp>,
    severity: Option<String>,
    labels: Vec<(String, String)>,
    figures: Vec<Figure>,
    title: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    footer: Option<String>,
    link: Option<String>,
}

/// A field of an event, as people see it.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    /// For templates and programs: `drift_share`.
    key: String,
    /// For people: `Drift Share`.
    name: String,
    text: String,
    number: Option<f64>,
}

impl Event {
    pub fn severity(&self) -> &str {
        self.severity.as_deref().unwrap_or_else(|| self.default_severity())
    }

    /// The alert that tells it. It ends `life` from now; nobody is told of its end.
    pub fn alert(&self, id: &str, life: Millis, now: Timestamp) -> Alert {
        let mut labels = Labels::from_pairs(self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))).builder();
        if labels.pairs().all(|(name, _)| name != ALERT_NAME) {
            labels.set(ALERT_NAME, &self.alert_name());
        }
        for (name, value) in
            [("severity", self.severity()), ("kind", "event"), ("event", &self.kind), ("outcome", self.outcome().word()), ("event_id", id)]
        {
            labels.set(name, value);
        }
        let mut annotations = vec![
            ("title".to_string(), self.title()),
            ("summary".into(), self.summary()),
            ("description".into(), self.description()),
            ("footer".into(), self.footer.clone().unwrap_or_default()),
        ];
        annotations.extend(self.figures.iter().map(|figure| (figure.key.clone(), figure.text.clone())));
        annotations.extend(self.shown().into_iter().enumerate().map(|(at, (name, text))| (format!("field:{:02}:{name}", at + 1), text)));
        Alert {
            labels: labels.labels(),
            annotations: Labels::from_pairs(annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            starts_at: self.at.unwrap_or(now),
            ends_at: now.saturating_add(life),
            updated_at: now,
            generator_url: self.link.clone().unwrap_or_default(),
            timeout: false,
        }
    }

    /// Name and value of the fields, and of the labels that its sender gave it, as a message shows them.
    fn shown(&self) -> Vec<(String, String)> {
        // The description says the decision in words.
        let said = |figure: &&Figure| !(figure.key == "decision" && self.description.is_none() && self.table().is_some());
        let figures = self.figures.iter().filter(said).map(|figure| (figure.name.clone(), figure.text.clone()));
        let labels = self.labels.iter().filter(|(name, _)| !matches!(name.as_str(), ALERT_NAME | "severity"));
        figures.chain(labels.cloned()).collect()
    }

    fn table(&self) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.word == self.kind)
    }

    fn alert_name(&self) -> String {
        self.table().map_or_else(|| kind::camel(&self.kind), |kind| kind.alert_name.to_string())
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.key == key)?.number
    }

    fn text(&self, key: &str) -> &str {
        self.figures.iter().find(|figure| figure.key == key).map_or("", |figure| &figure.text)
    }

    fn outcome(&self) -> Outcome {
        self.table().map_or(Outcome::None, |kind| match (kind.word, self.text("decision"), self.text("state")) {
            ("training-success", "deploy", _) => Outcome::Deploy,
            ("training-success", "skip", _) => Outcome::Skip,
            ("training-success", "reject", _) => Outcome::Reject,
            ("dag-completion", _, "failed") => Outcome::Failure,
            _ => kind.outcome,
        })
    }

    fn default_severity(&self) -> &'static str {
        let Some(kind) = self.table() else { return "info" };
        let below = |key, line| matches!((self.number(key), self.number(line)), (Some(number), Some(line)) if number < line);
        let above = |key, line| matches!((self.number(key), self.number(line)), (Some(number), Some(line)) if number > line);
        match kind.word {
            "performance" if below("r2", "r2_critical") || above("rmse", "rmse_critical") => "critical",
            "dag-completion" if self.outcome() == Outcome::Failure => "critical",
            _ => kind.severity,
        }
    }

    fn title(&self) -> String {
        if let Some(title) = &self.title {
            return title.clone();
        }
        let Some(kind) = self.table() else { return kind::words(&self.kind) };
        match (kind.word, self.outcome(), self.severity()) {
            ("training-success", Outcome::Deploy, _) => "🚀 Training Completed".into(),
            ("training-success", Outcome::Skip, _) => "⏭️ Training Completed".into(),
            ("training-success", Outcome::Reject, _) => "❌ Training Completed".into(),
            ("performance", _, "critical") => "🚨 Model Performance Critical".into(),
            ("dag-completion", Outcome::Failure, _) => "🚨 DAG Failed".into(),
            (_, Outcome::Success, _) => format!("{} {}", kind.sign, kind.title),
            (_, _, "critical") => format!("🚨 {}", kind.title),
            (_, _, "warning") => format!("⚠️ {}", kind.title),
            _ => format!("{} {}", kind.sign, kind.title),
        }
    }

    fn summary(&self) -> String {
        if let Some(summary) = &self.summary {
            return summary.clone();
        }
        let Some(kind) = self.table() else { return String::new() };
        let sentence = match (kind.word, self.severity()) {
            ("performance", "critical") => "Model performance is below the critical line.",
            ("dag-completion", _) if self.outcome() == Outcome::Failure => "A DAG run failed.",
            _ => kind.sentence,
        };
        match self.severity() {
            word @ ("critical" | "warning") => format!("{}: {sentence}", word.to_uppercase()),
            _ => sentence.to_string(),
        }
    }

    fn description(&self) -> String {
        if let Some(description) = &self.description {
            return description.clone();
        }
        let Some(kind) = self.table() else { return String::new() };
        match (kind.word, self.outcome(), self.severity()) {
            ("training-success", Outcome::Deploy, _) => "Decision: New model DEPLOYED to production".into(),
            ("training-success", Outcome::Skip, _) => "Decision: Deployment SKIPPED, no improvement".into(),
            ("training-success", Outcome::Reject, _) => "Decision: New model REJECTED, worse than champion".into(),
            ("performance", _, "critical") => "Action: Retrain now.".into(),
            ("dag-completion", Outcome::Failure, _) => "Action: Check Airflow logs for details".into(),
            _ => kind.advice.to_string(),
        }
    }
}
