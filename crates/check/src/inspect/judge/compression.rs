//! Whether the body is compressed, and whether each event is flushed through the compressor.

use super::super::decode::Coding;
use super::super::finding::{Finding, Id};
use super::super::seen::Seen;
use super::super::text::{count, grouped, quoted, span};
use super::super::watch::{Record, Session};
use super::compared::{Compared, with};

const FIX: [&str; 3] = [
    "exclude text/event-stream from compression (nginx: gzip off; in this location; Express: a filter in compression())",
    "or flush after each event (Node: res.flush(); nginx: proxy_buffering off;)",
    "or send Cache-Control: no-transform, which Express's compression() and some CDNs obey, but not nginx",
];

/// More than this is not text but a decompression bomb.
const BOMB_RATIO: u64 = 200;
const BOMB_BYTES: u64 = 4 << 20;

/// Whether compression holds events back.
pub(super) fn judge(seen: &Seen) -> Option<Finding> {
    let session = seen.best()?;
    let record = &session.record;
    let coding = match &record.coding {
        Coding::Identity if !seen.is_stream() => return None,
        Coding::Identity => return Some(Id::Compression.good("none, so nothing to flush")),
        Coding::Gzip => "gzip",
        Coding::Deflate => "deflate",
        Coding::Other(other) => {
            return Some(Id::Compression.bad(
                format!("Content-Encoding: {}, but the request accepts only gzip and deflate", quoted(other)),
                &["application or proxy: use a coding that Accept-Encoding lists, or none"],
            ));
        }
    };
    if record.decoded >= BOMB_BYTES && record.decoded / record.wire.max(1) >= BOMB_RATIO {
        return Some(bomb(coding, record));
    }
    if record.undecoded {
        return Some(Id::Compression.bad(
            format!("Content-Encoding: {coding}, but the body is not compressed that way: no client can read it"),
            &["something sets the header without compressing, or compresses twice: remove one of the two"],
        ));
    }
    Some(match seen.identity.as_ref().map(|identity| (with(session, identity), identity)) {
        Some((Compared::None { .. }, identity)) => without_an_event(coding, session, identity),
        Some((Compared::Late { us, .. }, _)) => {
            Id::Compression.bad(format!("with {coding}, events arrive up to {} later than without", span(us)), &FIX)
        }
        _ if record.framing.events == 0 => Id::Compression.not_tested(
            format!("{coding}; no event arrived to show whether it is flushed"),
            &["watch longer: --for 5m"],
        ),
        _ => Id::Compression.good(format!(
            "{coding}, flushed: {} B for {} B of events",
            grouped(record.wire),
            grouped(record.decoded)
        )),
    })
}

/// Whether the answer comes only without compression.
pub(super) fn without_an_answer(seen: &Seen) -> Option<Finding> {
    let identity = seen.identity.as_ref().filter(|identity| identity.head.is_event_stream())?;
    let (failure, first) = (seen.failure.as_ref()?, span(identity.head.first_byte_us));
    Some(Id::Compression.bad(
        format!("with Accept-Encoding: gzip (all browsers): {failure}; without it, 200 after {first}. curl looks fine, browsers hang"),
        &FIX,
    ))
}

fn without_an_event(coding: &str, session: &Session, identity: &Session) -> Finding {
    let (bytes, time) = (count(session.record.wire, "byte"), span(session.record.watched_us));
    Id::Compression.bad(
        format!(
            "with Accept-Encoding: {coding} (all browsers): {bytes} in {time}, no event; without it, {} in {}. curl looks \
             fine, browsers hang",
            count(identity.record.framing.events, "event"),
            span(identity.record.watched_us)
        ),
        &FIX,
    )
}

fn bomb(coding: &str, record: &Record) -> Finding {
    Id::Compression.bad(
        format!("{} B of {coding} became {} MiB: a decompression bomb", grouped(record.wire), record.decoded >> 20),
        &["do not connect clients to it; no real feed compresses this well"],
    )
}
