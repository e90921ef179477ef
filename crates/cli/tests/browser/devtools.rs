//! The browser's own DevTools endpoint, for what chromedriver does not allow: contexts that share no storage.
//!
//! A WebSocket client for two commands (RFC 6455): one frame there, and frames back until the one with the result.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// How long the browser may take for a command.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct DevTools {
    stream: BufReader<TcpStream>,
}

impl DevTools {
    /// Connects to the browser with this profile, which says where it listens.
    pub(crate) fn of(profile: &Path) -> Self {
        let place = std::fs::read_to_string(profile.join("DevToolsActivePort")).unwrap();
        let (port, path) = place.trim().split_once('\n').unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut tools = Self { stream: BufReader::new(stream) };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        tools.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(tools.stream.read_line(&mut line).unwrap() > 0, "the browser refuses DevTools");
        }
        tools
    }

    /// Opens an empty page in a new window of a new context.
    pub(crate) fn open_apart(&mut self) {
        let context = self.call("Target.createBrowserContext", &json!({}));
        let target =
            json!({ "url": "about:blank", "browserContextId": context["browserContextId"], "newWindow": true });
        self.call("Target.createTarget", &target);
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        let text = json!({ "id": 1, "method": method, "params": params }).to_string();
        // A client must mask; with a key of zeros, the payload stays as it is.
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        let head = [0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0];
        self.stream.get_mut().write_all(&[&head, text.as_bytes()].concat()).unwrap();
        loop {
            let message: Value = serde_json::from_slice(&self.frame()).unwrap();
            if message["id"] == 1 {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn frame(&mut self) -> Vec<u8> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).unwrap();
        let mut length = u64::from(head[1]);
        let more = match length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if more > 0 {
            let mut bytes = [0; 8];
            self.stream.read_exact(&mut bytes[8 - more..]).unwrap();
            length = u64::from_be_bytes(bytes);
        }
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).unwrap();
        payload
    }
}
