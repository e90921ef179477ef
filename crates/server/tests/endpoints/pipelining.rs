//! Connections on which several requests follow each other, however their bytes arrive.

use std::net::Shutdown;
use std::time::Duration;

use feedlab_feed::stats::{EndpointStats, Stats};
use feedlab_feed::{Transport, clock};

use crate::harness::{Client, Server, elapsed};

const POLL: &str = "GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HELD: &str = "GET /feed/long-poll?after=1&hold=60s HTTP/1.1\r\nHost: localhost\r\n\r\n";
const STATS: &str = "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST: &str = "POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\ntwo";

/// Returns a server with one update.
fn server() -> Server {
    let server = Server::open();
    server.publish("one");
    server
}

/// Reads one answer with its body, and returns its status and the body.
#[track_caller]
fn answer(client: &mut Client) -> (u16, String) {
    let head = client.until("\r\n\r\n").to_lowercase();
    let len = head.split("content-length: ").nth(1).map_or(0, |rest| rest.split('\r').next().unwrap().parse().unwrap());
    let body = String::from_utf8(client.exactly(len)).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

#[track_caller]
fn expect(client: &mut Client, status: u16, part: &str) {
    let (got, body) = answer(client);
    assert!(got == status && body.contains(part), "{got} {body}, not {status} with {part:?}");
}

#[test]
fn requests_in_one_segment_are_answered_in_their_order() {
    let server = server();
    let mut client = server.client();
    client.send(&[POLL, POLL].concat());
    expect(&mut client, 200, "one");
    expect(&mut client, 200, "one");
    client.send(&[POLL, POST, &POLL.replace("after=0", "after=1"), STATS, POLL].concat());
    expect(&mut client, 200, "one");
    expect(&mut client, 202, "\"seq\":2");
    expect(&mut client, 200, "two");
    expect(&mut client, 200, "\"instance\"");
    expect(&mut client, 200, "one");
    client.send(&POLL.repeat(500));
    (0..500).for_each(|_| expect(&mut client, 200, "one"));
    assert_eq!(server.endpoint(Transport::ShortPolling).requests, 505);
}

#[test]
fn a_request_may_be_split_anywhere() {
    let server = server();
    let mut client = server.client();
    client.stream.set_nodelay(true).unwrap();
    for at in (1..POLL.len()).step_by(3) {
        for before in ["", POLL] {
            client.send(&[before, &POLL[..at]].concat());
            if !before.is_empty() {
                expect(&mut client, 200, "one");
            }
            std::thread::sleep(Duration::from_millis(2)); // so that it is another segment
            client.send(&POLL[at..]);
            expect(&mut client, 200, "one");
        }
    }
}

#[test]
fn a_publication_may_be_split_anywhere() {
    let server = Server::open();
    let mut seq = 0;
    let mut published = |client: &mut Client| {
        seq += 1;
        expect(client, 202, &format!("{{\"seq\":{seq}}}"));
    };
    for at in 1..POST.len() {
        for before in ["", POST] {
            // Each time from a shard: the connection of a split publication stays with the library.
            let mut client = server.client();
            client.stream.set_nodelay(true).unwrap();
            client.send(&[before, &POST[..at]].concat());
            if !before.is_empty() {
                published(&mut client);
            }
            std::thread::sleep(Duration::from_millis(2)); // so that it is another segment
            client.send(&POST[at..]);
            published(&mut client);
        }
    }
    let body = server.poll("/feed/poll?after=0");
    let updates = body["updates"].as_array().unwrap();
    assert!(updates.len() == seq && updates.iter().all(|update| update["data"] == "two"), "{body}");
}

#[test]
fn a_body_may_come_in_pieces_and_be_longer_than_what_a_shard_reads() {
    let server = Server::open();
    let body = "x".repeat(60_000);
    let head = format!("POST /feed?from=sse HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut client = server.client();
    for piece in [&[&head, &body[..1]].concat(), &body[1..30_000], &body[30_000..59_999], "x"] {
        client.send(piece);
        std::thread::sleep(Duration::from_millis(2));
    }
    expect(&mut client, 202, "{\"seq\":1}");
    client.send(&[POLL, POST].concat());
    expect(&mut client, 200, &body);
    expect(&mut client, 202, "{\"seq\":2}");
}

/// A page of the server itself sends an `Origin`, and its publications are for the library; a header that means nothing
/// is as long.
#[test]
fn publications_count_the_same_wherever_they_are_answered() {
    let counts = ["Origin", "Xrigin"].map(|header| {
        let server = Server::open();
        let origin = format!("{header}: http://{}\r\nHost: {}", server.addr, server.addr);
        let mut client = server.client();
        for (request, status) in [
            (POST, 202),
            (&POST.replace("/feed", "/feed?from=sse"), 202),
            (&[POST, POST].concat(), 202),
            (POLL, 200),
            (POST, 202),
            (&POST.replace("/feed", "/feed?from=websocket"), 202),
        ] {
            let request = request.replace("Host: localhost", &origin);
            client.send(&request);
            (0..request.matches("HTTP/1.1").count()).for_each(|_| expect(&mut client, status, "seq"));
        }
        let is_last_counted = |stats: &Stats| stats.endpoints[&Transport::WebSocket].bytes_out > 0;
        server.until("the last answer is counted, which follows its write", is_last_counted);
        let stats = server.stats();
        let endpoints = stats.endpoints.into_iter().map(|(transport, endpoint)| {
            let wire = None; // how many segments there are depends on time
            (transport, EndpointStats { wire, ..endpoint })
        });
        (stats.feed.head, stats.feed.payload_bytes, endpoints.collect::<Vec<_>>())
    });
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[0].2.iter().filter(|(_, endpoint)| endpoint.bytes_out > 0).count(), 3, "{counts:?}");
}

/// Each stream gets each update, whichever shard has the publisher.
#[test]
fn publications_reach_the_streams_of_all_shards_in_order() {
    let server = Server::open();
    let mut streams: Vec<_> = (0..4).map(|_| server.client().open_sse("")).collect();
    let mut publishers: Vec<_> = (0..4).map(|_| server.client()).collect();
    for round in 0..20 {
        for (index, publisher) in (1..).zip(&mut publishers) {
            publisher.send(&[POST, POST].concat());
            for seq in [2 * index - 1, 2 * index] {
                expect(publisher, 202, &format!("{{\"seq\":{}}}", 8 * round + seq));
            }
        }
    }
    for stream in &mut streams {
        (1..=160).for_each(|seq| assert_eq!(stream.event(), (seq, None)));
    }
}

#[test]
fn what_follows_a_held_poll_waits_for_its_answer() {
    let server = server();
    let mut client = server.client();
    client.send(&[HELD, POLL, &POLL[..30]].concat());
    server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
    server.publish("two");
    let (status, body) = answer(&mut client);
    assert!(status == 200 && body.contains("two") && !body.contains("one"), "{body}");
    expect(&mut client, 200, "one");
    client.send(&POLL[30..]);
    expect(&mut client, 200, "one");
}

#[test]
fn a_client_that_closes_its_side_gets_all_answers_at_once() {
    let server = server();
    for (behind, statuses) in [
        ("", &["204"][..]),
        (POLL, &["204", "200"]),
        (&[HELD, POLL, HELD].concat(), &["204", "204", "200", "204"]),
        (STATS, &["204", "200"]),
        (&POLL[..20], &["204"]),
    ] {
        for is_held_before in [true, false] {
            let mut client = server.client();
            client.send(&[HELD, behind].concat());
            if is_held_before {
                server.until("held", |stats| stats.endpoints[&Transport::LongPolling].active == 1);
            }
            client.stream.shutdown(Shutdown::Write).unwrap();
            let answers = client.rest();
            let seen: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
            assert_eq!(seen[..statuses.len()], *statuses, "{behind:?}: {answers}");
            assert!(seen.len() <= statuses.len() + usize::from(behind.len() == 20), "{answers}");
        }
    }
    server.until("all are gone", |stats| stats.connections.open == 0 && stats.feed.waiting == 0);
}

#[test]
fn a_client_that_closes_its_side_has_published() {
    let server = Server::open();
    for (behind, statuses) in
        [("", &["202"][..]), (POST, &["202", "202"]), (POLL, &["202", "200"]), (STATS, &["202", "200"])]
    {
        let mut client = server.client();
        client.send(&[POST, behind].concat());
        client.stream.shutdown(Shutdown::Write).unwrap();
        let answers = client.rest();
        let seen: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(seen, *statuses, "{behind:?}: {answers}");
    }
    assert_eq!(server.stats().feed.head, 5);
    server.until("all are gone", |stats| stats.connections.open == 0);
}

#[test]
fn one_connection_can_use_everything() {
    let server = server();
    let mut client = server.client();
    for round in 2..12 {
        for (request, status, part) in [
            (POLL, 200, "one".to_owned()),
            (STATS, 200, "\"instance\"".to_owned()),
            ("GET /feed/long-poll?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, "one".to_owned()),
            (POST, 202, format!("\"seq\":{round}")),
            (&HELD.replace("60s", "1ms").replace("after=1", "after=999"), 200, "\"gap\":{".to_owned()),
            (&HELD.replace("60s", "1ms").replace("after=1", &format!("after={round}")), 204, String::new()),
            ("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, String::new()),
        ] {
            client.send(request);
            expect(&mut client, status, &part);
        }
    }
    let mut stream = client.open_sse("?after=10");
    assert_eq!(stream.event(), (11, None));
    server.publish("twelve");
    assert_eq!(stream.event(), (12, None));
}

#[test]
fn a_connection_ends_after_the_answer_if_the_client_wants_it() {
    let server = server();
    for request in [POLL, STATS, POST, &HELD.replace("60s", "1ms")] {
        let mut client = server.client();
        client.send(POLL); // from a shard first
        expect(&mut client, 200, "one");
        client.send(&request.replace("Host: ", "Connection: close\r\nHost: "));
        let answers = client.rest();
        assert!(answers.contains("connection: close") && answers.matches("HTTP/1.1").count() == 1, "{answers}");
    }
}

#[test]
fn a_hold_does_not_outlive_its_client() {
    const SHORT: Duration = Duration::from_millis(700);
    let server = server();
    let held = |count| move |stats: &Stats| stats.endpoints[&Transport::LongPolling].active == count;
    for _ in 0..3 {
        let mut leaves = server.client();
        leaves.send(&HELD.replace("60s", "700ms"));
        server.until("held", held(1));
        drop(leaves);
        server.until("gone", held(0));
        let begin = clock::now();
        let mut stays = server.client();
        stays.send(&HELD.replace("60s", "1500ms"));
        expect(&mut stays, 204, "");
        assert!(elapsed(begin) >= 2 * SHORT, "the place is new, and so is its hold");
    }
}
