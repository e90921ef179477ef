//! A share of the clients: the part of every cell that each of several processes drives. The numbers of a segment alone
//! determine its clients, so processes need not coordinate.

use std::fmt;
use std::iter::StepBy;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of several equal shares, as in `2/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Segment {
    /// The number of this share, counted from 1.
    index: u32,
    of: u32,
}

/// The error for a text that is not a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a segment is one of several, as in 1/3, 2/3 or 3/3, with at most {max} segments", max = Segment::MOST)]
pub struct ParseSegmentError;

impl Segment {
    /// The segment of all clients.
    pub const WHOLE: Self = Self { index: 1, of: 1 };
    /// The maximum number of segments of a run.
    pub const MOST: u32 = 1_000;

    /// Returns the share with this number, counted from 1; `None` if there is no such share.
    #[must_use]
    pub fn new(index: u32, of: u32) -> Option<Self> {
        (1..=of.min(Self::MOST)).contains(&index).then_some(Self { index, of }).filter(|_| of <= Self::MOST)
    }

    /// Returns its number, counted from 1.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Returns the number of shares.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Returns the clients that one of the share's `workers` drives. They are taken at equal distances, so that each
    /// share and each worker has clients from every part of the ramp.
    pub fn clients(self, clients: u32, worker: usize, workers: usize) -> StepBy<Range<u32>> {
        let first = self.index - 1 + self.of.saturating_mul(worker as u32);
        (first.min(clients)..clients).step_by(self.of as usize * workers.max(1))
    }

    /// Returns how many clients it has.
    #[must_use]
    pub fn size(self, clients: u32) -> u32 {
        self.clients(clients, 0, 1).len() as u32
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Segment {
    type Err = ParseSegmentError;

    fn from_str(text: &str) -> Result<Self, ParseSegmentError> {
        let number = |text: &str| text.parse().map_err(|_| ParseSegmentError);
        let (index, of) = text.split_once('/').ok_or(ParseSegmentError)?;
        Self::new(number(index)?, number(of)?).ok_or(ParseSegmentError)
    }
}

impl TryFrom<String> for Segment {
    type Error = ParseSegmentError;

    fn try_from(text: String) -> Result<Self, ParseSegmentError> {
        text.parse()
    }
}

impl From<Segment> for String {
    fn from(segment: Segment) -> Self {
        segment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_client_is_of_one_segment_and_one_worker(clients in 0u32..2_000, of in 1u32..12, workers in 1usize..5) {
            let mut seen = vec![0; clients as usize];
            for index in 1..=of {
                let segment = Segment::new(index, of).unwrap();
                let all = (0..workers).flat_map(|worker| segment.clients(clients, worker, workers));
                let count = all.map(|client| seen[client as usize] += 1).count();
                prop_assert_eq!(count as u32, segment.size(clients));
                prop_assert!(segment.size(clients).abs_diff(clients / of) <= 1);
            }
            prop_assert!(seen.iter().all(|count| *count == 1));
        }
    }

    #[test]
    fn it_is_written_as_a_fraction() {
        assert_eq!("2/3".parse::<Segment>().unwrap().to_string(), "2/3");
        assert_eq!("1/1".parse(), Ok(Segment::WHOLE));
        for wrong in ["", "1", "0/2", "3/2", "1/0", "1/1001", "-1/2", "1/2/3", "a/b"] {
            assert_eq!(wrong.parse::<Segment>(), Err(ParseSegmentError), "{wrong}");
        }
    }
}
