//! See it and teach it.
//!
//! [`lab`] gives each browser tab a way of its own to a feed; [`chapter`] holds the workshop's texts; [`class`] asks a class
//! for its predictions and keeps them; [`exercise`] leads through the coding exercises;
//! [`limits`] bounds what guests decide.

pub mod chapter;
pub mod class;
pub mod exercise;
pub mod lab;
pub mod limits;

pub use class::{Class, ClassError, ClassSettings};
