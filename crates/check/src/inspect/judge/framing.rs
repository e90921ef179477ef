//! The format of the stream, as a parser that follows the standard reads it (WHATWG HTML, section 9.2.6).

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
            return Some(Id::Framing.not_tested(format!("reading stopped after {} MiB", MAX_BODY_BYTES >> 20), &[]));
        }
        _ => {}
    }
    if seen.found != Found::Sse {
        return None;
    }
    let framing = &record.framing;
    if framing.is_not_utf8() {
        return Some(Id::Framing.bad(
            "bytes that are not UTF-8: a browser shows � instead",
            &["application: encode text as UTF-8, and binary data as base64; do not split a character across two writes of text"],
        ));
    }
    if framing.events == 0 && framing.is_inside_event() && !framing.is_inside_line() {
        return Some(Id::Framing.bad(
            "data arrived without the blank line that ends an event: nothing is dispatched",
            &["application: end each event with a blank line: data: …\\n\\n"],
        ));
    }
    if framing.foreign_lines() > 0 {
        return Some(Id::Framing.warn(
            format!("{} without a known field, which clients ignore", count(framing.foreign_lines(), "line")),
            &["application: start each line of data with data:, even within one event"],
        ));
    }
    if framing.events == 0 {
        return Some(Id::Framing.not_tested("no event", &[]));
    }
    Some(Id::Framing.good("events end with a blank line and are valid UTF-8"))
}

fn too_large(record: &Record) -> Finding {
    Id::Framing.bad(
        format!(
            "an event of more than {} MiB after {}: a client has to buffer all of it first",
            MAX_EVENT_BYTES >> 20,
            count(record.framing.events, "event")
        ),
        &["application: split large data, or send only its URL"],
    )
}
