//! A PostgreSQL database: one connection, what is asked of it, and its errors in words that hold no password.
//!
//! In:    an address of the settings, a table or query. Out: rows as CSV or as JSON texts.
//! Never: writes (the session is read only); waits longer than its timeout; takes more rows or bytes than asked for.

use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bellbuoy_vocabulary::Millis;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{PostgresAddress, PostgresConnection, PostgresTls, Select, TlsMode};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Beside the server's own timeout, for one that does not answer at all.
const GRACE: Duration = Duration::from_secs(5);
const TEXT_CHARS_MAX: usize = 500;

/// Lowercase words; nothing of the address but what the server says itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PostgresError(pub String);

/// Ends with its last user.
pub struct Session {
    client: Client,
    task: tokio::task::JoinHandle<()>,
    timeout: Duration,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `timeout`: of each statement.
pub async fn connect(connection: &PostgresConnection, timeout: Millis) -> Result<Session, PostgresError> {
    let mut config = match &connection.address {
        PostgresAddress::Url(url) => Config::from_str(url.expose()).map_err(|_| PostgresError("the address can not be read".into()))?,
        PostgresAddress::Parts { host, port, database, user, password } => {
            let mut config = Config::new();
            config.host(host).port(*port).dbname(database).user(user);
            if let Some(password) = password {
                config.password(password.expose());
            }
            config
        }
    };
    config.application_name("bellbuoy").connect_timeout(CONNECT_TIMEOUT);
    config.ssl_mode(match connection.tls.mode {
        TlsMode::Disable => SslMode::Disable,
        TlsMode::Prefer => SslMode::Prefer,
        TlsMode::Require | TlsMode::VerifyFull => SslMode::Require,
    });
    let tls = MakeRustlsConnect::new(client_config(&connection.tls)?);
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT + GRACE, config.connect(tls)).await;
    let (client, task) = connecting.map_err(|_| late(CONNECT_TIMEOUT))?.map_err(|error| words(&error))?;
    let task = tokio::spawn(async move {
        // What broke is told to whoever asks next.
        let _ = task.await;
    });
    let session = Session { client, task, timeout: timeout.to_std() };
    let begin = format!("SET statement_timeout = {}; SET TIME ZONE 'UTC'; SET default_transaction_read_only = on", timeout.0.max(1));
    session.bounded(session.client.batch_execute(&begin)).await?;
    Ok(session)
}

/// Runs to its end on a thread of its own, wherever it is called from.
pub fn blocking<T: Send + 'static>(work: impl Future<Output = Result<T, PostgresError>> + Send + 'static) -> Result<T, PostgresError> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| PostgresError(error.to_string()))?.block_on(work)
    };
    std::thread::spawn(run).join().unwrap_or_else(|_| Err(PostgresError("the query ended in a panic".into())))
}

/// The table or query as something that stands in parentheses after FROM.
pub fn from_clause(select: &Select) -> String {
    match select {
        Select::Table(name) => {
            let parts: Vec<String> = name.split('.').map(quoted).collect();
            format!("SELECT * FROM {}", parts.join("."))
        }
        // A comment at its end must not swallow the parenthesis.
        Select::Query(query) => format!("{query}\n"),
    }
}

/// A name as PostgreSQL takes it in any spelling.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Session {
    /// The whole result as CSV with a header.
    pub async fn copy_csv(&self, select: &Select, rows_max: usize, bytes_max: usize) -> Result<Vec<u8>, PostgresError> {
        let (from, limit) = (from_clause(select), rows_max + 1);
        let copy = format!("COPY (SELECT * FROM ({from}) AS q LIMIT {limit}) TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING 'UTF8')");
        let work = async {
            let stream = self.client.copy_out(&copy).await.map_err(|error| words(&error))?;
            let mut stream = std::pin::pin!(stream);
            let (mut out, mut rows) = (Vec::new(), 0usize);
            while let Some(part) = next(&mut stream).await {
                let part = part.map_err(|error| words(&error))?;
                rows += 1;
                out.extend_from_slice(&part);
                if out.len() > bytes_max {
                    return Err(PostgresError(format!("the answer has more than {bytes_max} bytes; ask for fewer rows or columns")));
                }
            }
            // One part is one line; the first is the header.
            if rows > limit {
                return Err(PostgresError(format!("the answer has more than {rows_max} rows; add a LIMIT or a WHERE")));
            }
            Ok(out)
        };
        tokio::time::timeout(self.timeout + GRACE, work).await.map_err(|_| late(self.timeout))?
    }

    pub async fn prepare(&self, sql: &str) -> Result<Statement, PostgresError> {
        self.bounded(self.client.prepare(sql)).await
    }

    pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, PostgresError> {
        self.bounded(self.client.query(sql, params)).await
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, PostgresError> {
        match tokio::time::timeout(self.timeout + GRACE, work).await {
            Ok(done) => done.map_err(|error| words(&error)),
            Err(_) => Err(late(self.timeout)),
        }
    }
}

/// `StreamExt::next` without its crate.
async fn next<S: futures_core::Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_next(context)).await
}

fn late(timeout: Duration) -> PostgresError {
    PostgresError(format!("no answer within {} s", timeout.as_secs_f64()))
}

/// What the server said, or the causes of a failure.
fn words(error: &tokio_postgres::Error) -> PostgresError {
    use std::error::Error as _;
    let text = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(inner) = cause {
                let inner_text = inner.to_string();
                if !text.contains(&inner_text) {
                    text = format!("{text}: {inner_text}");
                }
                cause = inner.source();
            }
            text
        }
    };
    PostgresError(text.chars().take(TEXT_CHARS_MAX).collect::<String>().replace(['\r', '\n'], " "))
}

fn client_config(tls: &PostgresTls) -> Result<ClientConfig, PostgresError> {
    let bad = |error: rustls::Error| PostgresError(format!("the TLS settings: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().map_err(bad)?;
    match (tls.mode, &tls.ca) {
        (TlsMode::VerifyFull, Some(pem)) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|_| PostgresError("the CA certificate is not valid".into()))?;
                roots.add(certificate).map_err(bad)?;
            }
            Ok(builder.with_root_certificates(roots).with_no_client_auth())
        }
        (TlsMode::VerifyFull, None) => {
            use rustls_platform_verifier::BuilderVerifierExt as _;
            Ok(builder.with_platform_verifier().map_err(bad)?.with_no_client_auth())
        }
        _ => {
            let verifier = Arc::new(Unchecked(provider));
            Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
        }
    }
}

/// Takes every certificate, as libpq does unless it is told to verify; signatures are still checked.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
