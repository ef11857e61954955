//! What the service adds to a model of the models crate: rows that were read by another state of its schema.

use bellbuoy_models::{FeatureValue, Model, Prediction};

pub type Engine = Model;

/// Where a feature goes; it is added while the model takes new ones, else left out.
pub fn position_or_add(engine: &mut Engine, name: &str) -> Option<usize> {
    if engine.is_open() { engine.schema_mut().add(name) } else { engine.schema().position(name) }
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
