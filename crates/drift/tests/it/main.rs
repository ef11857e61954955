//! Against Evidently's own numbers on real data, kept beside these tests.

mod golden;
