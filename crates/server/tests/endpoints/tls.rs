use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use feedlab_feed::{Transport, clock};
use feedlab_server::Config;
use feedlab_server::tls::{Identity, self_signed};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::harness::{Client, Server, elapsed, publishing};

fn server(identity: &Identity) -> Server {
    Server::start(Config { tls: Some(identity.clone()), ..publishing().into() })
}

/// The connection below TLS, counted.
struct Counted {
    stream: TcpStream,
    read: u64,
    written: u64,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf).inspect(|n| self.read += *n as u64)
    }
}

impl Write for Counted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf).inspect(|n| self.written += *n as u64)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

pub(crate) fn client_config(identity: &Identity, protocols: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn connect(
    addr: SocketAddr,
    name: &'static str,
    config: Arc<ClientConfig>,
) -> Client<StreamOwned<ClientConnection, Counted>> {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let session = ClientConnection::new(config, ServerName::try_from(name).unwrap()).unwrap();
    Client::on(StreamOwned::new(session, Counted { stream, read: 0, written: 0 }))
}

#[test]
fn every_endpoint_opens_with_tls_as_it_does_without() {
    let identity = self_signed().unwrap();
    let server = server(&identity);
    let client = || connect(server.addr, "127.0.0.1", client_config(&identity, &["http/1.1"]));
    let mut sse = client().open_sse("");
    let mut websocket = client().open_websocket("");
    let mut long = client();
    long.send("GET /feed/long-poll?after=0&hold=30s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut up = client();
    up.send("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
    assert!(up.until("}").starts_with("HTTP/1.1 202"));
    up.send("GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for answer in [up.until("\"gap\":null}"), long.until("\"gap\":null}"), websocket.until("\"hello\"}")] {
        assert!(answer.contains("\"data\":\"hello\""), "{answer}");
    }
    assert_eq!(sse.event(), (1, None));
}

#[test]
fn the_certificate_is_for_this_machine_and_the_protocol_is_the_clients_choice() {
    let identity = self_signed().unwrap();
    let server = server(&identity);
    for (name, offered, chosen) in [
        ("localhost", &["h2", "http/1.1"][..], Some(&b"h2"[..])),
        ("127.0.0.1", &["http/1.1", "h2"], Some(b"h2")),
        ("::1", &["http/1.1"], Some(b"http/1.1")),
        ("localhost", &[], None),
    ] {
        let mut client = connect(server.addr, name, client_config(&identity, offered));
        client.stream.conn.complete_io(&mut client.stream.sock).unwrap();
        assert_eq!(client.stream.conn.alpn_protocol(), chosen, "{offered:?}");
    }
    let mut stranger = connect(server.addr, "localhost", client_config(&self_signed().unwrap(), &[]));
    stranger.stream.conn.complete_io(&mut stranger.stream.sock).unwrap_err();
    let mut plain = connect(server.addr, "localhost", client_config(&identity, &[]));
    plain.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(plain.until("ok\n").starts_with("HTTP/1.1 200"), "the default is HTTP/1.1");
}

#[test]
fn bytes_are_those_of_the_socket_below() {
    let identity = self_signed().unwrap();
    let server = server(&identity);
    let mut client = connect(server.addr, "localhost", client_config(&identity, &[])).open_sse("");
    let mut up = connect(server.addr, "localhost", client_config(&identity, &[]));
    up.send("POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
    up.until("}");
    client.event();
    let counted = &client.stream.sock;
    // A client may have read bytes that the server has not counted yet.
    server.until("all is counted", |stats| {
        let endpoint = &stats.endpoints[&Transport::Sse];
        (endpoint.bytes_in, endpoint.bytes_out) == (counted.written, counted.read)
    });
    let endpoint = server.endpoint(Transport::Sse);
    assert!(endpoint.header_bytes > 1_000, "the handshake counts as headers: {endpoint:?}");
}

#[test]
fn garbage_instead_of_a_handshake_is_harmless_and_silence_ends() {
    let identity = self_signed().unwrap();
    let server = server(&identity);
    let begin = clock::now();
    let mut silent = server.client();
    let mut stuck = server.client();
    stuck.send_bytes(b"\x16\x03\x01\x02\x00\x01\x00");
    for bytes in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], b"\x16\x03\x01\xff\xff", &[0; 4000]] {
        let mut client = server.client();
        client.send_bytes(bytes);
        let mut rest = Vec::new();
        let _ = client.stream.read_to_end(&mut rest); // an alert and an end, or a reset
    }
    let mut good = connect(server.addr, "localhost", client_config(&identity, &[]));
    good.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    good.until("ok\n");
    drop(good);
    silent.rest();
    stuck.rest();
    assert!(elapsed(begin) >= Duration::from_secs(5), "the full timeout passed");
    server.until("all are gone", |stats| stats.connections.open == 0);
}

#[test]
fn a_stream_sends_its_close_message_and_ends_gracefully() {
    let identity = self_signed().unwrap();
    let server = server(&identity);
    let mut client = connect(server.addr, "localhost", client_config(&identity, &[])).open_sse("");
    server.stop();
    // An end without TLS's close notification would be an error here.
    assert!(client.rest().ends_with("0\r\n\r\n"));
}
