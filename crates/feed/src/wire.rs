//! The encoding of an update on each wire: what the server writes and what a client reads, side by side.
//!
//! The polling endpoints and the WebSocket share the JSON object of an update:
//! `{"seq":7,"at":1767225600000000,"type":"tick","data":"…"}`, with `"encoding":"base64"` if `data` encodes bytes.

pub mod poll;
pub mod sse;
pub mod websocket;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::update::EventTypeError;
use crate::{Cursor, Data, Epoch, EventType, Update};

/// Why a received message cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The message is not JSON, or not the expected JSON.
    #[error("not a feedlab message: {0}")]
    Json(#[from] serde_json::Error),
    /// `"encoding":"base64"`, but the data is not base64.
    #[error("`data` is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// An encoding that this version does not know.
    #[error("unknown encoding `{0}`: only base64 is supported")]
    Encoding(String),
    /// An event type that no update may have.
    #[error(transparent)]
    EventType(#[from] EventTypeError),
    /// An SSE event without a valid cursor in `id:`.
    #[error("the event has no cursor in its `id:` field")]
    NoCursor,
    /// A binary frame that ends within its own header.
    #[error("the binary frame is shorter than its header")]
    ShortFrame,
}

/// Returns the JSON object of an update, as a server writes it.
#[must_use]
pub fn update_json(update: &Update) -> String {
    let (data, encoding) = data_json(&update.data);
    let len = data.len();
    let body =
        UpdateBody { seq: update.seq, at: update.at, event_type: update.event_type.as_str().into(), data, encoding };
    to_json_around(len, &body)
}

/// Returns the update that a JSON object describes.
///
/// # Errors
/// When the text is not the JSON of an update.
pub fn parse_update(json: &[u8]) -> Result<Update, WireError> {
    serde_json::from_slice::<UpdateBody<'_>>(json)?.try_into()
}

/// What an audit needs to know about an update: its position and when it was due. Reading it allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Stamp {
    /// The epoch that `seq` counts in. An event names it; for the other forms only the reader knows it.
    #[serde(skip)]
    pub epoch: Option<Epoch>,
    /// The update's position in the feed.
    pub seq: u64,
    /// When it was due, in µs of Unix time.
    pub at: u64,
}

/// An update as it was received, parsed only as far as the reader needs.
#[derive(Clone, Copy, Debug)]
pub enum RawUpdate<'a> {
    /// The JSON object of the polling endpoints and of the WebSocket's text frames.
    Json(&'a [u8]),
    /// An SSE event.
    Event(&'a sse::Event),
    /// A binary frame.
    Binary(&'a [u8]),
}

impl RawUpdate<'_> {
    /// Returns its position and when it was due, without reading the payload. `epoch` is the epoch of the answer or
    /// stream that contained it.
    ///
    /// # Errors
    /// When it is not an update.
    pub fn stamp(self, epoch: Option<Epoch>) -> Result<Stamp, WireError> {
        match self {
            Self::Json(json) => Ok(Stamp { epoch, ..serde_json::from_slice(json)? }),
            Self::Event(event) => {
                let Cursor { epoch, seq } = event.cursor()?;
                Ok(Stamp { epoch, seq, at: event.at()? })
            }
            Self::Binary(payload) => Ok(Stamp { epoch, ..websocket::read_binary_stamp(payload)? }),
        }
    }

    /// Returns the whole update.
    ///
    /// # Errors
    /// When it is not an update.
    pub fn update(self) -> Result<Update, WireError> {
        match self {
            Self::Json(json) => parse_update(json),
            Self::Event(event) => event.update(),
            Self::Binary(payload) => websocket::read_binary(payload),
        }
    }
}

/// What a client publishes: `{"type":…,"data":…}`, on `POST /feed` and as a text frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The event name; `message` if the client gave none.
    pub event_type: EventType,
    /// The payload.
    pub data: Data,
}

impl Publication {
    /// Reads the JSON form. If `data` is not a string, the payload is its JSON text.
    ///
    /// # Errors
    /// When the text is not JSON of that form, or the type is not a valid name.
    pub fn from_json(json: &[u8]) -> Result<Self, WireError> {
        let body: PublicationBody<'_> = object(json)?;
        let event_type = body.event_type.map_or_else(|| Ok(EventType::default()), EventType::new)?;
        let data = read_data(text_of(body.data)?, body.encoding.as_deref())?;
        Ok(Self { event_type, data })
    }
}

/// Reads a JSON object. Without this check, the library would also accept an array, as the fields in order.
///
/// # Errors
/// When the text is not JSON, or not the expected JSON.
pub fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, serde_json::Error> {
    if json.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        // Report invalid JSON first.
        serde_json::from_slice::<serde::de::IgnoredAny>(json)?;
        return Err(serde::de::Error::custom("expected an object"));
    }
    serde_json::from_slice(json)
}

/// Describes the error in a JSON document that is one line of a file: the library counts lines within it, so only its
/// column is meaningful.
#[must_use]
pub fn error_in_line(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rsplit_once(" at line 1 column ") {
        Some((problem, column)) => format!("{problem} at column {column}"),
        None => message,
    }
}

/// Returns a payload as it is published: a string as its content, other JSON as its text.
///
/// # Errors
/// When a string is not valid Unicode: half of a surrogate pair (RFC 8259, section 8.2).
pub(crate) fn text_of(data: &serde_json::value::RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    if data.get().starts_with('"') {
        serde_json::from_str::<String>(data.get()).map(Cow::Owned)
    } else {
        Ok(data.get().into())
    }
}

/// Returns the JSON form of a text that a client publishes as a `message`.
#[must_use]
pub fn publication_json(text: &str) -> String {
    to_json(&TextBody { event_type: EventType::MESSAGE, data: text })
}

#[derive(Serialize)]
struct TextBody<'a> {
    #[serde(rename = "type")]
    event_type: &'static str,
    data: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicationBody<'a> {
    #[serde(rename = "type")]
    event_type: Option<String>,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
    encoding: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UpdateBody<'a> {
    seq: u64,
    at: u64,
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", borrow, default)]
    encoding: Option<Cow<'a, str>>,
}

impl TryFrom<UpdateBody<'_>> for Update {
    type Error = WireError;

    fn try_from(body: UpdateBody<'_>) -> Result<Self, WireError> {
        let data = read_data(body.data, body.encoding.as_deref())?;
        Ok(Self { seq: body.seq, at: body.at, event_type: EventType::new(body.event_type)?, data })
    }
}

/// Returns a payload as a JSON string, and the encoding that was used for it.
fn data_json(data: &Data) -> (Cow<'_, str>, Option<Cow<'static, str>>) {
    match data {
        Data::Text(text) => (text.into(), None),
        Data::Binary(bytes) => (BASE64.encode(bytes).into(), Some("base64".into())),
    }
}

fn read_data(text: Cow<'_, str>, encoding: Option<&str>) -> Result<Data, WireError> {
    match encoding {
        None => Ok(Data::Text(text.into_owned())),
        Some("base64") => Ok(Data::Binary(Bytes::from(BASE64.decode(text.as_bytes())?))),
        Some(other) => Err(WireError::Encoding(other.to_owned())),
    }
}

/// Writes a value whose keys are strings and whose numbers are integers, which cannot fail.
fn to_json(value: &impl Serialize) -> String {
    to_json_around(0, value)
}

/// The same, with capacity for a text of `len` bytes and what is around it, so that a long text is not copied to make
/// room for the closing brace.
fn to_json_around(len: usize, value: &impl Serialize) -> String {
    let mut json = Vec::with_capacity(len + 160);
    let _ = serde_json::to_writer(&mut json, value);
    String::from_utf8(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_update() -> impl Strategy<Value = Update> {
        let data = prop_oneof![
            any::<String>().prop_map(Data::Text),
            proptest::collection::vec(any::<u8>(), 0..200).prop_map(|b| Data::Binary(b.into())),
        ];
        let name = "[^\\p{Cc}]{1,16}".prop_filter_map("reserved", |name| EventType::new(name).ok());
        (1..u64::MAX, 0..(1u64 << 53), name, data).prop_map(|(seq, at, event_type, data)| Update {
            seq,
            at,
            event_type,
            data,
        })
    }

    proptest! {
        #[test]
        fn an_update_survives_its_json(update in any_update()) {
            let json = update_json(&update);
            prop_assert_eq!(parse_update(json.as_bytes()).unwrap(), update.clone());
            let stamp: Stamp = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(stamp, Stamp { epoch: None, seq: update.seq, at: update.at });
        }
    }

    #[test]
    fn a_publication_may_leave_out_its_type_and_may_carry_any_json() {
        let plain = Publication::from_json(br#"{"data":"hello\n"}"#).unwrap();
        assert_eq!(plain.event_type.as_str(), "message");
        assert_eq!(plain.data, Data::Text("hello\n".into()));
        let nested = Publication::from_json(br#"{"type":"price","data":{"eur": 3.50}}"#).unwrap();
        assert_eq!(nested.data, Data::Text(r#"{"eur": 3.50}"#.into()));
        let bytes = Publication::from_json(br#"{"data":"AAEC","encoding":"base64"}"#).unwrap();
        assert_eq!(bytes.data, Data::Binary(Bytes::from_static(&[0, 1, 2])));
    }

    #[test]
    fn f8_half_of_a_surrogate_pair_is_not_text() {
        for json in [r#"{"data":"cut \ud83d"}"#, r#"{"type":"\udc00","data":""}"#, r#"{"data":"\ud83d\ud83d\udc00"}"#] {
            assert!(Publication::from_json(json.as_bytes()).is_err(), "{json}");
        }
        assert!(Publication::from_json(br#"{"data":"\ud83d\udc00"}"#).is_ok(), "a whole pair");
    }

    #[test]
    fn f9_an_array_is_not_an_object() {
        for json in ["[]", r#"["tick","x",null]"#, r#" ["tick","x",null]"#] {
            assert!(Publication::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn other_publications_are_refused() {
        for json in [
            "",
            r#"{"type":"a"}"#,
            r#"{"data":"x","extra":1}"#,
            r#"{"type":"gap","data":"x"}"#,
            r#"{"data":"!","encoding":"base64"}"#,
            r#"{"data":"x","encoding":"rot13"}"#,
        ] {
            assert!(Publication::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}
