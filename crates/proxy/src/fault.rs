//! What can be broken on order.

use std::time::Duration;

use crate::settings::share;

/// The longest that a fault can last, and the longest time between two of a series.
const MAX_TIME: Duration = Duration::from_secs(60 * 60);

/// What can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Connections are closed in good order (FIN), after what is on its way has arrived.
    Cut,
    /// Connections are reset (RST); what is on its way is lost.
    Reset,
    /// Nothing passes, and nobody is told. What was sent meanwhile arrives when it is over, as TCP's repetitions would.
    BlackHole,
    /// New connections are refused.
    Refuse,
    /// New connections are answered with 503.
    Status503,
    /// New connections are answered with 204.
    Status204,
    /// New connections are answered with 200 and a page of HTML.
    WrongType,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Cut, Self::Reset, Self::BlackHole, Self::Refuse, Self::Status503, Self::Status204, Self::WrongType];

    /// Its name in the control API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::BlackHole => "black-hole",
            Self::Refuse => "refuse",
            Self::Status503 => "status-503",
            Self::Status204 => "status-204",
            Self::WrongType => "wrong-type",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it happens to connections that are open, rather than to new ones alone.
    pub(crate) const fn hits_open(self) -> bool {
        matches!(self, Self::Cut | Self::Reset | Self::BlackHole)
    }

    /// Whether it can be over in the moment in which it happens.
    const fn is_momentary(self) -> bool {
        matches!(self, Self::Cut | Self::Reset)
    }
}

/// A fault that is ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// How long it lasts. A cut or a reset that lasts hits new connections too, as they come.
    pub length: Duration,
    /// The share that it hits: so many of the open connections, chosen at random; each new one with this probability.
    pub share: f64,
    /// Again and again after so long, until all is healed.
    pub every: Option<Duration>,
    /// The times between two are random, independent of each other, with `every` as their mean.
    pub at_random: bool,
}

impl Fault {
    /// One that happens now, to all, and is over at once if it can be.
    #[must_use]
    pub const fn now(kind: FaultKind) -> Self {
        Self { kind, length: Duration::ZERO, share: 1.0, every: None, at_random: false }
    }

    /// What may not be so, in one line that names the field as the control API does.
    ///
    /// # Errors
    /// At the first field that is out of its range.
    pub fn check(&self) -> Result<(), String> {
        let name = self.kind.name();
        if self.length > MAX_TIME {
            return Err(format!("`for_ms` is at most {} (an hour)", MAX_TIME.as_millis()));
        }
        if self.length.is_zero() && !self.kind.is_momentary() {
            return Err(format!("`for_ms` is above 0 for {name}: say how long it lasts, as in \"for_ms\": 2000"));
        }
        share("share", self.share)?;
        if self.kind == FaultKind::Refuse && self.share < 1.0 {
            return Err("`share` is 1 for refuse: a port that is closed is closed for all".to_owned());
        }
        if self.every.is_some_and(|every| !(Duration::from_millis(10)..=MAX_TIME).contains(&every)) {
            return Err(format!("`every_ms` is from 10 to {} (an hour)", MAX_TIME.as_millis()));
        }
        if self.at_random && self.every.is_none() {
            return Err("`at_random` is for faults with `every_ms`, the mean time between two".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names_of_their_own() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::named(kind.name()), Some(kind));
        }
        assert_eq!(FaultKind::named("restart"), None);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let (cut, second) = (Fault::now(FaultKind::Cut), Duration::from_secs(1));
        assert_eq!(cut.check(), Ok(()));
        let wrong = [
            ("for_ms", Fault { length: MAX_TIME * 2, ..cut }),
            ("for_ms", Fault::now(FaultKind::BlackHole)),
            ("share", Fault { share: 1.5, ..cut }),
            ("share", Fault { length: second, share: 0.5, ..Fault::now(FaultKind::Refuse) }),
            ("every_ms", Fault { every: Some(Duration::ZERO), ..cut }),
            ("at_random", Fault { at_random: true, ..cut }),
        ];
        for (name, fault) in wrong {
            let why = fault.check().unwrap_err();
            assert!(why.starts_with(&format!("`{name}` is ")), "{why}");
        }
    }
}
