//! The pages: the chapters, the files that they link to, the class page for the projector, and the pages' own files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use feedlab_experiment::class::Question;
use feedlab_server::Rejection;

use crate::chapter::{self, Chapter, Source, escaped};
use crate::class::Inner;

/// The stylesheet and scripts of the pages.
#[derive(rust_embed::Embed)]
#[folder = "src/pages/"]
struct Files;

/// The content security policy: pages load only from this server, and may show the live page in a frame.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// `GET /workshop`: the overview, and a list of the chapters.
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
    let Some(chapter) = chapter::named(&name) else { return not_found(&name, &root) };
    let content = chapter.page(&class.questions, &root);
    let main = format!("{}{}", content.main, neighbors(&name, &root));
    page(StatusCode::OK, &content.title, &main, "chapter.js", &root)
}

/// `GET /workshop/source/PATH`.
pub(crate) async fn source(Path(path): Path<String>, at: Uri) -> Result<Response, Rejection> {
    let root = root(&at);
    match chapter::source(&path, &root) {
        Some(Source::Page(content)) => Ok(page(StatusCode::OK, &content.title, &content.main, "chapter.js", &root)),
        Some(Source::Picture(media_type, bytes)) => {
            let policy = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'");
            Ok(([(header::CONTENT_TYPE, media_type), policy], bytes).into_response())
        }
        None => Err(Rejection::not_found("this binary contains no file of that name; it may be in the repository")),
    }
}

/// `GET /workshop/page/NAME`: the pages' stylesheet and scripts, and `palette.css`, with the colors that the pages
/// share with the charts.
pub(crate) async fn file(Path(name): Path<String>) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), Rejection> {
    let media_type = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        _ => return Err(Rejection::not_found("the workshop's pages have no such file")),
    };
    let head = |media_type| [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")];
    if name == "palette.css" {
        return Ok((head(media_type), feedlab_report::class::palette_css().into_bytes()));
    }
    let file = Files::get(&name).ok_or_else(|| Rejection::not_found("the workshop's pages have no such file"))?;
    Ok((head(media_type), file.data.into_owned()))
}

/// `GET /workshop/class`, for the projector: one question at a time, and its votes and its answer when the teacher
/// shows them.
pub(crate) async fn projector(State(class): State<Arc<Inner>>, at: Uri) -> Response {
    let questions = &class.questions.question;
    let options: String = questions.iter().map(option).collect();
    let hands: String = questions.iter().map(hands).collect();
    let empty = if questions.is_empty() { "<p class=\"mistake\">There are no questions yet.</p>\n" } else { "" };
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

/// Returns the form for counting raised hands: a count for each choice, or for one number.
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

/// Returns the relative URL of the server's root, as seen from a page. A reverse proxy may serve everything under a
/// path prefix that the server does not know.
fn root(at: &Uri) -> String {
    match at.path().matches('/').count() {
        0 | 1 => "./".to_owned(),
        folders => "../".repeat(folders - 1),
    }
}

/// Returns the response with a page of the workshop, from which `root` leads to the root of the server.
fn page(status: StatusCode, title: &str, main: &str, script: &str, root: &str) -> Response {
    let head = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")];
    (status, head, Html(shell(title, main, script, root))).into_response()
}

fn not_found(name: &str, root: &str) -> Response {
    let main = format!(
        "<h1>There is no chapter <code>{}</code></h1>\n<p>The chapters are:</p>\n{}",
        escaped(&name.chars().take(100).collect::<String>()),
        list(root)
    );
    page(StatusCode::NOT_FOUND, "Chapter not found", &main, "chapter.js", root)
}

fn list(root: &str) -> String {
    let items: String = chapter::all().iter().map(|chapter| format!("<li>{}</li>\n", link(chapter, root))).collect();
    format!("<ul class=\"chapters\">\n{items}</ul>\n")
}

fn link(chapter: &Chapter, root: &str) -> String {
    format!("<a href=\"{root}workshop/{}\">{}</a>", escaped(&chapter.name), escaped(&chapter.title))
}

/// Returns links to the previous and the next chapter.
fn neighbors(name: &str, root: &str) -> String {
    let all: Vec<Chapter> = chapter::all().into_iter().filter(Chapter::is_numbered).collect();
    let Some(at) = all.iter().position(|chapter| chapter.name == name) else { return String::new() };
    let before =
        at.checked_sub(1).and_then(|at| all.get(at)).map(|chapter| format!("<span>← {}</span>", link(chapter, root)));
    let after = all.get(at + 1).map(|chapter| format!("<span>{} →</span>", link(chapter, root)));
    let links: String = before.into_iter().chain(after).collect();
    format!("<nav class=\"neighbors\" aria-label=\"Other chapters\">{links}</nav>\n")
}

/// Returns a whole page. `title` is text, `main` is HTML, `script` is the name of one of the [`Files`].
fn shell(title: &str, main: &str, script: &str, root: &str) -> String {
    let shell = Files::get("shell.html").map(|file| file.data).unwrap_or_default();
    let shell = String::from_utf8_lossy(&shell).replace("{{root}}", root).replace("{{script}}", script);
    let shell = shell.replace("{{title}}", &escaped(title));
    // Last, so that nothing in it is taken for a placeholder.
    shell.replacen("{{main}}", main, 1)
}
