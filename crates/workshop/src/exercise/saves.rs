//! Notices when a learner saves a file; `feedlab workshop watch` checks it then.
//!
//! This looks at the file's modification time four times a second. That is one system call each time, and also works
//! where the kernel reports no changes (network drives, containers, WSL), and with editors that replace the file by
//! another. A library for the kernel's notifications would be a dependency for each system, to follow one file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Bench, Exercise};

/// The time between two looks at the file.
const INTERVAL: Duration = Duration::from_millis(250);

/// The saves of one file.
#[derive(Debug)]
pub struct Saves {
    path: PathBuf,
    seen: Option<Stamp>,
}

/// What changes when a file is saved: its modification time or its length.
type Stamp = (SystemTime, u64);

impl Saves {
    /// Follows the learner's file for an exercise, from its present state on.
    #[must_use]
    pub fn of(bench: &Bench, exercise: &Exercise) -> Self {
        Self::of_file(bench.root().join(bench.file(exercise)))
    }

    fn of_file(path: PathBuf) -> Self {
        let seen = stamp(&path);
        Self { path, seen }
    }

    /// Waits until the file was saved since the last call. Returns once it has stayed the same for an interval, so that
    /// nobody reads half of it. A file that is deleted counts as saved when it is back.
    ///
    /// Cancel safe: a save that was not returned is returned by the next call.
    pub async fn next(&mut self) {
        let mut before = self.seen;
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = stamp(&self.path);
            if now.is_some() && now != self.seen && now == before {
                self.seen = now;
                return;
            }
            before = now;
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    /// Longer than any save takes to be noticed.
    const LONG: Duration = Duration::from_secs(20);
    /// A few intervals.
    const SHORT: Duration = Duration::from_millis(800);

    #[tokio::test]
    async fn w7_saves_are_noticed_also_by_an_editor_that_replaces_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        fs::write(&path, "one").unwrap();
        let mut saves = Saves::of_file(path.clone());
        assert!(timeout(SHORT, saves.next()).await.is_err(), "nothing was saved");
        fs::write(&path, "longer").unwrap();
        timeout(LONG, saves.next()).await.unwrap();
        assert!(timeout(SHORT, saves.next()).await.is_err(), "a save is returned once");
        let draft = folder.path().join("a.rs~");
        fs::write(&draft, "another file").unwrap();
        fs::rename(&draft, &path).unwrap();
        timeout(LONG, saves.next()).await.unwrap();
    }

    #[tokio::test]
    async fn a_deleted_file_is_no_save_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        fs::write(&path, "one").unwrap();
        let mut saves = Saves::of_file(path.clone());
        fs::remove_file(&path).unwrap();
        assert!(timeout(SHORT, saves.next()).await.is_err());
        fs::write(&path, "again").unwrap();
        timeout(LONG, saves.next()).await.unwrap();
    }
}
