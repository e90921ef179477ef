//! The clients of a job: where each connects, which headers it sends, and how it makes its connections.
//!
//! The fleet and the join probe call this before a client runs; it knows nothing of when that is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use feedlab_experiment::scenario::Connections;
use feedlab_feed::{Cursor, Transport};
use hyper::header::{HOST, HeaderValue};
use url::Url;

use crate::transport::{Client, Leg, Link, Pool, Tls, request_headers};
use crate::{Job, LoadError, target};

/// The most clients per source address. An address has about 28,000 ports for one destination (`ip_local_port_range`);
/// stay well below.
const CLIENTS_PER_ADDRESS: u32 = 10_000;

/// Returns how the job's clients make their connections, without the pool of shared ones.
///
/// # Errors
/// When the job's certificate is not valid, or its clients could not read the feed of its target.
pub(crate) fn link(job: &Job, leg: Leg) -> Result<Link, LoadError> {
    let link = job.contender.link;
    let trusted = || Tls::trusting(job.certificate.as_deref().unwrap_or_default());
    let tls = link.tls.then(trusted).transpose().map_err(LoadError::Certificate)?;
    let target = target::recipe(job)?.map(Arc::new);
    Ok(Link { http: link.http, tls, pool: None, leg, finds_heads: false, target })
}

/// The link of one worker's clients: they share connections and counters with each other and with no other worker's.
pub(crate) fn link_of_a_worker(link: &Link, job: &Job) -> Link {
    let shares = job.contender.link.connections == Connections::Shared;
    // A pattern has memory of its own, for which threads would contend.
    let target = link.target.as_deref().cloned().map(Arc::new);
    Link { pool: shares.then(Pool::default), leg: link.leg.of_a_thread(), target, ..link.clone() }
}

/// The client with this index: its headers, its source address and its own random numbers.
pub(crate) fn client(job: &Job, link: &Link, index: u32) -> Option<Client> {
    let transport = job.contender.transport();
    let endpoint = endpoint(job, index);
    let scheme = if link.tls.is_some() { "https" } else { "http" };
    let (url, host) = match &job.target {
        Some(target) => (target.url(endpoint, transport)?, target.host()?),
        None => (Url::parse(&format!("{scheme}://{endpoint}{}", transport.path())).ok()?, endpoint.to_string()),
    };
    let mut client = Client::new(url, job.cell.seed);
    client.rng.set_stream(index.into());
    client.headers = request_headers(job.clients.headers, transport, &format!("{scheme}://{host}"));
    if job.target.is_some() {
        // A client that connects to a proxy in front of the target names the target all the same.
        client.headers.insert(HOST, HeaderValue::try_from(host).ok()?);
    }
    client.link = link.clone();
    client.profile = job.clients.headers;
    client.reconnect = job.contender.reconnect;
    client.read_buffer = job.contender.serving.read_buffer_bytes;
    // The feed has not started, so "after nothing" means "from now on", and a client that is cut off before its first
    // update has a cursor to resume from. The servers of the other transports send one.
    let sends_place = transport != Transport::WebSocket && !job.contender.is_auto();
    client.after = (!sends_place && job.target.is_none()).then_some(Cursor::default());
    let share = if job.own_addresses { 1 } else { CLIENTS_PER_ADDRESS };
    client.source = source(endpoint, job.cell.clients, index, share);
    Some(client)
}

/// The number of consecutive clients that use the same endpoint. With 1, each of two segments would use only one
/// endpoint.
const PER_ENDPOINT: u32 = 16;

/// The endpoint of the client with this index.
fn endpoint(job: &Job, index: u32) -> SocketAddr {
    let place = index / PER_ENDPOINT % (1 + job.more_endpoints.len() as u32);
    let further = place.checked_sub(1).and_then(|place| job.more_endpoints.get(place as usize));
    further.copied().or(job.endpoint).unwrap_or(job.server)
}

/// The slow reader with this index. It never shares a connection: other clients on it would be slowed down too.
pub(crate) fn slow_client(job: &Job, link: &Link, index: u32) -> Option<Client> {
    let slow = job.clients.slow?;
    let link = Link { pool: None, ..link.clone() };
    let mut client = client(job, &link, job.cell.clients.saturating_add(index))?;
    client.reads_per_s = Some(slow.bytes_per_s);
    Some(client)
}

/// The source address of a client. On Linux, all of 127.0.0.0/8 is this machine, so a large fleet can connect from
/// several addresses, each used by `share` clients.
fn source(endpoint: SocketAddr, clients: u32, index: u32, share: u32) -> Option<IpAddr> {
    let spread = cfg!(target_os = "linux") && endpoint.is_ipv4() && endpoint.ip().is_loopback();
    let address = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + index / share);
    (spread && clients > share).then(|| address.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedlab_experiment::Segment;
    use feedlab_experiment::plan::Cell;
    use feedlab_experiment::scenario::{Clients, Contender, CursorRecipe, Headers, Measure, Options};

    use super::*;

    #[test]
    fn several_endpoints_have_equal_shares_in_the_whole_and_in_each_segment() {
        let [first, second]: [SocketAddr; 2] = ["127.0.0.1:1", "127.0.0.1:2"].map(|endpoint| endpoint.parse().unwrap());
        let endpoints = |more_endpoints: Vec<SocketAddr>, segment: Segment| {
            let job = Job { endpoint: Some(first), more_endpoints, ..job(first) };
            let endpoints: Vec<_> = segment.clients(320, 0, 1).map(|index| endpoint(&job, index)).collect();
            [first, second].map(|endpoint| endpoints.iter().filter(|one| **one == endpoint).count())
        };
        assert_eq!(endpoints(Vec::new(), Segment::WHOLE), [320, 0]);
        assert_eq!(endpoints(vec![second], Segment::WHOLE), [160, 160]);
        for index in [1, 2] {
            assert_eq!(endpoints(vec![second], Segment::new(index, 2).unwrap()), [80, 80]);
        }
    }

    fn job(server: SocketAddr) -> Job {
        let second = Duration::from_secs(1);
        let cell = Cell { id: "c".into(), contender: 0, clients: 320, payload_bytes: None, repetition: 1, seed: 1 };
        let clients = Clients { count: vec![320], ramp: second, headers: Headers::Bare, slow: None, churn: None };
        let measure = Measure { settle: second, warm_up: second, duration: second, drain: second, repetitions: 1 };
        let contender = Contender::new("SSE", Options::Sse { keepalive: second });
        Job::new(server, cell, contender, clients, measure, "c.hlog".into())
    }

    #[test]
    fn a_client_of_a_target_asks_for_its_path_and_names_it_without_a_cursor_of_feedlab() {
        let address = "127.0.0.1:7".parse().unwrap();
        let target = target::tests::target(Transport::WebSocket, "/ws?room=1", CursorRecipe::Standard);
        let options = Options::WebSocket { keepalive: Duration::from_secs(15) };
        let mut job = target::tests::job(address, options, target);
        job.clients.headers = Headers::Browser;
        let link = link(&job, Leg::default()).unwrap();
        let client = client(&job, &link, 0).unwrap();
        assert_eq!(client.url.as_str(), "http://127.0.0.1:7/ws?room=1");
        assert_eq!(client.headers[HOST], "localhost:9000");
        assert_eq!(client.headers["origin"], "http://localhost:9000");
        assert_eq!(client.after, None);
    }

    #[test]
    fn a_large_fleet_on_the_loopback_connects_from_several_addresses() {
        let shared = |server: &str, clients: u32, index: u32, share: u32| {
            source(server.parse().unwrap(), clients, index, share).map(|address| address.to_string())
        };
        let address = |server: &str, clients, index| shared(server, clients, index, CLIENTS_PER_ADDRESS);
        assert_eq!(address("127.0.0.1:80", 10_000, 9_999), None);
        assert_eq!(address("192.0.2.1:80", 20_000, 15_000), None);
        assert_eq!(address("[::1]:80", 20_000, 15_000), None);
        if cfg!(target_os = "linux") {
            assert_eq!(address("127.0.0.1:80", 20_001, 9_999).as_deref(), Some("127.0.0.1"));
            assert_eq!(address("127.0.0.1:80", 20_001, 20_000).as_deref(), Some("127.0.0.3"));
            assert_eq!(shared("127.0.0.1:80", 300, 299, 1).as_deref(), Some("127.0.1.44"), "each has its own");
        }
    }
}
