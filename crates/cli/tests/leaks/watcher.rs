//! Clients that read a stream normally, and check that they receive every update, in order.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crate::client::Kind;
use crate::server::Server;

/// A client in a separate thread, which reads until the server stops.
pub(crate) struct Watcher {
    kind: Kind,
    /// The last `seq` received.
    seen: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Watcher {
    /// Starts to read, from the current update.
    pub(crate) fn start(server: &Server, kind: Kind) -> Self {
        let stream = kind.connect(server.endpoint);
        let seen = Arc::new(AtomicU64::new(0));
        let thread = {
            let seen = seen.clone();
            std::thread::spawn(move || match kind {
                Kind::Sse => read_events(stream, &seen),
                _ => read_messages(stream, &seen),
            })
        };
        Self { kind, seen, thread }
    }

    /// Waits until it has received everything up to a `seq`.
    pub(crate) fn reach(&self, seq: u64) {
        while self.seen.load(Ordering::Relaxed) < seq {
            assert!(!self.thread.is_finished(), "{:?}: missed something: see above", self.kind);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

fn next(seen: &AtomicU64, seq: u64) {
    let before = seen.swap(seq, Ordering::Relaxed);
    assert!(before == 0 || seq == before + 1, "{seq} after {before}");
}

fn read_events(stream: TcpStream, seen: &AtomicU64) {
    for line in BufReader::with_capacity(1 << 18, stream).split(b'\n') {
        let Ok(line) = line else { return };
        let Some(cursor) = line.strip_prefix(b"id: ") else { continue };
        let seq = std::str::from_utf8(cursor).unwrap().split_once('.').unwrap().1.parse().unwrap();
        // The first one is the cursor where the stream starts.
        next(seen, seq);
    }
}

/// Reads frames of RFC 6455, section 5.2, as a server sends them: unmasked.
fn read_messages(stream: TcpStream, seen: &AtomicU64) {
    let mut reader = BufReader::with_capacity(1 << 18, stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        reader.read_until(b'\n', &mut head).unwrap();
    }
    while let Ok((kind, payload)) = read_frame(&mut reader) {
        match kind {
            1 => {
                let message: serde_json::Value = serde_json::from_slice(&payload).unwrap();
                match message["seq"].as_u64() {
                    Some(seq) => next(seen, seq),
                    None => assert!(message["hello"].is_object(), "{message}"),
                }
            }
            // A ping: send its payload back, masked with zeros.
            9 => {
                let pong = [&[0x8A, 0x80 | payload.len() as u8, 0, 0, 0, 0], &payload[..]].concat();
                let _ = reader.get_mut().write_all(&pong);
            }
            // The server shuts down.
            8 => return,
            other => panic!("a frame of kind {other}"),
        }
    }
}

fn read_frame(reader: &mut BufReader<TcpStream>) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    reader.read_exact(&mut head)?;
    let more = match head[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut len = [0; 8];
    reader.read_exact(&mut len[8 - more..])?;
    let len = if more == 0 { u64::from(head[1]) } else { u64::from_be_bytes(len) };
    let mut payload = vec![0; len as usize];
    reader.read_exact(&mut payload)?;
    Ok((head[0] & 0xF, payload))
}
