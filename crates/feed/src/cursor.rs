//! A client's position in a feed: the cursor that every transport resumes from, and the epoch that it belongs to.
//!
//! A `seq` alone does not say which feed it counts: a restarted server may have other updates under the same numbers.
//! So a cursor names the epoch too, and a cursor of another epoch is answered with a [`Reset`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A period of a feed in which a `seq` always means the same update: four characters of `0-9a-z`, opaque to clients.
///
/// Two random epochs are equal once in 1.7 million times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch([u8; Self::LEN]);

impl Epoch {
    /// The length of an epoch, characters.
    pub const LEN: usize = 4;

    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

    /// A new epoch, for a feed that did not exist before.
    #[must_use]
    pub fn random() -> Self {
        Self::from_bits(rand::random())
    }

    /// The epoch of a feed that is the same in every process: the 64-bit FNV-1a hash (Fowler, Noll and Vo) of what
    /// identifies the feed, which does not change between builds.
    #[must_use]
    pub fn of(identity: &[u8]) -> Self {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        Self::from_bits(identity.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)))
    }

    fn from_bits(mut bits: u64) -> Self {
        Self([(); Self::LEN].map(|()| {
            let character = Self::ALPHABET[(bits % 36) as usize];
            bits /= 36;
            character
        }))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|character| fmt::Write::write_char(f, char::from(*character)))
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({self})")
    }
}

impl FromStr for Epoch {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let characters = text.as_bytes().try_into().map_err(|_| CursorError)?;
        let known = |character: &u8| Self::ALPHABET.contains(character);
        if text.bytes().all(|character| known(&character)) { Ok(Self(characters)) } else { Err(CursorError) }
    }
}

impl TryFrom<String> for Epoch {
    type Error = CursorError;

    fn try_from(text: String) -> Result<Self, CursorError> {
        text.parse()
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> Self {
        epoch.to_string()
    }
}

/// "I have everything up to and including this `seq` of this epoch": how every transport resumes. 0 is before the first
/// update.
///
/// As text, `k3f9.31`. A plain `31` names no epoch: the server takes it as its own epoch, so a client that sends it
/// does not learn that the feed started over. Servers never write that form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    /// The epoch that `seq` counts in; the server's current one if `None`.
    pub epoch: Option<Epoch>,
    /// The last update that the client has received.
    pub seq: u64,
}

impl Cursor {
    /// The longest text of a cursor, bytes: an epoch, a dot and the 20 digits of the largest `seq`.
    pub const MAX_LEN: usize = Epoch::LEN + 1 + 20;

    /// A position in an epoch.
    #[must_use]
    pub const fn new(epoch: Epoch, seq: u64) -> Self {
        Self { epoch: Some(epoch), seq }
    }

    /// Another position in the same epoch.
    #[must_use]
    pub const fn at(self, seq: u64) -> Self {
        Self { epoch: self.epoch, seq }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.epoch {
            Some(epoch) => write!(f, "{epoch}.{}", self.seq),
            None => self.seq.fmt(f),
        }
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        if text.len() > Self::MAX_LEN {
            return Err(CursorError);
        }
        let (epoch, seq) = match text.split_once('.') {
            Some((epoch, seq)) => (Some(epoch.parse()?), seq),
            None => (None, text),
        };
        let digits = seq.bytes().all(|b| b.is_ascii_digit());
        let seq = seq.parse().ok().filter(|_| digits).ok_or(CursorError)?;
        Ok(Self { epoch, seq })
    }
}

impl TryFrom<String> for Cursor {
    type Error = CursorError;

    fn try_from(text: String) -> Result<Self, CursorError> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

/// A text that is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is an epoch and a seq, as in `k3f9.31`, or a seq alone")]
pub struct CursorError;

/// The answer to a cursor of another epoch: the feed started over, and what the client received does not belong to it.
/// What was published between its cursor and the end of the other epoch is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// The cursor that the client sent.
    pub asked: Cursor,
    /// The cursor from which it resumes: the start of the current epoch.
    pub resume: Cursor,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_cursor() -> impl Strategy<Value = Cursor> {
        let epoch = proptest::option::of(any::<u64>().prop_map(Epoch::from_bits));
        (epoch, any::<u64>()).prop_map(|(epoch, seq)| Cursor { epoch, seq })
    }

    #[test]
    fn a_cursor_is_an_epoch_and_a_number_or_a_number() {
        let k3f9 = Cursor::new("k3f9".parse().unwrap(), 31);
        assert_eq!(("k3f9.31".parse(), k3f9.to_string().as_str()), (Ok(k3f9), "k3f9.31"));
        assert_eq!("31".parse(), Ok(Cursor { epoch: None, seq: 31 }));
        let too_large = "k3f9.18446744073709551616";
        let too_long = format!("k3f9.{:>021}", 7);
        for text in [
            "", ".", "k3f9", "k3f9.", ".31", "k3f.31", "k3f9a.31", "K3F9.31", "k3f9.+1", "k3f9.1x", "1x", "-1",
            "k3fé.1",
        ]
        .into_iter()
        .chain([too_large, &too_long])
        {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text:?}");
        }
    }

    /// Epochs are compared between processes and builds, so the hash must not change.
    #[test]
    fn the_epoch_of_the_same_feed_is_always_the_same() {
        assert_eq!(Epoch::of(b"feedlab").to_string(), Epoch::of(b"feedlab").to_string());
        assert_ne!(Epoch::of(b"a"), Epoch::of(b"b"));
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back(cursor in any_cursor()) {
            let text = cursor.to_string();
            prop_assert!(text.len() <= Cursor::MAX_LEN);
            prop_assert_eq!(text.parse::<Cursor>(), Ok(cursor));
            let json = serde_json::to_string(&cursor).unwrap();
            prop_assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
        }

        #[test]
        fn every_text_that_parses_as_a_cursor_means_one_position(text in "([0-9a-z]{0,5}\\.)?[0-9]{0,21}|.{0,30}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
            }
        }
    }
}
