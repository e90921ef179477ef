//! Updates in JSON: their numbers and times at fixed places of each object.

use feedlab_feed::wire::Stamp;
use serde_json::{Deserializer, Value};

use super::finder::{FinderError, micros, unit};
use crate::scenario::TimeUnit;

/// Where the number and the time of an update are in JSON.
#[derive(Clone, Debug)]
pub(super) struct Pointers {
    seq: String,
    at: String,
    unit: TimeUnit,
}

impl Pointers {
    pub(super) fn new(seq: &str, at: &str, unit: TimeUnit) -> Result<Self, FinderError> {
        match [seq, at].into_iter().find(|pointer| !is_pointer(pointer)) {
            Some(other) => Err(FinderError::Pointer(other.to_owned())),
            None => Ok(Self { seq: seq.to_owned(), at: at.to_owned(), unit }),
        }
    }

    /// A message may have several values one after another, as NDJSON does; what is not JSON ends it.
    pub(super) fn find(&self, message: &[u8], each: &mut dyn FnMut(Stamp)) {
        for value in Deserializer::from_slice(message).into_iter::<Value>().map_while(Result::ok) {
            match &value {
                Value::Array(list) => list.iter().filter_map(|element| self.stamp(element)).for_each(&mut *each),
                one => self.stamp(one).into_iter().for_each(&mut *each),
            }
        }
    }

    fn stamp(&self, value: &Value) -> Option<Stamp> {
        let seq = number(value.pointer(&self.seq)?)?.parse().ok()?;
        let at = micros(&number(value.pointer(&self.at)?)?, self.unit)?;
        Some(Stamp { epoch: None, seq, at })
    }

    pub(super) fn in_words(&self) -> String {
        let Self { seq, at, unit: of } = self;
        format!("JSON with a number at \"{seq}\" and a time in {} at \"{at}\"", unit(*of))
    }
}

/// Returns the digits of a number, which may be in a string.
fn number(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// Whether a text is a JSON pointer to a part of a value: steps that each start with a slash, in which a tilde is `~0` and
/// a slash `~1` (RFC 6901, section 3).
pub(crate) fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}
