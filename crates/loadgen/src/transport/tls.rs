//! The certificates that a client trusts, and the TLS handshake: TLS 1.3 with rustls, or 1.2 with a server that has no
//! newer version, as some public ones; feedlab's own servers always select 1.3.
//!
//! Each client acts as a separate browser: the session tickets that its connections leave for the next one are not
//! shared with other clients. Everything else is.

use std::io;
use std::sync::Arc;

use feedlab_experiment::scenario::Http;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion, version};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::leg::Counted;

/// The number of sessions that a client remembers: rustls keeps eight tickets per server, and this is one server.
const SESSIONS: usize = 8;
/// The versions that a client accepts.
const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

/// The certificates that clients trust. Cheap to clone, and shared by all clients of a job.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// Why no certificate can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The text has no certificate.
    #[error("there is no certificate in it: PEM is expected, with `-----BEGIN CERTIFICATE-----`")]
    Empty,
    /// The system has no trusted authorities.
    #[error("this system has no certificates of trusted authorities: name a file with --cacert FILE")]
    NoAuthority,
    /// A certificate cannot be read. Holds the reason.
    #[error("a certificate in it cannot be read: {0}")]
    Unreadable(String),
}

impl Tls {
    /// Trusts the certificates of a PEM text and those that they signed, and no others. A certificate that is itself in
    /// the text is trusted whatever its names and its validity period.
    ///
    /// # Errors
    /// When the text has no certificate, or one that cannot be read.
    pub fn trusting(pem: &str) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let mut named = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(unreadable)?;
            roots.add(certificate.clone()).map_err(unreadable)?;
            named.push(certificate);
        }
        if named.is_empty() {
            return Err(TlsError::Empty);
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let chain = verifier.build().map_err(unreadable)?;
        Self::new(&provider, Trust { named, chain: Some(chain), provider: provider.clone() })
    }

    /// Trusts the authorities of this system, as its programs do; `SSL_CERT_FILE` and `SSL_CERT_DIR` override them.
    ///
    /// # Errors
    /// When the system has none.
    pub fn trusting_system() -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        // An authority that cannot be read is not trusted.
        if roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs).0 == 0 {
            return Err(TlsError::NoAuthority);
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&VERSIONS).map_err(unreadable)?;
        Ok(Self { config: Arc::new(builder.with_root_certificates(roots).with_no_client_auth()) })
    }

    /// Skips certificate verification: the connection is encrypted, but the server's identity is unknown.
    ///
    /// # Errors
    /// None are known.
    pub fn without_verification() -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        Self::new(&provider, Trust { named: Vec::new(), chain: None, provider: provider.clone() })
    }

    fn new(provider: &Arc<CryptoProvider>, trust: Trust) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(&VERSIONS).map_err(unreadable)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(trust));
        Ok(Self { config: Arc::new(builder.with_no_client_auth()) })
    }

    /// Returns a connector that offers these protocols by ALPN, the preferred first, and remembers its own sessions
    /// only.
    #[must_use]
    pub fn connector(&self, alpn: &[&[u8]]) -> TlsConnector {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Arc::new(config).into()
    }

    /// Returns the connector of one client. It offers only one HTTP version, so that none is measured in place of the
    /// other.
    pub(super) fn of_a_client(&self, http: Http) -> TlsConnector {
        self.connector(&[alpn(http)])
    }
}

fn unreadable(why: impl std::fmt::Display) -> TlsError {
    TlsError::Unreadable(why.to_string())
}

/// The ALPN name of an HTTP version (RFC 7301, section 6; RFC 9113, section 3.2).
const fn alpn(http: Http) -> &'static [u8] {
    match http {
        Http::V1 => b"http/1.1",
        Http::V2 => b"h2",
    }
}

/// Does the handshake with the server of a host name or address. A server that does not select a protocol is assumed to
/// use HTTP/1.1.
pub(super) async fn handshake(
    connector: &TlsConnector,
    host: &str,
    http: Http,
    stream: Counted,
) -> io::Result<TlsStream<Counted>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = connector.connect(name, stream).await?;
    if http == Http::V2 && stream.get_ref().1.alpn_protocol() != Some(alpn(http)) {
        return Err(io::Error::other("the server does not agree on HTTP/2 (ALPN `h2`)"));
    }
    Ok(stream)
}

/// Verifies certificates.
#[derive(Debug)]
struct Trust {
    /// Certificates that are trusted themselves. The rules for chains would reject a self-signed certificate, as
    /// `openssl req -x509` makes it, as a server's.
    named: Vec<CertificateDer<'static>>,
    /// Verifies chains that lead to one of them; `None` accepts any certificate.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.chain {
            Some(chain) if !self.named.contains(end_entity) => {
                chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_certificate_is_rejected_with_what_is_expected() {
        for (pem, needle) in [
            ("", "there is no certificate"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "there is no certificate"),
            ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "cannot be read"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "cannot be read"),
        ] {
            let error = Tls::trusting(pem).unwrap_err().to_string();
            assert!(error.contains(needle), "{pem}: {error}");
        }
    }

    #[test]
    fn clients_share_the_trusted_certificates_and_no_sessions() {
        let tls = Tls::without_verification().unwrap();
        let (one, other) = (tls.of_a_client(Http::V1), tls.of_a_client(Http::V2));
        assert!(!Arc::ptr_eq(one.config(), other.config()));
        assert!(Arc::ptr_eq(one.config().crypto_provider(), other.config().crypto_provider()));
        assert_eq!(
            (&*one.config().alpn_protocols[0], &*other.config().alpn_protocols[0]),
            (&b"http/1.1"[..], &b"h2"[..])
        );
        assert_eq!(tls.connector(&[b"h2", b"http/1.1"]).config().alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    }
}
