//! TLS for the endpoints: the certificate, and the versions of HTTP that are offered.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};

mod stream;
pub(crate) use stream::TlsStream;

/// The name of HTTP/2 in a handshake (RFC 9113, section 3.2).
pub(crate) const HTTP_2: &[u8] = b"h2";
/// The name of HTTP/1.1 (RFC 7301, section 6).
const HTTP_1_1: &[u8] = b"http/1.1";

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key or its certificate could not be generated.
    #[error("cannot make a certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
    /// The text is not PEM, or contains no certificate or key.
    #[error("the {what} is not in PEM form: {error}; it begins with a line such as `-----BEGIN {label}-----`")]
    Pem {
        /// Whether it is the certificate or the key.
        what: &'static str,
        /// The label of its first line.
        label: &'static str,
        /// The error of the parser.
        error: rustls::pki_types::pem::Error,
    },
    /// The certificate and the key do not match, or are of an unsupported kind.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate and its chain, in PEM form.
    pub certificate: String,
    /// The private key, in PEM form.
    pub key: String,
}

impl std::fmt::Debug for Identity {
    /// Omits the key, which must not appear in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Generates a self-signed certificate for `localhost`, 127.0.0.1 and ::1 (ECDSA on P-256).
///
/// # Errors
/// When the system provides no randomness.
pub fn self_signed() -> Result<Identity, TlsError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    params.subject_alt_names.extend(loopback.map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, "feedlab, for this machine alone");
    Ok(Identity { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

impl Identity {
    /// Checks whether the certificate and the key can be used together.
    ///
    /// # Errors
    /// When they cannot be used, with the reason.
    pub fn check(&self) -> Result<(), TlsError> {
        self.acceptor().map(drop)
    }

    /// Returns the acceptor for this identity: TLS 1.3 or 1.2, then HTTP/2 or HTTP/1.1, as the client prefers.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect();
        let pem = |what, label| move |error| TlsError::Pem { what, label, error };
        let chain = chain.map_err(pem("certificate", "CERTIFICATE"))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(pem("key", "PRIVATE KEY"))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1_1.to_vec()];
        Ok(TlsAcceptor(Arc::new(config)))
    }
}

/// Accepts TLS connections with one certificate.
#[derive(Clone)]
pub(crate) struct TlsAcceptor(Arc<ServerConfig>);

impl TlsAcceptor {
    /// Performs the handshake on an accepted connection.
    pub(crate) fn accept<S>(&self, socket: S) -> impl Future<Output = io::Result<TlsStream<S>>> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsStream::accept(socket, self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_identities_have_distinct_errors() {
        let good = self_signed().unwrap();
        good.check().unwrap();
        let check = |certificate: &str, key: &str| {
            let identity = Identity { certificate: certificate.to_owned(), key: key.to_owned() };
            identity.check().unwrap_err().to_string()
        };
        let other = self_signed().unwrap();
        assert!(check(&good.certificate, &other.key).contains("cannot be used"));
        assert!(check("nonsense", &good.key).contains("cannot be used"), "no certificate at all");
        assert!(check("-----BEGIN CERTIFICATE-----\nx", &good.key).contains("the certificate is not in PEM form"));
        assert!(check(&good.certificate, "").contains("the key is not in PEM form"));
    }

    #[test]
    fn a_key_is_not_shown() {
        let identity = self_signed().unwrap();
        assert!(!format!("{identity:?}").contains("PRIVATE"));
    }
}
