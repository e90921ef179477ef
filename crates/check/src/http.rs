//! An HTTP/1.1 response (RFC 9112) in what a connection recorded, judged as a strict client does. It reads, and nothing
//! else: the same bytes always give the same response, however they are cut into chunks. Only how much is decoded of a
//! broken compression depends on them.

use std::time::Duration;

use bytes::Bytes;

use crate::connection::{End, Received};

use coding::Content;
use framing::Framing;
use head::Reader;

mod coding;
mod framing;
mod head;
mod line;
mod media;

pub(crate) use media::{is_event_stream, is_json, media_type};

/// What a response says before its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The version, as in `HTTP/1.1`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// The reason phrase; often empty.
    pub reason: String,
    /// The header fields, in order.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The first field of a name, whatever its case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All fields of a name, whatever its case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| &**value)
    }
}

/// A response, as far as it has arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Its head; `None` until it has arrived, or if it is malformed.
    pub head: Option<Head>,
    /// Its body, without chunked coding, gzip and deflate, with the times of arrival.
    pub body: Vec<(Duration, Bytes)>,
    /// Whether all of it has arrived.
    pub complete: bool,
    /// The first thing that is wrong with it.
    pub problem: Option<String>,
    /// What follows a 101, which ends HTTP on the connection.
    pub upgraded: Option<Vec<(Duration, Bytes)>>,
}

impl Response {
    /// The body as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes: Vec<&[u8]> = self.body.iter().map(|(_, bytes)| &**bytes).collect();
        String::from_utf8_lossy(&bytes.concat()).into_owned()
    }
}

/// Returns the response to a request with this method, as far as it has arrived. Interim responses are skipped.
#[must_use]
pub fn parse(received: &Received, method: &str) -> Response {
    let mut parser = Parser { method, state: State::default(), response: Response::default() };
    for (at, bytes) in &received.chunks {
        parser.push(*at, bytes.clone());
    }
    if let Some((at, end)) = &received.ended {
        parser.end(*at, end);
    }
    parser.response
}

struct Parser<'a> {
    method: &'a str,
    state: State,
    response: Response,
}

/// What comes next.
enum State {
    Head(Reader),
    Body(Framing, Content),
    Upgraded,
    /// The next response, if anything: holds what it begins with.
    Over(Vec<u8>),
    /// Nothing that can be read.
    Broken,
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Reader::default())
    }
}

impl Parser<'_> {
    fn push(&mut self, at: Duration, mut bytes: Bytes) {
        let mut content = Vec::new();
        while !bytes.is_empty() {
            if let Err(problem) = self.step(at, &mut bytes, &mut content) {
                self.state = State::Broken;
                self.note(problem);
            }
        }
        self.add(at, content);
    }

    /// Reads some of these bytes, and adds what they have of the body to `content`.
    fn step(&mut self, at: Duration, bytes: &mut Bytes, content: &mut Vec<u8>) -> Result<(), String> {
        match &mut self.state {
            State::Head(reader) => {
                if let Some(head) = reader.read(bytes)? {
                    self.begin(head)?;
                }
            }
            State::Body(framing, coding) => {
                coding.undo(&framing.take(bytes)?, content)?;
                self.conclude(content)?;
            }
            State::Upgraded => {
                self.response.upgraded.get_or_insert_default().push((at, std::mem::take(bytes)));
            }
            State::Over(start) => return follow(start, bytes),
            State::Broken => bytes.clear(),
        }
        Ok(())
    }

    fn begin(&mut self, head: Head) -> Result<(), String> {
        if (100..200).contains(&head.status) && head.status != 101 {
            self.state = State::default();
            return Ok(());
        }
        let head = self.response.head.insert(head);
        if head.status == 101 {
            self.state = State::Upgraded;
            self.response.upgraded = Some(Vec::new());
            self.response.complete = true;
            return Ok(());
        }
        let (framing, ambiguity) = Framing::of(head, self.method)?;
        let (coding, unknown) = Content::of(head);
        self.state = State::Body(framing, coding);
        for problem in ambiguity.into_iter().chain(unknown) {
            self.note(problem);
        }
        self.conclude(&mut Vec::new())
    }

    /// Ends the response, if its body is complete.
    fn conclude(&mut self, content: &mut Vec<u8>) -> Result<(), String> {
        if let State::Body(framing, coding) = &mut self.state
            && framing.is_over()
        {
            coding.finish(content)?;
            self.response.complete = true;
            self.state = State::Over(Vec::new());
        }
        Ok(())
    }

    /// The server has ended the connection.
    fn end(&mut self, at: Duration, end: &End) {
        let mut content = Vec::new();
        match &mut self.state {
            State::Head(reader) if reader.has_begun() => {
                self.note("the connection ended before the head of the response was complete".into());
            }
            State::Body(Framing::UntilClose, coding) if *end == End::Fin => match coding.finish(&mut content) {
                Ok(()) => self.response.complete = true,
                Err(problem) => self.note(problem),
            },
            _ => {}
        }
        self.add(at, content);
    }

    fn add(&mut self, at: Duration, content: Vec<u8>) {
        if !content.is_empty() {
            self.response.body.push((at, content.into()));
        }
    }

    /// Keeps the first problem.
    fn note(&mut self, problem: String) {
        self.response.problem.get_or_insert(problem);
    }
}

/// Checks that what follows a response is another one: what `start` holds, and then `bytes`.
fn follow(start: &mut Vec<u8>, bytes: &mut Bytes) -> Result<(), String> {
    const NEXT: &[u8] = b"HTTP/";
    start.extend(bytes.iter().take(NEXT.len() - start.len()));
    bytes.clear();
    if NEXT.starts_with(start) {
        return Ok(());
    }
    Err("bytes follow the end of the response: its Content-Length is too small, or it may have no body".into())
}

#[cfg(test)]
mod tests;
