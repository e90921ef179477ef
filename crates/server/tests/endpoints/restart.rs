use crate::harness::{Client, Server, ask, publishing};
use feedlab_feed::clock;
use feedlab_feed::schedule::Schedule;
use feedlab_feed::settings::{AgeFrom, Settings};
use feedlab_feed::source::SourceConfig;
use feedlab_server::Config;

fn synthetic(rate: f64) -> Config {
    let schedule = Schedule::Poisson { seed: 7 };
    let source = SourceConfig::Synthetic { rate, schedule, payload_bytes: 8, binary: false };
    Settings { source: Some(source), history: 100_000, ..Settings::default() }.into()
}

#[test]
fn updates_due_before_the_start_are_there_before_the_first_answer() {
    let start_at = clock::unix_us() - 2_000_000;
    let config = Config { start_at: Some(start_at), ..synthetic(5_000.0) };
    let asked_at = clock::unix_us();
    let first = Server::start(config.clone());
    let body = first.poll("/feed/poll?after=0");
    let updates = body["updates"].as_array().unwrap();
    assert_eq!(updates[0]["seq"], 1);
    assert!(updates.last().unwrap()["at"].as_u64().unwrap() > asked_at - 100_000, "{:?}", updates.last());
    drop(first);
    let second = Server::start(config).poll("/feed/poll?after=0");
    let again = &second["updates"].as_array().unwrap()[..updates.len()];
    assert_eq!(again, &updates[..], "the same feed, with the same times");
}

#[test]
fn past_updates_keep_their_due_time_even_if_publications_are_stamped() {
    let start_at = clock::unix_us() - 3_600_000_000;
    let mut config = Config { start_at: Some(start_at), ..synthetic(1.0) };
    config.settings.age_from = AgeFrom::Publication;
    let body = Server::start(config).poll("/feed/poll?after=0");
    assert!(body["updates"][0]["at"].as_u64().unwrap() < start_at + 60_000_000, "{}", body["updates"][0]);
}

#[test]
fn updates_due_before_a_server_started_do_not_count_as_publish_lag() {
    let start_at = clock::unix_us() - 3_600_000_000;
    let server = Server::start(Config { start_at: Some(start_at), ..synthetic(10.0) });
    let feed = server.stats().feed;
    assert!(feed.head > 30_000 && feed.publish_lag_max_us < 600_000_000, "{feed:?}");
}

#[test]
fn servers_of_the_same_feed_agree_on_the_entity_tag_but_not_on_the_life() {
    let config = Config { start_at: Some(clock::unix_us() - 600_000_000), ..synthetic(0.01) };
    let [one, other] = [(); 2].map(|()| Server::start(config.clone()));
    let answer = one.ask("GET /feed/poll?after=0 HTTP/1.1");
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = other.ask(&format!("GET /feed/poll?after=0 HTTP/1.1\r\nIf-None-Match: {tag}"));
    assert!(again.starts_with("HTTP/1.1 304"), "{again}");
    let (one, other) = (one.stats().instance, other.stats().instance);
    assert!(one != other && one < 1 << 53 && other < 1 << 53, "{one} {other}");
}

#[test]
fn a_feed_that_clients_publish_to_has_no_past() {
    let config = Config { start_at: Some(1), ..publishing().into() };
    let tag = |server: &Server| {
        let answer = server.ask("GET /feed/poll HTTP/1.1");
        answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned()
    };
    assert_ne!(tag(&Server::start(config.clone())), tag(&Server::start(config)));
}

#[test]
fn a_started_feed_is_not_started_again() {
    let start_at = clock::unix_us() - 1_000_000;
    let server = Server::start(Config { start_at: Some(start_at), await_start: true, ..synthetic(100.0) });
    let body = format!("{{\"at\":{}}}", start_at + 5);
    let mut client = Client::connect(server.control);
    client.send(&format!(
        "POST /control/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = client.until("}");
    assert!(answer.contains(&format!("{{\"at\":{start_at}}}")), "{answer}");
}

#[test]
fn requests_at_the_control_address_are_not_counted_and_find_no_endpoint() {
    let server = Server::open();
    for (path, status) in
        [("/stats", 200), ("/metrics", 200), ("/healthz", 200), ("/feed/poll", 404), ("/", 404), ("/feed/sse", 404)]
    {
        let answer = ask(server.control, &format!("GET {path} HTTP/1.1"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
    let stats = server.stats();
    assert_eq!((stats.connections.open, stats.connections.accepted), (0, 0));
    assert!(stats.endpoints.values().all(|endpoint| endpoint.bytes_in == 0 && endpoint.connections == 0), "{stats:?}");
}
