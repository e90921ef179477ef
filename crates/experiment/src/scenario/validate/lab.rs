//! What stands between clients and server, and what breaks there: a way that the lab proxy can make, an nginx that somebody
//! goes through, and faults, as far as the lab can do them to these contenders.

use std::time::Duration;

use feedlab_feed::link::{MAX_BUFFER_BYTES, MAX_BYTES_PER_S};

use super::super::error::Refusal;
use super::super::written::{self, At, WrittenDuration};
use super::super::{Fault, FaultKind, Feed, Http, Measure, Network, Nginx, ProcessFault};
use super::{HOUR, SECOND, bounds, contender, feed};

/// Beyond it nobody waits.
const LONGEST_WAY: Duration = Duration::from_secs(10);
/// A shorter silence is no idleness.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);
const MOST_UPSTREAMS: i64 = 8;
/// How long a server is away that is started anew at once.
const DOWNTIME: Duration = Duration::from_millis(500);
/// Faults that come more often are one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

pub(super) fn network(written: &written::Network) -> Result<Network, Refusal> {
    let way = |key, time| bounds::duration(key, time, Duration::ZERO..=LONGEST_WAY, Duration::ZERO);
    let (bandwidth, buffer) = (written.bandwidth_bytes_per_s.as_ref(), written.buffer_bytes.as_ref());
    let idle = written.idle_timeout.as_ref();
    Ok(Network {
        rtt: way("rtt", written.rtt.as_ref())?,
        jitter: way("jitter", written.jitter.as_ref())?,
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

/// Two servers behind one nginx must have the same feed, or a client that changes from one to the other is told
/// nonsense.
pub(super) fn nginx(
    written: Option<&At<written::Nginx>>,
    contenders: &[written::Contender],
    feed: &Feed,
) -> Result<Nginx, Refusal> {
    let Some(written) = written else { return Ok(Nginx::default()) };
    if contenders.iter().all(|one| contender::nginx(one).is_none()) {
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

/// Several servers are several addresses, and what lies between leads to one; what breaks would break one of them.
pub(super) fn servers(written: &written::Written, feed: &Feed, has_faults: bool) -> Result<(), Refusal> {
    let Some(at) = written.feed.servers.as_ref().filter(|_| feed.servers > 1) else { return Ok(()) };
    let via_nginx = written.contender.iter().any(|one| contender::nginx(one).is_some());
    let problem = match () {
        () if via_nginx => "nginx spreads connections over servers of its own; use `upstreams` of [nginx]",
        () if written.network.is_some() || has_faults => {
            "the lab proxy leads to one server, and a fault hits one; remove [network] and [[fault]], or use one server"
        }
        () => return Ok(()),
    };
    Err(Refusal::of(at, problem))
}

/// What a fault has to do with.
pub(super) struct Lab<'a> {
    pub(super) contenders: &'a [written::Contender],
    pub(super) feed: &'a Feed,
    pub(super) measure: &'a Measure,
}

impl Lab<'_> {
    pub(super) fn faults(&self, written: &[written::Fault]) -> Result<Vec<Fault>, Refusal> {
        written.iter().map(|one| self.fault(one)).collect()
    }

    fn fault(&self, written: &written::Fault) -> Result<Fault, Refusal> {
        self.refuse_impossible(&written.kind)?;
        let length = length(written)?;
        Ok(Fault {
            kind: *written.kind,
            at: self.at(&written.at)?,
            every: every(written, length)?,
            length,
            share: share(written)?,
        })
    }

    fn at(&self, written: &At<WrittenDuration>) -> Result<Duration, Refusal> {
        let at = bounds::duration("at", Some(written), Duration::ZERO..=24 * HOUR, Duration::ZERO)?;
        if at < self.measure.duration {
            return Ok(at);
        }
        let measured = humantime::format_duration(self.measure.duration);
        let problem = format!("nothing is measured any more then: `duration` is {measured}; break it before its end");
        Err(Refusal::of(written, problem))
    }

    fn refuse_impossible(&self, written: &At<FaultKind>) -> Result<(), Refusal> {
        match **written {
            FaultKind::Process(ProcessFault::Restart | ProcessFault::Kill)
                if !feed::can_be_had_again(&self.feed.source) =>
            {
                Err(Refusal::of(
                    written,
                    "a server that is started anew has the same feed only if that is synthetic or a replay; use one of those",
                ))
            }
            FaultKind::Process(ProcessFault::ReloadNginx)
                if !self.contenders.iter().all(|one| contender::nginx(one).is_some()) =>
            {
                let problem =
                    "not every contender goes through nginx; give each `via = \"nginx\"`, or remove the fault";
                Err(Refusal::of(written, problem))
            }
            kind if kind.answer().is_some() && self.contenders.iter().any(is_sealed) => {
                let problem = "the lab proxy answers in the clear and in HTTP/1.1; remove `tls` and `http` from the \
                               contenders, or the fault";
                Err(Refusal::of(written, problem))
            }
            _ => Ok(()),
        }
    }
}

/// Whether nobody on the way can answer for the server.
fn is_sealed(contender: &written::Contender) -> bool {
    bounds::flag(contender.tls.as_ref(), false) || contender.http.as_ref().is_some_and(|http| **http == Http::V2)
}

/// Some faults happen in a moment, some last.
fn length(written: &written::Fault) -> Result<Duration, Refusal> {
    let is_momentary = match *written.kind {
        FaultKind::Link(fault) => fault.is_momentary(),
        FaultKind::Process(fault) => fault == ProcessFault::ReloadNginx,
    };
    match (&written.length, *written.kind) {
        (Some(given), _) if is_momentary => {
            Err(Refusal::of(given, "this happens in a moment; remove `for`, or repeat it with `every`"))
        }
        (None, _) if is_momentary => Ok(Duration::ZERO),
        (None, FaultKind::Link(_)) => {
            Err(Refusal::of(&written.kind, "this lasts for a while; add `for`, as in `for = \"2s\"`"))
        }
        (given, _) => bounds::duration("for", given.as_ref(), Duration::from_millis(1)..=HOUR, DOWNTIME),
    }
}

fn every(written: &written::Fault, length: Duration) -> Result<Option<Duration>, Refusal> {
    let Some(given) = &written.every else { return Ok(None) };
    let every = bounds::duration("every", Some(given), SHORTEST_PAUSE..=24 * HOUR, SECOND)?;
    if every > length {
        return Ok(Some(every));
    }
    let length = humantime::format_duration(length);
    Err(Refusal::of(given, format!("it would come again before it is over, after {length}; make `every` longer")))
}

/// Chosen at random among the open connections; what concerns new ones or a process hits all.
fn share(written: &written::Fault) -> Result<f64, Refusal> {
    let Some(given) = &written.share else { return Ok(1.0) };
    match *written.kind {
        FaultKind::Link(fault) if fault.hits_open() => bounds::share("share", given),
        _ => Err(Refusal::of(given, "this hits everybody; `share` is of cut, reset and black-hole: remove it")),
    }
}
