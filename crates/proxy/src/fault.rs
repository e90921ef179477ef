//! A fault as it is ordered: what breaks, for how long, for whom and how often.

use std::time::Duration;

use feedlab_feed::link::LinkFault;

use crate::settings::share;

/// The longest that a fault can last, and the longest time between two of a series.
const MAX_TIME: Duration = Duration::from_secs(60 * 60);

/// A fault that is ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: LinkFault,
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
    pub const fn now(kind: LinkFault) -> Self {
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
        if self.kind == LinkFault::Refuse && self.share < 1.0 {
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
    fn what_is_out_of_range_is_named() {
        let (cut, second) = (Fault::now(LinkFault::Cut), Duration::from_secs(1));
        assert_eq!(cut.check(), Ok(()));
        let wrong = [
            ("for_ms", Fault { length: MAX_TIME * 2, ..cut }),
            ("for_ms", Fault::now(LinkFault::BlackHole)),
            ("share", Fault { share: 1.5, ..cut }),
            ("share", Fault { length: second, share: 0.5, ..Fault::now(LinkFault::Refuse) }),
            ("every_ms", Fault { every: Some(Duration::ZERO), ..cut }),
            ("at_random", Fault { at_random: true, ..cut }),
        ];
        for (name, fault) in wrong {
            let why = fault.check().unwrap_err();
            assert!(why.starts_with(&format!("`{name}` is ")), "{why}");
        }
    }
}
