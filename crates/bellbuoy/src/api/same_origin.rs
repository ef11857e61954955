//! Who may change something: not a page of another site that a person happens to have open in the same browser.
//!
//! In:    requests. Out: 403 for a change that a browser says comes from elsewhere.
//! Never: bothers programs: what sends neither `Origin` nor `Sec-Fetch-Site` (curl, amtool, promtool, Prometheus, Grafana's proxy) passes.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answer::{ApiError, ErrorType};
use super::bellbuoy::is_loopback;
use crate::app::App;

/// Endpoints that take POST for long queries and change nothing.
const READS: [&str; 8] = ["query", "query_range", "query_exemplars", "series", "labels", "format_query", "parse_query", "query_explain"];

pub async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) && !is_read(request.uri().path());
    if changes {
        let ours = Ours { external: host_with_port(app.external_url()), only_local: app.address().ip().is_loopback() };
        if let Err(because) = ours.check(request.headers()) {
            app.path.telemetry.cross_site_refused.add(1);
            return ApiError::new(ErrorType::Forbidden, because).into_response();
        }
    }
    next.run(request).await
}

fn is_read(path: &str) -> bool {
    let Some((before, last)) = path.rsplit_once('/') else { return false };
    READS.contains(&last) && (before.ends_with("/api/v1") || before.ends_with("/api/bellbuoy"))
}

/// How this server is reached.
struct Ours<'a> {
    /// Host and port of the external URL.
    external: &'a str,
    /// It listens on loopback only.
    only_local: bool,
}

impl Ours<'_> {
    fn check(&self, headers: &HeaderMap) -> Result<(), String> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let site = text(HeaderName::from_static("sec-fetch-site"));
        let origin = text(header::ORIGIN);
        if site.is_none() && origin.is_none() {
            return Ok(());
        }
        let host = text(header::HOST).unwrap_or("");
        let from_elsewhere = |what: &str| {
            Err(format!(
                "this change was asked for by another site ({what}); if it is yours, start the server with --web.external-url of the address in the browser"
            ))
        };
        // A name that was bound to this machine by somebody else's DNS.
        if self.only_local && !is_loopback(host_of(host)) && !same(host, self.external) {
            return from_elsewhere(&format!("the browser reached it as {host:?}"));
        }
        match (origin, site) {
            (Some(origin), _) if same(host_with_port(origin), host) || same(host_with_port(origin), self.external) => Ok(()),
            (Some(origin), _) => from_elsewhere(&format!("Origin {origin:?}")),
            (None, Some("same-origin" | "none")) => Ok(()),
            (None, site) => from_elsewhere(&format!("Sec-Fetch-Site {:?}", site.unwrap_or(""))),
        }
    }
}

fn same(a: &str, b: &str) -> bool {
    let bare = |text: &str| text.strip_suffix(":80").or(text.strip_suffix(":443")).unwrap_or(text).to_ascii_lowercase();
    !a.is_empty() && bare(a) == bare(b)
}

/// `host:port` of a URL, an origin, or of `host:port` itself.
fn host_with_port(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or("")
}

/// The host alone; of IPv6 with its brackets.
pub fn host_of(url: &str) -> &str {
    let text = host_with_port(url);
    match text.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => &text[..end + 2],
        None => text.split(':').next().unwrap_or(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(only_local: bool, headers: &[(&'static str, &str)], allowed: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        let ours = Ours { external: "buoy.example.org", only_local };
        assert_eq!(ours.check(&map).is_ok(), allowed, "{headers:?}");
    }

    #[test]
    fn programs_pass_and_other_sites_do_not() {
        let here = ("host", "127.0.0.1:9090");
        for (headers, allowed) in [
            (vec![here], true),
            (vec![here, ("origin", "http://127.0.0.1:9090"), ("sec-fetch-site", "same-origin")], true),
            (vec![here, ("sec-fetch-site", "same-origin")], true),
            (vec![here, ("sec-fetch-site", "none")], true),
            (vec![("host", "localhost:9090"), ("origin", "http://localhost:9090")], true),
            (vec![("host", "[::1]:9090"), ("origin", "http://[::1]:9090")], true),
            (vec![here, ("origin", "http://evil.example")], false),
            (vec![here, ("origin", "null")], false),
            (vec![here, ("origin", "")], false),
            (vec![here, ("origin", "http://127.0.0.1:9091"), ("sec-fetch-site", "same-site")], false),
            (vec![here, ("sec-fetch-site", "cross-site")], false),
            (vec![here, ("sec-fetch-site", "same-site")], false),
            (vec![here, ("sec-fetch-site", "SAME-ORIGIN?")], false),
            // The name of another site that leads here: DNS rebinding.
            (vec![("host", "evil.example:9090"), ("origin", "http://evil.example:9090"), ("sec-fetch-site", "same-origin")], false),
            // Behind a proxy that keeps the name, and behind one that does not.
            (vec![("host", "buoy.example.org"), ("origin", "https://buoy.example.org")], true),
            (vec![here, ("origin", "https://buoy.example.org:443")], true),
            (vec![here, ("origin", "https://buoy.example.org.evil.example")], false),
        ] {
            check(true, &headers, allowed);
        }
        check(false, &[("host", "monitor:9090"), ("origin", "http://monitor:9090")], true);
        check(false, &[("host", "monitor:9090"), ("origin", "http://other:9090")], false);
        check(false, &[("origin", "http://other:9090")], false);
    }

    #[test]
    fn queries_are_no_changes() {
        for (path, read) in [
            ("/api/v1/query", true),
            ("/monitor/api/v1/query_range", true),
            ("/api/bellbuoy/query_explain", true),
            ("/api/v1/write", false),
            ("/api/v1/models/query", false),
            ("/api/v1/events", false),
            ("query", false),
        ] {
            assert_eq!(is_read(path), read, "{path}");
        }
    }

    #[test]
    fn hosts() {
        for (url, host) in
            [("http://a.b:9090/x", "a.b"), ("[::1]:9090", "[::1]"), ("https://[fe80::1]/", "[fe80::1]"), ("host", "host"), ("", "")]
        {
            assert_eq!(host_of(url), host);
        }
    }
}
