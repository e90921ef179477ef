//! Connections to small servers: what is recorded, how they end, and why they cannot be opened.

use std::time::Duration;

use bytes::Bytes;
use feedlab_feed::clock;
use feedlab_loadgen::transport::Tls;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};
use url::Url;

use super::*;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/feed", listener.local_addr().unwrap())).unwrap();
    (listener, url)
}

/// Returns an open connection, and the server's side of it.
async fn pair(dialer: impl FnOnce(Dialer) -> Dialer) -> (Connection, TcpStream) {
    let (listener, url) = listen().await;
    let dialer = dialer(Dialer::to(&url, None).unwrap());
    let (connection, accepted) = tokio::join!(dialer.open(clock::now()), listener.accept());
    (connection.unwrap(), accepted.unwrap().0)
}

/// Waits until what has arrived is as expected.
async fn until(recording: &Recording, expected: impl Fn(&Received) -> bool) -> Received {
    let waiting = async {
        loop {
            let received = recording.view(Received::clone);
            if expected(&received) {
                return received;
            }
            recording.changed(received.version).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("in vain: {:?}", recording.view(|received| received.total)))
}

fn joined(received: &Received) -> Vec<u8> {
    received.chunks.iter().flat_map(|(_, bytes): &(_, Bytes)| bytes.iter().copied()).collect()
}

#[tokio::test]
async fn what_arrives_is_recorded_with_its_time_and_its_end() {
    let (mut connection, mut server) = pair(|dialer| dialer).await;
    connection.send(b"ping").await.unwrap();
    let mut asked = [0; 4];
    server.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"ping");
    for text in [b"one", b"two"] {
        server.write_all(text).await.unwrap();
        until(connection.recording(), |received| joined(received).ends_with(text)).await;
    }
    drop(server);
    let received = until(connection.recording(), |received| received.ended.is_some()).await;
    assert_eq!(joined(&received), b"onetwo");
    let ([(first, _), (second, _)], Some((at, End::Fin))) = (&*received.chunks, &received.ended) else {
        panic!("{received:?}")
    };
    assert!(first < second && second < at && received.total == 6 && !received.overflowed);
}

#[tokio::test]
async fn a_reset_is_not_an_orderly_end() {
    let (connection, server) = pair(|dialer| dialer).await;
    server.set_zero_linger().unwrap();
    drop(server);
    let received = until(connection.recording(), |received| received.ended.is_some()).await;
    assert!(matches!(received.ended, Some((_, End::Reset))), "{received:?}");
}

#[tokio::test]
async fn a_server_that_never_stops_is_bounded() {
    let (connection, mut server) = pair(|dialer| dialer).await;
    let endless = tokio::spawn(async move { while server.write_all(&[b'x'; 64 << 10]).await.is_ok() {} });
    let received = until(connection.recording(), |received| received.overflowed).await;
    assert!(received.total == limits::RECORDING && received.chunks.len() <= limits::CHUNKS && received.ended.is_none());
    drop(connection);
    timeout(PATIENCE, endless).await.expect("a dropped connection is closed").unwrap();
}

#[tokio::test]
async fn a_paused_connection_holds_the_server_up() {
    let (connection, server) = pair(Dialer::small_buffers).await;
    connection.pause();
    let mut sent = 0;
    let filling = async {
        loop {
            server.writable().await.unwrap();
            sent += server.try_write(&[b'x'; 16 << 10]).unwrap_or_default();
        }
    };
    assert!(timeout(Duration::from_millis(500), filling).await.is_err());
    assert!(timeout(Duration::from_millis(100), server.writable()).await.is_err(), "it can send after {sent} bytes");
    connection.recording().view(|received| assert!(received.total == 0 && !received.overflowed, "{}", received.total));
    connection.resume();
    until(connection.recording(), |received| received.total == sent).await;
    timeout(PATIENCE, server.writable()).await.expect("the server can send again").unwrap();
}

#[tokio::test]
async fn the_server_sees_how_it_is_closed() {
    for (how, is_reset) in [(Close::Fin, false), (Close::Reset, true)] {
        let (mut connection, mut server) = pair(|dialer| dialer).await;
        connection.close(how).await;
        let read = timeout(PATIENCE, server.read(&mut [0; 9])).await.unwrap();
        match read {
            Err(error) => assert!(is_reset && error.kind() == io::ErrorKind::ConnectionReset, "{how:?}: {error}"),
            Ok(read) => assert!(!is_reset && read == 0, "{how:?}: {read}"),
        }
        assert_eq!(connection.send(b"x").await.unwrap_err().kind(), io::ErrorKind::NotConnected);
        connection.close(how).await;
    }
}

#[tokio::test]
async fn after_a_half_close_it_still_receives() {
    let (mut connection, mut server) = pair(|dialer| dialer).await;
    connection.close(Close::Half).await;
    assert_eq!(timeout(PATIENCE, server.read(&mut [0; 9])).await.unwrap().unwrap(), 0);
    server.write_all(b"answer").await.unwrap();
    until(connection.recording(), |received| joined(received) == b"answer").await;
    assert!(connection.send(b"x").await.is_err());
    connection.close(Close::Reset).await;
}

#[tokio::test]
async fn a_connection_may_be_closed_while_it_is_paused() {
    let (mut connection, mut server) = pair(|dialer| dialer).await;
    connection.pause();
    connection.close(Close::Fin).await;
    assert_eq!(timeout(PATIENCE, server.read(&mut [0; 9])).await.unwrap().unwrap(), 0);
}

mod opening {
    use super::*;

    async fn fail(url: &str, tls: Option<Tls>) -> String {
        let opened = async { Dialer::to(&Url::parse(url).unwrap(), tls)?.open(clock::now()).await };
        opened.await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_url_that_names_no_server_is_rejected_with_the_remedy() {
        for (url, needle) in [
            ("ftp://localhost/", "use http, https, ws or wss"),
            ("localhost:3000", "use http, https, ws or wss"),
            ("wss://localhost/", "--cacert FILE"),
            ("http://no-such-name.invalid/", "check its spelling"),
        ] {
            let message = fail(url, None).await;
            assert!(message.contains(needle) && !message.contains('\n'), "{url}: {message}");
        }
    }

    #[tokio::test]
    async fn nothing_that_listens_is_said() {
        let message = fail("ws://127.0.0.1:1/", None).await;
        assert_eq!(message, "nothing listens at 127.0.0.1:1: start the server, or check the port");
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_tried() {
        let (listener, url) = listen().await;
        let url = Url::parse(&format!("ws://localhost:{}/", url.port().unwrap())).unwrap();
        let dialer = Dialer::to(&url, None).unwrap();
        let (connection, accepted) = tokio::join!(dialer.open(clock::now()), listener.accept());
        assert!(connection.is_ok() && accepted.is_ok());
    }

    #[tokio::test]
    async fn a_server_without_tls_is_said_at_once_or_in_time() {
        let (listener, url) = listen().await;
        let url = url.as_str().replace("http:", "https:");
        let answering =
            async { listener.accept().await.unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await };
        let (message, _) = tokio::join!(fail(&url, Some(Tls::without_verification().unwrap())), answering);
        assert!(message.contains("use http:// or ws://"), "{message}");

        let mut dialer = Dialer::to(&Url::parse(&url).unwrap(), Some(Tls::without_verification().unwrap())).unwrap();
        dialer.within = Duration::from_millis(50);
        let message = dialer.open(clock::now()).await.unwrap_err().to_string();
        assert!(message.contains("does not respond within 50ms"), "{message}");
    }
}

mod encrypted {
    use std::sync::Arc;

    use super::*;

    /// Returns an acceptor of one version of TLS, and its certificate.
    fn acceptor(version: &'static SupportedProtocolVersion) -> (TlsAcceptor, String) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        (Arc::new(config).into(), made.cert.pem())
    }

    #[tokio::test]
    async fn tls_is_spoken_in_both_versions_and_only_for_http_1() {
        for version in [&version::TLS12, &version::TLS13] {
            let ((acceptor, pem), (listener, url)) = (acceptor(version), listen().await);
            let url = Url::parse(&url.as_str().replace("http:", "wss:")).unwrap();
            let dialer = Dialer::to(&url, Some(Tls::trusting(&pem).unwrap())).unwrap();
            let accepting = async { acceptor.accept(listener.accept().await.unwrap().0).await.unwrap() };
            let (connection, mut server) = tokio::join!(dialer.open(clock::now()), accepting);
            let mut connection = connection.unwrap();
            assert_eq!(server.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
            connection.send(b"ping").await.unwrap();
            server.read_exact(&mut [0; 4]).await.unwrap();
            server.write_all(b"pong").await.unwrap();
            // Without a `close_notify`.
            drop(server);
            let received = until(connection.recording(), |received| received.ended.is_some()).await;
            assert!(joined(&received) == b"pong" && matches!(received.ended, Some((_, End::Fin))), "{received:?}");
        }
    }

    #[tokio::test]
    async fn an_unknown_certificate_is_said() {
        let ((acceptor, _), (other, _)) = (acceptor(&version::TLS13), (acceptor(&version::TLS13).1, ()));
        let (listener, url) = listen().await;
        let url = Url::parse(&url.as_str().replace("http:", "https:")).unwrap();
        let dialer = Dialer::to(&url, Some(Tls::trusting(&other).unwrap())).unwrap();
        let accepting = async { acceptor.accept(listener.accept().await.unwrap().0).await.is_err() };
        let (opened, is_refused) = tokio::join!(dialer.open(clock::now()), accepting);
        let message = opened.unwrap_err().to_string();
        assert!(is_refused && message.contains("not trusted") && message.contains("--insecure"), "{message}");
    }
}
