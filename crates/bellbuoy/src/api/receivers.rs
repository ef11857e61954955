//! `POST /api/v1/receivers/NAME/test`: a test message, and what each integration answered.

use std::sync::Arc;

use axum::extract::{Path as UrlPath, State};
use axum::response::Response;
use bellbuoy_vocabulary::nearest;
use serde_json::{Value, json};

use super::answer::{ApiError, ErrorType, success};
use crate::app::App;
use crate::test_message::try_receiver;

pub async fn test(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>) -> Result<Response, ApiError> {
    let Some(tried) = try_receiver(&app.sender, &app.path, &name).await else {
        let settings = app.path.settings();
        let known = settings.receivers.iter().map(|receiver| receiver.name.as_str());
        let help = nearest(&name, known).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
        return Err(ApiError::new(ErrorType::NotFound, format!("there is no receiver {name:?}{help}")));
    };
    let results: Vec<Value> = tried.iter().map(|one| one.to_json()).collect();
    success(json!({"receiver": name, "delivered": tried.iter().all(|one| one.delivered), "results": results}))
}
