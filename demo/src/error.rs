//! What a request can fail with, as a status and a JSON body in FastAPI's form: `{"detail": "..."}`, and for a body that is not
//! what the endpoint takes `{"detail": [{"loc": ["body", "temp"], "msg": "...", "type": "..."}]}`. `kind` is a fixed word beside it.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::{ErrorBody, ErrorDetail};
use crate::fields::Problem;
use crate::token::TokenError;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ServiceError {
    /// The request is not what the endpoint takes.
    #[error("{} fields are not as they should be", .0.len())]
    Invalid(Vec<Problem>),
    /// The request is well formed, but there is nothing to say to it.
    #[error("{0}")]
    NothingToSay(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("no rows between day {from_day} and day {to_day}; the data has days 1 to 365")]
    NoRows { from_day: u32, to_day: u32 },
    #[error("username or password is wrong")]
    Credentials,
    #[error("this needs a token; ask POST /token and send `authorization: Bearer TOKEN`")]
    NoToken,
    #[error("{0}")]
    Token(#[from] TokenError),
    #[error("there is no challenger; train one with POST /train")]
    NoChallenger,
    #[error("the challenger is version {have}, not {asked}; ask GET /monitor again")]
    OtherChallenger { asked: u32, have: u32 },
    #[error("a training run is under way; try again when it has ended")]
    TrainingUnderWay,
    #[error("the model failed: {0}")]
    Model(String),
    #[error("the model could not be saved, and does not serve: {0}")]
    Storage(String),
}

impl ServiceError {
    /// A fixed word for programs and for the label `error_type`.
    pub fn kind(&self) -> &'static str {
        match self {
            ServiceError::Invalid(_) => "invalid_input",
            ServiceError::NothingToSay(_) => "too_few_rows",
            ServiceError::TooLarge(_) => "too_large",
            ServiceError::NoRows { .. } => "no_rows",
            ServiceError::Credentials => "credentials",
            ServiceError::NoToken | ServiceError::Token(_) => "token",
            ServiceError::NoChallenger => "no_challenger",
            ServiceError::OtherChallenger { .. } => "other_challenger",
            ServiceError::TrainingUnderWay => "training_under_way",
            ServiceError::Model(_) => "model",
            ServiceError::Storage(_) => "storage",
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            ServiceError::Invalid(_) | ServiceError::NothingToSay(_) | ServiceError::NoRows { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            ServiceError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ServiceError::Credentials | ServiceError::NoToken | ServiceError::Token(_) => StatusCode::UNAUTHORIZED,
            ServiceError::NoChallenger | ServiceError::OtherChallenger { .. } | ServiceError::TrainingUnderWay => StatusCode::CONFLICT,
            ServiceError::Model(_) | ServiceError::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Vec<Problem>> for ServiceError {
    fn from(problems: Vec<Problem>) -> Self {
        ServiceError::Invalid(problems)
    }
}

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        let status = self.status();
        let (kind, text) = (self.kind().to_owned(), self.to_string());
        let detail = match self {
            ServiceError::Invalid(problems) => ErrorDetail::Fields(problems),
            _ => ErrorDetail::Text(text),
        };
        let body = Json(ErrorBody { detail, kind });
        if status == StatusCode::UNAUTHORIZED {
            return (status, [(header::WWW_AUTHENTICATE, "Bearer")], body).into_response();
        }
        (status, body).into_response()
    }
}
