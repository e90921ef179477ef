//! A server that has no more file descriptors.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use feedlab_testkit::{Feedlab, PATIENCE};
use serde_json::Value;

use super::processes::until;

/// A server that reads its feed from standard input, with this many descriptors.
fn server(descriptors: u32) -> Feedlab {
    let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
    let binary = assert_cmd::cargo::cargo_bin!("feedlab").to_str().expect("UTF-8");
    let arguments = ["-c", &script, binary, "serve", "--feed", "stdin", "--control", "127.0.0.1:0"];
    Feedlab::start(Feedlab::command(Path::new("sh"), &arguments))
}

/// A connection.
struct Client {
    stream: TcpStream,
    received: String,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the kernel accepts it");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { stream, received: String::new() }
    }

    fn ask(&mut self, path: &str) {
        // The server may have refused the connection already.
        let _ = self.stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
    }

    /// Reads up to a text, and returns what came before it; `None` at the end of the connection.
    fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some((before, rest)) = self.received.split_once(end) {
                let before = before.to_owned();
                self.received = rest.to_owned();
                return Some(before);
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
            self.received.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    /// Opens a stream, and returns whether the server accepts it; it must say so otherwise.
    fn open(address: SocketAddr) -> Result<Self, ()> {
        let mut client = Self::connect(address);
        client.ask("/feed/sse");
        let head = client.until("\r\n\r\n").expect("an answer, not only an end");
        if head.starts_with("HTTP/1.1 200") {
            return Ok(client);
        }
        assert!(head.starts_with("HTTP/1.1 503") && head.contains("Retry-After: 5"), "{head}");
        assert_eq!(client.until("limit\n").as_deref(), Some("this server has reached its connection "));
        assert_eq!(client.until("anything else"), None, "it is closed");
        Err(())
    }

    /// The figures of the server, on a control connection that stays open.
    fn stats(&mut self) -> Value {
        self.ask("/stats");
        let head = self.until("\r\n\r\n").expect("an answer");
        let len = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()?.parse().ok());
        let len: usize = len.unwrap_or_else(|| panic!("{head}"));
        while self.received.len() < len {
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).expect("the rest");
            self.received.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        serde_json::from_str(&self.received.split_off(0)).expect("JSON")
    }
}

#[test]
fn new_clients_are_refused_clearly_and_old_ones_notice_nothing() {
    let mut server = server(64);
    let address = server.address();
    let mut control = Client::connect(server.control());
    assert_eq!(control.stats()["connections"]["refused"], 0);
    let mut streams = Vec::new();
    while let Ok(stream) = Client::open(address) {
        streams.push(stream);
        assert!(streams.len() < 64, "there are not that many descriptors");
    }
    assert!(streams.len() >= 20, "{} streams", streams.len());
    let mut refused = 1;
    for update in ["one", "two"] {
        for _ in 0..5 {
            assert!(Client::open(address).is_err(), "there is still no room");
            refused += 1;
        }
        server.write_line(update);
        for stream in &mut streams {
            stream.until(&format!("\"data\":\"{update}\"")).expect("an old stream gets every update");
        }
    }
    let connections = control.stats()["connections"].clone();
    assert_eq!((&connections["refused"], &connections["open"]), (&refused.into(), &streams.len().into()));

    let left = streams.split_off(streams.len() - 5);
    drop(left);
    until("those who left are gone", || control.stats()["connections"]["open"] == streams.len());
    let mut again = Vec::new();
    for _ in 0..3 {
        again.push(Client::open(address).expect("there is room again"));
    }
    server.write_line("three");
    for stream in streams.iter_mut().chain(&mut again) {
        stream.until("\"data\":\"three\"").expect("old and new streams get it");
    }
    assert_eq!(control.stats()["connections"]["refused"], refused);
    assert_eq!(server.terminate(), Some(0));
}
