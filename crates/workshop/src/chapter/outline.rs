//! The outline of a chapter's page: its table of contents, and what you can do after it and what to remember, set off
//! from the text.

use pulldown_cmark::{Event, Tag};

use super::escaped;
use super::render::{Events, words};

/// The first line of a list that is set off, with the class of its section.
const SECTIONS: [(&str, &str); 2] = [("After this chapter you can:", "objectives"), ("Key points:", "key-points")];

/// The fewest headings that a table of contents helps with.
const MIN_HEADINGS: usize = 3;

/// Returns the class of the section that a paragraph opens, together with the list after it.
pub(super) fn section_of(block: &Events<'_>) -> Option<(&'static str, &'static str)> {
    if !matches!(block.first(), Some(Event::Start(Tag::Paragraph))) {
        return None;
    }
    let text = words(block);
    SECTIONS.into_iter().find(|(line, _)| *line == text)
}

/// Returns the table of contents, from the ids and the texts of the headings; empty if there are few.
pub(super) fn contents(headings: &[(String, String)]) -> String {
    if headings.len() < MIN_HEADINGS {
        return String::new();
    }
    let item = |(id, text): &(String, String)| format!("<li><a href=\"#{}\">{}</a></li>", escaped(id), escaped(text));
    let items: String = headings.iter().map(item).collect();
    format!("<nav class=\"contents\" aria-label=\"On this page\"><ul>{items}</ul></nav>\n")
}
