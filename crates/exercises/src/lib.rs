//! The coding exercises of the workshop.
//!
//! [`start`] has the code to start from: it compiles, and makes the usual mistake. [`solution`] is how feedlab would do
//! it, as short as possible. The tests in `tests/` check the solutions; with the feature `start` they check the
//! starting code, and with the feature `yours` what a learner wrote in `yours/`. `feedlab workshop next` guides you
//! through them.
//!
//! Exercises and tests use [`feed`] and [`clock`].

// A file in `yours/` is part of a test and not of this crate, but uses the same names.
extern crate self as feedlab_exercises;

pub mod clock;
pub mod feed;
pub mod solution;
pub mod start;

/// Imports the module under test as `exercise`: the solution, or what the features select.
///
/// A macro, because `cargo fmt` would look for the file of a `mod exercise;`, and a fresh clone has no `yours/`.
#[macro_export]
macro_rules! subject {
    ($name:ident, $yours:literal) => {
        #[cfg(feature = "yours")]
        #[path = $yours]
        #[allow(dead_code, unreachable_pub, reason = "it is a module of a crate, used in a test")]
        mod exercise;
        #[cfg(not(any(feature = "start", feature = "yours")))]
        use $crate::solution::$name as exercise;
        #[cfg(all(feature = "start", not(feature = "yours")))]
        use $crate::start::$name as exercise;
    };
}
