//! The pages: the chapters, what they link to, the class's for the projector, and the files that they need.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use feedlab_experiment::class::Question;
use feedlab_server::Rejection;

use crate::chapter::{self, Chapter, Source, escaped};
use crate::class::Inner;

/// Style and scripts of the pages, as they stand in the repository.
#[derive(rust_embed::Embed)]
#[folder = "src/pages/"]
struct Files;

/// Pages ask this server alone; the live page may be shown in them.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// `GET /workshop`: the overview, and the chapters.
pub(crate) async fn index(State(class): State<Arc<Inner>>, at: Uri) -> Response {
    let root = root(&at);
    let overview = chapter::overview().map(|overview| overview.page(&class.questions, &root));
    let title = overview.as_ref().map_or("Workshop", |page| &page.title).to_owned();
    let text = overview.map_or_else(|| "<h1>Workshop</h1>\n".to_owned(), |page| page.main);
    let main = format!("{text}<nav aria-labelledby=\"all\">\n<h2 id=\"all\">All pages</h2>\n{}</nav>\n", list(&root));
    page(StatusCode::OK, &title, &main, "chapter.js", &root)
}

/// `GET /workshop/CHAPTER`.
pub(crate) async fn chapter(State(class): State<Arc<Inner>>, Path(name): Path<String>, at: Uri) -> Response {
    let root = root(&at);
    let Some(chapter) = chapter::named(&name) else { return no_such(&name, &root) };
    let content = chapter.page(&class.questions, &root);
    let main = format!("{}{}", content.main, neighbours(&name, &root));
    page(StatusCode::OK, &content.title, &main, "chapter.js", &root)
}

/// `GET /workshop/source/PATH`.
pub(crate) async fn source(Path(path): Path<String>, at: Uri) -> Result<Response, Rejection> {
    let root = root(&at);
    match chapter::source(&path, &root) {
        Some(Source::Page(content)) => Ok(page(StatusCode::OK, &content.title, &content.main, "chapter.js", &root)),
        Some(Source::Picture(media_type, bytes)) => {
            let sealed = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'");
            Ok(([(header::CONTENT_TYPE, media_type), sealed], bytes).into_response())
        }
        None => Err(Rejection::not_found("this binary carries no file of that name; the repository may")),
    }
}

/// `GET /workshop/page/NAME`: the pages' style and scripts, and `palette.css`, which gives the charts the pages' colours.
pub(crate) async fn file(Path(name): Path<String>) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), Rejection> {
    let media_type = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        _ => return Err(Rejection::not_found("no such file of the workshop's pages")),
    };
    let head = |media_type| [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")];
    if name == "palette.css" {
        return Ok((head(media_type), feedlab_report::class::palette_css().into_bytes()));
    }
    let file = Files::get(&name).ok_or_else(|| Rejection::not_found("no such file of the workshop's pages"))?;
    Ok((head(media_type), file.data.into_owned()))
}

/// `GET /workshop/class`, for the projector: one question at a time, its votes when the teacher wants them seen, and the answer after that.
pub(crate) async fn projector(State(class): State<Arc<Inner>>, at: Uri) -> Response {
    let questions = &class.questions.question;
    let options: String = questions.iter().map(option).collect();
    let hands: String = questions.iter().map(hands).collect();
    let empty = if questions.is_empty() { "<p class=\"mistake\">No chapter asks anything yet.</p>\n" } else { "" };
    let main = format!(
        "<h1 class=\"quiet\">The class</h1>\n{empty}<p class=\"controls\"><label>Question <select id=\"asked\">\n{options}</select></label>\n\
         <button type=\"button\" id=\"votes\" aria-pressed=\"false\">Show the votes</button>\n\
         <button type=\"button\" id=\"answer\" aria-pressed=\"false\">Show the answer</button></p>\n\
         <section id=\"shown\" aria-label=\"Votes\">\n<h2 id=\"text\"></h2>\n<p id=\"count\" role=\"status\"></p>\n\
         <div id=\"chart\" class=\"chart\"></div>\n<div id=\"known\"></div>\n</section>\n\
         <details id=\"hands\"><summary>Count hands</summary>\n{hands}<p class=\"said\" role=\"status\"></p></details>\n"
    );
    page(StatusCode::OK, "The class", &main, "class.js", &root(&at))
}

fn option(question: &Question) -> String {
    let (id, text) = (escaped(&question.id), escaped(&question.text));
    format!("<option value=\"{id}\">{}: {text}</option>\n", escaped(&question.chapter))
}

/// Where raised hands are written down: a number for each choice, or for one number.
fn hands(question: &Question) -> String {
    let row = |label: &str, answer: &str| {
        format!(
            "<label>{label} <input type=\"number\" min=\"1\" max=\"1000\" step=\"1\" data-answer=\"{answer}\" \
             inputmode=\"numeric\"></label>\n"
        )
    };
    let rows: String = if question.choices.is_empty() {
        let unit = question.unit.as_deref().map(escaped).unwrap_or_default();
        format!("<label>{unit} <input type=\"number\" step=\"any\" name=\"number\"></label>\n") + &row("hands", "")
    } else {
        question.choices.iter().map(|choice| row(&escaped(&choice.text), &escaped(&choice.id))).collect()
    };
    format!(
        "<form class=\"hands\" data-question=\"{}\" hidden>\n<fieldset><legend>Hands for each answer</legend>\n{rows}</fieldset>\n\
         <button name=\"round\" value=\"before\">Before</button> <button name=\"round\" value=\"after\">After</button>\n</form>\n",
        escaped(&question.id),
    )
}

/// The way from a page back to the root of the server, as a browser goes it: a proxy may have put all of it behind a prefix,
/// of which the server hears nothing.
fn root(at: &Uri) -> String {
    match at.path().matches('/').count() {
        0 | 1 => "./".to_owned(),
        folders => "../".repeat(folders - 1),
    }
}

/// A page of the workshop, from which `root` leads to the root of the server.
fn page(status: StatusCode, title: &str, main: &str, script: &str, root: &str) -> Response {
    let head = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")];
    (status, head, Html(shell(title, main, script, root))).into_response()
}

fn no_such(name: &str, root: &str) -> Response {
    let main = format!(
        "<h1>There is no chapter <code>{}</code></h1>\n<p>There are:</p>\n{}",
        escaped(&name.chars().take(100).collect::<String>()),
        list(root)
    );
    page(StatusCode::NOT_FOUND, "No such chapter", &main, "chapter.js", root)
}

fn list(root: &str) -> String {
    let items: String = chapter::all().iter().map(|chapter| format!("<li>{}</li>\n", link(chapter, root))).collect();
    format!("<ul class=\"chapters\">\n{items}</ul>\n")
}

fn link(chapter: &Chapter, root: &str) -> String {
    format!("<a href=\"{root}workshop/{}\">{}</a>", escaped(&chapter.name), escaped(&chapter.title))
}

/// The chapters before and after one.
fn neighbours(name: &str, root: &str) -> String {
    let all: Vec<Chapter> = chapter::all().into_iter().filter(Chapter::is_numbered).collect();
    let Some(at) = all.iter().position(|chapter| chapter.name == name) else { return String::new() };
    let before =
        at.checked_sub(1).and_then(|at| all.get(at)).map(|chapter| format!("<span>← {}</span>", link(chapter, root)));
    let after = all.get(at + 1).map(|chapter| format!("<span>{} →</span>", link(chapter, root)));
    let links: String = before.into_iter().chain(after).collect();
    format!("<nav class=\"neighbours\" aria-label=\"Other chapters\">{links}</nav>\n")
}

/// A whole page. `title` is text, `main` is HTML, `script` is the name of one of the [`Files`].
fn shell(title: &str, main: &str, script: &str, root: &str) -> String {
    let shell = Files::get("shell.html").map(|file| file.data).unwrap_or_default();
    let shell = String::from_utf8_lossy(&shell).replace("{{root}}", root).replace("{{script}}", script);
    let shell = shell.replace("{{title}}", &escaped(title));
    // Last, so that nothing in it is taken for a place to fill.
    shell.replacen("{{main}}", main, 1)
}
