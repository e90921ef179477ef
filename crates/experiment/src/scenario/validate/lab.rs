//! What is between clients and server: a network that the lab proxy can emulate, and an nginx that a contender uses.

use std::time::Duration;

use feedlab_feed::link::{MAX_BUFFER_BYTES, MAX_BYTES_PER_S};

use super::super::error::FieldError;
use super::super::written::{self, At};
use super::super::{Balance, Fault, Feed, Network, Nginx};
use super::{HOUR, SECOND, bounds, contender};

/// The longest round trip and jitter.
pub(super) const LONGEST_RTT: Duration = Duration::from_secs(10);
/// The shortest timeout.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);
/// The maximum number of servers behind one nginx.
pub(super) const MOST_UPSTREAMS: u32 = 8;

pub(super) fn network(written: &written::Network) -> Result<Network, FieldError> {
    let delay = |key, time| bounds::duration(key, time, Duration::ZERO..=LONGEST_RTT, Duration::ZERO);
    let (bandwidth, buffer) = (written.bandwidth_bytes_per_s.as_ref(), written.buffer_bytes.as_ref());
    let idle = written.idle_timeout.as_ref();
    Ok(Network {
        rtt: delay("rtt", written.rtt.as_ref())?,
        jitter: delay("jitter", written.jitter.as_ref())?,
        bandwidth_bytes_per_s: bandwidth
            .map(|bytes| bounds::whole("bandwidth_bytes_per_s", Some(bytes), 1..=MAX_BYTES_PER_S.cast_signed(), 0))
            .transpose()?,
        idle_timeout: idle
            .map(|time| bounds::duration("idle_timeout", Some(time), SHORTEST_SILENCE..=HOUR, SECOND))
            .transpose()?,
        buffer_bytes: buffer
            .map(|bytes| bounds::whole("buffer_bytes", Some(bytes), 1..=MAX_BUFFER_BYTES.cast_signed(), 0))
            .transpose()?,
    })
}

/// Validates nginx. Several servers behind one nginx must have the same feed; otherwise a client that changes from one
/// to another would receive inconsistent updates.
pub(super) fn nginx(
    written: Option<&At<written::Nginx>>,
    contenders: &[written::Contender],
    feed: &Feed,
) -> Result<Nginx, FieldError> {
    let Some(written) = written else { return Ok(Nginx::default()) };
    if contenders.iter().all(|one| contender::nginx(one).is_none()) {
        let problem = "no contender connects through nginx; give one `via = \"nginx\"`, or remove [nginx]";
        return Err(FieldError::at(written, problem));
    }
    let default = Nginx::default();
    let (times, upstreams) = (SHORTEST_SILENCE..=HOUR, written.upstreams.as_ref());
    let nginx = Nginx {
        read_timeout: bounds::duration("read_timeout", written.read_timeout.as_ref(), times, default.read_timeout)?,
        upstreams: bounds::whole("upstreams", upstreams, 1..=MOST_UPSTREAMS.into(), default.upstreams)?,
        balance: written.balance.as_ref().map_or(default.balance, |balance| **balance),
        shutdown_timeout: bounds::duration(
            "shutdown_timeout",
            written.shutdown_timeout.as_ref(),
            SHORTEST_SILENCE..=HOUR,
            default.shutdown_timeout,
        )?,
    };
    match upstreams {
        Some(at) if nginx.upstreams > 1 && !feed.is_reproducible() => Err(FieldError::at(
            at,
            "only a synthetic feed or a replay is the same on every server; use one of those, a `broker`, or a single \
             upstream",
        )),
        _ => Ok(nginx),
    }
}

/// Several servers have several addresses, but the lab proxy forwards to one, a link has one behind it, and a fault would
/// affect only one of them.
pub(super) fn servers(written: &written::Written, feed: &Feed, has_faults: bool) -> Result<(), FieldError> {
    let Some(at) = written.feed.servers.as_ref().filter(|_| feed.servers > 1) else { return Ok(()) };
    let via_nginx = written.contender.iter().any(|one| contender::nginx(one).is_some());
    let problem = match () {
        () if via_nginx => "nginx distributes connections over its own servers; use `upstreams` of [nginx] instead",
        () if written.network.is_some() || has_faults => {
            "the lab proxy forwards to one server, a link ends at one, and a fault affects one; remove [network] and \
             [[fault]], or use a single server"
        }
        () => return Ok(()),
    };
    Err(FieldError::at(at, problem))
}

/// Balancing by address is not possible behind the lab proxy or a link, where all clients have the same address.
pub(super) fn addresses(
    written: Option<&At<written::Nginx>>,
    network: Option<&Network>,
    faults: &[Fault],
) -> Result<(), FieldError> {
    let balance = written.and_then(|nginx| nginx.balance.as_ref()).filter(|balance| ***balance == Balance::Hash);
    let hides = network.is_some() || faults.iter().any(|fault| fault.kind.is_of_link());
    match balance {
        Some(at) if hides => Err(FieldError::at(
            at,
            "behind the lab proxy or a link all clients have the same address; remove [network] and its faults, or use another \
             `balance`",
        )),
        _ => Ok(()),
    }
}
