//! The chapters of the workshop: Markdown in the repository, and pages on the workshop's server.
//!
//! In reading order: the [`library`] holds the texts and the code that they link to, a `marker` is a comment that
//! becomes a form or a button, a `link` resolves to the page of what it names, a `pointer` to the line of a name in the
//! code, `outline` adds the table of contents, and `render` turns a text into a page.

use std::borrow::Cow;

use feedlab_experiment::class::Questions;

pub mod library;
mod link;
mod marker;
mod outline;
mod pointer;
mod render;
mod source;

pub use render::Page;
pub use source::{Source, source};

/// The folder of the chapters in the repository.
const FOLDER: &str = "docs/workshop/";

/// One chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Identifies the chapter in URLs: its file name without `.md`.
    pub name: String,
    /// Its first heading.
    pub title: String,
    /// Its Markdown.
    pub text: String,
}

impl Chapter {
    /// Creates the chapter with this text.
    #[must_use]
    pub fn new(name: &str, text: String) -> Self {
        let heading = text.lines().find_map(|line| line.strip_prefix("# "));
        Self { name: name.to_owned(), title: heading.unwrap_or(name).trim().to_owned(), text }
    }

    /// Whether it is a numbered chapter of the course. The others are additional texts: plans, cards …
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Returns its path in the repository.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{FOLDER}{}.md", self.name)
    }

    /// Renders the chapter as the content of a page, with its questions as forms. `root` is the relative URL of the
    /// server's root, as seen from the page: `../`.
    #[must_use]
    pub fn page(&self, questions: &Questions, root: &str) -> Page {
        render::page(&self.path(), &self.text, questions, root)
    }
}

/// Returns all chapters, in the order of their file names. The overview, `README.md`, is not included.
#[must_use]
pub fn all() -> Vec<Chapter> {
    let names = library::names().filter_map(|path| {
        let name = path.strip_prefix(FOLDER)?.strip_suffix(".md")?.to_owned();
        (!name.contains('/') && name != "README").then_some(name)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.iter().filter_map(|name| named(name)).collect()
}

/// Returns the overview of the workshop, if there is one.
#[must_use]
pub fn overview() -> Option<Chapter> {
    named("README")
}

/// Returns the chapter with this name.
#[must_use]
pub fn named(name: &str) -> Option<Chapter> {
    if name.contains('/') {
        return None;
    }
    let text = library::text(&format!("{FOLDER}{name}.md"))?;
    Some(Chapter::new(name, text))
}

/// Returns the questions of all chapters.
///
/// # Errors
/// When the file cannot be parsed: what is wrong with it.
pub fn questions() -> Result<Questions, String> {
    const FILE: &str = "docs/workshop/questions.toml";
    let Some(text) = library::text(FILE) else { return Ok(Questions::default()) };
    Questions::parse(&text).map_err(|error| format!("{FILE}, {error}"))
}

/// Escapes a text so that none of it is markup, neither between tags nor in an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        safe.push_str(&match c {
            '&' => Cow::Borrowed("&amp;"),
            '<' => Cow::Borrowed("&lt;"),
            '>' => Cow::Borrowed("&gt;"),
            '"' => Cow::Borrowed("&quot;"),
            '\'' => Cow::Borrowed("&#39;"),
            c => Cow::Owned(c.to_string()),
        });
    }
    safe
}

#[cfg(test)]
mod tests;
