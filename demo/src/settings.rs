//! What can be set.

use std::path::PathBuf;

use bellbuoy_vocabulary::Secret;

use crate::data::TRAINED_THROUGH_DAY;

#[derive(Debug, Clone)]
pub struct DemoSettings {
    /// Who may ask for a token.
    pub username: String,
    pub password: Secret,
    /// Signs the tokens; without one, each start makes its own and older tokens end.
    pub token_secret: Option<Secret>,
    pub token_lifetime_s: u64,
    /// The first champion is trained on day 1 to this day.
    pub trained_through_day: u32,
    /// Models are kept here, and reference files are read from here. Without it each start trains anew.
    pub data: Option<PathBuf>,
    /// Each prediction is logged there.
    pub log: Option<PredictionLog>,
}

/// A bellbuoy, and what the model is called there.
#[derive(Debug, Clone)]
pub struct PredictionLog {
    pub url: Secret,
    pub model: String,
    pub token: Option<Secret>,
}

impl Default for DemoSettings {
    /// admin/admin, as in the stack that the demo stands for.
    fn default() -> Self {
        DemoSettings {
            username: "admin".to_owned(),
            password: Secret::new("admin"),
            token_secret: None,
            token_lifetime_s: 3600,
            trained_through_day: TRAINED_THROUGH_DAY,
            data: None,
            log: None,
        }
    }
}
