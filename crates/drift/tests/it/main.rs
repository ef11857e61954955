//! Against Evidently's own numbers on real data. They lie beside the repository; without them these tests say so and pass.

mod golden;
