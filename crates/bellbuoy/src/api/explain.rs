//! `/api/bellbuoy/explain`: why an alert fired, or not, or did not arrive (docs/formats/explain.md).

use std::sync::Arc;

use axum::extract::State;
use bellbuoy_vocabulary::Matcher;
use serde_json::json;

use super::answer::{Answer, ApiError, ErrorType, success};
use super::params::{Params, invalid};
use crate::app::App;
use crate::clock;
use crate::explain::{Ask, ExplainError, live};

/// Parameters that are no labels.
const OWN: [&str; 5] = ["alert", "expr", "at", "rule_group", "rule_file"];

pub async fn explain(State(app): State<Arc<App>>, params: Params) -> Answer {
    let ask = read(&params)?;
    let found = tokio::task::block_in_place(|| live(&app.path, &ask, clock::now()));
    match found {
        Ok(explanation) => success(json!(explanation)),
        Err(ExplainError::Bad(why)) => Err(invalid(if ask.expr.is_some() { "expr" } else { "alert" }, &why)),
        Err(ExplainError::NotFound(why)) => Err(ApiError::new(ErrorType::NotFound, why)),
    }
}

fn read(params: &Params) -> Result<Ask, ApiError> {
    let text = |name: &str| params.get(name).map(str::to_string);
    let labels = params.pairs().filter(|(name, value)| !OWN.contains(name) && !value.is_empty());
    Ok(Ask {
        alert: text("alert"),
        expr: text("expr"),
        at: params.time("at")?,
        labels: labels.map(|(name, value)| Matcher::equal(name, value)).collect(),
        group: text("rule_group"),
        file: text("rule_file"),
    })
}
