//! Renders Markdown as the content of a page.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec;

use feedlab_experiment::class::Questions;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::marker::{self, Marker};
use super::pointer::Pointers;
use super::{link, outline};

/// The content of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its first heading, or the file's name.
    pub title: String,
    /// Its HTML, without the parts that all pages share.
    pub main: String,
}

pub(super) type Events<'a> = Vec<Event<'a>>;

type Blocks<'a> = Peekable<vec::IntoIter<Events<'a>>>;

/// Renders a Markdown file of the repository. HTML in it is trusted and kept. `root` is the relative URL of the
/// server's root, as seen from the page.
pub(crate) fn page(path: &str, text: &str, questions: &Questions, root: &str) -> Page {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
    let mut blocks = blocks(Parser::new_ext(text, options).collect()).into_iter().peekable();
    let mut draft = Draft { path, root, ..Draft::default() };
    while let Some(block) = blocks.next() {
        match (marker_of(&block), outline::section_of(&block)) {
            (Some(Marker::Exercise(name)), _) => draft.exercise(&name, &mut blocks),
            (Some(marker), _) => {
                draft.html(marker::html(&marker, questions, root));
                if let Marker::Question(id) = marker {
                    while blocks.next_if(|block| repeats(block, &id, questions)).is_some() {}
                }
            }
            (None, Some((label, class))) => {
                draft.html(format!("<section class=\"{class}\" aria-label=\"{}\">\n", label.trim_end_matches(':')));
                draft.add(block);
                if let Some(list) = blocks.next_if(is_list) {
                    draft.add(list);
                }
                draft.html("</section>\n".to_owned());
            }
            (None, None) => draft.add(block),
        }
    }
    draft.into_page()
}

/// A page in the making.
#[derive(Default)]
struct Draft<'a> {
    path: &'a str,
    root: &'a str,
    title: Option<String>,
    /// The headings below the title: their ids and texts.
    headings: Vec<(String, String)>,
    /// The position in `content` of the first of these headings.
    first_heading: usize,
    slugs: Slugs,
    pointers: Pointers,
    content: Events<'a>,
}

impl<'a> Draft<'a> {
    fn html(&mut self, html: String) {
        self.content.push(Event::Html(html.into()));
    }

    /// Adds the box of an exercise: the text and the commands that follow its marker.
    fn exercise(&mut self, name: &str, blocks: &mut Blocks<'a>) {
        self.html(marker::exercise(name));
        while let Some(block) = blocks.next_if(|block| is_code(block) || is_paragraph(block)) {
            let is_last = is_code(&block);
            self.add(block);
            if is_last {
                break;
            }
        }
        self.html(marker::EXERCISE_END.to_owned());
    }

    fn add(&mut self, block: Events<'a>) {
        let heading =
            if let Some(Event::Start(Tag::Heading { level, .. })) = block.first() { Some(*level) } else { None };
        if heading.is_some() && self.title.is_none() {
            self.title = Some(words(&block));
        }
        let block = self.pointers.linked(block, self.path);
        let id = self.slugs.of_heading(&block);
        if let (Some(HeadingLevel::H2), Some(id)) = (heading, &id) {
            if self.headings.is_empty() {
                self.first_heading = self.content.len();
            }
            self.headings.push((id.clone(), words(&block)));
        }
        self.content.extend(served(block, self.path, self.root, id.as_deref()));
    }

    fn into_page(mut self) -> Page {
        let contents = outline::contents(&self.headings);
        self.content.insert(self.first_heading, Event::Html(contents.into()));
        let mut main = String::new();
        html::push_html(&mut main, self.content.into_iter());
        Page { title: self.title.unwrap_or_else(|| self.path.to_owned()), main }
    }
}

fn is_code(block: &Events<'_>) -> bool {
    matches!(block.first(), Some(Event::Start(Tag::CodeBlock(_))))
}

fn is_list(block: &Events<'_>) -> bool {
    matches!(block.first(), Some(Event::Start(Tag::List(_))))
}

fn is_paragraph(block: &Events<'_>) -> bool {
    matches!(block.first(), Some(Event::Start(Tag::Paragraph)))
}

/// Splits the text into blocks: paragraphs, lists, headings …
fn blocks(events: Events<'_>) -> Vec<Events<'_>> {
    let (mut blocks, mut depth) = (Vec::new(), 0_usize);
    for event in events {
        if depth == 0 {
            blocks.push(Vec::new());
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(block) = blocks.last_mut() {
            block.push(event);
        }
    }
    blocks
}

fn marker_of(block: &Events<'_>) -> Option<Marker> {
    let html = |event: &Event<'_>| if let Event::Html(html) = event { Some(html.to_string()) } else { None };
    matches!(block.first(), Some(Event::Start(Tag::HtmlBlock)))
        .then(|| block.iter().filter_map(html).collect::<String>())
        .and_then(|html| marker::of(&html))
}

/// Whether a block repeats the form above it: its question, or the list of its choices.
fn repeats(block: &Events<'_>, question: &str, questions: &Questions) -> bool {
    let Some(question) = questions.question.iter().find(|asked| asked.id == question) else { return false };
    let words = words(block);
    match block.first() {
        Some(Event::Start(Tag::Paragraph)) => words.contains(&plain(&question.text)),
        Some(Event::Start(Tag::List(_))) => {
            !question.choices.is_empty() && question.choices.iter().all(|choice| words.contains(&plain(&choice.text)))
        }
        _ => false,
    }
}

/// Returns a text as Markdown displays it: without the marks for code and emphasis, with one space between words.
fn plain(markdown: &str) -> String {
    words(&Parser::new(markdown).collect())
}

pub(super) fn words(events: &Events<'_>) -> String {
    let mut text = String::new();
    for event in events {
        match event {
            Event::Text(part) | Event::Code(part) => text.push_str(part),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Item) => text.push(' '),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Converts a block for the page: headings get ids, links are resolved to pages, and tables can be scrolled.
fn served<'a>(block: Events<'a>, path: &str, root: &str, heading: Option<&str>) -> Events<'a> {
    let resolve = |to: &CowStr<'_>| link::resolve(path, to, root).into();
    let mut served = Vec::with_capacity(block.len());
    for event in block {
        match event {
            Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                let id = id.or_else(|| heading.map(|heading| heading.to_owned().into()));
                served.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                served.push(Event::Start(Tag::Link { link_type, dest_url: resolve(&dest_url), title, id }));
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                served.push(Event::Start(Tag::Image { link_type, dest_url: resolve(&dest_url), title, id }));
            }
            Event::Start(Tag::Table(columns)) => {
                served.push(Event::Html(
                    "<div class=\"scroll\" role=\"region\" aria-label=\"Table\" tabindex=\"0\">".into(),
                ));
                served.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                served.push(Event::End(TagEnd::Table));
                served.push(Event::Html("</div>\n".into()));
            }
            event => served.push(event),
        }
    }
    served
}

/// The ids of a page's headings, generated as GitHub does, so that a link works in both places.
#[derive(Debug, Default)]
struct Slugs {
    taken: BTreeMap<String, u32>,
}

impl Slugs {
    fn of_heading(&mut self, block: &Events<'_>) -> Option<String> {
        matches!(block.first(), Some(Event::Start(Tag::Heading { .. }))).then(|| self.of(&words(block)))
    }

    fn of(&mut self, heading: &str) -> String {
        let sign = |c: char| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        };
        let slug: String = heading.to_lowercase().chars().filter_map(sign).collect();
        let count = self.taken.entry(slug.clone()).and_modify(|count| *count += 1).or_insert(0);
        if *count == 0 { slug } else { format!("{slug}-{count}") }
    }
}
