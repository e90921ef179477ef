//! The requests on one connection, parsed as far as the test server needs them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;

/// One request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// `Sec-WebSocket-Key`.
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
}

/// Reads requests until the connection ends, or something else arrives.
pub(crate) struct Requests(BufReader<TcpStream>);

impl Requests {
    pub(crate) fn of(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn next(&mut self) -> Option<Request> {
        let first = self.0.fill_buf().ok()?.first()?;
        if !first.is_ascii_uppercase() {
            return None; // a WebSocket frame: masked, and its first byte has the highest bit set
        }
        let mut request = Request::default();
        let line = self.line()?;
        let target = line.split(' ').nth(1)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        path.clone_into(&mut request.path);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        request.query = pairs.map(|(name, value)| (name.into(), value.into())).collect();
        let mut length = 0;
        while let Some((name, value)) = self.line()?.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "sec-websocket-key" => value.clone_into(&mut request.key),
                "content-length" => length = value.parse().ok()?,
                _ => {}
            }
        }
        request.body = vec![0; length];
        self.0.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    }
}
