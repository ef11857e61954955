//! tell: hands a composed mail to an SMTP server. A small adapter around `lettre`.
//!
//! In:    an `EmailMessage`. Out: an `Answer` with the server's code.
//! Never: shows the password.

use std::time::Duration;

use bellbuoy_notify::{Answer, EmailMessage, FailKind};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

pub async fn send(mail: &EmailMessage, timeout: Duration) -> Answer {
    let message = match message(mail) {
        Ok(message) => message,
        Err(reason) => return Answer::Email { code: 553, text: reason },
    };
    let transport = match transport(mail, timeout) {
        Ok(transport) => transport,
        Err(reason) => return Answer::Failed { kind: FailKind::Other, reason },
    };
    match transport.send(message).await {
        Ok(response) => Answer::Email { code: response.code().into(), text: response.first_line().unwrap_or("").to_string() },
        Err(error) => match error.status() {
            Some(code) => Answer::Email { code: code.into(), text: error.to_string() },
            None => {
                let kind = if error.is_timeout() {
                    FailKind::Timeout
                } else if error.is_tls() {
                    FailKind::Tls
                } else {
                    FailKind::Connect
                };
                Answer::Failed { kind, reason: error.to_string() }
            }
        },
    }
}

fn message(mail: &EmailMessage) -> Result<Message, String> {
    let address = |text: &str| text.trim().parse::<Mailbox>().map_err(|error| format!("mail address {text:?}: {error}"));
    let mut builder = Message::builder().from(address(&mail.from)?).subject(mail.subject.clone()).message_id(Some(mail.message_id.clone()));
    for to in mail.to.split(',').filter(|to| !to.trim().is_empty()) {
        builder = builder.to(address(to)?);
    }
    if !mail.references.is_empty() {
        builder = builder.references(mail.references.clone()).in_reply_to(mail.references.clone());
    }
    for (name, value) in &mail.headers {
        let name = HeaderName::new_from_ascii(name.clone()).map_err(|_| format!("mail header {name:?} is not valid"))?;
        builder = builder.raw_header(HeaderValue::new(name, value.replace(['\r', '\n'], " ")));
    }
    let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone());
    let built = if mail.html.is_empty() {
        builder.singlepart(text)
    } else {
        let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(mail.html.clone());
        builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
    };
    built.map_err(|error| format!("the mail could not be built: {error}"))
}

fn transport(mail: &EmailMessage, timeout: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let settings = &mail.settings;
    let (host, port) = settings.smarthost.rsplit_once(':').ok_or("smarthost is not host:port")?;
    let port: u16 = port.parse().map_err(|_| "smarthost's port is not a number")?;
    let mut tls = TlsParameters::builder(host.to_string()).dangerous_accept_invalid_certs(settings.insecure_skip_verify);
    if let Some(ca) = &settings.ca {
        let certificate = Certificate::from_pem(ca.as_bytes()).map_err(|_| "the CA certificate is not valid")?;
        tls = tls.add_root_certificate(certificate);
    }
    let tls = tls.build_rustls().map_err(|_| "the TLS settings are not valid")?;
    let tls = match (settings.implicit_tls, settings.require_tls) {
        (true, _) => Tls::Wrapper(tls),
        (false, true) => Tls::Required(tls),
        (false, false) => Tls::Opportunistic(tls),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port).tls(tls).timeout(Some(timeout));
    if !settings.hello.is_empty() {
        builder = builder.hello_name(ClientId::Domain(settings.hello.clone()));
    }
    if !settings.auth_username.is_empty() {
        builder = builder.credentials(Credentials::new(settings.auth_username.clone(), settings.auth_password.expose().to_string()));
    }
    Ok(builder.build())
}
