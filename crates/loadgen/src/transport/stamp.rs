//! Reads where an update is in its feed and when it was due, once for all clients of a thread.
//!
//! A server sends the same bytes to one client after the other. Comparing them takes a tenth of the time of parsing them.

use std::cell::RefCell;
use std::sync::Arc;

use feedlab_feed::Epoch;
use feedlab_feed::wire::{RawUpdate, Stamp, WireError};

/// The number of updates that a thread remembers. Clients that have fallen behind read several at a time, each the same ones.
const REMEMBERED: usize = 8;
/// The largest text that is remembered, bytes.
const MAX_TEXT: usize = 16 << 10;

/// An update that a client of the thread has received.
struct Known {
    /// The id of an event; the other forms have none.
    id: Option<Arc<str>>,
    text: Vec<u8>,
    stamp: Stamp,
}

thread_local! {
    /// The last updates, the newest first.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// Returns an update's stamp, as [`RawUpdate::stamp`] does.
///
/// # Errors
/// When it is not an update.
pub(super) fn read(raw: RawUpdate<'_>, epoch: Option<Epoch>) -> Result<Stamp, WireError> {
    let (id, text) = match raw {
        RawUpdate::Json(json) => (None, json),
        RawUpdate::Event(event) => (Some(&event.last_event_id), event.data.as_bytes()),
        // Its stamp is in its first bytes.
        RawUpdate::Binary(_) => return raw.stamp(epoch),
    };
    KNOWN.with_borrow_mut(|all| {
        if let Some(known) = all.iter().find(|known| known.text == text && known.id.as_ref() == id) {
            // An event names its epoch.
            return Ok(if id.is_some() { known.stamp } else { Stamp { epoch, ..known.stamp } });
        }
        let stamp = raw.stamp(epoch)?;
        if text.len() <= MAX_TEXT {
            remember(all, id, text, stamp);
        }
        Ok(stamp)
    })
}

/// Puts an update in front, in the memory of the oldest.
fn remember(all: &mut Vec<Known>, id: Option<&Arc<str>>, text: &[u8], stamp: Stamp) {
    if all.len() < REMEMBERED {
        all.push(Known { id: None, text: Vec::new(), stamp });
    }
    all.rotate_right(1);
    let first = &mut all[0];
    (first.id, first.stamp) = (id.cloned(), stamp);
    first.text.clear();
    first.text.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use feedlab_feed::wire::sse::Event;

    use super::*;

    #[track_caller]
    fn check(raw: RawUpdate<'_>, epoch: Option<Epoch>) {
        for _ in 0..2 {
            assert_eq!(read(raw, epoch).ok(), raw.stamp(epoch).ok(), "{raw:?}");
        }
    }

    #[test]
    fn it_is_the_stamp_of_this_update_and_not_of_one_before() {
        let event = |id: &str, data: &str| Event { data: data.into(), last_event_id: id.into(), ..Event::default() };
        let data = r#"{"seq":7,"at":9}"#;
        let large = format!(r#"{{"seq":8,"at":9,"data":"{}"}}"#, "x".repeat(MAX_TEXT));
        for epoch in [None, Some(Epoch::of(b"one")), Some(Epoch::of(b"two"))] {
            for json in [data, r#"{"seq":8,"at":9}"#, &large, "{}", ""] {
                check(RawUpdate::Json(json.as_bytes()), epoch);
            }
            for id in ["", "k3f9.7", "k3f9.8", "k3fa.8", "8"] {
                check(RawUpdate::Json(data.as_bytes()), epoch);
                check(RawUpdate::Event(&event(id, data)), epoch);
                check(RawUpdate::Event(&event(id, r#"{"at":10}"#)), epoch);
            }
            check(RawUpdate::Binary(&[0; 17]), epoch);
            check(RawUpdate::Binary(&[0; 3]), epoch);
            for seq in 0..3 * REMEMBERED {
                check(RawUpdate::Json(format!(r#"{{"seq":{},"at":9}}"#, seq / 2 % REMEMBERED).as_bytes()), epoch);
            }
        }
    }
}
