//! Reads a poll of the usual form. It accepts nothing that the HTTP library would refuse, and nothing that could change
//! the answer in a way that it does not know.

use std::mem::MaybeUninit;
use std::str;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{self, header};
use feedlab_feed::transport::AFTER;
use feedlab_feed::wire::poll::HOLD;
use feedlab_feed::{Cursor, Transport};
use httparse::Status;

use crate::access::Access;
use crate::fields;
use crate::limits::{MAX_HEADER_BYTES, MAX_HEADERS};
use crate::transport::{long_polling, short_polling};

/// The longest `Host` that is read here, bytes: a name of 253, a colon and a port (RFC 1035, section 2.3.4).
const MAX_HOST_BYTES: usize = 259;

/// What an input begins with.
pub(crate) enum Request<'a> {
    /// A whole request that is answered here; it is the first `len` bytes of the input.
    Poll { poll: Poll<'a>, len: usize },
    /// Anything else, for the HTTP library: other paths, methods and versions, bodies, errors, incomplete heads.
    Library,
}

/// A request to one of the two polling endpoints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Poll<'a> {
    pub(crate) transport: Transport,
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

/// Reads requests to an address.
pub(super) struct Reader {
    access: Arc<Access>,
    /// Whether everything is for the HTTP library.
    is_off: bool,
    /// The last `Host` that was admitted: most clients send the same.
    host: Option<Box<[u8]>>,
}

impl Reader {
    pub(super) fn new(access: Arc<Access>, is_off: bool) -> Self {
        Self { is_off: is_off || access.allows_pages(), access, host: None }
    }

    pub(super) fn read<'a>(&mut self, input: &'a [u8]) -> Request<'a> {
        match self.poll(input) {
            Some((poll, len)) if !self.is_off => Request::Poll { poll, len },
            _ => Request::Library,
        }
    }

    fn poll<'a>(&mut self, input: &'a [u8]) -> Option<(Poll<'a>, usize)> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut []);
        let Ok(Status::Complete(len)) = request.parse_with_uninit_headers(input, &mut headers) else { return None };
        if request.method != Some("GET") || request.version != Some(1) || len > MAX_HEADER_BYTES {
            return None;
        }
        let poll = target(request.path?)?;
        let fields = Fields::read(request.headers, &self.access)?;
        self.admits(fields.host?).then_some((Poll { if_none_match: fields.if_none_match, ..poll }, len))
    }

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

/// Reads a target without percent-encoding, whose parameters are known and occur only once.
fn target(target: &str) -> Option<Poll<'static>> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
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

fn hold(text: &str) -> Option<Duration> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    is_plain.then(|| long_polling::parse_hold(text))?
}

/// The headers that matter.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    if_none_match: Option<&'a str>,
}

/// What a header means to a poll.
#[derive(Clone, Copy)]
enum Meaning {
    Host,
    IfNoneMatch,
    Connection,
    /// It may contain the token.
    Credentials,
    /// It changes what the request is, or who sent it.
    Decisive,
}

/// The headers that mean something; any other does not change the answer.
const MEANINGS: [(&str, Meaning); 10] = [
    ("host", Meaning::Host),
    ("if-none-match", Meaning::IfNoneMatch),
    ("connection", Meaning::Connection),
    ("authorization", Meaning::Credentials),
    ("cookie", Meaning::Credentials),
    ("content-length", Meaning::Decisive),
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

#[cfg(test)]
mod tests;
