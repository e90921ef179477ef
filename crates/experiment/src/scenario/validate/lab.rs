//! What stands between clients and server: a way that the lab proxy can make, and an nginx that somebody goes through.

use std::time::Duration;

use super::super::error::Refusal;
use super::super::written::{self, At};
use super::super::{Feed, Network, Nginx};
use super::{HOUR, SECOND, bounds, feed, link};

/// Beyond it nobody waits.
const LONGEST_WAY: Duration = Duration::from_secs(10);
/// A shorter silence is no idleness.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);
/// The lab proxy holds it back for each connection.
const LARGEST_BUFFER: i64 = 16 << 20;
const MOST_UPSTREAMS: i64 = 8;

pub(super) fn network(written: &written::Network) -> Result<Network, Refusal> {
    let way = |key, time| bounds::duration(key, time, Duration::ZERO..=LONGEST_WAY, Duration::ZERO);
    let (bandwidth, buffer) = (written.bandwidth_bytes_per_s.as_ref(), written.buffer_bytes.as_ref());
    let idle = written.idle_timeout.as_ref();
    Ok(Network {
        rtt: way("rtt", written.rtt.as_ref())?,
        jitter: way("jitter", written.jitter.as_ref())?,
        bandwidth_bytes_per_s: bandwidth
            .map(|bytes| bounds::whole("bandwidth_bytes_per_s", Some(bytes), 1..=1_000_000_000_000, 0))
            .transpose()?,
        idle_timeout: idle
            .map(|time| bounds::duration("idle_timeout", Some(time), SHORTEST_SILENCE..=HOUR, SECOND))
            .transpose()?,
        buffer_bytes: buffer
            .map(|bytes| bounds::whole("buffer_bytes", Some(bytes), 1..=LARGEST_BUFFER, 0))
            .transpose()?,
    })
}

/// Two servers behind one nginx must have the same feed, or a client that changes from one to the other is told
/// nonsense.
pub(super) fn nginx(
    written: Option<&At<written::Nginx>>,
    contenders: &[written::Contender],
    feed: &Feed,
) -> Result<Nginx, Refusal> {
    let Some(written) = written else { return Ok(Nginx::default()) };
    if contenders.iter().all(|contender| link::nginx(contender).is_none()) {
        let problem = "no contender goes through nginx; give one `via = \"nginx\"`, or remove [nginx]";
        return Err(Refusal::of(written, problem));
    }
    let default = Nginx::default();
    let (times, upstreams) = (SHORTEST_SILENCE..=HOUR, written.upstreams.as_ref());
    let nginx = Nginx {
        read_timeout: bounds::duration("read_timeout", written.read_timeout.as_ref(), times, default.read_timeout)?,
        upstreams: bounds::whole("upstreams", upstreams, 1..=MOST_UPSTREAMS, default.upstreams)?,
    };
    match upstreams {
        Some(at) if nginx.upstreams > 1 && !feed::can_be_had_again(&feed.source) => Err(Refusal::of(
            at,
            "only a synthetic feed and a replay are the same on every server; use one of those, or one upstream",
        )),
        _ => Ok(nginx),
    }
}
