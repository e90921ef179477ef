//! Pages of the documentation that are generated from the code: a test compares them, or writes them.

use std::path::{Path, PathBuf};

const START: &str = "<!-- generated: start -->\n";
const END: &str = "<!-- generated: end -->\n";

/// Returns the path of a file, by its path from the root of the repository.
#[must_use]
pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join(file)
}

/// Returns the text of a file, by its path from the root of the repository.
#[must_use]
pub fn read(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Checks that a file is as the code generates it, or writes it if `UPDATE_DOCS` is set.
#[track_caller]
pub fn assert_generated(file: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let file = path(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, expected).unwrap();
    }
    assert!(read(file) == expected, "{file} is out of date: CONTRIBUTING.md has the command that writes it");
}

/// Checks the generated part of a page, between its two comments, or writes it if `UPDATE_DOCS` is set.
#[track_caller]
pub fn assert_part_generated(file: &str, expected: &str) {
    let page = read(file);
    let (before, rest) = page.split_once(START).unwrap_or_else(|| panic!("{file} has no line {START}"));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{file} has no line {END}"));
    assert_generated(file, &format!("{before}{START}\n{}\n{END}{after}", expected.trim_start()));
}
