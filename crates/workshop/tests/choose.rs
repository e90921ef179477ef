//! The page of choices over HTTP: what it answers, what it refuses, and how many it computes at once.

#![expect(clippy::unwrap_used, reason = "a test fails at the first error")]

use std::net::SocketAddr;

use feedlab_feed::settings::Settings;
use feedlab_server::Server;
use feedlab_testkit::http::{Answer, ask_async};
use feedlab_workshop::choose;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

async fn start() -> (SocketAddr, DropGuard) {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(Settings::default().into()).await.unwrap().routes(choose::routes());
    tokio::spawn(server.run(listener, stop.clone()));
    (address, stop.drop_guard())
}

async fn get(address: SocketAddr, target: &str) -> Answer {
    ask_async(address, "GET", target, "", "").await
}

#[tokio::test]
async fn it_answers_in_words_and_in_json_and_draws_the_map() {
    let (address, _stop) = start().await;
    let json = get(address, "/choose/answer?rate=10/s&budget=200ms&rtt=40ms").await.json();
    assert_eq!(json["winners"], serde_json::json!(["sse", "websocket"]), "a tie is a tie: {json}");
    assert_eq!(json["best"], "SSE and WebSocket are equal; the simplest of them is SSE.");
    assert!(json["rows"].as_array().unwrap().len() == 4 && json["crossings"].as_array().unwrap().len() > 5, "{json}");
    let page = get(address, "/choose?rate=5/s&budget=5min&cares_about=bytes&pattern=random").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("The best is short polling by bytes.") && page.body.contains("value=\"5/s\""));
    assert!(page.head.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{}", page.head);
    let map = get(address, "/choose/map.svg?x=clients&y=deploys_a_day&clients=100").await;
    assert!(map.head.contains("image/svg+xml") && map.body.starts_with("<svg "), "{map:?}");
    assert!(map.body.contains("deployments per day") && map.body.contains("you are here"));
}

/// Nothing that is typed is taken for HTML.
#[tokio::test]
async fn what_is_typed_is_text() {
    let (address, _stop) = start().await;
    let page = get(address, "/choose?rate=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&rtt=80ms").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("is not a rate") && !page.body.contains("<script>alert"), "{}", page.body);
}

#[tokio::test]
async fn a_question_without_an_answer_is_refused_with_the_reason() {
    let (address, _stop) = start().await;
    for (query, says) in [
        ("budget=10ms&rtt=40ms", "no transport can meet a budget of 10ms"),
        ("clients=0", "`clients` is 0; it must be from 1 to"),
        ("rate=1e9", "`rate` is"),
        ("chat=true", "set `sends`"),
        ("between=nginx&between=nginx", "named twice"),
        ("nothing=1", "no such key"),
    ] {
        for path in ["/choose", "/choose/answer"] {
            let answer = get(address, &format!("{path}?{query}")).await;
            let text = answer.body.replace("&#39;", "'").replace("&quot;", "\"");
            assert!(answer.status == 400 && text.contains(says), "{path}?{query}: {answer:?}");
        }
    }
    for query in ["x=rate&y=rate", "chat=true&sends=1/s&x=rate&y=rtt", "x=pigeons"] {
        assert_eq!(get(address, &format!("/choose/map.svg?{query}")).await.status, 400, "{query}");
    }
    let long = format!("/choose/map.svg?rate={}", "1".repeat(2_000));
    assert!(get(address, &long).await.body.contains("at most 1024 bytes"));
}

/// Eight at the same time are more than the limit: some are refused for a second, and all others have their map.
#[tokio::test]
async fn more_than_the_limit_at_once_are_refused_for_a_second() {
    let (address, _stop) = start().await;
    let all = (0..8).map(|_| tokio::spawn(get(address, "/choose/map.svg?x=rate&y=budget")));
    let all: Vec<_> = all.collect();
    let (mut drawn, mut later) = (0, 0);
    for one in all {
        let answer = one.await.unwrap();
        match answer.status {
            200 => drawn += 1,
            503 if answer.head.contains("retry-after: 1") => later += 1,
            _ => panic!("{answer:?}"),
        }
    }
    assert!(drawn >= 1 && later >= 1 && drawn + later == 8, "{drawn} {later}");
    assert_eq!(get(address, "/choose/answer").await.status, 200, "and then it answers again");
}
