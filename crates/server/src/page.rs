//! The live page: one browser, four transports. Its files are in `page/`, and are embedded unchanged.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use feedlab_feed::access::{Asked, Host};
use rust_embed::Embed;

use crate::app::App;
use crate::rejection::Rejection;

/// The files of the page. A debug build reads them again for each request, so that a change needs no rebuild.
#[derive(Embed)]
#[folder = "src/page/"]
struct Files;

/// The page connects only to this machine: its endpoints may be on other ports, and it loads nothing from elsewhere.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self' http://127.0.0.1:* https://127.0.0.1:* ws://127.0.0.1:* wss://127.0.0.1:*; frame-ancestors 'self'";

type Head = [(HeaderName, HeaderValue); 3];

/// `GET /`.
pub(crate) async fn index(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
) -> Result<impl IntoResponse, Rejection> {
    answer("index.html", &policy(&app, &asked))
}

/// `GET /page/NAME`; the modules of the client library are in a folder.
pub(crate) async fn file(Path(name): Path<String>) -> Result<impl IntoResponse, Rejection> {
    answer(&name, POLICY)
}

/// Returns the content security policy of the page. Where labs are open to other machines, it includes the other ports
/// of the host that the request names; only names of this machine get here.
fn policy(app: &App, asked: &Asked) -> String {
    let host = asked.host.as_ref().filter(|_| app.config.page_uses_other_ports).map(Host::name);
    let Some(host) = host else { return POLICY.to_owned() };
    let more = ["http", "https", "ws", "wss"].map(|scheme| format!("{scheme}://{host}:*")).join(" ");
    POLICY.replace("connect-src 'self'", &format!("connect-src 'self' {more}"))
}

fn answer(name: &str, policy: &str) -> Result<(Head, Vec<u8>), Rejection> {
    let nothing = || Rejection::new(StatusCode::NOT_FOUND, "the page has no such file; `GET /` is the page");
    let file = Files::get(name).ok_or_else(nothing)?;
    // A host name has only characters that a header may contain.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(POLICY));
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type(name))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    Ok((head, file.data.into_owned()))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::Transport;

    use super::*;

    /// The largest allowed size of the page, over all its files, bytes.
    const MOST: usize = 170_000;

    fn text(name: &str) -> String {
        String::from_utf8(Files::get(name).unwrap().data.into_owned()).unwrap()
    }

    #[test]
    fn the_endpoints_of_the_page_are_the_servers() {
        let row = |transport: Transport| {
            let (id, label, path) = (transport.id(), transport.label(), transport.path());
            let key = if id.contains('-') { format!("'{id}'") } else { id.to_owned() };
            format!("  {key}: {{ label: '{label}', path: '{path}', isStream: {} }},", transport.is_push())
        };
        let rows = Transport::ALL.map(row);
        let (page, client) = (text("endpoints.js"), text("feed-client/options.js"));
        let endpoints = page.split("export const ENDPOINTS = {\n").nth(1).unwrap().split("};").next().unwrap();
        assert!(
            endpoints.lines().count() > 1 && endpoints.lines().all(|endpoint| rows.iter().any(|row| row == endpoint)),
            "{rows:#?}"
        );
        for path in endpoints.lines().filter_map(|endpoint| endpoint.split('\'').find(|part| part.starts_with('/'))) {
            assert!(client.contains(&format!("'{path}',")), "the client library lacks {path}");
        }
    }

    #[test]
    fn f14_the_page_works_at_any_path_of_a_proxy() {
        for name in Files::iter() {
            let text = text(&name);
            for fixed in [
                "href=\"/",
                "src=\"/",
                "fetch('/",
                "fetch(`/",
                "fetch(`${ENDPOINTS",
                "'/lab",
                "`/lab",
                "location.origin)",
            ] {
                assert!(!text.contains(fixed), "{name} requests an absolute path of its server: {fixed}");
            }
        }
        assert!(text("feed-client/link.js").contains("url.pathname = url.pathname.replace(/\\/?$/, {"));
    }

    #[test]
    fn the_page_is_small_and_loads_nothing_from_elsewhere() {
        let files: Vec<_> = Files::iter().map(|name| (name.clone(), Files::get(&name).unwrap().data)).collect();
        let bytes: usize = files.iter().map(|(_, data)| data.len()).sum();
        assert!((1..=MOST).contains(&bytes), "{bytes} bytes");
        for (name, _) in files {
            let text = text(&name);
            for foreign in ["src=\"http", "href=\"http", "from \"http", "url(http"] {
                assert!(!text.contains(foreign), "{name} loads from elsewhere: {foreign}");
            }
        }
    }
}
