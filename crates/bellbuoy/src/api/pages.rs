//! show: the pages of `ui/` under `/ui/`, and where old addresses of Prometheus lead.
//!
//! In:    a path. Out: the file, packed as the browser likes it, or index.html for the address of a page.
//! Never: answers an unknown path outside `/ui/` with a page: Grafana tells servers apart by their 404.
//! Holds: nothing from another host can run in a page (`POLICY`).

use std::path::{Component, Path};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Parts, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bellbuoy_reports::markup;

use crate::app::App;

const POLICY: &str =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

/// What clients of Prometheus and links in old messages ask for, and the page that shows it now.
const OLD: [(&str, &str); 4] = [("/graph", "query"), ("/query", "query"), ("/alerts", "alerts"), ("/targets", "targets")];

pub fn routes() -> Router<Arc<App>> {
    let mut routes =
        Router::new().route("/ui/", get(index)).route("/ui", get(to_index)).route("/", get(to_index)).route("/ui/{*path}", get(file));
    for (old, new) in OLD {
        routes = routes.route(old, get(move |State(app): State<Arc<App>>, RawQuery(query): RawQuery| async move { led(&app, new, query) }));
    }
    routes
}

fn led(app: &App, page: &str, query: Option<String>) -> Redirect {
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    Redirect::temporary(&format!("{}/ui/{page}{query}", app.route_prefix()))
}

async fn to_index(State(app): State<Arc<App>>) -> Redirect {
    led(&app, "", None)
}

async fn index(State(app): State<Arc<App>>) -> Response {
    first_page(&app)
}

async fn file(State(app): State<Arc<App>>, Parts(path): Parts<String>, headers: HeaderMap) -> Response {
    let packings = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    match find(&app, &path) {
        Some(found) => found.answer(&path, packings),
        // The address of a page, which the script reads. A name of a file that is not there is an error, not a page.
        None if !path.starts_with("assets/") => first_page(&app),
        None => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
    }
}

/// index.html, which has to know where it stands: pages have addresses of any depth.
fn first_page(app: &App) -> Response {
    let Some(found) = find(app, "index.html") else {
        let text = "this program was built without its pages (--no-default-features); /status and /inbox are there\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let base = format!("<base href=\"{}/ui/\"", markup(&app.route_prefix()));
    let text = String::from_utf8_lossy(&found.bytes).replacen("<base href=\"/\"", &base, 1);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

struct Found {
    bytes: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

impl Found {
    fn answer(self, path: &str, packings: &str) -> Response {
        let packed = match (self.brotli, self.gzip) {
            (Some(bytes), _) if accepts(packings, "br") => Some((bytes, "br")),
            (_, Some(bytes)) if accepts(packings, "gzip") => Some((bytes, "gzip")),
            _ => None,
        };
        // Names in assets/ have a hash of what is in them.
        let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = [
            (header::CONTENT_TYPE, kind(path)),
            (header::CACHE_CONTROL, cache),
            (header::VARY, "accept-encoding"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ];
        match packed {
            Some((bytes, name)) => (headers, [(header::CONTENT_ENCODING, name)], bytes).into_response(),
            None => (headers, self.bytes).into_response(),
        }
    }
}

/// `br;q=0` says no.
fn accepts(packings: &str, name: &str) -> bool {
    packings.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next() == Some(name) && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0)))
    })
}

fn kind(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|end| end.to_str()) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "map") => "application/json",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// From `--web.pages-dir` where it is given, else from the program.
fn find(app: &App, path: &str) -> Option<Found> {
    match &app.options.pages_dir {
        Some(dir) => read(dir, path),
        None => carried(path),
    }
}

fn read(dir: &Path, path: &str) -> Option<Found> {
    if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let bytes = tokio::task::block_in_place(|| std::fs::read(dir.join(path)).ok())?;
    Some(Found { bytes: bytes.into(), brotli: None, gzip: None })
}

#[cfg(feature = "pages")]
fn carried(path: &str) -> Option<Found> {
    let asset = bellbuoy_pages::asset(path)?;
    Some(Found {
        bytes: Bytes::from_static(asset.bytes),
        brotli: asset.brotli.map(Bytes::from_static),
        gzip: asset.gzip.map(Bytes::from_static),
    })
}

#[cfg(not(feature = "pages"))]
fn carried(_: &str) -> Option<Found> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packing_is_taken_when_it_is_accepted() {
        assert!(accepts("gzip, deflate, br;q=1.0", "br") && accepts("gzip", "gzip"));
        assert!(!accepts("gzip, br;q=0", "br") && !accepts("", "gzip") && !accepts("brotli", "br"));
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(
            read(&dir, "../Cargo.toml").is_none() && read(&dir, "/etc/passwd").is_none() && read(&dir, "api/../../Cargo.toml").is_none()
        );
    }
}
