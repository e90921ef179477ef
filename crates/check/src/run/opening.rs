//! The steps of a case that open a connection: a request, the handshake of a WebSocket, or bytes as they are written.

use tokio::task::JoinSet;
use url::Url;

use super::case::{CaseRun, Miss};
use super::exchange::Exchange;
use crate::connection::{Connection, OpenError};
use crate::contract::{Endpoint, Profile, Step};
use crate::frames;
use crate::target::{Request, encoded, host_of, path_of, with_query};
use crate::trace::What;

/// What an exchange starts with.
struct Opening {
    name: String,
    url: Url,
    endpoint: Endpoint,
    method: String,
    key: Option<String>,
    bytes: Vec<u8>,
}

impl CaseRun<'_, '_> {
    /// Opens the exchanges of a step, all at the same time, and sends what they begin with.
    pub(super) async fn open(&mut self, step: &Step) -> Result<(), Miss> {
        let (name, count) = match step {
            Step::Request { name, count, .. } | Step::Upgrade { name, count, .. } => {
                (name, count.map_or(1, |count| count.of(self.size)))
            }
            Step::Raw { name, .. } => (name, 1),
            _ => return Ok(()),
        };
        let name = name.clone();
        let mut opening = JoinSet::new();
        for index in 0..count as usize {
            let start = self.opening(step, &name)?;
            let member = if count == 1 { start.name.clone() } else { format!("{}.{}", start.name, index + 1) };
            let dialer = self.context.target.dialer(&start.url, self.context.patience);
            let mut dialer = dialer.map_err(|error| cannot_open(&start, &error))?;
            if self.pauses(&name) {
                dialer = dialer.small_buffers();
            }
            let began = self.began;
            opening.spawn(async move {
                let opened = dialer.open(began).await;
                (index, Opening { name: member, ..start }, opened)
            });
        }
        let mut opened: Vec<_> = opening.join_all().await;
        opened.sort_by_key(|(index, ..)| *index);
        for (_, start, connection) in opened {
            self.begin(&name, start, connection).await?;
        }
        Ok(())
    }

    async fn begin(
        &mut self,
        group: &str,
        start: Opening,
        connection: Result<Connection, OpenError>,
    ) -> Result<(), Miss> {
        let connection = connection.map_err(|error| cannot_open(&start, &error))?;
        let index = self.exchanges.len();
        self.groups.entry(group.to_owned()).or_default().push(index);
        let Opening { name, endpoint, method, key, bytes, .. } = start;
        self.budget.add(connection.recording().clone());
        self.exchanges.push(Exchange { name, endpoint, method, key, connection });
        self.log.note(Some(index), What::Opened);
        self.transmit(index, &bytes).await
    }

    /// Whether the case stops reading on an exchange.
    fn pauses(&self, name: &str) -> bool {
        self.case.steps.iter().any(|step| matches!(step, Step::Pause { on } if on == name))
    }

    fn opening(&self, step: &Step, name: &str) -> Result<Opening, Miss> {
        match step {
            Step::Request { to, method, query, after, headers, version, body, .. } => {
                let default = if *to == Endpoint::Publish { "POST" } else { "GET" };
                let method = method.as_deref().unwrap_or(default);
                let (url, cursor) = self.place(*to, query.as_deref(), after.as_deref())?;
                let accept = match to {
                    Endpoint::Sse => "text/event-stream",
                    Endpoint::Poll | Endpoint::LongPoll => "application/json",
                    Endpoint::Websocket | Endpoint::Publish => "*/*",
                };
                let mut request = Request::new(method, &url, accept);
                request.version = version.as_deref().unwrap_or("1.1").to_owned();
                request.fields.extend(cursor);
                if let Some(body) = body {
                    request.body(&self.fill(body, |_| None)?);
                }
                self.finished(name, *to, url, request, headers)
            }
            Step::Upgrade { query, after, headers, .. } => {
                let (url, cursor) = self.place(Endpoint::Websocket, query.as_deref(), after.as_deref())?;
                let mut request = Request::new("GET", &url, "*/*");
                request.remove(["Accept", "Accept-Encoding"].into_iter());
                request.fields.extend(cursor);
                for (name, value) in
                    [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")]
                {
                    request.add(name, value);
                }
                request.add("Sec-WebSocket-Key", &frames::key());
                self.finished(name, Endpoint::Websocket, url, request, headers)
            }
            Step::Raw { to, bytes, .. } => {
                let (url, _) = self.place(*to, None, None)?;
                let key = frames::key();
                let bytes = self.fill(bytes, place_names(&url, &key))?;
                let method = bytes.split(' ').next().unwrap_or_default().to_owned();
                Ok(Opening {
                    name: name.to_owned(),
                    url,
                    endpoint: *to,
                    method,
                    key: Some(key),
                    bytes: bytes.into_bytes(),
                })
            }
            _ => Err(Miss::new("a step that opens a connection", "another")),
        }
    }

    /// The address of an endpoint, with the query of a step and the cursor to start from, and the field of that cursor if it
    /// is sent as one.
    fn place(
        &self,
        to: Endpoint,
        query: Option<&str>,
        after: Option<&str>,
    ) -> Result<(Url, Option<(String, String)>), Miss> {
        let target = self.context.target;
        let mut url = target.endpoint(to);
        if let Some(query) = query {
            url = with_query(&url, &self.fill(query, |_| None)?, false);
        }
        let Some(after) = after else { return Ok((url, None)) };
        let cursor = self.fill(after, |_| None)?;
        if to == Endpoint::Sse {
            return Ok((url, Some(("Last-Event-ID".to_owned(), cursor))));
        }
        let query = match target.profile {
            Profile::Feedlab => Some(format!("after={}", encoded(&cursor))),
            _ => target.mapping.query(&cursor),
        };
        let no_place = || {
            Miss::new(
                "a request after a cursor",
                "the place of the cursor in a request is unknown: specify it with --after 'NAME=$CURSOR'",
            )
        };
        Ok((with_query(&url, &query.ok_or_else(no_place)?, true), None))
    }

    /// A request with the fields of the user, and then those of the step.
    fn finished(
        &self,
        name: &str,
        endpoint: Endpoint,
        url: Url,
        mut request: Request,
        headers: &[String],
    ) -> Result<Opening, Miss> {
        request.replace(&self.context.target.headers);
        let key = frames::key();
        let lines: Vec<String> =
            headers.iter().map(|line| self.fill(line, place_names(&url, &key))).collect::<Result<_, _>>()?;
        request.remove(lines.iter().filter(|line| !line.contains(':')).map(|line| line.trim()));
        let fields: Vec<_> = lines.iter().filter_map(|line| line.split_once(':')).collect();
        let fields: Vec<_> =
            fields.into_iter().map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
        request.replace(&fields);
        let key = request.field("Sec-WebSocket-Key").map(str::to_owned);
        let bytes = request.bytes();
        Ok(Opening { name: name.to_owned(), url, endpoint, method: request.method, key, bytes })
    }
}

/// The names that stand for the place of a request.
pub(super) fn place_names(url: &Url, key: &str) -> impl Fn(&str) -> Option<String> {
    let (path, host, key) = (path_of(url), host_of(url), key.to_owned());
    move |name| match name {
        "PATH" => Some(path.clone()),
        "HOST" => Some(host.clone()),
        "KEY" => Some(key.clone()),
        _ => None,
    }
}

fn cannot_open(start: &Opening, error: &OpenError) -> Miss {
    Miss::new(format!("a connection to {}", host_of(&start.url)), error.to_string())
}
