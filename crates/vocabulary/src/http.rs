//! How to speak HTTP to somebody: Prometheus' `HTTPClientConfig` with its files read and its defaults filled in.
//!
//! Scrape and notify carry it; only the boat's client reads it. Equal options share connections and tokens.

use crate::Secret;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HttpOptions {
    pub basic_auth: Option<(String, Secret)>,
    /// The whole value of the `Authorization` header: `Bearer <token>`.
    pub authorization: Option<Secret>,
    pub oauth2: Option<Box<OAuth2Options>>,
    /// Name and value; a name may come several times.
    pub headers: Vec<(String, Secret)>,
    pub tls: TlsOptions,
    pub proxy: Option<Box<ProxyOptions>>,
    pub follow_redirects: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// PEM texts, read from `ca_file`, `cert_file`, `key_file` or given in place.
    pub ca: Option<String>,
    pub cert: Option<String>,
    pub key: Option<Secret>,
    /// The name that the certificate must have, when it is not the address' own.
    pub server_name: Option<String>,
    pub insecure_skip_verify: bool,
    pub versions: TlsVersions,
}

/// What `min_version` and `max_version` leave of TLS 1.2 and 1.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsVersions {
    #[default]
    Both,
    Only12,
    Only13,
}

/// Addresses of proxies are secrets: they may hold a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProxyOptions {
    /// For `http://` addresses.
    pub http: Option<Secret>,
    /// For `https://` addresses.
    pub https: Option<Secret>,
    /// Hosts that are spoken to directly, with commas between them. `None`: there is no list, and even this machine is reached
    /// through the proxy.
    pub no_proxy: Option<String>,
    /// For the proxy itself, when it is asked to connect.
    pub connect_headers: Vec<(String, Secret)>,
}

/// OAuth 2.0 with client credentials (RFC 6749, 4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OAuth2Options {
    pub client_id: String,
    pub client_secret: Secret,
    pub scopes: Vec<String>,
    pub token_url: String,
    /// More fields of the form.
    pub endpoint_params: Vec<(String, String)>,
    pub tls: TlsOptions,
    pub proxy: Option<Box<ProxyOptions>>,
}
