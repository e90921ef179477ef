//! The formats of the page: text of one screen, Markdown, and HTML without references to other files.

use std::fmt::Write as _;

use super::page::{Page, Part};

/// The width of a screen.
const WIDTH: usize = 99;

/// Returns the page as text.
pub(super) fn text(page: &Page) -> String {
    let mut text = hanging(&page.title, 0) + "\n";
    for part in &page.parts {
        match part {
            Part::Verdict(verdict) => text += &format!("{}\n", hanging(verdict, 0)),
            Part::Heading(heading) => text += &format!("\n{heading}\n"),
            Part::Text(paragraph) => text += &hanging(paragraph, 0),
            Part::Table(rows) => text += &aligned(rows),
            Part::Named(list) => {
                let width = list.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 4;
                for (name, said) in list {
                    text += &hanging(&format!("  {name:<0$}{said}", width - 2), width);
                }
            }
            Part::List(list) => list.iter().for_each(|item| text += &hanging(&format!("  - {item}"), 4)),
        }
    }
    text
}

/// Breaks a line at spaces; all lines but the first are indented.
fn hanging(text: &str, indent: usize) -> String {
    let leading: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut lines = vec![String::new()];
    lines[0] = leading;
    let mut is_first = true;
    for word in text.trim_start().split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if !is_first && line + 1 + word.chars().count() > WIDTH {
            lines.push(" ".repeat(indent));
            is_first = true;
        }
        if let Some(line) = lines.last_mut() {
            if !is_first {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_first = false;
    }
    lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Returns a table in columns: the first two are text, the others numbers.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Returns the page as Markdown.
pub(super) fn markdown(page: &Page) -> String {
    let mut text = format!("## {}\n", page.title);
    for part in &page.parts {
        text += "\n";
        match part {
            Part::Verdict(verdict) => text += &format!("**{verdict}**\n"),
            Part::Heading(heading) => text += &format!("### {heading}\n"),
            Part::Text(paragraph) => text += &format!("{paragraph}\n"),
            Part::Table(rows) => text += &markdown_table(rows),
            Part::Named(list) => list.iter().for_each(|(name, said)| text += &format!("- **{name}**: {said}\n")),
            Part::List(list) => list.iter().for_each(|item| text += &format!("- {item}\n")),
        }
    }
    text
}

fn markdown_table(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let [head, second, rest @ ..] = rows else { return String::new() };
    let head: Vec<String> =
        head.iter().zip(second).map(|(name, basis)| format!("{name} {basis}").trim().to_owned()).collect();
    let rule: Vec<String> = (0..head.len()).map(|column| if column < 2 { "---" } else { "---:" }.to_owned()).collect();
    line(&head) + &line(&rule) + &rest.iter().map(|row| line(row)).collect::<String>()
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;display:block;overflow-x:auto}th,td{padding:.2rem .7rem;text-align:right;\
    border-bottom:1px solid #8888}th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}th small{font-weight:400}\
    h1{font-size:1.2rem;font-weight:400}.verdict{font-size:1.4rem;font-weight:600}dt{font-weight:600}\
    :root{color-scheme:light dark}";

/// Returns the page as HTML.
pub(super) fn html(page: &Page) -> String {
    let title = escaped(&page.title);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n"
    );
    for part in &page.parts {
        let _ = match part {
            Part::Verdict(verdict) => writeln!(text, "<p class=\"verdict\">{}</p>", escaped(verdict)),
            Part::Heading(heading) => writeln!(text, "<h2>{}</h2>", escaped(heading)),
            Part::Text(paragraph) => writeln!(text, "<p>{}</p>", escaped(paragraph)),
            Part::Table(rows) => writeln!(text, "{}", html_table(rows)),
            Part::Named(list) => {
                let items =
                    list.iter().map(|(name, said)| format!("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(said)));
                writeln!(text, "<dl>{}</dl>", items.collect::<String>())
            }
            Part::List(list) => {
                let items = list.iter().map(|item| format!("<li>{}</li>", with_code(item)));
                writeln!(text, "<ul>{}</ul>", items.collect::<String>())
            }
        };
    }
    text + "</main>\n</html>\n"
}

fn html_table(rows: &[Vec<String>]) -> String {
    let [head, second, rest @ ..] = rows else { return String::new() };
    let heads = head
        .iter()
        .zip(second)
        .map(|(name, basis)| format!("<th scope=\"col\">{}<br><small>{}</small></th>", escaped(name), escaped(basis)));
    let row = |row: &Vec<String>| {
        let cells = row.iter().map(|cell| format!("<td>{}</td>", escaped(cell)));
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let body: String = rest.iter().map(row).collect();
    format!("<table><thead><tr>{}</tr></thead><tbody>{body}</tbody></table>", heads.collect::<String>())
}

/// Escapes a text, and marks what is in backticks as code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let marked = parts.map(|(index, part)| match index % 2 {
        0 => escaped(part),
        _ => format!("<code>{}</code>", escaped(part)),
    });
    marked.collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_hang() {
        let text = hanging(&format!("  - {}", "word ".repeat(30).trim_end()), 4);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 2 && lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(lines[1].starts_with("    word"), "{text}");
    }

    #[test]
    fn nothing_in_a_page_is_markup() {
        let page = Page { title: "<b>".to_owned(), parts: vec![Part::Verdict("a & \"b\"".to_owned())] };
        let html = html(&page);
        assert_eq!(with_code("send `a<b` now"), "send <code>a&lt;b</code> now");
        assert!(html.contains("<h1>&lt;b&gt;</h1>") && html.contains("a &amp; &quot;b&quot;"), "{html}");
    }
}
