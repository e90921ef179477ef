//! The choice: which transport fits a team, why the others do not, and when the answer would change.
//!
//! A [`Question`] says what a team needs; [`answer`] computes an [`Answer`] from it. Nothing is measured, read or
//! written here: ages, bytes and requests are those of [`crate::predict`] for a scenario that is built from the
//! question, and CPU and memory are the measured costs of the run that ships with feedlab
//! ([`crate::predict::scale`]). Called by `feedlab choose` and by the map of choices.
//!
//! In reading order: the [`Question`] and what contradicts itself in it, the candidates with the options that suit it,
//! the rules that exclude a candidate, the figures of the others, their ranking, and the crossings.

mod amount;
mod between;
mod check;
mod file;
mod price;
mod question;

mod candidate;
mod figures;
mod rules;
mod setting;

mod crossing;
mod input;
mod practice;
mod proof;
mod ranking;

pub mod map;

pub use amount::{parse_count, parse_rate, parse_size};
pub use between::Between;
pub use candidate::Candidate;
pub use check::QuestionError;
pub use crossing::{Crossing, Nearest};
pub use figures::{Basis, Criterion, Figures};
pub use file::ReadError;
pub use input::Input;
pub use price::{Per, Price};
pub use proof::{Proof, Second};
pub use question::{Delivery, Pattern, Question};
pub use ranking::{Answer, Place, Ranking};
pub use rules::Exclusion;

/// Answers a question: every transport with the options that suit it, whether it fits, what it costs, and which is the
/// best by each criterion.
///
/// # Errors
/// If the question contradicts itself, or if no transport can meet its budget.
pub fn answer(question: &Question) -> Result<Answer, QuestionError> {
    check::check(question)?;
    Ok(Answer::of(question, candidate::all(question)))
}

#[cfg(test)]
mod tests;
