//! A request as bytes, and a short exchange in which one is sent and answered.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feedlab_feed::clock;
use url::Url;

use super::{Target, host_of, path_of};
use crate::http::{self, Response, is_event_stream};
use crate::outcome::CheckError;

/// A request that is being put together: default fields, which others replace.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) version: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    /// A request for a URL, with the fields that every one has.
    pub(crate) fn new(method: &str, url: &Url, accept: &str) -> Self {
        let mut request = Self {
            method: method.to_owned(),
            path: path_of(url),
            version: "1.1".to_owned(),
            fields: Vec::new(),
            body: None,
        };
        request.add("Host", &host_of(url));
        request.add("User-Agent", concat!("feedlab-check/", env!("CARGO_PKG_VERSION")));
        request.add("Accept", accept);
        request.add("Accept-Encoding", "identity");
        request
    }

    /// Adds a field after the others.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces the fields of these names. Several of one name are all sent.
    pub(crate) fn replace(&mut self, fields: &[(String, String)]) {
        self.remove(fields.iter().map(|(name, _)| name.as_str()));
        self.fields.extend_from_slice(fields);
    }

    /// Removes the fields of these names.
    pub(crate) fn remove<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            self.fields.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        }
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Sets the body and the fields that describe it.
    pub(crate) fn body(&mut self, body: &str) {
        let is_json = body.starts_with(['{', '[']);
        self.add("Content-Type", if is_json { "application/json" } else { "text/plain" });
        self.add("Content-Length", &body.len().to_string());
        self.body = Some(body.as_bytes().to_vec());
    }

    /// The bytes to send.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/{}\r\n", self.method, self.path, self.version);
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// How far an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Until the status and the header fields are there.
    Head,
    /// Until the body is complete. An event stream counts as complete with its head.
    Complete,
}

/// Sends a request on a connection of its own, and returns the answer. The error is one line.
pub(crate) async fn ask(
    target: &Target,
    url: &Url,
    request: &Request,
    until: Until,
    within: Duration,
) -> Result<Response, String> {
    let began: Instant = clock::now();
    let mut connection = target.open(url, within, began).await.map_err(|error| error.to_string())?;
    connection.send(&request.bytes()).await.map_err(|error| format!("the request cannot be sent: {error}"))?;
    let recording = connection.recording().clone();
    let deadline = tokio::time::Instant::from_std(began + within);
    loop {
        let (version, ended, response) = recording
            .view(|seen| (seen.version, seen.ended.is_some() || seen.overflowed, http::parse(seen, &request.method)));
        if let Some(problem) = &response.problem {
            return Err(format!("the answer is not an HTTP response: {problem}"));
        }
        if response.head.is_some() && (is_there(&response, until) || ended) {
            return Ok(response);
        }
        if ended {
            return Err("the server closed the connection without a response".to_owned());
        }
        if before(deadline, recording.changed(version)).await {
            continue;
        }
        if response.head.is_none() {
            return Err(format!("no response within {}", humantime::format_duration(within)));
        }
        return Ok(response);
    }
}

/// Waits for something, and returns whether it came before the deadline. `timeout_at` would not end for what is always
/// there already, as with a server that sends bytes faster than they are read.
async fn before(deadline: tokio::time::Instant, something: impl Future<Output = ()>) -> bool {
    let is_there = tokio::time::timeout_at(deadline, something).await.is_ok();
    is_there && clock::now() < deadline.into_std()
}

fn is_there(response: &Response, until: Until) -> bool {
    let is_stream = response.head.as_ref().and_then(|head| head.first("content-type")).is_some_and(is_event_stream);
    response.complete || until == Until::Head || is_stream
}

/// The field for the user and password of a URL.
pub(super) fn authorization(url: &Url) -> Option<(String, String)> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let has_any = !user.is_empty() || !password.is_empty();
    has_any.then(|| ("Authorization".to_owned(), format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))))
}

/// Finds out whether header fields of a user can be sent.
pub(super) fn check_fields(fields: &[(String, String)]) -> Result<(), CheckError> {
    let is_token = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b":()<>@,;\\\"/[]?={}".contains(&b))
    };
    let wrong = fields.iter().find(|(name, value)| !is_token(name) || value.contains(['\r', '\n', '\0']));
    wrong.map_or(Ok(()), |(name, _)| {
        Err(CheckError::BadInput(format!(
            "the header field {name:?} cannot be sent: write it as `NAME: VALUE` on one line"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_replace_and_remove_defaults() {
        let mut request = Request::new("GET", &"http://h:9/a?b=c".parse().unwrap(), "*/*");
        request.replace(&[("accept".to_owned(), "x".to_owned()), ("Accept".to_owned(), "y".to_owned())]);
        request.remove(["user-agent", "accept-encoding"].into_iter());
        let text = String::from_utf8(request.bytes()).unwrap();
        assert_eq!(text, "GET /a?b=c HTTP/1.1\r\nHost: h:9\r\naccept: x\r\nAccept: y\r\n\r\n");
    }

    #[test]
    fn a_body_is_described() {
        let mut request = Request::new("POST", &"http://h/".parse().unwrap(), "*/*");
        request.body("{\"ä\":1}");
        assert_eq!(
            (request.field("content-type"), request.field("content-length")),
            (Some("application/json"), Some("8"))
        );
        assert!(request.bytes().ends_with("{\"ä\":1}".as_bytes()));
    }

    #[tokio::test]
    async fn nothing_is_waited_for_after_the_deadline() {
        let deadline = tokio::time::Instant::from_std(clock::now());
        assert!(!before(deadline, std::future::ready(())).await);
        assert!(before(deadline + Duration::from_secs(60), std::future::ready(())).await);
        assert!(!before(deadline, std::future::pending()).await);
    }

    #[test]
    fn a_field_with_a_line_break_is_refused() {
        let field = |name: &str, value: &str| check_fields(&[(name.to_owned(), value.to_owned())]);
        assert!(field("X-A", "b").is_ok());
        assert!(field("X-A", "b\r\nX-B: c").is_err());
        assert!(field("X A", "b").is_err());
    }
}
