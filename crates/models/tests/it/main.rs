//! Figures against scikit-learn's and NannyML's numbers (`tests/data`), and what holds for all rows whatever they are.

mod any_rows;
mod detectors;
mod estimates;
mod golden;
mod model;
mod model_kinds;
mod properties;
