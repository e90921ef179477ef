//! The chapters, what they link to, and what their pages need.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use feedlab_server::Refusal;

use crate::chapter::{self, Chapter, Files, Source, escaped, shell};
use crate::class::Inner;

/// Pages ask this server alone; the live page may be shown in them.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// `GET /workshop`: the overview, and the chapters.
pub(crate) async fn index(State(class): State<Arc<Inner>>) -> Response {
    let overview = chapter::overview().map(|overview| overview.page(&class.questions));
    let title = overview.as_ref().map_or("Workshop", |page| &page.title).to_owned();
    let text = overview.map_or_else(|| "<h1>Workshop</h1>\n".to_owned(), |page| page.main);
    let main = format!("{text}<nav aria-labelledby=\"all\">\n<h2 id=\"all\">All pages</h2>\n{}</nav>\n", list());
    page(StatusCode::OK, &title, &main, "chapter.js")
}

/// `GET /workshop/CHAPTER`.
pub(crate) async fn chapter(State(class): State<Arc<Inner>>, Path(name): Path<String>) -> Response {
    let Some(chapter) = chapter::named(&name) else { return no_such(&name) };
    let content = chapter.page(&class.questions);
    let main = format!("{}{}", content.main, neighbours(&name));
    page(StatusCode::OK, &content.title, &main, "chapter.js")
}

/// `GET /workshop/source/PATH`.
pub(crate) async fn source(Path(path): Path<String>) -> Result<Response, Refusal> {
    match chapter::source(&path) {
        Some(Source::Page(content)) => Ok(page(StatusCode::OK, &content.title, &content.main, "chapter.js")),
        Some(Source::Picture(media_type, bytes)) => {
            let sealed = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'");
            Ok(([(header::CONTENT_TYPE, media_type), sealed], bytes).into_response())
        }
        None => Err(Refusal::not_found("this binary carries no file of that name; the repository may")),
    }
}

/// `GET /workshop/page/NAME`: the pages' style and scripts, and `palette.css`, which gives the charts the pages' colours.
pub(crate) async fn file(Path(name): Path<String>) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), Refusal> {
    let media_type = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        _ => return Err(Refusal::not_found("no such file of the workshop's pages")),
    };
    let head = |media_type| [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")];
    if name == "palette.css" {
        return Ok((head(media_type), feedlab_report::class::palette_css().into_bytes()));
    }
    let file = Files::get(&name).ok_or_else(|| Refusal::not_found("no such file of the workshop's pages"))?;
    Ok((head(media_type), file.data.into_owned()))
}

/// A page of the workshop.
pub(crate) fn page(status: StatusCode, title: &str, main: &str, script: &str) -> Response {
    let head = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")];
    (status, head, Html(shell(title, main, script))).into_response()
}

fn no_such(name: &str) -> Response {
    let main = format!(
        "<h1>There is no chapter <code>{}</code></h1>\n<p>There are:</p>\n{}",
        escaped(&name.chars().take(100).collect::<String>()),
        list()
    );
    page(StatusCode::NOT_FOUND, "No such chapter", &main, "chapter.js")
}

fn list() -> String {
    let items: String = chapter::all().iter().map(|chapter| format!("<li>{}</li>\n", link(chapter))).collect();
    format!("<ul class=\"chapters\">\n{items}</ul>\n")
}

fn link(chapter: &Chapter) -> String {
    format!("<a href=\"/workshop/{}\">{}</a>", escaped(&chapter.name), escaped(&chapter.title))
}

/// The chapters before and after one.
fn neighbours(name: &str) -> String {
    let all: Vec<Chapter> = chapter::all().into_iter().filter(Chapter::is_numbered).collect();
    let Some(at) = all.iter().position(|chapter| chapter.name == name) else { return String::new() };
    let before =
        at.checked_sub(1).and_then(|at| all.get(at)).map(|chapter| format!("<span>← {}</span>", link(chapter)));
    let after = all.get(at + 1).map(|chapter| format!("<span>{} →</span>", link(chapter)));
    let links: String = before.into_iter().chain(after).collect();
    format!("<nav class=\"neighbours\" aria-label=\"Other chapters\">{links}</nav>\n")
}
