//! The clients of a job: where each goes, how it introduces itself, and how it makes its connections.
//!
//! Called by the fleet and by the newcomers, before a client runs; knows nothing of when that is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use feedlab_experiment::scenario::Connections;
use feedlab_feed::{Cursor, Transport};
use url::Url;

use crate::transport::{Client, Leg, Link, Pool, Tls, request_headers};
use crate::{Job, LoadError};

/// A source address has some 28,000 ports for one destination (`ip_local_port_range`); stay well below.
const CLIENTS_PER_ADDRESS: u32 = 10_000;

/// How the job's clients make their connections, apart from those that they share.
pub(crate) fn link(job: &Job, leg: Leg) -> Result<Link, LoadError> {
    let link = job.contender.link;
    let trusted = || Tls::trusting(job.certificate.as_deref().unwrap_or_default());
    let tls = link.tls.then(trusted).transpose().map_err(LoadError::Certificate)?;
    Ok(Link { http: link.http, tls, pool: None, leg, finds_heads: false })
}

/// The link of one worker's clients: they share their connections with each other and nobody else.
pub(crate) fn link_of_a_worker(link: &Link, job: &Job) -> Link {
    let shares = job.contender.link.connections == Connections::Shared;
    Link { pool: shares.then(Pool::default), ..link.clone() }
}

/// The client of this index, with its headers, its source address and its own chance.
pub(crate) fn client(job: &Job, link: &Link, index: u32) -> Option<Client> {
    let transport = job.contender.transport();
    let endpoint = endpoint(job, index);
    let origin = format!("{}://{endpoint}", if link.tls.is_some() { "https" } else { "http" });
    let mut client = Client::new(Url::parse(&format!("{origin}{}", transport.path())).ok()?, job.cell.seed);
    client.rng.set_stream(index.into());
    client.headers = request_headers(job.clients.headers, transport, &origin);
    client.link = link.clone();
    client.profile = job.clients.headers;
    client.reconnect = job.contender.reconnect;
    client.read_buffer = job.contender.serving.read_buffer_bytes;
    // The feed has not begun: after nothing is from now on, and a client that is cut off before its first update has
    // a place to come back to. The other endpoints tell it theirs.
    let sends_place = transport != Transport::WebSocket && !job.contender.is_auto();
    client.after = (!sends_place).then_some(Cursor::default());
    let share = if job.own_addresses { 1 } else { CLIENTS_PER_ADDRESS };
    client.source = source(endpoint, job.cell.clients, index, share);
    Some(client)
}

/// Neighbours in pairs of sixteen: otherwise of two segments each would have an endpoint to itself.
const PER_ENDPOINT: u32 = 16;

/// The endpoint of the client of this index.
fn endpoint(job: &Job, index: u32) -> SocketAddr {
    let place = index / PER_ENDPOINT % (1 + job.more_endpoints.len() as u32);
    let further = place.checked_sub(1).and_then(|place| job.more_endpoints.get(place as usize));
    further.copied().or(job.endpoint).unwrap_or(job.server)
}

/// The slow client of this index. It shares its connection with nobody, who would be slowed down with it.
pub(crate) fn slow_client(job: &Job, link: &Link, index: u32) -> Option<Client> {
    let slow = job.clients.slow?;
    let link = Link { pool: None, ..link.clone() };
    let mut client = client(job, &link, job.cell.clients.saturating_add(index))?;
    client.reads_per_s = Some(slow.bytes_per_s);
    Some(client)
}

/// On Linux all of 127.0.0.0/8 is this machine, so that a fleet can come from several addresses, which so many share.
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
    use feedlab_experiment::scenario::{Clients, Contender, Headers, Measure, Options};

    use super::*;

    #[test]
    fn several_endpoints_have_equal_shares_and_so_have_their_segments() {
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
    fn a_large_fleet_on_the_loopback_comes_from_several_addresses() {
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
