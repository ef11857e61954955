//! `proxy_url`, `no_proxy`, `proxy_from_environment` and `proxy_connect_header`, as they stand beside others in an HTTP configuration.

use bellbuoy_vocabulary::{ProxyOptions, Secret};

use super::Files;
use super::http::{header_value_ok, reserved};
use super::read::{Fields, Text};
use super::yaml::Value;

/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the program's environment, in either case.
#[derive(Debug, Default)]
pub struct ProxyEnvironment {
    http: Option<Secret>,
    https: Option<Secret>,
    no_proxy: String,
}

impl ProxyEnvironment {
    pub fn read(env: &dyn Fn(&str) -> Option<String>) -> ProxyEnvironment {
        let find = |name: &str| env(name).or_else(|| env(&name.to_lowercase())).filter(|value| !value.is_empty());
        // Without a scheme it is an HTTP proxy, as everywhere.
        let address = |name| find(name).map(|url| Secret::new(if url.contains("://") { url } else { format!("http://{url}") }));
        ProxyEnvironment { http: address("HTTP_PROXY"), https: address("HTTPS_PROXY"), no_proxy: find("NO_PROXY").unwrap_or_default() }
    }
}

/// Reads the four keys. The rules about which may stand together are Prometheus'.
pub fn read(fields: &Fields, files: &Files) -> Option<Box<ProxyOptions>> {
    let url = fields.text("proxy_url").filter(|text| !text.as_str().is_empty());
    let no_proxy = fields.string("no_proxy").filter(|list| !list.is_empty());
    let from_environment = fields.boolean("proxy_from_environment").unwrap_or(false);
    let connect_headers = connect_headers(fields);
    if url.is_none() && !from_environment {
        for (key, said) in [("no_proxy", no_proxy.is_some()), ("proxy_connect_header", !connect_headers.is_empty())] {
            if said && !fields.unset("proxy_url") {
                let way_out = if key == "no_proxy" { "add proxy_url" } else { "add proxy_url or proxy_from_environment" };
                fields.error(fields.key_span(key), format!("{key} says nothing without a proxy"), way_out);
            }
        }
    }
    if from_environment {
        for (key, said) in [("proxy_url", url.is_some()), ("no_proxy", no_proxy.is_some())] {
            if said {
                let message = format!("at most one of {key} and proxy_from_environment can be used");
                fields.error(fields.key_span(key), message, "NO_PROXY of the environment counts too");
            }
        }
        let found = &files.proxies;
        let options =
            ProxyOptions { http: found.http.clone(), https: found.https.clone(), no_proxy: Some(found.no_proxy.clone()), connect_headers };
        for (name, address) in [("HTTP_PROXY", &options.http), ("HTTPS_PROXY", &options.https)] {
            if let Some(reason) = address.as_ref().and_then(|address| proxy_problem(address.expose())) {
                let message = format!("{name} of the environment is not a proxy's address: {reason}");
                fields.error(fields.key_span("proxy_from_environment"), message, "");
            }
        }
        return (options.http.is_some() || options.https.is_some()).then(|| Box::new(options));
    }
    let url = url?;
    if let Some(reason) = proxy_problem(url.as_str()) {
        fields.error(url.span(), format!("\"proxy_url\" is not a proxy's address: {reason}"), "write for example http://proxy:3128");
    }
    fields.report.hide(url.node.bytes.clone());
    let address = Some(Secret::new(url.as_str()));
    Some(Box::new(ProxyOptions { http: address.clone(), https: address, no_proxy, connect_headers }))
}

fn proxy_problem(url: &str) -> Option<&'static str> {
    let scheme = ["http://", "https://", "socks5://", "socks5h://"].into_iter().find(|scheme| url.starts_with(scheme));
    match (scheme, reqwest::Url::parse(url)) {
        (None, _) => Some("it must begin with http://, https://, socks5:// or socks5h://"),
        (_, Ok(url)) if url.has_host() => None,
        _ => Some("it can not be read"),
    }
}

/// A map of names to lists of values.
fn connect_headers(fields: &Fields) -> Vec<(String, Secret)> {
    let mut found = Vec::new();
    let Some(node) = fields.node("proxy_connect_header") else { return found };
    let Value::Map(entries) = &node.value else {
        fields.error(node.span, "\"proxy_connect_header\" must be a map", "write it as `Name: [value]` lines");
        return found;
    };
    for entry in entries {
        if let Some(reason) = reserved(&entry.key).filter(|_| !entry.key.eq_ignore_ascii_case("proxy-authorization")) {
            fields.error(entry.key_span, format!("header {:?} can not be set: {reason}", entry.key), "");
            continue;
        }
        let Value::List(items) = &entry.value.value else {
            fields.error(entry.value.span, format!("{:?} must be a list of values", entry.key), "write [value]");
            continue;
        };
        for text in items.iter().filter_map(Text::of) {
            fields.report.hide(text.node.bytes.clone());
            if header_value_ok(text.as_str()) {
                found.push((entry.key.clone(), Secret::new(text.as_str())));
            } else {
                fields.error(text.span(), format!("the value of header {:?} has a line end or control character", entry.key), "");
            }
        }
    }
    found
}
