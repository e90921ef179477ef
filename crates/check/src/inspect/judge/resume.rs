//! What a client that was away gets: ids, what they are good for, and when it comes back.

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
        return Some(Id::Ids.good("none: an answer to POST is not resumed by a reconnect"));
    }
    if with_id == 0 {
        return Some(Id::Ids.bad(
            format!(
                "{}, none has an id: after each reconnect what was sent meanwhile is lost",
                count(events as u64, "event")
            ),
            &[
                "application: id: with each event, a number that only grows; and continue after Last-Event-ID",
                "if each event is the whole state, send the newest one at once to each new client instead",
            ],
        ));
    }
    let distinct = framing.noted.windows(2).filter(|pair| pair[0].id != pair[1].id).count();
    if with_id >= 3 && distinct == 0 {
        return Some(Id::Ids.warn(
            format!("all of {} have the same id", count(with_id as u64, "event")),
            &["application: another id for each event: the browser sends back only the last"],
        ));
    }
    Some(Id::Ids.good(format!("{} of {}", count(with_id as u64, "id"), count(events as u64, "event"))))
}

/// Whether a stream continues after an id.
pub(super) fn resume(seen: &Seen) -> Option<Finding> {
    const FIX: [&str; 2] = [
        "application: with Last-Event-ID, first send what came after it, from a history of a few minutes",
        "proxy: let Last-Event-ID pass",
    ];
    Some(match &seen.resumed {
        Resumed::NotTried(why) => Id::Resume.not_tested(why.clone(), &[]),
        Resumed::Next { known, came } if came == known => {
            Id::Resume.good(format!("with the id of an earlier event, the {came} after it came, in order"))
        }
        Resumed::Next { known, came } | Resumed::Later { known, came } => Id::Resume.bad(
            format!("with the id of an earlier event, {came} of the {known} after it came: what is sent while a client is away is lost"),
            &FIX,
        ),
        Resumed::Nothing { known, waited } => Id::Resume.bad(
            format!("with the id of an earlier event, none of the {known} after it came in {}", set(*waited)),
            &FIX,
        ),
        Resumed::Earlier { came } => Id::Resume.warn(
            format!("with the id of an earlier event, it starts with that one or before ({}): clients get them twice", count(*came as u64, "event")),
            &["application: continue after the id, not with it, and not from the beginning"],
        ),
        Resumed::Refused(status) => Id::Resume.bad(
            format!("with the id of an earlier event the answer is {status}: an EventSource closes permanently"),
            &["application: answer an id that is not known any more with 200, and say what is missing in an event"],
        ),
    })
}

/// When a client comes back.
pub(super) fn retry(seen: &Seen) -> Option<Finding> {
    let retry = seen.sessions.iter().find_map(|session| session.record.framing.retry_ms());
    Some(match retry {
        None => Id::Retry.good("not set: a browser reconnects after 3 to 5 s"),
        Some(ms) if ms < 200 => Id::Retry.warn(
            format!("retry: {ms}: when the server goes down, all clients come back at once, again and again"),
            &["application: retry: 2000 or more, spread at random at shutdown"],
        ),
        Some(ms) if ms > 60_000 => Id::Retry.warn(
            format!("retry: {ms}: a client stays away that long after each loss"),
            &["application: retry: between 1000 and 10000"],
        ),
        Some(ms) => Id::Retry.good(format!("retry: {ms} ms")),
    })
}
