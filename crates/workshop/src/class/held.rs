//! Holds back what gives an answer away: the parts of a served chapter that print the figures of its runs and its key
//! points, and the files of the binary with answers.
//!
//! The Markdown stays as it is: anyone who reads it in the repository reads alone. On the page the part is folded, also
//! without a script; the page's script opens it with the answers.

use std::ops::Range;

/// The heading of the part that prints figures.
const LOOK: &str = "<h2 id=\"look\">";

/// The section of the key points, as the outline of a chapter writes it.
const KEY_POINTS: &str = "<section class=\"key-points\"";

/// The files of the binary with right choices, and with figures of runs.
const ANSWERS: [&str; 2] = ["docs/workshop/questions.toml", "docs/workshop/recorded"];

/// Whether a file or folder of the binary has the answers themselves, and not only the code and the text behind them.
pub(crate) fn has_answers(path: &str) -> bool {
    ANSWERS.iter().any(|answers| path.starts_with(answers))
}

/// Returns a chapter's HTML with its figures and its key points folded, if it asks a question.
pub(crate) fn folded(html: &str) -> String {
    if !html.contains("data-question=") {
        return html.to_owned();
    }
    let html = fold(html, figures(html).as_ref(), "This part prints the figures. Vote first, then show it.");
    fold(&html, key_points(&html).as_ref(), "The key points give the answers away. Vote first, then show them.")
}

/// The part that prints figures, up to the next heading.
fn figures(html: &str) -> Option<Range<usize>> {
    let heading = html.find(LOOK)?;
    let body = heading + html[heading..].find("</h2>")? + "</h2>".len();
    Some(body..html[body..].find("<h2").map_or(html.len(), |end| body + end))
}

fn key_points(html: &str) -> Option<Range<usize>> {
    let start = html.find(KEY_POINTS)?;
    Some(start..start + html[start..].find("</section>")? + "</section>".len())
}

fn fold(html: &str, part: Option<&Range<usize>>, summary: &str) -> String {
    let Some(&Range { start, end }) = part else { return html.to_owned() };
    format!(
        "{}\n<details class=\"held\"><summary>{summary}</summary>\n{}</details>\n{}",
        &html[..start],
        &html[start..end],
        &html[end..],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapter::library;

    #[test]
    fn w1_the_figures_below_a_question_are_folded() {
        let page =
            "<section data-question=\"q\"></section><h2 id=\"look\">Look</h2>\n<p>512 ms</p>\n<h2 id=\"x\">X</h2>";
        let html = folded(page);
        let inside = html.split_once("<details").unwrap().1.split_once("</details>").unwrap().0;
        assert!(inside.contains("512 ms") && html.ends_with("</details>\n<h2 id=\"x\">X</h2>"), "{html}");
        for other in ["<h2 id=\"look\">Look</h2>", "<p data-question=\"q\"></p>"] {
            assert_eq!(folded(other), other);
        }
    }

    #[test]
    fn w1_the_key_points_are_folded_too() {
        let points = "<section class=\"key-points\" aria-label=\"Key points\"><p>512</p></section>";
        let html =
            folded(&format!("<p data-question=\"q\"></p><h2 id=\"look\">Look</h2>x<h2>y</h2>{points}\n<p>Next</p>"));
        let parts: Vec<&str> = html.split("</details>").collect();
        assert!(
            parts.len() == 3 && parts[1].contains("<details class=\"held\">") && parts[1].contains("512"),
            "{html}"
        );
        assert!(parts[2].contains("Next"), "{html}");
    }

    #[test]
    fn w1_answers_are_in_these_files() {
        for path in
            ["docs/workshop/questions.toml", "docs/workshop/recorded", "docs/workshop/recorded/how-old/summary.json"]
        {
            let is_there = library::file(path).is_some() || !library::listing(path).is_empty();
            assert!(has_answers(path) && is_there, "{path}");
        }
        assert!(!has_answers("docs/workshop/01-how-old.md"));
    }

    #[test]
    fn w1_every_chapter_with_a_question_has_such_a_part() {
        let questions = crate::chapter::questions().unwrap();
        let chapters = crate::chapter::all();
        for question in &questions.question {
            let chapter = chapters.iter().find(|chapter| chapter.name == question.chapter).unwrap();
            let html = folded(&chapter.page(&questions, "../").main);
            let parts: Vec<&str> = html.split("<details class=\"held\">").collect();
            assert!(parts.len() == 3 && parts[2].contains(KEY_POINTS), "{}", question.chapter);
        }
    }
}
