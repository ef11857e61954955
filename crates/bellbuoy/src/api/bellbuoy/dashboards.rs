//! `/api/bellbuoy/dashboards`: the list, the bytes of one, and a new text for one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError, ErrorType, success};
use super::super::same_origin::host_of;
use super::{named, time};
use crate::app::{App, DashboardEdit};
use crate::dashboards::{Dashboard, FILE_BYTES_MAX, WriteError, etag};

pub async fn list(State(app): State<Arc<App>>) -> Answer {
    let found = app.dashboards.found();
    let refused = edit_refused(&app);
    success(json!({
        "edit": {"allowed": refused.is_none(), "because": refused},
        "leftOut": found.left_out,
        "dashboards": found.dashboards.iter().map(one_json).collect::<Vec<_>>(),
    }))
}

fn one_json(one: &Dashboard) -> Value {
    let head = one.head.as_ref();
    json!({
        "uid": one.uid, "title": head.map_or("", |head| head.title.as_str()), "description": head.and_then(|head| head.description.as_ref()),
        "tags": head.map_or(&[][..], |head| &head.tags), "folder": one.folder, "file": one.file,
        "form": head.map(|head| head.form.word()), "panels": head.map(|head| head.panels), "etag": one.etag,
        "modifiedAt": time(one.modified), "editable": head.is_none_or(|head| head.editable),
        "problem": one.problem, "warnings": one.warnings,
    })
}

pub async fn show(State(app): State<Arc<App>>, UrlPath(uid): UrlPath<String>, headers: HeaderMap) -> Answer {
    let one = find(&app, named(&uid))?;
    let bytes = tokio::task::block_in_place(|| app.dashboards.bytes(&one)).map_err(|error| ApiError::new(ErrorType::Internal, error))?;
    let tag = etag(&bytes);
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let known = text(header::IF_NONE_MATCH).is_some_and(|known| known == "*" || known.split(',').any(|one| plain(one) == tag));
    let form = one.head.map_or("", |head| head.form.word()).to_string();
    let about = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_string()),
        (header::CONTENT_TYPE, "application/json".to_string()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_string()),
        (HeaderName::from_static("x-bellbuoy-form"), form),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok((about, bytes).into_response())
}

pub async fn write(State(app): State<Arc<App>>, UrlPath(uid): UrlPath<String>, headers: HeaderMap, body: Bytes) -> Answer {
    if let Some(because) = edit_refused(&app) {
        return Err(ApiError::new(ErrorType::Forbidden, because));
    }
    if body.len() > FILE_BYTES_MAX {
        let message = format!("{} bytes; a dashboard has at most {FILE_BYTES_MAX}", body.len());
        return Err(ApiError { status: StatusCode::PAYLOAD_TOO_LARGE, ..ApiError::new(ErrorType::BadData, message) });
    }
    let Some(expected) = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()).map(plain) else {
        return Err(ApiError::new(ErrorType::PreconditionRequired, "If-Match is missing: the ETag of the text that was changed"));
    };
    let uid = named(&uid);
    let file = find(&app, uid)?.file;
    let tag = tokio::task::block_in_place(|| app.dashboards.write(uid, &body, expected))?;
    let mut response: Response = success(json!({"etag": tag, "file": file}))?;
    if let Ok(value) = tag.parse() {
        response.headers_mut().insert(header::ETAG, value);
    }
    Ok(response)
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> ApiError {
        let kind = match &error {
            WriteError::Unknown(_) => ErrorType::NotFound,
            WriteError::Changed(_) => ErrorType::PreconditionFailed,
            WriteError::Bad(_) => ErrorType::BadData,
            WriteError::Refused(_) => ErrorType::Forbidden,
            WriteError::Disk(_) => ErrorType::Internal,
        };
        ApiError::new(kind, error.to_string())
    }
}

fn find(app: &App, uid: &str) -> Result<Dashboard, ApiError> {
    app.dashboards.get(uid).ok_or_else(|| ApiError::new(ErrorType::NotFound, format!("there is no dashboard {uid:?}")))
}

/// Proxies that pack answers mark the tag as weak.
fn plain(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Why nobody may change a file; `None`: everybody who reaches the port may.
fn edit_refused(app: &App) -> Option<String> {
    let option = "--web.dashboard-edit";
    match app.options.dashboard_edit {
        DashboardEdit::On => None,
        DashboardEdit::Off => Some(format!("the server was started with {option}=off")),
        DashboardEdit::Loopback if is_local(app.address(), app.options.external_url.as_deref()) => None,
        DashboardEdit::Loopback => {
            Some(format!("others reach this server too; start it with {option}=on when all of them may change files"))
        }
    }
}

fn is_local(address: SocketAddr, external_url: Option<&str>) -> bool {
    address.ip().is_loopback() && external_url.is_none_or(|url| is_loopback(host_of(url)))
}

/// Whether a host, without its port, is this machine.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
