//! Which packets are lost: each with the same probability, or in bursts.

use feedlab_feed::link::Loss;

use crate::rng::Rng;

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
