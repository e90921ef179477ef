//! Tests only: a server's certificate, and the handshake on its side.

use std::io;
use std::sync::Arc;

use feedlab_experiment::scenario::Http;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::{Peer, Pipe, Server};
use crate::transport::{Client, Link, Tls};

/// A self-signed certificate for the loopback address, and its server.
pub(in crate::transport) struct Identity {
    /// PEM.
    pub(in crate::transport) certificate: String,
    config: ServerConfig,
}

impl Identity {
    /// Of a server that speaks these by ALPN.
    pub(in crate::transport) fn new(alpn: &[&str]) -> Self {
        Self::named("127.0.0.1", alpn)
    }

    pub(in crate::transport) fn named(name: &str, alpn: &[&str]) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { certificate: made.cert.pem(), config }
    }

    /// A client of this server, as one that was made for a plain server is.
    pub(in crate::transport) fn client(&self, client: Client, http: Http) -> Client {
        let tls = Some(Tls::trusting(&self.certificate).unwrap());
        encrypted(Client { link: Link { http, tls, pool: None }, ..client })
    }
}

/// The same door, by TLS.
pub(in crate::transport) fn encrypted(mut client: Client) -> Client {
    client.url = client.url.as_str().replacen("http://", "https://", 1).parse().unwrap();
    client
}

impl Server {
    /// The next connection, with the handshake.
    pub(in crate::transport) async fn accept_tls(&mut self, identity: &Identity) -> Peer {
        Peer(self.secured(identity).await.expect("the handshake fails"))
    }

    pub(in crate::transport) async fn secured(&mut self, identity: &Identity) -> io::Result<Box<dyn Pipe>> {
        let stream = self.accept_tcp().await;
        let acceptor = TlsAcceptor::from(Arc::new(identity.config.clone()));
        Ok(Box::new(acceptor.accept(stream).await?))
    }
}
