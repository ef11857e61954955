//! The one HTTP client: scrapes, notifications and the demo's calls go out through it.
//!
//! In:    a request and `HttpOptions`: TLS, proxy, credentials, headers, redirects.
//! Out:   status, headers and a body of at most as many bytes as asked for; or a reason without secrets.
//! Never: shows an address or a token in an error (`reqwest` prints URLs, so its errors are put in words here).

mod oauth2;
mod proxy;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use bellbuoy_vocabulary::{HttpOptions, ProxyOptions, Secret, TlsOptions, TlsVersions};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use self::oauth2::Tokens;

/// Clients with different TLS and proxy settings that are kept; each has a connection pool of its own.
const CLIENTS_MAX: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than the usual scrape interval of a minute, so that connections are kept between scrapes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(150);
const REDIRECTS_MAX: usize = 10;
const TIMEOUT_WORDS: &str = "context deadline exceeded: no answer within the timeout";

/// What a connection pool is for: equal ones share it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Connection {
    tls: TlsOptions,
    proxy: Option<Box<ProxyOptions>>,
    follow_redirects: bool,
    /// The requests have something to say.
    has_body: bool,
    /// With `server_name`, the address' own host: the name is resolved to it.
    real_host: String,
}

#[derive(Clone)]
pub struct Request<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub headers: &'a [(String, String)],
    pub body: Vec<u8>,
    pub timeout: Duration,
    pub body_bytes_max: u64,
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The body was longer than allowed and was cut.
    pub cut: bool,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// Without the address.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The settings or the address can not work.
    Invalid,
    Dns,
    Connect,
    Tls,
    Timeout,
    Broken,
}

#[derive(Default)]
pub struct Clients {
    by_connection: Mutex<HashMap<Connection, reqwest::Client>>,
    tokens: Tokens,
}

impl Clients {
    pub fn new() -> Clients {
        // Fails only when a provider is already installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Clients::default()
    }

    pub async fn send(&self, options: &HttpOptions, request: Request<'_>) -> Result<Response, Failure> {
        let Some(oauth2) = options.oauth2.as_ref().filter(|_| options.authorization.is_none()) else {
            return self.send_plain(options, request, None).await;
        };
        let timeout = request.timeout;
        let both = async {
            let token = self.tokens.header(self, oauth2, None, timeout).await?;
            let response = self.send_plain(options, request.clone(), Some(&token)).await?;
            if response.status != 401 {
                return Ok(response);
            }
            // Taken back before its time, perhaps.
            let token = self.tokens.header(self, oauth2, Some(&token), timeout).await?;
            self.send_plain(options, request, Some(&token)).await
        };
        let late = || Failure { kind: FailureKind::Timeout, reason: TIMEOUT_WORDS.into() };
        tokio::time::timeout(timeout, both).await.unwrap_or_else(|_| Err(late()))
    }

    async fn send_plain(&self, options: &HttpOptions, request: Request<'_>, token: Option<&Secret>) -> Result<Response, Failure> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("method"))?;
        let mut url = reqwest::Url::parse(request.url).map_err(|_| invalid("URL"))?;
        let mut headers = HeaderMap::new();
        let mut real_host = String::new();
        if let Some(name) = options.tls.server_name.as_ref().filter(|_| url.scheme() == "https") {
            // TLS checks the name of the URL's host, so the URL gets the name, the resolver the host, the Host header the old text.
            real_host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_string();
            let authority =
                url.port().map_or(url.host_str().unwrap_or("").to_string(), |port| format!("{}:{port}", url.host_str().unwrap_or("")));
            headers.insert(reqwest::header::HOST, HeaderValue::from_str(&authority).map_err(|_| invalid("URL"))?);
            url.set_host(Some(name)).map_err(|_| invalid("server_name"))?;
        }
        let client = self.client(Connection {
            tls: options.tls.clone(),
            proxy: options.proxy.clone(),
            follow_redirects: options.follow_redirects,
            has_body: !request.body.is_empty(),
            real_host,
        })?;
        for (name, value) in request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("header name"))?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| invalid("header value"))?);
        }
        for (name, value) in &options.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("header name"))?;
            headers.append(name, secret_value(value, "header value")?);
        }
        if let Some(value) = token.or(options.authorization.as_ref()) {
            headers.insert(reqwest::header::AUTHORIZATION, secret_value(value, "authorization")?);
        }
        let mut builder = client.request(method, url).headers(headers).timeout(request.timeout);
        if let Some((user, password)) = options.basic_auth.as_ref().filter(|_| token.is_none() && options.authorization.is_none()) {
            builder = builder.basic_auth(user, Some(password.expose()));
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        }
        let mut response = builder.send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_string(), value.to_str().ok()?.to_string())))
            .collect();
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0).min(request.body_bytes_max) as usize);
        let mut cut = false;
        // Chunks are what came out of decompression, so a small gzip body that grows without end stops here too.
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() as u64 + chunk.len() as u64 > request.body_bytes_max {
                cut = true;
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body, cut })
    }

    fn client(&self, connection: Connection) -> Result<reqwest::Client, Failure> {
        let mut clients = self.by_connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(client) = clients.get(&connection) {
            return Ok(client.clone());
        }
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        let client = build(&connection)?;
        clients.insert(connection, client.clone());
        Ok(client)
    }
}

fn secret_value(value: &Secret, what: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(value.expose()).map_err(|_| invalid(what))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Resolves every name to one host: that of a target whose certificate has another name.
struct Fixed(String);

impl reqwest::dns::Resolve for Fixed {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let addresses: Vec<std::net::SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let addresses: reqwest::dns::Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

fn build(connection: &Connection) -> Result<reqwest::Client, Failure> {
    let tls = &connection.tls;
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("bellbuoy/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirects(connection))
        .http1_only()
        .tcp_nodelay(true)
        // The environment's proxies count only where the settings say so.
        .no_proxy();
    for proxy in connection.proxy.iter().map(|options| proxy::proxies(options).ok_or_else(|| invalid("proxy_connect_header"))) {
        let [http, https] = proxy?;
        builder = builder.proxy(http).proxy(https);
    }
    if !connection.real_host.is_empty() {
        builder = builder.dns_resolver(std::sync::Arc::new(Fixed(connection.real_host.clone())));
    }
    if let Some(ca) = tls.ca.as_ref().filter(|ca| !ca.is_empty()) {
        let certificates = reqwest::Certificate::from_pem_bundle(ca.as_bytes()).map_err(|_| invalid("CA certificate"))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let (Some(certificate), Some(key)) = (&tls.cert, &tls.key) {
        let pem = format!("{certificate}\n{}", key.expose());
        let identity = reqwest::Identity::from_pem(pem.as_bytes()).map_err(|_| invalid("client certificate or key"))?;
        builder = builder.identity(identity);
    }
    if tls.insecure_skip_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder = match tls.versions {
        TlsVersions::Both => builder,
        TlsVersions::Only12 => builder.tls_version_max(reqwest::tls::Version::TLS_1_2),
        TlsVersions::Only13 => builder.tls_version_min(reqwest::tls::Version::TLS_1_3),
    };
    builder.build().map_err(|_| invalid("TLS settings"))
}

/// "Moved for good" makes a GET without a body out of a POST, as in every client: the new place would say "fine" to a message that it
/// never saw. Such an answer is given back. 302 and 303 often say "I have it, look there for the result" and are followed.
fn redirects(connection: &Connection) -> reqwest::redirect::Policy {
    let has_body = connection.has_body;
    match connection.follow_redirects {
        false => reqwest::redirect::Policy::none(),
        true => reqwest::redirect::Policy::custom(move |attempt| match attempt.status().as_u16() {
            301 if has_body => attempt.stop(),
            _ if attempt.previous().len() > REDIRECTS_MAX => attempt.error("too many redirects"),
            _ => attempt.follow(),
        }),
    }
}

fn invalid(what: &str) -> Failure {
    Failure { kind: FailureKind::Invalid, reason: format!("the {what} is not valid") }
}

/// The innermost cause in words; the outer layers of `reqwest` repeat the URL, which may hold a token.
fn failure(error: &reqwest::Error) -> Failure {
    use std::error::Error as _;
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let words = if error.source().is_some() { cause.to_string() } else { String::new() };
    let lower = words.to_lowercase();
    let kind = if error.is_timeout() {
        FailureKind::Timeout
    } else if lower.contains("certificate")
        || lower.contains("tls")
        || lower.contains("handshake")
        || lower.contains("corrupt message")
        || lower.contains("fatal alert")
    {
        FailureKind::Tls
    } else if lower.contains("lookup") || lower.contains("name or service") || lower.contains("name resolution") {
        FailureKind::Dns
    } else if error.is_connect() {
        FailureKind::Connect
    } else {
        FailureKind::Broken
    };
    let reason = match kind {
        FailureKind::Timeout => TIMEOUT_WORDS.to_string(),
        _ if words.is_empty() => "the connection broke".to_string(),
        _ => words,
    };
    Failure { kind, reason }
}
