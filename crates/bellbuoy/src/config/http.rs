//! How to speak HTTP to a target, an Alertmanager or a receiver: `basic_auth`, `authorization`, `tls_config` and the rest of
//! Prometheus' `HTTPClientConfig`, which stands in line in a scrape config and below `http_config` in a receiver.
//!
//! In:    those fields, the folder that files are relative to. Out: `HttpOptions`, with the contents of the files that they name.
//! Never: puts a secret into a problem's text.

use std::path::{Path, PathBuf};

use bellbuoy_scrape::Scheme;
use bellbuoy_vocabulary::{HttpOptions, Secret, Span, TlsOptions, TlsVersions};

use super::read::{Fields, Text, why};
use super::yaml::Value;
use super::{Files, oauth2, proxy};

/// A secret or certificate in a file of its own is at most this large.
const SECRET_BYTES_MAX: u64 = 1 << 20;

/// Headers that `http_headers` can not set, in lower case: they are made from other settings or by the connection (Prometheus' list).
const RESERVED_HEADERS: [&str; 17] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "transfer-encoding",
    "upgrade",
];

/// Reads the fields that stand beside others (they are not finished here). `folder` resolves relative `*_file` paths.
pub fn read(fields: &Fields, folder: &Path, files: &Files) -> HttpOptions {
    let basic_auth = fields.map("basic_auth", "basic_auth").and_then(|basic| basic_auth(basic, folder, files));
    let authorization = authorization(fields, folder, files);
    let oauth2 = fields.map("oauth2", "oauth2").and_then(|oauth2| oauth2::read(oauth2, folder, files));
    if [basic_auth.is_some(), authorization.is_some(), oauth2.is_some()].iter().filter(|said| **said).count() > 1 {
        let key = if basic_auth.is_some() { "basic_auth" } else { "oauth2" };
        fields.error(
            fields.key_span(key),
            "at most one of basic_auth, oauth2, authorization and bearer_token can be used",
            "remove the others",
        );
    }
    let tls = fields.map("tls_config", "tls_config").map(|tls| tls_config(tls, folder, files)).unwrap_or_default();
    let proxy = proxy::read(fields, files);
    if let (Some(_), Some(_)) = (&tls.server_name, &proxy) {
        fields.error(fields.key_span("tls_config"), "server_name together with a proxy is not supported yet", "remove one of them");
    }
    // HTTP/2 is a wish, never a must: a client without it says what it does.
    let _ = fields.boolean("enable_http2");
    HttpOptions {
        basic_auth,
        authorization,
        oauth2,
        headers: http_headers(fields, folder, files),
        tls,
        proxy,
        follow_redirects: fields.boolean("follow_redirects").unwrap_or(true),
    }
}

/// `http_headers`: names to `values`, `secrets` and `files`.
fn http_headers(fields: &Fields, folder: &Path, files: &Files) -> Vec<(String, Secret)> {
    let mut found = Vec::new();
    let Some(node) = fields.node("http_headers") else { return found };
    let Value::Map(entries) = &node.value else {
        fields.error(node.span, "\"http_headers\" must be a map", "write it as `Name: {values: [value]}` lines");
        return found;
    };
    for entry in entries {
        if let Some(reason) = reserved(&entry.key) {
            fields.error(entry.key_span, format!("header {:?} can not be set: {reason}", entry.key), "");
            continue;
        }
        let Some(inner) = Fields::of(&entry.value, "header", fields.report) else { continue };
        let mut add = |text: &str, span: Span| match header_value_ok(text) {
            true => found.push((entry.key.clone(), Secret::new(text))),
            false => fields.error(span, format!("the value of header {:?} has a line end or control character", entry.key), ""),
        };
        for key in ["values", "secrets"] {
            for text in inner.texts(key) {
                if key == "secrets" {
                    fields.report.hide(text.node.bytes.clone());
                }
                add(text.as_str(), text.span());
            }
        }
        for text in inner.texts("files") {
            if let Some(content) = text_of_file(&inner, "files", text, folder, files) {
                add(content.trim(), text.span());
            }
        }
        inner.finish();
    }
    found
}

/// Why a header can not be set by hand.
pub fn reserved(name: &str) -> Option<&'static str> {
    if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Some("it is no header name");
    }
    RESERVED_HEADERS.contains(&name.to_lowercase().as_str()).then_some("it is made from other settings")
}

pub fn header_value_ok(value: &str) -> bool {
    reqwest::header::HeaderValue::from_str(value).is_ok()
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
    text_of_file(fields, key, text, folder, files)
}

fn text_of_file(fields: &Fields, key: &str, text: Text, folder: &Path, files: &Files) -> Option<String> {
    let path = join(folder, text.as_str());
    let cut = |reason: String| {
        if let Some(stand_in) = stand_in(key).filter(|_| files.look_only) {
            fields.report.warning(
                text.span(),
                format!("can not read {key} {:?}: {reason}", text.shown()),
                "nothing is sent, so it is not needed now",
            );
            return Some(stand_in.to_string());
        }
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

/// What is as good as a secret as long as nothing is sent.
fn stand_in(key: &str) -> Option<&'static str> {
    match key {
        _ if key.contains("url") => Some("http://localhost/not-read"),
        "chat_id_file" => Some("1"),
        // Certificates are read at once.
        "ca_file" | "cert_file" | "key_file" | "files" => None,
        _ => Some("not-read"),
    }
}

/// A path of a configuration file: relative ones count from its folder.
pub fn join(folder: &Path, path: &str) -> PathBuf {
    folder.join(path)
}

pub fn tls_config(fields: Fields, folder: &Path, files: &Files) -> TlsOptions {
    let ca = pem(&fields, "ca", "ca_file", folder, files);
    let cert = pem(&fields, "cert", "cert_file", folder, files);
    let key = one_of(&fields, "key", "key_file", folder, files);
    // Whether they are said counts here: an unreadable file is a problem of its own.
    let says = |a, b| fields.node(a).is_some() || fields.node(b).is_some();
    if says("cert", "cert_file") != says("key", "key_file") {
        fields.error(fields.span, "a client certificate needs both cert and key", "add the other one");
    }
    let tls = TlsOptions {
        ca,
        cert,
        key,
        server_name: fields.string("server_name"),
        insecure_skip_verify: fields.boolean("insecure_skip_verify").unwrap_or(false),
        versions: tls_versions(&fields),
    };
    pem_problems(&fields, &tls);
    fields.not_yet(&["ca_ref", "cert_ref", "key_ref"]);
    fields.finish();
    tls
}

/// What would fail at each connection is said now.
fn pem_problems(fields: &Fields, tls: &TlsOptions) {
    let place = |keys: [&'static str; 2]| keys.into_iter().find_map(|key| fields.node(key)).map_or(fields.span, |node| node.span);
    for (keys, pem) in [(["ca", "ca_file"], &tls.ca), (["cert", "cert_file"], &tls.cert)] {
        let Some(pem) = pem.as_ref().filter(|pem| !pem.is_empty()) else { continue };
        if !reqwest::Certificate::from_pem_bundle(pem.as_bytes()).is_ok_and(|found| !found.is_empty()) {
            fields.error(
                place(keys),
                format!("{} holds no certificate that can be read", keys[0]),
                "it must be PEM: -----BEGIN CERTIFICATE-----",
            );
        }
    }
    if let Some(key) = tls.key.as_ref().filter(|key| !key.is_empty())
        && !key.expose().contains("PRIVATE KEY-----")
    {
        fields.error(
            place(["key", "key_file"]),
            "key holds no private key that can be read",
            "it must be PEM: -----BEGIN PRIVATE KEY-----",
        );
    }
}

/// rustls speaks 1.2 and 1.3, so a bound leaves one of them or both.
fn tls_versions(fields: &Fields) -> TlsVersions {
    let least = fields.text("min_version").and_then(|text| Some((text, tls_version(fields, text)?)));
    let most = fields.text("max_version").and_then(|text| Some((text, tls_version(fields, text)?)));
    if let Some((text, _)) = most.filter(|(_, version)| *version < 12) {
        let message = format!("\"max_version\" {} is not supported", text.shown());
        fields.error(text.span(), message, "TLS 1.2 and 1.3 are spoken; leave it out");
        return TlsVersions::Both;
    }
    match (least.map_or(10, |(_, version)| version), most) {
        (13, Some((text, 12))) => {
            fields.error(text.span(), "\"max_version\" is below \"min_version\"", "");
            TlsVersions::Both
        }
        (13, _) => TlsVersions::Only13,
        (_, Some((_, 12))) => TlsVersions::Only12,
        _ => TlsVersions::Both,
    }
}

fn tls_version(fields: &Fields, text: Text) -> Option<u8> {
    let version = ["TLS10", "TLS11", "TLS12", "TLS13"].iter().position(|word| *word == text.as_str());
    if version.is_none() {
        fields.error(text.span(), format!("unknown TLS version {:?}", text.shown()), "write TLS12 or TLS13");
    }
    version.map(|at| at as u8 + 10)
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
