//! Tests only: a server's certificate, and the handshake on its side.

use std::io;
use std::sync::Arc;

use feedlab_experiment::scenario::Http;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{HandshakeKind, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Peer, Pipe, Server};
use crate::transport::{Client, Link, Tls};

/// A server's certificate, and the certificate to trust for it.
pub(in crate::transport) struct Identity {
    /// The certificate to trust, as PEM.
    pub(in crate::transport) certificate: String,
    config: ServerConfig,
}

impl Identity {
    /// The identity of a server that offers these protocols by ALPN.
    pub(in crate::transport) fn new(alpn: &[&str]) -> Self {
        Self::named("127.0.0.1", alpn)
    }

    pub(in crate::transport) fn named(name: &str, alpn: &[&str]) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self::made(made.cert.pem(), &made.cert, &made.signing_key, alpn)
    }

    /// The identity of a server whose certificate is signed by an authority, which is the one to trust.
    pub(in crate::transport) fn signed(name: &str) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = KeyPair::generate().unwrap();
        let pem = authority.self_signed(&issuer).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new([name.to_owned()]).unwrap();
        let made = made.signed_by(&key, &Issuer::new(authority, issuer)).unwrap();
        Self::made(pem, &made, &key, &[])
    }

    fn made(certificate: String, own: &Certificate, key: &KeyPair, alpn: &[&str]) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = builder.with_single_cert(vec![own.der().clone()], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { certificate, config }
    }

    /// Returns a client of this server, made from a client of a plain one.
    pub(in crate::transport) fn client(&self, client: Client, http: Http) -> Client {
        let tls = Some(Tls::trusting(&self.certificate).unwrap());
        encrypted(Client { link: Link { http, tls, ..Link::default() }, ..client })
    }
}

/// Returns a client of the same endpoint over TLS.
pub(in crate::transport) fn encrypted(mut client: Client) -> Client {
    client.url = client.url.as_str().replacen("http://", "https://", 1).parse().unwrap();
    client
}

impl Server {
    /// Accepts the next connection, with its handshake.
    pub(in crate::transport) async fn accept_tls(&mut self, identity: &Identity) -> Peer {
        Peer(self.secured(identity).await.expect("the handshake fails"))
    }

    pub(in crate::transport) async fn secured(&mut self, identity: &Identity) -> io::Result<Box<dyn Pipe>> {
        Ok(Box::new(self.handshake(identity).await?))
    }

    /// Accepts the next connection, and returns whether its session was resumed.
    pub(in crate::transport) async fn accept_session(&mut self, identity: &Identity) -> (Peer, bool) {
        let stream = self.handshake(identity).await.expect("the handshake fails");
        let is_resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        (Peer(Box::new(stream)), is_resumed)
    }

    async fn handshake(&mut self, identity: &Identity) -> io::Result<TlsStream<TcpStream>> {
        let stream = self.accept_tcp().await;
        TlsAcceptor::from(Arc::new(identity.config.clone())).accept(stream).await
    }
}
