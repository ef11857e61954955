//! Which proxy a request goes through, by Go's rules (`golang.org/x/net/http/httpproxy`), which Prometheus and Alertmanager follow.

use std::net::IpAddr;

use bellbuoy_vocabulary::{ProxyOptions, Secret};
use ipnet::IpNet;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Proxy, Url};

/// `None`: a header can not be sent.
pub fn proxies(options: &ProxyOptions) -> Option<[Proxy; 2]> {
    let mut headers = HeaderMap::new();
    for (name, value) in &options.connect_headers {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    let (http, https) = (rule(options, "http", &options.http), rule(options, "https", &options.https));
    // Only a CONNECT has the headers: with plain HTTP the proxy would hand them on to the other side.
    Some([Proxy::custom(http), Proxy::custom(https).headers(headers)])
}

fn rule(options: &ProxyOptions, scheme: &'static str, address: &Option<Secret>) -> impl Fn(&Url) -> Option<Url> + Send + Sync + 'static {
    let address = address.as_ref().and_then(|address| Url::parse(address.expose()).ok());
    let no_proxy = options.no_proxy.clone();
    move |url| {
        let direct = no_proxy.as_deref().is_some_and(|list| is_direct(list, url));
        address.clone().filter(|_| url.scheme() == scheme && !direct)
    }
}

/// Whether the list says to do without the proxy. This machine itself is never asked for through one.
fn is_direct(list: &str, url: &Url) -> bool {
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).trim_end_matches('.').to_lowercase();
    let port = url.port_or_known_default().unwrap_or(0);
    let ip: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
        return true;
    }
    list.split(',').map(|entry| entry.trim().to_lowercase()).any(|entry| matches(&entry, &host, ip, port))
}

fn matches(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return ip.is_some_and(|ip| network.contains(&ip));
    }
    // `host:port`; an IPv6 address has more colons, and brackets before a port.
    let (name, entry_port) = match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (entry, None),
    };
    let name = name.trim_matches(['[', ']']);
    if entry_port.is_some_and(|entry_port| entry_port.parse() != Ok(port)) || name.is_empty() {
        return false;
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return ip == Some(address);
    }
    // `example.org` is itself and all below it; `.example.org` and `*.example.org` only what is below.
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, url: &str, direct: bool) {
        assert_eq!(is_direct(list, &Url::parse(url).expect("an address")), direct, "{list} {url}");
    }

    #[test]
    fn no_proxy_as_in_go() {
        check("", "http://a.example.org/", false);
        check("", "http://localhost:9090/", true);
        check("", "http://127.0.0.2/", true);
        check("", "http://[::1]/", true);
        check("example.org", "http://example.org/", true);
        check("example.org", "http://a.EXAMPLE.org/", true);
        check("example.org", "http://notexample.org/", false);
        check(".example.org", "http://example.org/", false);
        check(".example.org, b", "http://a.example.org/", true);
        check("*.example.org", "http://a.example.org/", true);
        check("a, *", "http://whatever/", true);
        check("example.org:8080", "http://example.org/", false);
        check("example.org:8080", "http://example.org:8080/", true);
        check("example.org:443", "https://example.org/", true);
        check("10.0.0.0/8", "http://10.1.2.3/", true);
        check("10.0.0.0/8", "http://11.1.2.3/", false);
        check("10.1.2.3:80", "http://10.1.2.3/", true);
        check("fd00::/8", "http://[fd00::1]/", true);
        check("[fd00::1]:80", "http://[fd00::1]/", true);
        check("fd00::1", "http://[fd00::2]/", false);
        check(":80,,", "http://a/", false);
    }
}
