//! Against Evidently's own numbers on real data, kept beside these tests; and the promises of our preset.

mod golden;
mod presets;
mod properties;
// The example `presets` uses the rest.
#[allow(dead_code)]
mod trial;
