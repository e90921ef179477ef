//! Whether something holds events back until a buffer is full, judged by when their bytes arrive.
//!
//! An application that writes in bursts looks much like a buffer. Two things tell them apart: a full buffer ends in the
//! middle of an event, and its size is a multiple of 4 KiB; and the same stream has no bursts in front of the buffer.

use super::super::arrivals::Arrival;
use super::super::decode::Coding;
use super::super::exchange::Failure;
use super::super::finding::{Finding, Id};
use super::super::framing::Noted;
use super::super::seen::Seen;
use super::super::text::{count, grouped, span};
use super::super::watch::{End, Session};
use super::compared::{Compared, with};

/// Silence after half an event that no network explains, µs.
const STALL_US: u64 = 300_000;
/// Silence between bursts that a user would notice, µs.
const BURST_GAP_US: u64 = 1_500_000;
/// Events of a burst, at least.
const BURST_EVENTS: u64 = 3;
/// The size of a buffer is a multiple of this, bytes.
const PAGE: u64 = 4_096;
/// How far apart events of one burst have to be by their own times, to show that they were held, ms.
const SPREAD_MS: i64 = 2_000;
/// How far apart they may be to show that they were not, ms.
const TOGETHER_MS: i64 = 500;
/// Anything that arrives this soon after the head is a greeting or a history, µs.
const GREETING_US: u64 = 1_000_000;

const FIX: [&str; 3] = [
    "application: X-Accel-Buffering: no, which nginx obeys; and flush after each event",
    "nginx: proxy_buffering off; proxy_http_version 1.1; in this location",
    "other proxies and CDNs: turn off response buffering for this path",
];
const TELL: [&str; 1] = ["compare it with the application (--direct ORIGIN), or watch longer (--for 5m)"];

/// Whether events are held back.
pub(super) fn judge(seen: &Seen) -> Option<Finding> {
    let session = seen.best()?;
    let direct = seen.direct.as_ref().map(|direct| with(session, direct));
    let is_coded = session.record.coding != Coding::Identity;
    let held_by_coding = seen.identity.as_ref().is_some_and(|identity| is_held(with(session, identity)));
    if held_by_coding && !direct.is_some_and(is_held) {
        return Some(Id::Buffering.not_tested("compression holds events back: see compression", &[]));
    }
    Some(match direct {
        Some(Compared::Late { events, us }) => Id::Buffering.bad(
            format!(
                "{}; up to {} later than directly at the origin ({})",
                bursts(session),
                span(us),
                count(events as u64, "event")
            ),
            &FIX,
        ),
        Some(Compared::None { events }) => Id::Buffering.bad(
            format!("no event in {}, but directly at the origin {}", span(session.record.watched_us), grouped(events)),
            &FIX,
        ),
        Some(Compared::Same { events }) => {
            Id::Buffering.good(format!("{}, as early as directly at the origin", count(events as u64, "event")))
        }
        Some(Compared::Unknown) | None => alone(session, is_coded),
    })
}

/// Whether the head itself is held back, with what follows it.
pub(super) fn without_an_answer(seen: &Seen) -> Option<Finding> {
    let failure = seen.failure.as_ref().filter(|failure| matches!(failure, Failure::NoHead { bytes: 0, .. }))?;
    if seen.identity.as_ref().is_some_and(|identity| identity.head.is_event_stream()) {
        return Some(Id::Buffering.not_tested("compression holds the response back: see compression", &[]));
    }
    if let Some(direct) = &seen.direct {
        let (status, first) = (direct.head.status, span(direct.head.first_byte_us));
        let events = count(direct.record.framing.events, "event");
        let text = format!("{failure}; directly at the origin, {status} after {first} and {events}");
        return Some(Id::Buffering.bad(text, &FIX));
    }
    let head = seen.without_body.as_ref().filter(|head| head.is_event_stream())?;
    let first = span(head.first_byte_us);
    Some(Id::Buffering.bad(
        format!("{failure}, but a HEAD request is answered after {first} (200, text/event-stream): the head waits for a full buffer"),
        &FIX,
    ))
}

pub(super) const fn is_held(compared: Compared) -> bool {
    matches!(compared, Compared::Late { .. } | Compared::None { .. })
}

/// Judges a stream by itself: the strongest sign first.
fn alone(session: &Session, is_coded: bool) -> Finding {
    if session.record.framing.events == 0 {
        return nothing(session);
    }
    let clumps = session.record.arrivals.clumps();
    let cut = cut_inside(&clumps, session.record.watched_us, session.record.is_over());
    full_buffers(session, &clumps, (&cut, is_coded))
        .or_else(|| all_at_the_end(session, &clumps))
        .or_else(|| half_an_event(session, &clumps, &cut))
        .or_else(|| in_bursts(session, &clumps))
        .unwrap_or_else(|| {
            let events = count(session.record.framing.events, "event");
            Id::Buffering.good(format!("{events} in {}, not held back", count(clumps.len() as u64, "arrival")))
        })
}

/// Clumps that are cut like buffers.
fn full_buffers(session: &Session, clumps: &[Arrival], (cut, is_coded): (&[Cut], bool)) -> Option<Finding> {
    let aligned = if is_coded { 0 } else { aligned(clumps) };
    if cut.len() < 2 && aligned < 2 && (cut.is_empty() || aligned == 0) {
        return None;
    }
    let why = if cut.is_empty() { "each a multiple of 4,096 B" } else { "which end in the middle of an event" };
    Some(Id::Buffering.bad(format!("{}, {why}", bursts(session)), &FIX))
}

/// Everything in one clump, with the end of the answer.
fn all_at_the_end(session: &Session, clumps: &[Arrival]) -> Option<Finding> {
    if !comes_at_the_end(session, clumps) {
        return None;
    }
    let (events, after) = (count(session.record.framing.events, "event"), span(session.record.watched_us));
    let text = format!("{events} all at once, at the end of the response after {after}");
    Some(match own_spread(session, clumps) {
        Some(spread) => Id::Buffering.bad(format!("{text}; their timestamps are {spread} apart"), &FIX),
        None => Id::Buffering.warn(
            text,
            &["application: flush after each event; if it already does, something in between waits for the end"],
        ),
    })
}

/// One clump that ends in the middle of an event: a first full buffer, or a pause of the application or the network.
fn half_an_event(session: &Session, clumps: &[Arrival], cut: &[Cut]) -> Option<Finding> {
    let first = cut.first()?;
    let (after, stall) = (span(first.at), span(first.stall));
    let clump = clumps.iter().find(|clump| clump.last_us == first.at)?;
    Some(match own_spread(session, std::slice::from_ref(clump)) {
        Some(spread) => Id::Buffering.bad(
            format!(
                "{} and a half arrived together after {after}, with timestamps up to {spread} apart; then nothing for {stall}",
                count(clump.events, "event")
            ),
            &FIX,
        ),
        None => Id::Buffering
            .warn(format!("half an event arrived after {after}, and the rest {stall} later or never"), &TELL),
    })
}

/// Several clumps of several whole events. Only the events' timestamps can tell whether the application intends it.
fn in_bursts(session: &Session, clumps: &[Arrival]) -> Option<Finding> {
    let later = after_greeting(clumps, session.head.first_byte_us);
    if !are_bursts(later) {
        return None;
    }
    let text = format!("{}, none cut inside an event", bursts(session));
    Some(match spread_ms(&session.record.framing.noted, later) {
        Some(ms) if ms >= SPREAD_MS => Id::Buffering.warn(
            format!("{text}; timestamps within a burst are up to {} apart: a batch, or a buffer", of_ms(ms)),
            &TELL,
        ),
        Some(ms) if ms <= TOGETHER_MS => {
            Id::Buffering.good(format!("{text}; timestamps within a burst are close together"))
        }
        _ => Id::Buffering.not_tested(format!("{text}: a batch, or a buffer"), &TELL),
    })
}

fn nothing(session: &Session) -> Finding {
    let record = &session.record;
    let time = span(record.watched_us);
    if record.wire == 0 && !record.is_over() {
        return Id::Buffering.not_tested(
            format!("no event in {time}: the head arrived, but no byte of the body; a quiet feed, or a buffer"),
            &TELL,
        );
    }
    if record.framing.is_inside_line() && record.end == End::Open {
        return Id::Buffering.warn(format!("half an event, but not the rest in {time}"), &TELL);
    }
    Id::Buffering.not_tested(format!("no event in {time}"), &["watch longer: --for 5m"])
}

/// A clump that ends in the middle of an event, and the silence after it.
#[derive(Clone, Copy, Debug)]
struct Cut {
    at: u64,
    stall: u64,
}

/// Returns the clumps that end inside a line, and are followed by silence.
fn cut_inside(clumps: &[Arrival], watched_us: u64, is_over: bool) -> Vec<Cut> {
    let ends = clumps.iter().skip(1).map(|next| Some(next.at_us)).chain([(!is_over).then_some(watched_us)]);
    let cuts = clumps.iter().zip(ends).filter(|(clump, _)| clump.inside);
    let cuts =
        cuts.filter_map(|(clump, end)| Some(Cut { at: clump.last_us, stall: end?.saturating_sub(clump.last_us) }));
    cuts.filter(|cut| cut.stall >= STALL_US).collect()
}

/// Counts the clumps, after the first, whose size is that of a buffer.
fn aligned(clumps: &[Arrival]) -> usize {
    let gaps = clumps.windows(2).map(|pair| pair[1].at_us.saturating_sub(pair[0].last_us));
    let later = clumps.iter().skip(1).zip(gaps);
    later.filter(|(clump, gap)| clump.wire >= PAGE && clump.wire.is_multiple_of(PAGE) && *gap >= STALL_US).count()
}

fn comes_at_the_end(session: &Session, clumps: &[Arrival]) -> bool {
    let record = &session.record;
    let [only] = clumps else { return false };
    record.end == End::Ended
        && record.framing.events >= BURST_EVENTS
        && only.at_us >= BURST_GAP_US
        && record.watched_us.saturating_sub(only.last_us) < STALL_US
}

fn after_greeting(clumps: &[Arrival], head_us: u64) -> &[Arrival] {
    match clumps {
        [first, rest @ ..] if first.at_us <= head_us + GREETING_US => rest,
        all => all,
    }
}

/// Whether most events come in bursts, with silence between them.
fn are_bursts(clumps: &[Arrival]) -> bool {
    let with_events: Vec<_> = clumps.iter().filter(|clump| clump.events > 0).collect();
    let bursts = with_events.iter().filter(|clump| clump.events >= BURST_EVENTS).count();
    let gaps = with_events.windows(2).filter(|pair| pair[1].at_us - pair[0].last_us >= BURST_GAP_US).count();
    bursts >= 2 && bursts * 2 > with_events.len() && gaps * 2 > bursts
}

/// How far apart the events of a burst are by their own times, ms, if they name any.
fn spread_ms(noted: &[Noted], clumps: &[Arrival]) -> Option<i64> {
    let of_a_clump = |clump: &Arrival| {
        let stamps = noted.iter().filter(|event| (clump.at_us..=clump.last_us).contains(&event.at_us));
        let stamps: Vec<_> = stamps.filter_map(|event| event.stamp_ms).collect();
        Some(stamps.iter().max()? - stamps.iter().min()?)
    };
    clumps.iter().filter_map(of_a_clump).max()
}

/// The same as text, if it is large enough to show that they were held back.
fn own_spread(session: &Session, clumps: &[Arrival]) -> Option<String> {
    spread_ms(&session.record.framing.noted, clumps).filter(|ms| *ms >= SPREAD_MS).map(of_ms)
}

fn of_ms(ms: i64) -> String {
    span(u64::try_from(ms).unwrap_or(0).saturating_mul(1_000))
}

/// Describes the bursts: how many events in how many, and the first three.
fn bursts(session: &Session) -> String {
    let clumps = session.record.arrivals.clumps();
    let first: Vec<_> =
        clumps.iter().take(3).map(|clump| format!("{} B after {}", grouped(clump.wire), span(clump.at_us))).collect();
    let rest = if clumps.len() > 3 { ", …" } else { "" };
    let events = count(session.record.framing.events, "event");
    format!("{events} in {} ({}{rest})", count(clumps.len() as u64, "burst"), first.join(", "))
}

#[cfg(test)]
mod tests;
