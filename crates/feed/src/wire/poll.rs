//! The requests and responses of the two polling endpoints: the body `{"updates":[…],"next":"k3f9.8","gap":null}`, and
//! the headers and parameters around it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{RawUpdate, WireError, to_json};
use crate::{Cursor, Gap, Reset};

/// The content type of a body.
pub const CONTENT_TYPE: &str = "application/json";
/// `Cache-Control` of a response to a short poll: a cache may store it but must revalidate it, which makes the 304
/// possible.
pub const SHORT_CACHE_CONTROL: &str = "no-cache";
/// `Cache-Control` of a response to a long poll.
pub const LONG_CACHE_CONTROL: &str = "no-store";
/// The query parameter of a long poll for how long the server may hold it; [`hold`] formats its value.
pub const HOLD: &str = "hold";

/// Returns the entity tag of everything up to a cursor.
#[must_use]
pub fn etag(cursor: Cursor) -> String {
    format!("\"{cursor}\"")
}

/// Returns the `hold` that a long poll asks for, as in `25s`.
#[must_use]
pub fn hold(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// Writes a body around updates that are already JSON.
///
/// `next` is the cursor for the next request. The key `reset` is present only if there is a reset.
pub fn write_body<'a>(
    updates: impl Iterator<Item = &'a [u8]>,
    next: Cursor,
    gap: Option<Gap>,
    reset: Option<Reset>,
) -> Vec<u8> {
    let mut body = OPENING.to_vec();
    for (index, update) in updates.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(update);
    }
    body.extend_from_slice(closing(next, gap, reset).as_bytes());
    body
}

/// The text before the updates of a body, which are separated by commas.
pub const OPENING: &[u8] = b"{\"updates\":[";

/// Returns the text after the updates.
#[must_use]
pub fn closing(next: Cursor, gap: Option<Gap>, reset: Option<Reset>) -> String {
    let reset = reset.map_or_else(String::new, |reset| format!(",\"reset\":{}", to_json(&reset)));
    format!("],\"next\":\"{next}\",\"gap\":{}{reset}}}", to_json(&gap))
}

/// A body as a client reads it.
#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    /// The updates after the cursor of the request, oldest first, each still as JSON.
    #[serde(borrow)]
    pub updates: Vec<&'a RawValue>,
    /// The cursor for the next request.
    pub next: Cursor,
    /// The requested updates that are lost.
    pub gap: Option<Gap>,
    /// Set if the feed started over; applies before the gap and the updates.
    #[serde(default)]
    pub reset: Option<Reset>,
}

impl<'a> Body<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// When the text is not such a body.
    pub fn parse(json: &'a [u8]) -> Result<Self, WireError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// The updates, each to be parsed only as far as needed.
    pub fn raw_updates(&self) -> impl Iterator<Item = RawUpdate<'a>> + '_ {
        self.updates.iter().map(|update| RawUpdate::Json(update.get().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::tests::any_cursor;
    use crate::wire::tests::any_update;
    use crate::wire::update_json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_reads_back(
            updates in proptest::collection::vec(any_update(), 0..5), next in any_cursor(),
            lost in proptest::option::of((1..9u64, 9..99u64)), reset in proptest::option::of((any_cursor(), any_cursor())),
        ) {
            let gap = lost.map(|(from, to)| Gap { from, to });
            let reset = reset.map(|(asked, resume)| Reset { asked, resume });
            let json: Vec<String> = updates.iter().map(update_json).collect();
            let body = write_body(json.iter().map(String::as_bytes), next, gap, reset);
            let read = Body::parse(&body).unwrap();
            let seen: Vec<_> = read.raw_updates().map(|raw| raw.update().unwrap()).collect();
            let stamps: Vec<_> = read.raw_updates().map(|raw| raw.stamp(None).unwrap().seq).collect();
            prop_assert_eq!(stamps, updates.iter().map(|update| update.seq).collect::<Vec<_>>());
            prop_assert_eq!((seen, read.next, read.gap, read.reset), (updates, next, gap, reset));
        }
    }

    #[test]
    fn an_empty_body_has_every_key() {
        let next = "k3f9.7".parse().unwrap();
        let body = write_body(std::iter::empty(), next, None, None);
        assert_eq!(body, br#"{"updates":[],"next":"k3f9.7","gap":null}"#);
        let reset = Reset { asked: "a000.31".parse().unwrap(), resume: "k3f9.0".parse().unwrap() };
        let body = write_body(std::iter::empty(), next, None, Some(reset));
        let text = r#"{"updates":[],"next":"k3f9.7","gap":null,"reset":{"asked":"a000.31","resume":"k3f9.0"}}"#;
        assert_eq!(body, text.as_bytes());
    }

    #[test]
    fn a_hold_is_written_as_the_endpoint_reads_it() {
        for (ms, text) in [(0, "0s"), (25_000, "25s"), (1_500, "1500ms")] {
            assert_eq!(hold(Duration::from_millis(ms)), text);
        }
    }
}
