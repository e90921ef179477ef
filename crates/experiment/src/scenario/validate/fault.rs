//! The faults: what breaks, when, for how long and whom, as far as the lab can do it to these contenders.

use std::time::Duration;

use super::super::error::Refusal;
use super::super::written::{self, At, WrittenDuration};
use super::super::{Fault, FaultKind, Feed, Http, Measure};
use super::{HOUR, SECOND, bounds, feed, link};

/// How long a server is away that is started anew at once.
const DOWNTIME: Duration = Duration::from_millis(500);
/// Faults that come more often are one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

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

    fn refuse_impossible(&self, kind: &At<FaultKind>) -> Result<(), Refusal> {
        match **kind {
            FaultKind::Restart | FaultKind::Kill if !feed::can_be_had_again(&self.feed.source) => Err(Refusal::of(
                kind,
                "a server that is started anew has the same feed only if that is synthetic or a replay; use one of those",
            )),
            FaultKind::ReloadNginx if !self.contenders.iter().all(|contender| link::nginx(contender).is_some()) => {
                let problem =
                    "not every contender goes through nginx; give each `via = \"nginx\"`, or remove the fault";
                Err(Refusal::of(kind, problem))
            }
            FaultKind::Status503 | FaultKind::Status204 | FaultKind::WrongType
                if self.contenders.iter().any(is_sealed) =>
            {
                let problem = "the lab proxy answers in the clear and in HTTP/1.1; remove `tls` and `http` from the \
                               contenders, or the fault";
                Err(Refusal::of(kind, problem))
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
    use FaultKind::{BlackHole, Cut, Kill, Refuse, ReloadNginx, Reset, Restart, Status204, Status503, WrongType};
    let given = written.length.as_ref();
    match (*written.kind, given) {
        (Cut | Reset | ReloadNginx, Some(given)) => {
            Err(Refusal::of(given, "this happens in a moment; remove `for`, or repeat it with `every`"))
        }
        (Cut | Reset | ReloadNginx, None) => Ok(Duration::ZERO),
        (BlackHole | Refuse | Status503 | Status204 | WrongType, None) => {
            Err(Refusal::of(&written.kind, "this lasts for a while; add `for`, as in `for = \"2s\"`"))
        }
        (BlackHole | Refuse | Status503 | Status204 | WrongType | Restart | Kill, _) => {
            bounds::duration("for", given, Duration::from_millis(1)..=HOUR, DOWNTIME)
        }
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
        FaultKind::Cut | FaultKind::Reset | FaultKind::BlackHole => bounds::share("share", given),
        _ => Err(Refusal::of(given, "this hits everybody; `share` is of cut, reset and black-hole: remove it")),
    }
}
