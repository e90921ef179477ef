//! The format of the stream: how a parser of the standard reads it (WHATWG HTML, section 9.2.6).

use super::super::finding::{Finding, Id};
use super::super::limits::{MAX_BODY_BYTES, MAX_EVENT_BYTES};
use super::super::seen::{Found, Seen};
use super::super::text::count;
use super::super::watch::{End, Record};

/// Whether clients can read it.
pub(super) fn judge(seen: &Seen) -> Option<Finding> {
    let record = &seen.best()?.record;
    match record.end {
        End::EventTooLarge => return Some(too_large(record)),
        End::BodyTooLarge => {
            return Some(Id::Framing.not_tested(format!("no more was read after {} MiB", MAX_BODY_BYTES >> 20), &[]));
        }
        _ => {}
    }
    if seen.found != Found::Sse {
        return None;
    }
    let framing = &record.framing;
    if framing.is_not_utf8() {
        return Some(Id::Framing.bad(
            "bytes that are not UTF-8: a browser shows � in their place",
            &["application: encode text as UTF-8, and bytes as base64; do not split a character between two writes of text"],
        ));
    }
    if framing.events == 0 && framing.is_inside_event() && !framing.is_inside_line() {
        return Some(Id::Framing.bad(
            "data came without the blank line that ends an event: nothing is dispatched",
            &["application: end each event with an empty line: data: …\\n\\n"],
        ));
    }
    if framing.foreign_lines() > 0 {
        return Some(Id::Framing.warn(
            format!("{} without a field of the format, which clients ignore", count(framing.foreign_lines(), "line")),
            &["application: begin each line of data with data:, also within one event"],
        ));
    }
    if framing.events == 0 {
        return Some(Id::Framing.not_tested("no event", &[]));
    }
    Some(Id::Framing.good("events end with an empty line, and are UTF-8"))
}

fn too_large(record: &Record) -> Finding {
    Id::Framing.bad(
        format!(
            "an event of more than {} MiB after {}: a client holds all of it before it sees any",
            MAX_EVENT_BYTES >> 20,
            count(record.framing.events, "event")
        ),
        &["application: send large data in parts, or only its address"],
    )
}
