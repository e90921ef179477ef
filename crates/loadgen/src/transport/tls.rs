//! Whom a client trusts, and the handshake that shows it: TLS 1.3 by rustls.
//!
//! Each client is a browser of its own: what its connections leave behind for the next one (session tickets) is not
//! shared with others. Everything else is.

use std::io;
use std::sync::Arc;

use feedlab_experiment::scenario::Http;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, version};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::leg::Counted;

/// Sessions that a client remembers: rustls keeps eight tickets of a server, and this is one server.
const SESSIONS: usize = 8;

/// Whom clients trust. Cheap to clone, and shared by all clients of a job.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no certificate.
    #[error("there is no certificate in it; PEM is wanted, with `-----BEGIN CERTIFICATE-----`")]
    Empty,
    /// The system trusts nobody.
    #[error("this system has no certificates of authorities; name one with --cacert FILE")]
    NoAuthority,
    /// A certificate that cannot be read.
    #[error("a certificate in it cannot be read: {0}")]
    Unreadable(String),
}

impl Tls {
    /// Trusts the certificates of a PEM text, and those that they signed; nobody else. A certificate that is named
    /// itself is trusted as it stands, whatever it says of names and times.
    ///
    /// # Errors
    /// When the text holds no certificate, or one that cannot be read.
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

    /// Trusts the authorities of this system, as its programs do; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others. A server of
    /// the web may speak TLS 1.2 still.
    ///
    /// # Errors
    /// When the system has none.
    pub fn trusting_system() -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        // One that cannot be read is one that is not trusted.
        if roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs).0 == 0 {
            return Err(TlsError::NoAuthority);
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[&version::TLS13, &version::TLS12]).map_err(unreadable)?;
        Ok(Self { config: Arc::new(builder.with_root_certificates(roots).with_no_client_auth()) })
    }

    /// Trusts whoever answers: the connection is encrypted, and nobody knows with whom.
    ///
    /// # Errors
    /// None that are known.
    pub fn without_verification() -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        Self::new(&provider, Trust { named: Vec::new(), chain: None, provider: provider.clone() })
    }

    fn new(provider: &Arc<CryptoProvider>, trust: Trust) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(&[&version::TLS13]).map_err(unreadable)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(trust));
        Ok(Self { config: Arc::new(builder.with_no_client_auth()) })
    }

    /// What a client makes its connections with. It offers one version of HTTP alone, so that none is measured for the
    /// other.
    pub(super) fn of_a_client(&self, http: Http) -> TlsConnector {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![alpn(http).to_vec()];
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Arc::new(config).into()
    }
}

fn unreadable(why: impl std::fmt::Display) -> TlsError {
    TlsError::Unreadable(why.to_string())
}

/// The name of a version of HTTP in the handshake (RFC 7301, section 6; RFC 9113, section 3.2).
const fn alpn(http: Http) -> &'static [u8] {
    match http {
        Http::V1 => b"http/1.1",
        Http::V2 => b"h2",
    }
}

/// The handshake with the server of a name or an address. A server that leaves the choice of HTTP open is taken for
/// one of HTTP/1.1.
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

/// Judges certificates.
#[derive(Debug)]
struct Trust {
    /// These are good as they stand. One that is its own authority, as `openssl req -x509` makes it, would be refused
    /// as a server's by the rules for chains.
    named: Vec<CertificateDer<'static>>,
    /// Those that lead to one of them; `None` trusts anybody.
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
    fn what_is_no_certificate_is_refused_with_what_is_wanted() {
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
    fn clients_share_whom_they_trust_and_no_sessions() {
        let tls = Tls::without_verification().unwrap();
        let (one, other) = (tls.of_a_client(Http::V1), tls.of_a_client(Http::V2));
        assert!(!Arc::ptr_eq(one.config(), other.config()));
        assert!(Arc::ptr_eq(one.config().crypto_provider(), other.config().crypto_provider()));
        assert_eq!(
            (&*one.config().alpn_protocols[0], &*other.config().alpn_protocols[0]),
            (&b"http/1.1"[..], &b"h2"[..])
        );
    }
}
