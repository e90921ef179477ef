use std::sync::Arc;
use std::time::Duration;

use axum::http::Response;
use feedlab_feed::Transport;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::limits::MAX_FRAMES;
use crate::meter::Endpoint;
use crate::socket::tests::narrow;
use crate::{http2, tls};

/// The bytes that an HTTP/2 stream and a TLS connection may hold (docs/architecture.md, "Slow clients").
const MAX_HELD: u64 = 64 << 10;
const MAX_RECORD: u64 = 16 << 10;
/// The bytes of the one frame that an HTTP/2 connection writes for all its streams: RFC 9113, section 4.2.
const FRAME: u64 = 16 << 10;

/// Writes until the wire accepts no more, and returns the bytes that it accepted and the socket did not.
async fn held(wire: &mut Wire, endpoint: &Endpoint) -> u64 {
    let (mut taken, sent) = (0, endpoint.bytes_out.get());
    let write = async {
        loop {
            taken += wire.write(&[0; 100_000]).await.unwrap() as u64;
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(300), write).await;
    taken - (endpoint.bytes_out.get() - sent)
}

#[tokio::test]
async fn tls_holds_no_more_than_documented() {
    let (socket, link, client) = narrow().await;
    let identity = tls::self_signed().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let client = connector.connect("localhost".try_into().unwrap(), client);
    let (stream, client) = tokio::join!(identity.acceptor().unwrap().accept(socket), client);
    let held = held(&mut Wire::Tls(Box::new(stream.unwrap())), link.meter.count_for(Transport::Sse)).await;
    assert!((1..=MAX_RECORD).contains(&held), "{held} bytes");
    drop(client);
}

/// Returns an HTTP/2 request whose client sets the largest windows, and reads only when the test does; and the future
/// that drives the connection.
async fn stream() -> (Stream, Arc<Endpoint>, TcpStream, impl Future<Output = ()>) {
    let (socket, link, mut client) = narrow().await;
    let endpoint = link.meter.count_for(Transport::Sse).clone();
    // The preface and settings (RFC 9113, sections 3.4 and 6.5), a window update (6.9), and headers (6.2) of HPACK's
    // static table (RFC 7541, appendix A): a GET.
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    client.write_all(b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7F\xFF\xFF\xFF").await.unwrap();
    client.write_all(b"\0\0\x04\x08\0\0\0\0\0\x7F\xFF\0\0").await.unwrap();
    client.write_all(b"\0\0\x03\x01\x05\0\0\0\x01\x82\x86\x84").await.unwrap();
    let mut connection = http2::builder().handshake::<_, Piece>(Wire::Plain(socket)).await.unwrap();
    let (_, mut reply) = connection.accept().await.unwrap().unwrap();
    let send = reply.send_response(Response::new(()), false).unwrap();
    let moves = async move { while connection.accept().await.is_some() {} };
    (Stream::new(send, None, endpoint.clone()), endpoint, client, moves)
}

#[tokio::test]
async fn an_http_2_stream_holds_no_more_than_documented() {
    let (stream, endpoint, client, moves) = stream().await;
    let mut wire = Wire::Stream(Box::new(stream));
    tokio::select! {
        held = held(&mut wire, &endpoint) => assert!((MAX_HELD / 2..=MAX_HELD + FRAME).contains(&held), "{held} bytes"),
        () = moves => panic!("the connection ended"),
    }
    drop(client);
}

#[tokio::test]
async fn small_frames_of_http_2_are_bounded_in_number_until_the_client_reads() {
    let (mut stream, _, mut client, moves) = stream().await;
    let mut frames = 0;
    let write = |stream: &mut Stream, cx: &mut Context<'_>| Pin::new(stream).poll_write(cx, b"\x8A\0").is_ready();
    std::future::poll_fn(|cx| {
        while write(&mut stream, cx) {
            frames += 1;
        }
        Poll::Ready(())
    })
    .await;
    assert_eq!((frames, MAX_FRAMES), (1_024, 1_024), "docs/architecture.md, \"Slow clients\"");
    let reads = async { while client.read(&mut [0; 1_024]).await.unwrap() > 0 {} };
    let goes_on = async {
        for _ in 0..4 * MAX_FRAMES {
            stream.write_all(b"\x8A\0").await.unwrap();
        }
    };
    tokio::select! {
        done = tokio::time::timeout(Duration::from_secs(20), goes_on) => done.expect("there is room as frames are written"),
        () = reads => panic!("the client was closed"),
        () = moves => panic!("the connection ended"),
    }
}
