//! The chapters of the workshop: Markdown for people who read it in the repository, pages for people who read it here.
//!
//! In reading order: the [`library`] holds the texts and the code that they link to, a `marker` is a comment that becomes
//! something to do, a `link` leads to the page of what it names, and `render` makes the page of a text.

use std::borrow::Cow;

use feedlab_experiment::class::Questions;

pub mod library;
mod link;
mod marker;
mod render;
mod source;

pub use render::Page;
pub use source::{Source, source};

/// Where chapters are in the repository.
const FOLDER: &str = "docs/workshop/";

/// One chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Names it in an address: its file's name without `.md`.
    pub name: String,
    /// Its first heading.
    pub title: String,
    /// Its Markdown.
    pub text: String,
}

impl Chapter {
    /// The chapter of a text.
    #[must_use]
    pub fn new(name: &str, text: String) -> Self {
        let heading = text.lines().find_map(|line| line.strip_prefix("# "));
        Self { name: name.to_owned(), title: heading.unwrap_or(name).trim().to_owned(), text }
    }

    /// Whether it is one of the course, in which each has its number; the others stand beside them: plans, cards …
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Where it is in the repository.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{FOLDER}{}.md", self.name)
    }

    /// The chapter as a page's content, with its questions as forms. `root` leads from the page to the server's root, `../`.
    #[must_use]
    pub fn page(&self, questions: &Questions, root: &str) -> Page {
        render::page(&self.path(), &self.text, questions, root)
    }
}

/// The chapters, in the order of their files' names; the overview, which is `README.md`, is not one of them.
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

/// The overview of the workshop, if there is one.
#[must_use]
pub fn overview() -> Option<Chapter> {
    named("README")
}

/// The chapter of a name.
#[must_use]
pub fn named(name: &str) -> Option<Chapter> {
    if name.contains('/') {
        return None;
    }
    let text = library::text(&format!("{FOLDER}{name}.md"))?;
    Some(Chapter::new(name, text))
}

/// What the class is asked, in all chapters.
///
/// # Errors
/// When the file cannot be understood: what is wrong with it.
pub fn questions() -> Result<Questions, String> {
    const FILE: &str = "docs/workshop/questions.toml";
    let Some(text) = library::text(FILE) else { return Ok(Questions::default()) };
    Questions::parse(&text).map_err(|error| format!("{FILE}, {error}"))
}

/// A text in which nothing is markup, neither between tags nor in an attribute.
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
