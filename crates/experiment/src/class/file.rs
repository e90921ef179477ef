//! The votes of a class: an append-only file with one vote, or one step of the instructor, per line.
//!
//! The file is authoritative, not the memory of this process: lines that another program adds are read before the next
//! answer, and a vote that is edited in the file changes here. Only one server may use a file: two could both accept
//! the same name. If the file is removed, votes are rejected, because anything written to an unlinked file is lost.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::votes::{Entry, MAX_VOTES, read_entries};
use super::{ClassError, Lesson, Move, Vote};

/// The maximum size of the file, bytes: about 100,000 votes.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// An example of a line, for error messages.
const EXAMPLE: &str =
    r#"{"question":"ID","round":"before","who":"NAME","answer":"CHOICE" or a number,"count":1,"at":µs of Unix time}"#;

/// An open file of votes.
#[derive(Debug)]
pub struct VotesFile {
    path: PathBuf,
    file: File,
    /// The number of bytes read so far: complete lines only.
    read: u64,
    lines: usize,
    votes: Vec<Vote>,
    lesson: Lesson,
}

impl VotesFile {
    /// Opens or creates the file and reads its contents.
    ///
    /// # Errors
    /// If it cannot be opened, another server is using it, or one of its lines is not a vote.
    pub fn open(path: &Path) -> Result<Self, ClassError> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(|error| io(path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClassError::Shared { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io(path, &error)),
        }
        let mut votes =
            Self { path: path.to_owned(), file, read: 0, lines: 0, votes: Vec::new(), lesson: Lesson::default() };
        let rest = votes.catch_up()?;
        if !rest.trim().is_empty() {
            // The last line has no line end. If it is a vote, the next one starts on a new line.
            votes.parsed(&rest)?;
        }
        Ok(votes)
    }

    /// Returns every vote in the file, in order.
    ///
    /// # Errors
    /// If it cannot be read, or contains a line that is not a vote.
    pub fn all(&mut self) -> Result<&[Vote], ClassError> {
        self.catch_up()?;
        Ok(&self.votes)
    }

    /// Returns where the instructor is.
    ///
    /// # Errors
    /// If the file cannot be read, or contains a line that is not a vote.
    pub fn lesson(&mut self) -> Result<&Lesson, ClassError> {
        self.catch_up()?;
        Ok(&self.lesson)
    }

    /// Adds a vote, immediately and with a single write, so that lines of two writers never mix.
    ///
    /// # Errors
    /// If the file is full, or cannot be written.
    pub fn add(&mut self, vote: &Vote) -> Result<(), ClassError> {
        self.append(vote)
    }

    /// Adds a step of the instructor.
    ///
    /// # Errors
    /// If the file is full, or cannot be written.
    pub fn lead(&mut self, step: &Move) -> Result<(), ClassError> {
        self.append(step)
    }

    fn append(&mut self, entry: &impl Serialize) -> Result<(), ClassError> {
        let rest = self.catch_up()?;
        let mut line = if rest.is_empty() { Vec::new() } else { vec![b'\n'] };
        serde_json::to_writer(&mut line, entry).map_err(|error| io(&self.path, &error.into()))?;
        line.push(b'\n');
        let bytes = self.read + rest.len() as u64 + line.len() as u64;
        if bytes > MAX_FILE_BYTES || self.votes.len() >= MAX_VOTES {
            return Err(ClassError::Full { path: self.path.clone() });
        }
        self.file.write_all(&line).map_err(|error| io(&self.path, &error))?;
        self.catch_up().map(drop)
    }

    /// Reads the new part of the file; returns an incomplete last line.
    fn catch_up(&mut self) -> Result<String, ClassError> {
        let fail = |error: std::io::Error| io(&self.path, &error);
        let own = self.file.metadata().map_err(fail)?;
        let named = std::fs::metadata(&self.path).ok();
        if named.is_none_or(|named| (named.dev(), named.ino()) != (own.dev(), own.ino())) {
            return Err(ClassError::Gone { path: self.path.clone() });
        }
        let len = own.len();
        if len < self.read {
            // The file was truncated: only its current contents count.
            (self.read, self.lines) = (0, 0);
            self.votes.clear();
            self.lesson = Lesson::default();
        }
        if len > MAX_FILE_BYTES {
            return Err(ClassError::Full { path: self.path.clone() });
        }
        let mut bytes = Vec::new();
        (&self.file).seek(SeekFrom::Start(self.read)).map_err(fail)?;
        (&self.file).take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(fail)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = String::from_utf8_lossy(&bytes[whole..]).into_owned();
        self.take_in(&bytes[..whole])?;
        Ok(rest)
    }

    fn take_in(&mut self, bytes: &[u8]) -> Result<(), ClassError> {
        let text = String::from_utf8_lossy(bytes);
        for entry in self.parsed(&text)? {
            match entry {
                Entry::Vote(vote) => self.votes.push(vote),
                Entry::Move(step) => self.lesson.take(step),
            }
        }
        self.lines += text.lines().count();
        self.read += bytes.len() as u64;
        Ok(())
    }

    /// Parses the lines that follow those that have been read.
    fn parsed(&self, text: &str) -> Result<Vec<Entry>, ClassError> {
        read_entries(text).map_err(|error| match error {
            ClassError::Vote { line, problem } => {
                ClassError::Line { path: self.path.clone(), line: self.lines + line, problem, expected: EXAMPLE }
            }
            other => other,
        })
    }
}

fn io(path: &Path, error: &std::io::Error) -> ClassError {
    ClassError::Io { path: path.to_owned(), problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::{Answer, Round};

    fn vote(who: &str) -> Vote {
        let answer = Answer::Number(1.5);
        Vote {
            question: "q".into(),
            round: Round::Before,
            who: who.into(),
            answer,
            count: 1,
            at: 7,
            id: None,
            device: None,
        }
    }

    fn names(votes: &mut VotesFile) -> Vec<String> {
        votes.all().unwrap().iter().map(|vote| vote.who.clone()).collect()
    }

    #[test]
    fn r7_a_removed_file_rejects_votes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class.ndjson");
        let mut votes = VotesFile::open(&path).unwrap();
        votes.add(&vote("a")).unwrap();
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        for _ in 0..2 {
            let error = votes.add(&vote("b")).unwrap_err();
            assert!(
                error.to_string().contains("class.ndjson was removed or replaced") && votes.all().is_err(),
                "{error}"
            );
            std::fs::write(&path, "").unwrap();
        }
        std::fs::rename(folder.path().join("elsewhere"), &path).unwrap();
        votes.add(&vote("c")).unwrap();
        assert_eq!(names(&mut votes), ["a", "c"]);
    }

    #[test]
    fn r7_only_one_server_can_use_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class.ndjson");
        let first = VotesFile::open(&path).unwrap();
        let error = VotesFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("another server") && error.contains("--class"), "{error}");
        drop(first);
        VotesFile::open(&path).unwrap();
    }

    #[test]
    fn w1_a_restart_forgets_neither_votes_nor_where_the_class_is() {
        use crate::class::{Shown, Step};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class.ndjson");
        let mut votes = VotesFile::open(&path).unwrap();
        let lead = |step| Move { step, question: Some("q".into()), at: 7 };
        votes.lead(&lead(Step::Vote)).unwrap();
        votes.add(&vote("a")).unwrap();
        votes.lead(&lead(Step::Discuss)).unwrap();
        drop(votes);
        let mut votes = VotesFile::open(&path).unwrap();
        assert_eq!(names(&mut votes), ["a"]);
        assert_eq!(votes.lesson().unwrap().shown("q", 8), Some(Shown::Votes));
        std::fs::write(&path, "").unwrap();
        assert_eq!(votes.lesson().unwrap(), &Lesson::default(), "an emptied file is an empty class");
    }

    #[test]
    fn votes_are_kept_and_lines_of_other_programs_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class.ndjson");
        let mut one = VotesFile::open(&path).unwrap();
        one.add(&vote("a")).unwrap();
        let mut editor = OpenOptions::new().append(true).open(&path).unwrap();
        writeln!(editor, "{}", serde_json::to_string(&vote("b")).unwrap()).unwrap();
        one.add(&vote("c")).unwrap();
        assert_eq!(names(&mut one), ["a", "b", "c"]);
        drop(one);
        let mut one = VotesFile::open(&path).unwrap();
        assert_eq!(names(&mut one), ["a", "b", "c"]);
        std::fs::write(&path, "").unwrap();
        assert_eq!(names(&mut one), [""; 0]);
    }

    #[test]
    fn a_line_without_an_end_is_kept_and_the_next_vote_starts_a_new_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class.ndjson");
        std::fs::write(&path, serde_json::to_string(&vote("a")).unwrap()).unwrap();
        let mut votes = VotesFile::open(&path).unwrap();
        votes.add(&vote("b")).unwrap();
        assert_eq!(names(&mut votes), ["a", "b"]);
    }

    #[test]
    fn an_invalid_line_is_reported_with_an_example_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class.ndjson");
        let good = serde_json::to_string(&vote("a")).unwrap();
        for (bad, needle) in
            [("nonsense\n", "not a vote"), ("{\"question\":\"q\"}", "is missing"), ("\u{fffd}\n", "line 3")]
        {
            let text = format!("{good}\n\n{bad}");
            std::fs::write(&path, &text).unwrap();
            let error = VotesFile::open(&path).unwrap_err().to_string();
            assert!(error.contains("class.ndjson, line 3: ") && error.contains(needle), "{error}");
            assert!(error.contains("\"question\":\"ID\"") && error.contains("--class"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn an_unusable_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent/class.ndjson")] {
            let error = VotesFile::open(&path).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()) && error.contains("--class"), "{error}");
        }
        let full = folder.path().join("full");
        File::create(&full).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(VotesFile::open(&full).unwrap_err().to_string().contains("start another"));
    }

    #[test]
    fn a_full_file_rejects_a_vote_that_would_make_it_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class.ndjson");
        let line = serde_json::to_string(&vote("a")).unwrap() + "\n";
        std::fs::write(&path, line.repeat(MAX_VOTES - 1)).unwrap();
        let mut votes = VotesFile::open(&path).unwrap();
        votes.add(&vote("b")).unwrap();
        assert!(votes.add(&vote("c")).unwrap_err().to_string().contains("start another file with --class"));
        assert_eq!(votes.all().unwrap().len(), MAX_VOTES);
        drop(votes);
        assert_eq!(VotesFile::open(&path).unwrap().all().unwrap().len(), MAX_VOTES, "it opens again");
    }
}
