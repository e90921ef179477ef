//! The request that publishes an update to a target: filled in, sent, and judged by its response.

use std::fmt::{self, Write as _};

use anyhow::Context as _;
use feedlab_experiment::scenario::Publish;
use feedlab_experiment::stamp;
use feedlab_feed::{Cursor, clock};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url};

use super::{MAX_ANSWER_BYTES, PUBLISH};

/// Characters of a request or a response that a message shows.
const SHOWN: usize = 300;
/// How long a connection is kept between two publications: less than the 5 s after which Node's and other servers close
/// it, perhaps while a request is on its way.
const KEPT: std::time::Duration = std::time::Duration::from_secs(4);

/// How to publish updates to a target.
#[derive(Clone, Debug)]
pub(super) struct Request {
    method: Method,
    /// The target's URL, without a slash at its end.
    base: String,
    path: String,
    headers: HeaderMap,
    body: String,
}

/// What was sent and what came back.
#[derive(Debug)]
pub(super) struct Answer {
    sent: String,
    status: Result<StatusCode, String>,
    body: String,
}

/// The only connection to the target; kept between two publications.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: Client,
    request: Request,
}

impl Request {
    /// Checks what a target's file says about publishing.
    pub(super) fn new(url: &Url, publish: &Publish) -> anyhow::Result<Self> {
        let method = publish.method.parse().with_context(|| format!("`{}` is not an HTTP method", publish.method))?;
        let header = |(name, value): &(String, String)| {
            let name: HeaderName = name.parse().with_context(|| format!("`{name}` is not the name of a header"))?;
            let value: HeaderValue =
                value.parse().with_context(|| format!("the header {name} has a value that HTTP does not allow"))?;
            anyhow::Ok((name, value))
        };
        let headers = publish.headers.iter().map(header).collect::<anyhow::Result<_>>()?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { method, base, path: publish.path.clone(), headers, body: publish.body.clone() })
    }

    /// Returns a sender with a connection of its own, for one runtime.
    pub(super) fn sender(&self) -> anyhow::Result<Sender> {
        let client = Client::builder()
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .redirect(Policy::none())
            .timeout(PUBLISH)
            .pool_idle_timeout(KEPT)
            .pool_max_idle_per_host(1)
            .build()
            .context("cannot create an HTTP client")?;
        Ok(Sender { client, request: self.clone() })
    }
}

/// Inserts an update into a template.
fn filled(template: &str, cursor: Cursor, at_us: u64, bytes: usize) -> String {
    let text = template.replace("$SEQ", &cursor.seq.to_string()).replace("$AT", &at_us.to_string());
    if text.contains("$UPDATE") { text.replace("$UPDATE", &stamp::text(cursor, at_us, bytes)) } else { text }
}

impl Sender {
    /// Publishes an update that was due at `at_us`, µs of Unix time, and whose text has this many bytes.
    pub(super) async fn send(&self, cursor: Cursor, at_us: u64, bytes: usize) -> Answer {
        let Request { method, base, path, headers, body } = &self.request;
        let [path, body] = [path, body].map(|template| filled(template, cursor, at_us, bytes));
        let url = format!("{base}{path}");
        let mut sent = format!("{method} {url}");
        if !body.is_empty() {
            let _ = write!(sent, " with the body `{}`", shown(body.as_bytes()));
        }
        let request = self.client.request(method.clone(), url).headers(headers.clone()).body(body);
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                match read(response).await {
                    Ok(body) => Answer { sent, status: Ok(status), body: shown(&body) },
                    Err(why) => Answer { sent, status: Err(why), body: String::new() },
                }
            }
            Err(error) => Answer { sent, status: Err(causes(&error.without_url())), body: String::new() },
        }
    }

    /// Publishes an update outside the feed: number 0, due now.
    pub(super) async fn send_trial(&self, epoch: feedlab_feed::Epoch, bytes: usize) -> Answer {
        self.send(Cursor { epoch: Some(epoch), seq: 0 }, clock::unix_us(), bytes).await
    }
}

impl Answer {
    /// Whether the target has accepted the update.
    pub(super) fn is_accepted(&self) -> bool {
        self.status.as_ref().is_ok_and(|status| status.as_u16() < 400)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, status, body } = self;
        match status {
            Ok(status) if body.is_empty() => write!(f, "{sent} was answered with {status} and no body"),
            Ok(status) => write!(f, "{sent} was answered with {status}: `{body}`"),
            Err(why) => write!(f, "{sent} failed: {why}"),
        }
    }
}

/// Reads the body of a response, up to its limit.
async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error.without_url()))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(format!("the response has more than {} KiB", MAX_ANSWER_BYTES >> 10));
        }
    }
    Ok(body)
}

/// Returns the beginning of a text for a message.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let cut = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
    let rest = if cut < text.len() { "…" } else { "" };
    format!("{}{rest}", &text[..cut])
}

/// Returns an error with its causes: the last one says most.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let _ = write!(text, ": {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in() {
        let cursor: Cursor = "k3f9.7".parse().unwrap();
        let text = filled("{\"id\":$SEQ,\"at\":$AT,\"data\":\"$UPDATE\"}", cursor, 12, 70);
        let update = stamp::text(cursor, 12, 70);
        assert_eq!((text, update.len()), (format!("{{\"id\":7,\"at\":12,\"data\":\"{update}\"}}"), 70));
        assert_eq!(filled("/pub?x=$AT", cursor, 12, 70), "/pub?x=12");
    }

    #[test]
    fn a_message_shows_the_beginning() {
        assert_eq!(shown(b"short"), "short");
        let long = shown("é".repeat(5_000).as_bytes());
        assert!(long.ends_with("é…") && long.chars().count() == SHOWN + 1, "{long}");
    }

    #[test]
    fn an_answer_is_a_sentence() {
        let answer =
            |status, body: &str| Answer { sent: "POST http://h/pub".to_owned(), status, body: body.to_owned() };
        let accepted = answer(Ok(StatusCode::ACCEPTED), "");
        assert!(accepted.is_accepted());
        assert_eq!(accepted.to_string(), "POST http://h/pub was answered with 202 Accepted and no body");
        let refused = answer(Ok(StatusCode::NOT_FOUND), "Cannot POST /pub");
        assert!(!refused.is_accepted());
        assert_eq!(refused.to_string(), "POST http://h/pub was answered with 404 Not Found: `Cannot POST /pub`");
        let failed = answer(Err("connection refused".to_owned()), "");
        assert!(!failed.is_accepted());
        assert_eq!(failed.to_string(), "POST http://h/pub failed: connection refused");
    }
}
