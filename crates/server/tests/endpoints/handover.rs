//! Which connections have a task, and which are only a place in a shard.

use crate::harness::{Client, Server};

const COUNT: usize = 20;
const STATS: &str = "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POLL: &str = "GET /feed/poll HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST: &str = "POST /feed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";

/// Returns the number of tasks at rest. The connection of an earlier question may still be closing, so the fewest of
/// several samples.
fn tasks(server: &Server) -> u64 {
    let sample = |_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        server.stats().tasks
    };
    (0..20).map(sample).min().unwrap()
}

fn send(clients: &mut [Client], request: &str, end: &str) {
    for client in clients {
        client.send(request);
        client.until(end);
    }
}

#[test]
fn an_answered_connection_returns_to_its_shard() {
    let server = Server::open();
    let baseline = tasks(&server);
    let mut clients: Vec<_> = (0..COUNT).map(|_| server.client()).collect();
    for request in [STATS, POLL, STATS] {
        send(&mut clients, request, "}");
        server.until("no task is left", |stats| stats.tasks <= baseline);
        assert_eq!(server.stats().connections.open, COUNT as u64);
    }
    send(&mut clients, "GET /feed/sse HTTP/1.1\r\nHost: localhost\r\n\r\n", "retry: 2000\n\n\r\n");
    server.until("a stream has none either", |stats| stats.tasks <= baseline);
    assert_eq!(server.stats().feed.waiting, COUNT as u64);
}

#[test]
fn a_publisher_has_a_task_only_while_its_bodies_come_late() {
    let server = Server::open();
    let baseline = tasks(&server);
    let mut clients: Vec<_> = (0..COUNT).map(|_| server.client()).collect();
    send(&mut clients, POST, "}");
    assert_eq!(tasks(&server), baseline, "a shard has answered");
    for _ in 0..2 {
        let (head, body) = POST.split_at(POST.len() - 1);
        clients.iter_mut().for_each(|client| client.send(head));
        server.until("the bodies are awaited", |stats| stats.tasks >= baseline + COUNT as u64);
        send(&mut clients, body, "}");
        assert_eq!(tasks(&server), baseline + COUNT as u64, "the next such publication is expected");
    }
    send(&mut clients, POLL, "\"gap\":null}");
    server.until("no task is left", |stats| stats.tasks <= baseline);
    send(&mut clients, POST, "}");
    assert_eq!(tasks(&server), baseline);
    assert_eq!(server.stats().feed.head, 4 * COUNT as u64);
    drop(clients);
    server.until("all are gone", |stats| stats.connections.open == 0 && stats.tasks <= baseline);
}
