//! What the service asks of a model of the models crate.

use bellbuoy_models::{
    Accepted, Answer, DeploymentDecision, FeatureValue, Judgement, Label, Model, ModelSettings, Prediction, Reference, Schema, Taken,
    TestRow,
};
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde_json::Value;

pub struct Engine {
    model: Model,
}

impl Engine {
    pub fn new(settings: ModelSettings, reference: Reference) -> Engine {
        Engine { model: Model::new(settings, reference) }
    }

    /// To look at.
    pub fn model(&self) -> &Model {
        &self.model
    }

    pub fn schema(&self) -> &Schema {
        self.model.schema()
    }

    /// Whether names are added to the schema.
    pub fn open(&self) -> bool {
        self.model.is_open()
    }

    pub fn position_or_add(&mut self, name: &str) -> Option<usize> {
        if self.model.is_open() { self.model.schema_mut().add(name) } else { self.model.schema().position(name) }
    }

    pub fn check_prediction(&self, row: &Prediction) -> Result<Taken, String> {
        self.model.check_prediction(row)
    }

    pub fn check_label(&self, row: &Label) -> Result<Taken, String> {
        self.model.check_label(row)
    }

    pub fn predictions(&mut self, rows: Vec<Prediction>) -> Accepted {
        self.model.predictions(rows)
    }

    pub fn labels(&mut self, rows: Vec<Label>) -> Accepted {
        self.model.labels(rows)
    }

    pub fn judge(&mut self, now: Timestamp, forced: bool) -> Judgement {
        self.model.judge(now, forced)
    }

    pub fn retrained(&mut self, now: Timestamp) {
        self.model.retrained(now);
    }

    pub fn test_rows(&self, from: Timestamp, to: Timestamp, challenger: impl Fn(&str) -> Option<Answer>) -> Vec<TestRow> {
        self.model.test_rows(from, to, challenger)
    }

    pub fn answer(&self, role: &str, id: &str) -> Option<Answer> {
        self.model.answer(role, id)
    }

    pub fn record_training(&mut self, status: &str) {
        self.model.record_training(status);
    }

    pub fn record_deployment(&mut self, decision: &DeploymentDecision) {
        self.model.record_deployment(decision);
    }

    pub fn counter_samples(&self) -> Vec<(Labels, f64)> {
        self.model.counter_samples()
    }

    pub fn state(&self) -> Value {
        self.model.state()
    }

    pub fn restore(&mut self, state: &Value) {
        self.model.restore(state);
    }
}

/// Features that were read by another schema, to these positions.
pub fn move_features(row: &mut Prediction, positions: &[Option<usize>]) {
    let features = std::mem::take(&mut row.features);
    for (feature, position) in features.into_iter().zip(positions) {
        let Some(position) = *position else { continue };
        if row.features.len() <= position {
            row.features.resize(position + 1, FeatureValue::Missing);
        }
        row.features[position] = feature;
    }
}
