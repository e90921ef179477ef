//! What a client gets after a disconnect: ids, resuming, and the reconnection time.

use super::super::finding::{Finding, Id};
use super::super::seen::{Resumed, Seen};
use super::super::text::{count, set};

/// Whether events have ids.
pub(super) fn ids(seen: &Seen) -> Option<Finding> {
    let framing = &seen.best()?.record.framing;
    let (events, with_id) =
        (framing.noted.len() - usize::try_from(framing.beats).unwrap_or(0).min(framing.noted.len()), framing.with_id());
    if events == 0 {
        return Some(Id::Ids.not_tested("no event", &[]));
    }
    if with_id == 0 && seen.is_post {
        return Some(Id::Ids.good("none: a reconnect does not resume a response to POST"));
    }
    if with_id == 0 {
        return Some(Id::Ids.bad(
            format!("{}, none has an id: what is sent during a reconnect is lost", count(events as u64, "event")),
            &[
                "application: send id: with each event, an increasing number; and resume after Last-Event-ID",
                "or, if each event is the whole state, immediately send the latest one to each new client",
            ],
        ));
    }
    let distinct = framing.noted.windows(2).filter(|pair| pair[0].id != pair[1].id).count();
    if with_id >= 3 && distinct == 0 {
        return Some(Id::Ids.warn(
            format!("all {} have the same id", count(with_id as u64, "event")),
            &["application: use a different id for each event: a browser sends back only the last one"],
        ));
    }
    Some(Id::Ids.good(format!("{} of {}", count(with_id as u64, "id"), count(events as u64, "event"))))
}

/// Whether a stream continues after an id.
pub(super) fn resume(seen: &Seen) -> Option<Finding> {
    const FIX: [&str; 2] = [
        "application: on Last-Event-ID, first send what followed that event, from a history of a few minutes",
        "proxy: forward Last-Event-ID",
    ];
    Some(match &seen.resumed {
        Resumed::NotTried(why) => Id::Resume.not_tested(why.clone(), &[]),
        Resumed::Next { known, came } if came == known => {
            Id::Resume.good(format!("with the id of an earlier event, the {came} after it arrived, in order"))
        }
        Resumed::Next { known, came } | Resumed::Later { known, came } => Id::Resume.bad(
            format!("with the id of an earlier event, {came} of the {known} after it arrived: what is sent while a client is away is lost"),
            &FIX,
        ),
        Resumed::Nothing { known, waited } => Id::Resume.bad(
            format!("with the id of an earlier event, none of the {known} after it arrived in {}", set(*waited)),
            &FIX,
        ),
        Resumed::Earlier { came } => Id::Resume.warn(
            format!("with the id of an earlier event, the stream starts at that event or before it ({}): clients get duplicates", count(*came as u64, "event")),
            &["application: resume after the id, not at it, and not from the beginning"],
        ),
        Resumed::Refused(status) => Id::Resume.bad(
            format!("with the id of an earlier event, the response is {status}: an EventSource closes permanently"),
            &["application: answer an id that is no longer known with 200, and report the gap in an event"],
        ),
    })
}

/// When a client reconnects.
pub(super) fn retry(seen: &Seen) -> Option<Finding> {
    let retry = seen.sessions.iter().find_map(|session| session.record.framing.retry_ms());
    Some(match retry {
        None => Id::Retry.good("not set: a browser reconnects after 3 to 5 s"),
        Some(ms) if ms < 200 => Id::Retry.warn(
            format!("retry: {ms}: when the server goes down, all clients reconnect at once, again and again"),
            &["application: retry: 2000 or more, randomized at shutdown"],
        ),
        Some(ms) if ms > 60_000 => Id::Retry.warn(
            format!("retry: {ms}: a client waits that long after each disconnect"),
            &["application: retry: between 1000 and 10000"],
        ),
        Some(ms) => Id::Retry.good(format!("retry: {ms} ms")),
    })
}
