//! Silence: what fills it, and who ends a stream because of it.

use super::super::finding::{Finding, Id};
use super::super::seen::{Found, Seen};
use super::super::text::{count, span};
use super::super::watch::{End, Session};

/// A silence that should have been filled: many proxies cut after 60 s, some after 30 s.
const LONG_US: u64 = 30_000_000;

const KEEPALIVE: &str = "application: send a comment (`:` and a blank line) after 15 s of silence";
const PING: &str = "application: send a ping after 15 s of silence";

/// What fills silence.
pub(super) fn keepalive(seen: &Seen) -> Option<Finding> {
    let record = &seen.first()?.record;
    let fix = if seen.found == Found::WebSocket { PING } else { KEEPALIVE };
    let what = if seen.found == Found::WebSocket { "ping" } else { "comment" };
    let longest = seen.sessions.iter().map(|session| session.record.arrivals.longest_silence_us).max()?;
    if let Some((least, most)) =
        seen.sessions.iter().filter_map(|session| session.record.arrivals.before_comments_us).max()
    {
        let text = if most - least < 1_000_000 { span(most) } else { format!("{} to {}", span(least), span(most)) };
        let text = format!("a {what} after {text} of silence");
        return Some(if most > LONG_US { Id::Keepalive.warn(text, &[fix]) } else { Id::Keepalive.good(text) });
    }
    if longest >= LONG_US {
        return Some(Id::Keepalive.warn(
            format!(
                "{} of silence without a {what}: a dead connection goes unnoticed until the next event",
                span(longest)
            ),
            &[fix],
        ));
    }
    if record.framing.beats > 0 {
        let beats = count(record.framing.beats, "event");
        return Some(Id::Keepalive.good(format!(
            "{beats} only to fill silence, which every handler has to ignore; a comment is ignored automatically"
        )));
    }
    Some(Id::Keepalive.not_tested(
        format!("the longest silence was {}, too short to need a {what}", span(longest)),
        &["--for 60s while the feed is quiet"],
    ))
}

/// Who closes a silent stream, and when.
pub(super) fn idle_timeout(seen: &Seen) -> Option<Finding> {
    let idle: Vec<u64> = seen.sessions.iter().filter_map(|session| session.record.cut_in_silence_us()).collect();
    if let Some(shortest) = idle.iter().min() {
        return Some(cut(seen, *shortest, idle.len()));
    }
    let over: Vec<_> = seen.sessions.iter().filter(|session| session.record.is_over()).collect();
    let Some(first) = over.first() else { return Some(open(seen)) };
    if seen.is_post {
        return Some(match &first.record.end {
            End::Cut(why) => {
                Id::IdleTimeout.bad(format!("the connection broke after {}: {why}", span(first.record.watched_us)), &[])
            }
            _ => Id::IdleTimeout.good(format!("ended cleanly after {}", span(first.record.watched_us))),
        });
    }
    Some(ended(first, over.len(), seen.sessions.len()))
}

/// Ended in silence.
fn cut(seen: &Seen, shortest_us: u64, times: usize) -> Finding {
    let direct = seen.direct.as_ref().filter(|direct| direct.record.end == End::Open);
    let direct = direct.map_or_else(String::new, |direct| {
        format!("; directly at the origin, still open after {}", span(direct.record.watched_us))
    });
    let of =
        if seen.sessions.len() > 1 { format!(", {times} of {} times", seen.sessions.len()) } else { String::new() };
    let read = "or raise the timeout that cuts it (nginx: proxy_read_timeout 1h; in this location)";
    let what = if seen.found == Found::WebSocket { "ping" } else { "comment" };
    let keepalive = format!("application: send a {what} after {} of silence, half of that time", span(shortest_us / 2));
    Id::IdleTimeout.bad(format!("cut after {} of silence{of}{direct}", span(shortest_us)), &[&keepalive, read])
}

/// Ended while events were flowing.
fn ended(session: &Session, times: usize, of: usize) -> Finding {
    let age = span(session.record.watched_us);
    let of = format!("{times} of {}", count(of as u64, "connection"));
    match &session.record.end {
        End::Cut(why) => Id::IdleTimeout.bad(
            format!("the connection broke after {age}, but not in silence ({of}): {why}"),
            &["check the logs of the application and of everything in between at that moment"],
        ),
        End::Closed(code) => Id::IdleTimeout.warn(
            format!(
                "closed after {age} with {}",
                code.map_or_else(|| "no code".to_owned(), |code| format!("code {code}"))
            ),
            &["clients have to reconnect, after a random delay"],
        ),
        _ => Id::IdleTimeout.warn(
            format!("ended cleanly after {age}, but not in silence ({of})"),
            &["if that is an age limit, it needs ids to resume from, and a random part"],
        ),
    }
}

/// Still open.
fn open(seen: &Seen) -> Finding {
    let longest = seen.sessions.iter().map(|session| session.record.arrivals.longest_silence_us).max().unwrap_or(0);
    if longest >= LONG_US {
        return Id::IdleTimeout.good(format!("still open after {} of silence", span(longest)));
    }
    if let Some((_, most)) = seen.first().and_then(|session| session.record.arrivals.before_comments_us) {
        return Id::IdleTimeout.good(format!("never silent for more than {}", span(most)));
    }
    let watched: u64 = seen.sessions.iter().map(|session| session.record.watched_us).sum();
    let longer = if seen.finds_timeout { "--for 10m" } else { "--find-timeout while the feed is quiet" };
    Id::IdleTimeout
        .not_tested(format!("none up to {}, the longest silence in {}", span(longest), span(watched)), &[longer])
}
