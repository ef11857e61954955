//! `/api/v1/query_exemplars`: exemplars of all series that an expression reads, in Prometheus' JSON.
//!
//! In:    an expression and a range of time. Out: what the store keeps of the series of its selectors.
//!        And where traces are: what Grafana's data source files say.
//! Never: evaluates the expression.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bellbuoy_promql as promql;
use bellbuoy_vocabulary::{Exemplar, Labels, Matcher};
use serde_json::{Value, json};

use super::answer::{Answer, ApiError, ErrorType, raw, success};
use super::params::Params;
use super::values::{Seconds, write_labels, write_list, write_number};
use crate::app::App;
use crate::config::Explore;

pub async fn query_exemplars(State(app): State<Arc<App>>, params: Params) -> Answer {
    let (from, to) = params.range()?;
    let bad = |why: &str| ApiError::new(ErrorType::BadData, why);
    if to < from {
        return Err(bad("end timestamp must not be before start timestamp"));
    }
    let text = params.get("query").unwrap_or("");
    if text.is_empty() {
        return Err(bad("unknown position: parse error: no expression found in input"));
    }
    let expr = promql::parse(text).map_err(|error| bad(&error.to_string()))?;
    let selectors: Vec<Vec<Matcher>> = expr.selectors().into_iter().map(|selector| selector.matchers.clone()).collect();
    if selectors.is_empty() {
        // Prometheus says nothing at all then.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let found = tokio::task::block_in_place(|| app.path.store.exemplars(from, to, &selectors));
    Ok(raw(answer(&found)))
}

/// `/api/bellbuoy/exemplar_links`: where pages lead from an exemplar's label.
pub async fn links(State(app): State<Arc<App>>) -> Answer {
    let settings = app.path.settings();
    let mut links: Vec<Value> = Vec::new();
    for link in &settings.exemplar_links {
        let mut out = json!({"label": link.label, "url": link.url, "title": link.title});
        match &link.explore {
            Some(Explore::Ours) => out["query"] = json!(true),
            Some(Explore::Elsewhere(why)) => out["why"] = json!(why),
            None => {}
        }
        links.push(out);
    }
    success(json!({"links": links}))
}

fn answer(found: &[(Labels, Vec<Exemplar>)]) -> String {
    let mut out = String::from(r#"{"status":"success","data":"#);
    write_list(&mut out, found, |out, (labels, exemplars)| {
        out.push_str(r#"{"seriesLabels":"#);
        write_labels(out, labels);
        out.push_str(r#","exemplars":"#);
        write_list(out, exemplars, write_exemplar);
        out.push('}');
    });
    out.push('}');
    out
}

fn write_exemplar(out: &mut String, exemplar: &Exemplar) {
    out.push_str(r#"{"labels":"#);
    write_labels(out, &exemplar.labels);
    out.push_str(r#","value":""#);
    write_number(out, exemplar.value);
    let _ = write!(out, r#"","timestamp":{}}}"#, Seconds(exemplar.at));
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::Timestamp;

    use super::*;

    #[test]
    fn written_as_prometheus_writes_them() {
        let of = |value: f64, at: i64| Exemplar {
            labels: Labels::from_pairs([("trace_id", "a\"b")]),
            value,
            at: Timestamp(at),
            has_own_time: true,
        };
        let found =
            [(Labels::from_pairs([("__name__", "a_total")]), vec![of(0.67, 1_520_879_607_789), of(1e-7, 2000), of(f64::INFINITY, 3000)])];
        assert_eq!(
            answer(&found),
            r#"{"status":"success","data":[{"seriesLabels":{"__name__":"a_total"},"exemplars":[{"labels":{"trace_id":"a\"b"},"value":"0.67","timestamp":1520879607.789},{"labels":{"trace_id":"a\"b"},"value":"1e-07","timestamp":2},{"labels":{"trace_id":"a\"b"},"value":"+Inf","timestamp":3}]}]}"#
        );
        assert_eq!(answer(&[]), r#"{"status":"success","data":[]}"#);
    }
}
