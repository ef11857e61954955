//! One SMTP dialog, command by command: `lettre` speaks, we decide what an answer means for whom.

use std::time::Duration;

use bellbuoy_notify::{EmailSettings, FailKind};
use bellbuoy_vocabulary::TlsVersions;
use lettre::address::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, Identity, TlsParameters, TlsVersion};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::auth;

/// A server that says nothing more than "no such user" must not fill the record.
const TEXT_CHARS_MAX: usize = 120;

pub struct Session {
    connection: AsyncSmtpConnection,
}

/// Why nobody got the mail.
pub enum Stop {
    Refused { code: u16, text: String },
    Failed { kind: FailKind, reason: String },
}

/// A recipient that the server did not want.
#[derive(Debug)]
pub struct Refused {
    pub address: Address,
    pub code: u16,
    pub text: String,
}

impl Session {
    /// Connects, encrypts and authenticates as the settings say.
    pub async fn open(settings: &EmailSettings, timeout: Duration) -> Result<Session, Stop> {
        let broken = |reason: &str| Stop::Failed { kind: FailKind::Other, reason: reason.into() };
        let (host, port) = settings.smarthost.rsplit_once(':').ok_or_else(|| broken("smarthost is not host:port"))?;
        let port: u16 = port.parse().map_err(|_| broken("smarthost's port is not a number"))?;
        let host = host.trim_matches(['[', ']']);
        let hello = if settings.hello.is_empty() { ClientId::default() } else { ClientId::Domain(settings.hello.clone()) };
        let tls = || tls(settings, host).map_err(|reason| Stop::Failed { kind: FailKind::Tls, reason: reason.into() });
        let wrapper = if settings.implicit_tls { Some(tls()?) } else { None };
        let addresses: Vec<std::net::SocketAddr> = match tokio::net::lookup_host((host, port)).await {
            Ok(found) => found.collect(),
            Err(error) => return Err(Stop::Failed { kind: FailKind::Dns, reason: error.to_string() }),
        };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(timeout), &hello, wrapper, None).await.map_err(stop)?;
        if settings.require_tls && !settings.implicit_tls {
            if !connection.can_starttls() {
                connection.abort().await;
                let reason = "require_tls is true, and the server does not offer STARTTLS".into();
                return Err(Stop::Failed { kind: FailKind::Tls, reason });
            }
            connection.starttls(tls()?, &hello).await.map_err(stop)?;
        }
        let local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !settings.auth_username.is_empty() {
            auth::authenticate(&mut connection, settings, hello, local).await?;
        }
        Ok(Session { connection })
    }

    /// Gives the recipients that were refused; the others have the mail. `Err` when none of them has.
    pub async fn deliver(&mut self, from: Option<Address>, to: &[Address], mail: &[u8]) -> Result<Vec<Refused>, Stop> {
        let connection = &mut self.connection;
        let mut parameters = Vec::new();
        if from.iter().chain(to).any(|address| !address.to_string().is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let text = "an address is not ASCII, and the server does not offer SMTPUTF8".into();
                return Err(Stop::Refused { code: 553, text });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        connection.command(Mail::new(from, parameters)).await.map_err(stop)?;
        let mut refused = Vec::new();
        for address in to {
            if let Err(error) = connection.command(Rcpt::new(address.clone(), Vec::new())).await {
                let (Some(code), text) = (error.status(), words(&error)) else { return Err(stop(error)) };
                refused.push(Refused { address: address.clone(), code: code.into(), text });
            }
        }
        if refused.len() == to.len() {
            // As long as one may be taken later, the mail is not lost.
            let said = refused.iter().find(|refused| refused.code / 100 == 4).or(refused.first());
            let (code, text) = said.map_or((550, String::new()), |said| (said.code, format!("{}: {}", said.address, said.text)));
            connection.abort().await;
            return Err(Stop::Refused { code, text });
        }
        connection.command(Data).await.map_err(stop)?;
        connection.message(mail).await.map_err(stop)?;
        Ok(refused)
    }

    /// The mail is delivered by now, whatever the server says to this.
    pub async fn close(mut self) {
        let _ = self.connection.quit().await;
    }
}

fn tls(settings: &EmailSettings, host: &str) -> Result<TlsParameters, &'static str> {
    let options = &settings.tls;
    let name = options.server_name.as_deref().unwrap_or(host);
    let mut tls = TlsParameters::builder(name.to_string()).dangerous_accept_invalid_certs(options.insecure_skip_verify);
    if let Some(ca) = options.ca.as_ref().filter(|ca| !ca.is_empty()) {
        let certificate = Certificate::from_pem(ca.as_bytes()).map_err(|_| "the CA certificate is not valid")?;
        // As with HTTP: who names an authority trusts that one only.
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    if let (Some(certificate), Some(key)) = (&options.cert, &options.key) {
        // lettre takes the bytes of one certificate as they go over the wire, whatever the function's name says.
        let wire = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| "the client certificate is not valid")?;
        let identity = Identity::from_pem(&wire, key.expose().as_bytes()).map_err(|_| "the client key is not valid")?;
        tls = tls.identify_with(identity);
    }
    if options.versions == TlsVersions::Only13 {
        tls = tls.set_min_tls_version(TlsVersion::Tlsv13);
    }
    tls.build_rustls().map_err(|_| "the TLS settings are not valid")
}

pub fn stop(error: Error) -> Stop {
    let text = words(&error);
    match error.status() {
        Some(code) => Stop::Refused { code: code.into(), text },
        None if error.is_timeout() => Stop::Failed { kind: FailKind::Timeout, reason: text },
        None if error.is_tls() || tls_words(&text) => Stop::Failed { kind: FailKind::Tls, reason: text },
        None => Stop::Failed { kind: FailKind::Connect, reason: text },
    }
}

/// A failed handshake comes as a broken connection.
fn tls_words(text: &str) -> bool {
    let text = text.to_lowercase();
    ["certificate", "handshake", "fatal alert", "corrupt message"].iter().any(|word| text.contains(word))
}

/// What the server said, or the cause of a failure.
fn words(error: &Error) -> String {
    use std::error::Error as _;
    let text = error.source().map_or_else(|| error.to_string(), |inner| inner.to_string());
    text.chars().take(TEXT_CHARS_MAX).collect::<String>().replace(['\r', '\n', ';'], " ")
}
