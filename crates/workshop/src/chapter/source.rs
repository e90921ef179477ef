//! `/workshop/source/PATH`: a file that a chapter links to, as a readable page.

use feedlab_experiment::class::Questions;

use super::{Page, escaped, library, render};

/// What a path of the repository is shown as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A page: a text, or the list of a folder's files.
    Page(Page),
    /// A picture, with its media type.
    Picture(&'static str, Vec<u8>),
}

/// Returns what is at a path of the repository; `None` if the binary does not contain it. `root` is the relative URL of
/// the server's root, as seen from the page.
#[must_use]
pub fn source(path: &str, root: &str) -> Option<Source> {
    let Some(bytes) = library::file(path) else { return folder(path, root).map(Source::Page) };
    if let Some(media_type) = picture(path) {
        return Some(Source::Picture(media_type, bytes.into_owned()));
    }
    let text = String::from_utf8_lossy(&bytes);
    let page = if path.ends_with(".md") {
        render::page(path, &text, &Questions::default(), root)
    } else {
        listed(path, &text)
    };
    Some(Source::Page(page))
}

fn picture(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "png" => Some("image/png"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Renders a file with numbered lines, each of which has an id: `#L10`, as on GitHub.
fn listed(path: &str, text: &str) -> Page {
    let line = |(index, line): (usize, &str)| {
        let number = index + 1;
        format!("<span id=\"L{number}\" data-line=\"{number}\">{}</span>", escaped(line))
    };
    let lines: String = text.lines().enumerate().map(line).collect();
    let name = escaped(path);
    let main = format!(
        "<h1><code>{name}</code></h1>\n<pre class=\"listing\" tabindex=\"0\" aria-label=\"{name}\"><code>{lines}</code></pre>\n"
    );
    Page { title: path.to_owned(), main }
}

fn folder(path: &str, root: &str) -> Option<Page> {
    let path = path.trim_end_matches('/');
    let files = library::listing(path);
    if files.is_empty() {
        return None;
    }
    let item =
        |file: &String| format!("<li><a href=\"{root}workshop/source/{0}\"><code>{0}</code></a></li>\n", escaped(file));
    let items: String = files.iter().map(item).collect();
    Some(Page {
        title: path.to_owned(),
        main: format!("<h1><code>{}/</code></h1>\n<ul>\n{items}</ul>\n", escaped(path)),
    })
}
