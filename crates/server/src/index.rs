//! `GET /`: which doors there are, for whoever opens the address in a browser.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Html;
use feedlab_feed::Transport;

use crate::app::App;

/// A page of the doors, each with the line that follows it in a terminal.
pub(crate) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Html<String> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8080");
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".:-[]".contains(*c)).collect();
    let doors: String =
        Transport::ALL.into_iter().map(|transport| door(transport, &host, app.config.tls.is_some())).collect();
    Html(include_str!("index.html").replace("{doors}", &doors))
}

fn door(transport: Transport, host: &str, is_secure: bool) -> String {
    let (label, path) = (transport.label(), transport.path());
    let scheme = transport.scheme(is_secure);
    format!("<dt>{label}</dt><dd><code>{path}</code><pre>feedlab watch {scheme}://{host}{path}</pre></dd>\n")
}
