//! The pages: the chapters, the files that they link to, and the pages' own files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use feedlab_server::Rejection;

use crate::chapter::{self, Chapter, Source, escaped};
use crate::class::{Inner, held};

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
    let choose = format!(
        "<p><a href=\"{root}choose\">Which transport fits you, and when does that change?</a> A page with sliders and a map.</p>\n"
    );
    let main =
        format!("{text}{choose}<nav aria-labelledby=\"all\">\n<h2 id=\"all\">All pages</h2>\n{}</nav>\n", list(&root));
    page(StatusCode::OK, &title, &main, "chapter.js", &root)
}

/// `GET /workshop/CHAPTER`.
pub(crate) async fn chapter(State(class): State<Arc<Inner>>, Path(name): Path<String>, at: Uri) -> Response {
    let root = root(&at);
    let Some(chapter) = chapter::named(&name) else { return not_found(&name, &root) };
    let content = chapter.page(&class.questions, &root);
    let main = format!("{}{}", held::folded(&content.main), neighbors(&name, &root));
    page(StatusCode::OK, &content.title, &main, "chapter.js", &root)
}

/// `GET /workshop/source/PATH`.
pub(crate) async fn source(
    State(class): State<Arc<Inner>>,
    Path(path): Path<String>,
    at: Uri,
) -> Result<Response, Rejection> {
    let root = root(&at);
    if held::has_answers(&path) && class.holds_anything_back()? {
        return Err(Rejection::forbidden(
            "this file has answers to questions of the class; the instructor reveals them",
        ));
    }
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

/// Returns the relative URL of the server's root, as seen from a page. A reverse proxy may serve everything under a
/// path prefix that the server does not know.
pub(super) fn root(at: &Uri) -> String {
    match at.path().matches('/').count() {
        0 | 1 => "./".to_owned(),
        folders => "../".repeat(folders - 1),
    }
}

/// Returns the response with a page of the workshop, from which `root` leads to the root of the server.
pub(super) fn page(status: StatusCode, title: &str, main: &str, script: &str, root: &str) -> Response {
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
