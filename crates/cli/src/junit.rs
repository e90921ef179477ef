//! The results of a run, a comparison or a check as JUnit XML, the format in which CI systems show test results.
//!
//! There is no standard; this uses only the elements and attributes that Jenkins, GitLab and GitHub's reporters share
//! (<https://github.com/testmoapp/junitxml>). A crate would save only ten lines of escaping.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::bad_input;

mod run;

/// A report that grows by one suite at a time; the file is complete after each.
#[derive(Debug)]
pub(crate) struct Junit {
    path: PathBuf,
    file: File,
    suites: Vec<Suite>,
}

/// The cases of one scenario, or of one comparison.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The name of the suite.
    pub(crate) name: String,
    /// When it started, RFC 3339.
    pub(crate) timestamp: Option<String>,
    /// The checks.
    pub(crate) cases: Vec<Case>,
    /// Further lines of output.
    pub(crate) output: Vec<String>,
}

/// One check.
#[derive(Debug)]
pub(crate) struct Case {
    /// The class, which CI systems group by.
    pub(crate) class: String,
    /// What was checked.
    pub(crate) name: String,
    /// The measured time, µs.
    pub(crate) time_us: u64,
    /// The outcome.
    pub(crate) outcome: Outcome,
}

/// The outcome of a check.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The requirement is met.
    Passed,
    /// The requirement is not met; why.
    Failed(String),
    /// The check was not possible; why.
    Error(String),
    /// The check was left out; why.
    Skipped(String),
}

impl Junit {
    /// Opens the file before anything is measured, and replaces its content.
    ///
    /// # Errors
    /// Bad input, if the file cannot be written.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| {
            format!("cannot write {}; give --junit a file in an existing, writable folder", path.display())
        });
        let mut junit = Self { path: path.to_owned(), file: file.map_err(bad_input)?, suites: Vec::new() };
        junit.write()?;
        Ok(junit)
    }

    /// Adds a suite and writes the file again.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn add(&mut self, suite: Suite) -> anyhow::Result<()> {
        self.suites.push(suite);
        self.write()
    }

    fn write(&mut self) -> anyhow::Result<()> {
        let text = document(&self.suites);
        let rewrite = |file: &mut File| {
            file.rewind()?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())
        };
        rewrite(&mut self.file).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Returns the suites as a document.
pub(crate) fn document(suites: &[Suite]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"feedlab\">\n".to_owned();
    for suite in suites {
        text += &element(suite);
    }
    text + "</testsuites>\n"
}

fn element(suite: &Suite) -> String {
    let count = |is: fn(&Outcome) -> bool| suite.cases.iter().filter(|case| is(&case.outcome)).count();
    let (tests, failures, errors) =
        (suite.cases.len(), count(|o| matches!(o, Outcome::Failed(_))), count(|o| matches!(o, Outcome::Error(_))));
    let time = Seconds(suite.cases.iter().map(|case| case.time_us).sum());
    let skipped = match count(|o| matches!(o, Outcome::Skipped(_))) {
        0 => String::new(),
        skipped => format!(" skipped=\"{skipped}\""),
    };
    let when = suite.timestamp.as_ref().map_or_else(String::new, |when| format!(" timestamp=\"{}\"", escaped(when)));
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"{skipped} time=\"{time}\"{when}>\n",
        escaped(&suite.name)
    );
    for Case { class, name, time_us, outcome } in &suite.cases {
        let (class, name, time) = (escaped(class), escaped(name), Seconds(*time_us));
        let _ = write!(text, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{time}\"");
        text += &match outcome {
            Outcome::Passed => "/>\n".to_owned(),
            Outcome::Failed(why) => problem("failure", why),
            Outcome::Error(why) => problem("error", why),
            Outcome::Skipped(why) => problem("skipped", why),
        };
    }
    if !suite.output.is_empty() {
        let _ = writeln!(text, "    <system-out>{}</system-out>", escaped(&suite.output.join("\n")));
    }
    text + "  </testsuite>\n"
}

fn problem(tag: &str, why: &str) -> String {
    let why = escaped(why);
    format!(">\n      <{tag} message=\"{why}\">{why}</{tag}>\n    </testcase>\n")
}

/// Escapes text for attributes and content (XML 1.0, sections 2.2, 2.4 and 3.3.3): markup and line ends become
/// references, and characters that XML cannot contain are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&apos;",
            '\n' => out += "&#10;",
            '\r' => out += "&#13;",
            '\t' => out += "&#9;",
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            letter => out.push(letter),
        }
    }
    out
}

/// A time in µs, formatted as seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, outcome: Outcome) -> Case {
        Case { class: "quick".to_owned(), name: name.to_owned(), time_us: 1_234_567, outcome }
    }

    fn suites() -> [Suite; 2] {
        let failed = Outcome::Failed("age_p99_us is 9, expected < \"5\"\u{1b}".to_owned());
        let cases =
            vec![case("a & b", Outcome::Passed), case("<c>", failed), case("d", Outcome::Error("why".to_owned()))];
        let skipped = vec![case("e", Outcome::Skipped("why".to_owned()))];
        let timestamp = Some("2026-11-21T12:00:30Z".to_owned());
        let output = vec!["one".to_owned(), "two".to_owned()];
        [
            Suite { name: "quick".to_owned(), timestamp, cases, output },
            Suite { name: "skipped".to_owned(), timestamp: None, cases: skipped, output: Vec::new() },
        ]
    }

    #[test]
    fn every_character_is_allowed_in_xml() {
        insta::assert_snapshot!(document(&suites()));
    }

    #[test]
    fn the_file_is_complete_after_each_suite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("junit.xml");
        std::fs::write(&path, "an older and much longer report ".repeat(100)).unwrap();
        let mut junit = Junit::create(&path).unwrap();
        let read = || std::fs::read_to_string(&path).unwrap();
        assert_eq!(read(), document(&[]));
        for suite in suites() {
            junit.add(suite).unwrap();
        }
        assert_eq!(read(), document(&suites()));
    }

    #[test]
    fn a_path_that_cannot_be_written_is_bad_input() {
        let error = Junit::create(Path::new("/nowhere/junit.xml")).unwrap_err();
        assert!(crate::exit::describe(&error).contains("cannot write /nowhere/junit.xml; give --junit"), "{error:#}");
    }
}
