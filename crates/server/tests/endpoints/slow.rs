use std::io::Read as _;

use crate::harness::{Client, Server, publishing};
use feedlab_feed::Transport;
use feedlab_feed::settings::{Settings, SlowPolicy};
use feedlab_server::Config;

const COUNT: u64 = 40;

/// Small buffers and large updates: a client that does not read is slow immediately.
fn server(slow_policy: SlowPolicy, queue: usize) -> Server {
    let (slow_limit, send_buffer) = (Some(10), Some(8 << 10));
    let settings = Settings { slow_policy, slow_limit, queue, history: 0, send_buffer, ..publishing() };
    Server::start(Config { max_message_bytes: 1 << 20, ..settings.into() })
}

/// Publishes all updates, each once the fast clients have received the previous one.
fn publish(server: &Server, quick: Option<&mut Client>) {
    let text = "x".repeat(50_000);
    let mut quick = quick;
    for seq in 1..=COUNT {
        server.publish(&text);
        if let Some(quick) = &mut quick {
            assert_eq!(quick.event(), (seq, None), "a fast client gets everything");
        }
    }
}

/// Reads an event stream up to an update, and returns the updates received and the gaps reported.
fn read_to(client: &mut Client, last: u64) -> (Vec<u64>, Vec<(u64, u64)>) {
    let (mut seen, mut gaps) = (Vec::new(), Vec::new());
    loop {
        match client.event() {
            (_, Some(gap)) => gaps.push(gap),
            (seq, None) => seen.push(seq),
        }
        if seen.last() == Some(&last) {
            return (seen, gaps);
        }
    }
}

/// Checks that every update was either received or reported lost, once.
fn account(seen: &[u64], gaps: &[(u64, u64)]) {
    let lost = gaps.iter().flat_map(|(from, to)| *from..=*to);
    let mut all: Vec<u64> = seen.iter().copied().chain(lost).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=COUNT).collect::<Vec<_>>());
}

#[test]
fn block_keeps_what_the_queue_holds_and_reports_the_rest_lost() {
    let server = server(SlowPolicy::Block, 8);
    let mut slow = server.client().open_sse("");
    publish(&server, None);
    let (seen, gaps) = read_to(&mut slow, COUNT);
    account(&seen, &gaps);
    assert_eq!(gaps.last().unwrap().1, COUNT - 8, "the last eight were in the queue: {gaps:?}");
    assert_eq!(server.endpoint(Transport::Sse).gaps, gaps.len() as u64);
}

#[test]
fn latest_skips_to_the_newest_and_does_not_affect_fast_clients() {
    let server = server(SlowPolicy::Latest, 4096);
    let mut slow = server.client().open_sse("");
    let mut quick = server.client().open_sse("");
    publish(&server, Some(&mut quick));
    let (seen, gaps) = read_to(&mut slow, COUNT);
    account(&seen, &gaps);
    assert_eq!(gaps.last().unwrap().1, COUNT - 1, "all but the newest are skipped: {gaps:?}");
    let endpoint = server.endpoint(Transport::Sse);
    assert!(endpoint.conflated > 0 && endpoint.slow_disconnected == 0, "{endpoint:?}");
}

#[test]
fn disconnect_ends_only_streams_that_stall() {
    let server = server(SlowPolicy::Disconnect, 4096);
    let mut quick = server.client().open_sse("");
    let stuck = [server.client().open_sse(""), server.client().open_websocket("")];
    publish(&server, Some(&mut quick));
    server.until("they are gone", |stats| {
        let [sse, websocket] = [Transport::Sse, Transport::WebSocket].map(|endpoint| &stats.endpoints[&endpoint]);
        (sse.slow_disconnected, websocket.slow_disconnected, websocket.active) == (1, 1, 0)
    });
    for mut client in stuck {
        let error = std::iter::from_fn(|| match client.stream.read(&mut [0; 65_536]) {
            Ok(0) => Some(Some(std::io::ErrorKind::UnexpectedEof)),
            Ok(_) => Some(None),
            Err(error) => Some(Some(error.kind())),
        });
        assert_eq!(error.flatten().next(), Some(std::io::ErrorKind::ConnectionReset));
    }
}
