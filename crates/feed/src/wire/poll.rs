//! The body of the two polling doors: `{"updates":[…],"next":M,"gap":null}`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{GapBody, RawUpdate, WireError, to_json};
use crate::{Cursor, Gap};

/// Writes a body around updates that are already JSON.
///
/// `next` is the cursor to ask with the next time.
pub fn write_body<'a>(updates: impl Iterator<Item = &'a [u8]>, next: Cursor, gap: Option<Gap>) -> Vec<u8> {
    let mut body = b"{\"updates\":[".to_vec();
    for (index, update) in updates.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(update);
    }
    body.extend_from_slice(format!("],\"next\":{next},\"gap\":{}}}", to_json(&gap)).as_bytes());
    body
}

/// A body as a client reads it.
#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    /// The updates after the cursor that was asked for, oldest first, each still as its JSON.
    #[serde(borrow)]
    pub updates: Vec<&'a RawValue>,
    /// The cursor to ask with the next time.
    pub next: Cursor,
    /// What was asked for and is lost.
    pub gap: Option<Gap>,
}

impl<'a> Body<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// When the text is not such a body.
    pub fn parse(json: &'a [u8]) -> Result<Self, WireError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// The updates, to be read as far as is needed.
    pub fn raw_updates(&self) -> impl Iterator<Item = RawUpdate<'a>> + '_ {
        self.updates.iter().map(|update| RawUpdate::Json(update.get().as_bytes()))
    }
}

/// The JSON by which a WebSocket tells of a gap; here because its reader is the same.
pub(super) fn gap_json(gap: Gap) -> String {
    to_json(&GapBody { gap })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::any_update;
    use crate::wire::update_json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_reads_back(updates in proptest::collection::vec(any_update(), 0..5), next: u64, lost in proptest::option::of((1..9u64, 9..99u64))) {
            let gap = lost.map(|(from, to)| Gap { from, to });
            let json: Vec<String> = updates.iter().map(update_json).collect();
            let body = write_body(json.iter().map(String::as_bytes), Cursor(next), gap);
            let read = Body::parse(&body).unwrap();
            let seen: Vec<_> = read.raw_updates().map(|raw| raw.update().unwrap()).collect();
            let stamps: Vec<_> = read.raw_updates().map(|raw| raw.stamp().unwrap().seq).collect();
            prop_assert_eq!(stamps, updates.iter().map(|update| update.seq).collect::<Vec<_>>());
            prop_assert_eq!((seen, read.next, read.gap), (updates, Cursor(next), gap));
        }
    }

    #[test]
    fn an_empty_body_has_every_key() {
        assert_eq!(write_body(std::iter::empty(), Cursor(7), None), br#"{"updates":[],"next":7,"gap":null}"#);
    }
}
