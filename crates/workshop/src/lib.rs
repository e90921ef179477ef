//! The workshop: live labs, chapters, a class's predictions, and coding exercises.
//!
//! [`lab`] gives each browser tab its own server and links; [`chapter`] holds the workshop's texts; [`class`] collects
//! the predictions of a class and stores them; [`exercise`] manages the coding exercises; [`choose`] is the page that
//! answers which transport fits a team; [`limits`] limits what visitors can use up.

pub mod chapter;
pub mod choose;
pub mod class;
pub mod exercise;
pub mod lab;
pub mod limits;

pub use class::{Audience, Class, ClassError, ClassSettings, Token};
