//! What can be set.

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
        }
    }
}
