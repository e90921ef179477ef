//! The workshop's documents are correct: commands run, links and names exist, and the plans add up.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod chapters;
mod commands;
mod plans;
mod starters;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn folder() -> PathBuf {
    root().join("docs/workshop")
}

/// Returns all pages of the workshop, by file name.
fn pages() -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let pages = entries.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    pages.map(named).collect()
}

fn page(name: &str) -> String {
    pages().remove(name).unwrap_or_else(|| panic!("{name} is missing"))
}
