//! What the service asks of a model of the models crate.

use bellbuoy_models::{
    Answer, DeploymentDecision, FeatureValue, Judgement, Label, Model, ModelSettings, Prediction, Row, Schema, Taken, TestRow, Truth,
};
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde_json::Value;

pub struct Engine {
    model: Model,
    schema: Schema,
}

impl Engine {
    pub fn new(settings: ModelSettings, reference: Vec<Row>) -> Engine {
        let schema = Schema::new(settings.features.iter().map(|feature| feature.name.clone()));
        Engine { model: Model::new(settings, reference), schema }
    }

    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether names are added to the schema.
    pub fn open(&self) -> bool {
        false
    }

    pub fn position_or_add(&mut self, name: &str) -> Option<usize> {
        self.schema.position(name)
    }

    pub fn check_prediction(&self, row: &Prediction) -> Result<Taken, String> {
        match &row.answer {
            Answer::Number(number) if number.is_finite() => Ok(Taken::New),
            Answer::Number(number) => Err(format!("the prediction is {number}, not a finite number")),
            Answer::Class { .. } => Err("the model predicts numbers, this is a class".into()),
        }
    }

    pub fn check_label(&self, row: &Label) -> Result<Taken, String> {
        match &row.truth {
            Truth::Number(number) if number.is_finite() => Ok(Taken::New),
            Truth::Number(number) => Err(format!("the true value is {number}, not a finite number")),
            Truth::Class(_) => Err("the model predicts numbers, this true value is a class".into()),
        }
    }

    pub fn predictions(&mut self, rows: Vec<Prediction>) -> bellbuoy_models::Accepted {
        let names = self.schema.names();
        let row = |row: Prediction| Row {
            id: row.id,
            at: row.at,
            role: row.role,
            features: names.iter().cloned().zip(row.features).collect(),
            prediction: if let Answer::Number(number) = row.answer { number } else { f64::NAN },
        };
        let rows = rows.into_iter().map(row).collect();
        self.model.predictions(rows)
    }

    pub fn labels(&mut self, rows: Vec<Label>) -> bellbuoy_models::Accepted {
        let number = |row: Label| if let Truth::Number(number) = row.truth { Some((row.id, number)) } else { None };
        self.model.labels(rows.into_iter().filter_map(number).collect())
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
