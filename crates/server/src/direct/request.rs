//! Reads a poll or a publication of the usual form. It accepts nothing that the HTTP library would refuse, and nothing
//! that could change the answer in a way that it does not know.

use std::mem::MaybeUninit;
use std::str;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{self, header};
use feedlab_feed::transport::{AFTER, PUBLISH_PATH};
use feedlab_feed::wire::poll::HOLD;
use feedlab_feed::{Cursor, Transport};
use httparse::Status;

use crate::access::Access;
use crate::config::Config;
use crate::fields;
use crate::limits::{MAX_HEADER_BYTES, MAX_HEADERS};
use crate::transport::{long_polling, short_polling};

/// The longest `Host` that is read here, bytes: a name of 253, a colon and a port (RFC 1035, section 2.3.4).
const MAX_HOST_BYTES: usize = 259;

/// A request that is answered here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    Poll(Poll<'a>),
    Post(Post<'a>),
}

impl Request<'_> {
    /// The endpoint that its connection counts for, if it names one.
    pub(crate) const fn transport(&self) -> Option<Transport> {
        match self {
            Self::Poll(poll) => Some(poll.transport),
            Self::Post(post) => post.transport,
        }
    }
}

/// A request to one of the two polling endpoints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Poll<'a> {
    pub(super) transport: Transport,
    pub(super) cursor: Option<Cursor>,
    pub(super) hold: Option<Duration>,
    if_none_match: Option<&'a str>,
}

impl Poll<'_> {
    /// Whether the client has everything up to this entity tag.
    pub(super) fn knows(&self, etag: &str) -> bool {
        let names = |line| line == etag || fields::members(line).any(|member| short_polling::names(member, etag));
        self.if_none_match.is_some_and(names)
    }
}

/// A publication, with its whole body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Post<'a> {
    /// The one over which its client receives updates, if it says so.
    transport: Option<Transport>,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// Reads requests to an address.
pub(super) struct Reader {
    access: Arc<Access>,
    /// Whether everything is for the HTTP library.
    is_off: bool,
    /// The longest body of a publication, bytes; `None` if clients may not publish.
    max_body: Option<usize>,
    /// The last `Host` that was admitted: most clients send the same.
    host: Option<Box<[u8]>>,
}

impl Reader {
    pub(super) fn new(access: Arc<Access>, config: &Config, is_on_broker: bool) -> Self {
        let max_body = config.settings.allow_publish.then_some(config.max_message_bytes);
        Self { is_off: is_on_broker || access.allows_pages(), access, max_body, host: None }
    }

    /// Returns the request that an input begins with, and its length.
    pub(super) fn read<'a>(&mut self, input: &'a [u8]) -> Option<(Request<'a>, usize)> {
        if self.is_off {
            return None;
        }
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut []);
        let Ok(Status::Complete(len)) = head.parse_with_uninit_headers(input, &mut headers) else { return None };
        if head.version != Some(1) || len > MAX_HEADER_BYTES {
            return None;
        }
        match head.method? {
            "GET" => Some((Request::Poll(self.poll(&head)?), len)),
            "POST" => {
                let post = self.post(&head, &input[len..])?;
                let len = len + post.body.len();
                Some((Request::Post(post), len))
            }
            _ => None,
        }
    }

    fn poll<'a>(&mut self, head: &httparse::Request<'_, 'a>) -> Option<Poll<'a>> {
        let poll = poll(head.path?)?;
        let Fields { content_length: None, if_none_match, .. } = self.fields(head)? else { return None };
        Some(Poll { if_none_match, ..poll })
    }

    /// Reads a publication whose body has arrived with its head. For any other, the HTTP library has the deadline.
    fn post<'a>(&mut self, head: &httparse::Request<'_, 'a>, after_head: &'a [u8]) -> Option<Post<'a>> {
        let post = post(head.path?)?;
        let Fields { content_length, content_type, .. } = self.fields(head)?;
        let len = length(content_length?)?;
        let is_allowed = self.max_body.is_some_and(|most| len <= most);
        is_allowed.then_some(Post { content_type, body: after_head.get(..len)?, ..post })
    }

    /// Returns the headers that matter, if this address answers the sender.
    fn fields<'a>(&mut self, head: &httparse::Request<'_, 'a>) -> Option<Fields<'a>> {
        let fields = Fields::read(head.headers, &self.access)?;
        self.admits(fields.host?).then_some(fields)
    }

    /// Whether a program may send requests to this host. Those that a page sends have an `Origin`, and do not come here.
    fn admits(&mut self, host: &[u8]) -> bool {
        if self.host.as_deref() == Some(host) {
            return true;
        }
        let request = http::Request::get("/").header(header::HOST, host).body(());
        let is_admitted =
            host.len() <= MAX_HOST_BYTES && request.is_ok_and(|request| self.access.admit(&request).is_ok());
        if is_admitted {
            self.host = Some(host.into());
        }
        is_admitted
    }
}

/// Reads the target of a poll without percent-encoding, whose parameters are known and occur only once.
fn poll(target: &str) -> Option<Poll<'static>> {
    let (path, query) = parts(target);
    let transport = Transport::of_path(path).filter(|transport| !transport.is_push())?;
    let mut poll = Poll { transport, cursor: None, hold: None, if_none_match: None };
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        match pair.split_once('=')? {
            (AFTER, text) if poll.cursor.is_none() => poll.cursor = Some(text.parse().ok()?),
            (HOLD, text) if poll.hold.is_none() => poll.hold = Some(hold(text)?),
            _ => return None,
        }
    }
    Some(poll)
}

/// Reads the target of a publication, which has no parameter but the transport.
fn post(target: &str) -> Option<Post<'static>> {
    let transport = match parts(target) {
        (PUBLISH_PATH, None) => None,
        (PUBLISH_PATH, Some(query)) if !query.contains('&') => Some(Transport::of_publish_query(query)?),
        _ => return None,
    };
    Some(Post { transport, content_type: None, body: &[] })
}

/// Returns the path and the query of a target.
fn parts(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

fn hold(text: &str) -> Option<Duration> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    is_plain.then(|| long_polling::parse_hold(text))?
}

/// The headers that matter.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    if_none_match: Option<&'a str>,
    content_length: Option<&'a [u8]>,
    content_type: Option<&'a str>,
}

/// What a header means.
#[derive(Clone, Copy)]
enum Meaning {
    Host,
    IfNoneMatch,
    ContentLength,
    ContentType,
    Connection,
    /// It may contain the token.
    Credentials,
    /// It changes what the request is, or who sent it.
    Decisive,
}

/// The headers that mean something; any other does not change the answer.
const MEANINGS: [(&str, Meaning); 12] = [
    ("host", Meaning::Host),
    ("if-none-match", Meaning::IfNoneMatch),
    ("content-length", Meaning::ContentLength),
    ("content-type", Meaning::ContentType),
    ("connection", Meaning::Connection),
    ("authorization", Meaning::Credentials),
    ("cookie", Meaning::Credentials),
    ("content-encoding", Meaning::Decisive),
    ("transfer-encoding", Meaning::Decisive),
    ("expect", Meaning::Decisive),
    ("upgrade", Meaning::Decisive),
    ("origin", Meaning::Decisive),
];

/// The beginning of other headers that change who sent the request.
const CROSS_ORIGIN: &[u8] = b"access-control-";

fn meaning(name: &str) -> Option<Meaning> {
    let known = MEANINGS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    let is_cross_origin =
        || name.as_bytes().get(..CROSS_ORIGIN.len()).is_some_and(|it| it.eq_ignore_ascii_case(CROSS_ORIGIN));
    known.map(|(_, meaning)| *meaning).or_else(|| is_cross_origin().then_some(Meaning::Decisive))
}

impl<'a> Fields<'a> {
    /// Returns what matters of a request that may be answered here, and that contains the token if it must.
    fn read(headers: &[httparse::Header<'a>], access: &Access) -> Option<Self> {
        let mut fields = Self::default();
        let mut is_trusted = !access.requires_token();
        for httparse::Header { name, value } in headers {
            match meaning(name) {
                None => {}
                Some(Meaning::Host) => set(&mut fields.host, *value)?,
                Some(Meaning::IfNoneMatch) => set(&mut fields.if_none_match, text(value)?)?,
                Some(Meaning::ContentLength) => set(&mut fields.content_length, *value)?,
                Some(Meaning::ContentType) => set(&mut fields.content_type, text(value)?)?,
                Some(Meaning::Connection) if value.eq_ignore_ascii_case(b"keep-alive") => {}
                Some(Meaning::Credentials) => {
                    is_trusted = is_trusted || access.is_token_in(name, text(value)?);
                }
                Some(Meaning::Connection | Meaning::Decisive) => return None,
            }
        }
        is_trusted.then_some(fields)
    }
}

/// Sets a header that may occur only once.
fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

/// Returns a value of visible ASCII characters.
fn text(value: &[u8]) -> Option<&str> {
    let is_visible = |byte: &u8| *byte == b'\t' || (b' '..=b'~').contains(byte);
    value.iter().all(is_visible).then(|| str::from_utf8(value).ok())?
}

/// Reads a number of digits only, without a sign (RFC 9110, section 8.6).
fn length(value: &[u8]) -> Option<usize> {
    let is_plain = value.iter().all(u8::is_ascii_digit);
    is_plain.then(|| str::from_utf8(value).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests;
