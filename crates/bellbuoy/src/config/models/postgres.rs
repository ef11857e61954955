//! How a PostgreSQL database is reached: `url`, `url_file`, or `host` and its like; `sslmode` and `ca_file`.

use std::str::FromStr;

use bellbuoy_vocabulary::Secret;

use super::super::http::one_of;
use super::super::model_config::{PostgresAddress, PostgresConnection, PostgresTls, TlsMode};
use super::super::read::Fields;
use super::{Context, word};

const PORT: u16 = 5432;

/// Reads the keys that stand beside others.
pub fn connection(fields: &Fields, context: &Context) -> Option<PostgresConnection> {
    let url = one_of(fields, "url", "url_file", context.folder, context.files);
    let ca = super::super::http::file(fields, "ca_file", context.folder, context.files);
    if ca.as_ref().is_some_and(|pem| !reqwest::Certificate::from_pem_bundle(pem.as_bytes()).is_ok_and(|found| !found.is_empty())) {
        fields.error(
            fields.key_span("ca_file"),
            "ca_file holds no certificate that can be read",
            "it must be PEM: -----BEGIN CERTIFICATE-----",
        );
    }
    let modes = TlsMode::ALL.map(|mode| (mode.word(), mode));
    let mut mode = word(fields, "sslmode", &modes);
    let parts = parts(fields, context);
    let said_url = fields.node("url").is_some() || fields.node("url_file").is_some();
    let address = match (url, parts) {
        (Some(url), None) => {
            let (url, in_url) = without_mode(url.expose());
            mode = mode.or(in_url);
            url_ok(fields, &url);
            Some(PostgresAddress::Url(Secret::new(url)))
        }
        (None, Some(parts)) => Some(parts),
        (Some(_), Some(_)) => {
            let key = fields.key_span(if fields.has("url") { "url" } else { "url_file" });
            fields.error(key, "the address is given twice", "use url (or url_file), or host and its like");
            None
        }
        // Reported already: a file that can not be read, a variable that is not set.
        (None, None) if said_url || fields.unset("url") || fields.unset("url_file") || fields.node("host").is_some() => None,
        (None, None) => {
            let help = "add `url_file: FILE`, `url: postgres://...`, or host, database, user and password_file";
            fields.error(fields.span, format!("{:?} without an address", fields.what), help);
            None
        }
    };
    if ca.is_some() && mode.is_some_and(|mode| mode != TlsMode::VerifyFull) {
        fields.error(
            fields.key_span("ca_file"),
            "a \"ca_file\" is looked at with sslmode verify-full only",
            "write `sslmode: verify-full`",
        );
    }
    let default = if ca.is_some() { TlsMode::VerifyFull } else { TlsMode::Prefer };
    address.map(|address| PostgresConnection { address, tls: PostgresTls { mode: mode.unwrap_or(default), ca } })
}

fn parts(fields: &Fields, context: &Context) -> Option<PostgresAddress> {
    let password = one_of(fields, "password", "password_file", context.folder, context.files);
    let port = fields.integer("port");
    if port.is_some_and(|port| port == 0 || port > u64::from(u16::MAX)) {
        fields.error(fields.key_span("port"), "\"port\" must be from 1 to 65535", "the usual is 5432");
    }
    let (database, user) = (fields.string("database"), fields.string("user"));
    let Some(host) = fields.string("host") else {
        for key in ["port", "database", "user", "password", "password_file"] {
            if fields.node(key).is_some() && fields.node("url").is_none() && fields.node("url_file").is_none() {
                fields.error(fields.key_span(key), format!("{key:?} without a \"host\""), "add `host: NAME`");
                break;
            }
        }
        return None;
    };
    for (key, value) in [("database", &database), ("user", &user)] {
        if value.is_none() && !fields.unset(key) {
            fields.error(fields.span, format!("{key:?} is missing beside \"host\""), format!("add `{key}: NAME`"));
        }
    }
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(PORT);
    Some(PostgresAddress::Parts { host, port, database: database?, user: user?, password })
}

/// The address without its `sslmode`, which the client knows only half of.
fn without_mode(url: &str) -> (String, Option<TlsMode>) {
    let Some((address, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut mode = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.strip_prefix("sslmode=") {
            // Weaker than it sounds without the host's name, so it is the same here.
            Some("verify-ca" | "verify-full") => mode = Some(TlsMode::VerifyFull),
            Some("allow") => mode = Some(TlsMode::Prefer),
            Some(word) => match TlsMode::ALL.into_iter().find(|known| known.word() == word) {
                Some(known) => mode = Some(known),
                None => rest.push(pair),
            },
            None => rest.push(pair),
        }
    }
    (if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) }, mode)
}

/// The error of the client may quote a part of the address, so none of it is shown.
fn url_ok(fields: &Fields, url: &str) {
    let key = if fields.node("url").is_some() { "url" } else { "url_file" };
    let good = tokio_postgres::Config::from_str(url).is_ok_and(|config| !config.get_hosts().is_empty());
    if !good {
        let help = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE";
        fields.error(fields.key_span(key), format!("{key:?} is not the address of a PostgreSQL database"), help);
    }
}
