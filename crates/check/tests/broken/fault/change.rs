//! What a broken server makes of an event stream.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Fault;
use super::request::Request;

/// How the body of an event stream is changed.
pub(super) enum Change {
    Type,
    NoBlankLine,
    IdAfterData(Vec<u8>),
    Blocks(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl Change {
    pub(super) fn of(fault: Fault, request: &Request) -> Option<Self> {
        let gzip = || request.field("accept-encoding").is_some_and(|value| value.contains("gzip"));
        let change = match fault {
            Fault::WrongContentType => Self::Type,
            Fault::NoBlankLine => Self::NoBlankLine,
            Fault::IdAfterData => Self::IdAfterData(Vec::new()),
            Fault::NoFlush => Self::Blocks(Vec::new()),
            Fault::GzipWithoutFlush if gzip() => Self::Gzip(GzEncoder::new(Vec::new(), Compression::default())),
            _ => return None,
        };
        // A client of HTTP/1.0 gets what a server without the fault sends: its answer has no chunks to put anything into.
        let is_stream = request.is_for("/feed/sse") && request.lines[0].ends_with("HTTP/1.1");
        is_stream.then_some(change)
    }

    /// Returns the head of the answer, which the server wrote for a client of HTTP/1.0.
    pub(super) fn head(&self, head: &str) -> String {
        let mut lines: Vec<&str> =
            head.trim_end().split("\r\n").filter(|line| !line.starts_with("connection:")).collect();
        let status = lines[0].replace("HTTP/1.0", "HTTP/1.1");
        lines[0] = &status;
        if matches!(self, Self::Type) {
            lines.retain(|line| !line.starts_with("content-type:"));
            lines.push("content-type: text/plain");
        }
        if matches!(self, Self::Gzip(_)) {
            lines.push("content-encoding: gzip");
        }
        lines.join("\r\n") + "\r\ntransfer-encoding: chunked\r\n\r\n"
    }

    /// Takes bytes of the body, and returns those that are sent now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Type => bytes.to_vec(),
            Self::NoBlankLine => String::from_utf8_lossy(bytes).replace("\n\n", "\n").into_bytes(),
            Self::IdAfterData(held) => {
                let new = held.len().saturating_sub(1);
                held.extend_from_slice(bytes);
                let end = held[new..].windows(2).rposition(|window| window == b"\n\n");
                let Some(end) = end else { return Vec::new() };
                let rest = held.split_off(new + end + 2);
                let blocks = String::from_utf8_lossy(&std::mem::replace(held, rest)).into_owned();
                blocks.split_inclusive("\n\n").map(id_behind).collect::<String>().into_bytes()
            }
            Self::Blocks(held) => {
                held.extend_from_slice(bytes);
                if held.len() < 1 << 14 { Vec::new() } else { std::mem::take(held) }
            }
            Self::Gzip(encoder) => {
                encoder.write_all(bytes).unwrap();
                std::mem::take(encoder.get_mut())
            }
        }
    }
}

/// Returns an event's block with its id in a block behind it.
fn id_behind(block: &str) -> String {
    let (ids, rest): (Vec<&str>, Vec<&str>) = block.split_inclusive('\n').partition(|line| line.starts_with("id:"));
    let has_data = rest.iter().any(|line| line.starts_with("data:"));
    if has_data { format!("{}{}\n", rest.concat(), ids.concat()) } else { block.to_owned() }
}
