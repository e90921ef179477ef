//! Which packets are lost: each with the same probability, or in bursts.

use crate::rng::Rng;

/// A model of losses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// Every packet arrives.
    #[default]
    None,
    /// Each packet is lost with this probability, independently of all others.
    Independent(f64),
    /// The Gilbert–Elliott model: a link that is good or bad, and changes with each packet (Gilbert, "Capacity of a
    /// burst-noise channel", 1960; Elliott, 1963; the parameters as in Hasslinger and Hohlfeld, MMB 2008).
    Bursts {
        /// The probability to become bad, per packet.
        to_bad: f64,
        /// The probability to become good, per packet: a bad time lasts 1/`to_good` packets on average.
        to_good: f64,
        /// The probability that a packet is lost while the link is bad.
        lost_when_bad: f64,
        /// The probability that a packet is lost while it is good.
        lost_when_good: f64,
    },
}

impl Loss {
    /// Returns bursts of `length` packets on average, in which every packet is lost, such that `share` of all packets is.
    /// A share of 1 or more, or a length below 1, is brought into its range.
    #[must_use]
    pub fn bursts(share: f64, length: f64) -> Self {
        let to_good = 1.0 / length.max(1.0);
        let share = share.clamp(0.0, 0.999);
        // In the long run, the link is bad for to_bad / (to_bad + to_good) of the packets.
        let to_bad = (share * to_good / (1.0 - share)).min(1.0);
        Self::Bursts { to_bad, to_good, lost_when_bad: 1.0, lost_when_good: 0.0 }
    }

    /// Returns the share of packets that is lost in the long run.
    #[must_use]
    pub fn share(&self) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::Independent(share) => share,
            Self::Bursts { to_bad, to_good, lost_when_bad, lost_when_good } => {
                let bad = if to_bad + to_good > 0.0 { to_bad / (to_bad + to_good) } else { 0.0 };
                bad * lost_when_bad + (1.0 - bad) * lost_when_good
            }
        }
    }
}

/// The state of a loss model.
#[derive(Debug)]
pub(super) struct Losses {
    model: Loss,
    is_bad: bool,
}

impl Losses {
    pub(super) const fn new(model: Loss) -> Self {
        Self { model, is_bad: false }
    }

    /// Decides about the next packet.
    pub(super) fn loses(&mut self, rng: &mut Rng) -> bool {
        match self.model {
            Loss::None => false,
            Loss::Independent(share) => rng.draw() < share,
            Loss::Bursts { to_bad, to_good, lost_when_bad, lost_when_good } => {
                let changes = rng.draw() < if self.is_bad { to_good } else { to_bad };
                self.is_bad ^= changes;
                rng.draw() < if self.is_bad { lost_when_bad } else { lost_when_good }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns for each of many packets whether it is lost.
    fn drawn(model: Loss) -> Vec<bool> {
        let (mut losses, mut rng) = (Losses::new(model), Rng::new(1));
        (0..200_000).map(|_| losses.loses(&mut rng)).collect()
    }

    fn share(lost: &[bool]) -> f64 {
        lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64
    }

    #[test]
    fn independent_losses_have_their_share() {
        for expected in [0.0, 0.01, 0.15, 1.0] {
            let found = share(&drawn(Loss::Independent(expected)));
            // Three standard deviations of a binomial distribution.
            let error = 3.0 * (expected * (1.0 - expected) / 200_000.0).sqrt();
            assert!((found - expected).abs() <= error, "{expected}: {found}");
        }
    }

    #[test]
    fn bursts_have_their_share_and_their_length() {
        let model = Loss::bursts(0.02, 5.0);
        assert!((model.share() - 0.02).abs() < 1e-12);
        let lost = drawn(model);
        assert!((share(&lost) - 0.02).abs() < 0.003, "{}", share(&lost));
        let bursts = lost.windows(2).filter(|pair| pair[1] && !pair[0]).count();
        let length = lost.iter().filter(|lost| **lost).count() as f64 / bursts as f64;
        assert!((length - 5.0).abs() < 0.5, "{length}");
    }
}
