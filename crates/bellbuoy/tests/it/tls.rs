//! The TLS side of test servers, on fixed certificates (`certs/make.sh`).

use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use super::harness::ReadWrite;

pub const CA: &str = include_str!("certs/ca.pem");
pub const CLIENT: &str = include_str!("certs/client.pem");
pub const CLIENT_KEY: &str = include_str!("certs/client.key");
const SERVER: &str = include_str!("certs/server.pem");
const SERVER_KEY: &str = include_str!("certs/server.key");

/// For `localhost`, `mail.test` and `127.0.0.1`. No versions: all.
pub fn server(client_certificate: bool, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = if versions.is_empty() { rustls::ALL_VERSIONS } else { versions };
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).expect("versions");
    let builder = if client_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CA.as_bytes()).expect("PEM")).expect("a root");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let certificate = CertificateDer::from_pem_slice(SERVER.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY.as_bytes()).expect("PEM");
    Arc::new(builder.with_single_cert(vec![certificate], key).expect("a certificate with its key"))
}

/// The connection after its handshake; none when the other side did not like it.
pub fn accept(config: &Arc<ServerConfig>, mut stream: TcpStream) -> Option<Box<dyn ReadWrite>> {
    let mut connection = ServerConnection::new(config.clone()).expect("settings of a server");
    connection.complete_io(&mut stream).ok()?;
    Some(Box::new(StreamOwned::new(connection, stream)))
}
