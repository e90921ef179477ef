//! The delays that the test server adds: known distributions, drawn from a seed.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A distribution of delays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Delays {
    /// Always 20 ms: whatever the harness adds shows in every figure.
    Constant,
    /// Uniform from 0 to 40 ms.
    Uniform,
    /// 5 ms for nine of ten, 50 ms for the tenth: a tail that an average would hide.
    Bimodal,
}

impl Delays {
    pub(crate) const ALL: [Self; 3] = [Self::Constant, Self::Uniform, Self::Bimodal];

    /// Draws `count` delays, µs; the same for the same seed.
    pub(crate) fn draw(self, count: usize, seed: u64) -> Vec<u64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut delay = || match self {
            Self::Constant => 20_000,
            Self::Uniform => rng.random_range(0..=40_000),
            Self::Bimodal if rng.random_range(0..10) == 0 => 50_000,
            Self::Bimodal => 5_000,
        };
        (0..count).map(|_| delay()).collect()
    }
}
