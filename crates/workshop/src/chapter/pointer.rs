//! "Look for `name` in [file](path)": finds the line of the name in that file, so that both can link to it. Called when
//! a page is rendered, so that the line is right after every change of the code.

use pulldown_cmark::{CowStr, Event, LinkType, Tag, TagEnd};

use super::{library, link};

/// What a text has said so far about where to look.
#[derive(Debug, Default)]
pub(super) struct Pointers {
    /// The file that was linked to last, as written in the text.
    last: Option<String>,
}

/// A reader of the events of one block.
struct Reader<'a> {
    events: Vec<Event<'a>>,
    /// The text since the last name or link.
    tail: String,
    /// The names to look for, as positions in `events`, whose file is not known yet.
    names: Vec<usize>,
    /// The links to make: a position in `events`, and the destination.
    links: Vec<(usize, String)>,
}

impl Pointers {
    /// Makes each name to look for in a block of the text `path` a link to its line, and moves the link to its file to
    /// the line of the first name.
    pub(super) fn linked<'a>(&mut self, block: Vec<Event<'a>>, path: &str) -> Vec<Event<'a>> {
        let mut reader = Reader { events: block, tail: String::new(), names: Vec::new(), links: Vec::new() };
        for at in 0..reader.events.len() {
            self.read(&mut reader, at, path);
        }
        reader.into_events()
    }

    fn read(&mut self, reader: &mut Reader<'_>, at: usize, path: &str) {
        match &reader.events[at] {
            Event::Text(text) => reader.tail.push_str(text),
            Event::SoftBreak => reader.tail.push(' '),
            Event::Code(_) => reader.name(at),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.last = Some(dest_url.split('#').next().unwrap_or_default().to_owned());
                if reader.tail.trim() == "in" {
                    self.point(reader, path, Some(at));
                }
                reader.forget();
            }
            Event::End(TagEnd::Link) => reader.tail.clear(),
            Event::End(_) => reader.forget(),
            _ => {}
        }
        if !reader.names.is_empty() && reader.refers_back() {
            self.point(reader, path, None);
            reader.names.clear();
        }
    }

    /// Links the names to their lines in the last file, and its link at `file` to the first of them.
    fn point(&self, reader: &mut Reader<'_>, path: &str, file: Option<usize>) {
        let Some(to) = self.last.as_deref() else { return };
        let Some(code) = link::path_of(path, to).and_then(|file| library::text(&file)) else { return };
        let mut first = None;
        for at in std::mem::take(&mut reader.names) {
            let Event::Code(name) = &reader.events[at] else { continue };
            let Some(line) = line_of(&code, name) else { continue };
            first.get_or_insert(line);
            reader.links.push((at, format!("{to}#L{line}")));
        }
        if let (Some(at), Some(line)) = (file, first)
            && let Event::Start(Tag::Link { dest_url, .. }) = &mut reader.events[at]
        {
            *dest_url = format!("{to}#L{line}").into();
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads a word of code: it is a name to look for after "look for", and after another such name.
    fn name(&mut self, at: usize) {
        let tail = self.tail.trim().trim_start_matches(',').trim();
        if tail.ends_with("ook for") || tail == "and for" {
            self.names = vec![at];
        } else if !self.names.is_empty() && (tail == "and" || tail.is_empty()) {
            self.names.push(at);
        } else {
            self.names.clear();
        }
        self.tail.clear();
    }

    /// Whether the text after the names refers to the last file.
    fn refers_back(&self) -> bool {
        let tail = self.tail.trim_start();
        tail.starts_with("there") || tail.starts_with("in the same file")
    }

    fn forget(&mut self) {
        self.names.clear();
        self.tail.clear();
    }

    /// Returns the events, with the links around the names.
    fn into_events(self) -> Vec<Event<'a>> {
        let mut links = self.links.into_iter().peekable();
        let mut events = Vec::with_capacity(self.events.len());
        for (at, event) in self.events.into_iter().enumerate() {
            let Some((_, to)) = links.next_if(|(name, _)| *name == at) else {
                events.push(event);
                continue;
            };
            let (link_type, title, id) = (LinkType::Inline, CowStr::from(""), CowStr::from(""));
            events.push(Event::Start(Tag::Link { link_type, dest_url: to.into(), title, id }));
            events.extend([event, Event::End(TagEnd::Link)]);
        }
        events
    }
}

/// Returns the line on which a name is defined, starting at 1; or else the first one that has it outside a comment, or
/// else the first one.
fn line_of(code: &str, name: &str) -> Option<usize> {
    let lines = code.lines().enumerate().filter(|(_, line)| words(line).any(|word| word == name));
    let rank = |line: &str| match line.trim_start() {
        line if line.starts_with("//") || line.starts_with('*') || line.starts_with('#') => 2,
        line if defines(line, name) => 0,
        _ => 1,
    };
    lines.min_by_key(|(at, line)| (rank(line), *at)).map(|(at, _)| at + 1)
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).filter(|word| !word.is_empty())
}

/// Whether a line of Rust or JavaScript defines the name: a keyword before it, or a method of a class.
fn defines(line: &str, name: &str) -> bool {
    const KEYWORDS: [&str; 12] =
        ["fn", "struct", "enum", "trait", "const", "static", "type", "mod", "macro_rules", "function", "class", "let"];
    let mut before = "";
    for word in words(line) {
        if word == name && (KEYWORDS.contains(&before) || before == "mut") {
            return true;
        }
        before = word;
    }
    let rest = line.trim_start_matches("async ").trim_start_matches(['#', '*']);
    rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('(') && line.ends_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w6_the_line_of_a_name_is_its_definition_if_there_is_one() {
        let code =
            "//! Uses `beat`.\nuse a::beat;\nlet x = beat();\n    pub(crate) async fn beat(&self) {\nfn beats() {}\n";
        assert_eq!(line_of(code, "beat"), Some(4));
        assert_eq!(line_of(code, "beats"), Some(5));
        assert_eq!(line_of(code, "x"), Some(3));
        assert_eq!(line_of(code, "a"), Some(2));
        assert_eq!(line_of(code, "Uses"), Some(1), "if there is nothing better, a comment");
        assert_eq!(line_of(code, "absent"), None);
        assert_eq!(line_of("  sse() {\n}\n", "sse"), Some(1), "a method of JavaScript");
        assert_eq!(line_of("a.sse();\nexport function sse(x) {\n", "sse"), Some(2));
        assert_eq!(line_of("const MAX_STREAMS: u32 = 250;", "MAX_STREAMS"), Some(1));
        assert_eq!(line_of("x = \"status-503\"", "status-503"), Some(1));
    }
}
