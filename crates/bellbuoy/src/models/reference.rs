//! What a model is compared with: read once when the settings are loaded, and held against what bellbuoy.yml says.
//!
//! In:    the reference of a model's settings. Out: problems at their places in bellbuoy.yml, and what the model is made from.
//! Never: changes a reference.

use std::path::Path;

use bellbuoy_drift::Column;
use bellbuoy_models::Feature;
use bellbuoy_vocabulary::{Problem, nearest};

use crate::config::{ModelConfig, Place, ReferenceConfig, ReferenceFrom};
use crate::table::read_columns;

/// The file that the reference is, where it is one.
pub fn path(reference: &ReferenceConfig) -> Result<&Path, String> {
    match &reference.from {
        ReferenceFrom::Path(path) if path.is_file() => Ok(path),
        _ => Err("only files are read as a reference yet".into()),
    }
}

/// Holds the names of the settings against the columns of the reference, and takes over what the settings leave to it.
pub fn settle(model: &mut ModelConfig) -> Vec<Problem> {
    let columns = match path(&model.reference).and_then(read_columns) {
        Ok(columns) => columns,
        Err(reason) => return vec![model.places.error(Place::Reference, "", reason)],
    };
    let mut problems = Vec::new();
    for feature in model.settings.features.iter().filter(|feature| !columns.iter().any(|column| column.name == feature.name)) {
        let message = format!("the reference has no column {:?}", feature.name);
        problems.push(model.places.error(Place::Feature, &feature.name, message).help(help(&feature.name, &columns)));
    }
    if model.settings.features.is_empty() {
        let others = columns.iter().filter(|column| column.name != model.settings.target);
        model.settings.features = others.map(|column| Feature::new(&column.name)).collect();
    }
    problems
}

fn help(name: &str, columns: &[Column]) -> String {
    let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    nearest(name, known.iter().copied()).map_or_else(|| format!("it has {}", known.join(", ")), |near| format!("did you mean {near:?}?"))
}
