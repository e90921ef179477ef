//! Other runs of feedlab on this machine: each measures the others as load, so each says so, and its cells are in doubt.
//!
//! Every run has a file in a folder that all processes of a user share. It holds what the run is, and is locked as long as
//! its process lives; a file that is not locked was left by a process that was killed.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use feedlab_experiment::verdict::{Reason, Status, Verdict};
use feedlab_feed::bounded;
use feedlab_feed::process::user_outside;
use feedlab_feed::text::visible;

use super::progress::Progress;

/// The number of files that are looked at; far more than runs that a machine could carry.
const MOST: usize = 256;

/// This run's file, and the other runs that it knows of.
#[derive(Debug)]
pub(super) struct Neighbors {
    /// The folder of the files; `None` if there is none, and nobody is noticed.
    folder: Option<PathBuf>,
    own: Option<(PathBuf, File)>,
    known: Vec<String>,
}

impl Neighbors {
    /// Tells other runs of this one. Where that is not possible, it measures without.
    pub(super) fn announce(run: &str) -> Self {
        let folder = shared_folder();
        let own = folder.as_deref().and_then(|folder| own_file(folder, run));
        Self { folder, own, known: Vec::new() }
    }

    /// Returns neighbors for a run that measures nothing itself.
    pub(super) const fn none() -> Self {
        Self { folder: None, own: None, known: Vec::new() }
    }

    /// Prints a line about each run that was not there before.
    pub(super) fn tell_of_others(&mut self, progress: &Progress) {
        let now = self.others();
        for run in now.iter().filter(|run| !self.known.contains(run)) {
            progress.say(&format!(
                "warning: another run is measuring on this machine, {run}: each is load to the other; one at a time gives \
                 better figures"
            ));
        }
        self.known = now;
    }

    /// Adds to the verdict of a cell that just ended which runs measured beside it, at its start or at its end.
    pub(super) fn doubt(&self, verdict: &mut Verdict) {
        let mut others = self.others();
        others.extend(self.known.iter().cloned());
        others.sort();
        others.dedup();
        if !others.is_empty() {
            let what = format!("another run measured on this machine at the same time: {}", others.join(", "));
            verdict.add(Reason::new(Status::Suspect, what, "run one after the other: `feedlab run A B` does"));
        }
    }

    /// Returns the other runs, as `20261121T120030Z-quick (process 4711)`.
    fn others(&self) -> Vec<String> {
        let Some(entries) = self.folder.as_deref().and_then(|folder| fs::read_dir(folder).ok()) else {
            return Vec::new();
        };
        let is_own = |file: &PathBuf| self.own.as_ref().is_some_and(|(own, _)| own == file);
        let is_run =
            |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
        let files = entries.flatten().take(MOST).map(|entry| entry.path()).filter(|file| is_run(file) && !is_own(file));
        files.filter_map(|file| living(&file)).collect()
    }
}

impl Drop for Neighbors {
    fn drop(&mut self) {
        if let Some((file, _)) = &self.own {
            let _ = fs::remove_file(file);
        }
    }
}

/// Returns what a file says of its run; deletes it if its process has ended.
fn living(file: &Path) -> Option<String> {
    let opened = File::open(file).ok()?;
    match opened.try_lock() {
        Err(fs::TryLockError::WouldBlock) => {
            let said = bounded::read_text(file, bounded::TEXT_BYTES).ok()?;
            Some(visible(said.lines().next()?).into_owned())
        }
        Err(fs::TryLockError::Error(_)) => None,
        Ok(()) => {
            let _ = fs::remove_file(file);
            None
        }
    }
}

fn own_file(folder: &Path, run: &str) -> Option<(PathBuf, File)> {
    let process = std::process::id();
    let path = folder.join(process.to_string());
    // Under a name that nobody looks at yet: a file without a lock would be deleted.
    let new = folder.join(format!(".{process}"));
    let mut file = File::create(&new).ok()?;
    file.try_lock().ok()?;
    writeln!(file, "{run} (process {process})").ok()?;
    fs::rename(&new, &path).ok()?;
    Some((path, file))
}

/// Returns the folder, which only this user may write.
fn shared_folder() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let known_as = user_outside(user);
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = match runtime {
        Some(folder) => folder.join("feedlab-runs"),
        None => std::env::temp_dir().join(format!("feedlab-runs-{known_as}")),
    };
    // It may exist.
    let _ = DirBuilder::new().mode(0o700).create(&folder);
    let found = fs::symlink_metadata(&folder).ok()?;
    (found.is_dir() && found.uid() == user).then_some(folder)
}
