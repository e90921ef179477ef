use proptest::prelude::*;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::tls::{TlsAcceptor, self_signed};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A server's configuration, and a connector whose records have at most `most` bytes.
fn both(version: &'static SupportedProtocolVersion, most: Option<usize>) -> (TlsAcceptor, TlsConnector) {
    let identity = self_signed().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.max_fragment_size = most;
    (identity.acceptor().unwrap(), TlsConnector::from(Arc::new(config)))
}

/// A connection through a pipe that holds as many bytes.
async fn connect(
    (version, most): (&'static SupportedProtocolVersion, Option<usize>),
    pipe: usize,
) -> (TlsStream<DuplexStream>, ClientStream<DuplexStream>) {
    let (acceptor, connector) = both(version, most);
    let (server, client) = duplex(pipe);
    let client = connector.connect("localhost".try_into().unwrap(), client);
    let (server, client) = tokio::join!(acceptor.accept(server), client);
    (server.unwrap(), client.unwrap())
}

/// Whether a connection has no memory for bytes.
fn is_empty<S>(stream: &TlsStream<S>) -> bool {
    stream.received.capacity() + stream.plain.bytes.capacity() + stream.records.bytes.capacity() == 0
}

#[tokio::test]
async fn bytes_arrive_in_both_directions_however_they_are_cut_and_leave_no_buffer() {
    for version in VERSIONS {
        for (most, pipe) in [(Some(32), 100), (None, 100), (None, 1 << 20)] {
            let (mut server, mut client) = connect((version, most), pipe).await;
            let sent: Vec<u8> = (0..100_000u32).map(|index| index as u8).collect();
            let (mut at_client, mut at_server) = (vec![0; sent.len()], vec![0; sent.len()]);
            for _ in 0..2 {
                let (down, up) = tokio::join!(
                    async { (server.write_all(&sent).await, server.flush().await) },
                    client.read_exact(&mut at_client)
                );
                down.0.and(down.1).and(up).unwrap();
                let (up, down) = tokio::join!(
                    async { (client.write_all(&sent).await, client.flush().await) },
                    server.read_exact(&mut at_server)
                );
                up.0.and(up.1).and(down).unwrap();
                assert!(at_client == sent && at_server == sent);
                assert!(is_empty(&server), "{version:?}, records of {most:?}");
            }
        }
    }
}

#[tokio::test]
async fn slices_leave_in_one_record() {
    let (mut server, mut client) = connect((&TLS13, None), 1 << 20).await;
    let slices = [io::IoSlice::new(b"on"), io::IoSlice::new(b""), io::IoSlice::new(b"e")];
    assert_eq!(server.write_vectored(&slices).await.unwrap(), 3);
    let mut read = [0; 10];
    let len = client.read(&mut read).await.unwrap();
    assert_eq!(&read[..len], b"one");
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_sent_one_record_beyond_what_its_socket_holds() {
    let (mut server, mut client) = connect((&TLS13, None), 4 << 10).await;
    let taken = server.write(&[7; 100_000]).await.unwrap();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(Pin::new(&mut server).poll_write(&mut cx, &[7]).is_pending());
    assert_eq!((taken, server.records.rest().len() > 12 << 10), (MAX_RECORD_BYTES, true));
    let mut read = vec![0; taken];
    let (flushed, end) = tokio::join!(server.flush(), client.read_exact(&mut read));
    flushed.and(end).unwrap();
    assert!(read.iter().all(|byte| *byte == 7) && is_empty(&server));
}

#[tokio::test]
async fn only_a_close_notify_ends_a_stream() {
    for version in VERSIONS {
        let (mut server, mut client) = connect((version, None), 1 << 20).await;
        let mut buffer = [0; 10];
        let (ended, read) = tokio::join!(client.shutdown(), server.read(&mut buffer));
        ended.unwrap();
        assert_eq!(read.unwrap(), 0);
        server.write_all(b"bye").await.unwrap();
        server.shutdown().await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.expect("the server's close_notify");
        assert_eq!(rest, b"bye");

        let (mut server, client) = connect((version, None), 1 << 20).await;
        drop(client);
        assert_eq!(server.read(&mut [0; 10]).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

#[tokio::test]
async fn new_keys_of_the_client_are_answered() {
    let (mut server, mut client) = connect((&TLS13, None), 1 << 20).await;
    for text in [*b"first", *b"other"] {
        client.get_mut().1.refresh_traffic_keys().unwrap();
        client.write_all(&text).await.unwrap();
        let mut read = [0; 5];
        server.read_exact(&mut read).await.unwrap();
        server.write_all(&read).await.unwrap();
        client.read_exact(&mut read).await.unwrap();
        assert_eq!(read, text);
    }
}

#[tokio::test]
async fn what_is_no_tls_gets_an_alert() {
    let (acceptor, _) = both(&TLS13, None);
    let (server, mut client) = duplex(1 << 10);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(acceptor.accept(server).await.err().unwrap().kind(), io::ErrorKind::InvalidData);
    let mut alert = Vec::new();
    client.read_to_end(&mut alert).await.unwrap();
    assert_eq!((alert.len(), alert[0]), (7, 21), "RFC 8446, section 6");
}

#[tokio::test]
async fn a_broken_record_ends_a_connection() {
    let (mut server, client) = connect((&TLS13, None), 1 << 20).await;
    let mut socket = client.into_inner().0;
    socket.write_all(b"\x17\x03\x03\0\x20").await.unwrap();
    socket.write_all(&[0; 32]).await.unwrap();
    assert_eq!(server.read(&mut [0; 10]).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    let mut rest = Vec::new();
    drop(server);
    socket.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.is_empty(), "an alert");
}

/// Sends bytes in pieces instead of a handshake.
async fn send(pieces: &[Vec<u8>]) {
    let (acceptor, _) = both(&TLS13, None);
    let (server, mut client) = duplex(1 << 20);
    for piece in pieces {
        client.write_all(piece).await.unwrap();
    }
    client.shutdown().await.unwrap();
    assert!(acceptor.accept(server).await.is_err());
}

/// A record of the type, with any contents.
fn record() -> impl Strategy<Value = Vec<u8>> {
    (20..=24u8, prop::collection::vec(any::<u8>(), 0..300), any::<bool>()).prop_map(|(kind, mut body, is_hello)| {
        if is_hello && body.len() >= 4 {
            body[..4].copy_from_slice(&[1, 0, 0, 200]);
        }
        let len = (body.len() as u16).to_be_bytes();
        [&[kind, 3, 3, len[0], len[1]], &body[..]].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_cause_a_panic(pieces in prop::collection::vec(prop_oneof![record(), prop::collection::vec(any::<u8>(), 0..100)], 0..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(send(&pieces));
    }
}

#[tokio::test]
async fn a_handshake_message_has_a_limit() {
    // A ClientHello of 16 MB, in records of 16 KiB.
    let first = [&b"\x16\x03\x01\x40\0\x01\xFF\xFF\xFF"[..], &[0; (16 << 10) - 4]].concat();
    let more = [&b"\x16\x03\x01\x40\0"[..], &[0; 16 << 10]].concat();
    let (acceptor, _) = both(&TLS13, None);
    let (server, mut client) = duplex(4 << 10);
    let flood = async {
        client.write_all(&first).await?;
        loop {
            client.write_all(&more).await?;
        }
    };
    let (cut_off, accepted): (io::Result<()>, _) = tokio::join!(flood, acceptor.accept(server));
    assert_eq!(accepted.err().unwrap().kind(), io::ErrorKind::InvalidData);
    assert!(cut_off.is_err());
}
