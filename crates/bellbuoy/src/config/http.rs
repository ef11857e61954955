//! How to speak HTTP to a target, an Alertmanager or a receiver: `basic_auth`, `authorization`, `tls_config` and the rest of
//! Prometheus' `HTTPClientConfig`, which stands in line in a scrape config and below `http_config` in a receiver.

use std::path::{Path, PathBuf};

use bellbuoy_scrape::{HttpSettings, Scheme, TlsSettings};
use bellbuoy_vocabulary::{Secret, Span};

use super::Files;
use super::read::{Fields, why};

/// A secret or certificate in a file of its own is at most this large.
const SECRET_BYTES_MAX: u64 = 1 << 20;

/// Keys of `HTTPClientConfig` that ask for more than we do.
const NOT_YET: [&str; 6] = ["oauth2", "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers"];

/// Reads the fields that stand beside others (they are not finished here). `folder` resolves relative `*_file` paths.
pub fn read(fields: &Fields, folder: &Path, files: &Files) -> HttpSettings {
    let basic_auth = fields.map("basic_auth", "basic_auth").and_then(|basic| basic_auth(basic, folder, files));
    let authorization = authorization(fields, folder, files);
    if basic_auth.is_some() && authorization.is_some() {
        fields.error(
            fields.key_span("basic_auth"),
            "at most one of basic_auth, authorization and bearer_token can be used",
            "remove the others",
        );
    }
    let tls = fields.map("tls_config", "tls_config").map(|tls| tls_config(tls, folder, files)).unwrap_or_default();
    fields.not_yet(&NOT_YET);
    // HTTP/2 is a wish, never a must: a client without it says what it does.
    let _ = fields.boolean("enable_http2");
    HttpSettings { basic_auth, authorization, tls, follow_redirects: fields.boolean("follow_redirects").unwrap_or(true) }
}

pub fn scheme(fields: &Fields) -> Scheme {
    let Some(text) = fields.text("scheme") else { return Scheme::Http };
    match text.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => {
            fields.error(text.span(), format!("unknown scheme {:?}", text.shown()), "write http or https");
            Scheme::Http
        }
    }
}

fn basic_auth(fields: Fields, folder: &Path, files: &Files) -> Option<(String, Secret)> {
    let username = one_of(&fields, "username", "username_file", folder, files);
    let password = one_of(&fields, "password", "password_file", folder, files);
    fields.not_yet(&["username_ref", "password_ref"]);
    fields.finish();
    Some((username.unwrap_or_default().expose().to_string(), password.unwrap_or_default()))
}

/// `authorization`, or the old `bearer_token`.
fn authorization(fields: &Fields, folder: &Path, files: &Files) -> Option<Secret> {
    let old = one_of(fields, "bearer_token", "bearer_token_file", folder, files);
    let Some(inner) = fields.map("authorization", "authorization") else {
        return old.map(|token| Secret::new(format!("Bearer {}", token.expose())));
    };
    if old.is_some() {
        fields.error(fields.key_span("authorization"), "at most one of authorization and bearer_token can be used", "remove bearer_token");
    }
    let kind = inner.text("type");
    let credentials = one_of(&inner, "credentials", "credentials_file", folder, files);
    inner.not_yet(&["credentials_ref"]);
    let word = kind.map_or("Bearer", |text| text.as_str().trim());
    if word.eq_ignore_ascii_case("basic") {
        inner.error(inner.key_span("type"), "authorization type can not be \"basic\"", "use basic_auth instead");
    }
    inner.finish();
    // A type alone sends no header.
    credentials.map(|credentials| Secret::new(format!("{word} {}", credentials.expose())))
}

/// A value in place or in a file, not both. Values in files end with a line end that does not belong to them.
pub fn one_of(fields: &Fields, key: &'static str, file_key: &'static str, folder: &Path, files: &Files) -> Option<Secret> {
    // A user name is no secret, everything else that has a file twin is.
    let in_place = if key == "username" { fields.text(key).map(|text| Secret::new(text.as_str())) } else { fields.secret(key) };
    let from_file = file(fields, file_key, folder, files).map(|text| Secret::new(text.trim()));
    if in_place.is_some() && fields.node(file_key).is_some() {
        fields.error(fields.key_span(file_key), format!("at most one of {key} and {file_key} can be used"), "");
    }
    in_place.or(from_file)
}

/// The text of the file that a field names.
pub fn file(fields: &Fields, key: &'static str, folder: &Path, files: &Files) -> Option<String> {
    let text = fields.text(key).filter(|text| !text.as_str().is_empty())?;
    let path = join(folder, text.as_str());
    let cut = |reason: String| {
        fields.error(text.span(), format!("can not read {key} {:?}: {reason}", text.shown()), "");
        None
    };
    files.watch(&path);
    match std::fs::metadata(&path) {
        Err(error) => return cut(why(&error)),
        Ok(found) if found.len() > SECRET_BYTES_MAX => return cut("too large".into()),
        Ok(_) => {}
    }
    match std::fs::read_to_string(&path) {
        Ok(content) => Some(content),
        Err(error) => cut(why(&error)),
    }
}

/// A path of a configuration file: relative ones count from its folder.
pub fn join(folder: &Path, path: &str) -> PathBuf {
    folder.join(path)
}

pub fn tls_config(fields: Fields, folder: &Path, files: &Files) -> TlsSettings {
    let ca = pem(&fields, "ca", "ca_file", folder, files);
    let cert = pem(&fields, "cert", "cert_file", folder, files);
    let key = one_of(&fields, "key", "key_file", folder, files);
    // Whether they are said counts here: an unreadable file is a problem of its own.
    let says = |a, b| fields.node(a).is_some() || fields.node(b).is_some();
    if says("cert", "cert_file") != says("key", "key_file") {
        fields.error(fields.span, "a client certificate needs both cert and key", "add the other one");
    }
    let tls = TlsSettings {
        ca,
        cert,
        key,
        server_name: fields.string("server_name"),
        insecure_skip_verify: fields.boolean("insecure_skip_verify").unwrap_or(false),
    };
    for bound in ["min_version", "max_version"] {
        tls_version(&fields, bound);
    }
    fields.not_yet(&["ca_ref", "cert_ref", "key_ref"]);
    fields.finish();
    tls
}

/// rustls speaks 1.2 and 1.3: a bound that asks for just these says what we do.
fn tls_version(fields: &Fields, key: &'static str) {
    let Some(text) = fields.text(key) else { return };
    let harmless = if key == "min_version" { ["TLS10", "TLS11", "TLS12"].as_slice() } else { &["TLS13"] };
    match text.as_str() {
        word if harmless.contains(&word) => {}
        "TLS10" | "TLS11" | "TLS12" | "TLS13" => {
            fields.error(text.span(), format!("{key:?} {} is not supported yet", text.shown()), "TLS 1.2 and 1.3 are spoken; leave it out");
        }
        _ => fields.error(text.span(), format!("unknown TLS version {:?}", text.shown()), "write TLS12 or TLS13"),
    }
}

fn pem(fields: &Fields, key: &'static str, file_key: &'static str, folder: &Path, files: &Files) -> Option<String> {
    let in_place = fields.string(key);
    let from_file = file(fields, file_key, folder, files);
    if in_place.is_some() && fields.node(file_key).is_some() {
        fields.error(fields.key_span(file_key), format!("at most one of {key} and {file_key} can be used"), "");
    }
    in_place.or(from_file)
}

/// Whether a text is an address that a message can be sent to: http or https, and a host.
pub fn url_problem(url: &str) -> Option<&'static str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest else { return Some("it must begin with http:// or https://") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = host.rsplit('@').next().unwrap_or("");
    if host.is_empty() || host.starts_with(':') {
        return Some("it has no host");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("it contains a space or line end");
    }
    None
}

/// Reports an address that is none, without showing it: addresses of webhooks are secrets.
pub fn check_url(fields: &Fields, key: &'static str, url: &str, span: Span) {
    if let Some(reason) = url_problem(url) {
        fields.error(span, format!("{key:?} is not a web address: {reason}"), "");
    }
}
