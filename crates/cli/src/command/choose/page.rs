//! The answer as a page: its parts in the order in which people read them, independent of the format.

use std::path::Path;

use feedlab_experiment::choice::{Answer, Basis, Candidate, Criterion, Exclusion, Place};
use feedlab_experiment::scenario::Transport;
use feedlab_report::human;

use super::{Answered, words};

/// The answer as a page.
#[derive(Debug)]
pub(super) struct Page {
    /// What was asked, in one sentence.
    pub(super) title: String,
    /// The parts, in order.
    pub(super) parts: Vec<Part>,
}

/// A part of the page.
#[derive(Debug)]
pub(super) enum Part {
    /// The answer, which is what people read first.
    Verdict(String),
    /// A heading.
    Heading(&'static str),
    /// A paragraph.
    Text(String),
    /// A table: the first two rows are its head.
    Table(Vec<Vec<String>>),
    /// A list of a name and what is said about it.
    Named(Vec<(String, String)>),
    /// A list of sentences.
    List(Vec<String>),
}

/// Returns the page of an answer, whose scenario was written to a file.
pub(super) fn of(answered: &Answered, file: &Path) -> Page {
    let answer = &answered.answer;
    let mut parts = vec![Part::Verdict(words::verdict(answer))];
    if answer.candidates.iter().any(Candidate::fits) {
        parts.push(Part::Table(table(answer)));
    }
    parts.push(Part::Named(excluded(answer)));
    if answer.winner().is_some() {
        parts.push(Part::Text(words::rankings(answer)));
    }
    parts.push(Part::Heading("The answer changes"));
    parts.push(Part::Named(words::crossings(&answered.crossings)));
    if let Some(winner) = answer.winner() {
        parts.push(Part::Heading(words::in_practice(winner)));
        parts.push(Part::List(answered.practice.clone()));
    }
    if let Some(proof) = &answered.proof {
        parts.push(Part::Heading("Two experiments that prove it"));
        parts.push(Part::List(words::experiments(answer, proof, file)));
    }
    parts.push(Part::Text(words::sources(answer)));
    parts.retain(|part| !matches!(part, Part::Named(list) if list.is_empty()));
    Page { title: words::question(&answer.question), parts }
}

/// The criteria that have a column, with its heading.
fn columns(answer: &Answer) -> Vec<(Criterion, &'static str)> {
    let all = [
        (Criterion::Age, "age p99"),
        (Criterion::Bytes, "per client"),
        (Criterion::Requests, "requests"),
        (Criterion::Cpu, "cores"),
        (Criterion::Memory, "memory"),
        (Criterion::Servers, "servers"),
        (Criterion::Money, "money"),
    ];
    let has_prices = !answer.question.prices.is_empty();
    all.into_iter().filter(|(criterion, _)| *criterion != Criterion::Money || has_prices).collect()
}

/// Returns one row per transport that fits, by the first criterion, below two rows of headings.
fn table(answer: &Answer) -> Vec<Vec<String>> {
    let Some(first) = answer.rankings.first() else { return Vec::new() };
    let columns = columns(answer);
    let names = columns.iter().map(|(_, name)| (*name).to_owned());
    let by = format!("by {}", words::criterion(first.criterion));
    let head = [String::new(), by].into_iter().chain(names).collect();
    let basis = |criterion: Criterion| match criterion.basis(Transport::Sse) {
        Basis::Predicted(_) => "predicted".to_owned(),
        Basis::Measured(_) => "measured".to_owned(),
    };
    let bases = columns.iter().map(|(criterion, _)| basis(*criterion));
    let second = [String::new(), String::new()].into_iter().chain(bases).collect();
    let rows = first.places.iter().filter_map(|place| row(answer, *place, &columns));
    [head, second].into_iter().chain(rows).collect()
}

fn row(answer: &Answer, place: Place, columns: &[(Criterion, &str)]) -> Option<Vec<String>> {
    let candidate = answer.candidate(place.transport)?;
    let figures = candidate.figures?;
    let values = columns.iter().map(|(criterion, _)| {
        figures.value(*criterion).map_or_else(|| human::ABSENT.to_owned(), |value| words::cell(*criterion, value))
    });
    Some([place.place.to_string(), candidate.contender.label.clone()].into_iter().chain(values).collect())
}

fn excluded(answer: &Answer) -> Vec<(String, String)> {
    let excluded = answer.candidates.iter().filter(|candidate| !candidate.fits());
    let why = |candidate: &Candidate| {
        let all: Vec<String> = candidate.exclusions.iter().map(Exclusion::sentence).collect();
        format!("does not fit: {}", all.join("; "))
    };
    excluded.map(|candidate| (candidate.contender.label.clone(), why(candidate))).collect()
}
