//! An update as the broker stores it: its payload is the payload of the message, the rest is in headers. A message from
//! another program has no such headers, and is an update nevertheless.

use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use feedlab_feed::source::Item;
use feedlab_feed::{Data, EventType};

/// The event name; the default is `message`.
const TYPE: &str = "Feedlab-Type";
/// When the update was due, µs of Unix time; the default is when the broker stored it.
const AT: &str = "Feedlab-At";
/// `binary` if the payload is bytes although it is valid text.
const DATA: &str = "Feedlab-Data";
const BINARY: &str = "binary";
/// The id by which the broker recognizes a message that is sent again: it keeps only the first.
const ID: &str = "Nats-Msg-Id";

/// A message that is sent until the broker acknowledges it.
pub(crate) struct Message {
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

impl Message {
    /// Creates the message of an update that was due at `at`, µs of Unix time.
    pub(crate) fn new(item: Item, at: u64) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ID, format!("{:032x}", rand::random::<u128>()));
        headers.insert(AT, at.to_string());
        if item.event_type != EventType::default() {
            headers.insert(TYPE, item.event_type.as_str());
        }
        let payload = match item.data {
            Data::Text(text) => text.into(),
            Data::Binary(bytes) => {
                headers.insert(DATA, BINARY);
                bytes
            }
        };
        Self { headers, payload }
    }
}

/// Returns the update, and when it was due; `taken_at` is when the broker stored the message, µs of Unix time.
pub(crate) fn decode(headers: Option<&HeaderMap>, payload: Bytes, taken_at: u64) -> (Item, u64) {
    let header = |name| headers.and_then(|headers| headers.get(name)).map(HeaderValue::as_str);
    let event_type = header(TYPE).and_then(|name| EventType::new(name).ok()).unwrap_or_default();
    let at = header(AT).and_then(|at| at.parse().ok()).unwrap_or(taken_at);
    let data = match std::str::from_utf8(&payload) {
        Ok(text) if header(DATA) != Some(BINARY) => Data::Text(text.to_owned()),
        _ => Data::Binary(payload),
    };
    (Item { event_type, data }, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_update_comes_back_as_it_was(
            name in "[a-z]{1,64}", text in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..99), at: u64,
        ) {
            prop_assume!(![EventType::GAP, EventType::RESET].contains(&&*name));
            let event_type = EventType::new(name).unwrap();
            for data in [Data::Text(text), Data::Binary(bytes.into())] {
                let item = Item { event_type: event_type.clone(), data };
                let Message { headers, payload } = Message::new(item.clone(), at);
                prop_assert_eq!(decode(Some(&headers), payload, 0), (item, at));
            }
        }
    }

    #[test]
    fn a_foreign_message_is_an_update() {
        let item = |data| Item { event_type: EventType::default(), data };
        assert_eq!(decode(None, "{}".into(), 7), (item(Data::Text("{}".to_owned())), 7));
        let bytes = Bytes::from_static(&[0xff, 0]);
        assert_eq!(decode(None, bytes.clone(), 7), (item(Data::Binary(bytes)), 7));
        let mut headers = HeaderMap::new();
        headers.insert(TYPE, "gap");
        headers.insert(AT, "soon");
        assert_eq!(
            decode(Some(&headers), "x".into(), 7),
            (item(Data::Text("x".to_owned())), 7),
            "invalid headers are ignored"
        );
    }
}
