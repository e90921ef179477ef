//! What is around every page, and the files that pages ask for.

use std::borrow::Cow;

use rust_embed::Embed;

/// Style and scripts of the pages, as they stand in the repository.
#[derive(Embed)]
#[folder = "src/pages/"]
pub(crate) struct Files;

/// A whole page. `title` is text, `main` is HTML, `script` is the name of one of the [`Files`].
pub(crate) fn shell(title: &str, main: &str, script: &str) -> String {
    let shell = Files::get("shell.html").map(|file| file.data).unwrap_or_default();
    let shell = String::from_utf8_lossy(&shell).replace("{{title}}", &escaped(title)).replace("{{script}}", script);
    // Last, so that nothing in it is taken for a place to fill.
    shell.replacen("{{main}}", main, 1)
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
