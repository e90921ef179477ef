//! What is the best at a point of a map: one transport, several that are equal, or none, and then why.

use std::fmt;

use feedlab_feed::Transport;
use serde::{Serialize, Serializer};

use crate::choice::{Answer, QuestionError};

/// What is the best at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// These transports.
    Best(Best),
    /// None: the way alone takes longer than the budget.
    TooFar,
    /// None: each client would receive more than a link carries.
    TooMuch,
    /// None: every transport is excluded.
    NoneFits,
}

/// The transports that are the best: one, or several that are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Best(u8);

impl Outcome {
    /// Returns the outcome of an answer.
    pub(super) fn of(answer: Result<&Answer, &QuestionError>) -> Self {
        match answer {
            Ok(answer) if answer.winners.is_empty() => Self::NoneFits,
            Ok(answer) => Self::Best(Best::of(&answer.winners)),
            Err(QuestionError::BudgetBelowDistance { .. }) => Self::TooFar,
            Err(QuestionError::TooMuch { .. }) => Self::TooMuch,
            Err(_) => Self::NoneFits,
        }
    }

    /// Returns the transports, or none.
    #[must_use]
    pub fn transports(self) -> Vec<Transport> {
        match self {
            Self::Best(best) => best.transports().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether several transports are equal.
    #[must_use]
    pub const fn is_tie(self) -> bool {
        matches!(self, Self::Best(best) if best.0.count_ones() > 1)
    }

    /// Returns its name for programs: ids of transports joined by `=`, or `none: ` and why.
    #[must_use]
    pub fn key(self) -> String {
        let ids: Vec<&str> = self.transports().into_iter().map(Transport::id).collect();
        match self {
            Self::Best(_) => ids.join("="),
            Self::TooFar => "none: distance".to_owned(),
            Self::TooMuch => "none: bandwidth".to_owned(),
            Self::NoneFits => "none: rules".to_owned(),
        }
    }
}

impl Best {
    fn of(transports: &[Transport]) -> Self {
        Self(transports.iter().fold(0, |all, one| all | 1 << one.index()))
    }

    /// Returns the transports, in the order of the workshop.
    pub fn transports(self) -> impl Iterator<Item = Transport> {
        Transport::ALL.into_iter().filter(move |one| self.0 & (1 << one.index()) != 0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best(best) => {
                let labels: Vec<&str> = best.transports().map(Transport::label).collect();
                f.write_str(&labels.join(" = "))
            }
            Self::TooFar => f.write_str("none: the way alone takes longer"),
            Self::TooMuch => f.write_str("none: more than a link carries"),
            Self::NoneFits => f.write_str("none fits"),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.key())
    }
}
