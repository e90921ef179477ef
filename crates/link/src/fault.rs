//! A fault to inject: its kind, duration, share of the connections, and repetition.

use std::time::Duration;

use feedlab_feed::link::LinkFault;

use crate::settings::share;

/// The longest duration of a fault, and the longest interval of a repeating one.
const MAX_TIME: Duration = Duration::from_secs(60 * 60);

/// A fault to inject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// The kind of fault.
    pub kind: LinkFault,
    /// How long the fault lasts. A cut or a reset that lasts also hits new connections.
    pub length: Duration,
    /// The share of the connections that it hits, above 0 and at most 1: this share of the open connections, chosen at
    /// random, and each new one with this probability.
    pub share: f64,
    /// The interval at which the fault repeats, until all faults are healed. `None` for a fault that happens once.
    pub every: Option<Duration>,
    /// Whether the intervals are random and independent of each other, with `every` as their mean.
    pub at_random: bool,
}

impl Fault {
    /// Creates a fault that hits all connections once, and has no duration.
    #[must_use]
    pub const fn now(kind: LinkFault) -> Self {
        Self { kind, length: Duration::ZERO, share: 1.0, every: None, at_random: false }
    }

    /// Checks that every field is in range.
    ///
    /// # Errors
    /// For the first field that is out of range: one line that names the field as the control API does.
    pub fn check(&self) -> Result<(), String> {
        let name = self.kind.name();
        if self.length > MAX_TIME {
            return Err(format!("`for_ms` must be at most {} (an hour)", MAX_TIME.as_millis()));
        }
        if self.length.is_zero() && !self.kind.is_momentary() {
            return Err(format!(
                "`for_ms` must be above 0 for {name}: set how long it lasts, for example \"for_ms\": 2000"
            ));
        }
        share("share", self.share)?;
        if self.kind == LinkFault::Refuse && self.share < 1.0 {
            return Err("`share` must be 1 for refuse: a closed port refuses all connections".to_owned());
        }
        if self.every.is_some_and(|every| !(Duration::from_millis(10)..=MAX_TIME).contains(&every)) {
            return Err(format!("`every_ms` must be from 10 to {} (an hour)", MAX_TIME.as_millis()));
        }
        if self.at_random && self.every.is_none() {
            return Err("`at_random` must be used with `every_ms`, the mean interval".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_out_of_range_is_named() {
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
            assert!(why.starts_with(&format!("`{name}` must be ")), "{why}");
        }
    }
}
