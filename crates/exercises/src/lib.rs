//! The coding exercises of the workshop.
//!
//! [`start`] is where each begins: it compiles, and is wrong in the way that is usually met. [`solution`] is how feedlab
//! would do it, as short as it can be said. `tests/` tests the solutions; the starts with the feature `start`, and what a
//! learner wrote in `yours/` with the feature `yours`. `feedlab workshop next` leads through them.
//!
//! [`feed`] and [`clock`] are what exercises and tests are given.

// A file of `yours/` is part of a test and not of this crate, and names what it is given in the same way.
extern crate self as feedlab_exercises;

pub mod clock;
pub mod feed;
pub mod solution;
pub mod start;

/// What a test tests, as `exercise`: the solution, or what its features ask for.
///
/// A macro, because `cargo fmt` would look for the file of a `mod exercise;`, and a fresh clone has no `yours/`.
#[macro_export]
macro_rules! subject {
    ($name:ident, $yours:literal) => {
        #[cfg(feature = "yours")]
        #[path = $yours]
        #[allow(dead_code, unreachable_pub, reason = "it is a crate's module that stands in a test")]
        mod exercise;
        #[cfg(not(any(feature = "start", feature = "yours")))]
        use $crate::solution::$name as exercise;
        #[cfg(all(feature = "start", not(feature = "yours")))]
        use $crate::start::$name as exercise;
    };
}
