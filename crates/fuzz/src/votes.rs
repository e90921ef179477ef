//! The votes of a class and its questions: a file of votes, a ballot as a page sends it, and a file of questions.

use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};

use feedlab_experiment::class::{Ballot, Questions, Tally, Vote, VotesFile};
use tempfile::TempDir;

use crate::assert_plain;

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    file(input);
    match questions().votes(&text) {
        Ok(votes) => count(questions(), &votes),
        Err(error) => assert_plain(&error.to_string()),
    }
    if let Ok(ballot) = serde_json::from_slice::<Ballot>(input)
        && let Some(question) = questions().get(&ballot.question)
        && let Err(error) = ballot.vote(question, &[], 1)
    {
        assert_plain(&error.to_string());
    }
    match Questions::parse(&text) {
        Ok(questions) => count(&questions, &[]),
        Err(error) => assert_plain(&error.to_string()),
    }
}

/// The questions of the repository's workshop.
fn questions() -> &'static Questions {
    static QUESTIONS: OnceLock<Questions> = OnceLock::new();
    let text = include_str!("../../../docs/workshop/questions.toml");
    QUESTIONS.get_or_init(|| Questions::parse(text).unwrap())
}

/// Opens a file with these bytes; if it is one of votes, a vote more is the last of it, and it opens again.
fn file(bytes: &[u8]) {
    static FOLDER: OnceLock<Mutex<TempDir>> = OnceLock::new();
    let folder =
        FOLDER.get_or_init(|| Mutex::new(tempfile::tempdir().unwrap())).lock().unwrap_or_else(PoisonError::into_inner);
    let path = folder.path().join("class.ndjson");
    fs::write(&path, bytes).unwrap();
    let more: Vote =
        serde_json::from_str(r#"{"question":"q","round":"before","who":"w","answer":1.5,"at":7}"#).unwrap();
    let mut votes = match VotesFile::open(&path) {
        Ok(votes) => votes,
        Err(error) => return assert_plain(&error.to_string()),
    };
    votes.add(&more).unwrap();
    let kept = votes.all().unwrap().to_vec();
    assert_eq!(kept.last(), Some(&more));
    drop(votes);
    assert_eq!(VotesFile::open(&path).unwrap().all().unwrap(), kept);
}

fn count(questions: &Questions, votes: &[Vote]) {
    for question in &questions.question {
        let tally = Tally::of(question, votes, Some(1.0));
        assert!([tally.before, tally.after].iter().all(|side| side.right.is_none_or(|right| right <= side.people)));
    }
}
