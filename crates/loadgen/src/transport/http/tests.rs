use feedlab_experiment::scenario::{Http as Version, Options};
use tokio_util::sync::CancellationToken;

use crate::observer::Opened;
use crate::transport::script::h2::{Connection, Exchange, Http2Settings, send};
use crate::transport::script::tls::{Identity, encrypted};
use crate::transport::script::{Log, Server, run_script};
use crate::transport::{Client, Link, Tls, run};

const MS: std::time::Duration = std::time::Duration::from_millis(1);
const SSE: Options = Options::Sse { keepalive: MS };

fn short_polling(keep_alive: bool) -> Options {
    Options::ShortPolling { interval: 5 * MS, keep_alive, conditional: false }
}

/// Runs a client over HTTP/2 without TLS, and returns what it observed and how its connections were opened.
async fn h2c(options: Options, script: impl AsyncFnOnce(&mut Server)) -> (Vec<String>, Vec<Opened>) {
    over(options, |client| Client { link: Link { http: Version::V2, ..Link::default() }, ..client }, script).await
}

/// Runs a client over a link.
async fn over(
    options: Options,
    link: impl FnOnce(Client) -> Client,
    script: impl AsyncFnOnce(&mut Server),
) -> (Vec<String>, Vec<Opened>) {
    let mut openings = Vec::new();
    let client = async |client, log: &mut Log, stop: &CancellationToken| {
        run(link(client), &options, log, stop).await;
        openings = log.openings();
    };
    let path = if options == SSE { "/feed/sse" } else { "/feed/poll" };
    let seen = run_script(path, client, script).await;
    (seen.into_iter().filter(|line| !line.starts_with("event ")).collect(), openings)
}

fn body(seqs: &[u64], next: u64) -> String {
    let update = |seq| format!(r#"{{"seq":{seq},"at":1,"type":"tick","data":"x"}}"#);
    let updates: Vec<String> = seqs.iter().map(update).collect();
    format!(r#"{{"updates":[{}],"next":"k3f9.{next}","gap":null}}"#, updates.join(","))
}

fn event(seq: u64) -> String {
    format!("retry: 10\nid: {seq}\nevent: tick\ndata: {{\"at\":1,\"data\":\"x\"}}\n\n")
}

fn stream(exchange: &mut Exchange) -> ::h2::SendStream<bytes::Bytes> {
    exchange.head(200, "text/event-stream")
}

#[tokio::test]
async fn polls_over_http_2_share_a_connection_and_omit_headers_of_http_1() {
    let (seen, openings) = h2c(short_polling(true), async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let mut exchange = connection.request().await;
        assert_eq!(exchange.target(), "/feed/poll");
        assert!(exchange.header("host").is_none() && exchange.header("connection").is_none());
        let uri = exchange.request.uri();
        assert!(uri.scheme_str() == Some("http") && uri.port_u16().is_some(), "{uri}");
        exchange.body(&body(&[], 5));
        let mut exchange = connection.request().await;
        assert_eq!(exchange.target(), "/feed/poll?after=k3f9.5");
        exchange.body(&body(&[6, 7], 7));
        assert_eq!(connection.request().await.target(), "/feed/poll?after=k3f9.7");
    })
    .await;
    assert_eq!(seen, ["opened", "update 6", "update 7"]);
    assert!(openings[0].connect_us.is_some() && openings[0].tls_us.is_none());
}

#[tokio::test]
async fn without_keep_alive_each_poll_opens_an_http_2_connection() {
    let (seen, _) = h2c(short_polling(false), async |server| {
        for _ in 0..2 {
            let mut connection = server.accept_h2(Http2Settings::default()).await;
            let mut exchange = connection.request().await;
            assert!(exchange.header("connection").is_none());
            exchange.body(&body(&[], 5));
            connection.closed().await;
        }
        server.accept_h2(Http2Settings::default()).await;
    })
    .await;
    assert_eq!(seen[..2], ["opened", "opened"]);
}

#[tokio::test]
async fn an_event_stream_that_ends_is_opened_again_on_its_http_2_connection() {
    let (seen, openings) = h2c(SSE, async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let mut first = connection.request().await;
        assert_eq!(first.header("accept"), Some("text/event-stream"));
        let mut events = stream(&mut first);
        let text = [event(7), event(8)].concat();
        text.as_bytes().chunks(5).for_each(|part| send(&mut events, part));
        events.send_data(bytes::Bytes::new(), true).unwrap();
        let mut second = connection.request().await;
        assert_eq!(second.header("last-event-id"), Some("8"));
        let mut events = stream(&mut second);
        send(&mut events, event(9));
        server.observed("update 9").await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 7", "update 8", "Closed", "reconnect", "opened", "update 9"]);
    assert_eq!(openings.iter().map(|opened| opened.connect_us.is_some()).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_broken_http_2_connection_is_opened_again() {
    let (seen, openings) = h2c(SSE, async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let mut exchange = connection.request().await;
        let mut events = stream(&mut exchange);
        send(&mut events, event(7));
        server.observed("update 7").await;
        drop(connection);
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let mut exchange = connection.request().await;
        assert_eq!(exchange.header("last-event-id"), Some("7"));
        let _events = stream(&mut exchange);
        server.observed("reconnect").await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 7", "Disconnected", "reconnect", "opened"]);
    assert!(openings.iter().all(|opened| opened.connect_us.is_some()));
}

#[tokio::test]
async fn a_request_that_a_server_has_not_processed_is_sent_again_on_another_connection() {
    let (seen, _) = h2c(short_polling(true), async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        connection.request().await.body(&body(&[], 5));
        connection.request().await.refuse();
        let mut other = server.accept_h2(Http2Settings::default()).await;
        let mut exchange = other.request().await;
        assert_eq!(exchange.target(), "/feed/poll?after=k3f9.5");
        exchange.body(&body(&[6], 6));
        server.observed("update 6").await;
    })
    .await;
    assert_eq!(seen, ["opened", "reconnect", "opened", "update 6"]);
}

#[tokio::test]
async fn an_http_1_server_is_not_an_http_2_server() {
    let (seen, _) = h2c(short_polling(true), async |server| {
        let mut peer = server.accept().await;
        peer.receive().await;
        peer.answer("400 Bad Request", "", "").await;
        server.observed("Disconnected").await;
    })
    .await;
    assert_eq!(seen[0], "Disconnected");
}

#[tokio::test]
async fn tls_carries_http_1_and_its_time_is_part_of_the_opening() {
    let identity = Identity::new(&["h2", "http/1.1"]);
    let (seen, openings) = over(
        SSE,
        |client| identity.client(client, Version::V1),
        async |server| {
            let mut peer = server.accept_tls(&identity).await;
            assert!(peer.request().await.starts_with("get /feed/sse http/1.1"));
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
            peer.send_bytewise(event(1)).await;
            server.observed("update 1").await;
        },
    )
    .await;
    assert_eq!(seen, ["opened", "update 1"]);
    assert!(openings[0].connect_us.is_some() && openings[0].tls_us.is_some_and(|tls_us| tls_us > 0));
}

#[tokio::test]
async fn tls_carries_http_2_if_the_server_agrees() {
    let identity = Identity::new(&["http/1.1", "h2"]);
    let (seen, openings) = over(
        SSE,
        |client| identity.client(client, Version::V2),
        async |server| {
            let pipe = server.secured(&identity).await.unwrap();
            let mut connection = Connection::new(pipe, Http2Settings::default()).await;
            let mut exchange = connection.request().await;
            assert_eq!(exchange.request.uri().scheme_str(), Some("https"));
            send(&mut stream(&mut exchange), event(1));
            server.observed("update 1").await;
        },
    )
    .await;
    assert_eq!(seen[..2], ["opened", "update 1"]);
    assert!(openings[0].tls_us.is_some());
}

/// Lets a handshake fail, and returns the error that the client reports.
async fn refused(identity: &Identity, link: impl FnOnce(Client) -> Client) -> String {
    let mut error = String::new();
    let (seen, _) = over(short_polling(true), link, async |server| {
        // Either side may notice first.
        let _secured = server.secured(identity).await;
        server.observed("Connect").await;
        error = server.errors().remove(0);
    })
    .await;
    assert_eq!(seen[0], "Connect");
    error
}

#[tokio::test]
async fn a_handshake_that_fails_names_its_cause() {
    let identity = Identity::new(&["http/1.1"]);
    let stranger = Identity::new(&["http/1.1"]);
    let error = refused(&stranger, |client| identity.client(client, Version::V1)).await;
    assert!(error.contains("TLS handshake for HTTP/1.1 failed: invalid peer certificate"), "{error}");
    let error = refused(&identity, |client| identity.client(client, Version::V2)).await;
    assert!(error.contains("TLS handshake for HTTP/2 failed") && error.contains("NoApplicationProtocol"), "{error}");
    let undecided = Identity::new(&[]);
    let error = refused(&undecided, |client| undecided.client(client, Version::V2)).await;
    assert!(error.contains("does not agree on HTTP/2"), "{error}");
    let error = refused(&undecided, encrypted).await;
    assert!(error.contains("no certificate is trusted"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_a_failed_handshake() {
    let identity = Identity::new(&[]);
    let (seen, _) = over(
        short_polling(true),
        |client| identity.client(client, Version::V1),
        async |server| {
            let mut peer = server.accept().await;
            peer.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
            server.observed("Connect").await;
            assert!(server.errors()[0].contains("the TLS handshake for HTTP/1.1 failed: "), "{:?}", server.errors());
        },
    )
    .await;
    assert_eq!(seen[0], "Connect");
}

#[tokio::test]
async fn without_verification_no_name_is_checked() {
    let stranger = Identity::named("elsewhere.example", &[]);
    let trusting = |client| {
        encrypted(Client {
            link: Link { tls: Some(Tls::without_verification().unwrap()), ..Link::default() },
            ..client
        })
    };
    let (seen, _) = over(short_polling(true), trusting, async |server| {
        server.accept_tls(&stranger).await.answer("200 OK", "", &body(&[], 5)).await;
        server.observed("opened").await;
    })
    .await;
    assert_eq!(seen[0], "opened");
}

#[tokio::test]
async fn an_authority_is_trusted_for_the_names_that_it_signed() {
    let identity = Identity::signed("127.0.0.1");
    let (seen, _) = over(
        short_polling(true),
        |client| identity.client(client, Version::V1),
        async |server| {
            let mut peer = server.accept_tls(&identity).await;
            peer.request().await;
            peer.answer("200 OK", "", &body(&[], 5)).await;
            server.observed("opened").await;
        },
    )
    .await;
    assert_eq!(seen[0], "opened");
    let elsewhere = Identity::signed("elsewhere.example");
    let error = refused(&elsewhere, |client| elsewhere.client(client, Version::V1)).await;
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_client_resumes_its_own_sessions() {
    let identity = Identity::new(&["http/1.1"]);
    let mut resumed = Vec::new();
    over(
        short_polling(false),
        |client| identity.client(client, Version::V1),
        async |server| {
            for _ in 0..2 {
                let (mut peer, is_resumed) = server.accept_session(&identity).await;
                resumed.push(is_resumed);
                peer.request().await;
                peer.answer("200 OK", "", &body(&[], 5)).await;
            }
        },
    )
    .await;
    assert_eq!(resumed, [false, true]);
}

#[tokio::test]
async fn pings_are_answered_between_two_polls() {
    let patient = Options::ShortPolling { interval: 60_000 * MS, keep_alive: true, conditional: false };
    let (seen, _) = h2c(patient, async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        connection.request().await.body(&body(&[6], 6));
        server.observed("update 6").await;
        tokio::time::sleep(50 * MS).await;
        connection.ping().await;
    })
    .await;
    assert_eq!(seen, ["opened", "update 6"]);
}
